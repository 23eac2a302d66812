//! What a cell asks the kernel to measure, and what it gets back.

use super::{Activation, Figure, Finding, SpecError};
use serde::{Deserialize, Serialize};

/// How long the reader is ready to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effort {
    /// Under a minute on two cores.
    #[default]
    Quick,
    /// The setting whose numbers may stand beside the paper's; the cell says beforehand how long it takes.
    Full,
}

/// How weights are drawn; n is the layer's inputs, m its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// Uniform in +-1/sqrt(n).
    Standard,
    /// Uniform in +-sqrt(6/(n+m)) (Glorot and Bengio 2010).
    Xavier,
    /// Normal with variance 2/n (He et al. 2015).
    He,
    /// Orthonormal rows or columns (Saxe et al. 2013).
    Orthogonal,
}

impl Init {
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Xavier => "xavier",
            Self::He => "he",
            Self::Orthogonal => "orthogonal",
        }
    }
}

/// One experiment with its settings. The tag is the name that lessons use; an unknown key is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "experiment", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Experiment {
    /// Curves and derivatives of activations by LibTorch's autograd.
    Curves {
        #[serde(default = "four")]
        activations: Vec<Activation>,
        #[serde(default = "minus_four")]
        from: f64,
        #[serde(default = "plus_four")]
        to: f64,
    },
    /// The leaky integrate-and-fire neuron, simulated and counted, with ReLU and softplus fitted to its rate.
    Lif {
        /// Current of the drawn trace, nA.
        #[serde(default = "one")]
        current: f64,
        /// Simulated time for each counted rate, ms.
        #[serde(default = "three_seconds")]
        milliseconds: f64,
    },
    /// Zeros and active units per hidden layer at initialisation, on real digits.
    ActiveFraction {
        #[serde(default = "four")]
        activations: Vec<Activation>,
        /// Units of each of the three hidden layers.
        #[serde(default = "thousand")]
        width: u32,
        #[serde(default = "thousand")]
        images: u32,
    },
    /// RMS of the loss's gradient at each layer of a network before training.
    GradientDepth {
        #[serde(default = "four")]
        activations: Vec<Activation>,
        #[serde(default = "inits")]
        inits: Vec<Init>,
        /// Hidden layers.
        #[serde(default = "twenty")]
        depth: u32,
        #[serde(default = "batch")]
        width: u32,
        #[serde(default = "batch")]
        images: u32,
    },
    /// Every way to write a ReLU: value and gradient at and around 0, and how reductions share a tie.
    ReluForms {},
    /// Krizhevsky's Figure 1 from its digitised points, and the ratio of epochs.
    AlexnetFigure {
        /// Training error to reach, percent.
        #[serde(default = "quarter")]
        target: f64,
    },
}

fn four() -> Vec<Activation> {
    vec![Activation::Sigmoid, Activation::Tanh, Activation::Softplus, Activation::Relu]
}
fn inits() -> Vec<Init> {
    vec![Init::Standard, Init::Xavier, Init::He, Init::Orthogonal]
}
fn minus_four() -> f64 {
    -4.0
}
fn plus_four() -> f64 {
    4.0
}
fn one() -> f64 {
    1.0
}
fn three_seconds() -> f64 {
    3000.0
}
fn thousand() -> u32 {
    1000
}
fn twenty() -> u32 {
    20
}
fn batch() -> u32 {
    256
}
fn quarter() -> f64 {
    25.0
}

/// An experiment, how thoroughly, and from which seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentSpec {
    #[serde(flatten)]
    pub experiment: Experiment,
    #[serde(default)]
    pub effort: Effort,
    #[serde(default = "seed_one")]
    pub seeds: Vec<u64>,
}

fn seed_one() -> Vec<u64> {
    vec![1]
}

impl ExperimentSpec {
    /// Checks every setting.
    ///
    /// # Errors
    /// The first setting that can't be, with the remedy.
    pub fn check(&self) -> Result<(), SpecError> {
        let refuse = |field, message: String| Err(SpecError { field, message });
        let within = |field, value: u32, low: u32, high: u32| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                refuse(field, format!("{value} is out of range; take {low} to {high}"))
            }
        };
        let between = |field, value: f64, low: f64, high: f64| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                refuse(field, format!("{value} is out of range; take {low} to {high}"))
            }
        };
        let some = |activations: &[Activation]| {
            if activations.is_empty() {
                return refuse("activations", "none given; take for example [\"tanh\", \"relu\"]".into());
            }
            Ok(())
        };
        if self.seeds.is_empty() || self.seeds.len() > 32 {
            return refuse("seeds", format!("{} given; take 1 to 32", self.seeds.len()));
        }
        match &self.experiment {
            Experiment::Curves { activations, from, to } => {
                some(activations)?;
                between("from", *from, -100.0, 100.0)?;
                between("to", *to, -100.0, 100.0)?;
                if from >= to {
                    return refuse("from", format!("{from} is not below `to`, {to}"));
                }
                Ok(())
            }
            Experiment::Lif { current, milliseconds } => {
                between("current", *current, -1.0, 10.0)?;
                between("milliseconds", *milliseconds, 100.0, 60_000.0)
            }
            Experiment::ActiveFraction { activations, width, images } => {
                some(activations)?;
                within("width", *width, 1, 4096)?;
                within("images", *images, 1, 10_000)
            }
            Experiment::GradientDepth { activations, inits, depth, width, images } => {
                some(activations)?;
                if inits.is_empty() {
                    return refuse("inits", "none given; take for example [\"xavier\", \"he\"]".into());
                }
                within("depth", *depth, 2, 100)?;
                within("width", *width, 1, 2048)?;
                within("images", *images, 1, 10_000)
            }
            Experiment::ReluForms {} => Ok(()),
            Experiment::AlexnetFigure { target } => between("target", *target, 25.0, 75.0),
        }
    }
}

/// What an experiment measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub figures: Vec<Figure>,
    pub findings: Vec<Finding>,
    /// Wall time of the measurement.
    pub seconds: f64,
}
