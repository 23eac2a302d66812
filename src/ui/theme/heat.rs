//! A scale of colours for a share between 0 and 1.

use crate::theme::{Theme, pixels};
use app::luminance;
use lesson::Pixel;
use ratatui::style::{Color, Style};

/// Source: viridis, by S. van der Walt and N. Smith.
const SCALE: [Pixel; 5] = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

/// A background along the scale, with the letters that can be read on it.
pub fn heat(theme: &Theme, share: f64) -> Style {
    let at = share.clamp(0.0, 1.0) * (SCALE.len() - 1) as f64;
    let below = (at as usize).min(SCALE.len() - 2);
    let part = at - below as f64;
    let mix = |channel: usize| {
        let (from, to) = (f64::from(SCALE[below][channel]), f64::from(SCALE[below + 1][channel]));
        (from + part * (to - from)).round() as u8
    };
    let pixel: Pixel = [mix(0), mix(1), mix(2)];
    let Some(background) = pixels::colour(theme, pixel) else { return Style::new() };
    let is_light = luminance(pixel.map(|part| f64::from(part) / 255.0)) > 0.18;
    let letters = match (background, is_light) {
        (Color::DarkGray | Color::Black, _) => Color::White,
        (Color::Gray | Color::White, _) | (_, true) => Color::Black,
        (_, false) => Color::White,
    };
    Style::new().bg(background).fg(letters)
}
