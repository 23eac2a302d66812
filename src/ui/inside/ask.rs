//! The answer to one image, as the probabilities of all classes, with the image.

use super::Column;
use super::digit::{AnswerBars, draw_answers};
use super::tiles::{draw_image, image_cells};
use super::write;
use crate::image::ImageCanvas;
use crate::theme::Theme;
use protocol::SeenImage;
use ratatui::layout::Rect;

pub fn draw(
    theme: &Theme,
    (image, classes, probabilities): (&SeenImage, &[String], &[f32]),
    column: &Column,
    area: Rect,
    canvas: &mut ImageCanvas,
) {
    write(canvas.buffer, area.x, area.y, &column.caption, usize::from(area.width), theme.faint());
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    // The bars need some columns beside the image.
    let is_large = |shrink: &u32| {
        let (width, height) = image_cells(image.shape, *shrink);
        width + BARS > below.width || height > below.height
    };
    let shrink = if is_large(&1) { 2 } else { 1 };
    draw_image(theme, image.shape, &image.pixels, shrink, below, canvas);
    let left = image_cells(image.shape, shrink).0 + 2;
    let bars = Rect { x: below.x + left, width: below.width.saturating_sub(left), ..below };
    let bars_of =
        AnswerBars { arm: &column.title, style: column.style, classes, probabilities, stale: false, note: "" };
    draw_answers(theme, &[bars_of], bars, canvas.buffer);
}

/// Columns of the bars, with their names and numbers.
const BARS: u16 = 26;
