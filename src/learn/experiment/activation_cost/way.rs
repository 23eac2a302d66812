//! LibTorch's own kernels of an activation, forward and backward, called one by one.

use crate::activation;
use protocol::Activation;
use tch::Tensor;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As LibTorch computes it.
    Of(Activation),
    /// tanh z = 2 sigma(2z) - 1, as this notebook's networks compute it.
    TanhBySigmoid,
    /// Only reading and writing: a function that writes a tensor of its own can't cost less.
    Copy,
}

impl Way {
    pub fn title(self) -> &'static str {
        match self {
            Self::Of(activation) => activation.title(),
            Self::TanhBySigmoid => "Tanh by sigmoid",
            Self::Copy => "copy",
        }
    }

    /// The name in findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Of(activation) => activation.name(),
            Self::TanhBySigmoid => "tanh-by-sigmoid",
            Self::Copy => "copy",
        }
    }

    /// phi(z), and what the backward pass needs.
    pub fn forward(self, z: &Tensor) -> (Tensor, Tensor) {
        match self {
            Self::TanhBySigmoid => {
                let kept = (z * 2.0).sigmoid();
                let mut out = &kept * 2.0;
                let out = out.g_sub_scalar_(1.0);
                (out, kept)
            }
            Self::Copy => (z.copy(), z.shallow_clone()),
            Self::Of(phi) => {
                let out = activation::apply(phi, z);
                // The backward pass of these uses the output, that of the others the input.
                let by_output = matches!(phi, Activation::Relu | Activation::Tanh | Activation::Sigmoid);
                let kept = if by_output { out.shallow_clone() } else { z.shallow_clone() };
                (out, kept)
            }
        }
    }

    /// dLoss/dz from g = dLoss/dphi and the result of `forward`.
    pub fn backward(self, kept: &Tensor, g: &Tensor) -> Tensor {
        match self {
            Self::Of(Activation::Relu) => kept.threshold_backward(g, 0.0),
            Self::Of(Activation::Tanh) => Tensor::tanh_backward(g, kept),
            Self::Of(Activation::Sigmoid) => Tensor::sigmoid_backward(g, kept),
            Self::Of(Activation::Softplus) => kept.softplus_backward(g, 1.0, 20.0),
            Self::Of(Activation::Leaky(slope)) => kept.leaky_relu_backward(g, slope.value(), false),
            Self::Of(Activation::Elu(limit)) => Tensor::elu_backward(g, limit.value(), 1.0, 1.0, false, kept),
            Self::Of(Activation::Gelu) => kept.gelu_backward(g, "none"),
            Self::Of(Activation::Silu) => kept.silu_backward(g),
            Self::Of(Activation::Linear) => g.shallow_clone(),
            Self::Of(phi) => activation::slope(phi, kept, &activation::apply(phi, kept)) * g,
            Self::TanhBySigmoid => Tensor::sigmoid_backward(&(g * 2.0), kept) * 2.0,
            Self::Copy => g.copy(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    /// The timed kernels are those of training: value and gradient equal autograd's.
    #[test]
    fn the_timed_kernels_are_autograds() {
        let z = Tensor::linspace(-5.0, 25.0, 301, (Kind::Double, tch::Device::Cpu));
        let g = Tensor::linspace(1.0, -2.0, 301, (Kind::Double, tch::Device::Cpu));
        let ways = Activation::all().map(|phi| (Way::Of(phi), phi));
        for (way, phi) in ways.chain([(Way::TanhBySigmoid, Activation::Tanh), (Way::Copy, Activation::Linear)]) {
            let leaf = z.copy().set_requires_grad(true);
            let y = activation::apply(phi, &leaf);
            let expected = Tensor::run_backward(&[(&y * &g).sum(Kind::Double)], &[&leaf], false, false);
            let (out, kept) = way.forward(&z);
            let difference = |a: &Tensor, b: &Tensor| (a - b).abs().max().double_value(&[]);
            assert!(difference(&out, &y) < 1e-12, "{}", way.title());
            assert!(difference(&way.backward(&kept, &g), &expected[0]) < 1e-12, "{}", way.title());
        }
    }
}
