//! `relu`: the notebook, and its commands for scripts.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Err(error) = relu_notebook::shell::install_reports() {
        relu_notebook::cli::complain(&format!("{error:#}"));
    }
    relu_notebook::cli::main()
}
