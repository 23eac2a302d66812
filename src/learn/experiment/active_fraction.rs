//! How many hidden units are exactly zero, and how many fire, before any training.

use super::mlp::{digits, mean, mlp, pre_activations};
use super::summary::{Measured, number};
use super::{ExperimentError, bench::Bench, summary};
use crate::{activation, random::Purpose, random::Random};
use protocol::{ActiveFraction, Figure, Init, Outcome, Source, Stroke, Table, TablePlace};

const LAYERS: usize = 3;

pub fn run(settings: &ActiveFraction, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let ActiveFraction { activations, width, images } = settings;
    let (width, seeds) = (i64::from(*width), bench.seeds);
    let data = bench.mnist()?;
    let x = digits(data.test(), *images);
    let (mut series, mut rows, mut findings, mut places) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (at, &phi) in activations.iter().enumerate() {
        // [layer][zeros, active, mean][seed]
        let mut found = vec![[const { Vec::new() }; 3]; LAYERS];
        for (s, &seed) in seeds.iter().enumerate() {
            let done = (at * seeds.len() + s) as f64 / (activations.len() * seeds.len()) as f64;
            bench.step(done, &format!("{}, seed {seed}", phi.title()))?;
            let mut random = Random::new(seed, Purpose::InitialWeights);
            let net = mlp(&[784, width, width, width, 10], phi, Init::Xavier, &mut random);
            for (z, layer) in pre_activations(&net, &x).iter().zip(&mut found) {
                let h = activation::apply(phi, z);
                layer[0].push(100.0 * mean(&h.eq(0.0)));
                layer[1].push(100.0 * mean(&h.gt(0.01)));
                layer[2].push(mean(&h));
            }
        }
        let of = |layer: usize, what: usize| summary::mean_and_spread(&found[layer][what]);
        let points = (0..LAYERS).map(|l| ((l + 1) as f64, of(l, 0).0)).collect();
        let mut curve = summary::curve_with_gaps(phi.title(), Source::Measured, Stroke::Both, points);
        if seeds.len() > 1 {
            curve.spread = (0..LAYERS).map(|l| of(l, 0).1).collect();
        }
        series.push(curve);
        for layer in 0..LAYERS {
            let [zeros, active, average] = [0, 1, 2].map(|what| of(layer, what).0);
            let row = [summary::cell(zeros, 1), summary::cell(active, 1), summary::cell(average, 3)];
            rows.push([phi.title().into(), (layer + 1).to_string()].into_iter().chain(row).collect());
        }
        let mut all = vec![phi.title().into(), "all".into()];
        for (what, name) in ["zeros", "active", "mean"].into_iter().enumerate() {
            let per_seed: Vec<Measured> = (0..seeds.len())
                .map(|s| found.iter().map(|layer| layer[what][s]).sum::<f64>() / LAYERS as f64)
                .map(|value| number(value, "its outputs are not finite"))
                .collect();
            let text = |value: f64| match name {
                "zeros" => format!("{}: {value:.1} % of hidden outputs are exactly 0", phi.title()),
                "active" => format!("{}: {value:.1} % of hidden outputs exceed 0.01", phi.title()),
                _ => format!("{}: the mean hidden output is {value:.3}", phi.title()),
            };
            let finding = summary::finding(format!("sparsity.{name}.{phi}"), phi.title(), &per_seed, seeds, text);
            places.push(TablePlace::new(finding.key.as_str(), rows.len(), all.len()));
            all.push(summary::cell_with_spread(&finding, if name == "mean" { 3 } else { 1 }));
            findings.push(finding.tabled());
        }
        rows.push(all);
    }
    let plot = summary::plot("Zeros before training", summary::axis("layer"), summary::axis("zeros, %"), series);
    let columns = ["activation", "layer", "h = 0, %", "h > 0.01, %", "mean h"].map(String::from).to_vec();
    let sources = vec![Source::Measured; columns.len()];
    let table = Table { title: "Hidden outputs at initialisation".into(), columns, rows, sources, places };
    Ok(Outcome { figures: vec![Figure::Plot(plot), Figure::Table(table)], findings, seconds: 0.0 })
}
