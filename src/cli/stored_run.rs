//! Reads runs from the store, for the commands that show and export them.

use super::sweep::SweepReport;
use color_eyre::eyre::{Context, bail};
use protocol::{EpochRecord, Lane, Metric, RunId, RunSummary};
use serde_json::json;
use store::files::checkpoint_bytes;
use store::{Home, LaneState, Store};

/// Opens the store for reading; `None` if there is none yet.
pub fn open_store(home: &Home) -> color_eyre::Result<Option<Store>> {
    home.examine()?;
    let path = home.database();
    let there =
        path.try_exists().wrap_err_with(|| format!("{} can't be looked for; is RELU_HOME right?", path.display()))?;
    if !there && let Some(lost) = lost_store(home) {
        bail!(lost);
    }
    if there { Ok(Some(Store::open_read(home)?)) } else { Ok(None) }
}

/// What a home without a store says if it had one: its backup or its runs' checkpoints are still there. A kernel would
/// begin an empty store and keep them under other names, so that is not done before the reader knows.
pub fn lost_store(home: &Home) -> Option<String> {
    let (store, backup) = (home.database(), home.backup());
    let has_runs = || std::fs::read_dir(home.runs()).is_ok_and(|mut runs| runs.next().is_some());
    let store = store.display();
    if backup.is_file() {
        return Some(format!(
            "{store} is missing, and its backup is there; to have the runs back, rename {} to {store}",
            backup.display()
        ));
    }
    has_runs().then(|| {
        format!(
            "{store} is missing, and so is its backup; the checkpoints in {} are there, and the next kernel lists their \
             runs again",
            home.runs().display()
        )
    })
}

/// A run's epochs in order, and within an epoch in the order of the lanes. The store has them in the order in which the lanes
/// finished them, in which two equal runs may differ.
pub fn sorted_epochs(store: &Store, summary: &RunSummary) -> color_eyre::Result<Vec<EpochRecord>> {
    let lanes = summary.spec.lanes();
    let mut epochs = store.epochs(summary.run)?;
    epochs.sort_by_key(|record| (record.epoch, lanes.iter().position(|lane| *lane == record.lane())));
    Ok(epochs)
}

/// Reads the summary of a run.
///
/// # Errors
/// If there is no such run, or the store can't be read.
pub fn read_run(home: &Home, run: RunId) -> color_eyre::Result<(Store, RunSummary)> {
    let Some(store) = open_store(home)? else {
        bail!("there is no run {run}: nothing has been trained here yet");
    };
    let summary = store.run(run)?;
    Ok((store, summary))
}

/// A run as JSON: its summary, its study as text, its tags and notes, how it was steered, the lanes that diverged, and what its epochs measured.
pub fn to_json(
    home: &Home,
    store: &Store,
    summary: &RunSummary,
    epochs: &[EpochRecord],
) -> color_eyre::Result<serde_json::Value> {
    let diverged: Vec<_> = diverged_lanes(store, summary.run)?
        .into_iter()
        .map(|(lane, epoch, batch)| json!({ "arm": lane.arm, "seed": lane.seed, "epoch": epoch, "batch": batch }))
        .collect();
    let study = summary.spec.to_string();
    let steerings = store.steerings(summary.run)?;
    let sweep = SweepReport::of(store, summary)?.map(|report| report.value());
    Ok(json!({ "summary": summary, "study": study, "tags": summary.tags, "notes": summary.notes,
               "fork": summary.fork, "sweep": sweep, "steerings": steerings,
               "checkpoint_bytes": checkpoint_bytes(home, summary.run), "diverged": diverged, "epochs": epochs }))
}

/// The lanes whose loss is no longer finite, with the epoch (from 1) and its batch (from 0).
pub fn diverged_lanes(store: &Store, run: RunId) -> color_eyre::Result<Vec<(Lane, u32, u32)>> {
    let lanes = store.lanes(run)?.into_iter().filter_map(|(lane, state)| match state {
        LaneState::Diverged { epoch, batch } => Some((lane, epoch, batch)),
        LaneState::Open | LaneState::Finished | LaneState::Halved { .. } => None,
    });
    Ok(lanes.collect())
}

/// Formats a measured value, or a dash if there is none.
pub fn format_metric(record: &EpochRecord, metric: Metric, decimals: usize) -> String {
    record.get(metric).map_or("–".into(), |value| format!("{value:.decimals$}"))
}
