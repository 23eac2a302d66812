//! Draws the list of predictions with their outcomes, and the calibration curve.

use crate::chart::{self, ChartLayout, MarkLabels};
use crate::theme::Theme;
use crate::widgets::draw_frame;
use app::{App, CURVE_ROWS, PredictionLine, Viewport, calibration, calibration_plot, prediction_lines};
use lesson::PredictionsCell;
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

pub fn draw(app: &App, theme: &Theme, cell: &PredictionsCell, focused: bool, area: Rect, buffer: &mut Buffer) {
    let inner = draw_frame(theme, &cell.title, focused, area, buffer);
    let rows = app.predictions();
    let lines = prediction_lines(&rows, inner.width);
    for ((kind, text), y) in lines.iter().zip(inner.y..inner.bottom()) {
        let style = match kind {
            PredictionLine::Head => theme.strong(),
            PredictionLine::Right => theme.good(),
            PredictionLine::Wrong => theme.middling(),
            PredictionLine::Open => theme.faint(),
            PredictionLine::Note => Style::new(),
        };
        buffer.set_stringn(inner.x, y, theme.text(text), usize::from(inner.width), style);
    }
    let top = inner.y + lines.len() as u16;
    let place = Rect { y: top, height: inner.bottom().saturating_sub(top).min(CURVE_ROWS), ..inner };
    let layout = ChartLayout {
        has_legend: false,
        labels: MarkLabels::OfPoints,
        has_names: false,
        note: "",
        empty: "Predictions with a confidence appear here once their cells have run.",
    };
    chart::draw(theme, &calibration_plot(&calibration(&rows)), &Viewport::default(), &layout, place, buffer);
}
