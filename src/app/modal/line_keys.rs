//! Keys that go to the contents, the command line and a predicted number; text that is pasted.

use crate::lesson::navigate::Start;
use crate::modal::command::Command;
use crate::modal::{CommandLine, Completion, ConfidenceEntry, Guessing};
use crate::operation::SETTLED;
use crate::{Action, App, Effect, Modal, Read, Tag, keys};
use crossterm::event::{KeyCode, KeyEvent};
use lesson::{Answer, AnswerRecord, CellBody};
use protocol::{CellKey, RequestBody, RunId};
use serde_json::Value;

/// Longer than any command or number.
const LONGEST: usize = 60;
/// A run's name, or the path that it is exported to.
pub(crate) const LONGEST_RUN_LINE: usize = 400;

impl App {
    pub(crate) fn contents_key(&mut self, at: usize, code: KeyCode, key: KeyEvent) -> Vec<Effect> {
        let last = self.library.lessons.len().saturating_sub(1);
        let at = match keys::action(key) {
            _ if code == KeyCode::Enter => return self.open_lesson(at, Start::Kept),
            Some(Action::Down | Action::Right | Action::NextCell | Action::NextLesson) => (at + 1).min(last),
            Some(Action::Up | Action::Left | Action::PreviousCell | Action::PreviousLesson) => at.saturating_sub(1),
            Some(Action::Top | Action::PageUp) => 0,
            Some(Action::Bottom | Action::PageDown) => last,
            Some(Action::Quit) => return Vec::new(),
            _ => at,
        };
        self.modals.push(Modal::Contents(at));
        Vec::new()
    }

    pub(crate) fn command_key(&mut self, mut line: CommandLine, code: KeyCode) -> Vec<Effect> {
        match code {
            KeyCode::Enter if line.text.trim().is_empty() => return Vec::new(),
            KeyCode::Enter => {
                let text = line.text.trim().to_string();
                let command = text.parse();
                if self.commands.last() != Some(&text) {
                    self.commands.push(text);
                }
                match command.and_then(|command| self.command(command)) {
                    Ok(effects) => return effects,
                    Err(why) => line = CommandLine { text: line.text, error: Some(why), ..CommandLine::default() },
                }
            }
            // An emptied line closes, as it does in an editor.
            KeyCode::Backspace if line.text.is_empty() => return Vec::new(),
            KeyCode::Tab | KeyCode::BackTab => self.complete(&mut line, code == KeyCode::Tab),
            KeyCode::Up => self.recall(&mut line, -1),
            KeyCode::Down => self.recall(&mut line, 1),
            code => {
                edit(&mut line.text, code);
                line = CommandLine { text: line.text, ..CommandLine::default() };
            }
        }
        self.modals.push(Modal::Command(line));
        Vec::new()
    }

    /// Completes a line to the next of those that it can become.
    fn complete(&self, line: &mut CommandLine, forward: bool) {
        line.error = None;
        let completion = if let Some(Completion { lines, selected }) = line.completion.take() {
            let step = if forward { 1 } else { lines.len() - 1 };
            let selected = (selected + step) % lines.len();
            Completion { lines, selected }
        } else {
            let lines = self.completions(&line.text);
            if lines.is_empty() {
                line.error = Some("nothing begins like this".into());
                return;
            }
            let selected = if forward { 0 } else { lines.len() - 1 };
            Completion { lines, selected }
        };
        line.text.clone_from(&completion.lines[completion.selected]);
        // The only one is settled: the next Tab completes what follows it.
        line.completion = Some(completion).filter(|completion| completion.lines.len() > 1);
    }

    /// Shows an earlier line, or a later one; behind the last stands what was being typed.
    fn recall(&self, line: &mut CommandLine, by: isize) {
        let count = self.commands.len();
        let (at, typed) = line.recalled.take().unwrap_or_else(|| (count, line.text.clone()));
        let at = at.saturating_add_signed(by).min(count);
        let text = self.commands.get(at).unwrap_or(&typed).clone();
        *line = CommandLine { text, recalled: Some((at, typed)), ..CommandLine::default() };
    }

    fn command(&mut self, command: Command) -> Result<Vec<Effect>, String> {
        match command {
            Command::Act(action) => {
                self.modals.clear();
                Ok(self.act(action))
            }
            Command::Open(name) => match self.library.named(&name) {
                Some(lesson) => Ok(self.open_lesson(lesson, Start::Kept)),
                None => Err(format!("there is no lesson `{name}`; c lists them, and their parts will do")),
            },
            Command::Run(number) => {
                let run = RunId(number);
                if !self.races.contains_key(&run) && !self.runs.iter().any(|summary| summary.run == run) {
                    return Err(format!("there is no run {number}; r lists the runs"));
                }
                self.modals.push(Modal::Run(run));
                Ok(vec![Effect::Read(Read::Run(run))])
            }
            Command::Reset => {
                if self.to_forget().is_empty() {
                    return Err("nothing to forget: this lesson was not read and nothing answered in it".into());
                }
                self.modals.clear();
                self.modals.push(Modal::Reset);
                Ok(Vec::new())
            }
        }
    }

    /// What a reset of the open lesson would forget, in words.
    pub fn to_forget(&self) -> Vec<String> {
        let id = &self.document().meta.id;
        let read =
            self.read.get(id).filter(|read| **read > 0).map(|read| format!("that you have read {read}\u{a0}% of it"));
        let answers = match self.answers.keys().filter(|key| key.lesson == *id).count() {
            0 => None,
            1 => Some("your answer to a question".into()),
            count => Some(format!("your {count} answers")),
        };
        let unfolded = self.unfolded_by_hand().then(|| "what you have unfolded".into());
        read.into_iter().chain(answers).chain(unfolded).collect()
    }

    /// Forgets how far the open lesson was read and what was answered in it; its runs and measurements stay.
    pub(crate) fn reset_lesson(&mut self) -> Vec<Effect> {
        let id = self.document().meta.id.clone();
        let answered: Vec<CellKey> = self.answers.keys().filter(|key| key.lesson == id).cloned().collect();
        self.read.remove(&id);
        self.places.remove(&id);
        let mut effects = Vec::new();
        for key in answered {
            effects.push(remember(answer_key(&key), Value::Null));
            self.answers.remove(&key);
        }
        effects.extend(self.fold_again());
        self.view.scroll_to(0);
        self.lay_out();
        self.message =
            Some("your progress and your answers in this lesson are forgotten; its runs and measurements stay".into());
        effects.extend(self.remember_lesson());
        effects
    }

    /// The answer that is being typed in this cell.
    pub fn guessing_in(&self, key: &CellKey) -> Option<&Guessing> {
        match self.modals.last() {
            Some(Modal::Guess(guess)) if guess.cell == *key => Some(guess),
            _ => None,
        }
    }

    pub(crate) fn guess_key(&mut self, mut guess: Guessing, code: KeyCode) -> Vec<Effect> {
        match code {
            KeyCode::Enter => {
                if let Some(answer) = guess.answer() {
                    return self.keep_answer(guess.cell, answer);
                }
            }
            code => edit(&mut guess.text, code),
        }
        self.modals.push(Modal::Guess(guess));
        Vec::new()
    }

    /// Keys while a confidence is asked for. A key that is none of them does what it does in the lesson.
    pub(crate) fn confidence_key(&mut self, mut entry: ConfidenceEntry, code: KeyCode, key: KeyEvent) -> Vec<Effect> {
        match code {
            KeyCode::Enter => {
                if let Some(percent) = entry.percent() {
                    return self.keep_confidence(&entry.cell, percent);
                }
            }
            KeyCode::Char(digit) if digit.is_ascii_digit() => entry.insert(digit),
            KeyCode::Backspace => entry.erase(),
            KeyCode::Delete => entry.clear(),
            KeyCode::Char('+' | '=') => entry.step(true),
            KeyCode::Char('-') => entry.step(false),
            _ => return keys::action(key).map_or_else(Vec::new, |action| self.act(action)),
        }
        self.modals.push(Modal::Confidence(entry));
        Vec::new()
    }

    fn keep_confidence(&mut self, key: &CellKey, percent: u8) -> Vec<Effect> {
        let Some(record) = self.answers.get(key).cloned() else { return Vec::new() };
        if self.is_outcome_visible(key) {
            self.message = Some("what it is about is on the screen by now: no confidence is kept".into());
            return Vec::new();
        }
        self.keep_record(key.clone(), AnswerRecord { confidence: Some(percent), ..record })
    }

    /// Keeps an answer. That a prediction's outcome is known already is kept with it; where it is not, the reader is asked
    /// for a confidence.
    pub(crate) fn keep_answer(&mut self, key: CellKey, answer: Answer) -> Vec<Effect> {
        let mut record = AnswerRecord::from(answer);
        if let Some(CellBody::Predict(predict)) = self.cell_of(&key).map(|cell| &cell.body) {
            // It may have been measured while the answer was typed.
            if self.is_settled(&key, predict) {
                self.message = Some(SETTLED.into());
                return Vec::new();
            }
            record.late = self.is_outcome_visible(&key);
            if predict.decides.is_some() && !record.late && predict.accepts(&record.answer) {
                self.modals.push(Modal::Confidence(ConfidenceEntry::new(key.clone())));
            }
        }
        self.keep_record(key, record)
    }

    /// u: shows a prediction's explanation before its outcome is known.
    pub(crate) fn open_explanation(&mut self, key: CellKey) -> Vec<Effect> {
        let Some(record) = self.answers.get(&key).cloned() else { return Vec::new() };
        self.keep_record(key, AnswerRecord { opened: true, ..record })
    }

    /// An answer is worth keeping even where no kernel has run yet.
    fn keep_record(&mut self, key: CellKey, record: AnswerRecord) -> Vec<Effect> {
        let value = serde_json::to_value(&record).unwrap_or_default();
        let effect = remember(answer_key(&key), value);
        self.answers.insert(key, record);
        self.lay_out();
        // What was said to the answer is seen whole.
        if let Some(cell) = self.view.focus.filter(|_| !self.screen.is_too_small()) {
            self.view.show_cell(cell);
        }
        vec![effect]
    }

    pub(crate) fn forget_answer(&mut self, key: &CellKey) -> Vec<Effect> {
        self.answers.remove(key);
        self.lay_out();
        vec![remember(answer_key(key), Value::Null)]
    }

    pub(crate) fn pasted(&mut self, text: &str) -> Vec<Effect> {
        let plain = text.chars().filter(|c| !c.is_control());
        match self.modals.last_mut() {
            Some(Modal::Settings(_, settings)) => plain.for_each(|c| settings.insert(c)),
            Some(Modal::Command(line)) => {
                let mut text = std::mem::take(&mut line.text);
                plain.for_each(|c| edit(&mut text, KeyCode::Char(c)));
                *line = CommandLine { text, ..CommandLine::default() };
            }
            Some(Modal::RunLine(line)) => {
                plain.for_each(|c| edit_up_to(LONGEST_RUN_LINE, &mut line.text, KeyCode::Char(c)));
                line.error = None;
            }
            Some(Modal::Guess(Guessing { text, .. })) => plain.for_each(|c| edit(text, KeyCode::Char(c))),
            Some(Modal::Outline(outline)) => {
                plain.for_each(|c| edit(&mut outline.query, KeyCode::Char(c)));
                outline.selected = 0;
            }
            Some(Modal::Search(search)) => {
                plain.for_each(|c| edit(&mut search.query, KeyCode::Char(c)));
                let query = search.query.clone();
                let hits = self.search(&query);
                if let Some(Modal::Search(search)) = self.modals.last_mut() {
                    (search.hits, search.selected) = (hits, 0);
                }
            }
            _ => {}
        }
        Vec::new()
    }
}

pub(crate) fn answer_key(key: &CellKey) -> String {
    format!("answer/{}/{}", key.lesson, key.cell)
}

pub(crate) fn remember(key: String, value: Value) -> Effect {
    Effect::RequestIfOn(Tag::Plain, RequestBody::Remember { key, value })
}

pub(crate) fn edit(text: &mut String, code: KeyCode) {
    edit_up_to(LONGEST, text, code);
}

pub(crate) fn edit_up_to(longest: usize, text: &mut String, code: KeyCode) {
    match code {
        KeyCode::Char(c) if !c.is_control() && text.len() < longest => text.push(c),
        KeyCode::Backspace => {
            text.pop();
        }
        KeyCode::Delete => text.clear(),
        _ => {}
    }
}
