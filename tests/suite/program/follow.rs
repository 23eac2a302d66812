//! Following and listing a run from the command line, whatever happens meanwhile.

use crate::common::cli::{TestHome, events};
use protocol::{
    Activations, ArmId, EpochRecord, Event, Hello, Lane, Metric, PROTOCOL_VERSION, Preset, Reply, Request, RequestBody,
    RunEvent, RunId, RunState, ServerLine, Study, WrongImages,
};
use serde_json::Value;
use shell::client::Client;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    process::Stdio,
};
use store::{CheckpointRow, Home, Store};

const LONG: [&str; 9] = ["train", "--train-size", "500", "--val-size", "200", "--epochs", "10000", "--batch", "50"];

fn commit(store: &mut Store, run: RunId, epoch: u32) -> EpochRecord {
    let record = EpochRecord::new(
        Lane { arm: ArmId::RELU_TANH, seed: 1 },
        epoch,
        [
            (Metric::TrainLoss, 0.5),
            (Metric::ValError, 2.0),
            (Metric::TestError, 2.0),
            (Metric::Seconds, 1.0),
            (Metric::ImagesPerSecond, 1.0),
        ],
    );
    let checkpoint = CheckpointRow { lane: record.lane(), epoch, file: "x".into(), sha256: "x".into() };
    store.commit_epoch(run, (&record, &WrongImages::default()), &checkpoint, &[], 1.0).unwrap();
    record
}

fn say(stream: &mut UnixStream, line: &ServerLine) {
    writeln!(stream, "{}", serde_json::to_string(line).unwrap()).unwrap();
}

/// Answers like a kernel up to `Train`, or else `Follow`.
fn converse(stream: &mut UnixStream, run: RunId, last: fn(&RequestBody) -> bool) {
    for line in BufReader::new(stream.try_clone().unwrap()).lines() {
        let Request { id, body } = serde_json::from_str(&line.unwrap()).unwrap();
        let reply = match &body {
            RequestBody::Hello { .. } => Reply::Hello(Hello {
                protocol: PROTOCOL_VERSION,
                pid: 1,
                version: "x".into(),
                notices: Vec::new(),
                interrupted: Vec::new(),
            }),
            RequestBody::Train { .. } => Reply::Started { run },
            _ => Reply::Done,
        };
        say(stream, &ServerLine::Reply { id, reply });
        if last(&body) {
            return;
        }
    }
}

/// Suspended for minutes it reads nothing and is disconnected, while the run continues.
#[test]
fn a_disconnected_follower_reconnects_and_misses_nothing() {
    let home = TestHome::new();
    let at = Home::at(home.folder()).unwrap();
    let mut store = Store::open(&at).unwrap();
    let spec = Study { epochs: 3, ..Study::of(Preset::Article) }.with_arms([Activations::RELU_TANH]);
    let run = store.create_run(&spec, None).unwrap();
    store.set_state(run, &RunState::Running).unwrap();
    let listener = UnixListener::bind(at.socket().unwrap()).unwrap();
    let socket = at.socket().unwrap();
    let kernel = std::thread::spawn(move || {
        let mut streams = listener.incoming().map(Result::unwrap);
        let mut first = streams.next().unwrap();
        converse(&mut first, run, |body| matches!(body, RequestBody::Train { .. }));
        let event = |record| ServerLine::Event(Event::Run(RunEvent::Epoch { run, record }));
        let record = commit(&mut store, run, 1);
        say(&mut first, &event(record));
        commit(&mut store, run, 2);
        drop(first);
        // The other connections only check whether there is a kernel.
        let mut second = streams.find(speaks).unwrap();
        converse(&mut second, run, |body| matches!(body, RequestBody::Follow));
        let record = commit(&mut store, run, 3);
        say(&mut second, &event(record));
        store.set_state(run, &RunState::Finished).unwrap();
        say(&mut second, &ServerLine::Event(Event::Run(RunEvent::Finished { run })));
        fs::remove_file(socket).unwrap();
        let _ = second.read(&mut [0]);
    });
    let events_seen = home.events(&["train", "--arms", "relu-tanh", "--epochs", "3", "--json"]);
    let kinds: Vec<_> = events_seen.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["started", "epoch", "epoch", "epoch", "finished"], "{events_seen:?}");
    assert_eq!(events_seen[1..4].iter().map(|event| event["epoch"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    kernel.join().unwrap();
}

/// A line of the kernel has `null` instead of a number. It is skipped with a notice, and nothing else ends.
#[test]
fn an_unreadable_line_is_reported_and_skipped() {
    let home = TestHome::new();
    let at = Home::at(home.folder()).unwrap();
    let mut store = Store::open(&at).unwrap();
    let spec = Study { epochs: 2, ..Study::of(Preset::Article) }.with_arms([Activations::RELU_TANH]);
    let run = store.create_run(&spec, None).unwrap();
    store.set_state(run, &RunState::Running).unwrap();
    let listener = UnixListener::bind(at.socket().unwrap()).unwrap();
    let socket = at.socket().unwrap();
    let kernel = std::thread::spawn(move || {
        let mut stream = listener.incoming().map(Result::unwrap).next().unwrap();
        // Another cell's outcome, before the answer to the first request and after it.
        let cell = r#"{"cell_event":"finished","cell":{"lesson":"x","cell":"y"},"outcome":{"figures":null}}"#;
        writeln!(stream, "{cell}").unwrap();
        converse(&mut stream, run, |body| matches!(body, RequestBody::Train { .. }));
        writeln!(stream, "{cell}").unwrap();
        // An epoch of this run; what was committed with it is in the store.
        let record = commit(&mut store, run, 1);
        let line = serde_json::to_string(&ServerLine::Event(Event::Run(RunEvent::Epoch { run, record }))).unwrap();
        writeln!(stream, "{}", line.replace("\"val_error\":2.0", "\"val_error\":null")).unwrap();
        let record = commit(&mut store, run, 2);
        say(&mut stream, &ServerLine::Event(Event::Run(RunEvent::Epoch { run, record })));
        store.set_state(run, &RunState::Finished).unwrap();
        say(&mut stream, &ServerLine::Event(Event::Run(RunEvent::Finished { run })));
        fs::remove_file(socket).unwrap();
        let _ = stream.read(&mut [0]);
    });
    let assert = home.run(&["train", "--arms", "relu-tanh", "--epochs", "2", "--json"]).success();
    let events_seen = events(&String::from_utf8(assert.get_output().stdout.clone()).unwrap());
    let kinds: Vec<_> = events_seen.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["started", "epoch", "epoch", "finished"], "{events_seen:?}");
    let words = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert_eq!(words.matches("finished of x/y").count(), 1, "each is said once: {words}");
    assert!(words.contains("epoch of run 1 (invalid type: null") && !words.contains("kernel stop"), "{words}");
    kernel.join().unwrap();
}

/// Whether the peer sends anything before it disconnects.
fn speaks(stream: &UnixStream) -> bool {
    rustix::net::recv(stream, &mut [0_u8; 1], rustix::net::RecvFlags::PEEK).is_ok_and(|(read, _)| read > 0)
}

/// The stop is still under way when the resume arrives.
#[test]
fn a_resume_right_after_a_stop_continues_the_run() {
    let home = TestHome::new();
    home.run(&[&LONG[..], &["--detach"]].concat()).success();
    home.until("an epoch", |run| run["epochs_done"].as_u64() > Some(0));
    let run = RunId(1);
    let mut client = Client::connect(&Home::at(home.folder()).unwrap()).unwrap().unwrap();
    client.request(RequestBody::Stop { run }).unwrap();
    let mut child = home.bare(&["resume", "1", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut events_seen = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let event = |line: &str| serde_json::from_str::<Value>(line).unwrap()["event"].clone();
    assert_eq!(event(&events_seen.next().unwrap()), "started");
    home.until("more epochs", |run| run["state"] == "running" && run["epochs_done"].as_u64() > Some(2));
    client.request(RequestBody::Stop { run }).unwrap();
    home.run(&["resume", "1", "--detach"]).success();
    home.until("going on", |run| run["state"] == "running");
    // It returns once the run has halted.
    assert!(home.text(&["stop", "1"]).contains("run 1 is stopped"));
    assert_eq!(home.json(&["runs", "--json"])[0]["state"], "stopped");
    assert_eq!(event(&events_seen.last().unwrap()), "stopped");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

/// The run is resumed before the client that stopped it has looked.
#[test]
fn a_stop_followed_by_a_resume_does_not_wait_for_ever() {
    let home = TestHome::new();
    let at = Home::at(home.folder()).unwrap();
    let mut store = Store::open(&at).unwrap();
    let run = store.create_run(&Study::of(Preset::Article), None).unwrap();
    store.set_state(run, &RunState::Running).unwrap();
    let socket = at.socket().unwrap();
    let listener = UnixListener::bind(&socket).unwrap();
    let kernel = std::thread::spawn(move || {
        let mut stream = listener.incoming().map(Result::unwrap).find(speaks).unwrap();
        converse(&mut stream, run, |body| matches!(body, RequestBody::Stop { .. }));
        // In one write: the first is enough for the command, which may have ended before a second.
        let events = [RunEvent::Stopped { run }, RunEvent::Continued { run }];
        let line = |event| serde_json::to_string(&ServerLine::Event(Event::Run(event))).unwrap() + "\n";
        stream.write_all(events.map(line).concat().as_bytes()).unwrap();
        let _ = stream.read(&mut [0]);
        fs::remove_file(socket).unwrap();
    });
    assert!(home.text(&["stop", "1"]).contains("run 1 was stopped, and resumed since"));
    kernel.join().unwrap();
}

/// The store has the answer, and the output says whether it is current.
#[test]
fn runs_are_listed_although_the_kernel_does_not_answer() {
    let home = TestHome::new();
    let at = Home::at(home.folder()).unwrap();
    let mut store = Store::open(&at).unwrap();
    let run = store.create_run(&Study::of(Preset::Article), None).unwrap();
    store.set_state(run, &RunState::Running).unwrap();
    let socket = at.socket().unwrap();
    let silent = UnixListener::bind(&socket).unwrap();
    let assert = home.run(&["runs"]).success();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (listed, complaint) = (text(&assert.get_output().stdout), text(&assert.get_output().stderr));
    assert!(listed.contains("running") && complaint.contains("does not answer"), "{listed}{complaint}");
    fs::remove_file(socket).unwrap();
    drop(silent);
}

#[test]
fn waiting_for_a_core_is_reported_once() {
    let home = TestHome::new();
    let cores = std::thread::available_parallelism().unwrap().get();
    let seeds: Vec<String> = (1..=cores).map(|seed| seed.to_string()).collect();
    home.run(&[&LONG[..], &["--seeds", &seeds.join(","), "--detach"]].concat()).success();
    let short = ["train", "--train-size", "500", "--val-size", "200", "--epochs", "1", "--arms", "relu-tanh", "--json"];
    let mut child = home.bare(&short).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut events_seen = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let event = |line: String| serde_json::from_str::<Value>(&line).unwrap()["event"].as_str().unwrap().to_owned();
    let first: Vec<_> = events_seen.by_ref().take(2).map(event).collect();
    assert_eq!(first, ["started", "queued"]);
    home.run(&["stop", "1"]).success();
    assert_eq!(events_seen.map(event).collect::<Vec<_>>(), ["epoch", "finished"]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn every_listing_says_why_a_run_failed_or_is_not_exact() {
    let home = TestHome::new();
    let mut store = Store::open(&Home::at(home.folder()).unwrap()).unwrap();
    let run = store.create_run(&Study::of(Preset::Article), None).unwrap();
    store.set_state(run, &RunState::Failed { reason: "no data".into() }).unwrap();
    store.set_not_exact(run, "threads was 1, is 2").unwrap();
    drop(store);
    for arguments in [&["runs"][..], &["runs", "show", "1"]] {
        let events_seen = home.text(arguments);
        assert!(
            events_seen.contains("failed: no data") && events_seen.contains("not exact: threads was 1, is 2"),
            "{events_seen}"
        );
    }
    let json = |arguments: &[&str]| home.json(arguments)["summary"].clone();
    let listed = home.json(&["runs", "--json"])[0].clone();
    for summary in [listed, json(&["runs", "show", "1", "--json"]), json(&["runs", "export", "1", "--format", "json"])]
    {
        assert_eq!(summary["reason"], "no data");
        assert_eq!(summary["not_exact"], "threads was 1, is 2");
    }
    assert_eq!(events(&home.text(&["runs", "--json"])).len(), 1);
}
