//! The size of the loss's gradient in each hidden layer.

use super::{Subject, chunks, layer_of};
use crate::data::Split;
use crate::network::HiddenLayer;
use protocol::{ImageSplit, Layer, LayerGradients, Seen};
use tch::{Kind, Reduction, Tensor};

/// What a layer's gradients add up to over the images.
struct Sums {
    layer: Layer,
    /// The gradient of the summed loss with respect to the weights.
    weights: Tensor,
    /// The squares of the gradients with respect to pre-activations, and how many there are.
    squares: f64,
    count: f64,
}

pub(super) fn gradients(subject: &Subject, split: ImageSplit, should_stop: &mut dyn FnMut() -> bool) -> Option<Seen> {
    let images = subject.backward_sample(split);
    let weight = |layer: Layer| subject.net.parameter(&format!("{layer}.weight")).shallow_clone();
    let mut sums: Vec<Sums> = Vec::new();
    each_gradient(
        subject,
        &images,
        |layer, hidden| [weight(layer), hidden.z.shallow_clone()],
        |layer, hidden, [weights, z]| {
            let (squares, count) = (z.square().sum(Kind::Double).double_value(&[]), hidden.z.numel() as f64);
            match sums.iter_mut().find(|sum| sum.layer == layer) {
                Some(sum) => {
                    sum.weights = &sum.weights + weights;
                    sum.squares += squares;
                    sum.count += count;
                }
                None => sums.push(Sums { layer, weights, squares, count }),
            }
        },
        should_stop,
    )?;
    let count = images.len().max(1) as f64;
    let layers = sums.into_iter().map(|Sums { layer, weights, squares, count: values }| LayerGradients {
        layer,
        weights: weights.square().mean(Kind::Double).double_value(&[]).sqrt() / count,
        z: (squares / values.max(1.0)).sqrt(),
    });
    Some(Seen::Gradients { split, images: images.len() as u32, layers: layers.collect() })
}

/// Forward and backward passes over images, chunk by chunk. `add` gets each hidden layer with the gradients of the chunk's
/// loss with respect to what `wanted` names of it, in the same order. The loss is summed over the images, so that the
/// gradient at an image's pre-activations is that of its own loss. `None` if it was stopped.
pub(super) fn each_gradient<const N: usize>(
    subject: &Subject,
    images: &Split,
    wanted: impl Fn(Layer, &HiddenLayer) -> [Tensor; N],
    mut add: impl FnMut(Layer, &HiddenLayer, [Tensor; N]),
    should_stop: &mut dyn FnMut() -> bool,
) -> Option<()> {
    for (start, length) in chunks(images.len()) {
        if should_stop() {
            return None;
        }
        let (hidden, logits) = subject.net.trace(&subject.inputs(images, start, length));
        let labels = images.labels.narrow(0, start, length);
        let loss = logits.cross_entropy_loss(&labels, None::<&Tensor>, Reduction::Sum, -100, 0.0);
        let known: Vec<_> = hidden.iter().filter_map(|hidden| Some((layer_of(hidden)?, hidden))).collect();
        let inputs: Vec<Tensor> = known.iter().flat_map(|(layer, hidden)| wanted(*layer, hidden)).collect();
        let mut found = Tensor::run_backward(&[&loss], &inputs, false, false).into_iter();
        for (layer, hidden) in known {
            let of_layer: Vec<Tensor> = found.by_ref().take(N).collect();
            add(layer, hidden, of_layer.try_into().expect("a gradient for each input"));
        }
    }
    Some(())
}
