//! What an activation costs: nanoseconds per element, forward and backward, in the cache and out of it; and the
//! training step of which it is a part.

mod clock;
mod share;
mod way;

use super::{ExperimentError, bench::Bench, summary};
use crate::random::{Purpose, Random};
use clock::{median_and_spread, rotated, seconds};
use protocol::{Activation, ActivationCost, Bar, Bars, Figure, Finding, Outcome, Source, Table};
use tch::Tensor;
use way::Way;

/// The part of the whole measurement for the tensors; the steps take the rest.
const TENSORS: f64 = 0.6;

/// For every round, in nanoseconds per element.
#[derive(Default)]
struct Times {
    forward: Vec<f64>,
    both: Vec<f64>,
}

pub fn run(settings: &ActivationCost, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let ActivationCost { activations, small, large, rounds } = settings;
    let mut ways: Vec<Way> = activations.iter().map(|&phi| Way::Of(phi)).collect();
    if activations.contains(&Activation::Tanh) {
        ways.push(Way::TanhBySigmoid);
    }
    ways.push(Way::Copy);
    let sizes = [(*small, "in the cache"), (*large, "too large for the cache")];
    let mut times: Vec<[Times; 2]> = ways.iter().map(|_| Default::default()).collect();
    for (at, &(size, place)) in sizes.iter().enumerate() {
        let (z, g) = (normal(bench.seeds[0], 0, size), normal(bench.seeds[0], 1, size));
        // Enough calls for the clock's resolution.
        let calls = ((1 << 20) / size).max(1);
        // Round 0 warms up and is not counted.
        for round in 0..=*rounds {
            for way in rotated(round as usize, ways.len()) {
                let rounds_done = f64::from(round) / f64::from(rounds + 1);
                let done = (at as f64 + rounds_done) / sizes.len() as f64;
                bench.step(TENSORS * done, &format!("{} {place}", ways[way].title()))?;
                let (forward, backward) = time(ways[way], &z, &g, calls);
                if round > 0 {
                    let ns = 1e9 / f64::from(size);
                    times[way][at].forward.push(ns * forward);
                    times[way][at].both.push(ns * (forward + backward));
                }
            }
        }
    }
    let mut figures: Vec<Figure> =
        sizes.iter().enumerate().map(|(at, (_, place))| bars(&ways, &times, at, place)).collect();
    figures.push(table(&ways, &times));
    let mut findings = found(&ways, &times);
    let four = [Activation::Sigmoid, Activation::Tanh, Activation::Softplus, Activation::Relu];
    let stepped: Vec<Activation> = four.into_iter().filter(|phi| activations.contains(phi)).collect();
    let (share, shares) = share::measure(&stepped, *rounds, bench, TENSORS)?;
    figures.push(share);
    findings.extend(shares);
    Ok(Outcome { figures, findings, seconds: 0.0 })
}

/// Seconds of a forward and of a backward pass.
fn time(way: Way, z: &Tensor, g: &Tensor, calls: u32) -> (f64, f64) {
    let _guard = tch::no_grad_guard();
    let forward = seconds(calls, || drop(way.forward(z)));
    let (_out, kept) = way.forward(z);
    (forward, seconds(calls, || drop(way.backward(&kept, g))))
}

/// Standard normal numbers, similar to pre-activations at initialisation.
fn normal(seed: u64, number: u32, count: u32) -> Tensor {
    let mut random = Random::new(seed, Purpose::Experiment { number });
    // Repeating a few thousand numbers does not change the timing and avoids drawing millions.
    let few: Vec<f32> = (0..count.min(4096)).map(|_| random.normal()).collect();
    let times = i64::from(count.div_ceil(4096));
    Tensor::from_slice(&few).repeat([times]).narrow(0, 0, count.into()).contiguous()
}

fn bars(ways: &[Way], times: &[[Times; 2]], at: usize, place: &str) -> Figure {
    let bar = |(way, times): (&Way, &[Times; 2])| {
        let [forward, both] = [&times[at].forward, &times[at].both].map(|times| median_and_spread(times).0);
        Bar { name: way.title().into(), values: vec![Some(forward), Some((both - forward).max(0.0))], total: None }
    };
    Figure::Bars(Bars {
        title: format!("Nanoseconds an element, {place}"),
        parts: vec!["forward".into(), "backward".into()],
        bars: ways.iter().zip(times).map(bar).collect(),
        source: Source::Measured,
    })
}

fn table(ways: &[Way], times: &[[Times; 2]]) -> Figure {
    let cell = |times: &[f64]| {
        let (median, spread) = median_and_spread(times);
        format!("{median:.3}+-{spread:.3}")
    };
    let row = |(way, [small, large]): (&Way, &[Times; 2])| {
        let cells = [&small.forward, &small.both, &large.forward, &large.both].map(|times| cell(times));
        [way.title().to_string()].into_iter().chain(cells).collect()
    };
    let columns = ["activation", "in: forward", "in: both", "out: forward", "out: both"].map(String::from).to_vec();
    let sources = vec![Source::Measured; columns.len()];
    let title = "Nanoseconds an element, in and out of the cache".into();
    Figure::Table(Table {
        title,
        columns,
        rows: ways.iter().zip(times).map(row).collect(),
        sources,
        places: Vec::new(),
    })
}

fn found(ways: &[Way], times: &[[Times; 2]]) -> Vec<Finding> {
    let finding = |what: &str, way: &Way, values: &[f64], text: &dyn Fn(f64) -> String| {
        let (median, spread) = median_and_spread(values);
        let key = format!("activation-cost.{what}.{}", way.name());
        Finding { spread: Some(spread), ..summary::exact(key, median, text(median)) }
    };
    let relu = ways.iter().position(|&way| way == Way::Of(Activation::Relu));
    let in_cache = |at: usize| &times[at][0].both;
    let against = |(at, way): (usize, &Way)| match relu {
        Some(relu) if relu != at => {
            // Ratios are taken within a round, because what slows the machine down slows both.
            let ratio = |(ours, relu): (&f64, &f64)| Some(ours / relu).filter(|ratio| ratio.is_finite());
            let ratios: Vec<f64> = in_cache(at).iter().zip(in_cache(relu)).filter_map(ratio).collect();
            let text = |ratio: f64| format!("{}: {ratio:.2} times the time of ReLU, in the cache", way.title());
            finding("times-relu", way, &ratios, &text)
        }
        _ => {
            let text = |ns: f64| format!("{}: {ns:.3} ns an element, forward and backward, in the cache", way.title());
            finding("ns", way, in_cache(at), &text).tabled()
        }
    };
    ways.iter().enumerate().map(against).collect()
}
