//! Reads CIFAR-10 (Krizhevsky 2009) in its binary form: `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.
//! The published files in the data folder are compared with their sha256 each time ([`published`]). A folder of a
//! reader's own is read as it is: the files in it, or in `cifar-10-batches-bin`, as in the archive.
//!
//! A file consists of records of 3,073 bytes: the class, then 32x32 bytes of red, of green and of blue. The public
//! files have 10,000 records each; any number is accepted, so that a part of the set can be used.

use super::super::SplitSizes;
use super::{Contents, ImageShape, LabelledImages, MOST_TEST, MOST_TRAINING, ReadError, Reader};
use datasets::cifar10::{PLANE, RECORD, SET, SHA256};
use datasets::{DataFolder, SetError};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

const FILES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];
/// The folder of the archive.
const ARCHIVE_FOLDER: &str = "cifar-10-batches-bin";
/// In the order of the labels, as in `batches.meta.txt`.
const CLASSES: [&str; 10] = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
const SHAPE: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };
/// How many of the published training images validate: the split of He et al. 2015, 45,000 to 5,000.
const VALIDATION: u32 = 5_000;
/// The published training images.
const TRAINING: u32 = 50_000;

/// The sizes of the published set, which need no file to be read.
pub const PUBLISHED_SIZES: SplitSizes = SplitSizes { train: TRAINING - VALIDATION, val: VALIDATION };

/// What is wrong with the files, and the remedy. Its `Display` is a whole sentence.
#[derive(Debug, thiserror::Error)]
pub enum CifarError {
    #[error("{folder}: has no {}; put all six files of CIFAR-10's binary version into it", .missing.join(", no "))]
    Missing { folder: String, missing: Vec<&'static str> },
    #[error("{file}: can't be read ({source}); check the path and its permissions")]
    Unreadable { file: String, source: io::Error },
    #[error("{file}: is a folder, a pipe or a device; give the file of CIFAR-10's binary version")]
    NotAFile { file: String },
    #[error("{file}: is empty; fetch it anew")]
    Empty { file: String },
    #[error("{file}: ends within an image: {bytes} bytes are no multiple of {RECORD}; fetch it anew")]
    CutOff { file: String, bytes: usize },
    #[error("{file}: label {at} is {label}; CIFAR-10 has 0 to 9. CIFAR-100 has another form and can't be read")]
    BadLabel { file: String, at: usize, label: u8 },
}

/// The reader.
pub struct Cifar10;

impl Reader for Cifar10 {
    fn form(&self) -> String {
        format!("the six files of CIFAR-10's binary version ({}, ...)", FILES[0])
    }

    fn recognises(&self, folder: &Path) -> bool {
        FILES.iter().any(|file| folder_of_files(folder).join(file).exists())
    }

    fn check(&self, folder: &Path) -> Result<(), ReadError> {
        find(folder)?;
        Ok(())
    }

    fn read(&self, folder: &Path) -> Result<Contents, ReadError> {
        let files = find(folder)?;
        let mut hasher = Sha256::new();
        let (mut training, mut test) = (LabelledImages::default(), LabelledImages::default());
        let [batches @ .., test_batch] = &files;
        for batch in batches {
            append(batch, MOST_TRAINING, &mut training, &mut hasher)?;
        }
        append(test_batch, MOST_TEST, &mut test, &mut hasher)?;
        let digest = mnist::hex(&hasher.finalize());
        Ok(contents(training, None, test, digest))
    }
}

fn contents(training: LabelledImages, validation: Option<u32>, test: LabelledImages, digest: String) -> Contents {
    Contents { shape: SHAPE, classes: CLASSES.map(String::from).into(), training, validation, test, digest }
}

/// The published files in the data folder.
///
/// # Errors
/// If they are not there, or are others than were published.
pub fn published(data: &DataFolder) -> Result<Contents, SetError> {
    SET.examine(data)?;
    let (mut training, mut test) = (LabelledImages::default(), LabelledImages::default());
    for (at, file) in SET.files.iter().enumerate() {
        let bytes = SET.read(data, file)?;
        let images = if at + 1 < SET.files.len() { &mut training } else { &mut test };
        bytes.chunks_exact(RECORD).for_each(|record| append_record(record, images));
    }
    // The digest of files whose own digests are known.
    Ok(contents(training, Some(VALIDATION), test, SHA256.into()))
}

fn folder_of_files(folder: &Path) -> PathBuf {
    let below = folder.join(ARCHIVE_FOLDER);
    if below.is_dir() { below } else { folder.to_owned() }
}

/// Finds the six files, each a regular file.
fn find(folder: &Path) -> Result<[PathBuf; 6], CifarError> {
    let folder = folder_of_files(folder);
    let missing: Vec<&str> = FILES.into_iter().filter(|file| !folder.join(file).exists()).collect();
    if !missing.is_empty() {
        return Err(CifarError::Missing { folder: folder.display().to_string(), missing });
    }
    let files = FILES.map(|file| folder.join(file));
    for path in &files {
        let file = path.display().to_string();
        match fs::metadata(path) {
            Err(source) => return Err(CifarError::Unreadable { file, source }),
            // Reading a pipe might never begin, and reading a device never end.
            Ok(found) if !found.is_file() => return Err(CifarError::NotAFile { file }),
            Ok(_) => {}
        }
    }
    Ok(files)
}

/// Appends a file's images until there are `most`.
fn append(path: &Path, most: usize, images: &mut LabelledImages, hasher: &mut Sha256) -> Result<(), CifarError> {
    let file = path.display().to_string();
    let left = most.saturating_sub(images.labels.len());
    let mut bytes = Vec::new();
    let opened = File::open(path);
    opened
        .and_then(|file| file.take((left * RECORD) as u64).read_to_end(&mut bytes))
        .map_err(|source| CifarError::Unreadable { file: file.clone(), source })?;
    if bytes.is_empty() && left > 0 {
        return Err(CifarError::Empty { file });
    }
    if !bytes.len().is_multiple_of(RECORD) {
        return Err(CifarError::CutOff { file, bytes: bytes.len() });
    }
    hasher.update(&bytes);
    for (at, record) in bytes.chunks_exact(RECORD).enumerate() {
        let label = record[0];
        if usize::from(label) >= CLASSES.len() {
            return Err(CifarError::BadLabel { file, at, label });
        }
        append_record(record, images);
    }
    Ok(())
}

fn append_record(record: &[u8], images: &mut LabelledImages) {
    let (label, planes) = (record[0], &record[1..]);
    images.labels.push(label);
    images.pixels.extend((0..PLANE).flat_map(|pixel| [0, 1, 2].map(|colour| planes[colour * PLANE + pixel])));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dataset;
    use crate::data::{Padding, SplitSizes};
    use protocol::DataSource;

    /// A record whose red, green and blue bytes count up from three numbers.
    fn record(label: u8, [red, green, blue]: [u8; 3]) -> Vec<u8> {
        let plane = |first: u8| (0..PLANE).map(move |pixel| first.wrapping_add(pixel as u8));
        std::iter::once(label).chain(plane(red)).chain(plane(green)).chain(plane(blue)).collect()
    }

    /// Two images per batch, with the labels 0 to 9, and one test image.
    fn set(folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        for (batch, file) in FILES[..5].iter().enumerate() {
            let batch = batch as u8;
            let two = [record(2 * batch, [batch, 50, 100]), record(2 * batch + 1, [200, batch, 7])];
            fs::write(folder.join(file), two.concat()).unwrap();
        }
        fs::write(folder.join(FILES[5]), record(9, [1, 2, 3])).unwrap();
    }

    fn load(folder: &Path) -> Result<Dataset, String> {
        Dataset::load(&DataSource::Folder(folder.to_owned())).map_err(|error| error.to_string())
    }

    #[test]
    fn batches_follow_one_another_with_their_colours() {
        let folder = tempfile::tempdir().unwrap();
        set(&folder.path().join(ARCHIVE_FOLDER));
        let data = load(folder.path()).unwrap();
        assert_eq!(data.shape(), SHAPE);
        assert_eq!((data.classes().len(), data.classes()[9].as_str()), (10, "truck"));
        assert_eq!(Vec::<i64>::try_from(&data.training().labels).unwrap(), (0..10).collect::<Vec<i64>>());
        assert_eq!(data.split_sizes(), SplitSizes { train: 9, val: 1 });
        // The last of the training images is for validation.
        assert_eq!(data.validation(1).labels.int64_value(&[0]), 9);
        // The second image of the fourth batch: 200, 3 and 7 at its first pixel, 33 more at the one below and right of
        // it.
        let image = data.training().images(&[7], Padding::NONE);
        assert_eq!(image.size(), [1, 3, 32, 32]);
        for (colour, first) in [(0, 200.0), (1, 3.0), (2, 7.0)] {
            let value = |row, column| image.double_value(&[0, colour, row, column]) * 255.0;
            assert!((value(0, 0) - first).abs() < 1e-4 && (value(1, 1) - first - 33.0).abs() < 1e-4, "{colour}");
        }
        assert_eq!(data.test().pixels()[..6], [1, 2, 3, 2, 3, 4]);
        // A changed byte makes another data set.
        let again = tempfile::tempdir().unwrap();
        set(again.path());
        assert_eq!(load(again.path()).unwrap().digest(), data.digest());
        fs::write(again.path().join(FILES[5]), record(9, [1, 2, 4])).unwrap();
        assert_ne!(load(again.path()).unwrap().digest(), data.digest());
    }

    /// With the real files in `RELU_DATA`: `cargo test --workspace --lib published_files -- --ignored`.
    #[test]
    #[ignore = "needs CIFAR-10"]
    fn published_files_are_the_folders() {
        let data = DataFolder::locate().unwrap();
        let published = super::published(&data).unwrap();
        let read = Cifar10.read(data.path()).unwrap();
        assert_eq!((published.training, published.test), (read.training, read.test));
        assert_eq!(published.digest, read.digest);
    }

    #[test]
    fn every_fault_is_named_with_the_remedy() {
        let fault = |damage: &dyn Fn(&Path)| {
            let folder = tempfile::tempdir().unwrap();
            set(folder.path());
            damage(folder.path());
            load(folder.path()).unwrap_err()
        };
        let write =
            |file: usize, bytes: Vec<u8>| move |folder: &Path| fs::write(folder.join(FILES[file]), &bytes).unwrap();
        let missing = fault(&|folder| fs::remove_file(folder.join(FILES[2])).unwrap());
        assert!(missing.contains("has no data_batch_3.bin; put all six files"), "{missing}");
        let empty = fault(&write(0, Vec::new()));
        assert!(empty.contains("data_batch_1.bin: is empty; fetch it anew"), "{empty}");
        let short = fault(&write(5, record(1, [0; 3])[1..].to_vec()));
        assert!(short.contains("test_batch.bin: ends within an image: 3072 bytes"), "{short}");
        let other = fault(&write(4, [record(1, [0; 3]), record(10, [0; 3])].concat()));
        assert!(other.contains("data_batch_5.bin: label 1 is 10; CIFAR-10 has 0 to 9"), "{other}");
        let folder = fault(&|folder| {
            fs::remove_file(folder.join(FILES[1])).unwrap();
            fs::create_dir(folder.join(FILES[1])).unwrap();
        });
        assert!(folder.contains("data_batch_2.bin: is a folder"), "{folder}");
        // The error for a folder of no known form mentions this form.
        let empty = tempfile::tempdir().unwrap();
        assert!(load(empty.path()).unwrap_err().contains("CIFAR-10's binary version (data_batch_1.bin, ...)"));
    }
}
