//! Data sets: readers for each form of source, and the splits that training sees.
//!
//! A reader turns a source into images with labels ([`Contents`]). To add one, write a file with its `Reader` and name it
//! in the list in `reader.rs`.

mod dataset;
mod embedded;
mod idx;
mod idx_folder;
mod png_folder;
mod reader;

pub use dataset::{DataError, Dataset, Padding, Requested, Split, SplitSizes, fit_sizes};
pub use idx::{IdxError, Images, Labels};
pub use idx_folder::FolderError;
pub use png_folder::PngError;
pub use reader::{Contents, ImageShape, LabelledImages};
