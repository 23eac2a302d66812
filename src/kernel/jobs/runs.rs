//! The life of a run: it is requested, waits for cores, trains, and ends or halts.
//!
//! A run's state changes by named transitions only: [`Kernel::train`], [`Kernel::resume`], [`Kernel::pause`],
//! [`Kernel::stop`], and [`Kernel::lane_ended`], which settles the run after its last lane.

use super::{
    Active, Jobs, Unsaved,
    active::{Intent, LaneEnd, RunPhase, Stage, Submission},
    lane::LaneWork,
    scheduler::JobId,
    steering::RunSteering,
    sweep::{Results, limit_of},
};
use crate::{Kernel, refusal::Refusal, server::NoticeKind};
use learn::Dataset;
use protocol::{DataSource, ErrorKind, RunEvent, RunId, RunState, RunSummary, Study, Sweep};
use std::{
    fs,
    sync::{Arc, atomic::Ordering},
    thread,
};
use store::{Interruption, LaneState, Store, StoreError};

impl Kernel {
    /// Creates a run and starts it, or lets it wait for a free core.
    pub(crate) fn train(self: &Arc<Self>, spec: Study, name: Option<&str>) -> Result<RunId, Refusal> {
        self.create(spec, None, name)
    }

    /// The same with a study whose arms are the cells of this sweep.
    pub(crate) fn sweep(self: &Arc<Self>, spec: Study, sweep: Sweep, name: Option<&str>) -> Result<RunId, Refusal> {
        if !spec.arm_ids().eq(sweep.cells.iter().map(|cell| cell.arm)) {
            let message = "the cells of the sweep are not the arms of its study";
            return Err(Refusal::new(ErrorKind::BadSpec, message));
        }
        self.create(spec, Some(sweep), name)
    }

    fn create(self: &Arc<Self>, mut spec: Study, sweep: Option<Sweep>, name: Option<&str>) -> Result<RunId, Refusal> {
        spec.check().map_err(|error| Refusal::new(ErrorKind::BadSpec, error.to_string()))?;
        // A run may be resumed from any working folder, and the kernel has none of its own, so the path must be
        // absolute.
        if let DataSource::Folder(folder) = &spec.data
            && !(folder.is_absolute() && folder.is_dir())
        {
            let message = format!("data: {} is not the absolute path of a folder that is there", folder.display());
            return Err(Refusal::new(ErrorKind::BadSpec, message));
        }
        let of_data = |why: String| Refusal::new(ErrorKind::BadSpec, format!("data: {why}"));
        Dataset::is_there(&spec.data).map_err(|error| of_data(error.to_string()))?;
        // Held until the run's lanes have begun, so that data that was read for this is read once.
        let _data = self.trainer.fit_to_data(&mut spec).map_err(of_data)?;
        spec.check().map_err(|error| Refusal::new(ErrorKind::BadSpec, error.to_string()))?;
        let mut jobs = self.jobs();
        // Only new runs: a run from a larger machine keeps its number of threads, on which its bits depend.
        if spec.threads > jobs.scheduler.cores() {
            let message = format!(
                "threads: {} are more than the {} cores here; take 1 to {1}",
                spec.threads,
                jobs.scheduler.cores()
            );
            return Err(Refusal::new(ErrorKind::BadSpec, message));
        }
        jobs.admit(None)?;
        // Unfinished jobs were requested before this one.
        self.resume_unfinished(&mut jobs, None);
        let run = match &sweep {
            Some(sweep) => self.store().create_sweep(&spec, sweep, name)?,
            None => self.store().create_run(&spec, name)?,
        };
        self.announce(RunEvent::Started { run, spec: spec.clone() });
        let lanes = spec.lanes().into_iter().map(|lane| (lane, None)).collect();
        let mut submission = Submission::new(run, spec, lanes);
        if let Some(sweep) = sweep {
            let limits = sweep.progress(&submission.spec, &Results::default()).limits;
            submission = Submission { limit: limit_of(limits), sweep: Some(Arc::new(sweep)), ..submission };
        }
        let active = Active::submit(&mut jobs.scheduler, submission);
        jobs.runs.push(active);
        self.dispatch(&mut jobs);
        Ok(run)
    }

    /// Resumes a halted run. If a pause is still under way, the run resumes after it.
    pub(crate) fn resume(self: &Arc<Self>, run: RunId) -> Result<(), Refusal> {
        let mut jobs = self.jobs();
        jobs.admit(Some(run))?;
        if let Some(at) = jobs.position(run) {
            let active = &mut jobs.runs[at];
            if active.intent.is_none() {
                return Err(Refusal::new(ErrorKind::Active, format!("run {run} is going on already")));
            }
            active.resume_after = true;
            self.queue_run(run);
            return Ok(());
        }
        self.resume_halted(&mut jobs, run)?;
        self.queue_run(run);
        self.resume_unfinished(&mut jobs, Some(run));
        Ok(())
    }

    pub(crate) fn resume_halted(self: &Arc<Self>, jobs: &mut Jobs, run: RunId) -> Result<(), Refusal> {
        // A kernel may have died between the last epoch before a rung and the decision there.
        let (limit, waiting) = self.limits(run)?;
        let (summary, lanes, steerings) = {
            let store = self.store();
            (store.run(run)?, store.lanes(run)?, store.steerings(run)?)
        };
        let refuse = |why: &str| Err(Refusal::new(ErrorKind::State, format!("run {run} {why}")));
        if !summary.state.can_resume() {
            return refuse(&format!("is {}; there is nothing to resume", summary.state.name()));
        }
        let is_finished = |state: &LaneState| matches!(state, LaneState::Finished | LaneState::Halved { .. });
        let finished = lanes.iter().filter(|(_, state)| is_finished(state)).count();
        let is_open = lanes.iter().any(|(_, state)| *state == LaneState::Open);
        if !is_open && finished == 0 {
            return refuse("can't go on: every arm diverged");
        }
        let ended = |(lane, state)| match state {
            LaneState::Open if waiting.contains(&lane) => (lane, Some(LaneEnd::AtRung)),
            LaneState::Open => (lane, None),
            LaneState::Halved { .. } => (lane, Some(LaneEnd::Halved)),
            LaneState::Finished => (lane, Some(LaneEnd::Finished)),
            LaneState::Diverged { .. } => (lane, Some(LaneEnd::Diverged)),
        };
        let lanes = lanes.into_iter().map(ended).collect();
        let RunSummary { spec, elapsed, fork, sweep, .. } = summary;
        let steering = Arc::new(RunSteering::of(steerings));
        let submission = Submission::new(run, spec, lanes);
        let limit = limit.unwrap_or(submission.limit);
        let sweep = sweep.map(Arc::new);
        let submission = Submission { elapsed, announced_waiting: true, steering, fork, sweep, limit, ..submission };
        jobs.runs.push(Active::submit(&mut jobs.scheduler, submission));
        self.dispatch(jobs);
        Ok(())
    }

    /// Queues a run that its reader has resumed, so that the next kernel continues with it.
    fn queue_run(&self, run: RunId) {
        if let Err(error) = self.store().queue_run(run) {
            tracing::warn!(%run, "its place in the queue is not stored, and earlier deaths still count: {error}");
        }
    }

    /// Takes a run that its reader halts out of the queue, so that the next kernel leaves it alone even if this one
    /// dies before the run has halted.
    fn unqueue_run(&self, run: RunId) {
        if let Err(error) = self.store().unqueue_run(run) {
            tracing::warn!(%run, "the next kernel may still go on with it: {error}");
        }
    }

    pub(crate) fn pause(self: &Arc<Self>, run: RunId) -> Result<(), Refusal> {
        self.halt(run, Intent::Pause)
    }

    /// Ends a run, also a paused one, before its last epoch.
    pub(crate) fn stop(self: &Arc<Self>, run: RunId) -> Result<(), Refusal> {
        self.halt(run, Intent::Stop)
    }

    fn halt(self: &Arc<Self>, run: RunId, intent: Intent) -> Result<(), Refusal> {
        let mut jobs = self.jobs();
        jobs.admit(Some(run))?;
        if let Some(at) = jobs.position(run) {
            let active = &mut jobs.runs[at];
            // A stop takes precedence over an earlier pause.
            if active.intent != Some(Intent::Stop) {
                active.intent = Some(intent);
            }
            active.resume_after = false;
            let Jobs { runs, scheduler, .. } = &mut *jobs;
            runs[at].stop_lanes(scheduler);
            self.unqueue_run(run);
            self.dispatch(&mut jobs);
            return Ok(());
        }
        let state = self.store().run(run)?.state;
        // An interrupted run would continue by itself.
        if matches!(state, RunState::Paused | RunState::Interrupted) && intent == Intent::Stop {
            self.store().set_state(run, &RunState::Stopped)?;
            self.forget_unfinished_run(run);
            self.request_backup();
            self.announce(RunEvent::Stopped { run });
            return Ok(());
        }
        Err(Refusal::new(ErrorKind::State, format!("run {run} is {}; it does not train", state.name())))
    }

    /// Deletes a run that is not active, with its checkpoints.
    pub(crate) fn delete(&self, run: RunId) -> Result<(), Refusal> {
        let mut jobs = self.jobs();
        // This includes runs whose state a full disk has refused, because deleting them makes room for the others.
        jobs.admit(None)?;
        let mut store = self.store();
        let rests = jobs.unsaved.iter().any(|unsaved| unsaved.run == run);
        let is_active = |store: &Store| store.run(run).is_ok_and(|summary| summary.state.is_active());
        if jobs.position(run).is_some() || (!rests && is_active(&store)) {
            return Err(Refusal::new(ErrorKind::State, format!("run {run} is not over; stop it first")));
        }
        // A run that can't be read can still be deleted. On a full disk its checkpoints make the room for the deletion.
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
        jobs.unsaved.retain(|unsaved| unsaved.run != run);
        self.forget_unfinished_run(run);
        self.hub.forget_notices(run);
        self.request_backup();
        self.announce(RunEvent::Deleted { run });
        removed
    }

    fn remove_checkpoints(&self, run: RunId) -> Result<(), Refusal> {
        let folder = self.home.run(run);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let folder = folder.display();
                let message =
                    format!("run {run} is no longer in the list, but its checkpoints in {folder} stay: {error}");
                Err(Refusal::new(ErrorKind::Storage, message))
            }
            _ => Ok(()),
        }
    }

    /// Starts a lane's thread. Returns `false` if this job is no lane.
    pub(super) fn start_lane(self: &Arc<Self>, jobs: &mut Jobs, job: JobId) -> bool {
        let Jobs { runs, scheduler, .. } = jobs;
        let of_job = |active: &Active| active.lanes.iter().position(|lane| lane.job == job);
        let Some((active, at)) = runs.iter_mut().find_map(|active| of_job(active).map(|at| (active, at))) else {
            return false;
        };
        if active.phase == RunPhase::Queued {
            active.phase = RunPhase::Begun;
            self.store_state(active);
        }
        active.stopwatch.start();
        let lane = &active.lanes[at];
        let work = LaneWork {
            run: active.run,
            spec: active.spec.clone(),
            lane: lane.lane,
            job,
            permit: Arc::clone(&lane.permit),
            stopwatch: Arc::clone(&active.stopwatch),
            steering: Arc::clone(&active.steering),
            fork: active.fork,
            sweep: active.sweep.clone(),
            limit: lane.limit,
        };
        let kernel = Arc::clone(self);
        let name = format!("run {} {}", work.run, work.lane);
        let started = thread::Builder::new().name(name).stack_size(8 << 20).spawn(move || {
            let end = kernel.run_lane(&work);
            kernel.lane_ended(&work, end);
        });
        active.lanes[at].stage = match started {
            Ok(_) => Stage::Training,
            Err(error) => {
                scheduler.end(job);
                Stage::Ended(LaneEnd::Failed(format!("no thread to train in: {error}")))
            }
        };
        true
    }

    /// Stores that runs wait, once they do.
    pub(super) fn store_waiting(&self, jobs: &mut Jobs) {
        for active in &mut jobs.runs {
            if active.phase == RunPhase::Begun || active.intent.is_some() || active.has_settled() || active.is_unstored
            {
                continue;
            }
            let is_queued = || self.store().run(active.run).is_ok_and(|summary| summary.state == RunState::Queued);
            if !(active.announced_waiting && is_queued()) {
                self.store_state(active);
            }
        }
    }

    /// Commits and announces that the run trains or waits for a core; if the disk refuses, this is tried again later.
    /// Its epochs wait for the disk as well, so after a kernel that dies before, the run is where it was.
    fn store_state(&self, active: &mut Active) {
        let run = active.run;
        let state = match active.phase {
            RunPhase::Queued => RunState::Queued,
            RunPhase::Begun => RunState::Running,
        };
        let stored = self.store().set_state(run, &state);
        active.is_unstored = stored.is_err();
        match (stored, active.phase) {
            (Err(error), _) => tracing::warn!(%run, state = state.name(), "not stored yet: {error}"),
            (Ok(()), RunPhase::Queued) => {
                active.announced_waiting = true;
                self.announce(RunEvent::Queued { run });
            }
            (Ok(()), RunPhase::Begun) if active.announced_waiting => self.announce(RunEvent::Continued { run }),
            (Ok(()), RunPhase::Begun) => {}
        }
    }

    /// Handles the end of a lane's thread: frees its cores, and settles the run if it was the last.
    fn lane_ended(self: &Arc<Self>, work: &LaneWork, end: LaneEnd) {
        tracing::info!(run = %work.run, lane = %work.lane, ?end, "a lane ended");
        let mut jobs = self.jobs();
        jobs.scheduler.end(work.job);
        let mut lanes = jobs.runs.iter_mut().flat_map(|active| &mut active.lanes);
        if let Some(lane) = lanes.find(|lane| lane.job == work.job) {
            lane.stage = Stage::Ended(end);
        }
        self.pass_rungs(&mut jobs, work.run);
        self.settle(&mut jobs);
        self.dispatch(&mut jobs);
        drop(jobs);
        self.job_ended.notify_all();
    }

    /// Takes every run without running lanes from the list, and commits and announces its state.
    pub(super) fn settle(self: &Arc<Self>, jobs: &mut Jobs) {
        while let Some(at) = jobs.runs.iter().position(Active::has_settled) {
            let active = jobs.runs.remove(at);
            let (run, state) = (active.run, active.final_state());
            self.hub.forget_notices(run);
            let (elapsed, resume_after) = (Some(active.stopwatch.seconds()), active.resume_after);
            let rest = Unsaved { run, state, elapsed, resume_after, left_by_dead_kernel: false };
            self.conclude(jobs, rest);
        }
    }

    /// Commits and announces a run's final or halted state, then resumes it if that was requested meanwhile. If the
    /// disk refuses, this is tried again later.
    fn conclude(self: &Arc<Self>, jobs: &mut Jobs, rest: Unsaved) {
        let Unsaved { run, state, elapsed, resume_after, left_by_dead_kernel } = rest;
        let stored = match state {
            RunState::Interrupted if left_by_dead_kernel => self.store().interrupt(run, Interruption::Died, elapsed),
            RunState::Interrupted => self.store().interrupt(run, self.interruption(), elapsed),
            _ => self.store().set_state_and_elapsed(run, &state, elapsed),
        };
        if let Err(error) = stored {
            tracing::warn!(%run, "its state is not stored yet: {error}");
            let text = format!("This run's state can't be stored: {error}.");
            self.hub.set_disk_notice(run, NoticeKind::State, text, matches!(error, StoreError::Full));
            jobs.unsaved.push(Unsaved { run, state, elapsed, resume_after, left_by_dead_kernel });
            return;
        }
        self.request_backup();
        self.hub.set_notice(run, NoticeKind::State, None);
        if let Some(seconds) = elapsed {
            self.announce(RunEvent::Elapsed { run, seconds });
        }
        self.announce(event_of(run, state.clone()));
        if resume_after
            && !jobs.shutting_down
            && state.can_resume()
            && let Err(Refusal { message, .. }) = self.resume_halted(jobs, run)
        {
            tracing::warn!(%run, "not resumed: {message}");
            // Announced first, because a client that has asked for the resume would take this halt for an answer to it.
            self.announce(event_of(run, state));
        }
    }

    /// Why this kernel leaves a job unfinished.
    pub(super) fn interruption(&self) -> Interruption {
        if self.was_signalled.load(Ordering::SeqCst) { Interruption::Signalled } else { Interruption::Asked }
    }

    /// Stores again what the disk has refused. Called about once a second.
    pub(crate) fn retry_unsaved(self: &Arc<Self>) {
        let mut jobs = self.jobs();
        for active in jobs.runs.iter_mut().filter(|active| active.is_unstored) {
            self.store_state(active);
        }
        for unsaved in std::mem::take(&mut jobs.unsaved) {
            self.conclude(&mut jobs, unsaved);
        }
    }
}

/// The event that announces this state of a run.
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
