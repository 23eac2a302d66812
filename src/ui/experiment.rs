//! An experiment's cell: its figures and findings, or the offer to run it.

use super::plot::{Curve, Label, Plot};
use super::questions::{framed, write};
use super::theme::{Glyphs, Theme};
use super::{bars, regions};
use crate::app::App;
use crate::lesson::ExperimentCell;
use crate::protocol::{self, CellKey, Effort, Figure, ImageGrid, Scale, Source, Stroke, Table};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use unicode_width::UnicodeWidthStr;

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
    let view = app.experiments.get(key);
    let mut y = inner.y;
    if let Some((done, doing)) = view.and_then(|view| view.running.as_ref()) {
        let text = format!("{:>3.0} %  {doing} · Enter stops", done * 100.0);
        y = write(theme, &text, theme.strong(), inner, y, buffer);
    }
    if let Some(error) = view.and_then(|view| view.error.as_ref()) {
        y = write(theme, error, theme.bad(), inner, y, buffer);
    }
    let Some(outcome) = view.and_then(|view| view.outcome.as_ref()) else {
        if view.is_none_or(|view| view.running.is_none()) {
            let how = match cell.spec.effort {
                Effort::Quick => "Enter runs it; it takes less than a minute.",
                Effort::Full => "Enter runs it; it takes a while and goes on when you leave.",
            };
            write(theme, how, theme.strong(), inner, y + 1, buffer);
        }
        return;
    };
    let mut findings: Vec<String> = outcome.findings.iter().map(|finding| finding.text.clone()).collect();
    let seeds: Vec<String> = cell.spec.seeds.iter().map(u64::to_string).collect();
    findings.push(format!("measured here in {:.1} s, seed {}", outcome.seconds, seeds.join(", ")));
    let rows: usize = findings.iter().map(|text| textwrap::wrap(text, usize::from(inner.width.max(1))).len()).sum();
    let foot = (rows as u16).min(inner.height / 2);
    let figures = Rect { y, height: inner.bottom().saturating_sub(y + foot), ..inner };
    draw_figures(theme, &outcome.figures, figures, buffer);
    let mut y = figures.bottom();
    for (at, text) in findings.iter().enumerate() {
        let style = if at + 1 == findings.len() { theme.faint() } else { Style::new() };
        y = write(theme, text, style, inner, y, buffer);
    }
}

/// Figures side by side where they fit, otherwise stacked.
fn draw_figures(theme: &Theme, figures: &[Figure], area: Rect, buffer: &mut Buffer) {
    if figures.is_empty() || area.is_empty() {
        return;
    }
    let count = figures.len() as u16;
    let beside = area.width / count >= 40;
    for (at, figure) in (0..count).zip(figures) {
        let place = if beside {
            let width = area.width / count;
            Rect { x: area.x + at * width, width: width.saturating_sub(1), ..area }
        } else {
            let height = area.height / count;
            Rect { y: area.y + at * height, height, ..area }
        };
        match figure {
            Figure::Plot(figure) => plot(theme, figure, place, buffer),
            Figure::Table(figure) => table(theme, figure, place, buffer),
            Figure::Images(figure) => images(theme, figure, place, buffer),
            Figure::Bars(figure) => bars::draw(theme, figure, place, buffer),
            Figure::Regions(figure) => regions::draw(theme, figure, place, buffer),
        }
    }
}

fn source(source: &Source) -> String {
    match source {
        Source::Measured => "measured".into(),
        Source::Theory(name) => format!("theory: {name}"),
        Source::Cited(name) => name.clone(),
    }
}

fn plot(theme: &Theme, figure: &protocol::Plot, area: Rect, buffer: &mut Buffer) {
    let mut y = write(theme, &figure.title, theme.strong(), area, area.y, buffer);
    let style_of = |at: usize, series: &protocol::Series| match series.source {
        Source::Cited(_) => theme.cited(),
        _ => theme.arm(at),
    };
    for (at, series) in figure.series.iter().enumerate() {
        if y + 6 >= area.bottom() {
            break;
        }
        let text = format!("{} {} ({})", theme.marker(at), series.name, source(&series.source));
        y = write(theme, &text, style_of(at, series), area, y, buffer);
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
            style: style_of(at, series),
            marker: theme.marker(at),
            points: series.points.iter().map(|p| (p[0], p[1])).collect(),
            joined: series.stroke != Stroke::Points,
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
    };
    drawn.draw(Rect { y, height: area.bottom().saturating_sub(y), ..area }, theme, buffer);
}

fn table(theme: &Theme, figure: &Table, area: Rect, buffer: &mut Buffer) {
    let mut y = write(theme, &figure.title, theme.strong(), area, area.y, buffer);
    let widths: Vec<usize> = (0..figure.columns.len())
        .map(|column| {
            let cells = figure.rows.iter().filter_map(|row| row.get(column));
            cells.chain([&figure.columns[column]]).map(|cell| cell.width()).max().unwrap_or(1)
        })
        .collect();
    let mut row = |cells: &[String], style: Style| {
        let mut x = area.x;
        for (cell, width) in cells.iter().zip(&widths) {
            if y < area.bottom() && x < area.right() {
                buffer.set_stringn(x, y, theme.text(cell), usize::from(area.right() - x), style);
            }
            x = x.saturating_add(*width as u16 + 2);
        }
        y += 1;
    };
    row(&figure.columns, theme.faint());
    figure.rows.iter().for_each(|cells| row(cells, Style::new()));
}

/// Grey images as half blocks, two pixels a cell; as letters where there are no blocks.
fn images(theme: &Theme, figure: &ImageGrid, area: Rect, buffer: &mut Buffer) {
    let y = write(theme, &figure.title, theme.strong(), area, area.y, buffer);
    let (width, height) = (figure.width as u16, (figure.height as u16).div_ceil(2) + 1);
    let across = (area.width / (width + 2)).max(1);
    for (at, image) in (0_u16..).zip(&figure.images) {
        let (left, top) = (area.x + at % across * (width + 2), y + at / across * height);
        if top + height > area.bottom() + 1 {
            break;
        }
        for row in 0..height - 1 {
            for column in 0..width {
                let pixel = |r: u16| {
                    image.get(usize::from(r) * figure.width as usize + usize::from(column)).copied().unwrap_or(0)
                };
                let (upper, lower) = (pixel(2 * row), pixel(2 * row + 1));
                let Some(cell) = buffer.cell_mut((left + column, top + row)) else { continue };
                if theme.glyphs == Glyphs::Ascii || theme.palette == super::Palette::None {
                    let level = usize::midpoint(usize::from(upper), usize::from(lower)) * 9 / 255;
                    cell.set_char(char::from(b" .:-=+*#%@"[level]));
                } else {
                    let grey = |v: u8| Color::Rgb(v, v, v);
                    cell.set_char('▀').set_style(Style::new().fg(grey(upper)).bg(grey(lower)));
                }
            }
        }
        if let Some(caption) = figure.captions.get(usize::from(at)) {
            buffer.set_stringn(left, top + height - 1, theme.text(caption), usize::from(width + 1), theme.faint());
        }
    }
}
