//! Predictions and check questions as lines, and the state of their answers.

use crate::{App, Modal};
use lesson::{
    Answer, AnswerRecord, Cell, CellBody, Comparison, DecidedBy, Decision, Findings, Glyphs, Guess, PredictCell,
    QuizCell, QuizKind, short,
};
use protocol::{CellKey, Finding};
use std::ops::Range;

/// The kind of a line of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionLineKind {
    Question,
    /// A choice or an item to put in order, by its index as shown.
    Option {
        number: usize,
        state: OptionState,
    },
    /// The input of a number or of words, and whether it has text.
    Input {
        is_given: bool,
    },
    /// The next step, or other information.
    Hint,
    /// The feedback to an answer; `None` if it is neither right nor wrong.
    Feedback {
        right: Option<bool>,
    },
    Blank,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionState {
    Open,
    Chosen,
    ChosenRight,
    ChosenWrong,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionLine {
    pub kind: QuestionLineKind,
    pub text: String,
}

/// The outcome of a prediction.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum PredictionOutcome {
    /// The deciding cell has not run yet, or there is none.
    #[default]
    Open,
    /// The deciding cell found no number; the text of its finding.
    NoNumber(String),
    /// The outcome is known, with a comparison if there is an answer.
    Known(Option<Comparison>),
}

/// The state of a question that its lines depend on.
#[derive(Clone, Debug, Default)]
struct QuestionState<'s> {
    record: Option<&'s AnswerRecord>,
    /// The text that is being typed.
    typed: Option<&'s str>,
    /// The confidence that is being typed.
    confidence: Option<&'s str>,
    outcome: PredictionOutcome,
    /// Where the deciding cell is, in words.
    decided_in: String,
}

/// Collects the lines of a question, wrapped to a width.
struct QuestionLines {
    width: usize,
    glyphs: Glyphs,
    done: Vec<QuestionLine>,
}

impl QuestionLines {
    fn push(&mut self, kind: QuestionLineKind, text: &str) {
        // A number and its percent sign stay on one line.
        let text = self.glyphs.text(&text.replace(" %", "\u{a0}%"));
        let wrapped = textwrap::wrap(&text, crate::wrap_options(self.width));
        self.done.extend(wrapped.into_iter().map(|line| QuestionLine { kind, text: line.into_owned() }));
    }

    /// Adds an option; further lines are indented.
    fn push_option(&mut self, number: usize, state: OptionState, text: &str) {
        let mark = match state {
            OptionState::Open => " ",
            OptionState::Chosen => "»",
            OptionState::ChosenRight => "+",
            OptionState::ChosenWrong => "-",
        };
        let text = self.glyphs.text(&format!("{}{mark} {text}", number + 1));
        let options = crate::wrap_options(self.width).subsequent_indent("   ");
        let kind = QuestionLineKind::Option { number, state };
        let wrapped = textwrap::wrap(&text, options);
        self.done.extend(wrapped.into_iter().map(|line| QuestionLine { kind, text: line.into_owned() }));
    }

    fn blank(&mut self) {
        self.done.push(QuestionLine { kind: QuestionLineKind::Blank, text: String::new() });
    }

    /// Adds the input of a number or of words; `wanted` names what is typed.
    fn push_input(&mut self, typed: Option<&str>, given: Option<String>, unit: &str, wanted: &str) {
        match (typed, given) {
            (Some(typed), _) => {
                self.push(QuestionLineKind::Input { is_given: true }, format!("{typed}_ {unit}").trim_end());
            }
            (None, Some(given)) => {
                self.push(QuestionLineKind::Input { is_given: true }, format!("{given} {unit}").trim_end());
            }
            (None, None) => {
                let kind = match unit {
                    "" => String::new(),
                    _ if unit.starts_with("of ") => format!(" {unit}"),
                    _ => format!(", in {unit}"),
                };
                self.push(QuestionLineKind::Input { is_given: false }, &format!("{wanted}{kind}; Enter asks for it"));
            }
        }
    }
}

fn predict_lines(cell: &PredictCell, state: &QuestionState, mut lines: QuestionLines) -> Vec<QuestionLine> {
    let answer = state.record.map(|record| &record.answer);
    lines.push(QuestionLineKind::Question, &cell.question);
    lines.blank();
    match &cell.guess {
        Guess::Choice(options) => {
            for (number, option) in options.iter().enumerate() {
                let is_chosen = matches!(answer, Some(Answer::Choice(text)) if text == option);
                lines.push_option(number, if is_chosen { OptionState::Chosen } else { OptionState::Open }, option);
            }
        }
        Guess::Order(things) => {
            let order = if let Some(Answer::Order(order)) = answer { order.as_slice() } else { &[] };
            for (number, thing) in things.iter().enumerate() {
                let place = order.iter().position(|chosen| chosen == thing);
                let place = place.map_or(String::new(), |place| format!("  ({})", place + 1));
                lines.push_option(number, OptionState::Open, &format!("{thing}{place}"));
            }
        }
        Guess::Number(unit) => {
            let given = if let Some(Answer::Number(number)) = answer { Some(number.to_string()) } else { None };
            lines.push_input(state.typed, given, unit, "a number");
        }
    }
    let Some(record) = state.record.filter(|record| cell.accepts(&record.answer)) else { return lines.done };
    lines.blank();
    if let Some(typed) = state.confidence {
        let within = match &cell.decides {
            Some(Decision { by: DecidedBy::Value { within, .. }, .. }) => {
                format!("that it is no more than {} off", short(*within))
            }
            _ => "of it".into(),
        };
        lines.push(QuestionLineKind::Question, &format!("How sure are you {within}?"));
        lines.push(QuestionLineKind::Input { is_given: true }, &format!("{typed}_ % sure"));
        lines.push(QuestionLineKind::Hint, "Type 50 to 99, + and - change it; Enter keeps it, Esc leaves it out.");
        return lines.done;
    }
    match (record.confidence, record.late) {
        (Some(percent), _) => lines.push(QuestionLineKind::Hint, &format!("{percent} % sure")),
        (None, true) => lines.push(QuestionLineKind::Hint, "Given when what it is about could be seen."),
        (None, false) => {}
    }
    let is_known = match &state.outcome {
        PredictionOutcome::Known(Some(comparison)) => {
            lines.push(QuestionLineKind::Feedback { right: Some(comparison.right) }, &comparison.sentence);
            lines.blank();
            true
        }
        PredictionOutcome::NoNumber(why) => {
            lines.push(QuestionLineKind::Hint, &format!("It was measured, and there is no number: {why}."));
            true
        }
        PredictionOutcome::Known(None) | PredictionOutcome::Open => false,
    };
    if is_known || record.opened || cell.decides.is_none() {
        lines.push(QuestionLineKind::Feedback { right: None }, &cell.explanation);
    } else {
        let wait = format!("Kept. {} decides it; u shows the explanation now.", state.decided_in);
        lines.push(QuestionLineKind::Hint, &wait);
    }
    lines.done
}

/// The lines of a check question. The choices are in the order given.
fn quiz_lines(cell: &QuizCell, state: &QuestionState, mut lines: QuestionLines) -> Vec<QuestionLine> {
    let answer = state.record.map(|record| &record.answer);
    lines.push(QuestionLineKind::Question, &cell.question);
    lines.blank();
    match &cell.kind {
        QuizKind::Choices(choices) => {
            for (number, choice) in choices.iter().enumerate() {
                let is_chosen = matches!(answer, Some(Answer::Choice(text)) if *text == choice.text);
                let state = match (is_chosen, choice.right) {
                    (false, _) => OptionState::Open,
                    (true, true) => OptionState::ChosenRight,
                    (true, false) => OptionState::ChosenWrong,
                };
                lines.push_option(number, state, &choice.text);
            }
        }
        QuizKind::Number { unit, .. } => {
            let given = if let Some(Answer::Number(number)) = answer { Some(number.to_string()) } else { None };
            lines.push_input(state.typed, given, unit, "a number");
        }
        QuizKind::Short { .. } => {
            let given = if let Some(Answer::Text(text)) = answer { Some(text.clone()) } else { None };
            lines.push_input(state.typed, given, "", "a word or two");
        }
    }
    if let Some(feedback) = answer.and_then(|answer| cell.feedback(answer)) {
        lines.blank();
        lines.push(QuestionLineKind::Feedback { right: Some(feedback.right) }, &feedback.text);
    }
    lines.done
}

/// Rows of a pane with figures on a screen of this height: nearly all of a small screen, and less of a large one so
/// that the text around it is visible.
pub(crate) fn pane_height(height: u16) -> u16 {
    let most = height.saturating_sub(1);
    (most.min(25) + most.saturating_sub(25) * 3 / 4).max(14)
}

/// Rows around the lines of a question: the frame above and below, and a blank one at the end.
const FRAME: u16 = 3;

/// The rows of a question up to its last choice, counted from the frame; feedback is not included.
pub(crate) fn question_rows(lines: &[QuestionLine]) -> Range<u16> {
    let is_asked =
        |line: &QuestionLine| matches!(line.kind, QuestionLineKind::Option { .. } | QuestionLineKind::Input { .. });
    // The input of a confidence comes later, after a blank line.
    let end = lines.iter().enumerate().skip_while(|(_, line)| !is_asked(line)).find(|(_, line)| !is_asked(line));
    0..end.map_or(lines.len(), |(at, _)| at) as u16 + 1
}

/// The rows of one choice, counted from the frame.
pub(crate) fn choice_rows(lines: &[QuestionLine], choice: usize) -> Option<Range<u16>> {
    let is_its = |line: &QuestionLine| matches!(line.kind, QuestionLineKind::Option { number, .. } if number == choice);
    let first = lines.iter().position(is_its)? as u16 + 1;
    Some(first..first + lines.iter().filter(|line| is_its(line)).count() as u16)
}

/// The choice at this row of a question's cell.
pub(crate) fn choice_under(lines: &[QuestionLine], row: u16) -> Option<usize> {
    match lines.get(usize::from(row).checked_sub(1)?)?.kind {
        QuestionLineKind::Option { number, .. } => Some(number),
        _ => None,
    }
}

impl App {
    /// A check question with its choices in this reader's order.
    pub fn shuffled(&self, key: &CellKey, quiz: &QuizCell) -> QuizCell {
        quiz.shuffled(self.reader, &key.lesson, &key.cell)
    }

    /// The lines of a question's cell, wrapped to this width; `None` for other cells.
    pub fn question_lines(&self, key: &CellKey, body: &CellBody, width: u16) -> Option<Vec<QuestionLine>> {
        // The frame and a column on either side.
        let width = usize::from(width.saturating_sub(4).max(10));
        let lines = QuestionLines { width, glyphs: self.glyphs, done: Vec::new() };
        let state = QuestionState {
            record: self.answers.get(key),
            typed: self.answer_entry_in(key).map(|guess| guess.text.as_str()),
            ..QuestionState::default()
        };
        match body {
            CellBody::Predict(cell) => {
                let state = QuestionState {
                    confidence: self.typed_confidence(key),
                    outcome: self.outcome_of(key, cell),
                    decided_in: self.decided_in(key, cell),
                    ..state
                };
                Some(predict_lines(cell, &state, lines))
            }
            CellBody::Quiz(cell) => Some(quiz_lines(&self.shuffled(key, cell), &state, lines)),
            _ => None,
        }
    }

    /// Rows of a question's cell; 0 for other cells.
    pub(crate) fn question_height(&self, key: &CellKey, body: &CellBody, width: u16) -> u16 {
        self.question_lines(key, body, width).map_or(0, |lines| lines.len() as u16 + FRAME)
    }

    /// The confidence that is being typed in this cell.
    fn typed_confidence(&self, key: &CellKey) -> Option<&str> {
        match self.modals.last() {
            Some(Modal::Confidence(entry)) if entry.cell == *key => Some(&entry.text),
            _ => None,
        }
    }

    /// Finds a cell of any lesson.
    pub fn cell_of(&self, key: &CellKey) -> Option<&Cell> {
        self.library.lessons[self.library.find(&key.lesson)?].cell(&key.cell)
    }

    /// The reader's answer to a prediction, if it is complete.
    pub fn prediction(&self, key: &CellKey, cell: &PredictCell) -> Option<&AnswerRecord> {
        self.answers.get(key).filter(|record| cell.accepts(&record.answer))
    }

    pub fn outcome_of(&self, key: &CellKey, cell: &PredictCell) -> PredictionOutcome {
        let Some(decision) = &cell.decides else { return PredictionOutcome::Open };
        let found = self.findings_in(&decision.cell_key(&key.lesson));
        let all: Option<Vec<&Finding>> = decision.findings().into_iter().map(|key| found.get(key)).collect();
        let Some(all) = all else { return PredictionOutcome::Open };
        if let Some(missing) = all.iter().find(|finding| finding.value.is_none()) {
            return PredictionOutcome::NoNumber(missing.text.trim_end_matches('.').into());
        }
        let record = self.prediction(key, cell);
        PredictionOutcome::Known(record.and_then(|record| cell.compare(&record.answer, &found)))
    }

    /// Whether the outcome of a prediction can be seen: it has been measured, or its cell shows first figures.
    pub(crate) fn is_outcome_visible(&self, key: &CellKey) -> bool {
        let Some(CellBody::Predict(cell)) = self.cell_of(key).map(|cell| &cell.body) else { return false };
        let Some(decider) = cell.decides.as_ref().map(|decision| decision.cell_key(&key.lesson)) else { return false };
        let has_curves = |training: &crate::TrainingRun| training.lanes.iter().any(|lane| !lane.points.is_empty());
        let has_figures = || self.experiments.get(&decider).is_some_and(|view| view.partial.is_some());
        self.outcome_of(key, cell) != PredictionOutcome::Open
            || self.deciding_training(&decider).is_some_and(has_curves)
            || has_figures()
    }

    /// Whether an answer can no longer be changed, as its outcome or its explanation can be seen.
    pub(crate) fn is_settled(&self, key: &CellKey, cell: &PredictCell) -> bool {
        self.prediction(key, cell).is_some_and(|record| record.opened || self.is_outcome_visible(key))
    }

    /// The cell that decides a prediction, in words that begin a sentence.
    fn decided_in(&self, key: &CellKey, cell: &PredictCell) -> String {
        let Some(decider) = cell.decides.as_ref().map(|decision| decision.cell_key(&key.lesson)) else {
            return String::new();
        };
        let cell_title = self.cell_of(&decider).map_or(decider.cell.as_str(), cell_title);
        if decider.lesson == key.lesson {
            return format!("\"{cell_title}\"");
        }
        let lesson = self.library.find(&decider.lesson).map(|at| &self.library.lessons[at]);
        let lesson = match lesson.map(|lesson| (lesson.number, &lesson.meta.title)) {
            Some((Some(number), _)) => format!("lesson {number}"),
            Some((None, title)) => format!("the lesson \"{title}\""),
            None => format!("the lesson `{}`", decider.lesson),
        };
        format!("\"{cell_title}\" in {lesson}")
    }

    /// The findings of a cell with its lesson's settings, by key: of an experiment's last outcome, or of a train cell's
    /// run.
    pub fn findings_in(&self, key: &CellKey) -> Findings {
        let by_key = |findings: &[Finding]| -> Findings {
            findings.iter().map(|finding| (finding.key.clone(), finding.clone())).collect()
        };
        match self.cell_of(key).map(|cell| &cell.body) {
            Some(CellBody::Experiment(_)) => {
                self.outcome_with_lesson_settings(key).map_or_else(Findings::new, |outcome| by_key(&outcome.findings))
            }
            Some(CellBody::Train(_)) => self.deciding_training(key).map_or_else(Findings::new, |training| {
                by_key(&[training.findings(), training.layer_findings()].concat())
            }),
            _ => Findings::new(),
        }
    }
}

/// A cell's title; for a question the question itself.
pub(crate) fn cell_title(cell: &Cell) -> &str {
    match &cell.body {
        CellBody::Train(train) => &train.title,
        CellBody::Experiment(experiment) => &experiment.title,
        CellBody::Predict(predict) => &predict.question,
        CellBody::Quiz(quiz) => &quiz.question,
        CellBody::Claim(claim) => &claim.says,
        CellBody::Predictions(predictions) => &predictions.title,
        CellBody::View(view) => &view.title,
    }
}
