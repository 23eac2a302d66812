//! Which unfinished jobs of the previous kernel a kernel resumes by itself.

use super::{Bench, CORES, PATIENCE, UNTIL_STOPPED, long_cell};
use crate::Options;
use protocol::{CellEvent, Event, Preset, RunEvent, RunId, RunState, Study};
use std::sync::atomic::Ordering;
use store::{Home, JobKind, Store};
use tempfile::TempDir;

const ONE_CORE: u32 = 1;

/// A home left by a kernel that died after these writes.
fn left(by: impl Fn(&mut Store)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    by(&mut Store::open(&Home::at(folder.path()).unwrap()).unwrap());
    folder
}

fn queued(store: &mut Store, seed: u64) -> RunId {
    let spec = Study { seeds: vec![seed], epochs: 2, ..Study::of(Preset::Article) }
        .with_arms([protocol::Activations::RELU_TANH]);
    store.create_run(&spec, None).unwrap()
}

impl Bench {
    fn next(folder: TempDir, cores: u32) -> Self {
        let bench = Self::over(folder, Options { cores, ..Options::default() });
        bench.kernel.resume_unfinished(&mut bench.kernel.jobs(), None);
        bench
    }

    fn unfinished(&self) -> Vec<JobKind> {
        self.kernel.store().unfinished_jobs().unwrap().into_iter().map(|job| job.kind).collect()
    }
}

#[test]
fn runs_and_cells_resume_once_and_in_order() {
    let folder = left(|store| {
        let [first, second, third] = [1, 1, 1].map(|seed| queued(store, seed));
        let paused = queued(store, 1);
        store.set_state(paused, &RunState::Running).unwrap();
        store.set_state(paused, &RunState::Paused).unwrap();
        let (stops, stopped) = (queued(store, 1), queued(store, 1));
        // Its reader requested the stop, and the kernel died before the run had stopped.
        store.set_state(stops, &RunState::Running).unwrap();
        store.unqueue_run(stops).unwrap();
        store.set_state(stopped, &RunState::Stopped).unwrap();
        let (key, spec) = long_cell("asked", 1);
        store.queue_cell(&key, &spec).unwrap();
        store.set_state(second, &RunState::Running).unwrap();
        // Requested again after the others.
        store.queue_run(first).unwrap();
        assert_eq!(third, RunId(3));
    });
    let bench = Bench::next(folder, ONE_CORE);
    let events = bench.run_events(RunId(1));
    let finished: Vec<_> =
        events.iter().filter(|event| matches!(event, RunEvent::Finished { .. })).map(RunEvent::run).collect();
    assert_eq!(finished, [2, 3, 1].map(RunId));
    let states = [4, 5, 6].map(|run| bench.state(RunId(run)));
    assert_eq!(states, [RunState::Paused, RunState::Interrupted, RunState::Stopped]);
    let (key, _) = long_cell("asked", 1);
    assert!(bench.kernel.store().cell_outcome(&key).unwrap().is_some());
    assert_eq!(bench.unfinished(), []);
    bench.kernel.resume_unfinished(&mut bench.kernel.jobs(), None);
    assert!(bench.kernel.jobs().runs.is_empty() && bench.kernel.jobs().cells.is_empty(), "nothing runs twice");
}

#[test]
fn a_job_that_killed_two_kernels_waits_for_its_reader() {
    let folder = left(|store| {
        let run = queued(store, 1);
        let (key, spec) = long_cell("deadly", 1);
        store.queue_cell(&key, &spec).unwrap();
        for _ in 0..2 {
            store.interrupt_all().unwrap();
            store.set_state(run, &RunState::Running).unwrap();
            store.begin_cell(&key).unwrap();
        }
        queued(store, 1);
    });
    let bench = Bench::next(folder, CORES);
    bench.run_events(RunId(2));
    assert_eq!(bench.state(RunId(1)), RunState::Interrupted);
    let sentences = crate::lock(&bench.kernel.unfinished).sentences();
    assert!(
        matches!(&sentences[..], [run, cell] if run.contains("`relu resume 1`") && cell.contains("The cell deadly")),
        "{sentences:?}"
    );
    assert_eq!(bench.unfinished(), [JobKind::Run(RunId(1))], "the cell is asked for anew");
    bench.kernel.resume(RunId(1)).unwrap();
    assert_eq!(bench.run_events(RunId(1)).last(), Some(&RunEvent::Finished { run: RunId(1) }));
}

/// A shutdown of the machine does not cancel these jobs; a forced stop does.
#[test]
fn a_terminated_kernel_leaves_its_jobs_in_the_queue() {
    for signalled in [true, false] {
        let bench = Bench::new();
        let run = bench.train(&[UNTIL_STOPPED]);
        let (key, spec) = long_cell("endless", UNTIL_STOPPED);
        bench.kernel.run_cell(key.clone(), spec).unwrap();
        bench.kernel.was_signalled.store(signalled, Ordering::SeqCst);
        bench.kernel.halt_all(PATIENCE);
        bench.events_until(|event| matches!(event, Event::Cell(CellEvent::Stopped { .. })));
        assert_eq!(bench.state(run), RunState::Interrupted);
        let jobs = bench.kernel.store().unfinished_jobs().unwrap();
        if signalled {
            assert!(
                matches!(&jobs[..], [a, b] if a.run() == Some(run) && matches!(&b.kind, JobKind::Cell(of, Some(_)) if *of == key))
            );
            assert!(jobs.iter().all(|job| job.deaths == 0), "{jobs:?}");
        } else {
            assert_eq!(jobs, []);
        }
    }
}

#[test]
fn a_requested_pause_survives_the_kernels_death() {
    let bench = Bench::new();
    let run = bench.train(&[UNTIL_STOPPED]);
    assert_eq!(bench.unfinished(), [JobKind::Run(run)]);
    // Not even stored as stopped.
    let jobs = bench.kernel.jobs();
    drop(jobs);
    bench.kernel.pause(run).unwrap();
    assert_eq!(bench.unfinished(), []);
    bench.to_rest(run);
    bench.kernel.resume(run).unwrap();
    assert_eq!(bench.unfinished(), [JobKind::Run(run)]);
    bench.kernel.stop(run).unwrap();
    bench.run_events(run);
}

impl Bench {
    fn to_rest(&self, run: RunId) {
        self.events_until(|event| matches!(event, Event::Run(RunEvent::Paused { run: of }) if *of == run));
    }
}
