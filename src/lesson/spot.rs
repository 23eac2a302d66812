//! A place in a lesson that is the same at every width: lines of the screen are others when it is resized.

use super::layout::Layout;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A line on the screen, told by the block that it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// Line of the block in the lesson's file; 0 above the first.
    #[serde(rename = "line")]
    pub source: usize,
    /// Lines down from its first, and how many it had.
    pub row: usize,
    pub of: usize,
}

impl Layout {
    /// The spot of a line.
    pub fn spot(&self, line: usize) -> Spot {
        let next = self.starts.partition_point(|(first, _)| *first <= line);
        let (first, source) = next.checked_sub(1).map_or((0, 0), |at| self.starts[at]);
        let end = self.starts.get(next).map_or(self.lines.len(), |(first, _)| *first);
        Spot { source, row: line - first, of: end - first }
    }

    /// The lines of the block that begins on this line of the lesson's file, or of what stands above it.
    pub fn block_at(&self, source: usize) -> Range<usize> {
        let first = self.line_at(Spot { source, ..Spot::default() });
        let next = self.starts.partition_point(|(line, _)| *line <= first);
        first..self.starts.get(next).map_or(self.lines.len(), |(line, _)| *line)
    }

    /// The line of a spot: that very one where its block has kept its height, else one as far down in it.
    pub fn line_at(&self, spot: Spot) -> usize {
        let exact = self.starts.iter().rposition(|(_, source)| *source == spot.source);
        // A block that is there no more: what stood above it.
        let above = || self.starts.iter().rposition(|(_, source)| *source <= spot.source);
        let at = exact.or_else(above);
        let (first, source) = at.map_or((0, 0), |at| self.starts[at]);
        let end = self.starts.get(at.map_or(0, |at| at + 1)).map_or(self.lines.len(), |(first, _)| *first);
        let rows = end - first;
        if source != spot.source || rows == 0 {
            return first;
        }
        let row = if rows == spot.of { spot.row } else { spot.row * rows / spot.of.max(1) };
        first + row.min(rows - 1)
    }
}
