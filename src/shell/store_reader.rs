//! Reads the store on threads of its own: another process's lock or commit may block a read for seconds, and no frame may
//! wait for that.

use super::thread::{Incoming, spawn};
use app::{Event, StoreQuery};
use protocol::{RunId, SettingsText, race_findings};
use std::collections::HashSet;
use std::io;
use std::sync::mpsc::{self, Sender};
use store::files::{LaneFolder, checkpoint_bytes};
use store::{Home, Store, StoreError};

/// Sends requests to the reading threads, which end when this is dropped.
pub struct StoreReader {
    requests: Sender<StoreQuery>,
}

/// So many runs are more than a screen shows.
const PAGE: u32 = 100;

impl StoreReader {
    pub fn start(home: Home, events: Sender<Incoming>) -> io::Result<Self> {
        // Findings read the epochs of all runs, for which no list may wait.
        let findings = start_thread("findings-reader", home.clone(), events.clone(), None)?;
        let requests = start_thread("store-reader", home, events, Some(findings))?;
        Ok(Self { requests })
    }

    /// Requests a read. The answers come as events, in the order of the requests; only findings come when they are ready.
    pub fn request(&self, what: StoreQuery) {
        // The thread lives as long as the event loop. If it has panicked, the event loop is notified.
        let _ = self.requests.send(what);
    }
}

/// The thread passes findings on to another thread, if there is one, once it has answered what was requested before.
fn start_thread(
    name: &'static str,
    home: Home,
    events: Sender<Incoming>,
    findings: Option<Sender<StoreQuery>>,
) -> io::Result<Sender<StoreQuery>> {
    let (requests, received) = mpsc::channel();
    let panics = events.clone();
    spawn(name, &panics, move || {
        let mut known_settings = HashSet::new();
        let mut is_first_list = true;
        for what in received {
            if let Some(findings) = findings.as_ref().filter(|_| what == StoreQuery::RunFindings) {
                let _ = findings.send(what);
                continue;
            }
            // The list opens with its newest runs while all of them are read.
            if what == StoreQuery::Runs && std::mem::take(&mut is_first_list) {
                let newest = Store::open_read(&home).and_then(|store| store.newest_runs(PAGE));
                // If they can't be read, all of them can't either, which is reported.
                if let Ok(Some(runs)) = newest {
                    let _ = events.send(Incoming::Event(Event::NewestRuns(runs)));
                }
            }
            for event in answer(&home, what) {
                // The list is on the screen before its settings are printed.
                let settings = if let Event::Runs(runs) = &event {
                    let new = runs.iter().filter(|summary| known_settings.insert(summary.run));
                    new.map(|summary| (summary.run, summary.spec.clone())).collect()
                } else {
                    Vec::new()
                };
                if events.send(Incoming::Event(event)).is_err() {
                    return;
                }
                if !settings.is_empty() {
                    let texts: Vec<(RunId, SettingsText)> =
                        settings.iter().map(|(run, spec)| (*run, SettingsText::of(spec))).collect();
                    let _ = events.send(Incoming::Event(Event::SettingsTexts(texts)));
                }
            }
        }
    })?;
    Ok(requests)
}

fn answer(home: &Home, what: StoreQuery) -> Vec<Event> {
    read(home, what).unwrap_or_else(|error| match error {
        StoreError::NoSuchRun(run) => vec![Event::NoSuchRun(run)],
        error if error.is_transient() => vec![Event::QueryFailed(what, error.to_string())],
        // The store is of another version or damaged: an empty list would look as if nothing had been trained.
        error => vec![Event::Notice(error.to_string()), Event::QueryFailed(what, error.to_string())],
    })
}

/// Opens the store for each read: a kernel may have created it since, or set it aside.
fn read(home: &Home, what: StoreQuery) -> Result<Vec<Event>, StoreError> {
    let store = Store::open_read(home)?;
    Ok(match what {
        StoreQuery::Run(run) => vec![Event::History(run, store.history(run)?)],
        StoreQuery::RunSize(run) => vec![Event::RunSize { run, bytes: checkpoint_bytes(home, run) }],
        StoreQuery::KeptEpochs { run, lane } => {
            let epochs = LaneFolder::of(home, run, lane).epochs().map_err(StoreError::from)?;
            vec![Event::KeptEpochs { run, lane, epochs }]
        }
        StoreQuery::WrongImages { run, lane, epoch } => {
            let images = store.wrong_images(run, lane, epoch)?.validation;
            vec![Event::WrongImages { run, lane, epoch, images }]
        }
        StoreQuery::Runs => {
            let (runs, faults) = store.runs_and_faults()?;
            let unreadable = faults.into_iter().map(|fault| (fault.run, fault.why)).collect();
            vec![Event::UnreadableRuns(unreadable), Event::Runs(runs)]
        }
        StoreQuery::RunFindings => {
            vec![Event::RunTimings(store.run_timings()?), Event::RunFindings(race_findings(&store.finished_runs()?))]
        }
        StoreQuery::Progress => {
            // A scroll position counts the lines of figures too, so the figures come first.
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
    fn a_locked_store_blocks_only_the_reading_thread() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path()).unwrap();
        // The lock that is held while a new store is created.
        let lock = File::open(folder.path()).unwrap();
        lock.lock().unwrap();
        let (events, received) = mpsc::channel();
        let reader = StoreReader::start(home, events).unwrap();
        reader.request(StoreQuery::Runs);
        reader.request(StoreQuery::Run(RunId(7)));
        assert!(received.try_recv().is_err());
        drop(lock);
        assert!(matches!(received.recv(), Ok(Incoming::Event(Event::UnreadableRuns(runs))) if runs.is_empty()));
        assert!(matches!(received.recv(), Ok(Incoming::Event(Event::Runs(runs))) if runs.is_empty()));
        assert!(matches!(received.recv(), Ok(Incoming::Event(Event::NoSuchRun(RunId(7))))));
    }
}
