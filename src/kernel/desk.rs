//! The scheduler's desk: the runs that train or wait, and what the ends of their lanes add up to.

use super::{
    lane::{Control, LaneEnd},
    requests::Refusal,
    stopwatch::Stopwatch,
};
use protocol::{ErrorKind, Lane, RunId, RunSpec, RunState};
use std::{sync::Arc, time::Instant};

/// What the scheduler works on.
pub(super) struct Desk {
    /// Oldest first.
    pub runs: Vec<Active>,
    pub cores: u32,
    pub free: u32,
    /// The kernel is about to end: nothing new starts.
    pub leaving: bool,
    /// Ends of runs that a full disk has not taken yet, with what to announce once it has.
    pub unsaved: Vec<Unsaved>,
    pub last_busy: Instant,
}

/// A run that has come to rest, which is not stored yet.
pub(super) struct Unsaved {
    pub run: RunId,
    pub state: RunState,
    /// How long it has trained, where this kernel knows.
    pub elapsed: Option<f64>,
    pub resume_after: bool,
    /// The kernel before this one left it when it died.
    pub left_by_dead: bool,
}

/// A run that the kernel works on.
pub(super) struct Active {
    pub run: RunId,
    pub spec: RunSpec,
    pub lanes: Vec<(Lane, Stage)>,
    pub control: Arc<Control>,
    pub stopwatch: Arc<Stopwatch>,
    /// What its reader, or the end of the kernel, wants of it.
    pub intent: Option<Intent>,
    /// Asked to go on again while it was still pausing.
    pub resume_after: bool,
    pub place: Place,
    /// The disk has not taken its place yet.
    pub owed: bool,
    /// Its followers know it as waiting or halted, and must hear when it goes on.
    pub told_waiting: bool,
}

/// Whether a run has ever been given a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Queue,
    Cores,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    Pause,
    Stop,
    /// The kernel leaves.
    Leave,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stage {
    Waiting,
    Training,
    Ended(LaneEnd),
}

impl Desk {
    pub fn new(cores: u32) -> Self {
        let cores = cores.max(1);
        Self { runs: Vec::new(), cores, free: cores, leaving: false, unsaved: Vec::new(), last_busy: Instant::now() }
    }

    pub fn ids(&self) -> Vec<RunId> {
        self.runs.iter().map(|active| active.run).collect()
    }

    pub fn position(&self, run: RunId) -> Option<usize> {
        self.runs.iter().position(|active| active.run == run)
    }

    pub fn welcome(&self, run: Option<RunId>) -> Result<(), Refusal> {
        if self.leaving {
            return Err(Refusal::new(ErrorKind::Busy, "the kernel is about to leave; try again in a moment"));
        }
        if run.is_some_and(|run| self.unsaved.iter().any(|unsaved| unsaved.run == run)) {
            return Err(Refusal::new(
                ErrorKind::Storage,
                "the disk has not taken this run's state yet; free some space",
            ));
        }
        Ok(())
    }
}

impl Active {
    /// One that has trained for so many seconds before.
    pub fn new(run: RunId, spec: RunSpec, lanes: Vec<Lane>, elapsed: f64, told_waiting: bool) -> Self {
        Self {
            run,
            spec,
            lanes: lanes.into_iter().map(|lane| (lane, Stage::Waiting)).collect(),
            control: Arc::default(),
            stopwatch: Arc::new(Stopwatch::after(elapsed)),
            intent: None,
            resume_after: false,
            place: Place::Queue,
            owed: false,
            told_waiting,
        }
    }

    fn is_training(&self) -> bool {
        self.lanes.iter().any(|(_, stage)| *stage == Stage::Training)
    }

    pub fn has_settled(&self) -> bool {
        !self.is_training() && (self.intent.is_some() || self.lanes.iter().all(|(_, stage)| *stage != Stage::Waiting))
    }

    /// The state that the ends of its lanes, and what was wanted of it, add up to.
    pub fn verdict(&self) -> RunState {
        let ends = || {
            self.lanes.iter().filter_map(|(lane, stage)| match stage {
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
        let complete = ends().filter(|(_, end)| **end != LaneEnd::Stopped).count() == self.lanes.len();
        if !complete {
            return match self.intent {
                Some(Intent::Pause) => RunState::Paused,
                Some(Intent::Stop) => RunState::Stopped,
                Some(Intent::Leave) | None => RunState::Interrupted,
            };
        }
        if ends().any(|(_, end)| *end == LaneEnd::Finished) {
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

    fn verdict(ends: &[LaneEnd], intent: Option<Intent>) -> RunState {
        let spec = RunSpec { seeds: (0..ends.len() as u64).collect(), ..RunSpec::of(Preset::Article) };
        let lanes = spec.lanes().into_iter().take(ends.len()).collect();
        let mut active = Active { intent, ..Active::new(RunId(1), spec, lanes, 0.0, false) };
        for ((_, stage), end) in active.lanes.iter_mut().zip(ends) {
            *stage = Stage::Ended(end.clone());
        }
        assert!(active.has_settled());
        active.verdict()
    }

    #[test]
    fn a_run_ends_as_its_lanes_did() {
        use LaneEnd::{Diverged, Failed, Finished, Stopped};
        assert_eq!(verdict(&[Finished, Finished], None), RunState::Finished);
        assert_eq!(verdict(&[Finished, Diverged], None), RunState::Finished);
        assert!(matches!(verdict(&[Diverged, Diverged], None), RunState::Failed { reason } if reason == DIVERGED));
        assert_eq!(verdict(&[Finished, Stopped], Some(Intent::Pause)), RunState::Paused);
        assert_eq!(verdict(&[Stopped, Diverged], Some(Intent::Stop)), RunState::Stopped);
        assert_eq!(verdict(&[Stopped, Stopped], Some(Intent::Leave)), RunState::Interrupted);
        // The stop came after the last batch.
        assert_eq!(verdict(&[Finished, Finished], Some(Intent::Stop)), RunState::Finished);
        let failed = verdict(&[Finished, Failed("no data".into())], Some(Intent::Stop));
        assert!(matches!(failed, RunState::Failed { reason } if reason.ends_with("no data")));
    }
}
