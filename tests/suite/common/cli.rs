//! The real `relu` in its own home.

use assert_cmd::{Command, assert::Assert};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_mins(2);

/// A home whose kernel ends with it.
pub struct TestHome {
    folder: std::sync::Arc<TempDir>,
    /// Ends the kernel with it.
    owner: bool,
}

impl TestHome {
    pub fn new() -> Self {
        Self::of(tempfile::tempdir().unwrap())
    }

    /// In another folder, for example on another disk.
    pub fn within(folder: &Path) -> Self {
        Self::of(tempfile::tempdir_in(folder).unwrap())
    }

    fn of(folder: TempDir) -> Self {
        Self { folder: folder.into(), owner: true }
    }

    /// The same home for another notebook; dropping this one does not end the kernel.
    pub fn same(&self) -> Self {
        Self { folder: std::sync::Arc::clone(&self.folder), owner: false }
    }

    /// A file or folder beside the home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> PathBuf {
        self.path("home")
    }

    pub fn relu(&self, arguments: &[&str]) -> Command {
        let mut command = Command::from_std(self.bare(arguments));
        command.timeout(PATIENCE);
        command
    }

    /// For a process that the test itself watches or signals.
    pub fn bare(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_relu"));
        command.args(arguments).env("RELU_HOME", self.folder()).env("NO_COLOR", "1").stdin(Stdio::null());
        // None of the reader's own data sets is seen.
        command.env("RELU_DATA", self.path("data"));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Assert {
        self.relu(arguments).assert()
    }

    /// Its stdout, after success.
    pub fn text(&self, arguments: &[&str]) -> String {
        let assert = self.run(arguments).success();
        String::from_utf8(assert.get_output().stdout.clone()).unwrap()
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.text(arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{text}"))
    }

    /// A stream of events: one JSON object per line.
    pub fn events(&self, arguments: &[&str]) -> Vec<Value> {
        events(&self.text(arguments))
    }

    /// Exit status and stderr of a call that must fail.
    pub fn refusal(&self, arguments: &[&str]) -> (i32, String) {
        refusal(&mut self.relu(arguments))
    }

    /// Lists the runs until `found` accepts one.
    pub fn until(&self, what: &str, found: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let runs = self.json(&["runs", "--json"]);
            if runs.as_array().unwrap().iter().any(&found) {
                return;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}: {runs}");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

impl Drop for TestHome {
    fn drop(&mut self) {
        if !self.owner {
            return;
        }
        // Waits until it has ended.
        let _ = self.bare(&["kernel", "stop", "--force"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

pub fn events(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

pub fn refusal(command: &mut Command) -> (i32, String) {
    let assert = command.assert().failure();
    let output = assert.get_output();
    (output.status.code().expect("no signal ends it"), String::from_utf8(output.stderr.clone()).unwrap())
}

pub fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
