//! The pre-activations of a convolutional network, layer by layer, before training and after, for two starts: the initial
//! weights, inputs and learning rate of cuda-convnet, and those of Glorot. On CIFAR-10, and where that is not there, on
//! MNIST.
//!
//! It shows: of each activation: RMS of the pre-activations by layer; training error by epoch; a table before training and
//! one after it. It finds, S being a start, A an activation, L `conv1`, `conv2`, `conv3` or `fc1`:
//! `conv-start.rms.S.A.L`, `conv-start.rms-end.S.A.L`: RMS of the pre-activations before training and after it;
//! `conv-start.error.S.A`: training error of the last epoch; `conv-start.gradient.S.A`: RMS of the gradient at conv1 over
//! that at fc1, before training; `conv-start.cifar10`, 1 if it was there, else 0.

use super::{Effort, Settings};
use crate::limits::{some, some_activations, within};
use crate::{Activation, Network, Preset, SpecError, Widths};
use serde::{Deserialize, Serialize};

/// Where a network begins: how its weights are drawn, how pixels become its inputs, and at which rates it learns. The
/// preset of a study describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkStart {
    CudaConvnet,
    Glorot,
}

impl NetworkStart {
    pub const ALL: [Self; 2] = [Self::CudaConvnet, Self::Glorot];

    /// The preset that describes it.
    pub fn preset(self) -> Preset {
        match self {
            Self::CudaConvnet => Preset::AlexnetFig1,
            Self::Glorot => Preset::CifarGlorot,
        }
    }

    /// The name in keys of findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::CudaConvnet => "cuda-convnet",
            Self::Glorot => "glorot",
        }
    }

    /// The name in running text.
    pub fn title(self) -> &'static str {
        match self {
            Self::CudaConvnet => "cuda-convnet",
            Self::Glorot => "Glorot",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConvStart {
    pub activations: Vec<Activation>,
    pub starts: Vec<NetworkStart>,
    /// Training images. `Effort::Full` takes 49,000.
    pub images: u32,
    /// `Effort::Full` takes six.
    pub epochs: u32,
    /// Maps of the three convolutions, and units of the fully connected layer. `Effort::Full` takes cuda-convnet's 32, 32,
    /// 64 and 64.
    pub widths: [u32; 4],
}

impl Default for ConvStart {
    fn default() -> Self {
        Self {
            activations: vec![Activation::Relu, Activation::Tanh],
            starts: NetworkStart::ALL.to_vec(),
            images: 4_000,
            epochs: 3,
            widths: [16, 16, 32, 32],
        }
    }
}

impl ConvStart {
    /// Images from the end of the training file, on which the layers are measured.
    pub const MEASURED: u32 = 500;

    /// Training images, epochs, and widths of the layers.
    pub fn sizes(&self, effort: Effort) -> (u32, u32, Widths) {
        let usual = Network::Convnet.default_widths();
        let widths = self.widths.into_iter().zip(usual.0);
        match effort {
            Effort::Quick => (self.images, self.epochs, Widths(self.widths.to_vec())),
            Effort::Full => {
                (self.images.max(49_000), self.epochs.max(6), Widths(widths.map(|(own, full)| own.max(full)).collect()))
            }
        }
    }
}

impl Settings for ConvStart {
    fn check(&self) -> Result<(), SpecError> {
        some_activations(&self.activations)?;
        within("activations", self.activations.len(), 1, 4)?;
        some("starts", &self.starts, "[\"cuda-convnet\", \"glorot\"]")?;
        within("starts", self.starts.len(), 1, 2)?;
        // A batch of the presets has 128 images.
        within("images", self.images, 128, 49_500)?;
        within("epochs", self.epochs, 1, 100)?;
        self.widths.iter().try_for_each(|&width| within("widths", width, 1, 256))
    }

    fn seconds(&self, effort: Effort) -> f64 {
        let (images, epochs, widths) = self.sizes(effort);
        let networks = (self.activations.len() * self.starts.len()) as f64;
        let multiply_adds = Network::Convnet.multiply_adds(&widths);
        let passes = f64::from(images) * f64::from(epochs) + 2.0 * f64::from(Self::MEASURED);
        networks * passes * (SECONDS_AN_IMAGE + SECONDS_A_MULTIPLY_ADD * multiply_adds) / 2.0
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &[
            "conv-start.rms.*",
            "conv-start.rms-end.*",
            "conv-start.error.*",
            "conv-start.gradient.*",
            "conv-start.cifar10",
        ]
    }
}

/// A training step's share of one image, on one core: a part that depends on the images alone, and a part that grows
/// with the network.
const SECONDS_AN_IMAGE: f64 = 5e-5;
const SECONDS_A_MULTIPLY_ADD: f64 = 2.5e-11;
