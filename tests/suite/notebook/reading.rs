//! What a reader does in a lesson by keys: the effort of a measurement, values read in plots, links and headings.

use crate::common::session::Session;
use app::{Event, Stale};
use crossterm::event::KeyCode;
use protocol::{self, ArmId, CellEvent, CellKey, Effort, Figure, Outcome, RequestBody, Source, Steer, UnitState};
use ui::{Glyphs, Palette, Theme};

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];
const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
const PLAIN: Theme = Theme::new(Palette::None, Glyphs::Ascii);

fn cell(session: &mut Session, event: CellEvent) {
    session.send(Event::Kernel(protocol::Event::Cell(event)));
}

fn tricks() -> CellKey {
    CellKey { lesson: "tricks".into(), cell: "tricks".into() }
}

/// A complete measurement of the cell in view as the kernel announces it, with figures made up for the test.
fn measured(session: &mut Session, figures: Vec<Figure>) {
    session.enter();
    let Some(RequestBody::RunCell { cell: key, spec }) = session.asked.last().cloned() else { panic!("not asked for") };
    cell(session, CellEvent::Started { cell: key.clone(), spec });
    cell(session, CellEvent::Finished { cell: key, outcome: Outcome { figures, findings: vec![], seconds: 13.0 } });
}

/// A plot with a spread, a gap, a band and a mark.
fn plot(scale: protocol::AxisScale) -> Figure {
    let axis = |label: &str, scale| protocol::PlotAxis { label: label.into(), scale, limits: None };
    let series = |name: &str, points: &[[f64; 2]], spread: &[f64]| protocol::PlotSeries {
        name: name.into(),
        source: Source::Measured,
        stroke: protocol::Stroke::Both,
        points: points.iter().map(|[x, y]| (*x, y.is_finite().then_some(*y))).collect(),
        spread: spread.iter().copied().map(Some).collect(),
        below: Vec::new(),
    };
    let plain = [[0.0, 6.0], [1.0, 4.5], [2.0, f64::NAN], [3.0, 3.0], [4.0, 2.5], [5.0, 2.25]];
    let cited = || Source::Cited("Glorot 2011".into());
    Figure::Plot(protocol::Plot {
        title: "Test error by epoch".into(),
        x: axis("epoch", protocol::AxisScale::Linear),
        y: axis("test error, %", scale),
        series: vec![
            series("plain", &plain, &[0.5, 0.4, 0.0, 0.3, 0.2, 0.125]),
            series("momentum", &[[1.0, 3.0], [3.0, 2.0], [5.0, 0.0]], &[]),
        ],
        bands: vec![protocol::PlotBand { label: "band".into(), source: cited(), vertical: true, from: 2.0, to: 4.0 }],
        marks: vec![protocol::PlotMark { label: "1.43 %".into(), source: cited(), at: [4.0, 1.43] }],
        places: Vec::new(),
        spread: protocol::SpreadKind::Deviation,
        notes: Vec::new(),
    })
}

fn bars() -> Figure {
    let bar = |name: &str, values: &[f64]| protocol::Bar {
        name: name.into(),
        values: values.iter().copied().map(Some).collect(),
        total: None,
    };
    Figure::Bars(protocol::Bars {
        title: "Cost, ns".into(),
        parts: vec!["forward".into(), "backward".into()],
        bars: vec![bar("ReLU", &[0.2, 0.3]), bar("tanh", &[1.5, 0.5])],
        source: Source::Measured,
    })
}

/// Reads values in this figure after these keys.
fn read(figure: Figure, (columns, rows): (u16, u16), keys: &[KeyCode], theme: &Theme) -> String {
    let mut session = Session::on("tricks", columns, rows);
    session.tab_to("tricks");
    measured(&mut session, vec![figure]);
    session.press(KeyCode::Char('v'));
    for key in keys {
        session.press(*key);
    }
    session.picture(theme)
}

#[test]
fn values_are_read_point_by_point() {
    let linear = || plot(protocol::AxisScale::Linear);
    let told = |figure, keys: &[KeyCode], words: &str| {
        let screen = read(figure, (80, 24), keys, &RICH);
        assert!(screen.contains(words), "{words}:\n{screen}");
    };
    told(linear(), &[], "● plain: epoch 5, test error 2.25 ± 0.12 % (measured)");
    told(linear(), &[KeyCode::Left; 3], "plain: epoch 1, test error 4.50 ± 0.40 % (measured)");
    told(linear(), &[KeyCode::Home], "plain: epoch 0, test error 6.00 ± 0.50 % (measured)");
    told(linear(), &[KeyCode::Char('H')], "plain: epoch 3, test error 3.00 ± 0.30 % (measured)");
    told(linear(), &[KeyCode::Left, KeyCode::Left, KeyCode::Down], "▲ momentum: epoch 3, test error 2.00 % (measured)");
    told(linear(), &[KeyCode::Down; 5], "✕ 1.43 %: epoch 4, test error 1.43 % (Glorot 2011)");
    // Zero has no place on a logarithmic axis.
    told(plot(protocol::AxisScale::Log), &[KeyCode::Down], "momentum: epoch 3, test error 2.00 % (measured)");
    told(bars(), &[KeyCode::Down, KeyCode::Left], "tanh: backward, Cost 0.5 ns (measured)");
    told(bars(), &[], "ReLU: together, Cost 0.5 ns (measured)");
    told(linear(), &[KeyCode::Esc], "measured here in 13 s");
}

/// The values remain visible if there is no space for the source, and pages can be turned while values are read.
#[test]
fn values_come_before_their_source() {
    let Figure::Plot(mut long) = plot(protocol::AxisScale::Linear) else { unreachable!() };
    let source = "Krizhevsky, Sutskever, Hinton 2012, Fig. 1, digitised by hand from the printed page";
    long.series[0].source = Source::Cited(source.into());
    let formula = "theory: c max(0, I - b), least squares over points";
    long.series[1].source = Source::Theory(formula["theory: ".len()..].into());
    let mut session = Session::on("tricks", 80, 24);
    session.tab_to("tricks");
    measured(&mut session, vec![Figure::Plot(long), bars()]);
    session.press(KeyCode::Char('v'));
    let screen = session.screen(&RICH);
    assert!(screen.contains("● plain: epoch 5, test error 2.25 ± 0.12 % "), "{screen}");
    assert!(!screen.contains(formula), "the legend has no room for it\n{screen}");
    session.press(KeyCode::Down);
    let screen = session.screen(&RICH);
    assert!(screen.contains(formula) && screen.contains("▲ momentum: epoch 5, test error 0.00 %"), "{screen}");
    session.press(KeyCode::Char(']'));
    let screen = session.screen(&RICH);
    assert!(screen.contains("ReLU: together, Cost 0.5 ns (measured)"), "{screen}");
    session.press(KeyCode::Char('['));
    assert!(session.screen(&RICH).contains("● plain: epoch 5"));
}

#[test]
fn the_cursor_is_visible_in_every_theme() {
    for size in SIZES {
        let (columns, rows) = size;
        let at = format!("{columns}x{rows}");
        let keys = [KeyCode::Left, KeyCode::Left];
        insta::assert_snapshot!(
            format!("values-plot-{at}"),
            read(plot(protocol::AxisScale::Linear), size, &keys, &RICH)
        );
        insta::assert_snapshot!(
            format!("values-ascii-{at}"),
            read(plot(protocol::AxisScale::Log), size, &keys, &PLAIN)
        );
        insta::assert_snapshot!(format!("values-bars-{at}"), read(bars(), size, &[KeyCode::Down], &RICH));
    }
}

/// The run of lesson 12 while it trains: the cursor stays where it is as epochs arrive.
#[test]
fn values_of_a_running_study_can_be_read() {
    for (columns, rows) in SIZES {
        let mut session = Session::on("faster", columns, rows);
        session.tab_to("race");
        session.press(KeyCode::Char('v'));
        assert!(session.app.modals.is_empty() && session.app.message.is_some(), "nothing is measured yet");
        session.start_race();
        for epoch in 1..=9 {
            for arm in [ArmId::RELU_TANH, ArmId::ALL_TANH] {
                session.epoch(arm, epoch, 3.0 / f64::from(epoch));
            }
        }
        session.press(KeyCode::Char('v'));
        session.press(KeyCode::Left);
        session.press(KeyCode::Down);
        session.epoch(ArmId::ALL_TANH, 10, 0.5);
        assert!(session.screen(&RICH).contains("▲ all-Tanh: epoch 8, validation error 0.38 % (test 0.38)"));
        insta::assert_snapshot!(format!("values-race-{columns}x{rows}"), session.picture(&RICH));
        session.press(KeyCode::Down);
        assert!(session.screen(&RICH).contains("epoch 17, validation error 1.37 %"), "{}", session.screen(&RICH));
        session.press(KeyCode::Esc);
        assert!(session.app.modals.is_empty());
    }
}

#[test]
fn the_chosen_effort_is_shown() {
    for (columns, rows) in SIZES {
        let mut session = Session::on("tricks", columns, rows);
        session.tab_to("tricks");
        insta::assert_snapshot!(format!("effort-quick-{columns}x{rows}"), session.picture(&RICH));
        session.press(KeyCode::Char('e'));
        session.press(KeyCode::Null);
        insta::assert_snapshot!(format!("effort-full-{columns}x{rows}"), session.picture(&RICH));
        measured(&mut session, vec![plot(protocol::AxisScale::Linear)]);
        let Some(RequestBody::RunCell { spec, .. }) = session.asked.last() else { unreachable!() };
        assert_eq!(spec.effort, Effort::Full);
        assert!(session.screen(&RICH).contains("measured here in 13 s, full, seed"));
        session.press(KeyCode::Char('e'));
        session.press(KeyCode::Null);
        assert_eq!(session.app.stale(&tricks()), Some(Stale::Effort));
        insta::assert_snapshot!(format!("effort-stale-{columns}x{rows}"), session.picture(&RICH));
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

/// Earlier results remain until another measurement is complete.
#[test]
fn a_stopped_measurement_replaces_nothing() {
    let mut session = Session::on("tricks", 80, 24);
    session.tab_to("tricks");
    measured(&mut session, vec![plot(protocol::AxisScale::Linear)]);
    session.press(KeyCode::Char('e'));
    session.enter();
    let Some(RequestBody::RunCell { cell: key, spec }) = session.asked.last().cloned() else { panic!("not asked for") };
    cell(&mut session, CellEvent::Started { cell: key.clone(), spec });
    let partial = Some(Outcome { seconds: 1.0, ..Outcome::default() });
    cell(
        &mut session,
        CellEvent::Progress { cell: key.clone(), done: 0.5, doing: "momentum".into(), seconds: 1.0, partial },
    );
    session.press(KeyCode::Char('s'));
    assert_eq!(session.asked.last(), Some(&RequestBody::StopCell { cell: key.clone() }));
    cell(&mut session, CellEvent::Stopped { cell: key.clone() });
    let view = &session.app.experiments[&key];
    assert!(view.shown().unwrap().seconds > 10.0, "the stopped one measured for 1 second");
    assert_eq!(view.spec.as_ref().unwrap().effort, Effort::Quick);
    assert_eq!(session.app.stale(&key), Some(Stale::Effort));
}

/// A bar, the time taken, the estimated time left, and what it does; before there are figures, in their place.
#[test]
fn a_measurement_under_way_shows_a_bar_and_the_time_left() {
    for (columns, rows) in [(80, 24), (120, 40)] {
        let mut session = Session::on("tricks", columns, rows);
        session.tab_to("tricks");
        session.press(KeyCode::Enter);
        let Some(RequestBody::RunCell { cell: key, spec }) = session.asked.last().cloned() else {
            panic!("not asked for")
        };
        cell(&mut session, CellEvent::Started { cell: key.clone(), spec });
        let doing = "training with each trick: 3 of 10 done".to_string();
        cell(&mut session, CellEvent::Progress { cell: key, done: 0.25, doing, seconds: 15.0, partial: None });
        insta::assert_snapshot!(format!("under-way-{columns}x{rows}"), session.picture(&RICH));
    }
}

/// A moved digit as the kernel would answer it; the figures are made up.
fn answer(session: &mut Session) {
    let Some(RequestBody::RunCell { cell: key, spec }) = session.asked.last().cloned() else { panic!("not asked for") };
    cell(session, CellEvent::Started { cell: key.clone(), spec: spec.clone() });
    let steer = spec.experiment.steer().unwrap();
    let unit = |at: i32| match (at + steer.right) % 7 {
        0 => UnitState::SwitchedOn,
        3 => UnitState::SwitchedOff,
        1 | 2 => UnitState::On,
        _ => UnitState::Off,
    };
    let code = |name: &str| protocol::Code {
        name: name.into(),
        text: "says 7; 33 on, +5 -4".into(),
        units: (0..120).map(unit).collect(),
    };
    let units = protocol::Units {
        title: format!("A 7, {} right; hidden layer 1", steer.right),
        width: 28,
        height: 28,
        image: (0..784).map(|at| if (at % 28 - steer.right).abs() < 3 { 255 } else { 0 }).collect(),
        codes: ["Sigmoid", "Tanh", "ReLU"].map(code).to_vec(),
        source: Source::Measured,
    };
    let outcome = Outcome { figures: vec![Figure::Units(units)], findings: vec![], seconds: 9.0 };
    cell(session, CellEvent::Finished { cell: key, outcome });
}

fn steered(session: &Session) -> Steer {
    let Some(RequestBody::RunCell { spec, .. }) = session.asked.last() else { panic!("not asked for") };
    spec.experiment.steer().unwrap()
}

#[test]
fn a_digit_is_steered_by_keys() {
    for (columns, rows) in SIZES {
        let mut session = Session::on("disentangling", columns, rows);
        session.tab_to("move");
        session.press(KeyCode::Enter);
        answer(&mut session);
        session.press(KeyCode::Enter);
        session.press(KeyCode::Right);
        assert_eq!(session.asked.len(), 2);
        // Keys that are pressed while the kernel works are sent together afterwards.
        session.press(KeyCode::Right);
        session.press(KeyCode::Right);
        assert_eq!((session.asked.len(), steered(&session).right), (2, 1));
        answer(&mut session);
        assert_eq!((session.asked.len(), steered(&session).right), (3, 3));
        answer(&mut session);
        assert_eq!(session.asked.len(), 3, "what the reader wanted is shown");
        insta::assert_snapshot!(format!("steer-{columns}x{rows}"), session.picture(&RICH));
        let key = CellKey { lesson: "disentangling".into(), cell: "move".into() };
        assert_eq!(session.app.stale(&key), None, "it is the same measurement, seen from elsewhere");
        session.press(KeyCode::Esc);
        let lesson = session.app.lesson;
        session.press(KeyCode::Right);
        assert_eq!(session.app.lesson, lesson, "the arrows are the figure's while it is in focus");
        session.press(KeyCode::Char('n'));
        assert_eq!(session.app.lesson, lesson + 1);
    }
}

/// A cell fits at the bottom of a large screen before it has run, its pane does not.
#[test]
fn an_opened_pane_is_scrolled_into_view() {
    let mut session = Session::on("implementing", 200, 50);
    session.tab_to("forms");
    while session.sees_whole_cell() {
        session.press(KeyCode::Up);
    }
    session.press(KeyCode::Down);
    assert!(session.sees_whole_cell());
    let cell = session.app.view.focus.unwrap();
    session.press(KeyCode::Enter);
    let (line, height) = session.app.view.layout.cells[cell];
    let shown = session.app.view.top..session.app.view.top + session.app.view.height;
    assert!(shown.contains(&line) && line + usize::from(height) <= shown.end, "{line} {height} {shown:?}");
}
