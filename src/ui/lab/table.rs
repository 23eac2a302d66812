//! The study as a table. What differs between the arms has a mark and is bold; what an arm has from all is pale.

use super::{activations, draw_edit};
use crate::theme::Theme;
use crate::widgets::write_wrapped;
use app::{
    App, EditOf, LabPage, StudyTable, TableLayout, TableLine, TableRow, ValueOrigin, truncate, truncate_distinct,
};
use protocol::Activation;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

pub fn draw(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let table = &app.lab.table;
    let layout = TableLayout::new(table, area);
    let focused = app.lab.page == LabPage::Study;
    draw_head(table, theme, &layout, buffer);
    for (line, y) in &layout.lines {
        match line {
            TableLine::Heading(group) => {
                let row = Rect { y: *y, height: 1, ..layout.head };
                let title = format!("{} ", group.title());
                let x = buffer.set_stringn(row.x, row.y, &title, usize::from(row.width), theme.faint()).0;
                let rule = theme.text("─").repeat(usize::from(row.right().saturating_sub(x)));
                buffer.set_stringn(x, row.y, rule, usize::from(row.right().saturating_sub(x)), theme.faint());
            }
            TableLine::Row(number) => draw_row(app, theme, &layout, *number, *y, focused, buffer),
        }
    }
    draw_more(theme, &layout, buffer);
    draw_below(app, theme, layout.below, buffer);
}

/// The heads of the columns: an arm has its marker and its colour.
fn draw_head(table: &StudyTable, theme: &Theme, layout: &TableLayout, buffer: &mut Buffer) {
    let titles: Vec<String> = (0..table.arms().len()).map(|arm| table.arm_title(arm)).collect();
    for (column, x, width) in &layout.columns {
        let room = usize::from(width.saturating_sub(1));
        let (text, style) = match column.checked_sub(1) {
            None => (truncate("all arms", room), theme.strong()),
            Some(arm) => {
                // Beside the marker and a blank.
                let titles = truncate_distinct(&titles, room.saturating_sub(2));
                let text = format!("{} {}", theme.marker(arm), titles.get(arm).map_or("", String::as_str));
                (text, theme.arm(arm).patch(theme.strong()))
            }
        };
        buffer.set_stringn(*x, layout.head.y, theme.text(&text), room, style);
    }
}

fn draw_row(app: &App, theme: &Theme, layout: &TableLayout, number: usize, y: u16, focused: bool, buffer: &mut Buffer) {
    let table = &app.lab.table;
    let row = TableRow::all()[number];
    let is_chosen = number == table.row_number();
    let differs = table.differs(row);
    let style = if is_chosen { theme.accent().patch(theme.strong()) } else { Style::new() };
    let mark = if differs { theme.text("≠") } else { String::new() };
    buffer.set_stringn(layout.titles.x, y, &mark, 2, theme.strong());
    buffer.set_stringn(layout.titles.x + 2, y, row.title(), usize::from(layout.titles.width.saturating_sub(3)), style);
    for (column, x, width) in &layout.columns {
        let place = Rect { x: *x, y, width: width.saturating_sub(1), height: 1 };
        let is_cell = is_chosen && *column == table.column();
        if is_cell && let Some(edit) = app.lab.edit.as_ref().filter(|edit| edit.what == EditOf::Value) {
            // A long text needs more than its column.
            draw_edit(
                edit,
                theme,
                Rect { width: place.width.max(layout.head.right().saturating_sub(*x)), ..place },
                buffer,
            );
            return;
        }
        let Some(value) = table.value(row, *column) else {
            if is_cell {
                buffer.set_stringn(*x, y, theme.text("–"), usize::from(place.width), theme.selected());
            }
            continue;
        };
        let style = match (value.origin, column.checked_sub(1)) {
            (ValueOrigin::Own, Some(arm)) if differs => theme.arm(arm).patch(theme.strong()),
            (ValueOrigin::Own, _) => theme.strong(),
            (ValueOrigin::Inherited, _) | (ValueOrigin::Default, Some(_)) => theme.faint(),
            (ValueOrigin::Default, None) => Style::new(),
        };
        let text = truncate(&theme.text(&value.text), usize::from(place.width));
        if is_cell {
            let style = if focused {
                theme.selected().add_modifier(Modifier::BOLD)
            } else {
                style.add_modifier(Modifier::UNDERLINED)
            };
            let text = format!("{text:<width$}", width = usize::from(place.width));
            buffer.set_stringn(*x, y, text, usize::from(place.width), style);
        } else {
            buffer.set_stringn(*x, y, text, usize::from(place.width), style);
        }
    }
}

/// Arrows where the table goes on.
fn draw_more(theme: &Theme, layout: &TableLayout, buffer: &mut Buffer) {
    let [left, right, above, below] = layout.more;
    let mut arrow = |is_there: bool, sign: &str, x: u16, y: u16| {
        if is_there {
            buffer.set_stringn(x, y, theme.text(sign), 2, theme.accent());
        }
    };
    let end = layout.head.right().saturating_sub(1);
    let first = layout.columns.get(1).map_or(end, |(_, x, _)| x.saturating_sub(2));
    arrow(left, "←", first, layout.head.y);
    arrow(right, "→", end, layout.head.y);
    let rows = || layout.lines.iter().map(|(_, y)| *y);
    arrow(above, "↑", end, rows().next().unwrap_or(layout.head.y));
    arrow(below, "↓", end, rows().next_back().unwrap_or(layout.head.y));
}

/// What the chosen row means and may be, what is wrong or how long it takes, and where there is room the activations.
fn draw_below(app: &App, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let table = &app.lab.table;
    let fault = app.lab.edit.as_ref().filter(|edit| edit.what == EditOf::Value).and_then(|edit| edit.fault.clone());
    let offer = app.lab_offer();
    let (text, style) = match (&fault, &offer) {
        (Some(why), _) | (None, Err(why)) => (why, theme.bad()),
        (None, Ok(offer)) => (offer, theme.good()),
    };
    let mut y = write_wrapped(theme, text, style, area, area.y, buffer);
    let hint = hint(table);
    y = write_wrapped(theme, &hint, theme.faint(), area, y, buffer);
    let left = Rect { y: y + 1, height: area.bottom().saturating_sub(y + 1), ..area };
    activations::draw_arms(table, theme, left, buffer);
}

/// What the chosen row means.
fn hint(table: &StudyTable) -> String {
    match table.row() {
        TableRow::Name => {
            "the arm's name in lists and charts, and of its checkpoints' folder; by itself it follows from the activations"
                .into()
        }
        TableRow::Conv | TableRow::Fc => {
            let value = table.chosen_value().and_then(|value| value.text.parse::<Activation>().ok());
            let of = if matches!(table.row(), TableRow::Conv) { "the convolutions" } else { "the hidden fully connected layers" };
            let entry = value.map(|activation| {
                let entry = activation.entry();
                let parameter = entry.parameter.as_ref().map_or(String::new(), |parameter| {
                    format!("; {}: {} to {}", parameter.meaning, parameter.low, parameter.high)
                });
                format!(": {} = {}{parameter} ({})", entry.title, entry.formula, entry.reference)
            });
            format!("activation of {of}{}", entry.unwrap_or_default())
        }
        TableRow::Setting(setting) => setting.hint(),
    }
}
