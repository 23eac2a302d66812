//! The kernel's socket: one kernel per home, robust against every client, and for one user only.
//!
//! A longer harness is ignored by default and prints its figures:
//! `cargo test --release --test suite -- --ignored --nocapture hundred_notebooks`

use crate::common::kernel as common;
use crate::common::kernel::{
    Kernel, command, connect, end, endless, event, follow, home, program, refused, tiny, train, until,
};
use protocol::{DataSource, ErrorKind, PROTOCOL_VERSION, Reply, RequestBody, RunEvent, ServerLine, StartLine, Study};
use rustix::process::Signal;
use shell::client::Client;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::UnixStream,
    },
    time::{Duration, Instant},
};
use store::{Home, Store};

/// A client that writes lines by hand.
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
fn a_bad_spec_is_refused_with_the_setting_and_leaves_no_run() {
    let (_folder, home) = home();
    let kernel = Kernel::start(&home);
    let cases = [
        ("lr:", tiny(1).with_shared(|settings| settings.learning_rate = -1.0)),
        ("data: here", Study { data: DataSource::Folder("here".into()), ..tiny(1) }),
        ("data: /no/such", Study { data: DataSource::Folder("/no/such".into()), ..tiny(1) }),
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

/// As a program does that clears old files.
#[test]
fn a_removed_socket_is_created_again() {
    let (_folder, home) = home();
    let kernel = Kernel::start(&home);
    let socket = home.socket().unwrap();
    std::fs::remove_file(&socket).unwrap();
    common::until(&home, "the socket", || socket.exists().then_some(()));
    let found = common::until(&home, "the kernel", || Client::connect(&home).ok().flatten());
    assert_eq!(found.hello().pid, kernel.child.id());
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn removing_the_lock_file_does_not_admit_a_second_kernel() {
    let (_folder, home) = home();
    let first = Kernel::start(&home);
    let pid = first.child.id();
    fs::remove_file(home.lock()).unwrap();
    let holder = || fs::read_to_string(home.lock()).ok()?.trim().parse().ok();
    until(&home, "the lock", || (holder() == Some(pid)).then_some(()));
    assert_eq!(Kernel::start(&home).line, StartLine::Running { pid });
    first.connect();
}

#[test]
fn a_removed_log_is_created_again() {
    let (_folder, home) = home();
    let kernel = Kernel::start(&home);
    fs::remove_file(home.kernel_log()).unwrap();
    until(&home, "the log", || home.kernel_log().exists().then_some(()));
    kernel.signal(Signal::TERM);
    // The file exists a moment before the streams follow; the last line comes well after both.
    until(&home, "its last line", || common::log(&home).trim_end().ends_with("left").then_some(()));
}

#[test]
fn a_file_at_the_sockets_path_is_renamed_and_not_deleted() {
    let (_folder, home) = home();
    home.prepare().unwrap();
    let socket = home.socket().unwrap();
    fs::write(&socket, "a letter").unwrap();
    let kernel = Kernel::start(&home);
    kernel.connect();
    let names = fs::read_dir(home.folder()).unwrap().map(|entry| entry.unwrap().path());
    let aside = names.filter(|path| *path != socket && path.to_string_lossy().contains("kernel.sock"));
    assert_eq!(aside.map(|path| fs::read_to_string(path).unwrap()).collect::<Vec<_>>(), ["a letter"]);
}

#[test]
fn hang_ups_are_ignored() {
    let (_folder, home) = home();
    let kernel = Kernel::start(&home);
    kernel.signal(Signal::HUP);
    kernel.connect().request(RequestBody::Status).unwrap();
    kernel.signal(Signal::HUP);
    kernel.connect().request(RequestBody::Status).unwrap();
}

#[test]
fn a_client_of_another_protocol_is_refused_and_may_end_an_idle_kernel() {
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
fn one_call_shuts_an_idle_kernel_down() {
    let (_folder, home) = home();
    Client::stop_idle(&home).unwrap();
    let mut kernel = Kernel::start(&home);
    Client::stop_idle(&home).unwrap();
    assert!(kernel.wait().success());
}

#[test]
fn invalid_requests_are_answered() {
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
    // Cut off within a line, and disconnected.
    raw.0.get_mut().write_all(b"{\"id\":10,").unwrap();
    drop(raw);
    kernel.connect().request(RequestBody::Status).unwrap();
}

/// Follows, and requests more than the system buffers for a client that does not read, so the kernel's next write
/// waits.
fn deaf(home: &Home) -> Raw {
    let mut raw = Raw::connect(home);
    let hello = format!("{{\"id\":1,\"request\":\"hello\",\"protocol\":{PROTOCOL_VERSION},\"client\":\"x\"}}\n");
    raw.say(hello.as_bytes());
    raw.say(b"{\"id\":2,\"request\":\"follow\"}\n");
    let ask = b"{\"id\":3,\"request\":\"status\"}\n";
    let answer = serde_json::to_vec(&raw.say(ask)).unwrap().len();
    let room = rustix::net::sockopt::socket_send_buffer_size(raw.0.get_ref()).unwrap();
    let questions = 2 * room / answer;
    assert!(questions < 4000, "so many answers that it would be cut off");
    raw.0.get_mut().write_all(&ask.repeat(questions)).unwrap();
    raw
}

#[test]
fn a_client_that_does_not_read_blocks_nobody() {
    let (_folder, home) = home();
    let _kernel = Kernel::start(&home);
    let deaf: Vec<_> = (0..8).map(|_| deaf(&home)).collect();
    let mut client = follow(&home);
    let run = train(&mut client, &tiny(3));
    assert!(matches!(end(&mut client, &home, run), RunEvent::Finished { .. }));
    drop(deaf);
    until(&home, "the others to be gone", || {
        let Reply::Status(status) = client.request(RequestBody::Status).unwrap() else { panic!() };
        (status.clients == 1).then_some(())
    });
}

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
    // Even with every mode opened, another user is refused with a sentence.
    for path in [folder.path(), home.folder(), &home.socket().unwrap()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let socket = home.socket().unwrap();
    let line = std::thread::spawn(move || {
        let nobody = rustix::process::Uid::from_raw(65534);
        // Of this thread only; the system asks the thread that connects.
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
fn many_notebooks_start_one_kernel() {
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
        (script("mute", "kill -9 $$"), "signal 9"),
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

#[test]
fn silent_clients_do_not_exclude_others() {
    let (_folder, home) = home();
    let _kernel = Kernel::start(&home);
    let silent: Vec<_> = (0..64).map(|_| UnixStream::connect(home.socket().unwrap()).unwrap()).collect();
    let mut client = connect(&home);
    assert!(matches!(client.request(RequestBody::Status).unwrap(), Reply::Status(_)));
    drop(silent);
}

/// A hundred notebooks connect, read the history and die without a goodbye. Training never waits for one.
#[test]
#[ignore = "a minute"]
fn a_hundred_notebooks_come_and_go() {
    let (_folder, home) = home();
    let _kernel = Kernel::start(&home);
    let mut watcher = follow(&home);
    let run = train(&mut watcher, &endless());
    let (mut times, mut deaf) = (Vec::new(), Vec::new());
    let mut gap = Duration::ZERO;
    for number in 0..100 {
        let began = Instant::now();
        let mut notebook = follow(&home);
        let history = Store::open_read(&home).unwrap().history(run).unwrap();
        times.push(began.elapsed());
        assert!(matches!(history.first(), Some(RunEvent::Started { .. })));
        if number % 2 == 0 {
            // Still follows, and reads nothing any more.
            deaf.push(notebook);
            // Twenty at a time, as the kernel accepts 64.
            deaf.truncate(20);
        } else {
            let _ = notebook.request(RequestBody::Status);
        }
        let waited = Instant::now();
        event(&mut watcher, &home, "the next epoch", |event| matches!(event, RunEvent::Epoch { .. }).then_some(()));
        gap = gap.max(waited.elapsed());
    }
    times.sort();
    let epochs = Store::open_read(&home).unwrap().epochs(run).unwrap().len();
    println!(
        "attached with {epochs} epochs of history: median {:?}, worst {:?}; longest wait for an epoch {gap:?}",
        times[50], times[99]
    );
    watcher.request(RequestBody::Stop { run }).unwrap();
}
