//! What every part of the chart draws on: the plot with its axes' ranges and its place on the screen, and the style of
//! each curve.

use crate::theme::{Glyphs, Theme};
use app::{AxisRanges, SeriesColour, Viewport, has_markers, series_colour};
use protocol::{Plot, Source};
use ratatui::{
    layout::Rect,
    style::{Modifier, Style},
};

/// Where the labels of named points stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkLabels {
    /// Their values in columns at the right.
    Gutter,
    /// Their names beside them; what the reader predicted is told in the first line.
    Beside,
    /// The same; the points are those of a series, and have its markers.
    OfPoints,
    None,
}

/// A plot with its place on the screen.
#[derive(Clone, Copy)]
pub struct Canvas<'a> {
    pub theme: &'a Theme,
    pub plot: &'a Plot,
    pub viewport: &'a Viewport,
    pub ranges: AxisRanges,
    /// The room of the curves.
    pub place: Rect,
}

/// How a curve looks, or a mark behind the last of them.
#[derive(Clone, Copy, Debug)]
pub struct CurveStyle {
    pub style: Style,
    /// The band around a mean.
    pub pale: Style,
    /// Stands at some of its points; empty for a line alone.
    pub marker: &'static str,
}

/// The look of a plot's curve by its number in the [`Readout`](app::Readout): that of a series, then of a mark. An arm has
/// its colour and its marker from its place in the study.
pub fn curve_style(theme: &Theme, plot: &Plot, curve: usize) -> CurveStyle {
    let Some(series) = plot.series.get(curve) else {
        let mark = plot.marks.get(curve - plot.series.len());
        let style = mark.map_or(theme.faint(), |mark| theme.source(&mark.source));
        return CurveStyle { style, pale: style, marker: theme.mark() };
    };
    let number = if let Source::Run { arm, .. } = series.source { arm } else { curve };
    let style = match series_colour(plot, curve) {
        // What it runs over may be dim.
        SeriesColour::Arm(number) => theme.arm(number).remove_modifier(Modifier::DIM),
        SeriesColour::Seed(number) => theme.seeds(number),
        SeriesColour::Cited => theme.cited(),
        SeriesColour::Reader => theme.strong(),
        SeriesColour::Faint => theme.faint(),
    };
    let marker = if has_markers(plot, curve) { theme.marker(number) } else { "" };
    CurveStyle { style, pale: theme.seeds(number), marker }
}

/// The same in words: a marker, or a piece of its line, and its style. A seed has those of its arm.
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
