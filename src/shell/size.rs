//! How large the terminal is, and how much of it is drawn.

use rustix::termios::tcgetwinsize;
use std::io;

/// More than the finest print on the largest screen has; beyond it nothing is drawn, as a frame of a terminal that says
/// it has 32767 columns and rows would take gigabytes.
const LARGEST: (u16, u16) = (1024, 512);
/// A terminal that does not say how large it is has as much as terminals used to have.
const USUAL: (u16, u16) = (80, 24);

/// Columns and rows of the frames.
pub fn drawn() -> io::Result<(u16, u16)> {
    let size = tcgetwinsize(io::stdout()).or_else(|_| tcgetwinsize(io::stdin()))?;
    Ok(of_frame((size.ws_col, size.ws_row), |name| std::env::var(name).ok()))
}

fn of_frame(told: (u16, u16), env: impl Fn(&str) -> Option<String>) -> (u16, u16) {
    let side = |told: u16, name: &str, usual: u16, largest: u16| {
        let known =
            if told == 0 { env(name).and_then(|value| value.parse().ok()).filter(|set| *set > 0) } else { Some(told) };
        known.unwrap_or(usual).min(largest)
    };
    (side(told.0, "COLUMNS", USUAL.0, LARGEST.0), side(told.1, "LINES", USUAL.1, LARGEST.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_one_that_can_be_drawn() {
        let none = |_: &str| None;
        assert_eq!(of_frame((120, 40), none), (120, 40));
        assert_eq!(of_frame((1, 1), none), (1, 1));
        assert_eq!(of_frame((0, 0), none), USUAL);
        assert_eq!(of_frame((32767, 32767), none), LARGEST);
        assert_eq!(of_frame((65535, 1), none), (LARGEST.0, 1));
        let told = |name: &str| (name == "COLUMNS").then(|| "100".to_string());
        assert_eq!(of_frame((0, 0), told), (100, 24));
        assert_eq!(of_frame((0, 0), |_| Some("0".into())), USUAL);
    }
}
