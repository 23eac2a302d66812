//! What the reader has chosen to see of training runs: the metric, the quantity along x, how seeds are summed up.

use super::smoothing::Smoothing;
use crate::study::training_run::TrainingRun;
use protocol::{AxisScale, Layer, METRICS, Metric, MetricEntry, SpreadKind};
use std::collections::BTreeSet;

/// The default is the validation error by epoch, with the standard deviation over the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChartOptions {
    pub metric: Metric,
    /// The layer of a metric that is measured of each; the first that was measured where this one was not.
    pub layer: Option<Layer>,
    pub x: XQuantity,
    pub band: SeedBand,
    pub smoothing: Smoothing,
    pub published: Published,
}

impl Default for ChartOptions {
    fn default() -> Self {
        Self {
            metric: Metric::ValError,
            layer: None,
            x: XQuantity::default(),
            band: SeedBand::default(),
            smoothing: Smoothing::default(),
            published: Published::default(),
        }
    }
}

/// What an axis from left to right counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum XQuantity {
    #[default]
    Epochs,
    /// Training images seen, each time that they were seen.
    Images,
    /// Seconds of training and of the evaluation after each epoch.
    Seconds,
}

impl XQuantity {
    pub const ALL: [Self; 3] = [Self::Epochs, Self::Images, Self::Seconds];

    /// With its unit, as an axis says it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Epochs => "epoch",
            Self::Images => "training images seen",
            Self::Seconds => "time, s",
        }
    }
}

/// What the band around the mean of an arm's seeds shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeedBand {
    None,
    #[default]
    Deviation,
    StandardError,
    Extremes,
}

impl SeedBand {
    pub const ALL: [Self; 4] = [Self::None, Self::Deviation, Self::StandardError, Self::Extremes];

    pub fn kind(self) -> Option<SpreadKind> {
        match self {
            Self::None => None,
            Self::Deviation => Some(SpreadKind::Deviation),
            Self::StandardError => Some(SpreadKind::StandardError),
            Self::Extremes => Some(SpreadKind::Extremes),
        }
    }

    /// How far a band of this kind reaches below the mean of these values and above it.
    pub fn widths(self, values: &[f64]) -> Option<(f64, f64)> {
        let (mean, deviation) = protocol::mean_and_deviation(values)?;
        let half = deviation?;
        match self {
            Self::None => None,
            Self::Deviation => Some((half, half)),
            Self::StandardError => {
                let error = half / (values.len() as f64).sqrt();
                Some((error, error))
            }
            Self::Extremes => {
                let low = values.iter().copied().fold(mean, f64::min);
                let high = values.iter().copied().fold(mean, f64::max);
                Some((mean - low, high - mean))
            }
        }
    }
}

/// Whether published points stand in the chart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Published {
    #[default]
    Shown,
    Hidden,
}

/// The one behind `current` in a list, or before it, around its ends.
pub fn next_of<T: Copy + PartialEq>(all: &[T], current: T, forward: bool) -> T {
    let at = all.iter().position(|one| *one == current);
    let Some(at) = at else { return all.first().copied().unwrap_or(current) };
    all[(at + if forward { 1 } else { all.len() - 1 }) % all.len()]
}

impl ChartOptions {
    /// Whether published points of this metric stand in the chart where a run has some.
    pub fn shows_published_points(&self, of: Metric) -> bool {
        self.published == Published::Shown && self.has_published_points(of)
    }

    /// Whether published points of this metric, which are by epoch, have a place on these axes.
    pub fn has_published_points(&self, of: Metric) -> bool {
        self.metric == of && self.x != XQuantity::Seconds
    }

    pub fn entry(&self) -> &'static MetricEntry {
        self.metric.entry()
    }

    /// The layer whose values are shown: `None` for a metric of the whole network, and where no layer was measured.
    pub fn shown_layer<'a>(&self, trainings: impl Iterator<Item = &'a TrainingRun> + Clone) -> Option<Layer> {
        if !self.entry().per_layer {
            return None;
        }
        let layers = measured_layers(trainings, self.metric);
        self.layer.filter(|layer| layers.contains(layer)).or(layers.first().copied())
    }

    /// The y axis' name with its unit, and its scale.
    pub fn y_axis(&self, layer: Option<Layer>) -> (String, AxisScale) {
        let MetricEntry { title, unit, scale, .. } = self.entry();
        let of = layer.map_or(String::new(), |layer| format!(" in {layer}"));
        let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
        (format!("{title}{of}{unit}"), *scale)
    }
}

/// The metrics of which these runs have a number, in the order of the table.
pub fn measured_metrics<'a>(trainings: impl Iterator<Item = &'a TrainingRun> + Clone) -> Vec<Metric> {
    let mut measured = BTreeSet::new();
    for record in last_records(trainings) {
        measured.extend(record.measured.iter().map(|one| one.metric));
    }
    METRICS.iter().map(|entry| entry.metric).filter(|metric| measured.contains(metric)).collect()
}

/// The layers of which these runs have a number of a metric, input to output.
pub fn measured_layers<'a>(trainings: impl Iterator<Item = &'a TrainingRun> + Clone, metric: Metric) -> Vec<Layer> {
    let measured = last_records(trainings).flat_map(|record| record.measured.iter());
    let layers: BTreeSet<Layer> = measured.filter(|one| one.metric == metric).filter_map(|one| one.layer).collect();
    layers.into_iter().collect()
}

/// Each epoch of a lane measures the same: its last record stands for all.
fn last_records<'a>(
    trainings: impl Iterator<Item = &'a TrainingRun> + Clone,
) -> impl Iterator<Item = &'a protocol::EpochRecord> {
    trainings.flat_map(|training| training.lanes.iter()).filter_map(|lane| lane.latest())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values 1, 2 and 6: mean 3, deviation sqrt(7), standard error sqrt(7 / 3), extremes 2 below and 3 above.
    #[test]
    fn bands_are_those_of_the_textbook() {
        let values = [1.0, 2.0, 6.0];
        let near = |band: SeedBand, (low, high): (f64, f64)| {
            let (below, above) = band.widths(&values).unwrap();
            assert!((below - low).abs() < 1e-12 && (above - high).abs() < 1e-12, "{band:?}: {below} {above}");
        };
        near(SeedBand::Deviation, (7.0_f64.sqrt(), 7.0_f64.sqrt()));
        near(SeedBand::StandardError, ((7.0_f64 / 3.0).sqrt(), (7.0_f64 / 3.0).sqrt()));
        near(SeedBand::Extremes, (2.0, 3.0));
        assert_eq!(SeedBand::None.widths(&values), None);
        assert_eq!(SeedBand::Deviation.widths(&[1.0]), None, "one seed has no spread");
    }

    #[test]
    fn choices_go_around() {
        assert_eq!(next_of(&XQuantity::ALL, XQuantity::Seconds, true), XQuantity::Epochs);
        assert_eq!(next_of(&XQuantity::ALL, XQuantity::Epochs, false), XQuantity::Seconds);
        assert_eq!(next_of(&[1, 2], 7, true), 1);
    }
}
