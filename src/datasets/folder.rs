//! The folder in which data sets lie.

use etcetera::BaseStrategy;
use std::path::{Path, PathBuf};

/// `RELU_DATA`, else `relu-notebook` in the XDG data folder. It is not in the home, because a data set is large and the
/// same for all homes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFolder(PathBuf);

/// Why no data folder is known.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    #[error("no home folder is known for this user; set RELU_DATA to a folder of yours")]
    Unknown,
    #[error("RELU_DATA is `{0}`, a relative path; give it an absolute one, for example RELU_DATA=$HOME/data")]
    Relative(PathBuf),
}

impl DataFolder {
    /// Finds the folder's path, without access to the disk.
    pub fn locate() -> Result<Self, DataFolderError> {
        match std::env::var_os("RELU_DATA") {
            Some(folder) if !folder.is_empty() => Self::at(PathBuf::from(folder)),
            _ => {
                let xdg = etcetera::choose_base_strategy().map_err(|_| DataFolderError::Unknown)?;
                Self::at(xdg.data_dir().join("relu-notebook"))
            }
        }
    }

    /// A data folder at this absolute path, without access to the disk.
    pub fn at(folder: impl Into<PathBuf>) -> Result<Self, DataFolderError> {
        let folder = folder.into();
        if folder.is_absolute() { Ok(Self(folder)) } else { Err(DataFolderError::Relative(folder)) }
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}
