//! The command line as a script uses it: the real programs, their output, their exit status.

use crate::common::cli::{TestHome, events, refusal, text};
use serde_json::{Value, json};
use std::io::{BufRead, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

const TINY: [&str; 9] = ["train", "--train-size", "500", "--val-size", "200", "--epochs", "2", "--batch", "50"];

fn tiny<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&TINY, more].concat()
}

/// Does not end during a test.
fn long<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let base = ["train", "--train-size", "500", "--val-size", "200", "--epochs", "10000", "--batch", "50"];
    [&base, more].concat()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

/// What must be equal in two runs of one study: everything measured except times.
fn numbers(events: &[Value]) -> Vec<String> {
    let epochs = events.iter().filter(|event| event["event"] == "epoch");
    let mut lines: Vec<_> = epochs
        .map(|e| {
            let keys = ["arm", "seed", "epoch", "train_loss", "val_error", "test_error"];
            keys.map(|key| e[key].to_string()).join(" ")
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn help_names_every_command() {
    let home = TestHome::new();
    let help = home.text(&["--help"]);
    let commands = [
        "open",
        "lessons",
        "check",
        "train",
        "runs",
        "compare",
        "resume",
        "stop",
        "kernel",
        "measure",
        "ledger",
        "doctor",
        "completions",
    ];
    for command in commands {
        assert!(help.contains(&format!("  {command} ")), "{command} is missing in\n{help}");
        home.run(&[command, "--help"]).success();
    }
    let version = home.text(&["--version"]);
    assert!(version.starts_with("relu ") && version.contains(env!("CARGO_PKG_VERSION")), "{version}");
    assert!(!home.folder().exists(), "help leaves nothing behind");
}

#[test]
fn bad_input_gets_one_error_that_names_it() {
    let home = TestHome::new();
    let nowhere = home.path("nowhere").display().to_string();
    let table: &[(&[&str], i32, &str)] = &[
        (&["trian"], 2, "train"),
        (&["train", "--arms", "cube-tanh"], 2, "cube"),
        (&["train", "--arms", "relu"], 2, "relu"),
        (&["train", "--arms", "relu-tanh,relu-tanh"], 2, "are the same"),
        (&["train", "--arms", "all-tanh,tanh-tanh"], 2, "are the same"),
        (&["train", "--preset", "novel"], 2, "article"),
        (&["train", "--backend", "cuda"], 2, "fused"),
        (&["train", "--lr", "-0.1"], 2, "--lr"),
        (&["train", "--lr", "nan"], 2, "--lr"),
        (&["train", "--momentum", "1"], 2, "--momentum"),
        (&["train", "--epochs", "0"], 2, "--epochs"),
        (&["train", "--epochs", "99999999999"], 2, "1 to 10000"),
        (&["train", "--epochs", "1e3"], 2, "whole number"),
        (&["train", "--widths", "0,0,0"], 2, "--widths: conv1"),
        (&["train", "--data", "/dev/null"], 2, "--data: /dev/null: it is no folder"),
        (&["train", "--seeds", "1,x"], 2, "--seeds"),
        (&["train", "--seeds", "1,1"], 2, "--seeds"),
        (&["train", "--batch", "0"], 2, "--batch"),
        (&["train", "--threads", "0"], 2, "--threads"),
        (&["train", "--train-size", "60000"], 2, "--train-size"),
        (&["train", "--widths", "4,16"], 2, "--widths"),
        (&["train", "--data", &nowhere], 2, "nowhere"),
        (&["open", "no-such-lesson"], 1, "no-such-lesson"),
        (&["open", "no-such-file.md"], 1, "no-such-file.md"),
        (&["check", &nowhere], 1, "nowhere"),
        (&["runs", "show", "x"], 2, "relu runs"),
        (&["runs", "show", "7"], 1, "run 7"),
        (&["runs", "export", "7"], 1, "run 7"),
        (&["runs", "export", "7", "--format", "xls"], 2, "svg"),
        (&["stop", "7"], 1, "run 7"),
        (&["completions", "cmd"], 2, "fish"),
    ];
    for (arguments, status, named) in table {
        let (code, stderr) = home.refusal(arguments);
        assert_eq!(code, *status, "{arguments:?}\n{stderr}");
        assert!(stderr.contains(named), "{arguments:?} does not name {named}\n{stderr}");
        assert!(!stderr.contains("panicked") && !stderr.contains("BACKTRACE"), "{arguments:?}\n{stderr}");
    }
    let (code, _) = home.refusal(&["kernel", "status"]);
    assert_eq!(code, 1, "nothing bad started a kernel");
    assert!(!home.folder().join("notebook.db").exists(), "nothing bad made a store");
    let empty = home.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let (code, stderr) = home.refusal(&tiny(&["--data", &empty.display().to_string()]));
    assert!(code == 1 && stderr.contains("train-images-idx3-ubyte"), "{stderr}");
}

/// An arm without a curve says why, after the run as well.
#[test]
fn divergence_is_reported_wherever_a_run_is_shown() {
    let home = TestHome::new();
    let followed = home.text(&tiny(&["--arms", "relu-linear,all-tanh", "--lr", "100", "--momentum", "0.99"]));
    let told = "ReLU+Linear s1 diverged at epoch 1, batch ";
    assert!(followed.matches("diverged at epoch 1").count() >= 2, "as it happens and at the end: {followed}");
    let shown = home.text(&["runs", "show", "1"]);
    assert!(shown.contains(told) && !shown.contains("ReLU+Linear s1 epoch"), "{shown}");
    let json = home.json(&["runs", "show", "1", "--json"]);
    assert_eq!((&json["diverged"][0]["arm"], &json["diverged"][0]["epoch"]), (&"relu-linear".into(), &1.into()));
}

#[test]
fn a_missing_kernel_program_is_named() {
    let home = TestHome::new();
    let (code, stderr) = refusal(home.relu(&tiny(&[])).env("RELU_KERNEL", home.path("no-kernel")));
    assert_eq!(code, 1);
    assert!(stderr.contains("no-kernel") && stderr.contains("RELU_KERNEL"), "{stderr}");
}

#[test]
fn a_kernel_of_another_build_is_refused() {
    let home = TestHome::new();
    let (code, stderr) = refusal(home.relu(&tiny(&[])).env("RELU_KERNEL", "/bin/true"));
    assert_eq!(code, 1);
    assert!(stderr.contains("kernel"), "{stderr}");
}

#[test]
fn an_impossible_home_is_named() {
    let home = TestHome::new();
    std::fs::write(home.folder(), "a file").unwrap();
    let (code, stderr) = home.refusal(&tiny(&[]));
    assert_eq!(code, 1);
    assert!(stderr.contains(&home.folder().display().to_string()), "{stderr}");
    let (code, stderr) = refusal(home.relu(&tiny(&[])).env("RELU_HOME", "/proc/relu"));
    assert_eq!(code, 1);
    assert!(stderr.contains("/proc/relu") && stderr.contains("RELU_HOME"), "{stderr}");
}

#[test]
fn the_same_study_twice_gives_the_documented_events_and_equal_losses() {
    let home = TestHome::new();
    let first = home.events(&tiny(&["--json", "--seeds", "1,2"]));
    let kinds = kinds(&first);
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("started", "finished"), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == "epoch").count(), 8, "{kinds:?}");
    assert_eq!(first[0]["spec"]["seeds"], json!([1, 2]));
    assert_eq!(first[0]["spec"]["arms"], json!(["relu-tanh", "all-tanh"]));
    for event in &first {
        assert_eq!(event["run"], 1, "{event}");
        if event["event"] == "epoch" {
            for key in ["train_loss", "seconds", "images_per_second"] {
                assert!(event[key].as_f64().is_some_and(|value| value > 0.0), "{key} in {event}");
            }
            for key in ["val_error", "test_error"] {
                assert!(event[key].as_f64().is_some_and(|value| (0.0..=100.0).contains(&value)), "{key} in {event}");
            }
            assert!(event["epoch"].as_u64().is_some_and(|epoch| (1..=2).contains(&epoch)), "{event}");
        }
    }
    let second = home.events(&tiny(&["--json", "--seeds", "1,2"]));
    assert_eq!(second[0]["run"], 2);
    assert_eq!(numbers(&first), numbers(&second));
    let other = home.events(&tiny(&["--json", "--seeds", "3,4"]));
    assert_ne!(numbers(&first), numbers(&other));
}

#[test]
fn without_a_terminal_each_epoch_is_a_line() {
    let home = TestHome::new();
    let told = home.text(&tiny(&[]));
    assert_eq!(told.lines().filter(|line| line.contains("training loss")).count(), 4, "{told}");
    assert!(told.contains("one seed cannot tell whether others would agree"), "{told}");
    assert!(told.contains("best val %"), "{told}");
    assert!(!told.contains('\u{1b}'), "{told}");
}

#[test]
fn a_run_is_listed_shown_renamed_exported_and_deleted() {
    let home = TestHome::new();
    assert_eq!(home.json(&["runs", "--json"]), json!([]));
    home.events(&tiny(&["--json", "--name", "first try"]));
    let runs = home.json(&["runs", "--json"]);
    assert_eq!(
        (&runs[0]["run"], &runs[0]["name"], &runs[0]["state"]),
        (&json!(1), &json!("first try"), &json!("finished"))
    );
    home.run(&["runs", "rename", "1", "second thought"]).success();
    assert!(home.text(&["runs"]).contains("second thought"));
    let shown = home.json(&["runs", "show", "1", "--json"]);
    assert_eq!(shown["epochs"].as_array().unwrap().len(), 4);
    assert!(home.text(&["runs", "show", "1"]).contains("relu-tanh"));

    assert_eq!((&shown["tags"], &shown["notes"]), (&json!([]), &Value::Null));
    home.run(&["runs", "tag", "1", "wide", "#slow"]).success();
    home.run(&["runs", "tag", "1", "wide", "old"]).success();
    home.run(&["runs", "tag", "1", "slow", "--remove"]).success();
    home.run(&["runs", "note", "1", "two lines,\nwide and slow "]).success();
    let shown = home.json(&["runs", "show", "1", "--json"]);
    assert_eq!((&shown["tags"], &shown["notes"]), (&json!(["wide", "old"]), &json!("two lines, wide and slow")));
    let told = home.text(&["runs", "show", "1"]);
    assert!(told.contains("tags: #wide #old") && told.contains("notes: two lines, wide and slow"), "{told}");
    assert!(home.text(&["runs", "list"]).contains("#wide #old"));
    for (filter, count) in [("tag:wi finished", 1), ("THOUGHT images=500", 1), ("tag:slow", 0), ("gelu", 0)] {
        for arguments in [&["runs", "--filter", filter, "--json"][..], &["runs", "list", "--filter", filter, "--json"]]
        {
            assert_eq!(home.json(arguments).as_array().unwrap().len(), count, "{filter}");
        }
    }
    assert!(home.text(&["runs", "--filter", "gelu"]).contains("no run matches"));
    let (code, stderr) = home.refusal(&["runs", "tag", "1", "two words"]);
    assert!(code == 2 && stderr.contains("one word"), "{stderr}");
    let (code, stderr) = home.refusal(&["runs", "tag", "9", "wide"]);
    assert!(code == 1 && stderr.contains("no run 9"), "{stderr}");
    let many: Vec<String> = (0..20).map(|number| format!("tag-{number}")).collect();
    let many: Vec<&str> = ["runs", "tag", "1"].into_iter().chain(many.iter().map(String::as_str)).collect();
    let (code, stderr) = home.refusal(&many);
    assert!(code == 2 && stderr.contains("20 tags, not 22"), "{stderr}");
    let (code, stderr) = home.refusal(&["runs", "note", "1", &"x".repeat(2001)]);
    assert!(code == 2 && stderr.contains("2000 characters"), "{stderr}");
    home.run(&["runs", "note", "1", ""]).success();
    let shown = home.json(&["runs", "show", "1", "--json"]);
    assert_eq!(shown["notes"], Value::Null);

    let csv = home.text(&["runs", "export", "1", "--format", "csv"]);
    let mut table = csv::Reader::from_reader(csv.as_bytes());
    let head = table.headers().unwrap().clone();
    assert_eq!(head.iter().collect::<Vec<_>>()[..3], ["arm", "seed", "epoch"]);
    let lanes: Vec<_> = table.records().map(|row| row.unwrap()).map(|row| format!("{} {}", &row[0], &row[2])).collect();
    assert_eq!(lanes, ["relu-tanh 1", "all-tanh 1", "relu-tanh 2", "all-tanh 2"], "whichever was ahead");

    let file = home.path("run.json");
    home.run(&["runs", "export", "1", "--format", "json", "-o", &file.display().to_string()]).success();
    let exported: Value = serde_json::from_str(&text(&file)).unwrap();
    assert_eq!(exported, shown, "the same keys");
    let study: protocol::Study = shown["study"].as_str().unwrap().parse().unwrap();
    assert_eq!((study.train_size, study.seeds.as_slice()), (500, &[1][..]));
    assert_eq!(shown["diverged"], serde_json::json!([]));
    assert_eq!(exported["summary"]["spec"]["train_size"], 500);

    // A bare name, and the mode that the umask gives.
    let mut bare = home.relu(&["runs", "export", "1", "-o", "run.csv"]);
    bare.current_dir(home.path(".")).assert().success();
    assert_eq!(text(&home.path("run.csv")), csv);
    let mode = home.path("run.csv").metadata().unwrap().permissions().mode();
    let folders = home.path("run-folder");
    std::fs::create_dir(&folders).unwrap();
    assert_eq!(mode & 0o777, folders.metadata().unwrap().permissions().mode() & 0o666);

    let file = home.path("run.svg");
    home.run(&["runs", "export", "1", "-o", &file.display().to_string()]).success();
    let svg = text(&file);
    for part in ["<svg", "</svg>", "validation error", "ReLU+Tanh", "all-Tanh", "seed 1", "1.05 % @ 50"] {
        assert!(svg.contains(part), "the chart lacks {part}");
    }
    let file = home.path("run.png");
    home.run(&["runs", "export", "1", "-o", &file.display().to_string()]).success();
    assert!(std::fs::read(&file).unwrap().starts_with(b"\x89PNG\r\n\x1a\n"));
    let nowhere = home.path("nowhere/run.csv").display().to_string();
    let (code, stderr) = home.refusal(&["runs", "export", "1", "-o", &nowhere]);
    assert!(code == 1 && stderr.contains("nowhere/run.csv") && stderr.contains("mkdir -p"), "{stderr}");
    // A file that holds something is not written over by a slip, and its ending is not that of another format.
    let png = file.display().to_string();
    let (code, stderr) = home.refusal(&["runs", "export", "1", "-o", &png]);
    assert!(code == 2 && stderr.contains("--force"), "{stderr}");
    home.run(&["runs", "export", "1", "-o", &png, "--force"]).success();
    let (code, stderr) = home.refusal(&["runs", "export", "1", "--format", "csv", "-o", &png, "--force"]);
    assert!(code == 2 && stderr.contains("run.png"), "{stderr}");
    let (code, stderr) = home.refusal(&["runs", "tag", "1", "nosuch", "--remove"]);
    assert!(code == 1 && stderr.contains("run 1 has no tag nosuch"), "{stderr}");
    let (code, stderr) = home.refusal(&["runs", "tag", "1", &"x".repeat(10_000)]);
    assert!(code == 2 && stderr.len() < 300, "{stderr}");
    assert_eq!(home.refusal(&["runs", "rename", "1", &"x".repeat(101)]).0, 2);

    let (code, stderr) = home.refusal(&["runs", "delete", "1", "99"]);
    assert!(code == 1 && stderr.contains("99"), "{stderr}");
    assert_eq!(home.json(&["runs", "--json"])[0]["run"], 1, "a wrong number deletes nothing");
    home.run(&["runs", "delete", "1"]).success();
    assert_eq!(home.json(&["runs", "--json"]), json!([]));
    assert_eq!(home.refusal(&["runs", "show", "1"]).0, 1);
}

#[test]
fn a_detached_run_stops_and_resumes() {
    let home = TestHome::new();
    let started = home.events(&long(&["--json", "--detach"]));
    assert_eq!(kinds(&started), ["started"]);
    assert_eq!(started[0]["spec"]["epochs"], 10_000, "{started:?}");
    home.until("an epoch", |run| run["epochs_done"].as_u64() > Some(0));
    let (code, stderr) = home.refusal(&["runs", "delete", "1"]);
    assert!(code == 1 && stderr.contains("stop"), "an active run is refused\n{stderr}");
    assert!(home.text(&["stop", "1"]).contains("relu resume 1"));
    home.until("the stop", |run| run["state"] == "stopped");
    let done = home.json(&["runs", "--json"])[0]["epochs_done"].as_u64();

    home.run(&["resume", "1", "--detach"]).success();
    home.until("one more epoch", |run| run["state"] == "running" && run["epochs_done"].as_u64() > done);
    home.run(&["stop", "1"]).success();
    home.until("the second stop", |run| run["state"] == "stopped");
}

#[test]
fn ctrl_c_stops_at_a_batch_and_says_how_to_resume() {
    let home = TestHome::new();
    let mut child = home.bare(&long(&["--json"])).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    home.until("an epoch", |run| run["epochs_done"].as_u64() > Some(0));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    let mut told = String::new();
    child.stdout.take().unwrap().read_to_string(&mut told).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("relu resume 1"), "{stderr}");
    assert_eq!(events(&told).last().unwrap()["event"], "stopped");
    home.until("the stop", |run| run["state"] == "stopped");
}

#[test]
fn a_terminated_follower_leaves_its_run_alone() {
    let home = TestHome::new();
    let child = home.bare(&long(&["--json"])).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    home.until("an epoch", |run| run["epochs_done"].as_u64() > Some(0));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("run 1 goes on"));
    assert_eq!(home.json(&["runs", "--json"])[0]["state"], "running");
    // And it can be followed again.
    let mut child = home.bare(&["resume", "1", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut told = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(told.next().unwrap().unwrap().contains("started"));
    home.run(&["stop", "1"]).success();
    assert!(told.map(Result::unwrap).last().unwrap().contains("stopped"));
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_closed_stdout_ends_quietly_and_the_run_continues() {
    let home = TestHome::new();
    let mut child = home.bare(&long(&["--json"])).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    home.until("an epoch", |run| run["epochs_done"].as_u64() > Some(0));
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "0 is for finished runs alone");
    assert_eq!(home.json(&["runs", "--json"])[0]["state"], "running");
}

#[test]
fn the_kernel_reports_its_status_and_shuts_down() {
    let home = TestHome::new();
    assert_eq!(home.refusal(&["kernel", "status", "--json"]).0, 1);
    home.run(&["kernel", "stop"]).success();
    home.run(&long(&["--detach"])).success();
    let status = home.json(&["kernel", "status", "--json"]);
    for key in ["pid", "uptime_seconds", "rss_bytes"] {
        assert!(status[key].as_f64().is_some(), "{key} in {status}");
    }
    assert_eq!(status["runs"].as_array().unwrap().len(), 1);
    assert_eq!(home.refusal(&["kernel", "stop"]).0, 1, "a run is under way");
    assert_eq!(home.json(&["kernel", "stop", "--force", "--json"]), json!({ "stopped": true }));
    assert_eq!(home.refusal(&["kernel", "status"]).0, 1);
    assert_eq!(home.json(&["runs", "--json"])[0]["state"], "interrupted");
}

#[test]
fn lessons_are_listed_checked_and_printed() {
    let home = TestHome::new();
    let lessons = home.json(&["lessons", "--json"]);
    let faster = lessons.as_array().unwrap().iter().find(|lesson| lesson["id"] == "faster").unwrap();
    assert!(faster["cells"].as_array().unwrap().iter().any(|cell| cell["id"] == "race" && cell["kind"] == "train"));
    home.run(&["check"]).success().stdout("");
    let plain = home.text(&["open", "faster"]);
    assert!(plain.contains("[cell race]") && !plain.contains('\u{1b}'), "no terminal: the lesson as plain text");
    let bad = home.path("bad.md");
    std::fs::write(&bad, "no front matter\n").unwrap();
    let assert = home.run(&["check", &bad.display().to_string()]).failure().code(1);
    let told = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    assert!(told.starts_with(&format!("{}:1:1: ", bad.display())), "{told}");
    let head = "+++\nid = \"x\"\ntitle = \"T\"\npart = \"I\"\nsummary = \"s\"\nminutes = 1\n+++\n";
    std::fs::write(&bad, format!("{head}\n```dance\n```\n")).unwrap();
    let assert = home.run(&["check", &bad.display().to_string()]).failure().code(1);
    let told = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    assert!(told.starts_with(&format!("{}:9:1: unknown cell `dance`", bad.display())), "{told}");
}

/// Without a measurement there is no verdict; a finished run at the article's setting gives one, others do not.
#[test]
fn the_ledger_lists_every_claim_with_its_verdict() {
    let home = TestHome::new();
    let ledger = home.json(&["ledger", "--json"]);
    let rows = ledger.as_array().unwrap();
    assert!(rows.len() >= 25, "{} claims", rows.len());
    for row in rows {
        for key in ["id", "lesson", "cell", "claim", "article", "literature"] {
            assert!(row[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {row}");
        }
        assert_eq!((&row["verdict"], &row["measured"]), (&json!("not yet tried"), &json!([])));
    }
    let printed = home.text(&["ledger"]);
    let totals = format!("not yet tried {} · holds 0 · holds in part 0 · does not hold here 0", rows.len());
    assert!(printed.starts_with(&totals), "{printed}");
    assert!(printed.contains("not yet tried") && printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
}

#[test]
fn the_ledger_lists_what_was_measured() {
    let home = TestHome::new();
    let told = home.text(&["measure", "sigmoid/curves", "implementing"]);
    assert!(told.contains("sigmoid/curves: it takes") && told.contains("measured in"), "{told}");
    let ledger = home.json(&["ledger", "--json"]);
    let row = |id: &str| ledger.as_array().unwrap().iter().find(|row| row["id"] == id).unwrap().clone();
    let verdict = |id: &str| row(id)["verdict"].clone();
    // Both slopes are steepest in the middle; tanh's is 1 there, which (0, 1) excludes.
    let asked = row("centre")["tests"][3].clone();
    assert_eq!((verdict("centre"), asked["verdict"].clone()), ("holds in part".into(), "does not hold here".into()));
    assert_eq!(verdict("max"), "does not hold here");
    assert_eq!(verdict("maximum"), "holds");
    assert_eq!(verdict("one-sided"), "not yet tried");
    let of = |words: &str| ledger.as_array().unwrap().iter().filter(|row| row["verdict"] == words).count();
    assert!(of("holds") > 0 && of("does not hold here") > 0, "{ledger}");
    let printed = home.text(&["ledger"]).replace('\n', " ");
    for words in ["not yet tried", "holds", "holds in part", "does not hold here", "no number to judge by"] {
        let total = format!("{words} {} ", of(words));
        assert!(printed.contains(&total), "{total}: {printed}");
    }
    let (code, told) = home.refusal(&["measure", "sigmoid/nothing"]);
    assert!(code == 2 && told.contains("`sigmoid/nothing`"), "{code}: {told}");
}

#[test]
fn completions_for_the_usual_shells() {
    let home = TestHome::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = home.text(&["completions", shell]);
        assert!(script.contains("relu") && script.contains("train-size"), "{shell}");
    }
}

#[test]
fn the_doctor_finds_no_fault_in_this_installation() {
    let home = TestHome::new();
    let findings = home.json(&["doctor", "--json"]);
    let ok = |check: &str| findings.as_array().unwrap().iter().any(|f| f["check"] == check && f["ok"] == true);
    for check in ["version", "mnist", "home", "store", "kernel"] {
        assert!(ok(check), "{check} in {findings}");
    }
    assert_eq!(home.refusal(&["kernel", "status"]).0, 1, "it leaves no kernel behind");
    assert!(!home.folder().join("notebook.db").exists(), "it makes no store");
    let backup = home.folder().join("notebook.db.backup");
    std::fs::create_dir_all(home.folder()).unwrap();
    std::fs::write(&backup, "").unwrap();
    let told = home.relu(&["doctor"]).assert().failure().code(1);
    let told = String::from_utf8(told.get_output().stdout.clone()).unwrap();
    assert!(told.contains("BAD  store") && told.contains("rename"), "{told}");
    let (code, told) = home.refusal(&["runs"]);
    assert!(code == 1 && told.contains("notebook.db.backup"), "{told}");
    std::fs::remove_file(&backup).unwrap();
    let assert = home.relu(&["doctor"]).env("RELU_KERNEL", "/nowhere/relu-kernel").assert().failure().code(1);
    let told = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    assert!(told.contains("BAD  kernel") && told.contains("/nowhere/relu-kernel"), "{told}");
}
