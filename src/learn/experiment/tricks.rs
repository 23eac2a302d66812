//! Training tricks, each alone against the plain network, and all together.

use super::mlp::{Mlp, Recipe, Training, labelled, mean, train};
use super::tricked::{Tricked, moved};
use super::{ExperimentError, bench::Bench, bench::Part, summary};
use crate::learn::{random::Purpose, random::Random};
use crate::protocol::{Activation, Figure, Init, Outcome, Source, Stroke, Table, Trick, Tricks};
use tch::Tensor;

/// An arm: its name in findings and the tricks that it uses.
type Arm = (String, Vec<Trick>);

pub fn run(settings: &Tricks, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let data = bench.mnist()?;
    let (seeds, images) = (bench.seeds, settings.images(bench.effort));
    let mut arms: Vec<Arm> = vec![("plain".into(), Vec::new())];
    arms.extend(settings.tricks.iter().map(|&trick| (trick.name().into(), vec![trick])));
    arms.push(("together".into(), settings.tricks.clone()));
    let items: Vec<(&Arm, u64)> = arms.iter().flat_map(|arm| seeds.iter().map(move |&seed| (arm, seed))).collect();
    let work = |&((_, tricks), seed): &(&Arm, u64), part: &Part| {
        let (mut x, labels) = labelled(data.training(), images);
        let (mut test, test_labels) = labelled(data.test(), 10_000);
        if tricks.contains(&Trick::InputNorm) {
            let average = mean(&x);
            let deviation = mean(&(&x - average).square()).sqrt();
            (x, test) = ((x - average) / deviation, (test - average) / deviation);
        }
        let width = i64::from(settings.width);
        let init = if tricks.contains(&Trick::Initialisation) { Init::He } else { Init::Standard };
        let mut random = Random::new(seed, Purpose::InitialWeights);
        let mut net = Mlp::new(&[784, width, width, 10], Activation::Relu, init, &mut random);
        let momentum = if tricks.contains(&Trick::Momentum) { 0.9 } else { 0.0 };
        let (epochs, learning_rate) = (settings.epochs, settings.learning_rate);
        let how = Training { epochs, batch: 50, learning_rate, momentum, seed };
        let mut recipe = Course { net: Tricked::new(tricks, width, seed), test, test_labels, errors: Vec::new(), part };
        train(&mut net, &x, &labels, &how, &mut recipe)?;
        Ok(recipe.errors)
    };
    let shown = |so_far: &[Option<Vec<f64>>]| {
        let known = so_far.chunks(seeds.len()).map(|seeds| seeds.iter().flatten().collect::<Vec<_>>());
        Some(Outcome { figures: vec![curves(&arms, &known.collect::<Vec<_>>())], ..Outcome::default() })
    };
    let errors = bench.each("training with each trick", &items, work, shown)?;
    let by_arm: Vec<Vec<&Vec<f64>>> = errors.chunks(seeds.len()).map(|seeds| seeds.iter().collect()).collect();
    Ok(report(&arms, &by_arm, seeds))
}

fn curves(arms: &[Arm], errors: &[Vec<&Vec<f64>>]) -> Figure {
    let series = arms
        .iter()
        .zip(errors)
        .filter(|(_, errors)| !errors.is_empty())
        .map(|((name, _), errors)| {
            let at = |epoch: usize| errors.iter().map(|course| course[epoch]).sum::<f64>() / errors.len() as f64;
            let points = (0..errors[0].len()).map(|epoch| [(epoch + 1) as f64, at(epoch)]).collect();
            summary::curve(name.as_str(), Source::Measured, Stroke::Both, points)
        })
        .collect();
    let y = summary::log_axis("test error, %");
    Figure::Plot(summary::plot("Test error with each trick", summary::axis("epoch"), y, series))
}

fn report(arms: &[Arm], errors: &[Vec<&Vec<f64>>], seeds: &[u64]) -> Outcome {
    let last =
        |errors: &[&Vec<f64>]| -> Vec<f64> { errors.iter().filter_map(|course| course.last().copied()).collect() };
    let plain = last(&errors[0]);
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    for ((name, _), errors) in arms.iter().zip(errors) {
        let ends = last(errors);
        // Seed by seed: both networks began with the same draws and saw the same batches.
        let gains: Vec<f64> = plain.iter().zip(&ends).map(|(plain, end)| plain - end).collect();
        let says = |error: f64| format!("{name}: the test error ends at {error:.2} %");
        let error = summary::finding(format!("tricks.error.{name}"), &ends, seeds, says);
        let says = |gain: f64| {
            let how = if gain >= 0.0 { "lower" } else { "higher" };
            format!("{name}: {:.2} points {how} than the plain network's", gain.abs())
        };
        let gain = summary::finding(format!("tricks.gain.{name}"), &gains, seeds, says);
        let spread = |spread: Option<f64>| spread.map_or(String::new(), |spread| format!(" +- {spread:.2}"));
        rows.push(vec![
            name.clone(),
            format!("{:.2}{}", error.value, spread(error.spread)),
            format!("{:+.2}{}", gain.value, spread(gain.spread)),
        ]);
        findings.push(error);
        if name != "plain" {
            findings.push(gain);
        }
    }
    let columns = ["trick", "test error, %", "gained, points"].map(String::from).to_vec();
    let table = Table { title: "What each trick is worth".into(), columns, rows, sources: vec![Source::Measured; 3] };
    Outcome { figures: vec![curves(arms, errors), Figure::Table(table)], findings, seconds: 0.0 }
}

struct Course<'a> {
    net: Tricked,
    test: Tensor,
    test_labels: Tensor,
    errors: Vec<f64>,
    part: &'a Part<'a>,
}

impl Recipe for Course<'_> {
    fn input(&mut self, x: Tensor) -> Tensor {
        if self.net.has(Trick::Augmentation) { moved(&x, &mut self.net.random) } else { x }
    }

    fn parameters(&self) -> Vec<Tensor> {
        self.net.parameters()
    }

    fn loss(&mut self, net: &Mlp, x: &Tensor, labels: &Tensor) -> Tensor {
        let loss = self.net.forward(net, x, true).cross_entropy_for_logits(labels);
        if !self.net.has(Trick::WeightDecay) {
            return loss;
        }
        let squares: Tensor = net.weights.iter().map(|w| w.square().sum(tch::Kind::Float)).sum();
        loss + squares * 1e-4
    }

    fn learning_rate(&self, how: &Training, epoch: u32) -> f64 {
        if !self.net.has(Trick::Schedule) {
            return how.learning_rate;
        }
        let left = f64::from(how.epochs + 1 - epoch) / f64::from(how.epochs + 1);
        2.0 * how.learning_rate * left
    }

    fn after_step(&mut self, done: f64) -> Result<(), ExperimentError> {
        self.part.step(done)
    }

    fn after_epoch(&mut self, net: &Mlp, _: u32, _: f64) -> Result<(), ExperimentError> {
        let logits = tch::no_grad(|| self.net.forward(net, &self.test, false));
        self.errors.push(100.0 * mean(&logits.argmax(1, false).ne_tensor(&self.test_labels)));
        Ok(())
    }
}
