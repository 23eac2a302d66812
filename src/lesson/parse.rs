//! Parses Markdown to a [`Document`]. Unsupported markup is a fault with its position, never ignored.

use super::body::{Body, BodyFault, code};
use super::cell::{Cell, CellBody, ParsedCell};
use super::document::{
    Align, Block, BlockKind, Document, Inline, Meta, Sealed, Unparsed, anchor, inline_text, visit_blocks,
};
use super::fault::{Fault, Position, Severity};
use super::sanitize::sanitize;
use super::sealed::MARK;
use super::target::Target;
use comrak::arena_tree::NodeEdge;
use comrak::nodes::{AstNode, ListType, NodeValue, TableAlignment};
use comrak::{Arena, Options, parse_document};
use protocol::{clean_id, is_terminal_control};
use std::collections::{HashMap, HashSet};
use std::path::{Component, Path};

const FENCE: &str = "+++";

/// A lesson with everything that could be read, so that an author sees it beside the faults.
pub type Parsed = (Document, Vec<Fault>);

/// Reads a lesson from the bytes of its file. Invalid UTF-8 is a fault at its first byte, and is read as far as
/// possible.
pub fn parse_bytes(file: &str, bytes: &[u8]) -> Parsed {
    let fault = |at, message| Fault { file: file.into(), at, severity: Severity::Error, message };
    // Without its byte order mark it looks like text with a NUL after each letter.
    let nuls = bytes.iter().take(64).filter(|byte| **byte == 0).count();
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || nuls > 16 {
        let message = "this is UTF-16, not UTF-8; save the file as UTF-8".into();
        return (Document { file: file.into(), ..Document::default() }, vec![fault(FIRST, message)]);
    }
    let Err(error) = str::from_utf8(bytes) else { return parse(file, &String::from_utf8_lossy(bytes)) };
    let (before, rest) = bytes.split_at(error.valid_up_to());
    let before = String::from_utf8_lossy(before);
    let at = place_in(before.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&before), usize::MAX);
    let message = format!("not UTF-8: the byte 0x{:02x}; save the file as UTF-8", rest[0]);
    let (document, mut faults) = parse(file, &String::from_utf8_lossy(bytes));
    faults.push(fault(at, message));
    (document, faults)
}

/// Some editors write it at the head of a file, where it is invisible.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads a lesson. Its images are for [`Document::load_pictures`].
pub fn parse(file: &str, text: &str) -> Parsed {
    let text = sanitize(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text));
    let mut reader = Reader::new(file, &text);
    let (meta, body) = reader.front_matter(&text);
    let arena = Arena::new();
    // Blank lines in place of the front matter keep all positions correct.
    let lines = text[..text.len() - body.len()].matches('\n').count();
    let body = "\n".repeat(lines) + body;
    let in_source = too_deep_in_source(&body);
    let root = parse_document(&arena, if in_source.is_some() { "" } else { &body }, &options());
    let blocks = if let Some(at) = in_source.or_else(|| too_deep(root)) {
        // The body is not read, as it is unknown where the front matter ends.
        reader.fault(at, TOO_DEEP);
        reader.unparsed.rest = true;
        Vec::new()
    } else {
        let mut blocks = reader.blocks(root);
        blocks.extend(reader.footnotes());
        blocks
    };
    let (faults, unparsed) = (reader.faults, reader.unparsed);
    (Document { file: file.into(), text, meta, blocks, unparsed, ..Document::default() }, faults)
}

/// The deepest nesting of quotes, lists and emphasis. Parsing, layout and dropping recurse once for each.
const DEEPEST: usize = 60;
const TOO_DEEP: &str = "nested too deeply: 60 levels of quotes, lists and emphasis at most";

/// A line whose quote marks, or whose row of stars or underscores, alone are too many. The Markdown parser recurses for
/// each of them.
fn too_deep_in_source(body: &str) -> Option<Position> {
    let is_deep = |line: &str| {
        let quotes = line.chars().take_while(|c| matches!(c, '>' | ' ' | '\t')).filter(|c| *c == '>').count();
        let longest = line.split(|c| c != '*' && c != '_').map(str::len).max();
        // A row of stars by itself is a rule.
        let is_rule = || line.trim().chars().all(|c| matches!(c, '*' | '_' | '-' | ' '));
        quotes > DEEPEST || longest.is_some_and(|longest| longest > 2 * DEEPEST) && !is_rule()
    };
    body.lines().position(is_deep).map(|line| Position { line: line + 1, column: 1 })
}

/// The position at which a document is too deep for recursion.
fn too_deep<'a>(root: &'a AstNode<'a>) -> Option<Position> {
    let mut depth = 0;
    for edge in root.traverse() {
        match edge {
            NodeEdge::Start(node) => {
                depth += 1;
                if depth > DEEPEST {
                    let start = node.data.borrow().sourcepos.start;
                    return Some(Position { line: start.line, column: start.column });
                }
            }
            NodeEdge::End(_) => depth -= 1,
        }
    }
    None
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.footnotes = true;
    options.extension.alerts = true;
    options.extension.math_dollars = true;
    options.extension.cjk_friendly_emphasis = true;
    // An author's editor counts characters, not bytes.
    options.parse.sourcepos_chars = true;
    // The parser silently drops footnotes that nothing refers to, and duplicates.
    options.parse.leave_footnote_definitions = true;
    options
}

/// The offset of the front matter.
const FIRST: Position = Position { line: 1, column: 1 };

struct Reader<'f> {
    file: &'f str,
    lines: Vec<&'f str>,
    faults: Vec<Fault>,
    unparsed: Unparsed,
    /// In the order in which they are written.
    notes: Vec<Note>,
    /// The names of footnotes in the order in which the text refers to them.
    referred: Vec<String>,
    /// Number of sealed blocks so far, by their first cell.
    sealed: HashMap<String, usize>,
    /// Where the search for marks of footnotes has arrived: line, and byte in it.
    marks: (usize, usize),
}

struct Note {
    at: Position,
    name: String,
    blocks: Vec<Block>,
}

/// The keys that the front matter must have.
const HEAD: [&str; 5] = ["id", "title", "part", "summary", "minutes"];

impl<'f> Reader<'f> {
    fn new(file: &'f str, text: &'f str) -> Self {
        Self {
            file,
            lines: text.split('\n').collect(),
            faults: Vec::new(),
            unparsed: Unparsed::default(),
            notes: Vec::new(),
            referred: Vec::new(),
            sealed: HashMap::new(),
            marks: (0, 0),
        }
    }

    fn fault(&mut self, at: Position, message: impl Into<String>) {
        self.faults.push(Fault { file: self.file.into(), at, severity: Severity::Error, message: message.into() });
    }

    /// The faults of a TOML body that begins on this line of the file.
    fn body_faults(&mut self, text: &str, first: usize, kind: &str, wrongs: Vec<BodyFault>) {
        let places = Places::of(text);
        for (message, offset) in wrongs {
            let at = places.at(offset);
            let message = if kind.is_empty() { message } else { format!("{kind}: {message}") };
            self.fault(Position { line: first + at.line - 1, ..at }, message);
        }
    }

    /// The TOML between two `+++` lines at the head, and the rest.
    fn front_matter<'t>(&mut self, text: &'t str) -> (Meta, &'t str) {
        let Some((toml, rest)) = text
            .strip_prefix(FENCE)
            .and_then(|rest| rest.strip_prefix('\n'))
            .and_then(|rest| rest.split_once("\n+++\n").or_else(|| Some((rest.strip_suffix("\n+++")?, ""))))
        else {
            self.fault(FIRST, "the front matter is missing: begin with TOML between two lines of +++");
            self.unparsed.references = true;
            return (Meta::default(), text);
        };
        let mut body = Body::parse(toml, &HEAD);
        body.refuse_id("the lesson's ");
        for key in ["title", "part", "summary"] {
            body.refuse_empty(key);
        }
        let meta = body.read::<Meta>();
        self.unparsed.references = meta.is_none() || body.is_refused("references");
        let mut meta = meta.unwrap_or_default();
        // The lesson is shown and stored under its id.
        meta.id = clean_id(&meta.id);
        if meta.minutes == 0 && !body.is_refused("minutes") {
            body.fault_at("minutes", "`minutes` is 0; say how long the reading takes");
        }
        references(&mut body);
        self.body_faults(toml, 2, "", body.into_faults());
        (meta, rest)
    }

    fn blocks<'a>(&mut self, parent: &'a AstNode<'a>) -> Vec<Block> {
        parent.children().filter_map(|node| self.block(node)).collect()
    }

    fn block<'a>(&mut self, node: &'a AstNode<'a>) -> Option<Block> {
        let (value, at) = {
            let data = node.data.borrow();
            let start = data.sourcepos.start;
            (data.value.clone(), Position { line: start.line, column: start.column })
        };
        let kind = match value {
            NodeValue::Heading(heading) => {
                let text = self.inlines(node);
                BlockKind::Heading { level: heading.level, anchor: anchor(&inline_text(&text)), text }
            }
            NodeValue::Paragraph => {
                if let Some((image, url)) = sole_image(node) {
                    return self.image(at, image, &url);
                }
                let mut inlines = self.inlines(node);
                if let [Inline::Math { tex, .. }] = inlines.as_slice()
                    && is_display(node)
                {
                    BlockKind::Math(tex.clone())
                } else {
                    inlines.shrink_to_fit();
                    BlockKind::Paragraph(inlines)
                }
            }
            NodeValue::List(list) => BlockKind::List {
                start: (list.list_type == ListType::Ordered).then_some(list.start),
                items: node.children().map(|item| self.blocks(item)).collect(),
            },
            NodeValue::BlockQuote => match self.sealed_cells(at) {
                Some(cells) => return self.sealed(node, at, cells),
                None => BlockKind::Quote(self.blocks(node)),
            },
            NodeValue::Alert(alert) => {
                let title = alert.title.clone().unwrap_or_else(|| alert.alert_type.default_title().to_string());
                self.refuse_controls(at, &title);
                BlockKind::Callout { title, blocks: self.blocks(node) }
            }
            NodeValue::Table(table) => self.table(node, &table.alignments),
            // An unclosed block extends to the end of the file, so faults in it would be misleading.
            NodeValue::CodeBlock(code) if code.fenced && !code.closed => {
                self.fault(at, "this block is not closed; end it with a line of ```");
                self.unparsed.rest = true;
                return None;
            }
            NodeValue::CodeBlock(code) => return self.fence(at, &code.info, &code.literal),
            NodeValue::ThematicBreak => BlockKind::Rule,
            NodeValue::FootnoteDefinition(note) => {
                let blocks = self.blocks(node);
                self.notes.push(Note { at, name: note.name.clone(), blocks });
                return None;
            }
            NodeValue::HtmlBlock(_) => {
                self.fault(at, "raw HTML has no place in a terminal; write it in Markdown");
                return None;
            }
            other => {
                self.fault(at, format!("unsupported Markdown: {}", other.xml_node_name()));
                return None;
            }
        };
        Some(Block { at, kind })
    }

    /// The cells named by the first line of a quote, if it is a sealed block. Taken from the source, because Markdown
    /// would read an underscore in an id as emphasis.
    fn sealed_cells(&self, at: Position) -> Option<Vec<String>> {
        let line = self.lines.get(at.line.checked_sub(1)?)?;
        let (start, _) = line.char_indices().nth(at.column.checked_sub(1)?)?;
        let text = line[start..].strip_prefix('>')?.trim_start();
        let (mark, ids) = (text.get(..MARK.len())?, &text[MARK.len()..]);
        let mut cells: Vec<String> = Vec::new();
        for id in ids.split_whitespace() {
            if !cells.iter().any(|known| known == id) {
                cells.push(id.into());
            }
        }
        let is_mark = mark.eq_ignore_ascii_case(MARK) && (ids.is_empty() || ids.starts_with(char::is_whitespace));
        is_mark.then_some(cells)
    }

    /// A sealed block, without the line that names its cells.
    fn sealed<'a>(&mut self, node: &'a AstNode<'a>, at: Position, cells: Vec<String>) -> Option<Block> {
        if let Some(first) = node.first_child() {
            let is_paragraph = matches!(first.data.borrow().value, NodeValue::Paragraph);
            while let Some(inline) = first.first_child().filter(|_| is_paragraph) {
                let ends_line = matches!(inline.data.borrow().value, NodeValue::SoftBreak | NodeValue::LineBreak);
                inline.detach();
                if ends_line {
                    break;
                }
            }
            if is_paragraph && first.first_child().is_none() {
                first.detach();
            }
        }
        let written = self.notes.len();
        let blocks = self.blocks(node);
        // They would appear at the end of the lesson, visible to everybody.
        let note = |note: &Note| (note.at, "a footnote can't be sealed; write it into the block's own text");
        let mut wrong: Vec<(Position, &str)> = self.notes[written..].iter().map(note).collect();
        visit_blocks(&blocks, &mut |block| match &block.kind {
            BlockKind::Heading { .. } => wrong.push((block.at, "a heading can't be sealed; put it above the block")),
            BlockKind::Cell(cell) => {
                self.unparsed.cells.push(cell.id.clone());
                wrong.push((block.at, "a cell can't be sealed; put it above the block"));
            }
            BlockKind::Sealed(_) => {
                wrong.push((block.at, "a sealed block can't hold another; end the outer one first"));
            }
            _ => {}
        });
        if cells.is_empty() {
            wrong.push((at, "a sealed block names the cells whose outcome it tells: `> [!SEALED] CELL`"));
        } else if blocks.is_empty() && wrong.is_empty() {
            wrong.push((at, "this sealed block is empty; write what there is to see in further lines of `> `"));
        }
        if !wrong.is_empty() {
            for (at, message) in wrong {
                self.fault(at, message);
            }
            return None;
        }
        let next = self.sealed.entry(cells[0].clone()).or_default();
        let number = *next;
        *next += 1;
        Some(Block { at, kind: BlockKind::Sealed(Sealed { cells, number, blocks }) })
    }

    fn image<'a>(&mut self, at: Position, node: &'a AstNode<'a>, url: &str) -> Option<Block> {
        match image_path(url) {
            Ok(path) if self.refuse_controls(at, &path) => None,
            Ok(path) => Some(Block { at, kind: BlockKind::Image { path, caption: self.inlines(node) } }),
            Err(message) => {
                self.fault(at, message);
                None
            }
        }
    }

    /// Code, or a cell.
    fn fence(&mut self, at: Position, info: &str, body: &str) -> Option<Block> {
        let kind = info.trim();
        match CellBody::read(kind, body) {
            Some(ParsedCell { id: Some(id), was, body: Some(body), .. }) => {
                Some(Block { at, kind: BlockKind::Cell(Box::new(Cell { at, id, was, body })) })
            }
            Some(ParsedCell { id, faults, .. }) => {
                self.body_faults(body, at.line + 1, kind, faults);
                match id {
                    Some(id) => self.unparsed.cells.push(id),
                    None => self.unparsed.cell_without_id = true,
                }
                None
            }
            None if LANGUAGES.contains(&kind) => {
                Some(Block { at, kind: BlockKind::Code { language: kind.into(), text: body.trim_end().into() } })
            }
            None => {
                let known = "train, experiment, plot, predict, quiz, claim, predictions, view";
                let languages = LANGUAGES.join(", ").trim_start_matches(", ").to_string();
                self.fault(at, format!("unknown cell `{kind}`; cells are {known}; code is one of {languages}"));
                self.unparsed.cell_without_id = true;
                None
            }
        }
    }

    fn table<'a>(&mut self, node: &'a AstNode<'a>, aligns: &[TableAlignment]) -> BlockKind {
        let mut rows: Vec<Vec<Vec<Inline>>> =
            node.children().map(|row| row.children().map(|cell| self.inlines(cell)).collect()).collect();
        let header = if rows.is_empty() { Vec::new() } else { rows.remove(0) };
        let aligns = aligns
            .iter()
            .map(|align| match align {
                TableAlignment::Right => Align::Right,
                TableAlignment::Center => Align::Centre,
                TableAlignment::Left | TableAlignment::None => Align::Left,
            })
            .collect();
        BlockKind::Table { aligns, header, rows }
    }

    fn inlines<'a>(&mut self, parent: &'a AstNode<'a>) -> Vec<Inline> {
        let mut inlines = Vec::new();
        // Adjacent text, in however many nodes, and its line.
        let mut run = (0, String::new());
        for node in parent.children() {
            let (value, at) = {
                let data = node.data.borrow();
                let start = data.sourcepos.start;
                (data.value.clone(), Position { line: start.line, column: start.column })
            };
            if let NodeValue::Text(text) = &value {
                self.refuse_controls(at, text);
                run.0 = at.line;
                run.1.push_str(text);
            } else {
                self.undefined_notes(std::mem::take(&mut run));
            }
            inlines.push(match value {
                NodeValue::Text(text) => Inline::Text(text.into_owned()),
                NodeValue::SoftBreak => Inline::Text(" ".into()),
                NodeValue::LineBreak => Inline::Break,
                NodeValue::Code(code) => Inline::Code(code.literal),
                NodeValue::Emph => Inline::Emphasis(self.inlines(node)),
                NodeValue::Strong => Inline::Strong(self.inlines(node)),
                NodeValue::Math(math) => Inline::Math { at, tex: math.literal },
                NodeValue::FootnoteReference(note) => {
                    self.referred.push(note.name.clone());
                    Inline::Footnote { at, name: note.name.clone() }
                }
                NodeValue::Link(link) => match target(&link.url) {
                    Ok(_) if self.refuse_controls(at, &link.url) => continue,
                    Ok(target) => Inline::Link { at, target, text: self.inlines(node) },
                    Err(message) => {
                        self.fault(at, message);
                        continue;
                    }
                },
                NodeValue::Image(link) => {
                    self.fault(at, format!("the image `{}` needs lines of its own, blank ones around it", link.url));
                    continue;
                }
                NodeValue::HtmlInline(html) => {
                    self.fault(at, format!("raw HTML `{html}` has no place in a terminal"));
                    continue;
                }
                other => {
                    self.fault(at, format!("unsupported Markdown: {}", other.xml_node_name()));
                    continue;
                }
            });
        }
        self.undefined_notes(run);
        inlines
    }

    /// Control characters are dropped from a lesson's file; remaining ones were written as entities such as `&#27;`,
    /// which a reader of the file does not notice. Returns whether there are any.
    fn refuse_controls(&mut self, at: Position, text: &str) -> bool {
        let found = text.chars().find(|c| is_terminal_control(*c));
        if let Some(c) = found {
            self.fault(at, format!("an escape stands for the control character {}; leave it out", code(c)));
        }
        found.is_some()
    }

    /// Marks of footnotes that are defined nowhere, and so are still text. A backslash before one makes it plain text.
    fn undefined_notes(&mut self, (line, text): (usize, String)) {
        for name in text.split("[^").skip(1).filter_map(|rest| rest.split_once(']')).map(|(name, _)| name) {
            let mark = format!("[^{name}]");
            let Some(source) = line.checked_sub(1).and_then(|line| self.lines.get(line)) else { return };
            let from = if self.marks.0 == line { self.marks.1 } else { 0 };
            let found = source[from..].match_indices(&mark).map(|(at, _)| from + at);
            let Some(at) = found.into_iter().find(|at| !source[..*at].ends_with('\\')) else { continue };
            let column = source[..at].chars().count() + 1;
            self.marks = (line, at + mark.len());
            self.fault(Position { line, column }, format!("there is no footnote {mark}; write it as `{mark}: ...`"));
        }
    }

    /// The footnotes in the order in which the text refers to them.
    fn footnotes(&mut self) -> Vec<Block> {
        // Markdown compares their names as it compares those of links: letter case does not count.
        let folded = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let referred: Vec<String> = std::mem::take(&mut self.referred).iter().map(|name| folded(name)).collect();
        let known: HashSet<&String> = referred.iter().collect();
        let mut written: HashMap<String, Block> = HashMap::new();
        let mut wrong = Vec::new();
        for Note { at, name, blocks } in std::mem::take(&mut self.notes) {
            let key = folded(&name);
            if let Some(first) = written.get(&key) {
                let line = first.at.line;
                wrong.push((at, format!("the footnote [^{name}] is written twice; the first is on line {line}")));
                continue;
            }
            if !known.contains(&key) {
                wrong.push((at, format!("nothing refers to the footnote [^{name}], so it is not shown")));
            }
            written.insert(key, Block { at, kind: BlockKind::Footnote { name, blocks } });
        }
        for (at, message) in wrong {
            self.fault(at, message);
        }
        referred.iter().filter_map(|name| written.remove(name)).collect()
    }
}

/// What is wrong with the references of a head, beyond what their type checks.
fn references(body: &mut Body) {
    let mut wrong: Vec<BodyFault> = Vec::new();
    let mut keys = HashSet::new();
    let all = body.value_of("references").and_then(|references| references.get_ref().as_array());
    for reference in all.into_iter().flatten().filter_map(|reference| reference.get_ref().as_table()) {
        for name in ["key", "text"] {
            let Some(value) = reference.get(name) else { continue };
            let (text, at) = (value.get_ref().as_str().unwrap_or_default(), value.span().start);
            if text.trim().is_empty() {
                wrong.push((format!("`{name}` of a reference is empty"), at));
            } else if name == "key" && !keys.insert(text) {
                wrong.push((format!("the reference `{text}` is given twice"), at));
            }
        }
    }
    for (message, at) in wrong {
        body.fault(message, at);
    }
}

fn is_display<'a>(node: &'a AstNode<'a>) -> bool {
    let first = node.first_child();
    first.is_some_and(|child| matches!(&child.data.borrow().value, NodeValue::Math(math) if math.display_math))
}

/// The image that a paragraph consists of, and its path as written.
fn sole_image<'a>(node: &'a AstNode<'a>) -> Option<(&'a AstNode<'a>, String)> {
    let image = node.first_child().filter(|child| child.next_sibling().is_none())?;
    let NodeValue::Image(link) = &image.data.borrow().value else { return None };
    Some((image, link.url.clone()))
}

/// The path of an image file, if it leads to the lesson's folder or beneath it. In Markdown a path is a URL: other
/// characters are percent-encoded bytes of UTF-8.
fn image_path(url: &str) -> Result<String, String> {
    if url.is_empty() {
        return Err("an image needs a file: ![what it shows](figure.png)".into());
    }
    if url.contains(':') {
        return Err(format!("the image `{url}` would have to be fetched; lessons show files from their own folder"));
    }
    let path = percent_decoded(url).ok_or_else(|| format!("the image `{url}` does not spell a name in UTF-8"))?;
    let inside = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
    if Path::new(&path).components().all(inside) {
        Ok(path)
    } else {
        Err(format!("the image `{url}` lies outside the lesson's folder; put it beside the lesson"))
    }
}

/// A `%` without two hexadecimal digits after it is itself. `None` if the bytes are not UTF-8.
fn percent_decoded(url: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(url.len());
    let mut rest = url.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let hex = behind.get(..2).filter(|digits| byte == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let hex = hex.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(hex.unwrap_or(byte));
        rest = if hex.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8(bytes).ok()
}

/// Info strings that mean code, not a cell.
const LANGUAGES: [&str; 6] = ["", "text", "rust", "python", "sh", "toml"];

fn target(url: &str) -> Result<Target, String> {
    Ok(match url.split_once(':') {
        Some(("lesson", rest)) => match rest.split_once('#') {
            Some((id, anchor)) => Target::Lesson { id: id.into(), anchor: Some(anchor.into()) },
            None => Target::Lesson { id: rest.into(), anchor: None },
        },
        Some(("ref", key)) => Target::Reference(key.into()),
        Some(("cell", id)) => Target::Cell(id.into()),
        Some(("http" | "https", _)) => Target::Web(url.into()),
        _ => match url.strip_prefix('#') {
            Some(heading) => Target::Heading(heading.into()),
            None => {
                return Err(format!(
                    "the link `{url}` leads nowhere; use lesson:ID, ref:KEY, cell:ID, #heading or a web address"
                ));
            }
        },
    })
}

/// Line and column of a byte offset, or of the text's end, counted from 1.
fn place_in(text: &str, offset: usize) -> Position {
    Places::of(text).at(offset)
}

/// The offsets at which the lines of a text begin.
struct Places<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Places<'t> {
    fn of(text: &'t str) -> Self {
        Self { text, starts: std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect() }
    }

    fn at(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        Position { line, column: self.text[start..offset].chars().count() + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE_HEAD: &str = "+++\nid = \"x\"\ntitle = \"T\"\npart = \"I\"\nsummary = \"s\"\nminutes = 3\n+++\n\n";

    #[test]
    fn image_names_are_read_as_urls() {
        for (url, path) in [
            ("my%20figure.png", Ok("my figure.png")),
            ("%C3%BCber/%e4%b8%ad.png", Ok("über/中.png")),
            ("50%.png", Ok("50%.png")),
            ("50%25.png", Ok("50%.png")),
            ("a%3Ab.png", Ok("a:b.png")),
            ("%2e%2e/x.png", Err("lies outside")),
            ("a/%2E%2E/%2e./x.png", Err("lies outside")),
            ("%2Fetc%2Fx.png", Err("lies outside")),
            ("%ff.png", Err("UTF-8")),
        ] {
            match (image_path(url), path) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{url}"),
                (Err(why), Err(word)) => assert!(why.contains(word), "{url}: {why}"),
                (found, _) => panic!("{url}: {found:?}"),
            }
        }
    }

    /// Code that walks a document recurses for each level, and a few thousand levels would overflow the stack.
    #[test]
    fn what_is_nested_too_deeply_is_a_fault_and_no_crash() {
        let quotes = |count: usize| format!("{}x\n", "> ".repeat(count));
        let lists = |count: usize| (0..count).map(|at| "  ".repeat(at) + "- a\n").collect::<String>();
        for text in [
            quotes(100_000),
            format!("> [!NOTE] a\n> {}", quotes(3_000)),
            format!("> [!SEALED] c\n> {}", quotes(3_000)),
            format!("{}a{}\n", "*".repeat(50_000), "*".repeat(50_000)),
            format!("{}a{}\n", "_*".repeat(3_000), "*_".repeat(3_000)),
            lists(300),
        ] {
            let (document, faults) = parse("x.md", &format!("{WHOLE_HEAD}{text}"));
            assert!(faults.iter().any(|fault| fault.message == TOO_DEEP), "{faults:?}");
            assert!(document.blocks.is_empty() && document.unparsed.rest);
        }
        for text in [quotes(20), lists(20), format!("{}\n", "*".repeat(500)), format!("a\n{}\n", "_".repeat(500))] {
            let (_, faults) = parse("x.md", &format!("{WHOLE_HEAD}{text}"));
            assert_eq!(faults, [], "{text}");
        }
    }

    #[test]
    fn utf_16_is_named_with_its_mark_and_without() {
        let text = format!("{WHOLE_HEAD}Text.\n");
        let wide = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        for bytes in
            [wide(u16::to_le_bytes), wide(u16::to_be_bytes), [b"\xff\xfe".to_vec(), wide(u16::to_le_bytes)].concat()]
        {
            let (_, faults) = parse_bytes("x.md", &bytes);
            assert!(matches!(&faults[..], [fault] if fault.message.contains("UTF-16")), "{faults:?}");
        }
    }
}
