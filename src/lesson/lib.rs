//! Lessons: Markdown in, a typed document out, then lines for a screen of any width. Pure: text
//! goes in, text comes out; images go in as the bytes of their files.
//!
//! Three stages, three types: [`parse()`] gives a [`Document`] with positions, [`lay_out`] gives a [`Layout`] of styled
//! lines for one page, and `ui` draws it. [`check()`] runs the first two and lists what a writer should mend.

mod answer;
mod body;
mod cell;
mod check;
mod claim;
mod comparison;
mod document;
mod glyphs;
mod highlight;
mod layout;
mod library;
mod links;
mod math;
mod parse;
mod picture;
mod prediction;
mod quiz;
mod renames;
mod sanitize;
mod sealed;
mod search;
mod span;
mod spoilers;
mod spot;
mod table;
mod wrap;

pub use answer::{Answer, AnswerRecord, CONFIDENCE, StoredAnswer};
pub use cell::{Cell, CellBody, ExperimentCell, PredictionsCell, PublishedPoint, TrainCell};
pub use check::check;
pub use claim::{ClaimCell, Findings, Test, Verdict};
pub use comparison::{Comparison, short};
pub use document::{
    Align, Block, BlockKind, Document, Fault, Inline, Meta, Position, Reference, Severity, Target, Unread,
};
pub use glyphs::Glyphs;
pub use highlight::{Highlighter, Lit};
pub use layout::{Heading, Layout, Line, lay_out};
pub use library::Library;
pub use links::Link;
pub use parse::{Parsed, parse, parse_bytes};
pub use picture::{Picture, PictureError, Pictures, Pixel};
pub use prediction::{DecidedBy, Decision, Extreme, Guess, PredictCell};
pub use quiz::{Choice, Comments, Feedback, QuizCell, QuizKind};
pub use renames::Renames;
pub use sanitize::sanitize;
pub use sealed::Sealed;
pub use search::{Found, Hit, position};
pub use span::{Span, Style, Token};
pub use spot::Spot;
