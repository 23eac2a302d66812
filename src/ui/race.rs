//! The training pane: the heart of the notebook.

use super::chart::{self, ChartLayout, MarkLabels, reading};
use super::questions::{framed, write};
use super::standings;
use super::theme::Theme;
use app::{App, Pane, Race, Viewport, race_plot, race_readout};
use lesson::TrainCell;
use protocol::{CellKey, Estimate, Plot, PlotMark, Source, Study, counted, grouped};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// From here on the numbers stand beside the chart.
const WIDE: u16 = 88;
/// Columns of the numbers beside it, the gap between included.
const SIDE: (u16, u16) = (38, 58);
/// Columns of a chart from which on the published points have their values at its right.
const WITH_GUTTER: u16 = 50;

/// Draws a train cell: its race, or the offer to start it.
pub fn draw_cell(
    app: &App,
    theme: &Theme,
    cell: &TrainCell,
    key: &CellKey,
    focused: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let race = app.race_of(key);
    let own = race.map(|race| app.own_settings(key, race.run)).unwrap_or_default();
    let title = match race {
        None => cell.title.clone(),
        Some(race) if own.is_empty() => format!("{} · run {}", cell.title, race.run),
        Some(race) => format!("Your run {}: {}", race.run, own.join(", ")),
    };
    let inner = framed(theme, &title, focused, area, buffer);
    let starting = app.starting.get(key);
    if let Some(Err(why)) = starting {
        let y = write(theme, "The race could not start.", theme.bad(), inner, inner.y + 1, buffer);
        let y = write(theme, why, Style::new(), inner, y, buffer);
        write(theme, "Enter tries again.", theme.faint(), inner, y + 1, buffer);
        return;
    }
    let ready;
    let shown = if let Some(race) = race {
        race
    } else {
        ready = Race::new(protocol::RunId(0), cell.spec());
        &ready
    };
    let waiting = if starting.is_some() {
        Some("The kernel is starting; LibTorch takes a moment to load.".to_string())
    } else if race.is_none() {
        Some(offer(&cell.spec(), app.race_estimate(&cell.spec())))
    } else {
        None
    };
    let behind = app.other_run(key).map(|run| {
        let whose = if app.own_settings(key, run).is_empty() { "the lesson's run" } else { "your run" };
        format!("x shows {whose} {run}")
    });
    let plot = race_plot(shown, &app.references(&cell.marks, cell.spec()), &app.own_marks(key, shown));
    let viewport = app.viewport(&Pane::Cell(key.clone()));
    let view = RaceView { race: shown, plot, viewport, own, behind, waiting: waiting.as_deref() };
    draw_race(theme, &view, inner, buffer);
}

/// A race as it is to be drawn.
pub struct RaceView<'a> {
    pub race: &'a Race,
    pub plot: Plot,
    pub viewport: Viewport,
    /// In what its settings are not the lesson's.
    pub own: Vec<String>,
    /// The run that is kept behind it, and the key that shows it.
    pub behind: Option<String>,
    /// What stands in place of the numbers before it runs.
    pub waiting: Option<&'a str>,
}

/// What Enter would start.
fn offer(spec: &Study, time: Estimate) -> String {
    format!("Enter starts the race: {} It takes {time}, and goes on when you leave.", describe(spec))
}

/// A race in words.
pub fn describe(spec: &Study) -> String {
    let arms: Vec<String> = spec.arm_ids().map(|arm| spec.arm_title(arm)).collect();
    let seeds = if spec.seeds.len() == 1 { String::new() } else { format!(", {} seeds", spec.seeds.len()) };
    format!(
        "{}, {} of {} images, {}{seeds}.",
        arms.join(" against "),
        counted(spec.epochs as usize, "epoch"),
        grouped(spec.train_size),
        spec.settings_words()
    )
}

/// Chart and numbers of a race, in the room given.
pub fn draw_race(theme: &Theme, view: &RaceView, area: Rect, buffer: &mut Buffer) {
    let area = view.viewport.cursor.map_or(area, |cursor| {
        let readout = race_readout(view.race, &view.plot, &view.viewport);
        let look = |curve| chart::look_in_words(theme, &view.plot, curve);
        reading::draw(&reading::lines(theme, &readout, cursor, look, area.width), area, buffer)
    });
    let (chart_area, side) = if area.width >= WIDE {
        let side = (area.width * 2 / 5).clamp(SIDE.0, SIDE.1);
        let chart = Rect { width: area.width - side, ..area };
        (chart, Rect { x: area.right() - side + 2, width: side - 2, ..area })
    } else {
        let rows = standings::rows(view, area.width, area.height);
        let chart = Rect { height: area.height.saturating_sub(rows), ..area };
        (chart, Rect { y: area.bottom().saturating_sub(rows), height: rows, ..area })
    };
    let labels = if chart_area.width < WITH_GUTTER { MarkLabels::None } else { MarkLabels::Gutter };
    let (note, empty) = (published(theme, &view.plot), coming(view.race));
    let layout = ChartLayout { has_legend: false, labels, note: &note, empty: &empty };
    chart::draw(theme, &view.plot, &view.viewport, &layout, chart_area, buffer);
    if area.width >= WIDE {
        standings::draw_beside(theme, view, side, buffer);
    } else {
        standings::draw_below(theme, view, side, buffer);
    }
}

/// Who published the named points, and the key that lists them.
fn published(theme: &Theme, plot: &Plot) -> String {
    let name = |mark: &PlotMark| if let Source::Cited(name) = &mark.source { Some(name.clone()) } else { None };
    let mut sources: Vec<String> = plot.marks.iter().filter_map(name).collect();
    sources.dedup();
    if sources.is_empty() { String::new() } else { format!("{} {}: m", theme.mark(), sources.join(", ")) }
}

/// What a chart says that has no curve yet.
fn coming(race: &Race) -> String {
    let arms: Vec<String> = race.spec.arm_ids().map(|arm| race.spec.arm_title(arm)).collect();
    let seeds = match race.spec.seeds.len() {
        1 => String::new(),
        count => format!(" over {count} seeds, with the seeds behind it"),
    };
    let begun = if race.run.0 == 0 { "When the race runs, e" } else { "E" };
    format!("{begun}ach epoch adds a point to the curve of {}{seeds}.", arms.join(" and of "))
}
