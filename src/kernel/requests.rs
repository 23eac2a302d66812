//! What a greeted client may ask, and the answers.

use super::Kernel;
use protocol::{CellKey, ErrorKind, Reply, RequestBody, RunEvent, id_fault, is_bidi_control};
use std::sync::Arc;
use store::StoreError;

/// What can't be done and why: becomes `Reply::Refused`.
#[derive(Debug)]
pub(super) struct Refusal {
    pub kind: ErrorKind,
    pub message: String,
}

impl Refusal {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let kind = if matches!(error, StoreError::NoSuchRun(_)) { ErrorKind::NoSuchRun } else { ErrorKind::Storage };
        Self::new(kind, error.to_string())
    }
}

/// A reader's name for a run, on one line of a list.
const LONGEST_NAME: usize = 100;

impl Kernel {
    pub(super) fn handle(self: &Arc<Self>, body: RequestBody) -> Reply {
        self.touch();
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
            RequestBody::Pause { run } => self.pause(run)?,
            RequestBody::Continue { run } | RequestBody::Resume { run } => self.resume(run)?,
            RequestBody::Stop { run } => self.stop(run)?,
            RequestBody::Rename { run, name } => {
                let name = checked_name(name)?;
                self.store().rename(run, name.as_deref())?;
                self.ask_for_backup();
                self.announce(RunEvent::Renamed { run, name });
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
            // The connection sends the answer, then tells the process.
            RequestBody::Shutdown { force } => self.begin_leaving(force)?,
            // Both belong to the connection, which has answered them.
            RequestBody::Hello { .. } | RequestBody::Follow => {}
        }
        Ok(Reply::Done)
    }
}

/// A name stands in terminals: no control characters, one short line, and no name rather than an empty one.
fn checked_name(name: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(name) = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()) else { return Ok(None) };
    let refuse = |why: &str| Err(Refusal::new(ErrorKind::BadRequest, format!("a run's name {why}")));
    if name.chars().any(|c| c.is_control() || is_bidi_control(c)) {
        return refuse("can't hold control characters");
    }
    if name.chars().count() > LONGEST_NAME {
        return refuse(&format!("may have {LONGEST_NAME} characters"));
    }
    Ok(Some(name))
}

/// Lesson files come from anywhere, and a notebook sends the ids that stand in them.
fn check_cell(cell: &CellKey) -> Result<(), Refusal> {
    for (what, id) in [("lesson", &cell.lesson), ("cell", &cell.cell)] {
        if let Some(why) = id_fault(id) {
            return Err(Refusal::new(ErrorKind::BadRequest, format!("the {what}'s id {why}")));
        }
    }
    Ok(())
}

/// A key of [`RequestBody::Remember`] has ids in it, and a word before them.
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
