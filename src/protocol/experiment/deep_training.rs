//! A deep network in training, for several activations and initial weights.
//!
//! It shows: training loss and validation error by epoch; table. It finds: `deep-training.loss.A.I`,
//! `deep-training.error.A.I`, `I` followed by `.gain-G`, `.biases` or `.centred` where a case has them.

use super::{Effort, Init, Settings};
use crate::limits::{some, within};
use crate::{Activation, SpecError};
use serde::{Deserialize, Serialize};

/// One way to build the network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeepCase {
    pub activation: Activation,
    pub init: Init,
    /// The initial weights are multiplied by this.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub gain: f64,
    #[serde(default, skip_serializing_if = "Centre::is_none")]
    pub centre: Centre,
}

/// How a layer's input is centred, by removing phi(0), which is what a hidden unit outputs at z = 0 (1/2 for the
/// sigmoid). Both ways make the same function of the initial weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Centre {
    #[default]
    None,
    /// Through the initial biases: -phi(0) times the sum of a unit's weights.
    Biases,
    /// Through the activation: phi(z) - phi(0).
    Output,
}

impl Centre {
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde gives a reference.
    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

fn one() -> f64 {
    1.0
}

#[allow(clippy::trivially_copy_pass_by_ref, clippy::float_cmp)] // serde gives a reference; 1 is 1.
fn is_one(gain: &f64) -> bool {
    *gain == 1.0
}

impl DeepCase {
    pub fn new(activation: Activation, init: Init) -> Self {
        Self { activation, init, gain: 1.0, centre: Centre::None }
    }

    /// Whether the gain is not 1.
    pub fn is_scaled(&self) -> bool {
        !is_one(&self.gain)
    }

    /// Its name in findings: `sigmoid.xavier`, `sigmoid.xavier.gain-4.biases`.
    pub fn key(&self) -> String {
        let gain = if is_one(&self.gain) { String::new() } else { format!(".gain-{}", self.gain) };
        let centre = match self.centre {
            Centre::None => "",
            Centre::Biases => ".biases",
            Centre::Output => ".centred",
        };
        format!("{}.{}{gain}{centre}", self.activation, self.init.name())
    }

    /// Its activation in running text: `Sigmoid`, or `Sigmoid, centred`.
    pub fn activation_title(&self) -> String {
        let centred = if self.centre == Centre::Output { ", centred" } else { "" };
        format!("{}{centred}", self.activation.title())
    }

    /// Its initial weights and biases in running text: `He`, or `4 x Xavier, biases`.
    pub fn init_title(&self) -> String {
        let gain = if is_one(&self.gain) { String::new() } else { format!("{} x ", self.gain) };
        let biases = if self.centre == Centre::Biases { ", biases" } else { "" };
        format!("{gain}{}{biases}", self.init.title())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeepTraining {
    pub cases: Vec<DeepCase>,
    /// Hidden layers.
    pub depth: u32,
    /// Units of each.
    pub width: u32,
    /// The learning rates at which each case is trained. The one with the lowest training loss counts.
    pub learning_rates: Vec<f64>,
    /// Training images; four times as many with full effort.
    pub images: u32,
    /// Twice as many with full effort.
    pub epochs: u32,
}

impl Default for DeepTraining {
    fn default() -> Self {
        let cases = [
            (Activation::Sigmoid, Init::Standard),
            (Activation::Tanh, Init::Standard),
            (Activation::Relu, Init::Standard),
            (Activation::Relu, Init::He),
            (Activation::Tanh, Init::Xavier),
            (Activation::Tanh, Init::Orthogonal),
        ];
        let mut cases = cases.map(|(activation, init)| DeepCase::new(activation, init)).to_vec();
        // sigma(z) = (1 + tanh(z/2)) / 2, so this sigmoid is tanh with Xavier's weights except for the scale of the
        // input.
        let scaled = DeepCase { gain: 4.0, ..DeepCase::new(Activation::Sigmoid, Init::Xavier) };
        cases.extend([Centre::None, Centre::Biases, Centre::Output].map(|centre| DeepCase { centre, ..scaled }));
        Self { cases, depth: 15, width: 100, learning_rates: vec![0.03, 0.1], images: 10_000, epochs: 8 }
    }
}

impl DeepTraining {
    /// Training images and epochs.
    pub fn amount(&self, effort: Effort) -> (u32, u32) {
        match effort {
            Effort::Quick => (self.images, self.epochs),
            Effort::Full => ((4 * self.images).min(50_000), 2 * self.epochs),
        }
    }
}

impl Settings for DeepTraining {
    fn check(&self) -> Result<(), SpecError> {
        some("cases", &self.cases, "[{ activation = \"relu\", init = \"he\" }]")?;
        within("cases", self.cases.len(), 1, 12)?;
        self.cases.iter().try_for_each(|case| within("cases.gain", case.gain, 0.01, 100.0))?;
        within("depth", self.depth, 1, 50)?;
        within("width", self.width, 1, 1024)?;
        some("learning-rates", &self.learning_rates, "[0.03, 0.1]")?;
        within("learning-rates", self.learning_rates.len(), 1, 8)?;
        self.learning_rates.iter().try_for_each(|&rate| within("learning-rates", rate, 1e-6, 10.0))?;
        within("images", self.images, 50, 50_000)?;
        within("epochs", self.epochs, 1, 100)
    }

    fn seconds(&self, effort: Effort) -> f64 {
        let (images, epochs) = self.amount(effort);
        let networks = (self.cases.len() * self.learning_rates.len()) as f64;
        // On one core, for one image and one layer of up to 100 units.
        let layer = 2.5e-6 * (f64::from(self.width) / 100.0).max(1.0);
        networks * f64::from(images) * f64::from(epochs) * f64::from(self.depth + 1) * layer / 2.0
    }

    fn finding_keys(&self) -> &'static [&'static str] {
        &["deep-training.loss.*", "deep-training.error.*", "deep-training.learning"]
    }
}
