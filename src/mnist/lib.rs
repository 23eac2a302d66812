//! The MNIST inside the program: four IDX files, compressed with zstd, checked against the published sha256.

use sha2::{Digest, Sha256};
use std::io;

/// One embedded file.
pub struct Embedded {
    pub name: &'static str,
    compressed: &'static [u8],
    /// sha256 of the plain file, as published (see `assets/mnist/README.md`).
    pub sha256: &'static str,
}

macro_rules! embedded {
    ($name:literal, $sha256:literal) => {
        Embedded {
            name: $name,
            compressed: include_bytes!(concat!("../../assets/mnist/", $name, ".zst")),
            sha256: $sha256,
        }
    };
}

/// Training images and labels, then test images and labels.
pub static FILES: [Embedded; 4] = [
    embedded!("train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    embedded!("train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    embedded!("t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    embedded!("t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
];

/// Why an embedded file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// It is not what was published.
    #[error("the {name} inside this program is damaged ({why}); install relu-notebook anew")]
    Damaged { name: &'static str, why: String },
    #[error(
        "there is too little memory for the {megabytes} MB of {name}; end other programs, or raise the limit \
         (`ulimit -v` shows it)"
    )]
    Memory { name: &'static str, megabytes: u64 },
}

impl Embedded {
    /// The plain IDX bytes.
    pub fn unpack(&self) -> Result<Vec<u8>, UnpackError> {
        let damaged = |error: io::Error| UnpackError::Damaged { name: self.name, why: error.to_string() };
        let Ok(Some(length)) = zstd::zstd_safe::get_frame_content_size(self.compressed) else {
            return Err(damaged(io::Error::other("its head does not tell its length")));
        };
        // Reserved first, because zstd's own error does not distinguish a lack of memory from damage.
        let mut plain = Vec::new();
        plain
            .try_reserve_exact(length as usize)
            .map_err(|_| UnpackError::Memory { name: self.name, megabytes: length.div_ceil(1_000_000) })?;
        zstd::bulk::Decompressor::new()
            .and_then(|mut zstd| zstd.decompress_to_buffer(self.compressed, &mut plain))
            .map_err(damaged)?;
        Ok(plain)
    }

    /// Unpacks and compares with the published sha256.
    pub fn verify(&self) -> Result<(), UnpackError> {
        let found = hex(&Sha256::digest(self.unpack()?));
        if found == self.sha256 {
            Ok(())
        } else {
            Err(UnpackError::Damaged { name: self.name, why: format!("its sha256 is {found}") })
        }
    }
}

/// Bytes as lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_files_are_the_published_ones() {
        for file in &FILES {
            file.verify().unwrap();
        }
    }
}
