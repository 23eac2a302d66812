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

    /// `1.9 times sooner`, by the median.
    fn lead(&self) -> String {
        let median = self.median();
        if (median - 1.0).abs() < 0.05 {
            "just as soon".into()
        } else if median > 1.0 {
            format!("{median:.1} times sooner")
        } else {
            format!("{:.1} times later", 1.0 / median)
        }
    }

    /// `ReLU+Tanh reached all-Tanh's best error 1.9 times sooner`, with the range where there are several seeds.
    pub fn sentence(&self) -> String {
        let how = format!("{} reached {}'s best error {}", self.fast.title(), self.slow.title(), self.lead());
        match *self.ratios.as_slice() {
            [first, .., last] => {
                // "1.1 times later" is told with the range of the same quotient.
                let (from, to) = if self.median() < 0.95 { (1.0 / last, 1.0 / first) } else { (first, last) };
                format!("{how} (median of {} seeds, {from:.1} to {to:.1})", self.ratios.len())
            }
            _ => how,
        }
    }
}

/// What one seed has to say.
enum Lead {
    /// The epoch of `slow`'s best validation error (its first, if it was reached twice), over the epoch at which `fast`
    /// first was as good.
    Ratio(f64),
    /// `fast` has not been as good yet.
    NotReached,
    /// An arm has no epoch.
    Unknown,
}

fn lead(fast: Arm, slow: Arm, seed: u64, records: &[EpochRecord]) -> Lead {
    let of = |arm| records.iter().filter(move |record| record.lane() == Lane { arm, seed });
    let best = of(slow).min_by(|a, b| a.val_error.total_cmp(&b.val_error).then(a.epoch.cmp(&b.epoch)));
    let (Some(best), Some(_)) = (best, of(fast).next()) else { return Lead::Unknown };
    let reached = of(fast).filter(|record| record.val_error <= best.val_error).map(|record| record.epoch).min();
    reached.map_or(Lead::NotReached, |reached| Lead::Ratio(f64::from(best.epoch) / f64::from(reached)))
}

/// What every seed has to say.
fn leads(fast: Arm, slow: Arm, records: &[EpochRecord]) -> Vec<Lead> {
    let mut seeds: Vec<u64> = records.iter().map(|record| record.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    seeds.into_iter().map(|seed| lead(fast, slow, seed, records)).collect()
}

fn comparison(fast: Arm, slow: Arm, leads: &[Lead]) -> Option<Comparison> {
    let ratio = |lead: &Lead| if let Lead::Ratio(ratio) = lead { Some(*ratio) } else { None };
    let mut ratios: Vec<f64> = leads.iter().filter_map(ratio).collect();
    ratios.sort_by(f64::total_cmp);
    (!ratios.is_empty()).then_some(Comparison { fast, slow, ratios })
}

/// Compares the first arm with the second over every seed. `None` while nothing can be said: an arm has no epoch, or
/// for some seed `fast` has not been as good yet.
pub fn compare(fast: Arm, slow: Arm, records: &[EpochRecord]) -> Option<Comparison> {
    let leads = leads(fast, slow, records);
    let all = leads.iter().all(|lead| matches!(lead, Lead::Ratio(_)));
    all.then(|| comparison(fast, slow, &leads))?
}

/// What a race says of its first two arms: the comparison, or at its end with how many seeds there was nothing to
/// compare.
pub fn verdict(fast: Arm, slow: Arm, records: &[EpochRecord], finished: bool) -> Option<String> {
    if let Some(comparison) = compare(fast, slow, records) {
        return Some(format!("{}.", comparison.sentence()));
    }
    let leads = leads(fast, slow, records);
    let known = leads.iter().filter(|lead| !matches!(lead, Lead::Unknown)).count();
    let missed = leads.iter().filter(|lead| matches!(lead, Lead::NotReached)).count();
    if !finished || missed == 0 {
        return None;
    }
    let (name, other) = (fast.title(), slow.title());
    if known == 1 {
        let best = |arm| records.iter().filter(move |r| r.arm == arm).map(|r| r.val_error).min_by(f64::total_cmp);
        let (reached, aim) = (best(fast)?, best(slow)?);
        return Some(format!("{name} ended at {reached:.2} % at best and never reached {other}'s {aim:.2} %."));
    }
    let never = format!("{name} never reached {other}'s best error with {missed} of {known} seeds");
    Some(match comparison(fast, slow, &leads) {
        Some(reached) => format!("{never}; with the others it did, {} (median).", reached.lead()),
        None => format!("{never}."),
    })
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
        let late = [9.0, 9.0, 9.0, 9.0, 1.0];
        assert_eq!(
            told(&[&late, &[9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 1.0]], &[&slow, &slow]).unwrap(),
            "ReLU+Tanh reached all-Tanh's best error 1.5 times later (median of 2 seeds, 1.2 to 2.0)"
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
    fn seeds_that_never_got_there_are_counted() {
        let mut all = Vec::new();
        for (seed, fast) in [(1, [2.0, 1.2]), (2, [2.0, 1.0]), (3, [1.3, 1.5])] {
            all.extend(records(Arm::RELU_TANH, seed, &fast));
            all.extend(records(Arm::ALL_TANH, seed, &[2.5, 1.1]));
        }
        let told = |all: &[EpochRecord]| verdict(Arm::RELU_TANH, Arm::ALL_TANH, all, true).unwrap();
        assert_eq!(
            told(&all),
            "ReLU+Tanh never reached all-Tanh's best error with 2 of 3 seeds; with the others it did, just as soon (median)."
        );
        all.retain(|record| record.seed != 2);
        assert_eq!(told(&all), "ReLU+Tanh never reached all-Tanh's best error with 2 of 2 seeds.");
    }

    #[test]
    fn it_is_absent_until_it_can_be_computed() {
        assert_eq!(told(&[], &[&[3.0]]), None);
        assert_eq!(told(&[&[3.0]], &[]), None);
        assert_eq!(told(&[&[2.0, 1.5]], &[&[1.4]]), None);
    }
}
