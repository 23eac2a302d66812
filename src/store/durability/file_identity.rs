//! Whether the files of an open store are still at their paths. Other programs may remove them beneath a running
//! kernel, or replace them, and SQLite would continue to write to files that nobody finds. The open connection can
//! still read every row, so the store is put back from it.

use super::{backup::TemporaryCopy, salvage::carry_over};
use crate::{
    Home, Store, StoreError,
    database::{SUFFIXES, create_or_migrate, lock_folder, open_immutable, open_read_only, with_suffix},
    files,
    rows::JOBS,
};
use rusqlite::Connection;
use rustix::{
    fs::{AtFlags, Stat, fstat, stat, statat},
    io::Errno,
};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// Which files an open store consists of, by device and inode. They are never opened here, because closing them again
/// would release SQLite's locks.
pub(in super::super) struct FileIdentity {
    home: Home,
    /// Held open, so that no other folder gets its inode; SQLite does the same for the files.
    folder: File,
    /// The database, its log and its shared memory; only the database if there can be no log.
    files: [Option<Stat>; 3],
    /// The file that was put back and is not opened yet.
    put_back: Option<Stat>,
    /// Where this store's rows were saved because another store has replaced it.
    saved_as: Option<PathBuf>,
}

enum Location {
    InPlace,
    /// The whole home was moved, with the store in it.
    HomeMoved,
    /// Some of its files are not at their paths, and no other store is there.
    Missing,
    /// It was put back and must be opened.
    PutBack,
    /// Another store is at its path.
    Replaced,
}

impl Store {
    /// Checks that a reader will find what is written. Every write begins with this.
    ///
    /// # Errors
    /// If the store's files are not where they were opened. Waiting loses nothing.
    pub fn check_in_place(&self) -> Result<(), StoreError> {
        let Some(identity) = &self.identity else { return Ok(()) };
        match identity.locate()? {
            Location::InPlace => Ok(()),
            Location::HomeMoved => Err(StoreError::Moved(identity.home.folder().to_owned())),
            Location::Missing | Location::PutBack => Err(StoreError::TakenAway(identity.home.database())),
            Location::Replaced => Err(identity.replaced_error()),
        }
    }

    /// Puts the store back if it was removed; see [`Store::take_restored_notice`]. Only the kernel calls this, while it
    /// holds the home's lock.
    ///
    /// # Errors
    /// If it can't be put back, for instance because another store is in its place.
    pub fn ensure_in_place(&mut self) -> Result<(), StoreError> {
        let Some(identity) = &mut self.identity else { return Ok(()) };
        match identity.locate()? {
            Location::InPlace | Location::HomeMoved => self.check_in_place(),
            Location::PutBack => self.reopen(),
            Location::Missing => {
                identity.write_back(&self.connection)?;
                self.reopen()
            }
            Location::Replaced => {
                identity.save_aside(&self.connection)?;
                Err(identity.replaced_error())
            }
        }
    }

    /// What the reader should know if the store was put back since the last call.
    pub fn take_restored_notice(&mut self) -> Option<String> {
        self.restored_notice.take()
    }

    /// Whether the whole home was moved, with the store in it.
    pub fn home_is_moved(&self) -> bool {
        self.identity.as_ref().is_some_and(|identity| !identity.folder_is_here() && identity.is_in_its_folder())
    }

    /// Whether the whole home was removed, and not only the store in it.
    pub fn home_is_removed(&self) -> bool {
        self.identity.as_ref().is_some_and(|identity| !identity.folder_is_here() && !identity.is_in_its_folder())
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        let Some(identity) = &self.identity else { return Ok(()) };
        let home = identity.home.clone();
        self.connection = create_or_migrate(&home.database())?;
        self.identity = Some(FileIdentity::of(&home)?);
        let notice = format!(
            "The store's files were taken away while the kernel had them open. They are there again, with all that was in \
             them: {}. To begin anew, `relu kernel stop` first.",
            home.database().display()
        );
        tracing::warn!("{notice}");
        self.notices.push(notice.clone());
        self.restored_notice = Some(notice);
        Ok(())
    }
}

impl FileIdentity {
    pub fn of(home: &Home) -> io::Result<Self> {
        let at = |suffix| found(stat(with_suffix(&home.database(), suffix)));
        let files = [at(SUFFIXES[0])?, at(SUFFIXES[1])?, at(SUFFIXES[2])?];
        Ok(Self { home: home.clone(), folder: File::open(home.folder())?, files, put_back: None, saved_as: None })
    }

    fn locate(&self) -> io::Result<Location> {
        let is_here = self.folder_is_here();
        if !is_here && self.is_in_its_folder() {
            return Ok(Location::HomeMoved);
        }
        let path = self.home.database();
        let Some(file) = found(stat(&path))? else { return Ok(Location::Missing) };
        if is(&file, self.put_back.as_ref()) {
            return Ok(Location::PutBack);
        }
        if is(&file, self.files[0].as_ref()) {
            let complete = is_here && self.is_at_path(1)? && self.is_at_path(2)?;
            return Ok(if complete { Location::InPlace } else { Location::Missing });
        }
        // A reader that finds no store creates an empty one.
        Ok(if has_content(&path, self.is_at_path(1)?) { Location::Replaced } else { Location::Missing })
    }

    /// Whether this file is at its path, or there was none.
    fn is_at_path(&self, file: usize) -> io::Result<bool> {
        let Some(opened) = &self.files[file] else { return Ok(true) };
        let there = found(stat(with_suffix(&self.home.database(), SUFFIXES[file])))?;
        Ok(is(opened, there.as_ref()))
    }

    fn folder_is_here(&self) -> bool {
        fstat(&self.folder).is_ok_and(|folder| is(&folder, stat(self.home.folder()).ok().as_ref()))
    }

    fn is_in_its_folder(&self) -> bool {
        let path = self.home.database();
        path.file_name()
            .and_then(|name| statat(&self.folder, name, AtFlags::empty()).ok())
            .is_some_and(|file| is(&file, self.files[0].as_ref()))
    }

    /// Writes everything that this connection can read to a file, and renames that to the store's path.
    fn write_back(&mut self, store: &Connection) -> Result<(), StoreError> {
        self.home.prepare()?;
        let path = self.home.database();
        let copy = TemporaryCopy::begin(&self.home, ".writing-store")?;
        copy.fill(store)?;
        // If another program begins a new database beside our log, the log's rows are no longer visible to us.
        if self.home.backup().is_file() {
            let mut connection = Connection::open(copy.path())?;
            connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
            // The queue is complete as this connection reads it; the backup may contain jobs that are completed.
            carry_over(&self.home.backup(), &mut connection, &[JOBS])?;
        }
        let _locked = lock_folder(&self.home)?;
        if !matches!(self.locate()?, Location::Missing) {
            return Err(StoreError::Busy);
        }
        // SQLite would apply a log that belongs to another file to this one.
        remove_log(&path)?;
        self.put_back = found(stat(copy.path()))?;
        Ok(copy.rename_to(&self.home, &path)?)
    }

    /// Writes everything that this connection can read to a file beside the store that has replaced it, once.
    fn save_aside(&mut self, store: &Connection) -> Result<(), StoreError> {
        if self.saved_as.is_some() {
            return Ok(());
        }
        let copy = TemporaryCopy::begin(&self.home, ".writing-store")?;
        copy.fill(store)?;
        let aside = files::named_aside(&self.home.database(), "kept");
        copy.rename_to(&self.home, &aside)?;
        // SQLite would apply our log to the other store.
        if self.is_at_path(1)? {
            remove_log(&self.home.database())?;
        }
        self.saved_as = Some(aside);
        Ok(())
    }

    fn replaced_error(&self) -> StoreError {
        let path = self.home.database();
        match self.saved_as.clone() {
            Some(kept) => StoreError::Replaced { path, kept },
            None => StoreError::TakenAway(path),
        }
    }
}

fn found(stat: rustix::io::Result<Stat>) -> io::Result<Option<Stat>> {
    match stat {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is(one: &Stat, other: Option<&Stat>) -> bool {
    other.is_some_and(|other| (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

/// Whether this is more than the empty store that a reader creates. A file that can't be read counts as a store.
fn has_content(path: &Path, log_is_ours: bool) -> bool {
    let asked = if log_is_ours { open_immutable(path) } else { open_read_only(path).map_err(StoreError::from) };
    let asked = asked.and_then(|store| {
        let tables = "SELECT count(*) FROM sqlite_schema WHERE name IN ('runs', 'cells')";
        if store.query_row(tables, [], |row| row.get::<_, u32>(0))? < 2 {
            return Ok(false);
        }
        let rows = "SELECT EXISTS (SELECT 1 FROM runs) OR EXISTS (SELECT 1 FROM cells)";
        Ok(store.query_row(rows, [], |row| row.get(0))?)
    });
    asked.unwrap_or(true)
}

fn remove_log(store: &Path) -> io::Result<()> {
    for suffix in &SUFFIXES[1..] {
        match fs::remove_file(with_suffix(store, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
