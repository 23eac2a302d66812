//! What every comparison of arms goes by: the threshold that is named in advance, which lanes are side by side, and a
//! mean with its deviation. What follows from them is `statistics`'.

use super::{EpochRecord, Metric};
use std::fmt;

/// Validation error, in percent, that the article reports for both arms. Epochs are counted down to it: the best error of
/// an arm is a minimum over its noise, and how soon another arm meets it says little.
pub const MILESTONE: f64 = 1.37;

/// A published value of a metric, named before anything is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Milestone {
    pub metric: Metric,
    /// In the metric's unit; a value is there when it is this or lower.
    pub value: f64,
}

impl Milestone {
    /// The validation error of both of the article's arms.
    pub const ARTICLE: Self = Self { metric: Metric::ValError, value: MILESTONE };
    /// The training error to which AlexNet's Figure 1 counts (Krizhevsky, Sutskever, Hinton 2012).
    pub const ALEXNET: Self = Self { metric: Metric::TrainError, value: 25.0 };
}

impl fmt::Display for Milestone {
    /// The validation error needs no name: the article has no other.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.metric {
            Metric::ValError => write!(f, "{} %", self.value),
            metric => write!(f, "{} {} {}", self.value, metric.entry().unit, metric.entry().title),
        }
    }
}

/// Values that are this close to a threshold, relative to it, are at it: 137 of 10,000 images are 1.37 %.
const ROUNDING: f64 = 1e-9;

/// Whether a value is the threshold or below, but for rounding.
pub fn is_at_or_below(value: f64, threshold: f64) -> bool {
    value <= threshold + ROUNDING * threshold.abs()
}

/// The first of a lane's epochs at or below the milestone.
pub(super) fn first_at<'r>(records: impl Iterator<Item = &'r EpochRecord>, milestone: Milestone) -> Option<u32> {
    records
        .filter(|record| record.get(milestone.metric).is_some_and(|value| is_at_or_below(value, milestone.value)))
        .map(|record| record.epoch)
        .min()
}

/// Whether a lane with `done` epochs is compared with the one that has done the most. Lanes that train side by side are
/// at most a few epochs apart; those that wait for a core must not hold up the comparison.
pub fn is_compared(done: u32, most: u32, epochs: u32) -> bool {
    done > 0 && done + (epochs / 20).max(2) >= most
}

/// A mean, and the standard deviation of a single value where there are several.
pub fn mean_and_deviation(values: &[f64]) -> Option<(f64, Option<f64>)> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
    (!values.is_empty()).then_some((mean, deviation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_met_but_for_rounding() {
        assert!(is_at_or_below(100.0 * 137.0 / 10_000.0, MILESTONE) && is_at_or_below(1.36, MILESTONE));
        assert!(!is_at_or_below(1.371, MILESTONE) && !is_at_or_below(-0.9, -1.0) && is_at_or_below(-1.0, -1.0));
    }

    /// A seed that waits for a core holds nobody back.
    #[test]
    fn lanes_side_by_side_keep_up() {
        assert!(
            is_compared(148, 150, 150) && is_compared(1, 2, 30) && !is_compared(3, 150, 150) && !is_compared(0, 1, 30)
        );
    }
}
