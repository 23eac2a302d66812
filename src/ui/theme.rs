//! What meaning looks like: colours for what the terminal has, glyphs for what its font has.

use crate::lesson;
pub use crate::lesson::Glyphs;
use crate::protocol::Source;
use ratatui::style::{Color, Modifier, Style};

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    TrueColour,
    Indexed,
    Sixteen,
    /// `NO_COLOR`, or a terminal without: attributes alone.
    None,
}

#[derive(Clone, Copy, Debug)]
pub struct Theme {
    pub palette: Palette,
    pub glyphs: Glyphs,
}

impl Theme {
    /// By the environment alone: no terminal is asked before the first frame.
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        let palette = if set("NO_COLOR").is_some() {
            Palette::None
        } else if set("COLORTERM").is_some_and(|v| v.contains("truecolor") || v.contains("24bit")) {
            Palette::TrueColour
        } else if term.contains("256") {
            Palette::Indexed
        } else if term.starts_with("vt") || term.is_empty() {
            Palette::None
        } else {
            Palette::Sixteen
        };
        Self { palette, glyphs: Glyphs::detect(env) }
    }

    /// One meaning in three palettes.
    fn pick(&self, rgb: (u8, u8, u8), indexed: u8, sixteen: Color) -> Style {
        match self.palette {
            Palette::TrueColour => Style::new().fg(Color::Rgb(rgb.0, rgb.1, rgb.2)),
            Palette::Indexed => Style::new().fg(Color::Indexed(indexed)),
            Palette::Sixteen => Style::new().fg(sixteen),
            Palette::None => Style::new(),
        }
    }

    pub fn accent(&self) -> Style {
        self.pick((122, 190, 255), 111, Color::Cyan)
    }

    /// Colour of the nth arm; never the only thing that tells it apart.
    pub fn arm(&self, number: usize) -> Style {
        match number % 10 {
            0 => self.pick((255, 176, 92), 215, Color::Yellow),
            1 => self.pick((122, 190, 255), 111, Color::Cyan),
            2 => self.pick((160, 220, 140), 150, Color::Green),
            3 => self.pick((226, 150, 230), 176, Color::Magenta),
            4 => self.pick((240, 226, 120), 228, Color::LightYellow),
            5 => self.pick((96, 214, 200), 79, Color::LightCyan),
            6 => self.pick((176, 170, 255), 147, Color::LightBlue),
            7 => self.pick((206, 206, 206), 252, Color::Gray),
            8 => self.pick((204, 160, 122), 180, Color::White),
            _ => self.pick((255, 196, 208), 224, Color::LightMagenta),
        }
    }

    /// The mark at the nth arm's points: more of them than any plot has curves, and none that an axis or a named point
    /// has.
    pub fn marker(&self, number: usize) -> &'static str {
        const RICH: [&str; 16] = ["●", "▲", "■", "◆", "○", "△", "□", "◇", "★", "▼", "☆", "▽", "▶", "◀", "▷", "◁"];
        const PLAIN: [&str; 16] = ["o", "x", "#", "*", "@", "%", "&", "$", "a", "b", "c", "d", "e", "f", "g", "h"];
        match self.glyphs {
            Glyphs::Unicode => RICH[number % RICH.len()],
            Glyphs::Ascii => PLAIN[number % PLAIN.len()],
        }
    }

    /// What others published.
    pub fn cited(&self) -> Style {
        self.pick((240, 110, 130), 204, Color::Red)
    }

    /// What stands in a plot beside its curves, by where it comes from.
    pub fn source(&self, source: &Source) -> Style {
        match source {
            Source::Measured => self.accent(),
            Source::Theory(_) => self.strong(),
            Source::Cited(_) => self.cited(),
        }
    }

    /// A named point of a plot.
    pub fn mark(&self) -> &'static str {
        if self.glyphs == Glyphs::Ascii { "+" } else { "✕" }
    }

    pub fn faint(&self) -> Style {
        match self.palette {
            Palette::None => Style::new().add_modifier(Modifier::DIM),
            _ => self.pick((128, 136, 150), 245, Color::DarkGray),
        }
    }

    pub fn good(&self) -> Style {
        self.pick((160, 220, 140), 150, Color::Green)
    }

    pub fn bad(&self) -> Style {
        self.pick((240, 110, 130), 204, Color::Red).add_modifier(Modifier::BOLD)
    }

    #[allow(clippy::unused_self)]
    pub fn strong(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    #[allow(clippy::unused_self)]
    pub fn selected(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The look of a lesson's span.
    pub fn prose(&self, span: &lesson::Span) -> Style {
        use lesson::{Style as S, Token};
        let link = span.target.is_some();
        let look = match span.style {
            S::Text => Style::new(),
            S::Emphasis | S::Quote => Style::new().add_modifier(Modifier::ITALIC),
            S::Strong | S::Subheading => self.strong(),
            S::Code => self.pick((206, 172, 240), 183, Color::Magenta),
            S::Token(Token::Keyword) => self.pick((206, 172, 240), 183, Color::Magenta).add_modifier(Modifier::BOLD),
            S::Token(Token::Name) => self.accent(),
            S::Token(Token::Text) => self.good(),
            S::Token(Token::Constant) => self.arm(0),
            S::Token(Token::Comment) => self.faint().add_modifier(Modifier::ITALIC),
            S::Math => self.pick((168, 218, 200), 152, Color::Green),
            S::Title => self.accent().add_modifier(Modifier::BOLD),
            S::Heading => self.arm(0).add_modifier(Modifier::BOLD),
            S::Frame | S::Faint => self.faint(),
        };
        if link { self.accent().patch(look).add_modifier(Modifier::UNDERLINED) } else { look }
    }

    /// Text in the characters that the terminal has.
    pub fn text(&self, text: &str) -> String {
        self.glyphs.text(text)
    }

    /// The same for what was measured: findings and tables write a spread as `+-`.
    pub fn measured(&self, text: &str) -> String {
        self.text(&text.replace("+-", "±"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides() {
        let detect = |pairs: &[(&str, &str)]| {
            Theme::detect(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, v)| v.to_string()))
        };
        let rich = detect(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LANG", "en_US.UTF-8")]);
        assert_eq!((rich.palette, rich.glyphs), (Palette::TrueColour, Glyphs::Unicode));
        let plain = detect(&[("TERM", "xterm-256color"), ("NO_COLOR", "1"), ("LANG", "C")]);
        assert_eq!((plain.palette, plain.glyphs), (Palette::None, Glyphs::Ascii));
        assert_eq!(detect(&[("TERM", "screen"), ("LC_ALL", "C.UTF-8")]).palette, Palette::Sixteen);
    }
}
