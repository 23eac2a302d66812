//! Sparse codes without negative coefficients, step by step. Each step is a layer of rectifiers.
//!
//! It shows: a step unit by unit; units and cost by layers; table. It finds: `ista.gap`, `ista.settled.PRICE`,
//! `ista.agree.PRICE`, `ista.agree.rise`.

use super::sparse_coding::LEARNING;
use super::{Effort, Settings};
use crate::SpecError;
use crate::limits::{some, within};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ista {
    pub atoms: u32,
    /// Prices of a coefficient (the L1 penalty's weight). The dictionary is learned with the first.
    pub prices: Vec<f64>,
    /// Batches from which the dictionary is learned.
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
        some("prices", &self.prices, "[0.3, 0.1]")?;
        self.prices.iter().try_for_each(|price| within("prices", *price, 0.001, 2.0))?;
        within("batches", self.batches, 1, 20_000)?;
        within("patches", self.patches, 10, 10_000)
    }

    fn seconds(&self, _: Effort) -> f64 {
        LEARNING * f64::from(self.batches) / 600.0 * f64::from(self.atoms) / 64.0 + 1.0
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &["ista.gap", "ista.settled.*", "ista.agree.*"]
    }
}
