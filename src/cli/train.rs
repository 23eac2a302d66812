//! `relu train` and `relu resume`: start or resume a run and follow it to its end.

use super::follow::{Halt, follow, interrupted_error};
use super::run_output::{OutputStyle, RunOutput};
use super::stored_run::{open_store, read_run};
use super::{Outcome, Usage, complain, connect_or_start, is_closed_pipe, say, say_json};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use color_eyre::eyre::{bail, eyre};
use protocol::{
    Activation, DataSource, Draft, DraftArm, ErrorKind, Reply, RequestBody, RunEvent, RunId, RunState, RunSummary,
    SETTINGS, Setting, SpecError, Study, grouped,
};
use shell::client::{Client, ClientError};
use std::path::Path;
use std::process::ExitCode;
use store::Home;

/// The text after the options in `relu train --help`.
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
        help = "The study as text, in single quotes because of its `;` and `|`: [NAME:] ARM [key=value]...; ... | \
                key=value..., with the settings below as keys; relu runs show prints it"
    )]
    study: Option<String>,
    #[arg(long, help = arms_help())]
    arms: Option<String>,
    #[command(flatten)]
    settings: SettingFlags,
    #[command(flatten)]
    follow: FollowFlags,
}

/// How the commands that begin a run go on with it.
#[derive(Args)]
pub(super) struct FollowFlags {
    /// A name for the list of runs
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Leave at once; the run goes on in the kernel
    #[arg(long)]
    pub(super) detach: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

/// The help of `--arms`, with the names of all activations.
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
            // A negative number reaches its setting, whose error names the range.
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
    /// An error of a setting, under the name by which the command line has it: the flag, or the key in the STUDY.
    fn name_field(&self, field: &str, message: &str) -> String {
        let is_flag = |key: &str| self.settings.0.iter().any(|(setting, _)| setting.key == key);
        match (field, Setting::find(field)) {
            ("study", _) => format!("STUDY: {message}"),
            ("lanes", _) if self.study.is_some() && !is_flag("seeds") => format!("STUDY: arms times seeds: {message}"),
            ("lanes", _) => format!("--arms times --seeds: {message}"),
            ("arms", _) if self.study.is_some() => format!("STUDY: {message}"),
            (_, Some(setting)) if self.study.is_some() && !is_flag(setting.key) => format!("STUDY: {field}: {message}"),
            (_, Some(setting)) => format!("--{}: {message}", setting.flag),
            (_, None) => format!("--{field}: {message}"),
        }
    }

    /// The error of a study that the kernel has refused.
    fn refused(&self, error: ClientError) -> color_eyre::Report {
        match &error {
            ClientError::Refused { kind: ErrorKind::BadSpec, message } => match message.split_once(": ") {
                Some((field, message)) if Setting::find(field).is_some() => eyre!(self.name_field(field, message)),
                _ => error.into(),
            },
            _ => error.into(),
        }
    }

    /// The study, and the warnings about it.
    fn spec(&self) -> Result<(Study, Draft), Usage> {
        let flag = |SpecError { field, message }: SpecError| Usage(self.name_field(field, &message));
        if self.study.is_some() && self.arms.is_some() {
            return Err(Usage("--arms: the STUDY names the arms already; leave one of the two out".into()));
        }
        let mut draft = self.study.as_deref().map_or_else(|| Ok(Draft::default()), str::parse).map_err(flag)?;
        if let Some(arms) = &self.arms {
            draft.arms = DraftArm::parse_all(arms).map_err(flag)?;
        }
        for (setting, text) in &self.settings.0 {
            draft.share(setting.key, text.trim()).map_err(flag)?;
        }
        let mut spec = draft.study().map_err(flag)?;
        if let DataSource::Folder(folder) = &spec.data {
            let refuse = |why| {
                let why = format!(
                    "{}: {why}; give a folder with images in one of the forms that README names",
                    folder.display()
                );
                Usage(self.name_field("data", &why))
            };
            // The kernel has another working folder.
            let folder = folder.canonicalize().map_err(|error| refuse(error.to_string()))?;
            if !folder.is_dir() {
                return Err(refuse("it is no folder".into()));
            }
            spec.data = DataSource::Folder(folder);
        }
        Ok((spec, draft))
    }
}

/// The sets that `data=` takes by name. A folder of the same name is easily meant instead.
const NAMED_SETS: [(&str, &str); 2] =
    [("mnist", "the set inside the program"), ("cifar10", "the set that `relu data cifar10` gets")];

/// The flags that change no arm, because each arm has its own value.
fn ineffective_flags(flags: &SettingFlags, draft: &Draft) -> Vec<String> {
    let is_own = |setting: &Setting| {
        !draft.arms.is_empty() && draft.arms.iter().all(|arm| arm.own.iter().any(|(own, _)| own.key == setting.key))
    };
    let ineffective = flags.0.iter().filter(|(setting, _)| is_own(setting));
    ineffective
        .map(|(setting, text)| {
            let arms = if draft.arms.len() == 1 { "the arm has its" } else { "each arm has its" };
            format!("--{} {text} changes nothing: {arms} own {} in the study", setting.flag, setting.key)
        })
        .collect()
}

/// What was asked for and is more than the data set has: a number that is the preset's shrinks to what is there.
fn shrunk_sizes(draft: &Draft, asked: &Study, taken: &Study) -> Vec<String> {
    let sizes = [
        ("images", "training", asked.train_size, taken.train_size),
        ("val", "validation", asked.val_size, taken.val_size),
    ];
    let shrunk = sizes.into_iter().filter(|(key, _, asked, taken)| draft.shared(key).is_some() && taken < asked);
    shrunk
        .map(|(key, split, asked, taken)| {
            let (asked, taken) = (grouped(asked), grouped(taken));
            format!("{key}={asked}: the data set has {taken} {split} images, and the run takes these")
        })
        .collect()
}

pub fn train(arguments: &Train) -> Outcome {
    let (spec, draft) = arguments.spec()?;
    for (name, meaning) in NAMED_SETS {
        if draft.shared("data") == Some(name) && Path::new(name).is_dir() {
            complain(&format!("data={name} is {meaning}; write ./{name} for the folder that is here"));
        }
    }
    for remark in ineffective_flags(&arguments.settings, &draft) {
        complain(&remark);
    }
    let home = Home::locate()?;
    home.prepare()?;
    let mut client = connect_or_start(&home)?;
    // Following comes first, so that no event of the run is missed.
    client.request(RequestBody::Follow)?;
    let request = RequestBody::Train { spec: spec.clone(), name: arguments.follow.name.clone() };
    let Reply::Started { run } = client.request(request).map_err(|error| arguments.refused(error))? else {
        bail!("the kernel did not say which run it started");
    };
    let (_, summary) = read_run(&home, run)?;
    for remark in shrunk_sizes(&draft, &spec, &summary.spec) {
        complain(&remark);
    }
    follow_or_detach(client, &home, run, Halt::Ends, arguments.follow.detach, arguments.follow.json)
}

pub fn resume(run: RunId, detach: bool, json: bool) -> Outcome {
    let home = Home::locate()?;
    home.prepare()?;
    let mut client = connect_or_start(&home)?;
    client.request(RequestBody::Follow).map_err(|error| interrupted_error(error, run))?;
    let halt = match client.request(RequestBody::Resume { run }) {
        Ok(_) => Halt::Ignored,
        // A run that trains already is followed, so that a second terminal can watch it.
        Err(ClientError::Refused { kind: ErrorKind::Active, .. }) => Halt::Ends,
        Err(error) => return Err(interrupted_error(error, run)),
    };
    follow_or_detach(client, &home, run, halt, detach, json)
}

/// Resumes every interrupted run, without following any.
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
            // The kernel that was started for the first run may have resumed this one.
            Ok(_) | Err(ClientError::Refused { kind: ErrorKind::Active, .. }) => {}
            Err(ClientError::Refused { message, .. }) => {
                failed = true;
                complain(&message);
                continue;
            }
            Err(error) => return Err(interrupted_error(error, run)),
        }
        if json {
            say_json(&RunEvent::Started { run, spec })?;
        } else {
            say(&format!("run {run} goes on in the kernel; `relu runs show {run}` shows it"))?;
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

pub(super) fn follow_or_detach(
    client: Client,
    home: &Home,
    run: RunId,
    halt: Halt,
    detach: bool,
    json: bool,
) -> Outcome {
    if detach {
        return print_detached(home, run, json);
    }
    match follow(client, home, run, halt, Box::new(RunOutput::new(run, OutputStyle::choose(json)))) {
        // The output is closed. The run goes on, so the exit code is not 0.
        Err(error) if is_closed_pipe(&error) => Ok(ExitCode::FAILURE),
        outcome => outcome,
    }
}

/// Prints that a run goes on which is not followed.
pub(super) fn print_detached(home: &Home, run: RunId, json: bool) -> Outcome {
    if json {
        let (_, summary) = read_run(home, run)?;
        say_json(&RunEvent::Started { run, spec: summary.spec })?;
    } else {
        say(&format!("run {run} goes on in the kernel; `relu runs show {run}` shows it"))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Wrapper {
        #[command(flatten)]
        train: Train,
    }

    fn parse(arguments: &[&str]) -> Train {
        Wrapper::parse_from(std::iter::once(&"train").chain(arguments)).train
    }

    /// An error names a setting as its reader has written it.
    #[test]
    fn errors_name_the_flag_or_the_study() {
        for (arguments, start) in [
            (&["--train-size", "60001"][..], "--train-size: 60001 is out of range"),
            (&["relu-tanh | images=60001"], "STUDY: images: 60001 is out of range"),
            (&["relu-tanh | images=5", "--epochs", "0"], "--epochs: 0 is out of range"),
            (&["leaky(0.2-tanh"], "STUDY: unknown arm `leaky(0.2-tanh`: its `(` is not closed"),
            (&["--arms", "leaky(0.2-tanh"], "--arms: unknown arm"),
            (&["--seeds", "1-65"], "--seeds: `1-65` is no range"),
            (&["relu-tanh; all-tanh | seeds=1-40"], "STUDY: arms times seeds: 80 are too many"),
            (&["--data", "/nowhere/at/all"], "--data: /nowhere/at/all: No such file"),
            (&[""], "STUDY: no arm is named"),
            (&[";"], "STUDY: arm 1 of 2 is empty"),
            (&["--arms", "relu-tanh,,all-tanh"], "--arms: arm 2 of 3 is empty"),
            (&["--arms", " "], "--arms: no arm is named"),
        ] {
            let why = parse(arguments).spec().unwrap_err().to_string();
            assert!(why.starts_with(start), "{arguments:?}: {why}");
        }
        let of_data = parse(&["--data", "/nowhere/at/all"]).spec().unwrap_err().to_string();
        assert!(of_data.contains("in one of the forms that README names"), "{of_data}");
        let message = "batch: 500 is out of range; take 1 to 400".to_string();
        let refused = || ClientError::Refused { kind: ErrorKind::BadSpec, message: message.clone() };
        let by_flag = parse(&["--batch", "500"]).refused(refused()).to_string();
        assert_eq!(by_flag, "--batch: 500 is out of range; take 1 to 400");
        let by_text = parse(&["relu-tanh | batch=500"]).refused(refused()).to_string();
        assert_eq!(by_text, "STUDY: batch: 500 is out of range; take 1 to 400");
    }

    #[test]
    fn a_flag_that_changes_no_arm_is_reported() {
        let remarks = |arguments: &[&str]| {
            let train = parse(arguments);
            ineffective_flags(&train.settings, &train.spec().unwrap().1)
        };
        let own = ["all-tanh lr=0.3; relu-tanh lr=0.1", "--lr", "0.2"];
        assert_eq!(remarks(&own), ["--lr 0.2 changes nothing: each arm has its own lr in the study"]);
        assert!(remarks(&["all-tanh lr=0.3; relu-tanh", "--lr", "0.2"]).is_empty());
        assert!(remarks(&["--lr", "0.2"]).is_empty());
    }

    /// A preset's own number shrinks without a warning, and an explicit one does not.
    #[test]
    fn an_explicit_number_of_images_does_not_shrink_silently() {
        let shrunk = |arguments: &[&str]| {
            let (asked, draft) = parse(arguments).spec().unwrap();
            let taken = Study { train_size: 400, val_size: 100, ..asked.clone() };
            shrunk_sizes(&draft, &asked, &taken)
        };
        assert!(shrunk(&[]).is_empty() && shrunk(&["--train-size", "400"]).is_empty());
        let expected = ["images=50,000: the data set has 400 training images, and the run takes these"];
        assert_eq!(shrunk(&["relu-tanh | images=50000"]), expected);
        assert_eq!(shrunk(&["--train-size", "50000"]), expected);
    }
}
