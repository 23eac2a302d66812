//! Key `y`: what is copied where, by scripted keys; and on a real terminal the bytes that carry it, and the file.

use crate::common::cli::TestHome;
use crate::common::notebook::{Notebook, Opening};
use crate::common::session::Session;
use app::{CopiedText, Effect, Event};
use crossterm::event::KeyCode;
use protocol::{ArmId, Preset, RunEvent, RunId, RunState, RunSummary, Study};

/// What the last `y` copied.
fn copied(session: &mut Session) -> CopiedText {
    session.effects.clear();
    session.type_text("y");
    match session.effects.as_slice() {
        [Effect::Copy(copied)] => copied.clone(),
        other => panic!("{other:?}, {:?}", session.app.message),
    }
}

fn measured() -> Session {
    let mut session = Session::open();
    session.start_race();
    for (epoch, error) in [(1, 4.0), (2, 2.5)] {
        session.epoch(ArmId::RELU_TANH, epoch, error);
        session.epoch(ArmId::ALL_TANH, epoch, error + 0.25);
    }
    session
}

const DATA: &str = "ReLU+Tanh,1,4\nReLU+Tanh,2,2.5\nall-Tanh,1,4.25\nall-Tanh,2,2.75\n";

#[test]
fn a_pane_in_view_gives_its_charts_data() {
    let found = copied(&mut measured());
    assert_eq!(found.what, "the chart's data as CSV");
    let (header, rows) = found.text.split_once('\n').unwrap();
    assert_eq!(header, "curve,epoch,\"validation error, %\"");
    assert!(rows.starts_with(DATA), "{rows}");
    // Before a run it is the study that would be run.
    let before = copied(&mut Session::open());
    assert_eq!((before.what.as_str(), before.text.parse()), ("the study", Ok(Study::of(Preset::Article))));
}

#[test]
fn the_cursor_gives_the_numbers_that_are_read_there() {
    let mut session = measured();
    session.type_text("v");
    session.press(KeyCode::Left);
    let found = copied(&mut session);
    assert_eq!(found.what, "the numbers at the cursor");
    let lines: Vec<&str> = found.text.lines().collect();
    assert_eq!(lines[0], "run 1");
    assert_eq!(lines[1], "ReLU+Tanh: epoch 1, validation error 4.00 % (test 4.00)");
    assert_eq!(lines[2], "all-Tanh 4.25 (test 4.25)");
}

#[test]
fn a_run_gives_its_study_and_its_chart_the_data() {
    let mut session = measured();
    let spec: Study = "relu-tanh; all-tanh lr=0.05 | epochs=12".parse().unwrap();
    let summary = RunSummary {
        run: RunId(1),
        name: None,
        tags: Vec::new(),
        notes: None,
        state: RunState::Running,
        spec: spec.clone(),
        not_exact: None,
        fork: None,
        steerings: Vec::new(),
        sweep: None,
        created: 0,
        updated: 0,
        elapsed: 1.0,
        epochs_done: 2,
        done: Vec::new(),
        best: Vec::new(),
        ends: Vec::new(),
    };
    session.send(Event::Runs(vec![summary]));
    session.type_text("r");
    let found = copied(&mut session);
    assert_eq!((found.what.as_str(), found.text.as_str()), ("the study of run 1", spec.to_string().as_str()));
    session.press(KeyCode::Enter);
    assert!(copied(&mut session).text.contains(DATA));
}

#[test]
fn the_laboratory_gives_its_table_its_chart_and_its_sentence() {
    let mut session = measured();
    session.send(Event::OpenLab { study: None, runs: vec![RunId(1)] });
    let found = copied(&mut session);
    // The runs that were named are compared.
    assert_eq!(found.what, "the comparison");
    let sentence = session.app.lab_comparison().unwrap().comparison.sentence();
    // Whoever pastes it elsewhere has to know whose numbers these are.
    let lines: Vec<&str> = found.text.lines().collect();
    assert_eq!(lines[..2], ["ReLU+Tanh of run 1 against all-Tanh of run 1", &sentence], "{}", found.text);
    assert!(
        found.text.contains("seed,\"first, validation error, %\",\"second, validation error, %\",difference\n1,"),
        "{}",
        found.text
    );
    session.press(KeyCode::Tab);
    let table = copied(&mut session);
    assert_eq!((table.what.as_str(), &table.text), ("the study", &session.app.lab.table.text()));
    assert!(table.text.parse::<Study>().is_ok());
    session.press(KeyCode::Tab);
    assert!(copied(&mut session).text.contains(DATA));
}

#[test]
fn where_there_is_nothing_a_message_says_so() {
    let mut session = Session::on("welcome", 100, 30);
    session.type_text("y");
    assert!(session.app.message.as_ref().is_some_and(|message| message.contains("nothing to copy here")));
    assert!(!session.effects.iter().any(|effect| matches!(effect, Effect::Copy(_))));
    session.kernel(RunEvent::Finished { run: RunId(1) });
}

/// The study reaches the terminal's clipboard in one sequence, and the file in the home; in tmux once more, wrapped.
#[test]
fn y_writes_the_bytes_of_osc_52_and_the_file() {
    for (tmux, sequences) in [("", 1), ("/tmp/tmux-0/default,1,0", 2)] {
        let opening = Opening {
            environment: &[("TMUX", tmux)],
            script: Some("exec \"$RELU\" lab 'relu-tanh; all-tanh lr=0.05 | seeds=1-3'"),
            ..Opening::default()
        };
        let mut open = Notebook::open_as(TestHome::new(), &opening);
        open.wait_for("Laboratory");
        open.press("y");
        open.wait_for("sent to the terminal's clipboard; also in");
        let file = open.home.folder().join("copied.txt");
        let study = std::fs::read_to_string(&file).unwrap();
        assert_eq!(study.parse::<Study>().unwrap().seeds, [1, 2, 3]);
        let expected = vec![study.into_bytes(); sequences];
        assert_eq!(open.clipboard(), expected);
        assert!(open.screen().contains("Laboratory"), "the screen stays");
        open.press("\u{3}");
        assert_eq!(open.wait_gone(), 0);
    }
}
