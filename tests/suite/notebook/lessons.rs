//! The shipped lessons have no faults, and every word of them is on the screen.

use app::{App, Event, Screen, update};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use lesson::{Cell, CellBody, Guess, Library, Line, QuizKind, check, lay_out};
use ratatui::{Terminal, backend::TestBackend};
use ui::{self, Glyphs, Palette, Theme};
use unicode_width::UnicodeWidthStr;

#[test]
fn the_shipped_lessons_have_no_faults() {
    let faults = check(&Library::shipped(), &[]);
    let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn the_readme_lists_the_course() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    for (number, lesson) in Library::english().lessons.iter().enumerate() {
        let row = format!("| {number} {} |", lesson.meta.title);
        assert!(readme.lines().any(|line| line.starts_with(&row)), "README.md has no row `{row}`");
    }
}

#[test]
fn no_line_is_wider_than_the_text() {
    let library = Library::english();
    for columns in 80..=200 {
        let width = Screen::new(columns, 24).text.width;
        for (lesson, glyphs) in library.lessons.iter().flat_map(|l| [(l, Glyphs::Unicode), (l, Glyphs::Ascii)]) {
            let layout = lay_out(lesson, (width, 24), glyphs, |_| 1, |_, _| None);
            // A table that does not fit would be missing.
            assert_eq!(layout.faults, [], "{}, {columns} columns", lesson.meta.id);
            for line in layout.lines {
                let Line::Text(spans) = line else { continue };
                let text: String = spans.into_iter().map(|span| span.text).collect();
                assert!(text.width() <= usize::from(width), "{}, {columns} columns: {text}", lesson.meta.id);
            }
        }
    }
}

/// Lessons, questions and their answers on a terminal that has only ASCII.
#[test]
fn every_word_can_be_read_in_ascii() {
    let marks = |text: &str| text.matches('?').count();
    for lesson in 0..Library::english().lessons.len() {
        let mut app = App::new(Library::english(), lesson, 80, 3000).with_glyphs(Glyphs::Ascii);
        let document = app.document().clone();
        for (at, cell) in document.cells().iter().enumerate() {
            app.view.focus = Some(at);
            answer(&mut app, cell);
        }
        for sealed in document.sealed() {
            let key = app.key_of(document.cell(&sealed.cells[0]).unwrap());
            app.unfolded.entry(key).or_default().insert(sealed.number);
        }
        app.lay_out();
        let mut rich = App::new(Library::english(), lesson, 80, 3000);
        rich.answers.clone_from(&app.answers);
        rich.unfolded.clone_from(&app.unfolded);
        rich.lay_out();
        let plain = shown(&app, Glyphs::Ascii);
        assert!(plain.is_ascii());
        assert_eq!(marks(&plain), marks(&shown(&rich, Glyphs::Unicode)), "{}:\n{plain}", document.meta.id);
    }
}

/// Everything that a screen of 80 columns would show of a lesson if it were high enough: words only, in order.
fn words_shown(app: &App) -> String {
    words(&shown(app, Glyphs::Unicode))
}

fn shown(app: &App, glyphs: Glyphs) -> String {
    let whole = app.screen.whole;
    let mut terminal = Terminal::new(TestBackend::new(whole.width, whole.height)).unwrap();
    let theme = Theme::new(Palette::None, glyphs);
    terminal.draw(|frame| ui::draw(app, &theme, frame)).unwrap();
    terminal.backend().to_string()
}

fn words(text: &str) -> String {
    let plain = text.replace(['│', '┃', '"'], " ");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn press(app: &mut App, code: KeyCode) {
    update(app, Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
}

fn type_keys(app: &mut App, codes: &[KeyCode]) {
    for code in codes {
        press(app, *code);
    }
}

/// Answers the focused cell; for a prediction it opens the explanation.
fn answer(app: &mut App, cell: &Cell) {
    match &cell.body {
        CellBody::Predict(predict) => match &predict.guess {
            Guess::Choice(_) => type_keys(app, &[KeyCode::Char('1'), KeyCode::Esc, KeyCode::Char('u')]),
            Guess::Order(things) => {
                (1..=things.len()).for_each(|n| press(app, KeyCode::Char(digit(n))));
                type_keys(app, &[KeyCode::Esc, KeyCode::Char('u')]);
            }
            Guess::Number(_) => {
                let codes = [KeyCode::Enter, KeyCode::Char('1'), KeyCode::Enter, KeyCode::Esc, KeyCode::Char('u')];
                type_keys(app, &codes);
            }
        },
        CellBody::Quiz(quiz) if quiz.choices().is_empty() => {
            type_keys(app, &[KeyCode::Enter, KeyCode::Char('1'), KeyCode::Enter]);
        }
        CellBody::Quiz(_) => press(app, KeyCode::Char('1')),
        _ => {}
    }
}

fn digit(n: usize) -> char {
    char::from_digit(n as u32, 10).unwrap()
}

/// The texts of a question, and of its answer, that must be visible.
fn texts(app: &App, cell: &Cell) -> (Vec<String>, Option<String>) {
    match &cell.body {
        CellBody::Predict(predict) => {
            let choices = match &predict.guess {
                Guess::Choice(choices) | Guess::Order(choices) => choices.clone(),
                Guess::Number(_) => vec![],
            };
            let question = predict.question.clone();
            ([question].into_iter().chain(choices).collect(), Some(predict.explanation.clone()))
        }
        CellBody::Quiz(quiz) => {
            let quiz = app.shuffled(&app.key_of(cell), quiz);
            let choices = quiz.choices().iter().map(|choice| choice.text.clone());
            let comment = match &quiz.kind {
                QuizKind::Choices(choices) => choices[0].because.clone(),
                QuizKind::Number { comments, .. } | QuizKind::Short { comments, .. } => comments.otherwise.clone(),
            };
            ([quiz.question.clone()].into_iter().chain(choices).collect(), Some(comment))
        }
        _ => (vec![], None),
    }
}

#[test]
fn every_question_is_shown_to_its_last_word() {
    for lesson in 0..Library::english().lessons.len() {
        let mut app = App::new(Library::english(), lesson, 80, 2000);
        let document = app.document().clone();
        for (at, cell) in document.cells().iter().enumerate() {
            let (question, explanation) = texts(&app, cell);
            let name = format!("{}/{}", document.meta.id, cell.id);
            let shown = words_shown(&app);
            for text in question {
                assert!(shown.contains(&words(&text)), "{name}: {text}");
            }
            app.view.show_cell(at);
            app.view.focus = Some(at);
            answer(&mut app, cell);
            if let Some(text) = explanation {
                assert!(words_shown(&app).contains(&words(&text)), "{name}: {text}");
            }
        }
    }
}
