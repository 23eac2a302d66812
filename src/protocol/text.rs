//! Makes text safe for a terminal, which would obey the control characters in it.

use std::borrow::Cow;
use std::fmt::Write;

/// Unicode's property `Bidi_Control` (PropList.txt): invisible characters that change the direction of the text around
/// them.
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a terminal may obey this character instead of showing it: C0, DEL, C1 and the bidi controls.
pub fn is_terminal_control(c: char) -> bool {
    c.is_control() || is_bidi_control(c)
}

/// Makes text safe to print: line feeds and tabs stay, and every other control character is spelled out, ESC as
/// `\u{1b}`. Spelled out and not dropped, so that a file name stays the name of its file.
pub fn escape_controls(text: &str) -> Cow<'_, str> {
    escape(text, |c| is_terminal_control(c) && c != '\n' && c != '\t')
}

/// The same for text that is one line: line feeds and tabs are spelled out too.
pub fn escape_line(text: &str) -> Cow<'_, str> {
    escape(text, is_terminal_control)
}

fn escape(text: &str, is_unsafe: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) { safe.extend(c.escape_unicode()) } else { safe.push(c) }
    }
    Cow::Owned(safe)
}

/// The same for JSON text: JSON's own escapes take the place of what `serde_json` leaves raw (DEL, C1, bidi controls).
/// Outside of its strings JSON has only line feeds of all these, and they stay.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    let is_unsafe = |c: char| is_terminal_control(c) && c != '\n';
    if !json.contains(is_unsafe) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 8);
    for c in json.chars() {
        if is_unsafe(c) {
            // All of them lie in the plane that four digits reach.
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Characters that the id of a lesson or of a cell may have.
const LONGEST_ID: usize = 100;

/// Why this text can't be the id of a lesson or of a cell, as the end of a sentence; `None` if it can. An id is shown
/// in terminals, given on the command line as `LESSON/CELL`, and is part of the store's keys. The caller decides
/// whether an empty id is an error.
pub fn id_fault(id: &str) -> Option<String> {
    if id.chars().any(|c| c.is_control() || is_bidi_control(c)) {
        return Some("holds control characters; use letters, digits and hyphens".into());
    }
    if id.contains('/') {
        return Some("holds a `/`, which separates a lesson from its cell; use letters, digits and hyphens".into());
    }
    let length = id.chars().count();
    (length > LONGEST_ID).then(|| format!("has {length} characters; the most is {LONGEST_ID}"))
}

/// A valid id made from a text that is none.
pub fn clean_id(id: &str) -> String {
    id.chars().filter(|&c| !c.is_control() && !is_bidi_control(c) && c != '/').take(LONGEST_ID).collect()
}

/// The shortest digits that parse to the same number, with an exponent below 1e-4 and from 1e16 on, as in Python: `0.001`,
/// `1e-5`.
pub fn format_real(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) { format!("{value:e}") } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_short_visible_word() {
        for id in ["race", "why-faster", "\u{6570}\u{5b57}", &"x".repeat(LONGEST_ID)] {
            assert_eq!(id_fault(id), None, "{id:?}");
        }
        let long = "x".repeat(LONGEST_ID + 1);
        for id in ["a\0b", "a\nb", "a\u{1b}[31mb", "a\u{9b}b", "a\u{202e}b", "../b", &long] {
            assert!(id_fault(id).is_some(), "{id:?}");
            assert_eq!(id_fault(&clean_id(id)), None, "{id:?}");
        }
    }

    const HOSTILE: &str = "a\u{1b}[31m\u{9b}1m\u{7f}\u{202e}\u{61c}\r\n\tb\u{0}";

    #[test]
    fn controls_are_spelled_out() {
        let safe = escape_controls(HOSTILE);
        assert_eq!(safe, "a\\u{1b}[31m\\u{9b}1m\\u{7f}\\u{202e}\\u{61c}\\u{d}\n\tb\\u{0}");
        assert!(escape_line(HOSTILE).chars().all(|c| !is_terminal_control(c)));
        let plain = "中文 ≤ 𝜎, e\u{301}, 👩\u{200d}🔬\n";
        assert!(matches!(escape_controls(plain), Cow::Borrowed(same) if same == plain));
    }

    #[test]
    fn json_means_the_same_and_holds_no_control() {
        let json = serde_json::to_string_pretty(&[HOSTILE]).unwrap();
        assert!(json.contains('\u{9b}') && json.contains('\u{202e}'), "serde_json leaves these raw");
        let safe = escape_json(&json);
        assert!(safe.chars().all(|c| c == '\n' || !is_terminal_control(c)), "{safe:?}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&safe).unwrap(), [HOSTILE]);
    }

    #[test]
    fn real_numbers_are_short_and_parse_to_themselves() {
        for (value, text) in
            [(0.1, "0.1"), (0.0001, "0.0001"), (3e-5, "3e-5"), (1e-300, "1e-300"), (0.0, "0"), (100.0, "100")]
        {
            assert_eq!(format_real(value), text);
            assert_eq!(format_real(value).parse::<f64>().map(f64::to_bits), Ok(value.to_bits()));
        }
    }
}
