//! `relu lessons`: what there is to read, and its cells.

use super::{Outcome, say, say_json};
use crate::lesson::{CellBody, Library};
use serde_json::json;
use std::process::ExitCode;
use unicode_width::UnicodeWidthStr;

pub fn list(as_json: bool) -> Outcome {
    let library = Library::english();
    if as_json {
        let lessons: Vec<_> = library
            .lessons
            .iter()
            .map(|lesson| {
                let cells: Vec<_> =
                    lesson.cells().iter().map(|cell| json!({ "id": cell.id, "kind": kind(&cell.body) })).collect();
                let meta = &lesson.meta;
                json!({ "number": lesson.number, "id": meta.id, "title": meta.title, "part": meta.part, "summary": meta.summary,
                        "minutes": meta.minutes, "file": lesson.file, "cells": cells })
            })
            .collect();
        say_json(&lessons)?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = library.lessons.iter().map(|lesson| lesson.meta.title.width()).max().unwrap_or(0);
    for lesson in &library.lessons {
        let meta = &lesson.meta;
        let number = lesson.number.map_or(String::new(), |number| number.to_string());
        let (id, part, title, minutes) = (&meta.id, &meta.part, &meta.title, meta.minutes);
        say(&format!("{number:>2}  {id:<14} {title:<width$}  {minutes:>3} min  {part}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn kind(body: &CellBody) -> &'static str {
    match body {
        CellBody::Train(_) => "train",
        CellBody::Experiment(cell) if cell.at_once => "plot",
        CellBody::Experiment(_) => "experiment",
        CellBody::Predict(_) => "predict",
        CellBody::Quiz(_) => "quiz",
        CellBody::Claim(_) => "claim",
    }
}
