//! The reader's progress in a lesson: how much of it was read, which cells have run, which questions are answered.

use super::answers::answer_key;
use crate::{App, Effect};
use lesson::{Cell, CellBody, Document};
use protocol::{CellKey, RunId, RunState};
use serde_json::Value;

/// The progress mark of a lesson in the contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LessonProgress {
    Untouched,
    /// Some of it was read, run or answered.
    Begun,
    /// Read to its end, every cell run and every question answered.
    Complete,
}

impl App {
    pub fn progress_of(&self, lesson: usize) -> LessonProgress {
        let document = &self.library.lessons[lesson];
        let read = self.read_percent(document);
        let cells = document.cells();
        let done: Vec<bool> = cells.iter().filter_map(|cell| self.is_cell_done(document, cell)).collect();
        match read {
            100.. if done.iter().all(|done| *done) => LessonProgress::Complete,
            0 if !done.contains(&true) => LessonProgress::Untouched,
            _ => LessonProgress::Begun,
        }
    }

    /// Whether a cell has been run or answered; `None` for a cell that needs neither.
    fn is_cell_done(&self, document: &Document, cell: &Cell) -> Option<bool> {
        let key = CellKey { lesson: document.meta.id.clone(), cell: cell.id.clone() };
        match &cell.body {
            CellBody::Train(_) => Some(self.has_finished_run(&key)),
            CellBody::Experiment(_) => Some(self.experiments.get(&key).is_some_and(|view| view.outcome.is_some())),
            CellBody::Predict(predict) => Some(self.prediction(&key, predict).is_some()),
            CellBody::Quiz(quiz) => {
                Some(self.answers.get(&key).is_some_and(|record| quiz.feedback(&record.answer).is_some()))
            }
            // Verdicts, the list of predictions and views follow from other cells.
            CellBody::Claim(_) | CellBody::Predictions(_) | CellBody::View(_) => None,
        }
    }

    /// Whether either run of a train cell has finished.
    fn has_finished_run(&self, key: &CellKey) -> bool {
        let is_finished = |run: &RunId| {
            let listed = || self.runs.iter().find(|summary| summary.run == *run).map(|summary| &summary.state);
            self.training_runs.get(run).map(|training| &training.state).or_else(listed) == Some(&RunState::Finished)
        };
        [&self.cell_runs, &self.other_runs].into_iter().filter_map(|runs| runs.get(key)).any(is_finished)
    }

    fn read_percent(&self, document: &Document) -> u8 {
        self.read.get(&document.meta.id).copied().unwrap_or(0).min(100)
    }

    /// Minutes of reading left, out of those that the lesson's head states.
    pub fn minutes_left(&self, lesson: usize) -> u32 {
        let document = &self.library.lessons[lesson];
        let left = 100 - u32::from(self.read_percent(document));
        (u32::from(document.meta.minutes) * left).div_ceil(100)
    }

    /// What a reset of the open lesson would forget, in words.
    pub fn reset_summary(&self) -> Vec<String> {
        let id = &self.document().meta.id;
        let read =
            self.read.get(id).filter(|read| **read > 0).map(|read| format!("that you have read {read}\u{a0}% of it"));
        let answers = match self.answers.keys().filter(|key| key.lesson == *id).count() {
            0 => None,
            1 => Some("your answer to a question".into()),
            count => Some(format!("your {count} answers")),
        };
        let unfolded = self.has_unfolded_early().then(|| "what you have unfolded".into());
        read.into_iter().chain(answers).chain(unfolded).collect()
    }

    /// Forgets the reading progress and the answers of the open lesson. Its runs and measurements stay.
    pub(crate) fn reset_lesson(&mut self) -> Vec<Effect> {
        let id = self.document().meta.id.clone();
        let answered: Vec<CellKey> = self.answers.keys().filter(|key| key.lesson == id).cloned().collect();
        self.read.remove(&id);
        self.saved_positions.remove(&id);
        let mut effects = Vec::new();
        for key in answered {
            effects.push(Effect::remember(answer_key(&key), Value::Null));
            self.answers.remove(&key);
        }
        effects.extend(self.refold());
        self.view.scroll_to(0);
        self.lay_out();
        self.message =
            Some("your progress and your answers in this lesson are forgotten; its runs and measurements stay".into());
        effects.extend(self.save_lesson_state());
        effects
    }
}
