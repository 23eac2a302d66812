//! Test error against the share of zeros in the hidden layers, which come from a penalty on activity or are forced.
//!
//! It shows: test error against zeros; relative to the best, with the paper's Fig. 3; table. It finds:
//! `sparsity-error.W.best-zeros`, `sparsity-error.W.best-error`, `sparsity-error.W.below-ratio` (band, above,
//! far-above), `W` being `l1`, `forced`.

use super::{Effort, Settings};
use crate::SpecError;
use crate::limits::{some, within};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SparsityError {
    /// Weights of the L1 penalty on the hidden outputs, summed over units.
    pub penalties: Vec<f64>,
    /// Percent of zeros forced in every hidden layer for every image: only the largest outputs are kept.
    pub forced: Vec<f64>,
    /// Units of each of the three hidden layers.
    pub width: u32,
    /// Training images; `Effort::Full` takes 50,000.
    pub images: u32,
    /// `Effort::Full` takes twice as many.
    pub epochs: u32,
}

impl Default for SparsityError {
    fn default() -> Self {
        Self {
            penalties: vec![0.0, 2e-4, 1e-3, 2e-3, 4e-3, 6e-3, 1e-2, 2e-2, 4e-2, 8e-2],
            forced: vec![50.0, 70.0, 80.0, 85.0, 90.0, 95.0, 98.0],
            width: 300,
            images: 10_000,
            epochs: 6,
        }
    }
}

impl SparsityError {
    pub fn images(&self, effort: Effort) -> u32 {
        if effort == Effort::Full { 50_000 } else { self.images }
    }

    pub fn epochs(&self, effort: Effort) -> u32 {
        if effort == Effort::Full { 2 * self.epochs } else { self.epochs }
    }
}

impl Settings for SparsityError {
    fn check(&self) -> Result<(), SpecError> {
        some("penalties", &self.penalties, "[0.0, 1e-4, 1e-3]")?;
        some("forced", &self.forced, "[50.0, 90.0]")?;
        self.penalties.iter().try_for_each(|penalty| within("penalties", *penalty, 0.0, 1.0))?;
        self.forced.iter().try_for_each(|zeros| within("forced", *zeros, 0.0, 99.9))?;
        within("width", self.width, 10, 2000)?;
        within("images", self.images, 100, 60_000)?;
        within("epochs", self.epochs, 1, 100)
    }

    fn seconds(&self, effort: Effort) -> f64 {
        let images = f64::from(self.images(effort)) * f64::from(self.epochs(effort));
        let width = f64::from(self.width);
        let weights = 784.0 * width + 2.0 * width * width;
        SECONDS * images / 60_000.0 * weights / 415_200.0 * (self.penalties.len() + self.forced.len()) as f64
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &[
            "sparsity-error.*.best-zeros",
            "sparsity-error.*.best-error",
            "sparsity-error.*.below-ratio",
            "sparsity-error.*.band-ratio",
            "sparsity-error.*.above-ratio",
            "sparsity-error.*.far-above-ratio",
        ]
    }
}

/// For one network of the default setting, with two training at once.
const SECONDS: f64 = 1.7;
