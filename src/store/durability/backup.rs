//! The store's backup, a copy beside it that restores what a destroyed store no longer holds.

use crate::{
    Home, Store, StoreError,
    database::{is_empty, open_read_only, with_suffix},
    files, run_numbers,
};
use rusqlite::{
    Connection,
    types::{ToSqlOutput, ValueRef},
};
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Replaces the backup with a copy of the store, completely or not at all. Only the kernel calls this, while it holds
/// the home's lock. It reads like any reader, so no commit waits for it; and it reads row by row, so a store that can't
/// be read never replaces a good backup.
///
/// # Errors
/// If the copy can't be made. The previous backup is then unchanged, and no other file is left.
pub fn back_up(home: &Home) -> Result<(), StoreError> {
    // SQLite would take the log of an empty file for a stray one and delete it.
    if is_empty(&home.database()) {
        return Err(StoreError::Damaged("its file is empty".into()));
    }
    let store = open_read_only(&home.database())?;
    if is_foreign(&home.backup(), &store)? {
        return Err(StoreError::OthersBackup(home.backup()));
    }
    if !has_room(home)? {
        return Err(StoreError::Full);
    }
    let copy = TemporaryCopy::begin(home, ".writing-backup")?;
    // The copy is synchronised once, when it is complete.
    store.pragma_update(None, "synchronous", "OFF")?;
    copy.fill(&store)?;
    Ok(copy.rename_to(home, &home.backup())?)
}

impl Store {
    /// How many rows this connection has changed, by which the kernel knows whether a new backup would differ.
    pub fn changes(&self) -> u64 {
        self.connection.total_changes()
    }
}

/// Renames a backup that belongs to another store. Somebody who removes the store wants to start again, so nothing is
/// restored; but the backup may be the last copy of their curves, so it is not overwritten either. Run numbers only
/// grow: a backup with a higher one than the store's belongs to another store.
pub(in super::super) fn set_aside_foreign_backup(home: &Home, store: &Connection) -> Option<String> {
    if !is_foreign(&home.backup(), store).unwrap_or(false) {
        return None;
    }
    match files::rename_aside(&home.backup(), "kept") {
        Ok(aside) => Some(format!(
            "There was no store, or an older one, and the runs in its backup are not in the list. The backup is kept \
             as {aside}; to have them back, `relu kernel stop`, remove {store}-wal, and rename that file to {store}.",
            aside = aside.display(),
            store = home.database().display()
        )),
        Err(error) => {
            tracing::warn!("a backup of another store stays in its place: {error}");
            None
        }
    }
}

/// A damaged backup belongs to no store and is overwritten by the next one.
fn is_foreign(backup: &Path, store: &Connection) -> rusqlite::Result<bool> {
    let newest = run_numbers::highest(store)?;
    let theirs = open_read_only(backup).and_then(|backup| run_numbers::highest(&backup));
    Ok(theirs.is_ok_and(|theirs| theirs > newest))
}

/// Twice the space is required, so that a backup never fills the disk for the lanes.
fn has_room(home: &Home) -> io::Result<bool> {
    let size = |path: PathBuf| fs::metadata(path).map_or(0, |meta| meta.len());
    let [database, log] = [home.database(), with_suffix(&home.database(), "-wal")];
    Ok(home.free_bytes()? >= 2 * (size(database) + size(log)))
}

/// An unfinished copy. Each kind has one fixed name, so that the next kernel removes what a dead one left.
pub(super) struct TemporaryCopy {
    path: PathBuf,
}

impl TemporaryCopy {
    pub fn begin(home: &Home, name: &str) -> io::Result<Self> {
        let copy = Self { path: home.folder().join(name) };
        copy.clear();
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copy.path)?;
        Ok(copy)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies the whole store into this file, durably.
    pub fn fill(&self, store: &Connection) -> Result<(), StoreError> {
        let path = ToSqlOutput::Borrowed(ValueRef::Text(self.path.as_os_str().as_bytes()));
        store.execute("VACUUM INTO ?1", [path])?;
        Ok(File::open(&self.path)?.sync_all()?)
    }

    pub fn rename_to(self, home: &Home, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        File::open(home.folder())?.sync_all()
    }

    fn clear(&self) {
        for path in [&self.path, &with_suffix(&self.path, "-journal")] {
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for TemporaryCopy {
    fn drop(&mut self) {
        self.clear();
    }
}
