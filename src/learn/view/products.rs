//! How one output of a layer is computed, as a sum of products.

use super::{Subject, ViewError, check_layer, check_unit, values};
use crate::activation;
use crate::network::Layer as NetworkLayer;
use crate::train::activation_of;
use protocol::{Layer, Seen, SeenProducts, ViewImage};
use tch::Tensor;

pub(super) fn products(
    subject: &Subject,
    image: &ViewImage,
    layer: Layer,
    unit: u32,
    place: [u32; 2],
) -> Result<Seen, ViewError> {
    let net = &subject.net;
    let (_, image, _) = subject.image(image)?;
    check_unit(layer, unit, check_layer(&net.weighted_layers(), "layer", layer)?)?;
    let (name, at) = (layer.to_string(), i64::from(unit));
    let _guard = tch::no_grad_guard();
    // (1, inputs, height, width), or (1, features)
    let input = net.input_of(&name, &image);
    // (1, units, height, width), or (1, units)
    let sums = net.sums_of(&name, &input);
    let [height, width] = [2, 3].map(|at| sums.size().get(at).copied().unwrap_or(1));
    let [row, column] = place.map(i64::from);
    if row >= height || column >= width {
        let why = if sums.dim() == 2 {
            format!("{layer} has one output a unit; take row 0 and column 0")
        } else {
            format!(
                "the maps of {layer} have no place in row {row}, column {column}: rows are counted from 0 to {}, columns \
                 to {}",
                height - 1,
                width - 1
            )
        };
        return Err(ViewError::Question(why));
    }
    let weights = net.parameter(&format!("{name}.weight")).select(0, at); // (inputs, side, side), or (features)
    let (x, z) = if sums.dim() == 2 {
        (input.squeeze_dim(0), sums.select(0, 0).select(0, at))
    } else {
        let side = weights.size()[1];
        let padded = input.constant_pad_nd([padding_of(subject, &name); 4]);
        let patch = padded.narrow(2, row, side).narrow(3, column, side).squeeze_dim(0);
        (patch, sums.select(0, 0).select(0, at).select(0, row).select(0, column))
    };
    let is_hidden = net.hidden_layers().iter().any(|(hidden, _)| *hidden == name);
    let activation = is_hidden.then(|| activation_of(net, layer));
    let y = activation.map_or_else(|| z.shallow_clone(), |phi| activation::apply(phi, &z) * net.gain(&name, at));
    let one = |value: &Tensor| value.double_value(&[]) as f32;
    Ok(Seen::Products(SeenProducts {
        layer,
        unit,
        row: place[0],
        column: place[1],
        height: height as u32,
        width: width as u32,
        activation,
        inputs: weights.size()[0] as u32,
        side: weights.size().get(1).copied().unwrap_or(1) as u32,
        x: values(&x),
        weights: values(&weights),
        bias: net.parameter(&format!("{name}.bias")).double_value(&[at]) as f32,
        z: one(&z),
        y: one(&y),
    }))
}

/// The zeros at each side of a convolution's maps.
fn padding_of(subject: &Subject, name: &str) -> i64 {
    let mut layers = subject.net.architecture.layers.iter();
    let found = layers.find_map(|layer| match layer {
        NetworkLayer::Convolution { name: own, padding, .. } if own == name => Some(*padding),
        _ => None,
    });
    found.unwrap_or(0)
}
