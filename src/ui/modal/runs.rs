//! Draws the list of runs: a line for each, and the details of the selected one beneath.

use crate::theme::Theme;
use crate::widgets::open_dialog;
use crate::widgets::write_wrapped;
use app::{App, RunsList, truncate};
use protocol::{RunId, RunState, RunSummary, format_clock, format_date, grouped};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

pub fn draw(list: &RunsList, app: &App, theme: &Theme, buffer: &mut Buffer) {
    let inner = open_dialog("Runs", app.screen.runs(), theme, buffer);
    let width = usize::from(inner.width);
    let unreadable = &app.unreadable_runs;
    if let Some(fault) = &app.runs_fault {
        let text = format!("The list of runs can't be read: {fault}.");
        write_wrapped(theme, &text, theme.bad(), inner, inner.y, buffer);
        return;
    }
    if app.runs.is_empty() && unreadable.is_empty() {
        let nothing = "Nothing has been trained here yet. Enter on a race starts the first run.";
        write_wrapped(theme, nothing, Style::new(), inner, inner.y, buffer);
        return;
    }
    let head = format!("{:>4}  {:<11} {:>9} {:>7}  {}", "run", "state", "epochs", "time", "best validation error, %");
    buffer.set_stringn(inner.x, inner.y, head, width, theme.faint());
    let (first, room) = list.shown(&app.screen);
    let damaged = |(run, why): &(RunId, String)| format!("{run:>4}  {:<11} {:>9}  {why}", "unreadable", "");
    let lines = app.runs.iter().map(|run| line(run, seconds(app, run))).chain(unreadable.iter().map(damaged));
    for ((at, line), y) in lines.enumerate().skip(first).take(room).zip(inner.y + 1..) {
        let style = if at == list.selected { theme.selected() } else { Style::new() };
        buffer.set_stringn(inner.x, y, theme.text(&truncate(&line, width)), width, style);
    }
    let last = inner.bottom().saturating_sub(1);
    let keys = "Enter opens · n name · d delete · x export · Esc back";
    buffer.set_stringn(inner.x, last, theme.text(keys), width, theme.faint());
    let rows = RunsList::detail_rows(&app.screen);
    let detail_text = app.runs.get(list.selected).map(detail).or_else(|| {
        let (run, why) = unreadable.get(list.selected.checked_sub(app.runs.len())?)?;
        Some(format!(
            "Run {run} can't be read back: {why}. The other runs are not touched, and its checkpoints are kept; `relu runs \
             delete {run}` removes it."
        ))
    });
    if let Some(detail_text) = detail_text.filter(|_| rows > 0) {
        let lines =
            textwrap::wrap(&detail_text, app::wrap_options(width.max(1))).len().min(usize::from(rows - 1)) as u16;
        let place = Rect { y: last.saturating_sub(1 + lines), height: lines, ..inner };
        write_wrapped(theme, &detail_text, theme.faint(), place, place.y, buffer);
    }
}

/// Seconds that a run has trained. For an active run the kernel's value is newer than the list's.
fn seconds(app: &App, run: &RunSummary) -> f64 {
    app.training_runs.get(&run.run).map_or(run.elapsed, |training| training.elapsed.max(run.elapsed))
}

fn line(run: &RunSummary, seconds: f64) -> String {
    let epochs = run.advance().short();
    // The name and the reason of a failure come first. The selected run's are shown in full beneath the list.
    let reason = if let RunState::Failed { reason } = &run.state { Some(reason.clone()) } else { None };
    let detail_text: Vec<String> = run.name.clone().into_iter().chain(reason).chain([run.best_errors()]).collect();
    format!(
        "{:>4}  {:<11} {epochs:>9} {:>7}  {}",
        run.run,
        run.state.name(),
        format_clock(seconds),
        detail_text.join(" · ")
    )
}

fn detail(run: &RunSummary) -> String {
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
    let exact = run.not_exact.as_ref().map(|why| format!("not exact: {why}"));
    [Some(name), reason, exact, Some(settings)].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
