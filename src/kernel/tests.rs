//! The scheduler, lanes and cells over a trainer that fails in every way that a real one might.

#![allow(clippy::unwrap_used)]

mod backup;
mod failures;
mod home_watch;
mod recovery;
mod sharing;
mod shutdown;

use super::{
    Kernel, Options,
    jobs::{CellObserver, Stage, Trainer},
    lifecycle::mark_interrupted,
    lock,
    server::Outbox,
};
use learn::train::LaneSettings;
use learn::{Control, Ending, Environment, NamedTensor, Observer, Snapshot};
use protocol::{
    Activation, Activations, ArmId, CellEvent, CellKey, Curves, Effort, EpochRecord, ErrorKind, Event, Experiment,
    ExperimentSpec, Finding, Fork, Lane, Metric, Outcome, Preset, Progress, RunEvent, RunId, RunState, Saturation,
    ServerLine, SteeredSetting, Study, WrongImages,
};
use std::{
    os::unix::net::UnixStream,
    sync::{Arc, Condvar, Mutex, mpsc},
    time::Duration,
};
use store::{Home, Store, files::LaneFolder};
use tempfile::TempDir;

/// Behaves as the seed says, so that each lane of a run can fail in its own way.
#[derive(Default)]
struct Toy {
    /// How many lanes train at the moment, and the most that ever did at once.
    crowd: Mutex<(u32, u32)>,
    moved: Condvar,
}

const PANICS: u64 = 101;
const DIVERGES: u64 = 102;
const REFUSES: u64 = 103;
const UNTIL_STOPPED: u64 = 104;
/// Returns an outcome that holds numbers which JSON can't represent.
const NOT_FINITE: u64 = 107;
const ALSO_UNTIL_STOPPED: [u64; 2] = [105, 106];
/// Measures until it is stopped, on as many cores as it can get.
const GROWS: u64 = 108;
/// Ends once as many lanes train at once as the test has cores.
const WAITS_FOR_COMPANY: u64 = 1000;

impl Trainer for Toy {
    fn train(
        &self,
        spec: &Study,
        lane: Lane,
        _from: Option<&Snapshot>,
        observer: &mut dyn Observer,
    ) -> Result<Ending, String> {
        let (arm, seed) = (lane.arm, lane.seed);
        match seed {
            PANICS => panic!("a toy that panics"),
            DIVERGES => return Ok(Ending::Diverged { epoch: 1, batch: 3 }),
            REFUSES => return Err("a toy that refuses".into()),
            _ => {}
        }
        if seed >= WAITS_FOR_COMPANY {
            let mut crowd = lock(&self.crowd);
            crowd.0 += 1;
            crowd.1 = crowd.1.max(crowd.0);
            self.moved.notify_all();
            let (mut crowd, waited) = self.moved.wait_timeout_while(crowd, PATIENCE, |crowd| crowd.1 < CORES).unwrap();
            assert!(!waited.timed_out(), "never so many lanes at once");
            crowd.0 -= 1;
        }
        observer.training_started(&snapshot(lane, 0).environment);
        observer.learning_rate(1, 0.1);
        let progress = Progress { arm, seed, epoch: 1, batch: 1, batches: 1, images_per_second: 1.0, seconds: 0.0 };
        if seed == UNTIL_STOPPED || ALSO_UNTIL_STOPPED.contains(&seed) {
            while observer.poll(&progress) != Control::Stop {
                std::thread::yield_now();
            }
            observer.checkpoint(&snapshot(lane, 0));
            return Ok(Ending::Stopped);
        }
        for epoch in 1..=spec.epochs {
            let (train_loss, val_error, test_error) = (1.0, 2.0, 3.0);
            let record = EpochRecord::new(
                Lane { arm, seed },
                epoch,
                [
                    (Metric::TrainLoss, train_loss),
                    (Metric::ValError, val_error),
                    (Metric::TestError, test_error),
                    (Metric::Seconds, 1.0),
                    (Metric::ImagesPerSecond, 1.0),
                ],
            );
            if observer.epoch(&record, &WrongImages::default(), &snapshot(lane, epoch)) == Control::Stop {
                return Ok(Ending::Stopped);
            }
        }
        Ok(Ending::Finished)
    }

    fn experiment(&self, spec: &ExperimentSpec, observer: &mut dyn CellObserver) -> Result<Outcome, String> {
        match spec.seeds[0] {
            PANICS => panic!("a cell that panics"),
            REFUSES => Err("a cell that refuses".into()),
            UNTIL_STOPPED => {
                while !observer.should_stop() {
                    observer.progress(0.5, "waiting", None);
                    std::thread::yield_now();
                }
                Err("stopped".into())
            }
            GROWS => {
                // Reports every thread that it may use as busy, and each part takes no time.
                let mut busy = 1;
                while !observer.should_stop() {
                    busy = observer.cores(busy, 8);
                    std::thread::yield_now();
                }
                Err("stopped".into())
            }
            NOT_FINITE => {
                observer.progress(0.5, "diverging", Some(&not_finite()));
                Ok(not_finite())
            }
            _ => Ok(Outcome { seconds: 1.0, ..Outcome::default() }),
        }
    }
}

/// What an experiment returns if it does not check its numbers.
fn not_finite() -> Outcome {
    let (key, text) = ("a.b".into(), "it multiplies the gradient by NaN".into());
    let finding = Finding {
        key,
        text,
        value: Some(f64::NAN),
        spread: Some(f64::INFINITY),
        seeds: vec![1, 2],
        tabled: false,
        is_bound: false,
    };
    Outcome { findings: vec![finding], seconds: 1.0, ..Outcome::default() }
}

fn snapshot(lane: Lane, epochs_done: u32) -> Snapshot {
    let environment = Environment {
        libtorch: "none".into(),
        cpu: "none".into(),
        threads: 1,
        backend: "toy".into(),
        data: "none".into(),
    };
    let names = LaneSettings::new(&Study::of(Preset::Article), Lane { arm: ArmId::RELU_TANH, ..lane })
        .unwrap()
        .architecture
        .names();
    let weights = names.into_iter().map(|name| NamedTensor { name, shape: vec![1], values: vec![1.0] }).collect();
    Snapshot {
        lane,
        epochs_done,
        batches_done: 0,
        loss_sum: 0.0,
        wrong: Some(0),
        epoch_seconds: 0.0,
        seconds: 0.0,
        weights,
        velocity: Vec::new(),
        environment,
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
const CORES: u32 = 3;

/// A kernel without a process, and one client that follows its events.
struct Bench {
    kernel: Arc<Kernel>,
    outbox: Arc<Outbox>,
    _ends: (UnixStream, TempDir),
}

impl Bench {
    fn new() -> Self {
        Self::with(Options { cores: CORES, ..Options::default() })
    }

    fn with(options: Options) -> Self {
        Self::over(tempfile::tempdir().unwrap(), options)
    }

    /// The kernel that comes after the one which left this home. It has not resumed any job yet.
    fn over(folder: TempDir, options: Options) -> Self {
        let home = Home::at(folder.path()).unwrap();
        let mut store = Store::open(&home).unwrap();
        assert_eq!(mark_interrupted(&mut store).unwrap(), []);
        let (shutdown, _) = mpsc::channel();
        let kernel = Arc::new(Kernel::new(home, options, store, Box::new(Toy::default()), shutdown));
        let (ours, theirs) = UnixStream::pair().unwrap();
        let outbox = Arc::new(Outbox::new(ours.into()));
        kernel.hub.follow(&outbox);
        Self { kernel, outbox, _ends: (theirs, folder) }
    }

    fn train(&self, seeds: &[u64]) -> RunId {
        let spec = Study { seeds: seeds.to_vec(), epochs: 2, ..Study::of(Preset::Article) }
            .with_arms([Activations::RELU_TANH]);
        self.kernel.train(spec, None).unwrap()
    }

    /// Every event up to and including the first for which `last` returns true, without progress events.
    fn events_until(&self, last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            for line in self.outbox.take().expect("cut off") {
                let ServerLine::Event(event) = serde_json::from_slice(&line).unwrap() else { continue };
                let ends = last(&event);
                if !matches!(event, Event::Run(RunEvent::Progress { .. }) | Event::Cell(CellEvent::Progress { .. })) {
                    events.push(event);
                }
                if ends {
                    return events;
                }
            }
        }
    }

    fn run_events(&self, run: RunId) -> Vec<RunEvent> {
        let ends = |event: &Event| matches!(event, Event::Run(event) if event.run() == run && event.ends_run());
        let events = self.events_until(ends);
        events.into_iter().filter_map(|event| if let Event::Run(event) = event { Some(event) } else { None }).collect()
    }

    fn state(&self, run: RunId) -> RunState {
        self.kernel.store().run(run).unwrap().state
    }
}

#[test]
fn a_panic_in_one_lane_fails_its_run_and_nothing_else() {
    let bench = Bench::new();
    let run = bench.train(&[PANICS, 1]);
    let events = bench.run_events(run);
    let epochs = events.iter().filter(|event| matches!(event, RunEvent::Epoch { .. })).count();
    assert_eq!(epochs, 2, "the other lane trains to its end: {events:?}");
    match bench.state(run) {
        RunState::Failed { reason } => {
            assert!(reason.contains("relu-tanh-s101") && reason.contains("a toy that panics"));
        }
        other => panic!("{other:?}"),
    }
    let next = bench.train(&[1]);
    assert!(matches!(bench.run_events(next).last(), Some(RunEvent::Finished { .. })));
}

#[test]
fn a_lane_that_can_not_train_gives_its_reason() {
    let bench = Bench::new();
    let run = bench.train(&[REFUSES]);
    let events = bench.run_events(run);
    assert!(matches!(events.last(), Some(RunEvent::Failed { reason, .. }) if reason.contains("a toy that refuses")));
}

#[test]
fn a_diverged_lane_leaves_the_others_alone() {
    let bench = Bench::new();
    let run = bench.train(&[DIVERGES, 1]);
    let events = bench.run_events(run);
    let diverged = RunEvent::Diverged { run, arm: ArmId::RELU_TANH, seed: DIVERGES, epoch: 1, batch: 3 };
    assert!(events.contains(&diverged), "{events:?}");
    assert_eq!(bench.state(run), RunState::Finished);

    let hopeless = bench.train(&[DIVERGES]);
    bench.run_events(hopeless);
    assert!(matches!(bench.state(hopeless), RunState::Failed { .. }));
    let refusal = bench.kernel.resume(hopeless).unwrap_err();
    assert_eq!(refusal.kind, ErrorKind::State);
}

#[test]
fn as_many_lanes_train_at_once_as_there_are_cores_and_no_more() {
    let bench = Bench::new();
    let seeds: Vec<u64> = (0..9).map(|number| WAITS_FOR_COMPANY + number).collect();
    let run = bench.train(&seeds);
    assert_eq!(bench.run_events(run).last(), Some(&RunEvent::Finished { run }));
    assert_eq!(bench.kernel.jobs().run_ids(), []);
}

/// Nine lanes that end only on request, so those that train now are all that may train at once.
#[test]
fn lanes_that_find_no_core_wait() {
    for (threads, at_once, free) in [(1, CORES as usize, 0), (2, 1, 1)] {
        let bench = Bench::new();
        let of_convolution = |conv| Activations { conv, fc: Activation::Tanh };
        let arms = Activation::all().take(9).map(of_convolution);
        let spec = Study { seeds: vec![UNTIL_STOPPED], threads, ..Study::of(Preset::Article) }.with_arms(arms);
        assert!(spec.arms.len() > CORES as usize);
        let lanes = spec.lanes().len();
        bench.kernel.train(spec, None).unwrap();
        {
            let jobs = bench.kernel.jobs();
            let count = |stage: Stage| jobs.runs[0].lanes.iter().filter(|lane| lane.stage == stage).count();
            let free_cores = CORES - jobs.scheduler.used();
            assert_eq!((count(Stage::Training), count(Stage::Waiting), free_cores), (at_once, lanes - at_once, free));
        }
        bench.kernel.halt_all(PATIENCE);
    }
}

#[test]
fn a_lane_of_more_threads_than_cores_is_refused() {
    let bench = Bench::new();
    let spec = Study { threads: CORES + 1, ..Study::of(Preset::Article) };
    let refusal = bench.kernel.train(spec, None).unwrap_err();
    assert_eq!(refusal.kind, ErrorKind::BadSpec);
    assert!(refusal.message.contains("take 1 to 3"), "{}", refusal.message);
}

/// More epochs than a lane keeps files: what is thinned is gone from the folder and from the store alike.
#[test]
fn a_lanes_checkpoints_are_thinned_in_the_folder_and_in_the_store() {
    const EPOCHS: u32 = 300;
    let bench = Bench::new();
    let spec = Study { seeds: vec![1], epochs: EPOCHS, ..Study::of(Preset::Article) };
    let run = bench.kernel.train(spec.with_arms([Activations::RELU_TANH]), None).unwrap();
    assert_eq!(bench.run_events(run).last(), Some(&RunEvent::Finished { run }));
    let lane = Lane { arm: ArmId::RELU_TANH, seed: 1 };
    let files = LaneFolder::of(&bench.kernel.home, run, lane).epochs().unwrap();
    let rows: Vec<u32> = bench.kernel.store().checkpoints(run).unwrap().iter().map(|row| row.epoch).collect();
    assert_eq!(files, rows);
    assert!(files.len() < EPOCHS as usize && files[..20] == (1..=20).collect::<Vec<_>>()[..], "{files:?}");
    let missing = (1..=EPOCHS).find(|epoch| !files.contains(epoch)).unwrap();
    let fork = Fork { parent: run, epoch: missing };
    let refusal = bench.kernel.fork(fork, &[], &[], None).unwrap_err();
    let nearest = format!("the nearest that it keeps: {} and {}", missing - 1, missing + 1);
    assert!(refusal.message.ends_with(&nearest), "{}", refusal.message);
}

/// One core: the first lane is in its only epoch, the second one waits.
#[test]
fn a_lane_in_its_last_epoch_is_past_a_steering_and_one_that_waits_is_not() {
    let bench = Bench::with(Options { cores: 1, ..Options::default() });
    let spec = Study { seeds: vec![UNTIL_STOPPED, 1], epochs: 1, ..Study::of(Preset::Article) };
    let run = bench.kernel.train(spec.with_arms([Activations::RELU_TANH]), None).unwrap();
    bench.events_until(|event| matches!(event, Event::Run(RunEvent::Progress { .. })));
    let steer = || bench.kernel.steer(run, ArmId::RELU_TANH, SteeredSetting::LearningRate, 0.3);
    let steering = steer().unwrap();
    assert_eq!((steering.epoch, steering.passed.as_slice()), (1, &[UNTIL_STOPPED][..]));
    assert!(bench.kernel.store().history(run).unwrap().contains(&RunEvent::Steered { run, steering }));
    bench.kernel.stop(run).unwrap();
    bench.run_events(run);
}

#[test]
fn the_backend_is_announced_once_and_stored() {
    let bench = Bench::new();
    let run = bench.train(&[1, 2]);
    let events = bench.run_events(run);
    let backend = RunEvent::Backend { run, name: "toy".into() };
    assert_eq!(events.iter().filter(|event| **event == backend).count(), 1, "{events:?}");
    assert!(bench.kernel.store().history(run).unwrap().contains(&backend));
}

#[test]
fn a_run_that_waits_can_be_stopped_and_paused() {
    let bench = Bench::new();
    let first = bench.train(&[UNTIL_STOPPED]);
    let wide = Study { threads: CORES, epochs: 1, ..Study::of(Preset::Article) }.with_arms([Activations::ALL_TANH]);
    let waiting = bench.kernel.train(wide, None).unwrap();
    assert_eq!(bench.state(waiting), RunState::Queued);
    // A job of fewer threads does not overtake it.
    let narrow = bench.train(&[1]);
    assert_eq!(bench.state(narrow), RunState::Queued);
    bench.kernel.pause(waiting).unwrap();
    assert_eq!(bench.state(waiting), RunState::Paused);
    bench.kernel.resume(waiting).unwrap();
    bench.kernel.stop(waiting).unwrap();
    assert_eq!(bench.state(waiting), RunState::Stopped);
    bench.kernel.halt_all(PATIENCE);
    assert_eq!(bench.state(first), RunState::Interrupted);
    let refusal = bench.kernel.train(Study::of(Preset::Article), None).unwrap_err();
    assert_eq!(refusal.kind, ErrorKind::Busy, "it is about to leave");
}

fn cell(name: &str, seed: u64) -> (CellKey, ExperimentSpec) {
    let experiment = Experiment::Curves(Curves { activations: vec![], from: 0.0, to: 1.0 });
    (
        CellKey { lesson: "l".into(), cell: name.into() },
        ExperimentSpec { experiment, effort: Effort::Quick, seeds: vec![seed] },
    )
}

/// An experiment that counts as a cell, not as a view, because of its length.
fn long_cell(name: &str, seed: u64) -> (CellKey, ExperimentSpec) {
    let (key, spec) = cell(name, seed);
    let spec = ExperimentSpec { experiment: Experiment::Saturation(Saturation::default()), ..spec };
    assert!(spec.seconds() >= 1.0 && cell(name, seed).1.seconds() < 1.0);
    (key, spec)
}

#[test]
fn cells_are_measured_although_lanes_have_every_core() {
    let bench = Bench::new();
    let full: Study = "relu-tanh; all-tanh; relu-relu; tanh-relu".parse().unwrap();
    let full = Study { seeds: vec![UNTIL_STOPPED], ..full };
    bench.kernel.train(full, None).unwrap();
    let (key, spec) = cell("quick", 1);
    bench.kernel.run_cell(key.clone(), spec).unwrap();
    let finished =
        |event: &Event| matches!(event, Event::Cell(CellEvent::Finished { cell, .. }) if cell.cell == "quick");
    bench.events_until(finished);
    let kept = bench.kernel.store().cell_outcome(&key).unwrap().unwrap();
    assert_eq!(kept.outcome, Outcome { seconds: 1.0, ..Outcome::default() });
    bench.kernel.halt_all(PATIENCE);
}

/// `events_until` decodes every line by the protocol.
#[test]
fn no_number_that_is_not_finite_is_announced_or_stored() {
    let bench = Bench::new();
    let (key, spec) = cell("boom", NOT_FINITE);
    bench.kernel.run_cell(key.clone(), spec).unwrap();
    let events = bench.events_until(|event| matches!(event, Event::Cell(CellEvent::Finished { .. })));
    let Some(Event::Cell(CellEvent::Finished { outcome, .. })) = events.last() else { panic!("{events:?}") };
    let finding = &outcome.findings[0];
    assert_eq!((finding.value, finding.spread, finding.text.as_str()), (None, None, "a.b: no finite number"));
    assert_eq!(bench.kernel.store().cell_outcome(&key).unwrap().unwrap().outcome, *outcome);
}

#[test]
fn cells_fail_and_stop_alone() {
    let bench = Bench::new();
    for (name, seed, word) in [("panic", PANICS, "a cell that panics"), ("refuse", REFUSES, "a cell that refuses")] {
        let (key, spec) = cell(name, seed);
        bench.kernel.run_cell(key, spec).unwrap();
        let events = bench.events_until(|event| matches!(event, Event::Cell(CellEvent::Failed { .. })));
        assert!(matches!(events.last(), Some(Event::Cell(CellEvent::Failed { reason, .. })) if reason.contains(word)));
    }
    // Each can be stopped, running or waiting, and none can be started twice.
    for name in ["a", "b", "c"] {
        let (key, spec) = cell(name, UNTIL_STOPPED);
        bench.kernel.run_cell(key.clone(), spec.clone()).unwrap();
        assert_eq!(bench.kernel.run_cell(key, spec).unwrap_err().kind, ErrorKind::State);
    }
    for name in ["c", "a", "b"] {
        let (key, _) = cell(name, 0);
        bench.kernel.stop_cell(&key).unwrap();
        bench.events_until(|event| matches!(event, Event::Cell(CellEvent::Stopped { cell }) if cell.cell == name));
    }
    assert!(bench.kernel.jobs().cells.is_empty());
}

#[test]
fn a_client_that_does_not_read_loses_progress_first_and_then_the_line() {
    let bench = Bench::new();
    let lane = Lane { arm: ArmId::RELU_TANH, seed: 1 };
    let progress =
        Progress { arm: lane.arm, seed: 1, epoch: 1, batch: 1, batches: 1, images_per_second: 1.0, seconds: 0.0 };
    for _ in 0..1000 {
        bench.kernel.announce(RunEvent::Progress { run: RunId(1), progress: progress.clone() });
    }
    bench.kernel.announce(RunEvent::Finished { run: RunId(1) });
    let lines = bench.outbox.take().unwrap();
    assert!(lines.len() < 100, "{}", lines.len());
    let last: ServerLine = serde_json::from_slice(lines.last().unwrap()).unwrap();
    assert_eq!(last, ServerLine::Event(Event::Run(RunEvent::Finished { run: RunId(1) })));
    for _ in 0..5000 {
        bench.kernel.announce(RunEvent::Stopped { run: RunId(1) });
    }
    assert!(bench.outbox.take().is_none(), "cut off; it reads the store when it comes back");
}
