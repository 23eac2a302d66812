//! What activations cost: nanoseconds per element, and their share of a training step.
//!
//! It shows: bars of ns an element, in and out of the cache; tables. It finds: `activation-cost.ns.A`,
//! `activation-cost.times-relu.A`, `activation-cost.share.NET.A`.

use super::{Effort, Settings};
use crate::limits::{some_activations, within};
use crate::{Activation, SpecError};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ActivationCost {
    pub activations: Vec<Activation>,
    /// Elements of a tensor that fits into the second-level cache with its output and the gradients of both.
    pub small: u32,
    /// Elements of a tensor that does not fit.
    pub large: u32,
    /// How many rounds are timed. Each round times everything in turn.
    pub rounds: u32,
}

/// The activations of the lesson's table.
const ORDINARY: [Activation; 9] = [
    Activation::Relu,
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::Softplus,
    Activation::LEAKY,
    Activation::ELU,
    Activation::Gelu,
    Activation::Silu,
    Activation::Linear,
];

impl Default for ActivationCost {
    fn default() -> Self {
        Self { activations: ORDINARY.to_vec(), small: 32_768, large: 1_048_576, rounds: 15 }
    }
}

impl Settings for ActivationCost {
    fn check(&self) -> Result<(), SpecError> {
        some_activations(&self.activations)?;
        within("small", self.small, 1024, 1_048_576)?;
        within("large", self.large, 1024, 16_777_216)?;
        within("rounds", self.rounds, 3, 200)
    }

    fn seconds(&self, _: Effort) -> f64 {
        4.0
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &["activation-cost.ns.*", "activation-cost.times-relu.*", "activation-cost.share.*", "activation-cost.step.*"]
    }
}
