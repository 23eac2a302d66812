//! A race's cell: which run it shows, the one that it keeps behind, and its published points.

use crate::{App, AxisReach, Effect, PredictedNumber, PredictionMark, Tag, TrainingRun};
use lesson::{CellBody, PublishedPoint};
use protocol::{CellKey, MILESTONE, RequestBody, RunId, RunState, Study};
use std::collections::BTreeSet;

impl App {
    /// The settings that a race of the open lesson has, or would start with.
    pub(crate) fn study_of(&self, key: &CellKey) -> Option<protocol::Study> {
        let cell = self.document().cell(&key.cell).filter(|_| key.lesson == self.document().meta.id)?;
        let CellBody::Train(train) = &cell.body else { return None };
        Some(self.training_of(key).map_or_else(|| train.spec(), |training| training.spec.clone()))
    }

    pub(crate) fn start_training(&mut self, key: CellKey, spec: protocol::Study) -> Vec<Effect> {
        self.starting.insert(key.clone(), Ok(spec.clone()));
        vec![Effect::Request(Tag::Training(key), RequestBody::Train { spec, name: None })]
    }

    /// Goes on with a halted run, once: until the kernel has answered, a second wish would be refused.
    pub(crate) fn resume_run(&mut self, run: RunId) -> Vec<Effect> {
        let Some(training) = self.training_runs.get_mut(&run).filter(|training| !training.resuming) else {
            return Vec::new();
        };
        training.resuming = true;
        let body = match training.state {
            RunState::Paused => RequestBody::Continue { run },
            _ => RequestBody::Resume { run },
        };
        vec![Effect::Request(Tag::Run(run), body)]
    }

    /// The settings that the lesson gives a race, whatever was run in it.
    pub fn lesson_study(&self, key: &CellKey) -> Option<Study> {
        let lesson = self.library.lessons.get(self.library.find(&key.lesson)?)?;
        match &lesson.cell(&key.cell)?.body {
            CellBody::Train(train) => Some(train.spec()),
            _ => None,
        }
    }

    /// In what a run's settings are not the lesson's; empty for the lesson's run.
    pub fn changed_settings(&self, key: &CellKey, run: RunId) -> Vec<String> {
        let spec = self.training_runs.get(&run).map(|training| &training.spec);
        spec.zip(self.lesson_study(key)).map(|(spec, lesson)| spec.other_than(&lesson)).unwrap_or_default()
    }

    /// The run that decides what was predicted of a race: it has the lesson's settings, whatever its seeds; the one that
    /// the cell shows before the one behind it.
    pub fn deciding_training(&self, key: &CellKey) -> Option<&TrainingRun> {
        let runs = [self.cell_runs.get(key), self.other_runs.get(key)];
        runs.into_iter()
            .flatten()
            .filter_map(|run| self.training_runs.get(run))
            .find(|training| self.has_lesson_settings(key, training))
    }

    /// Whether a run has the settings of a lesson's cell, whatever its seeds.
    fn has_lesson_settings(&self, key: &CellKey, training: &TrainingRun) -> bool {
        self.lesson_study(key).is_some_and(|lesson| {
            let seeds = lesson.seeds.clone();
            Study { seeds, ..training.spec.clone() }.other_than(&lesson).is_empty()
        })
    }

    /// What the reader predicted of this run, where that has a place on its chart: an error stands at the last epoch, the
    /// epochs to the threshold at its height, and so does a ratio once the first arm has come down to it.
    pub fn prediction_marks(&self, key: &CellKey, training: &TrainingRun) -> Vec<PredictionMark> {
        if !self.has_lesson_settings(key, training) {
            return Vec::new();
        }
        let last = f64::from(training.spec.epochs);
        let mark = |number: PredictedNumber| {
            let (low, high) = number.range;
            match number.finding.strip_prefix("race.")?.split_once('.') {
                Some(("error" | "best", _)) => {
                    Some(PredictionMark { x: (last, last), y: (low, high), text: number.label("\u{a0}%") })
                }
                Some(("epochs", _)) => {
                    Some(PredictionMark { x: (low, high), y: (MILESTONE, MILESTONE), text: number.label(" epochs") })
                }
                None if number.finding == "race.ratio" => {
                    let first = format!("race.epochs.{}", training.spec.arm_ids().next()?);
                    let reached = training.findings().into_iter().find(|found| found.key == first)?.value?;
                    let x = (low * reached, high * reached);
                    Some(PredictionMark { x, y: (MILESTONE, MILESTONE), text: number.label(" times") })
                }
                _ => None,
            }
        };
        self.predicted_numbers(key).into_iter().filter_map(mark).collect()
    }

    /// The same for a run that stands alone: its marks are those of the cells that it belongs to.
    pub fn prediction_marks_of_run(&self, training: &TrainingRun) -> Vec<PredictionMark> {
        let runs = self.cell_runs.iter().chain(&self.other_runs);
        let keys: BTreeSet<&CellKey> = runs.filter(|(_, run)| **run == training.run).map(|(key, _)| key).collect();
        keys.into_iter().flat_map(|key| self.prediction_marks(key, training)).collect()
    }

    /// The run that a race's cell keeps behind the one that it shows.
    pub fn other_run(&self, key: &CellKey) -> Option<RunId> {
        self.other_runs.get(key).copied().filter(|other| self.cell_runs.get(key) != Some(other))
    }

    /// Shows a run that was just started. It takes the place of the last of its kind: a run with the reader's settings
    /// that of such a run, and one with the lesson's that of the lesson's.
    pub(crate) fn show_new_run(&mut self, key: &CellKey, run: RunId, spec: Option<&Study>) -> Vec<Effect> {
        let lesson = self.lesson_study(key);
        let is_own = |spec: &Study| lesson.as_ref().is_some_and(|lesson| !spec.other_than(lesson).is_empty());
        if let Some(&shown) = self.cell_runs.get(key) {
            let before = self.training_runs.get(&shown).map(|training| is_own(&training.spec));
            if before != spec.map(is_own) {
                self.other_runs.insert(key.clone(), shown);
            }
        }
        self.cell_runs.insert(key.clone(), run);
        self.remember_runs(key)
    }

    /// x: shows the other of the two runs of a race's cell.
    pub(crate) fn show_other_run(&mut self) -> Vec<Effect> {
        let key = self.focused().filter(|cell| matches!(cell.body, CellBody::Train(_))).map(|cell| self.key_of(cell));
        let Some((key, other)) = key.and_then(|key| Some((key.clone(), self.other_run(&key)?))) else {
            self.message = Some("there is no other run here; o gives a race settings of your own".into());
            return Vec::new();
        };
        if let Some(shown) = self.cell_runs.insert(key.clone(), other) {
            self.other_runs.insert(key.clone(), shown);
        }
        let mut effects = self.remember_runs(&key);
        if !self.training_runs.contains_key(&other) {
            effects.push(Effect::Query(crate::StoreQuery::Run(other)));
        }
        effects
    }

    fn remember_runs(&self, key: &CellKey) -> Vec<Effect> {
        let kept = [("cell-run", &self.cell_runs), ("cell-other-run", &self.other_runs)];
        let remember = |(kind, runs): (&str, &std::collections::HashMap<CellKey, RunId>)| {
            let value = runs.get(key)?.0.into();
            let key = format!("{kind}/{}/{}", key.lesson, key.cell);
            Some(Effect::Request(Tag::Untracked, RequestBody::Remember { key, value }))
        };
        kept.into_iter().filter_map(remember).collect()
    }

    /// m: lets the axes of a race's chart reach its published points, or back, and lists them.
    pub(crate) fn show_marks(&mut self, run: Option<RunId>) {
        let in_view = || match &self.focused()?.body {
            CellBody::Train(train) => Some(train.marks.as_slice()),
            _ => None,
        };
        let points = if run.is_some() { self.published_points_of_run().points } else { in_view().unwrap_or_default() };
        if points.is_empty() {
            self.message = Some("there are no published points here; m lists those of a race".into());
            return;
        }
        let label = |mark: &PublishedPoint| {
            let arm = mark.arm.map_or(String::new(), |arm| format!(" ({})", arm.title()));
            format!("{:.2} % at epoch {}{arm}", mark.error, mark.epoch)
        };
        let source = points.first().map_or(String::new(), |mark| mark.source.clone());
        let listed: Vec<String> = points.iter().map(label).collect();
        let (reach, next) = match self.axis_reach {
            AxisReach::Study => (AxisReach::AllPoints, "m: the study's own axes"),
            AxisReach::AllPoints => (AxisReach::Study, "m: axes that reach them"),
        };
        self.axis_reach = reach;
        self.message = Some(format!("{source}: {} · {next}", listed.join(", ")));
    }
}
