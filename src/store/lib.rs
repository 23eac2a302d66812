//! Storage: the home folder, the SQLite store in it, and the checkpoint files. No other crate has SQL.
//!
//! Invariants: the runs have one writer, the kernel, and any number of readers. A notebook writes only the reader's
//! progress, and only while no kernel runs. An epoch's checkpoint is renamed into place before its row is committed,
//! and the row is committed before the epoch is announced, so a power failure never loses an announced epoch. A damaged
//! file is renamed aside, never deleted. The kernel maintains a backup of the store beside it: see [`back_up`].

mod database;
mod durability;
mod error;
mod forks;
mod home;
mod jobs;
mod migrations;
mod open;
mod output;
mod ownership;
mod progress;
mod read;
pub mod retention;
mod rows;
mod run_numbers;
mod write;

pub mod files;
pub mod socket;

pub use durability::{ReadSpec, back_up};
pub use error::{DamagedRun, StoreError};
pub use forks::NewFork;
pub use home::{Home, HomeError};
pub use jobs::{Interruption, JobKind, UnfinishedJob};
pub use output::{OutputError, write_out};
pub use ownership::open_own;
pub use progress::save_progress;
pub use write::now;

use protocol::Lane;
use rusqlite::Connection;
use std::path::PathBuf;

/// The run store: [`Store::open`] for the kernel, [`Store::open_read`] for notebooks and commands,
/// [`Store::in_memory`] for tests.
pub struct Store {
    connection: Connection,
    notices: Vec<String>,
    /// For readers: where a kernel would listen, see [`Store::runs`].
    socket: Option<PathBuf>,
    /// For the kernel: which files it opened.
    identity: Option<durability::FileIdentity>,
    /// See [`Store::take_restored_notice`].
    restored_notice: Option<String>,
}

/// The state of one lane of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneState {
    /// Waiting, training, or interrupted.
    Open,
    Finished,
    /// Its loss was not finite at this batch (from 0) of this epoch (from 1).
    Diverged {
        epoch: u32,
        batch: u32,
    },
    /// Successive halving stopped it for good after this epoch.
    Halved {
        epoch: u32,
    },
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

/// The result of committing an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    New,
    /// A resume computed it again with the same result: nothing to announce.
    Same,
    /// A resume computed it again with another result. The one that was announced first is kept.
    Different,
}
