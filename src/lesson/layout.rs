//! A document on lines of one width. No colour here: spans carry what they mean, `ui` knows how that looks.

use super::document::{Block, BlockKind, Document, Inline, Position, Target, plain};
use super::wrap::wrap;
use super::{Cell, math, table};
use unicode_width::UnicodeWidthStr;

/// What a span is.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
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
    Link(Target),
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
}

impl Span {
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

/// One line of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Text(Vec<Span>),
    /// Row `row` of the cell with this number (in reading order); `ui` draws it.
    Cell {
        cell: usize,
        row: u16,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    pub line: usize,
    pub level: u8,
    pub anchor: String,
    pub text: String,
}

/// A link on the screen; one that is wrapped has a part on each of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub target: Target,
    /// Line, and the span in it.
    pub parts: Vec<(usize, usize)>,
}

/// A lesson laid out for one width.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    pub width: u16,
    pub lines: Vec<Line>,
    pub headings: Vec<Heading>,
    /// First line and height of each cell.
    pub cells: Vec<(usize, u16)>,
    /// First line of each reference, by key.
    pub references: Vec<(String, usize)>,
    /// First line of each footnote, by name.
    pub footnotes: Vec<(String, usize)>,
    /// Links in reading order.
    pub links: Vec<Link>,
    /// What does not fit or does not typeset, and where.
    pub faults: Vec<(Position, String)>,
}

/// Lays a lesson out. `cell_height` tells the rows that a cell takes at this width.
pub fn lay_out(document: &Document, width: u16, cell_height: impl Fn(&Cell) -> u16) -> Layout {
    let mut setter = Setter {
        document,
        layout: Layout { width, ..Layout::default() },
        cell_height: &cell_height,
        prefix: Vec::new(),
    };
    setter.head(document);
    setter.blocks(&document.blocks, false);
    setter.references(document);
    while matches!(setter.layout.lines.last(), Some(Line::Text(spans)) if spans.is_empty()) {
        setter.layout.lines.pop();
    }
    let mut layout = setter.layout;
    layout.links = links(&layout.lines);
    layout
}

struct Setter<'c> {
    document: &'c Document,
    layout: Layout,
    cell_height: &'c dyn Fn(&Cell) -> u16,
    /// What stands before every line: indents, quote bars.
    prefix: Vec<Span>,
}

impl Setter<'_> {
    fn head(&mut self, document: &Document) {
        let meta = &document.meta;
        self.wrapped(&[Span::new(meta.title.clone(), Style::Title)]);
        let minutes = if meta.minutes == 1 { "1 minute".into() } else { format!("{} minutes", meta.minutes) };
        let part = if meta.part.is_empty() { String::new() } else { format!("{} · ", meta.part) };
        self.wrapped(&[Span::new(format!("{part}{minutes}"), Style::Faint)]);
        self.blank();
    }

    fn references(&mut self, document: &Document) {
        if document.meta.references.is_empty() {
            return;
        }
        self.heading(2, "sources", "Sources", Style::Heading);
        for (number, reference) in document.meta.references.iter().enumerate() {
            self.layout.references.push((reference.key.clone(), self.layout.lines.len()));
            self.hanging(&format!("{:>2}. ", number + 1), |setter| {
                setter.wrapped(&[Span::new(reference.text.clone(), Style::Faint)]);
            });
        }
    }

    fn blocks(&mut self, blocks: &[Block], tight: bool) {
        for block in blocks {
            self.block(block);
            if !tight {
                self.blank();
            }
        }
    }

    fn block(&mut self, block: &Block) {
        match &block.kind {
            BlockKind::Heading { level, anchor, text } => {
                let style = if *level <= 2 { Style::Heading } else { Style::Subheading };
                self.heading(*level, anchor, &plain(text), style);
                // A heading keeps close to what it heads.
                self.layout.lines.pop();
            }
            BlockKind::Paragraph(text) => {
                let spans = self.spans(text, &Style::Text, block.at);
                self.wrapped(&spans);
            }
            BlockKind::List { start, items } => {
                let tight = items.iter().all(|item| item.len() == 1);
                for (at, item) in items.iter().enumerate() {
                    let bullet = start.map_or("• ".to_string(), |first| format!("{}. ", first + at));
                    self.hanging(&bullet, |setter| setter.blocks(item, tight));
                }
                if !tight {
                    self.layout.lines.pop();
                }
            }
            BlockKind::Quote(inner) => self.barred(|setter| setter.blocks(inner, inner.len() == 1)),
            BlockKind::Callout { title, blocks } => self.barred(|setter| {
                setter.wrapped(&[Span::new(title.clone(), Style::Strong)]);
                setter.blocks(blocks, blocks.len() == 1);
            }),
            BlockKind::Table { aligns, header, rows } => {
                let cell = |setter: &mut Self, inlines: &Vec<Inline>| setter.spans(inlines, &Style::Text, block.at);
                let header: Vec<_> = header.iter().map(|inlines| cell(self, inlines)).collect();
                let rows: Vec<Vec<_>> =
                    rows.iter().map(|row| row.iter().map(|inlines| cell(self, inlines)).collect()).collect();
                match table::set(aligns, &header, &rows, self.room()) {
                    Some(lines) => lines.into_iter().for_each(|line| self.push(line)),
                    None => self.overflow(block.at, "the table"),
                }
            }
            BlockKind::Code { language, text } => {
                let lit = self.document.lit(language, text);
                for (at, line) in text.lines().enumerate() {
                    let plain = || vec![Span::new(line, Style::Code)];
                    let spans = lit.and_then(|lines| lines.get(at)).cloned().unwrap_or_else(plain);
                    self.fitted(block.at, "a line of code", line.width(), spans);
                }
            }
            BlockKind::Math(tex) => match math::display(tex) {
                Ok(lines) => {
                    for line in lines {
                        self.fitted(block.at, "the formula", line.width(), vec![Span::new(line, Style::Math)]);
                    }
                }
                Err(message) => {
                    self.layout.faults.push((block.at, message));
                    self.wrapped(&[Span::new(tex.clone(), Style::Math)]);
                }
            },
            BlockKind::Rule => {
                let rule = "─".repeat(self.room());
                self.push(vec![Span::new(rule, Style::Frame)]);
            }
            BlockKind::Footnote { name, blocks } => {
                self.layout.footnotes.push((name.clone(), self.layout.lines.len()));
                self.hanging(&format!("[{name}] "), |setter| setter.blocks(blocks, blocks.len() == 1));
            }
            BlockKind::Cell(cell) => {
                let height = (self.cell_height)(cell);
                let number = self.layout.cells.len();
                self.layout.cells.push((self.layout.lines.len(), height));
                self.layout.lines.extend((0..height).map(|row| Line::Cell { cell: number, row }));
            }
        }
    }

    fn heading(&mut self, level: u8, anchor: &str, text: &str, style: Style) {
        let line = self.layout.lines.len();
        self.layout.headings.push(Heading { line, level, anchor: anchor.into(), text: text.into() });
        self.wrapped(&[Span::new(text, style)]);
        self.blank();
    }

    fn barred(&mut self, inner: impl FnOnce(&mut Self)) {
        self.prefix.push(Span::new("▏ ", Style::Frame));
        inner(self);
        self.prefix.pop();
    }

    /// Sets `inner` indented behind a bullet that stands on its first line.
    fn hanging(&mut self, bullet: &str, inner: impl FnOnce(&mut Self)) {
        let first = self.layout.lines.len();
        self.prefix.push(Span::new(" ".repeat(bullet.width()), Style::Text));
        inner(self);
        let at = self.prefix.len() - 1;
        self.prefix.pop();
        if let Some(Line::Text(spans)) = self.layout.lines.get_mut(first)
            && let Some(span) = spans.get_mut(at)
        {
            *span = Span::new(bullet, Style::Frame);
        }
    }

    fn room(&self) -> usize {
        let taken: usize = self.prefix.iter().map(|span| span.text.width()).sum();
        usize::from(self.layout.width).saturating_sub(taken).max(1)
    }

    fn blank(&mut self) {
        self.layout.lines.push(Line::Text(Vec::new()));
    }

    fn push(&mut self, spans: Vec<Span>) {
        let line = self.prefix.iter().cloned().chain(spans).collect();
        self.layout.lines.push(Line::Text(line));
    }

    /// A line that must not be wrapped.
    fn fitted(&mut self, at: Position, what: &str, width: usize, mut spans: Vec<Span>) {
        if width + 2 > self.room() {
            self.overflow(at, what);
        }
        spans.insert(0, Span::new("  ", Style::Text));
        self.push(spans);
    }

    fn overflow(&mut self, at: Position, what: &str) {
        let message = format!("{what} does not fit {} columns", self.layout.width);
        self.layout.faults.push((at, message));
    }

    fn wrapped(&mut self, spans: &[Span]) {
        for line in wrap(spans, self.room()) {
            self.push(line);
        }
    }

    fn spans(&mut self, inlines: &[Inline], style: &Style, at: Position) -> Vec<Span> {
        let mut spans = Vec::new();
        for inline in inlines {
            match inline {
                // A number and its unit stay on one line.
                Inline::Text(text) => spans.push(Span::new(text.replace(" %", "\u{a0}%"), style.clone())),
                Inline::Emphasis(inner) => spans.extend(self.spans(inner, &Style::Emphasis, at)),
                Inline::Strong(inner) => spans.extend(self.spans(inner, &Style::Strong, at)),
                Inline::Code(text) => spans.push(Span::new(text.clone(), Style::Code)),
                Inline::Math(tex) => match math::inline(tex) {
                    Ok(text) => spans.push(Span::new(text, Style::Math)),
                    Err(message) => {
                        self.layout.faults.push((at, message));
                        spans.push(Span::new(tex.clone(), Style::Math));
                    }
                },
                Inline::Link { target, text } => spans.extend(self.spans(text, &Style::Link(target.clone()), at)),
                Inline::Footnote(name) => {
                    spans.push(Span::new(format!("[{name}]"), Style::Link(Target::Footnote(name.clone()))));
                }
                Inline::Break => spans.push(Span::new("\n", style.clone())),
            }
        }
        spans
    }
}

/// Every link. One that ends its line and begins the next is a single link, wrapped.
fn links(lines: &[Line]) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    // The link that the line before ended with.
    let mut open = false;
    for (number, line) in lines.iter().enumerate() {
        let Line::Text(spans) = line else {
            open = false;
            continue;
        };
        for (at, span) in spans.iter().enumerate() {
            let Style::Link(target) = &span.style else {
                // Indents and quote bars stand before a link that goes on.
                open &= span.style == Style::Frame || span.text.trim().is_empty();
                continue;
            };
            match links.last_mut().filter(|last| open && last.target == *target) {
                Some(last) => last.parts.push((number, at)),
                None => links.push(Link { target: target.clone(), parts: vec![(number, at)] }),
            }
            open = false;
        }
        open = matches!(spans.last(), Some(Span { style: Style::Link(_), .. }));
    }
    links
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn screen(markdown: &str, width: u16) -> Vec<String> {
        let head = "+++\nid = \"x\"\ntitle = \"T\"\npart = \"I\"\nsummary = \"s\"\nminutes = 3\n+++\n";
        let (document, faults) = parse("x.md", &format!("{head}{markdown}"));
        assert_eq!(faults, []);
        let layout = lay_out(&document, width, |_| 2);
        assert_eq!(layout.faults, []);
        let text = |line: &Line| match line {
            Line::Text(spans) => spans.iter().map(|s| s.text.as_str()).collect::<String>().trim_end().to_string(),
            Line::Cell { cell, row } => format!("<cell {cell} row {row}>"),
        };
        // Behind the title and the line below it.
        let shown: Vec<String> = layout.lines.iter().map(text).collect();
        shown.into_iter().skip_while(|line| !line.is_empty()).skip(1).collect()
    }

    #[test]
    fn prose_wraps_and_keeps_its_words() {
        let lines = screen("One **two** three *four* five $x^2$ six seven.", 16);
        assert_eq!(lines, ["One two three", "four five x² six", "seven."]);
    }

    #[test]
    fn chinese_wraps_between_characters() {
        assert_eq!(screen("稀疏性**激活**函数。", 8), ["稀疏性激", "活函数。"]);
    }

    #[test]
    fn lists_quotes_and_formulas_are_indented() {
        let lines = screen("1. one two three\n2. four\n\n> quoted\n\n$$\\frac{a}{b}$$", 12);
        assert_eq!(lines, ["1. one two", "   three", "2. four", "", "▏ quoted", "", "  a", "  ─", "  b"], "{lines:#?}");
    }

    #[test]
    fn cells_reserve_their_rows() {
        let cell = "```quiz\nid = \"q\"\nquestion = \"?\"\nchoices = [{text = \"a\", right = true, because = \"r\"}, {text = \"b\", because = \"w\"}]\n```";
        assert_eq!(screen(&format!("a\n\n{cell}\n\nb"), 20), ["a", "", "<cell 0 row 0>", "<cell 0 row 1>", "", "b"]);
    }
}
