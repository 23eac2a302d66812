//! Searches every lesson for words as a reader sees them: with formulas typeset, and questions without their answers.

use super::cell::{Cell, CellBody};
use super::document::{Block, BlockKind, Document, Inline, Sealed};
use super::library::Library;
use super::math;
use super::prediction::Guess;
use std::ops::Range;

/// Where a search found its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Index of the lesson in the library.
    pub lesson: usize,
    pub found: Found,
    /// The whole text there, on one line.
    pub text: String,
    /// Byte range of the first of the words in the text; empty in the line of a folded block.
    pub at: Range<usize>,
}

/// The width of a folded block's line among the hits. The list is cut to the screen's width anyway.
const FOLDED_COLUMNS: usize = 100;

/// What contains the words.
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
    /// Every text of every lesson that contains all the words, ignoring letter case. A folded block is found as a
    /// whole, by the line that is shown in its place; its content is skipped.
    pub fn search(&self, query: &str, is_folded: impl Fn(&Document, &Sealed) -> bool) -> Vec<Hit> {
        let words: Vec<&str> = query.split_whitespace().collect();
        let Some(first) = words.first() else { return Vec::new() };
        let mut hits = Vec::new();
        for (lesson, document) in self.lessons.iter().enumerate() {
            for Piece { found, text, folded } in pieces(document, &is_folded) {
                if words.iter().all(|word| position(&text, word).is_some())
                    && let Some(at) = position(&text, first)
                {
                    let hit = match folded {
                        Some(line) => Hit { lesson, found, text: line, at: 0..0 },
                        None => Hit { lesson, found, text, at },
                    };
                    // A folded block may hold the words several times.
                    if hits.last() != Some(&hit) {
                        hits.push(hit);
                    }
                }
            }
        }
        hits
    }
}

/// The position of a word in a text, ignoring letter case.
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

/// A text of a lesson that is searched.
struct Piece {
    found: Found,
    text: String,
    /// What is shown in its place if it is in a folded block.
    folded: Option<String>,
}

impl Piece {
    fn new(found: Found, text: String) -> Self {
        Self { found, text, folded: None }
    }
}

/// The texts of a lesson in reading order.
fn pieces(document: &Document, is_folded: &dyn Fn(&Document, &Sealed) -> bool) -> Vec<Piece> {
    let mut collector = Collector { document, is_folded, cells: 0, pieces: Vec::new() };
    collector.put(Found::Head, document.meta.title.clone());
    collector.blocks(&document.blocks);
    for reference in &document.meta.references {
        collector.put(Found::Reference(reference.key.clone()), reference.text.clone());
    }
    collector.pieces
}

struct Collector<'d> {
    document: &'d Document,
    is_folded: &'d dyn Fn(&Document, &Sealed) -> bool,
    /// Number of cells so far.
    cells: usize,
    pieces: Vec<Piece>,
}

impl Collector<'_> {
    fn put(&mut self, found: Found, text: String) {
        self.pieces.push(Piece::new(found, text));
    }

    fn blocks(&mut self, all: &[Block]) {
        for block in all {
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block) {
        let here = || Found::Block(block.at.line);
        match &block.kind {
            BlockKind::Heading { text, .. } | BlockKind::Paragraph(text) | BlockKind::Image { caption: text, .. } => {
                self.put(here(), read(text));
            }
            BlockKind::List { items, .. } => items.iter().for_each(|item| self.blocks(item)),
            BlockKind::Quote(inner) | BlockKind::Footnote { blocks: inner, .. } => self.blocks(inner),
            BlockKind::Callout { title, blocks: inner } => {
                self.put(here(), title.clone());
                self.blocks(inner);
            }
            BlockKind::Sealed(sealed) => {
                let first = self.pieces.len();
                self.blocks(&sealed.blocks);
                if (self.is_folded)(self.document, sealed) {
                    let line = sealed.folded_line(self.document, FOLDED_COLUMNS, None);
                    for piece in &mut self.pieces[first..] {
                        (piece.found, piece.folded) = (here(), Some(line.clone()));
                    }
                }
            }
            BlockKind::Table { header, rows, .. } => {
                for row in std::iter::once(header).chain(rows) {
                    self.put(here(), row.iter().map(|cell| read(cell)).collect::<Vec<_>>().join("  "));
                }
            }
            BlockKind::Code { text, .. } => text.lines().for_each(|line| self.put(here(), line.trim().into())),
            BlockKind::Math(tex) => self.put(here(), math::inline(tex).unwrap_or_else(|_| tex.clone())),
            BlockKind::Rule => {}
            BlockKind::Cell(cell) => {
                let number = self.cells;
                for text in texts(cell) {
                    self.put(Found::Cell(number), text);
                }
                self.cells += 1;
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
            texts.extend(train.curves.iter().map(|curve| format!("{}, {}", curve.label, curve.source)));
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
            texts.extend(quiz.choices().iter().map(|choice| choice.text.clone()));
        }
        CellBody::Claim(claim) => {
            texts.extend([&claim.says, &claim.article, &claim.literature].map(Clone::clone));
            texts.extend(claim.transfers.clone());
        }
        CellBody::Predictions(predictions) => texts.push(predictions.title.clone()),
        CellBody::View(view) => texts.extend([&view.title, &view.caption].map(Clone::clone)),
    }
    texts
}

/// The text of inlines as it is displayed.
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
        Library { lessons: vec![document], faults: Vec::new() }.search(query, |_, _| false)
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
