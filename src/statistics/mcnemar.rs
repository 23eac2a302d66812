//! Two networks on the same images: McNemar's exact test.

use super::paired::binomial_p;
use protocol::ImageSet;

/// How often the one network is wrong where the other is right. It tells two networks apart, not two ways to train: how
/// much networks of other seeds differ is not in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct McNemar {
    pub only_a_wrong: u32,
    pub only_b_wrong: u32,
    /// Two-sided, exact binomial over the images that only one of them gets wrong.
    pub p: f64,
}

impl McNemar {
    pub fn of_counts(only_a_wrong: u32, only_b_wrong: u32) -> Self {
        Self { only_a_wrong, only_b_wrong, p: binomial_p(only_a_wrong.into(), only_b_wrong.into()) }
    }

    /// From the images that each gets wrong; `None` if the sets are of splits of different sizes, or of none.
    pub fn of(a: &ImageSet, b: &ImageSet) -> Option<Self> {
        if a.images() != b.images() || a.images() == 0 {
            return None;
        }
        let only = |one: &ImageSet, other: &ImageSet| -> u32 {
            one.bits().iter().zip(other.bits()).map(|(one, other)| (one & !other).count_ones()).sum()
        };
        Some(Self::of_counts(only(a, b), only(b, a)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{assert_near, fixture};

    #[test]
    fn p_is_scipys() {
        for case in fixture()["mcnemar"].as_array().unwrap() {
            let count = |key: &str| u32::try_from(case[key].as_u64().unwrap()).unwrap();
            let found = McNemar::of_counts(count("only_a"), count("only_b"));
            assert_near(found.p, &case["p"], &case.to_string());
        }
    }

    #[test]
    fn images_that_both_get_wrong_decide_nothing() {
        let set = |wrong: &[u32], images: u32| -> ImageSet { (0..images).map(|at| wrong.contains(&at)).collect() };
        let found = McNemar::of(&set(&[0, 3, 9, 10], 11), &set(&[3, 4, 10], 11)).unwrap();
        assert_eq!((found.only_a_wrong, found.only_b_wrong, found.p), (2, 1, 1.0));
        assert_eq!(McNemar::of(&set(&[0], 11), &set(&[0], 12)), None);
        assert_eq!(McNemar::of(&set(&[], 0), &set(&[], 0)), None, "no answers were stored");
    }
}
