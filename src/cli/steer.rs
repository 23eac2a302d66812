//! `relu steer`: changes a setting of an arm while its run trains.

use super::stored_run::read_run;
use super::{Outcome, Usage, connect_or_start, say, say_json};
use clap::Args;
use color_eyre::eyre::bail;
use protocol::{ArmId, Reply, RequestBody, RunId, SteeredSetting};
use serde_json::json;
use std::process::ExitCode;
use store::Home;

/// What follows the options in `relu steer --help`.
const EXPLANATION: &str = "\
The change holds from the first epoch on that no lane of the arm that is under way has begun, also in lanes that come \
later. Lanes that are past this epoch, or in their last one, keep what they had, and are named. The schedule goes on from \
the new rate: its factor of each step multiplies it. A steering is stored with the run, so a resume gives the same bits.

Example:
  relu steer 5 relu-tanh lr=0.03";

#[derive(Args)]
#[command(after_help = EXPLANATION)]
pub struct Steer {
    /// Its number in `relu runs`
    run: RunId,
    /// The arm, as `relu runs show --json` names it
    arm: ArmId,
    /// lr=VALUE
    #[arg(value_name = "SETTING")]
    setting: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub fn steer(arguments: &Steer) -> Outcome {
    let (setting, value) = SteeredSetting::parse(&arguments.setting).map_err(|error| Usage(error.to_string()))?;
    let (run, arm) = (arguments.run, arguments.arm);
    let home = Home::locate()?;
    let (_, summary) = read_run(&home, run)?;
    let mut client = connect_or_start(&home)?;
    let Reply::Steered(steering) = client.request(RequestBody::Steer { run, arm, setting, value })? else {
        bail!("the kernel did not say from which epoch the change holds");
    };
    if arguments.json {
        say_json(&json!({ "run": run, "steering": steering }))?;
    } else {
        say(&steering.sentence(&summary.spec))?;
    }
    Ok(ExitCode::SUCCESS)
}
