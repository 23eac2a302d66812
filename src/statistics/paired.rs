//! The differences of two arms over the seeds that they share: Student's paired t test and the sign test.

use super::{Summary, power::critical_t};
use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, StudentsT};

/// Student's t test of paired differences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedTest {
    /// Pairs, at least two.
    pub count: usize,
    /// Mean difference.
    pub mean: f64,
    /// Standard deviation of a single difference.
    pub deviation: f64,
    /// 95 % interval of the mean difference.
    pub interval: (f64, f64),
    /// `None` where all differences are equal: a deviation of 0 is no estimate of how much they vary, but the grain of
    /// what was measured.
    pub test: Option<TTest>,
    pub signs: SignTest,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TTest {
    pub t: f64,
    /// Two-sided.
    pub p: f64,
}

/// The signs of the differences; ties decide nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignTest {
    pub negative: usize,
    pub zero: usize,
    pub positive: usize,
    /// Two-sided, exact; 1 where all are ties.
    pub p: f64,
}

/// Differences that are this much smaller than the values they come from are rounding.
const ROUNDING: f64 = 1e-12;

impl PairedTest {
    /// From the values of both arms, a pair a seed; `None` with fewer than two pairs.
    pub fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let largest = pairs.iter().fold(0.0_f64, |most, (a, b)| most.max(a.abs()).max(b.abs()));
        let differences: Vec<f64> = pairs.iter().map(|(a, b)| without_rounding(a - b, largest)).collect();
        let Summary { count, mean, deviation, .. } = Summary::of(&differences)?;
        let mean = without_rounding(mean, largest);
        let deviation = without_rounding(deviation?, largest);
        let freedom = count as f64 - 1.0;
        let error = deviation / (count as f64).sqrt();
        let half = critical_t(freedom)? * error;
        let test = if error > 0.0 {
            let t = mean / error;
            Some(TTest { t, p: (2.0 * StudentsT::new(0.0, 1.0, freedom).ok()?.cdf(-t.abs())).min(1.0) })
        } else {
            None
        };
        let signs = SignTest::of(&differences);
        Some(Self { count, mean, deviation, interval: (mean - half, mean + half), test, signs })
    }
}

fn without_rounding(value: f64, largest: f64) -> f64 {
    if value.abs() <= ROUNDING * largest { 0.0 } else { value }
}

impl SignTest {
    fn of(differences: &[f64]) -> Self {
        let count = |is: fn(&f64) -> bool| differences.iter().filter(|difference| is(difference)).count();
        let (negative, positive) = (count(|d| *d < 0.0), count(|d| *d > 0.0));
        let zero = differences.len() - negative - positive;
        Self { negative, zero, positive, p: binomial_p(negative as u64, positive as u64) }
    }
}

/// Two-sided exact p of so many on the one and on the other side, each as likely as the other; 1 of none at all.
pub(super) fn binomial_p(one: u64, other: u64) -> f64 {
    match Binomial::new(0.5, one + other) {
        Ok(binomial) if one != other => (2.0 * binomial.cdf(one.min(other))).min(1.0),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{assert_near, fixture};

    fn differences(sample: &serde_json::Value) -> Vec<(f64, f64)> {
        let values: Vec<f64> = serde_json::from_value(sample["differences"].clone()).unwrap();
        values.into_iter().map(|value| (value, 0.0)).collect()
    }

    #[test]
    fn the_test_is_scipys() {
        for sample in fixture()["paired"].as_array().unwrap() {
            let found = PairedTest::of(&differences(sample)).unwrap();
            assert_near(found.mean, &sample["mean"], "mean");
            assert_near(found.interval.0, &sample["ci95"][0], "low");
            assert_near(found.interval.1, &sample["ci95"][1], "high");
            let test = found.test.unwrap();
            assert_near(test.t, &sample["t"], "t");
            assert_near(test.p, &sample["p"], "p");
            assert_near(found.signs.p, &sample["sign_p"], "sign test");
            let (low, high) = found.interval;
            assert_eq!(test.p < 0.05, low > 0.0 || high < 0.0, "p and interval agree: {found:?}");
        }
    }

    #[test]
    fn equal_differences_have_no_test() {
        // 1.3 - 1.1 and 1.2 - 1.0 are not equal in binary.
        let found = PairedTest::of(&[(1.3, 1.1), (1.2, 1.0)]).unwrap();
        assert_eq!((found.deviation, found.test), (0.0, None));
        assert!((found.mean - 0.2).abs() < 1e-12 && (found.interval.0 - found.interval.1).abs() < 1e-12);
        let same = PairedTest::of(&[(1.3, 1.3), (1.2, 1.2), (1.0, 1.0)]).unwrap();
        assert_eq!((same.mean, same.interval, same.test), (0.0, (0.0, 0.0), None));
        assert_eq!(same.signs, SignTest { negative: 0, zero: 3, positive: 0, p: 1.0 });
        assert_eq!(PairedTest::of(&[(1.0, 2.0)]), None);
        assert_eq!(PairedTest::of(&[]), None);
    }
}
