//! Two arms, of one run or of two, beside each other: seed by seed, at one epoch.

use super::{ArmCurves, LaneCurve, McNemar, PairedTest, Quantity, Ratio, Summary, pairs_needed, power::LEVEL};
use protocol::{
    ArmId, Better, EpochRecord, ImageSet, Lane, Metric, RunId, Study, format_count, grouped, is_at_or_below,
    is_compared,
};
use std::{collections::BTreeSet, fmt};

/// At which epoch two arms are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEpoch {
    /// The last that all seeds which both have did with both. A seed that waits for a core, or was given one much later,
    /// holds the others back no more than it does on the chart.
    LastCommon,
    Number(u32),
}

/// A value that a quantity has to come to, named before anything is measured: one that is chosen afterwards, such as
/// the best of an arm, favours it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    value: f64,
    direction: Direction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Falling,
    Rising,
}

impl Threshold {
    /// `None` for a quantity that is neither better low nor better high.
    pub fn new(quantity: Quantity, value: f64) -> Option<Self> {
        let direction = match quantity.better() {
            Better::Lower => Direction::Falling,
            Better::Higher => Direction::Rising,
            Better::Neither => return None,
        };
        Some(Self { value, direction })
    }

    /// The first epoch at which a lane is there.
    pub fn first_epoch(self, lane: &LaneCurve) -> Option<u32> {
        let is_there = |value: f64| match self.direction {
            Direction::Falling => is_at_or_below(value, self.value),
            Direction::Rising => is_at_or_below(-value, -self.value),
        };
        lane.values.iter().find(|&&(_, value)| is_there(value)).map(|&(epoch, _)| epoch)
    }
}

/// One arm at the epoch of the comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmSummary {
    pub run: RunId,
    pub arm: ArmId,
    /// As the sentence names it: with its run where the arms are of two.
    pub title: String,
    /// The seeds that have a value at that epoch, ascending, in common with the other arm or not.
    pub seeds: Vec<u64>,
    /// Of these seeds' values.
    pub summary: Option<Summary>,
}

/// A seed with a value of both arms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    pub seed: u64,
    pub a: f64,
    pub b: f64,
}

/// A seed that is not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub seed: u64,
    pub why: Why,
}

/// Why a seed is not compared; an arm is the first or the second. Of two reasons the first of these is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The loss of that arm left the finite numbers in this epoch.
    Diverged { arm: usize, epoch: u32 },
    /// That arm never trained with it.
    NotTrained { arm: usize },
    /// That arm has not come to the epoch of the comparison, but to this one.
    Behind { arm: usize, last: u32 },
}

/// Epochs that each arm took to a threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochsToThreshold {
    pub threshold: f64,
    direction: Direction,
    /// The first epoch at the threshold of each of [`ArmSummary::seeds`]; `None` for never.
    pub epochs: [Vec<Option<u32>>; 2],
    /// The same of the pairs.
    pub pairs: Vec<[Option<u32>; 2]>,
    /// The last epoch that each arm has come to with any of the pairs.
    last: [u32; 2],
    /// How many times the second arm's epochs the first took, over the seeds with which both came there.
    pub ratio: Option<Ratio>,
}

/// Both networks of a seed on the images that both are measured with.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedAnswers {
    pub seed: u64,
    pub outcome: Result<McNemar, NoAnswers>,
}

/// Why two networks can't be compared image by image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswers {
    /// The run did not store which images were wrong.
    NotStored(RunId),
    OtherImages,
}

impl fmt::Display for NoAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStored(run) => {
                write!(f, "run {run} has no stored answers of single images; runs of earlier versions have none")
            }
            Self::OtherImages => f.write_str("the two runs are not measured with the same images"),
        }
    }
}

/// The first arm beside the second. Differences are the first less the second.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub quantity: Quantity,
    /// `None` if there is no epoch that both have done.
    pub epoch: Option<u32>,
    pub arms: [ArmSummary; 2],
    /// Ascending by seed.
    pub pairs: Vec<Pair>,
    pub left_out: Vec<LeftOut>,
    /// `None` with fewer than two pairs.
    pub paired: Option<PairedTest>,
    /// Whether the images of both come from the same place.
    same_data: bool,
    /// How the images that both were measured with differ, where they do.
    other_images: Option<String>,
    /// Of each pair, see [`Comparison::compare_answers`]; empty before.
    pub answers: Vec<SeedAnswers>,
    pub to_threshold: Option<EpochsToThreshold>,
}

impl Comparison {
    pub fn of(quantity: Quantity, arms: [&ArmCurves; 2], epoch: AtEpoch, threshold: Option<Threshold>) -> Self {
        let epoch = match epoch {
            AtEpoch::Number(epoch) => Some(epoch),
            AtEpoch::LastCommon => last_common_epoch(arms),
        };
        let value = |lane: &LaneCurve| lane.at(epoch?);
        let names_runs = arms[0].run != arms[1].run;
        let summaries = arms.map(|arm| {
            let known: Vec<(u64, f64)> = arm.lanes.iter().filter_map(|lane| Some((lane.seed, value(lane)?))).collect();
            let values: Vec<f64> = known.iter().map(|&(_, value)| value).collect();
            let title = if names_runs { format!("{} (run {})", arm.title, arm.run) } else { arm.title.clone() };
            let seeds = known.into_iter().map(|(seed, _)| seed).collect();
            ArmSummary { run: arm.run, arm: arm.arm, title, seeds, summary: Summary::of(&values) }
        });
        let all: BTreeSet<u64> = arms.iter().flat_map(|arm| arm.lanes.iter().map(|lane| lane.seed)).collect();
        let (mut pairs, mut left_out) = (Vec::new(), Vec::new());
        for seed in all {
            let lanes = arms.map(|arm| arm.lane(seed));
            if let [Some(a), Some(b)] = lanes.map(|lane| value(lane?)) {
                pairs.push(Pair { seed, a, b });
            } else {
                let whys = [0, 1].map(|arm| (arm, lanes[arm])).into_iter().filter_map(|(arm, lane)| match lane {
                    None => Some(Why::NotTrained { arm }),
                    Some(lane) if value(lane).is_some() => None,
                    Some(lane) => Some(match lane.diverged {
                        Some(epoch) => Why::Diverged { arm, epoch },
                        None => Why::Behind { arm, last: lane.last() },
                    }),
                });
                left_out.extend(whys.min().map(|why| LeftOut { seed, why }));
            }
        }
        let other_images = other_images(quantity.metric(), arms);
        if other_images.is_some() {
            // A difference of errors on other images is no measurement.
            pairs.clear();
        }
        let paired = PairedTest::of(&pairs.iter().map(|pair| (pair.a, pair.b)).collect::<Vec<_>>());
        let to_threshold = threshold.map(|threshold| EpochsToThreshold::of(threshold, arms, &summaries, &pairs));
        Self {
            quantity,
            epoch,
            arms: summaries,
            pairs,
            left_out,
            paired,
            same_data: arms[0].data == arms[1].data,
            other_images,
            answers: Vec::new(),
            to_threshold,
        }
    }

    /// Whether both are the same arm of the same run.
    pub fn is_of_one_arm(&self) -> bool {
        let [a, b] = &self.arms;
        (a.run, a.arm) == (b.run, b.arm)
    }

    /// Puts McNemar's test of every pair in. `wrong` gives the images that an arm, the first or the second, got wrong
    /// with a seed; an empty split where that was not stored.
    ///
    /// # Errors
    /// The first error of `wrong`.
    pub fn compare_answers<E>(&mut self, mut wrong: impl FnMut(usize, u64) -> Result<ImageSet, E>) -> Result<(), E> {
        for pair in &self.pairs {
            let [a, b] = [wrong(0, pair.seed)?, wrong(1, pair.seed)?];
            let without = [&a, &b].into_iter().position(|set| set.images() == 0);
            let outcome = match without {
                Some(arm) => Err(NoAnswers::NotStored(self.arms[arm].run)),
                None if !self.same_data => Err(NoAnswers::OtherImages),
                None => McNemar::of(&a, &b).ok_or(NoAnswers::OtherImages),
            };
            self.answers.push(SeedAnswers { seed: pair.seed, outcome });
        }
        Ok(())
    }

    /// Why no pair has a test, where that is so.
    pub fn no_answers(&self) -> Option<String> {
        let reasons: Option<Vec<NoAnswers>> = self.answers.iter().map(|answers| answers.outcome.err()).collect();
        reasons?.first().map(ToString::to_string)
    }

    /// What can be said of the difference, in one plain sentence: no more than the interval and p allow.
    pub fn sentence(&self) -> String {
        let [a, b] = [&self.arms[0].title, &self.arms[1].title];
        let what = self.quantity.title();
        if self.is_of_one_arm() {
            return format!("Both are {a} of run {}, so nothing differs; name another arm or run.", self.arms[0].run);
        }
        if let Some(images) = &self.other_images {
            return format!("The {what} of {a} and that of {b} do not compare: {images}.");
        }
        let (Some(epoch), [first, ..]) = (self.epoch, self.pairs.as_slice()) else {
            return self.without_pairs();
        };
        let Some(paired) = self.paired else { return self.of_one_seed(epoch, *first) };
        let seeds = match self.left_out.len() {
            0 => format!("{} seeds", paired.count),
            left_out => format!("{} of {} seeds", paired.count, paired.count + left_out),
        };
        let (low, high) = paired.interval;
        let Some(test) = paired.test else {
            if paired.mean == 0.0 {
                return format!(
                    "At epoch {epoch} {a} and {b} have the same {what} with each of {seeds}, so we cannot tell them \
                     apart."
                );
            }
            return format!(
                "{} with each of {seeds}; differences without any spread cannot tell how much seeds vary, and more \
                 seeds would.",
                self.lead(epoch, paired.mean)
            );
        };
        let decimals = self.decimals(&[low, high, paired.mean]);
        if test.p < LEVEL {
            let (near, far) = if paired.mean < 0.0 { (-high, -low) } else { (low, high) };
            return format!(
                "{} (95 % interval {near:.decimals$} to {far:.decimals$}, {}, {seeds}).",
                self.lead_with(epoch, paired.mean, decimals),
                print_p(test.p)
            );
        }
        let by = self.amount(paired.mean, decimals);
        let more = pairs_needed(paired.mean, paired.deviation).map(|pairs| pairs.saturating_sub(paired.count).max(1));
        let remedy = more.map_or_else(
            || format!("so small a difference would take more than {} seeds", super::MOST_PAIRS),
            |more| format!("about {} would tell", format_count(more, "more seed")),
        );
        format!(
            "At epoch {epoch} we cannot tell yet whether {a} and {b} differ in {what}: by {by} so far (95 % interval \
             {low:.decimals$} to {high:.decimals$}, {seeds}); {remedy}."
        )
    }

    /// Why there is nothing to compare.
    fn without_pairs(&self) -> String {
        let [a, b] = [&self.arms[0].title, &self.arms[1].title];
        let cannot = format!("We cannot tell whether {a} and {b} differ in {}", self.quantity.title());
        let share_none = self.left_out.iter().all(|left_out| matches!(left_out.why, Why::NotTrained { .. }));
        match self.left_out.first() {
            Some(_) if share_none => format!("{cannot}: they share no seed; train both with the same seeds."),
            Some(left_out) => {
                let others = match self.left_out.len() - 1 {
                    0 => String::new(),
                    1 => "; another seed is left out as well".into(),
                    more => format!("; {more} more seeds are left out as well"),
                };
                format!("{cannot}: {}{others}.", self.reason(left_out))
            }
            None => format!("{cannot}: nothing is measured yet."),
        }
    }

    fn of_one_seed(&self, epoch: u32, pair: Pair) -> String {
        let [a, b] = [&self.arms[0].title, &self.arms[1].title];
        let difference = pair.a - pair.b;
        let lead = if difference == 0.0 {
            format!("At epoch {epoch} {a} and {b} have the same {}", self.quantity.title())
        } else {
            self.lead(epoch, difference)
        };
        // The test is of errors.
        let is_error = matches!(self.quantity.metric(), Metric::ValError | Metric::TestError);
        match self.answers.first().map(|answers| &answers.outcome) {
            Some(Ok(mcnemar)) if is_error && mcnemar.p < LEVEL => format!(
                "{lead}; on the same images these two networks differ (McNemar, {}), but one seed cannot tell whether \
                 others would.",
                print_p(mcnemar.p)
            ),
            Some(Ok(mcnemar)) if is_error && difference != 0.0 => format!(
                "{lead}; on the same images that is within chance (McNemar, {}), and one seed cannot tell more.",
                print_p(mcnemar.p)
            ),
            _ => format!("{lead}; one seed cannot tell whether others would agree."),
        }
    }

    /// What is measured: `At epoch 60 the validation error of ReLU+Tanh is 0.12 points below that of all-Tanh`.
    fn lead(&self, epoch: u32, difference: f64) -> String {
        self.lead_with(epoch, difference, self.decimals(&[difference]))
    }

    fn lead_with(&self, epoch: u32, difference: f64, decimals: usize) -> String {
        let [a, b] = [&self.arms[0].title, &self.arms[1].title];
        let way = if difference < 0.0 { "below" } else { "above" };
        let by = self.amount(difference.abs(), decimals);
        format!("At epoch {epoch} the {} of {a} is {by} {way} that of {b}", self.quantity.title())
    }

    /// A difference with its unit.
    pub fn amount(&self, difference: f64, decimals: usize) -> String {
        let unit = self.quantity.unit_of_difference();
        let gap = if unit.is_empty() { "" } else { " " };
        format!("{difference:.decimals$}{gap}{unit}")
    }

    /// So many that the largest of these differences has two digits, and none that is not 0 reads as 0. Points have two.
    pub fn decimals(&self, differences: &[f64]) -> usize {
        const MOST: usize = 9;
        let largest = differences.iter().fold(0.0_f64, |most, difference| most.max(difference.abs()));
        let digits = if self.quantity.unit_of_difference() == "points" || largest == 0.0 {
            2
        } else {
            (1.0 - largest.log10().floor()).clamp(0.0, MOST as f64) as usize
        };
        let vanishes = |decimals: usize| {
            let half = 0.5 * 0.1_f64.powi(decimals as i32);
            differences.iter().any(|difference| *difference != 0.0 && difference.abs() < half)
        };
        (digits..MOST).find(|&decimals| !vanishes(decimals)).unwrap_or(MOST)
    }

    /// `seed 3: all-Tanh diverged in epoch 7`.
    pub fn reason(&self, left_out: &LeftOut) -> String {
        let title = |arm: usize| &self.arms[arm].title;
        let seed = left_out.seed;
        match left_out.why {
            Why::NotTrained { arm } => format!("seed {seed}: {} was not trained with it", title(arm)),
            Why::Diverged { arm, epoch } => format!("seed {seed}: {} diverged in epoch {epoch}", title(arm)),
            Why::Behind { arm, last: 0 } => format!("seed {seed}: {} has not been measured", title(arm)),
            Why::Behind { arm, last } => format!("seed {seed}: {} has been measured to epoch {last}", title(arm)),
        }
    }

    /// What can be said of the epochs to the threshold, where one was named.
    pub fn threshold_sentence(&self) -> Option<String> {
        let to = self.to_threshold.as_ref()?;
        if self.is_of_one_arm() || self.pairs.is_empty() || self.other_images.is_some() {
            return None;
        }
        let [a, b] = [&self.arms[0].title, &self.arms[1].title];
        let unit = self.quantity.metric().entry().unit;
        let gap = if unit.is_empty() { "" } else { " " };
        let threshold = format!("{}{gap}{unit}", to.threshold);
        let (path, beyond) = match to.direction {
            Direction::Falling => ("Down to", "or below"),
            Direction::Rising => ("Up to", "or above"),
        };
        let neither = || match to.last {
            [one, other] if one == other => {
                format!("{threshold} {beyond}: neither in {}.", format_count(one as usize, "epoch"))
            }
            [one, other] => format!("{threshold} {beyond}: neither, {a} in {one} epochs and {b} in {other}."),
        };
        let all = to.pairs.len();
        if let [[one, other]] = to.pairs[..] {
            let when = |arm: usize, epoch: Option<u32>| {
                epoch.map_or_else(|| format!("{} epochs", to.absence(arm)), |epoch| format!("in epoch {epoch}"))
            };
            return Some(match (one, other) {
                (None, None) => neither(),
                (Some(one), Some(other)) if one == other => format!("{threshold} {beyond}: both in epoch {one}."),
                _ => format!("{threshold} {beyond}: {a} {}, {b} {}.", when(0, one), when(1, other)),
            });
        }
        let both = to.pairs.iter().filter(|pair| pair.iter().all(Option::is_some)).count();
        // The sentence on the difference tells how many there are.
        let some = if both == all { String::new() } else { format!(", {both} of {all} seeds") };
        let each = if both == all { format!("{all} seeds") } else { format!("{both} of {all} seeds") };
        Some(match to.ratio {
            Some(ratio) if ratio.is_constant && to.pairs.iter().all(|[one, other]| one == other) => {
                format!("{path} {threshold} both took the same epochs with each of {each}.")
            }
            Some(Ratio { mean, is_constant: true, .. }) => {
                format!("{path} {threshold} {a} took {mean:.2} times the epochs of {b} with each of {each}.")
            }
            Some(Ratio { mean, interval: (low, high), .. }) => {
                let tells = low > 1.0 || high < 1.0;
                let decimals = (2..5).find(|&decimals| !reads_as_one(&[low, high], decimals)).unwrap_or(5);
                let interval = format!("95 % interval {low:.decimals$} to {high:.decimals$}{some}");
                let took = format!("{a} took {mean:.2} times the epochs of {b}");
                if tells {
                    format!("{path} {threshold} {took} ({interval}).")
                } else {
                    format!("{path} {threshold} we cannot tell which is faster: {took} ({interval}).")
                }
            }
            None => {
                let came = |arm: usize| to.pairs.iter().filter(|pair| pair[arm].is_some()).count();
                match (came(0), came(1)) {
                    (0, 0) => neither(),
                    (one, other) => {
                        format!("{threshold} {beyond}: {a} with {one} of {all} seeds, {b} with {other}.")
                    }
                }
            }
        })
    }
}

/// What a run says of its first two arms: of the metric that its study is about and, once a lane has come down to it, of the
/// epochs to the published value, if it is of the published network and data set. With more arms it says that these two are meant.
/// `None` where there is one arm, or nothing to compare. Lanes that diverged come with the epoch in which they did.
pub fn compare_first_arms(
    run: RunId,
    study: &Study,
    records: &[EpochRecord],
    diverged: &[(Lane, u32)],
) -> Option<String> {
    let [first, second, ..] = study.arms.as_slice() else { return None };
    let quantity = Quantity::new(study.headline_metric(), None).ok()?;
    let [a, b] = [first.id, second.id].map(|arm| ArmCurves::of(run, study, arm, quantity, records, diverged));
    // A published value says nothing of other networks and images.
    let milestone = study.milestone().filter(|milestone| milestone.metric == quantity.metric());
    let threshold = milestone.and_then(|milestone| Threshold::new(quantity, milestone.value));
    let comparison = Comparison::of(quantity, [&a, &b], AtEpoch::LastCommon, threshold);
    if comparison.pairs.is_empty() {
        return None;
    }
    let is_met = |to: &EpochsToThreshold| to.pairs.iter().flatten().any(Option::is_some);
    let to_threshold = comparison.to_threshold.as_ref().is_some_and(is_met);
    let to_threshold = to_threshold.then(|| comparison.threshold_sentence()).flatten();
    let which = (study.arms.len() > 2).then(|| format!("Compared are the first two of {} arms.", study.arms.len()));
    Some([which, Some(comparison.sentence()), to_threshold].into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// Whether an end of an interval would read as 1 and is not.
fn reads_as_one(ends: &[f64], decimals: usize) -> bool {
    let is_hidden = |off: f64| off > 0.0 && off < 0.5 * 0.1_f64.powi(decimals as i32);
    ends.iter().any(|end| is_hidden((end - 1.0).abs()))
}

/// `p = 0.0031`: as many decimals as show on which side of 5 % it lies.
pub fn print_p(p: f64) -> String {
    match p {
        0.1.. => format!("p = {p:.2}"),
        0.0001.. => format!("p = {p:.4}"),
        _ => "p < 0.0001".into(),
    }
}

impl EpochsToThreshold {
    fn of(threshold: Threshold, arms: [&ArmCurves; 2], summaries: &[ArmSummary; 2], pairs: &[Pair]) -> Self {
        let first = |arm: usize, seed: u64| arms[arm].lane(seed).and_then(|lane| threshold.first_epoch(lane));
        let epochs = [0, 1].map(|arm| summaries[arm].seeds.iter().map(|&seed| first(arm, seed)).collect());
        let last = [0, 1].map(|arm| {
            let lanes = pairs.iter().filter_map(|pair| arms[arm].lane(pair.seed));
            lanes.map(LaneCurve::last).max().unwrap_or(0)
        });
        let pairs: Vec<[Option<u32>; 2]> = pairs.iter().map(|pair| [0, 1].map(|arm| first(arm, pair.seed))).collect();
        let both: Vec<(f64, f64)> =
            pairs.iter().filter_map(|[a, b]| Some((f64::from((*a)?), f64::from((*b)?)))).collect();
        let Threshold { value, direction } = threshold;
        Self { threshold: value, direction, epochs, pairs, last, ratio: Ratio::of(&both) }
    }

    /// In place of an epoch, for a lane of an arm that has not come to the threshold: `not in 60`.
    pub fn absence(&self, arm: usize) -> String {
        format!("not in {}", self.last[arm])
    }
}

/// How the images differ that two arms measured this metric with. Training images may differ, as what was trained on is a
/// setting like others.
fn other_images(metric: Metric, arms: [&ArmCurves; 2]) -> Option<String> {
    let is_of_validation = matches!(metric, Metric::ValError | Metric::ValLoss);
    let [a, b] = arms;
    if !is_of_validation && !matches!(metric, Metric::TestError | Metric::TestLoss) {
        None
    } else if a.data != b.data {
        Some(format!("they are of other images, {} and {}", a.data, b.data))
    } else if is_of_validation && a.val_size != b.val_size {
        let [one, other] = [a, b].map(|arm| grouped(arm.val_size));
        Some(format!("they are of {one} and of {other} validation images; the test images are the same"))
    } else {
        None
    }
}

/// Over the seeds that both have, or where they have none in common over each arm's own. Lanes that diverged don't count.
fn last_common_epoch(arms: [&ArmCurves; 2]) -> Option<u32> {
    let epochs = arms[0].epochs.max(arms[1].epochs);
    let sound = |arm: &ArmCurves, seed| arm.lane(seed).filter(|lane| lane.diverged.is_none()).map(LaneCurve::last);
    let seeds = |arm: &ArmCurves| arm.lanes.iter().map(|lane| lane.seed).collect::<Vec<_>>();
    let common = seeds(arms[0]).into_iter().filter_map(|seed| Some(sound(arms[0], seed)?.min(sound(arms[1], seed)?)));
    let common = least_that_keeps_up(&common.collect::<Vec<_>>(), epochs);
    let own = |arm: &ArmCurves| {
        least_that_keeps_up(&seeds(arm).into_iter().filter_map(|seed| sound(arm, seed)).collect::<Vec<_>>(), epochs)
    };
    common.or_else(|| Some(own(arms[0])?.min(own(arms[1])?)))
}

/// The fewest epochs of the lanes that keep up with the one that did most.
fn least_that_keeps_up(done: &[u32], epochs: u32) -> Option<u32> {
    let most = done.iter().copied().max()?;
    done.iter().copied().filter(|&done| is_compared(done, most, epochs)).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{DataSource, Preset};

    fn arm(run: i64, id: ArmId, seeds: &[(u64, &[f64])]) -> ArmCurves {
        let epochs = seeds.iter().map(|(_, errors)| errors.len() as u32).max().unwrap_or(0);
        let lane = |&(seed, errors): &(u64, &[f64])| LaneCurve {
            seed,
            values: (1..).zip(errors.iter().copied()).collect(),
            diverged: None,
        };
        ArmCurves {
            run: RunId(run),
            arm: id,
            title: id.title(),
            epochs,
            val_size: 10_000,
            data: DataSource::Mnist,
            lanes: seeds.iter().map(lane).collect(),
        }
    }

    /// Both arms of one run, with these errors at one epoch, a pair a seed.
    fn at_one_epoch(pairs: &[(f64, f64)]) -> [ArmCurves; 2] {
        let seeds = |of: fn(&(f64, f64)) -> f64| -> Vec<(u64, Vec<f64>)> {
            (1..).zip(pairs.iter().map(|pair| vec![of(pair)])).collect()
        };
        [(ArmId::RELU_TANH, seeds(|pair| pair.0)), (ArmId::ALL_TANH, seeds(|pair| pair.1))].map(|(id, seeds)| {
            arm(7, id, &seeds.iter().map(|(seed, errors)| (*seed, errors.as_slice())).collect::<Vec<_>>())
        })
    }

    fn compare([a, b]: &[ArmCurves; 2]) -> Comparison {
        let threshold = Threshold::new(Quantity::VAL_ERROR, 1.37);
        Comparison::of(Quantity::VAL_ERROR, [a, b], AtEpoch::LastCommon, threshold)
    }

    fn sentence(pairs: &[(f64, f64)]) -> String {
        compare(&at_one_epoch(pairs)).sentence()
    }

    /// The means, intervals, p and numbers of seeds are those that scipy gives for these differences.
    #[test]
    fn the_sentence_claims_what_the_interval_and_p_allow() {
        let clear = [(1.13, 1.25), (1.2, 1.25), (1.05, 1.25), (1.16, 1.25), (1.14, 1.25)];
        assert_eq!(
            sentence(&clear),
            "At epoch 1 the validation error of ReLU+Tanh is 0.11 points below that of all-Tanh (95 % interval 0.05 to \
             0.18, p = 0.0098, 5 seeds)."
        );
        let turned = clear.map(|(a, b)| (b, a));
        assert!(sentence(&turned).contains("is 0.11 points above that of all-Tanh (95 % interval 0.05 to 0.18,"));
        let unclear = [(1.3, 1.25), (1.15, 1.25), (1.27, 1.25), (1.33, 1.25), (1.21, 1.25)];
        assert_eq!(
            sentence(&unclear),
            "At epoch 1 we cannot tell yet whether ReLU+Tanh and all-Tanh differ in validation error: by 0.002 points so \
             far (95 % interval -0.088 to 0.092, 5 seeds); so small a difference would take more than 1000 seeds."
        );
        // 1.5 -0.25 0.75: effect 0.76, for which 16 pairs have a power of 80 %.
        assert_eq!(
            sentence(&[(3.0, 1.5), (1.0, 1.25), (2.0, 1.25)]),
            "At epoch 1 we cannot tell yet whether ReLU+Tanh and all-Tanh differ in validation error: by 0.67 points so \
             far (95 % interval -1.51 to 2.85, 3 seeds); about 13 more seeds would tell."
        );
        // Two seeds that agree in their sign are two seeds.
        assert!(sentence(&[(1.3, 1.0), (1.2, 1.0)]).contains("we cannot tell yet"), "p is 0.13");
    }

    #[test]
    fn a_deviation_of_zero_is_no_certainty() {
        assert_eq!(
            sentence(&[(1.3, 1.1), (1.2, 1.0)]),
            "At epoch 1 the validation error of ReLU+Tanh is 0.20 points above that of all-Tanh with each of 2 seeds; \
             differences without any spread cannot tell how much seeds vary, and more seeds would."
        );
        assert_eq!(
            sentence(&[(1.3, 1.3), (1.2, 1.2)]),
            "At epoch 1 ReLU+Tanh and all-Tanh have the same validation error with each of 2 seeds, so we cannot tell \
             them apart."
        );
    }

    #[test]
    fn one_seed_tells_of_two_networks_at_most() {
        let mut one = compare(&at_one_epoch(&[(1.0, 1.5)]));
        assert_eq!(one.paired, None);
        let lead = "At epoch 1 the validation error of ReLU+Tanh is 0.50 points below that of all-Tanh; ";
        assert_eq!(one.sentence(), format!("{lead}one seed cannot tell whether others would agree."));
        let mut with = |only_a: u32, only_b: u32| {
            let wrong = |arm: usize, _| -> Result<ImageSet, ()> {
                let range = if arm == 0 { 0..only_a } else { only_a..only_a + only_b };
                Ok((0..100).map(|image| range.contains(&image)).collect())
            };
            one.answers.clear();
            one.compare_answers(wrong).unwrap();
            one.sentence()
        };
        assert_eq!(
            with(12, 30),
            format!(
                "{lead}on the same images these two networks differ (McNemar, p = 0.0079), but one seed cannot tell \
                 whether others would."
            )
        );
        assert_eq!(
            with(8, 9),
            format!(
                "{lead}on the same images that is within chance (McNemar, p = 1.00), and one seed cannot tell more."
            )
        );
        let same = sentence(&[(1.5, 1.5)]);
        assert!(
            same.starts_with("At epoch 1 ReLU+Tanh and all-Tanh have the same validation error; one seed"),
            "{same}"
        );
    }

    #[test]
    fn an_arm_is_not_compared_with_itself_and_two_runs_are_named() {
        let [a, b] = at_one_epoch(&[(1.0, 1.5), (1.1, 1.3)]);
        let own = compare(&[a.clone(), a.clone()]);
        assert_eq!(own.sentence(), "Both are ReLU+Tanh of run 7, so nothing differs; name another arm or run.");
        assert_eq!(own.paired.map(|paired| (paired.mean, paired.test)), Some((0.0, None)));
        assert_eq!(own.threshold_sentence(), None);
        let other = ArmCurves { run: RunId(8), arm: ArmId::RELU_TANH, title: "ReLU+Tanh".into(), ..b };
        let runs = compare(&[a, other]).sentence();
        assert!(runs.contains("whether ReLU+Tanh (run 7) and ReLU+Tanh (run 8) differ"), "{runs}");
    }

    #[test]
    fn seeds_that_cannot_be_paired_are_told_with_the_reason() {
        let [a, _] = at_one_epoch(&[(1.0, 1.5), (1.1, 1.3)]);
        let others = arm(8, ArmId::ALL_TANH, &[(5, &[1.0]), (6, &[1.2])]);
        let apart = compare(&[a.clone(), others]);
        assert_eq!(
            apart.sentence(),
            "We cannot tell whether ReLU+Tanh (run 7) and all-Tanh (run 8) differ in validation error: they share no \
             seed; train both with the same seeds."
        );
        assert_eq!((apart.epoch, apart.arms[1].seeds.clone(), apart.paired), (Some(1), vec![5, 6], None));
        assert_eq!(apart.left_out.len(), 4);

        // All diverged: no epoch is common to what is sound.
        let mut gone = arm(7, ArmId::ALL_TANH, &[(1, &[]), (2, &[])]);
        gone.lanes.iter_mut().for_each(|lane| lane.diverged = Some(1));
        let none = compare(&[a, gone]);
        assert_eq!((none.epoch, none.pairs.len(), none.paired), (None, 0, None));
        assert_eq!(
            none.sentence(),
            "We cannot tell whether ReLU+Tanh and all-Tanh differ in validation error: seed 1: all-Tanh diverged in epoch \
             1; another seed is left out as well."
        );
    }

    /// A seed that diverged late is left out, and one that has just begun does not hold the others back.
    #[test]
    fn the_last_common_epoch_is_that_of_the_sound_seeds_side_by_side() {
        let errors = |base: f64| -> Vec<f64> { (0..100).map(|epoch| base + 1.0 / f64::from(epoch + 1)).collect() };
        let (one, two, three) = (errors(1.0), errors(1.1), errors(1.3));
        let a = arm(7, ArmId::RELU_TANH, &[(1, &one), (2, &two), (3, &three), (4, &one[..2])]);
        let mut b = arm(7, ArmId::ALL_TANH, &[(1, &two), (2, &one[..99]), (3, &one[..40]), (4, &one[..1])]);
        b.lanes[2].diverged = Some(41);
        let found = compare(&[a.clone(), b.clone()]);
        assert_eq!((found.epoch, found.pairs.len()), (Some(99), 2));
        assert_eq!(
            found.left_out.iter().map(|left_out| found.reason(left_out)).collect::<Vec<_>>(),
            ["seed 3: all-Tanh diverged in epoch 41", "seed 4: ReLU+Tanh has been measured to epoch 2"]
        );
        assert!(found.sentence().contains("2 of 4 seeds"), "{}", found.sentence());
        // At an epoch before its end a lane that diverged later is as good as the others.
        let earlier = Comparison::of(Quantity::VAL_ERROR, [&a, &b], AtEpoch::Number(40), None);
        assert_eq!((earlier.epoch, earlier.pairs.len()), (Some(40), 3));
    }

    #[test]
    fn epochs_to_a_threshold_are_a_ratio_over_the_seeds_that_come_there() {
        let down_at = |epoch: usize| -> Vec<f64> { (1..=25).map(|at| if at >= epoch { 1.37 } else { 2.0 }).collect() };
        let of = |id, epochs: &[usize]| {
            let curves: Vec<(u64, Vec<f64>)> = (1..).zip(epochs.iter().map(|&epoch| down_at(epoch))).collect();
            arm(7, id, &curves.iter().map(|(seed, errors)| (*seed, errors.as_slice())).collect::<Vec<_>>())
        };
        let compared = |a: &[usize], b: &[usize]| {
            let found = compare(&[of(ArmId::RELU_TANH, a), of(ArmId::ALL_TANH, b)]);
            (found.to_threshold.clone().unwrap(), found.threshold_sentence().unwrap())
        };
        let never = 99;
        let (found, sentence) = compared(&[10, 12, 9], &[20, 22, 21]);
        assert_eq!(
            sentence,
            "Down to 1.37 % ReLU+Tanh took 0.49 times the epochs of all-Tanh (95 % interval 0.36 to 0.66)."
        );
        assert_eq!(found.epochs, [vec![Some(10), Some(12), Some(9)], vec![Some(20), Some(22), Some(21)]]);
        let (found, sentence) = compared(&[3, 5, 4], &[4, 4, never]);
        assert_eq!(found.epochs[1], [Some(4), Some(4), None]);
        assert_eq!(
            sentence,
            "Down to 1.37 % we cannot tell which is faster: ReLU+Tanh took 0.97 times the epochs of all-Tanh (95 % \
             interval 0.04 to 24.85, 2 of 3 seeds)."
        );
        let (found, sentence) = compared(&[3, never, 4], &[never, 4, 4]);
        assert_eq!(found.ratio, None, "one seed with which both come there");
        assert_eq!(sentence, "1.37 % or below: ReLU+Tanh with 2 of 3 seeds, all-Tanh with 2.");
        assert_eq!(compared(&[never, never], &[never, never]).1, "1.37 % or below: neither in 25 epochs.");
        assert_eq!(compared(&[3, 5], &[3, 5]).1, "Down to 1.37 % both took the same epochs with each of 2 seeds.");
        assert_eq!(
            compared(&[3, 5], &[6, 10]).1,
            "Down to 1.37 % ReLU+Tanh took 0.50 times the epochs of all-Tanh with each of 2 seeds."
        );
        assert_eq!(compared(&[3], &[never]).1, "1.37 % or below: ReLU+Tanh in epoch 3, all-Tanh not in 25 epochs.");
        assert_eq!(compared(&[3], &[3]).1, "1.37 % or below: both in epoch 3.");
        assert_eq!(compared(&[never], &[never]).1, "1.37 % or below: neither in 25 epochs.");
        assert_eq!(found.absence(1), "not in 25");
    }

    /// Errors of other images are no two values of one measure.
    #[test]
    fn errors_of_other_images_are_not_compared() {
        let ten: &[f64] = &[1.0, 0.9];
        let a = arm(7, ArmId::RELU_TANH, &[(1, ten), (2, ten)]);
        let b = ArmCurves { val_size: 2000, ..arm(8, ArmId::ALL_TANH, &[(1, ten), (2, ten)]) };
        let found = compare(&[a.clone(), b.clone()]);
        assert_eq!(
            found.sentence(),
            "The validation error of ReLU+Tanh (run 7) and that of all-Tanh (run 8) do not compare: they are of 10,000 and \
             of 2,000 validation images; the test images are the same."
        );
        assert_eq!((found.threshold_sentence(), found.pairs.len(), found.paired), (None, 0, None));
        let of = |metric: &str, b: &ArmCurves| {
            Comparison::of(metric.parse().unwrap(), [&a, b], AtEpoch::LastCommon, None).sentence()
        };
        assert!(of("test_error", &b).contains("have the same test error"), "{}", of("test_error", &b));
        assert!(of("train_loss", &b).contains("have the same training loss"), "{}", of("train_loss", &b));
        let other = ArmCurves { data: DataSource::Cifar10, ..b };
        assert!(of("test_error", &other).contains("they are of other images, mnist and cifar10"));
    }

    #[test]
    fn a_threshold_has_the_metrics_direction() {
        let quantity = |text: &str| text.parse::<Quantity>().unwrap();
        assert_eq!(Threshold::new(quantity("conv1.zeros"), 50.0), None);
        let speeds = arm(7, ArmId::RELU_TANH, &[(1, &[100.0, 300.0, 200.0])]);
        let threshold = Threshold::new(quantity("images_per_second"), 250.0).unwrap();
        assert_eq!(threshold.first_epoch(&speeds.lanes[0]), Some(2));
        // 137 of 10,000, as it is computed.
        let error = arm(7, ArmId::RELU_TANH, &[(1, &[1.38, 100.0 * 137.0 / 10_000.0])]);
        let threshold = Threshold::new(Quantity::VAL_ERROR, 1.37).unwrap();
        assert_eq!(threshold.first_epoch(&error.lanes[0]), Some(2));
    }

    #[test]
    fn no_interval_reads_as_if_it_held_zero() {
        let found = compare(&at_one_epoch(&[(1.0, 1.1)]));
        assert_eq!(found.decimals(&[0.0004, 0.19]), 4);
        assert_eq!((found.decimals(&[-0.0, 0.19]), found.decimals(&[])), (2, 2));
        let loss = Comparison { quantity: "train_loss".parse().unwrap(), ..found };
        assert_eq!((loss.decimals(&[0.0123]), loss.amount(0.0123, 3)), (3, "0.012 nats".into()));
        assert_eq!(
            (print_p(0.0499), print_p(0.5), print_p(3e-7)),
            ("p = 0.0499".into(), "p = 0.50".into(), "p < 0.0001".into())
        );
    }

    /// The runs that the README tells of.
    #[test]
    fn the_articles_arms_cannot_be_told_apart_in_five_seeds() {
        let article = Study { seeds: (1..=5).collect(), ..Study::of(Preset::Article) };
        let mut records = Vec::new();
        for line in include_str!("../../assets/runs/article-five-seeds.csv").lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let lane = Lane { arm: fields[0].parse().unwrap(), seed: fields[1].parse().unwrap() };
            let error = (Metric::ValError, fields[4].parse().unwrap());
            records.push(EpochRecord::new(lane, fields[2].parse().unwrap(), [error]));
        }
        assert_eq!(
            compare_first_arms(RunId(1), &article, &records, &[]).unwrap(),
            "At epoch 150 we cannot tell yet whether ReLU+Tanh and all-Tanh differ in validation error: by 0.00 points so \
             far (95 % interval -0.14 to 0.14, 5 seeds); so small a difference would take more than 1000 seeds. \
             Down to 1.37 % we cannot tell which is faster: ReLU+Tanh took 0.94 times the epochs of all-Tanh (95 % \
             interval 0.62 to 1.41)."
        );
        let one_arm = Study { arms: article.arms[..1].to_vec(), ..article.clone() };
        let three = Study { arms: [article.arms.clone(), one_arm.arms.clone()].concat(), ..article.clone() };
        let of_three = compare_first_arms(RunId(1), &three, &records, &[]).unwrap();
        assert!(of_three.starts_with("Compared are the first two of 3 arms. At epoch"), "{of_three}");
        assert_eq!(compare_first_arms(RunId(1), &one_arm, &records, &[]), None);
        assert_eq!(compare_first_arms(RunId(1), &article, &[], &[]), None, "nothing is measured yet");
    }
}
