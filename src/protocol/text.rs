//! Text that crosses to a terminal.

/// Unicode's property `Bidi_Control` (PropList.txt): characters without a look of their own that turn the order of others.
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
