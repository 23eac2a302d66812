//! One lane's thread: it trains, commits each epoch before announcing it, and waits while a disk is full.

use super::{
    Order, Permit,
    active::LaneEnd,
    checkpoint::{self, Unreadable},
    message_of,
    parked::ParkedTime,
    scheduler::JobId,
    steering::RunSteering,
    stopwatch::Stopwatch,
    trainer,
};
use crate::{Kernel, server::NoticeKind};
use learn::{Control as Next, Ending, Environment, Observer, Snapshot};
use protocol::{EpochRecord, Fork, Lane, Metric, Progress, RunEvent, RunId, Study, Sweep, WrongImages};
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use store::{
    CheckpointRow, Committed, Home, LaneState, StoreError,
    files::LaneFolder,
    retention::{self, Kept},
};

/// How often progress inside an epoch is announced.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);
/// How long a lane waits before it tries again on a full disk.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why something could not be stored or read back.
#[derive(Debug, thiserror::Error)]
enum SaveError {
    #[error("{0}")]
    File(#[from] io::Error),
    #[error("{0}")]
    Checkpoint(#[from] Unreadable),
    #[error("{0}")]
    Store(#[from] StoreError),
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

impl SaveError {
    /// Whether waiting may help. Every file error may pass: space is freed, a disk recovers, a folder is put back.
    fn is_transient(&self) -> bool {
        match self {
            Self::File(_) | Self::Checkpoint(_) => true,
            Self::Store(error) => error.is_transient(),
        }
    }

    /// Whether space on the disk would help.
    fn is_full(&self) -> bool {
        match self {
            Self::Store(StoreError::Full) => true,
            Self::File(error) => is_full(error) && error.kind() != io::ErrorKind::FileTooLarge,
            _ => false,
        }
    }

    /// For a lane whose checkpoints are in this folder.
    fn notice(&self, home: &Home, folder: &Path) -> String {
        if let Self::File(error) = self
            && error.kind() == io::ErrorKind::FileTooLarge
        {
            return "No file may grow so large here: `ulimit -f` shows the limit. Training waits, nothing measured is \
                    lost; where it is raised, a kernel that is started anew goes on."
                .into();
        }
        let full = self.is_full();
        if full && home.takes_no_files() {
            "The disk takes no more files, whatever their size. Training waits, nothing measured is lost; remove some \
             files and it goes on."
                .into()
        } else if full {
            "The disk is full. Training waits, nothing measured is lost; free some space and it goes on.".into()
        } else if let Self::File(error) = self {
            let folder = folder.display();
            format!("The checkpoints in {folder} can't be written ({error}). Training waits and tries again.")
        } else if let Self::Checkpoint(unreadable) = self {
            format!(
                "{unreadable}. Training waits and tries again; what can't be read may be moved away, and an older one serves."
            )
        } else {
            format!("The measurements can't be written ({self}). Training waits and tries again.")
        }
    }
}

/// Everything that a lane's thread needs.
pub(super) struct LaneWork {
    pub run: RunId,
    pub spec: Study,
    pub lane: Lane,
    pub job: JobId,
    pub permit: Arc<Permit>,
    pub stopwatch: Arc<Stopwatch>,
    pub steering: Arc<RunSteering>,
    pub fork: Option<Fork>,
    pub sweep: Option<Arc<Sweep>>,
    /// The epoch up to which it may train now.
    pub limit: u32,
}

impl Kernel {
    /// Trains one lane to its end, from its newest checkpoint if it has one. Catches panics.
    pub(super) fn run_lane(self: &Arc<Self>, work: &LaneWork) -> LaneEnd {
        let end = catch_unwind(AssertUnwindSafe(|| self.train_lane(work)));
        self.hub.set_notice(work.run, NoticeKind::Waits(work.lane), None);
        end.unwrap_or_else(|panic| LaneEnd::Failed(format!("the training code panicked: {}", message_of(&*panic))))
    }

    fn train_lane(self: &Arc<Self>, work: &LaneWork) -> LaneEnd {
        let LaneWork { run, spec, lane, .. } = work;
        let (run, lane) = (*run, *lane);
        let mut observer = LaneObserver {
            kernel: self,
            run,
            spec,
            lane,
            job: work.job,
            permit: &work.permit,
            stopwatch: &work.stopwatch,
            steering: &work.steering,
            fork: work.fork,
            limit: work.limit,
            parked: ParkedTime::default(),
            folder: LaneFolder::of(&self.home, run, lane),
            resumed_under: None,
            best: None,
            last_checkpoint: Instant::now(),
            last_progress: None,
            unstored: false,
            has_reached_rung: false,
            fault: None,
        };
        let from = match observer.recover() {
            Ok(from) => from,
            Err(end) => return end,
        };
        let ending = self.trainer.train(spec, lane, from.as_ref(), &mut observer);
        match ending {
            Err(reason) => LaneEnd::Failed(reason),
            Ok(Ending::Stopped) if observer.has_reached_rung && !observer.unstored => {
                if observer.decide_rung() {
                    LaneEnd::AtRung
                } else {
                    observer.end_halted()
                }
            }
            Ok(Ending::Stopped) => observer.end_halted(),
            // The loop ends after its last epoch, whether or not that could be stored.
            Ok(Ending::Finished) if observer.unstored => observer.end_halted(),
            Ok(Ending::Finished) => observer.close(LaneState::Finished, LaneEnd::Finished),
            Ok(Ending::Diverged { epoch, batch }) => {
                let end = observer.close(LaneState::Diverged { epoch, batch }, LaneEnd::Diverged);
                if end == LaneEnd::Diverged {
                    self.announce(RunEvent::Diverged { run, arm: lane.arm, seed: lane.seed, epoch, batch });
                    // The others may have waited for this one alone. If it is told to stop meanwhile, a resume decides.
                    if work.sweep.as_ref().is_some_and(|sweep| sweep.halving) {
                        observer.decide_rung();
                    }
                }
                end
            }
        }
    }
}

/// Commits and announces what one lane measures.
struct LaneObserver<'a> {
    kernel: &'a Arc<Kernel>,
    run: RunId,
    spec: &'a Study,
    lane: Lane,
    job: JobId,
    permit: &'a Permit,
    stopwatch: &'a Stopwatch,
    steering: &'a RunSteering,
    fork: Option<Fork>,
    limit: u32,
    parked: ParkedTime,
    folder: LaneFolder,
    /// The environment of the checkpoint that this lane was resumed from, until it has been compared with the present
    /// one and a difference stored.
    resumed_under: Option<Environment>,
    /// The epoch with the lowest validation error so far, and that error.
    best: Option<(u32, f64)>,
    last_checkpoint: Instant,
    last_progress: Option<Instant>,
    /// Whether the lane was stopped or has failed before its last measured epoch was stored.
    unstored: bool,
    /// The last epoch before a rung of successive halving is committed.
    has_reached_rung: bool,
    /// What no waiting would help against.
    fault: Option<String>,
}

impl LaneObserver<'_> {
    /// The newest valid checkpoint, if any. Errors if the lane was stopped meanwhile or can't continue.
    fn recover(&mut self) -> Result<Option<Snapshot>, LaneEnd> {
        let (run, lane) = (self.run, self.lane);
        let epochs = self.persist(|this| {
            this.kernel.store().check_in_place()?;
            this.folder.prepare()?;
            Ok(this.kernel.store().epochs(run)?)
        });
        let Some(epochs) = epochs else { return Err(self.end_halted()) };
        let mut done = 0;
        for record in epochs.iter().filter(|record| record.lane() == lane) {
            done = done.max(record.epoch);
            self.update_best(record);
        }
        let found = self.persist(|this| {
            let report = |text| this.kernel.hub.set_notice(run, NoticeKind::Damaged(lane), Some(text));
            Ok(checkpoint::newest(&this.folder, lane, done, report)?)
        });
        let Some(found) = found else { return Err(self.end_halted()) };
        // The epochs before were trained with other settings: it can't begin anew.
        let done = found.as_ref().map_or(0, |(snapshot, _)| snapshot.epochs_done);
        if let Some(Fork { parent, epoch }) = self.fork.filter(|fork| done < fork.epoch) {
            let folder = self.folder.path().display();
            return Err(LaneEnd::Failed(format!(
                "no checkpoint in {folder} is left from epoch {epoch} on, at which it was forked; fork run {parent} again"
            )));
        }
        let Some((snapshot, then)) = found else { return Ok(None) };
        if let Some(why) = checkpoint::difference(&then, self.spec)
            && !self.store_not_exact(&why)
        {
            return Err(self.end_halted());
        }
        tracing::info!(%run, %lane, epochs = snapshot.epochs_done, batches = snapshot.batches_done, "goes on");
        self.resumed_under = Some(snapshot.environment.clone());
        Ok(Some(snapshot))
    }

    fn update_best(&mut self, record: &EpochRecord) {
        if let Some(error) = record.get(Metric::ValError)
            && self.best.is_none_or(|(_, best)| error < best)
        {
            self.best = Some((record.epoch, error));
        }
    }

    /// Repeats an operation until it succeeds, and shows a notice meanwhile. `None` if the lane was stopped or waiting
    /// can't help.
    fn persist<T>(&mut self, mut attempt: impl FnMut(&mut Self) -> Result<T, SaveError>) -> Option<T> {
        loop {
            match attempt(self) {
                Ok(value) => {
                    self.kernel.hub.set_notice(self.run, NoticeKind::Waits(self.lane), None);
                    return Some(value);
                }
                Err(error) if error.is_transient() => {
                    tracing::debug!(run = %self.run, lane = %self.lane, "not stored: {error}");
                    let notice = error.notice(&self.kernel.home, self.folder.path());
                    self.kernel.hub.set_disk_notice(self.run, NoticeKind::Waits(self.lane), notice, error.is_full());
                    // The lane computes nothing while it waits, so it gives its core to any job that needs one.
                    self.permit.wait(RETRY_AFTER);
                    self.yield_if_asked();
                    if self.permit.is_stopped() {
                        return None;
                    }
                }
                Err(error) => {
                    self.fault = Some(error.to_string());
                    return None;
                }
            }
        }
    }

    fn commit(
        &self,
        (record, wrong): (&EpochRecord, &WrongImages),
        bytes: &[u8],
        best: u32,
    ) -> Result<Committed, SaveError> {
        // Checked first: creating a folder at the path of a home that was moved would split the run between two homes.
        self.kernel.store().check_in_place()?;
        if !self.folder.path().is_dir() {
            self.folder.prepare()?;
        }
        let (file, sha256) = self.folder.write_epoch(record.epoch, bytes)?;
        let before_steerings = self.steering.epochs_before(self.lane);
        let kept = Kept {
            newest: record.epoch,
            best,
            start: self.fork.map(|fork| fork.epoch),
            before_steerings: &before_steerings,
        };
        // What a lane resumes from inside an epoch is of its budget too.
        let budget = retention::lane_budget(self.spec.lanes().len()).saturating_sub(self.folder.state_size());
        let dropped = retention::dropped(&self.folder.epoch_sizes()?, budget, &kept);
        let checkpoint = CheckpointRow { lane: self.lane, epoch: record.epoch, file, sha256 };
        let committed = self.kernel.store().commit_epoch(
            self.run,
            (record, wrong),
            &checkpoint,
            &dropped,
            self.stopwatch.seconds(),
        )?;
        self.folder.remove(&dropped);
        Ok(committed)
    }

    fn write_state(&self, bytes: &[u8]) -> io::Result<()> {
        self.kernel.store().check_in_place().map_err(io::Error::other)?;
        self.folder.prepare()?;
        self.folder.write_state(bytes)
    }

    /// Stores the lane's end. If the lane is stopped while the disk refuses it, the lane stays open and a resume closes
    /// it.
    fn close(&mut self, state: LaneState, end: LaneEnd) -> LaneEnd {
        let (run, lane) = (self.run, self.lane);
        match self.persist(|this| Ok(this.kernel.store().set_lane(run, lane, state)?)) {
            Some(()) => end,
            None => self.end_halted(),
        }
    }

    /// Stops the cells that are out at this rung, if all have come to it. `false` if told to stop before that was stored.
    fn decide_rung(&mut self) -> bool {
        let run = self.run;
        self.persist(|this| Ok(this.kernel.decide_rungs(run)?)).is_some()
    }

    fn end_halted(&mut self) -> LaneEnd {
        self.fault.take().map_or(LaneEnd::Stopped, LaneEnd::Failed)
    }

    /// Checks once, at the first snapshot after a resume, whether the bits can equal those of an uninterrupted run.
    /// Returns `false` if the result could not be stored; this snapshot, made in another environment, would then hide
    /// the difference from the next resume.
    #[must_use]
    fn check_environment(&mut self, today: &Environment) -> bool {
        let Some(why) = self.resumed_under.as_ref().and_then(|then| then.difference(today)) else { return true };
        let is_stored = self.store_not_exact(&why);
        if is_stored {
            self.resumed_under = None;
        }
        is_stored
    }

    fn store_not_exact(&mut self, why: &str) -> bool {
        let run = self.run;
        let stored = self.persist(|this| Ok(this.kernel.store().set_not_exact(run, why)?)).is_some();
        if stored {
            self.kernel.announce(RunEvent::NotExact { run, why: why.to_owned() });
        }
        stored
    }

    fn next_step(&self) -> Next {
        if self.permit.is_stopped() || self.fault.is_some() { Next::Stop } else { Next::Continue }
    }

    /// Gives the core to a more urgent job and waits to get one back. Returns how long that took.
    fn yield_if_asked(&self) -> Duration {
        let mut parked = Duration::ZERO;
        while self.permit.order() == Order::Yield {
            parked += self.kernel.park(self.job, self.permit);
        }
        parked
    }
}

impl Observer for LaneObserver<'_> {
    fn training_started(&mut self, environment: &Environment) {
        let (run, name) = (self.run, &environment.backend);
        // If the disk refuses it, the event is announced all the same.
        let has_changed = self.kernel.store().set_backend(run, name).unwrap_or_else(|error| {
            tracing::warn!(%run, "its backend is not stored: {error}");
            true
        });
        if has_changed {
            self.kernel.announce(RunEvent::Backend { run, name: name.clone() });
        }
    }

    fn learning_rate(&mut self, epoch: u32, base: f64) -> f64 {
        self.steering.begin_epoch(self.lane, epoch, base)
    }

    fn poll(&mut self, progress: &Progress) -> Next {
        let parked = self.yield_if_asked();
        self.parked.add_training(parked);
        if self.next_step() == Next::Stop {
            return Next::Stop;
        }
        if self.last_progress.is_none_or(|at| at.elapsed() >= PROGRESS_EVERY) {
            self.last_progress = Some(Instant::now());
            let mut progress = progress.clone();
            self.parked.correct_progress(&mut progress);
            self.kernel.announce(RunEvent::Progress { run: self.run, progress });
            if let Some(seconds) = self.stopwatch.due() {
                self.kernel.announce(RunEvent::Elapsed { run: self.run, seconds });
            }
        }
        if self.last_checkpoint.elapsed() >= self.kernel.options.checkpoint_every {
            Next::Checkpoint
        } else {
            Next::Continue
        }
    }

    fn should_stop(&mut self) -> bool {
        let parked = self.yield_if_asked();
        self.parked.add_evaluation(parked);
        self.next_step() == Next::Stop
    }

    fn epoch(&mut self, record: &EpochRecord, wrong: &WrongImages, snapshot: &Snapshot) -> Next {
        let (mut record, mut snapshot) = (record.clone(), snapshot.clone());
        self.parked.correct_epoch(&mut record, &mut snapshot, self.spec.train_size);
        let (record, snapshot) = (&record, &snapshot);
        if !self.check_environment(&snapshot.environment) {
            self.unstored = true;
            return Next::Stop;
        }
        let bytes = match trainer::encode(self.spec, snapshot) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.fault = Some(error);
                self.unstored = true;
                return Next::Stop;
            }
        };
        self.update_best(record);
        let best = self.best.map_or(record.epoch, |(epoch, _)| epoch);
        let committed = self.persist(|this| this.commit((record, wrong), &bytes, best));
        self.last_checkpoint = Instant::now();
        match committed {
            None => {
                self.unstored = true;
                return Next::Stop;
            }
            Some(Committed::Same) => {}
            Some(Committed::New) => self.kernel.announce(RunEvent::Epoch { run: self.run, record: record.clone() }),
            Some(Committed::Different) => {
                let (epoch, lane) = (record.epoch, self.lane);
                self.store_not_exact(&format!("epoch {epoch} of {lane} came out different when it was repeated"));
            }
        }
        if record.epoch >= self.limit && self.limit < self.spec.epochs {
            self.has_reached_rung = true;
            return Next::Stop;
        }
        self.next_step()
    }

    fn checkpoint(&mut self, snapshot: &Snapshot) {
        let mut snapshot = snapshot.clone();
        self.parked.correct_snapshot(&mut snapshot);
        let snapshot = &snapshot;
        if !self.check_environment(&snapshot.environment) {
            return;
        }
        let written =
            trainer::encode(self.spec, snapshot).map_err(io::Error::other).and_then(|bytes| self.write_state(&bytes));
        self.last_checkpoint = Instant::now();
        match written {
            Ok(()) => self.kernel.hub.set_notice(self.run, NoticeKind::Waits(self.lane), None),
            // The epoch continues. The previous checkpoint is valid, and the next attempt follows in a second.
            Err(error) => {
                tracing::debug!(run = %self.run, lane = %self.lane, "no checkpoint: {error}");
                let why = if is_full(&error) { "the disk is full".into() } else { error.to_string() };
                let text = format!(
                    "No checkpoint can be written in {}: {why}. Training goes on from memory and tries again.",
                    self.folder.path().display()
                );
                self.kernel.hub.set_disk_notice(self.run, NoticeKind::Waits(self.lane), text, is_full(&error));
                let wait = self.kernel.options.checkpoint_every.saturating_sub(RETRY_AFTER);
                self.last_checkpoint = self.last_checkpoint.checked_sub(wait).unwrap_or(self.last_checkpoint);
            }
        }
    }
}
