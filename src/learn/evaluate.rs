//! How often a network is wrong.

use super::data::Split;
use protocol::ImageSet;
use tch::{Kind, Tensor};

/// Images a forward pass: about a training batch, whose layers stay in the cache, and a multiple of every vector's lanes.
const CHUNK: i64 = 112;

/// What a network makes of a split.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Percent of the images whose largest logit is not their label's.
    pub error: f64,
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// The images that it gets wrong.
    pub wrong: ImageSet,
}

/// Evaluates a split. `logits` gets places in it; `should_stop` is asked before each forward pass; `None` once it says so.
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

/// How many logits are largest for another class than the label's.
pub fn count_wrong(logits: &Tensor, labels: &Tensor) -> i64 {
    logits.argmax(1, false).not_equal_tensor(labels).sum(Kind::Int64).int64_value(&[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dataset;
    use protocol::DataSource;
    use tch::{Device, Kind};

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
