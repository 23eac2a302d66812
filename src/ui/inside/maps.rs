//! What each layer makes of an image, with the sizes, and the answer beside it.

use super::tiles::{TileSize, draw_image, draw_signed, has_colours, image_cells, largest, signed_legend};
use super::{Column, fit, mark, ranked_classes, scrolled, write};
use crate::image::ImageCanvas;
use crate::theme::Theme;
use app::InsideTarget;
use protocol::{LayerMaps, SeenImage};
use ratatui::layout::Rect;
use ratatui::style::Style;

enum Line {
    Heading(usize),
    /// Maps of a layer from this one on, so many.
    Maps {
        layer: usize,
        first: usize,
        count: usize,
    },
}

pub fn draw(
    theme: &Theme,
    (image, layers, probabilities): (&SeenImage, &[LayerMaps], &[f32]),
    column: &Column,
    area: Rect,
    canvas: &mut ImageCanvas,
) {
    let shrink = shrink(theme, image, layers, area.height);
    // The image and the answer stay; only the maps are scrolled.
    let image_rows = draw_subject(theme, (image, shrink), probabilities, column, area, canvas);
    let area = Rect { y: area.y + image_rows, height: area.height.saturating_sub(image_rows), ..area };
    let mut lines = Vec::new();
    for (at, layer) in layers.iter().enumerate() {
        lines.push(Line::Heading(at));
        let across = across(theme, layer, area.width);
        let units = layer.units as usize;
        lines.extend((0..units).step_by(across).map(|first| Line::Maps {
            layer: at,
            first,
            count: across.min(units - first),
        }));
    }
    let rows = |line: &Line| match line {
        Line::Heading(_) => 1,
        Line::Maps { layer, .. } => map_rows(theme, &layers[*layer]),
    };
    // The chosen unit stays on the screen.
    let chosen = column.unit.and_then(|(layer, unit)| {
        lines.iter().position(|line| match line {
            Line::Maps { layer: at, first, count } => {
                layers[*at].layer == layer && (*first..first + count).contains(&(unit as usize))
            }
            Line::Heading(_) => false,
        })
    });
    // Signs in place of colours have to be explained.
    let mut area = area;
    if lines.iter().map(rows).sum::<u16>() < area.height || !has_colours(theme) {
        let room = usize::from(area.width);
        area.height = area.height.saturating_sub(1);
        write(canvas.buffer, area.x, area.bottom(), signed_legend(theme, area.width), room, theme.faint());
    }
    let mut top = 0;
    if let Some(chosen) = chosen {
        let height = |from: usize| lines[from..=chosen].iter().map(rows).sum::<u16>();
        while top < chosen && height(top) > area.height {
            top += 1;
        }
    }
    scrolled(theme, &lines, top, rows, area, canvas, |line, place, canvas| match line {
        Line::Heading(at) => {
            let maps = &layers[*at];
            let chosen = column.unit.filter(|(layer, _)| *layer == maps.layer).map(|(_, unit)| unit);
            let room = usize::from(place.width);
            let style = if chosen.is_some() { theme.strong() } else { theme.faint() };
            let text = fit(theme, &heading(maps, chosen, room), room);
            write(canvas.buffer, place.x, place.y, text, room, style);
        }
        Line::Maps { layer, first, count } => {
            let maps = &layers[*layer];
            let size = (maps.height * maps.width) as usize;
            let strongest = largest(&maps.y);
            let chosen = column.unit.filter(|(layer, _)| *layer == maps.layer).map(|(_, unit)| unit as usize);
            for (at, map) in (*first..first + count).enumerate() {
                let Some(values) = maps.y.get(map * size..(map + 1) * size) else { continue };
                let (width, height) = cells(theme, maps);
                let x = place.x + at as u16 * (width + u16::from(size > 1));
                let tile = Rect { x, width: width.min(place.right().saturating_sub(x)), ..place };
                mark(canvas, tile, InsideTarget::Unit(maps.layer, map as u32));
                if size == 1 {
                    draw_signed(theme, TileSize::Large, values, (1, strongest), tile, canvas);
                    if chosen == Some(map) {
                        write(canvas.buffer, x, place.y, "[]", 2, theme.strong());
                    }
                } else {
                    draw_signed(theme, TileSize::Small, values, (maps.width, strongest), tile, canvas);
                    let style = if chosen == Some(map) { theme.selected() } else { theme.faint() };
                    write(canvas.buffer, x, place.y + height, format!("{map}"), usize::from(width), style);
                }
            }
        }
    });
}

/// By how much the image is made smaller, so that the tallest maps have room below it.
fn shrink(theme: &Theme, image: &SeenImage, layers: &[LayerMaps], height: u16) -> u32 {
    if height >= 36 || image.shape.height < 20 {
        return 1;
    }
    let tallest = layers.iter().map(|maps| map_rows(theme, maps)).max().unwrap_or(0);
    // With a blank row, and the heading of the maps.
    if image_cells(image.shape, 2).1 + 2 + tallest <= height { 2 } else { 4 }
}

/// Draws the image with what it is and the answer beside it; returns the rows that they take, with a blank one below.
fn draw_subject(
    theme: &Theme,
    (image, shrink): (&SeenImage, u32),
    probabilities: &[f32],
    column: &Column,
    area: Rect,
    canvas: &mut ImageCanvas,
) -> u16 {
    let (width, height) = image_cells(image.shape, shrink);
    let place = Rect { height: height.min(area.height), ..area };
    draw_image(theme, image.shape, &image.pixels, shrink, place, canvas);
    let x = area.x + width + 2;
    if x >= area.right() {
        return height + 1;
    }
    let room = Rect { x, width: area.right() - x, ..place };
    let mut y = room.y;
    let wrap = app::wrap_options(usize::from(room.width));
    for line in textwrap::wrap(&theme.text(&column.caption), wrap) {
        if y < room.bottom() {
            write(canvas.buffer, room.x, y, &line, usize::from(room.width), theme.faint());
        }
        y += 1;
    }
    if y + 4 <= room.bottom() {
        write(canvas.buffer, room.x, y, "answer", usize::from(room.width), theme.faint());
        y += 1;
    }
    for (rank, (class, share)) in ranked_classes(probabilities).into_iter().take(3).enumerate() {
        if y >= room.bottom() {
            break;
        }
        let style = if rank == 0 { theme.strong() } else { Style::new() };
        let text = format!("{} {:.1} %", column.class(class), 100.0 * share);
        write(canvas.buffer, room.x, y, theme.text(&text), usize::from(room.width), style);
        y += 1;
    }
    height + 1
}

/// What a layer has, and of the chosen unit its output; shorter where there is less room.
fn heading(maps: &LayerMaps, chosen: Option<u32>, room: usize) -> String {
    let LayerMaps { layer, units, height, width, y, .. } = maps;
    let size = (height * width) as usize;
    let all = largest(y);
    let sizes = if size == 1 { format!("{units} units") } else { format!("{units} maps {width}x{height}") };
    let whole = format!("{layer}: {sizes}, largest {all:.2}");
    let Some((unit, outputs)) =
        chosen.and_then(|unit| Some((unit, y.get(unit as usize * size..(unit as usize + 1) * size)?)))
    else {
        return whole;
    };
    // A silenced unit's may be -0.
    let strongest = outputs.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or_default() + 0.0;
    let [own, short] = if size == 1 {
        [
            format!("[] {layer}:{unit} = {strongest:.2}"),
            format!("[] {layer}:{unit} of {units} = {strongest:.2}, largest {all:.2}"),
        ]
    } else {
        [
            format!("{layer}:{unit}, largest {strongest:.2}"),
            format!("{layer}:{unit} of {units}, largest {strongest:.2} of {all:.2}"),
        ]
    };
    let long = format!("{whole}; {own}");
    if long.len() <= room { long } else { short }
}

/// Columns and rows of a map.
fn cells(theme: &Theme, maps: &LayerMaps) -> (u16, u16) {
    if maps.height * maps.width == 1 { (2, 1) } else { TileSize::Small.cells(theme, maps.width, maps.height) }
}

/// Rows of a map, with its number below; of a fully connected layer one.
fn map_rows(theme: &Theme, maps: &LayerMaps) -> u16 {
    let (_, height) = cells(theme, maps);
    if maps.height * maps.width == 1 { height } else { height + 1 }
}

fn across(theme: &Theme, maps: &LayerMaps, room: u16) -> usize {
    // There is none behind the last.
    let gap = u16::from(maps.height * maps.width > 1);
    usize::from(((room + gap) / (cells(theme, maps).0 + gap).max(1)).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::{Glyphs, Palette};

    fn maps(layer: &str, units: u32, side: u32) -> LayerMaps {
        let length = units * side * side;
        let y = (0..length).map(|at| if at == length - 1 { -2.5 } else { at as f32 / length as f32 }).collect();
        LayerMaps { layer: layer.parse().unwrap(), units, height: side, width: side, z: Vec::new(), y }
    }

    #[test]
    fn a_heading_names_the_chosen_unit_and_its_output() {
        let conv = maps("conv1", 4, 14);
        assert_eq!(heading(&conv, None, 39), "conv1: 4 maps 14x14, largest 2.50");
        assert_eq!(heading(&conv, Some(3), 59), "conv1: 4 maps 14x14, largest 2.50; conv1:3, largest -2.50");
        assert_eq!(heading(&conv, Some(3), 39), "conv1:3 of 4, largest -2.50 of 2.50");
        let fc = maps("fc1", 8, 1);
        assert_eq!(heading(&fc, Some(4), 39), "[] fc1:4 of 8 = 0.50, largest 2.50");
    }

    #[test]
    fn four_maps_of_14_columns_stand_in_half_of_120_columns() {
        let theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
        assert_eq!(across(&theme, &maps("conv1", 4, 14), 59), 4);
    }
}
