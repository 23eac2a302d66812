//! How often a network is wrong.

use super::data::Split;
use tch::{Kind, Tensor};

/// Images a forward pass: about a training batch, whose layers stay in the cache, and a multiple of every vector's lanes.
const CHUNK: i64 = 112;

/// Percent of a split's images whose largest logit is not their label's. `logits` gets places in the split; `should_stop`
/// is asked before each forward pass; `None` once it says so.
pub fn error_percent(
    split: &Split,
    mut logits: impl FnMut(&[i64]) -> Tensor,
    mut should_stop: impl FnMut() -> bool,
) -> Option<f64> {
    let _guard = tch::no_grad_guard();
    let mut wrong = 0;
    for start in (0..split.len()).step_by(CHUNK as usize) {
        if should_stop() {
            return None;
        }
        let length = CHUNK.min(split.len() - start);
        let chunk: Vec<i64> = (start..start + length).collect();
        let guess = logits(&chunk).argmax(1, false);
        wrong += guess.not_equal_tensor(&split.labels.narrow(0, start, length)).sum(Kind::Int64).int64_value(&[]);
    }
    Some(100.0 * wrong as f64 / split.len() as f64)
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
        assert_eq!(error_percent(data.test(), logits, || false), Some(90.2));
        passes.set(0);
        assert_eq!(error_percent(data.test(), logits, || passes.get() == 3), None);
        assert_eq!(passes.get(), 3);
    }
}
