//! Going places: scrolling, lessons, links, and back.

use crate::{App, ClaimFilter, Effect, LessonView, RestoreState};
use lesson::{Library, ScrollPosition, Target};
use serde_json::Value;

/// Where a reader came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReturnPosition {
    /// Index in the library.
    pub lesson: usize,
    /// What stood on top.
    pub spot: ScrollPosition,
    pub focus: Option<usize>,
    pub link: Option<usize>,
}

/// Where a lesson was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedPosition {
    Spot(ScrollPosition),
    /// A line of the screen, as notebooks kept it before they knew better: true at the width that it had then.
    Line(usize),
}

impl SavedPosition {
    /// As the store has it.
    pub fn read(value: &Value) -> Option<Self> {
        let spot = serde_json::from_value(value["spot"].clone()).ok().map(Self::Spot);
        spot.or_else(|| Some(Self::Line(value["top"].as_u64()? as usize)))
    }
}

/// Where in a lesson to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenAt {
    /// At the position where the reader left the lesson.
    SavedPosition,
    /// At the top, on the way to a place further down. The saved position stays as it is.
    Top,
    /// At this spot.
    Spot(ScrollPosition),
}

impl App {
    pub(crate) fn scroll(&mut self, lines: isize) -> Vec<Effect> {
        let before = self.view.top;
        self.view.scroll_by(lines);
        let more = self.note_progress();
        if before == self.view.top && !more { Vec::new() } else { self.remember_place() }
    }

    /// Counts what is on the screen as read; says whether that is news.
    fn note_progress(&mut self) -> bool {
        let percent = self.view.percent();
        let read = self.read.entry(self.library.lessons[self.lesson].meta.id.clone()).or_default();
        let more = percent > *read;
        *read = percent.max(*read);
        more
    }

    /// Keeps the place where the store can be written; a kernel is not started for it.
    pub(crate) fn remember_place(&mut self) -> Vec<Effect> {
        // Where the reader left off is not known yet, and nothing must take its place.
        if self.restore != RestoreState::Done {
            return Vec::new();
        }
        let id = self.document().meta.id.clone();
        self.saved_positions.insert(id, SavedPosition::Spot(self.view.spot()));
        self.note_progress();
        self.remember_lesson()
    }

    /// Keeps which lesson is open, where it was left and how far it has been read.
    pub(crate) fn remember_lesson(&self) -> Vec<Effect> {
        let id = self.document().meta.id.clone();
        let mut value = serde_json::json!({ "lesson": id, "read": self.read.get(&id) });
        match self.saved_positions.get(&id) {
            Some(SavedPosition::Spot(spot)) => value["spot"] = serde_json::json!(spot),
            Some(SavedPosition::Line(top)) => value["top"] = serde_json::json!(top),
            None => {}
        }
        let mut effects = vec![Effect::remember(format!("place/{id}"), value)];
        // Without its file the next notebook would not have a lesson of the reader's own.
        if Library::ships(self.lesson) {
            effects.push(Effect::remember("last-lesson".into(), id.into()));
        }
        effects
    }

    /// Scrolls to where the open lesson was left.
    pub fn scroll_to_saved_position(&mut self) {
        let top = match self.saved_positions.get(&self.document().meta.id) {
            Some(SavedPosition::Spot(spot)) => self.view.layout.line_at(*spot),
            Some(SavedPosition::Line(top)) => *top,
            None => 0,
        };
        self.view.scroll_to(top);
    }

    pub(crate) fn open_lesson(&mut self, lesson: usize, start: OpenAt) -> Vec<Effect> {
        self.modals.clear();
        if lesson >= self.library.lessons.len() {
            return Vec::new();
        }
        // That lesson 0 was seen is kept even if nothing was scrolled in it.
        let was_welcome =
            self.document().number == Some(0) && !self.saved_positions.contains_key(&self.document().meta.id);
        let mut effects = if was_welcome { self.remember_place() } else { Vec::new() };
        self.lesson = lesson;
        self.view = LessonView::default();
        self.lay_out_opened_lesson();
        effects.extend(match start {
            OpenAt::SavedPosition => {
                self.scroll_to_saved_position();
                self.remember_place()
            }
            OpenAt::Top => self.remember_lesson(),
            OpenAt::Spot(spot) => {
                self.view.scroll_to(self.view.layout.line_at(spot));
                self.remember_place()
            }
        });
        effects.extend(self.request_highlighting());
        effects
    }

    /// To the lesson that explains the notebook; Esc comes back.
    pub(crate) fn open_welcome(&mut self) -> Vec<Effect> {
        if self.lesson == 0 {
            return self.scroll(isize::MIN / 2);
        }
        self.push_return_position();
        self.open_lesson(0, OpenAt::SavedPosition)
    }

    /// Goes where a link leads; Esc comes back.
    pub(crate) fn follow(&mut self, target: &Target) -> Vec<Effect> {
        let line_of = |lines: &[(String, usize)], name: &str| {
            lines.iter().find(|(known, _)| known == name).map(|(_, line)| *line)
        };
        let line = match target {
            Target::Web(url) => {
                self.message = Some(url.clone());
                return Vec::new();
            }
            Target::Lesson { id, anchor } => {
                let Some(lesson) = self.library.find(id) else { return Vec::new() };
                self.push_return_position();
                let mut effects = self.visit(lesson);
                if let Some(line) = anchor.as_ref().and_then(|anchor| self.view.line_of(anchor)) {
                    effects.extend(self.arrive(line));
                }
                return effects;
            }
            Target::Sealed { cell, number } => return self.unfold(cell, *number),
            Target::Heading(anchor) => self.view.line_of(anchor),
            Target::Reference(key) => line_of(&self.view.layout.references, key),
            Target::Footnote(name) => line_of(&self.view.layout.footnotes, name),
            Target::Cell(id) => {
                let lesson = self.document().meta.id.clone();
                return self.follow_to_cell(&lesson, id);
            }
        };
        line.map_or_else(Vec::new, |line| {
            self.push_return_position();
            self.arrive(line)
        })
    }

    /// Opens a lesson at one of its cells; Esc comes back.
    pub(crate) fn follow_to_cell(&mut self, lesson: &str, cell: &str) -> Vec<Effect> {
        let Some(at) = self.library.find(lesson) else { return Vec::new() };
        self.push_return_position();
        let mut effects = self.visit(at);
        if let Some(number) = self.document().cells().iter().position(|other| other.id == cell) {
            effects.extend(self.arrive_at_cell(number));
        }
        effects
    }

    /// Opens a lesson on the way to somewhere in it, unless it is open.
    pub(crate) fn visit(&mut self, lesson: usize) -> Vec<Effect> {
        if lesson == self.lesson { Vec::new() } else { self.open_lesson(lesson, OpenAt::Top) }
    }

    /// Puts a line of the open lesson on top, or as near as its end allows, and marks it. Where the lesson was left
    /// is kept until the reader moves on in it.
    pub(crate) fn arrive(&mut self, line: usize) -> Vec<Effect> {
        self.view.scroll_to(line);
        (self.view.link, self.view.arrived) = (None, Some(line));
        self.note_arrival()
    }

    pub(crate) fn arrive_at_cell(&mut self, cell: usize) -> Vec<Effect> {
        self.view.link = None;
        // Claims of another verdict than the one that is shown are hidden.
        if self.view.layout.cells.get(cell).is_some_and(|(_, height)| *height == 0) {
            self.claim_filter = ClaimFilter::All;
            self.lay_out();
        }
        self.view.show_cell(cell);
        self.note_arrival()
    }

    fn note_arrival(&mut self) -> Vec<Effect> {
        let here = self.return_positions.last().is_some_and(|from| from.lesson == self.lesson);
        if here {
            return self.remember_place();
        }
        if self.note_progress() { self.remember_lesson() } else { Vec::new() }
    }

    /// Keeps the place for Esc.
    pub(crate) fn push_return_position(&mut self) {
        let (spot, focus, link) = (self.view.spot(), self.view.focus, self.view.link);
        self.return_positions.push(ReturnPosition { lesson: self.lesson, spot, focus, link });
    }

    /// Back to where the last followed link was; with none, a chosen link is let go.
    pub(crate) fn go_back(&mut self) -> Vec<Effect> {
        let Some(place) = self.return_positions.pop() else {
            if self.view.link.take().is_none() {
                self.message = Some("there is no way back from here; c shows the contents, q quits".into());
            }
            return Vec::new();
        };
        let effects = self.open_lesson(place.lesson, OpenAt::Spot(place.spot));
        if let Some(cell) = place.focus {
            // What stands above it may have grown since.
            if self.view.sees_cell(cell) { self.view.focus = Some(cell) } else { self.view.show_cell(cell) }
        }
        self.view.link = place.link;
        effects
    }
}
