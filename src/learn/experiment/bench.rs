//! What an experiment has to work with: the data, the seeds, the cores, and a way to report its progress.

use super::{CellObserver, Context, ExperimentError};
use crate::{data::Dataset, machine};
use protocol::{DataSource, Effort, Outcome};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError, mpsc};
use std::thread;
use std::time::Duration;

/// How often a measurement on other threads checks whether to stop.
const LOOK: Duration = Duration::from_millis(50);

pub struct Bench<'a> {
    pub effort: Effort,
    pub seeds: &'a [u64],
    context: &'a Context<'a>,
    observer: &'a mut dyn CellObserver,
}

impl<'a> Bench<'a> {
    pub(super) fn new(
        effort: Effort,
        seeds: &'a [u64],
        context: &'a Context<'a>,
        observer: &'a mut dyn CellObserver,
    ) -> Self {
        Self { effort, seeds, context, observer }
    }

    /// MNIST, loaded at the first call.
    pub fn mnist(&self) -> Result<Arc<Dataset>, ExperimentError> {
        self.data(&DataSource::Mnist)
    }

    /// A data set, loaded at the first call.
    pub fn data(&self, source: &DataSource) -> Result<Arc<Dataset>, ExperimentError> {
        Ok((self.context.data)(source)?)
    }

    /// Reports the progress (`done` from 0 to 1), and errors if the measurement is to stop. Call it at least every
    /// tenth of a second of work.
    pub fn step(&mut self, done: f64, doing: &str) -> Result<(), ExperimentError> {
        self.report(done, doing, None)
    }

    /// The same with the results so far, for the reader to see.
    fn report(&mut self, done: f64, doing: &str, partial: Option<&Outcome>) -> Result<(), ExperimentError> {
        let done = if done.is_finite() { done.clamp(0.0, 1.0) } else { 0.0 };
        self.observer.progress(done, doing, partial);
        if self.observer.should_stop() { Err(ExperimentError::Stopped) } else { Ok(()) }
    }

    /// What an earlier measurement in this kernel made under the same key, or what `make` makes now. The key has to
    /// name everything that the result depends on.
    pub fn cached<T: Send + 'static>(
        &mut self,
        key: &str,
        make: impl FnOnce(&mut Self) -> Result<T, ExperimentError>,
    ) -> Result<Arc<Mutex<T>>, ExperimentError> {
        if let Some(kept) = self.context.cache.get(key) {
            return Ok(kept);
        }
        let made = Arc::new(Mutex::new(make(self)?));
        self.context.cache.put(key, Arc::clone(&made));
        Ok(made)
    }

    /// Locks the cached value for this measurement. Another one may hold it for minutes, so stop requests are checked
    /// meanwhile.
    pub fn lock<'m, T>(&mut self, kept: &'m Mutex<T>, done: f64) -> Result<MutexGuard<'m, T>, ExperimentError> {
        loop {
            match kept.try_lock() {
                Ok(guard) => return Ok(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
            self.step(done, "waiting for another measurement of the same")?;
            thread::sleep(LOOK);
        }
    }

    /// Computes every item on one thread each, as many at once as there are cores. Returns the results in the items'
    /// order. After each item, and whenever one has reported news, `shown` may return the figures so far.
    pub fn each<I: Sync, T: Send>(
        &mut self,
        doing: &str,
        items: &[I],
        work: impl Fn(&I, &Part) -> Result<T, ExperimentError> + Sync,
        mut shown: impl FnMut(&[Option<T>]) -> Option<Outcome>,
    ) -> Result<Vec<T>, ExperimentError> {
        let workers = thread::available_parallelism().map_or(1, usize::from).min(items.len());
        let (stop, changed, next) = (AtomicBool::new(false), AtomicBool::new(false), AtomicUsize::new(0));
        let done: Vec<AtomicU64> = items.iter().map(|_| AtomicU64::new(0)).collect();
        let mut results: Vec<Option<T>> = items.iter().map(|_| None).collect();
        thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            for _ in 0..workers {
                let (sender, stop, changed, next, done, work) = (sender.clone(), &stop, &changed, &next, &done, &work);
                scope.spawn(move || {
                    machine::use_threads(1);
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(item) = items.get(at).filter(|_| !stop.load(Ordering::Relaxed)) else { break };
                        let result = work(item, &Part { stop, changed, done: &done[at] });
                        done[at].store(1.0_f64.to_bits(), Ordering::Relaxed);
                        if sender.send((at, result)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let mut outcome = Ok(());
            loop {
                let mut partial = None;
                match receiver.recv_timeout(LOOK) {
                    Ok((at, Ok(result))) => {
                        results[at] = Some(result);
                        partial = shown(&results);
                    }
                    Ok((_, Err(error))) => outcome = outcome.and(Err(error)),
                    Err(mpsc::RecvTimeoutError::Timeout) if changed.swap(false, Ordering::Relaxed) => {
                        partial = shown(&results);
                    }
                    Err(mpsc::RecvTimeoutError::Timeout) => {}
                    Err(mpsc::RecvTimeoutError::Disconnected) => return outcome,
                }
                if outcome.is_ok() {
                    let all: f64 = done.iter().map(|part| f64::from_bits(part.load(Ordering::Relaxed))).sum();
                    let finished = results.iter().flatten().count();
                    let doing = match items.len() {
                        0 | 1 => doing.to_owned(),
                        count => format!("{doing}: {finished} of {count} done"),
                    };
                    outcome = self.report(all / items.len().max(1) as f64, &doing, partial.as_ref());
                }
                if outcome.is_err() {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        })?;
        Ok(results.into_iter().flatten().collect())
    }
}

/// One item of `Bench::each` in work.
pub struct Part<'a> {
    stop: &'a AtomicBool,
    changed: &'a AtomicBool,
    /// The bits of a share from 0 to 1.
    done: &'a AtomicU64,
}

impl Part<'_> {
    /// Reports how far this item is, and errors if the measurement is to stop.
    pub fn step(&self, done: f64) -> Result<(), ExperimentError> {
        self.done.store(done.clamp(0.0, 1.0).to_bits(), Ordering::Relaxed);
        self.poll()
    }

    /// Errors if the measurement is to stop.
    pub fn poll(&self) -> Result<(), ExperimentError> {
        if self.stop.load(Ordering::Relaxed) { Err(ExperimentError::Stopped) } else { Ok(()) }
    }

    /// Reports that there is something new to show, such as an epoch's loss, before the item is done.
    pub fn mark_changed(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }
}
