//! The completion marker of a LibTorch folder: every file with its size, written last.

use crate::errors::Trouble;
use std::{fmt::Write as _, fs, path::Path};

const NAME: &str = "relu-notebook.manifest";

/// Writes the marker, and flushes everything beneath `folder` to the disk.
pub fn seal(folder: &Path, files: &[String]) -> Result<(), Trouble> {
    let mut text = String::new();
    for name in files {
        let path = folder.join(name);
        let size = fs::metadata(&path).map_err(Trouble::files("read", &path))?.len();
        let _ = writeln!(text, "{size}\t{name}");
    }
    let path = folder.join(NAME);
    fs::write(&path, text).map_err(Trouble::files("write", &path))?;
    sync(folder)
}

/// Whether the folder is complete and every file in it still has its size.
pub fn is_complete(folder: &Path) -> bool {
    let Ok(text) = fs::read_to_string(folder.join(NAME)) else { return false };
    let holds = |line: &str| {
        let (size, name) = line.split_once('\t')?;
        let size: u64 = size.parse().ok()?;
        fs::metadata(folder.join(name)).ok().filter(|data| data.len() == size)
    };
    !text.is_empty() && text.lines().all(|line| holds(line).is_some())
}

/// There are many headers: one sync of their file system costs less than thousands of fsyncs.
#[cfg(target_os = "linux")]
fn sync(folder: &Path) -> Result<(), Trouble> {
    let handle = fs::File::open(folder).map_err(Trouble::files("open", folder))?;
    rustix::fs::syncfs(&handle).map_err(|error| Trouble::files("sync", folder)(error.into()))
}

#[cfg(not(target_os = "linux"))]
fn sync(_: &Path) -> Result<(), Trouble> {
    rustix::fs::sync();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_complete_once_sealed_and_not_after_damage() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("lib")).unwrap();
        fs::write(folder.path().join("lib/a.so"), "aaaa").unwrap();
        assert!(!is_complete(folder.path()));
        seal(folder.path(), &["lib/a.so".into()]).unwrap();
        assert!(is_complete(folder.path()));
        fs::write(folder.path().join("lib/a.so"), "a").unwrap();
        assert!(!is_complete(folder.path()));
        fs::remove_file(folder.path().join("lib/a.so")).unwrap();
        assert!(!is_complete(folder.path()));
    }
}
