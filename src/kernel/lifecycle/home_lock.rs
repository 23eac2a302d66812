//! One kernel per home: a file lock, held as long as the process lives.

use super::error::KernelError;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use store::{Home, open_own};

/// Held until the process ends.
pub(super) struct HomeLock {
    path: PathBuf,
    /// The locked files, the newest last. A program that clears old files may remove the path; earlier files stay
    /// locked, for a process that opened them before.
    held: Vec<File>,
}

/// Who holds the lock.
pub(super) enum Holder {
    This(HomeLock),
    /// Another process; 0 if it has not written its id yet.
    Other(u32),
}

impl HomeLock {
    pub fn take(home: &Home) -> Result<Holder, KernelError> {
        let path = home.lock();
        match lock(&path).map_err(KernelError::io(format!("the lock {} can't be taken", path.display())))? {
            Ok(file) => Ok(Holder::This(Self { path, held: vec![file] })),
            Err(pid) => Ok(Holder::Other(pid)),
        }
    }

    /// Takes the lock again if its file is no longer at its path, as the next kernel would lock another file. Returns
    /// `false` if another kernel has done so.
    pub fn ensure_locked(&mut self) -> bool {
        if self.held.last().is_some_and(|file| is_at(file, &self.path)) {
            return true;
        }
        match lock(&self.path) {
            Ok(Ok(file)) => {
                tracing::warn!("the lock's file was gone; it is there again");
                self.held.push(file);
                true
            }
            Ok(Err(pid)) => {
                tracing::error!(pid, "the lock's file was gone, and another kernel has taken this home");
                false
            }
            Err(error) => {
                tracing::warn!("the lock's file is gone and can't be made again: {error}");
                true
            }
        }
    }
}

/// The locked file that is at this path, or the process that holds it.
fn lock(path: &Path) -> io::Result<Result<File, u32>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    loop {
        let mut file = open_own(path, &options)?;
        match file.try_lock() {
            // The file was removed between the two calls, so nobody else would find this lock.
            Ok(()) if !is_at(&file, path) => {}
            Ok(()) => {
                // The id is for people and messages only; the lock ends with the process. On a full disk it is not
                // written.
                let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
                return Ok(Ok(file));
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = file.read_to_string(&mut text);
                return Ok(Err(text.trim().parse().unwrap_or(0)));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Whether the path leads to this file.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    let same = |file: &fs::Metadata, there: &fs::Metadata| (file.dev(), file.ino()) == (there.dev(), there.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(file), Ok(there)) if same(&file, &there))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path()).unwrap();
        (folder, home)
    }

    fn taken(home: &Home) -> HomeLock {
        match HomeLock::take(home).unwrap() {
            Holder::This(lock) => lock,
            Holder::Other(pid) => panic!("held by {pid}"),
        }
    }

    #[test]
    fn a_removed_lock_file_is_locked_again() {
        let (_folder, home) = home();
        let mut lock = taken(&home);
        fs::remove_file(home.lock()).unwrap();
        assert!(lock.ensure_locked());
        assert!(matches!(HomeLock::take(&home).unwrap(), Holder::Other(pid) if pid == std::process::id()));
        assert!(lock.ensure_locked());
        assert_eq!(lock.held.len(), 2, "taken once for each loss");
    }

    #[test]
    fn a_lost_lock_is_detected() {
        let (_folder, home) = home();
        let mut first = taken(&home);
        fs::rename(home.lock(), home.folder().join("elsewhere")).unwrap();
        let _second = taken(&home);
        assert!(!first.ensure_locked());
    }
}
