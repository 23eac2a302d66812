//! A sweep is one run whose arms are the cells: the bits of each are those of a run of its own, it survives its kernel, and
//! successive halving stops what an independent count says.

use crate::common::direct::{direct, spec, stored};
use crate::common::kernel::{Kernel, end, event, follow, home, log, state, train};
use protocol::{Lane, Reply, RequestBody, RunEvent, RunId, RunState, Study, Sweep, SweepAxis};
use serde_json::{Value, json};
use shell::client::Client;
use store::{Home, LaneState, Store};

const ONE_CORE: [&str; 4] = ["--cores", "1", "--checkpoint-seconds", "0.05"];

fn relu(home: &Home, arguments: &[&str]) -> Vec<Value> {
    let mut relu = assert_cmd::Command::new(env!("CARGO_BIN_EXE_relu"));
    let said = relu.env("RELU_HOME", home.folder()).args(arguments).assert().success();
    let text = String::from_utf8(said.get_output().stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn sweep(client: &mut Client, base: &Study, over: &str, halving: bool) -> (RunId, Study) {
    let (spec, sweep) = Sweep::new(base, &[SweepAxis::parse(over).unwrap()], halving).unwrap();
    match client.request(RequestBody::Sweep { spec: spec.clone(), sweep, name: None }).unwrap() {
        Reply::Started { run } => (run, spec),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_cell_is_told_as_it_is_finished_and_the_best_of_each_arm_at_the_end() {
    let data = tempfile::tempdir().unwrap();
    let (_folder, home) = home();
    let _kernel = Kernel::start(&home);
    let base = spec(3, &[1, 2], data.path());
    let text = base.to_string();
    let printed = relu(&home, &["sweep", &text, "--over", "lr=0.01,0.2", "--over", "all-tanh.wd=0,0.01", "--json"]);
    let (last, cells) = printed.split_last().unwrap();
    assert_eq!(cells.len(), 2 + 4);
    let shown = relu(&home, &["runs", "show", "1", "--json"]).remove(0);
    let mean_of = |arm: &Value| {
        let at_the_end = |row: &&Value| row["arm"] == *arm && row["epoch"] == 3;
        let errors: Vec<f64> = shown["epochs"]
            .as_array()
            .unwrap()
            .iter()
            .filter(at_the_end)
            .map(|row| row["val_error"].as_f64().unwrap())
            .collect();
        assert_eq!(errors.len(), 2, "{arm}");
        f64::midpoint(errors[0], errors[1])
    };
    for cell in cells {
        assert_eq!(cell["mean"].as_f64(), Some(mean_of(&cell["arm"])), "{cell}");
        assert_eq!((&cell["run"], &cell["epoch"], &cell["halved"]), (&json!(1), &json!(3), &json!(false)));
    }
    for (at, of) in ["relu-tanh", "all-tanh"].into_iter().enumerate() {
        let best = &last["best"][at];
        assert_eq!(best["of"], of);
        let means = cells.iter().filter(|cell| cell["of"] == of).map(|cell| cell["mean"].as_f64().unwrap());
        assert_eq!(best["mean"].as_f64(), means.min_by(f64::total_cmp));
    }
    let grid: Vec<&Value> = shown["sweep"]["cells"].as_array().unwrap().iter().map(|cell| &cell["settings"]).collect();
    assert_eq!(grid[..3], [&json!({"lr": 0.01}), &json!({"lr": 0.2}), &json!({"lr": 0.01, "wd": 0.0})]);
    assert_eq!(shown["sweep"]["best"], last["best"]);
    let list = relu(&home, &["runs", "--json"]).remove(0);
    assert_eq!(list.as_array().unwrap().len(), 1, "a sweep is one entry");

    let study = Store::open_read(&home).unwrap().run(RunId(1)).unwrap().spec;
    let stored = stored(&home, RunId(1));
    for lane in study.lanes() {
        let alone = base.clone().with_shared(|settings| *settings = study.settings(lane.arm).unwrap().clone());
        let alone = alone.with_arms([study.settings(lane.arm).unwrap().activations]);
        let own = Lane { arm: alone.arms[0].id, ..lane };
        let rate = alone.first_settings().learning_rate;
        assert!(stored[&lane] == direct(&alone, own, &|_| rate), "{lane}: not the bits of a run of its own");
    }
    let mut refused = assert_cmd::Command::new(env!("CARGO_BIN_EXE_relu"));
    let refused = refused.env("RELU_HOME", home.folder()).args([
        "sweep",
        &text,
        "--over",
        "lr=0.001..1",
        "--over",
        "batch=10..80",
    ]);
    let message = String::from_utf8(refused.assert().code(2).get_output().stderr.clone()).unwrap();
    assert!(
        message.contains("10 x 4 of relu-tanh + 10 x 4 of all-tanh are 80 cells, times 2 seeds are 160 lanes"),
        "{message}"
    );
}

/// Of four cells the better two train on behind epoch 2, and the best of them behind epoch 4, whatever the kernel does.
#[test]
fn successive_halving_stops_the_worse_half_at_each_rung_though_kernels_die() {
    let data = tempfile::tempdir().unwrap();
    let (_folder, home) = home();
    let kernel = Kernel::start_with(&home, &ONE_CORE);
    let mut client = follow(&home);
    let base = spec(8, &[1], data.path()).with_arms([protocol::Activations::RELU_TANH]);
    let (run, study) = sweep(&mut client, &base, "lr=0.001,0.2,0.02,0.1", true);
    for _ in 0..3 {
        event(&mut client, &home, "an epoch", |event| matches!(event, RunEvent::Epoch { .. }).then_some(()));
    }
    kernel.kill();
    let kernel = Kernel::start_with(&home, &ONE_CORE);
    let mut client = follow(&home);
    let halved = event(&mut client, &home, "a cell that stops", |event| match event {
        RunEvent::Halved { run: of, arm, epoch, .. } if of == run => Some((arm, epoch)),
        _ => None,
    });
    assert_eq!(halved.1, 2);
    kernel.kill();
    let _kernel = Kernel::start_with(&home, &ONE_CORE);
    let mut client = follow(&home);
    // Two kernels in a row have died beneath it, so the third one waits to be asked.
    client.request(RequestBody::Resume { run }).unwrap();
    assert_eq!(end(&mut client, &home, run), RunEvent::Finished { run }, "{}", log(&home));

    // Counted by hand: each cell's whole curve, and who is left at each rung.
    let curve = |lane: Lane| direct(&study, lane, &|_| study.settings(lane.arm).unwrap().learning_rate);
    let curves: Vec<(Lane, Vec<[u64; 3]>)> = study.lanes().into_iter().map(|lane| (lane, curve(lane))).collect();
    let mut left: Vec<usize> = (0..4).collect();
    let mut length = [8; 4];
    for (rung, keep) in [(2, 2), (4, 1)] {
        let error = |cell: &usize| f64::from_bits(curves[*cell].1[rung - 1][1]);
        left.sort_by(|a, b| error(a).total_cmp(&error(b)).then(a.cmp(b)));
        for out in left.split_off(keep) {
            length[out] = rung;
        }
    }
    let stored = stored(&home, run);
    for ((lane, curve), length) in curves.iter().zip(length) {
        assert!(stored[lane] == curve[..length], "{lane}: {} epochs, not {length}, or other bits", stored[lane].len());
    }
    let store = Store::open_read(&home).unwrap();
    let halved = |rung| {
        store.lanes(run).unwrap().iter().filter(|(_, state)| *state == LaneState::Halved { epoch: rung }).count()
    };
    assert_eq!((halved(2), halved(4)), (2, 1));
    let summary = store.run(run).unwrap();
    assert_eq!((summary.epochs_done, summary.done.len()), (8, 1), "nobody waits for what was stopped");
    let shown = relu(&home, &["runs", "show", &run.to_string(), "--json"]).remove(0);
    let winner = study.lanes()[left[0]].arm;
    assert_eq!(shown["sweep"]["best"][0]["arm"], json!(winner));
}

#[test]
fn a_run_that_somebody_waits_for_comes_before_a_sweep() {
    let data = tempfile::tempdir().unwrap();
    let (_folder, home) = home();
    let _kernel = Kernel::start_with(&home, &ONE_CORE);
    let mut client = follow(&home);
    let base = spec(Study::MAX_EPOCHS, &[1], data.path()).with_arms([protocol::Activations::RELU_TANH]);
    let (sweep, _) = sweep(&mut client, &base, "lr=0.01,0.1", false);
    event(&mut client, &home, "an epoch", |event| matches!(event, RunEvent::Epoch { .. }).then_some(()));
    let run = train(&mut client, &Study { epochs: 1, ..base });
    assert_eq!(end(&mut client, &home, run), RunEvent::Finished { run });
    assert_eq!(state(&home, sweep), RunState::Running);
}
