//! The block against LibTorch in float64, for every instruction set of this processor.

use super::case::{Case, DenseCase, Results, random_shape, relative_error};
use super::{InstructionSet, Order, Shape};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Kind, Tensor};

impl Case {
    fn libtorch(&self) -> Results {
        let Shape { inputs, outputs, height, width } = self.shape;
        let images = self.images as i64;
        let leaf = |values: &[f32], size: &[i64]| {
            Tensor::from_slice(values).to_kind(Kind::Double).view(size).set_requires_grad(true)
        };
        let x = leaf(&self.x, &[images, inputs as i64, height as i64, width as i64]);
        let w = leaf(&self.weights, &[outputs as i64, inputs as i64, 5, 5]);
        let b = leaf(&self.bias, &[outputs as i64]);
        let y = x.conv2d(&w, Some(&b), [1, 1], [0, 0], [1, 1], 1).max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false);
        (&y * Tensor::from_slice(&self.grad).to_kind(Kind::Double).view_as(&y)).sum(Kind::Double).backward();
        let slope = Tensor::from_slice(&self.slope).to_kind(Kind::Double).view_as(&x);
        [y.detach(), w.grad(), b.grad(), x.grad() * slope]
            .map(|t| Vec::try_from(t.to_kind(Kind::Float).contiguous().view(-1)).unwrap())
    }
}

fn check(case: &Case) {
    let expected = case.libtorch();
    for set in InstructionSet::available() {
        for order in [Order::Grouped, Order::Flat] {
            let got = case.fused(set, order);
            for ((got, expected), what) in got.iter().zip(&expected).zip(["output", "dw", "db", "dx"]) {
                let error = relative_error(got, expected);
                assert!(error <= 1e-5, "{}, {:?}, {} images, {what}: {error}", set.name(), case.shape, case.images);
            }
        }
    }
}

#[test]
fn random_numbers_on_random_shapes() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..40 {
        let (shape, images) = random_shape(&mut rng);
        check(&Case::new(shape, images, &mut rng, |rng| rng.random_range(-1.0..1.0)));
    }
}

/// Small whole numbers: nearly every window is a tie, and every sum is exact in both.
#[test]
fn ties_go_where_libtorch_sends_them() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for _ in 0..20 {
        let (shape, images) = random_shape(&mut rng);
        let case = Case::new(shape, images, &mut rng, |rng| f32::from(rng.random_range(-1..=1_i8)));
        let expected = case.libtorch();
        for set in InstructionSet::available() {
            assert!(case.fused(set, Order::Flat) == expected, "{}, {shape:?}", set.name());
        }
    }
}

#[test]
fn the_layers_of_lenet_and_of_the_tutorial() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for (inputs, outputs, side, images) in [(1, 4, 32, 100), (4, 16, 14, 100), (1, 20, 32, 17), (20, 50, 14, 17)] {
        let shape = Shape { inputs, outputs, height: side, width: side };
        check(&Case::new(shape, images, &mut rng, |rng| rng.random_range(-1.0..1.0)));
    }
}

/// If a field has a NaN, the window is NaN, and LibTorch decides which of the four takes the gradient.
#[test]
#[allow(clippy::float_cmp)] // Whole numbers: both are exact.
fn a_nan_is_not_lost() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let shape = Shape { inputs: 2, outputs: 3, height: 11, width: 12 };
    let mut case = Case::new(shape, 19, &mut rng, |rng| f32::from(rng.random_range(-2..=2_i8)));
    for at in (0..case.x.len()).step_by(211) {
        case.x[at] = f32::NAN;
    }
    let expected = case.libtorch();
    for set in InstructionSet::available() {
        let got = case.fused(set, Order::Grouped);
        // In LibTorch a NaN enters the weights' gradients even if the output's gradient is zero, but not the input's.
        for which in [0, 3] {
            for (got, expected) in got[which].iter().zip(&expected[which]) {
                assert!(got == expected || got.is_nan() && expected.is_nan(), "{}: {got} {expected}", set.name());
            }
        }
        assert!(expected[1].iter().zip(&got[1]).all(|(e, g)| e.is_nan() || e == g));
    }
}

#[test]
fn the_same_numbers_give_the_same_bits() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let shape = Shape { inputs: 4, outputs: 16, height: 14, width: 14 };
    let case = Case::new(shape, 50, &mut rng, |rng| rng.random_range(-1.0..1.0));
    for set in InstructionSet::available() {
        assert!(case.fused(set, Order::Flat) == case.fused(set, Order::Flat));
        assert!(case.fused(set, Order::Flat) == case.fused(set, Order::Grouped));
    }
}

impl DenseCase {
    fn libtorch(&self) -> Results {
        let matrix = |values: &[f32], rows: usize| {
            Tensor::from_slice(values).to_kind(Kind::Double).view([rows as i64, -1]).set_requires_grad(true)
        };
        let s = matrix(&self.s, self.features);
        let (w, b) = (matrix(&self.weights, self.features), matrix(&self.bias, 1));
        let x = &s * f64::from(self.input.gain) + f64::from(self.input.shift);
        let y = x.narrow(1, 0, self.images as i64).tr().matmul(&w) + &b; // (images, units)
        (&y * matrix(&self.grad, self.images).detach()).sum(Kind::Double).backward();
        [y.detach(), w.grad(), b.grad(), s.grad() * matrix(&self.slope, self.features).detach()]
            .map(|t| Vec::try_from(t.to_kind(Kind::Float).contiguous().view(-1)).unwrap())
    }
}

#[test]
fn the_fully_connected_layer_is_libtorchs() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    for _ in 0..30 {
        let case = DenseCase::new(&mut rng);
        let expected = case.libtorch();
        for set in InstructionSet::available() {
            for ((got, expected), what) in case.fused(set).iter().zip(&expected).zip(["output", "dw", "db", "ds"]) {
                let error = relative_error(got, expected);
                assert!(error <= 1e-5, "{}, {} x {}, {what}: {error}", set.name(), case.features, case.units);
            }
        }
    }
}
