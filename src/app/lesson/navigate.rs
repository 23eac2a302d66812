//! Navigation: scrolling, opening lessons, following links, and returning.

use crate::{App, ClaimFilter, Effect, LessonView};
use lesson::{ScrollPosition, Target};

/// The position at which a lesson is opened.
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
        let more = self.update_progress();
        if before == self.view.top && !more { Vec::new() } else { self.save_position() }
    }

    pub(crate) fn open_lesson(&mut self, lesson: usize, start: OpenAt) -> Vec<Effect> {
        self.modals.clear();
        if lesson >= self.library.lessons.len() {
            return Vec::new();
        }
        // Opening lesson 0 is stored even if the reader did not scroll.
        let was_welcome =
            self.document().number == Some(0) && !self.saved_positions.contains_key(&self.document().meta.id);
        let mut effects = if was_welcome { self.save_position() } else { Vec::new() };
        self.lesson = lesson;
        self.view = LessonView::default();
        self.lay_out_opened_lesson();
        effects.extend(match start {
            OpenAt::SavedPosition => {
                self.scroll_to_saved_position();
                self.save_position()
            }
            OpenAt::Top => self.save_lesson_state(),
            OpenAt::Spot(spot) => {
                self.view.scroll_to(self.view.layout.line_at(spot));
                self.save_position()
            }
        });
        effects.extend(self.request_highlighting());
        effects
    }

    /// Opens the lesson that explains the notebook; Esc returns.
    pub(crate) fn open_welcome(&mut self) -> Vec<Effect> {
        if self.lesson == 0 {
            return self.scroll(isize::MIN / 2);
        }
        self.push_return_position();
        self.open_lesson(0, OpenAt::SavedPosition)
    }

    /// Follows a link; Esc returns.
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
                let mut effects = self.open_lesson_at_top(lesson);
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

    /// Opens a lesson at one of its cells; Esc returns.
    pub(crate) fn follow_to_cell(&mut self, lesson: &str, cell: &str) -> Vec<Effect> {
        let Some(at) = self.library.find(lesson) else { return Vec::new() };
        self.push_return_position();
        let mut effects = self.open_lesson_at_top(at);
        if let Some(number) = self.document().cells().iter().position(|other| other.id == cell) {
            effects.extend(self.arrive_at_cell(number));
        }
        effects
    }

    /// Opens a lesson at its top, unless it is open.
    pub(crate) fn open_lesson_at_top(&mut self, lesson: usize) -> Vec<Effect> {
        if lesson == self.lesson { Vec::new() } else { self.open_lesson(lesson, OpenAt::Top) }
    }

    /// Scrolls a line of the open lesson to the top, or as far as the lesson's end allows, and marks it. The saved
    /// position does not change until the reader moves on.
    pub(crate) fn arrive(&mut self, line: usize) -> Vec<Effect> {
        self.view.scroll_to(line);
        (self.view.link, self.view.arrived) = (None, Some(line));
        self.finish_jump()
    }

    pub(crate) fn arrive_at_cell(&mut self, cell: usize) -> Vec<Effect> {
        self.view.link = None;
        // The filter of the ledger hides claims of other verdicts.
        if self.view.layout.cells.get(cell).is_some_and(|(_, height)| *height == 0) {
            self.claim_filter = ClaimFilter::All;
            self.lay_out();
        }
        self.view.show_cell(cell);
        self.finish_jump()
    }

    fn finish_jump(&mut self) -> Vec<Effect> {
        let here = self.return_positions.last().is_some_and(|from| from.lesson == self.lesson);
        if here {
            return self.save_position();
        }
        if self.update_progress() { self.save_lesson_state() } else { Vec::new() }
    }

    /// Returns to the position of the last followed link. If there is none, the chosen link is deselected.
    pub(crate) fn go_back(&mut self) -> Vec<Effect> {
        let Some(place) = self.return_positions.pop() else {
            if self.view.link.take().is_none() {
                self.message = Some("there is no way back from here; c shows the contents, q quits".into());
            }
            return Vec::new();
        };
        let effects = self.open_lesson(place.lesson, OpenAt::Spot(place.spot));
        if let Some(cell) = place.focus {
            // The lesson above the cell may have grown meanwhile.
            if self.view.sees_cell(cell) { self.view.focus = Some(cell) } else { self.view.show_cell(cell) }
        }
        self.view.link = place.link;
        effects
    }
}
