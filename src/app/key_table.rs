//! A table of the keys of one view, from which its help, the README and the keys themselves come.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One row of a table of keys.
#[derive(Debug)]
pub struct KeyBinding<A: 'static> {
    pub keys: &'static [KeyCode],
    /// `None` for a row about something other than a key, such as the mouse.
    pub action: Option<A>,
    /// As help shows the keys; empty where the row above says it.
    pub label: &'static str,
    pub help: &'static str,
    /// What this action does by itself, for the command line; the help may describe several.
    pub title: &'static str,
}

impl<A: Copy + 'static> KeyBinding<A> {
    pub(crate) const fn new(keys: &'static [KeyCode], action: A, label: &'static str, help: &'static str) -> Self {
        Self { keys, action: Some(action), label, help, title: help }
    }

    /// The first of several actions that share a row of the help, with that row's label and text.
    pub(crate) const fn first(
        keys: &'static [KeyCode],
        action: A,
        (label, help): (&'static str, &'static str),
        title: &'static str,
    ) -> Self {
        Self { keys, action: Some(action), label, help, title }
    }

    /// A further action of the row above.
    pub(crate) const fn next(keys: &'static [KeyCode], action: A, title: &'static str) -> Self {
        Self { keys, action: Some(action), label: "", help: "", title }
    }

    pub(crate) const fn note(label: &'static str, help: &'static str) -> Self {
        Self { keys: &[], action: None, label, help, title: "" }
    }
}

/// The action of a key in a table, if it has one.
pub(crate) fn action_in<A: Copy>(table: &[KeyBinding<A>], event: KeyEvent) -> Option<A> {
    if event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
        return None;
    }
    table.iter().find(|binding| binding.keys.contains(&event.code)).and_then(|binding| binding.action)
}

/// The rows of help. Each label occurs once.
pub(crate) fn shown_of<A>(table: &'static [KeyBinding<A>]) -> impl Iterator<Item = &'static KeyBinding<A>> {
    table.iter().filter(|binding| !binding.label.is_empty())
}

/// Columns of a line of help behind its keys.
#[cfg(test)]
const HELP_COLUMNS: usize = 55;

/// Panics if a key is bound twice, if a line of help is cut off, or if the README does not have the table.
#[cfg(test)]
pub(crate) fn check<A>(table: &'static [KeyBinding<A>]) {
    let mut seen = Vec::new();
    for key in table.iter().flat_map(|binding| binding.keys) {
        assert!(!seen.contains(&key), "{key:?} is bound twice");
        seen.push(key);
    }
    for binding in shown_of(table) {
        let columns = binding.help.chars().count();
        assert!(columns <= HELP_COLUMNS, "{columns} columns are cut off: {}", binding.help);
    }
    let markdown = crate::keys::markdown_of(shown_of(table).map(|binding| (binding.label, binding.help)));
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    assert!(readme.contains(&markdown), "put this into README.md:\n{markdown}");
}
