//! The fully connected layer behind the blocks, on the lanes that the second block writes.
//!
//! Its input is a matrix (features, lanes), its output and its weights are (images, units) and (features, units). All
//! three products of a step then run along existing rows, and only the small gradient of the output is transposed once.

use super::buffer::Buffer;
use super::fold::Affine;
use super::product::{FinalOperation, Product, Steps};
use super::vector::InstructionSet;

/// A fully connected layer with its workspace.
pub struct Dense {
    set: InstructionSet,
    features: usize,
    units: usize,
    /// The bias including the input's shift, or what that shift adds to the weights' gradient: one number per unit.
    offset: Buffer,
    /// The output's gradient as (units, lanes).
    transposed: Buffer,
}

impl Dense {
    pub fn new(set: InstructionSet, features: usize, units: usize) -> Self {
        Self { set, features, units, offset: Buffer::default(), transposed: Buffer::default() }
    }

    /// `out = weights^T (gain * s + shift) + bias`.
    ///
    /// `s`: (features, lanes), `weights`: (features, units), `bias`: (units), `out`: (images, units), images <= lanes.
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn forward(&mut self, input: Affine, s: &[f32], weights: &[f32], bias: &[f32], out: &mut [f32]) {
        let Self { set, features, units, .. } = *self;
        let (lanes, images) = (s.len() / features, out.len() / units);
        assert!(images <= lanes && s.len() == features * lanes);
        let offset = self.offset.floats(units);
        offset.copy_from_slice(bias);
        if input.shift != 0.0 {
            // W^T 1, row by row.
            for row in weights.chunks_exact(units) {
                for (sum, weight) in offset.iter_mut().zip(row) {
                    *sum += input.shift * weight;
                }
            }
        }
        set.run(Product {
            rows: images,
            columns: units,
            terms: features,
            a: s,
            steps: Steps { row: 1, term: lanes },
            b: weights,
            gain: input.gain,
            finish: FinalOperation::AddToColumns(offset),
            out,
        });
    }

    /// The gradients of weights and bias.
    ///
    /// `grad`: (images, units), the other forms as in [`Dense::forward`].
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn backward_weights(&mut self, input: Affine, s: &[f32], grad: &[f32], weights: &mut [f32], bias: &mut [f32]) {
        let Self { set, features, units, .. } = *self;
        let (lanes, images) = (s.len() / features, grad.len() / units);
        assert!(images <= lanes && s.len() == features * lanes);
        bias.fill(0.0);
        for row in grad.chunks_exact(units) {
            for (sum, grad) in bias.iter_mut().zip(row) {
                *sum += grad;
            }
        }
        let offset = self.offset.floats(units);
        for (offset, bias) in offset.iter_mut().zip(&*bias) {
            *offset = input.shift * bias;
        }
        set.run(Product {
            rows: features,
            columns: units,
            terms: images,
            a: s,
            steps: Steps { row: lanes, term: 1 },
            b: grad,
            gain: input.gain,
            finish: FinalOperation::AddToColumns(offset),
            out: weights,
        });
    }

    /// The gradient with respect to `s`, times `slope`, which is that of the activation's input.
    ///
    /// `slope`, `ds`: (features, lanes).
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn backward_input(&mut self, input: Affine, weights: &[f32], grad: &[f32], slope: &[f32], ds: &mut [f32]) {
        let Self { set, features, units, .. } = *self;
        let (lanes, images) = (ds.len() / features, grad.len() / units);
        assert!(images <= lanes && ds.len() == features * lanes);
        let transposed = self.transposed.floats(units * lanes);
        transpose(grad, units, lanes, transposed);
        set.run(Product {
            rows: features,
            columns: lanes,
            terms: units,
            a: weights,
            steps: Steps { row: units, term: 1 },
            b: transposed,
            gain: input.gain,
            finish: FinalOperation::Times(slope),
            out: ds,
        });
    }
}

/// Transposes (images, units) to (units, lanes); lanes without an image become zero.
fn transpose(rows: &[f32], units: usize, lanes: usize, transposed: &mut [f32]) {
    let images = rows.len() / units;
    for (unit, line) in transposed.chunks_exact_mut(lanes).enumerate() {
        for (lane, value) in line[..images].iter_mut().enumerate() {
            *value = rows[lane * units + unit];
        }
        line[images..].fill(0.0);
    }
}
