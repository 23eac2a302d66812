//! Lays out a document on lines of one width.

use super::document::{Block, BlockKind, Document, Inline, Sealed, inline_text};
use super::fault::Position;
use super::picture::{Picture, PictureError};
use super::search::position;
use super::span::{Span, Style};
use super::target::Target;
use super::wrap::wrap;
use super::{Cell, Glyphs, math, table};
use std::ops::Range;
use unicode_width::UnicodeWidthStr;

/// What precedes code and formulas.
const INDENT: &str = "  ";
/// What precedes the line of a folded block.
const FOLDED: &str = "▸ ";

/// One line of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Text(Vec<Span>),
    /// Row `row` of the cell with this number (in reading order); `ui` draws it.
    Cell {
        cell: usize,
        row: u16,
    },
    /// Row `row` of the picture with this number, after the line's prefix; `ui` draws it.
    Picture {
        before: Vec<Span>,
        picture: usize,
        row: u16,
    },
}

impl Line {
    /// Whether the line contains a word, ignoring letter case.
    pub fn contains(&self, word: &str) -> bool {
        let Self::Text(spans) = self else { return false };
        let text: String = spans.iter().map(|span| span.text.as_str()).collect();
        position(&text, word).is_some()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    pub line: usize,
    pub level: u8,
    pub anchor: String,
    pub text: String,
}

/// A lesson laid out for one width.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    pub width: u16,
    pub lines: Vec<Line>,
    pub headings: Vec<Heading>,
    /// First line and height of each cell.
    pub cells: Vec<(usize, u16)>,
    /// First line and height of each displayed formula, and of each picture with its caption.
    pub wholes: Vec<(usize, u16)>,
    /// The lines of each sealed block in reading order, folded or not.
    pub sealed: Vec<Range<usize>>,
    /// Pictures at their displayed size, two pixels to a row.
    pub pictures: Vec<Picture>,
    /// First line of each reference, by key.
    pub references: Vec<(String, usize)>,
    /// First line of each footnote, by name.
    pub footnotes: Vec<(String, usize)>,
    /// Links in reading order.
    pub links: Vec<Link>,
    /// First line of each block, and the block's line in the lesson's file; in the order of the screen.
    pub starts: Vec<(usize, usize)>,
    /// What does not fit or can't be typeset, with its position.
    pub faults: Vec<(Position, String)>,
}

/// A link in a layout. A wrapped link has a part on each of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub target: Target,
    /// The line of each part, and the index of its span.
    pub parts: Vec<(usize, usize)>,
}

/// Finds every link. One that ends a line and begins the next is a single, wrapped link.
fn find_links(lines: &[Line]) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    // Whether the last link may continue.
    let mut open = false;
    for (number, line) in lines.iter().enumerate() {
        let Line::Text(spans) = line else {
            open = false;
            continue;
        };
        for (at, span) in spans.iter().enumerate() {
            let Some(target) = &span.target else {
                // Indents and quote bars precede the rest of a wrapped link.
                open &= span.style == Style::Frame || span.text.trim().is_empty();
                continue;
            };
            // A link whose style changes within continues as well.
            open |= at > 0 && spans[at - 1].target.as_ref() == Some(target);
            match links.last_mut().filter(|last| open && last.target == *target) {
                Some(last) => last.parts.push((number, at)),
                None => links.push(Link { target: target.clone(), parts: vec![(number, at)] }),
            }
            open = false;
        }
        open = spans.last().is_some_and(|span| span.target.is_some());
    }
    links
}

/// Lays a lesson out for a page of this many columns and rows. `cell_height` returns the rows of a cell; `folded`
/// returns the line that is shown in place of a sealed block, `None` for one that is unfolded.
pub fn lay_out(
    document: &Document,
    (width, rows): (u16, u16),
    glyphs: Glyphs,
    cell_height: impl Fn(&Cell) -> u16,
    folded: impl Fn(&Sealed, usize) -> Option<String>,
) -> Layout {
    let mut builder = LayoutBuilder::new(document, (width, rows), glyphs, &cell_height, &folded);
    builder.head();
    builder.blocks(&document.blocks, false);
    builder.references();
    let mut layout = builder.layout;
    layout.links = find_links(&layout.lines);
    layout
}

fn is_heading(block: &Block) -> bool {
    matches!(block.kind, BlockKind::Heading { .. })
}

/// What does not fit a page of this many columns and rows or can't be typeset: the faults of [`lay_out`] without its
/// lines.
pub fn layout_faults(document: &Document, page: (u16, u16), glyphs: Glyphs) -> Vec<(Position, String)> {
    let mut builder =
        LayoutBuilder { keeps_lines: false, ..LayoutBuilder::new(document, page, glyphs, &|_| 0, &|_, _| None) };
    builder.blocks(&document.blocks, false);
    builder.layout.faults
}

struct LayoutBuilder<'c> {
    document: &'c Document,
    /// The page's rows.
    rows: u16,
    glyphs: Glyphs,
    layout: Layout,
    cell_height: &'c dyn Fn(&Cell) -> u16,
    folded: &'c dyn Fn(&Sealed, usize) -> Option<String>,
    /// The prefix of every line: indents, quote bars.
    prefix: Vec<Span>,
    /// The kind of text that has no other.
    base: Style,
    /// Whether lines are made; otherwise only faults are collected.
    keeps_lines: bool,
}

impl<'c> LayoutBuilder<'c> {
    fn new(
        document: &'c Document,
        (width, rows): (u16, u16),
        glyphs: Glyphs,
        cell_height: &'c dyn Fn(&Cell) -> u16,
        folded: &'c dyn Fn(&Sealed, usize) -> Option<String>,
    ) -> Self {
        let layout = Layout { width, ..Layout::default() };
        let (prefix, base) = (Vec::new(), Style::Text);
        Self { document, rows, glyphs, layout, cell_height, folded, prefix, base, keeps_lines: true }
    }

    fn head(&mut self) {
        let meta = &self.document.meta;
        self.wrapped(&[Span::new(meta.title.clone(), Style::Title)]);
        let minutes = if meta.minutes == 1 { "1 minute".into() } else { format!("{} minutes", meta.minutes) };
        let number = self.document.number.map(|number| format!("Lesson {number}"));
        // A lesson of the reader's own has no number; lesson 0 has no part of the article, as its part is its number.
        let is_number = |part: &String| self.document.number.is_some_and(|number| part.parse() == Ok(number));
        let part = Some(meta.part.clone()).filter(|part| !part.is_empty() && !is_number(part));
        let head: Vec<String> = number.into_iter().chain(part).chain([minutes]).collect();
        self.wrapped(&[Span::new(head.join(" · "), Style::Faint)]);
        if let Some(subtitle) = &self.document.subtitle {
            self.wrapped(&[Span::new(subtitle.clone(), Style::Text)]);
        }
        self.blank();
    }

    fn references(&mut self) {
        let references = &self.document.meta.references;
        if references.is_empty() {
            return;
        }
        self.blank();
        self.heading(2, "sources", &[Span::new("Sources", Style::Heading)]);
        self.blank();
        for (number, reference) in references.iter().enumerate() {
            self.layout.references.push((reference.key.clone(), self.layout.lines.len()));
            self.hanging(&format!("{:>2}. ", number + 1), |builder| {
                builder.wrapped(&[Span::new(reference.text.clone(), Style::Faint)]);
            });
        }
    }

    /// Lays out blocks one below the other, with a blank line between two unless they are close.
    fn blocks(&mut self, blocks: &[Block], close: bool) {
        let mut is_first = true;
        for (at, block) in blocks.iter().enumerate() {
            // A cell of no rows is hidden, and takes no blank line either.
            if self.is_hidden(block) {
                self.layout.cells.push((self.layout.lines.len(), 0));
                continue;
            }
            // So is a heading above hidden cells only. Links to it lead to where it would be.
            if let BlockKind::Heading { level, anchor, text } = &block.kind {
                let section = || blocks[at + 1..].iter().take_while(|block| !is_heading(block));
                if section().next().is_some() && section().all(|block| self.is_hidden(block)) {
                    let (line, text) = (self.layout.lines.len(), inline_text(text));
                    self.layout.headings.push(Heading { line, level: *level, anchor: anchor.clone(), text });
                    continue;
                }
            }
            if !is_first && !close {
                self.blank();
            }
            is_first = false;
            self.layout.starts.push((self.layout.lines.len(), block.at.line));
            self.block(block);
        }
    }

    /// Whether a block is a cell of no rows.
    fn is_hidden(&self, block: &Block) -> bool {
        matches!(&block.kind, BlockKind::Cell(cell) if (self.cell_height)(cell) == 0)
    }

    fn block(&mut self, block: &Block) {
        match &block.kind {
            BlockKind::Heading { level, anchor, text } => {
                let style = if *level <= 2 { Style::Heading } else { Style::Subheading };
                let spans = self.spans(text, style);
                self.heading(*level, anchor, &spans);
            }
            BlockKind::Paragraph(text) => {
                let spans = self.spans(text, self.base);
                self.wrapped(&spans);
            }
            BlockKind::List { start, items } => {
                let close = items.iter().all(|item| item.len() == 1);
                for (at, item) in items.iter().enumerate() {
                    if at > 0 && !close {
                        self.blank();
                    }
                    let bullet = start.map_or("• ".to_string(), |first| format!("{}. ", first + at));
                    self.hanging(&bullet, |builder| builder.blocks(item, close));
                }
            }
            BlockKind::Quote(inner) => self.barred(|builder| {
                let base = std::mem::replace(&mut builder.base, Style::Quote);
                builder.blocks(inner, false);
                builder.base = base;
            }),
            BlockKind::Callout { title, blocks } => self.barred(|builder| {
                builder.wrapped(&[Span::new(title.clone(), Style::Strong)]);
                builder.blocks(blocks, false);
            }),
            BlockKind::Sealed(sealed) => self.sealed(sealed),
            BlockKind::Table { aligns, header, rows } => {
                let base = self.base;
                let cell = |builder: &mut Self, inlines: &Vec<Inline>| builder.spans(inlines, base);
                let header: Vec<_> = header.iter().map(|inlines| cell(self, inlines)).collect();
                let rows: Vec<Vec<_>> =
                    rows.iter().map(|row| row.iter().map(|inlines| cell(self, inlines)).collect()).collect();
                if let Some(lines) = table::set(aligns, &header, &rows, self.room()) {
                    for line in lines {
                        self.push(line);
                    }
                } else {
                    self.overflow(block.at, "the table");
                    let said = format!("(A table of {} columns: this screen is too narrow for it.)", header.len());
                    self.wrapped(&[Span::new(said, Style::Faint)]);
                }
            }
            BlockKind::Code { language, text } => {
                let lit = self.document.highlighted(language, text);
                for (at, line) in text.lines().enumerate() {
                    let plain = || vec![Span::new(line, Style::Code)];
                    let spans = lit.and_then(|lines| lines.get(at)).cloned().unwrap_or_else(plain);
                    self.fitted(block.at, "a line of code", &spans);
                }
            }
            BlockKind::Math(tex) => self.formula(block.at, tex),
            BlockKind::Image { path, caption } => {
                self.hanging(INDENT, |builder| builder.image(block.at, path, caption));
            }
            BlockKind::Rule => {
                let rule = "─".repeat(self.room());
                self.push(vec![Span::new(rule, Style::Frame)]);
            }
            BlockKind::Footnote { name, blocks } => {
                self.layout.footnotes.push((name.clone(), self.layout.lines.len()));
                self.hanging(&format!("[{name}] "), |builder| builder.blocks(blocks, false));
            }
            BlockKind::Cell(cell) => {
                let height = (self.cell_height)(cell);
                let number = self.layout.cells.len();
                self.layout.cells.push((self.layout.lines.len(), height));
                self.layout.lines.extend((0..height).map(|row| Line::Cell { cell: number, row }));
            }
        }
    }

    fn sealed(&mut self, sealed: &Sealed) {
        let first = self.layout.lines.len();
        match (self.folded)(sealed, self.room().saturating_sub(FOLDED.width())) {
            Some(line) => {
                let target = Target::Sealed { cell: sealed.first_cell().into(), number: sealed.number };
                let line = Span { target: Some(target), ..Span::new(line, Style::Faint) };
                self.hanging(FOLDED, |builder| builder.wrapped(&[line]));
            }
            None => self.blocks(&sealed.blocks, false),
        }
        self.layout.sealed.push(first..self.layout.lines.len());
    }

    /// A displayed formula. One that can't be broken to the width is shown as lines of text, so that nothing is cut
    /// off.
    fn formula(&mut self, at: Position, tex: &str) {
        let room = self.room().saturating_sub(INDENT.len());
        let narrow = |lines: &Vec<String>| lines.iter().all(|line| line.width() <= room);
        match math::display(tex, self.glyphs, room) {
            Ok(lines) if narrow(&lines) => {
                self.layout.wholes.push((self.layout.lines.len(), lines.len() as u16));
                for line in lines {
                    self.push(vec![Span::new(INDENT, Style::Text), Span::new(line, Style::Math)]);
                }
            }
            Ok(_) => {
                self.overflow(at, "the formula");
                let text = math::inline(tex).unwrap_or_else(|_| tex.into());
                self.wrapped(&[Span::new(text, Style::Math)]);
            }
            Err(message) => {
                self.layout.faults.push((at, message));
                self.wrapped(&[Span::new(tex, Style::Math)]);
            }
        }
    }

    /// A picture with its caption: together no higher than the page, if the caption is short.
    fn image(&mut self, at: Position, path: &str, caption: &[Inline]) {
        let first = self.layout.lines.len();
        match self.document.pictures.get(path).unwrap_or(&Err(PictureError::Missing)) {
            Ok(_) if !self.keeps_lines => {}
            Ok(picture) => {
                let rows = u32::from(self.rows.saturating_sub(2));
                let (width, height) = picture.fitted(self.room() as u32, rows);
                let number = self.layout.pictures.len();
                self.layout.pictures.push(picture.scaled(width, height));
                let line = |row| Line::Picture { before: self.prefix.clone(), picture: number, row };
                self.layout.lines.extend((0..height.div_ceil(2) as u16).map(line));
            }
            Err(why) => {
                self.layout.faults.push((at, format!("the image `{path}`: {why}")));
                self.wrapped(&[Span::new(format!("(The image {path}: {why}.)"), Style::Faint)]);
            }
        }
        let caption = self.spans(caption, Style::Faint);
        self.wrapped(&caption);
        self.layout.wholes.push((first, (self.layout.lines.len() - first) as u16));
    }

    fn heading(&mut self, level: u8, anchor: &str, spans: &[Span]) {
        let line = self.layout.lines.len();
        let text = self.ours(spans).iter().map(|span| span.text.as_str()).collect();
        self.layout.headings.push(Heading { line, level, anchor: anchor.into(), text });
        self.wrapped(spans);
    }

    fn barred(&mut self, inner: impl FnOnce(&mut Self)) {
        self.prefix.push(Span::new("▏ ", Style::Frame));
        inner(self);
        self.prefix.pop();
    }

    /// Lays `inner` out indented behind a bullet on its first line.
    fn hanging(&mut self, bullet: &str, inner: impl FnOnce(&mut Self)) {
        let bullet = self.glyphs.text(bullet);
        let first = self.layout.lines.len();
        self.prefix.push(Span::new(" ".repeat(bullet.width()), Style::Text));
        inner(self);
        let at = self.prefix.len() - 1;
        self.prefix.pop();
        if let Some(Line::Text(spans) | Line::Picture { before: spans, .. }) = self.layout.lines.get_mut(first)
            && let Some(span) = spans.get_mut(at)
        {
            *span = Span::new(bullet, Style::Frame);
        }
    }

    fn room(&self) -> usize {
        let taken: usize = self.prefix.iter().map(|span| span.text.width()).sum();
        usize::from(self.layout.width).saturating_sub(taken).max(1)
    }

    /// A quote's bar continues between its paragraphs.
    fn blank(&mut self) {
        if !self.keeps_lines {
            return;
        }
        let bar = self.prefix.iter().rposition(|span| span.style == Style::Frame).map_or(0, |at| at + 1);
        self.layout.lines.push(Line::Text(self.prefix[..bar].to_vec()));
    }

    fn push(&mut self, spans: Vec<Span>) {
        if !self.keeps_lines {
            return;
        }
        let line = self.prefix.iter().cloned().chain(spans).collect();
        self.layout.lines.push(Line::Text(line));
    }

    /// A line that must not be wrapped.
    fn fitted(&mut self, at: Position, what: &str, spans: &[Span]) {
        let mut spans = self.ours(spans);
        spans.insert(0, Span::new(INDENT, Style::Text));
        if spans.iter().map(|span| span.text.width()).sum::<usize>() > self.room() {
            self.overflow(at, what);
        }
        self.push(spans);
    }

    fn overflow(&mut self, at: Position, what: &str) {
        let message = format!("{what} does not fit {} columns", self.layout.width);
        self.layout.faults.push((at, message));
    }

    fn wrapped(&mut self, spans: &[Span]) {
        if !self.keeps_lines {
            return;
        }
        for line in wrap(&self.ours(spans), self.room()) {
            self.push(line);
        }
    }

    /// Spans in the available characters.
    fn ours(&self, spans: &[Span]) -> Vec<Span> {
        spans.iter().map(|span| span.with(self.glyphs.text(&span.text))).collect()
    }

    fn spans(&mut self, inlines: &[Inline], style: Style) -> Vec<Span> {
        let mut spans = Vec::new();
        for inline in inlines {
            match inline {
                // A number and its unit stay on one line.
                Inline::Text(text) => spans.push(Span::new(text.replace(" %", "\u{a0}%"), style)),
                Inline::Emphasis(inner) => spans.extend(self.spans(inner, Style::Emphasis)),
                Inline::Strong(inner) => spans.extend(self.spans(inner, Style::Strong)),
                Inline::Code(text) => spans.push(Span::new(text.clone(), Style::Code)),
                Inline::Math { at, tex } => {
                    let text = math::inline(tex).unwrap_or_else(|message| {
                        self.layout.faults.push((*at, message));
                        tex.clone()
                    });
                    spans.push(Span::new(text, Style::Math));
                }
                Inline::Link { target, text, .. } => {
                    let linked = |span| Span { target: Some(target.clone()), ..span };
                    spans.extend(self.spans(text, style).into_iter().map(linked));
                }
                Inline::Footnote { name, .. } => {
                    let target = Some(Target::Footnote(name.clone()));
                    spans.push(Span { target, ..Span::new(format!("[{name}]"), style) });
                }
                Inline::Break => spans.push(Span::new("\n", style)),
            }
        }
        self.ours(&spans)
    }
}

#[cfg(test)]
mod tests;
