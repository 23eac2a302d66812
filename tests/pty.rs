//! The real notebook on a real pseudo-terminal: how it opens, and that every way out leaves the terminal as it was.

#![allow(clippy::unwrap_used)]

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use relu_notebook::store::{Home, Store};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

struct Notebook {
    home: TempDir,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<Mutex<(vt100::Parser, Vec<u8>)>>,
    /// The terminal's settings before the notebook took it.
    before: String,
    /// Tells the reading thread to let go of the terminal, and that it has.
    deaf: Arc<AtomicBool>,
    ends: Arc<AtomicBool>,
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn settings(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

impl Notebook {
    fn open(columns: u16, rows: u16) -> Self {
        Self::open_at(tempfile::tempdir().unwrap(), columns, rows)
    }

    /// The same home, opened anew after the notebook has gone.
    fn again(mut self) -> Self {
        let home = std::mem::replace(&mut self.home, tempfile::tempdir().unwrap());
        Self::open_at(home, 80, 24)
    }

    fn open_at(home: TempDir, columns: u16, rows: u16) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let before = settings(pair.master.as_ref());
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_relu"));
        command.env("RELU_HOME", home.path().join("home"));
        command.env("RELU_KERNEL", env!("CARGO_BIN_EXE_relu-kernel"));
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env_remove("LC_ALL");
        command.env_remove("NO_COLOR");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let seen = Arc::new(Mutex::new((vt100::Parser::new(rows, columns, 0), Vec::new())));
        let (mut reader, writing) = (pair.master.try_clone_reader().unwrap(), Arc::clone(&seen));
        let (deaf, ends) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (listening, over) = (Arc::clone(&deaf), Arc::clone(&ends));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if listening.load(Ordering::SeqCst) {
                    break;
                }
                let mut seen = writing.lock().unwrap();
                seen.0.process(&bytes[..count]);
                seen.1.extend_from_slice(&bytes[..count]);
            }
            drop(reader);
            over.store(true, Ordering::SeqCst);
        });
        let keys = pair.master.take_writer().unwrap();
        Self { home, master: Some(pair.master), keys: Some(keys), child, seen, before, deaf, ends }
    }

    fn screen(&self) -> String {
        self.seen.lock().unwrap().0.screen().contents()
    }

    /// Waits for a text on the screen; past the limit it prints what is there instead.
    fn wait_for(&self, text: &str) {
        self.wait(text, |screen| screen.contains(text));
    }

    fn wait(&self, what: &str, holds: impl Fn(&str) -> bool) {
        let limit = Instant::now() + PATIENCE;
        while !holds(&self.screen()) {
            assert!(Instant::now() < limit, "never saw `{what}`:\n{}", self.screen());
            std::thread::yield_now();
        }
    }

    /// What a command answers about this notebook's home, as JSON.
    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_relu"));
        let output = command.args(arguments).env("RELU_HOME", self.home.path().join("home")).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// Starts the lesson's race with so many epochs of 500 images.
    fn race(&mut self, epochs: u32) {
        self.wait_for("What the article says");
        self.press("\t");
        self.wait_for("Enter start");
        self.press("o");
        self.wait_for("A race of your own");
        // The form opens on the epochs; the training images stand five fields further down.
        self.press(&format!("\u{15}{epochs}\t\t\t\t\t\u{15}500\r"));
    }

    fn press(&mut self, keys: &str) {
        let writer = self.keys.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    fn resize(&self, columns: u16, rows: u16) {
        self.seen.lock().unwrap().0.screen_mut().set_size(rows, columns);
        self.master.as_ref().unwrap().resize(size(columns, rows)).unwrap();
    }

    fn signal(&self, name: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    fn wait_gone(&mut self) -> u32 {
        let limit = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(Instant::now() < limit, "the notebook is still there:\n{}", self.screen());
            std::thread::yield_now();
        }
    }

    /// Everything that was switched on is switched off again, and the settings are the old ones.
    fn assert_terminal_as_before(&self) {
        assert_eq!(settings(self.master.as_ref().unwrap().as_ref()), self.before);
        let limit = Instant::now() + PATIENCE;
        for (on, off) in [("?1049h", "?1049l"), ("?25l", "?25h"), ("?2004h", "?2004l"), ("?1000h", "?1000l")] {
            loop {
                let bytes = String::from_utf8_lossy(&self.seen.lock().unwrap().1).into_owned();
                if bytes.rfind(off) > bytes.rfind(on) {
                    break;
                }
                assert!(Instant::now() < limit, "{on} was not undone");
                std::thread::yield_now();
            }
        }
    }
}

impl Drop for Notebook {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = std::process::Command::new(env!("CARGO_BIN_EXE_relu"))
            .args(["kernel", "stop", "--force"])
            .env("RELU_HOME", self.home.path().join("home"))
            .output();
    }
}

#[test]
fn it_opens_on_the_race_and_quits() {
    for (columns, rows) in [(80, 24), (120, 40)] {
        let mut notebook = Notebook::open(columns, rows);
        notebook.wait_for("What the article says");
        if columns == 120 {
            notebook.wait_for("Welcome");
        }
        notebook.press("q");
        assert_eq!(notebook.wait_gone(), 0);
        notebook.assert_terminal_as_before();
    }
}

#[test]
fn every_signal_that_ends_it_leaves_the_terminal_as_it_was() {
    for name in ["-TERM", "-INT", "-HUP"] {
        let mut notebook = Notebook::open(80, 24);
        notebook.wait_for("What the article says");
        notebook.signal(name);
        assert_eq!(notebook.wait_gone(), 0, "{name}");
        notebook.assert_terminal_as_before();
    }
    let mut notebook = Notebook::open(80, 24);
    notebook.wait_for("What the article says");
    notebook.press("\u{3}");
    assert_eq!(notebook.wait_gone(), 0, "Ctrl-C");
    notebook.assert_terminal_as_before();
}

#[test]
fn a_terminal_that_is_gone_ends_it() {
    let mut notebook = Notebook::open(80, 24);
    notebook.wait_for("What the article says");
    // Every end of the master must close, the reading thread's too: a last frame wakes it.
    notebook.deaf.store(true, Ordering::SeqCst);
    notebook.press("j");
    let limit = Instant::now() + PATIENCE;
    while !notebook.ends.load(Ordering::SeqCst) {
        assert!(Instant::now() < limit, "the reading thread holds on");
        std::thread::yield_now();
    }
    notebook.keys = None;
    notebook.master = None;
    notebook.wait_gone();
}

#[test]
fn it_survives_every_resize() {
    let mut notebook = Notebook::open(80, 24);
    notebook.wait_for("What the article says");
    notebook.resize(30, 8);
    notebook.wait_for("needs 40x12");
    notebook.resize(1, 1);
    notebook.resize(200, 50);
    notebook.wait_for("Welcome");
    notebook.resize(80, 24);
    notebook.wait("the lesson alone", |screen| screen.contains("What the article says") && !screen.contains("Welcome"));
    notebook.press("?");
    notebook.wait_for("any other key closes");
    notebook.press("xq");
    assert_eq!(notebook.wait_gone(), 0);
}

#[test]
fn a_race_runs_from_the_settings_and_is_there_again() {
    let mut notebook = Notebook::open(100, 40);
    notebook.wait_for("What the article says");
    notebook.press("\t");
    notebook.wait_for("Enter start");
    // Epochs 2; five fields further down, 500 training images.
    notebook.press("o");
    notebook.wait_for("A race of your own");
    notebook.press("\u{7f}\u{7f}\u{7f}2\t\t\t\t\t\u{15}500\r");
    notebook.wait_for("finished: 2 epochs");
    notebook.press("q");
    assert_eq!(notebook.wait_gone(), 0);

    let again = {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_relu"));
        command.args(["runs", "--json"]).env("RELU_HOME", notebook.home.path().join("home"));
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(again.contains("\"state\":\"finished\"") && again.contains("\"train_size\":500"), "{again}");
}

#[test]
fn it_opens_where_the_reader_left_off() {
    let mut notebook = Notebook::open(80, 24);
    notebook.wait_for("What the article says");
    notebook.press("n");
    notebook.wait_for("V Implementing it");
    notebook.press("q");
    assert_eq!(notebook.wait_gone(), 0);
    let notebook = notebook.again();
    notebook.wait_for("V Implementing it");
}

#[test]
fn a_race_whose_kernel_was_killed_is_resumed_with_enter() {
    let mut notebook = Notebook::open(100, 40);
    notebook.race(500);
    notebook.wait_for("training, epoch 2 of 500");
    let kernel = notebook.json(&["kernel", "status", "--json"])["pid"].to_string();
    assert!(std::process::Command::new("kill").args(["-KILL", &kernel]).status().unwrap().success());
    notebook.wait_for("interrupted after");
    notebook.press("\r");
    notebook.wait_for("training, epoch");
    let resumed = notebook.json(&["kernel", "status", "--json"])["pid"].to_string();
    assert_ne!(resumed, kernel);
    let runs = notebook.json(&["runs", "--json"]);
    assert_eq!(runs.as_array().unwrap().len(), 1, "the same run goes on: {runs}");
}

#[test]
fn a_race_outlives_a_killed_notebook() {
    let mut notebook = Notebook::open(100, 40);
    notebook.race(6);
    notebook.wait_for("training, epoch 1 of 6");
    // Which run is the cell's is kept by a request of its own, after the run has started; a notebook killed before that
    // finds the run in the list of runs alone.
    let store = Store::open_read(&Home::at(notebook.home.path().join("home")).unwrap()).unwrap();
    let limit = Instant::now() + PATIENCE;
    while store.recall("cell-run/faster/race").unwrap().is_none() {
        assert!(Instant::now() < limit, "the cell's run is not kept");
    }
    drop(store);
    notebook.signal("-KILL");
    notebook.wait_gone();
    assert_eq!(notebook.json(&["runs", "--json"])[0]["state"], "running", "the race was over before the kill");
    let limit = Instant::now() + PATIENCE;
    while notebook.json(&["runs", "--json"])[0]["state"] != "finished" {
        assert!(Instant::now() < limit, "the run does not finish: {}", notebook.json(&["runs", "--json"]));
    }
    let home = std::mem::replace(&mut notebook.home, tempfile::tempdir().unwrap());
    let mut again = Notebook::open_at(home, 100, 40);
    again.wait_for("What the article says");
    again.press("\t");
    again.wait_for("finished: 6 epochs");
}
