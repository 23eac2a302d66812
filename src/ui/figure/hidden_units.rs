//! Draws an image and the hidden units that respond to it: one glyph for each unit, with distinct colours for those
//! that switched.

use super::images;
use crate::image::ImageCanvas;
use crate::theme::{Glyphs, Theme};
use protocol::{UnitState, Units};
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Below this width the image is left out and the units get all columns.
const FEWEST: u16 = 24;
const GAP: u16 = 3;

pub fn draw(theme: &Theme, figure: &Units, area: Rect, canvas: &mut ImageCanvas) {
    // The image is twice as large if the units keep half of the columns.
    let large = 2 * figure.width as u16 + GAP;
    let twice = area.width >= large + large.max(FEWEST) && area.height >= figure.height as u16;
    let scale = if twice { 2 } else { 1 };
    let width = figure.width as u16 * scale;
    let codes = if area.width >= width + GAP + FEWEST {
        images::one(theme, &figure.image, (figure.width, figure.height), scale, area, canvas);
        Rect { x: area.x + width + GAP, width: area.width - width - GAP, ..area }
    } else {
        area
    };
    let buffer = &mut *canvas.buffer;
    let mut y = codes.y;
    let taken: usize =
        figure.codes.iter().map(|code| 1 + code.units.len().div_ceil(usize::from(codes.width.max(1)))).sum();
    // Codes and legend are spaced out if there is room.
    let gap = u16::from(taken + 1 + figure.codes.len() <= usize::from(codes.height));
    for code in &figure.codes {
        if y >= codes.bottom() {
            return;
        }
        let room = usize::from(codes.width);
        buffer.set_stringn(codes.x, y, theme.text(&code.name), room, theme.strong());
        let said = code.name.chars().count() as u16 + 2;
        if said < codes.width {
            let room = usize::from(codes.width - said);
            buffer.set_stringn(codes.x + said, y, theme.text(&code.text), room, theme.faint());
        }
        y += 1;
        for line in code.units.chunks(room.max(1)) {
            for (&unit, x) in line.iter().zip(codes.x..).filter(|_| y < codes.bottom()) {
                let (mark, style) = look(theme, unit);
                buffer.set_string(x, y, mark, style);
            }
            y += 1;
        }
        y += gap;
    }
    let mut x = codes.x;
    for (unit, words) in [
        (UnitState::On, "on"),
        (UnitState::Off, "off"),
        (UnitState::SwitchedOn, "came on"),
        (UnitState::SwitchedOff, "went off"),
    ] {
        let (mark, style) = look(theme, unit);
        if y < codes.bottom() && x + (words.len() as u16) + 2 <= codes.right() {
            buffer.set_string(x, y, mark, style);
            buffer.set_string(x + 2, y, words, theme.faint());
        }
        x += words.len() as u16 + 4;
    }
}

fn look(theme: &Theme, unit: UnitState) -> (&'static str, Style) {
    let ascii = theme.glyphs == Glyphs::Ascii;
    match unit {
        UnitState::Off => (if ascii { "." } else { "·" }, theme.faint()),
        UnitState::On => (if ascii { "#" } else { "■" }, Style::new()),
        UnitState::SwitchedOn => (if ascii { "+" } else { "▲" }, theme.good()),
        UnitState::SwitchedOff => (if ascii { "-" } else { "▽" }, theme.bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Palette;
    use crate::image::FrameRecord;
    use protocol::{Code, Source};
    use ratatui::buffer::Buffer;

    #[test]
    fn the_image_stands_beside_its_units_or_gives_way() {
        let units = [UnitState::On, UnitState::Off, UnitState::SwitchedOn, UnitState::SwitchedOff].repeat(7);
        let code = Code { name: "ReLU".into(), text: "14 active".into(), units };
        let (title, image) = ("t".into(), vec![255; 4]);
        let figure = Units { title, width: 2, height: 2, image, codes: vec![code], source: Source::Measured };
        let rows = |columns: u16| -> Vec<String> {
            let area = Rect::new(0, 0, columns, 4);
            let mut buffer = Buffer::empty(area);
            let mut canvas = ImageCanvas { buffer: &mut buffer, record: &mut FrameRecord::default() };
            draw(&Theme::new(Palette::None, Glyphs::Ascii), &figure, area, &mut canvas);
            (0..4).map(|y| (0..columns).map(|x| buffer[(x, y)].symbol()).collect()).collect()
        };
        let wide = rows(29);
        assert_eq!(wide[0], "@@   ReLU  14 active         ");
        assert_eq!(wide[1], "     #.+-#.+-#.+-#.+-#.+-#.+-");
        let narrow = rows(24);
        assert_eq!((narrow[0].trim_end(), narrow[2].trim_end()), ("ReLU  14 active", "#.+-"));
        assert_eq!(narrow[3].trim_end(), "# on  . off  + came on");
    }
}
