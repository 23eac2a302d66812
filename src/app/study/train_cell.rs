//! A race's cell: which run it shows, the one that it keeps behind, and its published points.

use crate::{App, Effect, OwnMark, OwnNumber, Race, Tag};
use lesson::{CellBody, RaceMark};
use protocol::{CellKey, MILESTONE, RequestBody, RunId, Study};
use std::collections::BTreeSet;

/// How far the axes of a race's chart reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Over what was measured, and the published points that belong to the study.
    #[default]
    Study,
    /// Over every published point as well.
    AllPoints,
}

impl App {
    /// The settings that the lesson gives a race, whatever was run in it.
    pub fn lesson_spec(&self, key: &CellKey) -> Option<Study> {
        let lesson = self.library.lessons.get(self.library.find(&key.lesson)?)?;
        match &lesson.cell(&key.cell)?.body {
            CellBody::Train(train) => Some(train.spec()),
            _ => None,
        }
    }

    /// In what a run's settings are not the lesson's; empty for the lesson's run.
    pub fn own_settings(&self, key: &CellKey, run: RunId) -> Vec<String> {
        let spec = self.races.get(&run).map(|race| &race.spec);
        spec.zip(self.lesson_spec(key)).map(|(spec, lesson)| spec.other_than(&lesson)).unwrap_or_default()
    }

    /// The run that decides what was predicted of a race: it has the lesson's settings, whatever its seeds; the one that
    /// the cell shows before the one behind it.
    pub fn deciding_race(&self, key: &CellKey) -> Option<&Race> {
        let runs = [self.cell_runs.get(key), self.other_runs.get(key)];
        runs.into_iter().flatten().filter_map(|run| self.races.get(run)).find(|race| self.is_as_taught(key, race))
    }

    /// Whether a run has the settings of a lesson's cell, whatever its seeds.
    fn is_as_taught(&self, key: &CellKey, race: &Race) -> bool {
        self.lesson_spec(key).is_some_and(|lesson| {
            let seeds = lesson.seeds.clone();
            Study { seeds, ..race.spec.clone() }.other_than(&lesson).is_empty()
        })
    }

    /// What the reader predicted of this run, where that has a place on its chart: an error stands at the last epoch, the
    /// epochs to the threshold at its height, and so does a ratio once the first arm has come down to it.
    pub fn own_marks(&self, key: &CellKey, race: &Race) -> Vec<OwnMark> {
        if !self.is_as_taught(key, race) {
            return Vec::new();
        }
        let last = f64::from(race.spec.epochs);
        let mark = |number: OwnNumber| {
            let (low, high) = number.range;
            match number.finding.strip_prefix("race.")?.split_once('.') {
                Some(("error" | "best", _)) => {
                    Some(OwnMark { x: (last, last), y: (low, high), text: number.label("\u{a0}%") })
                }
                Some(("epochs", _)) => {
                    Some(OwnMark { x: (low, high), y: (MILESTONE, MILESTONE), text: number.label(" epochs") })
                }
                None if number.finding == "race.ratio" => {
                    let first = format!("race.epochs.{}", race.spec.arm_ids().next()?);
                    let reached = race.findings().into_iter().find(|found| found.key == first)?.value?;
                    let x = (low * reached, high * reached);
                    Some(OwnMark { x, y: (MILESTONE, MILESTONE), text: number.label(" times") })
                }
                _ => None,
            }
        };
        self.own_numbers(key).into_iter().filter_map(mark).collect()
    }

    /// The same for a run that stands alone: its marks are those of the cells that it belongs to.
    pub fn own_marks_of_run(&self, race: &Race) -> Vec<OwnMark> {
        let runs = self.cell_runs.iter().chain(&self.other_runs);
        let keys: BTreeSet<&CellKey> = runs.filter(|(_, run)| **run == race.run).map(|(key, _)| key).collect();
        keys.into_iter().flat_map(|key| self.own_marks(key, race)).collect()
    }

    /// The run that a race's cell keeps behind the one that it shows.
    pub fn other_run(&self, key: &CellKey) -> Option<RunId> {
        self.other_runs.get(key).copied().filter(|other| self.cell_runs.get(key) != Some(other))
    }

    /// Shows a run that was just started. It takes the place of the last of its kind: a run with the reader's settings
    /// that of such a run, and one with the lesson's that of the lesson's.
    pub(crate) fn show_new_run(&mut self, key: &CellKey, run: RunId, spec: Option<&Study>) -> Vec<Effect> {
        let lesson = self.lesson_spec(key);
        let is_own = |spec: &Study| lesson.as_ref().is_some_and(|lesson| !spec.other_than(lesson).is_empty());
        if let Some(&shown) = self.cell_runs.get(key) {
            let before = self.races.get(&shown).map(|race| is_own(&race.spec));
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
        if !self.races.contains_key(&other) {
            effects.push(Effect::Read(crate::Read::Run(other)));
        }
        effects
    }

    fn remember_runs(&self, key: &CellKey) -> Vec<Effect> {
        let kept = [("cell-run", &self.cell_runs), ("cell-other-run", &self.other_runs)];
        let remember = |(kind, runs): (&str, &std::collections::HashMap<CellKey, RunId>)| {
            let value = runs.get(key)?.0.into();
            let key = format!("{kind}/{}/{}", key.lesson, key.cell);
            Some(Effect::Request(Tag::Plain, RequestBody::Remember { key, value }))
        };
        kept.into_iter().filter_map(remember).collect()
    }

    /// m: lets the axes of a race's chart reach its published points, or back, and lists them.
    pub(crate) fn show_marks(&mut self, run: Option<RunId>) {
        let in_view = || match &self.focused()?.body {
            CellBody::Train(train) => Some(train.marks.as_slice()),
            _ => None,
        };
        let points = if run.is_some() { self.references_of_run().marks } else { in_view().unwrap_or_default() };
        if points.is_empty() {
            self.message = Some("there are no published points here; m lists those of a race".into());
            return;
        }
        let told = |mark: &RaceMark| {
            let arm = mark.arm.map_or(String::new(), |arm| format!(" ({})", arm.title()));
            format!("{:.2} % at epoch {}{arm}", mark.error, mark.epoch)
        };
        let source = points.first().map_or(String::new(), |mark| mark.source.clone());
        let listed: Vec<String> = points.iter().map(told).collect();
        let (reach, next) = match self.reach {
            Reach::Study => (Reach::AllPoints, "m: the study's own axes"),
            Reach::AllPoints => (Reach::Study, "m: axes that reach them"),
        };
        self.reach = reach;
        self.message = Some(format!("{source}: {} · {next}", listed.join(", ")));
    }
}
