//! The splits of a data set, shared by all lanes.

use super::augmentation::Transform;
use super::embedded;
use super::preprocessing::Preprocessing;
use super::reader::{CIFAR10_SIZES, Contents, ImageShape, LabelledImages, ReadError, published_cifar10, reader_of};
use datasets::{DataFolder, DataFolderError, SetError, cifar10};
use mnist::UnpackError;
use protocol::{DataSource, Inputs};
use std::sync::{Arc, Mutex, PoisonError};
use tch::{Kind, Tensor};

/// Rows and columns of zeros around the images, as a network sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Padding {
    /// At each side.
    pub border: usize,
    /// A smaller padded image gets a wider border.
    pub least_side: usize,
}

impl Padding {
    /// Two at each side, as `LeCun` padded MNIST, and sides of at least 16, because a smaller image would have no pixel
    /// left after the poolings of LeNet-4 or of the convnet.
    pub const STANDARD: Self = Self { border: 2, least_side: 16 };

    /// The images as they are.
    pub const NONE: Self = Self { border: 0, least_side: 0 };

    fn border(self, side: usize) -> usize {
        self.border.max(self.least_side.saturating_sub(side).div_ceil(2))
    }

    /// The shape of a padded image.
    pub fn padded(self, shape: ImageShape) -> ImageShape {
        let side = |side: usize| side + 2 * self.border(side);
        ImageShape { height: side(shape.height), width: side(shape.width), ..shape }
    }
}

/// Images with their labels.
#[derive(Debug)]
pub struct Split {
    /// (count), int64.
    pub labels: Tensor,
    shape: ImageShape,
    /// All images of the source, as stored; every split of it shares them.
    pixels: Arc<[u8]>,
    /// The index of the split's first image.
    start: usize,
}

impl Split {
    fn new(shape: ImageShape, images: LabelledImages) -> Self {
        let labels = Tensor::from_slice(&images.labels).to_kind(Kind::Int64); // (count)
        Self { labels, shape, pixels: images.pixels.into(), start: 0 }
    }

    /// Images that are in no data set, without labels that mean anything.
    pub fn of_images(shape: ImageShape, pixels: &[u8]) -> Self {
        let count = pixels.len() / shape.len().max(1);
        Self::new(shape, LabelledImages { pixels: pixels.to_vec(), labels: vec![0; count] })
    }

    pub fn len(&self) -> i64 {
        self.labels.size()[0]
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape of an image as stored.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// `length` images from `start`, sharing memory.
    pub fn narrow(&self, start: i64, length: i64) -> Self {
        Self {
            labels: self.labels.narrow(0, start, length),
            shape: self.shape,
            pixels: Arc::clone(&self.pixels),
            start: self.start + start as usize,
        }
    }

    /// The images as stored: (count, height, width, channels), 0 black to 255 white.
    pub fn pixels(&self) -> &[u8] {
        let image = self.shape.len();
        &self.pixels[self.start * image..][..self.len() as usize * image]
    }

    /// The picked images with values of 0 to 1, see [`inputs`](Self::inputs).
    pub fn images(&self, pick: &[i64], padding: Padding) -> Tensor {
        self.inputs(pick, padding, &Preprocessing::Unit)
    }

    /// The picked images as a network sees them: (picked, channels, height, width), padded with zeros, float32. They are
    /// converted for each batch, because a whole data set as floats would take four times its memory.
    ///
    /// # Panics
    /// If an image does not exist.
    pub fn inputs(&self, pick: &[i64], padding: Padding, preprocessing: &Preprocessing) -> Tensor {
        self.transformed_inputs(pick, &[], padding, preprocessing)
    }

    /// The same of images to which something is done. `transforms` has one for each of them, or none.
    ///
    /// # Panics
    /// If an image does not exist.
    pub fn transformed_inputs(
        &self,
        pick: &[i64],
        transforms: &[Transform],
        padding: Padding,
        preprocessing: &Preprocessing,
    ) -> Tensor {
        let (values, padded) = preprocessing.convert_images(self, pick, transforms, padding);
        let [count, c, h, w] = [pick.len(), padded.channels, padded.height, padded.width].map(|size| size as i64);
        let values = Tensor::from_slice(&values);
        // Channels stay adjacent in memory, which LibTorch prefers; for one channel there is no other order.
        if c == 1 { values.view([count, 1, h, w]) } else { values.view([count, h, w, c]).permute([0, 3, 1, 2]) }
    }

    /// The picked images with a transform each, as they would be stored.
    ///
    /// # Panics
    /// If an image does not exist.
    pub fn transformed_pixels(&self, pick: &[i64], transforms: &[Transform]) -> Vec<u8> {
        let (pixels, ImageShape { channels, height, width }) = (self.pixels(), self.shape);
        let length = self.shape.len();
        let mut found = vec![0; pick.len() * length];
        for ((&at, transform), to) in pick.iter().zip(transforms).zip(found.chunks_exact_mut(length)) {
            transform.copy_image(&pixels[at as usize * length..][..length], [height, width, channels], to);
        }
        found
    }
}

/// A data set. Lanes share it, as its tensors are only read.
#[derive(Debug)]
pub struct Dataset {
    training: Split,
    validation: Option<u32>,
    test: Split,
    classes: Vec<String>,
    digest: String,
    /// The results of [`preprocessing`](Self::preprocessing), the newest first.
    preprocessings: Mutex<Vec<((Inputs, u32), Preprocessing)>>,
}

/// Results that are kept. Runs of one data set rarely differ in their training images.
const PREPROCESSINGS: usize = 8;

// SAFETY: after `load` the tensors are never written, resized or given a gradient; LibTorch's reference counts are
// atomic, and reading one tensor from several threads is allowed.
unsafe impl Sync for Dataset {}

/// Why the data can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error(transparent)]
    Embedded(#[from] UnpackError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Folder(#[from] DataFolderError),
    #[error(transparent)]
    Set(#[from] SetError),
    #[error("{train} training and {val} validation images are asked for, the set has {has}; ask for fewer")]
    TooFew { train: u32, val: u32, has: i64 },
}

impl Dataset {
    /// Reads and checks a source.
    pub fn load(source: &DataSource) -> Result<Self, DataError> {
        let contents = match source {
            DataSource::Mnist => embedded::read()?,
            DataSource::Cifar10 => published_cifar10(&DataFolder::locate()?)?,
            DataSource::Folder(folder) => reader_of(folder).read(folder)?,
        };
        Ok(Self::from_contents(contents))
    }

    /// Whether the source's files exist; their contents are checked when they are read.
    pub fn is_there(source: &DataSource) -> Result<(), DataError> {
        match source {
            DataSource::Mnist => Ok(()),
            DataSource::Cifar10 => Ok(cifar10::SET.examine(&DataFolder::locate()?)?),
            DataSource::Folder(folder) => Ok(reader_of(folder).check(folder)?),
        }
    }

    /// The result of [`split_sizes`](Self::split_sizes) of a source whose images are published, without reading it.
    pub fn published_sizes(source: &DataSource) -> Option<SplitSizes> {
        match source {
            DataSource::Cifar10 => Some(CIFAR10_SIZES),
            DataSource::Mnist | DataSource::Folder(_) => None,
        }
    }

    fn from_contents(contents: Contents) -> Self {
        let Contents { shape, classes, training, validation, test, digest } = contents;
        let [training, test] = [training, test].map(|images| Split::new(shape, images));
        Self { training, validation, test, classes, digest, preprocessings: Mutex::default() }
    }

    /// The shape of an image as stored.
    pub fn shape(&self) -> ImageShape {
        self.training.shape
    }

    /// The classes' names; a label is an index into this list.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The first `train_size` images.
    pub fn train(&self, train_size: u32) -> Split {
        self.training.narrow(0, train_size.into())
    }

    /// How pixels become inputs, by the first `train_size` images. It is kept, because it reads all of them, and views of
    /// a network ask for it again and again.
    pub fn preprocessing(&self, inputs: Inputs, train_size: u32) -> Preprocessing {
        // Computed under the lock, so that views that begin together compute it once.
        let mut known = self.preprocessings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = known.iter().find(|(of, _)| *of == (inputs, train_size)) {
            return found.clone();
        }
        let found = Preprocessing::of(inputs, &self.train(train_size));
        known.truncate(PREPROCESSINGS - 1);
        known.insert(0, ((inputs, train_size), found.clone()));
        found
    }

    /// The last `val_size` of the training images.
    pub fn validation(&self, val_size: u32) -> Split {
        let length = i64::from(val_size);
        self.training.narrow(self.training.len() - length, length)
    }

    /// All training images, for measurements that keep no validation set.
    pub fn training(&self) -> &Split {
        &self.training
    }

    /// Only reported, never used to choose anything.
    pub fn test(&self) -> &Split {
        &self.test
    }

    /// sha256 over the files' contents, in hexadecimal: of IDX files as unpacked, of images as stored.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How many images the set itself assigns to training and to validation; five to one, as MNIST's 60,000 are split,
    /// if it does not say.
    pub fn split_sizes(&self) -> SplitSizes {
        let all = self.training.len() as u32;
        let val = self.validation.unwrap_or_else(|| (all / 6).max(1));
        SplitSizes { train: all - val, val }
    }

    /// Whether splits of these sizes fit without overlap.
    pub fn check(&self, train: u32, val: u32) -> Result<(), DataError> {
        let has = self.training.len();
        if i64::from(train) + i64::from(val) > has {
            return Err(DataError::TooFew { train, val, has });
        }
        Ok(())
    }
}

/// Numbers of images for training and for validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitSizes {
    pub train: u32,
    pub val: u32,
}

/// A size in a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requested {
    /// Requested by the reader: used as it is, or refused.
    Exactly(u32),
    /// A preset's: reduced to what the set has.
    AtMost(u32),
}

impl Requested {
    fn size(self) -> u32 {
        match self {
            Self::Exactly(size) | Self::AtMost(size) => size,
        }
    }
}

/// The sizes that a run takes of a data set's training images; `available` is the result of [`Dataset::split_sizes`]. A
/// requested size is used as it is, and may take images that the set assigns to the other split. A default is reduced
/// to the set's own split, and to what the other size leaves.
///
/// # Errors
/// If more was requested than there is.
pub fn fit_sizes(available: SplitSizes, train: Requested, val: Requested) -> Result<SplitSizes, DataError> {
    let has = available.train + available.val;
    let too_few = || DataError::TooFew { train: train.size(), val: val.size(), has: has.into() };
    // A default leaves at least one image to the other split.
    let rest = |asked: u32| has.checked_sub(asked).filter(|&rest| rest > 0).ok_or_else(too_few);
    Ok(match (train, val) {
        (Requested::Exactly(train), Requested::Exactly(val)) => {
            if train.checked_add(val).is_none_or(|sum| sum > has) {
                return Err(too_few());
            }
            SplitSizes { train, val }
        }
        (Requested::Exactly(train), Requested::AtMost(val)) => {
            SplitSizes { train, val: val.min(available.val.max(1)).min(rest(train)?) }
        }
        (Requested::AtMost(train), Requested::Exactly(val)) => SplitSizes { train: train.min(rest(val)?), val },
        (Requested::AtMost(train), Requested::AtMost(val)) => {
            SplitSizes { train: train.min(available.train), val: val.min(available.val) }
        }
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A split of these images, all of the first class.
    pub(crate) fn split_of(shape: ImageShape, pixels: Vec<u8>, images: usize) -> Split {
        Split::new(shape, LabelledImages { pixels, labels: vec![0; images] })
    }

    #[test]
    fn preprocessing_is_kept_for_each_setting_and_size() {
        let shape = ImageShape { channels: 1, height: 4, width: 4 };
        let images = |count: usize| {
            let pixels = (0..count * shape.len()).map(|at| (at * at % 253) as u8).collect();
            LabelledImages { pixels, labels: vec![0; count] }
        };
        let (training, test) = (images(20), images(1));
        let contents =
            Contents { shape, classes: vec!["a".into()], training, validation: None, test, digest: String::new() };
        let data = Dataset::from_contents(contents);
        // More than are kept, each asked for twice.
        for size in (10..=20).chain(10..=20) {
            for inputs in [Inputs::MeanImage, Inputs::Standardised, Inputs::Unit] {
                let (found, expected) =
                    (data.preprocessing(inputs, size), Preprocessing::of(inputs, &data.train(size)));
                assert_eq!(found, expected, "{inputs:?} of {size}");
                assert_eq!(data.preprocessing(inputs, size), expected);
            }
        }
        assert_eq!(data.preprocessings.lock().unwrap().len(), PREPROCESSINGS);
    }

    #[test]
    fn defaults_shrink_and_requests_do_not() {
        use Requested::{AtMost, Exactly};
        let sizes = |available: (u32, u32), train, val| {
            let available = SplitSizes { train: available.0, val: available.1 };
            fit_sizes(available, train, val).map(|sizes| (sizes.train, sizes.val)).map_err(|error| error.to_string())
        };
        let (mnist, small) = ((50_000, 10_000), (400, 100));
        let defaults = (AtMost(50_000), AtMost(10_000));
        assert_eq!(sizes(mnist, defaults.0, defaults.1), Ok((50_000, 10_000)));
        assert_eq!(sizes(small, defaults.0, defaults.1), Ok((400, 100)));
        assert_eq!(sizes(mnist, Exactly(55_000), AtMost(10_000)), Ok((55_000, 5_000)));
        assert_eq!(sizes(small, Exactly(200), AtMost(10_000)), Ok((200, 100)));
        assert_eq!(sizes(small, AtMost(50_000), Exactly(150)), Ok((350, 150)));
        assert_eq!(sizes(small, Exactly(300), Exactly(200)), Ok((300, 200)));
        let why = sizes(small, Exactly(401), Exactly(100)).unwrap_err();
        assert!(why.contains("401 training and 100 validation") && why.contains("has 500; ask for fewer"), "{why}");
        assert!(sizes(small, Exactly(500), AtMost(10_000)).is_err());
        assert!(sizes(small, Exactly(u32::MAX), Exactly(u32::MAX)).is_err());
    }

    /// Each channel at its own position, inside a border of zeros.
    #[test]
    #[allow(clippy::float_cmp)] // Both sides are rounded alike.
    fn images_are_scaled_and_padded() {
        let shape = ImageShape { channels: 3, height: 8, width: 9 };
        let pixels: Vec<u8> = (0..2 * 3 * 8 * 9).map(|i| (i % 251) as u8).collect();
        let split = Split::new(shape, LabelledImages { pixels: pixels.clone(), labels: vec![0, 1] });
        let x = split.images(&[1], Padding::STANDARD);
        assert_eq!(x.size(), [1, 3, 16, 17]);
        for (channel, row, column) in [(0, 0, 0), (1, 7, 8), (2, 3, 5)] {
            let stored = pixels[3 * 8 * 9 + (row * 9 + column) * 3 + channel];
            let found = x.double_value(&[0, channel as i64, row as i64 + 4, column as i64 + 4]);
            assert_eq!(found as f32, f32::from(stored) / 255.0);
        }
        let inside = x.narrow(2, 4, 8).narrow(3, 4, 9);
        assert_eq!(x.sum(Kind::Double).double_value(&[]), inside.sum(Kind::Double).double_value(&[]));
        assert!(split.images(&[1], Padding::NONE).equal(&inside));
        let mnist = ImageShape { channels: 1, height: 28, width: 28 };
        assert_eq!(Padding::STANDARD.padded(mnist), ImageShape { channels: 1, height: 32, width: 32 });
    }
}
