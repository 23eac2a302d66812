//! Sparse coding with two atoms in a plane, step by step.
//!
//! It shows: both coefficients by step; their plane; table. It finds: `two-atoms.first`, `two-atoms.second`,
//! `two-atoms.silenced`.

use super::{Effort, Settings};
use crate::SpecError;
use crate::limits::within;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TwoAtoms {
    /// The two atoms, each of length 1.
    pub atoms: [[f64; 2]; 2],
    /// The vector to be coded.
    pub patch: [f64; 2],
    /// The price of a coefficient.
    pub price: f64,
    pub steps: u32,
}

impl Default for TwoAtoms {
    fn default() -> Self {
        Self { atoms: [[1.0, 0.0], [0.6, 0.8]], patch: [1.0, 0.1], price: 0.4, steps: 12 }
    }
}

impl Settings for TwoAtoms {
    fn check(&self) -> Result<(), SpecError> {
        for [x, y] in self.atoms {
            if (x.hypot(y) - 1.0).abs() > 1e-6 {
                let message = format!("[{x}, {y}] has the length {:.3}; take one of length 1", x.hypot(y));
                return Err(SpecError { field: "atoms", message });
            }
        }
        self.patch.iter().try_for_each(|value| within("patch", *value, -10.0, 10.0))?;
        within("price", self.price, 0.001, 10.0)?;
        within("steps", self.steps, 1, 100)
    }

    fn seconds(&self, _: Effort) -> f64 {
        0.1
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &["two-atoms.first", "two-atoms.second", "two-atoms.silenced"]
    }
}
