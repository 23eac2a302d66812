//! Reads lesson files of the reader's own, with the image files beside them.

use lesson::{Parsed, Picture, PictureError, parse_bytes};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Why a lesson's file can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{file} can't be read: {cause}")]
pub struct Unreadable {
    file: String,
    cause: io::Error,
}

/// Reads and parses a lesson file and decodes its images.
pub fn read(file: &str) -> Result<Parsed, Unreadable> {
    let bytes = fs::read(file).map_err(|cause| Unreadable { file: file.into(), cause })?;
    let (mut document, faults) = parse_bytes(file, &bytes);
    document.load_pictures(|path| read_image(&image_path(file, path)));
    Ok((document, faults))
}

/// The path of an image that a lesson's file names.
pub fn image_path(file: &str, image: &str) -> PathBuf {
    Path::new(file).parent().unwrap_or(Path::new("")).join(image)
}

/// Reads an image file, up to the largest size that is accepted.
fn read_image(path: &Path) -> Result<Vec<u8>, PictureError> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => PictureError::Missing,
        _ => PictureError::Unreadable(error.to_string()),
    };
    // A read from a pipe would block.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(PictureError::Missing);
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(Picture::MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}
