//! The form in which the settings of a study are edited. Edits that are not used yet are kept as a draft.

use super::Modal;
use crate::study::form::Settings;
use crate::{App, Effect};
use crossterm::event::KeyCode;
use protocol::{CellKey, Study};

/// Brings a form back to what the lesson gives.
pub(super) const RESET: KeyCode = KeyCode::F(5);

impl App {
    /// Opens the settings of a race: as they were left, or as the race has them.
    pub(crate) fn open_settings(&mut self, key: CellKey, spec: &Study) {
        let settings = self.drafts.get(&key).cloned().unwrap_or_else(|| Settings::new(spec));
        self.modals.push(Modal::Settings(key, Box::new(settings)));
    }

    /// Keeps what was typed, as far as it can be, until it is used or the notebook closes, and says so.
    pub(crate) fn save_draft(&mut self, key: CellKey, mut settings: Settings) {
        let wrong = settings.make_valid();
        let before = self.study_of(&key).map(|spec| Settings::new(&spec));
        if before.is_none_or(|before| before.fields == settings.fields) {
            self.drafts.remove(&key);
            self.message = wrong.map(|why| format!("not kept: {why}"));
            return;
        }
        self.drafts.insert(key, settings);
        let but = wrong.map_or(String::new(), |why| format!(", but not this one: {why}"));
        self.message = Some(format!("your settings are kept for the next run here; o opens them again{but}"));
    }

    pub(super) fn settings_key(&mut self, cell: CellKey, mut settings: Box<Settings>, code: KeyCode) -> Vec<Effect> {
        match code {
            KeyCode::Enter => {
                if let Ok(spec) = &settings.spec {
                    if !self.training_of(&cell).is_some_and(|training| training.state.is_active()) {
                        let spec = spec.clone();
                        self.drafts.remove(&cell);
                        return self.start_training(cell, spec);
                    }
                    self.message =
                        Some("a race runs here; these settings are kept for the next: Esc, s stops this one".into());
                }
            }
            KeyCode::Down | KeyCode::Tab => settings.select(1),
            KeyCode::Up | KeyCode::BackTab => settings.select(-1),
            KeyCode::Right => settings.step(true),
            KeyCode::Left => settings.step(false),
            KeyCode::Backspace => settings.erase(),
            KeyCode::Delete => settings.clear(),
            RESET => self.lesson_study(&cell).iter().for_each(|spec| settings.reset(spec)),
            KeyCode::Char(c) => settings.insert(c),
            _ => {}
        }
        self.modals.push(Modal::Settings(cell, settings));
        Vec::new()
    }
}
