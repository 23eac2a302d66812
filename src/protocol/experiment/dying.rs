//! Units that no image activates any more, counted while a network trains.
//!
//! It shows: silent units by epoch; table. It finds: `dying.dead.A.RATE`, `dying.revived.A.RATE`,
//! `dying.error.A.RATE`; with a bias `dying.low-bias.dead.A.RATE` and so on.

use super::{Effort, Settings};
use crate::SpecError;
use crate::limits::{some, within};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dying {
    /// Learning rates of plain gradient descent.
    pub rates: Vec<f64>,
    /// The initial bias of every hidden unit. A bias well below 0 silences many units.
    pub bias: f64,
    /// Units of each of the two hidden layers.
    pub width: u32,
    pub images: u32,
    pub epochs: u32,
}

impl Default for Dying {
    fn default() -> Self {
        Self { rates: vec![0.2, 0.4, 0.6], bias: 0.0, width: 100, images: 10_000, epochs: 10 }
    }
}

impl Settings for Dying {
    fn check(&self) -> Result<(), SpecError> {
        some("rates", &self.rates, "[0.1, 1.0]")?;
        self.rates.iter().try_for_each(|rate| within("rates", *rate, 1e-4, 100.0))?;
        within("bias", self.bias, -100.0, 100.0)?;
        within("width", self.width, 10, 2000)?;
        within("images", self.images, 100, 60_000)?;
        within("epochs", self.epochs, 1, 100)
    }

    fn seconds(&self, _: Effort) -> f64 {
        let images = f64::from(self.images) * f64::from(self.epochs) / 100_000.0;
        SECONDS * images * f64::from(self.width) / 100.0 * self.rates.len() as f64
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        if self.bias == 0.0 {
            &["dying.dead.*", "dying.revived.*", "dying.error.*"]
        } else {
            &["dying.low-bias.dead.*", "dying.low-bias.revived.*", "dying.low-bias.error.*"]
        }
    }
}

/// For the two networks of one rate at the default setting.
const SECONDS: f64 = 2.0;
