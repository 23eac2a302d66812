//! `relu runs` and `relu stop`: lists, shows, names, tags, annotates, deletes, exports and stops runs.

use super::export::{self, ChartTheme, ExportOptions, Format};
use super::stored_run::{diverged_lanes, format_metric, open_store, read_run, sorted_epochs, to_json};
use super::sweep::SweepReport;
use super::{Outcome, Usage, complain, connect_or_start, say, say_json};
use clap::{Args, Subcommand};
use color_eyre::eyre::bail;
use protocol::{
    ErrorKind, Event, Fork, Metric, Reply, RequestBody, RunEvent, RunFilter, RunId, RunState, RunSummary, RunTag,
    SettingsText, Subject, format_clock, format_tags,
};
use shell::client::{Client, ClientError, LEAVE_TIMEOUT, Message};
use statistics::Quantity;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use store::files::checkpoint_bytes;
use store::{Home, Store, UnfinishedJob};
use unicode_width::UnicodeWidthStr;

#[derive(Args)]
pub struct Runs {
    #[command(subcommand)]
    command: Option<RunsCommand>,
    #[command(flatten)]
    list: ListOptions,
}

#[derive(Args)]
struct ListOptions {
    /// One JSON array
    #[arg(long)]
    json: bool,
    /// Only runs in whose number, name, tags, settings or state every word stands; `tag:WORD` and `state:WORD` look there alone
    #[arg(long, value_name = "WORDS")]
    filter: Option<String>,
}

const CHART_METRIC: &str =
    "What a chart shows, as the csv names it: val_error, train_loss, conv1.zeros, ...; otherwise val_error";

#[derive(Subcommand)]
enum RunsCommand {
    /// List runs, as without a command
    List(ListOptions),
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
        /// What the list shows beside the number
        name: String,
    },
    /// Give a run tags, by which it is found again
    Tag {
        /// Its number in `relu runs`
        run: RunId,
        /// Words without spaces
        #[arg(required = true)]
        tags: Vec<String>,
        /// Take these tags away
        #[arg(long)]
        remove: bool,
    },
    /// Write notes on a run, in place of those that it has; an empty text takes them away
    Note {
        /// Its number in `relu runs`
        run: RunId,
        /// One paragraph; line breaks become spaces
        text: String,
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
        /// What the file holds; otherwise what its name ends in, and csv on stdout
        #[arg(long, value_enum)]
        format: Option<Format>,
        #[arg(long, help = CHART_METRIC)]
        metric: Option<Quantity>,
        /// The page that a chart is made for; otherwise light
        #[arg(long, value_enum)]
        theme: Option<ChartTheme>,
        /// Where to; otherwise stdout
        #[arg(short, long)]
        output: Option<PathBuf>,
        /// Write over a file that is there
        #[arg(long)]
        force: bool,
    },
}

pub fn runs(arguments: Runs) -> Outcome {
    let home = Home::locate()?;
    match arguments.command {
        None => list(&home, &arguments.list),
        Some(RunsCommand::List(ListOptions { json, filter })) => {
            let json = json || arguments.list.json;
            list(&home, &ListOptions { json, filter: filter.or(arguments.list.filter) })
        }
        Some(RunsCommand::Show { run, json }) => show(&home, run, json || arguments.list.json),
        Some(RunsCommand::Rename { run, name }) => {
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            let name = Some(name).filter(|name| !name.is_empty());
            request(&home, RequestBody::Rename { run, name })
        }
        Some(RunsCommand::Tag { run, tags, remove }) => tag(&home, run, &tags, remove),
        Some(RunsCommand::Note { run, text }) => {
            let notes = text.split_whitespace().collect::<Vec<_>>().join(" ");
            request(&home, RequestBody::Note { run, notes: Some(notes).filter(|notes| !notes.is_empty()) })
        }
        Some(RunsCommand::Delete { runs }) => {
            // All of them are looked for first, so that a slip of a number deletes nothing.
            if runs.len() > 1 {
                runs.iter().try_for_each(|run| read_run(&home, *run).map(drop))?;
            }
            let mut failed = false;
            for run in runs {
                match request(&home, RequestBody::Delete { run }) {
                    Ok(_) => say(&format!("run {run} is deleted"))?,
                    // The other runs are deleted all the same.
                    Err(error) => {
                        failed = true;
                        complain(&format!("{error:#}"));
                    }
                }
            }
            Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        Some(RunsCommand::Export { run, format, metric, theme, output, force }) => {
            export::export(&home, run, &ExportOptions { format, metric, theme, force }, output.as_deref())
        }
    }
}

/// Sends a request to the kernel, which alone writes runs; starts one if none runs.
fn request(home: &Home, body: RequestBody) -> Outcome {
    home.prepare()?;
    match connect_or_start(home)?.request(body) {
        Err(ClientError::Refused { kind: ErrorKind::BadRequest, message }) => Err(Usage(message).into()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(ExitCode::SUCCESS),
    }
}

/// Gives a run tags, or takes them away.
fn tag(home: &Home, run: RunId, words: &[String], remove: bool) -> Outcome {
    let tags = words.iter().map(|word| word.parse::<RunTag>()).collect::<Result<Vec<_>, _>>().map_err(Usage)?;
    let text = tags.iter().map(RunTag::as_str).collect::<Vec<_>>().join(" ");
    if !remove {
        let add = RunTag::parse_new(&text, &[]).map_err(Usage)?;
        return request(home, RequestBody::Tag { run, add, remove: Vec::new() });
    }
    let remove = RunTag::parse_list(&text).map_err(Usage)?;
    let (_, summary) = read_run(home, run)?;
    let (remove, absent): (Vec<RunTag>, Vec<RunTag>) = remove.into_iter().partition(|tag| summary.tags.contains(tag));
    if !remove.is_empty() {
        request(home, RequestBody::Tag { run, add: Vec::new(), remove })?;
    }
    for tag in &absent {
        complain(&format!("run {run} has no tag {tag}"));
    }
    Ok(if absent.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub fn stop(run: RunId) -> Outcome {
    let home = Home::locate()?;
    let mut client = match Client::connect(&home)? {
        Some(client) => client,
        // The next kernel would go on with it.
        None if read_run(&home, run)?.1.state == RunState::Interrupted => connect_or_start(&home)?,
        None => bail!("no kernel runs, so run {run} does not train; `relu resume {run}` goes on with it"),
    };
    // Following comes first, so that the run's end can't be missed.
    client.request(RequestBody::Follow)?;
    client.request(RequestBody::Stop { run })?;
    let mut buffered = client.take_buffered();
    let deadline = Instant::now() + LEAVE_TIMEOUT;
    while let Some(left) = deadline.checked_duration_since(Instant::now()) {
        let early = buffered.pop_front();
        let is_after_reply = early.is_none();
        let message = if is_after_reply { client.next_event(left)? } else { early };
        let event = match message {
            Some(Message::Event(Event::Run(event))) if event.run() == run => event,
            Some(Message::Unreadable(line)) if line.subject == Some(Subject::Run(run)) && !line.is_progress() => {
                // What was committed with it is in the store.
                complain(&line.to_string());
                if !Store::open_read(&home)?.run(run)?.state.is_active() {
                    say_end(&home, run)?;
                    return Ok(ExitCode::SUCCESS);
                }
                continue;
            }
            _ => continue,
        };
        match event {
            RunEvent::Notice { text: Some(text), .. } => {
                complain(&text);
                fail_if_at_rest(&mut client, run)?;
            }
            event if event.ends_run() => match (say_end(&home, run)?, is_after_reply) {
                (Rest::AtRest, _) => return Ok(ExitCode::SUCCESS),
                // An end that came before the reply may be an earlier one, with a resume between it and this stop.
                (Rest::Resumed, false) => {}
                (Rest::Resumed, true) => {
                    say(&format!("run {run} was stopped, and resumed since"))?;
                    return Ok(ExitCode::SUCCESS);
                }
            },
            _ => {}
        }
    }
    bail!(
        "run {run} has been told to stop and has not within {} s; `relu runs` tells when it has",
        LEAVE_TIMEOUT.as_secs()
    )
}

/// Fails if the run no longer trains but its end can't be stored because the disk is full: the kernel refuses further requests
/// for such a run. Only free space helps, so the command does not wait for it.
fn fail_if_at_rest(client: &mut Client, run: RunId) -> color_eyre::Result<()> {
    match client.request(RequestBody::Stop { run }) {
        Err(ClientError::Refused { kind: ErrorKind::DiskFull, message }) => {
            bail!("run {run} trains no more, but {message}; `relu runs delete` makes some")
        }
        // The run has ended meanwhile, and the next event says so.
        Ok(_) | Err(ClientError::Refused { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The state of a run whose end was announced.
#[derive(Clone, Copy)]
enum Rest {
    AtRest,
    /// It was resumed since.
    Resumed,
}

/// Prints how the run has ended, if it has.
fn say_end(home: &Home, run: RunId) -> color_eyre::Result<Rest> {
    match Store::open_read(home)?.run(run)?.state {
        RunState::Running | RunState::Queued | RunState::Paused => return Ok(Rest::Resumed),
        RunState::Finished => say(&format!("run {run} has finished"))?,
        RunState::Failed { reason } => bail!("run {run} failed: {reason}"),
        RunState::Stopped | RunState::Interrupted => {
            say(&format!("run {run} is stopped; `relu resume {run}` goes on"))?;
        }
    }
    Ok(Rest::AtRest)
}

/// Prints the kernel's notices on these runs, such as a full disk, which the store does not have. Nothing is printed if the kernel
/// can't be asked. A kernel that does not answer is reported, because the store may be out of date.
fn print_notices(home: &Home, runs: &[RunSummary]) {
    if !runs.iter().any(|run| run.state.is_active()) {
        return;
    }
    let status = Client::connect_briefly(home).and_then(|client| match client {
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

/// Why a run failed, and why its resume was not exact.
pub fn remarks(run: &RunSummary) -> Vec<String> {
    let reason = if let RunState::Failed { reason } = &run.state { Some(format!("failed: {reason}")) } else { None };
    let not_exact = run.not_exact.as_ref().map(|why| format!("not exact: {why}"));
    let fork = run.fork.map(Fork::sentence);
    fork.into_iter().chain(reason).chain(not_exact).collect()
}

/// The jobs that the next kernel goes on with; none if they can't be read.
fn unfinished_jobs(home: &Home) -> Vec<UnfinishedJob> {
    Store::open_read(home).and_then(|store| store.unfinished_jobs()).unwrap_or_default()
}

/// How an interrupted run is resumed.
fn resume_hint(run: &RunSummary, jobs: &[UnfinishedJob]) -> Option<String> {
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

/// The width of the terminal on stdout. A file or a pipe gets lines that fit most terminals.
fn output_width() -> usize {
    const PIPED: usize = 100;
    let terminal = std::io::stdout().is_terminal().then(|| crossterm::terminal::size().ok()).flatten();
    terminal.map_or(PIPED, |(columns, _)| usize::from(columns).max(40))
}

fn list(home: &Home, options: &ListOptions) -> Outcome {
    let (mut runs, unreadable) =
        open_store(home)?.map_or_else(|| Ok(Default::default()), |store| store.runs_and_faults())?;
    for fault in &unreadable {
        complain(&fault.to_string());
    }
    let has_runs = !runs.is_empty();
    let filter = RunFilter::of(options.filter.as_deref().unwrap_or_default());
    if !filter.is_empty() {
        runs.retain(|run| filter.matches(run, &SettingsText::of(&run.spec)));
    }
    if options.json {
        let with_bytes = |run: &RunSummary| {
            let mut value = serde_json::to_value(run)?;
            value["checkpoint_bytes"] = checkpoint_bytes(home, run.run).into();
            Ok(value)
        };
        say_json(&runs.iter().map(with_bytes).collect::<serde_json::Result<Vec<_>>>()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if runs.is_empty() && has_runs {
        say("no run matches the filter")?;
        return Ok(ExitCode::SUCCESS);
    }
    if runs.is_empty() {
        if unreadable.is_empty() {
            say("nothing has been trained here yet; `relu train` starts a race")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    print_notices(home, &runs);
    let jobs = unfinished_jobs(home);
    let width = output_width();
    let say_wrapped = |line: &str, indent: usize| -> color_eyre::Result<()> {
        let indent = " ".repeat(indent);
        let options = app::wrap_options(width).subsequent_indent(&indent);
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
        let tags = if run.tags.is_empty() { String::new() } else { format!(" {}", format_tags(&run.tags)) };
        let (state, epochs, time) = (run.state.name(), run.advance().column(), format_clock(run.elapsed));
        let taken = checkpoint_bytes(home, run.run) as f64 / 1e6;
        let errors = run.best_errors();
        say_wrapped(&format!("{:>4}  {state:<12} {epochs} {time:>8} {taken:>7.1}  {errors}{name}{tags}", run.run), 49)?;
        for remark in remarks(&run).into_iter().chain(resume_hint(&run, &jobs)) {
            say_wrapped(&format!("      {remark}"), 6)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(home: &Home, run: RunId, as_json: bool) -> Outcome {
    let (store, summary) = read_run(home, run)?;
    let epochs = sorted_epochs(&store, &summary)?;
    if as_json {
        say_json(&to_json(home, &store, &summary, &epochs)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    print_notices(home, std::slice::from_ref(&summary));
    let name = summary.name.as_ref().map_or(String::new(), |name| format!(" ({name})"));
    let (state, time) = (summary.state.name(), format_clock(summary.elapsed));
    say(&format!("run {run}{name}: {state}, {} in {time}", summary.advance()))?;
    if !summary.tags.is_empty() {
        say(&format!("tags: {}", format_tags(&summary.tags)))?;
    }
    if let Some(notes) = &summary.notes {
        say(&format!("notes: {notes}"))?;
    }
    for remark in remarks(&summary).into_iter().chain(resume_hint(&summary, &unfinished_jobs(home))) {
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
    for (lane, epoch, batch) in diverged_lanes(&store, run)? {
        let title = summary.spec.lane_title(lane);
        say(&format!("{title} diverged at epoch {epoch}, batch {batch}: its loss is no finite number"))?;
    }
    for r in epochs {
        let value = |metric, decimals| format_metric(&r, metric, decimals);
        say(&format!(
            "{:<width$} epoch {:>4}  loss {}  val {:>5} %  test {:>5} %  {:>6} s",
            summary.spec.lane_title(r.lane()),
            r.epoch,
            value(Metric::TrainLoss, 4),
            value(Metric::ValError, 2),
            value(Metric::TestError, 2),
            value(Metric::Seconds, 2)
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `26.3 MB`.
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
