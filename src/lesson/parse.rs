//! Markdown to [`Document`]. What we do not support is a fault with its place, never passed over.

use super::cell::{Cell, CellBody, in_words, key_at};
use super::document::{Align, Block, BlockKind, Document, Fault, Inline, Meta, Position, Target, anchor, plain};
use super::sanitize::sanitize;
use crate::protocol::{clean_id, id_fault};
use comrak::nodes::{AstNode, ListType, NodeValue, TableAlignment};
use comrak::{Arena, Options, parse_document};
use std::path::{Component, Path};

const FENCE: &str = "+++";

/// A lesson as it was read: all that could be, so that a writer sees it beside the faults.
pub type Parsed = (Document, Vec<Fault>);

/// Reads a lesson. Its images are for [`Document::illustrate`].
pub fn parse(file: &str, text: &str) -> Parsed {
    let text = sanitize(text);
    let mut reader = Reader { file, faults: Vec::new() };
    let (meta, body) = reader.front_matter(&text);
    let arena = Arena::new();
    // Blank lines in place of the front matter keep every position true.
    let lines = text[..text.len() - body.len()].matches('\n').count();
    let padded = "\n".repeat(lines) + body;
    let root = parse_document(&arena, &padded, &options());
    let blocks = reader.blocks(root);
    (Document { file: file.into(), text, meta, blocks, ..Document::default() }, reader.faults)
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.footnotes = true;
    options.extension.alerts = true;
    options.extension.math_dollars = true;
    options.extension.cjk_friendly_emphasis = true;
    // A writer's editor counts characters, not bytes.
    options.parse.sourcepos_chars = true;
    options
}

struct Reader<'f> {
    file: &'f str,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn fault(&mut self, at: Position, message: impl Into<String>) {
        self.faults.push(Fault { file: self.file.into(), at, message: message.into() });
    }

    /// The TOML between two `+++` lines at the head, and what follows it.
    fn front_matter<'t>(&mut self, text: &'t str) -> (Meta, &'t str) {
        let first = Position { line: 1, column: 1 };
        let Some((toml, body)) = text
            .strip_prefix(FENCE)
            .and_then(|rest| rest.strip_prefix('\n'))
            .and_then(|rest| rest.split_once("\n+++\n").or_else(|| Some((rest.strip_suffix("\n+++")?, ""))))
        else {
            self.fault(first, "the front matter is missing: begin with TOML between two lines of +++");
            return (Meta::default(), text);
        };
        match toml::from_str::<Meta>(toml) {
            Ok(mut meta) => {
                if let Some(why) = id_fault(&meta.id) {
                    let mut at = place_in(toml, key_at(toml, "id"));
                    at.line += 1;
                    self.fault(at, format!("the lesson's `id` {why}"));
                    // What the reader does here is kept under the id: another than the file's, and a sound one.
                    meta.id = clean_id(&meta.id);
                }
                (meta, body)
            }
            Err(error) => {
                let mut at = place_in(toml, error.span().map_or(0, |span| span.start));
                at.line += 1;
                self.fault(at, in_words(error.message()));
                (Meta::default(), body)
            }
        }
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
                BlockKind::Heading { level: heading.level, anchor: anchor(&plain(&text)), text }
            }
            NodeValue::Paragraph => {
                if let Some((image, url)) = lone_image(node) {
                    return self.image(at, image, url);
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
            NodeValue::BlockQuote => BlockKind::Quote(self.blocks(node)),
            NodeValue::Alert(alert) => {
                let title = alert.title.clone().unwrap_or_else(|| alert.alert_type.default_title().to_string());
                BlockKind::Callout { title, blocks: self.blocks(node) }
            }
            NodeValue::Table(table) => self.table(node, &table.alignments),
            // It reaches to the end of the file: what is wrong in it is not what its writer means.
            NodeValue::CodeBlock(code) if code.fenced && !code.closed => {
                self.fault(at, "this block is not closed; end it with a line of ```");
                return None;
            }
            NodeValue::CodeBlock(code) => return self.fence(at, &code.info, &code.literal),
            NodeValue::ThematicBreak => BlockKind::Rule,
            NodeValue::FootnoteDefinition(note) => {
                BlockKind::Footnote { name: note.name.clone(), blocks: self.blocks(node) }
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

    fn image<'a>(&mut self, at: Position, node: &'a AstNode<'a>, url: String) -> Option<Block> {
        match image_path(url) {
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
            Some(Ok((id, body))) => Some(Block { at, kind: BlockKind::Cell(Box::new(Cell { at, id, body })) }),
            Some(Err((message, offset))) => {
                let inside = place_in(body, offset);
                self.fault(
                    Position { line: at.line + inside.line, column: inside.column },
                    format!("{kind}: {message}"),
                );
                None
            }
            None if LANGUAGES.contains(&kind) => {
                Some(Block { at, kind: BlockKind::Code { language: kind.into(), text: body.trim_end().into() } })
            }
            None => {
                let known = "train, experiment, plot, predict, quiz, claim";
                let languages = LANGUAGES.join(", ").trim_start_matches(", ").to_string();
                self.fault(at, format!("unknown cell `{kind}`; cells are {known}; code is one of {languages}"));
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
        for node in parent.children() {
            let (value, at) = {
                let data = node.data.borrow();
                let start = data.sourcepos.start;
                (data.value.clone(), Position { line: start.line, column: start.column })
            };
            inlines.push(match value {
                NodeValue::Text(text) => Inline::Text(text.into_owned()),
                NodeValue::SoftBreak => Inline::Text(" ".into()),
                NodeValue::LineBreak => Inline::Break,
                NodeValue::Code(code) => Inline::Code(code.literal),
                NodeValue::Emph => Inline::Emphasis(self.inlines(node)),
                NodeValue::Strong => Inline::Strong(self.inlines(node)),
                NodeValue::Math(math) => Inline::Math { at, tex: math.literal },
                NodeValue::FootnoteReference(note) => Inline::Footnote { at, name: note.name.clone() },
                NodeValue::Link(link) => match target(&link.url) {
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
        inlines
    }
}

fn is_display<'a>(node: &'a AstNode<'a>) -> bool {
    let first = node.first_child();
    first.is_some_and(|child| matches!(&child.data.borrow().value, NodeValue::Math(math) if math.display_math))
}

/// The image that a paragraph consists of, and its file as it is named.
fn lone_image<'a>(node: &'a AstNode<'a>) -> Option<(&'a AstNode<'a>, String)> {
    let image = node.first_child().filter(|child| child.next_sibling().is_none())?;
    let NodeValue::Image(link) = &image.data.borrow().value else { return None };
    Some((image, link.url.clone()))
}

/// The path of an image file, if it leads to the lesson's folder or beneath it.
fn image_path(url: String) -> Result<String, String> {
    if url.is_empty() {
        return Err("an image needs a file: ![what it shows](figure.png)".into());
    }
    if url.contains(':') {
        return Err(format!("the image `{url}` would have to be fetched; lessons show files from their own folder"));
    }
    let inside = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
    if Path::new(&url).components().all(inside) {
        Ok(url)
    } else {
        Err(format!("the image `{url}` lies outside the lesson's folder; put it beside the lesson"))
    }
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

/// Line and column of a byte offset, counted from 1.
fn place_in(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    Position { line, column: before.rsplit('\n').next().map_or(1, |tail| tail.chars().count() + 1) }
}
