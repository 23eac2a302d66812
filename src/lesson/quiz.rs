//! Check questions: one of several choices, a number, or a few words.

use super::Answer;
use super::body::{Body, check_choices, strip_backticks};
use serde::Deserialize;

/// A check question. A wrong answer gets an explanation and can be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct QuizCell {
    pub question: String,
    pub kind: QuizKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum QuizKind {
    /// In the order of the lesson's file. A reader sees them in another one, see [`QuizCell::shuffled`].
    Choices(Vec<Choice>),
    /// A number, right within `tolerance` of `value`.
    Number { value: f64, tolerance: f64, unit: String, comments: Comments },
    /// A few words; letter case, spaces and a full stop at the end do not count.
    Short { accepted: Vec<String>, comments: Comments },
}

/// The feedback on a typed answer; neither is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Comments {
    /// To a right one.
    pub because: String,
    /// To a wrong one.
    pub otherwise: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub text: String,
    #[serde(default)]
    pub right: bool,
    /// The feedback on this choice; never empty.
    pub because: String,
}

/// The feedback on an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Feedback {
    pub right: bool,
    pub text: String,
}

impl QuizCell {
    /// The same question with its choices in this reader's order, which is always the same for one reader and cell and
    /// differs between readers.
    #[must_use]
    pub fn shuffled(&self, reader: u64, lesson: &str, cell: &str) -> Self {
        let mut quiz = self.clone();
        if let QuizKind::Choices(choices) = &mut quiz.kind {
            let mut state = reader ^ fnv1a(lesson.bytes().chain([b'/']).chain(cell.bytes()));
            // Fisher-Yates.
            for last in (1..choices.len()).rev() {
                state = splitmix64(state);
                choices.swap(last, (state % (last as u64 + 1)) as usize);
            }
        }
        quiz
    }

    /// Empty for a question whose answer is typed.
    pub fn choices(&self) -> &[Choice] {
        if let QuizKind::Choices(choices) = &self.kind { choices } else { &[] }
    }

    /// The feedback on this answer; `None` if it is no answer to this question.
    pub fn feedback(&self, answer: &Answer) -> Option<Feedback> {
        let (right, why) = match (&self.kind, answer) {
            (QuizKind::Choices(choices), Answer::Choice(text)) => {
                let choice = choices.iter().find(|choice| choice.text == *text)?;
                (choice.right, &choice.because)
            }
            (QuizKind::Number { value, tolerance, comments, .. }, Answer::Number(number)) => {
                let right = is_within(*number - *value, *tolerance);
                (right, comments.to(right))
            }
            (QuizKind::Short { accepted, comments }, Answer::Text(text)) => {
                let right = accepted.iter().any(|form| normalised(form) == normalised(text));
                (right, comments.to(right))
            }
            _ => return None,
        };
        Some(Feedback { right, text: format!("{} {why}", if right { "Right." } else { "Not quite." }) })
    }
}

impl Comments {
    fn to(&self, right: bool) -> &String {
        if right { &self.because } else { &self.otherwise }
    }
}

/// Whether a difference is at most the tolerance, plus a billionth of it, as 0.1 + 0.2 is not 0.3.
pub(super) fn is_within(difference: f64, tolerance: f64) -> bool {
    difference.abs() <= tolerance + 1e-9 * tolerance.max(difference.abs()).max(1e-3)
}

/// A short answer without what does not count.
fn normalised(text: &str) -> String {
    text.trim().trim_end_matches('.').split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): the same on every platform and in every version.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// One step of `SplitMix64` (Steele, Lea, Flood 2014), from its state to its output.
fn splitmix64(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuizBody {
    #[serde(default, rename = "id")]
    _id: String,
    #[serde(default)]
    question: String,
    choices: Option<Vec<Choice>>,
    number: Option<f64>,
    tolerance: Option<f64>,
    unit: Option<String>,
    short: Option<Vec<String>>,
    because: Option<String>,
    otherwise: Option<String>,
}

/// The keys of which a question has one.
const KINDS: [&str; 3] = ["choices", "number", "short"];

/// Reads the body of a `quiz` fence.
pub(super) fn quiz(body: &mut Body) -> Option<QuizCell> {
    body.refuse_empty("question");
    let QuizBody { _id, question, choices, number, tolerance, unit, short, because, otherwise } = body.read()?;
    if KINDS.iter().any(|key| body.is_refused(key)) {
        return None;
    }
    if number.is_none() {
        for (key, is_there) in [("tolerance", tolerance.is_some()), ("unit", unit.is_some())] {
            if is_there {
                body.fault_at(key, format!("`{key}` belongs to a `number`"));
            }
        }
    }
    let kind = match (choices, number, short) {
        (Some(choices), None, None) => {
            for (key, is_there) in [("because", because.is_some()), ("otherwise", otherwise.is_some())] {
                if is_there {
                    body.fault_at(key, "each choice has a `because` of its own");
                }
            }
            QuizKind::Choices(sound_choices(body, choices))
        }
        (None, Some(value), None) => {
            if !value.is_finite() {
                body.fault_at("number", "`number` must be finite");
            }
            if !tolerance.is_some_and(|tolerance| tolerance >= 0.0 && tolerance.is_finite())
                && !body.is_refused("tolerance")
            {
                body.fault_at("tolerance", "a `number` needs a `tolerance`, 0 or more: how far off is still right");
            }
            let (tolerance, unit) = (tolerance.unwrap_or_default(), strip_backticks(&unit.unwrap_or_default()));
            QuizKind::Number { value, tolerance, unit, comments: comments(body, because, otherwise) }
        }
        (None, None, Some(accepted)) => {
            if accepted.is_empty() || accepted.iter().any(|form| normalised(form).is_empty()) {
                body.fault_at("short", "`short` needs the answers that are accepted, none of them empty");
            }
            QuizKind::Short { accepted, comments: comments(body, because, otherwise) }
        }
        _ => {
            body.fault("give one of `choices`, `number` with its `tolerance`, or `short`", 0);
            return None;
        }
    };
    Some(QuizCell { question: strip_backticks(&question), kind })
}

fn comments(body: &mut Body, because: Option<String>, otherwise: Option<String>) -> Comments {
    let mut text = |key: &str, text: Option<String>, whom: &str| {
        let text = strip_backticks(&text.unwrap_or_default());
        if text.trim().is_empty() && !body.is_refused(key) {
            body.fault_at(key, format!("`{key}` is missing or empty: what is said to a {whom} answer"));
        }
        text
    };
    Comments { because: text("because", because, "right"), otherwise: text("otherwise", otherwise, "wrong") }
}

fn sound_choices(body: &mut Body, mut choices: Vec<Choice>) -> Vec<Choice> {
    for choice in &mut choices {
        (choice.text, choice.because) = (strip_backticks(&choice.text), strip_backticks(&choice.because));
    }
    check_choices(body, "choices", choices.iter().map(|choice| choice.text.as_str()));
    if choices.len() < 2 || !choices.iter().any(|choice| choice.right) {
        body.fault_at("choices", "needs two choices or more, at least one with `right = true`");
    }
    for choice in choices.iter().filter(|choice| choice.because.trim().is_empty()) {
        body.fault_at("choices", format!("the choice \"{}\" lacks its `because`", choice.text));
    }
    choices
}

#[cfg(test)]
mod tests {
    use super::super::CellBody;
    use super::*;

    fn read(body: &str) -> Result<QuizCell, String> {
        let read = CellBody::read("quiz", &format!("id = 'q'\nquestion = 'Q?'\n{body}")).unwrap();
        match read.body {
            Some(CellBody::Quiz(quiz)) => Ok(quiz),
            _ => Err(read.faults.into_iter().map(|(message, _)| message).collect::<Vec<_>>().join("; ")),
        }
    }

    fn digits(count: usize) -> QuizCell {
        let choices: Vec<String> =
            (0..count).map(|at| format!("{{ text = '{at}', right = {}, because = 'b' }}", at == 1)).collect();
        read(&format!("choices = [{}]", choices.join(", "))).unwrap()
    }

    #[test]
    fn a_reader_always_sees_the_same_order_and_readers_see_all_orders() {
        let quiz = digits(3);
        let order = |reader: u64, cell: &str| -> String {
            quiz.shuffled(reader, "lesson", cell).choices().iter().map(|choice| choice.text.as_str()).collect()
        };
        assert_eq!(order(7, "a"), order(7, "a"));
        let orders: std::collections::BTreeSet<String> = (0..100).map(|reader| order(reader, "a")).collect();
        assert_eq!(orders.len(), 6, "every order of three is somebody's");
        let by_cell: std::collections::BTreeSet<String> =
            (0..50).map(|cell| order(1, &format!("cell-{cell}"))).collect();
        assert_eq!(by_cell.len(), 6, "one reader's orders differ from cell to cell");
    }

    #[test]
    fn the_right_choice_stands_everywhere_equally_often() {
        let quiz = digits(3);
        let mut places = [0_u32; 3];
        for reader in 0..3000 {
            let shuffled = quiz.shuffled(reader, "l", "c");
            places[shuffled.choices().iter().position(|choice| choice.right).unwrap()] += 1;
        }
        // Binomial(3000, 1/3): 1000 +- 26; four standard deviations.
        assert!(places.iter().all(|count| (896..=1104).contains(count)), "{places:?}");
    }

    #[test]
    fn numbers_are_right_within_their_tolerance() {
        let quiz = read("number = 0.3\ntolerance = 0.1\nunit = '%'\nbecause = 'so'\notherwise = 'look'").unwrap();
        let says = |number: f64| quiz.feedback(&Answer::Number(number)).unwrap();
        assert_eq!(says(0.1 + 0.2).text, "Right. so");
        assert!(says(0.4).right && says(0.2).right && !says(0.41).right);
        assert_eq!(says(1.0).text, "Not quite. look");
        assert_eq!(quiz.feedback(&Answer::Text("0.3".into())), None);
        let exact = read("number = 0.3\ntolerance = 0\nbecause = 'so'\notherwise = 'look'").unwrap();
        assert!(exact.feedback(&Answer::Number(0.1 + 0.2)).unwrap().right);
    }

    #[test]
    fn short_answers_are_taken_in_every_accepted_form() {
        let quiz = read("short = ['the first layer', '1']\nbecause = 'so'\notherwise = 'look'").unwrap();
        let right = |text: &str| quiz.feedback(&Answer::Text(text.into())).unwrap().right;
        assert!(right("  The  FIRST layer. ") && right("1"));
        assert!(!right("the second layer") && !right(""));
    }

    #[test]
    fn what_is_no_question_is_refused() {
        for (body, why) in [
            ("", "give one of"),
            ("number = 1\nshort = ['a']", "give one of"),
            ("number = 1.0\nbecause = 'b'\notherwise = 'o'", "needs a `tolerance`"),
            ("number = nan\ntolerance = 1.0\nbecause = 'b'\notherwise = 'o'", "must be finite"),
            ("number = 1.0\ntolerance = 0.1\nbecause = 'b'", "`otherwise` is missing"),
            ("short = []\nbecause = 'b'\notherwise = 'o'", "none of them empty"),
            ("short = ['.']\nbecause = 'b'\notherwise = 'o'", "none of them empty"),
            ("short = ['a']\nunit = '%'\nbecause = 'b'\notherwise = 'o'", "`unit` belongs to a `number`"),
            ("choices = [{ text = 'a', right = true, because = 'b' }, { text = 'a', because = 'b' }]", "stands twice"),
            ("choices = [{ text = 'a', because = 'b' }, { text = 'c', because = 'b' }]", "at least one with"),
        ] {
            let refused = read(body).unwrap_err();
            assert!(refused.contains(why), "{body}: {refused}");
        }
    }
}
