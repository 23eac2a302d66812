//! Linear probes on pixels, on dense features and on sparse ones.
//!
//! It shows: test error of linear probes; error against zeros; table. It finds: `separability.error.F`,
//! `separability.train.F`, `separability.zeros.F`, `F` being `pixels`, `random.A`, `random.relu-80` (90, 97),
//! `trained.A.1`, `trained.A.2`.

use super::{Effort, Settings};
use crate::limits::{some_activations, within};
use crate::{Activation, SpecError};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Separability {
    /// Activations of the random and of the trained features.
    pub activations: Vec<Activation>,
    /// Random features, each a unit of a layer that is never trained.
    pub width: u32,
    /// Training images of networks and probes; `Effort::Full` takes 50,000.
    pub images: u32,
    /// Epochs of the probe, and of the networks whose features are trained.
    pub epochs: u32,
}

impl Default for Separability {
    fn default() -> Self {
        let activations = vec![Activation::Sigmoid, Activation::Tanh, Activation::Relu];
        Self { activations, width: 1000, images: 10_000, epochs: 10 }
    }
}

impl Separability {
    pub fn images(&self, effort: Effort) -> u32 {
        if effort == Effort::Full { 50_000 } else { self.images }
    }
}

impl Settings for Separability {
    fn check(&self) -> Result<(), SpecError> {
        some_activations(&self.activations)?;
        within("width", self.width, 10, 4096)?;
        within("images", self.images, 100, 60_000)?;
        within("epochs", self.epochs, 1, 200)
    }

    fn seconds(&self, effort: Effort) -> f64 {
        let share = f64::from(self.images(effort)) * f64::from(self.epochs) / 100_000.0;
        SECONDS * share * f64::from(self.width + 1000) / 2000.0
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &["separability.error.*", "separability.train.*", "separability.zeros.*"]
    }
}

/// For one seed at the default setting, on two cores of 2.6 GHz with AVX-512.
const SECONDS: f64 = 10.5;
