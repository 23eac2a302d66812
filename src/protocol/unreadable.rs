//! A line of the kernel that can't be read, and what can be said about it.

use super::{CellEvent, CellKey, RunEvent, RunId};
use serde::Deserialize;
use serde_json::Value;
use std::fmt;

/// A line that is no message of the protocol. A client skips it with a notice; the connection continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub subject: Option<Subject>,
    /// The event's name, such as `epoch` or `finished`.
    pub event: Option<String>,
    /// The id of the request that it answers.
    pub reply_to: Option<u64>,
    why: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Run(RunId),
    Cell(CellKey),
}

impl Unreadable {
    /// What can be said about a line that is no [`super::ServerLine`].
    pub fn of(line: &[u8]) -> Self {
        let value = match serde_json::from_slice::<Value>(line) {
            Ok(value) => value,
            Err(error) => {
                return Self { subject: None, event: None, reply_to: None, why: without_place(&error) };
            }
        };
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let run = value.get("run").and_then(|run| RunId::deserialize(run).ok()).map(Subject::Run);
        let cell = value.get("cell").and_then(|cell| CellKey::deserialize(cell).ok()).map(Subject::Cell);
        // The kind of event alone says which field is wrong.
        let why = match (text("event"), text("cell_event")) {
            (Some(_), _) => RunEvent::deserialize(&value).err(),
            (None, Some(_)) => CellEvent::deserialize(&value).err(),
            (None, None) => None,
        };
        let why = why.map_or_else(|| "it is no message that this version knows".into(), |error| without_place(&error));
        Self {
            subject: cell.or(run),
            event: text("event").or_else(|| text("cell_event")),
            reply_to: text("reply").and_then(|_| value.get("id")?.as_u64()),
            why,
        }
    }

    /// Whether the line announced the end of a cell's measurement.
    pub fn ends_cell(&self) -> bool {
        matches!(self.event.as_deref(), Some("finished" | "stopped" | "failed"))
    }

    /// Whether the line announced something that the store does not have.
    pub fn is_progress(&self) -> bool {
        self.event.as_deref() == Some("progress")
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = self.event.as_deref().unwrap_or("message");
        write!(f, "a message from the kernel can't be read and is skipped: ")?;
        match &self.subject {
            Some(Subject::Run(run)) => write!(f, "{event} of run {run}")?,
            Some(Subject::Cell(cell)) => write!(f, "{event} of {}/{}", cell.lesson, cell.cell)?,
            None => f.write_str(event)?,
        }
        write!(f, " ({})", self.why)
    }
}

/// The error without its line and column, as a message is always one line.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_cant_be_read_says_what_it_was_about() {
        let of = |line: &str| Unreadable::of(line.as_bytes());
        let epoch = of(r#"{"event":"epoch","run":4,"arm":"relu-tanh","seed":1,"epoch":3,"train_loss":null}"#);
        assert_eq!(epoch.subject, Some(Subject::Run(RunId(4))));
        let text = epoch.to_string();
        assert!(text.contains("epoch of run 4 (invalid type: null, expected f64"), "{text}");
        let cell = of(r#"{"cell_event":"finished","cell":{"lesson":"a","cell":"b"},"outcome":{"figures":null}}"#);
        assert!(cell.ends_cell() && !cell.is_progress());
        assert!(cell.to_string().contains("finished of a/b (invalid type: null"), "{cell}");
        assert_eq!(of(r#"{"id":7,"reply":"novel"}"#).reply_to, Some(7));
        let later = of(r#"{"event":"novel","run":4}"#).to_string();
        assert!(later.contains("novel of run 4 (unknown variant `novel`"), "{later}");
        assert!(of("rubbish").to_string().contains("(expected value)"), "{}", of("rubbish"));
        assert_eq!(of("[1]").to_string().matches("no message that this version knows").count(), 1);
    }
}
