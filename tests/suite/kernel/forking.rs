//! A fork goes on from its parent's checkpoint, to the bit, and needs the parent no more.

use crate::common::direct;
use crate::common::direct::{direct, spec, stored};
use crate::common::kernel::{Kernel, connect, end, event, follow, home, log, numbers, refused, state, tensors, train};
use protocol::{ArmId, Fork, Lane, Reply, RequestBody, RunEvent, RunId, RunState, SteeredSetting, Study};
use serde_json::{Value, json};
use shell::client::{Client, ClientError};
use std::{fs, path::Path};
use store::{Home, Store};

const EPOCHS: u32 = 10;

fn ask(client: &mut Client, parent: RunId, epoch: u32, changes: &[(&str, &str)]) -> Result<Reply, ClientError> {
    let changes = changes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    client.request(RequestBody::Fork { fork: Fork { parent, epoch }, arms: Vec::new(), changes, name: None })
}

fn fork(client: &mut Client, parent: RunId, epoch: u32, changes: &[(&str, &str)]) -> RunId {
    match ask(client, parent, epoch, changes).unwrap() {
        Reply::Started { run } => run,
        other => panic!("{other:?}"),
    }
}

/// A run of two arms and two seeds, finished, and steered on its way where that is asked for.
fn parent(home: &Home, client: &mut Client, folder: &Path, is_steered: bool) -> (RunId, Study) {
    let spec = spec(EPOCHS, &[1, 2], folder);
    let run = train(client, &spec);
    if is_steered {
        event(client, home, "an epoch", |event| matches!(event, RunEvent::Epoch { .. }).then_some(()));
        for (arm, value) in [(ArmId::RELU_TANH, 0.2), (ArmId::ALL_TANH, 0.01)] {
            let setting = SteeredSetting::LearningRate;
            client.request(RequestBody::Steer { run, arm, setting, value }).unwrap();
        }
    }
    assert_eq!(end(client, home, run), RunEvent::Finished { run }, "{}", log(home));
    (run, spec)
}

fn relu(home: &Home, arguments: &[&str]) -> assert_cmd::assert::Assert {
    let mut relu = assert_cmd::Command::new(env!("CARGO_BIN_EXE_relu"));
    relu.env("RELU_HOME", home.folder()).args(arguments).assert().success()
}

fn shown(home: &Home, arguments: &[&str]) -> Value {
    let shown = relu(home, arguments);
    serde_json::from_slice(&shown.get_output().stdout).unwrap()
}

#[test]
fn a_fork_that_changes_nothing_has_its_parents_bits_though_its_kernel_dies_and_its_parent_is_gone() {
    let data = tempfile::tempdir().unwrap();
    let (_folder, home) = home();
    let kernel = Kernel::start(&home);
    let mut client = follow(&home);
    let (parent, spec) = parent(&home, &mut client, data.path(), true);
    let expected = numbers(&home, parent);
    let measured = |run| {
        let store = Store::open_read(&home).unwrap();
        let mut epochs = store.epochs(run).unwrap();
        epochs.retain(|record| record.epoch <= 4);
        epochs.sort_by_key(|record| (record.epoch, record.lane()));
        let wrong = spec.lanes().into_iter().map(|lane| store.wrong_images(run, lane, 4).unwrap()).collect::<Vec<_>>();
        assert!(wrong.iter().all(|wrong| wrong.validation.images() == 100));
        (epochs, wrong)
    };
    let history = measured(parent);

    let run = fork(&mut client, parent, 4, &[]);
    let forked = event(&mut client, &home, "the fork", |event| (event.run() == run).then_some(event));
    assert_eq!(forked, RunEvent::Forked { run, fork: Fork { parent, epoch: 4 } });
    assert_eq!(measured(run), history, "its history is whole: every metric, and which images were wrong");
    client.request(RequestBody::Delete { run: parent }).unwrap();
    event(&mut client, &home, "an epoch of the fork", |event| match event {
        RunEvent::Epoch { run: of, record } if of == run => {
            assert!(record.epoch > 4, "its history is not trained again");
            Some(())
        }
        _ => None,
    });
    kernel.kill();
    let _kernel = Kernel::start(&home);
    let mut client = follow(&home);
    if state(&home, run) != RunState::Finished {
        assert_eq!(end(&mut client, &home, run), RunEvent::Finished { run });
    }
    assert!(numbers(&home, run) == expected, "not the parent's bits\n{}", log(&home));
    assert_eq!(Store::open_read(&home).unwrap().run(run).unwrap().not_exact, None);

    let shown = shown(&home, &["runs", "show", &run.to_string(), "--json"]);
    assert_eq!(shown["fork"], json!({ "parent": parent, "epoch": 4 }));
    assert_eq!(shown["steerings"].as_array().map(Vec::len), Some(2));
    let files = spec.lanes().into_iter().flat_map(|lane| fs::read_dir(home.lane(run, lane)).unwrap());
    let bytes: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes > 0);
    assert_eq!(shown["checkpoint_bytes"], bytes);
}

#[test]
fn what_a_fork_changes_holds_from_the_next_epoch_on_and_no_earlier() {
    let data = tempfile::tempdir().unwrap();
    let (_folder, home) = home();
    let _kernel = Kernel::start(&home);
    let mut client = follow(&home);
    let (parent, spec) = parent(&home, &mut client, data.path(), false);
    let run = fork(&mut client, parent, EPOCHS, &[("lr", "0.2"), ("epochs", "13"), ("schedule", "constant")]);
    assert_eq!(end(&mut client, &home, run), RunEvent::Finished { run }, "{}", log(&home));
    let stored = stored(&home, run);
    let changed = Study { epochs: 13, ..spec.clone() }.with_shared(|settings| {
        settings.learning_rate = 0.2;
        settings.schedule = protocol::Schedule::Constant;
    });
    assert_eq!(Store::open_read(&home).unwrap().run(run).unwrap().spec, changed);
    for lane in spec.lanes() {
        let history = direct(&spec, lane, &|_| 0.05);
        assert!(stored[&lane][..10] == history[..], "{lane}: the history is the parent's");
        assert_eq!(stored[&lane].len(), 13);
    }

    // From epoch 5 on at another rate, and nothing else: the loop alone, steered so.
    let run = fork(&mut client, parent, 4, &[("lr", "0.3")]);
    assert_eq!(end(&mut client, &home, run), RunEvent::Finished { run });
    let rate = |epoch| if epoch <= 4 { 0.05 } else { 0.3 };
    let stored = direct::stored(&home, run);
    for lane in spec.lanes() {
        assert!(stored[&lane] == direct(&spec, lane, &rate), "{lane}: not the bits of this rate from epoch 5 on");
    }
    let list = shown(&home, &["runs", "--json"]);
    assert_eq!(list[0]["fork"], json!({ "parent": parent, "epoch": 4 }));
    assert!(list.as_array().unwrap().iter().all(|run| run["checkpoint_bytes"].as_u64().unwrap() > 0));

    let forked = relu(&home, &["fork", "1", "--epoch", "8", "--arm", "all-tanh", "wd=0.001", "--json"]);
    let printed: Vec<Value> = String::from_utf8(forked.get_output().stdout.clone())
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&printed[0]["event"], &printed[0]["parent"], &printed[0]["epoch"]),
        (&json!("forked"), &json!(1), &json!(8))
    );
    assert_eq!((&printed[1]["event"], &printed[1]["spec"]["arms"]), (&json!("started"), &json!(["all-tanh"])));
    assert_eq!((printed.last().unwrap(), printed.len()), (&json!({ "event": "finished", "run": 4 }), 2 + 2 * 10 + 1));
    let (_, message) = refused(ask(&mut client, parent, 12, &[("epochs", "20")]));
    assert_eq!(message, "run 1 has 10 epochs, so there is no epoch 12 to go on from; take an earlier one");
    let (_, message) = refused(ask(&mut client, parent, 4, &[("widths", "1,2,3")]));
    assert!(message.contains("it can't change in mid-run: the weights have its shapes"), "{message}");
    let damaged = home.checkpoint(parent, Lane { arm: ArmId::ALL_TANH, seed: 2 }, 3);
    let mut bytes = fs::read(&damaged).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&damaged, bytes).unwrap();
    let (_, message) = refused(ask(&mut client, parent, 3, &[]));
    assert!(message.contains("it is not as it was written"), "{message}");
    assert_eq!(shown(&home, &["runs", "--json"]).as_array().unwrap().len(), 4, "nothing is left of what was refused");
    assert_eq!(fs::read_dir(home.runs()).unwrap().count(), 4);
}

/// What a kernel leaves that dies while it creates a fork: before the commit, and behind it.
#[test]
fn a_fork_is_there_whole_or_not_at_all() {
    let data = tempfile::tempdir().unwrap();
    let (_folder, home) = home();
    let kernel = Kernel::start(&home);
    let mut client = follow(&home);
    let (parent, spec) = parent(&home, &mut client, data.path(), false);
    let run = fork(&mut client, parent, 4, &[]);
    client.request(RequestBody::Stop { run }).unwrap();
    event(&mut client, &home, "the stop", |event| (event.run() == run && event.ends_run()).then_some(()));
    kernel.kill();
    let lane = spec.lanes()[0];
    let copied = tensors(&home.checkpoint(run, lane, 4));
    let unfinished = |run: &str| home.runs().join(format!(".fork-{run}"));
    fs::rename(home.run(run), unfinished("2")).unwrap();
    fs::create_dir_all(unfinished("3").join("relu-tanh-s1")).unwrap();
    fs::copy(home.checkpoint(parent, lane, 4), unfinished("3").join("relu-tanh-s1/epoch-0004.safetensors")).unwrap();
    let _kernel = Kernel::start(&home);
    let mut client = connect(&home);
    client.request(RequestBody::Status).unwrap();
    assert_eq!(tensors(&home.checkpoint(run, lane, 4)), copied);
    let names: Vec<_> = fs::read_dir(home.runs()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| ["1", "2"].contains(&name.to_str().unwrap())), "{names:?}");

    // Without the checkpoint of its epoch it can't begin anew: the epochs before were trained with other settings.
    let mut client = follow(&home);
    for entry in fs::read_dir(home.lane(run, lane)).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    client.request(RequestBody::Resume { run }).unwrap();
    match end(&mut client, &home, run) {
        RunEvent::Failed { reason, .. } => assert!(reason.contains("fork run 1 again"), "{reason}"),
        other => panic!("{other:?}"),
    }
}
