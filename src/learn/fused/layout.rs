//! Between images one after the other and images side by side.

use super::shape::Order;

/// Vectors needed for so many images.
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

/// The way back: `[image][len]`, without the lanes that hold no image.
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
