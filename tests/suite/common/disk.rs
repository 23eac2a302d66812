//! A disk of six megabytes, for filling up or for making read-only; tests run as root can mount one.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None`, with a message, without the right to mount. A mount that fails in spite of that right fails the test.
    pub fn mount() -> Option<Self> {
        let disk = Self(tempfile::tempdir().unwrap());
        if disk.run(&["mount", "-t", "tmpfs", "-o", "size=6m", "none"]) {
            return Some(disk);
        }
        assert!(!may_mount(), "a small disk can't be mounted");
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        // Not by `eprintln!`, which is captured if the test passes.
        let _ = writeln!(std::io::stderr(), "{test} is NOT RUN: no right to mount a small disk");
        None
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn make_read_only(&self) -> bool {
        self.run(&["mount", "-o", "remount,ro"])
    }

    pub fn make_writable(&self) -> bool {
        self.run(&["mount", "-o", "remount,rw"])
    }

    /// Leaves no free block.
    pub fn fill(&self) {
        let mut file = std::fs::File::create(self.filler()).unwrap();
        for size in [4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    pub fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    fn run(&self, command: &[&str]) -> bool {
        let output = Command::new(command[0]).args(&command[1..]).arg(self.path()).output();
        output.is_ok_and(|output| output.status.success())
    }
}

/// Whether this process has `CAP_SYS_ADMIN`, which root in a container often has not.
fn may_mount() -> bool {
    const CAP_SYS_ADMIN: u32 = 21;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).is_some_and(|set| set >> CAP_SYS_ADMIN & 1 == 1)
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        self.run(&["umount", "-l"]);
    }
}
