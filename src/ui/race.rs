//! The training pane: the heart of the notebook.

use super::plot::{Crosshair, Curve, Label, Plot};
use super::questions::{framed, write};
use super::theme::{Glyphs, Theme};
use crate::app::{App, Chart, Cursor, LaneView, Race};
use crate::lesson::{RaceMark, TrainCell};
use crate::protocol::{CellKey, RunSpec, RunState};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

/// From here on the numbers stand beside the chart.
const WIDE: u16 = 88;
const SIDE: u16 = 36;

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
        Some(offer(&cell.spec()))
    } else {
        None
    };
    let view = RaceView { race: shown, marks: &cell.marks, waiting: waiting.as_deref(), cursor: app.cursor_in(key) };
    draw_race(theme, &view, inner, buffer);
}

/// A race as it is to be drawn.
pub struct RaceView<'a> {
    pub race: &'a Race,
    /// Published points.
    pub marks: &'a [RaceMark],
    /// What stands in place of the numbers before it runs.
    pub waiting: Option<&'a str>,
    pub cursor: Option<&'a Cursor>,
}

/// What Enter would start.
fn offer(spec: &RunSpec) -> String {
    let arms: Vec<String> = spec.arms.iter().map(|arm| arm.title()).collect();
    let seeds = if spec.seeds.len() == 1 { String::new() } else { format!(", {} seeds", spec.seeds.len()) };
    let images = if spec.train_size.is_multiple_of(1000) {
        format!("{},000", spec.train_size / 1000)
    } else {
        spec.train_size.to_string()
    };
    format!(
        "Enter starts the race: {}, {} epochs of {images} images, batch {}, learning rate {}{seeds}. It goes on when you leave.",
        arms.join(" against "),
        spec.epochs,
        spec.batch,
        spec.learning_rate
    )
}

/// Chart and numbers of a race, in the room given.
pub fn draw_race(theme: &Theme, view: &RaceView, area: Rect, buffer: &mut Buffer) {
    let RaceView { race, waiting, .. } = *view;
    let (chart_area, side) = if area.width >= WIDE {
        let chart = Rect { width: area.width - SIDE, ..area };
        (chart, Rect { x: area.right() - SIDE + 2, width: SIDE - 2, ..area })
    } else {
        let rows = numbers_height(race).min(area.height / 2 + 1);
        let chart = Rect { height: area.height.saturating_sub(rows), ..area };
        (chart, Rect { y: area.bottom().saturating_sub(rows), height: rows, ..area })
    };
    let plot = Plot { crosshair: crosshair(theme, view), ..chart(race, view.marks, theme) };
    plot.draw(chart_area, theme, buffer);
    if area.width >= WIDE {
        numbers_beside(theme, race, waiting, side, buffer);
    } else {
        numbers_below(theme, race, waiting, side, buffer);
    }
}

/// The point that is being read.
fn crosshair(theme: &Theme, view: &RaceView) -> Option<Crosshair> {
    let (cursor, race) = (view.cursor?, view.race);
    let chart = Chart::of_race(race, view.marks);
    let point = chart.point(cursor)?;
    let lane = race.lanes.get(cursor.curve).map(|lane| arm_number(race, lane));
    let (mark, style) = lane.map_or(("✕", theme.cited()), |arm| (theme.marker(arm), theme.arm(arm)));
    let told = format!("{mark} {}", chart.told(cursor)?);
    Some(Crosshair { at: (point.x, point.y), style, told: Some(told) })
}

fn arm_number(race: &Race, lane: &LaneView) -> usize {
    race.spec.arms.iter().position(|arm| *arm == lane.lane.arm).unwrap_or(0)
}

fn numbers_height(race: &Race) -> u16 {
    3 + race.lanes.len().min(4) as u16 + 1
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
    for lane in &race.lanes {
        let last = lane.latest().map(|r| (f64::from(r.epoch), r.val_error));
        if let (Some((epoch, _)), Some(at)) = (lane.diverged, last) {
            let text = format!("{} diverged in epoch {epoch}", lane.lane.arm.title());
            labels.push(Label { at, text, style: theme.bad() });
        }
    }
    let errors = || {
        let measured = curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.1));
        measured.chain(marks.iter().map(|mark| mark.error)).filter(|error| error.is_finite() && *error > 0.0)
    };
    let low = errors().fold(1.0, f64::min);
    // The first epochs may stand above the chart: what matters is below them.
    let high = errors().fold(2.0, f64::max).min(6.0 * low.max(0.5)).max(2.0 * low);
    Plot {
        x: (0.0, f64::from(race.spec.epochs.max(3))),
        y: (low * 0.93, high * 1.05),
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

fn percent(value: Option<f64>) -> String {
    value.map_or("    –".into(), |value| format!("{value:>5.2}"))
}

/// `2:05`, `1:02:05`.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

fn bar(theme: &Theme, part: f64, width: usize) -> String {
    let eighths = (part.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    if theme.glyphs == Glyphs::Ascii {
        let full = eighths / 8;
        return format!("{}{}", "#".repeat(full), ".".repeat(width - full));
    }
    let (full, rest) = (eighths / 8, eighths % 8);
    let mut bar = "█".repeat(full);
    if rest > 0 {
        bar.push(['▏', '▎', '▍', '▌', '▋', '▊', '▉'][rest - 1]);
    }
    format!("{bar}{}", "░".repeat(width - bar.chars().count()))
}

/// One sentence on where the race stands.
fn standing(race: &Race) -> String {
    let done = race.epochs_done();
    match &race.state {
        _ if race.run.0 == 0 => String::new(),
        _ if race.resuming => format!("going on after {done} epochs, as soon as the kernel is ready"),
        RunState::Queued => "queued: it waits for a free core".into(),
        RunState::Running => format!("training, epoch {} of {}", (done + 1).min(race.spec.epochs), race.spec.epochs),
        RunState::Paused => format!("paused after {done} epochs; Space continues"),
        RunState::Finished => format!("finished: {} epochs", race.spec.epochs),
        RunState::Stopped => format!("stopped after {done} epochs; Enter resumes"),
        RunState::Interrupted => format!("interrupted after {done} epochs; Enter resumes"),
        RunState::Failed { reason } => format!("failed: {reason}"),
    }
}

fn times(race: &Race) -> String {
    let left = match race.state {
        RunState::Finished | RunState::Stopped | RunState::Failed { .. } => None,
        _ => race.remaining_seconds(),
    };
    let left = left.map_or(String::new(), |left| format!(" · {} to go", clock(left)));
    format!("{} elapsed{left}", clock(race.seconds()))
}

/// What has gone wrong, or needs saying.
fn remarks(race: &Race) -> Vec<String> {
    let mut remarks: Vec<String> = race.notice.iter().cloned().collect();
    remarks.extend(race.not_exact.iter().map(|why| format!("not exact: {why}")));
    for lane in &race.lanes {
        if let Some((epoch, batch)) = lane.diverged {
            let name = lane.lane.arm.title();
            remarks.push(format!(
                "{name} (seed {}): the loss left the finite numbers in epoch {epoch}, batch {batch}",
                lane.lane.seed
            ));
        }
    }
    remarks
}

fn numbers_beside(theme: &Theme, race: &Race, waiting: Option<&str>, area: Rect, buffer: &mut Buffer) {
    let mut y = area.y;
    if let Some(text) = waiting {
        y = write(theme, text, theme.strong(), area, y, buffer) + 1;
    } else {
        let style = if matches!(race.state, RunState::Failed { .. }) { theme.bad() } else { theme.strong() };
        y = write(theme, &standing(race), style, area, y, buffer);
        y = write(theme, &times(race), theme.faint(), area, y, buffer) + 1;
    }
    let compact = race.lanes.len() > 2;
    for lane in &race.lanes {
        let number = arm_number(race, lane);
        if y + 1 >= area.bottom() {
            break;
        }
        let name = format!("{} {}", theme.marker(number), race.lane_name(lane));
        buffer.set_stringn(area.x, y, &name, usize::from(area.width), theme.arm(number).patch(theme.strong()));
        if compact {
            let best = lane.best();
            let text = format!(
                "{:>4} {} best {}",
                lane.epochs_done(),
                percent(lane.latest().map(|r| r.val_error)).trim_start(),
                percent(best.map(|r| r.val_error)).trim_start()
            );
            let at = area.right().saturating_sub(text.width() as u16);
            buffer.set_string(at, y, theme.text(&text), Style::new());
            y += 1;
            continue;
        }
        y += 1;
        y = lane_progress(theme, race, lane, number, area, y, buffer);
        let (last, best) = (lane.latest(), lane.best());
        let row = |label: &str, record: Option<&crate::protocol::EpochRecord>| {
            let epoch = record.map_or(String::new(), |r| format!("  @ {}", r.epoch));
            format!(
                "  {label:<7}{} {}{epoch}",
                percent(record.map(|r| r.val_error)),
                percent(record.map(|r| r.test_error))
            )
        };
        buffer.set_stringn(area.x, y, "          val  test   %", usize::from(area.width), theme.faint());
        buffer.set_stringn(area.x, y + 1, theme.text(&row("latest", last)), usize::from(area.width), Style::new());
        buffer.set_stringn(area.x, y + 2, theme.text(&row("best", best)), usize::from(area.width), Style::new());
        y += 4;
    }
    if let Some(sentence) = race.verdict() {
        y = write(theme, &sentence, theme.good(), area, y, buffer) + 1;
    }
    for remark in remarks(race) {
        y = write(theme, &remark, theme.bad(), area, y, buffer);
    }
    if y < area.bottom() {
        let facts = facts(race);
        buffer.set_stringn(area.x, area.bottom() - 1, facts, usize::from(area.width), theme.faint());
    }
}

/// What computes it: asked for before it runs, said by the kernel from then on.
fn facts(race: &Race) -> String {
    let backend = race.backend.clone().unwrap_or_else(|| format!("{} backend", race.spec.backend));
    format!("{backend}, {} thread{} a lane", race.spec.threads, if race.spec.threads == 1 { "" } else { "s" })
}

/// Epoch and batch of a lane as a bar, with its speed.
fn lane_progress(
    theme: &Theme,
    race: &Race,
    lane: &LaneView,
    number: usize,
    area: Rect,
    y: u16,
    buffer: &mut Buffer,
) -> u16 {
    let width = usize::from(area.width.saturating_sub(2)).min(30);
    let part = lane.epochs_and_part() / f64::from(race.spec.epochs.max(1));
    buffer.set_string(area.x + 2, y, bar(theme, part, width), theme.arm(number));
    let speed = lane.images_per_second().map_or(String::new(), |v| format!(" · {:.0}k img/s", v / 1000.0));
    let batch = match &lane.progress {
        Some(p) if race.state == RunState::Running => format!("epoch {} batch {}/{}", p.epoch, p.batch, p.batches),
        _ => format!("{} of {} epochs", lane.epochs_done(), race.spec.epochs),
    };
    let line = format!("  {batch}{speed}");
    buffer.set_stringn(area.x, y + 1, theme.text(&line), usize::from(area.width), theme.faint());
    y + 2
}

fn numbers_below(theme: &Theme, race: &Race, waiting: Option<&str>, area: Rect, buffer: &mut Buffer) {
    let mut y = area.y;
    if let Some(text) = waiting {
        write(theme, text, theme.strong(), area, y, buffer);
        return;
    }
    let style = if matches!(race.state, RunState::Failed { .. }) { theme.bad() } else { theme.strong() };
    let head = standing(race);
    buffer.set_stringn(area.x, y, theme.text(&head), usize::from(area.width), style);
    let times = theme.text(&times(race));
    if head.width() + times.width() + 2 <= usize::from(area.width) {
        buffer.set_string(area.right() - times.width() as u16, y, &times, theme.faint());
    }
    y += 1;
    let name_width = race.lanes.iter().map(|lane| race.lane_name(lane).width()).max().unwrap_or(8);
    let room = usize::from(area.width);
    let columns = format!("{:name_width$}   {:>11}  {:>16}  {:>6}", "", "val   test", "best val  test @", "img/s");
    let bar_width = room.saturating_sub(columns.width() + 2).min(16);
    buffer.set_stringn(area.x, y, format!("{:1$}{columns}", "", bar_width + 1), room, theme.faint());
    // Above the bars and the names there is nothing else.
    if let Some(backend) = race.backend.as_deref() {
        buffer.set_stringn(area.x, y, backend, bar_width + 1 + name_width + 3, theme.faint());
    }
    y += 1;
    let last = area.bottom().saturating_sub(1);
    for lane in &race.lanes {
        if y >= last {
            break;
        }
        let number = arm_number(race, lane);
        let (latest, best) = (lane.latest(), lane.best());
        let part = lane.epochs_and_part() / f64::from(race.spec.epochs.max(1));
        buffer.set_string(area.x, y, bar(theme, part, bar_width), theme.arm(number));
        let text = format!(
            "{} {:name_width$} {} {}  {} {} {:>4}  {:>6}",
            theme.marker(number),
            race.lane_name(lane),
            percent(latest.map(|r| r.val_error)),
            percent(latest.map(|r| r.test_error)),
            percent(best.map(|r| r.val_error)),
            percent(best.map(|r| r.test_error)),
            best.map_or(String::new(), |r| format!("@{}", r.epoch)),
            lane.images_per_second().map_or(String::new(), |v| format!("{:.0}k", v / 1000.0)),
        );
        buffer.set_stringn(
            area.x + bar_width as u16 + 1,
            y,
            theme.text(&text),
            room - bar_width - 1,
            theme.arm(number),
        );
        y += 1;
    }
    let foot = remarks(race).into_iter().next().map(|text| (text, theme.bad()));
    let foot = foot.or_else(|| race.verdict().map(|sentence| (sentence, theme.good())));
    if let Some((text, style)) = foot {
        write(theme, &text, style, area, y.min(last), buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_read_as_clocks() {
        assert_eq!([5.0, 125.4, 3725.0].map(clock), ["0:05", "2:05", "1:02:05"]);
    }
}
