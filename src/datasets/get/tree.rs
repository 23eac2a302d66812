//! The files of a folder or of a tar archive, read one after the other.

use super::GetError;
use flate2::read::MultiGzDecoder;
use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Seek},
    path::{Path, PathBuf},
};

/// Folders in which the archives keep their files.
const BELOW: [&str; 3] = ["cifar-10-batches-bin", "cifar-10-batches-py", "package"];

/// Takes a file by its name.
pub type Visit<'a> = dyn FnMut(&str, &mut dyn Read) -> Result<(), GetError> + 'a;

pub enum Tree {
    Folder(PathBuf),
    /// Plain, or packed by gzip.
    Archive(PathBuf),
}

impl Tree {
    pub fn open(path: &Path) -> Result<Self, GetError> {
        let unreadable = |source| GetError::Unreadable { path: path.to_owned(), source };
        let meta = fs::metadata(path).map_err(unreadable)?;
        if meta.is_dir() {
            let below = BELOW.iter().map(|name| path.join(name)).find(|folder| folder.is_dir());
            return Ok(Self::Folder(below.unwrap_or_else(|| path.to_owned())));
        }
        if !meta.is_file() {
            return Err(unreadable(io::Error::other("it is a pipe or a device")));
        }
        Ok(Self::Archive(path.to_owned()))
    }

    /// Calls `visit` for each regular file with its name, without folders.
    pub fn each(&self, visit: &mut Visit) -> Result<(), GetError> {
        match self {
            Self::Folder(folder) => each_file(folder, visit),
            Self::Archive(path) => {
                let unreadable = |source| GetError::Unreadable { path: path.clone(), source };
                let mut file = File::open(path).map_err(unreadable)?;
                let mut magic = [0; 2];
                let is_packed = file.read(&mut magic).map_err(unreadable)? == 2 && magic == [0x1f, 0x8b];
                file.rewind().map_err(unreadable)?;
                let file = BufReader::with_capacity(1 << 16, file);
                if is_packed {
                    each_entry(path, MultiGzDecoder::new(file), visit)
                } else {
                    each_entry(path, file, visit)
                }
            }
        }
    }
}

fn each_file(folder: &Path, visit: &mut Visit) -> Result<(), GetError> {
    let unreadable = |path: &Path, source| GetError::Unreadable { path: path.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.is_file()) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let mut lazy = LazyFile { path, opened: None };
        visit(name, &mut lazy)?;
    }
    Ok(())
}

/// Opened when it is first read, as most files of a folder are not asked for.
struct LazyFile<'a> {
    path: &'a Path,
    opened: Option<File>,
}

impl Read for LazyFile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let file = match &mut self.opened {
            Some(file) => file,
            None => self.opened.insert(File::open(self.path)?),
        };
        file.read(buffer)
    }
}

fn each_entry(path: &Path, bytes: impl Read, visit: &mut Visit) -> Result<(), GetError> {
    let not_an_archive = |source| GetError::NotAnArchive { path: path.to_owned(), source };
    let mut archive = tar::Archive::new(bytes);
    for entry in archive.entries().map_err(not_an_archive)? {
        let mut entry = entry.map_err(not_an_archive)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let inside = entry.path().map_err(not_an_archive)?.into_owned();
        let Some(name) = inside.file_name().and_then(|name| name.to_str()) else { continue };
        visit(name, &mut entry)?;
    }
    Ok(())
}
