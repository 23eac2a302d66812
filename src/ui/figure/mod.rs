//! Draws the figures of an experiment: one file for each kind, and [`crate::chart`] for plots.

mod bars;
mod hidden_units;
pub mod images;
mod regions;
pub mod table;

use crate::chart::{self, ChartLayout, MarkLabels};
use crate::image::ImageCanvas;
use crate::theme::Theme;
use app::Viewport;
use protocol::{Figure, Source};
use ratatui::{buffer::Buffer, layout::Rect};

/// Draws a figure whole, in the place given; returns the room of a plot's curves.
pub fn draw(
    theme: &Theme,
    figure: &Figure,
    viewport: &Viewport,
    place: Rect,
    canvas: &mut ImageCanvas,
) -> Option<Rect> {
    let buffer = &mut *canvas.buffer;
    match figure {
        Figure::Plot(plot) => {
            let layout =
                ChartLayout { has_legend: true, labels: MarkLabels::Beside, has_names: false, note: "", empty: "" };
            return chart::draw(theme, plot, viewport, &layout, place, buffer);
        }
        Figure::Table(figure) => table::draw(theme, figure, 0..figure.rows.len(), place, buffer),
        Figure::Images(grid) => {
            let place = draw_source(theme, &grid.source, place, buffer);
            images::draw(theme, grid, 0..grid.images.len(), place, canvas);
        }
        Figure::Bars(figure) => bars::draw(theme, figure, viewport.cursor.map(|cursor| cursor.curve), place, buffer),
        Figure::Regions(figure) => {
            let place = draw_source(theme, &figure.source, place, buffer);
            regions::draw(theme, figure, place, buffer);
        }
        Figure::Units(figure) => {
            let place = draw_source(theme, &figure.source, place, buffer);
            hidden_units::draw(theme, figure, place, canvas);
        }
    }
    None
}

/// Writes the source of a picture in the last row; returns the rows above.
pub fn draw_source(theme: &Theme, source: &Source, place: Rect, buffer: &mut Buffer) -> Rect {
    let Some(height) = place.height.checked_sub(1) else { return place };
    buffer.set_stringn(place.x, place.y + height, theme.text(&source.describe()), place.width.into(), theme.faint());
    Rect { height, ..place }
}
