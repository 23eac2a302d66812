//! Settings that a reader has changed and left: they wait for the next run.

use crate::{App, Modal, Settings};
use protocol::{CellKey, Study};

impl App {
    /// Opens the settings of a race: as they were left, or as the race has them.
    pub(crate) fn open_settings(&mut self, key: CellKey, spec: &Study) {
        let settings = self.drafts.get(&key).cloned().unwrap_or_else(|| Settings::new(spec));
        self.modals.push(Modal::Settings(key, Box::new(settings)));
    }

    /// Keeps what was typed, as far as it can be, until it is used or the notebook closes, and says so.
    pub(crate) fn keep_draft(&mut self, key: CellKey, mut settings: Settings) {
        let wrong = settings.make_valid();
        let before = self.spec_of(&key).map(|spec| Settings::new(&spec));
        if before.is_none_or(|before| before.fields == settings.fields) {
            self.drafts.remove(&key);
            self.message = wrong.map(|why| format!("not kept: {why}"));
            return;
        }
        self.drafts.insert(key, settings);
        let but = wrong.map_or(String::new(), |why| format!(", but not this one: {why}"));
        self.message = Some(format!("your settings are kept for the next run here; o opens them again{but}"));
    }
}
