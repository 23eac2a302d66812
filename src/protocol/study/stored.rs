//! The form of a study in stores, checkpoints and messages: JSON with a version. What all arms share stands once beside
//! the study's own settings, and an arm has what is its own. Version 1, which had no version number, is read too; its
//! arms were pairs of activations.

use super::{Activations, Arm, ArmId, ArmSettings, Backend, DataSource, Network, Preset, Study, Widths, draft};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

const VERSION: u64 = 2;

/// What all versions have in common. Later settings have defaults, so that earlier studies open.
#[derive(Serialize, Deserialize)]
struct StoredStudy {
    #[serde(default = "first_version")]
    version: u64,
    preset: Preset,
    #[serde(default)]
    network: Network,
    arms: Vec<StoredArm>,
    seeds: Vec<u64>,
    epochs: u32,
    train_size: u32,
    val_size: u32,
    threads: u32,
    backend: Backend,
    data: DataSource,
    /// The settings that all arms share.
    #[serde(flatten)]
    shared: Map<String, Value>,
}

fn first_version() -> u64 {
    1
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredArm {
    /// An arm that has only its activations, from which its name follows.
    Plain(String),
    Own {
        id: ArmId,
        activations: String,
        #[serde(flatten)]
        own: Map<String, Value>,
    },
}

/// Widths as a list, or in the form of version 1.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum StoredWidths {
    List(Vec<u32>),
    Named { conv1: u32, conv2: u32, fc1: u32 },
}

impl From<StoredWidths> for Widths {
    fn from(stored: StoredWidths) -> Self {
        Self(match stored {
            StoredWidths::List(widths) => widths,
            StoredWidths::Named { conv1, conv2, fc1 } => vec![conv1, conv2, fc1],
        })
    }
}

/// An arm's settings as JSON.
fn settings_of(settings: &ArmSettings) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(map)) => map,
        // Only numbers, texts and lists.
        _ => Map::new(),
    }
}

impl From<Study> for Value {
    fn from(study: Study) -> Self {
        let all: Vec<Map<String, Value>> = study.arms.iter().map(|arm| settings_of(&arm.settings)).collect();
        let is_shared = |key: &str, value: &Value| all.iter().all(|map| map.get(key) == Some(value));
        let shared: Map<String, Value> = all.first().cloned().unwrap_or_default();
        let shared: Map<String, Value> = shared.into_iter().filter(|(key, value)| is_shared(key, value)).collect();
        let mut arms = Vec::new();
        let mut taken: Vec<ArmId> = Vec::new();
        for (arm, settings) in study.arms.iter().zip(all) {
            let own: Map<String, Value> = settings.into_iter().filter(|(key, _)| !shared.contains_key(key)).collect();
            let activations = arm.settings.activations;
            let derived = draft::derive_id(activations, &taken);
            taken.push(arm.id);
            arms.push(if own.is_empty() && derived == arm.id && activations.slug() == arm.id.as_str() {
                StoredArm::Plain(activations.to_string())
            } else {
                StoredArm::Own { id: arm.id, activations: activations.to_string(), own }
            });
        }
        let Study { preset, network, seeds, epochs, train_size, val_size, threads, backend, data, arms: _ } = study;
        let stored = StoredStudy {
            version: VERSION,
            preset,
            network,
            arms,
            seeds,
            epochs,
            train_size,
            val_size,
            threads,
            backend,
            data,
            shared,
        };
        // A folder's path that is not valid Unicode has no JSON.
        serde_json::to_value(stored).unwrap_or(Value::Null)
    }
}

impl TryFrom<Value> for Study {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let stored: StoredStudy = serde_json::from_value(value).map_err(|error| error.to_string())?;
        if stored.version > VERSION {
            return Err(format!(
                "this study was stored by a later version of relu-notebook (form {}; this one knows {VERSION})",
                stored.version
            ));
        }
        let mut arms: Vec<Arm> = Vec::new();
        for arm in stored.arms {
            let (id, activations, own) = match arm {
                StoredArm::Plain(activations) => (None, activations, Map::new()),
                StoredArm::Own { id, activations, own } => (Some(id), activations, own),
            };
            let activations: Activations = activations.parse()?;
            let taken: Vec<ArmId> = arms.iter().map(|arm| arm.id).collect();
            let id = id.unwrap_or_else(|| draft::derive_id(activations, &taken));
            let mut settings = stored.shared.clone();
            settings.extend(own);
            let settings: ArmSettings =
                serde_json::from_value(Value::Object(settings)).map_err(|error| error.to_string())?;
            arms.push(Arm { id, settings: ArmSettings { activations, ..settings } });
        }
        let StoredStudy { preset, network, seeds, epochs, train_size, val_size, threads, backend, data, .. } = stored;
        Ok(Self { preset, network, arms, seeds, epochs, train_size, val_size, threads, backend, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the first version stored it.
    const VERSION_1: &str = r#"{"preset":"tutorial","arms":["relu-tanh","tanh-tanh"],"seeds":[1,9],"epochs":3,"batch":50,
        "learning_rate":0.25,"momentum":0.9,"train_size":2000,"val_size":500,"widths":{"conv1":2,"conv2":4,"fc1":8},
        "threads":1,"backend":"libtorch","data":{"folder":"/data/x y"}}"#;

    #[test]
    fn a_study_of_the_first_version_opens() {
        let study: Study = serde_json::from_str(VERSION_1).unwrap();
        let expected = Draft::read(
            "relu-tanh; all-tanh | preset=tutorial seeds=1,9 epochs=3 batch=50 lr=0.25 momentum=0.9 images=2000 val=500 \
             widths=2,4,8 backend=libtorch data=\"/data/x y\"",
        );
        assert_eq!(study, expected);
        let again: Study = serde_json::from_str(&serde_json::to_string(&study).unwrap()).unwrap();
        assert_eq!(again, study);
    }

    struct Draft;

    impl Draft {
        fn read(text: &str) -> Study {
            text.parse::<super::super::Draft>().unwrap().study().unwrap()
        }
    }

    #[test]
    fn what_arms_share_stands_once() {
        let study = Draft::read("relu-tanh; relu-tanh lr=0.3; fast: gelu-gelu | epochs=3 batch=50");
        let json: Value = study.into();
        assert_eq!(json["batch"], 50);
        assert_eq!(json["version"], VERSION);
        assert_eq!(json.get("learning_rate"), None);
        assert_eq!(
            json["arms"][1],
            serde_json::json!({"id":"relu-tanh-2","activations":"relu-tanh","learning_rate":0.3})
        );
        assert_eq!(json["arms"][2]["id"], "fast");
        let simple: Value = Study::of(Preset::Article).into();
        assert_eq!(simple["arms"], serde_json::json!(["relu-tanh", "all-tanh"]));
        assert_eq!(simple["learning_rate"], 0.1);
    }

    #[test]
    fn a_later_version_is_refused_with_a_sentence() {
        let mut json: Value = Study::of(Preset::Article).into();
        json["version"] = 3.into();
        let error = serde_json::from_value::<Study>(json).unwrap_err().to_string();
        assert!(error.contains("later version"), "{error}");
    }
}
