//! The published points of a race's chart: which of them set its axes, and the words beside them; and what the reader
//! predicted, on any plot.

use super::plot::{Curve, Label, Weight};
use super::theme::Theme;
use app::{OwnMark, Reach};
use lesson::RaceMark;
use protocol::{RunSpec, Scale};
use ratatui::style::Style;

/// Published points, and the study to which they belong.
pub struct Marks<'a> {
    pub points: &'a [RaceMark],
    /// The settings of the cell that has them.
    pub study: RunSpec,
    pub reach: Reach,
}

impl Marks<'_> {
    /// Epoch and error of the points that set the axes of this study's chart.
    pub fn on_axes(&self, spec: &RunSpec) -> impl Iterator<Item = (u32, f64)> + Clone {
        let set = |mark: &&RaceMark| self.reach == Reach::AllPoints || mark.belongs_to(spec, &self.study);
        self.points.iter().filter(set).map(|mark| (mark.epoch, mark.error)).collect::<Vec<_>>().into_iter()
    }

    /// A label a point; those of one height share their number: `1.37 @17, @150`. A point above or below all of the
    /// chart has an arrow and no words: no row there is its own.
    pub fn labels(&self, theme: &Theme, (low, high): (f64, f64)) -> Vec<Label> {
        let label = |(at, mark): (usize, &RaceMark)| {
            let same = |other: &RaceMark| other.error.total_cmp(&mark.error).is_eq();
            let number = if self.points[..at].iter().any(same) { String::new() } else { format!("{:.2} ", mark.error) };
            let text =
                if (low..=high).contains(&mark.error) { format!("{number}@{}", mark.epoch) } else { String::new() };
            Label { at: (f64::from(mark.epoch), mark.error), text, style: theme.cited(), glyph: theme.mark() }
        };
        self.points.iter().enumerate().map(label).collect()
    }

    /// What the points are, and the key that lists them, for the first line of the chart.
    pub fn note(&self, theme: &Theme) -> (String, Style) {
        let mut sources: Vec<&str> = self.points.iter().map(|mark| mark.source.as_str()).collect();
        sources.dedup();
        let note =
            if sources.is_empty() { String::new() } else { format!("{} {}: m", theme.mark(), sources.join(", ")) };
        (note, theme.cited())
    }
}

/// An axis' limits, and its scale.
pub type Span = ((f64, f64), Scale);

/// What the reader predicted: a stretch of a plot with its name, an arrow where it lies beyond.
pub fn predicted(
    theme: &Theme,
    mark: &OwnMark,
    (x_limits, x_scale): Span,
    (y_limits, y_scale): Span,
) -> (Label, Option<Curve>) {
    // The stretch within the axis, and the middle of it; the nearer end where all of it lies beyond.
    let within = |(low, high): (f64, f64), (from, to): (f64, f64), scale: Scale| {
        if low > to || high < from {
            let near = if low > to { low } else { high };
            return ((near, near), near, false);
        }
        let (a, b) = (low.max(from), high.min(to));
        ((a, b), if scale == Scale::Log { (a * b).sqrt() } else { f64::midpoint(a, b) }, true)
    };
    let (xs, x, x_fits) = within(mark.x, x_limits, x_scale);
    let (ys, y, y_fits) = within(mark.y, y_limits, y_scale);
    let style = theme.strong();
    let line = (x_fits && y_fits).then(|| Curve {
        style,
        marker: "",
        points: vec![(xs.0, ys.0), (xs.1, ys.1)],
        joined: true,
        // Beneath the curves: it hides none of their points.
        weight: Weight::Thin,
        spread: Vec::new(),
    });
    (Label { at: (x, y), text: mark.text.clone(), style, glyph: theme.own_mark() }, line)
}
