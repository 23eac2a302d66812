//! Parts of a formula that take several lines, joined side by side and above each other.

use unicode_width::UnicodeWidthStr;

/// Lines, padded to one width. One of them is the axis, on which neighbours are aligned: the bar of a fraction, or the
/// line of plain text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    pub lines: Vec<String>,
    pub width: usize,
    pub axis: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Left,
    Centre,
    Right,
}

impl Block {
    pub fn new(lines: Vec<String>, axis: usize) -> Self {
        let width = lines.iter().map(|line| line.width()).max().unwrap_or(0);
        Self { lines, width, axis }.wide(width, Side::Left)
    }

    pub fn line(text: &str) -> Self {
        Self::new(vec![text.into()], 0)
    }

    pub fn height(&self) -> usize {
        self.lines.len()
    }

    fn below(&self) -> usize {
        self.height().saturating_sub(self.axis + 1)
    }

    /// The same within a greater width.
    pub fn wide(mut self, width: usize, side: Side) -> Self {
        for line in &mut self.lines {
            let spare = width.saturating_sub(line.width());
            let before = match side {
                Side::Left => 0,
                Side::Centre => spare / 2,
                Side::Right => spare,
            };
            *line = format!("{}{line}{}", " ".repeat(before), " ".repeat(spare - before));
        }
        self.width = self.width.max(width);
        self
    }

    /// Joins blocks side by side, with their axes on one line.
    pub fn join(blocks: &[Self]) -> Self {
        let above = blocks.iter().map(|block| block.axis).max().unwrap_or(0);
        let below = blocks.iter().map(Self::below).max().unwrap_or(0);
        let lines = (0..=above + below).map(|row| {
            let part = |block: &Self| {
                let at = (row + block.axis).checked_sub(above);
                let line = at.and_then(|at| block.lines.get(at)).cloned();
                line.unwrap_or_else(|| " ".repeat(block.width))
            };
            blocks.iter().map(part).collect()
        });
        Self::new(lines.collect(), above)
    }

    /// Joins blocks one below the other. `axis` is the number of the line that becomes the axis.
    pub fn stacked(blocks: Vec<Self>, side: Side, axis: usize) -> Self {
        let width = blocks.iter().map(|block| block.width).max().unwrap_or(0);
        let lines = blocks.into_iter().flat_map(|block| block.wide(width, side).lines).collect();
        Self { lines, width, axis }
    }

    /// Lines without trailing spaces, in which breaks need no longer be prevented.
    pub fn trimmed(self) -> Vec<String> {
        self.lines.into_iter().map(|line| line.replace('\u{a0}', " ").trim_end().to_string()).collect()
    }
}

/// A fence as tall as its content.
pub fn tall(fence: &str, height: usize, axis: usize) -> Block {
    let [top, middle, bottom, point] = match fence {
        "(" => ["⎛", "⎜", "⎝", "⎜"],
        ")" => ["⎞", "⎟", "⎠", "⎟"],
        "[" => ["⎡", "⎢", "⎣", "⎢"],
        "]" => ["⎤", "⎥", "⎦", "⎥"],
        "{" => ["⎧", "⎪", "⎩", "⎨"],
        "}" => ["⎫", "⎪", "⎭", "⎬"],
        "⌊" => ["⎢", "⎢", "⎣", "⎢"],
        "⌋" => ["⎥", "⎥", "⎦", "⎥"],
        "⌈" => ["⎡", "⎢", "⎢", "⎢"],
        "⌉" => ["⎤", "⎥", "⎥", "⎥"],
        "|" => ["│"; 4],
        "‖" => ["║"; 4],
        other => {
            let line = |row| if row == axis { other.to_string() } else { " ".repeat(other.width()) };
            return Block::new((0..height).map(line).collect(), axis);
        }
    };
    let line = |row: usize| match row {
        0 => top,
        row if row + 1 == height => bottom,
        row if row == axis => point,
        _ => middle,
    };
    Block::new((0..height).map(|row| line(row).to_string()).collect(), axis)
}
