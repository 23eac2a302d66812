//! The process around training: a socket that notebooks speak to, cores that are given out, and runs that survive
//! whatever ends a notebook or this process.
//!
//! - `jobs/`: what is worked on, and who gets which core; `scheduler` decides it, `runs`, `lane` and `cell` carry it out.
//! - `server/`: the socket's clients, their requests, and what all of them are told.
//! - `lifecycle/`: the process from its start to its end, and what of a dead kernel's work this one goes on with.
//!
//! Invariants: what is announced has been committed; no notebook, however slow or dead, makes training wait. Whoever holds
//! the lock of the jobs may take the store's, never the other way round.

mod jobs;
mod lifecycle;
mod refusal;
mod server;
#[cfg(test)]
mod tests;

pub use lifecycle::{KernelError, Options, run};

use jobs::{Jobs, Trainer};
use lifecycle::{Backups, ShutdownCause, UnfinishedWork};
use server::Hub;
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError, atomic::AtomicBool, mpsc::Sender},
    time::Instant,
};
use store::{Home, Store};

/// All that the kernel's threads share.
pub(crate) struct Kernel {
    home: Home,
    options: Options,
    trainer: Box<dyn Trainer>,
    store: Mutex<Store>,
    jobs: Mutex<Jobs>,
    /// Notified whenever a lane's or a cell's thread ends.
    job_ended: Condvar,
    hub: Hub,
    backups: Backups,
    began: Instant,
    /// No client is greeted any more. Apart from the jobs, whose lock may be held while a slow disk writes: a greeting
    /// waits for neither.
    is_shutting_down: Mutex<bool>,
    /// What a client should know of how the kernel started.
    notices: Mutex<Vec<String>>,
    /// What the kernel before this one left, as far as this one has not gone on with it.
    unfinished: Mutex<UnfinishedWork>,
    /// The end of this kernel was not asked for by a client.
    was_signalled: AtomicBool,
    /// Makes the main thread end the process in good order.
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

/// A panic under a lock is caught and reported elsewhere; what the lock guards is consistent between two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
