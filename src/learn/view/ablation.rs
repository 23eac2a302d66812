//! What is lost without each unit of a layer.

use super::{Subject, ViewError, check_layer, chunks, layer_of};
use protocol::{Ablated, ImageSplit, Layer, Seen};
use tch::{Kind, Reduction, Tensor};

pub(super) fn ablation(
    subject: &Subject,
    layer: Layer,
    split: ImageSplit,
    should_stop: &mut dyn FnMut() -> bool,
) -> Result<Option<Seen>, ViewError> {
    let images = subject.sample(split);
    let units = check_layer(&subject.net.hidden_layers(), "hidden layer", layer)?;
    let _guard = tch::no_grad_guard();
    // Wrong answers and summed losses: of the whole network first, then without each unit.
    let mut sums = vec![(0_i64, 0.0_f64); units as usize + 1];
    let name = layer.to_string();
    for (start, length) in chunks(images.len()) {
        let labels = images.labels.narrow(0, start, length);
        let (hidden, _) = subject.net.trace(&subject.inputs(&images, start, length));
        let Some(output) = hidden.iter().find(|hidden| layer_of(hidden) == Some(layer)).map(|hidden| &hidden.y) else {
            continue;
        };
        for (at, (wrong, loss)) in sums.iter_mut().enumerate() {
            if should_stop() {
                return Ok(None);
            }
            let y = if let Some(unit) = at.checked_sub(1) {
                let y = output.copy();
                let _ = y.narrow(1, unit as i64, 1).zero_();
                y
            } else {
                output.shallow_clone()
            };
            let logits = subject.net.logits_after(&name, &y);
            *wrong += logits.argmax(1, false).not_equal_tensor(&labels).sum(Kind::Int64).int64_value(&[]);
            *loss += logits.cross_entropy_loss(&labels, None::<&Tensor>, Reduction::Sum, -100, 0.0).double_value(&[]);
        }
    }
    let count = images.len().max(1) as f64;
    let mut of =
        sums.into_iter().map(|(wrong, loss)| Ablated { error: 100.0 * wrong as f64 / count, loss: loss / count });
    let Ablated { error, loss } = of.next().unwrap_or(Ablated { error: 0.0, loss: 0.0 });
    Ok(Some(Seen::Ablation { layer, split, images: images.len() as u32, error, loss, units: of.collect() }))
}
