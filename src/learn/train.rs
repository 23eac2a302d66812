//! The training loop: epochs of shuffled batches, an error measured after each, an [`Observer`] told of everything.

use super::checkpoint::CheckpointError;
use super::data::{DataError, Dataset, Split};
use super::engine::Engine;
use super::evaluate::error_percent;
use super::machine;
use super::model::{LeNet4, PARAMETERS, WeightsError};
use super::observer::{Control, Ending, Environment, NamedTensor, Observer, Snapshot};
use super::optim::Sgd;
use super::random::{Purpose, Random};
use protocol::{Arm, ArmSettings, EpochRecord, Lane, Progress, RunSpec, SpecError};
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
    #[error("the study has no arm `{0}`")]
    NoSuchArm(Arm),
    #[error("LibTorch refused a step: {0}")]
    LibTorch(#[from] tch::TchError),
}

/// Trains one lane to its last epoch, from the start or from a snapshot, on the calling thread.
///
/// Same spec, same machine, same threads: same bits, however often it is stopped and resumed.
pub fn train_lane(
    spec: &RunSpec,
    lane: Lane,
    data: &Dataset,
    from: Option<&Snapshot>,
    observer: &mut dyn Observer,
) -> Result<Ending, TrainError> {
    spec.check()?;
    data.check(spec)?;
    machine::use_threads(spec.threads);
    let mut trainer = Trainer::new(spec, lane, data, from)?;
    observer.begins(&trainer.environment);
    while trainer.epochs_done < spec.epochs {
        if let Some(ending) = trainer.epoch(observer) {
            return Ok(ending);
        }
    }
    Ok(Ending::Finished)
}

/// One lane at work.
struct Trainer<'a> {
    spec: &'a RunSpec,
    settings: &'a ArmSettings,
    lane: Lane,
    train: Split,
    validation: Split,
    test: &'a Split,
    engine: Engine,
    sgd: Sgd,
    environment: Environment,
    epochs_done: u32,
    batches_done: u32,
    loss_sum: f64,
    epoch_seconds: f64,
    seconds: f64,
}

impl<'a> Trainer<'a> {
    fn new(spec: &'a RunSpec, lane: Lane, data: &'a Dataset, from: Option<&Snapshot>) -> Result<Self, TrainError> {
        let settings = spec.settings(lane.arm).ok_or(TrainError::NoSuchArm(lane.arm))?;
        let net = LeNet4::new(settings.activations, (&settings.widths).into(), lane.seed);
        let engine = Engine::new(net, spec.backend, spec.threads);
        let environment = machine::environment(spec, data, engine.name());
        let mut trainer = Self {
            spec,
            settings,
            lane,
            train: data.train(spec),
            validation: data.validation(spec),
            test: data.test(),
            engine,
            sgd: Sgd::new(settings.learning_rate, settings.momentum),
            environment,
            epochs_done: 0,
            batches_done: 0,
            loss_sum: 0.0,
            epoch_seconds: 0.0,
            seconds: 0.0,
        };
        if let Some(snapshot) = from {
            trainer.restore(snapshot)?;
        }
        Ok(trainer)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), TrainError> {
        if snapshot.lane != self.lane {
            return Err(TrainError::OtherLane { found: snapshot.lane, expected: self.lane });
        }
        let net = LeNet4::from_weights(self.settings.activations, (&self.settings.widths).into(), &snapshot.weights)?;
        self.engine = Engine::new(net, self.spec.backend, self.spec.threads);
        self.sgd.restore(&snapshot.velocity, &PARAMETERS, &self.engine.net.parameters)?;
        self.epochs_done = snapshot.epochs_done;
        self.batches_done = snapshot.batches_done;
        self.loss_sum = snapshot.loss_sum;
        self.epoch_seconds = snapshot.epoch_seconds;
        self.seconds = snapshot.seconds;
        Ok(())
    }

    /// The rest of the epoch under way. `Some` if the lane ends in it.
    fn epoch(&mut self, observer: &mut dyn Observer) -> Option<Ending> {
        let (batch, images) = (self.settings.batch, self.spec.train_size);
        let number = self.epochs_done + 1;
        let order = Random::new(self.lane.seed, Purpose::Shuffle { epoch: number }).permutation(images);
        let batches = self.settings.batches(images);
        let session = Instant::now();
        let (before, first) = (self.epoch_seconds, self.batches_done);
        while self.batches_done < batches {
            let start = self.batches_done * batch;
            let size = batch.min(images - start);
            let loss = self.step(&order[start as usize..][..size as usize]);
            if !loss.is_finite() {
                return Some(Ending::Diverged { epoch: number, batch: self.batches_done });
            }
            self.loss_sum += loss * f64::from(size);
            self.batches_done += 1;
            self.epoch_seconds = before + session.elapsed().as_secs_f64();
            let done = f64::from((self.batches_done - first) * batch);
            let progress = Progress {
                arm: self.lane.arm,
                seed: self.lane.seed,
                epoch: number,
                batch: self.batches_done,
                batches,
                images_per_second: done / (self.epoch_seconds - before).max(1e-9),
                seconds: self.seconds + self.epoch_seconds,
            };
            match observer.poll(&progress) {
                Control::Continue => {}
                Control::Checkpoint | Control::Stop if !self.is_finite() => {
                    return Some(Ending::Diverged { epoch: number, batch: self.batches_done });
                }
                Control::Checkpoint => observer.checkpoint(&self.snapshot()),
                Control::Stop => {
                    observer.checkpoint(&self.snapshot());
                    return Some(Ending::Stopped);
                }
            }
        }
        // The last step may overflow though its loss did not: what such a network answers is no measurement.
        if !self.is_finite() {
            return Some(Ending::Diverged { epoch: number, batch: batches - 1 });
        }
        let Some(record) = self.close_epoch(number, observer) else {
            observer.checkpoint(&self.snapshot());
            return Some(Ending::Stopped);
        };
        match observer.epoch(&record, &self.snapshot()) {
            Control::Stop if self.epochs_done < self.spec.epochs => Some(Ending::Stopped),
            _ => None,
        }
    }

    /// Measures the epoch that has just been trained; `None` if told to stop meanwhile.
    fn close_epoch(&mut self, number: u32, observer: &mut dyn Observer) -> Option<EpochRecord> {
        let evaluation = Instant::now();
        let mut error = |split| error_percent(split, |pick| self.engine.logits(split, pick), || observer.should_stop());
        let (val_error, test_error) = (error(&self.validation)?, error(self.test)?);
        let seconds = self.epoch_seconds + evaluation.elapsed().as_secs_f64();
        let record = EpochRecord {
            arm: self.lane.arm,
            seed: self.lane.seed,
            epoch: number,
            train_loss: self.loss_sum / f64::from(self.spec.train_size),
            val_error,
            test_error,
            seconds,
            images_per_second: f64::from(self.spec.train_size) / self.epoch_seconds.max(1e-9),
        };
        self.seconds += seconds;
        self.epochs_done = number;
        (self.batches_done, self.loss_sum, self.epoch_seconds) = (0, 0.0, 0.0);
        Some(record)
    }

    /// One step of gradient descent on one batch; returns its mean loss. A loss that is not finite changes nothing.
    fn step(&mut self, pick: &[i64]) -> f64 {
        let labels = self.train.labels.index_select(0, &Tensor::from_slice(pick)); // (batch)
        let logits = self.engine.logits(&self.train, pick); // (batch, 10)
        let loss = logits.cross_entropy_for_logits(&labels);
        let value = loss.double_value(&[]);
        if value.is_finite() {
            let gradients = self.engine.gradients(&loss);
            self.sgd.step(&mut self.engine.net.parameters, &gradients);
        }
        value
    }

    /// Whether every weight and every velocity is finite; a checkpoint holds no others.
    fn is_finite(&self) -> bool {
        let finite = |tensor: &NamedTensor| tensor.values.iter().all(|value| value.is_finite());
        self.engine.net.weights().iter().chain(&self.sgd.state(&PARAMETERS)).all(finite)
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            lane: self.lane,
            epochs_done: self.epochs_done,
            batches_done: self.batches_done,
            loss_sum: self.loss_sum,
            epoch_seconds: self.epoch_seconds,
            seconds: self.seconds,
            weights: self.engine.net.weights(),
            velocity: self.sgd.state(&PARAMETERS),
            environment: self.environment.clone(),
        }
    }
}
