//! The sentence that matters: how much sooner one arm reached what another reached at best.

use super::{Arm, EpochRecord, Lane};

/// Arm `fast` reached arm `slow`'s best validation error `ratio` times sooner, in epochs.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub fast: Arm,
    pub slow: Arm,
    /// One a seed, ascending.
    pub ratios: Vec<f64>,
}

impl Comparison {
    /// The middle ratio; the mean of the middle two.
    pub fn median(&self) -> f64 {
        let n = self.ratios.len();
        if n % 2 == 1 { self.ratios[n / 2] } else { f64::midpoint(self.ratios[n / 2 - 1], self.ratios[n / 2]) }
    }

    /// `ReLU+Tanh reached all-Tanh's best error 1.9 times sooner`, with the range where there are several seeds.
    pub fn sentence(&self) -> String {
        let (fast, slow, median) = (self.fast.title(), self.slow.title(), self.median());
        let how = if (median - 1.0).abs() < 0.05 {
            format!("{fast} reached {slow}'s best error just as soon")
        } else if median > 1.0 {
            format!("{fast} reached {slow}'s best error {median:.1} times sooner")
        } else {
            format!("{fast} reached {slow}'s best error {:.1} times later", 1.0 / median)
        };
        match self.ratios.as_slice() {
            [first, .., last] => format!("{how} (median of {} seeds, {first:.1} to {last:.1})", self.ratios.len()),
            _ => how,
        }
    }
}

/// Compares the first arm with the second over every seed that both have measured.
///
/// For a seed: the epoch of `slow`'s best validation error (its first, if it was reached twice), over the epoch at
/// which `fast` first was as good. `None` while nothing can be said: an arm has no epoch, or for some seed `fast` has
/// not been as good yet.
pub fn compare(fast: Arm, slow: Arm, records: &[EpochRecord]) -> Option<Comparison> {
    let mut seeds: Vec<u64> = records.iter().map(|record| record.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let mut ratios = Vec::new();
    for seed in seeds {
        let of = |arm| {
            let lane = Lane { arm, seed };
            records.iter().filter(move |record| record.lane() == lane)
        };
        let best = of(slow).min_by(|a, b| a.val_error.total_cmp(&b.val_error).then(a.epoch.cmp(&b.epoch)))?;
        let reached = of(fast).filter(|record| record.val_error <= best.val_error).map(|record| record.epoch).min()?;
        ratios.push(f64::from(best.epoch) / f64::from(reached));
    }
    ratios.sort_by(f64::total_cmp);
    (!ratios.is_empty()).then_some(Comparison { fast, slow, ratios })
}

/// What a race says of its first two arms: the comparison, or at its end that there was nothing to compare.
pub fn verdict(fast: Arm, slow: Arm, records: &[EpochRecord], finished: bool) -> Option<String> {
    if let Some(comparison) = compare(fast, slow, records) {
        return Some(format!("{}.", comparison.sentence()));
    }
    let best = |arm| records.iter().filter(move |r| r.arm == arm).map(|r| r.val_error).min_by(f64::total_cmp);
    let (reached, aim) = (best(fast)?, best(slow)?);
    let (fast, slow) = (fast.title(), slow.title());
    finished.then(|| format!("{fast} ended at {reached:.2} % at best and never reached {slow}'s {aim:.2} %."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(arm: Arm, seed: u64, errors: &[f64]) -> Vec<EpochRecord> {
        let record = |(at, &val_error): (usize, &f64)| EpochRecord {
            arm,
            seed,
            epoch: at as u32 + 1,
            train_loss: 0.1,
            val_error,
            test_error: val_error,
            seconds: 1.0,
            images_per_second: 1.0,
        };
        errors.iter().enumerate().map(record).collect()
    }

    fn told(fast: &[&[f64]], slow: &[&[f64]]) -> Option<String> {
        let mut all = Vec::new();
        for (seed, errors) in fast.iter().enumerate() {
            all.extend(records(Arm::RELU_TANH, seed as u64, errors));
        }
        for (seed, errors) in slow.iter().enumerate() {
            all.extend(records(Arm::ALL_TANH, seed as u64, errors));
        }
        compare(Arm::RELU_TANH, Arm::ALL_TANH, &all).map(|c| c.sentence())
    }

    #[test]
    fn the_sentence_is_computed() {
        let slow = [3.0, 2.0, 1.5, 1.4, 1.6];
        assert_eq!(told(&[&[2.0, 1.4]], &[&slow]).unwrap(), "ReLU+Tanh reached all-Tanh's best error 2.0 times sooner");
        assert_eq!(
            told(&[&[9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 1.0]], &[&slow]).unwrap(),
            "ReLU+Tanh reached all-Tanh's best error 2.0 times later"
        );
        assert_eq!(
            told(&[&[1.4], &[2.0, 1.0]], &[&slow, &slow]).unwrap(),
            "ReLU+Tanh reached all-Tanh's best error 3.0 times sooner (median of 2 seeds, 2.0 to 4.0)"
        );
    }

    #[test]
    fn a_race_that_is_lost_says_so_at_its_end() {
        let mut all = records(Arm::RELU_TANH, 1, &[2.0, 1.22]);
        all.extend(records(Arm::ALL_TANH, 1, &[2.5, 1.13]));
        let told = |finished| verdict(Arm::RELU_TANH, Arm::ALL_TANH, &all, finished);
        assert_eq!(told(false), None);
        assert_eq!(told(true).unwrap(), "ReLU+Tanh ended at 1.22 % at best and never reached all-Tanh's 1.13 %.");
    }

    #[test]
    fn it_is_absent_until_it_can_be_computed() {
        assert_eq!(told(&[], &[&[3.0]]), None);
        assert_eq!(told(&[&[3.0]], &[]), None);
        assert_eq!(told(&[&[2.0, 1.5]], &[&[1.4]]), None);
    }
}
