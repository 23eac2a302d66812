//! Going places: scrolling, lessons, links, and back.

use super::{App, Effect, LessonView, Opening, Tag};
use crate::lesson::{Library, Target};
use crate::protocol::RequestBody;
use serde_json::Value;

/// Where a reader came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index in the library.
    pub lesson: usize,
    /// First line shown.
    pub top: usize,
    pub focus: Option<usize>,
    pub link: Option<usize>,
}

impl App {
    pub(super) fn scroll(&mut self, lines: isize) -> Vec<Effect> {
        let before = self.view.top;
        self.view.scroll_by(lines);
        let percent = self.view.percent();
        let read = self.read.entry(self.library.lessons[self.lesson].meta.id.clone()).or_default();
        *read = percent.max(*read);
        if before == self.view.top { Vec::new() } else { self.remember_place() }
    }

    /// Keeps the place where the store can be written; a kernel is not started for it.
    pub(super) fn remember_place(&mut self) -> Vec<Effect> {
        // Where the reader left off is not known yet, and nothing must take its place.
        if self.opening != Opening::Done {
            return Vec::new();
        }
        let id = self.document().meta.id.clone();
        self.places.insert(id.clone(), self.view.top);
        let value = serde_json::json!({ "lesson": id, "top": self.view.top, "read": self.read.get(&id) });
        let remember =
            |key: String, value: Value| Effect::RequestIfOn(Tag::Plain, RequestBody::Remember { key, value });
        let mut effects = vec![remember(format!("place/{id}"), value)];
        // Without its file the next notebook would not have a lesson of the reader's own.
        if Library::ships(self.lesson) {
            effects.push(remember("last-lesson".into(), id.into()));
        }
        effects
    }

    pub(super) fn open_lesson(&mut self, lesson: usize, top: Option<usize>) -> Vec<Effect> {
        if lesson >= self.library.lessons.len() {
            return Vec::new();
        }
        self.lesson = lesson;
        self.view = super::LessonView::default();
        self.lay_out();
        let kept = self.places.get(&self.document().meta.id).copied();
        self.view.scroll_to(top.or(kept).unwrap_or(0));
        let mut effects = self.remember_place();
        effects.extend(self.wish_for_light());
        effects
    }

    pub(super) fn click(&mut self, column: u16, row: u16) -> Vec<Effect> {
        let at = ratatui::layout::Position { x: column, y: row };
        let choosing = self.contents_choice().is_some();
        // A click beside the contents closes them; what else lies on top keeps the lesson beneath from being hit.
        if choosing {
            self.modals.pop();
        } else if !self.modals.is_empty() {
            return Vec::new();
        }
        if (self.screen.contents_beside || choosing) && self.screen.contents.contains(at) {
            let lesson = row.checked_sub(super::screen_contents_top());
            return lesson.map_or_else(Vec::new, |lesson| self.open_lesson(lesson.into(), None));
        }
        if choosing {
            return Vec::new();
        }
        let cell = match self.view.shown().get(usize::from(row)) {
            Some(crate::lesson::Line::Cell { cell, .. }) => Some(*cell),
            Some(crate::lesson::Line::Text(spans)) => {
                let mut x = self.screen.text.x;
                for span in spans {
                    let width = unicode_width::UnicodeWidthStr::width(span.text.as_str()) as u16;
                    if (x..x + width).contains(&column)
                        && let crate::lesson::Style::Link(target) = &span.style
                    {
                        let target = target.clone();
                        return self.follow(&target);
                    }
                    x += width;
                }
                None
            }
            None => None,
        };
        if let Some(cell) = cell {
            self.view.show_cell(cell);
        }
        Vec::new()
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
                let effects = self.open_lesson(lesson, Some(0));
                let line = anchor.as_ref().and_then(|anchor| self.view.line_of(anchor));
                return line.map_or(effects, |line| self.arrive(line));
            }
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
        let effects = if at == self.lesson { self.remember_place() } else { self.open_lesson(at, Some(0)) };
        self.view.link = None;
        if let Some(number) = self.document().cells().iter().position(|other| other.id == cell) {
            self.view.show_cell(number);
        }
        effects
    }

    /// Puts a line of the open lesson on top, or as near as its end allows, and marks it.
    pub(super) fn arrive(&mut self, line: usize) -> Vec<Effect> {
        self.view.scroll_to(line);
        (self.view.link, self.view.arrived) = (None, Some(line));
        self.remember_place()
    }

    /// Keeps the place for Esc.
    pub(super) fn leave_trail(&mut self) {
        let LessonView { top, focus, link, .. } = self.view;
        self.trail.push(Place { lesson: self.lesson, top, focus, link });
    }

    /// Back to where the last followed link was; with none, a chosen link is let go.
    pub(super) fn go_back(&mut self) -> Vec<Effect> {
        let Some(place) = self.trail.pop() else {
            self.view.link = None;
            return Vec::new();
        };
        let effects = self.open_lesson(place.lesson, Some(place.top));
        self.view.focus = place.focus.or(self.view.focus);
        self.view.link = place.link;
        effects
    }
}
