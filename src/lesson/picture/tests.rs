use super::*;
use png::{BitDepth, ColorType};

fn png(width: u32, height: u32, colour: ColorType, depth: BitDepth, samples: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == ColorType::Indexed {
        encoder.set_palette(vec![0, 0, 0, 9, 8, 7]);
        encoder.set_trns(vec![255, 255]);
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(samples).unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn every_kind_of_png_is_read() {
    use {BitDepth::*, ColorType::*};
    let cases: [(ColorType, BitDepth, &[u8], [Pixel; 2]); 8] = [
        (Grayscale, Eight, &[0, 200], [[0; 3], [200; 3]]),
        (Grayscale, One, &[0b0100_0000], [[0; 3], [255; 3]]),
        (Grayscale, Sixteen, &[0, 0, 200, 99], [[0; 3], [200; 3]]),
        (GrayscaleAlpha, Eight, &[0, 0, 100, 255], [[255; 3], [100; 3]]),
        (Rgb, Eight, &[1, 2, 3, 4, 5, 6], [[1, 2, 3], [4, 5, 6]]),
        (Rgba, Eight, &[0, 100, 200, 255, 0, 0, 0, 51], [[0, 100, 200], [204; 3]]),
        (Rgba, Sixteen, &[9; 16], [[246; 3]; 2]),
        (Indexed, Two, &[0b0001_0000], [[0; 3], [9, 8, 7]]),
    ];
    for (colour, depth, samples, expected) in cases {
        let picture = Picture::decode(&png(2, 1, colour, depth, samples)).unwrap();
        assert_eq!((picture.width, picture.height, &picture.pixels[..]), (2, 1, &expected[..]), "{colour:?}");
    }
}

#[test]
fn a_large_picture_is_reduced() {
    let picture = Picture::decode(&png(2000, 100, ColorType::Grayscale, BitDepth::Eight, &vec![7; 200_000])).unwrap();
    assert_eq!((picture.width, picture.height), (512, 26));
    assert!(picture.pixels.iter().all(|pixel| *pixel == [7; 3]));
}

#[test]
fn an_invalid_png_is_an_error() {
    let sound = png(64, 64, ColorType::Grayscale, BitDepth::Eight, &[7; 64 * 64]);
    let why = |bytes: &[u8]| Picture::decode(bytes).unwrap_err().to_string();
    assert_eq!(why(b"GIF89a"), "it is no PNG");
    assert_eq!(why(b""), "it is no PNG");
    for cut in 8..sound.len() - 12 {
        assert!(why(&sound[..cut]).starts_with("it is damaged: "), "{cut} bytes");
    }
    let mut flipped = sound.clone();
    flipped[sound.len() / 2] ^= 1;
    assert!(why(&flipped).starts_with("it is damaged: "));
    assert_eq!(why(&vec![0; 1 + Picture::MAX_FILE_BYTES as usize]), "it has more than 8 MB");
}

/// A few bytes that would unpack to gigabytes: only the head is read.
#[test]
fn a_bomb_is_not_unpacked() {
    let mut bytes = Vec::new();
    png::Encoder::new(&mut bytes, 100_000, 100_000).write_header().unwrap();
    let why = Picture::decode(&bytes).unwrap_err().to_string();
    assert_eq!(why, "it has 100000x100000 pixels; 4096x4096 is the most");
}

fn picture(width: u32, height: u32, greys: &[u8]) -> Picture {
    Picture { width, height, pixels: greys.iter().map(|grey| [*grey; 3]).collect() }
}

#[test]
fn each_pixel_is_the_mean_of_its_area() {
    let halves = picture(4, 2, &[0, 100, 200, 0, 100, 200, 0, 0]);
    assert_eq!(halves.scaled(2, 1), picture(2, 1, &[100, 50]));
    // The pixel in the middle contributes a half to either side.
    assert_eq!(picture(3, 1, &[0, 90, 240]).scaled(2, 1), picture(2, 1, &[30, 190]));
    assert_eq!(picture(2, 1, &[5, 6]).scaled(4, 2), picture(4, 2, &[5, 5, 6, 6, 5, 5, 6, 6]));
}

#[test]
fn a_page_is_filled_at_most_and_small_ones_grow_by_whole_numbers() {
    let fitted = |width, height, columns, rows| picture(width, height, &[]).fitted(columns, rows);
    assert_eq!(fitted(28, 28, 74, 20), (28, 28));
    assert_eq!(fitted(28, 28, 94, 36), (56, 56));
    assert_eq!(fitted(2, 2, 94, 36), (8, 8), "a dot stays small");
    assert_eq!(fitted(400, 200, 74, 20), (74, 37));
    assert_eq!(fitted(512, 512, 74, 20), (40, 40));
    assert_eq!(fitted(512, 1, 74, 20), (74, 1));
    assert_eq!(fitted(1, 512, 74, 0), (1, 2));
}
