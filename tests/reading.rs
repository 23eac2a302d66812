//! What a reader does in a lesson by keys: the effort of a measurement, values read in plots, links and headings.

#![allow(clippy::unwrap_used)]

#[path = "common/session.rs"]
mod session;

use crossterm::event::KeyCode;
use relu_notebook::app::{Event, Stale};
use relu_notebook::protocol::{self, CellEvent, CellKey, Effort, Outcome, RequestBody};
use relu_notebook::ui::{Glyphs, Palette, Theme};
use session::Session;

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];
const RICH: Theme = Theme { palette: Palette::TrueColour, glyphs: Glyphs::Unicode };

fn cell(session: &mut Session, event: CellEvent) {
    session.tell(Event::Kernel(protocol::Event::Cell(event)));
}

fn tricks() -> CellKey {
    CellKey { lesson: "tricks".into(), cell: "tricks".into() }
}

/// A whole measurement of lesson 13's cell as the kernel tells of it; the figures are made up.
fn measure(session: &mut Session) {
    session.press(KeyCode::Enter);
    let Some(RequestBody::RunCell { cell: key, spec }) = session.asked.last().cloned() else { panic!("not asked for") };
    cell(session, CellEvent::Started { cell: key.clone(), spec });
    let axis = |label: &str| protocol::Axis { label: label.into(), scale: protocol::Scale::Linear, limits: None };
    let series = protocol::Series {
        name: "plain".into(),
        source: protocol::Source::Measured,
        stroke: protocol::Stroke::Both,
        points: vec![[1.0, 6.0], [2.0, 4.5], [3.0, 4.0]],
        spread: vec![],
    };
    let plot = protocol::Plot {
        title: "Test error by epoch".into(),
        x: axis("epoch"),
        y: axis("test error, %"),
        series: vec![series],
        bands: vec![],
        marks: vec![],
    };
    let outcome = Outcome { figures: vec![protocol::Figure::Plot(plot)], findings: vec![], seconds: 13.0 };
    cell(session, CellEvent::Finished { cell: key, outcome });
}

#[test]
fn quick_or_full_is_chosen_and_told() {
    for (columns, rows) in SIZES {
        let mut session = Session::on("tricks", columns, rows);
        session.tab_to("tricks");
        insta::assert_snapshot!(format!("effort-quick-{columns}x{rows}"), session.screen(&RICH));
        session.press(KeyCode::Char('e'));
        session.press(KeyCode::Null);
        insta::assert_snapshot!(format!("effort-full-{columns}x{rows}"), session.screen(&RICH));
        measure(&mut session);
        let Some(RequestBody::RunCell { spec, .. }) = session.asked.last() else { unreachable!() };
        assert_eq!(spec.effort, Effort::Full);
        assert!(session.screen(&RICH).contains("measured here in 13.0 s, full, seed"));
        session.press(KeyCode::Char('e'));
        session.press(KeyCode::Null);
        assert_eq!(session.app.stale(&tricks()), Some(Stale::Effort));
        insta::assert_snapshot!(format!("effort-stale-{columns}x{rows}"), session.screen(&RICH));
        session.press(KeyCode::Char('e'));
        assert!(!session.app.is_stale(&tricks()));
    }
}

#[test]
fn an_experiment_of_one_setting_says_so() {
    let mut session = Session::on("sigmoid", 80, 24);
    session.tab_to("curves");
    session.press(KeyCode::Char('e'));
    assert!(session.app.message.as_ref().unwrap().contains("one setting alone"), "{:?}", session.app.message);
    session.press(KeyCode::Enter);
    assert!(matches!(&session.asked[..], [RequestBody::RunCell { spec, .. }] if spec.effort == Effort::Quick));
}

/// What was measured before stays until something else has been measured whole.
#[test]
fn a_stopped_measurement_replaces_nothing() {
    let mut session = Session::on("tricks", 80, 24);
    session.tab_to("tricks");
    measure(&mut session);
    session.press(KeyCode::Char('e'));
    session.press(KeyCode::Enter);
    let Some(RequestBody::RunCell { cell: key, spec }) = session.asked.last().cloned() else { panic!("not asked for") };
    cell(&mut session, CellEvent::Started { cell: key.clone(), spec });
    let partial = Some(Outcome { seconds: 1.0, ..Outcome::default() });
    cell(&mut session, CellEvent::Progress { cell: key.clone(), done: 0.5, doing: "momentum".into(), partial });
    session.press(KeyCode::Enter);
    assert_eq!(session.asked.last(), Some(&RequestBody::StopCell { cell: key.clone() }));
    cell(&mut session, CellEvent::Stopped { cell: key.clone() });
    let view = &session.app.experiments[&key];
    assert_eq!(view.shown(), view.outcome.as_ref());
    assert_eq!(view.spec.as_ref().unwrap().effort, Effort::Quick);
    assert_eq!(session.app.stale(&key), Some(Stale::Effort));
}
