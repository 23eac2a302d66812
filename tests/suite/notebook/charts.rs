//! The chart of a training run under the keys and the mouse: what it shows, and that it says what it does not.

use crate::common::session::Session;
use app::{Event, Modal, Pane};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use protocol::{ArmId, EpochRecord, Lane, Measurement, Metric, Preset, RunEvent, RunId, Study};
use ratatui::{Terminal, backend::TestBackend};
use ui::{Glyphs, Palette, Theme};

const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
const PLAIN: Theme = Theme::new(Palette::None, Glyphs::Ascii);
const RUN: RunId = RunId(7);
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

/// An epoch of made-up numbers: errors that fall with a ripple, and zeros in two layers.
fn record(lane: Lane, epoch: u32) -> RunEvent {
    let behind = if lane.arm == ArmId::ALL_TANH { 1.15 } else { 1.0 };
    let ripple = 0.1 * f64::from(epoch % 3) * f64::from(epoch).sqrt().recip();
    let error = (3.2 / f64::from(epoch).sqrt() + ripple + 0.05 * lane.seed as f64) * behind;
    let numbers = [
        (Metric::TrainLoss, 0.5 / f64::from(epoch)),
        (Metric::ValError, error),
        (Metric::TestError, error - 0.1),
        (Metric::Seconds, 0.5 * behind),
        (Metric::ImagesPerSecond, 90_000.0),
    ];
    let mut record = EpochRecord::new(lane, epoch, numbers);
    for (layer, share) in [("conv1", 40.0), ("fc1", 20.0)] {
        let value = share + f64::from(epoch) / behind;
        record.measured.set(Measurement { metric: Metric::Zeros, layer: Some(layer.parse().unwrap()), value });
    }
    RunEvent::Epoch { run: RUN, record }
}

/// The pane of a run with these seeds, its chart with the keys.
fn chart(seeds: &[u64], (columns, rows): (u16, u16)) -> Session {
    let spec = Study { epochs: 30, seeds: seeds.to_vec(), ..Study::of(Preset::Article) };
    let mut session = Session::on("faster", columns, rows);
    session.kernel(RunEvent::Started { run: RUN, spec: spec.clone() });
    for lane in spec.lanes() {
        (1..=20).for_each(|epoch| session.kernel(record(lane, epoch)));
    }
    session.app.modals.push(Modal::Run(RUN));
    session.press(KeyCode::Char('v'));
    assert!(matches!(session.app.modals.last(), Some(Modal::Values(Pane::Run(RUN)))));
    session
}

fn type_keys(session: &mut Session, keys: &str) {
    keys.chars().for_each(|key| session.press(KeyCode::Char(key)));
}

/// The screen once the message of the last key has gone.
fn quiet(session: &mut Session) -> String {
    session.app.message = None;
    session.screen(&RICH)
}

fn snapshots(name: &str, seeds: &[u64], keys: &str) {
    for (columns, rows) in SIZES {
        let mut session = chart(seeds, (columns, rows));
        type_keys(&mut session, keys);
        session.app.message = None;
        insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), session.picture(&RICH));
    }
}

#[test]
fn metrics_and_axes_are_chosen() {
    snapshots("metric", &[1], "dddXx");
    let mut session = chart(&[1], (120, 40));
    session.press(KeyCode::Char('d'));
    let said = session.app.message.clone().unwrap();
    assert_eq!(
        said,
        "test error (3 of 6, lower is better): share of the test images that the network gets wrong after the epoch; \
         reported, never used to choose"
    );
    let screen = quiet(&mut session);
    assert!(screen.contains("test error, % (log)"), "{screen}");
    type_keys(&mut session, "Y");
    let screen = quiet(&mut session);
    assert!(screen.contains("test error, %") && !screen.contains("(log)"), "{screen}");
    type_keys(&mut session, "Y0");
    let screen = quiet(&mut session);
    assert!(screen.lines().any(|line| line.contains("0 ┤")), "{screen}");
    // Six metrics were measured: around the list, back to the one that it began with.
    type_keys(&mut session, "dddddD");
    let screen = quiet(&mut session);
    assert!(screen.contains("training loss, nats (log)"), "{screen}");
    type_keys(&mut session, "D");
    assert!(quiet(&mut session).contains("zeros in conv1, %"));
    type_keys(&mut session, "i");
    let screen = quiet(&mut session);
    assert!(screen.contains("zeros in fc1, %") && screen.contains("epoch 20, zeros in fc1 40.00 %"), "{screen}");
    type_keys(&mut session, "x");
    assert!(quiet(&mut session).contains("training images seen 1e6, zeros in fc1 40.00 %"));
    type_keys(&mut session, "x");
    let screen = quiet(&mut session);
    assert!(screen.contains("time 10 s, zeros in fc1 40.00 %"), "{screen}");
    // The other arm took 0.575 s an epoch: at 10 s it had done 17.
    assert!(screen.contains("all-Tanh 34.78 % @9.775") || screen.contains("all-Tanh 34.78 @9.775"), "{screen}");
}

#[test]
fn a_zoom_says_what_it_leaves_out_and_stays_while_the_run_goes_on() {
    snapshots("zoomed", &[1], "hhhhh++>");
    let mut session = chart(&[1], (120, 40));
    type_keys(&mut session, "hhhhhhhhhh++");
    let before = quiet(&mut session);
    assert!(before.contains("curves continue: left, right, below"), "{before}");
    let ranges = |session: &Session| {
        let viewport = session.app.viewport(&Pane::Run(RUN));
        (viewport.x.range, viewport.y.range)
    };
    let zoomed = ranges(&session);
    for arm in [ArmId::RELU_TANH, ArmId::ALL_TANH] {
        (21..=30).for_each(|epoch| session.kernel(record(Lane { arm, seed: 1 }, epoch)));
    }
    assert_eq!(ranges(&session), zoomed);
    // The cursor is followed, and the chart fitted again.
    session.press(KeyCode::End);
    let (x, _) = ranges(&session);
    assert!(x.is_some_and(|(_, right)| (right - 30.0).abs() < 1e-9), "{x:?}");
    session.press(KeyCode::Char('f'));
    assert_eq!(ranges(&session), (None, None));
    assert!(!quiet(&mut session).contains("curves continue"));
    session.press(KeyCode::Char('F'));
    let (x, _) = ranges(&session);
    assert!(x.is_some_and(|(left, right)| left > 0.0 && right < 31.0), "{x:?}");
}

/// Around the second epoch no other point is within x, and the falling curves leave at the top and through the bottom.
#[test]
fn a_curve_that_leaves_through_the_bottom_is_said_to_go_on_there() {
    let mut session = chart(&[1], (120, 40));
    session.press(KeyCode::Home);
    type_keys(&mut session, "l++++++++++");
    let screen = quiet(&mut session);
    assert!(screen.contains("curves continue: left, right, above, below"), "{screen}");
}

#[test]
fn bands_and_smoothing_are_said() {
    snapshots("seeds", &[1, 2, 3], "bww");
    let mut session = chart(&[1, 2, 3], (120, 40));
    assert!(quiet(&mut session).contains("band: ± sd"));
    for word in ["band: ± standard error", "band: min to max", "thick: mean", "band: ± sd"] {
        session.press(KeyCode::Char('b'));
        let screen = quiet(&mut session);
        assert!(screen.contains(word), "{word}:\n{screen}");
    }
    type_keys(&mut session, "bb");
    // Seeds 1, 2 and 3 are 0.05 apart at each epoch.
    let screen = quiet(&mut session);
    assert!(screen.contains("validation error 0.86 (0.81 to 0.91) %"), "{screen}");
    session.press(KeyCode::Char('w'));
    let screen = quiet(&mut session);
    assert!(screen.contains("smoothed by 0.5 (moving average"), "{screen}");
    session.press(KeyCode::Char('W'));
    assert!(!quiet(&mut session).contains("smoothed"));
    let mut session = chart(&[1], (80, 24));
    session.press(KeyCode::Char('b'));
    assert_eq!(session.app.message.as_deref(), Some("a band needs several seeds; this run has one"));
}

#[test]
fn hidden_curves_are_counted() {
    let mut session = chart(&[1, 2], (120, 40));
    session.press(KeyCode::Char('2'));
    let screen = quiet(&mut session);
    assert!(screen.contains("1 of 2 arms hidden"), "{screen}");
    session.press(KeyCode::Char('1'));
    assert_eq!(session.app.message.as_deref(), Some("the last arm stays; a shows all again"));
    session.press(KeyCode::Char('t'));
    let screen = quiet(&mut session);
    assert!(screen.contains("1 of 2 arms hidden · thin curves hidden"), "{screen}");
    session.press(KeyCode::Char('a'));
    assert!(!quiet(&mut session).contains("hidden"));
    session.press(KeyCode::Char(' '));
    assert_eq!(session.app.message.as_deref(), Some("ReLU+Tanh, mean of 2 is hidden; a shows all again"));
    session.press(KeyCode::Char('M'));
    assert!(quiet(&mut session).contains("1 of 2 arms hidden · published points hidden"));
}

#[test]
fn two_curves_are_compared_at_the_cursor() {
    snapshots("compared", &[1, 2, 3], "cj");
    let mut session = chart(&[1], (120, 40));
    type_keys(&mut session, "cj");
    // (3.2 / sqrt(20) + 0.2 / sqrt(20) + 0.05) * 0.15 is 0.12.
    let screen = quiet(&mut session);
    assert!(screen.contains("all-Tanh less ReLU+Tanh: +0.12 points"), "{screen}");
    session.press(KeyCode::Char('c'));
    session.press(KeyCode::Char('c'));
    assert!(!quiet(&mut session).contains(" less "));
}

#[test]
fn a_terminal_without_colours_and_glyphs_shows_the_same() {
    let mut session = chart(&[1, 2, 3], (80, 24));
    type_keys(&mut session, "hhhhww+c");
    session.app.message = None;
    insta::assert_snapshot!("ascii-80x24", session.picture(&PLAIN));
}

/// Keys of the chart give it the keys from the run's pane, and help opens with them.
#[test]
fn the_keys_of_a_chart_are_helped_with() {
    let mut session = chart(&[1], (80, 24));
    session.press(KeyCode::Char('q'));
    assert!(matches!(session.app.modals.last(), Some(Modal::Run(RUN))));
    session.press(KeyCode::Char('d'));
    assert!(matches!(session.app.modals.last(), Some(Modal::Values(Pane::Run(RUN)))));
    session.press(KeyCode::Char('?'));
    let screen = session.screen(&RICH);
    assert!(screen.contains("next metric of a training run"), "{screen}");
    session.press(KeyCode::Esc);
    assert!(matches!(session.app.modals.last(), Some(Modal::Values(Pane::Run(RUN)))));
}

/// Draws, so that the mouse has something to be held against, and sends it.
fn mouse(session: &mut Session, kind: MouseEventKind, (column, row): (u16, u16)) {
    let whole = session.app.screen.whole;
    let mut terminal = Terminal::new(TestBackend::new(whole.width, whole.height)).unwrap();
    let mut charts = Vec::new();
    terminal.draw(|frame| charts = ui::draw_and_locate(&session.app, &RICH, frame).drawn.charts).unwrap();
    session.app.drawn.charts = charts;
    session.send(Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}

#[test]
fn the_mouse_zooms_at_the_pointer_moves_and_reads() {
    let mut session = chart(&[1], (120, 40));
    mouse(&mut session, MouseEventKind::Moved, (0, 0));
    let [drawn] = &session.app.drawn.charts[..] else { panic!("{:?}", session.app.drawn.charts) };
    let place = drawn.place;
    let middle = (place.x + place.width / 2, place.y + place.height / 2);
    let x = |session: &Session| session.app.viewport(&Pane::Run(RUN)).x.range;
    // What lies under the pointer stays there: epoch 15 of 30 in the middle.
    mouse(&mut session, MouseEventKind::ScrollUp, middle);
    let (left, right) = x(&session).unwrap();
    assert!((f64::midpoint(left, right) - 15.0).abs() < 0.5 && (right - left - 20.0).abs() < 1e-9, "{left} {right}");
    // A drag over half of the chart moves it by half of what is seen.
    mouse(&mut session, MouseEventKind::Down(MouseButton::Left), middle);
    mouse(&mut session, MouseEventKind::Drag(MouseButton::Left), (middle.0 - place.width / 2, middle.1));
    let moved = x(&session).unwrap().0 - left;
    assert!((moved - 10.0).abs() < 0.5, "{moved}");
    assert!(session.app.message.as_ref().is_some_and(|said| said.contains("Hold Shift")));
    mouse(&mut session, MouseEventKind::Up(MouseButton::Left), (place.x, middle.1));
    mouse(&mut session, MouseEventKind::ScrollDown, middle);
    let (left, right) = x(&session).unwrap();
    assert!((right - left - 30.0).abs() < 1e-9, "{left} {right}");
    session.press(KeyCode::Char('f'));
    mouse(&mut session, MouseEventKind::Down(MouseButton::Left), (place.x + place.width / 3, place.bottom() - 1));
    let (pane, cursor) = session.app.cursor().unwrap();
    let x = session.app.readout(pane).unwrap().point(cursor).unwrap().x;
    assert!((x - 10.0).abs() < 3.5, "{x}");
    // Beside the chart the wheel does what the arrows do, and in a lesson it scrolls.
    session.press(KeyCode::Esc);
    session.press(KeyCode::Esc);
    let top = session.app.view.top;
    mouse(&mut session, MouseEventKind::ScrollDown, middle);
    assert!(session.app.view.top > top && session.app.viewport(&Pane::Run(RUN)).x.range.is_none());
    mouse(&mut session, MouseEventKind::Drag(MouseButton::Left), middle);
    assert_eq!(session.app.message.as_deref(), Some("Hold Shift while you drag to select text."));
}

/// Arrows with Ctrl move what is seen, with Shift the cursor further.
#[test]
fn arrows_with_modifiers_move_the_chart() {
    let mut session = chart(&[1], (120, 40));
    let with = |session: &mut Session, code, modifiers| session.send(Event::Key(KeyEvent::new(code, modifiers)));
    session.press(KeyCode::Char('+'));
    let range = |session: &Session| session.app.viewport(&Pane::Run(RUN)).x.range.unwrap();
    let before = range(&session);
    with(&mut session, KeyCode::Left, KeyModifiers::CONTROL);
    let after = range(&session);
    assert!((before.0 - after.0 - 0.2 * (before.1 - before.0)).abs() < 1e-9, "{before:?} {after:?}");
    with(&mut session, KeyCode::Left, KeyModifiers::SHIFT);
    let (pane, cursor) = session.app.cursor().unwrap();
    let x = session.app.readout(pane).unwrap().point(cursor).unwrap().x;
    assert!((x - 18.0).abs() < 1e-9, "{x}");
}

/// One chart a metric, with the same x and the values of one epoch; a screen without room says so.
#[test]
fn small_multiples_share_their_x() {
    for (columns, rows) in SIZES {
        let mut session = chart(&[1, 2], (columns, rows));
        type_keys(&mut session, "ohhhhh>");
        session.app.message = None;
        insta::assert_snapshot!(format!("multiples-{columns}x{rows}"), session.picture(&RICH));
    }
    let mut session = chart(&[1, 2], (200, 50));
    session.press(KeyCode::Char('o'));
    let screen = quiet(&mut session);
    for name in ["training loss", "validation error", "test error", "time", "images a second", "zeros in conv1"] {
        assert!(screen.contains(name), "{name}:\n{screen}");
    }
    mouse(&mut session, MouseEventKind::Moved, (0, 0));
    assert_eq!(session.app.drawn.charts.len(), 6);
    let place = session.app.drawn.charts[4].place;
    mouse(&mut session, MouseEventKind::ScrollUp, (place.x + place.width / 2, place.y + 2));
    let viewport = session.app.viewport(&Pane::Run(RUN));
    assert!(viewport.x.range.is_some() && viewport.y.range.is_none());
    session.press(KeyCode::Char('o'));
    session.press(KeyCode::Char('f'));
    assert!(!quiet(&mut session).contains("images a second"));
}
