//! How often each hidden unit is zero and how often saturated.

use super::{Subject, chunks, layer_of};
use crate::activation;
use crate::train::{FLAT, activation_of};
use protocol::{ImageSplit, Layer, LayerUnits, Seen};
use tch::{Kind, Tensor};

/// Counts over the images: (units).
struct Counts {
    layer: Layer,
    zeros: Tensor,
    saturated: Tensor,
    /// Outputs of a unit.
    outputs: i64,
}

pub(super) fn units(subject: &Subject, split: ImageSplit, should_stop: &mut dyn FnMut() -> bool) -> Option<Seen> {
    let images = subject.sample(split);
    let _guard = tch::no_grad_guard();
    let mut counted: Vec<Counts> = Vec::new();
    for (start, length) in chunks(images.len()) {
        if should_stop() {
            return None;
        }
        let (hidden, _) = subject.net.trace(&subject.inputs(&images, start, length));
        for (at, hidden) in hidden.iter().filter(|hidden| layer_of(hidden).is_some()).enumerate() {
            let Some(layer) = layer_of(hidden) else { continue };
            // (images, units, ...) -> (units)
            let of_units = |flags: &Tensor| flags.transpose(0, 1).flatten(1, -1).sum_dim_intlist(1, false, Kind::Int64);
            let zeros = of_units(&hidden.y.eq(0.0));
            // Of the activation alone: a unit that is scaled is not saturated by that.
            let phi = activation_of(&subject.net, layer);
            let slope = activation::slope(phi, &hidden.z, &activation::apply(phi, &hidden.z));
            let saturated = of_units(&slope.abs().lt(FLAT));
            let outputs = hidden.y.numel() as i64 / hidden.y.size()[1].max(1);
            match counted.get_mut(at) {
                Some(known) => {
                    known.zeros += zeros;
                    known.saturated += saturated;
                    known.outputs += outputs;
                }
                None => counted.push(Counts { layer, zeros, saturated, outputs }),
            }
        }
    }
    let layers = counted.into_iter().map(|Counts { layer, zeros, saturated, outputs }| {
        let share = |counts: &Tensor| -> Vec<f64> {
            super::values(counts).into_iter().map(|count| 100.0 * f64::from(count) / outputs as f64).collect()
        };
        let all_zero = |(unit, count): (usize, f32)| (count as i64 == outputs).then_some(unit as u32);
        let dead = super::values(&zeros).into_iter().enumerate().filter_map(all_zero).collect();
        LayerUnits { layer, zeros: share(&zeros), saturated: share(&saturated), dead }
    });
    Some(Seen::Units { split, images: images.len() as u32, layers: layers.collect() })
}
