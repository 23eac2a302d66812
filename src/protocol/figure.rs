//! What an experiment shows: plots, tables, images and findings, as plain data. Only `ui` knows how they look.

use serde::{Deserialize, Serialize};

/// Where a curve or a table comes from; every legend says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "from", content = "cite")]
pub enum Source {
    /// Computed by the kernel in this run.
    Measured,
    /// A closed formula, named.
    Theory(String),
    /// A published figure or number, with its reference.
    Cited(String),
}

impl Source {
    /// As a legend says it.
    pub fn told(&self) -> String {
        match self {
            Self::Measured => "measured".into(),
            Self::Theory(name) => format!("theory: {name}"),
            Self::Cited(name) => name.clone(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    #[default]
    Linear,
    Log,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// With its unit: `current, nA`.
    pub label: String,
    #[serde(default)]
    pub scale: Scale,
    /// Fixed limits; otherwise they follow the data.
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
    /// Vertical bars from zero.
    Bars,
}

/// One curve. A coordinate that is not finite is a gap; it never touches the axis limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    pub name: String,
    pub source: Source,
    #[serde(default)]
    pub stroke: Stroke,
    #[serde(with = "gaps")]
    pub points: Vec<[f64; 2]>,
    /// Half-widths of the y spread, one a point, or none.
    #[serde(default)]
    pub spread: Vec<f64>,
}

/// A shaded stretch of an axis, such as the article's 70-85 %.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    pub label: String,
    pub source: Source,
    /// Along x if true, along y if not.
    pub vertical: bool,
    pub from: f64,
    pub to: f64,
}

/// A named point, such as "1.37 % at epoch 17, the article".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    pub label: String,
    pub source: Source,
    pub at: [f64; 2],
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plot {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub series: Vec<Series>,
    #[serde(default)]
    pub bands: Vec<Band>,
    #[serde(default)]
    pub marks: Vec<Mark>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub title: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// One a column.
    pub sources: Vec<Source>,
}

/// Grey images of one size, row-major, 0 black to 255 white, with a caption each (or none).
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

/// Horizontal bars from zero, one a name; each may be made of several parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::struct_field_names)]
pub struct Bars {
    /// With the unit of the values.
    pub title: String,
    /// What the parts are, first the one at zero.
    pub parts: Vec<String>,
    pub bars: Vec<Bar>,
    pub source: Source,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    pub name: String,
    /// One a part, none below zero.
    pub values: Vec<f64>,
}

/// A part of a plane, divided into regions; which number a region has says nothing, only where it ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::struct_field_names)]
pub struct Regions {
    pub title: String,
    pub width: u32,
    pub height: u32,
    /// The region of each place, row-major from the top.
    pub regions: Vec<u32>,
    /// Named places, as column and row.
    #[serde(default)]
    pub marks: Vec<Mark>,
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
    /// What it shows, in a few words.
    pub text: String,
    pub units: Vec<UnitState>,
}

/// A unit now, and against before.
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

/// One measured number, by the key under which the ledger and the predictions look it up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub key: String,
    /// A sentence with the number in it.
    pub text: String,
    pub value: f64,
    /// Half-width of its spread over the seeds, where there are several.
    pub spread: Option<f64>,
    pub seeds: Vec<u64>,
}

/// JSON has no NaN: a gap travels as null.
mod gaps {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(points: &[[f64; 2]], serializer: S) -> Result<S::Ok, S::Error> {
        let finite = |v: f64| v.is_finite().then_some(v);
        points.iter().map(|&[x, y]| [finite(x), finite(y)]).collect::<Vec<_>>().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<[f64; 2]>, D::Error> {
        let points = Vec::<[Option<f64>; 2]>::deserialize(deserializer)?;
        Ok(points.into_iter().map(|[x, y]| [x.unwrap_or(f64::NAN), y.unwrap_or(f64::NAN)]).collect())
    }
}
