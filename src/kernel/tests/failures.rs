//! A disk that refuses for a while, and files that are damaged or unreadable: nothing is announced that is not stored,
//! nothing valid is discarded, and everything is stored once the disk recovers.

use super::{ALSO_UNTIL_STOPPED, Bench, UNTIL_STOPPED, snapshot};
use crate::{
    jobs::{self, Intent},
    lifecycle::mark_interrupted,
};
use learn::Snapshot;
use protocol::{
    Activations, ArmId, EpochRecord, Event, Lane, Metric, Preset, RunEvent, RunId, RunState, Study, WrongImages,
};
use std::{fs, os::unix::fs::symlink};
use store::{CheckpointRow, Store, files::LaneFolder};

const FIRST: RunId = RunId(1);

impl Bench {
    /// Makes every later write fail.
    fn disk_refuses(&self) {
        *self.kernel.store() = Store::open_read(&self.kernel.home).unwrap();
    }

    fn disk_answers(&self) {
        *self.kernel.store() = Store::open(&self.kernel.home).unwrap();
        self.kernel.retry_unsaved();
    }

    /// The events that the followers have received so far.
    fn received_run_events(&self) -> Vec<RunEvent> {
        let mark = RunEvent::Renamed { run: RunId(0), name: None };
        self.kernel.announce(mark.clone());
        self.run_events_until(|event| *event == mark)
    }

    fn run_events_until(&self, last: impl Fn(&RunEvent) -> bool) -> Vec<RunEvent> {
        let events = self.events_until(|event| matches!(event, Event::Run(event) if last(event)));
        events.into_iter().filter_map(|event| if let Event::Run(event) = event { Some(event) } else { None }).collect()
    }

    /// The folder of the first run's only lane.
    fn folder(&self, seed: u64) -> LaneFolder {
        let folder = LaneFolder::of(&self.kernel.home, FIRST, lane(seed));
        folder.prepare().unwrap();
        folder
    }
}

fn lane(seed: u64) -> Lane {
    Lane { arm: ArmId::RELU_TANH, seed }
}

#[test]
fn a_resume_is_announced_once_it_is_stored() {
    let bench = Bench::new();
    let run = bench.train(&[UNTIL_STOPPED]);
    bench.kernel.pause(run).unwrap();
    bench.run_events_until(|event| *event == RunEvent::Paused { run });
    bench.disk_refuses();
    bench.kernel.resume(run).unwrap();
    assert!(!bench.received_run_events().contains(&RunEvent::Continued { run }));
    assert_eq!(bench.state(run), RunState::Paused);
    bench.disk_answers();
    assert!(bench.received_run_events().contains(&RunEvent::Continued { run }));
    assert_eq!(bench.state(run), RunState::Running);
    bench.kernel.stop(run).unwrap();
    bench.run_events(run);
}

/// The resume is requested while the run still pauses, and the disk refuses both at once.
#[test]
fn a_resume_during_an_unstored_pause_is_carried_out_after_it() {
    let bench = Bench::new();
    let run = bench.train(&[UNTIL_STOPPED]);
    bench.disk_refuses();
    {
        let mut jobs = bench.kernel.jobs();
        let at = jobs.position(run).unwrap();
        let crate::Jobs { runs, scheduler, .. } = &mut *jobs;
        let active = &mut runs[at];
        (active.intent, active.resume_after) = (Some(Intent::Pause), true);
        active.stop_lanes(scheduler);
    }
    bench.run_events_until(
        |event| matches!(event, RunEvent::Notice { text: Some(text), .. } if text.contains("run's state")),
    );
    bench.disk_answers();
    let events = bench.received_run_events();
    let place =
        |wanted: RunEvent| events.iter().position(|event| *event == wanted).unwrap_or_else(|| panic!("{events:?}"));
    assert!(place(RunEvent::Paused { run }) < place(RunEvent::Continued { run }));
    assert_eq!(bench.state(run), RunState::Running);
    bench.kernel.stop(run).unwrap();
    bench.run_events(run);
}

#[test]
fn queueing_is_announced_once_it_is_stored() {
    let bench = Bench::new();
    let [second, third] = ALSO_UNTIL_STOPPED;
    let full = bench.train(&[UNTIL_STOPPED, second, third]);
    let waiting = bench.train(&[UNTIL_STOPPED]);
    bench.kernel.pause(waiting).unwrap();
    bench.run_events_until(|event| *event == RunEvent::Paused { run: waiting });
    bench.disk_refuses();
    bench.kernel.resume(waiting).unwrap();
    let queued = RunEvent::Queued { run: waiting };
    assert!(!bench.received_run_events().contains(&queued));
    bench.disk_answers();
    assert!(bench.received_run_events().contains(&queued));
    assert_eq!(bench.state(waiting), RunState::Queued);
    for run in [waiting, full] {
        bench.kernel.stop(run).unwrap();
        bench.run_events(run);
    }
}

/// A checkpoint from the present environment would hide an earlier one from the next resume.
#[test]
fn an_inexact_resume_is_always_recorded() {
    let bench = Bench::new();
    let spec = Study { seeds: vec![UNTIL_STOPPED], ..Study::of(Preset::Article) };
    let mut elsewhere: Snapshot = snapshot(lane(UNTIL_STOPPED), 0);
    elsewhere.environment.cpu = "another".into();
    bench.folder(UNTIL_STOPPED).write_state(&jobs::encode(&spec, &elsewhere).unwrap()).unwrap();
    let run = bench.train(&[UNTIL_STOPPED]);
    assert_eq!(run, FIRST);
    // The lane trains, so it has read the checkpoint.
    bench.events_until(|event| matches!(event, Event::Run(RunEvent::Progress { .. })));
    let not_exact = |events: &[RunEvent]| events.iter().any(|event| matches!(event, RunEvent::NotExact { .. }));
    bench.disk_refuses();
    bench.kernel.stop(run).unwrap();
    bench.run_events_until(
        |event| matches!(event, RunEvent::Notice { text: Some(text), .. } if text.contains("run's state")),
    );
    bench.disk_answers();
    assert!(!not_exact(&bench.run_events(run)));
    bench.kernel.resume(run).unwrap();
    bench.events_until(|event| matches!(event, Event::Run(RunEvent::Progress { .. })));
    bench.kernel.stop(run).unwrap();
    let events = bench.run_events(run);
    assert!(not_exact(&events), "{events:?}");
    assert!(not_exact(&bench.kernel.store().history(run).unwrap()));
}

#[test]
fn a_damaged_checkpoint_is_shown_until_the_run_is_over() {
    let bench = Bench::new();
    bench.folder(1).write_state(b"no checkpoint at all").unwrap();
    let run = bench.train(&[1]);
    let events = bench.run_events(run);
    let place = |found: fn(&RunEvent) -> bool| events.iter().position(found).unwrap_or_else(|| panic!("{events:?}"));
    let notice = place(|event| matches!(event, RunEvent::Notice { text: Some(text), .. } if text.contains("damaged")));
    let taken_back = place(|event| matches!(event, RunEvent::Notice { text: None, .. }));
    let last_epoch = place(|event| matches!(event, RunEvent::Epoch { record, .. } if record.epoch == 2));
    assert!(notice < last_epoch && last_epoch < taken_back, "{events:?}");
}

#[test]
fn a_missing_checkpoint_is_shown_until_the_run_is_over() {
    for (left, told_as) in [(0, "this arm begins anew"), (1, "goes on from epoch 1")] {
        let bench = Bench::new();
        let folder = bench.folder(UNTIL_STOPPED);
        let spec =
            Study { seeds: vec![UNTIL_STOPPED], ..Study::of(Preset::Article) }.with_arms([Activations::RELU_TANH]);
        let run = bench.kernel.store().create_run(&spec, None).unwrap();
        for epoch in 1..=2 {
            let bytes = jobs::encode(&spec, &snapshot(lane(UNTIL_STOPPED), epoch)).unwrap();
            let (file, sha256) = folder.write_epoch(epoch, &bytes).unwrap();
            let (train_loss, val_error, test_error) = (1.0, 2.0, 3.0);
            let Lane { arm, seed } = lane(UNTIL_STOPPED);
            let (seconds, images_per_second) = (1.0, 1.0);
            let record = EpochRecord::new(
                Lane { arm, seed },
                epoch,
                [
                    (Metric::TrainLoss, train_loss),
                    (Metric::ValError, val_error),
                    (Metric::TestError, test_error),
                    (Metric::Seconds, seconds),
                    (Metric::ImagesPerSecond, images_per_second),
                ],
            );
            let checkpoint = CheckpointRow { lane: lane(seed), epoch, file, sha256 };
            bench.kernel.store().commit_epoch(run, (&record, &WrongImages::default()), &checkpoint, &[], 1.0).unwrap();
        }
        bench.kernel.store().set_state(run, &RunState::Stopped).unwrap();
        for epoch in left + 1..=2 {
            fs::remove_file(folder.epoch_file(epoch)).unwrap();
        }
        bench.kernel.resume(run).unwrap();
        bench.events_until(|event| matches!(event, Event::Run(RunEvent::Progress { .. })));
        let notices = bench.kernel.hub.notices();
        assert!(matches!(&notices[..], [(of, text)] if *of == run && text.contains(told_as)), "{notices:?}");
        bench.kernel.stop(run).unwrap();
        bench.run_events(run);
        assert!(bench.kernel.hub.notices().is_empty());
    }
}

/// A link to itself exists and can't be read, like a file on a failing disk.
#[test]
fn an_unreadable_checkpoint_is_waited_for_and_not_renamed() {
    let bench = Bench::new();
    let folder = bench.folder(1);
    let [state, _] = folder.state_files();
    symlink(&state, &state).unwrap();
    let run = bench.train(&[1]);
    let events = bench.run_events_until(|event| matches!(event, RunEvent::Notice { text: Some(_), .. }));
    let Some(RunEvent::Notice { text: Some(text), .. }) = events.last() else { panic!("{events:?}") };
    assert!(text.contains("can't be read") && text.contains(&state.display().to_string()), "{text}");
    assert!(state.is_symlink());
    fs::remove_file(&state).unwrap();
    assert_eq!(bench.run_events(run).last(), Some(&RunEvent::Finished { run }));
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.contains("damaged")).count(), 0);
}

/// On a full disk the deletion of a run makes room, and the run's state was not stored for want of it.
#[test]
fn a_run_whose_final_state_is_not_stored_can_be_deleted() {
    let bench = Bench::new();
    let run = bench.train(&[UNTIL_STOPPED]);
    bench.disk_refuses();
    bench.kernel.pause(run).unwrap();
    bench.run_events_until(
        |event| matches!(event, RunEvent::Notice { text: Some(text), .. } if text.contains("run's state")),
    );
    *bench.kernel.store() = Store::open(&bench.kernel.home).unwrap();
    bench.kernel.delete(run).unwrap();
    bench.kernel.retry_unsaved();
    assert_eq!(bench.received_run_events().iter().find(|event| event.ends_run()), Some(&RunEvent::Deleted { run }));
    assert!(bench.kernel.hub.notices().is_empty() && bench.kernel.jobs().unsaved.is_empty());
}

#[test]
fn an_interruption_is_stored_once_the_disk_recovers_and_the_run_resumes() {
    let bench = Bench::new();
    let spec = Study { epochs: 2, ..Study::of(Preset::Article) };
    let run = bench.kernel.store().create_run(&spec, None).unwrap();
    bench.disk_refuses();
    let unmarked = mark_interrupted(&mut bench.kernel.store()).unwrap();
    assert_eq!(unmarked, [run]);
    bench.kernel.defer_interruption(unmarked);
    bench.kernel.retry_unsaved();
    assert_eq!(bench.kernel.jobs().unsaved.len(), 1, "owed still");
    bench.disk_answers();
    let events = bench.run_events_until(|event| *event == RunEvent::Finished { run });
    assert!(events.contains(&RunEvent::Interrupted { run }), "it goes on after that: {events:?}");
}
