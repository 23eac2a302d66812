//! What a writer should mend in a lesson, or in the whole set.

use super::cell::{Cell, CellBody};
use super::claim::{ClaimCell, Test};
use super::document::{Block, BlockKind, Document, Fault, Inline, Meta, Position, Target, each_block, plain};
use super::glyphs::Glyphs;
use super::layout::lay_out;
use super::notes::{undefined_notes, unused_notes};
use super::parse::Parsed;
use crate::protocol::{RACE, finds};
use std::collections::HashSet;
use unicode_width::UnicodeWidthStr;

/// The narrowest screen on which everything must be readable.
const COLUMNS: u16 = 80;
const ROWS: u16 = 24;
/// What the notebook's margins take of its columns.
const MARGINS: u16 = 4;

/// The widest title of a cell: what its frame leaves of the narrowest screen, for a race its run's number too.
const TITLE: usize = 72;
const RACE_TITLE: usize = 62;

/// Every fault of a set of lessons, in order: those found when they were read, and what is wrong with them together.
/// Links and claims may also lead to the lessons that are `known` besides.
pub fn check(lessons: &[Parsed], known: &[Document]) -> Vec<Fault> {
    let documents: Vec<&Document> = lessons.iter().map(|(document, _)| document).collect();
    let mut faults: Vec<Fault> = lessons.iter().flat_map(|(_, found)| found.iter().cloned()).collect();
    let mut ids = HashSet::new();
    for document in &documents {
        let id = &document.meta.id;
        if !id.is_empty() && !ids.insert(id.as_str()) {
            faults.push(fault(document, first(), format!("the lesson id `{id}` is taken by an earlier file")));
        }
    }
    // A lesson that is being checked stands in the place of the known one whose id it has.
    let others = known.iter().filter(|other| !documents.iter().any(|checked| checked.meta.id == other.meta.id));
    let all: Vec<&Document> = documents.iter().copied().chain(others).collect();
    for document in &documents {
        document_faults(document, &all, &mut faults);
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

fn document_faults(document: &Document, all: &[&Document], faults: &mut Vec<Fault>) {
    // A head that can't be read is one fault, told already.
    let has_head = document.meta != Meta::default();
    for (name, value) in [
        ("id", &document.meta.id),
        ("title", &document.meta.title),
        ("part", &document.meta.part),
        ("summary", &document.meta.summary),
    ] {
        if has_head && value.trim().is_empty() {
            faults.push(fault(document, first(), format!("the front matter's `{name}` is missing or empty")));
        }
    }
    let mut cells = HashSet::new();
    for cell in document.cells() {
        if !cells.insert(cell.id.as_str()) {
            faults.push(fault(document, cell.at, format!("the cell id `{}` is used twice", cell.id)));
        }
        if let CellBody::Claim(claim) = &cell.body {
            faults.extend(nowhere(claim, all).into_iter().map(|what| fault(document, cell.at, what)));
        }
        faults.extend(text_faults(cell).into_iter().map(|what| fault(document, cell.at, what)));
    }
    let mut anchors = HashSet::new();
    each_block(&document.blocks, &mut |block| match &block.kind {
        BlockKind::Heading { anchor, .. } if !anchors.insert(anchor.as_str()) => {
            faults.push(fault(document, block.at, format!("a second heading with the anchor #{anchor}")));
        }
        BlockKind::Image { path, caption } if plain(caption).trim().is_empty() => {
            let missing = format!("the image `{path}` needs words that say what it shows, between its [ and ]");
            faults.push(fault(document, block.at, missing));
        }
        _ => {}
    });
    each_block(&document.blocks, &mut |block| {
        each_link(block, &mut |at, target| {
            let known = has_head || !matches!(target, Target::Reference(_));
            if let Some(why) = dead(target, document, all).filter(|_| known) {
                faults.push(fault(document, at, why));
            }
        });
    });
    let notes = undefined_notes(document).into_iter().chain(unused_notes(document));
    faults.extend(notes.map(|(at, what)| fault(document, at, what)));
    let layout = lay_out(document, (COLUMNS - MARGINS, ROWS), Glyphs::Unicode, |_| 1);
    faults.extend(layout.faults.into_iter().map(|(at, message)| fault(document, at, message)));
}

fn text_faults(cell: &Cell) -> Vec<String> {
    let (name, text, room) = match &cell.body {
        CellBody::Train(train) => ("title", &train.title, RACE_TITLE),
        CellBody::Experiment(experiment) => ("title", &experiment.title, TITLE),
        CellBody::Predict(predict) => ("question", &predict.question, usize::MAX),
        CellBody::Quiz(quiz) => ("question", &quiz.question, usize::MAX),
        CellBody::Claim(claim) => ("says", &claim.says, usize::MAX),
    };
    let mut faults = Vec::new();
    if text.trim().is_empty() {
        faults.push(format!("the cell `{}` has an empty `{name}`", cell.id));
    }
    let width = text.width();
    if width > room {
        faults.push(format!("the title of the cell `{}` takes {width} columns; there is room for {room}", cell.id));
    }
    faults
}

/// Why a claim can't be measured where it says.
fn nowhere(claim: &ClaimCell, all: &[&Document]) -> Vec<String> {
    let ClaimCell { lesson, cell, .. } = claim;
    let Some(other) = all.iter().find(|other| other.meta.id == *lesson) else {
        return vec![format!("there is no lesson `{lesson}` to measure this claim in")];
    };
    if other.cell(cell).is_none() {
        return vec![format!("the lesson `{lesson}` has no cell `{cell}`")];
    }
    // Every cell of the lesson counts.
    let found = |key: &str| {
        other.cells().iter().any(|cell| match &cell.body {
            CellBody::Train(_) => finds(RACE, key),
            CellBody::Experiment(cell) => finds(cell.spec.experiment.finding_keys(), key),
            CellBody::Predict(_) | CellBody::Quiz(_) | CellBody::Claim(_) => false,
        })
    };
    let wanted = claim.tests.iter().flat_map(Test::findings).filter(|key| !found(key));
    wanted.map(|key| format!("no cell of the lesson `{lesson}` finds `{key}`")).collect()
}

/// Why a link leads nowhere.
fn dead(target: &Target, document: &Document, all: &[&Document]) -> Option<String> {
    let has_anchor = |document: &Document, wanted: &str| {
        let mut found = wanted == "sources" && !document.meta.references.is_empty();
        each_block(&document.blocks, &mut |block| {
            found |= matches!(&block.kind, BlockKind::Heading { anchor, .. } if anchor == wanted);
        });
        found
    };
    match target {
        Target::Lesson { id, anchor } => match all.iter().find(|other| other.meta.id == *id) {
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

pub(super) fn each_inlines(block: &Block, visit: &mut impl FnMut(&[Inline])) {
    match &block.kind {
        BlockKind::Heading { text, .. } | BlockKind::Paragraph(text) | BlockKind::Image { caption: text, .. } => {
            visit(text);
        }
        BlockKind::Table { header, rows, .. } => {
            header.iter().chain(rows.iter().flatten()).for_each(|cell| visit(cell));
        }
        _ => {}
    }
}

fn each_link(block: &Block, visit: &mut impl FnMut(Position, &Target)) {
    each_inlines(block, &mut |inlines| links(inlines, visit));
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
    use super::super::parse;
    use super::*;

    const HEAD: &str = "+++\nid = \"x\"\ntitle = \"T\"\npart = \"I\"\nsummary = \"s\"\nminutes = 3\n+++\n";

    fn faults(body: &str) -> Vec<String> {
        let text = format!("{HEAD}{body}");
        check(&[parse("x.md", &text)], &[]).iter().map(ToString::to_string).collect()
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
            ("Über [a](lesson:nowhere)\n", "x.md:8:6: there is no lesson `nowhere`"),
            ("[a](ref:nobody)\n", "x.md:8:1: there is no reference `nobody`"),
            ("[a](cell:none)\n", "x.md:8:1: there is no cell `none`"),
            ("ä\nß $\\frac{1$ b\n", "x.md:9:3: a `{` is not closed, in the formula `\\frac{1`"),
            ("<b>bold</b>\n", "x.md:8:1: raw HTML"),
            ("a ![x](y.png)\n", "x.md:8:3: the image `y.png` needs lines of its own"),
            ("a\n![x](y.png)\n", "x.md:9:1: the image `y.png` needs lines of its own"),
            ("![x](y.png)\n", "x.md:8:1: the image `y.png`: there is no such file"),
            ("![](y.png)\n", "x.md:8:1: the image `y.png` needs words that say what it shows"),
            ("![x](https://a.b/y.png)\n", "x.md:8:1: the image `https://a.b/y.png` would have to be fetched"),
            ("![x](/y.png)\n", "x.md:8:1: the image `/y.png` lies outside the lesson's folder"),
            ("- ![x](a/../../y.png)\n", "x.md:8:3: the image `a/../../y.png` lies outside the lesson's folder"),
            ("![x]()\n", "x.md:8:1: an image needs a file"),
            ("![[a](cell:none)](y.png)\n", "x.md:8:3: there is no cell `none` here"),
            ("a\n\n[^n]: A note.\n", "x.md:10:1: nothing refers to the footnote [^n]"),
            ("```quiz\nid = \"q\"\n\nText.\n", "x.md:8:1: this block is not closed"),
            (
                "```experiment\nid = \"r\"\ntitle = \"t\"\nexperiment = \"dying\"\nepochs = \"3\"\n```\n",
                "x.md:12:1: experiment: invalid type: string \"3\", expected a whole number",
            ),
            ("Two\nlines[^x], \\[^y].\n", "x.md:9:6: there is no footnote [^x]"),
            ("| a |\n|---|\n| [b](#c) |\n", "x.md:10:3: there is no heading #c here"),
            ("# A\n\n# A\n", "x.md:10:1: a second heading with the anchor #a"),
            (
                "```plot\nid = \"r\"\ntitle = \"t\"\nexperiment = \"dying\"\n```\n",
                "x.md:11:1: plot: it is measured as soon as it is seen, and this takes about",
            ),
        ];
        for (body, expected) in cases {
            let found = faults(body);
            assert!(found.iter().any(|fault| fault.starts_with(expected)), "{body}: {found:?}");
        }
        let cell =
            |title: &str| format!("```plot\nid = \"r\"\ntitle = \"{title}\"\nexperiment = \"relu-forms\"\n```\n\n");
        let named =
            |id: &str| faults(&format!("```plot\ntitle = \"t\"\nid = \"{id}\"\nexperiment = \"relu-forms\"\n```\n"));
        assert!(named(r"a\u0000b")[0].starts_with("x.md:10:1: plot: `id` holds control characters"));
        assert!(named("a/b")[0].starts_with("x.md:10:1: plot: `id` holds a `/`"));
        assert!(named(&"x".repeat(101))[0].ends_with("has 101 characters; the most is 100"));
        let twice = cell("t").repeat(2);
        assert_eq!(faults(&twice), ["x.md:14:1: the cell id `r` is used twice"]);
        let long = faults(&cell(&"x".repeat(73)));
        assert_eq!(long, ["x.md:8:1: the title of the cell `r` takes 73 columns; there is room for 72"]);
        let order = format!("order = [{}]", "\"a\", ".repeat(10));
        let choices = format!("choices = [{}]", "{ text = \"a\", right = true, because = \"b\" }, ".repeat(10));
        for question in [
            format!("```predict\nid = \"r\"\nquestion = \"q\"\nexplanation = \"e\"\n{order}\n```\n"),
            format!("```quiz\nid = \"r\"\nquestion = \"q\"\n\n{choices}\n```\n"),
        ] {
            let found = faults(&question);
            assert!(found[0].starts_with("x.md:12:1: ") && found[0].contains("nine"), "{found:?}");
        }
        let wide = format!("```text\n{}\n```\n", "x".repeat(90));
        assert!(faults(&wide)[0].contains("does not fit"), "{:?}", faults(&wide));
    }

    #[test]
    fn front_matter_is_checked() {
        let all = |text: &str| check(&[parse("y.md", text)], &[]).iter().map(ToString::to_string).collect::<Vec<_>>();
        // One fault alone: what hangs on the head is not told besides.
        let headless = all("A [paper](ref:p).");
        assert!(
            headless.len() == 1 && headless[0].starts_with("y.md:1:1: the front matter is missing"),
            "{headless:?}"
        );
        let (document, _) = parse("y.md", &HEAD.replace("\"x\"", r#""x\u0000/\u202ey""#));
        assert_eq!(document.meta.id, "xy");
        let control = all(&HEAD.replace("\"x\"", r#""x\u0000y""#));
        assert!(control[0].starts_with("y.md:2:1: the lesson's `id` holds control characters"), "{control:?}");
        assert!(
            all("+++\nid = 3\n+++\n").iter().any(|f| f.starts_with("y.md:2:6: ")),
            "{:?}",
            all("+++\nid = 3\n+++\n")
        );
    }

    fn claim(rest: &str) -> String {
        format!("```claim\nid = \"c\"\nsays = \"s\"\narticle = \"a\"\nliterature = \"l\"\n{rest}\n```\n")
    }

    #[test]
    fn a_claim_is_measured_somewhere() {
        let cell = "```experiment\nid = \"r\"\ntitle = \"t\"\nexperiment = \"dying\"\n```\n";
        let faults = |rest: &str| faults(&format!("{}{cell}", claim(rest)));
        let sound = "lesson = \"x\"\ncell = \"r\"\n[[tests]]\nfinding = \"dying.dead.relu.0.1\"\nwithin = [0, 1]";
        assert_eq!(faults(sound), [] as [&str; 0]);
        for (from, to, expected) in [
            ("\"x\"", "\"y\"", "x.md:8:1: there is no lesson `y` to measure this claim in"),
            ("\"r\"", "\"q\"", "x.md:8:1: the lesson `x` has no cell `q`"),
            ("dead", "ded", "x.md:8:1: no cell of the lesson `x` finds `dying.ded.relu.0.1`"),
            ("[0, 1]", "[2, 1]", "x.md:15:1: claim: `within` needs two numbers"),
            ("within", "# within", "x.md:15:1: claim: a test is one of"),
        ] {
            let found = faults(&sound.replacen(from, to, 1));
            assert!(found.len() == 1 && found[0].starts_with(expected), "{found:?}");
        }
        let empty = sound.replacen("lesson", "literature = \"\"\nlesson", 1);
        let found = super::tests::faults(&claim(&empty).replacen("literature = \"l\"\n", "", 1));
        assert!(found[0].starts_with("x.md:12:1: claim: `literature` is empty"), "{found:?}");
    }

    #[test]
    fn lessons_of_a_set_are_told_apart_and_the_shipped_ones_are_known() {
        let text = format!("{HEAD}See [there](lesson:sigmoid#nowhere) and [here](lesson:sigmoid).\n");
        let lessons = super::super::Library::english().lessons;
        let all = |files: &[(&str, &str)]| {
            let parsed: Vec<_> = files.iter().map(|(file, text)| parse(file, text)).collect();
            check(&parsed, &lessons).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(all(&[("x.md", &text)]), ["x.md:8:5: the lesson `sigmoid` has no heading #nowhere"]);
        let twice = all(&[("x.md", HEAD), ("y.md", HEAD)]);
        assert_eq!(twice, ["y.md:1:1: the lesson id `x` is taken by an earlier file"]);
    }

    /// Found by the test below: a backtick without its partner before full-width punctuation.
    #[test]
    fn a_lone_backtick_before_full_width_punctuation_does_not_panic() {
        faults("`\t¡`！A");
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(body in "(?s).{0,200}") {
            check(&[parse("x.md", &format!("{HEAD}{body}")), parse("y.md", &body)], &[]);
        }
    }
}
