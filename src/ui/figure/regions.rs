//! Draws a plane divided into regions as half blocks, two points in a cell. Without colours each region is a digit or a
//! letter.

use crate::theme::pixels;
use crate::theme::{Glyphs, Palette, Theme};
use app::{Background, luminance};
use lesson::Pixel;
use protocol::Regions;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use std::collections::HashMap;

pub fn draw(theme: &Theme, figure: &Regions, area: Rect, buffer: &mut Buffer) {
    let top = area.y;
    let rows = area.bottom().saturating_sub(top);
    if figure.width == 0 || figure.height == 0 || rows == 0 {
        return;
    }
    // As large as fits, at most one point for a dot, with its proportions kept. A cell is two dots high.
    let scale = (f64::from(area.width) / f64::from(figure.width))
        .min(f64::from(rows) * 2.0 / f64::from(figure.height))
        .min(1.0);
    let (width, height) = (f64::from(figure.width) * scale, f64::from(figure.height) * scale);
    let (columns, dots) = (width.floor().max(1.0) as u16, height.floor().max(1.0) as u16);
    let region = |column: u16, dot: u16| {
        let pick = |at: u16, of: u16, all: u32| {
            ((f64::from(at) + 0.5) / f64::from(of) * f64::from(all)).min(f64::from(all - 1)) as usize
        };
        let at = pick(dot, dots, figure.height) * figure.width as usize + pick(column, columns, figure.width);
        figure.regions.get(at).copied().unwrap_or(0)
    };
    // If there are few regions, each is drawn as its number.
    let few = figure.regions.iter().all(|&region| region < 10);
    let letter = |region: u32| char::from(if few { b'0' + region as u8 } else { b'a' + (region % 26) as u8 });
    // The colour of a region is computed once for each frame.
    let mut colours = HashMap::new();
    let mut colour = |region: u32| *colours.entry(region).or_insert_with(|| colour(theme, region));
    for row in 0..dots.div_ceil(2).min(rows) {
        for column in 0..columns {
            let (upper, lower) = (region(column, 2 * row), region(column, (2 * row + 1).min(dots - 1)));
            let Some(cell) = buffer.cell_mut((area.x + column, top + row)) else { continue };
            match colour(upper).zip(colour(lower)) {
                Some((upper, lower)) => cell.set_char('▀').set_style(Style::new().fg(upper).bg(lower)),
                None => cell.set_char(letter(upper)),
            };
        }
    }
    for mark in &figure.marks {
        let column = (mark.at[0] * scale).floor().clamp(0.0, f64::from(columns - 1)) as u16;
        let row = (mark.at[1] * scale / 2.0).floor().clamp(0.0, f64::from(rows - 1)) as u16;
        // The cell's colours are reset, else the mark could have the colour of its background.
        let style = Style::reset().patch(theme.strong()).patch(theme.selected());
        let room = usize::from(area.right().saturating_sub(area.x + column));
        buffer.set_stringn(area.x + column, top + row, theme.text(&mark.label), room, style);
    }
}

/// A colour for each region. Regions with close numbers differ most, by steps of the golden ratio around the colour
/// circle.
fn colour(theme: &Theme, region: u32) -> Option<Color> {
    match theme.palette {
        _ if theme.glyphs == Glyphs::Ascii => None,
        Palette::TrueColour => Some(shade(theme.background, region).into()),
        Palette::Indexed => Some(Color::Indexed(pixels::indexed(shade(theme.background, region)))),
        Palette::Sixteen => Some(
            [Color::Red, Color::Cyan, Color::Yellow, Color::Blue, Color::Green, Color::Magenta, Color::Gray]
                [(region % 7) as usize],
        ),
        Palette::None => None,
    }
}

/// Light on a dark background and dark on a light one, so that the plane stands out whatever its hue.
fn shade(background: Background, region: u32) -> Pixel {
    let turn = (f64::from(region) * 0.618_033_988_749_895).fract();
    let light = (f64::from(region) * 0.754_877_666_246_693).fract();
    let hue = [0.0, 1.0 / 3.0, 2.0 / 3.0].map(|shift| {
        let wave = 0.5 + 0.5 * (std::f64::consts::TAU * (turn + shift)).cos();
        0.25 + 0.75 * wave
    });
    let (low, high) = match background {
        Background::Dark => (0.22, 0.6),
        Background::Light => (0.05, 0.2),
    };
    let wanted = low + (high - low) * light;
    // The brightness is scaled until the luminance is right; luminance rises with the factor.
    let scaled = |factor: f64| hue.map(|part| (part * factor).min(1.0));
    let (mut below, mut above) = (0.0, 4.0);
    for _ in 0..12 {
        let middle = f64::midpoint(below, above);
        if luminance(scaled(middle)) < wanted { below = middle } else { above = middle }
    }
    scaled(above).map(|part| (255.0 * part).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::{contrast, rgb};
    use protocol::{PlotMark, Source};

    fn figure() -> Regions {
        let regions = (0..64).map(|at| u32::from(at % 8 >= 4) + 2 * u32::from(at >= 32)).collect();
        let mark = PlotMark { label: "x".into(), source: Source::Measured, at: [0.0, 0.0] };
        Regions { title: "Pieces".into(), width: 8, height: 8, regions, marks: vec![mark], source: Source::Measured }
    }

    fn rows(theme: Theme, area: Rect) -> Vec<String> {
        let mut buffer = Buffer::empty(area);
        draw(&theme, &figure(), area, &mut buffer);
        (0..area.height).map(|y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect()).collect()
    }

    #[test]
    fn four_quarters_and_a_mark() {
        let plain = Theme::new(Palette::None, Glyphs::Unicode);
        assert_eq!(rows(plain, Rect::new(0, 0, 8, 4)), ["x0001111", "00001111", "22223333", "22223333"]);
        // Half of the rows give half of the size, with the proportions kept.
        assert_eq!(rows(plain, Rect::new(0, 0, 8, 2)), ["x011    ", "2233    "]);
        assert!(rows(plain, Rect::new(0, 0, 8, 0)).is_empty());
    }

    /// Graphics need a contrast of 3 to 1 (WCAG 2.2, 1.4.11).
    #[test]
    fn every_region_stands_out_from_the_page() {
        for (background, page) in [(Background::Dark, (0x00, 0x2b, 0x36)), (Background::Light, (0xfd, 0xf6, 0xe3))] {
            for palette in [Palette::TrueColour, Palette::Indexed] {
                let theme = Theme::new(palette, Glyphs::Unicode).on(background);
                for region in 0..500 {
                    let colour = rgb(colour(&theme, region).unwrap()).unwrap();
                    assert!(contrast(colour, page) >= 3.0, "{background:?} {palette:?} {region}: {colour:?}");
                }
            }
        }
    }

    #[test]
    fn regions_have_colours_of_their_own() {
        let rich = Theme::new(Palette::TrueColour, Glyphs::Unicode);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 4));
        draw(&rich, &figure(), buffer.area, &mut buffer);
        let looks: Vec<_> = [(1, 1), (5, 1), (1, 3), (5, 3)].map(|at| buffer[at].fg).into();
        assert!((0..4).all(|a| (a + 1..4).all(|b| looks[a] != looks[b])), "{looks:?}");
        assert_eq!((buffer[(0, 0)].fg, buffer[(0, 0)].bg), (Color::Reset, Color::Reset), "the mark is seen");
    }
}
