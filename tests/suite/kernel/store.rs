//! The store by its public interface: what is written is read back, with other readers and after damage.

use crate::common::disk::SmallDisk;
use crate::common::store::{RELU, TANH, checkpoint, commit, home, record, spec};
use protocol::{
    CellKey, CellRecord, Curves, Effort, Experiment, ExperimentSpec, Measurement, Metric, Outcome, RunEvent, RunId,
    RunState, RunTag, Study, WrongImages, format_tags,
};
use serde_json::json;
use std::{fs, io::Write, os::unix::fs::PermissionsExt, thread};
use store::{Committed, Home, LaneState, Store, StoreError};

#[test]
fn a_run_is_read_as_it_was_written() {
    let (_folder, home) = home();
    let mut store = Store::open(&home).unwrap();
    let run = store.create_run(&spec(), Some("first")).unwrap();
    for (lane, epoch) in [(RELU, 1), (TANH, 1), (RELU, 2)] {
        assert_eq!(commit(&mut store, run, lane, epoch), Committed::New);
    }
    drop(store);

    let store = Store::open(&home).unwrap();
    let summary = store.run(run).unwrap();
    assert_eq!((summary.name.as_deref(), summary.state, summary.spec), (Some("first"), RunState::Queued, spec()));
    assert_eq!((summary.epochs_done, summary.done), (1, vec![(RELU, 2), (TANH, 1)]));
    assert_eq!(
        summary.best,
        [
            (RELU, record(RELU, 2).get(Metric::ValError).unwrap()),
            (TANH, record(TANH, 1).get(Metric::ValError).unwrap())
        ]
    );
    assert_eq!(store.epochs(run).unwrap(), [record(RELU, 1), record(TANH, 1), record(RELU, 2)]);
    assert_eq!(store.checkpoints(run).unwrap().len(), 3);
    assert_eq!(store.runs().unwrap().len(), 1);
}

/// Metrics besides the columns of an epoch's row, for layers too, and the wrong images: separate for every lane, and
/// damage to one row affects only its run.
/// itself, and damage of one row is its run's.
#[test]
fn measurements_and_wrong_images_are_read_as_they_were_written() {
    let (_folder, home) = home();
    let mut store = Store::open(&home).unwrap();
    let run = store.create_run(&spec(), None).unwrap();
    let mut measured = record(RELU, 1).with(Metric::TrainError, 1.0 / 3.0).with(Metric::TestLoss, f64::INFINITY);
    for (layer, metric, value) in [("conv1", Metric::Zeros, 0.0), ("fc2", Metric::GradientRms, 1e-300)] {
        measured.measured.set(Measurement { metric, layer: Some(layer.parse().unwrap()), value });
    }
    let wrong = WrongImages {
        validation: (0..10_000).map(|image| image % 97 == 0).collect(),
        test: (0..77).map(|image| image == 76).collect(),
    };
    store.commit_epoch(run, (&measured, &wrong), &checkpoint(RELU, 1), &[], 1.0).unwrap();
    commit(&mut store, run, TANH, 1);
    let reader = Store::open_read(&home).unwrap();
    let mut expected = record(RELU, 1).with(Metric::TrainError, 1.0 / 3.0);
    expected.measured.extend(measured.measured.iter().filter(|one| one.layer.is_some()));
    assert_eq!(reader.epochs(run).unwrap(), [expected, record(TANH, 1)]);
    assert_eq!(reader.wrong_images(run, RELU, 1).unwrap(), wrong);
    assert_eq!(reader.wrong_images(run, TANH, 1).unwrap(), WrongImages::default());
    let raw = rusqlite::Connection::open(home.database()).unwrap();
    raw.execute("UPDATE wrong_images SET bits = zeroblob(length(bits)) WHERE split = 'test'", []).unwrap();
    assert!(matches!(reader.wrong_images(run, RELU, 1), Err(StoreError::DamagedRun(_))));
    assert_eq!(reader.epochs(run).unwrap().len(), 2);
    raw.execute("UPDATE measurements SET value = 2.0 WHERE metric = 'train_error'", []).unwrap();
    assert!(matches!(reader.epochs(run), Err(StoreError::DamagedRun(_))));
    drop(reader);
    store.delete(run).unwrap();
    let left: i64 = raw.query_row("SELECT count(*) FROM measurements, wrong_images", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn an_epoch_computed_again_is_not_announced_again() {
    let mut store = Store::in_memory().unwrap();
    let run = store.create_run(&spec(), None).unwrap();
    assert_eq!(commit(&mut store, run, RELU, 1), Committed::New);
    assert_eq!(commit(&mut store, run, RELU, 1), Committed::Same);
    let other = record(RELU, 1).with(Metric::ValError, 2.0);
    let committed = store.commit_epoch(run, (&other, &WrongImages::default()), &checkpoint(RELU, 1), &[], 1.0).unwrap();
    assert_eq!(committed, Committed::Different);
    assert_eq!(store.epochs(run).unwrap(), [record(RELU, 1)]);
}

#[test]
fn a_loss_that_is_not_finite_is_a_permanent_error() {
    let mut store = Store::in_memory().unwrap();
    let run = store.create_run(&spec(), None).unwrap();
    let nan = record(RELU, 1).with(Metric::TrainLoss, f64::NAN);
    let error = store.commit_epoch(run, (&nan, &WrongImages::default()), &checkpoint(RELU, 1), &[], 1.0).unwrap_err();
    assert!(!error.is_transient(), "{error}");
}

#[test]
fn the_history_replays_what_followers_saw() {
    let mut store = Store::in_memory().unwrap();
    let run = store.create_run(&spec(), None).unwrap();
    commit(&mut store, run, RELU, 1);
    store.set_lane(run, TANH, LaneState::Diverged { epoch: 1, batch: 7 }).unwrap();
    assert_eq!(store.run(run).unwrap().done, [(RELU, 1)], "nobody waits for the other");
    assert!(store.set_backend(run, "fused (AVX2)").unwrap());
    assert!(!store.set_backend(run, "fused (AVX2)").unwrap(), "no news");
    store.set_not_exact(run, "threads was 1, is 2").unwrap();
    let failed = RunState::Failed { reason: "all arms diverged".into() };
    store.set_state(run, &failed).unwrap();
    assert_eq!(store.run(run).unwrap().state, failed);
    let expected = [
        RunEvent::Started { run, spec: spec() },
        RunEvent::Backend { run, name: "fused (AVX2)".into() },
        RunEvent::Epoch { run, record: record(RELU, 1) },
        RunEvent::Elapsed { run, seconds: 1.5 },
        RunEvent::Diverged { run, arm: TANH.arm, seed: 1, epoch: 1, batch: 7 },
        RunEvent::NotExact { run, why: "threads was 1, is 2".into() },
        RunEvent::Failed { run, reason: "all arms diverged".into() },
    ];
    assert_eq!(store.history(run).unwrap(), expected);
    store.set_state(run, &RunState::Running).unwrap();
    assert_eq!(store.history(run).unwrap().len(), 6, "a running run has no end");
}

/// A run's time is wall-clock time, whatever its lanes took together, and does not change while the run is halted.
#[test]
fn a_runs_time_is_stored_and_bounded_for_older_stores() {
    let (_folder, home) = home();
    let mut store = Store::open(&home).unwrap();
    let run = store.create_run(&spec(), None).unwrap();
    let elapsed = |store: &Store| Some(store.run(run).unwrap().elapsed);
    assert_eq!(elapsed(&store), Some(0.0));
    commit(&mut store, run, RELU, 1);
    commit(&mut store, run, TANH, 2);
    assert_eq!(elapsed(&store), Some(3.0));
    store.set_state_and_elapsed(run, &RunState::Paused, Some(4.5)).unwrap();
    assert_eq!(elapsed(&Store::open_read(&home).unwrap()), Some(4.5));
    store.set_state(run, &RunState::Stopped).unwrap();
    assert_eq!(elapsed(&store), Some(4.5), "a change of state takes no time");
    // As stored by a version without this time: at most what the lanes took together, and at most what has passed in
    // all.
    let together: f64 = store.epochs(run).unwrap().iter().filter_map(|epoch| epoch.get(Metric::Seconds)).sum();
    let older = |created: i64| {
        let connection = rusqlite::Connection::open(home.database()).unwrap();
        let sql = "UPDATE runs SET elapsed = NULL, sum = NULL, created = ?1, updated = 1000";
        connection.execute(sql, [created]).unwrap();
        elapsed(&Store::open_read(&home).unwrap())
    };
    assert_eq!(older(1000), Some(0.0));
    assert!(older(0).is_some_and(|older| (older - together).abs() < 1e-9));
}

#[test]
fn a_deleted_run_is_gone_and_its_number_is_never_used_again() {
    let (_folder, home) = home();
    let mut store = Store::open(&home).unwrap();
    let run = store.create_run(&spec(), None).unwrap();
    commit(&mut store, run, RELU, 1);
    store.delete(run).unwrap();
    assert!(matches!(store.run(run), Err(StoreError::NoSuchRun(gone)) if gone == run));
    assert!(matches!(store.rename(run, Some("x")), Err(StoreError::NoSuchRun(_))));
    assert!(store.epochs(run).unwrap().is_empty());
    drop(store);
    let next = Store::open(&home).unwrap().create_run(&spec(), None).unwrap();
    assert!(next > run);
}

#[test]
fn tags_and_notes_are_stored() {
    let (_folder, home) = home();
    let mut store = Store::open(&home).unwrap();
    let run = store.create_run(&spec(), None).unwrap();
    let labels = || {
        let summary = Store::open_read(&home).unwrap().run(run).unwrap();
        (format_tags(&summary.tags), summary.notes)
    };
    assert_eq!(labels(), (String::new(), None));
    store.set_tags(run, &RunTag::parse_list("wide slow").unwrap()).unwrap();
    store.set_notes(run, Some("a \"note\"")).unwrap();
    assert_eq!(labels(), ("#wide #slow".into(), Some("a \"note\"".into())));
    let raw = rusqlite::Connection::open(home.database()).unwrap();
    raw.execute("UPDATE runs SET notes = 'another'", []).unwrap();
    assert!(matches!(store.run(run), Err(StoreError::DamagedRun(_))), "they are in the row's checksum");
    raw.execute("UPDATE runs SET notes = 'a \"note\"'", []).unwrap();
    store.set_tags(run, &[]).unwrap();
    store.set_notes(run, None).unwrap();
    assert_eq!(labels(), (String::new(), None));
    let gone = RunId(9);
    assert!(matches!(store.set_tags(gone, &[]), Err(StoreError::NoSuchRun(_))));
    assert!(matches!(store.set_notes(gone, None), Err(StoreError::NoSuchRun(_))));
}

/// The list and a single run are read alike, whatever became of the lanes.
#[test]
fn a_list_says_of_each_run_what_the_run_says() {
    let mut store = Store::in_memory().unwrap();
    for (number, epochs) in [3_u32, 0, 2].into_iter().enumerate() {
        let run = store.create_run(&spec(), None).unwrap();
        for epoch in 1..=epochs {
            commit(&mut store, run, RELU, epoch);
        }
        if number == 2 {
            commit(&mut store, run, TANH, 1);
            store.set_lane(run, TANH, LaneState::Diverged { epoch: 2, batch: 1 }).unwrap();
        }
    }
    let listed = store.runs().unwrap();
    let single: Vec<_> = listed.iter().map(|summary| store.run(summary.run).unwrap()).collect();
    assert_eq!(listed, single);
    let done: Vec<_> = listed.iter().map(|summary| summary.done.clone()).collect();
    assert_eq!(done, [vec![(RELU, 2)], vec![(RELU, 0), (TANH, 0)], vec![(RELU, 3), (TANH, 0)]]);
    let best = |epoch| record(RELU, epoch).get(Metric::ValError).unwrap();
    assert_eq!(listed[0].best[0], (RELU, best(2)));
    assert!(listed[1].best.is_empty());
    assert_eq!(listed[2].best, [(RELU, best(3))]);
    // A page is a part of the list, and there is none when it would be the whole list.
    assert_eq!(store.newest_runs(2).unwrap().as_deref(), Some(&listed[..2]));
    assert_eq!(store.newest_runs(3).unwrap(), None);
    store.delete(listed[1].run).unwrap();
    assert_eq!(store.newest_runs(1).unwrap().as_deref(), Some(&listed[..1]));
}

#[test]
fn cells_and_progress_are_stored() {
    let (_folder, home) = home();
    let cell = CellKey { lesson: "faster".into(), cell: "curves".into() };
    let experiment = Experiment::Curves(Curves { activations: vec![], from: -1.0, to: 1.0 });
    let spec = ExperimentSpec { experiment, effort: Effort::Quick, seeds: vec![1] };
    let kept =
        CellRecord { cell: cell.clone(), spec, outcome: Outcome { seconds: 0.1, ..Outcome::default() }, finished: 9 };
    let mut store = Store::open(&home).unwrap();
    store.commit_cell(&kept).unwrap();
    store.remember("place", &json!({"lesson": "faster", "scroll": 12})).unwrap();
    store.remember("answer/q1", &json!(2)).unwrap();
    drop(store);
    let mut store = Store::open(&home).unwrap();
    assert_eq!(store.cell_outcome(&cell).unwrap().as_ref(), Some(&kept));
    assert_eq!(store.cell_outcomes().unwrap(), [kept]);
    assert_eq!(store.recall("place").unwrap().unwrap()["scroll"], 12);
    assert_eq!(store.recall_all("answer/").unwrap(), [("answer/q1".to_owned(), json!(2))]);
    store.remember("place", &json!(null)).unwrap();
    assert_eq!(store.recall("place").unwrap(), None);
}

#[test]
fn a_reader_sees_each_commit_and_cannot_write() {
    let (_folder, home) = home();
    let mut reader = Store::open_read(&home).unwrap();
    assert!(reader.runs().unwrap().is_empty(), "a new home has an empty store");
    let mut writer = Store::open(&home).unwrap();
    let run = writer.create_run(&spec(), None).unwrap();
    commit(&mut writer, run, RELU, 1);
    assert_eq!(reader.epochs(run).unwrap().len(), 1);
    assert!(matches!(reader.rename(run, None), Err(StoreError::ReadOnly(_))));
}

/// Eight readers open a home that has no store yet, and read while the writer commits: no BUSY, no lost row.
#[test]
fn many_open_a_new_home_at_once() {
    let (_folder, home) = home();
    home.prepare().unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let reader = Store::open_read(&home).unwrap();
                while reader.epochs(RunId(1)).unwrap().len() < 40 {
                    thread::yield_now();
                }
            });
        }
        scope.spawn(|| {
            let mut store = Store::open(&home).unwrap();
            let run = store.create_run(&Study { epochs: 40, ..spec() }, None).unwrap();
            for epoch in 1..=40 {
                commit(&mut store, run, RELU, epoch);
            }
        });
    });
}

#[test]
fn one_unreadable_run_does_not_hide_the_others() {
    let (_folder, home) = home();
    let mut store = Store::open(&home).unwrap();
    let damaged = store.create_run(&spec(), None).unwrap();
    let whole = store.create_run(&spec(), None).unwrap();
    let raw = rusqlite::Connection::open(home.database()).unwrap();
    raw.execute("UPDATE runs SET spec = '{\"epochs\": -1' WHERE id = ?1", [damaged.0]).unwrap();
    let runs = store.runs().unwrap();
    assert_eq!(runs.iter().map(|run| run.run).collect::<Vec<_>>(), [whole]);
    let error = store.run(damaged).unwrap_err().to_string();
    assert!(error.contains(&format!("run {damaged}")), "{error}");
}

/// Nor does one damaged text: it is reported with its run, and the next kernel starts all the same.
#[test]
fn a_damaged_text_affects_only_its_run() {
    let damages = [
        "UPDATE epochs SET arm = 'relu-tani' WHERE run = 1",
        "UPDATE epochs SET arm = CAST(x'ff' AS TEXT) WHERE run = 1",
        "UPDATE epochs SET epoch = -1 WHERE run = 1",
        "UPDATE runs SET name = CAST(x'ff' AS TEXT) WHERE id = 1",
        "UPDATE runs SET not_exact = CAST(x'ff' AS TEXT) WHERE id = 1",
    ];
    for damage in damages {
        let (_folder, home) = home();
        let mut store = Store::open(&home).unwrap();
        let damaged = store.create_run(&spec(), None).unwrap();
        let whole = store.create_run(&spec(), None).unwrap();
        for run in [damaged, whole] {
            commit(&mut store, run, RELU, 1);
            store.set_state(run, &RunState::Finished).unwrap();
        }
        let raw = rusqlite::Connection::open(home.database()).unwrap();
        raw.execute(damage, []).unwrap();
        let (runs, faults) = store.runs_and_faults().unwrap();
        assert_eq!(runs.iter().map(|run| run.run).collect::<Vec<_>>(), [whole], "{damage}");
        assert!(matches!(&faults[..], [fault] if fault.run == damaged), "{damage}: {faults:?}");
        assert!(matches!(store.history(damaged), Err(StoreError::DamagedRun(_))), "{damage}");
        assert_eq!(store.finished_runs().unwrap().len(), 1, "{damage}");
        for run in [damaged, whole] {
            store.set_state(run, &RunState::Running).unwrap();
        }
        assert_eq!(store.interrupt_all().unwrap(), [damaged, whole], "{damage}");
        assert_eq!(store.run(whole).unwrap().state, RunState::Interrupted);
    }
}

#[test]
fn damaged_progress_or_outcomes_count_as_none() {
    let (_folder, home) = home();
    let mut store = Store::open(&home).unwrap();
    store.remember("place/a", &json!(1)).unwrap();
    store.remember("place/b", &json!(2)).unwrap();
    let raw = rusqlite::Connection::open(home.database()).unwrap();
    raw.execute("UPDATE place SET value = CAST(x'ff' AS TEXT) WHERE key = 'place/a'", []).unwrap();
    raw.execute("INSERT INTO cells VALUES ('l', 'c', CAST(x'ff' AS TEXT), '{}', 1, NULL)", []).unwrap();
    assert_eq!(store.recall("place/a").unwrap(), None);
    assert_eq!(store.recall_all("place/").unwrap(), [("place/b".to_owned(), json!(2))]);
    assert_eq!(store.cell_outcomes().unwrap(), []);
    assert_eq!(store.cell_outcome(&CellKey { lesson: "l".into(), cell: "c".into() }).unwrap(), None);
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let (_folder, home) = home();
    drop(Store::open(&home).unwrap());
    rusqlite::Connection::open(home.database()).unwrap().pragma_update(None, "user_version", 1000).unwrap();
    for opened in [Store::open(&home), Store::open_read(&home)] {
        assert!(matches!(opened.err(), Some(StoreError::Newer(_))));
    }
}

#[test]
fn nothing_in_the_home_is_readable_by_others() {
    let (_folder, home) = home();
    let mut store = Store::open(&home).unwrap();
    store.create_run(&spec(), None).unwrap();
    for entry in fs::read_dir(home.folder()).unwrap().flatten() {
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", entry.path().display());
    }
}

#[test]
fn an_unusable_home_is_an_error_and_a_store_in_memory_works() {
    let (folder, _) = home();
    let file = folder.path().join("file");
    fs::File::create(&file).unwrap().write_all(b"x").unwrap();
    let home = Home::at(&file).unwrap();
    assert!(matches!(Store::open_read(&home).err(), Some(StoreError::Home(_))));
    let mut store = Store::in_memory().unwrap();
    store.remember("place", &json!(1)).unwrap();
    assert_eq!(store.recall("place").unwrap(), Some(json!(1)));
}

#[test]
fn a_read_only_home_can_be_read_and_says_why_it_can_not_be_written() {
    let Some(disk) = SmallDisk::mount() else { return };
    let home = Home::at(disk.path().join("100% mine?#")).unwrap();
    let mut store = Store::open(&home).unwrap();
    let run = store.create_run(&spec(), None).unwrap();
    commit(&mut store, run, RELU, 1);
    // As left by a killed kernel: the last commits are only in the log.
    let killed = Home::at(disk.path().join("killed")).unwrap();
    killed.prepare().unwrap();
    for entry in fs::read_dir(home.folder()).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), killed.folder().join(entry.file_name())).unwrap();
    }
    assert!(killed.folder().join("notebook.db-wal").exists());
    drop(store);
    assert!(disk.make_read_only());
    for home in [&home, &killed] {
        let reader = Store::open_read(home).unwrap();
        assert_eq!(reader.epochs(run).unwrap(), [record(RELU, 1)], "{home:?}");
    }
    let error = Store::open(&home).err().unwrap().to_string();
    assert!(error.contains("can't be written") && error.contains("RELU_HOME"), "{error}");
    let elsewhere = Home::at(disk.path().join("new")).unwrap();
    assert!(matches!(Store::open_read(&elsewhere).err(), Some(StoreError::Home(_))));
}

/// Not even SQLite's shared memory has space; what a kernel left in good order can still be read.
#[test]
fn a_store_is_read_on_a_full_disk() {
    let Some(disk) = SmallDisk::mount() else { return };
    let home = Home::at(disk.path().join("home")).unwrap();
    let mut store = Store::open(&home).unwrap();
    let run = store.create_run(&spec(), None).unwrap();
    commit(&mut store, run, RELU, 1);
    store.fold_log().unwrap();
    drop(store);
    for file in ["notebook.db-wal", "notebook.db-shm"] {
        fs::remove_file(home.folder().join(file)).unwrap();
    }
    disk.fill();
    assert_eq!(Store::open_read(&home).unwrap().epochs(run).unwrap(), [record(RELU, 1)]);
    assert!(matches!(Store::open(&home).err(), Some(StoreError::Full)));
}

/// What a table or a chart replaces is whole until all of the new one has room.
#[test]
fn a_file_survives_that_it_can_not_be_replaced_on_a_full_disk() {
    let Some(disk) = SmallDisk::mount() else { return };
    let (_folder, home) = home();
    let file = disk.path().join("curves.csv");
    fs::write(&file, "the old table").unwrap();
    disk.fill();
    let long = vec![b'x'; 100_000];
    let error = store::write_out(&home, &file, &long).unwrap_err();
    assert!(error.to_string().contains("No space left"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "the old table");
    disk.free();
    store::write_out(&home, &file, &long).unwrap();
    assert_eq!(fs::read(&file).unwrap(), long);
    store::write_out(&home, &file, b"short").unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"short");
}
