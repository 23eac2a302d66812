//! Evaluates a network on a split.

use super::data::Split;
use protocol::ImageSet;
use tch::{Kind, Tensor};

/// Images per forward pass: about a training batch, whose layers stay in the cache, and a multiple of every vector
/// width.
const CHUNK: i64 = 112;

/// The results of a network on a split.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Percent of the images whose largest logit is not their label's.
    pub error: f64,
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// The images that are classified wrongly.
    pub wrong: ImageSet,
}

/// Evaluates a split. `logits` gets indices of images in it. `should_stop` is called before each forward pass; if it
/// returns true, the result is `None`.
pub fn evaluate(
    split: &Split,
    mut logits: impl FnMut(&[i64]) -> Tensor,
    mut should_stop: impl FnMut() -> bool,
) -> Option<Evaluation> {
    let _guard = tch::no_grad_guard();
    let (mut wrong, mut loss) = (Vec::with_capacity(split.len() as usize), 0.0);
    for start in (0..split.len()).step_by(CHUNK as usize) {
        if should_stop() {
            return None;
        }
        let length = CHUNK.min(split.len() - start);
        let chunk: Vec<i64> = (start..start + length).collect();
        let (logits, labels) = (logits(&chunk), split.labels.narrow(0, start, length));
        let flags = logits.argmax(1, false).not_equal_tensor(&labels).to_kind(Kind::Uint8);
        let mut chunk = vec![0_u8; length as usize];
        flags.copy_data(&mut chunk, length as usize);
        wrong.extend(chunk.into_iter().map(|flag| flag == 1));
        loss += logits.cross_entropy_for_logits(&labels).double_value(&[]) * length as f64;
    }
    let count = split.len() as f64;
    let wrong: ImageSet = wrong.into_iter().collect();
    Some(Evaluation { error: 100.0 * f64::from(wrong.count()) / count, loss: loss / count, wrong })
}

/// How many logits of a small batch are largest for another class than the label's. Counted here, because LibTorch's
/// operators would take longer to call than to compute.
pub fn count_wrong(logits: &Tensor, labels: &Tensor) -> i64 {
    let (logits, labels) = (logits.detach().contiguous(), labels.contiguous());
    let (mut values, mut classes) = (vec![0.0_f32; logits.numel()], vec![0_i64; labels.numel()]);
    let (all, images) = (values.len(), classes.len());
    logits.view(-1).copy_data(&mut values, all);
    labels.copy_data(&mut classes, images);
    let largest =
        |row: &[f32]| row.iter().enumerate().fold(0, |best, (at, value)| if *value > row[best] { at } else { best });
    let guesses = values.chunks_exact(all / images.max(1)).map(largest);
    guesses.zip(classes).filter(|(guess, class)| *guess as i64 != *class).count() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dataset;
    use protocol::DataSource;
    use tch::{Device, Kind};

    #[test]
    fn wrong_logits_are_counted() {
        let logits = Tensor::from_slice(&[0.0_f32, 1.0, 0.5, 3.0, 2.0, 1.0, -1.0, -2.0, -0.5]).view([3, 3]);
        assert_eq!(count_wrong(&logits, &Tensor::from_slice(&[1_i64, 0, 2])), 0);
        assert_eq!(count_wrong(&logits, &Tensor::from_slice(&[2_i64, 0, 1])), 2);
    }

    #[test]
    fn an_evaluation_breaks_off_before_the_next_forward_pass() {
        let data = Dataset::load(&DataSource::Mnist).unwrap();
        let passes = std::cell::Cell::new(0);
        let logits = |pick: &[i64]| {
            passes.set(passes.get() + 1);
            Tensor::zeros([pick.len() as i64, 10], (Kind::Float, Device::Cpu))
        };
        // All zeros: the first logit wins, and 980 of the 10,000 test digits are zeros.
        let uniform = evaluate(data.test(), logits, || false).unwrap();
        assert!((uniform.error - 90.2).abs() < 1e-9 && (uniform.loss - 10.0_f64.ln()).abs() < 1e-6, "{uniform:?}");
        passes.set(0);
        assert_eq!(evaluate(data.test(), logits, || passes.get() == 3), None);
        assert_eq!(passes.get(), 3);
    }
}
