//! What the reader sees of a full or read-only disk, a damaged store, and a kernel of another version: a message, while
//! everything else still works.

use crate::common::cli::TestHome;
use crate::common::disk::SmallDisk;
use crate::common::notebook;
use crate::common::notebook::Notebook;
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixListener,
    path::Path,
};
use store::{Home, Store};

const FIRST: &str = "One article, measured";
/// A text of the first screen of the next lesson.
const SECOND: &str = "Lesson 1 · ";
const BANNER: &str = "Nothing new is kept";

/// The value in the store under this key, once it has one.
fn stored_value(home: &TestHome, key: &str) -> Value {
    let home = Home::at(home.folder()).unwrap();
    let limit = std::time::Instant::now() + notebook::PATIENCE;
    loop {
        if let Some(value) = Store::open_read(&home).and_then(|store| store.recall(key)).unwrap() {
            return value;
        }
        assert!(std::time::Instant::now() < limit, "{key} is never kept");
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
}

#[test]
fn on_a_read_only_home_progress_is_stored_once_it_can_be_written() {
    let Some(disk) = SmallDisk::mount() else { return };
    let home = TestHome::within(disk.path());
    fs::create_dir(home.folder()).unwrap();
    assert!(disk.make_read_only());
    let mut notebook = Notebook::open(home);
    notebook.wait_for(FIRST);
    notebook.wait_for(BANNER);
    notebook.wait_for("Read-only file system");
    // Everything works that needs no writing: another lesson, its questions, search.
    notebook.press("n");
    notebook.wait_for(SECOND);
    notebook.press("/rectif");
    notebook.wait_for("places");
    // Escape alone, or the next key would be read as Alt and that key.
    notebook.press("\u{1b}");
    notebook.wait("the search to close", |screen| !screen.contains("Search all lessons"));
    notebook.press("p");
    notebook.wait_for(FIRST);
    assert!(disk.make_writable());
    notebook.wait("the banner to go", |screen| !screen.contains(BANNER));
    assert_eq!(stored_value(&notebook.home, "last-lesson"), "welcome");
    notebook.press("q");
    assert_eq!(notebook.wait_gone(), 0);
}

#[test]
fn a_full_disk_is_reported_and_the_position_is_stored_once_there_is_space() {
    let Some(disk) = SmallDisk::mount() else { return };
    let notebook = Notebook::open(TestHome::within(disk.path()));
    notebook.wait_for(FIRST);
    let mut home = notebook.into_home();
    // With a kernel, and without one.
    for with_kernel in [false, true] {
        if with_kernel {
            // Its checkpoints fit on such a small disk.
            notebook::start_race(&home, 6);
        }
        let mut notebook = Notebook::open(home);
        notebook.wait_for(FIRST);
        disk.fill();
        notebook.press("n");
        notebook.wait_for(SECOND);
        notebook.wait_for(BANNER);
        notebook.wait_for("disk is full");
        disk.free();
        notebook.wait("the banner to go", |screen| !screen.contains(BANNER));
        assert_eq!(stored_value(&notebook.home, "last-lesson"), "sigmoid");
        notebook.press("p");
        notebook.wait_for(FIRST);
        notebook.press("\u{3}");
        assert_eq!(notebook.wait_gone(), 0);
        home = notebook.into_home();
    }
    home.until("the race's end", |run| run["state"] == "finished");
}

/// Commands do not wait for space that only the reader can free.
#[test]
fn on_a_full_disk_a_command_fails_at_once_with_the_reason() {
    let Some(disk) = SmallDisk::mount() else { return };
    let home = TestHome::within(disk.path());
    home.run(&["train", "--detach", "--train-size", "500", "--val-size", "200", "--epochs", "10000"]).success();
    home.until("an epoch", |run| run["epochs_done"].as_u64() > Some(0));
    disk.fill();
    // The run's new state may still fit into the existing log of the store.
    let output = home.run(&["stop", "1"]).get_output().clone();
    let [printed, complaint] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    match output.status.code() {
        Some(0) => assert!(printed.contains("run 1 is stopped"), "{printed}"),
        _ => assert!(complaint.contains("run 1 trains no more, but the disk has not taken"), "{complaint}"),
    }
    let kernel = fs::read_to_string(home.folder().join("kernel.lock")).unwrap();
    assert!(std::process::Command::new("kill").args(["-9", kernel.trim()]).status().unwrap().success());
    home.until("the kernel's end", |run| run["state"] == "interrupted" || run["state"] == "stopped");
    // The next kernel has no space for the log's shared memory, if that was removed.
    fs::remove_file(home.folder().join("notebook.db-shm")).unwrap();
    disk.fill();
    // Or it has, depending on the file system. In either case the answer comes at once and says which.
    let output = home.run(&["resume", "1", "--detach"]).get_output().clone();
    let complaint = String::from_utf8(output.stderr).unwrap();
    if !output.status.success() {
        assert!(complaint.contains("full to its last byte") && complaint.contains("/home/runs"), "{complaint}");
    }
    disk.free();
}

#[test]
fn a_damaged_store_is_reported_and_renamed_by_the_next_kernel() {
    let home = TestHome::new();
    fs::create_dir(home.folder()).unwrap();
    fs::write(home.folder().join("notebook.db"), b"this is no store of anything".repeat(300)).unwrap();
    // A dead kernel left its socket and its lock.
    drop(UnixListener::bind(home.folder().join("kernel.sock")).unwrap());
    fs::write(home.folder().join("kernel.lock"), "4194304\n").unwrap();
    let mut notebook = Notebook::open(home);
    notebook.wait_for(FIRST);
    notebook.press("n");
    notebook.wait_for(SECOND);
    notebook.wait_for(BANNER);
    notebook.wait_for("the store is damaged");
    notebook::start_race(&notebook.home, 2);
    notebook.wait("the banner to go", |screen| !screen.contains(BANNER));
    notebook.wait_for("The store was damaged");
    let names = || fs::read_dir(notebook.home.folder()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    assert!(names().any(|name| name.starts_with("notebook.db.damaged-")), "{:?}", names().collect::<Vec<_>>());
    notebook.home.until("the race's end", |run| run["state"] == "finished");
}

/// The reader's progress may be damaged too, and then counts as none.
#[test]
fn damaged_progress_is_ignored() {
    let home = TestHome::new();
    let at = Home::at(home.folder()).unwrap();
    let rubbish = ["last-lesson", "place/faster", "cell-run/faster/race", "answer/faster/why-faster", "////", ""];
    let value = json!([{ "top": -1 }]);
    store::save_progress(&at, rubbish.map(|key| (key.to_string(), value.clone())).iter().map(|(k, v)| (k, v))).unwrap();
    let raw = rusqlite::Connection::open(at.database()).unwrap();
    raw.execute("INSERT INTO place (key, value) VALUES ('place/welcome', '{\"top\": 3')", []).unwrap();
    drop(raw);
    let mut notebook = Notebook::open(home);
    notebook.wait_for(FIRST);
    notebook.press("n");
    notebook.wait_for(SECOND);
    notebook.press("q");
    assert_eq!(notebook.wait_gone(), 0);
    assert_eq!(stored_value(&notebook.home, "last-lesson"), "sigmoid");
}

/// Refuses every hello like a kernel of another version, until it is asked to shut down; if busy, it refuses that too.
fn kernel_of_another_version(socket: &Path, busy: bool) {
    let listener = UnixListener::bind(socket).unwrap();
    let socket = socket.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                let request: Value = serde_json::from_str(&line.unwrap()).unwrap();
                let id = &request["id"];
                let shutdown = request["request"] == "shutdown";
                let reply = match (shutdown, busy) {
                    (true, false) => json!({ "id": id, "reply": "done" }),
                    (true, true) => {
                        json!({ "id": id, "reply": "refused", "kind": "busy", "message": "run 7 is going on" })
                    }
                    (false, _) => {
                        let message = "the running kernel is of another version than this notebook";
                        json!({ "id": id, "reply": "refused", "kind": "protocol", "message": message })
                    }
                };
                let leaves = shutdown && !busy;
                if leaves {
                    fs::remove_file(&socket).unwrap();
                }
                writeln!(stream, "{reply}").unwrap();
                if leaves {
                    return;
                }
            }
        }
    });
}

/// The remedy that every refusal names.
#[test]
fn a_kernel_of_another_version_is_stopped_if_it_is_idle() {
    let home = TestHome::new();
    fs::create_dir(home.folder()).unwrap();
    let socket = home.folder().join("kernel.sock");
    kernel_of_another_version(&socket, false);
    assert_eq!(home.json(&["kernel", "stop", "--json"]), json!({ "stopped": true }));
    kernel_of_another_version(&socket, true);
    for arguments in [&["kernel", "stop"][..], &["kernel", "stop", "--force"]] {
        let (code, printed) = home.refusal(arguments);
        assert!(
            code == 1 && printed.contains("run 7 is going on") && printed.contains("only when it is idle"),
            "{printed}"
        );
    }
}

/// A kernel that refuses to serve is reported, and the next one is found nevertheless.
#[test]
fn after_any_trouble_with_a_kernel_the_next_one_is_found() {
    let home = TestHome::new();
    fs::create_dir(home.folder()).unwrap();
    let socket = home.folder().join("kernel.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
        let request: Value = serde_json::from_str(&line).unwrap();
        let message = "this kernel is busy with leaving";
        let reply = serde_json::json!({ "id": request["id"], "reply": "refused", "kind": "busy", "message": message });
        writeln!(stream, "{reply}").unwrap();
        fs::remove_file(&socket).unwrap();
    });
    let mut notebook = Notebook::open(home);
    notebook.wait_for("this kernel is busy with leaving");
    notebook.press("j");
    notebook::start_race(&notebook.home, 1);
    notebook.wait_for("kernel ready");
    notebook.press("\u{3}");
    assert_eq!(notebook.wait_gone(), 0);
}

#[test]
fn an_idle_kernel_of_another_version_is_restarted_with_enter() {
    let home = TestHome::new();
    fs::create_dir(home.folder()).unwrap();
    kernel_of_another_version(&home.folder().join("kernel.sock"), false);
    let mut notebook = Notebook::open(home);
    notebook.wait_for("A kernel of another version");
    notebook.press("\r");
    notebook.wait_for("kernel ready");
    assert!(notebook.kernel()["pid"].is_number());
}

/// Commands that list and commands that start a kernel report damage, and show what can be read.
#[test]
fn commands_report_damage() {
    const RACE: [&str; 7] = ["train", "--train-size", "500", "--val-size", "200", "--epochs", "1"];
    let home = TestHome::new();
    home.run(&RACE).success();
    home.run(&RACE).success();
    home.run(&["kernel", "stop"]).success();
    let database = home.folder().join("notebook.db");
    let raw = rusqlite::Connection::open(&database).unwrap();
    raw.execute("UPDATE runs SET spec = '{' WHERE id = 1", []).unwrap();
    drop(raw);
    let stderr = |arguments: &[&str]| String::from_utf8(home.run(arguments).get_output().stderr.clone()).unwrap();
    assert!(stderr(&["runs"]).contains("run 1 can't be read back"));
    let (code, _) = home.refusal(&["doctor"]);
    assert_eq!(code, 1, "the doctor knows of it too");

    std::fs::write(&database, b"no database at all".repeat(400)).unwrap();
    assert!(stderr(&["runs"]).contains("the store is damaged"));
    let printed = stderr(&[&RACE[..], &["--detach"]].concat());
    assert!(printed.contains("The store was damaged") && printed.contains("notebook.db.damaged-"), "{printed}");
}
