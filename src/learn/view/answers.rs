//! The answers to all images of a split, by the engine that trained the network.

use super::{Subject, values};
use crate::network::Mode;
use protocol::ImageSplit;
use tch::Kind;

/// Images a forward pass, as evaluation takes them: the fused kernels' results do not depend on it, LibTorch's last bits
/// may.
const CHUNK: i64 = 112;

/// The probabilities of each image's classes: (images, classes), row-major. `None` if it was stopped.
pub(super) fn probabilities(
    subject: &mut Subject,
    split: ImageSplit,
    should_stop: &mut dyn FnMut() -> bool,
) -> Option<Vec<f32>> {
    let images = subject.split(split);
    let _guard = tch::no_grad_guard();
    let mut all = Vec::new();
    for start in (0..images.len()).step_by(CHUNK as usize) {
        if should_stop() {
            return None;
        }
        let pick: Vec<i64> = (start..(start + CHUNK).min(images.len())).collect();
        let logits = subject.engine.logits(&images, &pick, Mode::Evaluation);
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
