//! What normalises the outputs of layers while a network computes.

use super::super::{Parameter, format_real};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Normalisation between layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Norm {
    #[default]
    None,
    /// Of the input of every activation, over the images of a batch, with a trained scale and shift (Ioffe and Szegedy
    /// 2015). Evaluations use running means and variances.
    Batch,
    /// Of each map by its neighbours, in front of every convolution but the first (Krizhevsky, Sutskever, Hinton 2012):
    /// divided by (1 + alpha mean(y^2))^0.75, with the mean over five maps. The parameter is alpha.
    Local(Parameter),
}

/// The alpha of cuda-convnet's 11 % network for CIFAR-10 (`layers-conv-local-11pct.cfg`: across maps, size 5, scale 0.001,
/// pow 0.75). It divides the scale by the size, as PyTorch does. AlexNet's own is 0.0001 times the sum, with 2 in place of
/// the 1.
const CUDA_CONVNET: f64 = 0.001;

impl fmt::Display for Norm {
    /// `none`, `batch`, `local`, `local(0.1)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.pad("none"),
            Self::Batch => f.pad("batch"),
            Self::Local(alpha) if *alpha == Parameter::new(CUDA_CONVNET) => f.pad("local"),
            Self::Local(alpha) => f.pad(&format!("local({})", format_real(alpha.value()))),
        }
    }
}

impl FromStr for Norm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(number) = text.strip_prefix("local(").and_then(|rest| rest.strip_suffix(')')) {
            return match number.trim().parse::<f64>() {
                Ok(value) if value > 0.0 && value <= 100.0 => Ok(Self::Local(Parameter::new(value))),
                _ => Err(format!("`{text}`: alpha is a number above 0, at most 100, as in local(0.001)")),
            };
        }
        match text {
            "none" => Ok(Self::None),
            "batch" => Ok(Self::Batch),
            "local" => Ok(Self::Local(Parameter::new(CUDA_CONVNET))),
            _ => Err(format!("unknown normalisation `{text}`; known are none, batch, local and local(0.1)")),
        }
    }
}

crate::stored_as_text::stored_as_text!(Norm);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_read_back_as_they_print() {
        for (text, printed) in [
            ("none", "none"),
            ("batch", "batch"),
            ("local", "local"),
            ("local(0.001)", "local"),
            ("local( 1e-1 )", "local(0.1)"),
        ] {
            assert_eq!(text.parse::<Norm>().unwrap().to_string(), printed);
        }
        for (text, word) in [("layer", "known are"), ("local(0)", "above 0"), ("local(nan)", "above 0"), ("", "known")]
        {
            let error = text.parse::<Norm>().unwrap_err();
            assert!(error.contains(&format!("`{text}`")) && error.contains(word), "{error}");
        }
    }
}
