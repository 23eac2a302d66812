//! Reports of errors and panics: printed once the terminal is restored, and appended to a file in `logs/`.
//!
//! Standard error may be closed. Every write ignores its error, as a panic within a panic would abort.

use super::terminal_guard;
use protocol::escape_controls;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread::ThreadId;

/// The log is rotated once it is larger than this; one rotated file is kept.
const LARGEST: u64 = 1 << 20;

static LOGS: OnceLock<PathBuf> = OnceLock::new();
static OWNER: OnceLock<ThreadId> = OnceLock::new();

/// Installs the hooks. Must be called first in the program.
pub fn install() -> color_eyre::Result<()> {
    let (panics, errors) = color_eyre::config::HookBuilder::default()
        // Without colours: the report's control characters are escaped, because it may quote text of unknown origin.
        .theme(color_eyre::config::Theme::new())
        .display_env_section(false)
        .display_location_section(false)
        .into_hooks();
    errors.install()?;
    std::panic::set_hook(Box::new(move |info| {
        let report = panics.panic_report(info).to_string();
        append(&report);
        // Only the thread that owns the terminal restores it. The event loop is notified of other threads' panics and ends in
        // order.
        if OWNER.get().is_none_or(|owner| *owner == std::thread::current().id()) {
            terminal_guard::restore();
            let _ = writeln!(std::io::stderr(), "{}", escape_controls(&report));
        }
    }));
    Ok(())
}

/// Declares that this thread owns the terminal from now on, and that reports go to `logs`.
pub fn own_terminal(logs: PathBuf) {
    let _ = LOGS.set(logs);
    let _ = OWNER.set(std::thread::current().id());
}

/// Appends a report to `logs/relu-reports.log`.
pub fn append(report: &str) {
    if let Some(logs) = LOGS.get() {
        append_to(logs, report);
    }
}

fn append_to(logs: &Path, report: &str) {
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
    fn reports_use_two_files_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let report = "x".repeat(LARGEST as usize);
        for _ in 0..5 {
            append_to(folder.path(), &report);
        }
        append_to(folder.path(), "the newest");
        let names = std::fs::read_dir(folder.path()).unwrap().count();
        let newest = std::fs::read_to_string(folder.path().join("relu-reports.log")).unwrap();
        assert!(names == 2 && newest.ends_with("the newest\n"));
    }
}
