//! `relu ledger`: prints every claim of the article with the reader's own measurements and the verdict.

use super::stored_run::open_store;
use super::{say, say_json};
use app::{ClaimLine, VerdictTotals, claim_lines, findings_for_claim, wrap_options};
use lesson::{CellBody, ClaimCell, Document, Findings, Library, Test};
use protocol::{CellKey, CellRecord, Finding, Outcome, race_findings};
use serde_json::json;
use std::collections::HashMap;
use std::process::ExitCode;
use store::{Home, Store, StoreError};

/// Columns of the printed form.
const WIDTH: u16 = 78;

pub fn ledger(as_json: bool) -> super::Outcome {
    let library = Library::english();
    let home = Home::locate()?;
    // Without a store nothing has been measured yet.
    let measured = match open_store(&home)? {
        Some(store) => read_measured(&library, &store)?,
        None => Measured::default(),
    };
    let found = |claim: &ClaimCell| findings_for_claim(claim, &library, |key| measured.cells.get(key), &measured.races);
    let claims: Vec<(&str, &ClaimCell)> = library
        .lessons
        .iter()
        .flat_map(Document::cells)
        .filter_map(|cell| match &cell.body {
            CellBody::Claim(claim) => Some((cell.id.as_str(), claim)),
            _ => None,
        })
        .collect();
    if as_json {
        let rows: Vec<_> = claims.iter().map(|(id, claim)| row(id, claim, &found(claim))).collect();
        say_json(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    let totals = VerdictTotals::of(claims.iter().map(|(_, claim)| claim.verdict(&found(claim))));
    for line in textwrap::wrap(&totals.in_words(), wrap_options(WIDTH.into())) {
        say(&line)?;
    }
    say("")?;
    for (id, claim) in claims {
        let found = found(claim);
        say(&format!("{} ({id}; lesson {})", claim.verdict_in_words(&found), claim.lesson))?;
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

/// The measurements in the store: the last outcome of every cell with its lesson's settings, and the findings of runs.
#[derive(Default)]
struct Measured {
    cells: HashMap<CellKey, Outcome>,
    races: Vec<Finding>,
}

fn read_measured(library: &Library, store: &Store) -> Result<Measured, StoreError> {
    let has_lesson_settings = |record: &CellRecord| {
        let lesson = library.find(&record.cell.lesson).map(|at| &library.lessons[at]);
        match lesson.and_then(|lesson| lesson.cell(&record.cell.cell)).map(|cell| &cell.body) {
            Some(CellBody::Experiment(cell)) => cell.spec.has_same_findings(&record.spec),
            _ => false,
        }
    };
    let records = library.renames().outcomes(store.cell_outcomes()?).into_iter().filter(has_lesson_settings);
    let cells = records.map(|record| (record.cell, record.outcome)).collect();
    Ok(Measured { cells, races: race_findings(&store.finished_runs()?) })
}

fn row(id: &str, claim: &ClaimCell, found: &Findings) -> serde_json::Value {
    json!({
        "id": id,
        "lesson": claim.lesson,
        "cell": claim.cell,
        "claim": claim.says,
        "article": claim.article,
        "literature": claim.literature,
        "transfers": claim.transfers,
        "measured": claim.measured(found),
        "tests": claim.tests.iter().map(|test| test_row(test, found)).collect::<Vec<_>>(),
        "verdict": claim.verdict(found).words(),
        "seeds": claim.seeds(found),
    })
}

fn test_row(test: &Test, found: &Findings) -> serde_json::Value {
    json!({ "findings": test.findings(), "asks": test.asks(), "verdict": test.verdict(found).words() })
}
