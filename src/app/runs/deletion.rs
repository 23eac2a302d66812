//! Deletes runs so that it can be undone: they leave the list at once, and the store when the notebook quits or the disk is
//! full. A notebook that is killed before has deleted nothing.

use crate::{App, Effect, Tag};
use protocol::{RequestBody, RunId, RunSummary, format_count};

/// The runs that were deleted and that the store still has, by the key press that deleted them.
#[derive(Debug, Default)]
pub(crate) struct PendingDeletions {
    pending: Vec<Vec<RunSummary>>,
    /// Those of them that somebody else has deleted for good, until the reader is told.
    pub(super) gone: Vec<RunId>,
}

impl PendingDeletions {
    fn contains(&self, run: RunId) -> bool {
        self.pending.iter().flatten().any(|summary| summary.run == run)
    }
}

impl App {
    /// How many runs are deleted and can be brought back.
    pub fn pending_deletions(&self) -> usize {
        self.deletions.pending.iter().map(Vec::len).sum()
    }

    /// Takes these runs out of the list.
    pub(super) fn delete_runs(&mut self, runs: &[RunId]) {
        let (deleted, left) =
            std::mem::take(&mut self.runs).into_iter().partition(|summary| runs.contains(&summary.run));
        self.runs = left;
        self.deletions.pending.push(deleted);
    }

    /// Puts the runs that were deleted last back into the list; returns them.
    pub(super) fn restore_deleted(&mut self) -> Vec<RunId> {
        let restored = self.deletions.pending.pop().unwrap_or_default();
        let runs = restored.iter().map(|summary| summary.run).collect();
        self.runs.extend(restored);
        self.runs.sort_by_key(|summary| std::cmp::Reverse(summary.run));
        runs
    }

    /// Takes the deleted runs out of a list that the store has given, and forgets those that the store does not have any more.
    pub(crate) fn without_deleted(&mut self, runs: Vec<RunSummary>) -> Vec<RunSummary> {
        let (deleted, left): (Vec<_>, Vec<_>) =
            runs.into_iter().partition(|summary| self.deletions.contains(summary.run));
        for pending in self.deletions.pending.iter_mut().flatten() {
            if let Some(now) = deleted.iter().find(|summary| summary.run == pending.run) {
                *pending = now.clone();
            }
        }
        let is_there = |summary: &RunSummary| deleted.iter().any(|now| now.run == summary.run);
        let gone = self.deletions.pending.iter().flatten().filter(|summary| !is_there(summary));
        self.deletions.gone.extend(gone.map(|summary| summary.run).collect::<Vec<_>>());
        self.deletions.pending.iter_mut().for_each(|group| group.retain(is_there));
        self.deletions.pending.retain(|group| !group.is_empty());
        left
    }

    /// Forgets a run that somebody has deleted for good.
    pub(crate) fn forget_deleted(&mut self, run: RunId) {
        self.runs.retain(|summary| summary.run != run);
        if self.deletions.contains(run) {
            self.deletions.gone.push(run);
        }
        self.deletions.pending.iter_mut().for_each(|group| group.retain(|summary| summary.run != run));
        self.deletions.pending.retain(|group| !group.is_empty());
    }

    /// Deletes for good what was deleted. Starts a kernel if none runs, which alone deletes runs.
    pub(crate) fn carry_out_deletions(&mut self) -> Vec<Effect> {
        let deleted = std::mem::take(&mut self.deletions).pending.into_iter().flatten();
        deleted
            .map(|summary| Effect::Request(Tag::Delete(summary.run), RequestBody::Delete { run: summary.run }))
            .collect()
    }

    /// Deletes for good what was deleted, because the disk is full.
    pub(crate) fn free_disk(&mut self) -> Vec<Effect> {
        let count = self.pending_deletions();
        if count > 0 {
            self.add_notice(format!(
                "the disk is full: {} that you deleted can't be brought back now",
                format_count(count, "run")
            ));
        }
        self.carry_out_deletions()
    }
}
