//! `relu check`: lists the faults of lesson files.

use super::{Outcome, say};
use color_eyre::eyre::{WrapErr, bail};
use lesson::{Library, Parsed, Severity, check as check_lessons};
use std::path::Path;
use std::process::ExitCode;

pub fn check(path: Option<&Path>) -> Outcome {
    let faults = match path {
        None => check_lessons(&Library::shipped(), &[]),
        Some(path) => {
            // The reader's own lessons may link to the shipped ones.
            check_lessons(&read_lessons(path)?, &Library::english().lessons)
        }
    };
    for fault in &faults {
        say(&fault.to_string())?;
    }
    let is_sound = faults.iter().all(|fault| fault.severity == Severity::Warning);
    Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads a lesson file, or every `.md` file of a folder except its README, sorted by name.
fn read_lessons(path: &Path) -> color_eyre::Result<Vec<Parsed>> {
    let mut paths = vec![path.to_path_buf()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).wrap_err_with(|| format!("{} can't be read", path.display()))?;
        paths = entries.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
        let is_lesson =
            |p: &Path| p.extension().is_some_and(|e| e == "md") && p.file_stem().is_some_and(|s| s != "README");
        // A read from a pipe would block.
        paths.retain(|p| is_lesson(p) && p.is_file());
        paths.sort();
        if paths.is_empty() {
            bail!("{} holds no lesson (a file that ends in .md)", path.display());
        }
    }
    paths.iter().map(|path| Ok(shell::read_lesson(&path.display().to_string())?)).collect()
}
