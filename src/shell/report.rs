//! Errors and panics at the edge: readable on the terminal once it is restored, and kept in `logs/`.
//!
//! Standard error may be dead; everything is written with errors ignored, as a panic within a panic would abort.

use super::guard;
use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread::ThreadId;

static LOGS: OnceLock<PathBuf> = OnceLock::new();
static OWNER: OnceLock<ThreadId> = OnceLock::new();

/// Installs the hooks; call first thing in the program.
pub fn install() -> color_eyre::Result<()> {
    let (panics, errors) = color_eyre::config::HookBuilder::default()
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
            let _ = writeln!(std::io::stderr(), "{report}");
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
    let Some(logs) = LOGS.get() else { return };
    let _ = std::fs::create_dir_all(logs);
    let file = std::fs::OpenOptions::new().create(true).append(true).open(logs.join("relu-reports.log"));
    if let Ok(mut file) = file {
        let now = crate::store::now();
        let _ = writeln!(file, "--- {now} (seconds since 1970), process {}\n{report}", std::process::id());
    }
}
