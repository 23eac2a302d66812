//! Keys where they could be mistaken for something else: in forms, in help, in a question that is half answered.

use crate::common::session::Session;
use app::{App, Effect, Event, Modal, keys};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lesson::{Answer, Cell, CellBody, Guess, Library, PredictCell, parse};
use protocol::{
    self, CellEvent, CellKey, Figure, Outcome, Preset, RequestBody, RunEvent, RunId, RunState, RunSummary, Study,
};
use ui::{Glyphs, Palette, Theme};

const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);

fn chord(session: &mut Session, c: char, modifiers: KeyModifiers) {
    session.send(Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers)));
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
fn correcting_a_wrong_command_clears_its_error() {
    let mut session = Session::open();
    session.type_text(":fly");
    session.press(KeyCode::Enter);
    session.press(KeyCode::Backspace);
    let Some(Modal::Command(line)) = session.app.modals.last() else { panic!("it stays to be mended") };
    assert_eq!((line.text.as_str(), line.error.as_ref()), ("fl", None));
}

#[test]
fn help_is_complete_and_scrolls_to_its_end() {
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

/// An order reveals nothing before it is complete, and its last item can be removed.
#[test]
fn an_order_is_complete_before_it_is_answered() {
    let mut session = Session::on("gradients", 80, 24);
    let cells = session.app.document().cells();
    let order = |cell: &lesson::Cell| match &cell.body {
        CellBody::Predict(predict) => match &predict.guess {
            Guess::Order(things) => Some((cell.id.clone(), things.clone(), predict.explanation.clone())),
            _ => None,
        },
        _ => None,
    };
    let (cell, things, explanation) = cells.into_iter().find_map(order).unwrap();
    let count = things.len();
    session.tab_to(&cell);
    let words: String = explanation.chars().take(24).collect();
    let printed = |session: &Session| session.screen(&RICH).contains(&words);
    let is_kept = |session: &Session| session.screen(&RICH).contains("Kept.");
    let key = CellKey { lesson: "gradients".into(), cell };
    let digit = |n: usize| KeyCode::Char(char::from_digit(n as u32, 10).unwrap());
    for n in 1..count {
        session.press(digit(n));
        assert!(!printed(&session) && session.app.modals.is_empty(), "after {n} of {count}");
    }
    session.press(KeyCode::Backspace);
    assert_eq!(session.app.answers[&key].answer, Answer::Order(things[..count - 2].to_vec()));
    session.press(digit(count));
    assert!(!is_kept(&session));
    session.press(digit(count - 1));
    assert!(session.screen(&RICH).contains("How sure are you"), "{}", session.screen(&RICH));
    session.press(KeyCode::Esc);
    assert!(is_kept(&session) && !printed(&session), "{}", session.screen(&RICH));
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

/// A plot is measured once, when it comes on the screen.
#[test]
fn a_plot_requests_its_measurement_once() {
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
    session.press(KeyCode::Char('s'));
    assert_eq!(session.asked.last(), Some(&RequestBody::StopCell { cell: key.clone() }));
    let stopped = protocol::CellEvent::Stopped { cell: key };
    session.send(Event::Kernel(protocol::Event::Cell(stopped)));
    session.press(KeyCode::Up);
    assert_eq!(session.asked.len(), 2, "what was stopped stays so");
}

/// A lesson with faults says so when it opens.
#[test]
fn faults_are_shown_when_a_lesson_opens() {
    let text = format!("{OWN}See [there](#nowhere).\n");
    let (document, faults) = parse("own.md", &text);
    assert!(faults.is_empty(), "{faults:?}");
    let mut library = Library::english();
    library.faults = lesson::check(&[parse("own.md", &text)], &library.lessons);
    let lesson = library.put(document);
    let session = Session::with(App::new(library, lesson, 80, 24));
    assert!(session.screen(&RICH).contains("own.md:8:5: there is no heading #nowhere"), "{}", session.screen(&RICH));
}

/// Only measurements write their spread as `+-`. A formula or a program keeps its signs, and links their targets.
#[test]
fn prose_and_code_keep_their_signs() {
    let text = format!("{OWN}From +-1 to [there](#there).\n\n## There\n\n```text\na +- b\n```\n");
    let (document, faults) = parse("own.md", &text);
    assert!(faults.is_empty(), "{faults:?}");
    let session = Session::with(App::new(Library { lessons: vec![document], faults: vec![] }, 0, 80, 24));
    let screen = session.screen(&RICH);
    assert!(screen.contains("From +-1 to there.") && screen.contains("a +- b"), "{screen}");
}

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 12)];

fn cell_event(session: &mut Session, event: CellEvent) {
    session.send(Event::Kernel(protocol::Event::Cell(event)));
}

/// A table that fills one page on the smallest screen is one page on others.
fn table(title: &str) -> Figure {
    let words = |text: &str| vec![text.to_string()];
    let sources = vec![protocol::Source::Measured];
    Figure::Table(protocol::Table {
        title: title.into(),
        columns: words("a"),
        rows: vec![words("1")],
        sources,
        places: Vec::new(),
    })
}

/// The experiment in focus, measured: these figures.
fn measured(session: &mut Session, figures: Vec<Figure>) {
    session.enter();
    let Some(RequestBody::RunCell { cell, spec }) = session.asked.last().cloned() else { panic!("not asked for") };
    cell_event(session, CellEvent::Started { cell: cell.clone(), spec });
    let outcome = Outcome { figures, findings: Vec::new(), seconds: 3.0 };
    cell_event(session, CellEvent::Finished { cell, outcome });
}

/// Enter starts and resumes, `z` pauses, `s` stops, however often they are pressed.
#[test]
fn pressing_a_key_twice_does_not_undo_its_effect() {
    let mut session = Session::open();
    let run = RunId(1);
    session.start_race();
    session.press(KeyCode::Enter);
    assert_eq!(session.asked.len(), 1);
    assert!(session.app.message.as_ref().unwrap().contains("s stops it"), "{:?}", session.app.message);
    session.press(KeyCode::Char('z'));
    session.kernel(RunEvent::Paused { run });
    // The pane names the key.
    let shown = session.screen(&RICH);
    assert!(shown.contains("paused after 0 epochs; Enter"), "{shown}");
    session.press(KeyCode::Char('z'));
    assert_eq!(session.asked[1..], [RequestBody::Pause { run }]);
    session.press(KeyCode::Char('s'));
    session.kernel(RunEvent::Stopped { run });
    session.press(KeyCode::Char('s'));
    assert_eq!(session.asked[2..], [RequestBody::Stop { run }]);
    session.press(KeyCode::Enter);
    session.press(KeyCode::Enter);
    assert_eq!(session.asked[3..], [RequestBody::Resume { run }]);

    let mut session = Session::on("sparsity", 80, 24);
    session.tab_to("count");
    session.press(KeyCode::Enter);
    session.press(KeyCode::Enter);
    let [RequestBody::RunCell { cell, .. }] = &session.asked[..] else { panic!("{:?}", session.asked) };
    let cell = cell.clone();
    assert!(session.app.message.as_ref().unwrap().contains("s stops it"));
    // The results so far stay on the screen.
    let partial = Some(Outcome { figures: vec![table("Half of it")], ..Outcome::default() });
    let progress =
        CellEvent::Progress { cell: cell.clone(), done: 0.5, doing: "counting".into(), seconds: 1.0, partial };
    cell_event(&mut session, progress);
    assert!(session.screen(&RICH).contains("s stops"));
    session.press(KeyCode::Char('s'));
    assert_eq!(session.asked[1..], [RequestBody::StopCell { cell: cell.clone() }]);
    cell_event(&mut session, CellEvent::Stopped { cell });
    session.press(KeyCode::Char('s'));
    assert_eq!(session.asked.len(), 2);
    let screen = session.screen(&RICH);
    assert!(screen.contains("Half of it") && screen.contains("stopped before its end"), "{screen}");
    // The key that opens a list, a figure's values or the help does not close it.
    for (key, is_open) in [
        ('r', (|modal| matches!(modal, Modal::Runs(_))) as fn(&Modal) -> bool),
        ('c', |modal| matches!(modal, Modal::Contents(_))),
    ] {
        session.press(KeyCode::Char(key));
        session.press(KeyCode::Char(key));
        assert!(session.app.modals.last().is_some_and(is_open), "{key}");
        session.press(KeyCode::Esc);
    }
}

/// Space scrolls by a page and never pauses a run.
#[test]
fn space_scrolls_wherever_a_race_trains() {
    for (columns, rows) in SIZES {
        let mut session = Session::on("faster", columns, rows);
        session.tab_to("race");
        session.start_race();
        session.press(KeyCode::Home);
        let mut top = session.app.view.top;
        while session.app.view.percent() < 100 {
            session.press(KeyCode::Char(' '));
            assert!(session.app.view.top > top, "at {top}");
            top = session.app.view.top;
        }
        assert_eq!(session.asked.len(), 1);
    }
}

fn count_of_choices(cell: &Cell) -> Option<usize> {
    match &cell.body {
        CellBody::Quiz(quiz) => Some(quiz.choices().len()).filter(|count| *count > 0),
        CellBody::Predict(PredictCell { guess: Guess::Choice(options) | Guess::Order(options), .. }) => {
            Some(options.len())
        }
        _ => None,
    }
}

/// Every question of the course, scrolled so that its last choice is below the screen: the first press of a number
/// brings it into view and says so, the second answers.
#[test]
fn no_question_is_answered_below_the_fold() {
    for (columns, rows) in SIZES {
        let library = Library::english();
        for lesson in &library.lessons {
            for (number, cell) in lesson.cells().into_iter().enumerate() {
                let Some(count) = count_of_choices(cell) else { continue };
                let mut session = Session::on(&lesson.meta.id, columns, rows);
                session.tab_to(&cell.id);
                let key = session.app.key_of(cell);
                // Its last choice becomes the first line below the screen, if the question stays focused there.
                let last = |session: &Session| {
                    let (line, height) = session.app.view.layout.cells[number];
                    line + usize::from(height) - 3
                };
                let sees = |session: &Session| {
                    let view = &session.app.view;
                    (view.top..view.top + view.height).contains(&last(session))
                };
                while sees(&session) && session.app.view.top > 0 {
                    session.press(KeyCode::Up);
                }
                if sees(&session) {
                    continue;
                }
                if session.app.view.focus != Some(number) {
                    continue;
                }
                let digit = KeyCode::Char(char::from_digit(count as u32, 10).unwrap());
                session.press(digit);
                let at = format!("{} of {} at {columns}x{rows}", cell.id, lesson.meta.id);
                assert!(!session.app.answers.contains_key(&key), "{at}");
                let printed = session.app.message.clone().unwrap_or_default();
                assert!(printed.contains(&format!("{count} again")), "{at}: {printed}");
                assert!(sees(&session), "{at}");
                session.press(digit);
                assert!(session.app.answers.contains_key(&key), "{at}");
            }
        }
    }
}

/// The same for every other action on a cell: one that the screen's edge cuts off is shown first.
#[test]
fn keys_do_not_act_on_a_cell_out_of_sight() {
    let cut = |session: &mut Session| {
        while session.sees_whole_cell() {
            session.press(KeyCode::Up);
        }
    };
    let mut session = Session::on("faster", 80, 24);
    session.tab_to("race");
    cut(&mut session);
    session.press(KeyCode::Enter);
    assert!(session.app.modals.is_empty() && session.app.message.as_ref().unwrap().contains("Enter again: start"));
    session.start_race();
    for key in ['z', 's'] {
        cut(&mut session);
        session.press(KeyCode::Char(key));
        assert_eq!(session.asked.len(), 1, "{key}");
        assert!(session.app.message.as_ref().unwrap().contains(&format!("{key} again")));
    }
    session.press(KeyCode::Char('s'));
    assert_eq!(session.asked.len(), 2);

    let mut session = Session::on("sparsity", 80, 24);
    session.tab_to("count");
    measured(&mut session, vec![table("first page"), table("second page")]);
    let key = session.app.key_of(session.app.focused().unwrap());
    for code in [KeyCode::Right, KeyCode::Char('2'), KeyCode::Char(']'), KeyCode::Enter] {
        let cell = session.app.view.focus.unwrap();
        let (line, _) = session.app.view.layout.cells[cell];
        while session.app.view.top <= line {
            session.press(KeyCode::Down);
        }
        assert_eq!(session.app.view.focus, Some(cell));
        session.press(code);
        assert_eq!((session.app.experiments[&key].page, session.asked.len()), (0, 1), "{code}");
        assert!(session.app.message.as_ref().unwrap().contains(" again: "), "{:?}", session.app.message);
    }
}

/// Left and right belong to a focused figure.
#[test]
fn arrows_change_pages_before_lessons() {
    let mut session = Session::on("sparsity", 80, 24);
    let lesson = session.app.lesson;
    session.tab_to("count");
    let key = session.app.key_of(session.app.focused().unwrap());
    measured(&mut session, vec![table("first page"), table("second page"), table("third page")]);
    assert!(session.screen(&RICH).lines().last().unwrap().contains("← → page"), "{}", session.screen(&RICH));
    for (code, page) in [
        (KeyCode::Right, 1),
        (KeyCode::Char('l'), 2),
        (KeyCode::Right, 2),
        (KeyCode::Left, 1),
        (KeyCode::Char('h'), 0),
        (KeyCode::Left, 0),
    ] {
        session.press(code);
        assert_eq!((session.app.lesson, session.app.experiments[&key].page), (lesson, page), "{code}");
    }
    assert_eq!(session.app.message.as_deref(), Some("this is the first page; p turns to the lesson before"));
    session.press(KeyCode::Char('n'));
    assert_eq!(session.app.lesson, lesson + 1);
    // Nothing is focused at the head of a lesson.
    assert!(session.screen(&RICH).lines().last().unwrap().contains("← → lesson"), "{}", session.screen(&RICH));
    session.press(KeyCode::Left);
    assert_eq!(session.app.lesson, lesson);

    // A plot of one page: its values are read.
    let mut session = Session::on("sparsity", 80, 24);
    session.tab_to("count");
    let axis =
        |label: &str| protocol::PlotAxis { label: label.into(), scale: protocol::AxisScale::Linear, limits: None };
    let series = protocol::PlotSeries {
        name: "curve".into(),
        source: protocol::Source::Measured,
        stroke: protocol::Stroke::Both,
        points: vec![(0.0, Some(1.0)), (1.0, Some(2.0))],
        spread: Vec::new(),
        below: Vec::new(),
    };
    let (x, y, title) = (axis("x"), axis("y"), "One plot".into());
    measured(
        &mut session,
        vec![Figure::Plot(protocol::Plot {
            title,
            x,
            y,
            series: vec![series],
            bands: vec![],
            marks: vec![],
            places: Vec::new(),
            spread: protocol::SpreadKind::Deviation,
            notes: Vec::new(),
        })],
    );
    session.press(KeyCode::Left);
    assert!(matches!(session.app.modals[..], [Modal::Values(_)]) && session.app.lesson == lesson);
    session.press(KeyCode::Char('v'));
    assert!(matches!(session.app.modals[..], [Modal::Values(_)]), "v does not undo itself");
    session.press(KeyCode::Esc);
    assert!(session.app.modals.is_empty());
}

#[test]
fn tab_skips_no_cell() {
    for (columns, rows) in SIZES {
        for lesson in Library::english().lessons {
            let mut session = Session::on(&lesson.meta.id, columns, rows);
            let count = lesson.cells().len();
            let at = format!("{} at {columns}x{rows}", lesson.meta.id);
            // Whatever was focused before: at the top, Tab goes to the first cell.
            session.press(KeyCode::End);
            session.press(KeyCode::Char('g'));
            assert_eq!(session.app.view.focus, None, "{at}");
            for number in 0..count {
                tab_past_folded(&mut session, KeyCode::Tab);
                assert_eq!(session.app.view.focus, Some(number), "{at}");
            }
            tab_past_folded(&mut session, KeyCode::Tab);
            assert_eq!(session.app.message.as_deref(), Some("no cell follows in this lesson"), "{at}");
            for number in (0..count.saturating_sub(1)).rev() {
                tab_past_folded(&mut session, KeyCode::BackTab);
                assert_eq!(session.app.view.focus, Some(number), "{at}");
            }
        }
    }
}

/// Tab to the next cell, over the folded blocks in between; each is chosen once.
fn tab_past_folded(session: &mut Session, tab: KeyCode) {
    let mut before = None;
    loop {
        session.press(tab);
        let chosen = session.app.view.chosen_link();
        assert!(chosen.is_none() || chosen != before, "Tab stays where it is");
        if chosen.is_none() {
            return;
        }
        before = chosen;
    }
}

/// A cell that the screen's edge cuts off is shown completely before the next.
#[test]
fn tab_shows_the_rest_of_a_cell_first() {
    let mut session = Session::on("faster", 80, 24);
    session.tab_to("race");
    let (top, cell) = (session.app.view.top, session.app.view.focus);
    while session.sees_whole_cell() {
        session.press(KeyCode::Down);
    }
    session.press(KeyCode::Tab);
    assert_eq!((session.app.view.top, session.app.view.focus), (top, cell));
}

/// The last line says what the next Enter does, at every size and for every cell of the course.
#[test]
fn the_last_line_names_what_the_next_press_does() {
    for (columns, rows) in SIZES {
        for lesson in Library::english().lessons {
            let mut session = Session::on(&lesson.meta.id, columns, rows);
            for number in 0..=lesson.cells().len() + lesson.sealed().len() {
                if number > 0 {
                    session.press(KeyCode::Tab);
                }
                session.app.message = None;
                let hints = session.app.hints();
                let screen = session.screen(&RICH);
                let last = screen.lines().last().unwrap();
                assert!(last.contains(&hints[0]), "{hints:?} in {} at {columns}x{rows}: {last}", lesson.meta.id);
                let focused = session.app.focused().filter(|_| session.app.view.chosen_link().is_none());
                let expected = match focused.map(|cell| &cell.body) {
                    None if session.app.view.chosen_link().is_some() => "Enter read it now",
                    None => "Enter next cell",
                    Some(CellBody::Train(_)) => "Enter start",
                    Some(CellBody::Experiment(cell)) if cell.at_once => continue,
                    Some(CellBody::Experiment(_)) => "Enter measure",
                    Some(CellBody::Claim(_)) => "Enter to its measurement",
                    Some(CellBody::Predict(PredictCell { guess: Guess::Number(_), .. })) => "Enter type a number",
                    Some(CellBody::Quiz(quiz)) if quiz.choices().is_empty() => "Enter type ",
                    Some(CellBody::Predictions(_)) => "Enter to the next prediction",
                    Some(CellBody::View(_)) => "Enter to the race",
                    Some(CellBody::Predict(_) | CellBody::Quiz(_)) => "1-",
                };
                assert!(hints[0].starts_with(expected), "{hints:?} {expected}");
            }
        }
    }
}

/// A hundred and fifty epochs need a confirmation, so that one Enter too many does not start them.
#[test]
fn long_runs_need_a_confirmation() {
    let mut session = Session::open();
    for _ in 0..5 {
        session.press(KeyCode::Enter);
    }
    session.press(KeyCode::Char(' '));
    assert!(session.asked.is_empty() && matches!(session.app.modals[..], [Modal::Confirm(_)]));
    let screen = session.screen(&RICH);
    assert!(screen.contains("150 epochs of 50,000 images") && screen.contains("y starts it"), "{screen}");
    session.press(KeyCode::Esc);
    assert!(session.app.modals.is_empty() && session.asked.is_empty());
    session.press(KeyCode::Enter);
    session.press(KeyCode::Char('y'));
    assert!(matches!(&session.asked[..], [RequestBody::Train { spec, .. }] if *spec == Study::of(Preset::Article)));
    // A short run starts at once.
    let mut session = Session::on("welcome", 80, 24);
    session.tab_to("first");
    session.press(KeyCode::Enter);
    assert!(matches!(&session.asked[..], [RequestBody::Train { .. }]));
    // The full setting of an experiment.
    let mut session = Session::on("tricks", 80, 24);
    session.tab_to("tricks");
    session.press(KeyCode::Char('e'));
    session.press(KeyCode::Enter);
    assert!(session.asked.is_empty() && session.screen(&RICH).contains("It takes about"), "{}", session.screen(&RICH));
    session.press(KeyCode::Char('y'));
    assert_eq!(session.asked.len(), 1);
}

/// Letters typed after `:` belong to the command wherever it can be opened.
#[test]
fn a_command_can_be_typed_while_a_list_is_open() {
    for open in ["r", "?", "c", "#x"] {
        let mut session = Session::open();
        let lesson = session.app.lesson;
        session.send(Event::Runs(vec![summary(1, None, RunState::Finished)]));
        session.type_text(open);
        session.type_text(":open welcome");
        assert!(session.asked.is_empty());
        if open == "#x" {
            // It takes text itself.
            assert!(matches!(session.app.modals[..], [Modal::Headings(_)]));
            continue;
        }
        assert!(matches!(session.app.modals.last(), Some(Modal::Command(line)) if line.text == "open welcome"));
        session.press(KeyCode::Enter);
        assert!(session.app.modals.is_empty(), "{open}");
        assert_eq!((session.app.lesson, lesson > 0), (0, true), "{open}");
    }
    // A run that was opened from the list does not take them as its own keys either.
    let mut session = Session::open();
    session.start_race();
    session.send(Event::Runs(vec![summary(1, None, RunState::Running)]));
    session.press(KeyCode::Char('r'));
    session.press(KeyCode::Enter);
    session.type_text(":settings");
    assert_eq!(session.asked.len(), 1, "its s stops nothing");
    session.press(KeyCode::Esc);
    session.type_text("/sz");
    assert_eq!(session.asked.len(), 1);
    assert!(matches!(session.app.modals.last(), Some(Modal::Search(_))));
}

fn command(session: &Session) -> String {
    match session.app.modals.last() {
        Some(Modal::Command(line)) => line.text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn tab_completes_a_command() {
    let mut session = Session::open();
    session.send(Event::Runs((1..=12).map(|run| summary(run, None, RunState::Finished)).collect()));
    let completed = |session: &mut Session, typed: &str, tabs: &[&str]| {
        session.type_text(":");
        session.type_text(typed);
        for expected in tabs {
            session.press(KeyCode::Tab);
            assert_eq!(command(session), *expected, "after {typed}");
        }
        session.press(KeyCode::Esc);
    };
    completed(&mut session, "o", &["open "]);
    completed(&mut session, "r", &["run ", "runs", "reset", "run "]);
    completed(&mut session, "open fa", &["open faster"]);
    completed(&mut session, "open 12", &["open faster"]);
    completed(&mut session, "open vanishing", &["open gradients"]);
    completed(&mut session, "run 1", &["run 1", "run 10", "run 11", "run 12", "run 1"]);
    session.type_text(":open 1");
    session.press(KeyCode::Tab);
    let screen = session.screen(&RICH);
    assert!(screen.contains("sigmoid") && screen.contains("ledger"), "what Tab chooses from is seen\n{screen}");
    session.press(KeyCode::BackTab);
    assert_eq!(command(&session), "open ledger");
    session.press(KeyCode::Esc);
    session.type_text(":xyz");
    session.press(KeyCode::Tab);
    assert!(command(&session) == "xyz" && session.screen(&RICH).contains("nothing begins like this"));
}

#[test]
fn earlier_commands_come_back() {
    let mut session = Session::open();
    for line in [":open welcome", ":fly", ":open 12"] {
        session.type_text(line);
        session.press(KeyCode::Enter);
        session.press(KeyCode::Esc);
    }
    session.type_text(":op");
    for (code, text) in [
        (KeyCode::Up, "open 12"),
        (KeyCode::Up, "fly"),
        (KeyCode::Up, "open welcome"),
        (KeyCode::Up, "open welcome"),
        (KeyCode::Down, "fly"),
        (KeyCode::Down, "open 12"),
        (KeyCode::Down, "op"),
        (KeyCode::Down, "op"),
    ] {
        session.press(code);
        assert_eq!(command(&session), text, "{code}");
    }
}

fn summary(run: i64, name: Option<&str>, state: RunState) -> RunSummary {
    RunSummary {
        run: RunId(run),
        name: name.map(String::from),
        state,
        spec: Study::of(Preset::Article),
        tags: Vec::new(),
        notes: None,
        not_exact: None,
        fork: None,
        steerings: Vec::new(),
        sweep: None,
        created: 0,
        updated: 0,
        elapsed: 75.0,
        epochs_done: 0,
        done: Vec::new(),
        best: Vec::new(),
        ends: Vec::new(),
    }
}

/// An excess number does not restart the order, and a number that is placed says so.
#[test]
fn a_complete_order_does_not_change() {
    let order = "```predict\nid = \"o\"\nquestion = \"Which first?\"\norder = [\"a\", \"b\", \"c\", \"d\"]\n\
        explanation = \"So.\"\n```\n";
    let (document, faults) = parse("own.md", &format!("{OWN}{order}"));
    assert!(faults.is_empty(), "{faults:?}");
    let mut session = Session::with(App::new(Library { lessons: vec![document], faults: vec![] }, 0, 80, 24));
    session.press(KeyCode::Tab);
    let key = CellKey { lesson: "own".into(), cell: "o".into() };
    session.type_text("22");
    assert!(session.app.message.as_ref().unwrap().starts_with("2 has its place"), "{:?}", session.app.message);
    session.type_text("413");
    let whole = Answer::Order(["b", "d", "a", "c"].map(String::from).to_vec());
    assert_eq!(session.app.answers[&key].answer, whole);
    session.type_text("1");
    assert_eq!(session.app.answers[&key].answer, whole);
    assert!(session.app.message.as_ref().unwrap().contains("Backspace"), "{:?}", session.app.message);
}

/// A number is typed where it will be shown, below its question.
#[test]
fn a_number_is_typed_with_its_question_in_view() {
    let number = "```predict\nid = \"n\"\nquestion = \"How many?\"\nunit = \"epochs\"\nexplanation = \"So.\"\n```\n";
    let (document, faults) = parse("own.md", &format!("{OWN}{number}"));
    assert!(faults.is_empty(), "{faults:?}");
    for (columns, rows) in SIZES {
        let library = Library { lessons: vec![document.clone()], faults: vec![] };
        let mut session = Session::with(App::new(library, 0, columns, rows));
        session.press(KeyCode::Tab);
        session.press(KeyCode::Enter);
        session.type_text("12");
        let screen = session.screen(&RICH);
        assert!(screen.contains("How many?") && screen.contains("12_ epochs"), "{screen}");
        assert!(screen.lines().last().unwrap().contains("Enter keeps it"), "{screen}");
        session.type_text("x");
        assert!(session.screen(&RICH).contains("not a number yet"));
    }
}

/// Read, run and answered gives a tick; a part of it gives half a one.
#[test]
fn a_lesson_is_ticked_when_it_is_complete() {
    let question = "```quiz\nid = \"q\"\nquestion = \"Why?\"\nchoices = [{ text = \"a\", right = true, because = \"so\" }, \
        { text = \"b\", because = \"no\" }]\n```";
    let plot = "```experiment\nid = \"e\"\ntitle = \"Forms\"\nexperiment = \"relu-forms\"\n```";
    let text = format!("{OWN}{}\n{question}\n\n{plot}\n", "A paragraph.\n\n".repeat(40));
    let (document, faults) = parse("own.md", &text.replace("minutes = 1\n", "minutes = 10\n"));
    assert!(faults.is_empty(), "{faults:?}");
    let mut session = Session::with(App::new(Library { lessons: vec![document], faults: vec![] }, 0, 120, 40));
    let row = |session: &Session| {
        let screen = session.screen(&RICH);
        let mut rows = screen.lines().filter_map(|line| line.split('│').next());
        rows.find(|row| row.contains("Mine")).unwrap().trim().to_string()
    };
    assert!(row(&session).starts_with("Mine") && row(&session).ends_with("10m"), "{}", row(&session));
    session.press(KeyCode::PageDown);
    assert!(row(&session).starts_with('◐') && !row(&session).ends_with("10m"), "{}", row(&session));
    session.press(KeyCode::End);
    assert!(row(&session).starts_with('◐') && !row(&session).ends_with('m'), "{}", row(&session));
    session.tab_to("q");
    session.press(KeyCode::Char('2'));
    assert!(row(&session).starts_with('◐'), "a cell was not run: {}", row(&session));
    session.press(KeyCode::Tab);
    measured(&mut session, vec![table("t")]);
    assert!(row(&session).starts_with('✓'), "{}", row(&session));
}

/// A drag that would have selected text explains how to select.
#[test]
fn selecting_with_the_mouse_is_explained() {
    let mut session = Session::open();
    let kind = MouseEventKind::Drag(MouseButton::Left);
    session.send(Event::Mouse(MouseEvent { kind, column: 3, row: 3, modifiers: KeyModifiers::NONE }));
    assert!(session.screen(&RICH).contains("Hold Shift while you drag"));
    session.press(KeyCode::Char('?'));
    session.press(KeyCode::PageDown);
    session.press(KeyCode::PageDown);
    assert!(session.screen(&RICH).contains("Shift-mouse"), "{}", session.screen(&RICH));
}

/// Contents, head, links, search and commands use the same number for a lesson.
#[test]
fn a_lesson_has_one_number() {
    let mut session = Session::on("welcome", 120, 40);
    let screen = session.screen(&RICH);
    assert!(screen.lines().any(|line| line.contains("12 Faster feature learning")), "{screen}");
    session.press(KeyCode::Char('F'));
    assert_eq!(session.app.hints()[0], "Enter follow", "the article's source");
    session.press(KeyCode::End);
    session.press(KeyCode::Char('F'));
    while !session.app.hints()[0].contains("lesson") {
        session.press(KeyCode::Char('F'));
    }
    assert_eq!(session.app.hints()[0], "Enter to lesson 12");
    session.press(KeyCode::Enter);
    let screen = session.screen(&RICH);
    assert!(screen.contains("Lesson 12 · IV.2 · ") && screen.lines().last().unwrap().contains(" 12 "), "{screen}");
    session.type_text(":open 8");
    session.press(KeyCode::Enter);
    assert_eq!(session.app.document().meta.id, "linear");
    session.type_text("/theano tutorial reaches");
    assert!(session.screen(&RICH).contains("12 Faster feature learning: "), "{}", session.screen(&RICH));
}
