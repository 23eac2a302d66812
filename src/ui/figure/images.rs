//! Draws grey images in a grid.

use crate::theme::Theme;
use crate::theme::pixels;
use app::ImageLayout;
use protocol::ImageGrid;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::ops::Range;

/// Draws some images of a grid row by row, each with its caption beneath.
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

/// Draws one image of width x height pixels at the top left of its area. A pixel is `scale` columns wide.
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
        pixels::draw(theme, [upper; 3], Some([lower; 3]), cell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::{Glyphs, Palette};
    use protocol::Source;

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
        let plain = Theme::new(Palette::None, Glyphs::Unicode);
        assert_eq!(rows(plain, &grid(&["a", "b", "c"]), Rect::new(0, 0, 5, 4)), [" @ @ ", "a  b ", "@@   ", "c    "]);
        assert_eq!(rows(plain, &grid(&[]), Rect::new(0, 0, 8, 1)), [" @ @  @@"]);
    }
}
