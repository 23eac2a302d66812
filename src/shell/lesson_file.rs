//! Lesson files of the reader's own, with the image files that lie beside them.

use lesson::{Parsed, Picture, PictureError, parse_bytes};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A lesson's file that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{file} can't be read: {cause}")]
pub struct Unreadable {
    file: String,
    cause: io::Error,
}

pub fn read(file: &str) -> Result<Parsed, Unreadable> {
    let bytes = fs::read(file).map_err(|cause| Unreadable { file: file.into(), cause })?;
    let (mut document, faults) = parse_bytes(file, &bytes);
    document.illustrate(|path| image(&beside(file, path)));
    Ok((document, faults))
}

/// Where an image lies that a lesson's file names.
pub fn beside(file: &str, image: &str) -> PathBuf {
    Path::new(file).parent().unwrap_or(Path::new("")).join(image)
}

/// The bytes of an image, as far as there may be any.
fn image(path: &Path) -> Result<Vec<u8>, PictureError> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => PictureError::Missing,
        _ => PictureError::Unreadable(error.to_string()),
    };
    // A pipe would keep its reader waiting.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(PictureError::Missing);
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(Picture::HEAVIEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}
