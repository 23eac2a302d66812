//! Views: questions to kept checkpoints. A person waits for the answer, so a view has a core at once, and a lane that
//! trains yields it. An answer is sent when it has been computed; the client's other requests do not wait for it.

use super::trainer;
use super::{
    Jobs, message_of,
    scheduler::{JobId, Priority},
};
use crate::{Kernel, lock, refusal::Refusal};
use learn::Snapshot;
use protocol::{ErrorKind, Lane, Reply, RunId, RunState, RunSummary, Study, ViewAnswer, ViewRequest};
use std::{
    collections::VecDeque,
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use store::{LaneState, files::LaneFolder};

/// Sends a reply to the client that asked.
type Answer = Box<dyn FnOnce(Reply) + Send>;

/// What is asked, and by whom.
type Question = (ViewRequest, Answer);

/// A view that waits for a core or is being computed.
pub(crate) struct ViewJob {
    pub job: JobId,
    is_stopped: Arc<AtomicBool>,
    /// Taken by its thread.
    question: Option<Question>,
}

/// Why a view is not computed to its end.
const LEAVING: &str = "the kernel is about to leave; ask again in a moment";

/// The stack of a view's thread, in bytes.
const STACK: usize = 8 << 20;

/// The newest answers: a reader goes back and forth between epochs.
#[derive(Default)]
pub(crate) struct ViewCache(VecDeque<(ViewRequest, ViewAnswer)>);

/// Answers that are kept. The largest, the maps of an image in the convnet, has 1 MB.
const CACHED: usize = 48;

impl ViewCache {
    fn find(&self, request: &ViewRequest) -> Option<ViewAnswer> {
        self.0.iter().find(|(known, _)| known == request).map(|(_, answer)| answer.clone())
    }

    fn keep(&mut self, request: ViewRequest, answer: ViewAnswer) {
        self.0.truncate(CACHED - 1);
        self.0.push_front((request, answer));
    }
}

impl Jobs {
    /// Stops every view for a shutdown.
    pub fn halt_views(&mut self) {
        for view in &self.views {
            view.is_stopped.store(true, Ordering::Relaxed);
        }
        let waiting: Vec<JobId> =
            self.views.iter().map(|view| view.job).filter(|job| self.scheduler.is_waiting(*job)).collect();
        for job in waiting {
            if let Some((_, answer)) = self.end_view(job).and_then(|view| view.question) {
                answer(Reply::Refused { kind: ErrorKind::Busy, message: LEAVING.into() });
            }
        }
    }

    fn end_view(&mut self, job: JobId) -> Option<ViewJob> {
        self.scheduler.end(job);
        let at = self.views.iter().position(|view| view.job == job)?;
        Some(self.views.remove(at))
    }
}

impl Kernel {
    /// Answers a view, when it has been computed.
    pub(crate) fn view(self: &Arc<Self>, request: ViewRequest, answer: Answer) {
        self.reset_idle_time();
        let mut jobs = self.jobs();
        if let Err(Refusal { kind, message }) = jobs.admit(None) {
            drop(jobs);
            return answer(Reply::Refused { kind, message });
        }
        let job = jobs.scheduler.submit(Priority::View, 1);
        jobs.views.push(ViewJob { job, is_stopped: Arc::default(), question: Some((request, answer)) });
        self.dispatch(&mut jobs);
    }

    /// Starts a view's thread; `false` if the job is no view.
    pub(super) fn start_view(self: &Arc<Self>, jobs: &mut Jobs, job: JobId) -> bool {
        let Some(view) = jobs.views.iter_mut().find(|view| view.job == job) else { return false };
        let is_stopped = Arc::clone(&view.is_stopped);
        let Some(question) = view.question.take() else {
            jobs.end_view(job);
            return true;
        };
        let kernel = Arc::clone(self);
        let started = start_thread(STACK, question, move |(request, answer)| {
            let seen = catch_unwind(AssertUnwindSafe(|| kernel.see(&request, &is_stopped)));
            let reply = match seen {
                Ok(Ok(answer)) => Reply::View(Box::new(answer)),
                Ok(Err(Refusal { kind, message })) => Reply::Refused { kind, message },
                Err(panic) => {
                    let message = format!("the view's code panicked: {}", message_of(&*panic));
                    Reply::Refused { kind: ErrorKind::Internal, message }
                }
            };
            answer(reply);
            kernel.view_ended(job);
        });
        if let Err(NoThread { value, error }) = started {
            tracing::warn!("no thread for a view: {error}");
            jobs.end_view(job);
            if let Some((_, answer)) = value {
                let message = format!("the kernel can't start a thread for the view ({error}); ask again in a moment");
                answer(Reply::Refused { kind: ErrorKind::Busy, message });
            }
        }
        true
    }

    fn view_ended(self: &Arc<Self>, job: JobId) {
        let mut jobs = self.jobs();
        jobs.end_view(job);
        self.dispatch(&mut jobs);
        drop(jobs);
        self.job_ended.notify_all();
    }

    fn see(&self, request: &ViewRequest, is_stopped: &AtomicBool) -> Result<ViewAnswer, Refusal> {
        let summary = self.store().run(request.run)?;
        let (lane, epoch) = self.subject_of(request, &summary)?;
        let resolved =
            ViewRequest { arm: Some(lane.arm), seed: Some(lane.seed), epoch: Some(epoch), ..request.clone() };
        if let Some(known) = lock(&self.view_answers).find(&resolved) {
            return Ok(known);
        }
        let (snapshot, study) = self.kept_snapshot(request.run, lane, epoch)?;
        let seen = self.trainer.view(&snapshot, &study, request, &mut || is_stopped.load(Ordering::Relaxed));
        let seen = seen.map_err(|why| Refusal::new(ErrorKind::BadRequest, why))?;
        let Some(seen) = seen else {
            return Err(Refusal::new(ErrorKind::Busy, LEAVING));
        };
        let changes = request.changes.clone();
        let answer = ViewAnswer { run: request.run, arm: lane.arm, seed: lane.seed, epoch, changes, seen };
        lock(&self.view_answers).keep(resolved, answer.clone());
        Ok(answer)
    }

    /// The lane and the epoch that a view is of.
    fn subject_of(&self, request: &ViewRequest, summary: &RunSummary) -> Result<(Lane, u32), Refusal> {
        let refuse = |message: String| Err(Refusal::new(ErrorKind::BadRequest, message));
        let (run, study) = (request.run, &summary.spec);
        let arm = match request.arm {
            None => study.arms.first().map(|arm| arm.id),
            Some(named) => study.find_arm(named),
        };
        let Some(arm) = arm else {
            let arms: Vec<String> = study.arm_ids().map(|arm| arm.to_string()).collect();
            let named = request.arm.map(|arm| arm.to_string()).unwrap_or_default();
            return refuse(format!("run {run} has no arm {named}; it has {}", arms.join(", ")));
        };
        let Some(seed) = request.seed.or(study.seeds.first().copied()).filter(|seed| study.seeds.contains(seed)) else {
            let seeds: Vec<String> = study.seeds.iter().map(u64::to_string).collect();
            return refuse(format!("run {run} has no such seed; it has {}", seeds.join(", ")));
        };
        let lane = Lane { arm, seed };
        // Read before the folder is: a checkpoint is written before its epoch is committed.
        let epochs_done = self.store().epochs_done(run, lane)?;
        let kept = LaneFolder::of(&self.home, run, lane).epochs();
        let kept = kept.map_err(|error| {
            Refusal::new(ErrorKind::Storage, format!("the checkpoints of run {run} can't be read: {error}"))
        })?;
        let Some(last) = kept.last() else {
            let states = self.store().lanes(run)?;
            let state = states.into_iter().find(|(of, _)| *of == lane).map_or(LaneState::Open, |(_, state)| state);
            return refuse(no_checkpoint(run, lane, epochs_done, state, &summary.state));
        };
        match request.epoch {
            None => Ok((lane, *last)),
            Some(epoch) if kept.contains(&epoch) => Ok((lane, epoch)),
            Some(epoch) => {
                let before = kept.iter().rev().find(|kept| **kept < epoch);
                let nearest: Vec<String> =
                    before.into_iter().chain(kept.iter().find(|kept| **kept > epoch)).map(u32::to_string).collect();
                refuse(format!(
                    "run {run} keeps no checkpoint of epoch {epoch} of {lane}; the nearest that it keeps: {}",
                    nearest.join(" and ")
                ))
            }
        }
    }

    fn kept_snapshot(&self, run: RunId, lane: Lane, epoch: u32) -> Result<(Snapshot, Study), Refusal> {
        let file = self.home.checkpoint(run, lane, epoch);
        let decoded = fs::read(&file).map_err(|error| error.to_string()).and_then(|bytes| trainer::decode(&bytes));
        let decoded = decoded.and_then(|(snapshot, study)| {
            if snapshot.lane == lane { Ok((snapshot, study)) } else { Err("it is of another lane".into()) }
        });
        decoded.map_err(|why| {
            let message = format!("{} can't be read ({why}); look at another epoch", file.display());
            Refusal::new(ErrorKind::Storage, message)
        })
    }
}

/// Why a lane has no checkpoint, with the remedy.
fn no_checkpoint(run: RunId, lane: Lane, epochs_done: u32, lane_state: LaneState, run_state: &RunState) -> String {
    let ended = |how: &str| {
        format!("run {run} {how} before the first epoch of {lane} was done; `relu resume {run}` goes on with it")
    };
    match (lane_state, run_state) {
        // A fork has none of a lane that diverged before it, though its epochs are recorded.
        (LaneState::Diverged { epoch, .. }, _) => {
            format!(
                "run {run} has no checkpoint of {lane}, which diverged in epoch {epoch}; look at another arm or seed"
            )
        }
        _ if epochs_done > 0 => {
            format!("the checkpoints of {lane} in run {run} are gone; train its study again to look into it")
        }
        (_, RunState::Stopped) => ended("was stopped"),
        (_, RunState::Interrupted) => ended("was interrupted"),
        (_, RunState::Failed { .. }) => ended("failed"),
        (_, RunState::Queued | RunState::Running | RunState::Paused | RunState::Finished) => {
            format!("run {run} keeps no checkpoint of {lane} yet; its first epoch is not done")
        }
    }
}

/// A thread that could not be started, with what it was for.
struct NoThread<T> {
    value: Option<T>,
    error: io::Error,
}

/// Starts a thread that works on a value. The value stays outside of its closure until it runs, because a closure is lost
/// with a thread that can't be started.
fn start_thread<T: Send + 'static>(
    stack: usize,
    value: T,
    work: impl FnOnce(T) + Send + 'static,
) -> Result<(), NoThread<T>> {
    let held = Arc::new(Mutex::new(Some(value)));
    let of_thread = Arc::clone(&held);
    let started = thread::Builder::new().name("view".into()).stack_size(stack).spawn(move || {
        let taken = lock(&of_thread).take();
        if let Some(value) = taken {
            work(value);
        }
    });
    started.map(drop).map_err(|error| NoThread { value: lock(&held).take(), error })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_lane_without_a_checkpoint_is_named_with_the_reason() {
        let (run, lane) = (RunId(6), Lane { arm: "relu-tanh".parse().unwrap(), seed: 1 });
        let why = |epochs_done, lane_state, run_state| no_checkpoint(run, lane, epochs_done, lane_state, &run_state);
        let diverged = LaneState::Diverged { epoch: 1, batch: 3 };
        for (text, part) in [
            (why(0, LaneState::Open, RunState::Running), "yet; its first epoch is not done"),
            (why(0, LaneState::Open, RunState::Stopped), "was stopped before the first epoch of relu-tanh-s1"),
            (why(0, LaneState::Open, RunState::Interrupted), "`relu resume 6` goes on"),
            (why(0, diverged, RunState::Finished), "which diverged in epoch 1"),
            (why(0, diverged, RunState::Running), "which diverged in epoch 1"),
            (why(2, LaneState::Finished, RunState::Finished), "are gone; train its study again"),
            (why(2, LaneState::Open, RunState::Running), "are gone"),
        ] {
            assert!(text.contains(part) && text.contains("run 6") && text.contains("relu-tanh-s1"), "{text}");
        }
    }

    #[test]
    fn a_question_survives_a_thread_that_can_not_be_started() {
        let (sender, answers) = mpsc::channel();
        // More than an address space holds.
        let lost = start_thread(1 << 50, sender.clone(), |sender| sender.send("from a thread").unwrap());
        let NoThread { value, error } = lost.expect_err("no machine has so large a stack");
        assert!(!error.to_string().is_empty());
        value.expect("it comes back").send("from here").unwrap();
        assert_eq!(answers.recv(), Ok("from here"));
        assert!(start_thread(STACK, sender, |sender| sender.send("from a thread").unwrap()).is_ok());
        assert_eq!(answers.recv(), Ok("from a thread"));
    }
}
