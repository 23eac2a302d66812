//! The laboratory by scripted keys: the study as a table, the run that it starts, and what is kept of both.

use crate::common::session;
use crate::common::session::Session;
use app::{
    App, Background, ChartOptions, ComparedArm, Effect, Event, LabLayout, LabOperation, LabPage, Modal, Pane, RunRole,
    StoreQuery, TableLayout, TableLine, TableRow, Tag, arm_slots, lab_keys, study_plot,
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use protocol::{
    ArmId, CellKey, EpochRecord, Fork, Lane, Metric, Preset, Progress, Reply, RequestBody, RunEvent, RunId, RunState,
    RunSummary, Source, SteeredSetting, Steering, Study, Sweep, SweepAxis,
};
use ratatui::{Terminal, backend::TestBackend};
use serde_json::Value;
use ui::{Glyphs, Palette, Theme};

const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
const PLAIN: Theme = Theme::new(Palette::None, Glyphs::Ascii);

fn race() -> CellKey {
    CellKey { lesson: "faster".into(), cell: "race".into() }
}

/// The laboratory on the study of the race.
fn on_race(columns: u16, rows: u16) -> Session {
    let mut session = Session::on("faster", columns, rows);
    session.tab_to("race");
    session.type_text("e");
    session
}

/// The laboratory on a study of the reader's own.
fn on_own(text: &str, columns: u16, rows: u16) -> Session {
    let mut session = Session::on("faster", columns, rows);
    let study = text.parse().unwrap();
    session.send(Event::OpenLab { study: Some(Box::new(study)), runs: Vec::new() });
    session
}

fn study(session: &Session) -> Study {
    session.app.lab.table.study().unwrap().clone()
}

fn rates(session: &Session) -> Vec<f64> {
    study(session).arms.iter().map(|arm| arm.settings.learning_rate).collect()
}

/// Moves the cursor into the row of this title.
fn to_row(session: &mut Session, title: &str) {
    for _ in 0..TableRow::all().len() {
        session.press(KeyCode::Up);
    }
    for _ in 0..TableRow::all().len() {
        if session.app.lab.table.row().title() == title {
            return;
        }
        session.press(KeyCode::Down);
    }
    panic!("there is no row `{title}`");
}

fn trained(session: &Session) -> Vec<&Study> {
    let bodies = session.asked.iter();
    bodies.filter_map(|body| if let RequestBody::Train { spec, .. } = body { Some(spec) } else { None }).collect()
}

/// Enter, and the kernel's answer: the run of this number with the study of the table.
fn start(session: &mut Session, run: i64) {
    session.enter();
    let spec = (*trained(session).last().unwrap()).clone();
    session.send(Event::Reply(Tag::Lab, Reply::Started { run: RunId(run) }));
    session.kernel(RunEvent::Started { run: RunId(run), spec });
}

/// Epochs of every lane of a run whose values are made up.
fn measure(session: &mut Session, run: i64, epochs: u32) {
    let spec = session.app.training_runs[&RunId(run)].spec.clone();
    for (at, lane) in spec.lanes().into_iter().enumerate() {
        for epoch in 1..=epochs {
            let error = 3.0 / f64::from(epoch).sqrt() + 0.2 * at as f64;
            let values = [
                (Metric::TrainLoss, error / 20.0),
                (Metric::ValError, error),
                (Metric::TestError, error + 0.1),
                (Metric::Seconds, 0.6),
                (Metric::ImagesPerSecond, 90_000.0),
            ];
            let record = EpochRecord::new(lane, epoch, values);
            session.kernel(RunEvent::Epoch { run: RunId(run), record });
        }
    }
}

#[test]
fn it_opens_on_a_race_and_goes_back_to_it() {
    let mut session = on_race(100, 30);
    assert!(session.app.is_lab_open());
    assert_eq!(study(&session), session.app.lesson_study(&race()).unwrap());
    assert!(session.screen(&RICH).contains("the study of lesson"), "{}", session.screen(&RICH));
    session.press(KeyCode::Esc);
    assert!(session.app.modals.is_empty() && session.app.focused().is_some_and(|cell| cell.id == "race"));
    assert!(session.asked.is_empty(), "nothing was started");
    let kept = |effect: &Effect| matches!(effect, Effect::RequestIfOn(_, RequestBody::Remember { key, .. }) if key.starts_with("lab"));
    assert!(!session.effects.iter().any(kept), "what was only looked at is not kept");
    // Without a race: a study of the reader's own.
    session.type_text("E");
    assert_eq!((session.app.lab.origin.clone(), study(&session)), (None, Study::of(Preset::Article)));
    session.press(KeyCode::Esc);
    session.type_text(":lab");
    session.press(KeyCode::Enter);
    assert!(session.app.is_lab_open());
}

#[test]
fn what_the_form_says_goes_to_the_laboratory() {
    let mut session = Session::open();
    session.type_text("o");
    session.press(KeyCode::Right);
    session.send(Event::Key(KeyEvent::new(KeyCode::Char('e'), KeyModifiers::CONTROL)));
    assert_eq!((session.app.lab.origin.clone(), study(&session).epochs), (Some(race()), 200));
}

#[test]
fn a_value_is_typed_and_checked_as_it_is() {
    let mut session = on_race(80, 24);
    session.type_text("0.0");
    let fault = |session: &Session| session.app.lab.edit.as_ref().and_then(|edit| edit.fault.clone());
    assert!(fault(&session).unwrap().contains("more than 0"), "{:?}", fault(&session));
    session.press(KeyCode::Enter);
    assert!(session.app.lab.edit.is_some(), "it stays to be mended");
    assert!(session.screen(&RICH).contains("more than 0"), "{}", session.screen(&RICH));
    session.type_text("5");
    assert_eq!(fault(&session), None);
    session.press(KeyCode::Enter);
    assert_eq!((rates(&session), session.app.lab.edit.is_none()), (vec![0.05, 0.05], true));
    session.type_text("7");
    session.press(KeyCode::Esc);
    assert!(session.app.is_lab_open(), "Esc leaves the edit alone");
    assert_eq!(rates(&session), [0.05, 0.05]);
    assert_eq!(session.app.lab.table.text(), "relu-tanh; all-tanh | lr=0.05");
}

/// What an arm says is its own; what it does not say follows what all share.
#[test]
fn an_arm_has_its_own_and_the_rest_is_shared() {
    let mut session = on_race(80, 24);
    session.press(KeyCode::Right);
    session.press(KeyCode::Right);
    session.type_text("+");
    assert_eq!(rates(&session), [0.1, 0.2]);
    assert!(session.screen(&RICH).contains("≠ learning rate"), "{}", session.screen(&RICH));
    session.press(KeyCode::Left);
    session.press(KeyCode::Left);
    session.type_text("--");
    assert_eq!(rates(&session), [0.02, 0.2]);
    session.press(KeyCode::Right);
    session.press(KeyCode::Right);
    session.type_text("x");
    assert_eq!(rates(&session), [0.02, 0.02]);
    assert!(!session.screen(&RICH).contains("≠ learning rate"));
    session.type_text("uu");
    assert_eq!(rates(&session), [0.05, 0.2]);
    session.type_text("U");
    assert_eq!(rates(&session), [0.02, 0.2]);
    to_row(&mut session, "epochs");
    session.type_text("3");
    session.press(KeyCode::Enter);
    assert_eq!((study(&session).epochs, session.app.lab.table.column()), (3, 0), "all arms have the same");
}

#[test]
fn arms_are_copied_removed_and_added_from_a_list() {
    let mut session = on_race(120, 40);
    session.press(KeyCode::Right);
    session.type_text("c");
    assert_eq!((session.app.lab.table.arms().len(), session.app.lab.table.column()), (3, 2));
    // A copy is a study only once it differs.
    assert!(session.app.lab.table.study().unwrap_err().contains("are the same"));
    session.press(KeyCode::Enter);
    assert!(trained(&session).is_empty());
    session.type_text("0.5");
    session.press(KeyCode::Enter);
    assert_eq!(rates(&session), [0.1, 0.5, 0.1]);
    session.type_text("d");
    assert_eq!(rates(&session), [0.1, 0.1]);
    session.type_text("a");
    let screen = session.screen(&RICH);
    for activation in protocol::Activation::all() {
        assert!(screen.contains(activation.title()), "{activation}\n{screen}");
    }
    session.press(KeyCode::Right);
    session.press(KeyCode::Down);
    let columns = app::ActivationList::columns(118);
    let chosen = protocol::Activation::all().nth(1 + columns).unwrap();
    session.press(KeyCode::Enter);
    let added = study(&session).arms[2].settings.activations;
    assert_eq!((added.conv, added.fc), (chosen, chosen));
    // The beginning of a name chooses too; a letter that leads nowhere is left out.
    session.type_text("agex");
    assert_eq!(session.app.lab.activations.as_ref().map(|list| list.typed.as_str()), Some("ge"));
    session.type_text("lu");
    session.press(KeyCode::Enter);
    assert_eq!(study(&session).arms[3].settings.activations.to_string(), "gelu-gelu");
    session.type_text("d");
    for _ in 0..3 {
        session.type_text("d");
    }
    assert_eq!(study(&session).arms.len(), 1, "the last one stays");
}

/// Where two titles are cut, what distinguishes them stays.
#[test]
fn the_heads_of_two_columns_can_be_told_apart() {
    let session = on_own("all-relu lr=0.05; all-relu lr=0.2; all-tanh | epochs=3", 120, 40);
    let screen = session.screen(&RICH);
    let is_head = |line: &str| line.contains("● …lr 0.05") && line.contains("▲ …lr 0.2") && line.contains("all-Tanh");
    assert!(screen.lines().any(is_head), "{screen}");
}

#[test]
fn activations_and_networks_are_stepped() {
    let mut session = on_race(80, 24);
    to_row(&mut session, "convolutions");
    session.type_text("+");
    assert_eq!(session.app.lab.table.chosen_value().unwrap().text, "tanh");
    assert!(session.app.lab.table.study().unwrap_err().contains("are the same"));
    session.type_text("u");
    session.type_text("i");
    session.press(KeyCode::Delete);
    session.type_text("leaky(0.3)");
    session.press(KeyCode::Enter);
    assert_eq!(study(&session).arms[0].settings.activations.to_string(), "leaky(0.3)-tanh");
    to_row(&mut session, "network");
    session.type_text("+");
    // An MLP has hidden layers alone: each arm keeps theirs.
    let mlp = study(&session);
    assert_eq!(mlp.network, protocol::Network::Mlp);
    assert_eq!(mlp.first_settings().widths.to_string(), "256,256");
    session.type_text("-");
    assert_eq!(study(&session).network, protocol::Network::Lenet4);
}

#[test]
fn a_study_is_edited_as_text_and_pasted() {
    let mut session = on_race(80, 24);
    session.type_text("t");
    session.press(KeyCode::Delete);
    session.type_text("gelu-gelu; relu-relu | epoch=3");
    assert!(session.screen(&RICH).contains("unknown setting `epoch`"), "{}", session.screen(&RICH));
    for _ in 0..2 {
        session.press(KeyCode::Left);
    }
    session.type_text("s");
    session.press(KeyCode::Enter);
    assert_eq!((study(&session).epochs, study(&session).arms.len()), (3, 2));
    session.send(Event::Paste("mish-mish | lr=0.5".into()));
    session.press(KeyCode::Enter);
    assert_eq!(rates(&session), [0.5]);
    session.type_text("u");
    assert_eq!(study(&session).epochs, 3);
}

#[test]
fn enter_runs_it_and_no_key_discards_anything() {
    let mut session = on_own("relu-tanh; all-tanh | epochs=2 images=1000", 120, 40);
    session.enter();
    session.press(KeyCode::Enter);
    assert_eq!(trained(&session).len(), 1, "a second press starts nothing");
    session.send(Event::Reply(Tag::Lab, Reply::Started { run: RunId(9) }));
    session.kernel(RunEvent::Started { run: RunId(9), spec: study(&session) });
    session.kernel(RunEvent::Continued { run: RunId(9) });
    measure(&mut session, 9, 1);
    for key in [KeyCode::Enter, KeyCode::Char('w')] {
        session.press(key);
        assert_eq!(trained(&session).len(), 1);
        assert!(session.app.message.as_ref().unwrap().contains("z pauses it"), "{:?}", session.app.message);
    }
    session.type_text("z");
    assert_eq!(session.asked.last(), Some(&RequestBody::Pause { run: RunId(9) }));
    session.kernel(RunEvent::Paused { run: RunId(9) });
    session.press(KeyCode::Enter);
    assert_eq!(session.asked.last(), Some(&RequestBody::Continue { run: RunId(9) }));
    session.kernel(RunEvent::Continued { run: RunId(9) });
    session.type_text("s");
    assert_eq!(session.asked.last(), Some(&RequestBody::Stop { run: RunId(9) }));
    session.kernel(RunEvent::Stopped { run: RunId(9) });
    session.press(KeyCode::Enter);
    assert_eq!(session.asked.last(), Some(&RequestBody::Resume { run: RunId(9) }));
    session.kernel(RunEvent::Continued { run: RunId(9) });
    measure(&mut session, 9, 2);
    session.kernel(RunEvent::Finished { run: RunId(9) });
    session.press(KeyCode::Enter);
    assert!(session.app.message.as_ref().unwrap().contains("n runs them from new initial weights"));
    session.type_text("n");
    assert_eq!(trained(&session).last().unwrap().seeds, [2]);
    session.send(Event::Unanswered(Tag::Lab, "the disk is full".into()));
    assert!(session.screen(&RICH).contains("the disk is full"), "{}", session.screen(&RICH));
    session.type_text("w");
    assert_eq!(trained(&session).last().unwrap().seeds, [2], "from the same");
    assert_eq!(session.app.training_runs[&RunId(9)].state, RunState::Finished);
}

/// Away from the table Enter goes on with the run that is looked at, and starts no other study.
#[test]
fn enter_beside_a_chart_goes_on_with_its_run() {
    for (columns, rows) in [(80, 24), (120, 40)] {
        let mut session = on_own("relu-tanh; all-tanh | epochs=9 images=1000", columns, rows);
        start(&mut session, 3);
        measure(&mut session, 3, 4);
        session.kernel(RunEvent::Stopped { run: RunId(3) });
        session.app.lab.page = LabPage::Study;
        session.press(KeyCode::Right);
        session.type_text("+");
        // The table has another study now, which Enter would run.
        assert!(!session.screen(&RICH).contains("Enter resumes"), "{}", session.screen(&RICH));
        session.app.lab.page = LabPage::Chart;
        assert!(session.screen(&RICH).contains("Enter resumes"), "{}", session.screen(&RICH));
        session.press(KeyCode::Enter);
        assert_eq!(session.asked.last(), Some(&RequestBody::Resume { run: RunId(3) }));
        session.press(KeyCode::Enter);
        assert_eq!(trained(&session).len(), 1, "a second press starts nothing");
        // Undo changes the table, which a narrow screen does not show here.
        let before = session.app.lab.table.text();
        session.type_text("u");
        assert_eq!(session.app.lab.table.text() == before, columns == 80);
    }
}

#[test]
fn new_weights_are_none_that_a_run_of_the_study_began_with() {
    let mut session = on_own("relu-tanh; all-tanh | epochs=2 images=1000 seeds=1-3", 120, 40);
    start(&mut session, 4);
    session.kernel(RunEvent::Finished { run: RunId(4) });
    session.type_text("n");
    assert_eq!(trained(&session).last().unwrap().seeds, [4, 5, 6]);
    session.send(Event::Reply(Tag::Lab, Reply::Started { run: RunId(5) }));
    let spec = study(&session);
    session.kernel(RunEvent::Started { run: RunId(5), spec });
    session.kernel(RunEvent::Finished { run: RunId(5) });
    session.type_text("u");
    session.type_text("n");
    assert_eq!(trained(&session).last().unwrap().seeds, [7, 8, 9]);
}

#[test]
fn the_lessons_settings_and_the_readers_are_a_key_apart() {
    let mut session = on_race(80, 24);
    session.type_text("+");
    let own = study(&session);
    session.type_text("L");
    assert_eq!(study(&session), session.app.lesson_study(&race()).unwrap());
    session.type_text("L");
    assert_eq!(study(&session), own);
}

/// The draft is kept, sound or not, and the lesson's own study stays as it is.
#[test]
fn what_is_edited_is_there_in_the_next_notebook() {
    let mut session = on_race(80, 24);
    session.type_text("0.5");
    session.press(KeyCode::Enter);
    session.press(KeyCode::Right);
    session.type_text("c");
    let kept = session.effects.iter().rev().find_map(|effect| match effect {
        Effect::RequestIfOn(_, RequestBody::Remember { key, value }) if key.starts_with("lab") => {
            Some((key.clone(), value.clone()))
        }
        _ => None,
    });
    let (key, value): (String, Value) = kept.unwrap();
    assert_eq!(key, "lab/faster/race");
    let text = session.app.lab.table.text();
    let mut next = Session::on("faster", 80, 24);
    next.send(Event::StoredProgress(vec![(key, value)]));
    next.tab_to("race");
    next.type_text("e");
    assert_eq!(next.app.lab.table.text(), text);
    assert!(next.app.lab.table.study().unwrap_err().contains("are the same"));
    assert_eq!(next.app.lesson_study(&race()).unwrap(), Study::of(Preset::Article));
    assert!(next.asked.is_empty());
}

#[test]
fn a_study_given_on_the_command_line_is_not_replaced_by_what_was_kept() {
    let kept = serde_json::json!({ "study": "mish-mish", "run": 3 });
    let mut session = Session::on("faster", 80, 24);
    session.send(Event::Opened { restore: true });
    session.send(Event::OpenLab { study: Some(Box::new("gelu-gelu".parse().unwrap())), runs: Vec::new() });
    session.send(Event::StoredProgress(vec![("lab".into(), kept.clone())]));
    assert_eq!(session.app.lab.table.text(), "gelu-gelu");
    let mut session = Session::on("faster", 80, 24);
    session.send(Event::Opened { restore: true });
    session.send(Event::OpenLab { study: None, runs: Vec::new() });
    session.send(Event::StoredProgress(vec![("lab".into(), kept)]));
    assert_eq!((session.app.lab.table.text().as_str(), session.app.lab.run), ("mish-mish", Some(RunId(3))));
}

fn click(session: &mut Session, column: u16, row: u16) {
    let kind = MouseEventKind::Down(MouseButton::Left);
    session.send(Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}

#[test]
fn fields_and_pages_can_be_clicked() {
    let mut session = on_race(80, 24);
    let layout = session.app.lab_layout();
    let table = TableLayout::new(&session.app.lab.table, layout.study.unwrap());
    let of_batch =
        |(line, _): &&(TableLine, u16)| matches!(line, TableLine::Row(row) if TableRow::all()[*row].title() == "batch");
    let (_, y) = table.lines.iter().find(of_batch).unwrap();
    let (column, x, _) = table.columns[2];
    click(&mut session, x + 1, *y);
    assert_eq!((session.app.lab.table.row().title(), session.app.lab.table.column()), ("batch", column));
    let (page, area) = layout.tab_columns()[1];
    click(&mut session, area.x, area.y);
    assert_eq!((session.app.lab.page, page), (LabPage::Chart, LabPage::Chart));
}

#[test]
fn help_has_the_keys_of_the_laboratory() {
    let mut session = on_race(80, 60);
    session.type_text("?");
    let screen = session.screen(&RICH);
    for binding in lab_keys::shown() {
        assert!(screen.contains(binding.help), "{}\n{screen}", binding.help);
    }
    session.press(KeyCode::Esc);
    assert!(session.app.is_lab_open());
}

/// Whatever the size and the number of arms, everything is inside, and the cursor is seen.
#[test]
fn the_table_fits_every_screen() {
    for (columns, rows) in [(40, 12), (80, 24), (109, 30), (110, 30), (120, 40), (200, 50)] {
        let text = "relu-relu; tanh-tanh; gelu-gelu; silu-silu; mish-mish; elu-elu | epochs=3";
        let mut session = on_own(text, columns, rows);
        for _ in 0..TableRow::all().len() {
            for _ in 0..7 {
                let LabLayout { study: Some(area), .. } = session.app.lab_layout() else { panic!("{columns}x{rows}") };
                let table = &session.app.lab.table;
                let layout = TableLayout::new(table, area);
                let sees_row = layout.lines.iter().any(|(line, y)| {
                    matches!(line, TableLine::Row(row) if *row == table.row_number()) && *y < area.bottom()
                });
                let sees_column = layout
                    .columns
                    .iter()
                    .any(|(column, x, width)| *column == table.column() && x + width <= area.right());
                assert!(sees_row && sees_column, "{columns}x{rows}: {} {}", table.row().title(), table.column());
                session.screen(&RICH);
                session.press(KeyCode::Right);
            }
            for _ in 0..7 {
                session.press(KeyCode::Left);
            }
            session.press(KeyCode::Down);
        }
        for key in ["t", "a"] {
            session.type_text(key);
            session.screen(&PLAIN);
            session.press(KeyCode::Esc);
        }
    }
}

/// A finished run as the list has it.
fn summary(run: i64, text: &str) -> RunSummary {
    let spec: Study = text.parse().unwrap();
    let value = serde_json::json!({
        "run": run, "name": null, "state": "finished", "spec": spec, "created": 0, "updated": 0, "epochs_done": 4,
        "best": [],
    });
    serde_json::from_value(value).unwrap()
}

/// Several runs in one chart: each arm keeps a colour of its own, and what differs between them is told first.
#[test]
fn runs_are_shown_together() {
    let mut session = on_own("relu-tanh; all-tanh | epochs=4 images=1000", 120, 40);
    start(&mut session, 3);
    measure(&mut session, 3, 4);
    session.kernel(RunEvent::Finished { run: RunId(3) });
    let other = "relu-tanh; all-tanh | epochs=4 images=1000 lr=0.05";
    let runs = [summary(3, "relu-tanh; all-tanh | epochs=4 images=1000"), summary(2, other)];
    session.send(Event::Runs(runs.to_vec()));
    session.type_text("o");
    session.press(KeyCode::Down);
    assert!(session.screen(&RICH).contains("learning rate 0.05"), "{}", session.screen(&RICH));
    session.press(KeyCode::Char(' '));
    assert_eq!(session.app.lab.overlaid, [RunId(2)]);
    assert!(session.effects.contains(&Effect::Query(StoreQuery::Run(RunId(2)))));
    session.send(Event::History(RunId(2), vec![RunEvent::Started { run: RunId(2), spec: other.parse().unwrap() }]));
    measure(&mut session, 2, 3);
    session.press(KeyCode::Esc);
    assert!(session.app.is_lab_open());
    let published = session.app.published_points_of_run(&study(&session));
    let plot = study_plot(&session.app.lab_chart_runs(), &ChartOptions::default(), &published, &[]);
    let arms: Vec<_> = plot.series.iter().map(|series| series.source.clone()).collect();
    let of = |run, arm| Source::Run { run: RunId(run), arm };
    assert_eq!(arms, [of(3, 0), of(3, 1), of(2, 2), of(2, 3)]);
    let screen = session.screen(&RICH);
    assert!(screen.contains("run 2: learning rate 0.05") && screen.contains("Runs 3, 2"), "{screen}");
    insta::assert_snapshot!("overlaid-120x40", session.picture(&RICH));
    // What is gone is shown no more; the other takes its place when it is taken away by the reader.
    session.kernel(RunEvent::Deleted { run: RunId(2) });
    assert!(session.app.lab.overlaid.is_empty());
    session.type_text("o");
    session.press(KeyCode::Char(' '));
    assert_eq!(session.app.lab.run, None);
}

/// Two arms over five seeds, the second of them worse by a fifth of a point.
fn compared(columns: u16, rows: u16) -> Session {
    let mut session = on_own("relu-tanh; all-tanh | epochs=4 images=1000 seeds=1-5", columns, rows);
    start(&mut session, 3);
    for seed in 1..=5 {
        for (arm, worse) in [(ArmId::RELU_TANH, 0.0), (ArmId::ALL_TANH, 0.2)] {
            for epoch in 1..=4 {
                let error = 4.0 / f64::from(epoch) + worse + 0.01 * (seed as f64) * f64::from(worse > 0.0);
                let values = [(Metric::ValError, error), (Metric::TestError, error), (Metric::Seconds, 0.5)];
                let record = EpochRecord::new(Lane { arm, seed }, epoch, values);
                session.kernel(RunEvent::Epoch { run: RunId(3), record });
            }
        }
    }
    session.kernel(RunEvent::Finished { run: RunId(3) });
    session.app.lab.page = LabPage::Chart;
    session.press(KeyCode::Tab);
    assert_eq!(session.app.lab.page, LabPage::Compare);
    session
}

#[test]
fn two_arms_are_compared_by_the_sentence_of_statistics() {
    let mut session = compared(120, 40);
    let compared = session.app.lab_comparison().unwrap();
    let paired = compared.comparison.paired.unwrap();
    // 0.2 and a hundredth more with each seed: a mean of 0.23 and a deviation of sqrt(2.5) hundredths.
    assert!((paired.mean + 0.23).abs() < 1e-9 && (paired.deviation - 0.000_25_f64.sqrt()).abs() < 1e-9, "{paired:?}");
    let screen = session.screen(&RICH).split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = compared.comparison.sentence();
    let first_words: String = sentence.split(' ').take(4).collect::<Vec<_>>().join(" ");
    assert!(screen.contains(&first_words), "{sentence}\n{screen}");
    assert!(screen.contains("They differ in activations"), "{screen}");
    // The images that were wrong are asked for once the run rests: of each seed of both arms.
    let asked = |session: &Session| {
        let wrong =
            session.effects.iter().filter(|effect| matches!(effect, Effect::Query(StoreQuery::WrongImages { .. })));
        wrong.count()
    };
    assert_eq!(asked(&session), 10);
    for seed in 1..=5 {
        for arm in [ArmId::RELU_TANH, ArmId::ALL_TANH] {
            // all-tanh alone has the first eight wrong.
            let images = (0..100).map(|image| image < 8 && arm == ArmId::ALL_TANH).collect();
            let lane = Lane { arm, seed };
            session.send(Event::WrongImages { run: RunId(3), lane, epoch: 4, images });
        }
    }
    let screen = session.screen(&RICH);
    assert!(screen.contains("0 : 8  p = 0.0078"), "{screen}");
    session.press(KeyCode::Up);
    assert_eq!(asked(&session), 10, "what is known is not asked for again");
    // Another arm on one side moves the other out of the way.
    session.press(KeyCode::Right);
    let arms = session.app.compared_arms().unwrap().map(|compared| compared.arm);
    assert_eq!(arms, [ArmId::ALL_TANH, ArmId::RELU_TANH]);
}

#[test]
fn the_threshold_is_named_by_the_reader() {
    let mut session = compared(120, 40);
    assert_eq!(session.app.lab_threshold(), Some(protocol::MILESTONE));
    let epochs = |session: &Session| {
        let comparison = session.app.lab_comparison().unwrap().comparison;
        comparison.to_threshold.unwrap().pairs[0]
    };
    assert_eq!(epochs(&session), [Some(3), Some(4)]);
    session.type_text("200");
    session.press(KeyCode::Enter);
    assert!(session.screen(&RICH).contains("take 0 to 100"), "{}", session.screen(&RICH));
    session.press(KeyCode::Delete);
    session.type_text("2.2");
    session.press(KeyCode::Enter);
    assert_eq!(epochs(&session), [Some(2), Some(3)]);
    session.type_text("x");
    assert_eq!(session.app.lab_threshold(), Some(protocol::MILESTONE));
    // For other networks none is named beforehand.
    let session = on_own("relu-relu; all-tanh | net=mlp epochs=4 images=1000", 120, 40);
    let mut session = session;
    start(&mut session, 5);
    assert_eq!(session.app.lab_threshold(), None);
}

#[test]
fn runs_from_the_command_line_are_beside_each_other() {
    let mut session = Session::on("faster", 120, 40);
    session.send(Event::OpenLab { study: None, runs: vec![RunId(5), RunId(6)] });
    for run in [5, 6] {
        assert!(session.effects.contains(&Effect::Query(StoreQuery::Run(RunId(run)))));
        let text =
            if run == 5 { "relu-tanh | epochs=4 images=1000" } else { "gelu-gelu | epochs=4 images=1000 lr=0.05" };
        let spec = text.parse().unwrap();
        session.send(Event::History(RunId(run), vec![RunEvent::Started { run: RunId(run), spec }]));
        measure(&mut session, run, 4);
    }
    let arms = session.app.compared_arms().unwrap();
    assert_eq!(arms.map(|arm| arm.run), [RunId(5), RunId(6)]);
    let screen = session.screen(&RICH);
    assert!(screen.contains("Runs 5, 6") && screen.contains("They differ in activations"), "{screen}");
    let differing = session.app.lab_comparison().unwrap().differing;
    let keys: Vec<&str> = differing.iter().map(|setting| setting.key).collect();
    assert_eq!(keys, ["activations", "lr"]);
}

/// Two runs of two arms: what stands beneath the chart says of which run it is, and one arm of each run is compared.
#[test]
fn of_runs_beside_each_other_each_sentence_names_its_run() {
    for (columns, rows) in [(80, 24), (120, 40), (200, 50)] {
        let mut session = Session::on("faster", columns, rows);
        session.send(Event::OpenLab { study: None, runs: vec![RunId(5), RunId(6)] });
        for (run, other_arm) in [(5, "all-tanh"), (6, "gelu-gelu")] {
            let spec = format!("{other_arm}; relu-tanh | epochs=4 images=1000").parse().unwrap();
            session.send(Event::History(RunId(run), vec![RunEvent::Started { run: RunId(run), spec }]));
            measure(&mut session, run, 4);
            session.kernel(RunEvent::Finished { run: RunId(run) });
        }
        let compared = |session: &Session| session.app.compared_arms().unwrap().map(|arm| (arm.run, arm.arm));
        let [(first, _), second] = compared(&session);
        assert_eq!((first, second.0), (RunId(5), RunId(6)), "one arm of each");
        // The second arm is in both runs; once the reader has chosen, that is kept.
        session.press(KeyCode::Right);
        let [first, _] = compared(&session);
        assert_eq!(first, (RunId(5), ArmId::RELU_TANH));
        session.app.lab.page = LabPage::Chart;
        let screen = session.screen(&RICH);
        assert!(screen.contains("run 5: finished: 4 epochs"), "{columns}x{rows}\n{screen}");
    }
}

/// However long the names are, the table of arms has the validation errors.
#[test]
fn arms_with_long_names_have_their_errors() {
    let runs = [
        (5, "relu-tanh lr=0.05 wd=0.001; relu-tanh lr=0.2 wd=0.0001 | epochs=4 images=1000 seeds=1-3"),
        (6, "relu-tanh lr=0.05 wd=0.001; relu-tanh lr=0.2 wd=0.0001 | epochs=3 images=1000 seeds=1-2"),
    ];
    for (columns, rows) in [(80, 24), (120, 40), (200, 50)] {
        let mut session = Session::on("faster", columns, rows);
        session.send(Event::OpenLab { study: None, runs: vec![RunId(5), RunId(6)] });
        for (run, text) in runs {
            let spec: Study = text.parse().unwrap();
            let epochs = spec.epochs;
            session.send(Event::History(RunId(run), vec![RunEvent::Started { run: RunId(run), spec }]));
            measure(&mut session, run, epochs);
            session.kernel(RunEvent::Finished { run: RunId(run) });
        }
        let check = |session: &Session| {
            let screen = session.screen(&RICH);
            // 1.5 and 0, 0.4 and 0.8 more in the first run; two seeds of the other.
            for text in ["val %", "1.90 ± 0.40", "1.93 ± 0.28"] {
                assert!(screen.contains(text), "{text} at {columns}x{rows}\n{screen}");
            }
        };
        if columns >= 110 {
            check(&session);
        }
        session.app.lab.page = LabPage::Chart;
        check(&session);
        if columns >= 110 {
            session.type_text("g");
            check(&session);
        }
    }
}

#[test]
fn the_rate_of_the_chosen_arm_is_steered_while_it_trains() {
    let mut session = on_own("relu-tanh; all-tanh | epochs=9 images=1000", 120, 40);
    session.type_text(")");
    assert!(session.app.message.as_ref().unwrap().contains("nothing trains here"));
    start(&mut session, 3);
    session.kernel(RunEvent::Continued { run: RunId(3) });
    session.type_text(")");
    assert!(session.app.message.as_ref().unwrap().contains("column of the arm"));
    session.press(KeyCode::Right);
    session.press(KeyCode::Right);
    let steer = |value| RequestBody::Steer {
        run: RunId(3),
        arm: ArmId::ALL_TANH,
        setting: SteeredSetting::LearningRate,
        value,
    };
    session.type_text(")");
    assert_eq!(session.asked.last(), Some(&steer(0.2)));
    let steering = Steering {
        arm: ArmId::ALL_TANH,
        epoch: 2,
        setting: SteeredSetting::LearningRate,
        value: 0.2,
        passed: Vec::new(),
    };
    session.send(Event::Reply(Tag::Run(RunId(3)), Reply::Steered(steering.clone())));
    session.kernel(RunEvent::Steered { run: RunId(3), steering });
    assert!(session.screen(&RICH).contains("all-Tanh from epoch 2 on: learning rate 0.2"), "{}", session.screen(&RICH));
    session.type_text("((");
    assert_eq!(session.asked.last(), Some(&steer(0.1)), "from what was steered last");
    // The comparison says so, and Enter starts the study of the table anew where the run was steered.
    measure(&mut session, 3, 9);
    session.kernel(RunEvent::Finished { run: RunId(3) });
    session.app.lab.page = LabPage::Compare;
    let history = session.app.lab_comparison().unwrap().history;
    assert_eq!(history, ["all-Tanh of run 3 was steered: learning rate 0.2 from epoch 2."]);
    assert!(session.screen(&RICH).contains("was steered: learning rate 0.2"), "{}", session.screen(&RICH));
    assert!(matches!(session.app.lab_operation(), LabOperation::Start(_)));
}

/// A steering that holds for no seed yet that has begun is where the next step goes on, and the arm under the visible cursor
/// is the one that is steered.
#[test]
fn steps_of_steering_add_up_over_several_seeds() {
    let mut session = on_own("relu-tanh; all-tanh | epochs=9 images=1000 seeds=1-2", 120, 40);
    start(&mut session, 3);
    session.kernel(RunEvent::Continued { run: RunId(3) });
    to_row(&mut session, "convolutions");
    assert_eq!(session.app.lab.table.chosen_arm(), Some(0), "the cursor is seen in the first arm");
    let steering = |value| Steering {
        arm: ArmId::RELU_TANH,
        epoch: 2,
        setting: SteeredSetting::LearningRate,
        value,
        passed: vec![1],
    };
    for value in [0.2, 0.5, 1.0] {
        session.type_text(")");
        let steer =
            RequestBody::Steer { run: RunId(3), arm: ArmId::RELU_TANH, setting: SteeredSetting::LearningRate, value };
        assert_eq!(session.asked.last(), Some(&steer));
        session.kernel(RunEvent::Steered { run: RunId(3), steering: steering(value) });
    }
    measure(&mut session, 3, 9);
    let history = session.app.lab_comparison().unwrap().history;
    assert!(history[0].ends_with("1 from epoch 2 (not seed 1); its seeds had different rates, and a mean mixes them."));
}

/// A sweep that takes longer than a minute is asked for, as every run is.
#[test]
fn a_long_sweep_is_asked_for() {
    let mut session = on_own("relu-tanh; all-tanh | epochs=50", 120, 40);
    session.type_text("S");
    session.press(KeyCode::Enter);
    assert!(matches!(session.app.modals.last(), Some(Modal::Confirm(_))));
    assert!(
        session.screen(&RICH).contains("A sweep over learning rate 0.05, 0.1 and 0.2: 6 cells, 1 seed and 50"),
        "{}",
        session.screen(&RICH)
    );
    assert!(!session.asked.iter().any(|body| matches!(body, RequestBody::Sweep { .. })));
    session.type_text("y");
    assert!(session.asked.iter().any(|body| matches!(body, RequestBody::Sweep { .. })));
}

#[test]
fn the_chart_takes_the_whole_screen_and_gives_it_back() {
    let mut session = on_own("relu-tanh; all-tanh | epochs=9 images=1000", 120, 40);
    start(&mut session, 3);
    measure(&mut session, 3, 4);
    session.type_text("g");
    let layout = session.app.lab_layout();
    assert_eq!((layout.study, layout.chart.map(|area| area.width)), (None, Some(120)));
    session.type_text("g");
    assert!(session.app.lab_layout().is_beside());
}

#[test]
fn a_run_is_forked_with_what_the_table_changes() {
    let mut session = on_own("relu-tanh; all-tanh | epochs=9 images=1000", 120, 40);
    start(&mut session, 3);
    measure(&mut session, 3, 4);
    session.kernel(RunEvent::Stopped { run: RunId(3) });
    session.type_text("f");
    assert!(session.app.message.as_ref().unwrap().contains("change one, then f forks it"));
    session.press(KeyCode::Right);
    session.type_text("+f");
    assert!(session.screen(&RICH).contains("fork with relu-tanh lr=0.2 at epoch 4"), "{}", session.screen(&RICH));
    // Nothing is asked of the kernel that it would refuse.
    for (wrong, why) in [("0", "from 1 to 4"), ("5", "from 1 to 4"), ("x", "from 1 to 4")] {
        session.press(KeyCode::Delete);
        session.type_text(wrong);
        session.press(KeyCode::Enter);
        assert!(session.screen(&RICH).contains(why), "{}", session.screen(&RICH));
        assert_eq!(session.app.lab.starting, None);
    }
    session.press(KeyCode::Delete);
    session.type_text("2");
    session.press(KeyCode::Enter);
    let fork = RequestBody::Fork {
        fork: Fork { parent: RunId(3), epoch: 2 },
        arms: vec![ArmId::RELU_TANH],
        changes: vec![("lr".into(), "0.2".into())],
        name: None,
    };
    assert_eq!(session.asked.last(), Some(&fork));
    session.send(Event::Reply(Tag::Lab, Reply::Started { run: RunId(4) }));
    assert_eq!((session.app.lab.run, session.app.lab.overlaid.as_slice()), (Some(RunId(4)), &[RunId(3)][..]));
    // Arms that a fork could not change alike are told of.
    let mut session = on_own("relu-tanh; all-tanh | epochs=9 images=1000", 120, 40);
    start(&mut session, 3);
    measure(&mut session, 3, 4);
    session.press(KeyCode::Right);
    session.type_text("+");
    session.press(KeyCode::Right);
    session.type_text("-f");
    assert!(session.app.message.as_ref().unwrap().contains("the same in every arm"), "{:?}", session.app.message);
}

#[test]
fn a_setting_is_swept_and_each_arm_taken_at_its_best() {
    let mut session = on_own("relu-tanh; all-tanh | epochs=2 images=1000 seeds=1-2", 120, 40);
    session.type_text("S");
    assert!(session.screen(&RICH).contains("sweep lr=0.05,0.1,0.2"), "{}", session.screen(&RICH));
    for _ in 0..3 {
        session.press(KeyCode::Backspace);
    }
    session.type_text("0.5x");
    assert!(session.screen(&RICH).contains("`0.5x`"), "{}", session.screen(&RICH));
    session.press(KeyCode::Backspace);
    session.press(KeyCode::Enter);
    let Some(RequestBody::Sweep { spec, sweep, .. }) = session.asked.last().cloned() else {
        panic!("{:?}", session.asked)
    };
    assert_eq!((spec.arms.len(), sweep.halving), (6, false));
    let run = RunId(8);
    session.send(Event::Reply(Tag::Lab, Reply::Started { run }));
    session.kernel(RunEvent::Started { run, spec: spec.clone() });
    let mut listed = summary(8, "relu-tanh");
    (listed.spec, listed.sweep) = (spec.clone(), Some(sweep));
    session.send(Event::Runs(vec![listed]));
    session.type_text("B");
    assert!(session.app.message.as_ref().unwrap().contains("not every arm"));
    for lane in spec.lanes() {
        let rate = spec.settings(lane.arm).unwrap().learning_rate;
        // The best is 0.05 for all-tanh and 0.5 for the other.
        let best = if spec.settings(lane.arm).unwrap().activations.to_string() == "all-tanh" { 0.05 } else { 0.5 };
        for epoch in 1..=2 {
            let values = [(Metric::ValError, 2.0 + (rate - best).abs()), (Metric::Seconds, 0.5)];
            session.kernel(RunEvent::Epoch { run, record: EpochRecord::new(lane, epoch, values) });
        }
    }
    session.kernel(RunEvent::Finished { run });
    assert!(session.screen(&RICH).contains("best of ReLU+Tanh: ReLU+Tanh lr=0.5"), "{}", session.screen(&RICH));
    // The grid has the settings as columns and the arms as rows.
    session.press(KeyCode::Tab);
    assert_eq!(session.app.lab.page, LabPage::Sweep);
    let table = session.app.sweep_table().unwrap();
    assert_eq!((table.columns.as_slice(), table.done()), (["0.05", "0.1", "0.5"].map(String::from).as_slice(), (6, 6)));
    let ranks: Vec<Vec<f64>> = table
        .rows
        .iter()
        .map(|row| row.cells.iter().map(|cell| cell.as_ref().unwrap().rank.unwrap()).collect())
        .collect();
    // Both arms have an error of 2 at their best, and one of 2.45 at their worst.
    let middle = (2.4_f64 / 2.0).ln() / (2.45_f64 / 2.0).ln();
    let near = |row: &[f64], wanted: [f64; 3]| row.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(near(&ranks[0], [1.0, middle, 0.0]), "{ranks:?}");
    assert!(near(&ranks[1], [0.0, (2.05_f64 / 2.0).ln() / (2.45_f64 / 2.0).ln(), 1.0]), "{ranks:?}");
    session.press(KeyCode::Right);
    session.press(KeyCode::Down);
    let screen = session.screen(&RICH);
    for said in ["6 of 6 cells done, 2 seeds each", "all-Tanh lr=0.1: 2.05 % at epoch 2; 95 % interval 2.05 to"] {
        assert!(screen.contains(said), "{said}\n{screen}");
    }
    session.type_text("B");
    assert_eq!((rates(&session), study(&session).seeds), (vec![0.5, 0.05], vec![3, 4]));
}

/// The page of a sweep of two arms over five rates and two decays, whose errors are lowest at a rate of 0.1. A cell has
/// diverged, and halving has stopped others.
fn swept(columns: u16, rows: u16) -> Session {
    let base = "relu-tanh; all-tanh | epochs=8 images=1000 seeds=1-3".parse().unwrap();
    let axes = ["lr=0.01,0.03,0.1,0.3,1", "wd=0,1e-3"].map(|axis| SweepAxis::parse(axis).unwrap());
    let (spec, sweep) = Sweep::new(&base, &axes, true).unwrap();
    let run = RunId(8);
    let mut session = on_own("relu-tanh; all-tanh | epochs=8 images=1000 seeds=1-3", columns, rows);
    session.kernel(RunEvent::Started { run, spec: spec.clone() });
    let mut listed = summary(8, "relu-tanh");
    (listed.spec, listed.sweep) = (spec.clone(), Some(sweep));
    session.send(Event::Runs(vec![listed]));
    session.app.lab.run = Some(run);
    for lane in spec.lanes() {
        let settings = spec.settings(lane.arm).unwrap();
        let away = (settings.learning_rate / 0.1).log10().abs();
        let decay = if settings.weight_decay > 0.0 { 0.2 } else { 0.0 };
        for epoch in 1..=8 {
            if settings.learning_rate > 0.9 && lane.seed == 2 {
                session.kernel(RunEvent::Diverged { run, arm: lane.arm, seed: lane.seed, epoch: 1, batch: 3 });
                break;
            }
            let values = [(Metric::ValError, 1.5 + away + decay + 0.1 * lane.seed as f64 + 1.0 / f64::from(epoch))];
            session.kernel(RunEvent::Epoch { run, record: EpochRecord::new(lane, epoch, values) });
        }
    }
    session.kernel(RunEvent::Finished { run });
    session.app.lab.page = LabPage::Sweep;
    session.press(KeyCode::Right);
    session.press(KeyCode::Right);
    session
}

/// The keys of a chart work in the laboratory, and so does the mouse; letters that mean something else there too.
#[test]
fn the_chart_of_the_laboratory_takes_the_keys_and_the_mouse() {
    let mut session = on_own("relu-tanh; all-tanh | epochs=9 images=1000", 120, 40);
    start(&mut session, 3);
    measure(&mut session, 3, 4);
    let curves = |session: &mut Session| {
        let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
        let mut charts = Vec::new();
        terminal.draw(|frame| charts = ui::draw_and_locate(&session.app, &RICH, frame).drawn.charts).unwrap();
        session.app.drawn.charts = charts;
        session.app.drawn.charts.iter().find(|chart| chart.pane == Pane::Lab).unwrap().place
    };
    session.type_text("vc++");
    assert_eq!(session.app.lab.table.arms().len(), 2, "c compares, and copies no arm");
    assert!(session.app.viewport(&Pane::Lab).is_zoomed());
    session.press(KeyCode::Esc);
    assert!(session.app.is_lab_open() && session.app.viewport(&Pane::Lab).is_zoomed());
    // A run that begins is seen whole.
    start(&mut session, 4);
    measure(&mut session, 4, 4);
    assert!(!session.app.viewport(&Pane::Lab).is_zoomed());
    let place = curves(&mut session);
    let wheel = MouseEventKind::ScrollUp;
    let (column, row) = (place.x + place.width / 2, place.y + place.height / 2);
    session.send(Event::Mouse(MouseEvent { kind: wheel, column, row, modifiers: KeyModifiers::NONE }));
    assert!(session.app.viewport(&Pane::Lab).is_zoomed());
    click(&mut session, column, row);
    assert!(matches!(session.app.modals.last(), Some(Modal::Values(Pane::Lab))));
    assert!(session.app.cursor().is_some());
}

/// The values at the cursor keep the name of their curve, and no line ends within a number.
#[test]
fn values_in_the_laboratory_are_whole() {
    for (columns, rows) in [(80, 24), (120, 40), (200, 50)] {
        let mut session = on_own("relu-tanh lr=0.05; relu-tanh lr=0.2 | epochs=4 images=1000 seeds=1-3", columns, rows);
        start(&mut session, 3);
        measure(&mut session, 3, 4);
        session.type_text("v");
        for step in 0..8 {
            let (pane, cursor) = session.app.cursor().unwrap();
            let text = session.app.readout(pane).unwrap().text_at(cursor).unwrap();
            session.app.message = None;
            let screen = session.screen(&RICH);
            assert!(screen.contains(&format!("{}:", text.name)), "{step} at {columns}x{rows}: {}\n{screen}", text.name);
            assert!(screen.contains(&text.values()), "{step} at {columns}x{rows}: {}\n{screen}", text.values());
            for beside in screen.lines().flat_map(|line| line.split("(test ").skip(1)) {
                let (number, _) = beside.split_once(')').unwrap_or_default();
                let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
                assert_eq!(decimals, 2, "{step} at {columns}x{rows}: {beside}\n{screen}");
            }
            session.press(KeyCode::Down);
        }
    }
}

/// The arrows move in the table again where they did before the chart had the keys.
#[test]
fn leaving_the_chart_goes_back_to_the_page_before() {
    for (columns, rows) in [(80, 24), (120, 40), (200, 50)] {
        for key in [KeyCode::Esc, KeyCode::Char('q')] {
            let mut session = swept(columns, rows);
            let cursor = session.app.lab.sweep_cursor;
            for page in [LabPage::Study, LabPage::Chart, LabPage::Sweep, LabPage::Compare] {
                session.app.lab.page = page;
                session.type_text("v");
                assert_eq!(session.app.lab.page, LabPage::Chart);
                session.press(KeyCode::Left);
                session.press(key);
                assert_eq!(session.app.lab.page, page, "{columns}x{rows}");
                assert!(matches!(session.app.modals.last(), Some(Modal::Lab)));
            }
            session.app.lab.page = LabPage::Sweep;
            session.type_text("v");
            session.press(key);
            session.press(KeyCode::Left);
            assert_eq!(session.app.lab.sweep_cursor.column + 1, cursor.column, "{columns}x{rows}");
        }
    }
}

/// The help on the same screen lists the keys of the laboratory and of the chart: each does something, or says where it does.
#[test]
fn keys_of_the_laboratory_are_answered_while_the_chart_has_the_keys() {
    let mut session = swept(120, 40);
    session.type_text("vg");
    assert_eq!(session.app.lab_layout().chart.map(|area| area.width), Some(120));
    assert!(matches!(session.app.modals.last(), Some(Modal::Values(Pane::Lab))) && session.app.cursor().is_some());
    session.type_text("g");
    assert!(session.app.lab_layout().is_beside());
    session.type_text("B");
    assert_eq!(
        session.app.message.as_deref(),
        Some("the chart has the keys; Esc leaves it, then B: take each arm at the best of the sweep")
    );
    assert!(matches!(session.app.modals.last(), Some(Modal::Values(Pane::Lab))));
    session.press(KeyCode::Esc);
    session.type_text("B");
    assert!(session.app.message.as_ref().unwrap().contains("at its own best"), "{:?}", session.app.message);
    // A narrow screen shows one page at a time: there is nothing to change.
    let mut session = swept(80, 24);
    session.type_text("vg");
    assert!(session.app.message.as_ref().unwrap().contains("one page at a time already"), "{:?}", session.app.message);
}

/// Published points stand in the chart before the first epoch has ended; they are none of its curves.
#[test]
fn the_cursor_starts_on_a_measured_curve() {
    let mut session = on_own("relu-tanh; all-tanh | epochs=6", 120, 40);
    start(&mut session, 3);
    session.kernel(RunEvent::Continued { run: RunId(3) });
    let points = session.app.readout(&Pane::Lab).unwrap();
    assert!(points.curves.iter().any(|curve| !curve.points.is_empty()), "there are published points");
    session.type_text("v");
    assert!(
        session.app.message.as_ref().unwrap().contains("nothing is measured here yet"),
        "{:?}",
        session.app.message
    );
    assert!(matches!(session.app.modals.last(), Some(Modal::Lab)) && session.app.cursor().is_none());
    let record = EpochRecord::new(Lane { arm: ArmId::ALL_TANH, seed: 1 }, 1, [(Metric::ValError, 3.0)]);
    session.kernel(RunEvent::Epoch { run: RunId(3), record });
    session.type_text("v");
    let (pane, cursor) = session.app.cursor().unwrap();
    let readout = session.app.readout(pane).unwrap();
    let curve = &readout.curves[cursor.curve];
    assert!(curve.is_of_run && curve.name == "all-Tanh", "{}", curve.name);
}

/// The run that was forked stands behind its fork, in the colours of its arms.
#[test]
fn a_forked_run_is_a_ghost() {
    let mut session = on_own("relu-tanh; all-tanh | epochs=9 images=1000", 120, 40);
    start(&mut session, 3);
    measure(&mut session, 3, 4);
    session.kernel(RunEvent::Stopped { run: RunId(3) });
    session.press(KeyCode::Right);
    session.type_text("+f");
    session.enter();
    session.send(Event::Reply(Tag::Lab, Reply::Started { run: RunId(4) }));
    let spec = study(&session);
    session.kernel(RunEvent::Started { run: RunId(4), spec });
    session.kernel(RunEvent::Forked { run: RunId(4), fork: Fork { parent: RunId(3), epoch: 4 } });
    measure(&mut session, 4, 6);
    let runs = session.app.lab_chart_runs();
    assert_eq!(runs.iter().map(|run| run.role).collect::<Vec<_>>(), [RunRole::Shown, RunRole::Ghost]);
    let slots = |run| arm_slots(&runs, RunId(run)).into_iter().map(|(_, slot)| slot).collect::<Vec<_>>();
    assert_eq!((slots(4), slots(3)), (vec![0, 1], vec![0, 1]));
    // An arm is compared with what it was forked from.
    let of = |run| ComparedArm { run: RunId(run), arm: ArmId::RELU_TANH };
    assert_eq!(session.app.compared_arms(), Some([of(4), of(3)]));
    insta::assert_snapshot!("ghost-120x40", session.picture(&RICH));
}

/// A fork that is read from the store knows its parent, as it did while it trained.
#[test]
fn a_fork_is_one_in_the_next_notebook_too() {
    let mut session = Session::on("faster", 120, 40);
    session.send(Event::OpenLab { study: None, runs: vec![RunId(4), RunId(3)] });
    let fork = Fork { parent: RunId(3), epoch: 1 };
    let spec = |text: &str| text.parse::<Study>().unwrap();
    let (parent, own) = (spec("relu-tanh; all-tanh | epochs=9"), spec("all-tanh lr=0.5 | epochs=9"));
    session.send(Event::History(RunId(3), vec![RunEvent::Started { run: RunId(3), spec: parent }]));
    let history = [RunEvent::Forked { run: RunId(4), fork }, RunEvent::Started { run: RunId(4), spec: own }];
    session.send(Event::History(RunId(4), history.to_vec()));
    let screen = session.screen(&RICH);
    assert!(screen.contains("Run 4 is forked from run 3 at epoch 1"), "{screen}");
    // Its arm has the colour that it had there, and is compared with what it was.
    let slots = |run| arm_slots(&session.app.lab_chart_runs(), RunId(run));
    assert_eq!((slots(4), slots(3)[1]), (vec![(ArmId::ALL_TANH, 1)], (ArmId::ALL_TANH, 1)));
    let of = |run| ComparedArm { run: RunId(run), arm: ArmId::ALL_TANH };
    assert_eq!(session.app.compared_arms(), Some([of(4), of(3)]));
}

/// Three arms that differ in a rate and an activation, four epochs in.
fn training(columns: u16, rows: u16) -> App {
    let mut session = on_own("relu-tanh; all-tanh; relu-tanh lr=0.2 | epochs=20 images=10000", columns, rows);
    start(&mut session, 7);
    session.kernel(RunEvent::Continued { run: RunId(7) });
    measure(&mut session, 7, 4);
    for arm in [ArmId::RELU_TANH, ArmId::ALL_TANH] {
        let progress =
            Progress { arm, seed: 1, epoch: 5, batch: 50, batches: 100, images_per_second: 88_000.0, seconds: 3.0 };
        session.kernel(RunEvent::Progress { run: RunId(7), progress });
    }
    session.app.message = None;
    session.app
}

#[test]
fn screens() {
    for (columns, rows) in [(80, 24), (120, 40), (200, 50)] {
        let shot = |name: &str, app: &App, theme: &Theme| {
            insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), session::picture(app, theme));
        };
        shot("ready", &on_race(columns, rows).app, &RICH);
        let mut app = training(columns, rows);
        shot("training", &app, &RICH);
        app.lab.page = LabPage::Study;
        shot("training-study", &app, &RICH);
        shot("ascii", &app, &PLAIN);
        let light = app.with_background(Background::Light, app::BackgroundSource::Chosen);
        shot("light", &light, &RICH);
        shot("compare", &compared(columns, rows).app, &RICH);
        let swept = swept(columns, rows).app;
        shot("sweep", &swept, &RICH);
        shot("sweep-ascii", &swept, &PLAIN);
        let mut session = on_race(columns, rows);
        session.type_text("a");
        shot("activations", &session.app, &RICH);
        session.press(KeyCode::Esc);
        session.type_text("0.0");
        shot("fault", &session.app, &RICH);
    }
}
