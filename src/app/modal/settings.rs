//! Keys of the form that edits a study. Edits that are not used yet are kept as a draft.

use super::Modal;
use crate::study::form::StudyForm;
use crate::{App, Effect};
use crossterm::event::KeyCode;
use protocol::{CellKey, Study};

/// The key that resets the form to the lesson's settings.
pub(super) const RESET: KeyCode = KeyCode::F(5);
/// Takes what a form says to the laboratory.
pub(super) const LAB: KeyCode = KeyCode::F(6);

impl App {
    /// Opens the form with the draft of this cell, or else with this study.
    pub(crate) fn open_settings(&mut self, key: CellKey, spec: &Study) {
        let settings = self.drafts.get(&key).cloned().unwrap_or_else(|| StudyForm::new(spec));
        self.modals.push(Modal::Settings(key, Box::new(settings)));
    }

    /// Keeps the valid edits as a draft until they are used or the notebook closes, and says so.
    pub(crate) fn save_draft(&mut self, key: CellKey, mut settings: StudyForm) {
        let wrong = settings.make_valid();
        let before = self.study_of(&key).map(|spec| StudyForm::new(&spec));
        if before.is_none_or(|before| before.fields == settings.fields) {
            self.drafts.remove(&key);
            self.message = wrong.map(|why| format!("not kept: {why}"));
            return;
        }
        self.drafts.insert(key, settings);
        let but = wrong.map_or(String::new(), |why| format!(", but not this one: {why}"));
        self.message = Some(format!("your settings are kept for the next run here; o opens them again{but}"));
    }

    pub(super) fn settings_key(&mut self, cell: CellKey, mut settings: Box<StudyForm>, code: KeyCode) -> Vec<Effect> {
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
            LAB => match &settings.spec {
                Ok(study) => return self.open_lab_on(cell, study),
                Err(why) => self.message = Some(why.clone()),
            },
            RESET => self.lesson_study(&cell).iter().for_each(|spec| settings.reset(spec)),
            KeyCode::Char(c) => settings.insert(c),
            _ => {}
        }
        self.modals.push(Modal::Settings(cell, settings));
        Vec::new()
    }
}
