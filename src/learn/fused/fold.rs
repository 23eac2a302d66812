//! Folds affine functions on both sides of a convolution into its weights, of which there are few.
//!
//! An activation may be an affine function of one that is computed faster: tanh z = 2 sigma(2z) - 1 (see
//! [`Factored`](crate::activation::Factored)). Multiplying and shifting every pixel costs more than the sigmoid itself.
//! Instead the layer in front returns 2z, with twice its weights, and the layer behind takes sigma: `conv(2s - 1, w) +
//! b = conv(s, 2w) + (b - sum of w)`, as there is no border of zeros.

/// A layer's input is `gain * s + shift`, of which only `s` is in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    pub gain: f32,
    pub shift: f32,
}

impl Affine {
    pub const IDENTITY: Self = Self { gain: 1.0, shift: 0.0 };
}

/// Weights and bias that give `gain * (conv(input, weights) + bias)` from `s`.
///
/// `weights`: `[output][...]`, `bias`: `[output]`; the folded ones alike.
pub fn fold(
    input: Affine,
    gain: f32,
    (weights, bias): (&[f32], &[f32]),
    (folded_weights, folded_bias): (&mut [f32], &mut [f32]),
) {
    let each = weights.len() / bias.len();
    assert!(folded_weights.len() == weights.len() && folded_bias.len() == bias.len());
    for (to, from) in folded_weights.iter_mut().zip(weights) {
        *to = gain * input.gain * from;
    }
    for ((to, from), weights) in folded_bias.iter_mut().zip(bias).zip(weights.chunks_exact(each)) {
        *to = gain * (from + input.shift * weights.iter().sum::<f32>());
    }
}

/// Converts gradients of folded weights and bias to those of the layer's own.
///
/// With input gain G, shift s and own gain g, the layer computes with w' = g G w and b' = g (b + s sum of w). A weight acts
/// on both, so by the chain rule dL/db = g dL/db' and dL/dw = g G dL/dw' + g s dL/db' = g G dL/dw' + s dL/db.
pub fn unfold(input: Affine, gain: f32, weights: &mut [f32], bias: &mut [f32]) {
    let each = weights.len() / bias.len();
    for (weights, bias) in weights.chunks_exact_mut(each).zip(bias) {
        *bias *= gain;
        for weight in weights {
            *weight = gain * input.gain * *weight + input.shift * *bias;
        }
    }
}
