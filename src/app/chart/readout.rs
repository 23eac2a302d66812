//! The values of a plot or of bars, read point by point.

use super::axis::AxisRanges;
use super::viewport::{PlotCursor, Viewport};
use crate::wrapping::truncate_distinct;
use protocol::{Bar, Bars, Plot, Source, SpreadKind, Stroke};
use unicode_width::UnicodeWidthStr;

/// The values of a figure that can be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readout {
    /// The labels of the axes with their units: `current, nA`.
    pub x: String,
    pub y: String,
    /// What the spreads of the values are; `None` of bars.
    pub spread: Option<SpreadKind>,
    pub curves: Vec<ReadoutCurve>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadoutCurve {
    pub name: String,
    /// The source of the values, as the legend writes it; empty if it need not be named.
    pub source: String,
    /// From left to right, without gaps.
    pub points: Vec<ReadoutPoint>,
    /// Whether it has a value between its points: that of the point before.
    pub is_joined: bool,
    /// Whether it was measured by a training run.
    pub is_of_run: bool,
}

/// The spread of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PointSpread {
    HalfWidth(f64),
    Range(f64, f64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct ReadoutPoint {
    pub x: f64,
    /// The name of the point if x is not a number: a part of a bar.
    pub what: Option<String>,
    pub y: f64,
    pub spread: Option<PointSpread>,
    /// What else was measured there, with the same unit as y: the test error of an epoch.
    pub beside: Option<f64>,
}

/// A point in words.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadoutText {
    pub name: String,
    /// Empty for a part of a bar without a name.
    pub x: String,
    /// With its spread and its unit.
    pub y: String,
    /// What else was measured there, or nothing.
    pub beside: String,
    /// Empty if it need not be named.
    pub source: String,
}

impl ReadoutText {
    /// x and y, with what was measured beside y.
    pub fn values(&self) -> String {
        let Self { x, y, beside, .. } = self;
        if x.is_empty() { format!("{y}{beside}") } else { format!("{x}, {y}{beside}") }
    }
}

/// The value of a curve at the x of a cursor on another one, in words.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherValue {
    /// The number of the curve.
    pub curve: usize,
    pub name: String,
    /// With its spread, without its unit.
    pub value: String,
    /// What else was measured there, or nothing.
    pub beside: String,
    /// Where the value stands, if it is not at the cursor's x.
    pub place: String,
}

impl OtherValue {
    /// All of it in one line.
    pub fn words(&self) -> String {
        format!("{} {}{}{}", self.name, self.value, self.beside, self.place)
    }
}

impl Readout {
    /// Reads the series of a plot, then its marks. A curve's number is that of its series; marks follow the last
    /// series. Hidden series and predictions have no points.
    pub fn of_plot(plot: &Plot, viewport: &Viewport) -> Self {
        let ranges = viewport.view(plot);
        // Zero has no place on a logarithmic axis.
        let is_drawn = |&(x, y, _): &(f64, f64, Option<PointSpread>)| ranges.x.part(x).and(ranges.y.part(y)).is_some();
        let series = plot.series.iter().enumerate().map(|(number, series)| {
            let is_read = series.source != Source::Reader && viewport.shows(plot, number);
            let points = series.points.iter().enumerate().filter(|_| is_read);
            let spread = |at: usize| match plot.spread {
                SpreadKind::Extremes => series.ends(at).map(|(low, high)| PointSpread::Range(low, high)),
                SpreadKind::Deviation | SpreadKind::StandardError | SpreadKind::Interval => {
                    series.spread.get(at).copied().flatten().map(PointSpread::HalfWidth)
                }
            };
            let points = points.filter_map(|(at, &(x, y))| Some((x, y?, spread(at)))).filter(is_drawn);
            let curve = ReadoutCurve::new(&series.name, describe_source(&series.source), points);
            let is_of_run = matches!(series.source, Source::Run { .. });
            ReadoutCurve { is_joined: series.stroke != Stroke::Points, is_of_run, ..curve }
        });
        let marks = plot.marks.iter().map(|mark| {
            let point = (mark.at[0], mark.at[1], None);
            let point = Some(point).filter(is_drawn).filter(|_| mark.source != Source::Reader);
            ReadoutCurve::new(&mark.label, describe_source(&mark.source), point)
        });
        let spread = Some(plot.spread);
        Self { x: plot.x.label.clone(), y: plot.y.label.clone(), spread, curves: series.chain(marks).collect() }
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
            ReadoutCurve { name, source, points: parts.map(point).collect(), ..ReadoutCurve::default() }
        };
        Self {
            x: String::new(),
            y: figure.title.clone(),
            spread: None,
            curves: figure.bars.iter().map(curve).collect(),
        }
    }

    pub fn point(&self, cursor: PlotCursor) -> Option<&ReadoutPoint> {
        self.curves.get(cursor.curve)?.points.get(cursor.point)
    }

    /// The point at the cursor, in words.
    pub fn text_at(&self, cursor: PlotCursor) -> Option<ReadoutText> {
        let (curve, point) = (self.curves.get(cursor.curve)?, self.point(cursor)?);
        Some(ReadoutText {
            name: curve.name.clone(),
            x: match &point.what {
                Some(what) => what.clone(),
                None => with_unit(&self.x, &exact(point.x)),
            },
            y: with_unit(&self.y, &self.with_spread(point)),
            beside: self.beside(point),
            source: curve.source.clone(),
        })
    }

    /// Describes the point at the cursor in one line: the legend's name, x, y with its spread, and the source. If that is
    /// too wide, the source is left out, then what was measured beside y, and then a part of the name and x; y stays.
    pub fn describe(&self, cursor: PlotCursor, room: usize) -> Option<String> {
        /// Columns in which a shortened name says something.
        const NAME: usize = 10;
        let text = self.text_at(cursor)?;
        let (name, values) = (&text.name, text.values());
        let bare = ReadoutText { beside: String::new(), ..text.clone() }.values();
        let whole = format!("{name}: {values} ({})", text.source);
        if !text.source.is_empty() && whole.width() <= room {
            return Some(whole);
        }
        let mut lines = [&values, &bare].into_iter().map(|values| format!("{name}: {values}"));
        if let Some(line) = lines.find(|line| line.width() <= room) {
            return Some(line);
        }
        let left = |values: &str| room.saturating_sub(values.width() + 2);
        let values = if left(&bare) < NAME { &text.y } else { &bare };
        Some(format!("{}: {values}", self.short_name(cursor.curve, left(values))))
    }

    /// A curve's name in so many columns, which tells it from those of the other curves.
    pub fn short_name(&self, curve: usize, room: usize) -> String {
        let names: Vec<String> = self.curves.iter().map(|curve| curve.name.clone()).collect();
        truncate_distinct(&names, room).into_iter().nth(curve).unwrap_or_default()
    }

    fn beside(&self, point: &ReadoutPoint) -> String {
        point.beside.map_or(String::new(), |test| format!(" (test {})", self.number(test)))
    }

    /// Formats a value in y's unit. Percentages have two decimals.
    fn number(&self, value: f64) -> String {
        let short = self.y.ends_with(", %") && (value == 0.0 || value.abs() >= 0.01);
        if short { format!("{value:.2}") } else { exact(value) }
    }

    fn with_spread(&self, point: &ReadoutPoint) -> String {
        let spread = match point.spread {
            None => String::new(),
            Some(PointSpread::HalfWidth(half)) => format!(" ± {}", self.number(half)),
            Some(PointSpread::Range(low, high)) => format!(" ({} to {})", self.number(low), self.number(high)),
        };
        format!("{}{spread}", self.number(point.y))
    }

    /// The other curves at the cursor's x, and a word for that x. One that has no point there has the value of its point
    /// before, if it goes on beyond it; the words say where that stands.
    pub fn others(&self, cursor: PlotCursor) -> Option<(String, Vec<OtherValue>)> {
        let at = self.point(cursor)?;
        let words = |(number, curve): (usize, &ReadoutCurve)| {
            let point = curve.value_at(at.x).filter(|_| number != cursor.curve)?;
            let place = if is_same(point.x, at.x) { String::new() } else { format!(" @{}", exact(point.x)) };
            Some(OtherValue {
                curve: number,
                name: curve.name.clone(),
                value: self.with_spread(point),
                beside: self.beside(point),
                place,
            })
        };
        let x = at.what.clone().unwrap_or_else(|| with_unit(&self.x, &exact(at.x)));
        Some((x, self.curves.iter().enumerate().filter_map(words).collect()))
    }

    /// What the cursor's value is less that of another curve at the same x: a sentence.
    pub fn difference(&self, cursor: PlotCursor, reference: usize) -> Option<String> {
        let (curve, at) = (self.curves.get(cursor.curve)?, self.point(cursor)?);
        let other = self.curves.get(reference).filter(|_| reference != cursor.curve)?;
        let Some(point) = other.value_at(at.x) else {
            return Some(format!("{} has no value there to compare {} with", other.name, curve.name));
        };
        let unit = match self.y.rsplit_once(", ") {
            Some((_, "%")) => " points",
            Some((_, unit)) => &format!(" {unit}"),
            None => "",
        };
        let difference = at.y - point.y;
        let sign = if difference > 0.0 { "+" } else { "" };
        let place = if is_same(point.x, at.x) { String::new() } else { format!(" (@{})", exact(point.x)) };
        Some(format!("{} less {}{place}: {sign}{}{unit}", curve.name, other.name, self.number(difference)))
    }

    /// The point that is drawn nearest to a place, which is given as parts of both axes.
    pub(crate) fn nearest(&self, ranges: &AxisRanges, (x, y): (f64, f64)) -> Option<PlotCursor> {
        let points = self.curves.iter().enumerate().flat_map(|(curve, of)| {
            of.points.iter().enumerate().map(move |(at, point)| (PlotCursor { curve, point: at }, point))
        });
        let distance = |point: &ReadoutPoint| {
            let (px, py) = ranges.x.part(point.x).zip(ranges.y.part(point.y))?;
            Some((px - x).powi(2) + (py - y).powi(2))
        };
        let far = points.filter_map(|(cursor, point)| Some((distance(point)?, cursor)));
        far.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, cursor)| cursor)
    }

    /// The point of the cursor's curve that is nearest to an x.
    pub(crate) fn nearest_along(&self, cursor: PlotCursor, x: f64) -> Option<PlotCursor> {
        let points = &self.curves.get(cursor.curve)?.points;
        let far = |point: &ReadoutPoint| (point.x - x).abs();
        let nearest = (0..points.len()).min_by(|&a, &b| far(&points[a]).total_cmp(&far(&points[b])))?;
        Some(PlotCursor { point: nearest, ..cursor })
    }

    /// The last point of the first curve that has any. Beside a training run's curves, published points come last, whatever
    /// their place among the curves.
    pub(crate) fn first(&self) -> Option<PlotCursor> {
        let has_points = |curve: &ReadoutCurve| !curve.points.is_empty();
        let of_run = self.curves.iter().position(|curve| curve.is_of_run && has_points(curve));
        let curve = of_run.or_else(|| self.curves.iter().position(has_points))?;
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
        while let Some(next) = at.checked_add_signed(by).filter(|next| *next < self.curves.len()) {
            at = next;
            if let Some(nearest) = self.nearest_along(PlotCursor { curve: at, point: 0 }, x) {
                *cursor = nearest;
                return;
            }
        }
    }
}

fn is_same(x: f64, other: f64) -> bool {
    (x - other).abs() <= 1e-9 * other.abs().max(1.0)
}

impl ReadoutCurve {
    /// Its point at an x, or the one before where the curve goes on beyond it.
    fn value_at(&self, x: f64) -> Option<&ReadoutPoint> {
        let behind = self.points.partition_point(|point| point.x < x && !is_same(point.x, x));
        if let Some(point) = self.points.get(behind).filter(|point| is_same(point.x, x)) {
            return Some(point);
        }
        let goes_on = self.is_joined && behind < self.points.len();
        behind.checked_sub(1).filter(|_| goes_on).map(|before| &self.points[before])
    }

    fn new(name: &str, source: String, points: impl IntoIterator<Item = (f64, f64, Option<PointSpread>)>) -> Self {
        let mut points: Vec<ReadoutPoint> =
            points.into_iter().map(|(x, y, spread)| ReadoutPoint { x, what: None, y, spread, beside: None }).collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        Self { name: name.into(), source, points, ..Self::default() }
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

    fn curve(name: &str, points: &[(f64, f64)]) -> ReadoutCurve {
        let points = points.iter().map(|(x, y)| (*x, *y, None));
        ReadoutCurve { is_joined: true, ..ReadoutCurve::new(name, String::new(), points) }
    }

    /// However little room there is, the name tells the curve from the others and the value is whole.
    #[test]
    fn a_description_keeps_what_distinguishes_it() {
        let mut curves = vec![curve("all-GELU lr 0.1 s1", &[(3.0, 8.61)]), curve("all-GELU lr 0.1 s2", &[(3.0, 9.0)])];
        curves[0].points[0].beside = Some(58.5);
        let readout = Readout { x: "epoch".into(), y: "error, %".into(), spread: None, curves };
        let at = |room| readout.describe(PlotCursor::default(), room).unwrap();
        assert_eq!(at(60), "all-GELU lr 0.1 s1: epoch 3, error 8.61 % (test 58.50)");
        assert_eq!(at(50), "all-GELU lr 0.1 s1: epoch 3, error 8.61 %");
        assert_eq!(at(36), "…lr 0.1 s1: epoch 3, error 8.61 %");
        assert_eq!(at(24), "…lr 0.1 s1: error 8.61 %");
    }

    /// Curves in seconds have no point in common.
    #[test]
    fn all_curves_are_read_at_one_x() {
        let curves = vec![
            curve("a", &[(1.0, 4.0), (2.0, 3.0)]),
            curve("b", &[(0.5, 5.0), (2.5, 2.0)]),
            curve("c", &[(0.5, 7.0)]),
            curve("d", &[(2.0, 1.5)]),
        ];
        let readout = Readout { x: "time, s".into(), y: "error, %".into(), spread: None, curves };
        let cursor = PlotCursor { curve: 0, point: 1 };
        let (x, others) = readout.others(cursor).unwrap();
        assert_eq!(x, "time 2 s");
        let others: Vec<(usize, String)> = others.iter().map(|other| (other.curve, other.words())).collect();
        assert_eq!(others, [(1, "b 5.00 @0.5".into()), (3, "d 1.50".into())], "c has ended before");
        assert_eq!(readout.difference(cursor, 3).unwrap(), "a less d: +1.50 points");
        assert_eq!(readout.difference(cursor, 1).unwrap(), "a less b (@0.5): -2.00 points");
        assert_eq!(readout.difference(cursor, 2).unwrap(), "c has no value there to compare a with");
        assert_eq!(readout.difference(cursor, 0), None);
    }
}
