//! How the kernel comes to its end: by itself when nothing is left to do, or told to, and then not before every lane
//! and every cell has stopped.

use super::{
    Kernel,
    desk::{Desk, Intent, Unsaved},
    lock,
    requests::Refusal,
};
use protocol::{ErrorKind, RunId};
use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

impl Kernel {
    /// Something was asked: the idle time begins anew.
    pub(super) fn touch(&self) {
        self.desk().last_busy = Instant::now();
    }

    /// Begins to leave if there has been nothing to do for so long as the options say. One step: a notebook that
    /// connects meanwhile either keeps the kernel here or is not greeted.
    pub(super) fn leave_if_idle(&self) -> bool {
        let mut desk = self.desk();
        let mut is_leaving = lock(&self.is_leaving);
        if !self.is_at_rest(&desk) || self.hub.clients() > 0 {
            desk.last_busy = Instant::now();
            return false;
        }
        let idle = desk.last_busy.elapsed();
        let leaves = idle >= self.options.idle;
        if leaves {
            tracing::info!(seconds = idle.as_secs(), "nothing to do");
            (desk.leaving, *is_leaving) = (true, true);
        }
        leaves
    }

    /// For how long there has been nothing to do and nothing to store; `None` if there is.
    pub(super) fn idle_time(&self) -> Option<Duration> {
        let desk = self.desk();
        (self.is_at_rest(&desk) && !self.wants_backup()).then(|| desk.last_busy.elapsed())
    }

    fn is_at_rest(&self, desk: &Desk) -> bool {
        desk.runs.is_empty() && desk.unsaved.is_empty() && !self.cells.is_busy()
    }

    /// Nothing runs, and nothing is still to be stored.
    pub(super) fn is_idle(&self) -> bool {
        self.is_at_rest(&self.desk())
    }

    pub(super) fn is_leaving(&self) -> bool {
        *lock(&self.is_leaving)
    }

    /// From here on nothing new starts.
    ///
    /// # Errors
    /// Unless `force`, if something is going on.
    pub(super) fn begin_leaving(&self, force: bool) -> Result<(), Refusal> {
        let mut desk = self.desk();
        if !force && let Some(message) = going_on(&desk.ids()) {
            return Err(Refusal::new(ErrorKind::Busy, message));
        }
        if let Some(Unsaved { run, state, .. }) = desk.unsaved.first().filter(|_| !force) {
            let message = format!(
                "run {run} is {}, which the disk has not taken yet; free some space, or end the kernel with --force",
                state.name()
            );
            return Err(Refusal::new(ErrorKind::Busy, message));
        }
        if !force && self.cells.is_busy() {
            return Err(Refusal::new(
                ErrorKind::Busy,
                "a cell is running; stop it first, or end the kernel with --force",
            ));
        }
        (desk.leaving, *lock(&self.is_leaving)) = (true, true);
        Ok(())
    }

    /// Stops every lane at its next batch and every cell, and waits until each checkpoint and each run's state is stored.
    /// No thread is left inside LibTorch when the process ends.
    pub(super) fn halt_all(self: &Arc<Self>, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut desk = self.desk();
        (desk.leaving, *lock(&self.is_leaving)) = (true, true);
        self.cells.stop_all();
        for active in &mut desk.runs {
            active.intent.get_or_insert(Intent::Leave);
            active.resume_after = false;
            active.control.stop();
        }
        self.settle(&mut desk);
        while !desk.runs.is_empty() || self.cells.is_busy() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                tracing::warn!(runs = ?desk.ids(), "left before their last checkpoint");
                return;
            }
            desk = self
                .quieter
                .wait_timeout(desk, left)
                .map_or_else(|error| PoisonError::into_inner(error).0, |(desk, _)| desk);
        }
    }
}

/// Why a kernel with these runs does not leave; `None` without any.
fn going_on(runs: &[RunId]) -> Option<String> {
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
        let told = |runs: &[i64]| going_on(&runs.iter().copied().map(RunId).collect::<Vec<_>>());
        assert_eq!(told(&[]), None);
        assert!(told(&[7]).unwrap().starts_with("run 7 is going on; end it with `relu stop`"));
        assert!(told(&[1, 2, 3]).unwrap().starts_with("runs 1, 2 and 3 are going on; end them with `relu stop`"));
    }
}
