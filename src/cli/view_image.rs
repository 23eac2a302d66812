//! The image that `relu view --digit` names: one of the run's data set, or a PNG.

use super::Usage;
use protocol::{ImageSplit, SeenShape};
use std::fs::File;
use std::io::BufReader;
use std::num::IntErrorKind;
use std::path::Path;

/// What `--digit` names.
pub enum Digit {
    OfSplit { split: ImageSplit, number: u32 },
    Drawn(Picture),
}

/// A picture that was read from a file.
pub struct Picture {
    /// The file.
    name: String,
    shape: SeenShape,
    /// (height, width, channels); there are 1 or 3 channels.
    pixels: Vec<u8>,
}

/// Bytes of the largest picture that is read; the data sets' are much smaller.
const LARGEST: usize = 1 << 20;

/// Reads `validation:17`, or a file.
pub fn read_digit(text: &str) -> color_eyre::Result<Digit> {
    if text.is_empty() {
        return Err(Usage("--digit is empty; take FILE.png or SPLIT:NUMBER, such as validation:17".into()).into());
    }
    let of_split = text.split_once(':').and_then(|(split, number)| Some((split.parse::<ImageSplit>().ok()?, number)));
    if let Some((split, number)) = of_split {
        let number = number.parse::<u32>().map_err(|error| match error.kind() {
            IntErrorKind::PosOverflow => Usage(format!(
                "--digit {text}: the number is too large; images are counted from 0, and no split has more than 60,000"
            )),
            _ => Usage(format!("--digit {text}: take a whole number behind the colon, counted from 0")),
        })?;
        return Ok(Digit::OfSplit { split, number });
    }
    read_png(Path::new(text)).map(Digit::Drawn)
}

/// Reads a grey or RGB picture of 8 bits.
fn read_png(path: &Path) -> color_eyre::Result<Picture> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| {
        let remedy = "take a PNG file or SPLIT:NUMBER, such as validation:17";
        let message = format!("--digit {name} can't be read: {error}; {remedy}");
        color_eyre::Report::new(error).wrap_err(message)
    })?;
    let mut decoder = png::Decoder::new(BufReader::new(file));
    // Palettes and fewer bits become 8 bits a channel, 16 bits lose the lower 8.
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let unreadable = |error: png::DecodingError| Usage(format!("{name} is no PNG: {error}"));
    let mut reader = decoder.read_info().map_err(unreadable)?;
    let (width, height) = (reader.info().width, reader.info().height);
    let Some(size) = reader.output_buffer_size().filter(|size| *size <= LARGEST) else {
        let message =
            format!("{name} is {width}x{height} pixels, far more than a data set's images; scale it to their size");
        return Err(Usage(message).into());
    };
    let mut bytes = vec![0; size];
    let info = reader.next_frame(&mut bytes).map_err(unreadable)?;
    bytes.truncate(info.buffer_size());
    let (channels, pixels) = match info.color_type {
        png::ColorType::Grayscale => (1, bytes),
        png::ColorType::Rgb | png::ColorType::Indexed => (3, bytes),
        // Opacity is left out.
        png::ColorType::GrayscaleAlpha => (1, bytes.chunks_exact(2).map(|pixel| pixel[0]).collect()),
        png::ColorType::Rgba => (3, bytes.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()),
    };
    Ok(Picture { name, shape: SeenShape { channels, height, width }, pixels })
}

impl Picture {
    /// The values of a picture that has the shape of the run's images. A grey one may have been saved in colour.
    pub fn into_pixels(self, needed: SeenShape) -> Result<Vec<u8>, Usage> {
        let Self { name, shape, mut pixels } = self;
        let is_grey = pixels.chunks_exact(shape.channels as usize).all(|pixel| pixel.iter().all(|of| *of == pixel[0]));
        let mut remedies = Vec::new();
        if (shape.width, shape.height) != (needed.width, needed.height) {
            remedies.push(format!("scale it to {}x{} pixels", needed.width, needed.height));
        }
        match (shape.channels, needed.channels) {
            (3, 1) if is_grey => pixels = pixels.into_iter().step_by(3).collect(),
            (3, 1) => remedies.push("make it grey".into()),
            (1, 3) => remedies.push("save it as RGB".into()),
            _ => {}
        }
        if remedies.is_empty() {
            return Ok(pixels);
        }
        let [own, needed] = [shape, needed].map(describe);
        Err(Usage(format!("{name} is {own}, and the run's images are {needed}; {}", remedies.join(" and "))))
    }
}

/// `28x28 grey`.
fn describe(SeenShape { channels, height, width }: SeenShape) -> String {
    format!("{width}x{height} {}", if channels == 1 { "grey" } else { "RGB" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREY: SeenShape = SeenShape { channels: 1, height: 2, width: 3 };
    const RGB: SeenShape = SeenShape { channels: 3, height: 2, width: 3 };

    fn picture(shape: SeenShape, pixels: Vec<u8>) -> Picture {
        assert_eq!(pixels.len() as u32, shape.channels * shape.height * shape.width);
        Picture { name: "four.png".into(), shape, pixels }
    }

    /// The values, or why they are refused.
    fn fit(picture: Picture, needed: SeenShape) -> Result<Vec<u8>, String> {
        picture.into_pixels(needed).map_err(|Usage(why)| why)
    }

    #[test]
    fn a_picture_of_the_images_shape_is_taken() {
        let grey: Vec<u8> = (0..6).collect();
        let in_colour: Vec<u8> = grey.iter().flat_map(|value| [*value; 3]).collect();
        assert_eq!(fit(picture(GREY, grey.clone()), GREY), Ok(grey.clone()));
        assert_eq!(fit(picture(RGB, in_colour.clone()), RGB), Ok(in_colour.clone()));
        assert_eq!(fit(picture(RGB, in_colour), GREY), Ok(grey));
    }

    /// The number of values alone does not tell: a picture of another size may have as many.
    #[test]
    fn a_picture_of_another_shape_is_refused() {
        let of_size = |channels, height, width| {
            let shape = SeenShape { channels, height, width };
            picture(shape, vec![7; (channels * height * width) as usize])
        };
        let coloured = picture(RGB, (0..18).collect());
        for (picture, needed, why) in [
            (of_size(1, 1, 6), GREY, "four.png is 6x1 grey, and the run's images are 3x2 grey; scale it to 3x2 pixels"),
            (coloured, GREY, "four.png is 3x2 RGB, and the run's images are 3x2 grey; make it grey"),
            (of_size(1, 2, 3), RGB, "four.png is 3x2 grey, and the run's images are 3x2 RGB; save it as RGB"),
            (
                of_size(1, 2, 9),
                RGB,
                "four.png is 9x2 grey, and the run's images are 3x2 RGB; scale it to 3x2 pixels and save it as RGB",
            ),
        ] {
            assert_eq!(fit(picture, needed), Err(why.into()));
        }
    }
}
