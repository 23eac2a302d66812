//! Words looked for in every lesson, as a reader sees them: formulas typeset, questions without their answers.

use super::cell::{Cell, CellBody, Guess};
use super::document::{Block, BlockKind, Document, Inline};
use super::library::Library;
use super::math;
use std::ops::Range;

/// Where a search found its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Index of the lesson in the library.
    pub lesson: usize,
    pub found: Found,
    /// All that stands there, on one line.
    pub text: String,
    /// Bytes of the text that are the first of the words.
    pub at: Range<usize>,
}

/// What holds the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A block that begins on this line of the lesson's file.
    Block(usize),
    /// A cell, by its number in the lesson.
    Cell(usize),
    /// A source, by its key.
    Reference(String),
    /// The lesson's title.
    Head,
}

impl Library {
    /// Every piece of every lesson that holds all the words, letter case aside.
    pub fn search(&self, query: &str) -> Vec<Hit> {
        let words: Vec<&str> = query.split_whitespace().collect();
        let Some(first) = words.first() else { return Vec::new() };
        let mut hits = Vec::new();
        for (lesson, document) in self.lessons.iter().enumerate() {
            for (found, text) in pieces(document) {
                if words.iter().all(|word| position(&text, word).is_some())
                    && let Some(at) = position(&text, first)
                {
                    hits.push(Hit { lesson, found, text, at });
                }
            }
        }
        hits
    }
}

/// Where a word stands in a text, letter case aside.
pub fn position(text: &str, word: &str) -> Option<Range<usize>> {
    let small = |c: char| c.to_lowercase().next().unwrap_or(c);
    text.char_indices().map(|(start, _)| start).find_map(|start| {
        let mut rest = text[start..].char_indices();
        let mut end = start;
        for wanted in word.chars() {
            let (at, c) = rest.next()?;
            if small(c) != small(wanted) {
                return None;
            }
            end = start + at + c.len_utf8();
        }
        Some(start..end)
    })
}

/// The texts of a lesson in reading order.
fn pieces(document: &Document) -> Vec<(Found, String)> {
    let mut pieces = vec![(Found::Head, document.meta.title.clone())];
    let mut cells = 0;
    blocks(&document.blocks, &mut cells, &mut pieces);
    let references = document.meta.references.iter();
    pieces.extend(references.map(|reference| (Found::Reference(reference.key.clone()), reference.text.clone())));
    pieces
}

fn blocks(all: &[Block], cells: &mut usize, pieces: &mut Vec<(Found, String)>) {
    for block in all {
        let mut put = |text: String| pieces.push((Found::Block(block.at.line), text));
        match &block.kind {
            BlockKind::Heading { text, .. } | BlockKind::Paragraph(text) | BlockKind::Image { caption: text, .. } => {
                put(read(text));
            }
            BlockKind::List { items, .. } => items.iter().for_each(|item| blocks(item, cells, pieces)),
            BlockKind::Quote(inner) | BlockKind::Footnote { blocks: inner, .. } => blocks(inner, cells, pieces),
            BlockKind::Callout { title, blocks: inner } => {
                put(title.clone());
                blocks(inner, cells, pieces);
            }
            BlockKind::Table { header, rows, .. } => {
                for row in std::iter::once(header).chain(rows) {
                    put(row.iter().map(|cell| read(cell)).collect::<Vec<_>>().join("  "));
                }
            }
            BlockKind::Code { text, .. } => text.lines().for_each(|line| put(line.trim().into())),
            BlockKind::Math(tex) => put(math::inline(tex).unwrap_or_else(|_| tex.clone())),
            BlockKind::Rule => {}
            BlockKind::Cell(cell) => {
                pieces.extend(texts(cell).into_iter().map(|text| (Found::Cell(*cells), text)));
                *cells += 1;
            }
        }
    }
}

/// What a cell shows before anything is run or answered.
fn texts(cell: &Cell) -> Vec<String> {
    let mut texts = Vec::new();
    match &cell.body {
        CellBody::Train(train) => {
            texts.push(train.title.clone());
            texts.extend(train.marks.iter().map(|mark| format!("{}, {}", mark.label, mark.source)));
        }
        CellBody::Experiment(experiment) => texts.push(experiment.title.clone()),
        CellBody::Predict(predict) => {
            texts.push(predict.question.clone());
            if let Guess::Choice(options) | Guess::Order(options) = &predict.guess {
                texts.extend(options.iter().cloned());
            }
        }
        CellBody::Quiz(quiz) => {
            texts.push(quiz.question.clone());
            texts.extend(quiz.choices.iter().map(|choice| choice.text.clone()));
        }
        CellBody::Claim(claim) => {
            texts.extend([&claim.says, &claim.article, &claim.literature].map(Clone::clone));
            texts.extend(claim.transfers.clone());
        }
    }
    texts
}

/// Inlines as they read.
fn read(inlines: &[Inline]) -> String {
    inlines
        .iter()
        .map(|inline| match inline {
            Inline::Text(text) | Inline::Code(text) => text.clone(),
            Inline::Math { tex, .. } => math::inline(tex).unwrap_or_else(|_| tex.clone()),
            Inline::Emphasis(inner) | Inline::Strong(inner) | Inline::Link { text: inner, .. } => read(inner),
            Inline::Footnote { .. } => String::new(),
            Inline::Break => " ".into(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn search(query: &str) -> Vec<Hit> {
        let head = "+++\nid = \"x\"\ntitle = \"Over\"\npart = \"I\"\nsummary = \"s\"\nminutes = 3\n+++\n";
        let quiz = "```quiz\nid = \"q\"\nquestion = \"Which digit?\"\nchoices = [{ text = \"a seven\", right = true, \
            because = \"hidden\" }, { text = \"b\", because = \"hidden\" }]\n```";
        let (document, faults) = parse("x.md", &format!("{head}One *two*\nthree $x^2$.\n\n- four\n\n{quiz}\n"));
        assert_eq!(faults, []);
        Library { lessons: vec![document], faults: Vec::new() }.search(query)
    }

    #[test]
    fn what_is_read_is_found_and_nothing_else() {
        let found = |query: &str| search(query).into_iter().map(|hit| hit.found).collect::<Vec<_>>();
        assert_eq!(found("THREE two"), [Found::Block(8)]);
        assert_eq!(found("x²"), [Found::Block(8)]);
        assert_eq!(found("four"), [Found::Block(11)]);
        assert_eq!(found("digit"), [Found::Cell(0)]);
        assert_eq!(found("seven"), [Found::Cell(0)]);
        assert_eq!(found("over"), [Found::Head]);
        for source in ["because", "right = true", "hidden", "quiz", "question", "$", ""] {
            assert_eq!(found(source), [], "{source}");
        }
        let hit = &search("two")[0];
        assert_eq!((&hit.text[..], &hit.text[hit.at.clone()]), ("One two three x².", "two"));
    }
}
