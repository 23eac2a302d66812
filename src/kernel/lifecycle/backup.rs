//! When the store is copied: whenever something has come to rest, and every few minutes while runs train. The process's
//! main thread copies, which trains nothing and serves nobody.

use crate::{Kernel, lock};
use std::{
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

/// So much of a curve, at most, is in the store alone.
const EVERY: Duration = Duration::from_mins(5);
/// How long a disk that refused is left alone.
const AGAIN_AFTER: Duration = Duration::from_mins(1);

/// Which state of the store has been copied.
pub(crate) struct Backups {
    state: Mutex<State>,
}

struct State {
    /// Something has changed that is not to wait: a run has come to rest, is gone, or bears another name.
    asked: bool,
    tried: Instant,
    failed: bool,
    /// [`store::Store::changes`] when the last one was made.
    changes: u64,
}

impl Default for Backups {
    fn default() -> Self {
        // How the kernel before this one ended is not known: the first look makes one.
        Self { state: Mutex::new(State { asked: true, tried: Instant::now(), failed: false, changes: 0 }) }
    }
}

impl State {
    fn lacks(&self, changes: u64) -> bool {
        self.asked || self.failed || self.changes != changes
    }

    fn is_due(&self, changes: u64) -> bool {
        let after = match (self.asked, self.failed) {
            (true, _) => Duration::ZERO,
            (false, true) => AGAIN_AFTER,
            (false, false) => EVERY,
        };
        self.lacks(changes) && self.tried.elapsed() >= after
    }
}

impl Kernel {
    fn backups(&self) -> MutexGuard<'_, State> {
        lock(&self.backups.state)
    }

    /// The next look makes a backup. Call it after the commit.
    pub(crate) fn ask_for_backup(&self) {
        self.backups().asked = true;
    }

    /// Whether the next look makes a backup, or tries again what failed.
    pub(crate) fn wants_backup(&self) -> bool {
        let state = self.backups();
        state.asked || state.failed
    }

    /// Called at each look.
    pub(crate) fn back_up_if_due(&self) {
        let changes = self.store().changes();
        if self.backups().is_due(changes) {
            self.back_up(changes);
        }
    }

    /// For a kernel that leaves.
    pub(crate) fn back_up_the_rest(&self) {
        let changes = self.store().changes();
        if self.backups().lacks(changes) {
            self.back_up(changes);
        }
    }

    /// A backup that can't be made fails nothing: the one before it stands, and the next try comes.
    fn back_up(&self, changes: u64) {
        // Before the copy, so that what comes to rest meanwhile asks for the next.
        self.backups().asked = false;
        // What stands at the path may be another's.
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
