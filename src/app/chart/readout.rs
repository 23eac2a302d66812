//! The values of a plot or of bars, read point by point.

use super::viewport::{PlotCursor, Viewport};
use crate::wrapping::truncate;
use protocol::{Bar, Bars, Plot, Source};
use unicode_width::UnicodeWidthStr;

/// The values of a figure that can be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readout {
    /// The labels of the axes with their units: `current, nA`.
    pub x: String,
    pub y: String,
    pub curves: Vec<ReadoutCurve>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadoutCurve {
    pub name: String,
    /// The source of the values, as the legend writes it; empty if it need not be named.
    pub source: String,
    /// From left to right, without gaps.
    pub points: Vec<ReadoutPoint>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ReadoutPoint {
    pub x: f64,
    /// The name of the point if x is not a number: a part of a bar.
    pub what: Option<String>,
    pub y: f64,
    /// Half of the width of its spread.
    pub spread: Option<f64>,
    /// A second measurement at the same point in the same unit: the test error of an epoch.
    pub beside: Option<f64>,
}

impl Readout {
    /// Reads the series of a plot, then its marks. A curve's number is that of its series; marks follow the last
    /// series. Hidden series and predictions have no points.
    pub fn of_plot(plot: &Plot, viewport: &Viewport) -> Self {
        let ranges = viewport.view(plot);
        // A logarithmic axis can't show zero.
        let is_drawn = |&(x, y, _): &(f64, f64, Option<f64>)| ranges.x.part(x).and(ranges.y.part(y)).is_some();
        let series = plot.series.iter().enumerate().map(|(number, series)| {
            let is_read = series.source != Source::Reader && viewport.shows(plot, number);
            let points = series.points.iter().enumerate().filter(|_| is_read);
            let spread = |at: usize| series.spread.get(at).copied().flatten();
            let points = points.filter_map(|(at, &(x, y))| Some((x, y?, spread(at)))).filter(is_drawn);
            ReadoutCurve::new(&series.name, describe_source(&series.source), points)
        });
        let marks = plot.marks.iter().map(|mark| {
            let point = (mark.at[0], mark.at[1], None);
            let point = Some(point).filter(is_drawn).filter(|_| mark.source != Source::Reader);
            ReadoutCurve::new(&mark.label, describe_source(&mark.source), point)
        });
        Self { x: plot.x.label.clone(), y: plot.y.label.clone(), curves: series.chain(marks).collect() }
    }

    /// Reads each bar as a curve whose points are the parts and their sum.
    pub fn of_bars(figure: &Bars) -> Self {
        let curve = |bar: &Bar| {
            let sum = bar.values.iter().copied().sum::<Option<f64>>().map(|sum| ("together", sum));
            let sum = sum.filter(|_| figure.parts.len() > 1);
            let parts = figure.parts.iter().map(String::as_str).chain(figure.parts.is_empty().then_some(""));
            let values = parts.zip(&bar.values).filter_map(|(part, value)| Some((part, (*value)?)));
            let parts = values.chain(sum).enumerate();
            let point = |(at, (part, y)): (usize, (&str, f64))| ReadoutPoint {
                x: at as f64,
                what: Some(part.into()),
                y,
                spread: None,
                beside: None,
            };
            let (name, source) = (bar.name.clone(), figure.source.describe());
            ReadoutCurve { name, source, points: parts.map(point).collect() }
        };
        Self { x: String::new(), y: figure.title.clone(), curves: figure.bars.iter().map(curve).collect() }
    }

    pub fn point(&self, cursor: PlotCursor) -> Option<&ReadoutPoint> {
        self.curves.get(cursor.curve)?.points.get(cursor.point)
    }

    /// Describes the point at the cursor: the legend's name, x, y with its spread, and the source. If that is too wide,
    /// the source is left out, and then the end of the name; the values stay.
    pub fn describe(&self, cursor: PlotCursor, room: usize) -> Option<String> {
        let (curve, point) = (self.curves.get(cursor.curve)?, self.point(cursor)?);
        let x = match &point.what {
            Some(what) => what.clone(),
            None => with_unit(&self.x, &exact(point.x)),
        };
        let beside = point.beside.map_or(String::new(), |test| format!(" (test {})", self.number(test)));
        let y = format!("{}{beside}", with_unit(&self.y, &self.with_spread(point)));
        let x = if x.is_empty() { x } else { format!("{x}, ") };
        let whole = format!("{}: {x}{y} ({})", curve.name, curve.source);
        if !curve.source.is_empty() && whole.width() <= room {
            return Some(whole);
        }
        let left = room.saturating_sub(format!(": {x}{y}").width());
        Some(format!("{}: {x}{y}", truncate(&curve.name, left)))
    }

    /// Formats a value in y's unit. Percentages have two decimals.
    fn number(&self, value: f64) -> String {
        let short = self.y.ends_with(", %") && (value == 0.0 || value.abs() >= 0.01);
        if short { format!("{value:.2}") } else { exact(value) }
    }

    fn with_spread(&self, point: &ReadoutPoint) -> String {
        let spread = point.spread.map_or(String::new(), |half| format!(" ± {}", self.number(half)));
        format!("{}{spread}", self.number(point.y))
    }

    /// Describes the points of the other curves at the cursor's x, and that x.
    pub fn others(&self, cursor: PlotCursor) -> Option<(String, Vec<(usize, String)>)> {
        let at = self.point(cursor)?;
        let same = |point: &&ReadoutPoint| (point.x - at.x).abs() <= 1e-9 * at.x.abs().max(1.0);
        let words = |(number, curve): (usize, &ReadoutCurve)| {
            let point = curve.points.iter().find(same).filter(|_| number != cursor.curve)?;
            let beside = point.beside.map_or(String::new(), |test| format!(" (test {})", self.number(test)));
            Some((number, format!("{} {}{beside}", curve.name, self.with_spread(point))))
        };
        let x = at.what.clone().unwrap_or_else(|| with_unit(&self.x, &exact(at.x)));
        Some((x, self.curves.iter().enumerate().filter_map(words).collect()))
    }

    /// The last point of the first curve that has any.
    pub(crate) fn first(&self) -> Option<PlotCursor> {
        let curve = self.curves.iter().position(|curve| !curve.points.is_empty())?;
        Some(PlotCursor { curve, point: self.curves[curve].points.len() - 1 })
    }

    /// Moves the cursor by so many points, within the curve.
    pub(crate) fn step(&self, cursor: &mut PlotCursor, by: isize) {
        let count = self.curves.get(cursor.curve).map_or(0, |curve| curve.points.len());
        cursor.point = cursor.point.saturating_add_signed(by).min(count.saturating_sub(1));
    }

    /// Moves the cursor to the next curve with points, to the point with the nearest x.
    pub(crate) fn change_curve(&self, cursor: &mut PlotCursor, by: isize) {
        let Some(x) = self.point(*cursor).map(|point| point.x) else { return };
        let mut at = cursor.curve;
        while let Some(curve) = at.checked_add_signed(by).and_then(|next| self.curves.get(next).map(|c| (next, c))) {
            at = curve.0;
            let far = |point: &ReadoutPoint| (point.x - x).abs();
            let nearest = (0..curve.1.points.len()).min_by(|&a, &b| {
                let points = &curve.1.points;
                far(&points[a]).total_cmp(&far(&points[b]))
            });
            if let Some(point) = nearest {
                (cursor.curve, cursor.point) = (at, point);
                return;
            }
        }
    }
}

impl ReadoutCurve {
    fn new(name: &str, source: String, points: impl IntoIterator<Item = (f64, f64, Option<f64>)>) -> Self {
        let mut points: Vec<ReadoutPoint> =
            points.into_iter().map(|(x, y, spread)| ReadoutPoint { x, what: None, y, spread, beside: None }).collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        Self { name: name.into(), source, points }
    }
}

/// A run's source is left out, as the title of the plot names the run.
fn describe_source(source: &Source) -> String {
    if let Source::Run { .. } = source { String::new() } else { source.describe() }
}

/// Joins a label and a value: `current, nA` and `0.5` make `current 0.5 nA`.
fn with_unit(label: &str, value: &str) -> String {
    match label.rsplit_once(", ") {
        Some((what, unit)) => format!("{what} {value} {unit}"),
        None => format!("{label} {value}"),
    }
}

/// Formats a value with five significant digits, which is more than any axis shows, and without trailing zeros.
pub(crate) fn exact(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        return "0".into();
    }
    if !(1e-3..1e6).contains(&size) {
        let text = format!("{value:.4e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'));
    }
    let decimals = (4 - size.log10().floor() as i32).max(0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_and_short() {
        let cases = [
            (1.37, "1.37"),
            (17.0, "17"),
            (0.123_456, "0.12346"),
            (-0.5, "-0.5"),
            (1e-7, "1e-7"),
            (1.234_56e-9, "1.2346e-9"),
            (50_000.0, "50000"),
            (0.0, "0"),
        ];
        for (value, text) in cases {
            assert_eq!(exact(value), text);
        }
        assert_eq!(with_unit("current, nA", "0.5"), "current 0.5 nA");
    }
}
