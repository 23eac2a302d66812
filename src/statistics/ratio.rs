//! A ratio over seeds.

use super::PairedTest;

/// How many times the one is the other, over seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    pub count: usize,
    /// Geometric mean.
    pub mean: f64,
    /// 95 % interval, by t on the logarithms.
    pub interval: (f64, f64),
    /// Whether all seeds have the same ratio, so that its interval says nothing.
    pub is_constant: bool,
}

impl Ratio {
    /// From pairs of positive numbers; `None` below two of them.
    pub fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let logarithms: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (a.ln(), b.ln())).collect();
        let PairedTest { count, mean, interval: (low, high), test, .. } = PairedTest::of(&logarithms)?;
        Some(Self { count, mean: mean.exp(), interval: (low.exp(), high.exp()), is_constant: test.is_none() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{assert_near, fixture};

    #[test]
    fn mean_and_interval_are_scipys() {
        for case in fixture()["ratios"].as_array().unwrap() {
            let epochs: Vec<(f64, f64)> = serde_json::from_value(case["epochs"].clone()).unwrap();
            let ratio = Ratio::of(&epochs).unwrap();
            assert_near(ratio.mean, &case["ratio"], "ratio");
            assert_near(ratio.interval.0, &case["ci95"][0], "low");
            assert_near(ratio.interval.1, &case["ci95"][1], "high");
        }
        assert_eq!(Ratio::of(&[(3.0, 4.0)]), None);
        let constant = Ratio::of(&[(1.0, 2.0), (7.0, 14.0), (3.0, 6.0)]).unwrap();
        assert!(constant.is_constant && (constant.mean - 0.5).abs() < 1e-12, "{constant:?}");
    }
}
