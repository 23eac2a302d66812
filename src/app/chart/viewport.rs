//! The part of a plot that is visible, and how it is shown: state of the notebook that every renderer takes with a
//! plot.

use super::axis::{AxisRange, AxisRanges};
use protocol::{AxisScale, CellKey, Plot, PlotAxis, PlotSeries, RunId, Source, Stroke};
use std::collections::BTreeSet;

/// A pane with figures.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pane {
    Cell(CellKey),
    /// The chart of a run, opened from the list of runs.
    Run(RunId),
    /// The chart of the runs that the laboratory shows.
    Lab,
}

/// The figure of a pane that a viewport belongs to. A run has one figure.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ChartId {
    pub(crate) pane: Pane,
    pub(crate) figure: usize,
}

/// The default shows all of a plot with the plot's own axes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Viewport {
    pub x: AxisView,
    pub y: AxisView,
    /// The indices of the series that are not drawn.
    pub hidden: BTreeSet<usize>,
    /// Arms of which no series is drawn, by their place among those of the plot.
    pub hidden_arms: BTreeSet<usize>,
    pub thin: ThinSeries,
    /// Whether y begins at 0, on a linear axis.
    pub from_zero: bool,
    /// Where values are read.
    pub cursor: Option<PlotCursor>,
    /// The curve of the [`Readout`](super::Readout) that the cursor's is compared with.
    pub reference: Option<usize>,
}

/// How an axis differs from the plot's own.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AxisView {
    /// Fixed ends; otherwise the plot's limits, or the range of the data.
    pub range: Option<(f64, f64)>,
    pub scale: Option<AxisScale>,
}

/// Whether the thin series behind thick ones are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThinSeries {
    #[default]
    Shown,
    Hidden,
}

/// A point that can be read: a curve of the plot's [`Readout`](super::Readout), and one of its points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlotCursor {
    pub curve: usize,
    pub point: usize,
}

impl Viewport {
    pub fn shows(&self, plot: &Plot, series: usize) -> bool {
        let Some(of) = plot.series.get(series) else { return false };
        let is_of_hidden_arm = matches!(of.source, Source::Run { arm, .. } if self.hidden_arms.contains(&arm));
        let is_thin = of.stroke == Stroke::Thin && matches!(of.source, Source::Run { .. } | Source::Measured);
        !is_of_hidden_arm && !self.hidden.contains(&series) && (self.thin == ThinSeries::Shown || !is_thin)
    }

    /// The series that are drawn, with their indices.
    pub fn series<'p>(&'p self, plot: &'p Plot) -> impl Iterator<Item = (usize, &'p PlotSeries)> + Clone {
        plot.series.iter().enumerate().filter(|(at, _)| self.shows(plot, *at))
    }

    /// The ranges of both axes. If the scale can't show the viewport's range, the plot's limits are taken, and then the
    /// range of the data.
    pub fn view(&self, plot: &Plot) -> AxisRanges {
        // A prediction beyond the axes is marked at the border, so it changes no axis.
        let measured = || self.series(plot).map(|(_, series)| series).filter(|series| series.source != Source::Reader);
        let xs = measured().flat_map(|series| series.points.iter().map(|point| point.0));
        let x = range(self.x, &plot.x, xs);
        let y = range(self.y, &plot.y, ys(measured()));
        let from_zero = || {
            let (low, high) = y.ends();
            AxisRange::new((low.min(0.0), high.max(0.0)), AxisScale::Linear)
        };
        let is_fixed = !self.from_zero || self.y.range.is_some();
        AxisRanges { x, y: if is_fixed { y } else { from_zero().unwrap_or(y) } }
    }

    /// Whether the reader has fixed what an axis shows: a curve that grows does not move it.
    pub fn is_zoomed(&self) -> bool {
        self.x.range.is_some() || self.y.range.is_some()
    }

    /// Shows so many times as much detail along x and along y, with what lies at a place where it was; the place is given as
    /// parts of both axes. A factor of 1 leaves an axis as it is.
    pub fn zoom(&mut self, plot: &Plot, at: (f64, f64), factors: (f64, f64)) {
        let ranges = self.view(plot);
        self.x.fix(&ranges.x, changes(factors.0 - 1.0), |range| range.zoomed(at.0, factors.0));
        self.y.fix(&ranges.y, changes(factors.1 - 1.0), |range| range.zoomed(at.1, factors.1));
    }

    /// Moves what is seen along both axes by these parts of their length.
    pub fn pan(&mut self, plot: &Plot, by: (f64, f64)) {
        let ranges = self.view(plot);
        self.x.fix(&ranges.x, changes(by.0), |range| range.moved(by.0));
        self.y.fix(&ranges.y, changes(by.1), |range| range.moved(by.1));
    }

    /// Shows what the plot shows by itself; scales stay.
    pub fn fit(&mut self) {
        (self.x.range, self.y.range) = (None, None);
    }

    /// Shows the curves that are drawn and nothing else: named points and the plot's own limits set no axis.
    pub fn fit_data(&mut self, plot: &Plot) {
        self.fit();
        let mut bare = plot.clone();
        (bare.x.limits, bare.y.limits) = (None, None);
        let has_points = self.series(plot).any(|(_, series)| series.points.iter().any(|point| point.1.is_some()));
        if has_points {
            let ranges = Self { from_zero: false, ..self.clone() }.view(&bare);
            // A little room, so that no curve runs along the border.
            self.x.range = Some(ranges.x.zoomed(0.5, 0.96).ends());
            self.y.range = Some(ranges.y.zoomed(0.5, 0.92).ends());
        }
    }

    /// Between a linear and a logarithmic axis. What was zoomed is fitted again.
    pub fn toggle_scale(&mut self, plot: &Plot, axis: Axis) -> AxisScale {
        let ranges = self.view(plot);
        let (view, range) = match axis {
            Axis::X => (&mut self.x, ranges.x),
            Axis::Y => (&mut self.y, ranges.y),
        };
        let scale = match range.scale() {
            AxisScale::Linear => AxisScale::Log,
            AxisScale::Log => AxisScale::Linear,
        };
        *view = AxisView { range: None, scale: Some(scale) };
        if axis == Axis::Y {
            self.from_zero = false;
        }
        scale
    }

    /// Moves what is seen as far as a point needs to be in it. Where nothing is zoomed all is seen already.
    pub fn reveal(&mut self, plot: &Plot, (x, y): (f64, f64)) {
        let ranges = self.view(plot);
        let away = |range: &AxisRange, value: f64| {
            let part = range.part(value).unwrap_or(0.5);
            part.min(0.0) + (part - 1.0).max(0.0)
        };
        let by = |view: AxisView, range: &AxisRange, value| if view.range.is_some() { away(range, value) } else { 0.0 };
        self.pan(plot, (by(self.x, &ranges.x, x), by(self.y, &ranges.y, y)));
    }

    /// What is not seen of the plot, in phrases: hidden curves, curves that go on beyond what was zoomed to, and values
    /// that have no place on a logarithmic axis.
    pub fn notes(&self, plot: &Plot) -> Vec<String> {
        let mut notes = Vec::new();
        let arms: BTreeSet<usize> = plot.series.iter().filter_map(arm_of).collect();
        let hidden = self.hidden_arms.intersection(&arms).count();
        if hidden > 0 {
            notes.push(format!("{hidden} of {} arms hidden", arms.len()));
        }
        let all = plot.series.iter().filter(|series| series.source != Source::Reader).count();
        let hidden = self.hidden.range(..plot.series.len()).count();
        if hidden > 0 {
            notes.push(format!("{hidden} of {all} curves hidden"));
        }
        let is_seed = |series: &PlotSeries| series.stroke == Stroke::Thin && arm_of(series).is_some();
        if self.thin == ThinSeries::Hidden && plot.series.iter().any(is_seed) {
            notes.push("thin curves hidden".into());
        }
        let ranges = self.view(plot);
        let points = || {
            let drawn = self.series(plot).filter(|(_, series)| series.source != Source::Reader);
            drawn.flat_map(|(_, series)| &series.points).filter_map(|(x, y)| Some((*x, (*y)?)))
        };
        if self.is_zoomed() {
            let ((left, right), (low, high)) = (ranges.x.ends(), ranges.y.ends());
            // A line may leave between two points of which one is beyond the side of the chart.
            let lines = || self.series(plot).filter(|(_, series)| series.source != Source::Reader);
            let [leaves_above, leaves_below] =
                [1.0, -1.0].map(|side| lines().any(|(_, series)| leaves(series, &ranges, side)));
            let sides = [
                ("left", points().any(|(x, _)| x < left)),
                ("right", points().any(|(x, _)| x > right)),
                ("above", leaves_above || points().any(|(x, y)| ranges.x.contains(x) && y > high)),
                ("below", leaves_below || points().any(|(x, y)| ranges.x.contains(x) && y < low)),
            ];
            let beyond: Vec<&str> = sides.into_iter().filter(|(_, is)| *is).map(|(side, _)| side).collect();
            if !beyond.is_empty() {
                notes.push(format!("curves continue: {}", beyond.join(", ")));
            }
        }
        let has_no_place = |range: &AxisRange, value: f64| range.scale() == AxisScale::Log && value <= 0.0;
        let lost = points().filter(|(x, y)| has_no_place(&ranges.x, *x) || has_no_place(&ranges.y, *y)).count();
        if lost > 0 {
            notes.push(format!("{} at or below 0 can't stand on a log axis", protocol::format_count(lost, "point")));
        }
        notes
    }
}

/// Whether a line between two points of a series goes beyond the top of the axes, or with a side of -1 beyond their
/// bottom, where it is between their left and right ends. A part so small that no dot of it would be seen is ignored.
fn leaves(series: &PlotSeries, ranges: &AxisRanges, side: f64) -> bool {
    const LEAST: f64 = 1e-6;
    if series.stroke == Stroke::Points {
        return false;
    }
    // With the top at 0: a place beyond it has a positive height.
    let place = |&(x, y): &(f64, Option<f64>)| {
        let (x, y) = ranges.x.part(x).zip(ranges.y.part(y?))?;
        Some((x, if side > 0.0 { y - 1.0 } else { -y }))
    };
    let height_at =
        |from: (f64, f64), to: (f64, f64), x: f64| from.1 + (x - from.0) / (to.0 - from.0) * (to.1 - from.1);
    series.points.windows(2).any(|pair| {
        let Some((from, to)) = place(&pair[0]).zip(place(&pair[1])) else { return false };
        let (start, end) = (from.0.max(0.0), to.0.min(1.0));
        // A line is highest at one of its ends.
        to.0 > from.0 && start <= end && [start, end].into_iter().any(|x| height_at(from, to, x) > LEAST)
    })
}

/// Whether a difference is one: the axis of none is left as it is.
fn changes(by: f64) -> bool {
    by.abs() > f64::EPSILON
}

/// Which of a plot's axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    X,
    Y,
}

impl AxisView {
    /// Fixes what the axis shows at a change of it.
    fn fix(&mut self, now: &AxisRange, is_changed: bool, change: impl Fn(&AxisRange) -> AxisRange) {
        if is_changed {
            *self = Self { range: Some(change(now).ends()), scale: Some(now.scale()) };
        }
    }
}

/// The place of a series' arm among those of its plot.
pub(crate) fn arm_of(series: &PlotSeries) -> Option<usize> {
    if let Source::Run { arm, .. } = series.source { Some(arm) } else { None }
}

fn range(view: AxisView, axis: &PlotAxis, values: impl Iterator<Item = f64>) -> AxisRange {
    let scale = view.scale.unwrap_or(axis.scale);
    let fixed = view.range.into_iter().chain(axis.limits).find_map(|ends| AxisRange::new(ends, scale));
    fixed.unwrap_or_else(|| AxisRange::fit(values, scale))
}

/// The y of every point with the ends of its spread. A spread does not reach below zero if no point does.
fn ys<'p>(series: impl Iterator<Item = &'p PlotSeries> + Clone) -> impl Iterator<Item = f64> {
    let is_positive = series.clone().flat_map(|series| &series.points).all(|point| point.1.is_none_or(|y| y >= 0.0));
    series.flat_map(move |series| {
        let points = series.points.iter().enumerate().filter_map(|(at, point)| Some((at, point.1?)));
        points.flat_map(move |(at, y)| {
            let (low, high) = series.ends(at).unwrap_or((y, y));
            // A logarithmic axis cannot show an end at zero, but it shows the point.
            [if is_positive { low.max(0.0) } else { low }, y, high]
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::test_plot;
    use proptest::prelude::*;

    type Points<'p> = &'p [(f64, Option<f64>)];

    fn plot(scale: AxisScale, curves: &[(Stroke, Points)]) -> Plot {
        let series = curves.iter().map(|(stroke, points)| test_plot::series(Source::Measured, *stroke, points));
        test_plot::plot(scale, series.collect())
    }

    fn ends(viewport: &Viewport, plot: &Plot) -> [(f64, f64); 2] {
        let AxisRanges { x, y } = viewport.view(plot);
        [x.ends(), y.ends()]
    }

    #[test]
    fn axes_fit_what_is_shown_unless_they_are_fixed() {
        let mean = [(1.0, Some(2.0)), (4.0, Some(3.0))];
        let seed = [(0.0, Some(1.0)), (9.0, Some(8.0)), (10.0, None)];
        let mut plot = plot(AxisScale::Linear, &[(Stroke::Thick, &mean), (Stroke::Thin, &seed)]);
        assert_eq!(ends(&Viewport::default(), &plot), [(0.0, 10.0), (1.0, 8.0)]);
        let means = Viewport { thin: ThinSeries::Hidden, ..Viewport::default() };
        assert_eq!(ends(&means, &plot), [(1.0, 4.0), (2.0, 3.0)]);
        let seeds = Viewport { hidden: BTreeSet::from([0]), ..Viewport::default() };
        assert_eq!(seeds.series(&plot).map(|(at, _)| at).collect::<Vec<_>>(), [1]);
        plot.y.limits = Some((0.5, 20.0));
        assert_eq!(ends(&means, &plot)[1], (0.5, 20.0), "the plot's own limits");
        let zoomed = Viewport {
            x: AxisView { range: Some((2.0, 3.0)), scale: None },
            y: AxisView { range: Some((1.0, 4.0)), scale: Some(AxisScale::Log) },
            ..Viewport::default()
        };
        assert_eq!(ends(&zoomed, &plot), [(2.0, 3.0), (1.0, 4.0)]);
        assert_eq!(zoomed.view(&plot).y.scale(), AxisScale::Log);
        // Predictions change no axis.
        plot.series[1].source = Source::Reader;
        assert_eq!(ends(&Viewport::default(), &plot)[0], (1.0, 4.0));
    }

    /// Whatever the ranges, limits and points are, the axes have a valid range.
    #[test]
    fn whatever_a_plot_holds_it_has_axes() {
        let points: [Points<'static>; 5] = [
            &[],
            &[(3.0, Some(5.0))],
            &[(1.0, Some(7.0)), (1.0, Some(7.0))],
            &[(f64::NAN, Some(f64::INFINITY)), (f64::INFINITY, Some(f64::NAN))],
            &[(0.0, None), (-1.0, Some(-2.0))],
        ];
        let odd = [(f64::NAN, 1.0), (0.0, f64::INFINITY), (2.0, 2.0), (3.0, 1.0), (-1.0, 0.0)];
        for points in points {
            for scale in [AxisScale::Linear, AxisScale::Log] {
                let mut plot = plot(scale, &[(Stroke::Line, points)]);
                for range in odd.map(Some).into_iter().chain([None]) {
                    for limits in odd.map(Some).into_iter().chain([None]) {
                        let axis = AxisView { range, scale: None };
                        plot.y.limits = limits;
                        let viewport = Viewport { x: axis, y: axis, ..Viewport::default() };
                        for range in [viewport.view(&plot).x, viewport.view(&plot).y] {
                            assert_eq!(AxisRange::new(range.ends(), scale), Some(range), "{points:?}");
                        }
                    }
                }
            }
        }
    }

    fn line(scale: AxisScale) -> Plot {
        plot(scale, &[(Stroke::Line, &[(1.0, Some(2.0)), (5.0, Some(4.0)), (10.0, Some(8.0))])])
    }

    #[test]
    fn zooming_keeps_what_lies_under_the_pointer() {
        for scale in [AxisScale::Linear, AxisScale::Log] {
            let plot = line(scale);
            let mut viewport = Viewport::default();
            let before = viewport.view(&plot);
            let at = (0.25, 0.75);
            viewport.zoom(&plot, at, (2.0, 4.0));
            let after = viewport.view(&plot);
            for (before, after, part) in [(before.x, after.x, at.0), (before.y, after.y, at.1)] {
                assert!((before.value(part) / after.value(part) - 1.0).abs() < 1e-9, "{scale:?}");
            }
            let width = |range: &AxisRange| match scale {
                AxisScale::Linear => range.ends().1 - range.ends().0,
                AxisScale::Log => (range.ends().1 / range.ends().0).ln(),
            };
            assert!((width(&before.x) / width(&after.x) - 2.0).abs() < 1e-9);
            assert!((width(&before.y) / width(&after.y) - 4.0).abs() < 1e-9);
            viewport.fit();
            assert_eq!(viewport.view(&plot), before);
        }
    }

    /// A zoom by x alone leaves y as it follows the data; a curve that grows moves no zoom.
    #[test]
    fn a_curve_that_grows_moves_no_zoom() {
        let mut plot = line(AxisScale::Linear);
        let mut viewport = Viewport::default();
        viewport.zoom(&plot, (0.5, 0.5), (2.0, 1.0));
        let zoomed = viewport.view(&plot);
        plot.series[0].points.push((20.0, Some(50.0)));
        assert_eq!(viewport.view(&plot).x, zoomed.x);
        assert_eq!(viewport.view(&plot).y.ends(), (2.0, 50.0));
        viewport.pan(&plot, (0.0, 0.5));
        assert_eq!(viewport.view(&plot).y.ends(), (26.0, 74.0));
        plot.series[0].points.push((30.0, Some(500.0)));
        assert_eq!(viewport.view(&plot).y.ends(), (26.0, 74.0));
    }

    #[test]
    fn a_cursor_that_leaves_is_followed() {
        let plot = line(AxisScale::Linear);
        let mut viewport = Viewport::default();
        viewport.reveal(&plot, (100.0, 100.0));
        assert!(!viewport.is_zoomed(), "all is seen where nothing is zoomed");
        viewport.x.range = Some((1.0, 3.0));
        viewport.reveal(&plot, (5.0, 4.0));
        assert_eq!(ends(&viewport, &plot), [(3.0, 5.0), (2.0, 8.0)]);
        viewport.reveal(&plot, (4.0, 4.0));
        assert_eq!(ends(&viewport, &plot)[0], (3.0, 5.0));
    }

    #[test]
    fn notes_name_what_is_not_seen() {
        let run = |arm| Source::Run { run: RunId(1), arm };
        let points = [(1.0, Some(2.0)), (5.0, Some(0.0)), (10.0, Some(8.0))];
        let series = [(0, Stroke::Thick), (1, Stroke::Thick), (1, Stroke::Thin)];
        let series = series.map(|(arm, stroke)| test_plot::series(run(arm), stroke, &points));
        let plot = test_plot::plot(AxisScale::Linear, series.to_vec());
        assert_eq!(Viewport::default().notes(&plot), Vec::<String>::new());
        let viewport = Viewport { hidden_arms: [0, 7].into(), thin: ThinSeries::Hidden, ..Viewport::default() };
        assert_eq!(viewport.notes(&plot), ["1 of 2 arms hidden", "thin curves hidden"]);
        let mut viewport = Viewport { hidden: [2].into(), ..Viewport::default() };
        viewport.x.range = Some((0.0, 6.0));
        viewport.y.range = Some((1.0, 3.0));
        assert_eq!(viewport.notes(&plot), ["1 of 3 curves hidden", "curves continue: right, below"]);
        let mut log = Viewport::default();
        assert_eq!(log.toggle_scale(&plot, Axis::Y), AxisScale::Log);
        assert_eq!(log.notes(&plot), ["3 points at or below 0 can't stand on a log axis"]);
        assert_eq!(log.toggle_scale(&plot, Axis::Y), AxisScale::Linear);
    }

    /// From (1, 2) to (5, 4) and (10, 8): the part from 4 to 6 has one point, and the line leaves above and below it.
    #[test]
    fn a_line_that_leaves_between_two_points_is_said_to_go_on() {
        let mut viewport = Viewport::default();
        viewport.x.range = Some((4.0, 6.0));
        viewport.y.range = Some((3.8, 4.2));
        assert_eq!(viewport.notes(&line(AxisScale::Linear)), ["curves continue: left, right, above, below"]);
        viewport.y.range = Some((3.0, 5.0));
        assert_eq!(viewport.notes(&line(AxisScale::Linear)), ["curves continue: left, right"]);
        // Points without lines go on only where points are.
        viewport.y.range = Some((3.8, 4.2));
        let points = [(1.0, Some(2.0)), (5.0, Some(4.0)), (10.0, Some(8.0))];
        let points = plot(AxisScale::Linear, &[(Stroke::Points, &points)]);
        assert_eq!(viewport.notes(&points), ["curves continue: left, right"]);
    }

    #[test]
    fn y_begins_at_zero_where_that_is_wanted() {
        let plot = line(AxisScale::Log);
        let viewport = Viewport { from_zero: true, ..Viewport::default() };
        let y = viewport.view(&plot).y;
        assert_eq!((y.ends(), y.scale()), ((0.0, 8.0), AxisScale::Linear));
    }

    #[test]
    fn fitting_the_data_leaves_the_plots_own_limits() {
        let mut plot = line(AxisScale::Linear);
        (plot.x.limits, plot.y.limits) = (Some((0.0, 150.0)), Some((0.0, 100.0)));
        let mut viewport = Viewport::default();
        viewport.fit_data(&plot);
        let [(left, right), (low, high)] = ends(&viewport, &plot);
        assert!((0.5..=1.0).contains(&left) && (10.0..10.5).contains(&right), "{left} {right}");
        assert!((1.5..=2.0).contains(&low) && (8.0..8.5).contains(&high), "{low} {high}");
    }

    proptest! {
        /// Whatever is zoomed and moved, in whatever order, the axes can be drawn and fitting brings them back.
        #[test]
        fn no_zoom_and_no_move_makes_an_impossible_range(
            is_log in any::<bool>(),
            steps in proptest::collection::vec((0_u8..5, -2.0..3.0_f64, -40.0..40.0_f64), 0..200),
        ) {
            let scale = if is_log { AxisScale::Log } else { AxisScale::Linear };
            let plot = line(scale);
            let mut viewport = Viewport::default();
            let before = viewport.view(&plot);
            for (step, at, by) in steps {
                match step {
                    0 => viewport.zoom(&plot, (at, 1.0 - at), (by.exp2(), by.exp2())),
                    1 => viewport.pan(&plot, (by, -by)),
                    2 => viewport.zoom(&plot, (at, at), (1.0, 1e9)),
                    3 => viewport.reveal(&plot, (by, by)),
                    _ => viewport.pan(&plot, (0.1, at)),
                }
                for range in [viewport.view(&plot).x, viewport.view(&plot).y] {
                    prop_assert_eq!(AxisRange::new(range.ends(), scale), Some(range));
                    prop_assert!(range.ticks(5).iter().all(|tick| tick.is_finite()));
                }
            }
            viewport.fit();
            viewport.x.scale = None;
            viewport.y.scale = None;
            prop_assert_eq!(viewport.view(&plot), before);
        }
    }
}
