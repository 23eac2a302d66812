//! Adds predictions to a plot: a thin line along the predicted range, with a label at its middle.

use super::axis::AxisRange;
use super::viewport::Viewport;
use protocol::{Plot, PlotMark, PlotSeries, Source, Stroke};

/// A prediction on a plot: a range along one of its axes, or a point. A range may be unbounded.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionMark {
    pub x: (f64, f64),
    pub y: (f64, f64),
    /// The label, such as `you: 2 to 8 %`.
    pub text: String,
}

/// Adds a mark for each prediction, at the middle of that part of its range which the axes show. A range beyond the
/// axes has its mark at the nearer end, and no line. A plot without any point gets no lines.
pub fn add_predictions(plot: &mut Plot, predictions: &[PredictionMark]) {
    let ranges = Viewport::default().view(plot);
    let has_points = plot.series.iter().flat_map(|series| &series.points).any(|(_, y)| y.is_some());
    for PredictionMark { x, y, text } in predictions {
        let (xs, ys) = (within(*x, &ranges.x), within(*y, &ranges.y));
        let middle = |range: &AxisRange, stretch: &VisibleRange| match *stretch {
            VisibleRange::Within(low, high) => range.middle(low, high),
            VisibleRange::Beyond(near) => near,
        };
        let at = [middle(&ranges.x, &xs), middle(&ranges.y, &ys)];
        if at.iter().any(|v| !v.is_finite()) {
            continue;
        }
        plot.marks.push(PlotMark { label: text.clone(), source: Source::Reader, at });
        if let (VisibleRange::Within(left, right), VisibleRange::Within(low, high), true) = (xs, ys, has_points) {
            plot.series.push(PlotSeries {
                name: text.clone(),
                source: Source::Reader,
                // Thin series are drawn beneath the curves and hide none of their points.
                stroke: Stroke::Thin,
                points: vec![(left, Some(low)), (right, Some(high))],
                spread: Vec::new(),
                below: Vec::new(),
            });
        }
    }
}

/// The part of a range that an axis shows.
enum VisibleRange {
    Within(f64, f64),
    /// The range is beyond the axis; its nearer end.
    Beyond(f64),
}

fn within((low, high): (f64, f64), range: &AxisRange) -> VisibleRange {
    let (from, to) = range.ends();
    if low > to {
        VisibleRange::Beyond(low)
    } else if high < from {
        VisibleRange::Beyond(high)
    } else {
        VisibleRange::Within(low.max(from), high.min(to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::test_plot;
    use protocol::AxisScale;

    #[test]
    fn a_prediction_is_drawn_where_the_axes_show_it() {
        let mut empty = test_plot::plot(AxisScale::Linear, Vec::new());
        empty.x.limits = Some((0.0, 10.0));
        (empty.y.scale, empty.y.limits) = (AxisScale::Log, Some((1.0, 16.0)));
        let series = test_plot::series(Source::Measured, Stroke::Line, &[(1.0, Some(2.0))]);
        let mark = |x, y| PredictionMark { x, y, text: "you".into() };
        let marks =
            [mark((10.0, 10.0), (4.0, f64::INFINITY)), mark((20.0, 30.0), (2.0, 2.0)), mark((5.0, 5.0), (0.1, 0.5))];
        let mut plot = Plot { series: vec![series], ..empty.clone() };
        add_predictions(&mut plot, &marks);
        let at: Vec<_> = plot.marks.iter().map(|mark| mark.at).collect();
        assert_eq!(at, [[10.0, 8.0], [20.0, 2.0], [5.0, 0.5]]);
        assert_eq!(plot.series.len(), 2, "what lies beyond has no line");
        assert_eq!(plot.series[1].points, [(10.0, Some(4.0)), (10.0, Some(16.0))]);
        let mut plot = empty;
        add_predictions(&mut plot, &marks);
        assert_eq!((plot.series.len(), plot.marks.len()), (0, 3));
    }
}
