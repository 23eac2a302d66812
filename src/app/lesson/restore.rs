//! How the notebook opens: at a lesson's head, and where the reader left off once the store has told.

use crate::{App, Effect, LessonView, StoreQuery};

/// What the open lesson still waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestoreState {
    #[default]
    Done,
    /// The place where the reader left off. A key that is pressed before lets it be.
    WaitingForStore,
    /// A screen with room for the lesson, which is then scrolled to where it was left.
    WaitingForScreen,
}

impl App {
    /// Asks for everything that the store has to tell. `restore`: the last lesson is opened as it was left.
    pub(crate) fn load_stored_state(&mut self, restore: bool) -> Vec<Effect> {
        let mut effects = [StoreQuery::Progress, StoreQuery::Runs, StoreQuery::RunFindings].map(Effect::Query).to_vec();
        if restore {
            self.restore = RestoreState::WaitingForStore;
        } else {
            effects.extend(self.request_highlighting());
        }
        effects
    }

    /// The store has told, or can't: goes where the reader left off if that is still wanted.
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

    /// Scrolls to the kept place as soon as there is room.
    pub(crate) fn restore_position(&mut self) {
        if self.restore == RestoreState::WaitingForScreen && !self.screen.is_too_small() {
            self.scroll_to_saved_position();
            self.restore = RestoreState::Done;
        }
    }
}
