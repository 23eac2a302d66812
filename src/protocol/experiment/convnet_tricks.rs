//! What the tricks of cuda-convnet's networks contribute on CIFAR-10: a plain network of convolutions against the same
//! network with one trick, for each activation. Where CIFAR-10 is not there, the same on MNIST with LeNet-4, without
//! flips.
//!
//! It shows: of each activation: training error by epoch, bars of the gains, table; then cuda-convnet's published errors.
//! It finds: `convnet-tricks.error.A.T`, `convnet-tricks.gain.A.T`, T being `plain`, `together` or a trick's name;
//! `convnet-tricks.sum.A`, `convnet-tricks.share.A`; `convnet-tricks.cifar10`, 1 if it was there, else 0.

use super::{Effort, Settings};
use crate::limits::{some_activations, within};
use crate::{Activation, SpecError};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConvnetTricks {
    pub activations: Vec<Activation>,
    /// Training images. `Effort::Full` takes 20,000.
    pub images: u32,
    /// `Effort::Full` takes forty.
    pub epochs: u32,
    /// Of the first two convolutions; the third is twice as wide. `Effort::Full` takes the 32 of cuda-convnet.
    pub maps: u32,
}

impl Default for ConvnetTricks {
    fn default() -> Self {
        Self { activations: vec![Activation::Relu, Activation::Tanh], images: 3_000, epochs: 8, maps: 12 }
    }
}

impl ConvnetTricks {
    /// Training images, epochs, and maps of the first two convolutions.
    pub fn sizes(&self, effort: Effort) -> [u32; 3] {
        match effort {
            Effort::Quick => [self.images, self.epochs, self.maps],
            Effort::Full => [self.images.max(20_000), self.epochs.max(40), self.maps.max(32)],
        }
    }
}

impl Settings for ConvnetTricks {
    fn check(&self) -> Result<(), SpecError> {
        some_activations(&self.activations)?;
        within("activations", self.activations.len(), 1, 4)?;
        within("images", self.images, 100, 45_000)?;
        within("epochs", self.epochs, 2, 200)?;
        within("maps", self.maps, 2, 64)
    }

    fn seconds(&self, effort: Effort) -> f64 {
        let [images, epochs, maps] = self.sizes(effort).map(f64::from);
        // An evaluation of the test images is a third of an epoch of as many training images.
        let seen = images * epochs + 3_300.0;
        // The first convolution's cost grows with its maps, that of the others with their square.
        let width = maps / 32.0;
        let image = SECONDS * (0.3 * width + 0.7 * width * width);
        NETWORKS * self.activations.len() as f64 * seen * image / 2.0
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &[
            "convnet-tricks.error.*",
            "convnet-tricks.gain.*",
            "convnet-tricks.sum.*",
            "convnet-tricks.share.*",
            "convnet-tricks.cifar10",
        ]
    }
}

/// Of each activation: plain, seven tricks, together.
const NETWORKS: f64 = 9.0;

/// One training step's share of one image, with 32 maps, on one core.
const SECONDS: f64 = 0.0008;
