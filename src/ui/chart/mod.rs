//! Renders a plot and its viewport in the terminal: legend, axes with round ticks, linear or logarithmic, curves in
//! Braille dots or plain characters, marks with labels. ratatui's own chart has neither logarithmic axes nor enough
//! ticks to distinguish 1.05 % from 1.37 %.

mod axes;
mod canvas;
pub mod cursor_values;
mod curves;
mod legend;
mod markers;
mod marks;
pub mod multiples;

use crate::theme::Theme;
use app::{AxisRange, AxisRanges, Viewport, axis_label, mark_values, tick_labels};
use axes::Axes;
use canvas::Canvas;
pub use canvas::{MarkLabels, curve_sample};
use protocol::{Plot, Stroke};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::UnicodeWidthStr;

/// What a pane shows of a plot beside its curves.
#[derive(Clone, Copy, Debug)]
pub struct ChartLayout<'a> {
    /// A pane that lists the series itself needs no legend, but for published curves, which no list of its has.
    pub has_legend: bool,
    pub labels: MarkLabels,
    /// Whether curves have their names at their ends, as far as these cover nothing.
    pub has_names: bool,
    /// Stands at the right end of the first line, if that has room.
    pub note: &'a str,
    /// Written into the plot while no series has a point.
    pub empty: &'a str,
}

/// The smallest width of the column of labels at the right.
const GUTTER: u16 = 17;

/// Rows beneath a chart of this height for what is not seen of it, at most.
fn note_rows(height: u16) -> usize {
    if height < 14 { 1 } else { 2 }
}

/// Draws a plot as the viewport shows it; returns the room of its curves. Too small an area stays empty.
pub fn draw(
    theme: &Theme,
    plot: &Plot,
    viewport: &Viewport,
    layout: &ChartLayout,
    area: Rect,
    buffer: &mut Buffer,
) -> Option<Rect> {
    let area = if layout.has_legend {
        legend::draw(theme, plot, viewport, area, buffer)
    } else {
        legend::draw_published(theme, plot, viewport, area, buffer)
    };
    let area = draw_notes(theme, plot, viewport, area, buffer);
    if area.width < 16 || area.height < 5 {
        return None;
    }
    let ranges = viewport.view(plot);
    let rows = area.height - 3;
    let y_ticks = y_ticks(&ranges.y, rows);
    let left = tick_labels(&y_ticks).iter().map(|label| label.width()).max().unwrap_or(1) as u16 + 1;
    let gutter = if layout.labels == MarkLabels::Gutter { gutter(plot, &ranges) } else { 0 };
    let right = if gutter > 0 && area.width > left + gutter + 24 { gutter } else { 0 };
    let place = Rect::new(area.x + left + 1, area.y + 1, area.width.saturating_sub(left + 2 + right), rows);
    if place.width < 4 || place.height < 2 {
        return None;
    }
    let canvas = Canvas { theme, plot, viewport, ranges, place };
    let y_label = theme.text(&y_label(&canvas, usize::from(area.width)));
    let used = buffer.set_stringn(area.x, area.y, &y_label, usize::from(area.width), theme.faint()).0 - area.x;
    let axes = Axes { plot: place, area: Rect { width: area.width - right, ..area }, theme };
    axes.y(&ranges.y, &y_ticks, buffer);
    let x_label = axis_label(&plot.x.label, &ranges.x);
    let above = if axes.x(&ranges.x, &x_ticks(&canvas), &x_label, buffer) { String::new() } else { x_label };
    let (note, note_style) = match layout.labels {
        MarkLabels::Beside => (marks::format_predictions(&canvas), theme.strong()),
        MarkLabels::Gutter | MarkLabels::OfPoints | MarkLabels::None => (layout.note.into(), theme.cited()),
    };
    let arrow = if above.is_empty() { above } else { theme.text(&format!("{above} →")) };
    write_at_right([(arrow, theme.faint()), (theme.text(&note), note_style)], used, area, buffer);
    marks::draw_bands(&canvas, buffer);
    curves::draw(&canvas, buffer);
    marks::draw(&canvas, layout.labels, right, buffer);
    marks::label_lines(&canvas, buffer);
    if layout.has_names {
        marks::name_curves(&canvas, buffer);
    }
    marks::draw_cursor(&canvas, buffer);
    if plot.series.iter().flat_map(|series| &series.points).all(|(_, y)| y.is_none()) {
        write_empty_text(&canvas, layout.empty, buffer);
    }
    Some(place)
}

/// What is not seen of the plot, and how its curves were made, in the last rows; returns what is above.
fn draw_notes(theme: &Theme, plot: &Plot, viewport: &Viewport, area: Rect, buffer: &mut Buffer) -> Rect {
    let notes = [viewport.notes(plot), plot.notes.clone()].concat().join(" · ");
    if notes.is_empty() || area.height < 8 {
        return area;
    }
    let text = theme.text(&notes);
    let lines = textwrap::wrap(&text, app::wrap_options(usize::from(area.width.max(1))));
    let height = lines.len().min(note_rows(area.height));
    let top = area.bottom() - height as u16;
    for (at, (line, y)) in lines.iter().zip(top..area.bottom()).enumerate() {
        let is_cut = at + 1 == height && lines.len() > height;
        let line = if is_cut { app::truncate(&format!("{line} …"), area.width.into()) } else { line.to_string() };
        buffer.set_stringn(area.x, y, theme.text(&line), area.width.into(), theme.strong());
    }
    Rect { height: area.height - height as u16, ..area }
}

/// The width of the column of labels; 0 if there are none.
fn gutter(plot: &Plot, ranges: &AxisRanges) -> u16 {
    match mark_values(plot, &ranges.y).iter().map(|label| label.width() as u16).max() {
        None | Some(0) => 0,
        // Two columns before a label, and two for the arrow of a mark beyond the axes.
        Some(longest) => GUTTER.max(longest + 4),
    }
}

/// The label of the y axis, and what thick and thin series mean if that fits.
fn y_label(canvas: &Canvas, room: usize) -> String {
    let mut means = canvas.viewport.series(canvas.plot).filter(|(_, series)| series.stroke == Stroke::Thick);
    let keys = match means.next() {
        None => Vec::new(),
        Some((_, mean)) if mean.spread.is_empty() && !mean.points.is_empty() => vec!["; thick: mean".into()],
        Some(_) => {
            let band = canvas.plot.spread.describe();
            vec![format!("; thick: mean, band: {band}"), format!("; mean {band}")]
        }
    };
    let label = |key: &str| axis_label(&format!("{}{key}", canvas.plot.y.label), &canvas.ranges.y);
    keys.iter().map(|key: &String| label(key)).find(|label| label.width() <= room).unwrap_or_else(|| label(""))
}

/// Writes texts right-aligned after the label of the y axis, each if it fits.
fn write_at_right(texts: [(String, Style); 2], used: u16, area: Rect, buffer: &mut Buffer) {
    let mut end = area.right();
    for (text, style) in texts {
        let width = text.width() as u16;
        if width > 0 && area.x + used + 2 + width <= end {
            buffer.set_string(end - width, area.y, &text, style);
            end -= width + 2;
        }
    }
}

/// Writes into the middle of a plot without points, where nothing else is drawn.
fn write_empty_text(canvas: &Canvas, text: &str, buffer: &mut Buffer) {
    let Canvas { theme, place, .. } = *canvas;
    let width = usize::from(place.width.saturating_sub(4).min(60));
    let lines = textwrap::wrap(text, app::wrap_options(width.max(1)));
    let top = place.y + place.height.saturating_sub(lines.len() as u16) / 2;
    for (line, y) in lines.iter().zip(top..place.bottom()) {
        let text = theme.text(line);
        let x = place.x + place.width.saturating_sub(text.width() as u16) / 2;
        let spot = Rect::new(x, y, text.width() as u16, 1);
        if spot.positions().all(|at| marks::is_blank(buffer, (at.x, at.y))) {
            buffer.set_stringn(x, y, &text, usize::from(place.right() - x), theme.faint());
        }
    }
}

fn x_ticks(canvas: &Canvas) -> Vec<f64> {
    // Epochs and layers are whole numbers, so there are no ticks between them.
    let is_whole =
        canvas.viewport.series(canvas.plot).flat_map(|(_, series)| &series.points).all(|(x, _)| x.fract() == 0.0);
    let ticks = canvas.ranges.x.ticks(usize::from(canvas.place.width / 9).max(2));
    ticks.into_iter().filter(|value| !is_whole || value.fract() == 0.0).collect()
}

/// The ticks of the y axis, with at least one free row between two of them.
fn y_ticks(range: &AxisRange, rows: u16) -> Vec<f64> {
    let row = |value: f64| range.part(value).map(|part| ((1.0 - part) * f64::from(rows - 1)).round());
    let apart = |ticks: &[f64]| {
        ticks.windows(2).all(|pair| row(pair[0]).zip(row(pair[1])).is_none_or(|(a, b)| (b - a).abs() >= 2.0))
    };
    // More than a dozen numbers add nothing.
    let most = usize::from(rows / 2).clamp(3, 12);
    let mut sets = (2..=most).rev().map(|most| range.ticks(most));
    sets.find(|ticks| apart(ticks)).unwrap_or_else(|| range.ticks(2))
}

#[cfg(test)]
mod tests {
    use super::canvas::curve_style;
    use super::*;
    use crate::theme::{Glyphs, Palette};
    use protocol::{AxisScale, PlotAxis, PlotBand, PlotMark, PlotSeries, RunId, Source};

    fn plot(marks: Vec<PlotMark>) -> Plot {
        let axis = |label: &str, scale, limits| PlotAxis { label: label.into(), scale, limits: Some(limits) };
        let series = PlotSeries {
            name: "here".into(),
            source: Source::Measured,
            stroke: Stroke::Line,
            points: (0..=20).map(|n| (f64::from(n), Some(4.0 - 0.15 * f64::from(n)))).collect(),
            spread: Vec::new(),
            below: Vec::new(),
        };
        Plot {
            title: String::new(),
            x: axis("epoch", AxisScale::Linear, (0.0, 20.0)),
            y: axis("error, %", AxisScale::Log, (1.0, 4.0)),
            series: vec![series],
            bands: Vec::new(),
            marks,
            places: Vec::new(),
            spread: protocol::SpreadKind::Deviation,
            notes: Vec::new(),
        }
    }

    const LABELS: [MarkLabels; 2] = [MarkLabels::Gutter, MarkLabels::Beside];

    fn drawn(plot: &Plot, labels: MarkLabels, (width, height): (u16, u16)) -> Vec<Vec<String>> {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let theme = Theme::new(Palette::None, Glyphs::Unicode);
        let layout = ChartLayout { has_legend: false, labels, has_names: false, note: "", empty: "" };
        draw(&theme, plot, &Viewport::default(), &layout, area, &mut buffer);
        (0..height).map(|y| (0..width).map(|x| buffer[(x, y)].symbol().to_string()).collect()).collect()
    }

    fn mark(x: f64, y: f64) -> PlotMark {
        PlotMark { label: format!("{y:.2} @{x}"), source: Source::Cited("paper".into()), at: [x, y] }
    }

    /// Marks and labels cover no data: a mark covers its own cell and a label none.
    #[test]
    fn labels_cover_no_data() {
        let many = || vec![mark(2.0, 3.7), mark(10.0, 2.4), mark(11.0, 2.5), mark(19.0, 1.2), mark(40.0, 1.5)];
        // A blank label keeps the width of the column at the right.
        let none = || vec![PlotMark { label: "         ".into(), source: Source::Reader, at: [-9.0, 90.0] }];
        for size in [(72, 20), (56, 12), (36, 8), (20, 6)] {
            for labels in LABELS {
                let bare = drawn(&plot(none()), labels, size);
                let with = drawn(&plot(many()), labels, size);
                let changed = bare[1..].iter().flatten().zip(with[1..].iter().flatten());
                for (before, after) in changed.filter(|(before, after)| before != after) {
                    let is_border = ["│", "─", "┤", "┴", "↖"].contains(&before.as_str());
                    assert!(before == " " || after == "✕" || is_border, "{before:?} became {after:?} at {size:?}");
                }
            }
        }
    }

    /// A label is in the row of its mark, inside or beyond the border.
    #[test]
    fn labels_stand_at_their_own_height() {
        for labels in LABELS {
            let rows = drawn(&plot(vec![mark(3.0, 1.5), mark(90.0, 2.0), mark(5.0, 0.2)]), labels, (72, 20));
            let text: Vec<String> = rows.iter().map(|row| row.concat()).collect();
            let row = |what: &str| text.iter().position(|line| line.contains(what));
            let mark = text.iter().position(|line| line.contains('✕'));
            assert_eq!(row("1.50 @3"), mark, "{text:#?}");
            assert_eq!(row("2.00 @90"), row("→"), "{text:#?}");
            assert_eq!(row("2 ┤"), row("→"), "an arrow at the height of 2\n{text:#?}");
            assert!(text[18].contains('↓'), "below the axis\n{text:#?}");
        }
    }

    #[test]
    fn a_logarithmic_axis_says_so_and_its_numbers_stand_apart() {
        for height in 8..40 {
            let rows = drawn(&plot(Vec::new()), MarkLabels::Beside, (60, height));
            let text: Vec<String> = rows.iter().map(|row| row.concat()).collect();
            assert!(text[0].contains("error, % (log)"), "{text:#?}");
            let ticks: Vec<usize> = (0..text.len()).filter(|row| text[*row].contains('┤')).collect();
            assert!(ticks.len() >= 2 && ticks.windows(2).all(|pair| pair[1] - pair[0] >= 2), "{text:#?}");
        }
    }

    #[test]
    fn the_spread_of_a_mean_is_light_and_the_mean_lies_on_it() {
        let dots = |stroke, spread: Option<f64>| -> u32 {
            let mut plot = plot(Vec::new());
            plot.series[0].stroke = stroke;
            plot.series[0].spread = vec![spread; 21];
            let cells = drawn(&plot, MarkLabels::None, (60, 20)).concat();
            let dots = |cell: &String| cell.chars().next().map_or(0, |c| u32::from(c).wrapping_sub(0x2800));
            cells.iter().map(dots).filter(|dots| *dots < 256).map(u32::count_ones).sum()
        };
        let (all, thick, thin) = (dots(Stroke::Thick, Some(0.5)), dots(Stroke::Thick, None), dots(Stroke::Thin, None));
        assert!(all > thick + 40 && thick > thin + 30, "{all} {thick} {thin}");
    }

    /// A curve that another was forked from is dotted, and a line says when a setting was changed.
    #[test]
    fn ghosts_are_dotted_and_changes_have_a_line() {
        let dots = |stroke| -> u32 {
            let mut plot = plot(Vec::new());
            plot.series[0].stroke = stroke;
            let cells = drawn(&plot, MarkLabels::None, (60, 20)).concat();
            let dots = |cell: &String| cell.chars().next().map_or(0, |c| u32::from(c).wrapping_sub(0x2800));
            cells.iter().map(dots).filter(|dots| *dots < 256).map(u32::count_ones).sum()
        };
        let (ghost, thin) = (dots(Stroke::Ghost), dots(Stroke::Thin));
        assert!(ghost > 10 && 2 * ghost < thin, "{ghost} {thin}");
        let mut changed = plot(Vec::new());
        let line = |at, label: &str| PlotBand {
            label: label.into(),
            source: Source::Run { run: RunId(1), arm: 0 },
            vertical: true,
            from: at,
            to: at,
        };
        changed.bands = vec![line(10.0, "lr 0.03"), line(11.0, "lr 0.01")];
        let rows = drawn(&changed, MarkLabels::None, (72, 20));
        let text: Vec<String> = rows.iter().map(|row| row.concat()).collect();
        let has = |label: &str| text.iter().any(|line| line.contains(label));
        assert!(has("lr 0.03 ╎") && has("╎ lr 0.01"), "{text:#?}");
        assert!(text[1..17].iter().filter(|line| line.matches('╎').count() == 2).count() >= 12, "{text:#?}");
    }

    /// The name of a curve stands at its end and covers nothing.
    #[test]
    fn names_cover_no_data() {
        let theme = Theme::new(Palette::None, Glyphs::Unicode);
        let area = Rect::new(0, 0, 72, 20);
        let drawn = |has_names| {
            let mut plot = plot(Vec::new());
            plot.series[0].points.truncate(12);
            plot.series.push(PlotSeries { name: "a second curve".into(), ..plot.series[0].clone() });
            let layout = ChartLayout { has_legend: false, labels: MarkLabels::None, has_names, note: "", empty: "" };
            let mut buffer = Buffer::empty(area);
            draw(&theme, &plot, &Viewport::default(), &layout, area, &mut buffer);
            buffer
        };
        let (bare, named) = (drawn(false), drawn(true));
        let changed = || area.positions().filter(|at| bare[*at] != named[*at]);
        let name: String = changed().map(|at| named[at].symbol()).collect();
        assert!(name.contains("here") && name.contains("curve"), "{name}");
        assert!(changed().all(|at| marks::is_blank(&bare, (at.x, at.y))));
    }

    /// The end of a series that diverged is marked at its last number, and a lane without any above the plot.
    #[test]
    fn a_series_that_diverged_ends_with_a_mark() {
        let mut plot = plot(Vec::new());
        plot.series[0].points.truncate(11);
        plot.series[0].points.push((11.0, None));
        plot.series.push(PlotSeries { points: vec![(1.0, None)], ..plot.series[0].clone() });
        let rows = drawn(&plot, MarkLabels::None, (72, 20));
        let text: Vec<String> = rows.iter().map(|row| row.concat()).collect();
        assert_eq!(text.iter().filter(|line| line.contains('✕')).count(), 1, "{text:#?}");
        assert!(text[0].contains("↑ diverged"), "{text:#?}");
    }

    /// An arm has the same colour and marker whatever else the plot shows, and its thin series have its paler colour.
    #[test]
    fn an_arm_keeps_its_colour() {
        let mut plot = plot(Vec::new());
        let of =
            |arm, stroke| PlotSeries { source: Source::Run { run: RunId(3), arm }, stroke, ..plot.series[0].clone() };
        plot.series = vec![of(1, Stroke::Thick), of(0, Stroke::Thick), of(1, Stroke::Thin), of(0, Stroke::Thin)];
        let theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
        let style = |curve| curve_style(&theme, &plot, curve);
        assert_eq!((style(0).style.fg, style(0).marker), (theme.arm(1).fg, theme.marker(1)));
        assert_eq!((style(3).style, style(3).marker), (theme.seeds(0), ""));
    }

    /// A mark has the style and the name of its source, so theory is not mistaken for published results.
    #[test]
    fn points_and_bands_say_where_they_come_from() {
        let axis = || PlotAxis { label: String::new(), scale: AxisScale::Linear, limits: Some((0.0, 10.0)) };
        let mark = |label: &str, source, y| PlotMark { label: label.into(), source, at: [5.0, y] };
        let (theory, cited) = (Source::Theory("formula".into()), Source::Cited("paper".into()));
        let band = PlotBand { label: "band".into(), source: Source::Measured, vertical: true, from: 1.0, to: 2.0 };
        let mut figure = Plot {
            x: axis(),
            y: axis(),
            bands: vec![band],
            ..plot(vec![mark("solved", theory, 8.0), mark("printed", cited, 4.0)])
        };
        figure.series[0].points = vec![(0.0, Some(0.0)), (10.0, Some(0.0))];
        let theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
        let area = Rect::new(0, 0, 80, 20);
        let mut buffer = Buffer::empty(area);
        let layout =
            ChartLayout { has_legend: true, labels: MarkLabels::Beside, has_names: false, note: "", empty: "" };
        draw(&theme, &figure, &Viewport::default(), &layout, area, &mut buffer);
        let row = |y| (0..80).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        assert_eq!(row(0).trim_end(), "measured: ─ here  ░ band  theory: formula: ✕ solved  paper: ✕ printed");
        let look_of = |word: &str| {
            let place = |y| row(y).find(word).map(|at| (row(y)[..at].chars().count() as u16, y));
            buffer[(1..20).find_map(place).unwrap()].style()
        };
        assert_eq!(look_of("printed").fg, theme.cited().fg);
        assert_ne!(look_of("solved").fg, theme.cited().fg);
        assert_ne!(look_of("band").fg, theme.cited().fg);
        assert_eq!([1, 2].map(|at| curve_style(&theme, &figure, at).style), [theme.strong(), theme.cited()]);
    }
}
