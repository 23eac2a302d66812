//! The size of the loss's gradient in each hidden layer.

use super::{Subject, chunks, layer_of};
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
    let images = subject.sample(split);
    let mut sums: Vec<Sums> = Vec::new();
    for (start, length) in chunks(images.len()) {
        if should_stop() {
            return None;
        }
        let x = subject.inputs(&images, start, length);
        let (hidden, logits) = subject.net.trace(&x);
        let labels = images.labels.narrow(0, start, length);
        // Summed, so that the gradient at an image's pre-activations is that of its own loss.
        let loss = logits.cross_entropy_loss(&labels, None::<&Tensor>, Reduction::Sum, -100, 0.0);
        let known: Vec<_> = hidden.iter().filter_map(|hidden| Some((layer_of(hidden)?, hidden))).collect();
        let weight = |layer: &Layer| subject.net.parameter(&format!("{layer}.weight"));
        let wanted: Vec<&Tensor> =
            known.iter().map(|(layer, _)| weight(layer)).chain(known.iter().map(|(_, hidden)| &hidden.z)).collect();
        let found = Tensor::run_backward(&[&loss], &wanted, false, false);
        let (of_weights, of_z) = found.split_at(known.len());
        for (at, ((layer, _), (weights, z))) in known.iter().zip(of_weights.iter().zip(of_z)).enumerate() {
            let (squares, count) = (z.square().sum(Kind::Double).double_value(&[]), z.numel() as f64);
            match sums.get_mut(at) {
                Some(sum) => {
                    sum.weights = &sum.weights + weights;
                    sum.squares += squares;
                    sum.count += count;
                }
                None => sums.push(Sums { layer: *layer, weights: weights.copy(), squares, count }),
            }
        }
    }
    let count = images.len().max(1) as f64;
    let layers = sums.into_iter().map(|Sums { layer, weights, squares, count: values }| LayerGradients {
        layer,
        weights: weights.square().mean(Kind::Double).double_value(&[]).sqrt() / count,
        z: (squares / values.max(1.0)).sqrt(),
    });
    Some(Seen::Gradients { split, images: images.len() as u32, layers: layers.collect() })
}
