//! Whole sessions by scripted keys: what the screen's state becomes, and what the kernel is asked.

use crate::common::session::Session;
use app::{App, Effect, Event, Link, Modal, StoreQuery, Tag};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lesson::{Answer, Cell, CellBody, Library, Line, Verdict};
use protocol::{
    self, ArmId, CellKey, Curves, EpochRecord, ErrorKind, Experiment, Finding, Lane, Metric, Outcome, Preset, Reply,
    RequestBody, RunEvent, RunId, RunState, Study,
};
use ui::{Glyphs, Palette, Theme};

const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);

#[test]
fn a_race_starts_pauses_continues_and_stops() {
    let mut session = Session::open();
    session.start_race();
    assert!(matches!(&session.asked[..], [RequestBody::Train { spec, .. }] if *spec == Study::of(Preset::Article)));
    session.press(KeyCode::Enter);
    assert_eq!(session.asked.len(), 1, "a running race is not started twice");

    let run = RunId(1);
    session.press(KeyCode::Char('z'));
    assert_eq!(session.asked.last(), Some(&RequestBody::Pause { run }));
    session.kernel(RunEvent::Paused { run });
    assert_eq!(*session.state(), RunState::Paused);
    session.press(KeyCode::Char('z'));
    assert_eq!(session.asked.len(), 2, "the same key does not undo it");
    session.press(KeyCode::Enter);
    assert_eq!(session.asked.last(), Some(&RequestBody::Continue { run }));
    session.kernel(RunEvent::Continued { run });
    session.press(KeyCode::Char('s'));
    assert_eq!(session.asked.last(), Some(&RequestBody::Stop { run }));
    session.kernel(RunEvent::Stopped { run });
    session.press(KeyCode::Enter);
    assert_eq!(session.asked.last(), Some(&RequestBody::Resume { run }));
}

#[test]
fn an_experiment_of_ones_own_starts_from_the_settings() {
    let mut session = Session::open();
    session.press(KeyCode::Char('o'));
    session.press(KeyCode::Delete);
    session.press(KeyCode::Enter);
    assert!(session.asked.is_empty(), "an empty number of epochs starts nothing");
    session.type_text("3");
    session.press(KeyCode::Enter);
    assert!(matches!(&session.asked[..], [RequestBody::Train { spec, .. }] if spec.epochs == 3));
    assert!(session.app.modals.is_empty());
}

#[test]
fn settings_wait_for_the_next_run() {
    let mut session = Session::open();
    session.start_race();
    let epochs = |session: &Session| match session.app.modals.last() {
        Some(Modal::Settings(_, form)) => {
            form.fields.iter().find(|field| field.title() == "epochs").unwrap().text.clone()
        }
        other => panic!("{other:?}"),
    };
    session.press(KeyCode::Char('o'));
    session.press(KeyCode::Esc);
    assert!(session.app.drafts.is_empty() && session.app.message.is_none(), "nothing was changed");
    session.press(KeyCode::Char('o'));
    session.press(KeyCode::Delete);
    session.type_text("7");
    // A run trains, so they can't be used yet.
    session.press(KeyCode::Enter);
    session.press(KeyCode::Esc);
    assert!(session.app.message.as_ref().unwrap().contains("kept for the next run"), "{:?}", session.app.message);
    session.press(KeyCode::Char('o'));
    assert_eq!(epochs(&session), "7");
    session.press(KeyCode::Esc);
    session.kernel(RunEvent::Finished { run: RunId(1) });
    session.press(KeyCode::Enter);
    assert_eq!(epochs(&session), "7");
    session.press(KeyCode::Enter);
    assert!(matches!(session.asked.last(), Some(RequestBody::Train { spec, .. }) if spec.epochs == 7));
    assert!(session.app.drafts.is_empty());
}

#[test]
fn quitting_keeps_the_run_unless_the_reader_stops_it() {
    let mut session = Session::open();
    session.start_race();
    session.press(KeyCode::Char('q'));
    assert!(matches!(session.app.modals.last(), Some(Modal::Quit(_))) && !session.app.quit);
    session.press(KeyCode::Esc);
    assert!(session.app.modals.is_empty() && !session.app.quit, "Esc stays");
    session.press(KeyCode::Char('q'));
    session.press(KeyCode::Enter);
    assert!(session.app.quit && session.asked.len() == 1, "the default asks nothing of the kernel");

    let mut session = Session::open();
    session.start_race();
    session.press(KeyCode::Char('q'));
    session.press(KeyCode::Down);
    session.press(KeyCode::Enter);
    assert_eq!(session.asked.last(), Some(&RequestBody::Pause { run: RunId(1) }));
}

#[test]
fn history_and_live_events_make_one_curve() {
    let mut session = Session::open();
    let run = RunId(1);
    let epoch = |epoch| RunEvent::Epoch {
        run,
        record: EpochRecord::new(
            Lane { arm: ArmId::RELU_TANH, seed: 1 },
            epoch,
            [
                (Metric::TrainLoss, 0.1),
                (Metric::ValError, 2.0),
                (Metric::TestError, 2.0),
                (Metric::Seconds, 1.0),
                (Metric::ImagesPerSecond, 1.0),
            ],
        ),
    };
    let started = RunEvent::Started { run, spec: Study::of(Preset::Article) };
    session.send(Event::StoredProgress(vec![("cell-run/faster/race".into(), 1.into())]));
    assert!(session.effects.contains(&Effect::Query(StoreQuery::Run(run))));
    session.send(Event::History(run, vec![started.clone(), epoch(1), epoch(2)]));
    // The second epoch also came by the socket, while the history was read.
    session.kernel(epoch(2));
    session.kernel(epoch(3));
    session.send(Event::History(run, vec![started, epoch(1), epoch(2)]));
    let epochs: Vec<u32> = session.app.training_runs[&run].lanes[0].points.iter().map(|point| point.epoch).collect();
    assert_eq!(epochs, [1, 2, 3]);
}

/// A notice that arrives before the notebook knows the run is shown when the run is opened.
#[test]
fn notices_of_an_unknown_run_are_shown_once_it_is_loaded() {
    let mut session = Session::open();
    let text = Some("The disk is full. Training waits.".to_owned());
    session.send(Event::Kernel(protocol::Event::Run(RunEvent::Notice { run: RunId(9), text, disk_full: false })));
    let started = RunEvent::Started { run: RunId(9), spec: Study::of(Preset::Article) };
    session.send(Event::History(RunId(9), vec![started.clone()]));
    assert_eq!(session.app.training_runs[&RunId(9)].notice.as_deref(), Some("The disk is full. Training waits."));
    session.send(Event::Kernel(protocol::Event::Run(RunEvent::Notice { run: RunId(9), text: None, disk_full: false })));
    session.send(Event::History(RunId(9), vec![started]));
    assert_eq!(session.app.training_runs[&RunId(9)].notice, None);
}

#[test]
fn a_kernel_that_dies_leaves_the_race_resumable() {
    let mut session = Session::open();
    session.send(Event::Link(Link::On));
    session.start_race();
    session.send(Event::Link(Link::Off));
    assert_eq!(*session.state(), RunState::Interrupted);
    session.press(KeyCode::Enter);
    assert_eq!(session.asked.last(), Some(&RequestBody::Resume { run: RunId(1) }));
}

#[test]
fn an_interrupted_run_is_resumed_by_one_request() {
    let mut session = Session::open();
    session.send(Event::Link(Link::On));
    session.start_race();
    session.send(Event::Link(Link::Off));
    session.press(KeyCode::Enter);
    session.press(KeyCode::Enter);
    let run = RunId(1);
    assert_eq!(session.asked.iter().filter(|body| **body == RequestBody::Resume { run }).count(), 1);
    // The new kernel is connected, and the store still has the run as interrupted.
    let started = RunEvent::Started { run, spec: Study::of(Preset::Article) };
    session.send(Event::Link(Link::On));
    session.send(Event::History(run, vec![started, RunEvent::Interrupted { run }]));
    assert!(session.app.training_runs[&run].resuming);
    session.kernel(RunEvent::Continued { run });
    assert!(!session.app.training_runs[&run].resuming && *session.state() == RunState::Running);

    session.send(Event::Link(Link::Off));
    session.press(KeyCode::Enter);
    session.send(Event::Unanswered(Tag::Run(run), "no LibTorch".into()));
    assert!(!session.app.training_runs[&run].resuming, "it can be tried again");
    assert_eq!(session.app.message.as_deref(), Some("no LibTorch"));

    // The kernel that was started for the resume has taken the run up by itself.
    session.press(KeyCode::Enter);
    let refused = Reply::Refused { kind: ErrorKind::Active, message: "run 1 is going on already".into() };
    session.send(Event::Reply(Tag::Run(run), refused));
    assert!(!session.app.training_runs[&run].resuming);
    assert!(session.app.message.as_deref().is_none_or(|message| !message.contains("already")));
}

#[test]
fn a_kernel_of_another_version_may_be_restarted_or_kept() {
    let mut session = Session::open();
    for _ in 0..2 {
        session.send(Event::OtherVersion("the kernel is of another version".into()));
    }
    assert!(matches!(session.app.modals[..], [Modal::OtherVersion(_)]));
    session.press(KeyCode::Enter);
    assert_eq!(session.effects.last(), Some(&Effect::RestartKernel));
    assert!(session.app.modals.is_empty());
    session.send(Event::OtherVersion("the kernel is of another version".into()));
    let effects = session.effects.len();
    session.press(KeyCode::Esc);
    assert!(session.app.modals.is_empty() && session.effects.len() == effects);
}

#[test]
fn a_storage_fault_stays_on_the_screen() {
    let mut session = Session::open();
    let rows = session.app.view.height;
    session.send(Event::StorageFault(Some("the disk is full".into())));
    session.press(KeyCode::Down);
    assert!(session.app.storage_fault.is_some() && session.app.view.height < rows);
    session.send(Event::StorageFault(None));
    assert_eq!((session.app.storage_fault.as_ref(), session.app.view.height), (None, rows));
}

#[test]
fn a_refused_request_is_shown_and_can_be_repeated() {
    let mut session = Session::open();
    session.enter();
    let key = CellKey { lesson: "faster".into(), cell: "race".into() };
    let refused = Reply::Refused { kind: ErrorKind::Storage, message: "the disk is full".into() };
    session.send(Event::Reply(Tag::Training(key.clone()), refused));
    assert_eq!(session.app.starting[&key], Err("the disk is full".into()));
    session.enter();
    assert_eq!(session.asked.len(), 2);
}

#[test]
fn an_answer_is_stored_and_can_be_changed() {
    let mut session = Session::open();
    while session.app.focused().is_none_or(|cell| cell.id != "why-faster") {
        session.press(KeyCode::Tab);
    }
    session.press(KeyCode::Char('1'));
    session.press(KeyCode::Char('2'));
    let kept: Vec<_> = session
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::RequestIfOn(_, RequestBody::Remember { key, value }) if key.starts_with("answer/") => {
                Some((key.as_str(), value.clone()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(kept.len(), 2);
    let cell = session.app.focused().unwrap();
    let CellBody::Quiz(quiz) = &cell.body else { unreachable!() };
    // In the order of the screen.
    let second = session.app.shuffled(&session.app.key_of(cell), quiz).choices()[1].text.clone();
    assert_eq!(kept[1], ("answer/faster/why-faster", serde_json::json!({ "chosen": second })));
}

#[test]
fn ctrl_c_leaves_at_once() {
    let mut session = Session::open();
    session.start_race();
    session.send(Event::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)));
    assert!(session.app.quit && session.asked.len() == 1);
}

#[test]
fn a_dead_kernel_leaves_no_experiment_running() {
    let mut session = Session::open();
    session.send(Event::Link(Link::On));
    let cell = CellKey { lesson: "tanh".into(), cell: "curves".into() };
    let progress = protocol::CellEvent::Progress {
        cell: cell.clone(),
        done: 0.4,
        doing: "tanh".into(),
        seconds: 6.0,
        partial: None,
    };
    session.send(Event::Kernel(protocol::Event::Cell(progress)));
    assert!(session.app.experiments[&cell].running.is_some());
    session.send(Event::Link(Link::Off));
    let view = &session.app.experiments[&cell];
    assert!(view.running.is_none() && view.error.is_some());
}

#[test]
fn the_contents_are_navigated_by_keys() {
    let mut session = Session::open();
    let at = session.app.lesson;
    session.press(KeyCode::Char('c'));
    session.press(KeyCode::Up);
    assert_eq!(session.app.contents_choice(), Some(at - 1));
    assert_eq!(session.app.lesson, at, "nothing opens before Enter");
    session.press(KeyCode::Enter);
    assert_eq!((session.app.lesson, session.app.contents_choice()), (at - 1, None));
    assert!(session.asked.is_empty(), "Enter runs no cell beneath the contents");
}

#[test]
fn the_topmost_modal_gets_the_mouse() {
    let mut session = Session::open();
    let (lesson, top) = (session.app.lesson, session.app.view.top);
    session.press(KeyCode::Char('o'));
    for kind in [MouseEventKind::ScrollUp, MouseEventKind::Down(MouseButton::Left)] {
        session.send(Event::Mouse(MouseEvent { kind, column: 3, row: 3, modifiers: KeyModifiers::NONE }));
    }
    assert!(matches!(session.app.modals[..], [Modal::Settings(..)]));
    assert_eq!((session.app.lesson, session.app.view.top), (lesson, top));
}

#[test]
fn commands_do_what_they_say() {
    let mut session = Session::open();
    session.type_text(":fly");
    session.press(KeyCode::Enter);
    let Some(Modal::Command(line)) = session.app.modals.last() else { panic!("a wrong command stays to be mended") };
    assert!(line.error.as_ref().is_some_and(|error| error.contains("`fly`")));
    session.press(KeyCode::Delete);
    session.type_text("open welcome");
    session.press(KeyCode::Enter);
    assert_eq!(session.app.document().meta.id, "welcome");
    assert!(session.app.modals.is_empty());
    session.type_text(":run 99");
    session.press(KeyCode::Enter);
    assert!(matches!(session.app.modals[..], [Modal::Command(_)]), "there is no run 99");
}

#[test]
fn a_lesson_can_be_reset() {
    let mut session = Session::open();
    session.send(Event::StoredProgress(vec![
        ("place/faster".into(), serde_json::json!({ "top": 9, "read": 80 })),
        ("answer/faster/why-faster".into(), serde_json::json!({ "choice": 1 })),
    ]));
    session.type_text(":reset");
    session.press(KeyCode::Enter);
    // It says what will be deleted, and Esc keeps it.
    let read = session.app.read["faster"];
    assert_eq!(session.app.reset_summary()[1], "your answer to a question");
    session.press(KeyCode::Esc);
    assert!(session.app.answers.len() == 1 && session.app.read["faster"] == read);
    session.type_text(":reset");
    session.press(KeyCode::Enter);
    session.press(KeyCode::Enter);
    assert!(session.app.answers.is_empty() && session.app.view.top == 0 && !session.app.read.contains_key("faster"));
    let forgotten = RequestBody::Remember { key: "answer/faster/why-faster".into(), value: serde_json::Value::Null };
    assert!(session.effects.contains(&Effect::RequestIfOn(Tag::Untracked, forgotten)));
}

#[test]
fn a_number_is_predicted() {
    let lesson = "+++\nid = \"guess\"\ntitle = \"A guess\"\npart = \"0\"\nsummary = \"A number.\"\nminutes = 1\n+++\n\n\
        ```predict\nid = \"epochs\"\nquestion = \"How many epochs?\"\nunit = \"epochs\"\n\
        explanation = \"See below.\"\n```\n";
    let (document, faults) = lesson::parse("guess.md", lesson);
    assert!(faults.is_empty(), "{faults:?}");
    let library = Library { lessons: vec![document], faults: Vec::new() };
    let mut session = Session::with(App::new(library, 0, 80, 24));
    session.press(KeyCode::Tab);
    session.press(KeyCode::Enter);
    session.type_text("1,5x");
    session.press(KeyCode::Enter);
    assert!(session.app.answers.is_empty(), "`1,5x` is no number");
    session.press(KeyCode::Backspace);
    session.press(KeyCode::Enter);
    let key = CellKey { lesson: "guess".into(), cell: "epochs".into() };
    assert_eq!(session.app.answers[&key].answer, Answer::Number(1.5));
    assert!(session.app.modals.is_empty());
}

/// The verdict follows the measurement, Enter goes to its cell, Esc returns; other settings do not count.
#[test]
fn the_ledger_judges_by_what_was_measured() {
    let mut session = Session::open();
    let ledger = session.app.library.find("ledger").unwrap();
    session.type_text(":open ledger");
    session.press(KeyCode::Enter);
    assert_eq!(session.app.lesson, ledger);
    while session.app.focused().is_none_or(|cell| cell.id != "relu-sparse") {
        session.press(KeyCode::Tab);
    }
    let verdict = |app: &App| {
        let CellBody::Claim(claim) = &app.focused().unwrap().body else { unreachable!() };
        claim.verdict(&app.findings_of(claim))
    };
    assert_eq!(verdict(&session.app), Verdict::NotYetTried);
    let key = CellKey { lesson: "sparsity".into(), cell: "count".into() };
    let lesson = session.app.library.find("sparsity").unwrap();
    let CellBody::Experiment(cell) = &session.app.library.lessons[lesson].cell("count").unwrap().body else {
        unreachable!()
    };
    let spec = cell.spec.clone();
    let measured = |value| Outcome {
        findings: vec![Finding {
            key: "sparsity.zeros.relu".into(),
            text: format!("{value} % are zero"),
            value: Some(value),
            spread: None,
            seeds: vec![1],
            tabled: false,
            is_bound: false,
        }],
        ..Outcome::default()
    };
    session.store_outcome(key.clone(), spec.clone(), measured(49.8));
    assert_eq!(verdict(&session.app), Verdict::Holds);
    session.store_outcome(key.clone(), spec.clone(), measured(0.0));
    assert_eq!(verdict(&session.app), Verdict::DoesNotHold);
    // The same cell id in a lesson of the reader's own decides nothing here.
    let own = CellKey { lesson: "own".into(), cell: "count".into() };
    session.store_outcome(own, spec.clone(), measured(49.8));
    assert_eq!(verdict(&session.app), Verdict::DoesNotHold);
    let mut other = spec;
    other.experiment = Experiment::Curves(Curves::default());
    session.store_outcome(key.clone(), other, measured(49.8));
    assert_eq!(verdict(&session.app), Verdict::NotYetTried);
    assert!(session.app.is_stale(&key));
    session.press(KeyCode::Enter);
    assert_eq!(session.app.lesson, lesson);
    assert_eq!(session.app.focused().unwrap().id, "count");
    session.press(KeyCode::Esc);
    assert_eq!(session.app.lesson, ledger);
    assert_eq!(session.app.focused().unwrap().id, "relu-sparse");
}

/// t shows the claims of one verdict after the other, and then all; a link to a hidden claim shows it.
#[test]
fn the_ledger_is_filtered_by_verdict() {
    let mut session = Session::on("ledger", 80, 24);
    let is_claim = |cell: &Cell| matches!(cell.body, CellBody::Claim(_));
    let claims = session.app.document().cells().into_iter().filter(|cell| is_claim(cell)).count();
    let finding = |key: &str, value, seeds: &[u64]| Finding {
        key: key.into(),
        text: format!("{value} %"),
        value: Some(value),
        spread: None,
        seeds: seeds.to_vec(),
        tabled: false,
        is_bound: false,
    };
    let found = vec![finding("sparsity.zeros.relu", 49.8, &[1, 2, 3]), finding("sparsity.active.sigmoid", 100.0, &[1])];
    session.send(Event::RunFindings(found));
    let head = format!("not yet tried {} · holds 1 · holds in part 0 · does not hold here 1", claims - 2);
    let screen = session.screen(&RICH);
    assert!(screen.contains(&head), "{screen}");
    assert!(session.app.hints().iter().any(|hint| hint == "t only \"not yet tried\""), "{:?}", session.app.hints());
    let shown = |session: &Session| {
        let cells = session.app.document().cells().into_iter().zip(&session.app.view.layout.cells);
        let claims = cells.filter(|(cell, (_, height))| *height > 0 && is_claim(cell));
        claims.map(|(cell, _)| cell.id.clone()).collect::<Vec<_>>()
    };
    session.type_text("t");
    assert_eq!(shown(&session).len(), claims - 2);
    session.type_text("t");
    assert_eq!(shown(&session), ["relu-sparse"]);
    let headings = session.app.view.layout.lines.iter().filter(|line| match line {
        Line::Text(spans) => spans.iter().any(|span| span.text.starts_with("III Dangers")),
        _ => false,
    });
    assert_eq!(headings.count(), 0, "no heading stands over nothing");
    assert_eq!(session.app.focused().map(|cell| cell.id.as_str()), Some("relu-sparse"));
    assert!(session.screen(&RICH).contains(" holds, 3 seeds "), "{}", session.screen(&RICH));
    // The reader's predictions are no claims and stay.
    session.press(KeyCode::Tab);
    assert!(matches!(session.app.focused().map(|cell| &cell.body), Some(CellBody::Predictions(_))));
    session.press(KeyCode::Tab);
    assert_eq!(session.app.message.as_deref(), Some("no cell follows in this lesson"));
    session.press(KeyCode::BackTab);
    // Verdicts that no claim has are skipped.
    session.type_text("t");
    assert_eq!(shown(&session), ["sigmoid-half"]);
    assert!(session.screen(&RICH).contains(" does not hold here, 1 seed "), "{}", session.screen(&RICH));
    session.type_text("t");
    assert_eq!(shown(&session).len(), claims);
    session.type_text("tt");
    assert_eq!(shown(&session), ["relu-sparse"]);
    // A search finds hidden claims too.
    session.type_text("/side: below");
    session.press(KeyCode::Enter);
    assert_eq!(shown(&session).len(), claims);
    // Elsewhere the key says where it works.
    let mut other = Session::on("sparsity", 80, 24);
    other.type_text("t");
    assert_eq!(other.app.message.as_deref(), Some("there are no verdicts here; t is for the ledger"));
}

/// Every Enter that starts work says how long it takes: in the form, and where a run is resumed.
#[test]
fn enter_shows_the_estimated_time() {
    let mut session = Session::open();
    session.press(KeyCode::Char('o'));
    let screen = session.screen(&RICH);
    assert!(screen.contains("Enter starts 2 lanes, 150 epochs each: about 2 minutes, estimated"), "{screen}");
    session.press(KeyCode::Esc);
    session.start_race();
    for epoch in 1..=50 {
        session.epoch(ArmId::RELU_TANH, epoch, 2.0);
        session.epoch(ArmId::ALL_TANH, epoch, 2.0);
    }
    session.kernel(RunEvent::Stopped { run: RunId(1) });
    // Each epoch took a second, and a hundred are left.
    assert_eq!(session.app.hints()[0], "Enter resume, about 2 minutes");
}
