//! Navigation in a lesson: a file that changes, links and the way back, headings, and the stored scroll position.

use crate::common::session::Session;
use app::{App, Effect, Event, Modal};
use crossterm::event::KeyCode;
use lesson::{CellBody, ClaimCell, Highlighter, Library, Line, Style, Test, Token, parse};
use protocol::{self, RequestBody};
use ui::{Glyphs, Palette, Theme};

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];
const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);

/// A lesson of the reader's own: paragraphs and a question.
fn own(paragraphs: &[&str]) -> String {
    let question = "```quiz\nid = \"q\"\nquestion = \"Why?\"\nchoices = [{ text = \"a\", right = true, because = \"so\" }, \
        { text = \"b\", because = \"no\" }]\n```";
    let head = "+++\nid = \"own\"\ntitle = \"Mine\"\npart = \"0\"\nsummary = \"One.\"\nminutes = 1\n+++\n";
    format!("{head}\n{}\n\n{question}\n\nThe end.\n", paragraphs.join("\n\n"))
}

#[test]
fn a_lesson_follows_its_file_and_keeps_the_place() {
    let numbers: Vec<String> = (1..=40).map(|n| format!("Paragraph number {n}.")).collect();
    let mut texts: Vec<&str> = numbers.iter().map(String::as_str).collect();
    texts.insert(20, "## The middle");
    let (document, faults) = parse("own.md", &own(&texts));
    assert!(faults.is_empty(), "{faults:?}");
    let library = Library { lessons: vec![document], faults: Vec::new() };
    let mut session = Session::with(App::new(library, 0, 80, 24));
    let save = |session: &mut Session, text: Result<String, String>| {
        let lesson = text.map(|text| Box::new(parse("own.md", &text)));
        session.send(Event::LessonFile { file: "own.md".into(), lesson });
    };
    session.tab_to("q");
    session.press(KeyCode::Char('2'));
    session.press(KeyCode::PageUp);
    session.press(KeyCode::PageUp);
    let first = |session: &Session| session.screen(&RICH).lines().next().unwrap().to_string();
    let top = first(&session);
    assert!(top.contains("number"), "{top}");
    // After an edit above, below, and of both, the visible text stays where it is.
    texts.insert(2, "A new one.");
    save(&mut session, Ok(own(&texts)));
    assert_eq!(first(&session), top);
    texts.truncate(40);
    save(&mut session, Ok(own(&texts)));
    assert_eq!(first(&session), top);
    texts[1] = "Changed.";
    texts.push("Another.");
    texts.insert(24, "In the middle.");
    save(&mut session, Ok(own(&texts)));
    assert!(session.screen(&RICH).contains(&top), "{top}:\n{}", session.screen(&RICH));
    assert_eq!(session.app.answers.len(), 1);

    let good = session.app.document().clone();
    save(&mut session, Ok(own(&texts).replace("quiz", "dance")));
    assert_eq!(session.app.document(), &good);
    for (columns, rows) in [(120, 40), (80, 24)] {
        session.send(Event::Resize(columns, rows));
        insta::assert_snapshot!(format!("reload-fault-{columns}x{rows}"), session.picture(&RICH));
    }
    // If there are several, their number is shown beside the first, and a key lists them all with their positions.
    save(&mut session, Ok(own(&texts).replace("quiz", "dance") + "\n[a](#b)\n\n[c](#d)\n"));
    assert!(session.screen(&RICH).contains("3 faults, ! lists them. own.md:"), "{}", session.screen(&RICH));
    session.press(KeyCode::Char('!'));
    insta::assert_snapshot!("reload-faults-80x24", session.picture(&RICH));
    session.press(KeyCode::Esc);
    save(&mut session, Err("own.md can't be read: it is gone".into()));
    assert!(session.screen(&RICH).contains("it is gone"));
    save(&mut session, Ok(own(&texts)));
    assert!(session.app.lesson_faults.is_empty());
    // What is valid is shown, and the fault is reported: a broken link.
    texts[1] = "See [there](#nowhere).";
    save(&mut session, Ok(own(&texts)));
    assert!(session.app.lesson_faults[0].starts_with("own.md:11:5: there is no heading #nowhere"));
    assert_ne!(session.app.document(), &good);
}

/// A lesson of the reader's own with every kind of link, and a shipped one after it.
fn linked(columns: u16, rows: u16) -> Session {
    let filler = "Some words to fill the screen, so that places are far apart.\n\n".repeat(30);
    let body = format!(
        "See [this rather long link, which is wrapped onto the next line of the screen](#the-end) first. A \
         note[^n], [the paper](ref:p), [the question](cell:q), \
         [another lesson](lesson:sigmoid#why-one-would-want-it), [the web](https://example.org).\n\n{filler}\
         ## The end\n\nHere.\n\n[^n]: The note itself.\n"
    );
    let text = own(&[&body]).replace("minutes = 1", "minutes = 1\n[[references]]\nkey = \"p\"\ntext = \"The paper.\"");
    let (document, faults) = parse("own.md", &text);
    assert!(faults.is_empty(), "{faults:?}");
    let shipped = Library::english();
    let lesson = shipped.find("sigmoid").unwrap();
    let library = Library { lessons: vec![document, shipped.lessons[lesson].clone()], faults: Vec::new() };
    Session::with(App::new(library, 0, columns, rows))
}

#[test]
fn links_are_followed_and_come_back() {
    for (columns, rows) in SIZES {
        let mut session = linked(columns, rows);
        session.press(KeyCode::Char('f'));
        insta::assert_snapshot!(format!("link-chosen-{columns}x{rows}"), session.picture(&RICH));
        let arrived = |session: &mut Session, words: &str| {
            session.press(KeyCode::Enter);
            let screen = session.screen(&RICH);
            assert!(screen.lines().any(|line| line.contains(words)), "{words}:\n{screen}");
        };
        arrived(&mut session, "▸ The end");
        session.press(KeyCode::Esc);
        assert_eq!(session.app.view.top, 0);
        for words in ["▸ [n] The note itself", "▸  1. The paper."] {
            session.press(KeyCode::Char('f'));
            arrived(&mut session, words);
            session.press(KeyCode::Esc);
        }
        session.press(KeyCode::Char('f'));
        session.press(KeyCode::Enter);
        assert_eq!(session.app.focused().unwrap().id, "q");
        session.press(KeyCode::Esc);
        session.press(KeyCode::Char('f'));
        session.press(KeyCode::Enter);
        assert_eq!(session.app.document().meta.id, "sigmoid");
        session.press(KeyCode::Esc);
        assert_eq!((session.app.lesson, session.app.view.top), (0, 0));
        session.press(KeyCode::Char('f'));
        arrived(&mut session, "https://example.org");
        session.press(KeyCode::Char('f'));
        assert_eq!(session.app.message.as_deref(), Some("no more links below"));
        session.press(KeyCode::Char('F'));
        assert_eq!(session.app.view.chosen_link(), Some(4), "the lesson's link, and none twice for being wrapped");
        session.press(KeyCode::Esc);
        assert_eq!(session.app.view.chosen_link(), None);
    }
}

#[test]
fn headings_are_jumped_to() {
    for (columns, rows) in SIZES {
        let mut session = Session::on("faster", columns, rows);
        session.press(KeyCode::Char('#'));
        insta::assert_snapshot!(format!("outline-{columns}x{rows}"), session.picture(&RICH));
        session.type_text("imprecise where");
        insta::assert_snapshot!(format!("outline-narrowed-{columns}x{rows}"), session.picture(&RICH));
        session.press(KeyCode::Enter);
        let screen = session.screen(&RICH);
        assert!(screen.contains("▸ ") && session.app.view.top > 0, "{screen}");
        session.press(KeyCode::Esc);
        assert_eq!(session.app.view.top, 0);
        session.press(KeyCode::Char('#'));
        session.type_text("no such heading");
        session.press(KeyCode::Enter);
        assert!(matches!(session.app.modals[..], [Modal::Headings(_)]));
    }
}

/// Code is shown at once without colours, and with them as soon as they are computed.
#[test]
fn code_is_highlighted_when_it_is_seen() {
    let code = "```python\ndef relu(x):\n    return max(0.5, x)\n```";
    let (document, faults) = parse("own.md", &own(&[code]));
    assert!(faults.is_empty(), "{faults:?}");
    let mut library = Library::english();
    assert_eq!(
        library.lessons.iter().find(|lesson| !lesson.code_to_highlight().is_empty()),
        None,
        "no lesson waits for colours"
    );
    let lesson = library.put(document);
    let mut session = Session::with(App::new(library, lesson - 1, 80, 24));
    session.press(KeyCode::Char('n'));
    let Some(Effect::Highlight { lesson, code }) = session.effects.last().cloned() else { panic!("not asked for") };
    let before = session.screen(&RICH);
    let keywords = |session: &Session| {
        let spans = session.app.view.layout.lines.iter().filter_map(|line| match line {
            Line::Text(spans) => Some(spans),
            Line::Cell { .. } | Line::Picture { .. } => None,
        });
        spans.flatten().filter(|span| span.style == Style::Token(Token::Keyword)).count()
    };
    assert_eq!(keywords(&session), 0);
    let lines = Highlighter::default().lines(&code[0].0, &code[0].1).unwrap();
    session.send(Event::Highlighted { lesson, code: vec![(code[0].clone(), lines)] });
    assert_eq!((keywords(&session), session.screen(&RICH)), (2, before));
    assert!(session.app.request_highlighting().is_empty(), "once is enough");
}

/// Long paragraphs, each beginning with its number.
fn long(columns: u16, rows: u16) -> Session {
    let texts: Vec<String> =
        (1..=40).map(|n| format!("Paragraph {n}: {}", "some more words of it ".repeat(20))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (document, faults) = parse("own.md", &own(&texts));
    assert!(faults.is_empty(), "{faults:?}");
    let mut library = Library::english();
    let lesson = library.put(document);
    Session::with(App::new(library, lesson, columns, rows))
}

#[test]
fn a_place_is_the_same_at_every_width() {
    let mut session = long(80, 24);
    for _ in 0..60 {
        session.press(KeyCode::Down);
    }
    let source = session.app.view.spot().source;
    for (columns, rows) in [(120, 40), (200, 50), (40, 12), (80, 24)] {
        session.send(Event::Resize(columns, rows));
        assert_eq!(session.app.view.spot().source, source, "the same paragraph at {columns}x{rows}");
    }
    session.press(KeyCode::Down);
    session.press(KeyCode::Up);
    let kept = session.effects.iter().rev().find_map(|effect| match effect {
        Effect::RequestIfOn(_, RequestBody::Remember { key, value }) if key == "place/own" => Some(value.clone()),
        _ => None,
    });
    let kept = kept.unwrap();
    // Left at 80 columns, opened at 120.
    let mut wide = long(120, 40);
    wide.send(Event::StoredProgress(vec![("place/own".into(), kept.clone())]));
    wide.app.scroll_to_saved_position();
    assert_eq!(wide.app.view.spot().source, source, "{kept}");
    // At the same width it is the very line.
    let mut same = long(80, 24);
    same.send(Event::StoredProgress(vec![("place/own".into(), kept)]));
    same.app.scroll_to_saved_position();
    assert_eq!(same.app.view.top, session.app.view.top);
    // The form in which positions were stored before they referred to blocks.
    let mut old = long(80, 24);
    old.send(Event::StoredProgress(vec![("place/own".into(), serde_json::json!({ "top": 50, "read": 20 }))]));
    old.app.scroll_to_saved_position();
    assert_eq!((old.app.view.top, old.app.read["own"]), (50, 20));
}

#[test]
fn a_look_into_another_lesson_keeps_its_place() {
    let mut session = Session::on("sigmoid", 80, 24);
    session.press(KeyCode::PageDown);
    session.press(KeyCode::PageDown);
    let (lesson, top) = (session.app.lesson, session.app.view.top);
    session.press(KeyCode::Char('p'));
    for look in ["/two-faced", "/derivative"] {
        session.type_text(look);
        session.press(KeyCode::Enter);
        session.press(KeyCode::Esc);
        session.press(KeyCode::Esc);
    }
    session.type_text(":open sigmoid");
    session.press(KeyCode::Enter);
    assert_eq!((session.app.lesson, session.app.view.top), (lesson, top));
}

/// A search hit is on the screen, wherever it is: in prose, a claim, a training, a question or its choices.
#[test]
fn every_search_hit_can_be_reached() {
    let library = Library::english();
    let faster = &library.lessons[library.find("faster").unwrap()];
    let CellBody::Quiz(quiz) = &faster.cell("why-faster").unwrap().body else { unreachable!() };
    let CellBody::Train(race) = &faster.cell("race").unwrap().body else { unreachable!() };
    let start = |text: &str| text.chars().take(50).collect::<String>();
    for (columns, rows) in SIZES {
        for (query, cell) in [
            ("padded to 32x32", None),
            ("a larger all-tanh net", Some("at-150")),
            (&race.title[..], Some("race")),
            (&quiz.question[..], Some("why-faster")),
            (&quiz.choices()[1].text[..], Some("why-faster")),
        ] {
            let mut session = Session::on("welcome", columns, rows);
            session.send(Event::Key(KeyCode::Char('/').into()));
            session.send(Event::Paste(start(query)));
            session.press(KeyCode::Enter);
            let screen = session.screen(&RICH);
            let word = query.split(' ').next().unwrap();
            assert!(session.app.modals.is_empty() && screen.contains(word), "{query}:\n{screen}");
            assert!(cell.is_none_or(|cell| session.app.focused().unwrap().id == cell), "{query}:\n{screen}");
            session.press(KeyCode::Esc);
            assert_eq!((session.app.lesson, session.app.view.top), (0, 0));
        }
    }
}

/// A link works with any markup in it, and a pending question survives following it.
#[test]
fn links_may_contain_markup() {
    let body = "See [*this* `code` and $x^2$](lesson:own#the-end) and [**that**](lesson:lit#there).\n\n## The end";
    let (document, faults) = parse("own.md", &own(&[body]));
    assert!(faults.is_empty(), "{faults:?}");
    let code = own(&["## There\n\n```python\nx = 1\n```"]).replace("\"own\"", "\"lit\"");
    let (lit, faults) = parse("lit.md", &code);
    assert!(faults.is_empty(), "{faults:?}");
    let library = Library { lessons: vec![document, lit], faults: Vec::new() };
    let mut session = Session::with(App::new(library, 0, 80, 24));
    let parts: Vec<usize> = session.app.view.layout.links.iter().map(|link| link.parts.len()).collect();
    assert_eq!(parts, [4, 1], "{:?}", session.app.view.layout.links);
    session.press(KeyCode::Char('F'));
    session.press(KeyCode::Enter);
    assert_eq!(session.app.document().meta.id, "lit");
    assert!(session.effects.iter().any(|effect| matches!(effect, Effect::Highlight { .. })), "its code is coloured");
}

/// Claims above it have grown when the reader returns, and the claim that was left is still on the screen.
#[test]
fn going_back_returns_to_the_same_claim() {
    let mut session = Session::on("ledger", 80, 24);
    session.tab_to("tricks");
    session.press(KeyCode::Enter);
    let findings = |lesson: &protocol::CellKey, library: &Library| {
        let at = library.find(&lesson.lesson).unwrap();
        let CellBody::Experiment(cell) = &library.lessons[at].cell(&lesson.cell).unwrap().body else { return None };
        Some(cell.spec.clone())
    };
    let claims: Vec<ClaimCell> = session.app.library.lessons[session.app.library.find("ledger").unwrap()]
        .cells()
        .iter()
        .filter_map(|cell| if let CellBody::Claim(claim) = &cell.body { Some(claim.clone()) } else { None })
        .collect();
    let outcomes = claims.iter().filter(|claim| claim.cell != "tricks").filter_map(|claim| {
        let key = protocol::CellKey { lesson: claim.lesson.clone(), cell: claim.cell.clone() };
        let finding = |key: &str| protocol::Finding {
            key: key.into(),
            text: "a long finding with many words in it that takes more than one line of the ledger ".repeat(3),
            value: Some(1.0),
            spread: None,
            seeds: vec![1],
            tabled: false,
            is_bound: false,
        };
        let wanted = claims.iter().filter(|other| other.cell == claim.cell).flat_map(|other| &other.tests);
        let findings_of = wanted.flat_map(Test::findings).map(finding).collect();
        let outcome = protocol::Outcome { findings: findings_of, ..protocol::Outcome::default() };
        let spec = findings(&key, &session.app.library)?;
        Some(protocol::CellRecord { cell: key, spec, outcome, finished: 1_795_661_487 })
    });
    let outcomes = outcomes.collect();
    session.send(Event::Outcomes(outcomes));
    session.press(KeyCode::Esc);
    assert_eq!(session.app.focused().unwrap().id, "tricks");
    assert!(session.app.view.sees_cell(session.app.view.focus.unwrap()));
}
