//! A deep network in training: with some activations and initial weights it goes, with others it stalls at the loss of
//! whoever guesses.

use super::bench::{Bench, Part};
use super::mlp::{Mlp, Recipe, Training, labelled, train};
use super::{ExperimentError, summary};
use crate::learn::random::{Purpose, Random};
use crate::protocol::{DeepCase, DeepTraining, Figure, Finding, Outcome, Source, Stroke, Table};
use std::sync::{Mutex, PoisonError};
use tch::Tensor;

const BATCH: i64 = 50;
/// Images that the error is measured on, the last of the training file: no training sees them.
const VALIDATION: i64 = 5000;
/// Loss and error, percent, of a network that gives every digit the same chance.
const GUESSING: (f64, f64) = (std::f64::consts::LN_10, 90.0);

/// One network in training.
struct Arm {
    case: DeepCase,
    /// Its place among the learning rates.
    rate: usize,
    seed: u64,
}

/// Mean loss of each epoch's batches, and the error after it, percent.
type Curve = Vec<(f64, f64)>;

/// Writes down each epoch, for the reader to see while the network learns.
struct Watch<'a> {
    part: &'a Part<'a>,
    curves: &'a Mutex<Vec<Curve>>,
    at: usize,
    validation: (Tensor, Tensor),
}

impl Recipe for Watch<'_> {
    fn after_step(&mut self, done: f64) -> Result<(), ExperimentError> {
        self.part.step(done)
    }

    fn after_epoch(&mut self, net: &Mlp, _: u32, loss: f64) -> Result<(), ExperimentError> {
        let (images, labels) = &self.validation;
        let error = net.error(images, labels);
        self.curves.lock().unwrap_or_else(PoisonError::into_inner)[self.at].push((loss, error));
        self.part.news();
        Ok(())
    }
}

pub fn run(settings: &DeepTraining, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let data = bench.mnist()?;
    let (images, epochs) = settings.amount(bench.effort);
    let seeds = bench.seeds;
    let mut arms = Vec::new();
    for &case in &settings.cases {
        for rate in 0..settings.learning_rates.len() {
            arms.extend(seeds.iter().map(|&seed| Arm { case, rate, seed }));
        }
    }
    let mut sizes = vec![i64::from(settings.width); settings.depth as usize + 2];
    sizes[0] = 784;
    sizes[settings.depth as usize + 1] = 10;
    let curves = Mutex::new(vec![Curve::new(); arms.len()]);
    let work = |at: &usize, part: &Part| {
        let Arm { case, rate, seed } = arms[*at];
        let mut net = Mlp::new(&sizes, case.activation, case.init, &mut Random::new(seed, Purpose::InitialWeights));
        let (x, labels) = labelled(data.training(), images);
        let kept_apart = data.training().narrow(data.training().len() - VALIDATION, VALIDATION);
        let validation = labelled(&kept_apart, VALIDATION as u32);
        let how = Training { epochs, batch: BATCH, learning_rate: settings.learning_rates[rate], momentum: 0.0, seed };
        train(&mut net, &x, &labels, &how, &mut Watch { part, curves: &curves, at: *at, validation })
    };
    let told = || {
        let curves = curves.lock().unwrap_or_else(PoisonError::into_inner);
        tell(settings, seeds, &arms, &curves, epochs)
    };
    let doing = format!("{} networks of {} hidden layers", arms.len(), settings.depth);
    let numbers: Vec<usize> = (0..arms.len()).collect();
    bench.each(&doing, &numbers, work, |_| Some(told()))?;
    Ok(told())
}

/// What is known so far: of every case the curves at its best rate.
fn tell(settings: &DeepTraining, seeds: &[u64], arms: &[Arm], curves: &[Curve], epochs: u32) -> Outcome {
    let (mut losses, mut errors, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    let mut findings: Vec<Finding> = Vec::new();
    for &case in &settings.cases {
        let of = |rate: usize| -> Vec<&Curve> {
            let ours = arms
                .iter()
                .zip(curves)
                .filter(|(arm, curve)| arm.case == case && arm.rate == rate && !curve.is_empty());
            ours.map(|(_, curve)| curve).collect()
        };
        // A loss that is no number is the worst there is.
        let last = |rate: usize| {
            let of = of(rate);
            let sum: f64 = of.iter().map(|curve| curve[curve.len() - 1].0).sum();
            let mean = sum / of.len() as f64;
            if mean.is_finite() { mean } else { f64::MAX }
        };
        let rates = (0..settings.learning_rates.len()).filter(|&rate| !of(rate).is_empty());
        let Some(best) = rates.min_by(|&a, &b| last(a).total_cmp(&last(b))) else { continue };
        let curves = of(best);
        let name = format!("{}, {}", case.activation.title(), case.init.title());
        let mean = |epoch: usize, pick: fn(&(f64, f64)) -> f64| {
            let values: Vec<f64> = curves.iter().filter_map(|curve| curve.get(epoch)).map(pick).collect();
            summary::mean_and_spread(&values)
        };
        let through = curves.iter().map(|curve| curve.len()).max().unwrap_or(0);
        for (series, pick) in [(&mut losses, loss_of as fn(&(f64, f64)) -> f64), (&mut errors, error_of)] {
            let points = (0..through).map(|epoch| [(epoch + 1) as f64, mean(epoch, pick).0]).collect();
            let mut curve = summary::curve(name.clone(), Source::Measured, Stroke::Both, points);
            // While some seeds are behind there is no spread for every point, and so none is shown.
            curve.spread = (0..through).map(|epoch| mean(epoch, pick).1).collect::<Option<_>>().unwrap_or_default();
            series.push(curve);
        }
        let ends = |pick: fn(&(f64, f64)) -> f64| {
            curves.iter().map(|curve| pick(&curve[curve.len() - 1])).collect::<Vec<f64>>()
        };
        let (loss, error) = (ends(loss_of), ends(error_of));
        let key = format!("{}.{}", case.activation, case.init.name());
        let verdict = |loss: f64| if loss > 0.95 * GUESSING.0 { "it stalls" } else { "it learns" };
        let say = |loss: f64| format!("{name}: training loss {loss:.3} at the end, {}", verdict(loss));
        findings.push(summary::finding(format!("deep-training.loss.{key}"), &finite(&loss), seeds, say));
        let say = |error: f64| format!("{name}: validation error {error:.1} % at the end");
        findings.push(summary::finding(format!("deep-training.error.{key}"), &error, seeds, say));
        let (loss, error) = (summary::mean_and_spread(&loss).0, summary::mean_and_spread(&error).0);
        rows.push(vec![
            case.activation.title().into(),
            case.init.title().into(),
            settings.learning_rates[best].to_string(),
            format!("{loss:.3}"),
            format!("{error:.1}"),
        ]);
    }
    let flat = |at: f64, what: &str| {
        let source = Source::Theory(what.into());
        summary::curve("guessing", source, Stroke::Line, vec![[1.0, at], [f64::from(epochs), at]])
    };
    losses.push(flat(GUESSING.0, "ln 10"));
    errors.push(flat(GUESSING.1, "nine of ten"));
    let title = format!("{} hidden layers in training", settings.depth);
    let drawn = |title: String, y: &str, series| {
        Figure::Plot(summary::plot(title, summary::axis("epoch"), summary::log_axis(y), series))
    };
    let columns = ["activation", "initialisation", "rate", "loss", "error, %"].map(String::from).to_vec();
    let sources = vec![Source::Measured; columns.len()];
    let figures = vec![
        drawn(title.clone(), "training loss", losses),
        drawn(title, "validation error, %", errors),
        Figure::Table(Table { title: "At each case's best learning rate".into(), columns, rows, sources }),
    ];
    Outcome { figures, findings, seconds: 0.0 }
}

fn loss_of(epoch: &(f64, f64)) -> f64 {
    epoch.0
}

fn error_of(epoch: &(f64, f64)) -> f64 {
    epoch.1
}

/// A loss beyond all numbers is told as the largest.
fn finite(losses: &[f64]) -> Vec<f64> {
    losses.iter().map(|loss| if loss.is_finite() { *loss } else { f64::MAX }).collect()
}
