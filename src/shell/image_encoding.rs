//! The escape sequences of the three protocols for images.

use base64::{Engine, engine::general_purpose::STANDARD};
use png::{BitDepth, ColorType, Compression, Encoder, Filter};
use ratatui::layout::Rect;
use std::collections::BTreeMap;
use std::io::{self, Write};
use ui::image::{PlacedImage, fit};

/// The longest part of an image in one of Kitty's sequences. Source: Kitty's graphics protocol, "Remote client".
const KITTY_CHUNK: usize = 4096;
/// The most colours of a Sixel image that every terminal has.
const SIXEL_COLOURS: usize = 256;
/// Sixel gives colours in percent.
const SIXEL_LEVELS: u32 = 100;
/// Rows of pixels in a band of a Sixel image.
const SIXEL_BAND: u32 = 6;

/// Deletes all of Kitty's images on the screen.
pub const KITTY_DELETE_ALL: &str = "\x1b_Ga=d,d=A,q=2\x1b\\";

/// A PNG of the image at its size on the screen. Most images are grey, for which a third of the samples suffices.
pub fn png(placed: &PlacedImage) -> io::Result<Vec<u8>> {
    let (width, height) = placed.size;
    let pixels = placed.image.scaled(placed.size);
    let is_grey = pixels.iter().all(|[red, green, blue]| red == green && green == blue);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(if is_grey { ColorType::Grayscale } else { ColorType::Rgb });
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Balanced);
    // Each row of the image is several equal rows of the PNG.
    encoder.set_filter(Filter::Up);
    let samples = if is_grey { pixels.iter().map(|pixel| pixel[0]).collect() } else { pixels.concat() };
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&samples)?;
    writer.finish()?;
    Ok(bytes)
}

/// Sends an image to the terminal under a number. It is not shown before it is placed.
pub fn kitty_transmit(id: u32, png: &[u8], out: &mut impl Write) -> io::Result<()> {
    let encoded = STANDARD.encode(png);
    let mut keys = format!("a=t,f=100,i={id},");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (chunk, behind) = rest.split_at(rest.len().min(KITTY_CHUNK));
        write!(out, "\x1b_G{keys}q=2,m={};{chunk}\x1b\\", u8::from(!behind.is_empty()))?;
        (keys, rest) = (String::new(), behind);
    }
    Ok(())
}

/// Shows an image that was sent. `C=1` leaves the cursor where it is.
pub fn kitty_place(id: u32, placement: u32, area: Rect, out: &mut impl Write) -> io::Result<()> {
    move_to(area, out)?;
    write!(out, "\x1b_Ga=p,i={id},p={placement},C=1,q=2\x1b\\")
}

/// Removes an image from the screen. The terminal keeps its pixels.
pub fn kitty_remove(id: u32, placement: u32, out: &mut impl Write) -> io::Result<()> {
    write!(out, "\x1b_Ga=d,d=i,i={id},p={placement},q=2\x1b\\")
}

/// Shows an image by iTerm2's protocol. The terminal scales it to its cells, as its pixels may not be those of the display.
pub fn iterm(placed: &PlacedImage, out: &mut impl Write) -> io::Result<()> {
    let png = png(placed)?;
    move_to(placed.area, out)?;
    let (columns, rows) = (placed.area.width, placed.area.height);
    write!(
        out,
        "\x1b]1337;File=inline=1;size={};width={columns};height={rows};preserveAspectRatio=1;doNotMoveCursor=1:{}\x07",
        png.len(),
        STANDARD.encode(&png)
    )
}

/// Shows an image as Sixel.
///
/// A terminal reserves whole bands of six rows. `room` is the height of the image's cells in pixels: the image gets so much
/// smaller that its last band does not reach the cells below.
pub fn sixel(placed: &PlacedImage, room: u32, out: &mut impl Write) -> io::Result<()> {
    let bands = |height: u32| height.div_ceil(SIXEL_BAND) * SIXEL_BAND;
    let image = &placed.image;
    let size = if bands(placed.size.1) > room {
        fit((image.width, image.height), (placed.size.0, (room - room % SIXEL_BAND).max(1)))
    } else {
        placed.size
    };
    move_to(placed.area, out)?;
    sixel_data(&image.scaled(size), size, out)
}

/// The image as one DCS sequence. Source: DEC, VT330/VT340 Programmer Reference Manual, chapter 14.
fn sixel_data(pixels: &[[u8; 3]], (width, height): (u32, u32), out: &mut impl Write) -> io::Result<()> {
    let (colours, pixels) = sixel_palette(pixels);
    write!(out, "\x1bP0;1q\"1;1;{width};{height}")?;
    for (number, [red, green, blue]) in colours.iter().enumerate() {
        write!(out, "#{number};2;{red};{green};{blue}")?;
    }
    let width = width as usize;
    for (at, band) in pixels.chunks(width * SIXEL_BAND as usize).enumerate() {
        if at > 0 {
            out.write_all(b"-")?;
        }
        // For each colour of the band, which of the six pixels of a column have it.
        let mut columns: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
        for (at, &colour) in band.iter().enumerate() {
            columns.entry(colour).or_insert_with(|| vec![0; width])[at % width] |= 1 << (at / width);
        }
        for (at, (colour, bits)) in columns.iter().enumerate() {
            if at > 0 {
                out.write_all(b"$")?;
            }
            write!(out, "#{colour}")?;
            // Empty columns at the end are left out.
            let length = bits.iter().rposition(|bits| *bits != 0).map_or(0, |last| last + 1);
            for run in bits[..length].chunk_by(|one, other| one == other) {
                let sixel = char::from(b'?' + run[0]);
                match run.len() {
                    // A repetition takes three characters at least.
                    count @ 0..=3 => out.write_all(sixel.to_string().repeat(count).as_bytes())?,
                    count => write!(out, "!{count}{sixel}")?,
                }
            }
        }
    }
    out.write_all(b"\x1b\\")
}

/// The colours of an image in percent, and the number of each pixel's colour. An image with more colours than Sixel has gets
/// fewer levels of each primary colour.
fn sixel_palette(pixels: &[[u8; 3]]) -> (Vec<[u8; 3]>, Vec<u8>) {
    // Six levels of three primary colours are 216 colours.
    for levels in [SIXEL_LEVELS, 50, 25, 15, 10, 5] {
        let level = |value: u8| (u32::from(value) * levels + 127) / 255;
        let percent = |value: u8| ((level(value) * SIXEL_LEVELS + levels / 2) / levels) as u8;
        let mut numbers = BTreeMap::new();
        let mut colours = Vec::new();
        let mut indices = Vec::with_capacity(pixels.len());
        for pixel in pixels {
            let colour = pixel.map(percent);
            let next = colours.len();
            let number = *numbers.entry(colour).or_insert(next);
            if number == next {
                if next == SIXEL_COLOURS {
                    break;
                }
                colours.push(colour);
            }
            indices.push(number as u8);
        }
        if indices.len() == pixels.len() {
            return (colours, indices);
        }
    }
    (vec![[0; 3]], vec![0; pixels.len()])
}

fn move_to(area: Rect, out: &mut impl Write) -> io::Result<()> {
    write!(out, "\x1b[{};{}H", u32::from(area.y) + 1, u32::from(area.x) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ui::image::Image;

    const RED: [u8; 3] = [255, 0, 0];
    const BLUE: [u8; 3] = [0, 0, 255];

    fn placed(pixels: &[[u8; 3]], (width, height): (u32, u32), size: (u32, u32)) -> PlacedImage {
        let image = Image::new(pixels, (width, height));
        PlacedImage { area: Rect::new(4, 2, 2, 1), image, size }
    }

    fn text(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn decoded(png: &[u8]) -> (ColorType, u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(io::Cursor::new(png)).read_info().unwrap();
        let mut samples = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut samples).unwrap();
        (frame.color_type, frame.width, frame.height, samples)
    }

    #[test]
    fn a_png_has_the_size_on_the_screen() {
        let grey = png(&placed(&[[9; 3], [200; 3]], (2, 1), (4, 2))).unwrap();
        assert_eq!(decoded(&grey), (ColorType::Grayscale, 4, 2, vec![9, 9, 200, 200, 9, 9, 200, 200]));
        let coloured = png(&placed(&[RED, BLUE], (2, 1), (2, 1))).unwrap();
        assert_eq!(decoded(&coloured), (ColorType::Rgb, 2, 1, [RED, BLUE].concat()));
    }

    #[test]
    fn an_enlarged_image_takes_few_bytes() {
        let digit: Vec<[u8; 3]> = (0..28 * 28).map(|at| [(at * at % 251) as u8; 3]).collect();
        let size = png(&placed(&digit, (28, 28), (280, 280))).unwrap().len();
        assert!(size < 8_000, "{size} bytes for 78,400 samples");
    }

    #[test]
    fn kitty_gets_an_image_in_parts_and_places_it_by_its_number() {
        assert_eq!(text(|out| kitty_transmit(7, b"png", out)), "\x1b_Ga=t,f=100,i=7,q=2,m=0;cG5n\x1b\\");
        let long = text(|out| kitty_transmit(7, &[0; 4000], out));
        let parts: Vec<&str> = long.split("\x1b\\").collect();
        assert_eq!(parts.len(), 3);
        assert_eq!(parts[0], format!("\x1b_Ga=t,f=100,i=7,q=2,m=1;{}", "A".repeat(4096)));
        assert_eq!(parts[1], format!("\x1b_Gq=2,m=0;{}==", "A".repeat(1238)));
        assert_eq!(
            text(|out| kitty_place(7, 3, Rect::new(4, 2, 2, 1), out)),
            "\x1b[3;5H\x1b_Ga=p,i=7,p=3,C=1,q=2\x1b\\"
        );
        assert_eq!(text(|out| kitty_remove(7, 3, out)), "\x1b_Ga=d,d=i,i=7,p=3,q=2\x1b\\");
    }

    #[test]
    fn iterm_gets_an_image_with_its_cells() {
        let image = placed(&[RED], (1, 1), (1, 1));
        let png = png(&image).unwrap();
        let keys = format!("size={};width=2;height=1;preserveAspectRatio=1;doNotMoveCursor=1", png.len());
        let expected = format!("\x1b[3;5H\x1b]1337;File=inline=1;{keys}:{}\x07", STANDARD.encode(&png));
        assert_eq!(text(|out| iterm(&image, out)), expected);
    }

    #[test]
    fn sixel_has_a_palette_bands_and_repetitions() {
        // Two columns of red and two of blue, seven rows: a whole band and one row.
        let image = placed(&[RED, BLUE], (2, 1), (4, 7));
        let expected = "\x1b[3;5H\x1bP0;1q\"1;1;4;7#0;2;100;0;0#1;2;0;0;100#0~~$#1??~~-#0@@$#1??@@\x1b\\";
        assert_eq!(text(|out| sixel(&image, 20, out)), expected);
        let one = placed(&[RED], (1, 1), (9, 6));
        assert!(text(|out| sixel(&one, 6, out)).ends_with("#0!9~\x1b\\"));
    }

    /// The last band of an image of 20 rows would have 24.
    #[test]
    fn a_sixel_image_does_not_reach_the_cells_below() {
        let image = placed(&[RED; 4], (2, 2), (20, 20));
        assert!(text(|out| sixel(&image, 20, out)).contains("q\"1;1;18;18#"));
        assert!(text(|out| sixel(&image, 24, out)).contains("q\"1;1;20;20#"));
    }

    #[test]
    fn an_image_of_many_colours_keeps_as_many_as_sixel_has() {
        let pixels: Vec<[u8; 3]> =
            (0..4096_u32).map(|at| [at, at / 16, at / 256].map(|v| (v % 16 * 17) as u8)).collect();
        let (colours, indices) = sixel_palette(&pixels);
        assert!(colours.len() > 100 && colours.len() <= SIXEL_COLOURS, "{}", colours.len());
        for (pixel, index) in pixels.iter().zip(&indices) {
            let shown = colours[usize::from(*index)].map(|percent| f64::from(percent) * 2.55);
            let far = pixel.iter().zip(shown).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
            assert!(far <= 26.0, "{pixel:?} is shown as {shown:?}");
        }
        let greys: Vec<[u8; 3]> = (0..=255).map(|value| [value; 3]).collect();
        assert_eq!(sixel_palette(&greys).0.len(), 101);
    }
}
