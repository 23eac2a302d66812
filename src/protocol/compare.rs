//! How two arms of a race compare: the gap between their validation errors at the last epoch that they share, and the
//! epochs that each took down to a threshold. The threshold is named in advance: the best error of an arm is a minimum
//! over its noise, and how soon another arm meets it says little.

use super::{ArmId, EpochRecord, Lane, Metric, Study};
use std::collections::BTreeSet;

/// Validation error, in percent, that the article reports for both arms.
pub const MILESTONE: f64 = 1.37;

/// The thresholds to which epochs are counted, in percent: the article's, and round ones for studies that do not come
/// down to it.
const THRESHOLDS: [f64; 13] = [MILESTONE, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0];

/// Values that are this close to a threshold, relative to it, are at it: 137 of 10,000 images are 1.37 %.
const ROUNDING: f64 = 1e-9;

/// Whether a value is the threshold or below, but for rounding.
pub fn is_at_or_below(value: f64, threshold: f64) -> bool {
    value <= threshold + ROUNDING * threshold.abs()
}

/// The first of a lane's epochs at the threshold or below.
pub(super) fn first_at<'r>(records: impl Iterator<Item = &'r EpochRecord>, threshold: f64) -> Option<u32> {
    records
        .filter(|record| record.get(Metric::ValError).is_some_and(|error| is_at_or_below(error, threshold)))
        .map(|record| record.epoch)
        .min()
}

/// Whether a lane that has done so many epochs is compared with one that has done the most: lanes that train side by
/// side are never more than a few epochs apart, and those that wait for a core hold nobody back.
pub fn keeps_up(done: u32, most: u32, epochs: u32) -> bool {
    done > 0 && done + (epochs / 20).max(2) >= most
}

/// What one seed has to say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeedComparison {
    pub seed: u64,
    /// Points by which the second arm's validation error is above the first's.
    pub gap: f64,
    /// The epoch at which each arm was first at the threshold or below.
    pub reached: [Option<u32>; 2],
}

/// The first arm of a race beside the second, seed by seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// As running text shows the arms.
    pub titles: [String; 2],
    /// The last epoch that all compared lanes have done; nothing behind it counts.
    pub epoch: u32,
    /// `None` as long as every lane was below all thresholds from its first epoch on, or above all of them.
    pub threshold: Option<f64>,
    /// Ascending.
    pub seeds: Vec<SeedComparison>,
}

/// Compares two arms over every seed of which both have an epoch; seeds that are far behind the others are left out.
/// `None` if there is no such seed.
pub fn compare(study: &Study, [first, second]: [ArmId; 2], records: &[EpochRecord]) -> Option<Comparison> {
    let (arms, epochs) = ([first, second], study.epochs);
    let of = |arm, seed| records.iter().filter(move |record| record.lane() == Lane { arm, seed });
    let done = |seed| arms.map(|arm| of(arm, seed).map(|record| record.epoch).max().unwrap_or(0)).into_iter().min();
    let known: BTreeSet<u64> = records.iter().map(|record| record.seed).collect();
    let mut seeds: Vec<(u64, u32)> = known.into_iter().map(|seed| (seed, done(seed).unwrap_or(0))).collect();
    let most = seeds.iter().map(|(_, done)| *done).max()?;
    seeds.retain(|&(_, done)| keeps_up(done, most, epochs));
    let epoch = seeds.iter().map(|(_, done)| *done).min()?;
    let reached = |threshold| {
        let first = |arm, seed| first_at(of(arm, seed).filter(|record| record.epoch <= epoch), threshold);
        seeds.iter().map(|&(seed, _)| arms.map(|arm| first(arm, seed))).collect::<Vec<_>>()
    };
    let any = |all: &[[Option<u32>; 2]]| all.iter().flatten().any(Option::is_some);
    let every = |all: &[[Option<u32>; 2]]| all.iter().flatten().all(Option::is_some);
    // That all were there from their first epoch on tells nothing of how fast they came down.
    let tells = |all: &[[Option<u32>; 2]]| all.iter().flatten().any(|epoch| *epoch != Some(1));
    let round = || THRESHOLDS[1..].iter().copied().find(|&threshold| every(&reached(threshold)));
    let threshold = if any(&reached(MILESTONE)) { Some(MILESTONE) } else { round() };
    let threshold = threshold.filter(|&threshold| tells(&reached(threshold)));
    let at = threshold.map_or_else(|| vec![[None; 2]; seeds.len()], reached);
    let error =
        |arm, seed| of(arm, seed).find(|record| record.epoch == epoch).and_then(|record| record.get(Metric::ValError));
    let seeds = seeds.iter().zip(at).filter_map(|(&(seed, _), reached)| {
        Some(SeedComparison { seed, gap: error(second, seed)? - error(first, seed)?, reached })
    });
    let seeds: Vec<_> = seeds.collect();
    let titles = arms.map(|arm| study.arm_title(arm));
    (!seeds.is_empty()).then_some(Comparison { titles, epoch, threshold, seeds })
}

/// A mean, and the standard deviation of a single value where there are several.
pub fn mean_and_deviation(values: &[f64]) -> Option<(f64, Option<f64>)> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
    (!values.is_empty()).then_some((mean, deviation))
}

impl Comparison {
    /// The second arm's epochs down to the threshold over the first's, of each seed with which both came down, ascending.
    pub fn ratios(&self) -> Vec<f64> {
        let ratio = |seed: &SeedComparison| match seed.reached {
            [Some(first), Some(second)] => Some(f64::from(second) / f64::from(first)),
            _ => None,
        };
        let mut ratios: Vec<f64> = self.seeds.iter().filter_map(ratio).collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    }

    /// `At epoch 30 all-Tanh is 0.17 ± 0.05 points above ReLU+Tanh (mean ± sd, 5 seeds).`
    pub fn gap(&self) -> String {
        let gaps: Vec<f64> = self.seeds.iter().map(|seed| seed.gap).collect();
        let (mean, deviation) = mean_and_deviation(&gaps).unwrap_or((0.0, None));
        let [first, second] = &self.titles;
        let over = match self.seeds.len() {
            1 => "one seed".into(),
            count => format!("mean ± sd, {count} seeds"),
        };
        let spread = deviation.map_or(String::new(), |deviation| format!(" ± {deviation:.2}"));
        let epoch = self.epoch;
        if mean.abs() < 0.005 {
            let apart = if deviation.is_some() { format!("0.00{spread} points, ") } else { String::new() };
            return format!("At epoch {epoch} {second} is level with {first} ({apart}{over}).");
        }
        let way = if mean > 0.0 { "above" } else { "below" };
        format!("At epoch {epoch} {second} is {:.2}{spread} points {way} {first} ({over}).", mean.abs())
    }

    /// `To 1.37 % all-Tanh took 1.0 times ReLU+Tanh's epochs (median of 5 seeds, 0.8 to 1.9).`
    pub fn epochs_taken(&self, finished: bool) -> Option<String> {
        let threshold = self.threshold?;
        let [first, second] = &self.titles;
        let ratios = self.ratios();
        if let [seed] = self.seeds.as_slice() {
            let none = if finished { "never" } else { "not yet" };
            let when = |epoch: Option<u32>| epoch.map_or(none.into(), |epoch| format!("in epoch {epoch}"));
            return Some(match seed.reached {
                [Some(one), Some(other)] if one == other => {
                    format!("{threshold} % or below: both in epoch {one} (one seed).")
                }
                [one, other] => {
                    let times = ratios.first().map_or(String::new(), |ratio| format!(", {ratio:.1} times as many"));
                    format!("{threshold} % or below: {first} {}, {second} {}{times}.", when(one), when(other))
                }
            });
        }
        let count = self.seeds.len();
        if let ([low, .., high], true) = (ratios.as_slice(), ratios.len() == count) {
            let middle = f64::midpoint(ratios[(count - 1) / 2], ratios[count / 2]);
            return Some(format!(
                "To {threshold} % {second} took {middle:.1} times {first}'s epochs (median of {count} seeds, {low:.1} to {high:.1})."
            ));
        }
        let came = |arm: usize| self.seeds.iter().filter(|seed| seed.reached[arm].is_some()).count();
        let yet = if finished { "" } else { " so far" };
        let (one, other) = (came(0), came(1));
        Some(format!("{threshold} % or below{yet}: {first} with {one} of {count} seeds, {second} with {other}."))
    }
}

/// What a race says of its first two arms.
pub fn verdict(study: &Study, records: &[EpochRecord], finished: bool) -> Option<String> {
    let [first, second, ..] = study.arms.as_slice() else { return None };
    let comparison = compare(study, [first.id, second.id], records)?;
    let taken = comparison.epochs_taken(finished).map_or(String::new(), |taken| format!(" {taken}"));
    Some(format!("{}{taken}", comparison.gap()))
}

#[cfg(test)]
mod tests {
    use super::super::Preset;
    use super::*;

    fn records(arm: ArmId, seed: u64, errors: &[f64]) -> Vec<EpochRecord> {
        let record = |(at, &error): (usize, &f64)| {
            EpochRecord::new(Lane { arm, seed }, at as u32 + 1, [(Metric::ValError, error)])
        };
        errors.iter().enumerate().map(record).collect()
    }

    fn told(first: &[&[f64]], second: &[&[f64]], epochs: u32) -> Option<String> {
        let mut all = Vec::new();
        for (arm, lanes) in [(ArmId::RELU_TANH, first), (ArmId::ALL_TANH, second)] {
            for (seed, errors) in lanes.iter().enumerate() {
                all.extend(records(arm, seed as u64 + 1, errors));
            }
        }
        verdict(&Study { epochs, ..Study::of(Preset::Article) }, &all, true)
    }

    /// The runs that the README tells of: which arm is ahead hangs on the seed, and their best errors play no part.
    #[test]
    fn the_articles_race_is_measured_at_its_own_threshold() {
        let article = Study::of(Preset::Article);
        let text = include_str!("../../assets/runs/article-five-seeds.csv");
        let records: Vec<EpochRecord> =
            csv::Reader::from_reader(text.as_bytes()).deserialize().collect::<Result<_, _>>().unwrap();
        let comparison = compare(&article, [ArmId::RELU_TANH, ArmId::ALL_TANH], &records).unwrap();
        assert_eq!((comparison.threshold, comparison.epoch, comparison.seeds.len()), (Some(1.37), 150, 5));
        let ratio = |seed: &SeedComparison| {
            let [first, second] = seed.reached.map(Option::unwrap);
            (100.0 * f64::from(second) / f64::from(first)).round() / 100.0
        };
        assert_eq!(comparison.seeds.iter().map(ratio).collect::<Vec<_>>(), [0.94, 1.0, 1.0, 0.79, 1.89]);
        assert_eq!(
            verdict(&article, &records, true).unwrap(),
            "At epoch 150 all-Tanh is level with ReLU+Tanh (0.00 ± 0.12 points, mean ± sd, 5 seeds). \
             To 1.37 % all-Tanh took 1.0 times ReLU+Tanh's epochs (median of 5 seeds, 0.8 to 1.9)."
        );
    }

    #[test]
    fn one_epoch_tells_a_gap_and_no_pace() {
        let at_once = "At epoch 1 all-Tanh is 0.55 points above ReLU+Tanh (one seed).";
        assert_eq!(told(&[&[3.5]], &[&[4.05]], 1).unwrap(), at_once);
        assert_eq!(told(&[&[]], &[&[3.0]], 1), None);
    }

    #[test]
    fn a_study_above_the_articles_threshold_counts_to_a_round_one() {
        assert_eq!(
            told(&[&[6.0, 4.4, 3.6]], &[&[9.0, 5.5, 3.9]], 3).unwrap(),
            "At epoch 3 all-Tanh is 0.30 points above ReLU+Tanh (one seed). 4 % or below: both in epoch 3 (one seed)."
        );
        assert_eq!(
            told(&[&[6.0, 3.9, 3.6]], &[&[9.0, 5.5, 3.9]], 3).unwrap(),
            "At epoch 3 all-Tanh is 0.30 points above ReLU+Tanh (one seed). \
             4 % or below: ReLU+Tanh in epoch 2, all-Tanh in epoch 3, 1.5 times as many."
        );
    }

    #[test]
    fn an_arm_that_does_not_come_down_is_told() {
        assert_eq!(
            told(&[&[2.0, 1.3]], &[&[2.5, 1.5]], 2).unwrap(),
            "At epoch 2 all-Tanh is 0.20 points above ReLU+Tanh (one seed). \
             1.37 % or below: ReLU+Tanh in epoch 2, all-Tanh never."
        );
        assert_eq!(
            told(&[&[2.0, 1.3], &[2.0, 1.5]], &[&[2.5, 1.5], &[2.5, 1.4]], 2).unwrap(),
            "At epoch 2 all-Tanh is 0.05 ± 0.21 points above ReLU+Tanh (mean ± sd, 2 seeds). \
             1.37 % or below: ReLU+Tanh with 1 of 2 seeds, all-Tanh with 0."
        );
        // Ahead is not always the first.
        assert!(told(&[&[2.0, 1.5]], &[&[2.5, 1.3]], 2).unwrap().contains("all-Tanh is 0.20 points below ReLU+Tanh"));
    }

    /// The last epoch in common counts, and a seed that waits for a core holds nobody back.
    #[test]
    fn only_what_can_be_compared_is() {
        let long = [3.0; 100];
        let told = told(&[&long, &[9.0]], &[&long[..99], &[9.5]], 100).unwrap();
        assert!(told.starts_with("At epoch 99 all-Tanh is level with ReLU+Tanh (one seed)"), "{told}");
        assert!(keeps_up(148, 150, 150) && keeps_up(1, 2, 30) && !keeps_up(3, 150, 150) && !keeps_up(0, 1, 30));
    }
}
