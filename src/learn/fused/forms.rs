//! Every vector form against the plain one, without LibTorch, so that these tests also run in a processor's emulation
//! (`tests/tools/neon.sh`).

use super::case::{Case, DenseCase, random_shape, relative_error};
use super::convolution::{Convolution, Maps};
use super::pooling::{self, Greatest, Pooled};
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

/// The output, and the gradients of weights, bias and input of a convolution with a border, by its definition.
fn convolve(maps: Maps, x: &[f32], weights: &[f32], bias: &[f32], grad: &[f32], slope: &[f32]) -> [Vec<f32>; 4] {
    let Maps { inputs, outputs, height, width } = maps;
    let zeros = |count: usize| vec![0.0_f64; count];
    let mut sums = [zeros(grad.len()), zeros(weights.len()), zeros(bias.len()), zeros(x.len())];
    let [out, dw, db, dx] = &mut sums;
    for image in 0..x.len() / maps.input_len() {
        for (o, y, at) in (0..outputs).flat_map(|o| (0..height).flat_map(move |y| (0..width).map(move |at| (o, y, at))))
        {
            let place = ((image * outputs + o) * height + y) * width + at;
            let dy = f64::from(grad[place]);
            out[place] += f64::from(bias[o]);
            db[o] += dy;
            for (i, tap) in (0..inputs).flat_map(|i| (0..25).map(move |tap| (i, tap))) {
                let (row, column) = ((y + tap / 5).wrapping_sub(2), (at + tap % 5).wrapping_sub(2));
                if row < height && column < width {
                    let pixel = ((image * inputs + i) * height + row) * width + column;
                    let weight = (o * inputs + i) * 25 + tap;
                    out[place] += f64::from(x[pixel]) * f64::from(weights[weight]);
                    dw[weight] += dy * f64::from(x[pixel]);
                    dx[pixel] += dy * f64::from(weights[weight]) * f64::from(slope[pixel]);
                }
            }
        }
    }
    sums.map(|values| values.into_iter().map(|value| value as f32).collect())
}

/// Widths and sides around those of the tiles; the gradients of two halves of a batch are added up.
#[test]
fn every_form_convolves_with_a_border() {
    let mut rng = ChaCha8Rng::seed_from_u64(15);
    for _ in 0..20 {
        let [inputs, outputs, height, width] = [8, 10, 14, 14].map(|most| rng.random_range(1..most));
        let maps = Maps { inputs, outputs, height, width };
        let images = rng.random_range(1..20);
        let mut draw = |count: usize| (0..count).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        let (x, slope) = (draw(images * maps.input_len()), draw(images * maps.input_len()));
        let (weights, bias, grad) = (draw(maps.weights()), draw(outputs), draw(images * maps.output_len()));
        let expected = convolve(maps, &x, &weights, &bias, &grad, &slope);
        for set in InstructionSet::available() {
            let (lanes, groups) = (set.width(), layout::groups(images, set.width()));
            let mut buffers: [Buffer; 5] = Default::default();
            let [on_lanes, y, dy, dx, slope_on_lanes] = &mut buffers;
            let (ins, outs) = (groups * maps.input_len() * lanes, groups * maps.output_len() * lanes);
            let (on_lanes, dy, slope_on_lanes) = (on_lanes.floats(ins), dy.floats(outs), slope_on_lanes.floats(ins));
            layout::to_lanes(&x, maps.input_len(), Order::Grouped, lanes, on_lanes);
            layout::to_lanes(&slope, maps.input_len(), Order::Grouped, lanes, slope_on_lanes);
            layout::to_lanes(&grad, maps.output_len(), Order::Grouped, lanes, dy);
            let mut layer = Convolution::new(set, maps);
            let mut found = expected.each_ref().map(|values| vec![0.0; values.len()]);
            let [out, dw, db, dx_images] = &mut found;
            layer.set_weights(&weights);
            layer.forward(groups, on_lanes, &bias, y.floats(outs));
            let half = groups / 2;
            let (first, rest) = on_lanes.split_at(half * maps.input_len() * lanes);
            let (first_dy, rest_dy) = dy.split_at(half * maps.output_len() * lanes);
            layer.add_gradients(half, first, first_dy);
            layer.add_gradients(groups - half, rest, rest_dy);
            layer.take_gradients(dw, db);
            layer.backward_input(&weights, groups, dy, Some(slope_on_lanes), dx.floats(ins));
            layout::from_lanes(y.floats(outs), maps.output_len(), Order::Grouped, lanes, out);
            layout::from_lanes(dx.floats(ins), maps.input_len(), Order::Grouped, lanes, dx_images);
            for ((found, expected), what) in found.iter().zip(&expected).zip(["output", "dw", "db", "dx"]) {
                let error = relative_error(found, expected);
                assert!(error <= 2e-5, "{}, {maps:?}, {images} images, {what}: {error}", set.name());
            }
        }
    }
}

/// By the definition: a window's mean, its maximum, and for its gradient the first of equals. Small whole numbers, with
/// many ties and some NaN.
#[test]
fn every_form_pools_windows_that_overlap() {
    let mut rng = ChaCha8Rng::seed_from_u64(16);
    for _ in 0..20 {
        let [channels, height, width] = [4, 12, 12].map(|most| rng.random_range(1..most));
        let maps = Pooled { channels, height, width };
        let images = rng.random_range(1..20);
        let mut draw = |count: usize, most: i8| -> Vec<f32> {
            (0..count).map(|_| f32::from(rng.random_range(-most..=most))).collect()
        };
        let (mut x, slope) = (draw(images * maps.input_len(), 1), draw(images * maps.input_len(), 2));
        let grad = draw(images * maps.output_len(), 3);
        let mean_expected = {
            let mut means = vec![0.0; grad.len()];
            each_window(&maps, images, |window, pixels| {
                means[window] = pixels.iter().map(|&pixel| x[pixel]).sum::<f32>() / pixels.len() as f32;
            });
            means
        };
        let mut mean_dx = vec![0.0; x.len()];
        each_window(&maps, images, |window, pixels| {
            for &pixel in pixels {
                mean_dx[pixel] += grad[window] * slope[pixel] / pixels.len() as f32;
            }
        });
        x.iter_mut().step_by(37).for_each(|value| *value = f32::NAN);
        let (mut greatest_expected, mut max_dx) = (vec![0.0; grad.len()], vec![0.0; x.len()]);
        let without_nan: Vec<f32> = x.iter().map(|value| if value.is_nan() { 0.0 } else { *value }).collect();
        each_window(&maps, images, |window, pixels| {
            let beats = |best: usize, pixel: usize| x[pixel] > x[best] || x[pixel].is_nan();
            let best = pixels.iter().copied().reduce(|best, pixel| if beats(best, pixel) { pixel } else { best });
            greatest_expected[window] = x[best.unwrap()];
            max_dx[best.unwrap()] += grad[window];
        });
        for set in InstructionSet::available() {
            let (lanes, groups) = (set.width(), layout::groups(images, set.width()));
            let (ins, outs) = (groups * maps.input_len() * lanes, groups * maps.output_len() * lanes);
            let on_lanes = |values: &[f32], order: Order| {
                let len = values.len() / images;
                let mut to = vec![0.0; groups * len * lanes];
                layout::to_lanes(values, len, order, lanes, &mut to);
                to
            };
            let back = |values: &[f32], order: Order| {
                let len = values.len() / (groups * lanes);
                let mut images = vec![0.0; images * len];
                layout::from_lanes(values, len, order, lanes, &mut images);
                images
            };
            let (mut out, mut dx) = (vec![0.0; outs], vec![0.0; ins]);
            let mut winners = vec![Greatest::default(); outs / lanes];
            pooling::max(set, maps, &on_lanes(&x, Order::Grouped), &mut out, &mut winners);
            pooling::max_backward(set, maps, &on_lanes(&grad, Order::Grouped), &winners, &mut dx);
            let same = |(a, b): (&f32, &f32)| a.total_cmp(b).is_eq() || a.is_nan() && b.is_nan();
            assert!(back(&out, Order::Grouped).iter().zip(&greatest_expected).all(same), "{}, {maps:?}", set.name());
            assert!(back(&dx, Order::Grouped) == max_dx, "{}, {maps:?}", set.name());
            for order in [Order::Grouped, Order::Flat] {
                pooling::average(set, maps, &on_lanes(&without_nan, Order::Grouped), order, &mut out);
                let slope = on_lanes(&slope, Order::Grouped);
                pooling::average_backward(set, maps, &on_lanes(&grad, order), order, &slope, &mut dx);
                let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
                assert!(back(&dx, Order::Grouped).iter().zip(&mean_dx).all(close), "{}, {maps:?}", set.name());
                let found = back(&out, order);
                // A NaN became a zero, which changes the windows that it was in.
                let touched = |window: usize| greatest_expected[window].is_nan();
                let same = |(at, pair): (usize, (&f32, &f32))| touched(at) || close(pair);
                assert!(found.iter().zip(&mean_expected).enumerate().all(same), "{}, {maps:?}", set.name());
            }
        }
    }
}

/// Calls back with every window of every image and the pixels that it has, row by row.
fn each_window(maps: &Pooled, images: usize, mut see: impl FnMut(usize, &[usize])) {
    let mut window = 0;
    for channel in 0..images * maps.channels {
        for (py, px) in (0..maps.pooled_height()).flat_map(|py| (0..maps.pooled_width()).map(move |px| (py, px))) {
            let rows = 2 * py..(2 * py + 3).min(maps.height);
            let pixels: Vec<usize> = rows
                .flat_map(|y| (2 * px..(2 * px + 3).min(maps.width)).map(move |x| (y, x)))
                .map(|(y, x)| (channel * maps.height + y) * maps.width + x)
                .collect();
            see(window, &pixels);
            window += 1;
        }
    }
}
