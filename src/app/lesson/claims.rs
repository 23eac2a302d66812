//! The article's claims against the reader's own measurements, and the lines of a claim in the ledger.

use crate::App;
use lesson::{CellBody, ClaimCell, Document, Findings, Library, Test, Verdict};
use protocol::{CellKey, Finding, Outcome, matches_any};

/// The kind of a line of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimLine {
    Says,
    /// A figure of the article or of the literature, or what is known at a large scale.
    Published,
    /// A measurement of the reader.
    Measured,
    /// A test of the measurement, and whether it is met.
    Asked,
    /// Where to measure what is missing.
    Missing,
}

/// The lines of a claim, wrapped to this width.
pub fn claim_lines(claim: &ClaimCell, found: &Findings, width: u16) -> Vec<(ClaimLine, String)> {
    let mut lines = Vec::new();
    let mut put = |kind: ClaimLine, head: &str, text: &str| {
        let indent = " ".repeat(12);
        let head = format!("{head:<12}");
        let (first, rest) = if kind == ClaimLine::Says { ("", "") } else { (head.as_str(), indent.as_str()) };
        let options = crate::wrap_options(usize::from(width.max(20))).initial_indent(first).subsequent_indent(rest);
        lines.extend(textwrap::wrap(text, options).into_iter().map(|line| (kind, line.into_owned())));
    };
    put(ClaimLine::Says, "", &claim.says);
    put(ClaimLine::Published, "article", &claim.article);
    put(ClaimLine::Published, "literature", &claim.literature);
    if let Some(transfers) = &claim.transfers {
        put(ClaimLine::Published, "transfers?", transfers);
    }
    let mut missing = false;
    for test in &claim.tests {
        for key in test.findings() {
            match found.get(key) {
                Some(finding) => put(ClaimLine::Measured, "yours", &finding_text(finding)),
                None => missing = true,
            }
        }
        let answer = match test.verdict(found) {
            Verdict::NotYetTried => continue,
            Verdict::NoNumber => "no number to judge by",
            Verdict::Holds => "yes",
            Verdict::HoldsInPart => "open, within the spread",
            Verdict::DoesNotHold => "no",
        };
        put(ClaimLine::Asked, "asked", &format!("{}: {answer}", test.asks()));
    }
    if missing {
        let what = if claim.measured(found).is_empty() { "nothing yet" } else { "not all yet" };
        put(ClaimLine::Missing, "yours", &format!("{what}; Enter goes to the cell that measures it"));
    }
    lines
}

/// A finding in words, with its spread and seeds.
pub fn finding_text(finding: &Finding) -> String {
    let seeds: Vec<String> = finding.seeds.iter().map(u64::to_string).collect();
    let seeds = match seeds.len() {
        0 => String::new(),
        _ if finding.is_bound && finding.text.contains("seeds") => String::new(),
        count if finding.is_bound && count > 1 => format!(" ({count} seeds)"),
        1 => format!(" (seed {})", seeds[0]),
        count => {
            let spread = finding.spread.unwrap_or_default();
            let digits = if spread < 0.1 { 3 } else { 2 };
            format!(" (+-\u{a0}{spread:.digits$}, {count} seeds)")
        }
    };
    format!("{}{seeds}", finding.text)
}

/// The findings that decide a claim: those of the lesson that it names, the named cell first, and those of the finished
/// runs. Findings of other lessons may have the same keys.
pub fn findings_for_claim<'o>(
    claim: &ClaimCell,
    library: &Library,
    outcome: impl Fn(&CellKey) -> Option<&'o Outcome>,
    run_findings: &[Finding],
) -> Findings {
    let key = |cell: &str| CellKey { lesson: claim.lesson.clone(), cell: cell.into() };
    let lesson = library.find(&claim.lesson).map(|at| &library.lessons[at]);
    // The last of several findings with one key is taken.
    let measures = |cell: &&lesson::Cell| matches!(cell.body, CellBody::Experiment(_));
    let others = lesson.into_iter().flat_map(|lesson| lesson.cells().into_iter().rev().filter(measures));
    let others = others.map(|cell| key(&cell.id));
    let found = others.chain([key(&claim.cell)]).filter_map(|key| outcome(&key)).flat_map(|outcome| &outcome.findings);
    let found = run_findings.iter().chain(found).map(|finding| (finding.key.clone(), finding.clone()));
    let mut found: Findings = found.collect();
    let body = lesson.and_then(|lesson| lesson.cell(&claim.cell)).map(|cell| &cell.body);
    if let Some(CellBody::Experiment(cell)) = body
        && outcome(&key(&claim.cell)).is_some()
    {
        add_outdated(claim, cell.spec.experiment.finding_keys(), &mut found);
    }
    found
}

/// Adds a finding without a number for each that the claim needs and that its cell finds only since a later version than
/// the one that measured it: it was tried, so the claim is not shown as untried.
fn add_outdated(claim: &ClaimCell, findable: &[&str], found: &mut Findings) {
    for key in claim.tests.iter().flat_map(Test::findings).filter(|key| matches_any(findable, key)) {
        found.entry(key.into()).or_insert_with(|| Finding {
            key: key.into(),
            text: format!("measured by an earlier version, which did not find {key}: measure again"),
            value: None,
            spread: None,
            seeds: Vec::new(),
            tabled: false,
            is_bound: false,
        });
    }
}

impl App {
    /// The reader's findings about a claim, from experiments with the lesson's settings, quick or full, and from runs.
    pub fn findings_of(&self, claim: &ClaimCell) -> Findings {
        findings_for_claim(claim, &self.library, |key| self.outcome_with_lesson_settings(key), &self.run_findings)
    }

    /// Lays out a lesson with claims again, as their verdicts may have changed.
    pub(crate) fn lay_out_claims(&mut self) {
        if has_claims(self.document()) {
            self.lay_out();
        }
    }
}

fn has_claims(document: &Document) -> bool {
    document.cells().iter().any(|cell| matches!(cell.body, CellBody::Claim(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the cell finds now and an earlier version did not is told from what was never measured.
    #[test]
    fn a_claim_measured_by_an_earlier_version_is_not_untried() {
        let test = |finding: &str| Test::Within { finding: finding.into(), limits: (0.0, 1.0), open: false };
        let claim = ClaimCell {
            says: "s".into(),
            article: "a".into(),
            literature: "l".into(),
            transfers: None,
            lesson: "x".into(),
            cell: "y".into(),
            tests: vec![test("slope.relu"), test("other")],
        };
        let mut found = Findings::new();
        add_outdated(&claim, &["slope.*"], &mut found);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["slope.relu"]);
        let lines = claim_lines(&claim, &found, 200);
        assert!(lines.iter().any(|(_, line)| line.ends_with("measure again")), "{lines:?}");
        assert_eq!(ClaimCell { tests: vec![test("slope.relu")], ..claim }.verdict(&found), Verdict::NoNumber);
    }
}
