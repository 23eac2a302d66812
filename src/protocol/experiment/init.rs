//! How a network's weights are drawn.

use serde::{Deserialize, Serialize};

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
    /// The name as running text shows it: two of the rules bear their authors' names.
    pub fn title(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Xavier => "Xavier",
            Self::He => "He",
            Self::Orthogonal => "orthogonal",
        }
    }
}
