//! A fault of a lesson's file, with its position.

use std::fmt;

/// Line and column in the lesson's file, both counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// How serious a fault is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    #[default]
    Error,
    /// The lesson works as it is, but its author should check it.
    Warning,
}

/// What the author of a lesson should correct, and where.
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
