//! Resuming after a kernel's end: the runs and cells that it did not finish are resumed by the next kernel, in their
//! order, without another request.
//!
//! Not resumed is what its reader paused, stopped, or interrupted by force; such work is no longer a job, see
//! `store::JobKind`. A job during which two kernels in a row died waits for its reader.
//!
//! This kernel is started by a notebook that loses its kernel while jobs are unfinished, by a notebook that opens and
//! finds some, or by a command that needs a kernel.

use crate::{
    Kernel,
    jobs::{Jobs, Unsaved},
    lock,
};
use protocol::{CellKey, RunId, RunState};
use std::sync::Arc;
use store::{JobKind, Store, StoreError, UnfinishedJob};

/// Marks the runs that a dead kernel left training or waiting as interrupted; a paused one stays paused. Returns those
/// for which the disk refuses that for now: the kernel starts on a full disk too, so that runs can be deleted to make
/// room.
pub(crate) fn mark_interrupted(store: &mut Store) -> Result<Vec<RunId>, StoreError> {
    let (runs, unmarked) = match store.interrupt_all() {
        Ok(runs) => (runs, Vec::new()),
        Err(error) if error.is_transient() => {
            tracing::warn!("what a dead kernel left open is not stored as interrupted yet: {error}");
            let runs = store.runs_to_interrupt()?;
            (runs.clone(), runs)
        }
        Err(error) => return Err(error),
    };
    for run in runs {
        tracing::info!(%run, "its kernel died beneath it");
    }
    Ok(unmarked)
}

/// The previous kernel's unfinished jobs as found at the start, without those that have been handled since.
#[derive(Default)]
pub(crate) struct UnfinishedWork {
    jobs: Vec<UnfinishedJob>,
    is_resumed: bool,
}

impl UnfinishedWork {
    /// Called once the runs of a dead kernel are stored as interrupted. A store that can't be read gives none, and
    /// readers resume the runs themselves.
    pub fn of(store: &Store) -> Self {
        let jobs = store.unfinished_jobs().unwrap_or_else(|error| {
            tracing::warn!("what was interrupted is not known: {error}");
            Vec::new()
        });
        Self { jobs, is_resumed: false }
    }

    /// A sentence for each job that waits for its reader, for clients that connect.
    pub fn sentences(&self) -> Vec<String> {
        let waiting = self.jobs.iter().filter(|job| job.waits_for_reader());
        let sentence = |UnfinishedJob { kind, deaths }: &UnfinishedJob| match kind {
            JobKind::Run(run) => format!(
                "Run {run} waits: {deaths} kernels in a row have died while it trained. `relu resume {run}` goes on with it."
            ),
            JobKind::Cell(CellKey { lesson, cell }, _) => format!(
                "The cell {cell} of the lesson {lesson} is not measured again by itself: {deaths} kernels in a row have died \
                 while it was measured. Enter on it measures it all the same."
            ),
        };
        waiting.map(sentence).collect()
    }

    fn forget_run(&mut self, run: RunId) {
        self.jobs.retain(|job| job.run() != Some(run));
    }
}

impl Kernel {
    /// Resumes the unfinished jobs, once. Called at the start, and before the first new work, which was requested
    /// later. `asked` is a run that its reader is resuming.
    pub(crate) fn resume_unfinished(self: &Arc<Self>, jobs: &mut Jobs, asked: Option<RunId>) {
        let unfinished = {
            let mut unfinished = lock(&self.unfinished);
            if let Some(run) = asked {
                unfinished.forget_run(run);
            }
            if std::mem::replace(&mut unfinished.is_resumed, true) {
                return;
            }
            let (waiting, go_on): (Vec<_>, Vec<_>) =
                std::mem::take(&mut unfinished.jobs).into_iter().partition(UnfinishedJob::waits_for_reader);
            unfinished.jobs = waiting;
            go_on
        };
        for UnfinishedJob { kind, deaths } in unfinished {
            let resumed = match kind {
                JobKind::Run(run) => self.resume_halted(jobs, run),
                JobKind::Cell(cell, Some(spec)) => self.resume_cell(jobs, cell, spec),
                JobKind::Cell(cell, None) => {
                    tracing::warn!(
                        lesson = cell.lesson,
                        cell = cell.cell,
                        "its settings can't be read; it is not measured"
                    );
                    self.unqueue_cell(&cell);
                    continue;
                }
            };
            match resumed {
                Ok(()) => tracing::info!(deaths, "a job goes on"),
                Err(refusal) => tracing::warn!("a job does not go on: {}", refusal.message),
            }
        }
        self.unqueue_waiting_cells();
    }

    /// A cell that waits for its reader leaves the queue; the reader requests it again.
    fn unqueue_waiting_cells(&self) {
        let waiting: Vec<CellKey> = lock(&self.unfinished)
            .jobs
            .iter()
            .filter_map(|job| if let JobKind::Cell(cell, _) = &job.kind { Some(cell.clone()) } else { None })
            .collect();
        for cell in &waiting {
            self.unqueue_cell(cell);
        }
    }

    /// Called when the run was deleted or its reader has decided about it.
    pub(crate) fn forget_unfinished_run(&self, run: RunId) {
        lock(&self.unfinished).forget_run(run);
    }

    /// Marks a run as interrupted that the previous kernel left open, and for which the disk has refused that so far.
    /// It is resumed afterwards.
    pub(crate) fn defer_interruption(&self, runs: Vec<RunId>) {
        let waits =
            |run: RunId| lock(&self.unfinished).jobs.iter().any(|job| job.run() == Some(run) && job.waits_for_reader());
        let deferred = |run| Unsaved {
            run,
            state: RunState::Interrupted,
            elapsed: None,
            resume_after: !waits(run),
            left_by_dead_kernel: true,
        };
        self.jobs().unsaved.extend(runs.into_iter().map(deferred));
    }
}
