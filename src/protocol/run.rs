//! A run's identity, state and measurements, and the events that announce them.

use super::{
    Advance, ArmId, EpochRecord, Fork, Lane, RunTag, Steering, Study, Sweep, SweepCell, format_count,
    mean_and_deviation,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// A run's number in its home's store. Numbers are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

impl FromStr for RunId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(id) if id > 0 => Ok(Self(id)),
            _ => Err(format!("`{text}` is not a run's number; `relu runs` lists them")),
        }
    }
}

/// A run's state. The kernel changes it, and commits a change before announcing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RunState {
    /// Waits for a free core.
    Queued,
    Running,
    Paused,
    Finished,
    /// Ended by its reader before its last epoch; can be resumed.
    Stopped,
    /// Its kernel died while it trained or waited; can be resumed.
    Interrupted,
    Failed {
        reason: String,
    },
}

impl RunState {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::Failed { .. } => "failed",
        }
    }

    /// Whether a kernel works on it or holds it paused.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Queued | Self::Running | Self::Paused)
    }

    pub fn can_resume(&self) -> bool {
        matches!(self, Self::Paused | Self::Stopped | Self::Interrupted | Self::Failed { .. })
    }
}

/// How far a lane is inside an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub arm: ArmId,
    pub seed: u64,
    /// The current epoch, counted from 1.
    pub epoch: u32,
    /// Batches done in it.
    pub batch: u32,
    pub batches: u32,
    pub images_per_second: f64,
    /// Training and evaluation time of this lane so far, over all its sessions.
    pub seconds: f64,
}

/// What happens to a run, in the order in which it was committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    Started {
        run: RunId,
        spec: Study,
    },
    /// This new run has the history of another one; told before it starts. Its history stands in the store.
    Forked {
        run: RunId,
        #[serde(flatten)]
        fork: Fork,
    },
    Epoch {
        run: RunId,
        #[serde(flatten)]
        record: EpochRecord,
    },
    /// What computes the run on this machine, such as `fused (AVX-512)`. Announced when it is first known and when it
    /// changes.
    Backend {
        run: RunId,
        name: String,
    },
    /// A setting changes from an epoch on that no lane had begun which the change holds for.
    Steered {
        run: RunId,
        #[serde(flatten)]
        steering: Steering,
    },
    /// Told a few times a second, never stored.
    Progress {
        run: RunId,
        #[serde(flatten)]
        progress: Progress,
    },
    /// How long the run has trained in wall-clock time, without pauses and queueing. Announced about once a second.
    Elapsed {
        run: RunId,
        seconds: f64,
    },
    /// This lane's loss was not finite at this step. Its last finite checkpoint is kept, and the other lanes continue.
    Diverged {
        run: RunId,
        arm: ArmId,
        seed: u64,
        epoch: u32,
        /// The batch of that epoch, counted from 0.
        batch: u32,
    },
    /// Successive halving stopped this lane for good after this epoch.
    Halved {
        run: RunId,
        arm: ArmId,
        seed: u64,
        epoch: u32,
    },
    Queued {
        run: RunId,
    },
    Paused {
        run: RunId,
    },
    Continued {
        run: RunId,
    },
    /// Why a resumed run may differ in its bits from an uninterrupted one.
    NotExact {
        run: RunId,
        why: String,
    },
    /// What the reader should know while the run trains or waits, such as a full disk; `None` withdraws it.
    Notice {
        run: RunId,
        text: Option<String>,
        /// The run waits for space on the disk.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        disk_full: bool,
    },
    Renamed {
        run: RunId,
        name: Option<String>,
    },
    /// With all tags that it has now.
    Tagged {
        run: RunId,
        tags: Vec<RunTag>,
    },
    /// Its notes were written anew, or removed.
    Noted {
        run: RunId,
        notes: Option<String>,
    },
    Deleted {
        run: RunId,
    },
    Stopped {
        run: RunId,
    },
    /// Its kernel was text to shut down, or died.
    Interrupted {
        run: RunId,
    },
    Finished {
        run: RunId,
    },
    Failed {
        run: RunId,
        reason: String,
    },
}

impl RunEvent {
    pub fn run(&self) -> RunId {
        match self {
            Self::Started { run, .. }
            | Self::Epoch { run, .. }
            | Self::Backend { run, .. }
            | Self::Forked { run, .. }
            | Self::Steered { run, .. }
            | Self::Progress { run, .. }
            | Self::Elapsed { run, .. }
            | Self::Diverged { run, .. }
            | Self::Halved { run, .. }
            | Self::Queued { run }
            | Self::Paused { run }
            | Self::Continued { run }
            | Self::NotExact { run, .. }
            | Self::Notice { run, .. }
            | Self::Renamed { run, .. }
            | Self::Tagged { run, .. }
            | Self::Noted { run, .. }
            | Self::Deleted { run }
            | Self::Stopped { run }
            | Self::Interrupted { run }
            | Self::Finished { run }
            | Self::Failed { run, .. } => *run,
        }
    }

    /// Whether no further training event follows it.
    pub fn ends_run(&self) -> bool {
        matches!(
            self,
            Self::Stopped { .. }
                | Self::Interrupted { .. }
                | Self::Finished { .. }
                | Self::Failed { .. }
                | Self::Deleted { .. }
        )
    }
}

/// A run as a list shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    pub run: RunId,
    pub name: Option<String>,
    #[serde(default)]
    pub tags: Vec<RunTag>,
    /// What the reader has noted on it.
    #[serde(default)]
    pub notes: Option<String>,
    #[serde(flatten)]
    pub state: RunState,
    pub spec: Study,
    /// Why its numbers may differ from those of an uninterrupted run; `None` if they don't.
    #[serde(default)]
    pub not_exact: Option<String>,
    /// Of a run that was forked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<Fork>,
    /// How it was steered, in the order in which it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steerings: Vec<Steering>,
    /// Of a run whose arms are the cells of a sweep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// Seconds since 1970, UTC.
    pub created: i64,
    pub updated: i64,
    /// Seconds that it has trained in wall-clock time, without pauses and queueing.
    #[serde(default)]
    pub elapsed: f64,
    /// Epochs that every lane in `done` has completed.
    pub epochs_done: u32,
    /// Epochs of each lane, those left out whose loss left the finite numbers, and those that successive halving stopped:
    /// nobody waits for them.
    #[serde(default)]
    pub done: Vec<(Lane, u32)>,
    /// Best validation error of each lane so far, in percent.
    pub best: Vec<(Lane, f64)>,
}

impl RunSummary {
    /// Every arm with its best validation error in percent, mean and standard deviation where it has several seeds. Of a
    /// sweep the best cell of each arm. While several seeds train, those that are at their end count: a mean over seeds that
    /// are not equally far says nothing.
    pub fn best_errors(&self) -> String {
        let seeds: BTreeSet<u64> = self.best.iter().map(|(lane, _)| lane.seed).collect();
        let has_ended = |lane: &Lane| self.done.iter().any(|(of, done)| of == lane && *done >= self.spec.epochs);
        let is_partial = self.spec.seeds.len() > 1 && self.state.is_active();
        let errors = |arm: ArmId| -> Vec<f64> {
            let of_arm = self.best.iter().filter(|(lane, _)| lane.arm == arm && (!is_partial || has_ended(lane)));
            of_arm.map(|(_, error)| *error).collect()
        };
        let mean = |arm: ArmId| mean_and_deviation(&errors(arm)).map_or(f64::INFINITY, |(mean, _)| mean);
        let arm = |arm: ArmId| {
            let errors = errors(arm);
            let text = match mean_and_deviation(&errors) {
                None => "–".into(),
                Some((mean, None)) => format!("{mean:.2}"),
                Some((mean, Some(deviation))) => format!("{mean:.2} ± {deviation:.2}"),
            };
            let cell = self.sweep.as_ref().and_then(|sweep| sweep.cell(arm));
            format!("{} {text}", cell.map_or_else(|| self.spec.arm_title(arm), SweepCell::title))
        };
        let over = match seeds.len() {
            _ if is_partial => " (seeds at their end)".into(),
            0 | 1 => String::new(),
            count => format!(" ({count} seeds)"),
        };
        let Some(sweep) = &self.sweep else {
            let arms: Vec<String> = self.spec.arm_ids().map(arm).collect();
            return format!("{}{over}", arms.join(", "));
        };
        let best = |group: ArmId| {
            let cells = sweep.cells.iter().filter(|cell| cell.of == group).map(|cell| cell.arm);
            cells.min_by(|a, b| mean(*a).total_cmp(&mean(*b)))
        };
        let arms: Vec<String> = sweep.groups().into_iter().filter_map(best).map(arm).collect();
        format!("sweep of {}, best {}{over}", format_count(sweep.cells.len(), "cell"), arms.join(", "))
    }

    pub fn advance(&self) -> Advance {
        let done: Vec<u32> = self.done.iter().map(|&(_, done)| done).collect();
        Advance::of(&done, self.spec.epochs)
    }
}
