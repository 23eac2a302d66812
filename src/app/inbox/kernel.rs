//! Events from the kernel: the state of the connection, replies to requests, and the events of runs and cells.

use crate::event::{Effect, Link, StoreQuery, Tag};
use crate::lesson::experiment::RunningMeasurement;
use crate::study::training_run::TrainingRun;
use crate::{App, Modal, Pane};
use protocol::{CellEvent, ErrorKind, Reply, RunEvent, RunId, RunState, Subject, Unreadable};
use std::collections::BTreeSet;

impl App {
    pub(crate) fn change_link(&mut self, link: Link) -> Vec<Effect> {
        let was_on = self.link == Link::On;
        self.link = link;
        match self.link {
            // The store has whatever was announced while there was no connection.
            Link::On => {
                // The message that there is no kernel no longer holds.
                (self.message, self.kernel_gone) = (None, false);
                self.inside.answers.reconnect();
                let runs: BTreeSet<RunId> = self
                    .cell_runs
                    .values()
                    .chain(self.other_runs.values())
                    .chain(self.training_runs.keys())
                    .chain(self.lab.run.iter().chain(&self.lab.overlaid))
                    .copied()
                    .collect();
                let wishes = [StoreQuery::Runs, StoreQuery::RunFindings, StoreQuery::Progress].into_iter();
                wishes.chain(runs.into_iter().map(StoreQuery::Run)).map(Effect::Query).collect()
            }
            Link::Off if was_on => {
                self.kernel_gone = true;
                self.training_runs.values_mut().for_each(|training| training.resuming = false);
                // An experiment has no checkpoint. Its last outcome stays.
                for view in self.experiments.values_mut().filter(|view| view.running.is_some()) {
                    view.running = None;
                    view.error = Some("the kernel has gone; Enter runs it again".into());
                }
                if self.active_runs().is_empty() {
                    return Vec::new();
                }
                self.training_runs.values_mut().for_each(|training| interrupt(&mut training.state));
                self.message =
                    Some("the kernel has gone; Enter on the race resumes it from its last checkpoint".into());
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Handles a line of the kernel that can't be decoded. Each kind is reported once, and the store is read instead.
    pub(crate) fn report_unreadable(&mut self, line: &Unreadable) -> Vec<Effect> {
        let word = line.to_string();
        if !self.unreadable.contains(&word) {
            self.unreadable.push(word.clone());
            self.add_notice(word);
        }
        match &line.subject {
            _ if line.is_progress() => Vec::new(),
            Some(Subject::Run(run)) => vec![Effect::Query(StoreQuery::Run(*run))],
            Some(Subject::Cell(cell)) => {
                if line.ends_cell()
                    && let Some(view) = self.experiments.get_mut(cell)
                {
                    view.running = None;
                    view.error = Some("how it ended can't be read; Enter measures again".into());
                }
                vec![Effect::Query(StoreQuery::Progress)]
            }
            None => Vec::new(),
        }
    }

    pub(crate) fn apply_run_event(&mut self, event: &RunEvent) -> Vec<Effect> {
        let run = event.run();
        self.pending_queries.record_event(event);
        let is_label = matches!(event, RunEvent::Renamed { .. } | RunEvent::Tagged { .. } | RunEvent::Noted { .. });
        let mut effects = Vec::new();
        if let RunEvent::Notice { disk_full: true, .. } = event {
            effects.extend(self.free_disk());
        }
        if is_label {
            self.label_run(event);
        } else if let RunEvent::Deleted { .. } = event {
            if self.remove_run(run) {
                self.message = Some(format!("run {run} was deleted"));
            }
        } else {
            self.add_run(event);
            if let Some(training) = self.training_runs.get_mut(&run) {
                training.resuming = false;
                training.apply(event);
            } else {
                if let RunEvent::Notice { text, .. } = event {
                    match text {
                        Some(text) => self.notices.insert(run, text.clone()),
                        None => self.notices.remove(&run),
                    };
                }
                // Another notebook has started this run.
                effects.push(Effect::Query(StoreQuery::Run(run)));
                return effects;
            }
        }
        if matches!(event, RunEvent::Finished { .. } | RunEvent::Deleted { .. }) {
            effects.push(Effect::Query(StoreQuery::RunFindings));
        }
        self.forget_outdated_epochs(event);
        effects.extend(self.update_kept_epochs(event));
        let changes_list = !matches!(event, RunEvent::Progress { .. } | RunEvent::Elapsed { .. });
        if matches!(self.modals.last(), Some(Modal::Runs(_))) && changes_list {
            effects.push(Effect::Query(StoreQuery::Runs));
        }
        effects
    }

    /// Changes what a reader has written on a run.
    fn label_run(&mut self, event: &RunEvent) {
        let Some(summary) = self.runs.iter_mut().find(|summary| summary.run == event.run()) else { return };
        match event {
            RunEvent::Renamed { name, .. } => summary.name.clone_from(name),
            RunEvent::Tagged { tags, .. } => summary.tags.clone_from(tags),
            RunEvent::Noted { notes, .. } => summary.notes.clone_from(notes),
            _ => {}
        }
    }

    pub(crate) fn add_run(&mut self, event: &RunEvent) {
        if let RunEvent::Started { run, spec } = event {
            self.training_runs.entry(*run).or_insert_with(|| TrainingRun::new(*run, spec.clone()));
        }
    }

    /// Removes a deleted run; returns whether the reader was looking at it. The inside stays open, and says that its run was
    /// deleted: a key that is meant for it must not act on the lesson beneath.
    pub(crate) fn remove_run(&mut self, run: RunId) -> bool {
        self.training_runs.remove(&run);
        self.notices.remove(&run);
        self.forget_deleted(run);
        self.other_runs.retain(|_, kept| *kept != run);
        self.cell_runs.retain(|_, shown| *shown != run);
        self.lab.run.take_if(|shown| *shown == run);
        self.lab.overlaid.retain(|shown| *shown != run);
        self.inside.remove_run(run);
        let before = self.modals.len();
        let shows = |modal: &Modal| match modal {
            Modal::Run(shown) => *shown == run,
            Modal::Values(pane) => *pane == Pane::Run(run),
            _ => false,
        };
        self.modals.retain(|modal| !shows(modal));
        self.modals.len() < before || (self.is_inside_open() && self.inside.run == Some(run))
    }

    /// Adds a notice to the message. Several notices are shown together until a key is pressed.
    pub(crate) fn add_notice(&mut self, text: String) {
        match &mut self.message {
            Some(message) if message.lines().any(|line| line == text) => {}
            Some(message) => *message = format!("{message}\n{text}"),
            None => self.message = Some(text),
        }
    }

    pub(crate) fn apply_cell_event(&mut self, event: CellEvent) -> Vec<Effect> {
        match event {
            CellEvent::Started { cell, spec } => {
                let view = self.experiments.entry(cell).or_default();
                view.partial_spec = Some(spec.clone());
                view.running = Some(RunningMeasurement::starting(spec));
                (view.partial, view.error) = (None, None);
            }
            CellEvent::Progress { cell, done, doing, seconds, partial } => {
                let view = self.experiments.entry(cell).or_default();
                let spec = view.running.take().and_then(|running| running.spec);
                view.partial_spec = spec.clone().or(view.partial_spec.take());
                view.running = Some(RunningMeasurement { done, doing, seconds, spec });
                view.partial = partial.or(view.partial.take());
                view.error = None;
            }
            CellEvent::Finished { cell, outcome } => {
                let view = self.experiments.entry(cell.clone()).or_default();
                // The measurement began before this notebook listened, so only the store knows its settings.
                let Some(spec) = view.running.take().and_then(|running| running.spec) else {
                    return vec![Effect::Query(StoreQuery::Progress)];
                };
                self.timings.record_experiment(&spec, outcome.seconds);
                view.spec = Some(spec);
                (view.partial, view.outcome, view.error) = (None, Some(outcome), None);
                // Only the store knows the time, as there is no clock here.
                view.finished = None;
                self.lay_out_claims();
                let mut effects = self.continue_steering(cell);
                // The pending answer may be older than this outcome and would replace it by the one before.
                if self.pending_queries.is_pending(StoreQuery::Progress) {
                    effects.push(Effect::Query(StoreQuery::Progress));
                }
                return effects;
            }
            CellEvent::Stopped { cell } => self.experiments.entry(cell).or_default().running = None,
            CellEvent::Failed { cell, reason } => {
                let view = self.experiments.entry(cell).or_default();
                (view.running, view.error) = (None, Some(reason));
            }
        }
        Vec::new()
    }

    pub(crate) fn handle_reply(&mut self, tag: Tag, reply: Reply) -> Vec<Effect> {
        match (tag, reply) {
            (Tag::Training(key), Reply::Started { run }) => {
                let spec = self.starting.remove(&key).and_then(Result::ok);
                let mut effects = vec![Effect::Query(StoreQuery::Run(run))];
                effects.extend(self.show_new_run(&key, run, spec.as_ref()));
                return effects;
            }
            (Tag::Lab, Reply::Started { run }) => return self.lab_started(run),
            // The kernel that was started for a resume has taken the run up by itself.
            (Tag::Run(run), Reply::Refused { kind: ErrorKind::Active, .. }) => {
                if let Some(training) = self.training_runs.get_mut(&run) {
                    training.resuming = false;
                }
                return vec![Effect::Query(StoreQuery::Run(run))];
            }
            (Tag::Run(run), Reply::Steered(steering)) => {
                let training = self.training_runs.get(&run);
                self.message = training.map(|training| steering.sentence(&training.spec));
            }
            (Tag::Run(run), Reply::Done) => self.forget_line(run),
            (Tag::View(number), reply) => self.take_view(number, Ok(reply)),
            (tag, Reply::Refused { message, .. }) => return self.handle_unanswered(tag, message),
            _ => {}
        }
        Vec::new()
    }

    /// Handles a request that was refused or that no kernel answered.
    pub(crate) fn handle_unanswered(&mut self, tag: Tag, why: String) -> Vec<Effect> {
        match tag {
            Tag::Training(key) => {
                self.starting.insert(key, Err(why));
            }
            Tag::Lab => self.lab.starting = Some(Err(why)),
            Tag::Cell(key) => {
                let view = self.experiments.entry(key).or_default();
                view.running = None;
                view.error = Some(why);
            }
            Tag::Run(run) => {
                if let Some(training) = self.training_runs.get_mut(&run) {
                    training.resuming = false;
                }
                if !self.reopen_line(run, &why) {
                    self.message = Some(why);
                }
            }
            // It is still in the store.
            Tag::Delete(_) => {
                self.message = Some(why);
                return vec![Effect::Query(StoreQuery::Runs)];
            }
            Tag::View(number) => self.take_view(number, Err(why)),
            Tag::Untracked => self.message = Some(why),
        }
        Vec::new()
    }
}

/// Without a kernel no run is active.
pub(crate) fn interrupt(state: &mut RunState) {
    if state.is_active() {
        *state = RunState::Interrupted;
    }
}
