//! A deep network in training, for several activations and initial weights.

use super::limits::{some, within};
use super::{Effort, Init, Settings};
use crate::protocol::{Activation, SpecError};
use serde::{Deserialize, Serialize};

/// One way to build the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeepCase {
    pub activation: Activation,
    pub init: Init,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeepTraining {
    pub cases: Vec<DeepCase>,
    /// Hidden layers.
    pub depth: u32,
    /// Units of each.
    pub width: u32,
    /// Each case is trained at each of them; the one with the lowest training loss counts.
    pub learning_rates: Vec<f64>,
    /// Training images; four times as many with full effort.
    pub images: u32,
    /// Twice as many with full effort.
    pub epochs: u32,
}

impl Default for DeepTraining {
    fn default() -> Self {
        let cases = [
            (Activation::Sigmoid, Init::Standard),
            (Activation::Tanh, Init::Standard),
            (Activation::Relu, Init::Standard),
            (Activation::Relu, Init::He),
            (Activation::Tanh, Init::Xavier),
            (Activation::Tanh, Init::Orthogonal),
        ];
        Self {
            cases: cases.map(|(activation, init)| DeepCase { activation, init }).to_vec(),
            depth: 15,
            width: 100,
            learning_rates: vec![0.03, 0.1],
            images: 10_000,
            epochs: 8,
        }
    }
}

impl DeepTraining {
    /// Training images and epochs.
    pub fn amount(&self, effort: Effort) -> (u32, u32) {
        match effort {
            Effort::Quick => (self.images, self.epochs),
            Effort::Full => ((4 * self.images).min(50_000), 2 * self.epochs),
        }
    }
}

impl Settings for DeepTraining {
    fn check(&self) -> Result<(), SpecError> {
        some("cases", &self.cases, "[{ activation = \"relu\", init = \"he\" }]")?;
        within("cases", self.cases.len(), 1, 12)?;
        within("depth", self.depth, 1, 50)?;
        within("width", self.width, 1, 1024)?;
        some("learning-rates", &self.learning_rates, "[0.03, 0.1]")?;
        within("learning-rates", self.learning_rates.len(), 1, 8)?;
        self.learning_rates.iter().try_for_each(|&rate| within("learning-rates", rate, 1e-6, 10.0))?;
        within("images", self.images, 50, 50_000)?;
        within("epochs", self.epochs, 1, 100)
    }

    fn seconds(&self, effort: Effort) -> f64 {
        let (images, epochs) = self.amount(effort);
        let networks = (self.cases.len() * self.learning_rates.len()) as f64;
        // Of a core, for an image and a layer of up to 100 units.
        let layer = 2.5e-6 * (f64::from(self.width) / 100.0).max(1.0);
        networks * f64::from(images) * f64::from(epochs) * f64::from(self.depth + 1) * layer / 2.0
    }
}
