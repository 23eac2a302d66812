//! `relu fork`: goes on from an epoch of a run in a new one, with settings changed.

use super::follow::Halt;
use super::train::{FollowFlags, follow_or_detach};
use super::{Outcome, Usage, connect_or_start};
use clap::Args;
use color_eyre::eyre::bail;
use protocol::{ArmId, Fork, Reply, RequestBody, RunId};
use shell::client::ClientError;
use store::Home;

/// What follows the options in `relu fork --help`.
const EXAMPLES: &str = "\
A fork has the curves and a checkpoint of its parent up to the epoch, and needs it no more. What decides the first epochs \
(seeds, initial weights, widths, data, ...) can't change.

Examples:
  relu fork 5 --epoch 20 lr=0.01                    all arms, with another learning rate from epoch 21 on
  relu fork 5 --epoch 20 --arm relu-tanh wd=1e-4    one arm, with weight decay
  relu fork 5 --epoch 150 epochs=300                trains a finished run for longer";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct ForkArguments {
    /// Its number in `relu runs`
    run: RunId,
    /// The last epoch that the fork has in common with the run
    #[arg(long)]
    epoch: u32,
    /// An arm to fork, once for each; otherwise all
    #[arg(long = "arm", value_delimiter = ',')]
    arms: Vec<ArmId>,
    /// KEY=VALUE, with the keys of the STUDY of `relu train`
    #[arg(value_name = "SETTING")]
    changes: Vec<String>,
    #[command(flatten)]
    follow: FollowFlags,
}

pub fn fork(arguments: ForkArguments) -> Outcome {
    let ForkArguments { run: parent, epoch, arms, changes, follow } = arguments;
    let changes = changes.iter().map(|change| {
        let why = || Usage(format!("`{change}` is no setting; write key=value, as in lr=0.01"));
        change.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(why)
    });
    let changes = changes.collect::<Result<_, _>>()?;
    let home = Home::locate()?;
    home.prepare()?;
    let mut client = connect_or_start(&home)?;
    // Follow first, so that no event of the run is missed.
    client.request(RequestBody::Follow)?;
    let request = RequestBody::Fork { fork: Fork { parent, epoch }, arms, changes, name: follow.name };
    let run = match client.request(request) {
        Ok(Reply::Started { run }) => run,
        Ok(_) => bail!("the kernel did not say which run it started"),
        Err(ClientError::Refused { kind: protocol::ErrorKind::BadSpec, message }) => return Err(Usage(message).into()),
        Err(error) => return Err(error.into()),
    };
    follow_or_detach(client, &home, run, Halt::Ends, follow.detach, follow.json)
}
