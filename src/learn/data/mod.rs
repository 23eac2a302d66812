//! Data sets: readers for each form of source, and the splits for training.
//!
//! A reader turns a source into images with labels ([`Contents`]). To add one, write a file with its `Reader` and add
//! it to `reader/mod.rs`.

mod augmentation;
mod dataset;
mod embedded;
mod preprocessing;
mod reader;

pub use augmentation::{Augmentation, Transform};
pub use dataset::{DataError, Dataset, Padding, Requested, Split, SplitSizes, fit_sizes};
pub use preprocessing::Preprocessing;
pub use reader::{Contents, ImageShape, LabelledImages, ReadError};
