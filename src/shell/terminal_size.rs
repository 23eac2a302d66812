//! The size of the terminal, and how much of it is drawn.

use rustix::termios::tcgetwinsize;
use std::io;

/// The largest frame. No screen has more cells than this; a terminal that reports 32767 columns and rows would need
/// gigabytes a frame.
const LARGEST: (u16, u16) = (1024, 512);
/// The size of a terminal that does not report one.
const DEFAULT: (u16, u16) = (80, 24);

/// Columns and rows of a frame.
pub fn frame_size() -> io::Result<(u16, u16)> {
    let size = tcgetwinsize(io::stdout()).or_else(|_| tcgetwinsize(io::stdin()))?;
    Ok(limit((size.ws_col, size.ws_row), |name| std::env::var(name).ok()))
}

/// The reported size, with 0 replaced by the environment's or the default size, and at most [`LARGEST`].
fn limit(reported: (u16, u16), env: impl Fn(&str) -> Option<String>) -> (u16, u16) {
    let side = |reported: u16, name: &str, default: u16, largest: u16| {
        let known = if reported == 0 {
            env(name).and_then(|value| value.parse().ok()).filter(|set| *set > 0)
        } else {
            Some(reported)
        };
        known.unwrap_or(default).min(largest)
    };
    (side(reported.0, "COLUMNS", DEFAULT.0, LARGEST.0), side(reported.1, "LINES", DEFAULT.1, LARGEST.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reported_size_gives_one_that_can_be_drawn() {
        let none = |_: &str| None;
        assert_eq!(limit((120, 40), none), (120, 40));
        assert_eq!(limit((1, 1), none), (1, 1));
        assert_eq!(limit((0, 0), none), DEFAULT);
        assert_eq!(limit((32767, 32767), none), LARGEST);
        assert_eq!(limit((65535, 1), none), (LARGEST.0, 1));
        let columns = |name: &str| (name == "COLUMNS").then(|| "100".to_string());
        assert_eq!(limit((0, 0), columns), (100, 24));
        assert_eq!(limit((0, 0), |_| Some("0".into())), DEFAULT);
    }
}
