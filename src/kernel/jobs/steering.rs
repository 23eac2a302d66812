//! Steering: a setting changes while its run trains, or is paused, from an epoch on that no lane under way has begun.
//!
//! The lanes' threads ask for their rate as they begin an epoch, and the request that steers decides its epoch, under one
//! lock: so what is stored is what every lane trains with, however often it is resumed.

use super::checkpoint;
use crate::{Kernel, lock, refusal::Refusal};
use protocol::{ArmId, ErrorKind, Lane, RunEvent, RunId, RunState, RunSummary, SteeredSetting, Steering, steered_rate};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use store::{LaneState, files::LaneFolder};

/// How a run is steered. Shared by the threads of its lanes and whoever steers it.
#[derive(Default)]
pub(crate) struct RunSteering {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    steerings: Vec<Steering>,
    /// The last epoch that each lane has begun in this kernel.
    begun: HashMap<Lane, u32>,
}

impl RunSteering {
    pub fn of(steerings: Vec<Steering>) -> Self {
        Self { state: Mutex::new(State { steerings, begun: HashMap::new() }) }
    }

    /// The lane begins this epoch, or goes on inside it; returns its base learning rate.
    pub fn begin_epoch(&self, lane: Lane, epoch: u32, base: f64) -> f64 {
        let mut state = lock(&self.state);
        state.begun.insert(lane, epoch);
        steered_rate(&state.steerings, lane, epoch, base)
    }
}

impl RunSteering {
    /// The last epochs of this lane before each of its steerings.
    pub fn epochs_before(&self, lane: Lane) -> Vec<u32> {
        let state = lock(&self.state);
        let holding = state.steerings.iter().filter(|steering| steering.holds_for(lane));
        holding.map(|steering| steering.epoch - 1).collect()
    }
}

impl Kernel {
    /// The last epoch that an open lane has begun, in this kernel or before; 0 is none.
    fn begun_epoch(&self, state: &State, run: RunId, lane: Lane) -> Result<u32, Refusal> {
        if let Some(&epoch) = state.begun.get(&lane) {
            return Ok(epoch);
        }
        let done = self.store().epochs_done(run, lane)?;
        let folder = LaneFolder::of(&self.home, run, lane);
        Ok(done + u32::from(checkpoint::is_inside_epoch(&folder, lane, done)))
    }

    /// Changes a setting of an arm from the first epoch on that none of its lanes that are under way has begun. Lanes that
    /// are at their ends beyond that epoch keep what they had.
    pub(crate) fn steer(
        &self,
        run: RunId,
        arm: ArmId,
        setting: SteeredSetting,
        value: f64,
    ) -> Result<Steering, Refusal> {
        let value =
            setting.checked(&value.to_string()).map_err(|error| Refusal::new(ErrorKind::BadSpec, error.to_string()))?;
        // Held to the end: a run that is resumed meanwhile would read its steerings without this one.
        let jobs = self.jobs();
        jobs.admit(Some(run))?;
        let (summary, lanes) = {
            let store = self.store();
            (store.run(run)?, store.lanes(run)?)
        };
        let RunSummary { spec, state: run_state, .. } = summary;
        let refuse = |why: String| Err(Refusal::new(ErrorKind::State, format!("run {run} {why}")));
        let arm = spec.find_arm(arm).unwrap_or(arm);
        if spec.settings(arm).is_none() {
            let arms: Vec<String> = spec.arm_ids().map(|arm| arm.to_string()).collect();
            let message = format!("run {run} has no arm {arm}; it has {}", arms.join(", "));
            return Err(Refusal::new(ErrorKind::BadRequest, message));
        }
        if run_state == RunState::Finished {
            return refuse("is finished; `relu fork` trains on from one of its epochs".into());
        }
        let active = jobs.position(run).map(|at| Arc::clone(&jobs.runs[at].steering));
        let steering = match active {
            Some(steering) => steering,
            None => Arc::new(RunSteering::of(self.store().steerings(run)?)),
        };
        let mut state = lock(&steering.state);
        let mut begun: Vec<(Lane, u32, bool)> = Vec::new();
        for (lane, lane_state) in lanes.into_iter().filter(|(lane, _)| lane.arm == arm) {
            let (epoch, is_open) = match lane_state {
                LaneState::Finished => (spec.epochs, false),
                LaneState::Diverged { epoch, .. } | LaneState::Halved { epoch } => (epoch, false),
                LaneState::Open => (self.begun_epoch(&state, run, lane)?, true),
            };
            begun.push((lane, epoch, is_open));
        }
        // A lane in its last epoch is past every steering.
        let steerable = begun.iter().filter(|(_, begun, is_open)| *is_open && *begun < spec.epochs);
        let Some(furthest) = steerable.map(|(_, begun, _)| *begun).max() else {
            return refuse(format!(
                "has no epoch of {arm} left to begin; `relu fork {run} --epoch N` trains on from one of its epochs"
            ));
        };
        let epoch = furthest + 1;
        let passed = begun.iter().filter(|(_, begun, _)| *begun >= epoch).map(|(lane, ..)| lane.seed).collect();
        let steering = Steering { arm, epoch, setting, value, passed };
        let last = state.steerings.iter().rev().find(|last| last.arm == arm && last.setting == setting);
        let is_held = |last: &&Steering| {
            let lanes = begun.iter().map(|(lane, ..)| *lane);
            last.value.to_bits() == value.to_bits()
                && lanes.filter(|lane| steering.holds_for(*lane)).all(|lane| last.holds_for(lane))
        };
        if let Some(last) = last.filter(is_held) {
            return refuse(format!("has that already: {}", last.sentence(&spec)));
        }
        self.store().insert_steering(run, &steering)?;
        state.steerings.push(steering.clone());
        // Under the lock: its followers hear of it before they hear of the epoch.
        self.announce(RunEvent::Steered { run, steering: steering.clone() });
        Ok(steering)
    }
}
