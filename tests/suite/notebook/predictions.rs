//! Predictions are compared with measurements, and choices are shown in each reader's own order.

use crate::common::session::Session;
use app::{App, Effect, Event, Modal, PredictionOutcome, PredictionState, Tag};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use lesson::{Answer, AnswerRecord, CellBody, Library, PredictCell};
use protocol::{
    ArmId, AxisScale, CellKey, EpochRecord, Figure, Finding, Lane, Metric, Outcome, Plot, PlotAxis, PlotPlace,
    PlotSeries, Reply, RequestBody, RunEvent, RunId, RunState, RunSummary, Source, Stroke, Study, Table, TablePlace,
};
use ui::{Glyphs, Palette, Theme};

const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

fn key(lesson: &str, cell: &str) -> CellKey {
    CellKey { lesson: lesson.into(), cell: cell.into() }
}

fn predict_of(session: &Session, key: &CellKey) -> PredictCell {
    match &session.app.cell_of(key).unwrap().body {
        CellBody::Predict(predict) => predict.clone(),
        other => panic!("{other:?}"),
    }
}

fn outcome(session: &Session, key: &CellKey) -> PredictionOutcome {
    session.app.outcome_of(key, &predict_of(session, key))
}

/// The sentence below the prediction.
fn verdict(session: &Session, key: &CellKey) -> (bool, String) {
    match outcome(session, key) {
        PredictionOutcome::Known(Some(comparison)) => (comparison.right, comparison.sentence),
        other => panic!("{other:?}"),
    }
}

fn stored_answer(session: &Session) -> Option<serde_json::Value> {
    match session.effects.last() {
        Some(Effect::RequestIfOn(_, RequestBody::Remember { value, .. })) => Some(value.clone()),
        _ => None,
    }
}

/// Makes an experiment of a shipped lesson have found these, by key and value.
fn measured(session: &mut Session, at: &CellKey, values: &[(&str, f64)]) {
    let CellBody::Experiment(cell) = &session.app.cell_of(at).unwrap().body else { panic!("{at:?}") };
    let spec = cell.spec.clone();
    let finding = |(key, value): &(&str, f64)| Finding {
        key: (*key).into(),
        text: format!("{key} is {value}"),
        value: Some(*value),
        spread: None,
        seeds: vec![1],
        tabled: false,
        is_bound: false,
    };
    let outcome = Outcome { findings: values.iter().map(finding).collect(), ..Outcome::default() };
    session.store_outcome(at.clone(), spec, outcome);
}

/// The run of lesson 0 with an error for each epoch of its first arm, the second arm's a point above.
fn race(session: &mut Session, spec: &Study, errors: &[f64], finished: bool) {
    let (run, at) = (RunId(1), key("welcome", "first"));
    session.send(Event::Reply(Tag::Training(at), Reply::Started { run }));
    session.kernel(RunEvent::Started { run, spec: spec.clone() });
    for (epoch, error) in (1..).zip(errors) {
        for (arm, val_error) in [(spec.arms[0].id, *error), (spec.arms[1].id, error + 1.0)] {
            let record = EpochRecord::new(
                Lane { arm, seed: spec.seeds[0] },
                epoch,
                [
                    (Metric::TrainLoss, 0.1),
                    (Metric::ValError, val_error),
                    (Metric::TestError, val_error),
                    (Metric::Seconds, 1.0),
                    (Metric::ImagesPerSecond, 1.0),
                ],
            );
            session.kernel(RunEvent::Epoch { run, record });
        }
    }
    session.kernel(if finished { RunEvent::Finished { run } } else { RunEvent::Stopped { run } });
}

fn lesson_spec(session: &Session) -> Study {
    session.app.lesson_study(&key("welcome", "first")).unwrap()
}

#[test]
fn a_prediction_with_a_confidence_is_compared_with_its_run() {
    let mut session = Session::on("welcome", 80, 24);
    let at = key("welcome", "warm-up");
    session.tab_to("warm-up");
    session.press(KeyCode::Char('3'));
    assert!(session.screen(&RICH).contains("How sure are you"), "{}", session.screen(&RICH));
    session.type_text("3");
    session.press(KeyCode::Enter);
    assert!(matches!(session.app.modals[..], [Modal::Confidence(_)]), "3 % is no confidence");
    session.press(KeyCode::Backspace);
    session.type_text("80");
    session.press(KeyCode::Enter);
    assert_eq!(stored_answer(&session), Some(serde_json::json!({ "chosen": "2 to 8 %", "confidence": 80 })));
    let screen = session.screen(&RICH);
    assert!(screen.contains("80\u{a0}% sure") && screen.contains("explanation now."), "{screen}");
    assert!(!in_a_row(&screen).contains("beside all the others"), "the explanation waits:\n{screen}");

    // A run that was stopped, or has other settings, decides nothing.
    let spec = lesson_spec(&session);
    race(&mut session, &spec, &[9.0, 5.0], false);
    assert_eq!(outcome(&session, &at), PredictionOutcome::Open);
    let slow = spec.clone().with_shared(|settings| settings.learning_rate /= 2.0);
    let mut other = Session::on("welcome", 80, 24);
    race(&mut other, &slow, &[9.0, 5.0, 4.0, 3.5, 3.25], true);
    assert_eq!(outcome(&other, &at), PredictionOutcome::Open);

    let mut session = Session::on("welcome", 80, 24);
    session.tab_to("warm-up");
    for code in [KeyCode::Char('3'), KeyCode::Char('+'), KeyCode::Enter] {
        session.press(code);
    }
    assert_eq!(session.app.answers[&at].confidence, Some(80));
    // More seeds make the same study.
    let seed = Study { seeds: vec![7], ..spec };
    race(&mut session, &seed, &[9.0, 5.0, 4.0, 3.5, 3.25], true);
    let (right, sentence) = verdict(&session, &at);
    assert!(right);
    assert_eq!(sentence, "Measured, ReLU+Tanh: 3.25 % wrong after epoch 5. You said \"2 to 8 %\": so it is.");
    let screen = session.screen(&RICH);
    assert!(in_a_row(&screen).contains("so it is. The validation error of ReLU+Tanh after epoch 5"), "{screen}");

    // It stays, as the outcome is known.
    session.press(KeyCode::Char('1'));
    assert_eq!(session.app.answers[&at].answer, Answer::Choice("2 to 8 %".into()));
    assert!(session.app.message.as_ref().unwrap().contains("your prediction stays"), "{:?}", session.app.message);
    session.type_text(":reset");
    session.press(KeyCode::Enter);
    session.press(KeyCode::Enter);
    session.tab_to("warm-up");
    // After the reset it can be given again and is marked as late, without a confidence.
    session.press(KeyCode::Char('1'));
    assert!(session.app.modals.is_empty());
    assert!(session.app.answers[&at].late && !verdict(&session, &at).0);
    assert!(
        verdict(&session, &at).1.ends_with("too high by 16.8; it is \"2 to 8 %\"."),
        "{}",
        verdict(&session, &at).1
    );
}

/// Ctrl-U empties the field, as in others; digits typed after it are no new answer.
#[test]
fn ctrl_u_clears_a_confidence() {
    let mut session = Session::on("welcome", 80, 24);
    session.tab_to("warm-up");
    session.press(KeyCode::Char('3'));
    session.type_text("45");
    session.press(KeyCode::Enter);
    session.send(Event::Key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL)));
    session.type_text("60");
    session.press(KeyCode::Enter);
    assert_eq!(stored_answer(&session), Some(serde_json::json!({ "chosen": "2 to 8 %", "confidence": 60 })));
}

#[test]
fn a_confidence_can_be_left_out() {
    for code in [KeyCode::Esc, KeyCode::Down, KeyCode::Tab] {
        let mut session = Session::on("welcome", 80, 24);
        session.tab_to("warm-up");
        session.press(KeyCode::Char('3'));
        let top = session.app.view.top;
        session.press(code);
        assert!(session.app.modals.is_empty(), "{code:?}");
        assert_eq!(session.app.answers[&key("welcome", "warm-up")].confidence, None);
        assert_eq!(session.app.view.top == top, code == KeyCode::Esc, "{code:?} does what it does in the lesson");
    }
}

#[test]
fn opening_an_explanation_fixes_the_answer() {
    let mut session = Session::on("welcome", 80, 24);
    session.tab_to("warm-up");
    session.press(KeyCode::Char('u'));
    assert!(session.app.message.as_ref().unwrap().contains("answer first"), "{:?}", session.app.message);
    session.press(KeyCode::Char('2'));
    session.press(KeyCode::Esc);
    session.press(KeyCode::Char('u'));
    assert!(in_a_row(&session.screen(&RICH)).contains("beside all the others"), "{}", session.screen(&RICH));
    assert_eq!(stored_answer(&session), Some(serde_json::json!({ "chosen": "8 to 20 %", "opened": true })));
    session.press(KeyCode::Char('1'));
    assert_eq!(session.app.answers[&key("welcome", "warm-up")].answer, Answer::Choice("8 to 20 %".into()));
}

#[test]
fn an_experiment_decides_numbers_and_orders() {
    let mut session = Session::on("sparsity", 120, 40);
    let at = key("sparsity", "sigmoid-active");
    session.tab_to("sigmoid-active");
    for code in [KeyCode::Enter, KeyCode::Char('5'), KeyCode::Char('0'), KeyCode::Enter, KeyCode::Esc] {
        session.press(code);
    }
    measured(&mut session, &key("sparsity", "count"), &[("sparsity.active.sigmoid", 100.0)]);
    assert_eq!(
        verdict(&session, &at),
        (false, "Measured: sparsity.active.sigmoid is 100. You said 50 %: 50 too low.".into())
    );

    let mut session = Session::on("gradients", 120, 40);
    session.tab_to("order");
    session.type_text("4213");
    session.press(KeyCode::Esc);
    let ratios = [("sigmoid", 0.2), ("tanh", 0.98), ("softplus", 0.5), ("relu", 0.7)]
        .map(|(name, value)| (format!("gradient.ratio.{name}.xavier"), value));
    let ratios: Vec<(&str, f64)> = ratios.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    measured(&mut session, &key("gradients", "depth"), &ratios);
    let (right, sentence) = verdict(&session, &key("gradients", "order"));
    assert!(!right);
    assert!(
        sentence.ends_with("2 of 6 pairs stand the other way round: tanh before ReLU, softplus before sigmoid."),
        "{sentence}"
    );
    assert!(session.screen(&RICH).contains("2 of 6 pairs stand"), "{}", session.screen(&RICH));
}

/// The folded text in front of a question is a stop of its own, and the frame is heavy only at the question.
fn reach_choices(session: &mut Session) {
    if !session.screen(&RICH).contains("┃ 1  ") {
        session.press(KeyCode::Tab);
    }
    assert!(session.screen(&RICH).contains("┃ 1  "), "{}", session.screen(&RICH));
}

/// Each reader has their own order, and the digit matches the text beside it.
#[test]
fn choices_are_answered_as_they_are_seen() {
    let library = Library::english;
    let lesson = library().find("faster").unwrap();
    let at = key("faster", "why-faster");
    let mut firsts = std::collections::BTreeSet::new();
    for reader in 0..20 {
        let mut session = Session::with(App::new(library(), lesson, 80, 24).with_reader(reader));
        session.send(Event::StoredProgress(Vec::new()));
        let remembered = RequestBody::Remember { key: "reader".into(), value: reader.into() };
        assert!(session.effects.contains(&Effect::RequestIfOn(Tag::Untracked, remembered)));
        session.tab_to("why-faster");
        reach_choices(&mut session);
        let screen = session.screen(&RICH);
        let first = screen.lines().find_map(|line| line.split_once("┃ 1  ")).unwrap().1.to_string();
        session.press(KeyCode::Char('1'));
        let Answer::Choice(chosen) = &session.app.answers[&at].answer else { panic!() };
        assert!(first.starts_with(chosen.as_str()), "{first}: {chosen}");
        firsts.insert(chosen.clone());
        // The same reader sees the same order again.
        let mut again = Session::with(App::new(library(), lesson, 80, 24));
        again.send(Event::StoredProgress(vec![("reader".into(), reader.into())]));
        again.tab_to("why-faster");
        reach_choices(&mut again);
        again.press(KeyCode::Char('1'));
        assert_eq!(again.app.answers[&at].answer, Answer::Choice(chosen.clone()));
    }
    assert_eq!(firsts.len(), 3, "every choice is somebody's first");
}

#[test]
fn answers_of_version_0_1_are_converted_or_dropped_with_a_notice() {
    let mut session = Session::on("faster", 80, 24);
    session.send(Event::StoredProgress(vec![
        ("answer/faster/one-seed".into(), serde_json::json!({ "choice": 1 })),
        ("answer/faster/ratio".into(), serde_json::json!({ "choice": 1 })),
        ("answer/neuron/rise".into(), serde_json::json!({ "number": 30.0 })),
        ("answer/mine/own".into(), serde_json::json!({ "choice": 0 })),
    ]));
    let text = "In this run the first was; more seeds would say more";
    assert_eq!(session.app.answers[&key("faster", "one-seed")], AnswerRecord::from(Answer::Choice(text.into())));
    assert_eq!(session.app.answers[&key("neuron", "rise")].answer, Answer::Number(30.0));
    assert_eq!(session.app.answers.len(), 2);
    let message = session.app.message.clone().unwrap();
    assert!(message.contains("1 answer of an earlier version"), "{message}");
    let remembers = |key: &str, value: serde_json::Value| {
        let body = RequestBody::Remember { key: key.into(), value };
        session.effects.contains(&Effect::RequestIfOn(Tag::Untracked, body))
    };
    assert!(remembers("answer/faster/one-seed", serde_json::json!({ "chosen": text })));
    assert!(remembers("answer/faster/ratio", serde_json::Value::Null));
    assert!(!remembers("answer/mine/own", serde_json::Value::Null), "its lesson may be opened again");
}

/// The words of a screen, wherever its lines break.
fn in_a_row(screen: &str) -> String {
    screen.replace(['┃', '│', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn numbers_and_words_answer_questions() {
    let mut session = Session::on("sigmoid", 80, 24);
    session.tab_to("saturated");
    // The first press may bring the rest of the question into view.
    while session.app.modals.is_empty() {
        session.press(KeyCode::Enter);
    }
    session.type_text("2,1");
    session.press(KeyCode::Enter);
    assert!(session.app.modals.is_empty());
    assert!(session.screen(&RICH).contains("Right. 1 - 0.99 squared"), "{}", session.screen(&RICH));
    session.press(KeyCode::Enter);
    session.type_text("99");
    session.press(KeyCode::Enter);
    assert!(session.screen(&RICH).contains("Not quite."), "a question can be answered again");

    let mut session = Session::on("sparse-coding", 80, 24);
    session.tab_to("bias");
    session.press(KeyCode::Enter);
    session.press(KeyCode::Enter);
    assert!(matches!(session.app.modals[..], [Modal::AnswerEntry(_)]), "nothing was typed yet");
    session.send(Event::Paste("The  BIAS.".into()));
    session.press(KeyCode::Enter);
    assert!(session.screen(&RICH).contains("Right. The bias is minus"), "{}", session.screen(&RICH));
}

#[test]
fn every_shipped_prediction_is_decided() {
    for lesson in Library::english().lessons {
        for cell in lesson.cells() {
            let CellBody::Predict(predict) = &cell.body else { continue };
            assert!(predict.decides.is_some(), "{}/{}", lesson.meta.id, cell.id);
        }
    }
}

/// Some predictions with their outcomes, as listed by the last lesson.
fn with_outcomes(columns: u16, rows: u16) -> Session {
    let mut session = Session::on("ledger", columns, rows);
    let chosen = |text: &str, percent: u8| serde_json::json!({ "chosen": text, "confidence": percent });
    session.send(Event::StoredProgress(vec![
        ("answer/sigmoid/steepest".into(), chosen("1", 95)),
        ("answer/sigmoid/flat".into(), chosen("tanh", 60)),
        ("answer/sparsity/sigmoid-active".into(), serde_json::json!({ "number": 98.0, "confidence": 65 })),
        ("answer/disentangling/same".into(), chosen("ReLU", 90)),
        ("answer/disentangling/distance".into(), serde_json::json!({ "chosen": "ReLU", "late": true })),
        ("answer/linear/cheap".into(), serde_json::json!({ "number": 12.0 })),
    ]));
    measured(&mut session, &key("sigmoid", "curves"), &[("curves.steepest.sigmoid", 0.25)]);
    let flat = |name: &str| format!("saturation.trained.{name}");
    let (a, b, c) = (flat("sigmoid"), flat("tanh"), flat("relu"));
    measured(&mut session, &key("sigmoid", "saturation"), &[(&a, 5.0), (&b, 20.0), (&c, 70.0)]);
    measured(&mut session, &key("sparsity", "count"), &[("sparsity.active.sigmoid", 100.0)]);
    let code = |what: &str, name: &str| format!("disentangle.{what}.{name}.1");
    let keys: Vec<(String, f64)> = ["switch", "distance"]
        .iter()
        .flat_map(|what| [("sigmoid", 30.0), ("tanh", 20.0), ("relu", 10.0)].map(|(name, v)| (code(what, name), v)))
        .collect();
    let keys: Vec<(&str, f64)> = keys.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    measured(&mut session, &key("disentangling", "move"), &keys);
    session.tab_to("predictions");
    session
}

#[test]
fn the_last_lesson_lists_them_all() {
    let session = with_outcomes(120, 40);
    let rows = session.app.predictions();
    assert_eq!(rows.len(), 32);
    let state = |lesson: &str, cell: &str| rows.iter().find(|row| row.cell == key(lesson, cell)).unwrap().state.clone();
    let decided = |right, late, word: &str| PredictionState::Decided { right, late, word: word.into() };
    assert_eq!(state("sigmoid", "steepest"), decided(false, false, "wrong"));
    assert_eq!(state("sparsity", "sigmoid-active"), decided(true, false, "right"));
    assert_eq!(state("disentangling", "distance"), decided(true, true, "right"));
    assert_eq!(state("linear", "cheap"), PredictionState::Waiting);
    assert_eq!(state("faster", "ratio"), PredictionState::NotAnswered);
}

#[test]
fn enter_goes_to_the_next_prediction_that_waits() {
    let mut session = with_outcomes(80, 24);
    session.press(KeyCode::Enter);
    // The list does not fit on this screen; the key's label still says what it does.
    assert_eq!(session.app.document().meta.id, "welcome");
    assert_eq!(session.app.focused().unwrap().id, "warm-up");
}

#[test]
fn screens_of_predictions() {
    for (columns, rows) in SIZES {
        let session = with_outcomes(columns, rows);
        insta::assert_snapshot!(format!("predictions-{columns}x{rows}"), session.picture(&RICH));
        let mut session = with_outcomes(columns, rows);
        (0..26).for_each(|_| session.press(KeyCode::Down));
        insta::assert_snapshot!(format!("calibration-{columns}x{rows}"), session.picture(&RICH));

        let mut session = Session::on("welcome", columns, rows);
        session.tab_to("warm-up");
        session.press(KeyCode::Char('1'));
        insta::assert_snapshot!(format!("confidence-{columns}x{rows}"), session.picture(&RICH));
        session.press(KeyCode::Enter);
        let spec = lesson_spec(&session);
        race(&mut session, &spec, &[9.0, 5.0, 4.0, 3.5, 3.25], true);
        insta::assert_snapshot!(format!("decided-{columns}x{rows}"), session.picture(&RICH));
        session.tab_to("first");
        insta::assert_snapshot!(format!("decided-race-{columns}x{rows}"), session.picture(&RICH));

        // A range within the chart: before the run, and beside its curves.
        let mut session = Session::on("welcome", columns, rows);
        session.tab_to("warm-up");
        session.press(KeyCode::Char('3'));
        session.press(KeyCode::Enter);
        session.tab_to("first");
        insta::assert_snapshot!(format!("own-mark-ready-{columns}x{rows}"), session.picture(&RICH));
        let spec = lesson_spec(&session);
        race(&mut session, &spec, &[9.0, 5.0, 4.0, 3.5, 3.25], true);
        session.tab_to("first");
        insta::assert_snapshot!(format!("own-mark-{columns}x{rows}"), session.picture(&RICH));
    }
}

/// The predicted ranges on the chart: an error at the last epoch; a range beyond the axis is an arrow.
#[test]
fn the_chart_of_a_run_marks_the_prediction() {
    let mark = |choice: char| {
        let mut session = Session::on("welcome", 120, 40);
        session.tab_to("warm-up");
        session.press(KeyCode::Char(choice));
        session.press(KeyCode::Esc);
        let spec = lesson_spec(&session);
        race(&mut session, &spec, &[9.0, 5.0, 4.0, 3.5, 3.25], true);
        session.tab_to("first");
        let at = key("welcome", "first");
        let marks = session.app.prediction_marks(&at, session.app.training_of(&at).unwrap());
        assert_eq!(marks.len(), 1);
        (marks[0].x, marks[0].y, session.screen(&RICH))
    };
    let (epochs, errors, screen) = mark('3');
    assert_eq!((epochs, errors), ((5.0, 5.0), (2.0, 8.0)));
    assert!(screen.contains("◈") && screen.contains("  you: 2 to 8\u{a0}%"), "{screen}");
    let (_, errors, screen) = mark('1');
    assert_eq!(errors, (20.0, f64::INFINITY));
    assert!(screen.contains("↑ you: over 20\u{a0}%") && !screen.contains("◈"), "beyond the chart:\n{screen}");
}

/// Silent units after training, drawn and tabled as the experiment does.
fn silent_units() -> Outcome {
    let axis = |label: &str| PlotAxis { label: label.into(), scale: AxisScale::Linear, limits: None };
    let series = |name: &str, slope: f64| PlotSeries {
        name: name.into(),
        source: Source::Measured,
        stroke: Stroke::Both,
        points: (0..=8).map(|epoch| (f64::from(epoch), Some(slope * f64::from(epoch)))).collect(),
        spread: Vec::new(),
        below: Vec::new(),
    };
    let (dead, words) = ("dying.dead.relu.0.6", |words: &str| words.split('|').map(String::from).collect::<Vec<_>>());
    let plot = Plot {
        title: "Silent units while training".into(),
        x: axis("epoch"),
        y: axis("units silent for every image, %"),
        series: vec![series("ReLU, learning rate 0.6", 5.0), series("Leaky, learning rate 0.6", 1.0)],
        bands: Vec::new(),
        marks: Vec::new(),
        places: vec![PlotPlace { finding: dead.into(), x: 8.0 }],
        spread: protocol::SpreadKind::Deviation,
        notes: Vec::new(),
    };
    let table = Table {
        title: "After the last epoch".into(),
        columns: words("activation|rate|silent, %|came back|test error, %"),
        rows: vec![words("ReLU|0.6|40.0|3.0|4.1"), words("Leaky|0.6|8.0|25.0|2.9")],
        sources: vec![Source::Measured; 5],
        places: vec![TablePlace::new(dead, 0, 2)],
    };
    let finding = Finding {
        key: dead.into(),
        text: "ReLU at learning rate 0.6: 40.0 % of the hidden units end silent".into(),
        value: Some(40.0),
        spread: None,
        seeds: vec![1],
        tabled: true,
        is_bound: false,
    };
    Outcome { figures: vec![Figure::Plot(plot), Figure::Table(table)], findings: vec![finding], seconds: 9.0 }
}

/// The share that the reader predicts, and the measured one.
fn silent_units_predicted(said: &str, (columns, rows): (u16, u16), outcome: Outcome) -> Session {
    let mut session = Session::on("dead-units", columns, rows);
    session.tab_to("dead-share");
    session.press(KeyCode::Enter);
    session.type_text(said);
    session.press(KeyCode::Enter);
    session.press(KeyCode::Esc);
    let at = key("dead-units", "rates");
    let CellBody::Experiment(cell) = &session.app.cell_of(&at).unwrap().body else { panic!() };
    let spec = cell.spec.clone();
    session.store_outcome(at, spec, outcome);
    session.tab_to("rates");
    session
}

/// On the plot at the measured number, and in the table beside it.
#[test]
fn figures_of_an_experiment_mark_the_prediction() {
    for size in SIZES {
        let (columns, rows) = size;
        let mut session = silent_units_predicted("12", size, silent_units());
        insta::assert_snapshot!(format!("own-number-plot-{columns}x{rows}"), session.picture(&RICH));
        session.press(KeyCode::Char(']'));
        insta::assert_snapshot!(format!("own-number-table-{columns}x{rows}"), session.picture(&RICH));
    }
    let marks = |session: &Session| {
        let at = key("dead-units", "rates");
        let outcome = session.app.experiments[&at].outcome.as_ref().unwrap();
        let shown = session.app.with_predictions(&at, outcome);
        let Figure::Plot(plot) = &shown.figures[0] else { panic!() };
        plot.marks.iter().filter(|mark| mark.source == Source::Reader).map(|mark| mark.at).collect::<Vec<_>>()
    };
    let session = silent_units_predicted("12", (80, 24), silent_units());
    assert_eq!(marks(&session), [[8.0, 12.0]]);
    // Beyond the axis it is an arrow.
    let session = silent_units_predicted("99", (80, 24), silent_units());
    assert_eq!(marks(&session).len(), 1);
    let screen = session.screen(&RICH);
    assert!(screen.contains("↑") && screen.contains("you: 99") && !screen.contains("◈"), "{screen}");
    // An outcome from before figures recorded what they show has no mark.
    let mut old = silent_units();
    for figure in &mut old.figures {
        match figure {
            Figure::Plot(plot) => plot.places.clear(),
            Figure::Table(table) => table.places.clear(),
            _ => {}
        }
    }
    let mut session = silent_units_predicted("12", (80, 24), old);
    assert!(marks(&session).is_empty());
    session.press(KeyCode::Char(']'));
    assert!(!session.screen(&RICH).contains("you: "), "{}", session.screen(&RICH));
    // Nor has one with other settings than the lesson's.
    let mut session = silent_units_predicted("12", (80, 24), silent_units());
    let at = key("dead-units", "rates");
    let mut spec = session.app.experiments[&at].spec.clone().unwrap();
    spec.seeds = vec![77];
    session.store_outcome(at, spec, silent_units());
    assert!(marks(&session).is_empty());
}

/// Opened from the list, a run of the deciding cell has the mark as in the lesson. Another run has none.
#[test]
fn a_run_opened_from_the_list_marks_its_cells_prediction() {
    let open = |session: &mut Session, run: RunId| {
        let race = &session.app.training_runs[&run];
        let (state, spec) = (race.state.clone(), race.spec.clone());
        let summary = RunSummary {
            run,
            name: None,
            state,
            spec,
            tags: Vec::new(),
            notes: None,
            not_exact: None,
            fork: None,
            steerings: Vec::new(),
            sweep: None,
            created: 1_795_661_487,
            updated: 1_795_661_487,
            elapsed: 5.0,
            epochs_done: 5,
            done: Vec::new(),
            best: Vec::new(),
            ends: Vec::new(),
        };
        session.press(KeyCode::Char('r'));
        session.send(Event::Runs(vec![summary]));
        session.press(KeyCode::Enter);
        assert!(matches!(session.app.modals.last(), Some(Modal::Run(opened)) if *opened == run));
        session.screen(&RICH)
    };
    let predicted = || {
        let mut session = Session::on("welcome", 120, 40);
        session.tab_to("warm-up");
        session.press(KeyCode::Char('3'));
        session.press(KeyCode::Esc);
        session
    };
    let mut session = predicted();
    let spec = lesson_spec(&session);
    race(&mut session, &spec, &[9.0, 5.0, 4.0, 3.5, 3.25], true);
    assert_eq!(session.app.training_runs[&RunId(1)].state, RunState::Finished);
    let screen = open(&mut session, RunId(1));
    assert!(screen.contains("◈") && screen.contains("you: 2 to 8\u{a0}%"), "{screen}");

    // With the same settings, but started elsewhere.
    let mut session = predicted();
    session.kernel(RunEvent::Started { run: RunId(2), spec });
    session.kernel(RunEvent::Finished { run: RunId(2) });
    session.send(Event::History(RunId(2), Vec::new()));
    let screen = open(&mut session, RunId(2));
    assert!(!screen.contains("◈"), "{screen}");
}

/// An arm of a run is identified by its own name.
#[test]
fn a_race_finds_the_errors_of_its_arms() {
    let mut session = Session::on("welcome", 80, 24);
    let spec = lesson_spec(&session);
    assert!(spec.arm_ids().eq([ArmId::RELU_TANH, ArmId::ALL_TANH]));
    race(&mut session, &spec, &[9.0, 1.0, 4.0, 3.5, 3.25], true);
    let found = session.app.findings_in(&key("welcome", "first"));
    let value = |key: &str| found[key].value;
    assert_eq!(value("race.error.relu-tanh"), Some(3.25));
    assert_eq!(value("race.best.relu-tanh"), Some(1.0));
    assert_eq!(value("race.error.all-tanh"), Some(4.25));
    assert_eq!((value("race.epochs.relu-tanh"), value("race.epochs.all-tanh")), (Some(2.0), Some(6.0)));
    assert_eq!(value("race.ratio"), Some(3.0));
}

/// An outcome that arrives while an answer or a confidence is typed does not count as predicted.
#[test]
fn an_answer_typed_while_the_outcome_arrives_counts_as_late() {
    let at = key("welcome", "warm-up");
    let mut session = Session::on("welcome", 80, 24);
    session.tab_to("warm-up");
    session.press(KeyCode::Char('3'));
    let spec = lesson_spec(&session);
    race(&mut session, &spec, &[9.0, 5.0, 4.0, 3.5, 3.25], true);
    session.type_text("99");
    session.press(KeyCode::Enter);
    assert_eq!(session.app.answers[&at].confidence, None);
    assert!(session.app.message.as_ref().unwrap().contains("no confidence is kept"), "{:?}", session.app.message);
    session.press(KeyCode::Char('1'));
    assert_eq!(session.app.answers[&at].answer, Answer::Choice("2 to 8 %".into()));

    // After the first epochs on the chart an earlier answer remains.
    let mut session = Session::on("welcome", 80, 24);
    session.tab_to("warm-up");
    session.press(KeyCode::Char('3'));
    session.press(KeyCode::Enter);
    race(&mut session, &spec, &[9.0, 5.0], false);
    session.press(KeyCode::Char('1'));
    assert_eq!(session.app.answers[&at].answer, Answer::Choice("2 to 8 %".into()));
    assert!(!session.app.answers[&at].late && session.app.answers[&at].confidence == Some(75));

    // One that is given then is late, without a confidence.
    let mut session = Session::on("welcome", 80, 24);
    race(&mut session, &spec, &[9.0, 5.0], false);
    session.tab_to("warm-up");
    session.press(KeyCode::Char('3'));
    assert!(session.app.modals.is_empty() && session.app.answers[&at].late);
}
