//! The theory of wide random layers for the gradient's way back (Poole and others 2016; Schoenholz and others 2017).
//! The pre-activations of a layer are Gaussian, and their variance q follows from layer to layer:
//!
//! ```text
//! q' = s^2 E[h(sqrt(q) g)^2],   factor a layer = sqrt(s^2 E[phi'(sqrt(q) g)^2]),   g standard normal
//! ```
//!
//! with s^2 = n Var(w) for n units per layer, and h the output of a unit.

use crate::activation;
use protocol::{Activation, Init};
use tch::{Device, Kind, Tensor};

/// The number of points in the sum for an expectation, and its range in standard deviations. The number is even, so
/// that the kink of a rectifier is between two points.
const PLACES: i64 = 4000;
const REACH: f64 = 10.0;

/// Hidden layers of one width behind the pixels, with biases of zero or those that centre the output of a unit.
#[derive(Clone, Copy, Debug)]
pub struct Wide {
    pub activation: Activation,
    pub init: Init,
    /// The initial weights are multiplied by it.
    pub gain: f64,
    /// Subtracted from the output of a hidden unit.
    pub offset: f64,
    pub width: f64,
    pub depth: u32,
}

impl Wide {
    /// The factor by which a layer multiplies the gradient's size, as the geometric mean over all hidden layers.
    /// `input` is the mean squared pixel of 784.
    pub fn factor(&self, input: f64) -> f64 {
        let scale = self.gain.powi(2);
        let mut q = scale * 784.0 * variance(self.init, 784.0, self.width) * input;
        let s2 = scale * self.width * variance(self.init, self.width, self.width);
        let layers = self.depth.saturating_sub(1);
        let mut log = 0.0;
        for _ in 0..layers {
            let (value, slope) = expectations(self.activation, q, self.offset);
            log += 0.5 * (s2 * slope).ln();
            q = s2 * value;
        }
        (log / f64::from(layers.max(1))).exp()
    }
}

/// Var(w) of a layer with `n` inputs and `m` outputs.
fn variance(init: Init, n: f64, m: f64) -> f64 {
    match init {
        Init::Standard => 1.0 / (3.0 * n),
        Init::Xavier => 2.0 / (n + m),
        Init::He => 2.0 / n,
        Init::Lecun => 1.0 / n,
        Init::Normal(deviation) => deviation.value().powi(2),
        // Orthonormal rows or columns: every entry's square is 1 over the longer side on average.
        Init::Orthogonal => 1.0 / n.max(m),
        // Of a fully connected layer.
        Init::CudaConvnet => 0.01,
    }
}

/// E[(phi(z) - offset)^2] and E[phi'(z)^2] for z of variance q.
fn expectations(phi: Activation, q: f64, offset: f64) -> (f64, f64) {
    let step = 2.0 * REACH / PLACES as f64;
    let g = (Tensor::arange(PLACES, (Kind::Double, Device::Cpu)) + 0.5) * step - REACH;
    let weight = (g.square() * -0.5).exp() * (step / std::f64::consts::TAU.sqrt());
    let z = (g * q.sqrt()).set_requires_grad(true);
    let y = activation::apply(phi, &z);
    // A product makes a graph node even for `linear`, which returns its input.
    let slope = Tensor::run_backward(&[(&y * 1.0).sum(Kind::Double)], &[&z], false, false).swap_remove(0);
    let mean = |values: Tensor| (values * &weight).sum(Kind::Double).double_value(&[]);
    (mean((y.detach() - offset).square()), mean(slope.square()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(activation: Activation, init: Init) -> Wide {
        Wide { activation, init, gain: 1.0, offset: 0.0, width: 256.0, depth: 20 }
    }

    #[track_caller]
    fn near(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "{found}, not {expected}");
    }

    /// The factors of a rectifier and of a straight line are known in closed form.
    #[test]
    fn half_of_a_rectifiers_slopes_are_one() {
        for (init, s2) in [(Init::Standard, 1.0 / 3.0), (Init::Xavier, 1.0), (Init::He, 2.0), (Init::Orthogonal, 1.0)] {
            near(wide(Activation::Relu, init).factor(0.1), f64::sqrt(s2 / 2.0), 1e-9);
            near(wide(Activation::Linear, init).factor(0.1), f64::sqrt(s2), 1e-9);
        }
    }

    /// The same recursion in Python, with functions and slopes entered by hand and Simpson's rule.
    #[test]
    fn the_recursion_is_as_computed_elsewhere() {
        for (phi, init, expected) in [
            (Activation::Sigmoid, Init::Standard, 0.141_541),
            (Activation::Sigmoid, Init::Xavier, 0.236_351),
            (Activation::Sigmoid, Init::He, 0.318_898),
            (Activation::Tanh, Init::Standard, 0.575_951),
            (Activation::Tanh, Init::Xavier, 0.953_601),
            (Activation::Softplus, Init::Xavier, 0.534_780),
            (Activation::Softplus, Init::He, 0.845_845),
        ] {
            near(wide(phi, init).factor(0.1), expected, 1e-5);
        }
        let scaled = Wide { gain: 4.0, ..wide(Activation::Sigmoid, Init::Xavier) };
        near(scaled.factor(0.1), 0.638_056, 1e-5);
        near(Wide { offset: 0.5, ..scaled }.factor(0.1), 0.926_777, 1e-5);
    }

    /// sigma(z) - 1/2 = tanh(z/2) / 2, so with weights four times as large it is a tanh network whose input is twice as
    /// bright.
    #[test]
    fn a_centred_sigmoid_is_a_tanh() {
        let sigmoid = Wide { gain: 4.0, offset: 0.5, ..wide(Activation::Sigmoid, Init::Xavier) };
        near(sigmoid.factor(0.1), wide(Activation::Tanh, Init::Xavier).factor(0.4), 1e-9);
    }
}
