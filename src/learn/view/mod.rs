//! Views: what can be seen in a trained network. Each is a function of a checkpoint, of data and of a question, in a file
//! of its own; none touches the training. LibTorch computes them, except for answers to a whole split, which the engine
//! that trained the network gives, so that they are those that the run has recorded. Where units are changed (`surgery`),
//! LibTorch computes these too.

mod ablation;
mod answers;
mod ask;
mod confusion;
mod filters;
mod gradients;
mod histogram;
mod maps;
mod mistakes;
mod products;
mod surgery;
mod units;
mod wants;

use crate::data::{ImageShape, Padding, Preprocessing, Split};
use crate::network::{HiddenLayer, Network, WeightsError};
use crate::train::LaneSettings;
use crate::{Dataset, Engine, Snapshot};
use protocol::{ImageSplit, Layer, Seen, SeenImage, SeenShape, SpecError, Study, UnitChange, View, ViewImage};
use tch::{Kind, Tensor};

/// Images of a split that a view of the hidden layers looks at: enough for a share of a percent, and few enough for the
/// convnet to answer at once.
const SAMPLE: i64 = 1000;

/// Pixels that a view with a backward pass looks at, those of 250 digits or of 63 photographs of CIFAR-10: a reader moves
/// through the epochs, and waits for each.
const BACKWARD_PIXELS: i64 = 250 * 784;

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
    preprocessing: Preprocessing,
    data: &'d Dataset,
    study: Study,
    arm: protocol::ArmId,
    /// Whether the network is that of the checkpoint.
    is_unchanged: bool,
}

impl<'d> Subject<'d> {
    /// The network of a checkpoint, with these changes made in their order.
    ///
    /// # Errors
    /// If the data set has fewer images than the study asks for, the checkpoint is of another network, or the network has
    /// no such unit.
    pub fn new(
        snapshot: &Snapshot,
        study: &Study,
        data: &'d Dataset,
        changes: &[UnitChange],
    ) -> Result<Self, ViewError> {
        let arm = snapshot.lane.arm;
        let settings = LaneSettings::new(study, snapshot.lane)?;
        let sizes = data.check(study.train_size, study.val_size);
        sizes.map_err(|error| ViewError::Question(error.to_string()))?;
        let preprocessing = data.preprocessing(settings.inputs, study.train_size);
        let classes = data.classes().len();
        let net = Network::of_weights(settings.architecture, data.shape(), classes, &snapshot.weights)?;
        let is_unchanged = changes.is_empty();
        let mut subject = Self { net, preprocessing, data, study: study.clone(), arm, is_unchanged };
        surgery::apply(&mut subject, changes)?;
        Ok(subject)
    }

    /// Answers a question. `should_stop` is asked now and then; if it returns true, the result is `None`.
    ///
    /// # Errors
    /// If the network has no such layer or unit, or the data no such image.
    pub fn view(&self, view: &View, should_stop: &mut dyn FnMut() -> bool) -> Result<Option<Seen>, ViewError> {
        Ok(match view {
            View::Filters => Some(filters::filters(self)),
            View::Maps { image } => Some(maps::maps(self, image)?),
            View::Histogram { split } => histogram::histogram(self, *split, should_stop),
            View::Units { split } => units::units(self, *split, should_stop),
            View::Gradients { split } => gradients::gradients(self, *split, should_stop),
            View::Confusion { split } => confusion::confusion(self, *split, should_stop),
            View::Mistakes { split } => mistakes::mistakes(self, *split, should_stop),
            View::Ask { image } => Some(ask::ask(self, image)?),
            View::Answers { images } => answers::answers(self, images, should_stop)?,
            View::Products { image, layer, unit, row, column } => {
                Some(products::products(self, image, *layer, *unit, [*row, *column])?)
            }
            View::Wants { layer, unit, split, seed } => wants::wants(self, *layer, *unit, *split, *seed, should_stop)?,
            View::Ablation { layer, split } => ablation::ablation(self, *layer, *split, should_stop)?,
        })
    }

    /// The engine that trained the network: of an unchanged one, because the fused kernels know no changes. It is built
    /// for the views that need it alone; its copy of the weights and its buffers take longer than a small view.
    fn engine(&self) -> Option<Engine> {
        let Study { backend, threads, .. } = self.study;
        let build = || Engine::new(self.net.copy(), self.data.shape(), self.preprocessing.clone(), backend, threads);
        self.is_unchanged.then(build)
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
        self.first(split, SAMPLE)
    }

    /// Those that a view with a backward pass looks at.
    fn backward_sample(&self, split: ImageSplit) -> Split {
        self.first(split, (BACKWARD_PIXELS as f64 / self.data.shape().len() as f64).round() as i64)
    }

    fn first(&self, split: ImageSplit, count: i64) -> Split {
        let split = self.split(split);
        split.narrow(0, count.min(split.len()))
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
            ViewImage::Pixels(pixels) => {
                self.check_pixels("the image", pixels)?;
                (pixels.clone(), None)
            }
        };
        let x = Split::of_images(shape, &pixels).inputs(&[0], self.padding(), &self.preprocessing);
        Ok((SeenImage { shape: seen_shape(shape), pixels }, x, truth))
    }

    /// Whether an image, named so, has the data set's size.
    fn check_pixels(&self, name: &str, pixels: &[u8]) -> Result<(), ViewError> {
        let shape = self.data.shape();
        if pixels.len() == shape.len() {
            return Ok(());
        }
        let ImageShape { channels, height, width } = shape;
        let colours = if channels == 1 { "grey" } else { "RGB" };
        Err(ViewError::Question(format!(
            "{name} has {} values; the network's are of {width}x{height} {colours} pixels, {} values",
            pixels.len(),
            shape.len()
        )))
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

/// The number of units of a layer among these, or a sentence that lists them. `what` they are is named in it.
fn check_layer(known: &[(&str, i64)], what: &str, wanted: Layer) -> Result<i64, ViewError> {
    let name = wanted.to_string();
    let found = known.iter().find(|(known, _)| *known == name).map(|(_, units)| *units);
    found.ok_or_else(|| {
        let known: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        ViewError::Question(format!("the network has no {what} {wanted}; it has {}", known.join(", ")))
    })
}

/// Whether a layer with so many units has this one.
fn check_unit(layer: Layer, unit: u32, units: i64) -> Result<(), ViewError> {
    if i64::from(unit) < units {
        return Ok(());
    }
    let message = format!("{layer} has no unit {unit}: they are counted from 0 to {}", units - 1);
    Err(ViewError::Question(message))
}
