//! The weights of the convolutions.

use super::{Subject, values};
use crate::network::Layer as NetworkLayer;
use protocol::{LayerFilters, Seen};

pub(super) fn filters(subject: &Subject) -> Seen {
    let net = &subject.net;
    let layers = net.architecture.layers.iter().filter_map(|layer| {
        let NetworkLayer::Convolution { name, .. } = layer else { return None };
        let weight = net.parameter(&format!("{name}.weight")); // (maps, inputs, side, side)
        let [maps, inputs, side] = [0, 1, 2].map(|at| weight.size()[at] as u32);
        let biases = values(net.parameter(&format!("{name}.bias")));
        Some(LayerFilters { layer: name.parse().ok()?, maps, inputs, side, weights: values(weight), biases })
    });
    Seen::Filters { layers: layers.collect() }
}
