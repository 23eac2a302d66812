//! Whether two arms differ: those of the runs that the laboratory shows, chosen by keys, compared by `statistics`.

use crate::{App, Effect, StoreQuery, TrainingRun};
use protocol::{
    ArmId, DataSource, DifferingSetting, ImageSet, Lane, MILESTONE, Network, RunId, arm_history, best_cells,
    differing_settings,
};
use statistics::{ArmCurves, AtEpoch, Comparison, Quantity, Threshold};
use std::collections::HashMap;

/// An arm of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComparedArm {
    pub run: RunId,
    pub arm: ArmId,
}

/// What the arrows change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CompareField {
    #[default]
    First,
    Second,
    Threshold,
}

impl CompareField {
    pub const ALL: [Self; 3] = [Self::First, Self::Second, Self::Threshold];

    pub(super) fn step(self, by: isize) -> Self {
        let at = Self::ALL.iter().position(|field| *field == self).unwrap_or(0);
        Self::ALL[at.saturating_add_signed(by).min(Self::ALL.len() - 1)]
    }
}

/// Which arms are compared, and how.
#[derive(Debug, Default)]
pub struct CompareView {
    pub field: CompareField,
    /// The arms that were chosen; while none is, the first one that is shown and one of another run, else the first two.
    arms: [Option<ComparedArm>; 2],
    /// The validation error to which epochs are counted, if the reader has named one.
    pub(super) threshold: Option<f64>,
    /// Images that lanes got wrong at an epoch, as the store has them.
    wrong: HashMap<(RunId, Lane, u32), ImageSet>,
}

impl CompareView {
    pub(super) fn with_threshold(threshold: Option<f64>) -> Self {
        Self { threshold, ..Self::default() }
    }
}

/// Two arms beside each other.
#[derive(Clone, Debug)]
pub struct LabComparison {
    pub arms: [ComparedArm; 2],
    pub differing: Vec<DifferingSetting>,
    /// What decided their numbers besides their settings.
    pub history: Vec<String>,
    pub comparison: Comparison,
}

impl App {
    /// Every arm of the runs that are shown.
    pub fn lab_arms(&self) -> Vec<ComparedArm> {
        let of_run = |training: &&TrainingRun| {
            let run = training.run;
            training.spec.arm_ids().map(|arm| ComparedArm { run, arm }).collect::<Vec<_>>()
        };
        self.lab_runs().iter().flat_map(of_run).collect()
    }

    /// The arms that are compared; `None` with fewer than two to choose from.
    pub fn compared_arms(&self) -> Option<[ComparedArm; 2]> {
        let all = self.lab_arms();
        let [first, second] = self.lab.compare.arms.map(|arm| arm.filter(|arm| all.contains(arm)));
        let best = self.best_of_sweep();
        let usual = best.iter().chain(&all).copied();
        let first = first.or_else(|| usual.clone().find(|arm| Some(*arm) != second))?;
        // An arm of a fork differs from what it was forked from in what was changed.
        let fork = self.training_runs.get(&first.run).and_then(|training| training.fork);
        let parent = fork.map(|fork| ComparedArm { run: fork.parent, ..first }).filter(|parent| all.contains(parent));
        // Runs that are shown together are there to be compared: the same arm in another of them, else its first.
        let own = first.run;
        let others = || all.iter().copied().filter(move |arm| arm.run != own);
        let of_other_run = others().find(|arm| arm.arm == first.arm).or_else(|| others().next());
        let second = second.or(parent).or(of_other_run);
        let second = second.or_else(|| usual.clone().find(|arm| *arm != first))?;
        Some([first, second])
    }

    /// The best cell of each arm of the sweep that is shown.
    fn best_of_sweep(&self) -> Vec<ComparedArm> {
        let Some(run) = self.lab.run else { return Vec::new() };
        let results = self.sweep_results();
        let best = best_cells(&results).into_iter().filter_map(|(_, best)| best);
        best.map(|result| ComparedArm { run, arm: result.cell.arm }).collect()
    }

    /// The validation error to which epochs are counted: the reader's, else the article's for its own network and images.
    pub fn lab_threshold(&self) -> Option<f64> {
        let is_article = |training: &&TrainingRun| {
            training.spec.network == Network::Lenet4 && training.spec.data == DataSource::Mnist
        };
        self.lab.compare.threshold.or_else(|| self.lab_runs().iter().all(is_article).then_some(MILESTONE))
    }

    pub fn lab_comparison(&self) -> Option<LabComparison> {
        let arms = self.compared_arms()?;
        let quantity = Quantity::VAL_ERROR;
        let runs = [self.training_runs.get(&arms[0].run)?, self.training_runs.get(&arms[1].run)?];
        let curves = [0, 1].map(|side| {
            let training: &TrainingRun = runs[side];
            let records = training.lanes.iter().flat_map(|lane| &lane.points);
            let diverged: Vec<(Lane, u32)> =
                training.lanes.iter().filter_map(|lane| Some((lane.lane, lane.diverged?.0))).collect();
            ArmCurves::of(training.run, &training.spec, arms[side].arm, quantity, records, &diverged)
        });
        let threshold = self.lab_threshold().and_then(|value| Threshold::new(quantity, value));
        let mut comparison = Comparison::of(quantity, [&curves[0], &curves[1]], AtEpoch::LastCommon, threshold);
        if let Some(epoch) = comparison.epoch {
            // What the store has not answered yet is left out.
            let lanes = |seed| arms.map(|ComparedArm { run, arm }| (run, Lane { arm, seed }, epoch));
            let wrong = &self.lab.compare.wrong;
            if comparison.pairs.iter().all(|pair| lanes(pair.seed).iter().all(|lane| wrong.contains_key(lane))) {
                let of = |side: usize, seed| {
                    Ok::<_, std::convert::Infallible>(wrong.get(&lanes(seed)[side]).cloned().unwrap_or_default())
                };
                let Ok(()) = comparison.compare_answers(of);
            }
        }
        let differing = differing_settings([0, 1].map(|side| (&runs[side].spec, arms[side].arm)));
        let history = [0, 1].into_iter().flat_map(|side| {
            let training = runs[side];
            arm_history(training.run, &training.spec, arms[side].arm, &training.steerings, training.fork)
        });
        let history = history.collect();
        Some(LabComparison { arms, differing, history, comparison })
    }

    /// Asks for the images that the compared lanes got wrong, once they have come to rest.
    pub(super) fn request_wrong_images(&mut self) -> Vec<Effect> {
        let Some(LabComparison { arms, comparison, .. }) = self.lab_comparison() else { return Vec::new() };
        let Some(epoch) = comparison.epoch else { return Vec::new() };
        let is_active = |run: RunId| self.training_runs.get(&run).is_some_and(|training| training.state.is_active());
        if arms.iter().any(|arm| is_active(arm.run)) {
            return Vec::new();
        }
        let seeds = comparison.pairs.iter().map(|pair| pair.seed);
        let lanes = seeds.flat_map(|seed| arms.map(|ComparedArm { run, arm }| (run, Lane { arm, seed })));
        let unknown = lanes.filter(|(run, lane)| !self.lab.compare.wrong.contains_key(&(*run, *lane, epoch)));
        unknown.map(|(run, lane)| Effect::Query(StoreQuery::WrongImages { run, lane, epoch })).collect()
    }

    /// The images that a lane got wrong at an epoch; of a run without stored answers none.
    pub(crate) fn load_wrong_images(&mut self, run: RunId, lane: Lane, epoch: u32, wrong: ImageSet) -> Vec<Effect> {
        self.lab.compare.wrong.insert((run, lane, epoch), wrong);
        self.pending_queries.finish(StoreQuery::WrongImages { run, lane, epoch }).1
    }

    /// Names the validation error to which epochs are counted.
    pub(super) fn set_lab_threshold(&mut self, text: &str) -> Result<(), String> {
        let text = text.trim();
        let value = text.parse::<f64>().ok().filter(|value| (0.0..=100.0).contains(value));
        let value = value.ok_or_else(|| format!("`{text}` is no error in percent; take 0 to 100"))?;
        self.lab.compare.threshold = Some(value);
        Ok(())
    }

    /// Takes another arm on the chosen side.
    pub(super) fn step_compared_arm(&mut self, up: bool) {
        let side = match self.lab.compare.field {
            CompareField::First => 0,
            CompareField::Second => 1,
            CompareField::Threshold => {
                self.message = Some("type the value to which epochs are counted; x takes the usual one".into());
                return;
            }
        };
        let all = self.lab_arms();
        let Some(mut chosen) = self.compared_arms() else {
            self.message = Some("there is one arm to choose from; o shows other runs beside it".into());
            return;
        };
        let at = all.iter().position(|arm| *arm == chosen[side]).unwrap_or(0);
        let next = all[(at + if up { 1 } else { all.len() - 1 }) % all.len()];
        // The other side gives way, so that no arm is compared with itself.
        if chosen[1 - side] == next {
            chosen[1 - side] = chosen[side];
        }
        chosen[side] = next;
        self.lab.compare.arms = chosen.map(Some);
    }
}
