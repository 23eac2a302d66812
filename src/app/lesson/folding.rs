//! Sealed blocks: folded until their cells have run or the reader unfolds them. Afterwards they stay unfolded, whatever
//! happens to the cells.

use crate::{App, Effect};
use lesson::{CellBody, Document, Sealed, Target};
use protocol::{CellKey, RunId, RunState};
use serde_json::Value;

/// The key that unfolds a block, as the line of a folded block names it.
pub(crate) const UNFOLD: char = 'u';

fn unfolded_key(key: &CellKey) -> String {
    format!("unfolded/{}/{}", key.lesson, key.cell)
}

impl App {
    /// Whether a block is folded.
    pub fn is_folded(&self, document: &Document, sealed: &Sealed) -> bool {
        let key = first_cell(document, sealed);
        let is_unfolded = self.unfolded.get(&key).is_some_and(|numbers| numbers.contains(&sealed.number));
        !is_unfolded && !self.has_run_cells(document, sealed)
    }

    /// Whether all the cells of a block have run.
    fn has_run_cells(&self, document: &Document, sealed: &Sealed) -> bool {
        sealed.cells.iter().all(|id| self.has_outcome(document, id))
    }

    fn has_outcome(&self, document: &Document, id: &str) -> bool {
        let key = CellKey { lesson: document.meta.id.clone(), cell: id.into() };
        match document.cell(id).map(|cell| &cell.body) {
            Some(CellBody::Train(_)) => {
                let runs = [&self.cell_runs, &self.other_runs];
                runs.into_iter().filter_map(|runs| runs.get(&key)).any(|run| self.has_ended(*run))
            }
            Some(CellBody::Experiment(_)) => {
                self.experiments.get(&key).is_some_and(|experiment| experiment.outcome.is_some())
            }
            Some(CellBody::Predict(predict)) => self.prediction(&key, predict).is_some(),
            Some(CellBody::Quiz(_) | CellBody::Claim(_) | CellBody::Predictions(_) | CellBody::View(_)) | None => false,
        }
    }

    /// Whether a run has finished, or was stopped after its first epoch. A run whose kernel has died can still be
    /// resumed.
    fn has_ended(&self, run: RunId) -> bool {
        let Some(training) = self.training_runs.get(&run) else { return false };
        match training.state {
            RunState::Finished => true,
            RunState::Stopped | RunState::Failed { .. } => training.lanes.iter().any(|lane| !lane.points.is_empty()),
            RunState::Queued | RunState::Running | RunState::Paused | RunState::Interrupted => false,
        }
    }

    /// Whether each sealed block of the open lesson is folded, in reading order.
    pub(crate) fn folds(&self) -> Vec<bool> {
        let document = self.document();
        document.sealed().into_iter().map(|sealed| self.is_folded(document, sealed)).collect()
    }

    /// Stores which blocks of the open lesson have been unfolded by cells whose state can be undone: a stopped run can
    /// be resumed or deleted, and an order taken back. The outcome of an experiment is only ever replaced.
    pub(crate) fn save_unfolded(&mut self) -> Vec<Effect> {
        let document = self.document();
        let can_be_undone = |sealed: &Sealed| {
            let is_measured =
                |id: &String| matches!(document.cell(id).map(|cell| &cell.body), Some(CellBody::Experiment(_)));
            !sealed.cells.iter().all(is_measured)
        };
        let run = document.sealed().into_iter().filter(|sealed| {
            let known = self.unfolded.get(&first_cell(document, sealed));
            !known.is_some_and(|numbers| numbers.contains(&sealed.number))
                && can_be_undone(sealed)
                && self.has_run_cells(document, sealed)
        });
        let run: Vec<(CellKey, usize)> = run.map(|sealed| (first_cell(document, sealed), sealed.number)).collect();
        run.into_iter().map(|(key, number)| self.mark_unfolded(&key, number)).collect()
    }

    /// Whether the reader has unfolded a block whose cells have not run.
    pub(crate) fn has_unfolded_early(&self) -> bool {
        let document = self.document();
        let is_waiting = |sealed: &&Sealed| !self.has_run_cells(document, sealed);
        document.sealed().into_iter().filter(is_waiting).any(|sealed| !self.is_folded(document, sealed))
    }

    fn mark_unfolded(&mut self, key: &CellKey, number: usize) -> Effect {
        let numbers = self.unfolded.entry(key.clone()).or_default();
        numbers.insert(number);
        Effect::remember(unfolded_key(key), serde_json::json!(numbers))
    }

    /// The block that the unfolding key acts on: the chosen one, else the first one on the screen.
    pub(crate) fn folded_in_view(&self) -> Option<(String, usize)> {
        let folded = |target: &Target| match target {
            Target::Sealed { cell, number } => Some((cell.clone(), *number)),
            _ => None,
        };
        let shown = self.view.top..self.view.top + self.view.height;
        let on_screen = || {
            let links = self.view.layout.links.iter();
            links.filter(|link| link.parts.first().is_some_and(|(line, _)| shown.contains(line)))
        };
        self.view.chosen_target().and_then(folded).or_else(|| on_screen().find_map(|link| folded(&link.target)))
    }

    /// Unfolds a block of the open lesson. Its first line stays where the folded one was, if the block's end fits on
    /// the screen.
    pub(crate) fn unfold(&mut self, cell: &str, number: usize) -> Vec<Effect> {
        let document = self.document();
        let mut sealed = document.sealed().into_iter();
        let Some(at) = sealed.position(|sealed| sealed.first_cell() == cell && sealed.number == number) else {
            return Vec::new();
        };
        let key = CellKey { lesson: document.meta.id.clone(), cell: cell.into() };
        let effect = self.mark_unfolded(&key, number);
        let top = self.view.top;
        self.view.link = None;
        self.lay_out();
        self.view.scroll_to(top);
        if let Some(lines) = self.view.layout.sealed.get(at).cloned() {
            let missing = lines.end.saturating_sub(top + self.view.height);
            self.view.scroll_to((top + missing).min(lines.start.max(top)));
        }
        let mut effects = vec![effect];
        effects.extend(self.save_position());
        effects
    }

    /// Folds the blocks of the open lesson again, except those whose cells have run.
    pub(crate) fn refold(&mut self) -> Vec<Effect> {
        let lesson = self.document().meta.id.clone();
        let keys: Vec<CellKey> = self.unfolded.keys().filter(|key| key.lesson == lesson).cloned().collect();
        self.unfolded.retain(|key, _| key.lesson != lesson);
        keys.iter().map(|key| Effect::remember(unfolded_key(key), Value::Null)).collect()
    }

    /// Loads the unfolded blocks of a cell. Blocks that have been unfolded meanwhile stay so.
    pub(crate) fn load_unfolded(&mut self, key: CellKey, value: &Value) {
        let numbers = value.as_array().into_iter().flatten().filter_map(Value::as_u64);
        self.unfolded.entry(key).or_default().extend(numbers.filter_map(|number| usize::try_from(number).ok()));
    }
}

fn first_cell(document: &Document, sealed: &Sealed) -> CellKey {
    CellKey { lesson: document.meta.id.clone(), cell: sealed.first_cell().into() }
}
