//! A lesson that is being written: its file has changed on the disk, and the notebook follows.

use crate::lesson::view::moved;
use crate::{App, Effect};
use lesson::{HighlightedCode, Parsed, check};

impl App {
    /// Takes the new state of a lesson's file in, or why it can't be read. What can't be understood leaves the last
    /// good lesson on the screen and says what to mend.
    pub(crate) fn reload(&mut self, file: &str, lesson: Result<Box<Parsed>, String>) -> Vec<Effect> {
        let Some(at) = self.library.lessons.iter().position(|lesson| lesson.file == file) else { return Vec::new() };
        match lesson {
            Err(why) => self.show_faults(vec![why]),
            Ok(parsed) => {
                let known = self.library.lessons.iter().enumerate().filter(|(other, _)| *other != at);
                let faults = check(std::slice::from_ref(&parsed), known.map(|(_, lesson)| lesson));
                let (mut document, unreadable) = *parsed;
                let focused = self.focused().map(|cell| cell.id.clone()).filter(|_| at == self.lesson);
                if unreadable.is_empty() {
                    document.highlighted = std::mem::take(&mut self.library.lessons[at].highlighted);
                    document.number = self.library.lessons[at].number;
                    self.library.lessons[at] = document;
                    if at == self.lesson {
                        self.follow_edit(focused);
                    }
                    // Settings may be others now: what was measured with the old ones no longer counts.
                    self.lay_out_claims();
                }
                self.show_faults(faults.iter().map(ToString::to_string).collect());
            }
        }
        self.request_highlighting()
    }

    /// Asks for the colours of the open lesson's code, where they are missing.
    pub fn request_highlighting(&self) -> Vec<Effect> {
        let code = self.document().code_to_highlight();
        if code.is_empty() {
            return Vec::new();
        }
        vec![Effect::Highlight { lesson: self.document().meta.id.clone(), code }]
    }

    pub(crate) fn highlighted(&mut self, lesson: &str, code: Vec<((String, String), HighlightedCode)>) {
        let Some(at) = self.library.find(lesson) else { return };
        self.library.lessons[at].highlighted.extend(code);
        if at == self.lesson {
            self.lay_out();
        }
    }

    /// Lays the changed lesson out; what stood on the screen stays there.
    fn follow_edit(&mut self, focused: Option<String>) {
        let layout = self.layout();
        let top = moved(&self.view.layout, &layout, self.view.top, self.view.height);
        self.view.layout = layout;
        self.view.link = None;
        self.view.scroll_to(top);
        let cells = self.document().cells();
        let focused = focused.and_then(|id| cells.iter().position(|cell| cell.id == id));
        if let Some(cell) = focused.filter(|cell| self.view.sees_cell(*cell)) {
            self.view.focus = Some(cell);
        }
    }

    /// What to mend, in the banner and its list.
    fn show_faults(&mut self, faults: Vec<String>) {
        if self.lesson_faults != faults {
            self.lesson_faults = faults;
            self.lay_out_banner();
        }
    }
}
