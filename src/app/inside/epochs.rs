//! The kept epochs of a run, and the place among them that is looked at.

use crate::{App, StoreQuery, TrainingRun};
use protocol::{Lane, RunEvent, RunId, RunState};

/// Which epochs have checkpoints, of each lane that was asked about.
#[derive(Clone, Debug, Default)]
pub struct KeptEpochs {
    of: Vec<(Lane, Vec<u32>)>,
    /// Those whose checkpoint could not be read.
    damaged: Vec<(Lane, u32)>,
    /// The lanes whose folder could not be read.
    unreadable: Vec<Lane>,
}

impl KeptEpochs {
    pub(crate) const fn new() -> Self {
        Self { of: Vec::new(), damaged: Vec::new(), unreadable: Vec::new() }
    }

    fn stored(&self, lane: Lane) -> Option<&[u32]> {
        self.of.iter().find(|(known, _)| *known == lane).map(|(_, epochs)| epochs.as_slice())
    }

    /// Ascending.
    pub fn of(&self, lane: Lane) -> impl Iterator<Item = u32> + '_ {
        let kept = self.stored(lane).into_iter().flatten().copied();
        kept.filter(move |epoch| !self.damaged.contains(&(lane, *epoch)))
    }

    /// The epochs at which one of the lanes has a checkpoint, ascending.
    pub fn timeline(&self, lanes: &[Lane]) -> Vec<u32> {
        let mut all: Vec<u32> = lanes.iter().flat_map(|lane| self.of(*lane)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The kept epoch that stands for this one: the last before it, else the first; without a number the last.
    pub fn nearest(&self, lane: Lane, epoch: Option<u32>) -> Option<u32> {
        let before = self.of(lane).take_while(|kept| epoch.is_none_or(|epoch| *kept <= epoch)).last();
        before.or_else(|| self.of(lane).next())
    }

    /// Keeps what was read anew. A checkpoint that was damaged may have been restored since.
    pub(crate) fn set(&mut self, lane: Lane, epochs: Vec<u32>) {
        self.forget(lane);
        self.of.push((lane, epochs));
    }

    /// The folder of a lane can't be read. What was read before stays.
    pub(crate) fn set_unreadable(&mut self, lane: Lane) {
        if !self.is_known(lane) {
            self.of.push((lane, Vec::new()));
            self.unreadable.push(lane);
        }
    }

    fn forget(&mut self, lane: Lane) {
        self.of.retain(|(known, _)| *known != lane);
        self.damaged.retain(|(of, _)| *of != lane);
        self.unreadable.retain(|of| *of != lane);
    }

    /// Why there is no checkpoint of a lane to look at.
    fn absence(&self, lane: Lane, training: &TrainingRun) -> &'static str {
        let Some(stored) = self.stored(lane) else { return BEING_READ };
        if self.unreadable.contains(&lane) {
            return "The checkpoints of this network can't be read.";
        }
        if !stored.is_empty() {
            return "No checkpoint of this network can be read.";
        }
        let view = training.lanes.iter().find(|view| view.lane == lane);
        if view.is_some_and(|view| view.diverged.is_some()) {
            return "This network diverged, so it has no checkpoint.";
        }
        if view.is_some_and(|view| !view.points.is_empty()) {
            return "The checkpoints of this network are gone; train its study again to look into it.";
        }
        match training.state {
            RunState::Queued | RunState::Running | RunState::Paused => {
                "No checkpoint yet: the first epoch is not done."
            }
            RunState::Stopped => {
                "This network has no checkpoint: its run was stopped before the end of the first epoch."
            }
            RunState::Interrupted => {
                "This network has no checkpoint: its run was interrupted before the end of the first epoch."
            }
            RunState::Failed { .. } => {
                "This network has no checkpoint: its run failed before the end of the first epoch."
            }
            RunState::Finished => "This network has no checkpoint: its run ended before the end of the first epoch.",
        }
    }

    pub(crate) fn is_known(&self, lane: Lane) -> bool {
        self.stored(lane).is_some()
    }

    pub(crate) fn skip_damaged(&mut self, lane: Lane, epoch: u32) {
        self.damaged.push((lane, epoch));
    }
}

/// Stands until the kept epochs have come.
const BEING_READ: &str = "The kept epochs are being read.";

impl App {
    /// Why there is no checkpoint of a lane of the open run to look at.
    pub(super) fn absent_checkpoint(&self, lane: Lane) -> &'static str {
        let Some(training) = self.inside_training() else { return BEING_READ };
        if self.pending_queries.is_pending(StoreQuery::KeptEpochs { run: training.run, lane }) {
            return BEING_READ;
        }
        self.inside.kept().absence(lane, training)
    }

    pub(crate) fn set_unreadable_epochs(&mut self, run: RunId, lane: Lane) {
        self.inside.kept.entry(run).or_default().set_unreadable(lane);
    }

    /// Forgets the kept epochs of a lane that has come to its next epoch, if they are not read again by themselves: those of
    /// a lane that is not on the screen, and those of a lane that had none. They are read when they are needed.
    pub(crate) fn forget_outdated_epochs(&mut self, event: &RunEvent) {
        let RunEvent::Epoch { run, record } = event else { return };
        let lane = record.lane();
        let is_shown = self.lanes_in_view().contains(&(*run, lane));
        if let Some(kept) = self.inside.kept.get_mut(run)
            && (!is_shown || kept.of(lane).next().is_none())
        {
            kept.forget(lane);
        }
    }
}

/// The epoch a step away in a timeline; `None` is the newest, which moves on while the run trains.
pub(crate) fn step(timeline: &[u32], at: Option<u32>, forward: bool) -> Option<u32> {
    let last = timeline.last().copied()?;
    let from = at.unwrap_or(last);
    let to = if forward {
        timeline.iter().find(|epoch| **epoch > from)
    } else {
        timeline.iter().rev().find(|epoch| **epoch < from)
    };
    match to {
        Some(epoch) if *epoch < last => Some(*epoch),
        Some(_) => None,
        // At an end it stays.
        None => at.filter(|at| *at < last || !forward),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_why_a_lane_has_no_checkpoint_is_the_one_that_holds() {
        let lane = Lane { arm: "relu-tanh".parse().unwrap(), seed: 1 };
        let mut training = TrainingRun::new(RunId(1), "relu-tanh | seeds=1 epochs=4".parse().unwrap());
        training.state = RunState::Running;
        let mut kept = KeptEpochs::default();
        assert_eq!(kept.absence(lane, &training), BEING_READ);
        kept.set_unreadable(lane);
        assert!(kept.absence(lane, &training).contains("checkpoints of this network can't be read"));
        kept.set(lane, Vec::new());
        assert!(kept.absence(lane, &training).contains("the first epoch is not done"));
        training.state = RunState::Stopped;
        assert!(kept.absence(lane, &training).contains("was stopped before the end of the first epoch"));
        let record = protocol::EpochRecord::new(lane, 1, []);
        training.apply(&RunEvent::Epoch { run: RunId(1), record });
        assert!(kept.absence(lane, &training).contains("are gone"));
        training.apply(&RunEvent::Diverged { run: RunId(1), arm: lane.arm, seed: 1, epoch: 2, batch: 3 });
        assert!(kept.absence(lane, &training).contains("diverged"));
        kept.set(lane, vec![1]);
        kept.skip_damaged(lane, 1);
        assert!(kept.absence(lane, &training).contains("No checkpoint of this network can be read"));
        // What could not be read is tried again when the list is read anew.
        kept.set(lane, vec![1]);
        assert_eq!(kept.nearest(lane, None), Some(1));
        // A list that is known outlives a fault of reading it again.
        kept.set_unreadable(lane);
        assert_eq!(kept.nearest(lane, None), Some(1));
    }

    #[test]
    fn steps_go_over_what_is_kept_and_is_not_damaged() {
        let lane = Lane { arm: "relu-tanh".parse().unwrap(), seed: 1 };
        let mut kept = KeptEpochs::default();
        kept.set(lane, vec![1, 2, 4, 8, 9]);
        kept.skip_damaged(lane, 4);
        let timeline = kept.timeline(&[lane]);
        assert_eq!(timeline, [1, 2, 8, 9]);
        let back: Vec<Option<u32>> = (0..5)
            .scan(None, |at, _| {
                *at = step(&timeline, *at, false);
                Some(*at)
            })
            .collect();
        assert_eq!(back, [Some(8), Some(2), Some(1), Some(1), Some(1)]);
        let forth: Vec<Option<u32>> = (0..4)
            .scan(Some(1), |at, _| {
                *at = step(&timeline, *at, true);
                Some(*at)
            })
            .collect();
        assert_eq!(forth, [Some(2), Some(8), None, None]);
        assert_eq!([None, Some(5), Some(0)].map(|epoch| kept.nearest(lane, epoch)), [Some(9), Some(2), Some(1)]);
    }
}
