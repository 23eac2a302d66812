//! `relu sweep`: trains the grid of some settings' values as one run, and prints each cell when it is finished.

use super::follow::{Halt, PrintEvents, follow};
use super::train::{FollowFlags, print_detached};
use super::{Outcome, Usage, complain, connect_or_start, is_closed_pipe, say, say_json};
use clap::Args;
use color_eyre::eyre::bail;
use protocol::{
    ArmId, CellResult, DataSource, Lane, LaneResults, Metric, Reply, RequestBody, RunEvent, RunId, RunSummary, Setting,
    Study, Sweep, SweepAxis, best_cells, mean_and_deviation, tied_cells,
};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::process::ExitCode;
use store::{Home, LaneState, Store};

/// What follows the options in `relu sweep --help`.
const EXPLANATION: &str = "\
Each arm of the study is trained with every combination of the values, as one run: `relu runs` lists it as one, `relu \
stop` and `relu resume` are for it too, and so is Ctrl-C. Its lanes give way to those of other runs. The best cell of an \
arm has the lowest mean validation error at the last epoch; one of which a seed diverged is worse than any number.

Values are a list, parted by commas (by `;` where a value holds commas), or a range with its ends: of a real number \
lr=0.001..1 has 1, 2 and 5 of each decade, of a whole number batch=16..256 is doubled. ARM.lr=... is for one arm alone, \
and stands in for the values of all arms.

With --halving the worse half of each arm's cells stops early, at an eighth, a quarter and half of the epochs for eight \
cells (Jamieson and Talwalkar 2016).

Examples:
  relu sweep 'relu-tanh; all-tanh | seeds=1-3 epochs=10' --over lr=0.01..1
  relu sweep 'relu-tanh | epochs=16' --over lr=0.02,0.1,0.5 --over batch=50,100 --halving --json";

#[derive(Args)]
#[command(name = "sweep", after_help = EXPLANATION)]
pub struct SweepArguments {
    /// The study as text, as `relu train` has it
    study: String,
    /// A setting with its values: lr=0.01,0.03,0.1, lr=0.001..1 or ARM.lr=...
    #[arg(long, required = true, value_name = "KEY=VALUES")]
    over: Vec<String>,
    /// Stop the worse half of each arm's cells early, again and again
    #[arg(long)]
    halving: bool,
    #[command(flatten)]
    follow: FollowFlags,
}

pub fn sweep(arguments: &SweepArguments) -> Outcome {
    let usage = |error: protocol::SpecError| {
        Usage(match error.field {
            "over" => format!("--over {}", error.message),
            "study" => format!("STUDY: {}", error.message),
            _ => error.to_string(),
        })
    };
    let mut study: Study = arguments.study.parse().map_err(usage)?;
    if let DataSource::Folder(folder) = &study.data {
        // The kernel has a working folder of its own.
        let folder = folder.canonicalize().map_err(|error| Usage(format!("data {}: {error}", folder.display())))?;
        study.data = DataSource::Folder(folder);
    }
    let axes = arguments.over.iter().map(|over| SweepAxis::parse(over)).collect::<Result<Vec<_>, _>>();
    let (spec, sweep) = axes.and_then(|axes| Sweep::new(&study, &axes, arguments.halving)).map_err(usage)?;
    if sweep.halving && !sweep.can_halve(&spec) {
        complain("--halving does nothing here: it needs two cells of an arm and more than one epoch");
    }
    let home = Home::locate()?;
    home.prepare()?;
    let mut client = connect_or_start(&home)?;
    // Follow first, so that no event of the run is missed.
    client.request(RequestBody::Follow)?;
    let request = RequestBody::Sweep { spec: spec.clone(), sweep: sweep.clone(), name: arguments.follow.name.clone() };
    let Reply::Started { run } = client.request(request)? else {
        bail!("the kernel did not say which run it started");
    };
    if arguments.follow.detach {
        return print_detached(&home, run, arguments.follow.json);
    }
    if !arguments.follow.json {
        say(&format!("run {run}: {} cells, {} lanes", sweep.cells.len(), spec.lanes().len()))?;
    }
    let output = SweepOutput {
        run,
        study: spec,
        sweep,
        known: Known::default(),
        printed: HashSet::new(),
        json: arguments.follow.json,
    };
    match follow(client, &home, run, Halt::Ends, Box::new(output)) {
        // The output is closed. The run goes on, so the exit code is not 0.
        Err(error) if is_closed_pipe(&error) => Ok(ExitCode::FAILURE),
        outcome => outcome,
    }
}

/// What is known of a sweep's lanes.
#[derive(Default)]
struct Known {
    errors: HashMap<(Lane, u32), f64>,
    diverged: HashSet<Lane>,
}

impl LaneResults for Known {
    fn error(&self, lane: Lane, epoch: u32) -> Option<f64> {
        self.errors.get(&(lane, epoch)).copied()
    }

    fn has_diverged(&self, lane: Lane) -> bool {
        self.diverged.contains(&lane)
    }
}

/// Prints each cell once it is over, then the best of each arm.
struct SweepOutput {
    run: RunId,
    study: Study,
    sweep: Sweep,
    known: Known,
    printed: HashSet<ArmId>,
    json: bool,
}

impl PrintEvents for SweepOutput {
    fn print(&mut self, event: &RunEvent) -> color_eyre::Result<Option<ExitCode>> {
        let run = self.run;
        match event {
            RunEvent::Epoch { record, .. } => {
                if let Some(error) = record.get(Metric::ValError) {
                    self.known.errors.insert((record.lane(), record.epoch), error);
                }
                // Most epochs end no cell; halving may end several with one.
                self.print_finished_cells()?;
            }
            RunEvent::Diverged { arm, seed, .. } => {
                self.known.diverged.insert(Lane { arm: *arm, seed: *seed });
                self.print_finished_cells()?;
            }
            RunEvent::Finished { .. } => {
                self.print_finished_cells()?;
                self.print_best()?;
                return Ok(Some(ExitCode::SUCCESS));
            }
            RunEvent::Failed { reason, .. } => {
                self.print_best()?;
                complain(&format!("run {run} failed: {reason}"));
                return Ok(Some(ExitCode::FAILURE));
            }
            RunEvent::Stopped { .. } | RunEvent::Paused { .. } | RunEvent::Interrupted { .. } => {
                complain(&format!("run {run} rests; `relu resume {run}` goes on from its last checkpoints"));
                return Ok(Some(ExitCode::FAILURE));
            }
            RunEvent::Deleted { .. } => {
                complain(&format!("run {run} has been deleted"));
                return Ok(Some(ExitCode::FAILURE));
            }
            RunEvent::Notice { text: Some(text), .. } => complain(text),
            RunEvent::NotExact { why, .. } => complain(&format!("not exact: {why}")),
            _ => {}
        }
        Ok(None)
    }

    fn print_aside(&self, text: &str) -> color_eyre::Result<()> {
        complain(text);
        Ok(())
    }
}

impl SweepOutput {
    fn print_finished_cells(&mut self) -> color_eyre::Result<()> {
        for result in self.sweep.results(&self.study, &self.known).iter().filter(|result| result.is_over) {
            if !self.printed.insert(result.cell.arm) {
                continue;
            }
            if self.json {
                say_json(&cell_value(self.run, result))?;
            } else {
                say(&cell_line(result, result.epoch))?;
            }
        }
        Ok(())
    }

    fn print_best(&self) -> color_eyre::Result<()> {
        let results = self.sweep.results(&self.study, &self.known);
        if self.json {
            return say_json(&json!({ "run": self.run, "best": best_values(self.run, &results) }));
        }
        best_lines(&results).iter().try_for_each(|line| Ok(say(line)?))
    }
}

/// A sweep as `relu runs show` has it.
pub struct SweepReport {
    run: RunId,
    halving: bool,
    cells: Vec<CellResult>,
    /// Epochs of each lane that has not diverged.
    done: Vec<(Lane, u32)>,
}

impl SweepReport {
    /// `None` of a run that is no sweep.
    pub fn of(store: &Store, summary: &RunSummary) -> color_eyre::Result<Option<Self>> {
        let Some(sweep) = &summary.sweep else { return Ok(None) };
        let mut known = Known::default();
        for record in store.epochs(summary.run)? {
            known.errors.extend(record.get(Metric::ValError).map(|error| ((record.lane(), record.epoch), error)));
        }
        let lanes = store.lanes(summary.run)?.into_iter();
        let diverged = lanes.filter(|(_, state)| matches!(state, LaneState::Diverged { .. }));
        known.diverged.extend(diverged.map(|(lane, _)| lane));
        let cells = sweep.results(&summary.spec, &known);
        Ok(Some(Self { run: summary.run, halving: sweep.halving, cells, done: summary.done.clone() }))
    }

    fn done(&self, arm: ArmId) -> u32 {
        self.done.iter().filter(|(lane, _)| lane.arm == arm).map(|(_, done)| *done).min().unwrap_or(0)
    }

    pub fn lines(&self) -> Vec<String> {
        self.cells
            .iter()
            .map(|result| cell_line(result, self.done(result.cell.arm)))
            .chain(best_lines(&self.cells))
            .collect()
    }

    pub fn value(&self) -> Value {
        let cells: Vec<Value> = self.cells.iter().map(|result| cell_value(self.run, result)).collect();
        json!({ "halving": self.halving, "cells": cells, "best": best_values(self.run, &self.cells) })
    }
}

/// `done` is the last epoch that all its seeds have done.
fn cell_line(result: &CellResult, done: u32) -> String {
    let title = result.cell.title();
    let errors: Vec<f64> = result.errors.iter().map(|(_, error)| *error).collect();
    let outcome = match mean_and_deviation(&errors) {
        _ if !result.diverged.is_empty() => format!("diverged with {}", seeds(&result.diverged)),
        Some((mean, Some(deviation))) => format!("{mean:.2} ± {deviation:.2} %"),
        Some((mean, None)) => format!("{mean:.2} %"),
        None => return format!("{title}: has not come to epoch {} yet (now {done})", result.epoch),
    };
    let stopped = if result.stopped { ", stopped there by halving" } else { "" };
    format!("{title}: {outcome} after epoch {}{stopped}", result.epoch)
}

fn seeds(seeds: &[u64]) -> String {
    let list: Vec<String> = seeds.iter().map(u64::to_string).collect();
    format!("{} {}", if list.len() == 1 { "seed" } else { "seeds" }, list.join(", "))
}

fn best_lines(results: &[CellResult]) -> Vec<String> {
    let best = best_cells(results).into_iter().map(|(arm, best)| match best {
        Some(result) => {
            let tied: Vec<String> = tied_cells(results, result).iter().map(|other| other.cell.title()).collect();
            let tied = if tied.is_empty() { String::new() } else { format!("; as low: {}", tied.join(", ")) };
            format!("best of {arm}: {}{tied}", cell_line(result, result.epoch))
        }
        None => format!("best of {arm}: none has come to the last epoch"),
    });
    best.collect()
}

fn best_values(run: RunId, results: &[CellResult]) -> Vec<Value> {
    let best = best_cells(results).into_iter().map(|(arm, best)| match best {
        Some(result) => cell_value(run, result),
        None => json!({ "run": run, "of": arm, "arm": null }),
    });
    best.collect()
}

/// Numbers as numbers; the mean is null where a seed diverged.
fn cell_value(run: RunId, result: &CellResult) -> Value {
    let setting = |(key, text): &(String, String)| {
        let number = Setting::find(key).filter(|setting| setting.is_number()).and_then(|_| text.parse::<f64>().ok());
        (key.clone(), number.map_or_else(|| json!(text), |number| json!(number)))
    };
    let settings: Map<String, Value> = result.cell.settings.iter().map(setting).collect();
    let errors: Vec<Value> =
        result.errors.iter().map(|(seed, error)| json!({ "seed": seed, "val_error": error })).collect();
    let values: Vec<f64> = result.errors.iter().map(|(_, error)| *error).collect();
    let deviation = mean_and_deviation(&values).and_then(|(_, deviation)| deviation);
    json!({ "run": run, "arm": result.cell.arm, "of": result.cell.of, "settings": settings, "epoch": result.epoch,
            "finished": result.is_over, "halved": result.stopped, "diverged": result.diverged, "seeds": errors,
            "mean": result.mean(), "sd": result.mean().and(deviation) })
}
