//! A real kernel over its real socket: one per home, polite to every client, and hard to kill.
#![allow(clippy::unwrap_used)]

#[path = "common/kernel.rs"]
mod common;
#[path = "common/disk.rs"]
mod disk;

use common::{Kernel, command, connect, end, endless, event, follow, home, log, program, tiny, train, until};
use disk::SmallDisk;
use relu_notebook::{
    protocol::{
        DataSource, ErrorKind, Event, PROTOCOL_VERSION, Reply, RequestBody, RunEvent, RunId, RunSpec, RunState,
        ServerLine, StartLine,
    },
    shell::client::{Client, ClientError},
    store::{Home, Store},
};
use rustix::process::Signal;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::UnixStream,
    },
    process::Command,
};

fn refused(result: Result<Reply, ClientError>) -> (ErrorKind, String) {
    match result {
        Err(ClientError::Refused { kind, message }) => (kind, message),
        other => panic!("{other:?}"),
    }
}

fn state(home: &Home, run: RunId) -> RunState {
    Store::open_read(home).unwrap().run(run).unwrap().state
}

/// A client that speaks by hand.
struct Raw(BufReader<UnixStream>);

impl Raw {
    fn connect(home: &Home) -> Self {
        let stream = UnixStream::connect(home.socket().unwrap()).unwrap();
        stream.set_read_timeout(Some(common::PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, bytes: &[u8]) -> ServerLine {
        self.0.get_mut().write_all(bytes).unwrap();
        self.hear()
    }

    fn hear(&mut self) -> ServerLine {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("`{line}`: {error}"))
    }
}

fn kind_of(line: ServerLine) -> (u64, ErrorKind) {
    match line {
        ServerLine::Reply { id, reply: Reply::Refused { kind, .. } } => (id, kind),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_is_trained_stored_and_told_of_in_one_order() {
    let (_folder, home) = home();
    let kernel = Kernel::start(&home);
    let mut client = follow(&home);
    let run = train(&mut client, &tiny(2));
    let mut told = Vec::new();
    event(&mut client, &home, "the end", |event| {
        let ends = event.ends_run();
        if let RunEvent::Epoch { record, .. } = &event {
            let stored = Store::open_read(&home).unwrap().epochs(run).unwrap();
            assert!(stored.contains(record), "an epoch is committed before it is announced");
        }
        if !matches!(event, RunEvent::Progress { .. }) {
            told.push(event);
        }
        ends.then_some(())
    });
    assert_eq!(told, Store::open_read(&home).unwrap().history(run).unwrap(), "history replays what was told");
    assert_eq!(told.len(), 1 + 2 * 2 + 1);
    assert!(matches!(told.last(), Some(RunEvent::Finished { .. })));
    for lane in tiny(2).lanes() {
        for epoch in 1..=2 {
            assert!(home.checkpoint(run, lane, epoch).is_file());
        }
    }
    let Reply::Status(status) = client.request(RequestBody::Status).unwrap() else { panic!() };
    assert_eq!((status.pid, status.clients, status.runs.len()), (kernel.child.id(), 1, 0));
    assert!(status.rss_bytes > 1 << 20 && status.uptime_seconds > 0.0);
}

#[test]
fn pause_continue_stop_resume_each_in_its_state_only() {
    let (_folder, home) = home();
    let _kernel = Kernel::start(&home);
    let mut client = follow(&home);
    let run = train(&mut client, &endless());
    let is = |wanted: fn(&RunEvent) -> bool| move |event: RunEvent| wanted(&event).then_some(());
    event(&mut client, &home, "progress", is(|event| matches!(event, RunEvent::Progress { .. })));
    assert_eq!(refused(client.request(RequestBody::Resume { run })).0, ErrorKind::State);
    assert_eq!(refused(client.request(RequestBody::Delete { run })).0, ErrorKind::State);

    client.request(RequestBody::Pause { run }).unwrap();
    event(&mut client, &home, "the pause", is(|event| matches!(event, RunEvent::Paused { .. })));
    assert_eq!(state(&home, run), RunState::Paused);
    client.request(RequestBody::Continue { run }).unwrap();
    event(&mut client, &home, "going on", is(|event| matches!(event, RunEvent::Continued { .. })));
    assert_eq!(state(&home, run), RunState::Running);

    // As fast as a finger: the continue comes while the pause is under way.
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
            if event.run() == second && !matches!(event, RunEvent::Progress { .. } | RunEvent::Epoch { .. }) {
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
fn a_bad_spec_is_refused_with_the_setting_and_leaves_no_run() {
    let (_folder, home) = home();
    let kernel = Kernel::start(&home);
    let cases = [
        ("lr:", RunSpec { learning_rate: -1.0, ..tiny(1) }),
        ("data: here", RunSpec { data: DataSource::Folder("here".into()), ..tiny(1) }),
        ("data: /no/such", RunSpec { data: DataSource::Folder("/no/such".into()), ..tiny(1) }),
    ];
    for (expected, spec) in cases {
        let (kind, message) = refused(kernel.connect().request(RequestBody::Train { spec, name: None }));
        assert_eq!(kind, ErrorKind::BadSpec);
        assert!(message.starts_with(expected), "{message}");
    }
    assert!(Store::open_read(&home).unwrap().runs().unwrap().is_empty());
}

#[test]
fn one_kernel_per_home() {
    let (_folder, home) = home();
    let first = Kernel::start(&home);
    let mut second = Kernel::start(&home);
    assert_eq!(second.line, StartLine::Running { pid: first.child.id() });
    assert!(second.wait().success());
    first.connect();
}

#[test]
fn what_a_killed_kernel_left_behind_is_no_obstacle() {
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
    assert_eq!(state(&home, run), RunState::Interrupted);
    let mut client = follow(&home);
    client.request(RequestBody::Resume { run }).unwrap();
    event(&mut client, &home, "going on", |event| matches!(event, RunEvent::Continued { .. }).then_some(()));
}

#[test]
fn told_to_leave_it_takes_a_checkpoint_and_goes() {
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
        assert_eq!(state(&home, run), RunState::Interrupted);
        assert!(!home.socket().unwrap().exists());
        for lane in endless().lanes() {
            let folder = home.lane(run, lane);
            assert!(fs::read_dir(&folder).unwrap().count() > 0, "{how}: no checkpoint in {}", folder.display());
        }
    }
}

#[test]
fn it_does_not_hear_hang_ups() {
    let (_folder, home) = home();
    let kernel = Kernel::start(&home);
    kernel.signal(Signal::HUP);
    kernel.connect().request(RequestBody::Status).unwrap();
    kernel.signal(Signal::HUP);
    kernel.connect().request(RequestBody::Status).unwrap();
}

#[test]
fn with_nothing_to_do_it_leaves_and_with_a_notebook_it_stays() {
    let (_folder, home) = home();
    let mut kernel = Kernel::start_with(&home, &["--idle-seconds", "0"]);
    // It may be gone before anyone comes.
    assert!(kernel.wait().success());
    let mut kernel = Kernel::start_with(&home, &["--idle-seconds", "1"]);
    let client = kernel.connect();
    assert!(kernel.child.try_wait().unwrap().is_none());
    drop(client);
    assert!(kernel.wait().success());
}

#[test]
fn another_protocol_is_refused_with_a_sentence_and_may_end_an_idle_kernel() {
    let (_folder, home) = home();
    let mut kernel = Kernel::start(&home);
    let mut raw = Raw::connect(&home);
    let hello = format!("{{\"id\":1,\"request\":\"hello\",\"protocol\":{},\"client\":\"x\"}}\n", PROTOCOL_VERSION + 1);
    match raw.say(hello.as_bytes()) {
        ServerLine::Reply { id: 1, reply: Reply::Refused { kind: ErrorKind::Protocol, message } } => {
            assert!(message.contains("another version") && message.contains("relu kernel stop"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    let train = br#"{"id":2,"request":"stop","run":1}"#;
    assert_eq!(kind_of(raw.say(&[train.as_slice(), b"\n"].concat())), (2, ErrorKind::Protocol));
    let shutdown = b"{\"id\":3,\"request\":\"shutdown\",\"force\":false}\n";
    assert_eq!(raw.say(shutdown), ServerLine::Reply { id: 3, reply: Reply::Done });
    assert!(kernel.wait().success());
}

#[test]
fn an_idle_kernel_is_asked_to_leave_in_one_call() {
    let (_folder, home) = home();
    Client::stop_idle(&home).unwrap();
    let mut kernel = Kernel::start(&home);
    Client::stop_idle(&home).unwrap();
    assert!(kernel.wait().success());
}

#[test]
fn rubbish_is_answered_and_survived() {
    let (_folder, home) = home();
    let kernel = Kernel::start(&home);
    let mut raw = Raw::connect(&home);
    let early = b"{\"id\":5,\"request\":\"status\"}\n";
    assert_eq!(kind_of(raw.say(early)), (5, ErrorKind::Protocol), "no greeting yet");
    let hello = format!("{{\"id\":6,\"request\":\"hello\",\"protocol\":{PROTOCOL_VERSION},\"client\":\"x\"}}\n");
    assert!(matches!(raw.say(hello.as_bytes()), ServerLine::Reply { id: 6, reply: Reply::Hello(_) }));
    let long = [vec![b'['; 3 << 20], b"\n".to_vec()].concat();
    let deep = [vec![b'['; 100_000], b"\n".to_vec()].concat();
    let cases: [(&[u8], u64); 7] = [
        (b"not json\n", 0),
        (b"\xff\xfe\x00\n", 0),
        (b"{\"id\":7}\n", 7),
        (b"{\"id\":8,\"request\":\"dance\"}\n", 8),
        (b"{\"id\":9,\"request\":\"train\",\"spec\":{\"arms\":[\"bogus\"]},\"name\":null}\n", 9),
        (&deep, 0),
        (&long, 0),
    ];
    for (line, id) in cases {
        let shown = String::from_utf8_lossy(&line[..line.len().min(40)]).into_owned();
        assert_eq!(kind_of(raw.say(line)), (id, ErrorKind::BadRequest), "{shown}");
    }
    // Cut inside a line, and gone.
    raw.0.get_mut().write_all(b"{\"id\":10,").unwrap();
    drop(raw);
    kernel.connect().request(RequestBody::Status).unwrap();
}

#[test]
fn a_client_that_does_not_read_stalls_nobody() {
    let (_folder, home) = home();
    let _kernel = Kernel::start(&home);
    let deaf: Vec<_> = (0..8).map(|_| follow(&home)).collect();
    let mut client = follow(&home);
    let run = train(&mut client, &tiny(3));
    assert!(matches!(end(&mut client, &home, run), RunEvent::Finished { .. }));
    drop(deaf);
    until(&home, "the others to be gone", || {
        let Reply::Status(status) = client.request(RequestBody::Status).unwrap() else { panic!() };
        (status.clients == 1).then_some(())
    });
}

/// Eight notebooks write their places and read the store while two arms commit: none is ever told to wait, no row is
/// lost.
#[test]
fn eight_notebooks_at_once_lose_nothing() {
    let (_folder, home) = home();
    let _kernel = Kernel::start(&home);
    let mut watcher = follow(&home);
    let run = train(&mut watcher, &tiny(3));
    std::thread::scope(|scope| {
        for notebook in 0..8 {
            let home = &home;
            scope.spawn(move || {
                let mut client = follow(home);
                let reader = Store::open_read(home).unwrap();
                for step in 0..50 {
                    let (key, value) = (format!("place/{notebook}/{step}"), step.into());
                    assert_eq!(client.request(RequestBody::Remember { key, value }).unwrap(), Reply::Done);
                    assert!(!reader.history(run).unwrap().is_empty());
                }
            });
        }
    });
    assert_eq!(Store::open_read(&home).unwrap().recall_all("place/").unwrap().len(), 400);
    assert!(matches!(end(&mut watcher, &home, run), RunEvent::Finished { .. }));
    assert_eq!(Store::open_read(&home).unwrap().epochs(run).unwrap().len(), 6);
}

#[test]
fn the_socket_and_its_home_are_for_one_user() {
    let (folder, home) = home();
    let _kernel = Kernel::start(&home);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(home.folder()), 0o700);
    assert_eq!(mode(&home.socket().unwrap()), 0o600);
    if fs::metadata(home.folder()).unwrap().uid() != 0 {
        return; // Only root can become another user.
    }
    // Even with every mode opened wide, another user is told so and served nothing.
    for path in [folder.path(), home.folder(), &home.socket().unwrap()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let socket = home.socket().unwrap();
    let line = std::thread::spawn(move || {
        let nobody = rustix::process::Uid::from_raw(65534);
        // Of this thread alone, and the system asks the thread that connects.
        rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        let mut lines = BufReader::new(UnixStream::connect(socket).unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        assert!(lines.next().is_none_or(|line| line.is_err()), "the connection is closed");
        line
    });
    let line = serde_json::from_str(&line.join().unwrap()).unwrap();
    assert_eq!(kind_of(line), (0, ErrorKind::Protocol));
}

#[test]
fn a_notebook_starts_the_kernel_that_it_needs_and_many_start_one() {
    let (_folder, home) = home();
    let kernel = program();
    let pids: Vec<u32> = std::thread::scope(|scope| {
        let notebooks: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Client::connect_or_start_with(&home, &kernel).unwrap().hello().pid))
            .collect();
        notebooks.into_iter().map(|notebook| notebook.join().unwrap()).collect()
    });
    assert!(pids.iter().all(|&pid| pid == pids[0]), "{pids:?}");
    let session = rustix::process::getsid(rustix::process::Pid::from_raw(pids[0] as i32)).unwrap();
    assert_eq!(session.as_raw_nonzero().get() as u32, pids[0], "a session of its own");
    connect(&home).request(RequestBody::Shutdown { force: true }).unwrap();
}

#[test]
fn a_kernel_that_does_not_start_is_named_with_the_reason() {
    let (folder, home) = home();
    let script = |name: &str, body: &str| {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let loader = "echo 'x: error while loading shared libraries: libtorch_cpu.so: cannot open' >&2; exit 127";
    let cases = [
        (script("unloaded", loader), "LibTorch (x: error while loading shared libraries: libtorch_cpu.so"),
        (script("dead", "echo boom >&2; exit 3"), "boom"),
        (script("mute", "kill -9 $$"), "signal: 9"),
        (folder.path().join("missing"), "missing can't be started"),
    ];
    for (kernel, expected) in cases {
        let error = Client::connect_or_start_with(&home, &kernel).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let long = Home::at(folder.path().join("x".repeat(100))).unwrap();
    let error = Client::connect_or_start(&long).err().unwrap().to_string();
    assert!(error.contains("shorter path"), "{error}");
    let output = command(&long).output().unwrap();
    assert!(!output.status.success());
    let line: StartLine = serde_json::from_slice(&output.stdout).unwrap();
    assert!(matches!(line, StartLine::Failed { reason } if reason.contains("shorter path")));
}

/// A small disk fills up under a run: the run waits and says so, its past is whole, and it ends once there is space.
#[test]
fn a_full_disk_makes_training_wait_and_costs_nothing() {
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
        RunEvent::Notice { text: Some(text), .. } if text.contains("Training waits") => Some(text),
        RunEvent::Finished { .. } => panic!("finished on a full disk"),
        _ => None,
    });
    assert!(text.contains("disk"), "{text}");
    // One who comes now is told of it too.
    let mut late = follow(&home);
    let told = late.next_event(common::PATIENCE).unwrap();
    assert!(matches!(told, Some(Event::Run(RunEvent::Notice { text: Some(_), .. }))), "{told:?}");
    assert!(!Store::open_read(&home).unwrap().epochs(run).unwrap().is_empty());
    drop(file);
    fs::remove_file(&ballast).unwrap();
    event(&mut client, &home, "the notice taken back", |event| {
        matches!(event, RunEvent::Notice { text: None, .. }).then_some(())
    });
    assert!(matches!(end(&mut client, &home, run), RunEvent::Finished { .. }));
    assert_eq!(Store::open_read(&home).unwrap().epochs(run).unwrap().len(), 8);
}

/// A disk that stays full: the run can still be stopped, and another kernel goes on with it.
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
