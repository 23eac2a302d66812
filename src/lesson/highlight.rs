//! Syntax highlighting with the syntaxes of syntect.
//!
//! The first line of a language takes 20 to 35 ms and about 10 MB, because its regular expressions are compiled then. So
//! nothing is loaded before a lesson with code has been shown, and everything is dropped afterwards.

use super::span::{Span, Style, Token};
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};

/// The spans of each line of a piece of code.
pub type HighlightedCode = Vec<Vec<Span>>;

/// The languages that are highlighted. Code in others stays plain.
pub const HIGHLIGHTED_LANGUAGES: [&str; 3] = ["rust", "python", "sh"];

pub struct Highlighter(SyntaxSet);

impl Default for Highlighter {
    fn default() -> Self {
        Self(SyntaxSet::load_defaults_newlines())
    }
}

impl Highlighter {
    /// The spans of each line; `None` if the language is unknown or the code can't be parsed.
    pub fn lines(&self, language: &str, text: &str) -> Option<HighlightedCode> {
        let syntax = self.0.find_syntax_by_token(language)?;
        let (mut state, mut stack) = (ParseState::new(syntax), ScopeStack::new());
        let mut lines = Vec::new();
        for line in text.lines() {
            // The syntaxes want the line feed.
            let line = format!("{line}\n");
            let mut spans: Vec<Span> = Vec::new();
            let mut from = 0;
            let mut put = |piece: &str, stack: &ScopeStack| {
                let style = token(stack).map_or(Style::Code, Style::Token);
                let piece = piece.trim_end_matches('\n');
                match spans.last_mut() {
                    _ if piece.is_empty() => {}
                    Some(last) if last.style == style => last.text.push_str(piece),
                    _ => spans.push(Span::new(piece, style)),
                }
            };
            for (at, change) in state.parse_line(&line, &self.0).ok()? {
                put(&line[from..at], &stack);
                stack.apply(&change).ok()?;
                from = at;
            }
            put(&line[from..], &stack);
            lines.push(spans);
        }
        Some(lines)
    }
}

/// What the innermost scope that says something makes of a piece.
fn token(stack: &ScopeStack) -> Option<Token> {
    stack.scopes.iter().rev().find_map(|scope| {
        let name = scope.build_string();
        let is = |prefix: &str| Scope::new(prefix).is_ok_and(|prefix| prefix.is_prefix_of(*scope));
        match name.split('.').next()? {
            "comment" => Some(Token::Comment),
            "string" => Some(Token::Text),
            "constant" => Some(Token::Constant),
            "keyword" if !is("keyword.operator") || is("keyword.operator.logical") => Some(Token::Keyword),
            "storage" => Some(Token::Keyword),
            "entity" if is("entity.name") => Some(Token::Name),
            "support" => Some(Token::Name),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_code_are_distinguished() {
        let lit = Highlighter::default();
        let code = "def relu(x):  # the ramp\n    return max(0.5, \"x\")";
        let lines = lit.lines("python", code).unwrap();
        let whole: Vec<String> =
            lines.iter().map(|line| line.iter().map(|span| span.text.as_str()).collect()).collect();
        assert_eq!(whole.join("\n"), code, "nothing is lost");
        let what = |text: &str| {
            let found = lines.iter().flatten().find(|span| span.text.trim() == text);
            found.map(|span| span.style)
        };
        for (text, token) in [
            ("def", Token::Keyword),
            ("relu", Token::Name),
            ("# the ramp", Token::Comment),
            ("return", Token::Keyword),
            ("0.5", Token::Constant),
            ("\"x\"", Token::Text),
        ] {
            assert_eq!(what(text), Some(Style::Token(token)), "{text}: {lines:?}");
        }
        for language in HIGHLIGHTED_LANGUAGES {
            assert!(lit.lines(language, "x").is_some(), "{language}");
        }
        assert_eq!(lit.lines("no such language", "x"), None);
    }
}
