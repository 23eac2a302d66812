//! Inputs for tests of a block, and the block's results; nothing here uses LibTorch.

use super::{Affine, Block, Buffer, Dense, InstructionSet, Order, Shape, layout};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The inputs of a test: images one after the other, in LibTorch's layouts.
pub struct Case {
    pub shape: Shape,
    pub images: usize,
    pub x: Vec<f32>,
    pub weights: Vec<f32>,
    pub bias: Vec<f32>,
    /// The gradient of the output.
    pub grad: Vec<f32>,
    /// The slope of the activation in front, for each input.
    pub slope: Vec<f32>,
}

/// The output, and the gradients of weights, bias and, through the slope, input.
pub type Results = [Vec<f32>; 4];

impl Case {
    /// `value` draws the numbers.
    pub fn new(shape: Shape, images: usize, rng: &mut ChaCha8Rng, value: impl Fn(&mut ChaCha8Rng) -> f32) -> Self {
        let mut draw = |count: usize| (0..count).map(|_| value(rng)).collect::<Vec<_>>();
        Self {
            shape,
            images,
            x: draw(images * shape.input_len()),
            weights: draw(shape.weights()),
            bias: draw(shape.outputs),
            grad: draw(images * shape.output_len()),
            slope: draw(images * shape.input_len()),
        }
    }

    pub fn fused(&self, set: InstructionSet, order: Order) -> Results {
        let (shape, lanes) = (self.shape, set.width());
        let groups = layout::groups(self.images, lanes);
        let (inputs, outputs) = (groups * shape.input_len() * lanes, groups * shape.output_len() * lanes);
        let mut buffers: [Buffer; 5] = Default::default();
        let [x, y, dy, dx, slope] = &mut buffers;
        let (x, y, dy, dx) = (x.floats(inputs), y.floats(outputs), dy.floats(outputs), dx.floats(inputs));
        let slope = slope.floats(inputs);
        layout::to_lanes(&self.slope, shape.input_len(), Order::Grouped, lanes, slope);
        layout::to_lanes(&self.x, shape.input_len(), Order::Grouped, lanes, x);
        layout::to_lanes(&self.grad, shape.output_len(), order, lanes, dy);
        let mut results = [self.grad.clone(), self.weights.clone(), self.bias.clone(), self.x.clone()];
        let [out, dw, db, dx_images] = &mut results;
        let mut block = Block::new(set, shape, order);
        block.forward(groups, x, &self.weights, &self.bias, y);
        block.backward_weights(x, dy, dw, db);
        block.backward_input(&self.weights, dy, slope, dx);
        layout::from_lanes(y, shape.output_len(), order, lanes, out);
        layout::from_lanes(dx, shape.input_len(), Order::Grouped, lanes, dx_images);
        results
    }
}

/// The inputs of a test of the fully connected layer.
pub struct DenseCase {
    pub features: usize,
    pub units: usize,
    pub images: usize,
    pub input: Affine,
    /// (features, lanes)
    pub s: Vec<f32>,
    /// (features, units)
    pub weights: Vec<f32>,
    pub bias: Vec<f32>,
    /// (images, units)
    pub grad: Vec<f32>,
    /// (features, lanes)
    pub slope: Vec<f32>,
}

impl DenseCase {
    /// Sizes around those of the tiles: fewer columns than a vector has lanes, remaining columns and rows, several
    /// visits of a tile, lanes without an image.
    pub fn new(rng: &mut ChaCha8Rng) -> Self {
        let [features, units, images] = [300, 90, 40].map(|most| rng.random_range(1..most));
        let lanes = images + rng.random_range(0..16);
        let input = Affine { gain: 2.0, shift: rng.random_range(-1.0..1.0) };
        let mut draw = |count: usize| (0..count).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        Self {
            features,
            units,
            images,
            input,
            s: draw(features * lanes),
            weights: draw(features * units),
            bias: draw(units),
            grad: draw(images * units),
            slope: draw(features * lanes),
        }
    }

    /// The output, and the gradients of weights, bias and, through the slope, s.
    pub fn fused(&self, set: InstructionSet) -> Results {
        let mut layer = Dense::new(set, self.features, self.units);
        let mut results = [self.grad.clone(), self.weights.clone(), self.bias.clone(), self.s.clone()];
        let [out, dw, db, ds] = &mut results;
        layer.forward(self.input, &self.s, &self.weights, &self.bias, out);
        layer.backward_weights(self.input, &self.s, &self.grad, dw, db);
        layer.backward_input(self.input, &self.weights, &self.grad, &self.slope, ds);
        results
    }
}

/// Largest difference, relative to the largest number.
///
/// # Panics
/// If a number is NaN, as no comparison would detect it.
pub fn relative_error(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    assert!(got.iter().chain(expected).all(|value| value.is_finite()), "a number is not finite");
    let largest = expected.iter().fold(f32::MIN_POSITIVE, |m, v| m.max(v.abs()));
    got.iter().zip(expected).map(|(g, e)| (g - e).abs()).fold(0.0, f32::max) / largest
}

/// Odd and even sides, channel counts around the register blocks' 1, 2 and 4, batches around a vector's width.
pub fn random_shape(rng: &mut ChaCha8Rng) -> (Shape, usize) {
    let shape = Shape {
        inputs: rng.random_range(1..8),
        outputs: rng.random_range(1..12),
        height: rng.random_range(6..17),
        width: rng.random_range(6..17),
    };
    (shape, rng.random_range(1..36))
}
