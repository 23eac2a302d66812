//! `relu-kernel`: trains and keeps what it measured, for any number of notebooks. `relu` starts it when it is needed.

use clap::Parser;
use kernel::Options;
use protocol::escape_controls;
use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};
use store::Home;

/// The kernel of relu-notebook: it trains, and goes on when terminals and notebooks end. `relu` starts it by itself.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The folder that holds all state; otherwise `RELU_HOME`, else the user's state folder.
    #[arg(long)]
    home: Option<PathBuf>,
    /// How many lanes of one thread may train at once.
    #[arg(long)]
    cores: Option<u32>,
    /// Seconds of training between two checkpoints inside an epoch.
    #[arg(long, value_parser = seconds)]
    checkpoint_seconds: Option<Duration>,
    /// Seconds with nothing to do after which it leaves.
    #[arg(long, value_parser = seconds)]
    idle_seconds: Option<Duration>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("`{text}` is not a number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let home = match arguments.home.map_or_else(Home::locate, Home::at) {
        Ok(home) => home,
        Err(error) => {
            let _ = writeln!(io::stderr(), "relu-kernel: {}", escape_controls(&error.to_string()));
            return ExitCode::FAILURE;
        }
    };
    let defaults = Options::default();
    let options = Options {
        cores: arguments.cores.unwrap_or(defaults.cores),
        checkpoint_every: arguments.checkpoint_seconds.unwrap_or(defaults.checkpoint_every),
        idle: arguments.idle_seconds.unwrap_or(defaults.idle),
        ..defaults
    };
    // What went wrong has been told on the standard output, for whoever started it, and in the log.
    if kernel::run(&home, options).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
