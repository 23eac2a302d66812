//! Arranges a formula's parts on lines.

use super::block::{Block, Side, tall};
use super::symbols::{Class, gap};
use super::tex::{Columns, Grid, Node, Row};
use crate::Glyphs;

/// A typeset part: text that may continue in its line, or several lines.
pub enum Typeset {
    Line(String),
    Block(Block),
}

/// The context of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// On lines of its own.
    Display,
    /// In a fraction or a matrix, which should take few lines.
    Inner,
    /// In a line of text.
    Line,
    /// Raised or lowered: in one line and without spaces.
    Script,
}

impl Style {
    /// Whether a part may take several lines.
    fn is_tall(self) -> bool {
        matches!(self, Self::Display | Self::Inner)
    }
}

pub struct Typesetter {
    pub glyphs: Glyphs,
}

impl Typesetter {
    /// Typesets parts side by side. `before` is the part to their left.
    pub fn row(&self, nodes: &[Node], style: Style, before: Option<Class>) -> Result<Typeset, String> {
        let (mut blocks, mut run) = (Vec::new(), String::new());
        let (mut last, mut operand) = (before, before);
        for (at, node) in nodes.iter().enumerate() {
            let class = class_in(node, operand, at + 1 == nodes.len());
            run.push_str(&" ".repeat(last.map_or(0, |last| room(last, class, style))));
            match self.node(node, style)? {
                Typeset::Line(text) => run.push_str(&text),
                Typeset::Block(block) => {
                    blocks.push(self.plain_text(&std::mem::take(&mut run)));
                    blocks.push(block);
                }
            }
            last = Some(class);
            if class != Class::Space {
                operand = last;
            }
        }
        if blocks.is_empty() {
            return Ok(Typeset::Line(run));
        }
        blocks.push(self.plain_text(&run));
        Ok(Typeset::Block(Block::join(&blocks)))
    }

    pub fn block(&self, set: Typeset) -> Block {
        match set {
            Typeset::Line(text) => self.plain_text(&text),
            Typeset::Block(block) => block,
        }
    }

    /// A text in the available characters. Its width is known only now.
    fn plain_text(&self, text: &str) -> Block {
        Block::line(&self.glyphs.text(text))
    }

    fn node(&self, node: &Node, style: Style) -> Result<Typeset, String> {
        match node {
            Node::Symbol(text, _) => Ok(Typeset::Line(text.clone())),
            Node::Space(width) => Ok(Typeset::Line("\u{a0}".repeat(*width))),
            Node::Group(row) => self.row(row, style, None),
            Node::Fraction(above, below) => self.fraction(above, below, style),
            Node::Scripts { base, below, above } => self.scripts(base, below.as_ref(), above.as_ref(), style),
            Node::Root { degree, body } => self.root(degree.as_ref(), body, style),
            Node::Fenced { open, close, body } => Ok(match self.row(body, style, None)? {
                // A break inside would separate what belongs together.
                Typeset::Line(text) => Typeset::Line(format!("{open}{}{close}", text.replace(' ', "\u{a0}"))),
                Typeset::Block(block) => Typeset::Block(self.fenced(open, block, close)),
            }),
            Node::Grid(grid) if style.is_tall() => self.grid(grid).map(Typeset::Block),
            Node::Grid(_) => Err("it takes several lines; display it between `$$`".into()),
        }
    }

    /// Numerator above denominator with a bar between; in a line `a/b`.
    fn fraction(&self, above: &Row, below: &Row, style: Style) -> Result<Typeset, String> {
        if !style.is_tall() {
            let whole = |row: &Row| self.line(row, style);
            let derivative = [above, below].iter().all(|row| is_differential(row));
            let upper = if is_sum(above) { format!("({})", whole(above)?) } else { whole(above)? };
            let lower = if derivative || is_atom(below) { whole(below)? } else { format!("({})", whole(below)?) };
            return Ok(Typeset::Line(format!("{upper}/{lower}").replace(' ', "\u{a0}")));
        }
        let above = self.block(self.row(above, Style::Inner, None)?);
        let below = self.block(self.row(below, Style::Inner, None)?);
        // A bar inside has to differ from this one.
        let more = if above.height().max(below.height()) > 1 { 2 } else { 0 };
        let width = above.width.max(below.width).max(1) + more;
        let (bar, axis) = (self.plain_text(&"─".repeat(width)), above.height());
        Ok(Typeset::Block(Block::stacked(vec![above, bar, below], Side::Centre, axis)))
    }

    fn scripts(&self, base: &Node, below: Option<&Row>, above: Option<&Row>, style: Style) -> Result<Typeset, String> {
        let line = |row: Option<&Row>| row.map_or(Ok(String::new()), |row| self.line(row, Style::Script));
        let (below, above) = (line(below)?, line(above)?);
        let stacks = match base {
            Node::Symbol(sign, Class::Big) => style == Style::Display && sign != "∫",
            Node::Symbol(_, Class::Limits) => style == Style::Display,
            _ => false,
        };
        let set = self.node(base, style)?;
        if stacks {
            let (base, axis) = (self.block(set), usize::from(!above.is_empty()));
            let [above, below] = [above, below].map(|text| (!text.is_empty()).then(|| self.plain_text(&text)));
            let blocks = above.into_iter().chain([base]).chain(below).collect();
            return Ok(Typeset::Block(Block::stacked(blocks, Side::Centre, axis)));
        }
        let small = small(&below, '_').zip(small(&above, '^'));
        Ok(match (set, small) {
            (Typeset::Line(base), Some((below, above))) => Typeset::Line(format!("{base}{below}{above}")),
            (Typeset::Line(base), None) if !style.is_tall() => {
                Typeset::Line(format!("{base}{}{}", marked('_', &below), marked('^', &above)))
            }
            (Typeset::Line(base), None) => {
                let lines = [
                    (!above.is_empty()).then_some(&above),
                    Some(&String::new()),
                    (!below.is_empty()).then_some(&below),
                ];
                let lines = lines.into_iter().flatten().map(|text| self.glyphs.text(text)).collect();
                let scripts = Block::new(lines, usize::from(!above.is_empty()));
                Typeset::Block(Block::join(&[self.plain_text(&base), scripts]))
            }
            // At the corners of a tall base.
            (Typeset::Block(base), small) => {
                let (below, above) = small.unwrap_or((below, above));
                let mut lines = vec![String::new(); base.height()];
                lines[0] = self.glyphs.text(&above);
                lines[base.height() - 1].push_str(&self.glyphs.text(&below));
                let scripts = Block::new(lines, base.axis);
                Typeset::Block(Block::join(&[base, scripts]))
            }
        })
    }

    fn root(&self, degree: Option<&Row>, body: &Row, style: Style) -> Result<Typeset, String> {
        let degree = degree.map_or(Ok(String::new()), |degree| self.line(degree, Style::Script))?;
        let sign = format!("{}√", small(&degree, '^').unwrap_or(degree));
        Ok(match self.row(body, style, None)? {
            Typeset::Line(text) if is_atom(body) => Typeset::Line(format!("{sign}{text}")),
            Typeset::Line(text) => Typeset::Line(format!("{sign}({})", text.replace(' ', "\u{a0}"))),
            Typeset::Block(body) => {
                let (height, width, axis) = (body.height(), body.width, body.axis + 1);
                let mut signs = vec![String::new(); height + 1];
                signs[height] = self.glyphs.text(&sign);
                let mut edge = vec![self.glyphs.text("│ "); height + 1];
                edge[0] = self.glyphs.text("┌─");
                let bar = self.plain_text(&"─".repeat(width));
                let body = Block::stacked(vec![bar, body], Side::Left, axis);
                Typeset::Block(Block::join(&[Block::new(signs, axis), Block::new(edge, axis), body]))
            }
        })
    }

    fn grid(&self, grid: &Grid) -> Result<Block, String> {
        let meeting = grid.columns == Columns::Meeting;
        let cells = |row: &Vec<Row>| {
            let cell = |(column, cell): (usize, &Row)| {
                let before = (meeting && column % 2 == 1).then_some(Class::Ordinary);
                self.row(cell, Style::Inner, before).map(|set| self.block(set))
            };
            row.iter().enumerate().map(cell).collect::<Result<Vec<Block>, _>>()
        };
        let rows = grid.rows.iter().map(cells).collect::<Result<Vec<_>, _>>()?;
        let count = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..count)
            .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width).max().unwrap_or(0))
            .collect();
        // The brace of two cases has a point, which needs a line.
        let apart = rows.iter().flatten().any(|cell| cell.height() > 1) || (grid.open == "{" && rows.len() == 2);
        let mut lines = Vec::new();
        for row in rows {
            if apart && !lines.is_empty() {
                lines.push(Block::line(""));
            }
            let mut parts = Vec::new();
            for (column, cell) in row.into_iter().enumerate() {
                let side = match grid.columns {
                    Columns::Centred => Side::Centre,
                    Columns::Meeting if column % 2 == 0 && count > 1 => Side::Right,
                    Columns::Left | Columns::Meeting => Side::Left,
                };
                if column > 0 && !(meeting && column % 2 == 1) {
                    parts.push(Block::line(if meeting { "   " } else { "  " }));
                }
                parts.push(cell.wide(widths[column], side));
            }
            lines.push(Block::join(&parts));
        }
        let height: usize = lines.iter().map(Block::height).sum();
        let block = Block::stacked(lines, Side::Left, height.saturating_sub(1) / 2);
        Ok(self.fenced(grid.open, block, grid.close))
    }

    fn fenced(&self, open: &str, block: Block, close: &str) -> Block {
        let fence = |sign: &str| {
            let fence = tall(sign, block.height(), block.axis);
            Block::new(fence.lines.iter().map(|line| self.glyphs.text(line)).collect(), fence.axis)
        };
        let (open, gap) = (fence(open), Block::line(if open == "{" { " " } else { "" }));
        let close = fence(close);
        Block::join(&[open, gap, block, close])
    }

    /// Typesets a part in one line.
    fn line(&self, row: &Row, style: Style) -> Result<String, String> {
        let style = if style.is_tall() { Style::Line } else { style };
        match self.row(row, style, None)? {
            Typeset::Line(text) => Ok(text),
            Typeset::Block(_) => Err("it takes several lines; display it between `$$`".into()),
        }
    }
}

/// How a part is spaced from its neighbours.
pub fn class_of(node: &Node) -> Class {
    match node {
        Node::Symbol(_, class) => *class,
        Node::Space(_) => Class::Space,
        Node::Scripts { base, .. } => class_of(base),
        Node::Fraction(..) => Class::Fraction,
        Node::Fenced { .. } => Class::Fence,
        Node::Group(_) | Node::Root { .. } | Node::Grid(_) => Class::Ordinary,
    }
}

/// The same in its context: a `-` with nothing before it is a sign.
fn class_in(node: &Node, before: Option<Class>, is_last: bool) -> Class {
    use Class::{Big, Binary, Function, Limits, Ordinary, Punctuation, Relation, Sign};
    match (class_of(node), before) {
        (Binary, _) if is_last => Ordinary,
        (Binary, None | Some(Binary | Relation | Punctuation | Sign | Big | Function | Limits)) => Sign,
        (class, _) => class,
    }
}

fn room(left: Class, right: Class, style: Style) -> usize {
    let words = |class| matches!(class, Class::Function | Class::Limits);
    if style == Style::Script && !words(left) && !words(right) { 0 } else { gap(left, right) }
}

/// In small letters, if there is one for each.
fn small(text: &str, mark: char) -> Option<String> {
    text.chars().map(|c| Glyphs::small(mark, c)).collect()
}

/// For a script that has no small letters.
fn marked(mark: char, text: &str) -> String {
    match text.chars().count() {
        0 => String::new(),
        1 => format!("{mark}{text}"),
        _ if text.chars().all(char::is_alphabetic) => format!("{mark}{text}"),
        _ => format!("{mark}({text})"),
    }
}

/// Whether it needs no parentheses beside a `/` or under a root.
fn is_atom(row: &Row) -> bool {
    match row.as_slice() {
        [Node::Group(row)] => is_atom(row),
        [Node::Scripts { base, .. }] => matches!(**base, Node::Symbol(..) | Node::Fenced { .. }),
        [Node::Symbol(..) | Node::Fenced { .. } | Node::Root { .. }] => true,
        _ => false,
    }
}

fn is_sum(row: &Row) -> bool {
    row.iter().skip(1).any(|node| matches!(class_of(node), Class::Binary | Class::Relation | Class::Punctuation))
}

/// `dz` and similar, above or below in a derivative.
fn is_differential(row: &Row) -> bool {
    matches!(row.first(), Some(Node::Symbol(text, _)) if text == "d" || text == "∂")
}
