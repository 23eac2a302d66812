//! Work that a cell starts in the kernel, how long it takes, and whether to ask before it starts.

use crate::App;
use protocol::{CellKey, Estimate, ExperimentSpec, Study, Sweep};

/// Work that a cell starts in the kernel.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    Training(CellKey, Study),
    Experiment(CellKey, ExperimentSpec),
    /// The study of the laboratory.
    Lab(Study),
    /// A sweep of the laboratory, with the study whose arms are its cells.
    Sweep(Study, Sweep),
}

/// Work that takes longer than this, in seconds, needs a confirmation.
const LONG: f64 = 60.0;

/// A study of more images than this over all epochs and lanes needs a confirmation on the fastest machine too.
const MANY_IMAGES: u64 = 5_000_000;

impl App {
    /// How long work takes on this machine.
    pub fn estimate_of(&self, work: &Work) -> Estimate {
        match work {
            Work::Training(_, spec) | Work::Lab(spec) | Work::Sweep(spec, _) => self.training_estimate(spec),
            Work::Experiment(_, spec) => self.experiment_estimate(spec),
        }
    }

    pub(crate) fn is_long(&self, work: &Work) -> bool {
        let has_many_images = match work {
            Work::Training(_, spec) | Work::Lab(spec) | Work::Sweep(spec, _) => {
                let lanes = spec.lanes().len() as u64;
                lanes * u64::from(spec.epochs) * u64::from(spec.train_size) > MANY_IMAGES
            }
            Work::Experiment(..) => false,
        };
        has_many_images || self.estimate_of(work).seconds > LONG
    }
}
