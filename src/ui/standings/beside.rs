//! The numbers to the right of the chart.

use super::{
    bar, by_arm, facts, fitting, foot, height, machinery, percent, put_more, seeds_of, spread, standing,
    standing_style, times, write_foot,
};
use crate::app::{LaneView, Race};
use crate::protocol::{EpochRecord, RunState};
use crate::ui::questions::write;
use crate::ui::race::{RaceView, arm_number};
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

/// To the right of the chart.
pub fn draw(theme: &Theme, view: &RaceView, area: Rect, buffer: &mut Buffer) {
    let race = view.race;
    let mut y = area.y;
    if let Some(text) = view.waiting {
        y = write(theme, text, theme.strong(), area, y, buffer) + 1;
    } else {
        y = write(theme, &standing(race), standing_style(theme, race), area, y, buffer);
        y = write(theme, &times(race), theme.faint(), area, y, buffer) + 1;
    }
    let sentences = foot(view);
    let told: usize = sentences.iter().map(|(text, _)| height(text, area.width)).sum();
    let settings =
        if view.waiting.is_some() { machinery(race) } else { format!("{}, {}", facts(race), machinery(race)) };
    let settings_rows = height(&settings, area.width) as u16;
    let bottom = area.bottom().saturating_sub(settings_rows);
    write(theme, &settings, theme.faint(), area, bottom.max(y), buffer);
    let room = bottom.saturating_sub(y);
    // The lanes come first; what needs saying has a third of the room at least.
    let kept = (told as u16).min(room / 3);
    let lanes = Rect { y, height: room.saturating_sub(kept), ..area };
    y = if by_arm(race) { arms_beside(theme, race, lanes, buffer) } else { lanes_beside(theme, race, lanes, buffer) };
    write_foot(theme, &sentences, Rect { y, height: bottom.saturating_sub(y), ..area }, buffer);
}

/// Every lane: with its progress where there is room, else in one row. Returns the row below.
fn lanes_beside(theme: &Theme, race: &Race, area: Rect, buffer: &mut Buffer) -> u16 {
    let count = race.lanes.len();
    if count > 2 || area.height < 7 * count as u16 {
        return rows_of_lanes(theme, race, area, buffer);
    }
    let mut y = area.y;
    for lane in &race.lanes {
        let number = arm_number(race, lane);
        put_name(theme, number, &race.lane_name(lane), area, y, buffer);
        y = lane_progress(theme, race, lane, number, area, y + 1, buffer);
        let row = |label: &str, record: Option<&EpochRecord>| {
            let epoch = record.map_or(String::new(), |r| format!("  @ {}", r.epoch));
            let (val, test) = (percent(record.map(|r| r.val_error)), percent(record.map(|r| r.test_error)));
            theme.text(&format!("  {label:<7}{val} {test}{epoch}"))
        };
        buffer.set_stringn(area.x, y, "          val  test   %", usize::from(area.width), theme.faint());
        buffer.set_stringn(area.x, y + 1, row("latest", lane.latest()), usize::from(area.width), Style::new());
        buffer.set_stringn(area.x, y + 2, row("best", lane.best()), usize::from(area.width), Style::new());
        y += 4;
    }
    y
}

fn put_name(theme: &Theme, number: usize, name: &str, area: Rect, y: u16, buffer: &mut Buffer) {
    let name = format!("{} {name}", theme.marker(number));
    buffer.set_stringn(area.x, y, &name, usize::from(area.width), theme.arm(number).patch(theme.strong()));
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
    let under_way = lane.progress.as_ref().filter(|_| race.state == RunState::Running);
    let line = |batch: &str| match under_way {
        Some(p) => format!("  epoch {}{batch} {}/{}{speed}", p.epoch, p.batch, p.batches),
        None => format!("  {} of {} epochs{speed}", lane.epochs_done(), race.spec.epochs),
    };
    let line = Some(line(" batch")).filter(|line| line.width() <= area.width.into()).unwrap_or_else(|| line(","));
    buffer.set_stringn(area.x, y + 1, theme.text(&line), usize::from(area.width), theme.faint());
    y + 2
}

/// One row a lane: epochs done, the latest error and the best.
fn rows_of_lanes(theme: &Theme, race: &Race, area: Rect, buffer: &mut Buffer) -> u16 {
    if area.is_empty() {
        return area.y;
    }
    let put = |buffer: &mut Buffer, y: u16, text: &str, style: Style| {
        let at = area.right().saturating_sub(text.width() as u16).max(area.x);
        buffer.set_stringn(at, y, theme.text(text), usize::from(area.right() - at), style);
    };
    put(buffer, area.y, "epoch  val  best", theme.faint());
    let (shown, more) = fitting(race.lanes.len(), area.height - 1);
    for (lane, y) in race.lanes.iter().take(shown).zip(area.y + 1..) {
        put_name(theme, arm_number(race, lane), &race.lane_name(lane), area, y, buffer);
        let (latest, best) = (lane.latest().map(|r| r.val_error), lane.best().map(|r| r.val_error));
        put(buffer, y, &format!("{:>4} {} {}", lane.epochs_done(), percent(latest), percent(best)), Style::new());
    }
    put_more(theme, more, "lanes", area, area.y + 1 + shown as u16, buffer)
}

/// Every arm over its seeds, and the lanes beneath if all of them fit.
fn arms_beside(theme: &Theme, race: &Race, area: Rect, buffer: &mut Buffer) -> u16 {
    let arms = race.by_arm();
    let (shown, more) = fitting(arms.len(), area.height / 4);
    let mut y = area.y;
    for (number, arm) in arms.iter().enumerate().take(shown) {
        put_name(theme, number, &arm.arm.title(), area, y, buffer);
        let seeds = seeds_of(arm);
        let at = area.right().saturating_sub(seeds.width() as u16);
        buffer.set_string(at, y, theme.text(&seeds), theme.faint());
        let epoch = if arm.epoch == 0 { String::new() } else { format!("  @ {}", arm.epoch) };
        let lines = [format!("  val  {}{epoch}", spread(arm.latest)), format!("  best {}", spread(arm.best))];
        for (line, row) in lines.iter().zip(y + 1..) {
            buffer.set_stringn(area.x, row, theme.text(line), usize::from(area.width), Style::new());
        }
        y += 4;
    }
    y = put_more(theme, more, "arms", area, y, buffer);
    let left = area.bottom().saturating_sub(y);
    if race.lanes.len() + 1 < usize::from(left) {
        y = rows_of_lanes(theme, race, Rect { y, height: left, ..area }, buffer) + 1;
    }
    y
}
