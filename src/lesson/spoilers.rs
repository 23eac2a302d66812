//! Finds prose above a cell that reveals its outcome: in words, or by a number, of what is sealed until the cell has
//! run.

use super::cell::{Cell, CellBody};
use super::document::{Block, BlockKind, Document, Sealed};
use super::fault::Position;
use super::sealed::MARK;
use std::collections::{HashMap, HashSet};

/// How many words in a row a sentence shares with a sealed one, and how many of them have to carry meaning.
const PHRASE: usize = 5;
const MEANINGFUL: usize = 3;
/// Meaningful words that two sentences share besides a number, so that it is the same number in both.
const MIN_SHARED_WORDS: usize = 2;
/// Characters of a number that needs no such word: 3.4 or 120 hardly occurs twice by chance.
const LONG_NUMBER: usize = 3;
/// Characters of a word that can carry meaning.
const LONG: usize = 4;

/// Longer words that carry none.
const SMALL_WORDS: [&str; 56] = [
    "about", "after", "again", "also", "another", "because", "been", "before", "behind", "being", "below", "between",
    "both", "could", "does", "down", "each", "even", "every", "first", "from", "have", "here", "into", "just", "more",
    "most", "much", "only", "other", "over", "same", "should", "some", "such", "than", "that", "their", "them", "then",
    "there", "these", "they", "this", "those", "under", "until", "very", "were", "what", "when", "where", "which",
    "while", "with", "your",
];
/// Units of outcomes; a number of units or images is a setting.
const UNITS: [&str; 13] =
    ["%", "points", "point", "times", "epochs", "epoch", "seconds", "ms", "ns", "hz", "khz", "db", "na"];

/// Each sentence that reveals the outcome of a cell below it, at its first word.
pub(super) fn spoilers(document: &Document) -> Vec<(Position, String)> {
    let (prose, sealed) = read(document);
    let settings: HashMap<&str, HashSet<String>> =
        document.cells().into_iter().map(|cell| (cell.id.as_str(), settings(document, cell))).collect();
    let mut found: Vec<(Position, String)> = Vec::new();
    for Hidden { cells, sentence: hidden } in &sealed {
        for sentence in &prose {
            // The first of its cells that is below. A block with several cells must not be revealed before any of them.
            let below = cells.iter().filter(|cell| cell.at > sentence.at).min_by_key(|cell| cell.at);
            let Some(cell) = below else { continue };
            let id = &cell.id;
            let Some(words) = settings.get(id.as_str()).and_then(|set| sentence.shares(hidden, set)) else { continue };
            let what =
                format!("\"{words}\" tells the outcome of `{id}` above it; let a sealed block below it say that");
            if !found.iter().any(|(at, known)| *at == sentence.at && known.contains(&format!("`{id}`"))) {
                found.push((sentence.at, what));
            }
        }
    }
    found
}

/// A sentence with the position of its first word.
struct Sentence {
    at: Position,
    words: Vec<String>,
    /// Whether it names its source, because what it states was published.
    is_sourced: bool,
}

/// A sentence that is hidden until these cells have run.
struct Hidden<'d> {
    cells: Vec<&'d Cell>,
    sentence: Sentence,
}

impl Sentence {
    /// The words, or the number with its unit, that it shares with a hidden one.
    fn shares(&self, hidden: &Self, settings: &HashSet<String>) -> Option<String> {
        let phrase = longest_run(&self.words, &hidden.words);
        if phrase.len() >= PHRASE && phrase.iter().filter(|word| means(word)).count() >= MEANINGFUL {
            return Some(phrase.join(" "));
        }
        if self.is_sourced {
            return None;
        }
        let besides = || {
            let known: HashSet<&str> = hidden.words.iter().filter(|word| means(word)).map(|word| stem(word)).collect();
            self.words.iter().filter(|word| means(word) && known.contains(stem(word))).count()
        };
        let number = self.measures().find(|(number, unit)| {
            !settings.contains(*number)
                && hidden.measures().any(|other| other == (*number, *unit))
                && (number.len() >= LONG_NUMBER || besides() >= MIN_SHARED_WORDS)
        });
        number.map(|(number, unit)| format!("{number} {unit}"))
    }

    /// Each number that a unit follows.
    fn measures(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.words.windows(2).map(|pair| (pair[0].as_str(), pair[1].as_str()));
        pairs.filter(|(number, unit)| is_number(number) && UNITS.contains(unit))
    }
}

fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a word carries meaning.
fn means(word: &str) -> bool {
    !is_number(word) && word.chars().count() >= LONG && !SMALL_WORDS.contains(&word)
}

/// A word without its inflectional ending.
fn stem(word: &str) -> &str {
    let ending = ["ing", "ed", "es", "s"].into_iter().find_map(|ending| word.strip_suffix(ending));
    ending.filter(|short| short.chars().count() >= LONG).unwrap_or(word)
}

/// The longest sequence of words of `a` that is in `b` too.
fn longest_run<'a>(a: &'a [String], b: &[String]) -> &'a [String] {
    let mut longest = &a[..0];
    for from in 0..a.len() {
        for other in 0..b.len() {
            let pairs = a[from..].iter().zip(&b[other..]);
            let length = pairs.take_while(|(a, b)| stem(a) == stem(b)).count();
            if length > longest.len() {
                longest = &a[from..from + length];
            }
        }
    }
    longest
}

/// The numbers of settings and questions: those of the cell itself, and of the predictions that it decides.
fn settings(document: &Document, cell: &Cell) -> HashSet<String> {
    let source = document.text.lines().skip(cell.at.line).take_while(|line| !line.trim_start().starts_with("```"));
    let mut texts: Vec<&str> = source.collect();
    for other in document.cells() {
        if let CellBody::Predict(predict) = &other.body
            && predict.decides.as_ref().is_some_and(|decision| decision.lesson.is_none() && decision.cell == cell.id)
        {
            texts.push(&predict.question);
        }
    }
    let words = texts.into_iter().flat_map(|text| tokens(text).into_iter().filter_map(|(_, token)| token.word()));
    words.filter(|word| is_number(word)).collect()
}

/// The visible sentences, and the sealed ones: in blocks, and in the explanations of predictions.
fn read(document: &Document) -> (Vec<Sentence>, Vec<Hidden<'_>>) {
    let cells = document.cells();
    let named = |ids: &[String]| -> Vec<&Cell> {
        ids.iter().filter_map(|id| cells.iter().copied().find(|cell| cell.id == *id)).collect()
    };
    let mut blocks = Vec::new();
    collect(&document.blocks, None, &mut blocks);
    let lines: Vec<&str> = document.text.lines().collect();
    let (mut prose, mut sealed) = (Vec::new(), Vec::new());
    for (number, (at, sealed_in, is_text)) in blocks.iter().enumerate() {
        if !is_text {
            continue;
        }
        let end = blocks[number + 1..].iter().map(|(next, ..)| next.line).find(|line| *line > at.line);
        for sentence in sentences(&lines, *at, end.unwrap_or(usize::MAX)) {
            match sealed_in {
                None => prose.push(sentence),
                Some(block) => sealed.push(Hidden { cells: named(&block.cells), sentence }),
            }
        }
    }
    for cell in &cells {
        let CellBody::Predict(predict) = &cell.body else { continue };
        let Some(decision) = predict.decides.as_ref().filter(|decision| decision.lesson.is_none()) else { continue };
        let explained = sentences(&[&predict.explanation], Position { line: 1, column: 1 }, usize::MAX);
        let decider = named(std::slice::from_ref(&decision.cell));
        sealed.extend(explained.into_iter().map(|sentence| Hidden { cells: decider.clone(), sentence }));
    }
    (prose, sealed)
}

/// Every block in reading order, with the sealed one that contains it, and whether it is text. Footnotes come at the
/// lesson's end.
fn collect<'d>(blocks: &'d [Block], sealed: Option<&'d Sealed>, into: &mut Vec<(Position, Option<&'d Sealed>, bool)>) {
    for block in blocks {
        let is_text = matches!(
            block.kind,
            BlockKind::Heading { .. } | BlockKind::Paragraph(_) | BlockKind::Image { .. } | BlockKind::Table { .. }
        );
        into.push((block.at, sealed, is_text));
        match &block.kind {
            BlockKind::List { items, .. } => items.iter().for_each(|item| collect(item, sealed, into)),
            BlockKind::Quote(inner) | BlockKind::Callout { blocks: inner, .. } => collect(inner, sealed, into),
            BlockKind::Sealed(block) => collect(&block.blocks, Some(block), into),
            _ => {}
        }
    }
}

/// The tokens of a text that matter here.
enum Token {
    Word(String),
    EndOfSentence,
    /// A reference, or a footnote.
    Source,
}

impl Token {
    fn word(self) -> Option<String> {
        if let Self::Word(word) = self { Some(word) } else { None }
    }
}

/// The sentences of a block of the file, from its first character to an empty line or the line of another block.
fn sentences(lines: &[&str], at: Position, end: usize) -> Vec<Sentence> {
    let new = || Sentence { at, words: Vec::new(), is_sourced: false };
    let (mut done, mut sentence) = (Vec::new(), new());
    for (number, line) in lines.iter().enumerate().take(end.saturating_sub(1)).skip(at.line.saturating_sub(1)) {
        let number = number + 1;
        if number > at.line && line.trim_start_matches(['>', ' ']).is_empty() {
            break;
        }
        if number == at.line && line.to_uppercase().contains(MARK) {
            // The line that names the cells of a sealed block.
            continue;
        }
        let from = if number == at.line { at.column } else { 1 };
        let part = line.char_indices().nth(from - 1).map_or("", |(byte, _)| &line[byte..]);
        for (column, token) in tokens(part) {
            match token {
                Token::Word(word) => {
                    if sentence.words.is_empty() {
                        sentence.at = Position { line: number, column: from + column };
                    }
                    sentence.words.push(word);
                }
                Token::Source => sentence.is_sourced = true,
                Token::EndOfSentence => done.push(std::mem::replace(&mut sentence, new())),
            }
        }
        // A row of a table is a sentence by itself.
        if line.trim_start_matches(['>', ' ']).starts_with('|') {
            done.push(std::mem::replace(&mut sentence, new()));
        }
    }
    done.push(sentence);
    done.retain(|sentence| !sentence.words.is_empty());
    done
}

/// The tokens of a line of Markdown with their columns, counted from 0. A link's target is none.
fn tokens(line: &str) -> Vec<(usize, Token)> {
    let chars: Vec<char> = line.chars().collect();
    let is = |at: usize, what: fn(char) -> bool| chars.get(at).is_some_and(|c| what(*c));
    let is_at = |at: usize, text: &str| text.chars().enumerate().all(|(n, c)| chars.get(at + n) == Some(&c));
    let mut found: Vec<(usize, Token)> = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let first = at;
        if is_at(at, "](") {
            if is_at(at, "](ref:") {
                found.push((at, Token::Source));
            }
            at = (at..chars.len()).find(|n| chars[*n] == ')').unwrap_or(chars.len());
        } else if is_at(at, "[^") {
            found.push((at, Token::Source));
            at = (at..chars.len()).find(|n| chars[*n] == ']').unwrap_or(chars.len());
        } else if is(at, |c| c.is_ascii_digit()) {
            let goes_on = |at: usize| is(at, |c| matches!(c, '.' | ',')) && is(at + 1, |c| c.is_ascii_digit());
            while is(at, |c| c.is_ascii_digit()) || goes_on(at) {
                at += 1;
            }
            found.push((first, Token::Word(chars[first..at].iter().collect())));
            continue;
        } else if is(at, char::is_alphabetic) {
            let goes_on = |at: usize| is(at, |c| matches!(c, '\'' | '’')) && is(at + 1, char::is_alphabetic);
            while is(at, char::is_alphabetic) || goes_on(at) {
                at += 1;
            }
            let word = chars[first..at].iter().collect::<String>().to_lowercase();
            let is_per = matches!(found.last(), Some((_, Token::Word(last))) if last == "per");
            match word.as_str() {
                "cent" if is_per => {
                    found.pop();
                    found.push((first, Token::Word("%".into())));
                }
                "percent" => found.push((first, Token::Word("%".into()))),
                _ => found.push((first, Token::Word(word))),
            }
            continue;
        } else if chars[at] == '%' {
            found.push((at, Token::Word("%".into())));
        } else if matches!(chars[at], '.' | '!' | '?') {
            let next = (at + 1..chars.len()).find(|n| !matches!(chars[*n], '*' | '_' | '"' | '”' | ')'));
            if next.is_none_or(|next| chars[next].is_whitespace()) {
                found.push((at, Token::EndOfSentence));
            }
        }
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::{Library, check, parse};

    const HEAD: &str = "+++\nid = \"x\"\ntitle = \"T\"\npart = \"I\"\nsummary = \"s\"\nminutes = 3\n\n\
        [[references]]\nkey = \"p\"\ntext = \"t\"\n+++\n";
    const CELL: &str =
        "```experiment\nid = \"rates\"\ntitle = \"Silent units\"\nexperiment = \"dying\"\nrates = [0.25]\n```\n\n";
    const SEALED: &str = "> [!SEALED] rates\n> At high rates the rectifier's units fall silent one after another. With a \
        rate of 0.25 there are 38.5 %\n> of them, and after 30 epochs 7 %.\n\n";

    fn faults(body: &str) -> Vec<String> {
        check(&[parse("x.md", &format!("{HEAD}{body}"))], &[]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn words_and_numbers_of_a_sealed_block_are_found_above_its_cell() {
        let above = |prose: &str| faults(&format!("## One\n\n{prose}\n\n{CELL}{SEALED}"));
        let warning = |at: &str, words: &str| {
            format!(
                "x.md:{at}: warning: \"{words}\" tells the outcome of `rates` above it; let a sealed block below it say \
                 that"
            )
        };
        for (prose, at, words) in [
            // A phrase is found whatever its case and markup, and the position is its sentence's.
            (
                "Look at it. Then *at high rates* the\nrectifier's units fall silent.",
                "14:13",
                "at high rates the rectifier's units fall silent",
            ),
            ("- In the end 38.5% of\n  them.", "14:3", "38.5 %"),
            ("> [!NOTE] Look\n> It is 38.5 per cent.", "15:3", "38.5 %"),
            ("| a | b |\n|---|---|\n| c | 38.5 % |", "16:3", "38.5 %"),
            // A short number, with two words besides.
            ("With such a rate 7 % are left after all epochs.", "14:1", "7 %"),
        ] {
            assert_eq!(above(prose), [warning(at, words)], "{prose}");
        }
        assert_eq!(above("With such a rate 7 % are left."), [] as [&str; 0]);
    }

    #[test]
    fn settings_sources_and_prose_below_are_no_spoilers() {
        for sound in [
            format!("The rate is 0.25 times what it was, of a rectifier.\n\n{CELL}{SEALED}"),
            format!("The [paper](ref:p) found 38.5 % of them silent.\n\n{CELL}{SEALED}"),
            format!("A note found 38.5 % of them[^n].\n\n{CELL}{SEALED}[^n]: There.\n"),
            format!("Leave out 38.5 images, and units fall silent.\n\n{CELL}{SEALED}"),
            format!("{CELL}Find 38.5 % in the table.\n\n{SEALED}"),
            format!("{CELL}{SEALED}At high rates the rectifier's units fall silent one after another.\n"),
        ] {
            assert_eq!(faults(&sound), [] as [&str; 0], "{sound}");
        }
    }

    #[test]
    fn an_explanation_is_sealed_too_and_a_block_of_two_cells_names_the_next() {
        let predict = "```predict\nid = \"p\"\nquestion = \"After 12 epochs?\"\nunit = \"%\"\nexplanation = \
            \"After 12 epochs half of the units of every layer have fallen silent.\"\ndecides = { cell = \"rates\", \
            finding = \"dying.dead.relu.0.25\", within = 1 }\n```\n\n";
        let prose = "Half of the units of every layer have a name. It takes 12 epochs.\n\n";
        let found = faults(&format!("{prose}{predict}{CELL}"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("x.md:12:1: warning: \"half of the units of every layer have\" tells"),
            "{found:?}"
        );
        let other = CELL.replace("\"rates\"", "\"others\"");
        let sealed = SEALED.replace("[!SEALED] rates", "[!SEALED] rates others");
        let between = faults(&format!("{CELL}There are 38.5 % of them.\n\n{other}{sealed}"));
        assert!(between.len() == 1 && between[0].contains("outcome of `others` above it"), "{between:?}");
    }

    #[test]
    fn the_shipped_lessons_have_no_spoilers() {
        let lessons = Library::shipped();
        let faults: Vec<String> = check(&lessons, &[]).iter().map(ToString::to_string).collect();
        let faults: Vec<&String> = faults.iter().filter(|fault| fault.contains("tells the outcome")).collect();
        assert!(faults.is_empty(), "{faults:?}");
    }
}
