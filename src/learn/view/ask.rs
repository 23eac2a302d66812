//! The answer to one image.

use super::{Subject, ViewError, values};
use protocol::{Seen, ViewImage};
use tch::Kind;

pub(super) fn ask(subject: &Subject, image: &ViewImage) -> Result<Seen, ViewError> {
    let (image, x, truth) = subject.image(image)?;
    let logits = tch::no_grad(|| subject.net.logits(&x)); // (1, classes)
    let probabilities = values(&logits.softmax(-1, Kind::Float));
    Ok(Seen::Ask {
        classes: subject.classes(),
        answer: super::answers::largest(&probabilities),
        probabilities,
        truth,
        image,
    })
}
