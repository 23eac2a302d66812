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
    pub thin: ThinSeries,
    /// The cursor that reads values.
    pub cursor: Option<PlotCursor>,
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
        let is_thin = plot.series.get(series).is_some_and(|series| series.stroke == Stroke::Thin);
        !self.hidden.contains(&series) && (self.thin == ThinSeries::Shown || !is_thin)
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
        AxisRanges { x: range(self.x, &plot.x, xs), y: range(self.y, &plot.y, ys(measured())) }
    }
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
        let half = |at: usize| series.spread.get(at).copied().flatten().unwrap_or(0.0);
        let points = series.points.iter().enumerate().filter_map(|(at, point)| Some((at, point.1?)));
        points.flat_map(move |(at, y)| {
            let low = y - half(at);
            [if is_positive { low.max(0.0) } else { low }, y + half(at)]
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::test_plot;

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
}
