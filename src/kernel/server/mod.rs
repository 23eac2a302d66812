//! The socket's clients: `connection` reads one client's requests, `requests` answers them, `hub` sends events to all
//! followers.

mod connection;
mod hub;
mod requests;

pub(crate) use connection::serve;
pub(crate) use hub::{Hub, NoticeKind};

#[cfg(test)]
pub(crate) use {connection::Registration, hub::Outbox};
