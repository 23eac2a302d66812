//! What an author should correct in a lesson, or in a whole set.

use super::cell::{Cell, CellBody};
use super::claim::{ClaimCell, Test};
use super::document::{Block, BlockKind, Document, Inline, inline_text, visit_blocks};
use super::fault::{Fault, Position, Severity};
use super::glyphs::Glyphs;
use super::layout::layout_faults;
use super::parse::Parsed;
use super::prediction::PredictCell;
use super::spoilers::spoilers;
use super::target::Target;
use super::view::ViewCell;
use protocol::{
    ArmId, ImageSplit, Layer, LayerKind, RACE_FINDING_KEYS, Study, ViewKind, layer_finding_keys, matches_any,
    run_finding_keys,
};
use std::collections::{HashMap, HashSet};
use unicode_width::UnicodeWidthStr;

/// The narrowest screen on which everything must be readable.
const COLUMNS: u16 = 80;
const ROWS: u16 = 24;
/// The columns that the notebook's margins take.
const MARGINS: u16 = 4;

/// The widest title of a cell: what its frame leaves of the narrowest screen, and for a training the run's number too.
const TITLE: usize = 72;
const RACE_TITLE: usize = 62;

/// Every fault of a set of lessons, in order: those found in parsing, and those of the set as a whole. Links and claims
/// may also refer to the `known` lessons.
pub fn check<'k>(lessons: &'k [Parsed], known: impl IntoIterator<Item = &'k Document>) -> Vec<Fault> {
    let documents: Vec<&Document> = lessons.iter().map(|(document, _)| document).collect();
    let mut faults: Vec<Fault> = lessons.iter().flat_map(|(_, found)| found.iter().cloned()).collect();
    let mut ids = HashSet::new();
    for document in &documents {
        let id = &document.meta.id;
        if !id.is_empty() && !ids.insert(id.as_str()) {
            faults.push(fault(document, first(), format!("the lesson id `{id}` is taken by an earlier file")));
        }
    }
    // A lesson that is checked replaces the known one with its id.
    let others = known.into_iter().filter(|other| !documents.iter().any(|checked| checked.meta.id == other.meta.id));
    let mut all = HashMap::new();
    for document in documents.iter().copied().chain(others) {
        all.entry(document.meta.id.as_str()).or_insert_with(|| Known::of(document));
    }
    for document in &documents {
        // Two files with one id are checked each by itself.
        let own = Known::of(document);
        document_faults(&own, &all, &mut faults);
    }
    rename_faults(&documents, &all, &mut faults);
    faults.sort();
    faults.dedup();
    faults
}

/// What a link to a lesson can refer to.
struct Known<'d> {
    document: &'d Document,
    anchors: HashSet<&'d str>,
    cells: HashSet<&'d str>,
    references: HashSet<&'d str>,
    /// The patterns of the keys that its cells find, each list once.
    findings: Vec<&'static [&'static str]>,
}

impl<'d> Known<'d> {
    fn of(document: &'d Document) -> Self {
        let references: HashSet<&str> = document.meta.references.iter().map(|known| known.key.as_str()).collect();
        let mut known =
            Self { document, anchors: HashSet::new(), cells: HashSet::new(), references, findings: Vec::new() };
        if !known.references.is_empty() {
            known.anchors.insert("sources");
        }
        known.cells.extend(document.unparsed.cells.iter().map(String::as_str));
        visit_blocks(&document.blocks, &mut |block| match &block.kind {
            BlockKind::Heading { anchor, .. } => {
                known.anchors.insert(anchor);
            }
            BlockKind::Cell(cell) => {
                known.cells.insert(&cell.id);
                let found = match &cell.body {
                    CellBody::Train(_) => RACE_FINDING_KEYS,
                    CellBody::Experiment(cell) => cell.spec.experiment.finding_keys(),
                    CellBody::Predict(_)
                    | CellBody::Quiz(_)
                    | CellBody::Claim(_)
                    | CellBody::Predictions(_)
                    | CellBody::View(_) => return,
                };
                if !known.findings.contains(&found) {
                    known.findings.push(found);
                }
            }
            _ => {}
        });
        known
    }

    /// Whether there is certainly no such heading.
    fn lacks_heading(&self, anchor: &str) -> bool {
        let unparsed = &self.document.unparsed;
        let may_be = unparsed.rest || (anchor == "sources" && unparsed.references);
        !may_be && !self.anchors.contains(anchor)
    }

    /// Whether there is certainly no such cell.
    fn lacks_cell(&self, id: &str) -> bool {
        let unparsed = &self.document.unparsed;
        !self.cells.contains(id) && !unparsed.rest && !unparsed.cell_without_id
    }
}

/// The lessons to which links may lead, by their ids.
type Lessons<'d> = HashMap<&'d str, Known<'d>>;

fn first() -> Position {
    Position { line: 1, column: 1 }
}

fn fault(document: &Document, at: Position, message: impl Into<String>) -> Fault {
    Fault { file: document.file.clone(), at, severity: Severity::Error, message: message.into() }
}

fn warning(document: &Document, at: Position, message: impl Into<String>) -> Fault {
    Fault { severity: Severity::Warning, ..fault(document, at, message) }
}

/// Former ids that have two successors, or that are still in use.
fn rename_faults(checked: &[&Document], all: &Lessons, faults: &mut Vec<Fault>) {
    // The known lessons come first, so that the fault is reported in the checked one.
    let known = all.values().map(|known| known.document);
    let known = known.filter(|document| !checked.iter().any(|other| other.meta.id == document.meta.id));
    let (mut lessons, mut cells) = (HashMap::new(), HashMap::new());
    for document in known.chain(checked.iter().copied()) {
        let is_checked = checked.iter().any(|other| std::ptr::eq(*other, document));
        let mut tell = |at, message: String| {
            if is_checked {
                faults.push(fault(document, at, message));
            }
        };
        let id = &document.meta.id;
        for was in &document.meta.was {
            if all.contains_key(was.as_str()) {
                tell(first(), format!("`{was}` can't be an old id: there is such a lesson"));
            } else if let Some(other) = lessons.insert(was.clone(), id.clone()) {
                tell(first(), format!("the lesson `{other}` was `{was}` already; an id has one successor"));
            }
        }
        for cell in document.cells() {
            let Some(was) = &cell.was else { continue };
            let name = format!("{}/{}", was.lesson, was.cell);
            if all.get(was.lesson.as_str()).is_some_and(|known| known.cells.contains(was.cell.as_str())) {
                tell(cell.at, format!("`{name}` can't be an old id: there is such a cell"));
            } else if let Some(other) = cells.insert(was.clone(), format!("{id}/{}", cell.id)) {
                tell(cell.at, format!("the cell `{other}` was `{name}` already; an id has one successor"));
            }
        }
    }
}

fn document_faults(own: &Known, all: &Lessons, faults: &mut Vec<Fault>) {
    let document = own.document;
    let mut cells = HashSet::new();
    for cell in document.cells() {
        if !cells.insert(cell.id.as_str()) {
            faults.push(fault(document, cell.at, format!("the cell id `{}` is used twice", cell.id)));
        }
        if let CellBody::Claim(claim) = &cell.body {
            faults.extend(claim_faults(claim, all).into_iter().map(|what| fault(document, cell.at, what)));
        }
        if let CellBody::Predict(predict) = &cell.body {
            prediction_faults(cell, predict, own, all, faults);
        }
        if let CellBody::View(view) = &cell.body {
            let found = view_faults(view, own, all);
            faults.extend(found.into_iter().map(|what| fault(document, cell.at, what)));
        }
        faults.extend(text_fault(cell).map(|what| fault(document, cell.at, what)));
    }
    faults.extend(guessable(document).into_iter().map(|(at, what)| warning(document, at, what)));
    faults.extend(spoilers(document).into_iter().map(|(at, what)| warning(document, at, what)));
    let mut anchors = HashSet::new();
    visit_blocks(&document.blocks, &mut |block| match &block.kind {
        BlockKind::Heading { anchor, .. } if !anchors.insert(anchor.as_str()) => {
            faults.push(fault(document, block.at, format!("a second heading with the anchor #{anchor}")));
        }
        BlockKind::Image { path, caption } if inline_text(caption).trim().is_empty() => {
            let missing = format!("the image `{path}` needs words that say what it shows, between its [ and ]");
            faults.push(fault(document, block.at, missing));
        }
        _ => {}
    });
    sealed_faults(own, faults);
    visit_blocks(&document.blocks, &mut |block| {
        each_link(block, &mut |at, target| faults.extend(dead(target, own, all).map(|why| fault(document, at, why))));
    });
    let unfit = layout_faults(document, (COLUMNS - MARGINS, ROWS), Glyphs::Unicode);
    faults.extend(unfit.into_iter().map(|(at, message)| fault(document, at, message)));
}

/// What prevents a sealed block's cells from unfolding it.
fn sealed_faults(own: &Known, faults: &mut Vec<Fault>) {
    let document = own.document;
    let mut above = HashSet::new();
    visit_blocks(&document.blocks, &mut |block| match &block.kind {
        BlockKind::Cell(cell) => {
            above.insert(cell.id.as_str());
        }
        BlockKind::Sealed(sealed) => {
            for id in &sealed.cells {
                let message = match document.cell(id).map(|cell| &cell.body) {
                    None if own.lacks_cell(id) => format!("there is no cell `{id}` here whose outcome this could tell"),
                    Some(CellBody::Quiz(_) | CellBody::Claim(_) | CellBody::View(_)) => {
                        format!("`{id}` has no outcome; a sealed block names a train, experiment, plot or predict cell")
                    }
                    Some(_) if !above.contains(id.as_str()) => {
                        format!("this tells the outcome of `{id}` and stands above it; put it below the cell")
                    }
                    _ => continue,
                };
                faults.push(fault(document, block.at, message));
            }
        }
        _ => {}
    });
}

fn text_fault(cell: &Cell) -> Option<String> {
    let (text, room) = match &cell.body {
        CellBody::Train(train) => (&train.title, RACE_TITLE),
        CellBody::Experiment(experiment) => (&experiment.title, TITLE),
        CellBody::Predictions(predictions) => (&predictions.title, TITLE),
        CellBody::View(view) => (&view.title, TITLE),
        CellBody::Predict(_) | CellBody::Quiz(_) | CellBody::Claim(_) => return None,
    };
    let width = text.width();
    (width > room)
        .then(|| format!("the title of the cell `{}` takes {width} columns; there is room for {room}", cell.id))
}

/// Why a claim's cell can't measure it.
fn claim_faults(claim: &ClaimCell, all: &Lessons) -> Vec<String> {
    let ClaimCell { lesson, cell, .. } = claim;
    let Some(other) = all.get(lesson.as_str()) else {
        return vec![format!("there is no lesson `{lesson}` to measure this claim in")];
    };
    if other.lacks_cell(cell) {
        return vec![format!("the lesson `{lesson}` has no cell `{cell}`")];
    }
    // A cell that was refused may be the one that finds it.
    let unparsed = &other.document.unparsed;
    if unparsed.rest || unparsed.cell_without_id || !unparsed.cells.is_empty() {
        return Vec::new();
    }
    // Every cell of the lesson counts.
    let found = |key: &str| other.findings.iter().any(|patterns| matches_any(patterns, key));
    let wanted = claim.tests.iter().flat_map(Test::findings).filter(|key| !found(key));
    wanted.map(|key| format!("no cell of the lesson `{lesson}` finds `{key}`")).collect()
}

/// The lesson that a cell refers to, which is its own if it names none; an error with the name of one that there is not.
fn lesson_named<'k, 'd, 'n>(
    name: Option<&'n str>,
    own: &'k Known<'d>,
    all: &'k Lessons<'d>,
) -> Result<&'k Known<'d>, &'n str> {
    match name {
        Some(name) if name != own.document.meta.id => all.get(name).ok_or(name),
        _ => Ok(own),
    }
}

/// Why a view can't be shown of the networks that the lesson's study trains.
fn view_faults(view: &ViewCell, own: &Known, all: &Lessons) -> Vec<String> {
    let ViewCell { lesson, cell, show, arms, layer, unit, image, split, .. } = view;
    let other = match lesson_named(lesson.as_deref(), own, all) {
        Ok(other) => other,
        Err(lesson) => return vec![format!("there is no lesson `{lesson}` whose networks this could show")],
    };
    if other.lacks_cell(cell) {
        return vec![format!(
            "the lesson `{}` has no cell `{cell}` whose networks this could show",
            other.document.meta.id
        )];
    }
    let study = match other.document.cell(cell).map(|cell| &cell.body) {
        Some(CellBody::Train(train)) => train.spec(),
        Some(_) => return vec![format!("the cell `{cell}` trains nothing; a view is of a train cell")],
        // A cell that was refused may train them.
        None => return Vec::new(),
    };
    let mut faults = Vec::new();
    let mut shown: Vec<ArmId> = Vec::new();
    for arm in arms {
        match study.find_arm(*arm) {
            Some(arm) => shown.push(arm),
            None => faults.push(format!("the cell `{cell}` has no arm `{arm}`")),
        }
    }
    // An arm may be named by its id and by its activations.
    if let ([first, second], [name, other]) = (shown.as_slice(), arms.as_slice())
        && first == second
    {
        faults.push(format!("`{name}` and `{other}` are the same arm of the cell `{cell}`; name one of them"));
        shown.pop();
    }
    if arms.is_empty() {
        shown.extend(study.arm_ids().take(2));
    }
    for arm in shown {
        faults.extend(
            layer_fault(&study, arm, (*show, *layer, *unit)).map(|why| format!("{arm} of the cell `{cell}` {why}")),
        );
    }
    let images = match split {
        ImageSplit::Training => Some(study.train_size),
        ImageSplit::Validation => Some(study.val_size),
        ImageSplit::Test => None,
    };
    if let Some(images) = images.filter(|images| *image >= *images) {
        let name = split.name();
        faults.push(format!("`image` is {image}; the cell `{cell}` has {images} {name} images, counted from 0"));
    }
    faults
}

/// What a view asks for that the network of an arm does not have.
fn layer_fault(
    study: &Study,
    arm: ArmId,
    (show, layer, unit): (ViewKind, Option<Layer>, Option<u32>),
) -> Option<String> {
    let widths = &study.settings(arm)?.widths;
    let layers = study.network.hidden_layers(widths);
    let names = |layers: &[Layer]| layers.iter().map(Layer::to_string).collect::<Vec<_>>().join(", ");
    let convolutions: Vec<Layer> = layers.iter().copied().filter(|layer| layer.kind == LayerKind::Conv).collect();
    if show == ViewKind::Filters && convolutions.is_empty() {
        return Some("has no convolutions, so it has no filters to show".into());
    }
    let layer = layer?;
    let Some(at) = layers.iter().position(|known| *known == layer) else {
        return Some(format!("has no hidden layer `{layer}`; it has {}", names(&layers)));
    };
    if show == ViewKind::Filters && layer.kind != LayerKind::Conv {
        return Some(format!("has no filters in {layer}; its convolutions are {}", names(&convolutions)));
    }
    let units = widths.0.get(at).copied()?;
    unit.filter(|unit| *unit >= units)
        .map(|unit| format!("has {units} units in {layer}, counted from 0; there is no unit {unit}"))
}

/// What prevents a prediction from being decided.
fn prediction_faults(cell: &Cell, predict: &PredictCell, own: &Known, all: &Lessons, faults: &mut Vec<Fault>) {
    let document = own.document;
    let Some(decision) = &predict.decides else {
        let what = "nothing decides this prediction; `decides` names a cell and what it finds";
        faults.push(warning(document, cell.at, what));
        return;
    };
    let other = match lesson_named(decision.lesson.as_deref(), own, all) {
        Ok(other) => other,
        Err(lesson) => {
            faults.push(fault(document, cell.at, format!("there is no lesson `{lesson}` to decide this prediction")));
            return;
        }
    };
    let (id, place) = (&decision.cell, &other.document.meta.id);
    if other.lacks_cell(id) {
        faults.push(fault(
            document,
            cell.at,
            format!("the lesson `{place}` has no cell `{id}` to decide this prediction"),
        ));
        return;
    }
    // A cell that was refused may find it.
    let Some(decider) = other.document.cell(id) else { return };
    let finds: Box<dyn Fn(&str) -> bool> = match &decider.body {
        CellBody::Train(train) => {
            let spec = train.spec();
            let keys = [run_finding_keys(&spec), layer_finding_keys(&spec)].concat();
            Box::new(move |key| keys.iter().any(|known| known == key))
        }
        CellBody::Experiment(experiment) => Box::new(|key| matches_any(experiment.spec.experiment.finding_keys(), key)),
        _ => {
            faults.push(fault(
                document,
                cell.at,
                format!("the cell `{id}` measures nothing; it can't decide a prediction"),
            ));
            return;
        }
    };
    let missing = decision.findings().into_iter().filter(|key| !finds(key));
    faults.extend(missing.map(|key| fault(document, cell.at, format!("the cell `{id}` does not find `{key}`"))));
    if std::ptr::eq(other.document, document) && decider.at < cell.at {
        let what = format!("the cell `{id}`, which decides this prediction, stands above it");
        faults.push(warning(document, cell.at, what));
    }
}

/// How many times as long as the mean of the others a choice may be, or the others as it.
const STANDS_OUT: f64 = 1.5;

/// Questions whose right choice stands out by its length.
fn guessable(document: &Document) -> Vec<(Position, String)> {
    let cells = document.cells();
    let quizzes = cells.iter().filter_map(|cell| match &cell.body {
        CellBody::Quiz(quiz) if !quiz.choices().is_empty() => Some((*cell, quiz)),
        _ => None,
    });
    let mut warnings = Vec::new();
    let mut ranks = Vec::new();
    for (cell, quiz) in quizzes {
        let of = |right: bool| -> Vec<f64> {
            let choices = quiz.choices().iter().filter(|choice| choice.right == right);
            choices.map(|choice| choice.text.width() as f64).collect()
        };
        let (right, wrong) = (of(true), of(false));
        if right.is_empty() || wrong.is_empty() {
            continue;
        }
        let mean = |lengths: &[f64]| lengths.iter().sum::<f64>() / lengths.len() as f64;
        let (by_right, by_wrong) = (mean(&right), mean(&wrong));
        if by_right > STANDS_OUT * by_wrong {
            warnings.push((
                cell.at,
                format!("the right choice of `{}` stands out by its length; even out the choices", cell.id),
            ));
        } else if STANDS_OUT * by_right < by_wrong {
            warnings.push((
                cell.at,
                format!("the right choice of `{}` stands out as it is short; even out the choices", cell.id),
            ));
        }
        let lowest = |lengths: &[f64]| lengths.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = |lengths: &[f64]| lengths.iter().copied().fold(0.0, f64::max);
        ranks.push((cell.at, lowest(&right) > highest(&wrong), highest(&right) < lowest(&wrong)));
    }
    if let [(at, ..), _, ..] = ranks.as_slice() {
        for (word, is_always) in
            [("longest", ranks.iter().all(|rank| rank.1)), ("shortest", ranks.iter().all(|rank| rank.2))]
        {
            if is_always {
                warnings.push((*at, format!("the right choice is the {word} in every question of this lesson")));
            }
        }
    }
    warnings
}

/// Why a link is broken.
fn dead(target: &Target, own: &Known, all: &Lessons) -> Option<String> {
    match target {
        Target::Lesson { id, anchor } => match all.get(id.as_str()) {
            None => Some(format!("there is no lesson `{id}`")),
            Some(other) => {
                let anchor = anchor.as_ref().filter(|anchor| other.lacks_heading(anchor))?;
                Some(format!("the lesson `{id}` has no heading #{anchor}"))
            }
        },
        Target::Heading(anchor) if own.lacks_heading(anchor) => Some(format!("there is no heading #{anchor} here")),
        Target::Reference(key) if !own.document.unparsed.references && !own.references.contains(key.as_str()) => {
            Some(format!("there is no reference `{key}` in the front matter"))
        }
        Target::Cell(id) if own.lacks_cell(id) => Some(format!("there is no cell `{id}` here")),
        _ => None,
    }
}

fn each_inlines(block: &Block, visit: &mut impl FnMut(&[Inline])) {
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
    use super::super::{parse, parse_bytes};
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
        let ten = |each: fn(usize) -> String| (0..10).map(each).collect::<String>();
        let order = format!("order = [{}]", ten(|n| format!("\"{n}\", ")));
        let choice = |n| format!("{{ text = \"{n}\", right = true, because = \"b\" }}, ");
        let choices = format!("choices = [{}]", ten(choice));
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
        // A single fault: consequences of a faulty head are not reported.
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

    /// A head and cells with several faults each: after all listed ones are corrected, there are no new ones.
    #[test]
    fn all_faults_are_found_in_one_pass() {
        let head = "+++\nid = 3\ntitle = \" \"\npart = \"I\"\nminutes = \"x\"\nextra = 1\n\n\
            [[references]]\nkey = \"a\"\ntext = \"t\"\nyear = 1\n\n[[references]]\nkey = \"a\"\ntext = \"t\"\n\n\
            [[references]]\nkey = \"b\"\n+++\n";
        let body = "```train\nid = \"\"\nepochs = 0\nbatch = \"1\"\nseeds = [1, 1]\nepoch = 3\n```\n\n\
            ```experiment\nid = \"r\"\ntitle = \"\"\nexperiment = \"dying\"\nseeds = [2, 2]\nwidth = 3\nbais = 1\n\
            epochs = 0\n```\n\n\
            ```quiz\nid = \"q\"\nquestion = \"\"\n[[choices]]\ntext = 1\n[[choices]]\ntext = \"a\"\nright = 2\n\
            because = \"\"\n```\n\n\
            ```claim\nid = \"c\"\nsays = \"\"\nlesson = \"r\"\n[[tests]]\nfinding = \"a\"\n[[tests]]\nbelow = 1\n```\n\n\
            [to a refused cell](cell:r) [to none](cell:none) <b>\n";
        let found = check(&[parse("x.md", &format!("{head}{body}"))], &[]);
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        let listed = found.join("\n");
        let expected = [
            "2:1: missing field `summary`",
            "2:6: invalid type: integer `3`",
            "3:1: `title` is empty",
            "5:11: invalid type: string \"x\"",
            "6:1: unknown field `extra`",
            "11:1: unknown field `year`",
            "14:7: the reference `a` is given twice",
            "17:1: missing field `text`",
            "21:1: train: missing field `title`",
            "21:1: train: `id` is empty",
            "22:1: train: epochs: 0 is out of range",
            "23:9: train: invalid type: string \"1\"",
            "24:1: train: seeds: 1 is named twice",
            "25:1: train: unknown field `epoch`",
            "30:1: experiment: `title` is empty",
            "32:1: experiment: seeds: 2 is named twice",
            "33:1: experiment: width: 3 is out of range",
            "34:1: experiment: unknown field `bais`",
            "35:1: experiment: epochs: 0 is out of range",
            "40:1: quiz: `question` is empty",
            "42:8: quiz: invalid type: integer `1`",
            "45:9: quiz: invalid type: integer `2`",
            "50:1: claim: missing field `article`",
            "50:1: claim: missing field `literature`",
            "50:1: claim: missing field `cell`",
            "51:1: claim: `says` is empty",
            "53:1: claim: a test is one of",
            "56:1: claim: unknown field `below`",
            "59:29: there is no cell `none` here",
            "59:50: raw HTML",
        ];
        for expected in expected {
            assert!(
                found.iter().any(|fault| fault.starts_with(&format!("x.md:{expected}"))),
                "{expected} in\n{listed}"
            );
        }
        assert_eq!(found.len(), expected.len(), "{listed}");
    }

    /// An unknown key is reported at its position, whichever experiment it is and whatever else is wrong.
    #[test]
    fn an_unknown_key_of_an_experiment_has_its_place() {
        let names = [
            "curves",
            "lif",
            "active-fraction",
            "gradient-depth",
            "relu-forms",
            "alexnet-figure",
            "pretraining",
            "separability",
            "tricks",
            "convnet-tricks",
            "conv-start",
            "sparsity-error",
            "dying",
            "activation-cost",
            "linear-pieces",
            "deep-training",
            "saturation",
            "disentangle",
            "activity",
            "sparse-coding",
            "ista",
        ];
        for name in names {
            for extra in ["", "seeds = [1, 1]\n", "zzz = 2\n", "effort = \"none\"\n"] {
                let body = format!("id = \"r\"\ntitle = \"t\"\nexperiment = \"{name}\"\n{extra}aaa = 1\n");
                let line = 12 + extra.lines().count();
                let found = faults(&format!("```experiment\n{body}```\n"));
                let expected = format!("x.md:{line}:1: experiment: unknown field `aaa`");
                assert!(found.iter().any(|fault| fault.starts_with(&expected)), "{name}: {found:?}");
                assert_eq!(found.len(), 1 + usize::from(!extra.is_empty()), "{name}: {found:?}");
            }
        }
    }

    #[test]
    fn names_are_unique_and_not_empty() {
        let all = |text: &str| check(&[parse("x.md", text)], &[]).iter().map(ToString::to_string).collect::<Vec<_>>();
        let empty = all("+++\nid = \"\"\ntitle = \"\"\npart = \"\"\nsummary = \"\"\nminutes = 0\n+++\n\n## x\n");
        let places: Vec<&str> = empty.iter().filter_map(|fault| fault.split(": ").next()).collect();
        assert_eq!(places, ["x.md:2:1", "x.md:3:1", "x.md:4:1", "x.md:5:1", "x.md:6:1"], "{empty:?}");
        let notes = faults("a[^1] b[^Two]\n\n[^1]: one\n[^1]: another\n\n> [^two]: quoted\n\n[^TWO]: last\n");
        let expected = [
            "x.md:11:1: the footnote [^1] is written twice; the first is on line 10",
            "x.md:15:1: the footnote [^TWO] is written twice; the first is on line 13",
        ];
        assert_eq!(notes, expected);
        let twice = faults(
            "```predict\nid = \"r\"\nquestion = \"q\"\nexplanation = \"e\"\nchoices = [\"a\", \"a\", \"\"]\n```\n",
        );
        assert_eq!(twice.len(), 2, "{twice:?}");
    }

    /// Raw control characters are dropped; written as escapes they are invisible to a reader of the file.
    #[test]
    fn control_characters_are_refused_in_every_spelling() {
        assert_eq!(faults("te\u{1b}xt \u{202e}[a](#b)\r\n\r\n## b\u{9b}\r\n"), [] as [&str; 0]);
        let cell =
            |id: &str, title: &str| format!("```experiment\nid = {id}\ntitle = {title}\nexperiment = \"dying\"\n```\n");
        for (body, expected) in [
            (cell("\"a\\u0000b\"", "\"t\""), "9:1: experiment: `id` holds control characters"),
            (cell("\"a\\nb\"", "\"t\""), "9:1: experiment: `id` holds control characters"),
            (cell("\"a\"", "\"\\u009b\""), "10:9: experiment: `title` holds the control character U+009B"),
            (cell("\"a\"\n\"\\u202E\" = 1", "\"t\""), "10:1: experiment: a key holds the control character U+202E"),
            ("a &#27;[31m\n".into(), "8:1: an escape stands for the control character U+001B"),
            ("[a](https://b.org/&#x9b;)\n".into(), "8:1: an escape stands for the control character U+009B"),
            ("![a](&#8238;.png)\n".into(), "8:1: an escape stands for the control character U+202E"),
            ("![a](%1b.png)\n".into(), "8:1: an escape stands for the control character U+001B"),
        ] {
            let found = faults(&body);
            assert!(found.len() == 1 && found[0].starts_with(&format!("x.md:{expected}")), "{body}: {found:?}");
        }
    }

    #[test]
    fn every_encoding_of_a_file_is_read_or_named() {
        let all = |bytes: &[u8]| {
            check(&[parse_bytes("x.md", bytes)], &[]).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let text = format!("{HEAD}## A\n\n[a](#b)\n");
        assert_eq!(all(format!("\u{feff}{text}").as_bytes()), all(text.as_bytes()));
        let latin = [HEAD.as_bytes(), b"## A\n\ncaf\xe9 \xe9\n\n[a](#b)\n"].concat();
        let found = all(&latin);
        assert_eq!(found[0], "x.md:10:4: not UTF-8: the byte 0xe9; save the file as UTF-8");
        assert_eq!(found.len(), 2, "the other faults are told too: {found:?}");
        let marked = [b"\xef\xbb\xbf", &latin[..]].concat();
        assert_eq!(all(&marked), found);
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(
            all(&[b"\xff\xfe", &wide[..]].concat()),
            ["x.md:1:1: this is UTF-16, not UTF-8; save the file as UTF-8"]
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

    fn predict(decides: &str) -> String {
        format!("```predict\nid = \"p\"\nquestion = \"q\"\nexplanation = \"e\"\nunit = \"%\"\n{decides}```\n")
    }

    #[test]
    fn a_prediction_is_decided_by_what_a_cell_finds() {
        let race = "```train\nid = \"r\"\ntitle = \"t\"\n```\n";
        let dying = "```experiment\nid = \"d\"\ntitle = \"t\"\nexperiment = \"dying\"\n```\n";
        let decided = |cell: &str, key: &str| {
            let decides = format!("decides = {{ cell = \"{cell}\", finding = \"{key}\", within = 1 }}\n");
            faults(&format!("{}{race}{dying}", predict(&decides)))
        };
        for (cell, key) in [
            ("r", "race.error.relu-tanh"),
            ("r", "race.zeros.all-tanh.fc1"),
            ("x/r", "race.ratio"),
            ("d", "dying.dead.relu.0.1"),
        ] {
            assert_eq!(decided(cell, key), [] as [&str; 0], "{cell}, {key}");
        }
        assert_eq!(
            decided("sparsity/count", "sparsity.active.sigmoid"),
            ["x.md:8:1: there is no lesson `sparsity` to decide this prediction"]
        );
        for (cell, key, expected) in [
            ("r", "race.error.relu", "x.md:8:1: the cell `r` does not find `race.error.relu`"),
            ("r", "race.zeros.all-tanh.conv3", "x.md:8:1: the cell `r` does not find `race.zeros.all-tanh.conv3`"),
            ("r", "dying.dead.relu.0.1", "x.md:8:1: the cell `r` does not find `dying.dead.relu.0.1`"),
            ("d", "dying.ded.relu.0.1", "x.md:8:1: the cell `d` does not find `dying.ded.relu.0.1`"),
            ("e", "race.ratio", "x.md:8:1: the lesson `x` has no cell `e` to decide this prediction"),
            ("p", "race.ratio", "x.md:8:1: the cell `p` measures nothing; it can't decide a prediction"),
        ] {
            assert_eq!(decided(cell, key), [expected]);
        }
        let below =
            faults(&format!("{race}{}", predict("decides = { cell = \"r\", finding = \"race.ratio\", within = 1 }\n")));
        assert_eq!(below, ["x.md:12:1: warning: the cell `r`, which decides this prediction, stands above it"]);
        let open = faults(&predict(""));
        assert!(open.len() == 1 && open[0].starts_with("x.md:8:1: warning: nothing decides"), "{open:?}");
        let english = super::super::Library::english().lessons;
        let far =
            predict("decides = { cell = \"sparsity/count\", finding = \"sparsity.active.sigmoid\", within = 1 }\n");
        assert_eq!(check(&[parse("x.md", &format!("{HEAD}{far}"))], &english), []);
    }

    #[test]
    fn a_view_is_of_networks_that_the_lesson_trains() {
        let race = "```train\nid = \"r\"\ntitle = \"t\"\n```\n";
        let dying = "```experiment\nid = \"d\"\ntitle = \"t\"\nexperiment = \"dying\"\n```\n";
        let flat = "```train\nid = \"flat\"\ntitle = \"t\"\nnetwork = \"mlp\"\n```\n";
        let view = |rest: &str| {
            let view = format!("```view\nid = \"v\"\ntitle = \"t\"\n{rest}\n```\n");
            faults(&format!("{view}{race}{dying}{flat}"))
        };
        for sound in [
            "of = \"r\"\nshow = \"filters\"",
            "of = \"x/r\"\nshow = \"maps\"\nimage = 9999\nsplit = \"test\"\narms = [\"all-tanh\"]",
            "of = \"r\"\nshow = \"wants\"\nlayer = \"fc1\"\nunit = 119",
        ] {
            assert_eq!(view(sound), [] as [&str; 0], "{sound}");
        }
        for (rest, expected) in [
            ("of = \"r\"\nshow = \"dreams\"", "x.md:12:8: view: unknown variant `dreams`"),
            ("of = \"r\"\nshow = \"maps\"\nlayer = \"pool\"", "x.md:13:9: view: `pool` is no layer"),
            ("of = \"q\"\nshow = \"maps\"", "x.md:8:1: the lesson `x` has no cell `q` whose networks"),
            ("of = \"y/r\"\nshow = \"maps\"", "x.md:8:1: there is no lesson `y` whose networks"),
            ("of = \"d\"\nshow = \"maps\"", "x.md:8:1: the cell `d` trains nothing; a view is of a train cell"),
            ("of = \"r\"\nshow = \"maps\"\narms = [\"all-relu\"]", "x.md:8:1: the cell `r` has no arm `all-relu`"),
            (
                "of = \"r\"\nshow = \"wants\"\nlayer = \"conv3\"",
                "x.md:8:1: all-tanh of the cell `r` has no hidden layer `conv3`; it has conv1, conv2, fc1",
            ),
            (
                "of = \"r\"\nshow = \"wants\"\nlayer = \"fc1\"\nunit = 120",
                "x.md:8:1: all-tanh of the cell `r` has 120 units in fc1, counted from 0; there is no unit 120",
            ),
            (
                "of = \"r\"\nshow = \"filters\"\nlayer = \"fc1\"",
                "x.md:8:1: all-tanh of the cell `r` has no filters in fc1; its convolutions are conv1, conv2",
            ),
            (
                "of = \"r\"\nshow = \"maps\"\narms = [\"all-tanh\", \"tanh-tanh\"]",
                "x.md:8:1: `all-tanh` and `tanh-tanh` are the same arm of the cell `r`; name one of them",
            ),
            (
                "of = \"r\"\nshow = \"maps\"\nimage = 10000",
                "x.md:8:1: `image` is 10000; the cell `r` has 10000 validation images, counted from 0",
            ),
            ("of = \"flat\"\nshow = \"filters\"", "x.md:8:1: all-tanh of the cell `flat` has no convolutions"),
        ] {
            let found = view(rest);
            assert!(found.first().is_some_and(|fault| fault.starts_with(expected)), "{rest}: {found:?}");
        }
        // A cell that was refused may train them.
        let refused = "```view\nid = \"v\"\ntitle = \"t\"\nof = \"b\"\nshow = \"maps\"\n```\n\
            ```train\nid = \"b\"\ntitle = \"t\"\nepochs = 0\n```\n";
        assert_eq!(faults(refused).len(), 1);
        let sealed = format!(
            "{race}```view\nid = \"v\"\ntitle = \"t\"\nof = \"r\"\nshow = \"maps\"\n```\n\n> [!SEALED] v\n> text\n"
        );
        assert!(faults(&sealed)[0].contains("`v` has no outcome"), "{:?}", faults(&sealed));
    }

    #[test]
    fn a_key_that_can_be_guessed_is_warned_of() {
        let quiz = |id: &str, texts: [&str; 3]| {
            let choice = |(at, text): (usize, &&str)| {
                format!("[[choices]]\ntext = \"{text}\"\nright = {}\nbecause = \"b\"\n", at == 1)
            };
            let choices: String = texts.iter().enumerate().map(choice).collect();
            format!("```quiz\nid = \"{id}\"\nquestion = \"q\"\n{choices}```\n\n")
        };
        let even = ["eight ch", "nine char", "ten charac"];
        assert_eq!(faults(&quiz("a", even)), [] as [&str; 0]);
        let warnings = |texts| faults(&quiz("a", texts));
        assert_eq!(
            warnings(["short", "a good deal longer than they", "others"]),
            ["x.md:8:1: warning: the right choice of `a` stands out by its length; even out the choices"]
        );
        assert_eq!(
            warnings(["a good deal longer", "short", "and longer than it"]),
            ["x.md:8:1: warning: the right choice of `a` stands out as it is short; even out the choices"]
        );
        let longest = ["eight ch", "ten charac", "nine char"];
        assert_eq!(faults(&quiz("a", longest)), [] as [&str; 0], "one question alone tells nothing");
        let always = faults(&format!("{}{}", quiz("a", longest), quiz("b", longest)));
        assert_eq!(always, ["x.md:8:1: warning: the right choice is the longest in every question of this lesson"]);
        assert_eq!(faults(&format!("{}{}", quiz("a", longest), quiz("b", even))), [] as [&str; 0]);
    }

    #[test]
    fn ids_are_unique_in_a_set_and_the_shipped_lessons_are_known() {
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
