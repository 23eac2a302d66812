//! The MNIST inside the program.

use super::dataset::DataError;
use super::reader::{Contents, idx_folder};
use mnist::UnpackError;

/// Unpacks and reads it.
pub fn read() -> Result<Contents, DataError> {
    let unpack = |file: &mnist::Embedded| Ok::<_, UnpackError>((file.name.to_string(), file.unpack()?));
    let [train_images, train_labels, test_images, test_labels] = &mnist::FILES;
    let files = [unpack(train_images)?, unpack(train_labels)?, unpack(test_images)?, unpack(test_labels)?];
    Ok(idx_folder::contents(&files)?)
}
