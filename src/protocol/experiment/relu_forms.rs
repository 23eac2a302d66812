//! Every way to write a ReLU: value and gradient at and around 0, and how reductions share a tie.
//!
//! It shows: value and gradient; ties. It finds: `relu-forms.at-zero.FORM`, `relu-forms.tie.REDUCTION`.

use super::{Effort, Settings};
use crate::SpecError;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReluForms {}

impl Settings for ReluForms {
    fn check(&self) -> Result<(), SpecError> {
        Ok(())
    }

    fn seconds(&self, _: Effort) -> f64 {
        0.1
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &["relu-forms.at-zero.*", "relu-forms.tie.*"]
    }
}
