//! Finds a lane's newest valid checkpoint, and what of the run's settings has changed since.

use super::trainer;
use learn::Snapshot;
use protocol::{Lane, Study};
use serde_json::Value;
use std::{
    cell::Cell,
    fs, io,
    path::{Path, PathBuf},
};
use store::{files, files::LaneFolder};

/// The settings in a checkpoint file, if the file is valid.
pub(crate) fn spec_of(file: &Path) -> Option<Study> {
    trainer::decode(&fs::read(file).ok()?).ok().map(|(_, spec)| spec)
}

/// Names in a sentence the settings that determine a lane's bits and differ from those of its checkpoint.
pub(super) fn difference(then: &Study, now: &Study) -> Option<String> {
    // Which lanes there are and how far they train does not change the bits of any lane.
    const NOT_OF_A_LANE: [&str; 4] = ["preset", "arms", "seeds", "epochs"];
    let (Ok(Value::Object(then)), Ok(Value::Object(now))) = (serde_json::to_value(then), serde_json::to_value(now))
    else {
        return None;
    };
    let changed =
        then.iter().filter(|(name, then)| !NOT_OF_A_LANE.contains(&name.as_str()) && now.get(*name) != Some(*then));
    let texts: Vec<_> = changed
        .map(|(name, then)| {
            format!("{} was {then}, is {}", name.replace('_', " "), now.get(name).unwrap_or(&Value::Null))
        })
        .collect();
    (!texts.is_empty()).then(|| format!("the settings are not those of the checkpoint: {}", texts.join("; ")))
}

/// A file or folder that exists and can't be read. It is not set aside, because the disk may recover.
#[derive(Debug, thiserror::Error)]
#[error("{} can't be read ({source})", path.display())]
pub(super) struct Unreadable {
    path: PathBuf,
    source: io::Error,
}

/// Returns the newest valid checkpoint with the settings that it was made with, or `None` if there is none. A
/// checkpoint ahead of the `epochs` in the store is skipped: its epoch was written but not committed, so it was not
/// announced and is computed again. A damaged file is renamed aside. `report` receives a sentence for each damaged file,
/// and one if the last measured epoch's file is missing.
pub(super) fn newest(
    folder: &LaneFolder,
    lane: Lane,
    epochs: u32,
    report: impl Fn(String),
) -> Result<Option<(Snapshot, Study)>, Unreadable> {
    let place = |(snapshot, _): &(Snapshot, Study)| (snapshot.epochs_done, snapshot.batches_done);
    let mut newest: Option<(Snapshot, Study)> = None;
    let is_reported = Cell::new(false);
    let damaged = |text| {
        is_reported.set(true);
        report(text);
    };
    for file in folder.state_files() {
        let found = read(&file, lane, epochs, &damaged)?;
        newest = newest.into_iter().chain(found).max_by_key(place);
    }
    let present = folder.epochs().map_err(|source| Unreadable { path: folder.path().to_owned(), source })?;
    for epoch in present.into_iter().rev().filter(|&epoch| epoch <= epochs) {
        // Older files can only be older.
        if newest.as_ref().is_some_and(|(snapshot, _)| snapshot.epochs_done >= epoch) {
            break;
        }
        let found = read(&folder.epoch_file(epoch), lane, epochs, &damaged)?;
        newest = newest.into_iter().chain(found).max_by_key(place);
    }
    let from = newest.as_ref().map_or(0, |(snapshot, _)| snapshot.epochs_done);
    if from < epochs && !is_reported.get() {
        let what = match from {
            0 => "this arm begins anew".into(),
            _ => format!("this arm goes on from epoch {from}"),
        };
        let text = format!(
            "{}: the checkpoint of epoch {epochs} is missing; {what}, and what it measured stays.",
            folder.path().display()
        );
        tracing::warn!("{text}");
        report(text);
    }
    Ok(newest)
}

/// Whether a resume of a lane with so many measured epochs goes on inside the next one.
pub(super) fn is_inside_epoch(folder: &LaneFolder, lane: Lane, epochs: u32) -> bool {
    let found = folder.state_files().into_iter().filter_map(|file| trainer::decode(&fs::read(file).ok()?).ok());
    let is_inside = |snapshot: &Snapshot| snapshot.epochs_done == epochs && snapshot.batches_done > 0;
    found.into_iter().any(|(snapshot, _)| snapshot.lane == lane && is_inside(&snapshot))
}

/// One checkpoint, if it is there, whole, and of use.
fn read(
    file: &Path,
    lane: Lane,
    epochs: u32,
    damaged: &impl Fn(String),
) -> Result<Option<(Snapshot, Study)>, Unreadable> {
    let decoded = match fs::read(file) {
        Ok(bytes) => trainer::decode(&bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => Err(error.to_string()),
        Err(source) => return Err(Unreadable { path: file.to_owned(), source }),
    };
    match decoded {
        Ok((snapshot, _)) if snapshot.lane != lane || snapshot.epochs_done > epochs => {
            tracing::info!(file = %file.display(), "is not of this lane, or ahead of the store; left alone");
            Ok(None)
        }
        Ok(found) => Ok(Some(found)),
        Err(why) => {
            let kept = match files::set_aside(file) {
                Ok(aside) => format!("It is kept as {}", aside.display()),
                Err(error) => format!("It can't be renamed ({error})"),
            };
            let text = format!("{}: {why}. {kept}; an older one serves, or the arm begins anew.", file.display());
            tracing::warn!("{text}");
            damaged(text);
            Ok(None)
        }
    }
}
