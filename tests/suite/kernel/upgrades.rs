//! Every version opens the stores of earlier versions: see the README beside each fixture.

use crate::common::kernel::{Kernel, event, follow, home};
use protocol::{EpochRecord, METRICS, RequestBody, RunEvent, RunId, RunState};
use serde_json::{Value, json};
use std::{fs, path::Path};
use store::{Home, LaneState, Store, back_up, save_progress};

/// Unpacks a fixture as this home.
fn unpack(fixture: &str, home: &Home) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture);
    home.prepare().unwrap();
    for name in ["notebook.db", "notebook.db-wal"] {
        let packed = fs::read(from.join(format!("{name}.zst"))).unwrap();
        fs::write(home.folder().join(name), zstd::decode_all(&packed[..]).unwrap()).unwrap();
    }
    copy(&from.join("runs"), &home.runs());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn expected(fixture: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture).join("expected.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn row(record: &EpochRecord) -> Value {
    let lane = [json!(record.arm), json!(record.seed), json!(record.epoch)];
    // The numbers that every version measured.
    let values = METRICS[..5].iter().map(|entry| json!(record.get(entry.metric)));
    lane.into_iter().chain(values).collect()
}

/// All curves, findings and progress, in the form of `expected.json`.
fn contents(store: &Store) -> Value {
    let mut summaries = store.runs().unwrap();
    summaries.sort_by_key(|summary| summary.run);
    let run = |run: RunId| {
        let summary = store.run(run).unwrap();
        let reason = if let RunState::Failed { reason } = &summary.state { Some(reason) } else { None };
        let diverged = store.lanes(run).unwrap().into_iter().filter_map(|(lane, state)| match state {
            LaneState::Diverged { epoch, batch } => Some(json!([lane.arm, lane.seed, epoch, batch])),
            _ => None,
        });
        let diverged: Vec<_> = diverged.collect();
        let epochs: Vec<_> = store.epochs(run).unwrap().iter().map(row).collect();
        json!({ "run": run, "name": summary.name, "state": summary.state.name(), "reason": reason,
                "diverged": diverged, "epochs": epochs })
    };
    let cell = |record: &protocol::CellRecord| {
        let finding = |finding| {
            let finding = serde_json::to_value(finding).unwrap();
            json!([finding["key"], finding["value"], finding["spread"]])
        };
        let findings: Vec<_> = record.outcome.findings.iter().map(finding).collect();
        json!({ "lesson": record.cell.lesson, "cell": record.cell.cell,
                "figures": record.outcome.figures.len(), "findings": findings })
    };
    json!({
        "runs": summaries.iter().map(|summary| run(summary.run)).collect::<Vec<_>>(),
        "cells": store.cell_outcomes().unwrap().iter().map(cell).collect::<Vec<_>>(),
        "places": store.recall_all("").unwrap(),
    })
}

/// Homes left by earlier programs. All of them end with run 9, whose kernel was killed during it.
const FIXTURES: [&str; 2] = ["store-627d644", "store-v3"];

#[test]
fn an_earlier_store_is_read_and_migrated_completely() {
    FIXTURES.into_iter().for_each(reads_and_takes_over);
}

fn reads_and_takes_over(fixture: &str) {
    let (_folder, home) = home();
    unpack(fixture, &home);
    let expected = expected(fixture);
    assert_eq!(contents(&Store::open_read(&home).unwrap()), expected, "before any kernel");

    let mut store = Store::open(&home).unwrap();
    assert_eq!(store.notices(), [""; 0]);
    assert_eq!(store.interrupt_all().unwrap(), [RunId(9)]);
    assert_eq!(contents(&store), expected, "as its kernel has it");
    back_up(&home).unwrap();
    drop(store);
    assert_eq!(contents(&Store::open_read(&home).unwrap()), expected, "after it");
    let spec = Store::open_read(&home).unwrap().run(RunId(1)).unwrap().spec;
    assert_eq!(Store::open(&home).unwrap().create_run(&spec, None).unwrap(), RunId(10));
}

/// Its curves are compared; which images its networks got wrong is not known.
#[test]
fn runs_of_version_3_are_compared_by_their_curves() {
    let (_folder, home) = home();
    unpack("store-v3", &home);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_relu"))
        .args(["compare", "2/relu-tanh", "2/all-tanh", "--json"])
        .env("RELU_HOME", home.folder())
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let epochs = expected("store-v3")["runs"][1]["epochs"].clone();
    let errors = |arm: &str| -> Vec<f64> {
        let rows = epochs.as_array().unwrap().iter().filter(|row| row[0] == arm && row[2] == 2);
        rows.map(|row| row[4].as_f64().unwrap()).collect()
    };
    let mean = |errors: &[f64]| errors.iter().sum::<f64>() / 3.0;
    let difference = mean(&errors("relu-tanh")) - mean(&errors("all-tanh"));
    assert_eq!((&found["epoch"], &found["paired"]["n"]), (&json!(2), &json!(3)), "{found}");
    assert!((found["paired"]["mean"].as_f64().unwrap() - difference).abs() < 1e-9, "{found}");
    assert_eq!(found["mcnemar"], Value::Null);
    assert!(found["mcnemar_reason"].as_str().unwrap().contains("run 2 has no stored answers"), "{found}");
}

/// The kernel that it belongs to may be of that version, and at work.
#[test]
fn a_notebook_does_not_change_an_older_store() {
    let (_folder, home) = home();
    unpack("store-v3", &home);
    let file = fs::read(home.database()).unwrap();
    let version = || {
        let raw = rusqlite::Connection::open(home.database()).unwrap();
        raw.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap()
    };
    Store::open_read(&home).unwrap();
    assert!(fs::read(home.database()).unwrap() == file);
    let place = [("last-lesson".to_string(), json!("faster"))];
    save_progress(&home, place.iter().map(|(key, value)| (key, value))).unwrap();
    assert_eq!(version(), 3);
    assert_eq!(Store::open_read(&home).unwrap().recall("last-lesson").unwrap(), Some(json!("faster")));
    drop(Store::open(&home).unwrap());
    assert_ne!(version(), 3, "the kernel brings it up to date");
    assert_eq!(Store::open_read(&home).unwrap().recall("last-lesson").unwrap(), Some(json!("faster")));
}

#[test]
fn a_kernel_resumes_a_run_of_an_earlier_program() {
    FIXTURES.into_iter().for_each(goes_on);
}

fn goes_on(fixture: &str) {
    let (_folder, home) = home();
    unpack(fixture, &home);
    let _kernel = Kernel::start(&home);
    let mut client = follow(&home);
    let run = RunId(9);
    let refused = client.request(RequestBody::Resume { run }).unwrap_err().to_string();
    assert!(refused.contains("going on already"), "nobody needs to ask: {refused}");
    event(&mut client, &home, "an epoch", |event| {
        matches!(event, RunEvent::Epoch { run: of, .. } if of == run).then_some(())
    });
    let lanes = Store::open_read(&home).unwrap().epochs(run).unwrap();
    assert!(lanes.iter().any(|record| record.epoch > 3), "it goes on from its checkpoint");
}
