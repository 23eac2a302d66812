//! A run as the notebook shows it: the curve of each lane, and the latest state.

use protocol::{
    Advance, ArmId, DataSource, EpochRecord, Finding, Fork, Lane, Metric, Progress, RunEvent, RunId, RunState,
    Steering, Study, is_compared, layer_findings, mean_and_deviation, run_findings,
};
use statistics::compare_first_arms;
use std::cell::OnceCell;

/// The curve of one lane.
#[derive(Clone, Debug)]
pub struct LaneView {
    pub lane: Lane,
    /// Sorted by epoch, without duplicates.
    pub points: Vec<EpochRecord>,
    pub progress: Option<Progress>,
    /// Epoch and batch at which the loss was no longer finite.
    pub diverged: Option<(u32, u32)>,
    /// Successive halving stopped it for good.
    pub is_halved: bool,
    /// What is summed up over all epochs: each frame asks several times.
    summary: OnceCell<LaneSummary>,
}

#[derive(Clone, Copy, Debug, Default)]
struct LaneSummary {
    /// Of training and evaluation.
    seconds: f64,
    /// The place and the value of the lowest validation error; the first of equals.
    best: Option<(usize, f64)>,
}

impl LaneSummary {
    /// The same with the next epoch.
    fn with(self, at: usize, record: &EpochRecord) -> Self {
        let error = record.get(Metric::ValError).filter(|error| self.best.is_none_or(|(_, best)| *error < best));
        Self {
            seconds: self.seconds + record.get(Metric::Seconds).unwrap_or(0.0),
            best: error.map(|error| (at, error)).or(self.best),
        }
    }
}

impl LaneView {
    /// Whether more of it is to come, or it is whole.
    fn is_open(&self) -> bool {
        self.diverged.is_none() && !self.is_halved
    }

    pub fn latest(&self) -> Option<&EpochRecord> {
        self.points.last()
    }

    /// Takes in what an epoch measured, unless it is known.
    fn insert(&mut self, record: &EpochRecord) {
        let Err(at) = self.points.binary_search_by_key(&record.epoch, |known| known.epoch) else { return };
        self.points.insert(at, record.clone());
        // Epochs come in their order but for those that came before the history was read.
        let before = self.summary.take().filter(|_| at + 1 == self.points.len());
        if let Some(summary) = before {
            self.summary = OnceCell::from(summary.with(at, record));
        }
    }

    fn summary(&self) -> LaneSummary {
        let add = |summary: LaneSummary, (at, record)| summary.with(at, record);
        *self.summary.get_or_init(|| self.points.iter().enumerate().fold(LaneSummary::default(), add))
    }

    /// The epoch of the lowest validation error; the first of equals.
    pub fn best(&self) -> Option<&EpochRecord> {
        self.summary().best.map(|(at, _)| &self.points[at])
    }

    /// The same among the epochs up to one.
    fn best_up_to(&self, epoch: u32) -> Option<&EpochRecord> {
        let count = self.points.partition_point(|record| record.epoch <= epoch);
        if count == self.points.len() { self.best() } else { lowest(&self.points[..count]) }
    }

    /// The measurements of an epoch.
    pub fn at(&self, epoch: u32) -> Option<&EpochRecord> {
        self.points.binary_search_by_key(&epoch, |record| record.epoch).ok().map(|at| &self.points[at])
    }

    pub fn epochs_done(&self) -> u32 {
        self.latest().map_or(0, |record| record.epoch)
    }

    /// The number of epochs done, plus the finished part of the current one.
    pub fn epochs_and_part(&self) -> f64 {
        let done = self.epochs_done();
        let part = self.progress.as_ref().filter(|progress| progress.epoch == done + 1);
        f64::from(done) + part.map_or(0.0, |p| f64::from(p.batch) / f64::from(p.batches.max(1)))
    }

    /// Seconds of training and evaluation so far. Finished epochs count as the store has them, so the sum is the same
    /// when the notebook is opened again; the current epoch counts at the pace of the last one.
    pub fn seconds(&self) -> f64 {
        let done = self.summary().seconds;
        match (self.latest(), &self.progress) {
            (Some(last), _) => done + self.epochs_and_part().fract() * last.get(Metric::Seconds).unwrap_or(0.0),
            (None, Some(progress)) => progress.seconds,
            (None, None) => 0.0,
        }
    }

    pub fn images_per_second(&self) -> Option<f64> {
        self.progress
            .as_ref()
            .map(|p| p.images_per_second)
            .or(self.latest().and_then(|r| r.get(Metric::ImagesPerSecond)))
    }
}

/// The mean over seeds, and their standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub mean: f64,
    pub deviation: Option<f64>,
}

impl Spread {
    /// `None` if there are no values.
    fn of(values: &[f64]) -> Option<Self> {
        mean_and_deviation(values).map(|(mean, deviation)| Self { mean, deviation })
    }
}

/// An arm's errors at one epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanPoint {
    pub epoch: u32,
    pub val: Spread,
    pub test: Spread,
}

/// An arm over its seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmView {
    pub arm: ArmId,
    pub seeds: usize,
    /// How many of the seeds are summed up: see [`TrainingRun::kept_up_lanes`].
    pub measured: usize,
    /// The last epoch that all of these seeds have reached.
    pub epoch: u32,
    /// What was measured there.
    pub latest: Option<MeanPoint>,
    /// The lowest validation error of each seed up to that epoch, and the test error of the same epoch.
    pub best: Option<Spread>,
    pub best_test: Option<Spread>,
    /// The earliest and the latest epoch of these lowest errors.
    pub best_epochs: Option<(u32, u32)>,
    pub images_per_second: Option<f64>,
    /// The mean time of a seed, in seconds.
    pub seconds: f64,
    /// The mean number of epochs done over all seeds.
    pub done: f64,
}

impl ArmView {
    fn new(arm: ArmId, training: &TrainingRun) -> Self {
        let lanes: Vec<&LaneView> = training.lanes.iter().filter(|lane| lane.lane.arm == arm).collect();
        let (measured, epoch) = training.kept_up_lanes(arm);
        let at = |epoch: u32| -> Option<MeanPoint> {
            let records: Option<Vec<&EpochRecord>> = measured.iter().map(|lane| lane.at(epoch)).collect();
            let of = |metric| {
                Spread::of(&records.as_ref()?.iter().map(|record| record.get(metric)).collect::<Option<Vec<_>>>()?)
            };
            Some(MeanPoint { epoch, val: of(Metric::ValError)?, test: of(Metric::TestError)? })
        };
        let bests: Vec<&EpochRecord> = measured.iter().filter_map(|lane| lane.best_up_to(epoch)).collect();
        let of_bests = |metric| Spread::of(&bests.iter().filter_map(|r| r.get(metric)).collect::<Vec<_>>());
        let epochs = || bests.iter().map(|record| record.epoch);
        let mean = |values: Vec<f64>| mean_and_deviation(&values).map(|(mean, _)| mean);
        Self {
            arm,
            seeds: lanes.len(),
            measured: measured.len(),
            epoch,
            latest: (1..=epoch).rev().find_map(at),
            best: of_bests(Metric::ValError),
            best_test: of_bests(Metric::TestError),
            best_epochs: epochs().min().zip(epochs().max()),
            images_per_second: mean(measured.iter().filter_map(|lane| lane.images_per_second()).collect()),
            seconds: mean(measured.iter().map(|lane| lane.seconds()).collect()).unwrap_or(0.0),
            done: lanes.iter().map(|lane| lane.epochs_and_part()).sum::<f64>() / lanes.len().max(1) as f64,
        }
    }

    pub fn latest(&self) -> Option<&MeanPoint> {
        self.latest.as_ref()
    }
}

/// The record with the lowest validation error, the first if several are equal.
fn lowest(points: &[EpochRecord]) -> Option<&EpochRecord> {
    let errors = points.iter().filter_map(|record| Some((record.get(Metric::ValError)?, record)));
    errors.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, record)| record)
}

#[derive(Clone, Debug)]
pub struct TrainingRun {
    pub run: RunId,
    pub spec: Study,
    pub state: RunState,
    /// A request to continue has been sent, and the kernel has not answered yet.
    pub resuming: bool,
    pub lanes: Vec<LaneView>,
    /// Seconds of training by the clock, as the kernel or the store last reported.
    pub elapsed: f64,
    pub notice: Option<String>,
    /// Its lanes have begun and read their images, which takes a while.
    pub is_loading: bool,
    pub not_exact: Option<String>,
    /// The engine that computes the run, as the kernel reports it. `None` before the run has started, and for runs of
    /// versions that did not report it.
    pub backend: Option<String>,
    /// What was steered in it, in the order in which that was asked for.
    pub steerings: Vec<Steering>,
    /// The run whose history it began with, and up to which epoch.
    pub fork: Option<Fork>,
    /// What [`verdict`](Self::verdict) said of these records: each frame asks, and many records take time.
    verdict: OnceCell<Option<String>>,
}

impl TrainingRun {
    pub fn new(run: RunId, spec: Study) -> Self {
        let view = |lane| LaneView {
            lane,
            points: Vec::new(),
            progress: None,
            diverged: None,
            is_halved: false,
            summary: OnceCell::new(),
        };
        let lanes = spec.lanes().into_iter().map(view).collect();
        Self {
            run,
            spec,
            state: RunState::Queued,
            resuming: false,
            lanes,
            elapsed: 0.0,
            notice: None,
            is_loading: false,
            not_exact: None,
            backend: None,
            steerings: Vec::new(),
            verdict: OnceCell::new(),
            fork: None,
        }
    }

    /// Applies an event. An event that was applied before changes nothing.
    pub fn apply(&mut self, event: &RunEvent) {
        if !matches!(event, RunEvent::Progress { .. } | RunEvent::Elapsed { .. }) {
            self.verdict = OnceCell::new();
        }
        match event {
            RunEvent::Started { .. } | RunEvent::Continued { .. } => {
                // MNIST is in the program.
                self.is_loading = self.spec.data != DataSource::Mnist;
            }
            RunEvent::Progress { .. }
            | RunEvent::Epoch { .. }
            | RunEvent::Backend { .. }
            | RunEvent::Diverged { .. }
            | RunEvent::Queued { .. }
            | RunEvent::Paused { .. }
            | RunEvent::Stopped { .. }
            | RunEvent::Interrupted { .. }
            | RunEvent::Finished { .. }
            | RunEvent::Failed { .. } => self.is_loading = false,
            _ => {}
        }
        match event {
            RunEvent::Started { .. } | RunEvent::Continued { .. } => self.state = RunState::Running,
            RunEvent::Epoch { record, .. } => {
                if let Some(lane) = self.lane_mut(record.lane()) {
                    lane.insert(record);
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
            RunEvent::Halved { arm, seed, .. } => {
                if let Some(lane) = self.lane_mut(Lane { arm: *arm, seed: *seed }) {
                    lane.is_halved = true;
                }
            }
            RunEvent::Queued { .. } => self.state = RunState::Queued,
            RunEvent::Paused { .. } => self.state = RunState::Paused,
            RunEvent::Stopped { .. } => self.state = RunState::Stopped,
            RunEvent::Interrupted { .. } => self.state = RunState::Interrupted,
            RunEvent::Finished { .. } => self.state = RunState::Finished,
            RunEvent::Failed { reason, .. } => self.state = RunState::Failed { reason: reason.clone() },
            RunEvent::NotExact { why, .. } => self.not_exact = Some(why.clone()),
            RunEvent::Elapsed { seconds, .. } => self.elapsed = self.elapsed.max(*seconds),
            RunEvent::Backend { name, .. } => self.backend = Some(name.clone()),
            RunEvent::Notice { text, .. } => self.notice.clone_from(text),
            RunEvent::Forked { fork, .. } => self.fork = Some(*fork),
            RunEvent::Steered { steering, .. } => {
                if !self.steerings.contains(steering) {
                    self.steerings.push(steering.clone());
                }
            }
            RunEvent::Renamed { .. } | RunEvent::Tagged { .. } | RunEvent::Noted { .. } | RunEvent::Deleted { .. } => {}
        }
    }

    /// Whether a lane has come to the end of an epoch.
    pub fn is_measured(&self) -> bool {
        self.lanes.iter().any(|lane| !lane.points.is_empty())
    }

    /// The name in the legend, with the seed if there are several.
    pub fn lane_name(&self, lane: &LaneView) -> String {
        let arm = self.spec.arm_title(lane.lane.arm);
        if self.spec.seeds.len() > 1 { format!("{arm} s{}", lane.lane.seed) } else { arm }
    }

    /// The index of a lane's arm in the study.
    pub fn arm_number(&self, lane: &LaneView) -> usize {
        self.spec.arm_ids().position(|arm| arm == lane.lane.arm).unwrap_or(0)
    }

    fn lane_mut(&mut self, lane: Lane) -> Option<&mut LaneView> {
        self.lanes.iter_mut().find(|view| view.lane == lane)
    }

    /// The seeds of an arm that are summed up, and the last epoch that all of them have reached: those that train side by
    /// side, or are at their end. One that waits for a core, or was given one much later, is left out until it has caught
    /// up.
    pub fn kept_up_lanes(&self, arm: ArmId) -> (Vec<&LaneView>, u32) {
        let lanes = || self.lanes.iter().filter(|lane| lane.lane.arm == arm);
        let most = lanes().map(LaneView::epochs_done).max().unwrap_or(0);
        let kept_up: Vec<&LaneView> =
            lanes().filter(|lane| is_compared(lane.epochs_done(), most, self.spec.epochs)).collect();
        let epoch = kept_up.iter().map(|lane| lane.epochs_done()).min().unwrap_or(0);
        (kept_up, epoch)
    }

    /// Every arm over its seeds.
    pub fn by_arm(&self) -> Vec<ArmView> {
        self.spec.arm_ids().map(|arm| ArmView::new(arm, self)).collect()
    }

    /// Seconds by the clock without pauses. No lane can have worked for longer than the run. The epochs that a fork has of
    /// its parent took no time of its own.
    pub fn seconds(&self) -> f64 {
        self.lanes.iter().map(|lane| self.own_seconds(lane)).fold(self.elapsed, f64::max)
    }

    fn own_seconds(&self, lane: &LaneView) -> f64 {
        lane.seconds() - self.inherited(lane).filter_map(|record| record.get(Metric::Seconds)).sum::<f64>()
    }

    /// The epochs of a lane that are the parent's.
    fn inherited<'a>(&self, lane: &'a LaneView) -> impl Iterator<Item = &'a EpochRecord> {
        let last = self.fork.map_or(0, |fork| fork.epoch);
        lane.points.iter().take_while(move |record| record.epoch <= last)
    }

    /// The seconds left at the pace so far; `None` before there is a pace. Lanes that wait for a core count too: all
    /// lanes together keep their pace, and no lane finishes before its own epochs are done.
    pub fn remaining_seconds(&self) -> Option<f64> {
        let open: Vec<&LaneView> = self.lanes.iter().filter(|lane| lane.is_open()).collect();
        let parents = self.fork.map_or(0, |fork| fork.epoch);
        let each = f64::from(self.spec.epochs.saturating_sub(parents));
        let own_epochs = |lane: &LaneView| (lane.epochs_and_part() - f64::from(parents)).max(0.0);
        let done: f64 = open.iter().map(|lane| own_epochs(lane)).sum();
        let all = each * open.len() as f64;
        let together = (done > 0.02).then(|| self.seconds() / done * (all - done).max(0.0))?;
        let own = open.iter().filter(|lane| own_epochs(lane) > 0.02);
        let left = own.map(|lane| self.own_seconds(lane) / own_epochs(lane) * (each - own_epochs(lane)).max(0.0));
        Some(left.fold(together, f64::max))
    }

    /// Whether the arms are shown by their means, with single seeds behind them.
    pub fn has_seeds(&self) -> bool {
        self.spec.seeds.len() > 1
    }

    /// Whether the first two arms differ, where there are two and something can be compared.
    pub fn verdict(&self) -> Option<String> {
        let judge = || {
            let records: Vec<EpochRecord> = self.lanes.iter().flat_map(|lane| lane.points.iter().cloned()).collect();
            let diverged: Vec<(Lane, u32)> =
                self.lanes.iter().filter_map(|lane| Some((lane.lane, lane.diverged?.0))).collect();
            compare_first_arms(self.run, &self.spec, &records, &diverged)
        };
        self.verdict.get_or_init(judge).clone()
    }

    /// The findings of this run; none while it is active.
    pub fn findings(&self) -> Vec<Finding> {
        if self.state.is_active() {
            return Vec::new();
        }
        let (records, diverged) = self.measured();
        run_findings(&self.spec, &records, &diverged, self.state == RunState::Finished)
    }

    /// The findings about its hidden layers, once it has finished.
    pub fn layer_findings(&self) -> Vec<Finding> {
        if self.state != RunState::Finished {
            return Vec::new();
        }
        let (records, diverged) = self.measured();
        layer_findings(&self.spec, &records, &diverged)
    }

    /// The epochs of all lanes, and the lanes that diverged.
    fn measured(&self) -> (Vec<EpochRecord>, Vec<Lane>) {
        let records = self.lanes.iter().flat_map(|lane| lane.points.iter().cloned());
        let diverged = self.lanes.iter().filter(|lane| lane.diverged.is_some()).map(|lane| lane.lane);
        (records.collect(), diverged.collect())
    }

    /// Whether it is at rest and can go on. A run of which every lane diverged can't.
    pub fn can_resume(&self) -> bool {
        self.state.can_resume() && self.lanes.iter().any(|lane| lane.diverged.is_none())
    }

    /// How many epochs the lanes have finished.
    pub fn advance(&self) -> Advance {
        let open = self.lanes.iter().filter(|lane| lane.is_open());
        Advance::of(&open.map(LaneView::epochs_done).collect::<Vec<_>>(), self.spec.epochs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Preset;

    fn epoch(seed: u64, epoch: u32, val_error: f64) -> RunEvent {
        let record = EpochRecord::new(
            Lane { arm: ArmId::RELU_TANH, seed },
            epoch,
            [
                (Metric::TrainLoss, 0.1),
                (Metric::ValError, val_error),
                (Metric::TestError, val_error),
                (Metric::Seconds, 1.0),
                (Metric::ImagesPerSecond, 1.0),
            ],
        );
        RunEvent::Epoch { run: RunId(1), record }
    }

    fn training(seeds: &[u64]) -> TrainingRun {
        TrainingRun::new(RunId(1), Study { seeds: seeds.to_vec(), ..Study::of(Preset::Article) })
    }

    #[test]
    fn a_run_whose_lanes_all_diverged_can_not_go_on() {
        let mut training = training(&[1]);
        let run = RunId(1);
        training.apply(&RunEvent::Diverged { run, arm: ArmId::RELU_TANH, seed: 1, epoch: 1, batch: 3 });
        training.apply(&RunEvent::Failed { run, reason: "x".into() });
        assert!(training.can_resume());
        training.apply(&RunEvent::Diverged { run, arm: ArmId::ALL_TANH, seed: 1, epoch: 2, batch: 3 });
        assert!(!training.can_resume());
    }

    #[test]
    fn a_run_loads_its_images_until_it_trains() {
        let run = RunId(1);
        let cifar = || TrainingRun::new(run, Study::of(Preset::CifarGlorot));
        let started = RunEvent::Started { run, spec: Study::of(Preset::CifarGlorot) };
        let mut training = cifar();
        assert!(!training.is_loading);
        training.apply(&started);
        assert!(training.is_loading);
        training.apply(&RunEvent::Backend { run, name: "fused".into() });
        assert!(!training.is_loading);
        // It waits for a core.
        let mut training = cifar();
        training.apply(&started);
        training.apply(&RunEvent::Queued { run });
        assert!(!training.is_loading);
        training.apply(&RunEvent::Continued { run });
        assert!(training.is_loading);
        training.apply(&RunEvent::Failed { run, reason: "no data".into() });
        assert!(!training.is_loading);
        // MNIST is in the program.
        let mut training = self::training(&[1]);
        training.apply(&RunEvent::Continued { run });
        assert!(!training.is_loading);
    }

    #[test]
    fn whatever_the_order_a_curve_has_every_epoch_once() {
        let mut training = training(&[1]);
        // One epoch comes over the socket before the history is read, and one comes twice.
        for (number, error) in [(4, 1.4), (1, 3.0), (2, 2.0), (3, 1.5), (4, 9.0), (5, 1.3)] {
            training.apply(&epoch(1, number, error));
        }
        let points: Vec<_> = training.lanes[0]
            .points
            .iter()
            .filter_map(|record| Some((record.epoch, record.get(Metric::ValError)?)))
            .collect();
        assert_eq!(points, [(1, 3.0), (2, 2.0), (3, 1.5), (4, 1.4), (5, 1.3)]);
    }

    #[test]
    fn an_arm_is_told_at_the_epoch_that_its_seeds_have_reached() {
        let mut training = training(&[1, 2, 3]);
        for event in [epoch(1, 1, 3.0), epoch(1, 2, 1.0), epoch(2, 1, 2.0)] {
            training.apply(&event);
        }
        let arm = &training.by_arm()[0];
        assert_eq!((arm.seeds, arm.measured, arm.epoch), (3, 2, 1));
        let mean = |spread: Option<Spread>| spread.map(|spread| (spread.mean * 1e6).round() / 1e6);
        let latest = |arm: &ArmView| mean(arm.latest().map(|point| point.val));
        assert_eq!((latest(arm), mean(arm.best)), (Some(2.5), Some(2.5)));
        assert!((arm.best.unwrap().deviation.unwrap() - 0.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(training.by_arm()[1].best, None);
        // A finished seed does not wait for one that has just begun.
        training.apply(&epoch(1, 150, 1.25));
        let arm = &training.by_arm()[0];
        assert_eq!((arm.measured, arm.epoch, latest(arm), mean(arm.best)), (1, 150, Some(1.25), Some(1.0)));
        assert_eq!((arm.best_epochs, mean(arm.best_test)), (Some((2, 2)), Some(1.0)));
    }

    #[test]
    fn time_is_the_clocks_and_lanes_that_wait_are_reckoned_with() {
        let mut training = training(&[1, 2]);
        training.spec.epochs = 10;
        for number in 1..=10 {
            training.apply(&epoch(1, number, 2.0));
        }
        assert!((training.seconds() - 10.0).abs() < 1e-9, "no lane can have worked for longer than the run");
        training.apply(&RunEvent::Elapsed { run: RunId(1), seconds: 12.0 });
        training.apply(&RunEvent::Elapsed { run: RunId(1), seconds: 11.0 });
        assert!((training.seconds() - 12.0).abs() < 1e-9, "what comes late takes nothing back");
        // Ten of forty epochs took 12 s.
        assert!(training.remaining_seconds().is_some_and(|left| (left - 36.0).abs() < 1e-9));
    }
}
