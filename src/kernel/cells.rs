//! Lessons' cells: each runs in a thread of its own beside the lanes, so that a quick one never waits behind a race.

use super::{Kernel, lane::message_of, lock, requests::Refusal, trainer::CellObserver};
use protocol::{CellEvent, CellKey, CellRecord, ErrorKind, Event, ExperimentSpec, Outcome};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use store::now;

/// Cells that measure at once; further ones wait their turn.
const AT_ONCE: usize = 2;
const PROGRESS_EVERY: Duration = Duration::from_millis(200);
/// Seconds that a measurement takes at least that a reader has asked for; a lesson's plot takes less.
const WORK: f64 = 1.0;

#[derive(Default)]
pub(super) struct Cells {
    desk: Mutex<CellDesk>,
}

#[derive(Default)]
struct CellDesk {
    running: Vec<(CellKey, Arc<AtomicBool>)>,
    waiting: VecDeque<(CellKey, ExperimentSpec)>,
}

impl Cells {
    pub fn is_busy(&self) -> bool {
        let desk = lock(&self.desk);
        !desk.running.is_empty() || !desk.waiting.is_empty()
    }

    /// The kernel leaves: cells are quick to run again, so nothing of them is kept.
    pub fn stop_all(&self) {
        let mut desk = lock(&self.desk);
        desk.waiting.clear();
        for (_, stop) in &desk.running {
            stop.store(true, Ordering::SeqCst);
        }
    }
}

impl Kernel {
    pub(super) fn run_cell(self: &Arc<Self>, cell: CellKey, spec: ExperimentSpec) -> Result<(), Refusal> {
        // The desk first: a kernel that leaves stops every cell under it, and none may begin after that.
        let mut scheduler = self.desk();
        scheduler.welcome(None)?;
        // What is drawn as soon as it is seen is no work that anybody has asked for.
        if spec.seconds() >= WORK {
            self.take_up(&mut scheduler, None);
        }
        let mut desk = lock(&self.cells.desk);
        let known = desk.running.iter().map(|(key, _)| key).chain(desk.waiting.iter().map(|(key, _)| key));
        if known.into_iter().any(|key| *key == cell) {
            return Err(Refusal::new(ErrorKind::State, format!("the cell {} is running already", cell.cell)));
        }
        self.tell(CellEvent::Started { cell: cell.clone(), spec: spec.clone() });
        desk.waiting.push_back((cell, spec));
        self.fill_cells(&mut desk);
        Ok(())
    }

    pub(super) fn stop_cell(&self, cell: &CellKey) -> Result<(), Refusal> {
        let mut desk = lock(&self.cells.desk);
        if let Some(at) = desk.waiting.iter().position(|(key, _)| key == cell) {
            desk.waiting.remove(at);
            self.tell(CellEvent::Stopped { cell: cell.clone() });
        } else if let Some((_, stop)) = desk.running.iter().find(|(key, _)| key == cell) {
            stop.store(true, Ordering::SeqCst);
        } else {
            return Err(Refusal::new(ErrorKind::State, format!("the cell {} is not running", cell.cell)));
        }
        Ok(())
    }

    fn fill_cells(self: &Arc<Self>, desk: &mut CellDesk) {
        while desk.running.len() < AT_ONCE
            && let Some((cell, spec)) = desk.waiting.pop_front()
        {
            let stop = Arc::new(AtomicBool::new(false));
            let (kernel, key, told) = (Arc::clone(self), cell.clone(), Arc::clone(&stop));
            let started =
                // Not by the cell's id: a lesson file may have put anything in it, and `name` panics at a zero byte.
                thread::Builder::new().name("cell".into()).stack_size(8 << 20).spawn(move || {
                    let event = kernel.measure(key.clone(), spec, &told);
                    kernel.cell_ended(&key, event);
                });
            match started {
                Ok(_) => desk.running.push((cell, stop)),
                Err(error) => {
                    self.tell(CellEvent::Failed { cell, reason: format!("no thread to measure in: {error}") });
                }
            }
        }
    }

    fn cell_ended(self: &Arc<Self>, cell: &CellKey, event: CellEvent) {
        let mut desk = lock(&self.cells.desk);
        desk.running.retain(|(other, _)| other != cell);
        // Under the lock, so that a cell that is run again is told of in order.
        self.tell(event);
        self.fill_cells(&mut desk);
        drop(desk);
        // Whoever waits for quiet looks at the cells under the scheduler's desk. Taken once, it is either before its look
        // or already listening.
        drop(self.desk());
        self.quieter.notify_all();
    }

    /// Runs one cell to its end and keeps its outcome. Catches panics.
    fn measure(&self, cell: CellKey, spec: ExperimentSpec, stop: &AtomicBool) -> CellEvent {
        let began = Instant::now();
        let mut observer = Watcher { kernel: self, cell: cell.clone(), stop, began, last: None, owed: None };
        let measured = catch_unwind(AssertUnwindSafe(|| self.trainer.experiment(&spec, &mut observer)));
        let outcome = match measured {
            _ if stop.load(Ordering::SeqCst) => return CellEvent::Stopped { cell },
            Err(panic) => {
                let reason = format!("the measuring code panicked: {}", message_of(&*panic));
                return CellEvent::Failed { cell, reason };
            }
            Ok(Err(reason)) => return CellEvent::Failed { cell, reason },
            Ok(Ok(outcome)) => checked(&cell, outcome),
        };
        let record = CellRecord { cell, spec, outcome, finished: now() };
        // Cheap to measure again: a full disk costs the reader the memory of it, not the figure.
        match self.store().commit_cell(&record) {
            Ok(()) => self.ask_for_backup(),
            Err(error) => tracing::warn!(cell = record.cell.cell, "its outcome is not kept: {error}"),
        }
        let CellRecord { cell, outcome, .. } = record;
        CellEvent::Finished { cell, outcome }
    }

    fn tell(&self, event: CellEvent) {
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

/// JSON has no number that is not finite: none is stored or announced.
fn checked(cell: &CellKey, mut outcome: Outcome) -> Outcome {
    for what in outcome.remove_non_finite() {
        tracing::warn!(lesson = cell.lesson, cell = cell.cell, "{what} has a number that is not finite");
    }
    outcome
}

/// Passes a cell's progress on, a few times a second.
struct Watcher<'a> {
    kernel: &'a Kernel,
    cell: CellKey,
    stop: &'a AtomicBool,
    began: Instant,
    last: Option<Instant>,
    /// Figures that came too soon after the last ones: they go with the next progress.
    owed: Option<Outcome>,
}

impl CellObserver for Watcher<'_> {
    fn progress(&mut self, done: f64, doing: &str, partial: Option<&Outcome>) {
        if let Some(partial) = partial {
            self.owed = Some(checked(&self.cell, partial.clone()));
        }
        if self.last.is_some_and(|at| at.elapsed() < PROGRESS_EVERY) {
            return;
        }
        self.last = Some(Instant::now());
        let (cell, doing, partial) = (self.cell.clone(), doing.to_owned(), self.owed.take());
        let seconds = self.began.elapsed().as_secs_f64();
        self.kernel.tell(CellEvent::Progress { cell, done, doing, seconds, partial });
    }

    fn should_stop(&mut self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}
