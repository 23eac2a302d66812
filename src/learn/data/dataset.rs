//! The splits that training sees, as tensors that all lanes share.

use super::folder::{self, FolderError};
use super::idx::{self, IdxError, Images, Labels, STORED_SIDE};
use mnist::{self, UnpackError};
use protocol::{DataSource, RunSpec};
use sha2::{Digest, Sha256};
use std::sync::{Arc, OnceLock};
use tch::{Device, Kind, Tensor};

/// Pixels a side as the network sees them: 28 and two rows of zeros on every side, as `LeCun` had it.
pub const SIDE: i64 = 32;

/// Images with their labels.
#[derive(Debug)]
pub struct Split {
    /// (count), 0 to 9, int64.
    pub labels: Tensor,
    file: Arc<File>,
    /// The split's first image in the file.
    start: i64,
}

impl Split {
    pub fn len(&self) -> i64 {
        self.labels.size()[0]
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `length` images from `start` on, sharing memory.
    pub fn narrow(&self, start: i64, length: i64) -> Self {
        Self { labels: self.labels.narrow(0, start, length), file: Arc::clone(&self.file), start: self.start + start }
    }

    /// (count, 1, 32, 32), value/255 in [0, 1], float32, sharing memory with every other split of the file.
    pub fn images(&self) -> Tensor {
        self.file.padded.get_or_init(|| pad(&self.file.pixels)).narrow(0, self.start, self.len())
    }

    /// The images as stored: (count, 28, 28), 0 black to 255 white.
    pub fn digits(&self) -> &[u8] {
        let image = STORED_SIDE * STORED_SIDE;
        &self.file.pixels[self.start as usize * image..][..self.len() as usize * image]
    }
}

/// A file's images.
#[derive(Debug)]
struct File {
    /// As stored.
    pixels: Box<[u8]>,
    /// As floats with a border, 4 KB an image: made when first asked for, which the fused form never does.
    padded: OnceLock<Tensor>,
}

// SAFETY: as for `Dataset`, which holds it: the tensor is made once, under the lock, and only read from then on.
unsafe impl Sync for File {}

/// A training file and a test file. Lanes share it: its tensors are only ever read.
#[derive(Debug)]
pub struct Dataset {
    training: Split,
    test: Split,
    /// sha256 over the four plain IDX files, in hexadecimal.
    digest: String,
}

// SAFETY: after `load` the tensors are never written, resized or given a gradient; LibTorch's reference counts are
// atomic and reading one tensor from several threads is allowed.
unsafe impl Sync for Dataset {}

/// Why there is no data.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error(transparent)]
    Idx(#[from] IdxError),
    #[error(transparent)]
    Embedded(#[from] UnpackError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("{images} images come with {labels} labels ({which}); one of the files belongs to another set")]
    Mismatch { which: &'static str, images: usize, labels: usize },
    #[error("{train} training and {val} validation images are asked for, the set has {has}; ask for fewer")]
    TooFew { train: u32, val: u32, has: i64 },
}

impl Dataset {
    /// Reads and checks the four files.
    pub fn load(source: &DataSource) -> Result<Self, DataError> {
        let mut bytes = Vec::with_capacity(4);
        match source {
            DataSource::Mnist => {
                for file in &mnist::FILES {
                    bytes.push((file.name.to_string(), file.unpack()?));
                }
            }
            DataSource::Folder(folder) => {
                for path in folder::find(folder)? {
                    bytes.push((path.display().to_string(), idx::read_file(&path)?));
                }
            }
        }
        let mut hasher = Sha256::new();
        for (_, plain) in &bytes {
            hasher.update(plain);
        }
        Ok(Self {
            training: split("training", &bytes[0], &bytes[1])?,
            test: split("test", &bytes[2], &bytes[3])?,
            digest: mnist::hex(&hasher.finalize()),
        })
    }

    /// Whether the four files are there; what they hold shows when they are read.
    pub fn is_there(source: &DataSource) -> Result<(), DataError> {
        match source {
            DataSource::Mnist => Ok(()),
            DataSource::Folder(folder) => {
                for file in folder::find(folder)? {
                    idx::check_kind(&file)?;
                }
                Ok(())
            }
        }
    }

    /// The first `train_size` images.
    pub fn train(&self, spec: &RunSpec) -> Split {
        self.training.narrow(0, i64::from(spec.train_size))
    }

    /// The last `val_size` images of the training file.
    pub fn validation(&self, spec: &RunSpec) -> Split {
        let length = i64::from(spec.val_size);
        self.training.narrow(self.training.len() - length, length)
    }

    /// All 60,000 training images, for measurements that keep no validation set.
    pub fn training(&self) -> &Split {
        &self.training
    }

    /// Only ever reported, never used to choose anything.
    pub fn test(&self) -> &Split {
        &self.test
    }

    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether the splits of a spec fit without overlap.
    pub fn check(&self, spec: &RunSpec) -> Result<(), DataError> {
        let (train, val, has) = (spec.train_size, spec.val_size, self.training.len());
        if i64::from(train) + i64::from(val) > has {
            return Err(DataError::TooFew { train, val, has });
        }
        Ok(())
    }
}

fn split(which: &'static str, images: &(String, Vec<u8>), labels: &(String, Vec<u8>)) -> Result<Split, DataError> {
    let parsed = Images::parse(&images.0, &images.1)?;
    let Labels(digits) = Labels::parse(&labels.0, &labels.1)?;
    if parsed.count != digits.len() {
        return Err(DataError::Mismatch { which, images: parsed.count, labels: digits.len() });
    }
    let labels = Tensor::from_slice(&digits).to_kind(Kind::Int64); // (count)
    let file = File { pixels: parsed.pixels.into(), padded: OnceLock::new() };
    Ok(Split { labels, file: file.into(), start: 0 })
}

/// (count, 28, 28) bytes to (count, 1, 32, 32) floats.
fn pad(pixels: &[u8]) -> Tensor {
    let (side, image) = (STORED_SIDE as i64, STORED_SIDE * STORED_SIDE);
    let border = (SIDE - side) / 2;
    let images = Tensor::zeros([(pixels.len() / image) as i64, 1, SIDE, SIDE], (Kind::Float, Device::Cpu));
    let inside = images.narrow(2, border, side).narrow(3, border, side); // (count, 1, 28, 28)
    // A thousand at a time: converting all at once would need the memory three times over.
    for (at, pixels) in pixels.chunks(1000 * image).enumerate() {
        let chunk = Tensor::from_slice(pixels).view([-1, 1, side, side]).to_kind(Kind::Float).divide_scalar(255.0);
        inside.narrow(0, 1000 * at as i64, chunk.size()[0]).copy_(&chunk);
    }
    images
}
