//! How a hidden code changes when a digit is moved or turned; steered live by the reader.
//!
//! It shows: a digit and the units that answer it; units that switch, distance and errors by shift; table. It finds:
//! `disentangle.W.C`, `W` being `still`, `switch`, `distance`, `busy`, `together`, `C` `pixels`, `A.1`, `A.2`.

use super::{Effort, Settings};
use crate::limits::{some_activations, within};
use crate::{Activation, SpecError};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Disentangle {
    pub activations: Vec<Activation>,
    /// Units of each of the two hidden layers.
    pub width: u32,
    /// Training images; `Effort::Full` takes 50,000.
    pub images: u32,
    pub epochs: u32,
    /// Test digits that are shifted and rotated.
    pub digits: u32,
    /// The digit that is shown, and how it is shifted and rotated.
    pub steer: Steer,
}

/// What the reader steers by key. It decides what is shown, not what is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Steer {
    /// The index of the test digit, from 0.
    pub digit: u32,
    /// Pixels.
    pub right: i32,
    /// Pixels.
    pub down: i32,
    /// Degrees, clockwise.
    pub turn: i32,
    /// Hidden layer, counted from 0.
    pub layer: u32,
}

impl Steer {
    /// The largest shift of a digit, in pixels.
    pub const FAR: i32 = 10;

    /// The same digit without its shift and rotation.
    pub fn untouched(self) -> Self {
        Self { digit: self.digit, layer: self.layer, ..Self::default() }
    }
}

impl Default for Disentangle {
    fn default() -> Self {
        let activations = vec![Activation::Sigmoid, Activation::Tanh, Activation::Relu];
        Self { activations, width: 120, images: 10_000, epochs: 10, digits: 500, steer: Steer::default() }
    }
}

impl Disentangle {
    pub fn images(&self, effort: Effort) -> u32 {
        if effort == Effort::Full { 50_000 } else { self.images }
    }
}

impl Settings for Disentangle {
    fn check(&self) -> Result<(), SpecError> {
        some_activations(&self.activations)?;
        within("width", self.width, 10, 1000)?;
        within("images", self.images, 100, 60_000)?;
        within("epochs", self.epochs, 1, 200)?;
        within("digits", self.digits, 20, 10_000)?;
        within("steer.digit", self.steer.digit, 0, 9999)?;
        within("steer.right", self.steer.right, -Steer::FAR, Steer::FAR)?;
        within("steer.down", self.steer.down, -Steer::FAR, Steer::FAR)?;
        within("steer.turn", self.steer.turn, -180, 180)?;
        within("steer.layer", self.steer.layer, 0, 1)
    }

    fn seconds(&self, effort: Effort) -> f64 {
        let share = f64::from(self.images(effort)) * f64::from(self.epochs) / 100_000.0;
        SECONDS * share * self.activations.len() as f64 / 3.0
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &[
            "disentangle.still.*",
            "disentangle.switch.*",
            "disentangle.distance.*",
            "disentangle.busy.*",
            "disentangle.together.*",
        ]
    }
}

/// For one seed at the default setting, on two cores of 2.6 GHz with AVX-512.
const SECONDS: f64 = 4.0;
