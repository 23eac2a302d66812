//! A kernel that is started from the command line: wherever its home lies, and whatever its starter has open.

#![allow(clippy::unwrap_used)]

#[path = "common/cli.rs"]
mod cli;

use assert_cmd::Command;
use cli::{TestHome, refusal};
use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, path::PathBuf};

/// Starts a kernel, and asks for nothing that takes time.
const ASK: [&str; 3] = ["runs", "delete", "7"];

#[test]
fn a_home_may_have_a_name_that_is_no_utf_8() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join(OsStr::from_bytes(b"r\xe9seau\xff"));
    fs::create_dir(&odd).unwrap();
    let home = TestHome::within(&odd);
    let (code, told) = home.refusal(&ASK);
    assert!(code == 1 && told.contains("there is no run 7"), "{told}");
}

/// A lock of a script's would be held for as long as the kernel trains.
#[cfg(target_os = "linux")]
#[test]
fn a_kernel_keeps_nothing_open_of_who_started_it() {
    let home = TestHome::new();
    let lock = home.path("lock");
    let mut script = Command::new("sh");
    script.args(["-c", r#"exec 7>"$LOCK"; "$RELU" runs delete 7"#]).env("LOCK", &lock);
    script.env("RELU", env!("CARGO_BIN_EXE_relu")).env("RELU_HOME", home.folder());
    let (_, told) = refusal(&mut script);
    assert!(told.contains("there is no run 7"), "{told}");
    let kernel = home.json(&["kernel", "status", "--json"])["pid"].clone();
    let open = fs::read_dir(format!("/proc/{kernel}/fd")).unwrap();
    let open: Vec<PathBuf> = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok()).collect();
    assert!(!open.is_empty() && !open.contains(&lock), "{open:?}");
}

#[test]
fn a_log_that_can_not_be_written_is_named_and_not_the_program() {
    let home = TestHome::new();
    fs::create_dir_all(home.folder().join("logs/kernel.log")).unwrap();
    let (code, told) = home.refusal(&ASK);
    assert!(code == 1 && told.contains("/logs/kernel.log is a folder where a file belongs"), "{told}");
}

/// The limit's signal would end a kernel that does not expect it, and the disk is not full.
#[test]
fn a_file_size_limit_is_named() {
    let home = TestHome::new();
    let mut script = Command::new("sh");
    script.args(["-c", r#"ulimit -f 16; exec "$RELU" runs delete 7"#]);
    script.env("RELU", env!("CARGO_BIN_EXE_relu")).env("RELU_HOME", home.folder());
    let (_, told) = refusal(&mut script);
    assert!(told.contains("no file may grow beyond 8 KB here") && told.contains("`ulimit -f`"), "{told}");
}

/// An old kernel may run on after its program is gone, and what it does tells nothing of the next one.
#[test]
fn the_doctor_misses_the_program_while_its_kernel_runs() {
    let home = TestHome::new();
    home.refusal(&ASK);
    let assert = home.relu(&["doctor"]).env("RELU_KERNEL", "/nowhere/relu-kernel").assert().failure().code(1);
    let told = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    assert!(told.contains("BAD  kernel") && told.contains("/nowhere/relu-kernel"), "{told}");
}
