//! Whether a network gets worse when more of its hidden outputs are zero. The zeros come from a penalty on activity
//! (the L1 penalty of Glorot et al. 2011, Figure 3), or are forced (only the largest outputs of a layer are kept, as
//! the article puts it).

use super::mlp::{Training, error, labelled, mean, mlp, train};
use super::penalised::Penalised;
use super::sparsity_figure::parabola;
use super::summary::Absent;
use super::{ExperimentError, bench::Bench, bench::Part, reference, summary};
use crate::network::{Layer, Network};
use crate::{random::Purpose, random::Random};
use protocol::{Activation, Figure, Finding, Init, Outcome, Plot, PlotBand, Source, SparsityError, Stroke, Table};
use tch::Tensor;

/// The article's band of zeros, percent.
const BAND: (f64, f64) = (70.0, 85.0);
/// A network that was forced to 85 % zeros belongs to the band, despite rounding.
const EDGE: f64 = 0.5;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pressure {
    /// Weight of the L1 penalty.
    Penalty(f64),
    /// Percent of each layer's outputs that are set to zero.
    Forced(f64),
}

/// One trained network.
#[derive(Clone, Copy, Debug)]
struct Point {
    pressure: Pressure,
    seed: u64,
    /// Zeros and error, percent.
    seen: Result<[f64; 2], Absent>,
}

impl Point {
    fn is(&self, way: &str) -> bool {
        matches!(self.pressure, Pressure::Penalty(_)) == (way == "l1")
    }
}

pub fn run(settings: &SparsityError, bench: &mut Bench) -> Result<Outcome, ExperimentError> {
    let data = bench.mnist()?;
    let images = settings.images(bench.effort);
    let seeds = bench.seeds;
    let penalties = settings.penalties.iter().map(|&penalty| Pressure::Penalty(penalty));
    let pressures: Vec<Pressure> =
        penalties.chain(settings.forced.iter().map(|&zeros| Pressure::Forced(zeros))).collect();
    let items: Vec<(Pressure, u64)> =
        pressures.iter().flat_map(|&pressure| seeds.iter().map(move |&seed| (pressure, seed))).collect();
    let epochs = settings.epochs(bench.effort);
    let work = |&(pressure, seed): &(Pressure, u64), part: &Part| {
        let (x, labels) = labelled(data.training(), images);
        let (test, test_labels) = labelled(data.test(), 10_000);
        let width = i64::from(settings.width);
        let mut random = Random::new(seed, Purpose::InitialWeights);
        let mut net = mlp(&[784, width, width, width, 10], Activation::Relu, Init::He, &mut random);
        let mut penalty = 0.0;
        match pressure {
            Pressure::Penalty(weight) => penalty = weight,
            Pressure::Forced(zeros) => {
                net.architecture.insert_behind_activations(&Layer::KeepLargest(winners(zeros, width)));
            }
        }
        net.architecture.insert_behind_activations(&Layer::AlternateSigns);
        let how = Training { epochs, batch: 50, learning_rate: 0.1, momentum: 0.0, seed };
        let trained = train(&mut net, &x, &labels, &how, &mut Penalised::new(penalty, part))?;
        let seen = trained.map(|()| [zeros(&net, &test), error(&net, &test, &test_labels)]);
        Ok(Point { pressure, seed, seen })
    };
    let shown = |so_far: &[Option<Point>]| {
        let points: Vec<Point> = so_far.iter().flatten().copied().collect();
        let figures = vec![Figure::Plot(errors(&points)), Figure::Plot(relative(&points))];
        Some(Outcome { figures, ..Outcome::default() })
    };
    let points = bench.each("training networks", &items, work, shown)?;
    let figures = vec![Figure::Plot(errors(&points)), Figure::Plot(relative(&points)), Figure::Table(table(&points))];
    let findings = ["l1", "forced"].iter().flat_map(|&way| findings(way, &points, seeds)).collect();
    Ok(Outcome { figures, findings, seconds: 0.0 })
}

/// How many units of a layer may be active, at least one.
fn winners(zeros: f64, width: i64) -> i64 {
    ((width as f64 * (1.0 - zeros / 100.0)).round() as i64).max(1)
}

/// Percent of all hidden outputs that are exactly 0.
fn zeros(net: &Network, x: &Tensor) -> f64 {
    tch::no_grad(|| {
        let (hidden, _) = net.trace(x);
        hidden.iter().map(|layer| 100.0 * mean(&layer.y.eq(0.0))).sum::<f64>() / hidden.len() as f64
    })
}

/// The points of one kind, ordered by their zeros.
fn of(way: &str, points: &[Point]) -> Vec<[f64; 2]> {
    let mut found: Vec<[f64; 2]> = points.iter().filter(|point| point.is(way)).filter_map(|p| p.seen.ok()).collect();
    found.sort_by(|a, b| a[0].total_cmp(&b[0]));
    found
}

fn lowest(points: &[[f64; 2]]) -> f64 {
    points.iter().map(|point| point[1]).fold(f64::INFINITY, f64::min)
}

fn errors(points: &[Point]) -> Plot {
    let series = [("by a price on activity (L1)", "l1"), ("by force", "forced")]
        .map(|(name, way)| summary::curve(name, Source::Measured, Stroke::Points, of(way, points)));
    let (x, y) = (summary::axis("zeros, %"), summary::axis("test error, %"));
    Plot { bands: vec![band()], ..summary::plot("Test error against zeros", x, y, series.to_vec()) }
}

/// Each set of networks is compared with its own best one, as ours are smaller and see fewer digits than the paper's.
fn relative(points: &[Point]) -> Plot {
    let published = reference::sparsity();
    let best = |points: Vec<[f64; 2]>| {
        let lowest = lowest(&points);
        points.into_iter().map(|[zeros, error]| [zeros, error / lowest]).collect::<Vec<_>>()
    };
    let theory = "least squares over the published points";
    let fit = parabola(&published);
    let floor = lowest(&published);
    let fitted = (73..=99).map(|zeros| [f64::from(zeros), fit(f64::from(zeros)) / floor]).collect();
    let series = vec![
        summary::curve("L1, here", Source::Measured, Stroke::Both, best(of("l1", points))),
        summary::curve("forced, here", Source::Measured, Stroke::Both, best(of("forced", points))),
        summary::curve("L1, 3 x 1000 units, all digits", reference::glorot_sparsity(), Stroke::Points, best(published)),
        summary::curve("parabola", Source::Theory(theory.into()), Stroke::Line, fitted),
    ];
    let (x, y) = (summary::axis("zeros, %"), summary::axis("error / lowest error"));
    Plot { bands: vec![band()], ..summary::plot("Against the best of its own kind", x, y, series) }
}

pub(super) fn band() -> PlotBand {
    let source = Source::Cited("the article, after Glorot, Bordes, Bengio 2011".into());
    PlotBand { label: "70 to 85 %".into(), source, vertical: true, from: BAND.0, to: BAND.1 }
}

fn table(points: &[Point]) -> Table {
    let rows = points
        .iter()
        .map(|point| {
            let pressure = match point.pressure {
                Pressure::Penalty(weight) => format!("L1, {weight}"),
                Pressure::Forced(zeros) => format!("forced, {zeros} %"),
            };
            let [zeros, error] = [0, 1].map(|at| point.seen.ok().map(|seen| seen[at]));
            vec![pressure, summary::cell(zeros, 1), summary::cell(error, 2)]
        })
        .collect();
    let columns = ["pressure", "zeros, %", "test error, %"].map(String::from).to_vec();
    Table { title: "Every network".into(), columns, rows, sources: vec![Source::Measured; 3], places: Vec::new() }
}

fn findings(way: &str, points: &[Point], seeds: &[u64]) -> Vec<Finding> {
    let all: Vec<&Point> = points.iter().filter(|point| point.is(way)).collect();
    let points = of(way, points);
    let how = if way == "l1" { "with a price on activity, or none" } else { "with forced zeros" };
    let key = |what: &str| format!("sparsity-error.{way}.{what}");
    let Some(best) = points.iter().min_by(|a, b| a[1].total_cmp(&b[1])) else {
        let (absent, of): (Vec<_>, Vec<u64>) = all.iter().filter_map(|p| Some((Err(p.seen.err()?), p.seed))).unzip();
        let none = |what: &str| summary::finding(key(what), how, &absent, &of, |_| String::new());
        return if absent.is_empty() { Vec::new() } else { ["best-zeros", "best-error"].map(none).to_vec() };
    };
    let lost = match all.len() - points.len() {
        0 => String::new(),
        lost => format!("; without {lost} of {} networks, which diverged", all.len()),
    };
    let mut findings = vec![
        summary::finding(key("best-zeros"), how, &[Ok(best[0])], seeds, |zeros| {
            format!("{how}: the lowest error is met at {zeros:.0} % zeros, of {} shares tried{lost}", points.len())
        }),
        summary::finding(key("best-error"), how, &[Ok(best[1])], seeds, |error| {
            format!("{how}: the lowest error is {error:.2} %{lost}")
        }),
    ];
    let parts = [
        ("below", "below 70 % zeros", 0.0..BAND.0),
        ("band", "from 70 to 85 % zeros", BAND.0..BAND.1 + EDGE),
        ("above", "above 85 % zeros", BAND.1 + EDGE..101.0),
        ("far-above", "above 94 % zeros", 94.0..101.0),
    ];
    for (name, words, within) in parts {
        let errors: Vec<f64> = points.iter().filter(|point| within.contains(&point[0])).map(|point| point[1]).collect();
        if let (Some(error), _) = summary::mean_and_spread(&errors) {
            let mean = if errors.len() == 1 { "the error is" } else { "the mean error is" };
            let text = |ratio: f64| format!("{how}, {words}: {mean} {error:.2} %, {ratio:.2} times the lowest");
            let ratio = summary::number(error / best[1], "the lowest error is 0");
            findings.push(summary::finding(key(&format!("{name}-ratio")), how, &[ratio], seeds, text));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of ten units the three largest are kept; ties and negative outputs become zero.
    #[test]
    fn force_leaves_the_largest() {
        let mut random = Random::new(1, Purpose::InitialWeights);
        let mut net = mlp(&[4, 5, 2], Activation::Relu, Init::He, &mut random);
        net.architecture.insert_behind_activations(&Layer::KeepLargest(winners(60.0, 5)));
        let z = Tensor::from_slice(&[0.5_f32, -1.0, 3.0, 2.0, 1.0, -1.0, -2.0, -3.0, 0.1, -5.0]).reshape([2, 5]);
        let h = Vec::<f32>::try_from(net.hidden_output("fc1", &z).reshape([-1])).unwrap();
        assert_eq!(h, [0.0, 0.0, 3.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.1, 0.0]);
    }
}
