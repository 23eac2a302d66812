//! Input and output: the terminal, the input thread, the event loop and the kernel's client.

pub mod client;
mod clipboard;

mod backend;
mod background;
mod decoder;
mod forced_panic;
mod frame_output;
mod highlight;
mod image_encoding;
mod image_queries;
mod images;
mod input;
mod kernel_link;
mod lesson_file;
mod lesson_watch;
mod notebook;
mod report;
mod store_reader;
mod terminal_guard;
mod terminal_queries;
mod terminal_size;
mod thread;
mod unsaved_progress;

pub use background::ThemeChoice;
pub use lesson_file::read as read_lesson;
pub use lesson_watch::WatchedLesson;
pub use notebook::{Opening, Options, run};
pub use report::install as install_reports;
pub use terminal_size::frame_size;

/// The number of cores that a kernel started here uses.
pub fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32)
}
