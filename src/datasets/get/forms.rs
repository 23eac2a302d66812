//! The three forms in which CIFAR-10 is passed on, each turned into the files of the binary version.

use super::{GetError, pickle, tree::Tree};
use crate::cifar10::{PLANE, RECORD};
use crate::{PublishedFile, PublishedSet};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Cursor, Read},
    path::Path,
};

/// How the six batches are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `data_batch_1.bin`: the files themselves.
    Binary,
    /// `data_batch_1`: pickled by Python 2.
    Python,
    /// `data_batch_1.png`: an image a row, all its pixels side by side; the labels apart in JSON.
    Png,
}

const FORMS: [Form; 3] = [Form::Binary, Form::Python, Form::Png];
/// The labels of the PNGs, as the package spells them.
const TRAINING_LABELS: &str = "train_lables.json";
const TEST_LABELS: &str = "test_lables.json";
/// A list of 50,000 digits takes a fifth of this.
const LARGEST_LABELS: u64 = 1 << 19;

impl Form {
    /// The name of a batch in this form.
    fn name(self, file: &PublishedFile) -> String {
        let stem = file.name.trim_end_matches(".bin");
        match self {
            Self::Binary => file.name.into(),
            Self::Python => stem.into(),
            Self::Png => format!("{stem}.png"),
        }
    }

    /// The names of all that the set needs.
    fn names(self, set: &PublishedSet) -> Vec<String> {
        let labels: &[&str] = if self == Self::Png { &[TRAINING_LABELS, TEST_LABELS] } else { &[] };
        set.files.iter().map(|file| self.name(file)).chain(labels.iter().map(|name| (*name).into())).collect()
    }
}

/// Takes a file of the set.
pub type Take<'a> = dyn FnMut(&PublishedFile, &[u8]) -> Result<(), GetError> + 'a;

/// Hands every file of the set on as it was published, after it has been compared.
pub fn read(set: &PublishedSet, tree: &Tree, path: &Path, take: &mut Take) -> Result<(), GetError> {
    // The labels of the PNGs may stand behind them.
    let (mut names, mut labels) = (BTreeSet::new(), BTreeMap::new());
    tree.each(&mut |name, bytes| {
        names.insert(name.to_owned());
        if name == TRAINING_LABELS || name == TEST_LABELS {
            labels.insert(name.to_owned(), bounded(bytes, LARGEST_LABELS, path, name)?);
        }
        Ok(())
    })?;
    let has_any = |form: &Form| set.files.iter().any(|file| names.contains(&form.name(file)));
    let unknown = || GetError::UnknownForm { path: path.to_owned(), title: set.title };
    let form = FORMS.into_iter().find(has_any).ok_or_else(unknown)?;
    let missing: Vec<String> = form.names(set).into_iter().filter(|name| !names.contains(name)).collect();
    if !missing.is_empty() {
        return Err(GetError::Incomplete { path: path.to_owned(), missing });
    }
    let labels = if form == Form::Png { all_labels(set, &labels, path)? } else { Vec::new() };
    tree.each(&mut |name, bytes| {
        let Some(at) = set.files.iter().position(|file| form.name(file) == name) else { return Ok(()) };
        let file = &set.files[at];
        let differs = |why: String| GetError::Differs { path: path.to_owned(), entry: name.into(), why };
        // No form takes more than the plain bytes and a little beside them.
        let read = bounded(bytes, file.bytes + file.bytes / 4 + (1 << 16), path, name)?;
        let plain = match form {
            Form::Binary => read,
            Form::Python => from_pickle(&read).map_err(differs)?,
            Form::Png => from_png(&read, &labels[at]).map_err(differs)?,
        };
        file.check(&plain).map_err(differs)?;
        take(file, &plain)
    })
}

/// All bytes, of which there may be no more than this.
fn bounded(bytes: &mut dyn Read, most: u64, path: &Path, name: &str) -> Result<Vec<u8>, GetError> {
    let mut read = Vec::new();
    bytes
        .take(most + 1)
        .read_to_end(&mut read)
        .map_err(|source| GetError::Unreadable { path: path.join(name), source })?;
    if read.len() as u64 > most {
        let why = format!("it has more than {most} bytes");
        return Err(GetError::Differs { path: path.to_owned(), entry: name.into(), why });
    }
    Ok(read)
}

/// The labels of each file: those of the training images one after the other, then those of the test images.
fn all_labels(set: &PublishedSet, read: &BTreeMap<String, Vec<u8>>, path: &Path) -> Result<Vec<Vec<u8>>, GetError> {
    let mut lists = Vec::new();
    for name in [TRAINING_LABELS, TEST_LABELS] {
        let differs = |why: String| GetError::Differs { path: path.to_owned(), entry: name.into(), why };
        let bytes = read.get(name).map_or(&[][..], Vec::as_slice);
        lists.push(serde_json::from_slice::<Vec<u8>>(bytes).map_err(|error| differs(error.to_string()))?);
    }
    let (test, training) = (lists.pop().unwrap_or_default(), lists.pop().unwrap_or_default());
    let images = |file: &PublishedFile| file.bytes as usize / RECORD;
    let (last, batches) =
        set.files.split_last().ok_or_else(|| GetError::UnknownForm { path: path.to_owned(), title: set.title })?;
    let expected: usize = batches.iter().map(images).sum();
    for (name, found, expected) in
        [(TRAINING_LABELS, training.len(), expected), (TEST_LABELS, test.len(), images(last))]
    {
        if found != expected {
            let why = format!("it has {found} labels, not {expected}");
            return Err(GetError::Differs { path: path.to_owned(), entry: name.into(), why });
        }
    }
    let mut rest = training.as_slice();
    let mut labels: Vec<Vec<u8>> = Vec::new();
    for batch in batches {
        let (own, others) = rest.split_at(images(batch));
        labels.push(own.to_owned());
        rest = others;
    }
    labels.push(test);
    Ok(labels)
}

/// Each row of the picture is an image, its pixels in the order of rows.
fn from_png(bytes: &[u8], labels: &[u8]) -> Result<Vec<u8>, String> {
    let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().map_err(|error| error.to_string())?;
    let info = reader.info();
    let (width, height) = (info.width as usize, info.height as usize);
    let is_plain = (info.color_type, info.bit_depth) == (png::ColorType::Rgb, png::BitDepth::Eight);
    // Checked before the pixels are decoded, because a header may promise gigabytes.
    if !is_plain || info.interlaced || (width, height) != (PLANE, labels.len()) {
        return Err(format!("it is not an RGB image of {PLANE}x{} pixels", labels.len()));
    }
    let mut plain = Vec::with_capacity(height * RECORD);
    for &label in labels {
        let row = reader.next_row().map_err(|error| error.to_string())?.ok_or("it ends before its last row")?;
        plain.push(label);
        for colour in 0..3 {
            plain.extend(row.data().iter().skip(colour).step_by(3));
        }
    }
    Ok(plain)
}

fn from_pickle(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let batch = pickle::read(bytes)?;
    if batch.pixels.len() != batch.labels.len() * (RECORD - 1) {
        return Err(format!("it has {} labels and {} bytes of pixels", batch.labels.len(), batch.pixels.len()));
    }
    let mut plain = Vec::with_capacity(batch.labels.len() * RECORD);
    for (label, pixels) in batch.labels.iter().zip(batch.pixels.chunks_exact(RECORD - 1)) {
        plain.push(*label);
        plain.extend_from_slice(pixels);
    }
    Ok(plain)
}
