//! The bench that an experiment works at: the data, the seeds, the way to tell how far it is, and the cores.

use super::{CellObserver, Context, ExperimentError};
use crate::{data::Dataset, machine};
use protocol::{Effort, Outcome};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError, mpsc};
use std::thread;
use std::time::Duration;

/// How often a measurement on other threads looks whether it is to stop.
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
        Ok((self.context.mnist)()?)
    }

    /// Tells where the measurement stands (`done` from 0 to 1), and ends it if it is asked to. Call it at least every
    /// tenth of a second of work.
    pub fn step(&mut self, done: f64, doing: &str) -> Result<(), ExperimentError> {
        self.tell(done, doing, None)
    }

    /// The same with what is measured so far, for the reader to see.
    fn tell(&mut self, done: f64, doing: &str, partial: Option<&Outcome>) -> Result<(), ExperimentError> {
        let done = if done.is_finite() { done.clamp(0.0, 1.0) } else { 0.0 };
        self.observer.progress(done, doing, partial);
        if self.observer.should_stop() { Err(ExperimentError::Stopped) } else { Ok(()) }
    }

    /// What an earlier measurement in this kernel made under the same key, or what `make` makes now. The key has to name
    /// everything that it depends on.
    pub fn kept<T: Send + 'static>(
        &mut self,
        key: &str,
        make: impl FnOnce(&mut Self) -> Result<T, ExperimentError>,
    ) -> Result<Arc<Mutex<T>>, ExperimentError> {
        if let Some(kept) = self.context.cabinet.get(key) {
            return Ok(kept);
        }
        let made = Arc::new(Mutex::new(make(self)?));
        self.context.cabinet.put(key, Arc::clone(&made));
        Ok(made)
    }

    /// What was kept, for this measurement alone. Another measurement may have it for minutes: a stop is heard meanwhile.
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

    /// Works on every item, each on one thread, as many at once as the observer gives cores; the results in the items' order.
    /// After each of them, and whenever one has news, `shown` may say what there is to see so far.
    pub fn each<I: Sync, T: Send>(
        &mut self,
        doing: &str,
        items: &[I],
        work: impl Fn(&I, &Part) -> Result<T, ExperimentError> + Sync,
        mut shown: impl FnMut(&[Option<T>]) -> Option<Outcome>,
    ) -> Result<Vec<T>, ExperimentError> {
        let (stop, news, next) = (AtomicBool::new(false), AtomicBool::new(false), AtomicUsize::new(0));
        // How many threads compute, and how many may.
        let (busy, allowed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let done: Vec<AtomicU64> = items.iter().map(|_| AtomicU64::new(0)).collect();
        let mut results: Vec<Option<T>> = items.iter().map(|_| None).collect();
        let measured = thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            let start_worker = |sender: mpsc::Sender<_>| {
                let (stop, news, next, done, work, allowed) = (&stop, &news, &next, &done, &work, &allowed);
                let worker = Worker::begin(&busy);
                scope.spawn(move || {
                    let mut worker = worker;
                    machine::use_threads(1);
                    while !worker.leaves(allowed.load(Ordering::SeqCst)) {
                        let at = next.fetch_add(1, Ordering::SeqCst);
                        let Some(item) = items.get(at).filter(|_| !stop.load(Ordering::Relaxed)) else { break };
                        let result = work(item, &Part { stop, news, done: &done[at] });
                        done[at].store(1.0_f64.to_bits(), Ordering::Relaxed);
                        if sender.send((at, result)).is_err() {
                            break;
                        }
                    }
                });
            };
            let mut told = Ok(());
            let mut received = 0;
            while received < items.len() {
                let working = busy.load(Ordering::SeqCst);
                let waiting = if told.is_ok() { items.len().saturating_sub(next.load(Ordering::SeqCst)) } else { 0 };
                if waiting > 0 {
                    let may = self.observer.cores(working, working + waiting);
                    allowed.store(may, Ordering::SeqCst);
                    (working..may.min(working + waiting)).for_each(|_| start_worker(sender.clone()));
                }
                let mut partial = None;
                match receiver.recv_timeout(LOOK) {
                    Ok((at, result)) => {
                        received += 1;
                        match result {
                            Ok(result) => {
                                results[at] = Some(result);
                                partial = shown(&results);
                            }
                            Err(error) => told = told.and(Err(error)),
                        }
                    }
                    Err(mpsc::RecvTimeoutError::Timeout) if news.swap(false, Ordering::Relaxed) => {
                        partial = shown(&results);
                    }
                    // Stopped, or a worker has panicked: nobody sends what lacks.
                    Err(_) if working == 0 && waiting == 0 => break,
                    Err(_) => {}
                }
                if told.is_ok() {
                    let all: f64 = done.iter().map(|part| f64::from_bits(part.load(Ordering::Relaxed))).sum();
                    let finished = results.iter().flatten().count();
                    let doing = match items.len() {
                        0 | 1 => doing.to_owned(),
                        count => format!("{doing}: {finished} of {count} done"),
                    };
                    told = self.tell(all / items.len().max(1) as f64, &doing, partial.as_ref());
                }
                if told.is_err() {
                    stop.store(true, Ordering::Relaxed);
                }
            }
            told
        });
        self.observer.cores(1, 1);
        measured?;
        Ok(results.into_iter().flatten().collect())
    }
}

/// A thread of `Bench::each`, counted as long as it lives, also if it panics.
struct Worker<'a> {
    busy: &'a AtomicUsize,
    has_left: bool,
}

impl<'a> Worker<'a> {
    fn begin(busy: &'a AtomicUsize) -> Self {
        busy.fetch_add(1, Ordering::SeqCst);
        Self { busy, has_left: false }
    }

    /// Ends this worker if there are more of them than may be.
    fn leaves(&mut self, allowed: usize) -> bool {
        let less = |busy: usize| (busy > allowed).then(|| busy - 1);
        self.has_left = self.busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok();
        self.has_left
    }
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        if !self.has_left {
            self.busy.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// One item of `Bench::each` in work.
pub struct Part<'a> {
    stop: &'a AtomicBool,
    news: &'a AtomicBool,
    /// The bits of a share from 0 to 1.
    done: &'a AtomicU64,
}

impl Part<'_> {
    /// Tells how far this item is, and ends it if the measurement is to stop.
    pub fn step(&self, done: f64) -> Result<(), ExperimentError> {
        self.done.store(done.clamp(0.0, 1.0).to_bits(), Ordering::Relaxed);
        self.poll()
    }

    /// Ends this item if the measurement is to stop.
    pub fn poll(&self) -> Result<(), ExperimentError> {
        if self.stop.load(Ordering::Relaxed) { Err(ExperimentError::Stopped) } else { Ok(()) }
    }

    /// There is something new to see, such as an epoch's loss, before the item is done.
    pub fn news(&self) {
        self.news.store(true, Ordering::Relaxed);
    }
}
