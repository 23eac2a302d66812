//! Views: what can be seen in a trained network. Each is a function of a checkpoint, of data and of a question, in a file
//! of its own; none touches the training. LibTorch computes them, except for answers to a whole split, which the engine
//! that trained the network gives, so that they are those that the run has recorded.

mod ablation;
mod answers;
mod ask;
mod confusion;
mod filters;
mod gradients;
mod histogram;
mod maps;
mod mistakes;
mod units;
mod wants;

use crate::data::{ImageShape, Padding, Preprocessing, Split};
use crate::network::{HiddenLayer, Network, WeightsError};
use crate::train::LaneSettings;
use crate::{Dataset, Engine, Snapshot};
use protocol::{ImageSplit, Lane, Layer, Seen, SeenImage, SeenShape, SpecError, Study, View, ViewImage};
use tch::{Kind, Tensor};

/// Images of a split that a view of the hidden layers looks at: enough for a share of a percent, and few enough for the
/// convnet to answer at once.
const SAMPLE: i64 = 1000;

/// Images a forward pass: the convnet's largest layer takes 33 MB.
const CHUNK: i64 = 250;

/// Why there is nothing to be seen. Each message is a whole sentence with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    #[error("{0}")]
    Study(#[from] SpecError),
    #[error("the checkpoint does not fit its study: {0}")]
    Weights(#[from] WeightsError),
    #[error("{0}")]
    Question(String),
}

/// A trained network with the data that it is asked about.
pub struct Subject<'d> {
    net: Network,
    engine: Engine,
    preprocessing: Preprocessing,
    data: &'d Dataset,
    study: Study,
    arm: protocol::ArmId,
}

impl<'d> Subject<'d> {
    /// The network of a checkpoint.
    ///
    /// # Errors
    /// If the data set has fewer images than the study asks for, or the checkpoint is of another network.
    pub fn new(snapshot: &Snapshot, study: &Study, data: &'d Dataset) -> Result<Self, ViewError> {
        let Lane { arm, seed } = snapshot.lane;
        let settings = LaneSettings::new(study, snapshot.lane)?;
        let sizes = data.check(study.train_size, study.val_size);
        sizes.map_err(|error| ViewError::Question(error.to_string()))?;
        let training = data.train(study.train_size);
        let preprocessing = Preprocessing::of(settings.inputs, &training);
        let classes = data.classes().len();
        let build = || {
            let mut net = Network::new(settings.architecture.clone(), data.shape(), classes, settings.init, seed);
            net.load(&snapshot.weights).map(|()| net)
        };
        let engine = Engine::new(build()?, data.shape(), preprocessing.clone(), study.backend, study.threads);
        Ok(Self { net: build()?, engine, preprocessing, data, study: study.clone(), arm })
    }

    /// Answers a question. `should_stop` is asked now and then; if it returns true, the result is `None`.
    ///
    /// # Errors
    /// If the network has no such layer or unit, or the data no such image.
    pub fn view(&mut self, view: &View, should_stop: &mut dyn FnMut() -> bool) -> Result<Option<Seen>, ViewError> {
        Ok(match view {
            View::Filters => Some(filters::filters(self)),
            View::Maps { image } => Some(maps::maps(self, image)?),
            View::Histogram { split } => histogram::histogram(self, *split, should_stop),
            View::Units { split } => units::units(self, *split, should_stop),
            View::Gradients { split } => gradients::gradients(self, *split, should_stop),
            View::Confusion { split } => confusion::confusion(self, *split, should_stop),
            View::Mistakes { split } => mistakes::mistakes(self, *split, should_stop),
            View::Ask { image } => Some(ask::ask(self, image)?),
            View::Wants { layer, unit, split, seed } => wants::wants(self, *layer, *unit, *split, *seed, should_stop)?,
            View::Ablation { layer, split } => ablation::ablation(self, *layer, *split, should_stop)?,
        })
    }

    fn split(&self, split: ImageSplit) -> Split {
        match split {
            ImageSplit::Training => self.data.train(self.study.train_size),
            ImageSplit::Validation => self.data.validation(self.study.val_size),
            ImageSplit::Test => self.data.test().narrow(0, self.data.test().len()),
        }
    }

    /// The first images of a split.
    fn sample(&self, split: ImageSplit) -> Split {
        let split = self.split(split);
        split.narrow(0, SAMPLE.min(split.len()))
    }

    fn padding(&self) -> Padding {
        self.net.architecture.padding
    }

    /// Images as the network sees them: (length, channels, height, width).
    fn inputs(&self, split: &Split, start: i64, length: i64) -> Tensor {
        let pick: Vec<i64> = (start..start + length).collect();
        split.inputs(&pick, self.padding(), &self.preprocessing)
    }

    /// One image as stored, as the network sees it, and its class where it is known.
    fn image(&self, image: &ViewImage) -> Result<(SeenImage, Tensor, Option<u32>), ViewError> {
        let shape = self.data.shape();
        let (pixels, truth) = match image {
            ViewImage::Of { split, number } => {
                let of = self.split(*split);
                if i64::from(*number) >= of.len() {
                    let message = format!(
                        "there is no {} image {number}: they are counted from 0 to {}",
                        split.name(),
                        of.len() - 1
                    );
                    return Err(ViewError::Question(message));
                }
                let truth = of.labels.int64_value(&[i64::from(*number)]) as u32;
                (stored(&of, i64::from(*number)), Some(truth))
            }
            ViewImage::Pixels(pixels) if pixels.len() == shape.len() => (pixels.clone(), None),
            ViewImage::Pixels(pixels) => {
                let ImageShape { channels, height, width } = shape;
                let colours = if channels == 1 { "grey" } else { "RGB" };
                let message = format!(
                    "the image has {} values; the network's are of {width}x{height} {colours} pixels, {} values",
                    pixels.len(),
                    shape.len()
                );
                return Err(ViewError::Question(message));
            }
        };
        let x = Split::of_images(shape, &pixels).inputs(&[0], self.padding(), &self.preprocessing);
        Ok((SeenImage { shape: seen_shape(shape), pixels }, x, truth))
    }

    fn classes(&self) -> Vec<String> {
        self.data.classes().to_vec()
    }
}

/// An image of a split as it is stored: (height, width, channels).
fn stored(split: &Split, number: i64) -> Vec<u8> {
    let length = split.shape().len();
    split.pixels()[number as usize * length..][..length].to_vec()
}

fn seen_shape(shape: ImageShape) -> SeenShape {
    let ImageShape { channels, height, width } = shape;
    SeenShape { channels: channels as u32, height: height as u32, width: width as u32 }
}

/// The starts and lengths of the forward passes over so many images.
fn chunks(images: i64) -> impl Iterator<Item = (i64, i64)> {
    (0..images).step_by(CHUNK as usize).map(move |start| (start, CHUNK.min(images - start)))
}

/// A hidden layer's name as the metrics have it.
fn layer_of(hidden: &HiddenLayer) -> Option<Layer> {
    hidden.name.parse().ok()
}

/// All values of a tensor, row-major.
fn values(tensor: &Tensor) -> Vec<f32> {
    let flat = tensor.detach().to_kind(Kind::Float).contiguous().view(-1);
    let mut values = vec![0.0; flat.numel()];
    let count = values.len();
    flat.copy_data(&mut values, count);
    values
}

/// The hidden layer of this name, or what there is.
fn check_layer(net: &Network, images: &Tensor, wanted: Layer) -> Result<i64, ViewError> {
    let (hidden, _) = tch::no_grad(|| net.trace(images));
    let found = hidden.iter().find(|layer| layer_of(layer) == Some(wanted)).map(|layer| layer.y.size()[1]);
    found.ok_or_else(|| {
        let known: Vec<&str> = hidden.iter().map(|layer| layer.name).collect();
        ViewError::Question(format!("the network has no hidden layer {wanted}; it has {}", known.join(", ")))
    })
}
