//! Every cell of the shipped lessons, run to its end on LibTorch at a small setting.

use relu_notebook::learn::Dataset;
use relu_notebook::learn::experiment::{Cabinet, CellObserver, Context, run};
use relu_notebook::lesson::{CellBody, Library};
use relu_notebook::protocol::{DataSource, Experiment, Figure, Outcome};
use std::sync::Arc;

struct Patient;

impl CellObserver for Patient {
    fn progress(&mut self, done: f64, _: &str, _: Option<&Outcome>) {
        assert!((0.0..=1.0).contains(&done));
    }
    fn should_stop(&mut self) -> bool {
        false
    }
}

/// The same measurement with fewer images, smaller networks, fewer epochs: a second or two.
fn small(mut experiment: Experiment) -> Experiment {
    match &mut experiment {
        Experiment::Curves(_) | Experiment::ReluForms(_) | Experiment::AlexnetFigure(_) => {}
        Experiment::Lif(lif) => lif.milliseconds = 200.0,
        Experiment::ActiveFraction(fraction) => (fraction.width, fraction.images) = (64, 100),
        Experiment::GradientDepth(gradient) => (gradient.depth, gradient.width, gradient.images) = (5, 32, 32),
    }
    experiment
}

#[test]
fn every_cell_runs_to_its_end() {
    let library = Library::english();
    let load = || Dataset::load(&DataSource::Mnist).map(Arc::new);
    let cabinet = Cabinet::default();
    let context = Context { mnist: &load, cabinet: &cabinet };
    let mut measured = 0;
    for lesson in &library.lessons {
        for cell in lesson.cells() {
            let CellBody::Experiment(body) = &cell.body else { continue };
            let mut spec = body.spec.clone();
            spec.experiment = small(spec.experiment);
            let name = format!("{}/{}", lesson.meta.id, cell.id);
            let outcome = run(&spec, &context, &mut Patient).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!outcome.figures.is_empty() && !outcome.findings.is_empty(), "{name} shows nothing");
            for finding in &outcome.findings {
                assert!(finding.value.is_finite(), "{name}: {} is {}", finding.key, finding.value);
            }
            for figure in &outcome.figures {
                if let Figure::Plot(plot) = figure {
                    assert!(plot.series.iter().all(|series| !series.points.is_empty()), "{name}: {}", plot.title);
                }
            }
            measured += 1;
        }
    }
    assert!(measured >= 6, "only {measured} cells");
}
