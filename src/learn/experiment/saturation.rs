//! Whether the pre-activations of a network are on the steep or on a flat part of its activation.

use super::bench::{Bench, Part};
use super::mlp::{self, Recipe, Training, labelled, mlp, pre_activations, train};
use super::steepness::{self, RANGE, Shares};
use super::summary::{Absent, Measured};
use super::{ExperimentError, summary};
use crate::network::Network;
use crate::random::{Purpose, Random};
use protocol::{Activation, Figure, Init, Outcome, Saturation, Source, Stroke, Table};
use tch::{Kind, Tensor};

const LAYERS: usize = 3;
/// Digits of the test set that are measured.
const SHOWN: u32 = 1000;
/// The histogram's number of bins between the ends of `RANGE`; values beyond are counted in the outermost bins.
const BINS: usize = 64;

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
    let layers: Vec<Shares> = hidden(net, x).iter().map(|z| steepness::shares(phi, z)).collect();
    std::array::from_fn(|layer| layers[layer])
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
                fresh(&|shares| shares[layer].flat),
                fresh(&|shares| shares[layer].steep),
                trained(&|net| net.shares[layer].flat),
                trained(&|net| net.shares[layer].steep),
            ];
            let name = [phi.title().to_string(), (layer + 1).to_string()];
            rows.push(name.into_iter().chain(cells.map(|shares| summary::cell(summary::mean(&shares), 1))).collect());
        }
        let flat = |shares: &[Shares; LAYERS]| shares.iter().map(|shares| shares.flat).sum::<f64>() / LAYERS as f64;
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
