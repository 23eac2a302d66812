//! The edge: terminal guard, input thread, event loop, kernel client.

pub mod client;

mod drill;
mod guard;
mod input;
mod lesson_file;
mod light;
mod link;
mod notebook;
mod out;
mod places;
mod reader;
mod report;
mod watch;

pub use lesson_file::read as read_lesson;
pub use notebook::{Options, run};
pub use report::install as install_reports;
