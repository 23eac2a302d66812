//! The keys inside a network: one table, from which help, the README and the keys themselves come. On the page of the reader's own
//! digit some of them draw; these stand in a table of their own.

use crate::key_table::{self, KeyBinding};
use crossterm::event::KeyCode::Char;
use crossterm::event::{KeyCode, KeyEvent};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsideAction {
    NextPage,
    PreviousPage,
    /// A page by its number, counted from 0.
    Page(u8),
    EpochBack,
    EpochForward,
    FirstEpoch,
    LastEpoch,
    Play,
    Up,
    Down,
    PageUp,
    PageDown,
    /// Steps into what is chosen.
    Enter,
    NextArm,
    /// One arm, or two side by side.
    Beside,
    NextSeed,
    NextSplit,
    NextLayer,
    PreviousLayer,
    NextUnit,
    PreviousUnit,
    NextImage,
    PreviousImage,
    /// The reader's drawing as the image, and back.
    UseDrawing,
    Filmstrip,
    /// Which of the mistakes are listed.
    NextFilter,
    Silence,
    ScaleUp,
    ScaleDown,
    Revive,
    UndoChange,
    UndoAllChanges,
    /// The place in the feature map of which the products are shown.
    PlaceLeft,
    PlaceRight,
    PlaceUp,
    PlaceDown,
    Theme,
    Help,
    Close,
}

const fn bind(
    keys: &'static [KeyCode],
    action: InsideAction,
    label: &'static str,
    help: &'static str,
) -> KeyBinding<InsideAction> {
    KeyBinding::new(keys, action, label, help)
}

const fn first(
    keys: &'static [KeyCode],
    action: InsideAction,
    row: (&'static str, &'static str),
    title: &'static str,
) -> KeyBinding<InsideAction> {
    KeyBinding::first(keys, action, row, title)
}

const fn next(keys: &'static [KeyCode], action: InsideAction, title: &'static str) -> KeyBinding<InsideAction> {
    KeyBinding::next(keys, action, title)
}

const fn note(label: &'static str, help: &'static str) -> KeyBinding<InsideAction> {
    KeyBinding::note(label, help)
}

/// Every key inside a network.
pub const INSIDE_BINDINGS: &[KeyBinding<InsideAction>] = &[
    first(
        &[KeyCode::Left, Char('h'), Char(',')],
        InsideAction::EpochBack,
        ("← →", "the kept epoch before, the next; h l and , . too"),
        "the kept epoch before",
    ),
    next(&[KeyCode::Right, Char('l'), Char('.')], InsideAction::EpochForward, "the next kept epoch"),
    first(
        &[KeyCode::Home],
        InsideAction::FirstEpoch,
        ("Home End", "the first kept epoch, the newest"),
        "the first epoch",
    ),
    next(&[KeyCode::End], InsideAction::LastEpoch, "the newest epoch"),
    bind(&[Char(' ')], InsideAction::Play, "Space", "play the epochs, and stop"),
    first(
        &[KeyCode::Tab, Char(']')],
        InsideAction::NextPage,
        ("Tab", "the next page; Shift-Tab back"),
        "the next page",
    ),
    next(&[KeyCode::BackTab, Char('[')], InsideAction::PreviousPage, "the page before"),
    first(&[Char('1')], InsideAction::Page(0), ("1-9 0", "a page by its number"), "the filters"),
    next(&[Char('2')], InsideAction::Page(1), "the feature maps"),
    next(&[Char('3')], InsideAction::Page(2), "the histograms"),
    next(&[Char('4')], InsideAction::Page(3), "the units: zero, saturated, dead"),
    next(&[Char('5')], InsideAction::Page(4), "the gradients"),
    next(&[Char('6')], InsideAction::Page(5), "the confusion matrix"),
    next(&[Char('7')], InsideAction::Page(6), "the mistakes"),
    next(&[Char('8')], InsideAction::Page(7), "your own digit"),
    next(&[Char('9')], InsideAction::Page(8), "what a unit responds to"),
    next(&[Char('0')], InsideAction::Page(9), "surgery: units silenced, scaled, revived"),
    first(&[KeyCode::Up, Char('k')], InsideAction::Up, ("↑ ↓", "choose, or scroll; PgUp PgDn by more"), "up"),
    next(&[KeyCode::Down, Char('j')], InsideAction::Down, "down"),
    next(&[KeyCode::PageUp, Char('b')], InsideAction::PageUp, "far up"),
    next(&[KeyCode::PageDown], InsideAction::PageDown, "far down"),
    bind(&[KeyCode::Enter], InsideAction::Enter, "Enter", "step into the mistake, the map, the unit"),
    first(&[Char('a')], InsideAction::NextArm, ("a A", "another arm; one arm or two side by side"), "another arm"),
    next(&[Char('A')], InsideAction::Beside, "one arm, or two side by side"),
    bind(&[Char('s')], InsideAction::NextSeed, "s", "another seed"),
    bind(&[Char('t')], InsideAction::NextSplit, "t", "training, validation or test images"),
    first(&[Char('i')], InsideAction::NextLayer, ("i I", "the next layer, the one before"), "the next layer"),
    next(&[Char('I')], InsideAction::PreviousLayer, "the layer before"),
    first(&[Char('u')], InsideAction::NextUnit, ("u U", "the next unit, the one before"), "the next unit"),
    next(&[Char('U')], InsideAction::PreviousUnit, "the unit before"),
    first(&[Char('n')], InsideAction::NextImage, ("n p", "the next image, the one before"), "the next image"),
    next(&[Char('p')], InsideAction::PreviousImage, "the image before"),
    bind(&[Char('o')], InsideAction::UseDrawing, "o", "your drawing as the image of the other pages, and back"),
    bind(&[Char('f')], InsideAction::Filmstrip, "f", "filters: one layer over the kept epochs"),
    bind(&[Char('m')], InsideAction::NextFilter, "m", "mistakes: all, of both arms, of one arm alone"),
    bind(&[Char('x')], InsideAction::Silence, "x", "silence the unit, or let it speak again"),
    first(
        &[Char('+'), Char('=')],
        InsideAction::ScaleUp,
        ("+ -", "the unit's output doubled, halved"),
        "the unit's output doubled",
    ),
    next(&[Char('-'), Char('_')], InsideAction::ScaleDown, "the unit's output halved"),
    bind(&[Char('v')], InsideAction::Revive, "v", "revive the unit: its mean pre-activation becomes 0"),
    first(
        &[Char('z'), KeyCode::Backspace],
        InsideAction::UndoChange,
        ("z Z", "undo the last change; all changes"),
        "undo the last change",
    ),
    next(&[Char('Z')], InsideAction::UndoAllChanges, "undo all changes"),
    first(
        &[Char('H')],
        InsideAction::PlaceLeft,
        ("H J K L", "in a product: another place of the feature map"),
        "a place to the left in the feature map",
    ),
    next(&[Char('L')], InsideAction::PlaceRight, "a place to the right in the feature map"),
    next(&[Char('K')], InsideAction::PlaceUp, "a place up in the feature map"),
    next(&[Char('J')], InsideAction::PlaceDown, "a place down in the feature map"),
    bind(&[Char('T')], InsideAction::Theme, "T", "colours for a light background, or for a dark one"),
    note(":", "a command"),
    bind(&[Char('?'), KeyCode::F(1)], InsideAction::Help, "?", "this help"),
    bind(&[KeyCode::Esc, Char('q')], InsideAction::Close, "Esc", "back; from a page to where you came from"),
    note("mouse", "click pages, epochs, units, images; again steps in"),
];

/// What a key does while a digit is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawAction {
    Left,
    Right,
    Up,
    Down,
    Pen,
    Eraser,
    Clear,
    Undo,
    Redo,
    ShiftLeft,
    ShiftRight,
    ShiftUp,
    ShiftDown,
    TurnLeft,
    TurnRight,
    /// As drawn, or as MNIST's digits were prepared.
    Centre,
    /// Begins from the image that the other pages show.
    FromImage,
    /// Keeps the drawing; the next key says as which digit.
    Keep,
    NextOwn,
    PreviousOwn,
    RemoveOwn,
}

const fn draw(
    keys: &'static [KeyCode],
    action: DrawAction,
    label: &'static str,
    help: &'static str,
) -> KeyBinding<DrawAction> {
    KeyBinding::new(keys, action, label, help)
}

const fn draw_next(keys: &'static [KeyCode], action: DrawAction, title: &'static str) -> KeyBinding<DrawAction> {
    KeyBinding::next(keys, action, title)
}

/// The keys that draw, on the page of the reader's own digit.
pub const DRAW_BINDINGS: &[KeyBinding<DrawAction>] = &[
    draw(&[KeyCode::Left, Char('h')], DrawAction::Left, "← ↑ ↓ →", "your digit: move, and draw while the pen is down"),
    draw_next(&[KeyCode::Right, Char('l')], DrawAction::Right, "move right"),
    draw_next(&[KeyCode::Up, Char('k')], DrawAction::Up, "move up"),
    draw_next(&[KeyCode::Down, Char('j')], DrawAction::Down, "move down"),
    draw(
        &[Char(' '), KeyCode::Enter],
        DrawAction::Pen,
        "Space",
        "your digit: pen down, pen or eraser up; or the mouse",
    ),
    draw(&[Char('e')], DrawAction::Eraser, "e", "your digit: eraser down, eraser up"),
    draw(&[Char('c')], DrawAction::Clear, "c", "your digit: an empty grid"),
    draw(&[Char('z'), KeyCode::Backspace], DrawAction::Undo, "z Z", "your digit: undo, redo"),
    draw_next(&[Char('Z')], DrawAction::Redo, "redo"),
    draw(&[Char('H')], DrawAction::ShiftLeft, "H J K L", "your digit: move the whole picture by a pixel"),
    draw_next(&[Char('L')], DrawAction::ShiftRight, "move the picture right"),
    draw_next(&[Char('K')], DrawAction::ShiftUp, "move the picture up"),
    draw_next(&[Char('J')], DrawAction::ShiftDown, "move the picture down"),
    draw(&[Char('(')], DrawAction::TurnLeft, "( )", "your digit: turn it by 10 degrees, left or right"),
    draw_next(&[Char(')')], DrawAction::TurnRight, "turn it right"),
    draw(&[Char('r')], DrawAction::Centre, "r", "your digit: centred and scaled as MNIST's, or raw"),
    draw(&[Char('g')], DrawAction::FromImage, "g", "your digit: begin from the image of the other pages"),
    draw(&[Char('w')], DrawAction::Keep, "w", "your digit: keep it as the digit that you press next"),
    draw(&[Char('n')], DrawAction::NextOwn, "n p", "your digit: the next that you kept, the one before"),
    draw_next(&[Char('p')], DrawAction::PreviousOwn, "the kept digit before"),
    draw(&[Char('d')], DrawAction::RemoveOwn, "d", "your digit: forget the kept digit that is shown"),
];

/// The action of a key, if it has one.
pub fn action(event: KeyEvent) -> Option<InsideAction> {
    key_table::action_in(INSIDE_BINDINGS, event)
}

pub(crate) fn draw_action(event: KeyEvent) -> Option<DrawAction> {
    key_table::action_in(DRAW_BINDINGS, event)
}

/// The lines of help: each label stands once.
pub fn shown() -> impl Iterator<Item = &'static KeyBinding<InsideAction>> {
    key_table::shown_of(INSIDE_BINDINGS)
}

pub fn shown_drawing() -> impl Iterator<Item = &'static KeyBinding<DrawAction>> {
    key_table::shown_of(DRAW_BINDINGS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_whole_and_in_the_readme() {
        key_table::check(INSIDE_BINDINGS);
        key_table::check(DRAW_BINDINGS);
    }
}
