//! The one place where the notebook's state changes.

use super::navigate::Start;
use super::{
    Action, Answer, App, Background, BackgroundSource, CommandLine, Effect, Event, Guessing, Modal, Opening,
    QuitChoice, Read, RunsList,
};
use super::{Search, Tag, keys};
use crate::lesson::{CellBody, Guess, PredictCell};
use crate::protocol::{self, CellKey, RequestBody, RunId, RunState};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEventKind};

/// Lines that a turn of the wheel scrolls.
const WHEEL: isize = 3;

/// Takes an event in; returns what the shell must do.
pub fn update(app: &mut App, event: Event) -> Vec<Effect> {
    let by_hand = match &event {
        Event::Key(_) | Event::Paste(_) => true,
        Event::Mouse(mouse) => mouse.kind != MouseEventKind::Moved,
        _ => false,
    };
    let stood = app.stands();
    let mut effects = take(app, event);
    if by_hand && app.is_newcomer && app.stands() != stood {
        app.is_newcomer = false;
        app.change_banner();
    }
    if by_hand && app.opening == Opening::Awaited {
        app.opening = Opening::Done;
    }
    app.withdraw_quit_question();
    // Only what the reader does shows a plot: when the notebook is opened, the store may have it already.
    if by_hand && !app.quit && !app.screen.is_too_small() {
        effects.extend(app.fill_plots());
    }
    effects.retain(|effect| !matches!(effect, Effect::Read(what) if !app.readings.begin(*what)));
    // A pane has opened for what is being measured, or closed, or has other figures.
    if !app.screen.is_too_small() && app.panes() != app.view.panes {
        app.lay_out();
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
            _ => Vec::new(),
        },
        Event::Paste(text) => app.pasted(&text),
        Event::Resize(columns, rows) => {
            app.resize(columns, rows);
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
        Event::Outcomes(mut outcomes) => {
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
        match keys::action(key) {
            Some(Action::Quit | Action::QuitSafely) if key.kind != KeyEventKind::Release => {
                self.quit = true;
                self.remember_place()
            }
            Some(action @ (Action::Suspend | Action::Redraw)) => self.act(action),
            _ => Vec::new(),
        }
    }

    pub(super) fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Down => return self.scroll(1),
            Action::Up => return self.scroll(-1),
            Action::PageDown => return self.scroll(self.view.page_down()),
            Action::PageUp => return self.scroll(-self.view.page_up()),
            Action::Top => return self.scroll(isize::MIN / 2),
            Action::Bottom => return self.scroll(isize::MAX / 2),
            Action::NextLesson => return self.open_lesson(self.lesson + 1, Start::Kept),
            Action::PreviousLesson => {
                return self.lesson.checked_sub(1).map_or_else(Vec::new, |l| self.open_lesson(l, Start::Kept));
            }
            Action::Contents => self.modals.push(Modal::Contents(self.lesson)),
            Action::Welcome => return self.open_welcome(),
            Action::Faults if self.lesson_faults.is_empty() => {
                self.message = Some("nothing to mend; `relu open FILE.md` shows a lesson while you write it".into());
            }
            Action::Faults => self.modals.push(Modal::Faults { top: 0 }),
            Action::NextCell | Action::PreviousCell => {
                self.view.link = None;
                self.view.step_cell(action == Action::NextCell);
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
            Action::Activate => {
                return match self.view.chosen_target().cloned() {
                    Some(target) => self.follow(&target),
                    None => self.activate(),
                };
            }
            Action::Space => {
                let pausable = self.focused_race().is_some_and(|race| race.state.is_active());
                return if pausable { self.pause_or_continue() } else { self.scroll(self.view.page_down()) };
            }
            Action::StopRun => return self.stop_run(),
            Action::Settings => {
                if let Some((key, spec)) = self.focused_spec() {
                    self.open_settings(key, &spec);
                } else {
                    self.message = Some("settings belong to a race; Tab goes to the next one".into());
                }
            }
            Action::Effort => self.change_effort(),
            Action::Values => self.read_values(None),
            Action::NextPage => self.turn_page(1),
            Action::PreviousPage => self.turn_page(-1),
            Action::Undo => return self.take_back(),
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
            Action::Choose(number) => return self.choose(usize::from(number) - 1),
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

    /// The settings that the focused race has, or would start with.
    fn focused_spec(&self) -> Option<(CellKey, protocol::RunSpec)> {
        let key = self.key_of(self.focused()?);
        let spec = self.spec_of(&key)?;
        Some((key, spec))
    }

    /// The same for any race of the open lesson.
    pub(super) fn spec_of(&self, key: &CellKey) -> Option<protocol::RunSpec> {
        let cell = self.document().cell(&key.cell).filter(|_| key.lesson == self.document().meta.id)?;
        let CellBody::Train(train) = &cell.body else { return None };
        Some(self.race_of(key).map_or_else(|| train.spec(), |race| race.spec.clone()))
    }

    /// Enter: runs or opens the cell in view.
    fn activate(&mut self) -> Vec<Effect> {
        let Some(cell) = self.focused() else {
            self.view.step_cell(true);
            return Vec::new();
        };
        let key = self.key_of(cell);
        match &cell.body {
            CellBody::Train(train) => {
                let spec = train.spec();
                match self.race_of(&key).map(|race| (race.run, race.state.clone(), race.spec.clone())) {
                    _ if matches!(self.starting.get(&key), Some(Ok(()))) => Vec::new(),
                    // What the reader has changed is not passed over.
                    None if self.drafts.contains_key(&key) => {
                        self.open_settings(key, &spec);
                        Vec::new()
                    }
                    None => self.start_race(key, spec),
                    Some((_, RunState::Queued | RunState::Running, _)) => Vec::new(),
                    Some((run, state, _)) if state.can_resume() => self.go_on(run),
                    Some((_, _, spec)) => {
                        self.open_settings(key, &spec);
                        Vec::new()
                    }
                }
            }
            CellBody::Experiment(experiment) => {
                let spec = self.wanted(&key, experiment);
                self.run_or_stop(key, spec)
            }
            CellBody::Claim(claim) => {
                let (lesson, cell) = (claim.lesson.clone(), claim.cell.clone());
                self.follow_to_cell(&lesson, &cell)
            }
            CellBody::Predict(PredictCell { guess: Guess::Number(unit), .. }) => {
                let (unit, text) = (unit.clone(), String::new());
                self.modals.push(Modal::Guess(Guessing { cell: key, unit, text }));
                Vec::new()
            }
            CellBody::Predict(_) | CellBody::Quiz(_) => {
                self.message = Some("press the number of your answer".into());
                Vec::new()
            }
        }
    }

    pub(super) fn start_race(&mut self, key: CellKey, spec: protocol::RunSpec) -> Vec<Effect> {
        self.starting.insert(key.clone(), Ok(()));
        vec![Effect::Request(Tag::Race(key), RequestBody::Train { spec, name: None })]
    }

    fn pause_or_continue(&mut self) -> Vec<Effect> {
        let Some(race) = self.focused_race() else { return Vec::new() };
        let run = race.run;
        match race.state {
            RunState::Queued | RunState::Running => {
                vec![Effect::Request(Tag::Run(run), RequestBody::Pause { run })]
            }
            RunState::Paused => self.go_on(run),
            _ => Vec::new(),
        }
    }

    /// Goes on with a halted run, once: until the kernel has answered, a second wish would be refused.
    pub(super) fn go_on(&mut self, run: RunId) -> Vec<Effect> {
        let Some(race) = self.races.get_mut(&run).filter(|race| !race.resuming) else { return Vec::new() };
        race.resuming = true;
        let body = match race.state {
            RunState::Paused => RequestBody::Continue { run },
            _ => RequestBody::Resume { run },
        };
        vec![Effect::Request(Tag::Run(run), body)]
    }

    fn stop_run(&mut self) -> Vec<Effect> {
        if let Some(race) = self.focused_race().filter(|race| race.state.is_active()) {
            let run = race.run;
            vec![Effect::Request(Tag::Run(run), RequestBody::Stop { run })]
        } else {
            self.message = Some("no race runs here".into());
            Vec::new()
        }
    }

    pub(super) fn choose(&mut self, choice: usize) -> Vec<Effect> {
        let Some(cell) = self.focused() else { return Vec::new() };
        let key = self.key_of(cell);
        let answer = match &cell.body {
            CellBody::Quiz(quiz) if choice < quiz.choices.len() => Answer::Choice(choice),
            CellBody::Predict(predict) => match &predict.guess {
                Guess::Choice(options) if choice < options.len() => Answer::Choice(choice),
                Guess::Order(options) if choice < options.len() => {
                    let mut order = match self.answers.get(&key) {
                        Some(Answer::Order(order)) if order.len() < options.len() => order.clone(),
                        _ => Vec::new(),
                    };
                    if order.contains(&choice) {
                        return Vec::new();
                    }
                    order.push(choice);
                    Answer::Order(order)
                }
                _ => return Vec::new(),
            },
            CellBody::Experiment(_) => {
                self.turn_to(choice);
                return Vec::new();
            }
            CellBody::Train(_) | CellBody::Quiz(_) | CellBody::Claim(_) => return Vec::new(),
        };
        self.keep_answer(key, answer)
    }

    /// Takes back the last that was put in order.
    fn take_back(&mut self) -> Vec<Effect> {
        let Some(key) = self.focused().map(|cell| self.key_of(cell)) else { return Vec::new() };
        let Some(Answer::Order(mut order)) = self.answers.get(&key).cloned() else { return Vec::new() };
        order.pop();
        if order.is_empty() { self.forget_answer(&key) } else { self.keep_answer(key, Answer::Order(order)) }
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
