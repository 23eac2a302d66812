//! Small multiples: one chart a metric, side by side, with the same x.

use super::{ChartLayout, MarkLabels, draw as draw_chart};
use crate::theme::Theme;
use app::{PlotCursor, Readout, Viewport, truncate};
use protocol::Plot;
use ratatui::{buffer::Buffer, layout::Rect};

/// The smallest chart that still shows a shape.
const LEAST: (u16, u16) = (52, 11);

/// How many charts an area takes side by side and one above the other; `None` if it takes no two.
fn grid(area: Rect) -> Option<(u16, u16)> {
    let (columns, rows) = ((area.width / LEAST.0).min(4), area.height.saturating_sub(1) / LEAST.1);
    (columns > 0 && rows > 0 && columns * rows > 1).then_some((columns, rows))
}

/// Whether an area has room for several charts.
pub fn has_room(area: Rect) -> bool {
    grid(area).is_some()
}

/// Draws the charts of the plots, those around the chosen one where not all find room; returns the rooms of their curves.
/// All have the x of the viewport, and the values at its cursor; y is each plot's own.
pub fn draw(
    theme: &Theme,
    plots: &[Plot],
    chosen: usize,
    viewport: &Viewport,
    area: Rect,
    buffer: &mut Buffer,
) -> Vec<Rect> {
    let Some((columns, rows)) = grid(area) else { return Vec::new() };
    let most = usize::from(columns * rows);
    let first = chosen / most * most;
    let shown = &plots[first.min(plots.len())..(first + most).min(plots.len())];
    // Few charts are larger.
    let columns = columns.min(shown.len().max(1) as u16);
    let rows = (shown.len() as u16).div_ceil(columns).max(1);
    let height = area.height - 1;
    let mut places = Vec::new();
    for (at, plot) in shown.iter().enumerate() {
        let (column, row) = (at as u16 % columns, at as u16 / columns);
        let x = area.x + column * area.width / columns;
        let y = area.y + row * height / rows;
        let width = area.x + (column + 1) * area.width / columns - x;
        let place = Rect::new(x, y, width.saturating_sub(2), area.y + (row + 1) * height / rows - y);
        places.extend(draw_one(theme, plot, viewport, place, buffer));
    }
    let more = plots.len() - shown.len();
    let of = format!("{} to {} of {} metrics", first + 1, first + shown.len(), plots.len());
    let text = if more == 0 { format!("{} metrics", plots.len()) } else { format!("{of}; d goes on") };
    let text = format!("{text}; zooming and moving go along x");
    buffer.set_stringn(area.x, area.bottom() - 1, theme.text(&text), usize::from(area.width), theme.faint());
    places
}

fn draw_one(theme: &Theme, plot: &Plot, viewport: &Viewport, area: Rect, buffer: &mut Buffer) -> Option<Rect> {
    let mut own = Viewport { y: app::AxisView::default(), ..viewport.clone() };
    let readout = Readout::of_plot(plot, &own);
    // The same epoch has the same place in each metric's curve.
    own.cursor = viewport.cursor.and_then(|cursor| {
        let last = readout.curves.get(cursor.curve)?.points.len().checked_sub(1)?;
        Some(PlotCursor { point: cursor.point.min(last), ..cursor })
    });
    let value = own.cursor.and_then(|cursor| readout.describe(cursor, usize::from(area.width)));
    let head = value.unwrap_or_else(|| plot.y.label.clone());
    buffer.set_stringn(
        area.x,
        area.y,
        theme.text(&truncate(&head, area.width.into())),
        area.width.into(),
        theme.strong(),
    );
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let layout = ChartLayout { has_legend: false, labels: MarkLabels::None, has_names: true, note: "", empty: "" };
    draw_chart(theme, plot, &own, &layout, below, buffer)
}
