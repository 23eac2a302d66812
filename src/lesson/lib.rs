//! Lessons: parses Markdown into a typed document and lays it out for a screen of any size. This crate does no input or
//! output: its caller passes texts and the bytes of image files.
//!
//! [`parse()`] makes a [`Document`] with positions, [`lay_out`] makes a [`Layout`] of styled lines for one page, and `ui`
//! draws it. [`check()`] runs the first two and lists the faults of a lesson.

mod answer;
mod body;
mod cell;
mod check;
mod claim;
mod comparison;
mod document;
mod fault;
mod glyphs;
mod highlight;
mod layout;
mod library;
mod math;
mod parse;
mod picture;
mod prediction;
mod quiz;
mod renames;
mod sanitize;
mod scroll_position;
mod sealed;
mod search;
mod span;
mod spoilers;
mod table;
mod target;
mod view;
mod wrap;

pub use answer::{Answer, AnswerRecord, CONFIDENCE, StoredAnswer};
pub use cell::{Cell, CellBody, ExperimentCell, PredictionsCell, PublishedCurve, PublishedPoint, TrainCell};
pub use check::check;
pub use claim::{ClaimCell, Findings, Test, Verdict};
pub use comparison::{Comparison, short};
pub use document::{Align, Block, BlockKind, Document, Inline, Meta, Reference, Sealed, Unparsed};
pub use fault::{Fault, Position, Severity};
pub use glyphs::Glyphs;
pub use highlight::{HighlightedCode, Highlighter};
pub use layout::{Heading, Layout, Line, Link, lay_out};
pub use library::Library;
pub use parse::{Parsed, parse, parse_bytes};
pub use picture::{Picture, PictureError, Pictures, Pixel};
pub use prediction::{DecidedBy, Decision, Extreme, Guess, PredictCell};
pub use quiz::{Choice, Comments, Feedback, QuizCell, QuizKind};
pub use renames::Renames;
pub use sanitize::sanitize;
pub use scroll_position::ScrollPosition;
pub use search::{Found, Hit, position};
pub use span::{Span, Style, Token};
pub use target::Target;
pub use view::ViewCell;
