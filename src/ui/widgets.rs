//! Parts that the whole screen is made of: frames, dialogs, wrapped text and progress bars.

use crate::theme::{Glyphs, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Block, BorderType, Clear, Widget};
use unicode_width::UnicodeWidthStr;

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

/// A list of items as far as it fits: where it is too long, it ends with an ellipsis after the last whole item.
pub fn fit_items(theme: &Theme, list: &str, width: usize) -> String {
    let whole = theme.text(list);
    if whole.width() <= width {
        return whole;
    }
    let is_end = |at: usize| [", ", " · "].iter().any(|separator| list[at..].starts_with(separator));
    let ends = list.char_indices().map(|(at, _)| at).filter(|&at| is_end(at)).rev();
    let mut fitting = ends.map(|at| theme.text(&format!("{}, …", &list[..at]))).filter(|text| text.width() <= width);
    fitting.next().unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Palette;

    #[test]
    fn a_list_that_is_too_long_ends_after_a_whole_item() {
        let theme = Theme::new(Palette::None, Glyphs::Unicode);
        let list = "batch 100, learning rate 0.1, 10,000 images · fused";
        assert_eq!(fit_items(&theme, list, 80), list);
        assert_eq!(fit_items(&theme, list, 50), "batch 100, learning rate 0.1, 10,000 images, …");
        assert_eq!(fit_items(&theme, list, 40), "batch 100, learning rate 0.1, …");
        assert_eq!(fit_items(&theme, list, 13), "batch 100, …");
    }
}
