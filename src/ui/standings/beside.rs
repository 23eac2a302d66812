//! The numbers to the right of the chart: a card a lane; with several seeds a card an arm, and all lanes beneath.

use super::{
    Entry, bar, columns, facts, fitting, foot, height, machinery, put_more, standing, standing_style, times, write_foot,
};
use crate::questions::write;
use crate::race::RaceView;
use crate::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

/// Rows of a card with the blank one beneath it, and of one without its bar.
const CARD: (u16, u16) = (6, 4);
/// Cards for more lanes than this say less than a table.
const CARDS: usize = 4;

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
    if view.waiting.is_some() {
        return;
    }
    let room = bottom.saturating_sub(y);
    // The numbers come first; what needs saying has a third of the room at least.
    let kept = (told as u16).min(room / 3);
    let numbers = Rect { y, height: room.saturating_sub(kept), ..area };
    y = if race.has_seeds() {
        let y = cards(theme, &Entry::arms(race), "arms", numbers, buffer);
        let left = Rect { y, height: numbers.bottom().saturating_sub(y), ..area };
        // A head and a lane at least.
        if left.height >= 3 { columns::draw(theme, &Entry::lanes(race), "lanes", left, buffer) + 1 } else { y }
    } else {
        let lanes = Entry::lanes(race);
        if lanes.len() <= CARDS && numbers.height >= CARD.1 * lanes.len() as u16 {
            cards(theme, &lanes, "lanes", numbers, buffer)
        } else {
            columns::draw(theme, &lanes, "lanes", numbers, buffer) + 1
        }
    };
    write_foot(theme, &sentences, Rect { y, height: bottom.saturating_sub(y), ..area }, buffer);
}

/// Each entry with its bar where there is room, and its values in two rows.
fn cards(theme: &Theme, entries: &[Entry], what: &str, area: Rect, buffer: &mut Buffer) -> u16 {
    let rows = if area.height >= CARD.0 * entries.len() as u16 { CARD.0 } else { CARD.1 };
    let (shown, more) = fitting(entries.len(), area.height / rows);
    let mut y = area.y;
    for entry in entries.iter().take(shown) {
        card(theme, entry, rows == CARD.0, Rect { y, height: rows, ..area }, buffer);
        y += rows;
    }
    put_more(theme, more, what, area, y, buffer)
}

fn card(theme: &Theme, entry: &Entry, with_bar: bool, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.width);
    let right = |text: &str, y: u16, buffer: &mut Buffer| {
        let text = theme.text(text);
        let at = area.right().saturating_sub(text.width() as u16).max(area.x);
        buffer.set_stringn(at, y, &text, room, theme.faint());
    };
    let mut y = area.y;
    let name = format!("{} {}", theme.marker(entry.arm), entry.name);
    buffer.set_stringn(area.x, y, theme.text(&name), room, theme.arm(entry.arm).patch(theme.strong()));
    let spread = if entry.val.contains('±') { ", mean ± sd" } else { "" };
    let seeds = if entry.seeds.is_empty() { String::new() } else { format!("{} seeds{spread}", entry.seeds) };
    right(&seeds, y, buffer);
    y += 1;
    if with_bar {
        let each = if entry.seeds.is_empty() { "" } else { " a seed" };
        let told = format!("{} img/s · {}{each}", entry.speed, entry.time);
        let width = room.saturating_sub(told.width() + 4).min(30);
        buffer.set_string(area.x + 2, y, bar(theme, entry.done, width), theme.arm(entry.arm));
        right(&told, y, buffer);
        y += 1;
    }
    let width = [&entry.val, &entry.test, &entry.best, &entry.best_test].map(|value| value.width());
    let width = width.into_iter().max().unwrap_or(0).max(6);
    let line = |what: &str, val: &str, test: &str, epoch: &str| {
        theme.text(&format!("  {what:<7}{val:>width$}  {test:>width$}  {epoch}"))
    };
    let rows = [
        (line("", "val %", "test %", "epoch"), theme.faint()),
        (line("latest", &entry.val, &entry.test, &entry.epoch), Style::new()),
        (line("best", &entry.best, &entry.best_test, &entry.best_epoch), Style::new()),
    ];
    for ((text, style), y) in rows.iter().skip(usize::from(!with_bar)).zip(y..area.bottom()) {
        buffer.set_stringn(area.x, y, text, room, *style);
    }
}
