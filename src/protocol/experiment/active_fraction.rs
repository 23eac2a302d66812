//! Zeros and active units per hidden layer at initialisation, on real digits.
//!
//! It shows: zeros per layer; table. It finds: `sparsity.zeros.A`, `sparsity.active.A`, `sparsity.mean.A`.

use super::{Effort, Settings};
use crate::limits::{four, some_activations, within};
use crate::{Activation, SpecError};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ActiveFraction {
    pub activations: Vec<Activation>,
    /// Units of each of the three hidden layers.
    pub width: u32,
    pub images: u32,
}

impl Default for ActiveFraction {
    fn default() -> Self {
        Self { activations: four(), width: 1000, images: 1000 }
    }
}

impl Settings for ActiveFraction {
    fn check(&self) -> Result<(), SpecError> {
        some_activations(&self.activations)?;
        within("width", self.width, 1, 4096)?;
        within("images", self.images, 1, 10_000)
    }

    fn seconds(&self, _: Effort) -> f64 {
        1.0
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &["sparsity.zeros.*", "sparsity.active.*", "sparsity.mean.*"]
    }
}
