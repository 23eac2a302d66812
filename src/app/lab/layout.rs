//! Where the parts of the laboratory stand, and the rows and columns of its table. Drawing and clicks go by the same.

use super::sweep::{SweepCursor, SweepTable};
use super::table::{RowGroup, StudyTable, TableRow};
use super::{Lab, LabPage};
use crate::screen::Screen;
use ratatui::layout::{Position, Rect};
use unicode_width::UnicodeWidthStr;

/// From so many columns on the table and the chart stand side by side.
const BESIDE: u16 = 110;
/// Columns of the table beside a chart, at least.
const TABLE: u16 = 54;
/// From this size on the comparison stands below the table.
const LARGE: (u16, u16) = (180, 46);
/// Columns that the comparison would like, and its rows below the table.
const COMPARED: (u16, u16) = (76, 13);
/// Columns that an arm would like, and all arms together.
const WANTED: u16 = 12;
/// Rows below the table: what the chosen row means, what is wrong, and how long it takes.
const BELOW: u16 = 5;
/// Columns of the rows' titles, the mark of rows that differ included.
const TITLES: u16 = 18;
/// Columns of a value, at least and at most, a blank at the right included.
const VALUE: (u16, u16) = (10, 18);

/// The parts that are on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabLayout {
    pub tabs: Rect,
    /// The study in its text form.
    pub text: Rect,
    pub study: Option<Rect>,
    pub chart: Option<Rect>,
    /// Stands in the place of the chart.
    pub sweep: Option<Rect>,
    pub compare: Option<Rect>,
    has_sweep: bool,
}

impl LabLayout {
    /// With so many arms in the table; with a page for a sweep or without. The chart or the sweep may have all the room
    /// while it is the page that was chosen.
    pub fn new(screen: &Screen, page: LabPage, arms: usize, has_sweep: bool, chart_alone: bool) -> Self {
        let whole = screen.whole;
        let height = whole.height.saturating_sub(screen.status.height + screen.banner.height);
        let row = |y: u16| Rect { y, height: height.saturating_sub(y).min(1), ..whole };
        let body = Rect { y: 2.min(height), height: height.saturating_sub(2), ..whole };
        let (tabs, text) = (row(0), row(1));
        let is_alone = chart_alone && matches!(page, LabPage::Chart | LabPage::Sweep);
        if whole.width >= BESIDE && !is_alone {
            let wanted = TITLES + 2 + WANTED * (arms.min(12) as u16 + 1);
            let width = if whole.width >= LARGE.0 || page == LabPage::Compare {
                // The comparison has a table of its own.
                wanted.clamp((whole.width * 12 / 20).min(COMPARED.0), whole.width * 12 / 20)
            } else {
                wanted.clamp(TABLE, whole.width * 11 / 20)
            };
            let study = Rect { width, ..body };
            let chart = Rect { x: body.x + width, width: body.width - width, ..body };
            let (study, compare) = if whole.width >= LARGE.0 && whole.height >= LARGE.1 {
                // Where it has the keys, it has room for a row a seed.
                let wanted = if page == LabPage::Compare { 2 * COMPARED.1 } else { COMPARED.1 };
                let rows = study.height.saturating_sub(wanted);
                let below = Rect { y: study.y + rows, height: study.height - rows, ..study };
                (Some(Rect { height: rows, ..study }), Some(below))
            } else if page == LabPage::Compare {
                (None, Some(study))
            } else {
                (Some(study), None)
            };
            let (chart, sweep) = if page == LabPage::Sweep { (None, Some(chart)) } else { (Some(chart), None) };
            return Self { tabs, text, study, chart, sweep, compare, has_sweep };
        }
        let shown = |own: LabPage| (page == own).then_some(body);
        let [study, chart, sweep, compare] = LabPage::ALL.map(shown);
        Self { tabs, text, study, chart, sweep, compare, has_sweep }
    }

    /// Whether the chart stands beside another part.
    pub fn is_beside(&self) -> bool {
        self.chart.or(self.sweep).is_some() && (self.study.is_some() || self.compare.is_some())
    }

    /// The titles of the pages in the first row, with their columns.
    pub fn tab_columns(&self) -> Vec<(LabPage, Rect)> {
        let mut x = self.tabs.x + Lab::TITLE.width() as u16 + 2;
        let tab = |page: LabPage| {
            let width = page.title().width() as u16 + 2;
            let area = Rect { x, width, ..self.tabs }.intersection(self.tabs);
            x += width + 1;
            (page, area)
        };
        LabPage::ALL.into_iter().filter(|page| self.has_sweep || *page != LabPage::Sweep).map(tab).collect()
    }
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub enum TableLine {
    Heading(RowGroup),
    /// A row by its number.
    Row(usize),
}

/// The lines and columns of the table that are on the screen.
#[derive(Clone, Debug)]
pub struct TableLayout {
    /// The heads of the columns.
    pub head: Rect,
    pub titles: Rect,
    pub lines: Vec<(TableLine, u16)>,
    /// Each column with its place: the number of the column, then its left end and its width.
    pub columns: Vec<(usize, u16, u16)>,
    /// There are arms to the left, to the right; rows above, below.
    pub more: [bool; 4],
    /// What stands below the table.
    pub below: Rect,
}

impl TableLayout {
    pub fn new(table: &StudyTable, area: Rect) -> Self {
        let inner = area.inner(ratatui::layout::Margin { horizontal: 1, vertical: 0 });
        let below = BELOW.min(inner.height / 3);
        let room = usize::from(inner.height.saturating_sub(below + 2));
        let lines = lines();
        let shown = lines.len().min(room);
        let chosen = lines.iter().position(|line| matches!(line, TableLine::Row(row) if *row == table.row_number()));
        // The line above the cursor's is seen too, as it may be the heading.
        let first = (chosen.unwrap_or(0) + 2).saturating_sub(shown.max(1)).min(lines.len() - shown);
        let first = if chosen.is_some_and(|at| at < shown.saturating_sub(1)) { 0 } else { first };
        let placed = lines[first..first + shown].iter().copied().zip(inner.y + 1..).collect();
        let (columns, left, right) = columns(table, inner);
        Self {
            head: Rect { height: inner.height.min(1), ..inner },
            titles: Rect { width: TITLES.min(inner.width), ..inner },
            lines: placed,
            columns,
            more: [left, right, first > 0, first + shown < lines.len()],
            below: Rect {
                y: inner.y + 2 + shown as u16,
                height: inner.height.saturating_sub(shown as u16 + 2),
                ..inner
            },
        }
    }

    /// The row and the column under the mouse.
    pub fn cell_at(&self, at: Position) -> Option<(usize, usize)> {
        let row = self.lines.iter().find_map(|(line, y)| match line {
            TableLine::Row(row) if *y == at.y => Some(*row),
            _ => None,
        })?;
        let column = self.columns.iter().find(|(_, x, width)| (*x..x + width).contains(&at.x));
        Some((row, column.map_or(0, |(column, ..)| *column)))
    }
}

/// Where the parts of a sweep stand.
#[derive(Clone, Debug)]
pub struct SweepLayout {
    /// The first row, which says how far the sweep is.
    pub head: Rect,
    /// The curve over the values; empty where there is no room for it.
    pub curve: Rect,
    /// The values of the columns.
    pub columns_row: u16,
    pub titles: Rect,
    /// The rows of the grid that are on the screen, each with its place.
    pub rows: Vec<(usize, u16)>,
    /// The columns that are, each with its left end.
    pub columns: Vec<(usize, u16)>,
    /// There are columns to the left, to the right; rows above, below.
    pub more: [bool; 4],
    /// What is known of the chosen cell.
    pub below: Rect,
}

impl SweepLayout {
    /// Columns of a cell, the blank behind it included: `▓ 12.34 ±0.12*`.
    pub const CELL: u16 = 15;
    /// Rows of the smallest curve.
    const CURVE: u16 = 8;

    /// In the area of the page, its frame included. So many rows of text stand beneath the grid; the curve is left out while
    /// it has no point.
    pub fn new(table: &SweepTable, cursor: SweepCursor, area: Rect, below: u16) -> Self {
        let inner = area.inner(ratatui::layout::Margin { horizontal: 2, vertical: 1 });
        let below = below.clamp(1, (inner.height / 2).max(1));
        let room = inner.height.saturating_sub(below + 2);
        let wanted = table.rows.len() as u16;
        // The grid comes first; the curve takes what it leaves.
        let curve = room.saturating_sub(wanted + 1);
        let curve = if curve >= Self::CURVE && table.has_points() { curve } else { 0 };
        let shown = usize::from(wanted.min(room - curve));
        let titles = table.rows.iter().map(|row| row.title.width() as u16 + 3).max().unwrap_or(0);
        let titles = titles.clamp(8, (inner.width / 3).max(8)).min(inner.width);
        let fitting = usize::from((inner.width - titles) / Self::CELL).clamp(1, table.columns.len().max(1));
        let first = |at: usize, shown: usize| (at + 1).saturating_sub(shown.max(1));
        let (row, column) = (first(cursor.row, shown), first(cursor.column, fitting));
        let top = inner.y + 1 + curve;
        let bottom = top + 1 + shown as u16;
        Self {
            head: Rect { height: inner.height.min(1), ..inner },
            curve: Rect { y: inner.y + 1, height: curve, ..inner },
            columns_row: top,
            titles: Rect { width: titles, ..inner },
            rows: (row..(row + shown).min(table.rows.len())).zip(top + 1..).collect(),
            columns: (column..(column + fitting).min(table.columns.len()))
                .zip((inner.x + titles..).step_by(Self::CELL.into()))
                .collect(),
            more: [column > 0, column + fitting < table.columns.len(), row > 0, row + shown < table.rows.len()],
            below: Rect { y: bottom, height: inner.bottom().saturating_sub(bottom), ..inner },
        }
    }

    /// Columns of the text beneath the grid.
    pub(super) fn text_width(area: Rect) -> u16 {
        area.width.saturating_sub(4).max(1)
    }

    /// The cell under the mouse.
    pub fn cell_at(&self, at: Position) -> Option<SweepCursor> {
        let (row, _) = self.rows.iter().find(|(_, y)| *y == at.y)?;
        let (column, _) = self.columns.iter().find(|(_, x)| (*x..x + Self::CELL).contains(&at.x))?;
        Some(SweepCursor { row: *row, column: *column })
    }
}

/// Every line of the table, a heading above each group.
fn lines() -> Vec<TableLine> {
    let mut lines = Vec::new();
    let mut group = None;
    for (number, row) in TableRow::all().iter().enumerate() {
        if group != Some(row.group()) {
            group = Some(row.group());
            lines.push(TableLine::Heading(row.group()));
        }
        lines.push(TableLine::Row(number));
    }
    lines
}

/// The column of what all arms share, and as many arms as there is room for, that of the cursor among them; whether there
/// are more to the left and to the right.
fn columns(table: &StudyTable, inner: Rect) -> (Vec<(usize, u16, u16)>, bool, bool) {
    let arms = table.arms().len();
    let room = inner.width.saturating_sub(TITLES);
    let width = (room / (arms as u16 + 1)).clamp(VALUE.0, VALUE.1).min(room.max(1));
    let fitting = usize::from((room / width).saturating_sub(1)).clamp(1, arms.max(1));
    let chosen = table.column().max(1) - 1;
    let first = (chosen + 1).saturating_sub(fitting).min(arms.saturating_sub(fitting));
    let shown = std::iter::once(0).chain(first + 1..=(first + fitting).min(arms));
    let place = |(at, column): (usize, usize)| (column, inner.x + TITLES + width * at as u16, width);
    let columns = shown.enumerate().map(place).filter(|(_, x, _)| *x < inner.right()).collect();
    (columns, first > 0, first + fitting < arms)
}
