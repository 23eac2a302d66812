//! One database file: opening, creating, migrating and checking it. What happens when that fails is decided in
//! `open.rs`.

use super::{
    Home, StoreError,
    migrations::{LATEST_VERSION, migrations},
};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, config::DbConfig};
use rusqlite_migration::{Error as MigrationError, MigrationDefinitionError};
use rustix::fs::OFlags;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How long to wait for another process's commit.
const BUSY_TIMEOUT: Duration = Duration::from_secs(4);
/// How often to try for a lock on the folder.
const LOCK_RETRY: Duration = Duration::from_millis(5);

/// The suffixes of the files of one database: the database, its write-ahead log, and the log's shared memory.
pub(super) const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// The name of a file that SQLite keeps beside a database.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Whether the file exists and is empty: it was a store once and was truncated.
pub(super) fn is_empty(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.len() == 0)
}

pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Two processes can't change the journal mode or migrate at the same time.
pub(super) fn lock_folder(home: &Home) -> Result<File, StoreError> {
    let folder = File::open(home.folder())?;
    // A stopped process can hold the lock for any time.
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match folder.try_lock() {
            Ok(()) => return Ok(folder),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Err(StoreError::Busy),
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_RETRY),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

/// Creates the file if there is none, and migrates it to the latest version.
pub(super) fn create_or_migrate(path: &Path) -> Result<Connection, StoreError> {
    // SQLite gives its -wal and -shm the mode of the database: for this user alone.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    let mut connection = connect(path)?;
    // A network home refuses WAL and stays with a rollback journal, which is slower and equally safe.
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        tracing::info!(mode, "no write-ahead log on this file system");
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    }
    let before = version(&connection)?;
    migrate(&mut connection, path)?;
    if before != 0 && before != LATEST_VERSION {
        tracing::info!("the store is of version {LATEST_VERSION} now; it was of version {before}");
    }
    Ok(connection)
}

pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, error))?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A deferred transaction that turns from reading to writing is refused at once, whatever the timeout.
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // The last connection to close would remove the log and its shared memory, and on a full disk they could not be
    // created again.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

/// SQLite does not say why it can't open a file; the system does.
fn cannot_open(path: &Path, error: rusqlite::Error) -> StoreError {
    let asked = OpenOptions::new().read(true).write(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path);
    match asked {
        Err(why) if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) => why.into(),
        _ => error.into(),
    }
}

pub(super) fn open_read_only(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// A file on a read-only file system, where SQLite can't create its shared memory.
pub(super) fn open_immutable(path: &Path) -> Result<Connection, StoreError> {
    let text = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(format!("file:{text}?immutable=1"), flags)?)
}

/// An empty store of this version, in memory.
pub(super) fn create_in_memory() -> Result<Connection, StoreError> {
    let mut connection = Connection::open_in_memory()?;
    migrate(&mut connection, Path::new(":memory:"))?;
    Ok(connection)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    migrations().to_latest(connection).map_err(|error| match error {
        MigrationError::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            StoreError::Newer(path.to_owned())
        }
        // The error itself contains the whole SQL of the step, which does not help a reader.
        MigrationError::RusqliteError { err, .. } if does_not_fit(&err) => {
            StoreError::Damaged("its tables are not those of the version that it says it is of".into())
        }
        MigrationError::RusqliteError { err, .. } => err.into(),
        other => StoreError::Damaged(other.to_string()),
    })
}

/// A file that can't be migrated, for example because a table exists too early, is not of the version that it claims:
/// its version number is damaged, or its tables are.
fn does_not_fit(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqlInputError { .. }) || error.sqlite_error_code() == Some(ErrorCode::Unknown)
}

pub(super) fn quick_check(connection: &Connection) -> Result<(), StoreError> {
    let answer: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if answer == "ok" { Ok(()) } else { Err(StoreError::Damaged(answer)) }
}

/// Copies everything from the write-ahead log into the database file, so that a copy of that file alone is complete. A
/// reader that still uses an older state keeps its part of the log; nothing is lost by that.
pub(super) fn fold_log(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}
