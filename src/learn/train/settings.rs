//! The settings of a lane. [`LaneSettings::new`] is the only place that reads them from a run's study.

use super::descent::BatchPlace;
use crate::data::{Augmentation, DataError, Dataset, ImageShape};
use crate::network::{Architecture, Network};
use crate::optim::SgdSettings;
use protocol::{Backend, Init, Inputs, Lane, SpecError, StepPlace, Study};

/// The position of a step in a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatePlace {
    pub place: BatchPlace,
    /// Batches per epoch.
    pub batches: u32,
    pub epochs: u32,
}

/// Everything that determines a lane's numbers besides its seed and its data.
pub struct LaneSettings {
    pub architecture: Architecture,
    pub init: Init,
    pub inputs: Inputs,
    /// Of training images only.
    pub augmentation: Augmentation,
    pub sgd: SgdSettings,
    /// The base rate. An observer may steer it, see [`crate::Observer::learning_rate`].
    pub learning_rate: f64,
    /// The factor by which each step's rate differs from the base.
    pub schedule: Box<dyn Fn(RatePlace) -> f64 + Send + Sync>,
    pub batch: u32,
    pub epochs: u32,
    /// The number of training images, from the start of the training file.
    pub train_size: u32,
    /// The number of validation images, from the end of the training file.
    pub val_size: u32,
    pub threads: u32,
    pub backend: Backend,
}

impl LaneSettings {
    /// The settings of a lane of this study.
    ///
    /// # Errors
    /// If the study has no such arm, or the arm's widths are not its network's.
    pub fn new(spec: &Study, lane: Lane) -> Result<Self, SpecError> {
        let fault = |field, message| SpecError { field, message };
        let settings = spec.settings(lane.arm).ok_or_else(|| fault("arms", format!("there is no {}", lane.arm)))?;
        let widths = settings.widths.0.as_slice();
        let wrong = || fault("widths", format!("{} are not those of {}", settings.widths, spec.network));
        let (activations, dropout) = (settings.activations, settings.dropout);
        let mut architecture = match spec.network {
            protocol::Network::Lenet4 => {
                Architecture::lenet4(widths.try_into().map_err(|_| wrong())?, activations, dropout)
            }
            protocol::Network::Mlp => Architecture::mlp(widths, activations.fc, dropout),
            protocol::Network::Convnet => {
                Architecture::convnet(widths.try_into().map_err(|_| wrong())?, activations, dropout)
            }
        };
        architecture.normalise(settings.norm);
        let (schedule, warmup) = (settings.schedule, settings.warmup);
        let factor = move |RatePlace { place, batches, epochs }: RatePlace| {
            let step = u64::from(place.epoch - 1) * u64::from(batches) + u64::from(place.batch);
            schedule.factor(warmup, StepPlace { step, steps_per_epoch: batches, epochs })
        };
        Ok(Self {
            architecture,
            init: settings.init,
            inputs: settings.inputs,
            augmentation: Augmentation { flip: settings.flip, crop: settings.crop },
            sgd: SgdSettings::of(settings),
            learning_rate: settings.learning_rate,
            schedule: Box::new(factor),
            batch: settings.batch,
            epochs: spec.epochs,
            train_size: spec.train_size,
            val_size: spec.val_size,
            threads: spec.threads,
            backend: spec.backend,
        })
    }

    /// The network of a seed before training.
    pub fn network(&self, images: ImageShape, classes: usize, seed: u64) -> Network {
        Network::new(self.architecture.clone(), images, classes, self.init, seed)
    }

    /// Whether the splits fit into a data set without overlap.
    pub fn check(&self, data: &Dataset) -> Result<(), DataError> {
        data.check(self.train_size, self.val_size)
    }
}
