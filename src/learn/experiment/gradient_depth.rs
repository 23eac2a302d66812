//! How the gradient of the loss changes on its way back through a deep network, before training.

use super::mean_field::Wide;
use super::mlp::{labelled, mean, mlp};
use super::summary::{Absent, Measured};
use super::{ExperimentError, bench::Bench, summary};
use crate::network::HiddenLayer;
use crate::{random::Purpose, random::Random};
use protocol::{Activation, Figure, GradientDepth, Init, Outcome, Source, Stroke, Table};
use tch::Tensor;

pub fn run(settings: &GradientDepth, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let GradientDepth { activations, inits, depth, width, images } = settings;
    let seeds = bench.seeds;
    let data = bench.mnist()?;
    let (x, labels) = labelled(data.test(), *images);
    let brightness = mean(&x.square());
    let mut sizes = vec![i64::from(*width); *depth as usize + 2];
    sizes[0] = 784;
    sizes[*depth as usize + 1] = 10;
    let (mut figures, mut rows, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    let all = inits.len() * activations.len() * seeds.len();
    let mut done = 0;
    for &init in inits {
        let mut series = Vec::new();
        for &phi in activations {
            let mut layers = vec![Vec::with_capacity(seeds.len()); *depth as usize];
            let mut ratios = Vec::with_capacity(seeds.len());
            for &seed in seeds {
                bench.step(f64::from(done) / all as f64, &format!("{}, {}", phi.title(), init.name()))?;
                done += 1;
                let Gradients { rms, dead } = gradients(&sizes, phi, init, seed, &x, &labels);
                ratios.push(ratio(&rms, dead));
                // A log axis can't show 0 or infinity, which become gaps.
                let seen = layers.iter_mut().zip(rms).filter(|(_, rms)| *rms > 0.0 && rms.is_finite());
                seen.for_each(|(layer, rms)| layer.push(rms));
            }
            let point = |(at, layer): (usize, &Vec<f64>)| ((at + 1) as f64, summary::mean_and_spread(layer).0);
            let points = layers.iter().enumerate().map(point).collect();
            series.push(summary::curve_with_gaps(phi.title(), Source::Measured, Stroke::Both, points));
            let key = format!("gradient.ratio.{phi}.{}", init.name());
            let name = format!("{}, {}", phi.title(), init.title());
            let text = |r: f64| format!("{name}: each layer back multiplies the gradient by {r:.3}");
            let finding = summary::finding(key, &name, &ratios, seeds, text);
            let wide = Wide { activation: phi, init, gain: 1.0, offset: 0.0, width: f64::from(*width), depth: *depth };
            let theory = format!("{:.3}", wide.factor(brightness));
            let measured = summary::cell_with_spread(&finding, 3);
            rows.push(vec![phi.title().into(), init.title().into(), measured, theory]);
            findings.push(finding.tabled());
        }
        let title = format!("Gradient at each layer, {} initialisation", init.title());
        let y = summary::log_axis("RMS of dLoss/dz");
        figures.push(Figure::Plot(summary::plot(title, summary::axis("layer"), y, series)));
    }
    let sources = vec![
        Source::Measured,
        Source::Measured,
        Source::Measured,
        Source::Theory("sqrt(s^2 E[phi'^2]) for wide layers".into()),
    ];
    let columns = ["activation", "initialisation", "per layer", "theory"].map(String::from).to_vec();
    figures.push(Figure::Table(Table { title: "Factor a layer".into(), columns, rows, sources, places: Vec::new() }));
    Ok(Outcome { figures, findings, seconds: 0.0 })
}

/// The factor by which each layer multiplies the gradient on its way back, from the first layer that it reaches to the
/// last.
fn ratio(rms: &[f64], dead: Option<u32>) -> Measured {
    let last = rms.len() - 1;
    if let Some(beyond) = rms.iter().find(|rms| !rms.is_finite()) {
        return summary::number(*beyond, "the gradient is beyond the range of single precision");
    }
    match rms.iter().position(|rms| *rms > 0.0) {
        // It falls below the range of single precision on the way.
        Some(first) if first < last => Ok((rms[first] / rms[last]).powf(1.0 / (last - first) as f64)),
        _ => Err(dead.map_or(Absent::Undefined("no gradient arrives"), |layer| Absent::DeadLayer { layer })),
    }
}

struct Gradients {
    /// RMS of dLoss/dz over batch and units for each hidden layer, from the first.
    rms: Vec<f64>,
    /// The first hidden layer, counted from 1, of which every unit is 0 for every image.
    dead: Option<u32>,
}

fn gradients(sizes: &[i64], phi: Activation, init: Init, seed: u64, x: &Tensor, labels: &Tensor) -> Gradients {
    let mut net = mlp(sizes, phi, init, &mut Random::new(seed, Purpose::InitialWeights));
    net.require_gradients(true);
    let (hidden, logits) = net.trace(x);
    let loss = logits.cross_entropy_for_logits(labels);
    let gradients =
        Tensor::run_backward(&[loss], &hidden.iter().map(|layer| &layer.z).collect::<Vec<_>>(), false, false);
    let rms = gradients.iter().map(|g| mean(&g.to_kind(tch::Kind::Double).square()).sqrt()).collect();
    let is_dead = |layer: &HiddenLayer| tch::no_grad(|| layer.y.abs().max().double_value(&[])) == 0.0;
    let dead = hidden.iter().position(is_dead).map(|layer| layer as u32 + 1);
    Gradients { rms, dead }
}
