//! Homes that other programs remove, replace or move beneath a running kernel: no measurement is lost, and nothing is
//! announced as stored that could not be found.

use super::{Bench, UNTIL_STOPPED};
use crate::lifecycle::HomeLocation;
use protocol::{ErrorKind, Event, Preset, RunEvent, RunId, RunState, Study};
use std::{fs, path::PathBuf};
use store::Store;

impl Bench {
    fn file(&self, suffix: &str) -> PathBuf {
        self.kernel.home.folder().join(format!("notebook.db{suffix}"))
    }

    /// A home with a finished run and one that trains.
    fn two_runs(&self) -> [RunId; 2] {
        let over = self.train(&[1]);
        self.run_events(over);
        let trains = self.train(&[UNTIL_STOPPED]);
        self.events_until(|event| matches!(event, Event::Run(RunEvent::Progress { run, .. }) if *run == trains));
        [over, trains]
    }

    /// What a new reader of the home finds.
    fn found(&self, run: RunId) -> RunState {
        Store::open_read(&self.kernel.home).unwrap().run(run).map_or_else(|error| panic!("{error}"), |run| run.state)
    }

    fn notice(&self, run: RunId) -> String {
        let all = self.kernel.hub.notices();
        all.into_iter().find(|(of, _)| *of == run).map(|(_, text)| text).unwrap_or_default()
    }
}

#[test]
fn a_removed_store_is_put_back_with_all_its_rows() {
    for lost in [&["", "-wal", "-shm"][..], &[""], &["-wal"], &["-shm"], &["-wal", "-shm"]] {
        // A reader that opens the home meanwhile creates an empty store.
        for somebody_looks in [false, true] {
            let bench = Bench::new();
            let [over, trains] = bench.two_runs();
            bench.kernel.back_up_if_due();
            for suffix in lost {
                fs::remove_file(bench.file(suffix)).unwrap();
            }
            if somebody_looks {
                let _ = Store::open_read(&bench.kernel.home);
            }
            let refusal = bench.kernel.train(Study::of(Preset::Article), None).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::Storage, "{}", refusal.message);
            bench.kernel.ensure_store();
            bench.kernel.store().check_in_place().unwrap_or_else(|error| panic!("{lost:?} {somebody_looks}: {error}"));
            assert!(bench.notice(trains).contains("there again"), "{lost:?}: {}", bench.notice(trains));
            bench.kernel.stop(trains).unwrap();
            bench.run_events(trains);
            // Some hours later.
            bench.kernel.store().fold_log().unwrap();
            assert_eq!((bench.found(over), bench.found(trains)), (RunState::Finished, RunState::Stopped), "{lost:?}");
            let store = Store::open(&bench.kernel.home).unwrap();
            assert!(store.epochs(over).unwrap().len() == 2 && store.notices().is_empty(), "{:?}", store.notices());
        }
    }
}

#[test]
fn an_epoch_is_announced_only_after_the_store_is_back() {
    let bench = Bench::new();
    fs::remove_file(bench.file("")).unwrap();
    bench.kernel.store().check_in_place().unwrap_err();
    bench.kernel.ensure_store();
    let run = bench.train(&[1]);
    bench.run_events(run);
    assert_eq!(Store::open_read(&bench.kernel.home).unwrap().epochs(run).unwrap().len(), 2);
}

#[test]
fn another_store_at_the_path_is_not_changed() {
    let bench = Bench::new();
    let [over, trains] = bench.two_runs();
    let elsewhere = Bench::new();
    let restored = elsewhere.train(&[1]);
    elsewhere.run_events(restored);
    elsewhere.kernel.store().rename(restored, Some("restored")).unwrap();
    elsewhere.kernel.store().fold_log().unwrap();
    let before = fs::read(elsewhere.file("")).unwrap();
    fs::rename(elsewhere.file(""), bench.file("")).unwrap();

    bench.kernel.ensure_store();
    let notice = bench.notice(trains);
    assert!(notice.contains("was replaced") && notice.contains("kernel stop --force"), "{notice}");
    let refusal = bench.kernel.train(Study::of(Preset::Article), None).unwrap_err();
    assert!(refusal.kind == ErrorKind::Storage && refusal.message.contains("was replaced"), "{}", refusal.message);
    bench.kernel.ensure_store();
    bench.kernel.back_up_if_due();
    assert!(!bench.kernel.home.backup().exists(), "no backup of another's");
    assert!(fs::read(bench.file("")).unwrap() == before);

    // The next kernel serves that store without our log, and the rows of our log are in a file beside it.
    let store = Store::open(&bench.kernel.home).unwrap();
    assert_eq!(store.run(restored).unwrap().name.as_deref(), Some("restored"));
    drop(store);
    let names = fs::read_dir(bench.kernel.home.folder()).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<_> = names.filter(|path| path.to_string_lossy().contains(".kept-")).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(bench.file(suffix));
    }
    fs::rename(&kept[0], bench.file("")).unwrap();
    let states = [over, trains].map(|run| bench.found(run));
    assert_eq!(states, [RunState::Finished, RunState::Interrupted]);
    bench.kernel.halt_all(super::PATIENCE);
}

#[test]
fn a_moved_home_is_waited_for_and_not_created_again() {
    let bench = Bench::new();
    let [_, trains] = bench.two_runs();
    let home = bench.kernel.home.folder().to_owned();
    let moved = home.with_extension("moved");
    fs::rename(&home, &moved).unwrap();
    assert_eq!(bench.kernel.locate_home(), HomeLocation::Elsewhere);
    bench.kernel.ensure_store();
    assert!(bench.notice(trains).contains("was moved"), "{}", bench.notice(trains));
    bench.kernel.stop(trains).unwrap();
    bench.events_until(
        |event| matches!(event, Event::Run(RunEvent::Notice { text: Some(text), .. }) if text.contains("moved")),
    );
    bench.kernel.retry_unsaved();
    assert!(!home.exists(), "parts of it at the old path");

    fs::rename(&moved, &home).unwrap();
    assert_eq!(bench.kernel.locate_home(), HomeLocation::Here);
    bench.kernel.ensure_store();
    while !bench.kernel.jobs().runs.is_empty() {
        std::thread::yield_now();
    }
    bench.kernel.retry_unsaved();
    assert_eq!(bench.found(trains), RunState::Stopped);
}

#[test]
fn a_failed_removal_is_reported() {
    let bench = Bench::new();
    let run = bench.train(&[1]);
    bench.run_events(run);
    let folder = bench.kernel.home.run(run);
    fs::remove_dir_all(&folder).unwrap();
    // Not a folder, and so not removed as one. It stands for a folder of another program.
    fs::write(&folder, "").unwrap();
    let refusal = bench.kernel.delete(run).unwrap_err();
    assert!(refusal.message.contains(&folder.display().to_string()), "{}", refusal.message);
    assert_eq!(bench.run_events(run), [RunEvent::Deleted { run }]);
}

#[test]
fn a_folder_that_can_not_be_written_is_named() {
    let bench = Bench::new();
    let runs = bench.kernel.home.runs();
    fs::remove_dir_all(&runs).unwrap();
    fs::write(&runs, "").unwrap();
    let run = bench.train(&[1]);
    let events = bench.events_until(|event| matches!(event, Event::Run(RunEvent::Notice { text: Some(_), .. })));
    let names = |event: &Event| matches!(event, Event::Run(RunEvent::Notice { text: Some(text), .. }) if text.contains(&runs.display().to_string()));
    assert!(events.last().is_some_and(names), "{events:?}");
    bench.kernel.stop(run).unwrap();
    bench.run_events(run);
}

#[test]
fn a_removed_home_is_created_again_only_for_a_run() {
    let bench = Bench::new();
    let [over, trains] = bench.two_runs();
    let home = bench.kernel.home.folder().to_owned();
    fs::remove_dir_all(&home).unwrap();
    assert_eq!(bench.kernel.locate_home(), HomeLocation::Here);
    bench.kernel.ensure_store();
    bench.kernel.stop(trains).unwrap();
    bench.run_events(trains);
    assert_eq!((bench.found(over), bench.found(trains)), (RunState::Finished, RunState::Stopped));
    fs::remove_dir_all(&home).unwrap();
    assert_eq!(bench.kernel.locate_home(), HomeLocation::Removed);
    assert!(!home.exists());
}
