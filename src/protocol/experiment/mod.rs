//! The measurements that a cell can request, and their results.
//!
//! An experiment is a file of this folder with its [`Settings`], a struct that has the file's name, and a file of the
//! same name in `learn` that measures. The package's build script lists the files, so that nothing else names them: the
//! variants of [`Experiment`], their modules and, in `learn`, the functions that measure follow from
//! `each_experiment!`.

// `each_experiment!`: calls a macro with the module and the settings of every experiment.
include!(concat!(env!("OUT_DIR"), "/experiments.rs"));

macro_rules! declare {
    ($(($module:ident $name:ident),)*) => {
        $(
            mod $module;
            pub use $module::*;
        )*

        /// One experiment with its settings. The tag is the name that lessons use; an unknown key is an error.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "experiment", rename_all = "kebab-case")]
        pub enum Experiment {
            $($name($name),)*
        }

        impl Experiment {
            pub fn settings(&self) -> &dyn Settings {
                match self {
                    $(Self::$name(settings) => settings,)*
                }
            }
        }
    };
}
each_experiment!(declare);

use super::study::{Init, check_seeds};
use super::{CellKey, Figure, Finding, SpecError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How long the reader is ready to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effort {
    /// A minute or two at most on two cores.
    #[default]
    Quick,
    /// The setting whose numbers can be compared with the paper's. The cell says beforehand how long it takes.
    Full,
}

impl Effort {
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Full => "full",
        }
    }

    pub fn other(self) -> Self {
        match self {
            Self::Quick => Self::Full,
            Self::Full => Self::Quick,
        }
    }
}

/// What every experiment's settings provide.
pub trait Settings {
    /// Checks every setting.
    ///
    /// # Errors
    /// The first invalid setting, with the remedy.
    fn check(&self) -> Result<(), SpecError>;

    /// How many seconds one seed takes on two cores, as measured once on one machine. [`super::Timings`] learns how
    /// long a reader's machine takes.
    fn seconds(&self, effort: Effort) -> f64;

    /// Every key that it may find. A claim that names another key would stay untested for ever. `*` stands for an
    /// activation, a rate, a number of labels and the like.
    fn finding_keys(&self) -> &'static [&'static str];

    /// Whether `Effort::Full` does more than `Effort::Quick`.
    fn has_full(&self) -> bool {
        self.seconds(Effort::Full) > self.seconds(Effort::Quick)
    }
}

impl Experiment {
    /// Every key that it may find; `*` stands for an activation, a rate, a number of labels and the like.
    pub fn finding_keys(&self) -> &'static [&'static str] {
        self.settings().finding_keys()
    }

    /// The settings that differ from the experiment's defaults, in words: `bias -1`. Lists of many values and steering
    /// are left out.
    pub fn unusual(&self) -> Vec<String> {
        let Ok(Value::Object(own)) = serde_json::to_value(self.clone().steered(Steer::default())) else {
            return Vec::new();
        };
        let usual = own.get("experiment").map(|name| serde_json::json!({ "experiment": name }));
        let usual = usual.and_then(|bare| serde_json::from_value::<Self>(bare).ok());
        let Some(Ok(usual)) = usual.map(serde_json::to_value) else { return Vec::new() };
        let differs = own.iter().filter(|(key, value)| usual.get(key) != Some(value));
        differs
            .filter_map(|(key, value)| Some(format!("{} {}", key.replace(['_', '-'], " "), in_words(value)?)))
            .collect()
    }

    /// How the reader has steered it; `None` if it can't be steered.
    pub fn steer(&self) -> Option<Steer> {
        match self {
            Self::Disentangle(settings) => Some(settings.steer),
            _ => None,
        }
    }

    /// The same experiment with this steering; unchanged if it can't be steered.
    #[must_use]
    pub fn steered(mut self, steer: Steer) -> Self {
        if let Self::Disentangle(settings) = &mut self {
            settings.steer = steer;
        }
        self
    }

    /// Whether both have the same findings. Steering does not change them.
    pub fn has_same_findings(&self, other: &Self) -> bool {
        let at_rest = |experiment: &Self| experiment.clone().steered(Steer::default());
        self == other || at_rest(self) == at_rest(other)
    }
}

/// A setting's value as a reader would write it; `None` for a value that would take a sentence.
fn in_words(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.as_f64()?.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(values) if (1..=4).contains(&values.len()) => {
            let words: Option<Vec<String>> = values.iter().map(in_words).collect();
            words.map(|words| words.join(", "))
        }
        Value::Bool(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An experiment, how thoroughly, and from which seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentSpec {
    #[serde(flatten)]
    pub experiment: Experiment,
    #[serde(default)]
    pub effort: Effort,
    #[serde(default = "seed_one")]
    pub seeds: Vec<u64>,
}

fn seed_one() -> Vec<u64> {
    vec![1]
}

impl ExperimentSpec {
    /// Checks the seeds and every setting.
    ///
    /// # Errors
    /// The first invalid one, with the remedy.
    pub fn check(&self) -> Result<(), SpecError> {
        if self.seeds.is_empty() || self.seeds.len() > 32 {
            return Err(SpecError { field: "seeds", message: format!("{} given; take 1 to 32", self.seeds.len()) });
        }
        check_seeds(&self.seeds)?;
        self.experiment.settings().check()
    }

    /// Whether both have the same findings. Effort and steering do not change which findings there are.
    pub fn has_same_findings(&self, other: &Self) -> bool {
        self.seeds == other.seeds && self.experiment.has_same_findings(&other.experiment)
    }

    /// Whether there is a quick and a full setting to choose from.
    pub fn has_full(&self) -> bool {
        self.experiment.settings().has_full()
    }

    /// The default time on two cores, all seeds together.
    pub fn seconds(&self) -> f64 {
        self.experiment.settings().seconds(self.effort) * self.seeds.len() as f64
    }
}

/// What an experiment measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub figures: Vec<Figure>,
    pub findings: Vec<Finding>,
    /// Wall time of the measurement.
    pub seconds: f64,
}
/// A cell's last outcome, as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct CellRecord {
    pub cell: CellKey,
    pub spec: ExperimentSpec,
    pub outcome: Outcome,
    /// Seconds since 1970, UTC.
    pub finished: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusual_settings_are_named() {
        assert!(Experiment::Dying(Dying::default()).unusual().is_empty());
        let dying = Dying { rates: vec![0.1], bias: -1.0, ..Dying::default() };
        assert_eq!(Experiment::Dying(dying).unusual(), ["bias -1", "rates 0.1"]);
        let turned = Steer { turn: 5, ..Steer::default() };
        assert!(Experiment::Disentangle(Disentangle::default()).steered(turned).unusual().is_empty());
    }
}
