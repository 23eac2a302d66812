//! The commands: one file each. Exit status 0 is success, 1 a failure told on stderr, 2 a wrong call.

mod chart;
mod check;
mod doctor;
mod export;
mod follow;
mod fork;
mod kernel;
mod ledger;
mod lessons;
mod measure;
mod memory;
mod open;
mod runs;
mod steer;
mod sweep;
mod teller;
mod train;

use clap::{CommandFactory, Parser, Subcommand};
use protocol::{RunId, escape_controls, escape_json, escape_line};
use shell::client::{Client, ClientError};
use std::borrow::Cow;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;
use store::Home;

/// A terminal notebook that teaches the ReLU by letting you measure every claim, live, on LibTorch.
///
/// Without a command it opens where you left off.
#[derive(Parser)]
#[command(name = "relu", version)]
struct Arguments {
    #[command(flatten)]
    look: open::Look,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Open a lesson by its id, or a lesson file of your own
    Open {
        /// A lesson's id (`relu lessons` lists them), or FILE.md
        what: String,
        #[command(flatten)]
        look: open::Look,
    },
    /// List the lessons, or begin one of your own
    Lessons(lessons::Lessons),
    /// Check lesson files: every fault as <file:line:column>
    Check {
        /// A lesson file or a folder of them; otherwise the shipped lessons
        path: Option<PathBuf>,
    },
    /// Train a race of LeNet-4 networks and follow it
    Train(Box<train::Train>),
    /// List runs, or show, rename, delete, export one
    Runs(runs::Runs),
    /// Go on with a stopped, paused, interrupted or failed run, and follow it; one that goes on is followed
    Resume {
        /// Its number in `relu runs`
        #[arg(required_unless_present = "all")]
        run: Option<RunId>,
        /// Every run that was interrupted, by its kernel's end say; they go on in the kernel
        #[arg(long, conflicts_with_all = ["run", "detach"])]
        all: bool,
        /// Leave at once; the run goes on in the kernel
        #[arg(long)]
        detach: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Stop a run at the next batch, and wait until it has; it can be resumed
    Stop {
        /// Its number in `relu runs`
        run: RunId,
    },
    /// Change the learning rate of an arm that trains or is paused, from its next epoch on
    Steer(steer::Steer),
    /// Go on from an epoch of a run in a new one, with settings changed, and follow it
    Fork(fork::ForkArguments),
    /// Train a study with every combination of some settings' values, and tell the best of each arm
    Sweep(sweep::SweepArguments),
    /// Look at the kernel, or stop it
    Kernel {
        #[command(subcommand)]
        command: kernel::KernelCommand,
    },
    /// Run the lessons' experiments one after another, without the notebook
    Measure(measure::Measure),
    /// Print every claim of the article with your own measurements and the verdict they give
    Ledger {
        /// One JSON array
        #[arg(long)]
        json: bool,
    },
    /// Check this installation: home, disk, store, kernel, LibTorch, MNIST, terminal
    Doctor {
        /// One JSON array
        #[arg(long)]
        json: bool,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell that is to read it
        shell: clap_complete::Shell,
    },
}

/// A failure with an exit status of its own; everything else is 1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let Arguments { look, command } = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(refused) => return refuse(&refused),
    };
    let outcome = match command {
        None => open::notebook(None, look),
        Some(Command::Open { what, look: own }) => open::notebook(Some(&what), own.or(look)),
        Some(Command::Lessons(lessons)) => lessons::lessons(&lessons),
        Some(Command::Check { path }) => check::check(path.as_deref()),
        Some(Command::Train(train)) => train::train(&train),
        Some(Command::Runs(runs)) => runs::runs(runs),
        Some(Command::Resume { run: Some(run), detach, json, .. }) => train::resume(run, detach, json),
        Some(Command::Resume { run: None, json, .. }) => train::resume_all(json),
        Some(Command::Stop { run }) => runs::stop(run),
        Some(Command::Steer(arguments)) => steer::steer(&arguments),
        Some(Command::Fork(arguments)) => fork::fork(arguments),
        Some(Command::Sweep(arguments)) => sweep::sweep(&arguments),
        Some(Command::Kernel { command }) => kernel::kernel(&command),
        Some(Command::Measure(arguments)) => measure::measure(&arguments),
        Some(Command::Ledger { json }) => ledger::ledger(json),
        Some(Command::Doctor { json }) => doctor::doctor(json),
        Some(Command::Completions { shell }) => completions(shell),
    };
    match outcome {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&in_full(&error));
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

/// What is wrong with the command line, or the help that it asks for. A word of the command line that a terminal would
/// obey is spelled out.
fn refuse(refused: &clap::Error) -> ExitCode {
    let text = refused.render().to_string();
    if let Cow::Owned(safe) = escape_controls(&text) {
        let _ = io::stderr().write_all(safe.as_bytes());
    } else {
        // In colours, where the terminal has some.
        let _ = refused.print();
    }
    ExitCode::from(u8::try_from(refused.exit_code()).unwrap_or(2))
}

/// An error and its causes. Many name their cause in their own words: nothing is said twice.
fn in_full(error: &color_eyre::Report) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        _ if told.contains(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}

/// A kernel that takes longer than this to be ready is told of.
const QUIET_START: Duration = Duration::from_secs(5);

/// The kernel's line; what it has to say of how it started is said.
fn connect_or_start(home: &Home) -> Result<Client, ClientError> {
    let client = told_of(Client::connect_or_start, home)?;
    let hello = client.hello();
    hello.notices.iter().chain(&hello.interrupted).for_each(|sentence| complain(sentence));
    Ok(client)
}

/// Says that the kernel is being waited for, should that take long.
fn told_of<T>(wait: impl FnOnce(&Home) -> T, home: &Home) -> T {
    let (done, over) = mpsc::channel::<()>();
    let log = home.kernel_log();
    // Where no thread can be had, nothing is said.
    let _ = thread::Builder::new().name("patience".into()).spawn(move || {
        if over.recv_timeout(QUIET_START) == Err(RecvTimeoutError::Timeout) {
            complain(&format!("still waiting for the kernel; its log is {}", log.display()));
        }
    });
    let outcome = wait(home);
    drop(done);
    outcome
}

type Outcome = color_eyre::Result<ExitCode>;

// All text that the commands print passes one of these: it may hold what others wrote, and a terminal would obey the
// control characters in it.

/// A message on stderr; a dead stderr is no reason to abort.
pub fn complain(message: &str) {
    let _ = writeln!(io::stderr(), "relu: {}", escape_controls(message));
}

/// One line on stdout.
fn say(line: &str) -> io::Result<()> {
    print_line(&escape_line(line))
}

fn say_json(value: &impl serde::Serialize) -> color_eyre::Result<()> {
    Ok(print_line(&escape_json(&serde_json::to_string(value)?))?)
}

fn print_line(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Whoever read us has had enough, as `head` does.
fn is_closed_pipe(error: &color_eyre::Report) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe))
}

fn completions(shell: clap_complete::Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "relu", &mut script);
    io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cause_is_told_twice() {
        let cause = || io::Error::other("the cable is out");
        let told = |error: color_eyre::Report| in_full(&error);
        assert_eq!(
            told(color_eyre::Report::new(cause()).wrap_err("x.md can't be read")),
            "x.md can't be read: the cable is out"
        );
        let named = color_eyre::Report::new(cause()).wrap_err("x.md can't be read: the cable is out");
        assert_eq!(told(named), "x.md can't be read: the cable is out");
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
