//! A run that trains or waits, and how the ends of its lanes determine its state.

use super::{
    permit::{Order, Permit},
    scheduler::{JobId, Priority, Scheduler},
    steering::RunSteering,
    stopwatch::Stopwatch,
};
use protocol::{Fork, Lane, RunId, RunState, Study, Sweep};
use std::sync::Arc;

/// A run that has ended or halted, whose state is not stored yet.
pub(crate) struct Unsaved {
    pub run: RunId,
    pub state: RunState,
    /// How long it has trained, if this kernel knows.
    pub elapsed: Option<f64>,
    pub resume_after: bool,
    /// The previous kernel died and left the run in this state.
    pub left_by_dead_kernel: bool,
}

/// A run that the kernel works on.
pub(crate) struct Active {
    pub run: RunId,
    pub spec: Study,
    pub lanes: Vec<LaneJob>,
    pub stopwatch: Arc<Stopwatch>,
    pub steering: Arc<RunSteering>,
    pub fork: Option<Fork>,
    pub sweep: Option<Arc<Sweep>>,
    /// What its reader, or the end of the kernel, wants of it.
    pub intent: Option<Intent>,
    /// A resume was requested while the run was still pausing.
    pub resume_after: bool,
    pub phase: RunPhase,
    /// Whether the disk has refused to store that it waits or trains.
    pub is_unstored: bool,
    /// Whether its followers know it as waiting or halted, and have to be told when it continues.
    pub announced_waiting: bool,
}

/// A run that is asked for, or goes on.
pub(crate) struct Submission {
    pub run: RunId,
    pub spec: Study,
    /// Those with an end are not submitted.
    pub lanes: Vec<(Lane, Option<LaneEnd>)>,
    /// Seconds that it has trained before.
    pub elapsed: f64,
    pub announced_waiting: bool,
    pub steering: Arc<RunSteering>,
    pub fork: Option<Fork>,
    pub sweep: Option<Arc<Sweep>>,
    /// Of each lane; see [`LaneJob::limit`].
    pub limit: Box<dyn Fn(Lane) -> u32>,
}

impl Submission {
    /// Of a run that begins.
    pub fn new(run: RunId, spec: Study, lanes: Vec<(Lane, Option<LaneEnd>)>) -> Self {
        let epochs = spec.epochs;
        Self {
            run,
            spec,
            lanes,
            elapsed: 0.0,
            announced_waiting: false,
            steering: Arc::default(),
            fork: None,
            sweep: None,
            limit: Box::new(move |_| epochs),
        }
    }
}

/// Whether one of a run's lanes has been given a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunPhase {
    Queued,
    Begun,
}

/// One lane of a run, as the scheduler knows it.
pub(crate) struct LaneJob {
    pub lane: Lane,
    pub job: JobId,
    pub permit: Arc<Permit>,
    pub stage: Stage,
    /// The epoch up to which it may train now: the last one, or the next rung of successive halving.
    pub limit: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Pause,
    Stop,
    /// The kernel shuts down.
    Shutdown,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stage {
    Waiting,
    /// It has a thread, which trains or is parked.
    Training,
    Ended(LaneEnd),
}

/// How a lane's thread ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LaneEnd {
    Finished,
    Diverged,
    Stopped,
    /// It waits for the other cells at a rung of successive halving.
    AtRung,
    /// Successive halving stopped it for good.
    Halved,
    Failed(String),
}

impl Active {
    /// A run whose open lanes are submitted to the scheduler.
    pub fn submit(scheduler: &mut Scheduler, submission: Submission) -> Self {
        let Submission { run, spec, lanes, elapsed, announced_waiting, steering, fork, sweep, limit } = submission;
        let priority = if sweep.is_some() { Priority::Sweep } else { Priority::Lane };
        let mut submit = |(lane, end)| {
            let job = scheduler.submit(priority, spec.threads);
            let stage = match end {
                None => Stage::Waiting,
                Some(end) => {
                    scheduler.end(job);
                    Stage::Ended(end)
                }
            };
            LaneJob { lane, job, permit: Arc::default(), stage, limit: limit(lane) }
        };
        Self {
            run,
            lanes: lanes.into_iter().map(&mut submit).collect(),
            spec,
            stopwatch: Arc::new(Stopwatch::after(elapsed)),
            steering,
            fork,
            sweep,
            intent: None,
            resume_after: false,
            phase: RunPhase::Queued,
            is_unstored: false,
            announced_waiting,
        }
    }

    /// Makes every running lane stop at its next batch, and takes waiting lanes out of the queue.
    pub fn stop_lanes(&self, scheduler: &mut Scheduler) {
        for lane in &self.lanes {
            lane.permit.set_order(Order::Stop);
            if lane.stage == Stage::Waiting {
                scheduler.end(lane.job);
            }
        }
    }

    fn is_training(&self) -> bool {
        self.lanes.iter().any(|lane| lane.stage == Stage::Training)
    }

    pub fn has_settled(&self) -> bool {
        !self.is_training() && (self.intent.is_some() || self.lanes.iter().all(|lane| lane.stage != Stage::Waiting))
    }

    /// The run's state, from the ends of its lanes and from what was requested.
    pub fn final_state(&self) -> RunState {
        let ends = || {
            self.lanes.iter().filter_map(|LaneJob { lane, stage, .. }| match stage {
                Stage::Ended(end) => Some((lane, end)),
                Stage::Waiting | Stage::Training => None,
            })
        };
        let failure = ends().find_map(|(lane, end)| match end {
            LaneEnd::Failed(reason) => Some(format!("{lane}: {reason}")),
            _ => None,
        });
        if let Some(reason) = failure {
            return RunState::Failed { reason };
        }
        let is_open = |end: &LaneEnd| matches!(end, LaneEnd::Stopped | LaneEnd::AtRung);
        let complete = ends().filter(|(_, end)| !is_open(end)).count() == self.lanes.len();
        if !complete {
            return match self.intent {
                Some(Intent::Pause) => RunState::Paused,
                Some(Intent::Stop) => RunState::Stopped,
                Some(Intent::Shutdown) | None => RunState::Interrupted,
            };
        }
        if ends().any(|(_, end)| matches!(end, LaneEnd::Finished | LaneEnd::Halved)) {
            RunState::Finished
        } else {
            RunState::Failed { reason: DIVERGED.into() }
        }
    }
}

const DIVERGED: &str = "every arm diverged: its loss is no finite number; a lower learning rate may help";

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Preset;

    fn final_state(ends: &[LaneEnd], intent: Option<Intent>) -> RunState {
        let spec = Study { seeds: (0..ends.len() as u64).collect(), ..Study::of(Preset::Article) };
        let lanes = spec.lanes().into_iter().zip(ends.iter().cloned().map(Some)).collect();
        let mut scheduler = Scheduler::new(1);
        let submission = Submission::new(RunId(1), spec, lanes);
        let active = Active { intent, ..Active::submit(&mut scheduler, submission) };
        assert!(active.has_settled());
        active.final_state()
    }

    #[test]
    fn a_run_ends_as_its_lanes_did() {
        use LaneEnd::{Diverged, Failed, Finished, Stopped};
        assert_eq!(final_state(&[Finished, Finished], None), RunState::Finished);
        assert_eq!(final_state(&[Finished, Diverged], None), RunState::Finished);
        assert!(matches!(final_state(&[Diverged, Diverged], None), RunState::Failed { reason } if reason == DIVERGED));
        assert_eq!(final_state(&[Finished, Stopped], Some(Intent::Pause)), RunState::Paused);
        assert_eq!(final_state(&[Stopped, Diverged], Some(Intent::Stop)), RunState::Stopped);
        assert_eq!(final_state(&[Stopped, Stopped], Some(Intent::Shutdown)), RunState::Interrupted);
        assert_eq!(final_state(&[Finished, LaneEnd::Halved], None), RunState::Finished);
        assert_eq!(final_state(&[LaneEnd::AtRung, Finished], None), RunState::Interrupted);
        // The stop came after the last batch.
        assert_eq!(final_state(&[Finished, Finished], Some(Intent::Stop)), RunState::Finished);
        let failed = final_state(&[Finished, Failed("no data".into())], Some(Intent::Stop));
        assert!(matches!(failed, RunState::Failed { reason } if reason.ends_with("no data")));
    }
}
