//! How often each hidden unit is zero, saturated or dead.

use super::tiles::shade;
use super::{Column, fit, mark, say, scrolled, write};
use crate::image::ImageCanvas;
use crate::theme::Theme;
use app::InsideTarget;
use protocol::{LayerUnits, format_count};
use ratatui::layout::Rect;

enum Line {
    Heading(usize),
    /// What the signs show, and how many units are dead.
    Signs(usize),
    Units {
        layer: usize,
        first: usize,
    },
}

pub fn draw(theme: &Theme, layers: &[LayerUnits], over: &str, column: &Column, area: Rect, canvas: &mut ImageCanvas) {
    // A sign and a blank a unit, after a blank for the bracket of the first.
    let across = usize::from((area.width.saturating_sub(1) / 2).max(1));
    write(canvas.buffer, area.x, area.y, over, usize::from(area.width), theme.faint());
    let mut lines = Vec::new();
    for (at, layer) in layers.iter().enumerate() {
        lines.push(Line::Heading(at));
        lines.push(Line::Signs(at));
        lines.extend((0..layer.zeros.len()).step_by(across).map(|first| Line::Units { layer: at, first }));
    }
    let foot = 3;
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(foot + 1), ..area };
    scrolled(
        theme,
        &lines,
        column.top,
        |_| 1,
        body,
        canvas,
        |line, place, canvas| {
            let room = usize::from(place.width);
            match line {
                Line::Heading(at) => {
                    let layer = &layers[*at];
                    let text = format!(
                        "{}: zero {:.1} %, saturated {:.1} %",
                        layer.layer,
                        mean(&layer.zeros),
                        mean(&layer.saturated)
                    );
                    write(canvas.buffer, place.x, place.y, fit(theme, &text, room), room, theme.strong());
                }
                Line::Signs(at) => {
                    let layer = &layers[*at];
                    let dead = &layer.dead;
                    let shown = if shows_zeros(layer) { "zero" } else { "saturated" };
                    let list: Vec<String> = dead.iter().map(u32::to_string).collect();
                    let text = if dead.is_empty() {
                        format!("signs: {shown}; {}, none dead", format_count(layer.zeros.len(), "unit"))
                    } else {
                        let units = format_count(layer.zeros.len(), "unit");
                        format!("signs: {shown}; {units}, {} dead: {}", dead.len(), list.join(", "))
                    };
                    let style = if dead.is_empty() { theme.faint() } else { theme.bad() };
                    write(canvas.buffer, place.x, place.y, fit(theme, &text, room), room, style);
                }
                Line::Units { layer: at, first } => {
                    let layer = &layers[*at];
                    let chosen =
                        column.unit.filter(|(chosen, _)| *chosen == layer.layer).map(|(_, unit)| unit as usize);
                    let shares = if shows_zeros(layer) { &layer.zeros } else { &layer.saturated };
                    for (offset, unit) in (*first..(first + across).min(layer.zeros.len())).enumerate() {
                        let is_dead = layer.dead.contains(&(unit as u32));
                        let (glyph, style) = if is_dead {
                            ('x', theme.bad())
                        } else {
                            (shade(theme, shares.get(unit).copied().unwrap_or(0.0) / 100.0), theme.accent())
                        };
                        let x = place.x + 1 + 2 * offset as u16;
                        if chosen == Some(unit) {
                            write(canvas.buffer, x - 1, place.y, format!("[{glyph}]"), 3, theme.selected());
                        } else {
                            write(canvas.buffer, x, place.y, glyph.to_string(), 1, style);
                        }
                        let sign = Rect { x, y: place.y, width: 2, height: 1 };
                        mark(canvas, sign, InsideTarget::Unit(layer.layer, unit as u32));
                    }
                }
            }
        },
    );
    let key = "fuller: more often; x: dead, always zero; saturated: slope below 0.01";
    let y = area.bottom().saturating_sub(foot);
    say(theme, key, Rect { y, height: 2, ..area }, canvas);
    if let Some((name, unit)) = column.unit
        && let Some(layer) = layers.iter().find(|layer| layer.layer == name)
        && let (Some(zero), Some(saturated)) = (layer.zeros.get(unit as usize), layer.saturated.get(unit as usize))
    {
        let dead = if layer.dead.contains(&unit) { ", dead" } else { "" };
        let text = format!("{name}:{unit} zero {zero:.1} %, saturated {saturated:.1} %{dead}");
        write(canvas.buffer, area.x, area.bottom() - 1, theme.text(&text), usize::from(area.width), theme.strong());
    }
}

/// Whether a layer's signs show how often its units are zero. A layer without zeros, as of tanh, has nothing to tell there:
/// its signs show how often its units are saturated. A unit that is always zero has a sign of its own.
fn shows_zeros(layer: &LayerUnits) -> bool {
    (0..).zip(&layer.zeros).any(|(unit, zero)| *zero >= 0.05 && !layer.dead.contains(&unit))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_without_zeros_shows_saturation() {
        let layer = |zeros: &[f64], dead: &[u32]| LayerUnits {
            layer: "fc1".parse().unwrap(),
            zeros: zeros.to_vec(),
            saturated: vec![20.0; zeros.len()],
            dead: dead.to_vec(),
        };
        assert!(shows_zeros(&layer(&[0.0, 40.0, 100.0], &[2])));
        assert!(!shows_zeros(&layer(&[0.0, 0.0], &[])));
        // A unit of a tanh layer that the reader has silenced.
        assert!(!shows_zeros(&layer(&[0.0, 100.0], &[1])));
    }
}
