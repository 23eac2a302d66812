//! Where the parts of the list of runs stand. Drawing and clicks use the same rectangles.

use crate::Screen;
use ratatui::layout::Rect;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunsLayout {
    /// With its frame.
    pub dialog: Rect,
    /// One row: the filter, and how many runs match it.
    pub filter: Rect,
    /// One row: the titles of the columns.
    pub head: Rect,
    pub list: Rect,
    /// What is known of the selected run or of the marked ones; empty on a low screen.
    pub detail: Rect,
    /// One row: the keys.
    pub keys: Rect,
}

impl RunsLayout {
    pub fn new(screen: &Screen) -> Self {
        let dialog = screen.runs_list();
        // Inside the frame, with a blank column at both sides.
        let inner = Rect {
            x: dialog.x + 2,
            y: dialog.y + 1,
            width: dialog.width.saturating_sub(4),
            height: dialog.height.saturating_sub(2),
        };
        let row = |y: u16| Rect { y, height: 1, ..inner }.intersection(inner);
        let detail_rows = match inner.height {
            0..14 => 0,
            14..28 => 5,
            28..42 => 9,
            _ => 12,
        };
        // A blank row separates the list from what is beneath it.
        let below = 1 + if detail_rows > 0 { detail_rows + 1 } else { 0 };
        let list_rows = inner.height.saturating_sub(2 + below);
        let list = Rect { y: inner.y + 2, height: list_rows, ..inner }.intersection(inner);
        let keys = row(inner.bottom().saturating_sub(1));
        let detail = Rect { y: keys.y.saturating_sub(detail_rows), height: detail_rows, ..inner }.intersection(inner);
        Self { dialog, filter: row(inner.y), head: row(inner.y + 1), list, detail, keys }
    }

    /// How many runs a page key moves by: one of the last page stays on the screen.
    pub(crate) fn page(&self) -> isize {
        (self.list.height as isize - 1).max(1)
    }
}
