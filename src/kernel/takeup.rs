//! Runs that the kernel before this one left when it died, or was ended by the system: this one takes them up again as soon
//! as it is asked for work, and not before. A run under which two kernels in a row have died waits for its reader.

use super::{Kernel, desk::Desk, lock};
use protocol::RunId;
use store::{CutOff, Store};

/// As found when the kernel started, less what has been looked after since.
#[derive(Default)]
pub(super) struct CutOffRuns {
    runs: Vec<CutOff>,
    has_begun: bool,
}

impl CutOffRuns {
    /// Call it once the store has the runs of a dead kernel as interrupted. A store that can't be asked names none: their
    /// readers resume them.
    pub fn of(store: &Store) -> Self {
        let runs = store.cut_off().unwrap_or_else(|error| {
            tracing::warn!("what was interrupted is not known: {error}");
            Vec::new()
        });
        Self { runs, has_begun: false }
    }

    /// A sentence for each, for whoever connects.
    pub fn sentences(&self) -> Vec<String> {
        let told = |cut: &CutOff| {
            let run = cut.run;
            if cut.waits_for_resume() {
                format!(
                    "Run {run} waits: {} kernels in a row have died while it trained. `relu resume {run}` goes on with it.",
                    cut.deaths
                )
            } else {
                format!("Run {run} was interrupted by the end of its kernel; it goes on with the next work.")
            }
        };
        self.runs.iter().map(told).collect()
    }

    fn forget(&mut self, run: RunId) {
        self.runs.retain(|cut| cut.run != run);
    }
}

impl Kernel {
    /// Goes on with what was interrupted, once: the kernel has work. `asked` is a run that its reader goes on with.
    pub(super) fn take_up(self: &std::sync::Arc<Self>, desk: &mut Desk, asked: Option<RunId>) {
        let runs = {
            let mut cut_off = lock(&self.cut_off);
            if let Some(run) = asked {
                cut_off.forget(run);
            }
            if std::mem::replace(&mut cut_off.has_begun, true) {
                return;
            }
            let runs: Vec<CutOff> = cut_off.runs.iter().filter(|cut| !cut.waits_for_resume()).copied().collect();
            cut_off.runs.retain(CutOff::waits_for_resume);
            runs
        };
        for CutOff { run, deaths } in runs {
            match self.resume_halted(desk, run) {
                Ok(()) => tracing::info!(%run, deaths, "taken up again"),
                Err(refusal) => tracing::warn!(%run, "not taken up again: {}", refusal.message),
            }
        }
    }

    /// The run is gone, or its reader has decided about it.
    pub(super) fn forget_cut_off(&self, run: RunId) {
        lock(&self.cut_off).forget(run);
    }
}
