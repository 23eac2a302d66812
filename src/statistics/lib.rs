//! Whether two arms differ: tests paired over seeds, over images, and of the epochs down to a threshold.
//!
//! - `summary`: mean, deviation and bands of one arm over its seeds.
//! - `paired`: Student's t and the sign of the differences, seed by seed.
//! - `mcnemar`: two networks on the same images.
//! - `ratio`: a geometric mean with its interval.
//! - `power`: how many seeds would tell.
//! - `curves`: one metric of an arm, epoch by epoch.
//! - `comparison`: all of these for two arms, and the sentence that follows from them.
//!
//! Every number is tested against scipy's (`tests/tools/statistics.py`).

mod comparison;
mod curves;
mod mcnemar;
mod paired;
mod power;
mod ratio;
mod summary;

pub use comparison::{
    ArmSummary, AtEpoch, Comparison, EpochsToThreshold, LeftOut, NoAnswers, Pair, SeedAnswers, Threshold, Why,
    compare_first_arms, print_p,
};
pub use curves::{ArmCurves, LaneCurve, Quantity, QuantityError};
pub use mcnemar::McNemar;
pub use paired::{PairedTest, SignTest};
pub use power::{LEVEL, MOST_PAIRS, POWER, pairs_needed, power_of_t};
pub use ratio::Ratio;
pub use summary::{Band, Summary};

/// scipy's values.
#[cfg(test)]
fn fixture() -> serde_json::Value {
    serde_json::from_str(include_str!("../../tests/fixtures/statistics.json")).unwrap()
}

/// Whether a value is the fixture's, but for rounding.
#[cfg(test)]
#[track_caller]
fn assert_near(value: f64, expected: &serde_json::Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert!((value - expected).abs() <= 1e-9 * expected.abs().max(1e-6), "{what}: {value} is not {expected}");
}
