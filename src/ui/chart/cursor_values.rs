//! The values at the cursor, in the last rows of a pane: those of the curve with the cursor, and of the others at the
//! same x.

use crate::theme::Theme;
use app::{OtherValue, Readout, Viewport, truncate};
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
    let wrapped = |text: &str, style: Style| -> Vec<Vec<StyledText>> {
        let lines = textwrap::wrap(text, app::wrap_options(room));
        lines.into_iter().map(|line| vec![(line.into_owned(), style)]).collect()
    };
    let Some(text) = readout.text_at(cursor) else { return Vec::new() };
    let style = style_of(cursor.curve).1.patch(theme.strong());
    let (name, values) = (&text.name, text.values());
    let source = Some(text.source.as_str()).filter(|source| !source.is_empty());
    let with_source = source.map(|source| marked(cursor.curve, &format!("{name}: {values} ({source})")).0);
    let with_source = with_source.filter(|line| line.width() <= room);
    let line = with_source.clone().unwrap_or_else(|| marked(cursor.curve, &format!("{name}: {values}")).0);
    let mut lines = if line.width() <= room {
        vec![vec![(line, style)]]
    } else {
        // The name has a line of its own, and the values are not parted where they fit on one.
        let name = wrapped(&marked(cursor.curve, &format!("{name}:")).0, style);
        [name, wrapped(&theme.text(&values), style)].concat()
    };
    if lines.len() > usize::from(height / 2).max(1) {
        let mark = style_of(cursor.curve).0.width() + 1;
        let line = readout.describe(cursor, room.saturating_sub(mark)).unwrap_or_default();
        lines = vec![vec![(marked(cursor.curve, &line).0, style)]];
    }
    // A source that does not fit beside the values has a line of its own.
    if let Some(source) = source.filter(|_| with_source.is_none()) {
        lines.push(vec![(theme.text(&truncate(source, room)), theme.faint())]);
    }
    if let Some(difference) = reference.and_then(|reference| readout.difference(cursor, reference)) {
        lines.extend(wrapped(&theme.text(&difference), theme.strong()));
    }
    // No more lines are drawn than half of the pane.
    let own = lines.len();
    let most = (own + rows).min(usize::from(height / 2)).max(own + 1);
    let Some((x, others)) = readout.others(cursor) else { return lines };
    if others.is_empty() {
        return lines;
    }
    let mut line = vec![(theme.text(&format!("{x}: ")), theme.faint())];
    let mut used = line[0].0.width();
    let mut left = others.len();
    for other in others {
        let mark = style_of(other.curve).0.width() + 1;
        let words = fit_value(readout, &other, room.saturating_sub(mark));
        let (text, style) = marked(other.curve, &words);
        if used > 0 && used + text.width() > room {
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
    // The word for x, with which the first line begins, is no value.
    let least = usize::from(lines.len() == own + 1);
    if left > 0
        && let Some(last) = lines.last_mut()
    {
        let width = |line: &[StyledText]| line.iter().map(|(text, _)| text.width()).sum::<usize>();
        while last.len() > least && width(last) + format!("and {left} more").width() > room {
            last.pop();
            left += 1;
        }
        last.push((format!("and {left} more"), theme.faint()));
    }
    lines
}

/// A value in so many columns: if it is too wide, without what was measured beside it, and then with a shorter name. No
/// number is cut.
fn fit_value(readout: &Readout, other: &OtherValue, room: usize) -> String {
    let bare = OtherValue { beside: String::new(), ..other.clone() };
    if let Some(words) = [other, &bare].map(OtherValue::words).into_iter().find(|words| words.width() <= room) {
        return words;
    }
    let left = room.saturating_sub(bare.value.width() + bare.place.width() + 1);
    OtherValue { name: readout.short_name(other.curve, left), ..bare }.words()
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
