//! Checkpoint files, written so that the previous one stays complete if the writing is cut off at any instant.
//!
//! A lane's folder holds `epoch-NNNN.safetensors` of measured epochs (see [`super::retention`] for which are kept) and, from
//! inside an epoch, `state.safetensors` with the generation before it, `state.previous.safetensors`.

use super::{Home, now, ownership};
use protocol::{Lane, RunId};
use sha2::{Digest, Sha256};
use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, Write},
    iter,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

const STATE: &str = "state.safetensors";
const PREVIOUS: &str = "state.previous.safetensors";
/// The suffix of an unfinished file; the next kernel removes one that a dead kernel left.
const UNFINISHED: &str = ".writing-";

/// The checkpoint folder of one lane.
#[derive(Clone, Debug)]
pub struct LaneFolder {
    path: PathBuf,
}

impl LaneFolder {
    pub fn of(home: &Home, run: RunId, lane: Lane) -> Self {
        Self { path: home.lane(run, lane) }
    }

    /// Within a run's folder of another name.
    pub(super) fn within(run: &Path, lane: Lane) -> Self {
        Self { path: run.join(lane.to_string()) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Creates the folder durably, and removes unfinished files from it.
    pub fn prepare(&self) -> io::Result<()> {
        for folder in self.path.ancestors().take(2) {
            ownership::refuse_others_link(folder)?;
        }
        if !self.path.is_dir() {
            fs::create_dir_all(&self.path)?;
            for folder in self.path.ancestors().skip(1).take(3) {
                File::open(folder)?.sync_all()?;
            }
        }
        for name in self.names()? {
            if name.starts_with(UNFINISHED) {
                fs::remove_file(self.path.join(name))?;
            }
        }
        Ok(())
    }

    /// Writes a measured epoch's checkpoint. Returns its name and the sha256 of its bytes.
    pub fn write_epoch(&self, epoch: u32, bytes: &[u8]) -> io::Result<(String, String)> {
        let name = epoch_name(epoch);
        write_atomically(&self.path.join(&name), bytes)?;
        Ok((name, sha256(bytes)))
    }

    /// Writes the state inside an epoch and keeps the one before it.
    pub fn write_state(&self, bytes: &[u8]) -> io::Result<()> {
        let unfinished = write_unfinished(&self.path, bytes)?;
        // Between the two renames there is no state file, and the one before it is used.
        match fs::rename(self.path.join(STATE), self.path.join(PREVIOUS)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        unfinished.persist(self.path.join(STATE))?;
        sync_folder(&self.path)
    }

    /// The epochs that have files, ascending.
    ///
    /// # Errors
    /// If the folder exists and can't be read, which differs from a folder without files.
    pub fn epochs(&self) -> io::Result<Vec<u32>> {
        let mut epochs: Vec<u32> = self.names()?.iter().filter_map(|name| epoch_of(name)).collect();
        epochs.sort_unstable();
        Ok(epochs)
    }

    /// The same with the bytes of each.
    pub fn epoch_sizes(&self) -> io::Result<Vec<(u32, u64)>> {
        let size = |epoch| Ok((epoch, fs::metadata(self.epoch_file(epoch))?.len()));
        self.epochs()?.into_iter().map(size).collect()
    }

    pub fn epoch_file(&self, epoch: u32) -> PathBuf {
        self.path.join(epoch_name(epoch))
    }

    /// The files of states inside an epoch, newest first; they need not exist.
    pub fn state_files(&self) -> [PathBuf; 2] {
        [STATE, PREVIOUS].map(|name| self.path.join(name))
    }

    /// Bytes of the states inside an epoch.
    pub fn state_size(&self) -> u64 {
        self.state_files().iter().filter_map(|file| fs::metadata(file).ok()).map(|data| data.len()).sum()
    }

    /// Removes the files of these epochs. A file that can't be removed only costs space.
    pub fn remove(&self, epochs: &[u32]) {
        for &epoch in epochs {
            if let Err(error) = fs::remove_file(self.epoch_file(epoch)) {
                tracing::debug!(epoch, "a checkpoint that is no longer needed stays: {error}");
            }
        }
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            entries => {
                for entry in entries? {
                    names.extend(entry?.file_name().into_string());
                }
            }
        }
        Ok(names)
    }
}

/// Renames a damaged file, which keeps it and frees its path. Returns its new name.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    rename_aside(path, "damaged")
}

/// The same for a valid file; `word` says in its name what happened to it.
pub fn rename_aside(path: &Path, word: &str) -> io::Result<PathBuf> {
    let aside = named_aside(path, word);
    fs::rename(path, &aside)?;
    Ok(aside)
}

/// A name beside this one that is not taken yet.
pub(super) fn named_aside(path: &Path, word: &str) -> PathBuf {
    let date = now();
    let named = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{word}-{date}{suffix}"));
        PathBuf::from(name)
    };
    // A rename would replace a file that was renamed aside within the same second.
    let taken = |aside: &PathBuf| aside.symlink_metadata().is_ok();
    let names = iter::once(named("")).chain((1..u32::MAX).map(|number| named(&format!("-{number}"))));
    names.into_iter().find(|aside| !taken(aside)).unwrap_or_else(|| named(""))
}

/// Writes a file that is either whole or not there: a new file beside it, fsync, rename, fsync of the folder.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A path without a folder has an empty parent.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    write_unfinished(folder, bytes)?.persist(path)?;
    sync_folder(folder)
}

fn write_unfinished(folder: &Path, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let permissions = fs::Permissions::from_mode(0o600);
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).permissions(permissions).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// What all checkpoints of a run take on the disk, in bytes; of a run without any, 0.
pub fn checkpoint_bytes(home: &Home, run: RunId) -> u64 {
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().collect::<Vec<_>>();
    let lanes = entries(&home.run(run));
    let files = lanes.iter().flat_map(|lane| entries(&lane.path()));
    files.filter_map(|file| file.metadata().ok()).filter(fs::Metadata::is_file).map(|file| file.len()).sum()
}

/// In hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn epoch_name(epoch: u32) -> String {
    format!("epoch-{epoch:04}.safetensors")
}

fn epoch_of(name: &str) -> Option<u32> {
    name.strip_prefix("epoch-")?.strip_suffix(".safetensors")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ArmId;

    fn folder() -> (tempfile::TempDir, LaneFolder) {
        let parent = tempfile::tempdir().unwrap();
        let home = Home::at(parent.path()).unwrap();
        let folder = LaneFolder::of(&home, RunId(1), Lane { arm: ArmId::RELU_TANH, seed: 1 });
        folder.prepare().unwrap();
        (parent, folder)
    }

    #[test]
    fn the_last_two_generations_of_a_state_are_kept() {
        let (_parent, folder) = folder();
        let read = || folder.state_files().map(|file| fs::read_to_string(file).unwrap_or_default());
        let mut seen = Vec::new();
        for bytes in ["one", "two", "three"] {
            folder.write_state(bytes.as_bytes()).unwrap();
            seen.push(read());
        }
        assert_eq!(seen, [["one", ""], ["two", "one"], ["three", "two"]]);
        assert_eq!(folder.state_size(), 8);
    }

    #[test]
    fn what_a_dead_kernel_left_unfinished_is_cleared() {
        let (_parent, folder) = folder();
        fs::write(folder.path().join(".writing-x"), "half").unwrap();
        let (name, digest) = folder.write_epoch(7, b"abc").unwrap();
        assert_eq!(name, "epoch-0007.safetensors");
        assert_eq!(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        folder.prepare().unwrap();
        assert_eq!(folder.names().unwrap(), [name]);
        assert_eq!(folder.epochs().unwrap(), [7]);
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_file_whole() {
        let (_parent, folder) = folder();
        folder.write_epoch(1, b"old").unwrap();
        let gone = folder.path().join("gone");
        assert!(write_atomically(&gone.join("x"), b"new").is_err());
        assert_eq!(fs::read(folder.epoch_file(1)).unwrap(), b"old");
    }
}
