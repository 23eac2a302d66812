//! `cargo bench --bench notebook`: what the notebook itself costs, on a real pseudo-terminal of 120x40 that answers no
//! query, with a real kernel that trains both arms on the full MNIST. Each figure is printed with its budget.
//!
//! Takes about four minutes. `curves`, `opening`, `runs`, `race` or `lanes` behind `--` measures these parts only. No
//! figure makes it fail, as a machine that does other things disturbs them.

#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../suite/common/cli.rs"]
mod cli;
#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../suite/common/digits.rs"]
mod digits;
#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../suite/common/notebook.rs"]
mod notebook;

use app::{App, Event, Modal, update};
use cli::TestHome;
use lesson::Library;
use notebook::{Notebook, Opening};
use protocol::{EpochRecord, Metric, Preset, RunEvent, RunId, RunState, Study, WrongImages};
use ratatui::{Terminal, backend::TestBackend};
use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};
use store::{CheckpointRow, Home, Store};
use ui::{Glyphs, Palette, Theme};

const OPENINGS: usize = 60;
const FRAMES: usize = 20;
const IDLE: Duration = Duration::from_secs(20);
const WATCHED: Duration = Duration::from_secs(30);
const KEYS: usize = 500;
/// The time between keys, which is no multiple of the notebook's own interval.
const PAUSE: Duration = Duration::from_millis(37);

fn main() {
    // `cargo test --benches` starts benches too, without this flag.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("notebook: run it with `cargo bench --bench notebook`");
        return;
    }
    let chosen: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let measures = |part: &str| chosen.is_empty() || chosen.iter().any(|name| name == part);
    println!("{:<44} {:>12} {:>12}", "", "measured", "budget");
    if measures("curves") {
        long_curves(&["relu-tanh", "all-tanh"], 1);
        long_curves(&["relu-tanh", "all-tanh"], 5);
    }
    if measures("opening") {
        idle(first_frames(TestHome::new(), "first frame, 95th percentile", 30.0));
    }
    if measures("runs") {
        many_runs();
    }
    if measures("race") {
        let home = on_screen(race(TestHome::new()));
        first_frames(home, "first frame while a race runs, 95th pct.", f64::INFINITY);
    }
    if measures("lanes") {
        thirty_lanes(TestHome::new());
    }
}

/// A frame of a run's pane, with so many curves of 10,000 epochs.
fn long_curves(arms: &[&str], seeds: u64) {
    const EPOCHS: u32 = 10_000;
    let spec = Study { epochs: EPOCHS, seeds: (1..=seeds).collect(), ..Study::of(Preset::Article) };
    let spec = spec.with_arms(arms.iter().map(|arm| arm.parse().unwrap()));
    let library = Library::english();
    let mut app = App::new(library, 0, 120, 40);
    let mut tell = |event| drop(update(&mut app, Event::Kernel(protocol::Event::Run(event))));
    tell(RunEvent::Started { run: RunId(1), spec: spec.clone() });
    for lane in spec.lanes() {
        for epoch in 1..=EPOCHS {
            let error = 1.0 + 40.0 / f64::from(epoch) + 0.1 * f64::from(epoch % 7) + 0.01 * lane.seed as f64;
            let numbers = [
                (Metric::TrainLoss, 0.1),
                (Metric::ValError, error),
                (Metric::TestError, error),
                (Metric::Seconds, 1.0),
                (Metric::ImagesPerSecond, 50_000.0),
            ];
            tell(RunEvent::Epoch { run: RunId(1), record: EpochRecord::new(lane, epoch, numbers) });
        }
    }
    app.modals.push(Modal::Run(RunId(1)));
    let theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
    let mut times = Vec::new();
    for _ in 0..=FRAMES {
        let start = Instant::now();
        terminal.draw(|frame| ui::draw(&app, &theme, frame)).unwrap();
        times.push(milliseconds(start.elapsed()));
    }
    let curves = spec.lanes().len();
    row(&format!("frame with {curves} curves of 10,000 points, median"), percentile(&mut times[1..], 0.5), "ms", 25.0);
}

fn row(what: &str, measured: f64, unit: &str, budget: f64) {
    let budget_text = if budget.is_finite() { format!("{budget} {unit}") } else { "-".into() };
    let measured_text = if measured < 10.0 { format!("{measured:.2}") } else { format!("{measured:.0}") };
    let verdict = if measured > budget { "  missed" } else { "" };
    println!("{what:<44} {:>12} {budget_text:>12}{verdict}", format!("{measured_text} {unit}"));
}

fn open(home: TestHome) -> Notebook {
    Notebook::open_as(home, &Opening { columns: 120, rows: 40, ..Opening::default() })
}

fn milliseconds(time: Duration) -> f64 {
    1e3 * time.as_secs_f64()
}

/// The percentile: this share of the values are at most this.
fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() as f64 * share).ceil() as usize).clamp(1, values.len()) - 1]
}

/// From the start of the process to the last byte of its first frame. The first opening warms up.
fn first_frames(mut home: TestHome, what: &str, budget: f64) -> TestHome {
    let mut times = Vec::new();
    for _ in 0..=OPENINGS {
        let start = Instant::now();
        let mut notebook = open(home);
        times.push(milliseconds(notebook.wait_for_frames(1).duration_since(start)));
        notebook.press("\u{3}");
        notebook.wait_gone();
        home = notebook.into_home();
    }
    row(what, percentile(&mut times[1..], 0.95), "ms", budget);
    home
}

/// A home with this many runs opens as soon as an empty one, and so does their list.
const RUNS: i64 = 2000;
/// Of each of their lanes.
const EPOCHS: u32 = 30;

fn many_runs() {
    let mut home = home_with_runs();
    home = first_frames(home, "first frame with 2,000 runs, 95th pct.", 30.0);
    let listed = format!("{RUNS}  finished");
    let (mut first, mut all, mut again, mut filtered) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..20 {
        let mut notebook = open(home);
        notebook.wait_for_frames(1);
        // Before the store has answered, and from then on.
        let pressed = Instant::now();
        first.push(milliseconds(notebook.answer("r", |screen| screen.contains(&listed))));
        notebook.wait("all runs", |screen| screen.contains("2,000 runs"));
        all.push(milliseconds(pressed.elapsed()));
        sleep(Duration::from_secs(1));
        notebook.press("q");
        notebook.wait("the list to close", |screen| !screen.contains(&listed));
        again.push(milliseconds(notebook.answer("r", |screen| screen.contains(&listed))));
        filtered.push(milliseconds(notebook.answer("/", |screen| screen.contains("/ _"))));
        for (key, shown) in [("l", "/ l_"), ("r", "/ lr_"), ("=", "/ lr=_")] {
            filtered.push(milliseconds(notebook.answer(key, |screen| screen.contains(shown))));
        }
        notebook.press("\u{3}");
        notebook.wait_gone();
        home = notebook.into_home();
    }
    row("list of 2,000 runs at once, 95th percentile", percentile(&mut first, 0.95), "ms", 50.0);
    row("  all of them, median", percentile(&mut all, 0.5), "ms", f64::INFINITY);
    row("  when the notebook is open, 95th pct.", percentile(&mut again, 0.95), "ms", 50.0);
    row("  a letter of its filter, 99th percentile", percentile(&mut filtered, 0.99), "ms", 25.0);
}

/// Finished runs of two lanes, each with a learning rate of its own.
fn home_with_runs() -> TestHome {
    let home = TestHome::new();
    let at = Home::at(home.folder()).unwrap();
    let mut store = Store::open(&at).unwrap();
    let study = |run: i64| {
        let study = Study { epochs: EPOCHS, ..Study::of(Preset::Article) };
        study.with_shared(|settings| settings.learning_rate = 1e-4 * run as f64)
    };
    let run = store.create_run(&study(1), None).unwrap();
    for (lane, epoch) in study(1).lanes().into_iter().flat_map(|lane| (1..=EPOCHS).map(move |epoch| (lane, epoch))) {
        let error = 1.0 + 5.0 / f64::from(epoch);
        let measured = [
            (Metric::TrainLoss, 0.1),
            (Metric::ValError, error),
            (Metric::TestError, error),
            (Metric::Seconds, 1.0),
            (Metric::ImagesPerSecond, 5e4),
        ];
        let record = EpochRecord::new(lane, epoch, measured);
        let file = format!("epoch-{epoch:04}.safetensors");
        let checkpoint = CheckpointRow { lane, epoch, file, sha256: "00".repeat(32) };
        store.commit_epoch(run, (&record, &WrongImages::default()), &checkpoint, &[], 30.0).unwrap();
    }
    store.set_state(run, &RunState::Finished).unwrap();
    store.fold_log().unwrap();
    drop(store);
    // Copies without checksums, as versions before them left; the next opening writes these.
    let raw = rusqlite::Connection::open(at.database()).unwrap();
    raw.execute_batch("BEGIN").unwrap();
    for run in 2..=RUNS {
        let spec = serde_json::to_string(&study(run)).unwrap();
        let sql = "INSERT INTO runs (id, name, spec, state, created, updated, elapsed, backend)
                   SELECT ?1, 'run ' || ?1, ?2, state, created, updated, elapsed, backend FROM runs WHERE id = 1";
        raw.execute(sql, (run, spec)).unwrap();
        for (table, columns) in [
            ("lanes", "arm, seed, state"),
            ("epochs", "arm, seed, epoch, train_loss, val_error, test_error, seconds, images_per_second"),
            ("checkpoints", "arm, seed, epoch, file, sha256"),
        ] {
            let sql = format!("INSERT INTO {table} (run, {columns}) SELECT ?1, {columns} FROM {table} WHERE run = 1");
            raw.execute(&sql, [run]).unwrap();
        }
    }
    raw.execute_batch("COMMIT").unwrap();
    drop(raw);
    let store = Store::open(&at).unwrap();
    assert_eq!(store.runs().unwrap().len(), RUNS as usize);
    store.fold_log().unwrap();
    home
}

/// Processor time of a process so far, in ticks of 10 ms.
fn ticks(pid: u64) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // utime and stime: proc_pid_stat(5) counts from the process's number on.
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Number of system calls that wrote anything, to any file.
fn writes(pid: u64) -> u64 {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    io.lines().find_map(|line| line.strip_prefix("syscw: ")).unwrap().parse().unwrap()
}

/// An idle notebook whose kernel has finished training.
fn idle(home: TestHome) {
    home.run(&["train", "--epochs", "1", "--train-size", "500", "--val-size", "100"]).success();
    let mut notebook = open(home);
    notebook.wait_for("Welcome");
    sleep(Duration::from_secs(2));
    let kernel = notebook.kernel()["pid"].as_u64().unwrap();
    let own = u64::from(notebook.pid());
    let (bytes, _) = notebook.traffic();
    let before = [ticks(own), ticks(kernel)];
    sleep(IDLE);
    let (bytes, used) = (notebook.traffic().0 - bytes, [ticks(own) - before[0], ticks(kernel) - before[1]]);
    let share = |ticks: u64| 100.0 * ticks as f64 / 100.0 / IDLE.as_secs_f64();
    row("idle notebook, of one core (20 s)", share(used[0]), "%", 0.1);
    row("idle kernel, of one core (20 s)", share(used[1]), "%", 0.1);
    row("idle, to the terminal (20 s)", bytes as f64, "bytes", 0.0);
    notebook.press("q");
    notebook.wait_gone();
}

/// Starts the lesson's run as a reader does: both arms, 50,000 images, both cores.
fn race(home: TestHome) -> Notebook {
    let mut notebook = open(home);
    notebook.wait_for("Welcome");
    // The first cell is a prediction. Such a long run asks for a confirmation.
    notebook.press(":open 12\r\t\t");
    notebook.wait_for("Enter start");
    notebook.press("\r");
    notebook.wait_for("y starts it");
    notebook.press("y");
    notebook.wait_for("epoch 3 of 150");
    notebook
}

/// What a run on the screen costs, and how soon keys are answered meanwhile.
fn on_screen(mut notebook: Notebook) -> TestHome {
    let own = u64::from(notebook.pid());
    let (before, calls, from) = (notebook.traffic(), writes(own), Instant::now());
    sleep(WATCHED);
    let (after, calls) = (notebook.traffic(), writes(own) - calls);
    let (bytes, frames) = ((after.0 - before.0) as f64, (after.1 - before.1) as f64);
    let seconds = from.elapsed().as_secs_f64();
    row("race on the screen, to the terminal, a second", bytes / seconds, "bytes", 1024.0);
    row("  a frame", bytes / frames, "bytes", f64::INFINITY);
    row("  frames a second", frames / seconds, "", f64::INFINITY);
    row("  writes a frame", calls as f64 / frames, "", 1.0);

    let mut times = Vec::new();
    for at in 0..KEYS {
        times.push(milliseconds(if at % 10 == 0 {
            notebook.answer("?", |screen| screen.contains("key closes"))
        } else if at % 10 == 1 {
            notebook.answer("x", |screen| !screen.contains("key closes"))
        } else {
            let before = above_the_race(&notebook.screen());
            notebook.answer(if at % 2 == 0 { "j" } else { "k" }, |screen| above_the_race(screen) != before)
        }));
        sleep(PAUSE);
    }
    row("key to frame while both cores train, median", percentile(&mut times, 0.5), "ms", 8.0);
    row("  99th percentile", percentile(&mut times, 0.99), "ms", 25.0);
    row("  slowest", percentile(&mut times, 1.0), "ms", f64::INFINITY);

    let kernel = notebook.kernel();
    assert_eq!(kernel["runs"].as_array().map(Vec::len), Some(1), "the race is over: {kernel}");
    row("kernel's memory while it races", kernel["rss_bytes"].as_f64().unwrap() / 1e6, "MB", 700.0);
    notebook.press("\u{3}");
    notebook.wait_gone();
    notebook.into_home()
}

/// How soon keys are answered in the laboratory while six arms of five seeds train, their curves beside the table.
fn thirty_lanes(home: TestHome) {
    const STUDY: &str = "relu-tanh; all-tanh; gelu-gelu; leaky-leaky; softplus-tanh; elu-elu | \
                         seeds=1-5 epochs=400 images=500 val=500";
    let script = format!("exec \"$RELU\" lab '{STUDY}'");
    let opening = Opening { columns: 120, rows: 40, script: Some(&script), ..Opening::default() };
    let mut notebook = Notebook::open_as(home, &opening);
    notebook.wait_for("Laboratory");
    notebook.press("\r");
    notebook.wait("the study trains", |screen| screen.contains("training,") || screen.contains("y starts it"));
    if notebook.screen().contains("y starts it") {
        notebook.press("y");
    }
    notebook.wait_for("training,");
    sleep(Duration::from_secs(5));
    let mut times = Vec::new();
    for at in 0..KEYS {
        let before = table_of(&notebook.screen());
        let key = if at % 8 < 4 { "j" } else { "k" };
        times.push(milliseconds(notebook.answer(key, |screen| table_of(screen) != before)));
        sleep(PAUSE);
    }
    assert!(notebook.screen().contains("training,"), "the study is over:\n{}", notebook.screen());
    row("key to frame while 30 lanes train, median", percentile(&mut times, 0.5), "ms", 8.0);
    row("  99th percentile", percentile(&mut times, 0.99), "ms", 25.0);
    notebook.press("\u{3}");
    notebook.wait_gone();
}

/// The laboratory's table and what stands beneath it, which training does not change, but the cursor does.
fn table_of(screen: &str) -> String {
    screen.lines().skip(2).flat_map(|line| line.chars().take(52).chain(['\n'])).collect()
}

/// The lesson's first lines, which the run further down does not change, but scrolling does.
fn above_the_race(screen: &str) -> String {
    screen.lines().skip(1).take(3).flat_map(|line| line.chars().skip(41).chain(['\n'])).collect()
}
