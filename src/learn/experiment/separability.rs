//! How well a hyperplane separates the digits: a linear probe (logistic regression) on pixels, on random features,
//! dense or sparse, and on trained ones.
//!
//! The probe gets every feature with mean 0 and the same variance, so that one learning rate suits all; linear
//! separability does not depend on that. The sparse random features are the dense ones with a threshold, so that only
//! the share of zeros differs.

use super::mlp::{self, Recipe, Training, labelled, mean, mlp, train};
use super::summary::Measured;
use super::{ExperimentError, bench::Bench, bench::Part, summary};
use crate::{Dataset, activation, random::Purpose, random::Random};
use protocol::{Activation, Bar, Bars, Figure, Finding, Init, Outcome, Separability, Source, Stroke, Table};
use tch::{Kind, Tensor};

/// The percentages of zeros for which the thresholds of the sparse random features are set.
const FORCED: [u32; 5] = [50, 65, 80, 90, 97];
/// Units of each of the two hidden layers of a trained network.
const HIDDEN: i64 = 256;
const BATCH: u32 = 100;
/// Learning rate of the probe.
const RATE: f64 = 16.0;

/// The features that a probe is trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Features {
    Pixels,
    Random(Activation),
    /// Random ReLU features of which this share, in percent, is zero.
    Sparse(u32),
    /// Both hidden layers of a trained network.
    Trained(Activation),
}

/// The results of one probe.
struct Probe {
    key: String,
    title: String,
    zeros: Measured,
    train_error: Measured,
    test_error: Measured,
}

pub fn run(settings: &Separability, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let data = bench.mnist()?;
    let count = settings.images(bench.effort);
    let mut kinds: Vec<Features> = settings.activations.iter().map(|&phi| Features::Trained(phi)).collect();
    kinds.extend(settings.activations.iter().map(|&phi| Features::Random(phi)));
    kinds.extend(FORCED.map(Features::Sparse));
    kinds.push(Features::Pixels);
    let seeds = bench.seeds;
    let items: Vec<(Features, u64)> =
        kinds.iter().flat_map(|&kind| seeds.iter().map(move |&seed| (kind, seed))).collect();
    let work = |&(features, seed): &(Features, u64), part: &Part| probes(features, seed, settings, count, &data, part);
    let results = bench.each("probing", &items, work, |_| None)?;
    // The longest items were begun first; the reader sees pixels first.
    let mut found: Vec<&[Vec<Probe>]> = results.chunks(seeds.len()).collect();
    found.rotate_right(1);
    let (pixels, others) = found.split_at(1);
    let (trained, random) = others.split_at(settings.activations.len());
    Ok(report(&[pixels, random, trained].concat(), seeds))
}

fn report(found: &[&[Vec<Probe>]], seeds: &[u64]) -> Outcome {
    let (mut bars, mut rows, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    let mut clouds = ["pixels", "random", "trained"].map(|name| (name, Vec::new()));
    for kind in found {
        for layer in 0..kind[0].len() {
            let Probe { key, title, .. } = &kind[0][layer];
            let all = |what: fn(&Probe) -> Measured| kind.iter().map(|seed| what(&seed[layer])).collect::<Vec<_>>();
            let subject = format!("a linear probe on {title}");
            let (zeros, train, test) = (all(|p| p.zeros), all(|p| p.train_error), all(|p| p.test_error));
            let says = |error: f64| format!("{subject} mistakes {error:.2} % of the test digits");
            let error = summary::finding(format!("separability.error.{key}"), &subject, &test, seeds, says);
            let says = |error: f64| format!("{subject} mistakes {error:.2} % of its own training digits");
            let fit = summary::finding(format!("separability.train.{key}"), &subject, &train, seeds, says);
            let says = |zeros: f64| format!("{zeros:.1} % of {title} are exactly 0");
            let zero = summary::finding(format!("separability.zeros.{key}"), title, &zeros, seeds, says);
            bars.push(Bar { name: title.clone(), values: vec![error.value], total: None });
            let cloud = clouds.iter_mut().find(|(name, _)| key.starts_with(name));
            if let (Some((_, points)), Some(zeros), Some(error)) = (cloud, zero.value, error.value) {
                points.push([zeros, error]);
            }
            rows.push(vec![
                title.clone(),
                summary::cell(zero.value, 1),
                summary::cell_with_spread(&fit, 2),
                summary::cell_with_spread(&error, 2),
            ]);
            findings.extend([error, fit, zero].map(Finding::tabled));
        }
    }
    let columns = ["features", "zeros %", "training %", "test %"].map(String::from).to_vec();
    let sources = vec![Source::Measured; columns.len()];
    let bars = Bars {
        title: "Test error of a linear probe, %".into(),
        parts: vec!["test error".into()],
        bars,
        source: Source::Measured,
    };
    let series =
        clouds.into_iter().map(|(name, points)| summary::curve(name, Source::Measured, Stroke::Points, points));
    let plot = summary::plot(
        "Does sparse mean separable?",
        summary::axis("zeros among the features, %"),
        summary::axis("test error, %"),
        series.collect(),
    );
    let table = Table { title: "Errors of linear probes".into(), columns, rows, sources, places: Vec::new() };
    Outcome { figures: vec![Figure::Bars(bars), Figure::Plot(plot), Figure::Table(table)], findings, seconds: 0.0 }
}

/// One probe, or one for each hidden layer of trained features.
fn probes(
    features: Features,
    seed: u64,
    settings: &Separability,
    count: u32,
    data: &Dataset,
    part: &Part,
) -> Result<Vec<Probe>, ExperimentError> {
    let (x, labels) = labelled(data.training(), count);
    let (test, test_labels) = labelled(data.test(), 10_000);
    let put = |key: String, title: String, x: &Tensor, test: &Tensor, from: f64| {
        let how = Training { epochs: settings.epochs, batch: BATCH, learning_rate: RATE, momentum: 0.9, seed };
        let scale = Scale::of(x);
        let zeros = Ok(100.0 * mean(&test.eq(0.0)));
        let (x, test) = (scale.apply(x), scale.apply(test));
        let mut random = Random::new(seed, Purpose::InitialWeights);
        let mut probe = mlp(&[x.size()[1], 10], Activation::Linear, Init::Standard, &mut random);
        let trained = train(&mut probe, &x, &labels, &how, &mut LinearDecay { part, from, to: 1.0 })?;
        let error = |x: &Tensor, labels: &Tensor| trained.map(|()| mlp::error(&probe, x, labels));
        let (train_error, test_error) = (error(&x, &labels), error(&test, &test_labels));
        Ok(Probe { key, title, zeros, train_error, test_error })
    };
    let width = i64::from(settings.width);
    match features {
        Features::Pixels => Ok(vec![put("pixels".into(), "pixels".into(), &x, &test, 0.0)?]),
        Features::Random(phi) => {
            let z = Projection::new(width, seed, &x);
            let h = |x: &Tensor| activation::apply(phi, &z.of(x));
            let (key, title) = (format!("random.{phi}"), format!("random {} features", phi.title()));
            Ok(vec![put(key, title, &h(&x), &h(&test), 0.0)?])
        }
        Features::Sparse(zeros) => {
            let z = Projection::new(width, seed, &x);
            // Each unit's own quantile over the training images.
            let threshold = z.of(&x).quantile_scalar(f64::from(zeros) / 100.0, 0, true, "linear");
            let h = |x: &Tensor| (z.of(x) - &threshold).relu();
            let (key, title) = (format!("random.relu-{zeros}"), format!("random ReLU features, {zeros} % zeros"));
            Ok(vec![put(key, title, &h(&x), &h(&test), 0.0)?])
        }
        Features::Trained(phi) => {
            let init = if phi == Activation::Relu { Init::He } else { Init::Xavier };
            let mut random = Random::new(seed, Purpose::InitialWeights);
            let mut net = mlp(&[784, HIDDEN, HIDDEN, 10], phi, init, &mut random);
            // The sigmoid's slope is a quarter of the others'.
            let learning_rate = if phi == Activation::Sigmoid { 0.5 } else { 0.1 };
            let how = Training { epochs: settings.epochs, batch: 50, learning_rate, momentum: 0.5, seed };
            let trained = train(&mut net, &x, &labels, &how, &mut LinearDecay { part, from: 0.0, to: 0.6 })?;
            let hidden = |x: &Tensor, layer: usize| tch::no_grad(|| net.trace(x).0.swap_remove(layer).y);
            (0..2)
                .map(|layer| {
                    let key = format!("trained.{phi}.{}", layer + 1);
                    let title = format!("trained {} features, layer {}", phi.title(), layer + 1);
                    match trained {
                        Ok(()) => put(key, title, &hidden(&x, layer), &hidden(&test, layer), 0.6 + 0.2 * layer as f64),
                        Err(absent) => {
                            let [zeros, train_error, test_error] = [Err(absent); 3];
                            Ok(Probe { key, title, zeros, train_error, test_error })
                        }
                    }
                })
                .collect()
        }
    }
}

/// A layer of He's weights that is never trained.
struct Projection {
    weights: Tensor,
    /// Of the pixels. The mean is subtracted, so that a unit is active for about half of the digits.
    mean: f64,
    deviation: f64,
}

impl Projection {
    fn new(width: i64, seed: u64, x: &Tensor) -> Self {
        let mut random = Random::new(seed, Purpose::Experiment { number: 5 });
        let net = mlp(&[784, width], Activation::Linear, Init::He, &mut random);
        let average = mean(x);
        let deviation = mean(&(x - average).square()).sqrt();
        Self { weights: mlp::weight(&net, 0).shallow_clone(), mean: average, deviation }
    }

    /// z, (images, width), of variance about 1: He's weights give twice that of a normalised pixel.
    fn of(&self, x: &Tensor) -> Tensor {
        ((x - self.mean) / (self.deviation * 2_f64.sqrt())).matmul(&self.weights.tr())
    }
}

/// Centres every feature, gives it unit variance, and scales all so that an image's squared norm is 1 on average.
struct Scale {
    mean: Tensor,
    factor: Tensor,
}

impl Scale {
    fn of(x: &Tensor) -> Self {
        let mean = x.mean_dim(0, true, Kind::Float);
        let deviation = (x - &mean).square().mean_dim(0, true, Kind::Float).sqrt();
        // A pixel that is always black or a unit that is always silent stays 0.
        let factor = deviation.gt(1e-4) / (deviation.clamp_min(1e-4) * (x.size()[1] as f64).sqrt());
        Self { mean, factor }
    }

    fn apply(&self, x: &Tensor) -> Tensor {
        (x - &self.mean) * &self.factor
    }
}

/// Plain training with a learning rate that falls linearly to 0, reporting its progress.
struct LinearDecay<'a> {
    part: &'a Part<'a>,
    from: f64,
    to: f64,
}

impl Recipe for LinearDecay<'_> {
    fn learning_rate(&self, how: &Training, epoch: u32) -> f64 {
        how.learning_rate * f64::from(how.epochs + 1 - epoch) / f64::from(how.epochs)
    }

    fn after_step(&mut self, done: f64) -> Result<(), ExperimentError> {
        self.part.step(self.from + (self.to - self.from) * done)
    }
}
