//! What can go wrong, each with its remedy.

use std::{fmt, io, path::PathBuf};

#[derive(Debug)]
pub enum Trouble {
    Platform { name: String },
    NoPython,
    NoPip,
    NoCompiler { name: String },
    NoHome,
    Network { wheel: String, detail: String },
    Pip { wheel: String, detail: String },
    WrongHash { wheel: String, expected: String, found: String },
    BadWheel { wheel: String, why: String },
    NoSpace { folder: PathBuf, needed: Option<u64> },
    OwnLibtorch { folder: PathBuf, why: String },
    Files { what: &'static str, path: PathBuf, source: io::Error },
    Cargo { what: &'static str },
    Start { program: PathBuf, source: io::Error },
}

impl Trouble {
    /// Names the file that an operation failed on; a full disk gets its own remedy.
    pub fn files(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { folder: path, needed: None },
            _ => Self::Files { what, path, source },
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform { name } => write!(
                f,
                "no LibTorch is pinned for {name}.\nInstall LibTorch 2.13.0 yourself and set LIBTORCH to its folder."
            ),
            Self::NoPython => write!(
                f,
                "`python3` was not found on PATH; it is needed once, to fetch LibTorch.\n\
                 Install it (Debian: apt install python3 python3-pip), or set LIBTORCH to a LibTorch 2.13.0 of your own."
            ),
            Self::NoPip => write!(
                f,
                "python3 has no pip; it is needed once, to fetch LibTorch.\n\
                 Install it (Debian: apt install python3-pip), or set LIBTORCH to a LibTorch 2.13.0 of your own."
            ),
            Self::NoCompiler { name } => write!(
                f,
                "no C++ compiler: `{name}` was not found on PATH; LibTorch's bindings are built with it.\n\
                 Install one (Debian: apt install g++; macOS: xcode-select --install), or name yours in CXX."
            ),
            Self::NoHome => write!(
                f,
                "neither HOME nor XDG_CACHE_HOME is an absolute path, so there is no cache folder for LibTorch.\n\
                 Set one of them, or set LIBTORCH to a LibTorch 2.13.0 of your own."
            ),
            Self::Network { wheel, detail } => write!(
                f,
                "the package index can't be reached to fetch {wheel}.\n{detail}\n\
                 Check the network, a proxy (HTTPS_PROXY) or pip's index setting, then run the command again."
            ),
            Self::Pip { wheel, detail } => write!(
                f,
                "pip could not fetch {wheel}.\n{detail}\n\
                 If pip is very old, upgrade it (python3 -m pip install --upgrade pip), then run the command again."
            ),
            Self::WrongHash { wheel, expected, found } => write!(
                f,
                "{wheel} is not the file that this project pins; it was deleted.\n  expected sha256 {expected}\n  \
                 found    sha256 {found}\n\
                 The download was damaged or the index serves another file: run the command again, or check pip's index setting."
            ),
            Self::BadWheel { wheel, why } => {
                write!(f, "{wheel} can't be unpacked: {why}.\nRun the command again to fetch it anew.")
            }
            Self::NoSpace { folder, needed } => {
                write!(f, "the disk is full at {}", folder.display())?;
                if let Some(bytes) = needed {
                    write!(f, "; LibTorch needs {:.1} GB there while it is unpacked", *bytes as f64 / 1e9)?;
                }
                write!(f, ".\nMake room, or set XDG_CACHE_HOME to a folder on another disk, and run the command again.")
            }
            Self::OwnLibtorch { folder, why } => write!(
                f,
                "your LIBTORCH, {}, does not serve: {why}.\n\
                 Point LIBTORCH at a LibTorch 2.13.0, or unset it and the right one is fetched.",
                folder.display()
            ),
            Self::Files { what, path, source } => {
                write!(f, "can't {what} {}: {source}.\nCheck the folder's owner and permissions.", path.display())
            }
            Self::Cargo { what } => write!(f, "{what} failed; cargo's own words are above."),
            Self::Start { program, source } => write!(f, "can't start {}: {source}.", program.display()),
        }
    }
}

impl std::error::Error for Trouble {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_distinguished_from_other_faults() {
        let mut full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let trouble = full.write_all(b"x").map_err(Trouble::files("write", "/dev/full")).unwrap_err();
        assert!(matches!(trouble, Trouble::NoSpace { .. }), "{trouble}");
        assert!(trouble.to_string().contains("XDG_CACHE_HOME"), "{trouble}");
    }
}
