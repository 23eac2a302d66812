//! Keys that go to what lies over the lesson.

use super::line_keys::edit;
use super::{Action, App, Effect, Modal, Pane, QuitChoice, Read, RunsList, Search, Tag, keys};
use crate::lesson::{Found, Hit};
use crate::protocol::{RequestBody, RunState};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key as what lies on top takes it: Ctrl-U empties a line of text, as it does in a shell; no other letter with Ctrl
/// or Alt is text.
fn unchorded(key: KeyEvent) -> Option<KeyEvent> {
    match key.code {
        KeyCode::Char('u') if key.modifiers == KeyModifiers::CONTROL => Some(KeyCode::Delete.into()),
        KeyCode::Char(_) if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => None,
        _ => Some(key),
    }
}

/// The first line shown of a text that is only read; any key that does not scroll closes it.
fn scrolled(key: KeyEvent, top: usize) -> Option<usize> {
    match keys::action(key)? {
        Action::Down => Some(top + 1),
        Action::Up => Some(top.saturating_sub(1)),
        Action::PageDown | Action::Space => Some(top + 10),
        Action::PageUp => Some(top.saturating_sub(10)),
        _ => None,
    }
}

impl App {
    pub(super) fn modal_key(&mut self, modal: Modal, key: KeyEvent) -> Vec<Effect> {
        let Some(key) = unchorded(key) else {
            self.modals.push(modal);
            return Vec::new();
        };
        // Every arm puts the modal back unless it closes.
        match (modal, key.code) {
            (Modal::Settings(cell, settings), KeyCode::Esc) => {
                self.keep_draft(cell, *settings);
                Vec::new()
            }
            (_, KeyCode::Esc) | (Modal::Reset, KeyCode::Char('q')) => Vec::new(),
            (Modal::Help { top }, _) => {
                let last = keys::shown().count().saturating_sub(self.screen.help_rows());
                self.modals.extend(scrolled(key, top).map(|top| Modal::Help { top: top.min(last) }));
                Vec::new()
            }
            (Modal::Settings(cell, mut settings), code) => {
                match code {
                    KeyCode::Enter => {
                        if let Ok(spec) = &settings.spec {
                            if !self.race_of(&cell).is_some_and(|race| race.state.is_active()) {
                                let spec = spec.clone();
                                self.drafts.remove(&cell);
                                return self.start_race(cell, spec);
                            }
                            self.message = Some(
                                "a race runs here; these settings are kept for the next: Esc, s stops this one".into(),
                            );
                        }
                    }
                    KeyCode::Down | KeyCode::Tab => settings.step(1),
                    KeyCode::Up | KeyCode::BackTab => settings.step(-1),
                    KeyCode::Backspace => settings.erase(),
                    KeyCode::Delete => settings.clear(),
                    KeyCode::Char(c) => settings.insert(c),
                    _ => {}
                }
                self.modals.push(Modal::Settings(cell, settings));
                Vec::new()
            }
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
            (Modal::Run(run), code) => {
                let state = self.races.get(&run).map(|race| race.state.clone());
                let effect = |body| vec![Effect::Request(Tag::Run(run), body)];
                self.modals.push(Modal::Run(run));
                match (code, state) {
                    (KeyCode::Char('q'), _) => {
                        self.modals.pop();
                        Vec::new()
                    }
                    (KeyCode::Char('v'), _) => {
                        self.read_values(Some(Pane::Run(run)));
                        Vec::new()
                    }
                    (KeyCode::Char(' '), Some(RunState::Running | RunState::Queued)) => {
                        effect(RequestBody::Pause { run })
                    }
                    (KeyCode::Char(' '), Some(RunState::Paused)) => self.go_on(run),
                    (KeyCode::Char('s'), Some(state)) if state.is_active() => effect(RequestBody::Stop { run }),
                    (KeyCode::Enter, Some(state)) if state.can_resume() => self.go_on(run),
                    _ => Vec::new(),
                }
            }
            (Modal::Search(search), code) => self.search_key(search, code),
            (Modal::Outline(outline), code) => self.outline_key(outline, code),
            (Modal::Contents(at), code) => self.contents_key(at, code, key),
            (Modal::Command(line), code) => self.command_key(line, code),
            (Modal::OtherVersion(_), KeyCode::Enter) => vec![Effect::RestartKernel],
            (modal @ Modal::OtherVersion(_), _) => {
                self.modals.push(modal);
                Vec::new()
            }
            (Modal::Values(cursor), _) => self.values_key(cursor, key),
            (Modal::Steer(cell), _) => self.steer_key(cell, key),
            (Modal::Guess(guess), code) => self.guess_key(guess, code),
            (Modal::Faults { top }, _) => {
                let last = self.last_fault_line();
                self.modals.extend(scrolled(key, top).map(|top| Modal::Faults { top: top.min(last) }));
                Vec::new()
            }
            (Modal::Reset, KeyCode::Enter) => self.reset_lesson(),
            (Modal::Reset, _) => {
                self.modals.push(Modal::Reset);
                Vec::new()
            }
        }
    }

    pub(super) fn quit_with(&mut self, choice: QuitChoice) -> Vec<Effect> {
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

    pub(super) fn runs_key(&mut self, mut list: RunsList, code: KeyCode, key: KeyEvent) -> Vec<Effect> {
        let mut effects = Vec::new();
        let last = (self.runs.len() + self.unreadable_runs.len()).saturating_sub(1);
        match keys::action(key) {
            Some(Action::Down) => list.selected = (list.selected + 1).min(last),
            Some(Action::Up) => list.selected = list.selected.saturating_sub(1),
            Some(Action::Top) => list.selected = 0,
            Some(Action::Bottom) => list.selected = last,
            Some(Action::Quit | Action::Runs) => return Vec::new(),
            _ => {}
        }
        self.modals.push(Modal::Runs(list.clone()));
        if code == KeyCode::Enter
            && let Some(summary) = self.runs.get(list.selected)
        {
            self.modals.push(Modal::Run(summary.run));
            effects.push(Effect::Read(Read::Run(summary.run)));
        }
        effects
    }

    pub(super) fn search_key(&mut self, mut search: Search, code: KeyCode) -> Vec<Effect> {
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
                    search.hits = self.library.search(&search.query);
                    search.selected = 0;
                }
            }
        }
        self.modals.push(Modal::Search(search));
        Vec::new()
    }

    /// Goes where a search found its words; Esc comes back.
    pub(super) fn open_hit(&mut self, hit: &Hit) -> Vec<Effect> {
        self.leave_trail();
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
