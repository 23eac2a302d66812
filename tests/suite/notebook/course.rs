//! The whole course from the first lesson to the last: by keyboard alone, at every size, and how much of it was read.

use crate::common::session::Session;
use app::{App, Event, Tag};
use crossterm::event::KeyCode;
use lesson::{CellBody, Library, Line};
use protocol::{CellKey, Reply, RunEvent, RunId, Study};
use std::collections::HashSet;
use ui::{Glyphs, Palette, Theme};

const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
const PLAIN: Theme = Theme::new(Palette::None, Glyphs::Ascii);

/// From here on every line of a lesson fits.
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

#[test]
fn there_are_eighteen_lessons_with_cells() {
    let lessons = Library::english().lessons;
    let ids: HashSet<&str> = lessons.iter().map(|lesson| lesson.meta.id.as_str()).collect();
    assert_eq!((lessons.len(), ids.len()), (18, 18));
    assert!(lessons.iter().all(|lesson| !lesson.cells().is_empty()));
}

#[test]
fn the_course_can_be_completed_by_keyboard() {
    for (columns, rows) in SIZES {
        let mut session = Session::on("welcome", columns, rows);
        let last = session.app.library.lessons.len() - 1;
        assert_eq!(session.app.lesson, 0);
        for lesson in 0..=last {
            assert_eq!(session.app.lesson, lesson);
            session.press(KeyCode::Home);
            let cells: Vec<String> = session.app.document().cells().iter().map(|cell| cell.id.clone()).collect();
            for cell in &cells {
                session.tab_to(cell);
                let focus = session.app.view.focus.unwrap();
                assert!(session.app.view.sees_cell(focus), "{cell}");
            }
            session.press(KeyCode::End);
            assert_eq!(session.app.view.percent(), 100);
            // Both ways to go on.
            if lesson % 2 == 0 {
                session.press(KeyCode::Char('n'));
            } else {
                for code in [KeyCode::Char('c'), KeyCode::Down, KeyCode::Enter] {
                    session.press(code);
                }
            }
        }
        assert_eq!(session.app.lesson, last, "there is nothing behind the last");
        assert_eq!(session.app.read.values().filter(|read| **read == 100).count(), last + 1);
        assert_eq!(session.asked, [], "reading asks nothing of the kernel");
    }
}

#[test]
fn every_lesson_is_drawn_whole_at_every_size() {
    for lesson in 0..Library::english().lessons.len() {
        for (columns, rows) in SIZES {
            let mut session = Session::with(App::new(Library::english(), lesson, columns, rows));
            let id = session.app.document().meta.id.clone();
            loop {
                let screen = session.screen(&RICH);
                for (line, row) in session.app.view.shown().iter().zip(screen.lines()) {
                    let Line::Text(spans) = line else { continue };
                    let text: String = spans.iter().map(|span| span.text.as_str()).collect();
                    assert!(row.contains(text.trim_end()), "{id} at {columns}x{rows}: {text}\n{screen}");
                }
                let before = session.app.view.top;
                session.press(KeyCode::PageDown);
                if session.app.view.top == before {
                    break;
                }
            }
        }
        let mut small = Session::with(App::new(Library::english(), lesson, 40, 12));
        for theme in [&RICH, &PLAIN] {
            for code in [KeyCode::End, KeyCode::PageUp, KeyCode::Home, KeyCode::PageDown, KeyCode::Tab] {
                small.press(code);
                assert_eq!(small.screen(theme).lines().count(), 12);
            }
        }
    }
}

/// Sixteen lessons do not fit on twelve rows, so the list scrolls to show the chosen one.
#[test]
fn the_contents_follow_the_choice() {
    let mut session = Session::on("welcome", 40, 12);
    session.press(KeyCode::Char('c'));
    let lessons = session.app.library.lessons.clone();
    for keys in [[KeyCode::Down; 16], [KeyCode::Up; 16]] {
        for code in keys {
            session.press(code);
            let chosen = session.app.contents_choice().unwrap();
            let meta = &lessons[chosen].meta;
            let number = lessons[chosen].number.unwrap();
            let line = format!("{number:>2} {}", &meta.title[..meta.title.len().min(12)]);
            let screen = session.screen(&RICH);
            assert!(screen.contains(&line), "{line}:\n{screen}");
        }
    }
}

/// Any movement counts as reading, and a lesson that was read has no minutes left.
#[test]
fn a_lesson_that_was_read_has_no_minutes_left() {
    let is_read = |session: &mut Session, title: &str| {
        session.press(KeyCode::Char('c'));
        let screen = session.screen(&RICH);
        session.press(KeyCode::Esc);
        let mut rows = screen.lines().filter_map(|line| line.split('│').next());
        !rows.find(|row| row.contains(title)).unwrap().trim().ends_with('m')
    };
    for code in [KeyCode::Tab, KeyCode::Char('f'), KeyCode::End] {
        let mut session = Session::on("faster", 80, 24);
        assert!(!is_read(&mut session, "Faster feature"));
        let mut read = 0;
        for _ in 0..60 {
            session.press(code);
            read = session.app.read["faster"].max(read);
        }
        assert!(read > 60, "{code:?}: {read} %");
        session.press(KeyCode::End);
        assert!(is_read(&mut session, "Faster feature"), "{code:?}");
        session.type_text(":reset");
        session.press(KeyCode::Enter);
        session.press(KeyCode::Enter);
        assert!(!is_read(&mut session, "Faster feature"), "{code:?}");
    }
    // All of it is on the screen from the beginning.
    let mut session = Session::with(App::new(Library::english(), 0, 80, 3000));
    session.press(KeyCode::Char('n'));
    session.press(KeyCode::Char('p'));
    assert!(is_read(&mut session, "Welcome"));
}

/// The mark and the minutes of a lesson in the contents.
fn in_contents(session: &mut Session, theme: &Theme, title: &str) -> (String, String) {
    session.press(KeyCode::Char('c'));
    let screen = session.screen(theme);
    session.press(KeyCode::Esc);
    let bar = if theme.glyphs == Glyphs::Ascii { '|' } else { '│' };
    let rows = screen.lines().filter_map(|line| line.split(bar).next());
    let row = rows.clone().find(|row| row.contains(title)).unwrap_or_else(|| panic!("{title}\n{screen}"));
    let mark = row.chars().nth(1).unwrap().to_string();
    let minutes = row.split_whitespace().last().filter(|word| word.ends_with('m')).unwrap_or_default();
    (mark, minutes.into())
}

/// A tick requires reading to the end, running each cell and answering each question; a part of that is half a tick.
/// Minutes are left for what was not read.
#[test]
fn a_tick_requires_reading_running_and_answering() {
    let mut session = Session::on("faster", 120, 40);
    let minutes = u32::from(session.app.library.lessons[0].meta.minutes);
    let at = CellKey { lesson: "welcome".into(), cell: "first".into() };
    let spec = session.app.lesson_study(&at).unwrap();
    let answer = |cell: &str, text: &str| (format!("answer/welcome/{cell}"), serde_json::json!({ "chosen": text }));
    let right = {
        let CellBody::Quiz(quiz) = &session.app.library.lessons[0].cell("validation").unwrap().body else { panic!() };
        quiz.choices()[0].text.clone()
    };
    assert_eq!(in_contents(&mut session, &RICH, "Welcome"), (" ".into(), format!("{minutes}m")));

    // Each part by itself is at most half a tick.
    let read = |percent: u64| ("place/welcome".to_string(), serde_json::json!({ "read": percent }));
    let parts =
        [vec![read(40)], vec![read(100)], vec![answer("warm-up", "2 to 8 %")], vec![answer("validation", &right)]];
    for part in parts {
        let mut session = Session::on("faster", 120, 40);
        let left = match part[0].1["read"].as_u64() {
            Some(100) => String::new(),
            Some(percent) => format!("{}m", (minutes * (100 - percent as u32)).div_ceil(100)),
            None => format!("{minutes}m"),
        };
        session.send(Event::StoredProgress(part.clone()));
        assert_eq!(in_contents(&mut session, &RICH, "Welcome"), ("◐".into(), left.clone()), "{part:?}");
        assert_eq!(in_contents(&mut session, &PLAIN, "Welcome"), ("~".into(), left), "{part:?}");
    }

    let before = session.app.course_left().unwrap();
    session.send(Event::StoredProgress(vec![read(100), answer("warm-up", "2 to 8 %"), answer("validation", &right)]));
    assert_ne!(session.app.course_left().unwrap(), before);
    let begin = |session: &mut Session, run: RunId, spec: &Study| {
        session.send(Event::Reply(Tag::Training(at.clone()), Reply::Started { run }));
        session.kernel(RunEvent::Started { run, spec: spec.clone() });
    };
    begin(&mut session, RunId(1), &spec);
    assert_eq!(in_contents(&mut session, &RICH, "Welcome").0, "◐", "it runs");
    session.kernel(RunEvent::Finished { run: RunId(1) });
    assert_eq!(in_contents(&mut session, &RICH, "Welcome"), ("✓".into(), String::new()));
    assert_eq!(in_contents(&mut session, &PLAIN, "Welcome").0, "+");
    // A run with settings of the reader's own removes nothing.
    let own = spec.with_shared(|settings| settings.learning_rate /= 2.0);
    session.kernel(RunEvent::Started { run: RunId(2), spec: own.clone() });
    begin(&mut session, RunId(2), &own);
    assert_eq!(session.app.cell_runs[&at], RunId(2));
    assert_eq!(in_contents(&mut session, &RICH, "Welcome").0, "✓");
    // An answer to another question counts as none.
    let mut session = Session::on("faster", 120, 40);
    session.send(Event::StoredProgress(vec![answer("warm-up", "no choice of it")]));
    assert_eq!(in_contents(&mut session, &RICH, "Welcome").0, " ");
}

#[test]
fn letters_move_like_the_named_keys() {
    let pairs = [
        (KeyCode::Char('j'), KeyCode::Down),
        (KeyCode::Char('G'), KeyCode::End),
        (KeyCode::Char('k'), KeyCode::Up),
        (KeyCode::Char('b'), KeyCode::PageUp),
        (KeyCode::Char(' '), KeyCode::PageDown),
        (KeyCode::Char('g'), KeyCode::Home),
        (KeyCode::Char('l'), KeyCode::Right),
        (KeyCode::Char('h'), KeyCode::Left),
    ];
    let (mut letters, mut names) = (Session::on("sigmoid", 80, 24), Session::on("sigmoid", 80, 24));
    for session in [&mut letters, &mut names] {
        for _ in 0..12 {
            session.press(KeyCode::Down);
        }
    }
    for (letter, name) in pairs {
        let before = (names.app.lesson, names.app.view.top);
        letters.press(letter);
        names.press(name);
        let at = |session: &Session| (session.app.lesson, session.app.view.top);
        assert_eq!(at(&letters), at(&names), "{letter:?}");
        assert_ne!(at(&names), before, "{name:?} moves");
    }
    names.press(KeyCode::Tab);
    names.press(KeyCode::Tab);
    names.press(KeyCode::BackTab);
    assert_eq!(names.app.view.focus, Some(0));
}
