//! Draws grey images in a grid.

use crate::image::{self, ImageCanvas};
use crate::theme::Theme;
use app::ImageLayout;
use lesson::Pixel;
use protocol::ImageGrid;
use ratatui::layout::Rect;
use std::ops::Range;

/// Draws some images of a grid row by row, each with its caption beneath.
pub fn draw(theme: &Theme, figure: &ImageGrid, shown: Range<usize>, area: Rect, canvas: &mut ImageCanvas) {
    let layout = ImageLayout::new(figure, area.width, area.height, theme.image_cell);
    let ImageLayout { width, height, across, .. } = layout;
    let size = (figure.width, figure.height);
    for (at, number) in (0_u16..).zip(shown) {
        let Some(image) = figure.images.get(number) else { break };
        let (left, top) = (area.x + at % across * (width + 1), area.y + at / across * height);
        let whole = Rect { x: left, y: top, width: layout.columns, height: layout.rows };
        let place = whole.intersection(area);
        if place == whole || theme.image_cell.is_some() {
            let pixels: Vec<Pixel> = image.iter().map(|value| [*value; 3]).collect();
            image::draw(theme, &pixels, size, place, canvas);
        } else {
            one(theme, image, size, 1, place, canvas);
        }
        if let Some(caption) = figure.captions.get(number) {
            let row = top + height - 1;
            if row < area.bottom() {
                let room = usize::from(width.min(area.right().saturating_sub(left)));
                canvas.buffer.set_stringn(left, row, theme.text(caption), room, theme.faint());
            }
        }
    }
}

/// Draws one grey image of width x height pixels at the top left of its area. A pixel is `scale` columns wide. Of an image
/// that is larger than its area the part at the top left is drawn.
pub fn one(
    theme: &Theme,
    image: &[u8],
    (width, height): (u32, u32),
    scale: u16,
    place: Rect,
    canvas: &mut ImageCanvas,
) {
    let scale = scale.max(1);
    let columns = width.min(u32::from(place.width / scale));
    let rows = height.min(2 * u32::from(place.height) / u32::from(scale));
    let row = |row: u32| (0..columns).map(move |column| row as usize * width as usize + column as usize);
    let pixels: Vec<Pixel> = (0..rows).flat_map(row).map(|at| [image.get(at).copied().unwrap_or(0); 3]).collect();
    let (wide, high) = (columns as u16 * scale, (rows as u16 * scale).div_ceil(2));
    image::draw(theme, &pixels, (columns, rows), Rect { width: wide, height: high, ..place }, canvas);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::FrameRecord;
    use crate::theme::{Glyphs, Palette};
    use protocol::Source;
    use ratatui::buffer::Buffer;

    fn grid(captions: &[&str]) -> ImageGrid {
        let captions = captions.iter().map(ToString::to_string).collect();
        let images = vec![vec![0, 255, 0, 255], vec![255, 0, 255, 0], vec![255; 4]];
        ImageGrid { title: "t".into(), width: 2, height: 2, images, captions, source: Source::Measured }
    }

    fn rows(theme: Theme, figure: &ImageGrid, area: Rect) -> Vec<String> {
        let mut buffer = Buffer::empty(area);
        let mut canvas = ImageCanvas { buffer: &mut buffer, record: &mut FrameRecord::default() };
        draw(&theme, figure, 0..figure.images.len(), area, &mut canvas);
        (0..area.height).map(|y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect()).collect()
    }

    #[test]
    fn letters_stand_for_greys() {
        let plain = Theme::new(Palette::None, Glyphs::Unicode);
        assert_eq!(rows(plain, &grid(&["a", "b", "c"]), Rect::new(0, 0, 5, 4)), [" @ @ ", "a  b ", "@@   ", "c    "]);
        assert_eq!(rows(plain, &grid(&[]), Rect::new(0, 0, 8, 1)), [" @ @  @@"]);
    }
}
