//! What a run is: a data set, a network, arms with settings of their own, and seeds. It determines all its numbers.
//!
//! [`Draft`] reads and prints the text form, [`SETTINGS`] describes each setting, `stored` is the form in stores,
//! checkpoints and messages.

mod arm;
mod draft;
mod init;
mod inputs;
mod norm;
mod schedule;
pub(crate) mod settings;
mod stored;
mod sweep;

pub use arm::{Activations, ArmId, Lane};
pub use draft::{Draft, DraftArm};
pub use init::Init;
pub use inputs::Inputs;
pub use norm::Norm;
pub use schedule::{Drops, Schedule, StepPlace};
pub use settings::{ArmSettings, SETTINGS, Setting, SettingValue, SpecError};
pub use sweep::{CellResult, LaneResults, Sweep, SweepAxis, SweepCell, SweepProgress, best_cells, tied_cells};

use super::{Layer, LayerKind, Metric, format_count, format_real};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Named starting points of a [`Study`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// LeNet-4, batch 100, learning rate 0.1, 150 epochs.
    #[default]
    Article,
    /// The Theano tutorial's 20/50/500, batch 500, learning rate 0.1, 200 epochs.
    Tutorial,
    /// ReLU against tanh on CIFAR-10, as in Figure 1 of Krizhevsky, Sutskever, Hinton 2012: cuda-convnet's "80sec" network
    /// with its initial weights, inputs and rates.
    AlexnetFig1,
    /// The same network with Glorot's initial weights and standardised inputs.
    CifarGlorot,
}

impl Preset {
    pub const ALL: [Self; 4] = [Self::Article, Self::Tutorial, Self::AlexnetFig1, Self::CifarGlorot];

    /// Whether it is of CIFAR-10 and the convnet.
    fn is_cifar(self) -> bool {
        matches!(self, Self::AlexnetFig1 | Self::CifarGlorot)
    }
}

/// Which network the arms train.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// Two convolutions with max-pooling, one hidden fully connected layer.
    #[default]
    Lenet4,
    /// Only hidden fully connected layers.
    Mlp,
    /// Three convolutions with max- and average pooling, one hidden fully connected layer (cuda-convnet's "80sec").
    Convnet,
}

impl Network {
    pub fn default_widths(self) -> Widths {
        Widths(match self {
            Self::Lenet4 => vec![4, 16, 120],
            Self::Mlp => vec![256, 256],
            Self::Convnet => vec![32, 32, 64, 64],
        })
    }

    /// Multiply-adds of one image's forward pass, for an input of one channel and 32x32 (for the convnet, three
    /// channels).
    pub fn multiply_adds(self, widths: &Widths) -> f64 {
        let n = |at: usize| f64::from(widths.0.get(at).copied().unwrap_or(1));
        match self {
            // 5x5 kernels with 2x2 pooling: 28x28 and 10x10 places, then 5x5 a map.
            Self::Lenet4 => 25.0 * n(0) * 784.0 + 25.0 * n(0) * n(1) * 100.0 + 25.0 * n(1) * n(2) + 10.0 * n(2),
            Self::Mlp => {
                let all: Vec<f64> = std::iter::once(1024.0)
                    .chain(widths.0.iter().map(|&width| f64::from(width)))
                    .chain(std::iter::once(10.0))
                    .collect();
                all.windows(2).map(|pair| pair[0] * pair[1]).sum()
            }
            // 5x5 kernels, padded: 32x32, 16x16 and 8x8 places, then 4x4 a map.
            Self::Convnet => {
                let convolutions = 3.0 * n(0) * 1024.0 + n(0) * n(1) * 256.0 + n(1) * n(2) * 64.0;
                25.0 * convolutions + 16.0 * n(2) * n(3) + 10.0 * n(3)
            }
        }
    }

    /// The hidden layers, as images pass through them.
    pub fn hidden_layers(self, widths: &Widths) -> Vec<Layer> {
        let convolutions = match self {
            Self::Lenet4 => 2,
            Self::Convnet => 3,
            Self::Mlp => 0,
        };
        let layer = |at: u32| {
            if at < convolutions {
                Layer { kind: LayerKind::Conv, number: at + 1 }
            } else {
                Layer { kind: LayerKind::Fc, number: at - convolutions + 1 }
            }
        };
        (0..widths.0.len() as u32).map(layer).collect()
    }

    /// How many widths the network takes, and what each counts.
    fn check_widths(self, widths: &Widths) -> Result<(), String> {
        let names: &[&str] = match self {
            Self::Lenet4 => &["conv1", "conv2", "fc1"],
            Self::Convnet => &["conv1", "conv2", "conv3", "fc1"],
            Self::Mlp if (1..=10).contains(&widths.0.len()) => &[],
            Self::Mlp => return Err("mlp takes 1 to 10 hidden layers, such as 256,256".into()),
        };
        if !names.is_empty() && names.len() != widths.0.len() {
            let example = self.default_widths();
            return Err(format!("{self} takes {}, such as {example}", format_count(names.len(), "width")));
        }
        for (at, &width) in widths.0.iter().enumerate() {
            let name = names.get(at).map_or_else(|| format!("layer {}", at + 1), |name| (*name).to_string());
            let most = if name.starts_with("conv") { 256 } else { 4096 };
            if !(1..=most).contains(&width) {
                return Err(format!("{name}: {width} is out of range; take 1 to {most}"));
            }
        }
        Ok(())
    }
}

/// Which implementation computes the large layers: both convolutions with their max-pooling, and fc1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// Our own kernels, forward and backward; LibTorch computes the rest. Where they don't fit, for example with
    /// several threads per lane, LibTorch takes over.
    #[default]
    Fused,
    /// LibTorch's operators and autograd throughout. The tests compare with it.
    Libtorch,
}

/// Where the images come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataSource {
    /// The MNIST that ships inside the program.
    #[default]
    Mnist,
    /// CIFAR-10 in the data folder, where `relu data cifar10` puts it.
    Cifar10,
    /// A folder in one of the forms that `learn::data` reads.
    Folder(PathBuf),
}

impl DataSource {
    /// In sentences, such as `CIFAR-10`.
    pub fn title(&self) -> String {
        match self {
            Self::Mnist => "MNIST".into(),
            Self::Cifar10 => "CIFAR-10".into(),
            Self::Folder(folder) => format!("the images in {}", folder.display()),
        }
    }
}

impl std::fmt::Display for DataSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mnist => f.write_str("mnist"),
            Self::Cifar10 => f.write_str("cifar10"),
            Self::Folder(folder) => folder.display().fmt(f),
        }
    }
}

/// Layer widths, input to output: feature maps of convolutions, hidden units of fully connected layers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "stored::StoredWidths")]
pub struct Widths(pub Vec<u32>);

impl Widths {
    /// LeNet-4's first and second convolution and its fully connected layer. A layer that is missing has one unit.
    pub fn lenet4(&self) -> [u32; 3] {
        [0, 1, 2].map(|at| self.0.get(at).copied().unwrap_or(1))
    }
}

/// One of the configurations that a study compares.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Unique within its study.
    pub id: ArmId,
    pub settings: ArmSettings,
}

/// Everything that determines a run's numbers: the same study on the same machine with the same threads gives the same
/// bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value", into = "serde_json::Value")]
pub struct Study {
    pub preset: Preset,
    pub network: Network,
    pub arms: Vec<Arm>,
    pub seeds: Vec<u64>,
    pub epochs: u32,
    /// The number of training images, taken from the start of the training file.
    pub train_size: u32,
    /// The number of validation images, taken from the end of the training file.
    pub val_size: u32,
    /// LibTorch's threads within one lane; with more than one, LibTorch computes all layers.
    pub threads: u32,
    pub backend: Backend,
    pub data: DataSource,
}

impl Study {
    pub const MAX_EPOCHS: u32 = 10_000;
    pub const MAX_IMAGES: u32 = 60_000;
    pub const MAX_LANES: u32 = 64;

    pub fn of(preset: Preset) -> Self {
        let arm = |id, activations| Arm { id, settings: ArmSettings::of(preset, activations) };
        let (first, network, data) = if preset.is_cifar() {
            (arm(ArmId::ALL_RELU, Activations::ALL_RELU), Network::Convnet, DataSource::Cifar10)
        } else {
            (arm(ArmId::RELU_TANH, Activations::RELU_TANH), Network::Lenet4, DataSource::Mnist)
        };
        let (epochs, train_size, val_size) = match preset {
            Preset::Article => (150, 50_000, 10_000),
            Preset::Tutorial => (200, 50_000, 10_000),
            // As long as the slower curve of the figure; nearly all images train, as its epochs are of 50,000.
            Preset::AlexnetFig1 => (36, 49_000, 1_000),
            Preset::CifarGlorot => (20, 49_000, 1_000),
        };
        Self {
            preset,
            network,
            arms: vec![first, arm(ArmId::ALL_TANH, Activations::ALL_TANH)],
            seeds: vec![1],
            epochs,
            train_size,
            val_size,
            threads: 1,
            backend: Backend::default(),
            data,
        }
    }

    /// The same study with one arm for each of these pairs of activations, each with the first arm's other settings.
    pub fn with_arms(mut self, activations: impl IntoIterator<Item = Activations>) -> Self {
        let shared = self.arms.first().map_or_else(ArmSettings::default, |arm| arm.settings.clone());
        self.arms.clear();
        for activations in activations {
            let taken: Vec<ArmId> = self.arm_ids().collect();
            let id = draft::derive_id(activations, &taken);
            self.arms.push(Arm { id, settings: ArmSettings { activations, ..shared.clone() } });
        }
        self
    }

    /// The same study with these settings changed in every arm.
    pub fn with_shared(mut self, change: impl Fn(&mut ArmSettings)) -> Self {
        self.arms.iter_mut().for_each(|arm| change(&mut arm.settings));
        self
    }

    pub fn arm_ids(&self) -> impl Iterator<Item = ArmId> + '_ {
        self.arms.iter().map(|arm| arm.id)
    }

    /// The settings of an arm of this study.
    pub fn settings(&self, arm: ArmId) -> Option<&ArmSettings> {
        self.arms.iter().find(|own| own.id == arm).map(|own| &own.settings)
    }

    /// The arm that a reader names: by its id, or as the study's text may name its activations, `all-relu` for
    /// `relu-relu`.
    pub fn find_arm(&self, named: ArmId) -> Option<ArmId> {
        let is_there = |arm: &ArmId| self.settings(*arm).is_some();
        let by_activations = || named.as_str().parse::<Activations>().ok()?.slug().parse().ok();
        Some(named).filter(is_there).or_else(|| by_activations().filter(is_there))
    }

    /// The settings of the first arm, which stand for all where only one value can be shown.
    pub fn first_settings(&self) -> &ArmSettings {
        static ARTICLE: std::sync::LazyLock<ArmSettings> = std::sync::LazyLock::new(ArmSettings::default);
        self.arms.first().map_or(&ARTICLE, |arm| &arm.settings)
    }

    /// A setting as text if all arms have the same value; else `0.1 / 0.05`, and `0.1 / 0.05 / 0.2 and 3 more` for many
    /// arms.
    pub fn setting_text(&self, setting: &Setting) -> String {
        const MOST: usize = 4;
        let mut values: Vec<String> = self.arms.iter().map(|arm| setting.print(self, &arm.settings)).collect();
        if values.iter().all(|value| *value == values[0]) {
            values.truncate(1);
        }
        let count = values.len();
        if count > MOST {
            values.truncate(MOST - 1);
            return format!("{} and {} more", values.join(" / "), count - values.len());
        }
        values.join(" / ")
    }

    /// The metric by which its arms are compared unless another is chosen: the validation error, and for the presets of
    /// AlexNet's figure the training error, which that figure shows.
    pub fn headline_metric(&self) -> Metric {
        if self.preset.is_cifar() { Metric::TrainError } else { Metric::ValError }
    }

    /// The published value to which the epochs of its arms are counted, if there is one for its network and images.
    pub fn milestone(&self) -> Option<crate::Milestone> {
        use crate::Milestone;
        if self.has_published_error() {
            Some(Milestone::ARTICLE)
        } else if self.network == Network::Convnet && self.data == DataSource::Cifar10 && self.preset.is_cifar() {
            Some(Milestone::ALEXNET)
        } else {
            None
        }
    }

    /// Whether the published validation error applies to this study: it is that of LeNet-4 with its own widths, on
    /// MNIST.
    pub fn has_published_error(&self) -> bool {
        let widths = Network::Lenet4.default_widths();
        self.network == Network::Lenet4
            && self.data == DataSource::Mnist
            && self.arms.iter().all(|arm| arm.settings.widths == widths)
    }

    /// Batch and learning rate, and all other settings that differ from the preset's, in words: `batch 100, learning
    /// rate 0.1`.
    pub fn settings_words(&self) -> String {
        self.settings_words_except(&[])
    }

    /// The same without these settings, by their keys.
    pub fn settings_words_except(&self, except: &[&str]) -> String {
        let preset = Self::of(self.preset);
        let mut words = Vec::new();
        for setting in SETTINGS.iter().filter(|setting| !except.contains(&setting.key)) {
            let is_named = matches!(setting.key, "batch" | "lr");
            let usual = setting.print(&preset, preset.first_settings());
            let value = self.setting_text(setting);
            if is_named || (value != usual && (setting.is_of_arms() || setting.key == "net")) {
                words.push(format!("{} {value}", setting.title));
            }
        }
        words.join(", ")
    }

    /// `seed 1`, `seeds 1, 2`, `seeds 1-5`.
    pub fn seeds_words(&self) -> String {
        let text = settings::print_seeds(&self.seeds).replace(',', ", ");
        format!("{} {text}", if self.seeds.len() == 1 { "seed" } else { "seeds" })
    }

    /// An arm as running text names it: its activations, or the name that it was given; and as many of its unusual
    /// settings as distinguish it from the others, at least one.
    pub fn arm_title(&self, id: ArmId) -> String {
        let titles = |shown: usize| self.arms.iter().map(|arm| self.title_with(arm, shown)).collect::<Vec<_>>();
        let Some(at) = self.arms.iter().position(|arm| arm.id == id) else { return id.title() };
        let is_unique = |titles: &[String]| titles.iter().filter(|title| **title == titles[at]).count() == 1;
        let wide_enough = (1..=SETTINGS.len()).map(titles).find(|titles| is_unique(titles));
        wide_enough.map_or_else(|| id.title(), |titles| titles[at].clone())
    }

    /// An arm's title with this many of its own settings, and how many more there are.
    fn title_with(&self, arm: &Arm, shown: usize) -> String {
        let slug = arm.settings.activations.slug();
        let is_derived = arm.id.as_str().strip_prefix(&slug).is_some_and(|rest| {
            rest.is_empty() || rest.strip_prefix('-').is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
        });
        if !is_derived {
            return arm.id.as_str().into();
        }
        let preset = Self::of(self.preset);
        let own = SETTINGS.iter().filter(|setting| setting.is_of_arms()).filter_map(|setting| {
            let values: Vec<String> = self.arms.iter().map(|arm| setting.print(self, &arm.settings)).collect();
            let value = setting.print(self, &arm.settings);
            // A setting of the preset is not mentioned, or else the value that most arms have. Where no value is the
            // most frequent one, as in a sweep, each arm has its own mentioned.
            let default = setting.print(&preset, preset.first_settings());
            let count = |of: &String| values.iter().filter(|value| *value == of).count();
            let usual = if values.contains(&default) {
                Some(default)
            } else {
                let is_most = |of: &String| values.iter().all(|other| other == of || count(other) < count(of));
                values.iter().find(|of| count(of) > 1 && is_most(of)).cloned()
            };
            (usual.as_ref() != Some(&value)).then(|| format!(" {} {value}", setting.key))
        });
        let own: Vec<String> = own.collect();
        let mut title = arm.settings.activations.title();
        title.extend(own.iter().take(shown).cloned());
        if own.len() > shown { format!("{title} (+{})", own.len() - shown) } else { title }
    }

    /// A lane as running text shows it: `ReLU+Tanh s1`.
    pub fn lane_title(&self, lane: Lane) -> String {
        format!("{} s{}", self.arm_title(lane.arm), lane.seed)
    }

    /// Every arm with every seed; seeds outermost, so that both arms of a seed train side by side.
    pub fn lanes(&self) -> Vec<Lane> {
        let lanes_of = |&seed: &u64| self.arm_ids().map(move |arm| Lane { arm, seed });
        self.seeds.iter().flat_map(lanes_of).collect()
    }

    /// The settings that can make its numbers differ from another run's, in words. Threads and backend don't change
    /// what a curve means.
    pub fn other_than(&self, other: &Self) -> Vec<String> {
        let titles = |spec: &Self| spec.arm_ids().map(|arm| spec.arm_title(arm)).collect::<Vec<_>>();
        let of_arms = |spec: &Self| spec.arms.iter().map(|arm| arm.settings.activations).collect::<Vec<_>>();
        let mut words = Vec::new();
        if of_arms(self) != of_arms(other) {
            words.push(titles(self).join(" against "));
        }
        for setting in SETTINGS.iter().filter(|setting| !["preset", "threads", "backend"].contains(&setting.key)) {
            let values =
                |spec: &Self| spec.arms.iter().map(|arm| setting.print(spec, &arm.settings)).collect::<Vec<_>>();
            let (mine, others) = (self.setting_text(setting), other.setting_text(setting));
            let same = if mine.contains(" / ") || others.contains(" / ") {
                values(self) == values(other)
            } else {
                mine == others
            };
            if same {
                continue;
            }
            words.push(match setting.key {
                "epochs" => format_count(self.epochs as usize, "epoch"),
                "images" => format!("{} images", grouped(self.train_size)),
                "val" => format!("{} to validate", grouped(self.val_size)),
                "seeds" => self.seeds_words(),
                "data" => self.data.title(),
                _ => format!("{} {mine}", setting.title),
            });
        }
        words
    }

    /// Checks every setting by itself and in combination.
    ///
    /// # Errors
    /// The first invalid setting, with the remedy.
    pub fn check(&self) -> Result<(), SpecError> {
        if self.arms.is_empty() {
            return Err(SpecError::new("arms", "none given; take for example relu-tanh,all-tanh"));
        }
        if self.seeds.is_empty() {
            return Err(SpecError::new("seeds", "none given; take for example 1,2,3"));
        }
        // Checked first, so that all lists are short from here on.
        let lanes = self.arms.len().saturating_mul(self.seeds.len());
        if lanes > Self::MAX_LANES as usize {
            let message = format!("{lanes} are too many; take arms times seeds of 1 to {}", Self::MAX_LANES);
            return Err(SpecError::new("lanes", message));
        }
        if let Some(twice) = first_repeated(&self.arm_ids().collect::<Vec<_>>()) {
            return Err(SpecError::new("arms", format!("{twice} is named twice; give one of the arms another name")));
        }
        if let Some((at, same)) = self.arms.iter().enumerate().find_map(|(at, arm)| {
            self.arms[..at].iter().position(|other| other.settings == arm.settings).map(|other| (at, other))
        }) {
            let Activations { conv, fc } = self.arms[at].settings.activations;
            // Both forms of a default parameter may have been written.
            let defaults = [conv, fc].into_iter().take(if conv == fc { 1 } else { 2 }).filter_map(|activation| {
                let parameter = activation.parameter()?;
                let is_default = activation.entry().activation == activation;
                let (name, value) = (activation.name(), format_real(parameter.value()));
                is_default.then(|| format!(" ({name} stands for {name}({value}))"))
            });
            let message = format!(
                "arms {} and {} are the same, {}{}; give one of them a setting of its own",
                same + 1,
                at + 1,
                self.arms[at].settings.activations,
                defaults.collect::<String>()
            );
            return Err(SpecError::new("arms", message));
        }
        check_seeds(&self.seeds)?;
        let mut scratch = self.clone();
        for setting in SETTINGS {
            match &setting.value {
                SettingValue::Study(value) => {
                    value.parse(&mut scratch, &value.print(self)).map_err(|why| setting.fault(why))?;
                }
                SettingValue::Arm(value) => {
                    for arm in &self.arms {
                        let mut scratch = arm.settings.clone();
                        value.parse(&mut scratch, &value.print(&arm.settings)).map_err(|why| setting.fault(why))?;
                    }
                }
            }
        }
        if self.data == DataSource::Mnist && self.train_size + self.val_size > Self::MAX_IMAGES {
            let message = format!(
                "{} training and {} validation images are more than MNIST's 60000; they must not overlap",
                self.train_size, self.val_size
            );
            return Err(SpecError::new("images", message));
        }
        self.arms.iter().try_for_each(|arm| self.check_arm(arm))?;
        Ok(())
    }

    /// Checks combinations of settings.
    fn check_arm(&self, Arm { id, settings }: &Arm) -> Result<(), SpecError> {
        let Activations { conv, fc } = settings.activations;
        if self.network == Network::Mlp && conv != fc {
            let arm = settings.activations;
            return Err(SpecError::new("arms", format!("an mlp has no convolutions; take all-{fc} instead of {arm}")));
        }
        if let Some(named) = id.named_activations().filter(|named| *named != settings.activations) {
            let message = format!("{id} is the name of {named}; give {} another name", settings.activations);
            return Err(SpecError::new("arms", message));
        }
        if settings.batch > self.train_size {
            let message = format!("{} is out of range; take 1 to {}", settings.batch, self.train_size);
            return Err(SpecError::new("batch", message));
        }
        if settings.nesterov && settings.momentum == 0.0 {
            return Err(SpecError::new("nesterov", "it needs momentum; take for example momentum=0.9"));
        }
        if settings.warmup > self.epochs {
            let epochs = format_count(self.epochs as usize, "epoch");
            let message = format!("{} is more than {epochs}; take 0 to {}", settings.warmup, self.epochs);
            return Err(SpecError::new("warmup", message));
        }
        if self.network == Network::Mlp && matches!(settings.norm, Norm::Local(_)) {
            return Err(SpecError::new("norm", "an mlp has no maps beside each other; take none or batch"));
        }
        // One image has no deviation.
        if settings.norm == Norm::Batch && (settings.batch == 1 || self.train_size % settings.batch == 1) {
            let message = format!(
                "batch normalisation needs two images a step, and {} images in batches of {} leave one alone; take another \
                 batch",
                self.train_size, settings.batch
            );
            return Err(SpecError::new("norm", message));
        }
        self.network.check_widths(&settings.widths).map_err(|why| SpecError::new("widths", why))
    }
}

/// A setting that two arms have different values of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DifferingSetting {
    pub key: &'static str,
    pub title: &'static str,
    pub values: [String; 2],
}

/// In what the settings of two arms differ. Seeds, threads and backend change no number's meaning.
pub fn differing_settings(sides: [(&Study, ArmId); 2]) -> Vec<DifferingSetting> {
    let [Some(a), Some(b)] = sides.map(|(study, arm)| study.settings(arm)) else { return Vec::new() };
    let activations = [a, b].map(|settings| settings.activations.to_string());
    let own = DifferingSetting { key: "activations", title: "activations", values: activations };
    let others = SETTINGS.iter().filter(|setting| !["preset", "seeds", "threads", "backend"].contains(&setting.key));
    let others = others.map(|setting| {
        let values = [setting.print(sides[0].0, a), setting.print(sides[1].0, b)];
        DifferingSetting { key: setting.key, title: setting.title, values }
    });
    std::iter::once(own).chain(others).filter(|setting| setting.values[0] != setting.values[1]).collect()
}

/// `50,000`.
pub fn grouped(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Checks the seeds of a run or an experiment: no seed twice, and none that a reader of JSON would round.
pub fn check_seeds(seeds: &[u64]) -> Result<(), SpecError> {
    if let Some(twice) = first_repeated(seeds) {
        return Err(SpecError::new("seeds", format!("{twice} is named twice; name each seed once")));
    }
    // SQLite and JSON readers represent integers up to 2^53 exactly.
    match seeds.iter().find(|&&seed| seed >= 1 << 53) {
        Some(seed) => Err(SpecError::new("seeds", format!("{seed} is too large; take 0 to 2^53 - 1"))),
        None => Ok(()),
    }
}

fn first_repeated<T: PartialEq>(values: &[T]) -> Option<&T> {
    values.iter().enumerate().find(|(at, value)| values[..*at].contains(value)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_sound_and_survive_json() {
        for preset in Preset::ALL {
            let spec = Study::of(preset);
            spec.check().unwrap();
            let json = serde_json::to_string(&spec).unwrap();
            assert_eq!(serde_json::from_str::<Study>(&json).unwrap(), spec);
            assert_eq!(format!("| preset={preset}").parse::<Study>().unwrap(), spec);
        }
    }

    /// 32x32 images are pooled to 16x16, 8x8 and 4x4: 12.35 million multiply-adds an image.
    #[test]
    fn the_convnet_has_the_multiply_adds_of_cuda_convnets() {
        let found = Network::Convnet.multiply_adds(&Network::Convnet.default_widths());
        let layers = [3 * 32 * 25 * 1024, 32 * 32 * 25 * 256, 32 * 64 * 25 * 64, 64 * 16 * 64, 64 * 10];
        assert_eq!(layers.iter().sum::<u32>(), 12_354_176);
        assert!((found - 12_354_176.0).abs() < 0.5, "{found}");
    }

    #[test]
    fn a_quick_form_of_a_preset_is_short_to_write() {
        let quick: Study = "| preset=alexnet-fig1 images=10000 widths=16,16,32,32 epochs=12".parse().unwrap();
        let titles: Vec<String> = quick.arm_ids().map(|arm| quick.arm_title(arm)).collect();
        assert_eq!(titles, ["all-ReLU", "all-Tanh"]);
        assert_eq!((quick.data.clone(), quick.train_size, quick.epochs), (DataSource::Cifar10, 10_000, 12));
        let text = quick.to_string();
        assert!(text.contains("preset=alexnet-fig1") && !text.contains("data=") && !text.contains("net="), "{text}");
        assert_eq!(text.parse::<Study>().unwrap(), quick);
    }

    #[test]
    fn each_bad_setting_is_named() {
        type Damage = fn(&mut Study);
        let damages: [(&str, Damage); 17] = [
            ("arms", |s| s.arms.clear()),
            ("arms", |s| s.arms.push(s.arms[0].clone())),
            ("seeds", |s| s.seeds.clear()),
            ("seeds", |s| s.seeds = vec![u64::MAX]),
            ("lanes", |s| s.seeds = (0..33).collect()),
            ("epochs", |s| s.epochs = 0),
            ("batch", |s| s.arms[1].settings.batch = 0),
            ("batch", |s| s.arms[0].settings.batch = 50_001),
            ("lr", |s| s.arms[1].settings.learning_rate = -0.1),
            ("lr", |s| s.arms[0].settings.learning_rate = f64::NAN),
            ("momentum", |s| s.arms[0].settings.momentum = 1.0),
            ("nesterov", |s| s.arms[0].settings.nesterov = true),
            ("widths", |s| s.arms[0].settings.widths = Widths(vec![4, 16])),
            ("images", |s| s.train_size = 50_001),
            ("crop", |s| s.arms[0].settings.crop = 9),
            ("norm", |s| {
                s.arms[0].settings.norm = Norm::Batch;
                s.arms[0].settings.batch = 49_999;
            }),
            ("norm", |s| {
                *s = "all-relu | net=mlp".parse().unwrap();
                s.arms[0].settings.norm = "local".parse().unwrap();
            }),
        ];
        for (field, damage) in damages {
            let mut spec = Study::of(Preset::Article);
            damage(&mut spec);
            assert_eq!(spec.check().unwrap_err().field, field);
        }
    }

    #[test]
    fn only_differences_are_named() {
        let article = Study::of(Preset::Article);
        let faster = Study { threads: 2, backend: Backend::Libtorch, ..article.clone() };
        assert!(faster.other_than(&article).is_empty());
        let small = Study { epochs: 5, train_size: 1_000, seeds: vec![2], ..article.clone() };
        let small = small.with_shared(|settings| settings.learning_rate = 0.05);
        assert_eq!(small.other_than(&article), ["5 epochs", "learning rate 0.05", "seed 2", "1,000 images"]);
        let mut own = article.clone();
        own.arms[1].settings.learning_rate = 0.05;
        assert_eq!(own.other_than(&article), ["learning rate 0.1 / 0.05"]);
        let three: Study = "relu-tanh; all-tanh; gelu-gelu momentum=0.9".parse().unwrap();
        assert_eq!(three.settings_words(), "batch 100, learning rate 0.1, momentum 0 / 0 / 0.9");
        let many: Study =
            "gelu-gelu lr=1; gelu-gelu lr=2; gelu-gelu lr=3; gelu-gelu lr=4; gelu-gelu lr=5".parse().unwrap();
        assert_eq!(many.settings_words(), "batch 100, learning rate 1 / 2 / 3 and 2 more");
        let seeds = |seeds: &[u64]| Study { seeds: seeds.to_vec(), ..article.clone() }.seeds_words();
        assert_eq!([seeds(&[3]), seeds(&[1, 2]), seeds(&[1, 2, 3, 9])], ["seed 3", "seeds 1, 2", "seeds 1-3, 9"]);
        let other = article.clone().with_arms([Activations::ALL_TANH, Activations::RELU_TANH]);
        assert_eq!(other.other_than(&article), ["all-Tanh against ReLU+Tanh"]);
        assert_eq!([7_u32, 999, 60_000, 1_234_567].map(grouped), ["7", "999", "60,000", "1,234,567"]);
    }

    #[test]
    fn lanes_pair_the_arms_of_a_seed() {
        let mut spec = Study::of(Preset::Article);
        spec.seeds = vec![1, 2];
        let names: Vec<_> = spec.lanes().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["relu-tanh-s1", "all-tanh-s1", "relu-tanh-s2", "all-tanh-s2"]);
    }

    #[test]
    fn an_arm_is_found_by_either_name() {
        let study: Study = "all-relu; all-tanh; mine: gelu-gelu".parse().unwrap();
        let find = |name: &str| study.find_arm(name.parse().unwrap()).map(|arm| arm.to_string());
        assert_eq!(find("all-relu").as_deref(), Some("relu-relu"));
        assert_eq!(find("relu-relu").as_deref(), Some("relu-relu"));
        assert_eq!(find("tanh-tanh").as_deref(), Some("all-tanh"));
        assert_eq!(find("mine").as_deref(), Some("mine"));
        assert_eq!((find("all-gelu"), find("relu-tanh"), find("other")), (None, None, None));
    }

    #[test]
    fn titles_name_what_distinguishes_arms() {
        let titles = |text: &str| {
            let study: Study = text.parse().unwrap();
            study.arm_ids().map(|arm| study.arm_title(arm)).collect::<Vec<_>>()
        };
        assert_eq!(titles("relu-tanh; all-tanh"), ["ReLU+Tanh", "all-Tanh"]);
        assert_eq!(
            titles("relu-tanh; relu-tanh lr=0.3; relu-tanh wd=1e-3"),
            ["ReLU+Tanh", "ReLU+Tanh lr 0.3", "ReLU+Tanh wd 0.001"]
        );
        assert_eq!(titles("relu-tanh; all-tanh lr=0.05"), ["ReLU+Tanh", "all-Tanh lr 0.05"]);
        assert_eq!(titles("relu-tanh; mine: relu-tanh batch=10"), ["ReLU+Tanh", "mine"]);
        // No rate is the usual one.
        let swept = titles("all-relu lr=0.05; all-relu lr=0.2; all-tanh lr=0.05; all-tanh lr=0.2");
        assert_eq!(swept, ["all-ReLU lr 0.05", "all-ReLU lr 0.2", "all-Tanh lr 0.05", "all-Tanh lr 0.2"]);
        let many = titles("relu-tanh; all-tanh; gelu-gelu lr=0.2 momentum=0.9 nesterov=yes wd=0.1");
        let grid = titles("relu-tanh; relu-tanh lr=0.2 wd=0.1; relu-tanh lr=0.2 wd=0.2");
        assert_eq!(grid, ["ReLU+Tanh", "ReLU+Tanh lr 0.2 wd 0.1", "ReLU+Tanh lr 0.2 wd 0.2"]);
        assert_eq!(many[2], "all-GELU lr 0.2 (+3)");
    }
}
