//! `relu ledger`: every claim of the article beside the reader's own measurements, and the verdict they give.

use super::{Outcome, say, say_json};
use crate::app::{ClaimLine, claim_lines};
use crate::lesson::{CellBody, ClaimCell, Findings, Library};
use crate::protocol::race_findings;
use crate::store::{Home, Store, StoreError};
use serde_json::json;
use std::process::ExitCode;

/// Columns of the printed form.
const WIDTH: u16 = 78;

pub fn ledger(as_json: bool) -> Outcome {
    let library = Library::english();
    let home = Home::locate()?;
    // Nothing has been measured where there is no store yet.
    let found = if home.database().exists() { findings(&library, &Store::open_read(&home)?)? } else { Findings::new() };
    let claims = library.lessons.iter().flat_map(|lesson| {
        lesson.cells().into_iter().filter_map(move |cell| match &cell.body {
            CellBody::Claim(claim) => Some((lesson, cell.id.as_str(), claim)),
            _ => None,
        })
    });
    if as_json {
        let rows: Vec<_> = claims.map(|(_, id, claim)| row(id, claim, &found)).collect();
        say_json(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    for (_, id, claim) in claims {
        say(&format!("{} ({id}; lesson {})", claim.verdict(&found).words(), claim.lesson))?;
        for (kind, line) in claim_lines(claim, &found, WIDTH - 2) {
            let line = if kind == ClaimLine::Missing {
                format!("{:<12}open the lesson: relu open {}", "yours", claim.lesson)
            } else {
                line
            };
            say(&format!("  {line}"))?;
        }
        say("")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the store holds: the last outcome of every cell that was measured as its lesson has it, and the races.
fn findings(library: &Library, store: &Store) -> Result<Findings, StoreError> {
    let as_its_lesson_has_it = |record: &crate::store::CellRecord| {
        let lesson = library.find(&record.cell.lesson).map(|at| &library.lessons[at]);
        match lesson.and_then(|lesson| lesson.cell(&record.cell.cell)).map(|cell| &cell.body) {
            Some(CellBody::Experiment(cell)) => cell.spec.finds_the_same(&record.spec),
            _ => false,
        }
    };
    let mut all = Vec::new();
    for record in store.cell_outcomes()?.into_iter().filter(as_its_lesson_has_it) {
        all.extend(record.outcome.findings);
    }
    all.extend(race_findings(&store.finished()?));
    Ok(all.into_iter().map(|finding| (finding.key.clone(), finding)).collect())
}

fn row(id: &str, claim: &ClaimCell, found: &Findings) -> serde_json::Value {
    json!({
        "id": id,
        "lesson": claim.lesson,
        "cell": claim.cell,
        "claim": claim.says,
        "article": claim.article,
        "literature": claim.literature,
        "measured": claim.measured(found),
        "verdict": claim.verdict(found).words(),
    })
}
