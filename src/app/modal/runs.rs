//! Keys of one run's chart, and of the lines in which runs are named, tagged, annotated and exported.

use super::text_input::{LONGEST_RUN_LINE, edit_up_to};
use super::{Modal, RunLine, RunLinePurpose};
use crate::{Action, App, Effect, Pane, Tag, TrainingRun, keys};
use crossterm::event::{KeyCode, KeyEvent};
use protocol::{LONGEST_NOTES, RequestBody, RunId, RunState, RunTag};

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
                self.message = Some("it is training; z pauses it, s stops it".into());
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
            edit_up_to(line.longest(), &mut line.text, code);
            line.error = None;
            self.modals.push(Modal::RunLine(line));
            return Vec::new();
        }
        match self.run_line_effects(&line) {
            Ok(effects) => effects,
            Err(why) => {
                line.error = Some(why);
                self.modals.push(Modal::RunLine(line));
                Vec::new()
            }
        }
    }

    /// What a line asks for, or what is wrong with it.
    fn run_line_effects(&self, line: &RunLine) -> Result<Vec<Effect>, String> {
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
                let tags = RunTag::parse_list(text)?;
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
                Ok(line.runs.iter().map(|run| Effect::Export { run: *run, path: text.into() }).collect())
            }
        }
    }
}

impl RunLine {
    /// The longest text, in bytes.
    pub(crate) fn longest(&self) -> usize {
        match self.purpose {
            RunLinePurpose::Name | RunLinePurpose::Tags(_) | RunLinePurpose::Export => LONGEST_RUN_LINE,
            RunLinePurpose::Notes => LONGEST_NOTES,
        }
    }
}
