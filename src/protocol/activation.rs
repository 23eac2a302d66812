//! The activation functions that the notebook knows, by name.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An elementwise activation function; `learn::activation` computes it, lessons and specs name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    Relu,
    Tanh,
    Sigmoid,
    Softplus,
    /// Slope 0.01 on the negative side (Maas 2013).
    Leaky,
    Elu,
    Gelu,
    Silu,
    Linear,
}

impl Activation {
    pub const ALL: [Self; 9] = [
        Self::Relu,
        Self::Tanh,
        Self::Sigmoid,
        Self::Softplus,
        Self::Leaky,
        Self::Elu,
        Self::Gelu,
        Self::Silu,
        Self::Linear,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Softplus => "softplus",
            Self::Leaky => "leaky",
            Self::Elu => "elu",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
            Self::Linear => "linear",
        }
    }

    /// The name as running text shows it: `ReLU`, `Tanh`, ...
    pub fn title(self) -> &'static str {
        match self {
            Self::Relu => "ReLU",
            Self::Tanh => "Tanh",
            Self::Sigmoid => "Sigmoid",
            Self::Softplus => "Softplus",
            Self::Leaky => "Leaky",
            Self::Elu => "ELU",
            Self::Gelu => "GELU",
            Self::Silu => "SiLU",
            Self::Linear => "Linear",
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Activation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|a| a.name() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("unknown activation `{text}`; known are {known}")
        })
    }
}
