//! The kernel's jobs: runs, whose lanes train, cells, which measure, and views, which look into a checkpoint. One scheduler (`scheduler.rs`) assigns the
//! cores; this file carries out its decisions. Everything here happens under one lock.

mod active;
mod cell;
mod checkpoint;
mod fork;
mod lane;
mod parked;
mod permit;
mod runs;
mod scheduler;
mod steering;
mod stopwatch;
mod sweep;
mod trainer;
mod view;

pub(crate) use active::Intent;
#[cfg(test)]
pub(crate) use active::Stage;
pub(crate) use active::{Active, Unsaved};
pub(crate) use checkpoint::spec_of;
#[cfg(test)]
pub(crate) use scheduler::Phase;
#[cfg(test)]
pub(crate) use trainer::encode;
pub(crate) use trainer::{CellObserver, Trainer, libtorch};
pub(crate) use view::ViewCache;

use crate::{Kernel, refusal::Refusal};
use cell::CellJob;
use permit::{Order, Permit};
use protocol::{ErrorKind, RunId};
use scheduler::{Decision, JobId, Scheduler};
use std::{any::Any, sync::Arc, time::Instant};
use view::ViewJob;

/// All jobs.
pub(crate) struct Jobs {
    pub scheduler: Scheduler,
    /// In the order in which they were requested.
    pub runs: Vec<Active>,
    pub cells: Vec<CellJob>,
    pub views: Vec<ViewJob>,
    /// The kernel is shutting down, so nothing new starts.
    pub shutting_down: bool,
    /// Ended or halted runs whose state a full disk has refused, with the event to announce once it is stored.
    pub unsaved: Vec<Unsaved>,
    pub last_busy: Instant,
}

impl Jobs {
    pub fn new(cores: u32) -> Self {
        Self {
            scheduler: Scheduler::new(cores),
            runs: Vec::new(),
            cells: Vec::new(),
            views: Vec::new(),
            shutting_down: false,
            unsaved: Vec::new(),
            last_busy: Instant::now(),
        }
    }

    pub fn run_ids(&self) -> Vec<RunId> {
        self.runs.iter().map(|active| active.run).collect()
    }

    pub fn position(&self, run: RunId) -> Option<usize> {
        self.runs.iter().position(|active| active.run == run)
    }

    /// Refuses new work while the kernel shuts down, and work on a run whose state is not stored yet.
    pub fn admit(&self, run: Option<RunId>) -> Result<(), Refusal> {
        if self.shutting_down {
            return Err(Refusal::new(ErrorKind::Busy, "the kernel is about to leave; try again in a moment"));
        }
        if run.is_some_and(|run| self.unsaved.iter().any(|unsaved| unsaved.run == run)) {
            return Err(Refusal::new(
                ErrorKind::DiskFull,
                "the disk has not taken this run's state yet; free some space",
            ));
        }
        Ok(())
    }

    fn permit(&self, job: JobId) -> Option<&Arc<Permit>> {
        let lanes = self.runs.iter().flat_map(|active| active.lanes.iter()).map(|lane| (lane.job, &lane.permit));
        let cells = self.cells.iter().map(|cell| (cell.job, &cell.permit));
        lanes.chain(cells).find(|(of, _)| *of == job).map(|(_, permit)| permit)
    }
}

impl Kernel {
    /// Carries out the scheduler's decisions until there are none. Called after every change of the jobs.
    pub(crate) fn dispatch(self: &Arc<Self>, jobs: &mut Jobs) {
        jobs.last_busy = Instant::now();
        loop {
            let decisions = jobs.scheduler.assign();
            if decisions.is_empty() {
                break;
            }
            for decision in decisions {
                match decision {
                    Decision::Start(job) => {
                        if !self.start_lane(jobs, job) && !self.start_view(jobs, job) {
                            self.start_cell(jobs, job);
                        }
                    }
                    Decision::Yield(job) => {
                        jobs.permit(job).into_iter().for_each(|permit| permit.set_order(Order::Yield));
                    }
                    Decision::Continue(job) => self.unpark(jobs, job),
                }
            }
        }
        self.store_waiting(jobs);
        // The thread could not be created, or all lanes of the run had ended before.
        self.settle(jobs);
    }
}

/// The message of a caught panic.
pub(crate) fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
