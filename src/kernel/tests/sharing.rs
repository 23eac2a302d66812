//! Views, cells and lanes on the same cores: which waits for which, and that every core is given back.

use super::{
    ALSO_UNTIL_STOPPED, Bench, CORES, DIVERGES, GROWS, PANICS, PATIENCE, REFUSES, UNTIL_STOPPED, WAITS_FOR_COMPANY,
    cell, long_cell,
};
use crate::jobs::Phase;
use protocol::{CellEvent, CellKey, Event, Preset, RunEvent, RunId, RunState, Study};
use std::thread;

const ALL: [u64; 3] = [UNTIL_STOPPED, ALSO_UNTIL_STOPPED[0], ALSO_UNTIL_STOPPED[1]];

impl Bench {
    /// How many lanes of the first run compute, and how many are parked.
    fn lanes(&self) -> (usize, usize) {
        let jobs = self.kernel.jobs();
        let phases: Vec<_> = jobs.runs[0].lanes.iter().filter_map(|lane| jobs.scheduler.phase(lane.job)).collect();
        let count = |phase| phases.iter().filter(|is| **is == phase).count();
        (count(Phase::Running), count(Phase::Parked))
    }

    fn wait(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = std::time::Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(std::time::Instant::now() < end, "{what}: {:?}", self.lanes());
            thread::yield_now();
        }
    }

    /// Starts a cell and waits for the event that says it runs.
    fn measure(&self, (key, spec): (CellKey, protocol::ExperimentSpec)) -> CellKey {
        self.kernel.run_cell(key.clone(), spec).unwrap();
        key
    }

    fn is_measured(&self, key: &CellKey) -> bool {
        let jobs = self.kernel.jobs();
        let job = jobs.cells.iter().find(|cell| cell.key == *key).map(|cell| cell.job);
        job.and_then(|job| jobs.scheduler.phase(job)) == Some(Phase::Running)
    }

    fn stop_cell(&self, key: &CellKey) {
        self.kernel.stop_cell(key).unwrap();
        self.events_until(|event| matches!(event, Event::Cell(CellEvent::Stopped { cell }) if cell == key));
    }

    fn cores_are_back(&self) {
        let jobs = self.kernel.jobs();
        assert!(jobs.scheduler.used() == 0 && jobs.runs.is_empty() && jobs.cells.is_empty());
    }
}

#[test]
fn a_lane_yields_to_a_cell_and_continues_after_it() {
    for asked in [cell("view", UNTIL_STOPPED), long_cell("cell", UNTIL_STOPPED)] {
        let bench = Bench::new();
        let run = bench.train(&ALL);
        let key = bench.measure(asked);
        bench.wait("the cell's core", |bench| bench.is_measured(&key) && bench.lanes() == (2, 1));
        assert_eq!(bench.kernel.jobs().scheduler.used(), CORES);
        bench.stop_cell(&key);
        bench.wait("the lane's return", |bench| bench.lanes() == (3, 0));
        assert_eq!(bench.state(run), RunState::Running, "and nobody was told otherwise");
        bench.kernel.stop(run).unwrap();
        assert_eq!(bench.run_events(run).last(), Some(&RunEvent::Stopped { run }));
        bench.cores_are_back();
    }
}

/// Views follow each other without pause, so a lane may be asked to yield again before it has woken up.
#[test]
fn many_views_in_a_row_leave_no_lane_behind() {
    let bench = Bench::new();
    let run = bench.train(&ALL);
    for _ in 0..500 {
        bench.measure(cell("view", 1));
        bench.events_until(|event| matches!(event, Event::Cell(CellEvent::Finished { .. })));
    }
    bench.wait("every lane", |bench| bench.lanes() == (3, 0));
    bench.kernel.stop(run).unwrap();
    bench.run_events(run);
    bench.cores_are_back();
}

/// A run whose lanes are all parked says why, and its stopwatch stops too.
#[test]
fn a_cell_takes_every_core_and_the_run_says_so() {
    let bench = Bench::new();
    let run = bench.train(&ALL);
    let key = bench.measure(long_cell("wide", GROWS));
    bench.wait("every core", |bench| bench.lanes() == (0, 3));
    let stopwatch = bench.kernel.jobs().runs[0].stopwatch.clone();
    assert_eq!(stopwatch.seconds().to_bits(), stopwatch.seconds().to_bits());
    bench.kernel.report_parked_runs();
    let notices = bench.kernel.hub.notices();
    assert!(
        matches!(&notices[..], [(of, text)] if *of == run && text.contains("while a cell measures")),
        "{notices:?}"
    );
    // The next cell gets its share of the first one's cores.
    let next = bench.measure(long_cell("next", UNTIL_STOPPED));
    bench.wait("a share", |bench| bench.is_measured(&next));
    assert_eq!((bench.lanes(), bench.kernel.jobs().scheduler.used()), ((0, 3), CORES));
    bench.stop_cell(&next);
    bench.stop_cell(&key);
    bench.wait("the lanes' return", |bench| bench.lanes() == (3, 0));
    assert_eq!(bench.kernel.hub.notices(), []);
    bench.kernel.stop(run).unwrap();
    bench.run_events(run);
    bench.cores_are_back();
}

#[test]
fn a_parked_lane_pauses_and_stops_like_any_other() {
    for (stop, state) in [(false, RunState::Paused), (true, RunState::Stopped)] {
        let bench = Bench::new();
        let run = bench.train(&ALL);
        let key = bench.measure(long_cell("wide", GROWS));
        bench.wait("every core", |bench| bench.lanes() == (0, 3));
        if stop { bench.kernel.stop(run) } else { bench.kernel.pause(run) }.unwrap();
        bench.events_until(|event| {
            matches!(event, Event::Run(RunEvent::Paused { run: of } | RunEvent::Stopped { run: of }) if *of == run)
        });
        assert_eq!(bench.state(run), state);
        bench.stop_cell(&key);
        bench.cores_are_back();
    }
}

/// Cells can't be interrupted inside a part, and a view does not wait for them.
#[test]
fn a_view_runs_although_cells_have_every_core() {
    let bench = Bench::new();
    let keys = ["a", "b", "c"].map(|name| bench.measure(long_cell(name, UNTIL_STOPPED)));
    let waits = bench.measure(long_cell("d", UNTIL_STOPPED));
    assert!(!bench.is_measured(&waits));
    let (view, spec) = cell("view", 1);
    bench.kernel.run_cell(view, spec).unwrap();
    bench.events_until(|event| matches!(event, Event::Cell(CellEvent::Finished { cell, .. }) if cell.cell == "view"));
    assert!(!bench.is_measured(&waits));
    for key in [waits].iter().chain(&keys) {
        bench.stop_cell(key);
    }
    bench.cores_are_back();
}

/// Whatever way a job ends: the three lanes at the end train only if every core was given back.
#[test]
fn failing_jobs_give_every_core_back() {
    let bench = Bench::new();
    for seeds in [&[PANICS, REFUSES, DIVERGES][..], &[PANICS], &[REFUSES]] {
        let run = bench.train(seeds);
        bench.run_events(run);
    }
    for make in [cell, long_cell] {
        for seed in [PANICS, REFUSES] {
            bench.measure(make("fails", seed));
            bench.events_until(|event| matches!(event, Event::Cell(CellEvent::Failed { .. })));
        }
        let key = bench.measure(make("cancelled", UNTIL_STOPPED));
        bench.stop_cell(&key);
    }
    bench.cores_are_back();
    let run = bench.train(&[WAITS_FOR_COMPANY, WAITS_FOR_COMPANY + 1, WAITS_FOR_COMPANY + 2]);
    assert_eq!(bench.run_events(run).last(), Some(&RunEvent::Finished { run }));
}

/// Three cells come while it waits, and single-thread lanes that were requested later.
#[test]
fn a_lane_of_several_threads_is_not_starved() {
    let bench = Bench::new();
    let first = bench.train(&[UNTIL_STOPPED]);
    let wide =
        Study { threads: CORES, epochs: 1, ..Study::of(Preset::Article) }.with_arms([protocol::Activations::ALL_TANH]);
    let wide: RunId = bench.kernel.train(wide, None).unwrap();
    let narrow = bench.train(&[1]);
    for _ in 0..3 {
        bench.measure(long_cell("quick", 1));
        bench.events_until(|event| matches!(event, Event::Cell(CellEvent::Finished { .. })));
    }
    assert_eq!([wide, narrow].map(|run| bench.state(run)), [RunState::Queued, RunState::Queued]);
    bench.kernel.stop(first).unwrap();
    let events = bench.run_events(narrow);
    let ends: Vec<_> = events.iter().filter(|event| matches!(event, RunEvent::Finished { .. })).collect();
    assert_eq!(ends, [&RunEvent::Finished { run: wide }, &RunEvent::Finished { run: narrow }]);
}
