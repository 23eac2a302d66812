//! Cells: fenced blocks that the reader runs or answers. Their bodies are TOML; an unknown key is an error.

use super::claim::{ClaimBody, ClaimCell, Wrong};
use super::document::Position;
use crate::protocol::{Arm, Effort, ExperimentSpec, Preset, RunSpec, SpecError, about, id_fault};
use serde::Deserialize;

#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub at: Position,
    /// Unique within its lesson.
    pub id: String,
    pub body: CellBody,
}

#[derive(Clone, Debug, PartialEq)]
pub enum CellBody {
    Train(TrainCell),
    Experiment(ExperimentCell),
    Predict(PredictCell),
    Quiz(QuizCell),
    Claim(ClaimCell),
}

/// A race of LeNet-4 arms. What is absent is the preset's.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrainCell {
    pub id: String,
    pub title: String,
    #[serde(default)]
    pub preset: Preset,
    pub arms: Option<Vec<Arm>>,
    pub seeds: Option<Vec<u64>>,
    pub epochs: Option<u32>,
    pub batch: Option<u32>,
    pub learning_rate: Option<f64>,
    pub momentum: Option<f64>,
    pub train_size: Option<u32>,
    pub val_size: Option<u32>,
    /// The published points drawn beside the curves.
    #[serde(default)]
    pub marks: Vec<RaceMark>,
}

/// A published validation error at an epoch.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaceMark {
    pub epoch: u32,
    /// Percent.
    pub error: f64,
    pub arm: Option<Arm>,
    pub label: String,
    /// Who published it.
    pub source: String,
}

impl TrainCell {
    pub fn spec(&self) -> RunSpec {
        let base = RunSpec::of(self.preset);
        RunSpec {
            arms: self.arms.clone().unwrap_or(base.arms),
            seeds: self.seeds.clone().unwrap_or(base.seeds),
            epochs: self.epochs.unwrap_or(base.epochs),
            batch: self.batch.unwrap_or(base.batch),
            learning_rate: self.learning_rate.unwrap_or(base.learning_rate),
            momentum: self.momentum.unwrap_or(base.momentum),
            train_size: self.train_size.unwrap_or(base.train_size),
            val_size: self.val_size.unwrap_or(base.val_size),
            ..base
        }
    }
}

/// An experiment that the kernel runs. `plot` and `experiment` fences both give one; a `plot` is run as soon as it is
/// seen, as it takes no time worth asking for.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentCell {
    pub title: String,
    pub spec: ExperimentSpec,
    /// Run without being asked.
    pub at_once: bool,
}

/// A guess asked before the run.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictCell {
    pub question: String,
    pub guess: Guess,
    /// Shown once the reader has committed, whatever the guess.
    pub explanation: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Guess {
    /// Options in the order shown.
    Choice(Vec<String>),
    /// A number in this unit.
    Number(String),
    /// Things to put in order.
    Order(Vec<String>),
}

/// A check question.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuizCell {
    pub id: String,
    pub question: String,
    pub choices: Vec<Choice>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub text: String,
    #[serde(default)]
    pub right: bool,
    /// Why it is right or wrong; never empty.
    pub because: String,
}

impl Choice {
    /// What is said to whoever has chosen it.
    pub fn told(&self) -> String {
        format!("{} {}", if self.right { "Right." } else { "Not quite." }, self.because)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PredictBody {
    id: String,
    question: String,
    explanation: String,
    choices: Option<Vec<String>>,
    unit: Option<String>,
    order: Option<Vec<String>>,
}

impl CellBody {
    /// Reads a fence of the kind `kind`. `None` if there is no such kind of cell.
    ///
    /// # Errors
    /// What is wrong with the body, and its byte offset within it where TOML knows it.
    pub fn read(kind: &str, body: &str) -> Option<Result<(String, Self), (String, usize)>> {
        let read = match kind {
            "train" => train(body),
            "experiment" => experiment(body, false),
            "plot" => experiment(body, true),
            "predict" => predict(body),
            "quiz" => quiz(body),
            "claim" => claim(body),
            _ => return None,
        };
        Some(read.and_then(|(id, cell)| match id_fault(&id) {
            None => Ok((id, cell)),
            Some(why) => Err((format!("`id` {why}"), key_at(body, "id"))),
        }))
    }
}

/// A `plot` takes less than this, in seconds.
const AT_ONCE: f64 = 1.0;
/// A question has as many choices as there are keys to answer it.
const CHOICES: usize = 9;

type Read = Result<(String, CellBody), (String, usize)>;

fn toml<T: for<'de> Deserialize<'de>>(body: &str) -> Result<T, (String, usize)> {
    toml::from_str(body).map_err(|e| (in_words(e.message()), e.span().map_or(0, |span| span.start)))
}

/// Byte offset of a key of the body; of the body itself if it has no such key.
pub(super) fn key_at(body: &str, key: &str) -> usize {
    let table = toml::de::DeTable::parse(body).ok();
    let at = |table: toml::Spanned<toml::de::DeTable>| {
        table.get_ref().keys().find(|known| known.get_ref() == key).map(|found| found.span().start)
    };
    table.and_then(at).unwrap_or(0)
}

/// A refused setting, at its key.
fn refused(body: &str, error: &SpecError) -> (String, usize) {
    let key = match error.field {
        "lr" => "learning-rate",
        field => field.split('.').next().unwrap_or(field),
    };
    (error.to_string(), key_at(body, key))
}

fn train(body: &str) -> Read {
    let cell: TrainCell = toml(body)?;
    cell.spec().check().map_err(|e| refused(body, &e))?;
    Ok((cell.id.clone(), CellBody::Train(cell)))
}

/// What an experiment's fence says beside the experiment's own settings.
#[derive(Deserialize)]
struct Apart {
    #[serde(default)]
    effort: Effort,
    seeds: Option<Vec<u64>>,
}

/// `id` and `title` are the cell's, everything else the experiment's: serde can't refuse unknown keys across the two,
/// so they are parted by hand.
fn experiment(body: &str, at_once: bool) -> Read {
    let mut table: toml::Table = toml(body)?;
    let mut text = |key: &str| match table.remove(key) {
        Some(toml::Value::String(text)) if !text.is_empty() => Ok(text),
        Some(_) => Err((format!("`{key}` must be a text"), key_at(body, key))),
        None => Err((format!("missing `{key}`, a text"), 0)),
    };
    let (id, title) = (text("id")?, text("title")?);
    let spec = settings(table.clone()).map_err(|why| {
        let at = to_blame(&table, &why).map_or(0, |key| key_at(body, key));
        (why, at)
    })?;
    spec.check().map_err(|e| refused(body, &e))?;
    if at_once && spec.seconds() >= AT_ONCE {
        let why = format!(
            "it is measured as soon as it is seen, and this takes {}; make it an `experiment`",
            about(spec.seconds())
        );
        return Err((why, key_at(body, "experiment")));
    }
    Ok((id, CellBody::Experiment(ExperimentCell { title, spec, at_once })))
}

fn settings(mut table: toml::Table) -> Result<ExperimentSpec, String> {
    let mut apart = toml::Table::new();
    for key in ["effort", "seeds"] {
        apart.extend(table.remove(key).map(|value| (key.to_string(), value)));
    }
    let fault = |e: toml::de::Error| in_words(e.message());
    let Apart { effort, seeds } = toml::Value::Table(apart).try_into().map_err(fault)?;
    let experiment = toml::Value::Table(table).try_into().map_err(fault)?;
    Ok(ExperimentSpec { experiment, effort, seeds: seeds.unwrap_or_else(|| vec![1]) })
}

/// The key without which the settings would not be refused for the same reason. A value that knows its tag only late
/// has forgotten its places, so they are found by trying; the tag itself comes last, as nothing goes without it.
fn to_blame<'t>(table: &'t toml::Table, why: &str) -> Option<&'t str> {
    let mut keys: Vec<&str> = table.keys().map(String::as_str).collect();
    keys.sort_by_key(|key| *key == "experiment");
    keys.into_iter().find(|key| {
        let mut rest = table.clone();
        rest.remove(*key);
        settings(rest).err().as_deref() != Some(why)
    })
}

/// The texts of a question stand in plain letters; a writer's backticks are for the eye alone.
pub(super) fn plain(text: &str) -> String {
    text.replace('`', "")
}

fn few(choices: usize, body: &str, key: &str) -> Result<(), (String, usize)> {
    if choices <= CHOICES {
        return Ok(());
    }
    Err((format!("{choices} choices; the keys 1 to 9 answer, so nine are the most"), key_at(body, key)))
}

fn predict(body: &str) -> Read {
    let PredictBody { id, question, explanation, choices, unit, order } = toml(body)?;
    let (question, explanation) = (plain(&question), plain(&explanation));
    let each = |texts: Option<Vec<String>>| texts.map(|texts| texts.iter().map(|text| plain(text)).collect::<Vec<_>>());
    let (choices, order) = (each(choices), each(order));
    let guess = match (choices, unit, order) {
        (Some(choices), None, None) if choices.len() >= 2 => Guess::Choice(choices),
        (None, Some(unit), None) => Guess::Number(unit),
        (None, None, Some(order)) if order.len() >= 2 => Guess::Order(order),
        _ => return Err(("give one of `choices` (two or more), `unit`, or `order` (two or more)".into(), 0)),
    };
    if let Guess::Choice(options) | Guess::Order(options) = &guess {
        let key = if matches!(guess, Guess::Order(_)) { "order" } else { "choices" };
        few(options.len(), body, key)?;
    }
    if explanation.trim().is_empty() {
        return Err(("`explanation` is empty; a guess deserves an answer".into(), key_at(body, "explanation")));
    }
    Ok((id, CellBody::Predict(PredictCell { question, guess, explanation })))
}

fn quiz(body: &str) -> Read {
    let mut cell: QuizCell = toml(body)?;
    cell.question = plain(&cell.question);
    for choice in &mut cell.choices {
        (choice.text, choice.because) = (plain(&choice.text), plain(&choice.because));
    }
    if cell.choices.len() < 2 || !cell.choices.iter().any(|c| c.right) {
        return Err(("needs two choices or more, at least one with `right = true`".into(), key_at(body, "choices")));
    }
    few(cell.choices.len(), body, "choices")?;
    if let Some(choice) = cell.choices.iter().find(|c| c.because.trim().is_empty()) {
        return Err((format!("the choice \"{}\" lacks its `because`", choice.text), key_at(body, "choices")));
    }
    Ok((cell.id.clone(), CellBody::Quiz(cell)))
}

fn claim(body: &str) -> Read {
    let read: ClaimBody = toml(body)?;
    let id = read.id.clone();
    let cell = read.cell().map_err(|(why, wrong)| match wrong {
        Wrong::Key(key) => (why, key_at(body, key)),
        Wrong::At(offset) => (why, offset),
    })?;
    Ok((id, CellBody::Claim(cell)))
}

/// What TOML's reader complains of, for those who do not know the types of Rust.
pub(super) fn in_words(message: &str) -> String {
    let words = message.trim().split_inclusive(|c: char| !c.is_ascii_alphanumeric()).map(|word| {
        let end = word.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(word.len());
        let plain = match &word[..end] {
            "u8" | "u16" | "u32" | "u64" | "usize" | "i64" => "a whole number",
            "f32" | "f64" => "a number",
            other => other,
        };
        format!("{plain}{}", &word[end..])
    });
    words.collect::<String>().replace('\n', " ")
}
