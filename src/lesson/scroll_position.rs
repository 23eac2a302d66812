//! A position in a lesson that does not depend on the width, unlike the number of a line on the screen.

use super::layout::Layout;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A line of the layout, relative to the block that it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScrollPosition {
    /// The block's line in the lesson's file; 0 above the first block.
    #[serde(rename = "line")]
    pub source: usize,
    /// The line's index within the block, and the block's number of lines.
    pub row: usize,
    pub of: usize,
}

impl Layout {
    /// The scroll position of a line.
    pub fn scroll_position(&self, line: usize) -> ScrollPosition {
        let next = self.starts.partition_point(|(first, _)| *first <= line);
        let (first, source) = next.checked_sub(1).map_or((0, 0), |at| self.starts[at]);
        let end = self.starts.get(next).map_or(self.lines.len(), |(first, _)| *first);
        ScrollPosition { source, row: line - first, of: end - first }
    }

    /// The lines of the block that begins on this line of the lesson's file, or else of the block above.
    pub fn block_at(&self, source: usize) -> Range<usize> {
        let first = self.line_at(ScrollPosition { source, ..ScrollPosition::default() });
        let next = self.starts.partition_point(|(line, _)| *line <= first);
        first..self.starts.get(next).map_or(self.lines.len(), |(line, _)| *line)
    }

    /// The line at a scroll position: the same line if its block has the same height, else one at the same fraction of it.
    pub fn line_at(&self, position: ScrollPosition) -> usize {
        let exact = self.starts.iter().rposition(|(_, source)| *source == position.source);
        // The block is gone: the block above it.
        let above = || self.starts.iter().rposition(|(_, source)| *source <= position.source);
        let at = exact.or_else(above);
        let (first, source) = at.map_or((0, 0), |at| self.starts[at]);
        let end = self.starts.get(at.map_or(0, |at| at + 1)).map_or(self.lines.len(), |(first, _)| *first);
        let rows = end - first;
        if source != position.source || rows == 0 {
            return first;
        }
        let row = if rows == position.of { position.row } else { position.row * rows / position.of.max(1) };
        first + row.min(rows - 1)
    }
}
