//! The published points of a race's chart: which of them set its axes, and the words beside them.

use super::plot::Label;
use super::theme::Theme;
use crate::app::Reach;
use crate::lesson::RaceMark;
use crate::protocol::RunSpec;
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
