//! Forks in the store: a run that begins with the history and the checkpoints of another one.
//!
//! Its rows are committed at once. Its checkpoints are written before, into a folder of another name, and that is renamed
//! after the commit: a kernel that dies in between leaves either no fork, or one whose folder the next kernel puts in its
//! place.

use super::{
    CheckpointRow, Home, LaneState, Store, StoreError,
    error::of_run,
    files::{LaneFolder, sync_folder},
    jobs, now,
    rows::{CHECKPOINTS, Columns, EPOCHS, MEASUREMENTS, RUNS, Table, WRONG_IMAGES, insert_lanes, write_checksum},
    write::{insert_steering, update_lane},
};
use protocol::{Fork, Lane, RunId, Steering, Study};
use rusqlite::{Connection, Transaction, params, params_from_iter, types::Value};
use std::{fs, io, path::PathBuf};

/// A fork that is to be created.
pub struct NewFork<'a> {
    pub fork: Fork,
    pub study: &'a Study,
    pub name: Option<&'a str>,
    /// Its lanes that are at their ends already.
    pub diverged: &'a [(Lane, LaneState)],
    /// Of every other lane the checkpoint file of the fork's epoch.
    pub checkpoints: &'a [(Lane, Vec<u8>)],
    pub steerings: &'a [Steering],
}

/// Begins the name of a folder that is not a run's yet; its number follows.
const UNFINISHED: &str = ".fork-";

fn unfinished(home: &Home, run: RunId) -> PathBuf {
    home.runs().join(format!("{UNFINISHED}{run}"))
}

impl Store {
    /// Creates a run, queued, with its parent's rows up to the fork's epoch.
    ///
    /// # Errors
    /// Nothing of the fork is left then.
    pub fn create_fork(&mut self, home: &Home, new: &NewFork) -> Result<RunId, StoreError> {
        // The parent's rows are read by their checksums: what is damaged is not copied as if it were sound.
        self.epochs(new.fork.parent)?;
        let transaction = self.transaction()?;
        let run = insert_fork(&transaction, new)?;
        let folder = unfinished(home, run);
        let written = write_checkpoints(home, run, new).and_then(|rows| {
            rows.iter().try_for_each(|row| insert_checkpoint(&transaction, run, row))?;
            Ok(transaction.commit()?)
        });
        if let Err(error) = written {
            let _ = fs::remove_dir_all(&folder);
            return Err(error);
        }
        let renamed = fs::rename(&folder, home.run(run)).and_then(|()| sync_folder(&home.runs()));
        if let Err(error) = renamed {
            let _ = fs::remove_dir_all(&folder);
            self.delete(run)?;
            return Err(error.into());
        }
        Ok(run)
    }
}

fn insert_fork(transaction: &Transaction, new: &NewFork) -> Result<RunId, StoreError> {
    let Fork { parent, epoch } = new.fork;
    let json = serde_json::to_string(new.study)?;
    transaction.execute(
        "INSERT INTO runs (name, spec, state, not_exact, backend, created, updated, elapsed, parent, parent_epoch)
         SELECT ?1, ?2, 'queued', not_exact, backend, ?3, ?3, 0.0, id, ?5 FROM runs WHERE id = ?4",
        params![new.name, json, now(), parent.0, epoch],
    )?;
    let run = RunId(transaction.last_insert_rowid());
    write_checksum(transaction, RUNS, &[&run.0])?;
    insert_lanes(transaction, run.0, new.study)?;
    for (lane, state) in new.diverged {
        update_lane(transaction, run, *lane, *state)?;
    }
    for table in [EPOCHS, MEASUREMENTS, WRONG_IMAGES] {
        copy_rows(transaction, table, new, run)?;
    }
    for steering in new.steerings {
        insert_steering(transaction, run, steering)?;
    }
    jobs::ensure_run(transaction, run)?;
    Ok(run)
}

/// Copies the parent's rows of the fork's arms up to its epoch.
fn copy_rows(transaction: &Transaction, table: Table, new: &NewFork, run: RunId) -> Result<(), StoreError> {
    let Fork { parent, epoch } = new.fork;
    let order = if table == EPOCHS { " ORDER BY seq" } else { "" };
    let sql = format!("SELECT * FROM {} WHERE run = ?1 AND epoch <= ?2{order}", table.name);
    let mut statement = transaction.prepare_cached(&sql)?;
    let columns = Columns::of(&statement);
    // The checksum is the row's own, and the place in the order of commits is a new one.
    let copied: Vec<(usize, String)> = statement
        .column_names()
        .into_iter()
        .enumerate()
        .filter(|(_, name)| *name != "sum" && *name != "seq")
        .map(|(at, name)| (at, name.to_owned()))
        .collect();
    let names: Vec<&str> = copied.iter().map(|(_, name)| name.as_str()).collect();
    let insert =
        format!("INSERT INTO {} ({}) VALUES ({})", table.name, names.join(", "), vec!["?"; names.len()].join(", "));
    let mut insert = transaction.prepare_cached(&insert)?;
    let mut rows = statement.query(params![parent.0, epoch])?;
    while let Some(row) = rows.next()? {
        if !new.study.arm_ids().any(|arm| row.get_ref("arm").is_ok_and(|value| value.as_str() == Ok(arm.as_str()))) {
            continue;
        }
        columns.check(row).map_err(of_run(parent))?;
        let mut values = Vec::new();
        for (at, name) in &copied {
            values.push(if name == "run" { Value::Integer(run.0) } else { row.get(*at)? });
        }
        insert.execute(params_from_iter(&values))?;
        let seq = transaction.last_insert_rowid();
        let of_key =
            |column: &&str| names.iter().position(|name| name == column).map(|at| &values[at] as &dyn rusqlite::ToSql);
        let key: Vec<&dyn rusqlite::ToSql> =
            if table == EPOCHS { vec![&seq] } else { table.key.iter().filter_map(of_key).collect() };
        write_checksum(transaction, table, &key)?;
    }
    Ok(())
}

fn write_checkpoints(home: &Home, run: RunId, new: &NewFork) -> Result<Vec<CheckpointRow>, StoreError> {
    let folder = unfinished(home, run);
    // Of an attempt that was cut off.
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut rows = Vec::new();
    for (lane, bytes) in new.checkpoints {
        let own = LaneFolder::within(&folder, *lane);
        own.prepare()?;
        let epoch = new.fork.epoch;
        let (file, sha256) = own.write_epoch(epoch, bytes)?;
        rows.push(CheckpointRow { lane: *lane, epoch, file, sha256 });
    }
    Ok(rows)
}

fn insert_checkpoint(transaction: &Transaction, run: RunId, row: &CheckpointRow) -> Result<(), StoreError> {
    let (arm, seed) = (row.lane.arm.to_string(), row.lane.seed as i64);
    transaction.execute(
        "INSERT INTO checkpoints (run, arm, seed, epoch, file, sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![run.0, arm, seed, row.epoch, row.file, row.sha256],
    )?;
    Ok(write_checksum(transaction, CHECKPOINTS, &[&run.0, &arm, &seed, &row.epoch])?)
}

/// Puts the folders of forks that a dead kernel had committed in their places, and removes those that it had not.
pub(super) fn finish_forks(home: &Home, connection: &Connection) -> Result<(), StoreError> {
    let Ok(entries) = fs::read_dir(home.runs()) else { return Ok(()) };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(number) = name.to_str().and_then(|name| name.strip_prefix(UNFINISHED)) else { continue };
        let sql = "SELECT EXISTS (SELECT 1 FROM runs WHERE id = ?1 AND parent IS NOT NULL)";
        let is_committed = match number.parse::<i64>() {
            Ok(run) => connection.query_row(sql, [run], |row| row.get(0))? && !home.run(RunId(run)).exists(),
            Err(_) => false,
        };
        let done = if is_committed {
            fs::rename(entry.path(), home.runs().join(number))
        } else {
            fs::remove_dir_all(entry.path())
        };
        if let Err(error) = done {
            tracing::warn!("{} stays: {error}", entry.path().display());
        }
    }
    Ok(())
}
