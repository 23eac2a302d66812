//! The cells of a sweep: the curve of their errors over a setting, and the grid with an interval in each cell.

use crate::chart::{self, ChartLayout, MarkLabels};
use crate::theme::heat::heat;
use crate::theme::{Glyphs, Theme};
use crate::widgets::{draw_frame, write_wrapped};
use app::{App, LabPage, SweepEntry, SweepLayout, SweepRemark, SweepTable, Viewport, truncate};
use protocol::{CellResult, format_count, format_estimate};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

pub fn draw(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let focused = app.lab.page == LabPage::Sweep;
    let table = app.sweep_table();
    let title = table.as_ref().map_or("A sweep".into(), |table| format!("Sweep of run {}", table.run));
    let inner = draw_frame(theme, &title, focused, area, buffer);
    let (Some(table), Some(training)) = (table, app.lab_training()) else {
        let text =
            "The run that is shown is no sweep. On the page of the study, S sweeps the setting in the chosen row.";
        write_wrapped(theme, text, Style::new(), inner, inner.y, buffer);
        return;
    };
    let cursor = app.lab.sweep_cursor;
    let layout = app.sweep_layout(&table, area);
    let (done, all) = table.done();
    let left = training.remaining_seconds().filter(|_| training.state.is_active());
    let left = left.map_or(String::new(), |left| format!(", {} to go", format_estimate(left)));
    let seeds = format_count(training.spec.seeds.len(), "seed");
    let head = format!("{done} of {all} cells done, {seeds} each{left}; validation error, %, ± 95 % interval");
    let room = usize::from(layout.head.width);
    buffer.set_stringn(layout.head.x, layout.head.y, truncate(&theme.text(&head), room), room, theme.faint());
    if layout.curve.height > 0
        && let Some(plot) = table.curve(training.spec.epochs)
    {
        let of = ChartLayout {
            // The rows of the grid have the same signs and colours.
            has_legend: false,
            labels: MarkLabels::None,
            has_names: false,
            note: "",
            empty: "A point stands for each cell that has come to its last epoch.",
        };
        chart::draw(theme, &plot, &Viewport::default(), &of, layout.curve, buffer);
    }
    draw_grid(theme, &table, &layout, cursor == app.lab.sweep_cursor && focused, app, buffer);
    let mut y = layout.below.y;
    for remark in app.sweep_remarks(&table) {
        let style = match &remark {
            SweepRemark::Cell(_) => theme.strong(),
            SweepRemark::Edge(_) => theme.bad(),
            SweepRemark::Best(_) => theme.accent(),
        };
        y = write_wrapped(theme, remark.text(), style, layout.below, y, buffer);
    }
}

fn draw_grid(theme: &Theme, table: &SweepTable, layout: &SweepLayout, focused: bool, app: &App, buffer: &mut Buffer) {
    let (titles, head) = (layout.titles, layout.columns_row);
    let cell = usize::from(SweepLayout::CELL - 1);
    let title = truncate(&theme.text(table.setting.key), usize::from(titles.width));
    buffer.set_stringn(titles.x, head, title, titles.width.into(), theme.faint());
    let end = titles.x + layout.head.width;
    let room = |x: u16| usize::from(end.saturating_sub(x)).min(cell);
    for (column, x) in &layout.columns {
        let text = truncate(&theme.text(&table.columns[*column]), cell);
        buffer.set_stringn(*x, head, text, room(*x), theme.strong());
    }
    for (row, y) in &layout.rows {
        let of = &table.rows[*row];
        let title =
            truncate(&theme.text(&format!("{} {}", theme.marker(*row), of.title)), usize::from(titles.width) - 1);
        buffer.set_stringn(titles.x, *y, title, titles.width.into(), theme.arm(*row));
        for (column, x) in &layout.columns {
            let is_chosen = focused && (*row, *column) == (app.lab.sweep_cursor.row, app.lab.sweep_cursor.column);
            let entry = of.cells.get(*column).and_then(Option::as_ref);
            let (text, style) = entry.map_or_else(|| (String::new(), Style::new()), |entry| cell_look(theme, entry));
            let text = format!("{:<cell$}", truncate(&theme.text(&text), cell));
            let style = if is_chosen { theme.selected().patch(theme.strong()) } else { style };
            buffer.set_stringn(*x, *y, text, room(*x), style);
        }
    }
    let [left, right, above, below] = layout.more;
    let last = end.saturating_sub(1);
    let rows = || layout.rows.iter().map(|(_, y)| *y);
    for (is_there, sign, x, y) in [
        (left, "←", titles.right().saturating_sub(1), head),
        (right, "→", last, head),
        (above, "↑", last, rows().next().unwrap_or(head)),
        (below, "↓", last, rows().next_back().unwrap_or(head)),
    ] {
        if is_there {
            buffer.set_stringn(x, y, theme.text(sign), 1, theme.accent());
        }
    }
}

/// The text of a cell with its style: the colour tells how good it is, and so does the sign before the number.
fn cell_look(theme: &Theme, entry: &SweepEntry) -> (String, Style) {
    let CellResult { epoch, stopped, diverged, .. } = &entry.result;
    if !diverged.is_empty() {
        return ("diverged".into(), theme.bad());
    }
    let Some(summary) = entry.summary else {
        return ((if *stopped { "stopped" } else { "…" }).into(), theme.faint());
    };
    let half = entry.half_interval().map_or(String::new(), |half| match half {
        // As many digits as the cell has room for.
        half if half < 10.0 => format!(" ±{half:.2}"),
        half if half < 99.95 => format!(" ±{half:.1}"),
        _ => " ±>99".into(),
    });
    let Some(rank) = entry.rank else {
        let at = if *stopped { format!(" @{epoch}") } else { " …".into() };
        return (format!("  {:.2}{at}", summary.mean), theme.faint());
    };
    let best = if entry.is_best { "*" } else { "" };
    let text = format!("{} {:.2}{half}{best}", sign(theme, rank), summary.mean);
    let strong = if entry.is_best { theme.strong() } else { Style::new() };
    (text, heat(theme, 1.0 - rank).patch(strong))
}

/// The fuller, the lower the error.
fn sign(theme: &Theme, rank: f64) -> char {
    let signs = if theme.glyphs == Glyphs::Ascii { [' ', '.', ':', '#'] } else { [' ', '░', '▒', '█'] };
    signs[(((1.0 - rank) * 4.0) as usize).min(3)]
}
