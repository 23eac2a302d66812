//! Checkpoints as safetensors, in memory. LibTorch never writes a file, and nothing is copied into a live network
//! before its names, shapes, values and digest were checked.
//!
//! The tensors are the network's parameters, by the names of its description, the running statistics of its batch
//! normalisations, and, with momentum, one more for each parameter, called `velocity.*`. The metadata holds the study, the position in training and a sha256 over everything else, because
//! safetensors has no checksum.

use super::observer::{Environment, NamedTensor, Snapshot};
use super::train::LaneSettings;
use mnist::hex;
use protocol::{Lane, Study};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Why a file is no checkpoint of ours.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("the checkpoint is damaged: {0}")]
    Damaged(String),
    #[error("the checkpoint is no relu-notebook checkpoint: {0}")]
    Foreign(String),
    #[error("the checkpoint can't be written: {0}")]
    Encode(String),
}

/// The position in training, as the metadata's `place` holds it. Floats are stored as their bits.
#[derive(Serialize, Deserialize)]
struct Place {
    lane: Lane,
    epochs_done: u32,
    batches_done: u32,
    loss_sum_bits: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wrong: Option<i64>,
    epoch_seconds: f64,
    seconds: f64,
    environment: Environment,
}

const FORMAT: &str = "relu-notebook checkpoint 1";

/// The file's bytes.
pub fn encode(snapshot: &Snapshot, spec: &Study) -> Result<Vec<u8>, CheckpointError> {
    let failed = |error: &dyn std::fmt::Display| CheckpointError::Encode(error.to_string());
    let place = Place {
        lane: snapshot.lane,
        epochs_done: snapshot.epochs_done,
        batches_done: snapshot.batches_done,
        loss_sum_bits: snapshot.loss_sum.to_bits(),
        wrong: snapshot.wrong,
        epoch_seconds: snapshot.epoch_seconds,
        seconds: snapshot.seconds,
        environment: snapshot.environment.clone(),
    };
    let place = serde_json::to_string(&place).map_err(|e| failed(&e))?;
    let spec = serde_json::to_string(spec).map_err(|e| failed(&e))?;
    let tensors: Vec<_> = snapshot.weights.iter().chain(&snapshot.velocity).collect();
    let digest = digest(&place, &spec, &tensors);
    let metadata = HashMap::from([
        ("format".to_string(), FORMAT.to_string()),
        ("epoch".to_string(), snapshot.epochs_done.to_string()),
        ("place".to_string(), place),
        ("spec".to_string(), spec),
        ("digest".to_string(), digest),
    ]);
    let bytes: Vec<Vec<u8>> = tensors.iter().map(|t| le_bytes(&t.values)).collect();
    let mut views = Vec::with_capacity(tensors.len());
    for (tensor, bytes) in tensors.iter().zip(&bytes) {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).map_err(|e| failed(&e))?;
        views.push((tensor.name.clone(), view));
    }
    serialize(views, Some(metadata)).map_err(|e| failed(&e))
}

/// Decodes and checks a file's bytes.
pub fn decode(bytes: &[u8]) -> Result<(Snapshot, Study), CheckpointError> {
    let damaged = |error: &dyn std::fmt::Display| CheckpointError::Damaged(error.to_string());
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(&e))?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let entry = |key: &str| {
        metadata.get(key).map(String::as_str).ok_or_else(|| CheckpointError::Foreign(format!("it has no `{key}`")))
    };
    if entry("format")? != FORMAT {
        return Err(CheckpointError::Foreign(format!("its format is `{}`", entry("format")?)));
    }
    let file = SafeTensors::deserialize(bytes).map_err(|e| damaged(&e))?;
    let place: Place = serde_json::from_str(entry("place")?).map_err(|e| damaged(&e))?;
    let spec: Study = serde_json::from_str(entry("spec")?).map_err(|e| damaged(&e))?;

    let settings = LaneSettings::new(&spec, place.lane).map_err(|error| CheckpointError::Foreign(error.to_string()))?;
    let weights = read_all(&file, &settings.architecture.stored_names())?;
    let mut names = settings.architecture.names();
    let has_velocity = file.names().iter().any(|name| name.starts_with("velocity."));
    for name in &mut names {
        name.insert_str(0, "velocity.");
    }
    let velocity = if has_velocity { read_all(&file, &names)? } else { Vec::new() };
    let tensors: Vec<_> = weights.iter().chain(&velocity).collect();
    if tensors.len() != file.len() {
        return Err(CheckpointError::Foreign("it holds tensors of another network".into()));
    }
    if digest(entry("place")?, entry("spec")?, &tensors) != entry("digest")? {
        return Err(CheckpointError::Damaged("its digest does not match its contents".into()));
    }
    // `epoch` repeats the position for readers in other languages, outside of the digest.
    if entry("epoch")? != place.epochs_done.to_string() {
        return Err(CheckpointError::Damaged("its epoch is not the one of its place in training".into()));
    }
    let snapshot = Snapshot {
        lane: place.lane,
        epochs_done: place.epochs_done,
        batches_done: place.batches_done,
        loss_sum: f64::from_bits(place.loss_sum_bits),
        wrong: place.wrong,
        epoch_seconds: place.epoch_seconds,
        seconds: place.seconds,
        weights,
        velocity,
        environment: place.environment,
    };
    Ok((snapshot, spec))
}

fn read_all(file: &SafeTensors, names: &[String]) -> Result<Vec<NamedTensor>, CheckpointError> {
    names.iter().map(|name| read(file, name)).collect()
}

fn read(file: &SafeTensors, name: &str) -> Result<NamedTensor, CheckpointError> {
    let view = file.tensor(name).map_err(|e| CheckpointError::Damaged(e.to_string()))?;
    if view.dtype() != Dtype::F32 {
        return Err(CheckpointError::Foreign(format!("{name} is {:?}, not float32", view.dtype())));
    }
    let values: Vec<f32> = view.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    if values.iter().any(|v| !v.is_finite()) {
        return Err(CheckpointError::Damaged(format!("{name} holds a value that is not finite")));
    }
    Ok(NamedTensor { name: name.into(), shape: view.shape().to_vec(), values })
}

/// sha256 over the metadata and every tensor's name, shape and bytes, in hexadecimal.
fn digest(place: &str, spec: &str, tensors: &[&NamedTensor]) -> String {
    let mut hasher = Sha256::new();
    for text in [place, spec] {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    }
    for tensor in tensors {
        hasher.update(format!("{} {:?};", tensor.name, tensor.shape));
        hasher.update(le_bytes(&tensor.values));
    }
    hex(&hasher.finalize())
}

fn le_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::ImageShape;
    use protocol::{ArmId, Preset, Widths};

    fn weights(spec: &Study, lane: Lane) -> Vec<NamedTensor> {
        let images = ImageShape { channels: 1, height: 28, width: 28 };
        LaneSettings::new(spec, lane).unwrap().network(images, 10, lane.seed).weights()
    }

    fn example(momentum: bool) -> (Snapshot, Study) {
        let spec = Study::of(Preset::Article);
        let lane = Lane { arm: ArmId::RELU_TANH, seed: 1 };
        let weights = weights(&spec, lane);
        let velocity = |t: &NamedTensor| NamedTensor { name: format!("velocity.{}", t.name), ..t.clone() };
        let velocity = if momentum { weights.iter().map(velocity).collect() } else { Vec::new() };
        let environment = Environment {
            libtorch: "2.13.0".into(),
            cpu: "AVX2".into(),
            threads: 1,
            backend: "fused".into(),
            data: "abc".into(),
        };
        let snapshot = Snapshot {
            lane,
            epochs_done: 3,
            batches_done: 17,
            loss_sum: 0.1 + 0.2,
            wrong: Some(41),
            epoch_seconds: 0.5,
            seconds: 4.5,
            weights,
            velocity,
            environment,
        };
        (snapshot, spec)
    }

    #[test]
    fn a_snapshot_survives_to_the_last_bit() {
        for momentum in [false, true] {
            let (snapshot, spec) = example(momentum);
            let (again, again_spec) = decode(&encode(&snapshot, &spec).unwrap()).unwrap();
            assert_eq!((again, again_spec), (snapshot, spec));
        }
    }

    #[test]
    fn every_damaged_byte_is_found() {
        let (snapshot, spec) = example(true);
        let bytes = encode(&snapshot, &spec).unwrap();
        for at in (0..bytes.len()).step_by(bytes.len() / 200) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(decode(&damaged).is_err(), "byte {at} of {}", bytes.len());
        }
        for length in [0, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
            assert!(decode(&bytes[..length]).is_err(), "cut to {length}");
        }
    }

    /// A checkpoint of a network small enough to change each byte, including the header's.
    #[test]
    fn no_byte_can_change_unseen() {
        let (mut snapshot, mut spec) = example(false);
        spec = spec.with_shared(|settings| settings.widths = Widths(vec![1, 1, 1]));
        snapshot.weights = weights(&spec, snapshot.lane);
        let mut bytes = encode(&snapshot, &spec).unwrap();
        let mut unseen = Vec::new();
        for at in 0..bytes.len() {
            for bit in [1, 2, 0x20] {
                bytes[at] ^= bit;
                if decode(&bytes).is_ok() {
                    unseen.push((at, String::from_utf8_lossy(&bytes[at.saturating_sub(12)..][..24]).into_owned()));
                }
                bytes[at] ^= bit;
            }
        }
        assert!(unseen.is_empty(), "{unseen:?}");
    }

    #[test]
    fn values_that_are_not_finite_and_foreign_files_are_refused() {
        let (mut snapshot, spec) = example(false);
        snapshot.weights[4].values[9] = f32::INFINITY;
        let error = decode(&encode(&snapshot, &spec).unwrap()).unwrap_err().to_string();
        assert!(error.contains("fc1.weight"), "{error}");
        let view = TensorView::new(Dtype::F32, vec![1], &[0, 0, 0, 0]).unwrap();
        let foreign = serialize([("x", view)], None).unwrap();
        assert!(matches!(decode(&foreign), Err(CheckpointError::Foreign(_))));
    }
}
