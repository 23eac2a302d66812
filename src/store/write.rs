//! What the kernel writes. Every method is one transaction, and durable when it returns.

use super::{
    CheckpointRow, Committed, LaneState, Store, StoreError,
    database::fold_log,
    jobs,
    read::EPOCH_COLUMNS,
    rows::{
        CELLS, CHECKPOINTS, EPOCHS, LANES, MEASUREMENTS, PLACE, RUNS, STEERINGS, Table, WRONG_IMAGES, insert_lanes,
        update_row, write_checksum,
    },
};
use protocol::{
    CellRecord, EpochRecord, Lane, Measurement, Metric, RunId, RunState, RunTag, Steering, Study, Sweep, WrongImages,
};
use rusqlite::{Connection, ToSql, Transaction, params};
use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};

impl Store {
    /// Creates a queued run with its lanes.
    pub fn create_run(&mut self, spec: &Study, name: Option<&str>) -> Result<RunId, StoreError> {
        self.create(spec, None, name)
    }

    /// The same with a study whose arms are the cells of this sweep.
    pub fn create_sweep(&mut self, spec: &Study, sweep: &Sweep, name: Option<&str>) -> Result<RunId, StoreError> {
        self.create(spec, Some(sweep), name)
    }

    fn create(&mut self, spec: &Study, sweep: Option<&Sweep>, name: Option<&str>) -> Result<RunId, StoreError> {
        let json = serde_json::to_string(spec)?;
        let sweep = sweep.map(serde_json::to_string).transpose()?;
        let transaction = self.transaction()?;
        transaction.execute(
            "INSERT INTO runs (name, spec, state, created, updated, elapsed, sweep)
             VALUES (?1, ?2, 'queued', ?3, ?3, 0.0, ?4)",
            params![name, json, now(), sweep],
        )?;
        let run = transaction.last_insert_rowid();
        write_checksum(&transaction, RUNS, &[&run])?;
        insert_lanes(&transaction, run, spec)?;
        jobs::ensure_run(&transaction, RunId(run))?;
        transaction.commit()?;
        Ok(RunId(run))
    }

    pub fn set_state(&mut self, run: RunId, state: &RunState) -> Result<(), StoreError> {
        self.set_state_and_elapsed(run, state, None)
    }

    /// Sets the state and the seconds that the run has trained in wall-clock time; `None` leaves the seconds unchanged.
    pub fn set_state_and_elapsed(
        &mut self,
        run: RunId,
        state: &RunState,
        elapsed: Option<f64>,
    ) -> Result<(), StoreError> {
        let reason = if let RunState::Failed { reason } = state { Some(reason) } else { None };
        self.change(run, |transaction| {
            match state {
                RunState::Queued => jobs::ensure_run(transaction, run)?,
                RunState::Running => jobs::begin_run(transaction, run)?,
                RunState::Interrupted => {}
                RunState::Paused | RunState::Stopped | RunState::Finished | RunState::Failed { .. } => {
                    jobs::remove_run(transaction, run)?;
                }
            }
            transaction.execute(
                "UPDATE runs SET state = ?2, reason = ?3, updated = ?4, elapsed = coalesce(?5, elapsed) WHERE id = ?1",
                params![run.0, state.name(), reason, now(), elapsed],
            )
        })
    }

    pub fn set_lane(&mut self, run: RunId, lane: Lane, state: LaneState) -> Result<(), StoreError> {
        let transaction = self.transaction()?;
        if update_lane(&transaction, run, lane, state)? == 0 {
            return Err(StoreError::NoSuchRun(run));
        }
        Ok(transaction.commit()?)
    }

    /// Successive halving stops these lanes, each after the epoch beside it.
    pub fn halve_lanes(&mut self, run: RunId, lanes: &[(Lane, u32)]) -> Result<(), StoreError> {
        let transaction = self.transaction()?;
        for &(lane, epoch) in lanes {
            update_lane(&transaction, run, lane, LaneState::Halved { epoch })?;
        }
        Ok(transaction.commit()?)
    }

    /// Stores why a resume of this run is not exact.
    pub fn set_not_exact(&mut self, run: RunId, why: &str) -> Result<(), StoreError> {
        self.change(run, |transaction| {
            transaction.execute("UPDATE runs SET not_exact = ?2 WHERE id = ?1", params![run.0, why])
        })
    }

    /// Stores what computes this run. Returns whether that has changed.
    pub fn set_backend(&mut self, run: RunId, name: &str) -> Result<bool, StoreError> {
        let transaction = self.transaction()?;
        let sql = "UPDATE runs SET backend = ?2 WHERE id = ?1 AND backend IS NOT ?2";
        let change = || transaction.execute(sql, params![run.0, name]);
        let changed = update_row(&transaction, RUNS, &[&run.0], change)?;
        transaction.commit()?;
        Ok(changed == 1)
    }

    /// Commits an epoch's measurements with its checkpoint file, and removes the rows of the checkpoints in `dropped`.
    /// The run has trained for `elapsed` seconds in wall-clock time.
    pub fn commit_epoch(
        &mut self,
        run: RunId,
        (record, wrong): (&EpochRecord, &WrongImages),
        checkpoint: &CheckpointRow,
        dropped: &[u32],
        elapsed: f64,
    ) -> Result<Committed, StoreError> {
        let (arm, seed) = (record.arm.to_string(), record.seed as i64);
        let transaction = self.transaction()?;
        let inserted = transaction.execute(
            "INSERT OR IGNORE INTO epochs
             (run, arm, seed, epoch, train_loss, val_error, test_error, seconds, images_per_second)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                run.0,
                arm,
                seed,
                record.epoch,
                record.get(Metric::TrainLoss),
                record.get(Metric::ValError),
                record.get(Metric::TestError),
                record.get(Metric::Seconds),
                record.get(Metric::ImagesPerSecond)
            ],
        )?;
        let committed = if inserted == 1 {
            write_checksum(&transaction, EPOCHS, &[&transaction.last_insert_rowid()])?;
            insert_measurements(&transaction, run, record)?;
            insert_wrong_images(&transaction, run, record, wrong)?;
            Committed::New
        } else {
            let measured: Result<(f64, f64, f64), _> = transaction.query_row(
                "SELECT train_loss, val_error, test_error FROM epochs
                 WHERE run = ?1 AND arm = ?2 AND seed = ?3 AND epoch = ?4",
                params![run.0, arm, seed, record.epoch],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            );
            let bits = |(a, b, c): (f64, f64, f64)| [a.to_bits(), b.to_bits(), c.to_bits()];
            // If there is no row either, a value that no column takes, such as NaN, was ignored. Reading returns the
            // error itself.
            let of = |metric| record.get(metric).unwrap_or(f64::NAN);
            let again = (of(Metric::TrainLoss), of(Metric::ValError), of(Metric::TestError));
            if bits(measured?) == bits(again) { Committed::Same } else { Committed::Different }
        };
        transaction.execute(
            "INSERT OR REPLACE INTO checkpoints (run, arm, seed, epoch, file, sha256)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![run.0, arm, seed, checkpoint.epoch, checkpoint.file, checkpoint.sha256],
        )?;
        write_checksum(&transaction, CHECKPOINTS, &[&run.0, &arm, &seed, &checkpoint.epoch])?;
        for epoch in dropped {
            transaction.execute(
                "DELETE FROM checkpoints WHERE run = ?1 AND arm = ?2 AND seed = ?3 AND epoch = ?4",
                params![run.0, arm, seed, epoch],
            )?;
        }
        let sql = "UPDATE runs SET updated = ?2, elapsed = ?3 WHERE id = ?1";
        let touch = || transaction.execute(sql, params![run.0, now(), elapsed]);
        update_row(&transaction, RUNS, &[&run.0], touch)?;
        transaction.commit()?;
        Ok(committed)
    }

    /// Commits that a setting changes while the run trains. Its lanes read it from the caller.
    pub fn insert_steering(&mut self, run: RunId, steering: &Steering) -> Result<(), StoreError> {
        let transaction = self.transaction()?;
        insert_steering(&transaction, run, steering)?;
        Ok(transaction.commit()?)
    }

    /// Moves everything from the write-ahead log into the store's own file, so that a copy of that file alone is complete.
    pub fn fold_log(&self) -> Result<(), StoreError> {
        fold_log(&self.connection)
    }

    /// Copies the write-ahead log into the store's file as far as readers allow it, without waiting for them.
    pub fn copy_log(&self) -> Result<(), StoreError> {
        self.check_in_place()?;
        Ok(self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?)
    }

    pub fn rename(&mut self, run: RunId, name: Option<&str>) -> Result<(), StoreError> {
        self.change(run, |transaction| {
            transaction.execute("UPDATE runs SET name = ?2 WHERE id = ?1", params![run.0, name])
        })
    }

    /// Replaces a run's tags.
    pub fn set_tags(&mut self, run: RunId, tags: &[RunTag]) -> Result<(), StoreError> {
        let json = if tags.is_empty() { None } else { Some(serde_json::to_string(tags)?) };
        self.change(run, |transaction| {
            transaction.execute("UPDATE runs SET tags = ?2 WHERE id = ?1", params![run.0, json])
        })
    }

    /// Replaces a run's notes; `None` removes them.
    pub fn set_notes(&mut self, run: RunId, notes: Option<&str>) -> Result<(), StoreError> {
        self.change(run, |transaction| {
            transaction.execute("UPDATE runs SET notes = ?2 WHERE id = ?1", params![run.0, notes])
        })
    }

    /// Deletes the run and its measurements; the caller removes its files. The deletion is recorded, so that files
    /// which a dying kernel left of it are not taken for a lost run.
    pub fn delete(&mut self, run: RunId) -> Result<(), StoreError> {
        self.change(run, |transaction| {
            transaction.execute("INSERT OR IGNORE INTO deleted SELECT id FROM runs WHERE id = ?1", [run.0])?;
            transaction.execute("DELETE FROM runs WHERE id = ?1", [run.0])
        })
    }

    /// Commits a cell's outcome, which completes its job.
    pub fn commit_cell(&mut self, record: &CellRecord) -> Result<(), StoreError> {
        let CellRecord { cell, spec, outcome, finished } = record;
        let (spec, outcome) = (serde_json::to_string(spec)?, serde_json::to_string(outcome)?);
        let transaction = self.transaction()?;
        transaction.execute(
            "INSERT OR REPLACE INTO cells (lesson, cell, spec, outcome, finished) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![cell.lesson, cell.cell, spec, outcome, finished],
        )?;
        write_checksum(&transaction, CELLS, &[&cell.lesson, &cell.cell])?;
        jobs::remove_cell(&transaction, cell)?;
        Ok(transaction.commit()?)
    }

    /// Stores the reader's position, an answer or a setting; `null` deletes it.
    pub fn remember(&mut self, key: &str, value: &Value) -> Result<(), StoreError> {
        let transaction = self.transaction()?;
        put(&transaction, key, value)?;
        Ok(transaction.commit()?)
    }

    /// Stores all of these, or none, in one transaction.
    pub(super) fn remember_all<'a>(
        &mut self,
        entries: impl IntoIterator<Item = (&'a String, &'a Value)>,
    ) -> Result<(), StoreError> {
        let transaction = self.transaction()?;
        for (key, value) in entries {
            put(&transaction, key, value)?;
        }
        Ok(transaction.commit()?)
    }

    pub(super) fn transaction(&mut self) -> Result<Transaction<'_>, StoreError> {
        self.check_in_place()?;
        Ok(self.connection.transaction()?)
    }

    /// Changes one run's row. Errors if there is no such run.
    pub(super) fn change(
        &mut self,
        run: RunId,
        change: impl FnOnce(&Transaction) -> rusqlite::Result<usize>,
    ) -> Result<(), StoreError> {
        self.change_row(run, RUNS, &[&run.0], change)
    }

    fn change_row(
        &mut self,
        run: RunId,
        table: Table,
        key: &[&dyn ToSql],
        change: impl FnOnce(&Transaction) -> rusqlite::Result<usize>,
    ) -> Result<(), StoreError> {
        let transaction = self.transaction()?;
        if update_row(&transaction, table, key, || change(&transaction))? == 0 {
            return Err(StoreError::NoSuchRun(run));
        }
        Ok(transaction.commit()?)
    }
}

/// Returns how many rows it is.
pub(super) fn update_lane(
    connection: &Connection,
    run: RunId,
    lane: Lane,
    state: LaneState,
) -> rusqlite::Result<usize> {
    let (name, epoch, batch, halved) = match state {
        LaneState::Open => ("open", None, None, None),
        LaneState::Finished => ("finished", None, None, None),
        LaneState::Diverged { epoch, batch } => ("diverged", Some(epoch), Some(batch), None),
        LaneState::Halved { epoch } => ("finished", None, None, Some(epoch)),
    };
    let (arm, seed) = (lane.arm.to_string(), lane.seed as i64);
    update_row(connection, LANES, &[&run.0, &arm, &seed], || {
        connection.execute(
            "UPDATE lanes SET state = ?4, epoch = ?5, batch = ?6, halved = ?7 WHERE run = ?1 AND arm = ?2 AND seed = ?3",
            params![run.0, arm, seed, name, epoch, batch, halved],
        )
    })
}

/// What an epoch measured beside the columns of its own row; no number that is not finite.
fn insert_measurements(connection: &Connection, run: RunId, record: &EpochRecord) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO measurements (run, arm, seed, epoch, metric, layer, value)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (arm, seed) = (record.arm.to_string(), record.seed as i64);
    let is_row = |one: &Measurement| one.layer.is_some() || !EPOCH_COLUMNS.contains(&one.metric);
    for Measurement { metric, layer, value } in record.measured.iter().filter(is_row) {
        if value.is_finite() {
            let layer = layer.map_or(String::new(), |layer| layer.to_string());
            let row = params![run.0, arm, seed, record.epoch, metric.key(), layer, value];
            connection.prepare_cached(sql)?.execute(row)?;
            write_checksum(connection, MEASUREMENTS, &[&run.0, &arm, &seed, &record.epoch, &metric.key(), &layer])?;
        }
    }
    Ok(())
}

/// Inserts the images that the network got wrong after an epoch; nothing for a split that was not evaluated.
fn insert_wrong_images(
    connection: &Connection,
    run: RunId,
    record: &EpochRecord,
    wrong: &WrongImages,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO wrong_images (run, arm, seed, epoch, split, images, bits)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (arm, seed) = (record.arm.to_string(), record.seed as i64);
    for (split, set) in [("validation", &wrong.validation), ("test", &wrong.test)] {
        if set.images() > 0 {
            let row = params![run.0, arm, seed, record.epoch, split, set.images(), set.bits()];
            connection.prepare_cached(sql)?.execute(row)?;
            write_checksum(connection, WRONG_IMAGES, &[&run.0, &arm, &seed, &record.epoch, &split])?;
        }
    }
    Ok(())
}

pub(super) fn insert_steering(connection: &Connection, run: RunId, steering: &Steering) -> Result<(), StoreError> {
    let Steering { arm, epoch, setting, value, passed } = steering;
    connection.execute(
        "INSERT INTO steerings (run, arm, epoch, setting, value, passed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![run.0, arm.to_string(), epoch, setting.key(), value, serde_json::to_string(passed)?],
    )?;
    Ok(write_checksum(connection, STEERINGS, &[&connection.last_insert_rowid()])?)
}

fn put(connection: &Connection, key: &str, value: &Value) -> Result<(), StoreError> {
    if value.is_null() {
        connection.execute("DELETE FROM place WHERE key = ?1", [key])?;
    } else {
        let text = serde_json::to_string(value)?;
        connection.execute("INSERT OR REPLACE INTO place (key, value) VALUES (?1, ?2)", params![key, text])?;
        write_checksum(connection, PLACE, &[&key])?;
    }
    Ok(())
}

/// Seconds since 1970, UTC.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
