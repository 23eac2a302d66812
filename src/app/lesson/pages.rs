//! The pages of an experiment's pane: one for each figure, several for a long one, and the findings last.

use super::experiment::head_rows;
use crate::{App, CellSize};
use crossterm::event::KeyCode;
use protocol::{CellKey, Figure, ImageGrid, Outcome, Table};
use std::borrow::Cow;
use std::ops::Range;
use unicode_width::UnicodeWidthStr;

/// The content of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// A whole figure, by its index.
    Figure(usize),
    /// Some rows of a table.
    Rows(usize, Range<usize>),
    /// Some rows and columns of a table that is too wide for all of its columns. The first column is on each page.
    Columns(usize, Range<usize>, Range<usize>),
    /// Some images of a grid.
    Images(usize, Range<usize>),
    /// Some lines of the wrapped findings.
    Findings(Range<usize>),
}

/// Rows of a pane that are not its page: the frame, the title and the last line.
pub const AROUND: u16 = 4;

/// A spread to follow its number on the same line; `None` if it would be shown as zero.
fn spread(half: f64) -> Option<String> {
    let digits = if half < 0.1 { 3 } else { 2 };
    (half >= 0.0005).then(|| format!(" (+-\u{a0}{half:.digits$})"))
}

/// The findings that no table shows, wrapped to this width.
pub fn finding_lines(outcome: &Outcome, width: u16) -> Vec<String> {
    wrapped_findings(outcome, width).into_iter().flatten().collect()
}

fn wrapped_findings(outcome: &Outcome, width: u16) -> Vec<Vec<String>> {
    let width = usize::from(width.max(10));
    let options = crate::wrap_options(width).initial_indent("· ").subsequent_indent("  ");
    outcome
        .findings
        .iter()
        .filter(|finding| !finding.tabled)
        .map(|finding| {
            let spread = finding.spread.and_then(spread).unwrap_or_default();
            let text = format!("{}{spread}", finding.text);
            textwrap::wrap(&text, &options).into_iter().map(Cow::into_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// The lines of each page of findings. A finding is not split, and the pages are filled evenly.
fn finding_pages(outcome: &Outcome, width: u16, rows: usize) -> Vec<Range<usize>> {
    let heights: Vec<usize> = wrapped_findings(outcome, width).iter().map(Vec::len).collect();
    let broken = |most: usize| {
        let mut pages: Vec<Range<usize>> = Vec::new();
        let mut line = 0;
        for height in &heights {
            match pages.last_mut() {
                Some(page) if line + height - page.start <= most => page.end = line + height,
                _ => pages.push(line..line + height),
            }
            line += height;
        }
        pages
    };
    let few = broken(rows);
    let least = heights.iter().sum::<usize>().div_ceil(few.len().max(1));
    let even = (least..rows).map(broken).find(|pages| pages.len() == few.len()).unwrap_or(few);
    // A finding that is longer than a page is split.
    let parts = |page: Range<usize>| page.clone().step_by(rows).map(move |from| from..(from + rows).min(page.end));
    even.into_iter().flat_map(parts).collect()
}

/// The largest factor by which images are enlarged.
const LARGEST: u16 = 4;

/// The layout of images in an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageLayout {
    /// Columns and rows of one image.
    pub columns: u16,
    pub rows: u16,
    /// The same with its caption or a gap: one row beneath it, and columns at the right for a longer caption.
    pub width: u16,
    pub height: u16,
    /// Images in a row, with a blank between them.
    pub across: u16,
    /// Images on a page.
    pub fit: usize,
}

impl ImageLayout {
    /// The largest layout that shows all images at once, else the smallest one. As half blocks a pixel takes one column at
    /// least. With true pixels, in cells of the size given, it takes a third of a column at least.
    pub fn new(grid: &ImageGrid, columns: u16, rows: u16, cell: Option<CellSize>) -> Self {
        // Half blocks are pixels in cells of 1x2.
        let dots = cell.unwrap_or(CellSize { width: 1, height: 2 });
        let cells = |pixels: u32, scale: u16, size: u16| {
            u16::try_from((u64::from(pixels) * u64::from(scale)).div_ceil(size.into())).unwrap_or(u16::MAX)
        };
        let longest = grid.captions.iter().map(|caption| caption.width()).max().unwrap_or(0);
        let at = |scale: u16| {
            let (wide, high) = (cells(grid.width, scale, dots.width), cells(grid.height, scale, dots.height));
            // A caption has as many columns as beneath half blocks, at least.
            let caption = longest.min(grid.width as usize) as u16;
            let (width, height) = (wide.max(caption), high.saturating_add(1));
            let across = (columns.saturating_add(1) / width.saturating_add(1)).max(1);
            // Without captions the row beneath the last image is not needed.
            let spare = u16::from(grid.captions.is_empty());
            let most = usize::from((rows.saturating_add(spare) / height).max(1));
            // The rows are shared evenly among the pages.
            let lines = grid.images.len().div_ceil(across.into());
            let even = lines.div_ceil(lines.div_ceil(most).max(1)).max(1);
            Self { columns: wide, rows: high, width, height, across, fit: even * usize::from(across) }
        };
        // Captions that name the parts of an image must stay beneath those parts.
        if longest >= grid.width as usize {
            return at(dots.width);
        }
        let smallest = dots.width.div_ceil(3);
        let larger = (smallest + 1..=LARGEST * dots.width).rev().map(at);
        let whole = |layout: &Self| layout.width <= columns && layout.height <= rows && layout.fit >= grid.images.len();
        larger.into_iter().find(whole).unwrap_or_else(|| at(smallest))
    }
}

/// Whether the numbers of so many pages fit side by side; otherwise only the current one is shown.
pub fn tabs_fit(count: usize, width: u16) -> bool {
    6 * count <= usize::from(width)
}

/// Rows of the highest page at this width; `None` if a plot or an image takes all rows there are.
pub(crate) fn page_rows(outcome: &Outcome, width: u16) -> Option<u16> {
    let rows = |figure: &Figure| match figure {
        Figure::Table(table) => Some(table.rows.len() + 2 + table.sources.len()),
        Figure::Bars(bars) => Some(2 * bars.bars.len() + 1),
        Figure::Plot(_) | Figure::Images(_) | Figure::Regions(_) | Figure::Units(_) => None,
    };
    let figures: Option<Vec<usize>> = outcome.figures.iter().map(rows).collect();
    let highest = figures?.into_iter().chain([finding_lines(outcome, width).len(), 4]).max()?;
    u16::try_from(highest).ok()
}

/// The smallest width to which a cell of a table is truncated, and the same for the name of a column.
const CELL: usize = 12;
const NAME: usize = 8;

/// The groups of columns of a table that fit side by side, each beside the first column. There is one group if all fit.
pub fn column_groups(table: &Table, width: u16) -> Vec<Range<usize>> {
    let least = |column: usize| {
        let cells = table.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width().min(CELL));
        cells.chain([table.columns[column].width().min(NAME)]).max().unwrap_or(1) + 2
    };
    let count = table.columns.len();
    let room = usize::from(width) + 2;
    if count < 3 || (0..count).map(least).sum::<usize>() <= room {
        return std::iter::once(1..count).collect();
    }
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut used = room;
    // A column without a name holds the predictions for the column before it.
    let is_tied = |column: usize| table.columns.get(column).is_some_and(String::is_empty);
    for column in 1..count {
        if let Some(group) = groups.last_mut().filter(|_| is_tied(column)) {
            group.end = column + 1;
            continue;
        }
        let wide = least(column) + if is_tied(column + 1) { least(column + 1) } else { 0 };
        match groups.last_mut() {
            Some(group) if used + wide <= room => group.end = column + 1,
            _ => {
                groups.push(column..column + 1);
                used = least(0);
            }
        }
        used += wide;
    }
    groups
}

/// The pages of an outcome in an area of this width and so many rows. `cell` is the size of a cell in pixels, where images
/// have true pixels.
pub fn pages(outcome: &Outcome, width: u16, rows: u16, cell: Option<CellSize>) -> Vec<Page> {
    let rows = usize::from(rows.max(4));
    let parts = |count: usize, fit: usize| (0..count).step_by(fit).map(move |from| from..(from + fit).min(count));
    let mut pages = Vec::new();
    for (at, figure) in outcome.figures.iter().enumerate() {
        match figure {
            // The header above the rows, and a note beneath them on the other columns.
            Figure::Table(table) if column_groups(table, width).len() > 1 => {
                let fit = (rows - 2).max(1);
                for columns in column_groups(table, width) {
                    let rows = parts(table.rows.len(), fit);
                    pages.extend(rows.map(|range| Page::Columns(at, range, columns.clone())));
                }
            }
            // Each page of a table repeats its header.
            Figure::Table(table) if table.rows.len() > rows - 1 => {
                pages.extend(parts(table.rows.len(), rows - 1).map(|range| Page::Rows(at, range)));
            }
            Figure::Images(grid) => {
                // The source is written beneath the images.
                let fit = ImageLayout::new(grid, width, rows as u16 - 1, cell).fit;
                pages.extend(parts(grid.images.len(), fit).map(|range| Page::Images(at, range)));
            }
            _ => pages.push(Page::Figure(at)),
        }
    }
    pages.extend(finding_pages(outcome, width, rows).into_iter().map(Page::Findings));
    pages
}

impl App {
    /// The pages of an experiment's pane at its present size, and the index of the one that it shows.
    pub fn pages_of(&self, key: &CellKey, number: usize) -> Option<(Vec<Page>, usize)> {
        let view = self.experiments.get(key)?;
        let outcome = view.shown()?;
        let (_, height) = *self.view.layout.cells.get(number)?;
        let width = self.screen.pane.width.saturating_sub(4);
        let rows = height.saturating_sub(AROUND + head_rows(view, width));
        let pages = pages(&self.with_predictions(key, outcome), width, rows, self.image_cell());
        let at = view.page.min(pages.len().checked_sub(1)?);
        Some((pages, at))
    }

    /// The experiment in view, the number of its pages, and the index of the one that it shows.
    pub(crate) fn pages_in_view(&self) -> Option<(CellKey, usize, usize)> {
        let key = self.key_of(self.focused()?);
        let (pages, at) = self.pages_of(&key, self.view.focus?)?;
        Some((key, pages.len(), at))
    }

    /// Turns the experiment in view to a page, counted from 0, or to its last.
    pub(crate) fn turn_to(&mut self, page: usize) {
        let Some((key, count, _)) = self.pages_in_view() else { return };
        if let Some(view) = self.experiments.get_mut(&key) {
            view.page = page.min(count - 1);
        }
    }

    /// Turns by so many pages.
    fn turn_page(&mut self, by: isize) {
        if let Some((_, _, at)) = self.pages_in_view() {
            self.turn_to(at.saturating_add_signed(by));
        }
    }

    /// Turns pages by a key while a modal of the pane has the keys.
    pub(crate) fn page_key(&mut self, code: KeyCode) {
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
    use protocol::{Finding, Source};

    #[test]
    fn what_the_reader_said_stays_beside_its_number() {
        let words = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let table = Table {
            title: "t".into(),
            columns: words(&["network", "first", "second", ""]),
            rows: vec![words(&["no penalty", "0.25", "-0.17", "you: 0.1 to 0.5"])],
            sources: vec![protocol::Source::Measured; 4],
            places: Vec::new(),
        };
        assert_eq!(column_groups(&table, 60).len(), 1);
        assert_eq!(column_groups(&table, 36), [1..2, 2..4]);
        assert_eq!(column_groups(&table, 20), [1..2, 2..4]);
    }

    #[test]
    fn long_tables_and_findings_take_several_pages() {
        let row = vec!["a".to_string()];
        let table = |rows| {
            let (title, sources) = ("t".into(), vec![Source::Measured]);
            Figure::Table(Table {
                title,
                columns: row.clone(),
                rows: vec![row.clone(); rows],
                sources,
                places: Vec::new(),
            })
        };
        let finding = Finding {
            key: "k".into(),
            text: "one two three".into(),
            value: Some(1.0),
            spread: Some(0.5),
            seeds: vec![1],
            tabled: false,
            is_bound: false,
        };
        let mut findings = vec![finding.clone(); 3];
        findings.push(finding.clone().tabled());
        let outcome = Outcome { figures: vec![table(3), table(7)], findings, seconds: 1.0 };
        // A finding takes two lines here and is not split.
        let expected =
            [Page::Figure(0), Page::Rows(1, 0..4), Page::Rows(1, 4..7), Page::Findings(0..4), Page::Findings(4..6)];
        assert_eq!(pages(&outcome, 20, 5, None), expected);
        let grid = |captions: &[String]| {
            let (images, captions, source) = (vec![vec![0; 64]; 64], captions.to_vec(), Source::Measured);
            Figure::Images(ImageGrid { title: "t".into(), width: 8, height: 8, images, captions, source })
        };
        let outcome = Outcome { figures: vec![grid(&[]), grid(&row)], ..Outcome::default() };
        let counts = pages(&outcome, 72, 18, None).into_iter().map(|page| match page {
            Page::Images(at, range) => (at, range.len()),
            page => panic!("{page:?}"),
        });
        assert_eq!(counts.collect::<Vec<_>>(), [(0, 24), (0, 24), (0, 16), (1, 24), (1, 24), (1, 16)]);
        let small = Outcome { figures: vec![grid(&[])], ..Outcome::default() };
        assert_eq!(pages(&small, 142, 75, None), [Page::Images(0, 0..64)]);
        let Figure::Images(grid) = &small.figures[0] else { unreachable!() };
        let scale = |columns, rows| ImageLayout::new(grid, columns, rows, None).columns / 8;
        assert_eq!([scale(142, 74), scale(142, 40), scale(300, 80)], [2, 1, 3], "as large as shows all of them");
        let outcome = Outcome { findings: vec![finding], ..Outcome::default() };
        let five = Outcome { findings: vec![outcome.findings[0].clone(); 5], ..Outcome::default() };
        let halves = [Page::Findings(0..6), Page::Findings(6..10)];
        assert_eq!(pages(&five, 20, 8, None), halves, "rather two pages alike than a last one that is nearly empty");
        assert_eq!(finding_lines(&outcome, 20)[..2], ["· one two three", "  (+-\u{a0}0.50)"]);
    }

    /// Half blocks show two digits of 64 in this room. With true pixels they all fit.
    #[test]
    fn with_true_pixels_more_images_fit() {
        let grid = |captions: Vec<String>| ImageGrid {
            title: "t".into(),
            width: 28,
            height: 28,
            images: vec![vec![0; 784]; 64],
            captions,
            source: Source::Measured,
        };
        let cell = CellSize::new(10, 20);
        let layout = |grid: &ImageGrid, columns, rows| ImageLayout::new(grid, columns, rows, cell);
        let plain = grid(Vec::new());
        assert_eq!(ImageLayout::new(&plain, 72, 18, None).fit, 2);
        // Four pixels of the screen for each of the image: 112 by 112, in columns of 10 and rows of 20.
        let small = layout(&plain, 72, 18);
        assert_eq!((small.columns, small.rows, small.width, small.height, small.fit), (12, 6, 12, 7, 10));
        let whole = layout(&plain, 142, 66);
        assert_eq!((whole.columns, whole.rows, whole.fit), (14, 7, 72), "five pixels each");
        let one = ImageGrid { images: vec![vec![0; 784]], ..plain };
        assert_eq!((layout(&one, 142, 75).columns, layout(&one, 142, 75).rows), (112, 56), "four times as half blocks");
        // No caption is shortened that had room beneath half blocks, and one as wide as its image stays beneath its parts.
        assert_eq!(layout(&grid(vec!["a caption of 20 long".into(); 64]), 72, 18).width, 20);
        assert_eq!(layout(&grid(vec!["a caption as wide as an image".into(); 64]), 72, 18).columns, 28);
    }

    /// No column of a table is truncated to nothing and none is lost: each is on some page, beside the first.
    #[test]
    fn a_table_that_is_too_wide_takes_a_page_for_some_of_its_columns() {
        let words = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
        let table = Table {
            title: "t".into(),
            columns: words("network zeros error spread time"),
            rows: vec![words("plain 50.1 1.70+-0.10 0.05 12.5"); 3],
            sources: vec![Source::Measured; 5],
            places: Vec::new(),
        };
        assert_eq!(column_groups(&table, 72).len(), 1);
        assert_eq!(column_groups(&table, 32), [1..3, 3..5]);
        assert_eq!(column_groups(&table, 5), [1..2, 2..3, 3..4, 4..5], "however narrow");
        let outcome = Outcome { figures: vec![Figure::Table(table)], ..Outcome::default() };
        assert_eq!(pages(&outcome, 72, 8, None), [Page::Figure(0)]);
        assert_eq!(pages(&outcome, 32, 8, None), [Page::Columns(0, 0..3, 1..3), Page::Columns(0, 0..3, 3..5)]);
    }
}
