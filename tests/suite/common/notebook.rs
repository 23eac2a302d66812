//! The real notebook on a real pseudo-terminal. A wait has a limit far beyond what a busy machine needs, and prints the
//! last screen after it. Bytes from the terminal wake the waiting thread, so waiting costs no processor time.

use super::{cli::TestHome, digits};
use base64::{Engine, engine::general_purpose::STANDARD};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};

pub const PATIENCE: Duration = Duration::from_mins(2);

/// What the terminal has received.
pub struct Received {
    terminal: vt100::Parser,
    bytes: Vec<u8>,
    /// When the last bytes arrived.
    arrived: Instant,
    /// A request to close the terminal at the next bytes, and whether that was done.
    deaf: bool,
    over: bool,
}

pub struct Notebook {
    child: Ended,
    pub home: TestHome,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    received: Arc<(Mutex<Received>, Condvar)>,
    /// The terminal's settings before the notebook took it.
    before: String,
}

/// The process, killed when the test drops it.
struct Ended(Box<dyn Child + Send + Sync>);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How a notebook is opened.
pub struct Opening<'a> {
    pub columns: u16,
    pub rows: u16,
    /// `NAME=value`, for the notebook only.
    pub environment: &'a [(&'a str, &'a str)],
    /// A shell script that calls `"$RELU"`, for tests that need a shell with job control.
    pub script: Option<&'a str>,
}

impl Default for Opening<'_> {
    fn default() -> Self {
        Self { columns: 100, rows: 40, environment: &[], script: None }
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn settings(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

impl Notebook {
    pub fn open(home: TestHome) -> Self {
        Self::open_as(home, &Opening::default())
    }

    pub fn open_as(home: TestHome, opening: &Opening) -> Self {
        let Opening { columns, rows, environment, script } = *opening;
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let before = settings(pair.master.as_ref());
        let mut command = CommandBuilder::new(script.map_or(env!("CARGO_BIN_EXE_relu"), |_| "sh"));
        if let Some(script) = script {
            command.args(["-c", script]);
        }
        command.env("RELU", env!("CARGO_BIN_EXE_relu"));
        command.env("RELU_HOME", home.folder());
        command.env("RELU_KERNEL", env!("CARGO_BIN_EXE_relu-kernel"));
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        // A backtrace would push the expected text off the screen.
        command.env("RUST_BACKTRACE", "0");
        command.env_remove("LC_ALL");
        let looks = ["NO_COLOR", "COLORTERM", "COLORFGBG", "RELU_THEME", "RELU_IMAGES"];
        let terminals = ["TERM_PROGRAM", "LC_TERMINAL", "TMUX", "STY", "ZELLIJ"];
        for name in looks.into_iter().chain(terminals) {
            command.env_remove(name);
        }
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let received = Received {
            terminal: vt100::Parser::new(rows, columns, 0),
            bytes: Vec::new(),
            arrived: Instant::now(),
            deaf: false,
            over: false,
        };
        let received = Arc::new((Mutex::new(received), Condvar::new()));
        let (mut reader, printed) = (pair.master.try_clone_reader().unwrap(), Arc::clone(&received));
        std::thread::spawn(move || {
            let (received, woken) = &*printed;
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                let arrived = Instant::now();
                let mut received = received.lock().unwrap();
                if received.deaf {
                    break;
                }
                received.arrived = arrived;
                received.terminal.process(&bytes[..count]);
                received.bytes.extend_from_slice(&bytes[..count]);
                woken.notify_all();
            }
            drop(reader);
            received.lock().unwrap().over = true;
            woken.notify_all();
        });
        let keys = pair.master.take_writer().unwrap();
        Self { child: Ended(child), home, master: Some(pair.master), keys: Some(keys), received, before }
    }

    /// The home for the next notebook, after this one has ended or been killed.
    pub fn into_home(self) -> TestHome {
        self.home
    }

    fn until(&self, what: &str, holds: impl Fn(&Received) -> bool) -> MutexGuard<'_, Received> {
        let (received, woken) = &*self.received;
        let (received, _) = woken.wait_timeout_while(received.lock().unwrap(), PATIENCE, |now| !holds(now)).unwrap();
        assert!(holds(&received), "waited in vain for {what}:\n{}", received.terminal.screen().contents());
        received
    }

    pub fn screen(&self) -> String {
        self.received.0.lock().unwrap().terminal.screen().contents()
    }

    /// Waits for this state of the screen.
    pub fn wait(&self, what: &str, holds: impl Fn(&str) -> bool) {
        drop(self.until(what, |received| holds(&received.terminal.screen().contents())));
    }

    /// Waits for a text on the screen.
    pub fn wait_for(&self, text: &str) {
        self.wait(&format!("`{text}`"), |screen| screen.contains(text));
    }

    /// Waits for this many complete frames since the start. Returns when the last bytes of them arrived.
    pub fn wait_for_frames(&self, count: usize) -> Instant {
        self.until("a frame", |received| frames(&received.bytes) >= count).arrived
    }

    /// What the terminal has received so far: bytes, and complete frames.
    pub fn traffic(&self) -> (usize, usize) {
        let received = self.received.0.lock().unwrap();
        (received.bytes.len(), frames(&received.bytes))
    }

    /// Every control sequence that the terminal has received, without its introducer.
    pub fn sequences(&self) -> Vec<String> {
        let received = self.received.0.lock().unwrap();
        let text = String::from_utf8_lossy(&received.bytes).into_owned();
        let end = |rest: &str| rest.find(|c: char| c.is_ascii_alphabetic()).map_or(rest.len(), |at| at + 1);
        text.split("\u{1b}[").skip(1).map(|rest| rest[..end(rest)].to_string()).collect()
    }

    /// Every text that was put into the terminal's clipboard by OSC 52, wrapped for tmux or not.
    pub fn clipboard(&self) -> Vec<Vec<u8>> {
        const START: &str = "]52;c;";
        let received = self.received.0.lock().unwrap();
        let all = String::from_utf8_lossy(&received.bytes).into_owned();
        let texts = all.split(START).skip(1).map(|rest| rest.split('\u{7}').next().unwrap());
        texts.map(|encoded| STANDARD.decode(encoded).unwrap()).collect()
    }

    /// The time from these keys to the bytes that show their effect.
    #[allow(dead_code, reason = "the benchmark uses it")]
    pub fn answer(&mut self, keys: &str, holds: impl Fn(&str) -> bool) -> Duration {
        let pressed = Instant::now();
        self.press(keys);
        let seen = self.until(keys, |received| holds(&received.terminal.screen().contents())).arrived;
        seen.duration_since(pressed)
    }

    /// Waits until every mode that was switched on is off again; the settings must then be the old ones.
    pub fn assert_terminal_as_before(&self) {
        for (on, off) in [
            ("?1049h", "?1049l"),
            ("?25l", "?25h"),
            ("?2004h", "?2004l"),
            ("?1000h", "?1000l"),
            ("?1002h", "?1002l"),
            ("?1003h", "?1003l"),
            ("?1006h", "?1006l"),
            ("?2026h", "?2026l"),
        ] {
            drop(self.until(&format!("{on} to be undone"), |received| {
                let last = |code: &str| received.bytes.windows(code.len()).rposition(|part| part == code.as_bytes());
                last(off) >= last(on)
            }));
        }
        self.assert_settings_as_before();
    }

    pub fn assert_settings_as_before(&self) {
        assert_eq!(settings(self.master.as_ref().unwrap().as_ref()), self.before);
    }

    /// Runs this while the terminal reads nothing; it gets the notebook's process and keys.
    pub fn while_nobody_reads(&mut self, action: impl FnOnce(u32, &mut dyn Write)) {
        let pid = self.pid();
        let received = self.received.0.lock().unwrap();
        action(pid, self.keys.as_mut().unwrap());
        drop(received);
    }

    pub fn press(&mut self, keys: &str) {
        let writer = self.keys.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Overwrites the terminal's content, like another program's output.
    pub fn scribble(&self) {
        let mut received = self.received.0.lock().unwrap();
        received.terminal.process(b"\x1b[?1049l\x1b[2Jrubbish");
        assert!(received.terminal.screen().contents().contains("rubbish"));
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        self.received.0.lock().unwrap().terminal.screen_mut().set_size(rows, columns);
        self.master.as_ref().unwrap().resize(size(columns, rows)).unwrap();
    }

    /// Announces a size without changing what the terminal shows.
    pub fn claim_size(&self, columns: u16, rows: u16) {
        self.master.as_ref().unwrap().resize(size(columns, rows)).unwrap();
    }

    /// Waits for a control sequence that contains this.
    pub fn wait_for_sequence(&self, part: &str) {
        drop(self.until(&format!("the sequence {part}"), |received| {
            received.bytes.windows(part.len()).any(|bytes| bytes == part.as_bytes())
        }));
    }

    pub fn pid(&self) -> u32 {
        self.child.0.process_id().unwrap()
    }

    pub fn signal(&self, name: &str) {
        kill(name, &self.pid().to_string());
    }

    /// Closes every end of the terminal except the notebook's, as when the line breaks.
    pub fn hang_up(&mut self) {
        self.received.0.lock().unwrap().deaf = true;
        // The reading thread holds an end too, and a last frame wakes it.
        self.resize(81, 25);
        drop(self.until("the reading thread to let go", |received| received.over));
        self.keys = None;
        self.master = None;
    }

    /// Its exit status, once it has ended.
    pub fn wait_gone(&mut self) -> u32 {
        let limit = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.0.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(Instant::now() < limit, "the notebook is still there:\n{}", self.screen());
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// The status of its home's kernel, or `running: false`.
    pub fn kernel(&self) -> Value {
        let output = self.home.bare(&["kernel", "status", "--json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    pub fn kill_kernel(&self) -> Value {
        // A kernel that has just died may still seem to answer, or the next one is about to.
        let mut pid = Value::Null;
        until("a kernel to kill", || {
            pid = self.kernel()["pid"].clone();
            pid.is_u64()
        });
        kill("-KILL", &pid.to_string());
        pid
    }
}

/// Frames end with the end of a synchronized update.
fn frames(bytes: &[u8]) -> usize {
    const END: &[u8] = b"\x1b[?2026l";
    bytes.windows(END.len()).filter(|part| *part == END).count()
}

/// Waits for something that no screen shows.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < limit, "waited in vain for {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

pub fn kill(signal: &str, pid: &str) {
    assert!(std::process::Command::new("kill").args([signal, pid]).status().unwrap().success());
}

/// Starts a short run as the cell of lesson 12, and its kernel. Returns the run's number.
pub fn start_race(home: &TestHome, epochs: u32) -> i64 {
    let data = home.path("digits");
    digits::write(&data);
    let epochs = epochs.to_string();
    let settings = ["--train-size", "490", "--val-size", "100", "--data", data.to_str().unwrap()];
    let started = home.events(&[&["train", "--detach", "--json", "--epochs", &epochs][..], &settings].concat());
    let run = started[0]["run"].as_i64().unwrap();
    show_in_cell(home, run);
    run
}

/// Makes the notebook open next at the run's lesson.
pub fn open_on_race(home: &TestHome) {
    let at = store::Home::at(home.folder()).unwrap();
    store::save_progress(&at, [(&"last-lesson".to_string(), &json!("faster"))]).unwrap();
}

/// Makes this run the one of lesson 12's cell.
pub fn show_in_cell(home: &TestHome, run: i64) {
    let at = store::Home::at(home.folder()).unwrap();
    store::save_progress(&at, [(&"cell-run/faster/race".to_string(), &json!(run))]).unwrap();
}
