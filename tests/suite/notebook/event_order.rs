//! Events from the store and the kernel arrive in any order. The store is read on its own thread, so its answer may be
//! older than an event that the kernel has sent since.

use crate::common::session::Session;
use app::{App, Effect, Event, ExperimentView, Link, Modal, RestoreState, Stale, StoreQuery, Tag};
use crossterm::event::KeyCode;
use lesson::{CellBody, Library, parse};
use protocol::{
    self, ArmId, CellEvent, CellKey, EpochRecord, ExperimentSpec, Lane, Metric, Outcome, Preset, Reply, RequestBody,
    RunEvent, RunId, RunState, Study, Unreadable,
};
use serde_json::{Value, json};
use ui::{Glyphs, Palette, Theme};

const RUN: RunId = RunId(1);
const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);

fn started() -> RunEvent {
    RunEvent::Started { run: RUN, spec: Study::of(Preset::Article) }
}

fn epoch(epoch: u32) -> RunEvent {
    let record = EpochRecord::new(
        Lane { arm: ArmId::RELU_TANH, seed: 1 },
        epoch,
        [
            (Metric::TrainLoss, 0.1),
            (Metric::ValError, 2.0),
            (Metric::TestError, 2.0),
            (Metric::Seconds, 1.0),
            (Metric::ImagesPerSecond, 1.0),
        ],
    );
    RunEvent::Epoch { run: RUN, record }
}

/// The race's cell shows run 1, which is being read.
fn reading() -> Session {
    let mut session = Session::open();
    session.send(Event::StoredProgress(vec![("reader".into(), 7.into()), ("cell-run/faster/race".into(), 1.into())]));
    assert_eq!(session.effects.last(), Some(&Effect::Query(StoreQuery::Run(RUN))));
    session
}

fn reads(session: &Session, what: StoreQuery) -> usize {
    session.effects.iter().filter(|effect| **effect == Effect::Query(what)).count()
}

#[test]
fn a_history_does_not_undo_later_events() {
    let mut session = reading();
    session.kernel(epoch(3));
    session.kernel(RunEvent::Finished { run: RUN });
    session.send(Event::History(RUN, vec![started(), epoch(1), epoch(2)]));
    assert_eq!(*session.state(), RunState::Finished);
    let epochs: Vec<u32> = session.app.training_runs[&RUN].lanes[0].points.iter().map(|point| point.epoch).collect();
    assert_eq!(epochs, [1, 2, 3]);
    // The events caused one more query, which waited for the answer to the first.
    assert_eq!(reads(&session, StoreQuery::Run(RUN)), 2);
}

/// A kernel that is being killed closes one connection after the other, so a query of its socket may still find it
/// alive.
#[test]
fn without_a_kernel_no_run_is_active() {
    let mut session = reading();
    session.send(Event::Link(Link::On));
    session.kernel(started());
    session.send(Event::Link(Link::Off));
    let alive = vec![started(), epoch(1), RunEvent::Continued { run: RUN }];
    session.send(Event::History(RUN, alive.clone()));
    assert_eq!(*session.state(), RunState::Interrupted);
    session.send(Event::Link(Link::On));
    session.send(Event::History(RUN, alive));
    assert_eq!(*session.state(), RunState::Running);
}

#[test]
fn the_list_of_runs_is_queried_once_at_a_time() {
    let mut session = Session::open();
    session.start_race();
    session.send(Event::History(RUN, vec![started()]));
    session.press(KeyCode::Char('r'));
    (1..=50).for_each(|number| session.kernel(epoch(number)));
    assert_eq!(reads(&session, StoreQuery::Runs), 1);
    session.send(Event::Runs(Vec::new()));
    assert_eq!(reads(&session, StoreQuery::Runs), 2);
}

#[test]
fn a_new_kernel_makes_each_run_be_read_once() {
    let mut session = reading();
    session.send(Event::History(RUN, vec![started()]));
    let before = reads(&session, StoreQuery::Run(RUN));
    session.send(Event::Link(Link::On));
    session.send(Event::History(RUN, vec![started()]));
    assert_eq!(reads(&session, StoreQuery::Run(RUN)), before + 1);
}

#[test]
fn a_cell_whose_run_was_deleted_offers_a_new_run_silently() {
    let mut session = reading();
    session.send(Event::NoSuchRun(RUN));
    assert!(session.app.cell_runs.is_empty() && session.app.message.is_none());
    session.app.modals.push(Modal::Run(RunId(9)));
    session.send(Event::NoSuchRun(RunId(9)));
    assert!(session.app.modals.is_empty(), "it does not read for ever");
    assert!(session.app.message.as_ref().unwrap().contains("no run 9"));
}

#[test]
fn a_run_that_is_deleted_leaves_no_trace() {
    let mut session = Session::open();
    session.start_race();
    session.app.modals.push(Modal::Run(RUN));
    session.kernel(RunEvent::Deleted { run: RUN });
    // Its history was being read.
    session.send(Event::History(RUN, vec![started(), epoch(1)]));
    assert!(session.app.training_runs.is_empty() && session.app.cell_runs.is_empty() && session.app.modals.is_empty());
    assert_eq!(session.app.message.as_deref(), Some("run 1 was deleted"));
    assert_eq!(reads(&session, StoreQuery::RunFindings), 1, "the ledger judges without it");
}

/// The first experiment of a lesson, with the lesson's settings.
fn experiment(session: &Session) -> (CellKey, ExperimentSpec) {
    let lesson = &session.app.library.lessons[session.app.library.find("sparsity").unwrap()];
    let cells = lesson.cells();
    let found = cells.iter().find_map(|cell| match &cell.body {
        CellBody::Experiment(experiment) => Some((cell.id.clone(), experiment.spec.clone())),
        _ => None,
    });
    let (cell, spec) = found.unwrap();
    (CellKey { lesson: "sparsity".into(), cell }, spec)
}

fn send_cell_event(session: &mut Session, event: CellEvent) {
    session.send(Event::Kernel(protocol::Event::Cell(event)));
}

fn view<'a>(session: &'a Session, key: &CellKey) -> &'a ExperimentView {
    &session.app.experiments[key]
}

#[test]
fn an_outcome_that_was_read_too_early_is_read_again() {
    let mut session = Session::open();
    session.send(Event::Opened { restore: false });
    let (cell, spec) = experiment(&session);
    send_cell_event(&mut session, CellEvent::Started { cell: cell.clone(), spec });
    send_cell_event(&mut session, CellEvent::Finished { cell, outcome: Outcome::default() });
    assert_eq!(reads(&session, StoreQuery::Progress), 1);
    session.send(Event::StoredProgress(Vec::new()));
    assert_eq!(reads(&session, StoreQuery::Progress), 2);
}

/// A line of the kernel that can't be read is reported once, and its content is read from the store.
#[test]
fn an_unreadable_line_does_not_break_the_connection() {
    let mut session = Session::open();
    session.send(Event::Link(Link::On));
    session.start_race();
    session.send(Event::History(RUN, vec![started()]));
    let before = reads(&session, StoreQuery::Run(RUN));
    let line = br#"{"event":"epoch","run":1,"arm":"relu-tanh","seed":1,"epoch":1,"train_loss":null}"#;
    session.send(Event::Unreadable(Unreadable::of(line)));
    assert_eq!((session.app.link.clone(), session.state().clone()), (Link::On, RunState::Running));
    assert!(session.app.message.as_deref().unwrap().contains("epoch of run 1"), "{:?}", session.app.message);
    assert_eq!(reads(&session, StoreQuery::Run(RUN)), before + 1);
    session.press(KeyCode::Down);
    session.send(Event::Unreadable(Unreadable::of(line)));
    assert_eq!(session.app.message, None, "it is said once");
    // The end of a measurement.
    let (cell, spec) = experiment(&session);
    send_cell_event(&mut session, CellEvent::Started { cell: cell.clone(), spec });
    let line = format!(
        r#"{{"cell_event":"finished","cell":{},"outcome":{{"figures":null}}}}"#,
        serde_json::to_string(&cell).unwrap()
    );
    session.send(Event::Unreadable(Unreadable::of(line.as_bytes())));
    let view = view(&session, &cell);
    assert!(view.running.is_none() && view.error.is_some(), "it does not seem to run for ever");
    assert_eq!(reads(&session, StoreQuery::Progress), 1);
}

/// Two notebooks start the same measurement. The second one's refusal is no error while the first one's runs.
#[test]
fn an_error_disappears_with_its_cause() {
    let mut session = Session::open();
    let (cell, spec) = experiment(&session);
    let events = [
        CellEvent::Started { cell: cell.clone(), spec },
        CellEvent::Progress { cell: cell.clone(), done: 0.5, doing: "training".into(), seconds: 1.0, partial: None },
    ];
    for event in events {
        let kind = protocol::ErrorKind::Busy;
        let refused = Reply::Refused { kind, message: "it is running already".into() };
        session.send(Event::Reply(Tag::Cell(cell.clone()), refused));
        assert!(view(&session, &cell).error.is_some());
        send_cell_event(&mut session, event);
        assert_eq!(view(&session, &cell).error, None);
    }
}

#[test]
fn a_stopped_measurement_keeps_the_settings_of_its_figures() {
    let mut session = Session::open();
    let (cell, spec) = experiment(&session);
    send_cell_event(&mut session, CellEvent::Started { cell: cell.clone(), spec: spec.clone() });
    let partial = Some(Outcome::default());
    let progress =
        CellEvent::Progress { cell: cell.clone(), done: 0.5, doing: "training".into(), seconds: 1.0, partial };
    send_cell_event(&mut session, progress);
    send_cell_event(&mut session, CellEvent::Stopped { cell: cell.clone() });
    assert_eq!(view(&session, &cell).partial_spec, Some(spec));
}

#[test]
fn other_seeds_are_other_settings() {
    let mut session = Session::open();
    let (cell, spec) = experiment(&session);
    session.store_outcome(cell.clone(), spec.clone(), Outcome::default());
    assert_eq!(session.app.stale(&cell), None);
    let seeds = vec![41, 42];
    session.store_outcome(cell.clone(), ExperimentSpec { seeds, ..spec }, Outcome::default());
    assert_eq!(session.app.stale(&cell), Some(Stale::Settings));
}

/// The progress stored by a notebook in `ledger`, twenty lines down.
fn left() -> Vec<(String, Value)> {
    vec![
        ("reader".into(), 7.into()),
        ("last-lesson".into(), "ledger".into()),
        ("place/ledger".into(), json!({ "lesson": "ledger", "top": 20, "read": 30 })),
    ]
}

fn remembered(session: &Session) -> Vec<String> {
    let key = |effect: &Effect| match effect {
        Effect::Request(_, RequestBody::Remember { key, .. })
        | Effect::RequestIfOn(_, RequestBody::Remember { key, .. }) => Some(key.clone()),
        _ => None,
    };
    session.effects.iter().filter_map(key).collect()
}

#[test]
fn it_opens_at_the_stored_position_once_the_store_is_read() {
    let mut session = Session::on("faster", 80, 24);
    session.send(Event::Opened { restore: true });
    session.send(Event::StoredProgress(left()));
    assert_eq!(session.app.document().meta.id, "ledger");
    assert_eq!((session.app.view.top, session.app.restore), (20, RestoreState::Done));

    // A reader who has begun to scroll is not moved.
    let mut session = Session::on("faster", 80, 24);
    session.send(Event::Opened { restore: true });
    session.press(KeyCode::Down);
    session.send(Event::StoredProgress(left()));
    assert_eq!((session.app.document().meta.id.as_str(), session.app.view.top), ("faster", 1));
}

#[test]
fn quitting_before_the_store_is_read_keeps_the_stored_position() {
    let mut session = Session::on("faster", 80, 24);
    session.send(Event::Opened { restore: true });
    session.press(KeyCode::Char('q'));
    assert!(session.app.quit && remembered(&session).is_empty());
}

#[test]
fn a_screen_that_is_too_small_keeps_the_position_and_accepts_only_quitting() {
    let mut session = Session::on("faster", 30, 8);
    session.send(Event::Opened { restore: true });
    session.send(Event::StoredProgress(left()));
    for key in [KeyCode::Char('n'), KeyCode::Enter, KeyCode::Tab, KeyCode::PageDown, KeyCode::Char('1')] {
        session.press(key);
    }
    session.send(Event::Resize(80, 24));
    assert_eq!(session.app.document().meta.id, "ledger");
    assert_eq!(session.app.view.top, 20);
    assert!(remembered(&session).is_empty() && session.asked.is_empty());
    assert_eq!(session.app.message, None);

    session.send(Event::Resize(30, 8));
    session.press(KeyCode::Char('n'));
    let screen = session.screen(&RICH);
    assert!(screen.contains("No key but q works here."), "a key that does nothing says why\n{screen}");
    session.send(Event::Resize(80, 24));
    assert_eq!(session.app.message, None, "it is no longer so");
    session.send(Event::Resize(30, 8));
    session.press(KeyCode::Char('q'));
    assert!(session.app.quit);
}

#[test]
fn an_own_lesson_does_not_change_the_courses_position() {
    let text = "+++\nid = \"mine\"\ntitle = \"Mine\"\npart = \"0\"\nsummary = \"s\"\nminutes = 1\n+++\n\nWords.\n";
    let mut library = Library::english();
    let lesson = library.put(parse("mine.md", text).0);
    let mut session = Session::with(App::new(library, lesson, 80, 24));
    session.press(KeyCode::Char('q'));
    assert_eq!(remembered(&session), ["place/mine"]);
}

#[test]
fn notices_are_shown_together_until_a_key_is_pressed() {
    let mut session = Session::open();
    for text in ["The store was damaged.", "Run 3 can't be read back.", "The store was damaged."] {
        session.send(Event::Notice(text.into()));
    }
    assert_eq!(session.app.message.as_deref(), Some("The store was damaged.\nRun 3 can't be read back."));
    session.press(KeyCode::Down);
    assert_eq!(session.app.message, None);
}

#[test]
fn the_last_choice_before_quitting_stops_the_race() {
    let mut session = Session::open();
    session.start_race();
    session.press(KeyCode::Char('q'));
    (0..3).for_each(|_| session.press(KeyCode::Down));
    session.press(KeyCode::Enter);
    assert!(session.app.quit);
    assert_eq!(session.asked.last(), Some(&RequestBody::Stop { run: RUN }));
}

/// The last run has ended while the question was open, or its kernel has.
#[test]
fn quitting_asks_nothing_about_a_run_that_has_ended() {
    let finished = Event::Kernel(protocol::Event::Run(RunEvent::Finished { run: RUN }));
    for (end, message) in [(Event::Link(Link::Off), "the kernel has gone"), (finished, "no race runs any more")] {
        let mut session = Session::open();
        session.send(Event::Link(Link::On));
        session.start_race();
        session.press(KeyCode::Char('q'));
        assert!(matches!(session.app.modals.last(), Some(Modal::Quit(_))));
        session.send(end);
        assert!(session.app.modals.is_empty() && !session.app.quit);
        let told = session.app.message.as_deref();
        assert!(told.is_some_and(|told| told.contains(message)), "{told:?}");
    }
}
