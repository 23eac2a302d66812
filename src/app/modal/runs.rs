//! Keys of one run's chart, and of the lines in which runs are named, tagged, annotated and exported.

use super::text_input::{LONGEST_RUN_LINE, edit_up_to, one_line};
use super::{Modal, RunLine, RunLinePurpose};
use crate::operation::while_active;
use crate::runs::name_runs;
use crate::{Action, App, Effect, Pane, Tag, TrainingRun, keys};
use crossterm::event::{KeyCode, KeyEvent};
use protocol::{LONGEST_NAME, LONGEST_NOTES, RequestBody, RunId, RunState, RunTag};

/// The extensions of files that a run can be exported to.
const EXPORTS: [&str; 5] = [".csv", ".json", ".svg", ".png", ".tfevents"];

impl App {
    /// Keys of one run's chart, opened from the list.
    pub(super) fn run_key(&mut self, run: RunId, key: KeyEvent) -> Vec<Effect> {
        let state = self.training_runs.get(&run).map(|training| training.state.clone());
        let effect = |body| vec![Effect::Request(Tag::Run(run), body)];
        self.modals.push(Modal::Run(run));
        match (key.code, state) {
            (KeyCode::Char('q'), _) => {
                self.modals.pop();
                Vec::new()
            }
            (KeyCode::Char('v') | KeyCode::Left | KeyCode::Right, _) => {
                self.read_values(Some(Pane::Run(run)));
                Vec::new()
            }
            (KeyCode::Char('m'), _) => {
                self.show_marks(Some(run));
                Vec::new()
            }
            (KeyCode::Char('y'), _) => self.copy_chart(&Pane::Run(run)),
            (KeyCode::Char('e'), _) => self.open_run_in_lab(run),
            (KeyCode::Char('i'), _) => self.open_inside(run),
            (KeyCode::Char('z'), Some(RunState::Running | RunState::Queued)) => effect(RequestBody::Pause { run }),
            (KeyCode::Char('z'), Some(RunState::Paused)) => {
                self.message = Some("it is paused; Enter continues it".into());
                Vec::new()
            }
            (KeyCode::Char('s'), Some(state)) if state.is_active() => effect(RequestBody::Stop { run }),
            (KeyCode::Enter, Some(_)) if self.training_runs.get(&run).is_some_and(TrainingRun::can_resume) => {
                self.resume_run(run)
            }
            (KeyCode::Enter, Some(state)) if state.is_active() => {
                self.message = Some(while_active(&state).into());
                Vec::new()
            }
            // Every other key of a chart gives it the keys.
            _ => {
                if keys::action(key) == Some(Action::Help) {
                    let top = self.chart_help();
                    self.modals.push(Modal::Help { top });
                } else if let Some(action) = keys::chart_action(key) {
                    self.read_values(Some(Pane::Run(run)));
                    if matches!(self.modals.last(), Some(Modal::Values(_))) {
                        self.chart_action(&Pane::Run(run), action);
                    }
                }
                Vec::new()
            }
        }
    }

    pub(super) fn run_line_key(&mut self, mut line: RunLine, code: KeyCode) -> Vec<Effect> {
        if code != KeyCode::Enter {
            line.error = None;
            match code {
                KeyCode::Char(c) => line.insert(c.encode_utf8(&mut [0; 4])),
                code => edit_up_to(usize::MAX, &mut line.text, code),
            }
            self.modals.push(Modal::RunLine(line));
            return Vec::new();
        }
        match self.run_line_effects(&line) {
            Ok(effects) => {
                // An export's result comes as a notice.
                self.sent_line = Some(line).filter(|line| line.purpose != RunLinePurpose::Export);
                effects
            }
            Err(why) => {
                line.error = Some(why);
                self.modals.push(Modal::RunLine(line));
                Vec::new()
            }
        }
    }

    /// What a line asks for, or what is wrong with it.
    fn run_line_effects(&self, line: &RunLine) -> Result<Vec<Effect>, String> {
        let gone: Vec<RunId> =
            line.runs.iter().filter(|run| !self.runs.iter().any(|summary| summary.run == **run)).copied().collect();
        if !gone.is_empty() {
            let is_are = if gone.len() == 1 { "is" } else { "are" };
            return Err(format!("{} {is_are} deleted; Esc leaves", name_runs(&gone)));
        }
        let text = line.text.trim();
        let own = || Some(text.to_string()).filter(|text| !text.is_empty());
        let for_each = |body: &dyn Fn(RunId) -> Option<RequestBody>| {
            let requests = line.runs.iter().filter_map(|run| Some(Effect::Request(Tag::Run(*run), body(*run)?)));
            Ok(requests.collect())
        };
        match &line.purpose {
            RunLinePurpose::Name => for_each(&|run| Some(RequestBody::Rename { run, name: own() })),
            RunLinePurpose::Notes => for_each(&|run| Some(RequestBody::Note { run, notes: own() })),
            RunLinePurpose::Tags(before) => {
                let of_runs = self.runs.iter().filter(|summary| line.runs.contains(&summary.run));
                let known: Vec<RunTag> = of_runs.flat_map(|summary| summary.tags.clone()).collect();
                let tags = RunTag::parse_new(text, &known)?;
                let remove: Vec<RunTag> = before.iter().filter(|tag| !tags.contains(tag)).cloned().collect();
                for_each(&|run| {
                    let summary = self.runs.iter().find(|summary| summary.run == run)?;
                    let add: Vec<RunTag> = tags.iter().filter(|tag| !summary.tags.contains(tag)).cloned().collect();
                    let changes = !add.is_empty() || !remove.is_empty();
                    changes.then(|| RequestBody::Tag { run, add, remove: remove.clone() })
                })
            }
            RunLinePurpose::Export if !EXPORTS.iter().any(|end| text.ends_with(end)) => {
                Err(format!("what should it hold? end it in {}", EXPORTS.join(", ")))
            }
            RunLinePurpose::Export => {
                let export =
                    |run: &RunId| Effect::Export { run: *run, path: text.into(), shown: self.shown_metric(*run) };
                Ok(line.runs.iter().map(export).collect())
            }
        }
    }
}

impl App {
    /// Puts the line back whose request was refused or not answered, with the reason; says whether there was one.
    pub(crate) fn reopen_line(&mut self, run: RunId, why: &str) -> bool {
        let Some(line) = self.sent_line.take_if(|line| line.runs.contains(&run)) else { return false };
        if !matches!(self.modals.last(), Some(Modal::RunLine(_))) {
            self.modals.push(Modal::RunLine(RunLine { runs: vec![run], error: Some(why.into()), ..line }));
        }
        true
    }

    /// Forgets a line that was accepted for a run.
    pub(crate) fn forget_line(&mut self, run: RunId) {
        if let Some(line) = &mut self.sent_line {
            line.runs.retain(|other| *other != run);
        }
        self.sent_line.take_if(|line| line.runs.is_empty());
    }
}

impl RunLine {
    /// The longest text, in characters.
    fn longest(&self) -> usize {
        match self.purpose {
            RunLinePurpose::Name => LONGEST_NAME,
            RunLinePurpose::Tags(_) | RunLinePurpose::Export => LONGEST_RUN_LINE,
            RunLinePurpose::Notes => LONGEST_NOTES,
        }
    }

    /// Adds what is typed or pasted. White space of any kind becomes one space; what is too long is left out, and the line
    /// says so.
    pub(crate) fn insert(&mut self, text: &str) {
        let longest = self.longest();
        let count = self.text.chars().count();
        for (count, c) in (count..).zip(one_line(text)) {
            if count >= longest {
                self.error = Some(format!("at most {longest} characters; the rest was left out"));
                return;
            }
            self.text.push(c);
        }
    }
}
