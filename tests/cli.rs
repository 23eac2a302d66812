//! The commands as a script sees them: the contract's JSON, exit statuses, and one clear error for each bad input.

#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

/// A home of its own; its kernel is stopped when the test ends, however it ends.
struct TestHome(TempDir);

impl TestHome {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn relu(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_relu"));
        command
            .args(arguments)
            .env("RELU_HOME", self.path().join("home"))
            .env("RELU_KERNEL", env!("CARGO_BIN_EXE_relu-kernel"));
        command
    }

    fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.relu(arguments).assert().success().get_output().stdout.clone();
        String::from_utf8(output).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let mut lines = self.lines(arguments);
        assert_eq!(lines.len(), 1);
        lines.remove(0)
    }
}

impl Drop for TestHome {
    fn drop(&mut self) {
        let _ = self.relu(&["kernel", "stop", "--force"]).output();
    }
}

const TINY: [&str; 11] =
    ["train", "--train-size", "500", "--val-size", "200", "--batch", "50", "--epochs", "2", "--seeds", "1"];

fn tiny<'a>(more: &[&'a str]) -> Vec<&'a str> {
    TINY.iter().copied().chain(more.iter().copied()).collect()
}

/// What an epoch measured, without its times.
fn losses(lines: &[Value]) -> Vec<String> {
    let epochs = lines.iter().filter(|line| line["event"] == "epoch");
    let mut losses: Vec<String> = epochs
        .map(|e| format!("{} {} {} {} {}", e["arm"], e["epoch"], e["train_loss"], e["val_error"], e["test_error"]))
        .collect();
    losses.sort();
    losses
}

#[test]
fn a_race_is_trained_listed_exported_and_deleted() {
    let home = TestHome::new();
    let lines = home.lines(&tiny(&["--json"]));
    assert_eq!(lines[0]["event"], "started");
    assert_eq!(lines[0]["spec"]["epochs"], 2);
    assert_eq!(lines.last().unwrap()["event"], "finished");
    let epochs: Vec<&Value> = lines.iter().filter(|line| line["event"] == "epoch").collect();
    assert_eq!(epochs.len(), 4, "two arms, two epochs");
    for key in ["run", "arm", "seed", "epoch", "train_loss", "val_error", "test_error", "seconds", "images_per_second"]
    {
        assert!(epochs.iter().all(|epoch| !epoch[key].is_null()), "{key}");
    }
    assert!(epochs.iter().all(|epoch| (0.0..=100.0).contains(&epoch["val_error"].as_f64().unwrap())));

    let again = home.lines(&tiny(&["--json"]));
    assert_eq!(losses(&again), losses(&lines), "same spec, same digits");

    let runs = home.json(&["runs", "--json"]);
    assert_eq!(runs.as_array().unwrap().len(), 2);
    assert_eq!((&runs[0]["state"], &runs[0]["epochs_done"]), (&"finished".into(), &2.into()));
    let id = runs[0]["run"].to_string();
    home.relu(&["runs", "rename", &id, "first"]).assert().success();
    assert_eq!(home.json(&["runs", "show", &id, "--json"])["summary"]["name"], "first");

    let csv = home.relu(&["runs", "export", &id]).assert().success().get_output().stdout.clone();
    let csv = String::from_utf8(csv).unwrap();
    assert!(csv.starts_with("arm,seed,epoch,train_loss,val_error,"), "{csv}");
    assert_eq!(csv.lines().count(), 5);
    let svg = home.path().join("chart.svg");
    home.relu(&["runs", "export", &id, "--format", "svg", "-o", svg.to_str().unwrap()]).assert().success();
    let svg = std::fs::read_to_string(svg).unwrap();
    for label in ["ReLU+Tanh", "all-Tanh", "1.05 % @ 50, the article"] {
        assert!(svg.contains(label), "{label}");
    }
    assert_eq!(home.json_pretty(&["runs", "export", &id, "--format", "json"])["epochs"].as_array().unwrap().len(), 4);

    home.relu(&["runs", "delete", &id]).assert().success();
    assert_eq!(home.json(&["runs", "--json"]).as_array().unwrap().len(), 1);
    home.relu(&["runs", "show", &id]).assert().code(1);
}

impl TestHome {
    /// An export is one value on many lines.
    fn json_pretty(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.relu(arguments).assert().success().get_output().stdout).unwrap()
    }
}

#[test]
fn a_detached_run_is_stopped_and_resumed_to_the_same_digits() {
    let home = TestHome::new();
    let whole = home.lines(&["train", "--train-size", "500", "--val-size", "200", "--epochs", "40", "--json"]);
    let detached =
        home.json(&["train", "--train-size", "500", "--val-size", "200", "--epochs", "40", "--detach", "--json"]);
    let id = detached["run"].to_string();
    // It may have finished by now on a fast machine: then there is nothing to stop, and that is said.
    let stopped = home.relu(&["stop", &id]).output().unwrap();
    let state = || home.json(&["runs", "show", &id, "--json"])["summary"]["state"].clone();
    if stopped.status.success() {
        let limit = std::time::Instant::now() + std::time::Duration::from_mins(1);
        while state() == "running" && std::time::Instant::now() < limit {
            std::thread::yield_now();
        }
    }
    if state() != "finished" {
        assert_eq!(state(), "stopped");
        let resumed = home.lines(&["resume", &id, "--json"]);
        assert_eq!(resumed.last().unwrap()["event"], "finished");
        assert_eq!(losses(&resumed), losses(&whole));
    }
    let status = home.json(&["kernel", "status", "--json"]);
    for key in ["pid", "uptime_seconds", "rss_bytes", "runs"] {
        assert!(!status[key].is_null(), "{key}");
    }
    assert_eq!(home.json(&["kernel", "stop", "--json"])["stopped"], true);
    home.relu(&["kernel", "status"]).assert().code(1);
}

#[test]
fn each_bad_call_is_named_with_status_two() {
    let home = TestHome::new();
    for (arguments, word) in [
        (&["train", "--arms", "relu"] as &[&str], "unknown arm `relu`"),
        (&["train", "--arms", "relu-tanh,relu-tanh"], "twice"),
        (&["train", "--lr", "-1"], "learning rate"),
        (&["train", "--epochs", "0"], "epochs"),
        (&["train", "--seeds", "x"], "seeds"),
        (&["train", "--batch", "0"], "batch"),
        (&["train", "--momentum", "1.5"], "momentum"),
        (&["train", "--train-size", "60000"], "overlap"),
        (&["train", "--data", "/nowhere/at/all"], "/nowhere/at/all"),
        (&["train", "--backend", "gpu"], "unknown backend"),
        (&["train", "--widths", "4,16"], "three numbers"),
        (&["runs", "show", "x"], "not a run's number"),
        (&["dance"], "dance"),
    ] {
        let output = home.relu(arguments).assert().code(2).get_output().clone();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(word) && output.stdout.is_empty(), "{arguments:?}: {error}");
    }
    assert!(!home.path().join("home").join("notebook.db").exists(), "a wrong call makes nothing");
}

#[test]
fn what_is_missing_is_named_with_status_one() {
    let home = TestHome::new();
    let failing = |command: &mut Command, word: &str| {
        let output = command.assert().code(1).get_output().clone();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(word) && !error.contains("panicked"), "{error}");
    };
    failing(&mut home.relu(&["runs", "show", "99"]), "no run 99");
    failing(&mut home.relu(&["stop", "1"]), "no kernel runs");
    failing(&mut home.relu(&["open", "nowhere"]), "no lesson `nowhere`");
    failing(home.relu(&tiny(&[])).env("RELU_KERNEL", "/nowhere/relu-kernel"), "/nowhere/relu-kernel");
    failing(home.relu(&tiny(&[])).env("RELU_HOME", "/proc/version/x"), "/proc/version/x");
    let empty = home.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let arguments = tiny(&["--data", empty.to_str().unwrap()]);
    failing(&mut home.relu(&arguments), "train-images-idx3-ubyte");
}

#[test]
fn lessons_are_listed_and_checked() {
    let home = TestHome::new();
    let lessons = home.json(&["lessons", "--json"]);
    let faster = lessons.as_array().unwrap().iter().find(|lesson| lesson["id"] == "faster").unwrap();
    assert!(faster["cells"].as_array().unwrap().iter().any(|cell| cell["id"] == "race" && cell["kind"] == "train"));
    home.relu(&["check"]).assert().success().stdout("");

    let bad = home.path().join("bad.md");
    std::fs::write(
        &bad,
        "+++\nid = \"x\"\ntitle = \"T\"\npart = \"I\"\nsummary = \"s\"\nminutes = 1\n+++\n\n```dance\n```\n",
    )
    .unwrap();
    let output = home.relu(&["check", bad.to_str().unwrap()]).assert().code(1).get_output().stdout.clone();
    let told = String::from_utf8(output).unwrap();
    assert!(told.starts_with(&format!("{}:9:1: unknown cell `dance`", bad.display())), "{told}");
}

#[test]
fn without_a_terminal_the_lesson_is_plain_text() {
    let home = TestHome::new();
    let output = home.relu(&["open", "faster"]).assert().success().get_output().stdout.clone();
    let text = String::from_utf8(output).unwrap();
    assert!(text.contains("Faster feature learning") && text.contains("[cell race]"));
    assert!(!text.contains('\u{1b}'), "no escape sequence");
}

#[test]
fn doctor_and_completions_work() {
    let home = TestHome::new();
    let findings = home.json(&["doctor", "--json"]);
    let bad: Vec<&Value> = findings.as_array().unwrap().iter().filter(|finding| finding["ok"] != true).collect();
    assert!(bad.is_empty(), "{bad:?}");
    assert!(findings.as_array().unwrap().iter().any(|finding| finding["check"] == "mnist"));
    for shell in ["bash", "zsh", "fish"] {
        home.relu(&["completions", shell]).assert().success();
    }
}
