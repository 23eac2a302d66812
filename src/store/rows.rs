//! The tables with their keys, and a checksum in every row. SQLite detects a page whose structure is damaged, but not a
//! digit that has changed inside it.
//!
//! The checksum covers every column that is not NULL, by name, so a column that a later version adds leaves the
//! checksums of older rows valid until it has a value. A row without a checksum was written by a version before 4.

use protocol::{Lane, RunId, Study};
use rusqlite::{Connection, OptionalExtension, Row, Statement, ToSql, params, types::Type, types::ValueRef};
use sha2::{Digest, Sha256};

/// A table with the columns of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub name: &'static str,
    pub key: &'static [&'static str],
}

pub(super) const DELETED: Table = Table { name: "deleted", key: &["run"] };
pub(super) const RUNS: Table = Table { name: "runs", key: &["id"] };
pub(super) const LANES: Table = Table { name: "lanes", key: &["run", "arm", "seed"] };
pub(super) const EPOCHS: Table = Table { name: "epochs", key: &["seq"] };
pub(super) const MEASUREMENTS: Table =
    Table { name: "measurements", key: &["run", "arm", "seed", "epoch", "metric", "layer"] };
pub(super) const WRONG_IMAGES: Table = Table { name: "wrong_images", key: &["run", "arm", "seed", "epoch", "split"] };
pub(super) const CHECKPOINTS: Table = Table { name: "checkpoints", key: &["run", "arm", "seed", "epoch"] };
pub(super) const STEERINGS: Table = Table { name: "steerings", key: &["seq"] };
pub(super) const CELLS: Table = Table { name: "cells", key: &["lesson", "cell"] };
pub(super) const JOBS: Table = Table { name: "jobs", key: &["seq"] };
pub(super) const PLACE: Table = Table { name: "place", key: &["key"] };

/// Those that others refer to come first.
pub(super) const TABLES: [Table; 11] =
    [DELETED, RUNS, LANES, EPOCHS, MEASUREMENTS, WRONG_IMAGES, CHECKPOINTS, STEERINGS, CELLS, JOBS, PLACE];

impl Table {
    /// The condition for one row, its key given as the first parameters.
    pub fn key_condition(self) -> String {
        let parts: Vec<_> = self.key.iter().zip(1..).map(|(column, number)| format!("{column} = ?{number}")).collect();
        parts.join(" AND ")
    }
}

/// The result of checking a row against its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChecksumState {
    Valid,
    /// The row has none.
    Missing,
    Mismatch,
}

/// The columns of a `SELECT *`.
pub(super) struct Columns {
    names: Vec<String>,
    sum: Option<usize>,
}

impl Columns {
    pub fn of(statement: &Statement) -> Self {
        let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        Self { sum: names.iter().position(|name| name == "sum"), names }
    }

    pub fn state(&self, row: &Row) -> rusqlite::Result<ChecksumState> {
        let Some(at) = self.sum else { return Ok(ChecksumState::Missing) };
        Ok(match row.get_ref(at)? {
            ValueRef::Null => ChecksumState::Missing,
            ValueRef::Integer(stored) if stored == self.sum(row)? => ChecksumState::Valid,
            _ => ChecksumState::Mismatch,
        })
    }

    /// # Errors
    /// If the row differs from what was written; the error is that of a value that can't be read.
    pub fn check(&self, row: &Row) -> rusqlite::Result<()> {
        if self.state(row)? == ChecksumState::Mismatch {
            let why = "a row does not match its checksum".into();
            return Err(rusqlite::Error::FromSqlConversionFailure(self.sum.unwrap_or(0), Type::Integer, why));
        }
        Ok(())
    }

    fn sum(&self, row: &Row) -> rusqlite::Result<i64> {
        let mut hasher = Sha256::new();
        let mut add = |name: &str, kind: u8, value: &[u8]| {
            hasher.update(name);
            hasher.update([0, kind]);
            hasher.update((value.len() as u64).to_le_bytes());
            hasher.update(value);
        };
        for (at, name) in self.names.iter().enumerate().filter(|&(at, _)| Some(at) != self.sum) {
            match row.get_ref(at)? {
                ValueRef::Null => {}
                ValueRef::Integer(number) => add(name, b'i', &number.to_le_bytes()),
                ValueRef::Real(number) => add(name, b'r', &number.to_bits().to_le_bytes()),
                ValueRef::Text(text) => add(name, b't', text),
                ValueRef::Blob(bytes) => add(name, b'b', bytes),
            }
        }
        let digest = hasher.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Ok(i64::from_le_bytes(first))
    }
}

/// Stores the checksum of the row's present values. Does nothing in a store of a version without checksums.
pub(super) fn write_checksum(connection: &Connection, table: Table, key: &[&dyn ToSql]) -> rusqlite::Result<()> {
    let Table { name, .. } = table;
    let mut statement = connection.prepare_cached(&format!("SELECT * FROM {name} WHERE {}", table.key_condition()))?;
    let columns = Columns::of(&statement);
    if columns.sum.is_none() {
        return Ok(());
    }
    let Some(sum) = statement.query_row(key, |row| columns.sum(row)).optional()? else { return Ok(()) };
    let sql = format!("UPDATE {name} SET sum = ?{} WHERE {}", key.len() + 1, table.key_condition());
    let parameters: Vec<&dyn ToSql> = key.iter().copied().chain([&sum as &dyn ToSql]).collect();
    connection.prepare_cached(&sql)?.execute(&parameters[..])?;
    Ok(())
}

/// Changes one row. A row that did not match its checksum before does not match it afterwards either, so damage stays
/// detectable.
pub(super) fn update_row(
    connection: &Connection,
    table: Table,
    key: &[&dyn ToSql],
    change: impl FnOnce() -> rusqlite::Result<usize>,
) -> rusqlite::Result<usize> {
    let before = {
        let sql = format!("SELECT * FROM {} WHERE {}", table.name, table.key_condition());
        let mut statement = connection.prepare_cached(&sql)?;
        let columns = Columns::of(&statement);
        statement.query_row(key, |row| columns.state(row)).optional()?
    };
    let changed = change()?;
    if before != Some(ChecksumState::Mismatch) {
        write_checksum(connection, table, key)?;
    }
    Ok(changed)
}

/// Inserts every lane of the study that is missing, as open.
pub(super) fn insert_lanes(connection: &Connection, run: i64, spec: &Study) -> rusqlite::Result<()> {
    for Lane { arm, seed } in spec.lanes() {
        let (arm, seed) = (arm.to_string(), seed as i64);
        let sql = "INSERT OR IGNORE INTO lanes (run, arm, seed, state) VALUES (?1, ?2, ?3, 'open')";
        if connection.execute(sql, params![run, arm, seed])? == 1 {
            write_checksum(connection, LANES, &[&run, &arm, &seed])?;
        }
    }
    Ok(())
}

/// The runs that are stored as running or queued.
pub(super) fn open_runs(connection: &Connection) -> rusqlite::Result<Vec<RunId>> {
    let mut statement = connection.prepare("SELECT id FROM runs WHERE state IN ('running', 'queued')")?;
    statement.query_map([], |row| row.get(0).map(RunId))?.collect()
}
