//! Runs whose kernel ended beneath them: which of them the next kernel takes up again by itself.

use super::{
    Store, StoreError, now,
    rows::{RUNS, update_row},
    write::open_runs,
};
use protocol::RunId;
use rusqlite::params;

/// How a kernel came to leave a run that trained or waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// It was told to leave all the same: whoever did that resumes the run.
    Asked,
    /// The system ended it in good order, at a shutdown say.
    Signalled,
    Died,
}

/// A run that was interrupted without being asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutOff {
    pub run: RunId,
    /// The kernels in a row that died while it trained.
    pub deaths: u32,
}

impl CutOff {
    /// Two kernels in a row may have died of this run: it is not for a third to try without being asked.
    pub fn waits_for_resume(&self) -> bool {
        self.deaths >= 2
    }
}

impl Store {
    /// Calls this run interrupted, and keeps how it came to that. A run that only waited has killed nobody.
    pub fn interrupt(&mut self, run: RunId, how: Interruption, elapsed: Option<f64>) -> Result<(), StoreError> {
        self.change(run, |transaction| {
            match how {
                Interruption::Asked => transaction.execute("DELETE FROM interruptions WHERE run = ?1", [run.0])?,
                Interruption::Signalled => {
                    transaction.execute("INSERT OR REPLACE INTO interruptions (run, deaths) VALUES (?1, 0)", [run.0])?
                }
                Interruption::Died => transaction.execute(&format!("{COUNT_DEATH} AND id = ?1 {OR_ADD}"), [run.0])?,
            };
            transaction.execute(
                "UPDATE runs SET state = 'interrupted', reason = NULL, updated = ?2, elapsed = coalesce(?3, elapsed)
                 WHERE id = ?1",
                params![run.0, now(), elapsed],
            )
        })
    }

    /// Calls every run that trains or waits interrupted by the death of its kernel, whether or not the rest of it can be
    /// read back; returns them.
    pub fn interrupt_all(&mut self) -> Result<Vec<RunId>, StoreError> {
        let transaction = self.transaction()?;
        transaction.execute(&format!("{COUNT_DEATH} {OR_ADD}"), [])?;
        let runs = open_runs(&transaction)?;
        for run in &runs {
            let sql = "UPDATE runs SET state = 'interrupted', reason = NULL, updated = ?2 WHERE id = ?1";
            update_row(&transaction, RUNS, &[&run.0], || transaction.execute(sql, [run.0, now()]))?;
        }
        transaction.commit()?;
        Ok(runs)
    }

    /// The runs that [`Store::interrupt_all`] would call interrupted.
    pub fn left_open(&self) -> Result<Vec<RunId>, StoreError> {
        Ok(open_runs(&self.connection)?)
    }

    /// The runs that were interrupted without being asked to, oldest first; to be asked where no kernel works on any.
    /// Those that a dead kernel has left open are among them.
    pub fn cut_off(&self) -> Result<Vec<CutOff>, StoreError> {
        let sql = "SELECT id, coalesce(deaths, 0) + (state = 'running') FROM runs LEFT JOIN interruptions ON run = id
                   WHERE (state = 'interrupted' AND run IS NOT NULL) OR state IN ('running', 'queued') ORDER BY id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| Ok(CutOff { run: RunId(row.get(0)?), deaths: row.get(1)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Its reader has asked for this run: the deaths before count no more.
    pub fn forget_interruption(&mut self, run: RunId) -> Result<(), StoreError> {
        self.check_in_place()?;
        self.connection.execute("DELETE FROM interruptions WHERE run = ?1", [run.0])?;
        Ok(())
    }
}

const COUNT_DEATH: &str = "INSERT INTO interruptions (run, deaths)
                           SELECT id, state = 'running' FROM runs WHERE state IN ('running', 'queued')";
const OR_ADD: &str = "ON CONFLICT (run) DO UPDATE SET deaths = deaths + excluded.deaths";

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{Preset, RunSpec, RunState};

    fn run(store: &mut Store, state: &RunState) -> RunId {
        let run = store.create_run(&RunSpec::of(Preset::Article), None).unwrap();
        store.set_state(run, state).unwrap();
        run
    }

    fn deaths(store: &Store) -> Vec<(i64, u32)> {
        store.cut_off().unwrap().into_iter().map(|cut| (cut.run.0, cut.deaths)).collect()
    }

    #[test]
    fn deaths_in_a_row_are_counted_for_a_run_that_trained() {
        let mut store = Store::in_memory().unwrap();
        let (trains, waits) = (run(&mut store, &RunState::Running), run(&mut store, &RunState::Queued));
        for state in [RunState::Paused, RunState::Stopped, RunState::Finished] {
            run(&mut store, &state);
        }
        assert_eq!(deaths(&store), [(trains.0, 1), (waits.0, 0)], "as a reader sees them, before the next kernel");
        assert_eq!(store.interrupt_all().unwrap(), [trains, waits]);
        assert_eq!(deaths(&store), [(trains.0, 1), (waits.0, 0)]);
        for state in [RunState::Queued, RunState::Running] {
            store.set_state(trains, &state).unwrap();
        }
        store.interrupt(trains, Interruption::Died, None).unwrap();
        let cut = store.cut_off().unwrap();
        assert!(cut[0].deaths == 2 && cut[0].waits_for_resume() && !cut[1].waits_for_resume(), "{cut:?}");
        store.forget_interruption(trains).unwrap();
        assert_eq!(deaths(&store), [(waits.0, 0)]);
    }

    #[test]
    fn a_run_that_came_to_rest_in_good_order_is_not_taken_up() {
        for state in [RunState::Paused, RunState::Stopped, RunState::Finished, RunState::Failed { reason: "x".into() }]
        {
            let mut store = Store::in_memory().unwrap();
            let run = run(&mut store, &RunState::Running);
            store.interrupt_all().unwrap();
            store.set_state(run, &RunState::Running).unwrap();
            store.set_state(run, &state).unwrap();
            assert_eq!(store.cut_off().unwrap(), [], "{state:?}");
        }
        let mut store = Store::in_memory().unwrap();
        let run = run(&mut store, &RunState::Running);
        store.interrupt(run, Interruption::Asked, None).unwrap();
        assert_eq!(store.cut_off().unwrap(), []);
        store.set_state(run, &RunState::Running).unwrap();
        store.interrupt(run, Interruption::Signalled, None).unwrap();
        assert_eq!(deaths(&store), [(run.0, 0)]);
    }
}
