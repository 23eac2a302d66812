//! The weights of the convolutions as signed tiles, and one layer of them over the kept epochs.

use super::tiles::{TileSize, draw_signed, has_colours, largest, signed_legend};
use super::{Column, fit, mark, say, scrolled, write};
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
    // The captions of lessons say what the colours mean. Signs in place of colours have to be explained.
    let mut area = area;
    if column.scrolls && (rows(theme, size, layers, area.width) < area.height || !has_colours(theme)) {
        let room = usize::from(area.width);
        area.height = area.height.saturating_sub(1);
        write(canvas.buffer, area.x, area.bottom(), signed_legend(theme, area.width), room, theme.faint());
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

/// The least rows in which all layers can be seen.
pub fn least_rows(theme: &Theme, layers: &[LayerFilters], width: u16) -> u16 {
    rows(theme, TileSize::Small, layers, width)
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
    let current = epochs.iter().position(|(epoch, _)| *epoch == column.epoch);
    let chosen = spread(epochs.len(), fits, current);
    // One scale for all epochs, so that their strengths can be compared.
    let strongest =
        epochs.iter().filter_map(|(_, layer)| *layer).map(|layer| largest(&layer.weights)).fold(0.0, f32::max);
    let inputs = if known.inputs == 1 { "" } else { ", first input" };
    let done = epochs.iter().filter(|(_, layer)| layer.is_some()).count();
    let of_epochs = match (done < epochs.len(), chosen.len() < epochs.len()) {
        (true, _) => format!("{done} of {} epochs read", epochs.len()),
        (false, true) => format!("{} of {} epochs, newest last", chosen.len(), epochs.len()),
        (false, false) => "every kept epoch".to_string(),
    };
    let room = usize::from(area.width);
    let head = format!("{}{inputs}, ±{strongest:.2}: {of_epochs}", known.layer);
    let hint = "; i: next layer";
    let head = if head.chars().count() + hint.len() <= room { head + hint } else { head };
    write(canvas.buffer, area.x, area.y, fit(theme, &head, room), room, theme.faint());
    for (at, epoch) in chosen.iter().enumerate() {
        let x = area.x + NUMBER + at as u16 * (width + 1);
        let number = epochs[*epoch].0;
        let (text, style) = if current == Some(*epoch) {
            (format!("[{number}]"), theme.accent().patch(theme.strong()))
        } else {
            (number.to_string(), theme.faint())
        };
        write(canvas.buffer, x, area.y + 1, text, usize::from(width), style);
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
                draw_signed(theme, size, values, (layer.side, strongest), tile, canvas);
            }
        },
    );
}

/// The places of epochs that have columns, of `count` in their order: the first and the last, the current one, and evenly
/// chosen ones between.
fn spread(count: usize, fits: usize, current: Option<usize>) -> Vec<usize> {
    if count <= fits {
        return (0..count).collect();
    }
    let last = count - 1;
    let mut places: Vec<usize> = match fits {
        0 | 1 => vec![current.unwrap_or(last)],
        _ => (0..fits).map(|at| at * last / (fits - 1)).collect(),
    };
    if let Some(current) = current.filter(|current| !places.contains(current))
        && places.len() > 2
    {
        let inner = 1..places.len() - 1;
        let nearest = inner.min_by_key(|at| places[*at].abs_diff(current)).unwrap_or(0);
        places[nearest] = current;
        places.sort_unstable();
    }
    places
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn the_current_epoch_has_a_column_and_so_have_the_first_and_the_last() {
        assert_eq!(spread(3, 5, None), [0, 1, 2]);
        assert_eq!(spread(20, 5, None), [0, 4, 9, 14, 19]);
        assert_eq!(spread(20, 5, Some(11)), [0, 4, 11, 14, 19]);
        assert_eq!(spread(20, 5, Some(1)), [0, 1, 9, 14, 19]);
        assert_eq!(spread(20, 5, Some(19)), [0, 4, 9, 14, 19]);
        assert_eq!(spread(20, 1, Some(7)), [7]);
        assert_eq!(spread(20, 1, None), [19]);
    }
}
