//! What the kernel and the store tell the notebook.

use crate::modal::line_keys::{answer_key, remember};
use crate::{App, Effect, Kept, Link, Modal, Opening, Pane, Race, Read, Running};
use lesson::StoredAnswer;
use protocol::{CellEvent, CellKey, RunEvent, RunId, RunState, RunSummary, Subject, Unreadable, counted};
use serde_json::Value;
use std::collections::BTreeSet;

impl App {
    pub(crate) fn linked(&mut self, link: Link) -> Vec<Effect> {
        let was_on = self.link == Link::On;
        self.link = link;
        match self.link {
            // Whatever was missed stands in the store.
            Link::On => {
                // That there was no kernel is no longer so.
                (self.message, self.kernel_gone) = (None, false);
                let runs: BTreeSet<RunId> =
                    self.cell_runs.values().chain(self.other_runs.values()).chain(self.races.keys()).copied().collect();
                let wishes = [Read::Runs, Read::RaceFindings, Read::Progress].into_iter();
                wishes.chain(runs.into_iter().map(Read::Run)).map(Effect::Read).collect()
            }
            Link::Off if was_on => {
                self.kernel_gone = true;
                self.races.values_mut().for_each(|race| race.resuming = false);
                // An experiment has no checkpoint; what it measured before stays.
                for view in self.experiments.values_mut().filter(|view| view.running.is_some()) {
                    view.running = None;
                    view.error = Some("the kernel has gone; Enter runs it again".into());
                }
                if self.running().is_empty() {
                    return Vec::new();
                }
                self.races.values_mut().for_each(|race| interrupt(&mut race.state));
                self.message =
                    Some("the kernel has gone; Enter on the race resumes it from its last checkpoint".into());
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// One line of the kernel can't be read: said once for each kind, and what the store has of it is read instead.
    pub(crate) fn unreadable(&mut self, line: &Unreadable) -> Vec<Effect> {
        let word = line.to_string();
        if !self.unreadable.contains(&word) {
            self.unreadable.push(word.clone());
            self.notice(word);
        }
        match &line.subject {
            _ if line.is_progress() => Vec::new(),
            Some(Subject::Run(run)) => vec![Effect::Read(Read::Run(*run))],
            Some(Subject::Cell(cell)) => {
                if line.ends_cell()
                    && let Some(view) = self.experiments.get_mut(cell)
                {
                    view.running = None;
                    view.error = Some("how it ended can't be read; Enter measures again".into());
                }
                vec![Effect::Read(Read::Progress)]
            }
            None => Vec::new(),
        }
    }

    pub(crate) fn run_event(&mut self, event: &RunEvent) -> Vec<Effect> {
        let run = event.run();
        self.readings.keep(event);
        if let RunEvent::Deleted { .. } = event {
            if self.forget_run(run) {
                self.message = Some(format!("run {run} was deleted"));
            }
        } else {
            self.know_run(event);
            if let Some(race) = self.races.get_mut(&run) {
                race.resuming = false;
                race.apply(event);
            } else {
                if let RunEvent::Notice { text, .. } = event {
                    match text {
                        Some(text) => self.notices.insert(run, text.clone()),
                        None => self.notices.remove(&run),
                    };
                }
                // A run that another notebook started.
                return vec![Effect::Read(Read::Run(run))];
            }
        }
        let mut effects = Vec::new();
        if matches!(event, RunEvent::Finished { .. } | RunEvent::Deleted { .. }) {
            effects.push(Effect::Read(Read::RaceFindings));
        }
        if matches!(self.modals.last(), Some(Modal::Runs(_))) && !matches!(event, RunEvent::Progress { .. }) {
            effects.push(Effect::Read(Read::Runs));
        }
        effects
    }

    fn know_run(&mut self, event: &RunEvent) {
        if let RunEvent::Started { run, spec } = event {
            self.races.entry(*run).or_insert_with(|| Race::new(*run, spec.clone()));
        }
    }

    /// A run that is no more; says whether the reader was looking at it.
    fn forget_run(&mut self, run: RunId) -> bool {
        self.races.remove(&run);
        self.notices.remove(&run);
        self.other_runs.retain(|_, kept| *kept != run);
        self.cell_runs.retain(|_, shown| *shown != run);
        let before = self.modals.len();
        let shows = |modal: &Modal| match modal {
            Modal::Run(shown) => *shown == run,
            Modal::Values(pane) => *pane == Pane::Run(run),
            _ => false,
        };
        self.modals.retain(|modal| !shows(modal));
        self.modals.len() < before
    }

    /// A run as the store has it, and behind it what the kernel told while it was read.
    pub(crate) fn history(&mut self, run: RunId, events: &[RunEvent]) -> Vec<Effect> {
        let (told, effects) = self.readings.end(Read::Run(run));
        if told.iter().any(|event| matches!(event, RunEvent::Deleted { .. })) {
            return effects;
        }
        for event in events.iter().chain(&told) {
            self.know_run(event);
            if let Some(race) = self.races.get_mut(&run) {
                race.apply(event);
            }
        }
        if let Some(race) = self.races.get_mut(&run) {
            race.notice = self.notices.remove(&run).or(race.notice.take());
            if self.kernel_gone {
                interrupt(&mut race.state);
            }
        }
        effects
    }

    /// A cell may still have the number of a run that was deleted since: it offers a new one without a word.
    pub(crate) fn no_such_run(&mut self, run: RunId) -> Vec<Effect> {
        let (_, effects) = self.readings.end(Read::Run(run));
        if self.forget_run(run) {
            self.message = Some(format!("there is no run {run} any more; r lists the runs"));
        }
        effects
    }

    pub(crate) fn unread(&mut self, what: Read, why: String) -> Vec<Effect> {
        let (_, mut effects) = self.readings.end(what);
        match what {
            Read::Run(_) => self.notice(why),
            Read::Progress => effects.extend(self.come_back(None)),
            Read::Runs => self.runs_fault = Some(why),
            // A store that can't be read is told of by whoever would write it.
            Read::RaceFindings => {}
        }
        effects
    }

    pub(crate) fn listed(&mut self, mut runs: Vec<RunSummary>) -> Vec<Effect> {
        let (told, effects) = self.readings.end(Read::Runs);
        if self.kernel_gone {
            for run in &mut runs {
                interrupt(&mut run.state);
            }
        }
        for summary in &runs {
            if let Some(race) = self.races.get_mut(&summary.run) {
                race.state = summary.state.clone();
            }
        }
        for event in &told {
            if let Some(race) = self.races.get_mut(&event.run()) {
                race.apply(event);
            }
        }
        (self.runs, self.runs_fault) = (runs, None);
        effects
    }

    /// Several notices stand together until a key is pressed.
    pub(crate) fn notice(&mut self, text: String) {
        match &mut self.message {
            Some(message) if message.lines().any(|line| line == text) => {}
            Some(message) => *message = format!("{message}\n{text}"),
            None => self.message = Some(text),
        }
    }

    pub(crate) fn cell_event(&mut self, event: CellEvent) -> Vec<Effect> {
        match event {
            CellEvent::Started { cell, spec } => {
                let view = self.experiments.entry(cell).or_default();
                view.partial_spec = Some(spec.clone());
                view.running = Some(Running::starting(spec));
                (view.partial, view.error) = (None, None);
            }
            CellEvent::Progress { cell, done, doing, seconds, partial } => {
                let view = self.experiments.entry(cell).or_default();
                let spec = view.running.take().and_then(|running| running.spec);
                view.partial_spec = spec.clone().or(view.partial_spec.take());
                view.running = Some(Running { done, doing, seconds, spec });
                view.partial = partial.or(view.partial.take());
                view.error = None;
            }
            CellEvent::Finished { cell, outcome } => {
                let view = self.experiments.entry(cell.clone()).or_default();
                // The store knows the settings of one that began before this notebook listened.
                let Some(spec) = view.running.take().and_then(|running| running.spec) else {
                    return vec![Effect::Read(Read::Progress)];
                };
                self.timings.note_experiment(&spec, outcome.seconds);
                view.spec = Some(spec);
                (view.partial, view.outcome, view.error) = (None, Some(outcome), None);
                // The store knows the day; here there is no clock.
                view.finished = None;
                self.judge_again();
                let mut effects = self.steer_on(cell);
                // What is being read may not have it yet, and would put the last outcome in its place.
                if self.readings.is_under_way(Read::Progress) {
                    effects.push(Effect::Read(Read::Progress));
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

    pub(crate) fn recalled(&mut self, entries: Vec<(String, Value)>) -> Vec<Effect> {
        let (_, mut effects) = self.readings.end(Read::Progress);
        let renames = self.library.renames();
        let entries = renames.entries(entries);
        let (mut last_lesson, mut reader, mut lost) = (None, None, 0);
        let welcome = self.library.numbered(0).map(|at| self.library.lessons[at].meta.id.clone());
        let is_welcome = |key: &str| welcome.as_deref().is_some_and(|id| key.strip_prefix("place/") == Some(id));
        let is_open = self.opening == Opening::Done && self.document().number == Some(0);
        let was_opened = is_open || welcome.iter().any(|id| self.places.contains_key(id));
        self.is_newcomer = !was_opened && !entries.iter().any(|(key, _)| is_welcome(key));
        for (key, value) in entries {
            let parts: Vec<&str> = key.split('/').collect();
            match parts.as_slice() {
                ["place", lesson] => {
                    if let Some(kept) = Kept::read(&value) {
                        self.places.entry((*lesson).into()).or_insert(kept);
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
                        if !self.races.contains_key(&run) {
                            effects.push(Effect::Read(Read::Run(run)));
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
                            effects.push(remember(answer_key(&key), value));
                            self.answers.entry(key).or_insert(record);
                        }
                        // A lesson that is not open now may come back with its cell.
                        StoredAnswer::Lost if self.cell_of(&key).is_none() => {}
                        StoredAnswer::Lost => {
                            effects.push(remember(answer_key(&key), Value::Null));
                            lost += 1;
                        }
                    }
                }
                ["unfolded", lesson, cell] => {
                    let key = CellKey { lesson: (*lesson).into(), cell: (*cell).into() };
                    self.recall_unfolded(key, &value);
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
            None => effects.push(remember("reader".into(), self.reader.into())),
        }
        if lost > 0 {
            let answers = counted(lost, "answer");
            self.notice(format!(
                "{answers} from an earlier version can't be told any more and had to go: their questions have changed"
            ));
        }
        self.change_banner();
        // Races whose runs are known now have their whole height before a place is found again.
        self.lay_out();
        effects.extend(self.come_back(last_lesson.as_deref()));
        effects
    }
}

/// No run is active without a kernel.
fn interrupt(state: &mut RunState) {
    if state.is_active() {
        *state = RunState::Interrupted;
    }
}
