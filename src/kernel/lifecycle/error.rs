//! Why a kernel does not start, and the remedy.

use std::{io, path::PathBuf};
use store::{HomeError, StoreError};

/// Its `Display` is a sentence for the reader.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "the disk is full to its last byte, and the store can't be opened for writing; free some space, for instance by \
         removing a run's folder in {}, whose curve stays", .0.display()
    )]
    NoRoom(PathBuf),
    #[error(
        "no file may grow beyond {kilobytes} KB here, too little for the store; raise the limit that `ulimit -f` shows"
    )]
    FileLimit { kilobytes: u64 },
    #[error(
        "no more than {files} files may be open at once here, and the kernel needs {needed}; raise the limit that `ulimit -n` \
         shows"
    )]
    FewFiles { files: u64, needed: u64 },
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
}

impl KernelError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
