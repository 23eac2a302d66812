//! Glorot's Figure 3 from its digitised points: test error against zeros.
//!
//! It shows: the paper's Fig. 3; mean errors. It finds: `sparsity-figure.lowest`, `sparsity-figure.times.95`,
//! `sparsity-figure.times.98.5`.

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

    fn finding_keys(&self) -> &'static [&'static str] {
        &["sparsity-figure.lowest", "sparsity-figure.times.*"]
    }
}
