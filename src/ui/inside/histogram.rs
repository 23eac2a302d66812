//! How the pre-activations of each layer are distributed, under the curve of their activation; and the gradients at them.

use super::{Column, write};
use crate::image::ImageCanvas;
use crate::theme::{Glyphs, Theme};
use protocol::{Bins, LayerHistogram};
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Columns from which the gradients stand beside the pre-activations.
const BESIDE: u16 = 76;

pub fn draw(theme: &Theme, layers: &[LayerHistogram], column: &Column, area: Rect, canvas: &mut ImageCanvas) {
    let count = layers.len().max(1) as u16;
    let height = area.height.saturating_sub(1) / count;
    for (at, layer) in (0..).zip(layers) {
        let place = Rect { y: area.y + at * height, height: height.min(14), ..area };
        let is_beside = place.width >= BESIDE;
        let half = if is_beside { place.width / 2 } else { place.width };
        let left = Rect { width: half.saturating_sub(u16::from(is_beside)), ..place };
        let right = Rect { x: place.x + half, width: place.width - half, ..place };
        if is_beside || column.top == 0 {
            let head =
                format!("{} {}: z {:.2} ± {:.2}", layer.layer, layer.activation.title(), layer.mean, layer.deviation);
            draw_bins(theme, &head, &layer.z, Some(layer), left, canvas);
        }
        if is_beside || column.top > 0 {
            let place = if is_beside { right } else { left };
            let head = format!("{} gradient at z, within ±{:.1e}", layer.layer, layer.gradient.to.abs());
            draw_bins(theme, &head, &layer.gradient, None, place, canvas);
        }
    }
    let y = area.bottom().saturating_sub(1);
    write(canvas.buffer, area.x, y, "height: root of count", usize::from(area.width), theme.faint());
    if column.scrolls && area.width < BESIDE && area.height > 2 {
        let more = if column.top == 0 { "↓ gradients" } else { "↑ pre-activations" };
        let x = area.right().saturating_sub(more.chars().count() as u16);
        write(canvas.buffer, x, area.bottom() - 1, theme.text(more), usize::from(area.width), theme.faint());
    }
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

fn draw_bins(
    theme: &Theme,
    head: &str,
    bins: &Bins,
    curve: Option<&LayerHistogram>,
    area: Rect,
    canvas: &mut ImageCanvas,
) {
    let room = usize::from(area.width);
    write(canvas.buffer, area.x, area.y, app::truncate(&theme.text(head), room), room, theme.faint());
    let rows = area.height.saturating_sub(3);
    if rows == 0 || area.width < 8 {
        return;
    }
    let counts = counts(bins, area.width);
    let most = counts.iter().copied().fold(0.0, f64::max).max(1.0);
    let floor = area.y + rows;
    for (x, count) in (area.x..area.right()).zip(&counts) {
        // A ReLU network may have most of its sums in one bin; the root leaves the others visible.
        let eighths = ((count / most).sqrt() * f64::from(rows) * 8.0).round() as u16;
        for row in 0..rows {
            let part = eighths.saturating_sub(8 * row).min(8);
            if part > 0
                && let Some(cell) = canvas.buffer.cell_mut((x, floor - row))
            {
                cell.set_char(block(theme, part)).set_style(theme.accent());
            }
        }
    }
    // The activation over the same axis, from its lowest to its highest value there.
    if let Some(layer) = curve {
        let z = |x: u16| bins.from + (f64::from(x) + 0.5) / f64::from(area.width) * (bins.to - bins.from);
        let values: Vec<f64> = (0..area.width).map(|x| layer.activation.value(z(x))).collect();
        let (low, high) =
            values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
        let span = (high - low).max(1e-12);
        for (x, value) in (area.x..).zip(&values) {
            let row = ((value - low) / span * f64::from(rows - 1)).round() as u16;
            if let Some(cell) = canvas.buffer.cell_mut((x, floor - row)) {
                cell.set_char(if theme.glyphs == Glyphs::Ascii { 'o' } else { '•' });
                cell.set_style(Style::new().patch(theme.cited()));
            }
        }
    }
    let axis = area.y + rows + 1;
    let number = |value: f64| if value.abs() >= 0.01 { format!("{value:.2}") } else { format!("{value:.0e}") };
    write(canvas.buffer, area.x, axis, theme.text(&number(bins.from)), room, theme.faint());
    let to = number(bins.to);
    let x = area.right().saturating_sub(to.chars().count() as u16);
    write(canvas.buffer, x, axis, to, room, theme.faint());
    if bins.from < 0.0 && bins.to > 0.0 {
        let zero = area.x + (-bins.from / (bins.to - bins.from) * f64::from(area.width - 1)).round() as u16;
        write(canvas.buffer, zero, axis, "0", 1, theme.faint());
    }
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

    #[test]
    fn bins_are_shared_out_to_columns_and_nothing_is_lost() {
        let bins = Bins { from: 0.0, to: 1.0, counts: vec![4, 0, 2, 6] };
        assert_eq!(counts(&bins, 2), [4.0, 8.0]);
        assert_eq!(counts(&bins, 8), [2.0, 2.0, 0.0, 0.0, 1.0, 1.0, 3.0, 3.0]);
        assert!((counts(&bins, 3).iter().sum::<f64>() - 12.0).abs() < 1e-9);
    }
}
