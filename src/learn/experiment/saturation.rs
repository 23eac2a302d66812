//! Whether the pre-activations of a network are on the steep or on a flat part of its activation.

use super::bench::{Bench, Part};
use super::mlp::{self, Recipe, Training, labelled, mean, mlp, pre_activations, train};
use super::summary::{Absent, Measured};
use super::{ExperimentError, summary};
use crate::activation;
use crate::network::Network;
use crate::random::{Purpose, Random};
use protocol::{Activation, Figure, Init, Outcome, Saturation, Source, Stroke, Table};
use tch::{Kind, Tensor};

const LAYERS: usize = 3;
/// Digits of the test set that are measured.
const SHOWN: u32 = 1000;
/// Below this share of the steepest slope a unit counts as flat, above `STEEP` as steep.
const FLAT: f64 = 0.05;
const STEEP: f64 = 0.5;
/// The histogram's ends and number of bins; values beyond are counted in the outermost bins.
const RANGE: (f64, f64) = (-8.0, 8.0);
const BINS: usize = 64;

/// Percent of a layer's units, over the digits: flat, and steep.
type Shares = [f64; 2];

/// The measurements of one network of one seed.
struct Measurements {
    activation: Activation,
    fresh: [Shares; LAYERS],
    trained: Result<Trained, Absent>,
}

/// What it shows after training.
struct Trained {
    shares: [Shares; LAYERS],
    /// Percent of the trained network's pre-activations in each bin, all layers together.
    histogram: Vec<f64>,
    /// Of the test digits, percent.
    error: f64,
}

struct Watch<'a>(&'a Part<'a>);

impl Recipe for Watch<'_> {
    fn after_step(&mut self, done: f64) -> Result<(), ExperimentError> {
        self.0.step(done)
    }
}

pub fn run(settings: &Saturation, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let data = bench.mnist()?;
    let width = i64::from(settings.width);
    let seeds = bench.seeds;
    let networks: Vec<(Activation, u64)> =
        settings.activations.iter().flat_map(|&phi| seeds.iter().map(move |&seed| (phi, seed))).collect();
    let seen = bench.each(
        "networks of three hidden layers",
        &networks,
        |&(phi, seed), part| {
            let (shown, shown_labels) = labelled(data.test(), SHOWN);
            let (x, labels) = labelled(data.training(), settings.images);
            let mut random = Random::new(seed, Purpose::InitialWeights);
            let mut net = mlp(&[784, width, width, width, 10], phi, Init::Xavier, &mut random);
            let fresh = shares(&net, &shown);
            let how = Training { epochs: settings.epochs, batch: 50, learning_rate: 0.02, momentum: 0.9, seed };
            let trained = match train(&mut net, &x, &labels, &how, &mut Watch(part))? {
                Ok(()) => Ok(Trained {
                    shares: shares(&net, &shown),
                    histogram: histogram(&net, &shown)?,
                    error: mlp::error(&net, &shown, &shown_labels),
                }),
                Err(absent) => Err(absent),
            };
            Ok(Measurements { activation: phi, fresh, trained })
        },
        |_| None,
    )?;
    Ok(report(settings, seeds, &seen))
}

/// The hidden layers' pre-activations: (digits, units) each.
fn hidden(net: &Network, x: &Tensor) -> Vec<Tensor> {
    let mut z = tch::no_grad(|| pre_activations(net, x));
    z.pop();
    z
}

fn shares(net: &Network, x: &Tensor) -> [Shares; LAYERS] {
    let phi = mlp::activation(net);
    let steepest = steepest_slope(phi);
    let mut found = [[0.0; 2]; LAYERS];
    for (z, found) in hidden(net, x).into_iter().zip(&mut found) {
        let slope = slope(phi, &z);
        *found = [100.0 * mean(&slope.lt(FLAT * steepest)), 100.0 * mean(&slope.ge(STEEP * steepest))];
    }
    found
}

/// phi'(z) by autograd, of any shape.
fn slope(phi: Activation, z: &Tensor) -> Tensor {
    let z = z.detach().to_kind(Kind::Double).set_requires_grad(true);
    // Summing makes a graph node even for `linear`, which returns its input.
    let sum = activation::apply(phi, &z).sum(Kind::Double);
    Tensor::run_backward(&[sum], &[&z], false, false).swap_remove(0)
}

/// The steepest slope of an activation between the histogram's ends.
fn steepest_slope(phi: Activation) -> f64 {
    let z = Tensor::linspace(RANGE.0, RANGE.1, 1601, (Kind::Double, tch::Device::Cpu));
    slope(phi, &z).max().double_value(&[])
}

fn histogram(net: &Network, x: &Tensor) -> Result<Vec<f64>, ExperimentError> {
    let z = Tensor::cat(&hidden(net, x).iter().map(|z| z.view(-1)).collect::<Vec<_>>(), 0);
    let place = (z.to_kind(Kind::Double) - RANGE.0) * (BINS as f64 / (RANGE.1 - RANGE.0));
    let bins = place.floor().clamp(0.0, (BINS - 1) as f64).to_kind(Kind::Int64);
    let counts = Vec::<f64>::try_from(bins.bincount::<Tensor>(None, BINS as i64).to_kind(Kind::Double))?;
    let all: f64 = counts.iter().sum();
    Ok(counts.into_iter().map(|count| 100.0 * count / all).collect())
}

fn report(settings: &Saturation, seeds: &[u64], seen: &[Measurements]) -> Outcome {
    let (mut series, mut rows, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    for &phi in &settings.activations {
        let ours: Vec<&Measurements> = seen.iter().filter(|seen| seen.activation == phi).collect();
        let fresh = |what: &dyn Fn(&[Shares; LAYERS]) -> f64| -> Vec<Measured> {
            ours.iter().map(|seen| summary::number(what(&seen.fresh), "its sums are not finite")).collect()
        };
        let trained = |what: &dyn Fn(&Trained) -> f64| -> Vec<Measured> {
            let one = |seen: &&Measurements| match &seen.trained {
                Ok(trained) => summary::number(what(trained), "its sums are not finite"),
                Err(absent) => Err(*absent),
            };
            ours.iter().map(one).collect()
        };
        let bin = (RANGE.1 - RANGE.0) / BINS as f64;
        let middle = |at: usize| RANGE.0 + (at as f64 + 0.5) * bin;
        let points = (0..BINS).map(|at| (middle(at), summary::mean(&trained(&|net| net.histogram[at])))).collect();
        series.push(summary::curve_with_gaps(phi.title(), Source::Measured, Stroke::Line, points));
        for layer in 0..LAYERS {
            let cells = [
                fresh(&|shares| shares[layer][0]),
                fresh(&|shares| shares[layer][1]),
                trained(&|net| net.shares[layer][0]),
                trained(&|net| net.shares[layer][1]),
            ];
            let name = [phi.title().to_string(), (layer + 1).to_string()];
            rows.push(name.into_iter().chain(cells.map(|shares| summary::cell(summary::mean(&shares), 1))).collect());
        }
        let flat = |shares: &[Shares; LAYERS]| shares.iter().map(|s| s[0]).sum::<f64>() / LAYERS as f64;
        let title = phi.title();
        let wrong = summary::cell(summary::mean(&trained(&|net| net.error)), 1);
        let say = |share: f64| format!("{title}, fresh: {share:.1} % of the units stand where the curve is flat");
        findings.push(summary::finding(format!("saturation.fresh.{phi}"), title, &fresh(&flat), seeds, say));
        let say = |share: f64| format!("{title}, trained to {wrong} % error: {share:.1} % of them do");
        let values = trained(&|net| flat(&net.shares));
        findings.push(summary::finding(format!("saturation.trained.{phi}"), title, &values, seeds, say));
    }
    let plot = summary::plot(
        "Pre-activations after training",
        summary::axis("z"),
        summary::axis("% of the units' inputs"),
        series,
    );
    let columns = ["activation", "layer", "fresh: flat %", "steep %", "trained: flat %", "steep %"];
    let columns = columns.map(String::from).to_vec();
    let sources = vec![Source::Measured; columns.len()];
    let table =
        Table { title: "On the flat ends and in the steep middle".into(), columns, rows, sources, places: Vec::new() };
    Outcome { figures: vec![Figure::Plot(plot), Figure::Table(table)], findings, seconds: 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sigmoid is steepest at z = 0; beyond about 4.36 its slope is below a twentieth of that.
    #[test]
    fn flat_is_below_a_twentieth_of_the_steepest() {
        assert!((steepest_slope(Activation::Sigmoid) - 0.25).abs() < 1e-6);
        let z = Tensor::from_slice(&[-4.4_f32, -4.3, 0.0, 4.3, 4.4]);
        let flat = slope(Activation::Sigmoid, &z).lt(FLAT * 0.25);
        assert_eq!(Vec::<bool>::try_from(flat).unwrap(), [true, false, false, false, true]);
    }
}
