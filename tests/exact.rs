//! Same spec, same bits: alone or beside another lane, uninterrupted or stopped and resumed anywhere.

#![allow(clippy::unwrap_used)]

use learn::{Control, Dataset, Ending, Observer, Snapshot, checkpoint, train_lane};
use protocol::{Arm, DataSource, EpochRecord, Lane, Preset, Progress, RunSpec, Widths};
use std::sync::LazyLock;

static DATA: LazyLock<Dataset> = LazyLock::new(|| Dataset::load(&DataSource::Mnist).unwrap());

/// 450 images in batches of 100: the last batch is partial.
fn tiny(momentum: f64) -> RunSpec {
    let spec = RunSpec { epochs: 3, train_size: 450, val_size: 200, ..RunSpec::of(Preset::Article) };
    spec.with_shared(|settings| {
        settings.momentum = momentum;
        settings.widths = Widths(vec![3, 5, 20]);
    })
}

/// Collects everything; stops after a number of batches, or of forward passes in evaluations.
struct Collector {
    batches_left: usize,
    passes_left: usize,
    records: Vec<EpochRecord>,
    last: Option<Snapshot>,
}

impl Collector {
    fn stopping_after(batches: usize) -> Self {
        Self { batches_left: batches, passes_left: usize::MAX, records: Vec::new(), last: None }
    }

    /// What an epoch measured, without its times.
    fn bits(&self) -> Vec<(u32, u64, u64, u64)> {
        let bits = |r: &EpochRecord| (r.epoch, r.train_loss.to_bits(), r.val_error.to_bits(), r.test_error.to_bits());
        self.records.iter().map(bits).collect()
    }
}

impl Observer for Collector {
    fn poll(&mut self, _: &Progress) -> Control {
        self.batches_left = self.batches_left.saturating_sub(1);
        if self.batches_left == 0 { Control::Stop } else { Control::Continue }
    }

    fn should_stop(&mut self) -> bool {
        self.passes_left = self.passes_left.saturating_sub(1);
        self.passes_left == 0
    }

    fn epoch(&mut self, record: &EpochRecord, snapshot: &Snapshot) -> Control {
        self.records.push(record.clone());
        self.last = Some(snapshot.clone());
        Control::Continue
    }

    fn checkpoint(&mut self, snapshot: &Snapshot) {
        self.last = Some(snapshot.clone());
    }
}

const LANE: Lane = Lane { arm: Arm::RELU_TANH, seed: 7 };

fn uninterrupted(spec: &RunSpec, lane: Lane) -> Collector {
    let mut collector = Collector::stopping_after(usize::MAX);
    assert_eq!(train_lane(spec, lane, &DATA, None, &mut collector).unwrap(), Ending::Finished);
    collector
}

#[test]
fn resumed_anywhere_it_is_the_same_run() {
    for momentum in [0.0, 0.9] {
        let spec = tiny(momentum);
        let whole = uninterrupted(&spec, LANE);
        for stop in [1, 4, 5, 8, 14] {
            let mut cut = Collector::stopping_after(stop);
            assert_eq!(train_lane(&spec, LANE, &DATA, None, &mut cut).unwrap(), Ending::Stopped);
            let file = checkpoint::encode(cut.last.as_ref().unwrap(), &spec).unwrap();
            let (snapshot, _) = checkpoint::decode(&file).unwrap();
            cut.batches_left = usize::MAX;
            assert_eq!(train_lane(&spec, LANE, &DATA, Some(&snapshot), &mut cut).unwrap(), Ending::Finished);
            assert_eq!(cut.bits(), whole.bits(), "momentum {momentum}, stopped after batch {stop}");
            assert_eq!(cut.last.unwrap().weights, whole.last.as_ref().unwrap().weights);
        }
    }
}

/// An epoch is evaluated in 92 forward passes here: 2 for the validation images, 90 for the test images.
#[test]
fn stopped_in_an_evaluation_it_is_the_same_run() {
    let spec = tiny(0.9);
    let whole = uninterrupted(&spec, LANE);
    for stop in [1, 2, 3, 92, 93, 276] {
        let mut cut = Collector { passes_left: stop, ..Collector::stopping_after(usize::MAX) };
        assert_eq!(train_lane(&spec, LANE, &DATA, None, &mut cut).unwrap(), Ending::Stopped);
        let file = checkpoint::encode(cut.last.as_ref().unwrap(), &spec).unwrap();
        let (snapshot, _) = checkpoint::decode(&file).unwrap();
        assert_eq!((snapshot.epochs_done as usize, snapshot.batches_done), (cut.records.len(), 5), "pass {stop}");
        cut.passes_left = usize::MAX;
        assert_eq!(train_lane(&spec, LANE, &DATA, Some(&snapshot), &mut cut).unwrap(), Ending::Finished);
        assert_eq!(cut.bits(), whole.bits(), "stopped before pass {stop}");
        assert_eq!(cut.last.unwrap().weights, whole.last.as_ref().unwrap().weights);
    }
}

#[test]
fn a_lane_does_not_feel_its_neighbour() {
    let spec = tiny(0.0);
    let other = Lane { arm: Arm::ALL_TANH, seed: 7 };
    let (alone, alone_other) = (uninterrupted(&spec, LANE), uninterrupted(&spec, other));
    std::thread::scope(|scope| {
        let a = scope.spawn(|| uninterrupted(&spec, LANE));
        let b = scope.spawn(|| uninterrupted(&spec, other));
        assert_eq!(a.join().unwrap().bits(), alone.bits());
        assert_eq!(b.join().unwrap().bits(), alone_other.bits());
    });
    assert_ne!(alone.bits(), alone_other.bits());
}

#[test]
fn a_loss_that_explodes_ends_the_lane_at_its_batch() {
    let spec = tiny(0.99).with_arms(["relu-linear".parse().unwrap()]);
    let spec = spec.with_shared(|settings| settings.learning_rate = 100.0);
    let lane = Lane { arm: "relu-linear".parse().unwrap(), seed: 1 };
    let ending = train_lane(&spec, lane, &DATA, None, &mut Collector::stopping_after(usize::MAX)).unwrap();
    assert!(matches!(ending, Ending::Diverged { .. }), "{ending:?}");
}

#[test]
fn a_checkpoint_of_another_lane_is_refused() {
    let spec = tiny(0.0);
    let snapshot = uninterrupted(&spec, LANE).last.unwrap();
    let other = Lane { seed: 8, ..LANE };
    let error = train_lane(&spec, other, &DATA, Some(&snapshot), &mut Collector::stopping_after(9)).unwrap_err();
    assert!(error.to_string().contains("relu-tanh-s7"), "{error}");
}
