//! What a reader's own measurements say of the article's claims, and how a claim reads in the ledger.

use super::{App, Stale};
use crate::lesson::{CellBody, ClaimCell, Document, Findings};
use crate::protocol::Finding;

/// What a line of a claim is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimLine {
    Says,
    /// The article's figure or the literature's.
    Published,
    /// The reader's own.
    Measured,
    /// Where to measure what is missing.
    Missing,
}

/// A claim as lines of this width.
pub fn claim_lines(claim: &ClaimCell, found: &Findings, width: u16) -> Vec<(ClaimLine, String)> {
    let mut lines = Vec::new();
    let mut put = |kind: ClaimLine, head: &str, text: &str| {
        let indent = " ".repeat(12);
        let head = format!("{head:<12}");
        let (first, rest) = if kind == ClaimLine::Says { ("", "") } else { (head.as_str(), indent.as_str()) };
        let options = textwrap::Options::new(usize::from(width.max(20))).initial_indent(first).subsequent_indent(rest);
        lines.extend(textwrap::wrap(text, options).into_iter().map(|line| (kind, line.into_owned())));
    };
    put(ClaimLine::Says, "", &claim.says);
    put(ClaimLine::Published, "article", &claim.article);
    put(ClaimLine::Published, "literature", &claim.literature);
    let measured = claim.measured(found);
    for finding in &measured {
        put(ClaimLine::Measured, "yours", &told(finding));
    }
    let wanted = claim.tests.iter().flat_map(|test| test.findings());
    if wanted.into_iter().any(|key| !found.contains_key(key)) {
        let what = if measured.is_empty() { "nothing yet" } else { "not all yet" };
        put(ClaimLine::Missing, "yours", &format!("{what}; Enter goes to the cell that measures it"));
    }
    lines
}

/// A finding with its spread and seeds.
pub fn told(finding: &Finding) -> String {
    let seeds: Vec<String> = finding.seeds.iter().map(u64::to_string).collect();
    let seeds = match seeds.len() {
        0 => String::new(),
        1 => format!(" (seed {})", seeds[0]),
        count => {
            let spread = finding.spread.unwrap_or_default();
            let digits = if spread < 0.1 { 3 } else { 2 };
            format!(" (+- {spread:.digits$}, {count} seeds)")
        }
    };
    format!("{}{seeds}", finding.text)
}

impl App {
    /// Everything that the reader's measurements found with the lessons' settings, quick or full, and their races.
    pub(super) fn gather_findings(&mut self) {
        let known = self.experiments.iter().filter(|(key, _)| self.stale(key) != Some(Stale::Settings));
        let found = known.filter_map(|(_, view)| view.outcome.as_ref()).flat_map(|outcome| &outcome.findings);
        let all = found.chain(&self.race_findings).map(|finding| (finding.key.clone(), finding.clone()));
        self.findings = all.collect();
        if has_claims(self.document()) {
            self.lay_out();
        }
    }
}

fn has_claims(document: &Document) -> bool {
    document.cells().iter().any(|cell| matches!(cell.body, CellBody::Claim(_)))
}
