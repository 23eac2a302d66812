//! Reloads a lesson file that has changed on disk, while the reader writes it.

use crate::lesson::view::corresponding_line;
use crate::{App, Effect};
use lesson::{HighlightedCode, Parsed, check};

impl App {
    /// Replaces a lesson by the new content of its file. If that has errors or can't be read, the last valid lesson
    /// stays and the faults are shown.
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
                    // The settings of cells may have changed, so outcomes with the old ones may no longer count.
                    self.lay_out_claims();
                }
                self.show_faults(faults.iter().map(ToString::to_string).collect());
            }
        }
        self.request_highlighting()
    }

    /// Requests the highlighting of the open lesson's code, as far as it is missing.
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

    /// Lays out the changed lesson. The lines on the screen stay where they are.
    fn follow_edit(&mut self, focused: Option<String>) {
        let layout = self.layout();
        let top = corresponding_line(&self.view.layout, &layout, self.view.top, self.view.height);
        self.view.layout = layout;
        self.view.link = None;
        self.view.scroll_to(top);
        let cells = self.document().cells();
        let focused = focused.and_then(|id| cells.iter().position(|cell| cell.id == id));
        if let Some(cell) = focused.filter(|cell| self.view.sees_cell(*cell)) {
            self.view.focus = Some(cell);
        }
    }

    /// Shows faults in the banner and its list.
    fn show_faults(&mut self, faults: Vec<String>) {
        if self.lesson_faults != faults {
            self.lesson_faults = faults;
            self.lay_out_banner();
        }
    }
}
