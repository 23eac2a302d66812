//! `relu train` and `relu resume`: start a race, or go on with one, and follow it to its end.

use super::follow::{Halt, cut_short, follow};
use super::runs::{find, open_store};
use super::teller::Style;
use super::{Outcome, Usage, complain, connect_or_start, is_closed_pipe, say, say_json};
use clap::Args;
use color_eyre::eyre::bail;
use protocol::{
    Activation, Arm, Backend, DataSource, ErrorKind, Preset, Reply, RequestBody, RunEvent, RunId, RunSpec, RunState,
    RunSummary, SpecError, Widths,
};
use shell::client::{Client, ClientError};
use std::path::PathBuf;
use std::process::ExitCode;
use store::{Home, Store};

/// What follows the options in `relu train --help`.
const EXAMPLES: &str = "\
Examples:
  relu train --epochs 3                            the article's two networks, three epochs
  relu train --seeds 1,2,3,4,5                     five seeds of each, for a mean and its spread
  relu train --arms relu-tanh,all-gelu --lr 0.05   other activations, another learning rate
  relu train --data ~/data/FashionMNIST --detach   other images; the run goes on by itself";

/// What the arms are named by, from the one table of the activations.
fn arms_help() -> String {
    let names = Activation::ALL.map(Activation::name).join(", ");
    format!(
        "The competitors: CONV-FC, the activations of the convolutions and of the fully connected layer, or all-X for \
         X-X. Activations: {names}. Examples: relu-tanh, all-tanh, gelu-relu"
    )
}

#[derive(Args)]
#[command(after_help = EXAMPLES)]
// Its field is `--train-size`, whatever the command is called.
#[allow(clippy::struct_field_names)]
pub struct Train {
    #[arg(long, value_delimiter = ',', value_parser = parse::<Arm>, help = arms_help())]
    arms: Option<Vec<Arm>>,
    /// article: LeNet-4, batch 100; tutorial: 20/50/500, batch 500
    #[arg(long, default_value = "article", value_parser = parse::<Preset>)]
    preset: Preset,
    /// How often each training image is seen
    #[arg(long, value_parser = whole)]
    epochs: Option<u32>,
    /// One lane for each arm and seed
    #[arg(long, value_delimiter = ',')]
    seeds: Option<Vec<u64>>,
    /// Images a step
    #[arg(long, value_parser = whole)]
    batch: Option<u32>,
    /// Learning rate
    #[arg(long, allow_negative_numbers = true)]
    lr: Option<f64>,
    /// Share of the last step that the next one keeps; 0 is plain gradient descent
    #[arg(long, allow_negative_numbers = true)]
    momentum: Option<f64>,
    /// The first so many training images train
    #[arg(long, value_parser = whole)]
    train_size: Option<u32>,
    /// The last so many training images validate
    #[arg(long, value_parser = whole)]
    val_size: Option<u32>,
    /// CONV1,CONV2,FC1, such as 4,16,120
    #[arg(long, value_delimiter = ',', num_args = 1, value_parser = whole)]
    widths: Option<Vec<u32>>,
    /// A folder with four IDX files of MNIST's form, plain or .gz, or the one that a loader keeps them beneath
    #[arg(long)]
    data: Option<PathBuf>,
    /// LibTorch's threads within a lane
    #[arg(long, value_parser = whole)]
    threads: Option<u32>,
    /// fused or libtorch
    #[arg(long, value_parser = parse::<Backend>)]
    backend: Option<Backend>,
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

fn parse<T: std::str::FromStr<Err = String>>(text: &str) -> Result<T, String> {
    text.parse()
}

/// A whole number. One that is far too large passes as the largest: the spec knows each setting's range and names it.
fn whole(text: &str) -> Result<u32, String> {
    let number = text.parse::<u128>().map_err(|_| "take a whole number, in digits".to_owned())?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

/// A spec's fault under the name of the flag that sets it.
fn of_flag(SpecError { field, message }: SpecError) -> Usage {
    match field {
        "conv1" | "conv2" | "fc1" => Usage(format!("--widths, {field}: {message}")),
        "lanes" => Usage(format!("--arms times --seeds: {message}")),
        _ => Usage(format!("--{field}: {message}")),
    }
}

impl Train {
    fn spec(&self) -> Result<RunSpec, Usage> {
        let base = RunSpec::of(self.preset);
        let widths = match self.widths.as_deref() {
            None => base.widths,
            Some(&[conv1, conv2, fc1]) => Widths { conv1, conv2, fc1 },
            Some(_) => return Err(Usage("--widths takes three numbers, such as 4,16,120".into())),
        };
        let data = match &self.data {
            None => DataSource::Mnist,
            Some(folder) => {
                let refuse =
                    |why| Usage(format!("--data {}: {why}; give a folder with four IDX files", folder.display()));
                // The kernel has a working folder of its own.
                let folder = folder.canonicalize().map_err(|error| refuse(error.to_string()))?;
                if !folder.is_dir() {
                    return Err(refuse("it is no folder".into()));
                }
                DataSource::Folder(folder)
            }
        };
        let spec = RunSpec {
            arms: self.arms.clone().unwrap_or(base.arms),
            seeds: self.seeds.clone().unwrap_or(base.seeds),
            epochs: self.epochs.unwrap_or(base.epochs),
            batch: self.batch.unwrap_or(base.batch),
            learning_rate: self.lr.unwrap_or(base.learning_rate),
            momentum: self.momentum.unwrap_or(base.momentum),
            train_size: self.train_size.unwrap_or(base.train_size),
            val_size: self.val_size.unwrap_or(base.val_size),
            threads: self.threads.unwrap_or(base.threads),
            backend: self.backend.unwrap_or(base.backend),
            preset: self.preset,
            widths,
            data,
        };
        spec.check().map_err(of_flag)?;
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

fn go_on(client: Client, home: &Home, run: RunId, halt: Halt, detach: bool, json: bool) -> Outcome {
    if detach {
        if json {
            let (_, summary) = find(home, run)?;
            say_json(&RunEvent::Started { run, spec: summary.spec })?;
        } else {
            say(&format!("run {run} goes on in the kernel; `relu runs show {run}` shows it"))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    match follow(client, home, run, halt, Style::choose(json)) {
        // Nobody reads any more; the run goes on, and 0 is for finished runs alone.
        Err(error) if is_closed_pipe(&error) => Ok(ExitCode::FAILURE),
        outcome => outcome,
    }
}
