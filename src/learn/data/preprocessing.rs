//! How stored pixels become a network's inputs, by the statistics of the images that train.

use super::reader::ImageShape;
use super::{Padding, Split, Transform};
use protocol::Inputs;

/// How stored pixels become a network's inputs. Their layout is (height, width, channels) before and after.
#[derive(Clone, Debug, PartialEq)]
pub enum Preprocessing {
    /// value/255.
    Unit,
    /// One of these values for each byte of each colour.
    ByColour(Vec<[f32; 256]>),
    /// Values of 0 to 255 less these.
    LessImage(Vec<f32>),
}

impl Preprocessing {
    /// The form of a study's setting, for these training images. The sums are of whole numbers, so the same images give
    /// the same bits on every machine.
    pub fn of(inputs: Inputs, training: &Split) -> Self {
        let (pixels, shape) = (training.pixels(), training.shape());
        match inputs {
            Inputs::Unit => Self::Unit,
            Inputs::Standardised => Self::ByColour(standardised(pixels, shape.channels)),
            Inputs::MeanImage => Self::LessImage(mean_image(pixels, shape)),
        }
    }

    /// Converts a row of an image, whose first byte is the image's `start`-th.
    fn convert(&self, bytes: &[u8], start: usize, values: &mut [f32]) {
        match self {
            Self::Unit => {
                for (value, &byte) in values.iter_mut().zip(bytes) {
                    *value = UNIT[usize::from(byte)];
                }
            }
            // A row begins with the first colour.
            Self::ByColour(tables) => {
                let colours = tables.len();
                for (values, bytes) in values.chunks_exact_mut(colours).zip(bytes.chunks_exact(colours)) {
                    for ((value, &byte), table) in values.iter_mut().zip(bytes).zip(tables) {
                        *value = table[usize::from(byte)];
                    }
                }
            }
            Self::LessImage(mean) => {
                for ((value, &byte), mean) in values.iter_mut().zip(bytes).zip(&mean[start..]) {
                    *value = f32::from(byte) - mean;
                }
            }
        }
    }

    /// The picked images one after the other, each in a border of zeros. `transforms` has one for each image, or none.
    pub(crate) fn convert_images(
        &self,
        split: &Split,
        pick: &[i64],
        transforms: &[Transform],
        padding: Padding,
    ) -> (Vec<f32>, ImageShape) {
        let (pixels, shape) = (split.pixels(), split.shape());
        let padded = padding.padded(shape);
        let [row, padded_row] = [shape, padded].map(|shape| shape.width * shape.channels);
        let (above, left) = ((padded.height - shape.height) / 2, (padded.width - shape.width) / 2 * shape.channels);
        let mut values = vec![0.0_f32; pick.len() * padded.len()];
        let mut converted = vec![0.0_f32; row];
        for (picked, (&at, image)) in pick.iter().zip(values.chunks_exact_mut(padded.len())).enumerate() {
            let bytes = &pixels[at as usize * shape.len()..][..shape.len()];
            let transform = transforms.get(picked).copied().unwrap_or_default();
            for (number, bytes) in bytes.chunks_exact(row).enumerate() {
                let Some(to) = transform.row(number, shape.height) else { continue };
                let line = &mut image[(above + to) * padded_row + left..][..row];
                if transform.mirrored || transform.right != 0 {
                    // Converted where it is stored, as the mean image is that of the stored places.
                    self.convert(bytes, number * row, &mut converted);
                    transform.copy_row(&converted, shape.channels, line);
                } else {
                    self.convert(bytes, number * row, line);
                }
            }
        }
        (values, padded)
    }
}

/// For each colour the values of all bytes, less the mean and divided by the standard deviation.
fn standardised(pixels: &[u8], channels: usize) -> Vec<[f32; 256]> {
    let table = |channel: usize| {
        let mut counts = [0_u64; 256];
        pixels.iter().skip(channel).step_by(channels).for_each(|&byte| counts[usize::from(byte)] += 1);
        let sum = |of: fn(u64) -> u64| (0_u64..).zip(counts).map(|(byte, count)| of(byte) * count).sum::<u64>() as f64;
        let count = sum(|_| 1).max(1.0);
        let mean = sum(|byte| byte) / count;
        let deviation = (sum(|byte| byte * byte) / count - mean * mean).max(0.0).sqrt();
        // Images of one value have no deviation.
        let factor = if deviation > 0.0 { deviation.recip() } else { 1.0 };
        std::array::from_fn(|byte| ((byte as f64 - mean) * factor) as f32)
    };
    (0..channels).map(table).collect()
}

/// The mean of each pixel and colour.
fn mean_image(pixels: &[u8], shape: ImageShape) -> Vec<f32> {
    let mut sums = vec![0_u64; shape.len()];
    for image in pixels.chunks_exact(shape.len().max(1)) {
        sums.iter_mut().zip(image).for_each(|(sum, &byte)| *sum += u64::from(byte));
    }
    let count = (pixels.len() / shape.len().max(1)).max(1) as f64;
    sums.into_iter().map(|sum| (sum as f64 / count) as f32).collect()
}

/// byte/255, rounded as LibTorch rounds it.
static UNIT: [f32; 256] = {
    let mut values = [0.0; 256];
    let mut byte = 0;
    while byte < 256 {
        values[byte] = byte as f32 / 255.0;
        byte += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::super::dataset::tests::split_of;
    use super::*;
    use tch::{Kind, Tensor};

    const SHAPE: ImageShape = ImageShape { channels: 3, height: 4, width: 5 };

    fn split() -> Split {
        let pixels = (0..60_u32 * SHAPE.len() as u32).map(|at| (at * at % 251 / (1 + at % 3)) as u8).collect();
        split_of(SHAPE, pixels, 60)
    }

    fn inputs(inputs: Inputs, padding: Padding) -> Tensor {
        let split = split();
        let pick: Vec<i64> = (0..60).collect();
        split.inputs(&pick, padding, &Preprocessing::of(inputs, &split))
    }

    /// Against LibTorch's own mean and deviation.
    #[test]
    fn standardised_inputs_have_mean_0_and_deviation_1_in_each_colour() {
        let x = inputs(Inputs::Standardised, Padding::NONE).to_kind(Kind::Double);
        let raw = inputs(Inputs::Unit, Padding::NONE).to_kind(Kind::Double) * 255.0;
        for colour in 0..3 {
            let [x, raw] = [&x, &raw].map(|images| images.select(1, colour));
            let expected = (&raw - raw.mean(Kind::Double)) / raw.std(false);
            assert!((x - expected).abs().max().double_value(&[]) < 1e-4, "{colour}");
        }
    }

    #[test]
    fn the_mean_image_is_taken_off_and_the_border_stays_zero() {
        let raw = inputs(Inputs::Unit, Padding::NONE).to_kind(Kind::Double) * 255.0;
        let expected = &raw - raw.mean_dim(0, true, Kind::Double);
        let x = inputs(Inputs::MeanImage, Padding::NONE).to_kind(Kind::Double);
        assert!((&x - expected).abs().max().double_value(&[]) < 1e-4);
        let padded = inputs(Inputs::MeanImage, Padding { border: 1, least_side: 0 }).to_kind(Kind::Double);
        assert_eq!(padded.size(), [60, 3, 6, 7]);
        assert!(padded.narrow(2, 1, 4).narrow(3, 1, 5).equal(&x));
        // All other values are zero.
        assert_eq!(padded.count_nonzero(None), x.count_nonzero(None));
    }

    #[test]
    fn images_of_one_value_are_zero() {
        let split = split_of(SHAPE, vec![7; SHAPE.len()], 1);
        let x = split.inputs(&[0], Padding::NONE, &Preprocessing::of(Inputs::Standardised, &split));
        assert!(x.equal(&x.zeros_like()));
    }
}
