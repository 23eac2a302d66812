//! Which runs the laboratory shows together with its own, and in what their settings differ.

use crate::chart::{ChartRun, RunRole};
use crate::{App, Effect, StoreQuery, TrainingRun};
use crossterm::event::KeyCode;
use protocol::{RunId, steered_arms};

/// Runs that are shown together at most.
pub(crate) const MOST_SHOWN: usize = 8;

/// The list of runs to choose from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OverlayList {
    pub selected: usize,
}

impl OverlayList {
    /// The first run shown in so many rows.
    pub fn first_shown(&self, rows: usize) -> usize {
        (self.selected + 1).saturating_sub(rows.max(1))
    }
}

impl App {
    /// The runs that the laboratory shows: its own, then those that were laid over it. What is still being read is left
    /// out.
    pub fn lab_runs(&self) -> Vec<&TrainingRun> {
        let shown = self.lab.run.iter().chain(&self.lab.overlaid);
        shown.filter_map(|run| self.training_runs.get(run)).collect()
    }

    /// The same for the chart: a run from which another one was forked stands faint behind it.
    pub fn lab_chart_runs(&self) -> Vec<ChartRun<'_>> {
        let runs = self.lab_runs();
        let is_parent = |run: RunId| {
            let mut forks = runs.iter().filter(|other| other.run != run).filter_map(|other| other.fork);
            forks.any(|fork| fork.parent == run)
        };
        let mut shown: Vec<ChartRun> = runs.iter().map(|training| ChartRun::new(training)).collect();
        for run in shown.iter_mut().skip(1).filter(|run| is_parent(run.training.run)) {
            run.role = RunRole::Ghost;
        }
        shown
    }

    /// Whether a run is shown in the laboratory.
    pub fn lab_shows(&self, run: RunId) -> bool {
        self.lab.run == Some(run) || self.lab.overlaid.contains(&run)
    }

    /// In what a run's settings are not those of the laboratory's own run, or without one of its table.
    pub fn lab_differences(&self, run: RunId) -> Vec<String> {
        let listed = || {
            let summary = self.runs.iter().find(|summary| summary.run == run);
            summary.map(|summary| (&summary.spec, &summary.steerings))
        };
        let training = self.training_runs.get(&run).map(|training| (&training.spec, &training.steerings));
        let own = self.lab_training().map(|training| &training.spec).or(self.lab.table.study().ok());
        let (Some((spec, steerings)), Some(own)) = (training.or_else(listed), own) else { return Vec::new() };
        let steered = steered_arms(spec, steerings).into_iter().map(|arm| format!("steered, {arm}"));
        spec.other_than(own).into_iter().chain(steered).collect()
    }

    pub(super) fn open_overlay_list(&mut self) -> Vec<Effect> {
        if self.runs.is_empty() {
            self.message = Some("nothing has been trained here yet".into());
            return Vec::new();
        }
        self.lab.overlay = Some(OverlayList::default());
        vec![Effect::Query(StoreQuery::Runs)]
    }

    pub(super) fn overlay_key(&mut self, mut list: OverlayList, code: KeyCode) -> Vec<Effect> {
        let last = self.runs.len().saturating_sub(1);
        let mut effects = Vec::new();
        match code {
            KeyCode::Esc | KeyCode::Char('q' | 'o') => return effects,
            KeyCode::Up | KeyCode::Char('k') => list.selected = list.selected.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => list.selected = (list.selected + 1).min(last),
            KeyCode::PageUp => list.selected = list.selected.saturating_sub(10),
            KeyCode::PageDown => list.selected = (list.selected + 10).min(last),
            KeyCode::Home => list.selected = 0,
            KeyCode::End => list.selected = last,
            KeyCode::Enter | KeyCode::Char(' ') => {
                if let Some(run) = self.runs.get(list.selected).map(|summary| summary.run) {
                    effects = self.toggle_overlaid(run);
                }
            }
            _ => {}
        }
        self.lab.overlay = Some(list);
        effects
    }

    /// Lays a run over the laboratory's own, or takes it away. Without one of its own that run becomes it.
    pub(super) fn toggle_overlaid(&mut self, run: RunId) -> Vec<Effect> {
        self.fit_lab_chart();
        let lab = &mut self.lab;
        if lab.run == Some(run) {
            lab.run = (!lab.overlaid.is_empty()).then(|| lab.overlaid.remove(0));
        } else if let Some(at) = lab.overlaid.iter().position(|shown| *shown == run) {
            lab.overlaid.remove(at);
        } else if lab.run.is_none() {
            lab.run = Some(run);
        } else if lab.overlaid.len() + 1 < MOST_SHOWN {
            lab.overlaid.push(run);
        } else {
            self.message = Some(format!("{MOST_SHOWN} runs are shown; take one away first"));
        }
        let is_unknown = self.lab_shows(run) && !self.training_runs.contains_key(&run);
        is_unknown.then_some(Effect::Query(StoreQuery::Run(run))).into_iter().collect()
    }
}
