//! The size of the gradients by layer: at this epoch, and over the epochs that the run has recorded.

use super::tiles::shade;
use super::{Column, fit, write};
use crate::image::ImageCanvas;
use crate::theme::Theme;
use crate::theme::heat::heat;
use crate::widgets::progress_bar;
use app::LaneView;
use protocol::{LayerGradients, Metric};
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Columns of a layer's name.
const NAME: u16 = 7;

pub fn draw(
    theme: &Theme,
    (layers, over): (&[LayerGradients], &str),
    lane: Option<&LaneView>,
    column: &Column,
    area: Rect,
    canvas: &mut ImageCanvas,
) {
    let room = usize::from(area.width);
    let first = format!("epoch {}, {over}", column.epoch);
    write(canvas.buffer, area.x, area.y, fit(theme, &first, room), room, theme.faint());
    let mut y = area.y + 1;
    for (title, of) in [
        ("at the weights, root mean square", (|layer: &LayerGradients| layer.weights) as fn(&LayerGradients) -> f64),
        ("at an image's pre-activations", |layer| layer.z),
    ] {
        write(canvas.buffer, area.x, y, title, room, theme.faint());
        let sizes: Vec<f64> = layers.iter().map(of).collect();
        for (layer, value) in layers.iter().zip(&sizes) {
            y += 1;
            let width = area.width.saturating_sub(NAME + 11).min(40);
            let text = format!(
                "{:<6} {} {value:.2e}",
                layer.layer.to_string(),
                progress_bar(theme, part(&sizes, *value), usize::from(width))
            );
            write(canvas.buffer, area.x, y, theme.text(&text), room, Style::new());
        }
        y += 2;
    }
    let Some(lane) = lane else { return };
    let recorded: Vec<(u32, Vec<Option<f64>>)> = lane
        .points
        .iter()
        .map(|record| {
            let of = |layer: &LayerGradients| record.measured.of_layer(layer.layer, Metric::GradientRms);
            (record.epoch, layers.iter().map(of).collect())
        })
        .filter(|(_, values): &(u32, Vec<Option<f64>>)| values.iter().any(Option::is_some))
        .collect();
    if recorded.is_empty() || y + layers.len() as u16 + 2 > area.bottom() {
        return;
    }
    let all: Vec<f64> = recorded.iter().flat_map(|(_, values)| values.iter().flatten().copied()).collect();
    let (low, high) = all.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    let (first, last) = (recorded[0].0, recorded[recorded.len() - 1].0);
    let head = format!("at the weights, epochs {first} to {last}");
    write(canvas.buffer, area.x, y, fit(theme, &head, room), room, theme.faint());
    let columns = area.width.saturating_sub(NAME).max(1);
    let place = |epoch: usize| epoch as u16 * columns.min(recorded.len() as u16).max(1) / recorded.len() as u16;
    // A column an epoch, two where there is room.
    let width = (columns / recorded.len().max(1) as u16).clamp(1, 3);
    for (row, layer) in (0..).zip(layers) {
        write(canvas.buffer, area.x, y + 1 + row, layer.layer.to_string(), usize::from(NAME), Style::new());
        for (at, (_, values)) in recorded.iter().enumerate() {
            let Some(value) = values[usize::from(row)] else { continue };
            let share =
                if high > low && value > 0.0 && low > 0.0 { (value / low).ln() / (high / low).ln() } else { 0.0 };
            let x = area.x + NAME + place(at) * width;
            for offset in 0..width {
                if let Some(cell) =
                    canvas.buffer.cell_mut((x + offset, y + 1 + row)).filter(|_| x + offset < area.right())
                {
                    let style = heat(theme, share);
                    // Without a background of its own a cell is told by its glyph.
                    let glyph = if style.bg.is_some() { ' ' } else { shade(theme, share) };
                    cell.set_char(glyph).set_style(style);
                }
            }
        }
    }
    let (weak, strong) = if heat(theme, 0.0).bg.is_some() {
        ("dark".to_string(), "bright".to_string())
    } else {
        (shade(theme, 0.0).to_string(), shade(theme, 1.0).to_string())
    };
    let foot = format!("{weak} {low:.0e} to {strong} {high:.0e}, log scale");
    write(canvas.buffer, area.x, y + 1 + layers.len() as u16, fit(theme, &foot, room), room, theme.faint());
}

/// The part of a bar, of the largest.
fn part(all: &[f64], value: f64) -> f64 {
    let most = all.iter().copied().fold(0.0, f64::max);
    if most > 0.0 { value / most } else { 0.0 }
}
