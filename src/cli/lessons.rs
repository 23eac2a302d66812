//! `relu lessons`: lists the lessons and their cells, and creates a new lesson file.

use super::{Outcome, Usage, say, say_json};
use clap::{Args, Subcommand};
use color_eyre::eyre::WrapErr;
use lesson::{CellBody, Library};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use unicode_width::UnicodeWidthStr;

#[derive(Args)]
pub struct Lessons {
    #[command(subcommand)]
    command: Option<LessonsCommand>,
    /// One JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum LessonsCommand {
    /// Begin a lesson of your own: writes a file with a cell of each kind, to be changed
    New {
        /// NAME, or a path to it; `.md` is added
        name: PathBuf,
    },
}

pub fn lessons(arguments: &Lessons) -> Outcome {
    match &arguments.command {
        Some(LessonsCommand::New { name }) => create(name),
        None => list(arguments.json),
    }
}

/// A lesson without faults that has every kind of cell, link and image.
const TEMPLATE: &str = include_str!("../../lessons/template.md");
const TEMPLATE_ID: &str = "\"template\"";
const TEMPLATE_TITLE: &str = "\"A lesson of your own\"";

/// Writes the template to a new file of this name.
fn create(name: &Path) -> Outcome {
    if name.file_name().is_none() {
        return Err(Usage(format!("{} is a folder; give the lesson a name such as my-lesson", name.display())).into());
    }
    let mut path = name.to_path_buf();
    if path.extension().is_none_or(|extension| extension != "md") {
        path.as_mut_os_string().push(".md");
    }
    let title = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let text = template(&title)?;
    let file = path.display().to_string();
    let mut made = OpenOptions::new().write(true).create_new(true).open(&path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => color_eyre::Report::msg(format!("{file} is there already; take another name")),
        _ => color_eyre::Report::new(error).wrap_err(format!("{file} can't be written")),
    })?;
    made.write_all(text.as_bytes()).wrap_err_with(|| format!("{file} can't be written"))?;
    say(&format!(
        "{file} is there; `relu open {file}` shows it while you write, `relu check {file}` names its faults"
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// The template with the id and title derived from a file's name.
fn template(name: &str) -> Result<String, Usage> {
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let id = words.join("-").to_lowercase();
    if id.is_empty() {
        return Err(Usage("the name has no letter and no digit; take one such as my-lesson".into()));
    }
    if Library::english().find(&id).is_some() {
        return Err(Usage(format!(
            "`{id}` is a lesson of the course, and yours would take its place; take another name"
        )));
    }
    let title = words.join(" ");
    Ok(TEMPLATE.replace(TEMPLATE_ID, &format!("\"{id}\"")).replace(TEMPLATE_TITLE, &format!("\"{title}\"")))
}

fn list(as_json: bool) -> Outcome {
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
        CellBody::Predictions(_) => "predictions",
        CellBody::View(_) => "view",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lesson::{check, parse};

    #[test]
    fn the_template_shows_everything_and_has_no_faults() {
        for name in ["template", "My first lesson", "über-中文 2"] {
            let (document, faults) = parse("x.md", &template(name).unwrap());
            let kinds: Vec<&str> = document.cells().iter().map(|cell| kind(&cell.body)).collect();
            assert_eq!(kinds, ["predict", "train", "experiment", "view", "quiz", "quiz", "claim"]);
            assert_eq!(check(&[(document, faults)], &Library::english().lessons), []);
        }
        let text = template("My first lesson").unwrap();
        for part in
            ["id = \"my-first-lesson\"", "title = \"My first lesson\"", "lesson = \"my-first-lesson\"", "![", "[^"]
        {
            assert!(text.contains(part), "{part}");
        }
        assert!(template("!?").unwrap_err().to_string().contains("no letter"));
        assert!(template("faster").unwrap_err().to_string().contains("lesson of the course"));
    }
}
