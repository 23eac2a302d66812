//! What can be seen in a trained network. A view is a question to one checkpoint, and its answer is plain data: only the
//! renderers decide how it looks.

use super::{Activation, ArmId, Layer, RunId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A question to a kept checkpoint of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewRequest {
    pub run: RunId,
    /// The study's first arm if nothing is said; the same of the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<ArmId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The last kept epoch if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// What is changed in the network before it is asked, in this order: scales of one unit are multiplied, and a revival
    /// is by the network as the changes before it have left it. The checkpoint stays as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<UnitChange>,
    pub view: View,
}

/// A change to one unit, or to one feature map, of a network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitChange {
    pub layer: Layer,
    /// Counted from 0.
    pub unit: u32,
    pub change: Surgery,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surgery {
    /// Multiplies the unit's output; 0 silences it. All factors of one unit together are from -1000 to 1000.
    Scale(f32),
    /// Shifts the unit's bias until its mean pre-activation over the first 1,000 validation images is 0, so that a dead
    /// unit is positive for some of them. A scale of its output stays.
    Revive,
}

impl fmt::Display for UnitChange {
    /// `conv1:3 silenced`, `fc1:7 scaled by 0.5`, `conv2:4 revived`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} ", self.layer, self.unit)?;
        match self.change {
            Surgery::Scale(0.0) => f.write_str("silenced"),
            Surgery::Scale(factor) => write!(f, "scaled by {factor}"),
            Surgery::Revive => f.write_str("revived"),
        }
    }
}

/// The images that a view looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageSplit {
    Training,
    #[default]
    Validation,
    Test,
}

impl ImageSplit {
    pub const ALL: [Self; 3] = [Self::Training, Self::Validation, Self::Test];

    pub fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

impl FromStr for ImageSplit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|split| split.name() == text);
        known.ok_or_else(|| format!("`{text}` is no split; there are training, validation and test"))
    }
}

/// An image to be classified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewImage {
    /// An image of the run's data set, counted from 0 within its split.
    Of { split: ImageSplit, number: u32 },
    /// Grey or colour values of 0 to 255 in the data set's shape: (height, width, channels).
    Pixels(Vec<u8>),
}

/// The kinds of views, by which a lesson, a page of the notebook and the command line name what they show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewKind {
    Filters,
    Maps,
    Histogram,
    Units,
    Gradients,
    Confusion,
    Mistakes,
    Ask,
    Products,
    Wants,
    Ablation,
}

/// What a view can be of, besides a network. Each kind takes its part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewSubject {
    pub split: ImageSplit,
    pub image: ViewImage,
    /// A unit by its layer and its number there; `None` if the network has no hidden layer.
    pub unit: Option<(Layer, u32)>,
    /// The row and the column of the unit's output that products are of.
    pub place: (u32, u32),
    /// Of the noise that an optimised image starts from.
    pub seed: u64,
}

impl ViewKind {
    pub const ALL: [Self; 11] = [
        Self::Filters,
        Self::Maps,
        Self::Histogram,
        Self::Units,
        Self::Gradients,
        Self::Confusion,
        Self::Mistakes,
        Self::Ask,
        Self::Products,
        Self::Wants,
        Self::Ablation,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Filters => "filters",
            Self::Maps => "maps",
            Self::Histogram => "histogram",
            Self::Units => "units",
            Self::Gradients => "gradients",
            Self::Confusion => "confusion",
            Self::Mistakes => "mistakes",
            Self::Ask => "ask",
            Self::Products => "products",
            Self::Wants => "wants",
            Self::Ablation => "ablation",
        }
    }

    /// What it shows.
    pub fn description(self) -> &'static str {
        match self {
            Self::Filters => "The weights of each convolution",
            Self::Maps => "What each hidden layer makes of an image",
            Self::Histogram => "Where the pre-activations lie, and the gradients at them",
            Self::Units => "How often each unit is zero or saturated, and which are dead",
            Self::Gradients => "The size of the loss's gradient in each layer",
            Self::Confusion => "How often each class is answered for each",
            Self::Mistakes => "The images that get a wrong answer",
            Self::Ask => "The answer to one image, as probabilities",
            Self::Products => "One output of a layer as a sum of products",
            Self::Wants => "What a unit responds to most",
            Self::Ablation => "What is lost without each unit of a layer",
        }
    }

    /// Whether it is of one image.
    pub fn takes_image(self) -> bool {
        matches!(self, Self::Maps | Self::Ask | Self::Products)
    }

    /// Whether its question is about one layer.
    pub fn takes_layer(self) -> bool {
        matches!(self, Self::Products | Self::Wants | Self::Ablation)
    }

    /// Whether its question is about one unit.
    pub fn takes_unit(self) -> bool {
        matches!(self, Self::Products | Self::Wants)
    }

    /// The question about a subject; `None` if it is of a unit and there is none.
    pub fn question(self, of: ViewSubject) -> Option<View> {
        let ViewSubject { split, image, unit, place: (row, column), seed } = of;
        Some(match (self, unit) {
            (Self::Filters, _) => View::Filters,
            (Self::Maps, _) => View::Maps { image },
            (Self::Histogram, _) => View::Histogram { split },
            (Self::Units, _) => View::Units { split },
            (Self::Gradients, _) => View::Gradients { split },
            (Self::Confusion, _) => View::Confusion { split },
            (Self::Mistakes, _) => View::Mistakes { split },
            (Self::Ask, _) => View::Ask { image },
            (Self::Products, Some((layer, unit))) => View::Products { image, layer, unit, row, column },
            (Self::Wants, Some((layer, unit))) => View::Wants { layer, unit, split, seed },
            (Self::Ablation, Some((layer, _))) => View::Ablation { layer, split },
            (Self::Products | Self::Wants | Self::Ablation, None) => return None,
        })
    }
}

impl FromStr for ViewKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|kind| kind.name()).collect();
            format!("`{text}` is no kind of view; there are {}", known.join(", "))
        })
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// The weights of each convolution.
    Filters,
    /// What each layer makes of an image.
    Maps { image: ViewImage },
    /// How the pre-activations of each hidden layer and the gradients at them are distributed.
    Histogram { split: ImageSplit },
    /// Of each hidden unit, how often it is zero and how often saturated.
    Units { split: ImageSplit },
    /// The size of the loss's gradient in each layer.
    Gradients { split: ImageSplit },
    /// How often each class is answered for each.
    Confusion { split: ImageSplit },
    /// The images that get a wrong answer.
    Mistakes { split: ImageSplit },
    /// The answer to one image.
    Ask { image: ViewImage },
    /// The answers to several images that are not of the data set, each as in [`ViewImage::Pixels`]. A request may be
    /// 1 MB long, which is some 250 digits.
    Answers { images: Vec<Vec<u8>> },
    /// How one output of a layer is computed: its inputs, its weights, their products. Of a fully connected layer row
    /// and column are 0.
    Products { image: ViewImage, layer: Layer, unit: u32, row: u32, column: u32 },
    /// What a unit responds to most.
    Wants { layer: Layer, unit: u32, split: ImageSplit, seed: u64 },
    /// What is lost without each unit of a layer.
    Ablation { layer: Layer, split: ImageSplit },
}

/// The answer, and which network gave it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewAnswer {
    pub run: RunId,
    pub arm: ArmId,
    pub seed: u64,
    pub epoch: u32,
    /// What had been changed in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<UnitChange>,
    #[serde(flatten)]
    pub seen: Seen,
}

impl ViewAnswer {
    /// The changes as words, in their order: `conv1:3 silenced, fc1:7 scaled by 0.5`. `None` of an unchanged network.
    pub fn describe_changes(&self) -> Option<String> {
        let changes: Vec<String> = self.changes.iter().map(UnitChange::to_string).collect();
        (!changes.is_empty()).then(|| changes.join(", "))
    }
}

/// What a view shows. All values are finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Seen {
    Filters {
        layers: Vec<LayerFilters>,
    },
    Maps {
        classes: Vec<String>,
        image: SeenImage,
        /// Of an image of the data set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        truth: Option<u32>,
        layers: Vec<LayerMaps>,
        probabilities: Vec<f32>,
    },
    Histogram {
        split: ImageSplit,
        images: u32,
        layers: Vec<LayerHistogram>,
    },
    Units {
        split: ImageSplit,
        images: u32,
        layers: Vec<LayerUnits>,
    },
    Gradients {
        split: ImageSplit,
        images: u32,
        layers: Vec<LayerGradients>,
    },
    Confusion {
        split: ImageSplit,
        classes: Vec<String>,
        matrix: ConfusionMatrix,
    },
    Mistakes {
        split: ImageSplit,
        images: u32,
        classes: Vec<String>,
        shape: SeenShape,
        /// All of them are counted; of many the first are shown.
        wrong: u32,
        mistakes: Vec<Mistake>,
    },
    Ask {
        classes: Vec<String>,
        /// The class of the largest probability.
        answer: u32,
        probabilities: Vec<f32>,
        /// Of an image of the data set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        truth: Option<u32>,
        image: SeenImage,
    },
    Answers {
        classes: Vec<String>,
        /// Of each image, in the order of the question: of each class.
        probabilities: Vec<Vec<f32>>,
    },
    Products(SeenProducts),
    Wants {
        layer: Layer,
        unit: u32,
        split: ImageSplit,
        /// Images that were looked at, the first of the split.
        sample: u32,
        classes: Vec<String>,
        shape: SeenShape,
        /// The images with the largest outputs of the unit, the largest first.
        images: Vec<Response>,
        /// The image found by gradient ascent.
        optimised: Optimised,
    },
    Ablation {
        layer: Layer,
        split: ImageSplit,
        images: u32,
        /// In percent, and in nats, with all units.
        error: f64,
        loss: f64,
        /// In the order of the units.
        units: Vec<Ablated>,
    },
}

/// Images of a whole split: a row for each true class, a column for each answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfusionMatrix(pub Vec<Vec<u32>>);

impl ConfusionMatrix {
    pub fn images(&self) -> u32 {
        self.0.iter().flatten().sum()
    }

    pub fn wrong(&self) -> u32 {
        let right: u32 = self.0.iter().enumerate().filter_map(|(class, row)| row.get(class)).sum();
        self.images() - right
    }

    /// In percent.
    pub fn error(&self) -> f64 {
        100.0 * f64::from(self.wrong()) / f64::from(self.images().max(1))
    }
}

/// The shape of an image as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenShape {
    pub channels: u32,
    pub height: u32,
    pub width: u32,
}

/// An image as stored, (height, width, channels), 0 to 255.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenImage {
    #[serde(flatten)]
    pub shape: SeenShape,
    pub pixels: Vec<u8>,
}

/// A convolution's weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerFilters {
    pub layer: Layer,
    pub maps: u32,
    pub inputs: u32,
    /// Rows and columns of a kernel.
    pub side: u32,
    /// (maps, inputs, side, side).
    pub weights: Vec<f32>,
    pub biases: Vec<f32>,
}

/// What a hidden layer makes of one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerMaps {
    pub layer: Layer,
    /// (units, height, width); of a fully connected layer both are 1.
    pub units: u32,
    pub height: u32,
    pub width: u32,
    /// What the activation gets, and what it returns.
    pub z: Vec<f32>,
    pub y: Vec<f32>,
}

/// Counts of equal bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bins {
    /// The lower end of the first bin and the upper end of the last. What lies beyond is in the outer bins.
    pub from: f64,
    pub to: f64,
    pub counts: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerHistogram {
    pub layer: Layer,
    pub activation: Activation,
    pub z: Bins,
    /// Of the mean loss's gradient at each image's pre-activations, times the number of images.
    pub gradient: Bins,
    pub mean: f64,
    pub deviation: f64,
}

/// How the units of a layer behave over the images, in percent; a feature map is a unit, and each of its pixels counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerUnits {
    pub layer: Layer,
    /// Outputs that are exactly zero.
    pub zeros: Vec<f64>,
    /// Outputs at which the slope of the activation is below 0.01.
    pub saturated: Vec<f64>,
    /// Units that are zero for every image.
    pub dead: Vec<u32>,
}

/// Root mean squares of the mean loss's gradients.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerGradients {
    pub layer: Layer,
    /// With respect to the weights.
    pub weights: f64,
    /// With respect to the pre-activations of an image.
    pub z: f64,
}

/// An image with a wrong answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Counted from 0 within its split.
    pub number: u32,
    pub truth: u32,
    pub answer: u32,
    pub probabilities: Vec<f32>,
    /// As stored.
    pub pixels: Vec<u8>,
}

/// An image with a unit's largest output for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    pub number: u32,
    pub truth: u32,
    pub output: f32,
    pub pixels: Vec<u8>,
}

/// An image that gradient ascent has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Optimised {
    pub pixels: Vec<u8>,
    pub output: f32,
    pub steps: u32,
    pub seed: u64,
    /// What keeps it from becoming noise, in words.
    pub regulariser: String,
}

/// A unit's part in the answers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ablated {
    /// With the unit's output at zero: percent, and nats.
    pub error: f64,
    pub loss: f64,
}

impl Ablated {
    /// The units of a layer with their numbers, by what is lost without each: the largest error first, and of equal errors
    /// the largest loss.
    pub fn rank(units: &[Self]) -> Vec<(u32, Self)> {
        let mut ranked: Vec<(u32, Self)> = (0..).zip(units.iter().copied()).collect();
        ranked.sort_by(|(_, a), (_, b)| b.error.total_cmp(&a.error).then(b.loss.total_cmp(&a.loss)));
        ranked
    }
}

/// One output of a layer as a sum of products: z is the sum of weights times inputs, plus the bias.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeenProducts {
    pub layer: Layer,
    pub unit: u32,
    /// The place of the output in its feature map, before pooling; 0 in a fully connected layer.
    pub row: u32,
    pub column: u32,
    /// Rows and columns of the feature map; 1 in a fully connected layer.
    pub height: u32,
    pub width: u32,
    /// Of the output layer there is none.
    pub activation: Option<Activation>,
    /// Input maps, and rows and columns of a kernel; a fully connected layer has kernels of one weight.
    pub inputs: u32,
    pub side: u32,
    /// (inputs, side, side): what the layer sees, with the padding.
    pub x: Vec<f32>,
    /// (inputs, side, side)
    pub weights: Vec<f32>,
    pub bias: f32,
    pub z: f32,
    /// The activation of z alone, times the unit's scale: pooling and normalisation are left out. Of the output layer z.
    pub y: f32,
}

impl SeenProducts {
    /// Each input times its weight, in their order.
    pub fn products(&self) -> Vec<f32> {
        self.x.iter().zip(&self.weights).map(|(x, weight)| x * weight).collect()
    }

    /// The places of the products, the largest in magnitude first.
    pub fn ranked(&self) -> Vec<usize> {
        let products = self.products();
        let mut ranked: Vec<usize> = (0..products.len()).collect();
        ranked.sort_by(|a, b| products[*b].abs().total_cmp(&products[*a].abs()));
        ranked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_read_as_sentences_and_as_json() {
        let change = |layer: &str, change| UnitChange { layer: layer.parse().unwrap(), unit: 3, change };
        let cases = [
            (change("conv1", Surgery::Scale(0.0)), "conv1:3 silenced", r#""change":{"scale":0.0}"#),
            (change("fc1", Surgery::Scale(-0.5)), "fc1:3 scaled by -0.5", r#""change":{"scale":-0.5}"#),
            (change("conv2", Surgery::Revive), "conv2:3 revived", r#""change":"revive""#),
        ];
        for (change, text, json) in cases {
            assert_eq!(change.to_string(), text);
            let written = serde_json::to_string(&change).unwrap();
            assert!(written.contains(json), "{written}");
            assert_eq!(serde_json::from_str::<UnitChange>(&written).unwrap(), change);
        }
    }

    /// A question depends on the image, the layer and the unit exactly if its kind says so.
    #[test]
    fn a_kind_takes_what_its_question_is_about() {
        let question = |kind: ViewKind, number: u32, layer: &str, unit: u32| {
            kind.question(ViewSubject {
                split: ImageSplit::Test,
                image: ViewImage::Of { split: ImageSplit::Test, number },
                unit: Some((layer.parse().unwrap(), unit)),
                place: (0, 0),
                seed: 1,
            })
        };
        for kind in ViewKind::ALL {
            let usual = question(kind, 0, "fc1", 0);
            assert_eq!(question(kind, 1, "fc1", 0) != usual, kind.takes_image(), "{kind:?}");
            assert_eq!(question(kind, 0, "fc2", 0) != usual, kind.takes_layer(), "{kind:?}");
            assert_eq!(question(kind, 0, "fc1", 1) != usual, kind.takes_unit(), "{kind:?}");
        }
    }

    #[test]
    fn units_are_ranked_by_error_and_then_by_loss() {
        let units = [(2.0, 0.9), (5.0, 0.1), (2.0, 1.1)].map(|(error, loss)| Ablated { error, loss });
        let ranked: Vec<u32> = Ablated::rank(&units).into_iter().map(|(unit, _)| unit).collect();
        assert_eq!(ranked, [1, 2, 0]);
    }

    /// A client of an earlier version does not know of changes.
    #[test]
    fn a_request_without_changes_has_none() {
        let request: ViewRequest = serde_json::from_str(r#"{"run":5,"view":"filters"}"#).unwrap();
        assert_eq!(request.changes, []);
        assert!(!serde_json::to_string(&request).unwrap().contains("changes"));
    }
}
