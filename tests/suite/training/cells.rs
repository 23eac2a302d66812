//! Every cell of the shipped lessons, run to its end on LibTorch at a small setting.

use crate::common::session::Session;
use app::pages;
use crossterm::event::KeyCode;
use datasets::SetError;
use learn::experiment::{Cache, CellObserver, Context, run};
use learn::{DataError, Dataset};
use lesson::{CellBody, Document, Library, Test};
use protocol::{
    CellKey, DataSource, EpochRecord, Experiment, ExperimentSpec, Figure, Lane, Measurement, Metric, Outcome,
    PlotSeries, Study, layer_findings, matches_any, run_findings,
};
use std::collections::HashMap;
use std::sync::Arc;
use ui::{Glyphs, Palette, Theme};
use unicode_width::UnicodeWidthStr;

const RICH: Theme = Theme::new(Palette::TrueColour, Glyphs::Unicode);

struct Patient;

impl CellObserver for Patient {
    fn progress(&mut self, done: f64, _: &str, _: Option<&Outcome>) {
        assert!((0.0..=1.0).contains(&done));
    }
    fn should_stop(&mut self) -> bool {
        false
    }
}

/// The same measurement with fewer images, smaller networks and fewer epochs: a second or two.
fn small(mut experiment: Experiment) -> Experiment {
    match &mut experiment {
        Experiment::DeepTraining(deep) => (deep.images, deep.epochs, deep.width) = (200, 2, 20),
        Experiment::Saturation(saturation) => (saturation.images, saturation.epochs) = (200, 1),
        Experiment::LinearPieces(pieces) => pieces.width = 8,
        Experiment::ActivationCost(cost) => (cost.large, cost.rounds) = (65_536, 3),
        Experiment::Curves(_)
        | Experiment::ReluForms(_)
        | Experiment::BuiltRelu(_)
        | Experiment::SparsityFigure(_)
        | Experiment::TwoAtoms(_)
        | Experiment::AlexnetFigure(_) => {}
        Experiment::Lif(lif) => lif.milliseconds = 200.0,
        Experiment::ActiveFraction(fraction) => (fraction.width, fraction.images) = (64, 100),
        Experiment::SparsityError(sparsity) => {
            (sparsity.width, sparsity.images, sparsity.epochs) = (20, 500, 2);
        }
        Experiment::Activity(settings) => (settings.width, settings.images, settings.epochs) = (20, 200, 1),
        Experiment::SparseCoding(settings) => (settings.batches, settings.steps) = (5, 10),
        Experiment::PositiveOutput(settings) => (settings.images, settings.steps) = (50, 5),
        Experiment::Ista(settings) => (settings.batches, settings.patches) = (5, 50),
        Experiment::Disentangle(settings) => (settings.width, settings.images, settings.epochs) = (20, 300, 1),
        Experiment::Dying(dying) => (dying.width, dying.images, dying.epochs) = (20, 200, 2),
        Experiment::ConvnetTricks(tricks) => (tricks.maps, tricks.images, tricks.epochs) = (2, 200, 2),
        Experiment::ConvStart(start) => (start.widths, start.images, start.epochs) = ([2, 2, 2, 4], 200, 1),
        Experiment::Tricks(tricks) => (tricks.width, tricks.images, tricks.epochs) = (20, 200, 2),
        Experiment::Pretraining(pretraining) => {
            (pretraining.width, pretraining.unlabelled, pretraining.epochs) = (10, 100, 1);
        }
        Experiment::Separability(probes) => (probes.width, probes.images, probes.epochs) = (50, 300, 1),
        Experiment::GradientDepth(gradient) => (gradient.depth, gradient.width, gradient.images) = (5, 32, 32),
    }
    experiment
}

/// Measures the cells that `wanted` names as `lesson/cell`, each modified by `change`.
fn measure(wanted: &str, change: fn(Experiment) -> Experiment, mut see: impl FnMut(&str, &ExperimentSpec, &Outcome)) {
    // Wherever the tests run, as where CIFAR-10 was never fetched.
    let load = |source: &DataSource| {
        if *source == DataSource::Mnist {
            return Dataset::load(source).map(Arc::new);
        }
        Err(DataError::Set(SetError::Absent { title: "CIFAR-10", name: "cifar10", folder: "/nowhere".into() }))
    };
    let cache = Cache::default();
    let context = Context { data: &load, cache: &cache };
    for lesson in &Library::english().lessons {
        for cell in lesson.cells() {
            let CellBody::Experiment(body) = &cell.body else { continue };
            let name = format!("{}/{}", lesson.meta.id, cell.id);
            if !name.contains(wanted) {
                continue;
            }
            let spec = ExperimentSpec { experiment: change(body.spec.experiment.clone()), ..body.spec.clone() };
            let outcome = run(&spec, &context, &mut Patient).unwrap_or_else(|error| panic!("{name}: {error}"));
            see(&name, &spec, &outcome);
        }
    }
}

/// The size of a cell's pane on a screen of 80x24.
const PANE: (u16, u16) = (72, 18);

/// Titles fit beside the page numbers, and tables are not cut off.
fn fits(name: &str, figure: &Figure, pages: usize) {
    let (title, needed) = match figure {
        Figure::Table(table) => {
            let width = |column: usize| {
                let cells = table.rows.iter().map(|row| &row[column]).chain([&table.columns[column]]);
                cells.map(|cell| cell.width()).max().unwrap_or(0)
            };
            (figure.title(), (0..table.columns.len()).map(|column| width(column) + 2).sum::<usize>() - 2)
        }
        _ => (figure.title(), 0),
    };
    let room = usize::from(PANE.0) - 3 * pages - 1;
    assert!(title.width() <= room, "{name}: `{title}` is {} wide, there is room for {room}", title.width());
    assert!(needed <= usize::from(PANE.0), "{name}: `{title}` is {needed} wide, there is room for {}", PANE.0);
}

#[test]
fn every_cell_runs_to_its_end() {
    let (mut measured, mut keys, mut by_cell, mut places) = (0, Vec::new(), HashMap::new(), Vec::new());
    measure("", small, |name, spec, outcome| {
        assert!(!outcome.figures.is_empty() && !outcome.findings.is_empty(), "{name} shows nothing");
        for finding in &outcome.findings {
            assert!(finding.value.is_some(), "{name}: {} has no number: {}", finding.key, finding.text);
            assert!(matches_any(spec.experiment.finding_keys(), &finding.key), "{name} finds {}", finding.key);
        }
        for figure in &outcome.figures {
            if let Figure::Plot(plot) = figure {
                assert!(plot.series.iter().all(|series| !series.points.is_empty()), "{name}: {}", plot.title);
            }
            fits(name, figure, pages(outcome, PANE.0, PANE.1, None).len());
        }
        places.extend(shown_where_stated(name, outcome));
        read_to_its_last_page(name, outcome);
        let found: Vec<String> = outcome.findings.iter().map(|finding| finding.key.clone()).collect();
        keys.extend(found.iter().cloned());
        by_cell.insert(name.to_string(), found);
        measured += 1;
    });
    let library = Library::english();
    let cells = library.lessons.iter().flat_map(Document::cells);
    let all = cells.filter(|cell| matches!(cell.body, CellBody::Experiment(_))).count();
    assert_eq!(measured, all);
    claims_ask_for_what_is_found(&keys);
    let decided = predictions_are_decided_by(&by_cell, is_stretch);
    assert!(decided >= 25, "only {decided} predictions");
    // The numbers that are predicted and that a plot or a table shows.
    for predicted in [
        "curves.steepest.sigmoid",
        "sparsity.active.sigmoid",
        "activity.ink.plain",
        "sparse-coding.nonzero",
        "two-atoms.second",
        "dying.dead.relu.0.6",
        "dying.low-bias.dead.leaky.0.1",
        "relu-forms.at-zero.maximum",
    ] {
        assert!(places.iter().any(|place| place == predicted), "{predicted} has no place");
    }
}

/// The figures that claim to show a finding contain its measured number at that position.
fn shown_where_stated(name: &str, outcome: &Outcome) -> Vec<String> {
    let value = |key: &str| {
        let finding = outcome.findings.iter().find(|finding| finding.key == key);
        finding.unwrap_or_else(|| panic!("{name} shows `{key}`, which it does not find")).value
    };
    let mut shown = Vec::new();
    for figure in &outcome.figures {
        match figure {
            Figure::Plot(plot) => {
                for place in &plot.places {
                    let wanted = value(&place.finding).unwrap();
                    let is_it =
                        |x: f64, y: f64| (x - place.x).abs() < 1e-9 && (y - wanted).abs() <= 1e-9 * wanted.abs();
                    let points = plot.series.iter().flat_map(|series| &series.points);
                    let drawn = points.filter_map(|(x, y)| Some((*x, (*y)?)));
                    let mut all = drawn.chain(plot.marks.iter().map(|mark| (mark.at[0], mark.at[1])));
                    assert!(all.any(|(x, y)| is_it(x, y)), "{name}: {place:?} is not at {wanted}");
                    shown.push(place.finding.clone());
                }
            }
            Figure::Table(table) => {
                for place in &table.places {
                    let cell = &table.rows[place.row][place.column];
                    let number = cell.split(' ').next().unwrap();
                    let decimals = number.split_once('.').map_or(0, |(_, behind)| behind.len());
                    let expected = value(&place.finding).map_or("-".into(), |value| format!("{value:.decimals$}"));
                    assert_eq!(number, expected, "{name}: {place:?}");
                    shown.push(place.finding.clone());
                }
            }
            _ => {}
        }
    }
    shown
}

/// On the smallest screen every page can be reached, and the values of every curve can be read completely.
fn read_to_its_last_page(name: &str, outcome: &Outcome) {
    let (lesson, cell) = name.split_once('/').unwrap_or_default();
    let mut session = Session::on(lesson, 80, 24);
    session.tab_to(cell);
    let key = CellKey { lesson: lesson.into(), cell: cell.into() };
    let body = session.app.focused().map(|cell| cell.body.clone());
    let Some(CellBody::Experiment(body)) = body else { panic!("{name} is no experiment") };
    session.store_outcome(key.clone(), body.spec, outcome.clone());
    let number = session.app.view.focus.unwrap_or(0);
    let shown = |session: &Session| session.app.pages_of(&key, number).unwrap_or_default();
    for page in 0..shown(&session).0.len() {
        assert_eq!(shown(&session).1, page, "{name}");
        session.press(KeyCode::Char('v'));
        while let Some((pane, cursor)) = session.app.cursor().map(|(pane, cursor)| (pane.clone(), cursor)) {
            let readout = session.app.readout(&pane).unwrap_or_default();
            let printed = |room| readout.describe(cursor, room).unwrap_or_default();
            let (whole, source) = (printed(usize::MAX), format!(" ({})", readout.curves[cursor.curve].source));
            let values = &whole[readout.curves[cursor.curve].name.len()..];
            let values = values.strip_suffix(&source).unwrap_or(values);
            // A long name has a line of its own.
            let values = values.strip_prefix(": ").unwrap_or(values);
            let screen = session.screen(&RICH);
            assert!(screen.contains(values), "{name}: {whole}\n{screen}");
            session.press(KeyCode::Down);
            if session.app.cursor() == Some((&pane, cursor)) {
                session.press(KeyCode::Esc);
            }
        }
        session.press(KeyCode::Char(']'));
    }
    assert_eq!(shown(&session).1 + 1, shown(&session).0.len(), "{name}");
}

/// Such a small setting does not reach every range of zeros; the ranges have four names.
fn is_stretch(key: &str) -> bool {
    ["below", "band", "above", "far-above"]
        .iter()
        .any(|name| ["l1", "forced"].iter().any(|way| key == format!("sparsity-error.{way}.{name}-ratio")))
}

/// A misspelt key would leave a claim untested for ever.
fn claims_ask_for_what_is_found(keys: &[String]) {
    let mut claims = 0;
    for lesson in &Library::english().lessons {
        for cell in lesson.cells() {
            let CellBody::Claim(claim) = &cell.body else { continue };
            for key in claim.tests.iter().flat_map(Test::findings) {
                let known = is_stretch(key) || keys.iter().any(|found| found == key) || key.starts_with("race.");
                assert!(known, "the claim `{}` asks for `{key}`, which no cell finds", cell.id);
            }
            claims += 1;
        }
    }
    assert!(claims >= 25, "only {claims} claims");
}

/// A complete run of a training cell, in which every error is the same.
fn raced(spec: &Study) -> Vec<String> {
    let lanes = spec.arm_ids().flat_map(|arm| spec.seeds.iter().map(move |&seed| (arm, seed)));
    let records = lanes.flat_map(|(arm, seed)| {
        (1..=spec.epochs).map(move |epoch| {
            let mut record = EpochRecord::new(
                Lane { arm, seed },
                epoch,
                [
                    (Metric::TrainLoss, 0.1),
                    (Metric::ValError, 1.0),
                    (Metric::TestError, 1.0),
                    (Metric::Seconds, 1.0),
                    (Metric::ImagesPerSecond, 1.0),
                ],
            );
            let widths = &spec.settings(arm).unwrap().widths;
            for layer in spec.network.hidden_layers(widths) {
                record.measured.set(Measurement { metric: Metric::Zeros, layer: Some(layer), value: 50.0 });
            }
            record
        })
    });
    let records: Vec<EpochRecord> = records.collect();
    let findings = run_findings(spec, &records, &[], true).into_iter().chain(layer_findings(spec, &records, &[]));
    findings.map(|finding| finding.key).collect()
}

/// Decided by what the deciding cell itself finds, whatever other cells have under the same keys; otherwise a
/// prediction would wait for ever. Returns how many are decided by the measured cells, and by runs.
fn predictions_are_decided_by(by_cell: &HashMap<String, Vec<String>>, is_excused: fn(&str) -> bool) -> usize {
    let library = Library::english();
    let mut decided = 0;
    for lesson in &library.lessons {
        for cell in lesson.cells() {
            let CellBody::Predict(predict) = &cell.body else { continue };
            let decision = predict.decides.as_ref().unwrap();
            let key = decision.cell_key(&lesson.meta.id);
            let decider = &library.lessons[library.find(&key.lesson).unwrap()];
            let found = match &decider.cell(&key.cell).unwrap().body {
                CellBody::Train(race) => Some(raced(&race.spec())),
                _ => by_cell.get(&format!("{}/{}", key.lesson, key.cell)).cloned(),
            };
            let Some(found) = found else { continue };
            for wanted in decision.findings() {
                let is_found = found.iter().any(|key| key == wanted) || is_excused(wanted);
                assert!(is_found, "{}/{} waits for `{wanted}`, among {found:?}", lesson.meta.id, cell.id);
            }
            decided += 1;
        }
    }
    decided
}

/// Every finding has a plausible finite number, with a spread if there are several seeds; every curve has points.
fn sound(name: &str, outcome: &Outcome) {
    assert!(!outcome.findings.is_empty(), "{name} finds nothing");
    assert_eq!(outcome.clone().remove_non_finite(), Vec::<String>::new(), "{name}");
    for finding in &outcome.findings {
        let value = finding.value.unwrap_or_else(|| panic!("{name}: {}", finding.text));
        assert!(finding.seeds.len() < 2 || finding.spread.is_some_and(|spread| spread >= 0.0), "{name}: {finding:?}");
        // Errors and shares are percentages.
        let parts: Vec<&str> = finding.key.split('.').collect();
        let is_share = |part: &&str| matches!(*part, "error" | "zeros" | "active" | "dead" | "still" | "switch");
        let is_percent =
            parts.iter().any(is_share) && !parts.contains(&"gain") && !finding.key.contains("deep-training.loss");
        assert!(!is_percent || (0.0..=100.0).contains(&value), "{name}: {} = {value}", finding.key);
    }
    for figure in &outcome.figures {
        if let Figure::Plot(plot) = figure {
            let drawn = |series: &PlotSeries| series.points.iter().any(|point| point.1.is_some());
            assert!(plot.series.iter().all(drawn), "{name}: {}", plot.title);
        }
    }
}

/// Takes minutes: every cell with its lesson's settings, printing what it found and how long it took.
/// `RELU_CELL=lesson/cell` selects some of them. `cargo test --test suite -- --ignored --nocapture cells`
#[test]
#[ignore = "minutes: every cell at the lessons' own settings"]
fn every_cell_at_its_own_setting() {
    let wanted = std::env::var("RELU_CELL").unwrap_or_default();
    let mut by_cell = HashMap::new();
    measure(
        &wanted,
        |experiment| experiment,
        |name, spec, outcome| {
            println!("{name}: {:.1} s, by default {:.1} s", outcome.seconds, spec.seconds());
            sound(name, outcome);
            shown_where_stated(name, outcome);
            by_cell.insert(name.into(), outcome.findings.iter().map(|finding| finding.key.clone()).collect());
            for figure in &outcome.figures {
                if let Figure::Table(table) = figure {
                    println!("    {}\n      {}", table.title, table.columns.join(" | "));
                    table.rows.iter().for_each(|row| println!("      {}", row.join(" | ")));
                }
            }
            for finding in &outcome.findings {
                let spread = finding.spread.map_or(String::new(), |spread| format!(" +- {spread:.3}"));
                println!("    {} = {:.4?}{spread}: {}", finding.key, finding.value, finding.text);
            }
        },
    );
    predictions_are_decided_by(&by_cell, |_| false);
}
