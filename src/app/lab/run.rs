//! The run of the laboratory: started, gone on with, paused and stopped. No key discards what was measured.

use super::sweep::SweepCursor;
use super::table::seeds_text;
use super::{EditOf, LabPage, overlay::MOST_SHOWN};
use crate::operation::while_active;
use crate::work::Work;
use crate::{App, Effect, Modal, StoreQuery, Tag, TrainingRun};
use protocol::{RequestBody, RunId, RunState, Study, format_estimate};
use std::borrow::Cow;

/// What Enter does now.
#[derive(Clone, Debug, PartialEq)]
pub enum LabOperation {
    Start(Study),
    /// Goes on with a run that rests.
    GoOn(RunId),
    Nothing(Cow<'static, str>),
}

impl App {
    /// The run that the laboratory shows.
    pub fn lab_training(&self) -> Option<&TrainingRun> {
        self.training_runs.get(&self.lab.run?)
    }

    /// What Enter does now. One function decides it: the key carries it out, and the screen names it.
    pub fn lab_operation(&self) -> LabOperation {
        // Away from the table the run is what the reader looks at.
        let shown = self.lab_training().filter(|_| self.lab.page != LabPage::Study && self.lab.starting.is_none());
        match shown {
            Some(training) if training.resuming => return LabOperation::Nothing("it is about to go on".into()),
            Some(training) if training.state.can_resume() => return LabOperation::GoOn(training.run),
            _ => {}
        }
        let study = match self.lab.table.study() {
            Ok(study) => study,
            Err(why) => return LabOperation::Nothing(why.to_owned().into()),
        };
        if matches!(self.lab.starting, Some(Ok(_))) {
            return LabOperation::Nothing("it is starting".into());
        }
        let Some(training) = self.lab_training().filter(|training| training.spec == *study) else {
            return match shown {
                Some(training) if self.lab_layout().study.is_none() => LabOperation::Nothing(
                    format!("run {} is not of the study in the table; Tab goes there, and Enter runs it", training.run)
                        .into(),
                ),
                _ => LabOperation::Start(study.clone()),
            };
        };
        let run = training.run;
        match &training.state {
            _ if training.resuming => LabOperation::Nothing("it is about to go on".into()),
            RunState::Queued | RunState::Running => {
                LabOperation::Nothing(while_active(&training.state).into())
            }
            // What was steered or forked is not what the table says.
            RunState::Finished if !training.steerings.is_empty() || training.fork.is_some() => {
                LabOperation::Start(study.clone())
            }
            RunState::Finished => LabOperation::Nothing(
                format!(
                    "run {run} has these settings and is finished: n runs them from new initial weights, w from the same"
                )
                .into(),
            ),
            _ => LabOperation::GoOn(run),
        }
    }

    /// What the screen says of it.
    pub fn lab_offer(&self) -> Result<String, String> {
        match self.lab_operation() {
            LabOperation::Start(study) => {
                let lanes = protocol::format_count(study.lanes().len(), "lane");
                let epochs = protocol::format_count(study.epochs as usize, "epoch");
                Ok(format!("Enter runs {lanes}, {epochs} each: {}", self.training_estimate(&study)))
            }
            LabOperation::GoOn(run) => {
                let training = self.training_runs.get(&run);
                let left = training.and_then(TrainingRun::remaining_seconds);
                let left = left.map_or(String::new(), |left| format!(", {} to go", format_estimate(left)));
                Ok(format!("Enter goes on with run {run}{left}"))
            }
            LabOperation::Nothing(_) if self.lab.table.study().is_ok() => Ok(match self.lab_operation() {
                LabOperation::Nothing(why) => why.into_owned(),
                LabOperation::Start(_) | LabOperation::GoOn(_) => String::new(),
            }),
            LabOperation::Nothing(why) => Err(why.into_owned()),
        }
    }

    /// The keys that matter now, the most telling first.
    pub fn lab_hints(&self) -> Vec<String> {
        if self.lab.edit.is_some() {
            let enter = match self.lab.edit.as_ref().map(|edit| edit.what) {
                Some(EditOf::Sweep) => "Enter runs the sweep",
                Some(EditOf::Fork) => "Enter forks the run",
                _ => "Enter keeps it",
            };
            return [enter, "Ctrl-U empties", "Esc leaves it"].map(String::from).to_vec();
        }
        if self.lab.activations.is_some() {
            return ["letters or ← → ↑ ↓ choose", "Enter adds the arm", "Esc leaves"].map(String::from).to_vec();
        }
        if self.lab.overlay.is_some() {
            return ["↑ ↓ choose", "Space shows or hides", "Esc back"].map(String::from).to_vec();
        }
        let enter = match self.lab_operation() {
            LabOperation::Start(_) => Some("Enter run".to_string()),
            LabOperation::GoOn(_) => Some("Enter go on".to_string()),
            LabOperation::Nothing(_) => None,
        };
        let state = self.lab_training().map(|training| &training.state);
        let trains = matches!(state, Some(RunState::Running | RunState::Queued));
        let is_active = state.is_some_and(RunState::is_active);
        let page = match self.lab.page {
            LabPage::Study => ["+ - change", "i edit", "a add arm", "c copy", "u undo", "S sweep", "f fork"].as_slice(),
            LabPage::Chart => ["v into the chart", "g alone", "o other runs", "m points"].as_slice(),
            LabPage::Sweep => ["↑ ↓ ← → cells", "B takes the best"].as_slice(),
            LabPage::Compare => ["↑ ↓ choose", "← → another arm", "o other runs"].as_slice(),
        };
        let next = format!("Tab {}", self.lab.page.next(true, self.shows_sweep()).title().to_lowercase());
        enter
            .into_iter()
            .chain(trains.then(|| "z pause".into()))
            .chain(is_active.then(|| "s stop".into()))
            .chain([next])
            .chain(page.iter().map(|hint| (*hint).to_string()))
            .chain(self.is_lab_run_finished().then(|| "n new weights".into()))
            .chain(["Esc back".to_string()])
            .collect()
    }

    pub(super) fn run_lab(&mut self) -> Vec<Effect> {
        match self.lab_operation() {
            LabOperation::Start(study) => self.ask_or_start_lab(study),
            LabOperation::GoOn(run) => self.resume_run(run),
            LabOperation::Nothing(why) => {
                self.message = Some(why.into_owned());
                Vec::new()
            }
        }
    }

    /// Starts the study once more, whatever was run of it.
    pub(super) fn run_lab_again(&mut self) -> Vec<Effect> {
        match (self.lab.table.study(), self.lab_operation()) {
            (Err(why), _) => self.message = Some(why.to_owned()),
            (Ok(_), LabOperation::Nothing(why)) if !self.is_lab_run_finished() => self.message = Some(why.into_owned()),
            (Ok(study), _) => {
                let study = study.clone();
                return self.ask_or_start_lab(study);
            }
        }
        Vec::new()
    }

    fn is_lab_run_finished(&self) -> bool {
        self.lab_training().is_some_and(|training| training.state == RunState::Finished)
    }

    /// Starts the study from as many seeds as it has, behind every one that it was run with.
    pub(super) fn run_lab_with_new_seeds(&mut self) -> Vec<Effect> {
        let study = match self.lab.table.study() {
            Ok(study) => study.clone(),
            Err(why) => {
                self.message = Some(why.to_owned());
                return Vec::new();
            }
        };
        if matches!(self.lab.starting, Some(Ok(_))) {
            self.message = Some("it is starting".into());
            return Vec::new();
        }
        let is_same = |spec: &Study| Study { seeds: study.seeds.clone(), ..spec.clone() } == study;
        let listed = self.runs.iter().map(|summary| &summary.spec);
        let known = listed.chain(self.training_runs.values().map(|training| &training.spec));
        let used = known.filter(|spec| is_same(spec)).flat_map(|spec| spec.seeds.iter().copied());
        let last = used.chain(study.seeds.iter().copied()).max().unwrap_or(0);
        let seeds = (1..=study.seeds.len() as u64).map(|more| last.saturating_add(more)).collect();
        let study = Study { seeds, ..study };
        if let Err(why) = study.check() {
            self.message = Some(why.to_string());
            return Vec::new();
        }
        self.lab.table.set_study(&study);
        if let Some(seeds) = seeds_text(&study) {
            self.message = Some(format!("from new initial weights: seeds {seeds}"));
        }
        self.ask_or_start_lab(study)
    }

    fn ask_or_start_lab(&mut self, study: Study) -> Vec<Effect> {
        self.ask_or_start(Work::Lab(study))
    }

    pub(super) fn ask_or_start(&mut self, work: Work) -> Vec<Effect> {
        if self.is_long(&work) {
            self.modals.push(Modal::Confirm(work));
            return Vec::new();
        }
        self.start(work)
    }

    pub(crate) fn start_lab(&mut self, study: Study) -> Vec<Effect> {
        self.lab.starting = Some(Ok(study.clone()));
        if !self.lab_layout().is_beside() {
            self.lab.page = LabPage::Chart;
        }
        vec![Effect::Request(Tag::Lab, RequestBody::Train { spec: study, name: None })]
    }

    /// The kernel has begun the run.
    pub(crate) fn lab_started(&mut self, run: RunId) -> Vec<Effect> {
        self.lab.starting = None;
        // The parent of the fork that was shown before goes with it.
        if let Some(fork) = self.lab_training().and_then(|training| training.fork) {
            self.lab.overlaid.retain(|shown| *shown != fork.parent);
        }
        // Runs that were chosen to be seen together stay, the first among them.
        if let Some(shown) = self.lab.run.filter(|shown| *shown != run && !self.lab.overlaid.is_empty())
            && self.lab.overlaid.len() + 1 < MOST_SHOWN
        {
            self.lab.overlaid.insert(0, shown);
        }
        self.lab.run = Some(run);
        self.lab.sweep_cursor = SweepCursor::default();
        self.fit_lab_chart();
        self.keep_forked_run(run);
        // The list says whether it is a sweep.
        let mut effects = vec![Effect::Query(StoreQuery::Run(run)), Effect::Query(StoreQuery::Runs)];
        effects.extend(self.save_lab());
        effects
    }

    pub(super) fn pause_lab(&mut self) -> Vec<Effect> {
        match self.lab_training().map(|training| (training.run, &training.state)) {
            Some((_, RunState::Paused)) => self.message = Some("it is paused; Enter continues it".into()),
            Some((run, state)) if state.is_active() => {
                self.message = Some(if *state == RunState::Queued {
                    format!("run {run} no longer waits for a core; Enter continues it")
                } else {
                    format!("run {run} pauses after the batch that it trains")
                });
                return vec![Effect::Request(Tag::Run(run), RequestBody::Pause { run })];
            }
            _ => self.message = Some("nothing trains here".into()),
        }
        Vec::new()
    }

    pub(super) fn stop_lab(&mut self) -> Vec<Effect> {
        match self.lab_training() {
            Some(training) if training.state.is_active() => {
                let run = training.run;
                vec![Effect::Request(Tag::Run(run), RequestBody::Stop { run })]
            }
            _ => {
                self.message = Some("nothing trains here".into());
                Vec::new()
            }
        }
    }
}
