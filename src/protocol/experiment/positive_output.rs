//! An output that must be positive, made so by the exponential, by softplus and by the rectifier, and trained at many
//! rates.
//!
//! It shows: the loss after the last step against the learning rate; table. It finds: `positive-output.rate.G`, the largest
//! rate that learned, and `positive-output.loss.G`, the lowest loss, `G` being `exponential`, `softplus`, `relu`;
//! `positive-output.times`, softplus's rate over the exponential's.

use super::{Effort, Settings};
use crate::SpecError;
use crate::limits::within;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PositiveOutput {
    /// Training images; every step uses all of them.
    pub images: u32,
    pub steps: u32,
    /// The target for a digit with the mean amount of ink.
    pub target: f64,
}

impl Default for PositiveOutput {
    fn default() -> Self {
        Self { images: 1000, steps: 100, target: 5.0 }
    }
}

impl Settings for PositiveOutput {
    fn check(&self) -> Result<(), SpecError> {
        within("images", self.images, 50, 50_000)?;
        within("steps", self.steps, 1, 10_000)?;
        within("target", self.target, 0.1, 100.0)
    }

    fn seconds(&self, _: Effort) -> f64 {
        5.0 * f64::from(self.images) / 1000.0 * f64::from(self.steps) / 100.0
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &["positive-output.rate.*", "positive-output.loss.*", "positive-output.times"]
    }
}
