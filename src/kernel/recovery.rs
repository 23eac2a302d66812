//! Where to go on after a kernel's end: which runs it left open, and each lane's newest whole checkpoint.

use super::trainer;
use crate::{
    learn::Snapshot,
    protocol::{Lane, RunState},
    store::{Store, StoreError, files, files::LaneFolder},
};
use std::{fs, io, path::Path};

/// Runs that a dead kernel left training or waiting are interrupted; a paused one stays paused.
pub(super) fn mark_interrupted(store: &mut Store) -> Result<(), StoreError> {
    for summary in store.runs()? {
        if matches!(summary.state, RunState::Running | RunState::Queued) {
            tracing::info!(run = %summary.run, "its kernel died beneath it");
            store.set_state(summary.run, &RunState::Interrupted)?;
        }
    }
    Ok(())
}

/// What a lane's folder offers to go on from.
pub(super) struct Found {
    /// `None`: from the beginning.
    pub snapshot: Option<Snapshot>,
    /// A damaged file was set aside, as a sentence.
    pub complaint: Option<String>,
}

/// The newest whole checkpoint that is not ahead of the `epochs` that the store knows of: an epoch whose checkpoint
/// was written and whose row was not has not been announced, and is computed again.
pub(super) fn newest(folder: &LaneFolder, lane: Lane, epochs: u32) -> Found {
    let mut found = Found { snapshot: None, complaint: None };
    for file in folder.state_files() {
        found.consider(&file, lane, epochs);
    }
    for epoch in folder.epochs().into_iter().rev().filter(|&epoch| epoch <= epochs) {
        // Older files can only be older.
        if found.snapshot.as_ref().is_some_and(|snapshot| snapshot.epochs_done >= epoch) {
            break;
        }
        found.consider(&folder.epoch_file(epoch), lane, epochs);
    }
    found
}

impl Found {
    fn consider(&mut self, file: &Path, lane: Lane, epochs: u32) {
        let read = fs::read(file).map_err(|error| (error.kind() == io::ErrorKind::NotFound, error.to_string()));
        let snapshot = match read {
            Err((true, _)) => return,
            Err((false, error)) => Err(error),
            Ok(bytes) => trainer::decode(&bytes),
        };
        match snapshot {
            Ok(snapshot) if snapshot.lane != lane || snapshot.epochs_done > epochs => {
                tracing::info!(file = %file.display(), "is not of this lane, or ahead of the store; left alone");
            }
            Ok(snapshot) => {
                let place = |snapshot: &Snapshot| (snapshot.epochs_done, snapshot.batches_done);
                if self.snapshot.as_ref().is_none_or(|best| place(best) < place(&snapshot)) {
                    self.snapshot = Some(snapshot);
                }
            }
            Err(why) => {
                let kept = match files::set_aside(file) {
                    Ok(aside) => format!("It is kept as {}", aside.display()),
                    Err(error) => format!("It can't be renamed ({error})"),
                };
                let text =
                    format!("The checkpoint {} is damaged ({why}). {kept}; an older one serves.", file.display());
                tracing::warn!("{text}");
                self.complaint.get_or_insert(text);
            }
        }
    }
}
