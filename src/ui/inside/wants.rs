//! What a unit responds to most: images of the data, and one that gradient ascent has found.

use super::tiles::{draw_image, image_cells};
use super::{Column, fit, mark, say, write};
use crate::image::ImageCanvas;
use crate::theme::Theme;
use app::InsideTarget;
use protocol::{ImageSplit, Layer, Optimised, Response, SeenShape, format_count};
use ratatui::layout::Rect;

pub fn draw(
    theme: &Theme,
    (layer, unit, shape): (Layer, u32, SeenShape),
    (images, (sample, split), optimised): (&[Response], (u32, ImageSplit), &Optimised),
    column: &Column,
    area: Rect,
    canvas: &mut ImageCanvas,
) {
    let room = usize::from(area.width);
    let head = format!("{layer}:{unit} wants this, output {:.2}", optimised.output);
    write(canvas.buffer, area.x, area.y, theme.text(&head), room, theme.strong());
    let shrink = if area.height >= 36 { 1 } else { 2 };
    let (width, height) = image_cells(shape, shrink);
    draw_image(
        theme,
        shape,
        &optimised.pixels,
        shrink,
        Rect { y: area.y + 1, height: height.min(area.height), ..area },
        canvas,
    );
    let beside = Rect { x: area.x + width + 1, width: area.width.saturating_sub(width + 1), y: area.y + 1, height };
    let how = format!("{} steps, seed {}, {}", optimised.steps, optimised.seed, optimised.regulariser);
    say(theme, &how, beside, canvas);
    let y = area.y + height + 1;
    let text = format!("of the first {}:", format_count(sample as usize, &format!("{} image", split.name())));
    write(canvas.buffer, area.x, y, fit(theme, &text, room), room, theme.faint());
    let (width, height) = image_cells(shape, 2);
    let across = ((area.width + 1) / (width + 1)).max(1);
    for (at, image) in (0..).zip(images) {
        let (x, y) = (area.x + at % across * (width + 1), y + 1 + at / across * (height + 1));
        if y + height >= area.bottom() {
            break;
        }
        draw_image(theme, shape, &image.pixels, 2, Rect { x, y, width, height }, canvas);
        mark(canvas, Rect { x, y, width, height: height + 1 }, InsideTarget::Image(image.number));
        let caption = format!("{} {:.2}", column.class(image.truth as usize), image.output);
        write(canvas.buffer, x, y + height, theme.text(&caption), usize::from(width), theme.faint());
    }
}
