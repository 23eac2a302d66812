//! Predictions: a question before a measurement, and what decides it.

use super::Answer;
use super::body::{Body, check_choices, strip_backticks};
use protocol::CellKey;
use serde::Deserialize;

/// A question before a run.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictCell {
    pub question: String,
    pub guess: Guess,
    /// Shown once the prediction is decided, whether it was right or wrong.
    pub explanation: String,
    /// What decides it. A prediction without this is explained as soon as the reader has answered.
    pub decides: Option<Decision>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Guess {
    /// Options in the order shown.
    Choice(Vec<String>),
    /// A number in this unit.
    Number(String),
    /// Things to put in order.
    Order(Vec<String>),
}

/// The measurement that decides a prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The lesson of the cell; `None` for the prediction's own.
    pub lesson: Option<String>,
    pub cell: String,
    pub by: DecidedBy,
}

/// How findings, named by their keys, decide.
#[derive(Clone, Debug, PartialEq)]
pub enum DecidedBy {
    /// A number is right within `within` of the finding.
    Value { finding: String, within: f64 },
    /// The right choice is the one whose range `low <= value < high` contains the finding. There is a range for each
    /// choice.
    Range { finding: String, ranges: Vec<(f64, f64)> },
    /// The right choice is the one whose finding is the highest or the lowest. There is a finding for each choice.
    Pick { findings: Vec<String>, pick: Extreme },
    /// The right order begins with the highest or the lowest finding. There is a finding for each thing.
    Ranking { findings: Vec<String>, first: Extreme },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Extreme {
    Highest,
    Lowest,
}

impl PredictCell {
    /// Whether an answer is complete and answers this question; it may have been given to an earlier text of it.
    pub fn accepts(&self, answer: &Answer) -> bool {
        match (&self.guess, answer) {
            (Guess::Choice(options), Answer::Choice(text)) => options.contains(text),
            (Guess::Number(_), Answer::Number(_)) => true,
            (Guess::Order(things), Answer::Order(order)) => {
                order.len() == things.len() && things.iter().all(|thing| order.contains(thing))
            }
            _ => false,
        }
    }
}

impl Decision {
    /// The cell that measures it, for a prediction in `lesson`.
    pub fn cell_key(&self, lesson: &str) -> CellKey {
        CellKey { lesson: self.lesson.clone().unwrap_or_else(|| lesson.into()), cell: self.cell.clone() }
    }

    /// The keys of the findings that it needs.
    pub fn findings(&self) -> Vec<&str> {
        match &self.by {
            DecidedBy::Value { finding, .. } | DecidedBy::Range { finding, .. } => vec![finding],
            DecidedBy::Pick { findings, .. } | DecidedBy::Ranking { findings, .. } => {
                findings.iter().map(String::as_str).collect()
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PredictBody {
    #[serde(default, rename = "id")]
    _id: String,
    #[serde(default)]
    question: String,
    #[serde(default)]
    explanation: String,
    choices: Option<Vec<String>>,
    unit: Option<String>,
    order: Option<Vec<String>>,
    decides: Option<DecidesBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecidesBody {
    cell: String,
    finding: Option<String>,
    within: Option<f64>,
    ranges: Option<Vec<(f64, f64)>>,
    findings: Option<Vec<String>>,
    pick: Option<Extreme>,
    first: Option<Extreme>,
}

/// Reads the body of a `predict` fence.
pub(super) fn predict(body: &mut Body) -> Option<PredictCell> {
    body.refuse_empty("question");
    if body.text_of("explanation").is_some_and(|text| text.trim().is_empty()) {
        body.fault_at("explanation", "`explanation` is empty; a guess deserves an answer");
    }
    let PredictBody { _id, question, explanation, choices, unit, order, decides } = body.read()?;
    let (question, explanation) = (strip_backticks(&question), strip_backticks(&explanation));
    let each = |texts: Option<Vec<String>>| {
        texts.map(|texts| texts.iter().map(|text| strip_backticks(text)).collect::<Vec<_>>())
    };
    let guess = match (each(choices), unit, each(order)) {
        (Some(choices), None, None) if choices.len() >= 2 => Guess::Choice(choices),
        (None, Some(unit), None) => Guess::Number(unit),
        (None, None, Some(order)) if order.len() >= 2 => Guess::Order(order),
        _ => {
            if !["choices", "unit", "order"].iter().any(|key| body.is_refused(key)) {
                body.fault("give one of `choices` (two or more), `unit`, or `order` (two or more)", 0);
            }
            return None;
        }
    };
    if let Guess::Choice(options) | Guess::Order(options) = &guess {
        let key = if matches!(guess, Guess::Order(_)) { "order" } else { "choices" };
        check_choices(body, key, options.iter().map(String::as_str));
    }
    let is_doubtful = ["choices", "unit", "order", "decides"].iter().any(|key| body.is_refused(key));
    let decides = match decides.map(|read| decision(read, &guess)) {
        Some(Ok(decision)) => Some(decision),
        Some(Err(why)) if !is_doubtful => {
            body.fault_at("decides", why);
            None
        }
        Some(Err(_)) | None => None,
    };
    Some(PredictCell { question, guess, explanation, decides })
}

fn decision(read: DecidesBody, guess: &Guess) -> Result<Decision, String> {
    let DecidesBody { cell, finding, within, ranges, findings, pick, first } = read;
    let by = match (guess, finding, within, ranges, findings, pick, first) {
        (Guess::Number(_), Some(finding), Some(within), None, None, None, None) => {
            if !(within.is_finite() && within >= 0.0) {
                return Err("`within` is how far off is still right: 0 or more".into());
            }
            DecidedBy::Value { finding, within }
        }
        (Guess::Choice(options), Some(finding), None, Some(ranges), None, None, None) => {
            if ranges.len() != options.len() {
                return Err(format!("`ranges` has {} for {} choices", ranges.len(), options.len()));
            }
            if ranges.iter().any(|(low, high)| low.is_nan() || high.is_nan() || low >= high) {
                return Err("each of `ranges` is [low, high], the lower first; `inf` is a number".into());
            }
            let overlap = |(at, range): (usize, &(f64, f64))| {
                ranges[..at].iter().any(|other| range.0 < other.1 && other.0 < range.1)
            };
            if ranges.iter().enumerate().any(overlap) {
                return Err("two of the `ranges` overlap: a value would have two answers".into());
            }
            DecidedBy::Range { finding, ranges }
        }
        (Guess::Choice(options), None, None, None, Some(findings), Some(pick), None) => {
            if findings.len() != options.len() {
                return Err(format!("`findings` has {} for {} choices", findings.len(), options.len()));
            }
            DecidedBy::Pick { findings, pick }
        }
        (Guess::Order(things), None, None, None, Some(findings), None, Some(first)) => {
            if findings.len() != things.len() {
                return Err(format!("`findings` has {} for {} things", findings.len(), things.len()));
            }
            DecidedBy::Ranking { findings, first }
        }
        _ => {
            return Err(
                "`decides` has a `cell` and, for a `unit`, `finding` and `within`; for `choices`, `finding` and \
                        `ranges`, or `findings` and `pick`; for an `order`, `findings` and `first`"
                    .into(),
            );
        }
    };
    let (lesson, cell) = match cell.split_once('/') {
        Some((lesson, cell)) => (Some(lesson.to_string()), cell.to_string()),
        None => (None, cell),
    };
    Ok(Decision { lesson, cell, by })
}

#[cfg(test)]
mod tests {
    use super::super::CellBody;
    use super::*;

    fn read(body: &str) -> Result<PredictCell, String> {
        let read =
            CellBody::read("predict", &format!("id = 'p'\nquestion = 'Q?'\nexplanation = 'E.'\n{body}")).unwrap();
        match read.body {
            Some(CellBody::Predict(cell)) => Ok(cell),
            _ => Err(read.faults.into_iter().map(|(message, _)| message).collect::<Vec<_>>().join("; ")),
        }
    }

    #[test]
    fn the_four_forms_of_a_decision_are_read() {
        for (body, findings) in [
            ("unit = '%'\ndecides = { cell = 'c', finding = 'a', within = 1 }", 1),
            ("choices = ['A', 'B']\ndecides = { cell = 'c', finding = 'a', ranges = [[0, 1], [1, inf]] }", 1),
            ("choices = ['A', 'B']\ndecides = { cell = 'c', findings = ['a', 'b'], pick = 'highest' }", 2),
            ("order = ['A', 'B']\ndecides = { cell = 'c', findings = ['a', 'b'], first = 'lowest' }", 2),
        ] {
            let decision = read(body).unwrap().decides.unwrap();
            assert_eq!(decision.findings().len(), findings, "{body}");
            assert_eq!(decision.cell_key("here"), CellKey { lesson: "here".into(), cell: "c".into() });
        }
        let far = read("unit = '%'\ndecides = { cell = 'there/c', finding = 'a', within = 1 }").unwrap();
        let key = far.decides.unwrap().cell_key("here");
        assert_eq!(key, CellKey { lesson: "there".into(), cell: "c".into() });
        assert_eq!(read("unit = '%'").unwrap().decides, None);
    }

    #[test]
    fn half_a_decision_is_refused() {
        for (body, why) in [
            ("unit = '%'\ndecides = { cell = 'c', finding = 'a' }", "`finding` and `within`"),
            ("unit = '%'\ndecides = { finding = 'a', within = 1 }", "missing field `cell`"),
            ("unit = '%'\ndecides = { cell = 'c', finding = 'a', within = -1.0 }", "0 or more"),
            ("choices = ['A', 'B']\ndecides = { cell = 'c', finding = 'a', ranges = [[0, 1]] }", "1 for 2 choices"),
            ("choices = ['A', 'B']\ndecides = { cell = 'c', finding = 'a', ranges = [[0, 1], [2, 1]] }", "lower first"),
            ("choices = ['A', 'B']\ndecides = { cell = 'c', finding = 'a', ranges = [[0, 2], [1, 3]] }", "overlap"),
            ("choices = ['A', 'B']\ndecides = { cell = 'c', findings = ['a', 'b'] }", "`findings` and `pick`"),
            ("choices = ['A', 'B']\ndecides = { cell = 'c', findings = ['a'], pick = 'lowest' }", "1 for 2 choices"),
            ("choices = ['A', 'A']", "stands twice"),
            ("order = ['A', 'B']\ndecides = { cell = 'c', findings = ['a', 'b'], pick = 'highest' }", "and `first`"),
        ] {
            let refused = read(body).unwrap_err();
            assert!(refused.contains(why), "{body}: {refused}");
        }
    }

    #[test]
    fn an_answer_to_another_question_is_none() {
        let order = |things: &[&str]| Answer::Order(things.iter().map(ToString::to_string).collect());
        let cell = read("order = ['A', 'B', 'C']").unwrap();
        assert!(cell.accepts(&order(&["C", "A", "B"])));
        for other in [order(&["C", "A"]), order(&["A", "A", "B"]), order(&["A", "B", "D"]), Answer::Number(1.0)] {
            assert!(!cell.accepts(&other), "{other:?}");
        }
        let choice = read("choices = ['A', 'B']").unwrap();
        assert!(choice.accepts(&Answer::Choice("B".into())) && !choice.accepts(&Answer::Choice("C".into())));
    }
}
