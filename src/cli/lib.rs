//! The commands, one file each. The exit code is 0 on success, 1 after an error on stderr, 2 for a wrong command line.

mod chart;
mod check;
mod compare;
mod data;
mod doctor;
mod export;
mod follow;
mod fork;
mod html;
mod kernel;
mod ledger;
mod lessons;
mod measure;
mod memory;
mod open;
mod report;
mod run_output;
mod runs;
mod steer;
mod stored_run;
mod sweep;
mod tfevents;
mod train;
mod view;
mod view_image;
mod view_picture;

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
    appearance: open::Appearance,
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
        appearance: open::Appearance,
    },
    /// Open the laboratory: a study of your own as a table, run and charted
    Lab {
        /// The study as text, as in `relu train`; otherwise the laboratory as you left it
        study: Option<String>,
        /// Show these runs beside each other, and whether their arms differ
        #[arg(long, value_delimiter = ',', value_name = "RUN,RUN")]
        compare: Vec<RunId>,
        #[command(flatten)]
        appearance: open::Appearance,
    },
    /// Look inside the networks of a run: filters, maps, mistakes, your own digit, surgery
    Inside {
        run: RunId,
        #[command(flatten)]
        appearance: open::Appearance,
    },
    /// List the lessons, or begin one of your own
    Lessons(lessons::Lessons),
    /// Check lesson files: every fault as <file:line:column>
    Check {
        /// A lesson file or a folder of them; otherwise the shipped lessons
        path: Option<PathBuf>,
    },
    /// Train the networks of a study and follow them
    Train(Box<train::Train>),
    /// List runs, or show, rename, tag, annotate, delete, export one
    Runs(runs::Runs),
    /// Say whether two arms differ, of one run or of two
    Compare(compare::Compare),
    /// Write one page about runs, for a browser: settings, charts, tables, and whether the arms differ
    Report(report::ReportArguments),
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
    /// Look into a trained network: its filters, its mistakes, its answer to a digit, ...
    View(Box<view::ViewArguments>),
    /// Go on from an epoch of a run in a new one, with settings changed, and follow it
    Fork(fork::ForkArguments),
    /// Train a study with every combination of some settings' values, and tell the best of each arm
    Sweep(sweep::SweepArguments),
    /// List the data sets with a check of their files, or get one
    Data(data::Data),
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
    /// Check this installation: home, disk, store, kernel, LibTorch, data sets, terminal
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
    let Arguments { appearance, command } = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(refused) => return print_clap_error(&refused),
    };
    let outcome = match command {
        None => open::notebook(None, appearance),
        Some(Command::Open { what, appearance: own }) => open::notebook(Some(&what), own.or(appearance)),
        Some(Command::Lab { study, compare, appearance: own }) => {
            open::laboratory(study.as_deref(), compare, own.or(appearance))
        }
        Some(Command::Inside { run, appearance: own }) => open::inside(run, own.or(appearance)),
        Some(Command::Lessons(lessons)) => lessons::lessons(&lessons),
        Some(Command::Check { path }) => check::check(path.as_deref()),
        Some(Command::Train(train)) => train::train(&train),
        Some(Command::Runs(runs)) => runs::runs(runs),
        Some(Command::Compare(arguments)) => compare::compare(&arguments),
        Some(Command::Report(arguments)) => report::report(&arguments),
        Some(Command::Resume { run: Some(run), detach, json, .. }) => train::resume(run, detach, json),
        Some(Command::Resume { run: None, json, .. }) => train::resume_all(json),
        Some(Command::Stop { run }) => runs::stop(run),
        Some(Command::Steer(arguments)) => steer::steer(&arguments),
        Some(Command::View(arguments)) => view::view(&arguments),
        Some(Command::Fork(arguments)) => fork::fork(arguments),
        Some(Command::Sweep(arguments)) => sweep::sweep(&arguments),
        Some(Command::Data(arguments)) => data::data(&arguments),
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
            complain(&error_chain(&error));
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

/// Prints an error of the command line, or the help. Control characters that the error quotes are escaped.
fn print_clap_error(refused: &clap::Error) -> ExitCode {
    let text = refused.render().to_string();
    if let Cow::Owned(safe) = escape_controls(&text) {
        let _ = io::stderr().write_all(safe.as_bytes());
    } else {
        // In colours, where the terminal has some.
        let _ = refused.print();
    }
    ExitCode::from(u8::try_from(refused.exit_code()).unwrap_or(2))
}

/// An error and its causes. A cause that the text so far contains is not repeated.
fn error_chain(error: &color_eyre::Report) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.as_str() {
        "" => cause,
        _ if text.contains(&cause) => text,
        _ => format!("{text}: {cause}"),
    })
}

/// A message says so if the kernel takes longer than this to start.
const START_MESSAGE_AFTER: Duration = Duration::from_secs(5);

/// Connects to the kernel, or starts one, and prints its notices.
fn connect_or_start(home: &Home) -> Result<Client, ClientError> {
    let client = with_wait_message(Client::connect_or_start, home)?;
    let hello = client.hello();
    hello.notices.iter().chain(&hello.interrupted).for_each(|sentence| complain(sentence));
    Ok(client)
}

/// Calls `wait`, and prints a message if that takes long.
fn with_wait_message<T>(wait: impl FnOnce(&Home) -> T, home: &Home) -> T {
    let (done, over) = mpsc::channel::<()>();
    let log = home.kernel_log();
    // If no thread can be started, there is no message.
    let _ = thread::Builder::new().name("wait-message".into()).spawn(move || {
        if over.recv_timeout(START_MESSAGE_AFTER) == Err(RecvTimeoutError::Timeout) {
            complain(&format!("still waiting for the kernel; its log is {}", log.display()));
        }
    });
    let outcome = wait(home);
    drop(done);
    outcome
}

type Outcome = color_eyre::Result<ExitCode>;

// The commands print through these functions only. They escape control characters, because a text may quote input of unknown
// origin.

/// Prints a message on stderr. Errors are ignored, as stderr may be closed.
pub fn complain(message: &str) {
    let _ = writeln!(io::stderr(), "relu: {}", escape_controls(message));
}

/// Prints a line on stdout.
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

/// Whether the reader of the output has closed the pipe, as `head` does.
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
    fn no_cause_is_repeated() {
        let cause = || io::Error::other("the cable is out");
        let text = |error: color_eyre::Report| error_chain(&error);
        assert_eq!(
            text(color_eyre::Report::new(cause()).wrap_err("x.md can't be read")),
            "x.md can't be read: the cable is out"
        );
        let named = color_eyre::Report::new(cause()).wrap_err("x.md can't be read: the cable is out");
        assert_eq!(text(named), "x.md can't be read: the cable is out");
    }

    #[test]
    fn the_command_line_is_valid() {
        Arguments::command().debug_assert();
    }
}
