//! Draws a table of an experiment.

use crate::theme::{Glyphs, Theme};
use crate::widgets::write_wrapped;
use app::{PREDICTED_PREFIX, truncate};
use protocol::{Source, Table};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::ops::Range;
use unicode_width::UnicodeWidthStr;

/// Draws some rows of a table beneath its header. If it is too wide, the widest columns are truncated.
pub fn draw(theme: &Theme, figure: &Table, rows: Range<usize>, area: Rect, buffer: &mut Buffer) {
    let mut figure = figure.clone();
    if theme.glyphs == Glyphs::Unicode {
        // This changes widths, so it comes before the alignment.
        figure.rows.iter_mut().flatten().for_each(|cell| *cell = cell.replace("+-", "±"));
    }
    let figure = &figure;
    let widths = widths(figure, usize::from(area.width));
    let mut y = area.y;
    let numeric: Vec<bool> = (0..figure.columns.len()).map(|column| is_numeric(figure, column)).collect();
    let mut row = |cells: &[String], style: Style| {
        let mut x = area.x;
        for ((cell, width), numeric) in cells.iter().zip(&widths).zip(&numeric) {
            if y < area.bottom() && x < area.right() {
                let text = truncate(cell, *width);
                let text = if *numeric { format!("{}{text}", " ".repeat(width - text.width())) } else { text };
                // Predictions look different from measurements.
                let is_own = cell.starts_with(PREDICTED_PREFIX);
                let style = if is_own { theme.strong() } else { style };
                buffer.set_stringn(x, y, theme.text(&text), usize::from(area.right() - x), style);
            }
            x = x.saturating_add(*width as u16 + 2);
        }
        y += 1;
    };
    row(&figure.columns, theme.faint());
    figure.rows[rows].iter().for_each(|cells| row(cells, Style::new()));
    y += 1;
    for (column, from) in figure.columns.iter().zip(&figure.sources).filter(|(_, from)| **from != Source::Measured) {
        let source = from.describe();
        // The column may have the name of the source's kind.
        let note = if source.starts_with(&format!("{column}:")) { source } else { format!("{column}: {source}") };
        y = write_wrapped(theme, &note, theme.faint(), area, y, buffer);
    }
}

/// Draws some rows of the first column and of these columns beside it, and a note on the others.
pub fn draw_columns(
    theme: &Theme,
    figure: &Table,
    rows: Range<usize>,
    columns: Range<usize>,
    area: Rect,
    buffer: &mut Buffer,
) {
    let of = |cells: &[String]| -> Vec<String> {
        cells.iter().take(1).chain(cells.iter().take(columns.end).skip(columns.start)).cloned().collect()
    };
    let sources = figure.sources.iter().take(1).chain(figure.sources.iter().take(columns.end).skip(columns.start));
    let part = Table {
        title: figure.title.clone(),
        columns: of(&figure.columns),
        rows: figure.rows.iter().map(|row| of(row)).collect(),
        sources: sources.cloned().collect(),
        places: Vec::new(),
    };
    let last = area.bottom().saturating_sub(1);
    draw(theme, &part, rows, Rect { height: area.height.saturating_sub(1), ..area }, buffer);
    let shown = if columns.len() == 1 {
        format!("column {}", columns.end)
    } else {
        format!("columns {}-{}", columns.start + 1, columns.end)
    };
    let text = format!("{shown} of {} · [ ] the others", figure.columns.len());
    buffer.set_stringn(area.x, last, theme.text(&text), usize::from(area.width), theme.faint());
}

/// Whether a column holds numbers, which are right-aligned.
fn is_numeric(figure: &Table, column: usize) -> bool {
    let number =
        |cell: &String| cell == "-" || cell.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit());
    figure.rows.iter().filter_map(|row| row.get(column)).all(number)
}

/// The widths of a table's columns, with two blanks between them, within `room`.
fn widths(figure: &Table, room: usize) -> Vec<usize> {
    let width = |column: usize| {
        let cells = figure.rows.iter().filter_map(|row| row.get(column));
        cells.chain([&figure.columns[column]]).map(|cell| cell.width()).max().unwrap_or(1)
    };
    let mut widths: Vec<usize> = (0..figure.columns.len()).map(width).collect();
    while widths.iter().map(|width| width + 2).sum::<usize>() > room + 2 {
        match widths.iter_mut().max() {
            Some(widest) if *widest > 4 => *widest -= 1,
            _ => break,
        }
    }
    widths
}
