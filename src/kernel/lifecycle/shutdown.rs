//! The kernel's shutdown: when it has been idle for a while, or on request. It ends after every lane and every cell has
//! stopped.

use crate::{
    Kernel,
    jobs::{Intent, Jobs, Unsaved},
    lock,
    refusal::Refusal,
};
use protocol::{ErrorKind, RunId};
use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

/// Who requested the shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShutdownCause {
    Client,
    Signal,
}

impl Kernel {
    /// Makes the main thread shut the process down.
    pub(crate) fn request_shutdown(&self, cause: ShutdownCause) {
        // Tests have no main thread.
        let _ = self.shutdown.send(cause);
    }

    /// Restarts the idle time, because of a request.
    pub(crate) fn reset_idle_time(&self) {
        self.jobs().last_busy = Instant::now();
    }

    /// Begins the shutdown if the kernel has been idle for as long as the options say. This is one step: a notebook
    /// that connects meanwhile either keeps the kernel running or is not welcomed.
    pub(crate) fn shut_down_if_idle(&self) -> bool {
        let mut jobs = self.jobs();
        let mut is_shutting_down = lock(&self.is_shutting_down);
        if !Self::has_no_jobs(&jobs) || self.hub.clients() > 0 {
            jobs.last_busy = Instant::now();
            return false;
        }
        let idle = jobs.last_busy.elapsed();
        let leaves = idle >= self.options.idle;
        if leaves {
            tracing::info!(seconds = idle.as_secs(), "nothing to do");
            (jobs.shutting_down, *is_shutting_down) = (true, true);
        }
        leaves
    }

    /// How long nothing has run and nothing was left to store; `None` if anything is.
    pub(crate) fn idle_time(&self) -> Option<Duration> {
        let jobs = self.jobs();
        (Self::has_no_jobs(&jobs) && !self.needs_backup()).then(|| jobs.last_busy.elapsed())
    }

    fn has_no_jobs(jobs: &Jobs) -> bool {
        jobs.runs.is_empty() && jobs.unsaved.is_empty() && jobs.cells.is_empty() && jobs.views.is_empty()
    }

    /// Whether nothing runs, and nothing is left to store.
    pub(crate) fn is_idle(&self) -> bool {
        Self::has_no_jobs(&self.jobs())
    }

    pub(crate) fn is_shutting_down(&self) -> bool {
        *lock(&self.is_shutting_down)
    }

    /// Begins the shutdown: from here on nothing new starts.
    ///
    /// # Errors
    /// Unless `force`, if anything runs.
    pub(crate) fn begin_shutdown(&self, force: bool) -> Result<(), Refusal> {
        let mut jobs = self.jobs();
        if !force && let Some(message) = running_message(&jobs.run_ids()) {
            return Err(Refusal::new(ErrorKind::Busy, message));
        }
        if let Some(Unsaved { run, state, .. }) = jobs.unsaved.first().filter(|_| !force) {
            let message = format!(
                "run {run} is {}, which the disk has not taken yet; free some space, or end the kernel with --force",
                state.name()
            );
            return Err(Refusal::new(ErrorKind::Busy, message));
        }
        if !force && !jobs.cells.is_empty() {
            return Err(Refusal::new(
                ErrorKind::Busy,
                "a cell is running; stop it first, or end the kernel with --force",
            ));
        }
        (jobs.shutting_down, *lock(&self.is_shutting_down)) = (true, true);
        Ok(())
    }

    /// Stops every lane at its next batch and every cell, and waits until each checkpoint and each run's state is
    /// stored. No thread is inside LibTorch when the process ends.
    pub(crate) fn halt_all(self: &Arc<Self>, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        let mut jobs = self.jobs();
        (jobs.shutting_down, *lock(&self.is_shutting_down)) = (true, true);
        self.halt_cells(&mut jobs);
        jobs.halt_views();
        let Jobs { runs, scheduler, .. } = &mut *jobs;
        for active in runs {
            active.intent.get_or_insert(Intent::Shutdown);
            active.resume_after = false;
            active.stop_lanes(scheduler);
        }
        self.dispatch(&mut jobs);
        while !jobs.runs.is_empty() || !jobs.cells.is_empty() || !jobs.views.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                tracing::warn!(runs = ?jobs.run_ids(), "left before their last checkpoint");
                return;
            }
            jobs = self
                .job_ended
                .wait_timeout(jobs, left)
                .map_or_else(|error| PoisonError::into_inner(error).0, |(jobs, _)| jobs);
        }
    }
}

/// Why a kernel with these runs does not shut down; `None` without any.
fn running_message(runs: &[RunId]) -> Option<String> {
    let remedy = "with `relu stop`, or the kernel with --force";
    match runs {
        [] => None,
        [run] => Some(format!("run {run} is going on; end it {remedy}")),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(RunId::to_string).collect();
            Some(format!("runs {} and {last} are going on; end them {remedy}", first.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_is_going_on_and_several_are() {
        let message = |runs: &[i64]| running_message(&runs.iter().copied().map(RunId).collect::<Vec<_>>());
        assert_eq!(message(&[]), None);
        assert!(message(&[7]).unwrap().starts_with("run 7 is going on; end it with `relu stop`"));
        assert!(message(&[1, 2, 3]).unwrap().starts_with("runs 1, 2 and 3 are going on; end them with `relu stop`"));
    }
}
