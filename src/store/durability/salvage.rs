//! Copies what can still be read of a damaged store, or of its backup, into a new one.

use crate::{
    StoreError,
    database::open_read_only,
    rows::{TABLES, Table},
    run_numbers,
};
use rusqlite::{Connection, params_from_iter, types::Value};
use std::path::Path;

/// How much was copied: what the new store did not have yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Salvaged {
    pub runs: usize,
    pub epochs: usize,
    /// Rows of every table.
    pub rows: usize,
    /// Whether everything could be read.
    pub complete: bool,
}

impl std::ops::AddAssign for Salvaged {
    fn add_assign(&mut self, more: Self) {
        self.runs += more.runs;
        self.epochs += more.epochs;
        self.rows += more.rows;
        self.complete |= more.complete;
    }
}

/// Copies row by row, from the front of each table to where it can't be read, then from its end. The damaged file is
/// only read. That nothing at all can be read is no error. Tables in `skip` are left out.
///
/// # Errors
/// If the new store can't be written, for instance on a full disk: it would hold less than could be read.
pub(in super::super) fn carry_over(
    damaged: &Path,
    store: &mut Connection,
    skip: &[Table],
) -> Result<Salvaged, StoreError> {
    let damaged = match open_read_only(damaged) {
        Ok(damaged) => damaged,
        Err(error) => {
            tracing::warn!("nothing can be carried over from {}: {error}", damaged.display());
            return Ok(Salvaged::default());
        }
    };
    let transaction = store.transaction()?;
    let mut salvaged = Salvaged { complete: true, ..Salvaged::default() };
    for Table { name: table, key } in TABLES.into_iter().filter(|table| !skip.contains(table)) {
        // A table of a later version than the damaged store's.
        if matches!(has_table(&damaged, table), Ok(false)) {
            continue;
        }
        let mut rows = 0;
        for way in ["ASC", "DESC"] {
            let part = Part::read(&damaged, table, key, way);
            rows += part.write(&transaction, table)?;
            let Some(fault) = part.fault else { break };
            tracing::warn!(table, way, rows, "the damaged store could not be read on: {fault}");
            salvaged.complete = false;
        }
        salvaged.rows += rows;
        match table {
            "runs" => salvaged.runs = rows,
            "epochs" => salvaged.epochs = rows,
            _ => {}
        }
    }
    if let Ok(number) = run_numbers::highest(&damaged) {
        run_numbers::reserve_up_to(&transaction, number)?;
    }
    transaction.commit()?;
    Ok(salvaged)
}

fn has_table(store: &Connection, table: &str) -> rusqlite::Result<bool> {
    store.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?1)", [table], |row| row.get(0))
}

/// What could be read of one table from one of its ends.
#[derive(Default)]
struct Part {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    /// Why there may be more.
    fault: Option<rusqlite::Error>,
}

impl Part {
    fn read(from: &Connection, table: &str, key: &[&str], way: &str) -> Self {
        let mut part = Self::default();
        let mut read = || -> rusqlite::Result<()> {
            let order: Vec<_> = key.iter().map(|column| format!("{column} {way}")).collect();
            let mut statement = from.prepare(&format!("SELECT * FROM {table} ORDER BY {}", order.join(", ")))?;
            part.columns = statement.column_names().into_iter().map(str::to_owned).collect();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let values = (0..part.columns.len()).map(|column| row.get(column));
                part.rows.push(values.collect::<rusqlite::Result<_>>()?);
            }
            Ok(())
        };
        part.fault = read().err();
        part
    }

    /// How many rows were new and accepted. A row of a lost run, or with damaged values, is not.
    fn write(&self, to: &Connection, table: &str) -> Result<usize, StoreError> {
        if self.rows.is_empty() {
            return Ok(0);
        }
        let (columns, places) = (self.columns.join(", "), vec!["?"; self.columns.len()].join(", "));
        let mut statement = to.prepare(&format!("INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})"))?;
        let mut written = 0;
        for row in &self.rows {
            match statement.execute(params_from_iter(row)).map_err(StoreError::from) {
                Ok(new) => written += new,
                Err(error) if error.is_transient() => return Err(error),
                Err(misfit) => tracing::debug!(table, "a row is left out: {misfit}"),
            }
        }
        Ok(written)
    }
}
