//! The store's second copy, beside it: from it comes what a destroyed store no longer tells.

use super::{Home, Store, StoreError, files, numbers, open::open_to_read, restore::is_empty};
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

/// Puts a copy of the store, as it stands now, in the backup's place: whole, or not at all. For the kernel alone, under
/// the home's lock. It reads as any reader does, so that no commit waits for it, and row by row, so that a store which
/// can't be read never takes the place of one that could.
///
/// # Errors
/// If it could not be made; the one before is then whole, and nothing else is left behind.
pub fn back_up(home: &Home) -> Result<(), StoreError> {
    // SQLite would take the log of an empty file for a stray one and delete it.
    if is_empty(&home.database()) {
        return Err(StoreError::Damaged("its file is empty".into()));
    }
    let store = open_to_read(&home.database())?;
    if is_of_another(&home.backup(), &store)? {
        return Err(StoreError::OthersBackup(home.backup()));
    }
    if !has_room(home)? {
        return Err(StoreError::Full);
    }
    let unfinished = Unfinished::begin(home, ".writing-backup")?;
    // Synchronised with the copy, once and for all.
    store.pragma_update(None, "synchronous", "OFF")?;
    unfinished.fill(&store)?;
    Ok(unfinished.take_the_place_of(home, &home.backup())?)
}

impl Store {
    /// How many rows this connection has changed: whether a backup would hold anything new.
    pub fn changes(&self) -> u64 {
        self.connection.total_changes()
    }
}

/// A store that was taken away altogether was taken away by someone, who wishes to begin anew: nothing of its backup
/// comes back by itself. But it may be the last copy of somebody's curves, so no new backup takes its place either: it
/// is renamed, and told of. Numbers only grow, so a backup with a higher one is of another store than this.
pub(super) fn set_aside_if_of_another(home: &Home, store: &Connection) -> Option<String> {
    if !is_of_another(&home.backup(), store).unwrap_or(false) {
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

/// A damaged backup is nobody's: the next takes its place.
fn is_of_another(backup: &Path, store: &Connection) -> rusqlite::Result<bool> {
    let newest = numbers::highest(store)?;
    let theirs = open_to_read(backup).and_then(|backup| numbers::highest(&backup));
    Ok(theirs.is_ok_and(|theirs| theirs > newest))
}

/// As much again has to stay free: a backup is no reason for a lane to find the disk full.
fn has_room(home: &Home) -> io::Result<bool> {
    let size = |path: PathBuf| fs::metadata(path).map_or(0, |meta| meta.len());
    let [database, log] = [home.database(), with_suffix(&home.database(), "-wal")];
    Ok(home.free_bytes()? >= 2 * (size(database) + size(log)))
}

/// A copy under construction, always under one name: what a dead kernel left of one is removed by the next.
pub(super) struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    pub fn begin(home: &Home, name: &str) -> io::Result<Self> {
        let unfinished = Self { path: home.folder().join(name) };
        unfinished.clear();
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished.path)?;
        Ok(unfinished)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies all that can be read of this store into it, durably.
    pub fn fill(&self, store: &Connection) -> Result<(), StoreError> {
        let path = ToSqlOutput::Borrowed(ValueRef::Text(self.path.as_os_str().as_bytes()));
        store.execute("VACUUM INTO ?1", [path])?;
        Ok(File::open(&self.path)?.sync_all()?)
    }

    pub fn take_the_place_of(self, home: &Home, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        File::open(home.folder())?.sync_all()
    }

    fn clear(&self) {
        for path in [&self.path, &with_suffix(&self.path, "-journal")] {
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The name of a file that SQLite keeps beside a database.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
