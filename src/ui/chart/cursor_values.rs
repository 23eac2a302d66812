//! The values at the cursor, in the last rows of a pane: those of the curve with the cursor, and of the others at the
//! same x.

use crate::theme::Theme;
use app::{Readout, Viewport, truncate};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

/// Rows for the other curves in a pane of this height.
fn rows_for_others(height: u16) -> usize {
    usize::from(height / 8).clamp(2, 6)
}

/// Text in the style of its curve.
type StyledText = (String, Style);

/// The lines of a reading in a pane of this size; `style_of` has a curve's mark and style. None without a cursor.
pub fn lines(
    theme: &Theme,
    readout: &Readout,
    viewport: &Viewport,
    style_of: impl Fn(usize) -> (&'static str, Style),
    (width, height): (u16, u16),
) -> Vec<Vec<StyledText>> {
    let (room, rows, reference) = (usize::from(width), rows_for_others(height), viewport.reference);
    let Some(cursor) = viewport.cursor else { return Vec::new() };
    let marked = |curve: usize, text: &str| {
        let (mark, style) = style_of(curve);
        (if mark.is_empty() { theme.text(text) } else { theme.text(&format!("{mark} {text}")) }, style)
    };
    let mark = style_of(cursor.curve).0.width() + 1;
    let Some(text) = readout.describe(cursor, room.saturating_sub(mark)) else { return Vec::new() };
    let (first, style) = marked(cursor.curve, &text);
    let mut lines = vec![vec![(first, style.patch(theme.strong()))]];
    // A source that does not fit beside the values has a line of its own.
    let source = readout.curves.get(cursor.curve).map_or("", |curve| curve.source.as_str());
    if !source.is_empty() && !text.contains(source) {
        lines.push(vec![(theme.text(&truncate(source, room)), theme.faint())]);
    }
    if let Some(difference) = reference.and_then(|reference| readout.difference(cursor, reference)) {
        lines.push(vec![(theme.text(&truncate(&difference, room)), theme.strong())]);
    }
    // No more lines are drawn than half of the pane.
    let most = (lines.len() + rows).min(usize::from(height / 2)).max(lines.len() + 1);
    let Some((x, others)) = readout.others(cursor) else { return lines };
    if others.is_empty() {
        return lines;
    }
    let mut line = vec![(theme.text(&format!("{x}: ")), theme.faint())];
    let mut used = line[0].0.width();
    let mut left = others.len();
    for (curve, text) in others {
        let (text, style) = marked(curve, &text);
        let text = truncate(&text, room);
        if used + text.width() > room && line.len() > 1 {
            lines.push(std::mem::take(&mut line));
            used = 0;
            if lines.len() >= most {
                break;
            }
        }
        used += text.width() + 2;
        left -= 1;
        line.push((format!("{text}  "), style));
    }
    if !line.is_empty() && lines.len() < most {
        lines.push(line);
    }
    if left > 0
        && let Some(last) = lines.last_mut()
    {
        let width = |line: &[StyledText]| line.iter().map(|(text, _)| text.width()).sum::<usize>();
        while last.len() > 1 && width(last) + format!("and {left} more").width() > room {
            last.pop();
            left += 1;
        }
        last.push((format!("and {left} more"), theme.faint()));
    }
    lines
}

/// Draws the lines in the last rows of an area; returns the rest of it.
pub fn draw(lines: &[Vec<StyledText>], area: Rect, buffer: &mut Buffer) -> Rect {
    let height = (lines.len() as u16).min(area.height / 2);
    let top = area.bottom() - height;
    for (line, y) in lines.iter().zip(top..area.bottom()) {
        let mut x = area.x;
        for (text, style) in line {
            x = buffer.set_stringn(x, y, text, usize::from(area.right().saturating_sub(x)), *style).0;
        }
    }
    Rect { height: area.height - height, ..area }
}
