//! The network of a lane together with what computes it: LibTorch throughout, or with its large layers fused.

use super::data::Split;
use super::fused::FusedLeNet4;
use super::model::{LeNet4, PADDING};
use protocol::Backend;
use std::fmt;
use tch::Tensor;

/// Logits and gradients, whichever way.
pub struct Engine {
    pub net: LeNet4,
    form: Form,
}

enum Form {
    Fused(Box<FusedLeNet4>),
    /// As asked for, or because the fused form does not fit.
    Libtorch(Option<Misfit>),
}

/// Why LibTorch takes over where the fused form is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// The fused layers compute on the lane's own thread, LibTorch's on as many as a lane is given.
    Threads,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Threads => "threads > 1",
        })
    }
}

/// Why the fused form is not for such a lane, if it is not. Widths are no reason: it is the faster one up to the widest
/// that a spec may have (`cargo bench --bench epoch -- 3 256,256,4096 100 300`), though by less.
fn misfit(threads: u32) -> Option<Misfit> {
    (threads > 1).then_some(Misfit::Threads)
}

impl Engine {
    /// `threads` are those that LibTorch has in this lane.
    pub fn new(net: LeNet4, backend: Backend, threads: u32) -> Self {
        let form = match (backend, misfit(threads)) {
            (Backend::Libtorch, _) => Form::Libtorch(None),
            (Backend::Fused, Some(why)) => Form::Libtorch(Some(why)),
            (Backend::Fused, None) => {
                let fused = Box::new(FusedLeNet4::new(net.widths));
                return Self { net: net.laid_out_for_fusion(), form: Form::Fused(fused) };
            }
        };
        Self { net, form }
    }

    /// What really runs, for readers and for the comparison of a resumed run with its beginning: `libtorch`, with the
    /// reason if it was not asked for, or `fused` with its vector instructions.
    pub fn name(&self) -> String {
        match &self.form {
            Form::Libtorch(None) => Backend::Libtorch.to_string(),
            Form::Libtorch(Some(why)) => format!("{} ({why})", Backend::Libtorch),
            Form::Fused(fused) => format!("{} ({})", Backend::Fused, fused.instruction_set().name()),
        }
    }

    /// Logits of the picked images of a split: (picked, 10).
    pub fn logits(&mut self, split: &Split, pick: &[i64]) -> Tensor {
        match &mut self.form {
            Form::Libtorch(_) => self.net.logits(&split.images(pick, PADDING)),
            Form::Fused(fused) => fused.logits(&self.net, split.pixels(), pick),
        }
    }

    /// Gradients of a loss over the last logits, in the order of the network's parameters.
    pub fn gradients(&mut self, loss: &Tensor) -> Vec<Tensor> {
        match &mut self.form {
            Form::Libtorch(_) => Tensor::run_backward(&[loss], &self.net.parameters.each_ref(), false, false),
            Form::Fused(fused) => fused.gradients(&self.net, loss).into(),
        }
    }
}
