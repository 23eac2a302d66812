//! The training pane: the heart of the notebook.

use super::marks::{Marks, predicted};
use super::plot::{Crosshair, Curve, Label, Plot, Ribbon, Weight};
use super::questions::{framed, write};
use super::reading;
use super::standings;
use super::theme::Theme;
use app::{App, Chart, Cursor, LaneView, MeanPoint, OwnMark, Race, Spread};
use lesson::TrainCell;
use protocol::{CellKey, Estimate, RunSpec, Scale, counted, grouped};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use unicode_width::UnicodeWidthStr;

/// From here on the numbers stand beside the chart.
const WIDE: u16 = 88;
/// Columns of the numbers beside it, the gap between included.
const SIDE: (u16, u16) = (38, 58);
/// Columns of a chart from which on the published points have their values at its right.
const WITH_GUTTER: u16 = 50;
const GUTTER: u16 = 17;

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
    let cursor = app.cursor_in(key);
    let marks = Marks { points: &cell.marks, study: cell.spec(), reach: app.reach };
    let predicted = app.own_marks(key, shown);
    let view = RaceView { race: shown, marks, predicted, own, behind, waiting: waiting.as_deref(), cursor };
    draw_race(theme, &view, inner, buffer);
}

/// A race as it is to be drawn.
pub struct RaceView<'a> {
    pub race: &'a Race,
    pub marks: Marks<'a>,
    /// What the reader predicted of it.
    pub predicted: Vec<OwnMark>,
    /// In what its settings are not the lesson's.
    pub own: Vec<String>,
    /// The run that is kept behind it, and the key that shows it.
    pub behind: Option<String>,
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
    let area = view.cursor.map_or(area, |cursor| {
        let chart = Chart::of_race(view.race, view.marks.points);
        let look = |curve| read_style(theme, view.race, curve);
        reading::draw(&reading::lines(theme, &chart, cursor, look, area.width), area, buffer)
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
    let mut plot = chart(view, theme);
    if chart_area.width < WITH_GUTTER {
        plot.gutter = 0;
        if view.race.has_seeds() {
            plot.y_label = "error, %; mean ± sd".into();
        }
        plot.labels.iter_mut().for_each(|label| label.text.clear());
    }
    plot.draw(chart_area, theme, buffer);
    if area.width >= WIDE {
        standings::beside::draw(theme, view, side, buffer);
    } else {
        standings::below::draw(theme, view, side, buffer);
    }
}

pub(super) fn arm_number(race: &Race, lane: &LaneView) -> usize {
    race.spec.arm_ids().position(|arm| arm == lane.lane.arm).unwrap_or(0)
}

/// The point that is being read.
fn crosshair(theme: &Theme, view: &RaceView) -> Option<Crosshair> {
    let cursor = view.cursor?;
    let chart = Chart::of_race(view.race, view.marks.points);
    let point = chart.point(cursor)?;
    Some(Crosshair { at: (point.x, point.y), style: read_style(theme, view.race, cursor.curve).1 })
}

/// Mark and look of a curve that is being read: those of its arm, or of a published point.
fn read_style(theme: &Theme, race: &Race, curve: usize) -> (&'static str, Style) {
    match Chart::arm_of_race(race, curve) {
        Some(arm) => (theme.marker(arm), theme.arm(arm)),
        None => (theme.mark(), theme.cited()),
    }
}

/// Validation error by epoch: every seed, or with several of them each arm's mean and spread and the seeds behind; the
/// published points beside it.
fn chart(view: &RaceView, theme: &Theme) -> Plot {
    let race = view.race;
    let many = race.has_seeds();
    let curve = |number: usize, weight, points: Vec<(f64, f64)>| Curve {
        style: match weight {
            Weight::Thin => theme.seeds(number),
            // What it runs over may be dim.
            Weight::Normal | Weight::Thick => theme.arm(number).remove_modifier(Modifier::DIM),
        },
        marker: theme.marker(number),
        points,
        joined: true,
        weight,
        spread: Vec::new(),
    };
    let lane = |lane: &LaneView| {
        let points = lane.points.iter().map(|r| (f64::from(r.epoch), r.val_error)).collect();
        curve(arm_number(race, lane), if many { Weight::Thin } else { Weight::Normal }, points)
    };
    let mut curves: Vec<Curve> = race.lanes.iter().map(lane).collect();
    let mut ribbons = Vec::new();
    for (number, arm) in race.by_arm().iter().enumerate().filter(|_| many) {
        let points = arm.curve.iter().map(|point| (f64::from(point.epoch), point.val.mean)).collect();
        curves.push(curve(number, Weight::Thick, points));
        let edges = |point: &MeanPoint| {
            let Spread { mean, deviation } = point.val;
            Some((f64::from(point.epoch), mean - deviation?, mean + deviation?))
        };
        let style = theme.seeds(number);
        ribbons.push(Ribbon { style, points: arm.curve.iter().filter_map(edges).collect() });
    }
    let y_label = if many { "validation error, %; thick: mean, band: ± sd" } else { "validation error, %" };
    let limits = race.chart_limits(view.marks.on_axes(&race.spec));
    let mut labels = view.marks.labels(theme, limits.y);
    for lane in &race.lanes {
        if let Some((epoch, _)) = lane.diverged {
            // Where its curve ends; a lane without a single epoch never came down into the chart.
            let last = lane.latest().map(|record| (f64::from(record.epoch), record.val_error));
            let above = (f64::from(epoch), limits.y.1 * 2.0);
            labels.push(Label {
                at: last.unwrap_or(above),
                text: String::new(),
                style: theme.bad(),
                glyph: theme.mark(),
            });
        }
    }
    // Until there is a curve, the chart says what will come.
    let has_begun = race.lanes.iter().any(|lane| !lane.points.is_empty());
    for mark in &view.predicted {
        let (label, line) = predicted(theme, mark, (limits.x, Scale::Linear), (limits.y, Scale::Log));
        labels.push(label);
        curves.extend(line.filter(|_| has_begun));
    }
    let gutter = match labels.iter().map(|label| label.text.width() as u16).max() {
        None | Some(0) => 0,
        // Two columns in front of a label, and two for the arrow of one that lies beyond.
        Some(longest) => GUTTER.max(longest + 4),
    };
    let (note, note_style) = view.marks.note(theme);
    Plot {
        x: limits.x,
        y: limits.y,
        log_x: false,
        log_y: true,
        x_label: "epoch".into(),
        y_label: y_label.into(),
        note,
        note_style,
        ribbons,
        curves,
        gutter,
        labels,
        empty: coming(race),
        bands: Vec::new(),
        crosshair: crosshair(theme, view),
    }
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
