//! A run's identity, state and measurements, and the events that announce them.

use super::{
    Advance, ArmId, CellResult, EpochRecord, Fork, Lane, LaneResults, RunTag, Steering, Study, Sweep, best_cells,
    format_count, mean_and_deviation, tied_cells,
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
    /// Of a sweep: the validation error of each lane that has come to the last epoch, in percent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<(Lane, f64)>,
}

/// What is known of a sweep's lanes from its summary: their ends. A lane that nobody waits for has diverged or was stopped
/// by halving, and is not the best either way.
impl LaneResults for RunSummary {
    fn error(&self, lane: Lane, epoch: u32) -> Option<f64> {
        let end = self.ends.iter().find(|(of, _)| *of == lane).map(|(_, error)| *error);
        end.filter(|_| epoch == self.spec.epochs)
    }

    fn has_diverged(&self, lane: Lane) -> bool {
        !self.done.iter().any(|(of, _)| *of == lane)
    }
}

impl RunSummary {
    /// Every arm with its best validation error in percent, mean and standard deviation where it has several seeds. While
    /// several seeds train, those that are at their end count: a mean over seeds that are not equally far says nothing. Of
    /// a sweep the best cell of each arm, as [`best_cells`] finds it, with the error that it was chosen by.
    pub fn best_errors(&self) -> String {
        self.best_errors_with(ErrorDetail::Whole)
    }

    /// The same in so many characters if that is possible: without the number of seeds, then without the deviations.
    pub fn best_errors_within(&self, room: usize) -> String {
        let forms = [ErrorDetail::Whole, ErrorDetail::Deviations].map(|detail| self.best_errors_with(detail));
        let fitting = forms.into_iter().find(|text| text.chars().count() <= room);
        fitting.unwrap_or_else(|| self.best_errors_with(ErrorDetail::Means))
    }

    fn best_errors_with(&self, detail: ErrorDetail) -> String {
        if let Some(sweep) = &self.sweep {
            return self.best_of_sweep(sweep, detail);
        }
        let seeds: BTreeSet<u64> = self.best.iter().map(|(lane, _)| lane.seed).collect();
        let has_ended = |lane: &Lane| self.done.iter().any(|(of, done)| of == lane && *done >= self.spec.epochs);
        let is_active = self.spec.seeds.len() > 1 && self.state.is_active();
        // A fork that waits has its parent's epochs with every seed.
        let together = self.done.first().map(|(_, done)| *done).filter(|done| {
            *done > 0 && self.state != RunState::Running && self.done.iter().all(|(_, other)| other == done)
        });
        let is_partial = is_active && together.is_none();
        let errors = |arm: ArmId| -> Vec<f64> {
            let of_arm = self.best.iter().filter(|(lane, _)| lane.arm == arm && (!is_partial || has_ended(lane)));
            of_arm.map(|(_, error)| *error).collect()
        };
        let arm = |arm: ArmId| format!("{} {}", self.spec.arm_title(arm), mean_text(&errors(arm), detail));
        let over = match seeds.len() {
            _ if detail != ErrorDetail::Whole => String::new(),
            _ if is_partial => " (seeds at their end)".into(),
            0 | 1 => String::new(),
            count if is_active => format!(" ({count} seeds so far)"),
            count => format!(" ({count} seeds)"),
        };
        let arms: Vec<String> = self.spec.arm_ids().map(arm).collect();
        format!("{}{over}", arms.join(", "))
    }

    fn best_of_sweep(&self, sweep: &Sweep, detail: ErrorDetail) -> String {
        let results = sweep.results(&self.spec, self);
        let best = best_cells(&results);
        let head = format!("sweep of {}", format_count(sweep.cells.len(), "cell"));
        if best.iter().all(|(_, best)| best.is_none()) {
            return format!("{head}, none has come to the last epoch");
        }
        let arm = |(arm, best): &(ArmId, Option<&CellResult>)| match best {
            Some(best) => {
                let errors: Vec<f64> = best.errors.iter().map(|(_, error)| *error).collect();
                let equals = match tied_cells(&results, best).len() {
                    0 => String::new(),
                    count => format!(" and {count} as low"),
                };
                format!("{} {}{equals}", best.cell.title(), mean_text(&errors, detail))
            }
            None => format!("none of {arm} at the last epoch"),
        };
        let arms: Vec<String> = best.iter().map(arm).collect();
        let so_far = if self.state == RunState::Finished { "" } else { " so far" };
        format!("{head}, best{so_far} {}", arms.join(", "))
    }

    pub fn advance(&self) -> Advance {
        let done: Vec<u32> = self.done.iter().map(|&(_, done)| done).collect();
        Advance::of(&done, self.spec.epochs)
    }
}

/// What stands with the means of a run's errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ErrorDetail {
    /// Their deviations, and over how many seeds they are.
    Whole,
    Deviations,
    Means,
}

/// `1.24 ± 0.05`, or a dash of nothing.
fn mean_text(errors: &[f64], detail: ErrorDetail) -> String {
    match mean_and_deviation(errors) {
        None => "–".into(),
        Some((mean, _)) if detail == ErrorDetail::Means => format!("{mean:.2}"),
        Some((mean, None)) => format!("{mean:.2}"),
        Some((mean, Some(deviation))) => format!("{mean:.2} ± {deviation:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SweepAxis;

    fn summary(spec: Study, state: RunState) -> RunSummary {
        RunSummary {
            run: RunId(1),
            name: None,
            tags: Vec::new(),
            notes: None,
            state,
            spec,
            not_exact: None,
            fork: None,
            steerings: Vec::new(),
            sweep: None,
            created: 0,
            updated: 0,
            elapsed: 0.0,
            epochs_done: 0,
            done: Vec::new(),
            best: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// The list names the cell that the sweep itself does: the lowest mean at the last epoch, not the lowest of any epoch.
    #[test]
    fn the_best_of_a_sweep_is_that_of_its_ends() {
        let axes = [SweepAxis::parse("lr=0.01,0.1,0.5").unwrap()];
        let (spec, sweep) = Sweep::new(&"relu-tanh | seeds=1-2 epochs=4".parse().unwrap(), &axes, false).unwrap();
        let lanes = spec.lanes();
        let arms: Vec<ArmId> = spec.arm_ids().collect();
        let lane = |cell: usize, seed: u64| Lane { arm: arms[cell], seed };
        let mut run = summary(spec, RunState::Running);
        run.sweep = Some(sweep);
        run.done = lanes.iter().map(|lane| (*lane, 2)).collect();
        run.best = vec![(lane(0, 1), 1.0), (lane(1, 1), 3.0)];
        assert_eq!(run.best_errors(), "sweep of 3 cells, none has come to the last epoch");
        // The first cell was lowest on its way and ends higher; the third diverges with a seed.
        run.ends = vec![(lane(0, 1), 4.0), (lane(0, 2), 5.0), (lane(1, 1), 3.0), (lane(1, 2), 3.5), (lane(2, 1), 0.5)];
        run.done.retain(|(of, _)| *of != lane(2, 2));
        assert_eq!(run.best_errors(), "sweep of 3 cells, best so far relu-tanh lr=0.1 3.25 ± 0.35");
        run.state = RunState::Finished;
        assert_eq!(run.best_errors(), "sweep of 3 cells, best relu-tanh lr=0.1 3.25 ± 0.35");
        run.ends[0].1 = 3.0;
        run.ends[1].1 = 3.5;
        assert_eq!(run.best_errors(), "sweep of 3 cells, best relu-tanh lr=0.01 3.25 ± 0.35 and 1 as low");
    }

    #[test]
    fn where_there_is_little_room_the_means_stay() {
        let spec: Study = "relu-tanh; all-tanh | seeds=1-2 epochs=4".parse().unwrap();
        let mut run = summary(spec, RunState::Finished);
        run.best = run.spec.lanes().into_iter().zip([1.0, 2.0, 3.0, 4.0]).collect();
        let title = ArmId::ALL_TANH.title();
        let whole = run.best_errors();
        assert!(whole.ends_with("(2 seeds)") && whole.contains('±'), "{whole}");
        assert_eq!(run.best_errors_within(200), whole);
        let short = run.best_errors_within(whole.chars().count() - 1);
        assert!(!short.contains("seeds") && short.contains('±'), "{short}");
        let means = run.best_errors_within(5);
        assert!(means.contains(&title) && !means.contains('±'), "{means}");
    }

    #[test]
    fn a_fork_that_waits_shows_what_it_has_of_its_parent() {
        let spec: Study = "relu-tanh | seeds=1-2 epochs=4".parse().unwrap();
        let mut run = summary(spec, RunState::Queued);
        let lanes = run.spec.lanes();
        run.done = lanes.iter().map(|lane| (*lane, 2)).collect();
        run.best = vec![(lanes[0], 2.0), (lanes[1], 3.0)];
        assert_eq!(run.best_errors(), "ReLU+Tanh 2.50 ± 0.71 (2 seeds so far)");
        run.state = RunState::Running;
        assert_eq!(run.best_errors(), "ReLU+Tanh – (seeds at their end)");
        run.done[1].1 = 4;
        assert_eq!(run.best_errors(), "ReLU+Tanh 3.00 (seeds at their end)");
    }
}
