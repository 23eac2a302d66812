//! `relu train` and `relu resume`: start a race, or go on with one, and follow it to its end.

use super::follow::{Halt, cut_short, follow};
use super::runs::{find, open_store};
use super::teller::{Style, Teller};
use super::{Outcome, Usage, complain, connect_or_start, is_closed_pipe, say, say_json};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use color_eyre::eyre::bail;
use protocol::{
    Activation, DataSource, Draft, DraftArm, ErrorKind, Reply, RequestBody, RunEvent, RunId, RunState, RunSummary,
    SETTINGS, Setting, SpecError, Study,
};
use shell::client::{Client, ClientError};
use std::process::ExitCode;
use store::{Home, Store};

/// What follows the options in `relu train --help`.
const EXAMPLES: &str = "\
Examples:
  relu train --epochs 3                            the article's two networks, three epochs
  relu train --seeds 1,2,3,4,5                     five seeds of each, for a mean and its spread
  relu train --arms relu-tanh,all-gelu --lr 0.05   other activations, another learning rate
  relu train --data ~/data/FashionMNIST --detach   other images; the run goes on by itself
  relu train 'relu-tanh; all-tanh lr=0.05 | seeds=1-5 epochs=20'   a study as text: here each arm has its own rate";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Train {
    #[arg(
        value_name = "STUDY",
        help = "The study as text: ARM [key=value]...; ... | key=value..., with the settings below as keys; \
                relu runs show prints it"
    )]
    study: Option<String>,
    #[arg(long, help = arms_help())]
    arms: Option<String>,
    #[command(flatten)]
    settings: SettingFlags,
    /// A name for the list of runs
    #[arg(long)]
    name: Option<String>,
    /// Leave at once; the run goes on in the kernel
    #[arg(long)]
    detach: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// What the arms are named by, from the one table of the activations.
fn arms_help() -> String {
    let names: Vec<&str> = Activation::all().map(Activation::name).collect();
    format!(
        "The competitors: CONV-FC, the activations of the convolutions and of the fully connected layers, or all-X for \
         X-X. Activations: {}. Examples: relu-tanh, all-tanh, leaky(0.2)-relu",
        names.join(", ")
    )
}

/// A flag for each entry of [`SETTINGS`]: what all arms share.
struct SettingFlags(Vec<(&'static Setting, String)>);

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        SETTINGS.iter().fold(command, |command, setting| {
            let flag = Arg::new(setting.key).long(setting.flag).visible_aliases(setting.aliases);
            let key_too = (setting.key != setting.flag).then_some(setting.key);
            let flag = flag.visible_aliases(key_too);
            // A negative number is refused by its own setting, which names its range.
            command.arg(flag.help(setting.hint()).value_name("VALUE").allow_hyphen_values(true))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let of = |setting: &'static Setting| matches.get_one::<String>(setting.key).map(|text| (setting, text.clone()));
        Ok(Self(SETTINGS.iter().filter_map(of).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Train {
    fn spec(&self) -> Result<Study, Usage> {
        let flag = |SpecError { field, message }: SpecError| match field {
            "study" => Usage(format!("STUDY: {message}")),
            "lanes" => Usage(format!("--arms times --seeds: {message}")),
            _ => {
                let flag = Setting::find(field).map_or(field, |setting| setting.flag);
                Usage(format!("--{flag}: {message}"))
            }
        };
        if self.study.is_some() && self.arms.is_some() {
            return Err(Usage("--arms: the STUDY names the arms already; leave one of the two out".into()));
        }
        let mut draft: Draft = self.study.as_deref().unwrap_or_default().parse().map_err(flag)?;
        if let Some(arms) = &self.arms {
            draft.arms = DraftArm::parse_all(arms).map_err(flag)?;
            if draft.arms.is_empty() {
                return Err(Usage("--arms: none given; take for example relu-tanh,all-tanh".into()));
            }
        }
        for (setting, text) in &self.settings.0 {
            draft.share(setting.key, text.trim()).map_err(flag)?;
        }
        let mut spec = draft.study().map_err(flag)?;
        if let DataSource::Folder(folder) = &spec.data {
            let refuse = |why| Usage(format!("--data {}: {why}; give a folder with four IDX files", folder.display()));
            // The kernel has a working folder of its own.
            let folder = folder.canonicalize().map_err(|error| refuse(error.to_string()))?;
            if !folder.is_dir() {
                return Err(refuse("it is no folder".into()));
            }
            spec.data = DataSource::Folder(folder);
        }
        Ok(spec)
    }
}

pub fn train(arguments: &Train) -> Outcome {
    let spec = arguments.spec()?;
    let home = Home::locate()?;
    home.prepare()?;
    let mut client = connect_or_start(&home)?;
    // Follow first: nothing that the run tells can be missed.
    client.request(RequestBody::Follow)?;
    let Reply::Started { run } = client.request(RequestBody::Train { spec, name: arguments.name.clone() })? else {
        bail!("the kernel did not say which run it started");
    };
    go_on(client, &home, run, Halt::Ends, arguments.detach, arguments.json)
}

pub fn resume(run: RunId, detach: bool, json: bool) -> Outcome {
    let home = Home::locate()?;
    home.prepare()?;
    let mut client = connect_or_start(&home)?;
    client.request(RequestBody::Follow).map_err(|error| cut_short(error, run))?;
    let halt = match client.request(RequestBody::Resume { run }) {
        Ok(_) => Halt::Pardoned,
        // One that goes on already is followed; so a second terminal can watch it.
        Err(ClientError::Refused { kind: ErrorKind::State, .. }) if is_active(&home, run)? => Halt::Ends,
        Err(error) => return Err(cut_short(error, run)),
    };
    go_on(client, &home, run, halt, detach, json)
}

/// Goes on with every run that was interrupted, without following any.
pub fn resume_all(json: bool) -> Outcome {
    let home = Home::locate()?;
    home.prepare()?;
    let mut runs = open_store(&home)?.map_or_else(|| Ok(Vec::new()), |store| store.runs())?;
    runs.retain(|run| run.state == RunState::Interrupted);
    runs.sort_by_key(|run| run.run);
    if runs.is_empty() {
        if !json {
            say("no run was interrupted; `relu resume NUMBER` goes on with one that was stopped or paused")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut client = connect_or_start(&home)?;
    let mut failed = false;
    for RunSummary { run, spec, .. } in runs {
        match client.request(RequestBody::Resume { run }) {
            Ok(_) => {}
            // The first one that was asked for may have brought the others along.
            Err(ClientError::Refused { kind: ErrorKind::State, .. }) if is_active(&home, run)? => {}
            Err(ClientError::Refused { message, .. }) => {
                failed = true;
                complain(&message);
                continue;
            }
            Err(error) => return Err(cut_short(error, run)),
        }
        if json {
            say_json(&RunEvent::Started { run, spec })?;
        } else {
            say(&format!("run {run} goes on in the kernel; `relu runs show {run}` shows it"))?;
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Whether it trains or waits for a core, as the store has it.
fn is_active(home: &Home, run: RunId) -> color_eyre::Result<bool> {
    Ok(matches!(Store::open_read(home)?.run(run)?.state, RunState::Running | RunState::Queued))
}

pub(super) fn go_on(client: Client, home: &Home, run: RunId, halt: Halt, detach: bool, json: bool) -> Outcome {
    if detach {
        return say_goes_on(home, run, json);
    }
    match follow(client, home, run, halt, Box::new(Teller::new(run, Style::choose(json)))) {
        // Nobody reads any more; the run goes on, and 0 is for finished runs alone.
        Err(error) if is_closed_pipe(&error) => Ok(ExitCode::FAILURE),
        outcome => outcome,
    }
}

/// What is said of a run that is not followed.
pub(super) fn say_goes_on(home: &Home, run: RunId, json: bool) -> Outcome {
    if json {
        let (_, summary) = find(home, run)?;
        say_json(&RunEvent::Started { run, spec: summary.spec })?;
    } else {
        say(&format!("run {run} goes on in the kernel; `relu runs show {run}` shows it"))?;
    }
    Ok(ExitCode::SUCCESS)
}
