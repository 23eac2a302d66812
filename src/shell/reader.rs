//! The store's reader, on a thread of its own: a neighbour's commit on a network home, or a lock that another process
//! holds, may keep it waiting for seconds, and no frame with it.

use super::input::spawn;
use super::notebook::Incoming;
use app::{Event, StoreQuery};
use protocol::race_findings;
use std::io;
use std::sync::mpsc::{self, Sender};
use store::{Home, Store, StoreError};

/// The event loop's end; the thread ends with it.
pub struct Reader(Sender<StoreQuery>);

impl Reader {
    pub fn start(home: Home, events: Sender<Incoming>) -> io::Result<Self> {
        let (wishes, received) = mpsc::channel();
        let told = events.clone();
        spawn("store-reader", &told, move || {
            for what in received {
                for event in answer(&home, what) {
                    if events.send(Incoming::Event(event)).is_err() {
                        return;
                    }
                }
            }
        })?;
        Ok(Self(wishes))
    }

    /// Every wish is answered, in turn.
    pub fn wish(&self, what: StoreQuery) {
        // The thread lives as long as the loop; were it gone, the loop has heard so.
        let _ = self.0.send(what);
    }
}

fn answer(home: &Home, what: StoreQuery) -> Vec<Event> {
    read(home, what).unwrap_or_else(|error| match error {
        StoreError::NoSuchRun(run) => vec![Event::NoSuchRun(run)],
        error if error.is_transient() => vec![Event::QueryFailed(what, error.to_string())],
        // Of another version, or damaged: that nothing is found must not pass for nothing being there.
        error => vec![Event::Notice(error.to_string()), Event::QueryFailed(what, error.to_string())],
    })
}

/// Opens the store anew each time: a kernel may have made it since, or set it aside.
fn read(home: &Home, what: StoreQuery) -> Result<Vec<Event>, StoreError> {
    let store = Store::open_read(home)?;
    Ok(match what {
        StoreQuery::Run(run) => vec![Event::History(run, store.history(run)?)],
        StoreQuery::Runs => {
            let (runs, faults) = store.runs_and_faults()?;
            let unreadable = faults.into_iter().map(|fault| (fault.run, fault.why)).collect();
            vec![Event::UnreadableRuns(unreadable), Event::Runs(runs)]
        }
        StoreQuery::RunFindings => {
            vec![Event::RunTimings(store.run_timings()?), Event::RunFindings(race_findings(&store.finished()?))]
        }
        StoreQuery::Progress => {
            // A place is a line of the lesson with its figures: these come first.
            vec![Event::Outcomes(store.cell_outcomes()?), Event::StoredProgress(store.recall_all("")?)]
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::RunId;
    use std::fs::File;

    #[test]
    fn a_locked_store_keeps_its_reader_waiting_and_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path()).unwrap();
        // As whoever makes a new store holds it.
        let lock = File::open(folder.path()).unwrap();
        lock.lock().unwrap();
        let (events, told) = mpsc::channel();
        let reader = Reader::start(home, events).unwrap();
        reader.wish(StoreQuery::Runs);
        reader.wish(StoreQuery::Run(RunId(7)));
        assert!(told.try_recv().is_err());
        drop(lock);
        assert!(matches!(told.recv(), Ok(Incoming::Event(Event::UnreadableRuns(runs))) if runs.is_empty()));
        assert!(matches!(told.recv(), Ok(Incoming::Event(Event::Runs(runs))) if runs.is_empty()));
        assert!(matches!(told.recv(), Ok(Incoming::Event(Event::NoSuchRun(RunId(7))))));
    }
}
