//! Training tricks, each alone against the plain network, and all together.

use super::mlp::{Mlp, Recipe, Training, labelled, mean, train};
use super::summary::{Absent, Measured};
use super::tricked::{Tricked, moved};
use super::{ExperimentError, bench::Bench, bench::Part, summary};
use crate::learn::{random::Purpose, random::Random};
use crate::protocol::{Activation, Figure, Init, Outcome, Source, Stroke, Table, Trick, Tricks};
use tch::Tensor;

/// How one network fared.
struct Course {
    /// Test error after each epoch, percent.
    errors: Vec<f64>,
    /// Why there are no more.
    absent: Option<Absent>,
}

impl Course {
    fn end(&self) -> Measured {
        match self.absent {
            Some(absent) => Err(absent),
            None => self.errors.last().copied().ok_or(Absent::Undefined("it has not begun")),
        }
    }
}

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
        let mut recipe = Watch { net: Tricked::new(tricks, width, seed), test, test_labels, errors: Vec::new(), part };
        let trained = train(&mut net, &x, &labels, &how, &mut recipe)?;
        Ok(Course { errors: recipe.errors, absent: trained.err() })
    };
    let shown = |so_far: &[Option<Course>]| {
        let known = so_far.chunks(seeds.len()).map(|seeds| seeds.iter().flatten().collect::<Vec<_>>());
        Some(Outcome { figures: vec![curves(&arms, &known.collect::<Vec<_>>())], ..Outcome::default() })
    };
    let courses = bench.each("training with each trick", &items, work, shown)?;
    let by_arm: Vec<Vec<&Course>> = courses.chunks(seeds.len()).map(|seeds| seeds.iter().collect()).collect();
    Ok(report(&arms, &by_arm, seeds))
}

fn curves(arms: &[Arm], courses: &[Vec<&Course>]) -> Figure {
    let series = arms
        .iter()
        .zip(courses)
        .filter(|(_, courses)| !courses.is_empty())
        .map(|((name, _), courses)| {
            let at = |epoch: usize| {
                let errors: Vec<f64> = courses.iter().filter_map(|course| course.errors.get(epoch).copied()).collect();
                summary::mean_and_spread(&errors).0
            };
            // The epoch in which a network diverged is a gap.
            let length = |course: &&Course| course.errors.len() + usize::from(course.absent.is_some());
            let epochs = courses.iter().map(length).max().unwrap_or(0);
            let points = (0..epochs).map(|epoch| ((epoch + 1) as f64, at(epoch))).collect();
            summary::curve_with_gaps(name.as_str(), Source::Measured, Stroke::Both, points)
        })
        .collect();
    let y = summary::log_axis("test error, %");
    Figure::Plot(summary::plot("Test error with each trick", summary::axis("epoch"), y, series))
}

fn report(arms: &[Arm], courses: &[Vec<&Course>], seeds: &[u64]) -> Outcome {
    let ends = |courses: &[&Course]| courses.iter().map(|course| course.end()).collect::<Vec<Measured>>();
    let plain = ends(&courses[0]);
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    for ((name, _), arm) in arms.iter().zip(courses) {
        let ends = ends(arm);
        // Seed by seed: both networks began with the same draws and saw the same batches.
        let gain = |(plain, end): (&Measured, &Measured)| match (plain, end) {
            (Ok(plain), Ok(end)) => Ok(plain - end),
            (_, Err(absent)) => Err(*absent),
            (Err(_), Ok(_)) => Err(Absent::Undefined("the plain network diverged")),
        };
        let gains: Vec<Measured> = plain.iter().zip(&ends).map(gain).collect();
        let says = |error: f64| format!("{name}: the test error ends at {error:.2} %");
        let error = summary::finding(format!("tricks.error.{name}"), name, &ends, seeds, says);
        let says = |gain: f64| {
            let how = if gain >= 0.0 { "lower" } else { "higher" };
            format!("{name}: {:.2} points {how} than the plain network's", gain.abs())
        };
        let gain = summary::finding(format!("tricks.gain.{name}"), name, &gains, seeds, says);
        let spread = gain.spread.map_or(String::new(), |spread| format!(" +- {spread:.2}"));
        let gained = gain.value.map_or("-".into(), |gain| format!("{gain:+.2}{spread}"));
        rows.push(vec![name.clone(), summary::cell_with_spread(&error, 2), gained]);
        findings.push(error);
        if name != "plain" {
            findings.push(gain);
        }
    }
    let columns = ["trick", "test error, %", "gained, points"].map(String::from).to_vec();
    let table = Table { title: "What each trick is worth".into(), columns, rows, sources: vec![Source::Measured; 3] };
    Outcome { figures: vec![curves(arms, courses), Figure::Table(table)], findings, seconds: 0.0 }
}

struct Watch<'a> {
    net: Tricked,
    test: Tensor,
    test_labels: Tensor,
    errors: Vec<f64>,
    part: &'a Part<'a>,
}

impl Recipe for Watch<'_> {
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
