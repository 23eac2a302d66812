//! Queries of the store.

use super::{
    CheckpointRow, DamagedRun, LaneState, Store, StoreError,
    error::{is_a_value, of_run},
    now,
    rows::Columns,
    socket,
};
use protocol::{
    ArmId, CellKey, CellRecord, EpochRecord, Fork, ImageSet, Lane, Measurement, Metric, RunEvent, RunId, RunState,
    RunSummary, RunTiming, SteeredSetting, Steering, Study, WrongImages,
};
use rusqlite::{OptionalExtension, Row};
use serde_json::{Value, json};
use std::{cell::LazyCell, collections::HashMap, ops::RangeInclusive};

impl Store {
    /// All runs, newest first. A run that can't be read is left out and logged. For readers, a run whose kernel has
    /// died is shown as interrupted, as the next kernel will store it.
    pub fn runs(&self) -> Result<Vec<RunSummary>, StoreError> {
        let (runs, faults) = self.runs_and_faults()?;
        for fault in faults {
            tracing::warn!("{fault}");
        }
        Ok(runs)
    }

    /// Like [`Store::runs`], with the reasons why runs can't be read.
    pub fn runs_and_faults(&self) -> Result<(Vec<RunSummary>, Vec<DamagedRun>), StoreError> {
        self.runs_from(i64::MIN)
    }

    /// So many of the newest runs, newest first, if there are more: a page of the list, which does not take longer the
    /// more runs there are.
    pub fn newest_runs(&self, count: u32) -> Result<Option<Vec<RunSummary>>, StoreError> {
        let sql = "SELECT id FROM runs ORDER BY id DESC LIMIT 1 OFFSET ?1";
        let older: Option<i64> =
            self.connection.prepare_cached(sql)?.query_row([count], |row| row.get(0)).optional()?;
        older.map(|older| Ok(self.runs_from(older + 1)?.0)).transpose()
    }

    /// The runs of this number and of all higher ones.
    fn runs_from(&self, oldest: i64) -> Result<(Vec<RunSummary>, Vec<DamagedRun>), StoreError> {
        // The lanes of all runs come by two queries, however many there are.
        let mut lanes = self.lane_progress(oldest..=i64::MAX)?;
        let mut statement = self.connection.prepare_cached(&format!("{RUN} WHERE id >= ?1 ORDER BY id DESC"))?;
        let columns = Columns::of(&statement);
        let mut rows = statement.query([oldest])?;
        let (mut runs, mut faults) = (Vec::new(), Vec::new());
        let kernel_is_gone = LazyCell::new(|| self.kernel_is_gone());
        while let Some(row) = rows.next()? {
            let summary = RunRow::read(row, &columns).and_then(|row| {
                let lanes = lanes.remove(&row.id).unwrap_or_default();
                self.summary(row, lanes, || *kernel_is_gone)
            });
            match summary {
                Ok(run) => runs.push(run),
                Err(StoreError::DamagedRun(fault)) => faults.push(fault),
                Err(error) => return Err(error),
            }
        }
        Ok((runs, faults))
    }

    pub fn run(&self, run: RunId) -> Result<RunSummary, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!("{RUN} WHERE id = ?1"))?;
        let columns = Columns::of(&statement);
        let mut rows = statement.query([run.0])?;
        let row = RunRow::read(rows.next()?.ok_or(StoreError::NoSuchRun(run))?, &columns)?;
        let lanes = self.lane_progress(run.0..=run.0)?.remove(&run.0).unwrap_or_default();
        self.summary(row, lanes, || self.kernel_is_gone())
    }

    /// How far the lanes of these runs are, by the run's number. A row that can't be read is a fault of its run.
    fn lane_progress(&self, runs: RangeInclusive<i64>) -> Result<HashMap<i64, LanesOfRun>, StoreError> {
        // The indices of `epochs` answer both numbers without reading the lane's epochs.
        let progress = "SELECT run, arm, seed, state = 'diverged' OR halved IS NOT NULL AS cut_short,
                (SELECT max(epoch) FROM epochs e WHERE e.run = l.run AND e.arm = l.arm AND e.seed = l.seed) AS done,
                (SELECT min(val_error) FROM epochs e WHERE e.run = l.run AND e.arm = l.arm AND e.seed = l.seed) AS best,
                CASE WHEN (SELECT sweep FROM runs r WHERE r.id = l.run) IS NOT NULL THEN (SELECT val_error FROM epochs e
                    WHERE e.run = l.run AND e.arm = l.arm AND e.seed = l.seed ORDER BY epoch DESC LIMIT 1) END AS latest
             FROM lanes l WHERE run BETWEEN ?1 AND ?2";
        let measured_arms = "SELECT DISTINCT run, arm FROM epochs WHERE run BETWEEN ?1 AND ?2";
        let mut lanes: HashMap<i64, LanesOfRun> = HashMap::new();
        let limits = [*runs.start(), *runs.end()];
        let mut statement = self.connection.prepare_cached(progress)?;
        let mut rows = statement.query(limits)?;
        while let Some(row) = rows.next()? {
            let read = || {
                let (cut_short, done) = (row.get("cut_short")?, row.get("done")?);
                let (best, latest) = (row.get("best")?, row.get("latest")?);
                Ok((lane(row)?, LaneProgress { cut_short, done, best, latest }))
            };
            lanes.entry(row.get("run")?).or_default().progress.push(read());
        }
        let mut statement = self.connection.prepare_cached(measured_arms)?;
        let mut rows = statement.query(limits)?;
        while let Some(row) = rows.next()? {
            lanes.entry(row.get("run")?).or_default().measured_arms.push(arm(row));
        }
        let steerings = "SELECT * FROM steerings WHERE run BETWEEN ?1 AND ?2 ORDER BY seq";
        let mut statement = self.connection.prepare_cached(steerings)?;
        let columns = Columns::of(&statement);
        let mut rows = statement.query(limits)?;
        while let Some(row) = rows.next()? {
            let read = columns.check(row).and_then(|()| steering(row));
            lanes.entry(row.get("run")?).or_default().steerings.push(read);
        }
        Ok(lanes)
    }

    /// For readers: whether there is no kernel that could work on anything.
    fn kernel_is_gone(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| !socket::is_listening(socket))
    }

    fn summary(
        &self,
        row: RunRow,
        lanes: LanesOfRun,
        kernel_is_gone: impl Fn() -> bool,
    ) -> Result<RunSummary, StoreError> {
        let run = RunId(row.id);
        let damaged = |why: serde_json::Error| DamagedRun { run, why: why.to_string() };
        let spec: Study = serde_json::from_str(&row.spec).map_err(damaged)?;
        let mut state: RunState =
            serde_json::from_value(json!({"state": row.state, "reason": row.reason})).map_err(damaged)?;
        if matches!(state, RunState::Running | RunState::Queued) && kernel_is_gone() {
            state = RunState::Interrupted;
        }
        // The time is stored with each epoch; the time since is added.
        let since = if state == RunState::Running { (now() - row.updated).max(0) as f64 } else { 0.0 };
        let LanesOfRun { progress, measured_arms, steerings } = lanes;
        let steerings = steerings.into_iter().collect::<Result<_, _>>().map_err(of_run(run))?;
        for arm in measured_arms {
            let arm = arm.map_err(of_run(run))?;
            if spec.settings(arm).is_none() {
                let why = format!("it has epochs of {arm}, which its study has no arm for");
                return Err(DamagedRun { run, why }.into());
            }
        }
        let lanes: HashMap<Lane, LaneProgress> = progress.into_iter().collect::<Result<_, _>>().map_err(of_run(run))?;
        let all = spec.lanes();
        let of_lane = |lane: &Lane| lanes.get(lane).copied().unwrap_or_default();
        let open = all.iter().filter(|lane| !of_lane(lane).cut_short);
        let done: Vec<(Lane, u32)> = open.map(|lane| (*lane, of_lane(lane).done.unwrap_or(0))).collect();
        let epochs_done = done.iter().map(|&(_, done)| done).min().unwrap_or(0);
        let best = all.iter().filter_map(|lane| Some((*lane, of_lane(lane).best?))).collect();
        let end = |lane: &Lane| of_lane(lane).latest.filter(|_| of_lane(lane).done == Some(spec.epochs));
        let ends = all.iter().filter_map(|lane| Some((*lane, end(lane)?))).collect();
        let tags = row.tags.as_deref().map(serde_json::from_str).transpose().map_err(damaged)?.unwrap_or_default();
        let elapsed = row.elapsed.map_or_else(|| self.max_elapsed(&row), Ok)? + since;
        let sweep = row.sweep.as_deref().map(serde_json::from_str).transpose().map_err(damaged)?;
        let RunRow { name, notes, not_exact, fork, created, updated, .. } = row;
        Ok(RunSummary {
            run,
            name,
            tags,
            notes,
            state,
            spec,
            not_exact,
            fork,
            steerings,
            sweep,
            created,
            updated,
            elapsed,
            epochs_done,
            done,
            best,
            ends,
        })
    }

    /// For a run from before its time was stored: at most the time between its creation and its last change, and at
    /// most the sum over its lanes.
    fn max_elapsed(&self, row: &RunRow) -> Result<f64, StoreError> {
        let sql = "SELECT total(seconds) FROM epochs WHERE run = ?1";
        let together: f64 =
            self.connection.query_row(sql, [row.id], |row| row.get(0)).map_err(of_run(RunId(row.id)))?;
        Ok(together.min((row.updated - row.created).max(0) as f64))
    }

    /// In the order in which they were committed.
    pub fn epochs(&self, run: RunId) -> Result<Vec<EpochRecord>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM epochs WHERE run = ?1 ORDER BY seq")?;
        let columns = Columns::of(&statement);
        let rows = statement.query_map([run.0], |row| columns.check(row).and_then(|()| epoch(row)))?;
        let mut epochs: Vec<EpochRecord> = rows.collect::<Result<_, _>>().map_err(of_run(run))?;
        let places: HashMap<(Lane, u32), usize> =
            epochs.iter().enumerate().map(|(at, record)| ((record.lane(), record.epoch), at)).collect();
        let mut statement = self.connection.prepare_cached("SELECT * FROM measurements WHERE run = ?1")?;
        let columns = Columns::of(&statement);
        let rows = statement.query_map([run.0], |row| {
            columns.check(row)?;
            Ok(((lane(row)?, row.get("epoch")?), measurement(row)?))
        })?;
        for row in rows {
            let (place, measured) = row.map_err(of_run(run))?;
            if let (Some(&at), Some(measured)) = (places.get(&place), measured) {
                epochs[at].measured.set(measured);
            }
        }
        Ok(epochs)
    }

    /// Which images a lane's network got wrong after an epoch. The sets are empty if that was not stored, as by earlier
    /// versions.
    pub fn wrong_images(&self, run: RunId, lane: Lane, epoch: u32) -> Result<WrongImages, StoreError> {
        let sql = "SELECT * FROM wrong_images WHERE run = ?1 AND arm = ?2 AND seed = ?3 AND epoch = ?4";
        let mut statement = self.connection.prepare_cached(sql)?;
        let columns = Columns::of(&statement);
        let rows = statement.query_map((run.0, lane.arm.to_string(), lane.seed as i64, epoch), |row| {
            columns.check(row)?;
            let set = ImageSet::from_bits(row.get("bits")?, row.get("images")?);
            Ok((row.get::<_, String>("split")?, set))
        })?;
        let mut wrong = WrongImages::default();
        for row in rows {
            let (split, set) = row.map_err(of_run(run))?;
            let set =
                set.ok_or_else(|| DamagedRun { run, why: "a set of wrong images does not fit its split".into() })?;
            match split.as_str() {
                "validation" => wrong.validation = set,
                _ => wrong.test = set,
            }
        }
        Ok(wrong)
    }

    /// Every lane, in the order of the study.
    pub fn lanes(&self, run: RunId) -> Result<Vec<(Lane, LaneState)>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM lanes WHERE run = ?1")?;
        let columns = Columns::of(&statement);
        let rows = statement.query_map([run.0], |row| {
            columns.check(row)?;
            let halved: Option<u32> = row.get("halved")?;
            let state = match row.get_ref("state")?.as_str().unwrap_or_default() {
                "finished" if halved.is_some() => LaneState::Halved { epoch: halved.unwrap_or_default() },
                "finished" => LaneState::Finished,
                "diverged" => LaneState::Diverged {
                    epoch: row.get::<_, Option<u32>>("epoch")?.unwrap_or_default(),
                    batch: row.get::<_, Option<u32>>("batch")?.unwrap_or_default(),
                },
                _ => LaneState::Open,
            };
            Ok((lane(row)?, state))
        })?;
        let states: HashMap<_, _> = rows.collect::<Result<_, _>>().map_err(of_run(run))?;
        let lanes = self.run(run)?.spec.lanes();
        Ok(lanes.into_iter().map(|lane| (lane, states.get(&lane).copied().unwrap_or(LaneState::Open))).collect())
    }

    /// How many epochs of this lane are committed.
    pub fn epochs_done(&self, run: RunId, lane: Lane) -> Result<u32, StoreError> {
        let sql = "SELECT coalesce(max(epoch), 0) FROM epochs WHERE run = ?1 AND arm = ?2 AND seed = ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row((run.0, lane.arm.to_string(), lane.seed as i64), |row| row.get(0))?)
    }

    /// The checkpoint files that are kept, by lane and epoch.
    pub fn checkpoints(&self, run: RunId) -> Result<Vec<CheckpointRow>, StoreError> {
        let sql = "SELECT * FROM checkpoints WHERE run = ?1 ORDER BY arm, seed, epoch";
        let mut statement = self.connection.prepare_cached(sql)?;
        let columns = Columns::of(&statement);
        let rows = statement.query_map([run.0], |row| {
            columns.check(row)?;
            let (file, sha256) = (row.get("file")?, row.get("sha256")?);
            Ok(CheckpointRow { lane: lane(row)?, epoch: row.get("epoch")?, file, sha256 })
        })?;
        rows.collect::<Result<_, _>>().map_err(of_run(run))
    }

    /// How the run was steered, in the order in which it was.
    pub fn steerings(&self, run: RunId) -> Result<Vec<Steering>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM steerings WHERE run = ?1 ORDER BY seq")?;
        let columns = Columns::of(&statement);
        let rows = statement.query_map([run.0], |row| {
            columns.check(row)?;
            steering(row)
        })?;
        rows.collect::<Result<_, _>>().map_err(of_run(run))
    }

    /// The run's events as its followers saw them, `Progress` left out: a notebook that attaches later replays them.
    /// Follow first, then read the history, and take an epoch that comes twice once.
    pub fn history(&self, run: RunId) -> Result<Vec<RunEvent>, StoreError> {
        // In one transaction, so that a commit between two queries is seen by all or none.
        let transaction =
            rusqlite::Transaction::new_unchecked(&self.connection, rusqlite::TransactionBehavior::Deferred)?;
        let RunSummary { spec, state, not_exact, fork, elapsed, .. } = self.run(run)?;
        let mut events: Vec<RunEvent> = fork.map(|fork| RunEvent::Forked { run, fork }).into_iter().collect();
        events.push(RunEvent::Started { run, spec });
        let sql = "SELECT backend FROM runs WHERE id = ?1";
        let backend: Option<String> = self.connection.query_row(sql, [run.0], |row| row.get(0)).map_err(of_run(run))?;
        events.extend(backend.map(|name| RunEvent::Backend { run, name }));
        events.extend(self.steerings(run)?.into_iter().map(|steering| RunEvent::Steered { run, steering }));
        events.extend(self.epochs(run)?.into_iter().map(|record| RunEvent::Epoch { run, record }));
        events.push(RunEvent::Elapsed { run, seconds: elapsed });
        for (Lane { arm, seed }, state) in self.lanes(run)? {
            match state {
                LaneState::Diverged { epoch, batch } => {
                    events.push(RunEvent::Diverged { run, arm, seed, epoch, batch });
                }
                LaneState::Halved { epoch } => events.push(RunEvent::Halved { run, arm, seed, epoch }),
                LaneState::Open | LaneState::Finished => {}
            }
        }
        events.extend(not_exact.map(|why| RunEvent::NotExact { run, why }));
        events.extend(match state {
            RunState::Running => None,
            RunState::Queued => Some(RunEvent::Queued { run }),
            RunState::Paused => Some(RunEvent::Paused { run }),
            RunState::Finished => Some(RunEvent::Finished { run }),
            RunState::Stopped => Some(RunEvent::Stopped { run }),
            RunState::Interrupted => Some(RunEvent::Interrupted { run }),
            RunState::Failed { reason } => Some(RunEvent::Failed { run, reason }),
        });
        drop(transaction);
        Ok(events)
    }

    /// Every finished run's settings and epochs, oldest first. A run that can't be read is left out and logged.
    pub fn finished_runs(&self) -> Result<Vec<(Study, Vec<EpochRecord>)>, StoreError> {
        let mut runs = self.runs()?;
        runs.sort_by_key(|summary| summary.run);
        let finished = runs.into_iter().filter(|summary| summary.state == RunState::Finished);
        let mut measured = Vec::new();
        for summary in finished {
            match self.epochs(summary.run) {
                Ok(epochs) => measured.push((summary.spec, epochs)),
                Err(StoreError::DamagedRun(fault)) => tracing::warn!("{fault}"),
                Err(error) => return Err(error),
            }
        }
        Ok(measured)
    }

    /// How long an epoch of a lane took in the newest runs, the newest first. A run that can't be read is left out.
    pub fn run_timings(&self) -> Result<Vec<RunTiming>, StoreError> {
        let sql = "SELECT spec, (SELECT avg(seconds) FROM epochs WHERE run = id) FROM runs ORDER BY id DESC LIMIT ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows =
            statement.query_map([TIMED_RUNS], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<f64>>(1)?)))?;
        let mut timings = Vec::new();
        for row in rows {
            let Some((spec, Some(epoch_seconds))) = readable(row)? else { continue };
            timings.extend(serde_json::from_str(&spec).ok().map(|spec| RunTiming { spec, epoch_seconds }));
        }
        Ok(timings)
    }

    /// Every cell's last outcome. An outcome that can't be read, such as one of another version, is left out and
    /// logged.
    pub fn cell_outcomes(&self) -> Result<Vec<CellRecord>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!("{CELL} ORDER BY lesson, cell"))?;
        let columns = Columns::of(&statement);
        let mut outcomes = Vec::new();
        for row in statement.query_map([], |row| CellRow::read(row, &columns))? {
            outcomes.extend(readable(row)?.and_then(CellRow::parse));
        }
        Ok(outcomes)
    }

    pub fn cell_outcome(&self, cell: &CellKey) -> Result<Option<CellRecord>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!("{CELL} WHERE lesson = ?1 AND cell = ?2"))?;
        let columns = Columns::of(&statement);
        let row = statement.query_row((&cell.lesson, &cell.cell), |row| CellRow::read(row, &columns)).optional();
        Ok(readable(row)?.flatten().and_then(CellRow::parse))
    }

    /// The value that `RequestBody::Remember` stored under this key. A value that can't be read counts as none.
    pub fn recall(&self, key: &str) -> Result<Option<Value>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM place WHERE key = ?1")?;
        let columns = Columns::of(&statement);
        let value = |row: &Row| columns.check(row).and_then(|()| row.get::<_, String>("value"));
        let text = readable(statement.query_row([key], value).optional())?.flatten();
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Every value stored under keys with this prefix, by key.
    pub fn recall_all(&self, prefix: &str) -> Result<Vec<(String, Value)>, StoreError> {
        let sql = "SELECT * FROM place WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key";
        let mut statement = self.connection.prepare_cached(sql)?;
        let columns = Columns::of(&statement);
        let entry = |row: &Row| Ok((row.get::<_, String>("key")?, row.get::<_, String>("value")?));
        let rows = statement.query_map([prefix], |row| columns.check(row).and_then(|()| entry(row)))?;
        let mut values = Vec::new();
        for row in rows {
            let Some((key, text)) = readable(row)? else { continue };
            values.extend(serde_json::from_str(&text).ok().map(|value| (key, value)));
        }
        Ok(values)
    }
}

/// The metrics that are columns of `epochs`, since the first version; every other is a row of `measurements`.
pub(super) const EPOCH_COLUMNS: [Metric; 5] =
    [Metric::TrainLoss, Metric::ValError, Metric::TestError, Metric::Seconds, Metric::ImagesPerSecond];

/// The newest runs, whose times serve to estimate the next one's.
const TIMED_RUNS: u32 = 50;

const RUN: &str = "SELECT * FROM runs";

/// How far a lane is.
#[derive(Clone, Copy, Default)]
struct LaneProgress {
    /// Its loss left the finite numbers, or successive halving stopped it.
    cut_short: bool,
    /// Its last committed epoch.
    done: Option<u32>,
    /// Its lowest validation error.
    best: Option<f64>,
    /// Of a sweep: the validation error of its last committed epoch.
    latest: Option<f64>,
}

#[derive(Default)]
struct LanesOfRun {
    progress: Vec<rusqlite::Result<(Lane, LaneProgress)>>,
    /// The arms that have epochs. One that is not in the study is damage.
    measured_arms: Vec<rusqlite::Result<ArmId>>,
    /// In the order in which they were asked for.
    steerings: Vec<rusqlite::Result<Steering>>,
}

struct RunRow {
    id: i64,
    name: Option<String>,
    tags: Option<String>,
    notes: Option<String>,
    spec: String,
    state: String,
    reason: Option<String>,
    created: i64,
    updated: i64,
    not_exact: Option<String>,
    fork: Option<Fork>,
    sweep: Option<String>,
    elapsed: Option<f64>,
}

impl RunRow {
    fn read(row: &Row, columns: &Columns) -> Result<Self, StoreError> {
        let id = row.get("id")?;
        let read = || {
            columns.check(row)?;
            Ok(Self {
                id,
                name: row.get("name")?,
                tags: row.get("tags")?,
                notes: row.get("notes")?,
                spec: row.get("spec")?,
                state: row.get("state")?,
                reason: row.get("reason")?,
                created: row.get("created")?,
                updated: row.get("updated")?,
                not_exact: row.get("not_exact")?,
                fork: match (row.get("parent")?, row.get("parent_epoch")?) {
                    (Some(parent), Some(epoch)) => Some(Fork { parent: RunId(parent), epoch }),
                    _ => None,
                },
                sweep: row.get("sweep")?,
                elapsed: match row.get("elapsed") {
                    // A store of an older version.
                    Err(rusqlite::Error::InvalidColumnName(_)) => None,
                    elapsed => elapsed?,
                },
            })
        };
        read().map_err(of_run(RunId(id)))
    }
}

/// `None` for a row that holds a value that can't be read.
fn readable<T>(row: rusqlite::Result<T>) -> Result<Option<T>, StoreError> {
    match row {
        Ok(row) => Ok(Some(row)),
        Err(error) if is_a_value(&error) => {
            tracing::warn!("a row can't be read back: {error}");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

const CELL: &str = "SELECT * FROM cells";

struct CellRow {
    cell: CellKey,
    spec: String,
    outcome: String,
    finished: i64,
}

impl CellRow {
    fn read(row: &Row, columns: &Columns) -> rusqlite::Result<Self> {
        columns.check(row)?;
        let cell = CellKey { lesson: row.get("lesson")?, cell: row.get("cell")? };
        Ok(Self { cell, spec: row.get("spec")?, outcome: row.get("outcome")?, finished: row.get("finished")? })
    }

    fn parse(self) -> Option<CellRecord> {
        let parsed = serde_json::from_str(&self.spec)
            .and_then(|spec| serde_json::from_str::<protocol::Outcome>(&self.outcome).map(|outcome| (spec, outcome)));
        match parsed {
            Ok((spec, mut outcome)) => {
                // An earlier version stored what is not a number.
                outcome.remove_non_finite();
                Some(CellRecord { cell: self.cell, spec, outcome, finished: self.finished })
            }
            Err(error) => {
                tracing::warn!("the outcome of {}/{} can't be read back: {error}", self.cell.lesson, self.cell.cell);
                None
            }
        }
    }
}

fn steering(row: &Row) -> rusqlite::Result<Steering> {
    let unknown = |column: &str| {
        let why = format!("steerings: {column} is none that this version knows");
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, why.into())
    };
    Ok(Steering {
        arm: row.get_ref("arm")?.as_str()?.parse().map_err(|_| unknown("arm"))?,
        epoch: row.get("epoch")?,
        setting: SteeredSetting::of_key(row.get_ref("setting")?.as_str()?).ok_or_else(|| unknown("setting"))?,
        value: row.get("value")?,
        passed: serde_json::from_str(row.get_ref("passed")?.as_str()?).map_err(|_| unknown("passed"))?,
    })
}

/// The arm that a row belongs to.
fn arm(row: &Row) -> rusqlite::Result<ArmId> {
    row.get_ref("arm")?
        .as_str()?
        .parse()
        .map_err(|why: String| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, why.into()))
}

/// The lane that a row belongs to.
fn lane(row: &Row) -> rusqlite::Result<Lane> {
    Ok(Lane { arm: arm(row)?, seed: row.get::<_, i64>("seed")? as u64 })
}

/// A row of `epochs`, with the metrics that every version measured.
fn epoch(row: &Row) -> rusqlite::Result<EpochRecord> {
    let mut measured = Vec::new();
    for metric in EPOCH_COLUMNS {
        measured.push((metric, row.get(metric.key())?));
    }
    Ok(EpochRecord::new(lane(row)?, row.get("epoch")?, measured))
}

/// A row of `measurements`; `None` if its metric or layer is known to a later version only.
fn measurement(row: &Row) -> rusqlite::Result<Option<Measurement>> {
    let Some(metric) = Metric::of_key(row.get_ref("metric")?.as_str()?) else { return Ok(None) };
    let layer = match row.get_ref("layer")?.as_str()? {
        "" => None,
        name => match name.parse() {
            Ok(layer) => Some(layer),
            Err(_) => return Ok(None),
        },
    };
    Ok(Some(Measurement { metric, layer, value: row.get("value")? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An earlier version stored `null` for a number that is not finite, and the largest double for an infinite loss.
    #[test]
    fn an_outcome_with_null_in_it_opens() {
        let findings = format!(
            r#"{{"key":"a","text":"each layer back multiplies the gradient by NaN","value":null,"spread":null,"seeds":[1]}},
               {{"key":"b","text":"training loss {:.3} at the end, it stalls","value":{:e},"spread":null,"seeds":[1]}}"#,
            f64::MAX,
            f64::MAX
        );
        let plot = r#"{"figure":"plot","title":"t","x":{"label":"x"},"y":{"label":"y"},"series":[{"name":"s",
                      "source":{"from":"measured"},"points":[[1.0,null],[2.0,1.0]],"spread":[null,null]}]}"#;
        let row = CellRow {
            cell: CellKey { lesson: "l".into(), cell: "c".into() },
            spec: r#"{"experiment":"relu-forms"}"#.into(),
            outcome: format!(r#"{{"figures":[{plot}],"findings":[{findings}],"seconds":1.0}}"#),
            finished: 1,
        };
        let outcome = row.parse().unwrap().outcome;
        assert!(outcome.findings.iter().all(|finding| finding.value.is_none()), "{outcome:?}");
        let texts: Vec<_> = outcome.findings.iter().map(|finding| finding.text.as_str()).collect();
        assert_eq!(texts, ["a: no finite number", "b: no finite number"]);
    }
}
