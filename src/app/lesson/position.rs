//! The reading position: the one of each lesson, which the store keeps, and those that Esc returns to.

use crate::{App, Effect};
use lesson::{Library, ScrollPosition};
use serde_json::Value;

/// A position that Esc returns to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReturnPosition {
    /// Index in the library.
    pub lesson: usize,
    /// What was at the top of the screen.
    pub spot: ScrollPosition,
    pub focus: Option<usize>,
    pub link: Option<usize>,
}

/// The position at which a lesson was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedPosition {
    Spot(ScrollPosition),
    /// A line of the screen. Earlier versions stored this; it is right only at the width of that time.
    Line(usize),
}

impl SavedPosition {
    /// Decodes a position as the store has it.
    pub fn read(value: &Value) -> Option<Self> {
        let spot = serde_json::from_value(value["spot"].clone()).ok().map(Self::Spot);
        spot.or_else(|| Some(Self::Line(value["top"].as_u64()? as usize)))
    }
}

/// What restoring the position of the last session waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestoreState {
    #[default]
    Done,
    /// The store has not answered yet. A key that is pressed before it answers cancels the restoring.
    WaitingForStore,
    /// The screen is too small for the lesson.
    WaitingForScreen,
}

impl App {
    /// Counts what is on the screen as read; returns whether that is more than before.
    pub(crate) fn update_progress(&mut self) -> bool {
        let percent = self.view.percent();
        let read = self.read.entry(self.library.lessons[self.lesson].meta.id.clone()).or_default();
        let more = percent > *read;
        *read = percent.max(*read);
        more
    }

    /// Saves the reading position if a kernel runs; none is started for it.
    pub(crate) fn save_position(&mut self) -> Vec<Effect> {
        // The position of the last session is not known yet and must not be overwritten.
        if self.restore != RestoreState::Done {
            return Vec::new();
        }
        let id = self.document().meta.id.clone();
        self.saved_positions.insert(id, SavedPosition::Spot(self.view.spot()));
        self.update_progress();
        self.save_lesson_state()
    }

    /// Stores which lesson is open, its position, and how much of it has been read.
    pub(crate) fn save_lesson_state(&self) -> Vec<Effect> {
        let id = self.document().meta.id.clone();
        let mut value = serde_json::json!({ "lesson": id, "read": self.read.get(&id) });
        match self.saved_positions.get(&id) {
            Some(SavedPosition::Spot(spot)) => value["spot"] = serde_json::json!(spot),
            Some(SavedPosition::Line(top)) => value["top"] = serde_json::json!(top),
            None => {}
        }
        let mut effects = vec![Effect::remember(format!("place/{id}"), value)];
        // The reader's own lesson is not stored as the last one, as the next notebook may be opened without its file.
        if Library::ships(self.lesson) {
            effects.push(Effect::remember("last-lesson".into(), id.into()));
        }
        effects
    }

    /// Scrolls to the saved position of the open lesson.
    pub fn scroll_to_saved_position(&mut self) {
        let top = match self.saved_positions.get(&self.document().meta.id) {
            Some(SavedPosition::Spot(spot)) => self.view.layout.line_at(*spot),
            Some(SavedPosition::Line(top)) => *top,
            None => 0,
        };
        self.view.scroll_to(top);
    }

    /// Saves the position for Esc.
    pub(crate) fn push_return_position(&mut self) {
        let (spot, focus, link) = (self.view.spot(), self.view.focus, self.view.link);
        self.return_positions.push(ReturnPosition { lesson: self.lesson, spot, focus, link });
    }
}
