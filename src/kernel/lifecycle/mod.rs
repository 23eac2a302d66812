//! The process from its start to its end: `process` starts and serves, `home_lock` keeps one kernel to a home, `log` is its
//! log; `recovery` goes on with what a dead kernel left; `home_watch` looks after the home meanwhile, `backup` after the
//! store's second copy; `shutdown` ends everything in good order.

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
pub(crate) use {home_watch::Whereabouts, recovery::mark_interrupted};
