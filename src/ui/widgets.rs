//! Parts that the whole screen is made of: frames, dialogs, wrapped text and progress bars.

use crate::theme::{Glyphs, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Block, BorderType, Clear, Widget};

/// Draws a frame with a title; returns the area inside.
pub fn draw_frame(theme: &Theme, title: &str, focused: bool, area: Rect, buffer: &mut Buffer) -> Rect {
    let style = if focused { theme.accent() } else { theme.faint() };
    let border = match (theme.glyphs, focused) {
        (Glyphs::Ascii, _) => None,
        (_, true) => Some(BorderType::Thick),
        (_, false) => Some(BorderType::Rounded),
    };
    let title = app::truncate_at_word(&theme.text(title), usize::from(area.width.saturating_sub(4)));
    let block = Block::bordered().title(format!(" {title} ")).border_style(style);
    let block = match border {
        Some(kind) => block.border_type(kind),
        None => block.border_set(ratatui::symbols::border::Set {
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            vertical_left: "|",
            vertical_right: "|",
            horizontal_top: "-",
            horizontal_bottom: "-",
        }),
    };
    let inner = block.inner(area);
    block.render(area, buffer);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

/// Writes wrapped text; returns the row below it.
pub fn write_wrapped(theme: &Theme, text: &str, style: Style, area: Rect, y: u16, buffer: &mut Buffer) -> u16 {
    let mut row = y;
    for line in textwrap::wrap(&theme.text(text), app::wrap_options(usize::from(area.width.max(1)))) {
        if row < area.bottom() {
            buffer.set_stringn(area.x, row, &line, usize::from(area.width), style);
        }
        row += 1;
    }
    row
}

/// Clears an area and draws a frame there; returns the area inside.
pub fn open_dialog(title: &str, area: Rect, theme: &Theme, buffer: &mut Buffer) -> Rect {
    Clear.render(area, buffer);
    draw_frame(theme, title, true, area, buffer)
}

/// A bar of this width, filled to a part between 0 and 1.
pub fn progress_bar(theme: &Theme, part: f64, width: usize) -> String {
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
