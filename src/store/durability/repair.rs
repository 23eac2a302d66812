//! What the kernel repairs when it opens the store: rows that do not match their checksums, and checkpoint folders
//! whose run is not in the store.

use super::backup::TemporaryCopy;
use crate::{
    Home, StoreError,
    database::{open_read_only, version},
    files,
    migrations::LATEST_VERSION,
    now,
    rows::{
        CELLS, CHECKPOINTS, ChecksumState, Columns, DELETED, EPOCHS, JOBS, LANES, MEASUREMENTS, RUNS, STEERINGS,
        TABLES, Table, WRONG_IMAGES, insert_lanes, update_row, write_checksum,
    },
};
use protocol::{RunId, RunTag, Study};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params, params_from_iter, types::Value};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// Reads the settings in a checkpoint file, `None` if the file is no checkpoint or damaged. The store does not know the
/// format.
pub type ReadSpec<'a> = &'a dyn Fn(&Path) -> Option<Study>;

/// A row, by its table and key, with a description.
struct Damaged {
    table: Table,
    key: Vec<Value>,
    what: String,
}

/// Gives rows of older versions their checksums, and repairs rows that do not match theirs: from the backup, from the
/// checkpoints, or by leaving them out. Returns what the reader should know.
///
/// # Errors
/// If the store can't be read. What can't be written now, for instance on a full disk, is repaired by a later kernel.
pub(in super::super) fn repair_rows(
    home: &Home,
    store: &mut Connection,
    read: ReadSpec,
) -> Result<Option<String>, StoreError> {
    let (damaged, without_checksum) = examine_rows(store)?;
    let mended = write_checksums(store, &without_checksum).and_then(|()| repair(home, store, &damaged, read));
    match mended {
        Err(error) if error.is_transient() => {
            tracing::warn!("damaged rows are not mended yet: {error}");
            Ok(None)
        }
        mended => mended,
    }
}

/// For `relu doctor`: describes the rows that do not match their checksums.
pub(in super::super) fn damaged_rows(store: &Connection) -> Result<Vec<String>, StoreError> {
    Ok(examine_rows(store)?.0.into_iter().map(|row| row.what).collect())
}

type Keys = Vec<(Table, Vec<Value>)>;

fn examine_rows(store: &Connection) -> Result<(Vec<Damaged>, Keys), StoreError> {
    let (mut damaged, mut without_checksum) = (Vec::new(), Vec::new());
    for table in TABLES.into_iter().filter(|table| *table != DELETED) {
        let mut statement = store.prepare(&format!("SELECT * FROM {}", table.name))?;
        let columns = Columns::of(&statement);
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let key = || table.key.iter().map(|column| row.get(*column)).collect::<rusqlite::Result<Vec<Value>>>();
            match columns.state(row)? {
                ChecksumState::Valid => {}
                ChecksumState::Missing => without_checksum.push((table, key()?)),
                // A key that is not UTF-8 can't be queried; readers leave such a row out.
                ChecksumState::Mismatch => {
                    damaged.extend(key().map(|key| Damaged { table, key, what: describe(table, row) }));
                }
            }
        }
    }
    Ok((damaged, without_checksum))
}

fn describe(table: Table, row: &Row) -> String {
    let text = |column: &str| match row.get::<_, Value>(column) {
        Ok(Value::Integer(number)) => number.to_string(),
        Ok(Value::Text(text)) => text,
        _ => "?".into(),
    };
    let lane = || format!("{}-s{} in run {}", text("arm"), text("seed"), text("run"));
    match table {
        RUNS => format!("the settings of run {}", text("id")),
        EPOCHS => format!("epoch {} of {}", text("epoch"), lane()),
        LANES => format!("the end of {}", lane()),
        CHECKPOINTS => format!("the checkpoint of epoch {} of {}", text("epoch"), lane()),
        STEERINGS => format!("a steering of {} at epoch {} of run {}", text("arm"), text("epoch"), text("run")),
        MEASUREMENTS | WRONG_IMAGES => format!("what was measured in epoch {} of {}", text("epoch"), lane()),
        JOBS => format!("job {} of the queue", text("seq")),
        CELLS => format!("the outcome of {}/{}", text("lesson"), text("cell")),
        _ => format!("`{}`", text("key")),
    }
}

fn references(key: &[Value]) -> Vec<&dyn ToSql> {
    key.iter().map(|value| value as &dyn ToSql).collect()
}

fn write_checksums(store: &mut Connection, rows: &Keys) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let transaction = store.transaction()?;
    for (table, key) in rows {
        write_checksum(&transaction, *table, &references(key))?;
    }
    Ok(transaction.commit()?)
}

fn repair(home: &Home, store: &mut Connection, rows: &[Damaged], read: ReadSpec) -> Result<Option<String>, StoreError> {
    if rows.is_empty() {
        return Ok(None);
    }
    // A row that is left out is not lost, as it is in the copy.
    let copy = TemporaryCopy::begin(home, ".writing-store")?;
    copy.fill(store)?;
    let backup = open_read_only(&home.backup()).ok().filter(is_current);
    let (mut from_backup, mut from_checkpoints, mut left_out, mut stay) = (vec![], vec![], vec![], vec![]);
    let transaction = store.transaction()?;
    for Damaged { table, key, what } in rows {
        let copied = match &backup {
            Some(backup) => copy_row(backup, &transaction, *table, key).unwrap_or(false),
            None => false,
        };
        if copied {
            from_backup.push(what.as_str());
        } else if *table == RUNS {
            let specs = key.first().and_then(|id| if let Value::Integer(id) = id { Some(*id) } else { None });
            match specs.and_then(|id| Some((id, spec_of(&home.run(RunId(id)), read)?))) {
                Some((id, spec)) => {
                    write_spec(&transaction, id, &spec)?;
                    from_checkpoints.push(what.as_str());
                }
                None => stay.push(what.as_str()),
            }
        } else {
            let sql = format!("DELETE FROM {} WHERE {}", table.name, table.key_condition());
            transaction.execute(&sql, params_from_iter(key))?;
            left_out.push(what.as_str());
        }
    }
    for Damaged { table, key, .. } in rows {
        if let (true, Some(Value::Integer(run))) = (*table == LANES, key.first()) {
            let spec = transaction.query_row("SELECT spec FROM runs WHERE id = ?1", [run], |row| row.get(0)).optional();
            let spec: Option<String> = spec.unwrap_or_default();
            if let Some(spec) = spec.and_then(|spec| serde_json::from_str(&spec).ok()) {
                insert_lanes(&transaction, *run, &spec)?;
            }
        }
    }
    if from_backup.is_empty() && from_checkpoints.is_empty() && left_out.is_empty() {
        // Nothing has changed; the damage is reported wherever the run is read.
        return Ok(None);
    }
    let aside = files::named_aside(&home.database(), "damaged");
    copy.rename_to(home, &aside)?;
    transaction.commit()?;
    let handled = [
        ("taken from the backup", from_backup),
        ("taken from its checkpoints", from_checkpoints),
        ("left out", left_out),
        ("left as it is", stay),
    ];
    let sentences = handled
        .iter()
        .filter(|(_, rows)| !rows.is_empty())
        .map(|(how, rows)| format!("{}: {how}", enumerate_rows(rows)));
    Ok(Some(format!(
        "What the store holds did not match its checksums, and was mended. {}. The store as it was is kept as {}.",
        sentences.collect::<Vec<_>>().join("; "),
        aside.display()
    )))
}

fn enumerate_rows(rows: &[&str]) -> String {
    const MOST: usize = 5;
    let shown = rows[..rows.len().min(MOST)].join(", ");
    if rows.len() > MOST { format!("{shown} and {} more", rows.len() - MOST) } else { shown }
}

fn is_current(backup: &Connection) -> bool {
    version(backup).is_ok_and(|version| version == LATEST_VERSION)
}

/// Whether the backup has this row with a valid checksum.
fn copy_row(backup: &Connection, store: &Connection, table: Table, key: &[Value]) -> rusqlite::Result<bool> {
    let mut statement = backup.prepare(&format!("SELECT * FROM {} WHERE {}", table.name, table.key_condition()))?;
    let columns = Columns::of(&statement);
    let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let found = statement.query_row(params_from_iter(key), |row| {
        let values =
            (0..names.len()).map(|column| row.get::<_, Value>(column)).collect::<rusqlite::Result<Vec<_>>>()?;
        Ok((columns.state(row)? == ChecksumState::Valid).then_some(values))
    });
    let Some(values) = found.optional()?.flatten() else { return Ok(false) };
    let first = key.len() + 1;
    let set: Vec<_> = names.iter().zip(first..).map(|(name, number)| format!("{name} = ?{number}")).collect();
    let sql = format!("UPDATE {} SET {} WHERE {}", table.name, set.join(", "), table.key_condition());
    Ok(store.execute(&sql, params_from_iter(key.iter().chain(&values)))? == 1)
}

/// The settings in the first valid checkpoint of a run.
fn spec_of(folder: &Path, read: ReadSpec) -> Option<Study> {
    let mut lanes = listing(folder).unwrap_or_default();
    lanes.sort();
    lanes.iter().flat_map(|lane| listing(lane).unwrap_or_default()).find_map(|file| read(&file))
}

fn listing(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

/// Makes the rest of the row readable, whatever else in it is damaged.
fn write_spec(store: &Connection, run: i64, spec: &Study) -> Result<(), StoreError> {
    let text = |column: &str| -> rusqlite::Result<Option<String>> {
        let read = store.query_row(&format!("SELECT {column} FROM runs WHERE id = ?1"), [run], |row| row.get(0));
        Ok(read.unwrap_or_default())
    };
    let state = text("state")?.filter(|state| state == "finished" || state == "paused" || state == "interrupted");
    let (name, notes, not_exact, backend) = (text("name")?, text("notes")?, text("not_exact")?, text("backend")?);
    let tags = text("tags")?.filter(|tags| serde_json::from_str::<Vec<RunTag>>(tags).is_ok());
    let sql = "UPDATE runs SET spec = ?2, state = ?3, name = ?4, not_exact = ?5, backend = ?6, tags = ?7, notes = ?8,
               reason = NULL WHERE id = ?1";
    let state = state.unwrap_or_else(|| "stopped".into());
    store.execute(sql, params![run, serde_json::to_string(spec)?, state, name, not_exact, backend, tags, notes])?;
    Ok(write_checksum(store, RUNS, &[&run])?)
}

/// The folders of checkpoints whose run is not in the store, without those that a deletion has left.
pub(in super::super) fn orphaned_folders(home: &Home, store: &Connection) -> Result<Vec<RunId>, StoreError> {
    // The folders are listed first, as a run's row is created before its folder.
    let folders = folders(home);
    let known = numbers(store, "SELECT id FROM runs")?;
    let deleted = numbers(store, "SELECT run FROM deleted").unwrap_or_default();
    Ok(folders.into_iter().filter(|run| !known.contains(run) && !deleted.contains(run)).map(RunId).collect())
}

fn folders(home: &Home) -> BTreeSet<i64> {
    let names = listing(&home.runs()).unwrap_or_default();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<i64>().ok().filter(|&run| run > 0);
    names.iter().filter_map(number).filter(|&run| home.run(RunId(run)).is_dir()).collect()
}

fn numbers(store: &Connection, sql: &str) -> rusqlite::Result<BTreeSet<i64>> {
    store.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// Adds runs of folders without a row to the store, renames folders aside whose settings can't be read, and removes
/// what an interrupted deletion has left. Returns what the reader should know.
pub(in super::super) fn adopt_folders(
    home: &Home,
    store: &mut Connection,
    read: ReadSpec,
) -> Result<Vec<String>, StoreError> {
    let mut notices = Vec::new();
    for run in orphaned_folders(home, store)? {
        let folder = home.run(run);
        // An empty folder: a run that had no checkpoint yet.
        if has_no_files(&folder) {
            let _ = fs::remove_dir_all(&folder);
            continue;
        }
        if let Some(spec) = spec_of(&folder, read) {
            adopt(store, run, &spec)?;
            notices.push(format!(
                "Run {run} was not in the store any more, and its checkpoints were found in {}: it is in the list again. \
                 `relu resume {run}` measures again what its curve lacks.",
                folder.display()
            ));
        } else {
            let kept = files::rename_aside(&folder, "orphaned");
            notices.push(match kept {
                Ok(aside) => format!(
                    "{} belongs to no run in the store, and holds no checkpoint that can be read; it is kept as {}.",
                    folder.display(),
                    aside.display()
                ),
                Err(error) => format!("{} belongs to no run in the store ({error}).", folder.display()),
            });
        }
    }
    let deleted = numbers(store, "SELECT run FROM deleted")?;
    for run in folders(home).intersection(&deleted) {
        let folder = home.run(RunId(*run));
        match fs::remove_dir_all(&folder) {
            Ok(()) => tracing::info!(run, "what a deletion that was cut off had left is removed"),
            Err(error) => notices.push(format!("Run {run} was deleted, but {} stays: {error}.", folder.display())),
        }
    }
    Ok(notices)
}

fn has_no_files(folder: &Path) -> bool {
    let is_empty = |lane: &PathBuf| lane.is_dir() && listing(lane).is_ok_and(|files| files.is_empty());
    listing(folder).is_ok_and(|lanes| lanes.iter().all(is_empty))
}

fn adopt(store: &mut Connection, RunId(run): RunId, spec: &Study) -> Result<(), StoreError> {
    let transaction = store.transaction()?;
    let json = serde_json::to_string(spec)?;
    let sql = "INSERT INTO runs (id, spec, state, created, updated) VALUES (?1, ?2, 'stopped', ?3, ?3)";
    transaction.execute(sql, params![run, json, now()])?;
    insert_lanes(&transaction, run, spec)?;
    let lacking = "SELECT count(*) FROM lanes WHERE run = ?1 AND state = 'open' AND NOT EXISTS
                   (SELECT 1 FROM epochs e WHERE e.run = lanes.run AND e.arm = lanes.arm AND e.seed = lanes.seed
                    AND e.epoch = ?2)";
    let lacking: u32 = transaction.query_row(lacking, params![run, spec.epochs], |row| row.get(0))?;
    let finish =
        || transaction.execute("UPDATE runs SET state = 'finished' WHERE id = ?1 AND ?2 = 0", params![run, lacking]);
    update_row(&transaction, RUNS, &[&run], finish)?;
    Ok(transaction.commit()?)
}

/// Inserts the lanes that a restored store has lost, as open: a run without them could neither be listed nor trained. A
/// resume finds those that had ended at their ends.
pub(in super::super) fn insert_missing_lanes(store: &mut Connection) -> Result<(), StoreError> {
    let transaction = store.transaction()?;
    let specs: Vec<(i64, String)> = {
        let mut statement = transaction.prepare("SELECT id, spec FROM runs")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        // A row that can't be read is reported wherever its run is.
        rows.filter_map(Result::ok).collect()
    };
    for (run, spec) in specs {
        if let Ok(spec) = serde_json::from_str(&spec) {
            insert_lanes(&transaction, run, &spec)?;
        }
    }
    Ok(transaction.commit()?)
}

/// The rows in a restored store of runs that it does not have, once no run can adopt them any more.
pub(in super::super) fn delete_orphan_rows(store: &mut Connection) -> Result<(), StoreError> {
    let transaction = store.transaction()?;
    transaction.execute("DELETE FROM runs WHERE id IN (SELECT run FROM deleted)", [])?;
    for table in [LANES, EPOCHS, CHECKPOINTS, STEERINGS, JOBS] {
        transaction.execute(&format!("DELETE FROM {} WHERE run NOT IN (SELECT id FROM runs)", table.name), [])?;
    }
    Ok(transaction.commit()?)
}
