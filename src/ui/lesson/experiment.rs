//! Draws an experiment's cell: its figures and findings, or the offer to measure.

use super::experiment_footer::footer_text;
use crate::chart::{self, cursor_values};
use crate::figure;
use crate::image::ImageCanvas;
use crate::theme::Theme;
use crate::widgets::{draw_frame, progress_bar, write_wrapped};
use app::{
    App, ExperimentView, Page, Pane, Readout, RunningMeasurement, STEER_KEYS, Viewport, finding_lines, head_rows,
    offer_lines, pages, tabs_fit, truncate,
};
use lesson::ExperimentCell;
use protocol::{CellKey, Figure, Outcome, format_clock};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

/// The largest width of a progress bar.
const LONGEST_BAR: usize = 40;

/// Draws an experiment's cell; returns the room of a plot's curves.
pub fn draw(
    app: &App,
    theme: &Theme,
    cell: &ExperimentCell,
    key: &CellKey,
    focused: bool,
    area: Rect,
    canvas: &mut ImageCanvas,
) -> Option<Rect> {
    let buffer = &mut *canvas.buffer;
    let inner = draw_frame(theme, &cell.title, focused, area, buffer);
    let none = ExperimentView::default();
    let view = app.experiments.get(key).unwrap_or(&none);
    let wanted = app.requested_spec(key, cell);
    let mut y = inner.y;
    if let Some(running) = view.progress() {
        progress(theme, running, Rect { y, ..inner }, buffer);
        y += 2;
    }
    if let Some(error) = &view.error {
        write_wrapped(theme, error, theme.bad(), inner, y, buffer);
    }
    y = inner.y + head_rows(view, inner.width);
    let Some(outcome) = view.shown() else {
        let mut row = y + 1;
        if view.running.is_some() {
            write_wrapped(theme, "The figures appear here as they are measured.", theme.faint(), inner, row, buffer);
            return None;
        }
        for (at, line) in offer_lines(&wanted, &app.timings).iter().enumerate() {
            let style = if at == 0 { theme.strong() } else { theme.faint() };
            row = write_wrapped(theme, line, style, inner, row, buffer);
        }
        return None;
    };
    let last = inner.bottom().saturating_sub(1);
    if last <= y + 2 {
        return None;
    }
    let place = Rect { y: y + 1, height: last - y - 1, ..inner };
    let drawn = app.with_predictions(key, outcome);
    let pages = pages(&drawn, place.width, place.height, theme.image_cell);
    let at = pages.len().checked_sub(1).map(|most| view.page.min(most))?;
    draw_page_numbers(theme, &title(outcome, &pages[at]), at, pages.len(), Rect { y, height: 1, ..inner }, buffer);
    let viewport = app.viewport(&Pane::Cell(key.clone()));
    let size = (inner.width, inner.height);
    let read = viewport.cursor.and_then(|_| values(theme, &drawn, &pages[at], &viewport, size));
    let place = if let Some(lines) = read {
        cursor_values::draw(&lines, Rect { height: place.height + 1, ..place }, buffer)
    } else {
        let steering = app.steers(key).then(|| (STEER_KEYS.into(), theme.strong()));
        let (footer, style) = steering.unwrap_or_else(|| {
            footer_text(theme, view, outcome, app.stale(key), (&wanted, app.experiment_estimate(&wanted)), inner.width)
        });
        buffer.set_stringn(inner.x, last, theme.text(&footer), inner.width.into(), style);
        place
    };
    match &pages[at] {
        Page::Figure(number) => {
            return figure::draw(theme, &drawn.figures[*number], &viewport, place, canvas);
        }
        Page::Rows(number, rows) => {
            if let Figure::Table(whole) = &drawn.figures[*number] {
                figure::table::draw(theme, whole, rows.clone(), place, buffer);
            }
        }
        Page::Columns(number, rows, columns) => {
            if let Figure::Table(whole) = &drawn.figures[*number] {
                figure::table::draw_columns(theme, whole, rows.clone(), columns.clone(), place, buffer);
            }
        }
        Page::Images(number, shown) => {
            if let Figure::Images(grid) = &outcome.figures[*number] {
                let place = figure::draw_source(theme, &grid.source, place, buffer);
                figure::images::draw(theme, grid, shown.clone(), place, canvas);
            }
        }
        Page::Findings(lines) => {
            for (line, row) in finding_lines(outcome, place.width)[lines.clone()].iter().zip(place.y..) {
                write_wrapped(theme, &theme.measured(line), Style::new(), place, row, buffer);
            }
        }
    }
    None
}

/// Draws the progress bar with the seconds so far and left, and beneath it the step under way.
fn progress(theme: &Theme, running: &RunningMeasurement, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let time = match running.remaining_seconds() {
        Some(left) => format!("{} so far, about {} left", format_clock(running.seconds), format_clock(left)),
        None => format!("{} so far", format_clock(running.seconds)),
    };
    let numbers = format!(" {:>3.0} % · {time}", running.done * 100.0);
    let bar = progress_bar(theme, running.done, width.saturating_sub(numbers.width()).clamp(4, LONGEST_BAR));
    buffer.set_stringn(area.x, area.y, theme.text(&format!("{bar}{numbers}")), width, theme.strong());
    let doing = format!("{} · s stops", running.doing);
    buffer.set_stringn(area.x, area.y + 1, theme.text(&doing), width, theme.faint());
}

fn title(outcome: &Outcome, page: &Page) -> String {
    match page {
        Page::Findings(_) => "What was found".into(),
        Page::Figure(number) | Page::Rows(number, _) | Page::Columns(number, ..) | Page::Images(number, _) => {
            outcome.figures[*number].title().into()
        }
    }
}

/// Draws the title of the page, and at the right the numbers of the pages, or a count if there are many.
fn draw_page_numbers(theme: &Theme, title: &str, at: usize, count: usize, area: Rect, buffer: &mut Buffer) {
    let numbers: Vec<(String, Style)> = match count {
        0 | 1 => Vec::new(),
        _ if !tabs_fit(count, area.width) => vec![(format!("page {} of {count}", at + 1), theme.faint())],
        _ => {
            let style = |page| if page == at { theme.selected() } else { theme.faint() };
            (0..count).map(|page| (format!("{:^3}", page + 1), style(page))).collect()
        }
    };
    let width: usize = numbers.iter().map(|(text, _)| text.width()).sum();
    let mut x = area.right().saturating_sub(width as u16);
    let room = usize::from(x.saturating_sub(area.x + 1));
    buffer.set_stringn(area.x, area.y, truncate(&theme.measured(title), room), room, theme.strong());
    for (text, style) in numbers {
        x = buffer.set_stringn(x, area.y, text, usize::from(area.right() - x), style).0;
    }
}

/// The values at the cursor.
fn values(
    theme: &Theme,
    outcome: &Outcome,
    page: &Page,
    viewport: &Viewport,
    size: (u16, u16),
) -> Option<Vec<Vec<(String, Style)>>> {
    let Page::Figure(number) = page else { return None };
    match outcome.figures.get(*number)? {
        Figure::Plot(plot) => {
            let look = |curve| chart::curve_sample(theme, plot, curve);
            Some(cursor_values::lines(theme, &Readout::of_plot(plot, viewport), viewport, look, size))
        }
        Figure::Bars(bars) => {
            Some(cursor_values::lines(theme, &Readout::of_bars(bars), viewport, |_| ("", theme.arm(0)), size))
        }
        _ => None,
    }
}
