//! The rows of the contents. A long title takes several.

use super::navigate::OpenAt;
use crate::{Action, App, Effect, Modal, keys};
use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Position;

/// The row of the first lesson in the contents.
pub const CONTENTS_TOP: u16 = 2;
/// Columns of the progress mark, the lesson's number and the blanks after them.
const BEFORE: usize = 5;
/// Columns of the minutes left, with a blank before them.
const BEHIND: usize = 4;

/// A row of the contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentsRow {
    /// Index in the library.
    pub lesson: usize,
    /// Whether this is the lesson's first row, which has the progress mark.
    pub is_first: bool,
    /// The number and the title, or the next part of the title.
    pub text: String,
    /// The minutes left, on the first row.
    pub minutes: String,
}

impl App {
    pub(crate) fn contents_key(&mut self, at: usize, code: KeyCode, key: KeyEvent) -> Vec<Effect> {
        let last = self.library.lessons.len().saturating_sub(1);
        let at = match keys::action(key) {
            _ if code == KeyCode::Enter => return self.open_lesson(at, OpenAt::SavedPosition),
            Some(Action::Down | Action::Right | Action::NextCell | Action::NextLesson) => (at + 1).min(last),
            Some(Action::Up | Action::Left | Action::PreviousCell | Action::PreviousLesson) => at.saturating_sub(1),
            Some(Action::Top | Action::PageUp) => 0,
            Some(Action::Bottom | Action::PageDown) => last,
            Some(Action::Quit) => return Vec::new(),
            _ => at,
        };
        self.modals.push(Modal::Contents(at));
        Vec::new()
    }

    /// The visible rows. All rows of the selected lesson are among them.
    pub fn contents_rows(&self) -> Vec<ContentsRow> {
        let area = self.screen.contents;
        let room = usize::from(area.width).saturating_sub(BEFORE + BEHIND + 3).max(1);
        let chosen = self.contents_choice().unwrap_or(self.lesson);
        let mut rows = Vec::new();
        let mut end = 0;
        for (lesson, document) in self.library.lessons.iter().enumerate() {
            let title = self.glyphs.text(&document.meta.title);
            for (line, words) in textwrap::wrap(&title, crate::wrap_options(room)).iter().enumerate() {
                let is_first = line == 0;
                let number = document.number.filter(|_| is_first).map_or(String::new(), |number| number.to_string());
                let minutes = match self.minutes_left(lesson) {
                    minutes @ 1.. if is_first => format!("{minutes}m"),
                    _ => String::new(),
                };
                rows.push(ContentsRow { lesson, is_first, text: format!("{number:>2} {words}"), minutes });
            }
            if lesson == chosen {
                end = rows.len();
            }
        }
        let height = usize::from(area.height.saturating_sub(CONTENTS_TOP)).max(1);
        rows.drain(..end.saturating_sub(height));
        rows.truncate(height);
        rows
    }

    /// The time that is left of the whole course: `2 h 11 m left`.
    pub fn course_left(&self) -> Option<String> {
        let minutes: u32 = (0..self.library.lessons.len()).map(|lesson| self.minutes_left(lesson)).sum();
        match (minutes / 60, minutes % 60) {
            (0, 0) => None,
            (0, minutes) => Some(format!("{minutes} m left")),
            (hours, minutes) => Some(format!("{hours} h {minutes} m left")),
        }
    }

    pub(crate) fn lesson_under(&self, at: Position) -> Option<usize> {
        let row = at.y.checked_sub(CONTENTS_TOP).filter(|_| self.screen.contents.contains(at))?;
        self.contents_rows().get(usize::from(row)).map(|row| row.lesson)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Modal;
    use lesson::Library;

    #[test]
    fn a_long_title_takes_two_rows_and_both_lead_to_its_lesson() {
        for (columns, rows) in [(80, 24), (120, 40), (200, 50), (40, 12)] {
            let mut app = App::new(Library::english(), 0, columns, rows);
            app.modals.push(Modal::Contents(15));
            let shown = app.contents_rows();
            assert!(shown.iter().any(|row| row.lesson == 15), "{shown:?}");
            let room = usize::from(app.screen.contents.width) - 3;
            let width = |row: &ContentsRow| 2 + row.text.chars().count() + row.minutes.chars().count();
            assert!(shown.iter().all(|row| width(row) < room), "{shown:?}");
            if rows < 24 {
                continue;
            }
            let title: Vec<&str> = shown.iter().filter(|row| row.lesson == 1).map(|row| row.text[3..].trim()).collect();
            assert_eq!(title.concat().replace(' ', ""), app.library.lessons[1].meta.title.replace(' ', ""));
            let second = shown.iter().rposition(|row| row.lesson == 1).unwrap() as u16;
            assert_eq!(app.lesson_under(Position { x: 3, y: CONTENTS_TOP + second }), Some(1));
        }
    }
}
