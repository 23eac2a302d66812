//! One metric of one arm, epoch by epoch.

use protocol::{ArmId, Better, DataSource, EpochRecord, Lane, Layer, Metric, RunId, Study};
use std::{fmt, str::FromStr};

/// A metric of the whole network, or of one of its layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    metric: Metric,
    layer: Option<Layer>,
}

/// What names no quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityError(String);

impl Quantity {
    pub const VAL_ERROR: Self = Self { metric: Metric::ValError, layer: None };

    /// # Errors
    /// If the metric is one of each layer and none is named, or the other way round.
    pub fn new(metric: Metric, layer: Option<Layer>) -> Result<Self, QuantityError> {
        let key = metric.key();
        match (metric.entry().per_layer, layer) {
            (true, None) => {
                Err(QuantityError(format!("{key} is measured of each layer; name one, such as conv1.{key}")))
            }
            (false, Some(_)) => Err(QuantityError(format!("{key} is measured of the whole network; name no layer"))),
            _ => Ok(Self { metric, layer }),
        }
    }

    pub fn metric(self) -> Metric {
        self.metric
    }

    pub fn layer(self) -> Option<Layer> {
        self.layer
    }

    /// `validation error`, `zeros in conv1`.
    pub fn title(self) -> String {
        let title = self.metric.entry().title;
        self.layer.map_or_else(|| title.into(), |layer| format!("{title} in {layer}"))
    }

    /// Behind a difference of two of its values: percent are told apart in points. Empty for pure numbers.
    pub fn unit_of_difference(self) -> &'static str {
        match self.metric.entry().unit {
            "%" => "points",
            unit => unit,
        }
    }

    pub fn better(self) -> Better {
        self.metric.entry().better
    }

    /// What an epoch measured of it.
    pub fn of(self, record: &EpochRecord) -> Option<f64> {
        match self.layer {
            Some(layer) => record.measured.of_layer(layer, self.metric),
            None => record.get(self.metric),
        }
    }
}

impl fmt::Display for Quantity {
    /// As the columns of an export are named: `val_error`, `conv1.zeros`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.layer {
            Some(layer) => write!(f, "{layer}.{}", self.metric.key()),
            None => f.pad(self.metric.key()),
        }
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (layer, key) = match text.split_once('.') {
            Some((layer, key)) => (Some(layer.parse::<Layer>().map_err(QuantityError)?), key),
            None => (None, text),
        };
        let metric = Metric::of_key(key).ok_or_else(|| {
            let known: Vec<&str> = protocol::METRICS.iter().map(|entry| entry.key).collect();
            QuantityError(format!("`{key}` is no metric; take one of {}", known.join(", ")))
        })?;
        Self::new(metric, layer)
    }
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl std::error::Error for QuantityError {}

/// An arm of a run, with a curve of one quantity for each of its seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmCurves {
    pub run: RunId,
    pub arm: ArmId,
    /// As running text shows the arm.
    pub title: String,
    /// Epochs that its study asks for.
    pub epochs: u32,
    /// Where its images come from.
    pub data: DataSource,
    /// Images of the validation split.
    pub val_size: u32,
    /// In ascending order of their seeds.
    pub lanes: Vec<LaneCurve>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LaneCurve {
    pub seed: u64,
    /// By epoch, ascending.
    pub values: Vec<(u32, f64)>,
    /// The epoch in which its loss left the finite numbers.
    pub diverged: Option<u32>,
}

impl ArmCurves {
    /// From what a run measured, in any order; lanes that diverged with the epoch in which they did.
    pub fn of<'r>(
        run: RunId,
        study: &Study,
        arm: ArmId,
        quantity: Quantity,
        records: impl IntoIterator<Item = &'r EpochRecord>,
        diverged: &[(Lane, u32)],
    ) -> Self {
        let lane = |&seed: &u64| LaneCurve {
            seed,
            values: Vec::new(),
            diverged: diverged.iter().find(|(lane, _)| *lane == Lane { arm, seed }).map(|&(_, epoch)| epoch),
        };
        let mut lanes: Vec<LaneCurve> = study.seeds.iter().map(lane).collect();
        lanes.sort_by_key(|lane| lane.seed);
        for record in records.into_iter().filter(|record| record.arm == arm) {
            if let Ok(at) = lanes.binary_search_by_key(&record.seed, |lane| lane.seed) {
                lanes[at].values.extend(quantity.of(record).map(|value| (record.epoch, value)));
            }
        }
        for lane in &mut lanes {
            lane.values.sort_by_key(|&(epoch, _)| epoch);
        }
        Self {
            run,
            arm,
            title: study.arm_title(arm),
            epochs: study.epochs,
            data: study.data.clone(),
            val_size: study.val_size,
            lanes,
        }
    }

    pub fn lane(&self, seed: u64) -> Option<&LaneCurve> {
        self.lanes.iter().find(|lane| lane.seed == seed)
    }
}

impl LaneCurve {
    pub fn at(&self, epoch: u32) -> Option<f64> {
        self.values.binary_search_by_key(&epoch, |&(epoch, _)| epoch).ok().map(|at| self.values[at].1)
    }

    /// The last epoch that was measured; 0 before the first.
    pub fn last(&self) -> u32 {
        self.values.last().map_or(0, |&(epoch, _)| epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_reads_back_and_names_what_is_missing() {
        for text in ["val_error", "train_loss", "images_per_second", "conv1.zeros", "fc1.gradient_rms"] {
            assert_eq!(text.parse::<Quantity>().unwrap().to_string(), text);
        }
        let fault = |text: &str| text.parse::<Quantity>().unwrap_err().to_string();
        assert!(fault("accuracy").contains("`accuracy` is no metric; take one of train_loss, val_error"));
        assert!(fault("zeros").contains("such as conv1.zeros"));
        assert!(fault("conv1.val_error").contains("whole network"));
        assert!(fault("pool1.zeros").contains("`pool1` is no layer"));
    }
}
