//! Draws a train cell: the chart and the numbers of its run, or the offer to start one.

use crate::chart::{self, ChartLayout, MarkLabels, cursor_values};
use crate::study::results::{self, Results};
use crate::theme::Theme;
use crate::widgets::{draw_frame, write_wrapped};
use app::{
    App, Arrangement, ChartRun, ChartView, Pane, PredictionMark, PublishedPoints, TrainingRun, study_multiples,
    study_plot, study_readout,
};
use lesson::TrainCell;
use protocol::{CellKey, Estimate, Plot, PlotMark, Source, Study, format_count, grouped};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// From this width on the numbers are beside the chart.
const WIDE: u16 = 88;
/// The smallest and the largest width of the numbers beside the chart, with the gap between them.
const SIDE: (u16, u16) = (38, 58);
/// Columns of a chart from which on curves have their names at their ends.
const WITH_NAMES: u16 = 90;
/// Columns of a chart from which on the published points have their values at its right.
const WITH_GUTTER: u16 = 50;

/// How the chart of a training run is set up, and what stands in it beside its curves.
pub struct TrainingChart<'a> {
    pub runs: &'a [ChartRun<'a>],
    pub view: &'a ChartView,
    pub published: &'a PublishedPoints<'a>,
    pub predictions: &'a [PredictionMark],
}

/// Draws a train cell: its race, or the offer to start it. Returns the room of the curves.
pub fn draw_cell(
    app: &App,
    theme: &Theme,
    cell: &TrainCell,
    key: &CellKey,
    focused: bool,
    area: Rect,
    buffer: &mut Buffer,
) -> Vec<Rect> {
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
        return Vec::new();
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
    let view = app.chart_view(&Pane::Cell(key.clone()));
    let (published, predictions) = (app.published_points(cell), app.prediction_marks(key, shown));
    let runs = [ChartRun::new(shown)];
    let chart = TrainingChart { runs: &runs, view: &view, published: &published, predictions: &predictions };
    let results = Results {
        training: shown,
        slots: Vec::new(),
        beside: Vec::new(),
        changed_settings,
        other_run,
        waiting: waiting.as_deref(),
        enter_goes_on: true,
        is_sweep: false,
    };
    draw_training(theme, &results, &chart, inner, buffer)
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

/// Chart and numbers of a race, in the room given; returns the room of the curves.
pub fn draw_training(
    theme: &Theme,
    results: &Results,
    TrainingChart { runs, view, published, predictions }: &TrainingChart,
    area: Rect,
    buffer: &mut Buffer,
) -> Vec<Rect> {
    let mut plot = study_plot(runs, &view.options, published, predictions);
    if view.arrangement == Arrangement::Multiples && !chart::multiples::has_room(area) {
        plot.notes.push("one chart a metric needs a larger screen; o ends it".into());
    }
    let plot = &plot;
    let viewport = &view.viewport;
    let area = if viewport.cursor.is_some() {
        let readout = study_readout(runs, &view.options, plot, viewport);
        let look = |curve| chart::curve_sample(theme, plot, curve);
        let size = (area.width, area.height);
        cursor_values::draw(&cursor_values::lines(theme, &readout, viewport, look, size), area, buffer)
    } else {
        area
    };
    if view.arrangement == Arrangement::Multiples && chart::multiples::has_room(area) {
        let (plots, chosen) = study_multiples(runs, &view.options, published);
        return chart::multiples::draw(theme, &plots, chosen, viewport, area, buffer);
    }
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
    let (note, empty) = (publishers(theme, plot), empty_text(results.training));
    let has_names = chart_area.width >= WITH_NAMES;
    let layout = ChartLayout { has_legend: false, labels, has_names, note: &note, empty: &empty };
    let place = chart::draw(theme, plot, viewport, &layout, chart_area, buffer);
    if area.width >= WIDE {
        results::draw_beside(theme, results, side, buffer);
    } else {
        results::draw_below(theme, results, side, buffer);
    }
    place.into_iter().collect()
}

/// Who published the named points, and the key that lists them.
fn publishers(theme: &Theme, plot: &Plot) -> String {
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
