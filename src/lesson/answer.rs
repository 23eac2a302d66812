//! What a reader answers, and its form in the store.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use std::ops::{Not, RangeInclusive};

/// An answer to a prediction or a question. Choices and orders are stored by their texts, so that an answer means the
/// same whatever the order of the choices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    #[serde(rename = "chosen")]
    Choice(String),
    #[serde(rename = "number")]
    Number(f64),
    /// In the order given; incomplete while the reader is typing.
    #[serde(rename = "ordered")]
    Order(Vec<String>),
    #[serde(rename = "written")]
    Text(String),
}

/// An answer with how it was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerRecord {
    #[serde(flatten)]
    pub answer: Answer,
    /// In percent, within [`CONFIDENCE`]; only for predictions, and optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// Whether the prediction was made when figures of its outcome could be seen, so that it does not count for
    /// calibration.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub late: bool,
    /// Whether the reader had opened the explanation before the outcome was known.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub opened: bool,
}

/// The confidence that can be stated, in percent: below it the reader would choose the opposite, above it is certainty.
pub const CONFIDENCE: RangeInclusive<u8> = 50..=99;

impl From<Answer> for AnswerRecord {
    fn from(answer: Answer) -> Self {
        Self { answer, confidence: None, late: false, opened: false }
    }
}

/// A stored answer after reading.
#[derive(Clone, Debug, PartialEq)]
pub enum StoredAnswer {
    Current(AnswerRecord),
    /// Written by version 0.1, which stored the index of a choice.
    Converted(AnswerRecord),
    /// It is no longer known what was answered.
    Lost,
}

impl StoredAnswer {
    /// Reads what the store has under this lesson and cell.
    pub fn read(lesson: &str, cell: &str, value: &Value) -> Self {
        if value.get("choice").is_some() || value.get("order").is_some() {
            return converted(value, &texts_of_0_1(lesson, cell))
                .map_or(Self::Lost, |answer| Self::Converted(answer.into()));
        }
        match serde_json::from_value::<AnswerRecord>(value.clone()) {
            Ok(record) if matches!(record.answer, Answer::Number(number) if !number.is_finite()) => Self::Lost,
            Ok(record) => {
                let confidence = record.confidence.filter(|percent| CONFIDENCE.contains(percent));
                Self::Current(AnswerRecord { confidence, ..record })
            }
            Err(_) => Self::Lost,
        }
    }
}

/// Converts an answer of version 0.1; `texts` are today's texts of the choices.
fn converted(value: &Value, texts: &[Option<String>]) -> Option<Answer> {
    let text = |index: &Value| texts.get(usize::try_from(index.as_u64()?).ok()?).cloned().flatten();
    if let Some(index) = value.get("choice") {
        return Some(Answer::Choice(text(index)?));
    }
    let order = value.get("order")?.as_array()?;
    Some(Answer::Order(order.iter().map(text).collect::<Option<_>>()?))
}

/// The choices in the lessons of version 0.1 in the order that they had, each with its present text; `null` if it was
/// removed.
const CHOICES_OF_0_1: &str = include_str!("choices-0.1.json");

fn texts_of_0_1(lesson: &str, cell: &str) -> Vec<Option<String>> {
    let mut all: HashMap<String, Vec<Option<String>>> = serde_json::from_str(CHOICES_OF_0_1).unwrap_or_default();
    all.remove(&format!("{lesson}/{cell}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{CellBody, Guess, Library};
    use super::*;
    use serde_json::json;

    fn read(value: &Value) -> StoredAnswer {
        StoredAnswer::read("sigmoid", "steepest", value)
    }

    #[test]
    fn an_answer_is_stored_by_its_text() {
        let record = AnswerRecord { confidence: Some(80), ..Answer::Choice("seven".into()).into() };
        let value = serde_json::to_value(&record).unwrap();
        assert_eq!(value, json!({ "chosen": "seven", "confidence": 80 }));
        assert_eq!(read(&value), StoredAnswer::Current(record));
        let order = AnswerRecord { opened: true, late: true, ..Answer::Order(vec!["a".into()]).into() };
        assert_eq!(read(&serde_json::to_value(&order).unwrap()), StoredAnswer::Current(order));
        assert_eq!(read(&json!({ "number": 2.5 })), StoredAnswer::Current(Answer::Number(2.5).into()));
        assert_eq!(read(&json!(3)), StoredAnswer::Lost);
    }

    #[test]
    fn an_index_of_version_0_1_is_converted_or_lost() {
        assert_eq!(read(&json!({ "choice": 2 })), StoredAnswer::Converted(Answer::Choice("1/4".into()).into()));
        let order = StoredAnswer::read("gradients", "order", &json!({ "order": [3, 0] }));
        assert_eq!(order, StoredAnswer::Converted(Answer::Order(vec!["ReLU".into(), "sigmoid".into()]).into()));
        for lost in [json!({ "choice": 4 }), json!({ "choice": -1 }), json!({ "order": [0, 9] })] {
            assert_eq!(read(&lost), StoredAnswer::Lost, "{lost}");
        }
        assert_eq!(StoredAnswer::read("own", "cell", &json!({ "choice": 0 })), StoredAnswer::Lost);
        // A choice that was removed.
        assert_eq!(StoredAnswer::read("pretraining", "gain", &json!({ "choice": 3 })), StoredAnswer::Lost);
    }

    #[test]
    fn a_confidence_out_of_range_is_left_out() {
        let expected = StoredAnswer::Current(Answer::Number(1.0).into());
        assert_eq!(read(&json!({ "number": 1.0, "confidence": 20 })), expected);
    }

    /// Rewording a choice requires a change there too, or earlier answers would be lost.
    #[test]
    fn every_text_that_an_old_answer_becomes_is_a_choice_today() {
        let all: HashMap<String, Vec<Option<String>>> = serde_json::from_str(CHOICES_OF_0_1).unwrap();
        let library = Library::english();
        for (key, texts) in &all {
            let id = key.split('/').nth(1).unwrap();
            let today: Vec<String> = library
                .lessons
                .iter()
                .flat_map(|lesson| lesson.cells())
                .filter(|cell| cell.id == id)
                .flat_map(|cell| match &cell.body {
                    CellBody::Predict(predict) => match &predict.guess {
                        Guess::Choice(options) | Guess::Order(options) => options.clone(),
                        Guess::Number(_) => Vec::new(),
                    },
                    CellBody::Quiz(quiz) => quiz.choices().iter().map(|choice| choice.text.clone()).collect(),
                    _ => Vec::new(),
                })
                .collect();
            for text in texts.iter().flatten() {
                assert!(today.contains(text), "{key}: {text}");
            }
        }
    }
}
