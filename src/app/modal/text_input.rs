//! Edits a line of text with the keys.

use crossterm::event::KeyCode;

/// The longest command, query or answer, in bytes.
const LONGEST: usize = 60;

/// The longest name or tags of a run, or path that it is exported to, in bytes.
pub(crate) const LONGEST_RUN_LINE: usize = 400;

pub(crate) fn edit(text: &mut String, code: KeyCode) {
    edit_up_to(LONGEST, text, code);
}

pub(crate) fn edit_up_to(longest: usize, text: &mut String, code: KeyCode) {
    match code {
        KeyCode::Char(c) if !c.is_control() && text.len() < longest => text.push(c),
        KeyCode::Backspace => {
            text.pop();
        }
        KeyCode::Delete => text.clear(),
        _ => {}
    }
}
