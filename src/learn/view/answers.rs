//! The answers to many images: of a whole split, by the engine that trained the network, or of images from elsewhere.

use super::{Subject, ViewError, chunks, values};
use crate::data::Split;
use crate::network::Mode;
use protocol::{ImageSplit, Seen};
use tch::Kind;

/// Images a forward pass, as evaluation takes them: the fused kernels' results do not depend on it, LibTorch's last bits
/// may.
const CHUNK: i64 = 112;

/// The answers to images that are not of the data set.
pub(super) fn answers(
    subject: &Subject,
    images: &[Vec<u8>],
    should_stop: &mut dyn FnMut() -> bool,
) -> Result<Option<Seen>, ViewError> {
    for (at, pixels) in images.iter().enumerate() {
        subject.check_pixels(&format!("image {at}, counted from 0,"), pixels)?;
    }
    let split = Split::of_images(subject.data.shape(), &images.concat());
    let classes = subject.classes();
    let _guard = tch::no_grad_guard();
    let mut probabilities = Vec::with_capacity(images.len());
    for (start, length) in chunks(split.len()) {
        if should_stop() {
            return Ok(None);
        }
        let logits = subject.net.logits(&subject.inputs(&split, start, length)); // (length, classes)
        let all = values(&logits.softmax(-1, Kind::Float));
        probabilities.extend(all.chunks_exact(classes.len().max(1)).map(<[f32]>::to_vec));
    }
    Ok(Some(Seen::Answers { classes, probabilities }))
}

/// The probabilities of each image's classes: (images, classes), row-major. `None` if it was stopped.
pub(super) fn probabilities(
    subject: &Subject,
    split: ImageSplit,
    should_stop: &mut dyn FnMut() -> bool,
) -> Option<Vec<f32>> {
    let images = subject.split(split);
    let mut engine = subject.engine();
    let _guard = tch::no_grad_guard();
    let mut all = Vec::new();
    for start in (0..images.len()).step_by(CHUNK as usize) {
        if should_stop() {
            return None;
        }
        let length = CHUNK.min(images.len() - start);
        let logits = match &mut engine {
            Some(engine) => {
                let pick: Vec<i64> = (start..start + length).collect();
                engine.logits(&images, &pick, Mode::Evaluation)
            }
            None => subject.net.logits(&subject.inputs(&images, start, length)),
        };
        all.extend(values(&logits.softmax(-1, Kind::Float)));
    }
    Some(all)
}

/// The place of the largest value; of equals the first, as `argmax` has it.
pub(super) fn largest(values: &[f32]) -> u32 {
    values.iter().enumerate().fold(0, |best, (at, value)| if *value > values[best] { at } else { best }) as u32
}

/// The true classes of a split's images.
pub(super) fn truths(subject: &Subject, split: ImageSplit) -> Vec<u32> {
    let labels = subject.split(split).labels;
    let mut truths = vec![0_i64; labels.numel()];
    let count = truths.len();
    labels.contiguous().copy_data(&mut truths, count);
    truths.into_iter().map(|label| label as u32).collect()
}
