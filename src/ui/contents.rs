//! The contents: every lesson with how far it has been read.

use super::Theme;
use crate::app::{App, screen_contents_top};
use ratatui::{Frame, layout::Rect, widgets::Clear};

pub fn draw(app: &App, theme: &Theme, frame: &mut Frame) {
    let area = app.screen.contents;
    if area.is_empty() {
        return;
    }
    frame.render_widget(Clear, area);
    let buffer = frame.buffer_mut();
    let bar = if theme.glyphs == super::Glyphs::Ascii { "|" } else { "│" };
    for row in area.y..area.bottom() {
        buffer.set_string(area.right() - 1, row, bar, theme.faint());
    }
    let room = usize::from(area.width.saturating_sub(3));
    buffer.set_stringn(area.x + 1, area.y, "ReLU, measured", room, theme.accent().patch(theme.strong()));
    for (at, lesson) in app.library.lessons.iter().enumerate() {
        let y = area.y + screen_contents_top() + at as u16;
        if y >= area.bottom() {
            break;
        }
        let read = app.read.get(&lesson.meta.id).copied().unwrap_or(0);
        let progress = match read {
            0 => "    ".to_string(),
            100.. => theme.text(" read"),
            percent => format!("{percent:>3}%"),
        };
        let title = format!("{:<5} {}", lesson.meta.part, lesson.meta.title);
        let style = if at == app.lesson { theme.selected() } else { ratatui::style::Style::new() };
        let line = Rect::new(area.x + 1, y, area.width.saturating_sub(2), 1);
        buffer.set_style(line, style);
        buffer.set_stringn(line.x, y, theme.text(&title), room.saturating_sub(6), style);
        let progress_at = area.right().saturating_sub(2 + progress.len() as u16);
        buffer.set_string(progress_at, y, &progress, if at == app.lesson { style } else { theme.faint() });
    }
}
