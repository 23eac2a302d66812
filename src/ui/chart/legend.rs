//! The legend of a plot: every series, band and mark, by its source. It is beside the plot if there is room, else above
//! it, where the sources are shortened before the plot gets too small.

use super::canvas::curve_sample;
use crate::theme::{Glyphs, Theme};
use app::{Viewport, truncate};
use protocol::{Plot, Source};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

/// Blanks between two entries of a row.
const BETWEEN: u16 = 2;
/// The smallest number of rows that the legend leaves to the plot.
const LEAST: u16 = 8;
/// The same of the legend of published curves, without which they would pass for what was measured here.
const LEAST_PUBLISHED: u16 = 6;
/// From this width on the legend is beside the plot if it needs more than a row above it.
const WIDE: u16 = 108;
const SIDE: u16 = 36;
/// Rows above the plot for the legend with unshortened sources.
const ROWS: usize = 2;

/// The name of all marks together if there are many.
const POINT: &str = "named points";
/// At most this many marks are named.
const NAMED: usize = 3;

/// The entries with the same source.
struct SourceGroup<'f> {
    source: &'f Source,
    entries: Vec<LegendEntry<'f>>,
}

#[derive(Clone, Copy)]
struct LegendEntry<'f> {
    mark: &'static str,
    name: &'f str,
    style: Style,
}

/// Text that is not broken over rows. The first entry of a group begins with its source.
struct LegendPiece {
    head: String,
    text: String,
    style: Style,
}

impl LegendPiece {
    fn width(&self) -> usize {
        self.head.width() + self.text.width()
    }
}

/// Draws the legend of the published curves alone, above the plot; returns the area that is left to it.
pub fn draw_published(theme: &Theme, figure: &Plot, viewport: &Viewport, area: Rect, buffer: &mut Buffer) -> Rect {
    let mut groups: Vec<SourceGroup> = Vec::new();
    for (at, series) in viewport.series(figure).filter(|(_, series)| matches!(series.source, Source::Cited(_))) {
        let (mark, style) = curve_sample(theme, figure, at);
        let entry = LegendEntry { mark, name: &series.name, style };
        match groups.iter_mut().find(|group| is_same(group.source, &series.source)) {
            Some(group) => group.entries.push(entry),
            None => groups.push(SourceGroup { source: &series.source, entries: vec![entry] }),
        }
    }
    if groups.is_empty() {
        return area;
    }
    draw_rows(theme, rows(pieces(theme, &groups, Source::describe), area.width), LEAST_PUBLISHED, area, buffer)
}

/// Draws the legend; returns the area that is left to the plot.
pub fn draw(theme: &Theme, figure: &Plot, viewport: &Viewport, area: Rect, buffer: &mut Buffer) -> Rect {
    let groups = groups(theme, figure, viewport);
    let whole = rows(pieces(theme, &groups, Source::describe), area.width);
    if whole.len() > 1 && area.width >= WIDE {
        return beside(theme, &groups, area, buffer);
    }
    let rows = if whole.len() <= ROWS {
        whole
    } else {
        let mut merged: Vec<SourceGroup> = Vec::new();
        for group in groups {
            let kind = |source: &Source| std::mem::discriminant(source);
            let theory = matches!(group.source, Source::Theory(_));
            match merged.iter_mut().find(|known| theory && kind(known.source) == kind(group.source)) {
                Some(known) => known.entries.extend(group.entries.into_iter().filter(|entry| entry.name != POINT)),
                None => merged.push(group),
            }
        }
        rows(pieces(theme, &merged, short), area.width)
    };
    draw_rows(theme, rows, LEAST, area, buffer)
}

/// Draws rows above the plot, as far as they leave so many to it; returns what they leave.
fn draw_rows(theme: &Theme, rows: Vec<Vec<LegendPiece>>, least: u16, area: Rect, buffer: &mut Buffer) -> Rect {
    let mut y = area.y;
    for row in rows {
        if y + least >= area.bottom() {
            break;
        }
        let mut x = area.x;
        for piece in row {
            let room = usize::from(area.right() - x);
            x = buffer.set_stringn(x, y, truncate(&piece.head, room), room, theme.faint()).0;
            let room = usize::from(area.right() - x);
            x = buffer.set_stringn(x, y, truncate(&piece.text, room), room, piece.style).0;
            x = (x + BETWEEN).min(area.right());
        }
        y += 1;
    }
    Rect { y, height: area.bottom() - y, ..area }
}

/// A source without its formula. The values at the cursor have it in full.
fn short(source: &Source) -> String {
    match source {
        Source::Theory(_) => "theory".into(),
        Source::Measured | Source::Cited(_) | Source::Run { .. } | Source::Reader => source.describe(),
    }
}

/// Whether two sources share a heading, as all arms of a run do.
fn is_same(one: &Source, other: &Source) -> bool {
    match (one, other) {
        (Source::Run { run: one, .. }, Source::Run { run: other, .. }) => one == other,
        _ => one == other,
    }
}

/// The entries of a plot's legend by source, in order of their first occurrence.
fn groups<'f>(theme: &Theme, figure: &'f Plot, viewport: &'f Viewport) -> Vec<SourceGroup<'f>> {
    let fill = if theme.glyphs == Glyphs::Ascii { ":" } else { "░" };
    let series = viewport.series(figure).filter(|(_, series)| series.source != Source::Reader).map(|(at, series)| {
        let (marker, style) = curve_sample(theme, figure, at);
        (&series.source, marker, series.name.as_str(), style)
    });
    let bands = figure.bands.iter().map(|b| (&b.source, fill, b.label.as_str(), theme.source(&b.source)));
    // The plot may have no room for a mark's name.
    let named = || figure.marks.iter().filter(|mark| mark.source != Source::Reader);
    let name = |label| if named().count() > NAMED { POINT } else { label };
    let marks = named().map(|m| (&m.source, theme.mark(), name(m.label.as_str()), theme.source(&m.source)));
    let mut groups: Vec<SourceGroup> = Vec::new();
    for (source, mark, name, style) in series.chain(bands).chain(marks) {
        let entry = LegendEntry { mark, name, style };
        match groups.iter_mut().find(|group| is_same(group.source, source)) {
            Some(group) if name == POINT && group.entries.iter().any(|entry| entry.name == POINT) => {}
            Some(group) => group.entries.push(entry),
            None => groups.push(SourceGroup { source, entries: vec![entry] }),
        }
    }
    groups
}

fn label(theme: &Theme, entry: &LegendEntry) -> String {
    theme.text(&format!("{} {}", entry.mark, entry.name))
}

fn pieces(theme: &Theme, groups: &[SourceGroup], format_source: fn(&Source) -> String) -> Vec<LegendPiece> {
    let mut pieces = Vec::new();
    for group in groups {
        let mut head = theme.text(&format!("{}: ", format_source(group.source)));
        for entry in &group.entries {
            let head = std::mem::take(&mut head);
            pieces.push(LegendPiece { head, text: label(theme, entry), style: entry.style });
        }
    }
    pieces
}

/// Breaks a legend into rows of this width. A source without room for its first entry has a row of its own.
fn rows(pieces: Vec<LegendPiece>, width: u16) -> Vec<Vec<LegendPiece>> {
    let mut rows: Vec<Vec<LegendPiece>> = vec![Vec::new()];
    let mut x = 0;
    let mut put = |piece: LegendPiece| {
        if x > 0 && x + piece.width() > usize::from(width) {
            rows.push(Vec::new());
            x = 0;
        }
        x += piece.width() + usize::from(BETWEEN);
        if let Some(row) = rows.last_mut() {
            row.push(piece);
        }
    };
    for piece in pieces {
        if piece.width() > usize::from(width) && !piece.head.is_empty() {
            let head = LegendPiece { head: piece.head, text: String::new(), style: piece.style };
            put(head);
            put(LegendPiece { head: String::new(), text: piece.text, style: piece.style });
        } else {
            put(piece);
        }
    }
    rows.retain(|row| !row.is_empty());
    rows
}

/// Draws the legend as a column at the right: each source with its entries beneath.
fn beside(theme: &Theme, groups: &[SourceGroup], area: Rect, buffer: &mut Buffer) -> Rect {
    let column = Rect { x: area.right() - SIDE + 2, width: SIDE - 2, ..area };
    let mut y = column.y + 1;
    let mut put = |text: &str, style: Style, indents: [&str; 2], y: &mut u16| {
        let options =
            app::wrap_options(usize::from(column.width)).initial_indent(indents[0]).subsequent_indent(indents[1]);
        for line in textwrap::wrap(text, options) {
            if *y < column.bottom() {
                buffer.set_stringn(column.x, *y, line, usize::from(column.width), style);
                *y += 1;
            }
        }
    };
    for group in groups {
        for entry in &group.entries {
            put(&label(theme, entry), entry.style, ["", "  "], &mut y);
        }
        put(&theme.text(&group.source.describe()), theme.faint(), ["  ", "  "], &mut y);
        y += 1;
    }
    Rect { width: area.width - SIDE, ..area }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Palette;
    use protocol::{AxisScale, PlotAxis, PlotMark, PlotSeries, RunId, Stroke};

    fn legend(series: &[(&str, Source)], marks: &[Source], area: Rect) -> (Vec<String>, Rect) {
        let axis = || PlotAxis { label: String::new(), scale: AxisScale::Linear, limits: None };
        let series = series.iter().map(|(name, source)| PlotSeries {
            name: (*name).into(),
            source: source.clone(),
            stroke: Stroke::Line,
            points: Vec::new(),
            spread: Vec::new(),
            below: Vec::new(),
        });
        let marks =
            marks.iter().map(|source| PlotMark { label: "here".into(), source: source.clone(), at: [0.0, 0.0] });
        let (title, x, y) = (String::new(), axis(), axis());
        let figure = Plot {
            title,
            x,
            y,
            series: series.collect(),
            bands: Vec::new(),
            marks: marks.collect(),
            places: Vec::new(),
            spread: protocol::SpreadKind::Deviation,
            notes: Vec::new(),
        };
        let theme = Theme::new(Palette::None, Glyphs::Unicode);
        let mut buffer = Buffer::empty(area);
        let rest = draw(&theme, &figure, &Viewport::default(), area, &mut buffer);
        let row = |y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_string();
        ((0..area.height).map(row).collect(), rest)
    }

    fn neuron() -> Vec<(&'static str, Source)> {
        let theory = |formula: &str| Source::Theory(formula.into());
        vec![
            ("published", Source::Cited("Glorot 2011, Fig. 1".into())),
            ("simulated", Source::Measured),
            ("solved", theory("1/(tau ln(1+d/(I-I_th)) + t_ref)")),
            ("ReLU", theory("c max(0, I-b), least squares")),
            ("Softplus", theory("(c/a) softplus(a(I-b)), least squares")),
        ]
    }

    #[test]
    fn one_source_is_said_once() {
        let series = [("a", Source::Measured), ("b", Source::Measured)];
        let (rows, rest) = legend(&series, &[Source::Measured], Rect::new(0, 0, 76, 20));
        assert_eq!(rows[0], "measured: ● a  ▲ b  ✕ here");
        assert_eq!(rest, Rect::new(0, 1, 76, 19));
    }

    /// Overlaid runs are distinguished by their source, and predictions are not listed.
    #[test]
    fn the_arms_of_a_run_are_listed_together() {
        let of = |run, arm| Source::Run { run: RunId(run), arm };
        let series = [("a", of(3, 0)), ("b", of(3, 1)), ("a", of(4, 2)), ("you", Source::Reader)];
        let (rows, _) = legend(&series, &[Source::Reader], Rect::new(0, 0, 76, 20));
        assert_eq!(rows[0], "run 3: ● a  ▲ b  run 4: ■ a");
    }

    #[test]
    fn formulas_give_way_to_the_plot() {
        let (rows, rest) = legend(&neuron(), &[], Rect::new(0, 0, 72, 19));
        let expected =
            ["Glorot 2011, Fig. 1: ● published  measured: ▲ simulated", "theory: ■ solved  ◆ ReLU  ○ Softplus"];
        assert_eq!(rows[..2], expected);
        assert_eq!(rest.height, 17);
    }

    #[test]
    fn beside_a_wide_plot_stands_every_word() {
        let (rows, rest) = legend(&neuron(), &[], Rect::new(0, 0, 120, 30));
        assert_eq!(rest, Rect::new(0, 0, 84, 30));
        let rows: Vec<&str> = rows.iter().map(|row| row.trim()).filter(|row| !row.is_empty()).collect();
        assert_eq!(rows[..4], ["● published", "Glorot 2011, Fig. 1", "▲ simulated", "measured"]);
        assert!(rows.contains(&"theory: 1/(tau ln(1+d/(I-I_th))"), "{rows:?}");
    }
}
