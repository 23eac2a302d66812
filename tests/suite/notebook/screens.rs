//! What the reader sees, as snapshots at 80x24 and 120x40. `INSTA_UPDATE=always cargo test --test suite screens` renews them;
//! check every change before committing it.

use crate::common::session;
use app::{App, Background, Event, update};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use lesson::{CellBody, Library};
use protocol::{
    self, ArmId, CellRecord, EpochRecord, Figure, Lane, Metric, Outcome, Preset, Progress, RunEvent, RunId, Source,
    Study,
};
use ratatui::{Terminal, backend::TestBackend};
use ui::{self, Glyphs, Palette, Theme};

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];
/// Panes reach beyond the text here.
const ALSO_LARGE: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];
const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);
const PLAIN: Theme = Theme::new(Palette::None, Glyphs::Ascii);

/// The notebook at the lesson with the training cell.
fn app(columns: u16, rows: u16) -> App {
    let library = Library::english();
    let lesson = library.find("faster").unwrap();
    App::new(library, lesson, columns, rows)
}

fn screen(app: &App, theme: &Theme) -> String {
    let whole = app.screen.whole;
    let mut terminal = Terminal::new(TestBackend::new(whole.width, whole.height)).unwrap();
    terminal.draw(|frame| ui::draw(app, theme, frame)).unwrap();
    let text = terminal.backend().to_string();
    // TestBackend quotes its lines.
    text.lines().map(|line| line.trim_matches('"').trim_end().to_string() + "\n").collect()
}

fn press(app: &mut App, code: KeyCode) {
    update(app, Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
}

/// Focuses the training cell.
fn to_race(app: &mut App) {
    let race = app.document().cells().iter().position(|cell| cell.id == "race").unwrap();
    for _ in 0..=race {
        if app.view.focus == Some(race) {
            break;
        }
        press(app, KeyCode::Tab);
    }
    assert_eq!(app.view.focus, Some(race));
}

fn record(arm: ArmId, epoch: u32, val_error: f64) -> RunEvent {
    let record = EpochRecord::new(
        Lane { arm, seed: 1 },
        epoch,
        [
            (Metric::TrainLoss, 0.1),
            (Metric::ValError, val_error),
            (Metric::TestError, val_error - 0.1),
            (Metric::Seconds, 0.6),
            (Metric::ImagesPerSecond, 90_000.0),
        ],
    );
    RunEvent::Epoch { run: RunId(7), record }
}

/// A run of 30 epochs after eight, with curves made up for the test.
fn racing(app: &mut App) {
    let spec = Study { epochs: 30, ..Study::of(Preset::Article) };
    let run = RunId(7);
    update(app, Event::StoredProgress(vec![("cell-run/faster/race".into(), 7.into())]));
    let mut events = vec![RunEvent::Started { run, spec }];
    for epoch in 1..=8 {
        let error = 3.2 / f64::from(epoch).sqrt();
        events.push(record(ArmId::RELU_TANH, epoch, error));
        events.push(record(ArmId::ALL_TANH, epoch, error * 1.15));
    }
    for arm in [ArmId::RELU_TANH, ArmId::ALL_TANH] {
        let progress =
            Progress { arm, seed: 1, epoch: 9, batch: 250, batches: 500, images_per_second: 88_000.0, seconds: 6.0 };
        events.push(RunEvent::Progress { run, progress });
    }
    for event in events {
        update(app, Event::Kernel(protocol::Event::Run(event)));
    }
}

/// One snapshot for each size.
fn snapshots(name: &str, theme: &Theme, prepare: impl Fn(&mut App)) {
    snapshots_at(&SIZES, name, theme, prepare);
}

fn snapshots_at(sizes: &[(u16, u16)], name: &str, theme: &Theme, prepare: impl Fn(&mut App)) {
    for &(columns, rows) in sizes {
        let mut app = app(columns, rows);
        prepare(&mut app);
        insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), session::picture(&app, theme));
    }
}

#[test]
fn the_lesson_opens() {
    snapshots("lesson", &RICH, |_| {});
}

#[test]
fn the_race_is_offered() {
    snapshots("race-ready", &RICH, to_race);
}

#[test]
fn the_race_is_charted() {
    snapshots_at(&ALSO_LARGE, "race-running", &RICH, |app| {
        racing(app);
        to_race(app);
    });
}

/// The request does not decide: a processor without wide vectors, or several threads per lane, change the backend.
#[test]
fn the_pane_names_what_computes_the_race() {
    for (columns, rows) in SIZES {
        let mut app = app(columns, rows);
        racing(&mut app);
        to_race(&mut app);
        for name in ["fused (plain)", "libtorch (threads > 1)"] {
            let printed = RunEvent::Backend { run: RunId(7), name: name.into() };
            update(&mut app, Event::Kernel(protocol::Event::Run(printed)));
            assert!(screen(&app, &RICH).contains(name), "{name} at {columns}x{rows}");
        }
    }
}

/// Only the legend of the looks differs from a dark background.
#[test]
fn a_light_background_changes_every_colour() {
    let light = |app: &mut App| app.background = Background::Light;
    snapshots("light-lesson", &RICH, light);
    snapshots("light-race", &RICH, |app| {
        light(app);
        racing(app);
        to_race(app);
    });
}

#[test]
fn the_race_is_charted_in_ascii() {
    snapshots("race-ascii", &PLAIN, |app| {
        racing(app);
        to_race(app);
    });
}

#[test]
fn a_diverged_lane_is_marked() {
    snapshots("race-diverged", &RICH, |app| {
        racing(app);
        to_race(app);
        let event = RunEvent::Diverged { run: RunId(7), arm: ArmId::ALL_TANH, seed: 1, epoch: 9, batch: 251 };
        update(app, Event::Kernel(protocol::Event::Run(event)));
    });
}

#[test]
fn help_shows_every_key() {
    snapshots("help", &RICH, |app| press(app, KeyCode::Char('?')));
}

#[test]
fn settings_are_checked_while_typing() {
    snapshots("settings-wrong", &RICH, |app| {
        to_race(app);
        press(app, KeyCode::Char('o'));
        for code in [KeyCode::Delete, KeyCode::Char('0')] {
            press(app, code);
        }
    });
}

#[test]
fn quitting_a_race_asks() {
    snapshots("quit", &RICH, |app| {
        racing(app);
        press(app, KeyCode::Char('q'));
        assert!(!app.quit);
    });
}

#[test]
fn runs_are_listed_and_opened() {
    let summary = |run: i64, state| protocol::RunSummary {
        run: RunId(run),
        name: (run == 7).then(|| "the long one".into()),
        state,
        spec: Study { epochs: 30, ..Study::of(Preset::Article) },
        tags: Vec::new(),
        notes: None,
        not_exact: None,
        fork: None,
        steerings: Vec::new(),
        sweep: None,
        created: 0,
        updated: 0,
        elapsed: 75.0,
        epochs_done: 8,
        done: [ArmId::RELU_TANH, ArmId::ALL_TANH].map(|arm| (protocol::Lane { arm, seed: 1 }, 8)).to_vec(),
        best: vec![(protocol::Lane { arm: ArmId::RELU_TANH, seed: 1 }, 1.13)],
        ends: Vec::new(),
    };
    let listed = |app: &mut App| {
        racing(app);
        press(app, KeyCode::Char('r'));
        let states = [(8, protocol::RunState::Interrupted), (7, protocol::RunState::Running)];
        update(app, Event::Runs(states.map(|(run, state)| summary(run, state)).to_vec()));
        press(app, KeyCode::Down);
    };
    snapshots("runs", &RICH, listed);
    snapshots("run", &RICH, |app| {
        listed(app);
        press(app, KeyCode::Enter);
    });
}

#[test]
fn search_finds_lines() {
    snapshots("search", &RICH, |app| {
        for c in "/tutorial".chars() {
            press(app, KeyCode::Char(c));
        }
    });
}

#[test]
fn a_lesson_is_chosen_in_the_contents() {
    snapshots("contents", &RICH, |app| {
        press(app, KeyCode::Char('c'));
        press(app, KeyCode::Up);
    });
}

/// A measured plot with a band and a spread, a table that is too wide, and what was found.
fn measured() -> Outcome {
    let axis =
        |label: &str| protocol::PlotAxis { label: label.into(), scale: protocol::AxisScale::Linear, limits: None };
    let series = protocol::PlotSeries {
        name: "trained here".into(),
        source: Source::Measured,
        stroke: protocol::Stroke::Both,
        points: vec![(50.0, Some(1.7)), (70.0, Some(1.5)), (80.0, Some(1.4)), (95.0, Some(1.9))],
        spread: [0.1, 0.05, 0.1, 0.2].map(Some).to_vec(),
        below: Vec::new(),
    };
    let band = protocol::PlotBand {
        label: "70 to 85 %".into(),
        source: Source::Cited("the article".into()),
        vertical: true,
        from: 70.0,
        to: 85.0,
    };
    let plot = protocol::Plot {
        title: "Error against zeros".into(),
        x: axis("zeros, %"),
        y: axis("test error, %"),
        series: vec![series],
        bands: vec![band],
        marks: Vec::new(),
        places: Vec::new(),
        spread: protocol::SpreadKind::Deviation,
        notes: Vec::new(),
    };
    let words = |text: &str| text.split('|').map(String::from).collect::<Vec<_>>();
    let table = protocol::Table {
        title: "Every network".into(),
        columns: words("what the units of this layer were made to do|zeros, %|test error, %"),
        rows: vec![words("nothing at all, they were left to themselves and found this|50.1|1.70 +- 0.10"); 3],
        sources: vec![Source::Measured; 3],
        places: Vec::new(),
    };
    let finding = protocol::Finding {
        key: "sparsity.best".into(),
        text: "the lowest error, 1.4 %, was met at 80 % zeros".into(),
        value: Some(80.0),
        spread: Some(2.5),
        seeds: vec![1, 2],
        tabled: false,
        is_bound: false,
    };
    let figures = vec![Figure::Plot(plot), Figure::Table(table)];
    Outcome { figures, findings: vec![finding], seconds: 12.0 }
}

#[test]
fn an_experiment_is_read_page_by_page() {
    for (page, theme) in [(1, &RICH), (2, &RICH), (3, &RICH), (1, &PLAIN)] {
        let look = if theme.glyphs == Glyphs::Ascii { "ascii-" } else { "" };
        let sizes = if page == 1 && look.is_empty() { &ALSO_LARGE[..] } else { &SIZES };
        snapshots_at(sizes, &format!("experiment-{look}{page}"), theme, |app| {
            press(app, KeyCode::Char('n'));
            press(app, KeyCode::Char('n'));
            press(app, KeyCode::Home);
            press(app, KeyCode::Tab);
            while !matches!(app.focused().unwrap().body, CellBody::Experiment(_)) {
                press(app, KeyCode::Tab);
            }
            let key = app.key_of(app.focused().unwrap());
            let CellBody::Experiment(cell) = &app.focused().unwrap().body else { unreachable!() };
            let spec = cell.spec.clone();
            let kept = CellRecord { cell: key, spec, outcome: measured(), finished: 1_795_661_487 };
            update(app, Event::Outcomes(vec![kept]));
            // A reader at the beginning of a lesson stays there until they scroll.
            press(app, KeyCode::BackTab);
            while !app.focused().is_some_and(|cell| matches!(cell.body, CellBody::Experiment(_))) {
                press(app, KeyCode::Tab);
            }
            press(app, KeyCode::Char(char::from_digit(page, 10).unwrap()));
        });
    }
}

#[test]
fn the_ledger_shows_what_is_known() {
    snapshots("ledger", &RICH, |app| {
        app.lesson = app.library.find("ledger").unwrap();
        app.lay_out();
        let finding = |key: &str, value: f64, text: &str, seeds: &[u64], spread| protocol::Finding {
            key: key.into(),
            text: text.into(),
            value: Some(value),
            spread,
            seeds: seeds.to_vec(),
            tabled: false,
            is_bound: false,
        };
        let found = vec![
            finding("sparsity.active.sigmoid", 100.0, "Sigmoid: 100.0 % of hidden outputs exceed 0.01", &[1], None),
            finding("sparsity.zeros.relu", 49.8, "ReLU: 49.8 % of hidden outputs are exactly 0", &[1, 2], Some(0.4)),
        ];
        update(app, Event::RunFindings(found));
        press(app, KeyCode::Tab);
        while app.focused().unwrap().id != "sigmoid-half" {
            press(app, KeyCode::Tab);
        }
    });
    snapshots("ledger-filtered", &RICH, |app| {
        app.lesson = app.library.find("ledger").unwrap();
        app.lay_out();
        let found = protocol::Finding {
            key: "sparsity.active.sigmoid".into(),
            text: "Sigmoid: 100.0 % of hidden outputs exceed 0.01".into(),
            value: Some(100.0),
            spread: Some(0.1),
            seeds: vec![1, 2, 3],
            tabled: false,
            is_bound: false,
        };
        update(app, Event::RunFindings(vec![found]));
        press(app, KeyCode::Char('t'));
        press(app, KeyCode::Char('t'));
        press(app, KeyCode::Esc);
        press(app, KeyCode::Char('g'));
    });
}

#[test]
fn a_wrong_command_is_explained() {
    snapshots("command-wrong", &RICH, |app| {
        for c in ":fly".chars() {
            press(app, KeyCode::Char(c));
        }
        press(app, KeyCode::Enter);
    });
}

#[test]
fn an_unwritable_home_is_reported_while_it_lasts() {
    let why = "/media/archive/relu can't be written: Read-only file system (os error 30); set RELU_HOME to a folder of yours that can";
    snapshots("read-only", &RICH, |app| {
        update(app, Event::StorageFault(Some(why.into())));
    });
}

#[test]
fn a_kernel_of_another_version_is_offered_to_be_restarted() {
    let sentence = "the running kernel (process 4711, version 0.0.9, protocol 0) is of another version than this notebook; `relu kernel stop` ends it when nothing runs, and the next start brings the right one";
    snapshots("other-version", &RICH, |app| {
        update(app, Event::OtherVersion(sentence.into()));
    });
}

/// At any size and with any palette, nothing panics and nothing is drawn outside.
#[test]
fn every_size_draws() {
    for columns in [1, 2, 10, 39, 40, 41, 80, 109, 110, 200] {
        for rows in [1, 2, 11, 12, 13, 24, 50] {
            for theme in [RICH, PLAIN] {
                let mut app = app(columns, rows);
                racing(&mut app);
                press(&mut app, KeyCode::Tab);
                screen(&app, &theme);
                for key in ['?', 'o', 'r', '/', ':', 'c'] {
                    press(&mut app, KeyCode::Char(key));
                    screen(&app, &theme);
                    press(&mut app, KeyCode::Esc);
                }
            }
        }
    }
    let text = screen(&app(39, 12), &RICH);
    assert!(text.contains("relu-notebook needs 40x12"), "{text}");
}
