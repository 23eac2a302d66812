//! Activation functions and their slopes, as LibTorch computes them.

use protocol::{Activation, SELU_ALPHA, SELU_SCALE};
use tch::Tensor;

/// phi(z), of any shape. It must be elementwise, as the fused form relies on it: that form does not support an
/// activation that mixes elements (softmax, maxout).
pub fn apply(activation: Activation, z: &Tensor) -> Tensor {
    match activation {
        Activation::Relu => z.relu(),
        Activation::Tanh => z.tanh(),
        Activation::Sigmoid => z.sigmoid(),
        Activation::Softplus => z.softplus(),
        // LibTorch's own operator has the slope 0.01 built in.
        Activation::LEAKY => z.leaky_relu(),
        // With the initial slope of a PReLU; a network computes it with its own parameter.
        Activation::Leaky(slope) | Activation::Prelu(slope) => z.where_self(&z.gt(0.0), &(z * slope.value())),
        Activation::ELU => z.elu(),
        Activation::Elu(limit) => z.where_self(&z.gt(0.0), &(z.expm1() * limit.value())),
        Activation::Gelu => z.gelu("none"),
        Activation::Silu => z.silu(),
        Activation::Mish => z.mish(),
        Activation::Linear => z.shallow_clone(),
        Activation::HardTanh => z.hardtanh(),
        Activation::LecunTanh => (z * (2.0 / 3.0)).tanh() * 1.7159,
        Activation::Selu => z.selu(),
    }
}

/// phi'(z), of the shape of `z`; `y` is phi(z). Computed by the operators of autograd's backward pass, with ones for
/// the gradient, which saves building and traversing a graph.
pub fn slope(activation: Activation, z: &Tensor, y: &Tensor) -> Tensor {
    // Broadcast to every element; a tensor full of ones would be one more to write and to read.
    let one = Tensor::from(1.0_f32);
    match activation {
        Activation::Relu => y.threshold_backward(&one, 0.0),
        Activation::Tanh => Tensor::tanh_backward(&one, y),
        Activation::Sigmoid => Tensor::sigmoid_backward(&one, y),
        Activation::Softplus => z.softplus_backward(&one, 1.0, 20.0),
        Activation::Leaky(slope) | Activation::Prelu(slope) => z.leaky_relu_backward(&one, slope.value(), false),
        Activation::Elu(limit) => Tensor::elu_backward(&one, limit.value(), 1.0, 1.0, false, z),
        // oneDNN's operator, which requires one of the same size.
        Activation::Gelu => z.gelu_backward(&z.ones_like(), "none"),
        Activation::Silu => z.silu_backward(&one),
        Activation::Mish => z.mish_backward(&one),
        Activation::Linear => z.ones_like(),
        Activation::HardTanh => z.hardtanh_backward(&one, -1.0, 1.0),
        // 1.7159 * 2/3 (1 - (y / 1.7159)^2).
        Activation::LecunTanh => Tensor::tanh_backward(&one, &(y / 1.7159)) * (1.7159 * 2.0 / 3.0),
        Activation::Selu => Tensor::elu_backward(&one, SELU_ALPHA, SELU_SCALE, 1.0, false, z),
    }
}

/// `phi(z) = outer * core(inner * z) + shift`, where LibTorch computes the core faster than phi itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factored {
    pub inner: f32,
    pub core: Activation,
    pub outer: f32,
    pub shift: f32,
}

/// tanh z = 2 sigma(2z) - 1, because LibTorch's sigmoid is its own vector code, while its tanh is MKL's, which takes
/// ten times as long on processors that are not Intel's. Every other activation is its own core.
pub fn factored(activation: Activation) -> Factored {
    match activation {
        Activation::Tanh => Factored { inner: 2.0, core: Activation::Sigmoid, outer: 2.0, shift: -1.0 },
        // 1.7159 tanh(2z/3).
        Activation::LecunTanh => {
            Factored { inner: 4.0 / 3.0, core: Activation::Sigmoid, outer: 2.0 * 1.7159, shift: -1.7159 }
        }
        core => Factored { inner: 1.0, core, outer: 1.0, shift: 0.0 },
    }
}

/// [`apply`] through [`factored`], equal to within 2e-7, and exactly equal at 0.
pub fn apply_fast(activation: Activation, z: &Tensor) -> Tensor {
    let Factored { inner, core, outer, shift } = factored(activation);
    if core == activation {
        return apply(activation, z);
    }
    let mut y = apply(core, &(z * f64::from(inner))) * f64::from(outer);
    y.g_sub_scalar_(f64::from(-shift))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    #[test]
    fn slopes_are_autograds() {
        for activation in Activation::all() {
            let z = Tensor::arange_start_step(-8.0, 8.0, 0.01, (Kind::Float, tch::Device::Cpu));
            // At the kink of a rectifier, and where an exponential underflows.
            z.narrow(0, 0, 3).copy_(&Tensor::from_slice(&[0.0_f32, 100.0, -100.0]));
            let ours = slope(activation, &z, &apply(activation, &z));
            let z = z.set_requires_grad(true);
            let autograds = &Tensor::run_backward(&[apply(activation, &z)], &[&z], false, false)[0];
            assert_eq!(ours.size(), autograds.size(), "{activation}");
            let error = (ours - autograds).abs().max().double_value(&[]);
            assert!(error <= 1e-6, "{activation}: {error}");
        }
    }

    /// Values at -1, 0 and 1 from the definitions.
    #[test]
    fn values_follow_the_definitions() {
        type Phi = fn(f64) -> f64;
        let phi: [(Activation, Phi); 8] = [
            (Activation::Relu, |z| z.max(0.0)),
            (Activation::Tanh, f64::tanh),
            (Activation::Sigmoid, |z| 1.0 / (1.0 + (-z).exp())),
            (Activation::Softplus, |z| (1.0 + z.exp()).ln()),
            (Activation::LEAKY, |z| if z < 0.0 { 0.01 * z } else { z }),
            (Activation::ELU, |z| if z < 0.0 { z.exp_m1() } else { z }),
            (Activation::Silu, |z| z / (1.0 + (-z).exp())),
            (Activation::Linear, |z| z),
        ];
        for (activation, expected) in phi {
            let z = [-1.0_f64, 0.0, 1.0];
            let out = apply(activation, &Tensor::from_slice(&z).to_kind(Kind::Double));
            for (at, z) in z.into_iter().enumerate() {
                let found = out.double_value(&[at as i64]);
                assert!((found - expected(z)).abs() < 1e-12, "{activation} at {z}: {found}");
            }
        }
        let z = Tensor::arange_start_step(-10.0, 10.0, 0.001, (Kind::Float, tch::Device::Cpu));
        let difference = apply_fast(Activation::Tanh, &z) - z.to_kind(Kind::Double).tanh();
        assert!(difference.abs().max().double_value(&[]) < 2e-7);
        assert_eq!(apply_fast(Activation::Tanh, &Tensor::from(0.0_f32)), Tensor::from(0.0_f32));
        // GELU(1) = Phi(1) (Hendrycks and Gimpel 2016).
        let one = apply(Activation::Gelu, &Tensor::from(1.0_f64)).double_value(&[]);
        assert!((one - 0.841_344_746_068_542_9).abs() < 1e-12);
    }
    /// Values and slopes computed separately to 50 digits, from another form: with e = exp(z), tanh(log(1 + e)) is (e^2
    /// + 2e) / (e^2 + 2e + 2). The second z is where Mish is lowest.
    #[test]
    fn mish_follows_its_definition() {
        let z = Tensor::from_slice(&[-20.0_f64, -1.192_443_1, -1.0, 0.0, 1.0, 3.0]).set_requires_grad(true);
        let y = apply(Activation::Mish, &z);
        let slope = &Tensor::run_backward(&[y.sum(Kind::Double)], &[&z], false, false)[0];
        let expected = [
            (-4.122_307_240_628_761e-8, -3.916_191_874_348_969e-8),
            (-0.308_843_412_998_395_4, -3.172_776_374_776_511_5e-6),
            (-0.303_401_461_374_108_9, 0.059_216_755_877_394_95),
            (0.0, 0.6),
            (0.865_098_388_267_310_3, 1.049_036_220_099_792_2),
            (2.986_535_004_967_957_5, 1.021_106_910_929_443_7),
        ];
        for (at, (value, gradient)) in expected.into_iter().enumerate() {
            let found = (y.double_value(&[at as i64]), slope.double_value(&[at as i64]));
            assert!((found.0 - value).abs() < 1e-14 && (found.1 - gradient).abs() < 1e-14, "{at}: {found:?}");
            let z = z.double_value(&[at as i64]);
            let ours = (Activation::Mish.value(z), Activation::Mish.slope(z));
            assert!((ours.0 - value).abs() < 1e-14 && (ours.1 - gradient).abs() < 1e-14, "{at}: {ours:?}");
        }
    }
}
