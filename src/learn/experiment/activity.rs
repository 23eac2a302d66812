//! Which hidden units respond to which digits: how many, how the sets overlap, and to how many classes a unit responds.

use super::bench::{Bench, Part};
use super::mlp::{Training, error, labelled, mean, mlp, pre_activations, train};
use super::penalised::Penalised;
use super::summary::{Absent, Measured};
use super::{ExperimentError, summary};
use crate::network::Network;
use crate::random::{Purpose, Random};
use protocol::{self, Activation, Bar, Bars, Figure, Init, Outcome, Source, Stroke, Table, TablePlace};
use std::collections::HashSet;
use tch::{Device, Kind, Tensor};

const CLASSES: usize = 10;
/// Test digits that are examined.
const SHOWN: u32 = 5000;
const BINS: usize = 40;

/// The measurements of one network of one seed.
struct Measurements {
    /// Number of active units for each digit.
    counts: Vec<f64>,
    /// Mean of them over the digits of each class.
    by_class: [f64; CLASSES],
    /// Jaccard index of the sets of active units, in percent, mean over pairs of digits of two classes.
    overlap: Vec<[f64; CLASSES]>,
    /// Correlation of the number of active units with the ink.
    ink: f64,
    /// Effective number of classes of a unit that is ever active: e to the entropy of its activity over the classes.
    classes: f64,
    /// Percent of the digits whose set of active units no earlier digit had.
    patterns: f64,
    /// Percent of the units that are never active.
    never: f64,
    error: f64,
}

pub fn run(settings: &protocol::Activity, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let data = bench.mnist()?;
    let (seeds, images) = (bench.seeds, settings.images(bench.effort));
    let items: Vec<(f64, u64)> =
        settings.penalties.iter().flat_map(|&penalty| seeds.iter().map(move |&seed| (penalty, seed))).collect();
    let work = |&(penalty, seed): &(f64, u64), part: &Part| {
        let (x, labels) = labelled(data.training(), images);
        let width = i64::from(settings.width);
        let mut random = Random::new(seed, Purpose::InitialWeights);
        let mut net = mlp(&[784, width, width, 10], Activation::Relu, Init::He, &mut random);
        let how = Training { epochs: settings.epochs, batch: 50, learning_rate: 0.1, momentum: 0.0, seed };
        if let Err(absent) = train(&mut net, &x, &labels, &how, &mut Penalised::new(penalty, part))? {
            return Ok(Err(absent));
        }
        let (test, test_labels) = labelled(data.test(), SHOWN);
        Ok(Ok(look(&net, &test, &test_labels)?))
    };
    let seen = bench.each("two hidden layers each", &items, work, |_| None)?;
    Ok(report(&settings.penalties, i64::from(settings.width), &seen, seeds))
}

fn look(net: &Network, x: &Tensor, labels: &Tensor) -> Result<Measurements, ExperimentError> {
    let z = tch::no_grad(|| pre_activations(net, x));
    let on = z[z.len() - 2].gt(0.0).to_kind(Kind::Float);
    let counts = on.sum_dim_intlist([1].as_slice(), false, Kind::Float);
    // One row for each class: 1 for the digits of that class.
    let members = Tensor::arange(CLASSES as i64, (Kind::Int64, Device::Cpu));
    let members = labels.unsqueeze(0).eq_tensor(&members.unsqueeze(1)).to_kind(Kind::Float);
    let sizes = members.sum_dim_intlist([1].as_slice(), true, Kind::Float).clamp_min(1.0);
    let by_class = (members.matmul(&counts.unsqueeze(1)) / &sizes).view(-1);
    // For each unit, the share of each class's digits for which it is active: (classes, units).
    let rates = members.matmul(&on) / &sizes;
    Ok(Measurements {
        by_class: row(&by_class)?,
        overlap: overlaps(&on, &members)?,
        ink: correlation(&counts, &x.sum_dim_intlist([1].as_slice(), false, Kind::Float)),
        classes: classes_served(&rates)?,
        patterns: distinct(&on)?,
        never: 100.0 * mean(&on.amax([0].as_slice(), false).eq(0.0)),
        error: error(net, x, labels),
        counts: Vec::<f64>::try_from(counts.to_kind(Kind::Double))?,
    })
}

fn row(values: &Tensor) -> Result<[f64; CLASSES], ExperimentError> {
    let values = Vec::<f64>::try_from(values.to_kind(Kind::Double))?;
    Ok(std::array::from_fn(|at| values[at]))
}

/// Mean of |A and B| / |A or B| over pairs of digits, for every two classes, in percent. A digit paired with itself
/// counts too, which is one pair in five hundred.
fn overlaps(on: &Tensor, members: &Tensor) -> Result<Vec<[f64; CLASSES]>, ExperimentError> {
    let counts = on.sum_dim_intlist([1].as_slice(), true, Kind::Float);
    let mut sums = Tensor::zeros([CLASSES as i64; 2], (Kind::Double, Device::Cpu));
    // A part of the digits at a time, because all pairs at once would take 100 MB.
    let (all, part) = (on.size()[0], 500);
    for from in (0..all).step_by(part) {
        let size = (part as i64).min(all - from);
        let (some, some_counts) = (on.narrow(0, from, size), counts.narrow(0, from, size));
        let both = some.matmul(&on.tr());
        let either = some_counts + counts.tr() - &both;
        let share = both / either.clamp_min(1.0);
        sums += members.narrow(1, from, size).matmul(&share).matmul(&members.tr()).to_kind(Kind::Double);
    }
    let sizes = members.sum_dim_intlist([1].as_slice(), true, Kind::Double);
    let means = sums * 100.0 / sizes.matmul(&sizes.tr()).clamp_min(1.0);
    (0..CLASSES as i64).map(|class| row(&means.get(class))).collect()
}

/// Pearson correlation.
fn correlation(a: &Tensor, b: &Tensor) -> f64 {
    let [a, b] = [a, b].map(|v| v.to_kind(Kind::Double) - v.mean(Kind::Double));
    let dot = |a: &Tensor, b: &Tensor| (a * b).sum(Kind::Double).double_value(&[]);
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt().max(1e-300)
}

/// e to the entropy of each unit's activity over the classes, mean over the units that are ever active; `rates`
/// (classes, units).
fn classes_served(rates: &Tensor) -> Result<f64, ExperimentError> {
    let all = rates.sum_dim_intlist([0].as_slice(), true, Kind::Double);
    let share = rates.to_kind(Kind::Double) / all.clamp_min(1e-12);
    let entropy = -(&share * share.clamp_min(1e-300).log()).sum_dim_intlist([0].as_slice(), false, Kind::Double);
    let (served, ever) = (Vec::<f64>::try_from(entropy.exp())?, Vec::<bool>::try_from(all.view(-1).gt(0.0))?);
    let alive: Vec<f64> = served.into_iter().zip(ever).filter_map(|(served, ever)| ever.then_some(served)).collect();
    // No unit is ever active; the caller reports that it is undefined.
    Ok(summary::mean_and_spread(&alive).0.unwrap_or(f64::NAN))
}

fn distinct(on: &Tensor) -> Result<f64, ExperimentError> {
    let (digits, units) = on.size2()?;
    let bytes = Vec::<u8>::try_from(on.to_kind(Kind::Uint8).view(-1))?;
    let sets: HashSet<&[u8]> = bytes.chunks(units as usize).collect();
    Ok(100.0 * sets.len() as f64 / digits as f64)
}

fn mean_of(counts: &[f64]) -> f64 {
    summary::mean_and_spread(counts).0.unwrap_or_default()
}

/// Mean over the pairs of equal classes, and over the others.
fn same_and_other(overlap: &[[f64; CLASSES]]) -> (f64, f64) {
    let (mut same, mut other) = (0.0, 0.0);
    for (at, row) in overlap.iter().enumerate() {
        same += row[at] / CLASSES as f64;
        other += (row.iter().sum::<f64>() - row[at]) / (CLASSES * (CLASSES - 1)) as f64;
    }
    (same, other)
}

fn name(penalty: f64) -> String {
    if penalty == 0.0 { "no penalty".into() } else { format!("L1 {penalty}") }
}

/// `plain`, or `l1` if there is a penalty.
fn key(penalties: &[f64], at: usize) -> String {
    let penalised = penalties.iter().filter(|&&penalty| penalty > 0.0).count();
    match penalties[at] {
        0.0 => "plain".into(),
        _ if penalised == 1 => "l1".into(),
        penalty => format!("l1.{penalty}"),
    }
}

fn report(penalties: &[f64], width: i64, seen: &[Result<Measurements, Absent>], seeds: &[u64]) -> Outcome {
    let (mut findings, mut figures, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut many, mut which, mut network) = (Vec::new(), Vec::new(), Vec::new());
    for (at, seeded) in seen.chunks(seeds.len()).enumerate() {
        let (name, key) = (name(penalties[at]), key(penalties, at));
        let all = |what: &dyn Fn(&Measurements) -> f64| -> Vec<Measured> {
            let one = |seen: &Result<Measurements, Absent>| match seen {
                Ok(seen) => summary::number(what(seen), "no unit answers"),
                Err(absent) => Err(*absent),
            };
            seeded.iter().map(one).collect()
        };
        let average = |what: &dyn Fn(&Measurements) -> f64| summary::mean(&all(what));
        let mut find =
            |decimals: usize, what: &str, value: &dyn Fn(&Measurements) -> f64, says: &dyn Fn(f64) -> String| {
                let values = all(value);
                findings.push(summary::finding(format!("activity.{what}.{key}"), &name, &values, seeds, says).tabled());
                summary::with_spread(&values, decimals)
            };
        let percent = 100.0 / width as f64;
        let varies = |s: &Measurements| {
            let (mean, spread) = summary::mean_and_spread(&s.counts);
            100.0 * spread.unwrap_or_default() / mean.unwrap_or_default()
        };
        // A coin for each unit, heads as often as units are active: the spread that arises by chance.
        let chance = |s: &Measurements| {
            let share = mean_of(&s.counts) / width as f64;
            100.0 * ((1.0 - share) / (share * width as f64)).sqrt()
        };
        many.push(vec![
            name.clone(),
            find(1, "on", &|s| percent * mean_of(&s.counts), &|v| {
                format!("{name}: a digit activates {v:.1} % of the units")
            }),
            find(1, "varies", &varies, &|v| format!("{name}: from digit to digit that number varies by {v:.0} %")),
            find(1, "chance", &chance, &|v| format!("{name}: tossed coins would make it vary by {v:.0} %")),
            find(2, "ink", &|s| s.ink, &|v| format!("{name}: its correlation with the ink is {v:.2}")),
        ]);
        which.push(vec![
            name.clone(),
            find(1, "same", &|s| same_and_other(&s.overlap).0, &|v| {
                format!("{name}: two digits of one class share {v:.0} % of their units")
            }),
            find(1, "other", &|s| same_and_other(&s.overlap).1, &|v| {
                format!("{name}: two of different classes share {v:.0} %")
            }),
            find(1, "classes", &|s| s.classes, &|v| format!("{name}: a unit serves {v:.1} classes of ten")),
            find(1, "patterns", &|s| s.patterns, &|v| {
                format!("{name}: {v:.1} % of the digits have a set of their own")
            }),
        ]);
        network.push(vec![
            name.clone(),
            find(1, "never", &|s| s.never, &|v| format!("{name}: {v:.1} % of the units never answer")),
            summary::with_spread(&all(&|s| s.error), 2),
        ]);
        counts.push(histogram(&name, width, seeded));
        let bar = |class: usize| Bar {
            name: class.to_string(),
            values: vec![average(&|s| percent * s.by_class[class])],
            total: None,
        };
        figures.push(Figure::Bars(Bars {
            title: format!("Units that answer a class, %; {name}"),
            parts: vec!["units".into()],
            bars: (0..CLASSES).map(bar).collect(),
            source: Source::Measured,
        }));
        let cells = |class: usize| {
            let share = |other: usize| summary::cell(average(&|s| s.overlap[class][other]), 0);
            std::iter::once(class.to_string()).chain((0..CLASSES).map(share)).collect()
        };
        figures.push(Figure::Table(Table {
            title: format!("Units shared by two digits, %; {name}"),
            columns: std::iter::once(String::new()).chain((0..CLASSES).map(|class| class.to_string())).collect(),
            rows: (0..CLASSES).map(cells).collect(),
            sources: vec![Source::Measured; CLASSES + 1],
            places: Vec::new(),
        }));
    }
    let plot = summary::plot(
        "How many units a digit activates",
        summary::axis("units that answer, %"),
        summary::axis("digits, %"),
        counts,
    );
    figures.insert(0, Figure::Plot(plot));
    figures.extend(tables(penalties, [many, which, network]));
    Outcome { figures, findings, seconds: 0.0 }
}

/// The findings on the networks, a row for each: how many units are active, which, and how well the network classifies.
fn tables(penalties: &[f64], [many, which, network]: [Vec<Vec<String>>; 3]) -> Vec<Figure> {
    let table = |(title, columns, found, rows): (&str, &[&str], &[&str], Vec<Vec<String>>)| {
        let sources = vec![Source::Measured; columns.len()];
        let columns = columns.iter().map(ToString::to_string).collect();
        // After the network's name.
        let place = |row: usize, column: usize| {
            TablePlace::new(format!("activity.{}.{}", found[column], key(penalties, row)), row, column + 1)
        };
        let cells = (0..rows.len()).flat_map(|row| (0..found.len()).map(move |column| (row, column)));
        let places = cells.map(|(row, column)| place(row, column)).collect();
        Figure::Table(Table { title: title.into(), columns, rows, sources, places })
    };
    let (of_many, of_which) = (["on", "varies", "chance", "ink"], ["same", "other", "classes", "patterns"]);
    vec![
        table(("How many units answer a digit", &["network", "on %", "varies %", "coins %", "ink"], &of_many, many)),
        table(("Which units answer", &["network", "same %", "other %", "classes", "own set %"], &of_which, which)),
        table(("And the network", &["network", "never %", "error %"], &["never"], network)),
    ]
}

/// Histogram of the digits by how many units they activate, in percent, all seeds together.
fn histogram(name: &str, width: i64, seeded: &[Result<Measurements, Absent>]) -> protocol::PlotSeries {
    let mut bins = [0_u32; BINS];
    let counts = seeded.iter().flatten().flat_map(|seen| &seen.counts);
    let mut all = 0.0;
    for count in counts {
        bins[((count / width as f64 * BINS as f64) as usize).min(BINS - 1)] += 1;
        all += 1.0;
    }
    let middle = |at: usize| 100.0 * (at as f64 + 0.5) / BINS as f64;
    let points = bins.iter().enumerate().map(|(at, &count)| [middle(at), 100.0 * f64::from(count) / all]).collect();
    summary::curve(name, Source::Measured, Stroke::Line, points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_counted_as_defined() {
        // Digits of classes 0, 0 and 1; four units.
        let on = Tensor::from_slice(&[1.0_f32, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]).view([3, 4]);
        let mut members = [0.0_f32; 30];
        (members[0], members[1], members[5]) = (1.0, 1.0, 1.0);
        let members = Tensor::from_slice(&members).view([10, 3]);
        let overlap = overlaps(&on, &members).unwrap();
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-3, "{a} is not {b}");
        // Pairs of class 0: each with itself, and 1 of 3 twice; of 0 and 1: none, and 1 of 2.
        near(overlap[0][0], 100.0 * (1.0 + 1.0 + 1.0 / 3.0 + 1.0 / 3.0) / 4.0);
        near(overlap[0][1], 25.0);
        near(distinct(&on).unwrap(), 100.0);
        // One unit for one class alone, one for two equally, one that is never active.
        let rates = Tensor::from_slice(&[1.0_f32, 0.5, 0.0, 0.0, 0.5, 0.0]).view([2, 3]);
        near(classes_served(&rates).unwrap(), 1.5);
        near(correlation(&Tensor::from_slice(&[1.0, 2.0, 3.0]), &Tensor::from_slice(&[2.0, 4.0, 6.0])), 1.0);
    }
}
