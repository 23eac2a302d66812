//! The cells of lessons. A figure that a lesson shows as soon as it is seen is a view; a longer measurement is a cell
//! that the reader has requested, and the next kernel continues with it if this one ends before.

use super::{
    CellObserver, Jobs, Order, Permit, message_of,
    scheduler::{JobId, Priority},
};
use crate::{Kernel, refusal::Refusal};
use protocol::{CellEvent, CellKey, CellRecord, ErrorKind, Event, ExperimentSpec, Outcome};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use store::{Interruption, now};

const PROGRESS_EVERY: Duration = Duration::from_millis(200);
/// Measurements of at least this many estimated seconds are requested by the reader; shorter ones are views.
const MIN_CELL_SECONDS: f64 = 1.0;

/// A cell that waits for a core or is being measured.
pub(crate) struct CellJob {
    pub key: CellKey,
    pub job: JobId,
    pub permit: Arc<Permit>,
    spec: ExperimentSpec,
}

/// The scheduler's class for a measurement of this length.
fn priority(spec: &ExperimentSpec) -> Priority {
    if spec.seconds() < MIN_CELL_SECONDS { Priority::View } else { Priority::Cell }
}

impl Kernel {
    pub(crate) fn run_cell(self: &Arc<Self>, cell: CellKey, spec: ExperimentSpec) -> Result<(), Refusal> {
        let mut jobs = self.jobs();
        jobs.admit(None)?;
        let is_cell = priority(&spec) == Priority::Cell;
        if is_cell {
            self.resume_unfinished(&mut jobs, None);
        }
        refuse_running(&jobs, &cell)?;
        // The request is cheap to repeat, so on a full disk the cell is measured without an entry in the queue.
        if is_cell && let Err(error) = self.store().queue_cell(&cell, &spec) {
            tracing::warn!(cell = cell.cell, "the next kernel would not go on with it: {error}");
        }
        self.submit_cell(&mut jobs, cell, spec);
        Ok(())
    }

    /// Measures a cell that the previous kernel did not finish.
    pub(crate) fn resume_cell(
        self: &Arc<Self>,
        jobs: &mut Jobs,
        cell: CellKey,
        spec: ExperimentSpec,
    ) -> Result<(), Refusal> {
        refuse_running(jobs, &cell)?;
        self.submit_cell(jobs, cell, spec);
        Ok(())
    }

    fn submit_cell(self: &Arc<Self>, jobs: &mut Jobs, key: CellKey, spec: ExperimentSpec) {
        self.announce_cell(CellEvent::Started { cell: key.clone(), spec: spec.clone() });
        let job = jobs.scheduler.submit(priority(&spec), 1);
        jobs.cells.push(CellJob { key, job, permit: Arc::default(), spec });
        self.dispatch(jobs);
    }

    pub(crate) fn stop_cell(self: &Arc<Self>, cell: &CellKey) -> Result<(), Refusal> {
        let mut jobs = self.jobs();
        let Some(at) = jobs.cells.iter().position(|job| job.key == *cell) else {
            return Err(Refusal::new(ErrorKind::State, format!("the cell {} is not running", cell.cell)));
        };
        self.unqueue_cell(cell);
        self.halt_cell(&mut jobs, at);
        self.dispatch(&mut jobs);
        Ok(())
    }

    /// Removes a waiting cell, or asks a running one to stop.
    fn halt_cell(&self, jobs: &mut Jobs, at: usize) {
        let CellJob { key, job, permit, .. } = &jobs.cells[at];
        permit.set_order(Order::Stop);
        if !jobs.scheduler.is_waiting(*job) {
            return;
        }
        self.announce_cell(CellEvent::Stopped { cell: key.clone() });
        jobs.scheduler.end(*job);
        jobs.cells.remove(at);
    }

    /// Stops every cell for a shutdown. The next kernel continues with them unless they are stopped on purpose.
    pub(crate) fn halt_cells(&self, jobs: &mut Jobs) {
        if self.interruption() == Interruption::Asked {
            jobs.cells.iter().for_each(|cell| self.unqueue_cell(&cell.key));
        } else if let Err(error) = self.store().clear_begun_cells() {
            tracing::warn!("this kernel's end counts as a death for its cells: {error}");
        }
        for at in (0..jobs.cells.len()).rev() {
            self.halt_cell(jobs, at);
        }
    }

    pub(crate) fn unqueue_cell(&self, cell: &CellKey) {
        if let Err(error) = self.store().unqueue_cell(cell) {
            tracing::warn!(cell = cell.cell, "the next kernel may measure it again: {error}");
        }
    }

    /// Starts a cell's thread.
    pub(super) fn start_cell(self: &Arc<Self>, jobs: &mut Jobs, job: JobId) {
        let Some(CellJob { key, spec, permit, .. }) = jobs.cells.iter().find(|cell| cell.job == job) else { return };
        if priority(spec) == Priority::Cell
            && let Err(error) = self.store().begin_cell(key)
        {
            tracing::debug!(cell = key.cell, "that it has begun is not stored: {error}");
        }
        let (kernel, key, spec, permit) = (Arc::clone(self), key.clone(), spec.clone(), Arc::clone(permit));
        let started = {
            let key = key.clone();
            // The thread is not named by the cell's id, which comes from a lesson file: `name` panics at a zero byte.
            thread::Builder::new().name("cell".into()).stack_size(8 << 20).spawn(move || {
                let event = kernel.measure(job, key.clone(), spec, &permit);
                kernel.cell_ended(job, &key, event);
            })
        };
        if let Err(error) = started {
            jobs.scheduler.end(job);
            jobs.cells.retain(|cell| cell.job != job);
            self.unqueue_cell(&key);
            self.announce_cell(CellEvent::Failed { cell: key, reason: format!("no thread to measure in: {error}") });
        }
    }

    fn cell_ended(self: &Arc<Self>, job: JobId, cell: &CellKey, event: CellEvent) {
        let mut jobs = self.jobs();
        jobs.scheduler.end(job);
        jobs.cells.retain(|other| other.job != job);
        if matches!(event, CellEvent::Failed { .. }) {
            self.unqueue_cell(cell);
        }
        // Announced under the lock, so that events of a cell that is run again are in order.
        self.announce_cell(event);
        self.dispatch(&mut jobs);
        drop(jobs);
        self.job_ended.notify_all();
    }

    /// Measures one cell and stores its outcome. Catches panics.
    fn measure(self: &Arc<Self>, job: JobId, cell: CellKey, spec: ExperimentSpec, permit: &Permit) -> CellEvent {
        let began = Instant::now();
        let mut observer =
            ProgressReporter { kernel: self, job, cell: cell.clone(), permit, began, last: None, unsent: None };
        let measured = catch_unwind(AssertUnwindSafe(|| self.trainer.experiment(&spec, &mut observer)));
        let outcome = match measured {
            _ if permit.is_stopped() => return CellEvent::Stopped { cell },
            Err(panic) => {
                let reason = format!("the measuring code panicked: {}", message_of(&*panic));
                return CellEvent::Failed { cell, reason };
            }
            Ok(Err(reason)) => return CellEvent::Failed { cell, reason },
            Ok(Ok(outcome)) => remove_non_finite(&cell, outcome),
        };
        let record = CellRecord { cell, spec, outcome, finished: now() };
        // The measurement is cheap to repeat, so on a full disk the outcome is shown and not stored.
        match self.store().commit_cell(&record) {
            Ok(()) => self.request_backup(),
            Err(error) => tracing::warn!(cell = record.cell.cell, "its outcome is not stored: {error}"),
        }
        let CellRecord { cell, outcome, .. } = record;
        CellEvent::Finished { cell, outcome }
    }

    fn announce_cell(&self, event: CellEvent) {
        match &event {
            CellEvent::Progress { .. } => {}
            CellEvent::Failed { cell, reason } => tracing::warn!(lesson = cell.lesson, cell = cell.cell, reason),
            CellEvent::Started { cell, .. } | CellEvent::Stopped { cell } | CellEvent::Finished { cell, .. } => {
                tracing::info!(lesson = cell.lesson, cell = cell.cell, "a cell changed");
            }
        }
        self.hub.publish(&Event::Cell(event));
    }
}

fn refuse_running(jobs: &Jobs, cell: &CellKey) -> Result<(), Refusal> {
    if jobs.cells.iter().any(|job| job.key == *cell) {
        return Err(Refusal::new(ErrorKind::State, format!("the cell {} is running already", cell.cell)));
    }
    Ok(())
}

/// JSON can't represent a number that is not finite, so none is stored or announced.
fn remove_non_finite(cell: &CellKey, mut outcome: Outcome) -> Outcome {
    for what in outcome.remove_non_finite() {
        tracing::warn!(lesson = cell.lesson, cell = cell.cell, "{what} has a number that is not finite");
    }
    outcome
}

/// Announces a cell's progress a few times a second, and assigns it cores.
struct ProgressReporter<'a> {
    kernel: &'a Arc<Kernel>,
    job: JobId,
    cell: CellKey,
    permit: &'a Permit,
    began: Instant,
    last: Option<Instant>,
    /// Figures that came too soon after the last ones. They are sent with the next progress.
    unsent: Option<Outcome>,
}

impl CellObserver for ProgressReporter<'_> {
    fn progress(&mut self, done: f64, doing: &str, partial: Option<&Outcome>) {
        if let Some(partial) = partial {
            self.unsent = Some(remove_non_finite(&self.cell, partial.clone()));
        }
        if self.last.is_some_and(|at| at.elapsed() < PROGRESS_EVERY) {
            return;
        }
        self.last = Some(Instant::now());
        let (cell, doing, partial) = (self.cell.clone(), doing.to_owned(), self.unsent.take());
        let seconds = self.began.elapsed().as_secs_f64();
        self.kernel.announce_cell(CellEvent::Progress { cell, done, doing, seconds, partial });
    }

    fn should_stop(&mut self) -> bool {
        self.permit.is_stopped()
    }

    fn cores(&mut self, busy: usize, wanted: usize) -> usize {
        let mut jobs = self.kernel.jobs();
        if jobs.scheduler.resize(self.job, busy as u32, wanted as u32) {
            self.kernel.dispatch(&mut jobs);
        }
        jobs.scheduler.allowed(self.job) as usize
    }
}
