//! Converts between images one after the other and images side by side.

use super::shape::Order;
use super::vector::{InstructionSet, Kernel, Lanes};

/// Pixels along a side, as stored, and as the network sees them with a border of zeros.
const STORED: usize = 28;
const PADDED: usize = 32;
const BORDER: usize = (PADDED - STORED) / 2;

/// The number of vectors for this many images.
pub fn groups(images: usize, lanes: usize) -> usize {
    images.div_ceil(lanes)
}

/// Images one after the other, `[image][len]`, into lanes; lanes without an image become zero.
///
/// # Panics
/// If a length does not fit.
pub fn to_lanes(images: &[f32], len: usize, order: Order, lanes: usize, to: &mut [f32]) {
    let count = images.len() / len;
    let groups = groups(count, lanes);
    assert_eq!(to.len(), groups * len * lanes);
    let strides = order.strides(len, groups, lanes);
    for group in 0..groups {
        for at in 0..len {
            for lane in 0..lanes {
                let image = group * lanes + lane;
                let value = if image < count { images[image * len + at] } else { 0.0 };
                to[group * strides.group + at * strides.pixel + lane] = value;
            }
        }
    }
}

/// The inverse: `[image][len]`, without the lanes that hold no image.
///
/// # Panics
/// If a length does not fit.
pub fn from_lanes(from: &[f32], len: usize, order: Order, lanes: usize, images: &mut [f32]) {
    let count = images.len() / len;
    let groups = groups(count, lanes);
    assert_eq!(from.len(), groups * len * lanes);
    let strides = order.strides(len, groups, lanes);
    for (image, values) in images.chunks_exact_mut(len).enumerate() {
        let (group, lane) = (image / lanes, image % lanes);
        for (at, value) in values.iter_mut().enumerate() {
            *value = from[group * strides.group + at * strides.pixel + lane];
        }
    }
}

/// Images one after the other, `[image][pixel][channel]`, into lanes: `[group][channel][pixel][lane]`. Lanes without
/// an image become zero.
///
/// # Panics
/// If a length does not fit.
pub fn channels_to_lanes(images: &[f32], channels: usize, pixels: usize, lanes: usize, to: &mut [f32]) {
    let len = channels * pixels;
    assert_eq!(to.len(), groups(images.len() / len, lanes) * len * lanes);
    for (images, to) in images.chunks(len * lanes).zip(to.chunks_exact_mut(len * lanes)) {
        if images.len() < to.len() {
            to.fill(0.0);
        }
        for (lane, image) in images.chunks_exact(len).enumerate() {
            for (at, pixel) in image.chunks_exact(channels).enumerate() {
                for (channel, value) in pixel.iter().enumerate() {
                    to[(channel * pixels + at) * lanes + lane] = *value;
                }
            }
        }
    }
}

/// Picks images out of bytes, scales them to [0, 1], and lays them out: `[group][32][32][lane]`.
///
/// `digits` has 28x28 bytes per image. Only the digits are written to `to`; its border must be zero, and stays so.
///
/// # Panics
/// If a length does not fit, or an image does not exist.
pub fn digits_to_lanes(set: InstructionSet, digits: &[u8], pick: &[i64], to: &mut [f32]) {
    set.run(LayOut { digits, pick, to });
}

struct LayOut<'a> {
    digits: &'a [u8],
    pick: &'a [i64],
    to: &'a mut [f32],
}

impl Kernel for LayOut<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Self { digits, pick, to } = self;
        let images = digits.as_chunks::<{ STORED * STORED }>().0;
        let blank = [0; STORED * STORED];
        let len = PADDED * PADDED * V::WIDTH;
        assert_eq!(to.len(), groups(pick.len(), V::WIDTH) * len);
        for (pick, to) in pick.chunks(V::WIDTH).zip(to.chunks_exact_mut(len)) {
            let mut beside = [&blank; 16];
            for (image, &at) in beside.iter_mut().zip(pick) {
                *image = &images[at as usize];
            }
            for (y, row) in to.chunks_exact_mut(PADDED * V::WIDTH).skip(BORDER).take(STORED).enumerate() {
                // Four pixels of each image at a time: then images are side by side, and the rest uses vector
                // instructions.
                let row = &mut row[BORDER * V::WIDTH..][..STORED * V::WIDTH];
                for (quad, to) in row.chunks_exact_mut(4 * V::WIDTH).enumerate() {
                    let mut pixels = [0; 16];
                    for (four, image) in pixels.iter_mut().zip(&beside[..V::WIDTH]) {
                        let bytes = image[y * STORED + 4 * quad..].first_chunk().copied().unwrap_or_default();
                        *four = u32::from_le_bytes(bytes);
                    }
                    for (x, to) in to.chunks_exact_mut(V::WIDTH).enumerate() {
                        for (value, four) in to.iter_mut().zip(pixels) {
                            *value = (four >> (8 * x) & 255) as i32 as f32 / 255.0;
                        }
                    }
                }
            }
        }
    }
}
