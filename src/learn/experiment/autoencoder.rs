//! Stacked denoising autoencoders (Vincent et al. 2008), as Glorot et al. 2011 trained them: layer by layer, each learns
//! to restore its input from a copy with a quarter of the values masked. Tanh layers restore through a sigmoid, with
//! cross-entropy; rectifier and softplus layers through a softplus, with quadratic cost.

use super::mlp::{Mlp, Trained, are_finite};
use super::summary::Absent;
use super::{ExperimentError, bench::Part};
use crate::{optim::Sgd, random::Purpose, random::Random};
use protocol::{Activation, Init};
use tch::{Device, Kind, Tensor};

/// Share of the inputs that is masked.
const MASKED: f32 = 0.25;
const BATCH: i64 = 50;
/// Of 0.001, 0.005, 0.02, 0.05 and 0.1 the one after which all three activations fine-tune best on 1000 labels.
const RATE: f64 = 0.02;

pub struct Pretext<'a> {
    pub epochs: u32,
    pub seed: u64,
    /// Weight of the L1 penalty on the code.
    pub penalty: f64,
    pub part: &'a Part<'a>,
    /// What part of the whole item this is.
    pub share: f64,
}

/// Pre-trains every hidden layer of a network on `x`, (count, 784), without labels; the output layer stays as it is.
pub fn pretrain(net: &mut Mlp, x: &Tensor, how: &Pretext) -> Result<Trained, ExperimentError> {
    let mut input = x.shallow_clone();
    let hidden = net.weights.len() - 1;
    for layer in 0..hidden {
        let trained = restore(net, layer, &input, how, layer as f64 / hidden as f64, 1.0 / hidden as f64)?;
        if trained.is_err() {
            return Ok(trained);
        }
        input = tch::no_grad(|| net.output(&input.linear(&net.weights[layer], Some(&net.biases[layer]))));
    }
    Ok(Ok(()))
}

fn restore(
    net: &mut Mlp,
    layer: usize,
    input: &Tensor,
    how: &Pretext,
    from: f64,
    part: f64,
) -> Result<Trained, ExperimentError> {
    let (count, width) = input.size2()?;
    let code = net.biases[layer].size()[0];
    let tanh = net.activation == Activation::Tanh;
    // A tanh code lies in -1 to 1, the sigmoid that restores it in 0 to 1; a negated rectifier code is restored unsigned.
    let target = tch::no_grad(|| match (tanh, layer) {
        (true, 1..) => (input + 1.0) / 2.0,
        _ => input.abs(),
    });
    let mut random = Random::new(how.seed, Purpose::Experiment { number: 100 + layer as u32 });
    let decoder = Mlp::new(&[code, width], net.activation, Init::Xavier, &mut random);
    let mut parameters = vec![net.weights[layer].shallow_clone(), net.biases[layer].shallow_clone()];
    parameters.extend([decoder.weights[0].shallow_clone(), decoder.biases[0].shallow_clone()]);
    let mut parameters: Vec<Tensor> = parameters.into_iter().map(|p| p.set_requires_grad(true)).collect();
    let mut descent = Sgd::new(RATE, 0.5);
    let batches = (count + BATCH - 1) / BATCH;
    for epoch in 1..=how.epochs {
        let order = Random::new(how.seed, Purpose::Shuffle { epoch }).permutation(count as u32);
        let mut noise = Random::new(how.seed, Purpose::Noise { epoch: epoch + 1000 * layer as u32 });
        for at in 0..batches {
            let size = BATCH.min(count - at * BATCH);
            let rows = Tensor::from_slice(&order[(at * BATCH) as usize..(at * BATCH + size) as usize]);
            let (clean, wanted) = tch::no_grad(|| (input.index_select(0, &rows), target.index_select(0, &rows)));
            let masked = clean * mask(size, width, &mut noise);
            let z = masked.linear(&net.weights[layer], Some(&net.biases[layer]));
            let back = net.output(&z).linear(&decoder.weights[0], Some(&decoder.biases[0]));
            let cost = if tanh {
                back.binary_cross_entropy_with_logits::<Tensor>(&wanted, None, None, tch::Reduction::Sum)
            } else {
                (back.softplus() - wanted).square().sum(Kind::Float)
            };
            let price = if how.penalty > 0.0 { z.relu().sum(Kind::Float) * how.penalty } else { Tensor::from(0.0_f32) };
            let loss = (cost + price) / size as f64;
            let gradients = Tensor::run_backward(&[loss], &parameters, false, false);
            descent.step(&mut parameters, &gradients);
            let done = (f64::from(epoch - 1) + (at + 1) as f64 / batches as f64) / f64::from(how.epochs);
            how.part.step(how.share * (from + part * done))?;
        }
        if !are_finite(&parameters) {
            return Ok(Err(Absent::Diverged { epoch }));
        }
    }
    for parameter in parameters {
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
