//! Passes a key or pasted text to the modal on top.

use super::settings::{LAB, RESET};
use super::text_input::{edit, one_line};
use super::{AnswerEntry, CommandLine, Modal, QuitChoice};
use crate::keys::ChartAction;
use crate::work::Work;
use crate::{Action, App, Effect, keys};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Translates a key for modals. Ctrl-U empties the line, as in a shell, Ctrl-R resets the form, and Ctrl-E opens its study
/// in the laboratory. Any other letter with Ctrl or Alt is ignored.
fn translate_key(key: KeyEvent) -> Option<KeyEvent> {
    match key.code {
        KeyCode::Char('u') if key.modifiers == KeyModifiers::CONTROL => Some(KeyCode::Delete.into()),
        KeyCode::Char('r') if key.modifiers == KeyModifiers::CONTROL => Some(RESET.into()),
        KeyCode::Char('e') if key.modifiers == KeyModifiers::CONTROL => Some(LAB.into()),
        KeyCode::Char(_) if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => None,
        _ => Some(key),
    }
}

/// The new first line of a text that is scrolled; `None` for a key that closes it.
fn scrolled_top(key: KeyEvent, top: usize) -> Option<usize> {
    match keys::action(key)? {
        Action::Down => Some(top + 1),
        Action::Up => Some(top.saturating_sub(1)),
        Action::PageDown => Some(top + 10),
        Action::PageUp => Some(top.saturating_sub(10)),
        _ => None,
    }
}

impl Modal {
    /// Whether a modal only shows something: it takes no text and asks no question that a letter answers.
    fn is_browsed(&self) -> bool {
        match self {
            Self::Help { .. }
            | Self::Run(_)
            | Self::Contents(_)
            | Self::Values(_)
            | Self::Steer(_)
            | Self::Inside
            | Self::Faults { .. } => true,
            Self::Settings(..)
            | Self::Quit(_)
            | Self::Search(_)
            | Self::Headings(_)
            | Self::Command(_)
            | Self::OtherVersion(_)
            | Self::AnswerEntry(_)
            | Self::Confidence(_)
            | Self::Reset
            | Self::Confirm(_)
            | Self::RunLine(_)
            | Self::Runs(_)
            | Self::Lab => false,
        }
    }
}

impl App {
    pub(crate) fn modal_key(&mut self, modal: Modal, key: KeyEvent) -> Vec<Effect> {
        let Some(key) = translate_key(key) else {
            self.modals.push(modal);
            return Vec::new();
        };
        // The command line and the search open only over such modals. Elsewhere their keys are text or answers.
        if let Some(action @ (Action::Command | Action::Search)) = keys::action(key)
            && self.opens_over(&modal, action)
        {
            self.modals.push(modal);
            return self.perform_action(action);
        }
        // Every arm pushes the modal back unless it closes.
        match (modal, key.code) {
            (Modal::Lab, _) => self.lab_key(key),
            (Modal::Inside, _) => self.inside_key(key),
            (Modal::Runs(list), _) => self.runs_key(list, key),
            (Modal::Settings(cell, settings), KeyCode::Esc) => {
                self.save_draft(cell, *settings);
                Vec::new()
            }
            (Modal::Values(pane), KeyCode::Esc) => self.perform_in_chart(&pane, ChartAction::Leave),
            (_, KeyCode::Esc) | (Modal::Reset | Modal::Confirm(_), KeyCode::Char('q')) => Vec::new(),
            (Modal::Help { top }, _) => {
                let last = self.help().len().saturating_sub(self.screen.help_rows());
                self.modals.extend(scrolled_top(key, top).map(|top| Modal::Help { top: top.min(last) }));
                Vec::new()
            }
            (Modal::Settings(cell, settings), code) => self.settings_key(cell, settings, code),
            (Modal::Quit(choice), code) => match code {
                KeyCode::Enter => self.quit_with(choice),
                KeyCode::Char('q') => self.quit_with(QuitChoice::KeepRunning),
                _ => {
                    let step = match keys::action(key) {
                        Some(Action::Down) => 1,
                        Some(Action::Up) => -1,
                        _ => 0,
                    };
                    self.modals.push(Modal::Quit(choice.step(step)));
                    Vec::new()
                }
            },
            (Modal::Run(run), _) => self.run_key(run, key),
            (Modal::Search(search), code) => self.search_key(search, code),
            (Modal::Headings(headings), code) => self.headings_key(headings, code),
            (Modal::Contents(at), code) => self.contents_key(at, code, key),
            (Modal::Command(line), code) => self.command_key(line, code),
            (Modal::OtherVersion(_), KeyCode::Enter) => vec![Effect::RestartKernel],
            (Modal::Values(pane), _) => self.values_key(pane, key),
            (Modal::Steer(cell), _) => self.steer_key(cell, key),
            (Modal::AnswerEntry(guess), code) => self.answer_entry_key(guess, code),
            (Modal::Confidence(entry), code) => self.confidence_key(entry, code, key),
            (Modal::Faults { top }, _) => {
                let last = self.last_fault_line();
                self.modals.extend(scrolled_top(key, top).map(|top| Modal::Faults { top: top.min(last) }));
                Vec::new()
            }
            (Modal::Confirm(work), code) => self.confirm_key(work, code),
            (Modal::RunLine(line), code) => self.run_line_key(line, code),
            (modal @ Modal::OtherVersion(_), _) => {
                self.modals.push(modal);
                Vec::new()
            }
            (Modal::Reset, KeyCode::Enter) => self.reset_lesson(),
            (Modal::Reset, _) => {
                self.modals.push(Modal::Reset);
                Vec::new()
            }
        }
    }

    /// Whether the command line or the search opens over a modal.
    fn opens_over(&self, modal: &Modal, action: Action) -> bool {
        match modal {
            Modal::Lab => !self.lab.takes_letters(),
            Modal::Runs(list) => list.admits(action),
            modal => modal.is_browsed(),
        }
    }

    /// Asks before long work. Enter opened the question, so another key confirms it: an extra Enter starts nothing.
    fn confirm_key(&mut self, work: Work, code: KeyCode) -> Vec<Effect> {
        match (code, &work) {
            (KeyCode::Char('y'), Work::Training(cell, _))
                if self.training_of(cell).is_some_and(|training| training.state.is_active()) =>
            {
                self.message = Some("a race runs here by now".into());
                Vec::new()
            }
            (KeyCode::Char('y'), _) => self.start(work),
            (KeyCode::Char('o'), Work::Training(cell, spec)) => {
                self.open_settings(cell.clone(), spec);
                Vec::new()
            }
            (KeyCode::Char('e'), Work::Experiment(cell, spec)) if spec.has_full() => {
                self.choose_effort(cell.clone(), spec.effort.other());
                Vec::new()
            }
            _ => {
                self.message = Some("y starts it, Esc leaves it".into());
                self.modals.push(Modal::Confirm(work));
                Vec::new()
            }
        }
    }

    pub(crate) fn paste_text(&mut self, text: &str) -> Vec<Effect> {
        let plain = one_line(text);
        match self.modals.last_mut() {
            Some(Modal::Lab) => self.paste_into_lab(text),
            Some(Modal::Settings(_, settings)) => plain.for_each(|c| settings.insert(c)),
            Some(Modal::Command(line)) => {
                let mut text = std::mem::take(&mut line.text);
                plain.for_each(|c| edit(&mut text, KeyCode::Char(c)));
                *line = CommandLine { text, ..CommandLine::default() };
                self.refresh_palette();
            }
            Some(Modal::RunLine(line)) => {
                line.error = None;
                line.insert(text);
            }
            Some(Modal::Runs(list)) => list.paste(plain),
            Some(Modal::AnswerEntry(AnswerEntry { text, .. })) => plain.for_each(|c| edit(text, KeyCode::Char(c))),
            Some(Modal::Headings(headings)) => {
                plain.for_each(|c| edit(&mut headings.query, KeyCode::Char(c)));
                headings.selected = 0;
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
