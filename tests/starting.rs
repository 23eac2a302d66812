//! A kernel that is started from the command line: wherever its home lies.

#![allow(clippy::unwrap_used)]

#[path = "common/cli.rs"]
mod cli;

use cli::TestHome;
use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt};

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
