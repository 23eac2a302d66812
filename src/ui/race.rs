//! The training pane: the heart of the notebook.

use super::plot::{Crosshair, Curve, Label, Plot};
use super::questions::{framed, write};
use super::standings;
use super::theme::Theme;
use crate::app::{App, Chart, Cursor, LaneView, Race};
use crate::lesson::{RaceMark, TrainCell};
use crate::protocol::{CellKey, Estimate, RunSpec, counted, grouped};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// From here on the numbers stand beside the chart.
const WIDE: u16 = 88;
const SIDE: u16 = 38;

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
    let title = race.map_or_else(|| cell.title.clone(), |race| format!("{} · run {}", cell.title, race.run));
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
        ready = Race::new(crate::protocol::RunId(0), cell.spec());
        &ready
    };
    let waiting = if starting.is_some() {
        Some("The kernel is starting; LibTorch takes a moment to load.".to_string())
    } else if race.is_none() {
        Some(offer(&cell.spec(), app.race_estimate(&cell.spec())))
    } else {
        None
    };
    let other = race.map(|race| race.spec.other_than(&cell.spec())).unwrap_or_default();
    let cursor = app.cursor_in(key);
    let view = RaceView { race: shown, marks: &cell.marks, other, waiting: waiting.as_deref(), cursor };
    draw_race(theme, &view, inner, buffer);
}

/// A race as it is to be drawn.
pub struct RaceView<'a> {
    pub race: &'a Race,
    /// Published points.
    pub marks: &'a [RaceMark],
    /// In what its settings are not the lesson's.
    pub other: Vec<String>,
    /// What stands in place of the numbers before it runs.
    pub waiting: Option<&'a str>,
    pub cursor: Option<&'a Cursor>,
}

/// What Enter would start.
fn offer(spec: &RunSpec, time: Estimate) -> String {
    format!("Enter starts the race: {} It takes {time}, and goes on when you leave.", told(spec))
}

/// A race in words.
pub fn told(spec: &RunSpec) -> String {
    let arms: Vec<String> = spec.arms.iter().map(|arm| arm.title()).collect();
    let seeds = if spec.seeds.len() == 1 { String::new() } else { format!(", {} seeds", spec.seeds.len()) };
    format!(
        "{}, {} of {} images, batch {}, learning rate {}{seeds}.",
        arms.join(" against "),
        counted(spec.epochs as usize, "epoch"),
        grouped(spec.train_size),
        spec.batch,
        spec.learning_rate
    )
}

/// Chart and numbers of a race, in the room given.
pub fn draw_race(theme: &Theme, view: &RaceView, area: Rect, buffer: &mut Buffer) {
    let race = view.race;
    let (chart_area, side) = if area.width >= WIDE {
        let chart = Rect { width: area.width - SIDE, ..area };
        (chart, Rect { x: area.right() - SIDE + 2, width: SIDE - 2, ..area })
    } else {
        let rows = standings::rows(view, area.width).min(area.height / 2 + 1);
        let chart = Rect { height: area.height.saturating_sub(rows), ..area };
        (chart, Rect { y: area.bottom().saturating_sub(rows), height: rows, ..area })
    };
    let plot = Plot { crosshair: crosshair(theme, view, chart_area.width), ..chart(race, view.marks, theme) };
    plot.draw(chart_area, theme, buffer);
    if area.width >= WIDE {
        standings::beside::draw(theme, view, side, buffer);
    } else {
        standings::below::draw(theme, view, side, buffer);
    }
}

/// The point that is being read.
fn crosshair(theme: &Theme, view: &RaceView, width: u16) -> Option<Crosshair> {
    let (cursor, race) = (view.cursor?, view.race);
    let chart = Chart::of_race(race, view.marks);
    let point = chart.point(cursor)?;
    let lane = race.lanes.get(cursor.curve).map(|lane| arm_number(race, lane));
    let (mark, style) = lane.map_or((theme.mark(), theme.cited()), |arm| (theme.marker(arm), theme.arm(arm)));
    let told = format!("{mark} {}", chart.told(cursor, usize::from(width).saturating_sub(2))?);
    Some(Crosshair { at: (point.x, point.y), style, told: Some(told) })
}

pub(super) fn arm_number(race: &Race, lane: &LaneView) -> usize {
    race.spec.arms.iter().position(|arm| *arm == lane.lane.arm).unwrap_or(0)
}

/// Validation error by epoch, the published points beside it.
fn chart(race: &Race, marks: &[RaceMark], theme: &Theme) -> Plot {
    let curves: Vec<Curve> = race
        .lanes
        .iter()
        .map(|lane| Curve {
            style: theme.arm(arm_number(race, lane)),
            marker: theme.marker(arm_number(race, lane)),
            points: lane.points.iter().map(|r| (f64::from(r.epoch), r.val_error)).collect(),
            joined: true,
            spread: Vec::new(),
        })
        .collect();
    let mut labels: Vec<Label> = marks
        .iter()
        .map(|mark| Label {
            at: (f64::from(mark.epoch), mark.error),
            text: format!("{}, {}", mark.label, mark.source),
            style: theme.cited(),
        })
        .collect();
    let errors = || {
        let measured = curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.1));
        measured.chain(marks.iter().map(|mark| mark.error)).filter(|error| error.is_finite() && *error > 0.0)
    };
    let low = errors().fold(if marks.is_empty() { f64::INFINITY } else { 1.0 }, f64::min);
    let low = if low.is_finite() { low } else { 1.0 };
    // The first epochs may stand above the chart: what matters is below them. No curve stays above it as a whole.
    let bests = race.lanes.iter().filter_map(|lane| lane.best().map(|record| record.val_error));
    let worst = bests.filter(|error| error.is_finite()).fold(0.0, f64::max);
    let high = errors().fold(2.0, f64::max).min(6.0 * low.max(0.5)).max(2.0 * low).max(1.2 * worst);
    let y = (low * 0.93, high * 1.05);
    for lane in &race.lanes {
        if let Some((epoch, _)) = lane.diverged {
            // Where its curve ends; a lane without a single epoch is marked at the top.
            let last = lane.latest().map(|record| (f64::from(record.epoch), record.val_error));
            let text = format!("{} diverged at epoch {epoch}", race.lane_name(lane));
            labels.push(Label { at: last.unwrap_or((f64::from(epoch), y.1)), text, style: theme.bad() });
        }
    }
    Plot {
        x: (0.0, f64::from(race.spec.epochs.max(3))),
        y,
        log_x: false,
        log_y: true,
        x_label: "epoch".into(),
        y_label: "validation error, %".into(),
        curves,
        labels,
        bands: Vec::new(),
        crosshair: None,
    }
}
