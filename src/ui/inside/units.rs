//! How often each hidden unit is zero, saturated or dead.

use super::tiles::shade;
use super::{Column, mark, say, scrolled, write};
use crate::image::ImageCanvas;
use crate::theme::Theme;
use app::InsideTarget;
use protocol::LayerUnits;
use ratatui::layout::Rect;

enum Line {
    Heading(usize),
    Dead(usize),
    Units { layer: usize, first: usize },
}

pub fn draw(theme: &Theme, layers: &[LayerUnits], column: &Column, area: Rect, canvas: &mut ImageCanvas) {
    let across = usize::from((area.width / 2).max(1));
    let mut lines = Vec::new();
    for (at, layer) in layers.iter().enumerate() {
        lines.push(Line::Heading(at));
        lines.push(Line::Dead(at));
        lines.extend((0..layer.zeros.len()).step_by(across).map(|first| Line::Units { layer: at, first }));
    }
    let foot = 3;
    let body = Rect { height: area.height.saturating_sub(foot), ..area };
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
                    write(canvas.buffer, place.x, place.y, theme.text(&text), room, theme.strong());
                }
                Line::Dead(at) => {
                    let dead = &layers[*at].dead;
                    let list: Vec<String> = dead.iter().map(u32::to_string).collect();
                    let text = if dead.is_empty() {
                        format!("{} units, none is dead", layers[*at].zeros.len())
                    } else {
                        format!("{} units, {} dead: {}", layers[*at].zeros.len(), dead.len(), list.join(", "))
                    };
                    let style = if dead.is_empty() { theme.faint() } else { theme.bad() };
                    write(canvas.buffer, place.x, place.y, app::truncate(&theme.text(&text), room), room, style);
                }
                Line::Units { layer: at, first } => {
                    let layer = &layers[*at];
                    let chosen =
                        column.unit.filter(|(chosen, _)| *chosen == layer.layer).map(|(_, unit)| unit as usize);
                    for (offset, unit) in (*first..(first + across).min(layer.zeros.len())).enumerate() {
                        let is_dead = layer.dead.contains(&(unit as u32));
                        let (glyph, style) = if is_dead {
                            ('x', theme.bad())
                        } else {
                            (shade(theme, layer.zeros[unit] / 100.0), theme.accent())
                        };
                        let x = place.x + 2 * offset as u16;
                        let text = if chosen == Some(unit) { format!("{glyph}<") } else { format!("{glyph} ") };
                        let style = if chosen == Some(unit) { theme.selected() } else { style };
                        write(canvas.buffer, x, place.y, text, 2, style);
                        let sign = Rect { x, y: place.y, width: 2, height: 1 };
                        mark(canvas, sign, InsideTarget::Unit(layer.layer, unit as u32));
                    }
                }
            }
        },
    );
    let key = "a sign a unit: the fuller, the oftener zero; x: zero for every image";
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

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
