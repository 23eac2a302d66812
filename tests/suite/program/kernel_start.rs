//! A kernel started from the command line, wherever its home is and whatever files its starter has open.

use crate::common::cli::{TestHome, refusal};
use assert_cmd::Command;
use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, path::PathBuf};

/// Starts a kernel, and requests nothing that takes time.
const ASK: [&str; 3] = ["runs", "delete", "7"];

#[test]
fn a_home_may_have_a_name_that_is_no_utf_8() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join(OsStr::from_bytes(b"r\xe9seau\xff"));
    fs::create_dir(&odd).unwrap();
    let home = TestHome::within(&odd);
    let (code, printed) = home.refusal(&ASK);
    assert!(code == 1 && printed.contains("there is no run 7"), "{printed}");
}

/// A lock of a script would be held as long as the kernel trains.
#[cfg(target_os = "linux")]
#[test]
fn a_kernel_keeps_no_file_of_its_starter_open() {
    let home = TestHome::new();
    let lock = home.path("lock");
    let mut script = Command::new("sh");
    script.args(["-c", r#"exec 7>"$LOCK"; "$RELU" runs delete 7"#]).env("LOCK", &lock);
    script.env("RELU", env!("CARGO_BIN_EXE_relu")).env("RELU_HOME", home.folder());
    let (_, printed) = refusal(&mut script);
    assert!(printed.contains("there is no run 7"), "{printed}");
    let kernel = home.json(&["kernel", "status", "--json"])["pid"].clone();
    let open = fs::read_dir(format!("/proc/{kernel}/fd")).unwrap();
    let open: Vec<PathBuf> = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok()).collect();
    assert!(!open.is_empty() && !open.contains(&lock), "{open:?}");
}

#[test]
fn an_unwritable_log_is_named_in_the_error() {
    let home = TestHome::new();
    fs::create_dir_all(home.folder().join("logs/kernel.log")).unwrap();
    let (code, printed) = home.refusal(&ASK);
    assert!(code == 1 && printed.contains("/logs/kernel.log is a folder where a file belongs"), "{printed}");
}

/// The limit's signal would end a kernel that does not handle it, and the disk is not full.
#[test]
fn a_file_size_limit_is_named() {
    let home = TestHome::new();
    let mut script = Command::new("sh");
    script.args(["-c", r#"ulimit -f 16; exec "$RELU" runs delete 7"#]);
    script.env("RELU", env!("CARGO_BIN_EXE_relu")).env("RELU_HOME", home.folder());
    let (_, printed) = refusal(&mut script);
    assert!(printed.contains("no file may grow beyond 8 KB here") && printed.contains("`ulimit -f`"), "{printed}");
}

/// An old kernel may run on after its program was removed, and its behaviour says nothing about the next one.
#[test]
fn the_doctor_reports_a_missing_program_while_its_kernel_runs() {
    let home = TestHome::new();
    home.refusal(&ASK);
    let assert = home.relu(&["doctor"]).env("RELU_KERNEL", "/nowhere/relu-kernel").assert().failure().code(1);
    let printed = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    assert!(printed.contains("BAD  kernel") && printed.contains("/nowhere/relu-kernel"), "{printed}");
}
