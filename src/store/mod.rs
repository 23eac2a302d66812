//! Where everything is kept: the home folder, the SQLite store in it, and the checkpoint files. SQL stands nowhere else.

mod home;

pub mod files;

pub use home::{Home, HomeError};

use crate::protocol::{
    CellKey, EpochRecord, ExperimentSpec, Lane, Outcome, RunEvent, RunId, RunSpec, RunState, RunSummary,
};
use serde_json::Value;

/// The run store. The kernel writes it; notebooks and commands read it.
pub struct Store {}

/// Where one lane of a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneState {
    /// Not at its end: waiting, training, or cut off.
    Open,
    Finished,
    /// Its loss left the finite numbers at this batch (from 0) of this epoch (from 1).
    Diverged {
        epoch: u32,
        batch: u32,
    },
}

/// A cell's last outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct CellRecord {
    pub cell: CellKey,
    pub spec: ExperimentSpec,
    pub outcome: Outcome,
    /// Seconds since 1970, UTC.
    pub finished: i64,
}

/// A checkpoint file of a measured epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointRow {
    pub lane: Lane,
    pub epoch: u32,
    /// Its name inside the lane's folder.
    pub file: String,
    /// sha256 of the whole file, in hexadecimal.
    pub sha256: String,
}

/// What the store can't do, why, and what would help.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("there is no run {0}; `relu runs` lists them")]
    NoSuchRun(RunId),
}

impl Store {
    /// Opens the store for writing, creating it where there is none. For the kernel alone, under the home's lock: a
    /// damaged file is renamed aside here, see [`Store::notices`].
    pub fn open(_home: &Home) -> Result<Self, StoreError> {
        todo!()
    }

    /// Opens the store for reading, beside a kernel that writes it; cheap enough for a first frame.
    pub fn open_read(_home: &Home) -> Result<Self, StoreError> {
        todo!()
    }

    /// A store that forgets everything with the process: the last resort where no folder can be written.
    pub fn in_memory() -> Result<Self, StoreError> {
        todo!()
    }

    /// What happened on opening that the reader should know, such as a damaged file set aside.
    pub fn notices(&self) -> &[String] {
        todo!()
    }

    /// All runs, newest first.
    pub fn runs(&self) -> Result<Vec<RunSummary>, StoreError> {
        todo!()
    }

    pub fn run(&self, _run: RunId) -> Result<RunSummary, StoreError> {
        todo!()
    }

    /// In the order in which they were committed.
    pub fn epochs(&self, _run: RunId) -> Result<Vec<EpochRecord>, StoreError> {
        todo!()
    }

    pub fn lanes(&self, _run: RunId) -> Result<Vec<(Lane, LaneState)>, StoreError> {
        todo!()
    }

    /// The checkpoint files that are kept, by lane and epoch.
    pub fn checkpoints(&self, _run: RunId) -> Result<Vec<CheckpointRow>, StoreError> {
        todo!()
    }

    /// The run's events as its followers saw them, `Progress` left out: a notebook that attaches later replays them.
    /// Follow first, then read the history, and take an epoch that comes twice once.
    pub fn history(&self, _run: RunId) -> Result<Vec<RunEvent>, StoreError> {
        todo!()
    }

    /// Every cell's last outcome.
    pub fn cell_outcomes(&self) -> Result<Vec<CellRecord>, StoreError> {
        todo!()
    }

    pub fn cell_outcome(&self, _cell: &CellKey) -> Result<Option<CellRecord>, StoreError> {
        todo!()
    }

    /// What `RequestBody::Remember` kept under this key.
    pub fn recall(&self, _key: &str) -> Result<Option<Value>, StoreError> {
        todo!()
    }

    pub fn remember(&mut self, _key: &str, _value: &Value) -> Result<(), StoreError> {
        todo!()
    }

    pub fn create_run(&mut self, _spec: &RunSpec, _name: Option<&str>) -> Result<RunId, StoreError> {
        todo!()
    }

    pub fn set_state(&mut self, _run: RunId, _state: &RunState) -> Result<(), StoreError> {
        todo!()
    }
}
