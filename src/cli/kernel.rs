//! `relu kernel`: what the kernel does, and its end.

use super::{Outcome, say, say_json};
use crate::protocol::{Reply, RequestBody};
use crate::shell::client::Client;
use crate::store::Home;
use clap::Subcommand;
use color_eyre::eyre::bail;
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;

/// How long a kernel may take to commit and leave.
const LEAVING: Duration = Duration::from_secs(30);

#[derive(Subcommand)]
pub enum KernelCommand {
    /// Its process, age, memory and runs; exit status 1 if none runs
    Status {
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Make it leave; with runs under way only with --force, and they can be resumed
    Stop {
        /// Even with runs under way
        #[arg(long)]
        force: bool,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
}

pub fn kernel(command: &KernelCommand) -> Outcome {
    let home = Home::locate()?;
    match *command {
        KernelCommand::Status { json } => status(&home, json),
        KernelCommand::Stop { force, json } => stop(&home, force, json),
    }
}

fn status(home: &Home, as_json: bool) -> Outcome {
    let Some(mut client) = Client::connect(home)? else {
        if as_json {
            say_json(&json!({ "running": false }))?;
        } else {
            say("no kernel runs; a race starts one")?;
        }
        return Ok(ExitCode::FAILURE);
    };
    let Reply::Status(status) = client.request(RequestBody::Status)? else {
        bail!("the kernel did not tell its status")
    };
    if as_json {
        say_json(&status)?;
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!("process  {}, version {}", status.pid, status.version))?;
    say(&format!("up       {:.0} s", status.uptime_seconds))?;
    say(&format!("memory   {} MB", status.rss_bytes / 1_000_000))?;
    say(&format!("clients  {}", status.clients))?;
    for run in &status.runs {
        say(&format!("run {:<4} {}, {} of {} epochs", run.run, run.state.name(), run.epochs_done, run.spec.epochs))?;
        for (_, notice) in status.notices.iter().filter(|(of, _)| *of == run.run) {
            say(&format!("         {notice}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn stop(home: &Home, force: bool, as_json: bool) -> Outcome {
    let stopped = match Client::connect(home)? {
        None => false,
        Some(mut client) => {
            client.request(RequestBody::Shutdown { force })?;
            if !client.wait_closed(LEAVING) {
                bail!(
                    "the kernel has not left within {} s; its log is {}",
                    LEAVING.as_secs(),
                    home.kernel_log().display()
                );
            }
            true
        }
    };
    if as_json {
        say_json(&json!({ "stopped": stopped }))?;
    } else {
        say(if stopped { "the kernel has left" } else { "no kernel runs" })?;
    }
    Ok(ExitCode::SUCCESS)
}
