//! An experiment's plot: its legend, its limits, its curves, bands and marks.

use super::legend;
use super::marks::predicted;
use super::plot::{Crosshair, Curve, Label, Plot, Shade, Weight, arrow};
use super::theme::{Glyphs, Theme};
use app::{Chart, Cursor, OwnMark};
use protocol::{self, Axis, Scale, Source, Stroke};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// The look of a plot's curve, or of a mark behind the last of them.
pub fn style_of(theme: &Theme, figure: &protocol::Plot, curve: usize) -> Style {
    let Some(series) = figure.series.get(curve) else {
        let mark = figure.marks.get(curve - figure.series.len());
        return mark.map_or(theme.faint(), |mark| theme.source(&mark.source));
    };
    if matches!(series.source, Source::Cited(_)) { theme.cited() } else { theme.arm(curve) }
}

/// Marks tell curves apart: one alone needs none, unless its points are to be seen.
fn is_marked(figure: &protocol::Plot, series: &protocol::Series) -> bool {
    figure.series.len() > 1 || series.stroke != Stroke::Line
}

/// What stands for a plot's curve in words: its mark, or a piece of its line.
pub fn mark_of(theme: &Theme, figure: &protocol::Plot, curve: usize) -> &'static str {
    match figure.series.get(curve) {
        None => theme.mark(),
        Some(series) if is_marked(figure, series) => theme.marker(curve),
        Some(_) if theme.glyphs == Glyphs::Ascii => "-",
        Some(_) => "─",
    }
}

/// The legend, and the plot beneath it.
pub fn draw(
    theme: &Theme,
    figure: &protocol::Plot,
    own: &[OwnMark],
    cursor: Option<&Cursor>,
    area: Rect,
    buffer: &mut Buffer,
) {
    let place = legend::draw(theme, figure, area, buffer);
    let xs = || figure.series.iter().flat_map(|series| series.points.iter().map(|point| point.0));
    let mut curves: Vec<Curve> = figure
        .series
        .iter()
        .enumerate()
        .map(|(at, series)| Curve {
            style: style_of(theme, figure, at),
            marker: if is_marked(figure, series) { theme.marker(at) } else { "" },
            // Where there is no number the plot draws a gap.
            points: series.points.iter().map(|&(x, y)| (x, y.unwrap_or(f64::NAN))).collect(),
            joined: series.stroke != Stroke::Points,
            weight: Weight::Normal,
            spread: series.spread.iter().map(|half| half.unwrap_or(0.0)).collect(),
        })
        .collect();
    let mut labels: Vec<Label> = figure
        .marks
        .iter()
        .map(|mark| Label {
            at: (mark.at[0], mark.at[1]),
            text: mark.label.clone(),
            style: theme.source(&mark.source),
            glyph: theme.mark(),
        })
        .collect();
    let (x, y) = (limits(&figure.x, xs()), limits(&figure.y, ys(figure)));
    // What was predicted stands above, where it may cover its arrow: beside its point there may be no room among the
    // curves.
    let mut said = Vec::new();
    for mark in own {
        let (label, line) = predicted(theme, mark, (x, figure.x.scale), (y, figure.y.scale));
        let side = i8::from(mark.y.0 > y.1) - i8::from(mark.y.1 < y.0);
        said.push(format!("{} {}", arrow(0, side, theme.glyphs).unwrap_or(label.glyph), label.text));
        labels.push(Label { text: String::new(), ..label });
        curves.extend(line);
    }
    let drawn = Plot {
        x,
        y,
        log_x: figure.x.scale == Scale::Log,
        log_y: figure.y.scale == Scale::Log,
        x_label: figure.x.label.clone(),
        y_label: figure.y.label.clone(),
        note: said.join(", "),
        note_style: theme.strong(),
        ribbons: Vec::new(),
        curves,
        labels,
        gutter: 0,
        empty: String::new(),
        bands: figure.bands.iter().map(|band| shade(theme, band)).collect(),
        crosshair: cursor.and_then(|cursor| {
            let chart = Chart::of_plot(figure);
            let point = chart.point(cursor)?;
            Some(Crosshair { at: (point.x, point.y), style: style_of(theme, figure, cursor.curve) })
        }),
    };
    drawn.draw(place, theme, buffer);
}

/// The y of every point, with the ends of its spread; a spread does not pass zero where no point does.
fn ys(figure: &protocol::Plot) -> impl Iterator<Item = f64> {
    let above = figure.series.iter().flat_map(|s| &s.points).all(|point| point.1.is_none_or(|y| y >= 0.0));
    figure.series.iter().flat_map(move |series| {
        let half = |at: usize| series.spread.get(at).copied().flatten().unwrap_or(0.0);
        let points = series.points.iter().enumerate().filter_map(|(at, point)| Some((at, point.1?)));
        points.flat_map(move |(at, y)| {
            let low = y - half(at);
            [if above { low.max(0.0) } else { low }, y + half(at)]
        })
    })
}

/// A logarithmic axis spans no less than this factor.
const NARROW: f64 = 1.05;

/// The axis' own limits, or those of its values.
fn limits(axis: &Axis, values: impl Iterator<Item = f64>) -> (f64, f64) {
    axis.limits.unwrap_or_else(|| {
        let usable = values.filter(|v| v.is_finite() && (axis.scale == Scale::Linear || *v > 0.0));
        let (low, high) = usable.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        match low <= high {
            // A narrow stretch has ticks of seven digits and shows noise as a slope.
            true if axis.scale == Scale::Log && high < NARROW * low => (low / NARROW.sqrt(), high * NARROW.sqrt()),
            true => (low, high),
            false => (0.0, 1.0),
        }
    })
}

fn shade(theme: &Theme, band: &protocol::Band) -> Shade {
    let (label, style) = (band.label.clone(), theme.source(&band.source));
    Shade { label, style, vertical: band.vertical, from: band.from, to: band.to }
}

#[cfg(test)]
mod tests {
    use super::super::theme::Palette;
    use super::*;
    use protocol::{Band, Mark, Series};

    /// A named point bears the look and the name of its source: theory is not taken for something published.
    #[test]
    fn points_and_bands_say_where_they_come_from() {
        let axis = || Axis { label: String::new(), scale: Scale::Linear, limits: Some((0.0, 10.0)) };
        let series = Series {
            name: "here".into(),
            source: Source::Measured,
            stroke: Stroke::Line,
            points: vec![(0.0, Some(0.0)), (10.0, Some(0.0))],
            spread: Vec::new(),
        };
        let mark = |label: &str, source, y| Mark { label: label.into(), source, at: [5.0, y] };
        let (theory, cited) = (|| Source::Theory("formula".into()), || Source::Cited("paper".into()));
        let figure = protocol::Plot {
            title: String::new(),
            x: axis(),
            y: axis(),
            series: vec![series],
            bands: vec![Band { label: "band".into(), source: Source::Measured, vertical: true, from: 1.0, to: 2.0 }],
            marks: vec![mark("solved", theory(), 8.0), mark("printed", cited(), 4.0)],
            places: Vec::new(),
        };
        let theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
        let area = Rect::new(0, 0, 80, 20);
        let mut buffer = Buffer::empty(area);
        draw(&theme, &figure, &[], None, area, &mut buffer);
        let row = |y| (0..80).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        assert_eq!(row(0).trim_end(), "measured: ─ here  ░ band  theory: formula: ✕ solved  paper: ✕ printed");
        let look = |word: &str| {
            let place = |y| row(y).find(word).map(|at| (row(y)[..at].chars().count() as u16, y));
            buffer[(1..20).find_map(place).unwrap()].style()
        };
        assert_eq!(look("printed").fg, theme.cited().fg);
        assert_ne!(look("solved").fg, theme.cited().fg);
        assert_ne!(look("band").fg, theme.cited().fg);
        assert_eq!([1, 2].map(|at| style_of(&theme, &figure, at)), [theme.strong(), theme.cited()]);
    }
}
