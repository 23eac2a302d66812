//! Small helpers: mean and spread over seeds, findings, axes and curves.

use crate::protocol::{Axis, Finding, Plot, Scale, Series, Source, Stroke};

/// Mean and sample standard deviation; the latter `None` for fewer than two values.
pub fn mean_and_spread(values: &[f64]) -> (f64, Option<f64>) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()))
}

/// One value a seed; `text` says the mean in a sentence.
pub fn finding(key: impl Into<String>, values: &[f64], seeds: &[u64], text: impl Fn(f64) -> String) -> Finding {
    let (value, spread) = mean_and_spread(values);
    Finding { key: key.into(), text: text(value), value, spread, seeds: seeds.to_vec() }
}

/// A number that no seed decides.
pub fn exact(key: impl Into<String>, value: f64, text: String) -> Finding {
    Finding { key: key.into(), text, value, spread: None, seeds: Vec::new() }
}

pub fn axis(label: &str) -> Axis {
    Axis { label: label.into(), scale: Scale::Linear, limits: None }
}

pub fn log_axis(label: &str) -> Axis {
    Axis { scale: Scale::Log, ..axis(label) }
}

pub fn plot(title: impl Into<String>, x: Axis, y: Axis, series: Vec<Series>) -> Plot {
    Plot { title: title.into(), x, y, series, bands: Vec::new(), marks: Vec::new() }
}

pub fn curve(name: impl Into<String>, source: Source, stroke: Stroke, points: Vec<[f64; 2]>) -> Series {
    Series { name: name.into(), source, stroke, points, spread: Vec::new() }
}
