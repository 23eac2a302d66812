//! Draws the search over all lessons: each hit, truncated so that its first match is visible.

use crate::theme::Theme;
use crate::widgets::open_dialog;
use app::{App, Search};
use ratatui::{buffer::Buffer, style::Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub fn draw(search: &Search, app: &App, theme: &Theme, buffer: &mut Buffer) {
    let whole = app.screen.whole;
    let inner = open_dialog("Search all lessons", app.screen.search(), theme, buffer);
    buffer.set_stringn(inner.x, inner.y, format!("/ {}_", search.query), usize::from(inner.width), theme.strong());
    let (first, rows) = search.shown(&app.screen);
    for ((at, hit), y) in search.hits.iter().enumerate().skip(first).take(rows).zip(inner.y + 2..) {
        let lesson = &app.library.lessons[hit.lesson];
        let number = lesson.number.map_or(String::new(), |number| format!("{number} "));
        let style = if at == search.selected { theme.selected() } else { Style::new() };
        let head = theme.text(&format!("{number}{}: ", lesson.meta.title));
        let mut x = buffer.set_stringn(inner.x, y, &head, usize::from(inner.width), style.patch(theme.faint())).0;
        let [before, word, after] =
            [0..hit.at.start, hit.at.clone(), hit.at.end..hit.text.len()].map(|part| theme.text(&hit.text[part]));
        let room = usize::from(inner.right().saturating_sub(x));
        let before = truncate_start(theme, &before, room.saturating_sub(word.width() + after.width().min(room / 3)));
        for (part, look) in
            [(&before, style), (&word, style.patch(theme.accent()).patch(theme.strong())), (&after, style)]
        {
            x = buffer.set_stringn(x, y, part, usize::from(inner.right().saturating_sub(x)), look).0;
        }
    }
    let count = match search.hits.len() {
        _ if search.query.is_empty() => String::new(),
        0 => "nothing found".into(),
        1 => "1 place".into(),
        count => format!("{count} places"),
    };
    let at = inner.right().saturating_sub(count.width() as u16);
    if whole.contains((at, inner.y).into()) {
        buffer.set_string(at, inner.y, &count, theme.faint());
    }
}

/// The end of a text, truncated to this width.
fn truncate_start(theme: &Theme, text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.into();
    }
    let mut start = text.len();
    let mut width = 1;
    for (at, c) in text.char_indices().rev() {
        width += c.width().unwrap_or(0);
        if width > room {
            break;
        }
        start = at;
    }
    theme.text("…") + &text[start..]
}
