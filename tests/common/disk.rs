//! A disk of six megabytes, for filling up or for making read-only; tests run as root can mount one.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None`, with a word, where there is no right to mount.
    pub fn mount() -> Option<Self> {
        let disk = Self(tempfile::tempdir().ok()?);
        let mounted = disk.run(&["mount", "-t", "tmpfs", "-o", "size=6m", "none"]);
        if !mounted {
            eprintln!("not run: no right to mount a small disk");
        }
        mounted.then_some(disk)
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

    /// Leaves not a block.
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

impl Drop for SmallDisk {
    fn drop(&mut self) {
        self.run(&["umount", "-l"]);
    }
}
