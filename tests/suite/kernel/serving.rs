//! A real kernel: runs are trained, queued, paused and stopped, and survive full disks and killed kernels.

use crate::common::disk::SmallDisk;
use crate::common::kernel as common;
use crate::common::kernel::{Kernel, end, endless, event, follow, home, log, program, refused, state, tiny, train};
use protocol::{ArmId, ErrorKind, Event, Lane, Reply, RequestBody, RunEvent, RunState, View, ViewRequest};
use rustix::process::Signal;
use shell::client::{Client, Message};
use std::{fs, io::Write, process::Command};
use store::{Home, Store};

#[test]
fn events_of_a_run_come_in_the_order_in_which_they_are_stored() {
    let (_folder, home) = home();
    let kernel = Kernel::start(&home);
    let mut client = follow(&home);
    let run = train(&mut client, &tiny(2));
    let mut received = Vec::new();
    event(&mut client, &home, "the end", |event| {
        let ends = event.ends_run();
        if let RunEvent::Epoch { record, .. } = &event {
            let stored = Store::open_read(&home).unwrap().epochs(run).unwrap();
            assert!(stored.contains(record), "an epoch is committed before it is announced");
        }
        if !matches!(event, RunEvent::Progress { .. } | RunEvent::Elapsed { .. }) {
            received.push(event);
        }
        ends.then_some(())
    });
    let mut history = Store::open_read(&home).unwrap().history(run).unwrap();
    history.retain(|event| !matches!(event, RunEvent::Elapsed { .. }));
    assert_eq!(received, history, "history replays the received events");
    // Its start, its backend, two epochs of two arms, its end.
    assert_eq!(received.len(), 2 + 2 * 2 + 1);
    assert!(matches!(received[1], RunEvent::Backend { .. }));
    assert!(matches!(received.last(), Some(RunEvent::Finished { .. })));
    for lane in tiny(2).lanes() {
        for epoch in 1..=2 {
            assert!(home.checkpoint(run, lane, epoch).is_file());
        }
    }
    let Reply::Status(status) = client.request(RequestBody::Status).unwrap() else { panic!() };
    assert_eq!((status.pid, status.clients, status.runs.len()), (kernel.child.id(), 1, 0));
    assert!(status.rss_bytes > 1 << 20 && status.uptime_seconds > 0.0);
}

/// A linear layer and far too large a step: one arm diverges, the saturating one beside it continues.
#[test]
fn divergence_ends_its_arm_and_no_other() {
    let (_folder, home) = home();
    let _kernel = Kernel::start_with(&home, &["--checkpoint-seconds", "0"]);
    let mut client = follow(&home);
    let arms: [ArmId; 2] = ["relu-linear", "all-tanh"].map(|arm| arm.parse().unwrap());
    let spec = tiny(3).with_arms(arms.map(|arm| arm.as_str().parse().unwrap())).with_shared(|settings| {
        settings.learning_rate = 100.0;
        settings.momentum = 0.99;
    });
    let run = train(&mut client, &spec);
    let (mut diverged, mut epochs) = (None, Vec::new());
    event(&mut client, &home, "the end", |event| {
        match &event {
            RunEvent::Diverged { arm, epoch, batch, .. } => diverged = Some((*arm, *epoch, *batch)),
            RunEvent::Epoch { record, .. } => epochs.push((record.arm, record.epoch)),
            _ => {}
        }
        event.ends_run().then_some(())
    });
    let (arm, epoch, batch) = diverged.expect("the linear arm diverges");
    assert_eq!(arm, arms[0]);
    assert_eq!(epochs.iter().filter(|(arm, _)| *arm == arms[1]).count(), 3, "{epochs:?}");
    assert!(epochs.iter().all(|(arm, at)| *arm == arms[1] || *at < epoch), "nothing is told of an arm after its end");
    assert_eq!(state(&home, run), RunState::Finished);

    let diverged = spec.lanes().into_iter().find(|lane| lane.arm == arm).unwrap();
    let kept = fs::read_dir(home.lane(run, diverged)).unwrap().map(|entry| entry.unwrap().path());
    let newest = kept.max().unwrap_or_else(|| panic!("no checkpoint from before batch {batch} of epoch {epoch}"));
    let bytes = fs::read(&newest).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let floats = tensors.tensors().into_iter().filter(|(_, tensor)| tensor.dtype() == safetensors::Dtype::F32);
    let numbers = floats.flat_map(|(_, tensor)| tensor.data().to_vec()).collect::<Vec<_>>();
    assert!(numbers.len() > 4000, "{newest:?}");
    let finite = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap()).is_finite();
    assert!(numbers.chunks_exact(4).all(finite), "{newest:?} holds a number that is not finite");

    // What can't be looked into is refused with the reason that holds.
    let mut look = |lane: Lane| {
        let (arm, seed) = (Some(lane.arm), Some(lane.seed));
        let request = ViewRequest { run, arm, seed, epoch: None, changes: Vec::new(), view: View::Filters };
        refused(client.request(RequestBody::View(Box::new(request)))).1
    };
    if epoch == 1 {
        let why = look(diverged);
        assert!(why.contains("which diverged in epoch 1"), "{why}");
    }
    let other = spec.lanes().into_iter().find(|lane| lane.arm == arms[1]).unwrap();
    fs::remove_dir_all(home.lane(run, other)).unwrap();
    let why = look(other);
    assert!(why.contains(&format!("in run {run} are gone")), "{why}");
}

#[test]
fn transitions_are_accepted_in_their_states_only() {
    let (_folder, home) = home();
    let _kernel = Kernel::start(&home);
    let mut client = follow(&home);
    let run = train(&mut client, &endless());
    let is = |wanted: fn(&RunEvent) -> bool| move |event: RunEvent| wanted(&event).then_some(());
    event(&mut client, &home, "progress", is(|event| matches!(event, RunEvent::Progress { .. })));
    assert_eq!(refused(client.request(RequestBody::Resume { run })).0, ErrorKind::Active);
    assert_eq!(refused(client.request(RequestBody::Delete { run })).0, ErrorKind::State);

    client.request(RequestBody::Pause { run }).unwrap();
    event(&mut client, &home, "the pause", is(|event| matches!(event, RunEvent::Paused { .. })));
    assert_eq!(state(&home, run), RunState::Paused);
    client.request(RequestBody::Continue { run }).unwrap();
    event(&mut client, &home, "going on", is(|event| matches!(event, RunEvent::Continued { .. })));
    assert_eq!(state(&home, run), RunState::Running);

    // The continue arrives while the pause is under way.
    client.request(RequestBody::Pause { run }).unwrap();
    client.request(RequestBody::Continue { run }).unwrap();
    event(&mut client, &home, "going on again", is(|event| matches!(event, RunEvent::Continued { .. })));

    client.request(RequestBody::Stop { run }).unwrap();
    assert!(matches!(end(&mut client, &home, run), RunEvent::Stopped { .. }));
    assert_eq!(refused(client.request(RequestBody::Pause { run })).0, ErrorKind::State);
    client.request(RequestBody::Resume { run }).unwrap();
    event(&mut client, &home, "the resume", is(|event| matches!(event, RunEvent::Continued { .. })));
    client.request(RequestBody::Pause { run }).unwrap();
    event(&mut client, &home, "the last pause", is(|event| matches!(event, RunEvent::Paused { .. })));
    client.request(RequestBody::Stop { run }).unwrap();
    assert!(matches!(end(&mut client, &home, run), RunEvent::Stopped { .. }));

    client.request(RequestBody::Rename { run, name: Some("  mine ".into()) }).unwrap();
    assert_eq!(Store::open_read(&home).unwrap().run(run).unwrap().name.as_deref(), Some("mine"));
    client.request(RequestBody::Delete { run }).unwrap();
    assert!(!home.run(run).exists());
    assert_eq!(refused(client.request(RequestBody::Resume { run })).0, ErrorKind::NoSuchRun);
}

#[test]
fn runs_queue_for_the_cores_in_order() {
    let (_folder, home) = home();
    let _kernel = Kernel::start_with(&home, &["--cores", "1"]);
    let mut client = follow(&home);
    let first = train(&mut client, &endless());
    let second = train(&mut client, &tiny(1));
    let mut seen = Vec::new();
    let mut note = |client: &mut Client, what: &str, last: fn(&RunEvent) -> bool| {
        event(client, &home, what, |event| {
            let found = event.run() == second && last(&event);
            if event.run() == second
                && !matches!(
                    event,
                    RunEvent::Progress { .. }
                        | RunEvent::Elapsed { .. }
                        | RunEvent::Epoch { .. }
                        | RunEvent::Backend { .. }
                )
            {
                seen.push(event);
            }
            found.then_some(())
        });
    };
    note(&mut client, "the queue", |event| matches!(event, RunEvent::Queued { .. }));
    assert_eq!(state(&home, second), RunState::Queued);
    client.request(RequestBody::Stop { run: first }).unwrap();
    note(&mut client, "its end", RunEvent::ends_run);
    let run = second;
    let expected = [
        RunEvent::Started { run, spec: tiny(1) },
        RunEvent::Queued { run },
        RunEvent::Continued { run },
        RunEvent::Finished { run },
    ];
    assert_eq!(seen, expected);
    assert_eq!(state(&home, first), RunState::Stopped);
}

#[test]
fn files_of_a_killed_kernel_do_not_prevent_a_start() {
    let (_folder, home) = home();
    let first = Kernel::start(&home);
    let mut client = follow(&home);
    let run = train(&mut client, &endless());
    event(&mut client, &home, "progress", |event| matches!(event, RunEvent::Progress { .. }).then_some(()));
    first.kill();
    assert!(home.socket().unwrap().exists() && home.lock().exists());
    assert!(Client::connect(&home).unwrap().is_none(), "a socket without a kernel");
    assert_eq!(state(&home, run), RunState::Interrupted, "for readers, before any kernel has said so");
    let _second = Kernel::start(&home);
    assert_eq!(state(&home, run), RunState::Running, "it goes on without being asked");
    let mut client = follow(&home);
    event(&mut client, &home, "progress", |event| matches!(event, RunEvent::Progress { .. }).then_some(()));
}

#[test]
fn a_shutdown_writes_checkpoints_first() {
    for (how, signal) in [("SIGTERM", Some(Signal::TERM)), ("a request", None)] {
        let (_folder, home) = home();
        let mut kernel = Kernel::start(&home);
        let mut client = follow(&home);
        let run = train(&mut client, &endless());
        event(&mut client, &home, "progress", |event| matches!(event, RunEvent::Progress { .. }).then_some(()));
        let (kind, message) = refused(client.request(RequestBody::Shutdown { force: false }));
        assert_eq!(kind, ErrorKind::Busy);
        assert!(message.contains(&format!("run {run}")), "{message}");
        match signal {
            Some(signal) => kernel.signal(signal),
            None => assert_eq!(client.request(RequestBody::Shutdown { force: true }).unwrap(), Reply::Done),
        }
        assert!(matches!(end(&mut client, &home, run), RunEvent::Interrupted { .. }), "{how}");
        assert!(client.wait_closed(common::PATIENCE));
        assert!(kernel.wait().success(), "{how}\n{}", log(&home));
        // A copy of the one file, for example to another machine, is complete.
        let (_elsewhere, copy) = common::home();
        copy.prepare().unwrap();
        fs::copy(home.database(), copy.database()).unwrap();
        assert_eq!(state(&copy, run), RunState::Interrupted);
        assert_eq!(state(&home, run), RunState::Interrupted);
        assert!(!home.socket().unwrap().exists());
        for lane in endless().lanes() {
            let folder = home.lane(run, lane);
            assert!(fs::read_dir(&folder).unwrap().count() > 0, "{how}: no checkpoint in {}", folder.display());
        }
    }
}

#[test]
fn an_idle_kernel_shuts_down() {
    let (_folder, home) = home();
    let mut kernel = Kernel::start_with(&home, &["--idle-seconds", "0"]);
    // It may have ended before a client connects.
    assert!(kernel.wait().success());
    assert!(!home.socket().unwrap().exists());
}

/// A small disk fills up during a run: the run waits and says so, what is stored is intact, and it ends once there is
/// space.
#[test]
fn training_waits_on_a_full_disk_and_loses_nothing() {
    let Some(mount) = SmallDisk::mount() else { return };
    let home = Home::at(mount.path().join("home")).unwrap();
    let _kernel = Kernel::start_with(&home, &["--checkpoint-seconds", "0.05"]);
    let mut client = follow(&home);
    let run = train(&mut client, &tiny(4));
    event(&mut client, &home, "an epoch", |event| matches!(event, RunEvent::Epoch { .. }).then_some(()));
    let ballast = mount.path().join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    while file.write(&[0; 4096]).is_ok_and(|written| written > 0) {}
    let text = event(&mut client, &home, "a notice", |event| match event {
        RunEvent::Notice { text: Some(text), disk_full: true, .. } if text.contains("Training waits") => Some(text),
        RunEvent::Finished { .. } => panic!("finished on a full disk"),
        _ => None,
    });
    assert!(text.contains("disk"), "{text}");
    // A client that connects now receives it too.
    let mut late = follow(&home);
    let received = late.next_event(common::PATIENCE).unwrap();
    assert!(
        matches!(received, Some(Message::Event(Event::Run(RunEvent::Notice { disk_full: true, .. })))),
        "{received:?}"
    );
    let Reply::Status(status) = late.request(RequestBody::Status).unwrap() else { panic!() };
    assert!(matches!(&status.notices[..], [(of, text)] if *of == run && text.contains("disk")), "{status:?}");
    assert!(!Store::open_read(&home).unwrap().epochs(run).unwrap().is_empty());
    drop(file);
    fs::remove_file(&ballast).unwrap();
    event(&mut client, &home, "the notice taken back", |event| {
        matches!(event, RunEvent::Notice { text: None, .. }).then_some(())
    });
    assert!(matches!(end(&mut client, &home, run), RunEvent::Finished { .. }));
    assert_eq!(Store::open_read(&home).unwrap().epochs(run).unwrap().len(), 8);
}

/// A disk that stays full: the run can still be stopped, and another kernel resumes it.
#[test]
fn a_lane_that_waits_for_the_disk_can_be_stopped() {
    let (_folder, home) = home();
    // No file may grow as large as a checkpoint of LeNet-4; the store's first pages fit.
    let mut limited = Command::new("prlimit");
    limited.arg("--fsize=150000").arg(program()).arg("--home").arg(home.folder());
    let kernel = Kernel::spawn(&home, limited);
    let mut client = follow(&home);
    let run = train(&mut client, &tiny(1));
    event(&mut client, &home, "a notice", |event| {
        matches!(event, RunEvent::Notice { text: Some(_), .. }).then_some(())
    });
    client.request(RequestBody::Stop { run }).unwrap();
    assert!(matches!(end(&mut client, &home, run), RunEvent::Stopped { .. }));
    drop(client);
    kernel.kill();
    let _kernel = Kernel::start(&home);
    let mut client = follow(&home);
    client.request(RequestBody::Resume { run }).unwrap();
    assert!(matches!(end(&mut client, &home, run), RunEvent::Finished { .. }));
}

/// Where nothing more can be stored, deleting a run makes room.
#[test]
fn a_run_is_deleted_on_a_full_disk() {
    let Some(mount) = SmallDisk::mount() else { return };
    let home = Home::at(mount.path().join("home")).unwrap();
    let _kernel = Kernel::start(&home);
    let mut client = follow(&home);
    let run = train(&mut client, &tiny(1));
    assert!(matches!(end(&mut client, &home, run), RunEvent::Finished { .. }));
    let mut file = fs::File::create(mount.path().join("ballast")).unwrap();
    while file.write(&[0; 4096]).is_ok_and(|written| written > 0) {}
    client.request(RequestBody::Delete { run }).unwrap();
    assert!(Store::open_read(&home).unwrap().runs().unwrap().is_empty());
    assert!(!home.run(run).exists());
}

/// Its kernel died on a completely full disk. The next one can't even store that, and serves all the same.
#[test]
fn a_kernel_starts_on_a_full_disk_and_makes_room() {
    let Some(mount) = SmallDisk::mount() else { return };
    let home = Home::at(mount.path().join("home")).unwrap();
    let kernel = Kernel::start(&home);
    let mut client = follow(&home);
    let run = train(&mut client, &endless());
    event(&mut client, &home, "an epoch", |event| matches!(event, RunEvent::Epoch { .. }).then_some(()));
    kernel.kill();
    Store::open(&home).unwrap().fold_log().unwrap();
    mount.fill();
    let _kernel = Kernel::start(&home);
    let mut client = follow(&home);
    let (kind, message) = refused(client.request(RequestBody::Resume { run }));
    assert!(kind == ErrorKind::DiskFull && message.contains("free some space"), "{message}");
    client.request(RequestBody::Delete { run }).unwrap();
    assert!(Store::open_read(&home).unwrap().runs().unwrap().is_empty());
    assert!(!home.run(run).exists());
}
