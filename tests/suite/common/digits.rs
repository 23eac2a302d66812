//! 600 training and 100 test images of noise around ten patterns, as IDX files: fast to load and to train on.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{fs, path::Path};

pub fn write(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let mut noise = ChaCha8Rng::seed_from_u64(7);
    for (name, count) in [("train", 600_u32), ("t10k", 100)] {
        let labels: Vec<u8> = (0..count).map(|at| (at % 10) as u8).collect();
        let pixel = |label: u8, at: u32, noise: u8| (at * (u32::from(label) + 3) % 97) as u8 + noise % 128;
        let pixels: Vec<u8> = labels
            .iter()
            .flat_map(|&label| (0..784).map(move |at| (label, at)))
            .map(|(l, at)| pixel(l, at, noise.random()))
            .collect();
        let header = |magic: u32, sizes: &[u32]| {
            [&[magic], sizes].concat().iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>()
        };
        let images = [header(0x803, &[count, 28, 28]), pixels].concat();
        fs::write(folder.join(format!("{name}-images-idx3-ubyte")), images).unwrap();
        fs::write(folder.join(format!("{name}-labels-idx1-ubyte")), [header(0x801, &[count]), labels].concat())
            .unwrap();
    }
}
