//! What key `y` copies: the text that stands for what is on the screen.

use crate::lab::compare::LabComparison;
use crate::runs::name_runs;
use crate::{App, Effect, LabPage, OtherValue, Page, Pane, PlotCursor, PointSpread, Readout, finding_text};
use lesson::{Cell, CellBody};
use protocol::{CellKey, CellResult, Figure, RunId, RunSummary, SpreadKind, Table, format_real};
use statistics::Summary;

/// A text on its way to the clipboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedText {
    /// What it is, in a few words: `the study`.
    pub what: String,
    pub text: String,
}

impl CopiedText {
    fn new(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { what: what.into(), text: text.into() }
    }
}

/// What of these runs their studies do not say: run again, they give other numbers.
fn without_changes(runs: &[&RunSummary]) -> &'static str {
    let is_forked = runs.iter().any(|run| run.fork.is_some());
    match (is_forked, runs.iter().any(|run| !run.steerings.is_empty())) {
        (true, true) => " (without its fork and its steerings)",
        (true, false) => " (without its fork)",
        (false, true) => " (without its steerings)",
        (false, false) => "",
    }
}

impl App {
    /// Copies what the focused cell of the lesson shows.
    pub(crate) fn copy_cell(&mut self) -> Vec<Effect> {
        let copied = self.focused().and_then(|cell| self.text_of_cell(cell));
        self.copy(copied, "nothing to copy here: y copies a chart, a table or a study; Tab goes to the next cell")
    }

    /// Copies the numbers at the cursor of a chart, or all of its numbers while it has none.
    pub(crate) fn copy_chart(&mut self, on: &Pane) -> Vec<Effect> {
        let readout = self.readout(on);
        // The curves of several runs have the run in their names.
        let run = match on {
            Pane::Run(run) => Some(*run),
            Pane::Cell(key) => self.training_of(key).map(|training| training.run),
            Pane::Lab => self.lab.run.filter(|_| self.lab.overlaid.is_empty()),
        };
        let of_run = run.map_or(String::new(), |run| format!("run {run}\n"));
        let copied = readout.and_then(|readout| match self.viewport(on).cursor {
            Some(cursor) => Some(CopiedText::new(
                "the numbers at the cursor",
                format!("{of_run}{}", cursor_text(&readout, cursor, self.viewport(on).reference)?),
            )),
            None => chart_text(&readout),
        });
        self.copy(copied, "there is no number to copy yet")
    }

    /// Copies the study of a run in the list; of several a line each, with the number and the name in front.
    pub(crate) fn copy_runs(&mut self, runs: &[usize]) -> Vec<Effect> {
        let summaries: Vec<&RunSummary> = runs.iter().filter_map(|at| self.runs.get(*at)).collect();
        let numbers: Vec<RunId> = summaries.iter().map(|summary| summary.run).collect();
        let copied = match summaries.as_slice() {
            [] => None,
            [only] => Some(CopiedText::new(
                format!("the study of run {}{}", only.run, without_changes(&summaries)),
                only.spec.to_string(),
            )),
            several => {
                let line = |summary: &&RunSummary| {
                    format!("{}\t{}\t{}\n", summary.run, summary.name.as_deref().unwrap_or_default(), summary.spec)
                };
                let lines: String = several.iter().map(line).collect();
                let without = without_changes(&summaries);
                Some(CopiedText::new(format!("the studies of {}{without}", name_runs(&numbers)), lines))
            }
        };
        self.copy(copied, "this run can't be read")
    }

    /// Copies what the laboratory's page shows.
    pub(crate) fn copy_lab(&mut self) -> Vec<Effect> {
        match self.lab.page {
            LabPage::Study => {
                let copied = CopiedText::new("the study", self.lab.table.text());
                self.copy(Some(copied), "")
            }
            LabPage::Sweep => {
                let cells = self.sweep_results();
                let copied =
                    (!cells.is_empty()).then(|| CopiedText::new("the sweep's cells as CSV", sweep_csv(&cells)));
                self.copy(copied, "the run that is shown is no sweep")
            }
            LabPage::Chart => self.copy_chart(&Pane::Lab),
            LabPage::Compare => {
                let copied = self
                    .lab_comparison()
                    .map(|compared| CopiedText::new("the comparison", self.comparison_text(&compared)));
                self.copy(copied, "two arms are compared once both have run")
            }
        }
    }

    /// Which arms of which runs are compared, the sentences, and a row a seed.
    fn comparison_text(&self, compared: &LabComparison) -> String {
        let LabComparison { arms, comparison, history, .. } = compared;
        let name = |at: usize| {
            let arm = arms[at];
            let study = self.training_runs.get(&arm.run).map(|training| training.spec.arm_title(arm.arm));
            format!("{} of run {}", study.unwrap_or_else(|| arm.arm.title()), arm.run)
        };
        let mut lines = vec![format!("{} against {}", name(0), name(1))];
        lines.extend(history.iter().cloned());
        lines.push(comparison.sentence());
        lines.extend(comparison.threshold_sentence());
        let unit = comparison.quantity.metric().entry();
        let of = |which: &str| format!("{which}, {}, {}", unit.title, unit.unit);
        let head = ["seed".to_string(), of("first"), of("second"), "difference".into()];
        let decimals = comparison.decimals(&comparison.pairs.iter().map(|pair| pair.a - pair.b).collect::<Vec<_>>());
        let rows = comparison.pairs.iter().map(|pair| {
            let numbers = [pair.a, pair.b, pair.a - pair.b].map(|value| format!("{value:.decimals$}"));
            std::iter::once(pair.seed.to_string()).chain(numbers).collect()
        });
        if !comparison.pairs.is_empty() {
            lines.push(csv(std::iter::once(head.to_vec()).chain(rows)).trim_end().into());
        }
        lines.join("\n") + "\n"
    }

    fn copy(&mut self, copied: Option<CopiedText>, why_not: &str) -> Vec<Effect> {
        if copied.is_none() {
            self.message = Some(why_not.into());
        }
        copied.map(Effect::Copy).into_iter().collect()
    }

    /// The chart's data of a run or an experiment, a table, or what an experiment has found; the study of a run that has not
    /// begun.
    fn text_of_cell(&self, cell: &Cell) -> Option<CopiedText> {
        let key = self.key_of(cell);
        match &cell.body {
            CellBody::Train(train) => {
                let pane = Pane::Cell(key);
                let chart = self.readout(&pane).and_then(|readout| chart_text(&readout));
                chart.or_else(|| Some(CopiedText::new("the study", train.spec().to_string())))
            }
            CellBody::Experiment(_) => self.text_of_experiment(&key),
            _ => None,
        }
    }

    fn text_of_experiment(&self, key: &CellKey) -> Option<CopiedText> {
        if let Some(readout) = self.readout(&Pane::Cell(key.clone())) {
            return chart_text(&readout);
        }
        let outcome = self.experiments.get(key)?.shown()?;
        if let Some(Figure::Table(table)) = self.shown_table(key).and_then(|number| outcome.figures.get(number)) {
            return Some(CopiedText::new("the table as CSV", table_csv(table)));
        }
        let findings: Vec<String> = outcome.findings.iter().map(finding_text).collect();
        (!findings.is_empty()).then(|| CopiedText::new("the findings", findings.join("\n") + "\n"))
    }

    /// The number of the figure that an experiment's page shows, or of which it shows a part.
    fn shown_table(&self, key: &CellKey) -> Option<usize> {
        let number = self.document().cells().iter().position(|cell| cell.id == key.cell)?;
        let (pages, at) = self.pages_of(key, number)?;
        match pages.get(at)? {
            Page::Figure(figure) | Page::Rows(figure, _) | Page::Columns(figure, ..) => Some(*figure),
            Page::Images(..) | Page::Findings(_) => None,
        }
    }
}

fn chart_text(readout: &Readout) -> Option<CopiedText> {
    let has_points = readout.curves.iter().any(|curve| !curve.points.is_empty());
    has_points.then(|| CopiedText::new("the chart's data as CSV", chart_csv(readout)))
}

/// The point at the cursor, the other curves there, and the difference to the one that others are compared with; a line each.
fn cursor_text(readout: &Readout, cursor: PlotCursor, reference: Option<usize>) -> Option<String> {
    let own = readout.describe(cursor, usize::MAX)?;
    let others = readout.others(cursor).map(|(_, others)| others).unwrap_or_default();
    let difference = reference.and_then(|reference| readout.difference(cursor, reference));
    let lines = std::iter::once(own).chain(others.iter().map(OtherValue::words)).chain(difference);
    Some(lines.collect::<Vec<_>>().join("\n"))
}

/// A row for each point of each curve that is shown. The ends of the spread stand behind the values where a point has one.
fn chart_csv(readout: &Readout) -> String {
    let points = || readout.curves.iter().flat_map(|curve| curve.points.iter().map(move |point| (curve, point)));
    let has_spread = points().any(|(_, point)| point.spread.is_some());
    let x = if readout.x.is_empty() { "part" } else { &readout.x };
    let mut header = vec!["curve".to_string(), x.to_string(), readout.y.clone()];
    if has_spread {
        let ends = match readout.spread {
            Some(SpreadKind::Deviation) => ["sd low", "sd high"],
            Some(SpreadKind::StandardError) => ["standard error low", "standard error high"],
            Some(SpreadKind::Interval) => ["95 % low", "95 % high"],
            Some(SpreadKind::Extremes) => ["min", "max"],
            None => ["low", "high"],
        };
        header.extend(ends.map(String::from));
    }
    let rows = points().map(|(curve, point)| {
        let x = point.what.clone().unwrap_or_else(|| format_number(point.x));
        // A published point says whose it is.
        let name = match curve.source.as_str() {
            "" => curve.name.clone(),
            source => format!("{} ({source})", curve.name),
        };
        let mut row = vec![name, x, format_number(point.y)];
        if has_spread {
            let ends = match point.spread {
                Some(PointSpread::HalfWidth(half)) => Some((point.y - half, point.y + half)),
                Some(PointSpread::Range(low, high)) => Some((low, high)),
                None => None,
            };
            row.extend(ends.map_or([String::new(), String::new()], |(low, high)| [low, high].map(format_number)));
        }
        row
    });
    csv(std::iter::once(header).chain(rows))
}

/// A row a cell: what was swept, then the mean over its seeds at the epoch that it ends with, and what became of it.
fn sweep_csv(cells: &[CellResult]) -> String {
    let head = ["cell", "seeds", "epoch", "mean validation error, %", "95 % interval, low", "high", "state"];
    let rows = cells.iter().map(|result| {
        let errors: Vec<f64> = result.errors.iter().map(|(_, error)| *error).collect();
        let summary = Summary::of(&errors).filter(|_| result.diverged.is_empty());
        let number = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.2}"));
        let interval = summary.and_then(|summary| summary.interval());
        let state = match result {
            result if !result.diverged.is_empty() => "diverged",
            CellResult { stopped: true, .. } => "stopped by halving",
            CellResult { is_over: true, .. } => "whole",
            _ => "not whole yet",
        };
        vec![
            result.cell.title(),
            errors.len().to_string(),
            result.epoch.to_string(),
            number(summary.map(|summary| summary.mean)),
            number(interval.map(|(low, _)| low)),
            number(interval.map(|(_, high)| high)),
            state.into(),
        ]
    });
    csv(std::iter::once(head.map(String::from).to_vec()).chain(rows))
}

fn table_csv(table: &Table) -> String {
    csv(std::iter::once(table.columns.clone()).chain(table.rows.iter().cloned()))
}

/// In seven significant digits, more than a network of single precision has, so that no digit comes from the arithmetic
/// alone. A whole number has all of its digits.
fn format_number(value: f64) -> String {
    let rounded = if value.fract() == 0.0 { Some(value) } else { format!("{value:.6e}").parse().ok() };
    format_real(rounded.unwrap_or(value))
}

/// Rows as RFC 4180 has them, with line feeds alone at their ends, as the exports have.
fn csv(rows: impl Iterator<Item = Vec<String>>) -> String {
    let field = |text: &String| {
        if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.clone() }
    };
    rows.map(|row| row.iter().map(field).collect::<Vec<_>>().join(",") + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ReadoutCurve, ReadoutPoint};

    fn point(x: f64, y: f64, spread: Option<PointSpread>) -> ReadoutPoint {
        ReadoutPoint { x, what: None, y, spread, beside: None }
    }

    fn readout() -> Readout {
        let curve =
            |name: &str, points| ReadoutCurve { name: name.into(), points, is_joined: true, ..ReadoutCurve::default() };
        Readout {
            x: "epoch".into(),
            y: "validation error, %".into(),
            spread: Some(SpreadKind::Deviation),
            curves: vec![
                curve(
                    "ReLU+Tanh, mean of 2",
                    vec![point(1.0, 2.5, Some(PointSpread::HalfWidth(0.5))), point(2.0, 1.5, None)],
                ),
                curve("all-Tanh", vec![point(2.0, 1.0 / 3.0, Some(PointSpread::Range(0.25, 0.5)))]),
            ],
        }
    }

    #[test]
    fn a_chart_is_a_table_of_its_points() {
        assert_eq!(
            chart_csv(&readout()),
            "curve,epoch,\"validation error, %\",sd low,sd high\n\
             \"ReLU+Tanh, mean of 2\",1,2.5,2,3\n\
             \"ReLU+Tanh, mean of 2\",2,1.5,,\n\
             all-Tanh,2,0.3333333,0.25,0.5\n"
        );
        assert_eq!(chart_text(&Readout::default()), None);
        let mut published = readout();
        published.curves.truncate(1);
        published.curves[0].source = "article".into();
        published.spread = Some(SpreadKind::Extremes);
        let text = chart_csv(&published);
        assert!(text.contains(",min,max\n") && text.contains("\"ReLU+Tanh, mean of 2 (article)\","), "{text}");
        for (value, text) in [(0.1 + 0.2, "0.3"), (7_500_001.0, "7500001"), (1.0 / 3e9, "3.333333e-10")] {
            assert_eq!(format_number(value), text);
        }
    }

    #[test]
    fn the_cursor_copies_every_curve_and_the_difference() {
        let cursor = PlotCursor { curve: 0, point: 1 };
        assert_eq!(
            cursor_text(&readout(), cursor, Some(1)).unwrap(),
            "ReLU+Tanh, mean of 2: epoch 2, validation error 1.50 %\n\
             all-Tanh 0.33 (0.25 to 0.50)\n\
             ReLU+Tanh, mean of 2 less all-Tanh: +1.17 points"
        );
    }

    #[test]
    fn a_field_with_a_comma_or_a_quotation_mark_is_quoted() {
        let table = Table {
            title: String::new(),
            columns: vec!["a".into(), "b, c".into()],
            rows: vec![vec!["say \"so\"".into(), "1".into()]],
            sources: Vec::new(),
            places: Vec::new(),
        };
        assert_eq!(table_csv(&table), "a,\"b, c\"\n\"say \"\"so\"\"\",1\n");
    }
}
