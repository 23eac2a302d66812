//! Renames a damaged store aside and replaces it with a new one that has everything that can still be read.

use super::{
    backup::TemporaryCopy,
    salvage::{Salvaged, carry_over},
    write_ahead_log::{Frames, log_damage, replay},
};
use crate::{
    Home, StoreError,
    database::{SUFFIXES, create_or_migrate, fold_log, is_empty, lock_folder, with_suffix},
    files,
};
use rusqlite::Connection;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// Makes a new store from the rows of the damaged one and then, for what is missing, from its backup. Returns what the
/// reader should know. Only the kernel calls this, while it holds the home's lock.
///
/// # Errors
/// If the new store can't be written, for instance on a full disk. Everything is then unchanged, for the next kernel.
pub(in super::super) fn restore(home: &Home, why: &str) -> Result<String, StoreError> {
    let (path, new) = (home.database(), new_store(home));
    let filled = fill(home, &new);
    let (from_store, from_backup) = filled.inspect_err(|_| remove(&new))?;
    let _locked = lock_folder(home)?;
    let aside = set_aside(&path)?;
    // A kernel that dies here leaves only the new store, which `finish_restore` renames into place.
    finish_restore(home)?;
    let backup = match from_backup {
        None => "there was none yet".into(),
        Some(salvaged) if salvaged.complete => describe(salvaged),
        Some(salvaged) => {
            let kept = files::set_aside(&home.backup());
            let kept = kept.map_or_else(|error| format!("it can't be renamed, {error}"), |aside| kept_as(&aside));
            format!("{} (it was damaged too; {kept})", describe(salvaged))
        }
    };
    Ok(format!(
        "The store was damaged, and a new one has taken its place. Read from it: {}; from its backup: {backup}. The \
         damaged file is {}; the checkpoints in {} are untouched. What was found: {why}.",
        describe(from_store),
        kept_as(&aside),
        home.runs().display()
    ))
}

/// Renames the new store into place, if a kernel died between the two renames.
pub(in super::super) fn finish_restore(home: &Home) -> io::Result<()> {
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
    // A dead kernel may have left an unfinished one.
    remove(new);
    let mut connection = create_or_migrate(new)?;
    // Rows of a run whose own row can't be read are kept, as its checkpoints may hold its settings.
    connection.pragma_update(None, "foreign_keys", false)?;
    let damaged = home.database();
    // SQLite takes the log of an empty file for a stray one and deletes it.
    let from_store = if is_empty(&damaged) { Salvaged::default() } else { read_all(home, &mut connection)? };
    let backup = home.backup();
    let from_backup = if backup.is_file() { Some(carry_over(&backup, &mut connection, &[])?) } else { None };
    fold_log(&connection)?;
    drop(connection);
    // They are empty now, and would remain under a name that belongs to no store.
    for suffix in &SUFFIXES[1..] {
        let _ = fs::remove_file(with_suffix(new, suffix));
    }
    File::open(new)?.sync_all()?;
    Ok((from_store, from_backup))
}

/// Reads everything in the damaged store, also what SQLite would ignore behind a damaged frame of its log.
fn read_all(home: &Home, new: &mut Connection) -> Result<Salvaged, StoreError> {
    let damaged = home.database();
    if log_damage(&damaged)?.is_none() {
        return carry_over(&damaged, new, &[]);
    }
    let image = TemporaryCopy::begin(home, ".writing-image")?;
    replay(&damaged, image.path(), Frames::Sound)?;
    let mut salvaged = carry_over(image.path(), new, &[])?;
    // The rows' own checksums detect what is damaged in a bad frame.
    replay(&damaged, image.path(), Frames::All)?;
    salvaged += carry_over(image.path(), new, &[])?;
    if !salvaged.complete {
        salvaged += carry_over(&damaged, new, &[])?;
    }
    Ok(salvaged)
}

fn remove(store: &Path) {
    for suffix in SUFFIXES {
        let _ = fs::remove_file(with_suffix(store, suffix));
    }
}

/// Renames the database with its log and its shared memory. Returns the database's new path.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = files::named_aside(path, "damaged");
    // The database comes last: until it is renamed, the next kernel finds it damaged and does the same.
    for suffix in SUFFIXES.into_iter().rev() {
        match fs::rename(with_suffix(path, suffix), with_suffix(&aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(aside)
}

fn kept_as(aside: &Path) -> String {
    format!("kept as {}", aside.display())
}

fn describe(Salvaged { runs, epochs, rows, .. }: Salvaged) -> String {
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
