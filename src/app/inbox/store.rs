//! Answers of the store: the list of runs, their histories, outcomes, and the reader's progress.

use super::kernel::interrupt;
use crate::event::{Effect, StoreQuery};
use crate::lesson::answers::answer_key;
use crate::lesson::position::{RestoreState, SavedPosition};
use crate::{App, RunsRead};
use lesson::{Library, StoredAnswer};
use protocol::{CellKey, CellRecord, RunEvent, RunId, RunSummary, SettingsText, format_count};
use serde_json::Value;

impl App {
    /// Loads a run's history, and applies the events that came while it was read.
    pub(crate) fn load_history(&mut self, run: RunId, events: &[RunEvent]) -> Vec<Effect> {
        let (newer_events, effects) = self.pending_queries.finish(StoreQuery::Run(run));
        if newer_events.iter().any(|event| matches!(event, RunEvent::Deleted { .. })) {
            return effects;
        }
        // What a fork was forked from is told before it starts.
        for event in events.iter().chain(&newer_events) {
            self.add_run(event);
        }
        for event in events.iter().chain(&newer_events) {
            if let Some(training) = self.training_runs.get_mut(&run) {
                training.apply(event);
            }
        }
        if let Some(training) = self.training_runs.get_mut(&run) {
            training.notice = self.notices.remove(&run).or(training.notice.take());
            if self.kernel_gone {
                interrupt(&mut training.state);
            }
        }
        effects
    }

    /// Forgets a run that has been deleted. A cell that still refers to it offers a new run.
    pub(crate) fn drop_missing_run(&mut self, run: RunId) -> Vec<Effect> {
        let (_, effects) = self.pending_queries.finish(StoreQuery::Run(run));
        if self.remove_run(run) {
            self.message = Some(format!("there is no run {run} any more; r lists the runs"));
        }
        effects
    }

    pub(crate) fn query_failed(&mut self, what: StoreQuery, why: String) -> Vec<Effect> {
        let (_, mut effects) = self.pending_queries.finish(what);
        match what {
            StoreQuery::Run(_) => self.add_notice(why),
            StoreQuery::Progress => effects.extend(self.restore_lesson(None)),
            StoreQuery::Runs => self.runs_fault = Some(why),
            // Whoever writes to the store reports that it can't be read.
            StoreQuery::RunFindings | StoreQuery::WrongImages { .. } | StoreQuery::RunSize(_) => {}
            StoreQuery::KeptEpochs { run, lane } => {
                self.set_unreadable_epochs(run, lane);
                self.add_notice(why);
            }
        }
        effects
    }

    /// The first page of the list, while all runs are read.
    pub(crate) fn load_newest_runs(&mut self, mut runs: Vec<RunSummary>) {
        if self.kernel_gone {
            for run in &mut runs {
                interrupt(&mut run.state);
            }
        }
        if self.runs.is_empty() {
            (self.runs, self.runs_read) = (self.without_deleted(runs), RunsRead::Newest);
        }
    }

    pub(crate) fn replace_runs(&mut self, mut runs: Vec<RunSummary>) -> Vec<Effect> {
        let (newer_events, effects) = self.pending_queries.finish(StoreQuery::Runs);
        if self.kernel_gone {
            for run in &mut runs {
                interrupt(&mut run.state);
            }
        }
        for summary in &runs {
            if let Some(training) = self.training_runs.get_mut(&summary.run) {
                training.state = summary.state.clone();
            }
        }
        for event in &newer_events {
            if let Some(training) = self.training_runs.get_mut(&event.run()) {
                training.apply(event);
            }
        }
        (self.runs, self.runs_read, self.runs_fault) = (self.without_deleted(runs), RunsRead::All, None);
        // They may have grown.
        self.run_sizes.clear();
        effects
    }

    pub(crate) fn load_settings_texts(&mut self, texts: Vec<(RunId, SettingsText)>) -> Vec<Effect> {
        self.settings_texts.extend(texts);
        Vec::new()
    }

    pub(crate) fn load_run_size(&mut self, run: RunId, bytes: u64) -> Vec<Effect> {
        self.run_sizes.insert(run, bytes);
        self.pending_queries.finish(StoreQuery::RunSize(run)).1
    }

    pub(crate) fn load_progress(&mut self, entries: Vec<(String, Value)>) -> Vec<Effect> {
        let (_, mut effects) = self.pending_queries.finish(StoreQuery::Progress);
        let renames = self.library.renames();
        let entries = renames.entries(entries);
        let (mut last_lesson, mut reader, mut lost) = (None, None, Vec::new());
        let welcome = self.library.numbered(0).map(|at| self.library.lessons[at].meta.id.clone());
        let is_open = self.restore == RestoreState::Done && self.document().number == Some(0);
        let was_opened = is_open || welcome.iter().any(|id| self.saved_positions.contains_key(id));
        self.is_newcomer = !was_opened && !entries.iter().any(|(key, _)| key.starts_with("place/"));
        for (key, value) in entries {
            let parts: Vec<&str> = key.split('/').collect();
            match parts.as_slice() {
                ["place", lesson] => {
                    if let Some(kept) = SavedPosition::read(&value) {
                        self.saved_positions.entry((*lesson).into()).or_insert(kept);
                    }
                    if let Some(read) = value["read"].as_u64() {
                        self.read.entry((*lesson).into()).or_insert(read.min(100) as u8);
                    }
                }
                [kind @ ("cell-run" | "cell-other-run"), lesson, cell] => {
                    if let Some(run) = value.as_i64().map(RunId) {
                        let key = CellKey { lesson: (*lesson).into(), cell: (*cell).into() };
                        let runs = if *kind == "cell-run" { &mut self.cell_runs } else { &mut self.other_runs };
                        runs.entry(key).or_insert(run);
                        if !self.training_runs.contains_key(&run) {
                            effects.push(Effect::Query(StoreQuery::Run(run)));
                        }
                    }
                }
                ["answer", lesson, cell] => {
                    let key = CellKey { lesson: (*lesson).into(), cell: (*cell).into() };
                    match StoredAnswer::read(lesson, cell, &value) {
                        StoredAnswer::Current(record) => {
                            self.answers.entry(key).or_insert(record);
                        }
                        StoredAnswer::Converted(record) => {
                            let value = serde_json::to_value(&record).unwrap_or_default();
                            effects.push(Effect::remember(answer_key(&key), value));
                            self.answers.entry(key).or_insert(record);
                        }
                        // The lesson may be open in a later notebook.
                        StoredAnswer::Lost if self.cell_of(&key).is_none() => {}
                        StoredAnswer::Lost => {
                            effects.push(Effect::remember(answer_key(&key), Value::Null));
                            lost.push((*lesson).to_owned());
                        }
                    }
                }
                ["unfolded", lesson, cell] => {
                    let key = CellKey { lesson: (*lesson).into(), cell: (*cell).into() };
                    self.load_unfolded(key, &value);
                }
                ["digits"] | ["digit", _] => effects.extend(self.load_own_digits(&key, &value)),
                ["lab"] => effects.extend(self.load_lab(None, value)),
                ["lab", lesson, cell] => {
                    let key = CellKey { lesson: (*lesson).into(), cell: (*cell).into() };
                    effects.extend(self.load_lab(Some(key), value));
                }
                ["reader"] => reader = value.as_u64(),
                ["last-lesson"] => {
                    last_lesson = value.as_str().map(|id| renames.lesson(id).unwrap_or(id).to_owned());
                }
                _ => {}
            }
        }
        match reader {
            Some(reader) => self.reader = reader,
            None => effects.push(Effect::remember("reader".into(), self.reader.into())),
        }
        if !lost.is_empty() {
            self.add_notice(lost_answers(&lost, &self.library));
        }
        self.lay_out_banner();
        // The saved position depends on the height of train cells, which is known only now.
        self.lay_out();
        effects.extend(self.restore_lesson(last_lesson.as_deref()));
        effects
    }

    /// Loads the outcomes of cells. If a cell has several, the latest is kept.
    pub(crate) fn load_outcomes(&mut self, outcomes: Vec<CellRecord>) {
        let mut outcomes = self.library.renames().outcomes(outcomes);
        outcomes.sort_by_key(|record| record.finished);
        for record in outcomes {
            self.timings.record_experiment(&record.spec, record.outcome.seconds);
            let view = self.experiments.entry(record.cell).or_default();
            (view.spec, view.outcome) = (Some(record.spec), Some(record.outcome));
            view.finished = Some(record.finished);
        }
        self.lay_out_claims();
    }
}

/// What the reader is told of answers that fit their questions no more. There is an entry for each answer: its lesson.
fn lost_answers(lessons: &[String], library: &Library) -> String {
    let name = |id: &String| match library.find(id).and_then(|at| library.lessons[at].number) {
        Some(number) => number.to_string(),
        None => id.clone(),
    };
    let mut names: Vec<String> = lessons.iter().map(name).collect();
    names.dedup();
    let place = if names.len() == 1 { "lesson" } else { "lessons" };
    let (verb, questions) =
        if lessons.len() == 1 { ("was", "its question has") } else { ("were", "their questions have") };
    let answers = format_count(lessons.len(), "answer");
    let names = names.join(", ");
    format!("{answers} of an earlier version in {place} {names} {verb} removed, as {questions} changed since")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_had_to_go_are_counted_with_their_lessons() {
        let library = Library::english();
        let notice =
            |lessons: &[&str]| lost_answers(&lessons.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>(), &library);
        let first = library.lessons[library.numbered(0).unwrap()].meta.id.clone();
        assert_eq!(
            notice(&[&first]),
            "1 answer of an earlier version in lesson 0 was removed, as its question has changed since"
        );
        assert_eq!(
            notice(&[&first, "own", "own"]),
            "3 answers of an earlier version in lessons 0, own were removed, as their questions have changed since"
        );
    }
}
