//! `relu kernel`: shows the kernel's status, and stops it.

use super::{Outcome, say, say_json};
use clap::Subcommand;
use color_eyre::eyre::bail;
use protocol::{ErrorKind, Reply, RequestBody};
use serde_json::json;
use shell::client::{Client, ClientError};
use std::process::ExitCode;
use store::Home;

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
        /// Even with runs under way; a kernel that does not answer is killed
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
        say(&format!("run {:<4} {}, {}", run.run, run.state.name(), run.advance()))?;
        for (_, notice) in status.notices.iter().filter(|(of, _)| *of == run.run) {
            say(&format!("         {notice}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn stop(home: &Home, force: bool, as_json: bool) -> Outcome {
    let outcome = Client::connect(home).and_then(|client| match client {
        Some(mut client) => client.leave(force).map(|()| {
            client.wait_for_exit();
            true
        }),
        None => Ok(false),
    });
    let mut killed = false;
    let stopped = match outcome {
        Ok(stopped) => stopped,
        Err(error @ (ClientError::Silent { .. } | ClientError::Stays { .. })) if force => {
            Client::kill(home, error)?;
            killed = true;
            true
        }
        Err(refusal @ ClientError::Refused { kind: ErrorKind::Protocol, .. }) => {
            stop_other_version(home, refusal)?;
            true
        }
        Err(error) => return Err(error.into()),
    };
    if as_json {
        say_json(&json!({ "stopped": stopped }))?;
    } else {
        say(match (stopped, killed) {
            (_, true) => {
                "the kernel did not answer, and was killed; nothing committed is lost, and its runs can be resumed"
            }
            (true, false) => "the kernel has left",
            (false, false) => "no kernel runs",
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Stops a kernel of another version, which accepts only this request, and only while it is idle.
fn stop_other_version(home: &Home, refusal: ClientError) -> color_eyre::Result<()> {
    match Client::stop_idle(home) {
        Ok(()) => Ok(()),
        // It serves another user and has closed the connection.
        Err(ClientError::Gone { .. }) => Err(refusal.into()),
        Err(ClientError::Refused { kind: ErrorKind::Busy, message }) => bail!(
            "the kernel is of another version and at work ({message}); such a one can be asked to leave only when it is \
             idle, with --force too, and `kill` with its process number makes it store its runs and leave"
        ),
        Err(error) => Err(error.into()),
    }
}
