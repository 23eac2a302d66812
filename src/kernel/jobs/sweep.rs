//! Sweeps in the kernel: how far each lane may train while successive halving decides. A lane that comes to a rung ends its
//! thread there; once all cells of its arm have come, the worse half is stopped for good and the others go on, as after a
//! pause. A decision follows from what is stored, so it is the same whichever kernel makes it.

use super::{
    Jobs,
    active::{LaneEnd, Stage},
    scheduler::Priority,
};
use crate::Kernel;
use protocol::{ArmId, Lane, LaneResults, Metric, RunEvent, RunId};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use store::{LaneState, Store, StoreError};

/// What the store has of a sweep's lanes.
#[derive(Default)]
pub(super) struct Results {
    errors: HashMap<(Lane, u32), f64>,
    diverged: HashSet<Lane>,
}

impl LaneResults for Results {
    fn error(&self, lane: Lane, epoch: u32) -> Option<f64> {
        self.errors.get(&(lane, epoch)).copied()
    }

    fn has_diverged(&self, lane: Lane) -> bool {
        self.diverged.contains(&lane)
    }
}

impl Results {
    fn of(store: &Store, run: RunId) -> Result<Self, StoreError> {
        let mut results = Self::default();
        for record in store.epochs(run)? {
            results.errors.extend(record.get(Metric::ValError).map(|error| ((record.lane(), record.epoch), error)));
        }
        let lanes = store.lanes(run)?.into_iter();
        let diverged = lanes.filter(|(_, state)| matches!(state, LaneState::Diverged { .. }));
        results.diverged.extend(diverged.map(|(lane, _)| lane));
        Ok(results)
    }
}

/// The limit of each lane; that of a cell that is not named is no epoch.
pub(super) fn limit_of(limits: Vec<(ArmId, u32)>) -> Box<dyn Fn(Lane) -> u32> {
    Box::new(move |lane| limits.iter().find(|(arm, _)| *arm == lane.arm).map_or(0, |(_, limit)| *limit))
}

/// The limit of each lane of a sweep, and the lanes that wait at a rung.
type Limits = (Option<Box<dyn Fn(Lane) -> u32>>, HashSet<Lane>);

impl Kernel {
    /// Stores and announces which lanes successive halving stops, as far as that can be decided. Returns how far the others
    /// may train; `None` if the run is no sweep.
    pub(super) fn decide_rungs(&self, run: RunId) -> Result<Option<Vec<(ArmId, u32)>>, StoreError> {
        let mut store = self.store();
        let summary = store.run(run)?;
        let Some(sweep) = summary.sweep else { return Ok(None) };
        let progress = sweep.progress(&summary.spec, &Results::of(&store, run)?);
        let rung = |arm: ArmId| progress.stopped.iter().find(|(stopped, _)| *stopped == arm).map(|(_, rung)| *rung);
        let open = store.lanes(run)?.into_iter().filter(|(_, state)| *state == LaneState::Open);
        let stopped: Vec<(Lane, u32)> = open.filter_map(|(lane, _)| Some((lane, rung(lane.arm)?))).collect();
        if !stopped.is_empty() {
            store.halve_lanes(run, &stopped)?;
        }
        drop(store);
        for (Lane { arm, seed }, epoch) in stopped {
            self.announce(RunEvent::Halved { run, arm, seed, epoch });
        }
        Ok(Some(progress.limits))
    }

    /// The limits of a run that goes on.
    pub(super) fn limits(&self, run: RunId) -> Result<Limits, StoreError> {
        let Some(limits) = self.decide_rungs(run)? else { return Ok((None, HashSet::new())) };
        let store = self.store();
        let epochs = store.run(run)?.spec.epochs;
        let mut waiting = HashSet::new();
        for (lane, state) in store.lanes(run)? {
            let limit = limits.iter().find(|(arm, _)| *arm == lane.arm).map_or(epochs, |(_, limit)| *limit);
            if state == LaneState::Open && limit < epochs && store.epochs_done(run, lane)? >= limit {
                waiting.insert(lane);
            }
        }
        Ok((Some(limit_of(limits)), waiting))
    }

    /// Lets the lanes go on that wait at a rung which is decided. Called after a lane has ended.
    pub(super) fn pass_rungs(self: &Arc<Self>, jobs: &mut Jobs, run: RunId) {
        let Some(at) = jobs.position(run) else { return };
        let Jobs { runs, scheduler, .. } = jobs;
        let active = &mut runs[at];
        let waits = |stage: &Stage| *stage == Stage::Ended(LaneEnd::AtRung);
        if active.intent.is_some() || !active.lanes.iter().any(|lane| waits(&lane.stage)) {
            return;
        }
        let limits = match self.decide_rungs(run) {
            Ok(Some(limits)) => limits,
            Ok(None) => return,
            Err(error) => {
                // Its lanes stay at the rung, and a resume decides.
                tracing::warn!(%run, "a rung of its sweep is not decided: {error}");
                return;
            }
        };
        for lane in active.lanes.iter_mut().filter(|lane| waits(&lane.stage)) {
            match limits.iter().find(|(arm, _)| *arm == lane.lane.arm) {
                None => lane.stage = Stage::Ended(LaneEnd::Halved),
                Some(&(_, limit)) if limit > lane.limit => {
                    lane.limit = limit;
                    lane.job = scheduler.submit(Priority::Sweep, active.spec.threads);
                    lane.permit = Arc::default();
                    lane.stage = Stage::Waiting;
                }
                Some(_) => {}
            }
        }
    }
}
