//! What a training loop reports, and how it is controlled. The loop does not know of sockets or SQL.

use protocol::{EpochRecord, Lane, Progress, WrongImages};
use serde::{Deserialize, Serialize};

/// What the loop does next; requested once a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    Continue,
    /// Hand over a snapshot, then continue.
    Checkpoint,
    /// Hand over a snapshot, then end. A pause is a stop that is resumed later: there is only one way to resume.
    Stop,
}

/// Follows one lane. The kernel's observer commits and announces; a test's collects.
pub trait Observer {
    /// Called before the lane's first batch, with what computes it.
    fn training_started(&mut self, _environment: &Environment) {}

    /// At the beginning of each epoch, counted from 1, and again where a lane goes on inside one: the base learning rate
    /// of the whole epoch. The same epoch must get the same answer each time. `base` is what the settings say.
    fn learning_rate(&mut self, _epoch: u32, base: f64) -> f64 {
        base
    }

    /// At a batch boundary.
    fn poll(&mut self, progress: &Progress) -> Control;

    /// Called before each forward pass of an evaluation, which may take a minute: whether to stop. The trained epoch is
    /// then kept in a snapshot, and evaluated from the beginning when the lane is resumed.
    fn should_stop(&mut self) -> bool {
        false
    }

    /// Called after an epoch and its evaluation. Returns once it is committed; it may wait, for example for a full
    /// disk.
    fn epoch(&mut self, record: &EpochRecord, wrong: &WrongImages, snapshot: &Snapshot) -> Control;

    /// Called with a snapshot inside an epoch, after `Checkpoint` or `Stop`, or of one that is trained and not
    /// evaluated.
    fn checkpoint(&mut self, snapshot: &Snapshot);
}

/// Why a lane's loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Finished,
    Stopped,
    /// The loss was not finite at this batch (counted from 0) of this epoch (counted from 1).
    Diverged {
        epoch: u32,
        batch: u32,
    },
}

/// A float32 tensor outside LibTorch.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// `conv1.weight`, or `velocity.conv1.weight`.
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// Everything needed to resume a lane bit for bit. There is no generator state, as every epoch's is derived from its
/// number.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub lane: Lane,
    /// Epochs that are trained and evaluated.
    pub epochs_done: u32,
    /// Batches done in the next epoch.
    pub batches_done: u32,
    /// Sum over those batches of loss times images, for the epoch's mean.
    pub loss_sum: f64,
    /// Images of those batches that were misclassified; `None` if that was not counted from the epoch's beginning.
    pub wrong: Option<i64>,
    /// Training time of the current epoch.
    pub epoch_seconds: f64,
    /// Training and evaluation time of the whole lane.
    pub seconds: f64,
    pub weights: Vec<NamedTensor>,
    /// Empty without momentum.
    pub velocity: Vec<NamedTensor>,
    pub environment: Environment,
}

/// What else determines the bits of a sum. A resume in a different environment is "not exact".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    pub libtorch: String,
    /// The vector width that LibTorch uses, such as `AVX512`; that of the fused layers is in `backend`.
    pub cpu: String,
    pub threads: u32,
    /// The backend that is really used, after any fallback, such as `fused (AVX-512)`.
    pub backend: String,
    /// sha256 over the data set's files.
    pub data: String,
}

impl Environment {
    /// What differs from `other`, as a sentence; `None` if a resume is exact.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let pairs = [
            ("LibTorch", &self.libtorch, &other.libtorch),
            ("vector width", &self.cpu, &other.cpu),
            ("threads", &self.threads.to_string(), &other.threads.to_string()),
            ("backend", &self.backend, &other.backend),
            ("data", &self.data, &other.data),
        ]
        .map(|(what, was, is)| (was != is).then(|| format!("{what} was {was}, is {is}")));
        let differences: Vec<_> = pairs.into_iter().flatten().collect();
        (!differences.is_empty()).then(|| differences.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_named_with_what_was_and_what_is() {
        let then = Environment {
            libtorch: "2.13.0".into(),
            cpu: "AVX512".into(),
            threads: 1,
            backend: "fused".into(),
            data: "0a".into(),
        };
        assert_eq!(then.difference(&then), None);
        let cases = [
            (Environment { libtorch: "2.14.0".into(), ..then.clone() }, "LibTorch was 2.13.0, is 2.14.0"),
            (Environment { cpu: "AVX2".into(), ..then.clone() }, "vector width was AVX512, is AVX2"),
            (Environment { threads: 2, ..then.clone() }, "threads was 1, is 2"),
            (Environment { backend: "libtorch".into(), ..then.clone() }, "backend was fused, is libtorch"),
            (Environment { data: "0b".into(), ..then.clone() }, "data was 0a, is 0b"),
            (Environment { threads: 2, data: "0b".into(), ..then.clone() }, "threads was 1, is 2; data was 0a, is 0b"),
        ];
        for (today, expected) in cases {
            assert_eq!(then.difference(&today).as_deref(), Some(expected));
        }
    }
}
