//! The linear pieces of a small trained ReLU network.
//!
//! It shows: units and paths of three digits; weights of their pieces; logits along a line; a plane by piece and by
//! class. It finds: `linear-pieces.gap`, `linear-pieces.paths`, `linear-pieces.patterns`, `linear-pieces.switches`,
//! ....

use super::{Effort, Settings};
use crate::SpecError;
use crate::limits::within;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinearPieces {
    /// Units of each hidden layer.
    pub width: u32,
    /// Hidden layers.
    pub depth: u32,
    /// The digits whose first test images are used. A line leads from the first to the second, and a plane contains all
    /// three.
    pub digits: [u32; 3],
}

impl Default for LinearPieces {
    fn default() -> Self {
        Self { width: 32, depth: 2, digits: [3, 8, 0] }
    }
}

impl Settings for LinearPieces {
    fn check(&self) -> Result<(), SpecError> {
        within("width", self.width, 1, 256)?;
        within("depth", self.depth, 1, 6)?;
        self.digits.iter().try_for_each(|&digit| within("digits", digit, 0, 9))?;
        let [a, b, c] = self.digits;
        if a == b || b == c || a == c {
            let message = format!("{a}, {b}, {c} are not three different digits");
            return Err(SpecError { field: "digits", message });
        }
        Ok(())
    }

    fn seconds(&self, effort: Effort) -> f64 {
        match effort {
            Effort::Quick => 1.5,
            Effort::Full => 6.0,
        }
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &[
            "linear-pieces.gap",
            "linear-pieces.error",
            "linear-pieces.active",
            "linear-pieces.paths",
            "linear-pieces.patterns",
            "linear-pieces.alone",
            "linear-pieces.switches",
            "linear-pieces.plane",
        ]
    }
}
