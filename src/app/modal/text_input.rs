//! Edits a line of text with the keys.

use crossterm::event::KeyCode;

/// The longest command, query or answer, in bytes.
const LONGEST: usize = 60;

/// The longest tags of a run, or path that it is exported to, in characters.
pub(crate) const LONGEST_RUN_LINE: usize = 400;

/// A text as a line: white space of any kind becomes one space, and control characters are left out.
pub(crate) fn one_line(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut is_after_space = false;
    text.chars().filter_map(move |c| {
        let is_space = c.is_whitespace();
        let is_first = is_space && !std::mem::replace(&mut is_after_space, is_space);
        if !is_space {
            is_after_space = false;
        }
        if is_space { is_first.then_some(' ') } else { Some(c).filter(|c| !c.is_control()) }
    })
}

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
