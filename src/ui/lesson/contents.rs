//! Draws the contents: every lesson with its progress.

use crate::theme::Glyphs;
use crate::theme::Theme;
use app::{App, CONTENTS_TOP, LessonProgress};
use ratatui::{Frame, layout::Rect, widgets::Clear};

pub fn draw(app: &App, theme: &Theme, frame: &mut Frame) {
    let area = app.screen.contents;
    if area.is_empty() {
        return;
    }
    frame.render_widget(Clear, area);
    let buffer = frame.buffer_mut();
    let bar = if theme.glyphs == Glyphs::Ascii { "|" } else { "│" };
    for row in area.y..area.bottom() {
        buffer.set_string(area.right() - 1, row, bar, theme.faint());
    }
    let room = usize::from(area.width.saturating_sub(3));
    buffer.set_stringn(area.x + 1, area.y, "ReLU, measured", room, theme.accent().patch(theme.strong()));
    if let Some(left) = app.course_left().filter(|left| left.len() + 16 <= room) {
        buffer.set_string(area.right() - 2 - left.len() as u16, area.y, left, theme.faint());
    }
    for (row, y) in app.contents_rows().iter().zip(area.y + CONTENTS_TOP..area.bottom()) {
        let at = row.lesson;
        let progress = if row.is_first { app.progress_of(at) } else { LessonProgress::Untouched };
        let mark = match (progress, theme.glyphs) {
            (LessonProgress::Untouched, _) => " ",
            (LessonProgress::Complete, Glyphs::Unicode) => "✓",
            (LessonProgress::Complete, Glyphs::Ascii) => "+",
            (LessonProgress::Begun, Glyphs::Unicode) => "◐",
            (LessonProgress::Begun, Glyphs::Ascii) => "~",
        };
        let style = match app.contents_choice() {
            Some(choice) if at == choice => theme.selected(),
            None if at == app.lesson => theme.selected(),
            _ if at == app.lesson => theme.accent().patch(theme.strong()),
            _ => ratatui::style::Style::new(),
        };
        let line = Rect::new(area.x + 1, y, area.width.saturating_sub(2), 1);
        buffer.set_style(line, style);
        buffer.set_stringn(line.x, y, format!("{mark} {}", row.text), room, style);
        let x = line.right().saturating_sub(1 + row.minutes.len() as u16);
        // In reverse video a faint foreground would look like a field of its own.
        let is_chosen = style == theme.selected();
        buffer.set_string(x, y, &row.minutes, if is_chosen { style } else { style.patch(theme.faint()) });
    }
}
