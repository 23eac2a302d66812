//! Draws the command line, and what it finds beneath it.

use crate::theme::Theme;
use crate::widgets::{open_dialog, write_wrapped};
use app::{App, COMMAND_HEAD, CommandLine, Completion, PaletteMatch, commands};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

pub fn draw(line: &CommandLine, app: &App, theme: &Theme, buffer: &mut Buffer) {
    let inner = open_dialog("Command", app.screen.command(), theme, buffer);
    let width = usize::from(inner.width);
    let last = inner.bottom().saturating_sub(1);
    // Of a long line the end is seen, where the reader types.
    let typed = theme.text(&format!("{}_", line.text));
    let hidden = typed.width().saturating_sub(width.saturating_sub(2));
    let seen: String = typed.chars().skip(hidden).collect();
    buffer.set_stringn(inner.x, inner.y, theme.text(&format!(": {seen}")), width, theme.strong());
    // What is said of the line has two rows, or the whole room if nothing is found.
    let rows = if line.matches.is_empty() { last.saturating_sub(inner.y + 1) } else { COMMAND_HEAD - 1 };
    let message = Rect { y: inner.y + 1, height: rows.min(last.saturating_sub(inner.y + 1)), ..inner };
    match (&line.error, &line.completion) {
        (Some(why), _) => {
            write_wrapped(theme, why, theme.bad(), message, message.y, buffer);
        }
        (None, Some(completion)) => completions(completion, theme, message, buffer),
        (None, None) if line.text.is_empty() => {
            write_wrapped(theme, &format!("{}, or any words", commands()), theme.faint(), message, message.y, buffer);
        }
        (None, None) if line.matches.is_empty() && !line.text.contains(' ') => {
            let text = "Nothing has this in its name. Enter says which commands there are.";
            write_wrapped(theme, text, theme.faint(), message, message.y, buffer);
        }
        (None, None) => {}
    }
    let (first, rows) = line.shown(&app.screen);
    for ((at, found), y) in line.matches.iter().enumerate().skip(first).take(rows).zip(inner.y + COMMAND_HEAD..last) {
        draw_match(found, line.selected == Some(at), theme, Rect { y, height: 1, ..inner }, buffer);
    }
    let keys = "Enter does it · Tab completes · ↑ earlier lines · ↓ choose · Esc leaves";
    buffer.set_stringn(inner.x, last, theme.text(keys), width, theme.faint());
}

/// An entry with the characters that matched, and its key at the right.
fn draw_match(found: &PaletteMatch, is_selected: bool, theme: &Theme, place: Rect, buffer: &mut Buffer) {
    let style = if is_selected { theme.selected() } else { Style::new() };
    buffer.set_style(place, style);
    let keys = theme.text(&found.entry.keys);
    let keys_at = place.right().saturating_sub(keys.width() as u16);
    let end = keys_at.saturating_sub(2).max(place.x);
    let mut x = place.x;
    let is_cut = theme.text(&found.entry.text).width() > usize::from(end - place.x);
    let room = if is_cut { end.saturating_sub(1) } else { end };
    for (number, c) in found.entry.text.chars().enumerate() {
        if x >= room {
            break;
        }
        let of_match =
            if found.matched.contains(&number) { theme.accent().patch(theme.strong()) } else { Style::new() };
        let c = theme.text(&c.to_string());
        x = buffer.set_stringn(x, place.y, c, usize::from(room - x), style.patch(of_match)).0;
    }
    if is_cut {
        buffer.set_stringn(x, place.y, theme.text("…"), usize::from(end.saturating_sub(x)), style);
    }
    let key_style = if is_selected { style } else { theme.faint() };
    buffer.set_stringn(keys_at, place.y, &keys, usize::from(place.width), key_style);
}

/// Draws the completions by their last words.
fn completions(completion: &Completion, theme: &Theme, place: Rect, buffer: &mut Buffer) {
    let words: Vec<&str> =
        completion.lines.iter().map(|line| line.trim_end().rsplit(' ').next().unwrap_or(line)).collect();
    // Rows of words, side by side.
    let mut rows: Vec<Vec<usize>> = vec![Vec::new()];
    let mut width = 0;
    for (at, word) in words.iter().enumerate() {
        if width + word.width() > usize::from(place.width) && width > 0 {
            rows.push(Vec::new());
            width = 0;
        }
        width += word.width() + 2;
        if let Some(row) = rows.last_mut() {
            row.push(at);
        }
    }
    let chosen = rows.iter().position(|row| row.contains(&completion.selected)).unwrap_or(0);
    let first = (chosen + 1).saturating_sub(usize::from(place.height).max(1));
    for (row, y) in rows.iter().skip(first).zip(place.y..place.bottom()) {
        let mut x = place.x;
        for &at in row {
            let style = if at == completion.selected { theme.selected() } else { theme.faint() };
            x = buffer.set_stringn(x, y, theme.text(words[at]), usize::from(place.right() - x), style).0;
            x = (x + 2).min(place.right());
        }
    }
}
