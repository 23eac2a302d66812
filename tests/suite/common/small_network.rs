//! A network of 3 and 5 maps and 7 units with fixed weights, the same as in `tests/tools/views.py`.

use learn::{Dataset, Environment, NamedTensor, Snapshot};
use protocol::{DataSource, Lane};
use std::sync::OnceLock;

/// 1.2 * ((k * 7919 mod 2003) / 2003 - 0.5) for the k-th value of all weights, times `scale`.
pub fn series(count: usize, start: usize, scale: f64) -> Vec<f32> {
    (start..start + count).map(|k| (1.2 * ((k * 7919 % 2003) as f64 / 2003.0 - 0.5) * scale) as f32).collect()
}

/// The network at the end of an epoch. ReLU's outputs are zero in one map of conv2, whose bias is far below 0.
pub fn snapshot(lane: Lane, epochs_done: u32, scale: f64, dead_map: usize) -> Snapshot {
    let shapes: [(&str, &[usize]); 8] = [
        ("conv1.weight", &[3, 1, 5, 5]),
        ("conv1.bias", &[3]),
        ("conv2.weight", &[5, 3, 5, 5]),
        ("conv2.bias", &[5]),
        ("fc1.weight", &[7, 125]),
        ("fc1.bias", &[7]),
        ("fc2.weight", &[10, 7]),
        ("fc2.bias", &[10]),
    ];
    let mut start = 0;
    let weights = shapes.map(|(name, shape)| {
        let count = shape.iter().product::<usize>();
        let mut values = series(count, start, scale);
        start += count;
        if name == "conv2.bias" {
            values[dead_map] = -1000.0;
        }
        NamedTensor { name: name.into(), shape: shape.to_vec(), values }
    });
    snapshot_of(lane, epochs_done, weights.into())
}

/// A network with these weights at the end of an epoch.
pub fn snapshot_of(lane: Lane, epochs_done: u32, weights: Vec<NamedTensor>) -> Snapshot {
    Snapshot {
        lane,
        epochs_done,
        batches_done: 0,
        loss_sum: 0.0,
        wrong: None,
        epoch_seconds: 0.0,
        seconds: 0.0,
        weights,
        velocity: Vec::new(),
        environment: Environment {
            libtorch: String::new(),
            cpu: String::new(),
            threads: 1,
            backend: String::new(),
            data: String::new(),
        },
    }
}

/// MNIST, which ships inside.
pub fn mnist() -> &'static Dataset {
    static DATA: OnceLock<Dataset> = OnceLock::new();
    DATA.get_or_init(|| Dataset::load(&DataSource::Mnist).unwrap())
}
