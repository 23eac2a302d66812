//! Every setting of a study, described once. The form, the flags of `relu train`, the keys of a lesson's cell, the text
//! form and the checks use [`SETTINGS`].

use super::super::format_real;
use super::{Activations, Backend, DataSource, Init, Inputs, Network, Norm, Preset, Schedule, Study, Widths};
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf, str::FromStr};

/// What an arm trains with. A new setting gets a field, its default in `ArmSettings::of`, and an entry in [`SETTINGS`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArmSettings {
    /// Written as the arm itself.
    #[serde(skip)]
    pub activations: Activations,
    /// Images per step.
    pub batch: u32,
    pub learning_rate: f64,
    pub schedule: Schedule,
    /// Epochs in which the learning rate rises to its full value.
    pub warmup: u32,
    /// 0 is plain SGD.
    pub momentum: f64,
    pub nesterov: bool,
    /// Multiplied by each weight and added to its gradient.
    pub weight_decay: f64,
    /// The factor of the learning rate for biases.
    pub bias_rate: f64,
    /// Share of the hidden fully connected units that are dropped in each step.
    pub dropout: f64,
    /// Whether half of the training images are mirrored.
    pub flip: bool,
    /// Pixels by which a training image is shifted at most.
    pub crop: u32,
    pub norm: Norm,
    pub init: Init,
    pub inputs: Inputs,
    pub widths: Widths,
}

impl ArmSettings {
    pub(super) fn of(preset: Preset, activations: Activations) -> Self {
        let article = Self {
            activations,
            batch: 100,
            learning_rate: 0.1,
            schedule: Schedule::Constant,
            warmup: 0,
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.0,
            bias_rate: 1.0,
            dropout: 0.0,
            flip: false,
            crop: 0,
            norm: Norm::None,
            init: Init::Xavier,
            inputs: Inputs::Unit,
            widths: Network::Lenet4.default_widths(),
        };
        let cifar = Self { batch: 128, momentum: 0.9, widths: Network::Convnet.default_widths(), ..article.clone() };
        match preset {
            Preset::Article => article,
            Preset::Tutorial => Self { widths: Widths(vec![20, 50, 500]), batch: 500, ..article },
            // The definition of cuda-convnet's layers-80sec, without its weight decay: the figure was made without
            // regularisation.
            Preset::AlexnetFig1 => Self {
                learning_rate: 0.001,
                bias_rate: 2.0,
                init: Init::CudaConvnet,
                inputs: Inputs::MeanImage,
                ..cifar
            },
            Preset::CifarGlorot => Self { learning_rate: 0.01, inputs: Inputs::Standardised, ..cifar },
        }
    }

    /// Steps per epoch of this many images; the last batch may be partial.
    pub fn batches(&self, images: u32) -> u32 {
        images.div_ceil(self.batch.max(1))
    }
}

impl Default for ArmSettings {
    fn default() -> Self {
        Self::of(Preset::Article, Activations::RELU_TANH)
    }
}

/// An invalid setting: which one, why, and what is valid. Its `Display` is a whole sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    pub field: &'static str,
    pub message: String,
}

impl SpecError {
    pub(super) fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for SpecError {}

/// One setting of a study.
pub struct Setting {
    /// The name in the text form.
    pub key: &'static str,
    /// The name on the command line, accepted elsewhere too.
    pub flag: &'static str,
    /// Other names for it, accepted everywhere.
    pub aliases: &'static [&'static str],
    /// The name in the form.
    pub title: &'static str,
    /// What it means. [`Setting::hint`] adds the range, if there is one.
    pub help: &'static str,
    /// Why it can't change while a run trains; `None` if it can, from an epoch on.
    pub fixed: Option<&'static str>,
    pub value: SettingValue,
}

/// Whether a setting belongs to the study or to each arm, with the functions that print and parse it.
pub enum SettingValue {
    /// Of the whole study.
    Study(Value<Study>),
    /// Each arm may have its own.
    Arm(Value<ArmSettings>),
}

/// The type of a setting, its range, and what arrow keys step through.
pub enum Value<T> {
    Whole {
        get: fn(&T) -> u32,
        set: fn(&mut T, u32),
        low: u32,
        high: u32,
        steps: &'static [f64],
    },
    Real {
        get: fn(&T) -> f64,
        set: fn(&mut T, f64),
        range: Range,
        unit: &'static str,
        steps: &'static [f64],
    },
    Switch {
        get: fn(&T) -> bool,
        set: fn(&mut T, bool),
    },
    /// Anything else that has a text form; `choices` are for the arrow keys.
    Text {
        get: fn(&T) -> String,
        set: fn(&mut T, &str) -> Result<(), String>,
        choices: &'static [&'static str],
    },
}

/// A range of real numbers, whose ends may or may not belong to it.
#[derive(Clone, Copy, Debug)]
pub enum Range {
    /// Greater than the first, at most the second.
    Above(f64, f64),
    /// From the first up to, but not including, the second.
    Below(f64, f64),
    Within(f64, f64),
}

impl Range {
    fn contains(self, value: f64) -> bool {
        match self {
            Self::Above(low, high) => value > low && value <= high,
            Self::Below(low, high) => value >= low && value < high,
            Self::Within(low, high) => value >= low && value <= high,
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Above(low, high) => write!(f, "more than {low}, at most {high}"),
            Self::Below(low, high) => write!(f, "{low} up to, not including, {high}"),
            Self::Within(low, high) => write!(f, "{low} to {high}"),
        }
    }
}

const EPOCH_STEPS: &[f64] = &[
    1., 2., 3., 5., 8., 10., 12., 15., 20., 30., 50., 75., 100., 150., 200., 300., 500., 1000., 2000., 5000., 10_000.,
];
const BATCH_STEPS: &[f64] = &[10., 20., 50., 100., 200., 500., 1000., 2000., 5000.];
const RATE_STEPS: &[f64] = &[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];
const DECAY_STEPS: &[f64] = &[0.0, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2];
const FACTOR_STEPS: &[f64] = &[0.0, 0.5, 1.0, 2.0, 5.0, 10.0];
const SHARE_STEPS: &[f64] = &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const MOMENTUM_STEPS: &[f64] = &[0.0, 0.5, 0.8, 0.9, 0.95, 0.99];
const IMAGE_STEPS: &[f64] = &[500., 1000., 2000., 5000., 10_000., 20_000., 30_000., 40_000., 50_000.];
const WARMUP_STEPS: &[f64] = &[0., 1., 2., 3., 5., 10.];
const CROP_STEPS: &[f64] = &[0., 1., 2., 4., 8.];
const THREAD_STEPS: &[f64] = &[1., 2., 4., 8.];

macro_rules! whole {
    ($owner:ident, $field:ident, $range:expr, $steps:expr) => {
        SettingValue::$owner(Value::Whole {
            get: |of| of.$field,
            set: |of, value| of.$field = value,
            low: *$range.start(),
            high: *$range.end(),
            steps: $steps,
        })
    };
}

macro_rules! real {
    ($field:ident, $range:expr, $unit:expr, $steps:expr) => {
        SettingValue::Arm(Value::Real {
            get: |of| of.$field,
            set: |of, value| of.$field = value,
            range: $range,
            unit: $unit,
            steps: $steps,
        })
    };
}

macro_rules! text {
    ($owner:ident, $field:ident, $choices:expr) => {
        SettingValue::$owner(Value::Text {
            get: |of| of.$field.to_string(),
            set: |of, text| {
                of.$field = text.parse()?;
                Ok(())
            },
            choices: $choices,
        })
    };
}

/// Every setting, in the order of the form and of the text form.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "preset",
        flag: "preset",
        aliases: &[],
        title: "preset",
        help: "where what is not said comes from: article is LeNet-4, batch 100; tutorial is 20/50/500, batch 500; alexnet-fig1 and cifar-glorot are the convnet on CIFAR-10",
        fixed: Some("it is what a study begins from"),
        value: text!(Study, preset, &["article", "tutorial", "alexnet-fig1", "cifar-glorot"]),
    },
    Setting {
        key: "epochs",
        flag: "epochs",
        aliases: &[],
        title: "epochs",
        help: "passes over the training images",
        fixed: None,
        value: whole!(Study, epochs, 1..=Study::MAX_EPOCHS, EPOCH_STEPS),
    },
    Setting {
        key: "batch",
        flag: "batch",
        aliases: &[],
        title: "batch",
        help: "images a step; all training images at most",
        fixed: None,
        value: whole!(Arm, batch, 1..=Study::MAX_IMAGES, BATCH_STEPS),
    },
    Setting {
        key: "lr",
        flag: "lr",
        aliases: &["learning-rate"],
        title: "learning rate",
        help: "length of a step of gradient descent",
        fixed: None,
        value: real!(learning_rate, Range::Above(0.0, 100.0), "", RATE_STEPS),
    },
    Setting {
        key: "momentum",
        flag: "momentum",
        aliases: &[],
        title: "momentum",
        help: "share of the last step that the next one keeps",
        fixed: None,
        value: real!(momentum, Range::Below(0.0, 1.0), "", MOMENTUM_STEPS),
    },
    Setting {
        key: "seeds",
        flag: "seeds",
        aliases: &[],
        title: "seeds",
        help: "1-5 or 1,2,3: one lane for each arm and seed; from other initial weights, in another order; arms times seeds 1 to 64",
        fixed: Some("a seed decides the initial weights and the order of all epochs"),
        value: SettingValue::Study(Value::Text {
            get: |of| print_seeds(&of.seeds),
            set: |of, text| {
                of.seeds = parse_seeds(text)?;
                Ok(())
            },
            choices: &[],
        }),
    },
    Setting {
        key: "images",
        flag: "train-size",
        aliases: &[],
        title: "training images",
        help: "how many train, from the first on",
        fixed: Some("what was measured before is of other images"),
        value: whole!(Study, train_size, 1..=Study::MAX_IMAGES, IMAGE_STEPS),
    },
    Setting {
        key: "schedule",
        flag: "schedule",
        aliases: &[],
        title: "schedule",
        help: "how the learning rate falls: constant, linear, cosine, steps(30,0.1), times 0.1 every 30 epochs, or drops(100,120,0.1), times 0.1 after each of these epochs",
        fixed: None,
        value: text!(Arm, schedule, &["constant", "linear", "cosine", "steps(30,0.1)", "drops(100,120,0.1)"]),
    },
    Setting {
        key: "warmup",
        flag: "warmup",
        aliases: &["warm-up"],
        title: "warm-up",
        help: "epochs in which the learning rate rises in a line to its height",
        fixed: None,
        value: whole!(Arm, warmup, 0..=1000, WARMUP_STEPS),
    },
    Setting {
        key: "nesterov",
        flag: "nesterov",
        aliases: &[],
        title: "Nesterov",
        help: "whether the gradient is taken a momentum's step ahead; needs momentum",
        fixed: None,
        value: SettingValue::Arm(Value::Switch { get: |of| of.nesterov, set: |of, value| of.nesterov = value }),
    },
    Setting {
        key: "wd",
        flag: "wd",
        aliases: &["weight-decay"],
        title: "weight decay",
        help: "share of each weight that is added to its gradient",
        fixed: None,
        value: real!(weight_decay, Range::Within(0.0, 1.0), "", DECAY_STEPS),
    },
    Setting {
        key: "bias-lr",
        flag: "bias-lr",
        aliases: &["bias-rate"],
        title: "bias rate",
        help: "times the learning rate: what biases learn with; 2 in the cuda-convnet of AlexNet's author, 0 keeps them at 0",
        fixed: None,
        value: real!(bias_rate, Range::Within(0.0, 100.0), "", FACTOR_STEPS),
    },
    Setting {
        key: "dropout",
        flag: "dropout",
        aliases: &[],
        title: "dropout",
        help: "share of the hidden fully connected units that are left out of each training step",
        fixed: None,
        value: real!(dropout, Range::Below(0.0, 1.0), "", SHARE_STEPS),
    },
    Setting {
        key: "flip",
        flag: "flip",
        aliases: &["flips"],
        title: "flips",
        help: "whether half of the training images are mirrored left to right, drawn anew in each epoch; a mirrored digit is another sign",
        fixed: None,
        value: SettingValue::Arm(Value::Switch { get: |of| of.flip, set: |of, value| of.flip = value }),
    },
    Setting {
        key: "crop",
        flag: "crop",
        aliases: &["crops"],
        title: "crops",
        help: "pixels of zeros around a training image, from which a window of its own size is cut at random in each epoch (cuda-convnet cut 24x24 out of 32x32)",
        fixed: None,
        value: whole!(Arm, crop, 0..=8, CROP_STEPS),
    },
    Setting {
        key: "norm",
        flag: "norm",
        aliases: &["normalisation"],
        title: "normalisation",
        help: "none; batch, in front of each activation, over the images of a step; local, of each map by four others (cuda-convnet's, alpha 0.001), in front of the later convolutions; local(0.1) with that alpha",
        fixed: Some("the weights have been trained with it"),
        value: text!(Arm, norm, &["none", "batch", "local"]),
    },
    Setting {
        key: "init",
        flag: "init",
        aliases: &[],
        title: "initial weights",
        help: "glorot, he, lecun, orthogonal, uniform, normal(0.01) with that deviation, or cuda-convnet's own",
        fixed: Some("the initial weights have been trained already"),
        value: text!(Arm, init, &["glorot", "he", "lecun", "normal(0.01)", "orthogonal", "uniform", "cuda-convnet"]),
    },
    Setting {
        key: "net",
        flag: "net",
        aliases: &["network"],
        title: "network",
        help: "lenet4, mlp (hidden layers of the widths), or convnet (three convolutions, for colour images)",
        fixed: Some("the weights have its shapes"),
        value: text!(Study, network, &["lenet4", "mlp", "convnet"]),
    },
    Setting {
        key: "widths",
        flag: "widths",
        aliases: &[],
        title: "widths",
        help: "lenet4: CONV1,CONV2,FC1, such as 4,16,120; mlp: the hidden layers; convnet: CONV1,CONV2,CONV3,FC1",
        fixed: Some("the weights have its shapes"),
        value: text!(Arm, widths, &[]),
    },
    Setting {
        key: "inputs",
        flag: "inputs",
        aliases: &["pixels"],
        title: "inputs",
        help: "unit: pixels from 0 to 1; standardised: each colour with mean 0 and deviation 1; mean-image: 0 to 255 less the mean image",
        fixed: Some("the weights have been trained on these inputs"),
        value: text!(Arm, inputs, &["unit", "standardised", "mean-image"]),
    },
    Setting {
        key: "data",
        flag: "data",
        aliases: &[],
        title: "data",
        help: "mnist, which the program contains, cifar10, which `relu data cifar10` gets, or a folder with images in one of the forms that README names",
        fixed: Some("what was measured before is of other images"),
        value: SettingValue::Study(Value::Text {
            get: |of| of.data.to_string(),
            set: |of, text| {
                of.data = match text {
                    "" => return Err("it is empty; take mnist, cifar10 or a folder".into()),
                    home if home == "~" || home.starts_with("~/") => {
                        return Err(format!(
                            "`~` is not expanded in `{home}`; write the whole path, such as /home/me/images"
                        ));
                    }
                    "mnist" => DataSource::Mnist,
                    "cifar10" => DataSource::Cifar10,
                    folder => DataSource::Folder(PathBuf::from(folder)),
                };
                Ok(())
            },
            choices: &["mnist", "cifar10"],
        }),
    },
    Setting {
        key: "val",
        flag: "val-size",
        aliases: &[],
        title: "validation",
        help: "how many of the training images validate, from the last back",
        fixed: Some("what was measured before is of other images"),
        value: whole!(Study, val_size, 1..=Study::MAX_IMAGES, IMAGE_STEPS),
    },
    Setting {
        key: "threads",
        flag: "threads",
        aliases: &[],
        title: "threads",
        help: "LibTorch's threads within a lane; with more than one, LibTorch computes all of it",
        fixed: Some("the bits of the epochs before depend on it"),
        value: whole!(Study, threads, 1..=64, THREAD_STEPS),
    },
    Setting {
        key: "backend",
        flag: "backend",
        aliases: &[],
        title: "backend",
        help: "what computes it: fused (ours, faster) or libtorch",
        fixed: Some("the bits of the epochs before depend on it"),
        value: text!(Study, backend, &["fused", "libtorch"]),
    },
];

impl Setting {
    /// The setting of this name or alias.
    pub fn find(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| [setting.key, setting.flag].contains(&key) || setting.aliases.contains(&key))
    }

    pub fn is_of_arms(&self) -> bool {
        matches!(self.value, SettingValue::Arm(_))
    }

    /// Whether its values are numbers, which a lesson writes without quotation marks.
    pub fn is_number(&self) -> bool {
        match &self.value {
            SettingValue::Study(value) => matches!(value, Value::Whole { .. } | Value::Real { .. }),
            SettingValue::Arm(value) => matches!(value, Value::Whole { .. } | Value::Real { .. }),
        }
    }

    /// The value as text: of the study, or of the arm with these settings.
    pub fn print(&self, study: &Study, arm: &ArmSettings) -> String {
        match &self.value {
            SettingValue::Study(value) => value.print(study),
            SettingValue::Arm(value) => value.print(arm),
        }
    }

    /// What it means, and its range.
    pub fn hint(&self) -> String {
        let range = match &self.value {
            SettingValue::Study(value) => value.range(),
            SettingValue::Arm(value) => value.range(),
        };
        range.map_or(self.help.into(), |range| format!("{}; {range}", self.help))
    }

    /// The value to which an arrow key steps from a text, up or down.
    pub fn step(&self, text: &str, up: bool) -> Option<String> {
        match &self.value {
            SettingValue::Study(value) => value.step(text, up),
            SettingValue::Arm(value) => value.step(text, up),
        }
    }

    pub(super) fn fault(&self, why: impl Into<String>) -> SpecError {
        SpecError::new(self.key, why)
    }
}

impl<T> Value<T> {
    pub fn print(&self, of: &T) -> String {
        match self {
            Self::Whole { get, .. } => get(of).to_string(),
            Self::Real { get, .. } => format_real(get(of)),
            Self::Switch { get, .. } => if get(of) { "yes" } else { "no" }.into(),
            Self::Text { get, .. } => get(of),
        }
    }

    /// Sets it from a text, if the value is within the range.
    pub fn parse(&self, of: &mut T, text: &str) -> Result<(), String> {
        match self {
            Self::Whole { set, low, high, .. } => {
                let digits = text.replace(['_', ' '], "");
                // A number that is too large for its type is out of range, too.
                let number: u128 = digits.parse().map_err(|_| format!("`{text}` is not a whole number"))?;
                match u32::try_from(number).ok().filter(|number| (*low..=*high).contains(number)) {
                    Some(number) => set(of, number),
                    None => return Err(format!("{number} is out of range; take {low} to {high}")),
                }
            }
            Self::Real { set, range, .. } => {
                let number: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
                if !range.contains(number) {
                    // 1e400 is read as infinite.
                    let shown = if number.is_finite() { format_real(number) } else { text.into() };
                    return Err(format!("{shown} can't be; take {range}"));
                }
                // Zero has one sign, so that equal settings have the same text.
                set(of, if number == 0.0 { 0.0 } else { number });
            }
            Self::Switch { set, .. } => match text {
                "yes" | "true" | "on" => set(of, true),
                "no" | "false" | "off" => set(of, false),
                _ => return Err(format!("`{text}` is neither yes nor no")),
            },
            Self::Text { set, .. } => set(of, text)?,
        }
        Ok(())
    }

    fn range(&self) -> Option<String> {
        match self {
            Self::Whole { low, high, .. } => Some(format!("{} to {}", super::grouped(*low), super::grouped(*high))),
            Self::Real { range, .. } => Some(range.to_string()),
            Self::Switch { .. } => Some("yes or no".into()),
            Self::Text { .. } => None,
        }
    }

    fn step(&self, text: &str, up: bool) -> Option<String> {
        let of_numbers = |steps: &[f64]| {
            let Ok(now) = text.trim().replace(['_', ' '], "").parse::<f64>() else {
                return steps.first().map(f64::to_string);
            };
            let next =
                if up { steps.iter().find(|step| **step > now) } else { steps.iter().rev().find(|step| **step < now) };
            next.map(|next| format_real(*next))
        };
        match self {
            Self::Whole { steps, .. } | Self::Real { steps, .. } => of_numbers(steps),
            Self::Switch { .. } => Some(if text.trim() == "yes" { "no" } else { "yes" }.into()),
            Self::Text { choices, .. } => {
                let count = choices.len();
                let at = choices.iter().position(|choice| *choice == text.trim());
                let next = at.map_or(0, |at| (at + if up { 1 } else { count - 1 }) % count);
                choices.get(next).map(|choice| (*choice).to_string())
            }
        }
    }
}

/// `1-5`, `1,2,9`: three or more in a row become a range.
pub(super) fn print_seeds(seeds: &[u64]) -> String {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < seeds.len() {
        let run = seeds[at..].windows(2).take_while(|pair| pair[0].checked_add(1) == Some(pair[1])).count() + 1;
        if run >= 3 {
            parts.push(format!("{}-{}", seeds[at], seeds[at + run - 1]));
            at += run;
        } else {
            parts.push(seeds[at].to_string());
            at += 1;
        }
    }
    parts.join(",")
}

pub(crate) fn parse_seeds(text: &str) -> Result<Vec<u64>, String> {
    let number = |part: &str| {
        part.trim().parse::<u64>().map_err(|_| format!("`{part}` is not a whole number; take for example 1-5 or 1,2,3"))
    };
    let mut seeds = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('-') {
            None => seeds.push(number(part)?),
            Some((first, last)) if first.trim().is_empty() || last.trim().is_empty() => {
                return Err(format!(
                    "`{part}` is a range without its {}; take for example 1-5",
                    if last.trim().is_empty() { "last seed" } else { "first seed" }
                ));
            }
            Some((first, last)) => {
                let (first, last) = (number(first)?, number(last)?);
                if last < first || last - first >= u64::from(Study::MAX_LANES) {
                    return Err(format!(
                        "`{part}` is no range of 1 to {} seeds; take for example 1-5",
                        Study::MAX_LANES
                    ));
                }
                seeds.extend(first..=last);
            }
        }
    }
    Ok(seeds)
}

/// The names of an enum whose values are written as names.
macro_rules! named {
    ($type:ident, $what:literal, $($variant:ident => $name:literal),+) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $(Self::$variant => $name),+ })
            }
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(format!(concat!("unknown ", $what, " `{}`; known are {}"), text, [$($name),+].join(", "))),
                }
            }
        }
    };
}

named!(
    Preset,
    "preset",
    Article => "article",
    Tutorial => "tutorial",
    AlexnetFig1 => "alexnet-fig1",
    CifarGlorot => "cifar-glorot"
);
named!(Inputs, "form of inputs", Unit => "unit", Standardised => "standardised", MeanImage => "mean-image");
named!(Backend, "backend", Fused => "fused", Libtorch => "libtorch");
named!(Network, "network", Lenet4 => "lenet4", Mlp => "mlp", Convnet => "convnet");

impl fmt::Display for Widths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.iter().map(u32::to_string).collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Widths {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| {
            let part = part.trim();
            let is_whole = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().map_err(|_| {
                if is_whole {
                    format!(
                        "{part} is out of range; take 1 to 256 for a convolution, 1 to 4096 for a fully connected layer"
                    )
                } else {
                    format!("`{part}` is not a whole number; take for example 4,16,120")
                }
            })
        };
        text.split(',').map(number).collect::<Result<_, _>>().map(Self)
    }
}
