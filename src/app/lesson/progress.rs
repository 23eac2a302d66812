//! How far a lesson has been worked through: read, its cells run, its questions answered.

use crate::App;
use lesson::{Cell, CellBody, Document};
use protocol::{CellKey, RunId, RunState};

/// What stands before a lesson in the contents.
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

    /// Whether a cell has been run or answered; `None` of one that asks for neither.
    fn is_cell_done(&self, document: &Document, cell: &Cell) -> Option<bool> {
        let key = CellKey { lesson: document.meta.id.clone(), cell: cell.id.clone() };
        match &cell.body {
            CellBody::Train(_) => Some(self.has_finished_run(&key)),
            CellBody::Experiment(_) => Some(self.experiments.get(&key).is_some_and(|view| view.outcome.is_some())),
            CellBody::Predict(predict) => Some(self.prediction(&key, predict).is_some()),
            CellBody::Quiz(quiz) => {
                Some(self.answers.get(&key).is_some_and(|record| quiz.feedback(&record.answer).is_some()))
            }
            // A verdict follows from measurements in other lessons, and so does what becomes of predictions.
            CellBody::Claim(_) | CellBody::Predictions(_) => None,
        }
    }

    /// Whether a race has come to its end: the run that its cell shows, or the one behind it.
    fn has_finished_run(&self, key: &CellKey) -> bool {
        let is_finished = |run: &RunId| {
            let listed = || self.runs.iter().find(|summary| summary.run == *run).map(|summary| &summary.state);
            self.races.get(run).map(|race| &race.state).or_else(listed) == Some(&RunState::Finished)
        };
        [&self.cell_runs, &self.other_runs].into_iter().filter_map(|runs| runs.get(key)).any(is_finished)
    }

    fn read_percent(&self, document: &Document) -> u8 {
        self.read.get(&document.meta.id).copied().unwrap_or(0).min(100)
    }

    /// Minutes of reading that are left of a lesson, at the pace that its head tells.
    pub fn minutes_left(&self, lesson: usize) -> u32 {
        let document = &self.library.lessons[lesson];
        let left = 100 - u32::from(self.read_percent(document));
        (u32::from(document.meta.minutes) * left).div_ceil(100)
    }
}
