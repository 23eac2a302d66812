//! A filter of runs, as the list on the screen and `relu runs --filter` understand it.

use super::study::settings::parse_seeds;
use super::{RunSummary, SETTINGS, Setting, Study};

/// A run's settings as lists of runs search, group and compare them. A run's settings never change, so this is made once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsText {
    /// The study in its text form.
    pub text: String,
    /// The same in lower case, for the filter.
    lower: String,
    /// The activations of the arms, each pair once: `relu-tanh; all-tanh`.
    pub arms: String,
    /// The value of each of [`SETTINGS`], in their order: `0.1`, or `0.1 / 0.05` if the arms differ.
    pub values: Vec<String>,
}

impl SettingsText {
    pub fn of(study: &Study) -> Self {
        let text = study.to_string();
        let lower = text.to_lowercase();
        let mut arms: Vec<String> = Vec::new();
        for arm in &study.arms {
            let pair = arm.settings.activations.to_string();
            if !arms.contains(&pair) {
                arms.push(pair);
            }
        }
        let value = |setting: &super::Setting| {
            let mut values: Vec<String> = study.arms.iter().map(|arm| setting.print(study, &arm.settings)).collect();
            if values.iter().all(|value| *value == values[0]) {
                values.truncate(1);
            }
            values.join(" / ")
        };
        Self { text, lower, arms: arms.join("; "), values: SETTINGS.iter().map(value).collect() }
    }

    /// Whether an arm has this value of a setting, however the number is written. Seeds may be some of the study's.
    fn has(&self, setting: usize, wanted: &str) -> bool {
        let Some(values) = self.values.get(setting) else { return false };
        if SETTINGS[setting].key == "seeds" {
            let (Ok(all), Ok(some)) = (parse_seeds(values), parse_seeds(wanted)) else { return false };
            return some.iter().all(|seed| all.contains(seed));
        }
        let number = |text: &str| text.parse::<f64>().ok();
        let is_equal = |value: &str| {
            value.eq_ignore_ascii_case(wanted) || number(value).is_some_and(|value| Some(value) == number(wanted))
        };
        values.split(" / ").any(is_equal)
    }
}

/// The setting that a word such as `lr=0.1` names, with the value.
fn setting_and_value(word: &str) -> Option<(usize, &str)> {
    let (key, value) = word.split_once('=')?;
    let found = Setting::find(key)?;
    Some((SETTINGS.iter().position(|setting| setting.key == found.key)?, value))
}

/// Words that all have to match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter(Vec<Word>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    /// Stands in the number, the name, a tag, the settings or the state.
    Anywhere(String),
    /// `tag:wide`: a tag begins so.
    Tag(String),
    /// `state:running`: the state begins so.
    State(String),
    /// `lr=0.1`: an arm has this value of a setting, by its place in [`SETTINGS`]; any value while none is typed.
    Setting(usize, String),
}

impl RunFilter {
    /// Reads the words of a filter. Case is ignored.
    pub fn of(text: &str) -> Self {
        let word = |word: &str| {
            if let Some(tag) = word.strip_prefix("tag:").or_else(|| word.strip_prefix('#')) {
                Word::Tag(tag.strip_prefix('#').unwrap_or(tag).into())
            } else if let Some(state) = word.strip_prefix("state:") {
                Word::State(state.into())
            } else if let Some((setting, value)) = setting_and_value(word) {
                Word::Setting(setting, value.into())
            } else {
                Word::Anywhere(word.into())
            }
        };
        Self(text.to_lowercase().split_whitespace().map(word).collect())
    }

    /// Whether it lets every run pass.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a run matches; `settings` are that run's.
    pub fn matches(&self, run: &RunSummary, settings: &SettingsText) -> bool {
        self.0.iter().all(|word| match word {
            Word::Tag(tag) => run.tags.iter().any(|of| of.as_str().to_lowercase().starts_with(tag)),
            Word::State(state) => run.state.name().starts_with(state),
            Word::Setting(setting, value) => value.is_empty() || settings.has(*setting, value),
            Word::Anywhere(word) => {
                settings.lower.contains(word)
                    || run.run.to_string().contains(word)
                    || run.name.as_ref().is_some_and(|name| name.to_lowercase().contains(word))
                    || run.tags.iter().any(|tag| tag.as_str().to_lowercase().contains(word))
                    || run.state.name().contains(word)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(number: i64, text: &str) -> RunSummary {
        let spec: Study = text.parse().unwrap();
        let value = serde_json::json!({
            "run": number, "name": "Wide One", "state": "finished", "spec": spec, "created": 0, "updated": 0,
            "epochs_done": 4, "best": [], "tags": ["Keep", "old"],
        });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn every_word_has_to_match() {
        let run = run(317, "gelu-gelu lr=0.05; relu-tanh | epochs=4 images=1000");
        let settings = SettingsText::of(&run.spec);
        let matches = |text: &str| RunFilter::of(text).matches(&run, &settings);
        for text in ["", "wide", "31", "LR=0.05", "finish", "keep", "tag:ke", "#KEEP", "state:fin", "gelu wide tag:old"]
        {
            assert!(matches(text), "{text}");
        }
        for text in ["narrow", "318", "gelu narrow", "tag:wide", "tag:eep", "state:running", "#new", "lr=0.5"] {
            assert!(!matches(text), "{text}");
        }
        // A setting is no piece of text: 0.05 is not 0.005, and what a study does not name has its usual value.
        for text in
            ["lr=0.05", "lr=5e-2", "lr=0.1", "learning-rate=0.1", "wd=0", "seeds=1", "lr=", "net=lenet4", "epochs=4"]
        {
            assert!(matches(text), "{text}");
        }
        for text in ["lr=0.0", "lr=0.005", "lr=0", "epochs=40", "seeds=2", "seeds=1-3", "net=mlp", "images=100"] {
            assert!(!matches(text), "{text}");
        }
        assert!(RunFilter::of(" ").is_empty() && !RunFilter::of("x").is_empty());
    }

    #[test]
    fn settings_are_printed_once_for_all_arms() {
        let study: Study = "gelu-gelu lr=0.05; relu-tanh; gelu-gelu | epochs=4".parse().unwrap();
        let text = SettingsText::of(&study);
        let value = |key: &str| &text.values[SETTINGS.iter().position(|setting| setting.key == key).unwrap()];
        assert_eq!((value("lr").as_str(), value("epochs").as_str()), ("0.05 / 0.1 / 0.1", "4"));
        assert_eq!(text.arms, "gelu-gelu; relu-tanh");
        assert_eq!(text.text.parse::<Study>().unwrap(), study);
    }
}
