//! The keys of the list of runs.

use crate::key_table::{self, KeyBinding};
use crossterm::event::KeyCode::Char;
use crossterm::event::{KeyCode, KeyEvent};

/// What a key of the list asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunsAction {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    /// Opens the chart of the selected run.
    Open,
    Mark,
    MarkAll,
    /// Shows the marked runs together in the laboratory.
    Overlay,
    /// Begins to type the filter.
    Filter,
    NextGrouping,
    PreviousGrouping,
    Name,
    Tags,
    Notes,
    /// Opens the laboratory on the study of the run.
    Lab,
    /// Opens the inside of the run's networks.
    Inside,
    /// Copies the study of the run, or of all that are marked.
    Copy,
    Export,
    Delete,
    /// Brings back what was deleted last.
    Undelete,
    Help,
    Close,
}

const fn bind(
    keys: &'static [KeyCode],
    action: RunsAction,
    label: &'static str,
    help: &'static str,
) -> KeyBinding<RunsAction> {
    KeyBinding::new(keys, action, label, help)
}

const fn first(
    keys: &'static [KeyCode],
    action: RunsAction,
    row: (&'static str, &'static str),
    title: &'static str,
) -> KeyBinding<RunsAction> {
    KeyBinding::first(keys, action, row, title)
}

const fn next(keys: &'static [KeyCode], action: RunsAction, title: &'static str) -> KeyBinding<RunsAction> {
    KeyBinding::next(keys, action, title)
}

const fn note(label: &'static str, help: &'static str) -> KeyBinding<RunsAction> {
    KeyBinding::note(label, help)
}

/// Every key of the list while no filter is typed.
pub const RUNS_BINDINGS: &[KeyBinding<RunsAction>] = &[
    first(&[KeyCode::Up, Char('k')], RunsAction::Up, ("↑ ↓", "choose a run; k j too"), "choose the previous run"),
    next(&[KeyCode::Down, Char('j')], RunsAction::Down, "choose the next run"),
    first(&[KeyCode::PageDown], RunsAction::PageDown, ("PgDn PgUp", "a page of runs down, up"), "a page of runs down"),
    next(&[KeyCode::PageUp, Char('b')], RunsAction::PageUp, "a page of runs up"),
    first(&[KeyCode::Home], RunsAction::First, ("Home End", "the first run, the last"), "the first run"),
    next(&[KeyCode::End], RunsAction::Last, "the last run"),
    bind(&[KeyCode::Enter], RunsAction::Open, "Enter", "the run's chart; z pauses and s stops the run there"),
    bind(&[Char(' ')], RunsAction::Mark, "Space", "mark the run, or take the mark away; go on to the next"),
    bind(&[Char('a')], RunsAction::MarkAll, "a", "mark every run in the list, or none"),
    bind(&[Char('o')], RunsAction::Overlay, "o", "the marked runs together, in the laboratory"),
    bind(&[Char('e')], RunsAction::Lab, "e", "the run's study and curves, in the laboratory"),
    bind(&[Char('i')], RunsAction::Inside, "i", "inside the run's networks: filters, maps, mistakes"),
    bind(&[Char('/')], RunsAction::Filter, "/", "filter by number, name, tags, settings, state; tag:x"),
    first(
        &[Char('g')],
        RunsAction::NextGrouping,
        ("g G", "group by data, network, arms, by what differs; back"),
        "group by data, network, arms, by what differs",
    ),
    next(&[Char('G')], RunsAction::PreviousGrouping, "group by what came before"),
    bind(&[Char('n')], RunsAction::Name, "n", "name the run"),
    bind(&[Char('t')], RunsAction::Tags, "t", "tags of the run, or of all that are marked"),
    bind(&[Char('N')], RunsAction::Notes, "N", "notes on the run"),
    bind(&[Char('y')], RunsAction::Copy, "y", "copy the run's study as text, or those that are marked"),
    bind(&[Char('x')], RunsAction::Export, "x", "export the run: csv, json, svg, png, tfevents"),
    first(
        &[Char('d')],
        RunsAction::Delete,
        ("d u", "delete the run, or the marked ones; undo till you quit"),
        "delete the run, or the marked ones",
    ),
    next(&[Char('u')], RunsAction::Undelete, "bring back what was deleted last"),
    note(":", "a command"),
    bind(&[Char('?'), KeyCode::F(1)], RunsAction::Help, "?", "this help"),
    bind(&[KeyCode::Esc, Char('q')], RunsAction::Close, "Esc", "back to where you came from"),
    note("mouse", "a click opens a run; the wheel moves"),
];

/// The action of a key, if it has one.
pub fn action(event: KeyEvent) -> Option<RunsAction> {
    key_table::action_in(RUNS_BINDINGS, event)
}

/// The lines of help: each label stands once.
pub fn shown() -> impl Iterator<Item = &'static KeyBinding<RunsAction>> {
    key_table::shown_of(RUNS_BINDINGS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_in_the_readme() {
        key_table::check(RUNS_BINDINGS);
    }
}
