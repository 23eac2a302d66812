//! The one folder that holds all state.

use super::ownership;
use etcetera::BaseStrategy;
use protocol::{Lane, RunId};
use std::{
    ffi::OsStr,
    fs, io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

/// `RELU_HOME`, else `relu-notebook` in the XDG state folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    folder: PathBuf,
}

/// Why a home can't be used, and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("no home folder is known for this user; set RELU_HOME to a folder of yours")]
    Unknown,
    #[error("RELU_HOME is `{0}`, a relative path; give it an absolute one, for example RELU_HOME=$HOME/relu")]
    Relative(PathBuf),
    #[error("{0} is not a folder; move that file away or set RELU_HOME to another folder")]
    NotAFolder(PathBuf),
    #[error("{path} belongs to {owner}; `chown -R {me} {home}` makes it yours, or set RELU_HOME to a folder of yours")]
    NotYours { path: PathBuf, owner: String, me: String, home: PathBuf },
    #[error(
        "everyone can write to {folder}, and so could put files into {home}; `chmod o-w {folder}`, or set RELU_HOME to a \
         folder that only you can write"
    )]
    Exposed { folder: PathBuf, home: PathBuf },
    #[error("{link} is a link that belongs to {owner}; remove it, or set RELU_HOME to a folder of yours")]
    OthersLink { link: PathBuf, owner: String },
    #[error("{path} is {kind} where a {expected} belongs; move it away, or set RELU_HOME to another folder")]
    InTheWay { path: PathBuf, kind: &'static str, expected: &'static str },
    #[error("{link} is a link to {target}, which is not there; make that folder, or take the link away")]
    Dangling { link: PathBuf, target: PathBuf },
    #[error(
        "the disk of {0} takes no more files, whatever their size; remove some, for instance a run's folder in its runs"
    )]
    NoMoreFiles(PathBuf),
    #[error("{folder} can't be written: {why}; set RELU_HOME to a folder of yours that can")]
    Unwritable { folder: PathBuf, why: io::Error },
    #[error(
        "{path} is {length} bytes long, and a Unix socket's path may have {max}; set RELU_HOME to a shorter path",
        max = Home::MAX_SOCKET_PATH
    )]
    SocketPathTooLong { path: PathBuf, length: usize },
}

impl HomeError {
    fn of(folder: &Path, why: io::Error) -> Self {
        // The probe's own path does not help a reader.
        let why = why.raw_os_error().map_or(why, io::Error::from_raw_os_error);
        if why.kind() == io::ErrorKind::StorageFull && takes_no_files(folder) {
            return Self::NoMoreFiles(folder.to_owned());
        }
        Self::Unwritable { folder: folder.to_owned(), why }
    }
}

fn same_folder(one: &Path, other: &Path) -> bool {
    let identity = |path| fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    identity(one).is_some_and(|one| Some(one) == identity(other))
}

fn takes_no_files(folder: &Path) -> bool {
    // A folder that does not exist yet will be on the disk of its parent.
    let there = folder.ancestors().find_map(|folder| rustix::fs::statvfs(folder).ok());
    there.is_some_and(|disk| disk.f_files > 0 && disk.f_favail == 0)
}

fn create(folder: &Path) -> Result<(), HomeError> {
    if fs::metadata(folder).is_ok_and(|meta| !meta.is_dir()) {
        return Err(HomeError::NotAFolder(folder.to_owned()));
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|why| {
        // The system reports a dangling link as an existing file.
        let dangling = folder.ancestors().find(|path| path.is_symlink() && !path.exists());
        match dangling.and_then(|link| Some((link, fs::read_link(link).ok()?))) {
            Some((link, target)) => HomeError::Dangling { link: link.to_owned(), target },
            None => HomeError::of(folder, why),
        }
    })
}

/// The prefix of all names in a home. The log is beside the store, and files that are renamed aside get a suffix.
const OURS: [&str; 7] = ["notebook.db", "kernel.", "logs", "runs", COPIED, PROBE, ".writing-"];
const COPIED: &str = "copied.txt";
const PROBE: &str = ".probe-";

impl Home {
    /// `sun_path` holds 108 bytes, the last of them zero.
    pub const MAX_SOCKET_PATH: usize = 107;

    /// Finds the folder's path, without access to the disk.
    pub fn locate() -> Result<Self, HomeError> {
        match std::env::var_os("RELU_HOME") {
            Some(folder) if !folder.is_empty() => Self::at(PathBuf::from(folder)),
            _ => {
                let xdg = etcetera::choose_base_strategy().map_err(|_| HomeError::Unknown)?;
                let state = xdg.state_dir().unwrap_or_else(|| xdg.data_dir());
                Self::at(state.join("relu-notebook"))
            }
        }
    }

    /// A home at this absolute path, without access to the disk.
    pub fn at(folder: impl Into<PathBuf>) -> Result<Self, HomeError> {
        let folder = folder.into();
        if folder.is_absolute() { Ok(Self { folder }) } else { Err(HomeError::Relative(folder)) }
    }

    /// Creates the folder and its subfolders for this user alone, and checks that it can be written.
    ///
    /// # Errors
    /// If it is not this user's alone, or can't be written.
    pub fn prepare(&self) -> Result<(), HomeError> {
        let unwritable = |error| HomeError::of(&self.folder, error);
        let is_settled = match ownership::examine(self) {
            // Its own mode can be corrected, see below.
            Err(HomeError::Exposed { folder, .. }) if same_folder(&folder, &self.folder) => false,
            examined => examined.map(|()| self.folder.is_dir())?,
        };
        create(&self.folder)?;
        self.tighten().map_err(unwritable)?;
        if !is_settled {
            // In a folder where everyone may create folders, another user may have been faster.
            ownership::examine(self)?;
        }
        for folder in [self.logs(), self.runs()] {
            create(&folder)?;
        }
        tempfile::Builder::new().prefix(PROBE).tempfile_in(&self.folder).map_err(unwritable)?;
        Ok(())
    }

    /// Refuses a home that belongs to another user, or that others can write to. Changes nothing.
    pub fn examine(&self) -> Result<(), HomeError> {
        ownership::examine(self)
    }

    /// Makes a folder that was created by hand private. A folder that holds other things than ours keeps its mode; the
    /// files in it that are ours are private one by one.
    fn tighten(&self) -> io::Result<()> {
        let meta = fs::metadata(&self.folder)?;
        let mine = meta.uid() == rustix::process::geteuid().as_raw();
        if mine && meta.permissions().mode() & 0o077 != 0 && self.has_only_own_files()? {
            fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }

    fn has_only_own_files(&self) -> io::Result<bool> {
        let ours = |name: &OsStr| OURS.iter().any(|ours| name.as_bytes().starts_with(ours.as_bytes()));
        for entry in fs::read_dir(&self.folder)? {
            if !ours(&entry?.file_name()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn database(&self) -> PathBuf {
        self.folder.join("notebook.db")
    }

    /// The store's backup, which the kernel maintains.
    pub fn backup(&self) -> PathBuf {
        self.folder.join("notebook.db.backup")
    }

    /// How many bytes an ordinary user may still write on the folder's file system.
    pub fn free_bytes(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.folder)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Whether the file system can hold no more files of any size; some have a fixed number of them.
    pub fn takes_no_files(&self) -> bool {
        takes_no_files(&self.folder)
    }

    /// What the reader copied last, for terminals that take no text from a program.
    pub fn copied(&self) -> PathBuf {
        self.folder.join(COPIED)
    }

    pub fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    pub fn kernel_log(&self) -> PathBuf {
        self.logs().join("kernel.log")
    }

    pub fn lock(&self) -> PathBuf {
        self.folder.join("kernel.lock")
    }

    /// The kernel's socket.
    ///
    /// # Errors
    /// If the path is too long for a Unix socket.
    pub fn socket(&self) -> Result<PathBuf, HomeError> {
        let path = self.folder.join("kernel.sock");
        let length = path.as_os_str().as_bytes().len();
        if length <= Self::MAX_SOCKET_PATH { Ok(path) } else { Err(HomeError::SocketPathTooLong { path, length }) }
    }

    pub fn runs(&self) -> PathBuf {
        self.folder.join("runs")
    }

    pub fn run(&self, run: RunId) -> PathBuf {
        self.runs().join(run.to_string())
    }

    /// A lane's checkpoint folder.
    pub fn lane(&self, run: RunId, lane: Lane) -> PathBuf {
        self.run(run).join(lane.to_string())
    }

    /// The checkpoint of a measured epoch, counted from 1.
    pub fn checkpoint(&self, run: RunId, lane: Lane, epoch: u32) -> PathBuf {
        self.lane(run, lane).join(format!("epoch-{epoch:04}.safetensors"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_home_is_for_its_user_alone() {
        let parent = tempfile::tempdir().unwrap();
        let home = Home::at(parent.path().join("a/b")).unwrap();
        home.prepare().unwrap();
        home.prepare().unwrap();
        for folder in [home.folder(), &home.logs(), &home.runs()] {
            assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700, "{}", folder.display());
        }
    }

    #[test]
    fn a_folder_made_by_hand_is_tightened_only_if_it_is_ours() {
        let mode = |folder: &Path| fs::metadata(folder).unwrap().permissions().mode() & 0o777;
        let parent = tempfile::tempdir().unwrap();
        let open = |name: &str| {
            let folder = parent.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
            folder
        };
        let empty = open("empty");
        Home::at(&empty).unwrap().prepare().unwrap();
        assert_eq!(mode(&empty), 0o700);
        let busy = open("busy");
        fs::write(busy.join("thesis.tex"), "x").unwrap();
        let home = Home::at(&busy).unwrap();
        home.prepare().unwrap();
        assert_eq!(mode(&busy), 0o755);
        fs::write(home.database(), "").unwrap();
        home.prepare().unwrap();
        assert_eq!(mode(&busy), 0o755, "not on the next start either");
        fs::remove_file(busy.join("thesis.tex")).unwrap();
        home.prepare().unwrap();
        assert_eq!(mode(&busy), 0o700, "once it holds nothing else");
    }

    #[test]
    fn each_unusable_home_is_named_with_the_remedy() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Home::at(&file).unwrap().prepare().unwrap_err();
        assert!(matches!(error, HomeError::NotAFolder(_)) && error.to_string().contains("RELU_HOME"), "{error}");
        let below = Home::at(file.join("below")).unwrap().prepare().unwrap_err();
        assert!(matches!(below, HomeError::Unwritable { .. }), "{below}");
        let link = parent.path().join("link");
        std::os::unix::fs::symlink("/no/such", &link).unwrap();
        for folder in [link.clone(), link.join("below")] {
            let dangling = Home::at(folder).unwrap().prepare().unwrap_err().to_string();
            assert!(dangling.contains(&format!("{} is a link to /no/such", link.display())), "{dangling}");
        }
        let holds_a_link = Home::at(parent.path().join("home")).unwrap();
        fs::create_dir(holds_a_link.folder()).unwrap();
        fs::rename(&link, holds_a_link.runs()).unwrap();
        let dangling = holds_a_link.prepare().unwrap_err();
        assert!(matches!(&dangling, HomeError::Dangling { link, .. } if *link == holds_a_link.runs()), "{dangling}");
        let relative = Home::at("relu").unwrap_err();
        assert!(relative.to_string().contains("absolute"), "{relative}");
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_said_before_it_is_tried() {
        let fits = Home::at(format!("/{}", "x".repeat(Home::MAX_SOCKET_PATH - 13))).unwrap();
        assert_eq!(fits.socket().unwrap().as_os_str().len(), Home::MAX_SOCKET_PATH);
        let long = Home::at(format!("/{}", "x".repeat(Home::MAX_SOCKET_PATH - 12))).unwrap();
        let error = long.socket().unwrap_err().to_string();
        assert!(error.contains("108 bytes") && error.contains("shorter"), "{error}");
    }
}
