//! Reads a folder with four IDX files, and finds them under the names of all public archives and loaders.
//!
//! `LeCun`'s own names are `train-images-idx3-ubyte` and so on. Kaggle's archive has a dot before `idx3`, and also
//! folders named like the files, each with its file inside; NIST's EMNIST has `test` where the others have `t10k`, with
//! the set's name in front, and all of its sets in one archive; torchvision keeps the files in `MNIST/raw`, Keras in
//! `fashion-mnist`, each beneath the folder that its user names. Any of them may end in `.gz`, and a copy through
//! another system may change letter case.

use super::idx::{self, IdxError, Images, Labels};
use super::{CLASSES, Contents, ImageShape, LabelledImages, MOST_TEST, MOST_TRAINING, ReadError, Reader, forms};
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// `LeCun`'s names of the four files, in the order in which a data set has them.
fn names() -> [&'static str; 4] {
    mnist::FILES.each_ref().map(|file| file.name)
}

/// Folders in which loaders keep a set beneath the given folder, ignoring letter case and hyphens.
const SETS: [&str; 7] = ["mnist", "fashionmnist", "kmnist", "emnist", "mnistdata", "mnistdataset", "data"];
/// The same one level further down.
const RAW: &str = "raw";
/// Prefixes of the names in EMNIST's archives, one for each of its sets.
const PREFIXES: [&str; 6] =
    ["emnist-mnist-", "emnist-digits-", "emnist-letters-", "emnist-balanced-", "emnist-byclass-", "emnist-bymerge-"];

/// The reader.
pub struct IdxFolder;

impl Reader for IdxFolder {
    fn form(&self) -> String {
        format!("the four MNIST files {}, each also with .idx for -idx, with .gz, or in MNIST/raw", names().join(", "))
    }

    fn recognises(&self, folder: &Path) -> bool {
        // Several sets are an error, but they are IDX files.
        !matches!(find(folder), Err(FolderError::Missing { .. } | FolderError::Unreadable { .. }))
    }

    fn check(&self, folder: &Path) -> Result<(), ReadError> {
        for file in find(folder)? {
            idx::check_kind(&file)?;
        }
        Ok(())
    }

    fn read(&self, folder: &Path) -> Result<Contents, ReadError> {
        let read = |path: &Path, most| Ok::<_, IdxError>((path.display().to_string(), idx::read_file(path, most)?));
        let [train_images, train_labels, test_images, test_labels] = find(folder)?;
        contents(&[
            read(&train_images, MOST_TRAINING)?,
            read(&train_labels, MOST_TRAINING)?,
            read(&test_images, MOST_TEST)?,
            read(&test_labels, MOST_TEST)?,
        ])
    }
}

/// Parses the four files, each with its name: training images and labels, test images and labels.
pub fn contents(files: &[(String, Vec<u8>); 4]) -> Result<Contents, ReadError> {
    let [train_images, train_labels, test_images, test_labels] = files;
    let (training, classes) = split("training", train_images, train_labels, MOST_TRAINING)?;
    let (test, test_classes) = split("test", test_images, test_labels, MOST_TEST)?;
    if training.shape != test.shape {
        return Err(ReadError::OtherShape { training: training.shape, test: test.shape });
    }
    // A class may be missing among the test images, but must not be new there, as it could not be learned.
    if test_classes > classes {
        let found = format!("the label {}, which no training image has", test_classes - 1);
        return Err(ReadError::Classes { file: test_labels.0.clone(), found });
    }
    if !CLASSES.contains(&classes) {
        let found = format!("no label but {}", classes - 1);
        return Err(ReadError::Classes { file: train_labels.0.clone(), found });
    }
    let mut hasher = Sha256::new();
    for (_, plain) in files {
        hasher.update(plain);
    }
    Ok(Contents {
        shape: training.shape,
        classes: (0..classes).map(|class| class.to_string()).collect(),
        training: training.images,
        validation: None,
        test: test.images,
        digest: mnist::hex(&hasher.finalize()),
    })
}

struct IdxSplit {
    shape: ImageShape,
    images: LabelledImages,
}

/// An image file with its labels, and the number of classes: the largest label plus one.
fn split(
    which: &'static str,
    (image_file, images): &(String, Vec<u8>),
    (label_file, labels): &(String, Vec<u8>),
    most: usize,
) -> Result<(IdxSplit, usize), ReadError> {
    let images = Images::parse(image_file, images, most)?;
    let Labels(labels) = Labels::parse(label_file, labels, most)?;
    if images.count() != labels.len() {
        return Err(ReadError::Mismatch { which, images: images.count(), labels: labels.len() });
    }
    let classes = labels.iter().max().map_or(0, |&label| usize::from(label) + 1);
    let Images { shape, pixels } = images;
    Ok((IdxSplit { shape, images: LabelledImages { pixels, labels } }, classes))
}

/// Why a folder has no data set.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("{folder}: can't be read ({source}); check the path and its permissions")]
    Unreadable { folder: String, source: io::Error },
    #[error("{folder}: has no {}; --data needs {}; {found}", .missing.join(", no "), forms())]
    Missing { folder: String, missing: Vec<&'static str>, found: String },
    #[error("{folder}: holds several data sets ({}); give the folder of one of them, or put one into its own", .sets.join(", "))]
    Several { folder: String, sets: Vec<String> },
}

/// Finds the four files: in the folder itself, else in the one folder beneath it where a loader keeps them.
pub fn find(folder: &Path) -> Result<[PathBuf; 4], FolderError> {
    let unreadable = |source| FolderError::Unreadable { folder: folder.display().to_string(), source };
    let here = Listing::of(folder).map_err(unreadable)?;
    let mut sets = here.sets();
    if sets.is_empty() {
        let mut beneath = here.set_folders();
        let sub_folders = beneath.iter().filter_map(|set| Listing::of(set).ok()).flat_map(|set| set.folders(&[RAW]));
        beneath.extend(sub_folders.collect::<Vec<_>>());
        for path in beneath {
            let found = Listing::of(&path).map(|set| set.sets()).unwrap_or_default();
            let path = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            sets.extend(found.into_iter().map(|(name, files)| (format!("{path}{name}"), files)));
        }
    }
    let folder = folder.display().to_string();
    match sets.len() {
        0 => {
            let missing = names().into_iter().filter(|file| here.file("", file).is_none()).collect();
            Err(FolderError::Missing { folder, missing, found: here.in_words() })
        }
        1 => Ok(sets.remove(0).1),
        _ => Err(FolderError::Several { folder, sets: sets.into_iter().map(|(name, _)| name).collect() }),
    }
}

/// The contents of a folder.
struct Listing {
    folder: PathBuf,
    /// In the order of their names, so that a choice among several is the same everywhere.
    names: Vec<String>,
}

impl Listing {
    fn of(folder: &Path) -> io::Result<Self> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            // A name that is not valid Unicode is none of those that are looked for.
            names.extend(entry?.file_name().into_string());
        }
        names.sort();
        Ok(Self { folder: folder.to_owned(), names })
    }

    /// The sets in this folder: the one under the plain names, or those of EMNIST's archives, each with its
    /// distinguishing prefix.
    fn sets(&self) -> Vec<(String, [PathBuf; 4])> {
        let set = |prefix: &str| {
            let [a, b, c, d] = names().map(|file| self.file(prefix, file));
            Some([a?, b?, c?, d?])
        };
        if let Some(files) = set("") {
            return vec![(String::new(), files)];
        }
        let emnist =
            PREFIXES.iter().filter_map(|prefix| Some((format!("/{}", prefix.trim_end_matches('-')), set(prefix)?)));
        emnist.collect()
    }

    /// The file for one of the four names; the plainest name is preferred. A folder with the file's name may contain
    /// it.
    fn file(&self, prefix: &str, file: &str) -> Option<PathBuf> {
        let mut found: Vec<&String> = self.names.iter().filter(|name| means(name, prefix, file)).collect();
        found.sort_by_key(|name| (name.as_str() != file, is_gzip(name), name.len()));
        let (folders, files): (Vec<_>, Vec<_>) =
            found.into_iter().map(|name| self.folder.join(name)).partition(|path| path.is_dir());
        let within = |folder: &PathBuf| {
            let listing = Self::of(folder).ok()?;
            let names = listing.names.iter().filter(|name| means(name, prefix, file));
            names.map(|name| folder.join(name)).find(|path| !path.is_dir())
        };
        files.into_iter().next().or_else(|| folders.iter().find_map(within))
    }

    fn set_folders(&self) -> Vec<PathBuf> {
        let mut folders = self.folders(&SETS);
        folders.extend(self.folders(&[RAW]));
        folders
    }

    fn folders(&self, wanted: &[&str]) -> Vec<PathBuf> {
        let bare = |name: &str| name.to_lowercase().replace(['-', '_', ' '], "");
        let named = self.names.iter().filter(|name| wanted.contains(&bare(name).as_str()));
        named.map(|name| self.folder.join(name)).filter(|path| path.is_dir()).collect()
    }

    /// The contents of the folder, for an error that says what was found.
    fn in_words(&self) -> String {
        const MAX_LISTED: usize = 8;
        let listed = self.names.iter().take(MAX_LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
        match self.names.len() {
            0 => "the folder is empty".into(),
            count if count > MAX_LISTED => format!("there are {listed} and {} more", count - MAX_LISTED),
            _ => format!("there is {listed}"),
        }
    }
}

/// Whether a file of this name is `LeCun`'s `file`, after a prefix. Colour images have four dimensions instead of
/// three.
fn means(name: &str, prefix: &str, file: &str) -> bool {
    let plain = name.to_lowercase().replace(['.', '_'], "-").replace("-idx4-", "-idx3-");
    let plain = plain.strip_suffix("-gz").unwrap_or(&plain);
    let Some(plain) = plain.strip_prefix(prefix) else { return false };
    plain == file || plain.strip_prefix("test-").is_some_and(|rest| file.strip_prefix("t10k-") == Some(rest))
}

fn is_gzip(name: &str) -> bool {
    name.len() > 3 && name.to_lowercase().ends_with(".gz")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes these files and finds the four; paths from the folder.
    fn found(files: &[&str]) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let paths = find(folder.path()).map_err(|error| error.to_string())?;
        Ok(paths.iter().map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string()).collect())
    }

    fn all(name: impl Fn(&'static str) -> String) -> Vec<String> {
        names().into_iter().map(name).collect()
    }

    #[test]
    fn every_public_spelling_is_found() {
        let spellings: [&dyn Fn(&str) -> String; 17] = [
            &|file| file.into(),
            &|file| format!("{file}.gz"),
            &|file| file.replace("-idx", ".idx"),
            &|file| format!("{}.gz", file.replace("-idx", ".idx")),
            &|file| file.replace('-', "_"),
            &|file| file.to_uppercase(),
            &|file| format!("{}.GZ", file.to_uppercase()),
            &|file| file.replace("t10k", "test"),
            &|file| format!("emnist-digits-{}.gz", file.replace("t10k", "test")),
            &|file| format!("EMNIST/raw/emnist-letters-{}", file.replace("t10k", "test")),
            &|file| file.replace("idx3", "idx4"),
            &|file| format!("MNIST/raw/{file}"),
            &|file| format!("FashionMNIST/raw/{file}.gz"),
            &|file| format!("fashion-mnist/{file}.gz"),
            &|file| format!("raw/{file}"),
            &|file| format!("{file}/{file}"),
            &|file| format!("{}/{file}", file.replace("-idx", ".idx")),
        ];
        for spelling in spellings {
            let files = all(spelling);
            assert_eq!(found(&files.iter().map(String::as_str).collect::<Vec<_>>()).as_ref(), Ok(&files));
        }
    }

    #[test]
    fn of_several_the_plainest_is_taken() {
        let both = [all(|file| format!("{file}.gz")), all(String::from), all(|file| file.replace("-idx", ".idx"))];
        let both: Vec<&str> = both.iter().flatten().map(String::as_str).collect();
        assert_eq!(found(&both), Ok(all(String::from)));
        // Kaggle's archive: files, and folders named like them with the files again.
        let kaggle = [all(|file| file.replace("-idx", ".idx")), all(|file| format!("{file}/{file}"))];
        let kaggle: Vec<&str> = kaggle.iter().flatten().map(String::as_str).collect();
        assert_eq!(found(&kaggle), Ok(all(|file| file.replace("-idx", ".idx"))));
        // A set below the given folder is ignored if the folder has its own.
        let below = [all(|file| format!("MNIST/raw/{file}")), all(String::from)];
        let below: Vec<&str> = below.iter().flatten().map(String::as_str).collect();
        assert_eq!(found(&below), Ok(all(String::from)));
    }

    #[test]
    fn what_is_missing_is_named_with_what_was_looked_for() {
        let why = found(&["train-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz", "notes.txt"]).unwrap_err();
        assert!(why.contains("has no train-labels-idx1-ubyte, no t10k-labels-idx1-ubyte;"), "{why}");
        assert!(why.contains("MNIST/raw") && why.contains("notes.txt"), "{why}");
        let sets = [all(|file| format!("MNIST/raw/{file}")), all(|file| format!("KMNIST/raw/{file}"))];
        let why = found(&sets.iter().flatten().map(String::as_str).collect::<Vec<_>>()).unwrap_err();
        assert!(why.contains("several data sets (KMNIST/raw, MNIST/raw)"), "{why}");
        let emnist =
            ["digits", "letters"].map(|set| all(|file| format!("emnist-{set}-{}.gz", file.replace("t10k", "test"))));
        let why = found(&emnist.iter().flatten().map(String::as_str).collect::<Vec<_>>()).unwrap_err();
        assert!(why.contains("several data sets (/emnist-digits, /emnist-letters)"), "{why}");
        assert!(found(&[]).unwrap_err().contains("the folder is empty"));
        // Half of a set in each of two folders is no set.
        let halves = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "raw/t10k-images-idx3-ubyte"];
        assert!(found(&halves).unwrap_err().contains("no t10k-images-idx3-ubyte"));
    }

    fn idx(magic: u32, sizes: &[u32], body: &[u8]) -> Vec<u8> {
        [magic].iter().chain(sizes).flat_map(|word| word.to_be_bytes()).chain(body.iter().copied()).collect()
    }

    /// Training images of 8x9, test images of this shape, with these labels.
    fn set(train: &[u8], test: &[u8], test_sides: [u32; 2]) -> Result<Contents, String> {
        let images = |labels: &[u8], [rows, columns]: [u32; 2]| {
            let pixels = vec![7; labels.len() * (rows * columns) as usize];
            idx(0x0803, &[labels.len() as u32, rows, columns], &pixels)
        };
        let labels = |labels: &[u8]| idx(0x0801, &[labels.len() as u32], labels);
        let files = [images(train, [8, 9]), labels(train), images(test, test_sides), labels(test)];
        let mut named = names().into_iter().zip(files).map(|(name, bytes)| (name.to_owned(), bytes));
        let files = std::array::from_fn(|_| named.next().unwrap());
        contents(&files).map_err(|error| error.to_string())
    }

    #[test]
    fn sizes_and_classes_are_as_found() {
        let found = set(&[1, 26, 3], &[26], [8, 9]).unwrap();
        assert_eq!(found.shape, ImageShape { channels: 1, height: 8, width: 9 });
        assert_eq!((found.classes.len(), found.classes[26].as_str()), (27, "26"));
        let why = set(&[0, 1], &[1], [9, 8]).unwrap_err();
        assert!(why.contains("training images are 8x9 grey, the test images 9x8 grey"), "{why}");
        let why = set(&[0, 1], &[2], [8, 9]).unwrap_err();
        assert!(why.contains("t10k-labels-idx1-ubyte: has the label 2, which no training image has"), "{why}");
        let why = set(&[0, 0], &[0], [8, 9]).unwrap_err();
        assert!(why.contains("has no label but 0; a data set needs 2 to 100 classes"), "{why}");
    }
}
