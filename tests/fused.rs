//! The fused backend as a whole: it says that it runs, works at any width, and learns what LibTorch's form learns.

#![allow(clippy::unwrap_used)]

use relu_notebook::learn::{Control, Dataset, Ending, Observer, Snapshot, train_lane};
use relu_notebook::protocol::{Arm, Backend, DataSource, EpochRecord, Lane, Preset, Progress, RunSpec, Widths};
use std::sync::LazyLock;

static DATA: LazyLock<Dataset> = LazyLock::new(|| Dataset::load(&DataSource::Mnist).unwrap());

/// Keeps the last epoch and the backend.
#[derive(Default)]
struct Last {
    record: Option<EpochRecord>,
    backend: String,
}

impl Observer for Last {
    fn poll(&mut self, _: &Progress) -> Control {
        Control::Continue
    }

    fn epoch(&mut self, record: &EpochRecord, snapshot: &Snapshot) -> Control {
        self.record = Some(record.clone());
        self.backend.clone_from(&snapshot.environment.backend);
        Control::Continue
    }

    fn checkpoint(&mut self, _: &Snapshot) {}
}

fn train(spec: &RunSpec, seed: u64) -> (EpochRecord, String) {
    let mut last = Last::default();
    let lane = Lane { arm: Arm::RELU_TANH, seed };
    assert_eq!(train_lane(spec, lane, &DATA, None, &mut last).unwrap(), Ending::Finished);
    (last.record.unwrap(), last.backend)
}

/// One epoch with both backends: the same losses but for rounding.
#[test]
fn every_width_trains_as_with_libtorch() {
    for (widths, batch) in [
        (Widths { conv1: 1, conv2: 1, fc1: 1 }, 7),
        (Widths { conv1: 5, conv2: 9, fc1: 33 }, 50),
        (Widths::TUTORIAL, 64),
    ] {
        let fused = RunSpec { widths, batch, epochs: 1, train_size: 100, val_size: 50, ..RunSpec::of(Preset::Article) };
        let libtorch = RunSpec { backend: Backend::Libtorch, ..fused.clone() };
        let ((one, ran), (other, oracle)) = (train(&fused, 1), train(&libtorch, 1));
        assert!(ran.starts_with("fused") && oracle == "libtorch", "{ran}, {oracle}");
        let difference = (one.train_loss - other.train_loss).abs();
        assert!(difference < 1e-4, "{widths:?}: {} and {}", one.train_loss, other.train_loss);
    }
}

/// Takes a minute: ten epochs on 10,000 images, five seeds, both backends.
#[test]
#[ignore = "takes a minute; run it in release"]
fn after_ten_epochs_the_errors_do_not_differ_beyond_the_spread() {
    let fused = RunSpec { epochs: 10, train_size: 10_000, ..RunSpec::of(Preset::Article) };
    let libtorch = RunSpec { backend: Backend::Libtorch, ..fused.clone() };
    let errors = |spec: &RunSpec| (1..=5).map(|seed| train(spec, seed).0.val_error).collect::<Vec<_>>();
    let (ours, theirs) = (errors(&fused), errors(&libtorch));
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let spread = theirs.iter().fold(0.0, |m: f64, &e| m.max(e)) - theirs.iter().fold(f64::MAX, |m, &e| m.min(e));
    println!("fused {ours:?}\nlibtorch {theirs:?}");
    assert!((mean(&ours) - mean(&theirs)).abs() <= spread, "{ours:?} {theirs:?}");
}
