//! The key table: each key with its action and the text that the help, the README and the status line show.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Help,
    Quit,
    QuitSafely,
    Up,
    Down,
    /// Turns a page back or reads values in the figure in view; elsewhere opens the lesson before.
    Left,
    Right,
    PageUp,
    PageDown,
    Top,
    Bottom,
    NextLesson,
    PreviousLesson,
    Contents,
    /// Lesson 0, which explains the notebook.
    Welcome,
    /// The faults of the lesson file that is being written.
    Faults,
    /// The headings of the open lesson.
    Headings,
    NextCell,
    PreviousCell,
    /// Steps through links, references and footnotes.
    NextLink,
    PreviousLink,
    Activate,
    /// Shows what is hidden until a cell has run: the chosen block, the explanation in view, or the first block in
    /// view.
    Unfold,
    /// Pauses the run in view; `Activate` continues it.
    Pause,
    /// Stops the run or the experiment in view.
    Stop,
    Settings,
    /// Switches an experiment between its quick and its full setting; opens the laboratory on a train cell's study.
    Effort,
    /// Opens the laboratory with the reader's own study.
    Lab,
    /// Opens the inside of the networks of the run in view.
    Inside,
    /// Puts a cursor into the plot in view.
    Values,
    /// Copies what the cell in view shows.
    Copy,
    /// Shows the claims of one verdict, or all of them.
    Verdicts,
    /// Lists the published points of the run in view, and lets the axes reach them or not.
    Marks,
    /// Shows the other of a train cell's two runs.
    OtherRun,
    /// Turns the pages of the experiment in view.
    NextPage,
    PreviousPage,
    /// Removes the last item that was put in order.
    Undo,
    Runs,
    Search,
    Command,
    Back,
    Suspend,
    Redraw,
    /// Switches between colours for a dark and for a light background.
    Theme,
    /// The nth choice of a question, counted from 1.
    Choose(u8),
    /// In a chart that takes the keys.
    Chart(ChartAction),
}

/// What a key asks of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartAction {
    /// The cursor along its curve.
    Left,
    Right,
    FarLeft,
    FarRight,
    First,
    Last,
    /// The cursor from curve to curve.
    PreviousCurve,
    NextCurve,
    /// The curve at the cursor is the one that others are compared with.
    Compare,
    NextMetric,
    PreviousMetric,
    NextLayer,
    NextXQuantity,
    XScale,
    YScale,
    FromZero,
    ZoomIn,
    ZoomOut,
    ZoomInX,
    ZoomOutX,
    PanLeft,
    PanRight,
    PanUp,
    PanDown,
    Fit,
    FitData,
    /// Axes that reach the published points, and back.
    PublishedReach,
    PublishedPoints,
    NextBand,
    SmoothMore,
    SmoothLess,
    ThinCurves,
    /// Hides the arm or the curve at the cursor.
    HideCurve,
    /// Hides the nth arm, counted from 0, or shows it again.
    ToggleArm(u8),
    ShowAll,
    /// One chart a metric, and back.
    Multiples,
    /// Copies the numbers at the cursor.
    Copy,
    Leave,
}

/// One row of the key table.
#[derive(Debug)]
pub struct Binding {
    pub keys: &'static [(KeyCode, KeyModifiers)],
    /// `None` for a row about something other than a key, such as the mouse.
    pub action: Option<Action>,
    /// The keys as the help writes them; empty if the row above names them.
    pub label: &'static str,
    pub help: &'static str,
    /// What this action does by itself, for the command line; the help may speak of several. Empty for what is not offered
    /// there.
    pub title: &'static str,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CONTROL: KeyModifiers = KeyModifiers::CONTROL;

const fn key(c: char) -> (KeyCode, KeyModifiers) {
    (KeyCode::Char(c), NONE)
}

const fn code(code: KeyCode) -> (KeyCode, KeyModifiers) {
    (code, NONE)
}

const fn control(c: char) -> (KeyCode, KeyModifiers) {
    (KeyCode::Char(c), CONTROL)
}

const fn bind(
    keys: &'static [(KeyCode, KeyModifiers)],
    action: Action,
    label: &'static str,
    help: &'static str,
) -> Binding {
    Binding { keys, action: Some(action), label, help, title: help }
}

/// The first of several actions that share a row of the help.
const fn first(
    keys: &'static [(KeyCode, KeyModifiers)],
    action: Action,
    (label, help): (&'static str, &'static str),
    title: &'static str,
) -> Binding {
    Binding { keys, action: Some(action), label, help, title }
}

/// A further one, whose row is above.
const fn next(keys: &'static [(KeyCode, KeyModifiers)], action: Action, title: &'static str) -> Binding {
    Binding { keys, action: Some(action), label: "", help: "", title }
}

/// A row of the help about something other than a key.
const fn note(label: &'static str, help: &'static str) -> Binding {
    Binding { keys: &[], action: None, label, help, title: "" }
}

/// Every key of the notebook outside modals.
pub const BINDINGS: &[Binding] = &[
    bind(&[code(KeyCode::Down), key('j')], Action::Down, "↓ j", "scroll down a line"),
    bind(&[code(KeyCode::Up), key('k')], Action::Up, "↑ k", "scroll up a line"),
    bind(&[code(KeyCode::PageDown), key(' ')], Action::PageDown, "PgDn Space", "scroll down a page"),
    bind(&[code(KeyCode::PageUp), key('b')], Action::PageUp, "PgUp b", "scroll up a page"),
    bind(&[code(KeyCode::Home), key('g')], Action::Top, "Home g", "to the top of the lesson"),
    bind(&[code(KeyCode::End), key('G')], Action::Bottom, "End G", "to its end"),
    bind(&[code(KeyCode::Tab)], Action::NextCell, "Tab", "next cell: race, experiment, question, folded text"),
    bind(&[code(KeyCode::BackTab)], Action::PreviousCell, "Shift-Tab", "previous cell"),
    first(
        &[key('f')],
        Action::NextLink,
        ("f F", "next link, reference or footnote; the one before"),
        "next link, reference or footnote",
    ),
    next(&[key('F')], Action::PreviousLink, "previous link, reference or footnote"),
    bind(&[code(KeyCode::Enter)], Action::Activate, "Enter", "follow the link; start or resume the cell in view"),
    bind(&[key('u')], Action::Unfold, "u", "read now what waits for a cell to run"),
    bind(&[key('z')], Action::Pause, "z", "pause the race in view; Enter continues it"),
    bind(&[key('s')], Action::Stop, "s", "stop the race or the experiment in view"),
    bind(&[key('o')], Action::Settings, "o", "settings of the race in view"),
    bind(&[key('e')], Action::Effort, "e", "an experiment: quick or full; a race: the laboratory"),
    bind(&[key('E')], Action::Lab, "E", "the laboratory: a study of your own"),
    bind(&[key('i')], Action::Inside, "i", "inside the race's networks: filters, maps, mistakes"),
    bind(&[key('v')], Action::Values, "v", "into the chart in view: read values, zoom, metrics"),
    bind(&[key('y')], Action::Copy, "y", "copy the chart's data, the table or the study in view"),
    bind(&[key('m')], Action::Marks, "m", "a race's published points: list them, fit the axes"),
    bind(&[key('t')], Action::Verdicts, "t", "in the ledger: the claims of one verdict, or all"),
    bind(&[key('x')], Action::OtherRun, "x", "the lesson's own run, and the one with your settings"),
    first(&[key('1')], Action::Choose(1), ("1-9", "answer a question; turn to a page of an experiment"), ""),
    next(&[key('2')], Action::Choose(2), ""),
    next(&[key('3')], Action::Choose(3), ""),
    next(&[key('4')], Action::Choose(4), ""),
    next(&[key('5')], Action::Choose(5), ""),
    next(&[key('6')], Action::Choose(6), ""),
    next(&[key('7')], Action::Choose(7), ""),
    next(&[key('8')], Action::Choose(8), ""),
    next(&[key('9')], Action::Choose(9), ""),
    first(
        &[code(KeyCode::Left), key('h')],
        Action::Left,
        ("← → h l", "pages or values of the figure in view, else lessons"),
        "previous page or value of the figure in view, else lesson",
    ),
    next(&[code(KeyCode::Right), key('l')], Action::Right, "next page or value of the figure in view, else lesson"),
    first(
        &[key('[')],
        Action::PreviousPage,
        ("[ ]", "previous page, next page of the experiment in view"),
        "previous page of the experiment in view",
    ),
    next(&[key(']')], Action::NextPage, "next page of the experiment in view"),
    bind(&[code(KeyCode::Backspace)], Action::Undo, "Backspace", "take back the last of an order you predict"),
    first(&[key('n')], Action::NextLesson, ("n p", "next lesson, previous lesson"), "next lesson"),
    next(&[key('p')], Action::PreviousLesson, "previous lesson"),
    bind(&[key('c')], Action::Contents, "c", "contents"),
    bind(&[key('0')], Action::Welcome, "0", "lesson 0: how this notebook works"),
    bind(&[key('#')], Action::Headings, "#", "headings of this lesson, to jump to"),
    bind(&[key('r')], Action::Runs, "r", "runs that were trained here: open, name, delete, export"),
    bind(&[key('/')], Action::Search, "/", "search all lessons"),
    bind(&[key(':')], Action::Command, ":", "any action, lesson, run, setting by its words; commands"),
    bind(&[key('!')], Action::Faults, "!", "what to mend in the lesson that you are writing"),
    bind(&[key('T')], Action::Theme, "T", "colours for a light background, or for a dark one"),
    bind(&[code(KeyCode::Esc)], Action::Back, "Esc", "back, to where a link was followed from too"),
    bind(&[key('?'), code(KeyCode::F(1))], Action::Help, "?", "this help"),
    bind(&[key('q')], Action::Quit, "q", "quit; a race can go on without you"),
    bind(&[control('c')], Action::QuitSafely, "Ctrl-C", "quit at once; a race goes on"),
    bind(&[control('z')], Action::Suspend, "Ctrl-Z", "to the shell; `fg` comes back"),
    bind(&[control('l')], Action::Redraw, "Ctrl-L", "draw the screen anew"),
    note("mouse", "click cells, answers, pages, links; the wheel scrolls"),
    note("Shift-mouse", "select text, as without the notebook"),
];

const fn shifted(code: KeyCode) -> (KeyCode, KeyModifiers) {
    (code, KeyModifiers::SHIFT)
}

const fn controlled(code: KeyCode) -> (KeyCode, KeyModifiers) {
    (code, CONTROL)
}

const fn chart(
    keys: &'static [(KeyCode, KeyModifiers)],
    action: ChartAction,
    label: &'static str,
    help: &'static str,
) -> Binding {
    bind(keys, Action::Chart(action), label, help)
}

/// The first of several that share a row of the help.
const fn first_of_chart(
    keys: &'static [(KeyCode, KeyModifiers)],
    action: ChartAction,
    row: (&'static str, &'static str),
    title: &'static str,
) -> Binding {
    first(keys, Action::Chart(action), row, title)
}

/// A further one, whose row is above.
const fn next_of_chart(keys: &'static [(KeyCode, KeyModifiers)], action: ChartAction, title: &'static str) -> Binding {
    next(keys, Action::Chart(action), title)
}

/// Every key of a chart that takes the keys.
pub const CHART_BINDINGS: &[Binding] = &[
    first_of_chart(
        &[code(KeyCode::Left), key('h')],
        ChartAction::Left,
        ("← → h l", "the cursor, where all curves are read"),
        "the cursor to the left",
    ),
    next_of_chart(&[code(KeyCode::Right), key('l')], ChartAction::Right, "the cursor to the right"),
    first_of_chart(
        &[key('H'), shifted(KeyCode::Left)],
        ChartAction::FarLeft,
        ("H L", "further, a tenth of the curve; Home End to its ends"),
        "the cursor far to the left",
    ),
    next_of_chart(&[key('L'), shifted(KeyCode::Right)], ChartAction::FarRight, "the cursor far to the right"),
    next_of_chart(&[code(KeyCode::Home), key('g')], ChartAction::First, "the cursor to the first point"),
    next_of_chart(&[code(KeyCode::End), key('G')], ChartAction::Last, "the cursor to the last point"),
    first_of_chart(
        &[code(KeyCode::Up), key('k')],
        ChartAction::PreviousCurve,
        ("↑ ↓ k j", "from curve to curve"),
        "the cursor to the previous curve",
    ),
    next_of_chart(&[code(KeyCode::Down), key('j')], ChartAction::NextCurve, "the cursor to the next curve"),
    chart(&[key('c')], ChartAction::Compare, "c", "the difference of other curves to this one"),
    first_of_chart(
        &[key('d')],
        ChartAction::NextMetric,
        ("d D", "next metric of a training run, the one before"),
        "next metric of a training run",
    ),
    next_of_chart(&[key('D')], ChartAction::PreviousMetric, "previous metric of a training run"),
    chart(&[key('i')], ChartAction::NextLayer, "i", "next layer, for a metric of each layer"),
    chart(&[key('x')], ChartAction::NextXQuantity, "x", "x: epochs, images seen, seconds"),
    first_of_chart(
        &[key('X')],
        ChartAction::XScale,
        ("X Y", "x axis, y axis: linear or logarithmic"),
        "x axis: linear or logarithmic",
    ),
    next_of_chart(&[key('Y')], ChartAction::YScale, "y axis: linear or logarithmic"),
    chart(&[key('0')], ChartAction::FromZero, "0", "y from zero, and back"),
    first_of_chart(
        &[key('+'), key('=')],
        ChartAction::ZoomIn,
        ("+ -", "zoom in and out at the cursor; > < along x alone"),
        "zoom in",
    ),
    next_of_chart(&[key('-'), key('_')], ChartAction::ZoomOut, "zoom out"),
    next_of_chart(&[key('>')], ChartAction::ZoomInX, "zoom in along x"),
    next_of_chart(&[key('<')], ChartAction::ZoomOutX, "zoom out along x"),
    first_of_chart(
        &[key('('), controlled(KeyCode::Left)],
        ChartAction::PanLeft,
        ("( ) { }", "move left, right, down, up; so does Ctrl with arrows"),
        "move to the left",
    ),
    next_of_chart(&[key(')'), controlled(KeyCode::Right)], ChartAction::PanRight, "move to the right"),
    next_of_chart(&[key('{'), controlled(KeyCode::Down)], ChartAction::PanDown, "move down"),
    next_of_chart(&[key('}'), controlled(KeyCode::Up)], ChartAction::PanUp, "move up"),
    first_of_chart(
        &[key('f')],
        ChartAction::Fit,
        ("f F", "fit the whole chart; its curves alone"),
        "fit the whole chart",
    ),
    next_of_chart(&[key('F')], ChartAction::FitData, "fit the curves alone"),
    first_of_chart(
        &[key('m')],
        ChartAction::PublishedReach,
        ("m M", "published points: axes that reach them; hide them"),
        "axes that reach the published points, and back",
    ),
    next_of_chart(&[key('M')], ChartAction::PublishedPoints, "hide the published points, or show them"),
    chart(&[key('b')], ChartAction::NextBand, "b", "band: deviation, standard error, extremes, none"),
    first_of_chart(
        &[key('w')],
        ChartAction::SmoothMore,
        ("w W", "smooth more, less; what was measured stays behind"),
        "smooth more",
    ),
    next_of_chart(&[key('W')], ChartAction::SmoothLess, "smooth less"),
    chart(&[key('t')], ChartAction::ThinCurves, "t", "thin curves, such as single seeds: hide, show"),
    chart(&[key(' ')], ChartAction::HideCurve, "Space", "hide the curve at the cursor, with its arm"),
    chart(&[key('1')], ChartAction::ToggleArm(0), "1-9", "hide an arm of a training run, or show it again"),
    next_of_chart(&[key('2')], ChartAction::ToggleArm(1), ""),
    next_of_chart(&[key('3')], ChartAction::ToggleArm(2), ""),
    next_of_chart(&[key('4')], ChartAction::ToggleArm(3), ""),
    next_of_chart(&[key('5')], ChartAction::ToggleArm(4), ""),
    next_of_chart(&[key('6')], ChartAction::ToggleArm(5), ""),
    next_of_chart(&[key('7')], ChartAction::ToggleArm(6), ""),
    next_of_chart(&[key('8')], ChartAction::ToggleArm(7), ""),
    next_of_chart(&[key('9')], ChartAction::ToggleArm(8), ""),
    chart(&[key('o')], ChartAction::Multiples, "o", "one chart a metric of a training run, and back"),
    chart(&[key('a')], ChartAction::ShowAll, "a", "show all again"),
    chart(&[key('y')], ChartAction::Copy, "y", "copy the numbers at the cursor"),
    chart(&[key('q')], ChartAction::Leave, "Esc q", "back; what was chosen stays"),
    note("mouse", "the wheel zooms at the pointer, a drag moves the chart"),
];

/// A key as the help writes it: `n`, `PgDn`, `Ctrl-Z`.
pub fn key_name(code: KeyCode, modifiers: KeyModifiers) -> String {
    let name = match code {
        KeyCode::Char(' ') => "Space".into(),
        KeyCode::Char(c) if modifiers.contains(CONTROL) => c.to_uppercase().to_string(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Up => "↑".into(),
        KeyCode::Down => "↓".into(),
        KeyCode::Left => "←".into(),
        KeyCode::Right => "→".into(),
        KeyCode::PageUp => "PgUp".into(),
        KeyCode::PageDown => "PgDn".into(),
        KeyCode::BackTab => "Shift-Tab".into(),
        KeyCode::F(number) => format!("F{number}"),
        code => code.to_string(),
    };
    let control = if modifiers.contains(CONTROL) { "Ctrl-" } else { "" };
    let shift = if modifiers.contains(KeyModifiers::SHIFT) { "Shift-" } else { "" };
    format!("{control}{shift}{name}")
}

/// The lines of help: each label stands once.
pub fn shown() -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(|binding| !binding.label.is_empty())
}

/// The same of a chart that takes the keys, beneath a line that says so.
pub fn shown_of_charts() -> impl Iterator<Item = &'static Binding> {
    const HEAD: &[Binding] = &[note("CHART", "its keys, once v has given them to it:")];
    HEAD.iter().chain(CHART_BINDINGS).filter(|binding| !binding.label.is_empty())
}

/// The action of a key in a chart that takes the keys.
pub fn chart_action(event: KeyEvent) -> Option<ChartAction> {
    // A capital letter is reported with Shift by some terminals and without by others.
    let modifiers =
        if matches!(event.code, KeyCode::Char(_)) { event.modifiers - KeyModifiers::SHIFT } else { event.modifiers };
    let hit = CHART_BINDINGS.iter().find(|binding| binding.keys.contains(&(event.code, modifiers)))?;
    if let Some(Action::Chart(action)) = hit.action { Some(action) } else { None }
}

/// The action of a key, if it has one.
pub fn action(event: KeyEvent) -> Option<Action> {
    // A capital letter is reported with Shift by some terminals and without by others.
    let modifiers = event.modifiers - KeyModifiers::SHIFT;
    let hit = |binding: &&Binding| binding.keys.contains(&(event.code, modifiers));
    BINDINGS.iter().find(hit).and_then(|binding| binding.action)
}

/// The table as Markdown, for the README.
pub fn markdown() -> String {
    markdown_of(shown().map(|binding| (binding.label, binding.help)))
}

/// A table of keys as Markdown: each label has the keys of a row with spaces between them, and the text says what they do.
pub(crate) fn markdown_of(rows: impl Iterator<Item = (&'static str, &'static str)>) -> String {
    let row = |(label, help): (&str, &str)| {
        let keys: Vec<String> = label.split(' ').map(|key| format!("`{key}`")).collect();
        format!("| {} | {help} |\n", keys.join(" "))
    };
    std::iter::once("| key | does |\n|---|---|\n".to_string()).chain(rows.map(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_bound_twice() {
        for table in [BINDINGS, CHART_BINDINGS] {
            let mut seen = Vec::new();
            for key in table.iter().flat_map(|binding| binding.keys) {
                assert!(!seen.contains(&key), "{key:?}");
                seen.push(key);
            }
        }
    }

    #[test]
    fn the_readme_shows_this_table() {
        let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
        assert!(readme.contains(&markdown()), "put this into README.md:\n{}", markdown());
    }
}
