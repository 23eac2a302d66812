//! A block with its workspace, of which each lane has one per layer.

use super::backward_input::{BackwardInput, spread};
use super::backward_weights::BackwardWeights;
use super::buffer::Buffer;
use super::forward::Forward;
use super::shape::{Order, Shape, Winner};
use super::vector::InstructionSet;

/// Convolution, bias and max-pool as one operation, forward and backward. It stores the winners in between.
pub struct Block {
    set: InstructionSet,
    shape: Shape,
    order: Order,
    /// Number of vectors of images in the last forward pass.
    groups: usize,
    winners: Vec<Winner>,
    sums: Buffer,
    spread: Buffer,
    choices: Buffer,
}

impl Block {
    /// `order` is that of the output and of its gradient. The input is always [`Order::Grouped`].
    pub fn new(set: InstructionSet, shape: Shape, order: Order) -> Self {
        assert!(shape.fits(), "no pooling window fits {shape:?}");
        let (sums, spread, choices) = (Buffer::default(), Buffer::default(), Buffer::default());
        Self { set, shape, order, groups: 0, winners: Vec::new(), sums, spread, choices }
    }

    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// `out = maxpool(conv(x, weights) + bias)` for `groups` vectors of images.
    ///
    /// # Panics
    /// If a length does not match [`Shape`].
    pub fn forward(&mut self, groups: usize, x: &[f32], weights: &[f32], bias: &[f32], out: &mut [f32]) {
        let Self { set, shape, order, .. } = *self;
        self.groups = groups;
        let winners = groups * shape.output_len();
        if self.winners.len() < winners {
            self.winners.resize(winners, Winner::default());
        }
        let winners = &mut self.winners[..winners];
        set.run(Forward { shape, groups, x, weights, bias, out, order, winners });
    }

    /// The gradients of weights and bias, summed over the images. `x` is as in the forward pass; `grad` is the gradient
    /// of the output, zero in lanes without an image.
    ///
    /// # Panics
    /// If a length does not match [`Shape`].
    pub fn backward_weights(&mut self, x: &[f32], grad: &[f32], weights: &mut [f32], bias: &mut [f32]) {
        let Self { set, shape, order, groups, .. } = *self;
        let winners = &self.winners[..groups * shape.output_len()];
        let sums = self.sums.floats(BackwardWeights::room(&shape, set.width()));
        set.run(BackwardWeights { shape, groups, x, grad, order, winners, sums, weights, bias });
    }

    /// The gradient of the activation's input in front of this block: that of the block's input times `slope`, which
    /// has the same layout.
    ///
    /// # Panics
    /// If a length does not match [`Shape`].
    pub fn backward_input(&mut self, weights: &[f32], grad: &[f32], slope: &[f32], dx: &mut [f32]) {
        let Self { set, shape, order, groups, .. } = *self;
        let winners = &self.winners[..groups * shape.output_len()];
        let tables = self.spread.floats(BackwardInput::room(&shape));
        spread(weights, tables);
        let choices = self.choices.floats(BackwardInput::choices(&shape, set.width()));
        set.run(BackwardInput { shape, groups, spread: tables, grad, order, winners, choices, slope, dx });
    }
}
