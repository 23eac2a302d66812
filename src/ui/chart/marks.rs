//! Draws the marks of a plot, the ends of series that diverged, the bands behind the curves, and the cursor.
//!
//! A mark outside of the axes is an arrow beyond the border, in its own row or column. A label is in the row of its
//! mark, as every other row has another value: in a column at the right if the plot has one, else beside the mark where
//! nothing is drawn, else nowhere. No label covers data.

use super::canvas::{Canvas, MarkLabels, curve_sample};
use super::curves::{edge_cell, plain_cell};
use crate::theme::{Glyphs, Theme};
use app::{AxisRange, Readout, mark_values, truncate};
use protocol::{PlotBand, PlotMark, Source, Stroke};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::UnicodeWidthStr;

/// A mark to be drawn.
struct PlacedMark {
    at: (f64, f64),
    text: String,
    /// Written beside an arrow to a point above the plot.
    above: &'static str,
    style: Style,
    glyph: &'static str,
}

/// The glyph of a mark.
fn glyph_of(theme: &Theme, mark: &PlotMark) -> &'static str {
    if mark.source == Source::Reader { theme.prediction_glyph() } else { theme.mark() }
}

/// The predictions as text for the first line of a plot that has no labels for them. An arrow shows the direction of a
/// prediction beyond the axis.
pub fn format_predictions(canvas: &Canvas) -> String {
    let label = |mark: &PlotMark| {
        let side = side(canvas.ranges.y.part(mark.at[1]).unwrap_or(-1.0));
        let glyph = arrow(0, side, canvas.theme.glyphs).unwrap_or(glyph_of(canvas.theme, mark));
        format!("{glyph} {}", mark.label)
    };
    let predicted = canvas.plot.marks.iter().filter(|mark| mark.source == Source::Reader);
    predicted.map(label).collect::<Vec<_>>().join(", ")
}

/// 1 above an axis, -1 below it, 0 on it.
fn side(part: f64) -> i8 {
    i8::from(part > 1.001) - i8::from(part < -0.001)
}

fn placed_marks(canvas: &Canvas, labels: MarkLabels) -> Vec<PlacedMark> {
    let Canvas { theme, plot, viewport, ranges, .. } = *canvas;
    let values = mark_values(plot, &ranges.y);
    let marks = plot.marks.iter().zip(values).map(|(mark, value)| PlacedMark {
        at: (mark.at[0], mark.at[1]),
        text: match labels {
            MarkLabels::Gutter => value,
            MarkLabels::Beside if mark.source == Source::Reader => String::new(),
            MarkLabels::Beside | MarkLabels::OfPoints => mark.label.clone(),
            MarkLabels::None => String::new(),
        },
        above: "",
        style: if labels == MarkLabels::OfPoints { theme.faint() } else { theme.source(&mark.source) },
        glyph: if labels == MarkLabels::OfPoints { "" } else { glyph_of(theme, mark) },
    });
    // A series without any number ends above the plot.
    let end = |(x, y): (f64, Option<f64>)| PlacedMark {
        at: (x, y.unwrap_or_else(|| above(&ranges.y))),
        text: String::new(),
        above: "diverged",
        style: theme.bad(),
        glyph: theme.mark(),
    };
    let ends = viewport.series(plot).filter_map(|(_, series)| series.divergence()).map(end);
    marks.chain(ends).collect()
}

/// A value above an axis.
fn above(range: &AxisRange) -> f64 {
    let (low, high) = range.ends();
    high + (high - low)
}

/// Draws the marks, and then their labels. `gutter` is the width of the column at the right.
pub fn draw(canvas: &Canvas, labels: MarkLabels, gutter: u16, buffer: &mut Buffer) {
    let Canvas { theme, ranges, place, .. } = *canvas;
    let (mut placed, mut is_named) = (Vec::new(), false);
    for spot in placed_marks(canvas, labels) {
        let (Some(px), Some(py)) = (ranges.x.part(spot.at.0), ranges.y.part(spot.at.1)) else { continue };
        let (x, y) = (side(px), side(py));
        let (column, row) = plain_cell(place, px, py);
        let at = (
            [place.x - 1, column, place.right()][(x + 1) as usize],
            // Beyond a corner there is no row of its own.
            [place.bottom(), row, place.y - 1][(y + 1) as usize],
        );
        let glyph = arrow(x, y, theme.glyphs).filter(|_| !spot.glyph.is_empty()).unwrap_or(spot.glyph);
        if y == 1 && !spot.above.is_empty() {
            // Beside the label of the axis, whose row this is, and once for all that diverged.
            let words = format!("{glyph} {}", spot.above);
            let width = words.width() as u16;
            let is_free = |from: &u16| (from - 1..=from + width).all(|column| is_blank(buffer, (column, at.1)));
            let last = place.right().saturating_sub(width);
            if let Some(column) = (at.0..last).find(is_free).filter(|_| !is_named) {
                buffer.set_string(column, at.1, words, spot.style);
                is_named = true;
            }
        } else if !glyph.is_empty() && (y < 1 || is_blank(buffer, at)) {
            buffer.set_string(at.0, at.1, glyph, spot.style);
        }
        placed.push((spot, glyph, (x, y), (column, row)));
    }
    if gutter == 0 {
        for (spot, _, out, (column, row)) in
            placed.iter().filter(|(spot, _, out, _)| out.1 == 0 && !spot.text.is_empty())
        {
            let column = column + u16::from(out.0 > 0);
            write_beside(&theme.text(&spot.text), (column, *row), spot.style, place, buffer);
        }
        return;
    }
    for row in place.y..place.bottom() {
        let here = || placed.iter().filter(|(spot, _, _, at)| at.1 == row && !spot.text.is_empty());
        let label = |(spot, glyph, out, _): &(PlacedMark, &str, (i8, i8), (u16, u16))| {
            let text = theme.text(&spot.text);
            if out.1 == 0 { text } else { format!("{glyph} {text}") }
        };
        if let Some((first, ..)) = here().next() {
            let room = usize::from(gutter.saturating_sub(1));
            let text = here().map(label).collect::<Vec<_>>().join(", ");
            buffer.set_stringn(place.right() + 2, row, truncate(&text, room), room, first.style);
        }
    }
}

/// Draws bands as a light pattern with their names at the top.
pub fn draw_bands(canvas: &Canvas, buffer: &mut Buffer) {
    let Canvas { theme, plot, ranges, place, .. } = *canvas;
    let fill = if theme.glyphs == Glyphs::Ascii { ":" } else { "░" };
    for band in &plot.bands {
        let ends = |range: &AxisRange, cells: u16| {
            let [from, to] = [band.from, band.to].map(|value| range.part(value).unwrap_or(0.0));
            let cell = |part: f64| (part.clamp(0.0, 1.0) * f64::from(cells - 1)).round() as u16;
            (from <= 1.0 && to >= 0.0).then(|| (cell(from), cell(to)))
        };
        let cells = if band.vertical { ends(&ranges.x, place.width) } else { ends(&ranges.y, place.height) };
        let Some((from, to)) = cells else { continue };
        if band.from >= band.to {
            draw_line(canvas, band, from, buffer);
            continue;
        }
        let area = if band.vertical {
            Rect { x: place.x + from, width: to.saturating_sub(from) + 1, ..place }
        } else {
            Rect { y: place.bottom() - 1 - to, height: to.saturating_sub(from) + 1, ..place }
        };
        for row in area.y..area.bottom() {
            buffer.set_stringn(area.x, row, fill.repeat(area.width.into()), area.width.into(), theme.faint());
        }
        let room = usize::from(place.right() - area.x);
        buffer.set_stringn(area.x, area.y, theme.text(&band.label), room, theme.source(&band.source));
    }
}

/// A line where a setting was changed.
fn draw_line(canvas: &Canvas, band: &PlotBand, cell: u16, buffer: &mut Buffer) {
    let Canvas { theme, place, .. } = *canvas;
    let style = theme.source(&band.source);
    let ascii = theme.glyphs == Glyphs::Ascii;
    if band.vertical {
        for y in place.y..place.bottom() {
            buffer.set_string(place.x + cell, y, if ascii { "|" } else { "╎" }, style);
        }
    } else {
        let line = if ascii { "-" } else { "╌" }.repeat(place.width.into());
        buffer.set_stringn(place.x, place.bottom() - 1 - cell, line, place.width.into(), style);
    }
}

/// What was changed, beside the line that shows when, in the first row where neither a curve nor another line stands.
pub fn label_lines(canvas: &Canvas, buffer: &mut Buffer) {
    let Canvas { theme, plot, ranges, place, .. } = *canvas;
    for band in plot.bands.iter().filter(|band| band.vertical && band.from >= band.to) {
        let Some(part) = ranges.x.part(band.from).filter(|part| (0.0..=1.0).contains(part)) else { continue };
        let column = plain_cell(place, part, 0.0).0;
        let text = theme.text(&band.label);
        let width = text.width() as u16;
        let is_free = |(x, y): &(u16, u16)| {
            *x >= place.x
                && x + width <= place.right()
                && (*x..x + width).all(|x| buffer.cell((x, *y)).is_some_and(|cell| cell.symbol() == " "))
        };
        let places = (place.y..place.bottom()).flat_map(|y| [(column + 2, y), (column.saturating_sub(width + 1), y)]);
        let free = places.into_iter().find(is_free);
        if let Some((x, y)) = free {
            buffer.set_string(x, y, text, theme.source(&band.source));
        }
    }
}

/// A line through all curves where nothing else stands, and the point itself on top of all.
pub fn draw_cursor(canvas: &Canvas, buffer: &mut Buffer) {
    let Canvas { theme, plot, viewport, ranges, place } = *canvas;
    let Some(cursor) = viewport.cursor else { return };
    let readout = Readout::of_plot(plot, viewport);
    let Some(point) = readout.point(cursor) else { return };
    let Some((px, py)) = ranges.x.part(point.x).zip(ranges.y.part(point.y)) else { return };
    let (column, row) = edge_cell(place, px, py);
    let bar = if theme.glyphs == Glyphs::Ascii { "|" } else { "┊" };
    for y in place.y..place.bottom() {
        if buffer.cell((column, y)).is_some_and(|cell| [" ", "░", "\u{2800}"].contains(&cell.symbol())) {
            buffer.set_string(column, y, bar, theme.faint());
        }
    }
    let glyph = if theme.glyphs == Glyphs::Ascii { "X" } else { "◉" };
    let style = curve_sample(theme, plot, cursor.curve).1.patch(theme.selected());
    buffer.set_string(column, row, glyph, style);
}

/// How many rows above or below the end of its curve a name may stand.
const NEAR: u16 = 3;

/// The name of each curve near its end, where nothing else stands; a curve whose end has no room has none. Thin curves and
/// what the reader predicted have no names.
pub fn name_curves(canvas: &Canvas, buffer: &mut Buffer) {
    let Canvas { theme, plot, viewport, ranges, place } = *canvas;
    for (number, series) in viewport.series(plot) {
        if matches!(series.stroke, Stroke::Thin) || series.source == Source::Reader {
            continue;
        }
        let mut parts = series.points.iter().filter_map(|&(x, y)| ranges.x.part(x).zip(ranges.y.part(y?)));
        let inside = |(x, y): &(f64, f64)| (0.0..=1.0).contains(x) && (0.0..=1.0).contains(y);
        let Some((x, y)) = parts.rfind(inside) else { continue };
        let (column, row) = edge_cell(place, x, y);
        // How many seeds a mean is of stands in the values.
        let name = match series.source {
            Source::Run { .. } => series.name.split(", ").next().unwrap_or_default(),
            _ => series.name.as_str(),
        };
        let text = theme.text(name);
        let width = text.width() as u16;
        let fits = |(x, y): &(u16, u16)| {
            let around = (x.saturating_sub(1).max(place.x), (x + width + 1).min(place.right()));
            *x >= place.x
                && x + width <= place.right()
                && (place.y..place.bottom()).contains(y)
                && (around.0..around.1).all(|x| is_blank(buffer, (x, *y)))
        };
        let beside = [(column + 2, row), (column.saturating_sub(width + 2), row)];
        let start = column.saturating_sub(width / 2).min(place.right().saturating_sub(width));
        let near = (1..=NEAR).flat_map(|by| [(start, row.saturating_sub(by)), (start, row + by)]);
        if let Some((x, y)) = beside.into_iter().chain(near).find(fits) {
            buffer.set_string(x, y, text, curve_sample(theme, plot, number).1);
        }
    }
}

/// Which way a point lies that is outside of the axes: to the right and up are positive. `None` inside of them.
fn arrow(x: i8, y: i8, glyphs: Glyphs) -> Option<&'static str> {
    let [rich, plain] = match (x, y) {
        (0, 0) => return None,
        (0, 1) => ["↑", "^"],
        (0, _) => ["↓", "v"],
        (1, 0) => ["→", ">"],
        (_, 0) => ["←", "<"],
        (1, 1) => ["↗", "^"],
        (1, _) => ["↘", "v"],
        (_, 1) => ["↖", "^"],
        (_, _) => ["↙", "v"],
    };
    Some(if glyphs == Glyphs::Ascii { plain } else { rich })
}

/// Whether no curve, mark or label is drawn here.
pub fn is_blank(buffer: &Buffer, at: (u16, u16)) -> bool {
    buffer.cell(at).is_none_or(|cell| [" ", "░", ":", "\u{2800}", "╎", "╌"].contains(&cell.symbol()))
}

/// Writes a label right or left of its mark, in the mark's row, where nothing else is drawn.
fn write_beside(text: &str, (column, row): (u16, u16), style: Style, place: Rect, buffer: &mut Buffer) {
    let width = text.width() as u16;
    let right = Some(column + 2).filter(|x| x + width <= place.right());
    let left = column.checked_sub(width + 1).filter(|x| *x >= place.x);
    let free = |x: &u16| {
        let (from, to) = (x.saturating_sub(1).max(place.x), (x + width + 1).min(place.right()));
        (from..to).filter(|at| *at != column).all(|at| is_blank(buffer, (at, row)))
    };
    if let Some(x) = right.into_iter().chain(left).find(free) {
        buffer.set_string(x, row, text, style);
    }
}
