//! The cells of experiments in the open lesson: their size on the screen, and what starts a measurement.

use super::experiment::{ExperimentView, RunningMeasurement, Stale, head_rows, offer_lines};
use super::pages::{AROUND, page_rows};
use super::questions::pane_height;
use crate::{App, Effect, Tag};
use lesson::{Cell, CellBody, ExperimentCell};
use protocol::{CellKey, Effort, ExperimentSpec, RequestBody};
use ratatui::layout::Rect;

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
        let offered: usize = offer_lines(&self.requested_spec(key, cell), &self.timings)
            .iter()
            .map(|line| textwrap::wrap(line, crate::wrap_options(usize::from(inner))).len())
            .sum();
        // The frame, and a blank row above and below.
        4 + offered as u16 + view.map_or(0, |view| head_rows(view, inner))
    }

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

    /// The same, of a cell in any lesson; `None` if the lessons have it no more.
    pub(crate) fn requested_spec_of(&self, key: &CellKey) -> Option<ExperimentSpec> {
        match &self.library.lessons[self.library.find(&key.lesson)?].cell(&key.cell)?.body {
            CellBody::Experiment(cell) => Some(self.requested_spec(key, cell)),
            _ => None,
        }
    }

    /// Whether a kept measurement is not what Enter would measure.
    pub fn stale(&self, key: &CellKey) -> Option<Stale> {
        let measured = self.experiments.get(key)?.spec.as_ref()?;
        match self.requested_spec_of(key) {
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
    pub(crate) fn measure_visible_plots(&mut self) -> Vec<Effect> {
        let empty = |view: Option<&ExperimentView>| view.is_none_or(|view| !view.asked && !view.is_open());
        let mut wanted = Vec::new();
        for (number, cell) in self.document().cells().into_iter().enumerate() {
            let key = self.key_of(cell);
            if let CellBody::Experiment(plot) = &cell.body
                && plot.at_once
                && self.view.sees_cell(number)
                && empty(self.experiments.get(&key))
            {
                let spec = self.requested_spec(&key, plot);
                wanted.push((key, spec));
            }
        }
        wanted.into_iter().flat_map(|(key, spec)| self.measure(key, spec)).collect()
    }

    /// Asks the kernel for the measurement.
    pub(crate) fn measure(&mut self, key: CellKey, spec: ExperimentSpec) -> Vec<Effect> {
        let view = self.experiments.entry(key.clone()).or_default();
        view.running = Some(RunningMeasurement::starting(spec.clone()));
        view.asked = true;
        (view.partial, view.partial_spec, view.error) = (None, Some(spec.clone()), None);
        vec![Effect::Request(Tag::Cell(key.clone()), RequestBody::RunCell { cell: key, spec })]
    }

    /// Chooses the quick or the full setting of an experiment.
    pub(crate) fn choose_effort(&mut self, key: CellKey, effort: Effort) {
        let time =
            self.requested_spec_of(&key).map(|wanted| self.experiment_estimate(&ExperimentSpec { effort, ..wanted }));
        self.experiments.entry(key).or_default().effort = Some(effort);
        self.message = time.map(|time| format!("{}, {time}: Enter measures", effort.name()));
    }

    /// The experiment in view, and what Enter would measure.
    pub(crate) fn focused_experiment(&self) -> Option<(CellKey, ExperimentSpec)> {
        let cell = self.focused()?;
        let CellBody::Experiment(experiment) = &cell.body else { return None };
        let key = self.key_of(cell);
        let wanted = self.requested_spec(&key, experiment);
        Some((key, wanted))
    }
}
