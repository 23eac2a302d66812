//! Keys of the list of runs, of one run's chart, and of the lines in which a run is named or exported.

use super::text_input::{LONGEST_RUN_LINE, edit_up_to};
use super::{Modal, RunLine, RunLinePurpose, RunsList};
use crate::{Action, App, Effect, Pane, StoreQuery, Tag, TrainingRun, keys};
use crossterm::event::{KeyCode, KeyEvent};
use protocol::{RequestBody, RunId, RunState};

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
            edit_up_to(LONGEST_RUN_LINE, &mut line.text, code);
            line.error = None;
            self.modals.push(Modal::RunLine(line));
            return Vec::new();
        }
        let (run, text) = (line.run, line.text.trim().to_string());
        match line.purpose {
            RunLinePurpose::Name => {
                let name = Some(text).filter(|name| !name.is_empty());
                vec![Effect::Request(Tag::Run(run), RequestBody::Rename { run, name })]
            }
            RunLinePurpose::Export if !EXPORTS.iter().any(|end| text.ends_with(end)) => {
                line.error = Some(format!("what should it hold? end it in {}", EXPORTS.join(", ")));
                self.modals.push(Modal::RunLine(line));
                Vec::new()
            }
            RunLinePurpose::Export => vec![Effect::Export { run, path: text }],
        }
    }

    /// Handles the keys that act on the selected run.
    fn run_action(&mut self, run: RunId, code: KeyCode) {
        let summary = self.runs.iter().find(|summary| summary.run == run);
        let line = |purpose, text| Modal::RunLine(RunLine { run, purpose, text, error: None });
        match code {
            KeyCode::Char('n') => {
                let name = summary.and_then(|summary| summary.name.clone()).unwrap_or_default();
                self.modals.push(line(RunLinePurpose::Name, name));
            }
            KeyCode::Char('x') => self.modals.push(line(RunLinePurpose::Export, format!("run-{run}.csv"))),
            KeyCode::Char('d') if summary.is_some_and(|summary| summary.state.is_active()) => {
                self.message = Some(format!("run {run} is not at rest; Enter opens it, s stops it there"));
            }
            KeyCode::Char('d') => self.modals.push(Modal::DeleteRun(run)),
            _ => {}
        }
    }

    pub(super) fn runs_key(&mut self, mut list: RunsList, code: KeyCode, key: KeyEvent) -> Vec<Effect> {
        let mut effects = Vec::new();
        let last = (self.runs.len() + self.unreadable_runs.len()).saturating_sub(1);
        match keys::action(key) {
            Some(Action::Down) => list.selected = (list.selected + 1).min(last),
            Some(Action::Up) => list.selected = list.selected.saturating_sub(1),
            Some(Action::Top) => list.selected = 0,
            Some(Action::Bottom) => list.selected = last,
            Some(Action::Quit) => return Vec::new(),
            _ => {}
        }
        list.selected = list.selected.min(last);
        self.modals.push(Modal::Runs(list.clone()));
        if let Some(run) = self.runs.get(list.selected).map(|summary| summary.run) {
            self.run_action(run, code);
        }
        if code == KeyCode::Char('y')
            && let Some(run) = self.runs.get(list.selected).map(|summary| summary.run)
        {
            return self.copy_run(run);
        }
        if code == KeyCode::Enter
            && let Some(summary) = self.runs.get(list.selected)
        {
            self.modals.push(Modal::Run(summary.run));
            effects.push(Effect::Query(StoreQuery::Run(summary.run)));
        }
        effects
    }
}
