//! Changes to single units before a view. The checkpoint stays as it is.
//!
//! A scale is a factor of the unit's output in the forward pass; folded into the next layer's weights it would change what
//! the views of those show. A revival changes a bias.

use super::{Subject, ViewError, check_layer, check_unit, chunks};
use protocol::{ImageSplit, Surgery, UnitChange};
use tch::Kind;

/// The largest factor of a unit's output, so that the sums behind it stay finite.
const LARGEST: f64 = 1000.0;

/// Makes the changes in their order: of one unit, scales are multiplied, and a revival is by the network as the changes
/// before it have left it.
pub(super) fn apply(subject: &mut Subject, changes: &[UnitChange]) -> Result<(), ViewError> {
    for UnitChange { layer, unit, change } in changes.iter().copied() {
        let units = check_layer(&subject.net.hidden_layers(), "hidden layer", layer)?;
        check_unit(layer, unit, units)?;
        let (name, unit) = (layer.to_string(), i64::from(unit));
        match change {
            Surgery::Scale(factor) => {
                let all = subject.net.scale_unit(&name, unit, factor.into());
                if !(-LARGEST..=LARGEST).contains(&all) {
                    let message = format!(
                        "the output of {layer} unit {unit} can't be multiplied by {all}; take a factor from -{LARGEST} \
                         to {LARGEST}"
                    );
                    return Err(ViewError::Question(message));
                }
            }
            Surgery::Revive => {
                let mean = mean_preactivation(subject, &name, unit);
                subject.net.shift_unit(&name, unit, -mean);
            }
        }
    }
    Ok(())
}

/// Of a unit over the first validation images, of a map over all its pixels too.
fn mean_preactivation(subject: &Subject, name: &str, unit: i64) -> f64 {
    let images = subject.sample(ImageSplit::Validation);
    let _guard = tch::no_grad_guard();
    let (mut sum, mut count) = (0.0, 0);
    for (start, length) in chunks(images.len()) {
        let z = subject.net.preactivations(name, &subject.inputs(&images, start, length)).narrow(1, unit, 1);
        sum += z.sum(Kind::Double).double_value(&[]);
        count += z.numel();
    }
    sum / count.max(1) as f64
}
