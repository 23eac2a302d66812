//! The terminal's background: what the reader chose, else what the environment says, else what the terminal answers,
//! however late.

use app::{Background, BackgroundSource};
use std::str::FromStr;

/// The reader's choice of colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThemeChoice {
    Light,
    Dark,
    #[default]
    Auto,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a theme; choose light, dark or auto")]
pub struct UnknownTheme(String);

impl FromStr for ThemeChoice {
    type Err = UnknownTheme;

    fn from_str(text: &str) -> Result<Self, UnknownTheme> {
        match text {
            "light" => Ok(Self::Light),
            "dark" => Ok(Self::Dark),
            "auto" => Ok(Self::Auto),
            other => Err(UnknownTheme(other.into())),
        }
    }
}

/// The background as it is known before the terminal has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialBackground {
    Known(Background),
    /// Taken as dark until the terminal answers.
    Unknown,
}

impl InitialBackground {
    pub fn detect(choice: ThemeChoice, env: impl Fn(&str) -> Option<String>) -> Self {
        match choice {
            ThemeChoice::Light => Self::Known(Background::Light),
            ThemeChoice::Dark => Self::Known(Background::Dark),
            ThemeChoice::Auto => {
                env("COLORFGBG").and_then(|value| parse_colorfgbg(&value)).map_or(Self::Unknown, Self::Known)
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

/// Parses `COLORFGBG`, such as `15;0` or `0;default;15`. The last field is the background, one of the sixteen colours.
fn parse_colorfgbg(value: &str) -> Option<Background> {
    match value.rsplit(';').next()?.parse().ok()? {
        0..=6 | 8 => Some(Background::Dark),
        7 | 9..=15 => Some(Background::Light),
        _ => None,
    }
}

/// The OSC 11 query for the background's colour. Empty for terminals that would print the query.
pub fn query(term: &str) -> &'static [u8] {
    let prints_it = ["linux", "dumb", "cons", "vt"].iter().any(|name| term.starts_with(name)) || term.is_empty();
    if prints_it { b"" } else { b"\x1b]11;?\x1b\\" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readers_choice_comes_before_the_environment() {
        let initial =
            |choice, colours: Option<&str>| InitialBackground::detect(choice, |_| colours.map(str::to_string));
        assert_eq!(initial(ThemeChoice::Light, Some("15;0")), InitialBackground::Known(Background::Light));
        assert_eq!(initial(ThemeChoice::Dark, Some("0;15")), InitialBackground::Known(Background::Dark));
        assert_eq!(initial(ThemeChoice::Auto, Some("0;default;15")), InitialBackground::Known(Background::Light));
        assert_eq!(initial(ThemeChoice::Auto, Some("15;0")), InitialBackground::Known(Background::Dark));
        for nothing in [None, Some(""), Some("0;default"), Some("0;99"), Some("x")] {
            assert_eq!(initial(ThemeChoice::Auto, nothing), InitialBackground::Unknown, "{nothing:?}");
        }
        assert_eq!("light".parse(), Ok(ThemeChoice::Light));
        assert!("pink".parse::<ThemeChoice>().unwrap_err().to_string().contains("light, dark or auto"));
    }

    #[test]
    fn only_terminals_that_support_the_query_get_it() {
        assert!(["xterm-256color", "tmux-256color", "screen", "foot"].iter().all(|term| !query(term).is_empty()));
        assert!(["linux", "vt220", "dumb", ""].iter().all(|term| query(term).is_empty()));
    }
}
