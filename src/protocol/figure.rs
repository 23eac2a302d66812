//! What experiments and runs show: plots, tables, images and findings, as plain data. Only the renderers decide how
//! they look.

use super::RunId;
use serde::{Deserialize, Serialize};

/// Where a series or a table comes from; every legend says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "from", content = "cite")]
pub enum Source {
    /// Computed by the kernel in this run.
    Measured,
    /// A closed formula, with its name.
    Theory(String),
    /// A published figure or number, with its reference.
    Cited(String),
    /// Measured in a run, for one of its arms.
    Run {
        run: RunId,
        /// The arm's index among those of the plot. Its colour and its marker follow from it in every renderer.
        arm: usize,
    },
    /// Predicted by the reader.
    Reader,
}

impl Source {
    /// The source as a legend says it.
    pub fn describe(&self) -> String {
        match self {
            Self::Measured => "measured".into(),
            Self::Theory(name) => format!("theory: {name}"),
            Self::Cited(name) => name.clone(),
            Self::Run { run, .. } => format!("run {run}"),
            Self::Reader => "your prediction".into(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AxisScale {
    #[default]
    Linear,
    Log,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlotAxis {
    /// With its unit: `current, nA`.
    pub label: String,
    #[serde(default)]
    pub scale: AxisScale,
    /// Fixed limits; without them the axis follows the data.
    #[serde(default)]
    pub limits: Option<(f64, f64)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stroke {
    #[default]
    Line,
    Points,
    /// A line with a mark at each point.
    Both,
    /// One of many lines whose mean a thick one shows, or one behind the others: pale, without markers.
    Thin,
    /// The mean of thin lines. Its spread is a shaded band, while other strokes have error bars.
    Thick,
    /// A curve to compare others with, such as that of the run from which another was forked: dotted and pale, without
    /// marks.
    Ghost,
}

/// What the spread of a plot's series is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpreadKind {
    /// The standard deviation of a single seed.
    #[default]
    Deviation,
    /// The standard error of the mean: the deviation over the root of the number of seeds.
    StandardError,
    /// From the lowest to the highest seed.
    Extremes,
    /// Half of the 95 % interval of the mean, by Student's t.
    Interval,
}

impl SpreadKind {
    /// As a legend says it.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Deviation => "± sd",
            Self::StandardError => "± standard error",
            Self::Extremes => "min to max",
            Self::Interval => "± 95 % interval",
        }
    }

    fn is_deviation(&self) -> bool {
        *self == Self::Deviation
    }
}

/// One curve. A curve that diverged has no y at its last point, and renderers put a mark at its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredSeries")]
pub struct PlotSeries {
    pub name: String,
    pub source: Source,
    pub stroke: Stroke,
    /// x, and y or `None`, which is a gap in the curve and does not affect the axis limits.
    pub points: Vec<(f64, Option<f64>)>,
    /// Half-widths of the spread in y, one for each point or none at all; `None` for a point without spread.
    pub spread: Vec<Option<f64>>,
    /// Half-widths downwards where they differ from `spread`, which then goes upwards; otherwise empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub below: Vec<Option<f64>>,
}

/// A series as any version has written it. Earlier versions wrote `null` for every number that is not finite.
#[derive(Deserialize)]
struct StoredSeries {
    name: String,
    source: Source,
    #[serde(default)]
    stroke: Stroke,
    points: Vec<(Option<f64>, Option<f64>)>,
    #[serde(default)]
    spread: Vec<Option<f64>>,
    #[serde(default)]
    below: Vec<Option<f64>>,
}

impl PlotSeries {
    /// The ends of the spread of a point, the lower one first; `None` where it has none.
    pub fn ends(&self, point: usize) -> Option<(f64, f64)> {
        let y = self.points.get(point)?.1?;
        let up = self.spread.get(point).copied().flatten()?;
        let down = self.below.get(point).copied().flatten().unwrap_or(up);
        (up > 0.0 || down > 0.0).then_some((y - down, y + up))
    }

    /// Where the series ends, if it ends in a gap: its last point with a number, or the x of its last point where it has
    /// no number at all.
    pub fn divergence(&self) -> Option<(f64, Option<f64>)> {
        let (x, _) = self.points.last().filter(|(_, y)| y.is_none())?;
        let last = self.points.iter().rev().find_map(|(x, y)| Some((*x, (*y)?)));
        Some(last.map_or((*x, None), |(x, y)| (x, Some(y))))
    }
}

impl From<StoredSeries> for PlotSeries {
    /// A point without x is left out, together with its spread.
    fn from(stored: StoredSeries) -> Self {
        let StoredSeries { name, source, stroke, points, spread, below } = stored;
        let (mut kept, mut kept_spread, mut kept_below) = (Vec::with_capacity(points.len()), Vec::new(), Vec::new());
        for (at, (x, y)) in points.into_iter().enumerate() {
            let Some(x) = x else { continue };
            kept.push((x, y));
            kept_spread.extend(spread.get(at).copied());
            kept_below.extend(below.get(at).copied());
        }
        Self { name, source, stroke, points: kept, spread: kept_spread, below: kept_below }
    }
}

/// A shaded stretch of an axis, such as the article's 70-85 %. One of no length is a line: an epoch at which a setting was
/// changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlotBand {
    pub label: String,
    pub source: Source,
    /// Along x if true, along y if not.
    pub vertical: bool,
    pub from: f64,
    pub to: f64,
}

/// A point with a label, such as "1.37 % at epoch 17, the article".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlotMark {
    pub label: String,
    pub source: Source,
    pub at: [f64; 2],
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plot {
    pub title: String,
    pub x: PlotAxis,
    pub y: PlotAxis,
    pub series: Vec<PlotSeries>,
    #[serde(default)]
    pub bands: Vec<PlotBand>,
    #[serde(default)]
    pub marks: Vec<PlotMark>,
    /// Where it shows the numbers of findings; absent from earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<PlotPlace>,
    #[serde(default, skip_serializing_if = "SpreadKind::is_deviation")]
    pub spread: SpreadKind,
    /// What a reader must know of how the curves were made, such as a smoothing; a phrase each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The x of a finding's number; its y is the value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlotPlace {
    /// The finding's key.
    pub finding: String,
    pub x: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub title: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// One for each column.
    pub sources: Vec<Source>,
    /// Where it shows the numbers of findings; absent from earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<TablePlace>,
}

/// The cell of a table that shows a finding's number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablePlace {
    /// The finding's key.
    pub finding: String,
    pub row: usize,
    pub column: usize,
}

impl TablePlace {
    pub fn new(finding: impl Into<String>, row: usize, column: usize) -> Self {
        Self { finding: finding.into(), row, column }
    }
}

/// Grey images of one size, row-major, 0 black to 255 white, with a caption for each image or none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageGrid {
    pub title: String,
    pub width: u32,
    pub height: u32,
    pub images: Vec<Vec<u8>>,
    #[serde(default)]
    pub captions: Vec<String>,
    pub source: Source,
}

/// Horizontal bars from zero, one for each name. Each may consist of several parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::struct_field_names)]
pub struct Bars {
    /// With the unit of the values.
    pub title: String,
    /// What the parts are, beginning with the one at zero.
    pub parts: Vec<String>,
    pub bars: Vec<Bar>,
    pub source: Source,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    pub name: String,
    /// One for each part, none below zero; `None` for a part without a number.
    pub values: Vec<Option<f64>>,
    /// The number printed behind the bar if it is not the sum of its parts; a loss, for example, is below zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
}

/// A part of a plane, divided into regions. A region's number has no meaning; it only tells regions apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::struct_field_names)]
pub struct Regions {
    pub title: String,
    pub width: u32,
    pub height: u32,
    /// The region of each cell of the grid, row-major from the top.
    pub regions: Vec<u32>,
    /// Named cells, as column and row.
    #[serde(default)]
    pub marks: Vec<PlotMark>,
    pub source: Source,
}

/// A grey image, and the hidden units of several networks that answer it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Units {
    pub title: String,
    pub width: u32,
    pub height: u32,
    /// Row-major, 0 black to 255 white.
    pub image: Vec<u8>,
    pub codes: Vec<Code>,
    pub source: Source,
}

/// One network's hidden layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Code {
    pub name: String,
    /// What the layer shows, in a few words.
    pub text: String,
    pub units: Vec<UnitState>,
}

/// The state of a unit now and before the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitState {
    Off,
    On,
    SwitchedOn,
    SwitchedOff,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "figure", rename_all = "snake_case")]
pub enum Figure {
    Plot(Plot),
    Table(Table),
    Images(ImageGrid),
    Bars(Bars),
    Regions(Regions),
    Units(Units),
}

impl Figure {
    pub fn title(&self) -> &str {
        match self {
            Self::Plot(figure) => &figure.title,
            Self::Table(figure) => &figure.title,
            Self::Images(figure) => &figure.title,
            Self::Bars(figure) => &figure.title,
            Self::Regions(figure) => &figure.title,
            Self::Units(figure) => &figure.title,
        }
    }
}

/// One measured number, under the key by which the ledger and the predictions find it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub key: String,
    /// A sentence with the number, or with the reason why there is none.
    pub text: String,
    /// `None` if no seed has a number: its network diverged, or no gradient arrived.
    pub value: Option<f64>,
    /// Half-width of its spread over the seeds, if there are several.
    pub spread: Option<f64>,
    /// The seeds whose mean the value is.
    pub seeds: Vec<u64>,
    /// Whether a table of the same outcome shows this number, so that the list of findings leaves it out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tabled: bool,
    /// Whether the value stands in for what a run ended before, such as one epoch more than the last for an arm that did
    /// not come down to an error. It puts findings in order, and no text shows it or its spread.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_bound: bool,
}

impl Finding {
    /// The same finding, shown by a table of its outcome.
    #[must_use]
    pub fn tabled(self) -> Self {
        Self { tabled: true, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_absent_travel_as_null_and_come_back() {
        let series = PlotSeries {
            name: "a".into(),
            source: Source::Measured,
            stroke: Stroke::Both,
            points: vec![(1.0, Some(2.0)), (2.0, None)],
            spread: vec![Some(0.5), None],
            below: Vec::new(),
        };
        let json = serde_json::to_string(&series).unwrap();
        assert!(json.contains(r#""points":[[1.0,2.0],[2.0,null]],"spread":[0.5,null]"#), "{json}");
        assert_eq!(serde_json::from_str::<PlotSeries>(&json).unwrap(), series);
        let finding = Finding {
            key: "k".into(),
            text: "t".into(),
            value: None,
            spread: None,
            seeds: Vec::new(),
            tabled: true,
            is_bound: false,
        };
        let json = serde_json::to_string(&finding).unwrap();
        assert_eq!(serde_json::from_str::<Finding>(&json).unwrap(), finding);
    }

    #[test]
    fn a_series_that_diverged_ends_where_it_had_its_last_number() {
        let series = |points: &[(f64, Option<f64>)]| PlotSeries {
            name: "a".into(),
            source: Source::Run { run: RunId(1), arm: 0 },
            stroke: Stroke::Thin,
            points: points.to_vec(),
            spread: Vec::new(),
            below: Vec::new(),
        };
        assert_eq!(series(&[(1.0, Some(2.0)), (2.0, None), (3.0, None)]).divergence(), Some((1.0, Some(2.0))));
        assert_eq!(series(&[(1.0, None)]).divergence(), Some((1.0, None)));
        assert_eq!(series(&[(1.0, None), (2.0, Some(1.0))]).divergence(), None);
        assert_eq!(series(&[]).divergence(), None);
    }

    /// Earlier versions had NaN in any number, and `serde_json` wrote `null` for it.
    #[test]
    fn what_earlier_versions_wrote_is_read() {
        let json = r#"{"name":"a","source":{"from":"measured"},"stroke":"line",
                       "points":[[null,1.0],[1.0,null],[2.0,3.0]],"spread":[0.1,null,0.2]}"#;
        let series: PlotSeries = serde_json::from_str(json).unwrap();
        assert_eq!(series.points, [(1.0, None), (2.0, Some(3.0))]);
        assert_eq!(series.spread, [None, Some(0.2)]);
        let table = r#"{"title":"t","columns":["a"],"rows":[["1"]],"sources":[{"from":"measured"}]}"#;
        let read: Table = serde_json::from_str(table).unwrap();
        assert_eq!(read.places, []);
        assert_eq!(serde_json::to_string(&read).unwrap(), table);
        let plot = r#"{"title":"t","x":{"label":"epoch","scale":"linear","limits":null},"y":{"label":"error, %"},
                       "series":[{"name":"a","source":{"from":"cited","cite":"p"},"stroke":"points","points":[[1.0,2.0]]}],
                       "marks":[{"label":"m","source":{"from":"theory","cite":"f"},"at":[1.0,2.0]}]}"#;
        let read: Plot = serde_json::from_str(plot).unwrap();
        assert_eq!((read.y.scale, read.bands.len(), read.marks.len()), (AxisScale::Linear, 0, 1));
        assert_eq!((read.series[0].stroke, read.series[0].spread.len()), (Stroke::Points, 0));
        let bar: Bar = serde_json::from_str(r#"{"name":"a","values":[null,1.0]}"#).unwrap();
        assert_eq!(bar.values, [None, Some(1.0)]);
    }
}
