//! The one place where the notebook's state changes.

use crate::keys;
use crate::{
    Action, App, Background, BackgroundSource, CommandLine, Effect, Event, Modal, Opening, QuitChoice, Read, RunsList,
    Search, Tag,
};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};
use lesson::{Answer, CellBody};
use protocol::{self, CellKey, RequestBody, RunId, RunState};

/// Lines that a turn of the wheel scrolls.
const WHEEL: isize = 3;

/// What a key hears on a screen too small for the notebook.
const TOO_SMALL: &str = "No key but q works here. What runs goes on.";

/// What a drag of the mouse hears, which selects text in a terminal that keeps the mouse for itself.
const SELECTING: &str = "Hold Shift while you drag to select text.";

/// Takes an event in; returns what the shell must do.
pub fn update(app: &mut App, event: Event) -> Vec<Effect> {
    let by_hand = match &event {
        Event::Key(_) | Event::Paste(_) => true,
        Event::Mouse(mouse) => mouse.kind != MouseEventKind::Moved,
        _ => false,
    };
    let mut effects = take(app, event);
    if by_hand && app.opening == Opening::Awaited {
        app.opening = Opening::Done;
    }
    app.withdraw_quit_question();
    effects.extend(app.keep_unfolded());
    // Only what the reader does shows a plot: when the notebook is opened, the store may have it already.
    if by_hand && !app.quit && !app.screen.is_too_small() {
        effects.extend(app.fill_plots());
    }
    effects.retain(|effect| !matches!(effect, Effect::Read(what) if !app.readings.begin(*what)));
    // A pane has opened for what is being measured, or closed, or has other figures; or a block has unfolded.
    if !app.screen.is_too_small() && (app.panes() != app.view.panes || app.folds() != app.view.folds) {
        app.lay_out();
        // A race that was just started takes more rows than its offer did.
        if let Some(cell) = app.view.focus.filter(|_| by_hand)
            && app.focused().is_some_and(|cell| matches!(cell.body, CellBody::Train(_)))
        {
            app.view.show_cell(cell);
        }
    }
    effects
}

fn take(app: &mut App, event: Event) -> Vec<Effect> {
    match event {
        // Nothing of the lesson is on the screen: what a key or a click would do there is not what the reader sees.
        Event::Key(key) if app.screen.is_too_small() => app.key_beneath(key),
        Event::Mouse(_) | Event::Paste(_) if app.screen.is_too_small() => Vec::new(),
        Event::Opened { where_left } => app.opened(where_left),
        Event::Key(key) if key.kind != KeyEventKind::Release => app.key(key),
        Event::Key(_) => Vec::new(),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::ScrollDown => app.wheel(KeyCode::Down),
            MouseEventKind::ScrollUp => app.wheel(KeyCode::Up),
            MouseEventKind::Down(_) => app.click(mouse.column, mouse.row),
            MouseEventKind::Drag(MouseButton::Left) => {
                app.message = Some(SELECTING.into());
                Vec::new()
            }
            _ => Vec::new(),
        },
        Event::Paste(text) => app.pasted(&text),
        Event::Resize(columns, rows) => {
            app.resize(columns, rows);
            if !app.screen.is_too_small() {
                app.message.take_if(|message| message == TOO_SMALL);
            }
            Vec::new()
        }
        Event::Background(background) => {
            if app.background_source == BackgroundSource::Guessed {
                app.background = background;
            }
            Vec::new()
        }
        Event::Link(link) => app.linked(link),
        Event::Reply(tag, reply) => app.replied(tag, reply),
        Event::Unanswered(tag, why) => app.unanswered(tag, why),
        Event::Kernel(protocol::Event::Run(event)) => app.run_event(&event),
        Event::Kernel(protocol::Event::Cell(event)) => app.cell_event(event),
        Event::Unreadable(line) => app.unreadable(&line),
        Event::History(run, events) => app.history(run, &events),
        Event::NoSuchRun(run) => app.no_such_run(run),
        Event::Unread(what, why) => app.unread(what, why),
        Event::Runs(runs) => app.listed(runs),
        Event::UnreadableRuns(runs) => {
            app.unreadable_runs = runs;
            Vec::new()
        }
        Event::Recalled(entries) => app.recalled(entries),
        Event::Outcomes(outcomes) => {
            let mut outcomes = app.library.renames().outcomes(outcomes);
            outcomes.sort_by_key(|kept| kept.finished);
            for kept in outcomes {
                app.timings.note_experiment(&kept.spec, kept.outcome.seconds);
                let view = app.experiments.entry(kept.cell).or_default();
                (view.spec, view.outcome, view.finished) = (Some(kept.spec), Some(kept.outcome), Some(kept.finished));
            }
            app.judge_again();
            Vec::new()
        }
        Event::RaceFindings(findings) => {
            app.race_findings = findings;
            app.judge_again();
            app.readings.end(Read::RaceFindings).1
        }
        Event::RunTimings(runs) => {
            app.timings.runs = runs;
            Vec::new()
        }
        Event::LessonFile { file, lesson } => app.reload(&file, lesson),
        Event::Highlighted { lesson, code } => {
            app.highlighted(&lesson, code);
            Vec::new()
        }
        Event::Notice(text) => {
            app.notice(text);
            Vec::new()
        }
        Event::Trouble(why) => {
            app.trouble = why;
            app.change_banner();
            Vec::new()
        }
        Event::Silent(told) => {
            app.silent = told;
            app.change_banner();
            Vec::new()
        }
        Event::OtherVersion(sentence) => {
            app.modals.retain(|modal| !matches!(modal, Modal::OtherVersion(_)));
            app.modals.push(Modal::OtherVersion(sentence));
            Vec::new()
        }
        Event::Leave => {
            app.quit = true;
            app.remember_place()
        }
    }
}

impl App {
    fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        self.message = None;
        self.view.arrived = None;
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            self.quit = true;
            return self.remember_place();
        }
        // What has to work whatever lies on top.
        if let Some(action @ (Action::Suspend | Action::Redraw)) = keys::action(key) {
            return self.act(action);
        }
        if let Some(modal) = self.modals.pop() {
            return self.modal_key(modal, key);
        }
        keys::action(key).map_or_else(Vec::new, |action| self.act(action))
    }

    /// On a screen too small for the lesson: the keys that leave it. What runs goes on.
    fn key_beneath(&mut self, key: KeyEvent) -> Vec<Effect> {
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        match keys::action(key) {
            Some(Action::Quit | Action::QuitSafely) => {
                self.quit = true;
                self.remember_place()
            }
            Some(action @ (Action::Suspend | Action::Redraw)) => self.act(action),
            _ => {
                self.message = Some(TOO_SMALL.into());
                Vec::new()
            }
        }
    }

    pub(crate) fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Down => return self.scroll(1),
            Action::Up => return self.scroll(-1),
            Action::PageDown => return self.scroll(self.view.page_down()),
            Action::PageUp => return self.scroll(-self.view.page_up()),
            Action::Top => {
                // Tab goes to the first cell from here, even where that one is on the screen.
                self.view.focus = None;
                return self.scroll(isize::MIN / 2);
            }
            Action::Bottom => return self.scroll(isize::MAX / 2),
            Action::Contents => self.modals.push(Modal::Contents(self.lesson)),
            Action::Welcome => return self.open_welcome(),
            Action::Faults if self.lesson_faults.is_empty() => {
                self.message = Some("nothing to mend; `relu open FILE.md` shows a lesson while you write it".into());
            }
            Action::Faults => self.modals.push(Modal::Faults { top: 0 }),
            Action::NextCell | Action::PreviousCell => {
                let forward = action == Action::NextCell;
                if !self.view.step_cell(forward) {
                    self.message =
                        Some(format!("no cell {} in this lesson", if forward { "follows" } else { "stands above" }));
                }
                return self.remember_place();
            }
            Action::NextLink | Action::PreviousLink => {
                if !self.view.step_link(action == Action::NextLink) {
                    let way = if action == Action::NextLink { "below" } else { "above" };
                    self.message = Some(format!("no more links {way}"));
                }
                return self.remember_place();
            }
            Action::Outline => self.open_outline(),
            Action::Activate
            | Action::Unfold
            | Action::Verdicts
            | Action::Pause
            | Action::Stop
            | Action::Settings
            | Action::Effort
            | Action::Values
            | Action::NextPage
            | Action::PreviousPage
            | Action::Undo
            | Action::Left
            | Action::Right
            | Action::NextLesson
            | Action::PreviousLesson
            | Action::Choose(_) => return self.operate(action),
            Action::Marks => self.show_marks(None),
            Action::OtherRun => return self.show_other_run(),
            Action::Runs => {
                self.modals.push(Modal::Runs(RunsList::default()));
                return vec![Effect::Read(Read::Runs)];
            }
            Action::Command => self.modals.push(Modal::Command(CommandLine::default())),
            Action::Search => self.modals.push(Modal::Search(Search::default())),
            Action::Help => self.modals.push(Modal::Help { top: 0 }),
            Action::Back => return self.go_back(),
            Action::Quit => return self.ask_to_quit(),
            Action::QuitSafely => self.quit = true,
            Action::Suspend => return vec![Effect::Suspend],
            Action::Redraw => return vec![Effect::Redraw],
            Action::Theme => {
                self.background = self.background.opposite();
                self.background_source = BackgroundSource::Chosen;
                let page = if self.background == Background::Light { "light" } else { "dark" };
                self.message = Some(format!("colours for a {page} background; RELU_THEME={page} keeps them"));
            }
        }
        Vec::new()
    }

    /// The wheel moves through what lies on top, as the arrows do.
    fn wheel(&mut self, way: KeyCode) -> Vec<Effect> {
        match self.modals.pop() {
            Some(modal) => self.modal_key(modal, way.into()),
            None => self.scroll(if way == KeyCode::Down { WHEEL } else { -WHEEL }),
        }
    }

    /// The settings that a race of the open lesson has, or would start with.
    pub(crate) fn spec_of(&self, key: &CellKey) -> Option<protocol::Study> {
        let cell = self.document().cell(&key.cell).filter(|_| key.lesson == self.document().meta.id)?;
        let CellBody::Train(train) = &cell.body else { return None };
        Some(self.race_of(key).map_or_else(|| train.spec(), |race| race.spec.clone()))
    }

    pub(crate) fn start_race(&mut self, key: CellKey, spec: protocol::Study) -> Vec<Effect> {
        self.starting.insert(key.clone(), Ok(spec.clone()));
        vec![Effect::Request(Tag::Race(key), RequestBody::Train { spec, name: None })]
    }

    /// Goes on with a halted run, once: until the kernel has answered, a second wish would be refused.
    pub(crate) fn go_on(&mut self, run: RunId) -> Vec<Effect> {
        let Some(race) = self.races.get_mut(&run).filter(|race| !race.resuming) else { return Vec::new() };
        race.resuming = true;
        let body = match race.state {
            RunState::Paused => RequestBody::Continue { run },
            _ => RequestBody::Resume { run },
        };
        vec![Effect::Request(Tag::Run(run), body)]
    }

    /// Takes back the last that was put in order.
    pub(crate) fn take_back(&mut self, key: &CellKey) -> Vec<Effect> {
        let Some(Answer::Order(mut order)) = self.answers.get(key).map(|record| record.answer.clone()) else {
            return Vec::new();
        };
        order.pop();
        if order.is_empty() { self.forget_answer(key) } else { self.keep_answer(key.clone(), Answer::Order(order)) }
    }

    /// What was asked about has come to its end meanwhile, or its kernel has: an answer would mean nothing any more.
    fn withdraw_quit_question(&mut self) {
        let asked = matches!(self.modals.last(), Some(Modal::Quit(_)));
        if asked && self.running().is_empty() {
            self.modals.pop();
            self.message.get_or_insert_with(|| "no race runs any more; q quits".into());
        }
    }

    fn ask_to_quit(&mut self) -> Vec<Effect> {
        if self.running().iter().any(|race| race.state != RunState::Paused) {
            self.modals.push(Modal::Quit(QuitChoice::default()));
            return Vec::new();
        }
        self.quit = true;
        self.remember_place()
    }
}
