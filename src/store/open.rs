//! Opening the store: for writing, for reading beside the writer, in memory.

use super::{
    Home, HomeError, Store, StoreError, backup,
    migrations::{LATEST_VERSION, migrations},
    numbers,
    repair::{self, ReadSpec},
    restore::{is_empty, restore, take_the_place},
    salvage::carry_over,
    standing::Ground,
    wal,
};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, config::DbConfig};
use rusqlite_migration::{Error as MigrationError, MigrationDefinitionError};
use rustix::fs::OFlags;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Long enough for any commit of a neighbour, short enough to be told of.
const PATIENCE: Duration = Duration::from_secs(4);
/// How often a lock on the folder is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(5);

impl Store {
    /// Opens the store for writing, creating it where there is none. For the kernel alone, under the home's lock: an older
    /// store is brought to this version here; a damaged file is renamed aside, and what can be read of it and of its
    /// backup carried over: see [`Store::notices`].
    pub fn open(home: &Home) -> Result<Self, StoreError> {
        Self::open_with(home, &|_| None)
    }

    /// The same; `read` tells the settings of lost runs from their checkpoints.
    pub fn open_with(home: &Home, read: ReadSpec) -> Result<Self, StoreError> {
        home.prepare()?;
        let mut notices = Vec::new();
        let opened = match wal::damage(&home.database())? {
            Some(damage) => Err(StoreError::Damaged(damage.to_string())),
            None => open_writable(home, Writer::Kernel).and_then(|connection| {
                quick_check(&connection)?;
                Ok(connection)
            }),
        };
        let mut connection = match opened {
            Err(StoreError::Damaged(why)) => {
                notices.push(restore(home, &why)?);
                open_writable(home, Writer::Kernel)?
            }
            opened => {
                let connection = opened?;
                notices.extend(backup::set_aside_if_of_another(home, &connection));
                connection
            }
        };
        let was_restored = !notices.is_empty();
        numbers::never_reuse_a_folder(&connection, home)?;
        notices.extend(repair::mend_rows(home, &mut connection, read)?);
        match repair::adopt_folders(home, &mut connection, read) {
            Ok(adopted) => notices.extend(adopted),
            // A full disk keeps no kernel from starting.
            Err(error) if error.is_transient() => tracing::warn!("lost runs are not taken in yet: {error}"),
            Err(error) => return Err(error),
        }
        if was_restored {
            repair::drop_stray_rows(&mut connection)?;
        }
        Ok(Self { notices, ground: Some(Ground::of(home)?), ..Self::of(connection) })
    }

    /// Opens the store for reading, beside a kernel that writes it; cheap enough for a first frame. A home without a
    /// store gets an empty one; a home that can't be written is read as it is, and so is a store of an older version.
    pub fn open_read(home: &Home) -> Result<Self, StoreError> {
        let path = home.database();
        let store = match home.prepare() {
            Ok(()) => match open_writable(home, Writer::Notebook) {
                // No room for its shared memory, say: what stands in the file can be read all the same.
                Err(StoreError::Full) => as_it_is(&path).map_err(|_| StoreError::Full)?,
                opened => of_this_version(opened?, &path)?,
            },
            // Another user's is not read either: its links, pipes and databases are that user's to make.
            Err(error @ HomeError::Unwritable { .. }) if path.is_file() => as_it_is(&path).map_err(|_| error)?,
            Err(error) => return Err(error.into()),
        };
        store.connection.pragma_update(None, "query_only", true)?;
        Ok(Self { socket: home.socket().ok(), ..store })
    }

    /// Looks for damage, and touches nothing; a sentence for each.
    ///
    /// # Errors
    /// If the store as a whole can't be read.
    pub fn examine(home: &Home) -> Result<Vec<String>, StoreError> {
        let mut found: Vec<_> = wal::damage(&home.database())?.into_iter().map(|damage| damage.to_string()).collect();
        let store = Self::open_read(home)?;
        quick_check(&store.connection)?;
        let rows = repair::damaged_rows(&store.connection)?;
        found.extend(rows.into_iter().map(|what| format!("{what} does not match its checksum")));
        let orphans = repair::orphans(home, &store.connection)?;
        found.extend(
            orphans.into_iter().map(|run| format!("{} belongs to no run in the store", home.run(run).display())),
        );
        Ok(found)
    }

    /// A store that forgets everything with the process, for tests. (Where no folder can be written, a notebook holds
    /// what it would keep until one can.)
    pub fn in_memory() -> Result<Self, StoreError> {
        let mut connection = Connection::open_in_memory()?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migrate(&mut connection, Path::new(":memory:"))?;
        Ok(Self::of(connection))
    }

    pub(super) fn of(connection: Connection) -> Self {
        Self { connection, notices: Vec::new(), socket: None, ground: None, news: None }
    }

    /// What happened that the reader should know, such as a damaged file set aside on opening.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }
}

/// Who opens the store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    /// Under the home's lock: it brings an older store to this version.
    Kernel,
    /// Beside whatever kernel runs, of an older version perhaps: it leaves the tables as they are.
    Notebook,
}

/// Opens the file; where it is new, or of an older version, makes it ready under a lock on the folder.
pub(super) fn open_writable(home: &Home, writer: Writer) -> Result<Connection, StoreError> {
    let path = home.database();
    if path.is_file() && !is_empty(&path) {
        let connection = connect(&path)?;
        match version(&connection)? {
            newer if newer > LATEST_VERSION => return Err(StoreError::Newer(path)),
            version if version == LATEST_VERSION || (version > 0 && writer == Writer::Notebook) => {
                check_tables(&connection, version)?;
                return Ok(connection);
            }
            version => check_tables(&connection, version)?,
        }
    }
    let _locked = lock_folder(home)?;
    take_the_place(home)?;
    // Under the lock nobody is about to make it: it was a store once. SQLite would begin a new one in it without a word.
    if is_empty(&path) && home.backup().is_file() {
        return Err(StoreError::Damaged("its file is empty".into()));
    }
    make_ready(&path)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Whether the tables are those of the version that the file says it is of: the number itself may be damaged.
fn check_tables(connection: &Connection, version: i64) -> Result<(), StoreError> {
    const COLUMNS: &str = "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c
                           WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY 1, 2";
    type Names = Vec<(String, String)>;
    let columns = |connection: &Connection| -> rusqlite::Result<Names> {
        connection.prepare(COLUMNS)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    let found = columns(connection)?;
    if version == LATEST_VERSION {
        // Every opening asks this; what is missing would be found by whoever reads it, with a longer sentence.
        let newest = [("deleted", "run"), ("epochs", "sum"), ("runs", "sum")];
        if newest.iter().all(|(table, column)| found.iter().any(|(t, c)| t == table && c == column)) {
            return Ok(());
        }
    } else {
        let mut model = Connection::open_in_memory()?;
        if usize::try_from(version).is_ok_and(|version| migrations().to_version(&mut model, version).is_ok()) {
            let (model, later) = (columns(&model)?, columns(&latest()?)?);
            let is_of_later = |column| later.contains(column) && !model.contains(column);
            if model.iter().all(|column| found.contains(column)) && !found.iter().any(is_of_later) {
                return Ok(());
            }
        }
    }
    Err(StoreError::Damaged(format!("its tables are not those of version {version}, which it says it is of")))
}

fn latest() -> Result<Connection, StoreError> {
    let mut connection = Connection::open_in_memory()?;
    migrate(&mut connection, Path::new(":memory:"))?;
    Ok(connection)
}

/// A store of an older version as this one would have it, in memory: its file stays as it is, for the kernel that it
/// belongs to.
fn of_this_version(connection: Connection, path: &Path) -> Result<Store, StoreError> {
    if version(&connection)? == LATEST_VERSION {
        return Ok(Store::of(connection));
    }
    let mut copy = latest()?;
    if !carry_over(path, &mut copy)?.whole {
        return Err(StoreError::Damaged("it is of an older version and can't be read to its end".into()));
    }
    Ok(Store::of(copy))
}

/// A journal mode and a migration are not things that two processes can change at once.
pub(super) fn lock_folder(home: &Home) -> Result<File, StoreError> {
    let folder = File::open(home.folder())?;
    // A process that is stopped holds it for as long as that.
    let deadline = Instant::now() + PATIENCE;
    loop {
        match folder.try_lock() {
            Ok(()) => return Ok(folder),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Err(StoreError::Busy),
            Err(TryLockError::WouldBlock) => thread::sleep(AGAIN_AFTER),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

/// Creates the file where there is none, and brings it to the latest version.
pub(super) fn make_ready(path: &Path) -> Result<Connection, StoreError> {
    // SQLite gives its -wal and -shm the mode of the database: for this user alone.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    let mut connection = connect(path)?;
    // A network home refuses WAL and stays with a rollback journal, which is slower and as safe.
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

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, error))?;
    connection.busy_timeout(PATIENCE)?;
    // A deferred transaction that turns from reading to writing is refused at once, whatever the timeout.
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Who closes last would take the log and its shared memory away, and on a full disk nobody could make them again.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

/// SQLite does not tell why it can't open a file; the system does.
fn cannot_open(path: &Path, error: rusqlite::Error) -> StoreError {
    let asked = OpenOptions::new().read(true).write(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path);
    match asked {
        Err(why) if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) => why.into(),
        _ => error.into(),
    }
}

/// A file in a folder that can't be written: with its log where its shared memory is still there, else without.
fn as_it_is(path: &Path) -> Result<Store, StoreError> {
    let readable = |connection: Connection| -> Result<Connection, StoreError> {
        connection.query_row("SELECT count(*) FROM runs", [], |_| Ok(()))?;
        Ok(connection)
    };
    let opened = open_to_read(path).map_err(StoreError::from).and_then(readable);
    of_this_version(opened.or_else(|_| open_immutable(path).and_then(readable))?, path)
}

pub(super) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// A file on a read-only file system, where SQLite can't lay its shared memory.
pub(super) fn open_immutable(path: &Path) -> Result<Connection, StoreError> {
    let text = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(format!("file:{text}?immutable=1"), flags)?)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    migrations().to_latest(connection).map_err(|error| match error {
        MigrationError::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            StoreError::Newer(path.to_owned())
        }
        // Of the error itself a reader needs to know nothing: it is the whole step, in SQL.
        MigrationError::RusqliteError { err, .. } if does_not_fit(&err) => {
            StoreError::Damaged("its tables are not those of the version that it says it is of".into())
        }
        MigrationError::RusqliteError { err, .. } => err.into(),
        other => StoreError::Damaged(other.to_string()),
    })
}

/// A file that does not take its next step, having a table before its time say, is not of the version that it says: its
/// number is damaged, or its tables are.
fn does_not_fit(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqlInputError { .. }) || error.sqlite_error_code() == Some(ErrorCode::Unknown)
}

fn quick_check(connection: &Connection) -> Result<(), StoreError> {
    let answer: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if answer == "ok" { Ok(()) } else { Err(StoreError::Damaged(answer)) }
}
