//! How the notebook opens: at a lesson's head, and where the reader left off once the store has told.

use crate::{App, Effect, LessonView, Read};

/// What the open lesson still waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Opening {
    #[default]
    Done,
    /// The place where the reader left off. A key that is pressed before lets it be.
    Awaited,
    /// A screen with room for the lesson, which is then scrolled to where it was left.
    Screen,
}

impl App {
    /// Asks for everything that the store has to tell. `where_left`: the last lesson is opened as it was left.
    pub(crate) fn opened(&mut self, where_left: bool) -> Vec<Effect> {
        let mut effects = [Read::Progress, Read::Runs, Read::RaceFindings].map(Effect::Read).to_vec();
        if where_left {
            self.opening = Opening::Awaited;
        } else {
            effects.extend(self.wish_for_light());
        }
        effects
    }

    /// The store has told, or can't: goes where the reader left off if that is still wanted.
    pub(crate) fn come_back(&mut self, last_lesson: Option<&str>) -> Vec<Effect> {
        if self.opening == Opening::Awaited {
            if let Some(lesson) = last_lesson.and_then(|id| self.library.find(id)).filter(|&at| at != self.lesson) {
                self.lesson = lesson;
                self.view = LessonView::default();
                self.take_up_pointer();
            }
            if self.document().number == Some(0) {
                self.is_newcomer = false;
            }
            self.opening = Opening::Screen;
            self.land();
        }
        self.wish_for_light()
    }

    /// Scrolls to the kept place as soon as there is room.
    pub(crate) fn land(&mut self) {
        if self.opening == Opening::Screen && !self.screen.is_too_small() {
            self.return_to_place();
            self.opening = Opening::Done;
        }
    }
}
