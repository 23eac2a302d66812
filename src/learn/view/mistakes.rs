//! The images of a split that get a wrong answer.

use super::answers::{largest, probabilities, truths};
use super::{Subject, seen_shape, stored};
use protocol::{ImageSplit, Mistake, Seen};

/// The most that are listed, as `relu view --help` and the README say: a network that has learned nothing gets nearly all
/// wrong.
const MOST: usize = 500;

pub(super) fn mistakes(subject: &Subject, split: ImageSplit, should_stop: &mut dyn FnMut() -> bool) -> Option<Seen> {
    let classes = subject.classes();
    let answers = probabilities(subject, split, should_stop)?;
    let images = subject.split(split);
    let (mut wrong, mut mistakes) = (0, Vec::new());
    let rows = truths(subject, split).into_iter().zip(answers.chunks_exact(classes.len().max(1)));
    for (number, (truth, of_image)) in rows.enumerate() {
        let answer = largest(of_image);
        if answer == truth {
            continue;
        }
        wrong += 1;
        if mistakes.len() < MOST {
            let (pixels, probabilities) = (stored(&images, number as i64), of_image.to_vec());
            mistakes.push(Mistake { number: number as u32, truth, answer, probabilities, pixels });
        }
    }
    let shape = seen_shape(images.shape());
    Some(Seen::Mistakes { split, images: images.len() as u32, classes, shape, wrong, mistakes })
}
