//! Blocks that reveal a result: folded until their cell has run, or until the reader unfolds them.

use crate::common::session::Session;
use app::{App, Effect, Event, Tag};
use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lesson::{CellBody, Library, parse};
use protocol::{
    self, ArmId, CellEvent, CellKey, ExperimentSpec, Outcome, Preset, Reply, RequestBody, RunEvent, RunId, Study,
};
use serde_json::{Value, json};
use ui::{Glyphs, Palette, Theme};

const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);

const LESSON: &str = r#"+++
id = "own"
title = "Mine"
part = "0"
summary = "One."
minutes = 1
+++

Before the cells.

```predict
id = "guess"
question = "How many?"
unit = "%"
explanation = "That many."
```

> [!SEALED] guess
> Predicted: the first secret.

```train
id = "race"
title = "A race of three epochs"
epochs = 3
```

> [!SEALED] race
> Trained: the second secret.
>
> It has two paragraphs.

```experiment
id = "curves"
title = "Four curves"
experiment = "curves"
```

> [!SEALED] curves race
> Measured: the third secret.

## After

The end.
"#;

fn open(columns: u16, rows: u16) -> Session {
    let (document, faults) = parse("own.md", LESSON);
    assert_eq!(faults, []);
    Session::with(App::new(Library { lessons: vec![document], faults: vec![] }, 0, columns, rows))
}

fn key(cell: &str) -> CellKey {
    CellKey { lesson: "own".into(), cell: cell.into() }
}

/// The secrets visible in the whole lesson, on a screen that is high enough for all of it.
fn visible_secrets(session: &Session) -> Vec<&'static str> {
    let mut app = open(100, 400).app;
    app.unfolded.clone_from(&session.app.unfolded);
    app.answers.clone_from(&session.app.answers);
    app.cell_runs.clone_from(&session.app.cell_runs);
    app.training_runs.clone_from(&session.app.training_runs);
    app.experiments.clone_from(&session.app.experiments);
    app.lay_out();
    let screen = Session::with(app).screen(&RICH);
    ["first", "second", "third"].into_iter().filter(|secret| screen.contains(&format!("{secret} secret"))).collect()
}

fn start_race(session: &mut Session) {
    session.press(KeyCode::Home);
    session.tab_to("race");
    session.enter();
    session.send(Event::Reply(Tag::Training(key("race")), Reply::Started { run: RunId(1) }));
    session.kernel(RunEvent::Started { run: RunId(1), spec: Study { epochs: 3, ..Study::of(Preset::Article) } });
}

fn measure(session: &mut Session) {
    session.tab_to("curves");
    session.enter();
    let outcome = Outcome { figures: vec![], findings: vec![], seconds: 1.0 };
    session.send(Event::Kernel(protocol::Event::Cell(CellEvent::Finished { cell: key("curves"), outcome })));
}

/// The last value stored under this key.
fn stored_value(session: &Session, wanted: &str) -> Option<Value> {
    session.effects.iter().rev().find_map(|effect| match effect {
        Effect::RequestIfOn(_, RequestBody::Remember { key, value }) if key == wanted => Some(value.clone()),
        _ => None,
    })
}

#[test]
fn a_block_unfolds_when_all_its_cells_have_an_outcome() {
    let mut session = open(80, 24);
    assert_eq!(visible_secrets(&session), [] as [&str; 0]);
    session.tab_to("guess");
    session.press(KeyCode::Enter);
    session.type_text("12");
    assert_eq!(visible_secrets(&session), [] as [&str; 0], "a number that is being typed is no answer");
    session.press(KeyCode::Enter);
    assert_eq!(visible_secrets(&session), ["first"]);
    measure(&mut session);
    assert_eq!(visible_secrets(&session), ["first"], "the third waits for the race too");
    start_race(&mut session);
    session.epoch(ArmId::RELU_TANH, 1, 5.0);
    assert_eq!(visible_secrets(&session), ["first"], "a race that runs is not over");
    session.kernel(RunEvent::Finished { run: RunId(1) });
    assert_eq!(visible_secrets(&session), ["first", "second", "third"]);
}

#[test]
fn a_stopped_race_counts_if_it_has_an_epoch() {
    let mut session = open(80, 24);
    start_race(&mut session);
    session.kernel(RunEvent::Stopped { run: RunId(1) });
    assert_eq!(visible_secrets(&session), [] as [&str; 0]);
    session.kernel(RunEvent::Continued { run: RunId(1) });
    session.epoch(ArmId::RELU_TANH, 1, 5.0);
    session.kernel(RunEvent::Stopped { run: RunId(1) });
    assert_eq!(visible_secrets(&session), ["second"]);
    // A block that was unfolded stays so, though the run continues or is deleted.
    session.kernel(RunEvent::Continued { run: RunId(1) });
    assert_eq!(visible_secrets(&session), ["second"]);
    session.kernel(RunEvent::Deleted { run: RunId(1) });
    assert_eq!(visible_secrets(&session), ["second"]);
    assert_eq!(stored_value(&session, "unfolded/own/race"), Some(json!([0])));
}

#[test]
fn u_unfolds_the_first_block_in_view_permanently() {
    let mut session = open(80, 24);
    assert!(session.app.hints().iter().any(|hint| hint == "u read it now"), "{:?}", session.app.hints());
    session.press(KeyCode::Char('u'));
    assert_eq!(visible_secrets(&session), ["first"]);
    assert_eq!(stored_value(&session, "unfolded/own/guess"), Some(json!([0])));
    // Opened again from the store.
    let mut again = open(80, 24);
    again.send(Event::StoredProgress(vec![
        ("unfolded/own/guess".into(), json!([0])),
        ("unfolded/own/race".into(), json!(3)),
    ]));
    assert_eq!(visible_secrets(&again), ["first"]);
    // Deleted with the answers.
    again.type_text(":reset");
    again.press(KeyCode::Enter);
    again.press(KeyCode::Enter);
    assert_eq!(visible_secrets(&again), [] as [&str; 0]);
    assert_eq!(stored_value(&again, "unfolded/own/guess"), Some(Value::Null));
    // Without a block in view it says so.
    let mut none = Session::on("welcome", 80, 24);
    none.press(KeyCode::Char('u'));
    assert_eq!(none.app.message.as_deref(), Some("nothing in view waits to be read"));
    assert!(!none.app.hints().iter().any(|hint| hint.starts_with("u ")));
}

#[test]
fn tab_and_f_choose_a_folded_block_and_enter_unfolds_it() {
    let mut session = open(80, 24);
    let focus = |session: &Session| session.app.focused().map(|cell| cell.id.clone());
    session.press(KeyCode::Tab);
    assert_eq!(focus(&session).as_deref(), Some("guess"));
    session.press(KeyCode::Tab);
    assert!(session.app.view.chosen_link().is_some(), "{}", session.screen(&RICH));
    assert_eq!(session.app.hints()[0], "Enter read it now");
    session.press(KeyCode::Tab);
    assert_eq!((focus(&session).as_deref(), session.app.view.chosen_link()), (Some("race"), None));
    session.press(KeyCode::BackTab);
    assert!(session.app.view.chosen_link().is_some());
    session.press(KeyCode::BackTab);
    assert_eq!((focus(&session).as_deref(), session.app.view.chosen_link()), (Some("guess"), None));
    session.press(KeyCode::Tab);
    session.press(KeyCode::Enter);
    assert_eq!(visible_secrets(&session), ["first"]);
    assert_eq!(session.app.view.chosen_link(), None);
    session.press(KeyCode::Char('f'));
    session.press(KeyCode::Enter);
    assert_eq!(visible_secrets(&session), ["first", "second"]);
}

#[test]
fn a_click_unfolds_and_the_text_comes_into_view() {
    let mut session = open(80, 24);
    session.tab_to("race");
    let line = session.app.view.layout.sealed[1].start;
    session.app.view.scroll_to(line + 1 - session.app.view.height);
    let row = (line - session.app.view.top) as u16;
    assert_eq!(usize::from(row) + 1, session.app.view.height, "on the last row");
    let column = session.app.screen.text.x + 6;
    let click =
        MouseEvent { kind: MouseEventKind::Down(MouseButton::Left), column, row, modifiers: KeyModifiers::NONE };
    session.send(Event::Mouse(click));
    assert_eq!(visible_secrets(&session), ["second"]);
    let screen = session.screen(&RICH);
    assert!(screen.contains("It has two paragraphs."), "{screen}");
}

#[test]
fn a_search_leads_to_the_folded_line() {
    let mut session = open(80, 24);
    session.type_text("/secret");
    let list = session.screen(&RICH);
    assert!(!list.contains("first secret") && list.contains("What to see: predict first"), "{list}");
    session.press(KeyCode::Down);
    session.press(KeyCode::Enter);
    let screen = session.screen(&RICH);
    assert!(screen.contains("What to see: run \"A race of three epochs\" first"), "{screen}");
    assert_eq!(visible_secrets(&session), [] as [&str; 0]);
}

/// An outcome in the store unfolds its block, and the stored position is found again.
#[test]
fn stored_outcomes_unfold_their_blocks() {
    let mut session = open(80, 24);
    let document = session.app.document().clone();
    let Some(CellBody::Experiment(cell)) = document.cell("curves").map(|cell| cell.body.clone()) else { panic!() };
    let outcome = Outcome { figures: vec![], findings: vec![], seconds: 1.0 };
    let spec: ExperimentSpec = cell.spec;
    session.store_outcome(key("curves"), spec, outcome);
    session.send(Event::StoredProgress(vec![("unfolded/own/race".into(), json!([0]))]));
    assert_eq!(visible_secrets(&session), ["second"], "a block of two cells waits for both");
}

#[test]
fn screens_of_folded_and_unfolded_blocks() {
    for (columns, rows) in [(80, 24), (120, 40)] {
        let mut session = open(columns, rows);
        session.press(KeyCode::Char('u'));
        session.press(KeyCode::Tab);
        session.press(KeyCode::Tab);
        session.press(KeyCode::Tab);
        insta::assert_snapshot!(format!("blocks-{columns}x{rows}"), session.picture(&RICH));
    }
}
