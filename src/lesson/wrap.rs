//! Breaks styled text into lines.

use super::span::{Span, Style};
use textwrap::core::{Fragment, Word};
use unicode_width::UnicodeWidthStr;

/// A piece that is not broken: its position in the paragraph's text, without trailing white space.
#[derive(Debug)]
struct Piece {
    start: usize,
    end: usize,
    width: f64,
    space: bool,
}

impl Fragment for Piece {
    fn width(&self) -> f64 {
        self.width
    }

    fn whitespace_width(&self) -> f64 {
        f64::from(u8::from(self.space))
    }

    fn penalty_width(&self) -> f64 {
        0.0
    }
}

/// Breaks styled text into lines, at the positions that UAX #14 allows. A word wider than the line is cut.
pub fn wrap(spans: &[Span], width: usize) -> Vec<Vec<Span>> {
    let mut lines = Vec::new();
    for paragraph in split_at_breaks(spans) {
        let pieces = pieces(&paragraph, width);
        // The pieces follow each other in the text, and so do their spans.
        let mut from = Cursor::default();
        for fragments in textwrap::wrap_algorithms::wrap_first_fit(&pieces, &[width as f64]) {
            let mut line: Vec<Span> = Vec::new();
            let mut space = false;
            for piece in fragments {
                from.advance(&paragraph, piece.start);
                if space {
                    append_blank(&mut line, paragraph.get(from.span).filter(|_| piece.start < piece.end));
                }
                while let Some(span) = paragraph.get(from.span).filter(|_| from.begins < piece.end) {
                    let (first, last) = (piece.start.max(from.begins), piece.end.min(from.begins + span.text.len()));
                    if first < last {
                        append(&mut line, span, &span.text[first - from.begins..last - from.begins]);
                    }
                    if from.begins + span.text.len() > piece.end {
                        break;
                    }
                    from.next(span);
                }
                space = piece.space;
            }
            lines.push(line);
        }
    }
    lines
}

/// A span of a paragraph, and the offset at which it begins in the paragraph's text.
#[derive(Clone, Copy, Default)]
struct Cursor {
    span: usize,
    begins: usize,
}

impl Cursor {
    /// Moves on to the span that contains the byte at `start`.
    fn advance(&mut self, spans: &[Span], start: usize) {
        while let Some(span) = spans.get(self.span).filter(|span| self.begins + span.text.len() <= start) {
            self.next(span);
        }
    }

    /// Moves past `span`, the current one.
    fn next(&mut self, span: &Span) {
        *self = Self { span: self.span + 1, begins: self.begins + span.text.len() };
    }
}

/// Appends the space between two words. It is part of a link only if both words are, so that no underline extends
/// beyond the link's words.
fn append_blank(line: &mut Vec<Span>, after: Option<&Span>) {
    let target = after.and_then(|after| after.target.as_ref());
    match (line.last_mut(), after) {
        (Some(before), _) if before.target.is_none() || before.target.as_ref() == target => before.text.push(' '),
        (Some(_), Some(after)) if target.is_none() => append(line, after, " "),
        _ => append(line, &Span::default(), " "),
    }
}

/// Appends text in the style of `span`.
fn append(line: &mut Vec<Span>, span: &Span, text: &str) {
    match line.last_mut() {
        Some(last) if last.has_same_style(span) => last.text.push_str(text),
        _ => line.push(span.with(text)),
    }
}

fn split_at_breaks(spans: &[Span]) -> Vec<Vec<Span>> {
    let mut paragraphs = vec![Vec::new()];
    for span in spans {
        for (at, text) in span.text.split('\n').enumerate() {
            if at > 0 {
                paragraphs.push(Vec::new());
            }
            if let Some(last) = paragraphs.last_mut() {
                last.push(span.with(text));
            }
        }
    }
    paragraphs
}

/// Splits styled text where lines may break. The breaks are found in the whole text, as the style may change within a
/// word.
fn pieces(spans: &[Span], width: usize) -> Vec<Piece> {
    let text: String = spans.iter().map(|span| span.text.as_str()).collect();
    let mut pieces = Vec::new();
    for word in whole_formulas(spans, &text) {
        for part in word.break_apart(width) {
            // A word is a slice of `text`.
            let start = part.word.as_ptr() as usize - text.as_ptr() as usize;
            let width = part.word.width() as f64;
            pieces.push(Piece { start, end: start + part.word.len(), width, space: !part.whitespace.is_empty() });
        }
    }
    pieces
}

/// The words of a text. A formula is broken at its spaces alone, and not after a sign that has another meaning in
/// prose.
fn whole_formulas<'t>(spans: &[Span], text: &'t str) -> Vec<Word<'t>> {
    let mut formulas = Vec::new();
    let mut end = 0;
    for span in spans {
        let start = end;
        end += span.text.len();
        if span.style == Style::Math {
            formulas.push(start..end);
        }
    }
    let mut formulas = formulas.into_iter().peekable();
    let mut words: Vec<Word> = Vec::new();
    let mut start = 0;
    for word in textwrap::WordSeparator::UnicodeBreakProperties.find_words(text) {
        let end = start + word.word.len() + word.whitespace.len();
        // Words and formulas are both in the order of the text.
        while formulas.next_if(|formula| formula.end <= start).is_some() {}
        let inside = formulas.peek().is_some_and(|formula| formula.start < start);
        match words.last_mut() {
            Some(last) if inside && last.whitespace.is_empty() => {
                let from = start - last.word.len();
                *last = Word::from(&text[from..end]);
            }
            _ => words.push(word),
        }
        start = end;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::target::Target;
    use super::*;

    #[test]
    fn a_link_ends_with_its_last_word() {
        let link =
            |text: &str, to: &str| Span { target: Some(Target::Heading(to.into())), ..Span::new(text, Style::Text) };
        let plain = |text: &str| Span::new(text, Style::Text);
        let linked = |spans: &[Span], width: usize| -> Vec<String> {
            let lines = wrap(spans, width);
            lines.into_iter().flatten().filter(|span| span.target.is_some()).map(|span| span.text).collect()
        };
        for (spans, width, words) in [
            (vec![plain("see "), link("this page", "a"), plain(" or not")], 40, vec!["this page"]),
            // The space was written inside of the link.
            (vec![plain("see"), link(" this page ", "a"), plain("or not")], 40, vec!["this page"]),
            (vec![link("one", "a"), plain(" "), link("two", "b")], 40, vec!["one", "two"]),
            (vec![link("one ", "a"), link("two", "b"), plain(" end")], 40, vec!["one", "two"]),
            // Wrapped: no space at the end of a line either.
            (vec![link("this long page ", "a"), plain("or not")], 9, vec!["this long", "page"]),
        ] {
            assert_eq!(linked(&spans, width), words, "{spans:?}");
            let text = wrap(&spans, 80).concat().iter().map(|span| span.text.clone()).collect::<String>();
            assert!(!text.contains("  ") && text.split(' ').count() >= 2, "{text:?}");
        }
    }

    #[test]
    fn a_formula_is_broken_at_its_blanks_alone() {
        let spans = [("see ", Style::Text), ("W−λ/L(b−c) = 0", Style::Math), (" or well-known", Style::Text)];
        let spans = spans.map(|(text, style)| Span::new(text, style));
        let text = |line: &Vec<Span>| line.iter().map(|span| span.text.as_str()).collect::<String>();
        let lines: Vec<String> = wrap(&spans, 10).iter().map(text).collect();
        assert_eq!(lines, ["see", "W−λ/L(b−c)", "= 0 or", "well-known"]);
    }
}
