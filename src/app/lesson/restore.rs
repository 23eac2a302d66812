//! Restores the last session: the lesson that was open, at its saved position.

use super::position::RestoreState;
use crate::{App, Effect, LessonView, StoreQuery};

impl App {
    /// Queries everything that the store has for the notebook. With `restore` the last lesson is opened at its saved
    /// position.
    pub(crate) fn load_stored_state(&mut self, restore: bool) -> Vec<Effect> {
        let mut effects = [StoreQuery::Progress, StoreQuery::Runs, StoreQuery::RunFindings].map(Effect::Query).to_vec();
        if restore {
            self.restore = RestoreState::WaitingForStore;
        } else {
            effects.extend(self.request_highlighting());
        }
        effects
    }

    /// The store has answered or failed. Opens the last lesson unless the reader has pressed a key meanwhile.
    pub(crate) fn restore_lesson(&mut self, last_lesson: Option<&str>) -> Vec<Effect> {
        if self.restore == RestoreState::WaitingForStore {
            if let Some(lesson) = last_lesson.and_then(|id| self.library.find(id)).filter(|&at| at != self.lesson) {
                self.lesson = lesson;
                self.view = LessonView::default();
                self.lay_out_opened_lesson();
            }
            if self.document().number == Some(0) {
                self.is_newcomer = false;
            }
            self.restore = RestoreState::WaitingForScreen;
            self.restore_position();
        }
        self.request_highlighting()
    }

    /// Scrolls to the saved position once the screen is large enough.
    pub(crate) fn restore_position(&mut self) {
        if self.restore == RestoreState::WaitingForScreen && !self.screen.is_too_small() {
            self.scroll_to_saved_position();
            self.restore = RestoreState::Done;
        }
    }
}
