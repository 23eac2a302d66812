//! What the reader answered, and how many rows each kind of cell takes.

use crate::lesson::{Cell, CellBody, Glyphs, Guess, PredictCell};
use serde::{Deserialize, Serialize};
use std::ops::Range;

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

/// Rows of a race or of an experiment's figures on a screen of this height: nearly all of a small one, and of a large
/// one so much that the words around it still show.
pub(super) fn pane_height(height: u16) -> u16 {
    let most = height.saturating_sub(1);
    (most.min(25) + most.saturating_sub(25) * 3 / 4).max(14)
}

/// An option or a numbered line, its further lines beneath its words.
pub fn hanging(text: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width.max(10)).subsequent_indent("   ");
    textwrap::wrap(text, options).into_iter().map(std::borrow::Cow::into_owned).collect()
}

/// What can be chosen in a question, a line each before it is broken.
fn options(body: &CellBody, answer: Option<&Answer>) -> Vec<String> {
    let plain = |text: &str| format!("1  {text}");
    match body {
        CellBody::Predict(PredictCell { guess: Guess::Choice(options), .. }) => {
            options.iter().map(|text| plain(text)).collect()
        }
        CellBody::Predict(PredictCell { guess: Guess::Order(things), .. }) => {
            things.iter().enumerate().map(|(at, thing)| ordered(at, thing, answer)).collect()
        }
        CellBody::Quiz(quiz) => quiz.choices.iter().map(|choice| plain(&choice.text)).collect(),
        _ => Vec::new(),
    }
}

/// Columns within a cell's frame.
fn within(width: u16) -> usize {
    usize::from(width.saturating_sub(4).max(10))
}

/// The rows of each choice of a question's cell, counted from its frame; one row for a number.
fn rows_of_choices(body: &CellBody, answer: Option<&Answer>, glyphs: Glyphs, width: u16) -> Option<Vec<Range<u16>>> {
    let question = match body {
        CellBody::Predict(predict) => &predict.question,
        CellBody::Quiz(quiz) => &quiz.question,
        _ => return None,
    };
    // The frame, the question, a blank row.
    let mut row = 2 + textwrap::wrap(&glyphs.text(question), within(width)).len() as u16;
    let mut next = |rows: u16| {
        row += rows;
        row - rows..row
    };
    if matches!(body, CellBody::Predict(PredictCell { guess: Guess::Number(_), .. })) {
        return Some(vec![next(1)]);
    }
    let options = options(body, answer);
    Some(options.iter().map(|option| next(hanging(&glyphs.text(option), within(width)).len() as u16)).collect())
}

/// The rows of a question with all that can be chosen, what is explained afterwards left out.
pub(super) fn question_rows(
    body: &CellBody,
    answer: Option<&Answer>,
    glyphs: Glyphs,
    width: u16,
) -> Option<Range<u16>> {
    Some(0..rows_of_choices(body, answer, glyphs, width)?.last()?.end)
}

/// The rows of one choice, counted from 0.
pub(super) fn choice_rows(
    body: &CellBody,
    answer: Option<&Answer>,
    glyphs: Glyphs,
    width: u16,
    choice: usize,
) -> Option<Range<u16>> {
    rows_of_choices(body, answer, glyphs, width)?.get(choice).cloned()
}

/// The choice that stands on this row of a question's cell.
pub(super) fn choice_under(
    body: &CellBody,
    answer: Option<&Answer>,
    glyphs: Glyphs,
    width: u16,
    row: u16,
) -> Option<usize> {
    let is_number = matches!(body, CellBody::Predict(PredictCell { guess: Guess::Number(_), .. }));
    let rows = rows_of_choices(body, answer, glyphs, width).filter(|_| !is_number)?;
    rows.iter().position(|rows| rows.contains(&row))
}

/// Rows that a cell takes at this width on a screen of this height.
pub fn cell_height(cell: &Cell, answer: Option<&Answer>, glyphs: Glyphs, width: u16, height: u16) -> u16 {
    let inner = within(width);
    let rows = |text: &str| textwrap::wrap(&glyphs.text(text), inner).len() as u16;
    let chosen = || -> u16 {
        options(&cell.body, answer).iter().map(|option| hanging(&glyphs.text(option), inner).len() as u16).sum()
    };
    match &cell.body {
        // Those of experiments and claims follow what has been measured: the notebook knows them.
        CellBody::Train(_) | CellBody::Experiment(_) | CellBody::Claim(_) => pane_height(height),
        CellBody::Predict(predict) => {
            let options = if matches!(predict.guess, Guess::Number(_)) { 1 } else { chosen() };
            let committed = is_committed(answer, &predict.guess);
            let explained = if committed { 1 + rows(&predict.explanation) } else { 0 };
            4 + rows(&predict.question) + options + explained
        }
        CellBody::Quiz(quiz) => {
            let because = match answer {
                Some(Answer::Choice(at)) => quiz.choices.get(*at).map_or(0, |choice| 1 + rows(&choice.told())),
                _ => 0,
            };
            4 + rows(&quiz.question) + chosen() + because
        }
    }
}
