//! Draws two pixels in a cell, one above the other: a half block in two colours, or a letter without blocks or colours.

use crate::theme::{Glyphs, Palette, Theme};
use app::Background;
use lesson::Pixel;
use ratatui::buffer::Cell;
use ratatui::style::{Color, Style};

/// From the background's colour to that of text, for terminals without colours.
const LETTERS: &[u8; 10] = b" .:-=+*#%@";

/// Draws both pixels. The last row of a picture of odd height has no lower one.
pub fn draw(theme: &Theme, upper: Pixel, lower: Option<Pixel>, cell: &mut Cell) {
    if let Some(fore) = colour(theme, upper) {
        let style = Style::new().fg(fore);
        let back = lower.and_then(|lower| colour(theme, lower));
        cell.set_char('▀').set_style(back.map_or(style, |back| style.bg(back)));
    } else {
        let level = usize::midpoint(grey(upper).into(), grey(lower.unwrap_or_default()).into());
        let level = if theme.background == Background::Light { 255 - level } else { level };
        cell.set_char(char::from(LETTERS[level * (LETTERS.len() - 1) / 255]));
    }
}

/// The luma of a colour. Source: ITU-R BT.601.
fn grey([red, green, blue]: Pixel) -> u8 {
    ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) + 500) / 1000) as u8
}

/// The nearest colour of the terminal; a grey if it has few.
pub fn colour(theme: &Theme, pixel: Pixel) -> Option<Color> {
    match theme.palette {
        _ if theme.glyphs == Glyphs::Ascii => None,
        Palette::TrueColour => Some(Color::Rgb(pixel[0], pixel[1], pixel[2])),
        Palette::Indexed => Some(Color::Indexed(indexed(pixel))),
        Palette::Sixteen => {
            Some([Color::Black, Color::DarkGray, Color::Gray, Color::White][usize::from(grey(pixel)) * 4 / 256])
        }
        Palette::None => None,
    }
}

/// The index of the nearest of 256 colours: 16 to 231 are a cube with six steps along each edge, 232 to 255 greys.
/// Source: xterm's 256colres.h.
pub fn indexed(pixel: Pixel) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let nearest = |value: u8| (0..6).min_by_key(|step| STEPS[*step].abs_diff(value)).unwrap_or(0);
    let [red, green, blue] = pixel.map(nearest);
    let shade = (grey(pixel).saturating_sub(3) / 10).min(23);
    let away = |other: Pixel| -> u32 { pixel.iter().zip(other).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum() };
    if away([8 + 10 * shade; 3]) < away([STEPS[red], STEPS[green], STEPS[blue]]) {
        232 + shade
    } else {
        (16 + 36 * red + 6 * green + blue) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_palette_has_black_and_white() {
        for palette in [Palette::TrueColour, Palette::Indexed, Palette::Sixteen] {
            let theme = Theme::new(palette, Glyphs::Unicode);
            let greys: Vec<_> = [0, 100, 180, 255].map(|value| colour(&theme, [value; 3]).unwrap()).into();
            assert!((0..4).all(|a| (a + 1..4).all(|b| greys[a] != greys[b])), "{greys:?}");
        }
    }

    #[test]
    fn letters_are_dark_where_the_picture_is_on_either_page() {
        let letter = |background, value: u8| {
            let (theme, mut cell) = (Theme::new(Palette::None, Glyphs::Ascii).on(background), Cell::default());
            draw(&theme, [value; 3], Some([value; 3]), &mut cell);
            cell.symbol().to_string()
        };
        assert_eq!([0, 255].map(|value| letter(Background::Dark, value)), [" ", "@"]);
        assert_eq!([0, 255].map(|value| letter(Background::Light, value)), ["@", " "]);
    }

    #[test]
    fn the_nearest_of_256_colours_is_taken() {
        for (pixel, expected) in [
            ([0; 3], 16),
            ([255; 3], 231),
            ([128; 3], 244),
            ([255, 0, 0], 196),
            ([90, 140, 250], 69),
            ([249; 3], 231),
            ([12, 8, 9], 232),
        ] {
            assert_eq!(indexed(pixel), expected, "{pixel:?}");
        }
    }
}
