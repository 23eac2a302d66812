//! Errors and panics at the edge: readable on the terminal once it is restored, and kept in `logs/`.
//!
//! Standard error may be dead; everything is written with errors ignored, as a panic within a panic would abort.

use super::guard;
use protocol::escape_controls;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread::ThreadId;

/// A file larger than this becomes the older one; the one before it goes.
const LARGEST: u64 = 1 << 20;

static LOGS: OnceLock<PathBuf> = OnceLock::new();
static OWNER: OnceLock<ThreadId> = OnceLock::new();

/// Installs the hooks; call first thing in the program.
pub fn install() -> color_eyre::Result<()> {
    let (panics, errors) = color_eyre::config::HookBuilder::default()
        // Without colours: a terminal obeys the control characters in a report, and it may hold what others wrote.
        .theme(color_eyre::config::Theme::new())
        .display_env_section(false)
        .display_location_section(false)
        .into_hooks();
    errors.install()?;
    std::panic::set_hook(Box::new(move |info| {
        let report = panics.panic_report(info).to_string();
        keep(&report);
        // A thread that does not own the terminal leaves it alone: the event loop hears of it and ends in order.
        if OWNER.get().is_none_or(|owner| *owner == std::thread::current().id()) {
            guard::restore();
            let _ = writeln!(std::io::stderr(), "{}", escape_controls(&report));
        }
    }));
    Ok(())
}

/// From here on this thread owns the terminal, and reports are kept in `logs`.
pub fn own_terminal(logs: PathBuf) {
    let _ = LOGS.set(logs);
    let _ = OWNER.set(std::thread::current().id());
}

/// Appends a report to `logs/relu-reports.log`.
pub fn keep(report: &str) {
    if let Some(logs) = LOGS.get() {
        append(logs, report);
    }
}

fn append(logs: &Path, report: &str) {
    let _ = std::fs::create_dir_all(logs);
    let path = logs.join("relu-reports.log");
    if std::fs::metadata(&path).is_ok_and(|meta| meta.len() > LARGEST) {
        let _ = std::fs::rename(&path, logs.join("relu-reports.1.log"));
    }
    let file = store::open_own(&path, std::fs::OpenOptions::new().create(true).append(true));
    if let Ok(mut file) = file {
        let now = store::now();
        let _ = writeln!(file, "--- {now} (seconds since 1970), process {}\n{report}", std::process::id());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_fill_two_files_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let report = "x".repeat(LARGEST as usize);
        for _ in 0..5 {
            append(folder.path(), &report);
        }
        append(folder.path(), "the newest");
        let names = std::fs::read_dir(folder.path()).unwrap().count();
        let newest = std::fs::read_to_string(folder.path().join("relu-reports.log")).unwrap();
        assert!(names == 2 && newest.ends_with("the newest\n"));
    }
}
