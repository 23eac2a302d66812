//! Draws horizontal bars: a name, a bar of one or more parts, and their sum.

use crate::theme::{Glyphs, Theme};
use protocol::{Bar, Bars};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::UnicodeWidthStr;

/// Blocks that fill one to seven eighths of a cell from its left.
const EIGHTHS: [&str; 7] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// `read` is the bar with the cursor.
pub fn draw(theme: &Theme, figure: &Bars, read: Option<usize>, area: Rect, buffer: &mut Buffer) {
    let y = legend(theme, figure, area, area.y, buffer);
    // A bar without any number has no length and is labelled with a dash.
    let sum = |bar: &Bar| bar.values.iter().flatten().copied().reduce(|sum, value| sum + value);
    let sums: Vec<Option<f64>> = figure.bars.iter().map(sum).collect();
    let label = |(bar, sum): (&Bar, &Option<f64>)| bar.total.or(*sum).map_or("-".into(), number);
    let longest = sums.iter().flatten().copied().fold(0.0, f64::max);
    let names = figure.bars.iter().map(|bar| bar.name.width()).max().unwrap_or(0) as u16;
    let numbers: Vec<String> = figure.bars.iter().zip(&sums).map(label).collect();
    let number_width = numbers.iter().map(String::len).max().unwrap_or(0) as u16;
    let room = area.width.saturating_sub(names + number_width + 2);
    if longest <= 0.0 || room < 4 {
        return;
    }
    // Bars are spaced out if there is room.
    let step = if 2 * figure.bars.len() <= usize::from(area.bottom().saturating_sub(y)) + 1 { 2 } else { 1 };
    let rows = (y..area.bottom()).step_by(step);
    for ((at, (bar, number)), row) in figure.bars.iter().zip(&numbers).enumerate().zip(rows) {
        let style = if read == Some(at) { theme.selected() } else { Style::new() };
        buffer.set_stringn(area.x, row, theme.text(&bar.name), usize::from(names), style);
        let mut reach = 0.0;
        let left = area.x + names + 1;
        let ends: Vec<f64> = bar
            .values
            .iter()
            .map(|value| {
                reach += value.map_or(0.0, |value| value.max(0.0));
                let end = reach / longest * f64::from(room);
                if theme.glyphs == Glyphs::Ascii { end.round() } else { end }
            })
            .collect();
        parts(theme, &ends, Rect { x: left, y: row, width: room, height: 1 }, buffer);
        let after = left + ends.last().map_or(0, |end| cells(*end).0 + u16::from(cells(*end).1 > 0));
        buffer.set_stringn(after + 1, row, number, usize::from(area.right().saturating_sub(after + 1)), Style::new());
    }
}

/// The names of the parts in their styles, and the source of the numbers.
fn legend(theme: &Theme, figure: &Bars, area: Rect, y: u16, buffer: &mut Buffer) -> u16 {
    let several = figure.parts.len() > 1;
    let source = format!("{}{}", figure.source.describe(), if several { ": " } else { "" });
    let mut x = buffer.set_stringn(area.x, y, theme.text(&source), usize::from(area.width), theme.faint()).0;
    for (at, name) in figure.parts.iter().enumerate().filter(|_| several) {
        let text = format!("{} {name}", fill(theme, at));
        buffer.set_stringn(x, y, theme.text(&text), usize::from(area.right().saturating_sub(x)), theme.arm(at));
        x = (x + text.width() as u16 + 2).min(area.right());
    }
    y + 1
}

/// Draws one bar. `ends` are the ends of its parts, in cells.
fn parts(theme: &Theme, ends: &[f64], place: Rect, buffer: &mut Buffer) {
    let mut from = 0;
    let starts: Vec<f64> = std::iter::once(0.0).chain(ends.iter().copied()).collect();
    // Parts of zero length are not drawn.
    let parts: Vec<(usize, f64)> = (0..).zip(ends.iter().copied()).filter(|&(at, end)| end > starts[at]).collect();
    let last = parts.last().map(|part| part.0);
    for (at, end) in parts {
        let (whole, eighths) = cells(end);
        for column in from..whole.min(place.width) {
            buffer.set_string(place.x + column, place.y, fill(theme, at), theme.arm(at));
        }
        from = from.max(whole);
        // Only the last part can end inside a cell.
        if Some(at) == last && theme.glyphs == Glyphs::Unicode && eighths > 0 && from < place.width {
            let glyph = if at == 0 { EIGHTHS[eighths - 1] } else { fill(theme, at) };
            buffer.set_string(place.x + from, place.y, glyph, theme.arm(at));
        }
    }
}

/// Whole cells, and eighths of the next one.
fn cells(end: f64) -> (u16, usize) {
    (end.floor() as u16, (end.fract() * 8.0) as usize)
}

/// The fill of a part, so that parts differ by more than colour.
fn fill(theme: &Theme, part: usize) -> &'static str {
    match theme.glyphs {
        Glyphs::Unicode => ["█", "▒", "░"][part % 3],
        Glyphs::Ascii => ["#", "=", "-"][part % 3],
    }
}

/// Three significant digits, or more for large numbers.
fn number(value: f64) -> String {
    let decimals = if value.abs() >= 100.0 {
        0
    } else if value.abs() >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Palette;
    use protocol::Source;

    fn drawn(width: u16, values: &[&[Option<f64>]]) -> Vec<String> {
        let bars = values.iter().map(|v| Bar { name: "ReLU".into(), values: v.to_vec(), total: None }).collect();
        let parts = vec!["forward".into(), "backward".into()];
        let figure = Bars { title: "Cost, ns".into(), parts, bars, source: Source::Measured };
        let area = Rect::new(0, 0, width, 1 + values.len() as u16);
        let mut buffer = Buffer::empty(area);
        let theme = Theme::new(Palette::None, Glyphs::Ascii);
        draw(&theme, &figure, None, area, &mut buffer);
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_string();
        (0..area.height).map(row).collect()
    }

    #[test]
    fn parts_follow_each_other_to_the_sum() {
        let rows = drawn(20, &[&[Some(1.0), Some(1.0)], &[Some(0.5), Some(0.0)]]);
        assert_eq!(rows, ["measured: # forward", "ReLU #####===== 2.00", "ReLU ### 0.50"]);
    }

    /// A loss has its own fill, and a gain has nothing of a loss at its end, wherever in a cell it ends.
    #[test]
    fn what_is_lost_is_told_from_what_is_gained() {
        let bar = |name: &str, gain: f64| Bar {
            name: name.into(),
            values: vec![Some(gain.max(0.0)), Some((-gain).max(0.0))],
            total: Some(gain),
        };
        let parts = vec!["gained".into(), "lost".into()];
        let bars = vec![bar("a", 4.0), bar("b", 1.37), bar("c", -2.0), bar("d", -0.01)];
        let figure = Bars { title: "points".into(), parts, bars, source: Source::Measured };
        let area = Rect::new(0, 0, 30, 5);
        let mut buffer = Buffer::empty(area);
        draw(&Theme::new(Palette::TrueColour, Glyphs::Unicode), &figure, None, area, &mut buffer);
        let row = |y| (0..30).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_string();
        let gained = row(2);
        assert!(!gained.contains('▒') && gained.ends_with(" 1.37"), "{gained}");
        let lost = row(3);
        assert!(lost.contains("▒▒▒") && !lost.contains('█') && lost.ends_with(" -2.00"), "{lost}");
        assert!(row(4).ends_with(" -0.01"), "{}", row(4));
    }

    #[test]
    fn no_values_and_no_room_draw_no_bars() {
        assert_eq!(drawn(20, &[&[Some(0.0), None]])[1], "");
        assert_eq!(drawn(8, &[&[Some(1.0), Some(1.0)]])[1], "");
        // A bar without a number among others with one.
        assert_eq!(drawn(20, &[&[Some(1.0), None], &[None, None]])[1..], ["ReLU ########## 1.00", "ReLU  -"]);
    }
}
