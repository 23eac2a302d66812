//! What the reader answered, and how many rows each kind of cell takes.

use super::claims::claim_lines;
use crate::lesson::{Cell, CellBody, Findings, Guess};
use serde::{Deserialize, Serialize};

/// An answer to a prediction or a question. A wrong one gets an explanation, never a wall: it can be changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The choice's index.
    Choice(usize),
    Number(f64),
    /// Indices in the order given.
    Order(Vec<usize>),
}

/// Rows of a race on a screen of this height.
fn race_height(height: u16) -> u16 {
    height.saturating_sub(1).clamp(14, 28)
}

/// Rows of an experiment's figures.
pub(super) fn pane_height(height: u16) -> u16 {
    race_height(height).min(24)
}

/// An option or a numbered line, its further lines beneath its words.
pub fn hanging(text: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width.max(10)).subsequent_indent("   ");
    textwrap::wrap(text, options).into_iter().map(std::borrow::Cow::into_owned).collect()
}

/// Rows that a cell takes at this width on a screen of this height.
pub fn cell_height(cell: &Cell, answer: Option<&Answer>, found: &Findings, width: u16, height: u16) -> u16 {
    let inner = usize::from(width.saturating_sub(4).max(10));
    let rows = |text: &str| textwrap::wrap(text, inner).len() as u16;
    let hang = |text: &str| hanging(text, inner).len() as u16;
    match &cell.body {
        CellBody::Train(_) => race_height(height),
        // Its height follows what is known of it: `App::pane_height`.
        CellBody::Experiment(_) => pane_height(height),
        CellBody::Claim(claim) => claim_lines(claim, found, width.saturating_sub(4)).len() as u16 + 2,
        CellBody::Predict(predict) => {
            let options: u16 = match &predict.guess {
                Guess::Choice(options) | Guess::Order(options) => {
                    options.iter().map(|o| hang(&format!("1  {o}"))).sum()
                }
                Guess::Number(_) => 1,
            };
            let explained = answer.map_or(0, |_| 1 + rows(&predict.explanation));
            4 + rows(&predict.question) + options + explained
        }
        CellBody::Quiz(quiz) => {
            let options: u16 = quiz.choices.iter().map(|c| hang(&format!("1  {}", c.text))).sum();
            let because = match answer {
                Some(Answer::Choice(at)) => {
                    quiz.choices.get(*at).map_or(0, |c| 1 + rows(&format!("Right. {}", c.because)))
                }
                _ => 0,
            };
            4 + rows(&quiz.question) + options + because
        }
    }
}
