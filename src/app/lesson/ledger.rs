//! The ledger as a whole: how many claims have each verdict, and a filter by verdict.

use crate::{App, Effect};
use lesson::{CellBody, ClaimCell, Document, Findings, Verdict};

/// Which claims of the ledger are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClaimFilter {
    #[default]
    All,
    Only(Verdict),
}

/// How many claims have each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerdictTotals([usize; Verdict::ALL.len()]);

impl VerdictTotals {
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let mut totals = Self::default();
        for verdict in verdicts {
            for (count, _) in totals.0.iter_mut().zip(Verdict::ALL).filter(|(_, known)| *known == verdict) {
                *count += 1;
            }
        }
        totals
    }

    pub fn each(self) -> impl Iterator<Item = (Verdict, usize)> {
        Verdict::ALL.into_iter().zip(self.0)
    }

    pub fn count(self, verdict: Verdict) -> usize {
        self.each().filter(|(known, _)| *known == verdict).map(|(_, count)| count).sum()
    }

    pub fn in_words(self) -> String {
        let each: Vec<_> = self.each().map(|(verdict, count)| format!("{} {count}", verdict.words())).collect();
        each.join(" · ")
    }
}

fn claims(document: &Document) -> Vec<&ClaimCell> {
    let claim = |cell: &lesson::Cell| matches!(cell.body, CellBody::Claim(_));
    let cells = document.cells().into_iter().filter(|cell| claim(cell));
    cells.filter_map(|cell| if let CellBody::Claim(claim) = &cell.body { Some(claim) } else { None }).collect()
}

impl App {
    /// The verdicts of the open lesson's claims; `None` if it has fewer than two claims and so is no ledger.
    pub fn totals(&self) -> Option<VerdictTotals> {
        let claims = claims(self.document());
        let verdict = |claim: &&ClaimCell| {
            let found: Findings = self.findings_of(claim);
            claim.verdict(&found)
        };
        (claims.len() > 1).then(|| VerdictTotals::of(claims.iter().map(verdict)))
    }

    /// Writes the totals into the head of the open lesson.
    pub(crate) fn update_verdict_totals(&mut self) {
        let standing = self.totals().map(|totals| {
            let shown = match self.claim_filter {
                ClaimFilter::All => String::new(),
                ClaimFilter::Only(verdict) => format!(" · shown below: {} only", verdict.words()),
            };
            format!("{}{shown}", totals.in_words())
        });
        self.library.lessons[self.lesson].subtitle = standing;
    }

    pub(crate) fn shows_claim(&self, claim: &ClaimCell) -> bool {
        // A lesson with a single claim has no filter.
        let is_ledger = || claims(self.document()).len() > 1;
        match self.claim_filter {
            ClaimFilter::All => true,
            ClaimFilter::Only(verdict) => !is_ledger() || claim.verdict(&self.findings_of(claim)) == verdict,
        }
    }

    /// The next filter: the next verdict that any claim has, and after the last verdict all claims. `None` in a lesson
    /// that is no ledger.
    pub(crate) fn next_claim_filter(&self) -> Option<ClaimFilter> {
        let totals = self.totals()?;
        let from = match self.claim_filter {
            ClaimFilter::All => 0,
            ClaimFilter::Only(verdict) => {
                Verdict::ALL.iter().position(|known| *known == verdict).map_or(0, |at| at + 1)
            }
        };
        let next = Verdict::ALL[from..].iter().copied().find(|verdict| totals.count(*verdict) > 0);
        Some(next.map_or(ClaimFilter::All, ClaimFilter::Only))
    }

    pub(crate) fn filter_claims(&mut self, shown: ClaimFilter) -> Vec<Effect> {
        self.claim_filter = shown;
        (self.view.focus, self.view.link) = (None, None);
        self.lay_out();
        let first = self.view.layout.cells.iter().position(|(_, height)| *height > 0);
        if let Some(cell) = first {
            self.view.show_cell(cell);
        }
        let totals = self.totals().unwrap_or_default();
        self.message = Some(match shown {
            ClaimFilter::Only(verdict) => {
                let (count, all) = (totals.count(verdict), totals.each().map(|(_, count)| count).sum::<usize>());
                format!("{count} of {all} claims: {}; t shows the next", verdict.words())
            }
            ClaimFilter::All => "all claims".into(),
        });
        self.save_position()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_count_every_verdict() {
        let totals = VerdictTotals::of([Verdict::Holds, Verdict::DoesNotHold, Verdict::Holds, Verdict::NoNumber]);
        assert_eq!(
            totals.in_words(),
            "not yet tried 0 · holds 2 · holds in part 0 · does not hold here 1 · no number to judge by 1"
        );
        assert_eq!(totals.each().map(|(_, count)| count).sum::<usize>(), 4);
    }
}
