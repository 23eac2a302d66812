//! Glorot's Figure 3 from its digitised points: test error against zeros.

use super::{Effort, Settings};
use crate::SpecError;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SparsityFigure {}

impl Settings for SparsityFigure {
    fn check(&self) -> Result<(), SpecError> {
        Ok(())
    }

    fn seconds(&self, _: Effort) -> f64 {
        0.1
    }
}
