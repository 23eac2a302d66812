//! Whether pre-activations are on a steep or on a flat part of their activation.

use super::mlp::mean;
use crate::activation;
use protocol::Activation;
use tch::{Kind, Tensor};

/// Below this share of the steepest slope a unit counts as flat, from `STEEP` on as steep.
const FLAT: f64 = 0.05;
const STEEP: f64 = 0.5;

/// The ends between which the steepest slope is looked for.
pub const RANGE: (f64, f64) = (-8.0, 8.0);

/// Percent of a layer's units, over the images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// Of a rectifier, these are the units that output 0.
    pub flat: f64,
    pub steep: f64,
}

/// The shares among pre-activations of any shape.
pub fn shares(phi: Activation, z: &Tensor) -> Shares {
    let (slope, steepest) = (slope(phi, z), steepest_slope(phi));
    Shares { flat: 100.0 * mean(&slope.lt(FLAT * steepest)), steep: 100.0 * mean(&slope.ge(STEEP * steepest)) }
}

/// phi'(z) by autograd, of any shape.
fn slope(phi: Activation, z: &Tensor) -> Tensor {
    let z = z.detach().to_kind(Kind::Double).set_requires_grad(true);
    // Summing makes a graph node even for `linear`, which returns its input.
    let sum = activation::apply(phi, &z).sum(Kind::Double);
    Tensor::run_backward(&[sum], &[&z], false, false).swap_remove(0)
}

/// The steepest slope of an activation within the range.
fn steepest_slope(phi: Activation) -> f64 {
    let z = Tensor::linspace(RANGE.0, RANGE.1, 1601, (Kind::Double, tch::Device::Cpu));
    slope(phi, &z).max().double_value(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sigmoid is steepest at z = 0; beyond about 4.36 its slope is below a twentieth of that, and between about -1.76
    /// and 1.76 at least half of it.
    #[test]
    fn flat_is_below_a_twentieth_of_the_steepest() {
        assert!((steepest_slope(Activation::Sigmoid) - 0.25).abs() < 1e-6);
        let z = Tensor::from_slice(&[-4.4_f32, -4.3, 0.0, 1.75, 1.77, 4.3, 4.4, 9.0]);
        assert_eq!(shares(Activation::Sigmoid, &z), Shares { flat: 37.5, steep: 25.0 });
    }
}
