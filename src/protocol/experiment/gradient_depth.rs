//! RMS of the loss's gradient at each layer of a network before training.
//!
//! It shows: RMS per layer, one plot an initialisation; table. It finds: `gradient.ratio.A.I`.

use super::{Effort, Init, Settings};
use crate::limits::{four, some, some_activations, within};
use crate::{Activation, SpecError};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GradientDepth {
    pub activations: Vec<Activation>,
    pub inits: Vec<Init>,
    /// Hidden layers.
    pub depth: u32,
    pub width: u32,
    pub images: u32,
}

impl Default for GradientDepth {
    fn default() -> Self {
        let inits = vec![Init::Standard, Init::Xavier, Init::He, Init::Orthogonal];
        Self { activations: four(), inits, depth: 20, width: 256, images: 256 }
    }
}

impl Settings for GradientDepth {
    fn check(&self) -> Result<(), SpecError> {
        some_activations(&self.activations)?;
        some("inits", &self.inits, "[\"xavier\", \"he\"]")?;
        within("depth", self.depth, 2, 100)?;
        within("width", self.width, 1, 2048)?;
        within("images", self.images, 1, 10_000)
    }

    fn seconds(&self, _: Effort) -> f64 {
        3.0
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &["gradient.ratio.*"]
    }
}
