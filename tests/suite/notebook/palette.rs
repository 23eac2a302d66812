//! The command line as a palette, by scripted keys: it finds actions, lessons, runs and settings, and does what was chosen.

use crate::common::session::Session;
use app::{
    Action, App, BINDINGS, CHART_BINDINGS, ChartAction, Effect, Event, Modal, PaletteTarget, Pane, StoreQuery,
    lab_keys, runs_keys,
};
use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lesson::Library;
use protocol::{ArmId, Metric, RunId, RunState, RunSummary};
use ui::{Glyphs, Palette, Theme};

const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);

fn summary(run: i64, name: Option<&str>, text: &str) -> RunSummary {
    RunSummary {
        run: RunId(run),
        name: name.map(Into::into),
        tags: Vec::new(),
        notes: None,
        state: RunState::Finished,
        spec: text.parse().unwrap(),
        not_exact: None,
        fork: None,
        steerings: Vec::new(),
        sweep: None,
        created: 0,
        updated: 0,
        elapsed: 1.0,
        epochs_done: 1,
        done: Vec::new(),
        best: Vec::new(),
        ends: Vec::new(),
    }
}

fn line(session: &Session) -> &app::CommandLine {
    match session.app.modals.last() {
        Some(Modal::Command(line)) => line,
        other => panic!("{other:?}"),
    }
}

/// The best match of a query.
fn best(session: &mut Session, query: &str) -> String {
    session.type_text(":");
    session.type_text(query);
    let text = line(session).matches.first().map_or(String::new(), |found| found.entry.text.clone());
    session.press(KeyCode::Esc);
    text
}

fn choose(session: &mut Session, query: &str) {
    session.type_text(":");
    session.type_text(query);
    session.press(KeyCode::Enter);
}

#[test]
fn everything_is_found_by_a_few_letters() {
    let mut session = Session::open();
    session.send(Event::Runs(vec![
        summary(7, Some("fresco"), "relu-tanh; all-tanh"),
        summary(8, None, "gelu-gelu lr=0.03 | batch=25"),
    ]));
    for (query, text) in [
        ("next lesson", "next lesson"),
        ("lesson prev", "previous lesson"),
        ("contents", "contents"),
        ("nxt metric", "chart: next metric of a training run"),
        ("zoom out", "chart: zoom out"),
        ("copy arm", "laboratory: copy the arm of this column"),
        ("sweep", "laboratory: sweep the chosen setting"),
        ("momentum", "setting momentum: momentum"),
        ("learning rate", "setting lr: learning rate"),
        ("fresco", "run 7 fresco: finished, relu-tanh; all-tanh"),
        ("gelu 25", "run 8: finished, gelu-gelu"),
    ] {
        assert!(best(&mut session, query).starts_with(text), "{query}: {}", best(&mut session, query));
    }
    let lesson = session.app.library.find("faster").unwrap();
    let title = session.app.library.lessons[lesson].meta.title.clone();
    assert!(best(&mut session, &title).ends_with(&title));
}

/// What can be done by a key can be found, but for what depends on the cell in view.
#[test]
fn every_action_of_every_table_can_be_found() {
    let mut session = Session::open();
    session.type_text(":");
    let targets: Vec<PaletteTarget> = line(&session).matches.iter().map(|found| found.entry.target).collect();
    let has = |wanted: &dyn Fn(&PaletteTarget) -> bool| targets.iter().any(wanted);
    for action in BINDINGS.iter().filter_map(|binding| binding.action) {
        let is_left_out = matches!(action, Action::Command | Action::Choose(_));
        let is_found = has(&|target| matches!(target, PaletteTarget::Action(of) if *of == action));
        assert_ne!(is_found, is_left_out, "{action:?}");
    }
    for binding in CHART_BINDINGS {
        let Some(Action::Chart(action)) = binding.action else { continue };
        let is_left_out = matches!(action, ChartAction::ToggleArm(1..));
        let is_found = has(&|target| matches!(target, PaletteTarget::Chart(of) if *of == action));
        assert_ne!(is_found, is_left_out, "{action:?}");
    }
    for action in lab_keys::LAB_BINDINGS.iter().filter_map(|binding| binding.action) {
        assert!(has(&|target| matches!(target, PaletteTarget::Lab(of) if *of == action)), "{action:?}");
    }
    for action in runs_keys::RUNS_BINDINGS.iter().filter_map(|binding| binding.action) {
        assert!(has(&|target| matches!(target, PaletteTarget::Runs(of) if *of == action)), "{action:?}");
    }
    for entry in line(&session).matches.iter().map(|found| &found.entry) {
        let has_key = !entry.keys.is_empty();
        assert!(has_key || matches!(entry.target, PaletteTarget::Setting(_)), "{entry:?} has no key");
    }
}

#[test]
fn a_chosen_action_does_what_its_key_does() {
    let mut session = Session::open();
    let lesson = session.app.lesson;
    choose(&mut session, "next lesson");
    assert_eq!((session.app.lesson, session.app.modals.len()), (lesson + 1, 0));
    choose(&mut session, "previous lesson");
    assert_eq!(session.app.lesson, lesson);
    choose(&mut session, "runs that were trained");
    assert!(matches!(session.app.modals[..], [Modal::Runs(_)]));
    assert!(session.effects.contains(&Effect::Query(StoreQuery::Runs)));
}

#[test]
fn a_chart_is_given_the_keys_first() {
    let mut session = Session::open();
    choose(&mut session, "next metric");
    assert!(session.app.modals.is_empty(), "nothing is charted yet");
    assert!(session.app.message.as_ref().is_some_and(|message| message.contains("no curve")));
    session.start_race();
    session.epoch(ArmId::RELU_TANH, 1, 4.0);
    choose(&mut session, "next metric");
    let Some(Modal::Values(pane)) = session.app.modals.last() else { panic!("the chart has the keys") };
    let metric = session.app.chart_view(&pane.clone()).options.metric;
    assert_ne!(metric, Metric::ValError);
    // From there the same key goes on in the same chart.
    choose(&mut session, "previous metric");
    assert!(matches!(session.app.modals[..], [Modal::Values(Pane::Cell(_))]));
}

#[test]
fn a_setting_and_an_action_of_the_laboratory_open_it() {
    let mut session = Session::open();
    choose(&mut session, "weight decay");
    assert!(session.app.is_lab_open());
    assert_eq!(session.app.lab.table.row().title(), "weight decay");
    let arms = session.app.lab.table.arms().len();
    choose(&mut session, "copy the arm");
    assert_eq!(session.app.lab.table.arms().len(), arms + 1);
    assert!(matches!(session.app.modals[..], [Modal::Lab]));
    // What is typed into a field of the laboratory opens nothing.
    session.type_text("t:");
    assert!(matches!(session.app.modals[..], [Modal::Lab]));
}

#[test]
fn arrows_choose_below_the_line_and_recall_above_it() {
    let mut session = Session::open();
    choose(&mut session, "help");
    session.press(KeyCode::Esc);
    session.type_text(":contents");
    session.press(KeyCode::Enter);
    session.press(KeyCode::Esc);
    session.type_text(":");
    assert_eq!(line(&session).selected, None, "Enter in an empty line does nothing");
    session.press(KeyCode::Down);
    session.press(KeyCode::Down);
    assert_eq!(line(&session).selected, Some(1));
    session.press(KeyCode::Up);
    session.press(KeyCode::Up);
    assert_eq!((line(&session).selected, line(&session).text.as_str()), (None, ""));
    session.press(KeyCode::Up);
    assert_eq!(line(&session).text, "contents");
    session.press(KeyCode::Up);
    assert_eq!(line(&session).text, "help");
    session.press(KeyCode::Down);
    session.press(KeyCode::Down);
    assert_eq!(line(&session).text, "");
}

/// A chosen entry is recalled by its words, and Enter does it again.
#[test]
fn what_was_chosen_is_recalled() {
    let mut session = Session::open();
    let lesson = session.app.lesson;
    choose(&mut session, "nxt lesson");
    session.type_text(":");
    session.press(KeyCode::Up);
    assert_eq!(line(&session).text, "next lesson");
    session.press(KeyCode::Enter);
    assert_eq!(session.app.lesson, lesson + 2);
}

#[test]
fn tab_writes_the_chosen_entry_out() {
    let mut session = Session::open();
    session.type_text(":nxt lesson");
    session.press(KeyCode::Tab);
    assert_eq!(line(&session).text, "next lesson");
    assert_eq!(line(&session).selected, Some(0));
}

/// A command that is complete is carried out even where something else is found for its letters.
#[test]
fn a_typed_command_comes_first() {
    let mut session = Session::open();
    session.send(Event::Runs(vec![summary(7, None, "relu-tanh")]));
    choose(&mut session, "run 7");
    assert!(matches!(session.app.modals.last(), Some(Modal::Run(RunId(7)))));
    session.press(KeyCode::Esc);
    session.press(KeyCode::Esc);
    choose(&mut session, "open welcome");
    assert_eq!(session.app.document().meta.id, "welcome");
}

#[test]
fn runs_that_arrive_later_are_found() {
    let mut session = Session::open();
    session.type_text(":peculiar");
    assert!(line(&session).matches.is_empty());
    session.send(Event::Runs(vec![summary(7, Some("peculiar"), "relu-tanh")]));
    assert_eq!(line(&session).matches.len(), 1);
    session.press(KeyCode::Down);
    session.press(KeyCode::Enter);
    assert!(matches!(session.app.modals.last(), Some(Modal::Run(RunId(7)))));
}

#[test]
fn an_entry_can_be_clicked() {
    let mut session = Session::open();
    session.type_text(":previous lesson");
    let screen = session.screen(&RICH);
    let is_entry = |line: &str| line.contains("previous lesson") && !line.contains(": previous");
    let row = screen.lines().position(is_entry).unwrap() as u16;
    let lesson = session.app.lesson;
    let kind = MouseEventKind::Down(MouseButton::Left);
    session.send(Event::Mouse(MouseEvent { kind, column: 30, row, modifiers: KeyModifiers::NONE }));
    assert_eq!(session.app.lesson, lesson - 1, "{screen}");
}

#[test]
fn screens() {
    for (columns, rows) in [(80, 24), (120, 40)] {
        let size = format!("{columns}x{rows}");
        let mut session = Session::with(App::new(Library::english(), 3, columns, rows));
        session.send(Event::Runs(vec![summary(7, Some("warm start"), "relu-tanh; all-tanh | seeds=1-5")]));
        session.type_text(":");
        insta::assert_snapshot!(format!("palette-empty-{size}"), session.picture(&RICH));
        session.type_text("rate");
        session.press(KeyCode::Down);
        insta::assert_snapshot!(format!("palette-found-{size}"), session.picture(&RICH));
        session.press(KeyCode::Esc);
        session.type_text("E:chart");
        insta::assert_snapshot!(format!("palette-in-lab-{size}"), session.picture(&RICH));
    }
}
