//! A damaged store is set aside, and a new one takes its place with all that can still be read.

use super::{
    Home, Store, StoreError,
    backup::{Unfinished, with_suffix},
    files,
    open::{lock_folder, make_ready},
    salvage::{Salvaged, carry_over},
    wal::{self, Frames},
};
use rusqlite::Connection;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// What SQLite keeps in a store's folder for it.
pub(super) const FILES: [&str; 3] = ["", "-wal", "-shm"];

/// Makes the new store from the damaged one and then, where that tells nothing, from its backup; returns what the reader
/// should know. For the kernel alone, under the home's lock.
///
/// # Errors
/// If there is no room for it, say: then everything is as it was before, for the next kernel.
pub(super) fn restore(home: &Home, why: &str) -> Result<String, StoreError> {
    let (path, new) = (home.database(), new_store(home));
    let filled = fill(home, &new);
    let (from_store, from_backup) = filled.inspect_err(|_| remove(&new))?;
    let _locked = lock_folder(home)?;
    let aside = set_aside(&path)?;
    // A kernel that dies here leaves no store, and the new one for the next to find.
    take_the_place(home)?;
    let backup = match from_backup {
        None => "there was none yet".into(),
        Some(salvaged) if salvaged.whole => told(salvaged),
        Some(salvaged) => {
            let kept = files::set_aside(&home.backup());
            let kept = kept.map_or_else(|error| format!("it can't be renamed, {error}"), |aside| kept_as(&aside));
            format!("{} (it was damaged too; {kept})", told(salvaged))
        }
    };
    Ok(format!(
        "The store was damaged, and a new one has taken its place. Read from it: {}; from its backup: {backup}. The \
         damaged file is {}; the checkpoints in {} are untouched. What was found: {why}.",
        told(from_store),
        kept_as(&aside),
        home.runs().display()
    ))
}

/// Where a kernel was cut off between taking the damaged store away and putting the new one in its place, this ends it.
pub(super) fn take_the_place(home: &Home) -> io::Result<()> {
    let (path, new) = (home.database(), new_store(home));
    if !path.try_exists()? && new.try_exists()? {
        fs::rename(new, path)?;
        File::open(home.folder())?.sync_all()?;
    }
    Ok(())
}

fn new_store(home: &Home) -> PathBuf {
    with_suffix(&home.database(), ".restored")
}

fn fill(home: &Home, new: &Path) -> Result<(Salvaged, Option<Salvaged>), StoreError> {
    // What a kernel that was cut off had begun.
    remove(new);
    let mut connection = make_ready(new)?;
    // Rows of a run that can't be read are kept as long as its checkpoints may tell what it was.
    connection.pragma_update(None, "foreign_keys", false)?;
    let damaged = home.database();
    // SQLite takes the log of an empty file for a stray one and deletes it.
    let from_store = if is_empty(&damaged) { Salvaged::default() } else { read_all(home, &mut connection)? };
    let backup = home.backup();
    let from_backup = if backup.is_file() { Some(carry_over(&backup, &mut connection)?) } else { None };
    let store = Store::of(connection);
    store.fold_log()?;
    drop(store);
    // Empty from here on, and not to be left under a name that no store has.
    for suffix in &FILES[1..] {
        let _ = fs::remove_file(with_suffix(new, suffix));
    }
    File::open(new)?.sync_all()?;
    Ok((from_store, from_backup))
}

/// All that the damaged store tells. What SQLite would ignore of a damaged log is read too.
fn read_all(home: &Home, new: &mut Connection) -> Result<Salvaged, StoreError> {
    let damaged = home.database();
    if wal::damage(&damaged)?.is_none() {
        return carry_over(&damaged, new);
    }
    let image = Unfinished::begin(home, ".writing-image")?;
    wal::replay(&damaged, image.path(), Frames::Sound)?;
    let mut salvaged = carry_over(image.path(), new)?;
    // What is damaged in a bad frame is found by the rows' own checksums.
    wal::replay(&damaged, image.path(), Frames::All)?;
    salvaged += carry_over(image.path(), new)?;
    if !salvaged.whole {
        salvaged += carry_over(&damaged, new)?;
    }
    Ok(salvaged)
}

/// A store that was cut off to nothing; one that is not there is none.
pub(super) fn is_empty(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.len() == 0)
}

fn remove(store: &Path) {
    for suffix in FILES {
        let _ = fs::remove_file(with_suffix(store, suffix));
    }
}

/// Renames the database with its log and its shared memory; returns where the database went.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let date = super::write::now();
    let suffixed = |number: u32| {
        let number = if number > 0 { format!("-{number}") } else { String::new() };
        with_suffix(path, &format!(".damaged-{date}{number}"))
    };
    let free = (0..u32::MAX).map(suffixed).find(|aside| !aside.exists()).unwrap_or_else(|| suffixed(0));
    // The database last: until it goes, the next kernel finds it damaged.
    for suffix in FILES.into_iter().rev() {
        match fs::rename(with_suffix(path, suffix), with_suffix(&free, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(free)
}

fn kept_as(aside: &Path) -> String {
    format!("kept as {}", aside.display())
}

fn told(Salvaged { runs, epochs, rows, .. }: Salvaged) -> String {
    let count = |number: usize, what: &str| match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{number} {what}s")),
    };
    let counts: Vec<_> = [count(runs, "run"), count(epochs, "epoch")].into_iter().flatten().collect();
    match counts.is_empty() {
        false => counts.join(" with "),
        true if rows > 0 => "no run".into(),
        true => "nothing".into(),
    }
}
