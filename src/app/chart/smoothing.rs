//! Smoothing as `TensorBoard` does it: an exponential moving average, debiased, so that a curve does not begin at 0.

/// The weight of what came before, from 0 to below 1. `TensorBoard` calls it the smoothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Smoothing(usize);

/// The weights to choose from, in percent.
const WEIGHTS: [u32; 9] = [0, 50, 60, 70, 80, 90, 95, 98, 99];

impl Smoothing {
    /// `None` where curves are shown as they were measured.
    pub fn weight(self) -> Option<f64> {
        WEIGHTS.get(self.0).filter(|percent| **percent > 0).map(|percent| f64::from(*percent) / 100.0)
    }

    /// The next weight in a direction, as long as there is one.
    #[must_use]
    pub fn step(self, more: bool) -> Self {
        Self(if more { (self.0 + 1).min(WEIGHTS.len() - 1) } else { self.0.saturating_sub(1) })
    }

    /// For the chart, which says how its curves were made.
    pub fn describe(self) -> Option<String> {
        let weight = self.weight()?;
        Some(format!("smoothed by {weight} (moving average, debiased as in TensorBoard); thin: as measured"))
    }
}

/// The debiased exponential moving average: s = w s + (1 - w) y, divided by 1 - w^n after n values. A gap stays a gap and
/// counts for nothing. Source: `TensorBoard`, `resmoothDataset` in `line-chart.ts`; Kingma and Ba 2015, section 3.
pub fn smooth(values: &[Option<f64>], weight: f64) -> Vec<Option<f64>> {
    let (mut sum, mut bias) = (0.0, 1.0);
    let mut next = |value: f64| {
        sum = weight * sum + (1.0 - weight) * value;
        bias *= weight;
        sum / (1.0 - bias)
    };
    values.iter().map(|value| value.map(&mut next)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand for a weight of 1/2: 0.5 / 0.5; 1.75 / 0.75; 3.375 / 0.875.
    #[test]
    fn the_average_is_debiased_and_a_gap_counts_for_nothing() {
        let smoothed = smooth(&[Some(1.0), Some(3.0), None, Some(5.0)], 0.5);
        let expected = [Some(1.0), Some(7.0 / 3.0), None, Some(27.0 / 7.0)];
        for (one, other) in smoothed.iter().zip(expected) {
            assert_eq!(one.is_some(), other.is_some());
            assert!((one.unwrap_or(0.0) - other.unwrap_or(0.0)).abs() < 1e-12, "{smoothed:?}");
        }
        let same = smooth(&[Some(4.0); 50], 0.99);
        assert!(same.iter().all(|value| value.is_some_and(|value| (value - 4.0).abs() < 1e-9)), "{same:?}");
    }

    #[test]
    fn the_weight_stays_within_what_can_be_chosen() {
        let mut smoothing = Smoothing::default();
        assert_eq!((smoothing.weight(), smoothing.describe()), (None, None));
        smoothing = smoothing.step(false).step(true);
        assert_eq!(smoothing.weight(), Some(0.5));
        (0..20).for_each(|_| smoothing = smoothing.step(true));
        assert_eq!(smoothing.weight(), Some(0.99));
    }
}
