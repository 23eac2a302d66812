//! What the reader answered, and how many rows each kind of cell takes.

use super::claims::claim_lines;
use crate::lesson::{Cell, CellBody, Findings, Glyphs, Guess};
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

/// Whether a guess is whole: an order of which some things are missing gives nothing away yet.
pub fn is_committed(answer: Option<&Answer>, guess: &Guess) -> bool {
    match (answer, guess) {
        (Some(Answer::Order(order)), Guess::Order(things)) => order.len() == things.len(),
        (Some(_), _) => true,
        (None, _) => false,
    }
}

/// A thing to be put in order, with its place if it has one by now.
pub fn ordered(number: usize, thing: &str, answer: Option<&Answer>) -> String {
    let order = if let Some(Answer::Order(order)) = answer { order.as_slice() } else { &[] };
    let place = order.iter().position(|&chosen| chosen == number);
    let place = place.map_or(String::new(), |place| format!("  ({})", place + 1));
    format!("{}  {thing}{place}", number + 1)
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
pub fn cell_height(
    cell: &Cell,
    answer: Option<&Answer>,
    found: &Findings,
    glyphs: Glyphs,
    width: u16,
    height: u16,
) -> u16 {
    let inner = usize::from(width.saturating_sub(4).max(10));
    let rows = |text: &str| textwrap::wrap(&glyphs.text(text), inner).len() as u16;
    let hang = |text: &str| hanging(&glyphs.text(text), inner).len() as u16;
    match &cell.body {
        CellBody::Train(_) => race_height(height),
        // Its height follows what is known of it: `App::pane_height`.
        CellBody::Experiment(_) => pane_height(height),
        CellBody::Claim(claim) => claim_lines(claim, found, width.saturating_sub(4)).len() as u16 + 2,
        CellBody::Predict(predict) => {
            let options: u16 = match &predict.guess {
                Guess::Choice(options) => options.iter().map(|o| hang(&format!("1  {o}"))).sum(),
                Guess::Order(things) => {
                    things.iter().enumerate().map(|(at, thing)| hang(&ordered(at, thing, answer))).sum()
                }
                Guess::Number(_) => 1,
            };
            let committed = is_committed(answer, &predict.guess);
            let explained = if committed { 1 + rows(&predict.explanation) } else { 0 };
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
