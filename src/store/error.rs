//! Why the store can't do something, and the remedy.

use super::HomeError;
use protocol::RunId;
use rusqlite::ErrorCode;
use std::{io, path::PathBuf};

/// One run whose rows can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("run {run} can't be read back ({why}); the other runs are not touched, and its checkpoints are kept")]
pub struct DamagedRun {
    pub run: RunId,
    pub why: String,
}

/// Its `Display` is a sentence for the reader.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("there is no run {0}; `relu runs` lists them")]
    NoSuchRun(RunId),
    #[error(transparent)]
    DamagedRun(#[from] DamagedRun),
    #[error(
        "the store is damaged; when it starts, the kernel sets the file aside and makes a new one of what can be read of it \
         and of its backup ({0})"
    )]
    Damaged(String),
    #[error("{0} was written by a newer relu-notebook; use that one, or set RELU_HOME to another folder")]
    Newer(PathBuf),
    #[error("the disk is full: nothing more can be stored until there is space")]
    Full,
    #[error("the disk gives an error ({0}): nothing more can be stored until it answers")]
    Disk(String),
    #[error("the store can't be written: it, or its folder, is read-only ({0})")]
    ReadOnly(String),
    #[error("{0} holds runs that are not in the store; it stays as it is, and there is no new backup")]
    OthersBackup(PathBuf),
    #[error(
        "{0} is no longer the folder that the kernel opened: it was moved. Move it back, or end the kernel with `relu kernel \
         stop --force`, and set RELU_HOME to where the folder is now"
    )]
    Moved(PathBuf),
    #[error(
        "{0} was taken away while the kernel had it open, which is about to look after that; try again in a moment"
    )]
    TakenAway(PathBuf),
    #[error(
        "{path} was replaced while the kernel had it open. The new file stays as it is, and what the kernel had stored is \
         kept as {kept}. `relu kernel stop --force` ends the kernel; the next one serves whichever of the two has that name"
    )]
    Replaced { path: PathBuf, kept: PathBuf },
    #[error("another program holds the store; try again in a moment")]
    Busy,
    #[error("the store answers: {0}")]
    Sqlite(rusqlite::Error),
    #[error("a value can't be stored as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl StoreError {
    /// Whether waiting may help: for space, for a disk, for another program.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Full
                | Self::Disk(_)
                | Self::ReadOnly(_)
                | Self::Busy
                | Self::Home(_)
                | Self::Moved(_)
                | Self::TakenAway(_)
                | Self::Replaced { .. }
        )
    }
}

/// A value that is impossible for a run is damage to that run; every other error concerns the store.
pub(super) fn of_run(run: RunId) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| match error {
        rusqlite::Error::FromSqlConversionFailure(_, _, why) => DamagedRun { run, why: why.to_string() }.into(),
        error if is_a_value(&error) => DamagedRun { run, why: error.to_string() }.into(),
        error => error.into(),
    }
}

/// Whether one value can't be read as its type, while the store itself is intact.
pub(super) fn is_a_value(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    matches!(error, FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..))
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Self::Full,
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Self::ReadOnly(error.to_string()),
            _ => Self::Disk(error.to_string()),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        // Its shared memory could not grow.
        let no_room = |error: &rusqlite::ffi::Error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
        if error.sqlite_error().is_some_and(no_room) {
            return Self::Full;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Self::Disk(error.to_string()),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly(error.to_string()),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                Self::Busy
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error.to_string()),
            _ => Self::Sqlite(error),
        }
    }
}
