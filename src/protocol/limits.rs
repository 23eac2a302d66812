//! Checks of settings. Each error names the setting and its range.

use crate::{Activation, SpecError};
use std::fmt::Display;

/// `low <= value <= high`.
pub fn within<T: Copy + PartialOrd + Display>(field: &'static str, value: T, low: T, high: T) -> Result<(), SpecError> {
    if value >= low && value <= high {
        return Ok(());
    }
    Err(SpecError { field, message: format!("{value} is out of range; take {low} to {high}") })
}

/// At least one is given.
pub fn some<T>(field: &'static str, given: &[T], example: &str) -> Result<(), SpecError> {
    if given.is_empty() {
        return Err(SpecError { field, message: format!("none given; take for example {example}") });
    }
    Ok(())
}

pub fn some_activations(given: &[Activation]) -> Result<(), SpecError> {
    some("activations", given, "[\"tanh\", \"relu\"]")
}

/// The article's four activations.
pub fn four() -> Vec<Activation> {
    vec![Activation::Sigmoid, Activation::Tanh, Activation::Softplus, Activation::Relu]
}
