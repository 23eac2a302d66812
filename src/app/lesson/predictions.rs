//! The list of all predictions with their outcomes, and the calibration of the reader's confidence.

use crate::lesson::questions::PredictionOutcome;
use crate::{App, truncate, truncate_at_word};
use lesson::{Answer, CellBody, Guess, PredictCell};
use protocol::{AxisScale, CellKey, Plot, PlotAxis, PlotMark, PlotSeries, Source, Stroke};
use unicode_width::UnicodeWidthStr;

/// A prediction of any lesson, with its state.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionRow {
    pub cell: CellKey,
    /// The lesson's number.
    pub lesson: Option<u16>,
    pub question: String,
    /// The reader's answer in words; `None` if there is none.
    pub answer: Option<String>,
    pub confidence: Option<u8>,
    pub state: PredictionState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PredictionState {
    NotAnswered,
    /// Answered; the deciding cell has not run.
    Waiting,
    /// The deciding cell has run and found no number.
    NoNumber,
    /// Compared with the outcome. `late` means that it was answered when the outcome could be seen.
    Decided {
        right: bool,
        late: bool,
        word: String,
    },
}

/// How many predictions in a range of confidence were right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationBin {
    /// The range in percent, both ends included.
    pub from: u8,
    pub to: u8,
    /// The mean stated confidence in percent; `None` for an empty bin.
    pub said: Option<f64>,
    pub right: usize,
    pub count: usize,
}

impl CalibrationBin {
    /// The share of right predictions in percent; `None` for an empty bin.
    pub fn share_right(&self) -> Option<f64> {
        (self.count > 0).then(|| 100.0 * self.right as f64 / self.count as f64)
    }
}

/// The lower ends of the bins: 50-59, 60-69, ... 90-99 %.
const BINS: [u8; 5] = [50, 60, 70, 80, 90];

/// Sorts the decided predictions with a confidence into bins. Late answers do not count.
pub fn calibration(rows: &[PredictionRow]) -> Vec<CalibrationBin> {
    let decided = |row: &PredictionRow| match row.state {
        PredictionState::Decided { right, late: false, .. } => Some((row.confidence?, right)),
        _ => None,
    };
    let decided: Vec<(u8, bool)> = rows.iter().filter_map(decided).collect();
    let bin = |from: u8| {
        let to = from + 9;
        let within: Vec<&(u8, bool)> = decided.iter().filter(|(said, _)| (from..=to).contains(said)).collect();
        let sum: f64 = within.iter().map(|(said, _)| f64::from(*said)).sum();
        let count = within.len();
        let right = within.iter().filter(|(_, right)| *right).count();
        CalibrationBin { from, to, said: (count > 0).then(|| sum / count as f64), right, count }
    };
    BINS.map(bin).to_vec()
}

/// Plots the share of right predictions over the stated confidence. On the diagonal both are equal. The labels of the
/// points are the counts of their bins.
pub fn calibration_plot(bins: &[CalibrationBin]) -> Plot {
    let axis = |label: &str, limits| PlotAxis { label: label.into(), scale: AxisScale::Linear, limits: Some(limits) };
    let measured: Vec<(f64, f64, usize)> =
        bins.iter().filter_map(|bin| Some((bin.said?, bin.share_right()?, bin.count))).collect();
    let series = |name: &str, source, stroke, points| PlotSeries {
        name: name.into(),
        source,
        stroke,
        points,
        spread: Vec::new(),
        below: Vec::new(),
    };
    let points = measured.iter().map(|&(said, right, _)| (said, Some(right))).collect();
    let diagonal = vec![(50.0, Some(50.0)), (100.0, Some(100.0))];
    let both = vec![
        series("you", Source::Measured, Stroke::Both, points),
        series("as often as said", Source::Theory("y = x".into()), Stroke::Thin, diagonal),
    ];
    let mark = |&(said, right, count): &(f64, f64, usize)| PlotMark {
        label: format!("n={count}"),
        source: Source::Measured,
        at: [said, right],
    };
    Plot {
        title: "Calibration".into(),
        x: axis("sure, %", (50.0, 100.0)),
        y: axis("right, %; faint line: as often as said", (0.0, 100.0)),
        series: if measured.is_empty() { Vec::new() } else { both },
        bands: Vec::new(),
        marks: measured.iter().map(mark).collect(),
        places: Vec::new(),
        spread: protocol::SpreadKind::Deviation,
        notes: Vec::new(),
    }
}

/// The kind of a line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PredictionLine {
    Head,
    Right,
    Wrong,
    /// Not decided.
    Open,
    Note,
}

/// Rows of the calibration curve.
pub const CURVE_ROWS: u16 = 14;

impl App {
    pub fn predictions(&self) -> Vec<PredictionRow> {
        let mut rows = Vec::new();
        for lesson in &self.library.lessons {
            for cell in lesson.cells() {
                let CellBody::Predict(predict) = &cell.body else { continue };
                let key = CellKey { lesson: lesson.meta.id.clone(), cell: cell.id.clone() };
                let record = self.prediction(&key, predict);
                let state = match (record, self.outcome_of(&key, predict)) {
                    (None, _) => PredictionState::NotAnswered,
                    (Some(record), PredictionOutcome::Known(Some(comparison))) => {
                        PredictionState::Decided { right: comparison.right, late: record.late, word: comparison.word }
                    }
                    (Some(_), PredictionOutcome::NoNumber(_)) => PredictionState::NoNumber,
                    (Some(_), _) => PredictionState::Waiting,
                };
                rows.push(PredictionRow {
                    cell: key,
                    lesson: lesson.number,
                    question: predict.question.clone(),
                    answer: record.map(|record| answer_text(&record.answer, predict)),
                    confidence: record.and_then(|record| record.confidence),
                    state,
                });
            }
        }
        rows
    }

    /// The first prediction without an answer, else the cell that decides the first undecided one.
    pub(crate) fn next_prediction(&self) -> Option<CellKey> {
        let rows = self.predictions();
        let first = |state: PredictionState| rows.iter().find(|row| row.state == state).map(|row| row.cell.clone());
        first(PredictionState::NotAnswered).or_else(|| {
            let key = first(PredictionState::Waiting)?;
            match &self.cell_of(&key)?.body {
                CellBody::Predict(predict) => Some(predict.decides.as_ref()?.cell_key(&key.lesson)),
                _ => None,
            }
        })
    }

    /// Rows of the cell that lists the predictions, in a frame of this width.
    pub(crate) fn predictions_height(&self, width: u16) -> u16 {
        let rows = self.predictions();
        let lines = prediction_lines(&rows, width.saturating_sub(4)).len() as u16;
        // The frame.
        lines + CURVE_ROWS + 2
    }
}

fn answer_text(answer: &Answer, cell: &PredictCell) -> String {
    match (answer, &cell.guess) {
        (Answer::Number(number), Guess::Number(unit)) => format!("{number} {unit}"),
        (Answer::Number(number), _) => number.to_string(),
        (Answer::Choice(text) | Answer::Text(text), _) => text.clone(),
        (Answer::Order(order), _) => order.join(", "),
    }
}

/// Columns of the mark and the lesson's number.
const NUMBER: usize = 5;

/// The list above the calibration curve: each prediction's question, with the answer and its outcome if there are any,
/// then a line for each bin.
pub fn prediction_lines(rows: &[PredictionRow], width: u16) -> Vec<(PredictionLine, String)> {
    let width = usize::from(width);
    let room = width.saturating_sub(NUMBER);
    let mut lines = Vec::new();
    for row in rows {
        let number = row.lesson.map_or(String::new(), |number| number.to_string());
        let (kind, mark, outcome) = match &row.state {
            PredictionState::NotAnswered => (PredictionLine::Open, " ", String::new()),
            PredictionState::Waiting => (PredictionLine::Open, " ", "its cell has not run".into()),
            PredictionState::NoNumber => (PredictionLine::Open, " ", "its cell found no number".into()),
            PredictionState::Decided { right, late, word } => {
                let word = if *late { format!("{word}, late") } else { word.clone() };
                if *right { (PredictionLine::Right, "✓", word) } else { (PredictionLine::Wrong, "✕", word) }
            }
        };
        lines.push((kind, format!("{mark} {number:>2} {}", truncate_at_word(&row.question, room))));
        if let Some(answer) = &row.answer {
            let sure = row.confidence.map_or(String::new(), |percent| format!(", {percent}\u{a0}% sure"));
            // A long answer is truncated, its outcome is not.
            let rest = format!("{sure}: {outcome}");
            let answer = truncate(answer, room.saturating_sub(rest.width() + "you: ".len()).max(1));
            lines.push((kind, truncate(&format!("{:NUMBER$}you: {answer}{rest}", ""), width)));
        }
    }
    if rows.iter().any(|row| matches!(row.state, PredictionState::Decided { late: true, .. })) {
        let late = "late: given when figures of it could be seen; it does not count below";
        lines.extend(wrapped(late, width).map(|line| (PredictionLine::Note, line)));
    }
    lines.push((PredictionLine::Note, String::new()));
    let bins = calibration(rows);
    let counted: usize = bins.iter().map(|bin| bin.count).sum();
    let head = format!("How sure you were, and how often you were right ({counted} with a confidence):");
    lines.extend(wrapped(&head, width).map(|line| (PredictionLine::Head, line)));
    for bin in bins {
        let text = match (bin.said, bin.share_right()) {
            (Some(said), Some(share)) => {
                let said = format!("{said:.1}");
                let said = said.trim_end_matches(".0");
                format!("said {said} % on average, right {share:.0} % ({} of {})", bin.right, bin.count)
            }
            _ => "none".into(),
        };
        lines.push((PredictionLine::Note, truncate(&format!("{}-{} %: {text}", bin.from, bin.to), width)));
    }
    lines
}

fn wrapped(text: &str, width: usize) -> impl Iterator<Item = String> {
    textwrap::wrap(text, crate::wrap_options(width.max(10)))
        .into_iter()
        .map(std::borrow::Cow::into_owned)
        .collect::<Vec<_>>()
        .into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(confidence: Option<u8>, right: Option<bool>, late: bool) -> PredictionRow {
        let decided = |right| PredictionState::Decided { right, late, word: "word".into() };
        PredictionRow {
            cell: CellKey { lesson: "l".into(), cell: "c".into() },
            lesson: Some(7),
            question: "How many?".into(),
            answer: Some("3 %".into()),
            confidence,
            state: right.map_or(PredictionState::Waiting, decided),
        }
    }

    #[test]
    fn calibration_counts_what_was_decided_with_a_confidence() {
        let rows = [
            row(Some(50), Some(false), false),
            row(Some(58), Some(true), false),
            row(Some(99), Some(true), false),
            row(Some(90), None, false),
            row(Some(90), Some(false), true),
            row(None, Some(true), false),
        ];
        let bins = calibration(&rows);
        assert_eq!((bins[0].said, bins[0].right, bins[0].count), (Some(54.0), 1, 2));
        assert_eq!((bins[4].said, bins[4].right, bins[4].count), (Some(99.0), 1, 1));
        assert_eq!(bins[0].share_right(), Some(50.0));
        assert!(bins[1..4].iter().all(|bin| bin.count == 0 && bin.said.is_none() && bin.share_right().is_none()));
    }

    #[test]
    fn no_line_is_wider_than_its_room() {
        let rows = [row(Some(50), Some(false), true), row(None, None, false)];
        for width in [20, 36, 50, 72, 116] {
            for (_, line) in prediction_lines(&rows, width) {
                assert!(line.width() <= usize::from(width), "{width}: {line}");
            }
        }
        let lines = prediction_lines(&rows, 72);
        assert_eq!(lines[0].1, "✕  7 How many?");
        assert_eq!(lines[1].1, "     you: 3 %, 50\u{a0}% sure: word, late");
        assert_eq!(lines[3].1, "     you: 3 %: its cell has not run");
        assert!(lines[4].1.starts_with("late: "), "{lines:?}");
        let long = PredictionRow { answer: Some("a long answer".repeat(9)), ..row(Some(99), Some(true), false) };
        assert!(prediction_lines(&[long], 40)[1].1.ends_with("…, 99\u{a0}% sure: word"));
        assert!(lines.iter().any(|(_, line)| line == "60-69 %: none"), "{lines:?}");
    }
}
