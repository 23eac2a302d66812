//! A store in its own home, and rows for it.

use protocol::{ArmId, EpochRecord, Lane, Metric, Preset, RunId, Study, WrongImages};
use store::{CheckpointRow, Committed, Home, Store};
use tempfile::TempDir;

pub fn home() -> (TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path().join("home")).unwrap();
    (folder, home)
}

pub fn spec() -> Study {
    Study { epochs: 3, ..Study::of(Preset::Article) }
}

/// Numbers that have no short decimal form, so only an exact store returns them.
pub fn record(lane: Lane, epoch: u32) -> EpochRecord {
    let third = f64::from(epoch) / 3.0;
    EpochRecord::new(
        lane,
        epoch,
        [
            (Metric::TrainLoss, third),
            (Metric::ValError, 3.0 - third),
            (Metric::TestError, 0.1 + 0.2),
            (Metric::Seconds, third.sqrt()),
            (Metric::ImagesPerSecond, 1e5 / third),
        ],
    )
}

pub fn checkpoint(lane: Lane, epoch: u32) -> CheckpointRow {
    CheckpointRow { lane, epoch, file: format!("epoch-{epoch:04}.safetensors"), sha256: "00".repeat(32) }
}

pub fn commit(store: &mut Store, run: RunId, lane: Lane, epoch: u32) -> Committed {
    store
        .commit_epoch(
            run,
            (&record(lane, epoch), &WrongImages::default()),
            &checkpoint(lane, epoch),
            &[],
            1.5 * f64::from(epoch),
        )
        .unwrap()
}

pub const RELU: Lane = Lane { arm: ArmId::RELU_TANH, seed: 1 };
pub const TANH: Lane = Lane { arm: ArmId::ALL_TANH, seed: 1 };
