//! Draws the list of runs: a line for each, and beneath the list what is known of the selected run, or in what the marked
//! runs differ.

use crate::theme::Theme;
use crate::widgets::{fit_items, open_dialog, write_wrapped};
use app::{App, RunsLayout, RunsList, RunsRead, RunsRow, truncate};
use protocol::{Fork, RunState, RunSummary, format_clock, format_count, format_date, format_tags, grouped};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

pub fn draw(list: &RunsList, app: &App, theme: &Theme, buffer: &mut Buffer) {
    let layout = app.runs_layout();
    open_dialog("Runs", layout.dialog, theme, buffer);
    let inner = Rect { height: layout.keys.bottom().saturating_sub(layout.filter.y), ..layout.filter };
    if let Some(fault) = &app.runs_fault {
        let text = format!("The list of runs can't be read: {fault}.");
        write_wrapped(theme, &text, theme.bad(), inner, inner.y, buffer);
        return;
    }
    let rows = app.runs_rows(list);
    draw_filter(list, &rows, app, theme, layout.filter, buffer);
    let nothing = if !rows.is_empty() {
        None
    } else if !app.runs.is_empty() {
        Some("No run matches the filter.")
    } else if app.pending_deletions() > 0 {
        Some("Every run is deleted; u brings them back, until you quit.")
    } else if app.reads_runs() {
        Some("Reading the list of runs …")
    } else {
        Some("Nothing has been trained here yet. Enter on a race starts the first run.")
    };
    if let Some(nothing) = nothing {
        let place = Rect { height: layout.keys.y.saturating_sub(layout.head.y), ..layout.head };
        write_wrapped(theme, nothing, Style::new(), place, place.y, buffer);
        draw_keys(list, app, theme, layout.keys, buffer);
        return;
    }
    let selected = app.selected_row(list, &rows);
    let room = usize::from(layout.list.height);
    let first = list.first_shown(&rows, selected.unwrap_or(0), room);
    let shown = &rows[first.min(rows.len())..(first + room).min(rows.len())];
    let columns = Columns::new(layout.list.width, app, &rows, shown);
    write_cells(theme, &columns.heads(), layout.head, theme.faint(), buffer);
    for ((at, row), y) in rows.iter().enumerate().skip(first).take(room).zip(layout.list.y..) {
        let place = Rect { y, height: 1, ..layout.list };
        let style = if Some(at) == selected { theme.selected() } else { Style::new() };
        draw_row(row, list, app, &columns, (theme, style), place, buffer);
    }
    if !layout.detail.is_empty() {
        draw_detail(list, selected.map(|at| &rows[at]), app, theme, &layout, buffer);
    }
    draw_keys(list, app, theme, layout.keys, buffer);
}

/// The filter, how many runs match it, and by what they are grouped.
fn draw_filter(list: &RunsList, rows: &[RunsRow], app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let listed = rows.iter().filter(|row| !matches!(row, RunsRow::Group { .. })).count();
    let all = app.runs.len() + app.unreadable_runs.len();
    let count = if app.runs_read == RunsRead::Newest {
        format!("the newest {all}, reading the others …")
    } else if listed == all {
        format_count(all, "run")
    } else {
        format!("{} of {}", grouped(listed as u64), format_count(all, "run"))
    };
    let (marked, hidden) = (app.marked_runs(list).len(), app.hidden_marks(list));
    let deleted = app.pending_deletions();
    let parts = [
        Some(count),
        list.grouping.title().map(|title| format!("by {title}")),
        (marked > 0).then(|| format!("{marked} marked")),
        (hidden > 0).then(|| format!("{hidden} marked that the filter hides")),
        (deleted > 0).then(|| format!("{deleted} deleted")),
    ];
    let filter = if list.is_typing() {
        format!("/ {}_", list.filter)
    } else if list.filter.is_empty() {
        String::new()
    } else {
        format!("/ {}", list.filter)
    };
    // Of a long filter the end is shown, where the reader types; beside it as many facts as there is room for.
    let width = usize::from(area.width);
    let skip = filter.chars().count().saturating_sub(width * 2 / 3);
    let shown: String = filter.chars().skip(skip).collect();
    let left = width.saturating_sub(shown.width() + GAP);
    let mut facts = String::new();
    for part in parts.into_iter().flatten() {
        let longer = if facts.is_empty() { part } else { format!("{facts} · {part}") };
        if longer.width() > left {
            break;
        }
        facts = longer;
    }
    let style = if list.is_typing() { theme.strong() } else { theme.accent() };
    buffer.set_stringn(area.x, area.y, theme.text(&shown), width, style);
    let x = area.right().saturating_sub(facts.width() as u16);
    buffer.set_stringn(x, area.y, theme.text(&facts), left, theme.faint());
}

fn draw_keys(list: &RunsList, app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let undo = if app.pending_deletions() > 0 { "u undo · " } else { "" };
    let change = if list.filter.is_empty() { "/ filters" } else { "/ changes the filter" };
    let without_run = format!("{undo}{change} · ? keys · Esc back");
    // The widest that fits.
    let lines: &[&str] = if list.is_typing() {
        &[
            "words that all have to match · tag:x · state:x · ↑ ↓ choose · Enter keeps it · Esc does not",
            "Enter keeps it · Esc does not",
        ]
    } else if !app.has_chosen_runs(list) {
        &[&without_run]
    } else {
        &[
            "Enter opens · Space marks · o together · e laboratory · / filters · g groups · n name · t tags · N notes · x export · d deletes · u undo · ? keys · Esc back",
            "Enter opens · Space marks · o e laboratory · / filters · g groups · n t N names · d deletes · ? keys · Esc back",
            "Enter opens · Space marks · / filters · d deletes · ? keys · Esc back",
            "Enter · / filters · ? keys · Esc back",
        ]
    };
    let width = usize::from(area.width);
    let line = lines.iter().find(|line| line.width() <= width).or(lines.last());
    buffer.set_stringn(area.x, area.y, theme.text(line.unwrap_or(&"")), width, theme.faint());
}

/// The columns that fit: on a wider screen more of them. The errors come first; what is left over has the names.
struct Columns {
    /// Of the best errors, the name, the tags and the settings, or 0 for what has no column of its own.
    errors: usize,
    name: usize,
    tags: usize,
    settings: usize,
    has_progress: bool,
    has_time: bool,
    has_date: bool,
}

/// Columns of the mark and the number, of the state, of the epochs and the time, and of the date, each with a gap behind.
const NUMBER: usize = 8;
const STATE: usize = 13;
const EPOCHS: usize = 11;
const TIME: usize = 9;
const DATE: usize = 12;
const GAP: usize = 2;
/// The title of the errors.
const HEAD: &str = "best validation error, %";
/// Columns from which on names, tags and settings have some of their own beside the errors.
const SPLIT: usize = 60;
/// Columns below which settings say nothing.
const SETTINGS: usize = 20;

/// The run of a row that has one.
fn run_of_row<'a>(app: &'a App, row: &RunsRow) -> Option<&'a RunSummary> {
    if let RunsRow::Run(at) = row { app.runs.get(*at) } else { None }
}

impl Columns {
    /// `shown` are the rows on the screen, `rows` all of them.
    fn new(width: u16, app: &App, rows: &[RunsRow], shown: &[RunsRow]) -> Self {
        let width = usize::from(width);
        let needed =
            shown.iter().filter_map(|row| run_of_row(app, row)).map(|run| run.best_errors().width()).max().unwrap_or(0);
        let (has_progress, has_date) = (width >= SPLIT, width >= 150);
        let fixed = NUMBER + STATE + if has_progress { EPOCHS } else { 0 } + if has_date { DATE } else { 0 };
        let rest = width.saturating_sub(fixed);
        // The time is in the run's own pane too, and gives way to errors that would be cut.
        let has_time = has_progress && (rest >= SPLIT + TIME || rest.saturating_sub(TIME) >= needed);
        let rest = if has_time { rest - TIME } else { rest };
        if rest < SPLIT {
            return Self { errors: rest, name: 0, tags: 0, settings: 0, has_progress, has_time, has_date };
        }
        // A column that no run needs takes no room. By tens, so that scrolling seldom moves the columns.
        let errors = (needed + GAP).next_multiple_of(10).max(HEAD.width() + GAP).min(rest);
        let mut left = rest - errors;
        let mut widest = |text: &dyn Fn(&RunSummary) -> usize, most: usize| {
            let widest = rows.iter().filter_map(|row| run_of_row(app, row)).map(text).max().unwrap_or(0).min(most);
            let columns = if widest == 0 { 0 } else { (widest.max(4) + GAP).min(left) };
            // A column of a few letters says nothing.
            let columns = if columns < 4 + GAP { 0 } else { columns };
            left -= columns;
            columns
        };
        let name = widest(&|run| run.name.as_deref().map_or(0, UnicodeWidthStr::width), rest / 4);
        let tags = widest(&|run| format_tags(&run.tags).width(), rest / 5);
        let settings = if left >= SETTINGS { left } else { 0 };
        let errors = if settings == 0 { errors + left } else { errors };
        Self { errors, name, tags, settings, has_progress, has_time, has_date }
    }

    fn heads(&self) -> Vec<(String, usize)> {
        let mut cells = vec![("   run".into(), NUMBER), ("state".into(), STATE)];
        if self.has_progress {
            cells.push((format!("{:>9}", "epochs"), EPOCHS));
        }
        if self.has_time {
            cells.push((format!("{:>7}", "time"), TIME));
        }
        if self.has_date {
            cells.push(("begun".into(), DATE));
        }
        cells.extend([(HEAD.into(), self.errors), ("name".into(), self.name), ("tags".into(), self.tags)]);
        cells.push(("settings".into(), self.settings));
        cells
    }
}

/// Writes texts into columns of these widths; a text that is too long ends with an ellipsis before the gap.
fn write_cells(theme: &Theme, cells: &[(String, usize)], area: Rect, style: Style, buffer: &mut Buffer) {
    buffer.set_style(area, style);
    let mut x = area.x;
    let last = cells.iter().rposition(|(_, width)| *width > 0);
    for (at, (text, width)) in cells.iter().enumerate().filter(|(_, (_, width))| *width > 0) {
        let left = usize::from(area.right().saturating_sub(x));
        let room = if Some(at) == last { left } else { width.saturating_sub(GAP).min(left) };
        buffer.set_stringn(x, area.y, theme.text(&truncate(text, room)), room, style);
        x = x.saturating_add(*width as u16).min(area.right());
    }
}

fn draw_row(
    row: &RunsRow,
    list: &RunsList,
    app: &App,
    columns: &Columns,
    (theme, style): (&Theme, Style),
    area: Rect,
    buffer: &mut Buffer,
) {
    let width = usize::from(area.width);
    match row {
        RunsRow::Group { title, runs } => {
            let count = format!(" · {}", format_count(*runs, "run"));
            let title = truncate(title, width.saturating_sub(count.width()));
            let heading = theme.accent().patch(theme.strong());
            let x = buffer.set_stringn(area.x, area.y, theme.text(&title), width, heading).0;
            let left = usize::from(area.right().saturating_sub(x));
            buffer.set_stringn(x, area.y, theme.text(&count), left, theme.faint());
        }
        RunsRow::Unreadable(at) => {
            let Some((run, why)) = app.unreadable_runs.get(*at) else { return };
            let cells = [(format!("  {:>4}", run.0), NUMBER), ("unreadable".into(), STATE), (why.clone(), width)];
            write_cells(theme, &cells, area, style, buffer);
        }
        RunsRow::Run(at) => {
            let Some(run) = app.runs.get(*at) else { return };
            let is_marked = list.marked.contains(&run.run);
            let mark = if is_marked { "*" } else { " " };
            let mut cells = vec![(format!("{mark} {:>4}", run.run), NUMBER), (run.state.name().into(), STATE)];
            if columns.has_progress {
                cells.push((format!("{:>9}", run.advance().short()), EPOCHS));
            }
            if columns.has_time {
                cells.push((format!("{:>7}", format_clock(seconds(app, run))), TIME));
            }
            if columns.has_date {
                cells.push((format_date(run.created), DATE));
            }
            let reason = if let RunState::Failed { reason } = &run.state { Some(reason.clone()) } else { None };
            let tags = Some(format_tags(&run.tags)).filter(|tags| !tags.is_empty());
            // What has no column of its own stands behind the errors, which are whole where there is room for them.
            let name = run.name.clone().filter(|_| columns.name == 0);
            let unplaced = tags.clone().filter(|_| columns.tags == 0);
            let has_errors = reason.is_none() || !run.best.is_empty();
            let errors = has_errors.then(|| run.best_errors_within(columns.errors.saturating_sub(GAP)));
            let head: Vec<String> = errors.into_iter().chain(reason).collect();
            let is_last = columns.name + columns.tags + columns.settings == 0;
            let room = columns.errors.saturating_sub(if is_last { 0 } else { GAP });
            cells.push((join_parts(theme, &head.join(" · "), name, unplaced, room), columns.errors));
            cells.push((run.name.clone().unwrap_or_default(), columns.name));
            cells.push((tags.unwrap_or_default(), columns.tags));
            let settings = if columns.settings > 0 { app.settings_text(*at).text.clone() } else { String::new() };
            cells.push((settings, columns.settings));
            write_cells(theme, &cells, area, style, buffer);
            if is_marked {
                buffer.set_style(Rect { width: 1.min(area.width), ..area }, style.patch(theme.accent()));
            }
        }
    }
}

/// Errors, and behind them a name and tags that have no columns of their own. A name is seen where the errors fill the room,
/// and what is cut ends after a whole item.
fn join_parts(theme: &Theme, errors: &str, name: Option<String>, tags: Option<String>, room: usize) -> String {
    let Some(name) = name else {
        let parts: Vec<&str> = std::iter::once(errors).chain(tags.as_deref()).filter(|part| !part.is_empty()).collect();
        return fit_items(theme, &parts.join(" · "), room);
    };
    let parts: Vec<&str> = [errors, &name].into_iter().filter(|part| !part.is_empty()).collect();
    let both = parts.join(" · ");
    if both.width() <= room {
        return tags.map_or(both.clone(), |tags| format!("{both} · {tags}"));
    }
    let name = truncate(&name, room / 2);
    let left = room.saturating_sub(name.width() + " · ".width());
    format!("{} · {name}", truncate(&fit_items(theme, errors, left), left))
}

/// Seconds that a run has trained. For an active run the kernel's value is newer than the list's.
fn seconds(app: &App, run: &RunSummary) -> f64 {
    app.training_runs.get(&run.run).map_or(run.elapsed, |training| training.elapsed.max(run.elapsed))
}

/// In what the marked runs differ, then what is known of the selected run.
fn draw_detail(
    list: &RunsList,
    selected: Option<&RunsRow>,
    app: &App,
    theme: &Theme,
    layout: &RunsLayout,
    buffer: &mut Buffer,
) {
    let area = layout.detail;
    let mut lines: Vec<(String, Style)> = Vec::new();
    let marked = app.marked_runs(list);
    if marked.len() > 1 {
        lines.extend(difference_lines(&marked, app).into_iter().map(|line| (line, theme.accent())));
    }
    match selected {
        Some(RunsRow::Run(at)) => lines.extend(run_lines(*at, app).into_iter().map(|line| (line, theme.faint()))),
        Some(RunsRow::Unreadable(at)) => lines.extend(app.unreadable_runs.get(*at).map(|(run, why)| {
            let text = format!(
                "Run {run} can't be read back: {why}. The other runs are not touched, and its checkpoints are kept; \
                 `relu runs delete {run}` removes it."
            );
            (text, theme.faint())
        })),
        Some(RunsRow::Group { .. }) | None => {}
    }
    let width = usize::from(area.width);
    let wrap = |line: &String| -> Vec<String> {
        let lines = textwrap::wrap(line, app::wrap_options(width.max(1)));
        lines.into_iter().map(std::borrow::Cow::into_owned).collect()
    };
    let paragraphs: Vec<(Vec<String>, Style)> =
        lines.iter().map(|(line, style)| (wrap(&theme.text(line)), *style)).collect();
    let wanted: Vec<usize> = paragraphs.iter().map(|(lines, _)| lines.len()).collect();
    let rows = share_rows(&wanted, area.height.into());
    let is_whole = rows.iter().all(|rows| *rows > 0);
    let last = rows.iter().rposition(|rows| *rows > 0);
    let mut y = area.y;
    for (at, ((lines, style), rows)) in paragraphs.iter().zip(rows).enumerate() {
        for (row, line) in lines.iter().take(rows).enumerate() {
            let is_cut = row + 1 == rows && (rows < lines.len() || (Some(at) == last && !is_whole));
            let text = if is_cut { theme.text(&truncate(&format!("{line} …"), width)) } else { line.clone() };
            buffer.set_stringn(area.x, y, text, width, *style);
            y += 1;
        }
    }
}

/// How many rows each paragraph gets that would like so many: one each, as far as they go, then another one each, so that a
/// long one leaves the others their beginning.
fn share_rows(wanted: &[usize], room: usize) -> Vec<usize> {
    let mut given = vec![0; wanted.len()];
    let mut left = room.min(wanted.iter().sum());
    while left > 0 {
        for (given, wanted) in given.iter_mut().zip(wanted) {
            if left > 0 && *given < *wanted {
                *given += 1;
                left -= 1;
            }
        }
    }
    given
}

/// A line for each setting in which the marked runs differ: `learning rate: 0.1 in run 7, 0.05 in runs 5, 3`.
fn difference_lines(marked: &[usize], app: &App) -> Vec<String> {
    let differences = app.settings_differences(marked);
    let count = format_count(marked.len(), "run");
    if differences.is_empty() {
        return vec![format!("{count} marked, all with the same settings.")];
    }
    let line = |(title, values): &(&str, Vec<String>)| {
        let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
        for (value, at) in values.iter().zip(marked) {
            let run = app.runs[*at].run.to_string();
            match groups.iter_mut().find(|(known, _)| known == value) {
                Some((_, runs)) => runs.push(run),
                None => groups.push((value, vec![run])),
            }
        }
        let groups = groups.into_iter().map(|(value, runs)| {
            format!("{value} in {} {}", if runs.len() == 1 { "run" } else { "runs" }, runs.join(", "))
        });
        format!("{title}: {}", groups.collect::<Vec<_>>().join(" · "))
    };
    std::iter::once(format!("{count} marked. They differ in")).chain(differences.iter().map(line)).collect()
}

/// What is known of a run.
fn run_lines(at: usize, app: &App) -> Vec<String> {
    let run = &app.runs[at];
    let spec = &run.spec;
    let settings = format!(
        "begun {} · {}, {} images, {}",
        format_date(run.created),
        spec.settings_words(),
        grouped(spec.train_size),
        spec.seeds_words()
    );
    let reason = if let RunState::Failed { reason } = &run.state { Some(format!("failed: {reason}")) } else { None };
    let name = run.name.as_ref().map_or(format!("Run {}", run.run), |name| format!("Run {}, {name}", run.run));
    let notice = app.training_runs.get(&run.run).and_then(|training| training.notice.clone());
    let notice = notice.or_else(|| app.notices.get(&run.run).cloned());
    let exact = run.not_exact.as_ref().map(|why| format!("not exact: {why}"));
    let fork = run.fork.map(Fork::sentence);
    let tags = (!run.tags.is_empty()).then(|| format_tags(&run.tags));
    let bytes = app.run_sizes.get(&run.run).filter(|bytes| **bytes > 0);
    let size = bytes.map(|bytes| format!("checkpoints {:.1} MB", *bytes as f64 / 1e6));
    let errors = (!run.best.is_empty()).then(|| format!("{HEAD}: {}", run.best_errors()));
    let first = [Some(name), tags, errors, notice, reason, exact, fork, Some(settings), size];
    let first = first.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let notes = run.notes.as_ref().map(|notes| format!("Notes: {notes}"));
    [Some(first), notes, Some(format!("Study: {}", app.settings_text(at).text))].into_iter().flatten().collect()
}
