//! An experiment's cell as the notebook knows it: what was measured, what is under way, and how thoroughly the reader
//! wants it.

use crate::wrapping::wrap_options;
use protocol::{Effort, ExperimentSpec, Outcome, Steer, Timings};

/// Where a lesson's experiment cell stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExperimentView {
    pub running: Option<RunningMeasurement>,
    /// Figures so far of the measurement that is under way, or of one that was stopped.
    pub partial: Option<Outcome>,
    /// The settings of these figures.
    pub partial_spec: Option<ExperimentSpec>,
    /// The last measurement that came to its end.
    pub outcome: Option<Outcome>,
    /// The settings that it was measured with.
    pub spec: Option<ExperimentSpec>,
    /// When, in seconds since 1970; unknown as long as the notebook that saw it measured is open.
    pub finished: Option<i64>,
    pub error: Option<String>,
    /// The page that the reader chose, counted from 0.
    pub page: usize,
    /// How the reader has steered it, if it was; what is shown may still be on its way there.
    pub steer: Option<Steer>,
    /// Whether it has been asked for since the notebook was opened: a plot asks by itself once.
    pub asked: bool,
    /// What the reader chose; otherwise what was measured with counts, or what the lesson says.
    pub effort: Option<Effort>,
}

/// A measurement under way.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningMeasurement {
    /// 0 to 1.
    pub done: f64,
    pub doing: String,
    /// How long it has taken so far.
    pub seconds: f64,
    /// Unknown when another notebook asked for it before this one listened.
    pub spec: Option<ExperimentSpec>,
}

impl RunningMeasurement {
    pub fn starting(spec: ExperimentSpec) -> Self {
        Self { done: 0.0, doing: "starting".into(), seconds: 0.0, spec: Some(spec) }
    }

    /// What is left at the pace so far; `None` before there is a pace.
    pub fn remaining_seconds(&self) -> Option<f64> {
        (self.done >= 0.02 && self.seconds >= 1.0).then(|| self.seconds * (1.0 - self.done) / self.done)
    }
}

/// In what a kept measurement differs from what Enter would measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// The lesson's settings are others now.
    Settings,
    /// Quick was measured and full is chosen, or the other way round.
    Effort,
}

impl ExperimentView {
    /// A measurement under way that is worth a line. A steered cell answers at once: its pane keeps still.
    pub fn progress(&self) -> Option<&RunningMeasurement> {
        self.running.as_ref().filter(|running| running.done > 0.0 || self.steer.is_none())
    }

    /// Whether there is something to see, or will be in a moment.
    pub fn is_open(&self) -> bool {
        self.running.is_some() || self.shown().is_some()
    }

    /// What there is to see: the figures so far, else the last whole measurement, else what a stopped one left.
    pub fn shown(&self) -> Option<&Outcome> {
        let partial = self.partial.as_ref();
        partial.filter(|_| self.running.is_some()).or(self.outcome.as_ref()).or(partial)
    }
}

/// What Enter would measure, how long it would take, and what else there is to choose.
pub fn offer_lines(wanted: &ExperimentSpec, timings: &Timings) -> Vec<String> {
    let setting = if wanted.has_full() { format!(" ({} setting)", wanted.effort.name()) } else { String::new() };
    let mut lines = vec![format!("Enter measures; it takes {}{setting}.", timings.experiment(wanted))];
    if wanted.has_full() {
        let other = ExperimentSpec { effort: wanted.effort.other(), ..wanted.clone() };
        lines.push(format!("e chooses the {} setting: {}.", other.effort.name(), timings.experiment(&other)));
    }
    lines
}

/// The bar of a measurement under way, and what it does.
const PROGRESS_ROWS: u16 = 2;

/// Rows above the page: what runs, and what went wrong.
pub fn head_rows(view: &ExperimentView, width: u16) -> u16 {
    let rows = |text: &str| textwrap::wrap(text, wrap_options(usize::from(width.max(1)))).len() as u16;
    view.progress().map_or(0, |_| PROGRESS_ROWS) + view.error.as_deref().map_or(0, rows)
}
