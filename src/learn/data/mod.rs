//! Images and labels: the IDX format, the MNIST inside the program, and the splits that training sees.

mod dataset;
mod folder;
mod idx;

pub use dataset::{DataError, Dataset, SIDE, Split};
pub use folder::FolderError;
pub use idx::{IdxError, Images, Labels};
