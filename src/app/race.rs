//! A race as the notebook knows it: typed series that only grow, and what was said last.

use crate::protocol::{Arm, EpochRecord, Lane, Progress, RunEvent, RunId, RunSpec, RunState, verdict};

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

    /// Training and evaluation time so far.
    pub fn seconds(&self) -> f64 {
        let trained: f64 = self.points.iter().map(|record| record.seconds).sum();
        self.progress.as_ref().map_or(trained, |progress| progress.seconds.max(trained))
    }

    pub fn images_per_second(&self) -> Option<f64> {
        self.progress.as_ref().map(|p| p.images_per_second).or(self.latest().map(|r| r.images_per_second))
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
                    && record.epoch > lane.epochs_done()
                {
                    lane.points.push(record.clone());
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

    /// Epochs that every lane has done.
    pub fn epochs_done(&self) -> u32 {
        self.lanes.iter().filter(|lane| lane.diverged.is_none()).map(LaneView::epochs_done).min().unwrap_or(0)
    }
}
