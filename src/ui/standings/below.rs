//! The numbers beneath the chart: a row a lane or arm.

use super::{
    backend, bar, by_arm, facts, fitting, foot, height, percent, put_more, seeds_of, spread, standing, standing_style,
    times, write_foot,
};
use crate::app::{ArmView, LaneView, Race};
use crate::ui::questions::write;
use crate::ui::race::{RaceView, arm_number};
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

pub fn draw(theme: &Theme, view: &RaceView, area: Rect, buffer: &mut Buffer) {
    let race = view.race;
    if let Some(text) = view.waiting {
        write(theme, text, theme.strong(), area, area.y, buffer);
        return;
    }
    let head = standing(race);
    let mut y = write(theme, &head, standing_style(theme, race), area, area.y, buffer);
    let times = theme.text(&times(race));
    if head.width() + times.width() + 2 <= usize::from(area.width) {
        buffer.set_string(area.right() - times.width() as u16, area.y, &times, theme.faint());
    }
    let table = if by_arm(race) { table_of_arms(race) } else { table_of_lanes(race) };
    let sentences = foot(view);
    let told: usize = sentences.iter().map(|(text, _)| height(text, area.width)).sum();
    // Beneath the table's head: the lanes first, one row at least for what needs saying, then the settings.
    let left = usize::from(area.bottom().saturating_sub(y + 1));
    let kept = told.min(left.saturating_sub(table.rows.len()).max(1));
    let with_facts = left > table.rows.len() + kept;
    if with_facts {
        let facts = theme.text(&format!("{} · {}", facts(race), backend(race)));
        buffer.set_stringn(area.x, y, facts, usize::from(area.width), theme.faint());
        y += 1;
    }
    let height = (left - kept.min(left)).saturating_sub(usize::from(with_facts)) as u16;
    y = table.draw(theme, race, Rect { y, height: height + 1, ..area }, buffer);
    write_foot(theme, &sentences, Rect { y, height: area.bottom().saturating_sub(y), ..area }, buffer);
}

/// Lines with a bar at their left.
struct Table {
    head: String,
    /// What its rows are.
    what: &'static str,
    rows: Vec<TableRow>,
}

struct TableRow {
    /// 0 to 1.
    done: f64,
    /// The number of its arm.
    arm: usize,
    text: String,
}

impl Table {
    fn draw(&self, theme: &Theme, race: &Race, area: Rect, buffer: &mut Buffer) -> u16 {
        let room = usize::from(area.width);
        let bar_width = room.saturating_sub(self.head.width() + 2).min(16);
        if area.is_empty() {
            return area.y;
        }
        buffer.set_stringn(
            area.x,
            area.y,
            theme.text(&format!("{:1$}{2}", "", bar_width + 1, self.head)),
            room,
            theme.faint(),
        );
        let (shown, more) = fitting(self.rows.len(), area.height - 1);
        let mut y = area.y + 1;
        for row in self.rows.iter().take(shown) {
            let style = theme.arm(row.arm);
            buffer.set_string(area.x, y, bar(theme, row.done / f64::from(race.spec.epochs.max(1)), bar_width), style);
            let text = format!("{} {}", theme.marker(row.arm), theme.text(&row.text));
            buffer.set_stringn(area.x + bar_width as u16 + 1, y, text, room.saturating_sub(bar_width + 1), style);
            y += 1;
        }
        put_more(theme, more, self.what, area, y, buffer)
    }
}

fn table_of_lanes(race: &Race) -> Table {
    let name_width = race.lanes.iter().map(|lane| race.lane_name(lane).width()).max().unwrap_or(8);
    let head = format!("{:name_width$}   {:>11}  {:>16}  {:>6}", "", "val   test", "best val  test @", "img/s");
    let row = |lane: &LaneView| {
        let (latest, best) = (lane.latest(), lane.best());
        let text = format!(
            "{:name_width$} {} {}  {} {} {:>4}  {:>6}",
            race.lane_name(lane),
            percent(latest.map(|r| r.val_error)),
            percent(latest.map(|r| r.test_error)),
            percent(best.map(|r| r.val_error)),
            percent(best.map(|r| r.test_error)),
            best.map_or(String::new(), |r| format!("@{}", r.epoch)),
            lane.images_per_second().map_or(String::new(), |v| format!("{:.0}k", v / 1000.0)),
        );
        TableRow { done: lane.epochs_and_part(), arm: arm_number(race, lane), text }
    };
    Table { head, what: "lanes", rows: race.lanes.iter().map(row).collect() }
}

fn table_of_arms(race: &Race) -> Table {
    let arms = race.by_arm();
    let name_width = arms.iter().map(|arm| arm.arm.title().width()).max().unwrap_or(8);
    let head = format!("{:name_width$}   {:<12} {:<18}{:<12}", "", "", "val", "best val");
    let row = |(number, arm): (usize, &ArmView)| {
        let epoch = if arm.epoch == 0 { String::new() } else { format!(" @{}", arm.epoch) };
        let latest = format!("{}{epoch}", spread(arm.latest));
        let (name, seeds) = (arm.arm.title(), seeds_of(arm));
        let text = format!("{name:name_width$} {seeds:<12} {latest:<18}{:<12}", spread(arm.best));
        TableRow { done: arm.done, arm: number, text }
    };
    Table { head, what: "arms", rows: arms.iter().enumerate().map(row).collect() }
}
