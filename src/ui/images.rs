//! Grey images as half blocks, two pixels a cell; as letters where there are no blocks or no greys.

use super::theme::{Glyphs, Palette, Theme};
use crate::app::ImageLayout;
use crate::protocol::ImageGrid;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use std::ops::Range;

/// From dark to light, where there is nothing but letters.
const LETTERS: &[u8; 10] = b" .:-=+*#%@";

/// Some images of a grid, row by row, each with its caption beneath.
pub fn draw(theme: &Theme, figure: &ImageGrid, shown: Range<usize>, area: Rect, buffer: &mut Buffer) {
    let ImageLayout { scale, width, height, across, .. } = ImageLayout::new(figure, area.width, area.height);
    for (at, number) in (0_u16..).zip(shown) {
        let Some(image) = figure.images.get(number) else { break };
        let (left, top) = (area.x + at % across * (width + 1), area.y + at / across * height);
        let place = Rect { x: left, y: top, width, height }.intersection(area);
        one(theme, image, (figure.width, figure.height), scale, place, buffer);
        if let Some(caption) = figure.captions.get(number) {
            let row = top + height - 1;
            if row < area.bottom() {
                let room = usize::from(width.min(area.right().saturating_sub(left)));
                buffer.set_stringn(left, row, theme.text(caption), room, theme.faint());
            }
        }
    }
}

/// One image of width x height pixels at the top left of its place, a pixel `scale` columns wide.
pub fn one(theme: &Theme, image: &[u8], (width, height): (u32, u32), scale: u16, place: Rect, buffer: &mut Buffer) {
    let pixel = |x: u16, y: u16| {
        let (x, y) = (x / scale, y / scale);
        let inside = u32::from(y) < height;
        image.get(usize::from(y) * width as usize + usize::from(x)).copied().filter(|_| inside).unwrap_or(0)
    };
    let (columns, rows) =
        (place.width.min(width as u16 * scale), place.height.min((height as u16 * scale).div_ceil(2)));
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        let (upper, lower) = (pixel(column, 2 * row), pixel(column, 2 * row + 1));
        let Some(cell) = buffer.cell_mut((place.x + column, place.y + row)) else { continue };
        if let Some((upper, lower)) = grey(theme, upper).zip(grey(theme, lower)) {
            cell.set_char('▀').set_style(Style::new().fg(upper).bg(lower));
        } else {
            let level = usize::midpoint(upper.into(), lower.into()) * (LETTERS.len() - 1) / 255;
            cell.set_char(char::from(LETTERS[level]));
        }
    }
}

fn grey(theme: &Theme, value: u8) -> Option<Color> {
    match theme.palette {
        _ if theme.glyphs == Glyphs::Ascii => None,
        Palette::TrueColour => Some(Color::Rgb(value, value, value)),
        // Of 256 colours, 232 to 255 are greys; black and white stand in the cube.
        Palette::Indexed => Some(Color::Indexed(match value {
            0..=4 => 16,
            251..=255 => 231,
            _ => 232 + ((u16::from(value) - 3) * 24 / 250).min(23) as u8,
        })),
        Palette::Sixteen => {
            Some([Color::Black, Color::DarkGray, Color::Gray, Color::White][usize::from(value) * 4 / 256])
        }
        Palette::None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Source;

    fn grid(captions: &[&str]) -> ImageGrid {
        let captions = captions.iter().map(ToString::to_string).collect();
        let images = vec![vec![0, 255, 0, 255], vec![255, 0, 255, 0], vec![255; 4]];
        ImageGrid { title: "t".into(), width: 2, height: 2, images, captions, source: Source::Measured }
    }

    fn rows(theme: Theme, figure: &ImageGrid, area: Rect) -> Vec<String> {
        let mut buffer = Buffer::empty(area);
        draw(&theme, figure, 0..figure.images.len(), area, &mut buffer);
        (0..area.height).map(|y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect()).collect()
    }

    #[test]
    fn letters_stand_for_greys() {
        let plain = Theme { palette: Palette::None, glyphs: Glyphs::Unicode };
        assert_eq!(rows(plain, &grid(&["a", "b", "c"]), Rect::new(0, 0, 5, 4)), [" @ @ ", "a  b ", "@@   ", "c    "]);
        assert_eq!(rows(plain, &grid(&[]), Rect::new(0, 0, 8, 1)), [" @ @  @@"]);
    }

    #[test]
    fn each_palette_has_black_and_white() {
        for palette in [Palette::TrueColour, Palette::Indexed, Palette::Sixteen] {
            let theme = Theme { palette, glyphs: Glyphs::Unicode };
            let greys: Vec<_> = [0, 100, 180, 255].map(|value| grey(&theme, value).unwrap()).into();
            assert!((0..4).all(|a| (a + 1..4).all(|b| greys[a] != greys[b])), "{greys:?}");
        }
    }
}
