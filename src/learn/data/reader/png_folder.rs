//! Reads folders of PNG images, one folder for each class.
//!
//! `train/CLASS/*.png` and `test/CLASS/*.png` contain a set that is split already. If there are neither, `CLASS/*.png`
//! is split 4 : 1 : 1 into training, validation and test, class by class: a class's files are ordered by a hash of
//! their names, the first two thirds are for training, half of the rest for validation, and the others for testing. A
//! file's split depends only on the names in its class, so it is the same on every machine, whatever the order of the
//! folder and whatever the pixels.
//!
//! The hash is the first eight bytes, big-endian, of the SHA-256 of the file's name. It also orders the images of a
//! split, so that a part of them is a fair sample of all classes.

use super::{CLASSES, Contents, ImageShape, LabelledImages, MOST_TEST, MOST_TRAINING, ReadError, Reader, SIDES};
use sha2::{Digest, Sha256};
use std::cmp::Ordering;
use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

/// The folders of a set that is split already.
const TRAIN: &str = "train";
const TEST: &str = "test";
/// More bytes than a PNG file with an image of the largest size has, unless it contains something else.
const LARGEST_FILE: u64 = 1 << 20;

/// What is wrong with a folder of images, and the remedy. Its `Display` is a whole sentence.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    #[error("{path}: can't be read ({source}); check the path and its permissions")]
    Unreadable { path: String, source: io::Error },
    #[error("{path}: its name is no text (UTF-8); rename it")]
    Name { path: String },
    #[error("{folder}: holds no PNG image; put those of each class into its folder, as 8-bit grey or RGB")]
    NoImages { folder: String },
    #[error("{folder}: is a class that {TRAIN} does not have; move its images, or add them to {TRAIN}")]
    NewClass { folder: String },
    #[error(
        "{folder}: has {TRAIN} and no {TEST}, or the other way round; add the missing folder, or keep the classes alone"
    )]
    HalfSplit { folder: String },
    #[error("{folder}: has {count} images of a class; at least 6 are needed to split them 4 : 1 : 1")]
    TooFew { folder: String, count: usize },
    #[error("{file}: is no PNG image, or damaged ({why}); export it anew")]
    Damaged { file: String, why: String },
    #[error("{file}: is larger than 1 MiB; export it as a plain PNG image")]
    TooLarge { file: String },
    #[error("{file}: is {found}; export it as 8-bit grey or RGB")]
    Form { file: String, found: String },
    #[error(
        "{file}: has {height}x{width} pixels; scale the images to sides of {} to {} pixels, all to one size",
        SIDES.start(), SIDES.end()
    )]
    Sides { file: String, height: usize, width: usize },
    #[error("{file}: has {found_height}x{found_width} pixels, {first} has {height}x{width}; scale them to one size")]
    OtherSize { file: String, first: String, height: usize, width: usize, found_height: usize, found_width: usize },
}

/// The reader.
pub struct PngFolder;

impl Reader for PngFolder {
    fn form(&self) -> String {
        format!("folders of PNG images: {TRAIN}/CLASS and {TEST}/CLASS, or CLASS alone")
    }

    fn recognises(&self, folder: &Path) -> bool {
        let holds_images = |folder: &Path| entries(folder).is_ok_and(|found| found.iter().any(Entry::is_image));
        let is_set = |folder: &Path| {
            class_folders(folder).is_ok_and(|found| found.iter().any(|class| holds_images(&class.path)))
        };
        is_set(&folder.join(TRAIN)) || is_set(&folder.join(TEST)) || is_set(folder)
    }

    fn check(&self, folder: &Path) -> Result<(), ReadError> {
        Listing::of(folder).map(drop)
    }

    fn read(&self, folder: &Path) -> Result<Contents, ReadError> {
        Listing::of(folder)?.read()
    }
}

/// An entry of a folder whose name does not begin with a dot.
struct Entry {
    name: String,
    path: PathBuf,
    is_folder: bool,
}

impl Entry {
    fn is_image(&self) -> bool {
        !self.is_folder && Path::new(&self.name).extension().is_some_and(|end| end.eq_ignore_ascii_case("png"))
    }
}

/// A folder's entries, in the order of their names.
fn entries(folder: &Path) -> Result<Vec<Entry>, PngError> {
    let unreadable = |source| PngError::Unreadable { path: folder.display().to_string(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let Some(name) = path.file_name().unwrap_or_default().to_str().map(str::to_owned) else {
            return Err(PngError::Name { path: path.display().to_string() });
        };
        if !name.starts_with('.') {
            // Links are followed, as a set may consist of them.
            found.push(Entry { name, is_folder: path.is_dir(), path });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The folders in a folder, ordered by number if all names are numbers, so that the digit 10 does not come before 2.
fn class_folders(folder: &Path) -> Result<Vec<Entry>, PngError> {
    let mut folders: Vec<Entry> = entries(folder)?.into_iter().filter(|entry| entry.is_folder).collect();
    let numbers: Option<Vec<u64>> = folders.iter().map(|entry| entry.name.parse().ok()).collect();
    if numbers.is_some() {
        folders.sort_by_key(|entry| entry.name.parse::<u64>().ok());
    }
    Ok(folders)
}

/// A file of a set.
struct ImageFile {
    path: PathBuf,
    hash: u64,
    label: u8,
}

impl ImageFile {
    /// By hash, and by path if two names are the same.
    fn order(&self, other: &Self) -> Ordering {
        self.hash.cmp(&other.hash).then_with(|| self.path.cmp(&other.path))
    }
}

fn hash(name: &str) -> u64 {
    let digest = Sha256::digest(name);
    u64::from_be_bytes(std::array::from_fn(|at| digest[at]))
}

/// The images of a class folder, ordered by the hash of their names.
fn images_of(class: &Entry, label: usize) -> Result<Vec<ImageFile>, PngError> {
    let images = entries(&class.path)?.into_iter().filter(Entry::is_image);
    let mut files: Vec<ImageFile> =
        images.map(|entry| ImageFile { hash: hash(&entry.name), path: entry.path, label: label as u8 }).collect();
    files.sort_by(ImageFile::order);
    Ok(files)
}

/// The files of a set, before any is opened.
struct Listing {
    classes: Vec<String>,
    /// By class.
    training: Vec<Vec<ImageFile>>,
    /// By class; none if the set does not say which images are for validation.
    validation: Vec<Vec<ImageFile>>,
    test: Vec<Vec<ImageFile>>,
}

impl Listing {
    fn of(folder: &Path) -> Result<Self, ReadError> {
        let parts = [TRAIN, TEST].map(|part| folder.join(part));
        let listing = match parts.each_ref().map(|part| part.is_dir()) {
            [true, true] => Self::split_already(&parts[0], &parts[1])?,
            [false, false] => Self::split_by_hash(folder)?,
            _ => return Err(PngError::HalfSplit { folder: folder.display().to_string() }.into()),
        };
        if listing.training.iter().all(Vec::is_empty) || listing.test.iter().all(Vec::is_empty) {
            return Err(PngError::NoImages { folder: folder.display().to_string() }.into());
        }
        Ok(listing)
    }

    fn split_already(train: &Path, test: &Path) -> Result<Self, ReadError> {
        let classes = class_folders(train)?;
        check_classes(train, classes.len())?;
        let mut training = Vec::new();
        for (label, class) in classes.iter().enumerate() {
            let images = images_of(class, label)?;
            if images.is_empty() {
                return Err(PngError::NoImages { folder: class.path.display().to_string() }.into());
            }
            training.push(images);
        }
        let mut tests: Vec<Vec<ImageFile>> = classes.iter().map(|_| Vec::new()).collect();
        for class in class_folders(test)? {
            let Some(label) = classes.iter().position(|known| known.name == class.name) else {
                return Err(PngError::NewClass { folder: class.path.display().to_string() }.into());
            };
            tests[label] = images_of(&class, label)?;
        }
        let classes = classes.into_iter().map(|class| class.name).collect();
        Ok(Self { classes, training, validation: Vec::new(), test: tests })
    }

    fn split_by_hash(folder: &Path) -> Result<Self, ReadError> {
        let mut found = Vec::new();
        for class in class_folders(folder)? {
            // A folder without images, for example of notes, is no class.
            let images = images_of(&class, found.len().min(usize::from(u8::MAX)))?;
            if !images.is_empty() {
                found.push((class, images));
            }
        }
        check_classes(folder, found.len())?;
        let mut listing = Self { classes: Vec::new(), training: Vec::new(), validation: Vec::new(), test: Vec::new() };
        for (class, mut images) in found {
            let sixth = images.len() / 6;
            if sixth == 0 {
                let folder = class.path.display().to_string();
                return Err(PngError::TooFew { folder, count: images.len() }.into());
            }
            listing.classes.push(class.name);
            listing.test.push(images.split_off(images.len() - sixth));
            listing.validation.push(images.split_off(images.len() - sixth));
            listing.training.push(images);
        }
        Ok(listing)
    }

    fn read(self) -> Result<Contents, ReadError> {
        // If there are too many images, each class keeps the same share.
        let count = |part: &[Vec<ImageFile>]| part.iter().map(Vec::len).sum::<usize>();
        let share = |most: usize, all: usize| (most as f64 / all.max(1) as f64).min(1.0);
        let (train, val) = (count(&self.training), count(&self.validation));
        let most = share(MOST_TRAINING, train + val);
        let most_test = share(MOST_TEST, count(&self.test));
        let (training, validation) = (select(self.training, most), select(self.validation, most));
        let test = select(self.test, most_test);

        let mut images = Pictures::default();
        let mut hasher = Sha256::new();
        let validation_count = validation.len() as u32;
        let mut read = |files: &[ImageFile]| -> Result<Vec<u8>, PngError> {
            for file in files {
                let bytes = images.read(&file.path)?;
                // With its length and its class, so that no two sets have the same digest.
                hasher.update((bytes.len() as u64).to_le_bytes());
                hasher.update([file.label]);
                hasher.update(bytes);
            }
            Ok(files.iter().map(|file| file.label).collect())
        };
        let mut labels = read(&training)?;
        labels.extend(read(&validation)?);
        let test_labels = read(&test)?;
        let digest = mnist::hex(&hasher.finalize());
        let (shape, mut pixels) = images.finish();
        let test_pixels = pixels.split_off(labels.len() * shape.len());
        Ok(Contents {
            shape,
            classes: self.classes,
            training: LabelledImages { pixels, labels },
            validation: (validation_count > 0).then_some(validation_count),
            test: LabelledImages { pixels: test_pixels, labels: test_labels },
            digest,
        })
    }
}

fn check_classes(folder: &Path, count: usize) -> Result<(), ReadError> {
    if CLASSES.contains(&count) {
        return Ok(());
    }
    let found = if count == 1 { "a folder of one class".into() } else { format!("folders of {count} classes") };
    Err(ReadError::Classes { file: folder.display().to_string(), found })
}

/// This share of each class, at least one image, with all classes mixed in the order of their hashes.
fn select(classes: Vec<Vec<ImageFile>>, share: f64) -> Vec<ImageFile> {
    let keep = |count: usize| ((count as f64 * share) as usize).max(1);
    let mut files: Vec<ImageFile> = classes
        .into_iter()
        .flat_map(|class| {
            let count = keep(class.len());
            class.into_iter().take(count)
        })
        .collect();
    files.sort_by(ImageFile::order);
    files
}

/// Images one after the other, as they are decoded.
#[derive(Default)]
struct Pictures {
    /// The first file and its size, which all others must have.
    first: Option<(String, usize, usize)>,
    /// 1 until the first colour image.
    channels: usize,
    pixels: Vec<u8>,
}

impl Pictures {
    /// Decodes one more image. Returns the file's bytes.
    fn read(&mut self, path: &Path) -> Result<Vec<u8>, PngError> {
        let file = path.display().to_string();
        let bytes = read_bounded(path)?;
        let damaged = |error: png::DecodingError| PngError::Damaged { file: file.clone(), why: error.to_string() };
        let mut reader = png::Decoder::new(Cursor::new(&bytes)).read_info().map_err(damaged)?;
        let info = reader.info();
        let (height, width) = (info.height as usize, info.width as usize);
        let (depth, colours) = (info.bit_depth, info.color_type);
        // Checked before the pixels are decoded, because a header may promise gigabytes.
        match &self.first {
            None if !SIDES.contains(&height) || !SIDES.contains(&width) => {
                return Err(PngError::Sides { file, height, width });
            }
            None => self.first = Some((file.clone(), height, width)),
            Some((first, h, w)) if (*h, *w) != (height, width) => {
                return Err(PngError::OtherSize {
                    file,
                    first: first.clone(),
                    height: *h,
                    width: *w,
                    found_height: height,
                    found_width: width,
                });
            }
            Some(_) => {}
        }
        let form = |found: &str| PngError::Form { file: file.clone(), found: found.into() };
        if depth != png::BitDepth::Eight {
            return Err(form(&format!("of {} bits a channel", depth as u8)));
        }
        let samples = match colours {
            png::ColorType::Indexed => return Err(form("an image with a palette")),
            _ => colours.samples(),
        };
        let mut decoded = vec![0; height * width * samples];
        reader.next_frame(&mut decoded).map_err(damaged)?;
        self.push(&decoded, samples);
        Ok(bytes)
    }

    /// Adds an image of grey, grey and alpha, RGB, or RGB and alpha.
    fn push(&mut self, decoded: &[u8], samples: usize) {
        let colours = if samples < 3 { 1 } else { 3 };
        if self.channels == 1 && colours == 3 {
            // Earlier grey images are repeated in three channels.
            self.pixels = self.pixels.iter().flat_map(|&grey| [grey; 3]).collect();
        }
        self.channels = self.channels.max(colours);
        for pixel in decoded.chunks_exact(samples) {
            let (colour, alpha) = pixel.split_at(colours);
            // Transparency shows black, the colour of every image's border.
            let over_black = |value: u8| match alpha {
                [alpha] => ((u32::from(value) * u32::from(*alpha) + 127) / 255) as u8,
                _ => value,
            };
            for channel in 0..self.channels {
                self.pixels.push(over_black(colour[channel.min(colours - 1)]));
            }
        }
    }

    fn finish(self) -> (ImageShape, Vec<u8>) {
        let (height, width) = self.first.map_or((0, 0), |(_, height, width)| (height, width));
        (ImageShape { channels: self.channels, height, width }, self.pixels)
    }
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, PngError> {
    let file = || path.display().to_string();
    let unreadable = |source| PngError::Unreadable { path: file(), source };
    // Opening a pipe would block.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(PngError::Damaged { file: file(), why: "it is a pipe or a device".into() });
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(PngError::TooLarge { file: file() });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dataset;
    use protocol::DataSource;
    use std::collections::BTreeSet;

    /// Writes an image whose pixels all are `pixel`.
    fn write(path: &Path, (height, width): (u32, u32), colours: png::ColorType, depth: png::BitDepth, pixel: &[u8]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut encoder = png::Encoder::new(File::create(path).unwrap(), width, height);
        encoder.set_color(colours);
        encoder.set_depth(depth);
        if colours == png::ColorType::Indexed {
            encoder.set_palette(vec![0_u8, 0, 0, 255, 255, 255]);
        }
        encoder.write_header().unwrap().write_image_data(&pixel.repeat((height * width) as usize)).unwrap();
    }

    fn grey(path: &Path, value: u8) {
        write(path, (9, 8), png::ColorType::Grayscale, png::BitDepth::Eight, &[value]);
    }

    fn load(folder: &Path) -> Result<Dataset, String> {
        let source = DataSource::Folder(folder.to_owned());
        Dataset::is_there(&source).and_then(|()| Dataset::load(&source)).map_err(|error| error.to_string())
    }

    /// Twelve images of each of two classes, split 8 : 2 : 2, each used once, and the same again.
    #[test]
    fn classes_are_split_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        for (class, name) in ["cat", "dog"].into_iter().enumerate() {
            for number in 0..12 {
                grey(&folder.path().join(name).join(format!("{number}.png")), (20 * class + number) as u8);
            }
        }
        fs::create_dir(folder.path().join("notes")).unwrap();
        fs::write(folder.path().join("cat/readme.txt"), "twelve cats").unwrap();
        let data = load(folder.path()).unwrap();
        assert_eq!(data.classes(), ["cat", "dog"]);
        assert_eq!(data.shape(), ImageShape { channels: 1, height: 9, width: 8 });
        let sizes = data.split_sizes();
        assert_eq!((sizes.train, sizes.val, data.test().len()), (16, 4, 4));
        let value = |split: &crate::Split, at: i64| split.pixels()[at as usize * 72];
        let mut seen = BTreeSet::new();
        for (split, start, length) in [(data.training(), 0, 16), (data.training(), 16, 4), (data.test(), 0, 4)] {
            let mut of_class = [0; 2];
            for at in start..start + length {
                let label = split.labels.int64_value(&[at]);
                of_class[label as usize] += 1;
                assert_eq!(i64::from(value(split, at) / 20), label);
                seen.insert(value(split, at));
            }
            assert_eq!(of_class, [length / 2; 2]);
        }
        assert_eq!(seen.len(), 24);
        let again = load(folder.path()).unwrap();
        assert_eq!((again.digest(), again.training().pixels()), (data.digest(), data.training().pixels()));
        // The hash is fixed: the first bytes of the name's SHA-256.
        assert_eq!(hash("0.png"), 0x0f25_cc56_a524_8aca);
    }

    #[test]
    fn a_set_that_is_split_keeps_its_split() {
        let folder = tempfile::tempdir().unwrap();
        for class in ["2", "10"] {
            for (part, count) in [("train", 5), ("test", 2)] {
                for number in 0..count {
                    grey(&folder.path().join(part).join(class).join(format!("{number}.PNG")), class.parse().unwrap());
                }
            }
        }
        let data = load(folder.path()).unwrap();
        assert_eq!(data.classes(), ["2", "10"]);
        assert_eq!((data.training().len(), data.test().len()), (10, 4));
        assert_eq!((data.split_sizes().train, data.split_sizes().val), (9, 1));
        for at in 0..10 {
            let label = data.training().labels.int64_value(&[at]);
            assert_eq!(data.training().pixels()[at as usize * 72], [2, 10][label as usize]);
        }
        grey(&folder.path().join("test/3/0.png"), 3);
        let why = load(folder.path()).unwrap_err();
        assert!(why.contains("test/3: is a class that train does not have"), "{why}");
        fs::remove_dir_all(folder.path().join("test")).unwrap();
        assert!(load(folder.path()).unwrap_err().contains("train and no test"));
    }

    /// Of a set that is too large each class keeps the same share, and the classes stay mixed.
    #[test]
    fn a_part_of_a_large_set_has_all_of_its_classes() {
        let class = |label: u8, count: u64| {
            let file =
                |at: u64| ImageFile { path: format!("{label}/{at}").into(), hash: 2 * at + u64::from(label), label };
            (0..count).map(file).collect::<Vec<_>>()
        };
        let labels: Vec<u8> = select(vec![class(0, 6), class(1, 4)], 0.5).iter().map(|file| file.label).collect();
        assert_eq!(labels, [0, 1, 0, 1, 0]);
        assert_eq!(select(vec![class(0, 6), class(1, 1)], 0.1).len(), 2);
    }

    /// Grey images beside colour images become colour images, and transparent pixels black.
    #[test]
    fn grey_and_colour_and_transparency_mix() {
        use png::{BitDepth::Eight, ColorType};
        let folder = tempfile::tempdir().unwrap();
        let images: [(&str, ColorType, &[u8], [u8; 3]); 4] = [
            ("a/grey", ColorType::Grayscale, &[7], [7, 7, 7]),
            ("a/alpha", ColorType::GrayscaleAlpha, &[100, 128], [50, 50, 50]),
            ("b/rgb", ColorType::Rgb, &[1, 2, 3], [1, 2, 3]),
            ("b/rgba", ColorType::Rgba, &[255, 10, 20, 0], [0, 0, 0]),
        ];
        for part in ["train", "test"] {
            for (name, colours, pixel, _) in images {
                write(&folder.path().join(part).join(format!("{name}.png")), (8, 8), colours, Eight, pixel);
            }
        }
        let data = load(folder.path()).unwrap();
        assert_eq!(data.shape(), ImageShape { channels: 3, height: 8, width: 8 });
        let found: BTreeSet<&[u8]> = data.training().pixels().chunks(192).map(|image| &image[..3]).collect();
        assert_eq!(found, images.iter().map(|(.., pixel)| &pixel[..]).collect());
    }

    #[test]
    fn what_can_not_be_read_is_named_with_the_remedy() {
        use png::{BitDepth, ColorType};
        let check = |name: &str, make: &dyn Fn(&Path), expected: &str| {
            let folder = tempfile::tempdir().unwrap();
            for class in ["a", "b"] {
                for number in 0..6 {
                    grey(&folder.path().join(class).join(format!("{number}.png")), 1);
                }
            }
            make(&folder.path().join(name));
            let why = load(folder.path()).unwrap_err();
            assert!(why.contains(expected) && (why.contains(name) || why.contains("/c:")), "{why}");
        };
        let form = |colours, depth, pixel: &'static [u8]| move |path: &Path| write(path, (9, 8), colours, depth, pixel);
        check("a/1.png", &form(ColorType::Grayscale, BitDepth::Sixteen, &[1, 1]), "of 16 bits a channel; export it as");
        check("a/1.png", &form(ColorType::Indexed, BitDepth::Eight, &[1]), "a palette; export it as 8-bit");
        check("b/5.png", &|path| fs::write(path, "GIF89a").unwrap(), "no PNG image, or damaged");
        check("b/5.png", &|path| fs::write(path, vec![0; (1 << 20) + 1]).unwrap(), "larger than 1 MiB");
        let cut = |path: &Path| {
            let whole = fs::read(path).unwrap();
            fs::write(path, &whole[..whole.len() - 20]).unwrap();
        };
        check("b/3.png", &cut, "damaged");
        let wide = |path: &Path| write(path, (9, 9), ColorType::Grayscale, BitDepth::Eight, &[1]);
        check("a/2.png", &wide, "scale them to one size");
        check("c/0.png", &|path| grey(path, 1), "at least 6 are needed");
        let one = tempfile::tempdir().unwrap();
        for number in 0..6 {
            write(&one.path().join(format!("a/{number}.png")), (8, 65), ColorType::Grayscale, BitDepth::Eight, &[1]);
        }
        assert!(load(one.path()).unwrap_err().contains("a folder of one class; a data set needs 2 to 100 classes"));
        fs::rename(one.path().join("a"), one.path().join("b")).unwrap();
        for number in 0..6 {
            write(&one.path().join(format!("a/{number}.png")), (8, 65), ColorType::Grayscale, BitDepth::Eight, &[1]);
        }
        assert!(load(one.path()).unwrap_err().contains("has 8x65 pixels; scale the images to sides of 8 to 64 pixels"));
    }
}
