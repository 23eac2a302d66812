//! What each layer makes of an image, with the sizes, and the answer beside it.

use super::tiles::{TileSize, draw_image, draw_signed, image_cells, largest};
use super::{Column, mark, ranked_classes, say, scrolled, write};
use crate::image::ImageCanvas;
use crate::theme::Theme;
use app::InsideTarget;
use protocol::{LayerMaps, SeenImage};
use ratatui::layout::Rect;
use ratatui::style::Style;

enum Line {
    Image,
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
    let shrink = if area.height >= 36 || image.shape.height < 20 { 1 } else { 2 };
    let (_, image_rows) = image_cells(image.shape, shrink);
    let mut lines = vec![Line::Image];
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
        Line::Image => image_rows + 1,
        Line::Heading(_) => 1,
        Line::Maps { layer, .. } => {
            let LayerMaps { height, width, .. } = layers[*layer];
            if height * width == 1 { 1 } else { TileSize::Small.cells(theme, width, height).1 + 1 }
        }
    };
    // The chosen unit stays on the screen.
    let chosen = column.unit.and_then(|(layer, unit)| {
        lines.iter().position(|line| match line {
            Line::Maps { layer: at, first, count } => {
                layers[*at].layer == layer && (*first..first + count).contains(&(unit as usize))
            }
            _ => false,
        })
    });
    let mut top = 0;
    if let Some(chosen) = chosen {
        let height = |from: usize| lines[from..=chosen].iter().map(rows).sum::<u16>();
        while top < chosen && height(top) > area.height {
            top += 1;
        }
    }
    scrolled(theme, &lines, top, rows, area, canvas, |line, place, canvas| match line {
        Line::Image => {
            draw_image(theme, image.shape, &image.pixels, shrink, place, canvas);
            let x = place.x + image_cells(image.shape, shrink).0 + 2;
            if x < place.right() {
                let room = Rect { x, width: place.right() - x, ..place };
                say(theme, &column.caption, room, canvas);
                draw_answer(theme, probabilities, column, Rect { y: room.y + 2, ..room }, canvas);
            }
        }
        Line::Heading(at) => {
            let LayerMaps { layer, units, height, width, .. } = &layers[*at];
            let sizes =
                if height * width == 1 { format!("{units} units") } else { format!("{units} maps {width}x{height}") };
            let text = format!("{layer}: {sizes}, largest {:.2}", largest(&layers[*at].y));
            write(canvas.buffer, place.x, place.y, theme.text(&text), usize::from(place.width), theme.faint());
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

/// The most probable classes, beside the image.
fn draw_answer(theme: &Theme, probabilities: &[f32], column: &Column, area: Rect, canvas: &mut ImageCanvas) {
    let ranked = ranked_classes(probabilities);
    write(canvas.buffer, area.x, area.y, "answer", usize::from(area.width), theme.faint());
    for (row, (class, share)) in (1..).zip(ranked.into_iter().take(3)) {
        let text = format!("{} {:.1} %", column.class(class), 100.0 * share);
        let style = if row == 1 { theme.strong() } else { Style::new() };
        write(canvas.buffer, area.x, area.y + row, theme.text(&text), usize::from(area.width), style);
    }
}

/// Columns and rows of a map.
fn cells(theme: &Theme, maps: &LayerMaps) -> (u16, u16) {
    if maps.height * maps.width == 1 { (2, 1) } else { TileSize::Small.cells(theme, maps.width, maps.height) }
}

fn across(theme: &Theme, maps: &LayerMaps, room: u16) -> usize {
    let gap = u16::from(maps.height * maps.width > 1);
    usize::from((room / (cells(theme, maps).0 + gap).max(1)).max(1))
}
