//! The process from its start to its end. `process` starts and serves, `home_lock` admits one kernel per home, `log` is
//! its log, `recovery` resumes what a dead kernel left, `home_watch` checks the home's files, `backup` copies the
//! store, and `shutdown` ends everything in order.

mod backup;
mod error;
mod home_lock;
mod home_watch;
mod log;
mod process;
mod recovery;
mod shutdown;

pub use error::KernelError;
pub use process::{Options, run};

pub(crate) use backup::Backups;
pub(crate) use recovery::UnfinishedWork;
pub(crate) use shutdown::ShutdownCause;

#[cfg(test)]
pub(crate) use {home_watch::HomeLocation, recovery::mark_interrupted};
