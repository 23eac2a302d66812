//! When the store is backed up: after a run has ended or halted, and every few minutes while runs train. The main
//! thread does it, which neither trains nor serves clients.

use crate::{Kernel, lock};
use std::{
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

/// At most this much of a curve is in the store alone.
const EVERY: Duration = Duration::from_mins(5);
/// How long to wait after a backup has failed.
const RETRY_AFTER: Duration = Duration::from_mins(1);

/// Which state of the store the last backup contains.
pub(crate) struct Backups {
    state: Mutex<State>,
}

struct State {
    /// A run has ended or halted, was deleted or renamed: such a change is backed up at once.
    requested: bool,
    tried: Instant,
    failed: bool,
    /// [`store::Store::changes`] at the last backup.
    changes: u64,
}

impl Default for Backups {
    fn default() -> Self {
        // How the previous kernel ended is not known, so the first check makes a backup.
        Self { state: Mutex::new(State { requested: true, tried: Instant::now(), failed: false, changes: 0 }) }
    }
}

impl State {
    fn is_outdated(&self, changes: u64) -> bool {
        self.requested || self.failed || self.changes != changes
    }

    fn is_due(&self, changes: u64) -> bool {
        let after = match (self.requested, self.failed) {
            (true, _) => Duration::ZERO,
            (false, true) => RETRY_AFTER,
            (false, false) => EVERY,
        };
        self.is_outdated(changes) && self.tried.elapsed() >= after
    }
}

impl Kernel {
    fn backups(&self) -> MutexGuard<'_, State> {
        lock(&self.backups.state)
    }

    /// Requests a backup at the next check. Called after the commit.
    pub(crate) fn request_backup(&self) {
        self.backups().requested = true;
    }

    /// Whether the next check makes a backup, or tries one again that failed.
    pub(crate) fn needs_backup(&self) -> bool {
        let state = self.backups();
        state.requested || state.failed
    }

    /// Called at each check.
    pub(crate) fn back_up_if_due(&self) {
        let changes = self.store().changes();
        if self.backups().is_due(changes) {
            self.back_up(changes);
        }
    }

    /// Called at shutdown.
    pub(crate) fn back_up_at_shutdown(&self) {
        let changes = self.store().changes();
        if self.backups().is_outdated(changes) {
            self.back_up(changes);
        }
    }

    /// A failed backup fails nothing else: the previous one remains, and is tried again.
    fn back_up(&self, changes: u64) {
        // Counted before the copy, so that a change during the copy asks for the next one.
        self.backups().requested = false;
        // The file at the path may belong to another store.
        let found = self.store().check_in_place();
        let made = found.and_then(|()| store::back_up(&self.home));
        if let Err(error) = self.store().copy_log() {
            tracing::debug!("the store's log stays beside it: {error}");
        }
        let mut state = self.backups();
        (state.tried, state.failed) = (Instant::now(), made.is_err());
        match made {
            Ok(()) => state.changes = changes,
            Err(error) => tracing::warn!("no backup of the store: {error}"),
        }
    }
}
