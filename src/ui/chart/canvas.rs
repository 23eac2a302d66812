//! What every part of a chart is drawn with: the plot, the ranges of its axes, its area, and the style of each curve.

use crate::theme::{Glyphs, Theme};
use app::{AxisRanges, SeriesColour, Viewport, has_markers, series_colour};
use protocol::{Plot, Source};
use ratatui::{
    layout::Rect,
    style::{Modifier, Style},
};

/// Where the labels of marks are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkLabels {
    /// Their values in a column at the right.
    Gutter,
    /// Their names beside them. Predictions are listed in the first line instead.
    Beside,
    /// Their names beside them. The marks are points of a series, which has markers there.
    OfPoints,
    None,
}

/// A plot with its area on the screen.
#[derive(Clone, Copy)]
pub struct Canvas<'a> {
    pub theme: &'a Theme,
    pub plot: &'a Plot,
    pub viewport: &'a Viewport,
    pub ranges: AxisRanges,
    /// The area of the curves.
    pub place: Rect,
}

/// The style of a curve or of a mark.
#[derive(Clone, Copy, Debug)]
pub struct CurveStyle {
    pub style: Style,
    /// The style of the band around a mean.
    pub pale: Style,
    /// Drawn at some of the points; empty for a curve without markers.
    pub marker: &'static str,
}

/// The style of a plot's curve by its number in the [`Readout`](app::Readout): series first, then marks. The colour and
/// marker of an arm follow from its index in the study.
pub fn curve_style(theme: &Theme, plot: &Plot, curve: usize) -> CurveStyle {
    let Some(series) = plot.series.get(curve) else {
        let mark = plot.marks.get(curve - plot.series.len());
        let style = mark.map_or(theme.faint(), |mark| theme.source(&mark.source));
        return CurveStyle { style, pale: style, marker: theme.mark() };
    };
    let number = if let Source::Run { arm, .. } = series.source { arm } else { curve };
    let style = match series_colour(plot, curve) {
        // A dim style may have been set beneath.
        SeriesColour::Arm(number) => theme.arm(number).remove_modifier(Modifier::DIM),
        SeriesColour::Seed(number) => theme.seeds(number),
        SeriesColour::Cited => theme.cited(),
        SeriesColour::Reader => theme.strong(),
        SeriesColour::Faint => theme.faint(),
    };
    let marker = if has_markers(plot, curve) { theme.marker(number) } else { "" };
    CurveStyle { style, pale: theme.seeds(number), marker }
}

/// A sample of a curve for text: a marker or a piece of its line, with its style. A seed has the sample of its arm.
pub fn curve_sample(theme: &Theme, plot: &Plot, curve: usize) -> (&'static str, Style) {
    if let Some(Source::Run { arm, .. }) = plot.series.get(curve).map(|series| &series.source) {
        return (theme.marker(*arm), theme.arm(*arm));
    }
    let CurveStyle { style, marker, .. } = curve_style(theme, plot, curve);
    match marker {
        "" if theme.glyphs == Glyphs::Ascii => ("-", style),
        "" => ("─", style),
        marker => (marker, style),
    }
}
