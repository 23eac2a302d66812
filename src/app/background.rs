//! What the page of the terminal looks like: colours that can be read on black can't be on white.

/// The terminal's own background. It is never painted; it decides which colours are used on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    #[default]
    Dark,
    Light,
}

/// How it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackgroundSource {
    /// Until the terminal answers.
    #[default]
    Guessed,
    /// By the reader or the environment: no answer changes it any more.
    Chosen,
}

impl Background {
    /// By the colour itself.
    pub fn of_colour(red: f64, green: f64, blue: f64) -> Self {
        // Black and white stand out equally well from a luminance of 0.179 (WCAG's contrast ratio).
        if luminance([red, green, blue]) > 0.179 { Self::Light } else { Self::Dark }
    }

    pub fn opposite(self) -> Self {
        match self {
            Self::Dark => Self::Light,
            Self::Light => Self::Dark,
        }
    }
}

/// How much light a colour gives, from 0 to 1; its parts are sRGB, from 0 to 1. Source: WCAG 2.2, relative luminance.
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
