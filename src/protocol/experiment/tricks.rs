//! What each training trick contributes: the plain network against the same network with one trick, for each
//! activation.
//!
//! It shows: of each activation: test error by epoch; bars of the gains; table. It finds: `tricks.error.A.T`,
//! `tricks.gain.A.T`, `T` being `plain`, `together` or a trick's name; `tricks.sum.A`, `tricks.share.A`;
//! `tricks.camp.A.descent`, `tricks.camp.A.new-digits`.

use super::{Effort, Settings};
use crate::limits::{some, some_activations, within};
use crate::{Activation, SpecError};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trick {
    /// 0.9 (Polyak 1964).
    Momentum,
    /// Falls by an equal step after each epoch, on a line from twice the learning rate before the first epoch to 0
    /// after the last.
    Schedule,
    /// An L2 penalty of 1e-4 on every weight.
    WeightDecay,
    /// Each hidden output is zeroed with probability 1/4 in training (Srivastava et al. 2014).
    Dropout,
    /// The activation's own rule for the initial weights (He's for a rectifier, else Xavier's) instead of the older
    /// +-1/sqrt(n).
    Initialisation,
    /// Ioffe and Szegedy 2015, before every activation.
    BatchNorm,
    /// Pixels standardised to mean 0 and variance 1 over the training set.
    InputNorm,
    /// Every digit is shifted by up to two pixels each time it is seen.
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

    /// The aim that the trick serves; `None` for the schedule, which serves both at the end of training.
    pub fn aim(self) -> Option<Aim> {
        match self {
            Self::Momentum | Self::Initialisation | Self::BatchNorm | Self::InputNorm => Some(Aim::Descent),
            Self::WeightDecay | Self::Dropout | Self::Augmentation => Some(Aim::NewDigits),
            Self::Schedule => None,
        }
    }
}

/// What a trick is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// A faster descent.
    Descent,
    /// Fewer errors on digits outside of the training set.
    NewDigits,
}

impl Aim {
    pub const ALL: [Self; 2] = [Self::Descent, Self::NewDigits];

    pub fn name(self) -> &'static str {
        match self {
            Self::Descent => "descent",
            Self::NewDigits => "new-digits",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[allow(clippy::struct_field_names)]
pub struct Tricks {
    pub activations: Vec<Activation>,
    pub tricks: Vec<Trick>,
    /// Units of each of the two hidden layers.
    pub width: u32,
    /// Training images. `Effort::Full` takes 50,000, unless the setting has fewer than 10,000 and so is about few
    /// digits.
    pub images: u32,
    pub epochs: u32,
    pub learning_rate: f64,
}

impl Default for Tricks {
    fn default() -> Self {
        let activations = vec![Activation::Relu];
        Self { activations, tricks: Trick::ALL.to_vec(), width: 300, images: 10_000, epochs: 5, learning_rate: 0.05 }
    }
}

impl Tricks {
    pub fn images(&self, effort: Effort) -> u32 {
        if effort == Effort::Full && self.images >= 10_000 { 50_000 } else { self.images }
    }

    /// Epochs between two evaluations on the test digits, so that there are ten at most. The last epoch is always
    /// evaluated.
    pub fn every(&self) -> u32 {
        self.epochs.div_ceil(10)
    }
}

impl Settings for Tricks {
    fn check(&self) -> Result<(), SpecError> {
        some_activations(&self.activations)?;
        within("activations", self.activations.len(), 1, 4)?;
        some("tricks", &self.tricks, "[\"momentum\", \"dropout\"]")?;
        within("width", self.width, 10, 2000)?;
        within("images", self.images, 100, 60_000)?;
        within("epochs", self.epochs, 1, 100)?;
        within("learning-rate", self.learning_rate, 1e-5, 10.0)
    }

    fn seconds(&self, effort: Effort) -> f64 {
        let trained = f64::from(self.images(effort)) * f64::from(self.epochs) / 50_000.0;
        let looked_at = f64::from(self.epochs.div_ceil(self.every())) / 5.0;
        let networks = (self.activations.len() * (self.tricks.len() + 2)) as f64;
        SECONDS * (0.75 * trained + 0.25 * looked_at) * f64::from(self.width) / 300.0 * networks
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &["tricks.error.*", "tricks.gain.*", "tricks.sum.*", "tricks.share.*", "tricks.camp.*"]
    }
}

/// For one network of the default setting, with two training at once.
const SECONDS: f64 = 1.4;
