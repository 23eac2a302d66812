//! Writes a set's files into the data folder.

use super::GetError;
use crate::{DataFolder, PublishedFile, PublishedSet};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Files and folders that are not finished begin so.
const UNFINISHED: &str = ".writing-";
/// What has arrived of a download, which stays until it has been used.
const DOWNLOADS: &str = ".downloads";
const LOCK: &str = ".lock";

/// The writing of one set, for which the data folder is locked.
pub struct Installation {
    pub set: &'static PublishedSet,
    /// Of the set's files.
    folder: PathBuf,
    downloads: PathBuf,
    lock: File,
}

impl Drop for Installation {
    /// A child process that another thread is starting has the lock's file open until it runs its program, so closing the
    /// file here does not release the lock at once. Unlocking does.
    fn drop(&mut self) {
        let _ = flock(&self.lock, FlockOperation::Unlock);
    }
}

impl Installation {
    /// Creates the folders, and removes what a process that was killed left unfinished.
    pub fn begin(set: &'static PublishedSet, data: &DataFolder) -> Result<Self, GetError> {
        let unwritable = |source| GetError::Unwritable { folder: data.path().to_owned(), source };
        let (folder, downloads) = (set.folder_in(data), data.path().join(DOWNLOADS));
        for folder in [&folder, &downloads] {
            DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(unwritable)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o644);
        let lock = options.open(data.path().join(LOCK)).map_err(unwritable)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(GetError::Busy { folder: data.path().to_owned() }),
            Err(error) => return Err(unwritable(error.into())),
        }
        for folder in [&folder, &downloads] {
            remove_unfinished(folder).map_err(unwritable)?;
        }
        Ok(Self { set, folder, downloads, lock })
    }

    /// Where downloads are kept.
    pub fn downloads(&self) -> &Path {
        &self.downloads
    }

    /// An empty folder, which is removed at the end.
    pub fn scratch_folder(&self) -> Result<tempfile::TempDir, GetError> {
        let made = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(&self.downloads);
        made.map_err(|source| GetError::Unwritable { folder: self.downloads.clone(), source })
    }

    /// Writes a file that has been compared. It takes its name when all of it is on the disk.
    pub fn write(&mut self, file: &PublishedFile, bytes: &[u8]) -> Result<(), GetError> {
        let unwritable = |source| GetError::Unwritable { folder: self.folder.clone(), source };
        let mut temporary =
            tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.folder).map_err(unwritable)?;
        temporary.write_all(bytes).and_then(|()| temporary.as_file().sync_all()).map_err(unwritable)?;
        temporary.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(unwritable)?;
        temporary.persist(self.folder.join(file.name)).map_err(|error| unwritable(error.error))?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(unwritable)
    }
}

fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            continue;
        }
        if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
    }
    Ok(())
}
