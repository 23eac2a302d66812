//! What others do to the home beneath a living kernel: once a second it looks, and tells the runs.

use crate::{Kernel, lock, server::Complaint};

/// Where the home is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    Here,
    /// Moved away as a whole: what is at its path now, if anything, is not this kernel's.
    Elsewhere,
    /// Removed as a whole, and nothing is going on that would miss it.
    Removed,
}

impl Kernel {
    /// Looks where the home is; makes one that was removed beneath a run anew.
    pub(crate) fn whereabouts(&self) -> Whereabouts {
        let is_idle = self.is_idle();
        let store = self.store();
        if store.home_is_moved() {
            return Whereabouts::Elsewhere;
        }
        if store.home_is_removed() {
            if is_idle {
                tracing::warn!("the home was removed, and nothing is going on");
                return Whereabouts::Removed;
            }
            if let Err(error) = self.home.prepare() {
                tracing::debug!("the home was removed: {error}");
            }
        }
        Whereabouts::Here
    }

    /// Puts the store back if it was taken away, and lets every run that goes on say what there is to say.
    pub(crate) fn ensure_store(&self) {
        let (ensured, restored) = {
            let mut store = self.store();
            (store.ensure_in_place(), store.take_restored_notice())
        };
        if let Some(notice) = &restored {
            lock(&self.notices).push(notice.clone());
            self.ask_for_backup();
        }
        let error = ensured.err().map(|error| format!("Nothing can be stored: {error}. Training waits."));
        for run in self.jobs().run_ids() {
            self.hub.notice(run, Complaint::Store, error.clone());
            if let Some(notice) = &restored {
                self.hub.notice(run, Complaint::Restored, Some(notice.clone()));
            }
        }
    }
}
