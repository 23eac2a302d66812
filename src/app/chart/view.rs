//! A chart as its reader has set it up: what it shows and how. It carries out the keys and the mouse of a chart, whatever
//! pane it stands in.

use super::options::{ChartOptions, Published, SeedBand, XQuantity, measured_layers, measured_metrics, next_of};
use super::readout::Readout;
use super::study_plot::ChartRun;
use super::viewport::{Axis, PlotCursor, ThinSeries, Viewport, arm_of};
use crate::keys::ChartAction;
use protocol::{AxisScale, Better, Plot, Source};
use ratatui::layout::{Position, Rect};

/// The default shows a plot as it describes itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChartView {
    /// Of a chart of training runs; the plot of an experiment has none.
    pub options: ChartOptions,
    pub viewport: Viewport,
    pub arrangement: Arrangement,
}

/// How many charts stand in the pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrangement {
    #[default]
    Single,
    /// One a metric, with the same x.
    Multiples,
}

/// What a chart shows at this moment.
#[derive(Clone, Copy, Debug)]
pub struct ShownChart<'a> {
    pub plot: &'a Plot,
    pub readout: &'a Readout,
    /// Bars have none that could be changed.
    pub has_axes: bool,
    /// The training runs that it is made of; none for the plot of an experiment.
    pub runs: &'a [ChartRun<'a>],
}

/// How much closer a key or a turn of the wheel brings the chart.
const ZOOM: f64 = 1.5;
/// How far a key moves it, in parts of an axis.
const PAN: f64 = 0.2;

/// The message where a key for training runs is pressed in another chart.
const OF_RUNS: &str = "this is for the chart of a training run; an experiment's plot has its own axes";

/// Whether an action chooses what is made of a run's numbers.
fn is_of_runs(action: ChartAction) -> bool {
    matches!(
        action,
        ChartAction::NextMetric
            | ChartAction::PreviousMetric
            | ChartAction::NextLayer
            | ChartAction::NextXQuantity
            | ChartAction::NextBand
            | ChartAction::SmoothMore
            | ChartAction::SmoothLess
            | ChartAction::PublishedPoints
            | ChartAction::Multiples
    )
}

impl ChartView {
    /// Carries out a key; returns its message. Leaving the chart, copying and what several charts share is the caller's
    /// part.
    pub fn perform(&mut self, action: ChartAction, chart: &ShownChart) -> Option<String> {
        match action {
            ChartAction::Left
            | ChartAction::Right
            | ChartAction::FarLeft
            | ChartAction::FarRight
            | ChartAction::First
            | ChartAction::Last
            | ChartAction::PreviousCurve
            | ChartAction::NextCurve => self.move_cursor(action, chart),
            ChartAction::Compare => return self.compare(chart),
            ChartAction::PublishedReach | ChartAction::Copy | ChartAction::Leave => {}
            _ if chart.runs.is_empty() && is_of_runs(action) => return Some(OF_RUNS.into()),
            _ if !chart.has_axes => return Some("bars have no axes to change; arrows read their values".into()),
            ChartAction::NextMetric | ChartAction::PreviousMetric => {
                return Some(self.change_metric(chart, action == ChartAction::NextMetric));
            }
            ChartAction::NextLayer => return Some(self.change_layer(chart)),
            ChartAction::NextXQuantity => {
                self.options.x = next_of(&XQuantity::ALL, self.options.x, true);
                self.viewport.x.range = None;
                return Some(format!("x: {}", self.options.x.label()));
            }
            ChartAction::NextBand => return Some(self.change_band(chart)),
            ChartAction::SmoothMore | ChartAction::SmoothLess => {
                self.options.smoothing = self.options.smoothing.step(action == ChartAction::SmoothMore);
                return Some(self.options.smoothing.describe().unwrap_or("not smoothed: as measured".into()));
            }
            ChartAction::PublishedPoints => {
                self.options.published = next_of(&[Published::Shown, Published::Hidden], self.options.published, true);
                let shown = if self.options.published == Published::Shown { "shown" } else { "hidden" };
                return Some(format!("published points are {shown}; M changes it"));
            }
            ChartAction::XScale | ChartAction::YScale => {
                let (axis, name) = if action == ChartAction::XScale { (Axis::X, "x") } else { (Axis::Y, "y") };
                let scale = match self.viewport.toggle_scale(chart.plot, axis) {
                    AxisScale::Linear => "linear",
                    AxisScale::Log => "logarithmic",
                };
                return Some(format!("the {name} axis is {scale}"));
            }
            ChartAction::FromZero => {
                self.viewport.from_zero = !self.viewport.from_zero;
                self.viewport.y.range = None;
            }
            ChartAction::ZoomIn => self.zoom_at_cursor(chart, (ZOOM, ZOOM)),
            ChartAction::ZoomOut => self.zoom_at_cursor(chart, (1.0 / ZOOM, 1.0 / ZOOM)),
            ChartAction::ZoomInX => self.zoom_at_cursor(chart, (ZOOM, 1.0)),
            ChartAction::ZoomOutX => self.zoom_at_cursor(chart, (1.0 / ZOOM, 1.0)),
            ChartAction::PanLeft => self.viewport.pan(chart.plot, (-PAN, 0.0)),
            ChartAction::PanRight => self.viewport.pan(chart.plot, (PAN, 0.0)),
            ChartAction::PanDown => self.viewport.pan(chart.plot, (0.0, -PAN)),
            ChartAction::PanUp => self.viewport.pan(chart.plot, (0.0, PAN)),
            ChartAction::Fit => self.viewport.fit(),
            ChartAction::FitData => self.viewport.fit_data(chart.plot),
            ChartAction::ThinCurves => {
                self.viewport.thin = next_of(&[ThinSeries::Shown, ThinSeries::Hidden], self.viewport.thin, true);
            }
            ChartAction::HideCurve => return self.hide_at_cursor(chart),
            ChartAction::ToggleArm(number) => return self.toggle_arm(chart, usize::from(number)),
            ChartAction::ShowAll => {
                self.viewport.hidden.clear();
                self.viewport.hidden_arms.clear();
                self.viewport.thin = ThinSeries::Shown;
            }
            ChartAction::Multiples => {
                self.arrangement = next_of(&[Arrangement::Single, Arrangement::Multiples], self.arrangement, true);
            }
        }
        None
    }

    /// The cursor if it stands on a point, else on the last point of the first curve.
    pub fn place_cursor(&mut self, readout: &Readout) {
        let known = self.viewport.cursor.filter(|cursor| readout.point(*cursor).is_some());
        self.viewport.cursor = known.or_else(|| {
            let of_curve = self.viewport.cursor.and_then(|cursor| {
                let last = readout.curves.get(cursor.curve)?.points.len().checked_sub(1)?;
                Some(PlotCursor { point: last, ..cursor })
            });
            of_curve.or_else(|| readout.first())
        });
    }

    fn move_cursor(&mut self, action: ChartAction, chart: &ShownChart) {
        let readout = chart.readout;
        self.place_cursor(readout);
        let Some(mut cursor) = self.viewport.cursor else { return };
        let count = readout.curves.get(cursor.curve).map_or(0, |curve| curve.points.len());
        let far = (count / 10).max(2) as isize;
        match action {
            ChartAction::Left => readout.step(&mut cursor, -1),
            ChartAction::Right => readout.step(&mut cursor, 1),
            ChartAction::FarLeft => readout.step(&mut cursor, -far),
            ChartAction::FarRight => readout.step(&mut cursor, far),
            ChartAction::First => readout.step(&mut cursor, isize::MIN),
            ChartAction::Last => readout.step(&mut cursor, isize::MAX),
            ChartAction::PreviousCurve => readout.change_curve(&mut cursor, -1),
            _ => readout.change_curve(&mut cursor, 1),
        }
        self.viewport.cursor = Some(cursor);
        if let Some(point) = readout.point(cursor).filter(|point| point.what.is_none()) {
            self.viewport.reveal(chart.plot, (point.x, point.y));
        }
    }

    /// Around the cursor's point, or the middle.
    fn zoom_at_cursor(&mut self, chart: &ShownChart, factors: (f64, f64)) {
        let ranges = self.viewport.view(chart.plot);
        let point = self.viewport.cursor.and_then(|cursor| chart.readout.point(cursor));
        let part = |part: Option<f64>| part.filter(|part| (0.0..=1.0).contains(part)).unwrap_or(0.5);
        let at = match point {
            Some(point) => (part(ranges.x.part(point.x)), part(ranges.y.part(point.y))),
            None => (0.5, 0.5),
        };
        self.viewport.zoom(chart.plot, at, factors);
    }

    fn change_metric(&mut self, chart: &ShownChart, forward: bool) -> String {
        let measured = measured_metrics(chart.runs.iter().map(|run| run.training));
        self.options.metric = next_of(&measured, self.options.metric, forward);
        // Another quantity has other values.
        self.viewport.y = super::viewport::AxisView::default();
        self.viewport.from_zero = false;
        let entry = self.options.entry();
        let at = measured.iter().position(|metric| *metric == self.options.metric).map_or(0, |at| at + 1);
        let better = match entry.better {
            Better::Lower => ", lower is better",
            Better::Higher => ", higher is better",
            Better::Neither => "",
        };
        let layers = if entry.per_layer { "; i: next layer" } else { "" };
        format!("{} ({at} of {}{better}): {}{layers}", entry.title, measured.len(), entry.help)
    }

    fn change_layer(&mut self, chart: &ShownChart) -> String {
        let trainings = || chart.runs.iter().map(|run| run.training);
        let layers = measured_layers(trainings(), self.options.metric);
        let Some(shown) = self.options.shown_layer(trainings()) else {
            return format!("{} is not of each layer; d changes the metric", self.options.entry().title);
        };
        let next = next_of(&layers, shown, true);
        self.options.layer = Some(next);
        self.viewport.y.range = None;
        let all: Vec<String> = layers.iter().map(ToString::to_string).collect();
        format!("{} in {next}, of {}", self.options.entry().title, all.join(", "))
    }

    fn change_band(&mut self, chart: &ShownChart) -> String {
        if !chart.runs.iter().any(|run| run.training.has_seeds()) {
            return "a band needs several seeds; this run has one".into();
        }
        self.options.band = next_of(&SeedBand::ALL, self.options.band, true);
        match self.options.band.kind() {
            Some(kind) => format!("band: {} over the seeds", kind.describe()),
            None => "no band".into(),
        }
    }

    /// Hides the arm that the cursor's curve belongs to, or the curve.
    fn hide_at_cursor(&mut self, chart: &ShownChart) -> Option<String> {
        let curve = self.viewport.cursor?.curve;
        let Some(series) = chart.plot.series.get(curve) else {
            return Some("a named point can't be hidden by itself; M hides published points".into());
        };
        let before = self.viewport.clone();
        match arm_of(series) {
            Some(arm) => self.viewport.hidden_arms.insert(arm),
            None => self.viewport.hidden.insert(curve),
        };
        if self.viewport.series(chart.plot).all(|(_, series)| series.source == Source::Reader) {
            self.viewport = before;
            return Some("the last curve stays; a shows all again".into());
        }
        let name = series.name.clone();
        // The cursor goes on to a curve that can be read, at the same x.
        let at = self.viewport.cursor.and_then(|cursor| chart.readout.point(cursor)).map(|point| point.x);
        let readout = Readout::of_plot(chart.plot, &self.viewport);
        self.viewport.cursor = readout.first().map(|first| {
            let points = readout.curves.get(first.curve).map_or(&[][..], |curve| &curve.points);
            let same = points.iter().position(|point| at.is_some_and(|at| point.x >= at));
            PlotCursor { point: same.unwrap_or(first.point), ..first }
        });
        Some(format!("{name} is hidden; a shows all again"))
    }

    fn toggle_arm(&mut self, chart: &ShownChart, number: usize) -> Option<String> {
        let arms: std::collections::BTreeSet<usize> = chart.plot.series.iter().filter_map(arm_of).collect();
        let Some(&arm) = arms.iter().nth(number) else {
            return Some(match arms.len() {
                0 => "there are no arms here; Space hides the curve at the cursor".into(),
                count => format!("there are {count} arms: 1 to {count}"),
            });
        };
        if !self.viewport.hidden_arms.remove(&arm) {
            self.viewport.hidden_arms.insert(arm);
            if arms.iter().all(|arm| self.viewport.hidden_arms.contains(arm)) {
                self.viewport.hidden_arms.remove(&arm);
                return Some("the last arm stays; a shows all again".into());
            }
        }
        let readout = Readout::of_plot(chart.plot, &self.viewport);
        self.place_cursor(&readout);
        None
    }

    fn compare(&mut self, chart: &ShownChart) -> Option<String> {
        let curve = self.viewport.cursor?.curve;
        if self.viewport.reference.take_if(|reference| *reference == curve).is_some() {
            return Some("no curve is compared with any more".into());
        }
        self.viewport.reference = Some(curve);
        let name = chart.readout.curves.get(curve).map_or("", |curve| curve.name.as_str());
        Some(format!("compared with {name}: ↑ ↓ go to another curve; c here ends it"))
    }

    /// The wheel over a chart brings what lies under the pointer closer, or further away.
    pub fn turn_wheel(&mut self, plot: &Plot, place: Rect, at: Position, zooms_in: bool) {
        let factor = if zooms_in { ZOOM } else { 1.0 / ZOOM };
        let factors = if self.arrangement == Arrangement::Multiples { (factor, 1.0) } else { (factor, factor) };
        self.viewport.zoom(plot, parts(place, at), factors);
    }

    /// A drag moves the chart with the pointer.
    pub fn drag(&mut self, plot: &Plot, place: Rect, from: Position, to: Position) {
        let (from, to) = (parts(place, from), parts(place, to));
        let up = if self.arrangement == Arrangement::Multiples { 0.0 } else { from.1 - to.1 };
        self.viewport.pan(plot, (from.0 - to.0, up));
    }

    /// A click reads the point that is nearest to it.
    pub fn click(&mut self, chart: &ShownChart, place: Rect, at: Position) {
        let ranges = self.viewport.view(chart.plot);
        let nearest = match (self.arrangement, self.viewport.cursor) {
            // The y of another metric says nothing here.
            (Arrangement::Multiples, Some(cursor)) => {
                chart.readout.nearest_along(cursor, ranges.x.value(parts(place, at).0))
            }
            _ => chart.readout.nearest(&ranges, parts(place, at)),
        };
        self.viewport.cursor = nearest.or(self.viewport.cursor);
    }
}

/// The middle of a cell as parts of both axes of a chart.
fn parts(place: Rect, at: Position) -> (f64, f64) {
    let part = |at: u16, from: u16, size: u16| (f64::from(at) - f64::from(from) + 0.5) / f64::from(size.max(1));
    (part(at.x, place.x, place.width), 1.0 - part(at.y, place.y, place.height))
}
