//! The process around training: a socket that notebooks speak to, cores that are given out, and a run that survives
//! whatever ends a notebook or this process.
//!
//! Invariants: what is announced has been committed; no notebook, however slow or dead, makes training wait; a lane
//! thread takes only the store's lock, and whoever holds the desk may take the store's or the cells', never the other
//! way round.

mod backup;
mod cells;
mod connection;
mod desk;
mod home_lock;
mod hub;
mod keeping;
mod lane;
mod leaving;
mod log;
mod process;
mod recovery;
mod requests;
mod scheduler;
mod stopwatch;
mod takeup;
#[cfg(test)]
mod tests;
mod trainer;

pub use process::{KernelError, Options, run};

use backup::Backups;
use cells::Cells;
use desk::Desk;
use hub::Hub;
use protocol::{Event, KernelStatus, RunEvent};
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::Instant,
};
use store::{Home, Store};
use trainer::Trainer;

/// All that the kernel's threads share.
pub(crate) struct Kernel {
    home: Home,
    options: Options,
    trainer: Box<dyn Trainer>,
    store: Mutex<Store>,
    desk: Mutex<Desk>,
    /// Told whenever a lane's or a cell's thread ends.
    quieter: Condvar,
    cells: Cells,
    hub: Hub,
    backups: Backups,
    began: Instant,
    /// No client is greeted any more. Apart from the desk, which may be held while a slow disk writes: a greeting waits
    /// for neither.
    is_leaving: Mutex<bool>,
    /// What a client should know of how the kernel started.
    notices: Mutex<Vec<String>>,
    /// What the kernels before this one were interrupted at.
    cut_off: Mutex<takeup::CutOffRuns>,
    /// The end of this kernel was not asked for by a client.
    was_signalled: AtomicBool,
}

impl Kernel {
    fn new(home: Home, options: Options, store: Store, trainer: Box<dyn Trainer>) -> Self {
        Self {
            desk: Mutex::new(Desk::new(options.cores)),
            is_leaving: Mutex::new(false),
            cut_off: Mutex::new(takeup::CutOffRuns::of(&store)),
            was_signalled: AtomicBool::new(false),
            notices: Mutex::new(store.notices().to_vec()),
            home,
            options,
            trainer,
            store: Mutex::new(store),
            quieter: Condvar::new(),
            cells: Cells::default(),
            hub: Hub::default(),
            backups: Backups::default(),
            began: Instant::now(),
        }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.store)
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        lock(&self.desk)
    }

    /// Tells every follower. Call it after the commit.
    fn announce(&self, event: RunEvent) {
        if !matches!(event, RunEvent::Progress { .. } | RunEvent::Epoch { .. } | RunEvent::Elapsed { .. }) {
            tracing::info!(?event);
        }
        self.hub.publish(&Event::Run(event));
    }

    fn status(&self) -> KernelStatus {
        let active = self.desk().ids();
        let store = self.store();
        KernelStatus {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").into(),
            uptime_seconds: self.began.elapsed().as_secs_f64(),
            rss_bytes: process::resident_bytes(),
            clients: self.hub.clients(),
            notices: self.hub.notices(),
            runs: store
                .runs()
                .unwrap_or_default()
                .into_iter()
                .filter(|run| run.state.is_active() || active.contains(&run.run))
                .collect(),
        }
    }
}

/// A panic under a lock is caught and told of elsewhere; what the lock guards is whole between two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
