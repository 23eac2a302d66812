//! How the pre-activations of each hidden layer are distributed, and the gradients at them.

use super::gradients::each_gradient;
use super::{Subject, values};
use crate::train::activation_of;
use protocol::{Bins, ImageSplit, Layer, LayerHistogram, Seen};

/// Bins of a histogram.
const BINS: usize = 60;
/// The outer ends of a histogram: what the outermost thousandth on each side is beyond, and is counted in the outer bins.
const OUTER: f64 = 0.001;

/// All values of a layer.
struct Values {
    layer: Layer,
    z: Vec<f32>,
    gradient: Vec<f32>,
}

pub(super) fn histogram(subject: &Subject, split: ImageSplit, should_stop: &mut dyn FnMut() -> bool) -> Option<Seen> {
    let images = subject.backward_sample(split);
    let mut all: Vec<Values> = Vec::new();
    each_gradient(
        subject,
        &images,
        |_, hidden| [hidden.z.shallow_clone()],
        |layer, hidden, [gradient]| {
            let (z, gradient) = (values(&hidden.z), values(&gradient));
            match all.iter_mut().find(|known| known.layer == layer) {
                Some(known) => {
                    known.z.extend(z);
                    known.gradient.extend(gradient);
                }
                None => all.push(Values { layer, z, gradient }),
            }
        },
        should_stop,
    )?;
    let layers = all.into_iter().map(|Values { layer, mut z, mut gradient }| {
        let count = z.len().max(1) as f64;
        let mean = z.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
        let squares: f64 = z.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum();
        LayerHistogram {
            layer,
            activation: activation_of(&subject.net, layer),
            z: bins(&mut z),
            gradient: bins(&mut gradient),
            mean,
            deviation: (squares / count).sqrt(),
        }
    });
    Some(Seen::Histogram { split, images: images.len() as u32, layers: layers.collect() })
}

/// Counts values in bins; puts them in another order.
fn bins(values: &mut [f32]) -> Bins {
    let Some(last) = values.len().checked_sub(1) else { return Bins { from: 0.0, to: 1.0, counts: vec![0; BINS] } };
    let outer = ((last as f64) * OUTER) as usize;
    let mut at = |place: usize| f64::from(*values.select_nth_unstable_by(place, f32::total_cmp).1);
    let (mut from, mut to) = (at(outer), at(last - outer));
    if from >= to {
        // All are equal but for the outermost.
        let half = 0.5 * from.abs().max(1e-6);
        (from, to) = (from - half, to + half);
    }
    let mut counts = vec![0; BINS];
    for value in values.iter() {
        let part = (f64::from(*value) - from) / (to - from);
        counts[((part * BINS as f64) as usize).min(BINS - 1)] += 1;
    }
    Bins { from, to, counts }
}
