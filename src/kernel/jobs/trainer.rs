//! What the kernel needs of `learn`, as a trait, so that tests can use a trainer that panics, diverges or waits.

use crate::lock;
use learn::data::{Requested, fit_sizes};
use learn::{DataError, Dataset, Ending, Observer, Snapshot, checkpoint, experiment, machine, train_lane};
use protocol::{DataSource, ExperimentSpec, Lane, Outcome, Study};
use std::sync::{Arc, Mutex, Weak};

pub(crate) use learn::experiment::CellObserver;

pub(crate) trait Trainer: Send + Sync {
    /// Trains one lane, from a snapshot or from its beginning.
    fn train(
        &self,
        spec: &Study,
        lane: Lane,
        from: Option<&Snapshot>,
        observer: &mut dyn Observer,
    ) -> Result<Ending, String>;

    /// Measures a cell of a lesson.
    fn experiment(&self, spec: &ExperimentSpec, observer: &mut dyn CellObserver) -> Result<Outcome, String>;

    /// Reduces the numbers of images that come from the preset, not from the request, to what the data set has. Returns
    /// the data, which is not read again while it is held.
    ///
    /// # Errors
    /// If the data can't be read, or has fewer images than were asked for.
    fn fit_to_data(&self, _spec: &mut Study) -> Result<Option<Arc<Dataset>>, String> {
        Ok(None)
    }
}

/// The real trainer. Call this before other threads are started.
pub(crate) fn libtorch() -> Box<dyn Trainer> {
    machine::prepare();
    Box::new(LibTorch::default())
}

#[derive(Default)]
struct LibTorch {
    data: DataCache,
    cache: experiment::Cache,
}

impl Trainer for LibTorch {
    fn train(
        &self,
        spec: &Study,
        lane: Lane,
        from: Option<&Snapshot>,
        observer: &mut dyn Observer,
    ) -> Result<Ending, String> {
        let data = self.data.load(&spec.data).map_err(|error| error.to_string())?;
        train_lane(spec, lane, &data, from, observer).map_err(|error| error.to_string())
    }

    fn experiment(&self, spec: &ExperimentSpec, observer: &mut dyn CellObserver) -> Result<Outcome, String> {
        let context = experiment::Context { data: &|source| self.data.load(source), cache: &self.cache };
        experiment::run(spec, &context, observer).map_err(|error| error.to_string())
    }

    fn fit_to_data(&self, spec: &mut Study) -> Result<Option<Arc<Dataset>>, String> {
        if spec.data == DataSource::Mnist {
            return Ok(None);
        }
        let data = self.data.load(&spec.data).map_err(|error| error.to_string())?;
        let preset = Study::of(spec.preset);
        // A preset's numbers are exact for its own data set.
        let is_own = spec.data == preset.data;
        let asked = |size, usual| {
            if size == usual && !is_own { Requested::AtMost(size) } else { Requested::Exactly(size) }
        };
        let (train, val) = (asked(spec.train_size, preset.train_size), asked(spec.val_size, preset.val_size));
        let sizes = fit_sizes(data.split_sizes(), train, val).map_err(|error| error.to_string())?;
        (spec.train_size, spec.val_size) = (sizes.train, sizes.val);
        let batch = preset.first_settings().batch;
        for arm in spec.arms.iter_mut().filter(|arm| arm.settings.batch == batch) {
            arm.settings.batch = batch.min(sizes.train);
        }
        Ok(Some(data))
    }
}

/// Data sets in use. Each is loaded once, shared by all lanes, and freed when the last user drops it.
#[derive(Default)]
struct DataCache {
    loaded: Mutex<Vec<(DataSource, Weak<Dataset>)>>,
}

impl DataCache {
    /// Loads under the lock, so that two lanes that start together load once.
    fn load(&self, source: &DataSource) -> Result<Arc<Dataset>, DataError> {
        let mut loaded = lock(&self.loaded);
        loaded.retain(|(_, data)| data.strong_count() > 0);
        let known = loaded.iter().find(|(known, _)| known == source).and_then(|(_, data)| data.upgrade());
        if let Some(data) = known {
            return Ok(data);
        }
        let data = Arc::new(Dataset::load(source)?);
        loaded.push((source.clone(), Arc::downgrade(&data)));
        Ok(data)
    }
}

/// Encodes a snapshot as the bytes of a checkpoint file.
pub(crate) fn encode(spec: &Study, snapshot: &Snapshot) -> Result<Vec<u8>, String> {
    checkpoint::encode(snapshot, spec).map_err(|error| error.to_string())
}

/// Decodes a checkpoint file and checks its digest, names, shapes and values.
pub(crate) fn decode(bytes: &[u8]) -> Result<(Snapshot, Study), String> {
    checkpoint::decode(bytes).map_err(|error| error.to_string())
}
