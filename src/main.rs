//! `relu`: the notebook, and its commands for scripts.
//!
//! It is built from the rooms themselves, `learn` and `kernel` left out, and not from the library: there, rooms share
//! object files, and one that names LibTorch would bring it into this program's link. So `relu` starts in milliseconds
//! and nothing that LibTorch does can freeze or kill it; `tests/tidy.rs` holds this.

// What only the kernel uses is unused here.
#![allow(dead_code, unused_imports)]

mod mnist;
mod protocol;

mod lesson;
mod store;

mod app;
mod shell;
mod ui;

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Err(error) = shell::install_reports() {
        cli::complain(&format!("{error:#}"));
    }
    cli::main()
}
