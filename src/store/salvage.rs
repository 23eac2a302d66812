//! What can still be read of a damaged store, carried over into a new one.

use rusqlite::{Connection, OpenFlags, params_from_iter, types::Value};
use std::path::Path;

/// Each table with the columns of its key, by which it can be read from either end. Runs come first: the others refer to
/// them.
const TABLES: [(&str, &[&str]); 6] = [
    ("runs", &["id"]),
    ("lanes", &["run", "arm", "seed"]),
    ("epochs", &["seq"]),
    ("checkpoints", &["run", "arm", "seed", "epoch"]),
    ("cells", &["lesson", "cell"]),
    ("place", &["key"]),
];

/// How much was carried over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Salvaged {
    pub runs: usize,
    pub epochs: usize,
    /// Rows of every table.
    pub rows: usize,
}

/// Copies row by row, from the front of each table to where it can't be read, then from its back. The damaged file is
/// only read. Nothing at all may be readable; that is no error.
pub(super) fn carry_over(damaged: &Path, store: &mut Connection) -> Salvaged {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copy = || -> rusqlite::Result<Salvaged> {
        let damaged = Connection::open_with_flags(damaged, flags)?;
        let transaction = store.transaction()?;
        let mut salvaged = Salvaged::default();
        for (table, key) in TABLES {
            let rows: usize =
                ["ASC", "DESC"].iter().map(|way| copy_table(&damaged, &transaction, table, key, way)).sum();
            salvaged.rows += rows;
            match table {
                "runs" => salvaged.runs = rows,
                "epochs" => salvaged.epochs = rows,
                _ => {}
            }
        }
        transaction.commit()?;
        Ok(salvaged)
    };
    copy().unwrap_or_else(|error| {
        tracing::warn!("nothing can be carried over: {error}");
        Salvaged::default()
    })
}

/// How many rows were new and fit: one of a run that is lost, or of damaged values, does not.
fn copy_table(from: &Connection, to: &Connection, table: &str, key: &[&str], way: &str) -> usize {
    let copy = |copied: &mut usize| -> rusqlite::Result<()> {
        let order: Vec<_> = key.iter().map(|column| format!("{column} {way}")).collect();
        let mut read = from.prepare(&format!("SELECT * FROM {table} ORDER BY {}", order.join(", ")))?;
        let columns = read.column_names().join(", ");
        let width = read.column_count();
        let places = vec!["?"; width].join(", ");
        let mut write = to.prepare(&format!("INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})"))?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            let values = (0..width).map(|column| row.get(column)).collect::<rusqlite::Result<Vec<Value>>>()?;
            *copied += write.execute(params_from_iter(values)).unwrap_or(0);
        }
        Ok(())
    };
    let mut copied = 0;
    if let Err(error) = copy(&mut copied) {
        tracing::warn!(table, way, copied, "the damaged store could not be read on: {error}");
    }
    copied
}
