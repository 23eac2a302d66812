//! Keys that go to what lies over the lesson.

use crate::keys;
use crate::modal::line_keys::{LONGEST_RUN_LINE, edit, edit_up_to};
use crate::{
    Action, App, Effect, Modal, Pane, QuitChoice, Read, RunLine, RunLinePurpose, RunsList, Search, Settings, Tag, Work,
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use lesson::{Found, Hit};
use protocol::{CellKey, RequestBody, RunId, RunState};

/// A key as what lies on top takes it: Ctrl-U empties a line of text, as it does in a shell; Ctrl-R brings back what a
/// form began with; no other letter with Ctrl or Alt is text.
fn unchorded(key: KeyEvent) -> Option<KeyEvent> {
    match key.code {
        KeyCode::Char('u') if key.modifiers == KeyModifiers::CONTROL => Some(KeyCode::Delete.into()),
        KeyCode::Char('r') if key.modifiers == KeyModifiers::CONTROL => Some(RESET.into()),
        KeyCode::Char(_) if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => None,
        _ => Some(key),
    }
}

/// Brings a form back to what the lesson gives.
const RESET: KeyCode = KeyCode::F(5);

/// The first line shown of a text that is only read; any key that does not scroll closes it.
fn scrolled(key: KeyEvent, top: usize) -> Option<usize> {
    match keys::action(key)? {
        Action::Down => Some(top + 1),
        Action::Up => Some(top.saturating_sub(1)),
        Action::PageDown => Some(top + 10),
        Action::PageUp => Some(top.saturating_sub(10)),
        _ => None,
    }
}

/// How the name of an exported file may end.
const EXPORTS: [&str; 4] = [".csv", ".json", ".svg", ".png"];

impl Modal {
    /// Whether it is only looked at: it takes no text, and asks no question that a letter answers.
    fn is_browsed(&self) -> bool {
        match self {
            Self::Help { .. }
            | Self::Runs(_)
            | Self::Run(_)
            | Self::Contents(_)
            | Self::Values(_)
            | Self::Steer(_)
            | Self::Faults { .. } => true,
            Self::Settings(..)
            | Self::Quit(_)
            | Self::Search(_)
            | Self::Outline(_)
            | Self::Command(_)
            | Self::OtherVersion(_)
            | Self::Guess(_)
            | Self::Confidence(_)
            | Self::Reset
            | Self::Confirm(_)
            | Self::RunLine(_)
            | Self::DeleteRun(_) => false,
        }
    }
}

impl App {
    pub(crate) fn modal_key(&mut self, modal: Modal, key: KeyEvent) -> Vec<Effect> {
        let Some(key) = unchorded(key) else {
            self.modals.push(modal);
            return Vec::new();
        };
        // The command line and the search open over whatever takes no text and asks no question: their letters would be
        // taken for keys of what lies there.
        if let Some(action @ (Action::Command | Action::Search)) = keys::action(key)
            && modal.is_browsed()
        {
            self.modals.push(modal);
            return self.act(action);
        }
        // Every arm puts the modal back unless it closes.
        match (modal, key.code) {
            (Modal::Settings(cell, settings), KeyCode::Esc) => {
                self.keep_draft(cell, *settings);
                Vec::new()
            }
            (_, KeyCode::Esc) | (Modal::Reset | Modal::Confirm(_) | Modal::DeleteRun(_), KeyCode::Char('q')) => {
                Vec::new()
            }
            (Modal::Help { top }, _) => {
                let last = keys::shown().count().saturating_sub(self.screen.help_rows());
                self.modals.extend(scrolled(key, top).map(|top| Modal::Help { top: top.min(last) }));
                Vec::new()
            }
            (Modal::Settings(cell, settings), code) => self.settings_key(cell, settings, code),
            (Modal::Quit(choice), code) => match code {
                KeyCode::Enter => self.quit_with(choice),
                KeyCode::Char('q') => self.quit_with(QuitChoice::KeepRunning),
                _ => {
                    let step = match keys::action(key) {
                        Some(Action::Down) => 1,
                        Some(Action::Up) => -1,
                        _ => 0,
                    };
                    self.modals.push(Modal::Quit(choice.step(step)));
                    Vec::new()
                }
            },
            (Modal::Runs(list), code) => self.runs_key(list, code, key),
            (Modal::Run(run), code) => self.run_key(run, code),
            (Modal::Search(search), code) => self.search_key(search, code),
            (Modal::Outline(outline), code) => self.outline_key(outline, code),
            (Modal::Contents(at), code) => self.contents_key(at, code, key),
            (Modal::Command(line), code) => self.command_key(line, code),
            (Modal::OtherVersion(_), KeyCode::Enter) => vec![Effect::RestartKernel],
            (Modal::Values(pane), _) => self.values_key(pane, key),
            (Modal::Steer(cell), _) => self.steer_key(cell, key),
            (Modal::Guess(guess), code) => self.guess_key(guess, code),
            (Modal::Confidence(entry), code) => self.confidence_key(entry, code, key),
            (Modal::Faults { top }, _) => {
                let last = self.last_fault_line();
                self.modals.extend(scrolled(key, top).map(|top| Modal::Faults { top: top.min(last) }));
                Vec::new()
            }
            (Modal::Confirm(work), code) => self.confirm_key(work, code),
            (Modal::RunLine(line), code) => self.run_line_key(line, code),
            (Modal::DeleteRun(run), KeyCode::Char('y')) => {
                vec![Effect::Request(Tag::Run(run), RequestBody::Delete { run })]
            }
            (modal @ (Modal::OtherVersion(_) | Modal::DeleteRun(_)), _) => {
                self.modals.push(modal);
                Vec::new()
            }
            (Modal::Reset, KeyCode::Enter) => self.reset_lesson(),
            (Modal::Reset, _) => {
                self.modals.push(Modal::Reset);
                Vec::new()
            }
        }
    }

    fn settings_key(&mut self, cell: CellKey, mut settings: Box<Settings>, code: KeyCode) -> Vec<Effect> {
        match code {
            KeyCode::Enter => {
                if let Ok(spec) = &settings.spec {
                    if !self.race_of(&cell).is_some_and(|race| race.state.is_active()) {
                        let spec = spec.clone();
                        self.drafts.remove(&cell);
                        return self.start_race(cell, spec);
                    }
                    self.message =
                        Some("a race runs here; these settings are kept for the next: Esc, s stops this one".into());
                }
            }
            KeyCode::Down | KeyCode::Tab => settings.select(1),
            KeyCode::Up | KeyCode::BackTab => settings.select(-1),
            KeyCode::Right => settings.step(true),
            KeyCode::Left => settings.step(false),
            KeyCode::Backspace => settings.erase(),
            KeyCode::Delete => settings.clear(),
            RESET => self.lesson_spec(&cell).iter().for_each(|spec| settings.reset(spec)),
            KeyCode::Char(c) => settings.insert(c),
            _ => {}
        }
        self.modals.push(Modal::Settings(cell, settings));
        Vec::new()
    }

    /// Keys of one run's chart, opened from the list.
    fn run_key(&mut self, run: RunId, code: KeyCode) -> Vec<Effect> {
        let state = self.races.get(&run).map(|race| race.state.clone());
        let effect = |body| vec![Effect::Request(Tag::Run(run), body)];
        self.modals.push(Modal::Run(run));
        match (code, state) {
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
            (KeyCode::Char('z'), Some(RunState::Running | RunState::Queued)) => effect(RequestBody::Pause { run }),
            (KeyCode::Char('z'), Some(RunState::Paused)) => {
                self.message = Some("it is paused; Enter continues it".into());
                Vec::new()
            }
            (KeyCode::Char('s'), Some(state)) if state.is_active() => effect(RequestBody::Stop { run }),
            (KeyCode::Enter, Some(state)) if state.can_resume() => self.go_on(run),
            (KeyCode::Enter, Some(state)) if state.is_active() => {
                self.message = Some("it is training; z pauses it, s stops it".into());
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    pub(crate) fn quit_with(&mut self, choice: QuitChoice) -> Vec<Effect> {
        self.quit = true;
        let mut effects = self.remember_place();
        for run in self.running().iter().map(|race| race.run) {
            let body = match choice {
                QuitChoice::KeepRunning => continue,
                QuitChoice::Pause => RequestBody::Pause { run },
                QuitChoice::Stop => RequestBody::Stop { run },
            };
            effects.push(Effect::RequestIfOn(Tag::Run(run), body));
        }
        effects
    }

    /// The question before what takes long. Enter asked it, so another key answers: a press too many starts nothing.
    fn confirm_key(&mut self, work: Work, code: KeyCode) -> Vec<Effect> {
        match (code, &work) {
            (KeyCode::Char('y'), Work::Race(cell, _))
                if self.race_of(cell).is_some_and(|race| race.state.is_active()) =>
            {
                self.message = Some("a race runs here by now".into());
                Vec::new()
            }
            (KeyCode::Char('y'), _) => self.start(work),
            (KeyCode::Char('o'), Work::Race(cell, spec)) => {
                self.open_settings(cell.clone(), spec);
                Vec::new()
            }
            (KeyCode::Char('e'), Work::Experiment(cell, spec)) if spec.has_full() => {
                self.choose_effort(cell.clone(), spec.effort.other());
                Vec::new()
            }
            _ => {
                self.message = Some("y starts it, Esc leaves it".into());
                self.modals.push(Modal::Confirm(work));
                Vec::new()
            }
        }
    }

    fn run_line_key(&mut self, mut line: RunLine, code: KeyCode) -> Vec<Effect> {
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

    /// The keys that do something with the chosen run.
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

    pub(crate) fn runs_key(&mut self, mut list: RunsList, code: KeyCode, key: KeyEvent) -> Vec<Effect> {
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
        if code == KeyCode::Enter
            && let Some(summary) = self.runs.get(list.selected)
        {
            self.modals.push(Modal::Run(summary.run));
            effects.push(Effect::Read(Read::Run(summary.run)));
        }
        effects
    }

    pub(crate) fn search_key(&mut self, mut search: Search, code: KeyCode) -> Vec<Effect> {
        match code {
            KeyCode::Enter => {
                if let Some(hit) = search.hits.get(search.selected).cloned() {
                    return self.open_hit(&hit);
                }
            }
            KeyCode::Down | KeyCode::Tab => {
                search.selected = (search.selected + 1).min(search.hits.len().saturating_sub(1));
            }
            KeyCode::Up | KeyCode::BackTab => search.selected = search.selected.saturating_sub(1),
            code => {
                let before = search.query.clone();
                edit(&mut search.query, code);
                if search.query != before {
                    (search.hits, search.selected) = (self.search(&search.query), 0);
                }
            }
        }
        self.modals.push(Modal::Search(search));
        Vec::new()
    }

    /// What a search finds; folded blocks keep their text.
    pub(crate) fn search(&self, query: &str) -> Vec<Hit> {
        self.library.search(query, |document, sealed| self.is_folded(document, sealed))
    }

    /// Goes where a search found its words; Esc comes back.
    pub(crate) fn open_hit(&mut self, hit: &Hit) -> Vec<Effect> {
        self.leave_trail();
        self.modals.clear();
        let mut effects = self.visit(hit.lesson);
        let layout = &self.view.layout;
        let line = match &hit.found {
            Found::Head => Some(0),
            Found::Reference(key) => layout.references.iter().find(|(known, _)| known == key).map(|found| found.1),
            Found::Block(source) => {
                let word = self.glyphs.text(&hit.text[hit.at.clone()]);
                let lines = layout.block_at(*source);
                lines.clone().find(|line| layout.lines[*line].holds(&word)).or(Some(lines.start))
            }
            Found::Cell(cell) => {
                effects.extend(self.arrive_at_cell(*cell));
                return effects;
            }
        };
        effects.extend(line.map_or_else(Vec::new, |line| self.arrive(line)));
        effects
    }
}
