//! Pictures in a lesson: decodes PNG and scales it to the size that a page has for it.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::Arc;

/// The most pixels that a PNG may have in width and height, as a small file can unpack to gigabytes.
const LARGEST: u32 = 4096;
/// The size to which pictures are reduced: several pixels for each that the widest text shows, and little to scale for
/// each layout.
const KEPT: u32 = 512;
/// How many times a small picture may be enlarged.
const TIMES: u32 = 4;

/// Red, green, blue.
pub type Pixel = [u8; 3];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// Row by row; transparent pixels are composited over white, like paper.
    pub pixels: Vec<Pixel>,
}

/// The pictures of a lesson, by their paths in its text.
pub type Pictures = HashMap<String, Result<Arc<Picture>, PictureError>>;

/// Why a picture can't be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    #[error("there is no such file beside the lesson")]
    Missing,
    #[error("it can't be read: {0}")]
    Unreadable(String),
    #[error("it has more than {} MB", Picture::MAX_FILE_BYTES >> 20)]
    Heavy,
    #[error("it is no PNG")]
    NoPng,
    #[error("it has {0}x{1} pixels; {LARGEST}x{LARGEST} is the most")]
    Large(u32, u32),
    #[error("it is damaged: {0}")]
    Damaged(String),
}

impl From<png::DecodingError> for PictureError {
    fn from(error: png::DecodingError) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl Picture {
    /// The most bytes that a file may have.
    pub const MAX_FILE_BYTES: u64 = 8 << 20;

    /// Decodes a PNG of any kind. Nothing is unpacked before its size was checked.
    pub fn decode(bytes: &[u8]) -> Result<Self, PictureError> {
        if bytes.len() as u64 > Self::MAX_FILE_BYTES {
            return Err(PictureError::Heavy);
        }
        if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Err(PictureError::NoPng);
        }
        let mut decoder = png::Decoder::new(Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        let (width, height) = decoder.read_header_info().map(|info| (info.width, info.height))?;
        if width > LARGEST || height > LARGEST {
            return Err(PictureError::Large(width, height));
        }
        let mut reader = decoder.read_info()?;
        let size = reader.output_buffer_size().ok_or(PictureError::Large(width, height))?;
        let mut samples = vec![0; size];
        let frame = reader.next_frame(&mut samples)?;
        let on_white = |value: u8, alpha: u8| {
            let (value, alpha) = (u32::from(value), u32::from(alpha));
            ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        let channels = frame.color_type.samples();
        let pixels = samples[..frame.buffer_size()].chunks_exact(channels).map(|pixel| match *pixel {
            [grey] => [grey; 3],
            [grey, alpha] => [on_white(grey, alpha); 3],
            [red, green, blue] => [red, green, blue],
            [red, green, blue, alpha] => [red, green, blue].map(|value| on_white(value, alpha)),
            _ => unreachable!("a PNG has one to four channels"),
        });
        let whole = Self { width, height, pixels: pixels.collect() };
        let (kept_width, kept_height) = whole.within(KEPT, KEPT);
        Ok(if width <= kept_width && height <= kept_height { whole } else { whole.scaled(kept_width, kept_height) })
    }

    /// Its size on a page of this many columns and rows, in pixels, two to a row. A picture that is too large is
    /// reduced; a small one is enlarged by a whole number.
    pub fn fitted(&self, columns: u32, rows: u32) -> (u32, u32) {
        let (most_wide, most_high) = (columns.max(1), 2 * rows.max(1));
        let times = (most_wide / self.width).min(most_high / self.height).min(TIMES);
        if times > 0 { (self.width * times, self.height * times) } else { self.within(most_wide, most_high) }
    }

    /// The largest size of this shape that fits.
    fn within(&self, most_wide: u32, most_high: u32) -> (u32, u32) {
        let part = |of: u32, most: u32, whole: u32| ((of * most + whole / 2) / whole).max(1);
        if self.width * most_high >= self.height * most_wide {
            (most_wide, part(self.height, most_wide, self.width))
        } else {
            (part(self.width, most_high, self.height), most_high)
        }
    }

    /// Scaled to another size, where each pixel is the mean of the area that it covers.
    pub fn scaled(&self, width: u32, height: u32) -> Self {
        let (across, down) = (shares(self.width, width), shares(self.height, height));
        let area = u64::from(self.width) * u64::from(self.height);
        let mut pixels = Vec::with_capacity((width * height) as usize);
        for rows in &down {
            for columns in &across {
                let mut sums = [0_u64; 3];
                for &(row, tall) in rows {
                    for &(column, wide) in columns {
                        let pixel = self.pixels[row * self.width as usize + column];
                        for (sum, value) in sums.iter_mut().zip(pixel) {
                            *sum += tall * wide * u64::from(value);
                        }
                    }
                }
                pixels.push(sums.map(|sum| ((sum + area / 2) / area) as u8));
            }
        }
        Self { width, height, pixels }
    }
}

/// For each of `to` pixels along an edge, the `from` pixels that it covers and how much of each. The
/// parts of one pixel add up to `from`.
fn shares(from: u32, to: u32) -> Vec<Vec<(usize, u64)>> {
    let (from, to) = (u64::from(from), u64::from(to));
    let covered = |target: u64| {
        let (start, end) = (target * from, (target + 1) * from);
        let pixels = start / to..end.div_ceil(to);
        pixels.map(|pixel| (pixel as usize, end.min((pixel + 1) * to) - start.max(pixel * to))).collect()
    };
    (0..to).map(covered).collect()
}

#[cfg(test)]
mod tests;
