//! The pages of an experiment's pane: one figure at a time, long ones on several, the findings last.

use super::ExperimentView;
use crate::protocol::{Figure, Outcome};
use std::borrow::Cow;
use std::ops::Range;

/// What one page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// A figure that fits, by its number.
    Figure(usize),
    /// Some rows of a table.
    Rows(usize, Range<usize>),
    /// Some lines of the findings, wrapped.
    Findings(Range<usize>),
}

/// Rows above the page: what runs, and what went wrong.
pub fn head_rows(view: &ExperimentView, width: u16) -> u16 {
    let rows = |text: &str| textwrap::wrap(text, usize::from(width.max(1))).len() as u16;
    u16::from(view.running.is_some()) + view.error.as_deref().map_or(0, rows)
}

/// The findings as lines of this width.
pub fn finding_lines(outcome: &Outcome, width: u16) -> Vec<String> {
    let width = usize::from(width.max(10));
    let options = textwrap::Options::new(width).initial_indent("· ").subsequent_indent("  ");
    outcome
        .findings
        .iter()
        .flat_map(|finding| {
            let spread = finding.spread.map_or(String::new(), |spread| format!(" (+- {spread:.2})"));
            let text = format!("{}{spread}", finding.text);
            textwrap::wrap(&text, &options).into_iter().map(Cow::into_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// Pages for a place of this width and so many rows.
pub fn pages(outcome: &Outcome, width: u16, rows: u16) -> Vec<Page> {
    let rows = usize::from(rows.max(4));
    let parts = |count: usize, fit: usize| (0..count).step_by(fit).map(move |from| from..(from + fit).min(count));
    let mut pages = Vec::new();
    for (at, figure) in outcome.figures.iter().enumerate() {
        match figure {
            // The head of a table stands on each of its pages.
            Figure::Table(table) if table.rows.len() > rows - 1 => {
                pages.extend(parts(table.rows.len(), rows - 1).map(|range| Page::Rows(at, range)));
            }
            _ => pages.push(Page::Figure(at)),
        }
    }
    pages.extend(parts(finding_lines(outcome, width).len(), rows).map(Page::Findings));
    pages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Finding, Source, Table};

    #[test]
    fn long_tables_and_findings_take_several_pages() {
        let row = vec!["a".to_string()];
        let table = |rows| {
            let (title, sources) = ("t".into(), vec![Source::Measured]);
            Figure::Table(Table { title, columns: row.clone(), rows: vec![row.clone(); rows], sources })
        };
        let finding =
            Finding { key: "k".into(), text: "one two three".into(), value: 1.0, spread: Some(0.5), seeds: vec![1] };
        let outcome = Outcome { figures: vec![table(3), table(7)], findings: vec![finding; 3], seconds: 1.0 };
        let expected =
            [Page::Figure(0), Page::Rows(1, 0..4), Page::Rows(1, 4..7), Page::Findings(0..5), Page::Findings(5..6)];
        assert_eq!(pages(&outcome, 20, 5), expected);
        assert_eq!(finding_lines(&outcome, 20)[..2], ["· one two three (+-", "  0.50)"]);
    }
}
