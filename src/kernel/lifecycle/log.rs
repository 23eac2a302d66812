//! The kernel's log: its own lines and what LibTorch writes to the standard streams, in one file that rotates.

use super::home_lock::is_at;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::{
        fd::AsFd,
        unix::fs::{DirBuilderExt, OpenOptionsExt},
    },
    path::PathBuf,
};
use store::{Home, open_own};
use tracing_subscriber::EnvFilter;

/// At most five files of about a mebibyte are kept.
const LARGEST: u64 = 1 << 20;
const OLDER: u32 = 4;

/// Redirects standard error to the log, and sends this process's own lines there. `RELU_LOG` sets the level.
pub(super) fn install(home: &Home) -> io::Result<()> {
    rotate(home)?;
    rustix::stdio::dup2_stderr(open(home)?)?;
    // Stores in memory are migrated too, which is of no interest.
    let default = || EnvFilter::new("info,rusqlite_migration=warn");
    let filter = EnvFilter::try_from_env("RELU_LOG").unwrap_or_else(|_| default());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_target(false);
    // In a test that runs several kernels in one process, the first installs it.
    let _ = lines.with_writer(|| Unfailing).log_internal_errors(false).try_init();
    // Other hooks print with `eprintln!`, which panics again and aborts if the log's disk is full.
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let trace = std::backtrace::Backtrace::force_capture();
        tracing::error!("panic in thread `{}`: {panic}\n{trace}", thread.name().unwrap_or("unnamed"));
    }));
    Ok(())
}

/// Standard error that never fails: the log's disk may be full.
struct Unfailing;

impl io::Write for Unfailing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Redirects standard output to where standard error goes, after the start line was printed. The path is not opened
/// again: if the log had been removed meanwhile, the two streams would write to different files.
pub(super) fn redirect_stdout() -> io::Result<()> {
    Ok(rustix::stdio::dup2_stdout(io::stderr())?)
}

/// Begins a new file if this one is large, or was removed, or the last new one could not be opened. Both streams
/// follow.
pub(super) fn rotate_or_reopen(home: &Home) {
    let rotated = rotate(home);
    let Ok(stderr) = io::stderr().as_fd().try_clone_to_owned() else { return };
    if !is_at(&File::from(stderr), &home.kernel_log()) {
        let _ = open(home).and_then(|file| Ok(rustix::stdio::dup2_stderr(file)?)).and_then(|()| redirect_stdout());
    }
    if let Err(error) = rotated {
        tracing::debug!("the log grows on: {error}");
    }
}

fn open(home: &Home) -> io::Result<File> {
    // The log's folder may have been removed with it. The folder of a home that was moved is not created again.
    match DirBuilder::new().mode(0o700).create(home.logs()) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    open_own(&home.kernel_log(), OpenOptions::new().create(true).append(true).mode(0o600))
}

fn rotate(home: &Home) -> io::Result<()> {
    let path = home.kernel_log();
    if !fs::metadata(&path).is_ok_and(|meta| meta.len() > LARGEST) {
        return Ok(());
    }
    let older = |number: u32| -> PathBuf { home.logs().join(format!("kernel.{number}.log")) };
    for number in (1..OLDER).rev() {
        let _ = fs::rename(older(number), older(number + 1));
    }
    fs::rename(path, older(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_log_folder_is_created_again() {
        let parent = tempfile::tempdir().unwrap();
        let home = Home::at(parent.path()).unwrap();
        open(&home).unwrap();
        assert!(home.kernel_log().is_file());
        let moved = Home::at(parent.path().join("moved")).unwrap();
        open(&moved).unwrap_err();
        assert!(!moved.folder().exists());
    }

    #[test]
    fn the_log_keeps_a_bounded_number_of_files() {
        let parent = tempfile::tempdir().unwrap();
        let home = Home::at(parent.path()).unwrap();
        home.prepare().unwrap();
        for round in 0..8 {
            fs::write(home.kernel_log(), vec![b'0' + round; LARGEST as usize + 1]).unwrap();
            rotate(&home).unwrap();
        }
        let mut names: Vec<_> =
            fs::read_dir(home.logs()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["kernel.1.log", "kernel.2.log", "kernel.3.log", "kernel.4.log"]);
        assert_eq!(fs::read(home.logs().join("kernel.1.log")).unwrap()[0], b'7');
    }
}
