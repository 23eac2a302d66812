//! All predictions with their outcomes, and a calibration curve.

use super::Theme;
use super::plot::{Curve, Label, Plot, Weight};
use super::questions::framed;
use app::{App, CURVE_ROWS, CalibrationBin, PredictionLine, calibration, prediction_lines};
use lesson::PredictionsCell;
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

pub fn draw(app: &App, theme: &Theme, cell: &PredictionsCell, focused: bool, area: Rect, buffer: &mut Buffer) {
    let inner = framed(theme, &cell.title, focused, area, buffer);
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
    curve(theme, &calibration(&rows)).draw(place, theme, buffer);
}

/// How often the reader was right, over how sure they were; on the diagonal the one is the other.
fn curve(theme: &Theme, bins: &[CalibrationBin]) -> Plot {
    let points: Vec<(f64, f64)> = bins.iter().filter_map(|bin| bin.said.zip(bin.share_right())).collect();
    let label = |bin: &CalibrationBin| {
        let at = bin.said.zip(bin.share_right())?;
        Some(Label { at, text: format!("n={}", bin.count), style: theme.faint(), glyph: theme.marker(0) })
    };
    let diagonal = Curve {
        style: theme.faint(),
        marker: "",
        points: vec![(50.0, 50.0), (100.0, 100.0)],
        joined: true,
        weight: Weight::Thin,
        spread: Vec::new(),
    };
    let measured = Curve {
        style: theme.arm(0),
        marker: theme.marker(0),
        points,
        joined: true,
        weight: Weight::Normal,
        spread: Vec::new(),
    };
    let is_empty = measured.points.is_empty();
    Plot {
        x: (50.0, 100.0),
        y: (0.0, 100.0),
        log_x: false,
        log_y: false,
        x_label: "sure, %".into(),
        y_label: "right, %; faint line: as often as said".into(),
        note: String::new(),
        note_style: Style::new(),
        ribbons: Vec::new(),
        curves: if is_empty { Vec::new() } else { vec![diagonal, measured] },
        labels: bins.iter().filter_map(label).collect(),
        gutter: 0,
        empty: "Predictions with a confidence appear here once their cells have run.".into(),
        bands: Vec::new(),
        crosshair: None,
    }
}
