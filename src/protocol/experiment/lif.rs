//! The leaky integrate-and-fire neuron, simulated and counted, with ReLU and softplus fitted to its rate.
//!
//! It shows: trace; rate against current. It finds: `lif.threshold`, `lif.concave`, `lif.closed-form.gap`,
//! `lif.rms.closed-form`, `lif.rms.relu`, `lif.rms.softplus`.

use super::{Effort, Settings};
use crate::SpecError;
use crate::limits::within;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lif {
    /// Current of the drawn trace, nA.
    pub current: f64,
    /// Simulated time for each counted rate, ms.
    pub milliseconds: f64,
}

impl Default for Lif {
    fn default() -> Self {
        Self { current: 1.0, milliseconds: 3000.0 }
    }
}

impl Settings for Lif {
    fn check(&self) -> Result<(), SpecError> {
        within("current", self.current, -1.0, 10.0)?;
        within("milliseconds", self.milliseconds, 100.0, 60_000.0)
    }

    fn seconds(&self, _: Effort) -> f64 {
        0.2
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &[
            "lif.threshold",
            "lif.concave",
            "lif.closed-form.gap",
            "lif.rms.closed-form",
            "lif.rms.relu",
            "lif.rms.softplus",
            "lif.rms.sigmoid",
            "lif.still-rising",
        ]
    }
}
