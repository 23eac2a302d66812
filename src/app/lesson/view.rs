//! The open lesson's layout, scroll position and focus.

use lesson::{Layout, Line, ScrollPosition, Target};
use std::ops::Range;

/// A laid-out lesson with its scroll position and the cell in focus.
#[derive(Debug, Default)]
pub struct LessonView {
    pub layout: Layout,
    /// The first visible line.
    pub top: usize,
    /// The rows of the panes at the time of the layout.
    pub panes: Vec<u16>,
    /// Which sealed blocks were folded at the time of the layout.
    pub folds: Vec<bool>,
    /// The number of visible lines.
    pub height: usize,
    /// The index of the cell that keys act on.
    pub focus: Option<usize>,
    /// The index of the link that Enter follows, while it is visible.
    pub link: Option<usize>,
    /// The line of the last jump, until the next key.
    pub arrived: Option<usize>,
}

impl LessonView {
    /// Replaces the layout and keeps the position of the focused cell, or else of the line at the top.
    pub fn set_layout(&mut self, layout: Layout, height: u16) {
        // At the top of a lesson the position stays there.
        let focus = self.focus.filter(|_| self.top > 0);
        let anchor = focus.and_then(|cell| self.layout.cells.get(cell).map(|(line, _)| (cell, *line)));
        let top = match anchor {
            Some((cell, line)) => {
                let new = layout.cells.get(cell).map_or(0, |(line, _)| *line);
                (new + self.top).saturating_sub(line)
            }
            None if self.layout.width == layout.width => {
                corresponding_line(&self.layout, &layout, self.top, self.height)
            }
            None => layout.line_at(self.layout.scroll_position(self.top)),
        };
        // Unfolding a block changes the links.
        if self.layout.links.len() != layout.links.len() {
            self.link = None;
        }
        self.layout = layout;
        self.height = usize::from(height);
        self.scroll_to(top);
        // The focused cell stays wholly visible.
        if let Some((cell, _)) = anchor {
            self.show_cell(cell);
        }
    }

    /// The content at the top, independent of the width.
    pub fn spot(&self) -> ScrollPosition {
        self.layout.scroll_position(self.top)
    }

    pub fn bottom(&self) -> usize {
        self.layout.lines.len().saturating_sub(self.height)
    }

    pub fn scroll_to(&mut self, top: usize) {
        self.top = top.min(self.bottom());
        self.focus = self.cell_in_view();
    }

    pub fn scroll_by(&mut self, lines: isize) {
        self.scroll_to(self.top.saturating_add_signed(lines));
    }

    /// Lines to scroll for the next page, which repeats two lines of this one. A cell, formula or picture is not cut if
    /// that can be avoided: one that the lower edge cuts comes to the top, and one that was wholly visible is scrolled
    /// past.
    pub fn page_down(&self) -> isize {
        let (top, end) = (self.top, self.top + self.height);
        let next = end.saturating_sub(2).max(top + 1);
        let cut = self.across(end).filter(|&(from, to)| from > top && to - from <= self.height);
        let left = self.across(next).filter(|&(from, to)| from >= top && to <= end);
        let to = cut.map(|(from, _)| from).or(left.map(|(_, to)| to)).unwrap_or(next);
        (to - top) as isize
    }

    /// Lines to scroll for the page before, by the same rules.
    pub fn page_up(&self) -> isize {
        let (top, end) = (self.top, self.top + self.height);
        let last = (top + 2).min(end.saturating_sub(1));
        let cut = self.across(top).filter(|&(from, to)| to < end && to - from <= self.height);
        let left = self.across(last).filter(|&(from, to)| from >= top && to <= end);
        let to = cut.map(|(_, to)| to).or(left.map(|(from, _)| from)).unwrap_or(last);
        (end - to) as isize
    }

    /// The cell, formula or picture that an edge above this line would cut: its first line, and the line after it.
    fn across(&self, line: usize) -> Option<(usize, usize)> {
        let kept = self.layout.cells.iter().chain(&self.layout.wholes);
        let mut ends = kept.map(|&(from, height)| (from, from + usize::from(height)));
        ends.find(|&(from, to)| from < line && line < to)
    }

    /// Scrolls a cell into view, all of it if it fits, and focuses it.
    pub fn show_cell(&mut self, cell: usize) {
        if let Some(&(_, height)) = self.layout.cells.get(cell) {
            self.show_rows(cell, &(0..height));
        }
    }

    /// Scrolls these rows of a cell into view, as many as fit, and focuses the cell.
    pub fn show_rows(&mut self, cell: usize, rows: &Range<u16>) {
        let Some(&(line, height)) = self.layout.cells.get(cell) else { return };
        if !self.shows(cell, rows) {
            // If the whole cell fits, all of it is shown.
            let rows = if usize::from(height) <= self.height { 0..height } else { rows.clone() };
            let spare = self.height.saturating_sub(rows.len());
            self.top = (line + usize::from(rows.start)).saturating_sub(spare / 2).min(self.bottom());
        }
        self.focus = Some(cell);
    }

    /// Whether these rows of a cell are visible, or fill the screen if they are more than it has.
    pub fn shows(&self, cell: usize, rows: &Range<u16>) -> bool {
        let Some(&(line, _)) = self.layout.cells.get(cell) else { return false };
        let (from, to) = (line + usize::from(rows.start), line + usize::from(rows.end));
        let seen = to.min(self.top + self.height).saturating_sub(from.max(self.top));
        seen >= rows.len().min(self.height)
    }

    fn shows_whole(&self, cell: usize) -> bool {
        self.layout.cells.get(cell).is_some_and(|&(_, height)| self.shows(cell, &(0..height)))
    }

    /// Whether any part of a cell is visible.
    pub fn sees_cell(&self, cell: usize) -> bool {
        let seen =
            |&(line, height): &(usize, u16)| line < self.top + self.height && line + usize::from(height) > self.top;
        self.layout.cells.get(cell).is_some_and(seen)
    }

    /// The next cell in this direction. It is the focused one as long as not all of it is visible, so that none is
    /// skipped.
    pub fn next_cell(&self, forward: bool) -> Option<usize> {
        let count = self.layout.cells.len();
        let is_shown = |cell: &usize| self.layout.cells[*cell].1 > 0;
        match self.focus {
            Some(cell) if !self.shows_whole(cell) => Some(cell),
            Some(cell) if forward => (cell + 1..count).find(is_shown),
            Some(cell) => (0..cell).rfind(is_shown),
            None => {
                let below = (0..count).find(|&cell| is_shown(&cell) && self.layout.cells[cell].0 >= self.top);
                if forward { below } else { (0..below.unwrap_or(count)).rfind(is_shown) }
            }
        }
    }

    /// Focuses the next cell in this direction, or chooses the line of a folded block before it; returns whether there
    /// is one.
    pub fn step_cell(&mut self, forward: bool) -> bool {
        let folded = |link: usize| {
            let link = &self.layout.links[link];
            let line = link.parts.first().map(|(line, _)| *line);
            line.filter(|_| matches!(link.target, Target::Sealed { .. }))
        };
        let chosen = self.chosen_link().and_then(folded);
        let line_of = |cell: usize| self.layout.cells[cell].0;
        let cells = 0..self.layout.cells.len();
        let next = match chosen {
            Some(from) if forward => cells.into_iter().find(|cell| line_of(*cell) > from),
            Some(from) => cells.into_iter().rfind(|cell| line_of(*cell) < from),
            None => self.next_cell(forward),
        };
        let from = chosen.or_else(|| self.focus.map(line_of));
        let is_before = |line: usize| match (forward, from) {
            (true, Some(from)) => line > from,
            (true, None) => line >= self.top,
            (false, _) => line < from.unwrap_or(self.top),
        };
        let is_nearer = |line: usize| match next.map(line_of) {
            Some(cell) if forward => line < cell,
            Some(cell) => line > cell,
            None => true,
        };
        let mut blocks = (0..self.layout.links.len()).filter_map(|link| Some((link, folded(link)?)));
        let between = |&(_, line): &(usize, usize)| is_before(line) && is_nearer(line);
        let block = if forward { blocks.find(between) } else { blocks.rfind(between) };
        match (block, next) {
            (Some((link, line)), _) => {
                if !(self.top..self.top + self.height).contains(&line) {
                    self.scroll_to(line.saturating_sub(self.height / 3));
                }
                self.link = Some(link);
            }
            (None, Some(cell)) => {
                self.link = None;
                self.show_cell(cell);
            }
            (None, None) => self.link = None,
        }
        block.is_some() || next.is_some()
    }

    /// The link that Enter follows.
    pub fn chosen_link(&self) -> Option<usize> {
        let (line, _) = *self.layout.links.get(self.link?)?.parts.first()?;
        (self.top..self.top + self.height).contains(&line).then_some(self.link?)
    }

    pub fn chosen_target(&self) -> Option<&Target> {
        Some(&self.layout.links[self.chosen_link()?].target)
    }

    /// Chooses the next link in this direction, starting with those on the screen; returns whether there is one.
    pub fn step_link(&mut self, forward: bool) -> bool {
        let links = &self.layout.links;
        let line = |link: usize| links[link].parts.first().map_or(0, |part| part.0);
        let next = match self.chosen_link() {
            Some(link) if forward => Some(link + 1),
            Some(link) => link.checked_sub(1),
            None if forward => (0..links.len()).find(|link| line(*link) >= self.top),
            None => (0..links.len()).rfind(|link| line(*link) < self.top + self.height),
        };
        let Some(next) = next.filter(|next| *next < links.len()) else { return false };
        let at = line(next);
        if !(self.top..self.top + self.height).contains(&at) {
            self.scroll_to(at.saturating_sub(self.height / 3));
        }
        self.link = Some(next);
        true
    }

    /// The visible cell with the most visible rows; the focused one wins a tie. At the top of a lesson no cell is
    /// focused by itself.
    fn cell_in_view(&self) -> Option<usize> {
        let shown = |&(line, height): &(usize, u16)| {
            let (from, to) = (line.max(self.top), (line + usize::from(height)).min(self.top + self.height));
            let seen = to.saturating_sub(from);
            // Half of the cell, or a third of the screen.
            (seen * 2 >= usize::from(height) || seen * 3 >= self.height).then_some(seen).filter(|seen| *seen > 0)
        };
        if self.top == 0 {
            return self.focus.filter(|&cell| self.layout.cells.get(cell).and_then(shown).is_some());
        }
        let cells = self.layout.cells.iter().enumerate();
        let seen = cells.filter_map(|(at, cell)| Some((shown(cell)?, self.focus == Some(at), at)));
        seen.max_by_key(|&(rows, focused, at)| (rows, focused, std::cmp::Reverse(at))).map(|(_, _, at)| at)
    }

    /// How much of the lesson has been on the screen, in percent.
    pub fn percent(&self) -> u8 {
        let total = self.layout.lines.len().max(1);
        ((self.top + self.height).min(total) * 100 / total) as u8
    }

    /// The line of a heading, by its anchor.
    pub fn line_of(&self, anchor: &str) -> Option<usize> {
        self.layout.headings.iter().find(|heading| heading.anchor == anchor).map(|heading| heading.line)
    }

    /// The visible lines.
    pub fn shown(&self) -> &[Line] {
        let end = (self.top + self.height).min(self.layout.lines.len());
        &self.layout.lines[self.top.min(end)..end]
    }
}

/// Finds the line of the new layout that corresponds to line `top` of the old one, which shows `height` lines from
/// there. An edit leaves the lines before and after it as they were.
pub(crate) fn corresponding_line(old: &Layout, new: &Layout, top: usize, height: usize) -> usize {
    let before = old.lines.iter().zip(&new.lines).take_while(|(a, b)| is_same_line(a, b)).count();
    if top < before {
        return top;
    }
    let behind = old.lines.iter().rev().zip(new.lines.iter().rev()).take_while(|(a, b)| is_same_line(a, b)).count();
    if top >= old.lines.len() - behind {
        return top + new.lines.len() - old.lines.len();
    }
    // After several edits: the first visible words that are still there, or else the heading above them.
    let words = |line: &Line| matches!(line, Line::Text(spans) if !spans.is_empty());
    let shown = old.lines.iter().enumerate().skip(top).take(height).filter(|(_, line)| words(line));
    let mut kept = shown.filter_map(|(at, line)| {
        let found = new.lines.iter().enumerate().filter(|(_, other)| *other == line).map(|(other, _)| other);
        Some((at, found.min_by_key(|found| found.abs_diff(at))?))
    });
    if let Some((at, found)) = kept.next() {
        return (found + top).saturating_sub(at);
    }
    let heading = old.headings.iter().rev().find(|heading| heading.line <= top);
    let again = heading.and_then(|old| Some((old, new.headings.iter().find(|new| new.anchor == old.anchor)?)));
    again.map_or(before, |(old, new)| new.line + top - old.line)
}

/// Cells and pictures are renumbered when one is added, so their numbers are ignored.
fn is_same_line(a: &Line, b: &Line) -> bool {
    match (a, b) {
        (Line::Cell { row: a, .. }, Line::Cell { row: b, .. })
        | (Line::Picture { row: a, .. }, Line::Picture { row: b, .. }) => a == b,
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred lines, with a cell of eight at 15, one of thirty at 50 and a formula of three at 92, on a screen of twenty.
    fn view(top: usize) -> LessonView {
        let layout = Layout {
            width: 76,
            lines: vec![Line::Text(Vec::new()); 100],
            cells: vec![(15, 8), (50, 30)],
            wholes: vec![(92, 3)],
            ..Layout::default()
        };
        LessonView { layout, top, height: 20, ..LessonView::default() }
    }

    #[test]
    fn a_page_cuts_no_cell_that_fits() {
        // A cell that the lower edge cuts comes to the top. A wholly visible one is scrolled past. One that is too tall
        // is paged through.
        for (top, next) in [(0, 15), (3, 23), (15, 33), (40, 58), (60, 78), (73, 92)] {
            assert_eq!(top + view(top).page_down() as usize, next, "from {top}");
        }
        // A cell that the upper edge cuts comes to the bottom.
        for (top, before) in [(18, 3), (14, 0), (40, 22), (60, 42)] {
            let view = view(top);
            assert_eq!(view.top.saturating_sub(view.page_up() as usize), before, "from {top}");
        }
    }
}
