//! The fully connected network that experiments share; its weights come from our own generator.

use super::ExperimentError;
use super::summary::Absent;
use crate::{Split, activation, optim::Sgd, random::Purpose, random::Random};
use protocol::{Activation, Init};
use tch::{Kind, Tensor};

/// Pixels of an image as stored.
const PIXELS: usize = 28 * 28;

/// The first `count` images, unpadded: (count, 784) in [0, 1].
pub fn digits(split: &Split, count: u32) -> Tensor {
    let bytes = Tensor::from_slice(&split.pixels()[..count as usize * PIXELS]);
    bytes.to_kind(Kind::Float).view([-1, PIXELS as i64]).divide_scalar_(255.0)
}

/// Images and labels of the first `count` of a split, as `digits` has them.
pub fn labelled(split: &Split, count: u32) -> (Tensor, Tensor) {
    (digits(split, count), split.labels.narrow(0, 0, count.into()))
}

pub struct Mlp {
    /// (out, in) each.
    pub weights: Vec<Tensor>,
    /// (out) each, zero before training.
    pub biases: Vec<Tensor>,
    pub activation: Activation,
    /// Whether every second hidden unit's output is negated (Glorot et al. 2011: to centre a rectifier's code).
    pub negate_half: bool,
    /// Units of a hidden layer that may answer an image, the largest; all if `None`.
    pub winners: Option<i64>,
    /// Taken off what every hidden unit hands on.
    pub offset: f64,
}

impl Mlp {
    /// `sizes` from the inputs to the outputs.
    pub fn new(sizes: &[i64], activation: Activation, init: Init, random: &mut Random) -> Self {
        let weights = sizes.windows(2).map(|pair| weight(pair[0], pair[1], init, random)).collect();
        let biases = sizes[1..].iter().map(|&size| Tensor::zeros([size], (Kind::Float, tch::Device::Cpu))).collect();
        Self { weights, biases, activation, negate_half: false, winners: None, offset: 0.0 }
    }

    /// Pre-activations z of every layer, (batch, units); the last are the logits.
    pub fn forward(&self, x: &Tensor) -> Vec<Tensor> {
        let mut z: Vec<Tensor> = Vec::with_capacity(self.weights.len());
        for (w, b) in self.weights.iter().zip(&self.biases) {
            let next = match z.last() {
                None => x.linear(w, Some(b)),
                Some(z) => self.output(z).linear(w, Some(b)),
            };
            z.push(next);
        }
        z
    }

    /// What a hidden layer hands on: phi(z) less the offset, every second unit negated if so built.
    pub fn output(&self, z: &Tensor) -> Tensor {
        let mut h = activation::apply_fast(self.activation, z);
        if let Some(winners) = self.winners {
            let (_, largest) = tch::no_grad(|| h.topk(winners, 1, true, false));
            let stays = tch::no_grad(|| h.zeros_like()).scatter_value(1, &largest, 1.0);
            // Not in place: the activation's own gradient needs its output.
            h = &h * stays;
        }
        if self.offset != 0.0 {
            // Not in place, for the same reason.
            h = &h - self.offset;
        }
        if self.negate_half { h * signs(z.size()[1]) } else { h }
    }

    pub fn logits(&self, x: &Tensor) -> Tensor {
        self.forward(x).pop().unwrap_or_else(|| x.shallow_clone())
    }

    /// Percent of the images that it takes for another digit. No gradient is kept.
    pub fn error(&self, x: &Tensor, labels: &Tensor) -> f64 {
        tch::no_grad(|| 100.0 * mean(&self.logits(x).argmax(1, false).ne_tensor(labels)))
    }

    /// Weights and biases, layer by layer, as one list of leaves that gradients are taken of.
    pub fn parameters(&self) -> Vec<Tensor> {
        self.weights
            .iter()
            .zip(&self.biases)
            .flat_map(|(w, b)| [w, b])
            .map(|p| p.shallow_clone().set_requires_grad(true))
            .collect()
    }
}

/// +1, -1, +1, ...: (units).
fn signs(units: i64) -> Tensor {
    1.0 - Tensor::arange(units, (Kind::Float, tch::Device::Cpu)).remainder(2.0) * 2.0
}

/// How stochastic gradient descent is run.
#[derive(Clone, Copy, Debug)]
pub struct Training {
    pub epochs: u32,
    pub batch: i64,
    pub learning_rate: f64,
    pub momentum: f64,
    pub seed: u64,
}

/// What an experiment may change in the loop. Each method's default is plain training.
pub trait Recipe {
    /// The batch as the network is to see it: noise, augmentation.
    fn input(&mut self, x: Tensor) -> Tensor {
        x
    }

    /// A scalar.
    fn loss(&mut self, net: &Mlp, x: &Tensor, labels: &Tensor) -> Tensor {
        net.logits(x).cross_entropy_for_logits(labels)
    }

    /// What is trained beside the network's own weights.
    fn parameters(&self) -> Vec<Tensor> {
        Vec::new()
    }

    fn learning_rate(&self, how: &Training, _epoch: u32) -> f64 {
        how.learning_rate
    }

    /// After every step; `done` is the share of the training that is over.
    fn after_step(&mut self, _done: f64) -> Result<(), ExperimentError> {
        Ok(())
    }

    /// After every epoch, counted from 1, with the mean loss of its batches.
    fn after_epoch(&mut self, _net: &Mlp, _epoch: u32, _loss: f64) -> Result<(), ExperimentError> {
        Ok(())
    }
}

/// How a training ended: to its last epoch, or before, when the loss or a weight left the finite numbers. What a diverged
/// network answers is no measurement.
pub type Trained = Result<(), Absent>;

/// Trains on `images` (count, 784) and `labels` (count), in an order of the seed's own each epoch. Ends early if the network
/// diverges; the recipe then hears of no further epoch.
pub fn train(
    net: &mut Mlp,
    images: &Tensor,
    labels: &Tensor,
    how: &Training,
    recipe: &mut dyn Recipe,
) -> Result<Trained, ExperimentError> {
    let mut parameters = net.parameters();
    parameters.extend(recipe.parameters());
    let trained = descend(net, &mut parameters, images, labels, how, recipe)?;
    for parameter in parameters {
        let _ = parameter.set_requires_grad(false);
    }
    Ok(trained)
}

fn descend(
    net: &mut Mlp,
    parameters: &mut [Tensor],
    images: &Tensor,
    labels: &Tensor,
    how: &Training,
    recipe: &mut dyn Recipe,
) -> Result<Trained, ExperimentError> {
    let count = labels.size()[0] as usize;
    let batches = count.div_ceil(how.batch as usize);
    let mut descent = Sgd::new(how.learning_rate, how.momentum);
    for epoch in 1..=how.epochs {
        descent.learning_rate = recipe.learning_rate(how, epoch);
        let shuffle = Random::new(how.seed, Purpose::Shuffle { epoch }).permutation(count as u32);
        let mut sum = 0.0;
        for (at, pick) in shuffle.chunks(how.batch as usize).enumerate() {
            // A batch at a time: a shuffled copy of all images is as large as they are, for each network in training.
            let pick = Tensor::from_slice(pick);
            let x = recipe.input(images.index_select(0, &pick));
            let loss = recipe.loss(net, &x, &labels.index_select(0, &pick));
            let value = loss.double_value(&[]);
            if !value.is_finite() {
                return Ok(Err(Absent::Diverged { epoch }));
            }
            sum += value;
            let gradients = Tensor::run_backward(&[loss], parameters, false, false);
            descent.step(parameters, &gradients);
            let done = f64::from(epoch - 1) + (at + 1) as f64 / batches as f64;
            recipe.after_step(done / f64::from(how.epochs))?;
        }
        // The last step of an epoch may overflow though its loss did not.
        if !are_finite(parameters) {
            return Ok(Err(Absent::Diverged { epoch }));
        }
        recipe.after_epoch(net, epoch, sum / batches as f64)?;
    }
    Ok(Ok(()))
}

/// Whether every element of every tensor is finite.
pub fn are_finite(tensors: &[Tensor]) -> bool {
    tensors.iter().all(|tensor| tensor.isfinite().all().int64_value(&[]) == 1)
}

fn weight(fan_in: i64, fan_out: i64, init: Init, random: &mut Random) -> Tensor {
    let (n, m) = (fan_in as f64, fan_out as f64);
    let count = (fan_in * fan_out) as usize;
    let mut normal = |deviation: f64| (0..count).map(|_| random.normal() * deviation as f32).collect::<Vec<f32>>();
    let values = match init {
        Init::He => normal((2.0 / n).sqrt()),
        Init::Orthogonal => {
            // Q of a Gaussian matrix, the signs of R's diagonal taken out (Mezzadri 2007).
            let tall = Tensor::from_slice(&normal(1.0)).reshape([fan_in.max(fan_out), fan_in.min(fan_out)]);
            let (q, r) = Tensor::linalg_qr(&tall, "reduced");
            let q = q * r.diagonal(0, 0, 1).sign();
            return if fan_out >= fan_in { q } else { q.tr().contiguous() };
        }
        Init::Standard | Init::Xavier => {
            let bound = if init == Init::Standard { n.recip().sqrt() } else { (6.0 / (n + m)).sqrt() } as f32;
            (0..count).map(|_| random.between(-bound, bound)).collect()
        }
    };
    Tensor::from_slice(&values).reshape([fan_out, fan_in])
}

/// The mean over all elements.
pub fn mean(x: &Tensor) -> f64 {
    x.to_kind(Kind::Double).mean(Kind::Double).double_value(&[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dataset, model::PADDING};
    use protocol::DataSource;

    struct Plain(Vec<f64>);

    impl Recipe for Plain {
        fn after_epoch(&mut self, _: &Mlp, _: u32, loss: f64) -> Result<(), ExperimentError> {
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
            let mut net = Mlp::new(&[784, 50, 10], Activation::Relu, Init::He, &mut random);
            let mut recipe = Plain(Vec::new());
            train(&mut net, &images, &labels, &how, &mut recipe).unwrap().unwrap();
            (recipe.0, net.error(&images, &labels), net)
        };
        let (losses, error, net) = run();
        let (again, _, other) = run();
        assert!(losses[2] < losses[0] && error < 15.0, "{losses:?}, {error} %");
        assert_eq!(losses, again);
        assert!(net.weights.iter().zip(&other.weights).all(|(a, b)| a.equal(b)));
    }

    #[test]
    fn a_network_that_diverges_ends_with_its_epoch() {
        let data = Dataset::load(&DataSource::Mnist).unwrap();
        let (images, labels) = labelled(data.training(), 200);
        let how = Training { epochs: 5, batch: 50, learning_rate: 1e30, momentum: 0.0, seed: 1 };
        let mut net =
            Mlp::new(&[784, 20, 10], Activation::Relu, Init::He, &mut Random::new(1, Purpose::InitialWeights));
        let mut recipe = Plain(Vec::new());
        let trained = train(&mut net, &images, &labels, &how, &mut recipe).unwrap();
        assert_eq!(trained, Err(Absent::Diverged { epoch: 1 }));
        assert!(recipe.0.is_empty(), "an epoch that did not end has no loss");
    }

    /// The race's own pixels without their border, to the bit.
    #[test]
    fn digits_are_the_images_without_their_border() {
        let data = Dataset::load(&DataSource::Mnist).unwrap();
        let split = data.test().narrow(500, 100);
        let inside =
            split.images(&(0..90).collect::<Vec<_>>(), PADDING).narrow(2, 2, 28).narrow(3, 2, 28).reshape([-1, 784]);
        assert!(digits(&split, 90).equal(&inside));
    }

    #[test]
    fn every_second_unit_is_negated() {
        let net = Mlp {
            negate_half: true,
            ..Mlp::new(&[2, 3, 1], Activation::Relu, Init::He, &mut Random::new(1, Purpose::InitialWeights))
        };
        let h = net.output(&Tensor::from_slice(&[1.0_f32, 2.0, 3.0]).reshape([1, 3]));
        assert_eq!(h, Tensor::from_slice(&[1.0_f32, -2.0, 3.0]).reshape([1, 3]));
    }
}
