//! The numbers beneath the chart: a row a lane; with several seeds a row an arm, and the lanes where they have room.

use super::{Entry, backend, columns, facts, foot, head, height, standing_style, write_foot};
use crate::questions::write;
use crate::race::RaceView;
use crate::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

pub fn draw(theme: &Theme, view: &RaceView, area: Rect, buffer: &mut Buffer) {
    let race = view.race;
    if let Some(text) = view.waiting {
        write(theme, text, theme.strong(), area, area.y, buffer);
        return;
    }
    let mut y = area.y;
    for (standing, times) in head(race, area.width) {
        if y < area.bottom() {
            buffer.set_stringn(area.x, y, theme.text(&standing), usize::from(area.width), standing_style(theme, race));
            let times = theme.text(&times);
            let at = area.right().saturating_sub(times.width() as u16).max(area.x);
            buffer.set_stringn(at, y, &times, usize::from(area.width), theme.faint());
        }
        y += 1;
    }
    let (entries, what) = if race.has_seeds() { (Entry::arms(race), "arms") } else { (Entry::lanes(race), "lanes") };
    let sentences = foot(view);
    let told: usize = sentences.iter().map(|(text, _)| height(text, area.width)).sum();
    // Beneath the table's head: its rows first, one at least for what needs saying, then the settings.
    let left = usize::from(area.bottom().saturating_sub(y + 1));
    let kept = told.min(left.saturating_sub(entries.len()).max(1));
    let with_facts = left > entries.len() + kept;
    if with_facts {
        let facts = theme.text(&format!("{} · {}", facts(race), backend(race)));
        buffer.set_stringn(area.x, y, facts, usize::from(area.width), theme.faint());
        y += 1;
    }
    let bottom = area.bottom().saturating_sub(kept as u16).max(y);
    y = columns::draw(theme, &entries, what, Rect { y, height: bottom - y, ..area }, buffer);
    // The head and one lane at least.
    if race.has_seeds() && bottom.saturating_sub(y) >= 3 {
        y = columns::draw(theme, &Entry::lanes(race), "lanes", Rect { y, height: bottom - y, ..area }, buffer);
    }
    write_foot(theme, &sentences, Rect { y, height: area.bottom().saturating_sub(y), ..area }, buffer);
}
