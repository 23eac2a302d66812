//! Whether an open store still stands at its path. Others may remove it beneath a living kernel, or put another file in
//! its place, and SQLite would go on for ever in files that nobody finds. All the rows can be read all the same: the
//! store is put back with them.

use super::{
    Home, Store, StoreError,
    backup::{Unfinished, with_suffix},
    files,
    open::{lock_folder, make_ready, open_immutable, open_to_read},
    restore::FILES,
    salvage::carry_over,
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

/// The files of an open store. They are never opened here: closing them again would release SQLite's locks.
pub(super) struct Ground {
    home: Home,
    /// Held open, so that its number is given to no other folder; as SQLite holds the files.
    folder: File,
    /// The database, its log and its shared memory; there are only the first where no log can be.
    files: [Option<Stat>; 3],
    /// What has been put back and could not be opened yet.
    successor: Option<Stat>,
    /// Another store was found in the place of this one, whose rows are kept here.
    kept: Option<PathBuf>,
}

enum Standing {
    Here,
    /// The home as a whole is somewhere else, the store in it.
    Moved,
    /// Its files are not at their paths, or some are not; and nothing else that holds a run.
    Away,
    /// It has been put back, and is to be opened.
    PutBack,
    /// Somebody has put another in its place.
    Another,
}

impl Store {
    /// Whether what is written will be found again. Every write begins with this.
    ///
    /// # Errors
    /// If the store's files are not where they were opened. Nothing is lost by waiting.
    pub fn check(&self) -> Result<(), StoreError> {
        let Some(ground) = &self.ground else { return Ok(()) };
        match ground.look()? {
            Standing::Here => Ok(()),
            Standing::Moved => Err(StoreError::Moved(ground.home.folder().to_owned())),
            Standing::Away | Standing::PutBack => Err(StoreError::TakenAway(ground.home.database())),
            Standing::Another => Err(ground.replaced()),
        }
    }

    /// Puts the store back where it was taken away; see [`Store::take_news`]. For the kernel alone, under the home's lock.
    ///
    /// # Errors
    /// If it can't be, because something else stands in its place, say.
    pub fn keep(&mut self) -> Result<(), StoreError> {
        let Some(ground) = &mut self.ground else { return Ok(()) };
        match ground.look()? {
            Standing::Here | Standing::Moved => self.check(),
            Standing::PutBack => self.open_again(),
            Standing::Away => {
                ground.put_back(&self.connection)?;
                self.open_again()
            }
            Standing::Another => {
                ground.keep_aside(&self.connection)?;
                Err(ground.replaced())
            }
        }
    }

    /// What has happened to the store since this was asked last.
    pub fn take_news(&mut self) -> Option<String> {
        self.news.take()
    }

    /// Whether the home as a whole was moved away, the store in it.
    pub fn home_is_moved(&self) -> bool {
        self.ground.as_ref().is_some_and(|ground| !ground.folder_is_here() && ground.is_in_its_folder())
    }

    /// Whether the home as a whole was removed, and not only the store in it.
    pub fn home_is_removed(&self) -> bool {
        self.ground.as_ref().is_some_and(|ground| !ground.folder_is_here() && !ground.is_in_its_folder())
    }

    fn open_again(&mut self) -> Result<(), StoreError> {
        let Some(ground) = &self.ground else { return Ok(()) };
        let home = ground.home.clone();
        self.connection = make_ready(&home.database())?;
        self.ground = Some(Ground::of(&home)?);
        let news = format!(
            "The store's files were taken away while the kernel had them open. They are there again, with all that was in \
             them: {}. To begin anew, `relu kernel stop` first.",
            home.database().display()
        );
        tracing::warn!("{news}");
        self.notices.push(news.clone());
        self.news = Some(news);
        Ok(())
    }
}

impl Ground {
    pub fn of(home: &Home) -> io::Result<Self> {
        let at = |suffix| found(stat(with_suffix(&home.database(), suffix)));
        let files = [at(FILES[0])?, at(FILES[1])?, at(FILES[2])?];
        Ok(Self { home: home.clone(), folder: File::open(home.folder())?, files, successor: None, kept: None })
    }

    fn look(&self) -> io::Result<Standing> {
        let is_here = self.folder_is_here();
        if !is_here && self.is_in_its_folder() {
            return Ok(Standing::Moved);
        }
        let path = self.home.database();
        let Some(file) = found(stat(&path))? else { return Ok(Standing::Away) };
        if is(&file, self.successor.as_ref()) {
            return Ok(Standing::PutBack);
        }
        if is(&file, self.files[0].as_ref()) {
            let whole = is_here && self.has(1)? && self.has(2)?;
            return Ok(if whole { Standing::Here } else { Standing::Away });
        }
        // Whoever looks for the store where there is none makes an empty one.
        Ok(if holds_anything(&path, self.has(1)?) { Standing::Another } else { Standing::Away })
    }

    /// Whether this file is at its path, if there was one.
    fn has(&self, file: usize) -> io::Result<bool> {
        let Some(opened) = &self.files[file] else { return Ok(true) };
        let there = found(stat(with_suffix(&self.home.database(), FILES[file])))?;
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

    /// Lays a file with all that this connection can read at the store's path.
    fn put_back(&mut self, store: &Connection) -> Result<(), StoreError> {
        self.home.prepare()?;
        let path = self.home.database();
        let copy = Unfinished::begin(&self.home, ".writing-store")?;
        copy.fill(store)?;
        // Another program that begins a new database beside our log takes the log's rows out of our sight.
        if self.home.backup().is_file() {
            let mut connection = Connection::open(copy.path())?;
            connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
            carry_over(&self.home.backup(), &mut connection)?;
        }
        let _locked = lock_folder(&self.home)?;
        if !matches!(self.look()?, Standing::Away) {
            return Err(StoreError::Busy);
        }
        // A log that belongs to another file would be read into this one.
        remove_log(&path)?;
        self.successor = found(stat(copy.path()))?;
        Ok(copy.take_the_place_of(&self.home, &path)?)
    }

    /// Writes all that this connection can read beside the store that has taken its place, once.
    fn keep_aside(&mut self, store: &Connection) -> Result<(), StoreError> {
        if self.kept.is_some() {
            return Ok(());
        }
        let copy = Unfinished::begin(&self.home, ".writing-store")?;
        copy.fill(store)?;
        let aside = files::named_aside(&self.home.database(), "kept");
        copy.take_the_place_of(&self.home, &aside)?;
        // Our log beside another's store would be read into that.
        if self.has(1)? {
            remove_log(&self.home.database())?;
        }
        self.kept = Some(aside);
        Ok(())
    }

    fn replaced(&self) -> StoreError {
        let path = self.home.database();
        match self.kept.clone() {
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

/// Whether this is more than the empty store that a reader makes. What can't be read is somebody's, too.
fn holds_anything(path: &Path, log_is_ours: bool) -> bool {
    let asked = if log_is_ours { open_immutable(path) } else { open_to_read(path).map_err(StoreError::from) };
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
    for suffix in &FILES[1..] {
        match fs::remove_file(with_suffix(store, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
