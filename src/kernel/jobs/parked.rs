//! Lanes that give their cores to a view or a cell and continue afterwards. The thread waits at a batch boundary with
//! its network in memory, so its results do not change by a bit. The time that it waits does not count as training
//! time.

use super::{
    Jobs, Order, Permit,
    active::Stage,
    scheduler::{JobId, Phase},
};
use crate::{Kernel, server::NoticeKind};
use learn::Snapshot;
use protocol::{EpochRecord, Measurement, Metric, Progress};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

impl Kernel {
    /// Called by a lane's thread that was asked to yield: gives its cores back and waits for them. Returns how long it
    /// waited.
    pub(super) fn park(self: &Arc<Self>, job: JobId, permit: &Permit) -> Duration {
        let began = Instant::now();
        let go_count = {
            let mut jobs = self.jobs();
            if !jobs.scheduler.park(job) {
                return Duration::ZERO;
            }
            let Jobs { runs, scheduler, .. } = &mut *jobs;
            if let Some(active) = runs.iter().find(|active| active.lanes.iter().any(|lane| lane.job == job))
                && active.is_parked(scheduler)
            {
                active.stopwatch.stop();
            }
            let go_count = permit.go_count();
            self.dispatch(&mut jobs);
            go_count
        };
        permit.wait_for_go(go_count);
        began.elapsed()
    }

    /// Lets a lane continue that was asked to yield.
    pub(super) fn unpark(&self, jobs: &Jobs, job: JobId) {
        for active in &jobs.runs {
            if let Some(lane) = active.lanes.iter().find(|lane| lane.job == job) {
                active.stopwatch.start();
                lane.permit.set_order(Order::Go);
                self.hub.set_notice(active.run, NoticeKind::Parked, None);
            }
        }
    }

    /// Announces every run that has no core because views or cells use them all. Called about once a second, so that
    /// shorter waits are not announced.
    pub(crate) fn report_parked_runs(&self) {
        let jobs = self.jobs();
        for active in jobs.runs.iter().filter(|active| active.is_parked(&jobs.scheduler)) {
            let text = "Training waits while a cell measures, and goes on by itself.";
            self.hub.set_notice(active.run, NoticeKind::Parked, Some(text.into()));
        }
    }
}

impl super::Active {
    /// Whether the run has begun and none of its lanes has a core.
    fn is_parked(&self, scheduler: &super::Scheduler) -> bool {
        let mut training = self.lanes.iter().filter(|lane| lane.stage == Stage::Training).peekable();
        training.peek().is_some() && training.all(|lane| scheduler.phase(lane.job) == Some(Phase::Parked))
    }
}

/// The time that a lane's thread was parked. The training loop measures time without knowledge of parking; this
/// subtracts it from what the loop reports.
#[derive(Default)]
pub(super) struct ParkedTime {
    /// Parked seconds in the epochs that this thread has completed.
    before: f64,
    /// Parked seconds in the current epoch, between batches and in its evaluation.
    training: f64,
    evaluation: f64,
    /// The current epoch, and when this thread began it.
    epoch: Option<(u32, Instant)>,
}

impl ParkedTime {
    pub fn add_training(&mut self, time: Duration) {
        self.training += time.as_secs_f64();
    }

    pub fn add_evaluation(&mut self, time: Duration) {
        self.evaluation += time.as_secs_f64();
    }

    pub fn correct_progress(&mut self, progress: &mut Progress) {
        let began = match self.epoch {
            Some((epoch, began)) if epoch == progress.epoch => began,
            _ => self.epoch.insert((progress.epoch, Instant::now())).1,
        };
        progress.seconds -= self.before + self.training;
        progress.images_per_second *= faster(began.elapsed().as_secs_f64(), self.training);
    }

    /// Corrects the record of an epoch of `images` images that has ended; the next epoch begins.
    pub fn correct_epoch(&mut self, record: &mut EpochRecord, snapshot: &mut Snapshot, images: u32) {
        let mut change = |metric, change: &dyn Fn(f64) -> f64| {
            if let Some(value) = record.get(metric) {
                record.measured.set(Measurement { metric, layer: None, value: change(value) });
            }
        };
        change(Metric::ImagesPerSecond, &|speed| speed * faster(f64::from(images) / speed, self.training));
        change(Metric::Seconds, &|seconds| seconds - self.training - self.evaluation);
        self.before += self.training + self.evaluation;
        (self.training, self.evaluation) = (0.0, 0.0);
        snapshot.seconds -= self.before;
    }

    /// Corrects a snapshot inside an epoch, or after one that was trained and not yet measured.
    pub fn correct_snapshot(&self, snapshot: &mut Snapshot) {
        snapshot.seconds -= self.before;
        snapshot.epoch_seconds -= self.training;
    }
}

/// The factor by which a lane trains faster than measured, if it was parked for a part of this time.
fn faster(seconds: f64, parked: f64) -> f64 {
    if parked > 0.0 && seconds > parked { seconds / (seconds - parked) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use learn::Environment;
    use protocol::{ArmId, Lane};

    fn snapshot(seconds: f64, epoch_seconds: f64) -> Snapshot {
        let environment = Environment {
            libtorch: String::new(),
            cpu: String::new(),
            threads: 1,
            backend: String::new(),
            data: String::new(),
        };
        Snapshot {
            lane: Lane { arm: ArmId::RELU_TANH, seed: 1 },
            epochs_done: 1,
            batches_done: 0,
            loss_sum: 0.0,
            wrong: Some(0),
            epoch_seconds,
            seconds,
            weights: Vec::new(),
            velocity: Vec::new(),
            environment,
        }
    }

    /// Two epochs of ten seconds of training and two of evaluation, the first with parked time in both.
    #[test]
    fn parked_time_is_no_training_time() {
        let mut parked = ParkedTime::default();
        parked.add_training(Duration::from_secs(30));
        let mut inside = snapshot(0.0, 35.0);
        parked.correct_snapshot(&mut inside);
        assert_eq!((inside.seconds, inside.epoch_seconds), (0.0, 5.0));
        parked.add_evaluation(Duration::from_secs(8));
        let mut record = EpochRecord::new(
            Lane { arm: ArmId::RELU_TANH, seed: 1 },
            1,
            [
                (Metric::TrainLoss, 0.0),
                (Metric::ValError, 0.0),
                (Metric::TestError, 0.0),
                (Metric::Seconds, 50.0),
                (Metric::ImagesPerSecond, 25.0),
            ],
        );
        let mut end = snapshot(50.0, 0.0);
        parked.correct_epoch(&mut record, &mut end, 1000);
        assert_eq!(
            (record.get(Metric::Seconds), record.get(Metric::ImagesPerSecond), end.seconds),
            (Some(12.0), Some(100.0), 12.0)
        );
        let mut second = record.clone().with(Metric::Seconds, 12.0);
        let mut end = snapshot(62.0, 0.0);
        parked.correct_epoch(&mut second, &mut end, 1000);
        assert_eq!(
            (second.get(Metric::Seconds), second.get(Metric::ImagesPerSecond), end.seconds),
            (Some(12.0), Some(100.0), 24.0)
        );
    }
}
