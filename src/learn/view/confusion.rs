//! How often each class is answered for each, over a whole split.

use super::Subject;
use super::answers::{largest, probabilities, truths};
use protocol::{ConfusionMatrix, ImageSplit, Seen};

pub(super) fn confusion(subject: &Subject, split: ImageSplit, should_stop: &mut dyn FnMut() -> bool) -> Option<Seen> {
    let classes = subject.classes();
    let answers = probabilities(subject, split, should_stop)?;
    let mut matrix = vec![vec![0_u32; classes.len()]; classes.len()];
    for (truth, of_image) in truths(subject, split).into_iter().zip(answers.chunks_exact(classes.len().max(1))) {
        matrix[truth as usize][largest(of_image) as usize] += 1;
    }
    Some(Seen::Confusion { split, classes, matrix: ConfusionMatrix(matrix) })
}
