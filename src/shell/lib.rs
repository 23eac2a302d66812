//! The edge: terminal guard, input thread, event loop, kernel client.

pub mod client;

mod backend;
mod decoder;
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
mod size;
mod theme;
mod watch;

pub use lesson_file::read as read_lesson;
pub use notebook::{Options, run};
pub use report::install as install_reports;
pub use size::drawn as drawn_size;
pub use theme::{Page, ThemeChoice};
pub use watch::Told as WatchedLesson;

/// The cores that a kernel started here gives out.
pub fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32)
}
