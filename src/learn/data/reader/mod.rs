//! The result of a reader, and the list of readers for folders. To add one, write its file and add it here: its module,
//! its errors in [`ReadError`], and itself in [`READERS`].

pub mod idx_folder;

mod cifar10;
mod idx;
mod png_folder;

pub use cifar10::{PUBLISHED_SIZES as CIFAR10_SIZES, published as published_cifar10};

use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;

/// Sides of an image for which a network can be built.
pub const SIDES: RangeInclusive<usize> = 8..=64;
/// Classes of a data set.
pub const CLASSES: RangeInclusive<usize> = 2..=100;
/// The most images that are read for training and validation, and for testing. A larger set is read in part, so that a
/// folder of any size takes no more memory than its first images.
pub const MOST_TRAINING: usize = 60_000;
pub const MOST_TEST: usize = 20_000;

/// The form of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageShape {
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    pub height: usize,
    pub width: usize,
}

impl ImageShape {
    /// Bytes of an image, which is also the number of inputs of a fully connected layer.
    pub fn len(self) -> usize {
        self.channels * self.height * self.width
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for ImageShape {
    /// `28x28 grey`, rows first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colours = if self.channels == 1 { "grey" } else { "RGB" };
        write!(f, "{}x{} {colours}", self.height, self.width)
    }
}

/// Images of one shape, each with its class.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LabelledImages {
    /// (count, height, width, channels), 0 black to 255 white.
    pub pixels: Vec<u8>,
    /// One an image, below the number of classes.
    pub labels: Vec<u8>,
}

/// The result of reading a source.
#[derive(Debug)]
pub struct Contents {
    pub shape: ImageShape,
    /// The classes' names; a label is an index into this list.
    pub classes: Vec<String>,
    /// The images for training, then those for validation.
    pub training: LabelledImages,
    /// How many of the training images, from the end, are for validation; `None` if the source does not say.
    pub validation: Option<u32>,
    pub test: LabelledImages,
    /// sha256 over the files' contents, in hexadecimal.
    pub digest: String,
}

/// Why a reader can't read a folder.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Idx(#[from] idx::IdxError),
    #[error(transparent)]
    Folder(#[from] idx_folder::FolderError),
    #[error(transparent)]
    Png(#[from] png_folder::PngError),
    #[error(transparent)]
    Cifar(#[from] cifar10::CifarError),
    #[error("{images} images come with {labels} labels ({which}); one of the files belongs to another set")]
    Mismatch { which: &'static str, images: usize, labels: usize },
    #[error("the training images are {training}, the test images {test}; one of the files belongs to another set")]
    OtherShape { training: ImageShape, test: ImageShape },
    #[error("{file}: has {found}; a data set needs {} to {} classes", CLASSES.start(), CLASSES.end())]
    Classes { file: String, found: String },
}

/// A form in which a folder may contain a data set.
pub trait Reader: Sync {
    /// What it reads, for an error about a folder of another form: `folders of PNG images`.
    fn form(&self) -> String;

    /// Whether the folder seems to have this form, judged by the names in it.
    fn recognises(&self, folder: &Path) -> bool;

    /// Whether the set is complete; no image is read.
    fn check(&self, folder: &Path) -> Result<(), ReadError>;

    /// Reads and checks the whole set.
    fn read(&self, folder: &Path) -> Result<Contents, ReadError>;
}

/// In the order in which they are tried.
const READERS: [&dyn Reader; 3] = [&idx_folder::IdxFolder, &png_folder::PngFolder, &cifar10::Cifar10];

/// What `--data` takes, in words.
fn forms() -> String {
    READERS.map(Reader::form).join(", or ")
}

/// The reader of a folder. A folder that no reader recognises goes to the first, whose error says what was expected.
pub fn reader_of(folder: &Path) -> &'static dyn Reader {
    READERS.into_iter().find(|reader| reader.recognises(folder)).unwrap_or(READERS[0])
}
