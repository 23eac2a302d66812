//! Reading values in a plot with the keys: what there is to read, and where the cursor stands.

use super::{App, Effect, MeanPoint, Modal, Page, Race};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use lesson::{CellBody, RaceMark};
use protocol::{Bars, CellKey, EpochRecord, Figure, Plot, Preset, RunId, RunSpec, Scale};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A cursor on a point of a curve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub on: Pane,
    pub curve: usize,
    pub point: usize,
}

/// What the cursor stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pane {
    Cell(CellKey),
    /// The chart that the list of runs opened.
    Run(RunId),
}

/// A plot as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// With their units, as the axes have them: `current, nA`.
    pub x: String,
    pub y: String,
    pub curves: Vec<Curve>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    pub name: String,
    /// Where its values come from, as a legend says it; empty where it needs no word.
    pub source: String,
    /// From left to right, gaps left out.
    pub points: Vec<Point>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    /// What stands there, where x is no number: a part of a bar.
    pub what: Option<String>,
    pub y: f64,
    /// Half-width of its spread.
    pub spread: Option<f64>,
    /// What else was measured there, with the same unit as y: the test error of an epoch.
    pub beside: Option<f64>,
}

impl Chart {
    /// The series of a plot, then its marks.
    pub fn of_plot(plot: &Plot) -> Self {
        let drawn = |&(x, y, _): &(f64, f64, Option<f64>)| {
            let on = |scale: Scale, v: f64| scale == Scale::Linear || v > 0.0;
            on(plot.x.scale, x) && on(plot.y.scale, y)
        };
        let series = plot.series.iter().map(|series| {
            let points = series.points.iter().enumerate();
            let spread = |at: usize| series.spread.get(at).copied().flatten();
            let points = points.filter_map(|(at, &(x, y))| Some((x, y?, spread(at)))).filter(drawn);
            Curve::new(&series.name, series.source.told(), points)
        });
        let marks = plot.marks.iter().map(|mark| {
            let point = (mark.at[0], mark.at[1], None);
            Curve::new(&mark.label, mark.source.told(), Some(point).filter(drawn))
        });
        Self { x: plot.x.label.clone(), y: plot.y.label.clone(), curves: series.chain(marks).collect() }
    }

    /// One curve a bar, its points the parts and their sum.
    pub fn of_bars(figure: &Bars) -> Self {
        let curve = |bar: &protocol::Bar| {
            let sum = bar.values.iter().copied().sum::<Option<f64>>().map(|sum| ("together", sum));
            let sum = sum.filter(|_| figure.parts.len() > 1);
            let parts = figure.parts.iter().map(String::as_str).chain(figure.parts.is_empty().then_some(""));
            let values = parts.zip(&bar.values).filter_map(|(part, value)| Some((part, (*value)?)));
            let parts = values.chain(sum).enumerate();
            let point = |(at, (part, y)): (usize, (&str, f64))| Point {
                x: at as f64,
                what: Some(part.into()),
                y,
                spread: None,
                beside: None,
            };
            let (name, source) = (bar.name.clone(), figure.source.told());
            Curve { name, source, points: parts.map(point).collect() }
        };
        Self { x: String::new(), y: figure.title.clone(), curves: figure.bars.iter().map(curve).collect() }
    }

    /// With several seeds the arms of a race; its lanes; the published points.
    pub fn of_race(race: &Race, marks: &[RaceMark]) -> Self {
        let arms = race.by_arm().into_iter().filter(|_| race.has_seeds()).map(|arm| Curve {
            name: format!("{}, {}", arm.arm.title(), mean_of(arm.measured)),
            source: String::new(),
            points: arm.curve.iter().copied().map(MeanPoint::to_read).collect(),
        });
        let lanes = race.lanes.iter().map(|lane| Curve {
            name: race.lane_name(lane),
            source: String::new(),
            points: lane.points.iter().map(epoch_to_read).collect(),
        });
        let marks = marks
            .iter()
            .map(|mark| Curve::new(&mark.label, mark.source.clone(), [(f64::from(mark.epoch), mark.error, None)]));
        let curves = arms.chain(lanes).chain(marks).collect();
        Self { x: "epoch".into(), y: "validation error, %".into(), curves }
    }

    /// The number of the arm whose curve this is in the chart of a race; `None` for a published point.
    pub fn arm_of_race(race: &Race, curve: usize) -> Option<usize> {
        let means = if race.has_seeds() { race.spec.arms.len() } else { 0 };
        if curve < means {
            return Some(curve);
        }
        let lane = race.lanes.get(curve - means)?;
        race.spec.arm_ids().position(|arm| arm == lane.lane.arm)
    }

    pub fn point(&self, cursor: &Cursor) -> Option<&Point> {
        self.curves.get(cursor.curve)?.points.get(cursor.point)
    }

    /// The cursor's point in words: the legend's name, x, y with its spread, and the source. Where so many columns do
    /// not take all, the source goes, and then the end of the name: the values stay.
    pub fn told(&self, cursor: &Cursor, room: usize) -> Option<String> {
        let (curve, point) = (self.curves.get(cursor.curve)?, self.point(cursor)?);
        let x = match &point.what {
            Some(what) => what.clone(),
            None => with_unit(&self.x, &exact(point.x)),
        };
        let beside = point.beside.map_or(String::new(), |test| format!(" (test {})", self.number(test)));
        let y = format!("{}{beside}", with_unit(&self.y, &self.with_spread(point)));
        let x = if x.is_empty() { x } else { format!("{x}, ") };
        let whole = format!("{}: {x}{y} ({})", curve.name, curve.source);
        if !curve.source.is_empty() && whole.width() <= room {
            return Some(whole);
        }
        let left = room.saturating_sub(format!(": {x}{y}").width());
        Some(format!("{}: {x}{y}", cut(&curve.name, left)))
    }

    /// A value in y's unit: percents with two decimals, whatever they are.
    fn number(&self, value: f64) -> String {
        let short = self.y.ends_with(", %") && (value == 0.0 || value.abs() >= 0.01);
        if short { format!("{value:.2}") } else { exact(value) }
    }

    fn with_spread(&self, point: &Point) -> String {
        let spread = point.spread.map_or(String::new(), |half| format!(" ± {}", self.number(half)));
        format!("{}{spread}", self.number(point.y))
    }

    /// The other curves where they have a point at the cursor's x, in a few words each, and a word for that x.
    pub fn others(&self, cursor: &Cursor) -> Option<(String, Vec<(usize, String)>)> {
        let at = self.point(cursor)?;
        let same = |point: &&Point| (point.x - at.x).abs() <= 1e-9 * at.x.abs().max(1.0);
        let words = |(number, curve): (usize, &Curve)| {
            let point = curve.points.iter().find(same).filter(|_| number != cursor.curve)?;
            let beside = point.beside.map_or(String::new(), |test| format!(" (test {})", self.number(test)));
            Some((number, format!("{} {}{beside}", curve.name, self.with_spread(point))))
        };
        let x = at.what.clone().unwrap_or_else(|| with_unit(&self.x, &exact(at.x)));
        Some((x, self.curves.iter().enumerate().filter_map(words).collect()))
    }

    /// The last point of the first curve that has any.
    fn first(&self, on: Pane) -> Option<Cursor> {
        let curve = self.curves.iter().position(|curve| !curve.points.is_empty())?;
        Some(Cursor { on, curve, point: self.curves[curve].points.len() - 1 })
    }

    /// So many points on, within the curve.
    fn step(&self, cursor: &mut Cursor, by: isize) {
        let count = self.curves.get(cursor.curve).map_or(0, |curve| curve.points.len());
        cursor.point = cursor.point.saturating_add_signed(by).min(count.saturating_sub(1));
    }

    /// To the next curve that has points, at the x nearest to this one.
    fn change_curve(&self, cursor: &mut Cursor, by: isize) {
        let Some(x) = self.point(cursor).map(|point| point.x) else { return };
        let mut at = cursor.curve;
        while let Some(curve) = at.checked_add_signed(by).and_then(|next| self.curves.get(next).map(|c| (next, c))) {
            at = curve.0;
            let far = |point: &Point| (point.x - x).abs();
            let nearest = (0..curve.1.points.len()).min_by(|&a, &b| {
                let points = &curve.1.points;
                far(&points[a]).total_cmp(&far(&points[b]))
            });
            if let Some(point) = nearest {
                (cursor.curve, cursor.point) = (at, point);
                return;
            }
        }
    }
}

impl Curve {
    fn new(name: &str, source: String, points: impl IntoIterator<Item = (f64, f64, Option<f64>)>) -> Self {
        let mut points: Vec<Point> =
            points.into_iter().map(|(x, y, spread)| Point { x, what: None, y, spread, beside: None }).collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        Self { name: name.into(), source, points }
    }
}

impl MeanPoint {
    fn to_read(self) -> Point {
        let (x, spread) = (f64::from(self.epoch), self.val.deviation);
        Point { x, what: None, y: self.val.mean, spread, beside: Some(self.test.mean) }
    }
}

fn epoch_to_read(record: &EpochRecord) -> Point {
    let (x, y) = (f64::from(record.epoch), record.val_error);
    Point { x, what: None, y, spread: None, beside: Some(record.test_error) }
}

fn mean_of(seeds: usize) -> String {
    if seeds == 1 { "one seed so far".into() } else { format!("mean of {seeds}") }
}

/// As much of a text as so many columns take; one that does not fit says so.
pub fn cut(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.into();
    }
    let mut kept = String::new();
    for c in text.chars() {
        if kept.width() + c.width().unwrap_or(0) + 1 > room {
            break;
        }
        kept.push(c);
    }
    format!("{}…", kept.trim_end())
}

/// `current, nA` and `0.5` make `current 0.5 nA`.
fn with_unit(label: &str, value: &str) -> String {
    match label.rsplit_once(", ") {
        Some((what, unit)) => format!("{what} {value} {unit}"),
        None => format!("{label} {value}"),
    }
}

/// Five digits, more than any axis shows, without needless zeros.
fn exact(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        return "0".into();
    }
    if !(1e-3..1e6).contains(&size) {
        let text = format!("{value:.4e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'));
    }
    let decimals = (4 - size.log10().floor() as i32).max(0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

impl App {
    /// The cursor, while values are being read.
    pub fn cursor(&self) -> Option<&Cursor> {
        if let Some(Modal::Values(cursor)) = self.modals.last() { Some(cursor) } else { None }
    }

    /// The cursor if it stands in this cell.
    pub fn cursor_in(&self, key: &CellKey) -> Option<&Cursor> {
        self.cursor().filter(|cursor| matches!(&cursor.on, Pane::Cell(on) if on == key))
    }

    /// What can be read in a pane as it shows now.
    pub fn chart(&self, on: &Pane) -> Option<Chart> {
        match on {
            Pane::Run(run) => Some(Chart::of_race(self.races.get(run)?, self.article_marks().0)),
            Pane::Cell(key) => {
                let cells = self.document().cells();
                let number = cells.iter().position(|cell| cell.id == key.cell)?;
                match &cells[number].body {
                    CellBody::Train(train) => Some(Chart::of_race(self.race_of(key)?, &train.marks)),
                    CellBody::Experiment(_) => match self.shown_figure(key, number)? {
                        Figure::Plot(plot) => Some(Chart::of_plot(plot)),
                        Figure::Bars(bars) => Some(Chart::of_bars(bars)),
                        Figure::Table(_) | Figure::Images(_) | Figure::Regions(_) | Figure::Units(_) => None,
                    },
                    _ => None,
                }
            }
        }
    }

    /// Whether a pane has a curve with values.
    pub(super) fn can_read(&self, on: &Pane) -> bool {
        self.chart(on).is_some_and(|chart| chart.curves.iter().any(|curve| !curve.points.is_empty()))
    }

    /// The figure on the page that an experiment's pane shows.
    fn shown_figure(&self, key: &CellKey, number: usize) -> Option<&Figure> {
        let outcome = self.experiments.get(key)?.shown()?;
        let (pages, at) = self.pages_of(key, number)?;
        match pages.get(at)? {
            Page::Figure(figure) => outcome.figures.get(*figure),
            Page::Rows(..) | Page::Columns(..) | Page::Images(..) | Page::Findings(_) => None,
        }
    }

    /// The published points of the first race in the course that has some, the article's, and that race's settings.
    pub fn article_marks(&self) -> (&[RaceMark], RunSpec) {
        let cells = self.library.lessons.iter().flat_map(lesson::Document::cells);
        let races = cells.filter_map(|cell| if let CellBody::Train(train) = &cell.body { Some(train) } else { None });
        let mut with_marks = races.filter(|train| !train.marks.is_empty());
        with_marks.next().map_or_else(|| (&[][..], RunSpec::of(Preset::Article)), |train| (&train.marks, train.spec()))
    }

    /// Puts the cursor into the plot in view.
    pub(super) fn read_values(&mut self, on: Option<Pane>) {
        let on = on.or_else(|| Some(Pane::Cell(self.key_of(self.focused()?))));
        let cursor = on.and_then(|on| self.chart(&on)?.first(on));
        match cursor {
            Some(cursor) => {
                if let (Pane::Cell(_), Some(cell)) = (&cursor.on, self.view.focus) {
                    self.view.show_cell(cell);
                }
                self.modals.push(Modal::Values(cursor));
            }
            None => self.message = Some("there is no curve to read here; v reads values in a plot".into()),
        }
    }

    pub(super) fn values_key(&mut self, mut cursor: Cursor, key: KeyEvent) -> Vec<Effect> {
        let Some(chart) = self.chart(&cursor.on) else { return Vec::new() };
        let count = chart.curves.get(cursor.curve).map_or(0, |curve| curve.points.len());
        let far = (count / 10).max(2) as isize;
        let step = if key.modifiers.contains(KeyModifiers::SHIFT) { far } else { 1 };
        match key.code {
            KeyCode::Left | KeyCode::Char('h') => chart.step(&mut cursor, -step),
            KeyCode::Right | KeyCode::Char('l') => chart.step(&mut cursor, step),
            KeyCode::Char('H') => chart.step(&mut cursor, -far),
            KeyCode::Char('L') => chart.step(&mut cursor, far),
            KeyCode::Home | KeyCode::Char('g') => chart.step(&mut cursor, isize::MIN),
            KeyCode::End | KeyCode::Char('G') => chart.step(&mut cursor, isize::MAX),
            KeyCode::Up | KeyCode::Char('k') => chart.change_curve(&mut cursor, -1),
            KeyCode::Down | KeyCode::Char('j') => chart.change_curve(&mut cursor, 1),
            KeyCode::Char('q') => return Vec::new(),
            // Another page has other curves.
            KeyCode::Char('1'..='9' | '[' | ']') if matches!(cursor.on, Pane::Cell(_)) => {
                self.page_key(key.code);
                if self.chart(&cursor.on).is_some() {
                    self.read_values(Some(cursor.on));
                }
                return Vec::new();
            }
            _ => {}
        }
        self.modals.push(Modal::Values(cursor));
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_and_short() {
        let cases = [
            (1.37, "1.37"),
            (17.0, "17"),
            (0.123_456, "0.12346"),
            (-0.5, "-0.5"),
            (1e-7, "1e-7"),
            (1.234_56e-9, "1.2346e-9"),
            (50_000.0, "50000"),
            (0.0, "0"),
        ];
        for (value, text) in cases {
            assert_eq!(exact(value), text);
        }
        assert_eq!(with_unit("current, nA", "0.5"), "current 0.5 nA");
    }
}
