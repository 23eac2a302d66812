//! Sealed blocks: blocks that reveal a result stay folded until the cells that measure it have run.

use super::cell::CellBody;
use super::document::{BlockKind, Document, Sealed, visit_blocks};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The beginning of a quote that is such a block. The ids of its cells follow on the same line.
pub(super) const MARK: &str = "[!SEALED]";

impl Sealed {
    /// The line shown in place of the folded block, within this width: what has to be run, and the key that unfolds the
    /// block at once.
    pub fn folded_line(&self, document: &Document, columns: usize, key: Option<char>) -> String {
        let end = key.map_or(String::new(), |key| format!(" · {key} reads it now"));
        let whole = |first: &str| format!("What to see: {first} first{end}");
        match self.cells.as_slice() {
            [id] => match document.cell(id).map(|cell| &cell.body) {
                Some(CellBody::Predict(_)) => whole("predict"),
                Some(CellBody::Train(cell)) => named(&cell.title, columns, whole),
                Some(CellBody::Experiment(cell)) => named(&cell.title, columns, whole),
                _ => whole("run its cell"),
            },
            [_, _] => whole("run both of its cells"),
            cells => whole(&format!("run all {} of its cells", cells.len())),
        }
    }
}

/// Names a cell by as much of its title as fits.
fn named(title: &str, columns: usize, whole: impl Fn(&str) -> String) -> String {
    /// A shorter beginning of a title says nothing.
    const LEAST: usize = 12;
    let room = columns.saturating_sub(whole("run \"\"").width());
    if title.width() <= room {
        return whole(&format!("run \"{title}\""));
    }
    if room < LEAST {
        return whole("run its cell");
    }
    let mut width = 1;
    let fits = |c: &char| {
        width += c.width().unwrap_or(0);
        width <= room
    };
    let begun: String = title.chars().take_while(fits).collect();
    // Whole words, except for a first one that is too long.
    let is_whole = title[begun.len()..].starts_with(' ');
    let words = begun.rfind(' ').filter(|_| !is_whole).map_or(begun.as_str(), |space| &begun[..space]);
    whole(&format!("run \"{}…\"", words.trim_end_matches([' ', ',', ':'])))
}

impl Document {
    /// Every sealed block, in reading order.
    pub fn sealed(&self) -> Vec<&Sealed> {
        let mut sealed = Vec::new();
        visit_blocks(&self.blocks, &mut |block| {
            if let BlockKind::Sealed(block) = &block.kind {
                sealed.push(block);
            }
        });
        sealed
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::Severity;
    use super::super::{Glyphs, Layout, Library, Line, check, lay_out, parse};
    use super::*;

    const HEAD: &str = "+++\nid = \"x\"\ntitle = \"T\"\npart = \"I\"\nsummary = \"s\"\nminutes = 3\n+++\n";
    const CELL: &str =
        "```experiment\nid = \"a_b_c\"\ntitle = \"Zeros, layer by layer\"\nexperiment = \"dying\"\n```\n\n";
    const GUESS: &str = "```predict\nid = \"guess\"\nquestion = \"q\"\nexplanation = \"e\"\nunit = \"%\"\n```\n\n";

    fn read(body: &str) -> Document {
        let (document, faults) = parse("x.md", &format!("{HEAD}{body}"));
        assert_eq!(faults, []);
        document
    }

    fn faults(body: &str) -> Vec<String> {
        let faults = check(&[parse("x.md", &format!("{HEAD}{body}"))], &[]);
        // Notes about predictions for any cell do not belong to the block.
        faults.iter().filter(|fault| fault.severity == Severity::Error).map(ToString::to_string).collect()
    }

    fn text(layout: &Layout) -> Vec<String> {
        let text = |line: &Line| match line {
            Line::Text(spans) => spans.iter().map(|span| span.text.as_str()).collect::<String>().trim_end().to_owned(),
            Line::Cell { .. } => "<cell>".into(),
            Line::Picture { .. } => "<picture>".into(),
        };
        layout.lines.iter().skip(3).map(text).collect()
    }

    #[test]
    fn a_block_names_its_cells_and_holds_what_a_quote_may_hold() {
        let rest = ">\n> - one $x^2$\n> - two\n>\n> | a |\n> |---|\n> | 3 |\n";
        let document = read(&format!("{CELL}{GUESS}> [!sealed]  a_b_c guess a_b_c\n> First.\n{rest}"));
        let sealed = document.sealed();
        assert_eq!((sealed.len(), &sealed[0].cells[..]), (1, &["a_b_c".to_owned(), "guess".into()][..]));
        let kinds: Vec<_> = sealed[0].blocks.iter().map(|block| std::mem::discriminant(&block.kind)).collect();
        assert_eq!(kinds.len(), 3);
        assert_eq!(faults(&format!("{CELL}{GUESS}> [!SEALED] a_b_c guess\n> First.\n{rest}")), [] as [&str; 0]);
        // Further blocks of one cell are numbered; those of another begin again.
        let document = read(&format!(
            "{CELL}{GUESS}> [!SEALED] a_b_c\n> One.\n\n> [!SEALED] guess\n> Two.\n\n> [!SEALED] a_b_c guess\n> Three.\n"
        ));
        let numbers: Vec<_> = document.sealed().iter().map(|sealed| (sealed.first_cell(), sealed.number)).collect();
        assert_eq!(numbers, [("a_b_c", 0), ("guess", 0), ("a_b_c", 1)]);
        // A quote that is no block, and one within a list.
        assert_eq!(read("> [!SEALED]x is no mark\n").sealed().len(), 0);
        assert_eq!(read(&format!("{CELL}- > [!SEALED] a_b_c\n  > In a list.\n")).sealed().len(), 1);
        assert_eq!(read("> quoted [!SEALED] a\n").sealed().len(), 0);
    }

    #[test]
    fn folded_it_is_one_line_and_unfolded_plain_text() {
        let document = read(&format!("{CELL}> [!SEALED] a_b_c\n> Only [one](#h) half.\n>\n> Two.\n\n## H\n"));
        let folded = |sealed: &Sealed, columns: usize| Some(sealed.folded_line(&document, columns, Some('u')));
        let shown = lay_out(&document, (76, 24), Glyphs::Unicode, |_| 1, folded);
        let line = "▸ What to see: run \"Zeros, layer by layer\" first · u reads it now";
        assert_eq!(text(&shown), ["<cell>", "", line, "", "H"]);
        assert_eq!(shown.links.len(), 1, "{:?}", shown.links);
        let open = lay_out(&document, (76, 24), Glyphs::Unicode, |_| 1, |_, _| None);
        assert_eq!(text(&open), ["<cell>", "", "Only one half.", "", "Two.", "", "H"]);
        // A position inside is on the block's line while it is folded.
        let place = open.scroll_position(open.lines.len() - 3);
        assert_eq!(text(&shown)[shown.line_at(place) - 3], line);
        for columns in 20..100 {
            let line = document.sealed()[0].folded_line(&document, columns, Some('u'));
            assert!(line.width() <= columns.max(52), "{columns}: {line}");
        }
        let narrow = document.sealed()[0].folded_line(&document, 60, None);
        assert_eq!(narrow, "What to see: run \"Zeros, layer by layer\" first");
        assert_eq!(
            document.sealed()[0].folded_line(&document, 58, Some('u')),
            "What to see: run \"Zeros, layer by…\" first · u reads it now"
        );
    }

    #[test]
    fn a_block_that_can_not_unfold_is_a_fault() {
        let quiz = "```quiz\nid = \"q\"\nquestion = \"q\"\nchoices = [{ text = \"a\", right = true, because = \"b\" }, \
            { text = \"b\", because = \"b\" }]\n```\n\n";
        for (body, expected) in [
            ("> [!SEALED] none\n> Text.\n".to_owned(), "8:1: there is no cell `none` here whose outcome"),
            (
                format!("> [!SEALED] a_b_c\n> Text.\n\n{CELL}"),
                "8:1: this tells the outcome of `a_b_c` and stands above it",
            ),
            (format!("{quiz}> [!SEALED] q\n> Text.\n"), "14:1: `q` has no outcome"),
            (format!("{CELL}> [!SEALED] a_b_c\n"), "14:1: this sealed block is empty"),
            (format!("{CELL}> [!SEALED]\n> Text.\n"), "14:1: a sealed block names the cells"),
            (format!("{CELL}> [!SEALED] a_b_c\n> ## Heading\n> Text.\n"), "15:3: a heading can't be sealed"),
            (
                format!("{CELL}> [!SEALED] a_b_c\n> Text.[^n]\n>\n> [^n]: An outcome.\n"),
                "17:3: a footnote can't be sealed",
            ),
            (
                format!("{CELL}> [!SEALED] a_b_c\n> > [!SEALED] a_b_c\n> > Text.\n"),
                "15:3: a sealed block can't hold another",
            ),
            (
                format!(
                    "{CELL}> [!SEALED] a_b_c\n> - in a list\n>\n>   ```experiment\n>   id = \"r\"\n>   title = \"t\"\n>   \
                    experiment = \"dying\"\n>   ```\n\n[there](cell:r)\n"
                ),
                "17:5: a cell can't be sealed",
            ),
        ] {
            let found = faults(&body);
            assert!(found.len() == 1 && found[0].starts_with(&format!("x.md:{expected}")), "{body}: {found:?}");
        }
        // The named cell may be one that was refused.
        let refused = CELL.replace("\n```\n", "\nwidht = 3\n```\n");
        let found = faults(&format!("{refused}> [!SEALED] a_b_c\n> Text.\n"));
        assert!(found.len() == 1 && found[0].contains("widht"), "{found:?}");
    }

    #[test]
    fn a_search_leads_to_a_folded_block_and_keeps_its_text() {
        let document = read(&format!(
            "{CELL}> [!SEALED] a_b_c\n> Only a third is silent.\n>\n> - a third again\n\nA third, outside.\n"
        ));
        let library = Library { lessons: vec![document], faults: Vec::new() };
        let found = |folded: bool| library.search("third", move |_, _| folded);
        let texts: Vec<String> = found(true).into_iter().map(|hit| hit.text).collect();
        assert_eq!(texts, ["What to see: run \"Zeros, layer by layer\" first", "A third, outside."]);
        assert_eq!(found(false).len(), 3);
    }
}
