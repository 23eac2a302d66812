//! The runs that are shown together: the list to choose them from, and in what their settings differ.

use crate::theme::Theme;
use crate::widgets::{open_dialog, write_wrapped};
use app::{App, OverlayList, RunRole, arm_slots, truncate};
use protocol::{describe_steerings, format_clock};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// The signs of a run's arms in front of its settings; those of all cells of a large sweep would leave these no room.
const MARKERS: usize = 8;
/// Rows beneath the list for what is known of the chosen run.
const DETAIL: u16 = 3;

pub fn draw_list(list: OverlayList, app: &App, theme: &Theme, buffer: &mut Buffer) {
    let inner = open_dialog("Runs that are shown together", app.screen.runs(), theme, buffer);
    let width = usize::from(inner.width);
    let room = usize::from(inner.height.saturating_sub(DETAIL + 2));
    let first = list.first_shown(room);
    for ((at, run), y) in app.runs.iter().enumerate().skip(first).take(room).zip(inner.y..) {
        let mark = if app.lab_shows(run.run) { "[x]" } else { "[ ]" };
        let name = run.name.as_ref().map_or(String::new(), |name| format!("{name} · "));
        let state = run.state.name();
        let (epochs, time) = (run.advance().short(), format_clock(run.elapsed));
        let line = format!("{mark} {:>4}  {state:<11} {epochs:>9} {time:>7}  {name}{}", run.run, run.best_errors());
        let style = if at == list.selected { theme.selected() } else { Style::new() };
        buffer.set_stringn(inner.x, y, truncate(&theme.text(&line), width), width, style);
    }
    let last = inner.bottom().saturating_sub(1);
    if let Some(run) = app.runs.get(list.selected) {
        let differences = app.lab_differences(run.run);
        let text = if differences.is_empty() {
            format!("Run {} has the settings of the run that is shown.", run.run)
        } else {
            format!("Run {} differs: {}", run.run, differences.join(", "))
        };
        let place = Rect { y: last.saturating_sub(DETAIL), height: DETAIL, ..inner };
        write_wrapped(theme, &text, theme.faint(), place, place.y, buffer);
    }
    let keys = "↑ ↓ choose · Space shows or hides it · Esc back";
    buffer.set_stringn(inner.x, last, theme.text(keys), width, theme.faint());
}

/// What the runs beside the first have other than it, above the chart; returns what is left. Nothing for a single run.
pub fn draw_differences(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Rect {
    let area = draw_history(app, theme, area, buffer);
    let runs = app.lab_runs();
    let Some((first, others)) = runs.split_first().filter(|(_, others)| !others.is_empty()) else { return area };
    let shown = app.lab_chart_runs();
    let mut y = area.y;
    let most = area.bottom().min(area.y + area.height / 3);
    for training in std::iter::once(first).chain(others) {
        let slots: Vec<usize> = arm_slots(&shown, training.run).into_iter().map(|(_, slot)| slot).collect();
        let mark = |x, slot: &usize| buffer.set_stringn(x, y, theme.marker(*slot), 1, theme.arm(*slot)).0;
        let mut x = slots.iter().take(MARKERS).fold(area.x, mark);
        if slots.len() > MARKERS {
            x = buffer.set_stringn(x, y, theme.text("…"), 1, theme.faint()).0;
        }
        let differences = app.lab_differences(training.run);
        let is_ghost = shown.iter().any(|run| run.training.run == training.run && run.role == RunRole::Ghost);
        let faint = if is_ghost { " (dotted)" } else { "" };
        let text = if training.run == first.run {
            format!("run {}: {}", training.run, training.spec)
        } else if differences.is_empty() {
            format!("run {}{faint}: the same settings", training.run)
        } else {
            format!("run {}{faint}: {}", training.run, differences.join(", "))
        };
        let place = Rect { x: x + 1, width: area.right().saturating_sub(x + 1), ..area };
        y = if y < most {
            write_wrapped(theme, &text, Style::new(), Rect { height: most - area.y, ..place }, y, buffer)
        } else {
            y
        };
        if y >= most {
            break;
        }
    }
    let y = y.min(most);
    Rect { y, height: area.bottom().saturating_sub(y), ..area }
}

/// Where a run was forked, what was steered in it, and the best of each arm of a sweep; returns what is left.
fn draw_history(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Rect {
    let Some(training) = app.lab_training() else { return area };
    let mut lines: Vec<String> =
        training.fork.iter().map(|fork| format!("Run {} {}.", training.run, fork.sentence())).collect();
    lines.extend(training.spec.arm_ids().filter_map(|arm| {
        let phrase = describe_steerings(&training.steerings, arm)?;
        Some(format!("{} was steered: {phrase}", training.spec.arm_title(arm)))
    }));
    lines.extend(app.best_cell_lines());
    let most = area.bottom().min(area.y + area.height / 4);
    let wrapped: Vec<String> = lines
        .iter()
        .flat_map(|line| textwrap::wrap(line, app::wrap_options(usize::from(area.width.max(1)))))
        .map(String::from)
        .collect();
    let room = usize::from(most.saturating_sub(area.y));
    let mut y = area.y;
    for (at, line) in wrapped.iter().take(room).enumerate() {
        let is_cut = at + 1 == room && wrapped.len() > room;
        let line = if is_cut { format!("{line} …") } else { line.clone() };
        let text = truncate(&theme.text(&line), area.width.into());
        buffer.set_stringn(area.x, y, text, area.width.into(), theme.accent());
        y += 1;
    }
    Rect { y, height: area.bottom().saturating_sub(y), ..area }
}
