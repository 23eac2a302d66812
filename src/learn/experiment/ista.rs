//! Sparse codes without negative coefficients, step by step. Each step is a layer of rectifiers with shared weights
//! (unrolled in this way by Gregor and others, ICML 2010).

use super::bench::{Bench, Part};
use super::mlp::{digits, mean};
use super::sparse::dictionary::{Dictionary, Sign};
use super::sparse::patches::patches;
use super::summary::Measured;
use super::{ExperimentError, summary};
use crate::random::{Purpose, Random};
use protocol::{Figure, Finding, Ista, Outcome, PlotSeries, Source, Stroke, Table};
use tch::Tensor;

/// Numbers of steps, or layers, after which a code is measured.
const LAYERS: [u32; 7] = [1, 2, 3, 5, 10, 30, 100];
/// Enough steps for the code to converge, with momentum.
const SETTLED: u32 = 3000;
/// FISTA's steps while the dictionary is learned.
const STEPS: u32 = 50;

/// A code after this many layers.
#[derive(Clone, Copy, Debug)]
struct Layer {
    /// Percent of the units that are active.
    active: f64,
    /// Units active here and in the converged code, over those active in either, in percent.
    agree: f64,
    /// How far the cost is above the converged code's, relative to it.
    above: f64,
}

/// One price for one seed.
struct Measurements {
    layers: Vec<Layer>,
    settled: f64,
    /// The largest difference between a step and the rectifier layer that equals it.
    gap: f64,
    /// Input and output of the shrinkage for some units, in units of the threshold.
    shrunk: Vec<[f64; 2]>,
}

pub fn run(settings: &Ista, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let data = bench.mnist()?;
    let (seeds, prices) = (bench.seeds, &settings.prices);
    let work = |&seed: &u64, part: &Part| {
        let mut random = Random::new(seed, Purpose::Experiment { number: 6 });
        let learned = patches(&digits(data.training(), 2000), &mut random);
        let mut dictionary = Dictionary::new(settings.atoms, Sign::Positive, prices[0], &mut random);
        dictionary.learn(&learned, settings.batches, STEPS, &mut random, |_, done| part.step(0.8 * done))?;
        let x = patches(&digits(data.test(), settings.patches), &mut random);
        let x = x.narrow(0, 0, x.size()[0].min(settings.patches.into()));
        let mut seen = Vec::new();
        for (at, &price) in prices.iter().enumerate() {
            dictionary.price = price;
            seen.push(look(&dictionary, &x, part)?);
            part.step(0.8 + 0.2 * (at + 1) as f64 / prices.len() as f64)?;
        }
        Ok(seen)
    };
    let seen = bench.each("learning a dictionary without signs", seeds, work, |_| None)?;
    Ok(report(prices, &seen, seeds))
}

fn look(dictionary: &Dictionary, x: &Tensor, part: &Part) -> Result<Measurements, ExperimentError> {
    let best = dictionary.codes(x, SETTLED, || part.poll())?;
    let (ista, lowest) = (dictionary.steps(x), dictionary.cost(x, &best));
    let mut a = ista.zero();
    // The same as a network computes it: one layer whose input is its own last output and the patch, relu(W [a, x] +
    // b).
    let atoms = dictionary.atoms.tr();
    let identity = Tensor::eye(atoms.size()[0], (tch::Kind::Float, tch::Device::Cpu));
    let rate = ista.threshold / dictionary.price;
    let weights = Tensor::cat(&[&(identity - atoms.matmul(&dictionary.atoms) * rate), &(&atoms * rate)], 1);
    let bias = Tensor::full([atoms.size()[0]], -ista.threshold, (tch::Kind::Float, tch::Device::Cpu));
    let (mut layers, mut gap, mut shrunk) = (Vec::new(), 0.0_f64, Vec::new());
    for layer in 1..=LAYERS[LAYERS.len() - 1] {
        part.poll()?;
        let drive = ista.drive(&a);
        let rectified = Tensor::cat(&[&a, x], 1).linear(&weights, Some(&bias)).relu();
        a = ista.step(&a);
        gap = gap.max((&a - rectified).abs().max().double_value(&[]));
        if layer == 1 {
            let some = |t: &Tensor| Vec::<f64>::try_from((t.view(-1) / ista.threshold).to_kind(tch::Kind::Double));
            let step = (a.numel() / 200).max(1);
            let points = some(&drive)?.into_iter().zip(some(&a)?).step_by(step).map(|(z, h)| [z, h]);
            shrunk = points.filter(|point| point[0].abs() < 6.0).collect();
            shrunk.sort_by(|p, q| p[0].total_cmp(&q[0]));
        }
        if LAYERS.contains(&layer) {
            layers.push(Layer {
                active: 100.0 * mean(&a.gt(0.0)),
                agree: agreement(&a, &best),
                above: (dictionary.cost(x, &a) - lowest).max(0.0) / lowest,
            });
        }
    }
    Ok(Measurements { layers, settled: 100.0 * mean(&best.gt(0.0)), gap, shrunk })
}

/// Jaccard index of the active units, in percent.
fn agreement(a: &Tensor, b: &Tensor) -> f64 {
    let (a, b) = (a.gt(0.0), b.gt(0.0));
    100.0 * mean(&a.logical_and(&b)) / mean(&a.logical_or(&b)).max(1e-12)
}

fn report(prices: &[f64], seen: &[Vec<Measurements>], seeds: &[u64]) -> Outcome {
    let all = |price: usize, what: &dyn Fn(&Measurements) -> f64| -> Vec<Measured> {
        seen.iter().map(|seeded| summary::number(what(&seeded[price]), "its cost is 0")).collect()
    };
    let average = |price: usize, what: &dyn Fn(&Measurements) -> f64| summary::mean(&all(price, what));
    let mut findings: Vec<Finding> = Vec::new();
    let (mut active, mut above): (Vec<PlotSeries>, Vec<PlotSeries>) = (Vec::new(), Vec::new());
    let mut by_price: Vec<(usize, Vec<String>)> = Vec::new();
    for (at, price) in prices.iter().enumerate() {
        let curve = |what: &dyn Fn(&Layer) -> f64| {
            // A log axis can't show 0, which becomes a gap.
            let value = |layer: usize| average(at, &|s| what(&s.layers[layer])).filter(|value| *value > 0.0);
            let point = |layer: usize| (f64::from(LAYERS[layer]), value(layer));
            let points = (0..LAYERS.len()).map(point).collect();
            summary::curve_with_gaps(format!("price {price}").as_str(), Source::Measured, Stroke::Both, points)
        };
        active.push(curve(&|layer| layer.active));
        above.push(curve(&|layer| 100.0 * layer.above));
        let first = |what: fn(&Layer) -> f64| all(at, &|s| what(&s.layers[0]));
        let (one, agree, settled) = (first(|l| l.active), first(|l| l.agree), all(at, &|s| s.settled));
        let subject = format!("price {price}");
        let says = |share: f64| format!("{subject}: {share:.1} % of the units answer in the settled code");
        let key = format!("ista.settled.{price}");
        findings.push(summary::finding(key, &subject, &settled, seeds, says).tabled());
        let says = |share: f64| {
            format!("{subject}: of the units active after one layer or in the settled code, {share:.0} % are in both")
        };
        findings.push(summary::finding(format!("ista.agree.{price}"), &subject, &agree, seeds, says).tabled());
        let cells = [&one, &settled, &agree].map(|values| summary::with_spread(values, 1));
        by_price.push((at, std::iter::once(price.to_string()).chain(cells).collect()));
    }
    let gap = seen.iter().flatten().map(|s| s.gap).fold(0.0, f64::max);
    findings.push(summary::exact(
        "ista.gap",
        gap,
        format!("a step and a layer of rectifiers differ by {gap:.1e} at most"),
    ));
    let rows = (0..LAYERS.len())
        .map(|layer| {
            let value = |what: &dyn Fn(&Layer) -> f64| average(0, &|s| what(&s.layers[layer]));
            vec![
                LAYERS[layer].to_string(),
                summary::cell(value(&|l| l.active), 1),
                summary::cell(value(&|l| l.agree), 0),
                summary::cell(value(&|l| 100.0 * l.above), 2),
            ]
        })
        .collect();
    let columns = ["layers", "answer %", "agree %", "cost above %"].map(String::from).to_vec();
    let layered = format!("Layer by layer, price {}", prices[0]);
    let layered = Table { title: layered, columns, rows, sources: vec![Source::Measured; 4], places: Vec::new() };
    let columns = ["price", "one layer, %", "settled, %", "agree %"].map(String::from).to_vec();
    by_price.sort_by(|a, b| prices[a.0].total_cmp(&prices[b.0]));
    if let [(low, _), .., (high, _)] = by_price[..] {
        let agree = |price: usize| all(price, &|s| s.layers[0].agree);
        let rise = |(high, low): (&Measured, &Measured)| -> Measured { Ok((*high)? - (*low)?) };
        let rises: Vec<Measured> = agree(high).iter().zip(&agree(low)).map(rise).collect();
        let (low, high) = (prices[low], prices[high]);
        findings.push(summary::finding("ista.agree.rise", "the agreement", &rises, seeds, |rise| {
            let how = if rise >= 0.0 { "rises" } else { "falls" };
            format!("from price {low} to {high} the agreement after one layer {how} by {:.1} points", rise.abs())
        }));
    }
    let by_price = Table {
        title: "Units that answer after one layer and at last".into(),
        columns,
        rows: by_price.into_iter().map(|(_, row)| row).collect(),
        sources: vec![Source::Measured; 4],
        places: Vec::new(),
    };
    let line = [[-6.0, 0.0], [1.0, 0.0], [6.0, 5.0]].to_vec();
    let theory = Source::Theory("relu(z - 1)".into());
    let shrinking = summary::plot(
        "One step of sparse coding, unit by unit",
        summary::axis("drive, in thresholds"),
        summary::axis("answer"),
        vec![
            summary::curve("a rectifier with a bias", theory, Stroke::Line, line),
            summary::curve("units of the first step", Source::Measured, Stroke::Points, seen[0][0].shrunk.clone()),
        ],
    );
    let layers = summary::log_axis("layers");
    let figures = vec![
        Figure::Plot(shrinking),
        Figure::Plot(summary::plot("Units that answer", layers.clone(), summary::axis("units, %"), active)),
        Figure::Plot(summary::plot("Cost above the best code's", layers, summary::log_axis("%"), above)),
        Figure::Table(layered),
        Figure::Table(by_price),
    ];
    Outcome { figures, findings, seconds: 0.0 }
}
