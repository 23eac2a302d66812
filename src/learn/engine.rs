//! The network of a lane together with what computes it: LibTorch throughout, or with the convolutions fused.

use super::data::Split;
use super::fused::FusedLeNet4;
use super::model::LeNet4;
use crate::protocol::Backend;
use tch::Tensor;

/// Logits and gradients, whichever way.
pub struct Engine {
    pub net: LeNet4,
    fused: Option<Box<FusedLeNet4>>,
}

impl Engine {
    pub fn new(net: LeNet4, backend: Backend) -> Self {
        match backend {
            Backend::Libtorch => Self { net, fused: None },
            Backend::Fused => {
                let fused = Box::new(FusedLeNet4::new(net.widths));
                Self { net: net.laid_out_for_fusion(), fused: Some(fused) }
            }
        }
    }

    /// What really runs: `libtorch`, or `fused` with its vector instructions.
    pub fn name(&self) -> String {
        match &self.fused {
            None => Backend::Libtorch.to_string(),
            Some(fused) => format!("{} ({})", Backend::Fused, fused.instruction_set().name()),
        }
    }

    /// Logits of the picked images of a split: (picked, 10).
    pub fn logits(&mut self, split: &Split, pick: &[i64]) -> Tensor {
        match &mut self.fused {
            None => self.net.logits(&split.images().index_select(0, &Tensor::from_slice(pick))),
            Some(fused) => fused.logits(&self.net, split.digits(), pick),
        }
    }

    /// Gradients of a loss over the last logits, in the order of the network's parameters.
    pub fn gradients(&mut self, loss: &Tensor) -> Vec<Tensor> {
        match &mut self.fused {
            None => Tensor::run_backward(&[loss], &self.net.parameters.each_ref(), false, false),
            Some(fused) => fused.gradients(&self.net, loss).into(),
        }
    }
}
