//! Small pictures of numbers: signed values on a scale with zero in the middle, and images.

use crate::image::{self, ImageCanvas};
use crate::theme::{Glyphs, Palette, Theme, pixels};
use app::Background;
use lesson::Pixel;
use protocol::SeenShape;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

/// How the values of a tile are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileSize {
    /// Two columns and a row a value, with its sign as a glyph.
    Large,
    /// A column a value, and two values in a row of cells; without colours a row a value, as a sign.
    Small,
}

impl TileSize {
    /// Columns and rows of a tile of so many values.
    pub fn cells(self, theme: &Theme, width: u32, height: u32) -> (u16, u16) {
        let (width, height) = (width as u16, height as u16);
        match self {
            Self::Large => (2 * width, height),
            Self::Small if has_colours(theme) => (width, height.div_ceil(2)),
            Self::Small => (width, height),
        }
    }
}

pub fn has_colours(theme: &Theme) -> bool {
    pixels::colour(theme, [0; 3]).is_some()
}

/// A share of the largest value, from -1 to 1.
fn share(value: f32, largest: f32) -> f32 {
    if largest > 0.0 { (value / largest).clamp(-1.0, 1.0) } else { 0.0 }
}

/// The largest magnitude, by which values are scaled.
pub fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |most, value| value.abs().max(most))
}

/// The colour of a signed share; the sign is told by the glyph too where there is room.
fn signed(theme: &Theme, share: f32) -> Pixel {
    theme.background.signed_colour(share)
}

/// What the colours and the signs of tiles mean, in so many columns.
pub fn signed_legend(theme: &Theme, width: u16) -> &'static str {
    let [short, long] = match (theme.palette, theme.background) {
        _ if !has_colours(theme) => {
            ["above zero + ++ #, below - -- =", "above zero + ++ #, below - -- =; the fuller, the stronger"]
        }
        // Greys alone, which have no sign.
        (Palette::Sixteen, Background::Dark) => {
            ["brighter: further from zero", "brighter: further from zero; + above zero, - below"]
        }
        (Palette::Sixteen, Background::Light) => {
            ["darker: further from zero", "darker: further from zero; + above zero, - below"]
        }
        _ => ["orange + above zero, blue - below", "orange + above zero, blue - below, by the layer's largest"],
    };
    if long.len() <= usize::from(width) { long } else { short }
}

/// The sign of a share: the stronger, the fuller.
fn sign(share: f32) -> [char; 2] {
    match share {
        share if share >= 0.66 => ['+', '+'],
        share if share >= 0.2 => [' ', '+'],
        share if share <= -0.66 => ['-', '-'],
        share if share <= -0.2 => [' ', '-'],
        _ => [' ', ' '],
    }
}

/// Draws signed values of (height, width) at the top left of an area.
pub fn draw_signed(
    theme: &Theme,
    size: TileSize,
    values: &[f32],
    (width, largest): (u32, f32),
    area: Rect,
    canvas: &mut ImageCanvas,
) {
    let width = width.max(1) as usize;
    let rows = values.len().div_ceil(width);
    let value =
        |column: usize, row: usize| values.get(row * width + column).copied().map(|value| share(value, largest));
    match size {
        TileSize::Large => {
            for (row, column) in (0..rows).flat_map(|row| (0..width).map(move |column| (row, column))) {
                let Some(share) = value(column, row) else { continue };
                let pixel = signed(theme, share);
                let style = pixels::colour(theme, pixel).map_or(Style::new(), |colour| {
                    let dark = app::luminance(pixel.map(|part| f64::from(part) / 255.0)) <= 0.18;
                    Style::new().bg(colour).fg(if dark { Color::White } else { Color::Black })
                });
                for (at, glyph) in (0..).zip(sign(share)) {
                    let place = (area.x + 2 * column as u16 + at, area.y + row as u16);
                    if area.contains(place.into())
                        && let Some(cell) = canvas.buffer.cell_mut(place)
                    {
                        cell.set_char(glyph).set_style(style);
                    }
                }
            }
        }
        TileSize::Small if theme.image_cell.is_some() => {
            let pixels: Vec<Pixel> = values.iter().map(|value| signed(theme, share(*value, largest))).collect();
            let cells = size.cells(theme, width as u32, rows as u32);
            let place = Rect { width: cells.0, height: cells.1, ..area }.intersection(area);
            image::draw(theme, &pixels, (width as u32, rows as u32), place, canvas);
        }
        TileSize::Small if has_colours(theme) => {
            for (row, column) in (0..rows.div_ceil(2)).flat_map(|row| (0..width).map(move |column| (row, column))) {
                let Some(upper) = value(column, 2 * row) else { continue };
                let lower = value(column, 2 * row + 1);
                let place = (area.x + column as u16, area.y + row as u16);
                if area.contains(place.into())
                    && let Some(cell) = canvas.buffer.cell_mut(place)
                {
                    pixels::draw(theme, signed(theme, upper), lower.map(|lower| signed(theme, lower)), cell);
                }
            }
        }
        TileSize::Small => {
            for (row, column) in (0..rows).flat_map(|row| (0..width).map(move |column| (row, column))) {
                let Some(share) = value(column, row) else { continue };
                let place = (area.x + column as u16, area.y + row as u16);
                if area.contains(place.into())
                    && let Some(cell) = canvas.buffer.cell_mut(place)
                {
                    cell.set_char(match sign(share) {
                        ['+', _] => '#',
                        ['-', _] => '=',
                        [_, '+'] => '+',
                        [_, '-'] => '-',
                        _ => '.',
                    });
                }
            }
        }
    }
}

/// Columns and rows of an image, each pixel `1 / shrink` wide.
pub fn image_cells(shape: SeenShape, shrink: u32) -> (u16, u16) {
    ((shape.width / shrink) as u16, (shape.height / shrink).div_ceil(2) as u16)
}

/// Draws an image as stored, (height, width, channels), with the mean of `shrink` x `shrink` pixels in one.
pub fn draw_image(theme: &Theme, shape: SeenShape, stored: &[u8], shrink: u32, area: Rect, canvas: &mut ImageCanvas) {
    let (width, height) = (shape.width / shrink, shape.height / shrink);
    let pixel = |x: u32, y: u32| -> Option<Pixel> {
        (y < height).then_some(())?;
        let channel = |channel: u32| {
            let places =
                (0..shrink).flat_map(|down| (0..shrink).map(move |right| (y * shrink + down, x * shrink + right)));
            let at = |(y, x): (u32, u32)| ((y * shape.width + x) * shape.channels + channel) as usize;
            let sum: u32 = places.map(|place| u32::from(stored.get(at(place)).copied().unwrap_or(0))).sum();
            ((sum + shrink * shrink / 2) / (shrink * shrink)) as u8
        };
        Some(if shape.channels == 3 { [channel(0), channel(1), channel(2)] } else { [channel(0); 3] })
    };
    if theme.image_cell.is_some() {
        let place = Rect { width: width as u16, height: height.div_ceil(2) as u16, ..area }.intersection(area);
        let channels = shape.channels.max(1) as usize;
        let whole: Vec<Pixel> =
            stored.chunks_exact(channels).map(|of| std::array::from_fn(|at| of[at.min(channels - 1)])).collect();
        image::draw(theme, &whole, (shape.width, shape.height), place, canvas);
        return;
    }
    for (row, column) in (0..height.div_ceil(2)).flat_map(|row| (0..width).map(move |column| (row, column))) {
        let place = (area.x + column as u16, area.y + row as u16);
        if area.contains(place.into())
            && let (Some(cell), Some(upper)) = (canvas.buffer.cell_mut(place), pixel(column, 2 * row))
        {
            pixels::draw(theme, upper, pixel(column, 2 * row + 1), cell);
        }
    }
}

/// A glyph for a share from 0 to 1, and a colour where there are any.
pub fn shade(theme: &Theme, share: f64) -> char {
    let shades =
        if theme.glyphs == Glyphs::Ascii { ['.', ':', '+', '#', '#'] } else { ['·', '░', '▒', '▓', '█'] };
    shades[((share.clamp(0.0, 1.0) * 5.0) as usize).min(4)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_value_stands_out_and_a_stronger_one_more() {
        let distance = |theme: &Theme, share: f32| -> u32 {
            let (zero, pixel) = (signed(theme, 0.0), signed(theme, share));
            zero.into_iter().zip(pixel).map(|(a, b)| u32::from(a.abs_diff(b))).max().unwrap_or(0)
        };
        for background in [Background::Dark, Background::Light] {
            let theme = Theme::new(Palette::TrueColour, Glyphs::Unicode).on(background);
            for sign in [1.0, -1.0] {
                let distances = [0.05, 0.1, 0.4, 1.0].map(|size: f32| distance(&theme, sign * size));
                assert!(distances[0] >= 25, "{distances:?}");
                assert!(distances.is_sorted(), "{distances:?}");
            }
        }
    }

    #[test]
    fn a_legend_fits_into_its_columns() {
        for (palette, glyphs) in [
            (Palette::TrueColour, Glyphs::Unicode),
            (Palette::Sixteen, Glyphs::Unicode),
            (Palette::None, Glyphs::Ascii),
        ] {
            let theme = Theme::new(palette, glyphs);
            for width in [35, 38, 58] {
                assert!(signed_legend(&theme, width).len() <= usize::from(width), "{palette:?} {width}");
            }
        }
    }
}
