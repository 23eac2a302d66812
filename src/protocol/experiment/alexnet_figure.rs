//! Krizhevsky's Figure 1 from its digitised points, and the ratio of epochs.
//!
//! It shows: training error by epoch. It finds: `alexnet.epochs.relu`, `alexnet.epochs.tanh`, `alexnet.ratio`.

use super::{Effort, Settings};
use crate::SpecError;
use crate::limits::within;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlexnetFigure {
    /// The training error to reach, in percent.
    pub target: f64,
}

impl Default for AlexnetFigure {
    fn default() -> Self {
        Self { target: 25.0 }
    }
}

impl Settings for AlexnetFigure {
    fn check(&self) -> Result<(), SpecError> {
        within("target", self.target, 25.0, 75.0)
    }

    fn seconds(&self, _: Effort) -> f64 {
        0.1
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &["alexnet.epochs.*", "alexnet.ratio"]
    }
}
