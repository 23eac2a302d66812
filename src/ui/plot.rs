//! A plot for the terminal: Braille curves (two by four dots a cell) or plain marks, our own axes with round ticks,
//! logarithmic where asked, and published points with their labels. ratatui's own chart has neither log axes nor
//! enough ticks to tell 1.05 % from 1.37 %.

use super::axes::{Axes, Scale};
use super::markers::{self, Wanted};
use super::theme::{Glyphs, Theme};
use super::ticks::{numbers, ticks};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
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
    /// Half of the height of an error bar, one a point, or none.
    pub spread: Vec<f64>,
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

/// A published point.
#[derive(Debug)]
pub struct Label {
    pub at: (f64, f64),
    pub text: String,
    pub style: Style,
}

/// The point that is being read.
#[derive(Debug)]
pub struct Crosshair {
    pub at: (f64, f64),
    pub style: Style,
    /// Its values in words, in place of the y axis' label.
    pub told: Option<String>,
}

#[derive(Debug)]
pub struct Plot {
    pub x: (f64, f64),
    pub y: (f64, f64),
    pub log_x: bool,
    pub log_y: bool,
    pub x_label: String,
    pub y_label: String,
    pub curves: Vec<Curve>,
    pub labels: Vec<Label>,
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
        // A logarithmic axis has few round values to choose from; more numbers than a dozen tell no more.
        let rows = usize::from(area.height - 3);
        let most = (if self.log_y { rows * 2 / 3 } else { rows / 2 }).clamp(3, 12);
        let y_ticks = ticks(ys.limits(), self.log_y, most);
        let y_names = numbers(&y_ticks);
        let gutter = y_names.iter().map(|name| name.width()).max().unwrap_or(1) as u16 + 1;
        let plot = Rect::new(area.x + gutter + 1, area.y + 1, area.width - gutter - 2, area.height - 3);
        if plot.width < 4 || plot.height < 2 {
            return;
        }
        let faint = theme.faint();
        let ascii = theme.glyphs == Glyphs::Ascii;
        let put = |buffer: &mut Buffer, x: u16, y: u16, text: &str, style: Style| {
            if x < area.right() && y < area.bottom() {
                buffer.set_stringn(x, y, text, usize::from(area.right() - x), style);
            }
        };
        match self.crosshair.as_ref().and_then(|cross| Some((cross.told.as_ref()?, cross.style))) {
            Some((told, style)) => put(buffer, area.x, area.y, &theme.text(told), style.patch(theme.strong())),
            None => put(buffer, area.x, area.y, &theme.text(&self.y_label), faint),
        }
        let axes = Axes { plot, area, theme };
        axes.y(&ys, &y_ticks, buffer);
        if !axes.x(&xs, &self.x_ticks(&xs, plot), &self.x_label, buffer) {
            self.x_label_above(area, theme, buffer);
        }
        self.shades(&xs, &ys, plot, theme, buffer);
        if ascii {
            self.plain_curves(&xs, &ys, plot, buffer);
        } else {
            self.braille_curves(&xs, &ys, plot, buffer);
        }
        self.markers(&xs, &ys, plot, if ascii { plain_cell } else { edge_cell }, buffer);
        self.published(&xs, &ys, plot, theme, buffer);
        self.cross(&xs, &ys, plot, theme, buffer);
    }

    /// A label that would cover numbers stands at the right end of the first line, where that has room.
    fn x_label_above(&self, area: Rect, theme: &Theme, buffer: &mut Buffer) {
        let label = theme.text(&format!("{} →", self.x_label));
        let told = self.crosshair.as_ref().and_then(|cross| cross.told.as_ref());
        let taken = theme.text(told.unwrap_or(&self.y_label)).width();
        if taken + label.width() + 2 <= usize::from(area.width) {
            let x = area.right() - label.width() as u16;
            buffer.set_string(x, area.y, label, theme.faint());
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
        for curve in &self.curves {
            let mut set = |x: i64, y: i64| {
                if (0..width).contains(&x) && (0..height).contains(&y) {
                    let cell = (y / 4) as usize * usize::from(plot.width) + (x / 2) as usize;
                    // Unicode numbers a cell's dots 1 2 3 7 down the left, 4 5 6 8 down the right.
                    let bit = [[0, 3], [1, 4], [2, 5], [6, 7]][(y % 4) as usize][(x % 2) as usize];
                    dots[cell] |= 1 << bit;
                    let at = (plot.x + (x / 2) as u16, plot.y + (y / 4) as u16);
                    if let (Some(target), Some(shape)) =
                        (buffer.cell_mut(at), char::from_u32(0x2800 + u32::from(dots[cell])))
                    {
                        target.set_char(shape).set_style(curve.style);
                    }
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
        let cells = |curve: &Curve| Wanted { cells: curve.points.iter().filter_map(at).collect(), all: !curve.joined };
        let wanted: Vec<Wanted> = self.curves.iter().map(cells).collect();
        for (curve, places) in self.curves.iter().zip(markers::placed(&wanted, plot.width)) {
            for (column, row) in places {
                buffer.set_string(column, row, curve.marker, curve.style);
            }
        }
    }

    fn plain_curves(&self, xs: &Scale, ys: &Scale, plot: Rect, buffer: &mut Buffer) {
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
        for curve in &self.curves {
            let mut last: Option<(i64, i64)> = None;
            for &(x, y) in &curve.points {
                let place = xs.part(x).zip(ys.part(y)).map(|(px, py)| {
                    let column = (px * f64::from(plot.width - 1)).round() as i64;
                    let row = ((1.0 - py) * f64::from(plot.height - 1)).round().clamp(-1e4, 1e4) as i64;
                    (column, row)
                });
                let mut set = |x: i64, y: i64| {
                    if (0..i64::from(plot.width)).contains(&x) && (0..i64::from(plot.height)).contains(&y) {
                        buffer.set_string(plot.x + x as u16, plot.y + y as u16, curve.marker, curve.style);
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

    /// Published points with their labels, beside the point where there is room; beyond an edge they point there.
    fn published(&self, xs: &Scale, ys: &Scale, plot: Rect, theme: &Theme, buffer: &mut Buffer) {
        let beyond_glyph = if theme.glyphs == Glyphs::Ascii { ">" } else { "→" };
        let mut taken: Vec<Rect> = Vec::new();
        for label in &self.labels {
            let (Some(px), Some(py)) = (xs.part(label.at.0), ys.part(label.at.1)) else { continue };
            let beyond = px > 1.001;
            let column = plot.x + (px.clamp(0.0, 1.0) * f64::from(plot.width - 1)).round() as u16;
            let row = plot.y + ((1.0 - py.clamp(0.0, 1.0)) * f64::from(plot.height - 1)).round() as u16;
            let glyph = if beyond { beyond_glyph } else { theme.mark() };
            buffer.set_string(column, row, glyph, label.style);
            let text = theme.text(&label.text);
            let width = text.width() as u16;
            let right = (column + 2, column + 2 + width <= plot.right());
            let left = (column.saturating_sub(width + 1), column > plot.x + width);
            let offsets = [0, -1, 1, -2, 2, -3, 3];
            let places = offsets.into_iter().flat_map(|offset| [(right, offset), (left, offset)]);
            let spots: Vec<Rect> = places
                .filter(|((_, fits), _)| *fits)
                .filter_map(|((x, _), offset)| Some(Rect::new(x, row.checked_add_signed(offset)?, width, 1)))
                .filter(|spot| plot.contains(spot.as_position()) && !taken.iter().any(|other| other.intersects(*spot)))
                .collect();
            // Where no curve runs, if there is such a place.
            let blank = |at| buffer.cell(at).is_none_or(|cell| [" ", "░", ":"].contains(&cell.symbol()));
            let free = spots.iter().find(|spot| spot.positions().all(blank));
            if let Some(spot) = free.or(spots.first()).copied() {
                buffer.set_string(spot.x, spot.y, &text, label.style);
                taken.push(spot);
            }
        }
    }
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
