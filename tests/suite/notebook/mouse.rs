//! Whatever a key reaches can be clicked: answers, pages, rows of lists, lessons.

use crate::common::session::Session;
use app::{Event, Modal};
use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lesson::{Answer, CellBody};
use protocol::{Finding, Outcome, Preset, RunId, RunState, RunSummary, Study};
use ui::{Glyphs, Palette, Theme};
use unicode_width::UnicodeWidthStr;

const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

/// Clicks on the first occurrence of this text.
fn click(session: &mut Session, words: &str) {
    let screen = session.screen(&RICH);
    let found = screen.lines().enumerate().find_map(|(row, line)| Some((row, line[..line.find(words)?].width())));
    let (row, column) = found.unwrap_or_else(|| panic!("{words}:\n{screen}"));
    let kind = MouseEventKind::Down(MouseButton::Left);
    let (row, column) = (row as u16, column as u16);
    session.send(Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}

#[test]
fn answers_are_clicked() {
    for (columns, rows) in SIZES {
        let mut session = Session::on("faster", columns, rows);
        session.tab_to("why-faster");
        let CellBody::Quiz(quiz) = &session.app.focused().unwrap().body else { unreachable!() };
        let texts: Vec<String> = quiz.choices().iter().map(|choice| choice.text.clone()).collect();
        let key = session.app.key_of(session.app.focused().unwrap());
        let chosen = |session: &Session| session.app.answers[&key].answer.clone();
        for text in &texts {
            click(&mut session, &text.chars().take(20).collect::<String>());
            assert_eq!(chosen(&session), Answer::Choice(text.clone()));
        }
        let question: String = quiz_question(&session).chars().take(20).collect();
        click(&mut session, &question);
        assert_eq!(chosen(&session), Answer::Choice(texts[texts.len() - 1].clone()), "the question is no answer");
    }
}

fn quiz_question(session: &Session) -> String {
    let CellBody::Quiz(quiz) = &session.app.focused().unwrap().body else { unreachable!() };
    quiz.question.clone()
}

#[test]
fn pages_are_clicked() {
    for (columns, rows) in SIZES {
        let mut session = Session::on("sigmoid", columns, rows);
        session.tab_to("curves");
        let cell = session.app.focused().unwrap();
        let (key, CellBody::Experiment(body)) = (session.app.key_of(cell), &cell.body) else { unreachable!() };
        let finding = |n: usize| Finding {
            key: n.to_string(),
            text: format!("finding number {n}"),
            value: Some(1.0),
            spread: None,
            seeds: vec![1],
            tabled: false,
            is_bound: false,
        };
        let outcome = Outcome { findings: (0..usize::from(rows) * 8).map(finding).collect(), ..Outcome::default() };
        let spec = body.spec.clone();
        session.store_outcome(key.clone(), spec, outcome);
        session.press(KeyCode::Null);
        let number = session.app.view.focus.unwrap();
        let count = session.app.pages_of(&key, number).unwrap().0.len();
        assert!(count > 9, "{count}");
        for page in [3, 9, 1, 5] {
            // With the text after it, because the contents have lessons with these numbers.
            let behind = if page == 9 { "10" } else { " " };
            click(&mut session, &format!(" {page} {behind}"));
            assert_eq!(session.app.pages_of(&key, number).unwrap().1, page - 1);
        }
        // Every page can be reached by keys too.
        for _ in 0..count {
            session.press(KeyCode::Char('['));
        }
        for page in 0..count {
            assert_eq!(session.app.pages_of(&key, number).unwrap().1, page);
            session.press(KeyCode::Char(']'));
        }
        assert_eq!(session.app.pages_of(&key, number).unwrap().1, count - 1);
    }
}

fn summary(run: i64) -> RunSummary {
    let spec = Study::of(Preset::Article);
    RunSummary {
        run: RunId(run),
        name: Some(format!("race {run}")),
        state: RunState::Finished,
        epochs_done: spec.epochs,
        done: Vec::new(),
        best: Vec::new(),
        ends: Vec::new(),
        tags: Vec::new(),
        notes: None,
        not_exact: None,
        fork: None,
        steerings: Vec::new(),
        sweep: None,
        created: 0,
        updated: 0,
        elapsed: 75.0,
        spec,
    }
}

#[test]
fn rows_of_lists_are_clicked() {
    for (columns, rows) in SIZES {
        let mut session = Session::on("faster", columns, rows);
        session.press(KeyCode::Char('r'));
        session.send(Event::Runs((1..=40).rev().map(summary).collect()));
        click(&mut session, "37  finished");
        assert!(matches!(session.app.modals[..], [Modal::Runs(_), Modal::Run(RunId(37))]));
        session.press(KeyCode::Esc);
        session.press(KeyCode::End);
        click(&mut session, " 2  finished");
        assert!(matches!(session.app.modals.last(), Some(Modal::Run(RunId(2)))), "{:?}", session.app.modals.last());

        let mut session = Session::on("welcome", columns, rows);
        session.type_text("/theano tutorial reaches");
        click(&mut session, "Theano");
        assert!(session.app.modals.is_empty() && session.app.document().meta.id == "faster");
        assert!(session.screen(&RICH).contains("▸"), "it is marked");
    }
}

#[test]
fn lessons_are_clicked_where_the_contents_have_scrolled() {
    let mut session = Session::on("tricks", 40, 12);
    session.press(KeyCode::Char('c'));
    click(&mut session, "Implementing");
    assert_eq!(session.app.document().meta.id, "implementing");
}
