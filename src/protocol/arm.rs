//! An arm of a race, and a lane: one arm with one seed.

use super::Activation;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// One competitor: the activation of the convolutions, then of the fully connected layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arm {
    pub conv: Activation,
    pub fc: Activation,
}

impl Arm {
    pub const RELU_TANH: Self = Self { conv: Activation::Relu, fc: Activation::Tanh };
    pub const ALL_TANH: Self = Self { conv: Activation::Tanh, fc: Activation::Tanh };

    /// As running text shows it: `ReLU+Tanh`, `all-Tanh`.
    pub fn title(self) -> String {
        if self.conv == self.fc {
            format!("all-{}", self.conv.title())
        } else {
            format!("{}+{}", self.conv.title(), self.fc.title())
        }
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL_TANH { f.pad("all-tanh") } else { f.pad(&format!("{}-{}", self.conv, self.fc)) }
    }
}

impl FromStr for Arm {
    type Err = String;

    /// `relu-tanh`, `softplus-tanh`, ...; `all-X` stands for `X-X`.
    fn from_str(text: &str) -> Result<Self, String> {
        let explain = |why: String| {
            format!(
                "unknown arm `{text}`: {why}. An arm is CONV-FC, for example relu-tanh, or all-X, for example all-tanh"
            )
        };
        let (conv, fc) = text.split_once('-').ok_or_else(|| explain("it has no `-`".into()))?;
        let fc: Activation = fc.parse().map_err(explain)?;
        let conv = if conv == "all" { fc } else { conv.parse().map_err(explain)? };
        Ok(Self { conv, fc })
    }
}

impl TryFrom<String> for Arm {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Arm> for String {
    fn from(arm: Arm) -> Self {
        arm.to_string()
    }
}

/// One arm trained from one seed: what has a curve, a checkpoint folder and a core of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lane {
    pub arm: Arm,
    pub seed: u64,
}

impl Lane {
    /// As running text shows it: `ReLU+Tanh s1`.
    pub fn title(self) -> String {
        format!("{} s{}", self.arm.title(), self.seed)
    }
}

impl fmt::Display for Lane {
    /// `relu-tanh-s1`, which is also the name of its checkpoint folder.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-s{}", self.arm, self.seed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_read_back_as_they_print() {
        for text in ["relu-tanh", "all-tanh", "softplus-tanh", "relu-relu"] {
            assert_eq!(text.parse::<Arm>().unwrap().to_string(), text);
        }
        assert_eq!("tanh-tanh".parse::<Arm>().unwrap(), Arm::ALL_TANH);
        assert_eq!("all-relu".parse::<Arm>().unwrap().to_string(), "relu-relu");
        assert_eq!(Arm::RELU_TANH.title(), "ReLU+Tanh");
        assert_eq!(Arm::ALL_TANH.title(), "all-Tanh");
    }

    #[test]
    fn an_unknown_arm_is_named_with_the_remedy() {
        for text in ["relu", "", "relu-", "-tanh", "bogus-tanh", "relu-tanh-x", "Relu-Tanh"] {
            let error = text.parse::<Arm>().unwrap_err();
            assert!(error.contains(&format!("`{text}`")) && error.contains("relu-tanh"), "{error}");
        }
    }
}
