//! How the pre-activations of each layer are distributed, below the curve of their activation; and the gradients at them.

use super::{Column, fit, scrolled, write};
use crate::image::ImageCanvas;
use crate::theme::{Glyphs, Theme};
use protocol::{Bins, LayerHistogram};
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Columns from which the gradients stand beside the pre-activations.
const BESIDE: u16 = 76;
/// Rows of a layer with its head and its axis: the most, enough for its curve, and the least.
const MOST: u16 = 14;
const READABLE: u16 = 8;
const LEAST: u16 = 4;
/// Rows in which one layer can be read, with the images and the legend.
pub const ONE_LAYER: u16 = READABLE + 2;

pub fn draw(
    theme: &Theme,
    layers: &[LayerHistogram],
    over: &str,
    column: &Column,
    area: Rect,
    canvas: &mut ImageCanvas,
) {
    let room = usize::from(area.width);
    let is_beside = area.width >= BESIDE;
    let shows_sums = is_beside || column.top == 0;
    let what = match (is_beside, shows_sums) {
        (true, _) => "sums z, and the gradients at them,",
        (false, true) => "sums z",
        (false, false) => "gradients",
    };
    write(canvas.buffer, area.x, area.y, fit(theme, &format!("{what} {over}"), room), room, theme.faint());
    let legend = if shows_sums {
        "bars: how often (root of the count); line: the activation"
    } else {
        "bars: how often (root of the count)"
    };
    let mut foot: Vec<String> =
        textwrap::wrap(legend, app::wrap_options(room.max(1))).into_iter().map(Into::into).collect();
    if column.scrolls {
        let gradients = (!is_beside).then_some(if shows_sums { "↓ gradients" } else { "↑ sums" });
        let left = area.height.saturating_sub(2 + foot.len() as u16);
        let another = is_uneven(layers.len(), left).then_some("i: another layer larger");
        let hints: Vec<&str> = gradients.into_iter().chain(another).collect();
        foot.extend((!hints.is_empty()).then(|| hints.join(" · ")));
    }
    let height = area.height.saturating_sub(1 + foot.len() as u16);
    for (y, line) in (area.y + 1 + height..area.bottom()).zip(&foot) {
        write(canvas.buffer, area.x, y, fit(theme, line, room), room, theme.faint());
    }
    let chosen = column.unit.and_then(|(chosen, _)| layers.iter().position(|layer| layer.layer == chosen)).unwrap_or(0);
    let heights = heights(layers.len(), chosen, height);
    // The chosen layer stays on the screen.
    let mut top = 0;
    while top < chosen && heights[top..=chosen].iter().sum::<u16>() > height {
        top += 1;
    }
    let head_style = |at: usize| {
        if at == chosen && is_uneven(layers.len(), height) { theme.strong() } else { theme.faint() }
    };
    let order: Vec<usize> = (0..layers.len()).collect();
    let body = Rect { y: area.y + 1, height, ..area };
    scrolled(
        theme,
        &order,
        top,
        |at| heights[*at],
        body,
        canvas,
        |at, place, canvas| {
            let layer = &layers[*at];
            let half = if is_beside { place.width / 2 } else { place.width };
            let left = Rect { width: half.saturating_sub(u16::from(is_beside)), ..place };
            let right = Rect { x: place.x + half, width: place.width - half, ..place };
            let styles = (head_style(*at), column.style);
            if shows_sums {
                let (name, activation) = (layer.layer, layer.activation.title());
                let head = format!("{name} {activation}: z {:.2} ± {:.2}", layer.mean, layer.deviation);
                draw_bins(theme, &head, &layer.z, Some(layer), styles, left, canvas);
            }
            if is_beside || !shows_sums {
                let place = if is_beside { right } else { left };
                let most = layer.gradient.to.abs().max(layer.gradient.from.abs());
                let head = format!("{} gradient at z, within ±{most:.1e}", layer.layer);
                draw_bins(theme, &head, &layer.gradient, None, styles, place, canvas);
            }
        },
    );
}

/// Whether so many rows are too few for all layers to be read.
fn is_uneven(count: usize, room: u16) -> bool {
    count > 1 && room / (count as u16) < READABLE
}

/// Rows of each layer: the same, or most of them for the chosen one where there is no room for all.
fn heights(count: usize, chosen: usize, room: u16) -> Vec<u16> {
    if !is_uneven(count, room) {
        return vec![(room / count.max(1) as u16).min(MOST); count];
    }
    let large = room.saturating_sub(LEAST * (count as u16 - 1)).clamp(READABLE, MOST);
    (0..count).map(|at| if at == chosen { large } else { LEAST }).collect()
}

/// The counts of a column of cells.
fn counts(bins: &Bins, columns: u16) -> Vec<f64> {
    let (count, columns) = (bins.counts.len(), usize::from(columns));
    // Bins and columns are resampled by the parts that overlap.
    let per = count as f64 / columns.max(1) as f64;
    let of = |column: usize| {
        let (from, to) = (column as f64 * per, (column + 1) as f64 * per);
        let overlap = |bin: usize| (to.min((bin + 1) as f64) - from.max(bin as f64)).max(0.0);
        let touched = (from as usize)..count.min(to.ceil() as usize);
        touched.map(|bin| overlap(bin) * bins.counts[bin] as f64).sum()
    };
    (0..columns).map(of).collect()
}

/// Draws the counts as bars over an axis, below the curve of the activation where there is room for it.
fn draw_bins(
    theme: &Theme,
    head: &str,
    bins: &Bins,
    curve: Option<&LayerHistogram>,
    (head_style, bar_style): (Style, Style),
    area: Rect,
    canvas: &mut ImageCanvas,
) {
    let room = usize::from(area.width);
    write(canvas.buffer, area.x, area.y, fit(theme, head, room), room, head_style);
    // The head, the axis, and a blank row where there is room.
    let rows = area.height.saturating_sub(if area.height > READABLE { 3 } else { 2 });
    if rows == 0 || area.width < 8 {
        return;
    }
    let curve_rows = match (curve, rows) {
        (None, _) | (_, 0..=4) => 0,
        (_, 5..=7) => 2,
        _ => 3,
    };
    if let Some(layer) = curve.filter(|_| curve_rows > 0) {
        draw_curve(theme, layer, Rect { y: area.y + 1, height: curve_rows, ..area }, canvas);
    }
    let bar_rows = rows - curve_rows;
    let counts = counts(bins, area.width);
    let most = counts.iter().copied().fold(0.0, f64::max).max(1.0);
    let floor = area.y + rows;
    for (x, count) in (area.x..area.right()).zip(&counts) {
        // A ReLU network may have most of its sums in one bin; the root leaves the others visible.
        let eighths = ((count / most).sqrt() * f64::from(bar_rows) * 8.0).round() as u16;
        for row in 0..bar_rows {
            let part = eighths.saturating_sub(8 * row).min(8);
            if part > 0
                && let Some(cell) = canvas.buffer.cell_mut((x, floor - row))
            {
                cell.set_char(block(theme, part)).set_style(bar_style);
            }
        }
    }
    let axis = floor + 1;
    let (from, to) = (number(bins.from), number(bins.to));
    write(canvas.buffer, area.x, axis, &from, room, theme.faint());
    let x = area.right().saturating_sub(to.len() as u16);
    write(canvas.buffer, x, axis, &to, room, theme.faint());
    if bins.from >= 0.0 || bins.to <= 0.0 {
        return;
    }
    let zero = (-bins.from / (bins.to - bins.from) * f64::from(area.width)) as u16;
    let zero = zero.min(area.width - 1);
    let line = if theme.glyphs == Glyphs::Ascii { '|' } else { '│' };
    for y in area.y + 1..=floor {
        if let Some(cell) = canvas.buffer.cell_mut((area.x + zero, y)).filter(|cell| cell.symbol() == " ") {
            cell.set_char(line).set_style(theme.faint());
        }
    }
    if let Some(at) = zero_label(zero, area.width, from.len() as u16, to.len() as u16) {
        write(canvas.buffer, area.x + at, axis, "0", 1, theme.faint());
    }
}

/// Where the 0 of an axis is written: at its place, or beside the number of an end that stands there. `None` if the numbers
/// leave no room.
fn zero_label(zero: u16, width: u16, from: u16, to: u16) -> Option<u16> {
    let (first, last) = (from + 1, width.checked_sub(to + 2)?);
    (first <= last).then(|| zero.clamp(first, last))
}

/// The number at an end of an axis.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.01 => format!("{value:.2}"),
        _ => format!("{value:.0e}"),
    }
}

/// Draws the activation over the axis of its pre-activations, from its lowest to its highest value there.
fn draw_curve(theme: &Theme, layer: &LayerHistogram, area: Rect, canvas: &mut ImageCanvas) {
    // The bits of a cell's dots, by column and row: two columns of four in a braille character, or a place for a letter.
    const BRAILLE: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
    const LETTERS: [char; 3] = ['\'', '-', '_'];
    let is_ascii = theme.glyphs == Glyphs::Ascii;
    let (across, down) = if is_ascii { (1, LETTERS.len()) } else { (2, 4) };
    let dots = curve_dots(layer, usize::from(area.width) * across, usize::from(area.height) * down);
    for (x, part) in (area.x..area.right()).zip(dots.chunks(across)) {
        for (row, y) in (area.y..area.bottom()).enumerate() {
            let place = |dot: usize| (dot / down == row).then_some(dot % down);
            let glyph = if is_ascii {
                part.first().and_then(|(_, to)| place(*to)).map(|dot| LETTERS[dot])
            } else {
                let bits = part.iter().zip(BRAILLE).flat_map(|((from, to), bits)| {
                    (*from.min(to)..=*from.max(to)).filter_map(place).map(move |dot| bits[dot])
                });
                Some(bits.fold(0, |all, bit| all | bit))
                    .filter(|bits| *bits > 0)
                    .and_then(|bits| char::from_u32(0x2800 + bits))
            };
            if let (Some(glyph), Some(cell)) = (glyph, canvas.buffer.cell_mut((x, y))) {
                cell.set_char(glyph).set_style(theme.strong());
            }
        }
    }
}

/// The curve of a layer's activation in a grid of dots: of each column the first and the last row, counted from the top. It has
/// no gaps where it is steep.
fn curve_dots(layer: &LayerHistogram, columns: usize, rows: usize) -> Vec<(usize, usize)> {
    let Bins { from, to, .. } = layer.z;
    let z = |column: usize| from + (column as f64 + 0.5) / columns as f64 * (to - from);
    let values: Vec<f64> = (0..columns).map(|column| layer.activation.value(z(column))).collect();
    let (low, high) =
        values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    let last = rows.saturating_sub(1);
    let row = |value: &f64| last - ((value - low) / (high - low).max(1e-12) * last as f64).round() as usize;
    let ends: Vec<usize> = values.iter().map(row).collect();
    let start = |at: usize| {
        let before = ends[at.saturating_sub(1)];
        // Next to the row of the column before.
        if before > ends[at] { before - 1 } else { (before + 1).min(ends[at]) }
    };
    (0..columns).map(|at| (start(at), ends[at])).collect()
}

/// A block that is filled to so many eighths.
fn block(theme: &Theme, eighths: u16) -> char {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    if theme.glyphs == Glyphs::Ascii {
        return if eighths >= 4 { '#' } else { '.' };
    }
    BLOCKS[usize::from(eighths.clamp(1, 8)) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Activation;

    #[test]
    fn bins_are_shared_out_to_columns_and_nothing_is_lost() {
        let bins = Bins { from: 0.0, to: 1.0, counts: vec![4, 0, 2, 6] };
        assert_eq!(counts(&bins, 2), [4.0, 8.0]);
        assert_eq!(counts(&bins, 8), [2.0, 2.0, 0.0, 0.0, 1.0, 1.0, 3.0, 3.0]);
        assert!((counts(&bins, 3).iter().sum::<f64>() - 12.0).abs() < 1e-9);
    }

    #[test]
    fn the_chosen_layer_is_large_where_not_all_can_be() {
        assert_eq!(heights(3, 0, 34), [11, 11, 11]);
        assert_eq!(heights(1, 0, 40), [14]);
        assert_eq!(heights(3, 1, 16), [4, 8, 4]);
        assert_eq!(heights(8, 7, 16), [4, 4, 4, 4, 4, 4, 4, 8]);
        assert_eq!(heights(0, 0, 16), [0; 0]);
    }

    #[test]
    fn the_zero_of_an_axis_is_not_written_over_its_ends() {
        assert_eq!(zero_label(12, 38, 5, 4), Some(12));
        assert_eq!(zero_label(37, 38, 5, 4), Some(32));
        assert_eq!(zero_label(1, 38, 5, 4), Some(6));
        assert_eq!(zero_label(4, 10, 5, 4), None);
    }

    #[test]
    fn the_curve_goes_from_the_lowest_to_the_highest_dot() {
        let bins = Bins { from: -2.0, to: 2.0, counts: vec![1] };
        let of = |activation| LayerHistogram {
            layer: "conv1".parse().unwrap(),
            activation,
            z: bins.clone(),
            gradient: bins.clone(),
            mean: 0.0,
            deviation: 1.0,
        };
        let ends =
            |activation| -> Vec<usize> { curve_dots(&of(activation), 8, 9).into_iter().map(|(_, end)| end).collect() };
        assert_eq!(ends(Activation::Relu), [8, 8, 8, 8, 7, 5, 2, 0]);
        assert_eq!(ends(Activation::Linear), [8, 7, 6, 5, 3, 2, 1, 0]);
        let dots = curve_dots(&of(Activation::Relu), 8, 9);
        assert_eq!(dots[5..], [(6, 5), (4, 2), (1, 0)]);
    }
}
