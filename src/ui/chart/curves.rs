//! Draws the curves of a plot: with Braille dots, two by four in a cell, or with plain characters.

use super::canvas::{Canvas, curve_style};
use super::markers::{self, MarkerRequest};
use crate::theme::Glyphs;
use app::{AxisRange, clip_segment};
use protocol::{PlotSeries, Stroke};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use std::ops::RangeInclusive;

/// A point by its positions on both axes: 0 at the lower end, 1 at the upper one.
type AxisFractions = (f64, f64);

/// A series with its style.
struct DrawnCurve {
    style: Style,
    /// Drawn at some of the points.
    marker: &'static str,
    /// `None` is a gap.
    points: Vec<Option<AxisFractions>>,
    is_joined: bool,
    weight: Weight,
    /// x with both ends of the spread: a band behind a thick curve, error bars for the others. An end that the axis
    /// can't show is below it.
    spread: Vec<(f64, f64, f64)>,
    /// The band's style.
    pale: Style,
}

/// The weight of a curve, in drawing order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// Every third dot.
    Ghost,
    Thin,
    Normal,
    /// Two dots high.
    Thick,
}

impl DrawnCurve {
    fn new(canvas: &Canvas, number: usize, series: &PlotSeries) -> Self {
        let look = curve_style(canvas.theme, canvas.plot, number);
        let (xs, ys) = (&canvas.ranges.x, &canvas.ranges.y);
        let columns = usize::from(canvas.place.width) * 2;
        let kept = decimate(&series.points, xs, columns);
        let points = kept.iter().map(|&at| {
            let (x, y) = series.points[at];
            xs.part(x).zip(ys.part(y?))
        });
        let with_spread = if series.spread.is_empty() { &[][..] } else { &series.points[..] };
        let spread = spread_points(with_spread, xs, columns).filter_map(|at| {
            let (x, _) = series.points[at];
            let (low, high) = series.ends(at)?;
            Some((xs.part(x)?, ys.part(low).unwrap_or(-1.0), ys.part(high)?))
        });
        Self {
            style: look.style,
            marker: look.marker,
            points: points.collect(),
            is_joined: series.stroke != Stroke::Points,
            weight: match series.stroke {
                Stroke::Ghost => Weight::Ghost,
                Stroke::Thin => Weight::Thin,
                Stroke::Thick => Weight::Thick,
                Stroke::Line | Stroke::Points | Stroke::Both => Weight::Normal,
            },
            spread: spread.collect(),
            pale: look.pale,
        }
    }
}

/// How many points a column of dots may have before some of them are left out.
const CROWDED: usize = 4;

/// The points of a curve that are to be drawn: all, or of those that crowd in one column of dots the first, the lowest, the
/// highest and the last, so that no spike is lost.
fn decimate(points: &[(f64, Option<f64>)], xs: &AxisRange, columns: usize) -> Vec<usize> {
    if points.len() <= CROWDED * columns {
        return (0..points.len()).collect();
    }
    let column = |at: usize| column_of(points[at].0, xs, columns);
    let mut kept = Vec::with_capacity(CROWDED * columns);
    let mut from = 0;
    while from < points.len() {
        // A gap stands by itself: the curve is broken there.
        let is_gap = points[from].1.is_none();
        let here = column(from);
        let same = |at: &usize| points[*at].1.is_none() == is_gap && (is_gap || column(*at) == here);
        let end = (from..points.len()).find(|at| !same(at)).unwrap_or(points.len());
        let value = |at: &usize| points[*at].1.unwrap_or(0.0);
        let by_value = |a: &usize, b: &usize| value(a).total_cmp(&value(b));
        let lowest = (from..end).min_by(by_value).unwrap_or(from);
        let highest = (from..end).max_by(by_value).unwrap_or(from);
        let mut chosen = [from, lowest, highest, end - 1];
        chosen.sort_unstable();
        for at in chosen {
            if kept.last() != Some(&at) {
                kept.push(at);
            }
        }
        from = end;
    }
    kept
}

/// The points of a curve at which the ends of its spread are drawn: one a column of dots.
fn spread_points(points: &[(f64, Option<f64>)], xs: &AxisRange, columns: usize) -> impl Iterator<Item = usize> {
    let is_crowded = points.len() > CROWDED * columns;
    let mut last = None;
    (0..points.len()).filter(move |at| {
        let column = is_crowded.then(|| column_of(points[*at].0, xs, columns));
        !is_crowded || std::mem::replace(&mut last, column) != column
    })
}

/// The column of dots in which an x stands, also outside of the axis.
fn column_of(x: f64, xs: &AxisRange, columns: usize) -> i64 {
    xs.part(x).map_or(i64::MIN, |part| (part * columns.saturating_sub(1) as f64).round() as i64)
}

pub fn draw(canvas: &Canvas, buffer: &mut Buffer) {
    let curves: Vec<DrawnCurve> =
        canvas.viewport.series(canvas.plot).map(|(number, series)| DrawnCurve::new(canvas, number, series)).collect();
    let mut in_order: Vec<&DrawnCurve> = curves.iter().collect();
    in_order.sort_by_key(|curve| curve.weight);
    if canvas.theme.glyphs == Glyphs::Ascii {
        plain(&in_order, canvas.place, buffer);
    } else {
        dots(&in_order, canvas.place, buffer);
    }
    let cell = if canvas.theme.glyphs == Glyphs::Ascii { plain_cell } else { edge_cell };
    draw_markers(&curves, canvas.place, cell, buffer);
}

/// Draws with Braille dots. If curves share a cell, the last one gives it its colour.
fn dots(curves: &[&DrawnCurve], place: Rect, buffer: &mut Buffer) {
    let (width, height) = (i64::from(place.width) * 2, i64::from(place.height) * 4);
    let mut shapes = vec![0_u8; usize::from(place.width) * usize::from(place.height)];
    let mut dot = |x: i64, y: i64, style: Style, buffer: &mut Buffer| {
        if (0..width).contains(&x) && (0..height).contains(&y) {
            let cell = (y / 4) as usize * usize::from(place.width) + (x / 2) as usize;
            // Unicode numbers a cell's dots 1 2 3 7 down the left and 4 5 6 8 down the right.
            let bit = [[0, 3], [1, 4], [2, 5], [6, 7]][(y % 4) as usize][(x % 2) as usize];
            shapes[cell] |= 1 << bit;
            let at = (place.x + (x / 2) as u16, place.y + (y / 4) as u16);
            if let (Some(target), Some(shape)) = (buffer.cell_mut(at), char::from_u32(0x2800 + u32::from(shapes[cell])))
            {
                target.set_char(shape).set_style(style);
            }
        }
    };
    for (number, band) in (0..).zip(curves.iter().filter(|curve| curve.weight == Weight::Thick)) {
        for (column, rows) in columns(band, (width, height)) {
            // Each band has every fourth dot of its own slanted pattern, so that both are visible where two overlap.
            for row in rows.filter(|row| (column + 2 * row + number) % 4 == 0) {
                dot(column, row, band.pale, buffer);
            }
        }
    }
    for curve in curves {
        let mut set = |x: i64, y: i64| {
            if curve.weight == Weight::Ghost && (x + y) % 3 != 0 {
                return;
            }
            dot(x, y, curve.style, buffer);
            if curve.weight == Weight::Thick {
                dot(x, y + 1, curve.style, buffer);
            }
        };
        stroke(curve, (width, height), &mut set);
        if curve.weight != Weight::Thick {
            for &(x, low, high) in &curve.spread {
                segment((x, low), (x, high), (width, height), &mut set);
            }
        }
    }
}

fn plain(curves: &[&DrawnCurve], place: Rect, buffer: &mut Buffer) {
    let size = (i64::from(place.width), i64::from(place.height));
    for band in curves.iter().filter(|curve| curve.weight == Weight::Thick) {
        for (column, rows) in columns(band, size) {
            for row in rows {
                buffer.set_string(place.x + column as u16, place.y + row as u16, ".", band.pale);
            }
        }
    }
    let put = |glyph: &'static str, style: Style, buffer: &mut Buffer, (x, y): (i64, i64)| {
        if (0..size.0).contains(&x) && (0..size.1).contains(&y) {
            buffer.set_string(place.x + x as u16, place.y + y as u16, glyph, style);
        }
    };
    for curve in curves.iter().filter(|curve| curve.weight != Weight::Thick) {
        for &(x, low, high) in &curve.spread {
            segment((x, low), (x, high), size, &mut |x, y| put("|", curve.style, buffer, (x, y)));
        }
    }
    for curve in curves {
        let glyph = match curve.weight {
            Weight::Ghost => ",",
            Weight::Thin => ".",
            Weight::Normal | Weight::Thick if curve.marker.is_empty() => "*",
            Weight::Normal | Weight::Thick => curve.marker,
        };
        stroke(curve, size, &mut |x, y| put(glyph, curve.style, buffer, (x, y)));
    }
}

/// Sets the dots of a curve's points, and of the lines between them if it is joined, on a grid of this size.
fn stroke(curve: &DrawnCurve, size: (i64, i64), set: &mut impl FnMut(i64, i64)) {
    let mut last: Option<AxisFractions> = None;
    for point in &curve.points {
        if let Some(to) = *point {
            segment(last.filter(|_| curve.is_joined).unwrap_or(to), to, size, set);
        }
        last = *point;
    }
}

/// Sets the dots of a straight line on a grid of this size.
fn segment(from: AxisFractions, to: AxisFractions, (width, height): (i64, i64), set: &mut impl FnMut(i64, i64)) {
    /// How far a line is drawn beyond the axes, as a part of them. A zoomed plot has points very far away, and each dot
    /// takes time.
    const NEAR: (f64, f64) = (-2.0, 3.0);
    let Some((from, to)) = clip_segment(from, to, NEAR) else { return };
    let place = |(x, y): AxisFractions| {
        ((x * (width - 1) as f64).round() as i64, ((1.0 - y) * (height - 1) as f64).round() as i64)
    };
    line(place(from), place(to), set);
}

fn draw_markers(curves: &[DrawnCurve], place: Rect, cell: fn(Rect, f64, f64) -> (u16, u16), buffer: &mut Buffer) {
    let marked: Vec<&DrawnCurve> = curves.iter().filter(|curve| !curve.marker.is_empty()).collect();
    let requests: Vec<MarkerRequest> = marked
        .iter()
        .map(|curve| {
            let inside = |part: f64| (0.0..=1.0).contains(&part);
            let points = curve.points.iter().flatten().filter(|(x, y)| inside(*x) && inside(*y));
            let cells: Vec<_> = points.map(|&(x, y)| cell(place, x, y)).collect();
            // Where points are dense there is no room for a marker at each, so some have only their dots.
            let crowded = cells.windows(2).filter(|pair| pair[1].0.abs_diff(pair[0].0) < 3).count();
            MarkerRequest { has_all: !curve.is_joined && 2 * crowded < cells.len(), cells }
        })
        .collect();
    for (curve, places) in marked.iter().zip(markers::placed(&requests, place.width)) {
        for (column, row) in places {
            buffer.set_string(column, row, curve.marker, curve.style);
        }
    }
}

/// The range of dots of a curve's spread in each column.
fn columns(curve: &DrawnCurve, (width, height): (i64, i64)) -> Vec<(i64, RangeInclusive<i64>)> {
    let place = |&(x, low, high): &(f64, f64, f64)| {
        let column = (x * (width - 1) as f64).round().clamp(-1e6, 1e6) as i64;
        (column, low.clamp(-1.0, 2.0), high.clamp(-1.0, 2.0))
    };
    let places: Vec<(i64, f64, f64)> = curve.spread.iter().map(place).collect();
    let mut filled = Vec::new();
    for pair in places.windows(2) {
        let [(from, low, high), (to, next_low, next_high)] = [pair[0], pair[1]];
        for column in from.max(0)..to.min(width) {
            let share = (column - from) as f64 / (to - from).max(1) as f64;
            let row = |part: f64| ((1.0 - part) * (height - 1) as f64).round() as i64;
            let (top, bottom) = (row(high + share * (next_high - high)), row(low + share * (next_low - low)));
            filled.push((column, top.max(0)..=bottom.min(height - 1)));
        }
    }
    filled
}

/// The cell of a point; a point outside of the plot is put at its edge.
pub fn edge_cell(place: Rect, x: f64, y: f64) -> (u16, u16) {
    let cell = |part: f64, cells: u16, dots: f64| {
        ((part.clamp(0.0, 1.0) * (f64::from(cells) * dots - 1.0)).round() / dots).floor() as u16
    };
    (place.x + cell(x, place.width, 2.0), place.y + cell(1.0 - y, place.height, 4.0))
}

/// The same for plain characters.
pub fn plain_cell(place: Rect, x: f64, y: f64) -> (u16, u16) {
    let cell = |part: f64, cells: u16| (part.clamp(0.0, 1.0) * f64::from(cells - 1)).round() as u16;
    (place.x + cell(x, place.width), place.y + cell(1.0 - y, place.height))
}

/// Every dot of a straight line. Source: Bresenham, 1965.
fn line(from: (i64, i64), to: (i64, i64), set: &mut impl FnMut(i64, i64)) {
    let (dx, dy) = ((to.0 - from.0).abs(), -(to.1 - from.1).abs());
    let (sx, sy) = ((to.0 - from.0).signum(), (to.1 - from.1).signum());
    let (mut x, mut y, mut error) = (from.0, from.1, dx + dy);
    loop {
        set(x, y);
        if (x, y) == to {
            return;
        }
        let twice = 2 * error;
        if twice >= dy {
            error += dy;
            x += sx;
        }
        if twice <= dx {
            error += dx;
            y += sy;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::AxisScale;

    #[test]
    fn what_lies_far_outside_takes_no_time() {
        let mut set = Vec::new();
        segment((-1e12, -1e12), (1e12, 1e12), (101, 101), &mut |x, y| set.push((x, y)));
        assert!(set.len() < 1000, "{} dots", set.len());
        assert!(set.contains(&(50, 50)) && set.contains(&(0, 100)) && set.contains(&(100, 0)));
    }

    /// A curve of 10,000 points looks the same and is drawn from few of them.
    #[test]
    fn no_spike_is_lost_where_points_crowd() {
        let xs = AxisRange::new((0.0, 10_000.0), AxisScale::Linear).unwrap();
        let ys = AxisRange::new((0.0, 1.0), AxisScale::Linear).unwrap();
        let mut points: Vec<(f64, Option<f64>)> =
            (0..10_000).map(|at| (f64::from(at), Some(0.5 + 0.3 * (f64::from(at) / 700.0).sin()))).collect();
        (points[4321].1, points[7777].1, points[5000].1) = (Some(0.999), Some(0.001), None);
        let (columns, rows) = (200_usize, 100);
        let set_by = |kept: &[usize]| {
            let curve = DrawnCurve {
                style: Style::new(),
                marker: "",
                points: kept
                    .iter()
                    .map(|at| xs.part(points[*at].0).zip(points[*at].1.and_then(|y| ys.part(y))))
                    .collect(),
                is_joined: true,
                weight: Weight::Normal,
                spread: Vec::new(),
                pale: Style::new(),
            };
            let mut cells = std::collections::BTreeSet::new();
            stroke(&curve, (columns as i64, rows), &mut |x, y| {
                cells.insert((x, y));
            });
            cells
        };
        let kept = decimate(&points, &xs, columns);
        assert!(kept.len() <= CROWDED * (columns + 1) + 1, "{}", kept.len());
        assert!([4321, 7777, 5000].iter().all(|at| kept.contains(at)));
        let all: Vec<usize> = (0..points.len()).collect();
        // Between two columns the line is drawn from another point, so that it may differ by a dot.
        let (few, many) = (set_by(&kept), set_by(&all));
        let near = |(x, y): &(i64, i64), cells: &std::collections::BTreeSet<(i64, i64)>| {
            (-1..=1).any(|dx| (-1..=1).any(|dy| cells.contains(&(x + dx, y + dy))))
        };
        assert!(few.iter().all(|cell| near(cell, &many)) && many.iter().all(|cell| near(cell, &few)));
        assert_eq!(decimate(&points[..500], &xs, columns).len(), 500, "a curve with room is drawn whole");
    }
}
