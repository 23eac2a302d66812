//! The process around training: a socket for notebooks, a scheduler of cores, and runs that survive the end of a
//! notebook or of this process.
//!
//! - `jobs/`: runs and cells. `scheduler` assigns the cores; `runs`, `lane` and `cell` do the work.
//! - `server/`: the socket's clients, their requests, and the events sent to all of them.
//! - `lifecycle/`: the process from its start to its end, and resuming the work of a dead kernel.
//!
//! Invariants: what is announced has been committed. No notebook, however slow or dead, makes training wait. A thread
//! that holds the lock of the jobs may take the store's, never the other way round.

mod jobs;
mod lifecycle;
mod refusal;
mod server;
#[cfg(test)]
mod tests;

pub use lifecycle::{KernelError, Options, run};

use jobs::{Jobs, Trainer, ViewCache};
use lifecycle::{Backups, ShutdownCause, UnfinishedWork};
use server::Hub;
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError, atomic::AtomicBool, mpsc::Sender},
    time::Instant,
};
use store::{Home, Store};

/// The state that the kernel's threads share.
pub(crate) struct Kernel {
    home: Home,
    options: Options,
    trainer: Box<dyn Trainer>,
    store: Mutex<Store>,
    jobs: Mutex<Jobs>,
    view_answers: Mutex<ViewCache>,
    /// Notified whenever a lane's or a cell's thread ends.
    job_ended: Condvar,
    hub: Hub,
    backups: Backups,
    began: Instant,
    /// Set once no new client is welcomed. It is outside of the jobs, whose lock may be held while a slow disk writes,
    /// and a hello must not wait for that.
    is_shutting_down: Mutex<bool>,
    /// What clients are told about how the kernel started.
    notices: Mutex<Vec<String>>,
    /// Jobs that the previous kernel left unfinished and this one has not resumed yet.
    unfinished: Mutex<UnfinishedWork>,
    /// Whether this kernel's end was not requested by a client.
    was_signalled: AtomicBool,
    /// Makes the main thread shut the process down.
    shutdown: Sender<ShutdownCause>,
}

impl Kernel {
    fn new(
        home: Home,
        options: Options,
        store: Store,
        trainer: Box<dyn Trainer>,
        shutdown: Sender<ShutdownCause>,
    ) -> Self {
        Self {
            jobs: Mutex::new(Jobs::new(options.cores)),
            view_answers: Mutex::default(),
            is_shutting_down: Mutex::new(false),
            unfinished: Mutex::new(UnfinishedWork::of(&store)),
            was_signalled: AtomicBool::new(false),
            notices: Mutex::new(store.notices().to_vec()),
            home,
            options,
            trainer,
            store: Mutex::new(store),
            job_ended: Condvar::new(),
            hub: Hub::default(),
            backups: Backups::default(),
            began: Instant::now(),
            shutdown,
        }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.store)
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        lock(&self.jobs)
    }
}

/// A panic under a lock is caught and reported elsewhere, and the guarded data is consistent between two statements, so
/// a poisoned lock is used.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
