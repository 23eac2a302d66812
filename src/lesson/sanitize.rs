//! Removes control characters from a lesson's file, as a terminal would obey them.

use protocol::is_terminal_control;

/// Drops C0 (except tab and line feed), C1, DEL and the twelve `Bidi_Control` characters. A tab becomes four spaces.
/// Lines may end as on any system.
pub fn sanitize(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        // A fast path: most texts contain no such character.
        let ordinary = rest.bytes().take_while(|byte| matches!(byte, b'\n' | b' '..=b'~')).count();
        clean.push_str(&rest[..ordinary]);
        let mut chars = rest[ordinary..].chars();
        let Some(c) = chars.next() else { return clean };
        rest = chars.as_str();
        match c {
            '\r' if !rest.starts_with('\n') => clean.push('\n'),
            '\t' => clean.push_str("    "),
            c if is_terminal_control(c) => {}
            c => clean.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(sanitize("a\x1b[31mb\u{9b}c\u{202e}d\r\ne\tf\u{7f}"), "a[31mbcd\ne    f");
        assert_eq!(sanitize("one\rtwo\r\nthree\r"), "one\ntwo\nthree\n");
        assert_eq!(sanitize("中文 ≤ 𝜎"), "中文 ≤ 𝜎");
    }
}
