//! The colours of arms and series, and which series have markers: the same in every chart, list and export.

use crate::Background;
use protocol::{Plot, Source, Stroke};

/// Red, green and blue.
pub type Rgb = (u8, u8, u8);

/// How many arms have distinct colours.
pub const ARM_COLOURS: usize = 10;

/// The colour of the nth arm or series. Each has a contrast of at least 4.5 to 1 (WCAG 2.2, level AA) on black and
/// common dark backgrounds, or on white and common light ones.
pub const fn arm_colour(number: usize, background: Background) -> Rgb {
    match background {
        Background::Dark => ON_DARK[number % ARM_COLOURS],
        Background::Light => ON_LIGHT[number % ARM_COLOURS],
    }
}

/// The colour of a single seed behind its arm's mean: the arm's colour, paler.
pub fn seed_colour(number: usize, background: Background) -> Rgb {
    /// The share of the arm's colour, in percent; the rest is the background's.
    const SHARE: u32 = 74;
    let page = match background {
        Background::Dark => 0,
        Background::Light => u8::MAX,
    };
    let pale = |part: u8| ((u32::from(part) * SHARE + u32::from(page) * (100 - SHARE)) / 100) as u8;
    let (red, green, blue) = arm_colour(number, background);
    (pale(red), pale(green), pale(blue))
}

/// The colour of published results.
pub const fn cited_colour(background: Background) -> Rgb {
    match background {
        Background::Dark => (240, 110, 130),
        Background::Light => (184, 20, 50),
    }
}

/// What the colour of a series stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesColour {
    /// An arm, or the nth series of a plot without arms.
    Arm(usize),
    /// A single seed of an arm.
    Seed(usize),
    Cited,
    Reader,
    /// A reference line.
    Faint,
}

/// The colour of a plot's nth series. An arm has the same colour in every plot.
pub fn series_colour(plot: &Plot, number: usize) -> SeriesColour {
    let Some(series) = plot.series.get(number) else { return SeriesColour::Faint };
    match &series.source {
        Source::Cited(_) => SeriesColour::Cited,
        Source::Reader => SeriesColour::Reader,
        Source::Run { arm, .. } if is_pale(series.stroke) => SeriesColour::Seed(*arm),
        Source::Run { arm, .. } => SeriesColour::Arm(*arm),
        Source::Measured | Source::Theory(_) if is_pale(series.stroke) => SeriesColour::Faint,
        Source::Measured | Source::Theory(_) => SeriesColour::Arm(number),
    }
}

fn is_pale(stroke: Stroke) -> bool {
    matches!(stroke, Stroke::Thin | Stroke::Ghost)
}

/// Whether a plot's nth series has markers at some of its points. They tell curves apart: one alone needs none, unless its
/// points are to be seen.
pub fn has_markers(plot: &Plot, number: usize) -> bool {
    let measured = plot.series.iter().filter(|series| series.source != Source::Reader).count();
    plot.series.get(number).is_some_and(|series| match series.stroke {
        Stroke::Thin | Stroke::Ghost => false,
        Stroke::Line => measured > 1,
        Stroke::Points | Stroke::Both | Stroke::Thick => true,
    })
}

const ON_DARK: [Rgb; ARM_COLOURS] = [
    (255, 176, 92),
    (122, 190, 255),
    (160, 220, 140),
    (226, 150, 230),
    (240, 226, 120),
    (96, 214, 200),
    (176, 170, 255),
    (206, 206, 206),
    (204, 160, 122),
    (255, 196, 208),
];

const ON_LIGHT: [Rgb; ARM_COLOURS] = [
    (158, 74, 0),
    (0, 92, 170),
    (30, 110, 30),
    (150, 40, 150),
    (112, 96, 0),
    (0, 108, 100),
    (88, 72, 200),
    (84, 84, 84),
    (120, 72, 40),
    (176, 36, 92),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::test_plot;
    use protocol::{AxisScale, RunId};

    fn plot(looks: &[(Source, Stroke)]) -> Plot {
        let series = looks.iter().map(|(source, stroke)| test_plot::series(source.clone(), *stroke, &[]));
        test_plot::plot(AxisScale::Linear, series.collect())
    }

    #[test]
    fn an_arm_has_its_colour_wherever_its_series_stands() {
        let run = |run, arm| Source::Run { run: RunId(run), arm };
        let plot = plot(&[(run(1, 1), Stroke::Thick), (run(1, 1), Stroke::Thin), (run(2, 4), Stroke::Both)]);
        let colours = [0, 1, 2, 3].map(|number| series_colour(&plot, number));
        assert_eq!(colours, [SeriesColour::Arm(1), SeriesColour::Seed(1), SeriesColour::Arm(4), SeriesColour::Faint]);
    }

    /// A predicted range gives a single line no markers.
    #[test]
    fn a_single_line_needs_no_markers() {
        let own = (Source::Reader, Stroke::Thin);
        let alone = plot(&[(Source::Measured, Stroke::Line), own.clone()]);
        assert_eq!([0, 1, 2].map(|number| has_markers(&alone, number)), [false; 3]);
        let two = plot(&[(Source::Measured, Stroke::Line), (Source::Measured, Stroke::Line), own]);
        assert_eq!([0, 1, 2].map(|number| has_markers(&two, number)), [true, true, false]);
    }
}
