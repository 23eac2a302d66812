//! Stacked denoising autoencoders (Vincent et al. 2008), as Glorot et al. 2011 trained them. Layer by layer, each
//! learns to restore its input from a copy of which a quarter of the values is masked. Tanh layers restore through a
//! sigmoid, with cross-entropy; rectifier and softplus layers through a softplus, with quadratic cost.

use super::mlp::{Trained, activation, bias, hidden_output, layers, mlp, weight};
use super::summary::Absent;
use super::{ExperimentError, bench::Part};
use crate::network::Network;
use crate::optim::{Sgd, SgdSettings};
use crate::train::{BatchPlace, Descent, EpochEnd, Objective, are_finite};
use crate::{random::Purpose, random::Random};
use protocol::{Activation, Init};
use std::ops::ControlFlow;
use tch::{Device, Kind, Tensor};

/// Share of the inputs that is masked.
const MASKED: f32 = 0.25;
const BATCH: u32 = 50;
/// Of 0.001, 0.005, 0.02, 0.05 and 0.1 the rate after which all three activations fine-tune best on 1000 labels.
const RATE: f64 = 0.02;

pub struct PretrainSettings<'a> {
    pub epochs: u32,
    pub seed: u64,
    /// Weight of the L1 penalty on the code.
    pub penalty: f64,
    pub part: &'a Part<'a>,
    /// Which part of the whole item this is.
    pub share: f64,
}

/// Pre-trains every hidden layer of a network on `x`, (count, 784), without labels. The output layer is unchanged.
pub fn pretrain(net: &mut Network, x: &Tensor, how: &PretrainSettings) -> Result<Trained, ExperimentError> {
    let mut input = x.shallow_clone();
    let hidden = layers(net) - 1;
    for layer in 0..hidden {
        let trained = restore(net, layer, &input, how, layer as f64 / hidden as f64, 1.0 / hidden as f64)?;
        if trained.is_err() {
            return Ok(trained);
        }
        let z = input.linear(weight(net, layer), Some(bias(net, layer)));
        input = tch::no_grad(|| hidden_output(net, layer, &z));
    }
    Ok(Ok(()))
}

/// One hidden layer with its decoder.
struct Autoencoder<'a> {
    net: &'a Network,
    layer: usize,
    /// Weights and biases of the layer, then of the decoder.
    parameters: [Tensor; 4],
    input: &'a Tensor,
    target: Tensor,
    penalty: f64,
    seed: u64,
    /// The random generator of the current epoch.
    noise: Random,
}

impl Objective for Autoencoder<'_> {
    fn loss(&mut self, pick: &[i64], BatchPlace { epoch, batch }: BatchPlace) -> Tensor {
        if batch == 0 {
            self.noise = Random::new(self.seed, Purpose::Noise { epoch: epoch + 1000 * self.layer as u32 });
        }
        let [w, b, decoder_w, decoder_b] = &self.parameters;
        let rows = Tensor::from_slice(pick);
        let (clean, wanted) = tch::no_grad(|| (self.input.index_select(0, &rows), self.target.index_select(0, &rows)));
        let size = clean.size();
        let masked = clean * mask(size[0], size[1], &mut self.noise);
        let z = masked.linear(w, Some(b));
        let back = hidden_output(self.net, self.layer, &z).linear(decoder_w, Some(decoder_b));
        let cost = if activation(self.net) == Activation::Tanh {
            back.binary_cross_entropy_with_logits::<Tensor>(&wanted, None, None, tch::Reduction::Sum)
        } else {
            (back.softplus() - wanted).square().sum(Kind::Float)
        };
        let price = if self.penalty > 0.0 { z.relu().sum(Kind::Float) * self.penalty } else { Tensor::from(0.0_f32) };
        (cost + price) / size[0] as f64
    }

    fn gradients(&mut self, loss: &Tensor) -> Vec<Tensor> {
        Tensor::run_backward(&[loss], &self.parameters.each_ref(), false, false)
    }

    fn parameters(&mut self) -> &mut [Tensor] {
        &mut self.parameters
    }
}

fn restore(
    net: &Network,
    layer: usize,
    input: &Tensor,
    how: &PretrainSettings,
    from: f64,
    part: f64,
) -> Result<Trained, ExperimentError> {
    let (count, width) = input.size2()?;
    let code = bias(net, layer).size()[0];
    // A tanh code is in -1 to 1, the sigmoid that restores it in 0 to 1; a negated rectifier code is restored unsigned.
    let target = tch::no_grad(|| match (activation(net), layer) {
        (Activation::Tanh, 1..) => (input + 1.0) / 2.0,
        _ => input.abs(),
    });
    let mut random = Random::new(how.seed, Purpose::Experiment { number: 100 + layer as u32 });
    let decoder = mlp(&[code, width], activation(net), Init::Xavier, &mut random);
    let parameters = [weight(net, layer), bias(net, layer), weight(&decoder, 0), bias(&decoder, 0)];
    let mut autoencoder = Autoencoder {
        net,
        layer,
        parameters: parameters.map(|parameter| parameter.set_requires_grad(true)),
        input,
        target,
        penalty: how.penalty,
        seed: how.seed,
        noise: random,
    };
    let settings = SgdSettings { momentum: 0.5, ..SgdSettings::default() };
    let names = ["encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias"].map(String::from);
    let mut descent = Descent::new(Sgd::new(settings, &names), how.seed, count as u32, BATCH);
    let batches = f64::from(descent.batches());
    for epoch in 1..=how.epochs {
        let end = descent.epoch(
            &mut autoencoder,
            epoch,
            0,
            |_| RATE,
            |_, _, place, _, _| {
                let done = (f64::from(epoch - 1) + f64::from(place.batch + 1) / batches) / f64::from(how.epochs);
                match how.part.step(how.share * (from + part * done)) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => ControlFlow::Break(error),
                }
            },
        );
        match end {
            EpochEnd::Broken(error) => return Err(error),
            EpochEnd::Done if are_finite(&autoencoder.parameters) => {}
            EpochEnd::Done | EpochEnd::Diverged { .. } => return Ok(Err(Absent::Diverged { epoch })),
        }
    }
    for parameter in autoencoder.parameters {
        let _ = parameter.set_requires_grad(false);
    }
    Ok(Ok(()))
}

/// Zeros and ones, (rows, columns).
fn mask(rows: i64, columns: i64, random: &mut Random) -> Tensor {
    let count = (rows * columns) as usize;
    let values: Vec<f32> = (0..count).map(|_| f32::from(u8::from(random.uniform() >= MASKED))).collect();
    Tensor::from_slice(&values).reshape([rows, columns]).to_device(Device::Cpu)
}
