//! How many hidden units are on a flat part of their activation, before and after training.
//!
//! It shows: pre-activations after training; table. It finds: `saturation.fresh.A`, `saturation.trained.A`.

use super::{Effort, Settings};
use crate::limits::{some_activations, within};
use crate::{Activation, SpecError};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Saturation {
    pub activations: Vec<Activation>,
    /// Units of each of the three hidden layers.
    pub width: u32,
    /// Training images.
    pub images: u32,
    pub epochs: u32,
}

impl Default for Saturation {
    fn default() -> Self {
        let activations = vec![Activation::Sigmoid, Activation::Tanh, Activation::Relu];
        Self { activations, width: 100, images: 10_000, epochs: 8 }
    }
}

impl Settings for Saturation {
    fn check(&self) -> Result<(), SpecError> {
        some_activations(&self.activations)?;
        within("width", self.width, 1, 1024)?;
        within("images", self.images, 50, 50_000)?;
        within("epochs", self.epochs, 1, 100)
    }

    fn seconds(&self, _: Effort) -> f64 {
        let layers = 4.0 * (f64::from(self.width) / 100.0).max(1.0);
        self.activations.len() as f64 * f64::from(self.images) * f64::from(self.epochs) * layers * 2.5e-6 / 2.0
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &["saturation.fresh.*", "saturation.trained.*"]
    }
}
