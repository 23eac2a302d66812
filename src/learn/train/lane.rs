//! A lane of a run: epochs of training, each followed by an evaluation, reported to an [`Observer`].

use super::descent::{BatchPlace, Descent, EpochEnd, Objective};
use super::layer_metrics::measure_layers;
use super::settings::{LaneSettings, RatePlace};
use crate::checkpoint::CheckpointError;
use crate::data::{Augmentation, DataError, Dataset, Split};
use crate::engine::Engine;
use crate::evaluate::{count_wrong, evaluate};
use crate::machine;
use crate::network::{Mode, Network, WeightsError};
use crate::observer::{Control, Ending, Environment, NamedTensor, Observer, Snapshot};
use crate::optim::Sgd;
use crate::random::{Purpose, Random};
use protocol::{EpochRecord, Lane, Metric, Progress, SpecError, Study, WrongImages};
use std::ops::ControlFlow;
use std::time::Instant;
use tch::Tensor;

/// Why a lane can't be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error(transparent)]
    Spec(#[from] SpecError),
    #[error(transparent)]
    Data(#[from] DataError),
    #[error("the checkpoint does not fit this run: {0}")]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("the checkpoint belongs to the lane {found}, not to {expected}")]
    OtherLane { found: Lane, expected: Lane },
    #[error("LibTorch refused a step: {0}")]
    LibTorch(#[from] tch::TchError),
}

/// Trains one lane of a run to its last epoch, from the start or from a snapshot, on the calling thread.
///
/// The same study on the same machine with the same threads gives the same bits, however often it is stopped and
/// resumed.
pub fn train_lane(
    spec: &Study,
    lane: Lane,
    data: &Dataset,
    from: Option<&Snapshot>,
    observer: &mut dyn Observer,
) -> Result<Ending, TrainError> {
    spec.check()?;
    train(&LaneSettings::new(spec, lane)?, lane, data, from, observer)
}

/// The same with given settings.
pub fn train(
    settings: &LaneSettings,
    lane: Lane,
    data: &Dataset,
    from: Option<&Snapshot>,
    observer: &mut dyn Observer,
) -> Result<Ending, TrainError> {
    settings.check(data)?;
    machine::use_threads(settings.threads);
    let mut trainer = Trainer::new(settings, lane, data, from)?;
    observer.training_started(&trainer.run.environment);
    while trainer.progress.epochs_done < settings.epochs {
        if let Some(ending) = trainer.epoch(observer) {
            return Ok(ending);
        }
    }
    Ok(Ending::Finished)
}

/// One lane in training.
struct Trainer<'a> {
    run: LaneRun<'a>,
    network: LaneNetwork,
    descent: Descent,
    progress: TrainingProgress,
}

/// What does not change.
struct LaneRun<'a> {
    settings: &'a LaneSettings,
    lane: Lane,
    validation: Split,
    test: &'a Split,
    environment: Environment,
}

/// The network and what it learns from.
pub(crate) struct LaneNetwork {
    pub engine: Engine,
    train: Split,
    augmentation: Augmentation,
    seed: u64,
    /// Images of the last batch that were misclassified.
    pub wrong: i64,
}

impl LaneNetwork {
    /// A network that learns from the first training images of a data set.
    pub fn new(settings: &LaneSettings, net: Network, data: &Dataset, seed: u64) -> Self {
        let train = data.train(settings.train_size);
        let preprocessing = data.preprocessing(settings.inputs, settings.train_size);
        let engine = Engine::new(net, data.shape(), preprocessing, settings.backend, settings.threads);
        Self { engine, train, augmentation: settings.augmentation, seed, wrong: 0 }
    }
}

/// The progress of a lane.
#[derive(Clone, Copy)]
struct TrainingProgress {
    epochs_done: u32,
    batches_done: u32,
    loss_sum: f64,
    /// Training images of the epoch that were misclassified, each before its batch's step; `None` if an earlier
    /// version, which did not count them, trained a part of the epoch.
    wrong: Option<i64>,
    epoch_seconds: f64,
    seconds: f64,
}

impl TrainingProgress {
    /// The state before an epoch.
    fn at(epochs_done: u32, seconds: f64) -> Self {
        Self { epochs_done, batches_done: 0, loss_sum: 0.0, wrong: Some(0), epoch_seconds: 0.0, seconds }
    }
}

impl Objective for LaneNetwork {
    fn loss(&mut self, pick: &[i64], place: BatchPlace) -> Tensor {
        let labels = self.train.labels.index_select(0, &Tensor::from_slice(pick)); // (batch)
        let BatchPlace { epoch, batch } = place;
        let mut noise = Random::new(self.seed, Purpose::BatchNoise { epoch, batch });
        let mut random = Random::new(self.seed, Purpose::Augmentation { epoch, batch });
        let transforms = self.augmentation.draw(pick.len(), &mut random);
        let mode = Mode::Training(&mut noise);
        let logits = self.engine.transformed_logits(&self.train, pick, &transforms, mode); // (batch, classes)
        self.wrong = tch::no_grad(|| count_wrong(&logits, &labels));
        logits.cross_entropy_for_logits(&labels)
    }

    fn gradients(&mut self, loss: &Tensor) -> Vec<Tensor> {
        self.engine.gradients(loss)
    }

    fn parameters(&mut self) -> &mut [Tensor] {
        &mut self.engine.net.parameters
    }
}

impl<'a> Trainer<'a> {
    fn new(
        settings: &'a LaneSettings,
        lane: Lane,
        data: &'a Dataset,
        from: Option<&Snapshot>,
    ) -> Result<Self, TrainError> {
        let mut net = settings.network(data.shape(), data.classes().len(), lane.seed);
        if let Some(snapshot) = from {
            if snapshot.lane != lane {
                return Err(TrainError::OtherLane { found: snapshot.lane, expected: lane });
            }
            net.load(&snapshot.weights)?;
        }
        let network = LaneNetwork::new(settings, net, data, lane.seed);
        let engine = &network.engine;
        let environment = machine::environment(settings.threads, data, engine.name());
        let sgd = Sgd::new(settings.sgd, engine.net.names());
        let mut descent = Descent::new(sgd, lane.seed, settings.train_size, settings.batch);
        let mut progress = TrainingProgress::at(0, 0.0);
        if let Some(snapshot) = from {
            descent.sgd.restore(&snapshot.velocity, &engine.net.parameters)?;
            progress = TrainingProgress {
                epochs_done: snapshot.epochs_done,
                batches_done: snapshot.batches_done,
                loss_sum: snapshot.loss_sum,
                wrong: if snapshot.batches_done == 0 { Some(0) } else { snapshot.wrong },
                epoch_seconds: snapshot.epoch_seconds,
                seconds: snapshot.seconds,
            };
        }
        let validation = data.validation(settings.val_size);
        let run = LaneRun { settings, lane, validation, test: data.test(), environment };
        Ok(Self { run, network, descent, progress })
    }

    /// Trains the rest of the current epoch. `Some` if the lane ends in it.
    fn epoch(&mut self, observer: &mut dyn Observer) -> Option<Ending> {
        let Self { run, network, descent, progress } = self;
        let number = progress.epochs_done + 1;
        let (batches, epochs) = (descent.batches(), run.settings.epochs);
        let session = Instant::now();
        let (before, first) = (progress.epoch_seconds, progress.batches_done);
        let base = observer.learning_rate(number, run.settings.learning_rate);
        let rate = |place| base * (run.settings.schedule)(RatePlace { place, batches, epochs });
        let after = |network: &mut LaneNetwork, sgd: &Sgd, place: BatchPlace, images: u32, loss: f64| {
            progress.loss_sum += loss * f64::from(images);
            progress.wrong = progress.wrong.map(|wrong| wrong + network.wrong);
            progress.batches_done = place.batch + 1;
            progress.epoch_seconds = before + session.elapsed().as_secs_f64();
            let done = f64::from((progress.batches_done - first) * run.settings.batch);
            let report = Progress {
                arm: run.lane.arm,
                seed: run.lane.seed,
                epoch: number,
                batch: progress.batches_done,
                batches,
                images_per_second: done / (progress.epoch_seconds - before).max(1e-9),
                seconds: progress.seconds + progress.epoch_seconds,
            };
            match observer.poll(&report) {
                Control::Continue => ControlFlow::Continue(()),
                Control::Checkpoint | Control::Stop if !is_finite(network, sgd) => {
                    ControlFlow::Break(Ending::Diverged { epoch: number, batch: progress.batches_done })
                }
                Control::Checkpoint => {
                    observer.checkpoint(&snapshot(run, network, sgd, progress));
                    ControlFlow::Continue(())
                }
                Control::Stop => {
                    observer.checkpoint(&snapshot(run, network, sgd, progress));
                    ControlFlow::Break(Ending::Stopped)
                }
            }
        };
        match descent.epoch(network, number, first, rate, after) {
            EpochEnd::Done => {}
            EpochEnd::Diverged { batch } => return Some(Ending::Diverged { epoch: number, batch }),
            EpochEnd::Broken(ending) => return Some(ending),
        }
        // The last step may overflow although its loss was finite, and the output of such a network is no measurement.
        if !is_finite(network, &descent.sgd) {
            return Some(Ending::Diverged { epoch: number, batch: batches - 1 });
        }
        let Some((record, wrong)) = self.close_epoch(number, observer) else {
            observer.checkpoint(&self.snapshot());
            return Some(Ending::Stopped);
        };
        match observer.epoch(&record, &wrong, &self.snapshot()) {
            Control::Stop if self.progress.epochs_done < epochs => Some(Ending::Stopped),
            _ => None,
        }
    }

    /// Evaluates the epoch that has just been trained; `None` if the lane was stopped meanwhile.
    fn close_epoch(&mut self, number: u32, observer: &mut dyn Observer) -> Option<(EpochRecord, WrongImages)> {
        let Self { run, network, progress, .. } = self;
        let evaluation = Instant::now();
        let mut evaluate = |split| {
            let logits = |pick: &[i64]| network.engine.logits(split, pick, Mode::Evaluation);
            evaluate(split, logits, || observer.should_stop())
        };
        let (val, test) = (evaluate(&run.validation)?, evaluate(run.test)?);
        let layers = measure_layers(&network.engine.net, &run.validation, &network.engine.preprocessing);
        let seconds = progress.epoch_seconds + evaluation.elapsed().as_secs_f64();
        let train_size = f64::from(run.settings.train_size);
        let whole = [
            (Metric::TrainLoss, progress.loss_sum / train_size),
            (Metric::ValError, val.error),
            (Metric::TestError, test.error),
            (Metric::Seconds, seconds),
            (Metric::ImagesPerSecond, train_size / progress.epoch_seconds.max(1e-9)),
            (Metric::ValLoss, val.loss),
            (Metric::TestLoss, test.loss),
        ];
        let train_error = progress.wrong.map(|wrong| (Metric::TrainError, 100.0 * wrong as f64 / train_size));
        let mut record = EpochRecord::new(run.lane, number, whole.into_iter().chain(train_error));
        record.measured.extend(layers);
        let seconds = progress.seconds + seconds;
        *progress = TrainingProgress::at(number, seconds);
        Some((record, WrongImages { validation: val.wrong, test: test.wrong }))
    }

    fn snapshot(&self) -> Snapshot {
        snapshot(&self.run, &self.network, &self.descent.sgd, &self.progress)
    }
}

/// Whether every weight and every velocity is finite; a checkpoint holds no others.
fn is_finite(network: &LaneNetwork, sgd: &Sgd) -> bool {
    let finite = |tensor: &NamedTensor| tensor.values.iter().all(|value| value.is_finite());
    let net = &network.engine.net;
    net.weights().iter().chain(&sgd.state()).all(finite)
}

fn snapshot(run: &LaneRun, network: &LaneNetwork, sgd: &Sgd, progress: &TrainingProgress) -> Snapshot {
    let net = &network.engine.net;
    Snapshot {
        lane: run.lane,
        epochs_done: progress.epochs_done,
        batches_done: progress.batches_done,
        loss_sum: progress.loss_sum,
        wrong: progress.wrong,
        epoch_seconds: progress.epoch_seconds,
        seconds: progress.seconds,
        weights: net.weights(),
        velocity: sgd.state(),
        environment: run.environment.clone(),
    }
}
