//! Which lane trains when: cores are given out in the order in which runs were asked for.
//!
//! A run's life has named transitions only: [`Kernel::train`], [`Kernel::resume`], [`Kernel::pause`],
//! [`Kernel::stop`], and [`Kernel::lane_ended`], after whose last the run settles into its next state.

use super::{
    Kernel,
    desk::{Active, Desk, Intent, Place, Stage, Unsaved},
    hub::Complaint,
    lane::LaneEnd,
    requests::Refusal,
};
use learn::Dataset;
use protocol::{DataSource, ErrorKind, Lane, RunEvent, RunId, RunSpec, RunState};
use std::{
    fs,
    sync::{Arc, atomic::Ordering},
    thread,
    time::Instant,
};
use store::{Interruption, LaneState, Store, StoreError};

impl Kernel {
    /// Creates a run and starts it, or lets it wait for a free core.
    pub(super) fn train(self: &Arc<Self>, spec: RunSpec, name: Option<&str>) -> Result<RunId, Refusal> {
        spec.check().map_err(|error| Refusal::new(ErrorKind::BadSpec, error.to_string()))?;
        // The kernel has no working folder of its own, and a run may be resumed from anywhere.
        if let DataSource::Folder(folder) = &spec.data
            && !(folder.is_absolute() && folder.is_dir())
        {
            let message = format!("data: {} is not the absolute path of a folder that is there", folder.display());
            return Err(Refusal::new(ErrorKind::BadSpec, message));
        }
        Dataset::is_there(&spec.data).map_err(|error| Refusal::new(ErrorKind::BadSpec, format!("data: {error}")))?;
        let mut desk = self.desk();
        // Only here: a run that comes from a larger machine keeps its number, on which its bits depend.
        if spec.threads > desk.cores {
            let message =
                format!("threads: {} are more than the {} cores here; take 1 to {1}", spec.threads, desk.cores);
            return Err(Refusal::new(ErrorKind::BadSpec, message));
        }
        desk.welcome(None)?;
        // They were asked for before this one.
        self.take_up(&mut desk, None);
        let run = self.store().create_run(&spec, name)?;
        self.announce(RunEvent::Started { run, spec: spec.clone() });
        let lanes = spec.lanes();
        desk.runs.push(Active::new(run, spec, lanes, 0.0, false));
        self.fill(&mut desk);
        Ok(run)
    }

    /// Goes on with a halted run. A pause that is still under way is followed by its end.
    pub(super) fn resume(self: &Arc<Self>, run: RunId) -> Result<(), Refusal> {
        let mut desk = self.desk();
        desk.welcome(Some(run))?;
        if let Some(at) = desk.position(run) {
            let active = &mut desk.runs[at];
            if active.intent.is_none() {
                return Err(Refusal::new(ErrorKind::State, format!("run {run} is going on already")));
            }
            active.resume_after = true;
            return Ok(());
        }
        self.resume_halted(&mut desk, run)?;
        if let Err(error) = self.store().forget_interruption(run) {
            tracing::warn!(%run, "the deaths of its kernels still count: {error}");
        }
        self.take_up(&mut desk, Some(run));
        Ok(())
    }

    pub(super) fn resume_halted(self: &Arc<Self>, desk: &mut Desk, run: RunId) -> Result<(), Refusal> {
        let (summary, lanes) = {
            let store = self.store();
            (store.run(run)?, store.lanes(run)?)
        };
        let refuse = |why: &str| Err(Refusal::new(ErrorKind::State, format!("run {run} {why}")));
        if !summary.state.can_resume() {
            return refuse(&format!("is {}; there is nothing to resume", summary.state.name()));
        }
        let finished = lanes.iter().filter(|(_, state)| *state == LaneState::Finished).count();
        let open: Vec<_> = lanes.iter().filter(|(_, state)| *state == LaneState::Open).map(|(lane, _)| *lane).collect();
        if open.is_empty() && finished == 0 {
            return refuse("can't go on: every arm diverged");
        }
        let mut active = Active::new(run, summary.spec, open, summary.elapsed, true);
        let ended = |(lane, state)| match state {
            LaneState::Open => None,
            LaneState::Finished => Some((lane, Stage::Ended(LaneEnd::Finished))),
            LaneState::Diverged { .. } => Some((lane, Stage::Ended(LaneEnd::Diverged))),
        };
        active.lanes.extend(lanes.into_iter().filter_map(ended));
        desk.runs.push(active);
        self.fill(desk);
        Ok(())
    }

    pub(super) fn pause(self: &Arc<Self>, run: RunId) -> Result<(), Refusal> {
        self.halt(run, Intent::Pause)
    }

    /// Ends a run before its last epoch; a paused one too.
    pub(super) fn stop(self: &Arc<Self>, run: RunId) -> Result<(), Refusal> {
        self.halt(run, Intent::Stop)
    }

    fn halt(self: &Arc<Self>, run: RunId, intent: Intent) -> Result<(), Refusal> {
        let mut desk = self.desk();
        desk.welcome(Some(run))?;
        if let Some(at) = desk.position(run) {
            let active = &mut desk.runs[at];
            // A stop outweighs the pause before it.
            if active.intent != Some(Intent::Stop) {
                active.intent = Some(intent);
            }
            active.resume_after = false;
            active.control.stop();
            self.settle(&mut desk);
            return Ok(());
        }
        let state = self.store().run(run)?.state;
        // An interrupted one would be taken up again.
        if matches!(state, RunState::Paused | RunState::Interrupted) && intent == Intent::Stop {
            self.store().set_state(run, &RunState::Stopped)?;
            self.forget_cut_off(run);
            self.ask_for_backup();
            self.announce(RunEvent::Stopped { run });
            return Ok(());
        }
        Err(Refusal::new(ErrorKind::State, format!("run {run} is {}; it does not train", state.name())))
    }

    /// Removes a run that is not active, with its checkpoints.
    pub(super) fn delete(&self, run: RunId) -> Result<(), Refusal> {
        let mut desk = self.desk();
        // Also one whose rest a full disk has not taken: this makes room for the others.
        desk.welcome(None)?;
        let mut store = self.store();
        let rests = desk.unsaved.iter().any(|unsaved| unsaved.run == run);
        let is_active = |store: &Store| store.run(run).is_ok_and(|summary| summary.state.is_active());
        if desk.position(run).is_some() || (!rests && is_active(&store)) {
            return Err(Refusal::new(ErrorKind::State, format!("run {run} is not over; stop it first")));
        }
        // A run that can't be read back can still be deleted. On a full disk its checkpoints make the room for that.
        let removed = match store.delete(run) {
            Err(StoreError::Full) => {
                let removed = self.remove_checkpoints(run);
                store.delete(run)?;
                removed
            }
            deleted => {
                deleted?;
                self.remove_checkpoints(run)
            }
        };
        drop(store);
        desk.unsaved.retain(|unsaved| unsaved.run != run);
        self.forget_cut_off(run);
        self.hub.forget_notices(run);
        self.ask_for_backup();
        self.announce(RunEvent::Deleted { run });
        removed
    }

    fn remove_checkpoints(&self, run: RunId) -> Result<(), Refusal> {
        let folder = self.home.run(run);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let folder = folder.display();
                let told = format!("run {run} is no longer in the list, but its checkpoints in {folder} stay: {error}");
                Err(Refusal::new(ErrorKind::Storage, told))
            }
            _ => Ok(()),
        }
    }

    /// Gives free cores to waiting lanes, strictly in order, so that a wide lane is not overtaken for ever.
    fn fill(self: &Arc<Self>, desk: &mut Desk) {
        desk.last_busy = Instant::now();
        'runs: for at in 0..desk.runs.len() {
            if desk.runs[at].intent.is_some() {
                continue;
            }
            let need = desk.runs[at].spec.threads.clamp(1, desk.cores);
            for index in 0..desk.runs[at].lanes.len() {
                if desk.runs[at].lanes[index].1 != Stage::Waiting {
                    continue;
                }
                if need > desk.free {
                    break 'runs;
                }
                if desk.runs[at].place == Place::Queue {
                    self.begin(&mut desk.runs[at]);
                }
                let active = &mut desk.runs[at];
                let lane = active.lanes[index].0;
                active.lanes[index].1 = match self.spawn_lane(active, lane, need) {
                    Ok(()) => {
                        desk.free -= need;
                        Stage::Training
                    }
                    Err(error) => Stage::Ended(LaneEnd::Failed(format!("no thread to train in: {error}"))),
                };
            }
        }
        for active in &mut desk.runs {
            if active.place == Place::Queue && active.intent.is_none() && !active.has_settled() {
                self.wait(active);
            }
        }
        // No thread could be had, or every lane was at its end and only the run's own state had not been written.
        self.settle(desk);
    }

    fn begin(&self, active: &mut Active) {
        active.place = Place::Cores;
        active.stopwatch.start();
        self.store_place(active);
    }

    fn wait(&self, active: &mut Active) {
        let queued = || self.store().run(active.run).is_ok_and(|summary| summary.state == RunState::Queued);
        if active.owed || (active.told_waiting && queued()) {
            return;
        }
        self.store_place(active);
    }

    /// Commits that the run trains, or waits for a core, and tells of it; where the disk does not take it, later. Its
    /// epochs wait for the disk as well, and a kernel that dies before is found to have left the run where it was.
    fn store_place(&self, active: &mut Active) {
        let run = active.run;
        let state = match active.place {
            Place::Queue => RunState::Queued,
            Place::Cores => RunState::Running,
        };
        let stored = self.store().set_state(run, &state);
        active.owed = stored.is_err();
        match (stored, active.place) {
            (Err(error), _) => tracing::warn!(%run, state = state.name(), "not stored yet: {error}"),
            (Ok(()), Place::Queue) => {
                active.told_waiting = true;
                self.announce(RunEvent::Queued { run });
            }
            (Ok(()), Place::Cores) if active.told_waiting => self.announce(RunEvent::Continued { run }),
            (Ok(()), Place::Cores) => {}
        }
    }

    fn spawn_lane(self: &Arc<Self>, active: &Active, lane: Lane, cores: u32) -> std::io::Result<()> {
        let (kernel, run, spec) = (Arc::clone(self), active.run, active.spec.clone());
        let (control, stopwatch) = (Arc::clone(&active.control), Arc::clone(&active.stopwatch));
        thread::Builder::new().name(format!("run {run} {lane}")).stack_size(8 << 20).spawn(move || {
            let end = kernel.run_lane(run, &spec, lane, &control, &stopwatch);
            kernel.lane_ended(run, lane, end, cores);
        })?;
        Ok(())
    }

    /// A lane's thread is at its end: its cores are free, and its run may settle.
    fn lane_ended(self: &Arc<Self>, run: RunId, lane: Lane, end: LaneEnd, cores: u32) {
        tracing::info!(%run, %lane, ?end, "a lane ended");
        let mut desk = self.desk();
        desk.free += cores;
        if let Some(at) = desk.position(run)
            && let Some((_, stage)) = desk.runs[at].lanes.iter_mut().find(|(other, _)| *other == lane)
        {
            *stage = Stage::Ended(end);
        }
        self.settle(&mut desk);
        self.fill(&mut desk);
        drop(desk);
        self.quieter.notify_all();
    }

    /// Takes every run off the desk that has come to rest, and commits and announces its state.
    pub(super) fn settle(self: &Arc<Self>, desk: &mut Desk) {
        while let Some(at) = desk.runs.iter().position(Active::has_settled) {
            let active = desk.runs.remove(at);
            let (run, state) = (active.run, active.verdict());
            self.hub.forget_notices(run);
            let (elapsed, resume_after) = (Some(active.stopwatch.seconds()), active.resume_after);
            let rest = Unsaved { run, state, elapsed, resume_after, left_by_dead: false };
            self.conclude(desk, rest);
        }
    }

    /// Commits a run's rest and tells of it, then goes on with it if that was asked meanwhile; where the disk does not
    /// take it, later.
    fn conclude(self: &Arc<Self>, desk: &mut Desk, rest: Unsaved) {
        let Unsaved { run, state, elapsed, resume_after, left_by_dead } = rest;
        let stored = match state {
            RunState::Interrupted if left_by_dead => self.store().interrupt(run, Interruption::Died, elapsed),
            RunState::Interrupted => self.store().interrupt(run, self.interruption(), elapsed),
            _ => self.store().set_rest(run, &state, elapsed),
        };
        if let Err(error) = stored {
            tracing::warn!(%run, "its state is not stored yet: {error}");
            self.hub.notice(run, Complaint::State, Some(format!("This run's state can't be stored: {error}.")));
            desk.unsaved.push(Unsaved { run, state, elapsed, resume_after, left_by_dead });
            return;
        }
        self.ask_for_backup();
        self.hub.notice(run, Complaint::State, None);
        if let Some(seconds) = elapsed {
            self.announce(RunEvent::Elapsed { run, seconds });
        }
        self.announce(event_of(run, state.clone()));
        if resume_after
            && !desk.leaving
            && state.can_resume()
            && let Err(Refusal { message, .. }) = self.resume_halted(desk, run)
        {
            tracing::warn!(%run, "not resumed: {message}");
            // Who asked for the resume takes the first halt for the one before it.
            self.announce(event_of(run, state));
        }
    }

    /// How this kernel comes to leave a run that is not at its end.
    fn interruption(&self) -> Interruption {
        if self.was_signalled.load(Ordering::SeqCst) { Interruption::Signalled } else { Interruption::Asked }
    }

    /// What the kernel before this one left open, and the disk does not take as interrupted yet.
    pub(super) fn owe_interruption(&self, runs: Vec<RunId>) {
        let owed =
            |run| Unsaved { run, state: RunState::Interrupted, elapsed: None, resume_after: false, left_by_dead: true };
        self.desk().unsaved.extend(runs.into_iter().map(owed));
    }

    /// Tries again what the disk has refused. Called about once a second.
    pub(super) fn retry_unsaved(self: &Arc<Self>) {
        let mut desk = self.desk();
        for active in desk.runs.iter_mut().filter(|active| active.owed) {
            self.store_place(active);
        }
        for unsaved in std::mem::take(&mut desk.unsaved) {
            self.conclude(&mut desk, unsaved);
        }
    }
}

/// How it is told that a run has come to this state.
fn event_of(run: RunId, state: RunState) -> RunEvent {
    match state {
        RunState::Queued => RunEvent::Queued { run },
        RunState::Running => RunEvent::Continued { run },
        RunState::Paused => RunEvent::Paused { run },
        RunState::Finished => RunEvent::Finished { run },
        RunState::Stopped => RunEvent::Stopped { run },
        RunState::Interrupted => RunEvent::Interrupted { run },
        RunState::Failed { reason } => RunEvent::Failed { run, reason },
    }
}
