//! Why a request can't be carried out.

use protocol::ErrorKind;
use store::StoreError;

/// Sent as `Reply::Refused`. The message is a sentence with the remedy.
#[derive(Debug)]
pub(crate) struct Refusal {
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
        let kind = match error {
            StoreError::NoSuchRun(_) => ErrorKind::NoSuchRun,
            StoreError::Full => ErrorKind::DiskFull,
            _ => ErrorKind::Storage,
        };
        Self::new(kind, error.to_string())
    }
}
