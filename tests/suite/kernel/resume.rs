//! Runs survive their kernel: killed at any instant and resumed, they are the same to the last bit.
//!
//! The long harnesses are ignored by default. Each prints its figures:
//!
//! ```text
//! cargo test --release --test suite -- --ignored --nocapture --test-threads 1 two_hundred
//! cargo test --release --test suite -- --ignored --nocapture --test-threads 1 each_write   # needs strace; killed, a
//!                                                                            # full disk, an I/O error at each in turn
//! cargo test --release --test suite -- --ignored --nocapture --test-threads 1 kill_costs
//! ```

use crate::common::digits;
use crate::common::kernel as common;
use crate::common::kernel::{
    Kernel, Numbers, bits, end, event, follow, home, log, numbers, program, train, try_event, until,
};
use protocol::{
    CellKey, DataSource, Effort, ErrorKind, Experiment, ExperimentSpec, Lane, RequestBody, RunEvent, RunId, RunState,
    Saturation, Study,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shell::client::{Client, ClientError};
use std::{collections::BTreeMap, fs, os::unix::process::ExitStatusExt, path::Path, process::Command, time::Duration};
use store::{Home, Store};

/// Small enough that most instants are near a commit and most epochs contain a checkpoint.
const OFTEN: [&str; 2] = ["--checkpoint-seconds", "0.004"];

fn small_data(folder: &Path) -> DataSource {
    digits::write(folder);
    DataSource::Folder(folder.to_owned())
}

/// With momentum, so that the velocity has to survive too; two arms and a partial last batch.
fn spec(epochs: u32, data: DataSource) -> Study {
    Study { train_size: 490, val_size: 100, data, ..common::tiny(epochs) }.with_shared(|settings| {
        settings.momentum = 0.5;
        settings.learning_rate = 0.05;
    })
}

fn uninterrupted(spec: &Study) -> Numbers {
    let (_folder, home) = home();
    let _kernel = Kernel::start(&home);
    let mut client = follow(&home);
    let run = train(&mut client, spec);
    let ended = end(&mut client, &home, run);
    assert!(matches!(ended, RunEvent::Finished { .. }), "{ended:?}");
    numbers(&home, run)
}

/// A run whose kernels are killed, and what its followers have received so far.
struct Victim {
    home: Home,
    spec: Study,
    run: Option<RunId>,
    told: BTreeMap<(Lane, u32), [u64; 3]>,
    /// What was committed before the client followed, as a kernel resumes at its start.
    found: BTreeMap<(Lane, u32), [u64; 3]>,
    /// How many kernels have worked on it.
    kernels: usize,
}

impl Victim {
    fn new(home: &Home, spec: &Study) -> Self {
        Self {
            home: home.clone(),
            spec: spec.clone(),
            run: None,
            told: BTreeMap::new(),
            found: BTreeMap::new(),
            kernels: 0,
        }
    }

    /// Starts the run, or resumes it if the kernel has not; `false` if the kernel ended meanwhile.
    fn go_on(&mut self, client: &mut Client) -> bool {
        self.kernels += 1;
        if client.request(RequestBody::Follow).is_err() {
            return false;
        }
        // A kernel that died between the commit and its answer has created a run unknown to its client.
        let runs = Store::open_read(&self.home).unwrap().runs().unwrap();
        let request = match runs.first() {
            None => RequestBody::Train { spec: self.spec.clone(), name: None },
            Some(summary) => {
                self.run = Some(summary.run);
                RequestBody::Resume { run: summary.run }
            }
        };
        match client.request(request) {
            // Two kernels have died during it, or it never began; otherwise it continues already, or is over.
            Ok(_) | Err(ClientError::Refused { kind: ErrorKind::State | ErrorKind::Active, .. }) => {}
            Err(_) => return false,
        }
        let store = Store::open_read(&self.home).unwrap();
        self.run = store.runs().unwrap().first().map(|summary| summary.run);
        for record in self.run.map(|run| store.epochs(run).unwrap()).unwrap_or_default() {
            let epoch = (record.lane(), record.epoch);
            if !self.told.contains_key(&epoch) {
                self.found.insert(epoch, bits(&record));
            }
        }
        true
    }

    /// Follows until the kernel has ended or the run has; returns whether the run has.
    fn listen(&mut self, client: &mut Client) -> bool {
        let home = self.home.clone();
        let state = self.run.map(|run| Store::open_read(&home).unwrap().run(run).unwrap().state);
        if state == Some(RunState::Finished) {
            return true;
        }
        try_event(client, &home, "the end of run or kernel", |event| match event {
            RunEvent::Epoch { record, .. } => {
                let known = self.told.insert((record.lane(), record.epoch), bits(&record));
                assert!(known.is_none(), "told twice of epoch {} of {}", record.epoch, record.lane());
                None
            }
            RunEvent::NotExact { why, .. } => panic!("not exact: {why}"),
            RunEvent::Failed { reason, .. } => panic!("failed: {reason}\n{}", log(&home)),
            event => matches!(event, RunEvent::Finished { .. }).then_some(()),
        })
        .is_ok()
    }

    /// Everything that was announced is stored, to the bit, and the store opens without damage.
    fn check_store(&self) {
        let store = Store::open(&self.home).unwrap_or_else(|error| panic!("{error}\n{}", log(&self.home)));
        assert!(store.notices().is_empty(), "{:?}", store.notices());
        let Some(run) = self.run else { return };
        let stored: BTreeMap<_, _> =
            store.epochs(run).unwrap().iter().map(|record| ((record.lane(), record.epoch), bits(record))).collect();
        for (epoch, measured) in self.told.iter().chain(&self.found) {
            assert_eq!(stored.get(epoch), Some(measured), "an announced epoch is lost: {epoch:?}\n{}", log(&self.home));
        }
        // At each kernel's end each lane may have committed once without the announcement.
        assert!(stored.len() <= self.told.len() + self.found.len() + self.kernels * self.spec.lanes().len());
    }

    /// Lets it run to its end undisturbed and compares.
    fn finish(&mut self, expected: &Numbers) {
        let _kernel = Kernel::start_with(&self.home, &OFTEN);
        let state = self.run.map(|run| Store::open_read(&self.home).unwrap().run(run).unwrap().state);
        if state != Some(RunState::Finished) {
            let mut client = common::connect(&self.home);
            assert!(self.go_on(&mut client), "{}", log(&self.home));
            assert!(self.listen(&mut client), "the kernel went away");
        }
        let run = self.run.unwrap();
        assert_eq!(&numbers(&self.home, run), expected, "not the bits of the uninterrupted run\n{}", log(&self.home));
    }
}

/// Kills the kernel this often at random instants. Returns in how many kills the run was under way.
fn kill_at_random(kills: u32, epochs: u32, seed: u64) {
    let data = tempfile::tempdir().unwrap();
    let spec = spec(epochs, small_data(data.path()));
    let expected = uninterrupted(&spec);
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let (mut killed, mut midway, mut runs) = (0, 0, 0);
    while killed < kills {
        let (_folder, home) = home();
        let mut victim = Victim::new(&home, &spec);
        let mut over = false;
        while killed < kills && !over {
            let kernel = Kernel::start_with(&home, &OFTEN);
            let mut client = kernel.connect();
            // The killing thread is separate, so its instants do not depend on this one.
            let pid = rustix::process::Pid::from_child(&kernel.child);
            let instant = Duration::from_micros(dice.random_range(0..250_000));
            let attack = std::thread::spawn(move || {
                std::thread::sleep(instant);
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            });
            over = victim.go_on(&mut client) && victim.listen(&mut client);
            attack.join().unwrap();
            kernel.kill();
            killed += 1;
            midway += u32::from(!victim.told.is_empty() && !over);
            victim.check_store();
        }
        victim.finish(&expected);
        runs += 1;
    }
    println!(
        "{killed} kills, {midway} of them inside a run, over {runs} runs: no announced epoch lost, all bits equal"
    );
}

#[test]
fn a_run_survives_its_kernels_to_the_last_bit() {
    kill_at_random(6, 12, 1);
}

#[test]
#[ignore = "minutes"]
fn two_hundred_kills() {
    kill_at_random(200, 40, 2);
}

/// A pause, a stop and a resume write checkpoints too, and give the same bits.
#[test]
fn pausing_and_stopping_changes_no_bit() {
    let data = tempfile::tempdir().unwrap();
    let spec = spec(12, small_data(data.path()));
    let expected = uninterrupted(&spec);
    let (_folder, home) = home();
    let kernel = Kernel::start_with(&home, &OFTEN);
    let mut client = follow(&home);
    let run = train(&mut client, &spec);
    for (round, halt) in
        [RequestBody::Pause { run }, RequestBody::Stop { run }, RequestBody::Pause { run }].into_iter().enumerate()
    {
        event(&mut client, &home, "an epoch", |event| matches!(event, RunEvent::Epoch { .. }).then_some(()));
        client.request(halt).unwrap();
        event(&mut client, &home, "the halt", |event| {
            assert!(!matches!(event, RunEvent::Finished { .. }), "too quick for this test in round {round}");
            matches!(event, RunEvent::Paused { .. } | RunEvent::Stopped { .. }).then_some(())
        });
        if round < 2 {
            client.request(RequestBody::Resume { run }).unwrap();
        }
    }
    // Paused, and days later.
    kernel.kill();
    let _kernel = Kernel::start_with(&home, &OFTEN);
    assert_eq!(Store::open_read(&home).unwrap().run(run).unwrap().state, RunState::Paused);
    let mut client = follow(&home);
    client.request(RequestBody::Continue { run }).unwrap();
    assert!(matches!(end(&mut client, &home, run), RunEvent::Finished { .. }));
    assert_eq!(numbers(&home, run), expected);
}

/// One core for two lanes and a cell: the lane that trains waits for the cell, and says so.
#[test]
fn waiting_for_a_cell_changes_no_bit() {
    let data = tempfile::tempdir().unwrap();
    let spec = spec(12, small_data(data.path()));
    let expected = uninterrupted(&spec);
    let (_folder, home) = home();
    let _kernel = Kernel::start_with(&home, &["--cores", "1", "--checkpoint-seconds", "0.004"]);
    let mut client = follow(&home);
    let run = train(&mut client, &spec);
    event(&mut client, &home, "an epoch", |event| matches!(event, RunEvent::Epoch { .. }).then_some(()));
    let measurement = ExperimentSpec {
        experiment: Experiment::Saturation(Saturation::default()),
        effort: Effort::Quick,
        seeds: vec![1, 2],
    };
    let cell = CellKey { lesson: "a".into(), cell: "b".into() };
    client.request(RequestBody::RunCell { cell: cell.clone(), spec: measurement }).unwrap();
    event(&mut client, &home, "the word that it waits", |event| {
        assert!(!event.ends_run(), "too quick for this test");
        matches!(event, RunEvent::Notice { text: Some(text), .. } if text.contains("while a cell measures"))
            .then_some(())
    });
    let ended = end(&mut client, &home, run);
    assert!(matches!(ended, RunEvent::Finished { .. }), "{ended:?}");
    assert_eq!(numbers(&home, run), expected);
    assert!(Store::open_read(&home).unwrap().cell_outcome(&cell).unwrap().is_some());
}

/// Damaged checkpoints are renamed and reported; an older one, or the beginning, is used, and no bit changes.
#[test]
fn damaged_checkpoints_cost_only_time() {
    let data = tempfile::tempdir().unwrap();
    let spec = spec(6, small_data(data.path()));
    let expected = uninterrupted(&spec);
    let (_folder, home) = home();
    let kernel = Kernel::start_with(&home, &OFTEN);
    let mut client = follow(&home);
    let run = train(&mut client, &spec);
    let mut epochs = 0;
    event(&mut client, &home, "two epochs of both arms", |event| {
        epochs += u32::from(matches!(event, RunEvent::Epoch { .. }));
        (epochs == 4).then_some(())
    });
    client.request(RequestBody::Pause { run }).unwrap();
    event(&mut client, &home, "the pause", |event| matches!(event, RunEvent::Paused { .. }).then_some(()));
    kernel.kill();
    // One arm loses its newest files, the other every one.
    for (number, lane) in spec.lanes().into_iter().enumerate() {
        let mut files: Vec<_> =
            fs::read_dir(home.lane(run, lane)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in if number == 0 { &files[1..] } else { &files[..] } {
            let mut bytes = fs::read(file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x10;
            fs::write(file, bytes).unwrap();
        }
    }
    let _kernel = Kernel::start_with(&home, &OFTEN);
    let mut client = follow(&home);
    client.request(RequestBody::Resume { run }).unwrap();
    let text = event(&mut client, &home, "a notice", |event| match event {
        RunEvent::Notice { text: Some(text), .. } => Some(text),
        _ => None,
    });
    assert!(text.contains("damaged") && text.contains("It is kept as"), "{text}");
    let ended = end(&mut client, &home, run);
    assert!(matches!(ended, RunEvent::Finished { .. }), "{ended:?}");
    assert_eq!(numbers(&home, run), expected);
    let kept = fs::read_dir(home.lane(run, spec.lanes()[1])).unwrap().flatten();
    assert!(kept.filter(|entry| entry.file_name().to_string_lossy().contains(".damaged-")).count() >= 3);
}

/// The progress of each lane, as (epoch, batch), from the last event.
fn places(client: &mut Client, home: &Home, spec: &Study, times: usize) -> BTreeMap<Lane, (u32, u32)> {
    let mut told: BTreeMap<Lane, Vec<(u32, u32)>> = BTreeMap::new();
    event(client, home, "progress of every lane", |event| {
        if let RunEvent::Progress { progress, .. } = event {
            let lane = Lane { arm: progress.arm, seed: progress.seed };
            told.entry(lane).or_default().push((progress.epoch, progress.batch));
        }
        spec.lanes().iter().all(|lane| told.get(lane).is_some_and(|places| places.len() >= times)).then_some(())
    });
    told.into_iter().map(|(lane, places)| (lane, places[times - 1])).collect()
}

/// Counted in batches: with a checkpoint after each, the first batch that a lane reports after the resume is not before
/// the last one reported before the kill.
#[test]
fn a_kill_costs_at_most_one_checkpoint_interval() {
    let after_each_batch = ["--checkpoint-seconds", "0"];
    let (_folder, home) = home();
    let spec = common::endless();
    let kernel = Kernel::start_with(&home, &after_each_batch);
    let mut client = follow(&home);
    train(&mut client, &spec);
    let before = places(&mut client, &home, &spec, 3);
    kernel.kill();
    let _kernel = Kernel::start_with(&home, &after_each_batch);
    let mut client = follow(&home);
    let after = places(&mut client, &home, &spec, 1);
    for (lane, told) in before {
        assert!(after[&lane] >= told, "{lane} had told of {told:?} and is at {:?} again", after[&lane]);
    }
}

/// Runs the kernel under strace with this fault. Returns whether the fault occurred. One arm, two epochs.
fn under_fault(fault: &str, spec: &Study, expected: &Numbers) -> bool {
    let (folder, home) = home();
    let trace = folder.path().join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o"]).arg(&trace).args(["-e", &format!("inject={fault}")]);
    strace.args(["-e", "trace=write,pwrite64,fsync,fdatasync,rename,unlink,ftruncate"]);
    strace.arg(program()).arg("--home").arg(home.folder()).args(OFTEN);
    let mut child = strace.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let mut victim = Victim::new(&home, spec);
    let client = until(&home, "a socket, or the end", || match Client::connect(&home) {
        Ok(Some(client)) => Some(Some(client)),
        _ => child.try_wait().unwrap().map(|_| None),
    });
    if let Some(mut client) = client {
        // A fault may fail the request itself; the kernel continues.
        let _over = victim.go_on(&mut client) && victim.listen(&mut client);
    }
    if let Ok(Some(mut client)) = Client::connect(&home) {
        let _ = client.request(RequestBody::Shutdown { force: true });
    }
    // strace ends with the status of the kernel.
    let killed = child.wait().unwrap().signal() == Some(9);
    victim.check_store();
    victim.finish(expected);
    let trace = fs::read_to_string(&trace).unwrap();
    killed || trace.contains("(INJECTED)")
}

const CALLS: [&str; 7] = ["write", "pwrite64", "fsync", "fdatasync", "rename", "unlink", "ftruncate"];

fn at_each_call(action: &str) {
    let data = tempfile::tempdir().unwrap();
    let spec = spec(2, small_data(data.path())).with_arms([protocol::Activations::RELU_TANH]);
    let expected = uninterrupted(&spec);
    for call in CALLS {
        let mut faults = 0;
        // Counted in each thread by itself, until no thread makes that many such calls.
        while under_fault(&format!("{call}:{action}:when={}", faults + 1), &spec, &expected) && faults < 200 {
            faults += 1;
        }
        println!("{call}: {faults} places, {action}: no announced epoch lost, all bits equal");
    }
}

#[test]
#[ignore = "minutes; needs strace"]
fn killed_at_each_write_fsync_and_rename() {
    at_each_call("signal=SIGKILL");
}

#[test]
#[ignore = "minutes; needs strace"]
fn a_full_disk_as_error_at_each_write() {
    at_each_call("error=ENOSPC");
}

#[test]
#[ignore = "minutes; needs strace"]
fn an_io_error_at_each_write() {
    at_each_call("error=EIO");
}

/// A report without assertions: kills the kernel in the middle of long epochs and measures the age of its newest
/// checkpoint, which is the time that is trained again.
#[test]
#[ignore = "half a minute"]
fn report_what_a_kill_costs() {
    const INTERVAL: Duration = Duration::from_millis(200);
    let (_folder, home) = home();
    let spec = Study { train_size: 50_000, val_size: 500, ..common::tiny(Study::MAX_EPOCHS) };
    let interval = INTERVAL.as_secs_f64().to_string();
    let mut dice = ChaCha8Rng::seed_from_u64(5);
    let mut lost = Vec::new();
    for _ in 0..20 {
        let kernel = Kernel::start_with(&home, &["--checkpoint-seconds", &interval]);
        let mut client = kernel.connect();
        let mut victim = Victim::new(&home, &spec);
        assert!(victim.go_on(&mut client));
        let run = victim.run.unwrap();
        event(&mut client, &home, "training", |event| matches!(event, RunEvent::Progress { .. }).then_some(()));
        std::thread::sleep(Duration::from_millis(dice.random_range(300..1500)));
        let killed = std::time::SystemTime::now();
        kernel.kill();
        for lane in spec.lanes() {
            let files = fs::read_dir(home.lane(run, lane)).unwrap().map(|entry| entry.unwrap().metadata().unwrap());
            let newest = files.map(|file| file.modified().unwrap()).max().unwrap();
            lost.push(killed.duration_since(newest).unwrap_or_default());
        }
    }
    lost.sort();
    println!(
        "checkpoints every {INTERVAL:?} of training, 20 kills, {} lanes: recomputed {:?} (median), {:?} (worst), an evaluation in \
         between included",
        lost.len(),
        lost[lost.len() / 2],
        lost[lost.len() - 1]
    );
}
