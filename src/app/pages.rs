//! The pages of an experiment's pane: one figure at a time, long ones on several, the findings last.

use super::{App, ExperimentView};
use crate::protocol::{CellKey, Figure, ImageGrid, Outcome};
use crossterm::event::KeyCode;
use std::borrow::Cow;
use std::ops::Range;

/// What one page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// A figure that fits, by its number.
    Figure(usize),
    /// Some rows of a table.
    Rows(usize, Range<usize>),
    /// Some images of a grid.
    Images(usize, Range<usize>),
    /// Some lines of the findings, wrapped.
    Findings(Range<usize>),
}

/// Rows above the page: what runs, and what went wrong.
pub fn head_rows(view: &ExperimentView, width: u16) -> u16 {
    let rows = |text: &str| textwrap::wrap(text, usize::from(width.max(1))).len() as u16;
    u16::from(view.progress().is_some()) + view.error.as_deref().map_or(0, rows)
}

/// A spread behind its number, on the same line; one that would be shown as zero is not worth it.
fn spread(half: f64) -> Option<String> {
    let digits = if half < 0.1 { 3 } else { 2 };
    (half >= 0.0005).then(|| format!(" (+-\u{a0}{half:.digits$})"))
}

/// The findings as lines of this width.
pub fn finding_lines(outcome: &Outcome, width: u16) -> Vec<String> {
    let width = usize::from(width.max(10));
    let options = textwrap::Options::new(width).initial_indent("· ").subsequent_indent("  ");
    outcome
        .findings
        .iter()
        .flat_map(|finding| {
            let spread = finding.spread.and_then(spread).unwrap_or_default();
            let text = format!("{}{spread}", finding.text);
            textwrap::wrap(&text, &options).into_iter().map(Cow::into_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// Columns and rows of one image, two pixels a row, and the line beneath it: its caption or a gap.
pub fn image_size(grid: &ImageGrid) -> (u16, u16) {
    (grid.width as u16, (grid.height as u16).div_ceil(2) + 1)
}

/// Images side by side in so many columns, a blank between them.
pub fn images_across(grid: &ImageGrid, columns: u16) -> u16 {
    ((columns + 1) / (grid.width as u16 + 1)).max(1)
}

/// Pages for a place of this width and so many rows.
pub fn pages(outcome: &Outcome, width: u16, rows: u16) -> Vec<Page> {
    let rows = usize::from(rows.max(4));
    let parts = |count: usize, fit: usize| (0..count).step_by(fit).map(move |from| from..(from + fit).min(count));
    let mut pages = Vec::new();
    for (at, figure) in outcome.figures.iter().enumerate() {
        match figure {
            // The head of a table stands on each of its pages.
            Figure::Table(table) if table.rows.len() > rows - 1 => {
                pages.extend(parts(table.rows.len(), rows - 1).map(|range| Page::Rows(at, range)));
            }
            Figure::Images(grid) => {
                // Their source stands beneath them.
                let fit = images_across(grid, width) * ((rows as u16 - 1) / image_size(grid).1).max(1);
                pages.extend(parts(grid.images.len(), fit.into()).map(|range| Page::Images(at, range)));
            }
            _ => pages.push(Page::Figure(at)),
        }
    }
    pages.extend(parts(finding_lines(outcome, width).len(), rows).map(Page::Findings));
    pages
}

impl App {
    /// The pages of an experiment's pane as it stands on the screen, and which of them it shows.
    pub fn pages_of(&self, key: &CellKey, number: usize) -> Option<(Vec<Page>, usize)> {
        let view = self.experiments.get(key)?;
        let outcome = view.shown()?;
        let (_, height) = *self.view.layout.cells.get(number)?;
        let width = self.screen.text.width.saturating_sub(4);
        // A frame, the title of the page, and the line beneath it.
        let rows = height.saturating_sub(4 + head_rows(view, width));
        let pages = pages(outcome, width, rows);
        let at = view.page.min(pages.len().checked_sub(1)?);
        Some((pages, at))
    }

    /// The pages of the experiment in view, and which of them is shown.
    fn pages_in_view(&self) -> Option<(CellKey, usize, usize)> {
        let key = self.key_of(self.focused()?);
        let (pages, at) = self.pages_of(&key, self.view.focus?)?;
        Some((key, pages.len(), at))
    }

    /// Turns the experiment in view to a page, counted from 0, or to its last.
    pub(super) fn turn_to(&mut self, page: usize) {
        let Some((key, count, _)) = self.pages_in_view() else { return };
        if let Some(view) = self.experiments.get_mut(&key) {
            view.page = page.min(count - 1);
        }
    }

    /// Turns so many pages on.
    pub(super) fn turn_page(&mut self, by: isize) {
        match self.pages_in_view() {
            Some((_, _, at)) => self.turn_to(at.saturating_add_signed(by)),
            None => self.message = Some("there are no pages here; [ and ] turn those of an experiment".into()),
        }
    }

    /// The same by a key, while the pane takes all of them.
    pub(super) fn page_key(&mut self, code: KeyCode) {
        match code {
            KeyCode::Char(page @ '1'..='9') => self.turn_to(usize::from(page as u8 - b'1')),
            KeyCode::Char('[') => self.turn_page(-1),
            KeyCode::Char(']') => self.turn_page(1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Finding, Source, Table};

    #[test]
    fn long_tables_and_findings_take_several_pages() {
        let row = vec!["a".to_string()];
        let table = |rows| {
            let (title, sources) = ("t".into(), vec![Source::Measured]);
            Figure::Table(Table { title, columns: row.clone(), rows: vec![row.clone(); rows], sources })
        };
        let finding =
            Finding { key: "k".into(), text: "one two three".into(), value: 1.0, spread: Some(0.5), seeds: vec![1] };
        let outcome = Outcome { figures: vec![table(3), table(7)], findings: vec![finding.clone(); 3], seconds: 1.0 };
        let expected =
            [Page::Figure(0), Page::Rows(1, 0..4), Page::Rows(1, 4..7), Page::Findings(0..5), Page::Findings(5..6)];
        assert_eq!(pages(&outcome, 20, 5), expected);
        let grid = |captions: &[String]| {
            let (images, captions, source) = (vec![vec![0; 64]; 64], captions.to_vec(), Source::Measured);
            Figure::Images(ImageGrid { title: "t".into(), width: 8, height: 8, images, captions, source })
        };
        let outcome = Outcome { figures: vec![grid(&[]), grid(&row)], ..Outcome::default() };
        let counts = pages(&outcome, 72, 18).into_iter().map(|page| match page {
            Page::Images(at, range) => (at, range.len()),
            page => panic!("{page:?}"),
        });
        assert_eq!(counts.collect::<Vec<_>>(), [(0, 24), (0, 24), (0, 16), (1, 24), (1, 24), (1, 16)]);
        let outcome = Outcome { findings: vec![finding], ..Outcome::default() };
        assert_eq!(finding_lines(&outcome, 20)[..2], ["· one two three", "  (+-\u{a0}0.50)"]);
    }
}
