//! The edge: terminal guard, input thread, event loop, kernel client.

pub mod client;

mod drill;
mod guard;
mod input;
mod light;
mod link;
mod notebook;
mod out;
mod places;
mod reader;
mod report;
mod watch;

pub use notebook::{Options, run};
pub use report::install as install_reports;
pub use watch::Watched;
