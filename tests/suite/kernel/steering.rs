//! A learning rate that is changed while a run trains is part of what the run is: the same bits however often its kernel
//! dies, and the bits of the training loop alone with these rates.

use crate::common::direct::{direct, spec, stored};
use crate::common::kernel as common;
use crate::common::kernel::{Kernel, end, event, follow, home, refused, train};
use protocol::{ArmId, ErrorKind, Lane, Reply, RequestBody, RunEvent, RunId, SteeredSetting, Steering};
use serde_json::{Value, json};
use shell::client::{Client, ClientError};
use store::{Home, Store};

const ONE_CORE: [&str; 4] = ["--cores", "1", "--checkpoint-seconds", "0.05"];

fn steer(client: &mut Client, run: RunId, arm: ArmId, value: f64) -> Result<Reply, ClientError> {
    client.request(RequestBody::Steer { run, arm, setting: SteeredSetting::LearningRate, value })
}

fn steered(client: &mut Client, run: RunId, arm: ArmId, value: f64) -> Steering {
    match steer(client, run, arm, value).unwrap() {
        Reply::Steered(steering) => steering,
        other => panic!("{other:?}"),
    }
}

fn epoch(client: &mut Client, home: &Home, of: Lane, number: u32) {
    event(client, home, "an epoch", |event| {
        assert!(!event.ends_run(), "too quick for this test: {event:?}");
        matches!(event, RunEvent::Epoch { record, .. } if record.lane() == of && record.epoch >= number).then_some(())
    });
}

fn shown(home: &Home, run: RunId) -> Value {
    let run = run.to_string();
    let relu = assert_cmd::Command::new(env!("CARGO_BIN_EXE_relu"))
        .env("RELU_HOME", home.folder())
        .args(["runs", "show", &run, "--json"])
        .assert()
        .success();
    serde_json::from_slice(&relu.get_output().stdout).unwrap()
}

/// One core, so that one lane trains at a time: both arms of seed 1, then of seed 2, then of seed 3.
#[test]
fn a_steering_holds_from_its_epoch_on_in_every_lane_that_had_not_begun_it() {
    const EPOCHS: u32 = 12;
    let data = tempfile::tempdir().unwrap();
    let spec = spec(EPOCHS, &[1, 2, 3], data.path());
    let (_folder, home) = home();
    let kernel = Kernel::start_with(&home, &ONE_CORE);
    let mut client = follow(&home);
    let run = train(&mut client, &spec);
    let lane = |seed| Lane { arm: ArmId::RELU_TANH, seed };
    epoch(&mut client, &home, lane(2), 2);
    let first = steered(&mut client, run, ArmId::RELU_TANH, 0.2);
    assert!(first.epoch > 2 && first.epoch < EPOCHS, "{first:?}");
    assert_eq!((first.value, first.passed.as_slice()), (0.2, &[1][..]));
    let reply = event(&mut client, &home, "the steering", |event| match event {
        RunEvent::Steered { run: of, steering } if of == run => Some(steering),
        _ => None,
    });
    assert_eq!(reply, first);
    kernel.kill();

    // The next kernel goes on by itself. It knows the steering from the store alone.
    let kernel = Kernel::start_with(&home, &ONE_CORE);
    let mut client = follow(&home);
    epoch(&mut client, &home, lane(2), first.epoch + 1);
    let second = steered(&mut client, run, ArmId::RELU_TANH, 0.01);
    assert_eq!(second.passed, [1]);
    kernel.kill();
    let _kernel = Kernel::start_with(&home, &ONE_CORE);
    let mut client = follow(&home);
    // Two kernels in a row have died beneath it, so the third one waits to be asked.
    client.request(RequestBody::Resume { run }).unwrap();
    assert_eq!(end(&mut client, &home, run), RunEvent::Finished { run });

    let rate = |epoch: u32| match epoch {
        epoch if epoch < first.epoch => 0.05,
        epoch if epoch < second.epoch => 0.2,
        _ => 0.01,
    };
    let stored = stored(&home, run);
    for seed in [2, 3] {
        assert!(stored[&lane(seed)] == direct(&spec, lane(seed), &rate), "not the bits of these rates, seed {seed}");
    }
    let untouched = direct(&spec, lane(1), &|_| 0.05);
    assert!(stored[&lane(1)] == untouched, "it was past that epoch");
    let other = Lane { arm: ArmId::ALL_TANH, seed: 2 };
    assert!(stored[&other] == direct(&spec, other, &|_| 0.05), "another arm");
    assert!(stored[&lane(2)] != direct(&spec, lane(2), &|_| 0.05), "the rates make a difference");

    let shown = shown(&home, run);
    let row = |steering: &Steering| json!({ "arm": "relu-tanh", "epoch": steering.epoch, "setting": "lr", "value": steering.value, "passed": [1] });
    assert_eq!(shown["steerings"], json!([row(&first), row(&second)]));
    assert_eq!(shown["summary"]["not_exact"], Value::Null);
}

#[test]
fn a_paused_run_is_steered_from_the_epoch_on_that_it_has_not_begun() {
    let data = tempfile::tempdir().unwrap();
    let spec = spec(20, &[1], data.path()).with_arms([protocol::Activations::RELU_TANH]);
    let (_folder, home) = home();
    let kernel = Kernel::start_with(&home, &ONE_CORE);
    let mut client = follow(&home);
    let run = train(&mut client, &spec);
    let lane = Lane { arm: ArmId::RELU_TANH, seed: 1 };
    epoch(&mut client, &home, lane, 2);
    // Inside an epoch: its first batches have been trained at the old rate.
    let inside = event(&mut client, &home, "a place inside an epoch", |event| match event {
        RunEvent::Progress { progress, .. } if progress.batch < progress.batches => Some(progress.epoch),
        _ => None,
    });
    client.request(RequestBody::Pause { run }).unwrap();
    event(&mut client, &home, "the pause", |event| matches!(event, RunEvent::Paused { .. }).then_some(()));
    kernel.kill();
    let _kernel = Kernel::start_with(&home, &ONE_CORE);
    let mut client = follow(&home);
    let done = Store::open_read(&home).unwrap().epochs_done(run, lane).unwrap();
    let steering = steered(&mut client, run, lane.arm, 0.3);
    assert!(steering.epoch > inside && [done + 1, done + 2].contains(&steering.epoch), "{steering:?}, {done} done");
    assert_eq!(steering.passed, [0_u64; 0]);
    client.request(RequestBody::Resume { run }).unwrap();
    assert_eq!(end(&mut client, &home, run), RunEvent::Finished { run });
    let rate = |epoch| if epoch < steering.epoch { 0.05 } else { 0.3 };
    assert!(stored(&home, run)[&lane] == direct(&spec, lane, &rate), "not the bits of these rates");
    let (kind, message) = refused(steer(&mut client, run, lane.arm, 0.1));
    assert!(kind == ErrorKind::State && message.contains("relu fork"), "{message}");
}

#[test]
fn what_can_not_be_steered_is_refused_with_the_remedy() {
    let (_folder, home) = home();
    let _kernel = Kernel::start(&home);
    let mut client = follow(&home);
    let run = train(&mut client, &common::endless());
    let (_, message) = refused(steer(&mut client, run, "gelu-gelu".parse().unwrap(), 0.1));
    assert!(message.contains("no arm gelu-gelu; it has relu-tanh, all-tanh"), "{message}");
    let (_, message) = refused(steer(&mut client, run, ArmId::RELU_TANH, -1.0));
    assert!(message.contains("more than 0"), "{message}");
    let (kind, _) = refused(steer(&mut client, RunId(99), ArmId::RELU_TANH, 0.1));
    assert_eq!(kind, ErrorKind::NoSuchRun);
    assert_eq!(Store::open_read(&home).unwrap().steerings(run).unwrap(), []);

    let relu = |arguments: &[&str]| {
        let mut relu = assert_cmd::Command::new(env!("CARGO_BIN_EXE_relu"));
        relu.env("RELU_HOME", home.folder()).args(["steer", "1"]).args(arguments).assert()
    };
    let said = relu(&["relu-tanh", "lr=0.03", "--json"]).success();
    let said: Value = serde_json::from_slice(&said.get_output().stdout).unwrap();
    let stored = Store::open_read(&home).unwrap().steerings(run).unwrap();
    assert_eq!(said, json!({ "run": 1, "steering": stored[0] }));
    let reply = relu(&["relu-tanh", "wd=0.1"]).code(2);
    assert!(String::from_utf8_lossy(&reply.get_output().stderr).contains("`relu fork` changes other settings"));
}
