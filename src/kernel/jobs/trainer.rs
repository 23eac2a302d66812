//! What the kernel needs of `learn`, as a trait, so that tests can use a trainer that panics, diverges or waits.

use crate::lock;
use learn::data::{Requested, fit_sizes};
use learn::view::Subject;
use learn::{DataError, Dataset, Ending, Observer, Snapshot, checkpoint, experiment, machine, train_lane};
use protocol::{DataSource, ExperimentSpec, Lane, Outcome, Seen, Study, ViewRequest};
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

    /// Looks into a trained network, with the request's changes made to it. `None` if `should_stop` has returned true.
    ///
    /// # Errors
    /// If the data can't be read, or the question does not fit the network; a sentence.
    fn view(
        &self,
        _snapshot: &Snapshot,
        _study: &Study,
        _request: &ViewRequest,
        _should_stop: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Seen>, String> {
        Err("this trainer has nothing to show".into())
    }

    /// Reduces the numbers of images that come from the preset, not from the request, to what the data set has. Returns
    /// the data if it had to be read for that; it is not read again while it is held.
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
    /// The data of the last view, with the preprocessing that it has computed.
    viewed: Mutex<Option<Arc<Dataset>>>,
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

    fn view(
        &self,
        snapshot: &Snapshot,
        study: &Study,
        request: &ViewRequest,
        should_stop: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Seen>, String> {
        let data = self.data.load(&study.data).map_err(|error| error.to_string())?;
        // The next view is of the same data as a rule.
        *lock(&self.viewed) = Some(Arc::clone(&data));
        let subject = Subject::new(snapshot, study, &data, &request.changes).map_err(|error| error.to_string())?;
        subject.view(&request.view, should_stop).map_err(|error| error.to_string())
    }

    fn fit_to_data(&self, spec: &mut Study) -> Result<Option<Arc<Dataset>>, String> {
        if spec.data == DataSource::Mnist {
            return Ok(None);
        }
        // A published set is read and checked by the lanes' own threads, while the kernel answers.
        let (data, available) = if let Some(sizes) = Dataset::published_sizes(&spec.data) {
            (None, sizes)
        } else {
            let data = self.data.load(&spec.data).map_err(|error| error.to_string())?;
            let sizes = data.split_sizes();
            (Some(data), sizes)
        };
        let preset = Study::of(spec.preset);
        // A preset's numbers are exact for its own data set.
        let is_own = spec.data == preset.data;
        let asked = |size, usual| {
            if size == usual && !is_own { Requested::AtMost(size) } else { Requested::Exactly(size) }
        };
        let (train, val) = (asked(spec.train_size, preset.train_size), asked(spec.val_size, preset.val_size));
        let sizes = fit_sizes(available, train, val).map_err(|error| error.to_string())?;
        (spec.train_size, spec.val_size) = (sizes.train, sizes.val);
        let batch = preset.first_settings().batch;
        for arm in spec.arms.iter_mut().filter(|arm| arm.settings.batch == batch) {
            arm.settings.batch = batch.min(sizes.train);
        }
        Ok(data)
    }
}

/// A data set, held while it is loaded.
type CacheEntry = Arc<Mutex<Weak<Dataset>>>;

/// Data sets in use. Each is loaded once, shared by all lanes, and freed when the last user drops it.
#[derive(Default)]
struct DataCache {
    loaded: Mutex<Vec<(DataSource, CacheEntry)>>,
}

impl DataCache {
    /// Loads under the source's own lock, so that two lanes that start together load once, and others load meanwhile.
    fn load(&self, source: &DataSource) -> Result<Arc<Dataset>, DataError> {
        let entry = self.entry(source);
        let mut held = lock(&entry);
        if let Some(data) = held.upgrade() {
            return Ok(data);
        }
        let data = Arc::new(Dataset::load(source)?);
        *held = Arc::downgrade(&data);
        Ok(data)
    }

    fn entry(&self, source: &DataSource) -> CacheEntry {
        let mut loaded = lock(&self.loaded);
        // Those that no lane has or waits for.
        loaded.retain(|(_, entry)| Arc::strong_count(entry) > 1 || lock(entry).strong_count() > 0);
        if let Some((_, entry)) = loaded.iter().find(|(known, _)| known == source) {
            return Arc::clone(entry);
        }
        let entry = Arc::default();
        loaded.push((source.clone(), Arc::clone(&entry)));
        entry
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

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Preset;

    /// Whether CIFAR-10 is there or not.
    #[test]
    fn a_published_set_is_not_read_before_its_run_begins() {
        let mut spec = Study { train_size: 45_000, val_size: 5_001, ..Study::of(Preset::CifarGlorot) };
        let trainer = LibTorch::default();
        let why = trainer.fit_to_data(&mut spec).map(|_| ()).unwrap_err();
        assert!(why.contains("has 50000; ask for fewer"), "{why}");
        spec.val_size = 5_000;
        assert!(trainer.fit_to_data(&mut spec).is_ok_and(|data| data.is_none()));
        // The preset's own sizes are MNIST's.
        let mut spec = Study { data: DataSource::Cifar10, ..Study::of(Preset::Article) };
        assert!(trainer.fit_to_data(&mut spec).is_ok_and(|data| data.is_none()));
        assert_eq!((spec.train_size, spec.val_size), (45_000, 5_000));
    }

    #[test]
    fn a_set_is_loaded_once_and_freed_with_its_last_user() {
        let cache = DataCache::default();
        let load = || cache.load(&DataSource::Mnist).unwrap();
        let one = load();
        assert!(Arc::ptr_eq(&one, &load()));
        assert!(cache.load(&DataSource::Folder("/no/such".into())).is_err());
        drop(one);
        let _entry = cache.entry(&DataSource::Cifar10);
        assert_eq!(lock(&cache.loaded).len(), 1);
    }
}
