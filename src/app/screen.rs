//! The rectangles of the screen, computed once per resize. Drawing and hit tests use the same ones.

use ratatui::layout::Rect;

/// A smaller terminal gets a message instead of the notebook.
pub const SMALLEST: (u16, u16) = (40, 12);
/// The columns that the text needs. No line of a lesson is wider than a screen of 80 columns allows.
const NARROW: u16 = 80;
/// The smallest width of the contents beside the text.
const CONTENTS: u16 = 32;
/// The largest width of the contents, at which every title of the course fits on one row.
const WIDEST: u16 = 54;
/// A longer line is hard to read.
const LONGEST_LINE: u16 = 96;
/// A wider chart shows nothing more.
const WIDEST_PANE: u16 = 160;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    pub whole: Rect,
    /// Beside the text, or over it on a narrow screen.
    pub contents: Rect,
    pub contents_beside: bool,
    pub text: Rect,
    /// Panes with figures use the columns of the text and the free ones at its right.
    pub pane: Rect,
    /// Above the status line; empty if there is no banner.
    pub banner: Rect,
    pub status: Rect,
}

impl Screen {
    pub fn new(columns: u16, rows: u16) -> Self {
        Self::with_banner(0, columns, rows)
    }

    /// The same with a banner of so many rows.
    pub fn with_banner(banner: u16, columns: u16, rows: u16) -> Self {
        let whole = Rect::new(0, 0, columns, rows);
        let body = rows.saturating_sub(1 + banner);
        let spare = columns.saturating_sub(NARROW);
        let beside = spare >= CONTENTS;
        let contents_width =
            if beside { (columns / 3).min(spare).clamp(CONTENTS, WIDEST) } else { columns.saturating_sub(4).min(44) };
        let left = if beside { contents_width } else { 0 };
        let room = columns.saturating_sub(left);
        let width = room.saturating_sub(4).min(LONGEST_LINE);
        let margin = (room.saturating_sub(width) / 2).min(if beside { 6 } else { room });
        let text = Rect::new(left + margin, 0, width, body);
        Self {
            whole,
            contents: Rect::new(0, 0, contents_width, body),
            contents_beside: beside,
            text,
            pane: Rect { width: columns.saturating_sub(text.x + 2).clamp(width, WIDEST_PANE.max(width)), ..text },
            banner: Rect::new(0, body, columns, banner.min(rows)),
            status: Rect::new(0, rows.saturating_sub(1), columns, rows.min(1)),
        }
    }

    /// A box in the middle of the screen, cut to the space available.
    pub fn middle(&self, width: u16, height: u16) -> Rect {
        let whole = self.whole;
        let rows = whole.height.saturating_sub(1);
        Rect {
            width: width.min(whole.width),
            height: height.min(rows),
            x: whole.width.saturating_sub(width) / 2,
            y: rows.saturating_sub(height) / 2,
        }
    }

    /// The box of the list of runs that can be shown together.
    pub fn runs(&self) -> Rect {
        self.middle(self.whole.width.saturating_sub(4).min(110), self.whole.height.saturating_sub(3))
    }

    /// The box of the list of runs with its filter and its details.
    pub fn runs_list(&self) -> Rect {
        self.middle(self.whole.width.saturating_sub(4).min(196), self.whole.height.saturating_sub(3))
    }

    /// The box of the faults of a lesson.
    pub fn faults(&self) -> Rect {
        self.runs()
    }

    /// The box of the search.
    pub fn search(&self) -> Rect {
        self.middle(self.whole.width.saturating_sub(4).min(90), 16)
    }

    /// The box of the command line.
    pub fn command(&self) -> Rect {
        self.middle(self.whole.width.saturating_sub(4).min(96), self.whole.height.saturating_sub(3).min(26))
    }

    /// Rows of the key table that the help shows at once, without its frame, its last line and the status line.
    pub fn help_rows(&self) -> usize {
        usize::from(self.whole.height.saturating_sub(4))
    }

    pub fn is_too_small(&self) -> bool {
        self.whole.width < SMALLEST.0 || self.whole.height < SMALLEST.1
    }
}
