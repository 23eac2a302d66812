//! Every vector form against the plain one, without LibTorch, so that these tests also run in a processor's emulation
//! (`tests/tools/neon.sh`).

use super::case::{Case, DenseCase, random_shape, relative_error};
use super::{Buffer, InstructionSet, Order, Shape, layout};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const PLAIN: InstructionSet = InstructionSet::Plain;

fn each_form(mut check: impl FnMut(InstructionSet, Order)) {
    for set in InstructionSet::available() {
        for order in [Order::Grouped, Order::Flat] {
            check(set, order);
        }
    }
}

#[test]
fn every_form_computes_what_the_plain_one_does() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for _ in 0..30 {
        let (shape, images) = random_shape(&mut rng);
        let case = Case::new(shape, images, &mut rng, |rng| rng.random_range(-1.0..1.0));
        let expected = case.fused(PLAIN, Order::Grouped);
        each_form(|set, order| {
            for (got, expected) in case.fused(set, order).iter().zip(&expected) {
                let error = relative_error(got, expected);
                assert!(error <= 1e-5, "{}, {order:?}, {shape:?}, {images} images: {error}", set.name());
            }
        });
    }
}

/// Small whole numbers: every sum is exact, and nearly every window is a tie.
#[test]
fn every_form_gives_ties_to_the_same_place() {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    for _ in 0..20 {
        let (shape, images) = random_shape(&mut rng);
        let case = Case::new(shape, images, &mut rng, |rng| f32::from(rng.random_range(-1..=1_i8)));
        let expected = case.fused(PLAIN, Order::Grouped);
        each_form(|set, order| assert!(case.fused(set, order) == expected, "{}, {shape:?}", set.name()));
    }
}

#[test]
#[allow(clippy::float_cmp)] // Whole numbers: both are exact.
fn every_form_keeps_what_is_not_a_number() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let shape = Shape { inputs: 2, outputs: 3, height: 11, width: 12 };
    let mut case = Case::new(shape, 19, &mut rng, |rng| f32::from(rng.random_range(-2..=2_i8)));
    for at in (0..case.x.len()).step_by(211) {
        case.x[at] = f32::NAN;
    }
    let expected = case.fused(PLAIN, Order::Grouped);
    each_form(|set, order| {
        for (which, (got, expected)) in case.fused(set, order).iter().zip(&expected).enumerate() {
            // A form without masks multiplies zeros by NaN or infinity, for the weights' gradients.
            let weights = which == 1;
            let same = |(g, e): (&f32, &f32)| g == e || e.is_nan() && (g.is_nan() || weights);
            assert!(got.iter().zip(expected).all(same), "{}, {order:?}, {which}", set.name());
        }
    });
}

/// Each byte over 255 at its position inside the border, in the lane of its image; zero elsewhere.
#[test]
fn every_form_lays_out_the_same_pixels() {
    let digits: Vec<u8> = (0..21 * 784).map(|i| (i * 31 % 256) as u8).collect();
    let pick = [20, 3, 3, 0, 7, 19, 1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14];
    let mut expected = vec![0.0; pick.len() * 1024];
    for (image, &at) in expected.chunks_exact_mut(1024).zip(&pick) {
        for (y, row) in digits[at as usize * 784..][..784].chunks_exact(28).enumerate() {
            for (x, &byte) in row.iter().enumerate() {
                image[(y + 2) * 32 + x + 2] = f32::from(byte) / 255.0;
            }
        }
    }
    for set in InstructionSet::available() {
        let len = layout::groups(pick.len(), set.width()) * 1024 * set.width();
        let mut x = Buffer::default();
        layout::digits_to_lanes(set, &digits, &pick, x.floats(len));
        let mut lanes = vec![1.0; len];
        layout::to_lanes(&expected, 1024, Order::Grouped, set.width(), &mut lanes);
        assert!(x.floats(len) == lanes, "{}", set.name());
    }
}

#[test]
#[should_panic(expected = "not finite")]
fn a_result_that_is_no_number_does_not_pass_as_equal() {
    relative_error(&[f32::NAN, f32::NAN], &[1.0, 2.0]);
}

#[test]
fn the_fully_connected_layer_is_the_same_in_every_form() {
    let mut rng = ChaCha8Rng::seed_from_u64(14);
    for _ in 0..30 {
        let case = DenseCase::new(&mut rng);
        let expected = case.fused(PLAIN);
        for set in InstructionSet::available() {
            for (got, expected) in case.fused(set).iter().zip(&expected) {
                let error = relative_error(got, expected);
                assert!(error <= 1e-5, "{}, {} x {}: {error}", set.name(), case.features, case.units);
            }
        }
    }
}
