//! How the store is opened, and what happens when that fails: for the kernel, which writes and repairs it; for a
//! notebook, which reads it beside the kernel; and in memory. The order of the modules is strict: `database.rs` opens
//! one file and decides nothing, `durability/` repairs on top of it, and only this file calls both.

use super::{
    Home, HomeError, Store, StoreError,
    database::{
        connect, create_in_memory, create_or_migrate, is_empty, lock_folder, open_immutable, open_read_only,
        quick_check, version,
    },
    durability::{
        FileIdentity, ReadSpec, adopt_folders, carry_over, damaged_rows, delete_orphan_rows, finish_restore,
        insert_missing_lanes, log_damage, orphaned_folders, repair_rows, restore, set_aside_foreign_backup,
    },
    forks::finish_forks,
    migrations::LATEST_VERSION,
    run_numbers,
};
use rusqlite::Connection;
use std::path::Path;

impl Store {
    /// Opens the store for writing and creates it if there is none. Only the kernel calls this, and only while it holds
    /// the home's lock: an older store is migrated, a damaged file is renamed aside, and what can be read of it and of
    /// its backup is copied into a new one. [`Store::notices`] says what was done.
    pub fn open(home: &Home) -> Result<Self, StoreError> {
        Self::open_with(home, &|_| None)
    }

    /// Like [`Store::open`]. `read` returns the settings in a checkpoint file, for runs whose row is lost.
    pub fn open_with(home: &Home, read: ReadSpec) -> Result<Self, StoreError> {
        home.prepare()?;
        let mut notices = Vec::new();
        let opened = match log_damage(&home.database())? {
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
                notices.extend(set_aside_foreign_backup(home, &connection));
                connection
            }
        };
        let was_restored = !notices.is_empty();
        finish_forks(home, &connection)?;
        run_numbers::reserve_folder_numbers(&connection, home)?;
        notices.extend(repair_rows(home, &mut connection, read)?);
        match adopt_folders(home, &mut connection, read) {
            Ok(adopted) => notices.extend(adopted),
            // The kernel starts on a full disk too.
            Err(error) if error.is_transient() => tracing::warn!("lost runs are not adopted yet: {error}"),
            Err(error) => return Err(error),
        }
        if was_restored {
            delete_orphan_rows(&mut connection)?;
            insert_missing_lanes(&mut connection)?;
        }
        Ok(Self { notices, identity: Some(FileIdentity::of(home)?), ..Self::of(connection) })
    }

    /// Opens the store for reading, beside a kernel that writes it; fast enough for a first frame. A home without a
    /// store gets an empty one. A home that can't be written is read as it is, and so is a store of an older version.
    pub fn open_read(home: &Home) -> Result<Self, StoreError> {
        let path = home.database();
        let store = match home.prepare() {
            Ok(()) => match open_writable(home, Writer::Notebook) {
                // The log's shared memory may find no space; the file can be read without it.
                Err(StoreError::Full) => open_unwritable(&path).map_err(|_| StoreError::Full)?,
                opened => read_as_this_version(opened?, &path)?,
            },
            // A home of another user is not read, because that user could have made its links, pipes and databases.
            Err(error @ HomeError::Unwritable { .. }) if path.is_file() => open_unwritable(&path).map_err(|_| error)?,
            Err(error) => return Err(error.into()),
        };
        store.connection.pragma_update(None, "query_only", true)?;
        Ok(Self { socket: home.socket().ok(), ..store })
    }

    /// Looks for damage without changing anything; returns a sentence for each fault.
    ///
    /// # Errors
    /// If the store as a whole can't be read.
    pub fn examine(home: &Home) -> Result<Vec<String>, StoreError> {
        let mut found: Vec<_> = log_damage(&home.database())?.into_iter().map(|damage| damage.to_string()).collect();
        let store = Self::open_read(home)?;
        quick_check(&store.connection)?;
        let rows = damaged_rows(&store.connection)?;
        found.extend(rows.into_iter().map(|what| format!("{what} does not match its checksum")));
        let orphans = orphaned_folders(home, &store.connection)?;
        found.extend(
            orphans.into_iter().map(|run| format!("{} belongs to no run in the store", home.run(run).display())),
        );
        Ok(found)
    }

    /// A store that ends with the process, for tests. (If no folder can be written, a notebook itself keeps what it
    /// would store until one can.)
    pub fn in_memory() -> Result<Self, StoreError> {
        let connection = create_in_memory()?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(Self::of(connection))
    }

    pub(super) fn of(connection: Connection) -> Self {
        Self { connection, notices: Vec::new(), socket: None, identity: None, restored_notice: None }
    }

    /// What the reader should know about how the store was opened, such as that a damaged file was renamed aside.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }
}

/// Who opens the store for writing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    /// Holds the home's lock and migrates an older store.
    Kernel,
    /// May run beside a kernel of an older version, so it leaves the tables unchanged.
    Notebook,
}

/// Opens the file. A new one or, for the kernel, one of an older version is prepared under a lock on the folder.
pub(super) fn open_writable(home: &Home, writer: Writer) -> Result<Connection, StoreError> {
    let path = home.database();
    if path.is_file() && !is_empty(&path) {
        let connection = connect(&path)?;
        match version(&connection)? {
            newer if newer > LATEST_VERSION => return Err(StoreError::Newer(path)),
            LATEST_VERSION => return Ok(connection),
            older if older > 0 && writer == Writer::Notebook => return Ok(connection),
            _ => {}
        }
    }
    let _locked = lock_folder(home)?;
    finish_restore(home)?;
    // Under the lock nobody else is creating it, so it was a store before. SQLite would silently begin a new one in it.
    if is_empty(&path) && home.backup().is_file() {
        return Err(StoreError::Damaged("its file is empty".into()));
    }
    create_or_migrate(&path)
}

/// A store of an older version, copied into memory and migrated there. Its file stays unchanged for the kernel that it
/// belongs to.
fn read_as_this_version(connection: Connection, path: &Path) -> Result<Store, StoreError> {
    if version(&connection)? == LATEST_VERSION {
        return Ok(Store::of(connection));
    }
    let mut copy = create_in_memory()?;
    if !carry_over(path, &mut copy, &[])?.complete {
        return Err(StoreError::Damaged("it is of an older version and can't be read to its end".into()));
    }
    Ok(Store::of(copy))
}

/// Opens a file in a folder that can't be written: with its log if the log's shared memory still exists, else without.
fn open_unwritable(path: &Path) -> Result<Store, StoreError> {
    let readable = |connection: Connection| -> Result<Connection, StoreError> {
        connection.query_row("SELECT count(*) FROM runs", [], |_| Ok(()))?;
        Ok(connection)
    };
    let opened = open_read_only(path).map_err(StoreError::from).and_then(readable);
    read_as_this_version(opened.or_else(|_| open_immutable(path).and_then(readable))?, path)
}
