//! A train cell: the run that it shows, its other run, and its published points.

use crate::{App, AxisReach, Effect, PublishedPoints, Tag, TrainingRun, published_beside};
use lesson::{CellBody, PublishedCurve, PublishedPoint, TrainCell};
use protocol::{CellKey, RequestBody, RunId, RunState, Study};

impl App {
    /// The study that a train cell of the open lesson has trained, or would train.
    pub(crate) fn study_of(&self, key: &CellKey) -> Option<protocol::Study> {
        let cell = self.document().cell(&key.cell).filter(|_| key.lesson == self.document().meta.id)?;
        let CellBody::Train(train) = &cell.body else { return None };
        Some(self.training_of(key).map_or_else(|| train.spec(), |training| training.spec.clone()))
    }

    pub(crate) fn start_training(&mut self, key: CellKey, spec: protocol::Study) -> Vec<Effect> {
        self.starting.insert(key.clone(), Ok(spec.clone()));
        vec![Effect::Request(Tag::Training(key), RequestBody::Train { spec, name: None })]
    }

    /// Continues or resumes a run. A second request is not sent before the kernel has answered, as it would be refused.
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

    /// The study that the lesson gives to a train cell, whatever was trained in it.
    pub fn lesson_study(&self, key: &CellKey) -> Option<Study> {
        let lesson = self.library.lessons.get(self.library.find(&key.lesson)?)?;
        match &lesson.cell(&key.cell)?.body {
            CellBody::Train(train) => Some(train.spec()),
            _ => None,
        }
    }

    /// The settings in which a run differs from the lesson's; empty for the lesson's own run.
    pub fn changed_settings(&self, key: &CellKey, run: RunId) -> Vec<String> {
        let spec = self.training_runs.get(&run).map(|training| &training.spec);
        spec.zip(self.lesson_study(key)).map(|(spec, lesson)| spec.other_than(&lesson)).unwrap_or_default()
    }

    /// The run that decides the predictions about a train cell. It has the lesson's settings with any seeds. The run
    /// that the cell shows comes before the other one.
    pub fn deciding_training(&self, key: &CellKey) -> Option<&TrainingRun> {
        let runs = [self.cell_runs.get(key), self.other_runs.get(key)];
        runs.into_iter()
            .flatten()
            .filter_map(|run| self.training_runs.get(run))
            .find(|training| self.has_lesson_settings(key, training))
    }

    /// Whether a run has the settings of the lesson's cell, with any seeds.
    pub(crate) fn has_lesson_settings(&self, key: &CellKey, training: &TrainingRun) -> bool {
        self.lesson_study(key).is_some_and(|lesson| {
            let seeds = lesson.seeds.clone();
            Study { seeds, ..training.spec.clone() }.other_than(&lesson).is_empty()
        })
    }

    /// The run of a train cell that is not shown.
    pub fn other_run(&self, key: &CellKey) -> Option<RunId> {
        self.other_runs.get(key).copied().filter(|other| self.cell_runs.get(key) != Some(other))
    }

    /// Shows a run that has just started. It replaces the last run of its kind, one with the reader's settings or one
    /// with the lesson's; the run of the other kind becomes the cell's other run.
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

    /// Shows the other of a train cell's two runs.
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

    /// What was published beside a cell's race.
    pub fn published_points<'a>(&self, cell: &'a TrainCell) -> PublishedPoints<'a> {
        PublishedPoints { points: &cell.marks, curves: &cell.curves, study: cell.spec(), reach: self.axis_reach }
    }

    /// What was published of the network and images of a run that is shown outside of a cell.
    pub fn published_points_of_run(&self, study: &Study) -> PublishedPoints<'_> {
        published_beside(&self.library, study, self.axis_reach)
    }

    /// Lists the published points of a chart and toggles whether its axes reach all of them.
    pub(crate) fn show_marks(&mut self, run: Option<RunId>) {
        let in_view = || match &self.focused()?.body {
            CellBody::Train(train) => Some((train.marks.as_slice(), train.curves.as_slice())),
            _ => None,
        };
        let of_run = run.and_then(|run| self.training_runs.get(&run));
        let (points, curves) = match of_run {
            Some(training) => {
                let published = self.published_points_of_run(&training.spec);
                (published.points, published.curves)
            }
            None if run.is_some() => <(&[PublishedPoint], &[PublishedCurve])>::default(),
            None => in_view().unwrap_or_default(),
        };
        if points.is_empty() && curves.is_empty() {
            self.message = Some("there are no published points here; m lists those of a race".into());
            return;
        }
        let label = |mark: &PublishedPoint| {
            let arm = mark.arm.map_or(String::new(), |arm| format!(" ({})", arm.title()));
            format!("{:.2} % at epoch {}{arm}", mark.error, mark.epoch)
        };
        let mut sources = points.iter().map(|mark| &mark.source).chain(curves.iter().map(|curve| &curve.source));
        let source = sources.next().cloned().unwrap_or_default();
        let curves = curves.iter().map(|curve| format!("the curve “{}”", curve.label));
        let listed: Vec<String> = points.iter().map(label).chain(curves).collect();
        let (reach, next) = match self.axis_reach {
            AxisReach::Study => (AxisReach::AllPoints, "m: the study's own axes"),
            AxisReach::AllPoints => (AxisReach::Study, "m: axes that reach them"),
        };
        self.axis_reach = reach;
        self.message = Some(format!("{source}: {} · {next}", listed.join(", ")));
    }
}
