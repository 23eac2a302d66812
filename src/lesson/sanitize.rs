//! Text from outside may carry control characters that a terminal would obey.

use crate::protocol::is_bidi_control;

/// Drops C0 (but tab and line feed), C1, DEL and the twelve `Bidi_Control` characters; a tab becomes four spaces.
pub fn sanitize(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => clean.push_str("    "),
            '\n' => clean.push('\n'),
            c if c.is_control() || is_bidi_control(c) => {}
            c => clean.push(c),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(sanitize("a\x1b[31mb\u{9b}c\u{202e}d\r\ne\tf\u{7f}"), "a[31mbcd\ne    f");
        assert_eq!(sanitize("中文 ≤ 𝜎"), "中文 ≤ 𝜎");
    }
}
