//! Formulas for a terminal: TeX in, text out. Superscripts become small letters if there are such. A fraction in a line
//! of text becomes `a/b`; on lines of its own it gets a bar.
//!
//! [`tex`] parses a formula into its parts, [`typeset`] arranges them on lines, and [`block`] joins them.

mod block;

mod symbols;
mod tex;
mod token;
mod typeset;

use super::Glyphs;
use block::{Block, Side};
use symbols::Class;
use tex::Node;
use typeset::{Style, Typeset, Typesetter, class_of};

/// A formula up to this length stays on one line of the text.
const KEPT: usize = 24;
/// What begins a line on which a wide formula continues; a space follows it.
const INDENT: &str = "   ";

/// Typesets a formula in a line of text, such as `\sigma(x)` -> `σ(x)`.
///
/// # Errors
/// If the formula can't be parsed, or not in one line.
pub fn inline(tex: &str) -> Result<String, String> {
    let typesetter = Typesetter { glyphs: Glyphs::Unicode };
    let set = tex::read(tex).and_then(|row| typesetter.row(&row, Style::Line, None));
    match set.map_err(|why| fault(tex, &why))? {
        Typeset::Line(text) if text.chars().count() <= KEPT => Ok(text.replace(' ', "\u{a0}")),
        Typeset::Line(text) => Ok(text),
        Typeset::Block(_) => Err(fault(tex, "it takes several lines; display it between `$$`")),
    }
}

/// Typesets a formula on lines of its own, broken at its relations and operators if it is wider than `width`. It may
/// remain wider if it has none.
///
/// # Errors
/// If the formula can't be parsed.
pub fn display(tex: &str, glyphs: Glyphs, width: usize) -> Result<Vec<String>, String> {
    let typesetter = Typesetter { glyphs };
    let set = || {
        let row = tex::read(tex)?;
        let whole = typesetter.block(typesetter.row(&row, Style::Display, None)?);
        if whole.width <= width { Ok(whole) } else { broken(&typesetter, &row, width) }
    };
    set().map(Block::trimmed).map_err(|why| fault(tex, &why))
}

fn fault(tex: &str, why: &str) -> String {
    format!("{why}, in the formula `{}`", tex.trim())
}

/// On several lines, broken where it reads best: after a comma, else before its relations, else before its operators
/// too.
fn broken(typesetter: &Typesetter, row: &[Node], width: usize) -> Result<Block, String> {
    let rank = |at: usize| match (class_of(&row[at - 1]), class_of(&row[at])) {
        (Class::Punctuation, _) => 0,
        (_, Class::Relation) => 1,
        (_, Class::Binary) => 2,
        _ => usize::MAX,
    };
    let mut whole = Block::default();
    for most in 0..=2 {
        let ends: Vec<usize> = (1..row.len()).filter(|&at| rank(at) <= most).chain([row.len()]).collect();
        whole = filled(typesetter, row, &ends, width)?;
        if whole.width <= width {
            break;
        }
    }
    Ok(whole)
}

/// On as few lines as possible, each up to one of these ends.
fn filled(typesetter: &Typesetter, row: &[Node], ends: &[usize], width: usize) -> Result<Block, String> {
    let set = |from: usize, to: usize| {
        let before = (from > 0).then(|| class_of(&row[from - 1])).map(|class| match class {
            Class::Punctuation => class,
            _ => Class::Ordinary,
        });
        let block = typesetter.block(typesetter.row(&row[from..to], Style::Display, before)?);
        Ok::<_, String>(if from > 0 { Block::join(&[Block::line(INDENT), block]) } else { block })
    };
    let (mut lines, mut from, mut fits) = (Vec::new(), 0, 0);
    let mut line = Block::default();
    for &end in ends {
        let longer = set(from, end)?;
        if longer.width > width && fits > from {
            lines.push(std::mem::take(&mut line));
            from = fits;
            line = set(from, end)?;
        } else {
            line = longer;
        }
        fits = end;
    }
    lines.push(line);
    Ok(Block::stacked(lines, Side::Left, 0))
}

#[cfg(test)]
mod tests;
