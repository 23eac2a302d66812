//! Data sets that the program does not contain: where they lie, what their files have to be, and how they are got.
//!
//! They lie in the data folder, which all homes share. [`cifar10::SET`] says which files CIFAR-10 has and what was
//! published of them; every reading compares them with that ([`PublishedSet::read`]). `get` brings them there.

pub mod cifar10;
pub mod get;

mod folder;
mod idx_sets;
mod published;

pub use folder::{DataFolder, DataFolderError};
pub use idx_sets::{IDX_SETS, IdxSet, IdxSetState};
pub use published::{PublishedFile, PublishedSet, SetError};
