//! Going places: scrolling, lessons, links, and back.

use super::{App, Effect, LessonView, Opening, ShownClaims, Tag};
use lesson::{Library, ScrollPosition, Target};
use protocol::RequestBody;
use serde_json::Value;

/// Where a reader came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index in the library.
    pub lesson: usize,
    /// What stood on top.
    pub spot: ScrollPosition,
    pub focus: Option<usize>,
    pub link: Option<usize>,
}

/// Where a lesson was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Spot(ScrollPosition),
    /// A line of the screen, as notebooks kept it before they knew better: true at the width that it had then.
    Line(usize),
}

impl Kept {
    /// As the store has it.
    pub fn read(value: &Value) -> Option<Self> {
        let spot = serde_json::from_value(value["spot"].clone()).ok().map(Self::Spot);
        spot.or_else(|| Some(Self::Line(value["top"].as_u64()? as usize)))
    }
}

/// Where in a lesson to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Where it was left.
    Kept,
    /// At its head, on the way to somewhere in it: where it was left is not forgotten for a look.
    Visit,
    /// Where the reader was before.
    Spot(ScrollPosition),
}

impl App {
    pub(super) fn scroll(&mut self, lines: isize) -> Vec<Effect> {
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
    pub(super) fn remember_place(&mut self) -> Vec<Effect> {
        // Where the reader left off is not known yet, and nothing must take its place.
        if self.opening != Opening::Done {
            return Vec::new();
        }
        let id = self.document().meta.id.clone();
        self.places.insert(id, Kept::Spot(self.view.spot()));
        self.note_progress();
        self.remember_lesson()
    }

    /// Keeps which lesson is open, where it was left and how far it has been read.
    pub(super) fn remember_lesson(&self) -> Vec<Effect> {
        let id = self.document().meta.id.clone();
        let mut value = serde_json::json!({ "lesson": id, "read": self.read.get(&id) });
        match self.places.get(&id) {
            Some(Kept::Spot(spot)) => value["spot"] = serde_json::json!(spot),
            Some(Kept::Line(top)) => value["top"] = serde_json::json!(top),
            None => {}
        }
        let remember =
            |key: String, value: Value| Effect::RequestIfOn(Tag::Plain, RequestBody::Remember { key, value });
        let mut effects = vec![remember(format!("place/{id}"), value)];
        // Without its file the next notebook would not have a lesson of the reader's own.
        if Library::ships(self.lesson) {
            effects.push(remember("last-lesson".into(), id.into()));
        }
        effects
    }

    /// Scrolls to where the open lesson was left.
    pub fn return_to_place(&mut self) {
        let top = match self.places.get(&self.document().meta.id) {
            Some(Kept::Spot(spot)) => self.view.layout.line_at(*spot),
            Some(Kept::Line(top)) => *top,
            None => 0,
        };
        self.view.scroll_to(top);
    }

    pub(super) fn open_lesson(&mut self, lesson: usize, start: Start) -> Vec<Effect> {
        self.modals.clear();
        if lesson >= self.library.lessons.len() {
            return Vec::new();
        }
        // That lesson 0 was seen is kept even if nothing was scrolled in it.
        let was_welcome = self.document().number == Some(0) && !self.places.contains_key(&self.document().meta.id);
        let mut effects = if was_welcome { self.remember_place() } else { Vec::new() };
        self.lesson = lesson;
        self.view = LessonView::default();
        self.take_up_pointer();
        effects.extend(match start {
            Start::Kept => {
                self.return_to_place();
                self.remember_place()
            }
            Start::Visit => self.remember_lesson(),
            Start::Spot(spot) => {
                self.view.scroll_to(self.view.layout.line_at(spot));
                self.remember_place()
            }
        });
        effects.extend(self.wish_for_light());
        effects
    }

    /// To the lesson that explains the notebook; Esc comes back.
    pub(super) fn open_welcome(&mut self) -> Vec<Effect> {
        if self.lesson == 0 {
            return self.scroll(isize::MIN / 2);
        }
        self.leave_trail();
        self.open_lesson(0, Start::Kept)
    }

    /// Goes where a link leads; Esc comes back.
    pub(super) fn follow(&mut self, target: &Target) -> Vec<Effect> {
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
                self.leave_trail();
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
            self.leave_trail();
            self.arrive(line)
        })
    }

    /// Opens a lesson at one of its cells; Esc comes back.
    pub(super) fn follow_to_cell(&mut self, lesson: &str, cell: &str) -> Vec<Effect> {
        let Some(at) = self.library.find(lesson) else { return Vec::new() };
        self.leave_trail();
        let mut effects = self.visit(at);
        if let Some(number) = self.document().cells().iter().position(|other| other.id == cell) {
            effects.extend(self.arrive_at_cell(number));
        }
        effects
    }

    /// Opens a lesson on the way to somewhere in it, unless it is open.
    pub(super) fn visit(&mut self, lesson: usize) -> Vec<Effect> {
        if lesson == self.lesson { Vec::new() } else { self.open_lesson(lesson, Start::Visit) }
    }

    /// Puts a line of the open lesson on top, or as near as its end allows, and marks it. Where the lesson was left
    /// is kept until the reader moves on in it.
    pub(super) fn arrive(&mut self, line: usize) -> Vec<Effect> {
        self.view.scroll_to(line);
        (self.view.link, self.view.arrived) = (None, Some(line));
        self.arrived()
    }

    pub(super) fn arrive_at_cell(&mut self, cell: usize) -> Vec<Effect> {
        self.view.link = None;
        // Claims of another verdict than the one that is shown are hidden.
        if self.view.layout.cells.get(cell).is_some_and(|(_, height)| *height == 0) {
            self.shown_claims = ShownClaims::All;
            self.lay_out();
        }
        self.view.show_cell(cell);
        self.arrived()
    }

    fn arrived(&mut self) -> Vec<Effect> {
        let here = self.trail.last().is_some_and(|from| from.lesson == self.lesson);
        if here {
            return self.remember_place();
        }
        if self.note_progress() { self.remember_lesson() } else { Vec::new() }
    }

    /// Keeps the place for Esc.
    pub(super) fn leave_trail(&mut self) {
        let (spot, focus, link) = (self.view.spot(), self.view.focus, self.view.link);
        self.trail.push(Place { lesson: self.lesson, spot, focus, link });
    }

    /// Back to where the last followed link was; with none, a chosen link is let go.
    pub(super) fn go_back(&mut self) -> Vec<Effect> {
        let Some(place) = self.trail.pop() else {
            if self.view.link.take().is_none() {
                self.message = Some("there is no way back from here; c shows the contents, q quits".into());
            }
            return Vec::new();
        };
        let effects = self.open_lesson(place.lesson, Start::Spot(place.spot));
        if let Some(cell) = place.focus {
            // What stands above it may have grown since.
            if self.view.sees_cell(cell) { self.view.focus = Some(cell) } else { self.view.show_cell(cell) }
        }
        self.view.link = place.link;
        effects
    }
}
