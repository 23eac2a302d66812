//! A plot for the terminal: Braille curves (two by four dots a cell) or plain marks, our own axes with round ticks,
//! logarithmic where asked, and published points with their labels. ratatui's own chart has neither log axes nor
//! enough ticks to tell 1.05 % from 1.37 %.
//!
//! A point outside of the axes is an arrow beyond the border, at its height or in its column. A label stands in its
//! point's own row, since every other row is another value's: in a gutter at the right where the plot has one, else
//! beside the point where nothing is drawn, else nowhere. No label is drawn over data.

use super::axes::{Axes, Scale};
use super::markers::{self, Wanted};
use super::theme::{Glyphs, Theme};
use super::ticks::{numbers, ticks};
use app::cut;
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use std::ops::RangeInclusive;
use unicode_width::UnicodeWidthStr;

/// One curve to draw.
#[derive(Debug)]
pub struct Curve {
    pub style: Style,
    /// Stands at some of its points.
    pub marker: &'static str,
    /// Values that are not finite are gaps.
    pub points: Vec<(f64, f64)>,
    pub joined: bool,
    pub weight: Weight,
    /// Half of the height of an error bar, one a point, or none.
    pub spread: Vec<f64>,
}

/// How a curve stands among the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weight {
    /// One of many that a thick curve sums up: dim, without markers.
    Thin,
    #[default]
    Normal,
    /// Two dots high.
    Thick,
}

/// The room between two curves, filled with a light pattern.
#[derive(Debug)]
pub struct Ribbon {
    pub style: Style,
    /// x, the lower and the upper value.
    pub points: Vec<(f64, f64, f64)>,
}

/// A stretch of an axis, shaded behind the curves.
#[derive(Debug)]
pub struct Shade {
    pub label: String,
    pub style: Style,
    /// Along x if true, along y if not.
    pub vertical: bool,
    pub from: f64,
    pub to: f64,
}

/// A named point: a published one, or what the reader predicted.
#[derive(Debug)]
pub struct Label {
    pub at: (f64, f64),
    pub text: String,
    pub style: Style,
    /// Stands at the point.
    pub glyph: &'static str,
}

/// The point that is being read.
#[derive(Debug)]
pub struct Crosshair {
    pub at: (f64, f64),
    pub style: Style,
}

#[derive(Debug)]
pub struct Plot {
    pub x: (f64, f64),
    pub y: (f64, f64),
    pub log_x: bool,
    pub log_y: bool,
    pub x_label: String,
    pub y_label: String,
    /// Stands at the right end of the first line, if that has room.
    pub note: String,
    pub note_style: Style,
    pub ribbons: Vec<Ribbon>,
    pub curves: Vec<Curve>,
    pub labels: Vec<Label>,
    /// Columns at the right for the labels; with none they stand beside their points.
    pub gutter: u16,
    /// What there is to say while no curve has a point.
    pub empty: String,
    pub bands: Vec<Shade>,
    pub crosshair: Option<Crosshair>,
}

impl Plot {
    /// Draws axes, curves and labels; too small an area stays empty.
    pub fn draw(&self, area: Rect, theme: &Theme, buffer: &mut Buffer) {
        if area.width < 16 || area.height < 5 {
            return;
        }
        let (xs, ys) = (Scale::new(self.x, self.log_x), Scale::new(self.y, self.log_y));
        let rows = area.height - 3;
        let y_ticks = self.y_ticks(&ys, rows);
        let y_names = numbers(&y_ticks);
        let left = y_names.iter().map(|name| name.width()).max().unwrap_or(1) as u16 + 1;
        let right = if self.gutter > 0 && area.width > left + self.gutter + 24 { self.gutter } else { 0 };
        let plot = Rect::new(area.x + left + 1, area.y + 1, area.width.saturating_sub(left + 2 + right), rows);
        if plot.width < 4 || plot.height < 2 {
            return;
        }
        let faint = theme.faint();
        let ascii = theme.glyphs == Glyphs::Ascii;
        let y_label = theme.text(&with_scale(&self.y_label, self.log_y));
        let used = buffer.set_stringn(area.x, area.y, &y_label, usize::from(area.width), faint).0 - area.x;
        let axes = Axes { plot, area: Rect { width: area.width - right, ..area }, theme };
        axes.y(&ys, &y_ticks, buffer);
        let x_label = with_scale(&self.x_label, self.log_x);
        let above = if axes.x(&xs, &self.x_ticks(&xs, plot), &x_label, buffer) { String::new() } else { x_label };
        self.first_line(&above, used, area, theme, buffer);
        self.shades(&xs, &ys, plot, theme, buffer);
        if ascii {
            self.plain_curves(&xs, &ys, plot, buffer);
        } else {
            self.braille_curves(&xs, &ys, plot, buffer);
        }
        self.markers(&xs, &ys, plot, if ascii { plain_cell } else { edge_cell }, buffer);
        self.published(&xs, &ys, plot, right, theme, buffer);
        self.cross(&xs, &ys, plot, theme, buffer);
        if self.curves.iter().all(|curve| curve.points.is_empty()) {
            self.say_what_comes(plot, theme, buffer);
        }
    }

    /// In the middle of a plot that has no curve yet, where nothing else stands.
    fn say_what_comes(&self, plot: Rect, theme: &Theme, buffer: &mut Buffer) {
        let width = usize::from(plot.width.saturating_sub(4).min(60));
        let lines = textwrap::wrap(&self.empty, app::lines_of(width.max(1)));
        let top = plot.y + plot.height.saturating_sub(lines.len() as u16) / 2;
        for (line, y) in lines.iter().zip(top..plot.bottom()) {
            let text = theme.text(line);
            let x = plot.x + plot.width.saturating_sub(text.width() as u16) / 2;
            let spot = Rect::new(x, y, text.width() as u16, 1);
            if spot.positions().all(|at| is_blank(buffer, (at.x, at.y))) {
                buffer.set_stringn(x, y, &text, usize::from(plot.right() - x), theme.faint());
            }
        }
    }

    /// What stands at the right of the y axis' label: that of x where it would cover numbers, and the note.
    fn first_line(&self, x_label: &str, used: u16, area: Rect, theme: &Theme, buffer: &mut Buffer) {
        let arrow = if x_label.is_empty() { String::new() } else { theme.text(&format!("{x_label} →")) };
        let mut end = area.right();
        for (text, style) in [(arrow, theme.faint()), (theme.text(&self.note), self.note_style)] {
            let width = text.width() as u16;
            if width > 0 && area.x + used + 2 + width <= end {
                buffer.set_string(end - width, area.y, &text, style);
                end -= width + 2;
            }
        }
    }

    fn x_ticks(&self, xs: &Scale, plot: Rect) -> Vec<f64> {
        // Between two epochs or two layers there is nothing to mark.
        let whole = self.curves.iter().flat_map(|curve| &curve.points).all(|(x, _)| x.fract() == 0.0);
        let ticks = ticks(xs.limits(), self.log_x, usize::from(plot.width / 9).max(2));
        ticks.into_iter().filter(|value| !whole || value.fract() == 0.0).collect()
    }

    /// Bands as a light pattern, their names at the top.
    fn shades(&self, xs: &Scale, ys: &Scale, plot: Rect, theme: &Theme, buffer: &mut Buffer) {
        let fill = if theme.glyphs == Glyphs::Ascii { ":" } else { "░" };
        for band in &self.bands {
            let ends = |scale: &Scale, cells: u16| {
                let [from, to] = [band.from, band.to].map(|value| scale.part(value).unwrap_or(0.0).clamp(0.0, 1.0));
                let cell = |part: f64| (part * f64::from(cells - 1)).round() as u16;
                (cell(from), cell(to))
            };
            let place = if band.vertical {
                let (from, to) = ends(xs, plot.width);
                Rect { x: plot.x + from, width: to - from + 1, ..plot }
            } else {
                let (from, to) = ends(ys, plot.height);
                Rect { y: plot.bottom() - 1 - to, height: to - from + 1, ..plot }
            };
            for row in place.y..place.bottom() {
                buffer.set_stringn(place.x, row, fill.repeat(place.width.into()), place.width.into(), theme.faint());
            }
            let (label, room) = (theme.text(&band.label), usize::from(plot.right() - place.x));
            buffer.set_stringn(place.x, place.y, label, room, band.style);
        }
    }

    /// Curves as dots, two a cell across and four down; the last curve drawn gives a shared cell its colour.
    fn braille_curves(&self, xs: &Scale, ys: &Scale, plot: Rect, buffer: &mut Buffer) {
        let (width, height) = (i64::from(plot.width) * 2, i64::from(plot.height) * 4);
        let mut dots = vec![0_u8; usize::from(plot.width) * usize::from(plot.height)];
        let mut dot = |x: i64, y: i64, style: Style, buffer: &mut Buffer| {
            if (0..width).contains(&x) && (0..height).contains(&y) {
                let cell = (y / 4) as usize * usize::from(plot.width) + (x / 2) as usize;
                // Unicode numbers a cell's dots 1 2 3 7 down the left, 4 5 6 8 down the right.
                let bit = [[0, 3], [1, 4], [2, 5], [6, 7]][(y % 4) as usize][(x % 2) as usize];
                dots[cell] |= 1 << bit;
                let at = (plot.x + (x / 2) as u16, plot.y + (y / 4) as u16);
                if let (Some(target), Some(shape)) =
                    (buffer.cell_mut(at), char::from_u32(0x2800 + u32::from(dots[cell])))
                {
                    target.set_char(shape).set_style(style);
                }
            }
        };
        for (number, ribbon) in (0..).zip(&self.ribbons) {
            for (column, rows) in columns(ribbon, xs, ys, (width, height)) {
                // Every fourth dot of a slanted pattern, another one for each ribbon: both are seen where they overlap.
                for row in rows.filter(|row| (column + 2 * row + number) % 4 == 0) {
                    dot(column, row, ribbon.style, buffer);
                }
            }
        }
        for curve in self.in_order() {
            let mut set = |x: i64, y: i64| {
                dot(x, y, curve.style, buffer);
                if curve.weight == Weight::Thick {
                    dot(x, y + 1, curve.style, buffer);
                }
            };
            let mut last: Option<(i64, i64)> = None;
            for &(x, y) in &curve.points {
                let place = xs.part(x).zip(ys.part(y)).map(|(px, py)| {
                    let column = (px * (width - 1) as f64).round() as i64;
                    // Far outside, a line still leaves the plot in the right direction.
                    let row = ((1.0 - py) * (height - 1) as f64).round().clamp(-1e4, 1e4) as i64;
                    (column, row)
                });
                if let Some(to) = place {
                    match last.filter(|_| curve.joined) {
                        Some(from) => line(from, to, &mut set),
                        None => set(to.0, to.1),
                    }
                }
                last = place;
            }
            for (&(x, y), &half) in curve.points.iter().zip(&curve.spread) {
                let ends = [y - half, y + half].map(|y| xs.part(x).zip(ys.part(y)));
                if let [Some((px, low)), Some((_, high))] = ends {
                    let column = (px * (width - 1) as f64).round() as i64;
                    let row = |py: f64| ((1.0 - py) * (height - 1) as f64).round().clamp(-1e4, 1e4) as i64;
                    line((column, row(low)), (column, row(high)), &mut set);
                }
            }
        }
    }

    fn markers(&self, xs: &Scale, ys: &Scale, plot: Rect, cell: fn(Rect, f64, f64) -> (u16, u16), buffer: &mut Buffer) {
        let at = |&(x, y): &(f64, f64)| {
            let (px, py) = xs.part(x).zip(ys.part(y))?;
            let inside = (0.0..=1.0).contains(&px) && (0.0..=1.0).contains(&py);
            inside.then(|| cell(plot, px, py))
        };
        let wanted: Vec<Wanted> = self
            .curves
            .iter()
            .map(|curve| {
                let told = curve.weight != Weight::Thin && !curve.marker.is_empty();
                let cells: Vec<_> = curve.points.iter().filter(|_| told).filter_map(at).collect();
                // Points that crowd have their dots; a marker in every cell would hide them, and what lies beneath.
                let crowded = cells.windows(2).filter(|pair| pair[1].0.abs_diff(pair[0].0) < 3).count();
                Wanted { all: !curve.joined && 2 * crowded < cells.len(), cells }
            })
            .collect();
        for (curve, places) in self.curves.iter().zip(markers::placed(&wanted, plot.width)) {
            for (column, row) in places {
                buffer.set_string(column, row, curve.marker, curve.style);
            }
        }
    }

    /// Thin curves first, so that thick ones lie on top.
    fn in_order(&self) -> impl Iterator<Item = &Curve> {
        let of = |weight| self.curves.iter().filter(move |curve| curve.weight == weight);
        of(Weight::Thin).chain(of(Weight::Normal)).chain(of(Weight::Thick))
    }

    fn plain_curves(&self, xs: &Scale, ys: &Scale, plot: Rect, buffer: &mut Buffer) {
        for ribbon in &self.ribbons {
            for (column, rows) in columns(ribbon, xs, ys, (i64::from(plot.width), i64::from(plot.height))) {
                for row in rows {
                    buffer.set_string(plot.x + column as u16, plot.y + row as u16, ".", ribbon.style);
                }
            }
        }
        for curve in &self.curves {
            for (&(x, y), &half) in curve.points.iter().zip(&curve.spread).filter(|(_, half)| **half > 0.0) {
                let ends = [y + half, y - half].map(|y| xs.part(x).zip(ys.part(y)));
                if let [Some((px, high)), Some((_, low))] = ends {
                    let (column, top) = plain_cell(plot, px, high);
                    for row in top..=plain_cell(plot, px, low).1 {
                        buffer.set_string(column, row, "|", curve.style);
                    }
                }
            }
        }
        for curve in self.in_order() {
            let glyph = match curve.weight {
                Weight::Thin => ".",
                Weight::Normal | Weight::Thick if curve.marker.is_empty() => "*",
                Weight::Normal | Weight::Thick => curve.marker,
            };
            let mut last: Option<(i64, i64)> = None;
            for &(x, y) in &curve.points {
                let place = xs.part(x).zip(ys.part(y)).map(|(px, py)| {
                    let column = (px * f64::from(plot.width - 1)).round() as i64;
                    let row = ((1.0 - py) * f64::from(plot.height - 1)).round().clamp(-1e4, 1e4) as i64;
                    (column, row)
                });
                let mut set = |x: i64, y: i64| {
                    if (0..i64::from(plot.width)).contains(&x) && (0..i64::from(plot.height)).contains(&y) {
                        buffer.set_string(plot.x + x as u16, plot.y + y as u16, glyph, curve.style);
                    }
                };
                if let Some(to) = place {
                    match last.filter(|_| curve.joined) {
                        Some(from) => line(from, to, &mut set),
                        None => set(to.0, to.1),
                    }
                }
                last = place;
            }
        }
    }

    /// A line down to the x axis where nothing else stands, and the point itself on top of all.
    fn cross(&self, xs: &Scale, ys: &Scale, plot: Rect, theme: &Theme, buffer: &mut Buffer) {
        let Some(cross) = &self.crosshair else { return };
        let Some((px, py)) = xs.part(cross.at.0).zip(ys.part(cross.at.1)) else { return };
        let (column, row) = edge_cell(plot, px, py);
        let bar = if theme.glyphs == Glyphs::Ascii { "|" } else { "┊" };
        for below in row + 1..plot.bottom() {
            if buffer.cell((column, below)).is_some_and(|cell| [" ", "░", "\u{2800}"].contains(&cell.symbol())) {
                buffer.set_string(column, below, bar, theme.faint());
            }
        }
        let glyph = if theme.glyphs == Glyphs::Ascii { "X" } else { "◉" };
        buffer.set_string(column, row, glyph, cross.style.patch(theme.selected()));
    }

    /// Published points, and then their labels; `gutter` columns at the right are kept for these.
    fn published(&self, xs: &Scale, ys: &Scale, plot: Rect, gutter: u16, theme: &Theme, buffer: &mut Buffer) {
        let mut spots = Vec::new();
        for label in &self.labels {
            let (Some(px), Some(py)) = (xs.part(label.at.0), ys.part(label.at.1)) else { continue };
            let out = |part: f64| i8::from(part > 1.001) - i8::from(part < -0.001);
            let (x, y) = (out(px), out(py));
            let (column, row) = plain_cell(plot, px, py);
            let at = (
                [plot.x - 1, column, plot.right()][(x + 1) as usize],
                // Beyond a corner there is no height to keep.
                [plot.bottom(), row, plot.y - 1][(y + 1) as usize],
            );
            let glyph = arrow(x, y, theme.glyphs).unwrap_or(label.glyph);
            if y < 1 || is_blank(buffer, at) {
                buffer.set_string(at.0, at.1, glyph, label.style);
            }
            spots.push((label, glyph, (x, y), row));
        }
        if gutter == 0 {
            for (label, _, out, row) in spots.iter().filter(|spot| spot.2.1 == 0) {
                let column = plain_cell(plot, xs.part(label.at.0).unwrap_or(0.0), 0.0).0;
                beside(&theme.text(&label.text), (column + u16::from(out.0 > 0), *row), label.style, plot, buffer);
            }
            return;
        }
        for row in plot.y..plot.bottom() {
            let here = || spots.iter().filter(|spot| spot.3 == row);
            let told = |(label, glyph, out, _): &(&Label, &str, (i8, i8), u16)| {
                let text = theme.text(&label.text);
                if out.1 == 0 || text.is_empty() { text } else { format!("{glyph} {text}") }
            };
            let text = here().map(told).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ");
            if let Some(spot) = here().find(|spot| !spot.0.text.is_empty()) {
                let room = usize::from(gutter.saturating_sub(1));
                buffer.set_stringn(plot.right() + 2, row, cut(&text, room), room, spot.0.style);
            }
        }
    }

    /// Numbers for the y axis, a free row at least between two of them.
    fn y_ticks(&self, ys: &Scale, rows: u16) -> Vec<f64> {
        let row = |value: f64| ys.part(value).map(|part| ((1.0 - part) * f64::from(rows - 1)).round());
        let apart = |ticks: &[f64]| {
            ticks.windows(2).all(|pair| row(pair[0]).zip(row(pair[1])).is_none_or(|(a, b)| (b - a).abs() >= 2.0))
        };
        // More numbers than a dozen tell no more.
        let most = usize::from(rows / 2).clamp(3, 12);
        let mut sets = (2..=most).rev().map(|most| ticks(ys.limits(), self.log_y, most));
        sets.find(|ticks| apart(ticks)).unwrap_or_else(|| ticks(ys.limits(), self.log_y, 2))
    }
}

/// The name of an axis, with a word where its steps are factors.
fn with_scale(label: &str, log: bool) -> String {
    if log && !label.contains("log") { format!("{label} (log)") } else { label.into() }
}

/// Which way a point lies that is outside of the axes: to the right and up are positive. `None` inside of them.
pub fn arrow(x: i8, y: i8, glyphs: Glyphs) -> Option<&'static str> {
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

/// Whether no curve, point or label stands here.
fn is_blank(buffer: &Buffer, at: (u16, u16)) -> bool {
    buffer.cell(at).is_none_or(|cell| [" ", "░", ":", "\u{2800}"].contains(&cell.symbol()))
}

/// A label to the right or to the left of its point, in the point's row, where nothing else stands.
fn beside(text: &str, (column, row): (u16, u16), style: Style, plot: Rect, buffer: &mut Buffer) {
    let width = text.width() as u16;
    let right = Some(column + 2).filter(|x| x + width <= plot.right());
    let left = column.checked_sub(width + 1).filter(|x| *x >= plot.x);
    let free = |x: &u16| {
        let (from, to) = (x.saturating_sub(1).max(plot.x), (x + width + 1).min(plot.right()));
        (from..to).filter(|at| *at != column).all(|at| is_blank(buffer, (at, row)))
    };
    if let Some(x) = right.into_iter().chain(left).find(free) {
        buffer.set_string(x, row, text, style);
    }
}

/// The rows of dots between a ribbon's values, column by column of so many.
fn columns(ribbon: &Ribbon, xs: &Scale, ys: &Scale, (width, height): (i64, i64)) -> Vec<(i64, RangeInclusive<i64>)> {
    let place = |&(x, low, high): &(f64, f64, f64)| {
        let column = (xs.part(x)? * (width - 1) as f64).round() as i64;
        // A value that a logarithmic axis does not have lies below it.
        let part = |value| ys.part(value).unwrap_or(-1.0).clamp(-1.0, 2.0);
        Some((column, part(low), part(high)))
    };
    let places: Vec<(i64, f64, f64)> = ribbon.points.iter().filter_map(place).collect();
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

/// The cell of a point; one that lies outside is put at the edge.
fn edge_cell(plot: Rect, px: f64, py: f64) -> (u16, u16) {
    let cell = |part: f64, cells: u16, dots: f64| {
        ((part.clamp(0.0, 1.0) * (f64::from(cells) * dots - 1.0)).round() / dots).floor() as u16
    };
    (plot.x + cell(px, plot.width, 2.0), plot.y + cell(1.0 - py, plot.height, 4.0))
}

/// The same where a cell has no dots.
fn plain_cell(plot: Rect, px: f64, py: f64) -> (u16, u16) {
    let cell = |part: f64, cells: u16| (part.clamp(0.0, 1.0) * f64::from(cells - 1)).round() as u16;
    (plot.x + cell(px, plot.width), plot.y + cell(1.0 - py, plot.height))
}

/// Every dot of a straight line (Bresenham 1965).
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
    use super::super::theme::Palette;
    use super::*;

    fn plot(labels: Vec<Label>, gutter: u16) -> Plot {
        let points = (0..=20).map(|n| (f64::from(n), 4.0 - 0.15 * f64::from(n))).collect();
        let curve =
            Curve { style: Style::new(), marker: "", points, joined: true, weight: Weight::Normal, spread: Vec::new() };
        Plot {
            x: (0.0, 20.0),
            y: (1.0, 4.0),
            log_x: false,
            log_y: true,
            x_label: "epoch".into(),
            y_label: "error, %".into(),
            note: String::new(),
            note_style: Style::new(),
            ribbons: Vec::new(),
            curves: vec![curve],
            labels,
            gutter,
            empty: String::new(),
            bands: Vec::new(),
            crosshair: None,
        }
    }

    fn drawn(plot: &Plot, (width, height): (u16, u16)) -> Vec<Vec<String>> {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let theme = Theme::new(Palette::None, Glyphs::Unicode);
        plot.draw(area, &theme, &mut buffer);
        (0..height).map(|y| (0..width).map(|x| buffer[(x, y)].symbol().to_string()).collect()).collect()
    }

    fn label(x: f64, y: f64) -> Label {
        Label { at: (x, y), text: format!("{y:.2} @{x}"), style: Style::new(), glyph: "✕" }
    }

    /// Whatever is published, the data stay as they are: a point covers its own cell and a label none.
    #[test]
    fn labels_cover_no_data() {
        let many = || vec![label(2.0, 3.7), label(10.0, 2.4), label(11.0, 2.5), label(19.0, 1.2), label(40.0, 1.5)];
        for size in [(72, 20), (56, 12), (36, 8), (20, 6)] {
            for gutter in [0, 14] {
                let bare = drawn(&plot(Vec::new(), gutter), size);
                let with = drawn(&plot(many(), gutter), size);
                let changed = bare.iter().flatten().zip(with.iter().flatten());
                for (before, after) in changed.filter(|(before, after)| before != after) {
                    let is_border = ["│", "─", "┤", "┴"].contains(&before.as_str());
                    assert!(before == " " || after == "✕" || is_border, "{before:?} became {after:?} at {size:?}");
                }
            }
        }
    }

    /// A row is a value: a label stands in that of its point, inside or beyond the border.
    #[test]
    fn labels_stand_at_their_own_height() {
        for gutter in [0, 14] {
            let rows = drawn(&plot(vec![label(3.0, 1.5), label(90.0, 2.0), label(5.0, 0.2)], gutter), (72, 20));
            let text: Vec<String> = rows.iter().map(|row| row.concat()).collect();
            let row = |what: &str| text.iter().position(|line| line.contains(what));
            let mark = text.iter().position(|line| line.contains('✕'));
            assert_eq!(row("1.50 @3"), mark, "{text:#?}");
            assert_eq!(row("2.00 @90"), row("→"), "{text:#?}");
            assert_eq!(row("2 ┤"), row("→"), "an arrow at the height of 2\n{text:#?}");
            assert!(text[18].contains('↓'), "below the axis\n{text:#?}");
        }
    }

    #[test]
    fn a_logarithmic_axis_says_so_and_its_numbers_stand_apart() {
        for height in 8..40 {
            let rows = drawn(&plot(Vec::new(), 0), (60, height));
            let text: Vec<String> = rows.iter().map(|row| row.concat()).collect();
            assert!(text[0].contains("error, % (log)"), "{text:#?}");
            let ticks: Vec<usize> = (0..text.len()).filter(|row| text[*row].contains('┤')).collect();
            assert!(ticks.len() >= 2 && ticks.windows(2).all(|pair| pair[1] - pair[0] >= 2), "{text:#?}");
        }
    }

    #[test]
    fn a_ribbon_is_light_and_a_thick_curve_lies_on_it() {
        let mut figure = plot(Vec::new(), 0);
        figure.curves[0].weight = Weight::Thick;
        let points = figure.curves[0].points.iter().map(|&(x, y)| (x, y - 0.5, y + 0.5)).collect();
        figure.ribbons = vec![Ribbon { style: Style::new(), points }];
        let dots = |figure: &Plot| -> u32 {
            let cells = drawn(figure, (60, 20)).concat();
            let dots = |cell: &String| cell.chars().next().map_or(0, |c| u32::from(c).wrapping_sub(0x2800));
            cells.iter().map(dots).filter(|dots| *dots < 256).map(u32::count_ones).sum()
        };
        let all = dots(&figure);
        figure.ribbons.clear();
        let thick = dots(&figure);
        figure.curves[0].weight = Weight::Normal;
        let thin = dots(&figure);
        assert!(all > thick + 40 && thick > thin + 40, "{all} {thick} {thin}");
    }
}
