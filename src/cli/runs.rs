//! `relu runs` and `relu stop`: what was trained, and what to do with it.

use super::sweep::SweepReport;
use super::{Outcome, complain, connect_or_start, export, say, say_json};
use clap::{Args, Subcommand, ValueEnum};
use color_eyre::eyre::{Context, bail};
use protocol::{
    EpochRecord, ErrorKind, Event, Fork, Lane, Metric, Reply, RequestBody, RunEvent, RunId, RunState, RunSummary,
    Subject, clock,
};
use serde_json::json;
use shell::client::{Client, ClientError, LEAVING, Message};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use store::files::checkpoint_bytes;
use store::{Home, LaneState, Store, UnfinishedJob};
use unicode_width::UnicodeWidthStr;

#[derive(Args)]
pub struct Runs {
    #[command(subcommand)]
    command: Option<RunsCommand>,
    /// One JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum RunsCommand {
    /// A run's settings, state and every epoch
    Show {
        /// Its number in `relu runs`
        run: RunId,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Give a run a name; an empty one takes it away
    Rename {
        /// Its number in `relu runs`
        run: RunId,
        /// What the list is to show beside the number
        name: String,
    },
    /// Delete runs with their checkpoints; active ones are refused
    Delete {
        /// Their numbers in `relu runs`
        #[arg(required = true)]
        runs: Vec<RunId>,
    },
    /// Write a run's curves to a file or to stdout
    Export {
        /// Its number in `relu runs`
        run: RunId,
        /// What the file holds; otherwise what its name ends in, else csv
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// Where to; otherwise stdout
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Format {
    /// A row for each epoch of each lane
    Csv,
    /// Settings, state and epochs
    Json,
    /// The chart: validation error by epoch
    Svg,
    /// The same as pixels
    Png,
}

pub fn runs(arguments: Runs) -> Outcome {
    let home = Home::locate()?;
    match arguments.command {
        None => list(&home, arguments.json),
        Some(RunsCommand::Show { run, json }) => show(&home, run, json || arguments.json),
        Some(RunsCommand::Rename { run, name }) => {
            let name = Some(name.trim().to_string()).filter(|name| !name.is_empty());
            ask(&home, RequestBody::Rename { run, name })
        }
        Some(RunsCommand::Delete { runs }) => {
            let mut failed = false;
            for run in runs {
                match ask(&home, RequestBody::Delete { run }) {
                    Ok(_) => say(&format!("run {run} is deleted"))?,
                    // The others can go all the same.
                    Err(error) => {
                        failed = true;
                        complain(&format!("{error:#}"));
                    }
                }
            }
            Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        Some(RunsCommand::Export { run, format, output }) => export::export(&home, run, format, output.as_deref()),
    }
}

/// Only the kernel writes: it is started if none runs.
fn ask(home: &Home, body: RequestBody) -> Outcome {
    home.prepare()?;
    connect_or_start(home)?.request(body)?;
    Ok(ExitCode::SUCCESS)
}

pub fn stop(run: RunId) -> Outcome {
    let home = Home::locate()?;
    let mut client = match Client::connect(&home)? {
        Some(client) => client,
        // It would be taken up again.
        None if find(&home, run)?.1.state == RunState::Interrupted => connect_or_start(&home)?,
        None => bail!("no kernel runs, so run {run} does not train; `relu resume {run}` goes on with it"),
    };
    // Follow first: its end can't be missed.
    client.request(RequestBody::Follow)?;
    client.request(RequestBody::Stop { run })?;
    let mut before = client.heard_meanwhile();
    let deadline = Instant::now() + LEAVING;
    while let Some(left) = deadline.checked_duration_since(Instant::now()) {
        let early = before.pop_front();
        let answered = early.is_none();
        let heard = if answered { client.next_event(left)? } else { early };
        let event = match heard {
            Some(Message::Event(Event::Run(event))) if event.run() == run => event,
            Some(Message::Unreadable(line)) if line.subject == Some(Subject::Run(run)) && !line.is_progress() => {
                // What was committed with it stands in the store.
                complain(&line.to_string());
                if !Store::open_read(&home)?.run(run)?.state.is_active() {
                    say_rest(&home, run)?;
                    return Ok(ExitCode::SUCCESS);
                }
                continue;
            }
            _ => continue,
        };
        match event {
            RunEvent::Notice { text: Some(text), .. } => {
                complain(&text);
                refuse_if_it_rests(&mut client, run)?;
            }
            event if event.ends_run() => match (say_rest(&home, run)?, answered) {
                (Rest::Rests, _) => return Ok(ExitCode::SUCCESS),
                // Told before the answer, it may be an earlier end, with a resume between it and this stop.
                (Rest::GoesOn, false) => {}
                (Rest::GoesOn, true) => {
                    say(&format!("run {run} was stopped, and resumed since"))?;
                    return Ok(ExitCode::SUCCESS);
                }
            },
            _ => {}
        }
    }
    bail!("run {run} has been told to stop and has not within {} s; `relu runs` tells when it has", LEAVING.as_secs())
}

/// A run that trains no more, which a full disk has not taken yet, is told apart by the refusal of everything else that is
/// asked of it. Only space helps, and nobody should wait for that here.
fn refuse_if_it_rests(client: &mut Client, run: RunId) -> color_eyre::Result<()> {
    match client.request(RequestBody::Stop { run }) {
        Err(ClientError::Refused { kind: ErrorKind::Storage, message }) => {
            bail!("run {run} trains no more, but {message}; `relu runs delete` makes some")
        }
        // It has come to rest meanwhile, of which the next event tells.
        Ok(_) | Err(ClientError::Refused { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What a run does whose end was told.
#[derive(Clone, Copy)]
enum Rest {
    Rests,
    /// It was resumed since.
    GoesOn,
}

/// Says how the run has come to rest, if it has.
fn say_rest(home: &Home, run: RunId) -> color_eyre::Result<Rest> {
    match Store::open_read(home)?.run(run)?.state {
        RunState::Running | RunState::Queued | RunState::Paused => return Ok(Rest::GoesOn),
        RunState::Finished => say(&format!("run {run} has finished"))?,
        RunState::Failed { reason } => bail!("run {run} failed: {reason}"),
        RunState::Stopped | RunState::Interrupted => {
            say(&format!("run {run} is stopped; `relu resume {run}` goes on"))?;
        }
    }
    Ok(Rest::Rests)
}

/// The store for reading; `None` if nothing was ever trained here.
pub fn open_store(home: &Home) -> color_eyre::Result<Option<Store>> {
    home.examine()?;
    let path = home.database();
    let there =
        path.try_exists().wrap_err_with(|| format!("{} can't be looked for; is RELU_HOME right?", path.display()))?;
    if there { Ok(Some(Store::open_read(home)?)) } else { Ok(None) }
}

/// A run's epochs, lane by lane within each. Stored as they came: which lane was ahead is chance, and what is shown of two
/// equal runs should not differ by it.
pub fn epochs_in_order(store: &Store, summary: &RunSummary) -> color_eyre::Result<Vec<EpochRecord>> {
    let lanes = summary.spec.lanes();
    let mut epochs = store.epochs(summary.run)?;
    epochs.sort_by_key(|record| (record.epoch, lanes.iter().position(|lane| *lane == record.lane())));
    Ok(epochs)
}

/// One run, or a sentence that there is no such.
pub fn find(home: &Home, run: RunId) -> color_eyre::Result<(Store, RunSummary)> {
    let Some(store) = open_store(home)? else {
        bail!("there is no run {run}: nothing has been trained here yet");
    };
    let summary = store.run(run)?;
    Ok((store, summary))
}

/// What the kernel's runs complain of: the store knows nothing of a disk that is full. A kernel that can't be asked keeps
/// nobody from reading, and one that does not answer is told of: what the store has of its runs may not be so any more.
fn tell_of_troubles(home: &Home, runs: &[RunSummary]) {
    if !runs.iter().any(|run| run.state.is_active()) {
        return;
    }
    let status = Client::glance(home).and_then(|client| match client {
        Some(mut client) => client.request(RequestBody::Status).map(Some),
        None => Ok(None),
    });
    let status = match status {
        Ok(Some(Reply::Status(status))) => status,
        Err(ClientError::Silent { pid, .. }) => {
            let which = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
            return complain(&format!("the kernel{which} does not answer; this is what the store has"));
        }
        _ => return,
    };
    for (run, notice) in status.notices.iter().filter(|(of, _)| runs.iter().any(|run| run.run == *of)) {
        complain(&format!("run {run}: {notice}"));
    }
}

/// What its state alone does not tell.
fn remarks(run: &RunSummary) -> Vec<String> {
    let reason = if let RunState::Failed { reason } = &run.state { Some(format!("failed: {reason}")) } else { None };
    let not_exact = run.not_exact.as_ref().map(|why| format!("not exact: {why}"));
    let fork = run.fork.map(Fork::sentence);
    fork.into_iter().chain(reason).chain(not_exact).collect()
}

/// What the next kernel goes on with by itself. Where that can't be read nothing is said of it.
fn unfinished_jobs(home: &Home) -> Vec<UnfinishedJob> {
    Store::open_read(home).and_then(|store| store.unfinished_jobs()).unwrap_or_default()
}

/// How an interrupted run goes on.
fn what_next(run: &RunSummary, jobs: &[UnfinishedJob]) -> Option<String> {
    if run.state != RunState::Interrupted {
        return None;
    }
    let number = run.run;
    Some(match jobs.iter().find(|job| job.run() == Some(number)) {
        Some(job) if job.waits_for_reader() => {
            format!("{} kernels in a row died while it trained; `relu resume {number}` goes on with it", job.deaths)
        }
        Some(_) => "the next kernel goes on with it; `relu`, or `relu resume --all`, starts one".into(),
        None => format!("`relu resume {number}` goes on with it"),
    })
}

/// Columns of the terminal that is written to; a file or a pipe gets lines that fit most of them.
fn width() -> usize {
    const PIPED: usize = 100;
    let terminal = std::io::stdout().is_terminal().then(|| crossterm::terminal::size().ok()).flatten();
    terminal.map_or(PIPED, |(columns, _)| usize::from(columns).max(40))
}

fn list(home: &Home, as_json: bool) -> Outcome {
    let (runs, unreadable) =
        open_store(home)?.map_or_else(|| Ok(Default::default()), |store| store.runs_and_faults())?;
    for fault in &unreadable {
        complain(&fault.to_string());
    }
    if as_json {
        let with_bytes = |run: &RunSummary| {
            let mut value = serde_json::to_value(run)?;
            value["checkpoint_bytes"] = checkpoint_bytes(home, run.run).into();
            Ok(value)
        };
        say_json(&runs.iter().map(with_bytes).collect::<serde_json::Result<Vec<_>>>()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if runs.is_empty() {
        if unreadable.is_empty() {
            say("nothing has been trained here yet; `relu train` starts a race")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    tell_of_troubles(home, &runs);
    let jobs = unfinished_jobs(home);
    let width = width();
    let say_wrapped = |line: &str, indent: usize| -> color_eyre::Result<()> {
        let indent = " ".repeat(indent);
        let options = app::lines_of(width).subsequent_indent(&indent);
        Ok(textwrap::wrap(line, options).iter().try_for_each(|line| say(line))?)
    };
    say_wrapped(
        &format!(
            "{:>4}  {:<12} {:>11} {:>8} {:>7}  {}",
            "run", "state", "epochs", "time", "MB", "best validation error, %"
        ),
        49,
    )?;
    for run in runs {
        let name = run.name.as_ref().map_or(String::new(), |name| format!(" ({name})"));
        let (state, epochs, time) = (run.state.name(), run.advance().column(), clock(run.elapsed));
        let taken = checkpoint_bytes(home, run.run) as f64 / 1e6;
        let errors = run.best_errors();
        say_wrapped(&format!("{:>4}  {state:<12} {epochs} {time:>8} {taken:>7.1}  {errors}{name}", run.run), 49)?;
        for remark in remarks(&run).into_iter().chain(what_next(&run, &jobs)) {
            say_wrapped(&format!("      {remark}"), 6)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(home: &Home, run: RunId, as_json: bool) -> Outcome {
    let (store, summary) = find(home, run)?;
    let epochs = epochs_in_order(&store, &summary)?;
    if as_json {
        say_json(&as_value(home, &store, &summary, &epochs)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    tell_of_troubles(home, std::slice::from_ref(&summary));
    let name = summary.name.as_ref().map_or(String::new(), |name| format!(" ({name})"));
    let (state, time) = (summary.state.name(), clock(summary.elapsed));
    say(&format!("run {run}{name}: {state}, {} in {time}", summary.advance()))?;
    for remark in remarks(&summary).into_iter().chain(what_next(&summary, &unfinished_jobs(home))) {
        say(&remark)?;
    }
    let taken = megabytes(checkpoint_bytes(home, run));
    say(&format!("checkpoints: {} ({taken})", home.run(run).display()))?;
    say(&format!("study: {}", summary.spec))?;
    let width = summary.spec.lanes().into_iter().map(|lane| summary.spec.lane_title(lane).width()).max().unwrap_or(0);
    let width = width.max(16);
    for line in SweepReport::of(&store, &summary)?.iter().flat_map(SweepReport::lines) {
        say(&line)?;
    }
    for steering in store.steerings(run)? {
        say(&steering.sentence(&summary.spec))?;
    }
    for (lane, epoch, batch) in diverged(&store, run)? {
        let title = summary.spec.lane_title(lane);
        say(&format!("{title} diverged at epoch {epoch}, batch {batch}: its loss is no finite number"))?;
    }
    for r in epochs {
        let number = |metric, decimals| number(&r, metric, decimals);
        say(&format!(
            "{:<width$} epoch {:>4}  loss {}  val {:>5} %  test {:>5} %  {:>6} s",
            summary.spec.lane_title(r.lane()),
            r.epoch,
            number(Metric::TrainLoss, 4),
            number(Metric::ValError, 2),
            number(Metric::TestError, 2),
            number(Metric::Seconds, 2)
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A run as JSON: its summary, its study as text, how it was steered, the lanes that diverged, and what its epochs measured.
pub fn as_value(
    home: &Home,
    store: &Store,
    summary: &RunSummary,
    epochs: &[EpochRecord],
) -> color_eyre::Result<serde_json::Value> {
    let diverged: Vec<_> = diverged(store, summary.run)?
        .into_iter()
        .map(|(lane, epoch, batch)| json!({ "arm": lane.arm, "seed": lane.seed, "epoch": epoch, "batch": batch }))
        .collect();
    let study = summary.spec.to_string();
    let steerings = store.steerings(summary.run)?;
    let sweep = SweepReport::of(store, summary)?.map(|report| report.value());
    Ok(json!({ "summary": summary, "study": study, "fork": summary.fork, "sweep": sweep, "steerings": steerings,
               "checkpoint_bytes": checkpoint_bytes(home, summary.run), "diverged": diverged, "epochs": epochs }))
}

/// The lanes whose loss left the finite numbers, with the epoch, counted from 1, and its batch, counted from 0.
fn diverged(store: &Store, run: RunId) -> color_eyre::Result<Vec<(Lane, u32, u32)>> {
    let lanes = store.lanes(run)?.into_iter().filter_map(|(lane, state)| match state {
        LaneState::Diverged { epoch, batch } => Some((lane, epoch, batch)),
        LaneState::Open | LaneState::Finished | LaneState::Halved { .. } => None,
    });
    Ok(lanes.collect())
}

/// `26.3 MB`.
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// A measured number, or a dash.
pub fn number(record: &EpochRecord, metric: Metric, decimals: usize) -> String {
    record.get(metric).map_or("–".into(), |value| format!("{value:.decimals$}"))
}
