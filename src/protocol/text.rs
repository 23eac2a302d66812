//! Text that crosses to a terminal.

/// Unicode's property `Bidi_Control` (PropList.txt): characters without a look of their own that turn the order of others.
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters that the id of a lesson or of a cell may have.
const LONGEST_ID: usize = 100;

/// Why this text can't be the id of a lesson or of a cell, as the end of a sentence; `None` if it can. An id is shown in
/// terminals, named on the command line as `LESSON/CELL`, and is part of the keys under which the store has what belongs
/// to it. Whether an empty id is a fault is the caller's to say.
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

/// What is left of a text that can't be an id.
pub fn clean_id(id: &str) -> String {
    id.chars().filter(|&c| !c.is_control() && !is_bidi_control(c) && c != '/').take(LONGEST_ID).collect()
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
}
