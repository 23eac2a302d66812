//! What each hidden layer makes of one image.

use super::{Subject, ViewError, layer_of, values};
use protocol::{LayerMaps, Seen, ViewImage};
use tch::Kind;

pub(super) fn maps(subject: &Subject, image: &ViewImage) -> Result<Seen, ViewError> {
    let (image, x, truth) = subject.image(image)?;
    let _guard = tch::no_grad_guard();
    let (hidden, logits) = subject.net.trace(&x);
    let layers = hidden.iter().filter_map(|layer| {
        // (1, units) or (1, units, height, width)
        let size = layer.y.size();
        let side = |at: usize| size.get(at).copied().unwrap_or(1) as u32;
        Some(LayerMaps {
            layer: layer_of(layer)?,
            units: side(1),
            height: side(2),
            width: side(3),
            z: values(&layer.z),
            y: values(&layer.y),
        })
    });
    let layers = layers.collect();
    let probabilities = values(&logits.softmax(-1, Kind::Float));
    Ok(Seen::Maps { classes: subject.classes(), image, truth, layers, probabilities })
}
