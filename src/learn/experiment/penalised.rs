//! The L1 penalty on activity (Glorot et al. 2011, section 4).

use super::ExperimentError;
use super::bench::Part;
use super::mlp::{Recipe, pre_activations};
use crate::network::Network;
use tch::{Kind, Tensor};

/// Cross-entropy and a penalty on every hidden output. Its weight rises over the first half of the training, because
/// the full penalty at the start silences every unit before it has learned anything.
pub struct Penalised<'a> {
    penalty: f64,
    done: f64,
    part: &'a Part<'a>,
}

impl<'a> Penalised<'a> {
    pub fn new(penalty: f64, part: &'a Part<'a>) -> Self {
        Self { penalty, done: 0.0, part }
    }
}

impl Recipe for Penalised<'_> {
    fn loss(&mut self, net: &Network, x: &Tensor, labels: &Tensor) -> Tensor {
        let z = pre_activations(net, x);
        let hidden = &z[..z.len() - 1];
        let loss = z[z.len() - 1].cross_entropy_for_logits(labels);
        if self.penalty == 0.0 {
            return loss;
        }
        // |h| is relu(z), for negated units too.
        let activity: Tensor = hidden.iter().map(|z| z.relu().sum(Kind::Float)).sum();
        loss + activity * (self.penalty * (2.0 * self.done).min(1.0) / x.size()[0] as f64)
    }

    fn after_step(&mut self, done: f64) -> Result<(), ExperimentError> {
        self.done = done;
        self.part.step(done)
    }
}
