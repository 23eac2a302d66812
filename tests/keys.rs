//! Keys where they could be taken for something else: in forms, in help, in a question that is half answered.

#![allow(clippy::unwrap_used)]

#[path = "common/session.rs"]
mod session;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use relu_notebook::app::{Answer, App, Effect, Event, Modal, keys};
use relu_notebook::lesson::{CellBody, Guess, Library, parse};
use relu_notebook::protocol::{CellKey, RequestBody};
use relu_notebook::ui::{Glyphs, Palette, Theme};
use session::Session;

const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);

fn chord(session: &mut Session, c: char, modifiers: KeyModifiers) {
    session.tell(Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers)));
}

#[test]
fn letters_with_ctrl_or_alt_are_not_typed() {
    for open in ["/", ":", "#", "o"] {
        let mut session = Session::open();
        session.type_text(open);
        let before = session.screen(&RICH);
        for (c, modifiers) in [('x', KeyModifiers::CONTROL), ('l', KeyModifiers::CONTROL), ('x', KeyModifiers::ALT)] {
            chord(&mut session, c, modifiers);
        }
        assert_eq!(session.screen(&RICH), before, "{open}");
        assert_eq!(session.effects.iter().filter(|effect| **effect == Effect::Redraw).count(), 1, "{open}");
        session.type_text("x");
        assert_ne!(session.screen(&RICH), before, "{open}");
        chord(&mut session, 'u', KeyModifiers::CONTROL);
        let emptied = session.screen(&RICH);
        assert!(!emptied.contains("x_"), "{open}:\n{emptied}");
    }
}

#[test]
fn a_wrong_command_is_forgotten_when_it_is_mended() {
    let mut session = Session::open();
    session.type_text(":fly");
    session.press(KeyCode::Enter);
    session.press(KeyCode::Backspace);
    let Some(Modal::Command(line)) = session.app.modals.last() else { panic!("it stays to be mended") };
    assert_eq!((line.text.as_str(), line.error.as_ref()), ("fl", None));
}

#[test]
fn help_is_whole_and_ends_at_its_end() {
    for (columns, rows) in [(80, 24), (80, 60)] {
        let mut session = Session::on("welcome", columns, rows);
        session.press(KeyCode::Char('?'));
        let mut seen = session.screen(&RICH);
        for _ in 0..60 {
            session.press(KeyCode::Down);
            seen.push_str(&session.screen(&RICH));
        }
        for binding in keys::shown() {
            assert!(seen.contains(&format!("{} ", binding.help)), "{}:\n{seen}", binding.help);
        }
        let end = session.screen(&RICH);
        if rows == 24 {
            session.press(KeyCode::Up);
            assert_ne!(session.screen(&RICH), end, "one key up moves at once");
        }
    }
}

/// An order gives nothing away before it is whole, and its last can be taken back.
#[test]
fn an_order_is_whole_before_it_is_answered() {
    let mut session = Session::on("gradients", 80, 24);
    let cells = session.app.document().cells();
    let order = |cell: &relu_notebook::lesson::Cell| match &cell.body {
        CellBody::Predict(predict) => match &predict.guess {
            Guess::Order(things) => Some((cell.id.clone(), things.len(), predict.explanation.clone())),
            _ => None,
        },
        _ => None,
    };
    let (cell, count, explanation) = cells.into_iter().find_map(order).unwrap();
    session.tab_to(&cell);
    let words: String = explanation.chars().take(24).collect();
    let told = |session: &Session| session.screen(&RICH).contains(&words);
    let key = CellKey { lesson: "gradients".into(), cell };
    let digit = |n: usize| KeyCode::Char(char::from_digit(n as u32, 10).unwrap());
    for n in 1..count {
        session.press(digit(n));
        assert!(!told(&session), "after {n} of {count}");
    }
    session.press(KeyCode::Backspace);
    assert_eq!(session.app.answers[&key], Answer::Order((0..count - 2).collect()));
    session.press(digit(count));
    session.press(digit(count - 1));
    assert!(told(&session), "{}", session.screen(&RICH));
    for _ in 0..count {
        session.press(KeyCode::Backspace);
    }
    assert_eq!(session.app.answers.get(&key), None);
    let Some(Effect::RequestIfOn(_, RequestBody::Remember { value, .. })) = session.effects.last() else {
        panic!("not forgotten")
    };
    assert!(value.is_null());
}

const OWN: &str = "+++\nid = \"own\"\ntitle = \"Mine\"\npart = \"0\"\nsummary = \"One.\"\nminutes = 1\n+++\n";

/// A plot measures by itself when it comes on the screen, once.
#[test]
fn a_plot_asks_for_itself_once() {
    let plot = "```plot\nid = \"p\"\ntitle = \"Curves\"\nexperiment = \"curves\"\n```\n";
    let text = format!("{OWN}{}\n{plot}", "A paragraph.\n\n".repeat(40));
    let (document, faults) = parse("own.md", &text);
    assert!(faults.is_empty(), "{faults:?}");
    let mut session = Session::with(App::new(Library { lessons: vec![document], faults: vec![] }, 0, 80, 24));
    session.press(KeyCode::Down);
    assert_eq!(session.asked, [], "it is not seen yet");
    session.press(KeyCode::End);
    let key = CellKey { lesson: "own".into(), cell: "p".into() };
    assert!(matches!(&session.asked[..], [RequestBody::RunCell { cell, .. }] if *cell == key));
    session.press(KeyCode::Enter);
    assert_eq!(session.asked.last(), Some(&RequestBody::StopCell { cell: key.clone() }));
    let stopped = relu_notebook::protocol::CellEvent::Stopped { cell: key };
    session.tell(Event::Kernel(relu_notebook::protocol::Event::Cell(stopped)));
    session.press(KeyCode::Up);
    assert_eq!(session.asked.len(), 2, "what was stopped stays so");
}

/// A lesson that is opened with something to mend says so at once.
#[test]
fn faults_are_told_at_the_opening() {
    let text = format!("{OWN}See [there](#nowhere).\n");
    let (document, faults) = parse("own.md", &text);
    assert!(faults.is_empty(), "{faults:?}");
    let mut library = Library::english();
    library.faults = relu_notebook::lesson::check(&[parse("own.md", &text)], &library.lessons);
    let lesson = library.put(document);
    let session = Session::with(App::new(library, lesson, 80, 24));
    assert!(session.screen(&RICH).contains("own.md:8:5: there is no heading #nowhere"), "{}", session.screen(&RICH));
}

/// Only what was measured writes its spread as `+-`: a formula or a program keeps its signs, and links their places.
#[test]
fn prose_and_code_keep_their_signs() {
    let text = format!("{OWN}From +-1 to [there](#there).\n\n## There\n\n```text\na +- b\n```\n");
    let (document, faults) = parse("own.md", &text);
    assert!(faults.is_empty(), "{faults:?}");
    let session = Session::with(App::new(Library { lessons: vec![document], faults: vec![] }, 0, 80, 24));
    let screen = session.screen(&RICH);
    assert!(screen.contains("From +-1 to there.") && screen.contains("a +- b"), "{screen}");
}
