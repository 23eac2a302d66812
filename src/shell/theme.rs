//! Which background the terminal has: what the reader says, else what the environment says, else what the terminal
//! answers, however late.

use app::{Background, BackgroundSource};
use std::str::FromStr;

/// What the reader may say of the colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThemeChoice {
    Light,
    Dark,
    #[default]
    Auto,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no theme; it may be light, dark or auto")]
pub struct NoTheme(String);

impl FromStr for ThemeChoice {
    type Err = NoTheme;

    fn from_str(text: &str) -> Result<Self, NoTheme> {
        match text {
            "light" => Ok(Self::Light),
            "dark" => Ok(Self::Dark),
            "auto" => Ok(Self::Auto),
            other => Err(NoTheme(other.into())),
        }
    }
}

/// What the reader or the environment says, before the terminal says anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    Known(Background),
    /// Dark as long as the terminal does not answer.
    Unknown,
}

impl Page {
    pub fn of(choice: ThemeChoice, env: impl Fn(&str) -> Option<String>) -> Self {
        match choice {
            ThemeChoice::Light => Self::Known(Background::Light),
            ThemeChoice::Dark => Self::Known(Background::Dark),
            ThemeChoice::Auto => {
                env("COLORFGBG").and_then(|value| of_colorfgbg(&value)).map_or(Self::Unknown, Self::Known)
            }
        }
    }

    pub fn source(self) -> BackgroundSource {
        if self == Self::Unknown { BackgroundSource::Guessed } else { BackgroundSource::Chosen }
    }

    pub fn background(self) -> Background {
        match self {
            Self::Known(background) => background,
            Self::Unknown => Background::default(),
        }
    }
}

/// `15;0` or `0;default;15`: the last is the background, one of the sixteen colours.
fn of_colorfgbg(value: &str) -> Option<Background> {
    match value.rsplit(';').next()?.parse().ok()? {
        0..=6 | 8 => Some(Background::Dark),
        7 | 9..=15 => Some(Background::Light),
        _ => None::<Background>,
    }
}

/// OSC 11, by which a terminal that knows it says its background. Not for those that would show the question.
pub fn question(term: &str) -> &'static [u8] {
    let shows = ["linux", "dumb", "cons", "vt"].iter().any(|name| term.starts_with(name)) || term.is_empty();
    if shows { b"" } else { b"\x1b]11;?\x1b\\" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_reader_says_comes_first() {
        let page = |choice, colours: Option<&str>| Page::of(choice, |_| colours.map(str::to_string));
        assert_eq!(page(ThemeChoice::Light, Some("15;0")), Page::Known(Background::Light));
        assert_eq!(page(ThemeChoice::Dark, Some("0;15")), Page::Known(Background::Dark));
        assert_eq!(page(ThemeChoice::Auto, Some("0;default;15")), Page::Known(Background::Light));
        assert_eq!(page(ThemeChoice::Auto, Some("15;0")), Page::Known(Background::Dark));
        for nothing in [None, Some(""), Some("0;default"), Some("0;99"), Some("x")] {
            assert_eq!(page(ThemeChoice::Auto, nothing), Page::Unknown, "{nothing:?}");
        }
        assert_eq!("light".parse(), Ok(ThemeChoice::Light));
        assert!("pink".parse::<ThemeChoice>().unwrap_err().to_string().contains("light, dark or auto"));
    }

    #[test]
    fn only_terminals_that_know_the_question_are_asked() {
        assert!(["xterm-256color", "tmux-256color", "screen", "foot"].iter().all(|term| !question(term).is_empty()));
        assert!(["linux", "vt220", "dumb", ""].iter().all(|term| question(term).is_empty()));
    }
}
