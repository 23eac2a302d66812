//! The training loop itself, without any kernel, with a learning rate of the test's own each epoch.

use super::kernel::bits;
use learn::{Control, Dataset, Observer, Snapshot, train_lane};
use protocol::{DataSource, EpochRecord, Lane, Progress, RunId, Study, WrongImages};
use std::{collections::BTreeMap, path::Path};
use store::{Home, Store};

/// Momentum and a schedule, both of which go on from a steered rate.
pub fn spec(epochs: u32, seeds: &[u64], folder: &Path) -> Study {
    super::digits::write(folder);
    let data = DataSource::Folder(folder.to_owned());
    let spec = Study { train_size: 490, val_size: 100, data, seeds: seeds.to_vec(), ..super::kernel::tiny(epochs) };
    spec.with_shared(|settings| {
        settings.widths = protocol::Widths(vec![2, 4, 8]);
        settings.momentum = 0.5;
        settings.learning_rate = 0.05;
        settings.schedule = "cosine".parse().unwrap();
    })
}

/// Follows the training loop itself, without any kernel, with a rate of its own each epoch.
struct Direct<'a> {
    rate: &'a dyn Fn(u32) -> f64,
    epochs: Vec<[u64; 3]>,
}

impl Observer for Direct<'_> {
    fn learning_rate(&mut self, epoch: u32, _base: f64) -> f64 {
        (self.rate)(epoch)
    }

    fn poll(&mut self, _: &Progress) -> Control {
        Control::Continue
    }

    fn epoch(&mut self, record: &EpochRecord, _: &WrongImages, _: &Snapshot) -> Control {
        self.epochs.push(bits(record));
        Control::Continue
    }

    fn checkpoint(&mut self, _: &Snapshot) {}
}

pub fn direct(spec: &Study, lane: Lane, rate: &dyn Fn(u32) -> f64) -> Vec<[u64; 3]> {
    let data = Dataset::load(&spec.data).unwrap();
    let mut direct = Direct { rate, epochs: Vec::new() };
    train_lane(spec, lane, &data, None, &mut direct).unwrap();
    direct.epochs
}

pub fn stored(home: &Home, run: RunId) -> BTreeMap<Lane, Vec<[u64; 3]>> {
    let mut lanes: BTreeMap<Lane, Vec<[u64; 3]>> = BTreeMap::new();
    let mut records = Store::open_read(home).unwrap().epochs(run).unwrap();
    records.sort_by_key(|record| record.epoch);
    for record in records {
        lanes.entry(record.lane()).or_default().push(bits(&record));
    }
    lanes
}
