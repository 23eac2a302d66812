//! What a lesson is once its Markdown is read.

use super::cell::Cell;
use super::highlight::{LIT, Lit};
use super::picture::{Picture, PictureError, Pictures};
use super::sealed::Sealed;
use serde::Deserialize;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Line and column in the lesson's file, both counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// Whether something has to be mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    #[default]
    Error,
    /// The lesson works as it is; its writer should have a look.
    Warning,
}

/// What a writer should mend, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    pub file: String,
    pub at: Position,
    pub severity: Severity,
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.severity == Severity::Warning { "warning: " } else { "" };
        write!(f, "{}:{}:{}: {word}{}", self.file, self.at.line, self.at.column, self.message)
    }
}

/// The front matter.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Meta {
    pub id: String,
    pub title: String,
    /// The article's part: `IV.2`.
    pub part: String,
    /// One sentence for the contents.
    pub summary: String,
    /// Reading time, without the long runs.
    pub minutes: u16,
    pub references: Vec<Reference>,
    /// Ids that it had once.
    pub was: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Links name it: `[Glorot 2011](ref:glorot2011)`.
    pub key: String,
    pub text: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    pub file: String,
    /// What a shipped lesson is called by everywhere: the number that its file's name begins with.
    pub number: Option<u16>,
    /// As it was read.
    pub text: String,
    pub meta: Meta,
    pub blocks: Vec<Block>,
    pub unread: Unread,
    /// Code that has been highlighted, by language and text.
    pub lit: HashMap<(String, String), Lit>,
    /// What stands beneath its head: in a ledger, how many of its claims have which verdict.
    pub standing: Option<String>,
    /// What became of the image files, once somebody has read them.
    pub pictures: Pictures,
}

/// What was refused and is missing from the document: nothing else is to blame for leading there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// The references, or some of them.
    pub references: bool,
    /// Cells, by their ids.
    pub cells: Vec<String>,
    /// A cell whose id is not known.
    pub nameless_cell: bool,
    /// All that stands behind a block that does not end.
    pub rest: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub at: Position,
    pub kind: BlockKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum BlockKind {
    Heading {
        level: u8,
        anchor: String,
        text: Vec<Inline>,
    },
    Paragraph(Vec<Inline>),
    List {
        /// The first number of an ordered list.
        start: Option<usize>,
        items: Vec<Vec<Block>>,
    },
    Quote(Vec<Block>),
    /// A note set apart, with its title.
    Callout {
        title: String,
        blocks: Vec<Block>,
    },
    /// Folded until its cells have run.
    Sealed(Sealed),
    Table {
        aligns: Vec<Align>,
        header: Vec<Vec<Inline>>,
        rows: Vec<Vec<Vec<Inline>>>,
    },
    Code {
        language: String,
        text: String,
    },
    /// A display formula, in TeX.
    Math(String),
    /// An image file beside the lesson, and what it shows.
    Image {
        path: String,
        caption: Vec<Inline>,
    },
    Rule,
    Footnote {
        name: String,
        blocks: Vec<Block>,
    },
    Cell(Box<Cell>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Centre,
    Right,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Inline {
    Text(String),
    Emphasis(Vec<Inline>),
    Strong(Vec<Inline>),
    Code(String),
    /// An inline formula, in TeX.
    Math {
        at: Position,
        tex: String,
    },
    Link {
        at: Position,
        target: Target,
        text: Vec<Inline>,
    },
    Footnote {
        at: Position,
        name: String,
    },
    Break,
}

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// `lesson:faster#the-race`
    Lesson {
        id: String,
        anchor: Option<String>,
    },
    /// `#the-race`
    Heading(String),
    /// `ref:glorot2011`
    Reference(String),
    /// `cell:race`
    Cell(String),
    /// `[^note]`
    Footnote(String),
    /// The line of a folded block, by the block's first cell and its number: following it unfolds the block.
    Sealed {
        cell: String,
        number: usize,
    },
    Web(String),
}

impl Document {
    /// Every cell, in reading order.
    pub fn cells(&self) -> Vec<&Cell> {
        let mut cells = Vec::new();
        each_block(&self.blocks, &mut |block| {
            if let BlockKind::Cell(cell) = &block.kind {
                cells.push(cell.as_ref());
            }
        });
        cells
    }

    /// Code whose language is known and that is not highlighted yet: language and text.
    pub fn unlit(&self) -> Vec<(String, String)> {
        let mut code = Vec::new();
        each_block(&self.blocks, &mut |block| {
            if let BlockKind::Code { language, text } = &block.kind
                && LIT.contains(&language.as_str())
                && self.lit(language, text).is_none()
            {
                code.push((language.clone(), text.clone()));
            }
        });
        code
    }

    pub fn lit(&self, language: &str, text: &str) -> Option<&Lit> {
        if self.lit.is_empty() { None } else { self.lit.get(&(language.to_string(), text.to_string())) }
    }

    /// The paths of its images, from the folder of the lesson's file.
    pub fn image_paths(&self) -> Vec<&str> {
        let mut paths = Vec::new();
        each_block(&self.blocks, &mut |block| {
            if let BlockKind::Image { path, .. } = &block.kind {
                paths.push(path.as_str());
            }
        });
        paths
    }

    /// Takes its pictures from their files' bytes, which `read` brings.
    pub fn illustrate(&mut self, read: impl Fn(&str) -> Result<Vec<u8>, PictureError>) {
        let picture = |path: &str| read(path).and_then(|bytes| Picture::decode(&bytes)).map(Arc::new);
        self.pictures = self.image_paths().into_iter().map(|path| (path.to_string(), picture(path))).collect();
    }

    pub fn cell(&self, id: &str) -> Option<&Cell> {
        self.cells().into_iter().find(|cell| cell.id == id)
    }
}

/// Visits blocks and the blocks within them, in reading order.
pub fn each_block<'d>(blocks: &'d [Block], visit: &mut impl FnMut(&'d Block)) {
    for block in blocks {
        visit(block);
        match &block.kind {
            BlockKind::List { items, .. } => items.iter().for_each(|item| each_block(item, visit)),
            BlockKind::Quote(blocks)
            | BlockKind::Callout { blocks, .. }
            | BlockKind::Sealed(Sealed { blocks, .. })
            | BlockKind::Footnote { blocks, .. } => {
                each_block(blocks, visit);
            }
            _ => {}
        }
    }
}

/// The text of inlines, without its dress.
pub fn plain(inlines: &[Inline]) -> String {
    inlines
        .iter()
        .map(|inline| match inline {
            Inline::Text(text) | Inline::Code(text) | Inline::Math { tex: text, .. } => text.clone(),
            Inline::Emphasis(inner) | Inline::Strong(inner) | Inline::Link { text: inner, .. } => plain(inner),
            Inline::Footnote { .. } => String::new(),
            Inline::Break => " ".into(),
        })
        .collect()
}

/// A heading's anchor: lower case, words joined by `-`.
pub fn anchor(text: &str) -> String {
    let words = text.to_lowercase();
    let words: Vec<_> = words.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words.join("-")
}
