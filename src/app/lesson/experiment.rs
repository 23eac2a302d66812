//! The state of an experiment's cell: its last outcome, the running measurement, and the chosen setting.

use crate::App;
use crate::wrapping::wrap_options;
use lesson::{CellBody, ExperimentCell};
use protocol::{CellKey, Effort, ExperimentSpec, Outcome, Steer, Timings};

/// The state of an experiment's cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExperimentView {
    pub running: Option<RunningMeasurement>,
    /// The figures so far of the running measurement, or of one that was stopped.
    pub partial: Option<Outcome>,
    /// The settings of these figures.
    pub partial_spec: Option<ExperimentSpec>,
    /// The outcome of the last complete measurement.
    pub outcome: Option<Outcome>,
    /// The settings that it was measured with.
    pub spec: Option<ExperimentSpec>,
    /// When it finished, in seconds since 1970. Unknown to the notebook that saw it finish, until the store is read
    /// again.
    pub finished: Option<i64>,
    pub error: Option<String>,
    /// The page that the reader chose, counted from 0.
    pub page: usize,
    /// The reader's last steering, if any. The outcome that is shown may be an earlier one.
    pub steer: Option<Steer>,
    /// Whether it has been requested since the notebook was opened. A plot is requested once without a key.
    pub asked: bool,
    /// The setting that the reader chose. Otherwise it is that of the last outcome, or the lesson's.
    pub effort: Option<Effort>,
}

/// A running measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningMeasurement {
    /// The finished part, from 0 to 1.
    pub done: f64,
    pub doing: String,
    /// Seconds so far.
    pub seconds: f64,
    /// Unknown if the measurement began before this notebook listened.
    pub spec: Option<ExperimentSpec>,
}

impl RunningMeasurement {
    pub fn starting(spec: ExperimentSpec) -> Self {
        Self { done: 0.0, doing: "starting".into(), seconds: 0.0, spec: Some(spec) }
    }

    /// Seconds left at the pace so far; `None` before there is a pace.
    pub fn remaining_seconds(&self) -> Option<f64> {
        (self.done >= 0.02 && self.seconds >= 1.0).then(|| self.seconds * (1.0 - self.done) / self.done)
    }
}

/// How an outcome differs from what Enter would measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// The lesson's settings have changed.
    Settings,
    /// The quick setting was measured and the full one is chosen, or the other way round.
    Effort,
}

impl ExperimentView {
    /// The running measurement, if its progress is worth showing. A steered cell answers at once, so its pane stays as
    /// it is.
    pub fn progress(&self) -> Option<&RunningMeasurement> {
        self.running.as_ref().filter(|running| running.done > 0.0 || self.steer.is_none())
    }

    /// Whether the pane has figures to show, or will have in a moment.
    pub fn is_open(&self) -> bool {
        self.running.is_some() || self.shown().is_some()
    }

    /// The outcome that is shown: the figures so far, else the last complete outcome, else the figures of a stopped
    /// measurement.
    pub fn shown(&self) -> Option<&Outcome> {
        let partial = self.partial.as_ref();
        partial.filter(|_| self.running.is_some()).or(self.outcome.as_ref()).or(partial)
    }
}

/// What Enter would measure and how long it takes, and the other setting.
pub fn offer_lines(wanted: &ExperimentSpec, timings: &Timings) -> Vec<String> {
    let setting = if wanted.has_full() { format!(" ({} setting)", wanted.effort.name()) } else { String::new() };
    let mut lines = vec![format!("Enter measures; it takes {}{setting}.", timings.experiment(wanted))];
    if wanted.has_full() {
        let other = ExperimentSpec { effort: wanted.effort.other(), ..wanted.clone() };
        lines.push(format!("e chooses the {} setting: {}.", other.effort.name(), timings.experiment(&other)));
    }
    lines
}

/// Rows of the progress bar and of the step under way.
const PROGRESS_ROWS: u16 = 2;

/// Rows above the page: progress and error.
pub fn head_rows(view: &ExperimentView, width: u16) -> u16 {
    let rows = |text: &str| textwrap::wrap(text, wrap_options(usize::from(width.max(1)))).len() as u16;
    view.progress().map_or(0, |_| PROGRESS_ROWS) + view.error.as_deref().map_or(0, rows)
}

impl App {
    /// What Enter would measure in this cell.
    pub fn requested_spec(&self, key: &CellKey, cell: &ExperimentCell) -> ExperimentSpec {
        let view = self.experiments.get(key);
        let measured = || view.and_then(|view| view.spec.as_ref()).map(|spec| spec.effort);
        let effort = view.and_then(|view| view.effort).or_else(measured).unwrap_or(cell.spec.effort);
        let mut spec = ExperimentSpec { effort, ..cell.spec.clone() };
        if let Some(steer) = view.and_then(|view| view.steer) {
            spec.experiment = spec.experiment.steered(steer);
        }
        spec
    }

    /// The same for a cell of any lesson; `None` if no lesson has it.
    pub(crate) fn requested_spec_of(&self, key: &CellKey) -> Option<ExperimentSpec> {
        match &self.library.lessons[self.library.find(&key.lesson)?].cell(&key.cell)?.body {
            CellBody::Experiment(cell) => Some(self.requested_spec(key, cell)),
            _ => None,
        }
    }

    /// How the outcome of a cell differs from what Enter would measure; `None` if it does not.
    pub fn stale(&self, key: &CellKey) -> Option<Stale> {
        let measured = self.experiments.get(key)?.spec.as_ref()?;
        match self.requested_spec_of(key) {
            Some(wanted) if !wanted.has_same_findings(measured) => Some(Stale::Settings),
            Some(wanted) if wanted.effort != measured.effort && wanted.has_full() => Some(Stale::Effort),
            Some(_) => None,
            None => Some(Stale::Settings),
        }
    }

    pub fn is_stale(&self, key: &CellKey) -> bool {
        self.stale(key).is_some()
    }

    /// The outcome of an experiment with its lesson's settings, quick or full.
    pub(crate) fn outcome_with_lesson_settings(&self, key: &CellKey) -> Option<&Outcome> {
        let view = self.experiments.get(key).filter(|_| self.stale(key) != Some(Stale::Settings))?;
        view.outcome.as_ref()
    }
}
