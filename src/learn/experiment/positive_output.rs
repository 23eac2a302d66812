//! Which function makes an output positive, and at which learning rates it can be trained.
//!
//! One unit estimates from a digit's pixels how much ink it has: z = w x + b, and the output is g(z). It learns by
//! gradient descent on the mean squared error over all images at once. The exponential's slope is its own value, so its
//! steps grow with its output; softplus, a logarithm of it, is nowhere steeper than 1 (Dugas et al. 2001).

use super::bench::Bench;
use super::mlp::labelled;
use super::summary::{Absent, Measured};
use super::{ExperimentError, summary};
use crate::random::{Purpose, Random};
use protocol::{Figure, Outcome, PositiveOutput, Source, Stroke, Table};
use tch::{Kind, Tensor};

/// Learning rates, smallest first.
const RATES: [f64; 15] = [1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
/// Standard deviation of the initial weights: z begins near 0, where all three have similar values.
const DEVIATION: f32 = 0.02;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Output {
    Exponential,
    Softplus,
    Relu,
}

impl Output {
    const ALL: [Self; 3] = [Self::Exponential, Self::Softplus, Self::Relu];

    fn key(self) -> &'static str {
        match self {
            Self::Exponential => "exponential",
            Self::Softplus => "softplus",
            Self::Relu => "relu",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Exponential => "Exponential",
            Self::Softplus => "Softplus",
            Self::Relu => "ReLU",
        }
    }

    fn apply(self, z: &Tensor) -> Tensor {
        match self {
            Self::Exponential => z.exp(),
            Self::Softplus => z.softplus(),
            Self::Relu => z.relu(),
        }
    }
}

/// The loss before the first step, and after the last one at each rate; `None` where it is not finite.
struct Losses {
    start: f64,
    ends: Vec<Option<f64>>,
}

impl Losses {
    /// The largest rate at which the loss fell enough.
    fn largest_rate(&self) -> Measured {
        let mut learned = RATES.iter().zip(&self.ends).filter(|(_, end)| end.is_some_and(|end| end < self.start));
        learned.next_back().map(|(rate, _)| *rate).ok_or(Absent::Undefined("no rate brought the loss down"))
    }

    fn lowest(&self) -> Measured {
        let lowest = self.ends.iter().flatten().copied().fold(f64::INFINITY, f64::min);
        summary::number(lowest, "no loss is finite")
    }
}

pub fn run(settings: &PositiveOutput, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let data = bench.mnist()?;
    let seeds = bench.seeds;
    let items: Vec<(Output, u64)> =
        Output::ALL.into_iter().flat_map(|output| seeds.iter().map(move |&seed| (output, seed))).collect();
    let all = bench.each(
        "outputs",
        &items,
        |&(output, seed), part| {
            let (x, _) = labelled(data.training(), settings.images); // (images, pixels)
            let ink = x.mean_dim(1, false, Kind::Float);
            let target = &ink * (settings.target / ink.mean(Kind::Double).double_value(&[])); // (images)
            let mut random = Random::new(seed, Purpose::InitialWeights);
            let weights: Vec<f32> = (0..x.size()[1]).map(|_| DEVIATION * random.normal()).collect();
            let mut losses = Losses { start: loss_after(output, &x, &target, &weights, 0.0, 0), ends: Vec::new() };
            for (at, &rate) in RATES.iter().enumerate() {
                part.step(at as f64 / RATES.len() as f64)?;
                let end = loss_after(output, &x, &target, &weights, rate, settings.steps);
                losses.ends.push(Some(end).filter(|end| end.is_finite()));
            }
            Ok(losses)
        },
        |_| None,
    )?;
    Ok(report(settings, seeds, &all))
}

/// The mean squared error after this many steps from these weights and a bias of 0.
fn loss_after(output: Output, x: &Tensor, target: &Tensor, weights: &[f32], rate: f64, steps: u32) -> f64 {
    let mut w = Tensor::from_slice(weights).set_requires_grad(true); // (pixels)
    let mut b = Tensor::from(0.0_f32).set_requires_grad(true);
    let loss = |w: &Tensor, b: &Tensor| (output.apply(&(x.mv(w) + b)) - target).square().mean(Kind::Float);
    for _ in 0..steps {
        let now = loss(&w, &b);
        if !now.double_value(&[]).is_finite() {
            return f64::INFINITY;
        }
        let gradients = Tensor::run_backward(&[now], &[&w, &b], false, false);
        let _guard = tch::no_grad_guard();
        let _ = w.g_sub_(&(&gradients[0] * rate));
        let _ = b.g_sub_(&(&gradients[1] * rate));
    }
    tch::no_grad(|| loss(&w, &b)).double_value(&[])
}

/// `all` has the seeds of the first output function, then those of the next.
fn report(settings: &PositiveOutput, seeds: &[u64], all: &[Losses]) -> Outcome {
    let (mut series, mut rows, mut findings, mut rates) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (output, ours) in Output::ALL.into_iter().zip(all.chunks(seeds.len())) {
        let title = output.title();
        let mean = |at: usize| {
            let ends: Option<Vec<f64>> = ours.iter().map(|losses| losses.ends[at]).collect();
            ends.and_then(|ends| summary::mean_and_spread(&ends).0)
        };
        let points = RATES.iter().enumerate().map(|(at, &rate)| (rate, mean(at))).collect();
        series.push(summary::curve_with_gaps(title, Source::Measured, Stroke::Both, points));
        let largest: Vec<Measured> = ours.iter().map(Losses::largest_rate).collect();
        let lowest: Vec<Measured> = ours.iter().map(Losses::lowest).collect();
        let say = |rate: f64| format!("{title} learns at rates of up to {rate:.5}");
        let rate = summary::finding(format!("positive-output.rate.{}", output.key()), title, &largest, seeds, say);
        let say = |loss: f64| format!("{title}: the lowest loss after {} steps is {loss:.4}", settings.steps);
        let loss = summary::finding(format!("positive-output.loss.{}", output.key()), title, &lowest, seeds, say);
        let cells = [summary::cell_with_spread(&rate, 5), summary::cell_with_spread(&loss, 4)];
        rows.push([title.into()].into_iter().chain(cells).collect());
        findings.extend([rate.tabled(), loss.tabled()]);
        rates.push(largest);
    }
    let times: Vec<Measured> = rates[1].iter().zip(&rates[0]).map(|(soft, exp)| Ok((*soft)? / (*exp)?)).collect();
    let say = |times: f64| format!("softplus learns at {times:.0} times the rate at which the exponential does");
    findings.push(summary::finding("positive-output.times", "Softplus against the exponential", &times, seeds, say));
    let title = format!("Loss after {} steps", settings.steps);
    let (x, y) = (summary::log_axis("learning rate"), summary::log_axis("mean squared error"));
    let plot = summary::plot(title, x, y, series);
    let columns = ["output", "largest rate that learns", "lowest loss"].map(String::from).to_vec();
    let sources = vec![Source::Measured; columns.len()];
    let table = Table { title: "How far the rate can go".into(), columns, rows, sources, places: Vec::new() };
    Outcome { figures: vec![Figure::Plot(plot), Figure::Table(table)], findings, seconds: 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One image of one pixel, 2, and the target 3, from w = 0.5: z = 1. With y = g(1) a step goes to w - rate 2 (y -
    /// 3) g'(1) 2 and b - rate 2 (y - 3) g'(1).
    #[test]
    fn a_step_is_that_of_the_formula() {
        let (x, target) = (Tensor::from_slice(&[2.0_f32]).view([1, 1]), Tensor::from_slice(&[3.0_f32]));
        let e = std::f64::consts::E;
        for (output, g, slope) in [
            (Output::Exponential, f64::exp as fn(f64) -> f64, e),
            (Output::Softplus, |z| z.exp().ln_1p(), 1.0 / (1.0 + 1.0 / e)),
            (Output::Relu, |z| z.max(0.0), 1.0),
        ] {
            let start = loss_after(output, &x, &target, &[0.5], 0.0, 0);
            assert!((start - (g(1.0) - 3.0).powi(2)).abs() < 1e-5, "{output:?}: {start}");
            let step = 0.01 * 2.0 * (g(1.0) - 3.0) * slope;
            let z = 2.0 * (0.5 - 2.0 * step) - step;
            let end = loss_after(output, &x, &target, &[0.5], 0.01, 1);
            assert!((end - (g(z) - 3.0).powi(2)).abs() < 1e-5, "{output:?}: {end}");
        }
        assert!(loss_after(Output::Exponential, &x, &target, &[0.5], 100.0, 5) >= 9.0);
    }

    #[test]
    fn the_largest_rate_is_the_last_that_learned() {
        let mut ends = vec![Some(0.5); RATES.len()];
        ends[7..].fill(None);
        ends[6] = Some(2.0);
        let losses = Losses { start: 1.0, ends };
        assert_eq!((losses.largest_rate(), losses.lowest()), (Ok(5e-4), Ok(0.5)));
        let none = Losses { start: 0.1, ends: vec![None; RATES.len()] };
        assert!(none.largest_rate().is_err() && none.lowest().is_err());
    }
}
