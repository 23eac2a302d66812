//! Writes files that the user names, outside of the home, to where a shell's `>` would write them.

use super::Home;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Why a file can't be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// One mistyped path would overwrite the store with a table.
    #[error("{path} lies in {home}, which holds the notebook's own files; take another folder")]
    InHome { path: String, home: String },
    #[error("{path} can't be written: {cause}")]
    Unwritable { path: String, cause: io::Error },
}

/// Writes `bytes` to `path`. `-`, `/dev/stdout` and links to it are this process's own standard output.
///
/// The path is opened first, and its type decides: a pipe or a device is written to; a file is written in place, once
/// there is room for all of it, so that its mode, owner and links stay and neither an unwritable folder nor a mount point prevents it; a
/// dangling link creates its target. If a file that this call created can't be written completely, it is removed.
pub fn write_out(home: &Home, path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    let unwritable = |cause| OutputError::Unwritable { path: path.display().to_string(), cause };
    let inside = || OutputError::InHome { path: path.display().to_string(), home: home.folder().display().to_string() };
    let target = if path == Path::new("-") { Target::Stdout } else { resolve(path).map_err(unwritable)? };
    match target {
        Target::Stdout => write_all(&mut io::stdout().lock(), bytes).map_err(unwritable),
        Target::Stderr => write_all(&mut io::stderr().lock(), bytes).map_err(unwritable),
        Target::Path(target) => {
            if is_inside(home, &target) {
                return Err(inside());
            }
            let (mut file, is_new) = open(&target).map_err(unwritable)?;
            let meta = file.metadata().map_err(unwritable)?;
            if !meta.is_file() {
                return write_all(&mut file, bytes).map_err(unwritable);
            }
            // A hard link gives a file of the home a second path.
            if !is_new && meta.nlink() > 1 && contains_file(home.folder(), &meta) {
                return Err(inside());
            }
            let written = reserve(&file, bytes.len() as u64)
                .and_then(|()| write_all(&mut file, bytes))
                .and_then(|()| file.set_len(bytes.len() as u64))
                .and_then(|()| file.sync_all());
            if written.is_err() && is_new {
                let _ = fs::remove_file(&target);
            }
            written.map_err(unwritable)
        }
    }
}

/// Takes the room for so many bytes before the first of them is written: a full disk must not cost what the file holds.
/// Where a file system can't do this, nothing is reserved.
fn reserve(file: &File, length: u64) -> io::Result<()> {
    if length == 0 {
        return Ok(());
    }
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::KEEP_SIZE, 0, length) {
        Err(error @ (rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT | rustix::io::Errno::FBIG)) => {
            Err(error.into())
        }
        _ => Ok(()),
    }
}

fn write_all(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    out.flush()
}

/// Opens for writing without truncating, and says whether the file is new. A path to a socket or a folder is an error.
fn open(path: &Path) -> io::Result<(File, bool)> {
    loop {
        match OpenOptions::new().write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened.map(|file| (file, false)),
        }
        match OpenOptions::new().write(true).create_new(true).open(path) {
            // Another program has created it in between.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (file, true)),
        }
    }
}

/// What a path leads to after every link is followed.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// This process's own stream. Opened again it would begin at the file's start, and a socket could not be opened.
    Stdout,
    Stderr,
    /// A path that is no symbolic link. It need not exist.
    Path(PathBuf),
}

/// As many links as Linux follows.
const MAX_LINKS: usize = 40;

/// Follows the last component's links one by one. `canonicalize` fails on a link whose target does not exist, and turns
/// an open pipe into `pipe:[123]`.
fn resolve(path: &Path) -> io::Result<Target> {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let Some(name) = path.file_name() else { return Ok(Target::Path(path)) };
        // `open` reports the errors of a folder that does not exist.
        if let Ok(folder) = folder.canonicalize()
            && is_own_descriptors(&folder)
        {
            return Ok(match name.to_str() {
                Some("1") => Target::Stdout,
                Some("2") => Target::Stderr,
                _ => Target::Path(path),
            });
        }
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.file_type().is_symlink() => path = folder.join(fs::read_link(&path)?),
            _ => return Ok(Target::Path(path)),
        }
    }
    Err(rustix::io::Errno::LOOP.into())
}

/// Whether a folder is the one in which the system lists this process's open files.
fn is_own_descriptors(folder: &Path) -> bool {
    let lists = ["/proc/self/fd", "/proc/thread-self/fd", "/dev/fd"];
    lists.iter().any(|list| Path::new(list).canonicalize().is_ok_and(|list| list == folder))
}

/// Whether a path without links is inside the home.
fn is_inside(home: &Home, path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Where it is, or where a new file would be.
    let there = path.canonicalize().or_else(|_| folder.canonicalize());
    matches!((there, home.folder().canonicalize()), (Ok(there), Ok(home)) if there.starts_with(&home))
}

/// Whether a folder, or one beneath it, contains this file.
fn contains_file(folder: &Path, file: &fs::Metadata) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => contains_file(&entry.path(), file),
        Ok(meta) => !meta.file_type().is_socket() && (meta.dev(), meta.ino()) == (file.dev(), file.ino()),
        Err(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    struct Place {
        parent: tempfile::TempDir,
        home: Home,
    }

    impl Place {
        fn new() -> Self {
            let parent = tempfile::tempdir().unwrap();
            let home = Home::at(parent.path().join("home")).unwrap();
            home.prepare().unwrap();
            fs::write(home.database(), "store").unwrap();
            Self { parent, home }
        }

        fn at(&self, name: &str) -> PathBuf {
            self.parent.path().join(name)
        }

        fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
            write_out(&self.home, path, bytes)
        }
    }

    #[test]
    fn a_pipe_is_written_to_by_every_path_that_leads_to_it() {
        let place = Place::new();
        let (pipe, link, chain) = (place.at("pipe"), place.at("link"), place.at("chain"));
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        symlink("pipe", &link).unwrap();
        symlink(&link, &chain).unwrap();
        // An anonymous pipe, as `>(...)` names it.
        let (mut reader, writer) = io::pipe().unwrap();
        let descriptor = PathBuf::from(format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer)));
        let to_descriptor = place.at("to-descriptor");
        symlink(&descriptor, &to_descriptor).unwrap();
        for path in [&descriptor, &to_descriptor] {
            place.write(path, b"through").unwrap();
        }
        drop(writer);
        let mut read = Vec::new();
        io::Read::read_to_end(&mut reader, &mut read).unwrap();
        assert_eq!(read, b"throughthrough");
        for path in [&pipe, &link, &chain] {
            let reader = std::thread::spawn({
                let pipe = pipe.clone();
                move || fs::read(pipe).unwrap()
            });
            place.write(path, b"through").unwrap();
            assert_eq!(reader.join().unwrap(), b"through");
        }
        assert!(pipe.symlink_metadata().unwrap().file_type().is_fifo());
        assert!([link, chain, to_descriptor].iter().all(|link| link.is_symlink()));
        place.write(Path::new("/dev/null"), b"nothing").unwrap();
    }

    #[test]
    fn the_own_streams_are_known_by_all_their_names() {
        let place = Place::new();
        let link = place.at("out");
        symlink("/proc/self/fd/1", &link).unwrap();
        for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].map(Path::new).into_iter().chain([&*link]) {
            assert_eq!(resolve(name).unwrap(), Target::Stdout, "{}", name.display());
        }
        assert_eq!(resolve(Path::new("/dev/stderr")).unwrap(), Target::Stderr);
        assert_eq!(resolve(Path::new("/dev/null")).unwrap(), Target::Path("/dev/null".into()));
        let ring = place.at("ring");
        symlink("ring", &ring).unwrap();
        assert!(resolve(&ring).is_err());
    }

    #[test]
    fn a_file_keeps_its_mode_owner_and_links() {
        let place = Place::new();
        let (file, second, link) = (place.at("file"), place.at("second"), place.at("link"));
        fs::write(&file, "old, and longer than the new").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        fs::hard_link(&file, &second).unwrap();
        symlink("file", &link).unwrap();
        let before = file.metadata().unwrap();
        place.write(&link, b"new").unwrap();
        let after = file.metadata().unwrap();
        assert!(link.is_symlink());
        assert_eq!((after.ino(), after.mode(), after.uid()), (before.ino(), before.mode(), before.uid()));
        assert_eq!(fs::read(&second).unwrap(), b"new");
    }

    #[test]
    fn a_link_that_leads_nowhere_makes_its_target() {
        let place = Place::new();
        symlink("later.csv", place.at("dangling")).unwrap();
        place.write(&place.at("dangling"), b"new").unwrap();
        assert!(place.at("dangling").is_symlink());
        assert_eq!(fs::read(place.at("later.csv")).unwrap(), b"new");
        symlink("no-folder/later.csv", place.at("lost")).unwrap();
        assert!(place.write(&place.at("lost"), b"new").is_err());
        assert!(place.write(place.parent.path(), b"new").unwrap_err().to_string().contains("directory"));
    }

    #[test]
    fn files_of_the_home_are_never_overwritten() {
        let place = Place::new();
        let database = place.home.database();
        symlink(&database, place.at("link")).unwrap();
        symlink(place.home.folder().join("new"), place.at("dangling")).unwrap();
        fs::hard_link(&database, place.at("hard")).unwrap();
        let inside = [
            database.clone(),
            place.home.folder().join("new.csv"),
            place.home.folder().join("runs/../new.csv"),
            place.at("link"),
            place.at("dangling"),
            place.at("hard"),
        ];
        for path in inside {
            let refused = place.write(&path, b"new");
            assert!(matches!(refused, Err(OutputError::InHome { .. })), "{}: {refused:?}", path.display());
        }
        assert_eq!(fs::read(database).unwrap(), b"store");
        assert!(!place.home.folder().join("new").exists());
    }

    #[test]
    fn a_new_file_that_can_not_be_filled_goes_again() {
        let place = Place::new();
        let nowhere = place.at("nowhere/run.csv");
        let why = place.write(&nowhere, b"new").unwrap_err().to_string();
        assert!(why.starts_with(&nowhere.display().to_string()) && why.contains("No such file"), "{why}");
    }
}
