//! Draws a train cell: the chart and the numbers of its run, or the offer to start one.

use crate::chart::{self, ChartLayout, MarkLabels, cursor_values};
use crate::study::results::{self, Results};
use crate::theme::Theme;
use crate::widgets::{draw_frame, write_wrapped};
use app::{App, Pane, TrainingRun, Viewport, training_plot, training_readout};
use lesson::TrainCell;
use protocol::{CellKey, Estimate, Plot, PlotMark, Source, Study, format_count, grouped};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// From this width on the numbers are beside the chart.
const WIDE: u16 = 88;
/// The smallest and the largest width of the numbers beside the chart, with the gap between them.
const SIDE: (u16, u16) = (38, 58);
/// From this width on a chart has the values of published points at its right.
const WITH_GUTTER: u16 = 50;

/// Draws a train cell: its run, or the offer to start one.
pub fn draw_cell(
    app: &App,
    theme: &Theme,
    cell: &TrainCell,
    key: &CellKey,
    focused: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let training = app.training_of(key);
    let changed_settings = training.map(|training| app.changed_settings(key, training.run)).unwrap_or_default();
    let title = match training {
        None => cell.title.clone(),
        Some(training) if changed_settings.is_empty() => format!("{} · run {}", cell.title, training.run),
        Some(training) => format!("Your run {}: {}", training.run, changed_settings.join(", ")),
    };
    let inner = draw_frame(theme, &title, focused, area, buffer);
    let starting = app.starting.get(key);
    if let Some(Err(why)) = starting {
        let y = write_wrapped(theme, "The race could not start.", theme.bad(), inner, inner.y + 1, buffer);
        let y = write_wrapped(theme, why, Style::new(), inner, y, buffer);
        write_wrapped(theme, "Enter tries again.", theme.faint(), inner, y + 1, buffer);
        return;
    }
    let ready;
    let shown = if let Some(training) = training {
        training
    } else {
        ready = TrainingRun::new(protocol::RunId(0), cell.spec());
        &ready
    };
    let waiting = if starting.is_some() {
        Some("The kernel is starting; LibTorch takes a moment to load.".to_string())
    } else if training.is_none() {
        Some(start_offer(&cell.spec(), app.training_estimate(&cell.spec())))
    } else {
        None
    };
    let other_run = app.other_run(key).map(|run| {
        let whose = if app.changed_settings(key, run).is_empty() { "the lesson's run" } else { "your run" };
        format!("x shows {whose} {run}")
    });
    let plot = training_plot(shown, &app.published_points(&cell.marks, cell.spec()), &app.prediction_marks(key, shown));
    let viewport = app.viewport(&Pane::Cell(key.clone()));
    let results = Results { training: shown, changed_settings, other_run, waiting: waiting.as_deref() };
    draw_training(theme, &results, &plot, &viewport, inner, buffer);
}

/// The offer to start a run.
fn start_offer(spec: &Study, time: Estimate) -> String {
    format!("Enter starts the race: {} It takes {time}, and goes on when you leave.", describe(spec))
}

/// A study in words.
pub fn describe(spec: &Study) -> String {
    let arms: Vec<String> = spec.arm_ids().map(|arm| spec.arm_title(arm)).collect();
    let seeds = if spec.seeds.len() == 1 { String::new() } else { format!(", {} seeds", spec.seeds.len()) };
    format!(
        "{}, {} of {} images, {}{seeds}.",
        arms.join(" against "),
        format_count(spec.epochs as usize, "epoch"),
        grouped(spec.train_size),
        spec.settings_words()
    )
}

/// Draws the chart and the numbers of a run in this area.
pub fn draw_training(
    theme: &Theme,
    results: &Results,
    plot: &Plot,
    viewport: &Viewport,
    area: Rect,
    buffer: &mut Buffer,
) {
    let area = viewport.cursor.map_or(area, |cursor| {
        let readout = training_readout(results.training, plot, viewport);
        let look = |curve| chart::curve_sample(theme, plot, curve);
        cursor_values::draw(&cursor_values::lines(theme, &readout, cursor, look, area.width), area, buffer)
    });
    let (chart_area, side) = if area.width >= WIDE {
        let side = (area.width * 2 / 5).clamp(SIDE.0, SIDE.1);
        let chart = Rect { width: area.width - side, ..area };
        (chart, Rect { x: area.right() - side + 2, width: side - 2, ..area })
    } else {
        let rows = results::needed_rows(results, area.width, area.height);
        let chart = Rect { height: area.height.saturating_sub(rows), ..area };
        (chart, Rect { y: area.bottom().saturating_sub(rows), height: rows, ..area })
    };
    let labels = if chart_area.width < WITH_GUTTER { MarkLabels::None } else { MarkLabels::Gutter };
    let (note, empty) = (published(theme, plot), empty_text(results.training));
    let layout = ChartLayout { has_legend: false, labels, note: &note, empty: &empty };
    chart::draw(theme, plot, viewport, &layout, chart_area, buffer);
    if area.width >= WIDE {
        results::draw_beside(theme, results, side, buffer);
    } else {
        results::draw_below(theme, results, side, buffer);
    }
}

/// The sources of the published points, and the key that lists them.
fn published(theme: &Theme, plot: &Plot) -> String {
    let name = |mark: &PlotMark| if let Source::Cited(name) = &mark.source { Some(name.clone()) } else { None };
    let mut sources: Vec<String> = plot.marks.iter().filter_map(name).collect();
    sources.dedup();
    if sources.is_empty() { String::new() } else { format!("{} {}: m", theme.mark(), sources.join(", ")) }
}

/// The text in a chart without any curve.
fn empty_text(training: &TrainingRun) -> String {
    let diverged: Option<Vec<u32>> = training.lanes.iter().map(|lane| lane.diverged.map(|(epoch, _)| epoch)).collect();
    let ends = diverged.and_then(|epochs| epochs.iter().copied().min().zip(epochs.iter().copied().max()));
    if let Some((first, last)) = ends {
        let when = if first == last { format!("in epoch {first}") } else { format!("in epochs {first} to {last}") };
        let who = if training.lanes.len() == 1 { "The network" } else { "Every network" };
        return format!("{who} diverged {when}, before it was measured: its loss was no finite number any more.");
    }
    let arms: Vec<String> = training.spec.arm_ids().map(|arm| training.spec.arm_title(arm)).collect();
    let seeds = match training.spec.seeds.len() {
        1 => String::new(),
        count => format!(" over {count} seeds, with the seeds behind it"),
    };
    let begun = if training.run.0 == 0 { "When the race runs, e" } else { "E" };
    format!("{begun}ach epoch adds a point to the curve of {}{seeds}.", arms.join(" and of "))
}
