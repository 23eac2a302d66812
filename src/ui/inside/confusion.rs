//! How often each class is answered for each: truth in rows, answers in columns.

use super::{Column, write};
use crate::image::ImageCanvas;
use crate::theme::Theme;
use crate::theme::heat::heat;
use protocol::{ConfusionMatrix, ImageSplit};
use ratatui::layout::Rect;

pub fn draw(
    theme: &Theme,
    classes: &[String],
    (matrix, split): (&ConfusionMatrix, ImageSplit),
    column: &Column,
    area: Rect,
    canvas: &mut ImageCanvas,
) {
    let room = usize::from(area.width);
    let (error, wrong, images) = (matrix.error(), matrix.wrong(), matrix.images());
    let head = format!("{}: error {error:.2} %, {wrong} of {images} {} images", column.title, split.name());
    write(canvas.buffer, area.x, area.y, theme.text(&head), room, theme.strong());
    let name = classes.iter().map(|class| class.chars().count()).max().unwrap_or(1).min(5) as u16;
    let width = ((area.width.saturating_sub(name + 1)) / classes.len().max(1) as u16).clamp(3, 6);
    let y = area.y + 2;
    write(canvas.buffer, area.x, area.y + 1, "truth in rows, answers in columns", room, theme.faint());
    let cell_text = |text: &str| format!("{text:>width$}", width = usize::from(width.saturating_sub(1)));
    let cut = |class: &String| class.chars().take(usize::from(width.saturating_sub(1).min(5))).collect::<String>();
    for (at, class) in (0..).zip(classes) {
        let x = area.x + name + 1 + at * width;
        write(canvas.buffer, x, y, cell_text(&cut(class)), usize::from(width), theme.faint());
    }
    let off = || {
        matrix.0.iter().enumerate().flat_map(|(truth, row)| {
            row.iter().enumerate().filter(move |(at, _)| *at != truth).map(|(_, count)| *count)
        })
    };
    let most = off().max().unwrap_or(0).max(1);
    // A blank row between where there is room.
    let step = if area.height >= 2 * classes.len() as u16 + 4 { 2 } else { 1 };
    for (truth, row) in matrix.0.iter().enumerate() {
        let y = y + 1 + truth as u16 * step;
        if y >= area.bottom() {
            break;
        }
        let class = classes.get(truth).map(|class| class.chars().take(usize::from(name)).collect::<String>());
        write(canvas.buffer, area.x, y, class.unwrap_or_default(), usize::from(name), theme.faint());
        for (answer, count) in row.iter().enumerate() {
            let x = area.x + name + 1 + answer as u16 * width;
            let (text, style) = match (*count, truth == answer) {
                (count, true) => (count.to_string(), theme.faint()),
                (0, false) => ("·".into(), theme.faint()),
                (count, false) => (count.to_string(), heat(theme, f64::from(count) / f64::from(most))),
            };
            write(canvas.buffer, x, y, theme.text(&cell_text(&text)), usize::from(width - 1), style);
        }
    }
}
