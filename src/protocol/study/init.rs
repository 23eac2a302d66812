//! How a network's weights are drawn.

use super::super::{Parameter, format_real};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// How weights are drawn; n is the layer's inputs, m its outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Init {
    /// Uniform in +-1/sqrt(n).
    Standard,
    /// Uniform in +-sqrt(6/(n+m)) (Glorot and Bengio 2010).
    #[default]
    Xavier,
    /// Normal with variance 2/n (He et al. 2015).
    He,
    /// Normal with variance 1/n (`LeCun` et al. 1998).
    Lecun,
    /// Normal with this standard deviation.
    Normal(Parameter),
    /// Orthonormal rows or columns (Saxe et al. 2013).
    Orthogonal,
    /// Normal with the deviations of cuda-convnet's "80sec" network: 0.0001 in the first convolution, 0.01 in the others,
    /// 0.1 in fully connected layers.
    CudaConvnet,
}

impl Init {
    /// The rules of the literature without a number, which fit any network.
    pub const NAMED: [Self; 5] = [Self::Xavier, Self::He, Self::Lecun, Self::Orthogonal, Self::Standard];

    /// The name in keys of findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Xavier => "xavier",
            Self::He => "he",
            Self::Lecun => "lecun",
            Self::Normal(_) => "normal",
            Self::Orthogonal => "orthogonal",
            Self::CudaConvnet => "cuda-convnet",
        }
    }

    /// The name in running text; three of the rules are named after their authors.
    pub fn title(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Xavier => "Xavier",
            Self::He => "He",
            Self::Lecun => "LeCun",
            Self::Normal(_) => "normal",
            Self::Orthogonal => "orthogonal",
            Self::CudaConvnet => "cuda-convnet",
        }
    }
}

impl fmt::Display for Init {
    /// The name in studies: `glorot`, `he`, `lecun`, `normal(0.01)`, `orthogonal`, `uniform`,
    /// `cuda-convnet`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard => f.pad("uniform"),
            Self::Xavier => f.pad("glorot"),
            Self::Normal(deviation) => f.pad(&format!("normal({})", format_real(deviation.value()))),
            other => f.pad(other.name()),
        }
    }
}

impl FromStr for Init {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(number) = text.strip_prefix("normal(").and_then(|rest| rest.strip_suffix(')')) {
            return match number.trim().parse::<f64>() {
                Ok(value) if value > 0.0 && value <= 10.0 => Ok(Self::Normal(Parameter::new(value))),
                _ => Err(format!("`{text}`: the deviation is a number above 0, at most 10, as in normal(0.01)")),
            };
        }
        let named = Self::NAMED
            .into_iter()
            .chain([Self::CudaConvnet])
            .find(|init| init.to_string() == text || init.name() == text);
        named.ok_or_else(|| {
            format!(
                "unknown initialisation `{text}`; known are glorot, he, lecun, orthogonal, uniform, normal(0.01) and \
                 cuda-convnet"
            )
        })
    }
}

crate::stored_as_text::stored_as_text!(Init);
