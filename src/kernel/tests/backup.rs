//! What the backup contains when the store is lost: all finished or halted runs, and nothing that was deleted.

use super::{Bench, UNTIL_STOPPED};
use protocol::{Event, RunEvent, RunState};
use std::fs;
use store::{Home, Store, StoreError};

impl Bench {
    /// The store is destroyed beneath the kernel, and the next one opens it.
    fn store_is_destroyed(&self) -> Store {
        let home = &self.kernel.home;
        self.kernel.store().fold_log().unwrap();
        fs::write(home.database(), "").unwrap();
        let store = Store::open(home).unwrap();
        assert!(store.notices()[0].contains("Read from it: nothing"), "{:?}", store.notices());
        store
    }
}

#[test]
fn finished_runs_are_backed_up_and_deleted_runs_stay_deleted() {
    let bench = Bench::new();
    let [kept, deleted] = [1, 1].map(|seed| {
        let run = bench.train(&[seed]);
        bench.run_events(run);
        run
    });
    bench.kernel.back_up_if_due();
    bench.kernel.delete(deleted).unwrap();
    bench.kernel.back_up_if_due();
    let store = bench.store_is_destroyed();
    assert_eq!(store.run(kept).unwrap().state, RunState::Finished);
    assert_eq!(store.epochs(kept).unwrap().len(), 2);
    assert!(matches!(store.run(deleted), Err(StoreError::NoSuchRun(_))));
}

#[test]
fn a_run_restored_without_its_checkpoints_can_be_resumed() {
    let bench = Bench::new();
    let run = bench.train(&[UNTIL_STOPPED]);
    bench.kernel.stop(run).unwrap();
    bench.run_events(run);
    bench.kernel.back_up_if_due();
    fs::remove_dir_all(bench.kernel.home.runs()).unwrap();
    let store = bench.store_is_destroyed();
    *bench.kernel.store() = store;
    bench.kernel.resume(run).unwrap();
    bench.events_until(|event| matches!(event, Event::Run(RunEvent::Progress { .. })));
    bench.kernel.stop(run).unwrap();
    assert_eq!(bench.run_events(run).last(), Some(&RunEvent::Stopped { run }));
}

/// A copy of the one file, made while the kernel runs, contains all finished and halted runs.
#[test]
fn the_file_alone_has_all_finished_and_halted_runs() {
    let bench = Bench::new();
    let run = bench.train(&[1]);
    bench.run_events(run);
    bench.kernel.back_up_if_due();
    let elsewhere = Bench::new();
    let copy = elsewhere.kernel.home.folder().join("copy");
    fs::create_dir(&copy).unwrap();
    let copy = Home::at(copy).unwrap();
    fs::copy(bench.kernel.home.database(), copy.database()).unwrap();
    let store = Store::open_read(&copy).unwrap();
    assert!(store.run(run).unwrap().state == RunState::Finished && store.epochs(run).unwrap().len() == 2);
}

#[test]
fn a_change_is_backed_up_and_a_failed_backup_repeated() {
    let bench = Bench::new();
    let run = bench.train(&[1]);
    bench.run_events(run);
    let backup = bench.kernel.home.backup();
    bench.kernel.back_up_if_due();
    fs::remove_file(&backup).unwrap();
    bench.kernel.back_up_if_due();
    bench.kernel.back_up_at_shutdown();
    assert!(!backup.exists(), "no news");
    // A folder at its path has the effect of a disk that refuses.
    fs::create_dir(&backup).unwrap();
    bench.kernel.request_backup();
    bench.kernel.back_up_if_due();
    let files = fs::read_dir(bench.kernel.home.folder()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!files.into_iter().any(|name| name.to_string_lossy().starts_with(".writing")), "no litter");
    fs::remove_dir(&backup).unwrap();
    bench.kernel.back_up_at_shutdown();
    assert!(backup.is_file());
}
