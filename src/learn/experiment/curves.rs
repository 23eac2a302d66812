//! Activations and their derivatives, by LibTorch's autograd in float64.

use super::bench::Bench;
use super::{ExperimentError, summary};
use crate::activation;
use protocol::{Activation, Curves, Figure, Outcome, PlotPlace, Source, Stroke};
use tch::{Kind, Tensor};

const POINTS: usize = 401;

pub fn run(settings: &Curves, _: &mut Bench) -> Result<Outcome, ExperimentError> {
    let &Curves { ref activations, from, to } = settings;
    let z: Vec<f64> = (0..POINTS).map(|i| from + (to - from) * i as f64 / (POINTS - 1) as f64).collect();
    let (mut values, mut slopes, mut findings, mut places) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for &phi in activations {
        let (y, slope) = value_and_slope(phi, &z)?;
        let steepest = slope.iter().copied().fold(0.0, f64::max);
        let pair = |ys: &[f64]| z.iter().zip(ys).map(|(&z, &y)| [z, y]).collect::<Vec<_>>();
        values.push(summary::curve(phi.title(), Source::Measured, Stroke::Line, pair(&y)));
        slopes.push(summary::curve(phi.title(), Source::Measured, Stroke::Line, pair(&slope)));
        let text = format!("the derivative of {} is at most {steepest:.4} here", phi.title());
        let key = format!("curves.steepest.{phi}");
        // If the curve is equally steep over an interval, in its middle.
        let all: Vec<f64> = z.iter().zip(&slope).filter(|(_, s)| **s >= steepest).map(|(z, _)| *z).collect();
        places.extend(all.get(all.len() / 2).map(|&x| PlotPlace { finding: key.clone(), x }));
        findings.push(summary::exact(key, steepest, text));
        let ends = slope[0].max(slope[POINTS - 1]);
        let text = format!("at its ends, {from} and {to}, that of {} is at most {ends:.4}", phi.title());
        findings.push(summary::exact(format!("curves.ends.{phi}"), ends, text));
    }
    let drawn = |title: &str, y: &str, series| summary::plot(title, summary::axis("z"), summary::axis(y), series);
    let mut derivatives = drawn("Derivatives", "phi'(z)", slopes);
    derivatives.places = places;
    let figures = vec![Figure::Plot(drawn("Activations", "phi(z)", values)), Figure::Plot(derivatives)];
    Ok(Outcome { figures, findings, seconds: 0.0 })
}

/// phi(z) and phi'(z) for each z.
fn value_and_slope(phi: Activation, z: &[f64]) -> Result<(Vec<f64>, Vec<f64>), ExperimentError> {
    let z = Tensor::from_slice(z).to_kind(Kind::Double).set_requires_grad(true);
    let y = activation::apply(phi, &z);
    // `linear` returns its input; summing makes a graph node of its own.
    y.sum(Kind::Double).backward();
    Ok((Vec::try_from(y.detach())?, Vec::try_from(z.grad())?))
}
