//! The weights of the convolutions as signed tiles, and one layer of them over the kept epochs.

use super::tiles::{TileSize, draw_signed, largest};
use super::{Column, mark, say, scrolled, write};
use crate::image::ImageCanvas;
use crate::theme::Theme;
use app::InsideTarget;
use protocol::LayerFilters;
use ratatui::layout::Rect;

/// Columns of a filter's number before it.
const NUMBER: u16 = 4;

/// One filter: its number, and a tile of each of its inputs.
pub fn draw(theme: &Theme, layers: &[LayerFilters], column: &Column, area: Rect, canvas: &mut ImageCanvas) {
    if layers.is_empty() {
        say(theme, "This network has no convolutions; its pages are Units, Sums and Wants.", area, canvas);
        return;
    }
    let size = [TileSize::Large, TileSize::Small]
        .into_iter()
        .find(|size| rows(theme, *size, layers, area.width) <= area.height);
    let size = size.unwrap_or(TileSize::Small);
    let mut lines: Vec<Line> = Vec::new();
    for (at, layer) in layers.iter().enumerate() {
        lines.push(Line::Heading(at));
        let across = across(theme, size, layer, area.width);
        for first in (0..layer.maps as usize).step_by(across) {
            lines.push(Line::Filters { layer: at, first, across });
        }
    }
    let height = |line: &Line| match line {
        Line::Heading(_) => 1,
        Line::Filters { layer, .. } => size.cells(theme, layers[*layer].side, layers[*layer].side).1 + 1,
    };
    scrolled(theme, &lines, column.top, height, area, canvas, |line, place, canvas| match line {
        Line::Heading(at) => {
            let layer = &layers[*at];
            let inputs = if layer.inputs == 1 { String::new() } else { format!(" x {} inputs", layer.inputs) };
            let strongest = largest(&layer.weights);
            let text =
                format!("{}: {} of {}x{}{inputs}, ±{strongest:.2}", layer.layer, layer.maps, layer.side, layer.side);
            write(canvas.buffer, place.x, place.y, theme.text(&text), usize::from(place.width), theme.faint());
        }
        Line::Filters { layer, first, across } => {
            let filters = &layers[*layer];
            let strongest = largest(&filters.weights);
            let (width, _) = size.cells(theme, filters.side, filters.side);
            let group = NUMBER + filters.inputs as u16 * (width + 1);
            for (place_at, map) in (*first..(first + across).min(filters.maps as usize)).enumerate() {
                let x = place.x + place_at as u16 * group;
                let is_chosen = column.unit == Some((filters.layer, map as u32));
                let style = if is_chosen { theme.selected() } else { theme.faint() };
                write(canvas.buffer, x, place.y, format!("{map:>3}"), 3, style);
                let whole = Rect { x, width: group, ..place }.intersection(place);
                mark(canvas, whole, InsideTarget::Unit(filters.layer, map as u32));
                for input in 0..filters.inputs as usize {
                    let length = (filters.side * filters.side) as usize;
                    let from = (map * filters.inputs as usize + input) * length;
                    let Some(values) = filters.weights.get(from..from + length) else { continue };
                    let left = x + NUMBER + input as u16 * (width + 1);
                    let tile = Rect { x: left, width: width.min(place.right().saturating_sub(left)), ..place };
                    draw_signed(theme, size, values, (filters.side, strongest), tile, canvas);
                }
            }
        }
    });
}

enum Line {
    Heading(usize),
    Filters { layer: usize, first: usize, across: usize },
}

/// Filters of a layer in a row.
fn across(theme: &Theme, size: TileSize, layer: &LayerFilters, width: u16) -> usize {
    let group = NUMBER + layer.inputs as u16 * (size.cells(theme, layer.side, layer.side).0 + 1);
    usize::from((width / group).max(1))
}

/// Rows of all layers.
fn rows(theme: &Theme, size: TileSize, layers: &[LayerFilters], width: u16) -> u16 {
    let of = |layer: &LayerFilters| {
        let group = NUMBER + layer.inputs as u16 * (size.cells(theme, layer.side, layer.side).0 + 1);
        if group > width {
            return u16::MAX / 8;
        }
        let lines = (layer.maps as usize).div_ceil(across(theme, size, layer, width)) as u16;
        1 + lines * (size.cells(theme, layer.side, layer.side).1 + 1)
    };
    layers.iter().map(of).fold(0, u16::saturating_add)
}

/// One layer at several epochs: a row a filter, by its first input, and a column an epoch.
pub fn draw_filmstrip(
    theme: &Theme,
    epochs: &[(u32, Option<&LayerFilters>)],
    column: &Column,
    area: Rect,
    canvas: &mut ImageCanvas,
) {
    let Some(known) = epochs.iter().find_map(|(_, layer)| *layer) else {
        say(theme, "The filters of the kept epochs are on their way.", area, canvas);
        return;
    };
    let size = TileSize::Small;
    let (width, height) = size.cells(theme, known.side, known.side);
    let fits = usize::from(area.width.saturating_sub(NUMBER) / (width + 1)).max(1);
    // The first and the last, and evenly chosen ones between.
    let chosen: Vec<usize> = if epochs.len() <= fits {
        (0..epochs.len()).collect()
    } else {
        let mut places: Vec<usize> = (0..fits).map(|at| at * (epochs.len() - 1) / (fits - 1).max(1)).collect();
        places.dedup();
        places
    };
    let inputs = if known.inputs == 1 { "" } else { ", their first input" };
    let done = epochs.iter().filter(|(_, layer)| layer.is_some()).count();
    let progress =
        if done < epochs.len() { format!(" ({done} of {} epochs read)", epochs.len()) } else { String::new() };
    let head = format!("{} over the kept epochs{inputs}{progress}; i: the other convolutions", known.layer);
    write(canvas.buffer, area.x, area.y, theme.text(&head), usize::from(area.width), theme.faint());
    for (at, epoch) in chosen.iter().enumerate() {
        let x = area.x + NUMBER + at as u16 * (width + 1);
        let text = epochs[*epoch].0.to_string();
        write(canvas.buffer, x, area.y + 1, text, usize::from(width), theme.faint());
    }
    let rows = Rect { y: area.y + 2, height: area.height.saturating_sub(2), ..area };
    let maps: Vec<usize> = (0..known.maps as usize).collect();
    scrolled(
        theme,
        &maps,
        column.top,
        |_| height + 1,
        rows,
        canvas,
        |map, place, canvas| {
            write(canvas.buffer, place.x, place.y, format!("{map:>3}"), 3, theme.faint());
            for (at, epoch) in chosen.iter().enumerate() {
                let Some(layer) = epochs[*epoch].1 else { continue };
                let length = (layer.side * layer.side) as usize;
                let from = map * layer.inputs as usize * length;
                let Some(values) = layer.weights.get(from..from + length) else { continue };
                let x = place.x + NUMBER + at as u16 * (width + 1);
                let tile = Rect { x, width: width.min(place.right().saturating_sub(x)), ..place };
                draw_signed(theme, size, values, (layer.side, largest(&layer.weights)), tile, canvas);
            }
        },
    );
}
