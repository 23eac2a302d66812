//! Assigns cores to jobs. A pure data structure: no threads, no clock, no IO. Its owner calls a transition, then
//! [`Scheduler::assign`], and carries out the decisions that it returns.
//!
//! The rules:
//!
//! - A lower class never gets a core before a higher one. Within a class the order is that of [`Scheduler::submit`],
//!   and no job overtakes: a job of several threads at the head keeps the cores that become free until it has enough,
//!   so that jobs of fewer threads behind it can't starve it.
//! - A waiting job takes cores from running lanes of a lower class, from the newest of the lowest class first. A lane
//!   gives its core back at its next batch, keeps its network in memory, and continues from there, so its bits do not
//!   change.
//! - A cell begins with one core and may use more while it has independent parts to measure. It can't be interrupted
//!   inside a part, so it gives such a core back when the part is done.
//! - A batch of a large network can take a second. To avoid that wait, one view or cell at a time begins at once, in
//!   addition to the jobs that have the cores, and a lane yields to it as soon as it can. A view does so even if no
//!   lane can give a core, because it ends sooner than a cell's part. This is the only case in which more threads
//!   compute than there are cores.

use std::fmt;

/// What a job is for, the most urgent class first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// A figure that a person looks at and waits for. It takes less than a second.
    View,
    /// A measurement that a person has requested.
    Cell,
    /// One arm and seed of a run.
    Lane,
    /// One arm and seed of a run that is a sweep: nobody waits for it.
    Sweep,
}

impl Priority {
    pub const ALL: [Self; 4] = [Self::View, Self::Cell, Self::Lane, Self::Sweep];

    /// Whether such a job can give its cores back at any batch.
    fn yields(self) -> bool {
        matches!(self, Self::Lane | Self::Sweep)
    }
}

/// A job's number, in the order of submission.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct JobId(u64);

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job {}", self.0)
    }
}

/// The phase of a job. A job that has ended is no longer in the scheduler.
///
/// ```text
/// submit -> Waiting -- start --> Running -- ask --> Yielding -- park --> Parked -- unpark --> Running
///                                   ^---- keep ---------'
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It has no thread yet.
    Waiting,
    Running,
    /// It was asked to give its cores back, and still uses them.
    Yielding,
    /// Its thread waits, and it has no core.
    Parked,
}

/// What the scheduler's owner has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Start the job's thread.
    Start(JobId),
    /// Ask the job's thread to park.
    Yield(JobId),
    /// Let the job's thread go on, whether or not it has parked yet.
    Continue(JobId),
}

#[derive(Clone, Debug)]
struct Job {
    id: JobId,
    priority: Priority,
    /// The number of cores that it needs to begin.
    threads: u32,
    phase: Phase,
    /// The number of cores that it has.
    held: u32,
    /// The number of cores that it could use.
    wanted: u32,
    /// How many of its cores it was asked to give back.
    reclaimed: u32,
}

pub(crate) struct Scheduler {
    cores: u32,
    /// In the order of submission.
    jobs: Vec<Job>,
    next: u64,
}

impl Scheduler {
    pub fn new(cores: u32) -> Self {
        Self { cores: cores.max(1), jobs: Vec::new(), next: 0 }
    }

    pub fn cores(&self) -> u32 {
        self.cores
    }

    pub fn phase(&self, id: JobId) -> Option<Phase> {
        self.jobs.iter().find(|job| job.id == id).map(|job| job.phase)
    }

    /// Whether the job has no thread yet.
    pub fn is_waiting(&self, id: JobId) -> bool {
        self.phase(id) == Some(Phase::Waiting)
    }

    /// Adds a job of this many threads at the end of its class.
    pub fn submit(&mut self, priority: Priority, threads: u32) -> JobId {
        let id = JobId(self.next);
        self.next += 1;
        let threads = threads.clamp(1, self.cores);
        let job = Job { id, priority, threads, phase: Phase::Waiting, held: 0, wanted: threads, reclaimed: 0 };
        self.jobs.push(job);
        id
    }

    /// The job's thread gives its cores back and waits. Returns `false` if that is no longer needed; the job then
    /// continues.
    pub fn park(&mut self, id: JobId) -> bool {
        let Some(job) = self.job(id).filter(|job| job.phase == Phase::Yielding) else { return false };
        (job.phase, job.held) = (Phase::Parked, 0);
        true
    }

    /// Removes a job, in any phase, and frees its cores.
    pub fn end(&mut self, id: JobId) {
        self.jobs.retain(|job| job.id != id);
    }

    /// The job computes on `busy` threads and could use `wanted`. Frees cores that it no longer needs, and those that
    /// it was asked for and that are not busy. Returns whether anything has changed; if so, call [`Scheduler::assign`].
    pub fn resize(&mut self, id: JobId, busy: u32, wanted: u32) -> bool {
        let Some(job) = self.job(id) else { return false };
        let before = (job.wanted, job.held);
        job.wanted = wanted.max(1);
        job.held = job.held.min(job.allowed().max(busy).max(1));
        before != (job.wanted, job.held)
    }

    /// The number of threads that the job may compute with now.
    pub fn allowed(&self, id: JobId) -> u32 {
        self.jobs.iter().find(|job| job.id == id).map_or(1, Job::allowed)
    }

    /// Assigns the free cores, and asks lower classes for those that are missing.
    pub fn assign(&mut self) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for job in &mut self.jobs {
            job.reclaimed = 0;
        }
        let used = self.used();
        let yielding = self.jobs.iter().filter(|job| job.phase == Phase::Yielding);
        let mut pool = Pool { free: self.cores.saturating_sub(used), coming: yielding.map(|job| job.held).sum() };
        // The core of a view that runs in addition.
        self.take_from_lanes(Priority::View, used.saturating_sub(self.cores), &mut pool, &mut decisions);
        for priority in Priority::ALL {
            if !self.assign_class(priority, &mut pool, &mut decisions) {
                break;
            }
            self.grow_class(priority, &mut pool, &mut decisions);
        }
        // A job that needs more cores than there are would block these.
        for at in 0..self.jobs.len() {
            self.keep_running(at, &mut pool, &mut decisions);
        }
        decisions
    }

    /// The number of assigned cores.
    pub fn used(&self) -> u32 {
        self.jobs.iter().map(|job| job.held).sum()
    }

    /// Serves the waiting jobs of one class. Returns `false` if one can't be served, as those behind it then can't
    /// either.
    fn assign_class(&mut self, priority: Priority, pool: &mut Pool, decisions: &mut Vec<Decision>) -> bool {
        for at in 0..self.jobs.len() {
            let Job { priority: of, phase, threads, id, .. } = self.jobs[at];
            if of == priority && phase == Phase::Yielding {
                // Done before the jobs behind it could get its core.
                self.keep_running(at, pool, decisions);
            }
            if of != priority || !matches!(phase, Phase::Waiting | Phase::Parked) {
                continue;
            }
            if threads <= pool.free {
                pool.free -= threads;
            } else if self.begins_in_addition(priority, pool) {
                // The next assignment asks a lane to yield to it, unless one was asked before.
                pool.reserve(threads);
            } else if self.take_from_lanes(priority, threads, pool, decisions) {
                continue;
            } else {
                self.reclaim(priority, threads);
                return false;
            }
            let job = &mut self.jobs[at];
            (job.phase, job.held) = (Phase::Running, threads);
            decisions.push(if phase == Phase::Waiting { Decision::Start(id) } else { Decision::Continue(id) });
        }
        true
    }

    /// Whether a job of this class may begin although every core is assigned.
    fn begins_in_addition(&self, priority: Priority, pool: &Pool) -> bool {
        let lane_gives = || pool.coming > 0 || self.jobs.iter().any(|job| job.can_be_asked_by(priority));
        let may = match priority {
            Priority::View => true,
            Priority::Cell => lane_gives(),
            Priority::Lane | Priority::Sweep => false,
        };
        may && self.used() <= self.cores
    }

    /// Gives the running jobs of a class the cores that they could use beyond those that they need.
    fn grow_class(&mut self, priority: Priority, pool: &mut Pool, decisions: &mut Vec<Decision>) {
        for at in 0..self.jobs.len() {
            while self.jobs[at].priority == priority
                && self.jobs[at].phase == Phase::Running
                && self.jobs[at].wanted > self.jobs[at].held
            {
                if pool.free > 0 {
                    pool.free -= 1;
                    self.jobs[at].held += 1;
                } else {
                    // One core at a time; the next assignments give more.
                    self.take_from_lanes(priority, 1, pool, decisions);
                    break;
                }
            }
        }
    }

    /// Reserves this many of the cores that are free or about to be, and asks lanes of lower classes to yield for the
    /// rest. If even these would not suffice, returns `false` and asks none.
    fn take_from_lanes(
        &mut self,
        priority: Priority,
        threads: u32,
        pool: &mut Pool,
        decisions: &mut Vec<Decision>,
    ) -> bool {
        let mut lanes: Vec<usize> =
            (0..self.jobs.len()).filter(|&at| self.jobs[at].can_be_asked_by(priority)).collect();
        lanes.sort_by_key(|&at| (self.jobs[at].priority, self.jobs[at].id));
        let there = pool.free + pool.coming + lanes.iter().map(|&at| self.jobs[at].held).sum::<u32>();
        if there < threads {
            return false;
        }
        while pool.free + pool.coming < threads {
            let Some(at) = lanes.pop() else { return false };
            let job = &mut self.jobs[at];
            job.phase = Phase::Yielding;
            pool.coming += job.held;
            decisions.push(Decision::Yield(job.id));
        }
        pool.reserve(threads)
    }

    /// Asks cells with more than one core to give cores back, for a waiting view or cell.
    fn reclaim(&mut self, priority: Priority, threads: u32) {
        if priority.yields() {
            return;
        }
        for _ in 0..threads {
            let grown =
                self.jobs.iter_mut().filter(|job| job.priority == Priority::Cell && job.held - job.reclaimed > 1);
            if let Some(job) = grown.max_by_key(|job| job.held - job.reclaimed) {
                job.reclaimed += 1;
            }
        }
    }

    /// Lets a job continue that was asked to yield, if no more urgent job needs its cores now.
    fn keep_running(&mut self, at: usize, pool: &mut Pool, decisions: &mut Vec<Decision>) {
        let job = &mut self.jobs[at];
        if let Some(left) = pool.coming.checked_sub(job.held).filter(|_| job.phase == Phase::Yielding) {
            pool.coming = left;
            job.phase = Phase::Running;
            decisions.push(Decision::Continue(job.id));
        }
    }

    fn job(&mut self, id: JobId) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.id == id)
    }
}

impl Job {
    /// Whether this job would yield to a job of that class.
    fn can_be_asked_by(&self, priority: Priority) -> bool {
        self.phase == Phase::Running && self.priority > priority && self.priority.yields()
    }

    fn allowed(&self) -> u32 {
        self.held.saturating_sub(self.reclaimed).min(self.wanted).max(1)
    }
}

/// The free cores, and the cores of jobs that were asked to yield, without the reserved ones.
struct Pool {
    free: u32,
    coming: u32,
}

impl Pool {
    /// Sets this many cores aside for a waiting job, or none.
    fn reserve(&mut self, threads: u32) -> bool {
        if self.free + self.coming < threads {
            return false;
        }
        let free = self.free.min(threads);
        self.free -= free;
        self.coming -= threads - free;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Decision::{Continue, Start, Yield};
    use proptest::prelude::*;

    /// Carries out decisions at once; a lane that is asked to yield parks.
    fn settle(scheduler: &mut Scheduler) {
        loop {
            let decisions = scheduler.assign();
            if decisions.is_empty() {
                return;
            }
            for decision in decisions {
                if let Yield(id) = decision {
                    assert!(scheduler.park(id));
                }
            }
        }
    }

    fn submitted(scheduler: &mut Scheduler, priority: Priority, threads: u32) -> JobId {
        let id = scheduler.submit(priority, threads);
        settle(scheduler);
        id
    }

    fn phases(scheduler: &Scheduler, jobs: &[JobId]) -> Vec<Phase> {
        jobs.iter().map(|id| scheduler.phase(*id).unwrap()).collect()
    }

    #[test]
    fn each_class_goes_before_the_next() {
        use Phase::{Parked, Running, Waiting};
        let mut scheduler = Scheduler::new(1);
        let sweep = submitted(&mut scheduler, Priority::Sweep, 1);
        let lane = submitted(&mut scheduler, Priority::Lane, 1);
        assert_eq!(phases(&scheduler, &[sweep, lane]), [Parked, Running]);
        let cell = submitted(&mut scheduler, Priority::Cell, 1);
        assert_eq!(phases(&scheduler, &[sweep, lane, cell]), [Parked, Parked, Running]);
        let (late, view) = (submitted(&mut scheduler, Priority::Cell, 1), submitted(&mut scheduler, Priority::View, 1));
        assert_eq!(phases(&scheduler, &[cell, late, view]), [Running, Waiting, Running], "in addition to the cell");
        let second = submitted(&mut scheduler, Priority::View, 1);
        assert_eq!(phases(&scheduler, &[second]), [Waiting], "one at a time");
        scheduler.end(view);
        settle(&mut scheduler);
        assert_eq!(phases(&scheduler, &[cell, second, late]), [Running, Running, Waiting]);
        for over in [second, cell, late, lane] {
            scheduler.end(over);
            settle(&mut scheduler);
        }
        assert_eq!(phases(&scheduler, &[sweep]), [Running]);
    }

    #[test]
    fn the_newest_lane_yields_and_continues() {
        let mut scheduler = Scheduler::new(2);
        let lanes = [1, 2, 3].map(|_| scheduler.submit(Priority::Lane, 1));
        assert_eq!(scheduler.assign(), [Start(lanes[0]), Start(lanes[1])]);
        let cell = scheduler.submit(Priority::Cell, 1);
        assert_eq!(scheduler.assign(), [Start(cell)], "a batch may take a second");
        assert_eq!(scheduler.assign(), [Yield(lanes[1])]);
        assert_eq!(scheduler.assign(), [], "asked once");
        let second = scheduler.submit(Priority::Cell, 1);
        assert_eq!(scheduler.assign(), [Yield(lanes[0])], "one in addition is enough");
        assert!(scheduler.park(lanes[1]));
        assert_eq!(scheduler.assign(), [Start(second)]);
        scheduler.end(second);
        assert_eq!(scheduler.assign(), [Continue(lanes[0])]);
        scheduler.end(cell);
        assert_eq!(scheduler.assign(), [Continue(lanes[1])], "before the one that has not begun");
    }

    /// A batch may take a second.
    #[test]
    fn a_view_begins_at_once_and_a_lane_yields_to_it_when_it_can() {
        let mut scheduler = Scheduler::new(2);
        let lanes = [1, 2].map(|_| submitted(&mut scheduler, Priority::Lane, 1));
        let view = scheduler.submit(Priority::View, 1);
        assert_eq!(scheduler.assign(), [Start(view)]);
        assert_eq!(scheduler.assign(), [Yield(lanes[1])]);
        let second = scheduler.submit(Priority::View, 1);
        assert_eq!(scheduler.assign(), [Yield(lanes[0])], "one in addition is enough");
        assert!(scheduler.park(lanes[1]));
        assert_eq!(scheduler.assign(), [Start(second)], "which the first is no more");
        scheduler.end(view);
        assert_eq!(scheduler.assign(), [Continue(lanes[0])]);
        scheduler.end(second);
        assert_eq!(scheduler.assign(), [Continue(lanes[1])]);
    }

    #[test]
    fn a_lane_continues_if_its_core_is_no_longer_needed() {
        let mut scheduler = Scheduler::new(1);
        let lane = submitted(&mut scheduler, Priority::Lane, 1);
        let cell = scheduler.submit(Priority::Cell, 1);
        assert_eq!([scheduler.assign(), scheduler.assign()], [[Start(cell)], [Yield(lane)]]);
        scheduler.end(cell);
        assert_eq!(scheduler.assign(), [Continue(lane)]);
        assert!(!scheduler.park(lane));
    }

    /// Single-thread lanes keep coming, and a cell comes in between.
    #[test]
    fn a_wide_lane_is_not_starved() {
        let mut scheduler = Scheduler::new(2);
        let mut narrow = submitted(&mut scheduler, Priority::Lane, 1);
        let wide = submitted(&mut scheduler, Priority::Lane, 2);
        for _ in 0..3 {
            submitted(&mut scheduler, Priority::Lane, 1);
        }
        let cell = submitted(&mut scheduler, Priority::Cell, 1);
        assert_eq!(phases(&scheduler, &[wide, narrow]), [Phase::Waiting, Phase::Running]);
        scheduler.end(narrow);
        settle(&mut scheduler);
        assert_eq!(
            phases(&scheduler, &[wide, cell]),
            [Phase::Waiting, Phase::Running],
            "one core is free, and kept for it"
        );
        scheduler.end(cell);
        settle(&mut scheduler);
        assert_eq!(phases(&scheduler, &[wide]), [Phase::Running]);
        narrow = submitted(&mut scheduler, Priority::Lane, 1);
        assert_eq!(phases(&scheduler, &[narrow]), [Phase::Waiting]);
    }

    #[test]
    fn a_cell_grows_over_lanes_and_shares_with_the_next_cell() {
        let mut scheduler = Scheduler::new(3);
        let lanes = [1, 2, 3].map(|_| submitted(&mut scheduler, Priority::Lane, 1));
        let cell = submitted(&mut scheduler, Priority::Cell, 1);
        scheduler.resize(cell, 1, 5);
        settle(&mut scheduler);
        assert_eq!(scheduler.allowed(cell), 3);
        assert_eq!(phases(&scheduler, &lanes), [Phase::Parked; 3]);
        let next = submitted(&mut scheduler, Priority::Cell, 1);
        assert_eq!((scheduler.allowed(cell), scheduler.phase(next)), (2, Some(Phase::Waiting)));
        // Its three parts are being measured; then one of them is done.
        scheduler.resize(cell, 3, 4);
        settle(&mut scheduler);
        assert_eq!(scheduler.phase(next), Some(Phase::Waiting));
        scheduler.resize(cell, 2, 4);
        settle(&mut scheduler);
        assert_eq!((scheduler.allowed(cell), scheduler.phase(next)), (2, Some(Phase::Running)));
        scheduler.resize(cell, 1, 1);
        settle(&mut scheduler);
        assert_eq!(phases(&scheduler, &lanes), [Phase::Running, Phase::Parked, Phase::Parked]);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Submit(Priority, u32),
        /// The job at this index, modulo the number of jobs.
        Park(usize),
        End(usize),
        Resize(usize, u32, u32),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let priority = proptest::sample::select(Priority::ALL.to_vec());
        let step = prop_oneof![
            3 => (priority, 1..5_u32).prop_map(|(priority, threads)| Step::Submit(priority, threads)),
            3 => any::<usize>().prop_map(Step::Park),
            2 => any::<usize>().prop_map(Step::End),
            1 => (any::<usize>(), 0..4_u32, 1..6_u32).prop_map(|(at, busy, wanted)| Step::Resize(at, busy, wanted)),
        ];
        proptest::collection::vec(step, 0..60)
    }

    proptest! {
        /// For any sequence of transitions: no core is assigned twice, except to one view or cell; no core is idle
        /// while a job could use it; and once all running jobs have ended, every job has run and every core is free.
        #[test]
        fn cores_are_given_out_once_and_come_back(cores in 1..5_u32, steps in steps()) {
            let mut scheduler = Scheduler::new(cores);
            for step in steps {
                let ids: Vec<JobId> = scheduler.jobs.iter().map(|job| job.id).collect();
                let pick = |at: usize| ids.get(at % ids.len().max(1)).copied();
                match step {
                    Step::Submit(priority, threads) => {
                        let one = priority <= Priority::Cell;
                        scheduler.submit(priority, if one { 1 } else { threads });
                    }
                    Step::Park(at) => { pick(at).map(|id| scheduler.park(id)); }
                    Step::End(at) => if let Some(id) = pick(at) { scheduler.end(id) },
                    Step::Resize(at, busy, wanted) => {
                        let cell = scheduler.jobs.iter().filter(|job| {
                            job.priority == Priority::Cell && job.phase == Phase::Running
                        }).map(|job| (job.id, job.held)).nth(at % 3);
                        if let Some((id, held)) = cell { scheduler.resize(id, busy.min(held), wanted); }
                    }
                }
                scheduler.assign();
                let urgent = scheduler.jobs.iter().any(|job| job.priority <= Priority::Cell && job.held > 0);
                prop_assert!(scheduler.used() <= cores + u32::from(urgent));
                let waits = |job: &&Job| matches!(job.phase, Phase::Waiting | Phase::Parked);
                if let Some(first) = scheduler.jobs.iter().filter(waits).min_by_key(|job| (job.priority, job.id)) {
                    prop_assert!(scheduler.used() + first.threads > cores, "{first:?} could run");
                }
            }
            let mut ran = 0;
            let total = scheduler.jobs.len();
            loop {
                for id in scheduler.jobs.iter().map(|job| job.id).collect::<Vec<_>>() {
                    scheduler.park(id);
                }
                settle(&mut scheduler);
                let running = scheduler.jobs.iter().find(|job| job.phase == Phase::Running).map(|job| job.id);
                let Some(id) = running else { break };
                scheduler.end(id);
                ran += 1;
            }
            prop_assert_eq!((ran, scheduler.jobs.len(), scheduler.used()), (total, 0, 0));
        }
    }
}
