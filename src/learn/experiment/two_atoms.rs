//! ISTA with two atoms, small enough to follow by hand: a' = max(0, a - (D^T D a - D^T x) / L - price / L).

use super::bench::Bench;
use super::{ExperimentError, summary};
use protocol::{Figure, Outcome, PlotMark, PlotPlace, Source, Stroke, Table, TwoAtoms};

type Pair = [f64; 2];

/// Enough steps for the code to converge.
const SETTLED: usize = 10_000;

fn dot(a: Pair, b: Pair) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

/// The codes from (0, 0), one for each step.
fn codes(settings: &TwoAtoms, steps: usize) -> Vec<Pair> {
    let TwoAtoms { atoms: [first, second], patch, price, .. } = *settings;
    let between = dot(first, second);
    // The larger eigenvalue of [[1, c], [c, 1]].
    let scale = 1.0 + between.abs();
    let wanted = [dot(first, patch), dot(second, patch)];
    let step = |a: &Pair| {
        let explained = [a[0] + between * a[1], between * a[0] + a[1]];
        let next = |at: usize| (a[at] + (wanted[at] - explained[at] - price) / scale).max(0.0);
        Some([next(0), next(1)])
    };
    std::iter::successors(Some([0.0, 0.0]), step).take(steps + 1).collect()
}

pub fn run(settings: &TwoAtoms, _: &mut Bench) -> Result<Outcome, ExperimentError> {
    Ok(outcome(settings))
}

fn outcome(settings: &TwoAtoms) -> Outcome {
    let path = codes(settings, settings.steps as usize);
    let settled = codes(settings, SETTLED)[SETTLED];
    let line = |at: usize| {
        let points = path.iter().enumerate().map(|(step, a)| [step as f64, a[at]]).collect();
        summary::curve(["first", "second"][at], Source::Measured, Stroke::Both, points)
    };
    let (step, coefficient) = (summary::axis("step"), summary::axis("coefficient"));
    let steps = summary::plot("The two coefficients, step by step", step, coefficient, vec![line(0), line(1)]);
    let walk = summary::curve("the steps", Source::Measured, Stroke::Both, path.clone());
    let (x, y) = (summary::axis("first coefficient"), summary::axis("second"));
    let mut plane = summary::plot("The same in the plane of the coefficients", x, y, vec![walk]);
    plane.marks.push(PlotMark { label: "settled".into(), source: Source::Measured, at: settled });
    plane.places.push(PlotPlace { finding: "two-atoms.second".into(), x: settled[0] });
    let row = |(step, a): (usize, &Pair)| vec![step.to_string(), format!("{:.3}", a[0]), format!("{:.3}", a[1])];
    let columns = ["step", "first", "second"].map(String::from).to_vec();
    let rows = path.iter().enumerate().map(row).collect();
    let table =
        Table { title: "Step by step".into(), columns, rows, sources: vec![Source::Measured; 3], places: Vec::new() };
    let mut findings: Vec<_> = settled
        .iter()
        .zip(["first", "second"])
        .map(|(value, name)| {
            let text = format!("the {name} coefficient settles at {value:.3}");
            summary::exact(format!("two-atoms.{name}"), *value, text)
        })
        .collect();
    let one_less = |pair: &[Pair]| pair[0].iter().zip(pair[1]).any(|(before, after)| *before > 0.0 && after == 0.0);
    if let Some(at) = path.windows(2).position(one_less) {
        let text = format!("step {} is the first to silence one that was active", at + 1);
        findings.push(summary::exact("two-atoms.silenced", (at + 1) as f64, text));
    }
    let figures = vec![Figure::Plot(steps), Figure::Plot(plane), Figure::Table(table)];
    Outcome { figures, findings, seconds: 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: L = 1.6, W = [[.375, -.375], [-.375, .375]], U x - b = [.375, .175].
    #[test]
    fn the_steps_are_those_of_the_lesson() {
        let settings = TwoAtoms::default();
        let path = codes(&settings, 5);
        let expected = [[0.0, 0.0], [0.375, 0.175], [0.45, 0.1], [0.506_25, 0.043_75], [0.548_437_5, 0.001_562_5]];
        for (found, expected) in path.iter().zip(expected) {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}, not {expected:?}");
        }
        assert!(path[5][1].abs() < 1e-12);
        let outcome = outcome(&settings);
        let value = |key: &str| outcome.findings.iter().find(|finding| finding.key == key).unwrap().value.unwrap();
        // Alone, the first atom's coefficient is its scalar product less the price.
        assert!((value("two-atoms.first") - 0.6).abs() < 1e-9);
        assert!(value("two-atoms.second").abs() < 1e-12 && (value("two-atoms.silenced") - 5.0).abs() < 1e-12);
    }
}
