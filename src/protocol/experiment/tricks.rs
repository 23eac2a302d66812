//! What each training trick is worth: the plain network against the same network with one trick.

use super::limits::{some, within};
use super::{Effort, Settings};
use crate::protocol::SpecError;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trick {
    /// 0.9 (Polyak 1964).
    Momentum,
    /// Falls by equal steps, one an epoch, along the line from twice the learning rate before the first to 0 after the last.
    Schedule,
    /// A price of 1e-4 on every squared weight.
    WeightDecay,
    /// Each hidden output is silenced with probability 1/4 while training (Srivastava et al. 2014).
    Dropout,
    /// He's initial weights instead of the old +-1/sqrt(n).
    Initialisation,
    /// Ioffe and Szegedy 2015, before every activation.
    BatchNorm,
    /// Pixels with mean 0 and variance 1 over the training set.
    InputNorm,
    /// Every digit is moved by up to two pixels each time it is seen.
    Augmentation,
}

impl Trick {
    pub const ALL: [Self; 8] = [
        Self::Momentum,
        Self::Schedule,
        Self::WeightDecay,
        Self::Dropout,
        Self::Initialisation,
        Self::BatchNorm,
        Self::InputNorm,
        Self::Augmentation,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Momentum => "momentum",
            Self::Schedule => "schedule",
            Self::WeightDecay => "weight-decay",
            Self::Dropout => "dropout",
            Self::Initialisation => "initialisation",
            Self::BatchNorm => "batch-norm",
            Self::InputNorm => "input-norm",
            Self::Augmentation => "augmentation",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[allow(clippy::struct_field_names)]
pub struct Tricks {
    pub tricks: Vec<Trick>,
    /// Units of each of the two hidden layers.
    pub width: u32,
    /// Training images; `Effort::Full` takes 50,000.
    pub images: u32,
    pub epochs: u32,
    pub learning_rate: f64,
}

impl Default for Tricks {
    fn default() -> Self {
        Self { tricks: Trick::ALL.to_vec(), width: 300, images: 10_000, epochs: 5, learning_rate: 0.05 }
    }
}

impl Tricks {
    pub fn images(&self, effort: Effort) -> u32 {
        if effort == Effort::Full { 50_000 } else { self.images }
    }
}

impl Settings for Tricks {
    fn check(&self) -> Result<(), SpecError> {
        some("tricks", &self.tricks, "[\"momentum\", \"dropout\"]")?;
        within("width", self.width, 10, 2000)?;
        within("images", self.images, 100, 60_000)?;
        within("epochs", self.epochs, 1, 100)?;
        within("learning-rate", self.learning_rate, 1e-5, 10.0)
    }

    fn seconds(&self, effort: Effort) -> f64 {
        let images = f64::from(self.images(effort)) * f64::from(self.epochs) / 50_000.0;
        SECONDS * images * f64::from(self.width) / 300.0 * (self.tricks.len() + 2) as f64
    }
}

/// For one network of the default setting, two of them at once.
const SECONDS: f64 = 1.4;
