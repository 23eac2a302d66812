//! Numbers of runs, which are never reused: a folder of checkpoints, or a lesson's cell, may still name an old one.

use super::Home;
use rusqlite::Connection;
use std::fs;

/// The highest number that this store has ever given, deleted runs included.
pub(super) fn highest(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'runs'";
    connection.query_row(sql, [], |row| row.get(0))
}

/// New runs get higher numbers than this one.
pub(super) fn reserve_up_to(connection: &Connection, number: i64) -> rusqlite::Result<()> {
    if number > highest(connection)? {
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'runs'", [])?;
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('runs', ?1)", [number])?;
    }
    Ok(())
}

/// Reserves the numbers of all folders, as a run's folder may exist without its row: new runs get higher numbers.
pub(super) fn reserve_folder_numbers(connection: &Connection, home: &Home) -> rusqlite::Result<()> {
    let Ok(entries) = fs::read_dir(home.runs()) else { return Ok(()) };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    reserve_up_to(connection, numbers.max().unwrap_or(0))
}
