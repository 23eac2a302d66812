//! Training images that are mirrored and shifted at random, anew each time they are seen.

use crate::random::Random;

/// What is done to training images before the network gets them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Augmentation {
    /// Half of the images are mirrored, left to right.
    pub flip: bool,
    /// Pixels of zeros around an image, from which a window of the image's own size is cut: the image is shifted by at
    /// most that many pixels in each direction.
    pub crop: u32,
}

impl Augmentation {
    /// One transform for each image of a batch; none at all if nothing is done to the images. What an image draws does not
    /// depend on the settings, so that arms which differ in one of them agree in the other.
    pub fn draw(self, images: usize, random: &mut Random) -> Vec<Transform> {
        if self == Self::default() {
            return Vec::new();
        }
        let reach = self.crop as isize;
        let draw = |_| {
            let is_mirrored = random.below(2) == 1;
            let mut shift = || random.below(2 * self.crop + 1) as isize - reach;
            Transform { mirrored: self.flip && is_mirrored, down: shift(), right: shift() }
        };
        (0..images).map(draw).collect()
    }
}

/// What is done to one image: it is shifted, zeros come in from the sides, and then it is mirrored. The default does
/// nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transform {
    /// Left to right.
    pub mirrored: bool,
    /// Pixels down; negative: up.
    pub down: isize,
    /// Pixels to the right; negative: to the left.
    pub right: isize,
}

impl Transform {
    /// Where a row goes, if it stays within an image of this height.
    pub(super) fn row(self, row: usize, height: usize) -> Option<usize> {
        row.checked_add_signed(self.down).filter(|&row| row < height)
    }

    /// Copies a row of pixels, of so many channels each, to where it goes in a row of zeros of the same length.
    pub(super) fn copy_row<T: Copy>(self, from: &[T], channels: usize, to: &mut [T]) {
        let shift = self.right.unsigned_abs().saturating_mul(channels).min(from.len());
        let kept = from.len() - shift;
        let (from, start) = if self.right < 0 { (&from[shift..], 0) } else { (&from[..kept], shift) };
        if self.mirrored {
            let end = to.len() - start;
            let pixels = to[end - kept..end].chunks_exact_mut(channels).rev();
            pixels.zip(from.chunks_exact(channels)).for_each(|(to, from)| to.copy_from_slice(from));
        } else {
            to[start..start + kept].copy_from_slice(from);
        }
    }

    /// The same for an image of bytes, whose value 0 is the zero that comes in.
    pub(super) fn copy_image(self, from: &[u8], [height, width, channels]: [usize; 3], to: &mut [u8]) {
        to.fill(0);
        let length = width * channels;
        for (row, from) in from.chunks_exact(length).enumerate() {
            if let Some(row) = self.row(row, height) {
                self.copy_row(from, channels, &mut to[row * length..][..length]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dataset::tests::split_of;
    use super::super::{ImageShape, Padding, Preprocessing};
    use super::*;
    use crate::random::Purpose;
    use protocol::Inputs;
    use tch::{Kind, Tensor};

    fn transformed(image: &[u8], shape: [usize; 3], transform: Transform) -> Vec<u8> {
        let mut to = vec![9; image.len()];
        transform.copy_image(image, shape, &mut to);
        to
    }

    /// Two rows of three pixels.
    #[test]
    fn pixels_go_where_the_transform_says() {
        let image = [1, 2, 3, 4, 5, 6];
        let grey = |mirrored, down, right| transformed(&image, [2, 3, 1], Transform { mirrored, down, right });
        assert_eq!(grey(false, 0, 0), image);
        assert_eq!(grey(true, 0, 0), [3, 2, 1, 6, 5, 4]);
        assert_eq!(grey(false, 1, 0), [0, 0, 0, 1, 2, 3]);
        assert_eq!(grey(false, -1, 1), [0, 4, 5, 0, 0, 0]);
        assert_eq!(grey(false, 0, -2), [3, 0, 0, 6, 0, 0]);
        // Shifted first, then mirrored.
        assert_eq!(grey(true, 0, 1), [2, 1, 0, 5, 4, 0]);
        assert_eq!(grey(true, 0, -1), [0, 3, 2, 0, 6, 5]);
        assert_eq!(grey(false, 2, 0), [0; 6]);
        assert_eq!(grey(true, 0, 7), [0; 6]);
        // The channels of a pixel keep their order.
        let colour = transformed(&image, [1, 2, 3], Transform { mirrored: true, down: 0, right: 0 });
        assert_eq!(colour, [4, 5, 6, 1, 2, 3]);
        let right = Transform { mirrored: false, down: 0, right: 1 };
        assert_eq!(transformed(&image, [1, 2, 3], right), [0, 0, 0, 1, 2, 3]);
    }

    /// The inputs are the moved inputs, for every form of inputs: what comes in is 0 there, as the border is, and the mean
    /// image goes with the pixels. Against LibTorch's padding, narrowing and flipping.
    #[test]
    fn inputs_are_moved_as_libtorch_moves_them() {
        let shape = ImageShape { channels: 3, height: 5, width: 6 };
        let pixels: Vec<u8> = (0..90 * 4_u32).map(|at| (at * at % 251) as u8).collect();
        let split = split_of(shape, pixels, 4);
        let pick = [2, 0, 3, 1];
        let transforms = [
            Transform::default(),
            Transform { mirrored: true, down: 0, right: 0 },
            Transform { mirrored: false, down: -2, right: 1 },
            Transform { mirrored: true, down: 1, right: 2 },
        ];
        let padding = Padding { border: 1, least_side: 0 };
        for inputs in [Inputs::Unit, Inputs::Standardised, Inputs::MeanImage] {
            let preprocessing = Preprocessing::of(inputs, &split);
            let found = split.transformed_inputs(&pick, &transforms, padding, &preprocessing);
            let plain = split.inputs(&pick, Padding::NONE, &preprocessing).constant_pad_nd([2; 4]);
            let expected: Vec<Tensor> = (0..)
                .zip(transforms)
                .map(|(at, Transform { mirrored, down, right })| {
                    let window = plain.get(at).narrow(1, 2 - down as i64, 5).narrow(2, 2 - right as i64, 6);
                    if mirrored { window.flip([2]) } else { window }
                })
                .collect();
            let expected = Tensor::stack(&expected, 0).constant_pad_nd([1; 4]);
            assert!(found.equal(&expected), "{inputs:?}");
        }
        let stored = split.transformed_pixels(&pick, &transforms);
        let found = Tensor::from_slice(&stored).view([4, 5, 6, 3]).permute([0, 3, 1, 2]).to_kind(Kind::Float) / 255.0;
        let expected = split.transformed_inputs(&pick, &transforms, Padding::NONE, &Preprocessing::Unit);
        assert!((found - expected).abs().max().double_value(&[]) < 1e-6);
    }

    #[test]
    fn draws_cover_every_shift_and_mirror_half() {
        let draw = |augmentation: Augmentation| {
            augmentation.draw(5000, &mut Random::new(1, Purpose::Augmentation { epoch: 2, batch: 3 }))
        };
        let [both, flips, crops] = [(true, 2), (true, 0), (false, 2)].map(|(flip, crop)| Augmentation { flip, crop });
        let (both, flips, crops) = (draw(both), draw(flips), draw(crops));
        let mirrored = both.iter().filter(|transform| transform.mirrored).count();
        // Four standard errors of half of 5000.
        assert!(mirrored.abs_diff(2500) < 142, "{mirrored}");
        for shift in -2..=2 {
            let count = |of: fn(&Transform) -> isize| both.iter().filter(|each| of(each) == shift).count();
            let (down, right) = (count(|each| each.down), count(|each| each.right));
            assert!(down.abs_diff(1000) < 114 && right.abs_diff(1000) < 114, "{shift}: {down}, {right}");
        }
        // Arms with one of both agree with the arm that has both.
        assert!(both.iter().zip(&flips).all(|(both, flip)| both.mirrored == flip.mirrored && flip.down == 0));
        assert!(both.iter().zip(&crops).all(|(both, crop)| (both.down, both.right) == (crop.down, crop.right)));
        assert!(crops.iter().all(|crop| !crop.mirrored));
        assert!(draw(Augmentation::default()).is_empty());
    }
}
