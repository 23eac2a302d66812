//! A plot and its viewport as a picture. SVG and PNG are drawn by the same code.

use ab_glyph::{Font, FontRef};
use app::{
    ARM_COLOURS, AxisRange, AxisRanges, Background, Readout, Rgb, SeriesColour, Viewport, arm_colour, axis_label,
    cited_colour, clip_segment, has_markers, mark_values, seed_colour, series_colour, tick_labels,
};
use color_eyre::eyre::eyre;
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, Drawable, PathElement, PointCollection, Polygon, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, IntoFont, RGBColor, ShapeStyle, TextStyle, register_font};
use protocol::{Plot, PlotBand, PlotSeries, Source, Stroke};
use std::fmt::Display;

type Point = (i32, i32);
/// A point as parts of both axes: 0 at the lower end, 1 at the upper one.
type Part = (f64, f64);
type Result<T> = color_eyre::Result<T>;

const SIZE: (u32, u32) = (960, 600);
/// A PNG has so many pixels for one of the SVG, so that it is sharp in print too.
const PNG_UNIT: u32 = 2;
const FONT: &[u8] = include_bytes!("../../assets/font/DejaVuSans-subset.ttf");
pub(super) const FAMILY: &str = "sans-serif";
/// What stands for a character that the font lacks.
const MISSING: char = '?';
/// The key names at most so many of these series.
const NAMED_DIVERGED: usize = 4;

pub fn svg(plot: &Plot, viewport: &Viewport, background: Background) -> Result<String> {
    svg_of_size(plot, viewport, background, SIZE)
}

/// A picture for a page that has [`colour_variables`], in whose colours it is drawn.
pub fn svg_with_variables(plot: &Plot, viewport: &Viewport, size: (u32, u32)) -> Result<String> {
    // Within HTML a picture needs no namespace.
    let svg =
        svg_of_size(plot, viewport, Background::Light, size)?.replace(" xmlns=\"http://www.w3.org/2000/svg\"", "");
    let named = Colours::on(Background::Light).named();
    Ok(named.iter().fold(svg, |svg, (name, colour)| {
        let colour = print_colour(*colour);
        let of = |attribute: &str, value: &str| format!("{attribute}=\"{value}\"");
        ["fill", "stroke"]
            .into_iter()
            .fold(svg, |svg, attribute| svg.replace(&of(attribute, &colour), &of(attribute, &format!("var({name})"))))
    }))
}

/// The colours of pictures as variables of a style sheet.
pub fn colour_variables(background: Background) -> String {
    let named = Colours::on(background).named();
    named.iter().map(|(name, colour)| format!("{name}: {};", print_colour(*colour))).collect::<Vec<_>>().join(" ")
}

/// The name of an arm's colour in a style sheet.
pub fn arm_variable(arm: usize) -> String {
    format!("--arm-{}", arm % ARM_COLOURS)
}

/// As it stands in an SVG.
fn print_colour(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

fn svg_of_size(plot: &Plot, viewport: &Viewport, background: Background, size: (u32, u32)) -> Result<String> {
    prepare_font()?;
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        Picture::new(&root, plot, viewport, 1, background)?.draw()?;
        root.present().map_err(|e| failed(&e))?;
    }
    Ok(text)
}

/// A picture, and what it says of the characters that its font lacks.
pub struct Png {
    pub bytes: Vec<u8>,
    pub remark: Option<String>,
}

pub fn png(plot: &Plot, viewport: &Viewport, background: Background) -> Result<Png> {
    prepare_font()?;
    let (plot, lacking) = in_font(plot)?;
    let remark = (!lacking.is_empty()).then(|| {
        let codes: Vec<String> = lacking.iter().map(|c| format!("U+{:04X}", u32::from(*c))).collect();
        format!(
            "\"{MISSING}\" stands for characters that the PNG's font lacks ({}); the SVG has them",
            codes.join(", ")
        )
    });
    let (width, height) = (SIZE.0 * PNG_UNIT, SIZE.1 * PNG_UNIT);
    let mut pixels = vec![u8::MAX; width as usize * height as usize * 3];
    {
        let root = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        let picture = Picture::new(&root, &plot, viewport, PNG_UNIT as i32, background)?;
        picture.draw()?;
        if let Some(remark) = &remark {
            picture.write_at_bottom(remark)?;
        }
        root.present().map_err(|e| failed(&e))?;
    }
    Ok(Png { bytes: encode_png(&pixels, width, height)?, remark })
}

/// The file of a picture of RGB pixels.
pub(super) fn encode_png(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

fn failed(error: &dyn Display) -> color_eyre::Report {
    eyre!("the chart can't be drawn: {error}")
}

/// The SVG's font is the viewer's; its text is measured with this one.
pub(super) fn prepare_font() -> Result<()> {
    register_font(FAMILY, FontStyle::Normal, FONT).map_err(|_| failed(&"its font can't be read"))
}

/// The plot with what its font has, and the characters that it has not.
fn in_font(plot: &Plot) -> Result<(Plot, Vec<char>)> {
    let font = FontRef::try_from_slice(FONT).map_err(|e| failed(&e))?;
    let mut lacking: Vec<char> = Vec::new();
    let mut plot = plot.clone();
    let series = plot.series.iter_mut().map(|series| (&mut series.name, &mut series.source));
    let bands = plot.bands.iter_mut().map(|band| (&mut band.label, &mut band.source));
    let marks = plot.marks.iter_mut().map(|mark| (&mut mark.label, &mut mark.source));
    let (names, sources): (Vec<_>, Vec<_>) = series.chain(bands).chain(marks).unzip();
    let sources = sources.into_iter().filter_map(|source| match source {
        Source::Theory(name) | Source::Cited(name) => Some(name),
        Source::Measured | Source::Run { .. } | Source::Reader => None,
    });
    let axes = [&mut plot.title, &mut plot.x.label, &mut plot.y.label];
    for text in axes.into_iter().chain(names).chain(sources) {
        let has = |c: char| font.glyph_id(c).0 != 0;
        lacking.extend(text.chars().filter(|c| !has(*c)));
        *text = text.chars().map(|c| if has(c) { c } else { MISSING }).collect();
    }
    lacking.sort_unstable();
    lacking.dedup();
    Ok((plot, lacking))
}

fn colour((red, green, blue): Rgb) -> RGBColor {
    RGBColor(red, green, blue)
}

/// The colours of a picture.
#[derive(Clone, Copy)]
struct Colours {
    background: Background,
    paper: RGBColor,
    ink: RGBColor,
    /// Of text that stands back.
    grey: RGBColor,
    /// Of lines and areas behind the curves.
    grid: RGBColor,
    /// Of the ends of series that diverged.
    diverged: RGBColor,
    cited: RGBColor,
}

impl Colours {
    fn on(background: Background) -> Self {
        let cited = colour(cited_colour(background));
        match background {
            Background::Light => Self {
                background,
                paper: RGBColor(255, 255, 255),
                ink: RGBColor(0, 0, 0),
                grey: RGBColor(96, 102, 112),
                grid: RGBColor(222, 226, 230),
                diverged: RGBColor(200, 0, 0),
                cited,
            },
            Background::Dark => Self {
                background,
                paper: RGBColor(22, 24, 29),
                ink: RGBColor(232, 234, 238),
                grey: RGBColor(158, 165, 176),
                grid: RGBColor(54, 58, 66),
                diverged: RGBColor(255, 96, 84),
                cited,
            },
        }
    }

    /// Each colour with its name in a style sheet.
    fn named(&self) -> Vec<(String, RGBColor)> {
        let own = [
            ("--paper", self.paper),
            ("--ink", self.ink),
            ("--grey", self.grey),
            ("--grid", self.grid),
            ("--diverged", self.diverged),
            ("--cited", self.cited),
        ];
        let arms = (0..ARM_COLOURS).flat_map(|arm| {
            let seed = (format!("--seed-{arm}"), colour(seed_colour(arm, self.background)));
            [(arm_variable(arm), colour(arm_colour(arm, self.background))), seed]
        });
        own.into_iter().map(|(name, colour)| (name.to_string(), colour)).chain(arms).collect()
    }

    /// The colour of a series, and the number that its marker comes from.
    fn of_series(&self, plot: &Plot, number: usize) -> (RGBColor, usize) {
        match series_colour(plot, number) {
            SeriesColour::Arm(arm) => (colour(arm_colour(arm, self.background)), arm),
            SeriesColour::Seed(arm) => (colour(seed_colour(arm, self.background)), arm),
            SeriesColour::Cited => (self.cited, number),
            SeriesColour::Reader => (self.ink, number),
            SeriesColour::Faint => (self.grey, number),
        }
    }

    fn of_source(&self, source: &Source) -> RGBColor {
        match source {
            Source::Cited(_) => self.cited,
            Source::Theory(_) | Source::Reader | Source::Measured => self.ink,
            Source::Run { arm, .. } => colour(arm_colour(*arm, self.background)),
        }
    }
}

/// A rectangle of pixels.
#[derive(Clone, Copy)]
struct Frame {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

/// What stands for an entry of the key.
#[derive(Clone, Copy)]
enum Sign {
    Series(usize),
    Cross,
    Diamond,
    Band,
    /// The line of a change, by the index of its band.
    Change(usize),
    /// The end of a series that diverged: after some numbers, or before the first.
    Diverged {
        is_measured: bool,
    },
}

struct Picture<'a, DB: DrawingBackend> {
    root: &'a DrawingArea<DB, Shift>,
    plot: &'a Plot,
    viewport: &'a Viewport,
    ranges: AxisRanges,
    colours: Colours,
    /// Pixels of one unit of length.
    unit: i32,
    /// The room of the curves.
    frame: Frame,
    /// The rows of the key, each of entries with the width of their text.
    key: Vec<Vec<(Sign, String, i32)>>,
    title: Vec<String>,
}

// Lengths in units.
const MARGIN: i32 = 16;
const TITLE: i32 = 18;
const TEXT: i32 = 13;
/// From one line of text to the next.
const LINE: i32 = 19;
/// Of a key's sign, and the gap behind an entry.
const SIGN: i32 = 26;
const GAP: i32 = 18;
/// What the reader predicted has a hollow diamond.
const OWN_MARKER: usize = 7;
/// Columns at the right for the values of the named points.
const GUTTER: i32 = 120;

impl<'a, DB: DrawingBackend> Picture<'a, DB>
where
    DB::ErrorType: 'static,
{
    fn new(
        root: &'a DrawingArea<DB, Shift>,
        plot: &'a Plot,
        viewport: &'a Viewport,
        unit: i32,
        background: Background,
    ) -> Result<Self> {
        let ranges = viewport.view(plot);
        let frame = Frame { left: 0, top: 0, right: 0, bottom: 0 };
        let colours = Colours::on(background);
        let mut picture =
            Self { root, plot, viewport, ranges, colours, unit, frame, key: Vec::new(), title: Vec::new() };
        let (width, height) = root.dim_in_pixel();
        let (width, height) = (width as i32, height as i32);
        let room = width - 2 * picture.px(MARGIN);
        picture.title = picture.wrap(&plot.title, TITLE, room)?;
        picture.key = picture.rows_of_key(room)?;
        let above = picture.title.len() as i32 * (LINE + 6) + (picture.key.len() as i32 + 1) * LINE;
        let labels = tick_labels(&ranges.y.ticks(10));
        let widths: Result<Vec<i32>> = labels.iter().map(|label| picture.width(label, TEXT)).collect();
        let has_gutter = mark_values(plot, &ranges.y).iter().any(|label| !label.is_empty());
        picture.frame = Frame {
            left: picture.px(MARGIN + 10) + widths?.into_iter().max().unwrap_or(0),
            top: picture.px(MARGIN + above + 6),
            right: width - picture.px(if has_gutter { GUTTER } else { MARGIN + 8 }),
            bottom: height - picture.px(MARGIN + 3 * LINE),
        };
        Ok(picture)
    }

    fn draw(&self) -> Result<()> {
        self.root.fill(&self.colours.paper).map_err(|e| failed(&e))?;
        let mut y = self.px(MARGIN);
        for line in &self.title {
            self.write(line, (self.px(MARGIN), y), TITLE, self.colours.ink, Pos::new(HPos::Left, VPos::Top))?;
            y += self.px(LINE + 6);
        }
        for row in &self.key {
            let mut x = self.px(MARGIN);
            for (sign, text, width) in row {
                self.draw_sign(*sign, (x, y + self.px(5)))?;
                self.write(text, (x + self.px(SIGN), y), TEXT, self.colours.ink, Pos::new(HPos::Left, VPos::Top))?;
                x += self.px(SIGN + GAP) + width;
            }
            y += self.px(LINE);
        }
        self.draw_bands()?;
        self.draw_axes()?;
        for (number, series) in self.viewport.series(self.plot).filter(|(_, series)| series.stroke == Stroke::Thick) {
            self.draw_spread_band(number, series)?;
        }
        let in_order = [Stroke::Ghost, Stroke::Thin, Stroke::Line, Stroke::Points, Stroke::Both, Stroke::Thick];
        for stroke in in_order {
            for (number, series) in self.viewport.series(self.plot).filter(|(_, series)| series.stroke == stroke) {
                self.draw_series(number, series)?;
            }
        }
        self.draw_marks()?;
        self.draw_notes()?;
        self.draw_cursor()
    }

    /// What is not seen of the plot, and how its curves were made, at the right below the axis.
    fn draw_notes(&self) -> Result<()> {
        let notes = [self.viewport.notes(self.plot), self.plot.notes.clone()].concat().join(" · ");
        if notes.is_empty() {
            return Ok(());
        }
        let at = (self.frame.right, self.frame.bottom + self.px(8 + 2 * LINE));
        self.write(&notes, at, TEXT - 2, self.colours.grey, Pos::new(HPos::Right, VPos::Top))
    }

    fn px(&self, units: i32) -> i32 {
        units * self.unit
    }

    fn put<E>(&self, element: &E) -> Result<()>
    where
        for<'b> &'b E: PointCollection<'b, Point>,
        E: Drawable<DB>,
    {
        self.root.draw(element).map_err(|e| failed(&e))
    }

    fn text_style(&self, size: i32, colour: RGBColor, pos: Pos) -> TextStyle<'static> {
        (FAMILY, self.px(size)).into_font().color(&colour).pos(pos)
    }

    fn write(&self, text: &str, at: Point, size: i32, colour: RGBColor, pos: Pos) -> Result<()> {
        self.put(&Text::new(text.to_string(), at, self.text_style(size, colour, pos)))
    }

    fn width(&self, text: &str, size: i32) -> Result<i32> {
        let style = self.text_style(size, self.colours.ink, Pos::new(HPos::Left, VPos::Top));
        self.root.estimate_text_size(text, &style).map(|(width, _)| width as i32).map_err(|e| failed(&e))
    }

    /// Lines of at most so many pixels, broken between words.
    fn wrap(&self, text: &str, size: i32, room: i32) -> Result<Vec<String>> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            match lines.last_mut() {
                Some(line) if self.width(&format!("{line} {word}"), size)? <= room => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.into()),
            }
        }
        Ok(lines)
    }

    /// Every series with its name, and each source of named points with their names. Single seeds have their arm's
    /// colour, and one entry.
    fn rows_of_key(&self, room: i32) -> Result<Vec<Vec<(Sign, String, i32)>>> {
        let mut entries: Vec<(Sign, String)> = Vec::new();
        let is_seed = |number| matches!(series_colour(self.plot, number), SeriesColour::Seed(_));
        let suffix = |source: &Source| match source {
            Source::Measured | Source::Run { .. } => String::new(),
            Source::Theory(_) | Source::Cited(_) | Source::Reader => format!(" ({})", source.describe()),
        };
        let mut has_seeds = false;
        for (number, series) in self.viewport.series(self.plot) {
            if series.source == Source::Reader || (is_seed(number) && std::mem::replace(&mut has_seeds, true)) {
                continue;
            }
            let name = if is_seed(number) { "single seeds".into() } else { series.name.clone() };
            let has_band = series.stroke == Stroke::Thick && series.spread.iter().flatten().any(|half| *half > 0.0);
            let band = if has_band { format!(" {}", self.plot.spread.describe()) } else { String::new() };
            entries.push((Sign::Series(number), format!("{name}{band}{}", suffix(&series.source))));
        }
        for (at, band) in self.plot.bands.iter().enumerate() {
            let sign = if band.from >= band.to { Sign::Change(at) } else { Sign::Band };
            entries.push((sign, format!("{}{}", band.label, suffix(&band.source))));
        }
        let mut sources: Vec<(&Source, Vec<&str>)> = Vec::new();
        for mark in &self.plot.marks {
            match sources.iter_mut().find(|(known, _)| **known == mark.source) {
                Some((_, labels)) => labels.push(&mark.label),
                None => sources.push((&mark.source, vec![&mark.label])),
            }
        }
        for (source, labels) in sources {
            let labels = labels.join(", ");
            entries.push(match source {
                Source::Reader => (Sign::Diamond, labels),
                _ => (Sign::Cross, format!("{}: {labels}", source.describe())),
            });
        }
        let ends = || self.viewport.series(self.plot).filter_map(|(_, series)| Some((series, series.divergence()?.1)));
        let mut names: Vec<&str> = ends().map(|(series, _)| series.name.as_str()).collect();
        if !names.is_empty() {
            let more = names.len().saturating_sub(NAMED_DIVERGED);
            names.truncate(NAMED_DIVERGED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let is_measured = ends().any(|(_, y)| y.is_some());
            entries.push((Sign::Diverged { is_measured }, format!("diverged: {}{more}", names.join(", "))));
        }
        let mut rows: Vec<Vec<(Sign, String, i32)>> = Vec::new();
        let mut used = room;
        for (sign, text) in entries {
            for (at, line) in self.wrap(&text, TEXT, room - self.px(SIGN))?.into_iter().enumerate() {
                let width = self.width(&line, TEXT)?;
                let needed = self.px(SIGN) + width;
                if at > 0 || used + needed > room {
                    rows.push(Vec::new());
                    used = 0;
                }
                used += needed + self.px(GAP);
                if let Some(row) = rows.last_mut() {
                    row.push((sign, line, width));
                }
            }
        }
        Ok(rows)
    }

    fn draw_sign(&self, sign: Sign, (x, y): Point) -> Result<()> {
        match sign {
            Sign::Series(number) => {
                let (colour, marker) = self.colours.of_series(self.plot, number);
                let series = &self.plot.series[number];
                if series.stroke != Stroke::Points {
                    let line = [(x, y), (x + self.px(20), y)];
                    self.put(&PathElement::new(line, colour.stroke_width(self.stroke_width(series.stroke))))?;
                }
                if has_markers(self.plot, number) {
                    self.draw_marker(marker, (x + self.px(10), y), colour)
                } else {
                    Ok(())
                }
            }
            Sign::Cross => self.draw_cross((x + self.px(10), y), self.colours.cited),
            Sign::Diamond => self.draw_marker(OWN_MARKER, (x + self.px(10), y), self.colours.ink),
            Sign::Diverged { is_measured: true } => self.draw_cross((x + self.px(10), y), self.colours.diverged),
            Sign::Diverged { is_measured: false } => {
                let (middle, half) = (x + self.px(10), self.px(5));
                let corners = vec![(middle - half, y + half), (middle, y - half), (middle + half, y + half)];
                self.put(&Polygon::new(corners, self.colours.diverged.filled()))
            }
            Sign::Change(at) => {
                let colour =
                    self.plot.bands.get(at).map_or(self.colours.grey, |band| self.colours.of_source(&band.source));
                let line = [(x + self.px(10), y - self.px(6)), (x + self.px(10), y + self.px(6))];
                self.put(&PathElement::new(line, colour.stroke_width(self.unit as u32)))
            }
            Sign::Band => {
                let (left, right, half) = (x, x + self.px(20), self.px(5));
                let corners = vec![(left, y - half), (right, y - half), (right, y + half), (left, y + half)];
                self.put(&Polygon::new(corners, self.colours.grid.filled()))
            }
        }
    }

    fn stroke_width(&self, stroke: Stroke) -> u32 {
        let width = match stroke {
            Stroke::Thin | Stroke::Ghost => 1,
            Stroke::Line | Stroke::Points | Stroke::Both => 2,
            Stroke::Thick => 3,
        };
        self.px(width) as u32
    }

    /// Where parts of the axes are in the picture.
    fn place(&self, (x, y): Part) -> Point {
        let Frame { left, top, right, bottom } = self.frame;
        let at = |part: f64, from: i32, to: i32| from + (part * f64::from(to - from)).round() as i32;
        (at(x, left, right), at(y, bottom, top))
    }

    fn part(&self, x: f64, y: f64) -> Option<Part> {
        self.ranges.x.part(x).zip(self.ranges.y.part(y))
    }

    fn draw_axes(&self) -> Result<()> {
        let Frame { left, top, right, bottom } = self.frame;
        let line = |from: Point, to: Point, colour: RGBColor| {
            self.put(&PathElement::new([from, to], colour.stroke_width(self.unit as u32)))
        };
        let y_ticks = self.ranges.y.ticks(10);
        for (value, label) in y_ticks.iter().zip(tick_labels(&y_ticks)) {
            let Some(part) = shown_part(&self.ranges.y, *value) else { continue };
            let y = self.place((0.0, part)).1;
            line((left, y), (right, y), self.colours.grid)?;
            let at = (left - self.px(6), y);
            self.write(&label, at, TEXT, self.colours.grey, Pos::new(HPos::Right, VPos::Center))?;
        }
        let is_whole =
            self.viewport.series(self.plot).flat_map(|(_, series)| &series.points).all(|(x, _)| x.fract() == 0.0);
        let x_ticks: Vec<f64> =
            self.ranges.x.ticks(10).into_iter().filter(|value| !is_whole || value.fract() == 0.0).collect();
        for (value, label) in x_ticks.iter().zip(tick_labels(&x_ticks)) {
            let Some(part) = shown_part(&self.ranges.x, *value) else { continue };
            let x = self.place((part, 0.0)).0;
            line((x, bottom), (x, bottom + self.px(5)), self.colours.grey)?;
            self.write(&label, (x, bottom + self.px(8)), TEXT, self.colours.grey, Pos::new(HPos::Center, VPos::Top))?;
        }
        line((left, top), (left, bottom), self.colours.grey)?;
        line((left, bottom), (right, bottom), self.colours.grey)?;
        let x_label = axis_label(&self.plot.x.label, &self.ranges.x);
        let below = (i32::midpoint(left, right), bottom + self.px(8 + LINE));
        self.write(&x_label, below, TEXT, self.colours.ink, Pos::new(HPos::Center, VPos::Top))?;
        let y_label = axis_label(&self.plot.y.label, &self.ranges.y);
        let above = (self.px(MARGIN), top - self.px(8));
        self.write(&y_label, above, TEXT, self.colours.ink, Pos::new(HPos::Left, VPos::Bottom))
    }

    fn draw_bands(&self) -> Result<()> {
        let mut labels: Vec<(i32, i32, i32)> = Vec::new();
        for band in &self.plot.bands {
            let range = if band.vertical { &self.ranges.x } else { &self.ranges.y };
            let [from, to] = [band.from, band.to].map(|value| range.part(value).unwrap_or(0.0));
            if from > 1.0 || to < 0.0 {
                continue;
            }
            if band.from >= band.to {
                self.draw_line(band, from, &mut labels)?;
                continue;
            }
            let (from, to) = (from.clamp(0.0, 1.0), to.clamp(0.0, 1.0));
            let corner = |along: f64, across: f64| if band.vertical { (along, across) } else { (across, along) };
            let corners = [corner(from, 0.0), corner(to, 0.0), corner(to, 1.0), corner(from, 1.0)];
            self.put(&Polygon::new(
                corners.map(|part| self.place(part)).to_vec(),
                self.colours.grid.mix(0.6).filled(),
            ))?;
        }
        Ok(())
    }

    /// A line where a setting was changed, with its label at the upper end, in the first row where no label stands yet.
    /// `labels` are those: their row, and where they begin and end.
    fn draw_line(&self, band: &PlotBand, part: f64, labels: &mut Vec<(i32, i32, i32)>) -> Result<()> {
        let colour = self.colours.of_source(&band.source);
        let ends = if band.vertical { [(part, 0.0), (part, 1.0)] } else { [(0.0, part), (1.0, part)] };
        self.put(&PathElement::new(ends.map(|end| self.place(end)), colour.stroke_width(self.unit as u32)))?;
        let (x, y) = self.place(ends[1]);
        let anchor = if part > 0.7 { HPos::Right } else { HPos::Left };
        let side = if part > 0.7 { -self.px(4) } else { self.px(4) };
        let width = self.width(&band.label, TEXT - 2)?;
        let (from, to) = if part > 0.7 { (x + side - width, x + side) } else { (x + side, x + side + width) };
        let is_free = |row: &i32| !labels.iter().any(|(of, left, right)| of == row && from < *right && *left < to);
        let row = (0..labels.len() as i32).find(is_free).unwrap_or(labels.len() as i32);
        labels.push((row, from, to));
        self.write(
            &band.label,
            (x + side, y + self.px(2 + row * (LINE - 3))),
            TEXT - 2,
            colour,
            Pos::new(anchor, VPos::Top),
        )
    }

    /// The shaded spread of a mean, without what lies beyond the axes.
    fn draw_spread_band(&self, number: usize, series: &PlotSeries) -> Result<()> {
        let ends = |sign: f64| -> Vec<Point> {
            let points = series.points.iter().enumerate().filter_map(|(at, &(x, _))| {
                let (low, high) = series.ends(at)?;
                let (x, y) = (self.ranges.x.part(x)?, if sign > 0.0 { high } else { low });
                let y = self.ranges.y.part(y).unwrap_or(0.0).clamp(0.0, 1.0);
                (0.0..=1.0).contains(&x).then(|| self.place((x, y)))
            });
            points.collect()
        };
        let band: Vec<Point> = ends(1.0).into_iter().chain(ends(-1.0).into_iter().rev()).collect();
        if band.len() < 4 {
            return Ok(());
        }
        self.put(&Polygon::new(band, self.colours.of_series(self.plot, number).0.mix(0.15).filled()))
    }

    fn draw_series(&self, number: usize, series: &PlotSeries) -> Result<()> {
        let (colour, marker) = self.colours.of_series(self.plot, number);
        let width = self.stroke_width(series.stroke);
        let parts: Vec<Option<Part>> = series.points.iter().map(|&(x, y)| self.part(x, y?)).collect();
        if series.stroke != Stroke::Points {
            for path in paths(&parts) {
                let path: Vec<Point> = path.into_iter().map(|part| self.place(part)).collect();
                self.put(&PathElement::new(path, colour.stroke_width(width)))?;
            }
        }
        if series.stroke != Stroke::Thick {
            self.draw_error_bars(series, colour.stroke_width(self.unit as u32))?;
        }
        if !has_markers(self.plot, number) {
            return Ok(());
        }
        let inside = |part: &&Part| [part.0, part.1].iter().all(|part| (0.0..=1.0).contains(part));
        let places: Vec<Point> = parts.iter().flatten().filter(inside).map(|part| self.place(*part)).collect();
        // Far enough apart to see the line between them; where points are dense, not where the other series have theirs.
        let apart = if series.stroke == Stroke::Points { 0 } else { (self.frame.right - self.frame.left) / 18 };
        let is_dense = places.windows(2).any(|pair| (pair[1].0 - pair[0].0).abs() < apart);
        let marked: Vec<usize> = self
            .viewport
            .series(self.plot)
            .map(|(number, _)| number)
            .filter(|number| has_markers(self.plot, *number))
            .collect();
        let turn = marked.iter().position(|marked| *marked == number).unwrap_or(0);
        let shift = if is_dense { apart * turn as i32 / marked.len().max(1) as i32 } else { 0 };
        let (mut last, mut away) = (places.first().map_or(0, |first| first.0), shift);
        for at in places {
            if (at.0 - last).abs() >= away {
                self.draw_marker(marker, at, colour)?;
                (last, away) = (at.0, apart);
            }
        }
        Ok(())
    }

    fn draw_error_bars(&self, series: &PlotSeries, style: ShapeStyle) -> Result<()> {
        for (at, &(x, _)) in series.points.iter().enumerate() {
            let Some((low, high)) = series.ends(at) else { continue };
            let Some(high) = self.part(x, high) else { continue };
            let low = (high.0, self.ranges.y.part(low).unwrap_or(0.0));
            if let Some((low, high)) = clip_segment(low, high, (0.0, 1.0)) {
                self.put(&PathElement::new([self.place(low), self.place(high)], style))?;
            }
        }
        Ok(())
    }

    /// The same shapes as in the terminal: a disc, a triangle, a square, a diamond, and these hollow.
    fn draw_marker(&self, number: usize, (x, y): Point, colour: RGBColor) -> Result<()> {
        let half = self.px(4);
        let is_hollow = number % 8 >= 4;
        if number.is_multiple_of(4) {
            let style = if is_hollow { self.colours.paper.filled() } else { colour.filled() };
            self.put(&Circle::new((x, y), half, style))?;
            return self.put(&Circle::new((x, y), half, colour.stroke_width(self.unit as u32)));
        }
        let corners = match number % 4 {
            1 => vec![(x, y - half - 1), (x + half + 1, y + half), (x - half - 1, y + half)],
            2 => vec![(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)],
            _ => vec![(x, y - half - 2), (x + half + 2, y), (x, y + half + 2), (x - half - 2, y)],
        };
        let fill = if is_hollow { self.colours.paper.filled() } else { colour.filled() };
        self.put(&Polygon::new(corners.clone(), fill))?;
        let outline: Vec<Point> = corners.iter().copied().chain(corners.first().copied()).collect();
        self.put(&PathElement::new(outline, colour.stroke_width(self.unit as u32)))
    }

    fn draw_cross(&self, (x, y): Point, colour: RGBColor) -> Result<()> {
        let half = self.px(5);
        let style = colour.stroke_width(self.px(2) as u32);
        self.put(&PathElement::new([(x - half, y - half), (x + half, y + half)], style))?;
        self.put(&PathElement::new([(x - half, y + half), (x + half, y - half)], style))
    }

    /// Named points with their values at the right, each at its own height; an arrow at the border where one lies
    /// outside. The end of a series that diverged has a cross.
    fn draw_marks(&self) -> Result<()> {
        let mut labels: Vec<(i32, RGBColor, String)> = Vec::new();
        for (mark, value) in self.plot.marks.iter().zip(mark_values(self.plot, &self.ranges.y)) {
            let Some(part) = self.part(mark.at[0], mark.at[1]) else { continue };
            let colour = self.colours.of_source(&mark.source);
            let at = self.draw_point(part, colour, mark.source == Source::Reader)?;
            match labels.iter_mut().find(|(height, known, _)| *height == at.1 && *known == colour) {
                _ if value.is_empty() => {}
                Some((.., text)) => *text = format!("{text}, {value}"),
                None => labels.push((at.1, colour, value)),
            }
        }
        for (x, y) in self.viewport.series(self.plot).filter_map(|(_, series)| series.divergence()) {
            let (low, high) = self.ranges.y.ends();
            // One without a single number never came down into the plot.
            if let Some(part) = self.part(x, y.unwrap_or(high + (high - low))) {
                self.draw_point(part, self.colours.diverged, false)?;
            }
        }
        labels.sort_by_key(|label| label.0);
        let right = self.frame.right;
        let mut free = i32::MIN;
        for (height, colour, label) in labels {
            // One that would cover the one above it moves down, and a line shows its height.
            let y = height.max(free);
            free = y + self.px(LINE - 3);
            let bend = [(right, height), (right + self.px(8), height), (right + self.px(14), y)];
            self.put(&PathElement::new(bend, colour.stroke_width(self.unit as u32)))?;
            self.write(&label, (right + self.px(17), y), TEXT, colour, Pos::new(HPos::Left, VPos::Center))?;
        }
        Ok(())
    }

    /// A cross, or a diamond; an arrow for a point outside. Returns where it stands.
    fn draw_point(&self, (x, y): Part, colour: RGBColor, is_own: bool) -> Result<Point> {
        let at = self.place((x.clamp(0.0, 1.0), y.clamp(0.0, 1.0)));
        let way = |part: f64| i32::from(part > 1.001) - i32::from(part < -0.001);
        match (way(x), way(y)) {
            (0, 0) if is_own => self.draw_marker(OWN_MARKER, at, colour)?,
            (0, 0) => self.draw_cross(at, colour)?,
            (across, up) => {
                let (half, tip) = (self.px(5), self.px(9));
                let corners = if across == 0 {
                    vec![(at.0 - half, at.1), (at.0, at.1 - up * tip), (at.0 + half, at.1)]
                } else {
                    vec![(at.0, at.1 - half), (at.0 + across * tip, at.1), (at.0, at.1 + half)]
                };
                self.put(&Polygon::new(corners, colour.filled()))?;
            }
        }
        Ok(at)
    }

    fn draw_cursor(&self) -> Result<()> {
        let Some(cursor) = self.viewport.cursor else { return Ok(()) };
        let readout = Readout::of_plot(self.plot, self.viewport);
        let Some(part) = readout.point(cursor).and_then(|point| self.part(point.x, point.y)) else { return Ok(()) };
        let Some((top, _)) = clip_segment(part, part, (0.0, 1.0)) else { return Ok(()) };
        let line = [self.place(top), self.place((top.0, 0.0))];
        self.put(&PathElement::new(line, self.colours.grey.stroke_width(self.unit as u32)))?;
        self.put(&Circle::new(self.place(top), self.px(6), self.colours.ink.stroke_width(self.px(2) as u32)))
    }

    fn write_at_bottom(&self, text: &str) -> Result<()> {
        let at = (self.px(MARGIN), self.root.dim_in_pixel().1 as i32 - self.px(MARGIN / 2));
        self.write(text, at, TEXT - 2, self.colours.grey, Pos::new(HPos::Left, VPos::Bottom))
    }
}

fn shown_part(range: &AxisRange, value: f64) -> Option<f64> {
    range.part(value).filter(|part| (-0.001..=1.001).contains(part))
}

/// The lines of a series within the axes, cut where they leave; a point between two gaps is a line of no length.
fn paths(parts: &[Option<Part>]) -> Vec<Vec<Part>> {
    let mut paths: Vec<Vec<Part>> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let Some(to) = *part else { continue };
        let before = at.checked_sub(1).and_then(|before| parts[before]);
        let is_alone = before.is_none() && parts.get(at + 1).copied().flatten().is_none();
        let Some(from) = before.or(is_alone.then_some(to)) else { continue };
        let Some((from, to)) = clip_segment(from, to, (0.0, 1.0)) else { continue };
        match paths.last_mut() {
            Some(path) if path.last() == Some(&from) => path.push(to),
            _ => paths.push(vec![from, to]),
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{AxisScale, PlotAxis, PlotBand, PlotMark, RunId};

    /// An experiment's plot with everything that a plot can hold; the arms of a run besides.
    fn plot() -> Plot {
        let axis = |label: &str, scale| PlotAxis { label: label.into(), scale, limits: None };
        let points = |scale: f64| (1..=20).map(|n| (f64::from(n), Some(scale / f64::from(n)))).collect::<Vec<_>>();
        let series = |name: &str, source, stroke, points: Vec<(f64, Option<f64>)>| PlotSeries {
            name: name.into(),
            source,
            stroke,
            spread: vec![Some(0.2); points.len()],
            below: Vec::new(),
            points,
        };
        let run = |arm| Source::Run { run: RunId(3), arm };
        let diverged = points(30.0).into_iter().take(8).chain([(9.0, None)]).collect();
        Plot {
            title: "Every kind of series".into(),
            x: axis("epoch", AxisScale::Linear),
            y: axis("error, %", AxisScale::Log),
            series: vec![
                series("mean", run(0), Stroke::Thick, points(10.0)),
                series("seed", run(0), Stroke::Thin, points(9.0)),
                series("diverged", run(1), Stroke::Both, diverged),
                series("points", Source::Measured, Stroke::Points, points(20.0)),
                series("line", Source::Theory("c/n".into()), Stroke::Line, points(5.0)),
            ],
            bands: vec![PlotBand {
                label: "a band".into(),
                source: Source::Cited("paper".into()),
                vertical: true,
                from: 4.0,
                to: 6.0,
            }],
            marks: vec![
                PlotMark { label: "inside".into(), source: Source::Cited("paper".into()), at: [10.0, 2.0] },
                PlotMark { label: "you: beyond".into(), source: Source::Reader, at: [90.0, 2.0] },
            ],
            places: Vec::new(),
            spread: protocol::SpreadKind::Deviation,
            notes: Vec::new(),
        }
    }

    fn pixels(png: &Png) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(&png.bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.width, info.height, pixels)
    }

    /// How many pixels have this colour.
    fn count(pixels: &[u8], colour: Rgb) -> usize {
        pixels.chunks_exact(3).filter(|pixel| (pixel[0], pixel[1], pixel[2]) == colour).count()
    }

    #[test]
    fn both_pictures_show_everything_that_a_plot_holds() {
        let svg = svg(&plot(), &Viewport::default(), Background::Light).unwrap();
        for text in [
            "Every kind of series",
            "error, % (log)",
            "mean ± sd",
            "single seeds",
            "a band (paper)",
            "line (theory: c/n)",
            "paper: inside",
            "you: beyond",
            "2.00 @10",
        ] {
            assert!(svg.contains(text), "{text} is not in {svg}");
        }
        let png = png(&plot(), &Viewport::default(), Background::Light).unwrap();
        let (width, height, pixels) = pixels(&png);
        assert_eq!((width, height), (SIZE.0 * PNG_UNIT, SIZE.1 * PNG_UNIT));
        for arm in [0, 1, 3, 4] {
            assert!(count(&pixels, arm_colour(arm, Background::Light)) > 200, "arm {arm}");
        }
        assert!(count(&pixels, seed_colour(0, Background::Light)) > 50 && count(&pixels, (200, 0, 0)) > 50);
        assert_eq!(png.remark, None);
    }

    /// What a terminal says beneath a chart, and where a setting was changed, stands in a picture too.
    #[test]
    fn a_picture_says_what_is_not_seen_and_what_was_changed() {
        let mut plot = plot();
        plot.spread = protocol::SpreadKind::StandardError;
        plot.notes = vec!["smoothed by 0.6".into()];
        plot.bands[0].label = "lr 0.03".into();
        plot.bands[0].to = plot.bands[0].from;
        plot.series[1].stroke = Stroke::Ghost;
        let hidden = Viewport { hidden_arms: [1].into(), ..Viewport::default() };
        let svg = svg(&plot, &hidden, Background::Light).unwrap();
        for text in ["1 of 2 arms hidden · smoothed by 0.6", "lr 0.03", "mean ± standard error"] {
            assert!(svg.contains(text), "{text} is not in {svg}");
        }
    }

    #[test]
    fn a_picture_shows_what_the_viewport_shows() {
        let hidden = Viewport { hidden: [3].into(), thin: app::ThinSeries::Hidden, ..Viewport::default() };
        let png = png(&plot(), &hidden, Background::Light).unwrap();
        let pixels = pixels(&png).2;
        assert_eq!(count(&pixels, arm_colour(3, Background::Light)), 0);
        assert_eq!(count(&pixels, seed_colour(0, Background::Light)), 0);
        let zoomed = Viewport {
            x: app::AxisView { range: Some((5.0, 5.5)), scale: None },
            y: app::AxisView { range: Some((1e-3, 1e3)), scale: None },
            ..Viewport::default()
        };
        let svg = svg(&plot(), &zoomed, Background::Light).unwrap();
        // Between two epochs is nothing to mark.
        let has = |label: &str| svg.lines().any(|line| line == label);
        assert!(has("5") && !has("5.25") && has("1000") && has("0.001"), "{svg}");
    }

    /// WCAG 2.2, level AA, on both pages: text has a contrast of 4.5 to 1.
    #[test]
    fn text_can_be_read_on_both_pages() {
        for background in [Background::Light, Background::Dark] {
            let colours = Colours::on(background);
            let lightness = |RGBColor(red, green, blue): RGBColor| {
                app::luminance([red, green, blue].map(|part| f64::from(part) / 255.0))
            };
            let paper = lightness(colours.paper);
            let of_arms = (0..ARM_COLOURS).map(|arm| colour(arm_colour(arm, background)));
            for text in [colours.ink, colours.grey, colours.diverged, colours.cited].into_iter().chain(of_arms) {
                let (low, high) = (paper.min(lightness(text)), paper.max(lightness(text)));
                let contrast = (high + 0.05) / (low + 0.05);
                assert!(contrast >= 4.5, "{text:?}: {contrast:.2}");
            }
            let name = if background == Background::Dark { "#16181D" } else { "#FFFFFF" };
            assert!(svg(&plot(), &Viewport::default(), background).unwrap().contains(&format!("fill=\"{name}\"")));
        }
    }

    /// A colour that stood for two names would be the wrong one on a dark page.
    #[test]
    fn a_picture_for_a_style_sheet_names_every_colour() {
        let svg = svg_with_variables(&plot(), &Viewport::default(), (640, 400)).unwrap();
        assert!(!svg.contains("=\"#"), "{svg}");
        for name in ["var(--paper)", "var(--ink)", "var(--grid)", "var(--cited)", "var(--arm-0)", "var(--seed-0)"] {
            assert!(svg.contains(name), "{name}");
        }
        let mut colours: Vec<String> =
            Colours::on(Background::Light).named().into_iter().map(|(_, colour)| print_colour(colour)).collect();
        let count = colours.len();
        colours.sort_unstable();
        colours.dedup();
        assert_eq!(colours.len(), count, "{colours:?}");
    }

    /// A cloud has its points in any order, and each has its marker.
    #[test]
    fn every_point_of_a_cloud_is_drawn() {
        let circles = |points: &[f64]| {
            let mut plot = plot();
            plot.series.truncate(1);
            plot.series[0].stroke = Stroke::Points;
            plot.series[0].points = points.iter().map(|x| (*x, Some(*x))).collect();
            svg(&plot, &Viewport::default(), Background::Light).unwrap().matches("<circle").count()
        };
        assert_eq!(circles(&[9.0, 1.0, 5.0, 3.0]) - circles(&[1.0]), 6, "a disc and its rim each");
    }

    /// Nothing is drawn as an empty box: the picture says what its font lacks.
    #[test]
    fn a_character_that_the_font_lacks_gets_a_remark() {
        let mut plot = plot();
        plot.series[0].name = "平均".into();
        let png = png(&plot, &Viewport::default(), Background::Light).unwrap();
        let remark = png.remark.unwrap();
        assert!(remark.contains("U+5747, U+5E73") && remark.contains("SVG"), "{remark}");
        assert!(svg(&plot, &Viewport::default(), Background::Light).unwrap().contains("平均"));
        let (whole, lacking) = in_font(&Plot { title: "± σ² ≤ 10⁻³ → ∞, naïve Œ".into(), ..plot }).unwrap();
        assert_eq!((whole.title.as_str(), lacking.len()), ("± σ² ≤ 10⁻³ → ∞, naïve Œ", 2));
    }

    /// Without data, with a single point, and on any axis there is a picture.
    #[test]
    fn an_empty_plot_is_a_picture() {
        for scale in [AxisScale::Linear, AxisScale::Log] {
            for points in [vec![], vec![(3.0, Some(0.0))], vec![(3.0, None)], vec![(0.0, Some(5.0))]] {
                let mut plot = plot();
                (plot.x.scale, plot.y.scale) = (scale, scale);
                plot.series.iter_mut().for_each(|series| series.points.clone_from(&points));
                assert!(svg(&plot, &Viewport::default(), Background::Light).unwrap().ends_with("</svg>\n"));
            }
        }
    }
}
