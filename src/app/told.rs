//! What the kernel and the store tell the notebook.

use super::{App, Effect, Link, Modal, Race, Running};
use crate::protocol::{CellEvent, CellKey, RunEvent, RunId, RunState};
use serde_json::Value;

impl App {
    pub(super) fn linked(&mut self, link: Link) -> Vec<Effect> {
        let was_on = self.link == Link::On;
        self.link = link;
        match self.link {
            // Whatever was missed stands in the store.
            Link::On => {
                // That there was no kernel is no longer so.
                self.message = None;
                let mut effects = vec![Effect::LoadRuns, Effect::Recall];
                effects.extend(self.cell_runs.values().chain(self.races.keys()).map(|&run| Effect::LoadRun(run)));
                effects
            }
            Link::Off if was_on => {
                self.races.values_mut().for_each(|race| race.resuming = false);
                // An experiment has no checkpoint; what it measured before stays.
                for view in self.experiments.values_mut().filter(|view| view.running.is_some()) {
                    view.running = None;
                    view.error = Some("the kernel has gone; Enter runs it again".into());
                }
                if self.running().is_empty() {
                    return Vec::new();
                }
                for race in self.races.values_mut().filter(|race| race.state.is_active()) {
                    race.state = RunState::Interrupted;
                }
                self.message =
                    Some("the kernel has gone; Enter on the race resumes it from its last checkpoint".into());
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn run_event(&mut self, event: &RunEvent) -> Vec<Effect> {
        let run = event.run();
        if let RunEvent::Started { spec, .. } = event {
            self.races.entry(run).or_insert_with(|| Race::new(run, spec.clone()));
        }
        if let RunEvent::Deleted { .. } = event {
            self.races.remove(&run);
            self.cell_runs.retain(|_, shown| *shown != run);
        }
        if let Some(race) = self.races.get_mut(&run) {
            race.resuming = false;
            race.apply(event);
        } else if matches!(event, RunEvent::Deleted { .. }) {
            self.notices.remove(&run);
        } else {
            if let RunEvent::Notice { text, .. } = event {
                match text {
                    Some(text) => self.notices.insert(run, text.clone()),
                    None => self.notices.remove(&run),
                };
            }
            // A run that another notebook started.
            return vec![Effect::LoadRun(run)];
        }
        let mut effects = Vec::new();
        if matches!(event, RunEvent::Finished { .. }) {
            effects.push(Effect::LoadRaceFindings);
        }
        if matches!(self.modals.last(), Some(Modal::Runs(_))) && !matches!(event, RunEvent::Progress { .. }) {
            effects.push(Effect::LoadRuns);
        }
        effects
    }

    pub(super) fn cell_event(&mut self, event: CellEvent) -> Vec<Effect> {
        match event {
            CellEvent::Started { cell, spec } => {
                let view = self.experiments.entry(cell).or_default();
                view.running = Some(Running::starting(spec));
                view.partial = None;
            }
            CellEvent::Progress { cell, done, doing, partial } => {
                let view = self.experiments.entry(cell).or_default();
                let spec = view.running.take().and_then(|running| running.spec);
                view.running = Some(Running { done, doing, spec });
                view.partial = partial.or(view.partial.take());
            }
            CellEvent::Finished { cell, outcome } => {
                let view = self.experiments.entry(cell.clone()).or_default();
                // The store knows the settings of one that began before this notebook listened.
                let Some(spec) = view.running.take().and_then(|running| running.spec) else {
                    return vec![Effect::Recall];
                };
                view.spec = Some(spec);
                (view.partial, view.outcome, view.error) = (None, Some(outcome), None);
                self.gather_findings();
                return self.steer_on(cell);
            }
            CellEvent::Stopped { cell } => self.experiments.entry(cell).or_default().running = None,
            CellEvent::Failed { cell, reason } => {
                let view = self.experiments.entry(cell).or_default();
                (view.running, view.error) = (None, Some(reason));
            }
        }
        Vec::new()
    }

    pub(super) fn recalled(&mut self, entries: Vec<(String, Value)>) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (key, value) in entries {
            let parts: Vec<&str> = key.split('/').collect();
            match parts.as_slice() {
                ["place", lesson] => {
                    if let Some(top) = value["top"].as_u64() {
                        self.places.entry((*lesson).into()).or_insert(top as usize);
                    }
                    if let Some(read) = value["read"].as_u64() {
                        self.read.entry((*lesson).into()).or_insert(read.min(100) as u8);
                    }
                }
                ["cell-run", lesson, cell] => {
                    if let Some(run) = value.as_i64().map(RunId) {
                        let key = CellKey { lesson: (*lesson).into(), cell: (*cell).into() };
                        self.cell_runs.entry(key).or_insert(run);
                        if !self.races.contains_key(&run) {
                            effects.push(Effect::LoadRun(run));
                        }
                    }
                }
                ["answer", lesson, cell] => {
                    if let Ok(answer) = serde_json::from_value(value) {
                        let key = CellKey { lesson: (*lesson).into(), cell: (*cell).into() };
                        self.answers.entry(key).or_insert(answer);
                    }
                }
                _ => {}
            }
        }
        self.lay_out();
        effects
    }
}
