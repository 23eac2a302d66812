//! The reader's answers: stored, changed and forgotten.

use crate::modal::{ConfidenceEntry, Modal};
use crate::{App, Effect};
use lesson::{Answer, AnswerRecord, CellBody};
use protocol::CellKey;
use serde_json::Value;

/// What a prediction says that can no longer be changed.
pub(crate) const SETTLED: &str =
    "its outcome or its explanation can be seen, so your prediction stays; :reset forgets this lesson's answers";

pub(crate) fn answer_key(key: &CellKey) -> String {
    format!("answer/{}/{}", key.lesson, key.cell)
}

impl App {
    pub(crate) fn save_confidence(&mut self, key: &CellKey, percent: u8) -> Vec<Effect> {
        let Some(record) = self.answers.get(key).cloned() else { return Vec::new() };
        if self.is_outcome_visible(key) {
            self.message = Some("what it is about is on the screen by now: no confidence is kept".into());
            return Vec::new();
        }
        self.save_record(key.clone(), AnswerRecord { confidence: Some(percent), ..record })
    }

    /// Stores an answer, and whether the prediction's outcome could be seen already. If it could not, the reader is
    /// asked for a confidence.
    pub(crate) fn save_answer(&mut self, key: CellKey, answer: Answer) -> Vec<Effect> {
        let mut record = AnswerRecord::from(answer);
        if let Some(CellBody::Predict(predict)) = self.cell_of(&key).map(|cell| &cell.body) {
            // The outcome may have been measured while the answer was typed.
            if self.is_settled(&key, predict) {
                self.message = Some(SETTLED.into());
                return Vec::new();
            }
            record.late = self.is_outcome_visible(&key);
            if predict.decides.is_some() && !record.late && predict.accepts(&record.answer) {
                self.modals.push(Modal::Confidence(ConfidenceEntry::new(key.clone())));
            }
        }
        self.save_record(key, record)
    }

    /// Shows a prediction's explanation before its outcome is known.
    pub(crate) fn open_explanation(&mut self, key: CellKey) -> Vec<Effect> {
        let Some(record) = self.answers.get(&key).cloned() else { return Vec::new() };
        self.save_record(key, AnswerRecord { opened: true, ..record })
    }

    /// Stores an answer with its record. It is kept even if no kernel has run yet.
    fn save_record(&mut self, key: CellKey, record: AnswerRecord) -> Vec<Effect> {
        let value = serde_json::to_value(&record).unwrap_or_default();
        let effect = Effect::remember(answer_key(&key), value);
        self.answers.insert(key, record);
        self.lay_out();
        // The feedback is scrolled into view.
        if let Some(cell) = self.view.focus.filter(|_| !self.screen.is_too_small()) {
            self.view.show_cell(cell);
        }
        vec![effect]
    }

    pub(crate) fn forget_answer(&mut self, key: &CellKey) -> Vec<Effect> {
        self.answers.remove(key);
        self.lay_out();
        vec![Effect::remember(answer_key(key), Value::Null)]
    }

    /// Removes the last item that was put in order.
    pub(crate) fn undo_order(&mut self, key: &CellKey) -> Vec<Effect> {
        let Some(Answer::Order(mut order)) = self.answers.get(key).map(|record| record.answer.clone()) else {
            return Vec::new();
        };
        order.pop();
        if order.is_empty() { self.forget_answer(key) } else { self.save_answer(key.clone(), Answer::Order(order)) }
    }
}
