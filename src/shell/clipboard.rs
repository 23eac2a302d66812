//! Copies a text: to the terminal's clipboard by OSC 52, which reaches the reader's own machine through SSH, and always to a
//! file in the home. A terminal does not answer OSC 52, so nobody knows whether it took the text.

use super::thread::{Incoming, spawn};
use app::{CopiedText, Event};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::mpsc::Sender;
use store::Home;
use store::files::write_atomically;

/// The longest text that is sent, in base64: many terminals take no more and drop what is longer.
const LONGEST: usize = 74_994;

/// What the notebook runs in, as far as copying goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    Plain,
    /// tmux passes OSC 52 on by itself where `set-clipboard` is on, and whatever is wrapped for it where
    /// `allow-passthrough` is.
    Tmux,
    /// One that has no clipboard.
    WithoutClipboard,
}

impl Terminal {
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        if matches!(env("TERM").as_deref(), Some("linux" | "dumb")) {
            Self::WithoutClipboard
        } else if env("TMUX").is_some_and(|tmux| !tmux.is_empty()) {
            Self::Tmux
        } else {
            Self::Plain
        }
    }

    /// The bytes that put a text into the clipboard.
    ///
    /// # Errors
    /// If nothing can be sent, with the reason as the end of a sentence.
    pub fn sequence(self, text: &str) -> Result<Vec<u8>, String> {
        if self == Self::WithoutClipboard {
            return Err("this terminal has no clipboard".into());
        }
        let encoded = STANDARD.encode(text);
        if encoded.len() > LONGEST {
            let bytes = text.len() / 1000;
            return Err(format!("{bytes} kB are more than terminals take"));
        }
        let plain = format!("\x1b]52;c;{encoded}\x07");
        let wrapped = if self == Self::Tmux {
            format!("\x1bPtmux;{}\x1b\\", plain.replace('\x1b', "\x1b\x1b"))
        } else {
            String::new()
        };
        Ok(format!("{plain}{wrapped}").into_bytes())
    }
}

/// Writes a text to the home's file on a thread of its own, as the disk may be slow, and says in a notice what was done with it.
/// `sent` is what became of it in the terminal.
pub fn save(home: &Home, events: &Sender<Incoming>, copied: CopiedText, sent: Result<(), String>) -> io::Result<()> {
    let (home, sender) = (home.clone(), events.clone());
    spawn("copy", events, move || {
        let path = home.copied();
        let written = home.prepare().map_err(|error| error.to_string()).and_then(|()| write(&path, &copied.text));
        let notice = describe(&copied.what, sent, written.map(|()| path.display().to_string()));
        // The send fails if the notebook has quit; then nobody reads the notice.
        let _ = sender.send(Incoming::Event(Event::Notice(notice)));
    })
}

/// Writes a text to this file, or to the one that a link there leads to, which keeps its mode and its owner.
///
/// # Errors
/// Why it can't be written there, as part of a sentence.
fn write(path: &Path, text: &str) -> Result<(), String> {
    let fault = |error: io::Error| format!("{} can't be written: {error}", path.display());
    if !path.symlink_metadata().is_ok_and(|meta| meta.is_symlink()) {
        return write_atomically(path, text.as_bytes()).map_err(fault);
    }
    let target = path.canonicalize().map_err(|error| format!("the link {} leads nowhere: {error}", path.display()))?;
    if !target.is_file() {
        return Err(format!("{} is a link to {}, which is no file", path.display(), target.display()));
    }
    fs::write(&target, text).map_err(fault)
}

/// What was done with a copied text.
fn describe(what: &str, sent: Result<(), String>, written: Result<String, String>) -> String {
    match (sent, written) {
        (Ok(()), Ok(path)) => format!("{what}: sent to the terminal's clipboard; also in {path}"),
        (Ok(()), Err(fault)) => format!("{what}: sent to the terminal's clipboard; {fault}"),
        (Err(why), Ok(path)) => format!("{what}: in {path} ({why})"),
        (Err(why), Err(fault)) => format!("{what}: not copied: {why}, and {fault}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_sequence_and_for_tmux_a_wrapped_one_too() {
        assert_eq!(Terminal::Plain.sequence("1.37 %").unwrap(), b"\x1b]52;c;MS4zNyAl\x07");
        assert_eq!(
            Terminal::Tmux.sequence("1.37 %").unwrap(),
            b"\x1b]52;c;MS4zNyAl\x07\x1bPtmux;\x1b\x1b]52;c;MS4zNyAl\x07\x1b\\"
        );
        assert!(Terminal::WithoutClipboard.sequence("1.37 %").is_err());
    }

    /// Three bytes are four characters.
    #[test]
    fn a_text_that_terminals_would_drop_is_not_sent() {
        assert_eq!(Terminal::Plain.sequence(&"x".repeat(56_244)).unwrap().len(), 74_992 + 8);
        let why = Terminal::Plain.sequence(&"x".repeat(56_248)).unwrap_err();
        assert_eq!(
            describe("the data", Err(why), Ok("/home/copied.txt".into())),
            "the data: in /home/copied.txt (56 kB are more than terminals take)"
        );
    }

    #[test]
    fn a_link_is_followed_to_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("copied.txt"), folder.path().join("notes.txt"));
        write(&link, "plain").unwrap();
        fs::rename(&link, &target).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write(&link, "through").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "through");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        fs::remove_file(&target).unwrap();
        assert!(write(&link, "x").unwrap_err().contains("leads nowhere"));
        fs::create_dir(&target).unwrap();
        assert!(write(&link, "x").unwrap_err().contains("no file"));
    }

    #[test]
    fn the_terminal_is_known_by_its_environment() {
        let detect = |variables: &[(&str, &str)]| {
            Terminal::detect(|name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into())
            })
        };
        assert_eq!(detect(&[("TERM", "xterm-256color")]), Terminal::Plain);
        assert_eq!(detect(&[("TERM", "tmux-256color"), ("TMUX", "/tmp/tmux-0/default,1,0")]), Terminal::Tmux);
        assert_eq!(detect(&[("TERM", "linux")]), Terminal::WithoutClipboard);
    }

    #[test]
    fn a_notice_says_what_was_done() {
        let path = || Ok("/home/copied.txt".to_string());
        assert_eq!(
            describe("the study", Ok(()), path()),
            "the study: sent to the terminal's clipboard; also in /home/copied.txt"
        );
        assert_eq!(
            describe("the study", Ok(()), Err("/home/copied.txt can't be written: no space".into())),
            "the study: sent to the terminal's clipboard; /home/copied.txt can't be written: no space"
        );
    }
}
