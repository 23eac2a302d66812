//! A lesson after parsing.

use super::cell::Cell;
use super::fault::Position;
use super::highlight::{HIGHLIGHTED_LANGUAGES, HighlightedCode};
use super::picture::{Picture, PictureError, Pictures};
use super::target::Target;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;

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
    /// Former ids.
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
    /// The number of a shipped lesson, with which its file's name begins.
    pub number: Option<u16>,
    /// The text of the file.
    pub text: String,
    pub meta: Meta,
    pub blocks: Vec<Block>,
    pub unparsed: Unparsed,
    /// Highlighted code, by language and text.
    pub highlighted: HashMap<(String, String), HighlightedCode>,
    /// A line below the title: in a ledger, how many claims have each verdict.
    pub subtitle: Option<String>,
    /// The decoded images, once [`Document::load_pictures`] has read them.
    pub pictures: Pictures,
}

/// The parts that were refused and are missing from the document. A link to one of them is not reported as a second fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unparsed {
    /// The references, or some of them.
    pub references: bool,
    /// The ids of cells.
    pub cells: Vec<String>,
    /// A cell whose id is not known.
    pub cell_without_id: bool,
    /// Everything after a block that does not end.
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

/// Blocks that stay folded until their cells have run.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed {
    /// The ids of the cells that must have run; never empty, without duplicates.
    pub cells: Vec<String>,
    /// The block's index among the lesson's sealed blocks with the same first cell, from 0. The store identifies it by both.
    pub number: usize,
    pub blocks: Vec<Block>,
}

impl Sealed {
    /// The cell by which the store identifies the block.
    pub fn first_cell(&self) -> &str {
        self.cells.first().map_or("", String::as_str)
    }
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

impl Document {
    /// Every cell, in reading order.
    pub fn cells(&self) -> Vec<&Cell> {
        let mut cells = Vec::new();
        visit_blocks(&self.blocks, &mut |block| {
            if let BlockKind::Cell(cell) = &block.kind {
                cells.push(cell.as_ref());
            }
        });
        cells
    }

    /// The language and text of each code block that can be highlighted and is not yet.
    pub fn code_to_highlight(&self) -> Vec<(String, String)> {
        let mut code = Vec::new();
        visit_blocks(&self.blocks, &mut |block| {
            if let BlockKind::Code { language, text } = &block.kind
                && HIGHLIGHTED_LANGUAGES.contains(&language.as_str())
                && self.highlighted(language, text).is_none()
            {
                code.push((language.clone(), text.clone()));
            }
        });
        code
    }

    pub fn highlighted(&self, language: &str, text: &str) -> Option<&HighlightedCode> {
        if self.highlighted.is_empty() { None } else { self.highlighted.get(&(language.to_string(), text.to_string())) }
    }

    /// The paths of its images, from the folder of the lesson's file.
    pub fn image_paths(&self) -> Vec<&str> {
        let mut paths = Vec::new();
        visit_blocks(&self.blocks, &mut |block| {
            if let BlockKind::Image { path, .. } = &block.kind {
                paths.push(path.as_str());
            }
        });
        paths
    }

    /// Decodes the lesson's images. `read` returns the bytes of a file.
    pub fn load_pictures(&mut self, read: impl Fn(&str) -> Result<Vec<u8>, PictureError>) {
        let picture = |path: &str| read(path).and_then(|bytes| Picture::decode(&bytes)).map(Arc::new);
        self.pictures = self.image_paths().into_iter().map(|path| (path.to_string(), picture(path))).collect();
    }

    pub fn cell(&self, id: &str) -> Option<&Cell> {
        self.cells().into_iter().find(|cell| cell.id == id)
    }
}

/// Visits blocks and nested blocks in reading order.
pub fn visit_blocks<'d>(blocks: &'d [Block], visit: &mut impl FnMut(&'d Block)) {
    for block in blocks {
        visit(block);
        match &block.kind {
            BlockKind::List { items, .. } => items.iter().for_each(|item| visit_blocks(item, visit)),
            BlockKind::Quote(blocks)
            | BlockKind::Callout { blocks, .. }
            | BlockKind::Sealed(Sealed { blocks, .. })
            | BlockKind::Footnote { blocks, .. } => {
                visit_blocks(blocks, visit);
            }
            _ => {}
        }
    }
}

/// The text of inlines, without markup.
pub fn inline_text(inlines: &[Inline]) -> String {
    inlines
        .iter()
        .map(|inline| match inline {
            Inline::Text(text) | Inline::Code(text) | Inline::Math { tex: text, .. } => text.clone(),
            Inline::Emphasis(inner) | Inline::Strong(inner) | Inline::Link { text: inner, .. } => inline_text(inner),
            Inline::Footnote { .. } => String::new(),
            Inline::Break => " ".into(),
        })
        .collect()
}

/// The anchor of a heading: its words in lower case, joined by `-`.
pub fn anchor(text: &str) -> String {
    let words = text.to_lowercase();
    let words: Vec<_> = words.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words.join("-")
}
