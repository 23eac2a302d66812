//! The queue of jobs: the requests that the kernel has not completed, in the order in which they were made. It survives
//! the kernel, and the next kernel resumes them.
//!
//! A run's job is in the queue while the run is queued or trains, and while it is interrupted against its reader's
//! will. A cell's job is in it until its outcome is committed, or until it is stopped or fails. `began` says that the
//! present kernel has given the job a core; the kernel after a dead one counts that as a death.

use super::{
    Store, StoreError, now,
    rows::{JOBS, RUNS, open_runs, update_row, write_checksum},
};
use protocol::{CellKey, ExperimentSpec, RunId};
use rusqlite::{Connection, OptionalExtension, params};

/// Why a kernel left a run that trained or waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// A client forced the shutdown, and resumes the run itself.
    Asked,
    /// The system ended it in good order, for example at a shutdown.
    Signalled,
    Died,
}

/// What a job is.
#[derive(Clone, Debug, PartialEq)]
pub enum JobKind {
    Run(RunId),
    /// `None` if the settings are of a later version and can't be read.
    Cell(CellKey, Option<ExperimentSpec>),
}

/// A job that was not completed.
#[derive(Clone, Debug, PartialEq)]
pub struct UnfinishedJob {
    pub kind: JobKind,
    /// How many kernels in a row died while they worked on it.
    pub deaths: u32,
}

impl UnfinishedJob {
    /// The job may have killed two kernels in a row, so a third one does not try it without a request.
    pub fn waits_for_reader(&self) -> bool {
        self.deaths >= 2
    }

    pub fn run(&self) -> Option<RunId> {
        if let JobKind::Run(run) = self.kind { Some(run) } else { None }
    }
}

impl Store {
    /// Puts a run at the end of the queue at its reader's request, which resets the count of deaths.
    pub fn queue_run(&mut self, run: RunId) -> Result<(), StoreError> {
        let transaction = self.transaction()?;
        transaction.execute("DELETE FROM jobs WHERE run = ?1", [run.0])?;
        ensure_run(&transaction, run)?;
        Ok(transaction.commit()?)
    }

    /// Takes a run out of the queue that its reader pauses or stops. This holds even if the kernel dies before the run
    /// has halted.
    pub fn unqueue_run(&mut self, run: RunId) -> Result<(), StoreError> {
        let transaction = self.transaction()?;
        transaction.execute("DELETE FROM jobs WHERE run = ?1", [run.0])?;
        Ok(transaction.commit()?)
    }

    /// Puts a cell at the end of the queue, or leaves it where it is.
    pub fn queue_cell(&mut self, cell: &CellKey, spec: &ExperimentSpec) -> Result<(), StoreError> {
        let spec = serde_json::to_string(spec)?;
        let transaction = self.transaction()?;
        let sql = "INSERT OR IGNORE INTO jobs (lesson, cell, spec, began, deaths) VALUES (?1, ?2, ?3, 0, 0)";
        if transaction.execute(sql, params![cell.lesson, cell.cell, spec])? == 1 {
            write_checksum(&transaction, JOBS, &[&transaction.last_insert_rowid()])?;
        }
        Ok(transaction.commit()?)
    }

    /// Records that the kernel has given this cell a core.
    pub fn begin_cell(&mut self, cell: &CellKey) -> Result<(), StoreError> {
        let transaction = self.transaction()?;
        let seq: Option<i64> = transaction
            .query_row("SELECT seq FROM jobs WHERE lesson = ?1 AND cell = ?2", [&cell.lesson, &cell.cell], |row| {
                row.get(0)
            })
            .optional()?;
        if let Some(seq) = seq {
            let begin = || transaction.execute("UPDATE jobs SET began = 1 WHERE seq = ?1", [seq]);
            update_row(&transaction, JOBS, &[&seq], begin)?;
        }
        Ok(transaction.commit()?)
    }

    /// Takes a cell out of the queue that was stopped or has failed.
    pub fn unqueue_cell(&mut self, cell: &CellKey) -> Result<(), StoreError> {
        let transaction = self.transaction()?;
        remove_cell(&transaction, cell)?;
        Ok(transaction.commit()?)
    }

    /// The jobs of a dead kernel, in the order in which they were requested. Called while no kernel works on any: a job
    /// that a dead kernel had begun counts one more death, whether or not that is stored yet. Rows that can't be read
    /// are left out.
    pub fn unfinished_jobs(&self) -> Result<Vec<UnfinishedJob>, StoreError> {
        let sql = "SELECT jobs.run, lesson, cell, jobs.spec, deaths + began FROM jobs LEFT JOIN runs ON id = run
                   WHERE run IS NULL OR state IN ('interrupted', 'running', 'queued') ORDER BY seq";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| {
            let kind = if let Some(run) = row.get(0)? {
                JobKind::Run(RunId(run))
            } else {
                let key = CellKey { lesson: row.get(1)?, cell: row.get(2)? };
                JobKind::Cell(key, serde_json::from_str(&row.get::<_, String>(3)?).ok())
            };
            Ok(UnfinishedJob { kind, deaths: row.get(4)? })
        })?;
        Ok(rows
            .filter_map(|row| row.inspect_err(|error| tracing::warn!("a job can't be read: {error}")).ok())
            .collect())
    }

    /// Stores that this run is interrupted, and why.
    pub fn interrupt(&mut self, run: RunId, how: Interruption, elapsed: Option<f64>) -> Result<(), StoreError> {
        self.change(run, |transaction| {
            match how {
                Interruption::Asked => {
                    transaction.execute("DELETE FROM jobs WHERE run = ?1", [run.0])?;
                }
                Interruption::Signalled => {
                    ensure_run(transaction, run)?;
                    set_count(transaction, "began = 0, deaths = 0", "run = ?1", run)?;
                }
                Interruption::Died => set_count(transaction, "deaths = deaths + began, began = 0", "run = ?1", run)?,
            }
            transaction.execute(
                "UPDATE runs SET state = 'interrupted', reason = NULL, updated = ?2, elapsed = coalesce(?3, elapsed)
                 WHERE id = ?1",
                params![run.0, now(), elapsed],
            )
        })
    }

    /// Marks every run that trains or waits as interrupted by its kernel's death, even if the rest of its row can't be
    /// read, and counts a death for every job that had begun. Returns the runs.
    pub fn interrupt_all(&mut self) -> Result<Vec<RunId>, StoreError> {
        let transaction = self.transaction()?;
        for seq in begun(&transaction)? {
            let count = || transaction.execute("UPDATE jobs SET deaths = deaths + 1, began = 0 WHERE seq = ?1", [seq]);
            update_row(&transaction, JOBS, &[&seq], count)?;
        }
        let runs = open_runs(&transaction)?;
        for run in &runs {
            let sql = "UPDATE runs SET state = 'interrupted', reason = NULL, updated = ?2 WHERE id = ?1";
            update_row(&transaction, RUNS, &[&run.0], || transaction.execute(sql, [run.0, now()]))?;
        }
        transaction.commit()?;
        Ok(runs)
    }

    /// The runs that [`Store::interrupt_all`] would mark.
    pub fn runs_to_interrupt(&self) -> Result<Vec<RunId>, StoreError> {
        Ok(open_runs(&self.connection)?)
    }

    /// The kernel shuts down in good order, so the cells that it had begun count no death.
    pub fn clear_begun_cells(&mut self) -> Result<(), StoreError> {
        let transaction = self.transaction()?;
        for seq in begun(&transaction)? {
            let clear =
                || transaction.execute("UPDATE jobs SET began = 0, deaths = 0 WHERE seq = ?1 AND run IS NULL", [seq]);
            update_row(&transaction, JOBS, &[&seq], clear)?;
        }
        Ok(transaction.commit()?)
    }
}

fn begun(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare("SELECT seq FROM jobs WHERE began = 1")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn seq_of(connection: &Connection, run: RunId) -> rusqlite::Result<Option<i64>> {
    connection.query_row("SELECT seq FROM jobs WHERE run = ?1", [run.0], |row| row.get(0)).optional()
}

/// Puts a run at the end of the queue unless it is in it.
pub(super) fn ensure_run(connection: &Connection, run: RunId) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO jobs (run, began, deaths) SELECT id, 0, 0 FROM runs WHERE id = ?1";
    if connection.execute(sql, [run.0])? == 1 {
        write_checksum(connection, JOBS, &[&connection.last_insert_rowid()])?;
    }
    Ok(())
}

/// Records that the kernel has given this run a core.
pub(super) fn begin_run(connection: &Connection, run: RunId) -> rusqlite::Result<()> {
    ensure_run(connection, run)?;
    set_count(connection, "began = 1", "run = ?1", run)
}

pub(super) fn remove_run(connection: &Connection, run: RunId) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM jobs WHERE run = ?1", [run.0]).map(drop)
}

pub(super) fn remove_cell(connection: &Connection, cell: &CellKey) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM jobs WHERE lesson = ?1 AND cell = ?2", [&cell.lesson, &cell.cell]).map(drop)
}

fn set_count(connection: &Connection, change: &str, condition: &str, run: RunId) -> rusqlite::Result<()> {
    let Some(seq) = seq_of(connection, run)? else { return Ok(()) };
    let set = || connection.execute(&format!("UPDATE jobs SET {change} WHERE {condition}"), [run.0]);
    update_row(connection, JOBS, &[&seq], set).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{CellRecord, Curves, Effort, Experiment, Outcome, Preset, RunState, Study};

    fn run(store: &mut Store, state: &RunState) -> RunId {
        let run = store.create_run(&Study::of(Preset::Article), None).unwrap();
        store.set_state(run, state).unwrap();
        run
    }

    fn cell(name: &str) -> (CellKey, ExperimentSpec) {
        let experiment = Experiment::Curves(Curves { activations: vec![], from: 0.0, to: 1.0 });
        let spec = ExperimentSpec { experiment, effort: Effort::Quick, seeds: vec![1] };
        (CellKey { lesson: "l".into(), cell: name.into() }, spec)
    }

    /// Each job by its run's number or its cell's name, with its deaths.
    fn jobs(store: &Store) -> Vec<(String, u32)> {
        let name = |kind| match kind {
            JobKind::Run(run) => run.to_string(),
            JobKind::Cell(key, _) => key.cell,
        };
        store.unfinished_jobs().unwrap().into_iter().map(|job| (name(job.kind), job.deaths)).collect()
    }

    fn named(jobs: &[(&str, u32)]) -> Vec<(String, u32)> {
        jobs.iter().map(|(name, deaths)| ((*name).to_owned(), *deaths)).collect()
    }

    #[test]
    fn deaths_in_a_row_are_counted_for_what_had_begun() {
        let mut store = Store::in_memory().unwrap();
        let (trains, waits) = (run(&mut store, &RunState::Running), run(&mut store, &RunState::Queued));
        for state in [RunState::Paused, RunState::Stopped, RunState::Finished] {
            run(&mut store, &state);
        }
        let ((begun, spec), (queued, _)) = (cell("begun"), cell("queued"));
        store.queue_cell(&begun, &spec).unwrap();
        store.queue_cell(&queued, &spec).unwrap();
        store.begin_cell(&begun).unwrap();
        let after_one = named(&[("1", 1), ("2", 0), ("begun", 1), ("queued", 0)]);
        assert_eq!(jobs(&store), after_one, "as a reader sees them, before the next kernel");
        assert_eq!(store.interrupt_all().unwrap(), [trains, waits]);
        assert_eq!(jobs(&store), after_one);
        for state in [RunState::Queued, RunState::Running] {
            store.set_state(trains, &state).unwrap();
        }
        store.begin_cell(&begun).unwrap();
        store.interrupt(trains, Interruption::Died, None).unwrap();
        assert_eq!(jobs(&store), named(&[("1", 2), ("2", 0), ("begun", 2), ("queued", 0)]));
        let waiting: Vec<_> = store.unfinished_jobs().unwrap().iter().map(UnfinishedJob::waits_for_reader).collect();
        assert_eq!(waiting, [true, false, true, false]);
        store.queue_run(trains).unwrap();
        assert_eq!(jobs(&store)[3], ("1".to_owned(), 0), "asked for last, and its deaths are forgotten");
    }

    #[test]
    fn a_run_that_came_to_rest_is_no_job_any_more() {
        for state in [RunState::Paused, RunState::Stopped, RunState::Finished, RunState::Failed { reason: "x".into() }]
        {
            let mut store = Store::in_memory().unwrap();
            let run = run(&mut store, &RunState::Running);
            store.interrupt_all().unwrap();
            store.set_state(run, &RunState::Running).unwrap();
            store.set_state(run, &state).unwrap();
            assert_eq!(store.unfinished_jobs().unwrap(), [], "{state:?}");
        }
        let mut store = Store::in_memory().unwrap();
        let run = run(&mut store, &RunState::Running);
        store.interrupt(run, Interruption::Asked, None).unwrap();
        assert_eq!(store.unfinished_jobs().unwrap(), []);
        store.set_state(run, &RunState::Running).unwrap();
        store.interrupt(run, Interruption::Signalled, None).unwrap();
        assert_eq!(jobs(&store), named(&[("1", 0)]));
    }

    /// The kernel dies between the request and the last batch.
    #[test]
    fn a_run_that_was_about_to_pause_is_interrupted_and_no_job() {
        let mut store = Store::in_memory().unwrap();
        let run = run(&mut store, &RunState::Running);
        store.unqueue_run(run).unwrap();
        assert_eq!(store.interrupt_all().unwrap(), [run]);
        assert_eq!((store.unfinished_jobs().unwrap(), store.run(run).unwrap().state), (vec![], RunState::Interrupted));
    }

    #[test]
    fn a_cell_is_a_job_until_its_outcome_is_stored() {
        let mut store = Store::in_memory().unwrap();
        let (key, spec) = cell("a");
        store.queue_cell(&key, &spec).unwrap();
        store.queue_cell(&key, &spec).unwrap();
        let [UnfinishedJob { kind: JobKind::Cell(found, Some(settings)), .. }] = &store.unfinished_jobs().unwrap()[..]
        else {
            panic!("{:?}", store.unfinished_jobs())
        };
        assert_eq!((found, settings), (&key, &spec));
        let record = CellRecord { cell: key.clone(), spec: spec.clone(), outcome: Outcome::default(), finished: 1 };
        store.commit_cell(&record).unwrap();
        assert_eq!(store.unfinished_jobs().unwrap(), []);
        store.queue_cell(&key, &spec).unwrap();
        store.unqueue_cell(&key).unwrap();
        assert_eq!(store.unfinished_jobs().unwrap(), []);
    }
}
