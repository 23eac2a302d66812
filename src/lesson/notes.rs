//! Footnotes that are written nowhere, and those that nothing refers to: Markdown passes over both without a word.

use super::check::each_inlines;
use super::document::{Block, BlockKind, Document, Inline, Position, each_block};

/// Marks of footnotes that are written nowhere: they have stayed text.
pub fn undefined_notes(document: &Document) -> Vec<(Position, String)> {
    let mut faults = Vec::new();
    each_block(&document.blocks, &mut |block| {
        each_text(block, &mut |text| {
            for name in text.split("[^").skip(1).filter_map(|rest| rest.split_once(']')).map(|(name, _)| name) {
                let mark = format!("[^{name}]");
                if let Some(at) = place_of(document, block.at, &mark) {
                    faults.push((at, format!("there is no footnote {mark}; write it as `{mark}: ...`")));
                }
            }
        });
    });
    faults
}

/// Footnotes that are written and never referred to: they are not shown.
pub fn unused_notes(document: &Document) -> Vec<(Position, String)> {
    let mut shown = Vec::new();
    each_block(&document.blocks, &mut |block| {
        if let BlockKind::Footnote { name, .. } = &block.kind {
            shown.push(name.as_str());
        }
    });
    let mut in_code = false;
    let lines = document.text.lines().enumerate().filter_map(|(number, line)| {
        in_code ^= line.trim_start().starts_with("```");
        let name = line.strip_prefix("[^").filter(|_| !in_code)?.split_once("]:")?.0;
        let told = || format!("nothing refers to the footnote [^{name}], so it is not shown");
        (!shown.contains(&name)).then(|| (Position { line: number + 1, column: 1 }, told()))
    });
    lines.collect()
}

/// Where a mark stands in the file, from a block's first line on; a backslash before it makes it plain text.
fn place_of(document: &Document, from: Position, mark: &str) -> Option<Position> {
    document.text.lines().enumerate().skip(from.line - 1).find_map(|(number, line)| {
        let found = line.match_indices(mark).find(|(at, _)| !line[..*at].ends_with('\\'))?;
        Some(Position { line: number + 1, column: line[..found.0].chars().count() + 1 })
    })
}

/// The plain text of a block, all that stands together at once.
fn each_text(block: &Block, visit: &mut impl FnMut(&str)) {
    each_inlines(block, &mut |inlines| {
        let texts = inlines.iter().map(|inline| if let Inline::Text(text) = inline { text.as_str() } else { "\n" });
        visit(&texts.collect::<String>());
    });
}
