//! Detects once a second what other programs do to the home beneath a running kernel, and sets the runs' notices.

use crate::{Kernel, lock, server::NoticeKind};

/// Where the home is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HomeLocation {
    Here,
    /// It was moved as a whole. Anything at its path now does not belong to this kernel.
    Elsewhere,
    /// It was removed as a whole, and no job needs it.
    Removed,
}

impl Kernel {
    /// Finds out where the home is. Creates it again if it was removed while a run needs it.
    pub(crate) fn locate_home(&self) -> HomeLocation {
        let is_idle = self.is_idle();
        let store = self.store();
        if store.home_is_moved() {
            return HomeLocation::Elsewhere;
        }
        if store.home_is_removed() {
            if is_idle {
                tracing::warn!("the home was removed, and nothing is going on");
                return HomeLocation::Removed;
            }
            if let Err(error) = self.home.prepare() {
                tracing::debug!("the home was removed: {error}");
            }
        }
        HomeLocation::Here
    }

    /// Puts the store back if it was removed, and sets or withdraws the notice of every active run.
    pub(crate) fn ensure_store(&self) {
        let (ensured, restored) = {
            let mut store = self.store();
            (store.ensure_in_place(), store.take_restored_notice())
        };
        if let Some(notice) = &restored {
            lock(&self.notices).push(notice.clone());
            self.request_backup();
        }
        let error = ensured.err().map(|error| format!("Nothing can be stored: {error}. Training waits."));
        for run in self.jobs().run_ids() {
            self.hub.set_notice(run, NoticeKind::Store, error.clone());
            if let Some(notice) = &restored {
                self.hub.set_notice(run, NoticeKind::Restored, Some(notice.clone()));
            }
        }
    }
}
