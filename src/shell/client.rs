//! The notebook's end of the kernel's socket, and how a kernel is started.

use crate::{
    protocol::{ErrorKind, Event, Hello, Reply, RequestBody, ServerLine},
    store::{Home, HomeError},
};
use std::{path::PathBuf, time::Duration};

/// A connection to the home's kernel, greeted and of the same protocol.
///
/// Use it in turn, [`Client::request`] and [`Client::next_event`], or [`Client::split`] it for two threads.
pub struct Client {}

/// The writing half.
pub struct Sender {}

/// The reading half: a blocking iterator over what the kernel says, which ends with the connection.
pub struct Receiver {}

/// What went wrong between notebook and kernel, and what would help.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("relu-kernel is not at {0}; build it with `cargo build --release`, or set RELU_KERNEL to where it is")]
    Missing(PathBuf),
    /// The kernel's own sentence. `ErrorKind::Protocol` means another version: see [`Client::stop_idle`].
    #[error("{message}")]
    Refused { kind: ErrorKind, message: String },
    #[error("the kernel (process {pid}) has not answered for {} s; `kill {pid}` ends it, and nothing committed is lost", waited.as_secs())]
    Silent { pid: u32, waited: Duration },
    /// The kernel is gone; [`Client::connect_or_start`] brings it back.
    #[error("the kernel has left; the log is {log}")]
    Gone { log: PathBuf },
}

impl Client {
    /// Connects to the home's kernel if one is running; `None` if none is.
    pub fn connect(_home: &Home) -> Result<Option<Self>, ClientError> {
        todo!()
    }

    /// Connects to the home's kernel and starts one if none is running. May take a second.
    pub fn connect_or_start(_home: &Home) -> Result<Self, ClientError> {
        todo!()
    }

    /// Asks a kernel of another protocol version to leave if nothing runs in it. `Refused` with `Busy` if it works.
    pub fn stop_idle(_home: &Home) -> Result<(), ClientError> {
        todo!()
    }

    /// Who answered.
    pub fn hello(&self) -> &Hello {
        todo!()
    }

    /// Asks and waits for the answer; events that come meanwhile are kept for [`Client::next_event`].
    ///
    /// # Errors
    /// `Refused` if the kernel refuses, so the reply is never `Reply::Refused`.
    pub fn request(&mut self, _body: RequestBody) -> Result<Reply, ClientError> {
        todo!()
    }

    /// The next event after `RequestBody::Follow`; `None` if nothing came within `timeout`.
    pub fn next_event(&mut self, _timeout: Duration) -> Result<Option<Event>, ClientError> {
        todo!()
    }

    /// Waits until the kernel has closed the connection, as after `Shutdown`; whether it did within `timeout`.
    pub fn wait_closed(&mut self, _timeout: Duration) -> bool {
        todo!()
    }

    pub fn split(self) -> (Sender, Receiver) {
        todo!()
    }
}

impl Sender {
    /// Sends a request; its reply comes through the receiver under the returned number.
    pub fn send(&mut self, _body: RequestBody) -> Result<u64, ClientError> {
        todo!()
    }

    /// Ends the connection; the receiver's iteration ends too.
    pub fn close(&self) {
        todo!()
    }
}

impl Iterator for Receiver {
    type Item = Result<ServerLine, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}
