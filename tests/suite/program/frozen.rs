//! A kernel that does not answer, as in a frozen control group or on a disk that hangs, and one that is gone: the
//! notebook and the commands say so, and jobs are resumed.

use crate::common::cli;
use crate::common::cli::TestHome;
use crate::common::notebook;
use crate::common::notebook::{Notebook, kill};
use serde_json::Value;
use std::{os::unix::net::UnixStream, time::Instant};
use store::{Home, socket};

const RACE: [&str; 7] = ["train", "--train-size", "500", "--val-size", "200", "--epochs", "10000"];

/// A run that does not end during a test. Returns its kernel's process.
fn racing(home: &TestHome) -> String {
    home.run(&[&RACE[..], &["--arms", "relu-tanh", "--detach"]].concat()).success();
    kernel(home)
}

fn kernel(home: &TestHome) -> String {
    home.json(&["kernel", "status", "--json"])["pid"].to_string()
}

/// Kills the kernel and waits for its end.
fn kill_kernel(home: &TestHome) {
    kill("-KILL", &kernel(home));
    let path = Home::at(home.folder()).unwrap().socket().unwrap();
    notebook::until("the kernel's end", || !socket::is_listening(&path));
}

/// Connects until the backlog is full.
fn fill_backlog(home: &TestHome) -> Vec<UnixStream> {
    let path = Home::at(home.folder()).unwrap().socket().unwrap();
    std::iter::from_fn(|| socket::connect(&path, Instant::now()).ok()).collect()
}

fn state(home: &TestHome, run: u64) -> String {
    let runs = home.json(&["runs", "--json"]);
    let found = runs.as_array().unwrap().iter().find(|found| found["run"] == run).unwrap_or_else(|| panic!("{runs}"));
    found["state"].as_str().unwrap().to_owned()
}

#[cfg(target_os = "linux")]
#[test]
fn behind_a_stopped_kernel_with_a_full_backlog_every_command_answers() {
    let home = TestHome::new();
    let pid = racing(&home);
    kill("-STOP", &pid);
    let backlog = fill_backlog(&home);
    assert!(!backlog.is_empty());
    let stderr = |arguments: &[&str]| {
        let output = home.run(arguments).get_output().clone();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(state(&home, 1), "running");
    for arguments in [&["runs"][..], &["runs", "show", "1"]] {
        let (code, printed) = stderr(arguments);
        assert!(code == Some(0) && printed.contains("does not answer"), "{arguments:?}: {printed}");
    }
    for arguments in [&["kernel", "status"][..], &["kernel", "stop"], &["stop", "1"], &["runs", "rename", "1", "x"]] {
        let (code, printed) = stderr(arguments);
        assert!(code == Some(1) && printed.contains("has not answered for"), "{arguments:?}: {printed}");
        assert!(printed.contains(&format!("kill -9 {pid}")), "{arguments:?}: {printed}");
    }
    let doctor = String::from_utf8(home.run(&["doctor"]).code(1).get_output().stdout.clone()).unwrap();
    assert!(doctor.contains("BAD  kernel     the kernel (process"), "{doctor}");
    assert!(home.text(&["kernel", "stop", "--force"]).contains("was killed"));
    assert_eq!(home.json(&["kernel", "stop", "--force", "--json"])["stopped"], false);
    drop(backlog);
    assert_eq!(state(&home, 1), "interrupted");
}

#[test]
fn the_notebook_says_that_the_kernel_does_not_answer_until_it_does() {
    let home = TestHome::new();
    notebook::start_race(&home, 4000);
    notebook::open_on_race(&home);
    let mut notebook = Notebook::open(home);
    notebook.wait_for("run 1 training");
    // The prediction, then the training cell.
    notebook.press("\t\t");
    notebook.wait_for("z pause");
    let pid = kernel(&notebook.home);
    kill("-STOP", &pid);
    notebook.press("z");
    notebook.wait_for("What you ask for waits");
    notebook.wait_for(&format!("kill -9 {pid}"));
    // Another notebook, which finds the same.
    let other = Notebook::open(notebook.home.same());
    other.wait_for("What you ask for waits");
    kill("-CONT", &pid);
    for notebook in [&notebook, &other] {
        notebook.wait("the banner to go", |screen| !screen.contains("What you ask for waits"));
    }
    notebook.wait_for("paused");
}

/// Without a request the pane would continue to say that it trains.
#[test]
fn a_kernel_that_falls_silent_is_reported_without_a_request() {
    let home = TestHome::new();
    notebook::start_race(&home, 4000);
    let notebook = Notebook::open(home);
    notebook.wait_for("run 1 training");
    let pid = kernel(&notebook.home);
    kill("-STOP", &pid);
    notebook.wait_for("What you ask for waits");
    kill("-CONT", &pid);
    notebook.wait("the banner to go", |screen| !screen.contains("What you ask for waits"));
}

#[test]
fn a_killed_kernel_is_reported_as_killed() {
    let home = TestHome::new();
    // The command that follows the run starts it, and so learns the signal.
    let child =
        home.bare(&RACE).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    home.until("an epoch", |run| run["epochs_done"].as_u64() > Some(0));
    kill_kernel(&home);
    let output = child.wait_with_output().unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(printed.contains("was killed (signal 9), most often because memory ran out"), "{printed}");
    assert!(printed.contains("`relu resume 1`"), "{printed}");

    // Started by another process, which does not.
    let mut child = home.bare(&["resume", "1"]);
    home.run(&["resume", "1", "--detach"]).success();
    let child = child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let clients = || home.json(&["kernel", "status", "--json"])["clients"].as_u64();
    notebook::until("the follower", || clients() > Some(1));
    kill_kernel(&home);
    let printed = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(printed.contains("it was killed, most often because memory ran out"), "{printed}");
}

/// Of three runs one trained, one waited, one was stopped. The first two are resumed as soon as there is a kernel; a
/// run during which two kernels in a row died waits for its reader.
#[test]
fn the_next_kernel_resumes_unfinished_jobs() {
    let home = TestHome::new();
    let cores = std::thread::available_parallelism().unwrap().get();
    let all_cores: Vec<String> = (1..=cores).map(|seed| seed.to_string()).collect();
    let start = |seeds: &str| {
        home.run(&[&RACE[..], &["--arms", "relu-tanh", "--seeds", seeds, "--detach"]].concat()).success();
    };
    start("1");
    home.run(&["stop", "1"]).success();
    start(&all_cores.join(","));
    start("1");
    home.until("an epoch", |run| run["run"] == 2 && run["epochs_done"].as_u64() > Some(0));
    assert_eq!([1, 2, 3].map(|run| state(&home, run)), ["stopped", "running", "queued"]);
    kill_kernel(&home);
    assert_eq!([1, 2, 3].map(|run| state(&home, run)), ["stopped", "interrupted", "interrupted"]);

    assert!(home.text(&["runs"]).contains("the next kernel goes on with it"));

    // The doctor's own kernel leaves them alone.
    home.run(&["doctor"]).success();
    assert_eq!([1, 2, 3].map(|run| state(&home, run)), ["stopped", "interrupted", "interrupted"]);
    // Whatever the kernel is started for.
    home.run(&["runs", "rename", "1", "first"]).success();
    assert_eq!([1, 2, 3].map(|run| state(&home, run)), ["stopped", "running", "queued"]);
    home.run(&[&RACE[..], &["--arms", "relu-tanh", "--detach"]].concat()).success();
    assert_eq!([1, 2, 3, 4].map(|run| state(&home, run)), ["stopped", "running", "queued", "queued"]);

    kill_kernel(&home);
    let shown = home.text(&["runs", "show", "2"]);
    assert!(shown.contains("2 kernels in a row died while it trained; `relu resume 2`"), "{shown}");
    home.run(&["resume", "3", "--detach"]).success();
    assert_eq!(state(&home, 2), "interrupted");
    home.until("the others", |run| run["run"] == 4 && run["state"] != "interrupted");
    // Its reader decides otherwise, and stops another for good.
    assert!(home.text(&["resume", "--all"]).contains("run 2 goes on"));
    home.until("the second", |run| run["run"] == 2 && run["state"] != "interrupted");
    kill_kernel(&home);
    assert!(home.text(&["stop", "4"]).contains("run 4 is stopped"));
    home.run(&["resume", "--all"]).success();
    let states = [1, 2, 3, 4].map(|run| state(&home, run));
    assert!(states[0] == "stopped" && states[3] == "stopped", "{states:?}");
    assert!(states[1] != "interrupted" && states[2] != "interrupted", "{states:?}");
}

/// A forced shutdown is a decision: nothing is resumed by itself.
#[test]
fn jobs_interrupted_on_purpose_wait_for_the_reader() {
    let home = TestHome::new();
    racing(&home);
    home.run(&["kernel", "stop", "--force"]).success();
    let short = ["train", "--train-size", "500", "--val-size", "200", "--epochs", "1", "--arms", "relu-tanh"];
    home.run(&short).success();
    assert_eq!(state(&home, 1), "interrupted");
    let resumed: Vec<Value> = home.events(&["resume", "--all", "--json"]);
    assert!(resumed.len() == 1 && resumed[0]["run"] == 1, "{resumed:?}");
}

/// Six descriptors are enough for a command, but not for a kernel: neither waits for ever.
#[test]
fn a_limit_of_open_files_is_named() {
    for limit in [10, 12, 14, 24] {
        let home = TestHome::new();
        let mut script = assert_cmd::Command::new("sh");
        script.args([
            "-c",
            &format!(r#"ulimit -n {limit}; exec "$RELU" train --epochs 1 --train-size 500 --val-size 200"#),
        ]);
        script.env("RELU", env!("CARGO_BIN_EXE_relu")).env("RELU_HOME", home.folder());
        let (code, printed) = cli::refusal(&mut script);
        assert!(code == 1 && printed.contains("`ulimit -n`"), "{limit}: {printed}");
    }
}
