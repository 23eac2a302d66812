//! What a unit responds to most: images of a sample, and one found by gradient ascent.

use super::{Subject, ViewError, check_layer, check_unit, chunks, seen_shape, stored, values};
use crate::random::{Purpose, Random};
use protocol::{ImageSplit, Inputs, Layer, Optimised, Response, Seen};
use tch::{Kind, Tensor};

/// Images that are shown.
const SHOWN: usize = 12;
/// Steps of the ascent, and the length of each as a share of the range of the pixels.
const STEPS: u32 = 48;
const STEP: f64 = 0.1;
/// The share of each pixel's distance from the start that a step takes back: an L2 penalty (Simonyan, Vedaldi, Zisserman
/// 2013, arXiv 1312.6034).
const DECAY: f64 = 0.04;
/// The deviation of the pixels that it starts from, as a share of their range.
const NOISE: f32 = 0.05;

pub(super) fn wants(
    subject: &Subject,
    layer: Layer,
    unit: u32,
    split: ImageSplit,
    seed: u64,
    should_stop: &mut dyn FnMut() -> bool,
) -> Result<Option<Seen>, ViewError> {
    let images = subject.sample(split);
    let units = check_layer(&subject.net.hidden_layers(), "hidden layer", layer)?;
    check_unit(layer, unit, units)?;
    let mut outputs: Vec<f32> = Vec::with_capacity(images.len() as usize);
    for (start, length) in chunks(images.len()) {
        if should_stop() {
            return Ok(None);
        }
        let _guard = tch::no_grad_guard();
        outputs.extend(values(&response(subject, &subject.inputs(&images, start, length), layer, unit)));
    }
    let mut order: Vec<usize> = (0..outputs.len()).collect();
    order.sort_by(|&a, &b| outputs[b].total_cmp(&outputs[a]).then(a.cmp(&b)));
    let shown = order.into_iter().take(SHOWN).map(|at| Response {
        number: at as u32,
        truth: images.labels.int64_value(&[at as i64]) as u32,
        output: outputs[at],
        pixels: stored(&images, at as i64),
    });
    let shown = shown.collect();
    let Some(optimised) = ascend(subject, layer, unit, seed, should_stop) else { return Ok(None) };
    let shape = seen_shape(subject.data.shape());
    Ok(Some(Seen::Wants {
        classes: subject.classes(),
        layer,
        unit,
        split,
        sample: images.len() as u32,
        shape,
        images: shown,
        optimised,
    }))
}

/// The unit's output for each image, of a map its largest: (images).
fn response(subject: &Subject, x: &Tensor, layer: Layer, unit: u32) -> Tensor {
    let name = layer.to_string();
    let output = subject.net.hidden_output(&name, &subject.net.preactivations(&name, x));
    output.narrow(1, unit.into(), 1).flatten(1, -1).amax([1], false)
}

/// What is ascended: the unit's pre-activation, of a map its largest, because a unit that is off has no gradient.
fn drive(subject: &Subject, x: &Tensor, layer: Layer, unit: u32) -> Tensor {
    let z = subject.net.preactivations(&layer.to_string(), x);
    z.narrow(1, unit.into(), 1).flatten(1, -1).amax([1], false).sum(Kind::Float)
}

/// Gradient ascent over the pixels, which stay within what a pixel can be.
fn ascend(
    subject: &Subject,
    layer: Layer,
    unit: u32,
    seed: u64,
    should_stop: &mut dyn FnMut() -> bool,
) -> Option<Optimised> {
    let shape = subject.data.shape();
    let bytes = |level: u8| vec![level; shape.len()];
    let as_input =
        |pixels: &[u8]| crate::Split::of_images(shape, pixels).inputs(&[0], subject.padding(), &subject.preprocessing);
    // The inputs of black and of white pixels bound what the network may see; padding is the same in both.
    let (black, white) = (as_input(&bytes(0)), as_input(&bytes(255)));
    let range = &white - &black;
    let mut random = Random::new(seed, Purpose::Experiment { number: 0 });
    let noise: Vec<f32> = (0..black.numel()).map(|_| NOISE * random.normal()).collect();
    let start = &black + &range * (Tensor::from_slice(&noise).view_as(&black) + start_level(subject));
    let mut x = start.copy();
    for _ in 0..STEPS {
        if should_stop() {
            return None;
        }
        let leaf = x.detach().set_requires_grad(true);
        let value = drive(subject, &leaf, layer, unit);
        let gradient = Tensor::run_backward(&[&value], &[&leaf], false, false).remove(0);
        let _guard = tch::no_grad_guard();
        let size = gradient.square().mean(Kind::Float).sqrt() + 1e-12;
        let moved = leaf.detach() + gradient / size * &range * STEP;
        let back = &start + (moved - &start) * (1.0 - DECAY);
        x = back.maximum(&black).minimum(&white);
    }
    let _guard = tch::no_grad_guard();
    let output = values(&response(subject, &x, layer, unit)).first().copied().unwrap_or_default();
    // Without the padding: (1, channels, height, width) -> (height, width, channels).
    let part = ((&x - &black) / range.clamp_min(1e-12) * 255.0).round().clamp(0.0, 255.0);
    let [height, width] = [shape.height, shape.width].map(|side| side as i64);
    let [top, left] = [(part.size()[2] - height) / 2, (part.size()[3] - width) / 2];
    let inner = part.narrow(2, top, height).narrow(3, left, width).squeeze_dim(0).permute([1, 2, 0]);
    let pixels = values(&inner).into_iter().map(|value| value as u8).collect();
    let regulariser = format!(
        "from noise of {:.0} % of the pixels' range; each step goes {:.0} % of it up the gradient, then {:.0} % back",
        100.0 * NOISE,
        100.0 * STEP,
        100.0 * DECAY
    );
    Some(Optimised { pixels, output, steps: STEPS, seed, regulariser })
}

/// Where the ascent starts between black and white: digits stand on black, photographs are grey on average.
fn start_level(subject: &Subject) -> f64 {
    let plain = subject.study.settings(subject.arm).is_none_or(|settings| settings.inputs == Inputs::Unit);
    if plain && subject.data.shape().channels == 1 { 0.0 } else { 0.5 }
}
