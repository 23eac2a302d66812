//! The training loop: gradient descent through the shuffled batches of an epoch.

use crate::optim::Sgd;
use crate::random::{Purpose, Random};
use std::ops::ControlFlow;
use tch::Tensor;

/// The position of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPlace {
    /// Counted from 1.
    pub epoch: u32,
    /// In the epoch, counted from 0.
    pub batch: u32,
}

/// What is minimised: a network's loss on a batch, with anything that an experiment adds to it.
pub trait Objective {
    /// The mean loss of the picked images, a scalar.
    fn loss(&mut self, pick: &[i64], place: BatchPlace) -> Tensor;

    /// The gradients of the last loss, in the order of the parameters.
    fn gradients(&mut self, loss: &Tensor) -> Vec<Tensor>;

    fn parameters(&mut self) -> &mut [Tensor];
}

/// One step of gradient descent on one batch. Returns its mean loss. If the loss is not finite, nothing is changed.
pub fn step(objective: &mut impl Objective, sgd: &mut Sgd, rate: f64, pick: &[i64], place: BatchPlace) -> f64 {
    let loss = objective.loss(pick, place);
    let value = loss.double_value(&[]);
    if value.is_finite() {
        let gradients = objective.gradients(&loss);
        sgd.step(objective.parameters(), &gradients, rate);
    }
    value
}

/// Gradient descent through a set of images, in an order of the seed's own each epoch.
#[derive(Debug)]
pub struct Descent {
    pub sgd: Sgd,
    seed: u64,
    images: u32,
    batch: u32,
}

/// How an epoch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpochEnd<B> {
    /// All batches are done.
    Done,
    /// The loss was not finite at this batch.
    Diverged { batch: u32 },
    /// Ended by the caller after a batch.
    Broken(B),
}

impl Descent {
    pub fn new(sgd: Sgd, seed: u64, images: u32, batch: u32) -> Self {
        Self { sgd, seed, images, batch: batch.max(1) }
    }

    /// Steps per epoch; the last batch may be partial.
    pub fn batches(&self) -> u32 {
        self.images.div_ceil(self.batch)
    }

    /// Runs the rest of an epoch (counted from 1) from a batch (counted from 0). `rate` returns the learning rate of
    /// each batch; `after` gets the images and the mean loss of each, and may end the epoch.
    pub fn epoch<O: Objective, B>(
        &mut self,
        objective: &mut O,
        epoch: u32,
        first: u32,
        rate: impl Fn(BatchPlace) -> f64,
        mut after: impl FnMut(&mut O, &Sgd, BatchPlace, u32, f64) -> ControlFlow<B>,
    ) -> EpochEnd<B> {
        let order = Random::new(self.seed, Purpose::Shuffle { epoch }).permutation(self.images);
        let batches = (0..).zip(order.chunks(self.batch as usize)).skip(first as usize);
        for (batch, pick) in batches {
            let place = BatchPlace { epoch, batch };
            let loss = step(objective, &mut self.sgd, rate(place), pick, place);
            if !loss.is_finite() {
                return EpochEnd::Diverged { batch };
            }
            if let ControlFlow::Break(why) = after(objective, &self.sgd, place, pick.len() as u32, loss) {
                return EpochEnd::Broken(why);
            }
        }
        EpochEnd::Done
    }
}

/// Whether every element of every tensor is finite.
pub fn are_finite(tensors: &[Tensor]) -> bool {
    tensors.iter().all(|tensor| tensor.isfinite().all().int64_value(&[]) == 1)
}
