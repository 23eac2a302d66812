//! Rectifiers built from four operations: their values and slopes.
//!
//! It shows: values of what was built; slopes. It finds: `built-relu.pass`, `built-relu.count`, `built-relu.nan`,
//! `built-relu.at-zero.CHAIN`.

use super::{Effort, Settings};
use crate::SpecError;
use crate::limits::{some, within};
use serde::{Deserialize, Serialize};

/// One operation of a chain, on the value y so far and the input x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// |y|
    Abs,
    /// 1 where y > 0, else 0.
    Step,
    /// (y + x) / 2
    MeanX,
    /// y * x
    TimesX,
}

impl Operation {
    pub const ALL: [Self; 4] = [Self::Abs, Self::Step, Self::MeanX, Self::TimesX];

    pub fn name(self) -> &'static str {
        match self {
            Self::Abs => "abs",
            Self::Step => "step",
            Self::MeanX => "mean-x",
            Self::TimesX => "times-x",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BuiltRelu {
    /// The chains of operations to measure; the first operation applies to x itself.
    pub operations: Vec<Vec<Operation>>,
}

impl Default for BuiltRelu {
    /// All chains of two operations.
    fn default() -> Self {
        let pairs = Operation::ALL.iter().flat_map(|&a| Operation::ALL.iter().map(move |&b| vec![a, b]));
        Self { operations: pairs.collect() }
    }
}

impl Settings for BuiltRelu {
    fn check(&self) -> Result<(), SpecError> {
        let example = "[[\"abs\", \"mean-x\"]]";
        some("operations", &self.operations, example)?;
        within("operations", self.operations.len(), 1, 40)?;
        self.operations.iter().try_for_each(|chain| {
            some("operations", chain, example)?;
            within("operations", chain.len(), 1, 6)
        })
    }

    fn seconds(&self, _: Effort) -> f64 {
        0.1
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &["built-relu.pass", "built-relu.count", "built-relu.nan", "built-relu.at-zero.*"]
    }
}
