//! Damaged stores: renamed aside with everything readable salvaged, and repaired from their backup.

use crate::common::disk::SmallDisk;
use crate::common::store::{RELU, TANH, commit, home, record, spec};
use protocol::{Metric, RunId, RunState, RunTag, Study};
use serde_json::json;
use std::{fs, io::Write, os::unix::fs::PermissionsExt, path::PathBuf};
use store::{DamagedRun, Home, LaneState, Store, StoreError};

const NOTES: &str = "the second seed took longest";

fn tags() -> Vec<RunTag> {
    RunTag::parse_list("wide slow").unwrap()
}

/// A store with one run of two epochs, as left by a kernel.
fn stored(home: &Home) -> RunId {
    let mut store = Store::open(home).unwrap();
    let run = store.create_run(&spec(), Some("kept")).unwrap();
    store.set_tags(run, &tags()).unwrap();
    store.set_notes(run, Some(NOTES)).unwrap();
    for epoch in 1..=2 {
        commit(&mut store, run, RELU, epoch);
    }
    store.remember("place/faster", &json!(7)).unwrap();
    store.fold_log().unwrap();
    run
}

/// Allocates no new block of the disk.
fn destroy_header(home: &Home) {
    fs::OpenOptions::new().write(true).open(home.database()).unwrap().write_all(&[0xff; 100]).unwrap();
}

fn cut_to_nothing(home: &Home) {
    fs::write(home.database(), "").unwrap();
}

/// Files in the home whose names contain this.
fn named(home: &Home, part: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(home.folder()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.to_string_lossy().contains(part)).collect()
}

/// Opens it like the next kernel. Returns the only notice too.
fn next(home: &Home) -> (Store, String) {
    let store = Store::open(home).unwrap();
    let [notice] = store.notices() else { panic!("{:?}", store.notices()) };
    let notice = notice.clone();
    (store, notice)
}

/// Damage as disks cause it: each leaves a store that opens, the old file beside it, and no number used twice.
#[test]
fn a_damaged_store_is_renamed_and_never_deleted() {
    type Damage = fn(&Home);
    let damages: [(&str, Damage); 3] = [
        ("no database", |home| fs::write(home.database(), "x".repeat(5000)).unwrap()),
        ("header alone", |home| {
            fs::write(home.database(), [b"SQLite format 3\0".as_slice(), &[7; 4080]].concat()).unwrap();
        }),
        ("zeroed pages", |home| {
            let bytes = fs::read(home.database()).unwrap();
            let zeroed = [&bytes[..4096], &vec![0; bytes.len() - 4096]].concat();
            fs::write(home.database(), zeroed).unwrap();
        }),
    ];
    for (name, damage) in damages {
        let (_folder, home) = home();
        let mut store = Store::open(&home).unwrap();
        let run = store.create_run(&spec(), None).unwrap();
        fs::create_dir_all(home.run(run)).unwrap();
        store.fold_log().unwrap();
        drop(store);
        damage(&home);
        let mut store = Store::open(&home).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(store.notices()[0].contains("damaged"), "{name}: {:?}", store.notices());
        assert!(store.runs().unwrap().is_empty());
        assert!(store.create_run(&spec(), None).unwrap() > run, "{name}: its folder is still there");
        let aside = fs::read_dir(home.folder()).unwrap().flatten();
        let aside = aside.filter(|entry| entry.file_name().to_string_lossy().contains("notebook.db.damaged-"));
        assert!(aside.count() >= 1, "{name}");
        assert!(Store::open(&home).unwrap().notices().is_empty(), "{name}: the new one is whole");
    }
}

/// The version number is damaged: the tables exist already, and everything in them is salvaged.
#[test]
fn a_store_with_a_wrong_version_number_is_salvaged() {
    for version in 0..=1 {
        let (_folder, home) = home();
        let mut store = Store::open(&home).unwrap();
        let run = store.create_run(&spec(), None).unwrap();
        commit(&mut store, run, RELU, 1);
        drop(store);
        rusqlite::Connection::open(home.database()).unwrap().pragma_update(None, "user_version", version).unwrap();
        let store = Store::open(&home).unwrap();
        assert!(store.notices()[0].contains("Read from it: 1 run with 1 epoch;"), "{:?}", store.notices());
        assert_eq!(store.epochs(run).unwrap(), [record(RELU, 1)]);
    }
}

/// One page of many is damaged: the rows of the others are in the new store, and the old one is kept.
#[test]
fn readable_rows_of_a_damaged_store_are_salvaged() {
    let (_folder, home) = home();
    let mut store = Store::open(&home).unwrap();
    let first = store.create_run(&spec(), Some("kept")).unwrap();
    let second = store.create_run(&spec(), None).unwrap();
    for epoch in 1..=300 {
        commit(&mut store, first, RELU, epoch);
        commit(&mut store, second, TANH, epoch);
    }
    let before = store.epochs(first).unwrap();
    store.fold_log().unwrap();
    drop(store);
    // The page with the 149th epoch of the first run, found by its loss.
    let mut bytes = fs::read(home.database()).unwrap();
    let loss = record(RELU, 149).get(Metric::TrainLoss).unwrap().to_be_bytes();
    let at = bytes.windows(8).position(|window| window == loss).expect("the epoch stands in the file");
    let page = at / 4096 * 4096;
    bytes[page..page + 4096].fill(0);
    fs::write(home.database(), bytes).unwrap();

    let store = Store::open(&home).unwrap();
    let notice = &store.notices()[0];
    assert!(notice.contains("damaged") && notice.contains("2 runs with"), "{notice}");
    assert!(notice.contains("from its backup: there was none yet"), "{notice}");
    assert_eq!(store.run(first).unwrap().name.as_deref(), Some("kept"));
    assert_eq!(store.runs().unwrap().len(), 2);
    let after = store.epochs(first).unwrap();
    assert!(after.len() > 200 && after.len() < 300, "{} epochs", after.len());
    assert!(after.iter().all(|record| before.contains(record)), "nothing is made up");
    assert_eq!((after.first(), after.last()), (before.first(), before.last()), "read from both ends");
    drop(store);
    assert!(Store::open(&home).unwrap().notices().is_empty(), "the new one is whole");
}

#[test]
fn a_destroyed_store_is_restored_from_its_backup() {
    for damage in [destroy_header, cut_to_nothing] {
        let (_folder, home) = home();
        let run = stored(&home);
        store::back_up(&home).unwrap();
        assert_eq!(fs::metadata(home.backup()).unwrap().permissions().mode() & 0o777, 0o600);
        damage(&home);
        // A notebook may open the home first, and begins nothing new in the file.
        assert!(matches!(Store::open_read(&home).err(), Some(StoreError::Damaged(_))));
        let (store, notice) = next(&home);
        assert!(notice.contains("Read from it: nothing; from its backup: 1 run with 2 epochs."), "{notice}");
        assert!(notice.contains("runs are untouched"), "{notice}");
        let summary = store.run(run).unwrap();
        assert_eq!((summary.name.as_deref(), summary.tags), (Some("kept"), tags()));
        assert_eq!(summary.notes.as_deref(), Some(NOTES));
        assert_eq!(store.epochs(run).unwrap(), [record(RELU, 1), record(RELU, 2)]);
        assert_eq!(store.recall("place/faster").unwrap(), Some(json!(7)));
        drop(store);
        assert_eq!(Store::open(&home).unwrap().notices(), [""; 0], "the new one is whole");
        assert_eq!(named(&home, "notebook.db.damaged-").len(), 3, "with its log and its shared memory");
        assert_eq!(named(&home, "restored").len() + named(&home, ".writing-").len(), 0);
    }
}

#[test]
fn a_backup_adds_only_what_a_damaged_store_lacks() {
    let (_folder, home) = home();
    let run = stored(&home);
    store::back_up(&home).unwrap();
    let mut store = Store::open(&home).unwrap();
    let later = store.create_run(&spec(), None).unwrap();
    commit(&mut store, later, RELU, 1);
    store.rename(run, Some("renamed")).unwrap();
    store.fold_log().unwrap();
    drop(store);
    let raw = rusqlite::Connection::open(home.database()).unwrap();
    raw.execute("DELETE FROM epochs WHERE run = ?1 AND epoch = 2", [run.0]).unwrap();
    raw.pragma_update(None, "user_version", 1).unwrap();
    drop(raw);
    let (store, notice) = next(&home);
    assert!(notice.contains("Read from it: 2 runs with 2 epochs; from its backup: 1 epoch."), "{notice}");
    assert_eq!(store.run(run).unwrap().name.as_deref(), Some("renamed"), "the damaged file knows better");
    assert_eq!((store.epochs(run).unwrap().len(), store.epochs(later).unwrap().len()), (2, 1));
}

#[test]
fn a_damaged_backup_is_salvaged_and_kept() {
    let (_folder, home) = home();
    stored(&home);
    store::back_up(&home).unwrap();
    fs::write(home.backup(), "no backup".repeat(1000)).unwrap();
    destroy_header(&home);
    let (store, notice) = next(&home);
    assert!(notice.contains("from its backup: nothing (it was damaged too; kept as"), "{notice}");
    assert_eq!(store.runs().unwrap(), []);
    assert_eq!(named(&home, "notebook.db.backup.damaged-").len(), 1);
    store::back_up(&home).unwrap();
}

#[test]
fn damage_does_not_make_run_numbers_repeat() {
    let (_folder, home) = home();
    let run = stored(&home);
    Store::open(&home).unwrap().delete(run).unwrap();
    store::back_up(&home).unwrap();
    cut_to_nothing(&home);
    let (mut store, _) = next(&home);
    assert_eq!(store.runs().unwrap(), []);
    assert!(store.create_run(&spec(), None).unwrap() > run);
}

/// The lanes of a run are lost, and its epochs are not: the run is listed with them, and its lanes can end.
#[test]
fn lanes_that_a_damaged_store_has_lost_are_there_again() {
    let (_folder, home) = home();
    let run = stored(&home);
    let raw = rusqlite::Connection::open(home.database()).unwrap();
    raw.execute("DELETE FROM lanes", []).unwrap();
    raw.pragma_update(None, "user_version", 1).unwrap();
    drop(raw);
    let (mut store, _) = next(&home);
    let listed = &store.runs().unwrap()[0];
    assert_eq!((listed.run, &listed.done[..]), (run, &[(RELU, 2), (TANH, 0)][..]));
    store.set_lane(run, RELU, LaneState::Finished).unwrap();
}

/// Whether a kernel or a notebook opens the home first.
#[test]
fn a_removed_store_is_not_restored_and_its_backup_is_kept() {
    for notebook_first in [false, true] {
        let (_folder, home) = home();
        let run = stored(&home);
        store::back_up(&home).unwrap();
        for file in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{file}", home.database().display()));
        }
        if notebook_first {
            assert_eq!(Store::open_read(&home).unwrap().runs().unwrap(), []);
            assert!(matches!(store::back_up(&home), Err(StoreError::OthersBackup(_))), "never overwritten");
        }
        let (store, notice) = next(&home);
        assert_eq!(store.runs().unwrap(), []);
        let kept = named(&home, "notebook.db.backup.kept-").remove(0);
        assert!(notice.contains(&kept.display().to_string()), "{notice}");
        store::back_up(&home).unwrap();
        store.fold_log().unwrap();
        drop(store);
        // As the notice says.
        fs::rename(kept, home.database()).unwrap();
        assert_eq!(Store::open(&home).unwrap().epochs(run).unwrap().len(), 2);
    }
}

#[test]
fn an_interrupted_restoration_is_completed_on_the_next_opening() {
    let (_folder, home) = home();
    let run = stored(&home);
    fs::rename(home.database(), format!("{}.restored", home.database().display())).unwrap();
    assert_eq!(Store::open_read(&home).unwrap().epochs(run).unwrap().len(), 2);
}

#[test]
fn a_full_disk_harms_no_backup_and_restores_completely_or_not_at_all() {
    let Some(disk) = SmallDisk::mount() else { return };
    let home = Home::at(disk.path().join("home")).unwrap();
    let run = stored(&home);
    store::back_up(&home).unwrap();
    let mut store = Store::open(&home).unwrap();
    commit(&mut store, run, TANH, 1);
    store.fold_log().unwrap();
    let before = fs::read(home.backup()).unwrap();
    disk.fill();
    assert!(matches!(store::back_up(&home), Err(StoreError::Full)));
    assert_eq!(fs::read(home.backup()).unwrap(), before);
    assert_eq!(named(&home, ".writing-"), [""; 0].map(PathBuf::from));
    drop(store);
    destroy_header(&home);
    assert!(matches!(Store::open(&home).err(), Some(StoreError::Full)));
    assert_eq!(named(&home, ".damaged-").len() + named(&home, "restored").len(), 0, "all is as it was");
    disk.free();
    let (store, notice) = next(&home);
    assert!(notice.contains("from its backup: 1 run with 2 epochs."), "{notice}");
    assert_eq!(store.epochs(run).unwrap().len(), 2);
}

fn log_of(home: &Home) -> PathBuf {
    format!("{}-wal", home.database().display()).into()
}

/// A store whose last commits are only in its log, as left by a killed kernel; few of its rows are in the file.
fn killed(home: &Home) -> RunId {
    let mut store = Store::open(home).unwrap();
    store.fold_log().unwrap();
    let run = store.create_run(&spec(), Some("under way")).unwrap();
    for epoch in 1..=3 {
        commit(&mut store, run, RELU, epoch);
    }
    run
}

/// SQLite silently ignores everything behind the first bad frame.
#[test]
fn a_flipped_bit_in_the_log_loses_nothing_and_is_reported() {
    const FRAME: usize = 24 + 4096;
    let pristine = home();
    let run = killed(&pristine.1);
    let bytes = fs::read(log_of(&pristine.1)).unwrap();
    let frames = (bytes.len() - 32) / FRAME;
    // In the log's header, in frames' headers, in pages; not in the last frame, which a kill may cut off.
    let page = |frame: usize, at: usize| 32 + frame * FRAME + 24 + at;
    let in_headers = [17, 24, 32 + 2, 32 + 9, 32 + 17, 32 + FRAME + 3];
    let in_pages = [page(0, 700), page(0, 4000), page(1, 5), page(frames / 2, 3900), page(frames - 2, 4000)];
    for at in in_headers.into_iter().chain(in_pages) {
        let (_folder, home) = home();
        home.prepare().unwrap();
        fs::copy(pristine.1.database(), home.database()).unwrap();
        lay_checkpoint(&home, run, &spec());
        let mut damaged = bytes.clone();
        damaged[at] ^= 4;
        fs::write(log_of(&home), damaged).unwrap();
        let found = Store::examine(&home).unwrap();
        assert!(found.iter().any(|what| what.contains("write-ahead log")), "byte {at}: {found:?}");
        let places = [("place/a".to_string(), json!(1))];
        let kept = store::save_progress(&home, places.iter().map(|(key, value)| (key, value)));
        assert!(matches!(kept, Err(StoreError::Damaged(_))), "byte {at}: nothing is written over it");
        let store = Store::open_with(&home, &read_spec).unwrap();
        let notices = store.notices().join(" ");
        assert!(notices.contains("write-ahead log"), "byte {at}: {notices}");
        assert_eq!(store.run(run).unwrap().spec, spec(), "byte {at}: {notices}");
        let epochs = store.epochs(run).unwrap();
        // The bit may be in a row: that row is lost, and no other.
        assert!(epochs.len() >= if at < page(0, 0) { 3 } else { 2 }, "byte {at}: {} epochs, {notices}", epochs.len());
        assert!(epochs.iter().all(|epoch| *epoch == record(RELU, epoch.epoch)), "byte {at}: nothing is made up");
        assert_eq!(named(&home, "-wal").iter().filter(|path| path.to_string_lossy().contains(".damaged-")).count(), 1);
    }
}

/// An unfinished transaction of a killed kernel at the end of the log is no damage.
#[test]
fn an_unfinished_transaction_in_the_log_is_no_damage() {
    let pristine = home();
    let run = killed(&pristine.1);
    let bytes = fs::read(log_of(&pristine.1)).unwrap();
    let torn = |cut: usize, zeroed: usize| {
        let mut bytes = bytes[..bytes.len() - cut].to_vec();
        let length = bytes.len();
        bytes[length - zeroed..].fill(0);
        bytes
    };
    for log in [torn(1, 0), torn(4000, 0), torn(4100, 0), torn(0, 1000), torn(0, 4096), torn(2 * 4120, 0), Vec::new()] {
        let (_folder, home) = home();
        home.prepare().unwrap();
        fs::copy(pristine.1.database(), home.database()).unwrap();
        fs::write(log_of(&home), &log).unwrap();
        assert_eq!(Store::examine(&home).unwrap(), [""; 0]);
        let store = Store::open(&home).unwrap();
        assert_eq!(store.notices(), [""; 0], "{} bytes", log.len());
        if !log.is_empty() {
            assert!(store.epochs(run).unwrap().len() >= 2);
        }
    }
}

/// A digit that has changed inside a row is detected by reading the run, and restored from the backup.
#[test]
fn a_changed_value_is_detected_and_repaired() {
    for has_backup in [true, false] {
        let (_folder, home) = home();
        let run = stored(&home);
        if has_backup {
            store::back_up(&home).unwrap();
        }
        let raw = rusqlite::Connection::open(home.database()).unwrap();
        raw.execute("UPDATE epochs SET train_loss = train_loss + 1 WHERE epoch = 2", []).unwrap();
        raw.execute("UPDATE place SET value = '8'", []).unwrap();
        drop(raw);
        let reader = Store::open_read(&home).unwrap();
        assert!(matches!(reader.history(run), Err(StoreError::DamagedRun(DamagedRun { run: of, .. })) if of == run));
        assert_eq!(reader.recall("place/faster").unwrap(), None);
        let found = Store::examine(&home).unwrap();
        assert!(found[0].contains("epoch 2 of relu-tanh-s1 in run 1 does not match its checksum"), "{found:?}");
        assert_eq!(found.len(), 2, "{found:?}");
        drop(reader);
        let (store, notice) = next(&home);
        if has_backup {
            assert!(
                notice.contains("epoch 2 of relu-tanh-s1 in run 1, `place/faster`: taken from the backup"),
                "{notice}"
            );
            assert_eq!(store.epochs(run).unwrap(), [record(RELU, 1), record(RELU, 2)]);
            assert_eq!(store.recall("place/faster").unwrap(), Some(json!(7)));
        } else {
            assert!(notice.contains("`place/faster`: left out"), "{notice}");
            assert_eq!(store.epochs(run).unwrap(), [record(RELU, 1)], "no made-up loss");
        }
        assert_eq!(named(&home, "notebook.db.damaged-").len(), 1);
        drop(store);
        assert_eq!(Store::open(&home).unwrap().notices(), [""; 0], "it is whole");
    }
}

/// Later changes of a damaged run do not give it a valid checksum.
#[test]
fn writing_to_a_damaged_row_does_not_hide_the_damage() {
    let (_folder, home) = home();
    let mut store = Store::open(&home).unwrap();
    let run = store.create_run(&spec(), None).unwrap();
    let raw = rusqlite::Connection::open(home.database()).unwrap();
    raw.execute("UPDATE runs SET spec = json_set(spec, '$.learning_rate', 0.2)", []).unwrap();
    store.set_state(run, &RunState::Running).unwrap();
    assert_eq!(store.interrupt_all().unwrap(), [run]);
    assert!(matches!(store.run(run), Err(StoreError::DamagedRun(_))));
    let (store, faults) = (store.runs_and_faults().unwrap(), Store::examine(&home).unwrap());
    assert_eq!((store.0.len(), store.1.len()), (0, 1));
    assert!(faults[0].contains("the settings of run 1"), "{faults:?}");
}

/// The form of a checkpoint's file in these tests.
fn read_spec(file: &std::path::Path) -> Option<Study> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

fn lay_checkpoint(home: &Home, run: RunId, spec: &Study) {
    fs::create_dir_all(home.lane(run, RELU)).unwrap();
    fs::write(home.checkpoint(run, RELU, 1), serde_json::to_vec(spec).unwrap()).unwrap();
}

#[test]
fn the_settings_of_a_damaged_run_come_from_its_checkpoints() {
    let (_folder, home) = home();
    let run = stored(&home);
    lay_checkpoint(&home, run, &spec());
    let raw = rusqlite::Connection::open(home.database()).unwrap();
    raw.execute("UPDATE runs SET spec = json_set(spec, '$.learning_rate', 0.2)", []).unwrap();
    drop(raw);
    let store = Store::open_with(&home, &read_spec).unwrap();
    assert!(store.notices()[0].contains("the settings of run 1: taken from its checkpoints"), "{:?}", store.notices());
    let summary = store.run(run).unwrap();
    assert_eq!((summary.spec, summary.tags, summary.notes.as_deref()), (spec(), tags(), Some(NOTES)));
    assert_eq!(store.epochs(run).unwrap().len(), 2);
}

#[test]
fn a_folder_without_a_run_is_adopted_renamed_or_removed() {
    let (_folder, home) = home();
    let mut store = Store::open(&home).unwrap();
    let [lost, foreign, deleted, hollow] = [0; 4].map(|_| store.create_run(&spec(), None).unwrap());
    commit(&mut store, lost, RELU, 1);
    store.delete(deleted).unwrap();
    drop(store);
    let raw = rusqlite::Connection::open(home.database()).unwrap();
    raw.execute("DELETE FROM runs WHERE id != ?1", [deleted.0]).unwrap();
    drop(raw);
    for run in [lost, deleted] {
        lay_checkpoint(&home, run, &spec());
    }
    fs::create_dir_all(home.lane(hollow, RELU)).unwrap();
    fs::create_dir_all(home.run(foreign)).unwrap();
    fs::write(home.run(foreign).join("thesis.tex"), "x").unwrap();
    let found = Store::examine(&home).unwrap();
    assert_eq!(found.len(), 3, "{found:?}");

    let mut store = Store::open_with(&home, &read_spec).unwrap();
    let notices = store.notices().join("\n");
    assert!(notices.contains("`relu resume 1`") && notices.contains("runs/2.orphaned-"), "{notices}");
    let summary = store.run(lost).unwrap();
    assert_eq!((summary.spec, summary.state), (spec(), RunState::Stopped), "taken up by nobody but its reader");
    assert_eq!(store.lanes(lost).unwrap().len(), 2);
    assert!(home.run(lost).is_dir() && !home.run(deleted).exists() && !home.run(hollow).exists());
    assert_eq!(store.runs().unwrap().len(), 1);
    assert!(store.create_run(&spec(), None).unwrap() > hollow);
    drop(store);
    assert_eq!(Store::open_with(&home, &read_spec).unwrap().notices(), [""; 0]);
}

/// A lost row of a run loses no epoch of it.
#[test]
fn epochs_survive_the_loss_of_their_runs_row() {
    let (_folder, home) = home();
    let run = stored(&home);
    lay_checkpoint(&home, run, &spec());
    let raw = rusqlite::Connection::open(home.database()).unwrap();
    raw.pragma_update(None, "foreign_keys", false).unwrap();
    raw.execute("DELETE FROM runs", []).unwrap();
    raw.pragma_update(None, "user_version", 1).unwrap();
    drop(raw);
    let store = Store::open_with(&home, &read_spec).unwrap();
    assert!(store.notices().iter().any(|notice| notice.contains("in the list again")), "{:?}", store.notices());
    assert_eq!(store.epochs(run).unwrap(), [record(RELU, 1), record(RELU, 2)]);
}

#[test]
fn a_version_that_does_not_fit_is_reported_in_a_sentence() {
    for version in [0, 1, 2, 3] {
        let (_folder, home) = home();
        let run = stored(&home);
        let raw = rusqlite::Connection::open(home.database()).unwrap();
        raw.pragma_update(None, "user_version", version).unwrap();
        drop(raw);
        let (store, notice) = next(&home);
        assert!(notice.contains("its tables are not those of the version"), "{notice}");
        assert!(!notice.contains("CREATE") && !notice.contains('\n'), "{notice}");
        assert_eq!(store.epochs(run).unwrap().len(), 2);
    }
}
