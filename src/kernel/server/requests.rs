//! Answers the requests of a client that has said hello.

use crate::{Kernel, refusal::Refusal};
use protocol::{
    CellKey, ErrorKind, KernelStatus, LONGEST_NAME, LONGEST_NOTES, Reply, RequestBody, RunEvent, RunId, RunTag,
    id_fault, is_bidi_control,
};
use std::sync::Arc;

impl Kernel {
    pub(crate) fn handle(self: &Arc<Self>, body: RequestBody) -> Reply {
        self.reset_idle_time();
        match self.try_handle(body) {
            Ok(reply) => reply,
            Err(Refusal { kind, message }) => {
                tracing::info!(?kind, message, "refused");
                Reply::Refused { kind, message }
            }
        }
    }

    fn try_handle(self: &Arc<Self>, body: RequestBody) -> Result<Reply, Refusal> {
        match body {
            RequestBody::Train { spec, name } => {
                let name = checked_name(name)?;
                return self.train(spec, name.as_deref()).map(|run| Reply::Started { run });
            }
            RequestBody::Sweep { spec, sweep, name } => {
                let name = checked_name(name)?;
                return self.sweep(spec, sweep, name.as_deref()).map(|run| Reply::Started { run });
            }
            RequestBody::Pause { run } => self.pause(run)?,
            RequestBody::Continue { run } | RequestBody::Resume { run } => self.resume(run)?,
            RequestBody::Stop { run } => self.stop(run)?,
            RequestBody::Fork { fork, arms, changes, name } => {
                let name = checked_name(name)?;
                return self.fork(fork, &arms, &changes, name.as_deref()).map(|run| Reply::Started { run });
            }
            RequestBody::Steer { run, arm, setting, value } => {
                return self.steer(run, arm, setting, value).map(Reply::Steered);
            }
            RequestBody::Rename { run, name } => {
                let name = checked_name(name)?;
                self.store().rename(run, name.as_deref())?;
                self.request_backup();
                self.announce(RunEvent::Renamed { run, name });
            }
            RequestBody::Tag { run, add, remove } => self.tag(run, add, &remove)?,
            RequestBody::Note { run, notes } => {
                let notes = checked_line("notes", LONGEST_NOTES, notes)?;
                self.store().set_notes(run, notes.as_deref())?;
                self.request_backup();
                self.announce(RunEvent::Noted { run, notes });
            }
            RequestBody::Delete { run } => self.delete(run)?,
            RequestBody::RunCell { cell, spec } => {
                check_cell(&cell)?;
                spec.check().map_err(|error| Refusal::new(ErrorKind::BadSpec, error.to_string()))?;
                self.run_cell(cell, spec)?;
            }
            RequestBody::StopCell { cell } => self.stop_cell(&cell)?,
            RequestBody::Remember { key, value } => {
                check_key(&key)?;
                self.store().remember(&key, &value)?;
            }
            RequestBody::Status => return Ok(Reply::Status(self.status())),
            // The connection sends the answer, then asks the process to shut down.
            RequestBody::Shutdown { force } => self.begin_shutdown(force)?,
            // The connection answers these itself.
            RequestBody::Hello { .. } | RequestBody::Follow | RequestBody::View(_) => {}
        }
        Ok(Reply::Done)
    }

    /// Gives a run tags and takes others away.
    fn tag(&self, run: RunId, add: Vec<RunTag>, remove: &[RunTag]) -> Result<(), Refusal> {
        // Locked in between, so that two notebooks at a time lose no tag.
        let mut store = self.store();
        let mut tags = store.run(run)?.tags;
        for tag in add {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        tags.retain(|tag| !remove.contains(tag));
        if tags.len() > RunTag::MOST {
            let message = format!("a run may have {} tags, not {}; take some away", RunTag::MOST, tags.len());
            return Err(Refusal::new(ErrorKind::BadRequest, message));
        }
        store.set_tags(run, &tags)?;
        drop(store);
        self.request_backup();
        self.announce(RunEvent::Tagged { run, tags });
        Ok(())
    }

    fn status(&self) -> KernelStatus {
        let active = self.jobs().run_ids();
        let store = self.store();
        KernelStatus {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").into(),
            uptime_seconds: self.began.elapsed().as_secs_f64(),
            rss_bytes: resident_bytes(),
            clients: self.hub.clients(),
            notices: self.hub.notices(),
            runs: store
                .runs()
                .unwrap_or_default()
                .into_iter()
                .filter(|run| run.state.is_active() || active.contains(&run.run))
                .collect(),
        }
    }
}

/// The resident memory of this process.
#[cfg(target_os = "linux")]
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// The resident memory of this process.
#[cfg(not(target_os = "linux"))]
fn resident_bytes() -> u64 {
    let pid = std::process::id().to_string();
    let output = std::process::Command::new("ps").args(["-o", "rss=", "-p", &pid]).output();
    let kib: u64 = output.ok().and_then(|out| String::from_utf8(out.stdout).ok()?.trim().parse().ok()).unwrap_or(0);
    kib * 1024
}

fn checked_name(name: Option<String>) -> Result<Option<String>, Refusal> {
    checked_line("name", LONGEST_NAME, name)
}

/// Checks what the reader calls a run or notes on it, which is printed in terminals: it is one line without control
/// characters, and no longer than so many. An empty one counts as none.
fn checked_line(what: &str, longest: usize, line: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(line) = line.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()) else { return Ok(None) };
    let refuse = |why: &str| Err(Refusal::new(ErrorKind::BadRequest, format!("a run's {what} {why}")));
    if line.chars().any(|c| c.is_control() || is_bidi_control(c)) {
        return refuse("can't hold control characters");
    }
    if line.chars().count() > longest {
        return refuse(&format!("may have {longest} characters"));
    }
    Ok(Some(line))
}

/// Checks an id. Lesson files come from anywhere, and a notebook sends the ids in them.
fn check_cell(cell: &CellKey) -> Result<(), Refusal> {
    for (what, id) in [("lesson", &cell.lesson), ("cell", &cell.cell)] {
        if let Some(why) = id_fault(id) {
            return Err(Refusal::new(ErrorKind::BadRequest, format!("the {what}'s id {why}")));
        }
    }
    Ok(())
}

/// Checks a key of [`RequestBody::Remember`], which consists of ids and a word before them.
const LONGEST_KEY: usize = 300;

fn check_key(key: &str) -> Result<(), Refusal> {
    let refuse = |why: &str| Err(Refusal::new(ErrorKind::BadRequest, format!("a key of what is remembered {why}")));
    if key.chars().any(|c| c.is_control() || is_bidi_control(c)) {
        return refuse("can't hold control characters");
    }
    if key.chars().count() > LONGEST_KEY {
        return refuse(&format!("may have {LONGEST_KEY} characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_it_looks_like() {
        let checked = |name: &str| checked_name(Some(name.into()));
        assert_eq!(checked("  wide \u{e9} 数 ").unwrap().as_deref(), Some("wide \u{e9} 数"));
        assert_eq!(checked(" ").unwrap(), None);
        for name in ["a\0b", "a\u{1b}[31m", "a\nb", "\u{202e}lort", "a\u{2066}b", &"x".repeat(LONGEST_NAME + 1)] {
            assert!(checked(name).is_err(), "{name:?}");
        }
    }
}
