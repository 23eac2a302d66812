//! The numbers that the reader predicted, shown beside the measured ones on plots and in tables.

use crate::study::training_run::TrainingRun;
use crate::{App, PredictionMark, add_predictions};
use lesson::{Answer, CellBody, DecidedBy, Guess, short};
use protocol::{CellKey, Figure, MILESTONE, Outcome, Plot, Source, Table};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The reader's prediction of a finding's number.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictedNumber {
    pub finding: String,
    /// The range of the chosen answer, which may be unbounded. Both ends of a single number are the same.
    pub range: (f64, f64),
}

/// How a predicted number begins in a table.
pub const PREDICTED_PREFIX: &str = "you: ";

impl PredictedNumber {
    /// The label of the prediction, with its unit.
    pub(crate) fn label(&self, unit: &str) -> String {
        let (low, high) = self.range;
        let said = match (low.is_finite(), high.is_finite()) {
            (true, true) if high <= low => short(low),
            (true, true) if low == 0.0 => format!("under {}", short(high)),
            (true, true) => format!("{} to {}", short(low), short(high)),
            (true, false) => format!("over {}", short(low)),
            (false, true) => format!("under {}", short(high)),
            (false, false) => return format!("{PREDICTED_PREFIX}any"),
        };
        format!("{PREDICTED_PREFIX}{said}{unit}")
    }
}

impl App {
    /// The predictions, in all lessons, of numbers that this cell measures.
    pub fn predicted_numbers(&self, key: &CellKey) -> Vec<PredictedNumber> {
        let mut numbers = Vec::new();
        for lesson in &self.library.lessons {
            for cell in lesson.cells() {
                let CellBody::Predict(predict) = &cell.body else { continue };
                let Some(decision) = predict.decides.as_ref().filter(|by| by.cell_key(&lesson.meta.id) == *key) else {
                    continue;
                };
                let own = CellKey { lesson: lesson.meta.id.clone(), cell: cell.id.clone() };
                let Some(record) = self.prediction(&own, predict) else { continue };
                let said = match (&decision.by, &record.answer, &predict.guess) {
                    (DecidedBy::Value { finding, .. }, Answer::Number(said), _) => Some((finding, (*said, *said))),
                    (DecidedBy::Range { finding, ranges }, Answer::Choice(said), Guess::Choice(options)) => {
                        let chosen = options.iter().position(|option| option == said);
                        chosen.and_then(|chosen| Some((finding, *ranges.get(chosen)?)))
                    }
                    // A choice among findings, or their order, is not a number.
                    _ => None,
                };
                numbers.extend(said.map(|(finding, range)| PredictedNumber { finding: finding.clone(), range }));
            }
        }
        numbers
    }

    /// The predictions of an outcome's numbers, if it was measured with the lesson's settings.
    fn predicted_numbers_of(&self, key: &CellKey, outcome: &Outcome) -> Vec<PredictedNumber> {
        let is_taught = self.outcome_with_lesson_settings(key).is_some_and(|taught| std::ptr::eq(taught, outcome));
        if is_taught { self.predicted_numbers(key) } else { Vec::new() }
    }

    /// The predictions about a run as marks on its chart. An error is marked at the last epoch, and the epochs to the
    /// threshold at the threshold's height. A ratio is marked there too once the first arm has reached the threshold.
    pub fn prediction_marks(&self, key: &CellKey, training: &TrainingRun) -> Vec<PredictionMark> {
        if !self.has_lesson_settings(key, training) {
            return Vec::new();
        }
        let last = f64::from(training.spec.epochs);
        let mark = |number: PredictedNumber| {
            let (low, high) = number.range;
            match number.finding.strip_prefix("race.")?.split_once('.') {
                Some(("error" | "best", _)) => {
                    Some(PredictionMark { x: (last, last), y: (low, high), text: number.label("\u{a0}%") })
                }
                Some(("epochs", _)) => {
                    Some(PredictionMark { x: (low, high), y: (MILESTONE, MILESTONE), text: number.label(" epochs") })
                }
                None if number.finding == "race.ratio" => {
                    let first = format!("race.epochs.{}", training.spec.arm_ids().next()?);
                    let reached =
                        training.findings().into_iter().find(|found| found.key == first && !found.is_bound)?.value?;
                    let x = (low * reached, high * reached);
                    Some(PredictionMark { x, y: (MILESTONE, MILESTONE), text: number.label(" times") })
                }
                _ => None,
            }
        };
        self.predicted_numbers(key).into_iter().filter_map(mark).collect()
    }

    /// The same for a run that is shown outside of a cell: the marks of all cells that it belongs to.
    pub fn prediction_marks_of_run(&self, training: &TrainingRun) -> Vec<PredictionMark> {
        let runs = self.cell_runs.iter().chain(&self.other_runs);
        let keys: BTreeSet<&CellKey> = runs.filter(|(_, run)| **run == training.run).map(|(key, _)| key).collect();
        keys.into_iter().flat_map(|key| self.prediction_marks(key, training)).collect()
    }

    /// An outcome with the predictions beside the numbers in its plots and tables.
    pub fn with_predictions<'o>(&self, key: &CellKey, outcome: &'o Outcome) -> Cow<'o, Outcome> {
        let findings = || outcome.figures.iter().flat_map(placed_findings);
        // Most outcomes have no places for predictions, so the lessons are not searched for each frame.
        if findings().next().is_none() {
            return Cow::Borrowed(outcome);
        }
        let numbers = self.predicted_numbers_of(key, outcome);
        if !findings().any(|finding| numbers.iter().any(|number| number.finding == finding)) {
            return Cow::Borrowed(outcome);
        }
        let mut outcome = outcome.clone();
        for figure in &mut outcome.figures {
            match figure {
                Figure::Plot(plot) => mark_predictions(plot, &numbers),
                Figure::Table(table) => insert_predictions(table, &numbers),
                Figure::Images(_) | Figure::Bars(_) | Figure::Regions(_) | Figure::Units(_) => {}
            }
        }
        Cow::Owned(outcome)
    }
}

/// The keys of the findings whose numbers a figure shows.
fn placed_findings(figure: &Figure) -> Vec<&str> {
    match figure {
        Figure::Plot(plot) => plot.places.iter().map(|place| place.finding.as_str()).collect(),
        Figure::Table(table) => table.places.iter().map(|place| place.finding.as_str()).collect(),
        Figure::Images(_) | Figure::Bars(_) | Figure::Regions(_) | Figure::Units(_) => Vec::new(),
    }
}

/// Marks predicted numbers on a plot, each at the place of its finding.
fn mark_predictions(plot: &mut Plot, numbers: &[PredictedNumber]) {
    let marks = numbers.iter().flat_map(|number| {
        let places = plot.places.iter().filter(|place| place.finding == number.finding);
        places.map(|place| PredictionMark { x: (place.x, place.x), y: number.range, text: number.label("") })
    });
    let marks: Vec<PredictionMark> = marks.collect();
    add_predictions(plot, &marks);
}

/// Inserts a column without a name after each column that has predicted numbers.
fn insert_predictions(table: &mut Table, numbers: &[PredictedNumber]) {
    let label = |finding: &str| numbers.iter().find(|number| number.finding == finding).map(|number| number.label(""));
    let places: Vec<(usize, usize, String)> =
        table.places.iter().filter_map(|place| Some((place.column, place.row, label(&place.finding)?))).collect();
    // From the right, so that the indices of the columns before stay valid.
    for column in (0..table.columns.len()).rev() {
        let here: Vec<_> = places.iter().filter(|(at, ..)| *at == column).collect();
        if here.is_empty() || column >= table.sources.len() || table.rows.iter().any(|row| column >= row.len()) {
            continue;
        }
        table.columns.insert(column + 1, String::new());
        table.sources.insert(column + 1, Source::Measured);
        for (number, row) in table.rows.iter_mut().enumerate() {
            let own = here.iter().find(|(_, at, _)| *at == number).map(|(.., label)| label.clone());
            row.insert(column + 1, own.unwrap_or_default());
        }
    }
    // The places have the indices from before the insertion.
    table.places.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::TablePlace;

    fn number(finding: &str, range: (f64, f64)) -> PredictedNumber {
        PredictedNumber { finding: finding.into(), range }
    }

    fn words(words: &str) -> Vec<String> {
        words.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn a_predicted_number_stands_beside_the_measured_one() {
        let table = Table {
            title: "t".into(),
            columns: words("net a b"),
            rows: vec![words("x 1 2"), words("y 3 4")],
            sources: vec![Source::Measured; 3],
            places: vec![
                TablePlace::new("x.b", 0, 2),
                TablePlace::new("y.a", 1, 1),
                TablePlace::new("y.b", 1, 2),
                TablePlace::new("z", 7, 9),
            ],
        };
        let mut beside = table.clone();
        insert_predictions(
            &mut beside,
            &[number("x.b", (5.0, 5.0)), number("y.a", (0.5, f64::INFINITY)), number("z", (1.0, 1.0))],
        );
        assert_eq!(beside.columns, ["net", "a", "", "b", ""]);
        assert_eq!(beside.rows, [["x", "1", "", "2", "you: 5"], ["y", "3", "you: over 0.5", "4", ""]]);
        assert_eq!(beside.sources.len(), 5);
        let mut other = table.clone();
        insert_predictions(&mut other, &[number("none", (1.0, 1.0))]);
        assert_eq!((other.columns, other.rows), (table.columns, table.rows));
    }

    #[test]
    fn a_label_names_the_ends_of_a_range() {
        let label = |low, high| number("f", (low, high)).label("");
        assert_eq!(label(0.1, 0.5), "you: 0.1 to 0.5");
        assert_eq!(label(f64::NEG_INFINITY, -0.1), "you: under -0.1");
        assert_eq!(label(20.0, f64::INFINITY), "you: over 20");
        assert_eq!(label(-0.1, 0.1), "you: -0.1 to 0.1");
        assert_eq!(label(0.0, 0.0), "you: 0");
        assert_eq!(number("f", (0.0, 2.0)).label(" %"), "you: under 2 %");
        assert_eq!(number("f", (12.0, 12.0)).label(" epochs"), "you: 12 epochs");
    }
}
