//! Fits tables to a width: columns take what they need, and share the width if it is not enough.

use super::document::Align;
use super::span::{Span, Style};
use super::wrap::wrap;
use unicode_width::UnicodeWidthStr;

/// Spaces between two columns.
const GAP: usize = 2;
/// A column narrower than this can't be read.
const NARROWEST: usize = 4;

/// The table's lines, or `None` if its columns can't fit.
pub fn set(aligns: &[Align], header: &[Vec<Span>], rows: &[Vec<Vec<Span>>], width: usize) -> Option<Vec<Vec<Span>>> {
    let natural: Vec<usize> = (0..header.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column)).chain([&header[column]]);
            cells.map(|cell| width_of(cell)).max().unwrap_or(0).max(1)
        })
        .collect();
    let widths = share(&natural, width.checked_sub(GAP * header.len().saturating_sub(1))?)?;
    let bold: Vec<Vec<Span>> = header
        .iter()
        .map(|cell| cell.iter().map(|span| Span { style: Style::Strong, ..span.clone() }).collect())
        .collect();
    let mut lines = row(aligns, &bold, &widths);
    let rule = widths.iter().map(|&w| "─".repeat(w)).collect::<Vec<_>>().join(&" ".repeat(GAP));
    lines.push(vec![Span::new(rule, Style::Frame)]);
    for cells in rows {
        lines.extend(row(aligns, cells, &widths));
    }
    Some(lines)
}

/// Column widths that add up to at most `room`. The widest are reduced first.
fn share(natural: &[usize], room: usize) -> Option<Vec<usize>> {
    // No column can be wider than all of it; widths are reduced one step at a time from there.
    let mut widths: Vec<usize> = natural.iter().map(|width| *width.min(&room)).collect();
    while widths.iter().sum::<usize>() > room {
        let widest = widths.iter_mut().max()?;
        if *widest <= NARROWEST {
            return None;
        }
        *widest -= 1;
    }
    Some(widths)
}

fn row(aligns: &[Align], cells: &[Vec<Span>], widths: &[usize]) -> Vec<Vec<Span>> {
    let wrapped: Vec<Vec<Vec<Span>>> = cells.iter().zip(widths).map(|(cell, &width)| wrap(cell, width)).collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
    (0..height)
        .map(|line| {
            let mut spans = Vec::new();
            for (column, lines) in wrapped.iter().enumerate() {
                let cell = lines.get(line).cloned().unwrap_or_default();
                let space = widths[column].saturating_sub(width_of(&cell));
                let before = match aligns.get(column).unwrap_or(&Align::Left) {
                    Align::Left => 0,
                    Align::Centre => space / 2,
                    Align::Right => space,
                };
                let gap = if column == 0 { 0 } else { GAP };
                spans.push(Span::new(" ".repeat(gap + before), Style::Text));
                spans.extend(cell);
                spans.push(Span::new(" ".repeat(space - before), Style::Text));
            }
            spans
        })
        .collect()
}

fn width_of(spans: &[Span]) -> usize {
    spans.iter().map(|span| span.text.width()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> Vec<Span> {
        vec![Span::new(text, Style::Text)]
    }

    fn lines(width: usize) -> Option<Vec<String>> {
        let rows = [vec![cell("rectifier"), cell("1.43")], vec![cell("tanh"), cell("1.57")]];
        let set = set(&[Align::Left, Align::Right], &[cell("neuron"), cell("MNIST")], &rows, width)?;
        Some(set.iter().map(|line| line.iter().map(|s| s.text.as_str()).collect()).collect())
    }

    #[test]
    fn columns_align() {
        let expected = ["neuron     MNIST", "─────────  ─────", "rectifier   1.43", "tanh        1.57"];
        assert_eq!(lines(40).unwrap(), expected);
    }

    #[test]
    fn short_room_wraps_and_too_little_is_refused() {
        assert!(lines(13).unwrap().iter().all(|line| line.width() <= 13));
        assert_eq!(lines(9), None);
    }
}
