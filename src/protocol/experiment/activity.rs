//! Which hidden units respond to which digits, and how many.
//!
//! It shows: digits by the units they wake; units by class; overlaps. It finds: `activity.W.P`, `W` being `on`,
//! `varies`, `chance`, `ink`, `same`, `other`, `classes`, `patterns`, `never`, `P` `plain`, `l1` (`l1.PENALTY` where
//! there are several).

use super::{Effort, Settings};
use crate::SpecError;
use crate::limits::{some, within};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Activity {
    /// Weights of the L1 penalty on activity, one network each.
    pub penalties: Vec<f64>,
    /// Units of each of the two hidden layers; the second is examined.
    pub width: u32,
    /// Training images; `Effort::Full` takes 50,000.
    pub images: u32,
    pub epochs: u32,
}

impl Default for Activity {
    fn default() -> Self {
        Self { penalties: vec![0.0, 4e-3], width: 256, images: 10_000, epochs: 8 }
    }
}

impl Activity {
    pub fn images(&self, effort: Effort) -> u32 {
        if effort == Effort::Full { 50_000 } else { self.images }
    }
}

impl Settings for Activity {
    fn check(&self) -> Result<(), SpecError> {
        some("penalties", &self.penalties, "[0.0, 1e-3]")?;
        self.penalties.iter().try_for_each(|penalty| within("penalties", *penalty, 0.0, 1.0))?;
        within("width", self.width, 10, 2000)?;
        within("images", self.images, 100, 60_000)?;
        within("epochs", self.epochs, 1, 100)
    }

    fn seconds(&self, effort: Effort) -> f64 {
        let share = f64::from(self.images(effort)) * f64::from(self.epochs) / 80_000.0;
        SECONDS * share * f64::from(self.width) / 256.0 * self.penalties.len() as f64
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &[
            "activity.on.*",
            "activity.varies.*",
            "activity.chance.*",
            "activity.ink.*",
            "activity.same.*",
            "activity.other.*",
            "activity.classes.*",
            "activity.patterns.*",
            "activity.never.*",
        ]
    }
}

/// For one network of the default setting, with two training at once.
const SECONDS: f64 = 2.0;
