//! Helpers: what a seed measured or why it has no number, mean and spread over seeds, findings, axes and curves.

use protocol::{AxisScale, Finding, Plot, PlotAxis, PlotSeries, Source, Stroke};
use std::fmt;

/// Why a seed has no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The loss or a weight was not finite in this epoch, counted from 1.
    Diverged { epoch: u32 },
    /// Every unit of this hidden layer, counted from 1, is 0 for every image.
    DeadLayer { layer: u32 },
    /// It is not defined here; the reason in words that follow "no number:".
    Undefined(&'static str),
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Diverged { epoch } => write!(f, "diverged at epoch {epoch}"),
            Self::DeadLayer { layer } => write!(f, "no gradient arrives: layer {layer} is dead"),
            Self::Undefined(why) => write!(f, "no number: {why}"),
        }
    }
}

/// What one seed measured.
pub type Measured = Result<f64, Absent>;

/// The number if it is finite; otherwise it is undefined for this reason.
pub fn number(value: f64, why: &'static str) -> Measured {
    if value.is_finite() { Ok(value) } else { Err(Absent::Undefined(why)) }
}

/// Mean and sample standard deviation; the latter `None` for fewer than two values.
pub fn mean_and_spread(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    ((!values.is_empty()).then_some(mean), (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()))
}

/// Mean over the seeds that have a number.
pub fn mean(values: &[Measured]) -> Option<f64> {
    mean_and_spread(&numbers(values)).0
}

fn numbers(values: &[Measured]) -> Vec<f64> {
    values.iter().filter_map(|value| value.ok()).collect()
}

/// One value for each seed, or a single one that all seeds share. `text` puts the mean into a sentence. If a seed has
/// no number the sentence says why, and without any number it is about `subject`.
pub fn finding(
    key: impl Into<String>,
    subject: &str,
    values: &[Measured],
    seeds: &[u64],
    text: impl Fn(f64) -> String,
) -> Finding {
    let (value, spread) = mean_and_spread(&numbers(values));
    let counted = |at: usize| values.get(at).unwrap_or(&values[0]).is_ok();
    let counted: Vec<u64> = seeds.iter().enumerate().filter(|(at, _)| counted(*at)).map(|(_, seed)| *seed).collect();
    let absent: Vec<(usize, Absent)> =
        values.iter().enumerate().filter_map(|(at, value)| Some((at, value.err()?))).collect();
    let seed = |at: usize| seeds.get(at).map_or_else(|| at.to_string(), u64::to_string);
    let text = match (value, absent.as_slice()) {
        (Some(mean), []) => text(mean),
        (Some(mean), some) => format!("{}; without {}", text(mean), listed(some, seed)),
        (None, [(_, why)]) => format!("{subject}: {why}"),
        (None, all @ [(_, why), ..]) if all.iter().all(|(_, other)| other == why) => {
            format!("{subject}: {why}, with every seed")
        }
        (None, all) => format!("{subject}: {}", listed(all, seed)),
    };
    Finding { key: key.into(), text, value, spread, seeds: counted, tabled: false, is_bound: false }
}

/// `seed 1 (diverged at epoch 3), seed 2 (diverged at epoch 4)`; if there are many, their number.
fn listed(absent: &[(usize, Absent)], seed: impl Fn(usize) -> String) -> String {
    const SHOWN: usize = 3;
    let named = absent.iter().take(SHOWN).map(|(at, why)| format!("seed {} ({why})", seed(*at)));
    let named = named.collect::<Vec<_>>().join(", ");
    match absent.len().saturating_sub(SHOWN) {
        0 => named,
        1 => format!("{named} and 1 more seed"),
        more => format!("{named} and {more} more seeds"),
    }
}

/// A number that does not depend on a seed.
pub fn exact(key: impl Into<String>, value: f64, text: String) -> Finding {
    Finding {
        key: key.into(),
        text,
        value: Some(value),
        spread: None,
        seeds: Vec::new(),
        tabled: false,
        is_bound: false,
    }
}

/// The mean in a table, with its spread if there are several numbers, or a dash.
pub fn with_spread(values: &[Measured], decimals: usize) -> String {
    let (mean, spread) = mean_and_spread(&numbers(values));
    let spread = spread.map_or(String::new(), |spread| format!(" +- {spread:.decimals$}"));
    mean.map_or("-".into(), |mean| format!("{mean:.decimals$}{spread}"))
}

/// A number in a table, or a dash.
pub fn cell(value: Option<f64>, decimals: usize) -> String {
    value.map_or("-".into(), |value| format!("{value:.decimals$}"))
}

/// A finding's number in a table, with its spread if it has one, or a dash.
pub fn cell_with_spread(finding: &Finding, decimals: usize) -> String {
    let spread = finding.spread.map_or(String::new(), |spread| format!(" +- {spread:.decimals$}"));
    finding.value.map_or("-".into(), |value| format!("{value:.decimals$}{spread}"))
}

pub fn axis(label: &str) -> PlotAxis {
    PlotAxis { label: label.into(), scale: AxisScale::Linear, limits: None }
}

pub fn log_axis(label: &str) -> PlotAxis {
    PlotAxis { scale: AxisScale::Log, ..axis(label) }
}

pub fn plot(title: impl Into<String>, x: PlotAxis, y: PlotAxis, series: Vec<PlotSeries>) -> Plot {
    Plot {
        title: title.into(),
        x,
        y,
        series,
        bands: Vec::new(),
        marks: Vec::new(),
        places: Vec::new(),
        spread: protocol::SpreadKind::Deviation,
        notes: Vec::new(),
    }
}

/// A curve through these points, which are all finite.
pub fn curve(name: impl Into<String>, source: Source, stroke: Stroke, points: Vec<[f64; 2]>) -> PlotSeries {
    let points = points.into_iter().map(|[x, y]| (x, y.is_finite().then_some(y))).collect();
    curve_with_gaps(name, source, stroke, points)
}

/// A curve of which points may have no y.
pub fn curve_with_gaps(
    name: impl Into<String>,
    source: Source,
    stroke: Stroke,
    points: Vec<(f64, Option<f64>)>,
) -> PlotSeries {
    PlotSeries { name: name.into(), source, stroke, points, spread: Vec::new(), below: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summarise(values: &[Measured], seeds: &[u64]) -> (String, Option<f64>, Option<f64>, Vec<u64>) {
        let finding = finding("k", "the net", values, seeds, |mean| format!("the net: {mean:.1}"));
        (finding.text, finding.value, finding.spread, finding.seeds)
    }

    #[test]
    fn a_finding_says_which_seeds_have_no_number_and_why() {
        let diverged = |epoch| Err(Absent::Diverged { epoch });
        let dead = Err(Absent::DeadLayer { layer: 7 });
        assert_eq!(summarise(&[Ok(1.0)], &[4]), ("the net: 1.0".into(), Some(1.0), None, vec![4]));
        let (text, value, spread, seeds) = summarise(&[Ok(1.0), diverged(3), Ok(3.0)], &[4, 5, 6]);
        assert_eq!(text, "the net: 2.0; without seed 5 (diverged at epoch 3)");
        assert_eq!((value, spread, seeds), (Some(2.0), Some(2.0_f64.sqrt()), vec![4, 6]));
        assert_eq!(summarise(&[dead], &[1]).0, "the net: no gradient arrives: layer 7 is dead");
        let none = ("the net: diverged at epoch 3, with every seed".into(), None, None, Vec::new());
        assert_eq!(summarise(&[diverged(3), diverged(3)], &[1, 2]), none);
        let text = "the net: seed 1 (diverged at epoch 3), seed 2 (no gradient arrives: layer 7 is dead)";
        assert_eq!(summarise(&[diverged(3), dead], &[1, 2]).0, text);
        let many: Vec<Measured> = (1..=5).map(diverged).collect();
        assert!(summarise(&many, &[1, 2, 3, 4, 5]).0.ends_with("seed 3 (diverged at epoch 3) and 2 more seeds"));
        // One value for all seeds.
        assert_eq!(summarise(&[Ok(1.0)], &[1, 2]).3, [1, 2]);
        assert_eq!(number(f64::NAN, "no unit answers"), Err(Absent::Undefined("no unit answers")));
    }
}
