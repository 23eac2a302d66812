//! A race as the notebook knows it: typed series that only grow, and what was said last.

use crate::protocol::{Advance, Arm, EpochRecord, Lane, Progress, RunEvent, RunId, RunSpec, RunState, verdict};

/// One lane's curve.
#[derive(Clone, Debug)]
pub struct LaneView {
    pub lane: Lane,
    /// In the order of their epochs, each once.
    pub points: Vec<EpochRecord>,
    pub progress: Option<Progress>,
    /// Epoch and batch at which the loss left the finite numbers.
    pub diverged: Option<(u32, u32)>,
}

impl LaneView {
    pub fn latest(&self) -> Option<&EpochRecord> {
        self.points.last()
    }

    /// The epoch of the lowest validation error; the first of equals.
    pub fn best(&self) -> Option<&EpochRecord> {
        self.points.iter().min_by(|a, b| a.val_error.total_cmp(&b.val_error).then(a.epoch.cmp(&b.epoch)))
    }

    pub fn epochs_done(&self) -> u32 {
        self.latest().map_or(0, |record| record.epoch)
    }

    /// Epochs done and the part of the one under way.
    pub fn epochs_and_part(&self) -> f64 {
        let done = self.epochs_done();
        let part = self.progress.as_ref().filter(|progress| progress.epoch == done + 1);
        f64::from(done) + part.map_or(0.0, |p| f64::from(p.batch) / f64::from(p.batches.max(1)))
    }

    /// Time of training and evaluation so far: of the epochs that are done as the store has them, so that it is the same
    /// when the notebook is opened again, and of the one under way at the pace of the last.
    pub fn seconds(&self) -> f64 {
        let done: f64 = self.points.iter().map(|record| record.seconds).sum();
        match (self.latest(), &self.progress) {
            (Some(last), _) => done + self.epochs_and_part().fract() * last.seconds,
            (None, Some(progress)) => progress.seconds,
            (None, None) => 0.0,
        }
    }

    pub fn images_per_second(&self) -> Option<f64> {
        self.progress.as_ref().map(|p| p.images_per_second).or(self.latest().map(|r| r.images_per_second))
    }
}

/// A mean over seeds, and the standard deviation of a single one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub mean: f64,
    pub deviation: Option<f64>,
}

impl Spread {
    /// `None` of nothing.
    fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
        (!values.is_empty()).then_some(Self { mean, deviation })
    }
}

/// An arm over its seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmView {
    pub arm: Arm,
    pub seeds: usize,
    /// The seeds that are told of: those at their end if there are any, for they can be compared; else all that have
    /// an epoch.
    pub measured: usize,
    /// The last epoch that all of these have reached.
    pub epoch: u32,
    /// Validation error at that epoch.
    pub latest: Option<Spread>,
    /// The lowest validation error of each up to that epoch.
    pub best: Option<Spread>,
    /// Mean of the epochs done, the waiting ones included.
    pub done: f64,
}

impl ArmView {
    fn new(arm: Arm, race: &Race) -> Self {
        let lanes: Vec<&LaneView> = race.lanes.iter().filter(|lane| lane.lane.arm == arm).collect();
        let ended = |lane: &&LaneView| lane.epochs_done() >= race.spec.epochs;
        let any_ended = lanes.iter().any(ended);
        let measured: Vec<&LaneView> = lanes
            .iter()
            .copied()
            .filter(|lane| if any_ended { ended(lane) } else { !lane.points.is_empty() })
            .collect();
        let epoch = measured.iter().map(|lane| lane.epochs_done()).min().unwrap_or(0);
        let up_to = |lane: &LaneView| -> Vec<f64> {
            lane.points.iter().filter(|record| record.epoch <= epoch).map(|record| record.val_error).collect()
        };
        let latest: Vec<f64> = measured.iter().filter_map(|lane| up_to(lane).last().copied()).collect();
        let best: Vec<f64> =
            measured.iter().filter_map(|lane| up_to(lane).into_iter().min_by(f64::total_cmp)).collect();
        let done = lanes.iter().map(|lane| lane.epochs_and_part()).sum::<f64>() / lanes.len().max(1) as f64;
        let (latest, best) = (Spread::of(&latest), Spread::of(&best));
        Self { arm, seeds: lanes.len(), measured: measured.len(), epoch, latest, best, done }
    }
}

#[derive(Clone, Debug)]
pub struct Race {
    pub run: RunId,
    pub spec: RunSpec,
    pub state: RunState,
    /// Asked to go on; the kernel has not said yet that it does.
    pub resuming: bool,
    pub lanes: Vec<LaneView>,
    pub notice: Option<String>,
    pub not_exact: Option<String>,
    /// What computes it, as the kernel says; `None` before it began, and for runs that were made before it was said.
    pub backend: Option<String>,
}

impl Race {
    pub fn new(run: RunId, spec: RunSpec) -> Self {
        let view = |lane| LaneView { lane, points: Vec::new(), progress: None, diverged: None };
        let lanes = spec.lanes().into_iter().map(view).collect();
        Self {
            run,
            spec,
            state: RunState::Queued,
            resuming: false,
            lanes,
            notice: None,
            not_exact: None,
            backend: None,
        }
    }

    /// Takes an event in; one that is known already changes nothing.
    pub fn apply(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Started { .. } | RunEvent::Continued { .. } => self.state = RunState::Running,
            RunEvent::Epoch { record, .. } => {
                if let Some(lane) = self.lane_mut(record.lane())
                    && let Err(at) = lane.points.binary_search_by_key(&record.epoch, |known| known.epoch)
                {
                    lane.points.insert(at, record.clone());
                }
            }
            RunEvent::Progress { progress, .. } => {
                if let Some(lane) = self.lane_mut(Lane { arm: progress.arm, seed: progress.seed }) {
                    lane.progress = Some(progress.clone());
                }
                self.state = RunState::Running;
            }
            RunEvent::Diverged { arm, seed, epoch, batch, .. } => {
                if let Some(lane) = self.lane_mut(Lane { arm: *arm, seed: *seed }) {
                    lane.diverged = Some((*epoch, *batch));
                }
            }
            RunEvent::Queued { .. } => self.state = RunState::Queued,
            RunEvent::Paused { .. } => self.state = RunState::Paused,
            RunEvent::Stopped { .. } => self.state = RunState::Stopped,
            RunEvent::Interrupted { .. } => self.state = RunState::Interrupted,
            RunEvent::Finished { .. } => self.state = RunState::Finished,
            RunEvent::Failed { reason, .. } => self.state = RunState::Failed { reason: reason.clone() },
            RunEvent::NotExact { why, .. } => self.not_exact = Some(why.clone()),
            RunEvent::Backend { name, .. } => self.backend = Some(name.clone()),
            RunEvent::Notice { text, .. } => self.notice.clone_from(text),
            RunEvent::Renamed { .. } | RunEvent::Deleted { .. } => {}
        }
    }

    /// As the legend has it; the seed where there are several.
    pub fn lane_name(&self, lane: &LaneView) -> String {
        let arm = lane.lane.arm.title();
        if self.spec.seeds.len() > 1 { format!("{arm} s{}", lane.lane.seed) } else { arm }
    }

    fn lane_mut(&mut self, lane: Lane) -> Option<&mut LaneView> {
        self.lanes.iter_mut().find(|view| view.lane == lane)
    }

    /// Every arm over its seeds.
    pub fn by_arm(&self) -> Vec<ArmView> {
        self.spec.arms.iter().map(|&arm| ArmView::new(arm, self)).collect()
    }

    /// Time of the lane that has worked longest.
    pub fn seconds(&self) -> f64 {
        self.lanes.iter().map(LaneView::seconds).fold(0.0, f64::max)
    }

    /// What is left, at the pace so far; `None` before there is a pace.
    pub fn remaining_seconds(&self) -> Option<f64> {
        let left = |lane: &LaneView| {
            let done = lane.epochs_and_part();
            (done > 0.02).then(|| lane.seconds() / done * (f64::from(self.spec.epochs) - done).max(0.0))
        };
        let open = self.lanes.iter().filter(|lane| lane.diverged.is_none());
        open.map(left).try_fold(0.0, |longest: f64, left| Some(longest.max(left?)))
    }

    /// What the first arm did against the second, where there are two and something can be said.
    pub fn verdict(&self) -> Option<String> {
        let (fast, slow): (Arm, Arm) = (*self.spec.arms.first()?, *self.spec.arms.get(1)?);
        let records: Vec<EpochRecord> = self.lanes.iter().flat_map(|lane| lane.points.iter().cloned()).collect();
        verdict(fast, slow, &records, self.state == RunState::Finished)
    }

    /// How far its lanes have come.
    pub fn advance(&self) -> Advance {
        let open = self.lanes.iter().filter(|lane| lane.diverged.is_none());
        Advance::of(&open.map(LaneView::epochs_done).collect::<Vec<_>>(), self.spec.epochs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Preset;

    fn epoch(seed: u64, epoch: u32, val_error: f64) -> RunEvent {
        let record = EpochRecord {
            arm: Arm::RELU_TANH,
            seed,
            epoch,
            train_loss: 0.1,
            val_error,
            test_error: val_error,
            seconds: 1.0,
            images_per_second: 1.0,
        };
        RunEvent::Epoch { run: RunId(1), record }
    }

    fn race(seeds: &[u64]) -> Race {
        Race::new(RunId(1), RunSpec { seeds: seeds.to_vec(), ..RunSpec::of(Preset::Article) })
    }

    #[test]
    fn whatever_the_order_a_curve_has_every_epoch_once() {
        let mut race = race(&[1]);
        // One that came over the socket before the history was read, and one of both.
        for (number, error) in [(4, 1.4), (1, 3.0), (2, 2.0), (3, 1.5), (4, 9.0), (5, 1.3)] {
            race.apply(&epoch(1, number, error));
        }
        let points: Vec<_> = race.lanes[0].points.iter().map(|record| (record.epoch, record.val_error)).collect();
        assert_eq!(points, [(1, 3.0), (2, 2.0), (3, 1.5), (4, 1.4), (5, 1.3)]);
    }

    #[test]
    fn an_arm_is_told_at_the_epoch_that_its_seeds_have_reached() {
        let mut race = race(&[1, 2, 3]);
        for event in [epoch(1, 1, 3.0), epoch(1, 2, 1.0), epoch(2, 1, 2.0)] {
            race.apply(&event);
        }
        let arm = &race.by_arm()[0];
        assert_eq!((arm.seeds, arm.measured, arm.epoch), (3, 2, 1));
        let mean = |spread: Option<Spread>| spread.map(|spread| (spread.mean * 1e6).round() / 1e6);
        assert_eq!((mean(arm.latest), mean(arm.best)), (Some(2.5), Some(2.5)));
        assert!((arm.best.unwrap().deviation.unwrap() - 0.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(race.by_arm()[1].best, None);
        // A seed at its end is not held back by one that has just begun.
        race.apply(&epoch(1, 150, 1.25));
        let arm = &race.by_arm()[0];
        assert_eq!((arm.measured, arm.epoch, mean(arm.latest), mean(arm.best)), (1, 150, Some(1.25), Some(1.0)));
    }
}
