//! What can happen to a home, and how its measurements survive. Each file serves faults that people meet:
//!
//! | what happens to a person | what the store does | file |
//! |---|---|---|
//! | A failing disk, a truncated or overwritten file: `notebook.db` can't be read, or not to its end. | The file is renamed aside. A new store takes its place with every row that can still be read, then with those of the backup. | `restore`, `salvage` |
//! | The store is destroyed altogether. | Its second copy, at most five minutes old, gives back what it holds. | `backup` |
//! | The store is removed, or an older one is copied into its place, while no kernel runs. | The new beginning is accepted; the backup, perhaps the last copy of the curves, is renamed and named. | `backup` |
//! | A bit flips inside a row: SQLite silently returns a wrong number. | Every row has a checksum. The row is taken from the backup, or from a checkpoint, or left out; a run's settings are never guessed. | `../rows`, `repair` |
//! | A bit flips in the write-ahead log: SQLite silently ignores every commit behind it. | The log is read independently of SQLite before the store is opened, and its sound frames are replayed. | `write_ahead_log` |
//! | Checkpoint folders are there whose run is not in the store, because an older copy of it was put back. | The runs are listed again with the settings that their checkpoints hold. | `repair` |
//! | A cleaning job, another program or the person removes, replaces or moves the home beneath a running kernel. | Nothing is written into files that nobody would find. A store that was removed is put back with all its rows; a foreign one is left alone. | `file_identity` |
//!
//! Power cuts and killed processes need no file here: SQLite's log with `synchronous=FULL` and the atomic writes of
//! `files.rs` cover them. Neither does a full or read-only disk: `StoreError::is_transient` says that waiting helps,
//! and the kernel waits.
//!
//! Below are `database.rs`, which opens one file, and `rows.rs`, which knows the tables. `repair`, `restore` and
//! `file_identity` call `salvage`, `backup` and `write_ahead_log`; `open.rs` calls them, and nothing here calls it.

mod backup;
mod file_identity;
mod repair;
mod restore;
mod salvage;
mod write_ahead_log;

pub use backup::back_up;
pub use repair::ReadSpec;

pub(super) use backup::set_aside_foreign_backup;
pub(super) use file_identity::FileIdentity;
pub(super) use repair::{
    adopt_folders, damaged_rows, delete_orphan_rows, insert_missing_lanes, orphaned_folders, repair_rows,
};
pub(super) use restore::{finish_restore, restore};
pub(super) use salvage::carry_over;
pub(super) use write_ahead_log::log_damage;
