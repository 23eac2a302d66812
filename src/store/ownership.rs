//! Who owns a home. Files that another user could have put there, or could put there now, are not read, written or
//! followed: a link in place of the log would make the kernel append to any of its user's files.

use super::{Home, HomeError};
use rustix::fs::OFlags;
use std::{
    collections::VecDeque,
    ffi::OsString,
    fs::{self, File, FileType, Metadata, OpenOptions},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    path::{Component, Path, PathBuf},
};

/// As many links in one path as Linux follows.
const MAX_LINKS: u32 = 40;
const WRITABLE_BY_OTHERS: u32 = 0o002;
/// In such a folder only the owner of a file can rename or remove it.
const STICKY: u32 = 0o1000;

/// What is expected at a path, if anything exists there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    /// The kernel renames other kinds aside.
    Any,
}

/// Checks the folder, its ancestors, and the files that are expected in it. A folder that does not exist yet passes.
///
/// # Errors
/// If anything belongs to another user, if others can write above it, or if a file is of another kind than expected.
pub(super) fn examine(home: &Home) -> Result<(), HomeError> {
    examine_path(home)?;
    let store = |suffix: &str| super::database::with_suffix(&home.database(), suffix);
    for path in [home.database(), store("-wal"), store("-shm"), home.backup(), home.lock()] {
        entry(home, &path, Kind::File)?;
    }
    entry(home, &home.folder().join("kernel.sock"), Kind::Any)?;
    for folder in [home.runs(), home.logs()] {
        entry(home, &folder, Kind::Folder)?;
    }
    entry(home, &home.kernel_log(), Kind::File)
}

/// Checks every component of the path, and resolves links one by one.
fn examine_path(home: &Home) -> Result<(), HomeError> {
    let folder = home.folder();
    let mut ahead: VecDeque<OsString> = parts(folder).collect();
    let mut at = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = ahead.pop_front() {
        // A path that can't be examined, or is no folder, is reported by the code that uses it.
        let Ok(above) = fs::symlink_metadata(&at) else { return Ok(()) };
        if above.mode() & (WRITABLE_BY_OTHERS | STICKY) == WRITABLE_BY_OTHERS {
            return Err(HomeError::Exposed { folder: at, home: folder.to_owned() });
        }
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        let Ok(meta) = fs::symlink_metadata(&next) else { return Ok(()) };
        if meta.is_symlink() {
            // In a folder where everyone can create links, another user's link may lead anywhere.
            if above.mode() & WRITABLE_BY_OTHERS != 0 && !(is_mine(&meta) || meta.uid() == above.uid()) {
                return Err(HomeError::OthersLink { owner: user(meta.uid()), link: next });
            }
            links += 1;
            let Ok(target) = fs::read_link(&next) else { return Ok(()) };
            if links > MAX_LINKS {
                return Ok(());
            }
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            for part in parts(&target).rev() {
                ahead.push_front(part);
            }
        } else {
            at = next;
        }
    }
    let Ok(meta) = fs::symlink_metadata(&at) else { return Ok(()) };
    if !is_mine(&meta) {
        return Err(foreign_owner(home, folder, &meta));
    }
    if meta.is_dir() && meta.mode() & (WRITABLE_BY_OTHERS | STICKY) == WRITABLE_BY_OTHERS {
        return Err(HomeError::Exposed { folder: at, home: folder.to_owned() });
    }
    Ok(())
}

fn parts(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(part) => Some(part.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

/// Checks one entry of the home, which may be a link made by its user.
fn entry(home: &Home, path: &Path, kind: Kind) -> Result<(), HomeError> {
    let Ok(meta) = fs::symlink_metadata(path) else { return Ok(()) };
    let meta = if meta.is_symlink() {
        if !is_mine(&meta) {
            return Err(HomeError::OthersLink { owner: user(meta.uid()), link: path.to_owned() });
        }
        match fs::metadata(path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let target = fs::read_link(path).unwrap_or_default();
                return Err(HomeError::Dangling { link: path.to_owned(), target });
            }
            Err(_) => return Ok(()),
        }
    } else {
        meta
    };
    if !is_mine(&meta) {
        return Err(foreign_owner(home, path, &meta));
    }
    let expected = match kind {
        Kind::File if !meta.is_file() => "file",
        Kind::Folder if !meta.is_dir() => "folder",
        _ => return Ok(()),
    };
    Err(HomeError::InTheWay { path: path.to_owned(), kind: name_of(meta.file_type()), expected })
}

/// Opens a regular file that belongs to this user. Links of other users are not followed, and opening does not block,
/// as a pipe's would.
pub fn open_own(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let open = |path: &Path| {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.clone().custom_flags(flags.bits() as i32).open(path)
    };
    let file = match open(path) {
        Err(error) if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) => {
            let link = fs::symlink_metadata(path)?;
            if !is_mine(&link) {
                return Err(io::Error::other(format!("it is a link that belongs to {}", user(link.uid()))));
            }
            open(&fs::canonicalize(path).map_err(|_| error)?)?
        }
        opened => opened?,
    };
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other(format!("it is {}, not a file", name_of(meta.file_type()))));
    }
    if !is_mine(&meta) {
        return Err(io::Error::other(format!("it belongs to {}", user(meta.uid()))));
    }
    Ok(file)
}

/// A link of another user is not followed.
pub(super) fn refuse_others_link(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() && !is_mine(&meta) => {
            Err(io::Error::other(format!("{} is a link that belongs to {}", path.display(), user(meta.uid()))))
        }
        _ => Ok(()),
    }
}

fn is_mine(meta: &Metadata) -> bool {
    meta.uid() == rustix::process::geteuid().as_raw()
}

fn foreign_owner(home: &Home, path: &Path, meta: &Metadata) -> HomeError {
    let me = user(rustix::process::geteuid().as_raw());
    HomeError::NotYours { path: path.to_owned(), owner: user(meta.uid()), me, home: home.folder().to_owned() }
}

fn name_of(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_file() {
        "a file"
    } else {
        "a device"
    }
}

/// A user's name from `/etc/passwd`, else the number. `chown` takes both.
fn user(uid: u32) -> String {
    let number = uid.to_string();
    let accounts = fs::read("/etc/passwd").unwrap_or_default();
    let accounts = String::from_utf8_lossy(&accounts);
    let named = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    });
    named.unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};

    const NOBODY: Option<u32> = Some(65534);

    fn home() -> (tempfile::TempDir, Home) {
        let parent = tempfile::tempdir().unwrap();
        let home = Home::at(parent.path().join("home")).unwrap();
        home.prepare().unwrap();
        (parent, home)
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Only root can give files away.
    fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    fn every_path(home: &Home) -> [PathBuf; 6] {
        [home.database(), home.backup(), home.lock(), home.kernel_log(), home.runs(), home.logs()]
    }

    #[test]
    fn another_users_home_or_file_is_named_with_its_owner_and_the_remedy() {
        if !is_root() {
            return;
        }
        let (_parent, home) = home();
        chown(home.folder(), NOBODY, None).unwrap();
        let error = home.prepare().unwrap_err().to_string();
        assert!(error.contains("home belongs to nobody; `chown -R root ") && error.contains("RELU_HOME"), "{error}");
        chown(home.folder(), Some(0), None).unwrap();
        for path in every_path(&home) {
            if !path.exists() {
                File::create(&path).unwrap();
            }
            chown(&path, NOBODY, None).unwrap();
            let error = home.prepare().unwrap_err();
            assert!(matches!(&error, HomeError::NotYours { path: named, .. } if *named == path), "{error}");
            chown(&path, Some(0), None).unwrap();
        }
        home.prepare().unwrap();
    }

    /// A user who could put it there could redirect this user's writes.
    #[test]
    fn links_of_others_are_not_followed_and_own_ones_are() {
        let (parent, home) = home();
        fs::remove_dir(home.runs()).unwrap();
        fs::remove_dir(home.logs()).unwrap();
        let (file, folder) = (parent.path().join("file"), parent.path().join("folder"));
        fs::create_dir(&folder).unwrap();
        for path in every_path(&home) {
            fs::write(&file, "a victim's").unwrap();
            let target = if path == home.runs() || path == home.logs() { &folder } else { &file };
            fs::create_dir_all(home.logs()).unwrap();
            if path == home.logs() {
                fs::remove_dir(&path).unwrap();
            }
            symlink(target, &path).unwrap();
            home.examine().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            if is_root() {
                lchown(&path, NOBODY, None).unwrap();
                let error = home.examine().unwrap_err();
                assert!(matches!(&error, HomeError::OthersLink { link, .. } if *link == path), "{error}");
                if target == &file {
                    open_own(&path, OpenOptions::new().write(true).truncate(true)).unwrap_err();
                }
                assert_eq!(fs::read_to_string(&file).unwrap(), "a victim's");
            }
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn what_is_no_file_is_named_and_not_waited_for() {
        let (_parent, home) = home();
        for path in [home.database(), home.lock(), home.kernel_log()] {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
            let error = home.prepare().unwrap_err().to_string();
            assert!(error.contains(&format!("{} is a pipe where a file belongs", path.display())), "{error}");
            let opened = open_own(&path, OpenOptions::new().read(true)).unwrap_err().to_string();
            assert_eq!(opened, "it is a pipe, not a file");
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
            let error = home.prepare().unwrap_err().to_string();
            assert!(error.contains("is a folder where a file belongs; move it away"), "{error}");
            fs::remove_dir(&path).unwrap();
        }
        fs::remove_dir(home.runs()).unwrap();
        File::create(home.runs()).unwrap();
        let error = home.prepare().unwrap_err().to_string();
        assert!(error.contains("is a file where a folder belongs"), "{error}");
    }

    #[test]
    fn a_folder_above_that_everyone_can_write_to_is_refused_unless_it_is_sticky() {
        let parent = tempfile::tempdir().unwrap();
        let shared = parent.path().join("shared");
        fs::create_dir(&shared).unwrap();
        let home = Home::at(shared.join("mine/home")).unwrap();
        for (mode, is_safe) in [(0o777, false), (0o1777, true), (0o775, true)] {
            set_mode(&shared, mode);
            let prepared = home.prepare();
            assert_eq!(prepared.is_ok(), is_safe, "{mode:o}: {prepared:?}");
        }
        set_mode(&shared, 0o777);
        let error = home.prepare().unwrap_err().to_string();
        assert!(error.contains(&format!("`chmod o-w {}`", shared.display())), "{error}");
        let link = parent.path().join("link");
        symlink(shared.join("mine"), &link).unwrap();
        let through = Home::at(link.join("home")).unwrap().prepare();
        assert!(matches!(through, Err(HomeError::Exposed { .. })), "through a link as well: {through:?}");
    }

    #[test]
    fn a_link_of_another_users_in_a_sticky_folder_is_not_followed() {
        if !is_root() {
            return;
        }
        let (parent, home) = home();
        let shared = parent.path().join("shared");
        fs::create_dir(&shared).unwrap();
        set_mode(&shared, 0o1777);
        symlink(home.folder(), shared.join("link")).unwrap();
        let through = Home::at(shared.join("link")).unwrap();
        through.prepare().unwrap();
        lchown(shared.join("link"), NOBODY, None).unwrap();
        assert!(matches!(through.prepare(), Err(HomeError::OthersLink { .. })));
    }
}
