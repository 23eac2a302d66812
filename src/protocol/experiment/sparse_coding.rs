//! Sparse coding of patches of digits, and its relation to the rectifier.
//!
//! It shows: the dictionary; patches taken apart; principal components; sizes of coefficients; table. It finds:
//! `sparse-coding.nonzero`, `sparse-coding.snr`, `sparse-coding.snr.pca`, `sparse-coding.kurtosis.sparse`,
//! `sparse-coding.kurtosis.pca`.

use super::{Effort, Settings};
use crate::SpecError;
use crate::limits::within;
use serde::{Deserialize, Serialize};

/// A dictionary learned as Olshausen and Field learned theirs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SparseCoding {
    /// Columns of the dictionary.
    pub atoms: u32,
    /// The price of a coefficient.
    pub price: f64,
    /// Of 100 patches each.
    pub batches: u32,
    /// Steps of FISTA for each code.
    pub steps: u32,
}

impl Default for SparseCoding {
    fn default() -> Self {
        Self { atoms: 64, price: 0.3, batches: 600, steps: 50 }
    }
}

impl Settings for SparseCoding {
    fn check(&self) -> Result<(), SpecError> {
        within("atoms", self.atoms, 8, 256)?;
        within("price", self.price, 0.001, 2.0)?;
        within("batches", self.batches, 1, 20_000)?;
        within("steps", self.steps, 1, 1000)
    }

    fn seconds(&self, _: Effort) -> f64 {
        let work = f64::from(self.batches) / 600.0 * f64::from(self.steps) / 50.0 * f64::from(self.atoms) / 64.0;
        LEARNING * work
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &[
            "sparse-coding.nonzero",
            "sparse-coding.snr",
            "sparse-coding.snr.pca",
            "sparse-coding.kurtosis.sparse",
            "sparse-coding.kurtosis.pca",
        ]
    }
}

/// A dictionary at the default setting, on one core of 2.6 GHz with AVX-512.
pub(super) const LEARNING: f64 = 4.0;
