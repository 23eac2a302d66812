//! The pane of a training cell in every state with something to say, and what covers it, as snapshots at 80x24 and
//! 120x40.

use crate::common::session::Session;
use app::{Effect, Event, Link, Modal, QuitChoice, Tag};
use crossterm::event::KeyCode;
use protocol::{
    ArmId, EpochRecord, Lane, Metric, Preset, Reply, RequestBody, RunEvent, RunId, RunState, RunSummary, Study,
};
use ui::{Glyphs, Palette, Theme};

const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
const RUN: RunId = RunId(7);

fn record(lane: Lane, epoch: u32, val_error: f64) -> RunEvent {
    let record = EpochRecord::new(
        lane,
        epoch,
        [
            (Metric::TrainLoss, 0.1),
            (Metric::ValError, val_error),
            (Metric::TestError, val_error - 0.1),
            (Metric::Seconds, 0.6),
            (Metric::ImagesPerSecond, 90_000.0),
        ],
    );
    RunEvent::Epoch { run: RUN, record }
}

/// The training cell of the first lesson with a run of this study, in view.
fn race(spec: &Study, (columns, rows): (u16, u16)) -> Session {
    let mut session = Session::on("faster", columns, rows);
    session.send(Event::StoredProgress(vec![("cell-run/faster/race".into(), RUN.0.into())]));
    session.kernel(RunEvent::Started { run: RUN, spec: spec.clone() });
    session.send(Event::History(RUN, Vec::new()));
    session.tab_to("race");
    session
}

fn article() -> Study {
    Study { epochs: 30, ..Study::of(Preset::Article) }
}

fn snapshots(name: &str, spec: &Study, prepare: impl Fn(&mut Session)) {
    for (columns, rows) in [(80, 24), (120, 40)] {
        let mut session = race(spec, (columns, rows));
        prepare(&mut session);
        insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), session.picture(&RICH));
    }
}

/// Made-up falling curves, the second arm a little behind, every seed a little different.
fn fall(session: &mut Session, lanes: &[Lane], epochs: u32) {
    for lane in lanes {
        for epoch in 1..=epochs {
            let behind = if lane.arm == ArmId::ALL_TANH { 1.15 } else { 1.0 };
            let error = (3.2 / f64::from(epoch).sqrt() + 0.03 * lane.seed as f64) * behind;
            session.kernel(record(*lane, epoch, error));
        }
    }
}

#[test]
fn a_lane_that_diverges_before_its_first_epoch_is_marked_beside_a_notice() {
    snapshots("diverged-at-once", &article(), |session| {
        fall(session, &[Lane { arm: ArmId::RELU_TANH, seed: 1 }], 4);
        session.kernel(RunEvent::Diverged { run: RUN, arm: ArmId::ALL_TANH, seed: 1, epoch: 1, batch: 12 });
        let text = Some("The disk is full; training waits until there is space.".into());
        session.kernel(RunEvent::Notice { run: RUN, text, disk_full: false });
    });
}

/// Published curves could pass for those of the race: each is named with its source, before the race runs and after.
#[test]
fn published_curves_are_named_with_their_source() {
    for (columns, rows) in [(80, 24), (120, 40), (200, 50)] {
        let mut session = Session::on("factor-six", columns, rows);
        session.tab_to("glorot");
        let key = session.app.key_of(session.app.focused().unwrap());
        let check = |session: &Session, when: &str| {
            let screen = session.screen(&RICH);
            for name in ["Krizhevsky et al. 2012: ", "AlexNet's Figure 1, ReLU", "AlexNet's Figure 1, tanh"] {
                assert!(screen.contains(name), "{when}, {columns}x{rows}: {name}\n{screen}");
            }
        };
        check(&session, "before");
        session.press(KeyCode::Char('m'));
        let said = session.app.message.take().unwrap();
        assert!(said.contains("the curve “AlexNet's Figure 1, tanh”"), "{said}");
        session.press(KeyCode::Char('m'));
        session.app.message = None;
        let spec = session.app.lesson_study(&key).unwrap();
        session.send(Event::StoredProgress(vec![("cell-run/factor-six/glorot".into(), RUN.0.into())]));
        session.kernel(RunEvent::Started { run: RUN, spec: spec.clone() });
        session.send(Event::History(RUN, Vec::new()));
        for epoch in 1..=3 {
            for lane in spec.lanes() {
                let error = 60.0 / f64::from(epoch);
                let values = [(Metric::TrainError, error), (Metric::ValError, error), (Metric::TestError, error)];
                session.kernel(RunEvent::Epoch { run: RUN, record: EpochRecord::new(lane, epoch, values) });
            }
        }
        check(&session, "during");
        session.kernel(RunEvent::Finished { run: RUN });
        check(&session, "after");
    }
}

#[test]
fn many_seeds_are_summarised_by_arm() {
    let spec = Study { seeds: vec![1, 2, 3, 4, 5], ..article() };
    snapshots("seeds", &spec, |session| {
        let lanes = spec.lanes();
        fall(session, &lanes[..4], 30);
        fall(session, &lanes[4..8], 9);
    });
    // Numbers beside the chart.
    let mut session = race(&spec, (120, 40));
    fall(&mut session, &spec.lanes()[..6], 30);
    session.app.modals.push(Modal::Run(RUN));
    insta::assert_snapshot!("seeds-beside-120x40", session.picture(&RICH));
}

#[test]
fn lanes_that_find_no_room_are_counted() {
    let arms = ["relu-tanh", "all-tanh", "relu-relu", "softplus-tanh", "sigmoid-tanh", "relu-sigmoid"];
    let spec = Study { seeds: vec![1, 2], ..article() }.with_arms(arms.map(|arm| arm.parse().unwrap()));
    snapshots("lanes", &spec, |session| fall(session, &spec.lanes(), 3));
    snapshots("lanes-run", &spec, |session| {
        fall(session, &spec.lanes(), 3);
        session.app.modals.push(Modal::Run(RUN));
    });
}

#[test]
fn a_race_with_other_settings_than_the_lessons_says_so() {
    let spec = Study { epochs: 5, ..Study::of(Preset::Article) };
    let spec = spec.with_shared(|settings| settings.learning_rate = 0.05);
    snapshots("other-settings", &spec, |session| {
        fall(session, &spec.lanes(), 5);
        session.kernel(RunEvent::Finished { run: RUN });
    });
}

/// Whatever the reader runs, the lesson's own run stays one key away, and the title says which of them is shown.
#[test]
fn the_lessons_run_and_the_readers_stay_reachable() {
    let mut session = race(&Study::of(Preset::Article), (120, 40));
    session.kernel(RunEvent::Finished { run: RUN });
    let title = "LeNet-4 on MNIST: ReLU+Tanh against all-Tanh · run 7";
    assert!(session.screen(&RICH).contains(title));
    session.press(KeyCode::Char('x'));
    assert!(session.app.message.as_ref().unwrap().contains("no other run"));
    // Twelve epochs, from the form.
    let own = Study { epochs: 12, ..Study::of(Preset::Article) };
    let start = |session: &mut Session, run: i64, spec: &Study| {
        session.press(KeyCode::Enter);
        session.press(KeyCode::Delete);
        session.type_text(&spec.epochs.to_string());
        session.press(KeyCode::Enter);
        let key = session.app.key_of(session.app.focused().unwrap());
        session.send(Event::Reply(Tag::Training(key), Reply::Started { run: RunId(run) }));
        session.kernel(RunEvent::Started { run: RunId(run), spec: spec.clone() });
        session.kernel(RunEvent::Finished { run: RunId(run) });
    };
    start(&mut session, 8, &own);
    let screen = session.screen(&RICH);
    assert!(screen.contains("Your run 8: 12 epochs") && !screen.contains(title), "{screen}");
    assert!(screen.contains("x shows the lesson's run 7") && screen.contains("x other run"), "{screen}");
    session.press(KeyCode::Char('x'));
    let screen = session.screen(&RICH);
    assert!(screen.contains(title) && screen.contains("x shows your run 8"), "{screen}");
    // Another run of the reader's own replaces their last one.
    session.press(KeyCode::Char('x'));
    start(&mut session, 9, &Study { epochs: 13, ..own });
    session.press(KeyCode::Char('x'));
    assert!(session.screen(&RICH).contains(title));
    let kept = |name: &str| {
        session.effects.iter().rev().find_map(|effect| match effect {
            Effect::Request(_, RequestBody::Remember { key, value }) if key.starts_with(name) => value.as_i64(),
            _ => None,
        })
    };
    assert_eq!((kept("cell-run/"), kept("cell-other-run/")), (Some(7), Some(9)));
    // Opened again, both are there.
    let mut again = Session::on("faster", 120, 40);
    let places = [("cell-run/faster/race", 7), ("cell-other-run/faster/race", 9)];
    again.send(Event::StoredProgress(places.map(|(key, run)| (key.into(), run.into())).to_vec()));
    again.kernel(RunEvent::Started { run: RUN, spec: Study::of(Preset::Article) });
    again.tab_to("race");
    assert!(again.screen(&RICH).contains("x shows"));
}

/// A study that is not the article's has its own axes: the article's points are arrows at the border, at their heights,
/// and m extends the axes to them.
#[test]
fn published_points_do_not_set_the_axes_of_another_study() {
    let spec = Study { epochs: 12, train_size: 10_000, ..article() };
    let prepare = |session: &mut Session| fall(session, &spec.lanes(), 12);
    snapshots("short", &spec, prepare);
    let mut session = race(&spec, (80, 24));
    prepare(&mut session);
    let screen = session.screen(&RICH);
    let row = |text: &str| screen.lines().position(|line| line.contains(text)).unwrap();
    assert!(screen.contains("→ 1.37 @17, @150") && screen.contains("→ 1.05 @50"), "{screen}");
    assert!(row("1.37 @17") < row("1.05 @50"));
    // The labels stay where they are while a curve comes near them.
    let last = Lane { arm: ArmId::ALL_TANH, seed: 1 };
    session.kernel(record(last, 13, 1.1));
    let later = session.screen(&RICH);
    assert_eq!(later.lines().position(|line| line.contains("→ 1.37 @17, @150")), Some(row("1.37 @17")));
    session.press(KeyCode::Char('m'));
    let printed = session.app.message.clone().unwrap();
    assert!(
        printed.contains("1.05 % at epoch 50 (ReLU+Tanh)") && printed.contains("1.37 % at epoch 150 (all-Tanh)"),
        "{printed}"
    );
    let wide = session.screen(&RICH);
    assert!(wide.contains("150") && !wide.contains("→ 1.37"), "{wide}");
    session.press(KeyCode::Char('m'));
    assert!(session.screen(&RICH).contains("→ 1.37 @17, @150"));
}

#[test]
fn two_seeds_have_a_mean_and_a_spread() {
    let spec = Study { seeds: vec![1, 2], ..article() };
    snapshots("two-seeds", &spec, |session| fall(session, &spec.lanes(), 20));
    for size in [(200, 50), (40, 12)] {
        let mut session = race(&spec, size);
        fall(&mut session, &spec.lanes(), 20);
        insta::assert_snapshot!(format!("two-seeds-{}x{}", size.0, size.1), session.picture(&RICH));
    }
}

/// A larger screen never shows less of a run.
#[test]
fn wide_screens_show_more() {
    let spec = Study { seeds: vec![1, 2, 3], ..article() };
    let printed = |size| {
        let mut session = race(&spec, size);
        fall(&mut session, &spec.lanes(), 20);
        session.screen(&RICH)
    };
    let small = printed((80, 24));
    assert!(small.contains("val %") && small.contains("best %") && small.contains("±"), "{small}");
    for size in [(120, 40), (200, 50)] {
        let screen = printed(size);
        for word in ["val %", "test %", "test@", "img/s", "0.89 ± 0.03", if size.0 == 120 { "@epoch" } else { "best " }]
        {
            assert!(screen.contains(word), "{word} at {size:?}:\n{screen}");
        }
        assert!(screen.contains("90k") && screen.contains("0:12"), "{screen}");
    }
}

/// A run's time is wall-clock time, at every width and during a run.
#[test]
fn the_time_of_a_race_is_never_blank() {
    let spec = Study { seeds: vec![1, 2, 3, 4, 5], ..article() };
    for size in [(40, 12), (80, 24), (120, 40), (200, 50)] {
        let mut session = race(&spec, size);
        fall(&mut session, &spec.lanes()[..4], 30);
        session.kernel(RunEvent::Elapsed { run: RUN, seconds: 56.0 });
        session.app.modals.push(Modal::Run(RUN));
        let screen = session.screen(&RICH);
        assert!(screen.contains("0:56 elapsed · 1:24 to go"), "{size:?}\n{screen}");
    }
}

fn failed() -> RunState {
    let reason = "LibTorch ran out of memory (DefaultCPUAllocator: can't allocate memory: you tried to allocate 78400000 bytes); take a smaller batch";
    RunState::Failed { reason: reason.into() }
}

#[test]
fn the_reason_of_a_failure_is_in_the_list_and_complete_in_the_pane() {
    snapshots("failed", &article(), |session| {
        let RunState::Failed { reason } = failed() else { unreachable!() };
        session.kernel(RunEvent::Failed { run: RUN, reason });
    });
    snapshots("failed-list", &article(), |session| {
        session.press(KeyCode::Char('r'));
        let (name, spec) = (None, article());
        let run = RunSummary {
            run: RUN,
            name,
            state: failed(),
            spec,
            tags: Vec::new(),
            notes: None,
            not_exact: None,
            fork: None,
            steerings: Vec::new(),
            sweep: None,
            created: 0,
            updated: 0,
            elapsed: 75.0,
            epochs_done: 0,
            done: Vec::new(),
            best: Vec::new(),
            ends: Vec::new(),
        };
        session.send(Event::Runs(vec![run]));
    });
}

#[test]
fn a_long_message_can_be_read_completely() {
    snapshots("message", &article(), |session| {
        let damaged = "The store was damaged (file is not a database). It is kept as /home/reader/.local/state/relu-notebook/notebook.db.damaged-1764115200; nothing in it could be read, and a new one was begun.";
        session.send(Event::Notice(damaged.into()));
        session.send(Event::Notice("run 3 can't be read back: its settings are damaged".into()));
    });
}

#[test]
fn the_status_line_shows_the_present_state() {
    let mut session = race(&article(), (80, 24));
    session.kernel(RunEvent::Queued { run: RUN });
    assert!(session.screen(&RICH).contains("run 7 queued"), "{}", session.screen(&RICH));
    let mut session = race(&article(), (120, 40));
    session.kernel(RunEvent::Finished { run: RUN });
    session.send(Event::Link(Link::Failed("relu-kernel is not at /usr/bin/relu-kernel".into())));
    assert!(session.screen(&RICH).contains("no kernel"), "{}", session.screen(&RICH));
}

#[test]
fn however_many_runs_work_the_question_before_quitting_can_be_read() {
    for size in [(40, 12), (80, 24)] {
        let mut session = race(&article(), size);
        for run in 1..=100 {
            session.kernel(RunEvent::Started { run: RunId(run), spec: article() });
        }
        for choice in QuitChoice::ALL {
            session.app.modals = vec![Modal::Quit(choice)];
            let screen = session.screen(&RICH);
            assert!(screen.contains("more when") && screen.contains("Stop it"), "{screen}");
        }
    }
}

#[test]
fn the_form_shows_a_settings_error_completely() {
    let mut session = race(&article(), (80, 24));
    session.press(KeyCode::Char('o'));
    session.press(KeyCode::Up);
    session.type_text("x");
    let Some(Modal::Settings(_, form)) = session.app.modals.last() else { panic!("no form") };
    let why = form.spec.clone().unwrap_err();
    let screen = session.screen(&RICH);
    let shown: Vec<&str> = screen.split(['┃', '\n']).flat_map(str::split_whitespace).collect();
    let words: Vec<&str> = why.split_whitespace().collect();
    assert!(shown.windows(words.len()).any(|window| window == words), "{why}\n{screen}");
}
