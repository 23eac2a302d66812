//! Views: questions to kept checkpoints. A person waits for the answer, so a view has a core at once, and a lane that
//! trains yields it. An answer is sent when it has been computed; the client's other requests do not wait for it.

use super::trainer;
use super::{
    Jobs, message_of,
    scheduler::{JobId, Priority},
};
use crate::{Kernel, lock, refusal::Refusal};
use learn::Snapshot;
use protocol::{ErrorKind, Lane, Reply, RunId, Study, ViewAnswer, ViewRequest};
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
use store::files::LaneFolder;

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
        let study = self.store().run(request.run)?.spec;
        let (lane, epoch) = self.subject_of(request, &study)?;
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
    fn subject_of(&self, request: &ViewRequest, study: &Study) -> Result<(Lane, u32), Refusal> {
        let refuse = |message: String| Err(Refusal::new(ErrorKind::BadRequest, message));
        let run = request.run;
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
        let kept = LaneFolder::of(&self.home, run, lane).epochs();
        let kept = kept.map_err(|error| {
            Refusal::new(ErrorKind::Storage, format!("the checkpoints of run {run} can't be read: {error}"))
        })?;
        let Some(last) = kept.last() else {
            return refuse(format!("run {run} keeps no checkpoint of {lane} yet; its first epoch is not done"));
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
