//! Sparse coding of patches of digits, and its relation to the rectifier.

use super::limits::within;
use super::{Effort, Settings};
use crate::SpecError;
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
}

/// Codes without negative coefficients, step by step: each step is a layer of rectifiers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ista {
    pub atoms: u32,
    /// Prices of a coefficient; the dictionary is learned with the first.
    pub prices: Vec<f64>,
    /// Batches that the dictionary is learned from.
    pub batches: u32,
    /// Patches that are coded.
    pub patches: u32,
}

impl Default for Ista {
    fn default() -> Self {
        Self { atoms: 64, prices: vec![0.3, 0.1, 0.6], batches: 300, patches: 500 }
    }
}

impl Settings for Ista {
    fn check(&self) -> Result<(), SpecError> {
        within("atoms", self.atoms, 8, 256)?;
        super::limits::some("prices", &self.prices, "[0.3, 0.1]")?;
        self.prices.iter().try_for_each(|price| within("prices", *price, 0.001, 2.0))?;
        within("batches", self.batches, 1, 20_000)?;
        within("patches", self.patches, 10, 10_000)
    }

    fn seconds(&self, _: Effort) -> f64 {
        LEARNING * f64::from(self.batches) / 600.0 * f64::from(self.atoms) / 64.0 + 1.0
    }
}

/// A dictionary at the default setting, on one core of 2.6 GHz with AVX-512.
const LEARNING: f64 = 4.0;
