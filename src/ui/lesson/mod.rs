//! Draws the open lesson: its lines, and its cells in the rows reserved for them.

mod claim;
pub mod contents;
mod experiment;
mod experiment_footer;
mod predictions;
mod questions;

use crate::image::{FrameRecord, ImageCanvas};
use crate::inside::view_cell;
use crate::study::train_cell;
use crate::theme::Glyphs;
use crate::theme::Theme;
use crate::theme::pixels;
use app::{App, DrawnChart, Pane};
use lesson::{CellBody, Line, Picture, Span};
use ratatui::buffer::Buffer;
use ratatui::{Frame, layout::Rect};

/// Draws the lesson; returns where its charts are.
pub fn draw(app: &App, theme: &Theme, frame: &mut Frame, record: &mut FrameRecord) -> Vec<DrawnChart> {
    let mut charts = Vec::new();
    let area = app.screen.text;
    let buffer = frame.buffer_mut();
    let cells = app.document().cells();
    let chosen = app.view.chosen_link().map_or(&[][..], |link| &app.view.layout.links[link].parts);
    let mut drawn = None;
    for (row, line) in app.view.shown().iter().enumerate() {
        let y = area.y + row as u16;
        let number = app.view.top + row;
        match line {
            Line::Text(spans) => {
                draw_spans(theme, spans, |at| chosen.contains(&(number, at)), Rect { y, ..area }, buffer);
                if app.view.arrived == Some(number) && area.x >= 2 {
                    let mark = if theme.glyphs == Glyphs::Ascii { ">" } else { "▸" };
                    buffer.set_string(area.x - 2, y, mark, theme.accent());
                }
            }
            Line::Picture { before, picture, row } => {
                let left = draw_spans(theme, before, |_| false, Rect { y, ..area }, buffer);
                let place = Rect { x: left, y, width: area.right().saturating_sub(left), height: 1 };
                draw_row(theme, &app.view.layout.pictures[*picture], *row, place, buffer);
            }
            Line::Cell { cell, row: first } if drawn != Some(*cell) => {
                drawn = Some(*cell);
                if let (Some(body), Some((_, height))) = (cells.get(*cell), app.view.layout.cells.get(*cell)) {
                    let mut screen = ImageCanvas { buffer: &mut *buffer, record: &mut *record };
                    charts.extend(draw_cell(app, theme, body, *cell, (*first, *height), y, &mut screen));
                }
            }
            Line::Cell { .. } => {}
        }
    }
    charts
}

/// Draws spans from the left, chosen ones in reverse video; returns the column after them.
fn draw_spans(theme: &Theme, spans: &[Span], chosen: impl Fn(usize) -> bool, area: Rect, buffer: &mut Buffer) -> u16 {
    let mut x = area.x;
    for (at, span) in spans.iter().enumerate() {
        let room = usize::from(area.right().saturating_sub(x));
        let style = theme.prose(span);
        let style = if chosen(at) { style.patch(theme.selected()) } else { style };
        x = buffer.set_stringn(x, area.y, theme.text(&span.text), room, style).0;
    }
    x
}

/// Draws one row of a picture, two of its pixels in each column.
fn draw_row(theme: &Theme, picture: &Picture, row: u16, place: Rect, buffer: &mut Buffer) {
    let mut rows = picture.pixels.chunks_exact(picture.width as usize).skip(2 * usize::from(row));
    let (upper, lower) = (rows.next().unwrap_or_default(), rows.next());
    for (column, pixel) in (0..place.width).zip(upper) {
        if let Some(cell) = buffer.cell_mut((place.x + column, place.y)) {
            pixels::draw(theme, *pixel, lower.map(|lower| lower[usize::from(column)]), cell);
        }
    }
}

/// Draws a cell whole, off the screen, and copies the rows that show; returns where its charts are on the screen.
fn draw_cell(
    app: &App,
    theme: &Theme,
    cell: &lesson::Cell,
    number: usize,
    (first, height): (u16, u16),
    y: u16,
    screen: &mut ImageCanvas,
) -> Vec<DrawnChart> {
    let at = Rect { y, ..app.cell_room(cell) };
    let whole = Rect::new(0, 0, at.width, height);
    let mut canvas = Buffer::empty(whole);
    // While a link is chosen, Enter follows it and does not act on the cell.
    let focused = app.view.focus == Some(number) && app.view.chosen_link().is_none();
    let key = app.key_of(cell);
    let mut places = Vec::new();
    let images_before = screen.record.count();
    match &cell.body {
        CellBody::Train(train) => places = train_cell::draw_cell(app, theme, train, &key, focused, whole, &mut canvas),
        CellBody::Experiment(body) => {
            let mut canvas = ImageCanvas { buffer: &mut canvas, record: screen.record };
            places.extend(experiment::draw(app, theme, body, &key, focused, whole, &mut canvas));
        }
        CellBody::Predict(_) | CellBody::Quiz(_) => {
            let title = if matches!(cell.body, CellBody::Quiz(_)) { "Question" } else { "Prediction" };
            let lines = app.question_lines(&key, &cell.body, whole.width).unwrap_or_default();
            questions::draw(theme, title, &lines, focused, whole, &mut canvas);
        }
        CellBody::Predictions(body) => predictions::draw(app, theme, body, focused, whole, &mut canvas),
        CellBody::View(body) => {
            let mut canvas = ImageCanvas { buffer: &mut canvas, record: screen.record };
            view_cell::draw(app, theme, body, &key, focused, whole, &mut canvas);
        }
        CellBody::Claim(body) => claim::draw(theme, body, &app.findings_of(body), focused, whole, &mut canvas),
    }
    let rows = (height - first).min((app.screen.text.bottom()).saturating_sub(at.y));
    let visible = Rect { y: first, height: rows, ..whole };
    screen.record.move_to_screen(theme, images_before, visible, at.as_position(), &mut canvas);
    for row in 0..rows {
        for column in 0..at.width {
            if let (Some(from), Some(to)) =
                (canvas.cell((column, first + row)), screen.buffer.cell_mut((at.x + column, at.y + row)))
            {
                *to = from.clone();
            }
        }
    }
    // The part of each chart that the rows on the screen hold.
    let on_screen = |place: Rect| {
        let (top, bottom) = (place.y.max(first), place.bottom().min(first + rows));
        let place = Rect { x: at.x + place.x, y: at.y + top.saturating_sub(first), ..place };
        (top < bottom).then(|| Rect { height: bottom - top, ..place })
    };
    let pane = Pane::Cell(key);
    places.into_iter().filter_map(on_screen).map(|place| DrawnChart { pane: pane.clone(), place }).collect()
}
