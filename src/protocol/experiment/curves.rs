//! Curves and derivatives of activations by LibTorch's autograd.
//!
//! It shows: values; derivatives. It finds: `curves.steepest.A`, `curves.ends.A`.

use super::{Effort, Settings};
use crate::limits::{four, some_activations, within};
use crate::{Activation, SpecError};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Curves {
    pub activations: Vec<Activation>,
    pub from: f64,
    pub to: f64,
}

impl Default for Curves {
    fn default() -> Self {
        Self { activations: four(), from: -4.0, to: 4.0 }
    }
}

impl Settings for Curves {
    fn check(&self) -> Result<(), SpecError> {
        some_activations(&self.activations)?;
        within("from", self.from, -100.0, 100.0)?;
        within("to", self.to, -100.0, 100.0)?;
        if self.from >= self.to {
            let message = format!("{} is not below `to`, {}", self.from, self.to);
            return Err(SpecError { field: "from", message });
        }
        Ok(())
    }

    fn seconds(&self, _: Effort) -> f64 {
        0.1
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &["curves.steepest.*", "curves.ends.*"]
    }
}
