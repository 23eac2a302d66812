//! Keys while an answer or a confidence is typed.

use super::text_input::edit;
use super::{AnswerEntry, ConfidenceEntry, Modal};
use crate::{App, Effect, keys};
use crossterm::event::{KeyCode, KeyEvent};

impl App {
    pub(crate) fn answer_entry_key(&mut self, mut guess: AnswerEntry, code: KeyCode) -> Vec<Effect> {
        match code {
            KeyCode::Enter => {
                if let Some(answer) = guess.answer() {
                    return self.save_answer(guess.cell, answer);
                }
            }
            code => edit(&mut guess.text, code),
        }
        self.modals.push(Modal::AnswerEntry(guess));
        Vec::new()
    }

    /// Handles a key while a confidence is asked for. Any other key acts on the lesson.
    pub(crate) fn confidence_key(&mut self, mut entry: ConfidenceEntry, code: KeyCode, key: KeyEvent) -> Vec<Effect> {
        match code {
            KeyCode::Enter => {
                if let Some(percent) = entry.percent() {
                    return self.save_confidence(&entry.cell, percent);
                }
            }
            KeyCode::Char(digit) if digit.is_ascii_digit() => entry.insert(digit),
            KeyCode::Backspace => entry.erase(),
            KeyCode::Delete => entry.clear(),
            KeyCode::Char('+' | '=') => entry.step(true),
            KeyCode::Char('-') => entry.step(false),
            _ => return keys::action(key).map_or_else(Vec::new, |action| self.perform_action(action)),
        }
        self.modals.push(Modal::Confidence(entry));
        Vec::new()
    }
}
