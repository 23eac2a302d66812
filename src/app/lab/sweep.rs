//! What a sweep has come to: its cells as a grid, and over a setting that is a number the curve of their errors.

use super::layout::SweepLayout;
use crate::{App, TrainingRun, wrap_options};
use protocol::{
    ArmId, AxisScale, CellResult, Lane, LaneResults, Metric, Plot, PlotAxis, PlotSeries, RunId, Setting, Source,
    SpreadKind, Stroke, SweepCell, best_cells, tied_cells,
};
use ratatui::layout::Rect;
use statistics::Summary;

/// The cells of a sweep. Its columns are the values of the setting that has most of them.
#[derive(Clone, Debug)]
pub struct SweepTable {
    pub run: RunId,
    /// The setting of the columns.
    pub setting: &'static Setting,
    pub columns: Vec<String>,
    pub rows: Vec<SweepRow>,
    /// The epoch at which halving first stopped cells: the last one that all cells have.
    pub first_rung: Option<u32>,
}

/// The cells of one arm that differ in nothing but the setting of the columns.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRow {
    /// The arm, and the values of the other settings that were swept.
    pub title: String,
    /// One for each column; `None` where the arm was not swept over that value.
    pub cells: Vec<Option<SweepEntry>>,
}

/// A cell with its numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepEntry {
    pub result: CellResult,
    /// Over its seeds, at the epoch that it ends with; `None` while nothing is there, and if a seed diverged.
    pub summary: Option<Summary>,
    /// The best of its arm so far.
    pub is_best: bool,
    /// 0 for the lowest mean of all cells at the last epoch, 1 for the highest, along the logarithm. `None` for a cell
    /// that has not come to the last epoch with all its seeds: its number is not comparable.
    pub rank: Option<f64>,
    /// The mean over its seeds at the first rung of halving.
    pub at_first_rung: Option<f64>,
}

impl SweepEntry {
    /// Half of the 95 % interval of the mean.
    pub fn half_interval(&self) -> Option<f64> {
        let (low, high) = self.summary?.interval()?;
        Some((high - low) / 2.0)
    }
}

/// A sentence beneath the grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SweepRemark {
    /// All that is known of the chosen cell.
    Cell(String),
    /// The best of an arm is at the edge.
    Edge(String),
    /// The best of an arm.
    Best(String),
}

impl SweepRemark {
    pub fn text(&self) -> &str {
        match self {
            Self::Cell(text) | Self::Edge(text) | Self::Best(text) => text,
        }
    }
}

/// The cell under the cursor: its row and its column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepCursor {
    pub row: usize,
    pub column: usize,
}

/// Values from which on a curve says more than the numbers, and the ratio of the largest to the smallest from which on
/// their axis is logarithmic.
const CURVE: (usize, f64) = (3, 3.0);

impl SweepTable {
    fn new(training: &TrainingRun, results: Vec<CellResult>) -> Option<Self> {
        let setting = column_setting(&results)?;
        let first_rung = results.iter().filter(|result| result.stopped).map(|result| result.epoch).min();
        let at_first_rung = |result: &CellResult| {
            let error = |seed: &u64| training.error(Lane { arm: result.cell.arm, seed: *seed }, first_rung?);
            let errors = training.spec.seeds.iter().map(error).collect::<Option<Vec<f64>>>()?;
            Summary::of(&errors).map(|summary| summary.mean)
        };
        let split = |result: &CellResult| {
            let (own, others): (Vec<_>, Vec<_>) =
                result.cell.settings.iter().cloned().partition(|(key, _)| key == setting.key);
            (own.into_iter().next().map(|(_, value)| value).unwrap_or_default(), others)
        };
        let mut columns: Vec<String> = Vec::new();
        for result in &results {
            let (value, _) = split(result);
            if !columns.contains(&value) {
                columns.push(value);
            }
        }
        let number = |text: &String| text.parse::<f64>().ok();
        if columns.iter().all(|value| number(value).is_some()) {
            columns.sort_by(|a, b| number(a).partial_cmp(&number(b)).unwrap_or(std::cmp::Ordering::Equal));
        }
        let best: Vec<_> =
            best_cells(&results).into_iter().filter_map(|(_, best)| best.map(|best| best.cell.arm)).collect();
        let is_whole = |result: &CellResult| result.is_over && !result.stopped && result.epoch == training.spec.epochs;
        let means = results.iter().filter(|result| is_whole(result)).filter_map(CellResult::mean);
        let (low, high) = means.fold((f64::INFINITY, 0.0_f64), |(low, high), mean| (low.min(mean), high.max(mean)));
        let rank = |mean: f64| {
            let part = (mean.max(f64::MIN_POSITIVE) / low.max(f64::MIN_POSITIVE)).ln()
                / (high / low.max(f64::MIN_POSITIVE)).ln();
            if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 }
        };
        let mut rows: Vec<SweepRow> = Vec::new();
        for result in results {
            let (value, others) = split(&result);
            let others: Vec<String> = others.into_iter().map(|(key, value)| format!(" {key}={value}")).collect();
            let title = format!("{}{}", result.cell.of.title(), others.concat());
            let at = rows.iter().position(|row| row.title == title).unwrap_or_else(|| {
                rows.push(SweepRow { title, cells: vec![None; columns.len()] });
                rows.len() - 1
            });
            let errors: Vec<f64> = result.errors.iter().map(|(_, error)| *error).collect();
            let summary = Summary::of(&errors).filter(|_| result.diverged.is_empty());
            let entry = SweepEntry {
                summary,
                is_best: best.contains(&result.cell.arm),
                rank: result.mean().filter(|_| is_whole(&result)).map(rank),
                at_first_rung: at_first_rung(&result),
                result,
            };
            if let Some(column) = columns.iter().position(|known| *known == value) {
                rows[at].cells[column] = Some(entry);
            }
        }
        Some(Self { run: training.run, setting, columns, rows, first_rung })
    }

    pub fn at(&self, cursor: SweepCursor) -> Option<&SweepEntry> {
        self.rows.get(cursor.row)?.cells.get(cursor.column)?.as_ref()
    }

    /// The arms whose best cell lies at an end of the values: a better one may lie beyond.
    pub fn best_at_edge(&self) -> Vec<&str> {
        let is_number = self.columns.len() > 1 && self.columns.iter().all(|value| value.parse::<f64>().is_ok());
        let last = self.columns.len().saturating_sub(1);
        let is_at_edge = |row: &&SweepRow| {
            let best = row.cells.iter().position(|cell| cell.as_ref().is_some_and(|entry| entry.is_best));
            is_number && best.is_some_and(|at| at == 0 || at == last)
        };
        self.rows.iter().filter(is_at_edge).map(|row| row.title.as_str()).collect()
    }

    /// Whether the curve has a point: a cell that came to its last epoch, or to the first rung.
    pub fn has_points(&self) -> bool {
        let mut entries = self.rows.iter().flat_map(|row| &row.cells).flatten();
        entries.any(|entry| entry.rank.is_some() || entry.at_first_rung.is_some())
    }

    /// Cells of which nothing more is measured, and all of them.
    pub fn done(&self) -> (usize, usize) {
        let entries = || self.rows.iter().flat_map(|row| &row.cells).flatten();
        (entries().filter(|entry| entry.result.is_over).count(), entries().count())
    }

    /// The mean validation error over the values of the columns, a curve a row, with its 95 % interval; after halving also
    /// that of all cells at the first rung, thin. `None` where the values are no numbers, or too few for a curve.
    pub fn curve(&self, epochs: u32) -> Option<Plot> {
        let values = self.columns.iter().map(|value| value.parse::<f64>().ok()).collect::<Option<Vec<f64>>>()?;
        let (low, high) = (values.first().copied()?, values.last().copied()?);
        if values.len() < CURVE.0 {
            return None;
        }
        // A row has the colour of its number.
        let series = |(number, row): (usize, &SweepRow)| {
            let measured = values.iter().zip(&row.cells).filter_map(|(value, cell)| {
                let entry = cell.as_ref().filter(|entry| entry.rank.is_some())?;
                Some((*value, entry.summary?.mean, entry.half_interval()))
            });
            let (points, spread) = measured.map(|(x, y, half)| ((x, Some(y)), half)).unzip();
            PlotSeries {
                name: row.title.clone(),
                source: Source::Run { run: self.run, arm: number },
                stroke: Stroke::Both,
                points,
                spread,
                below: Vec::new(),
            }
        };
        let at_rung = |(number, row): (usize, &SweepRow)| {
            let rung = self.first_rung?;
            let mean = |cell: &Option<SweepEntry>| cell.as_ref().and_then(|entry| entry.at_first_rung);
            let points: Vec<(f64, Option<f64>)> =
                values.iter().zip(&row.cells).filter_map(|(value, cell)| Some((*value, Some(mean(cell)?)))).collect();
            Some(PlotSeries {
                name: format!("{} at epoch {rung}", row.title),
                source: Source::Run { run: self.run, arm: number },
                stroke: Stroke::Thin,
                points,
                spread: Vec::new(),
                below: Vec::new(),
            })
        };
        let scale = if low > 0.0 && high / low >= CURVE.1 { AxisScale::Log } else { AxisScale::Linear };
        let limits = if low < high { Some((low, high)) } else { None };
        let entry = Metric::ValError.entry();
        Some(Plot {
            title: format!("Sweep of run {}", self.run),
            x: PlotAxis { label: self.setting.title.into(), scale, limits },
            y: PlotAxis {
                label: format!("{} at epoch {epochs}, {}", entry.title, entry.unit),
                scale: AxisScale::Log,
                limits: None,
            },
            series: {
                let rows = || self.rows.iter().enumerate();
                rows().map(series).chain(rows().filter_map(at_rung)).collect()
            },
            spread: SpreadKind::Interval,
            notes: self.first_rung.map(|rung| format!("thin: all cells at epoch {rung}")).into_iter().collect(),
            ..Plot::default()
        })
    }
}

/// `all-ReLU lr=0.03`: the arm by its title, and what was swept.
fn cell_title(cell: &SweepCell) -> String {
    let settings = cell.settings.iter().map(|(key, value)| format!(" {key}={value}"));
    std::iter::once(cell.of.title()).chain(settings).collect()
}

/// All that is known of a cell.
fn describe_cell(entry: &SweepEntry) -> String {
    let CellResult { cell, epoch, errors, diverged, stopped, is_over } = &entry.result;
    let title = cell_title(cell);
    if !diverged.is_empty() {
        let seeds: Vec<String> = diverged.iter().map(u64::to_string).collect();
        return format!("{title}: diverged with seed {}", seeds.join(", "));
    }
    let Some(summary) = entry.summary else { return format!("{title}: nothing measured at epoch {epoch} yet") };
    let values: Vec<String> = errors.iter().map(|(seed, error)| format!("{error:.2} (seed {seed})")).collect();
    let interval = summary.interval().map_or("one seed has no interval".into(), |(low, high)| {
        // The interval of few seeds may reach beyond what a share can be.
        format!("95 % interval {:.2} to {:.2}", low.max(0.0), high.min(100.0))
    });
    let end = match (stopped, is_over) {
        (true, _) => ", where halving stopped it",
        (false, true) => "",
        (false, false) => ", not all seeds yet",
    };
    format!("{title}: {:.2} % at epoch {epoch}{end}; {interval}; {}", summary.mean, values.join(", "))
}

/// The swept setting with the most values; the first of those that have as many.
fn column_setting(results: &[CellResult]) -> Option<&'static Setting> {
    let mut known: Vec<(&str, Vec<&str>)> = Vec::new();
    for (key, value) in results.iter().flat_map(|result| &result.cell.settings) {
        match known.iter_mut().find(|(known, _)| known == key) {
            Some((_, values)) if !values.contains(&value.as_str()) => values.push(value),
            Some(_) => {}
            None => known.push((key, vec![value])),
        }
    }
    let most = known.iter().map(|(_, values)| values.len()).max()?;
    let (key, _) = known.iter().find(|(_, values)| values.len() == most)?;
    Setting::find(key)
}

impl App {
    /// Whether the arms of a run are the cells of a sweep.
    pub fn is_sweep(&self, run: RunId) -> bool {
        self.runs.iter().any(|summary| summary.run == run && summary.sweep.is_some())
    }

    /// Whether the run that the laboratory shows is a sweep.
    pub fn shows_sweep(&self) -> bool {
        self.lab_sweep().is_some() && self.lab_training().is_some()
    }

    /// The cells of the sweep that the laboratory shows.
    pub fn sweep_table(&self) -> Option<SweepTable> {
        SweepTable::new(self.lab_training()?, self.sweep_results())
    }

    /// The best cell of each arm of a sweep.
    pub fn best_cell_lines(&self) -> Vec<String> {
        let results = self.sweep_results();
        let so_far = if results.iter().all(|result| result.is_over) { "" } else { " so far" };
        let line = |(of, best): (ArmId, Option<&CellResult>)| match best {
            Some(result) => {
                let mean = result.mean().map_or(String::new(), |mean| format!("{mean:.2} % at epoch {}", result.epoch));
                let tied: Vec<String> =
                    tied_cells(&results, result).iter().map(|other| cell_title(&other.cell)).collect();
                let tied = if tied.is_empty() { String::new() } else { format!("; as low: {}", tied.join(", ")) };
                format!("best of {}{so_far}: {}, {mean}; B takes it{tied}", of.title(), cell_title(&result.cell))
            }
            None => format!("{}: no cell has come to its last epoch with all its seeds yet", of.title()),
        };
        best_cells(&results).into_iter().map(line).collect()
    }

    /// What stands beneath the grid.
    pub fn sweep_remarks(&self, table: &SweepTable) -> Vec<SweepRemark> {
        let cell = table.at(self.lab.sweep_cursor).map(|entry| SweepRemark::Cell(describe_cell(entry)));
        let edge = table.best_at_edge();
        let (done, all) = table.done();
        let edge = (done == all && !edge.is_empty()).then(|| {
            let of = edge.join(", ");
            SweepRemark::Edge(format!(
                "The best of {of} is at the edge of what was swept: a wider sweep may find better."
            ))
        });
        let best = self.best_cell_lines().into_iter().map(SweepRemark::Best);
        cell.into_iter().chain(edge).chain(best).collect()
    }

    /// Where the parts of the sweep's page stand in its area.
    pub fn sweep_layout(&self, table: &SweepTable, area: Rect) -> SweepLayout {
        let width = wrap_options(usize::from(SweepLayout::text_width(area)));
        let rows = |remark: &SweepRemark| textwrap::wrap(remark.text(), &width).len();
        let below = self.sweep_remarks(table).iter().map(rows).sum::<usize>();
        SweepLayout::new(table, self.lab.sweep_cursor, area, below as u16)
    }

    /// Moves the cursor of the sweep's grid, within it.
    pub(super) fn move_sweep_cursor(&mut self, down: isize, right: isize) {
        let Some(table) = self.sweep_table() else { return };
        let step = |at: usize, by: isize, count: usize| at.saturating_add_signed(by).min(count.saturating_sub(1));
        let SweepCursor { row, column } = self.lab.sweep_cursor;
        self.lab.sweep_cursor =
            SweepCursor { row: step(row, down, table.rows.len()), column: step(column, right, table.columns.len()) };
    }
}
