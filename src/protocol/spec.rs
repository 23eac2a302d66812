//! What a race is: everything that decides its numbers.

use super::{Arm, Lane, counted};
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf, str::FromStr};

/// Named starting points of a [`RunSpec`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// LeNet-4, batch 100, learning rate 0.1, 150 epochs.
    #[default]
    Article,
    /// The Theano tutorial's 20/50/500, batch 500, learning rate 0.1, 200 epochs.
    Tutorial,
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "article" => Ok(Self::Article),
            "tutorial" => Ok(Self::Tutorial),
            _ => Err(format!("unknown preset `{text}`; known are article and tutorial")),
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Article => "article",
            Self::Tutorial => "tutorial",
        })
    }
}

/// Which implementation computes the large layers: both convolutions with their max-pooling, and fc1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// Ours, forward and backward; what lies between and behind them is LibTorch's. Where it does not fit, such as with
    /// several threads a lane, LibTorch takes over.
    #[default]
    Fused,
    /// LibTorch's operators and autograd throughout: the oracle.
    Libtorch,
}

impl FromStr for Backend {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "fused" => Ok(Self::Fused),
            "libtorch" => Ok(Self::Libtorch),
            _ => Err(format!("unknown backend `{text}`; known are fused and libtorch")),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fused => "fused",
            Self::Libtorch => "libtorch",
        })
    }
}

/// Where the images come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataSource {
    /// The MNIST that ships inside the program.
    #[default]
    Mnist,
    /// A folder with four IDX files like MNIST's, plain or `.gz`, of grey images or of RGB; or with 8-bit PNG images, one
    /// folder a class: `train/CLASS` and `test/CLASS`, or `CLASS` alone, which is split 4 : 1 : 1 by the files' names.
    Folder(PathBuf),
}

/// Layer widths: feature maps of both convolutions, hidden units of the fully connected layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Widths {
    pub conv1: u32,
    pub conv2: u32,
    pub fc1: u32,
}

impl Widths {
    pub const LENET4: Self = Self { conv1: 4, conv2: 16, fc1: 120 };
    pub const TUTORIAL: Self = Self { conv1: 20, conv2: 50, fc1: 500 };
}

/// Everything that decides a race's numbers: same spec, same machine, same threads, same bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    pub preset: Preset,
    pub arms: Vec<Arm>,
    pub seeds: Vec<u64>,
    pub epochs: u32,
    /// Images a step.
    pub batch: u32,
    pub learning_rate: f64,
    /// 0 is plain SGD.
    pub momentum: f64,
    /// The first so many training images train.
    pub train_size: u32,
    /// The last so many training images validate.
    pub val_size: u32,
    pub widths: Widths,
    /// LibTorch's threads within one lane; with more than one, LibTorch computes all of it.
    pub threads: u32,
    pub backend: Backend,
    pub data: DataSource,
}

/// A setting that can't be: which one, why, and what would do. Its `Display` is a whole sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    pub field: &'static str,
    pub message: String,
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for SpecError {}

impl RunSpec {
    pub const MAX_EPOCHS: u32 = 10_000;
    pub const MAX_IMAGES: u32 = 60_000;

    pub fn of(preset: Preset) -> Self {
        let (widths, batch, epochs) = match preset {
            Preset::Article => (Widths::LENET4, 100, 150),
            Preset::Tutorial => (Widths::TUTORIAL, 500, 200),
        };
        Self {
            preset,
            arms: vec![Arm::RELU_TANH, Arm::ALL_TANH],
            seeds: vec![1],
            epochs,
            batch,
            learning_rate: 0.1,
            momentum: 0.0,
            train_size: 50_000,
            val_size: 10_000,
            widths,
            threads: 1,
            backend: Backend::default(),
            data: DataSource::default(),
        }
    }

    /// Every arm with every seed; seeds outermost, so that both arms of a seed run side by side.
    pub fn lanes(&self) -> Vec<Lane> {
        let lanes_of = |&seed: &u64| self.arms.iter().map(move |&arm| Lane { arm, seed });
        self.seeds.iter().flat_map(lanes_of).collect()
    }

    /// In what its numbers could differ from another race's, in words; threads and backend change no curve's meaning.
    pub fn other_than(&self, other: &Self) -> Vec<String> {
        let same = |a: f64, b: f64| a.total_cmp(&b).is_eq();
        let arms = || self.arms.iter().map(|arm| arm.title()).collect::<Vec<_>>().join(" against ");
        let seeds = || self.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        let Widths { conv1, conv2, fc1 } = self.widths;
        let data = || match &self.data {
            DataSource::Mnist => "MNIST".into(),
            DataSource::Folder(folder) => format!("the images in {}", folder.display()),
        };
        let pairs = [
            (self.arms == other.arms, arms()),
            (self.epochs == other.epochs, counted(self.epochs as usize, "epoch")),
            (self.batch == other.batch, format!("batch {}", self.batch)),
            (same(self.learning_rate, other.learning_rate), format!("learning rate {}", self.learning_rate)),
            (same(self.momentum, other.momentum), format!("momentum {}", self.momentum)),
            (self.widths == other.widths, format!("widths {conv1}, {conv2}, {fc1}")),
            (self.train_size == other.train_size, format!("{} images", grouped(self.train_size))),
            (self.val_size == other.val_size, format!("{} to validate", grouped(self.val_size))),
            (self.data == other.data, data()),
            (
                self.seeds == other.seeds,
                format!("{} {}", if self.seeds.len() == 1 { "seed" } else { "seeds" }, seeds()),
            ),
        ];
        pairs.into_iter().filter(|(same, _)| !same).map(|(_, words)| words).collect()
    }

    /// Steps an epoch; the last batch may be partial.
    pub fn batches(&self) -> u32 {
        self.train_size.div_ceil(self.batch.max(1))
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// The first setting that can't be, with the remedy.
    pub fn check(&self) -> Result<(), SpecError> {
        let within = |field, value: u32, low: u32, high: u32| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(SpecError { field, message: format!("{value} is out of range; take {low} to {high}") })
            }
        };
        let refuse = |field, message: String| Err(SpecError { field, message });
        if self.arms.is_empty() {
            return refuse("arms", "none given; take for example relu-tanh,all-tanh".into());
        }
        if self.seeds.is_empty() {
            return refuse("seeds", "none given; take for example 1,2,3".into());
        }
        // First, so that no list is long from here on.
        within("lanes", u32::try_from(self.arms.len() * self.seeds.len()).unwrap_or(u32::MAX), 1, 64)?;
        if let Some(twice) = first_repeated(&self.arms) {
            return refuse("arms", format!("{twice} is named twice; name each arm once"));
        }
        check_seeds(&self.seeds)?;
        within("epochs", self.epochs, 1, Self::MAX_EPOCHS)?;
        within("train-size", self.train_size, 1, Self::MAX_IMAGES)?;
        within("val-size", self.val_size, 1, Self::MAX_IMAGES)?;
        within("batch", self.batch, 1, self.train_size)?;
        within("threads", self.threads, 1, 64)?;
        within("conv1", self.widths.conv1, 1, 256)?;
        within("conv2", self.widths.conv2, 1, 256)?;
        within("fc1", self.widths.fc1, 1, 4096)?;
        if self.data == DataSource::Mnist && self.train_size + self.val_size > Self::MAX_IMAGES {
            let message = format!(
                "{} training and {} validation images are more than MNIST's 60000; they must not overlap",
                self.train_size, self.val_size
            );
            return refuse("train-size", message);
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0 && self.learning_rate <= 100.0) {
            return refuse(
                "lr",
                format!("{} can't be a learning rate; take more than 0, at most 100", self.learning_rate),
            );
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return refuse(
                "momentum",
                format!("{} can't be a momentum; take 0 up to, not including, 1", self.momentum),
            );
        }
        Ok(())
    }
}

/// `50,000`.
pub fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Checks a list of seeds, which is short.
pub(super) fn check_seeds(seeds: &[u64]) -> Result<(), SpecError> {
    let refuse = |message| Err(SpecError { field: "seeds", message });
    if let Some(twice) = first_repeated(seeds) {
        return refuse(format!("{twice} is named twice; name each seed once"));
    }
    // SQLite and JSON readers hold integers up to 2^53 exactly.
    match seeds.iter().find(|&&seed| seed >= 1 << 53) {
        Some(seed) => refuse(format!("{seed} is too large; take 0 to 2^53 - 1")),
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
        for preset in [Preset::Article, Preset::Tutorial] {
            let spec = RunSpec::of(preset);
            spec.check().unwrap();
            let json = serde_json::to_string(&spec).unwrap();
            assert_eq!(serde_json::from_str::<RunSpec>(&json).unwrap(), spec);
        }
    }

    #[test]
    fn each_bad_setting_is_named() {
        type Damage = fn(&mut RunSpec);
        let damages: [(&str, Damage); 11] = [
            ("arms", |s| s.arms.clear()),
            ("arms", |s| s.arms.push(Arm::RELU_TANH)),
            ("seeds", |s| s.seeds.clear()),
            ("seeds", |s| s.seeds = vec![u64::MAX]),
            ("epochs", |s| s.epochs = 0),
            ("batch", |s| s.batch = 0),
            ("batch", |s| s.batch = 50_001),
            ("lr", |s| s.learning_rate = -0.1),
            ("lr", |s| s.learning_rate = f64::NAN),
            ("momentum", |s| s.momentum = 1.0),
            ("train-size", |s| s.train_size = 50_001),
        ];
        for (field, damage) in damages {
            let mut spec = RunSpec::of(Preset::Article);
            damage(&mut spec);
            assert_eq!(spec.check().unwrap_err().field, field);
        }
    }

    #[test]
    fn what_is_different_is_told_and_nothing_else() {
        let article = RunSpec::of(Preset::Article);
        let faster = RunSpec { threads: 2, backend: Backend::Libtorch, ..article.clone() };
        assert!(faster.other_than(&article).is_empty());
        let small = RunSpec { epochs: 5, learning_rate: 0.05, train_size: 1_000, seeds: vec![2], ..article.clone() };
        let words = ["5 epochs", "learning rate 0.05", "1,000 images", "seed 2"];
        assert_eq!(small.other_than(&article), words);
        assert_eq!([7, 999, 60_000, 1_234_567].map(grouped), ["7", "999", "60,000", "1,234,567"]);
    }

    #[test]
    fn lanes_pair_the_arms_of_a_seed() {
        let mut spec = RunSpec::of(Preset::Article);
        spec.seeds = vec![1, 2];
        let names: Vec<_> = spec.lanes().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["relu-tanh-s1", "all-tanh-s1", "relu-tanh-s2", "all-tanh-s2"]);
    }
}
