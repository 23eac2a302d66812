//! A run survives the death of its kernel and of its notebook, as the reader sees it on a terminal.
//!
//! The long harnesses are ignored by default. Each prints its figures:
//!
//! ```text
//! cargo test --release --test suite -- --ignored --nocapture --test-threads 1 hundred   # killed notebooks
//! cargo test --release --test suite -- --ignored --nocapture --test-threads 1 eight     # two minutes
//! cargo test --release --test suite -- --ignored --nocapture --test-threads 1 lines     # dead ones
//! ```

use crate::common::cli::TestHome;
use crate::common::notebook;
use crate::common::notebook::{Notebook, Opening, start_race, until};
use protocol::{Event, RequestBody, RunEvent, RunId, Study};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shell::client::{Client, Message};
use std::{
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use store::{Home, Store};

/// A run on the screen that does not end during a test.
fn racing() -> Notebook {
    let home = TestHome::new();
    start_race(&home, Study::MAX_EPOCHS);
    notebook::open_on_race(&home);
    let mut notebook = Notebook::open(home);
    notebook.wait_for("What the article says");
    notebook.press("\t\t");
    notebook.wait("an epoch", |screen| epoch(screen).is_some());
    notebook
}

/// The latest epoch of the leading arm, as the pane shows it.
fn epoch(screen: &str) -> Option<u32> {
    let latest = screen.lines().filter_map(|line| line.split_once("latest "));
    latest.filter_map(|(_, numbers)| numbers.split_whitespace().nth(2)?.parse().ok()).max()
}

fn wait_for_growth(notebook: &Notebook) {
    let before = epoch(&notebook.screen()).unwrap_or(0);
    notebook.wait("the curve to grow", |screen| epoch(screen).is_some_and(|now| now > before));
}

#[test]
fn a_run_resumes_by_itself_after_one_killed_kernel_and_on_request_after_two() {
    let mut notebook = racing();
    wait_for_growth(&notebook);
    let first = notebook.kill_kernel();
    // The notebook starts the next kernel, which resumes the run by itself.
    until("the next kernel", || {
        let running = notebook.home.bare(&["kernel", "status", "--json"]).output().unwrap();
        let status: serde_json::Value = serde_json::from_slice(&running.stdout).unwrap_or_default();
        status["pid"].is_u64() && status["pid"] != first
    });
    wait_for_growth(&notebook);
    notebook.kill_kernel();

    // Two kernels have died during it, so its reader decides. A second Enter while the kernel starts requests nothing
    // twice.
    notebook.wait_for("interrupted after");
    notebook.press("\r\r");
    wait_for_growth(&notebook);
    notebook.kill_kernel();
    wait_for_growth(&notebook);
    notebook.kill_kernel();
    notebook.wait_for("interrupted after");
    notebook.press("r");
    notebook.wait_for("best validation error");
    notebook.press("\r");
    notebook.wait_for("Enter resumes · v into the chart");
    notebook.press("\r");
    wait_for_growth(&notebook);
    let runs = notebook.home.json(&["runs", "--json"]);
    assert_eq!(runs.as_array().unwrap().len(), 1, "the same run goes on: {runs}");
    assert_eq!(runs[0]["state"], "running");

    notebook.press("\u{3}");
    assert_eq!(notebook.wait_gone(), 0);
    notebook.assert_terminal_as_before();
}

#[test]
fn a_run_survives_a_killed_notebook() {
    let notebook = racing();
    wait_for_growth(&notebook);
    let kernel = notebook.kernel()["pid"].clone();
    let seen = epoch(&notebook.screen()).unwrap();
    notebook.signal("-KILL");
    let notebook = Notebook::open(notebook.into_home());
    // The reader had scrolled to the run, so the lesson opens there.
    notebook.wait("the race with its history", |screen| epoch(screen).is_some_and(|now| now >= seen));
    wait_for_growth(&notebook);
    assert_eq!(notebook.kernel()["pid"], kernel);
}

/// The kernel dies while no notebook is open; the next notebook resumes the run.
#[test]
fn opening_a_notebook_resumes_unfinished_jobs() {
    let home = TestHome::new();
    start_race(&home, Study::MAX_EPOCHS);
    notebook::open_on_race(&home);
    home.until("an epoch", |run| run["epochs_done"].as_u64() > Some(0));
    let pid = home.json(&["kernel", "status", "--json"])["pid"].clone();
    notebook::kill("-KILL", &pid.to_string());
    home.until("the kernel's end", |run| run["state"] == "interrupted");
    let mut notebook = Notebook::open(home);
    notebook.wait_for("run 1 training");
    notebook.press("\t\t");
    notebook.wait("an epoch", |screen| epoch(screen).is_some());
    wait_for_growth(&notebook);
    assert_ne!(notebook.kernel()["pid"], pid);
}

/// Another notebook started the run. This one, whose cells do not refer to it, finds it in the list.
#[test]
fn a_run_of_another_notebook_is_in_the_list() {
    let home = TestHome::new();
    let mut notebook = Notebook::open_as(home, &Opening { columns: 80, rows: 24, ..Opening::default() });
    notebook.wait_for("One article, measured");
    start_race(&notebook.home, 3);
    notebook.press("r");
    notebook.wait_for("3/3");
    notebook.press("\r");
    notebook.wait_for("finished: 3 epochs");
}

/// Follows the kernel until told to stop. Returns the longest silence between two of its events while it trained.
fn listen(home: &TestHome, over: &Arc<AtomicBool>) -> JoinHandle<Duration> {
    let mut client = Client::connect(&Home::at(home.folder()).unwrap()).unwrap().unwrap();
    client.request(RequestBody::Follow).unwrap();
    let over = Arc::clone(over);
    std::thread::spawn(move || {
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        while !over.load(Ordering::SeqCst) {
            if let Some(Message::Event(Event::Run(_))) = client.next_event(Duration::from_millis(50)).unwrap() {
                longest = longest.max(last.elapsed());
                last = Instant::now();
            }
        }
        longest.max(last.elapsed())
    })
}

/// Two thousand real digits, so that an epoch takes about a tenth of a second.
fn start_long_race(home: &TestHome) -> RunId {
    let epochs = Study::MAX_EPOCHS.to_string();
    let started =
        home.events(&["train", "--detach", "--json", "--epochs", &epochs, "--train-size", "2000", "--val-size", "500"]);
    let run = started[0]["run"].as_i64().unwrap();
    notebook::show_in_cell(home, run);
    RunId(run)
}

/// Checks that every epoch of every lane is stored without a gap. Returns how many there are.
fn whole_history(home: &TestHome, run: RunId) -> usize {
    let store = Store::open_read(&Home::at(home.folder()).unwrap()).unwrap();
    let mut next = std::collections::HashMap::new();
    for record in store.epochs(run).unwrap() {
        let expected = next.entry(record.lane()).or_insert(1);
        assert_eq!(record.epoch, *expected, "a row of {} is lost", record.lane());
        *expected += 1;
    }
    next.values().map(|next| *next as usize - 1).sum()
}

#[test]
#[ignore = "minutes"]
fn a_hundred_notebooks_are_killed_while_a_race_trains() {
    let home = TestHome::new();
    let run = start_long_race(&home);
    let over = Arc::new(AtomicBool::new(false));
    let quiet = {
        let listening = listen(&home, &over);
        std::thread::park_timeout(Duration::from_secs(10));
        over.store(true, Ordering::SeqCst);
        listening.join().unwrap()
    };
    over.store(false, Ordering::SeqCst);
    notebook::open_on_race(&home);
    let mut notebook = Notebook::open(home);
    notebook.wait_for("What the article says");
    notebook.press("\t\t");
    notebook.wait("an epoch", |screen| epoch(screen).is_some());
    let kernel = notebook.kernel()["pid"].clone();
    let listening = listen(&notebook.home, &over);
    let at = Home::at(notebook.home.folder()).unwrap();
    let mut dice = ChaCha8Rng::seed_from_u64(3);
    let mut times = Vec::new();
    for _ in 0..100 {
        std::thread::park_timeout(Duration::from_millis(dice.random_range(0..300)));
        notebook.signal("-KILL");
        let home = notebook.into_home();
        let done = Store::open_read(&at).unwrap().run(run).unwrap().epochs_done;
        let began = Instant::now();
        notebook = Notebook::open(home);
        // Epochs are drawn completely or not at all, so a notebook that shows the newest has them all.
        notebook.wait("the race with its history", |screen| epoch(screen).is_some_and(|now| now > done));
        times.push(began.elapsed());
    }
    over.store(true, Ordering::SeqCst);
    let longest = listening.join().unwrap();
    assert_eq!(notebook.kernel()["pid"], kernel);
    times.sort();
    println!(
        "100 notebooks killed over {} epochs of history: the race is on the screen again after {:?} (median), {:?} (worst); \
         the kernel's longest silence {longest:?}, and {quiet:?} in ten seconds with no notebook",
        whole_history(&notebook.home, run),
        times[50],
        times[99],
    );
}

#[test]
#[ignore = "two minutes"]
fn eight_notebooks_and_two_kernels_at_once() {
    let first = TestHome::new();
    let at = Home::at(first.folder()).unwrap();
    // Two kernels are started at the same instant: one serves, the other reports that and ends.
    let kernel = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_relu-kernel"));
        command.arg("--home").arg(at.folder()).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
    };
    let lines = [kernel(), kernel()].map(|mut child| {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
        line
    });
    assert_eq!(lines.iter().filter(|line| line.contains("\"ready\"")).count(), 1, "{lines:?}");
    let run = start_long_race(&first);
    let mut notebooks: Vec<Notebook> = (0..8).map(|_| Notebook::open(first.same())).collect();
    let mut dice = ChaCha8Rng::seed_from_u64(4);
    // None of them pauses or starts a run.
    let keys = ["j", "k", "b", "n", "p", "\t", "r", "1", "2", "?", "x", "g", "G"];
    let over = Instant::now() + Duration::from_mins(2);
    let mut pressed = 0;
    while Instant::now() < over {
        for notebook in &mut notebooks {
            notebook.press(keys[dice.random_range(0..keys.len())]);
            pressed += 1;
            let screen = notebook.screen();
            for complaint in ["another program holds", "database is locked", "Nothing new is kept", "panicked"] {
                assert!(!screen.contains(complaint), "{complaint}:\n{screen}");
            }
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    for mut notebook in notebooks {
        notebook.press("\u{3}");
        assert_eq!(notebook.wait_gone(), 0);
    }
    let store = Store::open_read(&at).unwrap();
    let history = store.history(run).unwrap();
    let last = history.iter().rev().find(|event| !matches!(event, RunEvent::Elapsed { .. }));
    assert!(matches!(last, Some(RunEvent::Epoch { .. })), "the race does not train: {last:?}");
    println!(
        "8 notebooks, {pressed} keys in two minutes, {} epochs without a hole, no complaint on any screen",
        whole_history(&first, run)
    );
}

#[test]
#[ignore = "a minute"]
fn notebooks_on_dead_lines_end_at_once() {
    let mut notebook = racing();
    for way in ["the terminal is closed", "-HUP", "-TERM"] {
        let mut times = Vec::new();
        for _ in 0..20 {
            if way.starts_with('-') {
                notebook.signal(way);
            } else {
                notebook.hang_up();
            }
            let began = Instant::now();
            assert_eq!(notebook.wait_gone(), 0);
            times.push(began.elapsed());
            notebook = Notebook::open(notebook.into_home());
            notebook.wait("the race", |screen| epoch(screen).is_some());
        }
        times.sort();
        println!("{way}: gone after {:?} (median of 20), {:?} (worst)", times[10], times[19]);
    }
}
