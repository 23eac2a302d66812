//! Dispatches an event to the code that handles it. The state changes nowhere else.

use crate::keys;
use crate::{Action, App, BackgroundSource, Effect, Event, Modal, RestoreState, StoreQuery};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lesson::CellBody;
use ratatui::layout::Position;

/// Lines scrolled by one step of the mouse wheel.
const WHEEL: isize = 3;

/// The message after a key on a screen that is too small for the notebook.
const TOO_SMALL: &str = "No key but q works here. What runs goes on.";

/// The message after a drag with the mouse, which selects text only while the terminal handles the mouse itself.
const SELECTING: &str = "Hold Shift while you drag to select text.";

/// Handles an event; returns what the shell has to do.
pub fn update(app: &mut App, event: Event) -> Vec<Effect> {
    let is_user_input = match &event {
        Event::Key(_) | Event::Paste(_) => true,
        Event::Mouse(mouse) => mouse.kind != MouseEventKind::Moved,
        _ => false,
    };
    // A notebook that is ended from outside deletes nothing that could still be brought back.
    let may_delete = !app.quit && !matches!(event, Event::Shutdown);
    let mut effects = handle(app, event);
    if app.quit && may_delete {
        effects.extend(app.carry_out_deletions());
    }
    if is_user_input && app.restore == RestoreState::WaitingForStore {
        app.restore = RestoreState::Done;
    }
    app.close_stale_quit_question();
    effects.extend(app.save_unfolded());
    effects.extend(app.update_runs_list());
    // Only the reader's own input starts a measurement. When the notebook opens, the store may have the outcome
    // already.
    if is_user_input && !app.quit && !app.screen.is_too_small() {
        effects.extend(app.measure_visible_plots());
        effects.extend(app.want_views_in_view());
    }
    effects.extend(app.ask_views());
    effects.retain(|effect| !matches!(effect, Effect::Query(what) if !app.pending_queries.start(*what)));
    // The height of a pane has changed, or a block has been unfolded.
    if !app.screen.is_too_small() && (app.panes() != app.view.panes || app.folds() != app.view.folds) {
        app.lay_out();
        // A run that has just started takes more rows than the offer to start it.
        if let Some(cell) = app.view.focus.filter(|_| is_user_input)
            && app.focused().is_some_and(|cell| matches!(cell.body, CellBody::Train(_)))
        {
            app.view.show_cell(cell);
        }
    }
    effects
}

fn handle(app: &mut App, event: Event) -> Vec<Effect> {
    match event {
        // The lesson is not on the screen, so keys and clicks must not act on it.
        Event::Key(key) if app.screen.is_too_small() => app.key_on_small_screen(key),
        Event::Mouse(_) | Event::Paste(_) if app.screen.is_too_small() => Vec::new(),
        Event::Opened { restore } => app.load_stored_state(restore),
        Event::OpenInside(run) => app.open_inside(run),
        Event::OpenLab { study, runs } => app.open_lab_with(study.as_deref(), &runs),
        Event::Key(key) if key.kind != KeyEventKind::Release => app.handle_key(key),
        Event::Key(_) => Vec::new(),
        Event::Mouse(mouse) => handle_mouse(app, mouse),
        Event::Paste(text) => app.paste_text(&text),
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
        Event::Terminal(reply) => {
            app.image_support.apply(reply);
            Vec::new()
        }
        Event::Link(link) => app.change_link(link),
        Event::Reply(tag, reply) => app.handle_reply(tag, reply),
        Event::Unanswered(tag, why) => app.handle_unanswered(tag, why),
        Event::Kernel(protocol::Event::Run(event)) => app.apply_run_event(&event),
        Event::Kernel(protocol::Event::Cell(event)) => app.apply_cell_event(event),
        Event::Unreadable(line) => app.report_unreadable(&line),
        Event::History(run, events) => app.load_history(run, &events),
        Event::WrongImages { run, lane, epoch, images } => app.load_wrong_images(run, lane, epoch, images),
        Event::NoSuchRun(run) => app.drop_missing_run(run),
        Event::QueryFailed(what, why) => app.query_failed(what, why),
        Event::Runs(runs) => {
            let effects = app.replace_runs(runs);
            app.refresh_palette();
            effects
        }
        Event::NewestRuns(runs) => {
            app.load_newest_runs(runs);
            app.refresh_palette();
            Vec::new()
        }
        Event::SettingsTexts(texts) => app.load_settings_texts(texts),
        Event::RunSize { run, bytes } => app.load_run_size(run, bytes),
        Event::KeptEpochs { run, lane, epochs } => app.load_kept_epochs(run, lane, epochs),
        Event::Woken => app.play_on(),
        Event::UnreadableRuns(runs) => {
            app.unreadable_runs = runs;
            Vec::new()
        }
        Event::StoredProgress(entries) => app.load_progress(entries),
        Event::Outcomes(outcomes) => {
            app.load_outcomes(outcomes);
            Vec::new()
        }
        Event::RunFindings(findings) => {
            app.run_findings = findings;
            app.lay_out_claims();
            app.pending_queries.finish(StoreQuery::RunFindings).1
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
            app.add_notice(text);
            Vec::new()
        }
        Event::StorageFault(why) => {
            app.storage_fault = why;
            app.lay_out_banner();
            Vec::new()
        }
        Event::DiskFull => app.free_disk(),
        Event::KernelSilent(message) => {
            app.kernel_silent = message;
            app.lay_out_banner();
            Vec::new()
        }
        Event::OtherVersion(sentence) => {
            app.modals.retain(|modal| !matches!(modal, Modal::OtherVersion(_)));
            app.modals.push(Modal::OtherVersion(sentence));
            Vec::new()
        }
        Event::Shutdown => {
            app.quit = true;
            app.save_position()
        }
    }
}

fn handle_mouse(app: &mut App, mouse: MouseEvent) -> Vec<Effect> {
    match mouse.kind {
        MouseEventKind::ScrollDown => app.turn_wheel(KeyCode::Down, at(mouse)),
        MouseEventKind::ScrollUp => app.turn_wheel(KeyCode::Up, at(mouse)),
        MouseEventKind::Down(MouseButton::Left) if app.press_chart(at(mouse)) => Vec::new(),
        MouseEventKind::Down(MouseButton::Left) if app.press_digit(at(mouse), false) => Vec::new(),
        MouseEventKind::Drag(MouseButton::Left) if app.press_digit(at(mouse), true) => Vec::new(),
        MouseEventKind::Down(_) => app.click(mouse.column, mouse.row),
        MouseEventKind::Drag(MouseButton::Left) => {
            if !app.drag_chart(at(mouse)) {
                app.message = Some(SELECTING.into());
            }
            Vec::new()
        }
        MouseEventKind::Up(_) => {
            app.drag = None;
            app.inside.drawing.lift();
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn at(mouse: MouseEvent) -> Position {
    Position { x: mouse.column, y: mouse.row }
}

impl App {
    fn handle_key(&mut self, key: KeyEvent) -> Vec<Effect> {
        self.message = None;
        self.view.arrived = None;
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            self.quit = true;
            return self.save_position();
        }
        // These work whatever modal is open.
        if let Some(action @ (Action::Suspend | Action::Redraw)) = keys::action(key) {
            return self.perform_action(action);
        }
        if let Some(modal) = self.modals.pop() {
            return self.modal_key(modal, key);
        }
        keys::action(key).map_or_else(Vec::new, |action| self.perform_action(action))
    }

    /// Handles a key on a screen that is too small for the lesson. Only keys that leave work.
    fn key_on_small_screen(&mut self, key: KeyEvent) -> Vec<Effect> {
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        match keys::action(key) {
            Some(Action::Quit | Action::QuitSafely) => {
                self.quit = true;
                self.save_position()
            }
            Some(action @ (Action::Suspend | Action::Redraw)) => self.perform_action(action),
            _ => {
                self.message = Some(TOO_SMALL.into());
                Vec::new()
            }
        }
    }

    /// The wheel zooms a chart that takes the keys, and moves through whatever else lies on top, as the arrows do.
    fn turn_wheel(&mut self, way: KeyCode, at: Position) -> Vec<Effect> {
        if self.zoom_under(at, way == KeyCode::Up) {
            return Vec::new();
        }
        if self.is_inside_on_top() {
            self.inside_wheel(way);
            return Vec::new();
        }
        match self.modals.pop() {
            Some(modal) => self.modal_key(modal, way.into()),
            None => self.scroll(if way == KeyCode::Down { WHEEL } else { -WHEEL }),
        }
    }
}
