//! Figure 3 of Glorot et al. 2011: the test error of 200 rectifier networks against their share of zeros, from the
//! digitised points.

use super::bench::Bench;
use super::sparsity_error::band;
use super::{ExperimentError, reference, summary};
use protocol::{Figure, Outcome, Plot, Source, SparsityFigure, Stroke, Table};
use std::ops::Range;

/// Width of a row of the table in percent of zeros, and where the first begins.
const STEP: f64 = 2.5;
const FIRST: f64 = 72.5;
/// Where the article expects the cliff, in percent of zeros: keys, and the points that count.
const HIGH: [(&str, Range<f64>); 2] = [("95", 94.0..96.0), ("98.5", 98.0..99.0)];

pub fn run(_: &SparsityFigure, _: &mut Bench) -> Result<Outcome, ExperimentError> {
    Ok(outcome())
}

fn outcome() -> Outcome {
    let points = reference::sparsity();
    let rows: Vec<(Range<f64>, Mean)> = (0..11)
        .map(|row| FIRST + STEP * f64::from(row))
        .map(|from| (from..from + STEP, Mean::of(&points, &(from..from + STEP))))
        .collect();
    let table = Table {
        title: "Mean error by share of zeros".into(),
        columns: ["zeros, %", "networks", "mean test error, %"].map(String::from).to_vec(),
        rows: rows
            .iter()
            .map(|(zeros, mean)| {
                let error = if mean.count == 0 { "-".into() } else { format!("{:.2}", mean.error) };
                vec![format!("{} to {}", zeros.start, zeros.end), mean.count.to_string(), error]
            })
            .collect(),
        sources: vec![reference::glorot_sparsity(); 3],
        places: Vec::new(),
    };
    let mut findings = Vec::new();
    let known = rows.iter().filter(|(_, mean)| mean.count > 0);
    if let Some((zeros, lowest)) = known.min_by(|a, b| a.1.error.total_cmp(&b.1.error)) {
        let text = format!(
            "the published error is lowest at {} to {} % zeros: {:.2} % on average",
            zeros.start, zeros.end, lowest.error
        );
        findings.push(summary::exact("sparsity-figure.lowest", lowest.error, text));
        for (key, range) in HIGH {
            let mean = Mean::of(&points, &range);
            let times = mean.error / lowest.error;
            let text = format!(
                "at {} to {} % zeros it is {:.2} % ({} networks), {times:.2} times that",
                range.start, range.end, mean.error, mean.count
            );
            findings.push(summary::exact(format!("sparsity-figure.times.{key}"), times, text));
        }
    }
    let curve = parabola(&points);
    let fitted = (73..=99).map(f64::from).map(|zeros| [zeros, curve(zeros)]).collect();
    let theory = Source::Theory("least squares over the points".into());
    let series = vec![
        summary::curve("a network each", reference::glorot_sparsity(), Stroke::Points, points),
        summary::curve("parabola", theory, Stroke::Line, fitted),
    ];
    let (x, y) = (summary::axis("zeros, %"), summary::axis("test error, %"));
    let plot = Plot { bands: vec![band()], ..summary::plot("MNIST, three layers of 1000 rectifiers", x, y, series) };
    Outcome { figures: vec![Figure::Plot(plot), Figure::Table(table)], findings, seconds: 0.0 }
}

/// The points of a range.
struct Mean {
    error: f64,
    count: usize,
}

impl Mean {
    fn of(points: &[[f64; 2]], zeros: &Range<f64>) -> Self {
        let errors: Vec<f64> = points.iter().filter(|point| zeros.contains(&point[0])).map(|point| point[1]).collect();
        Self { error: errors.iter().sum::<f64>() / errors.len() as f64, count: errors.len() }
    }
}

/// The parabola through points (x, y) by least squares.
pub fn parabola(points: &[[f64; 2]]) -> impl Fn(f64) -> f64 + use<> {
    // Centred on the mean of x, so that the sums keep their precision; normal equations, solved by Cramer's rule.
    let count = points.len() as f64;
    let middle = points.iter().map(|p| p[0]).sum::<f64>() / count;
    let sum = |power: i32| points.iter().map(|p| (p[0] - middle).powi(power)).sum::<f64>();
    let mixed = |power: i32| points.iter().map(|p| (p[0] - middle).powi(power) * p[1]).sum::<f64>();
    let (s1, s2, s3, s4) = (sum(1), sum(2), sum(3), sum(4));
    let columns = [[count, s1, s2], [s1, s2, s3], [s2, s3, s4]];
    let right = [mixed(0), mixed(1), mixed(2)];
    let whole = determinant(&columns);
    let coefficient = |at: usize| {
        let mut replaced = columns;
        replaced[at] = right;
        determinant(&replaced) / whole
    };
    let [a, b, c] = [0, 1, 2].map(coefficient);
    move |x| a + b * (x - middle) + c * (x - middle).powi(2)
}

fn determinant([a, b, c]: &[[f64; 3]; 3]) -> f64 {
    a[0] * (b[1] * c[2] - b[2] * c[1]) - b[0] * (a[1] * c[2] - a[2] * c[1]) + c[0] * (a[1] * b[2] - a[2] * b[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed from the same file in Python: counts, means, and the parabola 0.002273 S^2 - 0.3610 S + 15.686.
    #[test]
    fn the_published_points_are_summed_up() {
        let points = reference::sparsity();
        assert_eq!(points.len(), 170);
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 5e-4, "{found}, not {expected}");
        for (from, to, count, error) in [
            (72.5, 75.0, 20, 1.376),
            (80.0, 82.5, 14, 1.379),
            (85.0, 87.5, 12, 1.444),
            (95.0, 97.5, 11, 1.862),
            (97.5, 100.0, 16, 2.248),
            (94.0, 96.0, 14, 1.802),
            (98.0, 99.0, 14, 2.260),
        ] {
            let mean = Mean::of(&points, &(from..to));
            assert_eq!(mean.count, count, "{from} to {to}");
            near(mean.error, error);
        }
        assert_eq!(Mean::of(&points, &(90.0..92.5)).count, 0);
        let fit = parabola(&points);
        for zeros in [75.0_f64, 85.0, 95.0] {
            let expected = 0.002_273 * zeros * zeros - 0.361_0 * zeros + 15.686;
            assert!((fit(zeros) - expected).abs() < 0.01, "{zeros}: {}, not {expected}", fit(zeros));
        }
        let outcome = outcome();
        let times = |key: &str| outcome.findings.iter().find(|finding| finding.key == key).unwrap().value.unwrap();
        near(times("sparsity-figure.times.95"), 1.802 / 1.363);
        near(times("sparsity-figure.times.98.5"), 2.260 / 1.363);
    }
}
