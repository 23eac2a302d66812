//! `relu`: the notebook, and its commands for scripts.
//!
//! It names no room that names LibTorch, so it is linked without it: `relu` starts in milliseconds and nothing that
//! LibTorch does can freeze or kill it. `tests/tidy.rs` holds this.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Err(error) = shell::install_reports() {
        cli::complain(&format!("{error:#}"));
    }
    cli::main()
}
