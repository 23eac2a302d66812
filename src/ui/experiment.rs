//! An experiment's cell: its figures and findings, or the offer to run it.

use super::plot::{Crosshair, Curve, Label, Plot, Shade};
use super::questions::{framed, write};
use super::theme::{Glyphs, Theme};
use super::{bars, images, regions, units};
use crate::app::{App, Chart, Cursor, ExperimentView, Page, STEERING, Stale, finding_lines, head_rows, pages};
use crate::lesson::ExperimentCell;
use crate::protocol::{self, CellKey, ExperimentSpec, Figure, Outcome, Scale, Source, Stroke, Table, about};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::ops::Range;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub fn draw(
    app: &App,
    theme: &Theme,
    cell: &ExperimentCell,
    key: &CellKey,
    focused: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let inner = framed(theme, &cell.title, focused, area, buffer);
    let none = ExperimentView::default();
    let view = app.experiments.get(key).unwrap_or(&none);
    let wanted = app.wanted(key, cell);
    let mut y = inner.y;
    if let Some(running) = view.progress() {
        let text = format!("{:>3.0} %  {} · Enter stops", running.done * 100.0, running.doing);
        buffer.set_stringn(inner.x, y, theme.text(&text), inner.width.into(), theme.strong());
        y += 1;
    }
    if let Some(error) = &view.error {
        write(theme, error, theme.bad(), inner, y, buffer);
    }
    y = inner.y + head_rows(view, inner.width);
    let Some(outcome) = view.shown() else {
        if view.running.is_none() {
            offer(
                theme,
                &wanted,
                Rect { y: y + 1, height: inner.height.saturating_sub(y + 1 - inner.y), ..inner },
                buffer,
            );
        }
        return;
    };
    let last = inner.bottom().saturating_sub(1);
    if last <= y + 2 {
        return;
    }
    let place = Rect { y: y + 1, height: last - y - 1, ..inner };
    let pages = pages(outcome, place.width, place.height);
    let Some(at) = pages.len().checked_sub(1).map(|most| view.page.min(most)) else { return };
    tabs(theme, &title(outcome, &pages[at]), at, pages.len(), Rect { y, height: 1, ..inner }, buffer);
    let cursor = app.cursor_in(key).filter(|_| matches!(pages[at], Page::Figure(_)));
    let read = cursor.and_then(|cursor| reading(theme, outcome, &pages[at], cursor));
    let steering = app.steers(key).then(|| (STEERING.into(), theme.strong()));
    let (foot, style) = read.or(steering).unwrap_or_else(|| foot(theme, view, outcome, app.stale(key), &wanted));
    write(theme, &foot, style, Rect { y: last, height: 1, ..inner }, last, buffer);
    match &pages[at] {
        Page::Figure(number) => figure(theme, &outcome.figures[*number], cursor, place, buffer),
        Page::Rows(number, rows) => {
            if let Figure::Table(whole) = &outcome.figures[*number] {
                table(theme, whole, rows.clone(), place, buffer);
            }
        }
        Page::Images(number, shown) => {
            if let Figure::Images(grid) = &outcome.figures[*number] {
                images::draw(theme, grid, shown.clone(), place, buffer);
            }
        }
        Page::Findings(lines) => {
            for (line, row) in finding_lines(outcome, place.width)[lines.clone()].iter().zip(place.y..) {
                write(theme, line, Style::new(), place, row, buffer);
            }
        }
    }
}

/// What Enter would measure, and how long it would take.
fn offer(theme: &Theme, wanted: &ExperimentSpec, area: Rect, buffer: &mut Buffer) {
    let setting = if wanted.has_full() { format!(" ({} setting)", wanted.effort.name()) } else { String::new() };
    let text = format!("Enter measures; it takes {}{setting}.", about(wanted.seconds()));
    let y = write(theme, &text, theme.strong(), area, area.y, buffer);
    if wanted.has_full() {
        let other = ExperimentSpec { effort: wanted.effort.other(), ..wanted.clone() };
        let text = format!("e chooses the {} setting: {}.", other.effort.name(), about(other.seconds()));
        write(theme, &text, theme.faint(), area, y, buffer);
    }
}

/// How the shown figures came about, and what Enter would measure where that is something else.
fn foot(
    theme: &Theme,
    view: &ExperimentView,
    outcome: &Outcome,
    stale: Option<Stale>,
    wanted: &ExperimentSpec,
) -> (String, Style) {
    let whole = view.outcome.as_ref().is_some_and(|whole| std::ptr::eq(whole, outcome));
    let running = view.running.as_ref().and_then(|running| running.spec.as_ref());
    let spec = if whole { view.spec.as_ref() } else { running }.unwrap_or(wanted);
    let effort = if spec.has_full() { format!("{}, ", spec.effort.name()) } else { String::new() };
    let seeds: Vec<String> = spec.seeds.iter().map(u64::to_string).collect();
    let settings = format!("{effort}{} {}", if seeds.len() == 1 { "seed" } else { "seeds" }, seeds.join(", "));
    match (whole, stale) {
        (false, _) if view.running.is_some() => (format!("so far, {settings}"), theme.faint()),
        (false, _) => (format!("stopped before its end, {settings}"), theme.bad()),
        (true, None) => (format!("measured here in {:.1} s, {settings}", outcome.seconds), theme.faint()),
        (true, Some(Stale::Settings)) => {
            (format!("measured with other settings than the lesson's now ({settings})"), theme.bad())
        }
        (true, Some(Stale::Effort)) => {
            let time = about(wanted.seconds());
            (format!("measured {settings}; Enter measures {}, {time}", wanted.effort.name()), theme.bad())
        }
    }
}

fn title(outcome: &Outcome, page: &Page) -> String {
    match page {
        Page::Findings(_) => "What was found".into(),
        Page::Figure(number) | Page::Rows(number, _) | Page::Images(number, _) => {
            outcome.figures[*number].title().into()
        }
    }
}

/// The numbers of the pages at the right, the shown one's title at the left.
fn tabs(theme: &Theme, title: &str, at: usize, count: usize, area: Rect, buffer: &mut Buffer) {
    let numbers = if count > 1 { 3 * count as u16 } else { 0 };
    let room = usize::from(area.width.saturating_sub(numbers + 1));
    buffer.set_stringn(area.x, area.y, theme.text(title), room, theme.strong());
    for page in (0..count).filter(|_| count > 1) {
        let style = if page == at { theme.selected() } else { theme.faint() };
        let x = area.right().saturating_sub(numbers) + 3 * page as u16;
        buffer.set_stringn(x, area.y, format!(" {} ", page + 1), usize::from(area.right().saturating_sub(x)), style);
    }
}

fn figure(theme: &Theme, figure: &Figure, cursor: Option<&Cursor>, place: Rect, buffer: &mut Buffer) {
    match figure {
        Figure::Plot(figure) => plot(theme, figure, cursor, place, buffer),
        Figure::Table(figure) => table(theme, figure, 0..figure.rows.len(), place, buffer),
        Figure::Images(figure) => images::draw(theme, figure, 0..figure.images.len(), place, buffer),
        Figure::Bars(figure) => bars::draw(theme, figure, cursor.map(|cursor| cursor.curve), place, buffer),
        Figure::Regions(figure) => regions::draw(theme, figure, place, buffer),
        Figure::Units(figure) => units::draw(theme, figure, place, buffer),
    }
}

/// The look of a plot's curve, or of a mark behind the last of them.
fn style_of(theme: &Theme, figure: &protocol::Plot, curve: usize) -> Style {
    match figure.series.get(curve) {
        Some(series) if !matches!(series.source, Source::Cited(_)) => theme.arm(curve),
        _ => theme.cited(),
    }
}

/// The values at the cursor, in the looks of its curve.
fn reading(theme: &Theme, outcome: &Outcome, page: &Page, cursor: &Cursor) -> Option<(String, Style)> {
    let Page::Figure(number) = page else { return None };
    let (chart, mark, style) = match outcome.figures.get(*number)? {
        Figure::Plot(plot) => {
            let mark = if cursor.curve < plot.series.len() { theme.marker(cursor.curve) } else { "✕" };
            (Chart::of_plot(plot), format!("{mark} "), style_of(theme, plot, cursor.curve))
        }
        Figure::Bars(bars) => (Chart::of_bars(bars), String::new(), theme.arm(0)),
        _ => return None,
    };
    Some((format!("{mark}{}", chart.told(cursor)?), style.patch(theme.strong())))
}

fn plot(theme: &Theme, figure: &protocol::Plot, cursor: Option<&Cursor>, area: Rect, buffer: &mut Buffer) {
    let mut y = area.y;
    for (at, series) in figure.series.iter().enumerate() {
        if y + 6 >= area.bottom() {
            break;
        }
        let text = format!("{} {} ({})", theme.marker(at), series.name, series.source.told());
        y = write(theme, &text, style_of(theme, figure, at), area, y, buffer);
    }
    for band in &figure.bands {
        let fill = if theme.glyphs == Glyphs::Ascii { ":" } else { "░" };
        let text = format!("{fill} {} ({})", band.label, band.source.told());
        y = write(theme, &text, theme.cited(), area, y, buffer);
    }
    let points = || figure.series.iter().flat_map(|series| series.points.iter());
    let limits = |axis: &protocol::Axis, at: usize| {
        axis.limits.unwrap_or_else(|| {
            let usable = points().map(|p| p[at]).filter(|v| v.is_finite() && (axis.scale == Scale::Linear || *v > 0.0));
            let (low, high) = usable.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
            if low <= high { (low, high) } else { (0.0, 1.0) }
        })
    };
    let curves = figure
        .series
        .iter()
        .enumerate()
        .map(|(at, series)| Curve {
            style: style_of(theme, figure, at),
            marker: theme.marker(at),
            points: series.points.iter().map(|p| (p[0], p[1])).collect(),
            joined: series.stroke != Stroke::Points,
            spread: series.spread.clone(),
        })
        .collect();
    let labels = figure
        .marks
        .iter()
        .map(|mark| Label { at: (mark.at[0], mark.at[1]), text: mark.label.clone(), style: theme.cited() })
        .collect();
    let drawn = Plot {
        x: limits(&figure.x, 0),
        y: limits(&figure.y, 1),
        log_x: figure.x.scale == Scale::Log,
        log_y: figure.y.scale == Scale::Log,
        x_label: figure.x.label.clone(),
        y_label: figure.y.label.clone(),
        curves,
        labels,
        bands: figure.bands.iter().map(shade).collect(),
        crosshair: cursor.and_then(|cursor| {
            let chart = Chart::of_plot(figure);
            let point = chart.point(cursor)?;
            Some(Crosshair { at: (point.x, point.y), style: style_of(theme, figure, cursor.curve), told: None })
        }),
    };
    drawn.draw(Rect { y, height: area.bottom().saturating_sub(y), ..area }, theme, buffer);
}

fn shade(band: &protocol::Band) -> Shade {
    Shade { label: band.label.clone(), vertical: band.vertical, from: band.from, to: band.to }
}

/// Some rows of a table beneath its head. Where it is too wide, the widest columns are cut.
fn table(theme: &Theme, figure: &Table, rows: Range<usize>, area: Rect, buffer: &mut Buffer) {
    let widths = widths(figure, usize::from(area.width));
    let mut y = area.y;
    let mut row = |cells: &[String], style: Style| {
        let mut x = area.x;
        for (cell, width) in cells.iter().zip(&widths) {
            if y < area.bottom() && x < area.right() {
                let text = theme.text(&cut(cell, *width));
                buffer.set_stringn(x, y, text, usize::from(area.right() - x), style);
            }
            x = x.saturating_add(*width as u16 + 2);
        }
        y += 1;
    };
    row(&figure.columns, theme.faint());
    figure.rows[rows].iter().for_each(|cells| row(cells, Style::new()));
    y += 1;
    for (column, from) in figure.columns.iter().zip(&figure.sources).filter(|(_, from)| **from != Source::Measured) {
        y = write(theme, &format!("{column}: {}", from.told()), theme.faint(), area, y, buffer);
    }
}

/// The widths of a table's columns, two blanks between them, within `room`.
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

fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.into();
    }
    let mut kept = String::new();
    for c in text.chars() {
        if kept.width() + c.width().unwrap_or(0) + 1 > width {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}
