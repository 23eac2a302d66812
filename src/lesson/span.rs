//! A stretch of text on the screen. No colour here: a span carries what it means, `ui` knows how that looks.

use super::document::Target;

/// What a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Style {
    #[default]
    Text,
    Emphasis,
    Strong,
    Code,
    /// A piece of code whose language is known.
    Token(Token),
    Math,
    Title,
    Heading,
    Subheading,
    /// Lines, bullets, borders.
    Frame,
    Quote,
    /// Part, reading time, sources.
    Faint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    Keyword,
    /// Of a function, a type, a built-in.
    Name,
    Text,
    /// A number, or a word that stands for one.
    Constant,
    Comment,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Span {
    pub text: String,
    pub style: Style,
    /// Where it leads, if it is a part of a link.
    pub target: Option<Target>,
}

impl Span {
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style, target: None }
    }

    /// Other text of the same kind.
    pub fn with(&self, text: impl Into<String>) -> Self {
        Self { text: text.into(), style: self.style, target: self.target.clone() }
    }

    /// Whether text of the other may follow in the same span.
    pub fn is_like(&self, other: &Self) -> bool {
        self.style == other.style && self.target == other.target
    }
}
