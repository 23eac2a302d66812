//! A metric of one arm over its seeds.

use super::power::critical_t;
use protocol::mean_and_deviation;

/// Mean and spread of at least one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    pub count: usize,
    pub mean: f64,
    /// Standard deviation of a single value (n - 1); `None` of one value.
    pub deviation: Option<f64>,
    pub min: f64,
    pub max: f64,
}

/// What a band around a mean covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Band {
    /// Mean ± standard deviation of a single seed.
    Deviation,
    /// Mean ± its standard error.
    StandardError,
    /// From the lowest to the highest seed.
    MinMax,
}

impl Summary {
    /// `None` of no values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let (mean, deviation) = mean_and_deviation(values)?;
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Some(Self { count: values.len(), mean, deviation, min, max })
    }

    /// Standard error of the mean.
    pub fn standard_error(&self) -> Option<f64> {
        self.deviation.map(|deviation| deviation / (self.count as f64).sqrt())
    }

    /// The 95 % interval of the mean, by Student's t; `None` of one value.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let half = critical_t(self.count as f64 - 1.0)? * self.standard_error()?;
        Some((self.mean - half, self.mean + half))
    }

    /// Lower and upper end; `None` where one value has no such spread.
    pub fn band(&self, band: Band) -> Option<(f64, f64)> {
        let around = |half: f64| (self.mean - half, self.mean + half);
        match band {
            Band::Deviation => self.deviation.map(around),
            Band::StandardError => self.standard_error().map(around),
            Band::MinMax => Some((self.min, self.max)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{assert_near, fixture};

    #[test]
    fn means_deviations_and_intervals_are_scipys() {
        for sample in fixture()["paired"].as_array().unwrap() {
            let values: Vec<f64> = serde_json::from_value(sample["differences"].clone()).unwrap();
            let summary = Summary::of(&values).unwrap();
            assert_near(summary.mean, &sample["mean"], "mean");
            assert_near(summary.deviation.unwrap(), &sample["sd"], "deviation");
            assert_near(summary.standard_error().unwrap(), &sample["standard_error"], "standard error");
            let (low, high) = summary.interval().unwrap();
            assert_near(low, &sample["ci95"][0], "low");
            assert_near(high, &sample["ci95"][1], "high");
        }
    }

    #[test]
    fn a_band_is_what_it_says() {
        let summary = Summary::of(&[1.0, 4.0, 1.0]).unwrap();
        assert_eq!(summary.band(Band::MinMax), Some((1.0, 4.0)));
        assert_eq!(summary.band(Band::StandardError), Some((1.0, 3.0)));
        let (low, high) = summary.band(Band::Deviation).unwrap();
        assert!((high - 2.0 - 3.0_f64.sqrt()).abs() < 1e-12 && (low + high - 4.0).abs() < 1e-12);
        let one = Summary::of(&[1.5]).unwrap();
        assert_eq!((one.band(Band::Deviation), one.band(Band::StandardError)), (None, None));
        assert_eq!(one.band(Band::MinMax), Some((1.5, 1.5)));
        assert_eq!((one.interval(), Summary::of(&[])), (None, None));
    }
}
