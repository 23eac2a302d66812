//! Unsupervised pre-training against none, for each activation and number of labels.
//!
//! It shows: table beside the paper's Table 1; error by labels. It finds: `pretraining.error.A.without.LABELS`,
//! `pretraining.error.A.with.LABELS`, `pretraining.gain.A.LABELS`.

use super::{Effort, Settings};
use crate::limits::{some, some_activations, within};
use crate::{Activation, SpecError};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pretraining {
    pub activations: Vec<Activation>,
    /// Numbers of labelled digits, one network for each, fewest first.
    pub labels: Vec<u32>,
    /// Unlabelled digits for the autoencoders; `Effort::Full` takes 50,000.
    pub unlabelled: u32,
    /// Epochs of each autoencoder; `Effort::Full` takes 5.
    pub epochs: u32,
    /// Units of each of the three hidden layers.
    pub width: u32,
}

impl Default for Pretraining {
    fn default() -> Self {
        let activations = vec![Activation::Relu, Activation::Tanh, Activation::Softplus];
        Self { activations, labels: vec![100, 1000, 10_000], unlabelled: 10_000, epochs: 3, width: 256 }
    }
}

impl Pretraining {
    pub fn unlabelled(&self, effort: Effort) -> u32 {
        if effort == Effort::Full { 50_000 } else { self.unlabelled }
    }

    pub fn epochs(&self, effort: Effort) -> u32 {
        if effort == Effort::Full { self.epochs.max(5) } else { self.epochs }
    }
}

impl Settings for Pretraining {
    fn check(&self) -> Result<(), SpecError> {
        some_activations(&self.activations)?;
        some("labels", &self.labels, "[100, 1000]")?;
        self.labels.iter().try_for_each(|labels| within("labels", *labels, 10, 50_000))?;
        within("unlabelled", self.unlabelled, 100, 50_000)?;
        within("epochs", self.epochs, 1, 100)?;
        within("width", self.width, 10, 2000)
    }

    fn seconds(&self, effort: Effort) -> f64 {
        let width = f64::from(self.width) / 256.0;
        let seen = f64::from(self.unlabelled(effort)) * f64::from(self.epochs(effort)) / 30_000.0;
        let labels: u32 = self.labels.iter().sum();
        let tuned = f64::from(labels) / 11_100.0;
        self.activations.len() as f64 * width * (AUTOENCODERS * seen + TUNING * tuned)
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &["pretraining.error.*.without.*", "pretraining.error.*.with.*", "pretraining.gain.*"]
    }
}

/// For one activation at the default setting, with two networks training at once.
const AUTOENCODERS: f64 = 2.5;
const TUNING: f64 = 6.0;
