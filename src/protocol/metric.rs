//! What is measured in training, each described once. A new metric is a variant and an entry of [`METRICS`] here, and
//! the code in `learn` that measures it.

use super::{ArmId, AxisScale, Lane};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{IgnoredAny, MapAccess, Visitor},
    ser::SerializeMap,
};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// A number that an epoch yields. The order is that of events and exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    TrainLoss,
    ValError,
    TestError,
    Seconds,
    ImagesPerSecond,
    TrainError,
    ValLoss,
    TestLoss,
    Zeros,
    DeadUnits,
    ActivationRms,
    GradientRms,
    Saturated,
}

/// Which direction of a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Lower,
    Higher,
    /// Neither direction is better.
    Neither,
}

/// The description of a metric.
pub struct MetricEntry {
    pub metric: Metric,
    /// Its name in events, exports and the store.
    pub key: &'static str,
    pub title: &'static str,
    /// The unit behind its values; empty for pure numbers.
    pub unit: &'static str,
    pub better: Better,
    /// The scale of the axis that suits it.
    pub scale: AxisScale,
    /// Whether it is measured for each layer, not for the whole network.
    pub per_layer: bool,
    pub help: &'static str,
}

/// Every metric, in the order of [`Metric`].
pub const METRICS: [MetricEntry; 13] = [
    MetricEntry {
        metric: Metric::TrainLoss,
        key: "train_loss",
        title: "training loss",
        unit: "nats",
        better: Better::Lower,
        scale: AxisScale::Log,
        per_layer: false,
        help: "mean cross-entropy of the epoch's training batches, each before its step",
    },
    MetricEntry {
        metric: Metric::ValError,
        key: "val_error",
        title: "validation error",
        unit: "%",
        better: Better::Lower,
        scale: AxisScale::Log,
        per_layer: false,
        help: "share of the validation images that the network gets wrong after the epoch",
    },
    MetricEntry {
        metric: Metric::TestError,
        key: "test_error",
        title: "test error",
        unit: "%",
        better: Better::Lower,
        scale: AxisScale::Log,
        per_layer: false,
        help: "share of the test images that the network gets wrong after the epoch; reported, never used to choose",
    },
    MetricEntry {
        metric: Metric::Seconds,
        key: "seconds",
        title: "time",
        unit: "s",
        better: Better::Lower,
        scale: AxisScale::Linear,
        per_layer: false,
        help: "training, and the evaluation after it",
    },
    MetricEntry {
        metric: Metric::ImagesPerSecond,
        key: "images_per_second",
        title: "images a second",
        unit: "images/s",
        better: Better::Higher,
        scale: AxisScale::Linear,
        per_layer: false,
        help: "of training alone",
    },
    MetricEntry {
        metric: Metric::TrainError,
        key: "train_error",
        title: "training error",
        unit: "%",
        better: Better::Lower,
        scale: AxisScale::Log,
        per_layer: false,
        help: "share of the epoch's training images that the network got wrong, each before its batch's step and as it was shown: mirrored or shifted, with dropout, normalised by its batch",
    },
    MetricEntry {
        metric: Metric::ValLoss,
        key: "val_loss",
        title: "validation loss",
        unit: "nats",
        better: Better::Lower,
        scale: AxisScale::Log,
        per_layer: false,
        help: "mean cross-entropy of the validation images after the epoch",
    },
    MetricEntry {
        metric: Metric::TestLoss,
        key: "test_loss",
        title: "test loss",
        unit: "nats",
        better: Better::Lower,
        scale: AxisScale::Log,
        per_layer: false,
        help: "mean cross-entropy of the test images after the epoch",
    },
    MetricEntry {
        metric: Metric::Zeros,
        key: "zeros",
        title: "zeros",
        unit: "%",
        better: Better::Neither,
        scale: AxisScale::Linear,
        per_layer: true,
        help: "share of the layer's outputs that are exactly 0, over a fixed sample of validation images",
    },
    MetricEntry {
        metric: Metric::DeadUnits,
        key: "dead",
        title: "dead units",
        unit: "%",
        better: Better::Lower,
        scale: AxisScale::Linear,
        per_layer: true,
        help: "share of the layer's units whose output is 0 for every image of the sample",
    },
    MetricEntry {
        metric: Metric::ActivationRms,
        key: "activation_rms",
        title: "activation RMS",
        unit: "",
        better: Better::Neither,
        scale: AxisScale::Log,
        per_layer: true,
        help: "root mean square of the layer's outputs over the sample",
    },
    MetricEntry {
        metric: Metric::GradientRms,
        key: "gradient_rms",
        title: "gradient RMS",
        unit: "",
        better: Better::Neither,
        scale: AxisScale::Log,
        per_layer: true,
        help: "root mean square of the loss's gradient by the layer's weights over the sample",
    },
    MetricEntry {
        metric: Metric::Saturated,
        key: "saturated",
        title: "saturated outputs",
        unit: "%",
        better: Better::Lower,
        scale: AxisScale::Linear,
        per_layer: true,
        help: "share of the layer's outputs where the activation's slope is below 0.01, over the sample",
    },
];

impl Metric {
    pub fn entry(self) -> &'static MetricEntry {
        // A test checks that the entries are in the order of the variants.
        &METRICS[self as usize]
    }

    pub fn key(self) -> &'static str {
        self.entry().key
    }

    pub fn of_key(key: &str) -> Option<Self> {
        METRICS.iter().find(|entry| entry.key == key).map(|entry| entry.metric)
    }
}

/// A layer of a network that is measured by itself, ordered as images pass through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Layer {
    pub kind: LayerKind,
    /// Counted from 1 among the layers of its kind.
    pub number: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LayerKind {
    Conv,
    Fc,
}

crate::stored_as_text::stored_as_text!(Layer);

impl fmt::Display for Layer {
    /// `conv1`, `fc2`, as in the names of its parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            LayerKind::Conv => "conv",
            LayerKind::Fc => "fc",
        };
        f.pad(&format!("{kind}{}", self.number))
    }
}

impl FromStr for Layer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kinds = [("conv", LayerKind::Conv), ("fc", LayerKind::Fc)];
        let known = kinds.into_iter().find_map(|(name, kind)| Some((kind, text.strip_prefix(name)?.parse().ok()?)));
        known
            .map(|(kind, number)| Self { kind, number })
            .ok_or_else(|| format!("`{text}` is no layer, such as conv1 or fc1"))
    }
}

/// Numbers of one epoch: of the whole network, and of its layers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurements(BTreeMap<(Option<Layer>, Metric), f64>);

/// One measured number, as the store and the exports list it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    pub metric: Metric,
    /// `None` for the whole network.
    pub layer: Option<Layer>,
    pub value: f64,
}

impl Measurements {
    /// A metric of the whole network.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        self.0.get(&(None, metric)).copied()
    }

    pub fn of_layer(&self, layer: Layer, metric: Metric) -> Option<f64> {
        self.0.get(&(Some(layer), metric)).copied()
    }

    /// The layers for which something was measured, from input to output.
    pub fn layers(&self) -> Vec<Layer> {
        let mut layers: Vec<Layer> = self.0.keys().filter_map(|(layer, _)| *layer).collect();
        layers.dedup();
        layers
    }

    pub fn set(&mut self, Measurement { metric, layer, value }: Measurement) {
        self.0.insert((layer, metric), value);
    }

    /// All numbers, those of the whole network first.
    pub fn iter(&self) -> impl Iterator<Item = Measurement> + '_ {
        self.0.iter().map(|(&(layer, metric), &value)| Measurement { metric, layer, value })
    }
}

impl Extend<Measurement> for Measurements {
    fn extend<I: IntoIterator<Item = Measurement>>(&mut self, more: I) {
        more.into_iter().for_each(|one| self.set(one));
    }
}

impl FromIterator<Measurement> for Measurements {
    fn from_iter<I: IntoIterator<Item = Measurement>>(all: I) -> Self {
        let mut measurements = Self::default();
        measurements.extend(all);
        measurements
    }
}

/// What one epoch of one lane measured.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochRecord {
    pub arm: ArmId,
    pub seed: u64,
    /// Counted from 1.
    pub epoch: u32,
    pub measured: Measurements,
}

impl EpochRecord {
    /// The record of an epoch with these metrics of the whole network.
    pub fn new(Lane { arm, seed }: Lane, epoch: u32, measured: impl IntoIterator<Item = (Metric, f64)>) -> Self {
        let whole = measured.into_iter().map(|(metric, value)| Measurement { metric, layer: None, value });
        Self { arm, seed, epoch, measured: whole.collect() }
    }

    pub fn lane(&self) -> Lane {
        Lane { arm: self.arm, seed: self.seed }
    }

    /// A metric of the whole network, if it was measured.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        self.measured.get(metric)
    }

    /// The same record with another value.
    pub fn with(mut self, metric: Metric, value: f64) -> Self {
        self.measured.set(Measurement { metric, layer: None, value });
        self
    }
}

/// Flat: the lane, the epoch and the metrics under their keys; what was measured of layers stands under `layers`.
impl Serialize for EpochRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("arm", &self.arm)?;
        map.serialize_entry("seed", &self.seed)?;
        map.serialize_entry("epoch", &self.epoch)?;
        for Measurement { metric, value, .. } in self.measured.iter().filter(|one| one.layer.is_none()) {
            map.serialize_entry(metric.key(), &value)?;
        }
        if !self.measured.layers().is_empty() {
            map.serialize_entry("layers", &Layers(&self.measured))?;
        }
        map.end()
    }
}

struct Layers<'m>(&'m Measurements);

impl Serialize for Layers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of = |layer: Layer| {
            let own = self.0.iter().filter(move |one| one.layer == Some(layer));
            own.map(|one| (one.metric.key(), one.value)).collect::<Vec<_>>()
        };
        serializer.collect_map(self.0.layers().into_iter().map(|layer| (layer.to_string(), Values(of(layer)))))
    }
}

/// In their order, which a map of keys would lose.
struct Values(Vec<(&'static str, f64)>);

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

impl<'de> Deserialize<'de> for EpochRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordVisitor)
    }
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = EpochRecord;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("what an epoch measured")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EpochRecord, A::Error> {
        let (mut arm, mut seed, mut epoch, mut measured) = (None, None, None, Measurements::default());
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "arm" => arm = Some(map.next_value()?),
                "seed" => seed = Some(map.next_value()?),
                "epoch" => epoch = Some(map.next_value()?),
                "layers" => {
                    for (layer, values) in map.next_value::<BTreeMap<String, BTreeMap<String, f64>>>()? {
                        let Ok(layer) = layer.parse::<Layer>() else { continue };
                        for (key, value) in values {
                            let Some(metric) = Metric::of_key(&key) else { continue };
                            measured.set(Measurement { metric, layer: Some(layer), value });
                        }
                    }
                }
                // A later version may have measured more.
                key => match Metric::of_key(key) {
                    Some(metric) => measured.set(Measurement { metric, layer: None, value: map.next_value()? }),
                    None => drop(map.next_value::<IgnoredAny>()?),
                },
            }
        }
        let missing = serde::de::Error::missing_field;
        Ok(EpochRecord {
            arm: arm.ok_or_else(|| missing("arm"))?,
            seed: seed.ok_or_else(|| missing("seed"))?,
            epoch: epoch.ok_or_else(|| missing("epoch"))?,
            measured,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stand_in_the_order_of_the_metrics() {
        for (at, entry) in METRICS.iter().enumerate() {
            assert_eq!((entry.metric as usize, Metric::of_key(entry.key)), (at, Some(entry.metric)));
            assert_eq!(entry.metric.entry().key, entry.key);
        }
    }

    #[test]
    fn a_record_is_flat_and_reads_back() {
        let lane = Lane { arm: ArmId::RELU_TANH, seed: 7 };
        let mut record =
            EpochRecord::new(lane, 3, [(Metric::ValError, 1.5), (Metric::TrainLoss, 0.25), (Metric::ValLoss, 0.5)]);
        for (layer, metric, value) in
            [("fc1", Metric::Zeros, 12.5), ("conv1", Metric::DeadUnits, 0.0), ("conv1", Metric::Zeros, 50.0)]
        {
            record.measured.set(Measurement { metric, layer: Some(layer.parse().unwrap()), value });
        }
        let json = serde_json::to_string(&record).unwrap();
        let expected = r#"{"arm":"relu-tanh","seed":7,"epoch":3,"train_loss":0.25,"val_error":1.5,"val_loss":0.5,"#
            .to_owned()
            + r#""layers":{"conv1":{"zeros":50.0,"dead":0.0},"fc1":{"zeros":12.5}}}"#;
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<EpochRecord>(&json).unwrap(), record);
        let later = json.replace("\"epoch\"", "\"accuracy_top5\":[1],\"epoch\"");
        assert_eq!(serde_json::from_str::<EpochRecord>(&later).unwrap(), record);
        assert!(serde_json::from_str::<EpochRecord>(&json.replace("\"seed\":7,", "")).is_err());
    }
}
