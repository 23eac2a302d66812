//! What experiments need that train the lanes of a study: images of which CIFAR-10 may not be there, and the training.

use super::ExperimentError;
use super::bench::{Bench, Part};
use super::mlp::Trained;
use super::summary::{self, Absent};
use crate::data::{DataError, Dataset};
use crate::optim::Sgd;
use crate::train::{Descent, EpochEnd, LaneNetwork, LaneSettings, RatePlace, are_finite};
use datasets::SetError;
use protocol::{DataSource, Finding};
use std::ops::ControlFlow;
use std::sync::Arc;

/// CIFAR-10 if it is there, or else MNIST.
pub struct Images {
    pub source: DataSource,
    pub data: Arc<Dataset>,
    pub title: &'static str,
}

impl Images {
    pub fn load(bench: &Bench) -> Result<Self, ExperimentError> {
        match bench.data(&DataSource::Cifar10) {
            Ok(data) => Ok(Self { source: DataSource::Cifar10, data, title: "CIFAR-10" }),
            Err(ExperimentError::Data(DataError::Set(SetError::Absent { .. }) | DataError::Folder(_))) => {
                Ok(Self { source: DataSource::Mnist, data: bench.mnist()?, title: "MNIST" })
            }
            Err(error) => Err(error),
        }
    }

    /// Of which images the outcome is, and how to get CIFAR-10: 1 if it was there, else 0.
    pub fn finding(&self, key: &str) -> Finding {
        let is_cifar = self.source == DataSource::Cifar10;
        let said = if is_cifar {
            "measured on CIFAR-10"
        } else {
            "measured on MNIST, as CIFAR-10 is not there: `relu data cifar10` gets it, and then this cell can run again"
        };
        summary::exact(key, f64::from(u8::from(is_cifar)), said.into())
    }
}

/// Trains a lane to its last epoch, or until it diverges. `after_epoch` gets the training error of each epoch, in percent:
/// every image counts as the network saw it, before the step of its batch.
pub fn train_network(
    settings: &LaneSettings,
    network: &mut LaneNetwork,
    seed: u64,
    part: &Part,
    mut after_epoch: impl FnMut(f64),
) -> Result<Trained, ExperimentError> {
    let sgd = Sgd::new(settings.sgd, network.engine.net.names());
    let mut descent = Descent::new(sgd, seed, settings.train_size, settings.batch);
    let (batches, epochs) = (descent.batches(), settings.epochs);
    for epoch in 1..=epochs {
        let rate = |place| settings.learning_rate * (settings.schedule)(RatePlace { place, batches, epochs });
        let mut wrong = 0;
        let end = descent.epoch(network, epoch, 0, rate, |network, _, place, _, _| {
            wrong += network.wrong;
            let done = f64::from(epoch - 1) + f64::from(place.batch + 1) / f64::from(batches);
            match part.step(done / f64::from(epochs)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(error),
            }
        });
        match end {
            EpochEnd::Broken(error) => return Err(error),
            // The last step of an epoch may overflow although its loss was finite.
            EpochEnd::Done if are_finite(&network.engine.net.parameters) => {}
            EpochEnd::Done | EpochEnd::Diverged { .. } => return Ok(Err(Absent::Diverged { epoch })),
        }
        after_epoch(100.0 * wrong as f64 / f64::from(settings.train_size));
    }
    Ok(Ok(()))
}
