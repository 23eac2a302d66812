//! The contents as rows of the screen: a long title takes several.

use super::App;
use ratatui::layout::Position;

/// The row of the first lesson in the contents.
pub const CONTENTS_TOP: u16 = 2;
/// Columns that a mark, the part and the blanks behind them take.
const BEFORE: usize = 9;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentsRow {
    /// Index in the library.
    pub lesson: usize,
    /// Whether the lesson's mark stands on it.
    pub is_first: bool,
    /// Part and title, or how the title goes on.
    pub text: String,
}

impl App {
    /// The rows that there is room for; the chosen lesson is always among them, whole.
    pub fn contents_rows(&self) -> Vec<ContentsRow> {
        let area = self.screen.contents;
        let room = usize::from(area.width).saturating_sub(BEFORE + 3).max(1);
        let chosen = self.contents_choice().unwrap_or(self.lesson);
        let mut rows = Vec::new();
        let mut end = 0;
        for (lesson, document) in self.library.lessons.iter().enumerate() {
            let title = self.glyphs.text(&document.meta.title);
            for (line, words) in textwrap::wrap(&title, room).iter().enumerate() {
                let part = if line == 0 { document.meta.part.as_str() } else { "" };
                rows.push(ContentsRow { lesson, is_first: line == 0, text: format!("{part:<6} {words}") });
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

    pub(super) fn lesson_under(&self, at: Position) -> Option<usize> {
        let row = at.y.checked_sub(CONTENTS_TOP).filter(|_| self.screen.contents.contains(at))?;
        self.contents_rows().get(usize::from(row)).map(|row| row.lesson)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Modal;
    use crate::lesson::Library;

    #[test]
    fn a_long_title_takes_two_rows_and_both_lead_to_its_lesson() {
        for (columns, rows) in [(80, 24), (120, 40), (200, 50), (40, 12)] {
            let mut app = App::new(Library::english(), 0, columns, rows);
            app.modals.push(Modal::Contents(14));
            let shown = app.contents_rows();
            assert!(shown.iter().any(|row| row.lesson == 14), "{shown:?}");
            let room = usize::from(app.screen.contents.width) - 3;
            assert!(shown.iter().all(|row| 2 + row.text.chars().count() <= room), "{shown:?}");
            if rows < 24 {
                continue;
            }
            let title: Vec<&str> = shown.iter().filter(|row| row.lesson == 1).map(|row| row.text[7..].trim()).collect();
            assert_eq!(title.concat().replace(' ', ""), app.library.lessons[1].meta.title.replace(' ', ""));
            let second = shown.iter().rposition(|row| row.lesson == 1).unwrap() as u16;
            assert_eq!(app.lesson_under(Position { x: 3, y: CONTENTS_TOP + second }), Some(1));
        }
    }
}
