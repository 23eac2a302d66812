//! Forks: a new run that goes on from an epoch of another one, with settings changed. It gets the history and the
//! checkpoints of its parent, so it needs the parent no more.

use super::{
    Active,
    active::{LaneEnd, Submission},
    steering::RunSteering,
    trainer,
};
use crate::{Kernel, refusal::Refusal};
use protocol::{ArmId, ErrorKind, Fork, Lane, RunEvent, RunId, Study, forked_steerings, forked_study, format_count};
use std::{collections::BTreeSet, fs, sync::Arc};
use store::{CheckpointRow, LaneState, NewFork, files};

impl Kernel {
    /// Creates a fork and starts it, or lets it wait for a free core. No arms named are all.
    pub(crate) fn fork(
        self: &Arc<Self>,
        fork: Fork,
        arms: &[ArmId],
        changes: &[(String, String)],
        name: Option<&str>,
    ) -> Result<RunId, Refusal> {
        let Fork { parent, epoch } = fork;
        let mut jobs = self.jobs();
        jobs.admit(None)?;
        // They were asked for before this one.
        self.resume_unfinished(&mut jobs, None);
        // Held to the end: the parent's lanes remove no checkpoint meanwhile.
        let mut store = self.store();
        let parent_study = store.run(parent)?.spec;
        if epoch > parent_study.epochs {
            let has = format_count(parent_study.epochs as usize, "epoch");
            let message =
                format!("run {parent} has {has}, so there is no epoch {epoch} to go on from; take an earlier one");
            return Err(Refusal::new(ErrorKind::BadSpec, message));
        }
        let study = forked_study(&parent_study, arms, epoch, changes)
            .map_err(|error| Refusal::new(ErrorKind::BadSpec, error.to_string()))?;
        if study.threads > jobs.scheduler.cores() {
            let message = format!(
                "run {parent} has {} threads a lane, and there are {} cores here; fork it where there are as many",
                study.threads,
                jobs.scheduler.cores()
            );
            return Err(Refusal::new(ErrorKind::BadSpec, message));
        }
        // A lane whose loss left the finite numbers before that epoch stays as it is.
        let states = store.lanes(parent)?.into_iter().filter(|(lane, _)| study.settings(lane.arm).is_some());
        let (diverged, open): (Vec<_>, Vec<_>) =
            states.partition(|(_, state)| matches!(state, LaneState::Diverged { epoch: at, .. } if *at <= epoch));
        if open.is_empty() {
            let message = format!("every lane had diverged by epoch {epoch} of run {parent}; take an earlier epoch");
            return Err(Refusal::new(ErrorKind::State, message));
        }
        let open: Vec<Lane> = open.into_iter().map(|(lane, _)| lane).collect();
        let checkpoints = self.forked_checkpoints(fork, &open, &store.checkpoints(parent)?, &study)?;
        let steerings = forked_steerings(&store.steerings(parent)?, &study, epoch, changes);
        let new = NewFork {
            fork,
            study: &study,
            name,
            diverged: &diverged,
            checkpoints: &checkpoints,
            steerings: &steerings,
        };
        let run = store.create_fork(&self.home, &new)?;
        drop(store);
        // First: a notebook that does not know the run reads its history from the store.
        self.announce(RunEvent::Forked { run, fork });
        self.announce(RunEvent::Started { run, spec: study.clone() });
        for steering in &steerings {
            self.announce(RunEvent::Steered { run, steering: steering.clone() });
        }
        let end = |lane: Lane| diverged.iter().any(|(of, _)| *of == lane).then_some(LaneEnd::Diverged);
        let lanes = study.lanes().into_iter().map(|lane| (lane, end(lane))).collect();
        let steering = Arc::new(RunSteering::of(steerings));
        let submission = Submission { fork: Some(fork), steering, ..Submission::new(run, study, lanes) };
        let active = Active::submit(&mut jobs.scheduler, submission);
        jobs.runs.push(active);
        self.dispatch(&mut jobs);
        Ok(run)
    }

    /// The checkpoints that a fork starts from, with the fork's settings in them.
    fn forked_checkpoints(
        &self,
        Fork { parent, epoch }: Fork,
        lanes: &[Lane],
        kept: &[CheckpointRow],
        study: &Study,
    ) -> Result<Vec<(Lane, Vec<u8>)>, Refusal> {
        let mut checkpoints = Vec::new();
        for &lane in lanes {
            let row = kept.iter().find(|row| row.lane == lane && row.epoch == epoch);
            let Some(row) = row else {
                return Err(Refusal::new(ErrorKind::State, not_kept(Fork { parent, epoch }, lane, lanes, kept)));
            };
            let file = self.home.checkpoint(parent, lane, epoch);
            let bytes = fs::read(&file).map_err(|error| error.to_string()).and_then(|bytes| {
                if files::sha256(&bytes) == row.sha256 { Ok(bytes) } else { Err("it is not as it was written".into()) }
            });
            let encoded = bytes.and_then(|bytes| {
                let (mut snapshot, _) = trainer::decode(&bytes)?;
                // Without momentum there is no velocity.
                if study.settings(lane.arm).is_some_and(|settings| settings.momentum == 0.0) {
                    snapshot.velocity.clear();
                }
                trainer::encode(study, &snapshot)
            });
            let encoded = encoded.map_err(|why| {
                let message = format!("{} can't be read ({why}); fork another epoch", file.display());
                Refusal::new(ErrorKind::Storage, message)
            })?;
            checkpoints.push((lane, encoded));
        }
        Ok(checkpoints)
    }
}

/// Why there is nothing to fork at this epoch, with the nearest epochs at which there is.
fn not_kept(Fork { parent, epoch }: Fork, lacking: Lane, lanes: &[Lane], kept: &[CheckpointRow]) -> String {
    let of = |lane: Lane| kept.iter().filter(move |row| row.lane == lane).map(|row| row.epoch).collect::<BTreeSet<_>>();
    let common = lanes.iter().map(|&lane| of(lane)).reduce(|all, own| all.intersection(&own).copied().collect());
    let common = common.unwrap_or_default();
    let nearest = [common.range(..epoch).next_back(), common.range(epoch..).next()];
    let nearest: Vec<String> = nearest.into_iter().flatten().map(u32::to_string).collect();
    let remedy = match (nearest.as_slice(), lanes.len()) {
        ([], 1) => "it keeps none yet".into(),
        ([], _) => "no epoch is kept in every lane; name one arm with --arm".into(),
        (nearest, 1) => format!("the nearest that it keeps: {}", nearest.join(" and ")),
        (nearest, all) => format!("the nearest that all {} keep: {}", format_count(all, "lane"), nearest.join(" and ")),
    };
    format!("run {parent} keeps no checkpoint of epoch {epoch} of {lacking}; {remedy}")
}
