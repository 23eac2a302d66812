//! The keys of the laboratory: one table, from which its help, the README and the keys themselves come.

use crate::key_table::{self, KeyBinding};
use crossterm::event::KeyCode::Char;
use crossterm::event::{KeyCode, KeyEvent};

/// What a key of the laboratory asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabAction {
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    NextPage,
    PreviousPage,
    /// Runs the study, or goes on with the run that it has.
    Run,
    /// Runs it once more from the same initial weights.
    SameWeights,
    /// Runs it from initial weights that no run of it began with.
    NewWeights,
    Pause,
    Stop,
    /// Changes the learning rate of the chosen arm from its next epoch on.
    SteerDown,
    SteerUp,
    /// Goes on from an epoch of the run with what the table changes.
    Fork,
    /// Runs the study over several values of the chosen setting.
    Sweep,
    /// Takes each arm at the best that the sweep found.
    BestCells,
    NextValue,
    PreviousValue,
    /// Edits the text of the value.
    Edit,
    /// Back to what all arms share, or to the default.
    ResetValue,
    AddArm,
    CopyArm,
    RemoveArm,
    Undo,
    Redo,
    /// Edits the study in its text form.
    Text,
    /// The lesson's settings, and back to the reader's.
    LessonSettings,
    Values,
    /// The chart over the whole screen, and back beside the table.
    ChartAlone,
    /// Copies the study, the chart's data or the comparison.
    Copy,
    Marks,
    /// Which runs are shown together.
    Overlay,
    Runs,
    Theme,
    Help,
    Close,
}

impl LabAction {
    /// Whether it changes the study where the table's cursor stands.
    pub(super) fn changes_table(self) -> bool {
        matches!(
            self,
            Self::NextValue
                | Self::PreviousValue
                | Self::ResetValue
                | Self::CopyArm
                | Self::RemoveArm
                | Self::Undo
                | Self::Redo
        )
    }
}

const fn bind(
    keys: &'static [KeyCode],
    action: LabAction,
    label: &'static str,
    help: &'static str,
) -> KeyBinding<LabAction> {
    KeyBinding::new(keys, action, label, help)
}

const fn first(
    keys: &'static [KeyCode],
    action: LabAction,
    row: (&'static str, &'static str),
    title: &'static str,
) -> KeyBinding<LabAction> {
    KeyBinding::first(keys, action, row, title)
}

const fn next(keys: &'static [KeyCode], action: LabAction, title: &'static str) -> KeyBinding<LabAction> {
    KeyBinding::next(keys, action, title)
}

const fn note(label: &'static str, help: &'static str) -> KeyBinding<LabAction> {
    KeyBinding::note(label, help)
}

/// Every key of the laboratory while nothing is typed.
pub const LAB_BINDINGS: &[KeyBinding<LabAction>] = &[
    first(
        &[KeyCode::Up, Char('k')],
        LabAction::Up,
        ("↑ ↓ ← →", "move in the table or the list; h j k l too"),
        "up in the table or the list",
    ),
    next(&[KeyCode::Down, Char('j')], LabAction::Down, "down in the table or the list"),
    next(&[KeyCode::Left, Char('h')], LabAction::Left, "left in the table or the list"),
    next(&[KeyCode::Right, Char('l')], LabAction::Right, "right in the table or the list"),
    first(&[KeyCode::PageDown, Char(' ')], LabAction::PageDown, ("PgDn PgUp", "many rows down, up"), "many rows down"),
    next(&[KeyCode::PageUp, Char('b')], LabAction::PageUp, "many rows up"),
    first(
        &[KeyCode::Tab, Char(']')],
        LabAction::NextPage,
        ("Tab", "next page: study, chart, sweep, compare; Shift-Tab back"),
        "the next page",
    ),
    next(&[KeyCode::BackTab, Char('[')], LabAction::PreviousPage, "the previous page"),
    note("0-9", "type into the field; Enter keeps it, Esc does not"),
    bind(&[Char('i'), KeyCode::F(2)], LabAction::Edit, "i", "edit the text of the chosen field"),
    first(
        &[Char('+'), Char('='), Char('>')],
        LabAction::NextValue,
        ("+ -", "next value of the field, previous one; > < too"),
        "next value of the field",
    ),
    next(&[Char('-'), Char('<')], LabAction::PreviousValue, "previous value of the field"),
    bind(
        &[KeyCode::Delete, KeyCode::Backspace, Char('x')],
        LabAction::ResetValue,
        "x",
        "back to what all arms share, or to the default",
    ),
    bind(&[Char('a')], LabAction::AddArm, "a", "add an arm from the list of activations"),
    first(
        &[Char('c')],
        LabAction::CopyArm,
        ("c d", "copy the arm of this column; remove it"),
        "copy the arm of this column",
    ),
    next(&[Char('d')], LabAction::RemoveArm, "remove the arm of this column"),
    first(&[Char('u')], LabAction::Undo, ("u U", "undo the last edit; do it again"), "undo the last edit"),
    next(&[Char('U')], LabAction::Redo, "do what was undone again"),
    bind(&[Char('t')], LabAction::Text, "t", "edit the whole study as text"),
    bind(&[Char('L')], LabAction::LessonSettings, "L", "the lesson's settings, and back to yours"),
    bind(&[KeyCode::Enter], LabAction::Run, "Enter", "run the study; go on with a run that rests"),
    first(
        &[Char('w')],
        LabAction::SameWeights,
        ("w n", "run again from the same initial weights; from new ones"),
        "run again from the same initial weights",
    ),
    next(&[Char('n')], LabAction::NewWeights, "run again from new initial weights"),
    bind(&[Char('z')], LabAction::Pause, "z", "pause the run; Enter continues it"),
    bind(&[Char('s')], LabAction::Stop, "s", "stop the run; what was measured stays"),
    first(
        &[Char('(')],
        LabAction::SteerDown,
        ("( )", "while it runs: the chosen arm's rate down, up"),
        "steer: the chosen arm's learning rate down",
    ),
    next(&[Char(')')], LabAction::SteerUp, "steer: the chosen arm's learning rate up"),
    bind(&[Char('f')], LabAction::Fork, "f", "fork the run at an epoch, with what the table changes"),
    first(
        &[Char('S')],
        LabAction::Sweep,
        ("S B", "sweep the chosen setting; take each arm at its best"),
        "sweep the chosen setting",
    ),
    next(&[Char('B')], LabAction::BestCells, "take each arm at the best of the sweep"),
    bind(&[Char('v')], LabAction::Values, "v", "into the chart: read values, zoom, metrics"),
    bind(&[Char('g')], LabAction::ChartAlone, "g", "the chart or the sweep over the whole screen, and back"),
    bind(&[Char('y')], LabAction::Copy, "y", "copy the study, the chart's data or the comparison"),
    bind(&[Char('m')], LabAction::Marks, "m", "published points: list them, fit the axes"),
    bind(&[Char('o')], LabAction::Overlay, "o", "choose the runs that are shown together"),
    bind(&[Char('r')], LabAction::Runs, "r", "runs that were trained here"),
    bind(&[Char('T')], LabAction::Theme, "T", "colours for a light background, or for a dark one"),
    note(": /", "any action, run, setting by its words; search lessons"),
    bind(&[Char('?'), KeyCode::F(1)], LabAction::Help, "?", "this help"),
    bind(&[KeyCode::Esc, Char('q')], LabAction::Close, "Esc", "back to where you came from; your study is kept"),
    note("mouse", "click a field, a page, a list; the wheel moves"),
];

/// The action of a key, if it has one.
pub fn action(event: KeyEvent) -> Option<LabAction> {
    key_table::action_in(LAB_BINDINGS, event)
}

/// What an action does, in a few words.
pub(super) fn title(action: LabAction) -> &'static str {
    LAB_BINDINGS.iter().find(|binding| binding.action == Some(action)).map_or("", |binding| binding.title)
}

/// The lines of help: each label stands once.
pub fn shown() -> impl Iterator<Item = &'static KeyBinding<LabAction>> {
    key_table::shown_of(LAB_BINDINGS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_in_the_readme() {
        key_table::check(LAB_BINDINGS);
    }
}
