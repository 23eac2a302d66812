//! What a cell asks the kernel to measure, and what it gets back.

use super::{Activation, Figure, Finding};
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

/// One experiment with its settings. The tag is the name that lessons use; an unknown key is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "experiment", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Experiment {
    /// Curves and derivatives of activations by LibTorch's autograd.
    Curves { activations: Vec<Activation>, from: f64, to: f64 },
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

/// What an experiment measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub figures: Vec<Figure>,
    pub findings: Vec<Finding>,
    /// Wall time of the measurement.
    pub seconds: f64,
}
