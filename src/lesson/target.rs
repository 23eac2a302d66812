//! The target of a link.

/// The target of a link, with the form in which a lesson has it.
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
    /// A folded block, by its first cell and its number. Following the link unfolds the block.
    Sealed {
        cell: String,
        number: usize,
    },
    Web(String),
}
