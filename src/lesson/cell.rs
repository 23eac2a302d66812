//! Cells: fenced blocks that the reader runs or answers. Their bodies are TOML; an unknown key is an error.

use super::body::{Body, BodyFault, in_words};
use super::claim::{ClaimBody, ClaimCell};
use super::fault::Position;
use super::prediction::{PredictCell, predict};
use super::quiz::{QuizCell, quiz};
use super::view::{ViewCell, view};
use protocol::{
    ArmId, CellKey, Draft, DraftArm, Effort, ExperimentSpec, Preset, SETTINGS, Setting, SpecError, Study,
    format_estimate,
};
use serde::Deserialize;
use std::collections::HashSet;

#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub at: Position,
    /// Unique within its lesson.
    pub id: String,
    /// Its former id; the store may still have entries under it.
    pub was: Option<CellKey>,
    pub body: CellBody,
}

#[derive(Clone, Debug, PartialEq)]
pub enum CellBody {
    Train(TrainCell),
    Experiment(ExperimentCell),
    Predict(PredictCell),
    Quiz(QuizCell),
    Claim(ClaimCell),
    Predictions(PredictionsCell),
    View(Box<ViewCell>),
}

/// The list of all predictions with their outcomes, and the reader's calibration.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionsCell {
    pub title: String,
}

/// A study that the reader trains.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainCell {
    pub title: String,
    pub study: Study,
    /// The published points drawn beside the curves.
    pub marks: Vec<PublishedPoint>,
    /// The published curves drawn behind those of the run.
    pub curves: Vec<PublishedCurve>,
}

/// What the body of a `train` cell contains besides the settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TrainBody {
    #[serde(default, rename = "id")]
    _id: String,
    #[serde(default)]
    title: String,
    /// The study's text form; the keys beside it set what all arms share.
    study: Option<String>,
    arms: Option<Vec<String>>,
    #[serde(default)]
    marks: Vec<PublishedPoint>,
    #[serde(default)]
    curves: Vec<PublishedCurve>,
}

/// A published curve of the error by epoch that the study is about.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedCurve {
    pub label: String,
    /// The publication, and how the points were taken from it.
    pub source: String,
    /// Epochs, each with its error in percent.
    pub points: Vec<[f64; 2]>,
}

/// A published error at an epoch: of the metric that the study is about.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedPoint {
    pub epoch: u32,
    /// Percent.
    pub error: f64,
    pub arm: Option<ArmId>,
    pub label: String,
    /// The publication.
    pub source: String,
}

impl PublishedPoint {
    /// Whether it may affect the axes of this study's chart: if the study has the network, data and numbers of images
    /// of the mark's cell, and no fewer epochs than the mark.
    pub fn belongs_to(&self, study: &Study, cell: &Study) -> bool {
        let size = |spec: &Study| {
            let widths: Vec<_> = spec.arms.iter().map(|arm| arm.settings.widths.clone()).collect();
            (
                spec.network,
                widths.into_iter().collect::<HashSet<_>>(),
                spec.data.clone(),
                spec.train_size,
                spec.val_size,
            )
        };
        size(study) == size(cell) && self.epoch <= study.epochs
    }
}

impl TrainCell {
    pub fn spec(&self) -> Study {
        self.study.clone()
    }
}

/// An experiment that the kernel runs. `plot` and `experiment` fences both give one; a `plot` is run as soon as it is
/// seen, because it takes so little time.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentCell {
    pub title: String,
    pub spec: ExperimentSpec,
    /// Run without a request.
    pub at_once: bool,
}

/// The keys that the body of a training, of an experiment and of the list of predictions must have.
const TITLED: [&str; 2] = ["id", "title"];
/// The keys of a `train` body that are no settings.
const TRAIN: [&str; 6] = ["id", "title", "study", "arms", "marks", "curves"];
const PREDICT: [&str; 3] = ["id", "question", "explanation"];
const QUIZ: [&str; 2] = ["id", "question"];
const VIEW: [&str; 4] = ["id", "title", "of", "show"];
const CLAIM: [&str; 7] = ["id", "says", "article", "literature", "lesson", "cell", "tests"];

/// A cell as it was read, with its faults.
pub struct ParsedCell {
    /// Its id, if it could be read, so that links to it work whatever else is wrong.
    pub id: Option<String>,
    pub was: Option<CellKey>,
    /// `None` if anything is wrong.
    pub body: Option<CellBody>,
    pub faults: Vec<BodyFault>,
}

/// Makes a cell from a body, and adds what is wrong to the body's faults.
type Reader = fn(&mut Body) -> Option<CellBody>;

impl CellBody {
    /// Reads a fence of the kind `kind`. `None` if there is no such kind of cell.
    pub fn read(kind: &str, text: &str) -> Option<ParsedCell> {
        let (read, required): (Reader, &[&str]) = match kind {
            "train" => (train, &TITLED),
            "experiment" => (|body| experiment(body, false), &TITLED),
            "plot" => (|body| experiment(body, true), &TITLED),
            "predict" => (|body| predict(body).map(CellBody::Predict), &PREDICT),
            "quiz" => (|body| quiz(body).map(CellBody::Quiz), &QUIZ),
            "claim" => (claim, &CLAIM),
            "predictions" => (predictions, &TITLED),
            "view" => (|body| view(body).map(|cell| CellBody::View(Box::new(cell))), &VIEW),
            _ => return None,
        };
        let mut body = Body::parse(text, required);
        body.refuse_id("");
        let id = body.text_of("id").map(ToOwned::to_owned);
        let was = body.take_former_id();
        let cell = read(&mut body);
        let faults = body.into_faults();
        Some(ParsedCell { id, was, body: cell.filter(|_| faults.is_empty()), faults })
    }
}

/// The time that a `plot` may take at most, in seconds.
const MAX_PLOT_SECONDS: f64 = 1.0;

/// The key of a refused setting.
fn key_of(error: &SpecError) -> &str {
    match error.field {
        "lr" => "learning-rate",
        field => field.split('.').next().unwrap_or(field),
    }
}

fn train(body: &mut Body) -> Option<CellBody> {
    body.refuse_empty("title");
    let mut settings: Vec<TrainSetting> = Vec::new();
    for key in body.keys() {
        if TRAIN.contains(&key.as_str()) {
            continue;
        }
        let at = body.place_of(&key).unwrap_or(0);
        let Some(setting) = Setting::find(&key) else {
            let known: Vec<&str> = TRAIN.into_iter().chain(SETTINGS.iter().map(|setting| setting.flag)).collect();
            body.fault_at(&key, format!("unknown field `{key}`, expected one of {}", known.join(", ")));
            body.take_value(&key);
            continue;
        };
        let quoted = body.value_of(&key).filter(|value| setting.is_number() && value.get_ref().as_str().is_some());
        if let Some(place) = quoted.map(|value| value.span().start) {
            let text = body.text_of(&key).unwrap_or_default();
            body.fault(format!("invalid type: string \"{text}\", expected a number"), place);
            body.take_value(&key);
            continue;
        }
        match body.take_value(&key) {
            Some(value) => settings.push(TrainSetting { at, setting, value }),
            None => body.fault(format!("{key}: neither a table nor a date; {}", setting.hint()), at),
        }
    }
    let TrainBody { title, study, arms, marks, curves, .. } = body.read()?;
    for PublishedCurve { label, source, points } in &curves {
        if label.trim().is_empty() || source.trim().is_empty() {
            body.fault_at("curves", "a curve needs a `label` and a `source`; neither may be empty");
        }
        let is_error = |[epoch, error]: &[f64; 2]| *epoch >= 0.0 && epoch.is_finite() && (0.0..=100.0).contains(error);
        if points.len() < 2 || !points.iter().all(is_error) || points.windows(2).any(|pair| pair[0][0] >= pair[1][0]) {
            body.fault_at("curves", "a curve's `points` are two or more of [epoch, percent], epochs ascending");
        }
    }
    for mark in &marks {
        let PublishedPoint { epoch, error, label, source, .. } = mark;
        if *epoch == 0 {
            body.fault_at("marks", "a mark's `epoch` is 0; the first is 1");
        }
        if !(*error > 0.0 && *error <= 100.0) {
            body.fault_at("marks", format!("a mark's `error` is {error}; it is a percentage above 0, 100 at most"));
        }
        if label.trim().is_empty() || source.trim().is_empty() {
            body.fault_at("marks", "a mark needs a `label` and a `source`; neither may be empty");
        }
    }
    let study = study_of(body, study.as_deref(), arms, settings);
    Some(CellBody::Train(TrainCell { title, study, marks, curves }))
}

/// A setting in a `train` body.
struct TrainSetting {
    /// Its position in the body.
    at: usize,
    setting: &'static Setting,
    value: String,
}

/// The study of a `train` body. Each setting that is refused is replaced by the preset's, so that the others are
/// checked too.
fn study_of(body: &mut Body, text: Option<&str>, arms: Option<Vec<String>>, mut settings: Vec<TrainSetting>) -> Study {
    let mut draft = Draft::default();
    match text.map(str::parse::<Draft>).transpose() {
        Ok(text) => draft = text.unwrap_or_default(),
        Err(error) => body.fault_at("study", error.to_string()),
    }
    if let Some(arms) = arms {
        if text.is_some() {
            body.fault_at("arms", "the study names the arms already; leave one of the two out");
        }
        if arms.is_empty() {
            body.fault_at("arms", "none given; take for example [\"relu-tanh\", \"all-tanh\"]");
        }
        match arms.iter().map(|arm| arm.parse()).collect::<Result<Vec<DraftArm>, SpecError>>() {
            Ok(arms) => draft.arms = arms,
            Err(error) => body.fault_at("arms", error.message),
        }
    }
    loop {
        let mut whole = draft.clone();
        whole.shared.retain(|(setting, _)| !settings.iter().any(|given| given.setting.key == setting.key));
        whole.shared.extend(settings.iter().map(|given| (given.setting, given.value.clone())));
        let error = match whole.study() {
            Ok(study) => return study,
            Err(error) => error,
        };
        let of = |key: &str| settings.iter().position(|given| given.setting.key == key);
        if let Some(at) = of(error.field).or_else(|| of("seeds").filter(|_| error.field == "lanes")) {
            let given = settings.remove(at);
            body.fault(error.to_string(), given.at);
        } else {
            // The fault is in the study's own text, or in the arms'.
            let key = if text.is_some() { "study" } else { "arms" };
            if !body.is_refused(key) {
                body.fault_at(key, error.to_string());
            }
            return Study::of(Preset::default());
        }
    }
}

/// The keys of an experiment's body besides the experiment's own settings.
#[derive(Deserialize)]
struct ExperimentOptions {
    #[serde(default)]
    effort: Effort,
    seeds: Option<Vec<u64>>,
}

/// `id` and `title` belong to the cell, everything else to the experiment. serde can't refuse unknown keys across the
/// two, so they are separated by hand.
fn experiment(body: &mut Body, at_once: bool) -> Option<CellBody> {
    body.refuse_empty("title");
    let mut table: toml::Table = body.read()?;
    let mut title = String::new();
    for key in TITLED {
        match table.remove(key) {
            Some(toml::Value::String(text)) if !text.trim().is_empty() => title = text,
            Some(_) if !body.is_refused(key) => body.fault_at(key, format!("`{key}` must be a text")),
            _ => {}
        }
    }
    // Each key that is refused is removed, so that the others are checked too.
    let spec = loop {
        let (key, why) = match settings(table.clone()) {
            Err(why) => (offending_key(&table, &why).map(ToOwned::to_owned), why),
            Ok(spec) => match spec.check() {
                Err(error) => (Some(key_of(&error).to_owned()), error.to_string()),
                Ok(()) => break spec,
            },
        };
        body.fault_at(key.as_deref().unwrap_or_default(), why);
        let key = key.filter(|key| key != "experiment")?;
        table.remove(&key)?;
    };
    if at_once && spec.seconds() >= MAX_PLOT_SECONDS {
        let why = format!(
            "it is measured as soon as it is seen, and this takes {}; make it an `experiment`",
            format_estimate(spec.seconds())
        );
        body.fault_at("experiment", why);
    }
    Some(CellBody::Experiment(ExperimentCell { title, spec, at_once }))
}

fn settings(mut table: toml::Table) -> Result<ExperimentSpec, String> {
    let mut options = toml::Table::new();
    for key in ["effort", "seeds"] {
        options.extend(table.remove(key).map(|value| (key.to_string(), value)));
    }
    let fault = |e: toml::de::Error| in_words(e.message());
    let ExperimentOptions { effort, seeds } = toml::Value::Table(options).try_into().map_err(fault)?;
    let experiment = toml::Value::Table(table).try_into().map_err(fault)?;
    Ok(ExperimentSpec { experiment, effort, seeds: seeds.unwrap_or_else(|| vec![1]) })
}

/// The key without which the settings would not be refused for the same reason. A value whose tag is found late has
/// lost its positions, so keys are removed by trial; the tag itself comes last, as nothing can be read without it.
fn offending_key<'t>(table: &'t toml::Table, why: &str) -> Option<&'t str> {
    let mut keys: Vec<&str> = table.keys().map(String::as_str).collect();
    keys.sort_by_key(|key| *key == "experiment");
    keys.into_iter().find(|key| {
        let mut rest = table.clone();
        rest.remove(*key);
        settings(rest).err().as_deref() != Some(why)
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PredictionsBody {
    #[serde(default, rename = "id")]
    _id: String,
    #[serde(default)]
    title: String,
}

fn predictions(body: &mut Body) -> Option<CellBody> {
    body.refuse_empty("title");
    let PredictionsBody { _id, title } = body.read()?;
    Some(CellBody::Predictions(PredictionsCell { title }))
}

fn claim(body: &mut Body) -> Option<CellBody> {
    for key in ["says", "article", "literature", "lesson", "cell"] {
        body.refuse_empty(key);
    }
    let read: ClaimBody = body.read()?;
    Some(CellBody::Claim(read.cell(body)))
}
