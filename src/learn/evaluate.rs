//! How often a network is wrong.

use super::data::Split;
use tch::{Kind, Tensor};

/// Images a forward pass: about a training batch, whose layers stay in the cache, and a multiple of every vector's lanes.
const CHUNK: i64 = 112;

/// Percent of a split's images whose largest logit is not their label's. `logits` gets places in the split.
pub fn error_percent(split: &Split, mut logits: impl FnMut(&[i64]) -> Tensor) -> f64 {
    let _guard = tch::no_grad_guard();
    let mut wrong = 0;
    for start in (0..split.len()).step_by(CHUNK as usize) {
        let length = CHUNK.min(split.len() - start);
        let chunk: Vec<i64> = (start..start + length).collect();
        let guess = logits(&chunk).argmax(1, false);
        wrong += guess.not_equal_tensor(&split.labels.narrow(0, start, length)).sum(Kind::Int64).int64_value(&[]);
    }
    100.0 * wrong as f64 / split.len() as f64
}
