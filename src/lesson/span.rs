//! Text with a style. A style is no colour: it says what the text is, and `ui` decides how that looks.

use super::target::Target;

/// The meaning of a span's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Style {
    #[default]
    Text,
    Emphasis,
    Strong,
    Code,
    /// A piece of highlighted code.
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
    /// The name of a function, a type, a built-in.
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
    /// The link's target, if the span is part of a link.
    pub target: Option<Target>,
}

impl Span {
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style, target: None }
    }

    /// Another text with the same style and target.
    pub fn with(&self, text: impl Into<String>) -> Self {
        Self { text: text.into(), style: self.style, target: self.target.clone() }
    }

    /// Whether both have the same style and target, so that they can be joined.
    pub fn has_same_style(&self, other: &Self) -> bool {
        self.style == other.style && self.target == other.target
    }
}
