//! What a writer should mend in a lesson, or in the whole set.

use super::cell::{Cell, CellBody};
use super::claim::ClaimCell;
use super::document::{Block, BlockKind, Document, Fault, Inline, Position, Target, each_block};
use super::glyphs::Glyphs;
use super::layout::lay_out;
use super::parse::parse;
use std::collections::HashSet;

/// The narrowest screen on which everything must be readable.
const COLUMNS: u16 = 80;
/// What the notebook's margins take of it.
const MARGINS: u16 = 4;

/// Reads `(file, text)` pairs as one set of lessons and lists every fault, in order. Links to lessons may also lead to
/// the `known` ids, with any heading.
pub fn check(files: &[(&str, &str)], known: &[String]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut documents = Vec::new();
    for (file, text) in files {
        let (document, found) = parse(file, text);
        faults.extend(found);
        documents.push(document);
    }
    let mut ids = HashSet::new();
    for document in &documents {
        let id = &document.meta.id;
        if !id.is_empty() && !ids.insert(id.as_str()) {
            faults.push(fault(document, first(), format!("the lesson id `{id}` is taken by an earlier file")));
        }
    }
    for document in &documents {
        document_faults(document, &documents, known, &mut faults);
    }
    faults.sort();
    faults.dedup();
    faults
}

fn first() -> Position {
    Position { line: 1, column: 1 }
}

fn fault(document: &Document, at: Position, message: impl Into<String>) -> Fault {
    Fault { file: document.file.clone(), at, message: message.into() }
}

fn document_faults(document: &Document, all: &[Document], known: &[String], faults: &mut Vec<Fault>) {
    for (name, value) in [
        ("id", &document.meta.id),
        ("title", &document.meta.title),
        ("part", &document.meta.part),
        ("summary", &document.meta.summary),
    ] {
        if value.trim().is_empty() {
            faults.push(fault(document, first(), format!("the front matter's `{name}` is missing or empty")));
        }
    }
    let mut cells = HashSet::new();
    for cell in document.cells() {
        if !cells.insert(cell.id.as_str()) {
            faults.push(fault(document, cell.at, format!("the cell id `{}` is used twice", cell.id)));
        }
        if let CellBody::Claim(claim) = &cell.body {
            faults.extend(nowhere(claim, all, known).map(|what| fault(document, cell.at, what)));
        }
        faults.extend(empty_texts(cell).into_iter().map(|what| fault(document, cell.at, what)));
    }
    let mut anchors = HashSet::new();
    each_block(&document.blocks, &mut |block| {
        if let BlockKind::Heading { anchor, .. } = &block.kind
            && !anchors.insert(anchor.as_str())
        {
            faults.push(fault(document, block.at, format!("a second heading with the anchor #{anchor}")));
        }
    });
    each_block(&document.blocks, &mut |block| {
        each_link(block, &mut |at, target| {
            if let Some(why) = dead(target, document, all, known) {
                faults.push(fault(document, at, why));
            }
        });
    });
    let layout = lay_out(document, COLUMNS - MARGINS, Glyphs::Unicode, |_| 1);
    faults.extend(layout.faults.into_iter().map(|(at, message)| fault(document, at, message)));
}

fn empty_texts(cell: &Cell) -> Vec<String> {
    let texts: Vec<(&str, &str)> = match &cell.body {
        CellBody::Train(train) => vec![("title", &train.title)],
        CellBody::Experiment(experiment) => vec![("title", &experiment.title)],
        CellBody::Predict(predict) => vec![("question", &predict.question)],
        CellBody::Quiz(quiz) => vec![("question", &quiz.question)],
        CellBody::Claim(claim) => vec![("says", &claim.says)],
    };
    let empty = texts.into_iter().filter(|(_, text)| text.trim().is_empty());
    empty.map(|(name, _)| format!("the cell `{}` has an empty `{name}`", cell.id)).collect()
}

/// Why a claim can't be measured where it says.
fn nowhere(claim: &ClaimCell, all: &[Document], known: &[String]) -> Option<String> {
    let ClaimCell { lesson, cell, .. } = claim;
    match all.iter().find(|other| other.meta.id == *lesson) {
        None if known.contains(lesson) => None,
        None => Some(format!("there is no lesson `{lesson}` to measure this claim in")),
        Some(other) if other.cell(cell).is_none() => Some(format!("the lesson `{lesson}` has no cell `{cell}`")),
        Some(_) => None,
    }
}

/// Why a link leads nowhere.
fn dead(target: &Target, document: &Document, all: &[Document], known: &[String]) -> Option<String> {
    let has_anchor = |document: &Document, wanted: &str| {
        let mut found = wanted == "sources" && !document.meta.references.is_empty();
        each_block(&document.blocks, &mut |block| {
            found |= matches!(&block.kind, BlockKind::Heading { anchor, .. } if anchor == wanted);
        });
        found
    };
    match target {
        Target::Lesson { id, anchor } => match all.iter().find(|other| other.meta.id == *id) {
            None if known.contains(id) => None,
            None => Some(format!("there is no lesson `{id}`")),
            Some(other) => {
                let anchor = anchor.as_ref().filter(|anchor| !has_anchor(other, anchor))?;
                Some(format!("the lesson `{id}` has no heading #{anchor}"))
            }
        },
        Target::Heading(anchor) if !has_anchor(document, anchor) => Some(format!("there is no heading #{anchor} here")),
        Target::Reference(key) if !document.meta.references.iter().any(|r| r.key == *key) => {
            Some(format!("there is no reference `{key}` in the front matter"))
        }
        Target::Cell(id) if document.cell(id).is_none() => Some(format!("there is no cell `{id}` here")),
        _ => None,
    }
}

fn each_link(block: &Block, visit: &mut impl FnMut(Position, &Target)) {
    match &block.kind {
        BlockKind::Heading { text, .. } | BlockKind::Paragraph(text) => links(text, visit),
        BlockKind::Table { header, rows, .. } => {
            header.iter().chain(rows.iter().flatten()).for_each(|cell| links(cell, visit));
        }
        _ => {}
    }
}

fn links(inlines: &[Inline], visit: &mut impl FnMut(Position, &Target)) {
    for inline in inlines {
        match inline {
            Inline::Link { at, target, text } => {
                visit(*at, target);
                links(text, visit);
            }
            Inline::Emphasis(inner) | Inline::Strong(inner) => links(inner, visit),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "+++\nid = \"x\"\ntitle = \"T\"\npart = \"I\"\nsummary = \"s\"\nminutes = 3\n+++\n";

    fn faults(body: &str) -> Vec<String> {
        let text = format!("{HEAD}{body}");
        check(&[("x.md", &text)], &[]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_sound_lesson_has_no_faults() {
        assert_eq!(faults("# One\n\nText with $x^2$, see [one](#one).\n"), [] as [&str; 0]);
    }

    #[test]
    fn each_fault_has_its_place() {
        let cases = [
            ("```dance\n```\n", "x.md:8:1: unknown cell `dance`"),
            ("```train\nid = \"r\"\ntitle = \"t\"\nepoch = 3\n```\n", "x.md:11:1: train: unknown field `epoch`"),
            ("```train\nid = \"r\"\ntitle = \"t\"\nepochs = 0\n```\n", "x.md:11:1: train: epochs: 0 is out of range"),
            (
                "```experiment\nid = \"r\"\ntitle = \"t\"\nexperiment = \"dying\"\nwidht = 3\n```\n",
                "x.md:12:1: experiment: unknown field `widht`",
            ),
            (
                "```experiment\nid = \"r\"\ntitle = \"t\"\nexperiment = \"dying\"\n  width = true\n```\n",
                "x.md:12:3: experiment: invalid type",
            ),
            (
                "```experiment\nid = \"r\"\ntitle = \"t\"\nwidth = 3\nexperiment = \"dyeing\"\n```\n",
                "x.md:12:1: experiment: unknown variant `dyeing`",
            ),
            (
                "```experiment\nid = \"r\"\ntitle = \"t\"\neffort = \"slow\"\nexperiment = \"dying\"\n```\n",
                "x.md:11:1: experiment: unknown variant `slow`",
            ),
            (
                "```plot\nid = \"r\"\ntitle = \"t\"\nexperiment = \"dying\"\nepochs = 0\n```\n",
                "x.md:12:1: plot: epochs: 0 is out of range",
            ),
            (
                "```plot\nid = \"r\"\ntitle = 3\nexperiment = \"dying\"\n```\n",
                "x.md:10:1: plot: `title` must be a text",
            ),
            ("[a](lesson:nowhere)\n", "x.md:8:1: there is no lesson `nowhere`"),
            ("[a](ref:nobody)\n", "x.md:8:1: there is no reference `nobody`"),
            ("[a](cell:none)\n", "x.md:8:1: there is no cell `none`"),
            ("a $\\frac{1$ b\n", "x.md:8:1: the formula `\\frac{1`"),
            ("<b>bold</b>\n", "x.md:8:1: raw HTML"),
            ("![x](y.png)\n", "x.md:8:1: the image `y.png`"),
        ];
        for (body, expected) in cases {
            let found = faults(body);
            assert!(found.iter().any(|fault| fault.starts_with(expected)), "{body}: {found:?}");
        }
        let wide = format!("```text\n{}\n```\n", "x".repeat(90));
        assert!(faults(&wide)[0].contains("does not fit"), "{:?}", faults(&wide));
    }

    #[test]
    fn front_matter_is_checked() {
        let all = |text: &str| check(&[("y.md", text)], &[]).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(all("no head")[0].starts_with("y.md:1:1: the front matter is missing"));
        assert!(
            all("+++\nid = 3\n+++\n").iter().any(|f| f.starts_with("y.md:2:6: ")),
            "{:?}",
            all("+++\nid = 3\n+++\n")
        );
    }

    /// Found by the test below: a backtick without its partner before full-width punctuation.
    #[test]
    fn a_lone_backtick_before_full_width_punctuation_does_not_panic() {
        faults("`\t¡`！A");
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(body in "(?s).{0,200}") {
            check(&[("x.md", &format!("{HEAD}{body}")), ("y.md", &body)], &[]);
        }
    }
}
