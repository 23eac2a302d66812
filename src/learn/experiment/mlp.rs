//! The fully connected networks of the experiments, and how they are trained.

use super::ExperimentError;
use super::summary::Absent;
use crate::Split;
use crate::data::{ImageShape, Padding};
use crate::network::{Architecture, Network};
use crate::optim::{Sgd, SgdSettings};
use crate::random::Random;
use crate::train::{BatchPlace, Descent, EpochEnd, Objective, are_finite};
use protocol::{Activation, Init};
use std::ops::ControlFlow;
use tch::{Kind, Tensor};

/// Pixels of an image as stored.
const PIXELS: usize = 28 * 28;

/// The first `count` images, unpadded: (count, 784) in [0, 1].
pub fn digits(split: &Split, count: u32) -> Tensor {
    let bytes = Tensor::from_slice(&split.pixels()[..count as usize * PIXELS]);
    bytes.to_kind(Kind::Float).view([-1, PIXELS as i64]).divide_scalar_(255.0)
}

/// Images and labels of the first `count` of a split, in the form of `digits`.
pub fn labelled(split: &Split, count: u32) -> (Tensor, Tensor) {
    (digits(split, count), split.labels.narrow(0, 0, count.into()))
}

/// A fully connected network with weights of this rule. `sizes` go from the inputs to the outputs. It requires no
/// gradients until it is trained.
pub fn mlp(sizes: &[i64], activation: Activation, init: Init, random: &mut Random) -> Network {
    mlp_of(Architecture::mlp(&hidden_widths(sizes), activation, 0.0), sizes, init, random)
}

/// The same for a description with hidden layers of these sizes. Its images are unpadded.
pub fn mlp_of(mut architecture: Architecture, sizes: &[i64], init: Init, random: &mut Random) -> Network {
    architecture.padding = Padding::NONE;
    let inputs = ImageShape { channels: 1, height: 1, width: sizes[0] as usize };
    let classes = sizes[sizes.len() - 1] as usize;
    let mut net = Network::draw(architecture, inputs, classes, init, random).with_fast_activations();
    net.require_gradients(false);
    net
}

/// All sizes but the first and the last.
pub fn hidden_widths(sizes: &[i64]) -> Vec<u32> {
    sizes[1..sizes.len() - 1].iter().map(|&size| size as u32).collect()
}

/// Pre-activations z of every layer, (batch, units); the last are the logits.
pub fn pre_activations(net: &Network, x: &Tensor) -> Vec<Tensor> {
    let (hidden, logits) = net.trace(x);
    hidden.into_iter().map(|layer| layer.z).chain([logits]).collect()
}

/// The output of a hidden layer, counted from 0, for its pre-activations.
pub fn hidden_output(net: &Network, layer: usize, z: &Tensor) -> Tensor {
    net.hidden_output(&format!("fc{}", layer + 1), z)
}

/// Weights of a layer, counted from 0: (out, in).
pub fn weight(net: &Network, layer: usize) -> &Tensor {
    net.parameter(&format!("fc{}.weight", layer + 1))
}

/// Biases of a layer, counted from 0: (out).
pub fn bias(net: &Network, layer: usize) -> &Tensor {
    net.parameter(&format!("fc{}.bias", layer + 1))
}

/// Number of layers with weights: the hidden ones and the last.
pub fn layers(net: &Network) -> usize {
    net.names().iter().filter(|name| name.starts_with("fc") && name.ends_with(".weight")).count()
}

/// The activation of the hidden layers.
pub fn activation(net: &Network) -> Activation {
    net.architecture.activations.fc
}

/// Percent of the images that are misclassified. No graph is built.
pub fn error(net: &Network, x: &Tensor, labels: &Tensor) -> f64 {
    tch::no_grad(|| 100.0 * mean(&net.logits(x).argmax(1, false).ne_tensor(labels)))
}

/// Settings of stochastic gradient descent.
#[derive(Clone, Copy, Debug)]
pub struct Training {
    pub epochs: u32,
    pub batch: u32,
    pub learning_rate: f64,
    pub momentum: f64,
    pub seed: u64,
}

/// What an experiment may change in the training loop. Each method's default is plain training.
pub trait Recipe {
    /// Transforms a batch before the network gets it: noise, augmentation.
    fn input(&mut self, x: Tensor) -> Tensor {
        x
    }

    /// The loss, a scalar.
    fn loss(&mut self, net: &Network, x: &Tensor, labels: &Tensor) -> Tensor {
        net.logits(x).cross_entropy_for_logits(labels)
    }

    fn learning_rate(&self, how: &Training, _epoch: u32) -> f64 {
        how.learning_rate
    }

    /// Called after every step; `done` is the completed share of the training.
    fn after_step(&mut self, _done: f64) -> Result<(), ExperimentError> {
        Ok(())
    }

    /// Called after every epoch, counted from 1, with the mean loss of its batches.
    fn after_epoch(&mut self, _net: &Network, _epoch: u32, _loss: f64) -> Result<(), ExperimentError> {
        Ok(())
    }
}

/// How a training ended: at its last epoch, or before, when the loss or a weight was no longer finite. The output of a
/// diverged network is no measurement.
pub type Trained = Result<(), Absent>;

/// A network that is trained on labels by a recipe.
struct Supervised<'a> {
    net: &'a mut Network,
    images: &'a Tensor,
    labels: &'a Tensor,
    recipe: &'a mut dyn Recipe,
}

impl Objective for Supervised<'_> {
    fn loss(&mut self, pick: &[i64], _: BatchPlace) -> Tensor {
        // One batch at a time, as a shuffled copy of all images for each network would double the memory.
        let pick = Tensor::from_slice(pick);
        let x = self.recipe.input(self.images.index_select(0, &pick));
        self.recipe.loss(self.net, &x, &self.labels.index_select(0, &pick))
    }

    fn gradients(&mut self, loss: &Tensor) -> Vec<Tensor> {
        Tensor::run_backward(&[loss], &self.net.parameters, false, false)
    }

    fn parameters(&mut self) -> &mut [Tensor] {
        &mut self.net.parameters
    }
}

/// Trains on `images` (count, 784) and `labels` (count), in an order of the seed's own each epoch. Ends early if the
/// network diverges; no further epoch is then reported to the recipe.
pub fn train(
    net: &mut Network,
    images: &Tensor,
    labels: &Tensor,
    how: &Training,
    recipe: &mut dyn Recipe,
) -> Result<Trained, ExperimentError> {
    net.require_gradients(true);
    let mut supervised = Supervised { net: &mut *net, images, labels, recipe };
    let trained = descend(&mut supervised, how)?;
    net.require_gradients(false);
    Ok(trained)
}

fn descend(supervised: &mut Supervised, how: &Training) -> Result<Trained, ExperimentError> {
    let settings = SgdSettings { momentum: how.momentum, ..SgdSettings::default() };
    let sgd = Sgd::new(settings, supervised.net.names());
    let mut descent = Descent::new(sgd, how.seed, supervised.labels.size()[0] as u32, how.batch);
    let batches = f64::from(descent.batches());
    for epoch in 1..=how.epochs {
        let rate = supervised.recipe.learning_rate(how, epoch);
        let mut sum = 0.0;
        let end = descent.epoch(
            supervised,
            epoch,
            0,
            |_| rate,
            |supervised, _, place, _, loss| {
                sum += loss;
                let done = f64::from(epoch - 1) + f64::from(place.batch + 1) / batches;
                match supervised.recipe.after_step(done / f64::from(how.epochs)) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => ControlFlow::Break(error),
                }
            },
        );
        match end {
            EpochEnd::Broken(error) => return Err(error),
            // The last step of an epoch may overflow although its loss was finite.
            EpochEnd::Done if are_finite(&supervised.net.parameters) => {}
            EpochEnd::Done | EpochEnd::Diverged { .. } => return Ok(Err(Absent::Diverged { epoch })),
        }
        supervised.recipe.after_epoch(supervised.net, epoch, sum / batches)?;
    }
    Ok(Ok(()))
}

/// The mean over all elements.
pub fn mean(x: &Tensor) -> f64 {
    x.to_kind(Kind::Double).mean(Kind::Double).double_value(&[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dataset;
    use crate::random::Purpose;
    use protocol::DataSource;

    struct Plain(Vec<f64>);

    impl Recipe for Plain {
        fn after_epoch(&mut self, _: &Network, _: u32, loss: f64) -> Result<(), ExperimentError> {
            self.0.push(loss);
            Ok(())
        }
    }

    /// The same seed gives the same network, to the bit; and it learns.
    #[test]
    fn it_learns_and_repeats() {
        let data = Dataset::load(&DataSource::Mnist).unwrap();
        let (images, labels) = labelled(data.training(), 1000);
        let how = Training { epochs: 3, batch: 32, learning_rate: 0.1, momentum: 0.9, seed: 7 };
        let run = || {
            let mut random = Random::new(7, Purpose::InitialWeights);
            let mut net = mlp(&[784, 50, 10], Activation::Relu, Init::He, &mut random);
            let mut recipe = Plain(Vec::new());
            train(&mut net, &images, &labels, &how, &mut recipe).unwrap().unwrap();
            (recipe.0, error(&net, &images, &labels), net)
        };
        let (losses, wrong, net) = run();
        let (again, _, other) = run();
        assert!(losses[2] < losses[0] && wrong < 15.0, "{losses:?}, {wrong} %");
        assert_eq!(losses, again);
        assert!(net.parameters.iter().zip(&other.parameters).all(|(a, b)| a.equal(b)));
    }

    #[test]
    fn a_network_that_diverges_ends_with_its_epoch() {
        let data = Dataset::load(&DataSource::Mnist).unwrap();
        let (images, labels) = labelled(data.training(), 200);
        let how = Training { epochs: 5, batch: 50, learning_rate: 1e30, momentum: 0.0, seed: 1 };
        let mut net = mlp(&[784, 20, 10], Activation::Relu, Init::He, &mut Random::new(1, Purpose::InitialWeights));
        let mut recipe = Plain(Vec::new());
        let trained = train(&mut net, &images, &labels, &how, &mut recipe).unwrap();
        assert_eq!(trained, Err(Absent::Diverged { epoch: 1 }));
        assert!(recipe.0.is_empty(), "an epoch that did not end has no loss");
    }

    /// The pixels of a lane without their border, to the bit.
    #[test]
    fn digits_are_the_images_without_their_border() {
        let data = Dataset::load(&DataSource::Mnist).unwrap();
        let split = data.test().narrow(500, 100);
        let inside = split
            .images(&(0..90).collect::<Vec<_>>(), Padding::STANDARD)
            .narrow(2, 2, 28)
            .narrow(3, 2, 28)
            .reshape([-1, 784]);
        assert!(digits(&split, 90).equal(&inside));
    }
}
