//! Draws small images: with true pixels where the terminal shows them, else as half blocks.
//!
//! Drawing writes no image. It leaves the image's cells blank and records where the image belongs; the shell sends it after
//! the cells. A cell that is drawn over later is no longer the image's own, which [`FrameRecord::finish`] finds once the
//! whole frame is drawn: an image that is covered in part is drawn as half blocks in the cells that it has left.

use crate::theme::{Theme, pixels};
use app::DrawnTarget;
use lesson::Pixel;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Style};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// The pixels of an image, row by row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Image {
    pub width: u32,
    pub height: u32,
    pixels: Arc<[Pixel]>,
}

/// An image on the screen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlacedImage {
    /// The cells of the image. It begins at their upper left corner and may not fill those at the right and at the bottom.
    pub area: Rect,
    pub image: Image,
    /// Width and height on the screen, in pixels.
    pub size: (u32, u32),
}

/// What is drawn in a frame beside its cells.
#[derive(Debug, Default)]
pub struct FrameRecord {
    /// In the order in which they were drawn.
    images: Vec<PlacedImage>,
    /// What a click chooses.
    pub targets: Vec<DrawnTarget>,
}

/// What images are drawn on, and things that can be clicked.
pub struct ImageCanvas<'a> {
    pub buffer: &'a mut Buffer,
    pub record: &'a mut FrameRecord,
}

/// Draws an image of width x height pixels, as large as fits into the area, at its upper left corner. Returns the cells that
/// it takes. Pixels that are missing are black.
pub fn draw(
    theme: &Theme,
    pixels: &[Pixel],
    (width, height): (u32, u32),
    area: Rect,
    canvas: &mut ImageCanvas,
) -> Rect {
    let area = area.intersection(canvas.buffer.area);
    if area.is_empty() || width == 0 || height == 0 {
        return Rect { width: 0, height: 0, ..area };
    }
    let Some(cell) = theme.image_cell else {
        return draw_blocks(theme, pixels, (width, height), area, canvas.buffer, None);
    };
    let (cell_width, cell_height) = (u32::from(cell.width), u32::from(cell.height));
    let room = (u32::from(area.width) * cell_width, u32::from(area.height) * cell_height);
    let size = fit((width, height), room);
    let (columns, rows) = (size.0.div_ceil(cell_width) as u16, size.1.div_ceil(cell_height) as u16);
    let area = Rect { width: columns, height: rows, ..area };
    let marker = marker(canvas.record.images.len());
    for position in area.positions() {
        canvas.buffer[position].reset();
        canvas.buffer[position].set_char(marker);
    }
    canvas.record.images.push(PlacedImage { area, image: Image::new(pixels, (width, height)), size });
    area
}

/// The largest size with the proportions of an image that fits into the room. An image that is enlarged three times or more
/// is enlarged by a whole number, so that all its pixels are as large: elsewhere the difference would be seen.
pub fn fit((width, height): (u32, u32), room: (u32, u32)) -> (u32, u32) {
    let [width, height, most_width, most_height] = [width.max(1), height.max(1), room.0, room.1].map(u64::from);
    let whole = (most_width / width).min(most_height / height);
    if whole >= 3 {
        return ((width * whole) as u32, (height * whole) as u32);
    }
    let (width, height) = if most_width * height <= most_height * width {
        (most_width, most_width * height / width)
    } else {
        (most_height * width / height, most_height)
    };
    (width.max(1) as u32, height.max(1) as u32)
}

/// The nearest of `all` pixels to one of `shown` pixels.
fn nearest(at: u32, shown: u32, all: u32) -> usize {
    ((2 * u64::from(at) + 1) * u64::from(all) / (2 * u64::from(shown.max(1)))) as usize
}

impl Image {
    pub fn new(pixels: &[Pixel], (width, height): (u32, u32)) -> Self {
        let missing = std::iter::repeat(Pixel::default());
        let count = width as usize * height as usize;
        Self { width, height, pixels: pixels.iter().copied().chain(missing).take(count).collect() }
    }

    /// The pixels at another size, each the nearest of the image's: its pixels stay visible.
    pub fn scaled(&self, (width, height): (u32, u32)) -> Vec<Pixel> {
        let columns: Vec<usize> = (0..width).map(|x| nearest(x, width, self.width)).collect();
        let rows = (0..height).map(|y| nearest(y, height, self.height) * self.width as usize);
        rows.flat_map(|row| columns.iter().map(move |column| self.pixels[row + column])).collect()
    }
}

/// Marks the cells of an image while the frame is drawn. The character is for private use, and no text has it.
fn marker(number: usize) -> char {
    char::from_u32(0x10_0000 + (number % 0xfffe) as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Whether a cell still belongs to the image of this number.
fn is_own(cell: &Cell, number: usize) -> bool {
    cell.symbol().chars().eq([marker(number)])
}

/// Draws an image as half blocks; of an image with a number only into the cells of the area that are still its own. Returns
/// the cells that it takes.
fn draw_blocks(
    theme: &Theme,
    pixels: &[Pixel],
    (width, height): (u32, u32),
    area: Rect,
    buffer: &mut Buffer,
    number: Option<usize>,
) -> Rect {
    let (columns, dots) = fit((width, height), (area.width.into(), 2 * u32::from(area.height)));
    let pixel = |column: u16, dot: u32| {
        let at = nearest(dot, dots, height) * width as usize + nearest(column.into(), columns, width);
        pixels.get(at).copied().filter(|_| dot < dots).unwrap_or_default()
    };
    let drawn = Rect { width: columns as u16, height: dots.div_ceil(2) as u16, ..area };
    let has = |cell: &&mut Cell| number.is_none_or(|number| is_own(cell, number));
    for position in if number.is_some() { area } else { drawn }.positions() {
        let Some(cell) = buffer.cell_mut(position).filter(has) else { continue };
        if drawn.contains(position) {
            let (column, dot) = (position.x - area.x, 2 * u32::from(position.y - area.y));
            pixels::draw(theme, pixel(column, dot), Some(pixel(column, dot + 1)), cell);
        } else {
            cell.set_char(' ');
        }
    }
    drawn
}

impl FrameRecord {
    /// How many images have been drawn.
    pub fn count(&self) -> usize {
        self.images.len()
    }

    /// Moves the images from number `first` on from an off-screen buffer to the screen. `visible` is the part of the buffer
    /// that is copied to the screen, to `to`. An image that is not wholly in it is drawn as half blocks.
    pub(crate) fn move_to_screen(
        &mut self,
        theme: &Theme,
        first: usize,
        visible: Rect,
        to: Position,
        buffer: &mut Buffer,
    ) {
        for (number, placed) in self.images.iter_mut().enumerate().skip(first) {
            if placed.area.is_empty() {
                continue;
            }
            if placed.area.intersection(visible) == placed.area {
                placed.area.x = placed.area.x - visible.x + to.x;
                placed.area.y = placed.area.y - visible.y + to.y;
            } else {
                placed.draw_blocks(theme, number, buffer);
                placed.area = Rect::ZERO;
            }
        }
    }

    /// Returns the images that the finished frame shows with true pixels, whose cells it blanks, and what can be clicked.
    pub fn finish(self, theme: &Theme, buffer: &mut Buffer) -> (Vec<PlacedImage>, Vec<DrawnTarget>) {
        let is_shown = |(number, placed): (usize, PlacedImage)| {
            let own = |position: Position| buffer.cell(position).is_some_and(|cell| is_own(cell, number));
            // A terminal may scroll after a Sixel image in the last row.
            let is_whole = placed.area.bottom() < buffer.area.bottom() && placed.area.positions().all(own);
            if placed.area.is_empty() {
                return None;
            }
            if !is_whole {
                placed.draw_blocks(theme, number, buffer);
                return None;
            }
            let fore = placed.blank_colour();
            for position in placed.area.positions() {
                buffer[position].set_char(' ').set_style(Style::reset().fg(fore));
            }
            Some(placed)
        };
        (self.images.into_iter().enumerate().filter_map(is_shown).collect(), self.targets)
    }
}

impl PlacedImage {
    fn draw_blocks(&self, theme: &Theme, number: usize, buffer: &mut Buffer) {
        let Image { width, height, pixels } = &self.image;
        draw_blocks(theme, pixels, (*width, *height), self.area, buffer, Some(number));
    }

    /// The colour of the blanks beneath an image. It is never seen, and differs from image to image, so that the cells
    /// count as changed when another image, or none, takes them: the terminal then gets blanks, which erase the old
    /// image.
    fn blank_colour(&self) -> Color {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        let [red, green, blue, ..] = hasher.finish().to_le_bytes();
        Color::Rgb(red, green, blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::{Glyphs, Palette};
    use app::CellSize;

    const BLACK: Pixel = [0; 3];
    const RED: Pixel = [255, 0, 0];
    const BLUE: Pixel = [0, 0, 255];
    const FOUR: [Pixel; 4] = [RED, BLACK, BLACK, BLUE];

    fn blocks() -> Theme {
        Theme::new(Palette::TrueColour, Glyphs::Unicode)
    }

    /// With cells of 10x20 pixels.
    fn true_pixels() -> Theme {
        blocks().with_images(CellSize::new(10, 20))
    }

    /// Draws the image of 2x2 pixels, then whatever covers it.
    fn drawn(theme: &Theme, area: Rect, cover: impl Fn(&mut Buffer)) -> (Buffer, Vec<PlacedImage>) {
        let (mut buffer, mut record) = (Buffer::empty(Rect::new(0, 0, 8, 4)), FrameRecord::default());
        draw(theme, &FOUR, (2, 2), area, &mut ImageCanvas { buffer: &mut buffer, record: &mut record });
        cover(&mut buffer);
        let (placed, _) = record.finish(theme, &mut buffer);
        (buffer, placed)
    }

    fn rows(buffer: &Buffer) -> Vec<String> {
        let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect();
        (0..buffer.area.height).map(row).collect()
    }

    #[test]
    fn an_image_is_as_large_as_fits() {
        assert_eq!(fit((28, 28), (280, 300)), (280, 280));
        assert_eq!(fit((28, 14), (100, 100)), (84, 42), "three times");
        assert_eq!(fit((28, 14), (70, 100)), (70, 35));
        assert_eq!(fit((1, 1000), (10, 10)), (1, 10));
        assert_eq!(fit((u32::MAX, u32::MAX), (10, 20)), (10, 10));
        let image = Image::new(&FOUR, (2, 2));
        assert_eq!(image.scaled((4, 2)), [RED, RED, BLACK, BLACK, BLACK, BLACK, BLUE, BLUE]);
        assert_eq!(Image::new(&[RED, BLUE, BLACK], (3, 1)).scaled((1, 1)), [BLUE], "the middle one");
        assert_eq!(Image::new(&[RED], (2, 1)).scaled((2, 1)), [RED, BLACK]);
    }

    #[test]
    fn without_true_pixels_an_image_is_half_blocks() {
        let (buffer, placed) = drawn(&blocks(), Rect::new(1, 0, 4, 2), |_| {});
        assert_eq!(placed, []);
        assert_eq!(rows(&buffer), [" ▀▀▀▀   ", " ▀▀▀▀   ", "        ", "        "]);
        assert_eq!((buffer[(1, 0)].fg, buffer[(1, 0)].bg), (Color::from(RED), Color::from(RED)));
        assert_eq!(buffer[(4, 1)].fg, Color::from(BLUE));
        for plain in [Theme::new(Palette::None, Glyphs::Unicode), Theme::new(Palette::TrueColour, Glyphs::Ascii)] {
            let (_, placed) = drawn(&plain.with_images(CellSize::new(10, 20)), Rect::new(1, 0, 4, 2), |_| {});
            assert_eq!(placed, [], "without colours or in ASCII never");
        }
    }

    #[test]
    fn with_true_pixels_the_cells_are_left_blank() {
        let (buffer, placed) = drawn(&true_pixels(), Rect::new(1, 0, 6, 2), |_| {});
        let [placed] = &placed[..] else { panic!("{placed:?}") };
        // 40 pixels high, so 40 wide: four columns.
        assert_eq!((placed.area, placed.size), (Rect::new(1, 0, 4, 2), (40, 40)));
        assert_eq!(rows(&buffer), ["        "; 4]);
        assert_ne!(buffer[(1, 0)], buffer[(0, 0)], "ratatui must see that the image's cells change");
    }

    #[test]
    fn a_covered_image_is_not_shown() {
        let area = Rect::new(1, 0, 4, 2);
        let (buffer, placed) = drawn(&true_pixels(), area, |buffer| {
            buffer.set_string(3, 1, "text", Style::new());
        });
        assert_eq!(placed, []);
        assert_eq!(rows(&buffer), [" ▀▀▀▀   ", " ▀▀text ", "        ", "        "]);
        let (buffer, placed) = drawn(&true_pixels(), area, Buffer::reset);
        assert_eq!((buffer, placed), (Buffer::empty(Rect::new(0, 0, 8, 4)), Vec::new()));
    }

    #[test]
    fn no_image_reaches_the_last_row() {
        let (buffer, placed) = drawn(&true_pixels(), Rect::new(0, 2, 4, 2), |_| {});
        assert_eq!(placed, []);
        assert_eq!(rows(&buffer)[3], "▀▀▀▀    ");
    }

    #[test]
    fn an_image_that_is_scrolled_out_in_part_is_half_blocks() {
        let theme = true_pixels();
        let moved = |visible: Rect| {
            let (mut buffer, mut record) = (Buffer::empty(Rect::new(0, 0, 8, 6)), FrameRecord::default());
            let mut canvas = ImageCanvas { buffer: &mut buffer, record: &mut record };
            draw(&theme, &FOUR, (2, 2), Rect::new(0, 2, 4, 2), &mut canvas);
            record.move_to_screen(&theme, 0, visible, Position::new(3, 1), &mut buffer);
            let mut screen = Buffer::empty(Rect::new(0, 0, 12, 9));
            for position in visible.positions() {
                screen[(position.x + 3, position.y - visible.y + 1)] = buffer[position].clone();
            }
            let (placed, _) = record.finish(&theme, &mut screen);
            (placed.iter().map(|placed| placed.area).collect::<Vec<_>>(), rows(&screen)[1].clone())
        };
        assert_eq!(moved(Rect::new(0, 1, 8, 4)), (vec![Rect::new(3, 2, 4, 2)], " ".repeat(12)));
        assert_eq!(moved(Rect::new(0, 3, 8, 3)), (Vec::new(), "   ▀▀▀▀     ".into()));
    }
}
