//! The cells of experiments in the open lesson: their size on the screen, and what starts a measurement.

use super::experiment::{ExperimentView, RunningMeasurement, head_rows, offer_lines};
use super::pages::{AROUND, page_rows};
use super::questions::pane_height;
use crate::{App, Effect, Tag, ViewCellState};
use lesson::{Cell, CellBody, ExperimentCell};
use protocol::{CellKey, Effort, ExperimentSpec, RequestBody};
use ratatui::layout::Rect;

impl App {
    /// The rows of those cells of the open lesson whose height changes with their outcome; 0 for the others. A train
    /// cell has two heights: 1 stands for the one with a run, 0 for the one without.
    pub(crate) fn panes(&self) -> Vec<u16> {
        let cells = self.document().cells();
        let pane = |cell: &&Cell| match &cell.body {
            CellBody::Train(_) => u16::from(self.has_run(&self.key_of(cell))),
            CellBody::Predict(_) => self.question_height(&self.key_of(cell), &cell.body, self.screen.text.width),
            CellBody::Predictions(_) => self.predictions_height(self.screen.text.width),
            CellBody::View(view) => self.view_cell_height(&self.key_of(cell), view),
            CellBody::Experiment(_) | CellBody::Quiz(_) | CellBody::Claim(_) => {
                self.pane_rows(self.experiments.get(&self.key_of(cell))).unwrap_or(0)
            }
        };
        cells.iter().map(pane).collect()
    }

    /// Rows of an open pane: those of its highest page, if the screen has them.
    fn pane_rows(&self, view: Option<&ExperimentView>) -> Option<u16> {
        let view = view.filter(|view| view.is_open())?;
        let most = pane_height(self.screen.text.height);
        let width = self.screen.pane.width.saturating_sub(4);
        let rows = view.outcome.as_ref().and_then(|whole| page_rows(whole, width));
        Some(rows.map_or(most, |rows| rows.saturating_add(AROUND + head_rows(view, width)).min(most)))
    }

    /// The columns of a cell. A pane with figures may be wider than the text.
    pub fn cell_room(&self, cell: &Cell) -> Rect {
        let open = match &cell.body {
            CellBody::Train(_) => true,
            CellBody::Experiment(_) => self.experiments.get(&self.key_of(cell)).is_some_and(ExperimentView::is_open),
            CellBody::View(view) => {
                matches!(self.view_cell_state(&self.key_of(cell), view), ViewCellState::Run(..))
            }
            CellBody::Predict(_) | CellBody::Claim(_) | CellBody::Quiz(_) | CellBody::Predictions(_) => false,
        };
        if open { self.screen.pane } else { self.screen.text }
    }

    /// Rows of an experiment's cell: those of its pane, or of the offer to measure.
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

    /// Starts a measurement and scrolls all of its pane into view.
    pub(crate) fn start_experiment(&mut self, key: CellKey, spec: ExperimentSpec) -> Vec<Effect> {
        let cell = self.view.focus;
        let effects = self.measure(key, spec);
        // The pane may be higher than the part of the screen that the offer was on.
        self.lay_out();
        if let Some(cell) = cell.filter(|_| !self.screen.is_too_small()) {
            self.view.show_cell(cell);
        }
        effects
    }

    /// Measures the visible plots that have no outcome. They take less than a second, so nobody has to ask for them.
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

    /// Requests a measurement from the kernel.
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
