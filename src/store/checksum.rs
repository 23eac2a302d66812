//! A checksum in every row. SQLite finds a page whose structure is damaged, but not a digit that has changed inside it.
//!
//! It covers every column that is not NULL, by name: a column that a later version adds leaves the checksums of older rows
//! as they are until it is given a value. A row without one was written by a version before 4.

use rusqlite::{Connection, OptionalExtension, Row, Statement, ToSql, types::Type, types::ValueRef};
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
pub(super) const CHECKPOINTS: Table = Table { name: "checkpoints", key: &["run", "arm", "seed", "epoch"] };
pub(super) const CELLS: Table = Table { name: "cells", key: &["lesson", "cell"] };
pub(super) const PLACE: Table = Table { name: "place", key: &["key"] };

/// Those that others refer to come first.
pub(super) const TABLES: [Table; 7] = [DELETED, RUNS, LANES, EPOCHS, CHECKPOINTS, CELLS, PLACE];

impl Table {
    /// The condition for one row, its key given as the first parameters.
    pub fn one(self) -> String {
        let parts: Vec<_> = self.key.iter().zip(1..).map(|(column, number)| format!("{column} = ?{number}")).collect();
        parts.join(" AND ")
    }
}

/// What a row's checksum says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seal {
    Sound,
    /// It has none.
    Absent,
    Broken,
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

    pub fn seal(&self, row: &Row) -> rusqlite::Result<Seal> {
        let Some(at) = self.sum else { return Ok(Seal::Absent) };
        Ok(match row.get_ref(at)? {
            ValueRef::Null => Seal::Absent,
            ValueRef::Integer(stored) if stored == self.sum(row)? => Seal::Sound,
            _ => Seal::Broken,
        })
    }

    /// # Errors
    /// If the row is not as it was written: as for a value that can't be read.
    pub fn check(&self, row: &Row) -> rusqlite::Result<()> {
        if self.seal(row)? == Seal::Broken {
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

/// Gives a row the checksum of what it holds now; nothing in a store of a version that has none.
pub(super) fn seal(connection: &Connection, table: Table, key: &[&dyn ToSql]) -> rusqlite::Result<()> {
    let Table { name, .. } = table;
    let mut statement = connection.prepare_cached(&format!("SELECT * FROM {name} WHERE {}", table.one()))?;
    let columns = Columns::of(&statement);
    if columns.sum.is_none() {
        return Ok(());
    }
    let Some(sum) = statement.query_row(key, |row| columns.sum(row)).optional()? else { return Ok(()) };
    let sql = format!("UPDATE {name} SET sum = ?{} WHERE {}", key.len() + 1, table.one());
    let parameters: Vec<&dyn ToSql> = key.iter().copied().chain([&sum as &dyn ToSql]).collect();
    connection.prepare_cached(&sql)?.execute(&parameters[..])?;
    Ok(())
}

/// Changes one row. Damage stays found: a row that did not match before does not match afterwards either.
pub(super) fn change(
    connection: &Connection,
    table: Table,
    key: &[&dyn ToSql],
    change: impl FnOnce() -> rusqlite::Result<usize>,
) -> rusqlite::Result<usize> {
    let before = {
        let sql = format!("SELECT * FROM {} WHERE {}", table.name, table.one());
        let mut statement = connection.prepare_cached(&sql)?;
        let columns = Columns::of(&statement);
        statement.query_row(key, |row| columns.seal(row)).optional()?
    };
    let changed = change()?;
    if before != Some(Seal::Broken) {
        seal(connection, table, key)?;
    }
    Ok(changed)
}
