//! Whether the terminal's background is dark or light. Colours that can be read on black can't be read on white.

use crate::App;

/// The terminal's own background. The notebook never paints it, but chooses its colours by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    #[default]
    Dark,
    Light,
}

/// How the background is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackgroundSource {
    /// Assumed, until the terminal answers.
    #[default]
    Guessed,
    /// Set by the reader or the environment. An answer of the terminal does not change it.
    Chosen,
}

impl Background {
    /// Decides by the colour itself.
    pub fn of_colour(red: f64, green: f64, blue: f64) -> Self {
        // Black and white stand out equally well from a luminance of 0.179 (WCAG's contrast ratio).
        if luminance([red, green, blue]) > 0.179 { Self::Light } else { Self::Dark }
    }

    /// The colour of a signed share of the largest value, from -1 to 1: near the background's own at 0, orange above and blue
    /// below. Both differ in lightness from the background for every kind of colour vision.
    pub fn signed_colour(self, share: f32) -> [u8; 3] {
        let (zero, above, below): ([u8; 3], [u8; 3], [u8; 3]) = match self {
            Self::Dark => ([26, 28, 32], [255, 160, 70], [90, 170, 255]),
            Self::Light => ([250, 250, 250], [190, 70, 0], [0, 80, 190]),
        };
        let end = if share < 0.0 { below } else { above };
        // Weak values would be lost on the background; the order of all stays.
        let part = share.abs().powf(0.6);
        let mixed = |at: usize| f32::from(zero[at]) + part * (f32::from(end[at]) - f32::from(zero[at]));
        std::array::from_fn(|at| mixed(at).round() as u8)
    }

    pub fn opposite(self) -> Self {
        match self {
            Self::Dark => Self::Light,
            Self::Light => Self::Dark,
        }
    }
}

impl App {
    /// Switches to the colours for the other kind of background.
    pub(crate) fn switch_background(&mut self) {
        self.background = self.background.opposite();
        self.background_source = BackgroundSource::Chosen;
        let page = if self.background == Background::Light { "light" } else { "dark" };
        self.message = Some(format!("colours for a {page} background; RELU_THEME={page} keeps them"));
    }
}

/// The relative luminance of a colour, from 0 to 1. The parts of the colour are sRGB, from 0 to 1. Source: WCAG 2.2.
pub fn luminance(colour: [f64; 3]) -> f64 {
    let linear = |part: f64| if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) };
    let [red, green, blue] = colour.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backgrounds_in_use_are_told_apart() {
        let of = |rgb: u32| {
            let [red, green, blue] = [16, 8, 0].map(|shift| f64::from(rgb >> shift & 0xff) / 255.0);
            Background::of_colour(red, green, blue)
        };
        // Black, Solarized dark, Nord, a dark blue; white, Solarized light, Gruvbox light, a light grey.
        assert!([0x00_00_00, 0x00_2b_36, 0x2e_34_40, 0x00_00_80].map(of).iter().all(|b| *b == Background::Dark));
        assert!([0xff_ff_ff, 0xfd_f6_e3, 0xfb_f1_c7, 0xc0_c0_c0].map(of).iter().all(|b| *b == Background::Light));
    }
}
