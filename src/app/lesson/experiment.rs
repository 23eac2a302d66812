//! An experiment's cell as the notebook knows it: what was measured, what is under way, and how thoroughly the reader
//! wants it.

use crate::lesson::pages::{AROUND, page_rows};
use crate::lesson::questions::pane_height;
use crate::{App, Effect, Tag, head_rows};
use lesson::{Cell, CellBody, ExperimentCell};
use protocol::{CellKey, Effort, ExperimentSpec, Outcome, RequestBody, Steer, Timings};
use ratatui::layout::Rect;

/// Where a lesson's experiment cell stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExperimentView {
    pub running: Option<Running>,
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
pub struct Running {
    /// 0 to 1.
    pub done: f64,
    pub doing: String,
    /// How long it has taken so far.
    pub seconds: f64,
    /// Unknown when another notebook asked for it before this one listened.
    pub spec: Option<ExperimentSpec>,
}

impl Running {
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
    pub fn progress(&self) -> Option<&Running> {
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
pub fn offer(wanted: &ExperimentSpec, timings: &Timings) -> Vec<String> {
    let setting = if wanted.has_full() { format!(" ({} setting)", wanted.effort.name()) } else { String::new() };
    let mut lines = vec![format!("Enter measures; it takes {}{setting}.", timings.experiment(wanted))];
    if wanted.has_full() {
        let other = ExperimentSpec { effort: wanted.effort.other(), ..wanted.clone() };
        lines.push(format!("e chooses the {} setting: {}.", other.effort.name(), timings.experiment(&other)));
    }
    lines
}

impl App {
    /// The rows of each cell of the open lesson that change with what is measured; 0 for the others. A race has one size
    /// with a run and another without: 1 and 0.
    pub(crate) fn panes(&self) -> Vec<u16> {
        let cells = self.document().cells();
        let pane = |cell: &&Cell| match &cell.body {
            CellBody::Train(_) => u16::from(self.has_run(&self.key_of(cell))),
            CellBody::Predict(_) => self.question_height(&self.key_of(cell), &cell.body, self.screen.text.width),
            CellBody::Predictions(_) => self.predictions_height(self.screen.text.width),
            CellBody::Experiment(_) | CellBody::Quiz(_) | CellBody::Claim(_) => {
                self.pane_rows(self.experiments.get(&self.key_of(cell))).unwrap_or(0)
            }
        };
        cells.iter().map(pane).collect()
    }

    /// Rows of an open pane: as many as its highest page takes, of what there is.
    fn pane_rows(&self, view: Option<&ExperimentView>) -> Option<u16> {
        let view = view.filter(|view| view.is_open())?;
        let most = pane_height(self.screen.text.height);
        let width = self.screen.pane.width.saturating_sub(4);
        let rows = view.outcome.as_ref().and_then(|whole| page_rows(whole, width));
        Some(rows.map_or(most, |rows| rows.saturating_add(AROUND + head_rows(view, width)).min(most)))
    }

    /// Where a cell stands on the screen: a pane with figures may reach beyond the text.
    pub fn cell_room(&self, cell: &Cell) -> Rect {
        let open = match &cell.body {
            CellBody::Train(_) => true,
            CellBody::Experiment(_) => self.experiments.get(&self.key_of(cell)).is_some_and(ExperimentView::is_open),
            CellBody::Predict(_) | CellBody::Claim(_) | CellBody::Quiz(_) | CellBody::Predictions(_) => false,
        };
        if open { self.screen.pane } else { self.screen.text }
    }

    /// Rows of an experiment's cell: a pane for its figures, or the offer to measure them.
    pub(crate) fn experiment_height(&self, key: &CellKey, cell: &ExperimentCell, width: u16) -> u16 {
        let view = self.experiments.get(key);
        if let Some(rows) = self.pane_rows(view) {
            return rows;
        }
        let inner = width.saturating_sub(4).max(10);
        let offered: usize = offer(&self.wanted(key, cell), &self.timings)
            .iter()
            .map(|line| textwrap::wrap(line, crate::lines_of(usize::from(inner))).len())
            .sum();
        // The frame, and a blank row above and below.
        4 + offered as u16 + view.map_or(0, |view| head_rows(view, inner))
    }

    /// What Enter would measure in this cell.
    pub fn wanted(&self, key: &CellKey, cell: &ExperimentCell) -> ExperimentSpec {
        let view = self.experiments.get(key);
        let measured = || view.and_then(|view| view.spec.as_ref()).map(|spec| spec.effort);
        let effort = view.and_then(|view| view.effort).or_else(measured).unwrap_or(cell.spec.effort);
        let mut spec = ExperimentSpec { effort, ..cell.spec.clone() };
        if let Some(steer) = view.and_then(|view| view.steer) {
            spec.experiment = spec.experiment.steered(steer);
        }
        spec
    }

    /// The same, of a cell in any lesson; `None` if the lessons have it no more.
    pub(crate) fn wanted_of(&self, key: &CellKey) -> Option<ExperimentSpec> {
        match &self.library.lessons[self.library.find(&key.lesson)?].cell(&key.cell)?.body {
            CellBody::Experiment(cell) => Some(self.wanted(key, cell)),
            _ => None,
        }
    }

    /// Whether a kept measurement is not what Enter would measure.
    pub fn stale(&self, key: &CellKey) -> Option<Stale> {
        let measured = self.experiments.get(key)?.spec.as_ref()?;
        match self.wanted_of(key) {
            Some(wanted) if !wanted.finds_the_same(measured) => Some(Stale::Settings),
            Some(wanted) if wanted.effort != measured.effort && wanted.has_full() => Some(Stale::Effort),
            Some(_) => None,
            None => Some(Stale::Settings),
        }
    }

    pub fn is_stale(&self, key: &CellKey) -> bool {
        self.stale(key).is_some()
    }

    /// Starts a measurement for the reader, who sees all of its pane.
    pub(crate) fn start_experiment(&mut self, key: CellKey, spec: ExperimentSpec) -> Vec<Effect> {
        let cell = self.view.focus;
        let effects = self.measure(key, spec);
        // The pane that opens may be higher than what is left of the screen beneath the offer.
        self.lay_out();
        if let Some(cell) = cell.filter(|_| !self.screen.is_too_small()) {
            self.view.show_cell(cell);
        }
        effects
    }

    /// Measures the plots on the screen that have nothing to show: they take no time worth asking for.
    pub(crate) fn fill_plots(&mut self) -> Vec<Effect> {
        let empty = |view: Option<&ExperimentView>| view.is_none_or(|view| !view.asked && !view.is_open());
        let mut wanted = Vec::new();
        for (number, cell) in self.document().cells().into_iter().enumerate() {
            let key = self.key_of(cell);
            if let CellBody::Experiment(plot) = &cell.body
                && plot.at_once
                && self.view.sees_cell(number)
                && empty(self.experiments.get(&key))
            {
                let spec = self.wanted(&key, plot);
                wanted.push((key, spec));
            }
        }
        wanted.into_iter().flat_map(|(key, spec)| self.measure(key, spec)).collect()
    }

    /// Asks the kernel for the measurement.
    pub(crate) fn measure(&mut self, key: CellKey, spec: ExperimentSpec) -> Vec<Effect> {
        let view = self.experiments.entry(key.clone()).or_default();
        view.running = Some(Running::starting(spec.clone()));
        view.asked = true;
        (view.partial, view.partial_spec, view.error) = (None, Some(spec.clone()), None);
        vec![Effect::Request(Tag::Cell(key.clone()), RequestBody::RunCell { cell: key, spec })]
    }

    /// Chooses the quick or the full setting of an experiment.
    pub(crate) fn choose_effort(&mut self, key: CellKey, effort: Effort) {
        let time = self.wanted_of(&key).map(|wanted| self.experiment_estimate(&ExperimentSpec { effort, ..wanted }));
        self.experiments.entry(key).or_default().effort = Some(effort);
        self.message = time.map(|time| format!("{}, {time}: Enter measures", effort.name()));
    }

    /// The experiment in view, and what Enter would measure.
    pub(crate) fn focused_experiment(&self) -> Option<(CellKey, ExperimentSpec)> {
        let cell = self.focused()?;
        let CellBody::Experiment(experiment) = &cell.body else { return None };
        let key = self.key_of(cell);
        let wanted = self.wanted(&key, experiment);
        Some((key, wanted))
    }
}
