//! How images are shown: what the reader chose, else what the environment says, else what the terminal answers, however
//! late. No answer means half blocks.

use app::{ImageChoice, ImageProtocol, ImageSupport};

/// The number of the image in the query for Kitty's protocol, as a key of the answer.
pub const KITTY_QUERY_KEY: &str = "i=31";
/// Asks whether an image of one pixel could be shown. Source: Kitty's graphics protocol, "Querying support".
const KITTY_QUERY: &[u8] = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\";
/// XTVERSION: name and version of the terminal.
const VERSION_QUERY: &[u8] = b"\x1b[>q";
/// The size of a cell in pixels.
pub const CELL_SIZE_QUERY: &[u8] = b"\x1b[16t";
/// DA1: the terminal's attributes. Nearly every terminal answers it, and in turn, so it comes last.
const ATTRIBUTES_QUERY: &[u8] = b"\x1b[c";

/// The programs that show images by iTerm2's protocol, as they name themselves.
pub const ITERM_PROGRAMS: [&str; 2] = ["iTerm2", "WezTerm"];

/// The environment's part in how images are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageQueries {
    /// What is known before the terminal has answered.
    pub support: ImageSupport,
    /// What to ask the terminal.
    pub bytes: Vec<u8>,
}

impl ImageQueries {
    /// `has_images` is false where there may be none: without colours, or in ASCII. `is_mute` is true for a terminal that
    /// would print a query.
    pub fn detect(choice: ImageChoice, has_images: bool, is_mute: bool, env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        if !has_images || choice == ImageChoice::Blocks {
            return Self { support: ImageSupport::new(ImageChoice::Blocks, None), bytes: Vec::new() };
        }
        let term = set("TERM").unwrap_or_default();
        // A program between the notebook and the terminal shows images itself or not at all. What the environment says of
        // the terminal does not hold for it.
        let is_inside = ["TMUX", "STY", "ZELLIJ"].iter().any(|name| set(name).is_some())
            || ["tmux", "screen"].iter().any(|name| term.starts_with(name));
        let program = set("TERM_PROGRAM").unwrap_or_default();
        let is_iterm = ["iTerm.app", "WezTerm"].contains(&program.as_str())
            || set("LC_TERMINAL").is_some_and(|name| ITERM_PROGRAMS.contains(&name.as_str()));
        let known = (is_iterm && !is_inside).then_some(ImageProtocol::Iterm);
        let mut bytes = Vec::new();
        if !is_mute {
            if choice == ImageChoice::Auto && !is_inside {
                // macOS's Terminal prints it.
                if program != "Apple_Terminal" {
                    bytes.extend_from_slice(KITTY_QUERY);
                }
                bytes.extend_from_slice(VERSION_QUERY);
            }
            bytes.extend_from_slice(CELL_SIZE_QUERY);
            bytes.extend_from_slice(ATTRIBUTES_QUERY);
        }
        Self { support: ImageSupport::new(choice, known), bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE_AND_ATTRIBUTES: &str = "\x1b[16t\x1b[c";

    fn detect(pairs: &[(&str, &str)]) -> (ImageSupport, String) {
        detect_for(ImageChoice::Auto, pairs)
    }

    fn detect_for(choice: ImageChoice, pairs: &[(&str, &str)]) -> (ImageSupport, String) {
        let env = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_string());
        let ImageQueries { support, bytes } = ImageQueries::detect(choice, true, false, env);
        (support, String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn a_terminal_is_asked_for_every_protocol() {
        let (support, asked) = detect(&[("TERM", "xterm-256color")]);
        assert_eq!(support, ImageSupport::default());
        assert_eq!(asked, format!("\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[>q{SIZE_AND_ATTRIBUTES}"));
        let (_, asked) = detect(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "Apple_Terminal")]);
        assert_eq!(asked, format!("\x1b[>q{SIZE_AND_ATTRIBUTES}"));
        for named in [("TERM_PROGRAM", "iTerm.app"), ("LC_TERMINAL", "iTerm2"), ("TERM_PROGRAM", "WezTerm")] {
            let iterm = ImageSupport::new(ImageChoice::Auto, Some(ImageProtocol::Iterm));
            assert_eq!(detect(&[("TERM", "xterm-256color"), named]).0, iterm, "{named:?}");
        }
    }

    #[test]
    fn within_tmux_only_sixel_is_asked_for() {
        for inside in [("TMUX", "/run/tmux,1,0"), ("TERM", "tmux-256color"), ("TERM", "screen"), ("STY", "1.pts")] {
            let (support, asked) = detect(&[inside, ("TERM", "xterm"), ("LC_TERMINAL", "iTerm2")]);
            assert_eq!((support, asked.as_str()), (ImageSupport::default(), SIZE_AND_ATTRIBUTES), "{inside:?}");
        }
    }

    #[test]
    fn the_readers_choice_comes_before_the_terminals_answer() {
        let sixel = ImageChoice::Protocol(ImageProtocol::Sixel);
        let (support, asked) = detect_for(sixel, &[("TERM", "tmux")]);
        assert_eq!((support, asked.as_str()), (ImageSupport::new(sixel, None), SIZE_AND_ATTRIBUTES));
        let nothing = (ImageSupport::new(ImageChoice::Blocks, None), String::new());
        assert_eq!(detect_for(ImageChoice::Blocks, &[("TERM_PROGRAM", "iTerm.app")]), nothing);
    }

    #[test]
    fn a_terminal_without_colours_and_one_that_prints_queries_are_not_asked() {
        let env = |name: &str| (name == "TERM_PROGRAM").then(|| "iTerm.app".to_string());
        let plain = ImageQueries::detect(ImageChoice::Auto, false, false, env);
        assert_eq!((plain.support.output(), plain.bytes), (None, Vec::new()));
        assert!(ImageQueries::detect(ImageChoice::Auto, true, true, env).bytes.is_empty());
    }
}
